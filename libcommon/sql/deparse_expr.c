/* SPDX-License-Identifier: Apache-2.0
 * Expressions back to SQL. Plainly printed, every operator stands in brackets; pretty, brackets that precedence makes needless
 * are left out. Casts that nobody wrote are printed where they say which function or operator is meant (show_implicit), and
 * left out elsewhere. */
#include "sql/deparse_int.h"

#include <ctype.h>
#include <stdio.h>

static void put_char(deparse *out, char c)
{
    rdb_strbuf_addc(out->text, c);
}

/* Brackets of the plain form. */
static void plain_bracket(deparse *out, char c)
{
    if (!out->is_pretty)
        put_char(out, c);
}

/* ---- literals ------------------------------------------------------------------------------------------------------------------------ */
/* The session reads backslashes as themselves (standard_conforming_strings). */
static void put_quoted(deparse *out, const char *bytes, size_t length)
{
    put_char(out, '\'');
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\'')
            put_char(out, '\'');
        put_char(out, bytes[i]);
    }
    put_char(out, '\'');
}

static void put_collation(deparse *out, const rdb_expr *expr)
{
    if (expr->collation != 0 && expr->collation != expr->type->collation) {
        deparse_add(out, " COLLATE ");
        deparse_collation(out, expr->collation);
    }
}

void deparse_constant(deparse *out, const rdb_expr_const *constant, int label)
{
    const rdb_type *type = constant->head.type;
    rdb_eval eval = {.access = out->access, .format = out->format};
    const char *shown = "NULL";
    bool needs_label = true;
    if (constant->is_null) {
        deparse_add(out, shown);
        needs_label = label >= 0;
        label = needs_label ? 1 : label;
    } else {
        deparse_fail(out, rdb_expr_value_to_text(&eval, out->arena, type, constant->value, &shown, out->err));
        if (!out->ok)
            return;
        switch (type->oid) {
        case RDB_INT4OID:
            needs_label = shown[0] == '-'; /* else it would read back as an operator and a number */
            if (needs_label)
                put_quoted(out, shown, strlen(shown));
            else
                deparse_add(out, shown);
            break;
        case RDB_NUMERICOID:
            needs_label = !(isdigit((unsigned char)shown[0]) && strpbrk(shown, "eE.") != NULL);
            if (needs_label)
                put_quoted(out, shown, strlen(shown));
            else
                deparse_add(out, shown);
            needs_label = needs_label || constant->head.typmod >= 0;
            break;
        case RDB_BOOLOID:
            deparse_add(out, constant->value.b ? "true" : "false");
            needs_label = false;
            break;
        default:
            put_quoted(out, shown, strlen(shown));
            needs_label = type->oid != RDB_UNKNOWNOID;
        }
    }
    if (label < 0)
        return;
    if (needs_label || label > 0) {
        deparse_add(out, "::");
        deparse_type(out, type, constant->head.typmod);
    }
    put_collation(out, &constant->head);
}

/* ---- columns -------------------------------------------------------------------------------------------------------------------------- */
static const char *system_column(int16_t number)
{
    switch (number) {
    case RDB_COLUMN_CTID: return "ctid";
    case RDB_COLUMN_XMIN: return "xmin";
    case RDB_COLUMN_CMIN: return "cmin";
    case RDB_COLUMN_XMAX: return "xmax";
    case RDB_COLUMN_CMAX: return "cmax";
    case RDB_COLUMN_TABLEOID: return "tableoid";
    default: return NULL;
    }
}

/* In EXPLAIN, and in expressions of one table alone. */
static const char *put_loose_variable(deparse *out, const rdb_expr_var *var)
{
    const rdb_range *range = var->range;
    const char *column = system_column(var->attribute_no), *table = range != NULL ? range->alias : NULL;
    if (column == NULL && var->attribute_no > 0) {
        if (range != NULL && range->relation != NULL && var->attribute_no <= range->relation->column_count)
            column = range->relation->columns[var->attribute_no - 1].name;
        else if (range != NULL && (uint32_t)var->attribute_no <= range->columns.count)
            column = range->columns.items[var->attribute_no - 1];
        else if (range == NULL && out->relation != NULL && var->attribute_no <= out->relation->column_count)
            column = out->relation->columns[var->attribute_no - 1].name;
    }
    bool qualified = table != NULL && (out->qualify || var->attribute_no == 0);
    if (qualified) {
        deparse_name(out, table);
        put_char(out, '.');
    }
    if (var->attribute_no == 0 && !qualified && out->relation != NULL) {
        deparse_name(out, out->relation->name);
        deparse_add(out, ".*");
    } else if (var->attribute_no == 0) {
        put_char(out, '*');
    } else if (column != NULL) {
        deparse_name(out, column);
    } else {
        rdb_strbuf_addf(out->text, "column%d", var->attribute_no);
    }
    return column;
}

const char *deparse_variable(deparse *out, const rdb_expr_var *var, bool is_top)
{
    const deparse_level *level = out->level;
    for (uint32_t i = 0; i < var->levels_up && level != NULL; i++)
        level = level->parent;
    if (level == NULL)
        return put_loose_variable(out, var);
    if (var->range_no == 0 || var->range_no > level->range_count) {
        deparse_fail(out, rdb_error_set(out->err, RDB_DATA_CORRUPTED, "stored query refers to a range that it does not have"));
        return NULL;
    }
    const deparse_range *names = &level->ranges[var->range_no - 1];
    const char *column = system_column(var->attribute_no);
    if (column == NULL && var->attribute_no > 0 && (uint32_t)var->attribute_no <= names->column_count)
        column = names->columns[var->attribute_no - 1];
    /* Under a join with an alias the column is the join's. */
    for (uint32_t hidden = names->hidden_by; hidden != 0 && var->attribute_no > 0 && !level->ranges[hidden - 1].is_open;) {
        const rdb_range *join = level->query->ranges.items[hidden - 1];
        const deparse_range *join_names = &level->ranges[hidden - 1];
        for (uint32_t i = 0; i < join->join_variables.count && i < join_names->column_count; i++) {
            const rdb_expr_var *stands_for = join->join_variables.items[i];
            if (stands_for->head.kind == RDB_EXPR_VAR && stands_for->range_no == var->range_no && stands_for->attribute_no == var->attribute_no) {
                names = join_names;
                column = join_names->columns[i];
                break;
            }
        }
        hidden = level->ranges[hidden - 1].hidden_by;
    }
    if (names->name != NULL) {
        deparse_name(out, names->name);
        put_char(out, '.');
    }
    if (var->attribute_no == 0) {
        put_char(out, '*');
        if (is_top) {
            deparse_add(out, "::");
            deparse_type(out, var->head.type, -1);
        }
        return NULL;
    }
    if (column == NULL)
        deparse_add(out, "\"?dropped?column?\"");
    else
        deparse_name(out, column);
    return column;
}

/* A column merged by a full join is a COALESCE that nobody wrote: it goes by its bare name, or by the join's alias. */
const char *deparse_merged_column(deparse *out, const rdb_expr *expr)
{
    const deparse_level *level = out->level;
    for (uint32_t r = 0; level != NULL && expr->kind == RDB_EXPR_COALESCE && r < level->range_count; r++) {
        const rdb_range *join = level->query->ranges.items[r];
        for (uint32_t i = 0; join->kind == RDB_RANGE_JOIN && i < join->merged_count && i < join->join_variables.count; i++) {
            if (!rdb_expr_equal(join->join_variables.items[i], expr))
                continue;
            const deparse_range *names = &level->ranges[r];
            uint32_t hidden = names->hidden_by;
            if (hidden != 0 && !level->ranges[hidden - 1].is_open) {
                names = &level->ranges[hidden - 1];
                join = level->query->ranges.items[hidden - 1];
                for (i = 0; i + 1 < join->join_variables.count && !rdb_expr_equal(join->join_variables.items[i], expr);)
                    i++;
            }
            if (names->name != NULL && !names->is_open) {
                deparse_name(out, names->name);
                put_char(out, '.');
            }
            deparse_name(out, names->columns[i]);
            return names->columns[i];
        }
    }
    return NULL;
}

/* ---- brackets -------------------------------------------------------------------------------------------------------------------------- */
static bool is_cast_form(uint8_t form)
{
    return form == RDB_FORM_EXPLICIT_CAST || form == RDB_FORM_IMPLICIT_CAST;
}

/* Does the parent put what stands in it between brackets, commas or words of its own? */
static bool separates(const rdb_expr *parent)
{
    switch (parent->kind) {
    case RDB_EXPR_FUNCTION: {
        const rdb_expr_function *call = (const rdb_expr_function *)parent;
        return call->operator_oid == 0 && !is_cast_form(call->form) && call->form != RDB_FORM_SQL_SYNTAX;
    }
    case RDB_EXPR_SUBSCRIPT: case RDB_EXPR_ARRAY: case RDB_EXPR_ROW: case RDB_EXPR_COALESCE: case RDB_EXPR_MINMAX: case RDB_EXPR_NULLIF:
    case RDB_EXPR_AGGREGATE: case RDB_EXPR_GROUPING: case RDB_EXPR_WINDOW: case RDB_EXPR_CASE:
        return true;
    default:
        return false;
    }
}

/* 1 for + and -, 2 for * / and %, 0 for the rest. */
static int binding(deparse *out, const rdb_expr_function *call)
{
    const rdb_operator_entry *entry = NULL;
    if (call->arguments.count != 2)
        return 0;
    deparse_fail(out, rdb_operator_get(out->access, call->operator_oid, &entry, out->err));
    if (entry == NULL || strlen(entry->name) != 1)
        return 0;
    return strchr("+-", entry->name[0]) ? 1 : strchr("*/%", entry->name[0]) ? 2 : 0;
}

static bool is_simple(deparse *out, const rdb_expr *expr, const rdb_expr *parent)
{
    switch (expr->kind) {
    case RDB_EXPR_CONST: case RDB_EXPR_VAR: case RDB_EXPR_PARAM: case RDB_EXPR_DOMAIN_VALUE: case RDB_EXPR_DEFAULT: case RDB_EXPR_SUBSCRIPT: case RDB_EXPR_ARRAY:
    case RDB_EXPR_ROW: case RDB_EXPR_COALESCE: case RDB_EXPR_MINMAX: case RDB_EXPR_SQL_VALUE: case RDB_EXPR_NEXT_VALUE: case RDB_EXPR_NULLIF:
    case RDB_EXPR_AGGREGATE: case RDB_EXPR_GROUPING: case RDB_EXPR_WINDOW: case RDB_EXPR_CASE: case RDB_EXPR_CASE_TEST: case RDB_EXPR_SLOT: case RDB_EXPR_SUBPLAN:
        return true;
    case RDB_EXPR_FIELD:
        return parent->kind != RDB_EXPR_FIELD;
    case RDB_EXPR_RELABEL:
        if (deparse_is_collate(expr))
            return false;
        return is_simple(out, ((const rdb_expr_unary *)expr)->argument, expr);
    case RDB_EXPR_COERCE_IO: case RDB_EXPR_ROW_CONVERT: case RDB_EXPR_COERCE_DOMAIN:
        return is_simple(out, ((const rdb_expr_unary *)expr)->argument, expr);
    case RDB_EXPR_ARRAY_COERCE:
        return is_simple(out, ((const rdb_expr_array_coerce *)expr)->argument, expr);
    case RDB_EXPR_FUNCTION: {
        const rdb_expr_function *call = (const rdb_expr_function *)expr, *above = (const rdb_expr_function *)parent;
        if (call->operator_oid == 0 || is_cast_form(call->form)) /* calls; a cast is as simple as what is cast */
            return !is_cast_form(call->form) || call->arguments.count == 0 || is_simple(out, call->arguments.items[0], expr);
        if (parent->kind == RDB_EXPR_FUNCTION && above->operator_oid != 0 && !is_cast_form(above->form)) {
            int own = binding(out, call), outer = binding(out, above);
            if (own == 0 || outer == 0)
                return false;
            return own > outer || (own == outer && expr == above->arguments.items[0]);
        }
        return separates(parent) || parent->kind == RDB_EXPR_BOOL;
    }
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *own = (const rdb_expr_bool *)expr;
        if (parent->kind == RDB_EXPR_BOOL) {
            uint8_t outer = ((const rdb_expr_bool *)parent)->bool_kind;
            return outer == RDB_BOOL_OR || (outer == RDB_BOOL_AND && own->bool_kind != RDB_BOOL_OR);
        }
        return separates(parent);
    }
    case RDB_EXPR_ARRAY_OP: case RDB_EXPR_ROW_COMPARE:
        return false;
    default:
        return separates(parent) || parent->kind == RDB_EXPR_BOOL;
    }
}

void deparse_expr_in(deparse *out, const rdb_expr *expr, bool show_implicit, const rdb_expr *parent)
{
    bool brackets = out->is_pretty && !is_simple(out, expr, parent);
    if (brackets)
        put_char(out, '(');
    deparse_expr(out, expr, show_implicit);
    if (brackets)
        put_char(out, ')');
}

void deparse_expr_top(deparse *out, const rdb_expr *expr, bool show_implicit)
{
    if (expr->kind == RDB_EXPR_VAR)
        deparse_variable(out, (const rdb_expr_var *)expr, true);
    else
        deparse_expr(out, expr, show_implicit);
}

static void put_list(deparse *out, const rdb_list *exprs, bool show_implicit)
{
    for (uint32_t i = 0; i < exprs->count && out->ok; i++) {
        if (i > 0)
            deparse_add(out, ", ");
        deparse_expr(out, exprs->items[i], show_implicit);
    }
}

static void put_top_list(deparse *out, const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count && out->ok; i++) {
        if (i > 0)
            deparse_add(out, ", ");
        deparse_expr_top(out, exprs->items[i], true);
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------------------------------------ */
static void put_cast(deparse *out, const rdb_expr *argument, const rdb_expr *whole)
{
    const rdb_expr_const *constant = (const rdb_expr_const *)argument;
    if (argument->kind == RDB_EXPR_CONST && argument->type->oid == whole->type->oid && argument->typmod == -1) {
        deparse_constant(out, constant, -1); /* a literal that only gets its length */
    } else {
        plain_bracket(out, '(');
        deparse_expr_in(out, argument, false, whole);
        plain_bracket(out, ')');
    }
    deparse_add(out, "::");
    deparse_type(out, whole->type, whole->typmod);
}

static void put_operator(deparse *out, const rdb_expr *whole, const char *name, const rdb_expr *left, const rdb_expr *right)
{
    plain_bracket(out, '(');
    if (left != NULL) {
        deparse_expr_in(out, left, true, whole);
        put_char(out, ' ');
    }
    rdb_strbuf_addf(out->text, "%s ", name);
    deparse_expr_in(out, right, true, whole);
    plain_bracket(out, ')');
}

/* Pieces of SQL's own syntax: %1 and so on are arguments; %'1: the text of a constant. */
static bool put_sql_syntax(deparse *out, const rdb_expr_function *call)
{
    static const struct { const char *name; uint8_t count; const char *form; } FORMS[] = {
        {"timezone", 2, "(%2 AT TIME ZONE %1)"}, {"overlaps", 4, "((%1, %2) OVERLAPS (%3, %4))"}, {"extract", 2, "EXTRACT(%'1 FROM %2)"},
        {"is_normalized", 1, "(%1 IS NORMALIZED)"}, {"is_normalized", 2, "(%1 IS %'2 NORMALIZED)"}, {"pg_collation_for", 1, "COLLATION FOR (%1)"},
        {"normalize", 1, "NORMALIZE(%1)"}, {"normalize", 2, "NORMALIZE(%1, %'2)"}, {"overlay", 3, "OVERLAY(%1 PLACING %2 FROM %3)"},
        {"overlay", 4, "OVERLAY(%1 PLACING %2 FROM %3 FOR %4)"}, {"position", 2, "POSITION((%2) IN (%1))"}, {"substring", 2, "SUBSTRING(%1 FROM %2)"},
        {"substring", 3, "SUBSTRING(%1 FROM %2 FOR %3)"}, {"btrim", 1, "TRIM(BOTH FROM %1)"}, {"btrim", 2, "TRIM(BOTH %2 FROM %1)"},
        {"ltrim", 1, "TRIM(LEADING FROM %1)"}, {"ltrim", 2, "TRIM(LEADING %2 FROM %1)"}, {"rtrim", 1, "TRIM(TRAILING FROM %1)"},
        {"rtrim", 2, "TRIM(TRAILING %2 FROM %1)"}};
    const char *form = NULL;
    for (size_t i = 0; i < RDB_COUNT_OF(FORMS); i++)
        if (strcmp(FORMS[i].name, call->function->name) == 0 && FORMS[i].count == call->arguments.count)
            form = FORMS[i].form;
    if (form == NULL)
        return false;
    if (strcmp(call->function->name, "substring") == 0 && call->arguments.count == 3 && ((const rdb_expr *)call->arguments.items[1])->type->oid == RDB_TEXTOID)
        form = "SUBSTRING(%1 SIMILAR %2 ESCAPE %3)";
    for (; *form != '\0'; form++) {
        if (*form != '%') {
            put_char(out, *form);
            continue;
        }
        form++;
        bool is_word = *form == '\'';
        if (is_word)
            form++;
        const rdb_expr *argument = call->arguments.items[*form - '1'];
        const rdb_expr_const *constant = (const rdb_expr_const *)argument;
        if (is_word && argument->kind == RDB_EXPR_CONST && !constant->is_null && argument->type->rep == RDB_REP_BYTES) {
            rdb_strbuf_add(out->text, constant->value.bytes.data, constant->value.bytes.length);
        } else if (strncmp(call->function->name, "overlaps", 8) == 0 || strcmp(call->function->name, "timezone") == 0 ||
                   strcmp(call->function->name, "is_normalized") == 0 || strcmp(call->function->name, "pg_collation_for") == 0) {
            deparse_expr_in(out, argument, false, &call->head);
        } else {
            deparse_expr(out, argument, false);
        }
    }
    return true;
}

static void put_arguments(deparse *out, const rdb_list *arguments, bool is_variadic)
{
    for (uint32_t i = 0; i < arguments->count && out->ok; i++) {
        if (i > 0)
            deparse_add(out, ", ");
        if (is_variadic && i + 1 == arguments->count)
            deparse_add(out, "VARIADIC ");
        deparse_expr(out, arguments->items[i], true);
    }
}

static void put_call(deparse *out, const rdb_expr_function *call, bool show_implicit)
{
    if (call->form == RDB_FORM_IMPLICIT_CAST && !show_implicit && call->arguments.count > 0) {
        deparse_expr_in(out, call->arguments.items[0], false, &call->head);
        return;
    }
    if (is_cast_form(call->form) && call->arguments.count > 0) {
        put_cast(out, call->arguments.items[0], &call->head);
        return;
    }
    if (call->operator_oid != 0) {
        const char *name = deparse_operator(out, call->operator_oid);
        if (call->arguments.count == 1)
            put_operator(out, &call->head, name, NULL, call->arguments.items[0]);
        else
            put_operator(out, &call->head, name, call->arguments.items[0], call->arguments.items[1]);
        return;
    }
    if (call->form == RDB_FORM_SQL_SYNTAX && put_sql_syntax(out, call))
        return;
    deparse_function_name(out, call->function);
    put_char(out, '(');
    put_arguments(out, &call->arguments, call->is_variadic);
    put_char(out, ')');
}

static void put_filter(deparse *out, const rdb_expr *filter)
{
    if (filter == NULL)
        return;
    deparse_add(out, " FILTER (WHERE ");
    deparse_expr(out, filter, false);
    put_char(out, ')');
}

static void put_aggregate(deparse *out, const rdb_expr_aggregate *aggregate)
{
    bool is_ordered_set = aggregate->direct_arguments.count > 0;
    const rdb_aggregate *entry = NULL;
    deparse_fail(out, rdb_aggregate_get(out->access, aggregate->function->oid, &entry, out->err));
    is_ordered_set = is_ordered_set || (entry != NULL && entry->kind != 'n');
    deparse_function_name(out, aggregate->function);
    put_char(out, '(');
    if (aggregate->distinct.count > 0)
        deparse_add(out, "DISTINCT ");
    if (is_ordered_set) {
        put_arguments(out, &aggregate->direct_arguments, aggregate->is_variadic);
        deparse_add(out, ") WITHIN GROUP (ORDER BY ");
        deparse_order(out, &aggregate->order, &aggregate->arguments, false);
    } else {
        if (aggregate->is_star)
            put_char(out, '*');
        uint32_t count = 0;
        rdb_list shown = {0};
        for (uint32_t i = 0; i < aggregate->arguments.count; i++) {
            const rdb_target *target = aggregate->arguments.items[i];
            if (!target->is_junk) {
                rdb_list_push(out->arena, &shown, target->expr);
                count++;
            }
        }
        put_arguments(out, &shown, aggregate->is_variadic && count > 0);
        if (aggregate->order.count > 0) {
            deparse_add(out, " ORDER BY ");
            deparse_order(out, &aggregate->order, &aggregate->arguments, false);
        }
    }
    put_char(out, ')');
    put_filter(out, aggregate->filter);
}

static void put_window_call(deparse *out, const rdb_expr_window *call)
{
    deparse_function_name(out, call->function);
    put_char(out, '(');
    if (call->is_star)
        put_char(out, '*');
    else
        put_list(out, &call->arguments, true);
    put_char(out, ')');
    put_filter(out, call->filter);
    deparse_add(out, " OVER ");
    const rdb_query *query = out->level != NULL ? out->level->query : NULL;
    if (query == NULL || call->window_no >= query->windows.count) {
        deparse_add(out, "(?)"); /* the windows of a plan are its operators' */
        return;
    }
    const rdb_window *window = query->windows.items[call->window_no];
    if (window->name != NULL)
        deparse_name(out, window->name);
    else
        deparse_window(out, query, window, &query->targets);
}

/* ---- the rest ----------------------------------------------------------------------------------------------------------------------------- */
static void put_case(deparse *out, const rdb_expr_case *expr)
{
    deparse_break(out, "CASE", 0, DEPARSE_STEP_ITEM, 0);
    if (expr->argument != NULL) {
        put_char(out, ' ');
        deparse_expr(out, expr->argument, true);
    }
    for (uint32_t i = 0; i < expr->whens.count && out->ok; i++) {
        const rdb_case_when *when = expr->whens.items[i];
        const rdb_expr *condition = when->condition;
        /* CASE x WHEN y is kept as x = y. */
        if (expr->argument != NULL && condition->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)condition)->arguments.count == 2)
            condition = ((const rdb_expr_function *)condition)->arguments.items[1];
        if (!out->breaks_lines)
            put_char(out, ' ');
        deparse_break(out, "WHEN ", 0, 0, 0);
        deparse_expr(out, condition, false);
        deparse_add(out, " THEN ");
        deparse_expr(out, when->result, true);
    }
    if (!out->breaks_lines)
        put_char(out, ' ');
    deparse_break(out, "ELSE ", 0, 0, 0);
    if (expr->otherwise != NULL) {
        deparse_expr(out, expr->otherwise, true);
    } else {
        deparse_add(out, "NULL::");
        deparse_type(out, expr->head.type, -1);
    }
    if (!out->breaks_lines)
        put_char(out, ' ');
    deparse_break(out, "END", -DEPARSE_STEP_ITEM, 0, 0);
}

static void put_bool(deparse *out, const rdb_expr_bool *expr)
{
    plain_bracket(out, '(');
    if (expr->bool_kind == RDB_BOOL_NOT) {
        deparse_add(out, "NOT ");
        deparse_expr_in(out, expr->arguments.items[0], false, &expr->head);
    } else {
        for (uint32_t i = 0; i < expr->arguments.count && out->ok; i++) {
            if (i > 0)
                deparse_add(out, expr->bool_kind == RDB_BOOL_AND ? " AND " : " OR ");
            deparse_expr_in(out, expr->arguments.items[i], false, &expr->head);
        }
    }
    plain_bracket(out, ')');
}

static void put_sql_value(deparse *out, const rdb_expr_sql_value *expr)
{
    static const char *const NAMES[] = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_ROLE", "CURRENT_USER",
                                        "USER", "SESSION_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA"};
    deparse_add(out, expr->value < RDB_COUNT_OF(NAMES) ? NAMES[expr->value] : "?");
    if (expr->head.typmod >= 0)
        rdb_strbuf_addf(out->text, "(%d)", expr->head.typmod);
}

static void put_suffix(deparse *out, const rdb_expr *whole, const rdb_expr *argument, bool show_implicit, const char *suffix)
{
    plain_bracket(out, '(');
    deparse_expr_in(out, argument, show_implicit, whole);
    deparse_add(out, suffix);
    plain_bracket(out, ')');
}

static void put_bracketed(deparse *out, const char *before, const rdb_list *exprs, const char *after)
{
    deparse_add(out, before);
    put_list(out, exprs, true);
    deparse_add(out, after);
}

static void put_subscript(deparse *out, const rdb_expr_subscript *expr, bool show_implicit)
{
    bool brackets = expr->argument->kind != RDB_EXPR_VAR && expr->argument->kind != RDB_EXPR_FIELD;
    if (brackets)
        put_char(out, '(');
    deparse_expr(out, expr->argument, show_implicit);
    if (brackets)
        put_char(out, ')');
    for (uint32_t i = 0; i < expr->upper.count && out->ok; i++) {
        put_char(out, '[');
        if (expr->is_slice) {
            if (i < expr->lower.count && expr->lower.items[i] != NULL)
                deparse_expr(out, expr->lower.items[i], false);
            put_char(out, ':');
        }
        if (expr->upper.items[i] != NULL)
            deparse_expr(out, expr->upper.items[i], false);
        put_char(out, ']');
    }
}

static void put_array_op(deparse *out, const rdb_expr_array_op *op)
{
    plain_bracket(out, '(');
    deparse_expr_in(out, op->left, true, &op->head);
    rdb_strbuf_addf(out->text, " %s %s (", deparse_operator(out, op->operator_oid), op->use_or ? "ANY" : "ALL");
    deparse_expr_in(out, op->right, true, &op->head);
    /* Without its type a bare sub-select would be taken for the other kind of ANY. */
    if (op->right->kind == RDB_EXPR_SUBLINK && ((const rdb_expr_sublink *)op->right)->sublink_kind == RDB_SUBLINK_SCALAR) {
        deparse_add(out, "::");
        deparse_type(out, op->right->type, op->right->typmod);
    }
    put_char(out, ')');
    plain_bracket(out, ')');
}

static void put_sublink(deparse *out, const rdb_expr_sublink *link)
{
    const deparse_results results = {.names_matter = false};
    const char *name = NULL;
    bool brackets = true;
    deparse_add(out, link->sublink_kind == RDB_SUBLINK_ARRAY ? "ARRAY(" : "(");
    if (link->left.count > 0) {
        name = link->operator_oids != NULL && link->functions.count > 0 ? deparse_operator(out, link->operator_oids[0]) : "=";
        if (link->left.count > 1)
            put_char(out, '(');
        put_list(out, &link->left, true);
        if (link->left.count > 1)
            put_char(out, ')');
    }
    switch (link->sublink_kind) {
    case RDB_SUBLINK_EXISTS:
        deparse_add(out, "EXISTS ");
        break;
    case RDB_SUBLINK_ANY:
        if (name != NULL && strcmp(name, "=") == 0)
            deparse_add(out, " IN ");
        else
            rdb_strbuf_addf(out->text, " %s ANY ", name != NULL ? name : "=");
        break;
    case RDB_SUBLINK_ALL:
        rdb_strbuf_addf(out->text, " %s ALL ", name != NULL ? name : "=");
        break;
    case RDB_SUBLINK_ROW_COMPARE:
        rdb_strbuf_addf(out->text, " %s ", name != NULL ? name : "=");
        break;
    default:
        brackets = false;
    }
    if (brackets)
        put_char(out, '(');
    const int32_t indent = out->indent;
    deparse_query(out, link->query, out->level, &results, false);
    out->indent = indent;
    deparse_add(out, brackets ? "))" : ")");
}

static void put_field(deparse *out, const rdb_expr_unary *field)
{
    const rdb_type *row = field->argument->type;
    bool brackets = field->argument->kind != RDB_EXPR_SUBSCRIPT && field->argument->kind != RDB_EXPR_FIELD;
    const char *name = NULL;
    while (row->kind == 'd' && row->base != NULL)
        row = row->base;
    if (brackets)
        put_char(out, '(');
    if (field->argument->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)field->argument)->attribute_no == 0 && out->level != NULL) {
        /* a row of a range: the column's name is the range's */
        const rdb_expr_var *var = (const rdb_expr_var *)field->argument;
        const deparse_level *level = out->level;
        for (uint32_t i = 0; i < var->levels_up && level != NULL; i++)
            level = level->parent;
        if (level != NULL && var->range_no >= 1 && var->range_no <= level->range_count && (uint32_t)field->field_no <= level->ranges[var->range_no - 1].column_count)
            name = level->ranges[var->range_no - 1].columns[field->field_no - 1];
    }
    deparse_expr(out, field->argument, true);
    if (brackets)
        put_char(out, ')');
    put_char(out, '.');
    if (row->fields != NULL && field->field_no > 0 && (uint32_t)field->field_no <= row->field_count)
        name = row->fields[field->field_no - 1].name;
    if (name == NULL && field->argument->kind == RDB_EXPR_FUNCTION) {
        const rdb_function *function = ((const rdb_expr_function *)field->argument)->function;
        for (uint16_t i = 0, no = 0; i < function->all_count && function->argument_names != NULL && function->all_modes != NULL; i++)
            if (function->all_modes[i] != 'i' && function->all_modes[i] != 'v' && ++no == field->field_no)
                name = function->argument_names[i];
    }
    if (name == NULL && field->argument->kind == RDB_EXPR_ROW && (uint32_t)field->field_no <= ((const rdb_expr_row *)field->argument)->field_names.count)
        name = ((const rdb_expr_row *)field->argument)->field_names.items[field->field_no - 1];
    if (name != NULL)
        deparse_name(out, name);
    else
        rdb_strbuf_addf(out->text, "f%d", field->field_no);
}

static void put_row_compare(deparse *out, const rdb_expr_row_compare *compare)
{
    static const char *const SIGNS[] = {"", "<", "<=", "=", ">=", ">", "<>"};
    deparse_add(out, "(ROW(");
    put_top_list(out, &compare->left);
    rdb_strbuf_addf(out->text, ") %s ROW(", SIGNS[compare->strategy]);
    put_top_list(out, &compare->right);
    deparse_add(out, "))");
}

static void put_next_value(deparse *out, uint32_t sequence_oid)
{
    const rdb_relation *sequence = NULL;
    rdb_strbuf name, *outer = out->text;
    deparse_fail(out, rdb_relation_get(out->access, sequence_oid, &sequence, out->err));
    if (!out->ok)
        return;
    rdb_strbuf_init(&name, out->arena);
    if (sequence != NULL) {
        out->text = &name;
        deparse_relation_name(out, sequence);
        out->text = outer;
    }
    deparse_add(out, "nextval(");
    put_quoted(out, sequence != NULL ? name.data : "?", sequence != NULL ? name.length : 1);
    deparse_add(out, "::regclass)");
}

/* An argument of the routine whose body it is, by its name: with the routine's where a column might be meant. */
static bool put_argument(deparse *out, uint32_t number)
{
    if (out->function == NULL || out->argument_names == NULL || number > out->function->argument_count)
        return false;
    const char *name = out->argument_names[number - 1];
    bool has_ranges = false;
    if (name == NULL || name[0] == '\0')
        return false;
    for (const deparse_level *level = out->level; level != NULL; level = level->parent)
        has_ranges = has_ranges || level->range_count > 0;
    if (has_ranges) {
        deparse_name(out, out->function->name);
        rdb_strbuf_addc(out->text, '.');
    }
    deparse_name(out, name);
    return true;
}

static void put_node(deparse *out, const rdb_expr *expr, bool show_implicit)
{
    static const char *const TESTS[] = {" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS UNKNOWN", " IS NOT UNKNOWN"};
    switch (expr->kind) {
    case RDB_EXPR_CONST:
        deparse_constant(out, (const rdb_expr_const *)expr, 0);
        return;
    case RDB_EXPR_VAR: {
        const rdb_expr_var *var = (const rdb_expr_var *)expr;
        const rdb_list *shown = var->range != NULL ? var->range->shown : NULL;
        if (shown != NULL && var->attribute_no > 0 && (uint32_t)var->attribute_no <= shown->count) {
            const rdb_expr *inside = shown->items[var->attribute_no - 1];
            const bool is_bare = inside->kind == RDB_EXPR_VAR;
            rdb_strbuf_adds(out->text, is_bare ? "" : "(");
            deparse_expr(out, inside, show_implicit);
            rdb_strbuf_adds(out->text, is_bare ? "" : ")");
            return;
        }
        deparse_variable(out, var, false);
        return;
    }
    case RDB_EXPR_PARAM: {
        const rdb_expr_param *param = (const rdb_expr_param *)expr;
        if (param->param_kind == RDB_PARAM_EXECUTION && param->origin != NULL) { /* of another place in the plan: named in full */
            const bool qualify = out->qualify, is_bare = param->origin->kind == RDB_EXPR_VAR || param->origin->kind == RDB_EXPR_PARAM || param->origin->kind == RDB_EXPR_SLOT;
            out->qualify = true;
            rdb_strbuf_adds(out->text, is_bare ? "" : "(");
            deparse_expr(out, param->origin, show_implicit);
            rdb_strbuf_adds(out->text, is_bare ? "" : ")");
            out->qualify = qualify;
            return;
        }
        if (param->param_kind == RDB_PARAM_EXTERNAL && put_argument(out, param->param_no))
            return;
        rdb_strbuf_addf(out->text, "$%u", param->param_no);
        return;
    }
    case RDB_EXPR_SLOT: {
        const rdb_expr_slot *slot = (const rdb_expr_slot *)expr;
        if (slot->origin != NULL)
            deparse_expr(out, slot->origin, show_implicit);
        else if (out->relation != NULL && slot->slot_no < out->relation->column_count)
            deparse_name(out, out->relation->columns[slot->slot_no].name);
        else
            rdb_strbuf_addf(out->text, "column%u", slot->slot_no + 1);
        return;
    }
    case RDB_EXPR_SUBPLAN:
        rdb_strbuf_adds(out->text, ((const rdb_expr_subplan *)expr)->shown);
        return;
    case RDB_EXPR_SUBLINK:
        put_sublink(out, (const rdb_expr_sublink *)expr);
        return;
    case RDB_EXPR_FUNCTION:
        put_call(out, (const rdb_expr_function *)expr, show_implicit);
        return;
    case RDB_EXPR_ARRAY_OP:
        put_array_op(out, (const rdb_expr_array_op *)expr);
        return;
    case RDB_EXPR_BOOL:
        put_bool(out, (const rdb_expr_bool *)expr);
        return;
    case RDB_EXPR_CASE:
        put_case(out, (const rdb_expr_case *)expr);
        return;
    case RDB_EXPR_CASE_TEST:
        deparse_add(out, "CASE_TEST_EXPR");
        return;
    case RDB_EXPR_DOMAIN_VALUE:
        deparse_add(out, "VALUE");
        return;
    case RDB_EXPR_DEFAULT:
        deparse_add(out, "DEFAULT");
        return;
    case RDB_EXPR_COALESCE:
        if (deparse_merged_column(out, expr) == NULL)
            put_bracketed(out, "COALESCE(", &((const rdb_expr_list *)expr)->arguments, ")");
        return;
    case RDB_EXPR_MINMAX:
        put_bracketed(out, ((const rdb_expr_list *)expr)->is_least ? "LEAST(" : "GREATEST(", &((const rdb_expr_list *)expr)->arguments, ")");
        return;
    case RDB_EXPR_DISTINCT:
        put_operator(out, expr, "IS DISTINCT FROM", ((const rdb_expr_pair *)expr)->left, ((const rdb_expr_pair *)expr)->right);
        return;
    case RDB_EXPR_NULLIF:
        deparse_add(out, "NULLIF(");
        deparse_expr(out, ((const rdb_expr_pair *)expr)->left, true);
        deparse_add(out, ", ");
        deparse_expr(out, ((const rdb_expr_pair *)expr)->right, true);
        put_char(out, ')');
        return;
    case RDB_EXPR_NULL_TEST: {
        const rdb_expr_null_test *test = (const rdb_expr_null_test *)expr;
        bool is_row = test->argument->type->kind == 'c' || test->argument->type->oid == RDB_RECORDOID;
        const char *suffix = test->is_not ? " IS NOT NULL" : " IS NULL";
        if (is_row && !test->argument_is_row)
            suffix = test->is_not ? " IS DISTINCT FROM NULL" : " IS NOT DISTINCT FROM NULL";
        put_suffix(out, expr, test->argument, true, suffix);
        return;
    }
    case RDB_EXPR_BOOL_TEST:
        put_suffix(out, expr, ((const rdb_expr_bool_test *)expr)->argument, false, TESTS[((const rdb_expr_bool_test *)expr)->test]);
        return;
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_ROW_CONVERT: {
        const rdb_expr_unary *unary = (const rdb_expr_unary *)expr;
        if (deparse_is_collate(expr)) {
            plain_bracket(out, '(');
            deparse_expr_in(out, unary->argument, show_implicit, expr);
            deparse_add(out, " COLLATE ");
            deparse_collation(out, expr->collation);
            plain_bracket(out, ')');
        } else if (unary->form == RDB_FORM_IMPLICIT_CAST && !show_implicit) {
            deparse_expr_in(out, unary->argument, false, expr);
        } else {
            put_cast(out, unary->argument, expr);
        }
        return;
    }
    case RDB_EXPR_ARRAY_COERCE: {
        const rdb_expr_array_coerce *coerce = (const rdb_expr_array_coerce *)expr;
        if (coerce->form == RDB_FORM_IMPLICIT_CAST && !show_implicit)
            deparse_expr_in(out, coerce->argument, false, expr);
        else
            put_cast(out, coerce->argument, expr);
        return;
    }
    case RDB_EXPR_FIELD:
        put_field(out, (const rdb_expr_unary *)expr);
        return;
    case RDB_EXPR_ARRAY:
        put_bracketed(out, "ARRAY[", &((const rdb_expr_array *)expr)->elements, "]");
        if (((const rdb_expr_array *)expr)->elements.count == 0) {
            deparse_add(out, "::");
            deparse_type(out, expr->type, -1);
        }
        return;
    case RDB_EXPR_ROW:
        deparse_add(out, "ROW(");
        put_top_list(out, &((const rdb_expr_row *)expr)->fields);
        put_char(out, ')');
        if (((const rdb_expr_row *)expr)->form == RDB_FORM_EXPLICIT_CAST) {
            deparse_add(out, "::");
            deparse_type(out, expr->type, -1);
        }
        return;
    case RDB_EXPR_ROW_COMPARE:
        put_row_compare(out, (const rdb_expr_row_compare *)expr);
        return;
    case RDB_EXPR_SUBSCRIPT:
        put_subscript(out, (const rdb_expr_subscript *)expr, show_implicit);
        return;
    case RDB_EXPR_AGGREGATE:
        put_aggregate(out, (const rdb_expr_aggregate *)expr);
        return;
    case RDB_EXPR_WINDOW:
        put_window_call(out, (const rdb_expr_window *)expr);
        return;
    case RDB_EXPR_GROUPING:
        put_bracketed(out, "GROUPING(", &((const rdb_expr_grouping *)expr)->arguments, ")");
        return;
    case RDB_EXPR_SQL_VALUE:
        put_sql_value(out, (const rdb_expr_sql_value *)expr);
        return;
    case RDB_EXPR_NEXT_VALUE:
        put_next_value(out, ((const rdb_expr_next_value *)expr)->sequence_oid);
        return;
    default:
        deparse_fail(out, rdb_error_set(out->err, RDB_INTERNAL_ERROR, "expression kind %u has no text", expr->kind));
    }
}

void deparse_expr(deparse *out, const rdb_expr *expr, bool show_implicit)
{
    if (!out->ok)
        return;
    if (++out->depth > RDB_TREE_DEPTH_MAX)
        deparse_fail(out, rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
    else
        put_node(out, expr, show_implicit);
    out->depth--;
}
