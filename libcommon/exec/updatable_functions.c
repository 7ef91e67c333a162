/* SPDX-License-Identifier: Apache-2.0
 * pg_relation_is_updatable and pg_column_is_updatable, which information_schema asks: what may be written, through views too. */
#include "catalog/rdb_ddl.h"
#include "exec/exec_int.h"
#include "expr/kernels.h"

enum { EVENT_UPDATE = 4, EVENT_INSERT = 8, EVENT_DELETE = 16, EVENT_ALL = 28, DEPTH_MAX = 200 };

/* The table's column behind the view's column number, 0: none. */
static int16_t base_column(const rdb_query *view, uint32_t base_no, int16_t number)
{
    int16_t at = 0;
    for (uint32_t i = 0; i < view->targets.count; i++) {
        const rdb_target *target = view->targets.items[i];
        const rdb_expr_var *var = (const rdb_expr_var *)target->expr;
        if (target->is_junk || ++at != number)
            continue;
        return target->expr->kind == RDB_EXPR_VAR && var->levels_up == 0 && var->range_no == base_no && var->attribute_no > 0 ? var->attribute_no : 0;
    }
    return 0;
}

/* Changes that a rule takes over for every row. */
static bool rule_events(rdb_call *call, const rdb_relation *relation, int32_t *events)
{
    rdb_list rules;
    *events = 0;
    if (!relation->has_rules)
        return true;
    if (!rdb_rule_list(rdb_eval_of(call)->access, relation->oid, call->arena, &rules, call->err))
        return false;
    for (uint32_t i = 0; i < rules.count; i++) {
        const rdb_rule *rule = rules.items[i];
        if (rule->is_instead && rule->condition_tree == NULL)
            *events |= rule->event == '2' ? EVENT_UPDATE : rule->event == '3' ? EVENT_INSERT : EVENT_DELETE;
    }
    return true;
}

/* column 0: of the relation as a whole. What a view's own rules do not take over has to be possible in what is below it. */
static bool find_events(rdb_call *call, uint32_t oid, int16_t column, int32_t *events)
{
    rdb_access *access = rdb_eval_of(call)->access;
    int32_t possible = EVENT_ALL, own;
    *events = 0;
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        const rdb_relation *relation = NULL;
        rdb_query *view = NULL;
        if (!rdb_relation_get(access, oid, &relation, call->err))
            return false;
        if (relation == NULL)
            return true;
        if (relation->kind == 'r' || relation->kind == 'p')
            *events |= possible;
        if (relation->kind != 'v')
            return true;
        if (!rule_events(call, relation, &own) || !rdb_tree_read_query(call->arena, access, relation->view_tree, &view, call->err))
            return false;
        *events |= own & possible;
        if (*events == EVENT_ALL || rdb_view_not_updatable(view, false) != NULL)
            return true;
        const uint32_t base_no = ((const rdb_from *)view->from.items[0])->range_no;
        const rdb_relation *base = ((const rdb_range *)view->ranges.items[base_no - 1])->relation;
        const bool writes_columns = column == 0 ? rdb_view_not_updatable(view, true) == NULL : (column = base_column(view, base_no, column)) != 0;
        if (!writes_columns) {
            possible &= EVENT_DELETE;
            column = 0;
        }
        oid = base->oid;
    }
    return rdb_error_set(call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
}

static bool relation_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return find_events(call, a[0].oid, 0, &result->i32);
}
EXPR_ROW_KERNEL(relation, 2)

static bool column_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const int32_t wanted = EVENT_UPDATE | EVENT_DELETE;
    int32_t events = 0;
    (void)nulls, (void)is_null;
    if (a[1].i16 > 0 && !find_events(call, a[0].oid, a[1].i16, &events))
        return false;
    result->b = (events & wanted) == wanted;
    return true;
}
EXPR_ROW_KERNEL(column, 3)

void exec_register_updatable_functions(void)
{
    static const rdb_kernel_entry ENTRIES[] = {
        {3842, relation, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {3843, column, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    };
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
