/* SPDX-License-Identifier: Apache-2.0
 * Filters that a sequential scan tries before it reads the rest of a row: conditions made of built-in immutable functions over
 * plain values, which neither wait nor look anything up, so that they may run under a page's latch. Where one fails on a row the
 * scan keeps the rows, and the node's own filter meets the error in its place. */
#include "exec/exec_int.h"

#define FIRST_ROWS 4096u /* so many are tried before the filter is judged by what it keeps */

struct exec_scan_filter {
    rdb_table_filter filter;   /* what the table room is given */
    exec_node *node;
    rdb_batch batch;           /* row space with the filter's columns alone */
    rdb_vector **vectors;
    int16_t *columns;
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

static bool keep_rows(void *context, uint32_t count, uint32_t *kept, uint32_t *kept_count)
{
    exec_scan_filter *filter = context;
    exec_node *node = filter->node;
    const rdb_selection all = {NULL, count};
    rdb_error err;
    rdb_error_init(&err);
    filter->batch.row_count = count;
    filter->batch.selection = all;
    if (!rdb_program_filter(node->filter, &node->x->eval, node->arena, &filter->batch, &all, kept, kept_count, &err)) {
        rdb_error_clear(&err);
        return false;
    }
    filter->tried += count;
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

static bool make_ready(exec_scan_filter *filter, rdb_error *err)
{
    exec_node *node = filter->node;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    rdb_arena *arena = node->x->arena;
    const slot_marks marks = {RDB_NEW_ARRAY(arena, bool, scan->column_count + 1u), scan->column_count};
    for (uint32_t i = 0; i < node->plan->filter.count; i++)
        (void)mark_slot((void *)(uintptr_t)&marks, node->plan->filter.items[i]);
    filter->columns = RDB_NEW_ARRAY(arena, int16_t, scan->column_count + 1u);
    filter->vectors = RDB_NEW_ARRAY(arena, rdb_vector *, scan->column_count + 1u);
    filter->batch.columns = RDB_NEW_ARRAY(arena, rdb_vector *, scan->column_count + 1u);
    filter->batch.column_count = scan->column_count;
    uint16_t count = 0;
    for (uint16_t i = 0; i < scan->column_count; i++) {
        if (!marks.is_read[i])
            continue;
        if (scan->columns[i] <= 0)
            return true; /* who a row is, is not in its page's bytes: the filter stays the node's alone */
        rdb_vector *vector = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(vector, arena, node->plan->input_types[i]->rep, RDB_TABLE_FILTER_ROWS, err))
            return false;
        filter->columns[count] = scan->columns[i];
        filter->batch.columns[i] = filter->vectors[count++] = vector;
    }
    filter->filter = (rdb_table_filter){.columns = filter->columns, .column_count = count, .vectors = filter->vectors, .keep = keep_rows, .context = filter};
    return true;
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
    const bool serves = filter->filter.column_count > 0 && capacity >= RDB_TABLE_FILTER_ROWS && (filter->tried < FIRST_ROWS || filter->kept < filter->tried - filter->tried / 4);
    rdb_table_scan_set_filter(scan, serves ? &filter->filter : NULL);
    return true;
}
