/* SPDX-License-Identifier: Apache-2.0
 * Filters that a sequential scan tries before it reads the rest of a row: conditions made of built-in immutable functions over
 * plain values, which neither wait nor look anything up, so that they may run under a page's latch. Where one fails on a row the
 * scan keeps the rows, and the node's own filter meets the error in its place. */
#include "exec/exec_int.h"

#define FIRST_ROWS 4096u /* so many are tried before the filter is judged by what it keeps */

typedef struct filter_stage {
    rdb_program *program;      /* of its conditions */
    rdb_batch batch;           /* row space with the stage's columns alone */
} filter_stage;

struct exec_scan_filter {
    rdb_table_filter filter;   /* what the table room is given */
    exec_node *node;
    filter_stage stages[RDB_TABLE_FILTER_STAGES];
    uint64_t tried, kept;
    bool is_ready;
};

typedef struct slot_marks {
    bool *is_read;
    uint32_t count;
} slot_marks;
static bool mark_slot(void *context, rdb_expr *expr)
{
    const slot_marks *marks = context;
    if (expr == NULL)
        return true;
    if (expr->kind == RDB_EXPR_SLOT && ((rdb_expr_slot *)expr)->slot_no < marks->count)
        marks->is_read[((rdb_expr_slot *)expr)->slot_no] = true;
    return rdb_expr_visit_children(expr, mark_slot, context);
}

static bool keep_rows(void *context, uint16_t stage_no, uint32_t count, uint32_t *kept, uint32_t *kept_count)
{
    exec_scan_filter *filter = context;
    exec_node *node = filter->node;
    filter_stage *stage = &filter->stages[stage_no];
    const rdb_selection all = {NULL, count};
    rdb_error err;
    rdb_error_init(&err);
    stage->batch.row_count = count;
    stage->batch.selection = all;
    if (!rdb_program_filter(stage->program, &node->x->eval, node->arena, &stage->batch, &all, kept, kept_count, &err)) {
        rdb_error_clear(&err);
        return false;
    }
    if (stage_no == 0)
        filter->tried += count;
    if (stage_no + 1 == filter->filter.stage_count)
        filter->kept += *kept_count;
    return true;
}

void exec_scan_filter_open(exec_node *node, exec_scan_filter **made)
{
    const rdb_plan_scan *scan = &node->plan->of.scan;
    *made = NULL;
    if (node->filter == NULL || scan->sample != NULL)
        return;
    for (uint32_t i = 0; i < node->plan->filter.count; i++)
        if (!rdb_expr_is_simple(node->plan->filter.items[i], true))
            return;
    *made = RDB_NEW(node->x->arena, exec_scan_filter);
    (*made)->node = node;
}

/* The conditions from first to end, which read the marked slots. */
static bool make_stage(exec_scan_filter *filter, uint32_t first, uint32_t end, const bool *is_read, rdb_error *err)
{
    exec_node *node = filter->node;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    rdb_arena *arena = node->x->arena;
    filter_stage *stage = &filter->stages[filter->filter.stage_count];
    int16_t *columns = RDB_NEW_ARRAY(arena, int16_t, scan->column_count + 1u);
    rdb_vector **vectors = RDB_NEW_ARRAY(arena, rdb_vector *, scan->column_count + 1u);
    uint16_t count = 0;
    stage->batch.columns = RDB_NEW_ARRAY(arena, rdb_vector *, scan->column_count + 1u);
    stage->batch.column_count = scan->column_count;
    for (uint16_t i = 0; i < scan->column_count; i++) {
        if (!is_read[i])
            continue;
        rdb_vector *vector = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(vector, arena, node->plan->input_types[i]->rep, RDB_TABLE_FILTER_ROWS, err))
            return false;
        columns[count] = scan->columns[i];
        stage->batch.columns[i] = vectors[count++] = vector;
    }
    filter->filter.stages[filter->filter.stage_count++] = (rdb_table_filter_stage){.columns = columns, .column_count = count, .vectors = vectors};
    return exec_compile(node->x, &stage->program, (rdb_expr *const *)node->plan->filter.items + first, end - first, err);
}

/* A condition begins a new stage where it reads a column that the one at hand does not: the rows that are out by then need not give it. */
static bool make_ready(exec_scan_filter *filter, rdb_error *err)
{
    exec_node *node = filter->node;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    const uint32_t slots = scan->column_count, conditions = node->plan->filter.count;
    bool *is_read = RDB_NEW_ARRAY(node->x->arena, bool, slots + 1u), *is_own = RDB_NEW_ARRAY(node->x->arena, bool, slots + 1u);
    const slot_marks own = {is_own, slots};
    uint32_t first = 0;
    filter->filter = (rdb_table_filter){.keep = keep_rows, .context = filter};
    for (uint32_t i = 0; i < conditions; i++) {
        bool is_new = false;
        memset(is_own, 0, slots);
        (void)mark_slot((void *)(uintptr_t)&own, node->plan->filter.items[i]);
        for (uint32_t s = 0; s < slots; s++) {
            is_new |= is_own[s] && !is_read[s];
            if (is_own[s] && scan->columns[s] <= 0) { /* who a row is, is not in its page's bytes: the filter stays the node's alone */
                filter->filter.stage_count = 0;
                return true;
            }
        }
        if (i > first && is_new && filter->filter.stage_count + 1u < RDB_TABLE_FILTER_STAGES) {
            if (!make_stage(filter, first, i, is_read, err))
                return false;
            memset(is_read, 0, slots);
            first = i;
        }
        for (uint32_t s = 0; s < slots; s++)
            is_read[s] |= is_own[s];
    }
    return make_stage(filter, first, conditions, is_read, err);
}

bool exec_scan_filter_apply(exec_scan_filter *filter, rdb_table_scan *scan, uint32_t capacity, rdb_error *err)
{
    if (filter == NULL)
        return true;
    if (!filter->is_ready && capacity >= RDB_TABLE_FILTER_ROWS) {
        filter->is_ready = true;
        if (!make_ready(filter, err))
            return false;
    }
    /* One that keeps nearly all only makes their columns be read twice. */
    const bool serves = filter->filter.stage_count > 0 && capacity >= RDB_TABLE_FILTER_ROWS && (filter->tried < FIRST_ROWS || filter->kept < filter->tried - filter->tried / 4);
    rdb_table_scan_set_filter(scan, serves ? &filter->filter : NULL);
    return true;
}
