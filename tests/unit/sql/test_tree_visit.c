/* SPDX-License-Identifier: Apache-2.0
 * The children of an analysed expression: each once, in order, and none after the visitor says stop. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sql/rdb_query.h"

static rdb_expr LEAVES[6] = {{.kind = RDB_EXPR_DEFAULT}, {.kind = RDB_EXPR_DEFAULT}, {.kind = RDB_EXPR_DEFAULT},
                             {.kind = RDB_EXPR_DEFAULT}, {.kind = RDB_EXPR_DEFAULT}, {.kind = RDB_EXPR_DEFAULT}};

typedef struct visits {
    char seen[16]; /* the leaves' numbers, in order */
    size_t count, most;
} visits;

static bool note(void *context, rdb_expr *child)
{
    visits *v = context;
    v->seen[v->count++] = (char)('0' + (child - LEAVES));
    return v->count < v->most;
}

static void check_children(const void *expr, const char *expected)
{
    visits v = {.most = 16};
    assert_true(rdb_expr_visit_children(expr, note, &v));
    assert_string_equal(v.seen, expected);
    if (expected[0] == '\0')
        return;
    v = (visits){.most = 1};
    assert_false(rdb_expr_visit_children(expr, note, &v));
    assert_int_equal(v.count, 1);
}

static void test_children(void **state)
{
    (void)state;
    void *two[] = {&LEAVES[1], &LEAVES[2]};
    const rdb_list list = {two, 2, 2};
    check_children(&LEAVES[0], "");
    check_children(&(rdb_expr_bool){.head.kind = RDB_EXPR_BOOL, .arguments = list}, "12");
    check_children(&(rdb_expr_pair){.head.kind = RDB_EXPR_DISTINCT, .left = &LEAVES[3], .right = &LEAVES[0]}, "30");
    check_children(&(rdb_expr_unary){.head.kind = RDB_EXPR_RELABEL, .argument = &LEAVES[5]}, "5");
    rdb_case_when when = {&LEAVES[1], &LEAVES[2]};
    void *whens[] = {&when};
    check_children(&(rdb_expr_case){.head.kind = RDB_EXPR_CASE, .argument = &LEAVES[0], .whens = {whens, 1, 1},
                                    .otherwise = &LEAVES[3]}, "0123");
    check_children(&(rdb_expr_case){.head.kind = RDB_EXPR_CASE, .whens = {whens, 1, 1}}, "12");
    rdb_target target = {.expr = &LEAVES[4]};
    void *targets[] = {&target};
    check_children(&(rdb_expr_aggregate){.head.kind = RDB_EXPR_AGGREGATE, .direct_arguments = list,
                                         .arguments = {targets, 1, 1}, .filter = &LEAVES[5]}, "1245");
    void *open_bound[] = {NULL, &LEAVES[3]};
    check_children(&(rdb_expr_subscript){.head.kind = RDB_EXPR_SUBSCRIPT, .argument = &LEAVES[0],
                                         .lower = {open_bound, 2, 2}, .upper = list}, "0312");
    check_children(&(rdb_expr_sublink){.head.kind = RDB_EXPR_SUBLINK, .test = &LEAVES[4], .left = list}, "412");
}

static void test_result_targets(void **state)
{
    (void)state;
    rdb_query query = {.command = RDB_COMMAND_SELECT};
    assert_ptr_equal(rdb_query_result_targets(&query), &query.targets);
    query.command = RDB_COMMAND_UPDATE;
    assert_ptr_equal(rdb_query_result_targets(&query), &query.returning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_result_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
