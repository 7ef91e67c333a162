/* SPDX-License-Identifier: Apache-2.0
 * LOCK TABLE: of tables, what inherits from them, and what views read. Who may lock is asked before a lock is waited for, by the names
 * that the statement has; tables behind a view are the business of the view's owner, and children that of nobody. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "sql/rdb_query.h"

typedef struct locking {
    rdb_command_context *context;
    rdb_lock_mode mode;
    rdb_lock_policy policy;
    rdb_error *err;
} locking;

static bool take(const locking *l, uint32_t relation_oid)
{
    bool taken = true;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(l->context->txn), .a = relation_oid};
    return rdb_lock_acquire(l->context->txn, tag, l->mode, l->policy, l->context->lock_timeout_us, &taken, l->err);
}

static bool may_lock(const locking *l, const rdb_relation *relation, uint32_t role_oid)
{
    rdb_command_context *context = l->context;
    rdb_acl_object object;
    bool found;
    uint32_t got;
    const uint32_t writes = RDB_ACL_UPDATE | RDB_ACL_DELETE | RDB_ACL_TRUNCATE;
    const uint32_t any_of = l->mode == RDB_LOCK_ACCESS_SHARE ? RDB_ACL_SELECT | writes : l->mode == RDB_LOCK_ROW_EXCLUSIVE ? RDB_ACL_INSERT | writes : writes;
    if (!rdb_acl_get_object(context->access, context->arena, 'r', relation->oid, 0, &object, &found, l->err) ||
        !rdb_acl_object_mask(context->access, &object, role_oid, any_of, true, &got, l->err))
        return false;
    if (got == 0)
        return rdb_acl_denied(&object, l->err);
    return true;
}

/* A tree of tables may name one twice: asking for a lock that is held costs nothing. */
static bool take_children(const locking *l, const rdb_relation *relation)
{
    for (uint32_t i = 0; i < relation->child_count; i++) {
        const uint32_t oid = relation->children[i].oid;
        const rdb_relation *child = NULL;
        if (!take(l, oid) || !rdb_relation_get(l->context->access, oid, &child, l->err) || (child != NULL && !take_children(l, child)))
            return false;
    }
    return true;
}

static bool take_behind_view(const locking *l, const rdb_relation *view, uint32_t role_oid)
{
    rdb_command_context *context = l->context;
    const uint32_t reader = view->is_security_invoker ? role_oid : view->owner_oid;
    rdb_query *query = NULL;
    command_uses uses = {0};
    if (!rdb_tree_read_query(context->arena, context->access, view->view_tree, &query, l->err) || !command_query_uses(context, query, &uses, l->err))
        return false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < uses.count; i++) {
        const rdb_relation *relation = NULL;
        const uint32_t oid = uses.items[i].object_oid;
        if (uses.items[i].catalog_oid != RDB_PG_CLASS || oid == last)
            continue;
        last = oid; /* its columns follow one another */
        if (!rdb_relation_get(context->access, oid, &relation, l->err))
            return false;
        if (relation == NULL || strchr("rpv", relation->kind) == NULL)
            continue;
        if (!may_lock(l, relation, reader) || !take(l, oid) || !(relation->kind == 'v' ? take_behind_view(l, relation, reader) : take_children(l, relation)))
            return false;
    }
    return true;
}

static const char *kind_of(char kind)
{
    switch (kind) {
    case 'i': case 'I': return "indexes";
    case 'S': return "sequences";
    case 'm': return "materialized views";
    case 'c': return "composite types";
    case 't': return "TOAST tables";
    default: return "foreign tables";
    }
}

bool command_lock_table(rdb_command_context *context, const rdb_ast_lock *statement, rdb_error *err)
{
    const locking l = {context, (rdb_lock_mode)statement->mode, statement->no_wait ? RDB_LOCK_NOWAIT : RDB_LOCK_WAIT, err};
    if (context->is_top_level)
        return rdb_error_set(err, RDB_NO_ACTIVE_SQL_TRANSACTION, "LOCK TABLE can only be used in transaction blocks");
    for (uint32_t i = 0; i < statement->tables.count; i++) {
        const rdb_ast_table *table = statement->tables.items[i];
        const rdb_relation *relation = NULL;
        for (uint32_t locked_oid = 0;;) { /* the name may mean something else after the wait */
            if (!command_require_schema(context, table->schema, err) || !rdb_relation_find(context->access, table->schema, table->name, &relation, err))
                return false;
            if (relation == NULL)
                return rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", command_table_name(context, table));
            if (relation->oid == locked_oid)
                break;
            if (strchr("rpv", relation->kind) == NULL) {
                rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot lock relation \"%s\"", relation->name);
                return rdb_error_detail(err, "This operation is not supported for %s.", kind_of(relation->kind));
            }
            if (!may_lock(&l, relation, context->role->oid) || !take(&l, relation->oid))
                return false;
            locked_oid = relation->oid;
        }
        if (relation->kind == 'v' ? !take_behind_view(&l, relation, context->role->oid) : table->inherits && !take_children(&l, relation))
            return false;
    }
    return true;
}
