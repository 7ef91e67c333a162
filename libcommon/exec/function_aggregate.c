/* SPDX-License-Identifier: Apache-2.0
 * Aggregates that are made of functions: CREATE AGGREGATE's. A call of one of its functions is a small program over one row, so that
 * kernels and routines, strict ones and polymorphic ones, are called as in any expression. A state is one value, kept in memory of its own
 * that grows by doubling: a state that is replaced by a longer one each row takes no more than twice what the longest needs. */
#include "exec/exec_int.h"
#include "expr/rdb_routine.h"

typedef struct part { /* one of the functions */
    const rdb_function *function; /* NULL: there is none */
    rdb_program *program;
    rdb_vector *inputs;
    rdb_vector **columns;
    uint32_t count;
} part;

struct exec_function_aggregate {
    rdb_execution *x;
    rdb_arena *arena;         /* of one call */
    const rdb_type *type;     /* of the state */
    part transition, inverse, final;
    uint32_t argument_count;  /* aggregated ones */
    uint32_t direct_count;    /* ordered-set aggregates: after those */
    const uint8_t *direct_reps;
    rdb_datum initial;
    bool initial_is_null;
    bool is_moving;
};

typedef struct state {
    rdb_datum value;
    uint8_t *memory;
    size_t capacity;
    uint64_t count;           /* rows it stands for */
    bool is_started, is_null;
    rdb_datum *direct;        /* of the group's first row */
    bool *direct_null;
} state;

/* ---- calls ---------------------------------------------------------------------------------------------------------------------- */
static bool open_part(exec_function_aggregate *a, part *p, uint32_t oid, const rdb_type *const *types, uint32_t count, const rdb_type *result, uint32_t collation,
                      rdb_error *err)
{
    rdb_arena *arena = a->x->arena;
    if (oid == 0)
        return true;
    if (!rdb_function_get(a->x->eval.access, oid, &p->function, err))
        return false;
    if (p->function == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for function %u", oid);
    rdb_expr_function *call = RDB_NEW(arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = result, .typmod = -1, .collation = collation};
    call->function = p->function;
    call->input_collation = collation;
    p->count = count;
    p->inputs = RDB_NEW_ARRAY(arena, rdb_vector, count + 1);
    p->columns = RDB_NEW_ARRAY(arena, rdb_vector *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        rdb_expr_slot *slot = RDB_NEW(arena, rdb_expr_slot);
        slot->head = (rdb_expr){.kind = RDB_EXPR_SLOT, .location = -1, .type = types[i], .typmod = -1, .collation = types[i]->collation != 0 ? collation : 0};
        slot->slot_no = i;
        rdb_list_push(arena, &call->arguments, slot);
        p->columns[i] = &p->inputs[i];
        if (!rdb_vector_init(&p->inputs[i], arena, types[i]->rep, 1, err))
            return false;
    }
    rdb_expr *expr = &call->head;
    return exec_compile(a->x, &p->program, &expr, 1, err);
}

/* The inputs are in the part's vectors. Bytes of the value live until the next call. */
static bool run_part(exec_function_aggregate *a, const part *p, rdb_datum *value, bool *is_null, rdb_error *err)
{
    const rdb_batch row = {.columns = p->columns, .column_count = p->count, .row_count = 1, .selection = {NULL, 1}};
    uint32_t good = 0;
    if (!rdb_program_run(p->program, &a->x->eval, a->arena, &row, &row.selection, &good, err))
        return false;
    const rdb_vector *out = rdb_program_result(p->program, 0);
    *is_null = rdb_vector_is_null(out, 0);
    *value = *is_null ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(out, 0);
    return true;
}

/* ---- states --------------------------------------------------------------------------------------------------------------------- */
static bool keep(const exec_function_aggregate *a, state *s, rdb_arena *arena, rdb_datum value, bool is_null, rdb_error *err)
{
    s->is_started = true;
    s->is_null = is_null;
    if (is_null || a->type->rep != RDB_REP_BYTES) {
        s->value = value;
        return true;
    }
    if (value.bytes.length > s->capacity) {
        const size_t capacity = RDB_MAX((size_t)value.bytes.length, s->capacity * 2 + 32);
        uint8_t *memory = rdb_arena_try_alloc(arena, capacity, err);
        if (memory == NULL)
            return false;
        s->memory = memory;
        s->capacity = capacity;
    }
    if (value.bytes.length > 0 && value.bytes.data != s->memory)
        memmove(s->memory, value.bytes.data, value.bytes.length);
    s->value = value;
    s->value.bytes.data = s->memory;
    return true;
}

static void begin_state(const exec_function_aggregate *a, state *s)
{
    if (s->is_started)
        return;
    s->value = a->initial;
    s->is_null = a->initial_is_null;
    s->is_started = true;
}

static bool keep_direct(const exec_function_aggregate *a, state *s, rdb_arena *arena, const rdb_vector *const *arguments, uint32_t row, rdb_error *err)
{
    s->direct = RDB_NEW_ARRAY(arena, rdb_datum, a->direct_count + 1);
    s->direct_null = RDB_NEW_ARRAY(arena, bool, a->direct_count + 1);
    for (uint32_t i = 0; i < a->direct_count; i++) {
        const rdb_vector *from = arguments[a->argument_count + i];
        s->direct_null[i] = rdb_vector_is_null(from, row);
        if (!s->direct_null[i] && !rdb_datum_copy(arena, (rdb_rep)from->rep, rdb_vector_get(from, row), &s->direct[i], err))
            return false;
    }
    return true;
}

static bool add_row(exec_function_aggregate *a, state *s, rdb_arena *arena, const rdb_vector *const *arguments, uint32_t row, rdb_error *err)
{
    rdb_datum value;
    bool is_null;
    begin_state(a, s);
    if (a->direct_count > 0 && s->direct == NULL && !keep_direct(a, s, arena, arguments, row, err))
        return false;
    s->count++;
    if (a->transition.function->is_strict && s->is_null) {
        /* The first value is the state where there is none to begin with; a state that became null stays so. */
        if (!a->initial_is_null || s->count > 1)
            return true;
        const rdb_vector *first = arguments[0];
        return keep(a, s, arena, rdb_vector_get(first, row), false, err);
    }
    rdb_arena_reset(a->arena);
    rdb_vector_clear_nulls(&a->transition.inputs[0]);
    rdb_vector_put(&a->transition.inputs[0], 0, s->value, s->is_null);
    for (uint32_t i = 0; i < a->argument_count; i++) {
        const bool argument_is_null = rdb_vector_is_null(arguments[i], row);
        rdb_vector_clear_nulls(&a->transition.inputs[i + 1]);
        rdb_vector_put(&a->transition.inputs[i + 1], 0, argument_is_null ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(arguments[i], row), argument_is_null);
    }
    if (!run_part(a, &a->transition, &value, &is_null, err))
        return false;
    if (is_null && a->is_moving)
        return rdb_error_set(err, RDB_NULL_VALUE_NOT_ALLOWED, "moving-aggregate transition function must not return null");
    return keep(a, s, arena, value, is_null, err);
}

static bool update_state(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    exec_function_aggregate *a = *call->state;
    RDB_FOR_SELECTED (selection, row) {
        if (!add_row(a, states[row_at], call->arena, arguments, row, call->err)) {
            call->bad_row = row;
            return false;
        }
    }
    return true;
}

static bool finish_state(rdb_call *call, void *kept, rdb_datum *value, bool *is_null)
{
    exec_function_aggregate *a = *call->state;
    state *s = kept;
    begin_state(a, s);
    *is_null = s->is_null;
    if (a->final.function != NULL) {
        uint32_t at = 0;
        rdb_arena_reset(a->arena);
        for (uint32_t i = 0; i < a->final.count; i++)
            rdb_vector_clear_nulls(&a->final.inputs[i]);
        rdb_vector_put(&a->final.inputs[at++], 0, s->value, s->is_null);
        for (uint32_t i = 0; i < a->direct_count; i++)
            rdb_vector_put(&a->final.inputs[at++], 0, s->direct != NULL ? s->direct[i] : (rdb_datum){.words = {0, 0}}, s->direct == NULL || s->direct_null[i]);
        while (at < a->final.count)
            rdb_vector_put(&a->final.inputs[at++], 0, (rdb_datum){.words = {0, 0}}, true);
        if (!run_part(a, &a->final, value, is_null, call->err))
            return false;
    } else {
        *value = s->value;
    }
    return *is_null || rdb_datum_copy(call->arena, (rdb_rep)call->result_type->rep, *value, value, call->err);
}

bool exec_function_aggregate_remove(rdb_call *call, void *kept, const rdb_vector *const *arguments, uint32_t row, bool *removed)
{
    exec_function_aggregate *a = *call->state;
    state *s = kept;
    rdb_datum value;
    bool is_null;
    *removed = true;
    for (uint32_t i = 0; a->inverse.function->is_strict && i < a->argument_count; i++)
        if (rdb_vector_is_null(arguments[i], row))
            return true;
    if (s->is_null)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "aggregate transition value is NULL before inverse transition");
    if (s->count <= 1) { /* the last row: the state is as it was before the first */
        s->count = 0;
        s->is_started = false;
        return true;
    }
    rdb_arena_reset(a->arena);
    rdb_vector_clear_nulls(&a->inverse.inputs[0]);
    rdb_vector_put(&a->inverse.inputs[0], 0, s->value, false);
    for (uint32_t i = 0; i < a->argument_count; i++) {
        const bool argument_is_null = rdb_vector_is_null(arguments[i], row);
        rdb_vector_clear_nulls(&a->inverse.inputs[i + 1]);
        rdb_vector_put(&a->inverse.inputs[i + 1], 0, argument_is_null ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(arguments[i], row), argument_is_null);
    }
    if (!run_part(a, &a->inverse, &value, &is_null, call->err))
        return false;
    *removed = !is_null; /* null: it cannot be taken away */
    s->count--;
    return is_null || keep(a, s, call->arena, value, false, call->err);
}

/* ---- open and close ---------------------------------------------------------------------------------------------------------------- */
static bool open_parts(exec_function_aggregate *a, const rdb_function *function, const exec_aggregate_shape *shape, rdb_error *err)
{
    const rdb_aggregate *entry = function->aggregate;
    rdb_execution *x = a->x;
    const uint32_t count = shape->argument_count + shape->direct_count;
    const rdb_type **types = RDB_NEW_ARRAY(x->arena, const rdb_type *, count + 2), **finals = RDB_NEW_ARRAY(x->arena, const rdb_type *, count + 2);
    uint32_t *actual = RDB_NEW_ARRAY(x->arena, uint32_t, count + 1), at = 0, final_count = 0;
    const char *initial = a->is_moving ? entry->moving_initial : entry->initial;
    /* As declared: direct arguments first. */
    for (uint32_t i = 0; i < shape->direct_count; i++)
        actual[at++] = shape->types[shape->argument_count + i]->oid;
    for (uint32_t i = 0; i < shape->argument_count; i++)
        actual[at++] = shape->types[i]->oid;
    if (!rdb_polymorphic_resolve(x->eval.access, x->arena, function->argument_types, actual, RDB_MIN(count, (uint32_t)function->argument_count),
                                 a->is_moving ? entry->moving_type : entry->transition_type, &a->type, err))
        return false;
    types[0] = finals[final_count++] = a->type;
    for (uint32_t i = 0; i < shape->argument_count; i++)
        types[i + 1] = shape->types[i];
    for (uint32_t i = 0; i < shape->direct_count; i++)
        finals[final_count++] = shape->types[shape->argument_count + i];
    for (uint32_t i = 0; (a->is_moving ? entry->moving_final_takes_arguments : entry->final_takes_arguments) && i < shape->argument_count; i++)
        finals[final_count++] = shape->types[i];
    a->initial_is_null = initial == NULL;
    if (initial != NULL && !rdb_expr_value_from_text(&x->eval, x->arena, a->type, -1, (rdb_slice){(const uint8_t *)initial, strlen(initial)}, &a->initial, err))
        return false;
    return open_part(a, &a->transition, a->is_moving ? entry->moving_oid : entry->transition_oid, types, shape->argument_count + 1, a->type, shape->collation, err) &&
           open_part(a, &a->inverse, a->is_moving ? entry->inverse_oid : 0, types, shape->argument_count + 1, a->type, shape->collation, err) &&
           open_part(a, &a->final, a->is_moving ? entry->moving_final_oid : entry->final_oid, finals, final_count, shape->result, shape->collation, err);
}

bool exec_aggregate_open(rdb_execution *x, const rdb_function *function, const exec_aggregate_shape *shape, bool is_moving, const rdb_aggregate_entry **entry,
                         exec_function_aggregate **made, rdb_error *err)
{
    static const rdb_aggregate_entry plain = {.state_bytes = sizeof(state), .update = update_state, .finish = finish_state};
    static const rdb_aggregate_entry strict = {.state_bytes = sizeof(state), .update = update_state, .finish = finish_state, .flags = RDB_AGGREGATE_SKIPS_NULLS};
    *made = NULL;
    if (!rdb_function_check_execute(&x->eval, function, err))
        return false;
    *entry = rdb_aggregate_find(function->kernel_oid != 0 ? function->kernel_oid : function->oid);
    if (*entry != NULL)
        return true;
    if (function->aggregate == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "aggregate function \"%s\" is not supported", function->name);
    exec_function_aggregate *a = RDB_NEW(x->arena, exec_function_aggregate);
    a->x = x;
    a->argument_count = shape->argument_count;
    a->direct_count = shape->direct_count;
    a->is_moving = is_moving;
    a->arena = exec_arena(x, "aggregate call");
    *made = a;
    if (a->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!open_parts(a, function, shape, err))
        return false;
    *entry = a->transition.function->is_strict ? &strict : &plain;
    return true;
}

void exec_function_aggregate_close(exec_function_aggregate *a)
{
    if (a != NULL)
        rdb_arena_destroy(a->arena);
}
