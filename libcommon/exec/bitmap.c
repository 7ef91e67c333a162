/* SPDX-License-Identifier: Apache-2.0
 * Scans by addresses: BitmapIndexScan, BitmapAnd and BitmapOr make a set of row addresses, sorted, each once; BitmapHeapScan reads the
 * rows in that order. The nodes below it give no batches: beginning one of them makes its set.
 *
 * A set may hold more rows than the conditions it stands for, never fewer; where it may, and for every row whose indexed columns
 * changed since it came (its old entries stay until purge), the conditions are asked again. */
#include "exec/scan_int.h"
#include "txn/rdb_ssi.h"
#include <stdlib.h>

#define READ_AT_ONCE 1024u

typedef struct address_set {
    rdb_row_address *items;
    size_t count, capacity;
    bool is_inexact;
} address_set;

typedef struct bitmap_state {
    scan_state scan;        /* first; of a heap scan its columns, of an index scan its bounds */
    address_set set;
    size_t next;            /* heap scan: of the set */
    bool is_read;
    uint64_t last_block;
    rdb_arena *set_arena;   /* of the set and what it is made of; one for all nodes below a heap scan */
    uint32_t *kept;
} bitmap_state;

/* ---- sets ---------------------------------------------------------------------------------------------------------------------- */
static bool set_reserve(rdb_arena *arena, address_set *set, size_t more, rdb_error *err)
{
    if (set->count + more <= set->capacity)
        return true;
    const size_t capacity = RDB_MAX(set->capacity * 2, set->count + more);
    rdb_row_address *grown = rdb_arena_try_grow(arena, set->items, set->capacity * sizeof *grown, capacity * sizeof *grown, err);
    if (grown == NULL)
        return false;
    set->items = grown;
    set->capacity = capacity;
    return true;
}

static int compare_addresses(const void *left, const void *right)
{
    const rdb_row_address a = *(const rdb_row_address *)left, b = *(const rdb_row_address *)right;
    return a < b ? -1 : a > b;
}

/* In order; items that are there at least so many times, once. */
static void set_sort(address_set *set, uint32_t at_least)
{
    bool is_sorted = true;
    size_t kept = 0;
    for (size_t i = 1; i < set->count && is_sorted; i++)
        is_sorted = set->items[i - 1] <= set->items[i];
    if (!is_sorted)
        qsort(set->items, set->count, sizeof *set->items, compare_addresses);
    for (size_t i = 0, end; i < set->count; i = end) {
        for (end = i + 1; end < set->count && set->items[end] == set->items[i]; end++)
            ;
        if (end - i >= at_least)
            set->items[kept++] = set->items[i];
    }
    set->count = kept;
}

static void set_intersect(address_set *set, const address_set *other)
{
    size_t kept = 0;
    for (size_t i = 0, k = 0; i < set->count && k < other->count;) {
        if (set->items[i] == other->items[k]) {
            set->items[kept++] = set->items[i];
            i++;
            k++;
        } else if (set->items[i] < other->items[k]) {
            i++;
        } else {
            k++;
        }
    }
    set->count = kept;
    set->is_inexact = set->is_inexact || other->is_inexact;
}

static bool set_append(rdb_arena *arena, address_set *set, const address_set *other, rdb_error *err)
{
    if (!set_reserve(arena, set, other->count, err))
        return false;
    if (other->count > 0)
        memcpy(set->items + set->count, other->items, other->count * sizeof *set->items);
    set->count += other->count;
    set->is_inexact = set->is_inexact || other->is_inexact;
    return true;
}

/* ---- terms --------------------------------------------------------------------------------------------------------------------- */
typedef struct term_reader {
    exec_node *node;
    bitmap_state *state;
    rdb_index_entry *entries;
} term_reader;

/* The rows of one range, at most limit entries; *is_whole: there were no more. */
static bool read_range(const term_reader *r, const rdb_term_query *query, size_t limit, address_set *set, bool *is_whole, rdb_error *err)
{
    scan_state *scan = &r->state->scan;
    const rdb_execution_context *context = &r->node->x->context;
    const rdb_index_range range = {.lower = query->lower, .upper = query->upper, .lower_exclusive = query->lower_exclusive, .upper_exclusive = query->upper_exclusive};
    set->count = 0;
    *is_whole = true;
    if (context->snapshot->tracks_reads &&
        !rdb_ssi_read_range(context->txn, r->node->plan->of.scan.relation->oid, scan->index->index.index_oid, range.lower, range.lower_exclusive, range.upper, range.upper_exclusive, err))
        return false;
    if (scan->cursor != NULL ? !rdb_index_cursor_seek(scan->cursor, &range, err)
                             : !rdb_index_cursor_open(&scan->cursor, &scan->index->index, &range, false, scan->scan_arena, err))
        return false;
    for (;;) {
        uint32_t count;
        if (!rdb_cancel_check(context->cancel, err) || !rdb_index_cursor_next(scan->cursor, READ_AT_ONCE, false, r->node->arena, r->entries, &count, err) ||
            !set_reserve(r->state->set_arena, set, count, err))
            return false;
        if (count == 0)
            break;
        for (uint32_t i = 0; i < count; i++)
            set->items[set->count++] = r->entries[i].address;
        rdb_counters_add(scan->index->counters, RDB_COUNTER_ROWS_READ, count);
        if (set->count > limit) {
            *is_whole = false;
            return true;
        }
    }
    set_sort(set, 1);
    return true;
}

static bool read_query(const term_reader *r, const rdb_term_query *query, address_set *set, rdb_error *err);

/* The rarest terms decide: those that most rows have are not read to their end but left to the conditions. */
static bool read_and(const term_reader *r, const rdb_term_query *query, address_set *set, rdb_error *err)
{
    bool has_set = false, *is_read = RDB_NEW_ARRAY(r->state->set_arena, bool, query->count + 1);
    for (uint32_t i = 0; i < query->count; i++) {
        address_set one = {0};
        if (query->items[i]->kind == RDB_TERMS_RANGE)
            continue;
        is_read[i] = true;
        if (!read_query(r, query->items[i], &one, err))
            return false;
        if (has_set)
            set_intersect(set, &one);
        else
            *set = one;
        has_set = true;
    }
    for (size_t limit = READ_AT_ONCE; !has_set; limit *= 8)
        for (uint32_t i = 0; i < query->count && !has_set; i++) {
            if (!read_range(r, query->items[i], limit, set, &has_set, err))
                return false;
            is_read[i] = has_set;
        }
    address_set other = {0};
    for (uint32_t i = 0; i < query->count && set->count > 0; i++) {
        bool is_whole;
        if (is_read[i])
            continue;
        if (!read_range(r, query->items[i], 4 * READ_AT_ONCE + 16 * set->count, &other, &is_whole, err))
            return false;
        if (is_whole)
            set_intersect(set, &other);
        else
            set->is_inexact = true;
    }
    return true;
}

static bool read_query(const term_reader *r, const rdb_term_query *query, address_set *set, rdb_error *err)
{
    bool is_whole;
    *set = (address_set){0};
    switch ((rdb_term_query_kind)query->kind) {
    case RDB_TERMS_NONE: return true;
    case RDB_TERMS_ALL:
    case RDB_TERMS_RANGE: return read_range(r, query, SIZE_MAX, set, &is_whole, err);
    case RDB_TERMS_AND: return read_and(r, query, set, err);
    case RDB_TERMS_OR:
    case RDB_TERMS_AT_LEAST:
        for (uint32_t i = 0; i < query->count; i++) {
            address_set one = {0};
            if (!read_query(r, query->items[i], &one, err) || !set_append(r->state->set_arena, set, &one, err))
                return false;
        }
        set_sort(set, query->kind == RDB_TERMS_OR ? 1 : query->needed);
        return true;
    }
    return true;
}

static bool read_terms(exec_node *node, rdb_error *err)
{
    bitmap_state *state = node->state;
    const rdb_plan_scan *plan = &node->plan->of.scan;
    term_reader reader = {node, state, rdb_arena_try_alloc(state->set_arena, READ_AT_ONCE * sizeof(rdb_index_entry), err)};
    if (reader.entries == NULL)
        return false;
    rdb_counters_add(state->scan.index->counters, RDB_COUNTER_SCANS, 1);
    rdb_arena_reset(state->scan.bound_arena);
    for (uint16_t i = 0; i < plan->bound_count; i++) {
        const rdb_plan_bound *bound = &plan->bounds[i];
        const rdb_index_column *column = &state->scan.index->columns[bound->column_no];
        rdb_call call = {.arena = state->scan.bound_arena, .err = err, .format = node->x->context.format, .collation = column->collation, .session = &node->x->eval};
        rdb_datum value = {.words = {0, 0}};
        rdb_term_query *query = NULL;
        address_set one = {0};
        bool is_null = true, is_exact = true;
        if (!rdb_program_value(state->scan.bounds[i].program, &node->x->eval, state->scan.bound_arena, 0, &value, &is_null, err))
            return false;
        if (!is_null && (!rdb_terms_ask(&call, column->terms, bound->column_no, column->type, bound->strategy, bound->value->type, value, &query, &is_exact) ||
                         !read_query(&reader, query, &one, err)))
            return false;
        one.is_inexact = one.is_inexact || !is_exact;
        if (i == 0)
            state->set = one;
        else
            set_intersect(&state->set, &one);
    }
    return rdb_txn_check_snapshot(state->scan.index->index.txns, node->x->context.snapshot, err); /* entries that an expired one asks for may be gone */
}

static bool read_ordered(exec_node *node, rdb_error *err)
{
    bitmap_state *state = node->state;
    rdb_index_entry *entries = rdb_arena_try_alloc(state->set_arena, READ_AT_ONCE * sizeof *entries, err);
    if (entries == NULL || !scan_begin_index(node, err))
        return false;
    for (;;) {
        uint32_t count;
        if (!rdb_cancel_check(node->x->context.cancel, err) || !scan_next_entries(node, READ_AT_ONCE, false, entries, &count, err) ||
            !set_reserve(state->set_arena, &state->set, count, err))
            return false;
        if (count == 0)
            break;
        for (uint32_t i = 0; i < count; i++)
            state->set.items[state->set.count++] = entries[i].address;
        rdb_counters_add(state->scan.index->counters, RDB_COUNTER_ROWS_READ, count);
    }
    set_sort(&state->set, 1);
    return true;
}

/* ---- the nodes that make sets ---------------------------------------------------------------------------------------------------- */
static bool make_set(exec_node *node, rdb_arena *arena, rdb_error *err)
{
    bitmap_state *state = node->state;
    state->set = (address_set){0};
    state->set_arena = arena;
    return exec_begin(node, err);
}

static bool open_bitmap_index(exec_node *node, rdb_error *err)
{
    bitmap_state *state = RDB_NEW(node->x->arena, bitmap_state);
    node->state = state;
    return scan_open_bounds(node, &state->scan, err);
}

static bool begin_bitmap_index(exec_node *node, rdb_error *err)
{
    bitmap_state *state = node->state;
    rdb_arena_reset(node->arena);
    if (state->scan.index->kind == RDB_INDEX_TERMS ? !read_terms(node, err) : !read_ordered(node, err))
        return false;
    if (node->statistics != NULL)
        node->statistics->rows += state->set.count;
    return true;
}

static bool next_nothing(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    (void)node, (void)budget, (void)err;
    *raw = NULL;
    return true;
}

static bool open_bitmap_set(exec_node *node, rdb_error *err)
{
    (void)err;
    node->state = RDB_NEW(node->x->arena, bitmap_state);
    return true;
}

static bool begin_bitmap_set(exec_node *node, rdb_error *err)
{
    bitmap_state *state = node->state;
    const bool is_and = node->plan->kind == RDB_PLAN_BITMAP_AND;
    for (uint32_t i = 0; i < node->child_count; i++) {
        bitmap_state *child = node->children[i]->state;
        if (!make_set(node->children[i], state->set_arena, err))
            return false;
        if (i == 0)
            state->set = child->set;
        else if (is_and)
            set_intersect(&state->set, &child->set);
        else if (!set_append(state->set_arena, &state->set, &child->set, err))
            return false;
        if (is_and && state->set.count == 0)
            break;
    }
    if (!is_and)
        set_sort(&state->set, 1);
    return true;
}

const exec_ops exec_bitmap_index_ops = {open_bitmap_index, begin_bitmap_index, next_nothing, scan_close};
const exec_ops exec_bitmap_set_ops = {open_bitmap_set, begin_bitmap_set, next_nothing, NULL};

/* ---- BitmapHeapScan ---------------------------------------------------------------------------------------------------------------- */
static bool open_bitmap_heap(exec_node *node, rdb_error *err)
{
    bitmap_state *state = RDB_NEW(node->x->arena, bitmap_state);
    node->state = state;
    state->scan.scan_arena = exec_arena(node->x, "scan");
    if (state->scan.scan_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    state->kept = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    state->scan.rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    return scan_add_columns(node, &state->scan) && exec_compile_list(node->x, &state->scan.condition, &node->plan->of.scan.condition, err);
}

static bool begin_bitmap_heap(exec_node *node, rdb_error *err)
{
    bitmap_state *state = node->state;
    (void)err;
    state->is_read = state->scan.is_done = false;
    state->next = 0;
    return true;
}

static void count_blocks(const exec_node *node, bitmap_state *state, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t block = RDB_ROW_BLOCK(state->scan.columns.addresses[i]);
        node->statistics->blocks += block != state->last_block;
        state->last_block = block;
    }
}

static bool next_bitmap_heap(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    bitmap_state *state = node->state;
    scan_columns *columns = &state->scan.columns;
    const rdb_execution_context *context = &node->x->context;
    const exec_substitute *substitute = scan_substitute_of(node);
    if (substitute != NULL)
        return scan_next_substitute(node, substitute, raw, err);
    *raw = NULL;
    if (!state->is_read) {
        rdb_arena_reset(state->scan.scan_arena);
        if (!make_set(node->left, state->scan.scan_arena, err))
            return false;
        state->set = ((bitmap_state *)node->left->state)->set;
        state->is_read = true;
        state->last_block = UINT64_MAX;
    }
    const uint32_t capacity = exec_grow_capacity(columns->capacity, budget);
    const uint32_t count = (uint32_t)RDB_MIN(state->set.count - state->next, (size_t)RDB_MIN(RDB_MAX(capacity, columns->capacity), budget));
    if (count == 0)
        return true;
    if (!scan_reserve_rows(node, &state->scan, RDB_MAX(capacity, count), err))
        return false;
    memcpy(columns->addresses, state->set.items + state->next, count * sizeof *columns->addresses);
    state->next += count;
    for (uint16_t i = 0; i < columns->count; i++)
        rdb_vector_clear_nulls(columns->vectors[i]);
    if (!rdb_table_fetch(&node->plan->of.scan.relation->table, context->txn, context->snapshot, columns->addresses, count, columns->numbers, columns->count, node->arena,
                         columns->vectors, columns->found, columns->recheck, columns->versions, err))
        return false;
    uint32_t found = 0;
    bool must_ask = state->set.is_inexact;
    for (uint32_t i = 0; i < count; i++) {
        state->scan.rows[found] = i;
        found += columns->found[i];
        must_ask = must_ask || (columns->found[i] && columns->recheck[i]);
    }
    if (node->statistics != NULL)
        count_blocks(node, state, count);
    rdb_counters_add(node->plan->of.scan.relation->counters, RDB_COUNTER_ROWS_FETCHED, found);
    scan_fill_identity(columns, count);
    scan_give(node, &state->scan, count, (rdb_selection){state->scan.rows, found}, raw);
    if (must_ask && found > 0 && state->scan.condition != NULL) {
        uint32_t kept = 0;
        if (!rdb_program_filter(state->scan.condition, &node->x->eval, node->arena, *raw, &(*raw)->selection, state->kept, &kept, err))
            return false;
        if (node->statistics != NULL)
            node->statistics->rows_rechecked += found - kept;
        (*raw)->selection = (rdb_selection){state->kept, kept};
    }
    return true;
}

const exec_ops exec_bitmap_heap_ops = {open_bitmap_heap, begin_bitmap_heap, next_bitmap_heap, scan_close};
