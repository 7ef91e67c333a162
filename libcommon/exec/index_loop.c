/* SPDX-License-Identifier: Apache-2.0
 * Nested loops over an index scan, many left rows at a time: the index is asked for each of them, then all rows that it leads to
 * are fetched together, so that memory answers side by side, and filter, targets and join condition see whole batches. The order of the
 * rows is that of one left row after the other. */
#include "exec/exec_int.h"

#define FAN_OUT_MAX 64.0 /* SEMI and ANTI stop at the first partner: where there may be more, one row at a time reads less */

struct exec_index_loop {
    exec_node *node;
    rdb_program *condition, *values;
    uint32_t left_count, right_count;
    rdb_batch *outer;
    uint32_t position;         /* in its selection */
    uint32_t prepared;         /* positions before it have been prepared, or need not be */
    bool in_row, has_match;    /* the row at position has been looked up, not to its end; it has had a partner */
    uint32_t *outer_of;        /* by pair: position of its left row */
    bool *is_kept;             /* by pair */
    uint32_t *rows, *left_rows, *pair_rows;
    rdb_vector **left_vectors, **right_vectors, **columns;
    uint32_t capacity, filled; /* filled: pairs of the last round */
    rdb_arena *arena;          /* values of parameters for the left batch at hand */
    rdb_batch batch;
};

static uint32_t output_columns(const rdb_plan_node *plan)
{
    return plan->passes_through ? plan->input_count : plan->targets.count;
}

static bool reads_none(const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (exec_reads_parameters(exprs->items[i]) || !rdb_expr_is_simple(exprs->items[i], false))
            return false;
    return true;
}

static bool fits(const rdb_plan_node *plan)
{
    const rdb_plan_join *join = &plan->of.join;
    const rdb_plan_node *right = plan->right;
    const rdb_plan_scan *scan = &right->of.scan;
    if ((right->kind != RDB_PLAN_INDEX_SCAN && right->kind != RDB_PLAN_INDEX_ONLY_SCAN) || join->parameter_count == 0 || join->kind == RDB_JOIN_RIGHT || join->kind == RDB_JOIN_FULL)
        return false;
    if ((join->kind == RDB_JOIN_SEMI || join->kind == RDB_JOIN_ANTI) && (plan->input_count != output_columns(plan->left) || right->rows > FAN_OUT_MAX))
        return false;
    for (uint16_t i = 0; i < scan->bound_count; i++)
        if (scan->bounds[i].is_any)
            return false;
    for (uint32_t i = 0; i < right->targets.count; i++) {
        const rdb_expr *expr = ((const rdb_target *)right->targets.items[i])->expr;
        if (exec_reads_parameters(expr) || !rdb_expr_is_simple(expr, false))
            return false;
    }
    for (uint32_t i = 0; i < join->parameter_count; i++)
        if (!rdb_expr_is_simple(join->parameter_values[i], false) || exec_reads_parameters(join->parameter_values[i]))
            return false;
    return reads_none(&right->filter) && reads_none(&join->condition) && right->first_cte == right->end_cte;
}

bool exec_index_loop_open(exec_node *node, rdb_program *condition, rdb_program *values, exec_index_loop **made, rdb_error *err)
{
    rdb_arena *arena = node->x->arena;
    *made = NULL;
    if (!fits(node->plan))
        return true;
    exec_index_loop *loop = RDB_NEW(arena, exec_index_loop);
    loop->node = node;
    loop->condition = condition;
    loop->values = values;
    loop->left_count = output_columns(node->plan->left);
    loop->right_count = output_columns(node->plan->right);
    const uint32_t count = loop->left_count + loop->right_count;
    loop->left_vectors = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    loop->right_vectors = loop->left_vectors + loop->left_count;
    loop->columns = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const bool is_left = i < loop->left_count;
        const rdb_plan_node *side = is_left ? node->plan->left : node->plan->right;
        const uint32_t at = is_left ? i : i - loop->left_count;
        loop->left_vectors[i] = RDB_NEW(arena, rdb_vector);
        loop->left_vectors[i]->rep = side->passes_through ? side->input_types[at]->rep : ((const rdb_target *)side->targets.items[at])->expr->type->rep;
    }
    loop->arena = exec_arena(node->x, "loop values");
    if (loop->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *made = loop;
    return true;
}

void exec_index_loop_close(exec_index_loop *loop)
{
    if (loop != NULL)
        rdb_arena_destroy(loop->arena);
}

void exec_index_loop_begin(exec_index_loop *loop)
{
    loop->outer = NULL;
    loop->in_row = false;
}

static bool reserve(exec_index_loop *loop, uint32_t capacity, rdb_error *err)
{
    rdb_arena *arena = loop->node->x->arena;
    const uint8_t kind = loop->node->plan->of.join.kind;
    if (capacity <= loop->capacity)
        return true;
    loop->outer_of = rdb_arena_try_alloc(arena, 4 * capacity * sizeof(uint32_t), err);
    loop->is_kept = rdb_arena_try_alloc(arena, capacity, err);
    if (loop->outer_of == NULL || loop->is_kept == NULL)
        return false;
    loop->rows = loop->outer_of + capacity;
    loop->left_rows = loop->rows + capacity;
    loop->pair_rows = loop->left_rows + capacity;
    const uint32_t count = kind == RDB_JOIN_LEFT ? loop->left_count + loop->right_count : loop->condition != NULL || kind == RDB_JOIN_INNER ? loop->left_count : 0;
    for (uint32_t i = 0; i < count; i++)
        if (!rdb_vector_init(loop->left_vectors[i], arena, loop->left_vectors[i]->rep, capacity, err))
            return false;
    loop->capacity = capacity;
    return true;
}

/* *outer NULL: there are no more left rows. */
static bool next_outer(exec_index_loop *loop, uint32_t budget, rdb_error *err)
{
    exec_node *node = loop->node;
    uint32_t good = 0;
    loop->position = loop->prepared = 0;
    if (!exec_next(node->left, budget, &loop->outer, err) || loop->outer == NULL)
        return err->sqlstate[0] == '\0';
    rdb_arena_reset(loop->arena);
    return rdb_program_run(loop->values, &node->x->eval, loop->arena, loop->outer, &loop->outer->selection, &good, err);
}

static void set_parameters(exec_index_loop *loop, uint32_t position)
{
    const exec_node *node = loop->node;
    const rdb_plan_join *join = &node->plan->of.join;
    const uint32_t row = rdb_selected(&loop->outer->selection, position);
    for (uint32_t i = 0; i < join->parameter_count; i++) {
        const rdb_vector *value = rdb_program_result(loop->values, i);
        rdb_parameter *parameter = &node->x->eval.execution_values[join->parameter_nos[i]];
        parameter->is_null = rdb_vector_is_null(value, row);
        if (!parameter->is_null)
            parameter->value = rdb_vector_get(value, row);
    }
}

static bool look_up(exec_index_loop *loop, rdb_error *err)
{
    exec_node *right = loop->node->right;
    const uint32_t end = RDB_MIN(loop->position + EXEC_LOOKUPS_AHEAD, loop->outer->selection.count);
    bool was_prepared = false;
    if (right->statistics != NULL)
        right->statistics->loops++;
    loop->in_row = true;
    loop->has_match = false;
    if (loop->outer->selection.count > 1 && !right->plan->of.scan.is_backward) {
        for (; loop->prepared < end; loop->prepared++) {
            set_parameters(loop, loop->prepared);
            exec_index_lookup_prepare(right, loop->prepared);
        }
        if (!exec_index_lookup_seek_to(right, loop->position, &was_prepared, err))
            return false;
    }
    if (was_prepared)
        return true;
    set_parameters(loop, loop->position);
    return exec_index_lookup_seek(right, err);
}

/* Entries for left rows from position on, until there is no room: a left row takes one place beside its entries. */
static bool collect(exec_index_loop *loop, uint32_t room, uint32_t *pairs, rdb_error *err)
{
    const uint32_t first = loop->position;
    *pairs = 0;
    while (loop->position < loop->outer->selection.count && *pairs + (loop->position - first) < room) {
        uint32_t got = 0;
        bool is_over = false;
        if (!loop->in_row && !look_up(loop, err))
            return false;
        if (!exec_index_lookup_take(loop->node->right, *pairs, room - *pairs - (loop->position - first), &got, &is_over, err))
            return false;
        for (uint32_t i = 0; i < got; i++)
            loop->outer_of[*pairs + i] = loop->position;
        *pairs += got;
        if (!is_over)
            return true;
        loop->position++;
        loop->in_row = false;
    }
    return true;
}

static void gather(rdb_vector *target, const rdb_vector *source, const uint32_t *from, const uint32_t *to, uint32_t count)
{
#define GATHER(type)                                                                                \
    for (uint32_t i = 0; i < count; i++)                                                             \
        RDB_VALUES(target, type)[to != NULL ? to[i] : i] = RDB_AT(source, type, from[i]);            \
    break
    rdb_vector_clear_nulls(target);
    switch (rdb_rep_width((rdb_rep)target->rep)) {
    case 1: GATHER(uint8_t);
    case 2: GATHER(uint16_t);
    case 4: GATHER(uint32_t);
    case 8: GATHER(uint64_t);
    default: GATHER(rdb_datum);
    }
#undef GATHER
    for (uint32_t i = 0; source->nulls != NULL && i < count; i++)
        if (rdb_vector_is_null(source, from[i]))
            rdb_vector_set_null(target, to != NULL ? to[i] : i);
}

/* The left columns beside the pairs that are kept. */
static void show_left(exec_index_loop *loop, const rdb_selection *kept)
{
    RDB_FOR_SELECTED (kept, pair) {
        loop->left_rows[pair_at] = rdb_selected(&loop->outer->selection, loop->outer_of[pair]);
        loop->pair_rows[pair_at] = pair;
    }
    for (uint32_t i = 0; i < loop->left_count; i++) {
        gather(loop->left_vectors[i], loop->outer->columns[i], loop->left_rows, loop->pair_rows, kept->count);
        loop->columns[i] = loop->left_vectors[i];
    }
}

/* LEFT: pairs and left rows without any, in the order of the left rows. */
static void show_outer(exec_index_loop *loop, const rdb_batch *inner, const rdb_selection *kept, uint32_t first, bool first_matched)
{
    uint32_t count = 0, next = 0;
    for (uint32_t at = first; at < loop->position + loop->in_row; at++) {
        bool matched = at == first && first_matched;
        const uint32_t row = rdb_selected(&loop->outer->selection, at);
        for (; next < kept->count && loop->outer_of[rdb_selected(kept, next)] == at; next++) {
            matched = true;
            loop->left_rows[count] = row;
            loop->pair_rows[count++] = rdb_selected(kept, next);
        }
        if (at == loop->position) { /* not at its end */
            loop->has_match = matched;
        } else if (!matched) {
            loop->left_rows[count] = row;
            loop->pair_rows[count++] = UINT32_MAX;
        }
    }
    for (uint32_t i = 0; i < loop->left_count; i++) {
        gather(loop->left_vectors[i], loop->outer->columns[i], loop->left_rows, NULL, count);
        loop->columns[i] = loop->left_vectors[i];
    }
    for (uint32_t i = 0; i < loop->right_count; i++) {
        rdb_vector *target = loop->columns[loop->left_count + i] = loop->right_vectors[i];
        rdb_vector_clear_nulls(target);
        for (uint32_t k = 0; k < count; k++)
            if (loop->pair_rows[k] == UINT32_MAX)
                rdb_vector_set_null(target, k);
            else
                rdb_vector_copy_row(target, k, inner->columns[i], loop->pair_rows[k]);
    }
    loop->batch = (rdb_batch){.columns = loop->columns, .column_count = loop->left_count + loop->right_count, .row_count = count, .selection = {NULL, count}};
}

/* SEMI, ANTI: left rows with a partner, or at their end without. */
static void show_alone(exec_index_loop *loop, const rdb_selection *kept, uint32_t first, bool first_matched)
{
    const bool wanted = loop->node->plan->of.join.kind == RDB_JOIN_SEMI;
    uint32_t count = 0, next = 0;
    for (uint32_t at = first; at < loop->position + loop->in_row; at++) {
        bool matched = at == first && first_matched;
        for (; next < kept->count && loop->outer_of[rdb_selected(kept, next)] == at; next++)
            matched = true;
        if (at == loop->position && !matched)
            break;
        if (matched == wanted)
            loop->left_rows[count++] = rdb_selected(&loop->outer->selection, at);
        if (at == loop->position) { /* what else the index has for it does not matter */
            loop->in_row = false;
            loop->position++;
            break;
        }
    }
    loop->batch = *loop->outer;
    loop->batch.selection = (rdb_selection){loop->left_rows, count};
}

bool exec_index_loop_next(exec_index_loop *loop, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    exec_node *node = loop->node;
    const uint8_t kind = node->plan->of.join.kind;
    *raw = NULL;
    for (;;) {
        if (loop->outer == NULL || loop->position >= loop->outer->selection.count) {
            if (!next_outer(loop, budget, err))
                return false;
            if (loop->outer == NULL)
                return true;
        }
        const uint32_t capacity = exec_grow_capacity(loop->capacity, loop->filled, budget), first = loop->position;
        const bool first_matched = loop->in_row && loop->has_match;
        uint32_t pairs = 0, kept_count = 0;
        rdb_batch *fetched = NULL, *inner = NULL;
        if (!rdb_cancel_check(node->x->context.cancel, err) || !reserve(loop, capacity, err) || !exec_index_lookup_begin(node->right, loop->capacity, err) ||
            !collect(loop, RDB_MIN(loop->capacity, budget), &pairs, err) || (pairs > 0 && !exec_index_lookup_fetch(node->right, pairs, &fetched, err)))
            return false;
        loop->filled = pairs;
        if (fetched != NULL && fetched->selection.count > 0) {
            if (!exec_shape(node->right, fetched, &inner, err))
                return false;
            if (node->right->has_pending) {
                node->right->has_pending = false;
                rdb_error_move(err, node->right->pending);
                if (inner == NULL || kind != RDB_JOIN_INNER)
                    return false;
                exec_set_pending(node, err);
            }
        }
        rdb_selection kept = inner != NULL ? inner->selection : (rdb_selection){NULL, 0};
        if (node->right->statistics != NULL)
            node->right->statistics->rows += kept.count;
        if (kept.count > 0 && (kind == RDB_JOIN_INNER || loop->condition != NULL)) {
            show_left(loop, &kept);
            for (uint32_t i = 0; i < loop->right_count; i++)
                loop->columns[loop->left_count + i] = inner->columns[i];
            loop->batch = (rdb_batch){.columns = loop->columns, .column_count = loop->left_count + loop->right_count, .row_count = pairs, .selection = kept};
            if (loop->condition != NULL) {
                if (!rdb_program_filter(loop->condition, &node->x->eval, node->arena, &loop->batch, &kept, loop->rows, &kept_count, err)) {
                    if (kept_count == 0 || kind != RDB_JOIN_INNER) {
                        node->has_pending = false;
                        return false;
                    }
                    exec_set_pending(node, err);
                }
                if (node->statistics != NULL)
                    node->statistics->rows_filtered_by_join += kept.count - kept_count;
                kept = loop->batch.selection = (rdb_selection){loop->rows, kept_count};
            }
        }
        if (kind == RDB_JOIN_LEFT)
            show_outer(loop, inner, &kept, first, first_matched);
        else if (kind != RDB_JOIN_INNER)
            show_alone(loop, &kept, first, first_matched);
        else if (kept.count == 0)
            loop->batch.selection.count = 0;
        if (loop->batch.selection.count > 0 || node->has_pending) {
            if (loop->batch.selection.count == 0) {
                node->has_pending = false;
                rdb_error_move(err, node->pending);
                return false;
            }
            *raw = &loop->batch;
            return true;
        }
    }
}
