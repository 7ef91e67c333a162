/* SPDX-License-Identifier: Apache-2.0
 * Index Only Scan: values come from the keys of the entries. Rows of pages that not all see are fetched as an index scan does it,
 * beside those that need no look, and put in between (R29). Serializable transactions note every row before its page is asked about. */
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

/* Which columns of the row space a key column goes to: one, as a rule. */
static bool put_key(exec_node *node, uint32_t row, rdb_error *err)
{
    scan_state *state = node->state;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    const uint8_t *at = state->entries[row].key.data, *end = at + state->entries[row].key.length;
    uint16_t found = 0;
    for (uint16_t k = 0; k < state->index->key_count && found < scan->column_count; k++) {
        const rdb_index_column *key = &state->index->columns[k];
        rdb_datum value = {.words = {0, 0}};
        bool is_null = false;
        if (!rdb_type_decode_column(key->type, key->is_descending, node->arena, &at, end, &value, &is_null, err))
            return false;
        for (uint16_t c = 0; c < scan->column_count; c++)
            if (scan->columns[c] == key->column_number) {
                rdb_vector_put(state->columns.row_space[c], row, value, is_null);
                found++;
            }
    }
    return true;
}

/* Does the fetched row's key still equal the entry that led to it (R28)? */
static bool entry_counts(exec_node *node, uint32_t at, const rdb_index_entry *entry, bool *counts, rdb_error *err)
{
    scan_state *state = node->state;
    rdb_strbuf_clear(&state->key);
    for (uint16_t k = 0; k < state->index->key_count; k++) {
        const rdb_index_column *column = &state->index->columns[k];
        const rdb_vector *vector = state->heap->columns.vectors[state->heap->columns.key_first + k];
        const bool is_null = rdb_vector_is_null(vector, at);
        rdb_datum value = {.words = {0, 0}};
        if (!is_null)
            value = rdb_vector_get(vector, at);
        if (!rdb_type_encode_column(column->type, column->collation, value, is_null, column->is_descending, column->nulls_first, &state->key, err))
            return false;
    }
    *counts = entry->key.length == state->key.length && memcmp(entry->key.data, state->key.data, entry->key.length) == 0;
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
        if (counts && columns->recheck[at] && !entry_counts(node, at, &state->entries[i], &counts, err))
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
        !rdb_table_visible(table, context->snapshot, columns->addresses, count, state->visible_begun, visible, err) || !fetch_others(node, count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (visible[i] && !put_key(node, i, err))
            return false;
        state->rows[kept] = i;
        kept += visible[i] || columns->found[i];
    }
    rdb_counters_add(state->index->counters, RDB_COUNTER_ROWS_READ, count);
    scan_give(node, state, count, (rdb_selection){state->rows, kept}, raw);
    return true;
}

const exec_ops exec_index_only_scan_ops = {open_index_only_scan, scan_begin_by_index, scan_next_by_index, scan_close};
