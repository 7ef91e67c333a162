/* SPDX-License-Identifier: Apache-2.0
 * Functions that print what the catalog keeps as trees: pg_get_expr, pg_get_indexdef, pg_get_constraintdef. The texts are
 * PostgreSQL's. Views, rules and functions: definition_functions.c. */
#include "exec/exec_int.h"
#include "exec/exec_modify.h"
#include "expr/kernels.h"

static bool finish_text(rdb_call *call, rdb_strbuf *text, rdb_datum *result)
{
    return rdb_strbuf_check(text, call->err) && expr_set_text(call, text->data ? text->data : "", text->length, result);
}

static bool find_relation(rdb_call *call, uint32_t oid, const rdb_relation **relation)
{
    return rdb_relation_get(rdb_eval_of(call)->access, oid, relation, call->err);
}

static rdb_deparse_style style_of(rdb_call *call, bool is_pretty, bool breaks_lines)
{
    return (rdb_deparse_style){.access = rdb_eval_of(call)->access, .format = call->format, .is_pretty = is_pretty, .breaks_lines = breaks_lines};
}

static bool add_tree(rdb_call *call, const char *tree, const rdb_relation *relation, bool is_pretty, rdb_strbuf *text)
{
    rdb_expr *expr = NULL;
    const rdb_deparse_style style = style_of(call, is_pretty, true);
    if (!rdb_tree_read_expr(call->arena, style.access, tree, &expr, call->err))
        return false;
    if (expr->kind != RDB_EXPR_ROW || ((const rdb_expr_row *)expr)->field_names.count > 0) /* a row without names is a list: of an index, of arguments */
        return rdb_deparse_stored_expr(&style, expr, relation, text, call->err);
    const rdb_list *fields = &((const rdb_expr_row *)expr)->fields;
    for (uint32_t i = 0; i < fields->count; i++) {
        rdb_strbuf_adds(text, i > 0 ? ", " : "");
        if (!rdb_deparse_stored_expr(&style, fields->items[i], relation, text, call->err))
            return false;
    }
    return true;
}

static bool give_expression(rdb_call *call, const rdb_datum *a, bool is_pretty, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    rdb_strbuf text;
    if (a[1].oid != 0 && !find_relation(call, a[1].oid, &relation))
        return false;
    *is_null = a[1].oid != 0 && relation == NULL;
    if (*is_null)
        return true;
    rdb_strbuf_init(&text, call->arena);
    const char *tree = expr_get_text(call, a[0]);
    if (tree[0] < '0' || tree[0] > '9') /* pg_class.relpartbound is of that type as well */
        return exec_add_partition_bound(call, tree, &text) && finish_text(call, &text, result);
    return add_tree(call, tree, relation, is_pretty, &text) && finish_text(call, &text, result);
}

static bool expression_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_expression(call, a, false, result, is_null);
}
EXPR_ROW_KERNEL(expression, 2)

static bool expression_pretty_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_expression(call, a, a[2].b, result, is_null);
}
EXPR_ROW_KERNEL(expression_pretty, 3)

/* ---- indexes ---------------------------------------------------------------------------------------------------------------------- */
static bool add_relation_name(rdb_call *call, const rdb_relation *relation, bool always_qualify, rdb_strbuf *text)
{
    bool visible = false;
    if (!always_qualify && !rdb_relation_is_visible(rdb_eval_of(call)->access, relation->oid, &visible, call->err))
        return false;
    expr_add_qualified(text, visible ? NULL : relation->namespace_name, relation->name);
    return true;
}

static bool is_function_like(const rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_FUNCTION) {
        const rdb_expr_function *call = (const rdb_expr_function *)expr;
        return call->operator_oid == 0 && (call->form == RDB_FORM_CALL || call->form == RDB_FORM_SQL_SYNTAX);
    }
    return expr->kind == RDB_EXPR_COALESCE || expr->kind == RDB_EXPR_MINMAX || expr->kind == RDB_EXPR_NULLIF || expr->kind == RDB_EXPR_SQL_VALUE;
}

static bool deparse_index_expression(const rdb_deparse_style *style, const rdb_expr *expr, const rdb_relation *table, rdb_strbuf *text, rdb_error *err)
{
    const bool brackets = !is_function_like(expr);
    if (brackets)
        rdb_strbuf_addc(text, '(');
    if (!rdb_deparse_stored_expr(style, expr, table, text, err))
        return false;
    if (brackets)
        rdb_strbuf_addc(text, ')');
    return true;
}

bool rdb_index_show_expression(const rdb_deparse_style *style, rdb_arena *arena, const rdb_relation *table, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text)
{
    rdb_expr *list = NULL;
    rdb_error ignored;
    rdb_error_init(&ignored);
    uint32_t expression_no = 0;
    for (uint16_t i = 0; i < column_no; i++)
        expression_no += index->columns[i].column_number == 0;
    bool ok = rdb_tree_read_expr(arena, style->access, index->expression_tree, &list, &ignored);
    if (ok && list->kind == RDB_EXPR_ROW)
        list = ((rdb_expr_row *)list)->fields.items[expression_no];
    ok = ok && deparse_index_expression(style, list, table, text, &ignored);
    rdb_error_clear(&ignored);
    return ok;
}

static const char *method_name(uint32_t oid)
{
    return oid == 405 ? "hash" : oid == 783 ? "gist" : oid == 2742 ? "gin" : oid == 4000 ? "spgist" : oid == 3580 ? "brin" : "btree";
}

/* An operator class that is not the type's own is named. */
static bool add_opclass(rdb_call *call, const rdb_index_column *column, uint32_t method_oid, uint32_t type_oid, rdb_strbuf *text)
{
    enum { BTREE = 403 };
    rdb_access *access = rdb_eval_of(call)->access;
    uint32_t standard = 0;
    rdb_datum name = {.words = {0, 0}};
    bool is_null = true, found = false;
    const rdb_datum key = {.oid = column->opclass_oid};
    if (column->opclass_oid == 0)
        return true;
    if (!rdb_opclass_default(access, type_oid, &standard, call->err))
        return false;
    if (standard == column->opclass_oid)
        return true;
    rdb_datum is_default = {.words = {0, 0}};
    if (!expr_read_catalog(call, RDB_PG_OPCLASS, 2687, &key, 1, RDB_pg_opclass_opcdefault, RDB_REP_BOOL, &is_default, &is_null, &found))
        return false;
    if (method_oid != BTREE && found && is_default.b)
        return true;
    if (!expr_read_catalog(call, RDB_PG_OPCLASS, 2687, &key, 1, RDB_pg_opclass_opcname, RDB_REP_BYTES, &name, &is_null, &found))
        return false;
    if (!found || is_null)
        return true;
    /* Its schema is told where its name alone would find another class, or none. */
    enum { OPCLASS_NAME_INDEX = 2686 };
    uint32_t path_count, first = 0;
    const uint32_t *path = rdb_access_search_path(access, &path_count);
    for (uint32_t i = 0; i < path_count && first == 0; i++) {
        const rdb_datum keys[] = {{.oid = method_oid}, name, {.oid = path[i]}};
        rdb_datum oid = {.words = {0, 0}};
        bool has_oid = false;
        if (!expr_read_catalog(call, RDB_PG_OPCLASS, OPCLASS_NAME_INDEX, keys, 3, RDB_pg_opclass_oid, RDB_REP_INT32, &oid, &is_null, &has_oid))
            return false;
        first = has_oid ? oid.oid : 0;
    }
    rdb_strbuf_addc(text, ' ');
    if (first != column->opclass_oid) {
        rdb_datum schema = {.words = {0, 0}};
        char schema_name[RDB_NAMEDATALEN] = "";
        if (!expr_read_catalog(call, RDB_PG_OPCLASS, 2687, &key, 1, RDB_pg_opclass_opcnamespace, RDB_REP_INT32, &schema, &is_null, &found) ||
            !rdb_namespace_get_name(access, schema.oid, schema_name, call->err))
            return false;
        rdb_identifier_add(text, schema_name);
        rdb_strbuf_addc(text, '.');
    }
    rdb_identifier_add(text, expr_get_text(call, name));
    return true;
}

typedef struct index_printing {
    const rdb_relation *table;
    const rdb_relation_index *index;
    rdb_list expressions;
    uint32_t expression_no; /* the next one */
    bool is_pretty;
} index_printing;

static bool add_index_column(rdb_call *call, index_printing *work, uint16_t column_no, bool with_options, rdb_strbuf *text)
{
    const rdb_index_column *column = &work->index->columns[column_no];
    const rdb_deparse_style style = style_of(call, work->is_pretty, work->is_pretty);
    const rdb_type *type = column->type;
    uint32_t collation = column->type != NULL ? column->type->collation : 0;
    if (column->column_number > 0) {
        const rdb_column *source = &work->table->columns[column->column_number - 1];
        rdb_identifier_add(text, source->name);
        type = source->type;
        collation = source->collation;
    } else {
        rdb_expr *expr = work->expression_no < work->expressions.count ? work->expressions.items[work->expression_no++] : NULL;
        if (expr != NULL) {
            type = expr->type;
            collation = expr->collation;
            if (!deparse_index_expression(&style, expr, work->table, text, call->err))
                return false;
        }
    }
    if (!with_options || column_no >= work->index->key_count)
        return true;
    if (column->collation != 0 && column->collation != collation && !column->orders_bytes) {
        const char *schema, *name;
        if (!rdb_expr_collation_name(style.access, call->arena, column->collation, &schema, &name, call->err))
            return false;
        if (name != NULL) {
            rdb_strbuf_adds(text, " COLLATE ");
            expr_add_qualified(text, schema, name);
        }
    }
    if (type != NULL && !add_opclass(call, column, work->index->method_oid, type->oid, text))
        return false;
    if (column->is_descending)
        rdb_strbuf_adds(text, column->nulls_first ? " DESC" : " DESC NULLS LAST");
    else if (column->nulls_first)
        rdb_strbuf_adds(text, " NULLS FIRST");
    return true;
}

/* WITH (fillfactor='70') of an index. */
static bool add_options(rdb_call *call, uint32_t oid, rdb_strbuf *text)
{
    rdb_datum options = {.words = {0, 0}};
    bool is_null = true, found = false;
    const rdb_datum key = {.oid = oid};
    if (!expr_read_catalog(call, RDB_PG_CLASS, 2662, &key, 1, RDB_pg_class_reloptions, RDB_REP_BYTES, &options, &is_null, &found))
        return false;
    if (!found || is_null)
        return true;
    rdb_array_shape shape;
    rdb_array_get_shape(options, &shape);
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum item;
        if (!rdb_array_get(options, i, &item))
            continue;
        const char *option = expr_get_text(call, item), *equals = strchr(option, '=');
        rdb_strbuf_adds(text, i == 0 ? " WITH (" : ", ");
        rdb_identifier_add(text, rdb_arena_strndup(call->arena, option, equals != NULL ? (size_t)(equals - option) : strlen(option)));
        rdb_strbuf_adds(text, "=");
        const char *value = equals != NULL ? equals + 1 : "true";
        if (rdb_identifier_needs_quotes(value))
            rdb_literal_add(text, value, strlen(value));
        else
            rdb_strbuf_adds(text, value);
    }
    if (shape.count > 0)
        rdb_strbuf_addc(text, ')');
    return true;
}

static bool open_index(rdb_call *call, uint32_t oid, bool is_pretty, index_printing *work)
{
    const rdb_relation *relation = NULL;
    *work = (index_printing){.is_pretty = is_pretty};
    if (!find_relation(call, oid, &relation))
        return false;
    if (relation == NULL || (relation->kind != 'i' && relation->kind != 'I') || relation->index_of == 0)
        return true;
    if (!find_relation(call, relation->index_of, &work->table))
        return false;
    for (uint16_t i = 0; work->table != NULL && i < work->table->index_count; i++)
        if (work->table->indexes[i].oid == oid)
            work->index = &work->table->indexes[i];
    if (work->index == NULL || work->index->expression_tree == NULL)
        return true;
    rdb_expr *list = NULL;
    if (!rdb_tree_read_expr(call->arena, rdb_eval_of(call)->access, work->index->expression_tree, &list, call->err))
        return false;
    if (list->kind == RDB_EXPR_ROW)
        work->expressions = ((rdb_expr_row *)list)->fields;
    else
        rdb_list_push(call->arena, &work->expressions, list);
    return true;
}

static bool add_index_columns(rdb_call *call, index_printing *work, rdb_strbuf *text)
{
    for (uint16_t i = 0; i < work->index->column_count; i++) {
        rdb_strbuf_adds(text, i == 0 ? "(" : i == work->index->key_count ? ") INCLUDE (" : ", ");
        if (!add_index_column(call, work, i, true, text))
            return false;
    }
    rdb_strbuf_addc(text, ')');
    return true;
}

static bool index_text(rdb_call *call, uint32_t oid, int32_t column_no, bool is_pretty, rdb_datum *result, bool *is_null)
{
    index_printing work;
    rdb_strbuf text;
    *is_null = true;
    if (!open_index(call, oid, is_pretty, &work))
        return false;
    if (work.index == NULL)
        return true;
    *is_null = false;
    rdb_strbuf_init(&text, call->arena);
    if (column_no != 0) {
        for (uint16_t i = 0; i + 1 < column_no && i < work.index->column_count; i++)
            work.expression_no += work.index->columns[i].column_number == 0;
        if (column_no > 0 && column_no <= work.index->column_count && !add_index_column(call, &work, (uint16_t)(column_no - 1), false, &text))
            return false;
        return finish_text(call, &text, result);
    }
    rdb_strbuf_adds(&text, work.index->is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    rdb_identifier_add(&text, work.index->name);
    rdb_strbuf_adds(&text, work.table->kind == 'p' ? " ON ONLY " : " ON ");
    if (!add_relation_name(call, work.table, !is_pretty, &text))
        return false;
    rdb_strbuf_addf(&text, " USING %s ", method_name(work.index->method_oid));
    if (!add_index_columns(call, &work, &text))
        return false;
    if (work.index->index.nulls_not_distinct)
        rdb_strbuf_adds(&text, " NULLS NOT DISTINCT");
    if (!add_options(call, oid, &text))
        return false;
    if (work.index->predicate_tree != NULL) {
        rdb_expr *predicate = NULL;
        const rdb_deparse_style style = style_of(call, is_pretty, is_pretty);
        rdb_strbuf_adds(&text, " WHERE ");
        if (!rdb_tree_read_expr(call->arena, style.access, work.index->predicate_tree, &predicate, call->err) ||
            !rdb_deparse_stored_expr(&style, predicate, work.table, &text, call->err))
            return false;
    }
    return finish_text(call, &text, result);
}

static bool index_def_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return index_text(call, a[0].oid, 0, false, result, is_null);
}
EXPR_ROW_KERNEL(index_def, 1)

static bool index_column_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return index_text(call, a[0].oid, a[1].i32, a[2].b, result, is_null);
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

/* EXCLUDE USING btree (a WITH =) WHERE (b > 0) */
static bool add_exclusion(rdb_call *call, const rdb_constraint *constraint, bool is_pretty, rdb_strbuf *text)
{
    index_printing work;
    if (!open_index(call, constraint->index_oid, is_pretty, &work) || work.index == NULL)
        return !rdb_error_is_set(call->err);
    rdb_strbuf_addf(text, "EXCLUDE USING %s (", method_name(work.index->method_oid));
    for (uint16_t i = 0; i < work.index->column_count; i++) {
        const rdb_operator_entry *entry = NULL;
        rdb_strbuf_adds(text, i == 0 ? "" : i == work.index->key_count ? ") INCLUDE (" : ", ");
        if (!add_index_column(call, &work, i, true, text))
            return false;
        if (i >= constraint->exclusion_count)
            continue;
        if (!rdb_operator_get(rdb_eval_of(call)->access, constraint->exclusion_operators[i], &entry, call->err))
            return false;
        rdb_strbuf_addf(text, " WITH %s", entry != NULL ? entry->name : "?");
    }
    rdb_strbuf_addc(text, ')');
    if (work.index->predicate_tree == NULL)
        return true;
    rdb_expr *predicate = NULL;
    const rdb_deparse_style style = style_of(call, is_pretty, is_pretty);
    rdb_strbuf_adds(text, " WHERE (");
    if (!rdb_tree_read_expr(call->arena, style.access, work.index->predicate_tree, &predicate, call->err) ||
        !rdb_deparse_stored_expr(&style, predicate, work.table, text, call->err))
        return false;
    rdb_strbuf_addc(text, ')');
    return true;
}

static bool add_constraint(rdb_call *call, const rdb_relation *relation, const rdb_constraint *constraint, bool is_pretty, rdb_strbuf *text)
{
    const rdb_relation *foreign = NULL;
    switch (constraint->kind) {
    case 'c':
        rdb_strbuf_adds(text, "CHECK (");
        if (constraint->check_tree == NULL || !add_tree(call, constraint->check_tree, relation, is_pretty, text))
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
        if (constraint->delete_set_count > 0) {
            rdb_strbuf_addc(text, ' ');
            add_columns(relation, constraint->delete_set_columns, constraint->delete_set_count, text);
        }
        break;
    }
    case 'x':
        return add_exclusion(call, constraint, is_pretty, text);
    default:
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "constraint \"%s\" is of a kind that is not supported", constraint->name);
    }
    return true;
}

static void add_deferral(const rdb_constraint *constraint, rdb_strbuf *text)
{
    if (constraint->is_deferrable)
        rdb_strbuf_adds(text, " DEFERRABLE");
    if (constraint->is_deferred)
        rdb_strbuf_adds(text, " INITIALLY DEFERRED");
    if (!constraint->is_validated)
        rdb_strbuf_adds(text, " NOT VALID");
}

/* A domain's: CHECK over VALUE. */
static bool add_domain_check(rdb_call *call, const rdb_datum *key, bool is_pretty, rdb_strbuf *text)
{
    rdb_datum tree = {.words = {0, 0}}, validated = {.words = {0, 0}};
    bool is_null = true, found = false;
    if (!expr_read_catalog(call, RDB_PG_CONSTRAINT, 2667, key, 1, RDB_pg_constraint_conbin, RDB_REP_BYTES, &tree, &is_null, &found))
        return false;
    rdb_strbuf_adds(text, "CHECK (");
    if (!is_null && !add_tree(call, expr_get_text(call, tree), NULL, is_pretty, text))
        return false;
    rdb_strbuf_addc(text, ')');
    if (!expr_read_catalog(call, RDB_PG_CONSTRAINT, 2667, key, 1, RDB_pg_constraint_convalidated, RDB_REP_BOOL, &validated, &is_null, &found))
        return false;
    if (!is_null && !validated.b)
        rdb_strbuf_adds(text, " NOT VALID");
    return true;
}

static bool give_constraint(rdb_call *call, const rdb_datum *a, bool is_pretty, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    rdb_datum table = {.words = {0, 0}}, no_inherit = {.words = {0, 0}};
    bool found = false, no_table = true;
    rdb_strbuf text;
    *is_null = true;
    rdb_strbuf_init(&text, call->arena);
    if (!expr_read_catalog(call, RDB_PG_CONSTRAINT, 2667, a, 1, RDB_pg_constraint_conrelid, RDB_REP_INT32, &table, &no_table, &found))
        return false;
    if (!found)
        return true;
    if (no_table || table.oid == 0) {
        *is_null = false;
        return add_domain_check(call, a, is_pretty, &text) && finish_text(call, &text, result);
    }
    if (!find_relation(call, table.oid, &relation) ||
        !expr_read_catalog(call, RDB_PG_CONSTRAINT, 2667, a, 1, RDB_pg_constraint_connoinherit, RDB_REP_BOOL, &no_inherit, &no_table, &found))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        const rdb_constraint *constraint = &relation->constraints[i];
        if (constraint->oid != a[0].oid)
            continue;
        *is_null = false;
        if (!add_constraint(call, relation, constraint, is_pretty, &text))
            return false;
        if (constraint->kind == 'c' && no_inherit.b)
            rdb_strbuf_adds(&text, " NO INHERIT");
        add_deferral(constraint, &text);
        return finish_text(call, &text, result);
    }
    return true;
}

static bool constraint_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_constraint(call, a, false, result, is_null);
}
EXPR_ROW_KERNEL(constraint, 1)

static bool constraint_pretty_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_constraint(call, a, a[1].b, result, is_null);
}
EXPR_ROW_KERNEL(constraint_pretty, 2)

enum { STATISTIC_EXT_OID_INDEX = 3380 };

/* ---- extended statistics --------------------------------------------------------------------------------------------------------------- */
/* "a, b, (a + b)" and, where it is not alone, CREATE STATISTICS around it. */
static bool give_statistics(rdb_call *call, uint32_t oid, bool is_alone, rdb_datum *result, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    const rdb_relation *relation = NULL;
    const rdb_datum key = {.oid = oid};
    bool found = false;
    rdb_strbuf text;
    *is_null = true;
    rdb_strbuf_init(&text, call->arena);
    bool ok = rdb_catalog_scan_open(&scan, access, RDB_PG_STATISTIC_EXT, STATISTIC_EXT_OID_INDEX, &key, 1, call->arena, call->err) && rdb_catalog_scan_next(scan, &row, &found, call->err);
    ok = ok && (!found || find_relation(call, row.values[RDB_pg_statistic_ext_stxrelid - 1].oid, &relation));
    if (!ok || !found || relation == NULL) {
        rdb_catalog_scan_close(&scan);
        return ok;
    }
    *is_null = false;
    rdb_array_shape columns, kinds;
    rdb_array_get_shape(row.values[RDB_pg_statistic_ext_stxkeys - 1], &columns);
    rdb_array_get_shape(row.values[RDB_pg_statistic_ext_stxkind - 1], &kinds);
    rdb_expr *list = NULL;
    if (!row.is_null[RDB_pg_statistic_ext_stxexprs - 1])
        ok = rdb_tree_read_expr(call->arena, access, expr_get_text(call, row.values[RDB_pg_statistic_ext_stxexprs - 1]), &list, call->err);
    const uint32_t expression_count = ok && list != NULL ? ((rdb_expr_row *)list)->fields.count : 0;
    if (ok && !is_alone) {
        static const struct { char letter; const char *word; } WORDS[] = {{'d', "ndistinct"}, {'f', "dependencies"}, {'m', "mcv"}};
        char schema[RDB_NAMEDATALEN];
        bool has[RDB_COUNT_OF(WORDS)] = {false};
        uint32_t count = 0;
        for (uint32_t i = 0; i < kinds.count; i++) {
            rdb_datum kind;
            for (size_t k = 0; rdb_array_get(row.values[RDB_pg_statistic_ext_stxkind - 1], i, &kind) && k < RDB_COUNT_OF(WORDS); k++)
                has[k] = has[k] || (char)kind.i8 == WORDS[k].letter;
        }
        for (size_t k = 0; k < RDB_COUNT_OF(WORDS); k++)
            count += has[k];
        ok = rdb_namespace_get_name(access, row.values[RDB_pg_statistic_ext_stxnamespace - 1].oid, schema, call->err);
        rdb_strbuf_adds(&text, "CREATE STATISTICS ");
        expr_add_qualified(&text, ok ? schema : NULL, expr_get_text(call, row.values[RDB_pg_statistic_ext_stxname - 1]));
        const char *before = " (";
        for (size_t k = 0; k < RDB_COUNT_OF(WORDS) && count < RDB_COUNT_OF(WORDS) && columns.count + expression_count > 1; k++)
            if (has[k]) {
                rdb_strbuf_addf(&text, "%s%s", before, WORDS[k].word);
                before = ", ";
            }
        rdb_strbuf_adds(&text, before[0] == ',' ? ") ON " : " ON ");
    }
    for (uint32_t i = 0; ok && i < columns.count; i++) {
        rdb_datum number;
        rdb_strbuf_adds(&text, i > 0 ? ", " : "");
        if (rdb_array_get(row.values[RDB_pg_statistic_ext_stxkeys - 1], i, &number) && number.i16 > 0 && number.i16 <= relation->column_count)
            rdb_identifier_add(&text, relation->columns[number.i16 - 1].name);
    }
    const rdb_deparse_style style = style_of(call, true, false);
    for (uint32_t i = 0; ok && i < expression_count; i++) {
        rdb_expr *expr = ((rdb_expr_row *)list)->fields.items[i];
        const bool brackets = !is_function_like(expr);
        rdb_strbuf_addf(&text, "%s%s", columns.count + i > 0 ? ", " : "", brackets ? "(" : "");
        ok = rdb_deparse_stored_expr(&style, expr, relation, &text, call->err);
        rdb_strbuf_adds(&text, brackets ? ")" : "");
    }
    if (ok && !is_alone) {
        rdb_strbuf_adds(&text, " FROM ");
        ok = add_relation_name(call, relation, false, &text);
    }
    rdb_catalog_scan_close(&scan);
    return ok && finish_text(call, &text, result);
}

static bool statistics_def_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_statistics(call, a[0].oid, false, result, is_null);
}
EXPR_ROW_KERNEL(statistics_def, 1)

static bool statistics_columns_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_statistics(call, a[0].oid, true, result, is_null);
}
EXPR_ROW_KERNEL(statistics_columns, 1)

/* Its expressions alone, as an array; NULL where it has none. */
static bool statistics_expressions_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_access *access = rdb_eval_of(call)->access;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    const rdb_relation *relation = NULL;
    const rdb_type *text_type = NULL;
    rdb_expr *list = NULL;
    bool found = false;
    (void)nulls;
    *is_null = true;
    bool ok = rdb_catalog_scan_open(&scan, access, RDB_PG_STATISTIC_EXT, STATISTIC_EXT_OID_INDEX, a, 1, call->arena, call->err) && rdb_catalog_scan_next(scan, &row, &found, call->err);
    found = ok && found && !row.is_null[RDB_pg_statistic_ext_stxexprs - 1];
    ok = ok && (!found || (find_relation(call, row.values[RDB_pg_statistic_ext_stxrelid - 1].oid, &relation) && rdb_type_get(access, RDB_TEXTOID, &text_type, call->err) &&
                           rdb_tree_read_expr(call->arena, access, expr_get_text(call, row.values[RDB_pg_statistic_ext_stxexprs - 1]), &list, call->err)));
    rdb_catalog_scan_close(&scan);
    if (!ok || !found || relation == NULL)
        return ok;
    const rdb_list *fields = &((const rdb_expr_row *)list)->fields;
    const rdb_deparse_style style = style_of(call, false, false);
    rdb_datum *texts = RDB_NEW_ARRAY(call->arena, rdb_datum, fields->count + 1);
    for (uint32_t i = 0; i < fields->count; i++) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, call->arena);
        if (!rdb_deparse_stored_expr(&style, fields->items[i], relation, &text, call->err) || !finish_text(call, &text, &texts[i]))
            return false;
    }
    *is_null = false;
    return rdb_array_build(call, text_type, texts, NULL, fields->count, result);
}
EXPR_ROW_KERNEL(statistics_expressions, 1)

/* What cannot exist here yet (triggers) has no definition. */
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
    {1662, nothing, 0}, /* pg_get_triggerdef: no trigger can be made yet */
    {2730, nothing, 0},
    {3415, statistics_def, 0},
    {6174, statistics_columns, 0},
    {6173, statistics_expressions, 0},
    {6121, is_publishable, RDB_KERNEL_NEEDS_SESSION},
};

void exec_register_tree_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
    exec_register_definition_functions();
    exec_register_updatable_functions();
    exec_register_partition_functions();
}
