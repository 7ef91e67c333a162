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

typedef struct block_stretch {
    uint64_t first, end; /* blocks first .. end - 1 */
} block_stretch;
typedef struct address_set { /* rows, and all rows of stretches of blocks, in order, none touching the next */
    rdb_row_address *items;
    size_t count, capacity;
    block_stretch *stretches;
    size_t stretch_count, stretch_capacity;
    bool is_inexact;
} address_set;

typedef struct bitmap_state {
    scan_state scan;        /* first; of a heap scan its columns, of an index scan its bounds */
    address_set set;
    size_t next;            /* heap scan: of the set */
    bool is_read;
    uint64_t last_block;
    size_t stretch_no, skipped_to; /* heap scan: the stretch that is read; where rows outside of them are looked for */
    rdb_arena *stretch_arena;
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

/* Is the block in one of the stretches? at: where the search goes on, for blocks that ascend. */
static bool in_stretches(const address_set *set, uint64_t block, size_t *at)
{
    while (*at < set->stretch_count && set->stretches[*at].end <= block)
        (*at)++;
    return *at < set->stretch_count && set->stretches[*at].first <= block;
}

static bool set_add_stretch(rdb_arena *arena, address_set *set, uint64_t first, uint64_t end, rdb_error *err)
{
    if (set->stretch_count > 0 && set->stretches[set->stretch_count - 1].end >= first) {
        set->stretches[set->stretch_count - 1].end = RDB_MAX(set->stretches[set->stretch_count - 1].end, end);
        return true;
    }
    if (set->stretch_count == set->stretch_capacity) {
        const size_t capacity = set->stretch_capacity * 2 + 8;
        block_stretch *grown = rdb_arena_try_grow(arena, set->stretches, set->stretch_capacity * sizeof *grown, capacity * sizeof *grown, err);
        if (grown == NULL)
            return false;
        set->stretches = grown;
        set->stretch_capacity = capacity;
    }
    set->stretches[set->stretch_count++] = (block_stretch){first, end};
    return true;
}

/* The same where one of them or both have stretches: rows of one in stretches of the other, and what stretches share. */
static bool intersect_stretches(rdb_arena *arena, address_set *set, const address_set *other, rdb_error *err)
{
    address_set made = {.is_inexact = true};
    for (size_t i = 0, k = 0, in_set = 0, in_other = 0; i < set->count || k < other->count;) {
        const bool from_set = k >= other->count || (i < set->count && set->items[i] <= other->items[k]), both = from_set && k < other->count && set->items[i] == other->items[k];
        const rdb_row_address address = from_set ? set->items[i] : other->items[k];
        const bool meets = both || in_stretches(from_set ? other : set, RDB_ROW_BLOCK(address), from_set ? &in_other : &in_set);
        i += from_set;
        k += !from_set || both;
        if (meets && !set_reserve(arena, &made, 1, err))
            return false;
        if (meets)
            made.items[made.count++] = address;
    }
    for (size_t i = 0, k = 0; i < set->stretch_count && k < other->stretch_count;) {
        const uint64_t first = RDB_MAX(set->stretches[i].first, other->stretches[k].first), end = RDB_MIN(set->stretches[i].end, other->stretches[k].end);
        if (first < end && !set_add_stretch(arena, &made, first, end, err))
            return false;
        if (set->stretches[i].end < other->stretches[k].end)
            i++;
        else
            k++;
    }
    *set = made;
    return true;
}

static bool set_intersect(rdb_arena *arena, address_set *set, const address_set *other, rdb_error *err)
{
    size_t kept = 0;
    if (set->stretch_count > 0 || other->stretch_count > 0)
        return intersect_stretches(arena, set, other, err);
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
    return true;
}

static bool set_append(rdb_arena *arena, address_set *set, const address_set *other, rdb_error *err)
{
    if (!set_reserve(arena, set, other->count, err))
        return false;
    if (other->count > 0)
        memcpy(set->items + set->count, other->items, other->count * sizeof *set->items);
    set->count += other->count;
    set->is_inexact = set->is_inexact || other->is_inexact;
    address_set merged = {0};
    for (size_t i = 0, k = 0; i < set->stretch_count || k < other->stretch_count;) {
        const bool from_set = k >= other->stretch_count || (i < set->stretch_count && set->stretches[i].first <= other->stretches[k].first);
        const block_stretch *one = from_set ? &set->stretches[i++] : &other->stretches[k++];
        if (!set_add_stretch(arena, &merged, one->first, one->end, err))
            return false;
    }
    set->stretches = merged.stretches;
    set->stretch_count = merged.stretch_count;
    set->stretch_capacity = merged.stretch_capacity;
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
    if (!scan_check_index(r->node, scan->index, err))
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
        if (has_set && !set_intersect(r->state->set_arena, set, &one, err))
            return false;
        if (!has_set)
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
        if (!is_whole)
            set->is_inexact = true;
        else if (!set_intersect(r->state->set_arena, set, &other, err))
            return false;
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
        if (i > 0 && !set_intersect(state->set_arena, &state->set, &one, err))
            return false;
        if (i == 0)
            state->set = one;
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

/* ---- summaries ------------------------------------------------------------------------------------------------------------------- */
typedef struct summary_bound {
    rdb_strbuf key;
    bool is_null;
} summary_bound;

/* May a row of the stretch meet the condition? What was cut is compared as if it were equal. */
static bool bound_meets(const rdb_plan_bound *bound, const summary_bound *value, const rdb_summary *summary)
{
    if (bound->strategy == RDB_PLAN_BOUND_IS_NULL)
        return summary->has_null;
    if (summary->least.data == NULL || (bound->strategy != RDB_PLAN_BOUND_IS_NOT_NULL && value->is_null))
        return false;
    if (bound->strategy == RDB_PLAN_BOUND_IS_NOT_NULL)
        return true;
    const rdb_slice ends[2] = {summary->least, summary->greatest};
    int order[2]; /* of the ends to the value */
    for (int i = 0; i < 2; i++) {
        order[i] = memcmp(ends[i].data, value->key.data, RDB_MIN(ends[i].length, value->key.length));
        if (order[i] == 0)
            order[i] = ends[i].length < value->key.length ? -1 : ends[i].length > value->key.length;
    }
    return bound->strategy <= 2 ? order[0] <= 0 : bound->strategy == 3 ? order[0] <= 0 && order[1] >= 0 : order[1] >= 0;
}

static bool read_summaries(exec_node *node, rdb_error *err)
{
    bitmap_state *state = node->state;
    const rdb_plan_scan *plan = &node->plan->of.scan;
    const rdb_relation_index *index = state->scan.index;
    const rdb_execution_context *context = &node->x->context;
    summary_bound *values = RDB_NEW_ARRAY(state->set_arena, summary_bound, plan->bound_count + 1u);
    uint64_t blocks = 0;
    rdb_counters_add(index->counters, RDB_COUNTER_SCANS, 1);
    rdb_arena_reset(state->scan.bound_arena);
    state->set.is_inexact = true;
    if (context->snapshot->tracks_reads && !rdb_ssi_read_relation(context->txn, plan->relation->oid, err))
        return false;
    for (uint16_t i = 0; i < plan->bound_count; i++) {
        rdb_datum value = {.words = {0, 0}};
        rdb_strbuf_init(&values[i].key, state->scan.bound_arena);
        values[i].is_null = true;
        if (plan->bounds[i].value != NULL && (!rdb_program_value(state->scan.bounds[i].program, &node->x->eval, state->scan.bound_arena, 0, &value, &values[i].is_null, err) ||
                                              (!values[i].is_null && !rdb_summary_key(&index->columns[plan->bounds[i].column_no], value, &values[i].key, err))))
            return false;
    }
    if (!rdb_table_block_count(&plan->relation->table, &blocks, err))
        return false;
    for (uint64_t stretch = 0; stretch * index->range_blocks < blocks; stretch++) {
        bool meets = true, is_known = false;
        rdb_arena_reset(node->arena);
        if (!rdb_cancel_check(context->cancel, err) || !rdb_summary_find(index, stretch, context->snapshot->scn, node->arena, &is_known, err))
            return false;
        for (uint16_t i = 0; is_known && meets && i < plan->bound_count; i++) {
            rdb_summary summary;
            if (!rdb_summary_bounds(index, stretch, plan->bounds[i].column_no, node->arena, &summary, err))
                return false;
            meets = bound_meets(&plan->bounds[i], &values[i], &summary);
        }
        if (meets && !set_add_stretch(state->set_arena, &state->set, stretch * index->range_blocks, RDB_MIN((stretch + 1) * index->range_blocks, blocks), err))
            return false;
    }
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
    bool (*const readers[])(exec_node *, rdb_error *) = {[RDB_INDEX_ORDERED] = read_ordered, [RDB_INDEX_SUMMARY] = read_summaries, [RDB_INDEX_TERMS] = read_terms};
    if (!readers[state->scan.index->kind](node, err))
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
        else if (is_and ? !set_intersect(state->set_arena, &state->set, &child->set, err) : !set_append(state->set_arena, &state->set, &child->set, err))
            return false;
        if (is_and && state->set.count == 0 && state->set.stretch_count == 0)
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
    state->stretch_arena = exec_arena(node->x, "stretch");
    if (state->scan.scan_arena == NULL || state->stretch_arena == NULL)
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
    state->next = state->stretch_no = state->skipped_to = 0;
    if (state->scan.table_scan != NULL)
        rdb_table_scan_close(&state->scan.table_scan);
    return true;
}

/* The next rows of the stretches; *count 0: they are over. */
static bool next_of_stretches(exec_node *node, bitmap_state *state, uint32_t capacity, uint32_t *count, rdb_error *err)
{
    scan_columns *columns = &state->scan.columns;
    const rdb_execution_context *context = &node->x->context;
    *count = 0;
    while (*count == 0 && state->stretch_no < state->set.stretch_count) {
        const block_stretch *stretch = &state->set.stretches[state->stretch_no];
        if (state->scan.table_scan == NULL) {
            rdb_arena_reset(state->stretch_arena);
            if (!rdb_table_scan_open(&state->scan.table_scan, &node->plan->of.scan.relation->table, context->txn, context->snapshot, columns->numbers, columns->count, stretch->first,
                                     stretch->end - stretch->first, state->stretch_arena, err))
                return false;
            if (node->statistics != NULL)
                node->statistics->lossy_blocks += stretch->end - stretch->first;
        }
        if (!rdb_cancel_check(context->cancel, err) ||
            !rdb_table_scan_next(state->scan.table_scan, capacity, node->arena, columns->vectors, columns->addresses, columns->versions, count, err))
            return false;
        if (*count > 0)
            return true;
        rdb_table_scan_close(&state->scan.table_scan);
        state->stretch_no++;
    }
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
    const uint32_t capacity = exec_grow_capacity(columns->capacity, columns->filled, budget), most = RDB_MIN(RDB_MAX(capacity, columns->capacity), budget);
    uint32_t count = 0;
    if (!scan_reserve_rows(node, &state->scan, RDB_MAX(capacity, 1u), err))
        return false;
    for (uint16_t i = 0; i < columns->count; i++)
        rdb_vector_clear_nulls(columns->vectors[i]);
    if (!next_of_stretches(node, state, most, &count, err))
        return false;
    const bool by_stretch = count > 0;
    for (uint32_t i = 0; i < count; i++)
        columns->found[i] = columns->recheck[i] = true;
    for (; !by_stretch && count < most && state->next < state->set.count; state->next++)
        if (!in_stretches(&state->set, RDB_ROW_BLOCK(state->set.items[state->next]), &state->skipped_to))
            columns->addresses[count++] = state->set.items[state->next];
    columns->filled = count;
    if (count == 0)
        return true;
    if (!by_stretch && !rdb_table_fetch(&node->plan->of.scan.relation->table, context->txn, context->snapshot, columns->addresses, count, columns->numbers, columns->count, node->arena,
                         columns->vectors, columns->found, columns->recheck, columns->versions, err))
        return false;
    uint32_t found = 0;
    bool must_ask = state->set.is_inexact;
    for (uint32_t i = 0; i < count; i++) {
        state->scan.rows[found] = i;
        found += columns->found[i];
        must_ask = must_ask || (columns->found[i] && columns->recheck[i]);
    }
    if (node->statistics != NULL && !by_stretch)
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

static void close_bitmap_heap(exec_node *node)
{
    bitmap_state *state = node->state;
    if (state == NULL)
        return;
    scan_close(node);
    rdb_arena_destroy(state->stretch_arena);
}

const exec_ops exec_bitmap_heap_ops = {open_bitmap_heap, begin_bitmap_heap, next_bitmap_heap, close_bitmap_heap};
