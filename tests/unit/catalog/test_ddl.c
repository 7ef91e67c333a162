/* SPDX-License-Identifier: Apache-2.0
 * DDL: what is made is seen at once by its transaction, by others after the commit, never after an abort; rows, indexes,
 * dependencies and messages are PostgreSQL's. */
#include "fixture.h"

static uint32_t make_table(session *s, const char *name)
{
    const rdb_column_definition columns[] = {
        {.name = "id", .type = objects_type_get(RDB_INT4OID), .typmod = -1, .not_null = true},
        {.name = "note", .type = objects_type_get(RDB_TEXTOID), .typmod = -1, .collation = RDB_DEFAULT_COLLATION_OID, .default_tree = "{default}"},
    };
    const rdb_relation_definition definition = {.name = name, .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID,
                                                .kind = 'r', .persistence = 'p', .columns = columns, .column_count = 2};
    uint32_t oid;
    MUST(s->f, rdb_ddl_create_relation(s->access, &definition, &oid, &s->f->err));
    return oid;
}

static uint32_t make_index(session *s, uint32_t table_oid, const char *name, int16_t column, bool is_unique)
{
    const rdb_relation *table;
    MUST(s->f, rdb_relation_get(s->access, table_oid, &table, &s->f->err));
    const rdb_type *type = table->columns[column - 1].type;
    uint32_t opclass, oid;
    MUST(s->f, rdb_opclass_default(s->access, type->oid, &opclass, &s->f->err));
    const rdb_index_column key = {.column_number = column, .type = type, .collation = table->columns[column - 1].collation, .opclass_oid = opclass};
    const char *const names[] = {table->columns[column - 1].name};
    const rdb_index_definition definition = {.name = name, .table_oid = table_oid, .is_unique = is_unique, .is_immediate = true,
                                             .columns = &key, .key_count = 1, .column_count = 1, .column_names = names};
    MUST(s->f, rdb_ddl_create_index(s->access, &definition, &oid, &s->f->err));
    return oid;
}

static const rdb_relation *find(session *s, const char *name)
{
    const rdb_relation *relation;
    MUST(s->f, rdb_relation_find(s->access, NULL, name, &relation, &s->f->err));
    return relation;
}

static bool insert_row(session *s, const rdb_relation *table, int32_t id, const char *note, rdb_row_address *address)
{
    rdb_snapshot snapshot;
    rdb_datum values[8] = {{.i32 = id}, datum_text(note != NULL ? note : "")};
    bool is_null[8] = {false, note == NULL, true, true, true, true, true, true};
    rdb_txn_take_snapshot(s->txn, &snapshot);
    const rdb_row_writer writer = {.txn = s->txn, .snapshot = &snapshot, .relation = table, .arena = s->f->arena};
    return rdb_row_insert(&writer, values, is_null, NULL, RDB_CONFLICT_ERROR, address, NULL, &s->f->err);
}

static void test_tables_come_and_go(void **state)
{
    instance f;
    (void)state;
    instance_begin(&f);
    session other = session_begin(&f), s = session_begin(&f);
    assert_null(find(&other, "t"));
    uint32_t oid = make_table(&s, "t");
    const rdb_relation *table = find(&s, "t"); /* its own change is seen at once */
    assert_non_null(table);
    assert_int_equal(table->oid, oid);
    assert_int_equal(table->column_count, 2);
    assert_true(table->columns[0].not_null);
    assert_string_equal(table->columns[1].default_tree, "{default}");
    assert_int_equal(table->table.layout_count, 1);
    assert_string_equal(table->namespace_name, "public");
    session_access(&other);
    assert_null(find(&other, "t"));
    uint64_t epoch = rdb_catalog_epoch(f.database);
    session_commit(&s);
    assert_true(rdb_catalog_epoch(f.database) > epoch);
    assert_false(rdb_access_is_current(other.access));
    session_access(&other);
    assert_non_null(find(&other, "t"));
    const rdb_type *row_type;
    MUST(&f, rdb_type_find(other.access, NULL, "t", &row_type, &f.err));
    assert_int_equal(row_type->field_count, 2);
    MUST(&f, rdb_type_find(other.access, NULL, "_t", &row_type, &f.err));
    assert_string_equal(row_type->element->name, "t");
    /* An abort leaves nothing. */
    s = session_begin(&f);
    make_table(&s, "gone");
    assert_non_null(find(&s, "gone"));
    session_abort(&s);
    session_access(&other);
    assert_null(find(&other, "gone"));
    /* Nor does a savepoint that is rolled back. */
    s = session_begin(&f);
    uint32_t level;
    MUST(&f, rdb_txn_push_level(s.txn, &level, &f.err));
    make_table(&s, "inner");
    rdb_txn_rollback_level(s.txn, level);
    assert_null(find(&s, "inner"));
    const rdb_relation_definition again = {.name = "t", .namespace_oid = RDB_NAMESPACE_PUBLIC, .kind = 'r', .persistence = 'p'};
    MUST_FAIL(&f, RDB_DUPLICATE_TABLE, rdb_ddl_create_relation(s.access, &again, &oid, &f.err));
    session_abort(&s);
    session_abort(&other);
    instance_close(&f);
    instance_open(&f); /* after a crash */
    s = session_begin(&f);
    assert_non_null(find(&s, "t"));
    assert_null(find(&s, "gone"));
    session_abort(&s);
    instance_end(&f);
}

static void test_rows_and_indexes(void **state)
{
    instance f;
    rdb_row_address address;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    uint32_t oid = make_table(&s, "t");
    for (int32_t i = 0; i < 500; i++)
        assert_true(insert_row(&s, find(&s, "t"), i, "x", &address));
    uint32_t index_oid = make_index(&s, oid, "t_id", 1, true);
    MUST(&f, rdb_ddl_build_index(s.access, index_oid, NULL, &f.err));
    const rdb_relation *table = find(&s, "t");
    assert_int_equal(table->index_count, 1);
    assert_true(table->indexes[0].is_unique);
    rdb_index_statistics statistics;
    MUST(&f, rdb_index_verify(&table->indexes[0].index, &statistics, &f.err));
    assert_int_equal(statistics.entries, 500);
    assert_true(insert_row(&s, table, 500, "y", &address));
    assert_false(insert_row(&s, table, 7, "again", &address));
    assert_string_equal(f.err.sqlstate, RDB_UNIQUE_VIOLATION);
    assert_string_equal(f.err.message, "duplicate key value violates unique constraint \"t_id\"");
    assert_string_equal(f.err.detail, "Key (id)=(7) already exists.");
    rdb_error_clear(&f.err);
    session_abort(&s);
    s = session_begin(&f);
    oid = make_table(&s, "t");
    assert_true(insert_row(&s, find(&s, "t"), 1, "x", &address) && insert_row(&s, find(&s, "t"), 1, "y", &address));
    index_oid = make_index(&s, oid, "t_id", 1, true);
    assert_false(rdb_ddl_build_index(s.access, index_oid, NULL, &f.err));
    assert_string_equal(f.err.message, "could not create unique index \"t_id\"");
    assert_string_equal(f.err.detail, "Key (id)=(1) is duplicated.");
    rdb_error_clear(&f.err);
    session_abort(&s);
    instance_end(&f);
}

static void test_columns_and_layouts(void **state)
{
    instance f;
    rdb_row_address first, second;
    int16_t number;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    uint32_t oid = make_table(&s, "t");
    assert_true(insert_row(&s, find(&s, "t"), 1, "old", &first));
    const rdb_column_definition added = {.name = "extra", .type = objects_type_get(RDB_INT8OID), .typmod = -1, .has_missing = true,
                                         .missing_value = {.i64 = 77}};
    MUST(&f, rdb_ddl_add_column(s.access, oid, &added, &number, &f.err));
    assert_int_equal(number, 3);
    MUST(&f, rdb_ddl_drop_column(s.access, oid, 2, &f.err));
    const rdb_relation *table = find(&s, "t");
    assert_int_equal(table->column_count, 3);
    assert_true(table->columns[1].is_dropped);
    assert_string_equal(table->columns[1].name, "........pg.dropped.2........");
    assert_int_equal(table->table.layout_count, 3);
    assert_int_equal(table->table.layouts[2]->slots[1], -1);
    assert_true(insert_row(&s, table, 2, NULL, &second));
    /* The old row reads the value it was told for the new column, the new one its own NULL. */
    rdb_snapshot snapshot;
    rdb_vector storage[2], *vectors[2] = {&storage[0], &storage[1]};
    const int16_t columns[] = {1, 3};
    const rdb_row_address addresses[] = {first, second};
    bool found[2], recheck[2];
    rdb_row_version versions[2];
    MUST(&f, rdb_vector_init(vectors[0], f.arena, RDB_REP_INT32, 2, &f.err) && rdb_vector_init(vectors[1], f.arena, RDB_REP_INT64, 2, &f.err));
    rdb_txn_take_snapshot(s.txn, &snapshot);
    MUST(&f, rdb_table_fetch(&table->table, s.txn, &snapshot, addresses, 2, columns, 2, f.arena, vectors, found, recheck, versions, &f.err));
    assert_true(found[0] && found[1]);
    assert_int_equal(RDB_AT(vectors[1], int64_t, 0), 77);
    assert_true(rdb_vector_is_null(vectors[1], 1));
    MUST(&f, rdb_ddl_rename_column(s.access, oid, 3, "more", &f.err));
    MUST(&f, rdb_ddl_set_not_null(s.access, oid, 1, false, &f.err));
    MUST_FAIL(&f, RDB_DUPLICATE_COLUMN, rdb_ddl_rename_column(s.access, oid, 3, "id", &f.err));
    MUST(&f, rdb_ddl_rename_relation(s.access, oid, "u", &f.err));
    table = find(&s, "u");
    assert_string_equal(table->columns[2].name, "more");
    assert_false(table->columns[0].not_null);
    assert_null(find(&s, "t"));
    uint64_t file = table->file;
    MUST(&f, rdb_ddl_new_files(s.access, oid, true, &f.err));
    assert_true(find(&s, "u")->file != file);
    MUST(&f, rdb_ddl_set_statistics(s.access, oid, 12, 345, 5, &f.err));
    session_commit(&s);
    s = session_begin(&f);
    assert_int_equal((int)find(&s, "u")->tuples, 345);
    const uint64_t epoch = rdb_catalog_epoch(f.database);
    MUST(&f, rdb_ddl_set_statistics(s.access, oid, 13, 346, 5, &f.err));
    session_commit(&s);
    s = session_begin(&f);
    assert_int_equal((int)find(&s, "u")->tuples, 346);
    assert_true(rdb_catalog_epoch(f.database) == epoch); /* plans stay */
    session_abort(&s);
    instance_end(&f);
}

static char notices[1024];
static void take_notice(void *context, const char *text)
{
    (void)context;
    snprintf(notices, sizeof notices, "%s", text);
}

static void test_dependencies(void **state)
{
    instance f;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    const uint32_t rows_before = count_rows(&s, RDB_PG_CLASS), types_before = count_rows(&s, RDB_PG_TYPE),
                   attributes_before = count_rows(&s, RDB_PG_ATTRIBUTE);
    uint32_t parent = make_table(&s, "parent"), child = make_table(&s, "child"), view, constraint;
    uint32_t parent_index = make_index(&s, parent, "parent_pkey", 1, true);
    const int16_t columns[] = {1};
    const rdb_constraint_definition primary = {.name = "parent_pkey", .kind = 'p', .relation_oid = parent, .namespace_oid = RDB_NAMESPACE_PUBLIC,
                                               .index_oid = parent_index, .is_validated = true, .columns = columns, .column_count = 1};
    MUST(&f, rdb_ddl_create_constraint(s.access, &primary, &constraint, &f.err));
    const uint32_t equality[] = {96};
    const rdb_constraint_definition foreign = {.name = "child_id_fkey", .kind = 'f', .relation_oid = child, .namespace_oid = RDB_NAMESPACE_PUBLIC,
                                               .index_oid = parent_index, .is_validated = true, .columns = columns, .column_count = 1,
                                               .foreign_relation_oid = parent, .foreign_columns = columns, .equality_operators = equality,
                                               .on_update = 'a', .on_delete = 'c', .match = 's'};
    uint32_t foreign_oid;
    MUST(&f, rdb_ddl_create_constraint(s.access, &foreign, &foreign_oid, &f.err));
    const rdb_column_definition column = {.name = "id", .type = objects_type_get(RDB_INT4OID), .typmod = -1};
    const rdb_relation_definition view_definition = {.name = "v", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'v',
                                                     .persistence = 'p', .columns = &column, .column_count = 1, .view_tree = "{view}",
                                                     .depends_on = &parent, .depends_count = 1};
    MUST(&f, rdb_ddl_create_relation(s.access, &view_definition, &view, &f.err));
    assert_string_equal(find(&s, "v")->view_tree, "{view}");
    const rdb_relation *table = find(&s, "parent");
    assert_int_equal(table->constraint_count, 1);
    assert_int_equal(table->referrer_count, 1);
    assert_string_equal(table->referrers[0].name, "child_id_fkey");
    assert_int_equal(table->referrers[0].on_delete, 'c');
    assert_int_equal(find(&s, "child")->constraints[0].foreign_relation_oid, parent);
    assert_int_equal(find(&s, "child")->constraints[0].foreign_columns[0], 1);

    const rdb_object_address parent_object = {RDB_PG_CLASS, parent, 0}, index_object = {RDB_PG_CLASS, parent_index, 0};
    assert_false(rdb_ddl_drop(s.access, &parent_object, 1, false, take_notice, NULL, &f.err));
    assert_string_equal(f.err.sqlstate, RDB_DEPENDENT_OBJECTS_STILL_EXIST);
    assert_string_equal(f.err.message, "cannot drop table parent because other objects depend on it");
    assert_non_null(strstr(f.err.detail, "constraint child_id_fkey on table child depends on table parent"));
    assert_non_null(strstr(f.err.detail, "view v depends on table parent"));
    assert_string_equal(f.err.hint, "Use DROP ... CASCADE to drop the dependent objects too.");
    rdb_error_clear(&f.err);
    assert_false(rdb_ddl_drop(s.access, &index_object, 1, false, take_notice, NULL, &f.err));
    assert_string_equal(f.err.message, "cannot drop index parent_pkey because constraint parent_pkey on table parent requires it");
    assert_string_equal(f.err.hint, "You can drop constraint parent_pkey on table parent instead.");
    rdb_error_clear(&f.err);

    MUST(&f, rdb_ddl_drop(s.access, &parent_object, 1, true, take_notice, NULL, &f.err));
    assert_non_null(strstr(notices, "drop cascades to 2 other objects\n"));
    assert_non_null(strstr(notices, "drop cascades to view v"));
    assert_null(find(&s, "parent"));
    assert_null(find(&s, "v"));
    assert_non_null(find(&s, "child"));
    assert_int_equal(find(&s, "child")->constraint_count, 0);
    const rdb_object_address child_object = {RDB_PG_CLASS, child, 0};
    MUST(&f, rdb_ddl_drop(s.access, &child_object, 1, false, take_notice, NULL, &f.err));
    /* Nothing is left of any of them. */
    assert_int_equal(count_rows(&s, RDB_PG_CLASS), rows_before);
    assert_int_equal(count_rows(&s, RDB_PG_TYPE), types_before);
    assert_int_equal(count_rows(&s, RDB_PG_ATTRIBUTE), attributes_before);
    static const uint32_t empty[] = {RDB_PG_DEPEND, RDB_PG_ATTRDEF, RDB_PG_REWRITE, RDB_LAYOUT};
    for (size_t i = 0; i < RDB_COUNT_OF(empty); i++)
        assert_int_equal(count_rows(&s, empty[i]), 0);
    session_commit(&s);
    instance_end(&f);
}

static void test_sequences(void **state)
{
    instance f;
    uint32_t oid;
    int64_t value;
    bool is_called;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    rdb_sequence_definition definition = {.name = "s", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .type_oid = RDB_INT8OID,
                                          .start = 5, .increment = 2, .minimum = 1, .maximum = 1000, .cache = 1, .persistence = 'p'};
    MUST(&f, rdb_ddl_create_sequence(s.access, &definition, &oid, &f.err));
    for (int64_t expected = 5; expected < 105; expected += 2) {
        MUST(&f, rdb_sequence_next(s.access, oid, &value, &f.err));
        assert_int_equal(value, expected);
    }
    session_commit(&s);
    s = session_begin(&f); /* not transactional: an abort gives nothing back */
    MUST(&f, rdb_sequence_next(s.access, oid, &value, &f.err));
    assert_int_equal(value, 105);
    session_abort(&s);
    instance_close(&f);
    instance_open(&f); /* a clean close lost nothing */
    s = session_begin(&f);
    MUST(&f, rdb_sequence_get(s.access, oid, &value, &is_called, &f.err));
    assert_int_equal(value, 105);
    assert_true(is_called);
    MUST(&f, rdb_sequence_next(s.access, oid, &value, &f.err));
    assert_int_equal(value, 107);
    MUST(&f, rdb_sequence_set(s.access, oid, 999, true, &f.err));
    assert_false(rdb_sequence_next(s.access, oid, &value, &f.err));
    assert_string_equal(f.err.sqlstate, RDB_SEQUENCE_LIMIT_EXCEEDED);
    assert_string_equal(f.err.message, "nextval: reached maximum value of sequence \"s\" (1000)");
    rdb_error_clear(&f.err);
    MUST_FAIL(&f, RDB_NUMERIC_VALUE_OUT_OF_RANGE, rdb_sequence_set(s.access, oid, 1001, true, &f.err));
    MUST(&f, rdb_sequence_set(s.access, oid, 10, false, &f.err));
    MUST(&f, rdb_sequence_next(s.access, oid, &value, &f.err));
    assert_int_equal(value, 10);
    definition.name = "c";
    definition.cycles = true;
    definition.start = 999;
    MUST(&f, rdb_ddl_create_sequence(s.access, &definition, &oid, &f.err));
    MUST(&f, rdb_sequence_next(s.access, oid, &value, &f.err));
    MUST(&f, rdb_sequence_next(s.access, oid, &value, &f.err));
    assert_int_equal(value, 1);
    session_commit(&s);
    instance_end(&f);
}

static void test_roles_schemas_enums(void **state)
{
    instance f;
    uint32_t oid;
    rdb_role role;
    bool found;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    const rdb_role_definition definition = {.name = "ann", .inherits = true, .can_login = true, .connection_limit = -1, .verifier = "SCRAM"};
    MUST(&f, rdb_ddl_create_role(s.access, &definition, &oid, &f.err));
    MUST_FAIL(&f, RDB_DUPLICATE_OBJECT, rdb_ddl_create_role(s.access, &definition, &oid, &f.err));
    MUST(&f, rdb_role_find(f.catalog, "ann", &role, &found, &f.err));
    assert_false(found); /* not committed */
    session_commit(&s);
    MUST(&f, rdb_role_find(f.catalog, "ann", &role, &found, &f.err));
    assert_true(found && role.can_login && !role.is_superuser);
    assert_string_equal(role.verifier, "SCRAM");
    s = session_begin(&f);
    uint32_t schema_oid, enum_oid;
    MUST(&f, rdb_ddl_create_namespace(s.access, "app", role.oid, &schema_oid, &f.err));
    MUST_FAIL(&f, RDB_DUPLICATE_SCHEMA, rdb_ddl_create_namespace(s.access, "app", role.oid, &schema_oid, &f.err));
    MUST(&f, rdb_namespace_find(s.access, "app", &schema_oid, &f.err));
    assert_int_not_equal(schema_oid, 0);
    assert_false(rdb_ddl_drop_role(s.access, role.oid, &f.err));
    assert_string_equal(f.err.message, "role \"ann\" cannot be dropped because some objects depend on it");
    assert_string_equal(f.err.detail, "owner of schema app");
    rdb_error_clear(&f.err);
    const char *const labels[] = {"sad", "ok", "happy"};
    MUST(&f, rdb_ddl_create_enum(s.access, "mood", schema_oid, RDB_ROLE_ADMIN_OID, labels, 3, &enum_oid, &f.err));
    const rdb_type *mood;
    MUST(&f, rdb_type_find(s.access, "app", "mood", &mood, &f.err));
    assert_int_equal(mood->label_count, 3);
    assert_string_equal(mood->labels[2], "happy");
    MUST(&f, rdb_type_find(s.access, NULL, "mood", &mood, &f.err));
    assert_null(mood); /* not in the search path */
    const rdb_object_address schema = {RDB_PG_NAMESPACE, schema_oid, 0};
    MUST_FAIL(&f, RDB_DEPENDENT_OBJECTS_STILL_EXIST, rdb_ddl_drop(s.access, &schema, 1, false, NULL, NULL, &f.err));
    MUST(&f, rdb_ddl_drop(s.access, &schema, 1, true, take_notice, NULL, &f.err));
    assert_non_null(strstr(notices, "drop cascades to type"));
    MUST(&f, rdb_ddl_drop_role(s.access, role.oid, &f.err));
    session_commit(&s);
    MUST(&f, rdb_role_find(f.catalog, "ann", &role, &found, &f.err));
    assert_false(found);
    instance_end(&f);
}

/* A temporary table hides others of its name; "pg_temp" is the session's own schema. */
static void test_temporary_schema(void **state)
{
    instance f;
    uint32_t temp, hidden, shown, count;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    MUST(&f, rdb_ddl_create_namespace(s.access, "pg_temp_7", RDB_ROLE_ADMIN_OID, &temp, &f.err));
    hidden = make_table(&s, "t");
    const rdb_column_definition column = {.name = "x", .type = objects_type_get(RDB_INT4OID), .typmod = -1};
    const rdb_relation_definition definition = {.name = "t", .namespace_oid = temp, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r', .persistence = 't',
                                                .columns = &column, .column_count = 1};
    MUST(&f, rdb_ddl_create_relation(s.access, &definition, &shown, &f.err));
    assert_int_equal(find(&s, "t")->oid, hidden); /* another session's */
    rdb_access_end(&s.access);
    rdb_access_context context = {.catalog = f.catalog, .database = f.database, .txn = s.txn, .role_name = "admin", .search_path = "public",
                                  .temp_namespace_oid = temp};
    MUST(&f, rdb_access_begin(&s.access, &context, &f.err));
    assert_int_equal(find(&s, "t")->oid, shown);
    const rdb_relation *relation;
    MUST(&f, rdb_relation_find(s.access, "pg_temp", "t", &relation, &f.err));
    assert_int_equal(relation->oid, shown);
    assert_int_equal(relation->table.undo_class, RDB_UNDO_TEMPORARY);
    rdb_row_address address;
    assert_true(insert_row(&s, relation, 1, NULL, &address));
    bool visible;
    MUST(&f, rdb_relation_is_visible(s.access, hidden, &visible, &f.err));
    assert_false(visible);
    const uint32_t *path = rdb_access_search_path(s.access, &count);
    assert_int_equal(count, 3);
    assert_int_equal(path[0], temp);
    assert_int_equal(path[1], RDB_NAMESPACE_PG_CATALOG);
    rdb_access_end(&s.access);
    context.search_path = "public, pg_temp";
    MUST(&f, rdb_access_begin(&s.access, &context, &f.err));
    assert_int_equal(find(&s, "t")->oid, hidden);
    session_abort(&s);
    instance_end(&f);
}

static void test_databases(void **state)
{
    instance f;
    rdb_row_address address;
    rdb_database *copy = NULL, *original = NULL;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    uint32_t oid = make_table(&s, "t");
    uint32_t index_oid = make_index(&s, oid, "t_id", 1, true);
    (void)index_oid;
    for (int32_t i = 0; i < 300; i++)
        assert_true(insert_row(&s, find(&s, "t"), i, "x", &address));
    uint32_t functions = count_rows(&s, RDB_PG_PROC);
    session_commit(&s);
    MUST(&f, rdb_database_create(f.catalog, "copy", "rustydb", RDB_ROLE_ADMIN_OID, &f.err));
    MUST_FAIL(&f, RDB_DUPLICATE_DATABASE, rdb_database_create(f.catalog, "copy", "rustydb", RDB_ROLE_ADMIN_OID, &f.err));
    MUST_FAIL(&f, RDB_INVALID_CATALOG_NAME, rdb_database_create(f.catalog, "other", "nowhere", RDB_ROLE_ADMIN_OID, &f.err));
    MUST(&f, rdb_database_open(f.catalog, "copy", &copy, &f.err));
    original = f.database;
    f.database = copy;
    s = session_begin(&f);
    const rdb_relation *table = find(&s, "t");
    assert_non_null(table);
    assert_int_equal(table->table.pdb, rdb_database_pdb(copy));
    assert_int_equal(count_rows(&s, RDB_PG_PROC), functions);
    rdb_index_statistics statistics;
    MUST(&f, rdb_index_verify(&table->indexes[0].index, &statistics, &f.err));
    assert_int_equal(statistics.entries, 300);
    assert_false(insert_row(&s, table, 299, "again", &address));
    rdb_error_clear(&f.err);
    assert_true(insert_row(&s, table, 300, "new", &address));
    session_commit(&s);
    MUST_FAIL(&f, RDB_OBJECT_IN_USE, rdb_database_drop(f.catalog, "copy", false, &f.err));
    f.database = original;
    rdb_database_close(&copy);
    MUST(&f, rdb_database_drop(f.catalog, "copy", false, &f.err));
    MUST_FAIL(&f, RDB_INVALID_CATALOG_NAME, rdb_database_open(f.catalog, "copy", &copy, &f.err));
    MUST_FAIL(&f, RDB_INVALID_CATALOG_NAME, rdb_database_drop(f.catalog, "copy", false, &f.err));
    MUST(&f, rdb_database_drop(f.catalog, "copy", true, &f.err));
    MUST_FAIL(&f, RDB_WRONG_OBJECT_TYPE, rdb_database_drop(f.catalog, "template1", false, &f.err));
    instance_end(&f);
}

static uint32_t find_operator(session *s, const char *name)
{
    const rdb_operator_entry *const *found;
    uint32_t count;
    MUST(s->f, rdb_operator_find(s->access, NULL, name, &found, &count, &s->f->err));
    assert_true(count <= 1);
    return count == 1 ? found[0]->oid : 0;
}

static const rdb_operator_entry *get_operator(session *s, uint32_t oid)
{
    const rdb_operator_entry *entry;
    MUST(s->f, rdb_operator_get(s->access, oid, &entry, &s->f->err));
    return entry;
}

static const rdb_cast_entry *find_cast(session *s, uint32_t source, uint32_t target)
{
    const rdb_cast_entry *cast;
    MUST(s->f, rdb_cast_find(s->access, source, target, &cast, &s->f->err));
    return cast;
}

static void test_operators_and_casts(void **state)
{
    instance f;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f), other = session_begin(&f);
    const uint32_t operators = count_rows(&s, RDB_PG_OPERATOR), casts = count_rows(&s, RDB_PG_CAST), depends = count_rows(&s, RDB_PG_DEPEND);
    assert_int_equal(find_operator(&s, "<%%>"), 0); /* remembered as missing */
    assert_int_equal(find_operator(&other, "<%%>"), 0);

    /* 65, 66: int4eq, int4lt. */
    rdb_operator_definition definition = {.name = "<%%>", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .left_type = RDB_INT4OID,
                                          .right_type = RDB_INT4OID, .result_type = RDB_BOOLOID, .function_oid = 65};
    uint32_t first = 0, second = 0, cast_oid;
    MUST(&f, rdb_ddl_write_operator(s.access, &definition, &first, &f.err));
    definition.name = "<%%%>";
    definition.function_oid = 66;
    definition.commutator_oid = first;
    MUST(&f, rdb_ddl_write_operator(s.access, &definition, &second, &f.err));
    const rdb_cast_entry cast = {.source = RDB_DATEOID, .target = RDB_INT4OID, .context = 'e', .method = 'i'};
    MUST(&f, rdb_ddl_create_cast(s.access, &cast, &cast_oid, &f.err));
    MUST_FAIL(&f, RDB_DUPLICATE_OBJECT, rdb_ddl_create_cast(s.access, &cast, &cast_oid, &f.err));
    assert_int_equal(find_operator(&s, "<%%>"), first);
    assert_int_equal(get_operator(&s, first)->commutator_oid, second);
    assert_int_equal(get_operator(&s, second)->commutator_oid, first);
    assert_int_equal(find_cast(&s, RDB_DATEOID, RDB_INT4OID)->method, 'i');
    assert_int_equal(find_operator(&other, "<%%>"), 0);
    assert_null(find_cast(&other, RDB_DATEOID, RDB_INT4OID));
    session_commit(&s);
    session_commit(&other);

    other = session_begin(&f);
    assert_int_equal(find_operator(&other, "<%%>"), first);
    assert_int_equal(find_operator(&other, "<%%%>"), second);
    assert_int_equal(find_cast(&other, RDB_DATEOID, RDB_INT4OID)->context, 'e');

    /* A drop that is undone, and one that is not. */
    const rdb_object_address second_object = {RDB_PG_OPERATOR, second, 0}, cast_object = {RDB_PG_CAST, cast_oid, 0},
                             first_object = {RDB_PG_OPERATOR, first, 0};
    for (int round = 0; round < 2; round++) {
        s = session_begin(&f);
        MUST(&f, rdb_ddl_drop(s.access, &second_object, 1, false, take_notice, NULL, &f.err));
        MUST(&f, rdb_ddl_drop(s.access, &cast_object, 1, false, take_notice, NULL, &f.err));
        assert_int_equal(find_operator(&s, "<%%%>"), 0);
        assert_int_equal(get_operator(&s, first)->commutator_oid, 0);
        assert_null(find_cast(&s, RDB_DATEOID, RDB_INT4OID));
        assert_int_equal(get_operator(&other, first)->commutator_oid, second);
        if (round == 0)
            session_abort(&s);
        else
            session_commit(&s);
        session_commit(&other);
        other = session_begin(&f);
        assert_int_equal(find_operator(&other, "<%%%>"), round == 0 ? second : 0);
        assert_int_equal(get_operator(&other, first)->commutator_oid, round == 0 ? second : 0);
        assert_true((find_cast(&other, RDB_DATEOID, RDB_INT4OID) != NULL) == (round == 0));
    }
    session_commit(&other);

    s = session_begin(&f);
    MUST(&f, rdb_ddl_drop(s.access, &first_object, 1, false, take_notice, NULL, &f.err));
    assert_int_equal(count_rows(&s, RDB_PG_OPERATOR), operators);
    assert_int_equal(count_rows(&s, RDB_PG_CAST), casts);
    assert_int_equal(count_rows(&s, RDB_PG_DEPEND), depends);
    session_commit(&s);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_come_and_go),
        cmocka_unit_test(test_rows_and_indexes),
        cmocka_unit_test(test_columns_and_layouts),
        cmocka_unit_test(test_dependencies),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_roles_schemas_enums),
        cmocka_unit_test(test_temporary_schema),
        cmocka_unit_test(test_operators_and_casts),
        cmocka_unit_test(test_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
