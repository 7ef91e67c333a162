/* SPDX-License-Identifier: Apache-2.0
 * CREATE INDEX, and filling an index whose columns may be expressions. */
#include "command/command_int.h"

#include <strings.h>

/* Values of expression columns and the predicate, for one row at a time. */
typedef struct index_programs {
    rdb_command_context *context;
    const rdb_relation_index *index;
    rdb_eval *eval;
    rdb_program *expressions, *predicate;
    rdb_vector **vectors; /* the row, one row long */
    uint16_t column_count;
    rdb_datum *values;
    bool *is_null;
    rdb_arena *arena; /* reset a row */
} index_programs;

static bool values_of(void *programs_at, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err)
{
    index_programs *programs = programs_at;
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

static bool compile(rdb_command_context *context, const rdb_relation *relation, rdb_eval *eval, const char *tree, rdb_program **program, rdb_error *err)
{
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format, .session = eval};
    rdb_expr *expr = NULL;
    *program = NULL;
    if (tree == NULL)
        return true;
    if (!rdb_tree_read_expr(context->arena, context->access, tree, &expr, err))
        return false;
    /* indexprs is a list: it is kept as one row expression. */
    rdb_list items = {0};
    if (expr->kind == RDB_EXPR_ROW)
        items = ((rdb_expr_row *)expr)->fields;
    else
        rdb_list_push(context->arena, &items, expr);
    rdb_expr **exprs = RDB_NEW_ARRAY(context->arena, rdb_expr *, items.count);
    for (uint32_t i = 0; i < items.count; i++)
        if (!rdb_plan_make_expr(&plan, relation, items.items[i], &exprs[i], err))
            return false;
    return rdb_program_compile(program, context->arena, eval, exprs, items.count, err);
}

bool command_fill_index(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err)
{
    const rdb_relation *relation = NULL;
    const rdb_relation_index *index = NULL;
    if (!rdb_relation_get(context->access, table_oid, &relation, err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->index_count; i++)
        if (relation->indexes[i].oid == index_oid)
            index = &relation->indexes[i];
    if (index == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "index %u is not among those of relation %u", index_oid, table_oid);
    if (index->expression_tree == NULL && index->predicate_tree == NULL)
        return rdb_ddl_build_index(context->access, index_oid, NULL, NULL, err);
    index_programs programs = {.context = context, .index = index, .eval = command_eval(context), .column_count = relation->column_count};
    programs.vectors = RDB_NEW_ARRAY(context->arena, rdb_vector *, relation->column_count + 1);
    programs.values = RDB_NEW_ARRAY(context->arena, rdb_datum, index->column_count + 1);
    programs.is_null = RDB_NEW_ARRAY(context->arena, bool, index->column_count + 1);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        programs.vectors[i] = RDB_NEW(context->arena, rdb_vector);
        if (!rdb_vector_init(programs.vectors[i], context->arena, relation->table.reps[i], 1, err))
            return false;
    }
    if (!compile(context, relation, programs.eval, index->expression_tree, &programs.expressions, err) ||
        !compile(context, relation, programs.eval, index->predicate_tree, &programs.predicate, err))
        return false;
    programs.arena = rdb_arena_create("index expressions", NULL, NULL);
    if (programs.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_ddl_build_index(context->access, index_oid, values_of, &programs, err);
    rdb_arena_destroy(programs.arena);
    return ok;
}

static bool index_element(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_index_elem *raw, bool is_key,
                          rdb_index_column *column, const char **name, rdb_list *expressions, rdb_error *err)
{
    *column = (rdb_index_column){0};
    if (raw->name != NULL) {
        column->column_number = command_find_column(relation, raw->name);
        if (column->column_number == 0)
            return rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", raw->name);
        const rdb_column *source = &relation->columns[column->column_number - 1];
        column->type = source->type;
        column->collation = source->collation;
        *name = source->name;
    } else {
        rdb_analysis analysis;
        rdb_expr *expr = NULL;
        command_analysis(context, &analysis);
        if (!is_key)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "expressions are not supported in included columns");
        if (!rdb_expr_analyse(&analysis, relation, raw->expr, NULL, -1, "index expressions", &expr, err))
            return false;
        if (rdb_expr_volatility(expr) != 'i')
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "functions in index expression must be marked IMMUTABLE");
        column->type = expr->type;
        column->collation = expr->collation;
        const rdb_expr_function *call = (const rdb_expr_function *)expr;
        bool is_call = expr->kind == RDB_EXPR_FUNCTION && call->operator_oid == 0 && (call->form == RDB_FORM_CALL || call->form == RDB_FORM_SQL_SYNTAX);
        *name = is_call ? call->function->name : "expr";
        rdb_list_push(context->arena, expressions, expr);
    }
    if (!is_key)
        return true;
    if (raw->collation.count > 0) {
        const rdb_ast_names *collation = &raw->collation;
        if (!rdb_collation_find(context->access, collation->count > 1 ? collation->items[0] : NULL, collation->items[collation->count - 1], &column->collation, err))
            return false;
    }
    column->is_descending = raw->direction == RDB_SQL_SORT_DESC;
    column->nulls_first = raw->nulls == RDB_SQL_NULLS_DEFAULT ? column->is_descending : raw->nulls == RDB_SQL_NULLS_FIRST;
    if (raw->opclass.count > 0) {
        if (!rdb_opclass_find(context->access, raw->opclass.count > 1 ? raw->opclass.items[0] : NULL, raw->opclass.items[raw->opclass.count - 1], &column->opclass_oid, err))
            return false;
        if (column->opclass_oid == 0)
            return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "operator class \"%s\" does not exist for access method \"btree\"", raw->opclass.items[raw->opclass.count - 1]);
        return true;
    }
    if (!rdb_opclass_default(context->access, column->type->oid, &column->opclass_oid, err))
        return false;
    if (column->opclass_oid != 0 && column->type->ops != NULL && column->type->ops->encode_key != NULL)
        return true;
    rdb_error_set(err, RDB_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"btree\"", column->type->name);
    return rdb_error_hint(err, "You must specify an operator class for the index or define a default operator class for the data type.");
}

bool command_create_index(rdb_command_context *context, const rdb_ast_create_index *statement, rdb_error *err)
{
    const rdb_relation *relation = NULL, *taken = NULL;
    char name[RDB_NAMEDATALEN];
    uint32_t oid = 0, count = statement->elements.count, included = statement->including.count;
    if (statement->access_method != NULL && strcmp(statement->access_method, "btree") != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "access method \"%s\" is not supported yet", statement->access_method);
    if (!command_open_table(context, statement->table, RDB_LOCK_SHARE, false, &relation, err) || !command_check_owner(context, relation, err))
        return false;
    if (relation->kind != 'r' && relation->kind != 'm')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot create index on relation \"%s\"", relation->name) ||
               rdb_error_detail(err, "This operation is not supported for %s.", relation->kind == 'v' ? "views" : "this kind of relation");
    if (count + included > 32)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "cannot use more than 32 columns in an index");
    rdb_index_column *columns = RDB_NEW_ARRAY(context->arena, rdb_index_column, count + included + 1);
    const char **names = RDB_NEW_ARRAY(context->arena, const char *, count + included + 1);
    rdb_list expressions = {0};
    for (uint32_t i = 0; i < count + included; i++)
        if (!index_element(context, relation, i < count ? statement->elements.items[i] : statement->including.items[i - count], i < count, &columns[i],
                           &names[i], &expressions, err))
            return false;
    rdb_strbuf joined, expression_tree, predicate_tree;
    rdb_strbuf_init(&joined, context->arena);
    rdb_strbuf_init(&expression_tree, context->arena);
    rdb_strbuf_init(&predicate_tree, context->arena);
    command_uses uses = {0};
    for (uint32_t i = 0; i < count; i++)
        rdb_strbuf_addf(&joined, "%s%s", i > 0 ? "_" : "", names[i]);
    if (expressions.count > 0) {
        rdb_expr_row *row = RDB_NEW(context->arena, rdb_expr_row);
        const rdb_type *record = NULL;
        if (!rdb_type_get(context->access, RDB_RECORDOID, &record, err))
            return false;
        row->head = (rdb_expr){.kind = RDB_EXPR_ROW, .location = -1, .type = record, .typmod = -1};
        row->fields = expressions;
        if (!rdb_tree_write_expr(&row->head, &expression_tree, err) || !command_expr_uses(context, relation, &row->head, &uses, err))
            return false;
    }
    if (statement->where != NULL) {
        rdb_analysis analysis;
        rdb_expr *predicate = NULL;
        const rdb_type *boolean = NULL;
        command_analysis(context, &analysis);
        if (!rdb_type_get(context->access, RDB_BOOLOID, &boolean, err) ||
            !rdb_expr_analyse(&analysis, relation, statement->where, boolean, -1, "index predicates", &predicate, err) ||
            !rdb_tree_write_expr(predicate, &predicate_tree, err) || !command_expr_uses(context, relation, predicate, &uses, err))
            return false;
        if (rdb_expr_volatility(predicate) != 'i')
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "functions in index predicate must be marked IMMUTABLE");
    }
    if (statement->name != NULL) {
        snprintf(name, sizeof name, "%s", statement->name);
        if (!rdb_relation_find(context->access, relation->namespace_name, name, &taken, err))
            return false;
        if (taken != NULL && statement->if_not_exists) {
            command_notice(context, "NOTICE", RDB_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", name);
            return true;
        }
        if (taken != NULL)
            return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    } else if (!command_choose_name(context, relation->name, joined.data, "idx", relation->namespace_oid, name, err)) {
        return false;
    }
    rdb_index_definition definition = {.name = name, .table_oid = relation->oid, .is_unique = statement->is_unique, .is_immediate = true,
                                       .nulls_not_distinct = statement->nulls_not_distinct, .columns = columns, .key_count = (uint16_t)count,
                                       .column_count = (uint16_t)(count + included), .column_names = names,
                                       .expression_tree = expression_tree.length > 0 ? expression_tree.data : NULL,
                                       .predicate_tree = predicate_tree.length > 0 ? predicate_tree.data : NULL,
                                       .uses = uses.items, .use_count = uses.count};
    return rdb_ddl_create_index(context->access, &definition, &oid, err) && command_fill_index(context, relation->oid, oid, err);
}
