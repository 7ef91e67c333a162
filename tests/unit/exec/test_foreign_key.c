/* SPDX-License-Identifier: Apache-2.0
 * Foreign keys: checks at the statement's end with PostgreSQL's messages, actions, deferral to commit. */
#include "builder.h"

static instance the;

static int setup(void **state)
{
    (void)state;
    rdb_exec_register();
    instance_begin(&the);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    instance_end(&the);
    return 0;
}

static const char *insert_row(maker *m, const char *table, int32_t a, int32_t b)
{
    const int32_t row[1][2] = {{a, b}};
    query_begin(m, RDB_COMMAND_INSERT);
    m->query->result_range_no = range_relation(m, NULL, table);
    uint32_t v = range_values(m, row, 1);
    rdb_list_push(m->arena, &m->query->from, from_range(m, v));
    select_add(m, numbered(m, v, 1, RDB_INT4OID));
    select_add(m, numbered(m, v, 2, RDB_INT4OID));
    return run(m);
}

static const char *delete_row(maker *m, const char *table, int32_t a)
{
    query_begin(m, RDB_COMMAND_DELETE);
    uint32_t t = m->query->result_range_no = range_relation(m, NULL, table);
    rdb_list_push(m->arena, &m->query->from, from_range(m, t));
    m->query->where = op(m, column(m, t, "a"), "=", integer(m, a));
    return run(m);
}

static const char *move_row(maker *m, const char *table, int32_t from, int32_t to)
{
    query_begin(m, RDB_COMMAND_UPDATE);
    uint32_t t = m->query->result_range_no = range_relation(m, NULL, table);
    rdb_list_push(m->arena, &m->query->from, from_range(m, t));
    select_add(m, integer(m, to))->number = 1;
    m->query->where = op(m, column(m, t, "a"), "=", integer(m, from));
    return run(m);
}

static const char *all_rows(maker *m, const char *table)
{
    query_begin(m, RDB_COMMAND_SELECT);
    uint32_t t = range_relation(m, NULL, table);
    rdb_list_push(m->arena, &m->query->from, from_range(m, t));
    rdb_target *a = select_add(m, column(m, t, "a"));
    select_add(m, column(m, t, "b"));
    sort_add(m, &m->query->sort, a, false);
    return run(m);
}

/* parent (a primary key), child (a primary key, b references parent); parent has 1 and 2, child (10, 1). */
static void make_pair(const char *parent, const char *child, char on_update, char on_delete, bool deferred)
{
    static const uint32_t types[] = {RDB_INT4OID, RDB_INT4OID};
    static const int16_t first[] = {1}, second[] = {2};
    const uint32_t equal[] = {96};
    maker m = maker_begin(&the);
    uint32_t oid = 0, parent_oid = create_table(&m, parent, types, 2, true), child_oid = create_table(&m, child, types, 2, true);
    session_commit(&m.s);
    m.s = session_begin(&the);
    const rdb_relation *relation = NULL;
    MUST(&the, rdb_relation_get(m.s.access, parent_oid, &relation, &the.err));
    const rdb_constraint_definition key = {.name = "fk", .kind = 'f', .relation_oid = child_oid, .namespace_oid = RDB_NAMESPACE_PUBLIC, .index_oid = relation->indexes[0].oid, .is_validated = true,
                                           .is_deferrable = deferred, .is_deferred = deferred, .columns = second, .column_count = 1, .foreign_relation_oid = parent_oid, .foreign_columns = first,
                                           .equality_operators = equal, .on_update = on_update, .on_delete = on_delete, .match = 's'};
    MUST(&the, rdb_ddl_create_constraint(m.s.access, &key, &oid, &the.err));
    session_commit(&m.s);
    m.s = session_begin(&the);
    assert_string_equal(insert_row(&m, parent, 1, 0), "");
    assert_string_equal(insert_row(&m, parent, 2, 0), "");
    assert_string_equal(insert_row(&m, child, 10, 1), "");
    maker_end(&m, true);
}

static void test_no_action(void **state)
{
    (void)state;
    make_pair("p1", "c1", 'a', 'a', false);
    maker m = maker_begin(&the);
    assert_string_equal(insert_row(&m, "c1", 11, 3), "ERROR 23503 insert or update on table \"c1\" violates foreign key constraint \"fk\" / Key (b)=(3) is not present in table \"p1\".");
    maker_end(&m, false);
    m = maker_begin(&the);
    assert_string_equal(delete_row(&m, "p1", 1), "ERROR 23503 update or delete on table \"p1\" violates foreign key constraint \"fk\" on table \"c1\" / Key (a)=(1) is still referenced from table \"c1\".");
    maker_end(&m, false);
    m = maker_begin(&the);
    assert_string_equal(delete_row(&m, "p1", 2), ""); /* nobody refers to it */
    assert_string_equal(delete_row(&m, "c1", 10), "");
    assert_string_equal(delete_row(&m, "p1", 1), "");
    maker_end(&m, false);
}

static void test_cascade(void **state)
{
    (void)state;
    make_pair("p2", "c2", 'c', 'c', false);
    maker m = maker_begin(&the);
    assert_string_equal(move_row(&m, "p2", 1, 5), "");
    assert_string_equal(all_rows(&m, "c2"), "10|5\n");
    assert_string_equal(delete_row(&m, "p2", 5), "");
    assert_string_equal(all_rows(&m, "c2"), "");
    maker_end(&m, false);
}

static void test_set_null(void **state)
{
    (void)state;
    make_pair("p3", "c3", 'n', 'n', false);
    maker m = maker_begin(&the);
    assert_string_equal(delete_row(&m, "p3", 1), "");
    assert_string_equal(all_rows(&m, "c3"), "10|NULL\n");
    maker_end(&m, false);
}

static void test_deferred(void **state)
{
    (void)state;
    rdb_scn scn;
    make_pair("p4", "c4", 'a', 'a', true);
    maker m = maker_begin(&the);
    assert_string_equal(insert_row(&m, "c4", 11, 3), ""); /* the parent comes later */
    assert_string_equal(insert_row(&m, "p4", 3, 0), "");
    maker_end(&m, true);
    m = maker_begin(&the);
    assert_string_equal(insert_row(&m, "c4", 12, 4), "");
    rdb_access_end(&m.s.access);
    assert_false(rdb_txn_commit(&m.s.txn, RDB_COMMIT_LOCAL, &scn, &the.err));
    assert_string_equal(the.err.sqlstate, "23503");
    rdb_error_clear(&the.err);
    rdb_arena_destroy(m.arena);
    m = maker_begin(&the);
    assert_string_equal(all_rows(&m, "c4"), "10|1\n11|3\n");
    maker_end(&m, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_action), cmocka_unit_test(test_cascade), cmocka_unit_test(test_set_null), cmocka_unit_test(test_deferred)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
