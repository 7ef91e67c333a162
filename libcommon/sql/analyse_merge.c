/* SPDX-License-Identifier: Apache-2.0
 * MERGE: the source joined with the target, and what is done to each pair. With a WHEN NOT MATCHED the join keeps source rows
 * that have no partner. A WHEN MATCHED sees both sides, a WHEN NOT MATCHED the source alone. */
#include "sql/analyse_int.h"

static uint32_t privilege_of(rdb_sql_merge_action action)
{
    return action == RDB_SQL_MERGE_INSERT ? ANALYSE_ACL_INSERT : action == RDB_SQL_MERGE_UPDATE ? ANALYSE_ACL_UPDATE : action == RDB_SQL_MERGE_DELETE ? ANALYSE_ACL_DELETE : 0;
}

static uint8_t command_of(rdb_sql_merge_action action)
{
    return action == RDB_SQL_MERGE_INSERT ? RDB_COMMAND_INSERT : action == RDB_SQL_MERGE_UPDATE ? RDB_COMMAND_UPDATE : action == RDB_SQL_MERGE_DELETE ? RDB_COMMAND_DELETE : 0;
}

/* What comes after a WHEN without a condition would never be reached. */
static bool check_reachable(const rdb_ast_merge *raw, rdb_error *err)
{
    bool is_closed[2] = {false, false};
    for (uint32_t at = 0; at < raw->whens.count; at++) {
        const rdb_ast_merge_when *when = raw->whens.items[at];
        if (is_closed[when->is_matched])
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "unreachable WHEN clause specified after unconditional WHEN clause");
        is_closed[when->is_matched] = when->condition == NULL;
    }
    return true;
}

static bool refuse_relation(const rdb_relation *relation, rdb_error *err)
{
    rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot execute MERGE on relation \"%s\"", relation->name);
    return rdb_error_detail(err, relation->kind == 'v' ? "This operation is not supported for views." : relation->kind == 'm' ? "This operation is not supported for materialized views." : "This operation is not supported for this kind of relation.");
}

static bool analyse_action(analyse_state *state, const rdb_ast_merge_when *when, analyse_item *table, const rdb_list *source_items, rdb_error *err)
{
    rdb_merge_action *action = RDB_NEW(analyse_arena(state), rdb_merge_action);
    rdb_list kept_targets = state->query->targets;
    action->matched = when->is_matched;
    action->command = command_of(when->action);
    action->overriding = (uint8_t)when->overriding;
    state->items = (rdb_list){0};
    state->query->targets = (rdb_list){0};
    bool ok = true;
    if (when->is_matched)
        ok = analyse_push_item(state, table, true, true, err);
    for (uint32_t at = 0; ok && at < source_items->count; at++)
        rdb_list_push(analyse_arena(state), &state->items, source_items->items[at]);
    ok = ok && analyse_where(state, when->condition, ANALYSE_MERGE_WHEN, "WHEN", &action->condition, err) &&
         (action->condition == NULL || analyse_assign_collations(state, action->condition, err));
    if (ok && when->action == RDB_SQL_MERGE_INSERT)
        ok = analyse_insert_action(state, when, table, err);
    else if (ok && when->action == RDB_SQL_MERGE_UPDATE)
        ok = analyse_set(state, &when->targets, table, &state->query->targets, err);
    action->targets = state->query->targets;
    state->query->targets = kept_targets;
    rdb_list_push(analyse_arena(state), &state->query->merge_actions, action);
    return ok;
}

bool analyse_merge(analyse_state *state, const rdb_ast_merge *raw, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_query *query = state->query;
    analyse_item *table = NULL;
    uint32_t privileges = 0;
    query->command = RDB_COMMAND_MERGE;
    if (raw->with != NULL && raw->with->is_recursive)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "WITH RECURSIVE is not supported for MERGE statement");
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    if (!check_reachable(raw, err))
        return false;
    for (uint32_t at = 0; at < raw->whens.count; at++) {
        const rdb_ast_merge_when *when = raw->whens.items[at];
        privileges |= privilege_of(when->action);
        query->merge_use_outer_join |= !when->is_matched;
    }
    if (privileges == 0) /* with nothing but DO NOTHING the target is still read */
        privileges = ANALYSE_ACL_SELECT;
    if (!analyse_target_table(state, raw->table, privileges, &table, err))
        return false;
    if (table->range->relation->kind != 'r' && table->range->relation->kind != 'p')
        return refuse_relation(table->range->relation, err);
    rdb_list sources = {0};
    rdb_list_push(arena, &sources, raw->source);
    if (!analyse_from(state, &sources, err))
        return false;
    rdb_list source_items = state->items;
    for (uint32_t at = 0; at < source_items.count; at++) {
        const analyse_item *item = source_items.items[at];
        if (item->name == NULL || strcmp(item->name, table->name) != 0)
            continue;
        rdb_error_set(err, RDB_DUPLICATE_ALIAS, "name \"%s\" specified more than once", table->name);
        return rdb_error_detail(err, "The name is used both as MERGE target table and data source.");
    }
    rdb_from *target = RDB_NEW(arena, rdb_from), *join = RDB_NEW(arena, rdb_from);
    target->range_no = table->range_no;
    *join = (rdb_from){.is_join = true, .join_kind = query->merge_use_outer_join ? RDB_JOIN_LEFT : RDB_JOIN_INNER, .left = query->from.items[0], .right = target};
    query->from.items[0] = join;
    state->items = (rdb_list){0};
    if (!analyse_push_item(state, table, true, true, err))
        return false;
    for (uint32_t at = 0; at < source_items.count; at++)
        rdb_list_push(arena, &state->items, source_items.items[at]);
    if (!analyse_where(state, raw->condition, ANALYSE_JOIN_ON, "MERGE", &join->condition, err) || (join->condition != NULL && !analyse_assign_collations(state, join->condition, err)))
        return false;
    for (uint32_t at = 0; at < raw->whens.count; at++)
        if (!analyse_action(state, raw->whens.items[at], table, &source_items, err))
            return false;
    return true;
}
