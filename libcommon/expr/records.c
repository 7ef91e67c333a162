/* SPDX-License-Identifier: Apache-2.0
 * Steps over row values: making one, taking a field, IS NULL, and a row of one composite type as one of another. */
#include "expr/program_int.h"

static bool fail_at(rdb_program *program, uint32_t row)
{
    program->bad_row = row;
    return false;
}

static const rdb_type *base_of(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type;
}

/* Row k's fields from the registers into a record. */
static bool build_row(rdb_program *program, program_step *step, const rdb_type *const *types, rdb_datum *values, bool *nulls, uint32_t row, rdb_datum *result)
{
    rdb_call call = step->call;
    call.arena = program->run_arena;
    call.err = program->err;
    for (uint32_t i = 0; i < step->argument_count; i++) {
        nulls[i] = rdb_vector_is_null(step->vectors[i], row);
        values[i] = nulls[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(step->vectors[i], row);
    }
    return rdb_record_build(&call, types, values, nulls, step->argument_count, result);
}

bool program_run_row(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_expr_row *e = (const rdb_expr_row *)step->expr;
    const rdb_type *target = base_of(step->expr->type);
    rdb_vector *out = program->registers[step->out];
    const uint32_t count = step->argument_count;
    rdb_vector_clear_nulls(out);
    rdb_datum *values = rdb_arena_try_alloc(program->run_arena, (count + 1) * sizeof *values, program->err);
    bool *nulls = rdb_arena_try_alloc(program->run_arena, count + 1, program->err);
    const rdb_type **types = rdb_arena_try_alloc(program->run_arena, (count + 1) * sizeof *types, program->err);
    if (values == NULL || nulls == NULL || types == NULL)
        return fail_at(program, rdb_selected(selection, 0));
    for (uint32_t i = 0; i < count; i++) { /* a composite's own field types, where they are held alike */
        const rdb_type *given = ((const rdb_expr *)e->fields.items[i])->type;
        const rdb_type *wanted = target->kind == 'c' && i < target->field_count ? target->fields[i].type : given;
        types[i] = wanted->rep == given->rep ? wanted : given;
    }
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result;
        if (!build_row(program, step, types, values, nulls, row, &result))
            return fail_at(program, row);
        rdb_vector_put(out, row, result, false);
    }
    return true;
}

bool program_run_field(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_expr_unary *e = (const rdb_expr_unary *)step->expr;
    rdb_vector *out = program->registers[step->out];
    rdb_vector_clear_nulls(out);
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum value = {.words = {0, 0}};
        uint32_t oid = 0;
        bool has_value = !rdb_vector_is_null(step->vectors[0], row) &&
                         rdb_record_field(rdb_vector_get(step->vectors[0], row), (uint32_t)e->field_no - 1, &oid, &value);
        if (oid != 0 && has_value && oid != e->head.type->oid && base_of(e->head.type)->oid != oid) {
            rdb_error_set(program->err, RDB_DATATYPE_MISMATCH, "attribute %d has wrong type", e->field_no);
            rdb_error_detail(program->err, "Table has type with OID %u, but query expects type with OID %u.", oid, e->head.type->oid);
            return fail_at(program, row);
        }
        rdb_vector_put(out, row, value, !has_value);
    }
    return true;
}

/* IS NULL: every field is null. IS NOT NULL: no field is. Fields that are rows are not looked into. */
bool program_row_null_test(const rdb_type *type, rdb_datum value, bool is_not)
{
    const rdb_type *base = base_of(type);
    uint32_t count = rdb_record_count(value);
    for (uint32_t i = 0; i < count; i++) {
        rdb_datum ignored;
        if (base->fields != NULL && i < base->field_count && base->fields[i].is_dropped)
            continue;
        if (rdb_record_field(value, i, NULL, &ignored) != is_not)
            return false;
    }
    return true;
}

/* Fields by name: what the source lacks is null. Types of one name agree, the analyser has seen to it. */
bool program_run_row_convert(rdb_program *program, program_step *step, const rdb_selection *selection)
{
    const rdb_type *from = base_of(((const rdb_expr_unary *)step->expr)->argument->type), *to = base_of(step->expr->type);
    rdb_vector *out = program->registers[step->out];
    const uint32_t count = to->field_count;
    rdb_vector_clear_nulls(out);
    rdb_call call = step->call;
    call.arena = program->run_arena;
    call.err = program->err;
    rdb_datum *values = rdb_arena_try_alloc(program->run_arena, (count + 1) * sizeof *values, program->err);
    bool *nulls = rdb_arena_try_alloc(program->run_arena, count + 1, program->err);
    const rdb_type **types = rdb_arena_try_alloc(program->run_arena, (count + 1) * sizeof *types, program->err);
    uint32_t *sources = rdb_arena_try_alloc(program->run_arena, (count + 1) * sizeof *sources, program->err);
    if (values == NULL || nulls == NULL || types == NULL || sources == NULL)
        return fail_at(program, rdb_selected(selection, 0));
    for (uint32_t i = 0; i < count; i++) {
        types[i] = to->fields[i].type;
        sources[i] = UINT32_MAX;
        for (uint32_t k = 0; k < from->field_count && !to->fields[i].is_dropped; k++)
            if (!from->fields[k].is_dropped && strcmp(from->fields[k].name, to->fields[i].name) == 0)
                sources[i] = k;
    }
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result;
        if (rdb_vector_is_null(step->vectors[0], row)) {
            rdb_vector_set_null(out, row);
            continue;
        }
        rdb_datum record = rdb_vector_get(step->vectors[0], row);
        for (uint32_t i = 0; i < count; i++)
            nulls[i] = !rdb_record_field(record, sources[i], NULL, &values[i]);
        if (!rdb_record_build(&call, types, values, nulls, count, &result))
            return fail_at(program, row);
        rdb_vector_put(out, row, result, false);
    }
    return true;
}
