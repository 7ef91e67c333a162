/* SPDX-License-Identifier: Apache-2.0
 * TidRangeScan: the blocks that bounds on ctid leave, read as SeqScan reads all of them; the bounds are checked again row by row. */
#include "exec/scan_int.h"

typedef struct range_state {
    scan_state scan;         /* first: what the other scans share */
    rdb_program *bounds;     /* one value each */
    uint32_t *rows;
    bool is_open;
} range_state;

static bool open_range(exec_node *node, rdb_error *err)
{
    const rdb_plan_scan *plan = &node->plan->of.scan;
    range_state *state = RDB_NEW(node->x->arena, range_state);
    node->state = state;
    state->scan.scan_arena = exec_arena(node->x, "scan");
    state->scan.bound_arena = exec_arena(node->x, "bounds");
    if (state->scan.scan_arena == NULL || state->scan.bound_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_expr **values = RDB_NEW_ARRAY(node->x->arena, rdb_expr *, plan->bound_count + 1u);
    for (uint16_t i = 0; i < plan->bound_count; i++)
        values[i] = plan->bounds[i].value;
    state->rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    return exec_compile(node->x, &state->bounds, values, plan->bound_count, err) && scan_add_columns(node, &state->scan) &&
           exec_compile_list(node->x, &state->scan.condition, &plan->condition, err);
}

static bool begin_range(exec_node *node, rdb_error *err)
{
    range_state *state = node->state;
    (void)err;
    state->is_open = state->scan.is_done = false;
    return true;
}

/* Block n of a ctid is block n + 1 of the table. A null bound leaves nothing. */
static bool find_blocks(exec_node *node, uint64_t *first, uint64_t *count, rdb_error *err)
{
    range_state *state = node->state;
    const rdb_plan_scan *plan = &node->plan->of.scan;
    uint64_t lower = 0, upper = UINT64_MAX - 2;
    *first = *count = 0;
    rdb_arena_reset(state->scan.bound_arena);
    for (uint16_t i = 0; i < plan->bound_count; i++) {
        rdb_datum value;
        bool is_null = true;
        uint64_t block = 0;
        if (!rdb_program_value(state->bounds, &node->x->eval, state->scan.bound_arena, i, &value, &is_null, err))
            return false;
        if (is_null)
            return true;
        memcpy(&block, value.fixed, sizeof block);
        if (plan->bounds[i].strategy >= 4)
            lower = RDB_MAX(lower, block);
        else
            upper = RDB_MIN(upper, block);
    }
    if (lower > upper)
        return true;
    *first = lower + 1;
    *count = upper - lower + 1;
    return true;
}

static bool next_range(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    range_state *state = node->state;
    scan_state *scan = &state->scan;
    scan_columns *columns = &scan->columns;
    const rdb_execution_context *context = &node->x->context;
    const exec_substitute *substitute = scan_substitute_of(node);
    if (substitute != NULL)
        return scan_next_substitute(node, substitute, raw, err);
    *raw = NULL;
    if (!state->is_open) {
        uint64_t first = 0, count = 0;
        if (scan->table_scan != NULL)
            rdb_table_scan_close(&scan->table_scan);
        rdb_arena_reset(scan->scan_arena);
        state->is_open = true;
        if (!find_blocks(node, &first, &count, err))
            return false;
        scan->is_done = count == 0;
        rdb_counters_add(node->plan->of.scan.relation->counters, RDB_COUNTER_SCANS, 1);
        if (count > 0 && !rdb_table_scan_open(&scan->table_scan, &node->plan->of.scan.relation->table, context->txn, context->snapshot, columns->numbers, columns->count, first, count, scan->scan_arena, err))
            return false;
    }
    while (!scan->is_done) {
        uint32_t count = 0, kept = 0;
        if (!scan_reserve_rows(node, scan, exec_grow_capacity(columns->capacity, columns->filled, budget), err))
            return false;
        for (uint16_t i = 0; i < columns->count; i++)
            rdb_vector_clear_nulls(columns->vectors[i]);
        if (!rdb_table_scan_next(scan->table_scan, RDB_MIN(columns->capacity, budget), node->arena, columns->vectors, columns->addresses, columns->versions, &count, err))
            return false;
        columns->filled = count;
        if (count == 0) {
            scan->is_done = true;
            break;
        }
        rdb_counters_add(node->plan->of.scan.relation->counters, RDB_COUNTER_ROWS_READ, count);
        scan_fill_identity(columns, count);
        scan_give(node, scan, count, (rdb_selection){NULL, count}, raw);
        if (!rdb_program_filter(scan->condition, &node->x->eval, node->arena, *raw, &(*raw)->selection, state->rows, &kept, err))
            return false;
        (*raw)->selection = (rdb_selection){state->rows, kept};
        if (kept > 0)
            return true;
        *raw = NULL;
        rdb_arena_reset(node->arena);
    }
    return true;
}

const exec_ops exec_tid_range_ops = {open_range, begin_range, next_range, scan_close};
