/* SPDX-License-Identifier: Apache-2.0
 * INSERT, UPDATE, DELETE: rows written, RETURNING, constraints and their messages, ON CONFLICT, two transactions on one row. */
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

static void insert_rows(maker *m, const char *table, const int32_t (*rows)[2], uint32_t count)
{
    query_begin(m, RDB_COMMAND_INSERT);
    m->query->result_range_no = range_relation(m, NULL, table);
    uint32_t v = range_values(m, rows, count);
    rdb_list_push(m->arena, &m->query->from, from_range(m, v));
    select_add(m, numbered(m, v, 1, RDB_INT4OID));
    select_add(m, numbered(m, v, 2, RDB_INT4OID));
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

static void make_update(maker *m, const char *table, int32_t key, int32_t more)
{
    query_begin(m, RDB_COMMAND_UPDATE);
    uint32_t t = m->query->result_range_no = range_relation(m, NULL, table);
    rdb_list_push(m->arena, &m->query->from, from_range(m, t));
    select_add(m, op(m, column(m, t, "b"), "+", integer(m, more)))->number = 2;
    m->query->where = op(m, column(m, t, "a"), "=", integer(m, key));
}

static void make_table(const char *name)
{
    static const uint32_t types[] = {RDB_INT4OID, RDB_INT4OID};
    maker m = maker_begin(&the);
    create_table(&m, name, types, 2, true);
    maker_end(&m, true);
}

static void test_write(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 10}, {2, 20}, {3, 30}};
    uint64_t written = 0;
    make_table("t1");
    maker m = maker_begin(&the);
    insert_rows(&m, "t1", rows, 3);
    target_add(&m, &m.query->returning, column(&m, 1, "b"));
    assert_string_equal(run_plan(&m, plan_of(&m), NULL, 0, 0, &written), "10\n20\n30\n");
    assert_int_equal(written, 3);
    make_update(&m, "t1", 2, 5);
    target_add(&m, &m.query->returning, column(&m, 1, "b"));
    rdb_plan *plan = plan_of(&m);
    assert_string_equal(shape(&m, plan), "Update(Index Scan)");
    assert_string_equal(run_plan(&m, plan, NULL, 0, 0, &written), "25\n");
    assert_int_equal(written, 1);
    query_begin(&m, RDB_COMMAND_DELETE);
    m.query->result_range_no = range_relation(&m, NULL, "t1");
    rdb_list_push(m.arena, &m.query->from, from_range(&m, 1));
    m.query->where = op(&m, column(&m, 1, "b"), ">", integer(&m, 26));
    assert_string_equal(run_plan(&m, plan_of(&m), NULL, 0, 0, &written), "");
    assert_int_equal(written, 1);
    assert_string_equal(all_rows(&m, "t1"), "1|10\n2|25\n");
    maker_end(&m, true);
    m = maker_begin(&the);
    assert_string_equal(all_rows(&m, "t1"), "1|10\n2|25\n");
    maker_end(&m, false);
}

/* UPDATE t SET a = a + 1: each row once, though the new rows fit the condition again. */
static void test_no_halloween(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 1}, {2, 2}, {3, 3}};
    make_table("t2");
    maker m = maker_begin(&the);
    insert_rows(&m, "t2", rows, 3);
    run(&m);
    query_begin(&m, RDB_COMMAND_UPDATE);
    uint32_t t = m.query->result_range_no = range_relation(&m, NULL, "t2");
    rdb_list_push(m.arena, &m.query->from, from_range(&m, t));
    select_add(&m, op(&m, column(&m, t, "a"), "+", integer(&m, 100)))->number = 1;
    m.query->where = op(&m, column(&m, t, "a"), ">", integer(&m, 0));
    run(&m);
    assert_string_equal(all_rows(&m, "t2"), "101|1\n102|2\n103|3\n");
    maker_end(&m, false);
}

static void test_constraints(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 10}}, again[][2] = {{2, 0}, {1, 11}};
    make_table("t3");
    maker m = maker_begin(&the);
    insert_rows(&m, "t3", rows, 1);
    run(&m);
    maker_end(&m, true);
    m = maker_begin(&the);
    insert_rows(&m, "t3", again, 2);
    assert_string_equal(run(&m), "ERROR 23505 duplicate key value violates unique constraint \"t3_pkey\" / Key (a)=(1) already exists.");
    maker_end(&m, false);
    m = maker_begin(&the);
    insert_rows(&m, "t3", rows, 1);
    ((rdb_target *)m.query->targets.items[0])->expr = null_of(&m, RDB_INT4OID);
    assert_string_equal(run(&m), "ERROR 23502 null value in column \"a\" of relation \"t3\" violates not-null constraint / Failing row contains (null, 10).");
    maker_end(&m, false);
}

static void test_on_conflict(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 10}, {2, 20}}, again[][2] = {{2, 5}, {3, 30}}, twice[][2] = {{7, 1}, {7, 2}};
    uint64_t written = 0;
    make_table("t4");
    maker m = maker_begin(&the);
    insert_rows(&m, "t4", rows, 2);
    run(&m);
    insert_rows(&m, "t4", again, 2);
    rdb_on_conflict *clause = RDB_NEW(m.arena, rdb_on_conflict);
    clause->action = 1;
    m.query->on_conflict = clause;
    run_plan(&m, plan_of(&m), NULL, 0, 0, &written);
    assert_int_equal(written, 1);
    assert_string_equal(all_rows(&m, "t4"), "1|10\n2|20\n3|30\n");
    /* DO UPDATE SET b = t.b + excluded.b */
    for (int round = 0; round < 2; round++) {
        insert_rows(&m, "t4", round == 0 ? again : twice, 2);
        rdb_range *excluded = rdb_arena_memdup(m.arena, m.query->ranges.items[0], sizeof *excluded);
        excluded->alias = "excluded";
        clause = RDB_NEW(m.arena, rdb_on_conflict);
        clause->action = 2;
        clause->excluded_range_no = range_add(&m, excluded);
        target_add(&m, &clause->set_targets, op(&m, column(&m, 1, "b"), "+", column(&m, clause->excluded_range_no, "b")))->number = 2;
        m.query->on_conflict = clause;
        const char *rows_out = run(&m);
        if (round == 0) {
            assert_string_equal(all_rows(&m, "t4"), "1|10\n2|25\n3|60\n");
        } else {
            assert_string_equal(rows_out, "ERROR 21000 ON CONFLICT DO UPDATE command cannot affect row a second time");
        }
    }
    maker_end(&m, false);
}

/* READ COMMITTED: a row that another transaction changed since the snapshot is looked at again in its newest version. */
static void test_recheck(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 10}, {2, 20}};
    make_table("t5");
    maker m = maker_begin(&the);
    insert_rows(&m, "t5", rows, 2);
    run(&m);
    maker_end(&m, true);
    maker late = maker_begin(&the);
    make_update(&late, "t5", 1, 1);
    rdb_plan *plan = plan_of(&late);
    rdb_snapshot snapshot;
    const rdb_execution_context context = context_of(&late, &snapshot);
    maker early = maker_begin(&the);
    make_update(&early, "t5", 1, 100);
    run(&early);
    maker_end(&early, true);
    rdb_execution *execution = NULL;
    const rdb_batch *batch = NULL;
    bool done = false;
    MUST(&the, rdb_execution_open(&execution, plan, &context, &the.err));
    MUST(&the, rdb_execution_pull(execution, 0, &batch, &done, &the.err));
    assert_true(done);
    assert_int_equal(rdb_execution_row_count(execution), 1);
    rdb_execution_close(&execution);
    assert_string_equal(all_rows(&late, "t5"), "1|111\n2|20\n");
    maker_end(&late, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write), cmocka_unit_test(test_no_halloween), cmocka_unit_test(test_constraints), cmocka_unit_test(test_on_conflict), cmocka_unit_test(test_recheck),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
