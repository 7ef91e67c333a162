/* SPDX-License-Identifier: Apache-2.0
 * Index Only Scan: values come from the entries, their keys and what stands behind those. Rows of pages that not all see, and those with
 * values too long for an entry, are fetched as an index scan does it, beside those that need no look, and put in between (R29).
 * Serializable transactions note every row before its page is asked about. */
#include "exec/scan_int.h"
#include "txn/rdb_ssi.h"

static bool open_index_only_scan(exec_node *node, rdb_error *err)
{
    if (!scan_open_by_index(node, err))
        return false;
    scan_state *state = node->state;
    state->heap = RDB_NEW(node->x->arena, scan_state);
    state->heap->index = state->index;
    return scan_add_columns(node, state->heap);
}

/* Where a column of the index goes to in the row space. */
static void put_value(exec_node *node, uint32_t row, int16_t number, rdb_datum value, bool is_null, uint16_t *found)
{
    const scan_state *state = node->state;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    for (uint16_t c = 0; c < scan->column_count; c++)
        if (scan->columns[c] == number) {
            rdb_vector_put(state->columns.row_space[c], row, value, is_null);
            (*found)++;
        }
}

/* The columns of a row, one as a rule, from the entry. *is_whole false: a value that is asked for was too long for it. */
static bool read_entry(exec_node *node, uint32_t row, bool *is_whole, rdb_error *err)
{
    scan_state *state = node->state;
    const uint16_t wanted = node->plan->of.scan.column_count;
    const rdb_relation_index *index = state->index;
    rdb_slice key, rest;
    uint16_t found = 0;
    *is_whole = true;
    if (!rdb_index_entry_split(index, state->entries[row].key, &key, &rest, err))
        return false;
    const uint8_t *at = key.data, *end = at + key.length;
    rdb_datum value = {.words = {0, 0}};
    for (uint16_t k = 0; k < index->decoded_count && found < wanted; k++) {
        const rdb_index_column *column = &index->columns[k];
        bool is_null = false;
        if (!rdb_type_decode_column(column->type, column->is_descending, node->arena, &at, end, &value, &is_null, err))
            return false;
        put_value(node, row, column->column_number, value, is_null, &found);
    }
    for (uint16_t k = index->decoded_count; k < index->stored_count && found < wanted; k++) {
        const rdb_index_column *column = &index->columns[k];
        const uint16_t before = found;
        rdb_index_rest_kind kind;
        if (!rdb_index_rest_next(column->type->rep, &rest, &kind, &value, err))
            return false;
        put_value(node, row, column->column_number, value, kind != RDB_REST_VALUE, &found);
        if (kind == RDB_REST_ABSENT && found > before)
            *is_whole = false;
    }
    return true;
}

/* Fetches the rows that are not visible and puts them where they belong; visible[i] then says whether row i is there. */
static bool fetch_others(exec_node *node, uint32_t count, rdb_error *err)
{
    scan_state *state = node->state, *heap = state->heap;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    const rdb_execution_context *context = &node->x->context;
    uint32_t fetched = 0;
    if (!scan_reserve_rows(node, heap, state->columns.capacity, err))
        return false;
    scan_columns *columns = &heap->columns;
    for (uint32_t i = 0; i < count; i++)
        if (!state->visible[i])
            columns->addresses[fetched++] = state->columns.addresses[i];
    if (fetched == 0)
        return true;
    for (uint16_t i = 0; i < columns->count; i++)
        rdb_vector_clear_nulls(columns->vectors[i]);
    if (!rdb_table_fetch(&scan->relation->table, context->txn, context->snapshot, columns->addresses, fetched, columns->numbers, columns->count, node->arena, columns->vectors,
                         columns->found, columns->recheck, columns->versions, err))
        return false;
    rdb_counters_add(state->index->counters, RDB_COUNTER_ROWS_FETCHED, fetched);
    if (node->statistics != NULL)
        node->statistics->heap_fetches += fetched;
    for (uint32_t i = 0, at = 0; i < count; i++) {
        if (state->visible[i])
            continue;
        bool counts = columns->found[at];
        if (counts && columns->recheck[at] && !scan_entry_counts(node, heap, at, &state->entries[i], &counts, err))
            return false;
        for (uint16_t c = 0; counts && c < scan->column_count; c++)
            rdb_vector_copy_row(state->columns.row_space[c], i, columns->row_space[c], at);
        state->columns.found[i] = counts;
        at++;
    }
    return true;
}

bool scan_read_keys(exec_node *node, uint32_t count, rdb_batch **raw, rdb_error *err)
{
    scan_state *state = node->state;
    scan_columns *columns = &state->columns;
    const rdb_execution_context *context = &node->x->context;
    const rdb_table *table = &node->plan->of.scan.relation->table;
    uint32_t kept = 0;
    bool *visible = state->visible;
    for (uint32_t i = 0; i < count; i++)
        columns->addresses[i] = state->entries[i].address;
    for (uint16_t c = 0; c < node->plan->of.scan.column_count; c++)
        rdb_vector_clear_nulls(columns->row_space[c]);
    if ((context->snapshot->tracks_reads && !rdb_ssi_read_rows(context->txn, table->relation_oid, columns->addresses, count, err)) ||
        !rdb_table_visible(table, context->snapshot, columns->addresses, count, state->visible_begun, visible, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (visible[i] && !read_entry(node, i, &visible[i], err))
            return false;
    if (!fetch_others(node, count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        state->rows[kept] = i;
        kept += visible[i] || columns->found[i];
    }
    rdb_counters_add(state->index->counters, RDB_COUNTER_ROWS_READ, count);
    scan_give(node, state, count, (rdb_selection){state->rows, kept}, raw);
    return true;
}

const exec_ops exec_index_only_scan_ops = {open_index_only_scan, scan_begin_by_index, scan_next_by_index, scan_close};
