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

static bool is_plain_type(uint32_t oid)
{
    switch (oid) {
    case RDB_BOOLOID: case RDB_CHAROID: case RDB_NAMEOID: case RDB_INT2OID: case RDB_INT4OID: case RDB_INT8OID: case RDB_OIDOID:
    case RDB_FLOAT4OID: case RDB_FLOAT8OID: case RDB_NUMERICOID: case RDB_TEXTOID: case RDB_VARCHAROID: case RDB_BPCHAROID: case RDB_BYTEAOID:
    case RDB_DATEOID: case RDB_TIMEOID: case RDB_TIMESTAMPOID: case RDB_TIMESTAMPTZOID: case RDB_INTERVALOID: case RDB_UUIDOID:
        return true;
    default:
        return false;
    }
}

bool exec_function_is_simple(const rdb_function *function)
{
    if (function->volatility != 'i' || function->returns_set || function->has_body || function->kind != 'f' || strstr(function->name, "regex") != NULL ||
        strstr(function->name, "similar") != NULL || !is_plain_type(function->return_type) || rdb_kernel_find(function->oid) == NULL)
        return false;
    for (uint32_t i = 0; i < function->argument_count; i++)
        if (!is_plain_type(function->argument_types[i]))
            return false;
    return true;
}

static bool visit_simple(void *context, rdb_expr *expr)
{
    uint32_t *depth = context;
    bool ok = false;
    if (expr == NULL)
        return true;
    if (*depth == 0)
        return false;
    --*depth;
    switch (expr->kind) {
    case RDB_EXPR_CONST:
        ok = true;
        break;
    case RDB_EXPR_SLOT:
    case RDB_EXPR_PARAM:
        ok = is_plain_type(expr->type->oid);
        break;
    case RDB_EXPR_FUNCTION:
        ok = exec_function_is_simple(((rdb_expr_function *)expr)->function) && rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *e = (const rdb_expr_array_op *)expr;
        ok = exec_function_is_simple(e->function) && visit_simple(context, e->left);
        if (ok && e->right->kind == RDB_EXPR_ARRAY)
            ok = rdb_expr_visit_children(e->right, visit_simple, context);
        else
            ok = ok && e->right->kind == RDB_EXPR_CONST;
        break;
    }
    case RDB_EXPR_DISTINCT:
    case RDB_EXPR_NULLIF:
        ok = exec_function_is_simple(((rdb_expr_pair *)expr)->function) && rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_CASE:
    case RDB_EXPR_COALESCE:
        ok = is_plain_type(expr->type->oid) && rdb_expr_visit_children(expr, visit_simple, context);
        break;
    case RDB_EXPR_BOOL:
    case RDB_EXPR_NULL_TEST:
    case RDB_EXPR_BOOL_TEST:
        ok = rdb_expr_visit_children(expr, visit_simple, context);
        break;
    default:
        break;
    }
    ++*depth;
    return ok;
}

bool exec_is_simple(const rdb_expr *expr)
{
    uint32_t depth = 100;
    return visit_simple(&depth, (rdb_expr *)(uintptr_t)expr);
}

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
        if (!exec_is_simple(node->plan->filter.items[i]))
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
