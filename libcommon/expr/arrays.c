/* SPDX-License-Identifier: Apache-2.0
 * Steps over arrays and domains: they work row by row. */
#include "expr/program_int.h"
#include <stdio.h>

#define ITEM_SET_ROWS_MIN 4u /* for fewer rows the items are walked */

static bool fail_at(rdb_program *program, uint32_t row)
{
    program->bad_row = row;
    return false;
}

static rdb_call make_call(rdb_program *program, program_step *step)
{
    rdb_call call = step->call;
    call.arena = program->run_arena;
    call.err = program->err;
    call.format = program->eval->format;
    call.session = program->eval;
    return call;
}

static void borrow_constant(rdb_vector *vector, uint64_t *null_word, uint8_t rep, rdb_datum *value, bool is_null)
{
    *null_word = 1;
    *vector = (rdb_vector){.values = value, .nulls = is_null ? null_word : NULL, .rep = rep, .capacity = 1};
}

/* One long array for many rows: a set of its items answers for all of them. *set stays NULL where that does not pay. */
static bool gather_items(rdb_program *program, program_step *step, const rdb_selection *selection, program_item_set **set)
{
    rdb_array_shape shape;
    *set = NULL;
    if (!step->may_hash || step->vectors[1]->mask != 0 || selection->count < ITEM_SET_ROWS_MIN || rdb_vector_is_null(step->vectors[1], 0))
        return true;
    rdb_datum array = rdb_vector_get(step->vectors[1], 0);
    rdb_array_get_shape(array, &shape);
    if (shape.count < 2)
        return true;
    rdb_datum *items = rdb_arena_try_alloc(program->run_arena, shape.count * sizeof *items, program->err);
    bool *nulls = items == NULL ? NULL : rdb_arena_try_alloc(program->run_arena, shape.count, program->err);
    if (nulls == NULL)
        return false;
    for (uint32_t i = 0; i < shape.count; i++) {
        items[i] = (rdb_datum){.words = {0, 0}};
        nulls[i] = !rdb_array_get(array, i, &items[i]);
    }
    return program_item_set_create(set, program->run_arena, ((const rdb_expr_array_op *)step->expr)->right->type->element,
                                   step->call.collation, items, nulls, shape.count, program->err);
}

/* left op ANY/ALL (array) */
bool program_run_array_op(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const bool deciding = step->detail; /* ANY: true decides; ALL: false */
    rdb_vector *out = program->registers[step->out];
    const uint8_t rep = ((const rdb_expr_array_op *)step->expr)->right->type->element->rep;
    program_item_set *set;
    if (!gather_items(program, step, selection, &set))
        return fail_at(program, rdb_selected(selection, 0));
    if (set != NULL)
        return program_run_item_set(program, step, set, selection);
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        if (rdb_vector_is_null(step->vectors[1], row)) {
            rdb_vector_set_null(out, row);
            continue;
        }
        rdb_datum array = rdb_vector_get(step->vectors[1], row), item, left_value = {.words = {0, 0}};
        rdb_array_shape shape;
        uint64_t left_null, item_null;
        rdb_vector left, right;
        bool decided = false, any_null = false, is_left_null = rdb_vector_is_null(step->vectors[0], row);
        if (!is_left_null)
            left_value = rdb_vector_get(step->vectors[0], row);
        borrow_constant(&left, &left_null, step->vectors[0]->rep, &left_value, is_left_null);
        rdb_array_get_shape(array, &shape);
        for (uint32_t i = 0; i < shape.count && !decided; i++) {
            item = (rdb_datum){.words = {0, 0}};
            bool has_item = rdb_array_get(array, i, &item);
            borrow_constant(&right, &item_null, rep, &item, !has_item);
            int one = program_call_bool(program, step, &left, &right, row);
            if (one == -2)
                return fail_at(program, row);
            any_null = any_null || one == -1;
            decided = one >= 0 && (one == 1) == deciding;
        }
        if (!decided && any_null)
            rdb_vector_set_null(out, row);
        else
            RDB_VALUES(out, uint8_t)[row] = decided == deciding;
    }
    return true;
}

bool program_run_array(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_expr_array *e = (const rdb_expr_array *)step->expr;
    rdb_vector *out = program->registers[step->out];
    rdb_call call = make_call(program, step);
    const uint32_t count = step->argument_count;
    rdb_vector_clear_nulls(out);
    rdb_datum *values = rdb_arena_try_alloc(program->run_arena, (count + 1) * sizeof *values, program->err);
    bool *nulls = rdb_arena_try_alloc(program->run_arena, count + 1, program->err);
    if (values == NULL || nulls == NULL)
        return fail_at(program, rdb_selected(selection, 0));
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result = {.words = {0, 0}};
        for (uint32_t i = 0; i < count; i++) {
            nulls[i] = rdb_vector_is_null(step->vectors[i], row);
            values[i] = nulls[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(step->vectors[i], row);
        }
        if (e->is_multidimensional ? !rdb_array_build_nested(&call, step->expr->type->element, values, nulls, count, &result)
                                   : !rdb_array_build(&call, step->expr->type->element, values, nulls, count, &result))
            return fail_at(program, row);
        rdb_vector_put(out, row, result, false);
    }
    return true;
}

/* p[0] of a point, a box and the like: one subscript, no slices; what is null on either side changes nothing. */
static bool run_fixed_subscript(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_expr_subscript *e = (const rdb_expr_subscript *)step->expr;
    rdb_vector *out = program->registers[step->out];
    rdb_call call = make_call(program, step);
    const uint32_t type_oid = e->argument->type->oid;
    const rdb_vector *subscripts = step->vectors[2];
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result = {.words = {0, 0}};
        bool is_null = rdb_vector_is_null(step->vectors[0], row);
        if (e->is_slice) {
            rdb_error_set(program->err, RDB_FEATURE_NOT_SUPPORTED, "slices of fixed-length arrays not implemented");
            return fail_at(program, row);
        }
        if (e->assignment != NULL && rdb_vector_is_null(subscripts, row)) {
            rdb_error_set(program->err, RDB_NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null");
            return fail_at(program, row);
        }
        rdb_datum value = is_null ? result : rdb_vector_get(step->vectors[0], row);
        if (e->assignment == NULL) {
            is_null = is_null || e->upper.count != 1 || rdb_vector_is_null(subscripts, row) ||
                      !rdb_fixed_get(type_oid, value, RDB_AT(subscripts, int32_t, row), &result);
        } else if (is_null || rdb_vector_is_null(step->vectors[1], row)) {
            result = value;
        } else if (e->upper.count != 1) {
            rdb_error_set(program->err, RDB_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
            return fail_at(program, row);
        } else if (!rdb_fixed_assign(&call, type_oid, value, RDB_AT(subscripts, int32_t, row), rdb_vector_get(step->vectors[1], row), &result)) {
            return fail_at(program, row);
        }
        rdb_vector_put(out, row, result, is_null);
    }
    return true;
}

/* json['a'][0]: steps are texts or integers; a null one finds nothing. */
static bool run_json_subscript(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_expr_subscript *e = (const rdb_expr_subscript *)step->expr;
    rdb_vector *out = program->registers[step->out];
    rdb_call call = make_call(program, step);
    const uint32_t count = e->upper.count;
    const bool starts_array = ((const rdb_expr *)e->upper.items[0])->type->oid == RDB_INT4OID;
    rdb_bytes *steps = rdb_arena_try_alloc(program->run_arena, count * sizeof *steps, program->err);
    char *digits = steps == NULL ? NULL : rdb_arena_try_alloc(program->run_arena, (size_t)count * 16, program->err);
    if (digits == NULL)
        return fail_at(program, rdb_selected(selection, 0));
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum json = {.words = {0, 0}}, value = {.words = {0, 0}}, result = {.words = {0, 0}};
        bool json_null = rdb_vector_is_null(step->vectors[0], row), any_null = false, found;
        if (!json_null)
            json = rdb_vector_get(step->vectors[0], row);
        for (uint32_t i = 0; i < count; i++) {
            const rdb_vector *at = step->vectors[2 + i];
            if (rdb_vector_is_null(at, row)) {
                any_null = true;
            } else if (at->rep == RDB_REP_INT32) {
                int length = snprintf(digits + (size_t)i * 16, 16, "%d", RDB_AT(at, int32_t, row));
                steps[i] = (rdb_bytes){.data = (const uint8_t *)digits + (size_t)i * 16, .length = (uint32_t)length};
            } else {
                steps[i] = rdb_vector_get(at, row).bytes;
            }
        }
        if (e->assignment == NULL) {
            found = !json_null && !any_null && rdb_jsonb_subscript(json, steps, count, &result);
            rdb_vector_put(out, row, result, !found);
            continue;
        }
        bool value_null = rdb_vector_is_null(step->vectors[1], row);
        if (!value_null)
            value = rdb_vector_get(step->vectors[1], row);
        if (any_null)
            rdb_error_set(program->err, RDB_NULL_VALUE_NOT_ALLOWED, "jsonb subscript in assignment must not be null");
        if (any_null || !rdb_jsonb_assign(&call, json, json_null, starts_array, steps, count, value, value_null, &result))
            return fail_at(program, row);
        rdb_vector_put(out, row, result, false);
    }
    return true;
}

bool program_run_subscript(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_expr_subscript *e = (const rdb_expr_subscript *)step->expr;
    rdb_vector *out = program->registers[step->out];
    rdb_call call = make_call(program, step);
    const uint32_t bounds = e->upper.count;
    const rdb_type *element = e->argument->type->element;
    if (rdb_fixed_element(e->argument->type->oid) != 0)
        return run_fixed_subscript(program, step, selection);
    if (e->argument->type->oid == RDB_JSONBOID)
        return run_json_subscript(program, step, selection);
    if (bounds > RDB_ARRAY_DIMS_MAX || element == NULL) {
        rdb_error_set(program->err, bounds > RDB_ARRAY_DIMS_MAX ? RDB_PROGRAM_LIMIT_EXCEEDED : RDB_FEATURE_NOT_SUPPORTED, bounds > RDB_ARRAY_DIMS_MAX ? "number of array dimensions (%u) exceeds the maximum allowed (6)" : "subscripting a value of this type is not supported (%u)", bounds);
        return fail_at(program, rdb_selected(selection, 0));
    }
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        int32_t upper[RDB_ARRAY_DIMS_MAX] = {0}, lower[RDB_ARRAY_DIMS_MAX] = {0};
        bool has_upper[RDB_ARRAY_DIMS_MAX] = {false}, has_lower[RDB_ARRAY_DIMS_MAX] = {false}, any_null = false;
        bool array_null = rdb_vector_is_null(step->vectors[0], row);
        rdb_datum array = {.words = {0, 0}}, result = {.words = {0, 0}};
        if (!array_null)
            array = rdb_vector_get(step->vectors[0], row);
        for (uint32_t i = 0; i < bounds; i++) {
            const rdb_vector *up = step->vectors[2 + i], *low = step->vectors[2 + bounds + i];
            has_upper[i] = up != NULL;
            has_lower[i] = low != NULL;
            any_null = any_null || (up != NULL && rdb_vector_is_null(up, row)) || (low != NULL && rdb_vector_is_null(low, row));
            upper[i] = up != NULL ? RDB_AT(up, int32_t, row) : 0;
            lower[i] = low != NULL ? RDB_AT(low, int32_t, row) : 0;
        }
        if (e->assignment != NULL) {
            bool value_null = rdb_vector_is_null(step->vectors[1], row);
            if (any_null) {
                rdb_error_set(program->err, RDB_NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null");
                return fail_at(program, row);
            }
            if (e->is_slice) {
                if (!rdb_array_assign_slice(&call, element, array, array_null, lower, upper, has_lower, has_upper, bounds, value_null ? result : rdb_vector_get(step->vectors[1], row),
                                            value_null, &result))
                    return fail_at(program, row);
                rdb_vector_put(out, row, result, false);
                continue;
            }
            if (!rdb_array_assign(&call, element, array, array_null, upper, bounds, value_null ? result : rdb_vector_get(step->vectors[1], row), value_null, &result))
                return fail_at(program, row);
            rdb_vector_put(out, row, result, false);
            continue;
        }
        if (array_null || any_null) {
            rdb_vector_set_null(out, row);
            continue;
        }
        if (e->is_slice) {
            if (!rdb_array_slice(&call, element, array, lower, upper, has_lower, has_upper, bounds, &result))
                return fail_at(program, row);
            rdb_vector_put(out, row, result, false);
        } else {
            bool found = rdb_array_subscript(array, upper, bounds, &result);
            rdb_vector_put(out, row, result, !found);
        }
    }
    return true;
}

/* Each element goes through the element expression, a program of its own over one column. */
bool program_run_array_coerce(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    rdb_vector *out = program->registers[step->out];
    rdb_program *element = step->state;
    rdb_call call = make_call(program, step);
    const rdb_type *from = ((const rdb_expr_array_coerce *)step->expr)->argument->type->element, *to = step->expr->type->element;
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        rdb_array_shape shape;
        rdb_datum result = {.words = {0, 0}};
        uint32_t good = 0;
        if (rdb_vector_is_null(step->vectors[0], row)) {
            rdb_vector_set_null(out, row);
            continue;
        }
        rdb_datum array = rdb_vector_get(step->vectors[0], row);
        rdb_array_get_shape(array, &shape);
        rdb_vector items, *columns[1] = {&items};
        if (!rdb_vector_init(&items, program->run_arena, (rdb_rep)from->rep, shape.count + 1, program->err))
            return fail_at(program, row);
        for (uint32_t i = 0; i < shape.count; i++) {
            rdb_datum item = {.words = {0, 0}};
            bool has_item = rdb_array_get(array, i, &item);
            rdb_vector_put(&items, i, item, !has_item);
        }
        const rdb_batch batch = {.columns = columns, .column_count = 1, .row_count = shape.count, .selection = {NULL, shape.count}};
        if (!rdb_program_run(element, program->eval, program->run_arena, &batch, &batch.selection, &good, program->err))
            return fail_at(program, row);
        const rdb_vector *converted = shape.count > 0 ? rdb_program_result(element, 0) : NULL;
        rdb_datum *values = rdb_arena_try_alloc(program->run_arena, (shape.count + 1) * sizeof *values, program->err);
        bool *nulls = rdb_arena_try_alloc(program->run_arena, shape.count + 1, program->err);
        if (values == NULL || nulls == NULL)
            return fail_at(program, row);
        for (uint32_t i = 0; i < shape.count; i++) {
            nulls[i] = rdb_vector_is_null(converted, i);
            values[i] = nulls[i] ? result : rdb_vector_get(converted, i);
        }
        if (!rdb_array_build_shaped(&call, to, &shape, values, nulls, &result))
            return fail_at(program, row);
        rdb_vector_put(out, row, result, false);
    }
    return true;
}
