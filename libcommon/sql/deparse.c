/* SPDX-License-Identifier: Apache-2.0
 * Analysed expressions back to SQL, in the form PostgreSQL prints them: operators in brackets, literals with their types, casts
 * that nobody wrote left out. Serves pg_get_expr and kin, and EXPLAIN. */
#include "sql/rdb_query.h"

#include <ctype.h>
#include <stdio.h>

typedef struct deparsing {
    rdb_access *access;
    const rdb_relation *relation;
    bool qualify;
    rdb_strbuf *text;
    rdb_error *err;
    rdb_arena *arena;
    uint32_t depth;
} deparsing;

static bool put_expr(deparsing *out, const rdb_expr *expr);

static bool is_reserved(const char *name)
{
    static const char *const WORDS[] = {"all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check",
        "collate", "column", "constraint", "create", "current_date", "current_role", "current_time", "current_timestamp", "current_user", "default",
        "deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group", "having", "in",
        "initially", "intersect", "into", "lateral", "leading", "limit", "localtime", "localtimestamp", "not", "null", "offset", "on", "only", "or",
        "order", "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric", "table", "then", "to", "trailing",
        "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with"};
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++)
        if (strcmp(name, WORDS[i]) == 0)
            return true;
    return false;
}

void rdb_deparse_name(const char *name, rdb_strbuf *text)
{
    bool plain = islower((unsigned char)name[0]) || name[0] == '_';
    for (const char *c = name; *c != '\0' && plain; c++)
        plain = islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_';
    if (plain && !is_reserved(name)) {
        rdb_strbuf_adds(text, name);
        return;
    }
    rdb_strbuf_addc(text, '"');
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"')
            rdb_strbuf_addc(text, '"');
        rdb_strbuf_addc(text, *c);
    }
    rdb_strbuf_addc(text, '"');
}

static void put_literal(rdb_strbuf *text, const char *bytes, size_t length)
{
    if (memchr(bytes, '\\', length) != NULL)
        rdb_strbuf_addc(text, 'E');
    rdb_strbuf_addc(text, '\'');
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\'' || bytes[i] == '\\')
            rdb_strbuf_addc(text, bytes[i]);
        rdb_strbuf_addc(text, bytes[i]);
    }
    rdb_strbuf_addc(text, '\'');
}

static void put_type(deparsing *out, const rdb_type *type, int32_t typmod)
{
    rdb_type_format_name(type, typmod, typmod >= 0, out->text);
}

static bool put_constant(deparsing *out, const rdb_expr_const *constant)
{
    const rdb_type *type = constant->head.type;
    if (constant->is_null) {
        rdb_strbuf_adds(out->text, "NULL::");
        put_type(out, type, constant->head.typmod);
        return true;
    }
    if (type->oid == RDB_BOOLOID) {
        rdb_strbuf_adds(out->text, constant->value.b ? "true" : "false");
        return true;
    }
    rdb_strbuf value;
    rdb_strbuf_init(&value, out->arena);
    rdb_call call = {.arena = out->arena, .err = out->err, .format = rdb_format_default()};
    if (type->ops == NULL || type->ops->output == NULL)
        return rdb_error_set(out->err, RDB_FEATURE_NOT_SUPPORTED, "type %s has no text form yet", type->name);
    if (type->oid == RDB_REGCLASSOID) { /* by name, as people write it */
        const rdb_relation *relation = NULL;
        if (!rdb_relation_get(out->access, constant->value.oid, &relation, out->err))
            return false;
        if (relation != NULL) {
            bool visible = false;
            if (!rdb_relation_is_visible(out->access, relation->oid, &visible, out->err))
                return false;
            if (!visible) {
                rdb_deparse_name(relation->namespace_name, &value);
                rdb_strbuf_addc(&value, '.');
            }
            rdb_deparse_name(relation->name, &value);
        }
    }
    if (value.length == 0 && !type->ops->output(&call, type, constant->value, &value))
        return false;
    const char *shown = value.length > 0 ? value.data : "";
    bool is_number = type->oid == RDB_INT4OID || type->oid == RDB_NUMERICOID;
    if (is_number && isdigit((unsigned char)shown[0]) && (type->oid == RDB_INT4OID || strpbrk(shown, ".e") != NULL)) {
        rdb_strbuf_adds(out->text, shown);
        if (type->oid == RDB_NUMERICOID && constant->head.typmod >= 0) {
            rdb_strbuf_adds(out->text, "::");
            put_type(out, type, constant->head.typmod);
        }
        return true;
    }
    put_literal(out->text, shown, value.length);
    rdb_strbuf_adds(out->text, "::");
    put_type(out, type, constant->head.typmod);
    return true;
}

static bool put_column(deparsing *out, const rdb_expr_var *var)
{
    const char *column = NULL, *table = NULL;
    static const struct { int16_t number; const char *name; } SYSTEM[] = {{RDB_COLUMN_CTID, "ctid"}, {RDB_COLUMN_XMIN, "xmin"}, {RDB_COLUMN_TABLEOID, "tableoid"}};
    for (size_t i = 0; i < RDB_COUNT_OF(SYSTEM); i++)
        if (var->attribute_no == SYSTEM[i].number)
            column = SYSTEM[i].name;
    const rdb_range *range = var->range;
    if (range != NULL) {
        table = range->alias;
        if (column == NULL && range->relation != NULL && var->attribute_no > 0 && var->attribute_no <= range->relation->column_count)
            column = range->relation->columns[var->attribute_no - 1].name;
        if (column == NULL && var->attribute_no > 0 && (uint32_t)var->attribute_no <= range->columns.count)
            column = range->columns.items[var->attribute_no - 1];
    } else if (out->relation != NULL && var->attribute_no > 0 && var->attribute_no <= out->relation->column_count) {
        column = out->relation->columns[var->attribute_no - 1].name;
    }
    if (out->qualify && table != NULL) {
        rdb_deparse_name(table, out->text);
        rdb_strbuf_addc(out->text, '.');
    }
    if (column != NULL)
        rdb_deparse_name(column, out->text);
    else if (var->attribute_no == 0)
        rdb_strbuf_adds(out->text, out->qualify && table != NULL ? "*" : table != NULL ? table : "*");
    else
        rdb_strbuf_addf(out->text, "column%d", var->attribute_no);
    return true;
}

static bool put_list(deparsing *out, const rdb_list *exprs, const char *separator)
{
    for (uint32_t i = 0; i < exprs->count; i++) {
        if (i > 0)
            rdb_strbuf_adds(out->text, separator);
        if (!put_expr(out, exprs->items[i]))
            return false;
    }
    return true;
}

static bool operator_name(deparsing *out, uint32_t operator_oid, const char **name)
{
    const rdb_operator_entry *entry = NULL;
    if (!rdb_operator_get(out->access, operator_oid, &entry, out->err))
        return false;
    *name = entry != NULL ? entry->name : "?";
    return true;
}

static bool put_cast(deparsing *out, const rdb_expr *argument, const rdb_expr *whole)
{
    /* A literal that only gets its length: 'x'::character varying(3), not a cast of a cast. */
    if (argument->kind == RDB_EXPR_CONST && argument->type->oid == whole->type->oid) {
        rdb_expr_const constant = *(const rdb_expr_const *)argument;
        constant.head.typmod = whole->typmod;
        return put_constant(out, &constant);
    }
    rdb_strbuf_addc(out->text, '(');
    if (!put_expr(out, argument))
        return false;
    rdb_strbuf_adds(out->text, ")::");
    put_type(out, whole->type, whole->typmod);
    return true;
}

/* Under an operator or in a call the casts that nobody wrote show too: they say which function it is. */
static bool put_argument(deparsing *out, const rdb_expr *expr)
{
    const rdb_expr_function *call = (const rdb_expr_function *)expr;
    const rdb_expr_unary *unary = (const rdb_expr_unary *)expr;
    if (expr->kind == RDB_EXPR_FUNCTION && call->form == RDB_FORM_IMPLICIT_CAST && call->arguments.count > 0)
        return put_cast(out, call->arguments.items[0], expr);
    if ((expr->kind == RDB_EXPR_RELABEL || expr->kind == RDB_EXPR_COERCE_IO) && unary->form == RDB_FORM_IMPLICIT_CAST)
        return put_cast(out, unary->argument, expr);
    return put_expr(out, expr);
}

static bool put_binary(deparsing *out, const char *name, const rdb_expr *left, const rdb_expr *right)
{
    rdb_strbuf_addc(out->text, '(');
    if (left != NULL) {
        if (!put_argument(out, left))
            return false;
        rdb_strbuf_addc(out->text, ' ');
    }
    rdb_strbuf_addf(out->text, "%s ", name);
    if (!put_argument(out, right))
        return false;
    rdb_strbuf_addc(out->text, ')');
    return true;
}

static bool put_call(deparsing *out, const rdb_expr_function *call)
{
    const char *name = NULL;
    if (call->form == RDB_FORM_IMPLICIT_CAST && call->arguments.count > 0)
        return put_expr(out, call->arguments.items[0]);
    if (call->form == RDB_FORM_EXPLICIT_CAST && call->arguments.count > 0)
        return put_cast(out, call->arguments.items[0], &call->head);
    if (call->operator_oid != 0) {
        if (!operator_name(out, call->operator_oid, &name))
            return false;
        return call->arguments.count == 1 ? put_binary(out, name, NULL, call->arguments.items[0])
                                          : put_binary(out, name, call->arguments.items[0], call->arguments.items[1]);
    }
    char schema[RDB_NAMEDATALEN];
    if (call->function->namespace_oid != RDB_NAMESPACE_PG_CATALOG && call->function->namespace_oid != RDB_NAMESPACE_PUBLIC) {
        if (!rdb_namespace_get_name(out->access, call->function->namespace_oid, schema, out->err))
            return false;
        rdb_deparse_name(schema, out->text);
        rdb_strbuf_addc(out->text, '.');
    }
    rdb_deparse_name(call->function->name, out->text);
    rdb_strbuf_addc(out->text, '(');
    for (uint32_t i = 0; i < call->arguments.count; i++) {
        if (i > 0)
            rdb_strbuf_adds(out->text, ", ");
        if (call->is_variadic && i + 1 == call->arguments.count)
            rdb_strbuf_adds(out->text, "VARIADIC ");
        if (!put_argument(out, call->arguments.items[i]))
            return false;
    }
    rdb_strbuf_addc(out->text, ')');
    return true;
}

static bool put_targets(deparsing *out, const rdb_list *targets)
{
    bool first = true;
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        if (!first)
            rdb_strbuf_adds(out->text, ", ");
        first = false;
        if (!put_expr(out, target->expr))
            return false;
    }
    return true;
}

static bool put_aggregate(deparsing *out, const rdb_expr_aggregate *aggregate)
{
    rdb_deparse_name(aggregate->function->name, out->text);
    rdb_strbuf_addf(out->text, "(%s", aggregate->distinct.count > 0 ? "DISTINCT " : "");
    if (aggregate->is_star)
        rdb_strbuf_addc(out->text, '*');
    else if (!put_targets(out, &aggregate->arguments))
        return false;
    for (uint32_t i = 0; i < aggregate->order.count; i++) {
        const rdb_sort_item *item = aggregate->order.items[i];
        rdb_strbuf_adds(out->text, i == 0 ? " ORDER BY " : ", ");
        for (uint32_t k = 0; k < aggregate->arguments.count; k++) {
            const rdb_target *target = aggregate->arguments.items[k];
            if (target->sort_ref == item->target_ref && !put_expr(out, target->expr))
                return false;
        }
        if (item->is_descending)
            rdb_strbuf_adds(out->text, " DESC");
    }
    rdb_strbuf_addc(out->text, ')');
    if (aggregate->filter != NULL) {
        rdb_strbuf_adds(out->text, " FILTER (WHERE ");
        if (!put_expr(out, aggregate->filter))
            return false;
        rdb_strbuf_addc(out->text, ')');
    }
    return true;
}

static bool put_case(deparsing *out, const rdb_expr_case *expr)
{
    rdb_strbuf_adds(out->text, "CASE");
    if (expr->argument != NULL) {
        rdb_strbuf_addc(out->text, ' ');
        if (!put_expr(out, expr->argument))
            return false;
    }
    for (uint32_t i = 0; i < expr->whens.count; i++) {
        const rdb_case_when *when = expr->whens.items[i];
        const rdb_expr *condition = when->condition;
        /* CASE x WHEN y is kept as x = y. */
        if (expr->argument != NULL && condition->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)condition)->arguments.count == 2)
            condition = ((const rdb_expr_function *)condition)->arguments.items[1];
        rdb_strbuf_adds(out->text, " WHEN ");
        if (!put_expr(out, condition))
            return false;
        rdb_strbuf_adds(out->text, " THEN ");
        if (!put_expr(out, when->result))
            return false;
    }
    if (expr->otherwise != NULL) {
        rdb_strbuf_adds(out->text, " ELSE ");
        if (!put_expr(out, expr->otherwise))
            return false;
    }
    rdb_strbuf_adds(out->text, " END");
    return true;
}

static bool put_bool(deparsing *out, const rdb_expr_bool *expr)
{
    if (expr->bool_kind == RDB_BOOL_NOT) {
        rdb_strbuf_adds(out->text, "(NOT ");
        if (!put_expr(out, expr->arguments.items[0]))
            return false;
    } else {
        rdb_strbuf_addc(out->text, '(');
        if (!put_list(out, &expr->arguments, expr->bool_kind == RDB_BOOL_AND ? " AND " : " OR "))
            return false;
    }
    rdb_strbuf_addc(out->text, ')');
    return true;
}

static bool put_sql_value(deparsing *out, const rdb_expr_sql_value *expr)
{
    static const char *const NAMES[] = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_ROLE", "CURRENT_USER",
                                        "USER", "SESSION_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA"};
    rdb_strbuf_adds(out->text, expr->value < RDB_COUNT_OF(NAMES) ? NAMES[expr->value] : "?");
    if (expr->head.typmod >= 0)
        rdb_strbuf_addf(out->text, "(%d)", expr->head.typmod);
    return true;
}

static bool put_suffix(deparsing *out, const rdb_expr *argument, const char *suffix)
{
    rdb_strbuf_addc(out->text, '(');
    if (!put_expr(out, argument))
        return false;
    rdb_strbuf_addf(out->text, " %s)", suffix);
    return true;
}

static bool put_brackets(deparsing *out, const char *before, const rdb_list *exprs, const char *after)
{
    rdb_strbuf_adds(out->text, before);
    if (!put_list(out, exprs, ", "))
        return false;
    rdb_strbuf_adds(out->text, after);
    return true;
}

static bool put_subscript(deparsing *out, const rdb_expr_subscript *expr)
{
    if (!put_expr(out, expr->argument))
        return false;
    for (uint32_t i = 0; i < expr->upper.count; i++) {
        rdb_strbuf_addc(out->text, '[');
        if (expr->is_slice) {
            if (i < expr->lower.count && expr->lower.items[i] != NULL && !put_expr(out, expr->lower.items[i]))
                return false;
            rdb_strbuf_addc(out->text, ':');
        }
        if (expr->upper.items[i] != NULL && !put_expr(out, expr->upper.items[i]))
            return false;
        rdb_strbuf_addc(out->text, ']');
    }
    return true;
}

static bool put_node(deparsing *out, const rdb_expr *expr)
{
    static const char *const TESTS[] = {"IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"};
    const char *name = NULL;
    switch (expr->kind) {
    case RDB_EXPR_CONST:
        return put_constant(out, (const rdb_expr_const *)expr);
    case RDB_EXPR_VAR:
        return put_column(out, (const rdb_expr_var *)expr);
    case RDB_EXPR_PARAM:
        rdb_strbuf_addf(out->text, "$%u", ((const rdb_expr_param *)expr)->param_no);
        return true;
    case RDB_EXPR_SLOT: {
        const rdb_expr_slot *slot = (const rdb_expr_slot *)expr;
        if (slot->origin != NULL)
            return put_expr(out, slot->origin);
        if (out->relation != NULL && slot->slot_no < out->relation->column_count)
            rdb_deparse_name(out->relation->columns[slot->slot_no].name, out->text);
        else
            rdb_strbuf_addf(out->text, "column%u", slot->slot_no + 1);
        return true;
    }
    case RDB_EXPR_SUBPLAN:
    case RDB_EXPR_SUBLINK:
        if (expr->kind == RDB_EXPR_SUBPLAN)
            rdb_strbuf_addf(out->text, "(SubPlan %u)", ((const rdb_expr_subplan *)expr)->subplan_no + 1);
        else
            return rdb_error_set(out->err, RDB_FEATURE_NOT_SUPPORTED, "printing a sub-select is not supported yet");
        return true;
    case RDB_EXPR_FUNCTION:
        return put_call(out, (const rdb_expr_function *)expr);
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *op = (const rdb_expr_array_op *)expr;
        if (!operator_name(out, op->operator_oid, &name))
            return false;
        rdb_strbuf_addc(out->text, '(');
        if (!put_expr(out, op->left))
            return false;
        rdb_strbuf_addf(out->text, " %s %s (", name, op->use_or ? "ANY" : "ALL");
        if (!put_expr(out, op->right))
            return false;
        rdb_strbuf_adds(out->text, "))");
        return true;
    }
    case RDB_EXPR_BOOL:
        return put_bool(out, (const rdb_expr_bool *)expr);
    case RDB_EXPR_CASE:
        return put_case(out, (const rdb_expr_case *)expr);
    case RDB_EXPR_CASE_TEST:
        rdb_strbuf_adds(out->text, "CASE_TEST_EXPR");
        return true;
    case RDB_EXPR_DOMAIN_VALUE:
        rdb_strbuf_adds(out->text, "VALUE");
        return true;
    case RDB_EXPR_DEFAULT:
        rdb_strbuf_adds(out->text, "DEFAULT");
        return true;
    case RDB_EXPR_COALESCE:
        return put_brackets(out, "COALESCE(", &((const rdb_expr_list *)expr)->arguments, ")");
    case RDB_EXPR_MINMAX:
        return put_brackets(out, ((const rdb_expr_list *)expr)->is_least ? "LEAST(" : "GREATEST(", &((const rdb_expr_list *)expr)->arguments, ")");
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT: {
        const rdb_expr_pair *pair = (const rdb_expr_pair *)expr;
        if (expr->kind == RDB_EXPR_DISTINCT)
            return put_binary(out, "IS DISTINCT FROM", pair->left, pair->right);
        rdb_strbuf_adds(out->text, "NULLIF(");
        if (!put_expr(out, pair->left))
            return false;
        rdb_strbuf_adds(out->text, ", ");
        if (!put_expr(out, pair->right))
            return false;
        rdb_strbuf_addc(out->text, ')');
        return true;
    }
    case RDB_EXPR_NULL_TEST: {
        const rdb_expr_null_test *test = (const rdb_expr_null_test *)expr;
        return put_suffix(out, test->argument, test->is_not ? "IS NOT NULL" : "IS NULL");
    }
    case RDB_EXPR_BOOL_TEST: {
        const rdb_expr_bool_test *test = (const rdb_expr_bool_test *)expr;
        return put_suffix(out, test->argument, TESTS[test->test]);
    }
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_ROW_CONVERT: {
        const rdb_expr_unary *unary = (const rdb_expr_unary *)expr;
        return unary->form == RDB_FORM_IMPLICIT_CAST ? put_expr(out, unary->argument) : put_cast(out, unary->argument, expr);
    }
    case RDB_EXPR_ARRAY_COERCE: {
        const rdb_expr_array_coerce *coerce = (const rdb_expr_array_coerce *)expr;
        return coerce->form == RDB_FORM_IMPLICIT_CAST ? put_expr(out, coerce->argument) : put_cast(out, coerce->argument, expr);
    }
    case RDB_EXPR_FIELD: {
        const rdb_expr_unary *field = (const rdb_expr_unary *)expr;
        const rdb_type *row = field->argument->type;
        rdb_strbuf_addc(out->text, '(');
        if (!put_expr(out, field->argument))
            return false;
        rdb_strbuf_adds(out->text, ").");
        if (field->field_no > 0 && row->fields != NULL && (uint32_t)field->field_no <= row->field_count)
            rdb_deparse_name(row->fields[field->field_no - 1].name, out->text);
        else
            rdb_strbuf_addf(out->text, "f%d", field->field_no);
        return true;
    }
    case RDB_EXPR_ARRAY:
        if (((const rdb_expr_array *)expr)->elements.count == 0) {
            rdb_strbuf_adds(out->text, "ARRAY[]::");
            put_type(out, expr->type, -1);
            return true;
        }
        return put_brackets(out, "ARRAY[", &((const rdb_expr_array *)expr)->elements, "]");
    case RDB_EXPR_ROW:
        return put_brackets(out, "ROW(", &((const rdb_expr_row *)expr)->fields, ")");
    case RDB_EXPR_ROW_COMPARE: {
        static const char *const SIGNS[] = {"", "<", "<=", "=", ">=", ">", "<>"};
        const rdb_expr_row_compare *compare = (const rdb_expr_row_compare *)expr;
        rdb_strbuf_addc(out->text, '(');
        if (!put_brackets(out, "ROW(", &compare->left, ")"))
            return false;
        rdb_strbuf_addf(out->text, " %s ", SIGNS[compare->strategy]);
        if (!put_brackets(out, "ROW(", &compare->right, ")"))
            return false;
        rdb_strbuf_addc(out->text, ')');
        return true;
    }
    case RDB_EXPR_SUBSCRIPT:
        return put_subscript(out, (const rdb_expr_subscript *)expr);
    case RDB_EXPR_AGGREGATE:
        return put_aggregate(out, (const rdb_expr_aggregate *)expr);
    case RDB_EXPR_WINDOW: {
        const rdb_expr_window *window = (const rdb_expr_window *)expr;
        rdb_deparse_name(window->function->name, out->text);
        if (window->is_star)
            rdb_strbuf_adds(out->text, "(*) OVER (?)");
        else
            return put_brackets(out, "(", &window->arguments, ") OVER (?)");
        return true;
    }
    case RDB_EXPR_GROUPING:
        return put_brackets(out, "GROUPING(", &((const rdb_expr_grouping *)expr)->arguments, ")");
    case RDB_EXPR_SQL_VALUE:
        return put_sql_value(out, (const rdb_expr_sql_value *)expr);
    case RDB_EXPR_NEXT_VALUE: {
        const rdb_relation *sequence = NULL;
        if (!rdb_relation_get(out->access, ((const rdb_expr_next_value *)expr)->sequence_oid, &sequence, out->err))
            return false;
        rdb_strbuf_addf(out->text, "nextval('%s'::regclass)", sequence != NULL ? sequence->name : "?");
        return true;
    }
    default:
        return rdb_error_set(out->err, RDB_INTERNAL_ERROR, "expression kind %u has no text", expr->kind);
    }
}

static bool put_expr(deparsing *out, const rdb_expr *expr)
{
    if (++out->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    bool ok = put_node(out, expr);
    out->depth--;
    return ok;
}

bool rdb_deparse_expr(rdb_access *access, const rdb_expr *expr, const rdb_relation *relation, bool qualify, rdb_strbuf *text, rdb_error *err)
{
    deparsing out = {.access = access, .relation = relation, .qualify = qualify, .text = text, .err = err};
    out.arena = rdb_arena_create("deparse", NULL, NULL);
    if (out.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = put_expr(&out, expr) && rdb_strbuf_check(text, err);
    rdb_arena_destroy(out.arena);
    return ok;
}

bool rdb_deparse_query(rdb_access *access, const rdb_query *query, bool pretty, rdb_strbuf *text, rdb_error *err)
{
    (void)access;
    (void)query;
    (void)pretty;
    (void)text;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "printing a view's definition is not supported yet");
}
