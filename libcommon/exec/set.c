/* SPDX-License-Identifier: Apache-2.0
 * Set-returning functions, in FROM (FunctionScan) and in the target list (ProjectSet). */
#include "exec/exec_int.h"
#include "expr/rdb_routine.h"

/* One call of a set-returning function, begun for one row of arguments and read to its end. */
typedef struct set_call {
    const rdb_expr_function *expr;
    const rdb_set_kernel_entry *entry; /* NULL: a plain function gives one row, or a routine gives them */
    rdb_routine_site *routine;         /* NULL: no routine */
    bool as_row;                       /* the routine's rows are values of one column */
    rdb_program *arguments;            /* of a set function; of a plain one the call itself */
    rdb_call call;
    void *site;
    void *state;
    rdb_vector **columns;
    const rdb_type **types;
    uint32_t column_count;
    uint32_t row_count, next_row;      /* in columns */
    bool is_done;
    bool takes_apart, puts_together;   /* a row value as its columns; columns as a row value */
    rdb_vector **native;               /* what the function itself fills, where that is not columns */
    const rdb_type **native_types;
    uint32_t native_count;
    rdb_arena *arena;                  /* of one begin ... end */
    rdb_arena *batch_arena;
} set_call;

#define SET_ROWS 64u

/* ---- rows of the function and rows of the query -------------------------------------------------------------------------------- */
static const rdb_type *base_of(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type;
}

/* In FROM a function of a row type gives that type's columns; in a target list one with OUT parameters gives a row. Kernels of set
 * functions with OUT parameters fill columns; all others give one value. */
static bool plan_shape(rdb_execution *x, set_call *set, const rdb_expr *expr, bool in_from, rdb_error *err)
{
    const rdb_type *base = base_of(expr->type);
    const rdb_function *function = set->entry != NULL ? set->expr->function : NULL;
    bool is_row = base->oid == RDB_RECORDOID || base->kind == 'c', is_anonymous = base->fields == NULL;
    uint32_t column_count = 0;
    const rdb_type *columns[128];
    for (uint32_t i = 0; function != NULL && function->all_modes != NULL && i < function->all_count && column_count < RDB_COUNT_OF(columns); i++)
        if (function->all_modes[i] != 'i' && function->all_modes[i] != 'v') {
            const rdb_type **column = &columns[column_count++];
            if (!rdb_type_get(x->context.access, function->all_types[i], column, err))
                return false;
            is_anonymous = is_anonymous && *column != NULL && (*column)->kind != 'p'; /* polymorphic ones have no type of their own */
        }
    set->takes_apart = in_from && is_row && column_count == 0;
    set->puts_together = !in_from && is_row && column_count > 0 && (base->fields != NULL || is_anonymous);
    if (!set->takes_apart && !set->puts_together)
        return true;
    set->native_count = set->takes_apart ? 1 : base->fields != NULL ? base->field_count : column_count;
    set->native_types = RDB_NEW_ARRAY(x->arena, const rdb_type *, set->native_count + 1);
    for (uint32_t i = 0; i < set->native_count; i++)
        set->native_types[i] = set->takes_apart ? expr->type : base->fields != NULL ? base->fields[i].type : columns[i];
    return exec_make_vectors(x->arena, set->native_types, set->native_count, SET_ROWS, &set->native, err);
}

static bool refuse_shape(const char *detail, uint32_t given, uint32_t wanted, rdb_error *err)
{
    rdb_error_set(err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
    return rdb_error_detail(err, detail, given, wanted);
}

static bool wrong_field(rdb_call *call, uint32_t given_oid, const rdb_type *wanted, uint32_t position, rdb_error *err)
{
    const rdb_type *given = NULL;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (!rdb_type_descriptor(call, given_oid, &given))
        return false;
    rdb_type_format_name(given, -1, false, &text);
    rdb_strbuf_addf(&text, " at ordinal position %u, but query expects ", position);
    rdb_type_format_name(wanted, -1, false, &text);
    rdb_error_set(err, RDB_DATATYPE_MISMATCH, "function return row and query-specified return row do not match");
    return rdb_strbuf_check(&text, err) && rdb_error_detail(err, "Returned type %s.", text.data);
}

static bool take_apart(set_call *set, uint32_t rows, rdb_error *err)
{
    for (uint32_t c = 0; c < set->column_count; c++)
        rdb_vector_clear_nulls(set->columns[c]);
    for (uint32_t row = 0; row < rows; row++) {
        bool is_null = rdb_vector_is_null(set->native[0], row);
        rdb_datum record = is_null ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(set->native[0], row);
        uint32_t given = is_null ? set->column_count : rdb_record_count(record);
        if (given > set->column_count || (given < set->column_count && base_of(set->native_types[0])->kind != 'c'))
            return refuse_shape(given == 1 ? "Returned row contains %u attribute, but query expects %u." : "Returned row contains %u attributes, but query expects %u.", given, set->column_count, err);
        for (uint32_t c = 0; c < set->column_count; c++) {
            uint32_t oid = 0;
            rdb_datum value = {.words = {0, 0}};
            bool has_value = !is_null && rdb_record_field(record, c, &oid, &value);
            if (oid != 0 && oid != set->types[c]->oid && base_of(set->types[c])->oid != oid)
                return wrong_field(&set->call, oid, set->types[c], c + 1, err);
            rdb_vector_put(set->columns[c], row, value, !has_value);
        }
    }
    return true;
}

static bool put_together(set_call *set, uint32_t rows, rdb_error *err)
{
    rdb_datum *values = rdb_arena_try_alloc(set->batch_arena, (set->native_count + 1) * sizeof *values, err);
    bool *nulls = rdb_arena_try_alloc(set->batch_arena, set->native_count + 1, err);
    if (values == NULL || nulls == NULL)
        return false;
    rdb_vector_clear_nulls(set->columns[0]);
    for (uint32_t row = 0; row < rows; row++) {
        rdb_datum record;
        for (uint32_t c = 0; c < set->native_count; c++) {
            nulls[c] = rdb_vector_is_null(set->native[c], row);
            values[c] = nulls[c] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(set->native[c], row);
        }
        if (!rdb_record_build(&set->call, set->native_types, values, nulls, set->native_count, &record))
            return false;
        rdb_vector_put(set->columns[0], row, record, false);
    }
    return true;
}

static bool shape_rows(set_call *set, uint32_t rows, rdb_error *err)
{
    return set->takes_apart ? take_apart(set, rows, err) : !set->puts_together || put_together(set, rows, err);
}

static bool open_set_call(rdb_execution *x, set_call *set, rdb_expr *expr, const rdb_type *const *types, const int32_t *typmods, uint32_t column_count, bool in_from, rdb_error *err)
{
    rdb_arena *arena = x->arena;
    set->column_count = column_count;
    set->types = RDB_NEW_ARRAY(arena, const rdb_type *, column_count + 1);
    for (uint32_t i = 0; i < column_count; i++)
        set->types[i] = types[i];
    set->arena = exec_arena(x, "set");
    set->batch_arena = exec_arena(x, "set rows");
    if (set->arena == NULL || set->batch_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!exec_make_vectors(arena, set->types, column_count, SET_ROWS, &set->columns, err))
        return false;
    set->expr = (const rdb_expr_function *)expr;
    const bool gives_fields = expr->kind == RDB_EXPR_FUNCTION && (column_count != 1 || types[0]->oid != expr->type->oid);
    if (expr->kind != RDB_EXPR_FUNCTION || (!set->expr->function->returns_set && rdb_set_kernel_find(set->expr->function->oid) == NULL && !(gives_fields && rdb_function_can_run(set->expr->function))))
        return exec_compile(x, &set->arguments, &expr, 1, err) && plan_shape(x, set, expr, in_from, err);
    const rdb_expr_function *e = set->expr;
    set->entry = rdb_set_kernel_find(e->function->oid);
    if (!rdb_function_check_execute(&x->eval, e->function, err))
        return false;
    if (set->entry == NULL && rdb_function_can_run(e->function)) {
        set->routine = RDB_NEW(arena, rdb_routine_site);
        set->as_row = !gives_fields;
        if (!rdb_routine_site_make(set->routine, e->function, &x->eval, arena, err))
            return false;
    } else if (set->entry == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "set-returning function \"%s\" is not supported", e->function->name);
    if (set->entry != NULL)
        set->state = rdb_arena_zalloc(arena, set->entry->state_bytes + 16);
    const rdb_type **argument_types = RDB_NEW_ARRAY(arena, const rdb_type *, e->arguments.count + 1);
    for (uint32_t i = 0; i < e->arguments.count; i++)
        argument_types[i] = ((rdb_expr *)e->arguments.items[i])->type;
    set->call = (rdb_call){.collation = e->input_collation, .argument_types = argument_types, .argument_count = e->arguments.count, .result_type = expr->type, .result_typmod = expr->typmod, .state = &set->site, .plan_arena = arena};
    if (set->routine != NULL) {
        set->routine->argument_types = argument_types;
        set->routine->argument_count = e->arguments.count;
        set->routine->result_type = expr->type;
        set->routine->collation = e->input_collation;
        if (gives_fields && expr->type->oid == RDB_RECORDOID && e->function->all_count == 0) {
            set->routine->column_types = set->types;
            set->routine->column_typmods = typmods;
            set->routine->column_count = column_count;
        }
    }
    return (set->routine != NULL || plan_shape(x, set, expr, in_from, err)) &&
           (e->arguments.count == 0 || exec_compile(x, &set->arguments, (rdb_expr *const *)e->arguments.items, e->arguments.count, err));
}

static void close_set_call(set_call *set)
{
    rdb_arena_destroy(set->arena);
    rdb_arena_destroy(set->batch_arena);
}

static void prepare_set_call(rdb_execution *x, set_call *set, rdb_arena *arena, rdb_error *err)
{
    set->call.arena = arena;
    set->call.err = err;
    set->call.format = x->eval.format;
    set->call.statement_us = x->eval.statement_us;
    set->call.transaction_us = x->eval.transaction_us;
    set->call.session = &x->eval;
    set->call.cancel = x->eval.cancel;
}

static bool begin_set_call(rdb_execution *x, set_call *set, rdb_batch *input, uint32_t row, rdb_error *err)
{
    const rdb_selection one = {&row, 1};
    uint32_t good = 0;
    rdb_arena_reset(set->arena);
    set->row_count = set->next_row = 0;
    set->is_done = false;
    if (set->arguments != NULL && !rdb_program_run(set->arguments, &x->eval, set->arena, input, &one, &good, err))
        return false;
    if (set->entry == NULL && set->routine == NULL) { /* a plain function in FROM: one row */
        rdb_vector *target = set->takes_apart ? set->native[0] : set->columns[0];
        rdb_vector_clear_nulls(target);
        rdb_vector_copy_row(target, 0, rdb_program_result(set->arguments, 0), row);
        set->row_count = 1;
        set->is_done = true;
        prepare_set_call(x, set, set->arena, err);
        return shape_rows(set, 1, err);
    }
    uint32_t count = set->expr->arguments.count;
    rdb_datum *values = RDB_NEW_ARRAY(set->arena, rdb_datum, count + 1);
    bool *is_null = RDB_NEW_ARRAY(set->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const rdb_vector *vector = rdb_program_result(set->arguments, i);
        is_null[i] = rdb_vector_is_null(vector, row);
        if (!is_null[i])
            values[i] = rdb_vector_get(vector, row);
        else if (set->expr->function->is_strict)
            set->is_done = true; /* no rows */
    }
    if (set->routine != NULL) {
        rdb_parameter *parameters = RDB_NEW_ARRAY(set->arena, rdb_parameter, count + 1);
        for (uint32_t i = 0; i < count; i++)
            parameters[i] = (rdb_parameter){.value = values[i], .is_null = is_null[i], .type_oid = set->call.argument_types[i]->oid};
        set->routine->language->end(set->routine);
        if (!set->is_done)
            return set->routine->language->begin(set->routine, &x->eval, parameters, err);
        if (set->expr->function->returns_set)
            return true;
        for (uint32_t i = 0; i < set->column_count; i++) { /* a strict function of one row: a row of nulls */
            rdb_vector_clear_nulls(set->columns[i]);
            rdb_vector_put(set->columns[i], 0, (rdb_datum){.words = {0, 0}}, true);
        }
        set->row_count = 1;
        return true;
    }
    if (set->is_done)
        return true;
    memset(set->state, 0, set->entry->state_bytes);
    prepare_set_call(x, set, set->arena, err);
    return set->entry->begin(&set->call, set->state, values, is_null);
}

/* Sees to it that columns has a row at next_row; *has_row false: the end. */
static bool fill_set_call(rdb_execution *x, set_call *set, uint32_t budget, bool *has_row, rdb_error *err)
{
    *has_row = set->next_row < set->row_count;
    if (*has_row || set->is_done)
        return true;
    rdb_arena_reset(set->batch_arena);
    bool has_native = set->takes_apart || set->puts_together;
    rdb_vector **filled = has_native ? set->native : set->columns;
    uint32_t filled_count = has_native ? set->native_count : set->column_count;
    for (uint32_t i = 0; i < filled_count; i++)
        rdb_vector_clear_nulls(filled[i]);
    set->row_count = set->next_row = 0;
    prepare_set_call(x, set, set->batch_arena, err);
    if (set->routine != NULL) {
        if (!set->routine->language->next(set->routine, &x->eval, set->batch_arena, set->as_row, set->columns, set->column_count, RDB_MIN(SET_ROWS, budget),
                                          &set->row_count, err))
            return false;
    } else if (!set->entry->next(&set->call, set->state, filled, filled_count, RDB_MIN(SET_ROWS, budget), &set->row_count) || !shape_rows(set, set->row_count, err))
        return false;
    set->is_done = set->row_count == 0;
    *has_row = set->row_count > 0;
    return true;
}

/* ---- FunctionScan -------------------------------------------------------------------------------------------------------------------- */
typedef struct function_state {
    set_call *calls;
    bool is_started;
    int64_t ordinality;
    rdb_vector **columns;
    uint32_t capacity;
    rdb_batch batch;
} function_state;

/* A stored query knows the columns that a row type had then: the type may have changed since. */
static bool check_row_type(const exec_node *node, const rdb_range_function *function, uint32_t first, rdb_error *err)
{
    const rdb_type *type = base_of(function->call->type);
    const rdb_list *names = &node->plan->range->columns;
    for (uint32_t f = 0; type->kind == 'c' && f < type->field_count && f < function->column_count; f++) {
        const rdb_type *wanted = node->plan->input_types[first + f], *now = type->fields[f].type;
        const char *name = first + f < names->count ? names->items[first + f] : "";
        if (type->fields[f].is_dropped && name != NULL && name[0] != '\0')
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "attribute %u of type record has been dropped", f + 1);
        if (type->fields[f].is_dropped || now->oid == wanted->oid)
            continue;
        rdb_strbuf text;
        rdb_strbuf_init(&text, node->x->arena);
        rdb_type_format_name(now, -1, false, &text);
        rdb_strbuf_adds(&text, ", but query expects ");
        rdb_type_format_name(wanted, -1, false, &text);
        rdb_error_set(err, RDB_DATATYPE_MISMATCH, "attribute %u of type record has wrong type", f + 1);
        return rdb_strbuf_check(&text, err) && rdb_error_detail(err, "Table has type %s.", text.data);
    }
    return true;
}

static bool open_function(exec_node *node, rdb_error *err)
{
    function_state *state = node->state = RDB_NEW(node->x->arena, function_state);
    uint32_t count = node->plan->of.function.function_count, at = 0;
    state->calls = RDB_NEW_ARRAY(node->x->arena, set_call, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const rdb_range_function *function = node->plan->of.function.functions[i];
        if (!check_row_type(node, function, at, err) ||
            !open_set_call(node->x, &state->calls[i], function->call, node->plan->input_types + at, function->types.count > 0 ? function->typmods : NULL, function->column_count, true, err))
            return false;
        at += function->column_count;
    }
    return true;
}

static bool begin_function(exec_node *node, rdb_error *err)
{
    (void)err;
    function_state *state = node->state;
    state->is_started = false;
    state->ordinality = 0;
    return true;
}

static bool next_function(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    function_state *state = node->state;
    uint32_t count = node->plan->of.function.function_count, columns = node->plan->input_count;
    *raw = NULL;
    for (uint32_t i = 0; i < count && !state->is_started; i++)
        if (!begin_set_call(node->x, &state->calls[i], NULL, 0, err))
            return false;
    state->is_started = true;
    uint32_t limit = RDB_MIN(budget, 256u), rows = 0;
    if (limit > state->capacity) {
        if (!exec_make_vectors(node->x->arena, node->plan->input_types, columns, limit, &state->columns, err))
            return false;
        state->capacity = limit;
    }
    for (uint32_t c = 0; c < columns; c++)
        rdb_vector_clear_nulls(state->columns[c]);
    while (rows < limit) {
        bool any = false;
        uint32_t at = 0;
        /* functions side by side: the shorter one's columns read null; bytes are copied, for the next fill reuses their arena */
        for (uint32_t i = 0; i < count; i++) {
            set_call *set = &state->calls[i];
            bool has_row = false;
            if (!fill_set_call(node->x, set, limit - rows, &has_row, err))
                return false;
            any = any || has_row;
            for (uint32_t c = 0; c < set->column_count; c++) {
                rdb_vector *target = state->columns[at + c];
                bool is_null = !has_row || rdb_vector_is_null(set->columns[c], set->next_row);
                rdb_datum value = {.words = {0, 0}};
                if (!is_null && !rdb_datum_copy(node->arena, (rdb_rep)target->rep, rdb_vector_get(set->columns[c], set->next_row), &value, err))
                    return false;
                rdb_vector_put(target, rows, value, is_null);
            }
            set->next_row += has_row;
            at += set->column_count;
        }
        if (!any)
            break;
        if (node->plan->of.function.with_ordinality)
            rdb_vector_put(state->columns[columns - 1], rows, (rdb_datum){.i64 = ++state->ordinality}, false);
        rows++;
    }
    if (rows == 0)
        return true;
    state->batch = (rdb_batch){.columns = state->columns, .column_count = columns, .row_count = rows, .selection = {NULL, rows}};
    *raw = &state->batch;
    return true;
}

static void close_function(exec_node *node)
{
    function_state *state = node->state;
    for (uint32_t i = 0; state != NULL && i < node->plan->of.function.function_count; i++)
        close_set_call(&state->calls[i]);
}

const exec_ops exec_function_ops = {open_function, begin_function, next_function, close_function};

/* ---- ProjectSet ------------------------------------------------------------------------------------------------------------------------ */
typedef struct project_state {
    rdb_program *plain;        /* targets that are no sets, one after the other */
    uint32_t *plain_no;        /* by target: its result in plain, or UINT32_MAX */
    set_call *sets;            /* by target, unused where plain */
    uint32_t count;
    rdb_batch *input;
    uint32_t position;
    bool in_row;
    rdb_vector **columns;
    uint32_t capacity;
    const rdb_type **types;
    rdb_arena *plain_arena;
    rdb_batch batch;
} project_state;

static bool open_project(exec_node *node, rdb_error *err)
{
    rdb_arena *arena = node->x->arena;
    project_state *state = node->state = RDB_NEW(arena, project_state);
    const rdb_list *targets = &node->plan->targets;
    rdb_expr **plain = RDB_NEW_ARRAY(arena, rdb_expr *, targets->count + 1);
    uint32_t plain_count = 0;
    state->count = targets->count;
    state->plain_no = RDB_NEW_ARRAY(arena, uint32_t, targets->count + 1);
    state->sets = RDB_NEW_ARRAY(arena, set_call, targets->count + 1);
    state->types = RDB_NEW_ARRAY(arena, const rdb_type *, targets->count + 1);
    state->plain_arena = exec_arena(node->x, "project");
    if (state->plain_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; i < targets->count; i++) {
        rdb_expr *expr = ((rdb_target *)targets->items[i])->expr;
        state->types[i] = expr->type;
        if (expr->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)expr)->function->returns_set) {
            state->plain_no[i] = UINT32_MAX;
            if (!open_set_call(node->x, &state->sets[i], expr, &state->types[i], NULL, 1, false, err))
                return false;
        } else {
            state->plain_no[i] = plain_count;
            plain[plain_count++] = expr;
        }
    }
    return exec_compile(node->x, &state->plain, plain, plain_count, err);
}

static bool begin_project(exec_node *node, rdb_error *err)
{
    project_state *state = node->state;
    state->input = NULL;
    state->in_row = false;
    return exec_begin(node->left, err);
}

static bool next_project(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    project_state *state = node->state;
    uint32_t limit = RDB_MIN(budget, 256u), rows = 0;
    *raw = NULL;
    if (limit > state->capacity) {
        if (!exec_make_vectors(node->x->arena, state->types, state->count, limit, &state->columns, err))
            return false;
        state->capacity = limit;
    }
    for (uint32_t c = 0; c < state->count; c++)
        rdb_vector_clear_nulls(state->columns[c]);
    while (rows < limit) {
        if (!state->in_row) {
            if (state->input == NULL || state->position >= state->input->selection.count) {
                if (!exec_next(node->left, budget, &state->input, err))
                    return false;
                if (state->input == NULL)
                    break;
                state->position = 0;
            }
            uint32_t row = rdb_selected(&state->input->selection, state->position), good = 0;
            const rdb_selection one = {&row, 1};
            rdb_arena_reset(state->plain_arena);
            if (!rdb_program_run(state->plain, &node->x->eval, state->plain_arena, state->input, &one, &good, err))
                return false;
            for (uint32_t i = 0; i < state->count; i++)
                if (state->plain_no[i] == UINT32_MAX && !begin_set_call(node->x, &state->sets[i], state->input, row, err))
                    return false;
            state->in_row = true;
        }
        uint32_t row = rdb_selected(&state->input->selection, state->position);
        bool any = false;
        for (uint32_t i = 0; i < state->count; i++) {
            bool has_row = false;
            if (state->plain_no[i] != UINT32_MAX)
                continue;
            if (!fill_set_call(node->x, &state->sets[i], SET_ROWS, &has_row, err))
                return false;
            any = any || has_row;
        }
        if (!any) {
            state->in_row = false;
            state->position++;
            continue;
        }
        for (uint32_t i = 0; i < state->count; i++) {
            const rdb_vector *source = NULL;
            uint32_t at = row;
            if (state->plain_no[i] != UINT32_MAX) {
                source = rdb_program_result(state->plain, state->plain_no[i]);
            } else if (state->sets[i].next_row < state->sets[i].row_count) {
                source = state->sets[i].columns[0];
                at = state->sets[i].next_row++;
            }
            bool is_null = source == NULL || rdb_vector_is_null(source, at);
            rdb_datum value = {.words = {0, 0}};
            if (!is_null && !rdb_datum_copy(node->arena, (rdb_rep)state->columns[i]->rep, rdb_vector_get(source, at), &value, err))
                return false;
            rdb_vector_put(state->columns[i], rows, value, is_null);
        }
        rows++;
    }
    if (rows == 0)
        return true;
    state->batch = (rdb_batch){.columns = state->columns, .column_count = state->count, .row_count = rows, .selection = {NULL, rows}};
    *raw = &state->batch;
    return true;
}

static void close_project(exec_node *node)
{
    project_state *state = node->state;
    if (state == NULL)
        return;
    for (uint32_t i = 0; i < state->count; i++)
        close_set_call(&state->sets[i]);
    rdb_arena_destroy(state->plain_arena);
}

const exec_ops exec_project_set_ops = {open_project, begin_project, next_project, close_project};
