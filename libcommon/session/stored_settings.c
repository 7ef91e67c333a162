/* SPDX-License-Identifier: Apache-2.0
 * Settings that wait for sessions to come: ALTER ROLE ... SET, ALTER DATABASE ... SET, and what a session takes of them when it
 * begins. The narrower goes over the wider: all, the database's, the role's, the role's in the database; what the client itself
 * asks for goes over all of them. Beginning also asks whether the role may connect at all. */
#include "catalog/rdb_acl.h"
#include "catalog/rdb_ddl.h"
#include "session/audit.h"
#include "session/activity.h"
#include "session/settings.h"

enum { INDEX_DATABASE_NAME = 2671, INDEX_DATABASE_OID = 2672 };

typedef struct database_row {
    uint32_t oid, owner_oid;
    int32_t connection_limit;
} database_row;

static bool find_database(rdb_session *session, rdb_access *access, const char *name, database_row *database, rdb_error *err)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum key = {.bytes = {(const uint8_t *)name, (uint32_t)strlen(name), 0}};
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_DATABASE, INDEX_DATABASE_NAME, &key, 1, session->statement_arena, err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, &found, err);
    if (ok && found)
        *database = (database_row){row.values[RDB_pg_database_oid - 1].oid, row.values[RDB_pg_database_datdba - 1].oid,
                                   row.values[RDB_pg_database_datconnlimit - 1].i32};
    rdb_catalog_scan_close(&scan);
    return ok && (found || rdb_error_set(err, RDB_INVALID_CATALOG_NAME, "database \"%s\" does not exist", name));
}

static bool must_own_database(rdb_session *session, const database_row *database, const char *name, rdb_error *err)
{
    bool is_owner = session->role.is_superuser;
    if (!is_owner && !rdb_acl_is_owner(session->access, session->role.oid, database->owner_oid, &is_owner, err))
        return false;
    return is_owner || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of database %s", name);
}

/* The role it is about: *oid 0 for ALL. */
static bool find_role(rdb_session *session, const rdb_ast_alter_role_set *statement, uint32_t *oid, rdb_error *err)
{
    rdb_role role = session->role;
    bool found = true;
    *oid = 0;
    if (statement->role == NULL)
        return true;
    if (statement->role->kind == RDB_SQL_ROLE_NAMED && !rdb_role_find_within(session->access, statement->role->name, &role, &found, err))
        return false;
    if (statement->role->kind == RDB_SQL_ROLE_SESSION_USER)
        role = session->session_role;
    if (!found)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", statement->role->name);
    if (strncmp(role.name, "pg_", 3) == 0) {
        rdb_error_set(err, RDB_RESERVED_NAME, "role name \"%s\" is reserved", role.name);
        return rdb_error_detail(err, "Role names starting with \"pg_\" are reserved.");
    }
    *oid = role.oid;
    if (role.is_superuser)
        return session->role.is_superuser || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to alter superusers");
    return session->role.is_superuser || session->role.can_create_role || role.oid == session->role.oid ||
           rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied");
}

/* The audit hears what it was before. */
static bool tell_change(rdb_session *session, uint32_t database_oid, uint32_t role_oid, const char *name, const char *value, rdb_error *err)
{
    const char *const *texts = NULL, *old = NULL;
    uint32_t count = 0;
    const size_t length = strlen(name);
    if (session->audit == NULL)
        return true;
    if (!rdb_ddl_read_settings(session->access, database_oid, role_oid, session->statement_arena, &texts, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(texts[i], name, length) == 0 && texts[i][length] == '=')
            old = texts[i] + length + 1;
    session_audit_setting(session, name, old, value);
    return true;
}

static bool store(rdb_session *session, uint32_t database_oid, uint32_t role_oid, const rdb_ast_set *set, rdb_error *err)
{
    const char *value = NULL, *name = set->name;
    if (set->kind == RDB_SQL_SET_RESET_ALL)
        return rdb_ddl_store_setting(session->access, database_oid, role_oid, NULL, NULL, err);
    if (set->kind == RDB_SQL_SET_MULTI)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "SET %s is not supported here", set->name);
    if (!session_setting_of_set(session, set, &name, &value, err))
        return false;
    return tell_change(session, database_oid, role_oid, name, value, err) && rdb_ddl_store_setting(session->access, database_oid, role_oid, name, value, err);
}

bool session_alter_role_set(rdb_session *session, const rdb_ast_alter_role_set *statement, rdb_error *err)
{
    database_row database = {0};
    uint32_t role_oid;
    if (!find_role(session, statement, &role_oid, err))
        return false;
    if (statement->database != NULL) {
        if (!find_database(session, session->access, statement->database, &database, err) ||
            (role_oid == 0 && !must_own_database(session, &database, statement->database, err)))
            return false;
    } else if (role_oid == 0 && !session->role.is_superuser) {
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to alter settings globally");
    }
    return store(session, database.oid, role_oid, statement->set, err);
}

bool session_alter_database_set(rdb_session *session, const rdb_ast_alter_database_set *statement, rdb_error *err)
{
    database_row database = {0};
    return find_database(session, session->access, statement->name, &database, err) && must_own_database(session, &database, statement->name, err) &&
           store(session, database.oid, 0, statement->set, err);
}

/* ---- a session begins ---------------------------------------------------------------------------------------------------------- */
static bool take_settings(rdb_session *session, rdb_access *access, uint32_t database_oid, uint32_t role_oid, rdb_error *err)
{
    const char *const *texts = NULL;
    uint32_t count = 0;
    if (!rdb_ddl_read_settings(access, database_oid, role_oid, session->statement_arena, &texts, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *equals = strchr(texts[i], '=');
        rdb_error refused = {0};
        if (equals == NULL)
            continue;
        if (session_setting_begin_with(session, rdb_arena_strndup(session->statement_arena, texts[i], (size_t)(equals - texts[i])), equals + 1, &refused))
            continue;
        session->client.notice(session->client.context, "WARNING", &refused); /* it was fine once; nobody is kept out by it */
        rdb_error_clear(&refused);
    }
    return true;
}

static bool count_sessions(rdb_session *session, uint32_t role_oid, uint32_t database_oid, uint32_t *of_role, uint32_t *of_database, rdb_error *err)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    *of_role = *of_database = 0;
    if (!session_activity_list(session_engine_registry(session->engine), session->statement_arena, &infos, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        *of_role += infos[i].role_oid == role_oid;
        *of_database += infos[i].database_oid == database_oid;
    }
    return true;
}

static bool may_connect(rdb_session *session, rdb_access *access, rdb_error *err)
{
    const rdb_role *role = &session->login_role;
    const uint32_t database_oid = rdb_database_oid(session->database);
    database_row database = {0};
    rdb_acl_object object;
    uint32_t got = 0, of_role, of_database;
    bool found = false;
    if (role->is_superuser)
        return true;
    if (!rdb_acl_get_object(access, session->statement_arena, 'd', database_oid, 0, &object, &found, err) ||
        (found && !rdb_acl_object_mask(access, &object, role->oid, RDB_ACL_CONNECT, false, &got, err)))
        return false;
    if (found && got == 0) {
        rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for database \"%s\"", session->database_name);
        return rdb_error_detail(err, "User does not have CONNECT privilege.");
    }
    if (!find_database(session, access, session->database_name, &database, err))
        return false;
    if (role->connection_limit < 0 && database.connection_limit < 0)
        return true;
    if (!count_sessions(session, role->oid, database_oid, &of_role, &of_database, err))
        return false;
    if (database.connection_limit >= 0 && of_database > (uint32_t)database.connection_limit)
        return rdb_error_set(err, RDB_TOO_MANY_CONNECTIONS, "too many connections for database \"%s\"", session->database_name);
    if (role->connection_limit >= 0 && of_role > (uint32_t)role->connection_limit)
        return rdb_error_set(err, RDB_TOO_MANY_CONNECTIONS, "too many connections for role \"%s\"", role->name);
    return true;
}

bool session_log_in(rdb_session *session, rdb_error *err)
{
    const uint32_t database_oid = rdb_database_oid(session->database), role_oid = session->login_role.oid;
    rdb_access *access = NULL;
    bool ok = session_begin_statement(session, err) && session_access_begin(session, &access, err) && may_connect(session, access, err);
    session_block block = session->block;
    session->block = SESSION_IDLE; /* what the settings become is no transaction's */
    ok = ok && take_settings(session, access, 0, 0, err) && take_settings(session, access, database_oid, 0, err) &&
         take_settings(session, access, 0, role_oid, err) && take_settings(session, access, database_oid, role_oid, err);
    session->block = block;
    rdb_access_end(&access);
    if (session->block != SESSION_IDLE)
        session_rollback(session);
    rdb_arena_reset(session->statement_arena);
    return ok;
}
