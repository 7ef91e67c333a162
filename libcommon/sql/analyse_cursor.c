/* SPDX-License-Identifier: Apache-2.0
 * UPDATE and DELETE ... WHERE CURRENT OF. A cursor's query gets junk columns that say which rows of which tables stand in its
 * result; the statement compares its own rows' ctid and tableoid with those of the row that the cursor stands on when it runs. */
#include "sql/analyse_int.h"

static rdb_expr *system_column(const analyse_state *state, uint32_t range_no, int16_t number, const rdb_type *type)
{
    rdb_expr_var *var = ANALYSE_NEW(state, rdb_expr_var, RDB_EXPR_VAR, type, -1);
    var->range_no = range_no;
    var->attribute_no = number;
    return &var->head;
}

static bool same_value(analyse_state *state, const char *cursor, int16_t column, uint32_t type_oid, rdb_sql_value value, rdb_expr **test, rdb_error *err)
{
    const uint32_t range_no = state->query->result_range_no;
    const rdb_type *type = NULL;
    if (!analyse_get_type(state, type_oid, &type, err))
        return false;
    rdb_expr_sql_value *of = ANALYSE_NEW(state, rdb_expr_sql_value, RDB_EXPR_SQL_VALUE, type, -1);
    of->value = (uint8_t)value;
    of->cursor = cursor;
    of->table_oid = ((const rdb_range *)state->query->ranges.items[range_no - 1])->relation->oid;
    return analyse_operator_named(state, "=", system_column(state, range_no, column, type), &of->head, -1, test, err);
}

bool analyse_current_of(analyse_state *state, const rdb_ast_current_of *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_expr *row = NULL, *table = NULL;
    rdb_list both = {0};
    const rdb_range *range = state->query->ranges.items[state->query->result_range_no - 1];
    if (range->relation->kind == 'v')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "WHERE CURRENT OF on a view is not implemented");
    if (!same_value(state, raw->cursor_name, RDB_COLUMN_CTID, RDB_TIDOID, RDB_CURSOR_ROW, &row, err) ||
        !same_value(state, raw->cursor_name, RDB_COLUMN_TABLEOID, RDB_OIDOID, RDB_CURSOR_TABLE, &table, err))
        return false;
    rdb_list_push(analyse_arena(state), &both, row);
    rdb_list_push(analyse_arena(state), &both, table);
    return analyse_make_logic(state, RDB_BOOL_AND, &both, -1, expr, err);
}

static bool is_read(const rdb_from *from, uint32_t range_no)
{
    return from->is_join ? is_read(from->left, range_no) || is_read(from->right, range_no) : from->range_no == range_no;
}

static bool is_marked(const rdb_query *query, uint32_t range_no)
{
    uint32_t tables = 0;
    bool found = query->row_marks.count == 0;
    for (uint32_t i = 0; i < query->row_marks.count; i++)
        found |= ((const rdb_row_mark *)query->row_marks.items[i])->range_no == range_no;
    for (uint32_t i = 0; i < query->ranges.count; i++)
        tables += ((const rdb_range *)query->ranges.items[i])->kind != RDB_RANGE_JOIN;
    return found && (query->row_marks.count > 0 || tables == 1); /* without FOR UPDATE: plain reads of one table */
}

bool analyse_mark_rows(rdb_analysis *analysis, rdb_query *query, rdb_error *err)
{
    const analyse_state state = {.analysis = analysis, .query = query};
    const rdb_type *tid = NULL, *oid = NULL;
    if (query->command != RDB_COMMAND_SELECT || query->set_operation != NULL || query->group.count > 0 || query->grouping_sets.count > 0 || query->has_aggregates ||
        query->having != NULL || query->distinct.count > 0 || query->has_windows || query->has_set_returning_targets)
        return true;
    if (!analyse_get_type(&state, RDB_TIDOID, &tid, err) || !analyse_get_type(&state, RDB_OIDOID, &oid, err))
        return false;
    for (uint32_t no = 1; no <= query->ranges.count; no++) {
        const rdb_range *range = query->ranges.items[no - 1];
        bool stands = false;
        for (uint32_t i = 0; i < query->from.count; i++)
            stands |= is_read(query->from.items[i], no);
        if (!stands || range->kind != RDB_RANGE_RELATION || !is_marked(query, no) ||
            (range->relation->kind != 'r' && range->relation->kind != 'p' && range->relation->kind != 'm'))
            continue;
        for (int i = 0; i < 2; i++) {
            rdb_expr *column = system_column(&state, no, i == 0 ? RDB_COLUMN_CTID : RDB_COLUMN_TABLEOID, i == 0 ? tid : oid);
            rdb_target *target = analyse_new_target(&state, column, (int16_t)(query->targets.count + 1), RDB_CURSOR_MARK, true);
            target->origin_table = range->relation->oid;
            rdb_list_push(analysis->arena, &query->targets, target);
        }
    }
    return true;
}
