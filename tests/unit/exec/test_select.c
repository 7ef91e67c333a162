/* SPDX-License-Identifier: Apache-2.0
 * SELECT from planned trees: expressions, scans of system tables, joins, aggregates, sorting, sub-selects. */
#include "builder.h"

#include <malloc.h>

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

static void test_constant(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    select_add(&m, op(&m, integer(&m, 1), "+", integer(&m, 1)));
    rdb_plan *plan = plan_of(&m);
    assert_string_equal(shape(&m, plan), "Result");
    assert_int_equal(((rdb_target *)plan->root->targets.items[0])->expr->kind, RDB_EXPR_CONST); /* folded */
    assert_string_equal(run_plan(&m, plan, NULL, 0, 0, NULL), "2\n");
    maker_end(&m, false);
}

/* A failing sub-expression that no row reaches raises nothing; one that is reached does. */
static void test_lazy_errors(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    rdb_expr *bad = op(&m, integer(&m, 1), "/", parameter(&m, 1, RDB_INT4OID));
    query_begin(&m, RDB_COMMAND_SELECT);
    rdb_expr_case *e = RDB_NEW(m.arena, rdb_expr_case);
    rdb_case_when when = {op(&m, parameter(&m, 1, RDB_INT4OID), "<>", integer(&m, 0)), bad};
    e->head = head_of(&m, RDB_EXPR_CASE, RDB_INT4OID);
    rdb_list_push(m.arena, &e->whens, &when);
    e->otherwise = integer(&m, -1);
    select_add(&m, &e->head);
    rdb_plan *plan = plan_of(&m);
    rdb_parameter zero = {.value = {.i32 = 0}, .type_oid = RDB_INT4OID}, two = {.value = {.i32 = 2}, .type_oid = RDB_INT4OID};
    assert_string_equal(run_plan(&m, plan, &zero, 1, 0, NULL), "-1\n");
    assert_string_equal(run_plan(&m, plan, &two, 1, 0, NULL), "0\n");
    query_begin(&m, RDB_COMMAND_SELECT);
    select_add(&m, bad);
    assert_string_equal(run_plan(&m, plan_of(&m), &zero, 1, 0, NULL), "ERROR 22012 division by zero");
    maker_end(&m, false);
}

/* The rows before the bad one come out first (R38). */
static void test_rows_before_error(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{4, 1}, {2, 2}, {0, 3}, {1, 4}};
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t v = range_values(&m, rows, 4);
    rdb_list_push(m.arena, &m.query->from, from_range(&m, v));
    select_add(&m, op(&m, integer(&m, 8), "/", numbered(&m, v, 1, RDB_INT4OID)));
    select_add(&m, numbered(&m, v, 2, RDB_INT4OID));
    assert_string_equal(run(&m), "2|1\n4|2\nERROR 22012 division by zero");
    maker_end(&m, false);
}

static void test_scan_filter_sort_limit(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t n = range_relation(&m, "pg_catalog", "pg_namespace");
    rdb_list_push(m.arena, &m.query->from, from_range(&m, n));
    rdb_target *name = select_add(&m, column(&m, n, "nspname"));
    m.query->where = op(&m, column(&m, n, "nspname"), "<>", text(&m, RDB_NAMEOID, "public"));
    sort_add(&m, &m.query->sort, name, false);
    m.query->limit_count = bigint(&m, 2);
    rdb_plan *plan = plan_of(&m);
    assert_string_equal(shape(&m, plan), "Limit(Sort(Seq Scan))");
    assert_string_equal(run_plan(&m, plan, NULL, 0, 0, NULL), "pg_catalog\npg_toast\n");
    assert_string_equal(run_plan(&m, plan, NULL, 0, 1, NULL), "pg_catalog\npg_toast\n");
    maker_end(&m, false);
}

static void test_index_scan(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t c = range_relation(&m, "pg_catalog", "pg_class");
    rdb_list_push(m.arena, &m.query->from, from_range(&m, c));
    select_add(&m, column(&m, c, "relname"));
    m.query->where = op(&m, column(&m, c, "oid"), "=", parameter(&m, 1, RDB_OIDOID));
    rdb_plan *plan = NULL;
    const rdb_plan_context context = {.arena = m.arena, .access = m.s.access, .no_seq_scan = true, .no_bitmap_scan = true}; /* the table is small */
    MUST(&the, rdb_plan_make(&context, m.query, &plan, &the.err));
    assert_string_equal(shape(&m, plan), "Index Scan");
    rdb_parameter key = {.value = {.oid = RDB_PG_CLASS}, .type_oid = RDB_OIDOID};
    assert_string_equal(run_plan(&m, plan, &key, 1, 0, NULL), "pg_class\n");
    key.value.oid = RDB_PG_PROC;
    assert_string_equal(run_plan(&m, plan, &key, 1, 0, NULL), "pg_proc\n");
    key.is_null = true;
    assert_string_equal(run_plan(&m, plan, &key, 1, 0, NULL), "");
    maker_end(&m, false);
}

/* pg_class LEFT JOIN pg_namespace, as \d asks; the strict condition on the right side makes the join inner. */
static void test_joins(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t c = range_relation(&m, "pg_catalog", "pg_class"), n = range_relation(&m, "pg_catalog", "pg_namespace");
    rdb_list_push(m.arena, &m.query->from, from_join(&m, RDB_JOIN_LEFT, from_range(&m, c), from_range(&m, n), op(&m, column(&m, n, "oid"), "=", column(&m, c, "relnamespace"))));
    rdb_target *name = select_add(&m, column(&m, c, "relname"));
    select_add(&m, column(&m, n, "nspname"));
    m.query->where = junction(&m, RDB_BOOL_AND, op(&m, column(&m, n, "nspname"), "=", text(&m, RDB_NAMEOID, "pg_catalog")), op(&m, column(&m, c, "relname"), ">=", text(&m, RDB_NAMEOID, "pg_tablespace")));
    m.query->where = junction(&m, RDB_BOOL_AND, m.query->where, op(&m, column(&m, c, "relname"), "<", text(&m, RDB_NAMEOID, "pg_trigger")));
    sort_add(&m, &m.query->sort, name, true);
    rdb_plan *plan = plan_of(&m);
    assert_null(strstr(shape(&m, plan), "Left"));
    const char *rows = run_plan(&m, plan, NULL, 0, 0, NULL);
    assert_non_null(strstr(rows, "pg_tablespace|pg_catalog\n"));
    /* the same by each way to join */
    static const char *const names[] = {"Nested Loop", "Hash Join", "Merge Join"};
    for (int way = 0; way < 3; way++) {
        rdb_plan_context context = {.arena = m.arena, .access = m.s.access, .no_nest_loop = way != 0, .no_hash_join = way != 1, .no_merge_join = way != 2};
        MUST(&the, rdb_plan_make(&context, m.query, &plan, &the.err));
        assert_non_null(strstr(shape(&m, plan), names[way]));
        assert_string_equal(run_plan(&m, plan, NULL, 0, 0, NULL), rows);
    }
    maker_end(&m, false);
}

static const char *join_values(maker *m, rdb_join_kind kind, int way, bool with_condition)
{
    static const int32_t left[][2] = {{1, 10}, {2, 20}, {2, 21}, {3, 30}}, right[][2] = {{2, 200}, {2, 201}, {3, 29}, {4, 400}};
    query_begin(m, RDB_COMMAND_SELECT);
    uint32_t l = range_values(m, left, 4), r = range_values(m, right, 4);
    rdb_expr *condition = op(m, numbered(m, l, 1, RDB_INT4OID), "=", numbered(m, r, 1, RDB_INT4OID));
    if (with_condition)
        condition = junction(m, RDB_BOOL_AND, condition, op(m, numbered(m, l, 2, RDB_INT4OID), "<", numbered(m, r, 2, RDB_INT4OID)));
    rdb_list_push(m->arena, &m->query->from, from_join(m, kind, from_range(m, l), from_range(m, r), condition));
    rdb_target *a = select_add(m, numbered(m, l, 2, RDB_INT4OID)), *b = select_add(m, numbered(m, r, 2, RDB_INT4OID));
    sort_add(m, &m->query->sort, a, false);
    sort_add(m, &m->query->sort, b, false);
    rdb_plan *plan = NULL;
    const rdb_plan_context context = {.arena = m->arena, .access = m->s.access, .no_nest_loop = way != 0, .no_hash_join = way != 1, .no_merge_join = way != 2};
    MUST(&the, rdb_plan_make(&context, m->query, &plan, &the.err));
    /* a FULL JOIN with a further condition is one of hashing alone, a RIGHT JOIN is planned as a LEFT JOIN turned */
    static const char *const names[] = {"Nested Loop", "Hash", "Merge"};
    if (kind != RDB_JOIN_FULL || !with_condition)
        assert_non_null(strstr(shape(m, plan), names[way]));
    return run_plan(m, plan, NULL, 0, 0, NULL);
}

static void test_join_kinds(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    for (int way = 0; way < 3; way++) {
        assert_string_equal(join_values(&m, RDB_JOIN_INNER, way, false), "20|200\n20|201\n21|200\n21|201\n30|29\n");
        assert_string_equal(join_values(&m, RDB_JOIN_LEFT, way, false), "10|NULL\n20|200\n20|201\n21|200\n21|201\n30|29\n");
        assert_string_equal(join_values(&m, RDB_JOIN_RIGHT, way, false), "20|200\n20|201\n21|200\n21|201\n30|29\nNULL|400\n");
        assert_string_equal(join_values(&m, RDB_JOIN_INNER, way, true), "20|200\n20|201\n21|200\n21|201\n");
        assert_string_equal(join_values(&m, RDB_JOIN_LEFT, way, true), "10|NULL\n20|200\n20|201\n21|200\n21|201\n30|NULL\n");
        assert_string_equal(join_values(&m, RDB_JOIN_RIGHT, way, true), "20|200\n20|201\n21|200\n21|201\nNULL|29\nNULL|400\n");
    }
    for (int way = 1; way < 3; way++)
        assert_string_equal(join_values(&m, RDB_JOIN_FULL, way, false), "10|NULL\n20|200\n20|201\n21|200\n21|201\n30|29\nNULL|400\n");
    assert_string_equal(join_values(&m, RDB_JOIN_FULL, 1, true), "10|NULL\n20|200\n20|201\n21|200\n21|201\n30|NULL\nNULL|29\nNULL|400\n");
    maker_end(&m, false);
}

static void test_aggregates(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 10}, {2, 20}, {1, 30}, {2, 20}, {3, 5}};
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t v = range_values(&m, rows, 5);
    rdb_list_push(m.arena, &m.query->from, from_range(&m, v));
    rdb_target *key = select_add(&m, numbered(&m, v, 1, RDB_INT4OID));
    select_add(&m, aggregate(&m, 2803, NULL));                                  /* count(*) */
    select_add(&m, aggregate(&m, 2108, numbered(&m, v, 2, RDB_INT4OID)));        /* sum(int4) */
    rdb_expr *distinct = aggregate(&m, 2108, numbered(&m, v, 2, RDB_INT4OID));
    rdb_sort_item by_argument = {0};
    rdb_list_push(m.arena, &((rdb_expr_aggregate *)distinct)->distinct, &by_argument);
    select_add(&m, distinct);
    m.query->has_aggregates = true;
    sort_add(&m, &m.query->group, key, false);
    sort_add(&m, &m.query->sort, key, true);
    m.query->having = op(&m, aggregate(&m, 2803, NULL), ">", bigint(&m, 1));
    assert_string_equal(run(&m), "2|2|40|20\n1|2|40|40\n");
    /* no row at all: one group without GROUP BY, none with it */
    m.query->where = op(&m, integer(&m, 1), "=", parameter(&m, 1, RDB_INT4OID));
    m.query->having = NULL;
    rdb_parameter two = {.value = {.i32 = 2}, .type_oid = RDB_INT4OID};
    assert_string_equal(run_plan(&m, plan_of(&m), &two, 1, 0, NULL), "");
    query_begin(&m, RDB_COMMAND_SELECT);
    v = range_values(&m, rows, 5);
    rdb_list_push(m.arena, &m.query->from, from_range(&m, v));
    select_add(&m, aggregate(&m, 2803, NULL));
    select_add(&m, aggregate(&m, 2108, numbered(&m, v, 2, RDB_INT4OID)));
    m.query->has_aggregates = true;
    m.query->where = op(&m, integer(&m, 1), "=", parameter(&m, 1, RDB_INT4OID));
    assert_string_equal(run_plan(&m, plan_of(&m), &two, 1, 0, NULL), "0|NULL\n");
    maker_end(&m, false);
}

static rdb_expr *sublink(maker *m, rdb_sublink_kind kind, rdb_query *query, uint32_t type_oid)
{
    rdb_expr_sublink *e = RDB_NEW(m->arena, rdb_expr_sublink);
    e->head = head_of(m, RDB_EXPR_SUBLINK, type_oid);
    e->sublink_kind = (uint8_t)kind;
    e->query = query;
    return &e->head;
}

/* SELECT a, (SELECT max...) correlated; EXISTS; IN with nulls. */
static void test_sublinks(void **state)
{
    (void)state;
    static const int32_t outer_rows[][2] = {{1, 10}, {2, 20}, {3, 30}}, inner_rows[][2] = {{2, 7}, {3, 8}, {2, 9}};
    maker m = maker_begin(&the);
    rdb_query *outer = query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t o = range_values(&m, outer_rows, 3);
    rdb_query *inner = query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t i = range_values(&m, inner_rows, 3);
    rdb_list_push(m.arena, &inner->from, from_range(&m, i));
    select_add(&m, aggregate(&m, 2108, numbered(&m, i, 2, RDB_INT4OID)));
    inner->has_aggregates = true;
    rdb_expr *up = numbered(&m, o, 1, RDB_INT4OID);
    ((rdb_expr_var *)up)->levels_up = 1;
    inner->where = op(&m, numbered(&m, i, 1, RDB_INT4OID), "=", up);
    m.query = outer;
    rdb_list_push(m.arena, &outer->from, from_range(&m, o));
    select_add(&m, numbered(&m, o, 2, RDB_INT4OID));
    select_add(&m, sublink(&m, RDB_SUBLINK_SCALAR, inner, RDB_INT8OID));
    outer->has_sublinks = true;
    assert_string_equal(run(&m), "10|NULL\n20|16\n30|8\n");
    /* WHERE a IN (SELECT ...), uncorrelated: hashed */
    inner = query_begin(&m, RDB_COMMAND_SELECT);
    i = range_values(&m, inner_rows, 3);
    rdb_list_push(m.arena, &inner->from, from_range(&m, i));
    select_add(&m, numbered(&m, i, 1, RDB_INT4OID));
    outer = query_begin(&m, RDB_COMMAND_SELECT);
    o = range_values(&m, outer_rows, 3);
    rdb_list_push(m.arena, &outer->from, from_range(&m, o));
    select_add(&m, numbered(&m, o, 1, RDB_INT4OID));
    rdb_expr_sublink *in = (rdb_expr_sublink *)sublink(&m, RDB_SUBLINK_ANY, inner, RDB_BOOLOID);
    rdb_expr_param *output = (rdb_expr_param *)parameter(&m, 1, RDB_INT4OID);
    output->param_kind = RDB_PARAM_EXECUTION;
    in->test = op(&m, numbered(&m, o, 1, RDB_INT4OID), "=", &output->head);
    outer->where = &in->head;
    assert_string_equal(run(&m), "2\n3\n");
    outer->where = junction(&m, RDB_BOOL_NOT, &in->head, NULL);
    assert_string_equal(run(&m), "1\n");
    /* a null among the rows: NOT IN is never true */
    select_add(&m, integer(&m, 0));
    outer->targets.count = 1;
    m.query = inner;
    ((rdb_target *)inner->targets.items[0])->expr = null_of(&m, RDB_INT4OID);
    m.query = outer;
    assert_string_equal(run(&m), "");
    maker_end(&m, false);
}

/* EXISTS and IN over tables become semi-joins, NOT EXISTS an anti-join; each outer row comes out once. */
static void test_semijoins(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    for (int kind = 0; kind < 3; kind++) {
        rdb_query *inner = query_begin(&m, RDB_COMMAND_SELECT);
        uint32_t c = range_relation(&m, "pg_catalog", "pg_class");
        rdb_list_push(m.arena, &inner->from, from_range(&m, c));
        rdb_query *outer = query_begin(&m, RDB_COMMAND_SELECT);
        uint32_t n = range_relation(&m, "pg_catalog", "pg_namespace");
        rdb_list_push(m.arena, &outer->from, from_range(&m, n));
        rdb_target *name = select_add(&m, column(&m, n, "nspname"));
        sort_add(&m, &outer->sort, name, false);
        outer->has_sublinks = true;
        rdb_expr_sublink *link = (rdb_expr_sublink *)sublink(&m, kind == 1 ? RDB_SUBLINK_ANY : RDB_SUBLINK_EXISTS, inner, RDB_BOOLOID);
        m.query = inner;
        select_add(&m, column(&m, c, "relnamespace"));
        if (kind == 1) {
            rdb_expr_param *output = (rdb_expr_param *)parameter(&m, 1, RDB_OIDOID);
            output->param_kind = RDB_PARAM_EXECUTION;
            m.query = outer;
            link->test = op(&m, column(&m, n, "oid"), "=", &output->head);
        } else {
            inner->where = op(&m, column(&m, c, "relnamespace"), "=", column_up(&m, outer, n, "oid", 1));
        }
        m.query = outer;
        outer->where = kind == 2 ? junction(&m, RDB_BOOL_NOT, &link->head, NULL) : &link->head;
        rdb_plan *plan = plan_of(&m);
        assert_non_null(strstr(shape(&m, plan), kind == 2 ? "Anti Join" : "Semi Join"));
        assert_int_equal(plan->subplan_count, 0);
        const char *rows = run_plan(&m, plan, NULL, 0, 0, NULL);
        assert_int_equal(strstr(rows, "pg_catalog\n") != NULL, kind != 2);
        assert_int_equal(strstr(rows, "public\n") != NULL, kind == 2);
        assert_null(strstr(rows, "pg_catalog\npg_catalog\n"));
    }
    maker_end(&m, false);
}

/* A prepared plan starts again with other parameters without building anything. */
static void test_restart(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t n = range_relation(&m, "pg_catalog", "pg_namespace");
    rdb_list_push(m.arena, &m.query->from, from_range(&m, n));
    select_add(&m, column(&m, n, "nspname"));
    m.query->where = op(&m, column(&m, n, "oid"), "=", parameter(&m, 1, RDB_OIDOID));
    rdb_plan *plan = plan_of(&m);
    rdb_snapshot snapshot;
    rdb_parameter key = {.value = {.oid = RDB_NAMESPACE_PUBLIC}, .type_oid = RDB_OIDOID};
    rdb_execution_context context = context_of(&m, &snapshot);
    context.parameters = &key;
    context.parameter_count = 1;
    rdb_execution *execution = NULL;
    const rdb_batch *batch = NULL;
    bool done = false;
    MUST(&the, rdb_execution_open(&execution, plan, &context, &the.err));
    static const struct { uint32_t oid; const char *name; } cases[] = {{RDB_NAMESPACE_PUBLIC, "public"}, {RDB_NAMESPACE_PG_CATALOG, "pg_catalog"}, {RDB_NAMESPACE_PUBLIC, "public"}};
    for (uint32_t i = 0; i < RDB_COUNT_OF(cases); i++) {
        key.value.oid = cases[i].oid;
        if (i > 0)
            MUST(&the, rdb_execution_restart(execution, &context, &the.err));
        MUST(&the, rdb_execution_pull(execution, 0, &batch, &done, &the.err));
        assert_int_equal(batch->selection.count, 1);
        rdb_bytes name = RDB_AT(batch->columns[0], rdb_bytes, rdb_selected(&batch->selection, 0));
        assert_int_equal(name.length, strlen(cases[i].name));
        assert_memory_equal(name.data, cases[i].name, name.length);
        MUST(&the, rdb_execution_pull(execution, 0, &batch, &done, &the.err));
        assert_true(done);
    }
    /* and the hundredth run holds no byte more than the one before it (R40) */
    size_t held = 0;
    for (int round = 0; round < 100; round++) {
        MUST(&the, rdb_execution_restart(execution, &context, &the.err));
        for (done = false; !done;)
            MUST(&the, rdb_execution_pull(execution, 0, &batch, &done, &the.err));
        if (round == 0)
            held = mallinfo2().uordblks;
    }
    assert_int_equal(mallinfo2().uordblks, held);
    rdb_execution_close(&execution);
    maker_end(&m, false);
}

/* WHERE oid IN (...) walks the index once an element; ORDER BY an indexed column under LIMIT reads it in order, either way. */
static void test_index_lists_and_order(void **state)
{
    (void)state;
    maker m = maker_begin(&the);
    query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t c = range_relation(&m, "pg_catalog", "pg_class");
    rdb_list_push(m.arena, &m.query->from, from_range(&m, c));
    rdb_target *oid = select_add(&m, column(&m, c, "oid"));
    rdb_expr_array *list = RDB_NEW(m.arena, rdb_expr_array);
    list->head = head_of(&m, RDB_EXPR_ARRAY, 1028);
    static const uint32_t oids[] = {RDB_PG_PROC, RDB_PG_CLASS, RDB_PG_PROC};
    for (uint32_t i = 0; i < RDB_COUNT_OF(oids); i++) {
        rdb_expr *one = integer(&m, (int32_t)oids[i]);
        one->type = type_of(&m, RDB_OIDOID);
        rdb_list_push(m.arena, &list->elements, one);
    }
    rdb_expr_function *equal = (rdb_expr_function *)op(&m, column(&m, c, "oid"), "=", list->elements.items[0]);
    rdb_expr_array_op *in = RDB_NEW(m.arena, rdb_expr_array_op);
    *in = (rdb_expr_array_op){.head = head_of(&m, RDB_EXPR_ARRAY_OP, RDB_BOOLOID), .function = equal->function, .operator_oid = equal->operator_oid, .use_or = true, .left = column(&m, c, "oid"), .right = &list->head};
    m.query->where = &in->head;
    rdb_plan *plan = NULL;
    const rdb_plan_context context = {.arena = m.arena, .access = m.s.access, .no_seq_scan = true, .no_bitmap_scan = true}; /* the table is small */
    MUST(&the, rdb_plan_make(&context, m.query, &plan, &the.err));
    assert_string_equal(shape(&m, plan), "Index Scan");
    assert_string_equal(run_plan(&m, plan, NULL, 0, 0, NULL), "1255\n1259\n");
    const rdb_plan_context by_address = {.arena = m.arena, .access = m.s.access, .no_seq_scan = true, .no_index_scan = true};
    MUST(&the, rdb_plan_make(&by_address, m.query, &plan, &the.err));
    assert_string_equal(shape(&m, plan), "Bitmap Heap Scan(Bitmap Index Scan)");
    rdb_strbuf sorted;
    rdb_strbuf_init(&sorted, m.arena);
    rdb_strbuf_adds(&sorted, run_plan(&m, plan, NULL, 0, 1, NULL));
    assert_true(strcmp(sorted.data, "1255\n1259\n") == 0 || strcmp(sorted.data, "1259\n1255\n") == 0); /* in the table's order */
    for (int descending = 0; descending < 2; descending++) {
        query_begin(&m, RDB_COMMAND_SELECT);
        c = range_relation(&m, "pg_catalog", "pg_class");
        rdb_list_push(m.arena, &m.query->from, from_range(&m, c));
        oid = select_add(&m, column(&m, c, "oid"));
        m.query->where = op(&m, column(&m, c, "oid"), descending ? "<=" : ">=", parameter(&m, 1, RDB_OIDOID));
        sort_add(&m, &m.query->sort, oid, descending);
        m.query->limit_count = bigint(&m, 2);
        plan = plan_of(&m);
        assert_string_equal(shape(&m, plan), descending ? "Limit(Index Scan Backward)" : "Limit(Index Scan)");
        rdb_parameter bound = {.value = {.oid = descending ? RDB_PG_CLASS : RDB_PG_PROC}, .type_oid = RDB_OIDOID};
        assert_string_equal(run_plan(&m, plan, &bound, 1, 0, NULL), descending ? "1259\n1255\n" : "1255\n1259\n");
    }
    maker_end(&m, false);
}

static rdb_expr *window_call(maker *m, uint32_t function_oid, rdb_expr *argument, bool is_aggregate)
{
    rdb_expr_window *e = RDB_NEW(m->arena, rdb_expr_window);
    e->function = function_of(m, function_oid);
    e->head = head_of(m, RDB_EXPR_WINDOW, function_oid == 3106 ? RDB_INT4OID : e->function->return_type);
    e->is_aggregate = is_aggregate;
    if (argument != NULL)
        rdb_list_push(m->arena, &e->arguments, argument);
    return &e->head;
}

/* PARTITION BY a ORDER BY b: ranks, a running sum with peers, lag; then a moving frame of rows. */
static void test_windows(void **state)
{
    (void)state;
    static const int32_t rows[][2] = {{1, 10}, {2, 5}, {1, 20}, {1, 20}, {2, 7}, {1, 30}};
    static const struct { uint32_t options; const char *expected; } frames[] = {
        {0x2 | 0x20 | 0x400, "1|10|1|1|10|NULL\n1|20|2|2|50|10\n1|20|3|2|50|20\n1|30|4|4|80|20\n2|5|1|1|5|NULL\n2|7|2|2|12|5\n"},         /* RANGE to the current row's peers */
        {0x4 | 0x10 | 0x800 | 0x400, "1|10|1|1|10|NULL\n1|20|2|2|30|10\n1|20|3|2|40|20\n1|30|4|4|50|20\n2|5|1|1|5|NULL\n2|7|2|2|12|5\n"}, /* ROWS 1 PRECEDING */
    };
    for (uint32_t f = 0; f < RDB_COUNT_OF(frames); f++) {
        maker m = maker_begin(&the);
        query_begin(&m, RDB_COMMAND_SELECT);
        uint32_t v = range_values(&m, rows, 6);
        rdb_list_push(m.arena, &m.query->from, from_range(&m, v));
        rdb_target *a = select_add(&m, numbered(&m, v, 1, RDB_INT4OID)), *b = select_add(&m, numbered(&m, v, 2, RDB_INT4OID));
        rdb_target *number = select_add(&m, window_call(&m, 3100, NULL, false));
        select_add(&m, window_call(&m, 3101, NULL, false));
        select_add(&m, window_call(&m, 2108, numbered(&m, v, 2, RDB_INT4OID), true));
        select_add(&m, window_call(&m, 3106, numbered(&m, v, 2, RDB_INT4OID), false));
        rdb_window *window = RDB_NEW(m.arena, rdb_window);
        window->frame_options = frames[f].options;
        if (f == 1)
            window->start_offset = bigint(&m, 1);
        sort_add(&m, &window->partition, a, false);
        sort_add(&m, &window->order, b, false);
        rdb_list_push(m.arena, &m.query->windows, window);
        m.query->has_windows = true;
        sort_add(&m, &m.query->sort, a, false);
        sort_add(&m, &m.query->sort, number, false);
        assert_string_equal(run(&m), frames[f].expected);
        maker_end(&m, false);
    }
}

/* WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n */
static void test_recursion(void **state)
{
    (void)state;
    static const int32_t start[][2] = {{1, 0}};
    maker m = maker_begin(&the);
    const rdb_type *type = type_of(&m, RDB_INT4OID);
    rdb_query *left = query_begin(&m, RDB_COMMAND_SELECT);
    uint32_t v = range_values(&m, start, 1);
    rdb_list_push(m.arena, &left->from, from_range(&m, v));
    select_add(&m, numbered(&m, v, 1, RDB_INT4OID));
    rdb_query *right = query_begin(&m, RDB_COMMAND_SELECT);
    rdb_range *self = RDB_NEW(m.arena, rdb_range);
    *self = (rdb_range){.kind = RDB_RANGE_CTE, .alias = "n", .cte_name = "n", .cte_levels_up = 2, .is_self_reference = true};
    rdb_list_push(m.arena, &self->column_types, (void *)(uintptr_t)type);
    range_add(&m, self);
    rdb_list_push(m.arena, &right->from, from_range(&m, 1));
    select_add(&m, op(&m, numbered(&m, 1, 1, RDB_INT4OID), "+", integer(&m, 1)));
    right->where = op(&m, numbered(&m, 1, 1, RDB_INT4OID), "<", integer(&m, 5));
    rdb_query *whole = query_begin(&m, RDB_COMMAND_SELECT);
    rdb_query *halves[2] = {left, right};
    rdb_set_operation *operation = RDB_NEW(m.arena, rdb_set_operation), *leaves[2];
    for (int i = 0; i < 2; i++) {
        rdb_range *range = RDB_NEW(m.arena, rdb_range);
        *range = (rdb_range){.kind = RDB_RANGE_SUBQUERY, .alias = "*SELECT*", .subquery = halves[i]};
        rdb_list_push(m.arena, &range->column_types, (void *)(uintptr_t)type);
        leaves[i] = RDB_NEW(m.arena, rdb_set_operation);
        leaves[i]->range_no = range_add(&m, range);
    }
    *operation = (rdb_set_operation){.kind = RDB_SET_UNION, .all = true, .left = leaves[0], .right = leaves[1]};
    rdb_list_push(m.arena, &operation->column_types, (void *)(uintptr_t)type);
    operation->column_collations = RDB_NEW_ARRAY(m.arena, uint32_t, 1); /* 0: integers have none */
    whole->set_operation = operation;
    select_add(&m, numbered(&m, 1, 1, RDB_INT4OID));
    query_begin(&m, RDB_COMMAND_SELECT);
    rdb_cte *cte = RDB_NEW(m.arena, rdb_cte);
    *cte = (rdb_cte){.name = "n", .query = whole, .is_recursive = true, .reference_count = 1};
    rdb_list_push(m.arena, &m.query->ctes, cte);
    rdb_range *scan = RDB_NEW(m.arena, rdb_range);
    *scan = (rdb_range){.kind = RDB_RANGE_CTE, .alias = "n", .cte_name = "n"};
    rdb_list_push(m.arena, &scan->column_types, (void *)(uintptr_t)type);
    range_add(&m, scan);
    rdb_list_push(m.arena, &m.query->from, from_range(&m, 1));
    select_add(&m, numbered(&m, 1, 1, RDB_INT4OID));
    assert_string_equal(run(&m), "1\n2\n3\n4\n5\n");
    maker_end(&m, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant), cmocka_unit_test(test_lazy_errors), cmocka_unit_test(test_rows_before_error), cmocka_unit_test(test_scan_filter_sort_limit),
        cmocka_unit_test(test_index_scan), cmocka_unit_test(test_joins), cmocka_unit_test(test_join_kinds), cmocka_unit_test(test_aggregates), cmocka_unit_test(test_sublinks), cmocka_unit_test(test_semijoins), cmocka_unit_test(test_restart), cmocka_unit_test(test_index_lists_and_order), cmocka_unit_test(test_windows), cmocka_unit_test(test_recursion),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
