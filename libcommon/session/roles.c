/* SPDX-License-Identifier: Apache-2.0
 * Who a session acts as. Three roles: the one that logged in (never changes), the session's user (SET SESSION AUTHORIZATION) and
 * the current one (SET ROLE), by whose privileges statements run. The last two are settings: transactions and savepoints put
 * them back. */
#include "catalog/rdb_acl.h"
#include "expr/rdb_routine.h"
#include "session/row_sink.h"
#include "session/session_int.h"
#include "session/settings.h"

static bool find_role(rdb_session *session, const char *name, rdb_role *role, bool *found, rdb_error *err)
{
    if (session->txn != NULL && session->access != NULL)
        return rdb_role_find_within(session->access, name, role, found, err); /* one made in this transaction too */
    return rdb_role_find(rdb_engine_catalog(session->engine), name, role, found, err);
}

bool session_check_role(rdb_session *session, bool is_authorization, const char *name, rdb_error *err)
{
    rdb_role role;
    bool found, is_member = false;
    if (is_authorization ? name[0] == '\0' : strcmp(name, "none") == 0)
        return true;
    if (!find_role(session, name, &role, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, is_authorization ? RDB_UNDEFINED_OBJECT : RDB_INVALID_PARAMETER_VALUE, "role \"%s\" does not exist", name);
    if (is_authorization) {
        if (session->login_role.is_superuser || role.oid == session->login_role.oid)
            return true;
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to set session authorization");
    }
    if (session->session_role.is_superuser || session->access == NULL)
        return true;
    if (!rdb_role_is_member_of(session->access, session->session_role.oid, role.oid, &is_member, err))
        return false;
    return is_member || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to set role \"%s\"", name);
}

void session_apply_roles(rdb_session *session, const char *authorization, const char *role_name)
{
    rdb_error ignored = {0};
    rdb_role role;
    bool found;
    session->session_role = session->login_role;
    if (authorization[0] != '\0' && find_role(session, authorization, &role, &found, &ignored) && found)
        session->session_role = role;
    session->role = session->session_role;
    if (strcmp(role_name, "none") != 0 && find_role(session, role_name, &role, &found, &ignored) && found)
        session->role = role;
    rdb_error_clear(&ignored);
}

/* ---- inside routines ------------------------------------------------------------------------------------------------------------ */
typedef struct entered {
    rdb_role role;
    uint32_t settings_level;
    bool has_role, has_settings;
} entered;

static bool enter(void *session_at, uint32_t role_oid, const char *const *configuration, uint32_t count, void **saved, rdb_error *err)
{
    rdb_session *session = session_at;
    entered *kept = calloc(1, sizeof *kept);
    *saved = kept;
    if (kept == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    kept->role = session->role;
    bool ok = true;
    if (role_oid != 0 && session->access != NULL) {
        bool found = false;
        ok = rdb_role_get(session->access, role_oid, &session->role, &found, err);
        if (!ok || !found)
            session->role = kept->role;
    }
    if (ok && count > 0) {
        kept->settings_level = session_settings_push(session);
        kept->has_settings = true;
        for (uint32_t i = 0; ok && i < count; i++) {
            const char *equals = strchr(configuration[i], '=');
            char *name = equals != NULL ? strndup(configuration[i], (size_t)(equals - configuration[i])) : NULL;
            if (name != NULL)
                ok = session_setting_set(session, name, equals + 1, true, err);
            free(name);
        }
    }
    if (!ok) {
        if (kept->has_settings)
            session_settings_pop(session, kept->settings_level, false);
        session->role = kept->role;
        free(kept);
        *saved = NULL;
    }
    return ok;
}

static void leave(void *session_at, void *saved)
{
    rdb_session *session = session_at;
    entered *kept = saved;
    if (kept == NULL)
        return;
    if (kept->has_settings)
        session_settings_pop(session, kept->settings_level, false);
    session->role = kept->role;
    free(kept);
}

static void describe(void *session_at, rdb_access_context *context, const char **current_user)
{
    const rdb_session *session = session_at;
    context->role_oid = session->role.oid;
    context->role_name = session->role.name;
    context->search_path = session_setting_search_path(session);
    context->row_security_off = session_setting_row_security_off(session);
    *current_user = session->role.name;
}

/* Rows of a statement in a routine's middle go nowhere; what it says to people goes to the client. */
static bool drop_rows(void *context, const rdb_result_column *columns, uint32_t count, rdb_error *err)
{
    (void)context, (void)columns, (void)count, (void)err;
    return true;
}

static bool drop_batch(void *context, const rdb_batch *batch, rdb_error *err)
{
    (void)context, (void)batch, (void)err;
    return true;
}

static bool run_utility(void *session_at, rdb_access *access, const rdb_function *routine, struct rdb_ast_node *statement, const rdb_parameter *parameters,
                        uint32_t parameter_count, rdb_error *err)
{
    rdb_session *session = session_at;
    char tag[64];
    if (statement->tag == RDB_AST_SET)
        return session_set_statement(session, (const rdb_ast_set *)statement, tag, err);
    if (!rdb_command_handles(statement))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported in a function yet", rdb_command_tag(statement));
    if (statement->tag == RDB_AST_COPY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot COPY to/from client in an SQL function");
    if (session->is_read_only && !rdb_command_is_read_only(statement))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", rdb_command_tag(statement));
    rdb_snapshot snapshot;
    rdb_client client = session->client;
    client.begin_rows = drop_rows;
    client.send_batch = drop_batch;
    if (!session_statement_snapshot(session, &snapshot, err))
        return false;
    rdb_command_context context = {.arena = session->statement_arena,
                                   .access = access,
                                   .txn = session->txn,
                                   .snapshot = &snapshot,
                                   .cancel = &session->cancel,
                                   .format = session_setting_format(session),
                                   .client = &client,
                                   .session = session,
                                   .text = routine->source,
                                   .routine = routine,
                                   .parameters = parameters,
                                   .parameter_count = parameter_count,
                                   .statement_us = session->statement_us,
                                   .transaction_us = session->transaction_us,
                                   .lock_timeout_us = session_setting_lock_timeout_us(session),
                                   .work_mem_bytes = session_setting_work_mem(session),
                                   .role = &session->role,
                                   .checkpoint = session_checkpoint};
    bool ok = rdb_command_run(&context, statement, err);
    session_drop_statement_snapshot(session, &snapshot);
    return ok;
}

static bool get_setting(void *session, const char *name, rdb_arena *arena, const char **value, rdb_error *err)
{
    return session_setting_get(session, name, arena, value, err);
}

void session_register_nested(void)
{
    static const rdb_nested_statements nested = {.run_utility = run_utility, .enter = enter, .leave = leave, .describe = describe, .get_setting = get_setting};
    rdb_nested_set(&nested);
}
