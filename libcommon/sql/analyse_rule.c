/* SPDX-License-Identifier: Apache-2.0
 * CREATE RULE: the condition and the actions of a rule for changes of a relation. Both know the row as it was and as it will be under
 * the names old and new, which are ranges 1 and 2 wherever they can be named; they are never read as tables. An action that needs the
 * row has old in its FROM list: there the rewrite puts the table that the statement changes. */
#include "sql/analyse_int.h"

#include <stdlib.h>

bool analyse_begin_rule(analyse_state *state, const analyse_rule *rule, bool columns_visible, rdb_error *err)
{
    static const char *const NAMES[] = {"old", "new"};
    for (uint32_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        analyse_item *item = analyse_add_relation(state, rule->relation, NAMES[i], NULL, RDB_LOCK_NONE, false);
        item->range->required_privileges = 0; /* who may change the table has its rows in hand */
        const bool is_there = i == 0 ? rule->event != RDB_SQL_RULE_INSERT : rule->event != RDB_SQL_RULE_DELETE;
        if (is_there && !analyse_push_item(state, item, true, columns_visible, err))
            return false;
    }
    return true;
}

bool rdb_rule_has_ranges(const rdb_query *query)
{
    static const char *const NAMES[] = {"old", "new"};
    if (query->ranges.count < RDB_COUNT_OF(NAMES))
        return false;
    for (uint32_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        const rdb_range *range = query->ranges.items[i];
        if (range->kind != RDB_RANGE_RELATION || !range->has_alias || range->lock_mode != RDB_LOCK_NONE || strcmp(range->alias, NAMES[i]) != 0)
            return false;
    }
    return true;
}

rdb_query *rdb_rule_part(rdb_query *action)
{
    if (action->command != RDB_COMMAND_INSERT || rdb_rule_has_ranges(action) || action->from.count != 1)
        return action;
    const rdb_from *from = action->from.items[0];
    const rdb_range *range = from->is_join || from->range_no == 0 ? NULL : action->ranges.items[from->range_no - 1];
    return range != NULL && range->kind == RDB_RANGE_SUBQUERY && rdb_rule_has_ranges(range->subquery) ? range->subquery : action;
}

/* Is the INSERT's source a whole SELECT? Then that one has old and new. */
static bool is_from_select(const rdb_ast_node *raw)
{
    const rdb_ast_insert *insert = (const rdb_ast_insert *)raw;
    if (raw->tag != RDB_AST_INSERT || insert->query == NULL || insert->query->tag != RDB_AST_SELECT)
        return false;
    const rdb_ast_select *select = (const rdb_ast_select *)insert->query;
    return select->values.count == 0 || select->sort.count > 0 || select->limit_count != NULL || select->limit_offset != NULL || select->with != NULL ||
           select->locking.count > 0;
}

/* ---- which of old and new are named ------------------------------------------------------------------------------------------------ */
typedef struct naming {
    uint32_t range_no;
    bool is_named;
} naming;

static bool see_name(void *context, const rdb_expr *node, uint32_t levels)
{
    naming *n = context;
    if (node->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)node)->levels_up == levels && ((const rdb_expr_var *)node)->range_no == n->range_no)
        n->is_named = true;
    return !n->is_named;
}

static bool names(const rdb_query *part, const rdb_expr *condition, uint32_t range_no)
{
    naming n = {.range_no = range_no};
    (void)analyse_walk_query(part, 0, see_name, &n);
    if (!n.is_named && condition != NULL)
        (void)analyse_walk(condition, 0, see_name, &n);
    return n.is_named;
}

static bool names_in_with(const rdb_query *query, uint32_t range_no)
{
    naming n = {.range_no = range_no};
    for (uint32_t i = 0; i < query->ctes.count && !n.is_named; i++)
        (void)analyse_walk_query(((const rdb_cte *)query->ctes.items[i])->query, 1, see_name, &n);
    return n.is_named;
}

/* ---- one action --------------------------------------------------------------------------------------------------------------------- */
static bool analyse_action(rdb_analysis *analysis, const analyse_rule *rule, const rdb_ast_node *raw, const rdb_expr *condition, rdb_query **action, rdb_error *err)
{
    analyse_state state = {.analysis = analysis, .query = RDB_NEW(analysis->arena, rdb_query)};
    *action = state.query;
    if (raw->tag == RDB_AST_NOTIFY) {
        const rdb_ast_notify *notify = (const rdb_ast_notify *)raw;
        if (condition != NULL)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "rules with WHERE conditions can only have SELECT, INSERT, UPDATE, or DELETE actions");
        state.query->command = RDB_COMMAND_UTILITY;
        state.query->notify_channel = notify->channel;
        state.query->notify_payload = notify->payload;
        return true;
    }
    state.query->location = raw->location;
    if (is_from_select(raw))
        state.passes_rule = rule;
    else if (!analyse_begin_rule(&state, rule, false, err))
        return false;
    if (!analyse_body(&state, raw, err))
        return false;
    rdb_query *part = rdb_rule_part(state.query);
    const bool has_old = names(part, condition, 1), has_new = names(part, condition, 2);
    for (uint32_t i = 1; i <= 2; i++)
        if (names_in_with(state.query, i) || names_in_with(part, i))
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot refer to %s within WITH query", i == 1 ? "OLD" : "NEW");
    const bool needs_row = has_old || (has_new && rule->event == RDB_SQL_RULE_UPDATE);
    if (part->set_operation != NULL && (condition != NULL || needs_row))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "conditional UNION/INTERSECT/EXCEPT statements are not implemented");
    if (needs_row) {
        rdb_from *from = RDB_NEW(analysis->arena, rdb_from);
        from->range_no = 1;
        rdb_list_push(analysis->arena, &part->from, from);
    }
    return true;
}

static bool check_returning(rdb_analysis *analysis, const rdb_relation *relation, const rdb_query *action, rdb_error *err)
{
    const analyse_state state = {.analysis = analysis};
    uint32_t entry = 0;
    uint16_t column = 0;
    for (uint32_t i = 0; i < action->returning.count; i++) {
        const rdb_target *target = action->returning.items[i];
        if (target->is_junk)
            continue;
        entry++;
        while (column < relation->column_count && relation->columns[column].is_dropped)
            column++;
        if (column == relation->column_count)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "RETURNING list has too many entries");
        const rdb_column *wanted = &relation->columns[column++];
        if (target->expr->type->oid != wanted->type->oid) {
            rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "RETURNING list's entry %u has different type from column \"%s\"", entry, wanted->name);
            return rdb_error_detail(err, "RETURNING list entry has type %s, but column has type %s.", analyse_type_name(&state, target->expr->type->oid),
                                    analyse_type_name(&state, wanted->type->oid));
        }
        if (target->expr->typmod != wanted->typmod && target->expr->typmod != -1 && wanted->typmod != -1) {
            rdb_strbuf ours, theirs;
            rdb_strbuf_init(&ours, analysis->arena);
            rdb_strbuf_init(&theirs, analysis->arena);
            rdb_type_format_name(target->expr->type, target->expr->typmod, true, &ours);
            rdb_type_format_name(wanted->type, wanted->typmod, true, &theirs);
            rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "RETURNING list's entry %u has different size from column \"%s\"", entry, wanted->name);
            return rdb_error_detail(err, "RETURNING list entry has type %s, but column has type %s.", ours.data, theirs.data);
        }
    }
    while (column < relation->column_count && relation->columns[column].is_dropped)
        column++;
    return column == relation->column_count || rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "RETURNING list has too few entries");
}

bool rdb_rule_analyse(rdb_analysis *analysis, const rdb_relation *relation, const rdb_ast_create_rule *raw, rdb_expr **condition, rdb_list *actions, rdb_error *err)
{
    const analyse_rule rule = {.relation = relation, .event = raw->event};
    bool has_returning = false;
    *condition = NULL;
    *actions = (rdb_list){0};
    if (raw->where != NULL) {
        analyse_state state = {.analysis = analysis, .query = RDB_NEW(analysis->arena, rdb_query)};
        state.query->command = RDB_COMMAND_SELECT;
        if (!analyse_begin_rule(&state, &rule, true, err) || !analyse_where(&state, raw->where, ANALYSE_WHERE, "WHERE", condition, err) ||
            !analyse_assign_collations(&state, *condition, err))
            return false;
        if (state.query->ranges.count != 2)
            return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "rule WHERE condition cannot contain references to other relations");
    }
    for (uint32_t i = 0; i < raw->actions.count; i++) {
        rdb_query *action = NULL;
        if (!analyse_action(analysis, &rule, raw->actions.items[i], *condition, &action, err))
            return false;
        rdb_list_push(analysis->arena, actions, action);
    }
    for (uint32_t i = 0; i < actions->count; i++) {
        const rdb_query *action = actions->items[i];
        if (action->returning.count == 0)
            continue;
        if (has_returning)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot have multiple RETURNING lists in a rule");
        has_returning = true;
        if (*condition != NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "RETURNING lists are not supported in conditional rules");
        if (!raw->is_instead)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "RETURNING lists are not supported in non-INSTEAD rules");
        if (!check_returning(analysis, relation, action, err))
            return false;
    }
    return rdb_arena_check(analysis->arena, err);
}

/* ---- as text ---------------------------------------------------------------------------------------------------------------------------- */
/* The actions' trees one after the other, each with its length before it. */
bool rdb_rule_write_actions(const rdb_list *actions, rdb_strbuf *text, rdb_error *err)
{
    rdb_strbuf_adds(text, "");
    for (uint32_t i = 0; i < actions->count; i++) {
        rdb_strbuf tree;
        rdb_strbuf_init(&tree, NULL);
        bool ok = rdb_tree_write_query(actions->items[i], &tree, err) && rdb_strbuf_check(&tree, err);
        if (ok)
            rdb_strbuf_addf(text, "%zu:%s", tree.length, tree.data);
        rdb_strbuf_free(&tree);
        if (!ok)
            return false;
    }
    return rdb_strbuf_check(text, err);
}

bool rdb_rule_read_actions(rdb_arena *arena, rdb_access *access, const char *text, rdb_list *actions, rdb_error *err)
{
    const char *end = text + strlen(text);
    *actions = (rdb_list){0};
    while (text < end) {
        rdb_query *action = NULL;
        char *after = NULL;
        const unsigned long long length = strtoull(text, &after, 10);
        if (after == text || *after != ':' || length > (size_t)(end - after - 1))
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "stored rule is damaged");
        const char *tree = rdb_arena_strndup(arena, after + 1, (size_t)length);
        if (!rdb_tree_read_query(arena, access, tree, &action, err))
            return false;
        rdb_list_push(arena, actions, action);
        text = after + 1 + length;
    }
    return rdb_arena_check(arena, err);
}
