/* SPDX-License-Identifier: Apache-2.0
 * What the ranges of a query and their columns are called when it is printed. Stored trees know tables by OID and columns by
 * number, and both may have been renamed, and columns added, since the query was written; so names are made anew: each range's
 * name is unlike those of all ranges that can be seen from it, a range's columns differ from one another, and columns that USING
 * merges keep the name they were merged under, for which the tables' alias lists rename them back. */
#include "sql/deparse_int.h"

#include <stdio.h>

static bool name_is_taken(const deparse_level *level, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (level->ranges[i].name != NULL && strcmp(level->ranges[i].name, name) == 0)
            return true;
    for (const deparse_level *outer = level->parent; outer != NULL; outer = outer->parent)
        for (uint32_t i = 0; i < outer->range_count; i++)
            if (outer->ranges[i].name != NULL && strcmp(outer->ranges[i].name, name) == 0)
                return true;
    return false;
}

/* name_1, name_2, ... cut so that it stays an identifier. */
static const char *numbered(deparse *out, const char *name, uint32_t number)
{
    char suffix[16];
    int suffix_length = snprintf(suffix, sizeof suffix, "_%u", number);
    size_t length = RDB_MIN(strlen(name), RDB_NAMEDATALEN - 1 - (size_t)suffix_length);
    return rdb_arena_printf(out->arena, "%.*s%s", (int)length, name, suffix);
}

static void name_ranges(deparse *out, deparse_level *level, bool keeps_rule_names)
{
    for (uint32_t i = 0; i < level->range_count; i++) {
        const rdb_range *range = level->query->ranges.items[i];
        const char *base = range->has_alias ? range->alias : range->kind == RDB_RANGE_JOIN ? NULL : range->relation != NULL ? range->relation->name : range->alias;
        if (base == NULL || base[0] == '\0')
            continue;
        const char *name = base;
        /* In a view's own query PostgreSQL keeps two names for its rule. */
        for (uint32_t number = 1; name_is_taken(level, i, name) || (keeps_rule_names && (strcmp(name, "old") == 0 || strcmp(name, "new") == 0)); number++)
            name = numbered(out, base, number);
        level->ranges[i].name = name;
    }
}

/* What the column really is called, whatever the query calls it. NULL: dropped. */
static const char *real_column_name(const rdb_range *range, uint32_t at)
{
    if (range->kind == RDB_RANGE_RELATION) {
        const rdb_column *column = &range->relation->columns[at];
        return column->is_dropped ? NULL : column->name;
    }
    const char *name = at < range->columns.count ? range->columns.items[at] : "";
    return name[0] == '\0' ? NULL : name;
}

static void allocate_columns(deparse *out, deparse_level *level)
{
    for (uint32_t i = 0; i < level->range_count; i++) {
        const rdb_range *range = level->query->ranges.items[i];
        deparse_range *names = &level->ranges[i];
        names->column_count = range->kind == RDB_RANGE_RELATION ? range->relation->column_count : range->columns.count;
        names->columns = RDB_NEW_ARRAY(out->arena, const char *, names->column_count + 1);
    }
}

static const rdb_expr *skip_coercions(const rdb_expr *expr)
{
    for (;;) {
        if (deparse_is_coercion(expr))
            expr = ((const rdb_expr_unary *)expr)->argument;
        else if (expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->form == RDB_FORM_IMPLICIT_CAST)
            expr = ((const rdb_expr_function *)expr)->arguments.items[0];
        else
            return expr;
    }
}

/* The columns that a merged column stands for are called like it. */
static void force_name(const deparse_level *level, const rdb_expr *expr, const char *name)
{
    expr = skip_coercions(expr);
    if (expr->kind == RDB_EXPR_COALESCE) {
        const rdb_list *arguments = &((const rdb_expr_list *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            force_name(level, arguments->items[i], name);
    } else if (expr->kind == RDB_EXPR_VAR) {
        const rdb_expr_var *var = (const rdb_expr_var *)expr;
        if (var->levels_up == 0 && var->range_no >= 1 && var->range_no <= level->range_count && var->attribute_no > 0 &&
            (uint32_t)var->attribute_no <= level->ranges[var->range_no - 1].column_count)
            level->ranges[var->range_no - 1].columns[var->attribute_no - 1] = name;
    }
}

static void add_using_names(deparse *out, deparse_level *level, const rdb_from *from, const rdb_list *above, uint32_t hidden_by)
{
    rdb_list merged = *above;
    if (from->range_no != 0 && from->range_no <= level->range_count)
        level->ranges[from->range_no - 1].hidden_by = hidden_by;
    if (!from->is_join) {
        if (from->range_no != 0 && from->range_no <= level->range_count && above->count > 0)
            level->ranges[from->range_no - 1].using_names = rdb_arena_memdup(out->arena, above, sizeof *above);
        return;
    }
    const rdb_range *join = from->range_no != 0 ? level->query->ranges.items[from->range_no - 1] : NULL;
    if (from->using_names.count > 0 && from->condition != NULL) {
        const rdb_list *conditions = from->using_names.count > 1 && from->condition->kind == RDB_EXPR_BOOL ? &((const rdb_expr_bool *)from->condition)->arguments : NULL;
        merged = (rdb_list){0};
        for (uint32_t i = 0; i < above->count; i++)
            rdb_list_push(out->arena, &merged, above->items[i]);
        for (uint32_t i = 0; i < from->using_names.count; i++) {
            const rdb_expr *equality = skip_coercions(conditions != NULL && i < conditions->count ? conditions->items[i] : from->condition);
            rdb_list_push(out->arena, &merged, from->using_names.items[i]);
            if (equality->kind != RDB_EXPR_FUNCTION || ((const rdb_expr_function *)equality)->arguments.count != 2)
                continue;
            force_name(level, ((const rdb_expr_function *)equality)->arguments.items[0], from->using_names.items[i]);
            force_name(level, ((const rdb_expr_function *)equality)->arguments.items[1], from->using_names.items[i]);
        }
    }
    uint32_t hides = join != NULL && join->has_alias ? from->range_no : hidden_by;
    add_using_names(out, level, from->left, &merged, hides);
    add_using_names(out, level, from->right, &merged, hides);
}

static bool column_is_taken(const deparse_range *names, const char *name, uint32_t but_for)
{
    for (uint32_t i = 0; i < names->column_count; i++)
        if (i != but_for && names->columns[i] != NULL && strcmp(names->columns[i], name) == 0)
            return true;
    for (uint32_t i = 0; names->using_names != NULL && i < names->using_names->count; i++)
        if (strcmp(names->using_names->items[i], name) == 0)
            return true;
    return false;
}

static void name_columns(deparse *out, const rdb_range *range, deparse_range *names)
{
    bool differ = false;
    uint32_t alias_at = 0;
    for (uint32_t i = 0; i < names->column_count; i++) {
        const char *real = real_column_name(range, i);
        if (real == NULL) {
            names->columns[i] = NULL;
            continue;
        }
        const char *given = alias_at < range->alias_columns.count ? range->alias_columns.items[alias_at] : NULL;
        alias_at++;
        if (names->columns[i] == NULL) {
            const char *base = given != NULL ? given : real, *name = base;
            for (uint32_t number = 1; column_is_taken(names, name, i); number++)
                name = numbered(out, base, number);
            names->columns[i] = name;
        }
        differ = differ || strcmp(names->columns[i], real) != 0;
    }
    names->shows_columns = range->kind == RDB_RANGE_FUNCTION || differ || (range->kind != RDB_RANGE_RELATION && range->alias_columns.count > 0);
}

static const char *variable_name(const deparse_level *level, const rdb_expr *expr)
{
    if (expr->kind != RDB_EXPR_VAR)
        return NULL;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (var->levels_up != 0 || var->range_no < 1 || var->range_no > level->range_count || var->attribute_no <= 0 ||
        (uint32_t)var->attribute_no > level->ranges[var->range_no - 1].column_count)
        return NULL;
    return level->ranges[var->range_no - 1].columns[var->attribute_no - 1];
}

/* A join's columns are called as what they stand for, unless it has an alias that calls them otherwise. */
static void name_join_columns(deparse *out, const deparse_level *level, const rdb_range *range, deparse_range *names)
{
    bool differ = false;
    for (uint32_t i = 0; i < names->column_count; i++) {
        const rdb_expr *variable = i < range->join_variables.count ? range->join_variables.items[i] : NULL;
        const char *real = variable != NULL && i >= range->merged_count ? variable_name(level, variable) : NULL;
        if (real == NULL)
            real = range->columns.items[i];
        const char *given = i < range->alias_columns.count ? range->alias_columns.items[i] : real, *name = given;
        for (uint32_t number = 1; range->has_alias && column_is_taken(names, name, i); number++)
            name = numbered(out, given, number);
        names->columns[i] = name;
        differ = differ || strcmp(name, real) != 0;
    }
    names->shows_columns = range->has_alias && (differ || range->alias_columns.count > 0);
}

void deparse_begin_level(deparse *out, deparse_level *level, const rdb_query *query, const deparse_level *parent, bool keeps_rule_names)
{
    const rdb_list none = {0};
    *level = (deparse_level){.query = query, .parent = parent, .range_count = query->ranges.count};
    level->ranges = RDB_NEW_ARRAY(out->arena, deparse_range, query->ranges.count + 1);
    name_ranges(out, level, keeps_rule_names);
    allocate_columns(out, level);
    for (uint32_t i = 0; i < query->from.count; i++)
        add_using_names(out, level, query->from.items[i], &none, 0);
    for (uint32_t i = 0; i < level->range_count; i++)
        if (((const rdb_range *)query->ranges.items[i])->kind != RDB_RANGE_JOIN)
            name_columns(out, query->ranges.items[i], &level->ranges[i]);
    for (uint32_t i = 0; i < level->range_count; i++)
        if (((const rdb_range *)query->ranges.items[i])->kind == RDB_RANGE_JOIN)
            name_join_columns(out, level, query->ranges.items[i], &level->ranges[i]);
}
