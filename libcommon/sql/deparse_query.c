/* SPDX-License-Identifier: Apache-2.0
 * Whole queries: WITH, select lists, FROM, joins, grouping, windows, set operations. */
#include "sql/analyse_int.h"
#include "sql/deparse_int.h"

/* ---- items of a list, each on its line or as many as fit ------------------------------------------------------------------------ */
typedef struct list_lines {
    rdb_strbuf *whole;   /* where the list goes; the item is written aside first */
    rdb_strbuf item;
    uint32_t count;
    bool last_was_long;  /* had a line break of its own */
} list_lines;

static void begin_item(deparse *out, list_lines *lines)
{
    lines->whole = out->text;
    rdb_strbuf_init(&lines->item, out->arena);
    out->text = &lines->item;
}

static void end_item(deparse *out, list_lines *lines, bool breaks_after_long)
{
    out->text = lines->whole;
    deparse_fail(out, rdb_strbuf_check(&lines->item, out->err));
    if (!out->ok)
        return;
    const char *item = lines->item.data != NULL ? lines->item.data : "";
    if (out->breaks_lines && out->wrap_column >= 0) {
        if (item[0] == '\n') {
            while (out->text->length > 0 && out->text->data[out->text->length - 1] == ' ')
                out->text->data[--out->text->length] = '\0';
        } else if (lines->count > 0) {
            const char *line = out->text->data != NULL ? strrchr(out->text->data, '\n') : NULL;
            size_t used = line != NULL ? strlen(line + 1) : out->text->length;
            if (used + lines->item.length > (size_t)out->wrap_column || (breaks_after_long && lines->last_was_long))
                deparse_break(out, "", -DEPARSE_STEP, DEPARSE_STEP, DEPARSE_STEP_ITEM);
        }
        lines->last_was_long = strchr(item, '\n') != NULL;
    }
    lines->count++;
    deparse_add(out, item);
}

/* ---- select lists ------------------------------------------------------------------------------------------------------------------ */
static const rdb_target *find_target(const rdb_list *targets, uint32_t ref)
{
    for (uint32_t i = 0; i < targets->count; i++)
        if (((const rdb_target *)targets->items[i])->sort_ref == ref)
            return targets->items[i];
    return NULL;
}

/* Without the coercion that made it a member's column of the set's type. */
static const rdb_expr *as_written(const rdb_expr *expr)
{
    if (expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->form == RDB_FORM_IMPLICIT_CAST)
        return as_written(((const rdb_expr_function *)expr)->arguments.items[0]);
    if (deparse_is_coercion(expr) && ((const rdb_expr_unary *)expr)->form == RDB_FORM_IMPLICIT_CAST)
        return as_written(((const rdb_expr_unary *)expr)->argument);
    return expr;
}

static void put_targets(deparse *out, const rdb_list *targets, const deparse_results *results)
{
    list_lines lines = {0};
    uint32_t column = 0;
    for (uint32_t i = 0; i < targets->count && out->ok; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        if (column > 0)
            deparse_add(out, ", ");
        begin_item(out, &lines);
        const char *shown = results->names_matter ? NULL : "?column?", *name = target->name;
        if (results->view != NULL && column < results->view->column_count)
            name = results->view->columns[column].name;
        column++;
        const rdb_expr *expr = results->is_member ? as_written(target->expr) : target->expr;
        const char *merged = NULL;
        if (expr->kind == RDB_EXPR_VAR)
            shown = deparse_variable(out, (const rdb_expr_var *)expr, true);
        else if ((merged = deparse_merged_column(out, expr)) != NULL)
            shown = merged;
        else
            deparse_expr(out, expr, !results->is_member);
        if (name != NULL && (shown == NULL || strcmp(shown, name) != 0)) {
            deparse_add(out, " AS ");
            deparse_name(out, name);
        }
        end_item(out, &lines, true);
    }
}

/* ---- ORDER BY, GROUP BY ------------------------------------------------------------------------------------------------------------ */
static void put_reference(deparse *out, const rdb_list *targets, uint32_t ref, bool by_number)
{
    const rdb_target *target = find_target(targets, ref);
    if (target == NULL) {
        deparse_fail(out, rdb_error_set(out->err, RDB_DATA_CORRUPTED, "stored query refers to a column that it does not have"));
        return;
    }
    const rdb_expr *expr = target->expr;
    if (by_number) {
        rdb_strbuf_addf(out->text, "%d", target->number);
    } else if (expr->kind == RDB_EXPR_CONST) {
        deparse_constant(out, (const rdb_expr_const *)expr, 1); /* a bare number would be a column's */
    } else if (expr->kind == RDB_EXPR_VAR) {
        deparse_variable(out, (const rdb_expr_var *)expr, false);
    } else {
        bool is_call = expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->operator_oid == 0;
        bool brackets = out->is_pretty || is_call || expr->kind == RDB_EXPR_AGGREGATE || expr->kind == RDB_EXPR_WINDOW;
        if (brackets)
            rdb_strbuf_addc(out->text, '(');
        deparse_expr(out, expr, true);
        if (brackets)
            rdb_strbuf_addc(out->text, ')');
    }
}

void deparse_order(deparse *out, const rdb_list *items, const rdb_list *targets, bool by_number)
{
    for (uint32_t i = 0; i < items->count && out->ok; i++) {
        const rdb_sort_item *item = items->items[i];
        const rdb_target *target = find_target(targets, item->target_ref);
        uint32_t less = 0, greater = 0;
        if (i > 0)
            deparse_add(out, ", ");
        put_reference(out, targets, item->target_ref, by_number);
        if (target == NULL)
            return;
        deparse_fail(out, rdb_opclass_operator(out->access, target->expr->type->oid, target->expr->type->oid, 1, &less, out->err) &&
                              rdb_opclass_operator(out->access, target->expr->type->oid, target->expr->type->oid, 5, &greater, out->err));
        bool is_own = item->order_oid != 0 && less != 0 && item->order_oid != less && item->order_oid != greater;
        const rdb_type *type = target->expr->type;
        while (type->kind == 'd' && type->base != NULL)
            type = type->base;
        if (type->category == 'A' || type->kind == 'e' || type->kind == 'c' || type->oid == RDB_VARCHAROID || less == 0 || type->kind == 'r' || type->kind == 'm')
            is_own = false; /* ordered through a class of a wider type */
        if (is_own) {
            rdb_strbuf_addf(out->text, " USING %s", deparse_operator(out, item->order_oid));
            deparse_add(out, item->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        } else if (item->is_descending) {
            deparse_add(out, item->nulls_first ? " DESC" : " DESC NULLS LAST");
        } else if (item->nulls_first) {
            deparse_add(out, " NULLS FIRST");
        }
    }
}

static void put_references(deparse *out, const rdb_list *items, const rdb_list *targets)
{
    for (uint32_t i = 0; i < items->count; i++) {
        if (i > 0)
            deparse_add(out, ", ");
        put_reference(out, targets, ((const rdb_sort_item *)items->items[i])->target_ref, false);
    }
}

static void put_grouping_set(deparse *out, const rdb_query *query, const rdb_grouping_set *set, bool omits_brackets)
{
    const char *word = "";
    if (set->kind == RDB_GROUPING_EMPTY) {
        deparse_add(out, "()");
        return;
    }
    if (set->kind == RDB_GROUPING_SIMPLE) {
        bool brackets = !omits_brackets || set->content.count != 1;
        if (brackets)
            rdb_strbuf_addc(out->text, '(');
        for (uint32_t i = 0; i < set->content.count; i++) {
            if (i > 0)
                deparse_add(out, ", ");
            put_reference(out, &query->targets, (uint32_t)(uintptr_t)set->content.items[i], false);
        }
        if (brackets)
            rdb_strbuf_addc(out->text, ')');
        return;
    }
    word = set->kind == RDB_GROUPING_ROLLUP ? "ROLLUP(" : set->kind == RDB_GROUPING_CUBE ? "CUBE(" : "GROUPING SETS (";
    deparse_add(out, word);
    for (uint32_t i = 0; i < set->content.count; i++) {
        if (i > 0)
            deparse_add(out, ", ");
        put_grouping_set(out, query, set->content.items[i], set->kind != RDB_GROUPING_SETS);
    }
    rdb_strbuf_addc(out->text, ')');
}

/* ---- windows ------------------------------------------------------------------------------------------------------------------------ */
static void put_frame(deparse *out, const rdb_window *window)
{
    uint32_t options = window->frame_options;
    deparse_add(out, options & RDB_SQL_FRAME_RANGE ? "RANGE " : options & RDB_SQL_FRAME_ROWS ? "ROWS " : "GROUPS ");
    if (options & RDB_SQL_FRAME_BETWEEN)
        deparse_add(out, "BETWEEN ");
    if (options & RDB_SQL_FRAME_START_UNBOUNDED_PRECEDING) {
        deparse_add(out, "UNBOUNDED PRECEDING ");
    } else if (options & RDB_SQL_FRAME_START_CURRENT_ROW) {
        deparse_add(out, "CURRENT ROW ");
    } else if (window->start_offset != NULL) {
        deparse_expr(out, window->start_offset, false);
        deparse_add(out, options & RDB_SQL_FRAME_START_OFFSET_PRECEDING ? " PRECEDING " : " FOLLOWING ");
    }
    if (options & RDB_SQL_FRAME_BETWEEN) {
        deparse_add(out, "AND ");
        if (options & RDB_SQL_FRAME_END_UNBOUNDED_FOLLOWING) {
            deparse_add(out, "UNBOUNDED FOLLOWING ");
        } else if (options & RDB_SQL_FRAME_END_CURRENT_ROW) {
            deparse_add(out, "CURRENT ROW ");
        } else if (window->end_offset != NULL) {
            deparse_expr(out, window->end_offset, false);
            deparse_add(out, options & RDB_SQL_FRAME_END_OFFSET_PRECEDING ? " PRECEDING " : " FOLLOWING ");
        }
    }
    deparse_add(out, options & RDB_SQL_FRAME_EXCLUDE_CURRENT_ROW ? "EXCLUDE CURRENT ROW " : options & RDB_SQL_FRAME_EXCLUDE_GROUP ? "EXCLUDE GROUP " : options & RDB_SQL_FRAME_EXCLUDE_TIES ? "EXCLUDE TIES " : "");
    out->text->data[--out->text->length] = '\0'; /* the blank after the last word */
}

void deparse_window(deparse *out, const rdb_query *query, const rdb_window *window, const rdb_list *targets)
{
    const rdb_window *base = NULL;
    const char *gap = "";
    for (uint32_t i = 0; window->base_name != NULL && i < query->windows.count; i++) {
        const rdb_window *other = query->windows.items[i];
        if (other != window && other->name != NULL && strcmp(other->name, window->base_name) == 0)
            base = other;
    }
    rdb_strbuf_addc(out->text, '(');
    if (window->base_name != NULL) {
        deparse_name(out, window->base_name);
        gap = " ";
    }
    if (window->partition.count > 0 && window->base_name == NULL) {
        deparse_add(out, gap);
        deparse_add(out, "PARTITION BY ");
        put_references(out, &window->partition, targets);
        gap = " ";
    }
    if (window->order.count > 0 && (base == NULL || base->order.count == 0)) {
        deparse_add(out, gap);
        deparse_add(out, "ORDER BY ");
        deparse_order(out, &window->order, targets, false);
        gap = " ";
    }
    if (window->frame_options & RDB_SQL_FRAME_WRITTEN) {
        deparse_add(out, gap);
        put_frame(out, window);
    }
    rdb_strbuf_addc(out->text, ')');
}

static void put_windows(deparse *out, const rdb_query *query)
{
    bool is_first = true;
    for (uint32_t i = 0; i < query->windows.count; i++) {
        const rdb_window *window = query->windows.items[i];
        if (window->name == NULL)
            continue;
        if (is_first)
            deparse_break(out, " WINDOW ", -DEPARSE_STEP, DEPARSE_STEP, 1);
        else
            deparse_add(out, ", ");
        is_first = false;
        deparse_name(out, window->name);
        deparse_add(out, " AS ");
        deparse_window(out, query, window, &query->targets);
    }
}

/* ---- FROM -------------------------------------------------------------------------------------------------------------------------- */
static void put_values(deparse *out, const rdb_list *rows)
{
    deparse_add(out, "VALUES ");
    for (uint32_t r = 0; r < rows->count && out->ok; r++) {
        const rdb_list *row = rows->items[r];
        deparse_add(out, r > 0 ? ", (" : "(");
        for (uint32_t i = 0; i < row->count; i++) {
            if (i > 0)
                rdb_strbuf_addc(out->text, ',');
            deparse_expr_top(out, row->items[i], false);
        }
        rdb_strbuf_addc(out->text, ')');
    }
}

static void put_column_list(deparse *out, const deparse_range *names)
{
    bool is_first = true;
    for (uint32_t i = 0; i < names->column_count; i++) {
        if (names->columns[i] == NULL)
            continue;
        deparse_add(out, is_first ? "(" : ", ");
        is_first = false;
        deparse_name(out, names->columns[i]);
    }
    if (!is_first)
        rdb_strbuf_addc(out->text, ')');
}

static void put_definitions(deparse *out, const rdb_range_function *function, const deparse_range *names, const rdb_list *columns)
{
    for (uint32_t i = 0; i < function->types.count; i++) {
        const rdb_type *type = function->types.items[i];
        deparse_add(out, i == 0 ? "(" : ", ");
        deparse_name(out, names != NULL && i < names->column_count && names->columns[i] != NULL ? names->columns[i] : columns->items[i]);
        rdb_strbuf_addc(out->text, ' ');
        deparse_type(out, type, function->typmods[i]);
        if (function->collations[i] != 0 && function->collations[i] != type->collation) {
            deparse_add(out, " COLLATE ");
            deparse_collation(out, function->collations[i]);
        }
    }
    rdb_strbuf_addc(out->text, ')');
}

static bool is_unnest(const rdb_range_function *function)
{
    return function->types.count == 0 && function->call->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)function->call)->function->oid == 2331;
}

static void put_function_call(deparse *out, const rdb_expr *call)
{
    bool is_call = (call->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)call)->operator_oid == 0 &&
                    (((const rdb_expr_function *)call)->form == RDB_FORM_CALL || ((const rdb_expr_function *)call)->form == RDB_FORM_SQL_SYNTAX)) ||
                   call->kind == RDB_EXPR_COALESCE || call->kind == RDB_EXPR_MINMAX || call->kind == RDB_EXPR_NULLIF || call->kind == RDB_EXPR_SQL_VALUE;
    if (is_call) {
        deparse_expr(out, call, true);
        return;
    }
    deparse_add(out, "CAST(");
    deparse_expr(out, call, false);
    deparse_add(out, " AS ");
    deparse_type(out, call->type, call->typmod);
    rdb_strbuf_addc(out->text, ')');
}

static void put_functions(deparse *out, const rdb_range *range)
{
    const rdb_range_function *first = range->functions.items[0];
    if (range->functions.count == 1 && (first->types.count == 0 || !range->with_ordinality)) {
        put_function_call(out, first->call);
    } else {
        bool all_unnest = true;
        for (uint32_t i = 0; i < range->functions.count; i++)
            all_unnest = all_unnest && is_unnest(range->functions.items[i]);
        deparse_add(out, all_unnest ? "unnest(" : "ROWS FROM(");
        for (uint32_t i = 0, column = 0; i < range->functions.count; i++) {
            const rdb_range_function *function = range->functions.items[i];
            if (i > 0)
                deparse_add(out, ", ");
            if (all_unnest) {
                deparse_expr(out, ((const rdb_expr_function *)function->call)->arguments.items[0], true);
            } else {
                put_function_call(out, function->call);
                if (function->types.count > 0) {
                    rdb_list columns = {.items = range->columns.items + column, .count = function->types.count};
                    deparse_add(out, " AS ");
                    put_definitions(out, function, NULL, &columns);
                }
            }
            column += function->column_count;
        }
        rdb_strbuf_addc(out->text, ')');
    }
    if (range->with_ordinality)
        deparse_add(out, " WITH ORDINALITY");
}

static void put_subquery(deparse *out, const rdb_query *query, const deparse_results *results)
{
    const int32_t indent = out->indent;
    deparse_query(out, query, out->level, results, false);
    out->indent = indent;
}

static bool find_own_variable(void *found, const rdb_expr *node, uint32_t levels)
{
    if (node->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)node)->levels_up == levels)
        *(bool *)found = true;
    return !*(bool *)found;
}

/* A function may look left without saying LATERAL; PostgreSQL prints the word where it does. */
static bool looks_left(const rdb_range *range)
{
    bool found = false;
    for (uint32_t i = 0; i < range->functions.count; i++)
        analyse_walk(((const rdb_range_function *)range->functions.items[i])->call, 0, find_own_variable, &found);
    return found;
}

static void put_range(deparse *out, uint32_t range_no)
{
    const rdb_range *range = out->level->query->ranges.items[range_no - 1];
    const deparse_range *names = &out->level->ranges[range_no - 1];
    const deparse_results results = {.names_matter = true};
    const char *own_name = NULL; /* what it would be called without alias */
    const rdb_range_function *defined = NULL;
    if (range->kind == RDB_RANGE_SUBQUERY ? range->is_lateral : range->kind == RDB_RANGE_FUNCTION && looks_left(range))
        deparse_add(out, "LATERAL ");
    switch (range->kind) {
    case RDB_RANGE_RELATION:
        if (!range->is_inherited)
            deparse_add(out, "ONLY ");
        deparse_relation_name(out, range->relation);
        own_name = range->relation->name;
        break;
    case RDB_RANGE_SUBQUERY:
        rdb_strbuf_addc(out->text, '(');
        put_subquery(out, range->subquery, &results);
        rdb_strbuf_addc(out->text, ')');
        break;
    case RDB_RANGE_FUNCTION:
        if (range->functions.count == 1 && ((const rdb_range_function *)range->functions.items[0])->types.count > 0 && !range->with_ordinality)
            defined = range->functions.items[0];
        put_functions(out, range);
        break;
    case RDB_RANGE_VALUES:
        rdb_strbuf_addc(out->text, '(');
        put_values(out, &range->values);
        rdb_strbuf_addc(out->text, ')');
        break;
    case RDB_RANGE_CTE:
        deparse_name(out, range->cte_name);
        own_name = range->cte_name;
        break;
    default:
        deparse_fail(out, rdb_error_set(out->err, RDB_INTERNAL_ERROR, "range of kind %u has no text", range->kind));
        return;
    }
    bool shows_name = names->name != NULL && (range->has_alias || own_name == NULL || strcmp(own_name, names->name) != 0 || names->shows_columns);
    if (shows_name) {
        rdb_strbuf_addc(out->text, ' ');
        deparse_name(out, names->name);
    }
    if (defined != NULL) {
        if (!shows_name)
            deparse_add(out, " AS ");
        put_definitions(out, defined, names, &range->columns);
    } else if (names->shows_columns) {
        put_column_list(out, names);
    }
    if (range->sample_method != RDB_SAMPLE_NONE) {
        static const char *const METHODS[] = {"", "system", "bernoulli", "rdb_as_of_scn", "rdb_as_of_timestamp"};
        deparse_add(out, " TABLESAMPLE ");
        deparse_add(out, METHODS[range->sample_method]);
        deparse_add(out, " (");
        deparse_expr(out, range->sample_percent, false);
        rdb_strbuf_addc(out->text, ')');
        if (range->sample_seed != NULL) {
            deparse_add(out, " REPEATABLE (");
            deparse_expr(out, range->sample_seed, false);
            rdb_strbuf_addc(out->text, ')');
        }
    }
}

static void put_from(deparse *out, const rdb_from *from);

static void put_join(deparse *out, const rdb_from *from)
{
    static const char *const WORDS[] = {" JOIN ", " LEFT JOIN ", " FULL JOIN ", " RIGHT JOIN "};
    const rdb_range *join = from->range_no != 0 ? out->level->query->ranges.items[from->range_no - 1] : NULL;
    deparse_range *names = join != NULL ? &out->level->ranges[from->range_no - 1] : NULL;
    bool has_alias = join != NULL && join->has_alias;
    const rdb_range *right_join = from->right->is_join && from->right->range_no != 0 ? out->level->query->ranges.items[from->right->range_no - 1] : NULL;
    bool brackets = !out->is_pretty || has_alias;
    bool right_brackets = out->is_pretty && from->right->is_join && !(right_join != NULL && right_join->has_alias);
    if (from->join_kind >= RDB_COUNT_OF(WORDS)) {
        deparse_fail(out, rdb_error_set(out->err, RDB_INTERNAL_ERROR, "join of kind %u has no text", from->join_kind));
        return;
    }
    if (brackets)
        rdb_strbuf_addc(out->text, '(');
    if (names != NULL)
        names->is_open = true;
    put_from(out, from->left);
    bool is_cross = from->join_kind == RDB_JOIN_INNER && from->condition == NULL;
    deparse_break(out, is_cross ? " CROSS JOIN " : WORDS[from->join_kind], -DEPARSE_STEP, DEPARSE_STEP, DEPARSE_STEP_JOIN);
    if (right_brackets)
        rdb_strbuf_addc(out->text, '(');
    put_from(out, from->right);
    if (right_brackets)
        rdb_strbuf_addc(out->text, ')');
    if (from->using_names.count > 0) {
        for (uint32_t i = 0; i < from->using_names.count; i++) {
            deparse_add(out, i == 0 ? " USING (" : ", ");
            deparse_name(out, from->using_names.items[i]);
        }
        rdb_strbuf_addc(out->text, ')');
        if (join != NULL && join->join_using_alias.count > 0) {
            deparse_add(out, " AS ");
            deparse_name(out, join->join_using_alias.items[0]);
        }
    } else if (from->condition != NULL) {
        deparse_add(out, " ON ");
        if (!out->is_pretty)
            rdb_strbuf_addc(out->text, '(');
        deparse_expr(out, from->condition, false);
        if (!out->is_pretty)
            rdb_strbuf_addc(out->text, ')');
    } else if (!is_cross) {
        deparse_add(out, " ON TRUE");
    }
    if (brackets)
        rdb_strbuf_addc(out->text, ')');
    if (names != NULL)
        names->is_open = false;
    if (has_alias) {
        rdb_strbuf_addc(out->text, ' ');
        deparse_name(out, names->name);
        if (names->shows_columns)
            put_column_list(out, names);
    }
}

static void put_from(deparse *out, const rdb_from *from)
{
    if (++out->depth > RDB_TREE_DEPTH_MAX)
        deparse_fail(out, rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
    if (out->ok) {
        if (from->is_join)
            put_join(out, from);
        else
            put_range(out, from->range_no);
    }
    out->depth--;
}

/* word: FROM, or USING of DELETE. The row of a rule is in the list, and is not written. */
static void put_from_list(deparse *out, const rdb_query *query, const char *word)
{
    list_lines lines = {0};
    const bool has_rule = rdb_rule_has_ranges(query);
    bool is_first = true;
    for (uint32_t i = 0; i < query->from.count && out->ok; i++) {
        const rdb_from *from = query->from.items[i];
        if (has_rule && !from->is_join && from->range_no <= 2)
            continue;
        if (is_first) {
            deparse_break(out, word, -DEPARSE_STEP, DEPARSE_STEP, 2);
            put_from(out, from);
            lines.count = 1;
            is_first = false;
            continue;
        }
        deparse_add(out, ", ");
        begin_item(out, &lines);
        put_from(out, from);
        end_item(out, &lines, false);
    }
}

/* ---- queries ------------------------------------------------------------------------------------------------------------------------ */
/* VALUES alone is kept as SELECT * FROM (VALUES ...). In a rule, its row may stand beside it. NULL: it is no such query. */
static const rdb_range *plain_values(const rdb_query *query)
{
    const bool has_rule = rdb_rule_has_ranges(query);
    const rdb_from *from = query->from.count > 0 ? query->from.items[0] : NULL;
    if (from == NULL || from->is_join || query->ranges.count != (has_rule ? 3 : 1) || query->from.count > (has_rule ? 2 : 1) || query->where != NULL || query->group.count > 0 ||
        query->having != NULL || query->distinct.count > 0)
        return NULL;
    const rdb_range *range = query->ranges.items[from->range_no - 1];
    if (range->kind != RDB_RANGE_VALUES || range->has_alias)
        return NULL;
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_target *target = query->targets.items[i];
        const rdb_expr_var *var = (const rdb_expr_var *)target->expr;
        if (target->is_junk || target->expr->kind != RDB_EXPR_VAR || var->attribute_no != (int16_t)(i + 1) || var->levels_up != 0)
            return NULL;
    }
    return query->targets.count == range->columns.count ? range : NULL;
}

static void put_select(deparse *out, const rdb_query *query, const deparse_results *results)
{
    if (out->breaks_lines) {
        out->indent += DEPARSE_STEP;
        rdb_strbuf_addc(out->text, ' ');
    }
    const rdb_range *values = plain_values(query);
    if (values != NULL) {
        bool renamed = false; /* a view may call the columns otherwise; then it takes a whole SELECT */
        for (uint32_t i = 0; results->view != NULL && i < query->targets.count; i++)
            renamed = renamed || strcmp(results->view->columns[i].name, values->columns.items[i]) != 0;
        if (!renamed) {
            put_values(out, &values->values);
            return;
        }
    }
    deparse_add(out, query->is_return != 0 ? "RETURN " : "SELECT ");
    if (query->distinct.count > 0) {
        deparse_add(out, "DISTINCT ");
        if (query->has_distinct_on) {
            deparse_add(out, "ON (");
            put_references(out, &query->distinct, &query->targets);
            deparse_add(out, ") ");
        }
    }
    if (query->is_return != 0) { /* its one column has no name */
        deparse_expr(out, ((const rdb_target *)query->targets.items[0])->expr, true);
        return;
    }
    put_targets(out, &query->targets, results);
    if (query->targets.count == 0 || ((const rdb_target *)query->targets.items[0])->is_junk) {
        while (out->text->length > 0 && out->text->data[out->text->length - 1] == ' ') /* no columns at all */
            out->text->data[--out->text->length] = '\0';
    }
    put_from_list(out, query, " FROM ");
    if (query->where != NULL) {
        deparse_break(out, " WHERE ", -DEPARSE_STEP, DEPARSE_STEP, 1);
        deparse_expr(out, query->where, false);
    }
    if (query->group.count > 0 || query->grouping_sets.count > 0) {
        deparse_break(out, " GROUP BY ", -DEPARSE_STEP, DEPARSE_STEP, 1);
        if (query->group_distinct)
            deparse_add(out, "DISTINCT ");
        if (query->grouping_sets.count == 0)
            put_references(out, &query->group, &query->targets);
        for (uint32_t i = 0; i < query->grouping_sets.count; i++) {
            if (i > 0)
                deparse_add(out, ", ");
            put_grouping_set(out, query, query->grouping_sets.items[i], true);
        }
    }
    if (query->having != NULL) {
        deparse_break(out, " HAVING ", -DEPARSE_STEP, DEPARSE_STEP, 0);
        deparse_expr(out, query->having, false);
    }
    put_windows(out, query);
}

/* A member that was put in a sub-query for its types prints as it was written. */
static const rdb_query *member_query(const rdb_query *query)
{
    while (query->ranges.count == 1 && query->from.count == 1) {
        const rdb_range *range = query->ranges.items[0];
        if (range->kind != RDB_RANGE_SUBQUERY || range->has_alias || range->alias == NULL || strcmp(range->alias, "*SELECT*") != 0)
            break;
        query = range->subquery;
    }
    return query;
}

static void put_set_operation(deparse *out, const rdb_query *query, const rdb_set_operation *node, const deparse_results *results)
{
    if (node->range_no != 0) {
        const rdb_query *member = member_query(((const rdb_range *)query->ranges.items[node->range_no - 1])->subquery);
        bool brackets = member->ctes.count > 0 || member->sort.count > 0 || member->row_marks.count > 0 || member->limit_count != NULL || member->limit_offset != NULL;
        deparse_results inner = *results;
        inner.is_member = true;
        if (brackets)
            rdb_strbuf_addc(out->text, '(');
        put_subquery(out, member, &inner);
        if (brackets)
            rdb_strbuf_addc(out->text, ')');
        return;
    }
    if (++out->depth > RDB_TREE_DEPTH_MAX) {
        deparse_fail(out, rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        return;
    }
    bool brackets = node->left->range_no == 0 && (node->left->kind != node->kind || node->left->all != node->all);
    int32_t step = brackets ? DEPARSE_STEP : 0;
    if (brackets) {
        rdb_strbuf_addc(out->text, '(');
        deparse_break(out, "", step, 0, 0);
    }
    put_set_operation(out, query, node->left, results);
    if (brackets)
        deparse_break(out, ") ", -step, 0, 0);
    else if (out->breaks_lines)
        deparse_break(out, "", -step, 0, 0);
    else
        rdb_strbuf_addc(out->text, ' ');
    deparse_add(out, node->kind == RDB_SET_UNION ? "UNION " : node->kind == RDB_SET_INTERSECT ? "INTERSECT " : "EXCEPT ");
    if (node->all)
        deparse_add(out, "ALL ");
    brackets = node->right->range_no == 0;
    step = brackets ? DEPARSE_STEP : 0;
    if (brackets)
        rdb_strbuf_addc(out->text, '(');
    deparse_break(out, "", step, 0, 0);
    deparse_results right = *results;
    right.names_matter = false;
    put_set_operation(out, query, node->right, &right);
    if (out->breaks_lines)
        out->indent -= step;
    if (brackets)
        deparse_break(out, ")", 0, 0, 0);
    out->depth--;
}

static void put_with(deparse *out, const rdb_query *query)
{
    const deparse_results results = {.names_matter = true};
    if (query->ctes.count == 0)
        return;
    if (out->breaks_lines) {
        out->indent += DEPARSE_STEP;
        rdb_strbuf_addc(out->text, ' ');
    }
    deparse_add(out, query->has_recursive ? "WITH RECURSIVE " : "WITH ");
    for (uint32_t i = 0; i < query->ctes.count && out->ok; i++) {
        const rdb_cte *cte = query->ctes.items[i];
        if (i > 0)
            deparse_add(out, ", ");
        deparse_name(out, cte->name);
        bool is_renamed = false;
        const rdb_list *targets = rdb_query_result_targets(cte->query);
        for (uint32_t t = 0, column = 0; t < targets->count; t++) {
            const rdb_target *target = targets->items[t];
            if (!target->is_junk && column < cte->column_names.count)
                is_renamed = is_renamed || target->name == NULL || strcmp(target->name, cte->column_names.items[column++]) != 0;
        }
        for (uint32_t c = 0; is_renamed && c < cte->column_names.count; c++) {
            deparse_add(out, c == 0 ? "(" : ", ");
            deparse_name(out, cte->column_names.items[c]);
        }
        if (is_renamed)
            rdb_strbuf_addc(out->text, ')');
        deparse_add(out, cte->materialized == 1 ? " AS MATERIALIZED (" : cte->materialized == 2 ? " AS NOT MATERIALIZED (" : " AS (");
        if (out->breaks_lines)
            deparse_break(out, "", 0, 0, 0);
        put_subquery(out, cte->query, &results);
        if (out->breaks_lines)
            deparse_break(out, "", 0, 0, 0);
        rdb_strbuf_addc(out->text, ')');
    }
    if (out->breaks_lines) {
        out->indent -= DEPARSE_STEP;
        deparse_break(out, "", 0, 0, 0);
    } else {
        rdb_strbuf_addc(out->text, ' ');
    }
}

static void put_row_marks(deparse *out, const rdb_query *query)
{
    static const char *const WORDS[] = {" FOR KEY SHARE", " FOR SHARE", " FOR NO KEY UPDATE", " FOR UPDATE"};
    for (uint32_t i = 0; i < query->row_marks.count; i++) {
        const rdb_row_mark *mark = query->row_marks.items[i];
        if (mark->pushed_down)
            continue;
        deparse_break(out, mark->strength < RDB_COUNT_OF(WORDS) ? WORDS[mark->strength] : " FOR UPDATE", -DEPARSE_STEP, DEPARSE_STEP, 0);
        deparse_add(out, " OF ");
        deparse_name(out, out->level->ranges[mark->range_no - 1].name);
        deparse_add(out, mark->policy == RDB_LOCK_NOWAIT ? " NOWAIT" : mark->policy == RDB_LOCK_SKIP ? " SKIP LOCKED" : "");
    }
}

static void put_whole(deparse *out, const rdb_query *query, const deparse_results *results)
{
    put_with(out, query);
    if (query->command != RDB_COMMAND_SELECT) {
        deparse_change(out, query);
        return;
    }
    if (query->set_operation != NULL)
        put_set_operation(out, query, query->set_operation, results);
    else
        put_select(out, query, results);
    if (query->sort.count > 0) {
        deparse_break(out, " ORDER BY ", -DEPARSE_STEP, DEPARSE_STEP, 1);
        deparse_order(out, &query->sort, &query->targets, query->set_operation != NULL);
    }
    if (query->limit_offset != NULL) {
        deparse_break(out, " OFFSET ", -DEPARSE_STEP, DEPARSE_STEP, 0);
        deparse_expr(out, query->limit_offset, false);
    }
    if (query->limit_count != NULL) {
        if (query->with_ties) {
            deparse_break(out, " FETCH FIRST (", -DEPARSE_STEP, DEPARSE_STEP, 0);
            deparse_expr(out, query->limit_count, false);
            deparse_add(out, ") ROWS WITH TIES");
        } else {
            deparse_break(out, " LIMIT ", -DEPARSE_STEP, DEPARSE_STEP, 0);
            const rdb_expr_const *count = (const rdb_expr_const *)query->limit_count;
            if (query->limit_count->kind == RDB_EXPR_CONST && count->is_null)
                deparse_add(out, "ALL");
            else
                deparse_expr(out, query->limit_count, false);
        }
    }
    put_row_marks(out, query);
}

void deparse_values(deparse *out, const rdb_list *rows)
{
    put_values(out, rows);
}

void deparse_from_list(deparse *out, const rdb_query *query, const char *word)
{
    put_from_list(out, query, word);
}

void deparse_targets(deparse *out, const rdb_list *targets)
{
    const deparse_results results = {.names_matter = true};
    put_targets(out, targets, &results);
}

void deparse_query(deparse *out, const rdb_query *query, const deparse_level *parent, const deparse_results *results, bool keeps_rule_names)
{
    const deparse_level *outer = out->level;
    deparse_level level;
    if (++out->depth > RDB_TREE_DEPTH_MAX) {
        deparse_fail(out, rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        return;
    }
    deparse_begin_level(out, &level, query, parent, keeps_rule_names);
    out->level = &level;
    put_whole(out, query, results);
    out->level = outer;
    out->depth--;
}
