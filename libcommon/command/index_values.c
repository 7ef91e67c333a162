/* SPDX-License-Identifier: Apache-2.0
 * What a row has in an index: the values of its expressions, and whether its predicate takes the row, one row at a time. */
#include "command/command_int.h"

/* Values of expression columns and the predicate, for one row at a time. */
struct command_index_programs {
    const rdb_relation *relation;
    const rdb_relation_index *index;
    rdb_eval *eval;
    rdb_program *expressions, *predicate;
    rdb_vector **vectors; /* the row, one row long */
    uint16_t column_count;
    rdb_datum *values;
    bool *is_null;
    rdb_arena *arena; /* reset a row */
};

bool command_index_programs_run(void *programs_at, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err)
{
    command_index_programs *programs = programs_at;
    uint32_t good = 0;
    rdb_arena_reset(programs->arena);
    for (uint16_t i = 0; i < programs->column_count; i++) {
        rdb_vector_clear_nulls(programs->vectors[i]);
        rdb_vector_put(programs->vectors[i], 0, values[i], is_null[i]);
    }
    rdb_batch batch = {programs->vectors, programs->column_count, 1, {NULL, 1}};
    *index_values = (rdb_index_values){0};
    if (programs->predicate != NULL) {
        if (!rdb_program_run(programs->predicate, programs->eval, programs->arena, &batch, &batch.selection, &good, err))
            return false;
        const rdb_vector *result = rdb_program_result(programs->predicate, 0);
        index_values->is_excluded = rdb_vector_is_null(result, 0) || !RDB_AT(result, uint8_t, 0);
        if (index_values->is_excluded)
            return true;
    }
    if (programs->expressions != NULL) {
        if (!rdb_program_run(programs->expressions, programs->eval, programs->arena, &batch, &batch.selection, &good, err))
            return false;
        uint32_t expr_no = 0;
        for (uint16_t i = 0; i < programs->index->column_count; i++) {
            int16_t number = programs->index->columns[i].column_number;
            if (number != 0) {
                programs->values[i] = values[number - 1];
                programs->is_null[i] = is_null[number - 1];
            } else {
                const rdb_vector *result = rdb_program_result(programs->expressions, expr_no++);
                programs->is_null[i] = rdb_vector_is_null(result, 0);
                programs->values[i] = rdb_vector_get(result, 0);
            }
        }
        index_values->values = programs->values;
        index_values->is_null = programs->is_null;
    }
    return true;
}

static bool compile(rdb_arena *arena, const rdb_relation *relation, rdb_eval *eval, const char *tree, rdb_program **program, rdb_error *err)
{
    rdb_plan_context plan = {.arena = arena, .access = eval->access, .format = eval->format, .session = eval};
    rdb_expr *expr = NULL;
    *program = NULL;
    if (tree == NULL)
        return true;
    if (!rdb_tree_read_expr(arena, eval->access, tree, &expr, err))
        return false;
    /* indexprs is a list: it is kept as one row expression. */
    rdb_list items = {0};
    if (expr->kind == RDB_EXPR_ROW)
        items = ((rdb_expr_row *)expr)->fields;
    else
        rdb_list_push(arena, &items, expr);
    rdb_expr **exprs = RDB_NEW_ARRAY(arena, rdb_expr *, items.count);
    for (uint32_t i = 0; i < items.count; i++)
        if (!rdb_plan_make_expr(&plan, relation, items.items[i], &exprs[i], err))
            return false;
    return rdb_program_compile(program, arena, eval, exprs, items.count, err);
}

bool command_index_programs_open(command_index_programs **opened, rdb_arena *arena, rdb_eval *eval, const rdb_relation *relation,
                                 const rdb_relation_index *index, rdb_error *err)
{
    command_index_programs *programs = RDB_NEW(arena, command_index_programs);
    *opened = NULL;
    *programs = (command_index_programs){.relation = relation, .index = index, .eval = eval, .column_count = relation->column_count};
    programs->vectors = RDB_NEW_ARRAY(arena, rdb_vector *, relation->column_count + 1);
    programs->values = RDB_NEW_ARRAY(arena, rdb_datum, index->column_count + 1);
    programs->is_null = RDB_NEW_ARRAY(arena, bool, index->column_count + 1);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        programs->vectors[i] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(programs->vectors[i], arena, relation->table.reps[i], 1, err))
            return false;
    }
    if (!compile(arena, relation, eval, index->expression_tree, &programs->expressions, err) ||
        !compile(arena, relation, eval, index->predicate_tree, &programs->predicate, err))
        return false;
    programs->arena = rdb_arena_create("index expressions", NULL, NULL);
    if (programs->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *opened = programs;
    return true;
}

static bool name_expression(void *programs_at, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text)
{
    const command_index_programs *programs = programs_at;
    const rdb_deparse_style style = {.access = programs->eval->access, .format = programs->eval->format, .is_pretty = true, .breaks_lines = true};
    return rdb_index_show_expression(&style, programs->arena, programs->relation, index, column_no, text);
}

rdb_index_computer command_index_computer(command_index_programs *programs)
{
    return (rdb_index_computer){.values_of = command_index_programs_run, .name_expression = name_expression, .context = programs};
}

void command_index_programs_close(command_index_programs *programs)
{
    if (programs != NULL)
        rdb_arena_destroy(programs->arena);
}
