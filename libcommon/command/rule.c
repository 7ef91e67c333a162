/* SPDX-License-Identifier: Apache-2.0
 * CREATE RULE and DROP RULE: what is to happen beside, or instead of, a change of a table or view. What rules do to a statement is the
 * rewrite's (sql/rewrite_rule.c). */
#include "command/command_int.h"

static char event_of(rdb_sql_rule_event event)
{
    return event == RDB_SQL_RULE_UPDATE ? '2' : event == RDB_SQL_RULE_INSERT ? '3' : event == RDB_SQL_RULE_DELETE ? '4' : '1';
}

/* OLD and NEW are ranges 1 and 2 of the condition. */
static bool condition_uses(rdb_command_context *context, const rdb_relation *relation, rdb_expr *condition, command_uses *uses, rdb_error *err)
{
    rdb_query holder = {.command = RDB_COMMAND_SELECT, .where = condition};
    for (int i = 0; i < 2; i++) {
        rdb_range *range = RDB_NEW(context->arena, rdb_range);
        range->kind = RDB_RANGE_RELATION;
        range->relation = relation;
        rdb_list_push(context->arena, &holder.ranges, range);
    }
    return condition == NULL || command_query_uses(context, &holder, uses, err);
}

bool command_create_rule(rdb_command_context *context, const rdb_ast_create_rule *statement, rdb_error *err)
{
    rdb_rule rule = {.event = event_of(statement->event), .is_instead = statement->is_instead};
    const rdb_relation *relation = NULL;
    rdb_analysis analysis;
    rdb_expr *condition = NULL;
    rdb_list actions;
    rdb_strbuf condition_text, action_text;
    command_uses uses = {0};
    uint32_t oid = 0;
    if (!command_open_table(context, statement->table, RDB_LOCK_ACCESS_EXCLUSIVE, false, &relation, err))
        return false;
    if (relation->kind == 'm')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "rules on materialized views are not supported");
    if (strchr("rvp", relation->kind) == NULL) {
        rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "relation \"%s\" cannot have rules", relation->name);
        return rdb_error_detail(err, "This operation is not supported for %s.", relation->kind == 'S' ? "sequences" : relation->kind == 'c' ? "composite types" : relation->kind == 't' ? "TOAST tables" : "indexes");
    }
    if (!command_check_owner(context, relation, err))
        return false;
    if (statement->event == RDB_SQL_RULE_SELECT) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "ON SELECT rules are not supported on their own");
        return rdb_error_hint(err, "Use CREATE VIEW instead.");
    }
    command_analysis(context, &analysis);
    rdb_strbuf_init(&condition_text, context->arena);
    rdb_strbuf_init(&action_text, context->arena);
    if (!rdb_rule_analyse(&analysis, relation, statement, &condition, &actions, err))
        return false;
    if (strcmp(statement->name, "_RETURN") == 0)
        return rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "non-view rule for \"%s\" must not be named \"%s\"", relation->name, statement->name);
    if (!condition_uses(context, relation, condition, &uses, err))
        return false;
    for (uint32_t i = 0; i < actions.count; i++) {
        const rdb_query *action = actions.items[i];
        if (action->command != RDB_COMMAND_UTILITY && !command_query_uses(context, action, &uses, err))
            return false;
    }
    if ((condition != NULL && !rdb_tree_write_expr(condition, &condition_text, err)) || !rdb_rule_write_actions(&actions, &action_text, err) ||
        !rdb_strbuf_check(&condition_text, err) || !rdb_strbuf_check(&action_text, err) || !rdb_rule_find(context->access, relation->oid, statement->name, &oid, err))
        return false;
    if (oid != 0 && !statement->or_replace)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "rule \"%s\" for relation \"%s\" already exists", statement->name, relation->name);
    snprintf(rule.name, sizeof rule.name, "%s", statement->name);
    rule.relation_oid = relation->oid;
    rule.condition_tree = condition != NULL ? condition_text.data : NULL;
    rule.action_trees = action_text.data != NULL ? action_text.data : "";
    return rdb_ddl_write_rule(context->access, &rule, uses.items, uses.count, &oid, err);
}

/* ALTER TABLE ... ENABLE [REPLICA | ALWAYS] RULE, DISABLE RULE. */
bool command_alter_rule(rdb_command_context *context, const rdb_relation *relation, rdb_sql_alter_kind kind, const char *name, rdb_error *err)
{
    const char enabled = kind == RDB_SQL_ALTER_ENABLE_RULE ? 'O' : kind == RDB_SQL_ALTER_ENABLE_ALWAYS_RULE ? 'A' : kind == RDB_SQL_ALTER_ENABLE_REPLICA_RULE ? 'R' : 'D';
    uint32_t oid = 0;
    if (!rdb_rule_find(context->access, relation->oid, name, &oid, err))
        return false;
    if (oid == 0)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "rule \"%s\" for relation \"%s\" does not exist", name, relation->name);
    return rdb_ddl_enable_rule(context->access, oid, enabled, err);
}
