/* SPDX-License-Identifier: Apache-2.0
 * SeqScan, IndexScan and TidScan. In one-row substitution (R35) a scan gives the one row that the execution names for it. */
#include "exec/scan_int.h"
#include "txn/rdb_ssi.h"
#include <stdlib.h>

/* ---- columns ------------------------------------------------------------------------------------------------------------------ */
bool scan_add_columns(exec_node *node, scan_state *state)
{
    const rdb_plan_scan *scan = &node->plan->of.scan;
    scan_columns *columns = &state->columns;
    uint32_t room = scan->column_count + 40u + (state->index ? state->index->column_count : 0);
    columns->numbers = RDB_NEW_ARRAY(node->x->arena, int16_t, room);
    columns->vectors = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, room);
    columns->row_space = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, scan->column_count + 1);
    for (uint16_t i = 0; i < scan->column_count; i++) {
        rdb_vector *vector = RDB_NEW(node->x->arena, rdb_vector);
        vector->rep = node->plan->input_types[i]->rep;
        columns->row_space[i] = vector;
        switch (scan->columns[i]) {
        case RDB_COLUMN_ADDRESS: columns->address = vector; break;
        case RDB_COLUMN_VERSION_XID: columns->version_xid = vector; break;
        case RDB_COLUMN_VERSION_UNDO: columns->version_undo = vector; break;
        default:
            columns->numbers[columns->count] = scan->columns[i];
            columns->vectors[columns->count++] = vector;
        }
    }
    columns->key_first = columns->count;
    for (uint16_t k = 0; state->index != NULL && k < state->index->key_count; k++) {
        const rdb_index_column *key = &state->index->columns[k];
        if (key->column_number == 0)
            continue;
        rdb_vector *vector = RDB_NEW(node->x->arena, rdb_vector);
        vector->rep = key->type->rep;
        columns->numbers[columns->count] = key->column_number;
        columns->vectors[columns->count++] = vector;
    }
    return true;
}

bool scan_reserve_rows(exec_node *node, scan_state *state, uint32_t capacity, rdb_error *err)
{
    scan_columns *columns = &state->columns;
    rdb_arena *arena = node->x->arena;
    if (capacity <= columns->capacity)
        return true;
    for (uint16_t i = 0; i < columns->count; i++)
        if (!rdb_vector_init(columns->vectors[i], arena, columns->vectors[i]->rep, capacity, err))
            return false;
    rdb_vector *own[3] = {columns->address, columns->version_xid, columns->version_undo};
    for (int i = 0; i < 3; i++)
        if (own[i] != NULL && !rdb_vector_init(own[i], arena, RDB_REP_INT64, capacity, err))
            return false;
    columns->addresses = rdb_arena_alloc(arena, capacity * sizeof *columns->addresses);
    columns->versions = rdb_arena_alloc(arena, capacity * sizeof *columns->versions);
    columns->found = rdb_arena_alloc(arena, capacity);
    columns->recheck = rdb_arena_alloc(arena, capacity);
    if (state->index != NULL) {
        state->entries = rdb_arena_alloc(arena, capacity * sizeof *state->entries);
        state->rows = rdb_arena_alloc(arena, capacity * sizeof *state->rows);
        state->visible = rdb_arena_alloc(arena, capacity);
    }
    columns->capacity = capacity;
    return true;
}

void scan_fill_identity(scan_columns *columns, uint32_t count)
{
    for (uint32_t i = 0; columns->address != NULL && i < count; i++)
        RDB_VALUES(columns->address, int64_t)[i] = (int64_t)columns->addresses[i];
    for (uint32_t i = 0; columns->version_xid != NULL && i < count; i++)
        RDB_VALUES(columns->version_xid, int64_t)[i] = (int64_t)columns->versions[i].xid;
    for (uint32_t i = 0; columns->version_undo != NULL && i < count; i++)
        RDB_VALUES(columns->version_undo, int64_t)[i] = (int64_t)columns->versions[i].undo;
}

void scan_give(exec_node *node, scan_state *state, uint32_t rows, rdb_selection selection, rdb_batch **raw)
{
    state->batch = (rdb_batch){.columns = state->columns.row_space, .column_count = node->plan->of.scan.column_count, .row_count = rows, .selection = selection};
    *raw = &state->batch;
}

/* ---- AS OF ---------------------------------------------------------------------------------------------------------------------------- */
static bool is_as_of(const exec_node *node)
{
    return node->plan->kind == RDB_PLAN_SEQ_SCAN && node->plan->of.scan.sample != NULL && node->plan->of.scan.sample->method >= RDB_SAMPLE_AS_OF_SCN;
}

/* The moment that the clause names, held until the run is over; a new one at every begin, since it may depend on what stands outside. */
static bool find_moment(exec_node *node, scan_state *state, rdb_error *err)
{
    const rdb_execution_context *context = &node->x->context;
    rdb_datum value = {.words = {0, 0}};
    bool is_null = false;
    rdb_arena_reset(state->scan_arena);
    if (!rdb_program_value(state->sample, &node->x->eval, state->scan_arena, 0, &value, &is_null, err))
        return false;
    if (is_null || (node->plan->of.scan.sample->method == RDB_SAMPLE_AS_OF_SCN && value.i64 < 0))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "AS OF wants a moment of the past");
    rdb_scn scn = (rdb_scn)value.i64;
    if (node->plan->of.scan.sample->method == RDB_SAMPLE_AS_OF_TIMESTAMP) {
        if (value.i64 > rdb_time_wall_us())
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "AS OF wants a moment of the past");
        scn = rdb_txn_scn_at_time(rdb_txn_manager_of(context->txn), value.i64);
    }
    if (state->has_moment && state->moment.scn == scn)
        return true;
    rdb_execution *owner = node->x->moments_owner;
    rdb_snapshot *held = rdb_arena_try_alloc(owner->run_arena, sizeof *held, err);
    if (held == NULL || !rdb_txn_snapshot_as_of(context->txn, context->snapshot, scn, &state->moment, err))
        return false;
    *held = state->moment;
    rdb_list_push(owner->run_arena, &owner->moments, held);
    state->has_moment = true;
    return true;
}

static const rdb_snapshot *snapshot_of(const exec_node *node)
{
    const scan_state *state = node->state;
    return state->has_moment ? &state->moment : node->x->context.snapshot;
}

/* ---- substitution ------------------------------------------------------------------------------------------------------------------ */
bool scan_next_substitute(exec_node *node, const exec_substitute *substitute, rdb_batch **raw, rdb_error *err)
{
    scan_state *state = node->state;
    node->is_filtered = false;
    scan_columns *columns = &state->columns;
    *raw = NULL;
    if (state->is_done || substitute->address == 0)
        return true;
    state->is_done = true;
    if (!scan_reserve_rows(node, state, 1, err))
        return false;
    const rdb_execution_context *context = &node->x->context;
    const rdb_table *table = &node->plan->of.scan.relation->table;
    bool found = false;
    columns->addresses[0] = substitute->address;
    for (uint16_t i = 0; i < columns->count; i++)
        rdb_vector_clear_nulls(columns->vectors[i]);
    if (substitute->is_latest) {
        for (bool was_moved = true; !found && was_moved;) { /* compaction may have given it another home since it was seen */
            if (!rdb_table_fetch_latest(table, context->txn, columns->addresses[0], columns->numbers, columns->count, node->arena, columns->vectors, &found, &columns->versions[0], err) ||
                (!found && !rdb_table_follow(table, context->txn, columns->addresses[0], &columns->addresses[0], &was_moved, err)))
                return false;
        }
    } else {
        if ((is_as_of(node) && !find_moment(node, state, err)) ||
            !rdb_table_fetch(table, context->txn, snapshot_of(node), columns->addresses, 1, columns->numbers, columns->count, node->arena, columns->vectors, columns->found, columns->recheck, columns->versions, err))
            return false;
        found = columns->found[0];
    }
    if (!found)
        return true;
    scan_fill_identity(columns, 1);
    scan_give(node, state, 1, (rdb_selection){NULL, 1}, raw);
    if (state->condition != NULL) {
        uint32_t kept = 0, row = 0;
        if (!rdb_program_filter(state->condition, &node->x->eval, node->arena, *raw, &state->batch.selection, &row, &kept, err))
            return false;
        if (kept == 0)
            *raw = NULL;
    }
    return true;
}

const exec_substitute *scan_substitute_of(const exec_node *node)
{
    const exec_substitute *all = node->x->substitutes;
    return all != NULL && all[node->plan->of.scan.scan_no].is_set ? &all[node->plan->of.scan.scan_no] : NULL;
}

/* ---- SeqScan -------------------------------------------------------------------------------------------------------------------------- */
static bool open_scan(exec_node *node, rdb_error *err)
{
    scan_state *state = node->state = RDB_NEW(node->x->arena, scan_state);
    state->scan_arena = exec_arena(node->x, "scan");
    if (state->scan_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    const rdb_plan_sample *sample = node->plan->of.scan.sample;
    if (sample != NULL) {
        state->sample_rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
        if (!exec_compile(node->x, &state->sample, (rdb_expr **)sample->arguments.items, sample->arguments.count, err))
            return false;
    }
    exec_scan_filter_open(node, &state->filter);
    return scan_add_columns(node, state);
}

static bool begin_sample(exec_node *node, scan_state *state, rdb_error *err)
{
    const bool is_repeatable = node->plan->of.scan.sample->arguments.count > 1;
    rdb_datum percent = {.words = {0, 0}}, seed = {.words = {0, 0}};
    bool is_null = false;
    rdb_arena_reset(state->scan_arena);
    if (!rdb_program_value(state->sample, &node->x->eval, state->scan_arena, 0, &percent, &is_null, err))
        return false;
    if (is_null)
        return rdb_error_set(err, RDB_INVALID_TABLESAMPLE_ARGUMENT, "TABLESAMPLE parameter cannot be null");
    if (is_repeatable) {
        if (!rdb_program_value(state->sample, &node->x->eval, state->scan_arena, 1, &seed, &is_null, err))
            return false;
        if (is_null)
            return rdb_error_set(err, RDB_INVALID_TABLESAMPLE_REPEAT, "TABLESAMPLE REPEATABLE parameter cannot be null");
        seed.f8 += 0.0; /* -0 is 0 */
        memcpy(&state->sample_seed, &seed.f8, sizeof state->sample_seed);
    } else {
        rdb_random_bytes(&state->sample_seed, sizeof state->sample_seed);
    }
    if (!(percent.f4 >= 0 && percent.f4 <= 100))
        return rdb_error_set(err, RDB_INVALID_TABLESAMPLE_ARGUMENT, "sample percentage must be between 0 and 100");
    state->sample_below = (uint64_t)((double)percent.f4 / 100 * 0x1p53);
    return true;
}

/* The rows of a batch that the sample has: by their block or their address alone, so that a seed gives the same ones again. */
static rdb_selection sample_rows(const exec_node *node, scan_state *state, uint32_t count)
{
    const bool by_block = node->plan->of.scan.sample->method == RDB_SAMPLE_SYSTEM;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t address = state->columns.addresses[i];
        rdb_random hash;
        rdb_random_seed(&hash, state->sample_seed ^ (by_block ? address >> 16 : address));
        if (rdb_random_next(&hash) >> 11 < state->sample_below)
            state->sample_rows[taken++] = i;
    }
    return (rdb_selection){state->sample_rows, taken};
}

static bool begin_seq_scan(exec_node *node, rdb_error *err)
{
    scan_state *state = node->state;
    const rdb_execution_context *context = &node->x->context;
    state->is_done = false;
    if (node->built_run != node->x->run_no)
        state->has_moment = false;
    if (scan_substitute_of(node) != NULL)
        return true;
    rdb_counters_add(node->plan->of.scan.relation->counters, RDB_COUNTER_SCANS, 1);
    if (state->sample != NULL && state->table_scan != NULL)
        rdb_table_scan_close(&state->table_scan);
    if (state->sample != NULL && !(is_as_of(node) ? find_moment : begin_sample)(node, state, err))
        return false;
    if (state->table_scan != NULL && node->built_run == node->x->run_no) {
        rdb_table_scan_rewind(state->table_scan);
        if (node->parallel != NULL)
            rdb_table_scan_move(state->table_scan, 0, 0);
        return true;
    }
    if (state->table_scan != NULL)
        rdb_table_scan_close(&state->table_scan);
    rdb_arena_reset(state->scan_arena);
    node->built_run = node->x->run_no;
    if (!rdb_table_scan_open(&state->table_scan, &node->plan->of.scan.relation->table, context->txn, snapshot_of(node), state->columns.numbers, state->columns.count, 0, UINT64_MAX, state->scan_arena, err))
        return false;
    if (node->parallel != NULL)
        rdb_table_scan_move(state->table_scan, 0, 0); /* until it claims its first stretch */
    return true;
}

void exec_seq_scan_range(const exec_node *node, uint64_t *first_block, uint64_t *end_block)
{
    const scan_state *state = node->state;
    rdb_table_scan_range(state->table_scan, first_block, end_block);
}

/* The blocks at hand are read: the next ones, where several threads share them. */
static bool claim_blocks(const exec_node *node, scan_state *state)
{
    uint64_t first = 0, count = 0;
    if (node->parallel == NULL || !exec_parallel_claim(node->parallel, &first, &count))
        return false;
    rdb_table_scan_move(state->table_scan, first, count);
    return true;
}

static bool next_seq_scan(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    scan_state *state = node->state;
    scan_columns *columns = &state->columns;
    const exec_substitute *substitute = scan_substitute_of(node);
    if (substitute != NULL)
        return scan_next_substitute(node, substitute, raw, err);
    *raw = NULL;
    if (state->is_done)
        return true;
    uint32_t capacity = exec_grow_capacity(columns->capacity, columns->filled, budget), count = 0;
    if (!scan_reserve_rows(node, state, capacity, err))
        return false;
    const bool wants_address = columns->address != NULL || state->sample != NULL, wants_version = columns->version_xid != NULL || columns->version_undo != NULL;
    rdb_table_scan_state progress = {.is_filtered = false};
    if (!exec_scan_filter_apply(state->filter, state->table_scan, columns->capacity, err))
        return false;
    do {
        if (!rdb_cancel_check(node->x->context.cancel, err) ||
            !rdb_table_scan_next(state->table_scan, RDB_MIN(columns->capacity, budget), node->arena, columns->vectors, wants_address ? columns->addresses : NULL,
                                 wants_version ? columns->versions : NULL, &count, err))
            return false;
        rdb_table_scan_tell(state->table_scan, &progress);
        columns->filled = count + (uint32_t)progress.passed_over;
        rdb_counters_add(node->plan->of.scan.relation->counters, RDB_COUNTER_ROWS_READ, count + progress.passed_over);
        if (node->statistics != NULL)
            node->statistics->rows_filtered += progress.passed_over;
    } while (count == 0 && (!progress.is_at_end || claim_blocks(node, state)));
    node->is_filtered = progress.is_filtered;
    if (count == 0) {
        state->is_done = true;
        return true;
    }
    scan_fill_identity(columns, count);
    scan_give(node, state, count, state->sample != NULL && !state->has_moment ? sample_rows(node, state, count) : (rdb_selection){NULL, count}, raw);
    return true;
}

void scan_close(exec_node *node)
{
    scan_state *state = node->state;
    if (state == NULL)
        return;
    if (state->table_scan != NULL)
        rdb_table_scan_close(&state->table_scan);
    if (state->cursor != NULL)
        rdb_index_cursor_close(&state->cursor);
    rdb_arena_destroy(state->scan_arena);
    rdb_arena_destroy(state->bound_arena);
    rdb_strbuf_free(&state->lower);
    rdb_strbuf_free(&state->upper);
    rdb_strbuf_free(&state->key);
}

const exec_ops exec_seq_scan_ops = {open_scan, begin_seq_scan, next_seq_scan, scan_close};

/* ---- IndexScan ------------------------------------------------------------------------------------------------------------------------ */
bool scan_open_bounds(exec_node *node, scan_state *state, rdb_error *err)
{
    const rdb_plan_scan *scan = &node->plan->of.scan;
    state->index = &scan->relation->indexes[scan->index_no];
    state->scan_arena = exec_arena(node->x, "scan");
    state->bound_arena = exec_arena(node->x, "bounds");
    if (state->scan_arena == NULL || state->bound_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    state->bounds = RDB_NEW_ARRAY(node->x->arena, scan_bound, scan->bound_count + 1u);
    for (uint16_t i = 0; i < scan->bound_count; i++) {
        state->bounds[i].plan = &scan->bounds[i];
        rdb_expr *value = scan->bounds[i].value;
        if (value != NULL && !exec_compile(node->x, &state->bounds[i].program, &value, 1, err))
            return false;
    }
    return true;
}

bool scan_open_by_index(exec_node *node, rdb_error *err)
{
    const rdb_plan_scan *scan = &node->plan->of.scan;
    scan_state *state = node->state = RDB_NEW(node->x->arena, scan_state);
    if (!scan_open_bounds(node, state, err))
        return false;
    return scan_add_columns(node, state) && exec_compile_list(node->x, &state->index_expressions, &scan->key_expressions, err) && exec_compile_list(node->x, &state->condition, &scan->condition, err);
}

static bool encode_bound(const scan_state *state, uint16_t column_no, rdb_datum value, bool is_null, rdb_strbuf *key, rdb_error *err)
{
    const rdb_index_column *column = &state->index->columns[column_no];
    return rdb_type_encode_column(column->type, column->collation, value, is_null, column->is_descending, column->nulls_first, key, err);
}

/* Where all values that are not null lie: the tag byte of a value (type/rdb_type.h). */
#define VALUE_TAG 0x02

/* The range for the current values of the bounds. *has_range false: nothing can match (a null bound, or no more elements). */
static bool compute_range(exec_node *node, rdb_index_range *range, bool *has_range, rdb_error *err)
{
    scan_state *state = node->state;
    const rdb_plan_scan *scan = &node->plan->of.scan;
    *range = (rdb_index_range){.lower = {NULL, 0}};
    *has_range = true;
    rdb_strbuf_clear(&state->lower);
    uint16_t i = 0;
    for (; i < scan->bound_count && (scan->bounds[i].strategy == 3 || scan->bounds[i].strategy == RDB_PLAN_BOUND_IS_NULL); i++) {
        rdb_datum value = {.words = {0, 0}};
        bool is_null = scan->bounds[i].strategy == RDB_PLAN_BOUND_IS_NULL;
        if (scan->bounds[i].is_any) {
            if (state->bounds[i].item_no >= state->bounds[i].item_count) {
                *has_range = false;
                return true;
            }
            value = state->bounds[i].items[state->bounds[i].item_no];
        } else if (!is_null) {
            if (!rdb_program_value(state->bounds[i].program, &node->x->eval, state->bound_arena, 0, &value, &is_null, err))
                return false;
            if (is_null) {
                *has_range = false;
                return true;
            }
        }
        if (!encode_bound(state, scan->bounds[i].column_no, value, is_null, &state->lower, err))
            return false;
    }
    rdb_strbuf_clear(&state->upper);
    rdb_strbuf_add(&state->upper, state->lower.data, state->lower.length);
    bool has_lower = false, has_upper = false, any = i < scan->bound_count;
    for (; i < scan->bound_count; i++) {
        const rdb_plan_bound *bound = &scan->bounds[i];
        rdb_datum value = {.words = {0, 0}};
        bool is_null = true;
        if (bound->strategy == RDB_PLAN_BOUND_IS_NOT_NULL)
            continue;
        if (!rdb_program_value(state->bounds[i].program, &node->x->eval, state->bound_arena, 0, &value, &is_null, err))
            return false;
        if (is_null) {
            *has_range = false;
            return true;
        }
        bool is_lower = bound->strategy >= 4, is_exclusive = bound->strategy == 1 || bound->strategy == 5;
        if (state->index->columns[bound->column_no].is_descending)
            is_lower = !is_lower;
        rdb_strbuf *key = is_lower ? &state->lower : &state->upper;
        if (!encode_bound(state, bound->column_no, value, false, key, err))
            return false;
        if (is_lower) {
            has_lower = true;
            range->lower_exclusive = is_exclusive;
        } else {
            has_upper = true;
            range->upper_exclusive = is_exclusive;
        }
    }
    if (any && !has_lower)
        rdb_strbuf_addc(&state->lower, VALUE_TAG);
    if (any && !has_upper)
        rdb_strbuf_addc(&state->upper, VALUE_TAG);
    if (!rdb_strbuf_check(&state->lower, err) || !rdb_strbuf_check(&state->upper, err))
        return false;
    range->lower = (rdb_slice){(const uint8_t *)state->lower.data, state->lower.length};
    range->upper = (rdb_slice){(const uint8_t *)state->upper.data, state->upper.length};
    return true;
}

typedef struct any_item {
    rdb_datum value;
    rdb_strbuf key;
} any_item;

static int compare_items(const void *left, const void *right)
{
    const rdb_strbuf *a = &((const any_item *)left)->key, *b = &((const any_item *)right)->key;
    int order = memcmp(a->data, b->data, RDB_MIN(a->length, b->length));
    return order != 0 ? order : a->length < b->length ? -1 : a->length > b->length;
}

/* The elements of an IN list, each once, in index order; nulls match nothing. */
static bool list_items(exec_node *node, scan_bound *bound, rdb_error *err)
{
    scan_state *state = node->state;
    rdb_datum array;
    bool is_null = true;
    bound->item_count = bound->item_no = 0;
    if (!rdb_program_value(bound->program, &node->x->eval, state->bound_arena, 0, &array, &is_null, err))
        return false;
    if (is_null)
        return true;
    rdb_array_shape shape;
    rdb_array_get_shape(array, &shape);
    any_item *items = rdb_arena_try_alloc(state->bound_arena, (shape.count + 1) * sizeof *items, err);
    bound->items = rdb_arena_try_alloc(state->bound_arena, (shape.count + 1) * sizeof *bound->items, err);
    if (items == NULL || bound->items == NULL)
        return false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < shape.count; i++) {
        if (!rdb_array_get(array, i, &items[count].value))
            continue;
        rdb_strbuf_init(&items[count].key, state->bound_arena);
        if (!encode_bound(state, bound->plan->column_no, items[count].value, false, &items[count].key, err))
            return false;
        count++;
    }
    qsort(items, count, sizeof *items, compare_items);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = node->plan->of.scan.is_backward ? count - 1 - i : i;
        if (i > 0 && compare_items(&items[from], &items[node->plan->of.scan.is_backward ? from + 1 : from - 1]) == 0)
            continue;
        bound->items[bound->item_count++] = items[from].value;
    }
    return true;
}

/* A serializable transaction tells what it is going to read, before it reads it. */
static bool track_range(exec_node *node, const rdb_index_range *range, rdb_error *err)
{
    const rdb_execution_context *context = &node->x->context;
    const scan_state *state = node->state;
    return !context->snapshot->tracks_reads ||
           rdb_ssi_read_range(context->txn, node->plan->of.scan.relation->oid, state->index->index.index_oid, range->lower, range->lower_exclusive,
                              range->upper, range->upper_exclusive, err);
}

/* On to the next element of the IN list; *has_range false: there is none. */
static bool next_item(exec_node *node, bool *has_range, rdb_error *err)
{
    scan_state *state = node->state;
    rdb_index_range range;
    *has_range = false;
    for (uint16_t i = 0; i < node->plan->of.scan.bound_count; i++) {
        if (!state->bounds[i].plan->is_any)
            continue;
        state->bounds[i].item_no++;
        return compute_range(node, &range, has_range, err) &&
               (!*has_range || (track_range(node, &range, err) && rdb_index_cursor_seek(state->cursor, &range, err)));
    }
    return true;
}

bool scan_begin_index(exec_node *node, rdb_error *err)
{
    scan_state *state = node->state;
    rdb_index_range range;
    bool has_range = false;
    state->is_done = false;
    rdb_counters_add(state->index->counters, RDB_COUNTER_SCANS, 1);
    rdb_arena_reset(state->bound_arena);
    for (uint16_t i = 0; i < node->plan->of.scan.bound_count; i++)
        if (state->bounds[i].plan->is_any && !list_items(node, &state->bounds[i], err))
            return false;
    if (!compute_range(node, &range, &has_range, err))
        return false;
    if (!has_range) {
        state->is_done = true;
        return true;
    }
    if (!track_range(node, &range, err))
        return false;
    if (!scan_check_index(node, state->index, err))
        return false;
    if (state->cursor != NULL)
        return rdb_index_cursor_seek(state->cursor, &range, err);
    return rdb_index_cursor_open(&state->cursor, &state->index->index, &range, node->plan->of.scan.is_backward, state->scan_arena, err);
}

bool scan_begin_by_index(exec_node *node, rdb_error *err)
{
    if (scan_substitute_of(node) == NULL)
        return scan_begin_index(node, err);
    ((scan_state *)node->state)->is_done = false;
    return true;
}

/* The row's columns that the index has behind its keys: rows that are asked again are few, so no other row's are read. */
static bool fetch_included(exec_node *node, scan_state *state, rdb_row_address address, rdb_error *err)
{
    const rdb_execution_context *context = &node->x->context;
    const rdb_relation_index *index = state->index;
    const uint16_t count = (uint16_t)(index->stored_count - index->key_count);
    rdb_vector **vectors = RDB_NEW_ARRAY(node->arena, rdb_vector *, count + 1u);
    bool is_there = false;
    if (state->included == NULL) {
        state->included = RDB_NEW_ARRAY(node->x->arena, rdb_vector, count + 1u);
        state->included_numbers = RDB_NEW_ARRAY(node->x->arena, int16_t, count + 1u);
        for (uint16_t i = 0; i < count; i++) {
            const rdb_index_column *column = &index->columns[index->key_count + i];
            state->included_numbers[i] = column->column_number;
            if (!rdb_vector_init(&state->included[i], node->x->arena, column->type->rep, 1, err))
                return false;
        }
    }
    for (uint16_t i = 0; i < count; i++) {
        vectors[i] = &state->included[i];
        rdb_vector_clear_nulls(vectors[i]);
    }
    return rdb_table_fetch(&node->plan->of.scan.relation->table, context->txn, context->snapshot, &address, 1, state->included_numbers, count, node->arena, vectors, &is_there, NULL, NULL, err);
}

bool scan_entry_counts(exec_node *node, scan_state *fetched, uint32_t row, const rdb_index_entry *entry, bool *counts, rdb_error *err)
{
    scan_state *state = node->state;
    const rdb_relation_index *index = state->index;
    const rdb_batch batch = {.columns = fetched->columns.row_space, .column_count = node->plan->of.scan.column_count, .row_count = row + 1};
    const rdb_selection one = {&row, 1};
    uint32_t plain_at = fetched->columns.key_first, expr_at = 0, good = 0;
    rdb_datum *values = RDB_NEW_ARRAY(node->arena, rdb_datum, index->stored_count + 1u);
    bool *is_null = RDB_NEW_ARRAY(node->arena, bool, index->stored_count + 1u);
    rdb_strbuf_clear(&state->key);
    if ((fetched->index_expressions != NULL && !rdb_program_run(fetched->index_expressions, &node->x->eval, node->arena, &batch, &one, &good, err)) ||
        (index->stored_count > index->key_count && !fetch_included(node, fetched, entry->address, err)))
        return false;
    for (uint16_t k = 0; k < index->stored_count; k++) {
        const bool is_key = k < index->key_count;
        const rdb_vector *vector = !is_key                                   ? &fetched->included[k - index->key_count]
                                   : index->columns[k].column_number == 0 ? rdb_program_result(fetched->index_expressions, expr_at++)
                                                                             : fetched->columns.vectors[plain_at++];
        const uint32_t at = is_key ? row : 0;
        is_null[k] = rdb_vector_is_null(vector, at);
        if (!is_null[k])
            values[k] = rdb_vector_get(vector, at);
    }
    if (!rdb_index_entry_encode_columns(index, values, is_null, &state->key, err))
        return false;
    *counts = entry->key.length == state->key.length && memcmp(entry->key.data, state->key.data, entry->key.length) == 0;
    return true;
}

bool scan_next_entries(exec_node *node, uint32_t capacity, bool wants_keys, rdb_index_entry *entries, uint32_t *count, rdb_error *err)
{
    scan_state *state = node->state;
    *count = 0;
    while (*count == 0 && !state->is_done) {
        bool has_range = false;
        if (!rdb_index_cursor_next(state->cursor, capacity, wants_keys, node->arena, entries, count, err))
            return false;
        if (*count > 0)
            break;
        if (!next_item(node, &has_range, err))
            return false;
        state->is_done = !has_range;
    }
    return !state->is_done || rdb_txn_check_snapshot(state->index->index.txns, node->x->context.snapshot, err); /* entries that an expired one asks for may be gone */
}

bool scan_next_by_index(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    scan_state *state = node->state;
    scan_columns *columns = &state->columns;
    const exec_substitute *substitute = scan_substitute_of(node);
    if (substitute != NULL)
        return scan_next_substitute(node, substitute, raw, err);
    *raw = NULL;
    if (state->is_done)
        return true;
    uint32_t capacity = exec_grow_capacity(columns->capacity, columns->filled, budget), count = 0;
    if (!scan_reserve_rows(node, state, capacity, err))
        return false;
    state->visible_begun = rdb_table_visible_begin();
    bool ok = scan_next_entries(node, RDB_MIN(columns->capacity, budget), true, state->entries, &count, err);
    columns->filled = count;
    if (!ok || count == 0)
        return !rdb_error_is_set(err);
    return exec_index_lookup_fetch(node, count, raw, err);
}

bool exec_index_lookup_begin(exec_node *node, uint32_t capacity, rdb_error *err)
{
    rdb_arena_reset(node->arena);
    ((scan_state *)node->state)->visible_begun = rdb_table_visible_begin();
    return scan_reserve_rows(node, node->state, capacity, err);
}

bool exec_index_lookup_seek(exec_node *node, rdb_error *err)
{
    return scan_begin_index(node, err);
}

static rdb_index_range range_ahead(const scan_ahead *ahead)
{
    return (rdb_index_range){.lower = {ahead->lower, ahead->lower_length}, .upper = {ahead->upper, ahead->upper_length},
                             .lower_exclusive = ahead->lower_exclusive, .upper_exclusive = ahead->upper_exclusive};
}

/* The search prepared so many places after the one of this number, which comes before it; NULL: there is none to look for. */
static const scan_ahead *search_after(const scan_state *state, uint32_t no, uint32_t places)
{
    const scan_ahead *ahead = &state->ahead[(no + places) % EXEC_LOOKUPS_AHEAD];
    return ahead->is_prepared && ahead->has_range ? ahead : NULL;
}

/* What cannot be prepared is left to the search itself, errors too. */
void exec_index_lookup_prepare(exec_node *node, uint32_t no)
{
    scan_state *state = node->state;
    rdb_index_range range;
    rdb_error err = {0};
    if (state->ahead == NULL)
        state->ahead = RDB_NEW_ARRAY(node->x->arena, scan_ahead, EXEC_LOOKUPS_AHEAD);
    scan_ahead *ahead = &state->ahead[no % EXEC_LOOKUPS_AHEAD];
    rdb_arena_reset(state->bound_arena);
    ahead->is_prepared = compute_range(node, &range, &ahead->has_range, &err);
    if (ahead->is_prepared && ahead->has_range) {
        ahead->is_prepared = range.lower.length <= SCAN_AHEAD_KEY_BYTES && range.upper.length <= SCAN_AHEAD_KEY_BYTES &&
                             rdb_index_find_place(&state->index->index, &range, &ahead->place, &err);
        if (ahead->is_prepared) {
            memcpy(ahead->lower, range.lower.data, range.lower.length);
            memcpy(ahead->upper, range.upper.data, range.upper.length);
            ahead->lower_length = (uint8_t)range.lower.length;
            ahead->upper_length = (uint8_t)range.upper.length;
            ahead->lower_exclusive = range.lower_exclusive;
            ahead->upper_exclusive = range.upper_exclusive;
        }
    }
    rdb_error_clear(&err);
    const scan_ahead *later = search_after(state, no, EXEC_LOOKUPS_AHEAD * 2 / 3), *sooner = search_after(state, no, EXEC_LOOKUPS_AHEAD / 3);
    if (later != NULL)
        rdb_index_warm_place(&state->index->index, &later->place);
    if (sooner != NULL) {
        range = range_ahead(sooner);
        rdb_index_warm_entry(&state->index->index, &sooner->place, &range);
    }
}

bool exec_index_lookup_seek_to(exec_node *node, uint32_t no, bool *was_prepared, rdb_error *err)
{
    scan_state *state = node->state;
    scan_ahead *ahead = &state->ahead[no % EXEC_LOOKUPS_AHEAD];
    *was_prepared = ahead->is_prepared && state->cursor != NULL;
    if (!*was_prepared)
        return true;
    ahead->is_prepared = false;
    rdb_counters_add(state->index->counters, RDB_COUNTER_SCANS, 1);
    state->is_done = !ahead->has_range;
    if (state->is_done)
        return true;
    const rdb_index_range range = range_ahead(ahead);
    return track_range(node, &range, err) && scan_check_index(node, state->index, err) &&
           rdb_index_cursor_seek_from(state->cursor, &range, &ahead->place, err);
}

bool exec_index_lookup_take(exec_node *node, uint32_t at, uint32_t room, uint32_t *count, bool *is_over, rdb_error *err)
{
    scan_state *state = node->state;
    *count = 0;
    *is_over = true;
    if (state->is_done)
        return true;
    if (!rdb_index_cursor_next(state->cursor, room, true, node->arena, state->entries + at, count, err))
        return false;
    *is_over = *count < room;
    return !*is_over || rdb_txn_check_snapshot(state->index->index.txns, node->x->context.snapshot, err); /* as in scan_next_entries */
}

bool exec_index_lookup_fetch(exec_node *node, uint32_t count, rdb_batch **raw, rdb_error *err)
{
    scan_state *state = node->state;
    if (state->heap != NULL)
        return scan_read_keys(node, count, raw, err);
    scan_columns *columns = &state->columns;
    const rdb_execution_context *context = &node->x->context;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        columns->addresses[i] = state->entries[i].address;
    for (uint16_t i = 0; i < columns->count; i++)
        rdb_vector_clear_nulls(columns->vectors[i]);
    if (!rdb_table_fetch(&node->plan->of.scan.relation->table, context->txn, context->snapshot, columns->addresses, count, columns->numbers, columns->count, node->arena, columns->vectors, columns->found, columns->recheck, columns->versions, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        bool counts = columns->found[i];
        if (counts && columns->recheck[i] && !scan_entry_counts(node, state, i, &state->entries[i], &counts, err))
            return false;
        state->rows[kept] = i;
        kept += counts;
    }
    rdb_counters_add(state->index->counters, RDB_COUNTER_ROWS_READ, count);
    rdb_counters_add(state->index->counters, RDB_COUNTER_ROWS_FETCHED, kept);
    scan_fill_identity(columns, count);
    scan_give(node, state, count, (rdb_selection){state->rows, kept}, raw);
    return true;
}

const exec_ops exec_index_scan_ops = {scan_open_by_index, scan_begin_by_index, scan_next_by_index, scan_close};

/* ---- TidScan ------------------------------------------------------------------------------------------------------------------------- */
typedef struct tid_state {
    scan_state scan;         /* first: what the other scans share */
    rdb_row_address *addresses;
    uint32_t address_count, next;
    bool is_read;
} tid_state;

static bool open_tid_scan(exec_node *node, rdb_error *err)
{
    const rdb_plan_scan *scan = &node->plan->of.scan;
    tid_state *state = RDB_NEW(node->x->arena, tid_state);
    node->state = state;
    state->scan.scan_arena = exec_arena(node->x, "scan");
    state->scan.bound_arena = exec_arena(node->x, "bounds");
    if (state->scan.scan_arena == NULL || state->scan.bound_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    state->scan.bounds = RDB_NEW_ARRAY(node->x->arena, scan_bound, 1);
    state->scan.bounds[0].plan = &scan->bounds[0];
    rdb_expr *value = scan->bounds[0].value;
    return exec_compile(node->x, &state->scan.bounds[0].program, &value, 1, err) && scan_add_columns(node, &state->scan) &&
           exec_compile_list(node->x, &state->scan.condition, &scan->condition, err);
}

static bool begin_tid_scan(exec_node *node, rdb_error *err)
{
    (void)err;
    tid_state *state = node->state;
    state->is_read = state->scan.is_done = false;
    return true;
}

/* An address may name no row, nor even a block: then there is none. */
static void add_address(tid_state *state, rdb_datum tid, uint64_t blocks)
{
    uint64_t block = 0;
    uint16_t slot = 0;
    memcpy(&block, tid.fixed, sizeof block);
    memcpy(&slot, tid.fixed + 8, sizeof slot);
    if (slot > 0 && block + 1 < blocks && block + 1 != 0)
        state->addresses[state->address_count++] = RDB_ROW_ADDRESS(block + 1, (uint16_t)(slot - 1));
}

static int compare_addresses(const void *left, const void *right)
{
    const rdb_row_address a = *(const rdb_row_address *)left, b = *(const rdb_row_address *)right;
    return a < b ? -1 : a > b;
}

static bool list_addresses(exec_node *node, rdb_error *err)
{
    tid_state *state = node->state;
    scan_bound *bound = &state->scan.bounds[0];
    rdb_datum value;
    bool is_null = true;
    uint64_t blocks = 0;
    state->address_count = state->next = 0;
    state->is_read = true;
    rdb_arena_reset(state->scan.bound_arena);
    if (!rdb_program_value(bound->program, &node->x->eval, state->scan.bound_arena, 0, &value, &is_null, err) ||
        !rdb_table_block_count(&node->plan->of.scan.relation->table, &blocks, err))
        return false;
    rdb_array_shape shape = {.count = 1};
    if (!is_null && bound->plan->is_any)
        rdb_array_get_shape(value, &shape);
    state->addresses = rdb_arena_try_alloc(state->scan.bound_arena, (shape.count + 1) * sizeof *state->addresses, err);
    if (state->addresses == NULL || is_null)
        return state->addresses != NULL;
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum item = value;
        if (!bound->plan->is_any || rdb_array_get(value, i, &item))
            add_address(state, item, blocks);
    }
    qsort(state->addresses, state->address_count, sizeof *state->addresses, compare_addresses);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < state->address_count; i++)
        if (i == 0 || state->addresses[i] != state->addresses[kept - 1])
            state->addresses[kept++] = state->addresses[i];
    state->address_count = kept;
    return true;
}

static bool next_tid_scan(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    tid_state *state = node->state;
    scan_columns *columns = &state->scan.columns;
    const rdb_execution_context *context = &node->x->context;
    const exec_substitute *substitute = scan_substitute_of(node);
    if (substitute != NULL)
        return scan_next_substitute(node, substitute, raw, err);
    *raw = NULL;
    if (!state->is_read && !list_addresses(node, err))
        return false;
    const uint32_t count = RDB_MIN(RDB_MIN(state->address_count - state->next, budget), RDB_BATCH_ROWS);
    if (count == 0)
        return true;
    if (!scan_reserve_rows(node, &state->scan, count, err))
        return false;
    if (state->scan.rows == NULL)
        state->scan.rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    memcpy(columns->addresses, state->addresses + state->next, count * sizeof *columns->addresses);
    state->next += count;
    for (uint16_t i = 0; i < columns->count; i++)
        rdb_vector_clear_nulls(columns->vectors[i]);
    if (!rdb_table_fetch(&node->plan->of.scan.relation->table, context->txn, context->snapshot, columns->addresses, count, columns->numbers, columns->count, node->arena,
                         columns->vectors, columns->found, columns->recheck, columns->versions, err))
        return false;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        state->scan.rows[kept] = i;
        kept += columns->found[i];
    }
    rdb_counters_add(node->plan->of.scan.relation->counters, RDB_COUNTER_ROWS_READ, kept);
    scan_fill_identity(columns, count);
    scan_give(node, &state->scan, count, (rdb_selection){state->scan.rows, kept}, raw);
    return true;
}

const exec_ops exec_tid_scan_ops = {open_tid_scan, begin_tid_scan, next_tid_scan, scan_close};
