/* SPDX-License-Identifier: Apache-2.0
 * DDL over a whole instance: what a transaction makes is there at once for itself, for others after its commit, and for
 * nobody after a rollback or a crash before the commit. */
#include "ddl_fixture.h"

enum { INDEX_OF_ATTRIBUTES = INDEX_ATTRIBUTE_NUMBER };

static bool file_is_there(ddl_instance *f, uint64_t file)
{
    return rdb_storage_file_exists(rdb_upkeep_storage(f->upkeep), rdb_database_pdb(f->database), file);
}

/* CREATE TABLE t (a int primary key, b text not null default ..., c bigint); INSERT; in one transaction. */
static void test_create_is_visible_to_itself_then_to_all(void **state)
{
    ddl_instance *f = *state;
    ddl_session one = ddl_begin(f, NULL), two = ddl_begin(f, NULL);
    const rdb_relation *t;
    uint32_t index_oid;
    assert_null(ddl_find(&two, "t")); /* remembered as not there, until the commit says otherwise */
    uint64_t epoch = rdb_catalog_epoch(f->database);
    uint32_t oid = ddl_create_table(&one, "t");
    assert_true(oid >= RDB_FIRST_NORMAL_OID);
    ddl_add_primary_key(&one, oid, "t_pkey", &index_oid);
    ddl_statement(&one);
    t = ddl_find(&one, "t");
    assert_non_null(t);
    assert_int_equal(t->oid, oid);
    assert_int_equal(t->column_count, 3);
    assert_string_equal(t->columns[1].name, "b");
    assert_int_equal(t->columns[1].type->oid, RDB_TEXTOID);
    assert_true(t->columns[1].not_null && t->columns[1].has_default);
    assert_string_equal(t->columns[1].default_tree, "(x)");
    assert_false(t->columns[2].not_null);
    assert_int_equal(t->index_count, 1);
    assert_true(t->indexes[0].is_primary && t->indexes[0].is_unique && t->indexes[0].oid == index_oid);
    assert_int_equal(t->constraint_count, 1);
    assert_int_equal(t->constraints[0].kind, 'p');
    assert_int_equal(t->constraints[0].index_oid, index_oid);
    assert_int_equal(t->constraints[0].columns[0], 1);
    /* psql's \d reads the rows: six system columns, three of its own. */
    assert_int_equal(ddl_rows(&one, RDB_PG_ATTRIBUTE, INDEX_OF_ATTRIBUTES, oid), 9);
    const rdb_type *row_type = ddl_type(&one, t->row_type_oid);
    assert_int_equal(row_type->kind, 'c');
    assert_int_equal(row_type->field_count, 3);
    assert_string_equal(row_type->fields[2].name, "c");
    assert_int_equal(ddl_type(&one, row_type->array_oid)->element->oid, row_type->oid);
    assert_true(ddl_insert(&one, t, 1, "one"));
    assert_false(ddl_insert(&one, t, 1, "again"));
    assert_string_equal(i_err.sqlstate, RDB_UNIQUE_VIOLATION);
    assert_string_equal(i_err.message, "duplicate key value violates unique constraint \"t_pkey\"");
    assert_string_equal(i_err.detail, "Key (a)=(1) already exists.");
    rdb_error_clear(&i_err);
    /* The other one sees nothing of it, and its statement is not disturbed. */
    ddl_statement(&two);
    assert_null(ddl_find(&two, "t"));
    assert_int_equal(rdb_catalog_epoch(f->database), epoch);
    ddl_rollback(&one);

    one = ddl_begin(f, NULL);
    assert_null(ddl_find(&one, "t"));
    oid = ddl_create_table(&one, "t");
    ddl_add_primary_key(&one, oid, "t_pkey", &index_oid);
    assert_true(ddl_insert(&one, ddl_find(&one, "t"), 1, "one"));
    ddl_commit(&one);
    assert_true(rdb_catalog_epoch(f->database) > epoch);
    assert_false(rdb_access_is_current(two.access));
    t = ddl_find(&two, "t"); /* catalogs show the latest committed state, whatever the transaction began with */
    assert_non_null(t);
    assert_int_equal(ddl_count(&two, t), 1);
    assert_true(ddl_insert(&two, t, 2, "two"));
    ddl_commit(&two);
    one = ddl_begin(f, NULL);
    assert_int_equal(ddl_count(&one, ddl_find(&one, "t")), 2);
    REFUSED(rdb_ddl_create_relation(one.access,
                                    &(rdb_relation_definition){.name = "t", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = 10, .kind = 'r', .persistence = 'p'},
                                    &oid, &i_err),
            RDB_DUPLICATE_TABLE, "relation \"t\" already exists");
    ddl_rollback(&one);
}


static void crash_uncommitted(ddl_instance *f)
{
    ddl_session session = ddl_begin(f, NULL);
    uint32_t index_oid, oid = ddl_create_table(&session, "lost");
    ddl_add_primary_key(&session, oid, "lost_pkey", &index_oid);
    MUST(ddl_insert(&session, ddl_find(&session, "lost"), 7, "seven"));
    MUST(rdb_upkeep_checkpoint(f->upkeep, 0, &i_err)); /* its rows and files are on disk */
}

static void crash_committed(ddl_instance *f)
{
    ddl_session session = ddl_begin(f, NULL);
    uint32_t index_oid, oid = ddl_create_table(&session, "kept");
    ddl_add_primary_key(&session, oid, "kept_pkey", &index_oid);
    for (int i = 0; i < 500; i++)
        MUST(ddl_insert(&session, ddl_find(&session, "kept"), i, "row"));
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    MUST(ddl_insert(&session, ddl_find(&session, "kept"), 1000, "not committed"));
}

static void test_crashes(void **state)
{
    (void)state;
    ddl_crash_after(&ddl_shared, crash_uncommitted);
    ddl_crash_after(&ddl_shared, crash_committed);
    ddl_open_database(&ddl_shared);
    ddl_session session = ddl_begin(&ddl_shared, NULL);
    assert_null(ddl_find(&session, "lost"));
    const rdb_relation *kept = ddl_find(&session, "kept");
    assert_non_null(kept);
    assert_int_equal(ddl_count(&session, kept), 500);
    assert_false(ddl_insert(&session, kept, 499, "again"));
    assert_string_equal(i_err.sqlstate, RDB_UNIQUE_VIOLATION);
    rdb_error_clear(&i_err);
    rdb_index_statistics statistics;
    MUST(rdb_index_verify(&kept->indexes[0].index, &statistics, &i_err));
    /* New objects take numbers that were never used. */
    uint32_t oid = ddl_create_table(&session, "later");
    assert_true(oid > kept->oid);
    assert_true(ddl_find(&session, "later")->file != kept->file);
    ddl_rollback(&session);
    ddl_close(&ddl_shared, false);
}

static void test_rollback_to_savepoint(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    uint32_t level, outer = ddl_create_table(&session, "outer_table");
    MUST(rdb_txn_push_level(session.txn, &level, &i_err));
    ddl_create_table(&session, "inner_table");
    MUST(rdb_ddl_rename_column(session.access, outer, 1, "renamed", &i_err));
    assert_non_null(ddl_find(&session, "inner_table"));
    assert_string_equal(ddl_find(&session, "outer_table")->columns[0].name, "renamed");
    rdb_txn_rollback_level(session.txn, level);
    ddl_statement(&session);
    assert_null(ddl_find(&session, "inner_table"));
    assert_string_equal(ddl_find(&session, "outer_table")->columns[0].name, "a");
    /* The name is free again. */
    ddl_create_table(&session, "inner_table");
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    assert_non_null(ddl_find(&session, "inner_table"));
    assert_string_equal(ddl_find(&session, "outer_table")->columns[0].name, "a");
    ddl_rollback(&session);
}

/* An index over rows that stand there already. */
static void test_build_index(void **state)
{
    ddl_instance *f = *state;
    static const int16_t both[] = {2, 1}, second[] = {2};
    ddl_session session = ddl_begin(f, NULL);
    uint32_t oid = ddl_create_table(&session, "filled");
    char text[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "n%d", i % 100);
        MUST(ddl_insert(&session, ddl_find(&session, "filled"), i, text));
    }
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    uint32_t index_oid = ddl_create_index(&session, oid, "filled_b_a", both, 2, true, false);
    MUST(rdb_ddl_build_index(session.access, index_oid, NULL, &i_err));
    rdb_index_statistics statistics;
    MUST(rdb_index_verify(&ddl_find(&session, "filled")->indexes[0].index, &statistics, &i_err));
    assert_int_equal(statistics.entries, 3000);
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    index_oid = ddl_create_index(&session, oid, "filled_b", second, 1, true, false);
    assert_false(rdb_ddl_build_index(session.access, index_oid, NULL, &i_err));
    assert_string_equal(i_err.sqlstate, RDB_UNIQUE_VIOLATION);
    assert_string_equal(i_err.message, "could not create unique index \"filled_b\"");
    assert_int_equal(strncmp(i_err.detail, "Key (b)=(n", 10), 0);
    assert_non_null(strstr(i_err.detail, ") is duplicated."));
    assert_string_equal(i_err.names[RDB_ERROR_TABLE], "filled");
    assert_string_equal(i_err.names[RDB_ERROR_CONSTRAINT], "filled_b");
    rdb_error_clear(&i_err);
    ddl_rollback(&session);
    session = ddl_begin(f, NULL);
    assert_int_equal(ddl_find(&session, "filled")->index_count, 1);
    assert_null(ddl_find(&session, "filled_b"));
    ddl_rollback(&session);
}

static void test_truncate(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    uint32_t index_oid, oid = ddl_create_table(&session, "emptied");
    ddl_add_primary_key(&session, oid, "emptied_pkey", &index_oid);
    MUST(ddl_insert(&session, ddl_find(&session, "emptied"), 1, "one"));
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    uint64_t file = ddl_find(&session, "emptied")->file;
    MUST(rdb_ddl_new_files(session.access, oid, true, &i_err));
    ddl_statement(&session);
    const rdb_relation *emptied = ddl_find(&session, "emptied");
    assert_true(emptied->file != file && emptied->table.file == emptied->file);
    assert_int_equal(ddl_count(&session, emptied), 0);
    MUST(ddl_insert(&session, emptied, 1, "other"));
    MUST(ddl_insert(&session, emptied, 2, "two"));
    assert_int_equal(ddl_count(&session, emptied), 2);
    ddl_rollback(&session);
    session = ddl_begin(f, NULL);
    assert_true(ddl_find(&session, "emptied")->file == file);
    assert_int_equal(ddl_count(&session, ddl_find(&session, "emptied")), 1);
    MUST(rdb_ddl_new_files(session.access, oid, true, &i_err));
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    assert_int_equal(ddl_count(&session, ddl_find(&session, "emptied")), 0);
    assert_true(file_is_there(f, ddl_find(&session, "emptied")->file));
    MUST(ddl_insert(&session, ddl_find(&session, "emptied"), 1, "one"));
    ddl_rollback(&session);
}

static void test_alterations(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL), other;
    uint32_t oid = ddl_create_table(&session, "changing");
    int16_t number;
    MUST(ddl_insert(&session, ddl_find(&session, "changing"), 1, "before"));
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    other = ddl_begin(f, NULL);
    const rdb_relation *before = ddl_find(&other, "changing");
    rdb_column_definition column = {.name = "d", .type = ddl_type(&session, RDB_INT4OID), .typmod = -1, .not_null = true, .has_missing = true,
                                    .missing_value = {.i32 = 42}, .default_tree = "(42)"};
    MUST(rdb_ddl_add_column(session.access, oid, &column, &number, &i_err));
    assert_int_equal(number, 4);
    column = (rdb_column_definition){.name = "e", .type = ddl_type(&session, RDB_TEXTOID), .typmod = -1, .has_missing = true,
                                     .missing_value = datum_text("fill"), .collation = RDB_DEFAULT_COLLATION_OID};
    MUST(rdb_ddl_add_column(session.access, oid, &column, &number, &i_err));
    MUST(rdb_ddl_drop_column(session.access, oid, 3, &i_err));
    MUST(rdb_ddl_rename_column(session.access, oid, 1, "id", &i_err));
    MUST(rdb_ddl_set_not_null(session.access, oid, 2, false, &i_err));
    MUST(rdb_ddl_set_default(session.access, oid, 2, NULL, &i_err));
    MUST(rdb_ddl_set_default(session.access, oid, 5, "(new)", &i_err));
    MUST(rdb_ddl_rename_relation(session.access, oid, "changed", &i_err));
    REFUSED(rdb_ddl_rename_column(session.access, oid, 1, "b", &i_err), RDB_DUPLICATE_COLUMN, "column \"b\" of relation \"changed\" already exists");
    ddl_statement(&session);
    assert_null(ddl_find(&session, "changing"));
    const rdb_relation *after = ddl_find(&session, "changed");
    assert_non_null(after);
    /* The row that stood there reads what the new columns say of older rows. */
    rdb_vector stores[5], *vectors[5];
    static const int16_t columns[] = {1, 2, 4, 5};
    static const rdb_rep reps[] = {RDB_REP_INT32, RDB_REP_BYTES, RDB_REP_INT32, RDB_REP_BYTES};
    rdb_arena *arena = rdb_arena_create("rows", NULL, NULL);
    rdb_table_scan *scan;
    rdb_snapshot snapshot;
    uint32_t count;
    for (int i = 0; i < 4; i++) {
        vectors[i] = &stores[i];
        MUST(rdb_vector_init(vectors[i], arena, reps[i], 4, &i_err));
    }
    rdb_txn_take_snapshot(session.txn, &snapshot);
    MUST(rdb_table_scan_open(&scan, &after->table, session.txn, &snapshot, columns, 4, 0, UINT64_MAX, arena, &i_err));
    MUST(rdb_table_scan_next(scan, 4, arena, vectors, NULL, NULL, &count, &i_err));
    assert_int_equal(count, 1);
    assert_int_equal(RDB_VALUES(vectors[0], int32_t)[0], 1);
    assert_memory_equal(RDB_VALUES(vectors[1], rdb_bytes)[0].data, "before", 6);
    assert_int_equal(RDB_VALUES(vectors[2], int32_t)[0], 42);
    assert_int_equal(RDB_VALUES(vectors[3], rdb_bytes)[0].length, 4);
    assert_memory_equal(RDB_VALUES(vectors[3], rdb_bytes)[0].data, "fill", 4);
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(arena);
    assert_string_equal(after->columns[0].name, "id");
    assert_true(after->columns[2].is_dropped);
    assert_false(after->columns[1].not_null || after->columns[1].has_default);
    assert_string_equal(after->columns[4].default_tree, "(new)");
    assert_string_equal(ddl_type(&session, after->row_type_oid)->name, "changed");
    /* What the other session holds stays as it was. */
    assert_int_equal(before->column_count, 3);
    assert_string_equal(before->columns[0].name, "a");
    ddl_commit(&session);
    ddl_statement(&other);
    assert_null(ddl_find(&other, "changing"));
    assert_int_equal(ddl_find(&other, "changed")->column_count, 5);
    ddl_rollback(&other);
}

static void test_names_and_places(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    static const char *const labels[] = {"sad", "ok", "happy"};
    uint32_t schema, oid, index_oid, mood, role;
    MUST(rdb_ddl_create_namespace(session.access, "s", RDB_ROLE_ADMIN_OID, &schema, &i_err));
    REFUSED(rdb_ddl_create_namespace(session.access, "s", RDB_ROLE_ADMIN_OID, &schema, &i_err), RDB_DUPLICATE_SCHEMA, "schema \"s\" already exists");
    MUST(rdb_namespace_find(session.access, "s", &schema, &i_err));
    oid = ddl_create_table(&session, "moving");
    ddl_add_primary_key(&session, oid, "moving_pkey", &index_oid);
    MUST(rdb_ddl_rename_relation(session.access, index_oid, "moving_key", &i_err)); /* the constraint goes by the same name */
    assert_string_equal(ddl_find(&session, "moving")->constraints[0].name, "moving_key");
    MUST(rdb_ddl_rename_relation(session.access, index_oid, "moving_pkey", &i_err));
    MUST(rdb_ddl_set_namespace(session.access, oid, schema, &i_err));
    MUST(rdb_ddl_create_enum(session.access, "mood", RDB_NAMESPACE_PUBLIC, RDB_ROLE_ADMIN_OID, labels, 3, &mood, &i_err));
    MUST(rdb_ddl_comment(session.access, (rdb_object_address){RDB_PG_CLASS, oid, 0}, "a table", &i_err));
    MUST(rdb_ddl_comment(session.access, (rdb_object_address){RDB_PG_CLASS, oid, 0}, "another", &i_err));
    const rdb_role_definition ann = {.name = "ann", .can_login = true, .inherits = true, .connection_limit = -1};
    MUST(rdb_ddl_create_role(session.access, &ann, &role, &i_err));
    REFUSED(rdb_ddl_create_role(session.access, &ann, &role, &i_err), RDB_DUPLICATE_OBJECT, "role \"ann\" already exists");
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    const rdb_relation *moved;
    const rdb_type *type;
    rdb_role found_role;
    bool found;
    assert_null(ddl_find(&session, "moving"));
    MUST(rdb_relation_find(session.access, "s", "moving", &moved, &i_err));
    assert_non_null(moved);
    assert_string_equal(moved->namespace_name, "s");
    MUST(rdb_relation_find(session.access, "s", "moving_pkey", &moved, &i_err));
    assert_non_null(moved);
    MUST(rdb_type_find(session.access, NULL, "mood", &type, &i_err));
    assert_int_equal(type->label_count, 3);
    assert_string_equal(type->labels[2], "happy");
    assert_int_equal(ddl_rows(&session, RDB_PG_DESCRIPTION, INDEX_DESCRIPTION, oid), 1);
    MUST(rdb_role_find(f->catalog, "ann", &found_role, &found, &i_err));
    assert_true(found && found_role.can_login && !found_role.is_superuser && found_role.oid >= RDB_FIRST_NORMAL_OID);
    MUST(rdb_ddl_set_owner(session.access, RDB_PG_CLASS, oid, found_role.oid, &i_err));
    REFUSED(rdb_ddl_drop_role(session.access, found_role.oid, &i_err), RDB_DEPENDENT_OBJECTS_STILL_EXIST,
            "role \"ann\" cannot be dropped because some objects depend on it");
    MUST(rdb_ddl_set_owner(session.access, RDB_PG_CLASS, oid, RDB_ROLE_ADMIN_OID, &i_err));
    MUST(rdb_ddl_drop_role(session.access, found_role.oid, &i_err));
    ddl_commit(&session);
    MUST(rdb_role_find(f->catalog, "ann", &found_role, &found, &i_err));
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_is_visible_to_itself_then_to_all, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test_setup_teardown(test_rollback_to_savepoint, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_build_index, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_truncate, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_alterations, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_names_and_places, ddl_open_shared, ddl_close_shared),
    };
    return cmocka_run_group_tests(tests, ddl_make_shared, ddl_remove_shared);
}
