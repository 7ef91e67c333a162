/* SPDX-License-Identifier: Apache-2.0
 * Functions that make whole rows: sets that are made at once and handed out piece by piece, and records of one row. */
#include "expr/kernels.h"

typedef struct kept_row {
    rdb_datum *values;
    bool *is_null;
} kept_row;

void expr_rows_add(rdb_call *call, expr_rows *rows, const rdb_datum *values, const bool *is_null, uint32_t count)
{
    kept_row *row = RDB_NEW(call->arena, kept_row);
    row->values = rdb_arena_memdup(call->arena, values, count * sizeof *values);
    row->is_null = rdb_arena_memdup(call->arena, is_null, count * sizeof *is_null);
    rdb_list_push(call->arena, &rows->rows, row);
}

bool expr_rows_next(rdb_call *call, void *state, rdb_vector **columns, uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    expr_rows *rows = state;
    (void)call;
    for (*count = 0; *count < capacity && rows->at < rows->rows.count; ++*count) {
        const kept_row *row = rows->rows.items[rows->at++];
        for (uint32_t i = 0; i < column_count; i++)
            rdb_vector_put(columns[i], *count, row->values[i], row->is_null[i]);
    }
    return true;
}

bool expr_text_array(rdb_call *call, const char *const *texts, uint32_t count, rdb_datum *array)
{
    const rdb_type *text = NULL;
    rdb_datum *values = RDB_NEW_ARRAY(call->arena, rdb_datum, count + 1);
    bool *nulls = RDB_NEW_ARRAY(call->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++)
        values[i] = expr_text(texts[i]);
    return rdb_type_get(rdb_eval_of(call)->access, RDB_TEXTOID, &text, call->err) && rdb_array_build(call, text, values, nulls, count, array);
}

bool expr_run_records(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection, uint32_t count,
                      const uint32_t *column_types, uint32_t column_count, expr_record_function function)
{
    const rdb_type *types[EXPR_COLUMNS_MAX];
    rdb_datum values[8], columns[EXPR_COLUMNS_MAX];
    bool nulls[8], column_nulls[EXPR_COLUMNS_MAX];
    RDB_ASSERT(count <= RDB_COUNT_OF(values) && column_count <= EXPR_COLUMNS_MAX);
    for (uint32_t i = 0; i < column_count; i++)
        if (!rdb_type_get(rdb_eval_of(call)->access, column_types[i], &types[i], call->err))
            return false;
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum record = {.words = {0, 0}};
        for (uint32_t i = 0; i < count; i++) {
            nulls[i] = rdb_vector_is_null(arguments[i], row);
            values[i] = nulls[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(arguments[i], row);
        }
        memset(columns, 0, sizeof columns);
        memset(column_nulls, 0, sizeof column_nulls);
        if (!function(call, values, nulls, columns, column_nulls) || !rdb_record_build(call, types, columns, column_nulls, column_count, &record)) {
            call->bad_row = row;
            return false;
        }
        rdb_vector_put(out, row, record, false);
    }
    return true;
}
