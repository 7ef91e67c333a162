/* SPDX-License-Identifier: Apache-2.0
 * Row-level security: a range over a table with policies gets the condition that its rows must pass before anything else of the
 * statement sees them (rdb_range.security), and a statement that writes gets the checks of new rows (rdb_query.view_checks).
 *
 * Of the policies for the command and the role, one of the permissive ones must hold and all of the restrictive ones; without a
 * permissive one nothing does. Whoever reads what he writes to (RETURNING, WHERE) is held to the SELECT policies as well. Conditions
 * are stored over range 1 and read anew for each place. Superusers, roles with BYPASSRLS, and the owner where it is not forced,
 * see everything. */
#include "catalog/rdb_acl.h"
#include "sql/analyse_int.h"
#include "sql/rewrite_int.h"

typedef struct policies {
    rdb_analysis *analysis;
    rdb_error *err;
    const rdb_relation *relation;
    uint32_t role, range_no;
    char phase;    /* of the checks that are added */
    rdb_list all;  /* rdb_policy *: for the role */
    const rdb_type *boolean;
} policies;

bool rewrite_needs_security(rdb_analysis *analysis, const rdb_range *range, bool *needs, rdb_error *err)
{
    const rdb_relation *relation = range->relation;
    const rdb_access_context *context = rdb_access_get_context(analysis->access);
    const uint32_t role_oid = range->check_as != 0 ? range->check_as : context->role_oid;
    bool is_owner = false;
    *needs = false;
    if (range->kind != RDB_RANGE_RELATION || relation == NULL || !relation->has_row_security)
        return true;
    if (!rdb_row_security_applies(analysis->access, relation, role_oid, needs, &is_owner, err) || !*needs)
        return !rdb_error_is_set(err);
    if (context->row_security_off) {
        rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "query would be affected by row-level security policy for table \"%s\"", relation->name);
        if (is_owner)
            rdb_error_hint(err, "To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.");
        return false;
    }
    return true;
}

static bool load(policies *p)
{
    rdb_list stored;
    rdb_arena *arena = p->analysis->arena;
    if (!rdb_type_get(p->analysis->access, RDB_BOOLOID, &p->boolean, p->err) || !rdb_policy_list(p->analysis->access, p->relation->oid, arena, &stored, p->err))
        return false;
    for (uint32_t i = 0; i < stored.count; i++) {
        const rdb_policy *policy = stored.items[i];
        bool applies = false;
        for (uint32_t k = 0; k < policy->role_count && !applies; k++)
            if (policy->roles[k] == RDB_ACL_PUBLIC)
                applies = true;
            else if (!rdb_role_has_privileges_of(p->analysis->access, p->role, policy->roles[k], &applies, p->err))
                return false;
        if (applies)
            rdb_list_push(arena, &p->all, stored.items[i]);
    }
    return true;
}

static rdb_expr *join(policies *p, rdb_bool_kind kind, rdb_expr *left, rdb_expr *right)
{
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    rdb_expr_bool *e = RDB_NEW(p->analysis->arena, rdb_expr_bool);
    e->head = (rdb_expr){.kind = RDB_EXPR_BOOL, .location = -1, .type = p->boolean, .typmod = -1};
    e->bool_kind = (uint8_t)kind;
    rdb_list_push(p->analysis->arena, &e->arguments, left);
    rdb_list_push(p->analysis->arena, &e->arguments, right);
    return &e->head;
}

static rdb_expr *never(policies *p)
{
    rdb_expr_const *e = RDB_NEW(p->analysis->arena, rdb_expr_const);
    e->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = p->boolean, .typmod = -1};
    return &e->head;
}

static bool read_tree(policies *p, const char *tree, uint32_t range_no, rdb_expr **expr)
{
    return rdb_tree_read_expr(p->analysis->arena, p->analysis->access, tree, expr, p->err) &&
           (range_no == 1 || rewrite_renumber(p->analysis, *expr, 1, range_no, p->err));
}

static bool is_for(const rdb_policy *policy, char command)
{
    return policy->command == '*' || policy->command == command;
}

/* What rows must pass to be met by the command. */
static bool add_using(policies *p, char command, rdb_expr **condition)
{
    rdb_expr *permissive = NULL;
    bool any = false;
    for (uint32_t i = 0; i < p->all.count; i++) {
        const rdb_policy *policy = p->all.items[i];
        rdb_expr *expr = NULL;
        if (!is_for(policy, command))
            continue;
        any = any || policy->is_permissive;
        if (policy->using_tree == NULL)
            continue;
        if (!read_tree(p, policy->using_tree, p->range_no, &expr))
            return false;
        if (policy->is_permissive)
            permissive = join(p, RDB_BOOL_OR, permissive, expr);
        else
            *condition = join(p, RDB_BOOL_AND, *condition, expr);
    }
    *condition = any ? join(p, RDB_BOOL_AND, *condition, permissive) : never(p);
    return true;
}

static void add_check(policies *p, rdb_query *query, const char *name, rdb_expr *condition)
{
    rdb_view_check *check = RDB_NEW(p->analysis->arena, rdb_view_check);
    *check = (rdb_view_check){.view = p->relation->name, .condition = condition, .is_security = true, .policy = name, .phase = p->phase};
    rdb_list_push(p->analysis->arena, &query->view_checks, check);
}

/* What new rows must pass; uses_using: by what the command may meet (of SELECT policies there is nothing else). Over range 1, as checks of rows are. */
static bool add_checks(policies *p, rdb_query *query, char command, bool uses_using)
{
    rdb_expr *permissive = NULL;
    for (uint32_t i = 0; i < p->all.count; i++) {
        const rdb_policy *policy = p->all.items[i];
        const char *tree = !uses_using && policy->check_tree != NULL ? policy->check_tree : policy->using_tree;
        rdb_expr *expr = NULL;
        if (!is_for(policy, command) || !policy->is_permissive || tree == NULL)
            continue;
        if (!read_tree(p, tree, 1, &expr))
            return false;
        permissive = join(p, RDB_BOOL_OR, permissive, expr);
    }
    add_check(p, query, NULL, permissive != NULL ? permissive : never(p));
    for (uint32_t i = 0; permissive != NULL && i < p->all.count; i++) {
        const rdb_policy *policy = p->all.items[i];
        const char *tree = !uses_using && policy->check_tree != NULL ? policy->check_tree : policy->using_tree;
        rdb_expr *expr = NULL;
        if (!is_for(policy, command) || policy->is_permissive || tree == NULL)
            continue;
        if (!read_tree(p, tree, 1, &expr))
            return false;
        add_check(p, query, policy->name, expr);
    }
    return true;
}

bool rewrite_add_security(rdb_analysis *analysis, rdb_query *query, rdb_range *range, uint32_t range_no, rdb_error *err)
{
    policies p = {.analysis = analysis, .err = err, .relation = range->relation, .range_no = range_no,
                  .role = range->check_as != 0 ? range->check_as : rdb_access_get_context(analysis->access)->role_oid};
    const bool is_target = query->result_range_no == range_no;
    const uint8_t command = is_target ? query->command : RDB_COMMAND_SELECT;
    const bool reads = (range->required_privileges & RDB_ACL_SELECT) != 0;
    if (!load(&p))
        return false;
    switch (command) {
    case RDB_COMMAND_SELECT:
        if ((range->required_privileges & RDB_ACL_UPDATE) && !add_using(&p, 'w', &range->security)) /* FOR UPDATE and its kin */
            return false;
        return add_using(&p, 'r', &range->security);
    case RDB_COMMAND_UPDATE:
    case RDB_COMMAND_DELETE: {
        const char letter = command == RDB_COMMAND_UPDATE ? 'w' : 'd';
        rdb_list checks = query->view_checks;
        if ((reads && !add_using(&p, 'r', &range->security)) || !add_using(&p, letter, &range->security))
            return false;
        if (command == RDB_COMMAND_DELETE)
            return true;
        query->view_checks = (rdb_list){0}; /* before those of views */
        if (!add_checks(&p, query, letter, false) || (reads && !add_checks(&p, query, 'r', true)))
            return false;
        for (uint32_t i = 0; i < checks.count; i++)
            rdb_list_push(analysis->arena, &query->view_checks, checks.items[i]);
        return true;
    }
    case RDB_COMMAND_INSERT: {
        rdb_list checks = query->view_checks;
        const bool updates = query->on_conflict != NULL && query->on_conflict->action == 2;
        query->view_checks = (rdb_list){0};
        p.phase = updates ? 'i' : 0;
        if (!add_checks(&p, query, 'a', false) || (reads && !add_checks(&p, query, 'r', true)))
            return false;
        p.phase = 'c'; /* the row in the way must be one that the role may change, and what it becomes too */
        if (updates && (!add_checks(&p, query, 'w', true) || (reads && !add_checks(&p, query, 'r', true))))
            return false;
        p.phase = 'u';
        if (updates && (!add_checks(&p, query, 'w', false) || (reads && !add_checks(&p, query, 'r', true))))
            return false;
        for (uint32_t i = 0; i < checks.count; i++)
            rdb_list_push(analysis->arena, &query->view_checks, checks.items[i]);
        return true;
    }
    case RDB_COMMAND_MERGE: {
        /* The scan sees what SELECT may see. Which command it will be for a row its WHEN tells, so that what that command may not meet
         * is an error then. */
        static const struct { char phase, policies; bool uses_using, needs_read; } CHECKS[] = {
            {'m', 'w', true, false}, {'u', 'w', false, false}, {'u', 'r', true, true}, {'d', 'd', true, false}, {'i', 'a', false, false}};
        if (!add_using(&p, 'r', &range->security))
            return false;
        for (size_t i = 0; i < RDB_COUNT_OF(CHECKS); i++) {
            p.phase = CHECKS[i].phase;
            if ((!CHECKS[i].needs_read || reads) && !add_checks(&p, query, CHECKS[i].policies, CHECKS[i].uses_using))
                return false;
        }
        return true;
    }
    default:
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "no policies are known of command %u", command);
    }
}
