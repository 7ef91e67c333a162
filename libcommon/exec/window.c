/* SPDX-License-Identifier: Apache-2.0
 * Window functions. The input comes sorted by partition and order; all of it is kept, with the arguments of every call beside
 * it, and each call is computed partition by partition. A frame that only grows feeds its aggregate row by row; one that
 * moves starts over where it left a row behind. RANGE with offsets searches the partition by the type's in_range function. */
#include "exec/exec_int.h"

/* PostgreSQL's frame option bits (rdb_window.frame_options). */
enum {
    FRAME_RANGE = 0x2, FRAME_ROWS = 0x4, FRAME_GROUPS = 0x8, FRAME_START_UNBOUNDED_PRECEDING = 0x20, FRAME_END_UNBOUNDED_PRECEDING = 0x40, FRAME_START_UNBOUNDED_FOLLOWING = 0x80,
    FRAME_END_UNBOUNDED_FOLLOWING = 0x100, FRAME_START_CURRENT_ROW = 0x200, FRAME_END_CURRENT_ROW = 0x400, FRAME_START_PRECEDING = 0x800, FRAME_END_PRECEDING = 0x1000,
    FRAME_START_FOLLOWING = 0x2000, FRAME_END_FOLLOWING = 0x4000, FRAME_EXCLUDE_CURRENT_ROW = 0x8000, FRAME_EXCLUDE_GROUP = 0x10000, FRAME_EXCLUDE_TIES = 0x20000,
    FRAME_EXCLUDES = FRAME_EXCLUDE_CURRENT_ROW | FRAME_EXCLUDE_GROUP | FRAME_EXCLUDE_TIES
};
/* pg_proc OIDs of the window functions proper. */
enum {
    WINDOW_ROW_NUMBER = 3100, WINDOW_RANK, WINDOW_DENSE_RANK, WINDOW_PERCENT_RANK, WINDOW_CUME_DIST, WINDOW_NTILE, WINDOW_LAG, WINDOW_LAG_OFFSET, WINDOW_LAG_DEFAULT,
    WINDOW_LEAD, WINDOW_LEAD_OFFSET, WINDOW_LEAD_DEFAULT, WINDOW_FIRST_VALUE, WINDOW_LAST_VALUE, WINDOW_NTH_VALUE
};

typedef struct window_call {
    const rdb_plan_window_call *plan;
    const rdb_aggregate_entry *aggregate; /* NULL: a window function proper */
    uint32_t first_column;                /* of its arguments in the store */
    uint32_t filter_column;               /* UINT32_MAX: none */
    rdb_call call;
    void *site;
    exec_function_aggregate *made;        /* of functions; or NULL */
    bool is_moving;                       /* rows that leave the frame are taken back */
    void *state;
    rdb_vector *results;                  /* one vector a chunk */
} window_call;

typedef struct window_state {
    exec_store store;                     /* input columns, then arguments and filters */
    rdb_program *arguments;               /* all calls' arguments and filters */
    uint32_t input_columns, argument_columns;
    window_call *calls;
    rdb_program *start_offset, *end_offset;
    int64_t start_rows, end_rows;
    bool by_range;                        /* RANGE with offsets: */
    rdb_datum start_value, end_value;
    rdb_call range_call;
    rdb_arena *arena;                     /* results */
    rdb_arena *argument_arena;
    bool is_computed;
    uint32_t next_chunk;
    rdb_vector **columns;
    rdb_batch batch;
    uint32_t *rows, next_row;
    int64_t number, rank, dense_rank;     /* run_limit: of the last row that was kept */
    bool is_past;                         /* of its partition no more is kept */
} window_state;

typedef struct window_partition { /* rows first .. end - 1; row r's peers are peer_first[r - first] .. peer_end[r - first] - 1 */
    uint32_t first, end;
    uint32_t *peer_first, *peer_end, *group;
    uint32_t valued_first, valued_end; /* RANGE with offsets: rows whose key is not null */
} window_partition;

/* Does the frame's start move, and may rows be taken back? */
static bool moves(const rdb_plan_window *plan, const rdb_plan_window_call *call)
{
    const rdb_aggregate *made = call->window->function->aggregate;
    if (made == NULL || made->inverse_oid == 0 || call->window->function->kernel_oid != 0)
        return false;
    if (made->final_modify == 'w' && made->moving_final_modify != 'w')
        return true;
    if (plan->window->frame_options & FRAME_START_UNBOUNDED_PRECEDING)
        return false;
    for (uint32_t i = 0; i < call->argument_count; i++)
        if (rdb_expr_volatility(call->arguments[i]) == 'v')
            return false;
    return call->filter == NULL || rdb_expr_volatility(call->filter) != 'v';
}

static bool open_window(exec_node *node, rdb_error *err)
{
    const rdb_plan_window *plan = &node->plan->of.window;
    rdb_arena *arena = node->x->arena;
    window_state *state = node->state = RDB_NEW(arena, window_state);
    rdb_list exprs = {0};
    state->calls = RDB_NEW_ARRAY(arena, window_call, plan->call_count + 1);
    state->input_columns = node->plan->input_count - plan->call_count;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        window_call *call = &state->calls[i];
        const rdb_expr_window *window = plan->calls[i].window;
        call->plan = &plan->calls[i];
        call->first_column = state->input_columns + exprs.count;
        call->filter_column = UINT32_MAX;
        const rdb_type **types = RDB_NEW_ARRAY(arena, const rdb_type *, call->plan->argument_count + 1);
        for (uint32_t k = 0; k < call->plan->argument_count; k++) {
            types[k] = call->plan->arguments[k]->type;
            rdb_list_push(arena, &exprs, call->plan->arguments[k]);
        }
        if (call->plan->filter != NULL) {
            call->filter_column = state->input_columns + exprs.count;
            rdb_list_push(arena, &exprs, call->plan->filter);
        }
        call->call = (rdb_call){.collation = window->input_collation, .argument_types = types, .argument_count = call->plan->argument_count, .result_type = window->head.type, .result_typmod = window->head.typmod, .state = &call->site, .plan_arena = arena};
        if (window->function->oid >= WINDOW_ROW_NUMBER && window->function->oid <= WINDOW_NTH_VALUE)
            continue;
        const exec_aggregate_shape shape = {types, call->plan->argument_count, 0, window->input_collation, window->head.type};
        call->is_moving = moves(plan, call->plan);
        if (!exec_aggregate_open(node->x, window->function, &shape, call->is_moving, &call->aggregate, &call->made, err))
            return false;
        call->site = call->made;
    }
    state->argument_columns = exprs.count;
    state->by_range = (plan->window->frame_options & FRAME_RANGE) != 0 && (plan->start_offset != NULL || plan->end_offset != NULL);
    uint8_t *reps = RDB_NEW_ARRAY(arena, uint8_t, state->input_columns + exprs.count + 1);
    for (uint32_t i = 0; i < state->input_columns; i++)
        reps[i] = node->plan->input_types[i]->rep;
    for (uint32_t i = 0; i < exprs.count; i++)
        reps[state->input_columns + i] = ((rdb_expr *)exprs.items[i])->type->rep;
    rdb_expr *start = plan->start_offset, *end = plan->end_offset;
    state->columns = RDB_NEW_ARRAY(arena, rdb_vector *, node->plan->input_count + 1);
    state->rows = RDB_NEW_ARRAY(arena, uint32_t, RDB_BATCH_ROWS);
    state->arena = exec_arena(node->x, "window");
    state->argument_arena = exec_arena(node->x, "window arguments");
    if (state->arena == NULL || state->argument_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return exec_compile_list(node->x, &state->arguments, &exprs, err) && exec_store_init(&state->store, node->x, reps, state->input_columns + exprs.count, err) &&
           exec_check_sortable(plan->keys, plan->partition_count + plan->order_count, err) && (start == NULL || exec_compile(node->x, &state->start_offset, &start, 1, err)) &&
           (end == NULL || exec_compile(node->x, &state->end_offset, &end, 1, err));
}

static void close_window(exec_node *node)
{
    window_state *state = node->state;
    if (state == NULL)
        return;
    for (uint32_t i = 0; state->calls != NULL && i < node->plan->of.window.call_count; i++)
        exec_function_aggregate_close(state->calls[i].made);
    exec_store_deinit(&state->store);
    rdb_arena_destroy(state->arena);
    rdb_arena_destroy(state->argument_arena);
}

static bool begin_window(exec_node *node, rdb_error *err)
{
    window_state *state = node->state;
    state->is_computed = false;
    state->next_row = 0;
    state->is_past = false;
    exec_store_clear(&state->store);
    rdb_arena_reset(state->arena);
    const rdb_plan_window *plan = &node->plan->of.window;
    if (plan->run_limit > 0 && plan->run_function_oid == WINDOW_ROW_NUMBER && plan->partition_count == 0 && node->left->ops == &exec_sort_ops)
        exec_sort_set_bound(node->left, (uint64_t)plan->run_limit);
    return exec_begin(node->left, err);
}

static bool get_offset(exec_node *node, rdb_program *program, const char *which, int64_t *rows, rdb_datum *range, rdb_error *err)
{
    rdb_datum value;
    bool is_null = true;
    window_state *state = node->state;
    if (program == NULL)
        return true;
    if (!rdb_program_value(program, &node->x->eval, state->arena, 0, &value, &is_null, err))
        return false;
    if (is_null)
        return rdb_error_set(err, RDB_NULL_VALUE_NOT_ALLOWED, "frame %s offset must not be null", which);
    if (state->by_range) {
        *range = value;
        return true;
    }
    if (value.i64 < 0)
        return rdb_error_set(err, RDB_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "frame %s offset must not be negative", which);
    *rows = value.i64;
    return true;
}

/* Does the row of the batch equal the one kept last, at last_row of the batch or (UINT32_MAX) the store's last, in these keys? */
static bool same_as_last(const exec_node *node, const rdb_batch *batch, uint32_t row, uint32_t last_row, uint32_t from, uint32_t to)
{
    const exec_store *store = &((const window_state *)node->state)->store;
    for (uint32_t i = from; i < to; i++) {
        const rdb_plan_key *key = &node->plan->of.window.keys[i];
        const rdb_vector *last = last_row != UINT32_MAX ? batch->columns[key->slot_no] : exec_store_column(store, store->row_count - 1, key->slot_no);
        if (exec_values_compare(key, last, last_row != UINT32_MAX ? last_row : EXEC_ROW_IN_CHUNK(store->row_count - 1), batch->columns[key->slot_no], row) != 0)
            return false;
    }
    return true;
}

/* Of each partition the rows within the limit: the others neither come out nor count for those. *done: nor will any row to come. */
static uint32_t keep_first(exec_node *node, const rdb_batch *batch, uint32_t *rows, bool *done)
{
    window_state *state = node->state;
    const rdb_plan_window *plan = &node->plan->of.window;
    const uint32_t key_count = plan->partition_count + plan->order_count;
    uint32_t kept = 0, last_row = UINT32_MAX;
    RDB_FOR_SELECTED (&batch->selection, row) {
        const bool has_last = last_row != UINT32_MAX || state->store.row_count > 0, is_new = !has_last || !same_as_last(node, batch, row, last_row, 0, plan->partition_count);
        if (is_new)
            state->number = state->rank = state->dense_rank = 0;
        else if (state->is_past)
            continue;
        const bool is_peer = !is_new && same_as_last(node, batch, row, last_row, plan->partition_count, key_count);
        state->number++;
        state->rank = is_peer ? state->rank : state->number;
        state->dense_rank += !is_peer;
        const int64_t value = plan->run_function_oid == WINDOW_ROW_NUMBER ? state->number : plan->run_function_oid == WINDOW_RANK ? state->rank : state->dense_rank;
        state->is_past = value > plan->run_limit;
        if (!state->is_past)
            last_row = rows[kept++] = row;
        *done = state->is_past && plan->partition_count == 0;
        if (*done)
            break;
    }
    return kept;
}

static bool read_input(exec_node *node, rdb_error *err)
{
    window_state *state = node->state;
    rdb_vector **arguments = RDB_NEW_ARRAY(state->arena, rdb_vector *, state->argument_columns + 1);
    for (bool done = false; !done;) {
        rdb_batch *batch = NULL;
        uint32_t good = 0;
        if (!exec_next(node->left, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        rdb_arena_reset(state->argument_arena);
        if (state->arguments != NULL && !rdb_program_run(state->arguments, &node->x->eval, state->argument_arena, batch, &batch->selection, &good, err))
            return false;
        for (uint32_t i = 0; i < state->argument_columns; i++)
            arguments[i] = rdb_program_result(state->arguments, i);
        rdb_selection wanted = batch->selection;
        if (node->plan->of.window.run_limit > 0) {
            uint32_t *kept = rdb_arena_try_alloc(state->argument_arena, (batch->selection.count + 1) * sizeof *kept, err);
            if (kept == NULL)
                return false;
            wanted = (rdb_selection){kept, keep_first(node, batch, kept, &done)};
        }
        if (!exec_store_append(&state->store, batch->columns, state->input_columns, arguments, state->argument_columns, &wanted, err))
            return false;
    }
    return true;
}

static bool same_keys(const exec_node *node, uint32_t from, uint32_t to, uint32_t left, uint32_t right)
{
    const window_state *state = node->state;
    for (uint32_t i = from; i < to; i++) {
        const rdb_plan_key *key = &node->plan->of.window.keys[i];
        if (exec_values_compare(key, exec_store_column(&state->store, left, key->slot_no), EXEC_ROW_IN_CHUNK(left), exec_store_column(&state->store, right, key->slot_no), EXEC_ROW_IN_CHUNK(right)) != 0)
            return false;
    }
    return true;
}

static bool find_peers(exec_node *node, window_partition *p, rdb_error *err)
{
    window_state *state = node->state;
    const rdb_plan_window *plan = &node->plan->of.window;
    uint32_t count = p->end - p->first, group = 0;
    p->peer_first = rdb_arena_try_alloc(state->arena, 3 * sizeof(uint32_t) * (size_t)count, err);
    if (p->peer_first == NULL)
        return false;
    p->peer_end = p->peer_first + count;
    p->group = p->peer_end + count;
    p->valued_first = p->first;
    p->valued_end = p->end;
    if (state->by_range) {
        const uint32_t slot = plan->keys[plan->partition_count].slot_no;
        while (p->valued_first < p->end && rdb_vector_is_null(exec_store_column(&state->store, p->valued_first, slot), EXEC_ROW_IN_CHUNK(p->valued_first)))
            p->valued_first++;
        while (p->valued_end > p->valued_first && rdb_vector_is_null(exec_store_column(&state->store, p->valued_end - 1, slot), EXEC_ROW_IN_CHUNK(p->valued_end - 1)))
            p->valued_end--;
    }
    for (uint32_t from = 0; from < count; group++) {
        uint32_t to = from + 1;
        while (to < count && same_keys(node, plan->partition_count, plan->partition_count + plan->order_count, p->first + from, p->first + to))
            to++;
        for (uint32_t i = from; i < to; i++) {
            p->peer_first[i] = p->first + from;
            p->peer_end[i] = p->first + to;
            p->group[i] = group;
        }
        from = to;
    }
    return true;
}

static uint32_t clamp(int64_t row, const window_partition *p)
{
    return row < (int64_t)p->first ? p->first : row > (int64_t)p->end ? p->end : (uint32_t)row;
}

/* First row of group number `wanted`, or one past the partition. */
static uint32_t group_start(const window_partition *p, int64_t wanted)
{
    if (wanted <= 0)
        return p->first;
    uint32_t low = 0, high = p->end - p->first;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (p->group[middle] < (uint64_t)wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return p->first + low;
}

/* RANGE with an offset: the first row at or after the frame's start, or the first one past its end. */
static bool find_by_range(exec_node *node, const window_partition *p, uint32_t row, bool is_end, bool is_preceding, uint32_t *found, rdb_error *err)
{
    window_state *state = node->state;
    const rdb_plan_window *plan = &node->plan->of.window;
    const rdb_plan_key *key = &plan->keys[plan->partition_count];
    const rdb_type *type = key->type, *offset_type = (is_end ? plan->end_offset : plan->start_offset)->type;
    const rdb_vector *column = exec_store_column(&state->store, row, key->slot_no);
    if (rdb_vector_is_null(column, EXEC_ROW_IN_CHUNK(row))) { /* no value is in reach of a null but the other nulls */
        *found = is_end ? p->peer_end[row - p->first] : p->peer_first[row - p->first];
        return true;
    }
    rdb_datum base = rdb_vector_get(column, EXEC_ROW_IN_CHUNK(row)), offset = is_end ? state->end_value : state->start_value;
    const bool sub = is_preceding != key->is_descending, less = is_end != key->is_descending;
    uint32_t low = p->valued_first, high = p->valued_end;
    state->range_call.err = err;
    state->range_call.arena = state->arena;
    state->range_call.format = node->x->eval.format;
    while (type->kind == 'd' && type->element != NULL)
        type = type->element;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool in = false;
        rdb_datum value = rdb_vector_get(exec_store_column(&state->store, middle, key->slot_no), EXEC_ROW_IN_CHUNK(middle));
        if (!rdb_in_range(&state->range_call, type->oid, offset_type->oid, value, base, offset, sub, less, &in))
            return false;
        if (in == is_end) /* at the start rows out of reach come first, at the end last */
            low = middle + 1;
        else
            high = middle;
    }
    *found = low;
    return true;
}

/* The frame of a row before anything is excluded: rows *from .. *to - 1. */
static bool find_frame(exec_node *node, const window_partition *p, uint32_t row, uint32_t *from, uint32_t *to, rdb_error *err)
{
    const window_state *state = node->state;
    const uint32_t options = node->plan->of.window.window->frame_options;
    const uint32_t at = row - p->first;
    const bool by_rows = (options & FRAME_ROWS) != 0, by_groups = (options & FRAME_GROUPS) != 0;
    int64_t here = row, group = p->group[at];
    *from = p->first;
    *to = p->end;
    if (options & FRAME_START_CURRENT_ROW)
        *from = by_rows ? row : p->peer_first[at];
    else if ((options & (FRAME_START_PRECEDING | FRAME_START_FOLLOWING)) && state->by_range) {
        if (!find_by_range(node, p, row, false, (options & FRAME_START_PRECEDING) != 0, from, err))
            return false;
    } else if (options & FRAME_START_PRECEDING)
        *from = by_groups ? group_start(p, group - RDB_MIN(state->start_rows, INT32_MAX)) : clamp(here - RDB_MIN(state->start_rows, INT32_MAX), p);
    else if (options & FRAME_START_FOLLOWING)
        *from = by_groups ? group_start(p, group + RDB_MIN(state->start_rows, UINT32_MAX)) : clamp(here + RDB_MIN(state->start_rows, UINT32_MAX), p);
    else if (options & FRAME_START_UNBOUNDED_FOLLOWING)
        *from = p->end;
    if (options & FRAME_END_CURRENT_ROW)
        *to = by_rows ? row + 1 : p->peer_end[at];
    else if ((options & (FRAME_END_PRECEDING | FRAME_END_FOLLOWING)) && state->by_range) {
        if (!find_by_range(node, p, row, true, (options & FRAME_END_PRECEDING) != 0, to, err))
            return false;
    } else if (options & FRAME_END_PRECEDING)
        *to = by_groups ? (group - state->end_rows < 0 ? p->first : group_start(p, group - state->end_rows + 1)) : clamp(here - RDB_MIN(state->end_rows, UINT32_MAX) + 1, p);
    else if (options & FRAME_END_FOLLOWING)
        *to = by_groups ? group_start(p, group + RDB_MIN(state->end_rows, UINT32_MAX) + 1) : clamp(here + RDB_MIN(state->end_rows, UINT32_MAX) + 1, p);
    else if (options & FRAME_END_UNBOUNDED_PRECEDING)
        *to = p->first;
    if (*to < *from)
        *to = *from;
    return true;
}

typedef struct frame_parts { /* what EXCLUDE leaves of a frame */
    uint32_t count;
    bool has_row; /* false: a part that is the row itself stands for its ties and has no value */
    struct { uint32_t from, to; } at[3];
} frame_parts;

static void add_part(frame_parts *parts, uint32_t from, uint32_t to)
{
    if (from < to) {
        parts->at[parts->count].from = from;
        parts->at[parts->count++].to = to;
    }
}

/* for_values: PostgreSQL's first_value and its kin count the row itself in the place of its ties, also where the frame does not hold it:
 * what they find there is no value. */
static bool find_parts(exec_node *node, const window_partition *p, uint32_t row, bool for_values, frame_parts *parts, rdb_error *err)
{
    const uint32_t options = node->plan->of.window.window->frame_options, at = row - p->first;
    uint32_t from, to, out_from, out_to;
    parts->count = 0;
    parts->has_row = true;
    if (!find_frame(node, p, row, &from, &to, err))
        return false;
    if ((options & FRAME_EXCLUDES) == 0) {
        add_part(parts, from, to);
        return true;
    }
    out_from = options & FRAME_EXCLUDE_CURRENT_ROW ? row : p->peer_first[at];
    out_to = options & FRAME_EXCLUDE_CURRENT_ROW ? row + 1 : p->peer_end[at];
    add_part(parts, from, RDB_MIN(to, out_from));
    const bool holds_row = row >= from && row < to;
    if ((options & FRAME_EXCLUDE_TIES) && (holds_row || (for_values && RDB_MAX(from, out_from) < RDB_MIN(to, out_to)))) {
        add_part(parts, row, row + 1);
        parts->has_row = holds_row;
    }
    add_part(parts, RDB_MAX(from, out_to), to);
    return true;
}

static void put_result(window_call *call, uint32_t row, rdb_datum value, bool is_null)
{
    rdb_vector_put(&call->results[row / RDB_BATCH_ROWS], EXEC_ROW_IN_CHUNK(row), value, is_null);
}

static bool get_argument(const window_state *state, const window_call *call, uint32_t argument_no, uint32_t row, rdb_datum *value)
{
    const rdb_vector *column = exec_store_column(&state->store, row, call->first_column + argument_no);
    bool is_null = rdb_vector_is_null(column, EXEC_ROW_IN_CHUNK(row));
    *value = is_null ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(column, EXEC_ROW_IN_CHUNK(row));
    return !is_null;
}

/* Feeds one row to an aggregate, unless its filter or a null keeps it out; or takes it back. *removed false: that cannot be done. */
static bool feed_row(const window_state *state, window_call *call, uint32_t row, bool *removed)
{
    const rdb_vector *few[8];
    uint32_t count = call->plan->argument_count, at = EXEC_ROW_IN_CHUNK(row);
    const rdb_vector **arguments = count <= RDB_COUNT_OF(few) ? few : RDB_NEW_ARRAY(call->call.arena, const rdb_vector *, count);
    const rdb_selection one = {&at, 1};
    if (call->filter_column != UINT32_MAX) {
        const rdb_vector *filter = exec_store_column(&state->store, row, call->filter_column);
        if (rdb_vector_is_null(filter, at) || !RDB_AT(filter, uint8_t, at))
            return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        arguments[i] = exec_store_column(&state->store, row, call->first_column + i);
        if ((call->aggregate->flags & RDB_AGGREGATE_SKIPS_NULLS) != 0 && rdb_vector_is_null(arguments[i], at))
            return true;
    }
    if (removed != NULL)
        return exec_function_aggregate_remove(&call->call, call->state, arguments, at, removed);
    return call->aggregate->update(&call->call, &call->state, arguments, &one);
}

/* Takes back the rows that left a frame at its start. *done false: not all could be. */
static bool take_back(const window_state *state, window_call *call, uint32_t from, uint32_t to, bool *done)
{
    *done = true;
    for (uint32_t at = from; *done && at < to; at++)
        if (!feed_row(state, call, at, done))
            return false;
    return true;
}

static bool compute_aggregate(exec_node *node, window_call *call, const window_partition *p, rdb_error *err)
{
    window_state *state = node->state;
    frame_parts fed = {0};
    bool has_value = false, is_null = false;
    rdb_datum value = {.words = {0, 0}};
    call->state = NULL;
    for (uint32_t row = p->first; row < p->end; row++) {
        frame_parts parts;
        if (!find_parts(node, p, row, false, &parts, err))
            return false;
        if (has_value && parts.count == fed.count && memcmp(parts.at, fed.at, parts.count * sizeof parts.at[0]) == 0) {
            put_result(call, row, value, is_null);
            continue;
        }
        /* a frame that only grew goes on where it was */
        bool grew = has_value && parts.count == 1 && fed.count == 1 && parts.at[0].from == fed.at[0].from && parts.at[0].to >= fed.at[0].to;
        uint32_t next = grew ? fed.at[0].to : 0;
        if (!grew && call->is_moving && has_value && parts.count == 1 && fed.count == 1 && (node->plan->of.window.window->frame_options & FRAME_EXCLUDES) == 0 &&
            parts.at[0].from > fed.at[0].from && parts.at[0].from < fed.at[0].to && parts.at[0].to >= fed.at[0].to) {
            if (!take_back(state, call, fed.at[0].from, parts.at[0].from, &grew))
                return false;
            next = fed.at[0].to;
        }
        if (!grew) {
            call->state = rdb_arena_zalloc(state->arena, call->aggregate->state_bytes + 16);
        }
        for (uint32_t i = 0; i < parts.count; i++)
            for (uint32_t at = grew ? next : parts.at[i].from; at < parts.at[i].to; at++)
                if ((at % RDB_BATCH_ROWS == 0 && !rdb_cancel_check(node->x->context.cancel, err)) || !feed_row(state, call, at, NULL))
                    return false;
        if (!call->aggregate->finish(&call->call, call->state, &value, &is_null) || !rdb_arena_check(state->arena, err))
            return false;
        /* min and max of bytes answer with what their state holds, which the next row that is fed may overwrite */
        if (!is_null && call->plan->window->head.type->rep == RDB_REP_BYTES && !rdb_datum_copy(state->arena, RDB_REP_BYTES, value, &value, err))
            return false;
        has_value = true;
        fed = parts;
        put_result(call, row, value, is_null);
    }
    return true;
}

/* lag and lead: the row so many before or after, else the default or null. */
static bool compute_offset(exec_node *node, window_call *call, const window_partition *p, uint32_t row)
{
    const window_state *state = node->state;
    const uint32_t oid = call->plan->window->function->oid;
    int64_t offset = 1, target;
    rdb_datum value;
    if (call->plan->argument_count > 1) {
        if (!get_argument(state, call, 1, row, &value)) {
            put_result(call, row, (rdb_datum){.words = {0, 0}}, true);
            return true;
        }
        offset = value.i32;
    }
    target = (int64_t)row + (oid >= WINDOW_LEAD ? offset : -offset);
    bool found = target >= (int64_t)p->first && target < (int64_t)p->end;
    bool has_value = found ? get_argument(state, call, 0, (uint32_t)target, &value) : call->plan->argument_count > 2 && get_argument(state, call, 2, row, &value);
    put_result(call, row, has_value ? value : (rdb_datum){.words = {0, 0}}, !has_value);
    return true;
}

static bool compute_frame_value(exec_node *node, window_call *call, const window_partition *p, uint32_t row, rdb_error *err)
{
    const window_state *state = node->state;
    const uint32_t oid = call->plan->window->function->oid;
    frame_parts parts;
    rdb_datum value = {.words = {0, 0}};
    if (!find_parts(node, p, row, true, &parts, err))
        return false;
    bool found = parts.count > 0;
    uint32_t target = 0;
    if (oid == WINDOW_NTH_VALUE) {
        rdb_datum nth;
        bool is_given = get_argument(state, call, 1, row, &nth);
        if (is_given && nth.i32 <= 0)
            return rdb_error_set(err, RDB_INVALID_ARGUMENT_FOR_NTH_VALUE, "argument of nth_value must be greater than zero");
        uint32_t left = is_given ? (uint32_t)nth.i32 - 1 : 0, i = 0;
        while (i < parts.count && left >= parts.at[i].to - parts.at[i].from) {
            left -= parts.at[i].to - parts.at[i].from;
            i++;
        }
        found = is_given && i < parts.count;
        target = found ? parts.at[i].from + left : 0;
    } else if (found) {
        target = oid == WINDOW_LAST_VALUE ? parts.at[parts.count - 1].to - 1 : parts.at[0].from;
    }
    found = found && (target != row || parts.has_row) && get_argument(state, call, 0, target, &value);
    put_result(call, row, value, !found);
    return true;
}

static bool compute_function(exec_node *node, window_call *call, const window_partition *p, rdb_error *err)
{
    window_state *state = node->state;
    const uint32_t oid = call->plan->window->function->oid, count = p->end - p->first;
    rdb_datum value;
    int64_t buckets = 0;
    bool has_buckets = false;
    if (oid == WINDOW_NTILE) {
        has_buckets = get_argument(state, call, 0, p->first, &value);
        buckets = value.i32;
        if (has_buckets && buckets <= 0)
            return rdb_error_set(err, RDB_INVALID_ARGUMENT_FOR_NTILE, "argument of ntile must be greater than zero");
    }
    for (uint32_t row = p->first; row < p->end; row++) {
        const uint32_t at = row - p->first;
        value = (rdb_datum){.words = {0, 0}};
        bool is_null = false;
        switch (oid) {
        case WINDOW_ROW_NUMBER: value.i64 = (int64_t)at + 1; break;
        case WINDOW_RANK: value.i64 = (int64_t)(p->peer_first[at] - p->first) + 1; break;
        case WINDOW_DENSE_RANK: value.i64 = (int64_t)p->group[at] + 1; break;
        case WINDOW_PERCENT_RANK: value.f8 = count <= 1 ? 0 : (double)(p->peer_first[at] - p->first) / (double)(count - 1); break;
        case WINDOW_CUME_DIST: value.f8 = (double)(p->peer_end[at] - p->first) / (double)count; break;
        case WINDOW_NTILE: {
            int64_t size = buckets > 0 ? count / buckets : 0, larger = buckets > 0 ? count % buckets : 0; /* the first ones have one more */
            int64_t in_larger = larger * (size + 1);
            is_null = !has_buckets;
            value.i32 = (int32_t)(is_null ? 0 : (int64_t)at < in_larger ? (int64_t)at / (size + 1) + 1 : larger + ((int64_t)at - in_larger) / RDB_MAX(size, 1) + 1);
            break;
        }
        case WINDOW_FIRST_VALUE:
        case WINDOW_LAST_VALUE:
        case WINDOW_NTH_VALUE:
            if (!compute_frame_value(node, call, p, row, err))
                return false;
            continue;
        default:
            if (!compute_offset(node, call, p, row))
                return false;
            continue;
        }
        put_result(call, row, value, is_null);
    }
    return true;
}

static bool compute_all(exec_node *node, rdb_error *err)
{
    window_state *state = node->state;
    const rdb_plan_window *plan = &node->plan->of.window;
    if (!get_offset(node, state->start_offset, "starting", &state->start_rows, &state->start_value, err) || !get_offset(node, state->end_offset, "ending", &state->end_rows, &state->end_value, err) || !read_input(node, err))
        return false;
    for (uint32_t i = 0; i < plan->call_count; i++) {
        window_call *call = &state->calls[i];
        call->results = RDB_NEW_ARRAY(state->arena, rdb_vector, state->store.chunk_count + 1);
        call->call.arena = state->arena;
        call->call.err = err;
        call->call.format = node->x->eval.format;
        call->call.session = &node->x->eval;
        for (uint32_t chunk = 0; chunk < state->store.chunk_count; chunk++)
            if (!rdb_vector_init(&call->results[chunk], state->arena, (rdb_rep)call->plan->window->head.type->rep, RDB_BATCH_ROWS, err))
                return false;
    }
    for (window_partition p = {0}; p.first < state->store.row_count; p.first = p.end) {
        p.end = p.first + 1;
        while (p.end < state->store.row_count && same_keys(node, 0, plan->partition_count, p.first, p.end))
            p.end++;
        if (!rdb_cancel_check(node->x->context.cancel, err) || !find_peers(node, &p, err))
            return false;
        for (uint32_t i = 0; i < plan->call_count; i++)
            if (state->calls[i].aggregate != NULL ? !compute_aggregate(node, &state->calls[i], &p, err) : !compute_function(node, &state->calls[i], &p, err))
                return false;
    }
    state->is_computed = true;
    return rdb_arena_check(state->arena, err);
}

static bool next_window(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    window_state *state = node->state;
    *raw = NULL;
    if (!state->is_computed && !compute_all(node, err))
        return false;
    if (state->next_row >= state->store.row_count)
        return true;
    uint32_t chunk = state->next_row / RDB_BATCH_ROWS, from = state->next_row % RDB_BATCH_ROWS;
    exec_store_chunk(&state->store, chunk, 0, state->input_columns, state->columns, &state->batch);
    uint32_t count = RDB_MIN(state->batch.row_count - from, budget);
    for (uint32_t i = 0; i < node->plan->of.window.call_count; i++)
        state->columns[state->input_columns + i] = &state->calls[i].results[chunk];
    for (uint32_t i = 0; i < count; i++)
        state->rows[i] = from + i;
    state->batch.column_count = node->plan->input_count;
    state->batch.selection = (rdb_selection){state->rows, count};
    state->next_row += count;
    *raw = &state->batch;
    return true;
}

const exec_ops exec_window_ops = {open_window, begin_window, next_window, close_window};
