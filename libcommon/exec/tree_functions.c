/* SPDX-License-Identifier: Apache-2.0
 * Functions that print what the catalog keeps as trees: pg_get_expr, pg_get_indexdef, pg_get_constraintdef, pg_get_viewdef,
 * and the signatures of functions. The texts are PostgreSQL's. */
#include "exec/exec_int.h"
#include "expr/kernels.h"

static bool finish_text(rdb_call *call, rdb_strbuf *text, rdb_datum *result)
{
    return rdb_strbuf_check(text, call->err) && expr_set_text(call, text->data ? text->data : "", text->length, result);
}

static bool find_relation(rdb_call *call, uint32_t oid, const rdb_relation **relation)
{
    return rdb_relation_get(rdb_eval_of(call)->access, oid, relation, call->err);
}

static bool add_tree(rdb_call *call, const char *tree, const rdb_relation *relation, rdb_strbuf *text)
{
    rdb_expr *expr = NULL;
    rdb_access *access = rdb_eval_of(call)->access;
    return rdb_tree_read_expr(call->arena, access, tree, &expr, call->err) && rdb_deparse_expr(access, expr, relation, false, text, call->err);
}

static bool expression_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *relation = NULL;
    rdb_strbuf text;
    if (a[1].oid != 0 && !find_relation(call, a[1].oid, &relation))
        return false;
    *is_null = a[1].oid != 0 && relation == NULL;
    if (*is_null)
        return true;
    rdb_strbuf_init(&text, call->arena);
    return add_tree(call, expr_get_text(call, a[0]), relation, &text) && finish_text(call, &text, result);
}
EXPR_ROW_KERNEL(expression, 2)
static bool expression_pretty(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, 3, expression_row);
}

/* ---- indexes ---------------------------------------------------------------------------------------------------------------------- */
static bool add_relation_name(rdb_call *call, const rdb_relation *relation, bool always_qualify, rdb_strbuf *text)
{
    bool visible = false;
    if (!always_qualify && !rdb_relation_is_visible(rdb_eval_of(call)->access, relation->oid, &visible, call->err))
        return false;
    expr_add_qualified(text, visible ? NULL : relation->namespace_name, relation->name);
    return true;
}

static bool add_index_column(rdb_call *call, const rdb_relation *table, const rdb_relation_index *index, uint16_t column_no, const rdb_list *expressions, uint32_t *expression_no, bool with_options, rdb_strbuf *text)
{
    const rdb_index_column *column = &index->columns[column_no];
    if (column->column_number != 0) {
        rdb_identifier_add(text, table->columns[column->column_number - 1].name);
    } else {
        rdb_expr *expr = *expression_no < expressions->count ? expressions->items[(*expression_no)++] : NULL;
        bool is_call = expr != NULL && expr->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)expr)->form == RDB_FORM_CALL;
        if (!is_call && with_options)
            rdb_strbuf_addc(text, '(');
        if (expr != NULL && !rdb_deparse_expr(rdb_eval_of(call)->access, expr, table, false, text, call->err))
            return false;
        if (!is_call && with_options)
            rdb_strbuf_addc(text, ')');
    }
    if (!with_options || column_no >= index->key_count)
        return true;
    if (column->is_descending)
        rdb_strbuf_adds(text, column->nulls_first ? " DESC" : " DESC NULLS LAST");
    else if (column->nulls_first)
        rdb_strbuf_adds(text, " NULLS FIRST");
    return true;
}

static bool index_text(rdb_call *call, uint32_t oid, int32_t column_no, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL, *table = NULL;
    const rdb_relation_index *index = NULL;
    rdb_list expressions = {0};
    rdb_strbuf text;
    uint32_t expression_no = 0;
    *is_null = true;
    if (!find_relation(call, oid, &relation) || (relation != NULL && relation->kind == 'i' && !find_relation(call, relation->index_of, &table)))
        return false;
    for (uint16_t i = 0; table != NULL && i < table->index_count; i++)
        if (table->indexes[i].oid == oid)
            index = &table->indexes[i];
    if (index == NULL)
        return true;
    if (index->expression_tree != NULL) {
        rdb_expr *list = NULL;
        if (!rdb_tree_read_expr(call->arena, rdb_eval_of(call)->access, index->expression_tree, &list, call->err))
            return false;
        if (list->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)list)->fields;
        else
            rdb_list_push(call->arena, &expressions, list);
    }
    *is_null = false;
    rdb_strbuf_init(&text, call->arena);
    if (column_no != 0) {
        for (uint16_t i = 0; i + 1 < column_no && i < index->column_count; i++)
            expression_no += index->columns[i].column_number == 0;
        if (column_no > 0 && column_no <= index->column_count && !add_index_column(call, table, index, (uint16_t)(column_no - 1), &expressions, &expression_no, false, &text))
            return false;
        return finish_text(call, &text, result);
    }
    rdb_strbuf_adds(&text, index->is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    rdb_identifier_add(&text, index->name);
    rdb_strbuf_adds(&text, " ON ");
    if (!add_relation_name(call, table, true, &text))
        return false;
    rdb_strbuf_adds(&text, " USING btree (");
    for (uint16_t i = 0; i < index->column_count; i++) {
        rdb_strbuf_adds(&text, i == 0 ? "" : i == index->key_count ? ") INCLUDE (" : ", ");
        if (!add_index_column(call, table, index, i, &expressions, &expression_no, true, &text))
            return false;
    }
    rdb_strbuf_addc(&text, ')');
    if (index->index.nulls_not_distinct)
        rdb_strbuf_adds(&text, " NULLS NOT DISTINCT");
    if (index->predicate_tree != NULL) {
        rdb_strbuf_adds(&text, " WHERE ");
        if (!add_tree(call, index->predicate_tree, table, &text))
            return false;
    }
    return finish_text(call, &text, result);
}

static bool index_def_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return index_text(call, a[0].oid, 0, result, is_null);
}
EXPR_ROW_KERNEL(index_def, 1)

static bool index_column_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return index_text(call, a[0].oid, a[1].i32, result, is_null);
}
EXPR_ROW_KERNEL(index_column, 3)

/* ---- constraints --------------------------------------------------------------------------------------------------------------------- */
static void add_columns(const rdb_relation *relation, const int16_t *columns, uint16_t count, rdb_strbuf *text)
{
    rdb_strbuf_addc(text, '(');
    for (uint16_t i = 0; i < count; i++) {
        rdb_strbuf_adds(text, i ? ", " : "");
        rdb_identifier_add(text, relation->columns[columns[i] - 1].name);
    }
    rdb_strbuf_addc(text, ')');
}

static const char *action_text(char action)
{
    return action == 'c' ? "CASCADE" : action == 'n' ? "SET NULL" : action == 'd' ? "SET DEFAULT" : action == 'r' ? "RESTRICT" : NULL;
}

static bool add_constraint(rdb_call *call, const rdb_relation *relation, const rdb_constraint *constraint, rdb_strbuf *text)
{
    const rdb_relation *foreign = NULL;
    switch (constraint->kind) {
    case 'c':
        rdb_strbuf_adds(text, "CHECK (");
        if (constraint->check_tree == NULL || !add_tree(call, constraint->check_tree, relation, text))
            return false;
        rdb_strbuf_addc(text, ')');
        break;
    case 'p':
    case 'u': {
        rdb_strbuf_adds(text, constraint->kind == 'p' ? "PRIMARY KEY " : "UNIQUE ");
        const rdb_relation_index *index = NULL;
        for (uint16_t i = 0; i < relation->index_count; i++)
            if (relation->indexes[i].oid == constraint->index_oid)
                index = &relation->indexes[i];
        if (index != NULL && index->index.nulls_not_distinct)
            rdb_strbuf_adds(text, "NULLS NOT DISTINCT ");
        add_columns(relation, constraint->columns, constraint->column_count, text);
        for (uint16_t i = index ? index->key_count : 0; index != NULL && i < index->column_count; i++) {
            rdb_strbuf_adds(text, i == index->key_count ? " INCLUDE (" : ", ");
            rdb_identifier_add(text, relation->columns[index->columns[i].column_number - 1].name);
        }
        if (index != NULL && index->column_count > index->key_count)
            rdb_strbuf_addc(text, ')');
        break;
    }
    case 'f': {
        const char *update = action_text(constraint->on_update), *delete = action_text(constraint->on_delete);
        rdb_strbuf_adds(text, "FOREIGN KEY ");
        add_columns(relation, constraint->columns, constraint->column_count, text);
        if (!find_relation(call, constraint->foreign_relation_oid, &foreign))
            return false;
        rdb_strbuf_adds(text, " REFERENCES ");
        if (foreign != NULL) {
            if (!add_relation_name(call, foreign, false, text))
                return false;
            add_columns(foreign, constraint->foreign_columns, constraint->column_count, text);
        }
        if (constraint->match == 'f')
            rdb_strbuf_adds(text, " MATCH FULL");
        if (update != NULL)
            rdb_strbuf_addf(text, " ON UPDATE %s", update);
        if (delete != NULL)
            rdb_strbuf_addf(text, " ON DELETE %s", delete);
        break;
    }
    default:
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "constraint \"%s\" is of a kind that is not supported", constraint->name);
    }
    if (constraint->is_deferrable)
        rdb_strbuf_adds(text, " DEFERRABLE");
    if (constraint->is_deferred)
        rdb_strbuf_adds(text, " INITIALLY DEFERRED");
    if (!constraint->is_validated)
        rdb_strbuf_adds(text, " NOT VALID");
    return true;
}

static bool constraint_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *relation = NULL;
    rdb_datum table = {.words = {0, 0}};
    bool found = false, no_table = true;
    rdb_strbuf text;
    *is_null = true;
    if (!expr_read_catalog(call, RDB_PG_CONSTRAINT, 2667, a, 1, RDB_pg_constraint_conrelid, RDB_REP_INT32, &table, &no_table, &found))
        return false;
    if (!found || no_table || table.oid == 0)
        return true;
    if (!find_relation(call, table.oid, &relation))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        if (relation->constraints[i].oid != a[0].oid)
            continue;
        *is_null = false;
        rdb_strbuf_init(&text, call->arena);
        return add_constraint(call, relation, &relation->constraints[i], &text) && finish_text(call, &text, result);
    }
    return true;
}
EXPR_ROW_KERNEL(constraint, 1)
static bool constraint_pretty(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, 2, constraint_row);
}

/* ---- views ------------------------------------------------------------------------------------------------------------------------------- */
static bool view_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *relation = NULL;
    rdb_query *query = NULL;
    rdb_strbuf text;
    rdb_access *access = rdb_eval_of(call)->access;
    if (!find_relation(call, a[0].oid, &relation))
        return false;
    *is_null = relation == NULL;
    if (relation == NULL)
        return true;
    if (relation->view_tree == NULL)
        return expr_set_text(call, "Not a view", 10, result);
    rdb_strbuf_init(&text, call->arena);
    if (!rdb_tree_read_query(call->arena, access, relation->view_tree, &query, call->err) || !rdb_deparse_query(access, query, true, &text, call->err))
        return false;
    if (text.length > 0 && text.data[text.length - 1] != ';')
        rdb_strbuf_addc(&text, ';');
    return finish_text(call, &text, result);
}
EXPR_ROW_KERNEL(view, 1)
static bool view_pretty(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, 2, view_row);
}

/* ---- functions ----------------------------------------------------------------------------------------------------------------------------- */
static bool add_type_name(rdb_call *call, uint32_t oid, rdb_strbuf *text)
{
    const rdb_type *type = NULL;
    if (!rdb_type_get(rdb_eval_of(call)->access, oid, &type, call->err))
        return false;
    if (type != NULL)
        rdb_type_format_name(type, -1, false, text);
    return true;
}

static bool function_arguments_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_function *function = NULL;
    rdb_strbuf text;
    if (!rdb_function_get(rdb_eval_of(call)->access, a[0].oid, &function, call->err))
        return false;
    *is_null = function == NULL;
    if (function == NULL)
        return true;
    rdb_strbuf_init(&text, call->arena);
    uint32_t count = function->all_count ? function->all_count : function->argument_count;
    const uint32_t *types = function->all_count ? function->all_types : function->argument_types;
    bool is_first = true;
    for (uint32_t i = 0; i < count; i++) {
        char mode = function->all_modes ? function->all_modes[i] : 'i';
        if (mode == 't')
            continue;
        rdb_strbuf_adds(&text, is_first ? "" : ", ");
        is_first = false;
        rdb_strbuf_adds(&text, mode == 'o' ? "OUT " : mode == 'b' ? "INOUT " : mode == 'v' || (function->variadic_type != 0 && function->all_count == 0 && i + 1 == count) ? "VARIADIC " : "");
        if (function->argument_names != NULL && function->argument_names[i] != NULL && function->argument_names[i][0] != '\0') {
            rdb_identifier_add(&text, function->argument_names[i]);
            rdb_strbuf_addc(&text, ' ');
        }
        if (!add_type_name(call, types[i], &text))
            return false;
    }
    return finish_text(call, &text, result);
}
EXPR_ROW_KERNEL(function_arguments, 1)

static bool function_result_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_function *function = NULL;
    rdb_strbuf text;
    if (!rdb_function_get(rdb_eval_of(call)->access, a[0].oid, &function, call->err))
        return false;
    *is_null = function == NULL || function->kind == 'p';
    if (*is_null)
        return true;
    rdb_strbuf_init(&text, call->arena);
    if (function->returns_set)
        rdb_strbuf_adds(&text, "SETOF ");
    return add_type_name(call, function->return_type, &text) && finish_text(call, &text, result);
}
EXPR_ROW_KERNEL(function_result, 1)

/* What cannot exist here yet (partition keys, extended statistics) has no definition. */
static bool nothing_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)result;
    *is_null = true;
    return true;
}
EXPR_ROW_KERNEL(nothing, 1)

static bool is_publishable_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const rdb_relation *relation = NULL;
    if (!find_relation(call, a[0].oid, &relation))
        return false;
    *is_null = relation == NULL;
    result->b = relation != NULL && relation->kind == 'r' && relation->persistence == 'p' && !relation->is_system;
    return true;
}
EXPR_ROW_KERNEL(is_publishable, 1)

static const rdb_kernel_entry ENTRIES[] = {
    {1716, expression, RDB_KERNEL_NEEDS_SESSION},
    {2509, expression_pretty, RDB_KERNEL_NEEDS_SESSION},
    {1643, index_def, RDB_KERNEL_NEEDS_SESSION},
    {2507, index_column, RDB_KERNEL_NEEDS_SESSION},
    {1387, constraint, RDB_KERNEL_NEEDS_SESSION},
    {2508, constraint_pretty, RDB_KERNEL_NEEDS_SESSION},
    {1641, view, RDB_KERNEL_NEEDS_SESSION},
    {2506, view_pretty, RDB_KERNEL_NEEDS_SESSION},
    {2162, function_arguments, RDB_KERNEL_NEEDS_SESSION},
    {2232, function_arguments, RDB_KERNEL_NEEDS_SESSION},
    {2165, function_result, RDB_KERNEL_NEEDS_SESSION},
    {1662, nothing, 0}, /* pg_get_triggerdef: no trigger can be made yet */
    {2730, nothing, 0},
    {3352, nothing, 0},
    {3408, nothing, 0},
    {3415, nothing, 0},
    {6174, nothing, 0},
    {6121, is_publishable, RDB_KERNEL_NEEDS_SESSION},
};

void exec_register_tree_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
