/* SPDX-License-Identifier: Apache-2.0
 * What a new instance gets through SQL: the views of pg_catalog and information_schema, made from PostgreSQL's own scripts in
 * every database. A statement that needs what is not built yet (a function, a kind of statement) is passed over, as are those
 * that build on it: the views that an instance has grow with what the server can do. Any other error ends the setup. */
#include "session/session_int.h"
#include "session/setup.h"

/* The fields of the ErrorResponse at the front of the output; false: there is none. */
static bool read_error(const rdb_strbuf *output, char sqlstate[6], const char **message)
{
    const size_t header = 5;
    sqlstate[0] = '\0';
    *message = "";
    if (output->length <= header || output->data[0] != 'E')
        return false;
    for (const char *field = output->data + header; *field != '\0'; field += strlen(field) + 1) {
        if (*field == 'C')
            snprintf(sqlstate, 6, "%s", field + 1);
        else if (*field == 'M')
            *message = field + 1;
    }
    return true;
}

static bool may_pass_over(const char *sqlstate)
{
    static const char *const codes[] = {RDB_FEATURE_NOT_SUPPORTED, RDB_UNDEFINED_TABLE, RDB_UNDEFINED_FUNCTION, RDB_UNDEFINED_OBJECT,
                                        RDB_INVALID_SCHEMA_NAME, RDB_CANNOT_COERCE};
    for (size_t i = 0; i < RDB_COUNT_OF(codes); i++)
        if (strcmp(sqlstate, codes[i]) == 0)
            return true;
    return false;
}

static bool run_statement(rdb_session *session, rdb_strbuf *output, const char *text, bool is_optional, rdb_error *err)
{
    char sqlstate[6];
    const char *message;
    rdb_strbuf_clear(output);
    session_simple_query(session, text);
    if (!rdb_strbuf_check(output, err))
        return false;
    if (!read_error(output, sqlstate, &message) || (is_optional && may_pass_over(sqlstate)))
        return true;
    rdb_error_set(err, sqlstate, "%s", message);
    rdb_error_add_context(err, "setup statement \"%.120s\"", text);
    return false;
}

/* only_privileges: GRANT and REVOKE of the script, nothing else. */
static bool run_script(rdb_session *session, rdb_strbuf *output, const char *script, bool only_privileges, rdb_error *err)
{
    const size_t length = strlen(script);
    rdb_sql_piece piece;
    for (size_t at = 0;; at += piece.next) {
        rdb_sql_cut_end end = rdb_sql_cut(script + at, length - at, true, &piece);
        if (end != RDB_SQL_CUT_SEMICOLON && end != RDB_SQL_CUT_TEXT)
            return true;
        char *text = strndup(script + at + piece.start, piece.length);
        if (text == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        const char *begin = text; /* behind comments */
        while (strncmp(begin, "--", 2) == 0 || strncmp(begin, "/*", 2) == 0 || *begin == ' ' || *begin == '\n') {
            const char *next = *begin == '-' ? strchr(begin, '\n') : *begin == '/' ? strstr(begin, "*/") : begin;
            begin = next != NULL ? next + (*begin == '/' ? 2 : 1) : begin + strlen(begin);
        }
        bool ok = (only_privileges && strncmp(begin, "GRANT ", 6) != 0 && strncmp(begin, "REVOKE ", 7) != 0) || run_statement(session, output, text, true, err);
        free(text);
        if (!ok)
            return false;
        if (end == RDB_SQL_CUT_TEXT)
            return true;
    }
}

/* The file's lines as one INSERT. */
static bool fill_features(rdb_session *session, rdb_strbuf *output, const char *lines, rdb_error *err)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    rdb_strbuf_adds(&text, "INSERT INTO information_schema.sql_features (feature_id, feature_name, sub_feature_id, sub_feature_name, is_supported, comments) VALUES ");
    for (bool is_first = true; *lines != '\0'; is_first = false) {
        rdb_strbuf_adds(&text, is_first ? "('" : ", ('");
        for (; *lines != '\0' && *lines != '\n'; lines++)
            rdb_strbuf_adds(&text, *lines == '\t' ? "', '" : *lines == '\'' ? "''" : (char[]){*lines, '\0'});
        rdb_strbuf_adds(&text, "')");
        lines += *lines == '\n';
    }
    bool ok = rdb_strbuf_check(&text, err) && run_statement(session, output, text.data, true, err);
    rdb_strbuf_free(&text);
    return ok;
}

static bool drop_output(void *output)
{
    rdb_strbuf_clear(output);
    return true;
}

static bool no_copy(void *output, char *type, const uint8_t **body, size_t *length)
{
    (void)output;
    *type = 0;
    *body = NULL;
    *length = 0;
    return false;
}

/* What initdb grants, and a note of all privileges that objects are born with: pg_dump tells later ones by it. */
static const char *const PRIVILEGES[] = {
    "GRANT USAGE ON SCHEMA pg_catalog TO PUBLIC",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
    "INSERT INTO pg_init_privs (objoid, classoid, objsubid, initprivs, privtype) SELECT oid, 'pg_class'::regclass, 0, relacl, 'i' FROM pg_class WHERE relacl IS NOT NULL",
    "INSERT INTO pg_init_privs (objoid, classoid, objsubid, initprivs, privtype) SELECT attrelid, 'pg_class'::regclass, attnum, attacl, 'i' FROM pg_attribute WHERE attacl IS NOT NULL",
    "INSERT INTO pg_init_privs (objoid, classoid, objsubid, initprivs, privtype) SELECT oid, 'pg_proc'::regclass, 0, proacl, 'i' FROM pg_proc WHERE proacl IS NOT NULL",
    "INSERT INTO pg_init_privs (objoid, classoid, objsubid, initprivs, privtype) SELECT oid, 'pg_type'::regclass, 0, typacl, 'i' FROM pg_type WHERE typacl IS NOT NULL",
    "INSERT INTO pg_init_privs (objoid, classoid, objsubid, initprivs, privtype) SELECT oid, 'pg_namespace'::regclass, 0, nspacl, 'i' FROM pg_namespace WHERE nspacl IS NOT NULL",
};

/* Views of ours beside PostgreSQL's. */
static const char *const OWN_VIEWS[] = {
    "CREATE TABLE rdb_audit_policies (policy_name text PRIMARY KEY, actions text[] NOT NULL, condition text)",
    "CREATE TABLE rdb_audit_enabled (policy_name text, entity text, excepts boolean NOT NULL, on_success boolean NOT NULL,"
    " on_failure boolean NOT NULL, PRIMARY KEY (policy_name, entity))", /* entity: a role, '': everybody. No foreign key, which users would find in pg_constraint: sql/dialect_audit.c sees to it */
    "CREATE VIEW audit_unified_policies AS SELECT p.policy_name, p.condition AS audit_condition, CASE WHEN p.condition IS NULL THEN 'NONE' ELSE 'STATEMENT' END AS condition_eval_opt,"
    " split_part(a, ' ON ', 1) AS audit_option, CASE WHEN a LIKE '% ON %' THEN 'OBJECT ACTION' ELSE 'STANDARD ACTION' END AS audit_option_type,"
    " CASE WHEN a LIKE '% ON %.%' THEN split_part(split_part(a, ' ON ', 2), '.', 1) END AS object_schema,"
    " CASE WHEN a LIKE '% ON %.%' THEN split_part(split_part(a, ' ON ', 2), '.', 2) WHEN a LIKE '% ON %' THEN split_part(a, ' ON ', 2) END AS object_name"
    " FROM rdb_audit_policies p, unnest(p.actions) a",
    "CREATE VIEW audit_unified_enabled_policies AS SELECT policy_name, CASE WHEN excepts THEN 'EXCEPT USER' ELSE 'BY USER' END AS enabled_option,"
    " CASE WHEN entity = '' THEN 'ALL USERS' ELSE entity END AS entity_name, 'USER' AS entity_type, CASE WHEN on_success THEN 'YES' ELSE 'NO' END AS success,"
    " CASE WHEN on_failure THEN 'YES' ELSE 'NO' END AS failure FROM rdb_audit_enabled",
    /* Oracle's columns, and of ours what they have no place for. It is for whoever is let to it: REVOKE below. */
    "CREATE VIEW unified_audit_trail AS SELECT r.record AS entry_id, (l.j ->> 'time')::timestamptz AS event_timestamp, CASE l.j ->> 'class' WHEN 'tool' THEN 'Tool' ELSE 'Standard' END AS audit_type,"
    " l.j ->> 'session' AS sessionid, l.j ->> 'login' AS dbusername, l.j ->> 'role' AS \"current_user\", l.j ->> 'database' AS db_name, l.j ->> 'client' AS userhost,"
    " l.j ->> 'application' AS client_program_name, l.j ->> 'class' AS class, l.j ->> 'action' AS action_name, l.j ->> 'outcome' AS outcome, COALESCE(l.j ->> 'code', '0') AS return_code,"
    " l.j ->> 'error' AS error_message, CASE WHEN l.o LIKE '%.%' THEN split_part(l.o, '.', 1) END AS object_schema, CASE WHEN l.o LIKE '%.%' THEN split_part(l.o, '.', 2) ELSE l.o END AS object_name,"
    " l.j -> 'detail' ->> 'new_name' AS new_name, l.j -> 'objects' AS objects, l.j -> 'detail' AS detail, l.j ->> 'statement' AS sql_text, (l.j ->> 'rows')::bigint AS row_count,"
    " (l.j ->> 'scn')::bigint AS scn, l.j ->> 'xid' AS transaction_id, l.j -> 'policies' AS unified_audit_policies"
    " FROM rdb_audit_records('-infinity', 'infinity') r, LATERAL (SELECT r.line::jsonb AS j, r.line::jsonb -> 'objects' -> 0 ->> 'name' AS o) l",
    "REVOKE EXECUTE ON FUNCTION rdb_audit_records(timestamptz, timestamptz) FROM PUBLIC",
    "REVOKE EXECUTE ON FUNCTION rdb_audit_explain(text) FROM PUBLIC",
    "REVOKE EXECUTE ON FUNCTION rdb_backup_progress(int, bigint, bigint) FROM PUBLIC",
    "REVOKE EXECUTE ON FUNCTION rdb_audit_tool(text, text, boolean, text) FROM PUBLIC",
    "CREATE VIEW pg_stat_undo AS SELECT * FROM rdb_stat_get_undo()",
    "GRANT SELECT ON pg_stat_undo TO PUBLIC",
    "CREATE VIEW rdb_stat_waits AS SELECT * FROM rdb_stat_get_waits()",
    "GRANT SELECT ON rdb_stat_waits TO PUBLIC",
    "CREATE VIEW pg_stat_io AS SELECT * FROM rdb_stat_get_io()", /* PostgreSQL 16's, with bytes */
    "GRANT SELECT ON pg_stat_io TO PUBLIC",
    "REVOKE EXECUTE ON FUNCTION rdb_stat_reset(text) FROM PUBLIC",
    "CREATE VIEW rdb_stat_statements AS SELECT * FROM rdb_stat_get_percentiles()",
    "GRANT SELECT ON rdb_stat_statements TO PUBLIC",
    "CREATE VIEW rdb_stat_statement_plans AS SELECT * FROM rdb_stat_get_statement_plans()",
    "GRANT SELECT ON rdb_stat_statement_plans TO PUBLIC",
    "REVOKE EXECUTE ON FUNCTION rdb_stat_forget_statements(oid, oid, bigint) FROM PUBLIC",
    "CREATE VIEW rdb_activity_history AS SELECT * FROM rdb_stat_get_activity_history(now() - interval '1 day', now() + interval '1 hour')",
    "GRANT SELECT ON rdb_activity_history TO PUBLIC",
    "CREATE VIEW rdb_system_history AS SELECT * FROM rdb_stat_get_system_history(now() - interval '1 day', now() + interval '1 hour')",
    "GRANT SELECT ON rdb_system_history TO PUBLIC",
};

static bool set_up_database(rdb_engine *engine, const rdb_role *role, rdb_database *database, rdb_error *err)
{
    rdb_strbuf output;
    rdb_session *session = NULL;
    rdb_strbuf_init(&output, NULL);
    const session_owner owner = {.context = &output, .output = &output, .flush = drop_output, .next_copy_message = no_copy};
    if (!session_create(&session, engine, database, role, 0, &owner, err)) {
        rdb_database_close(&database);
        rdb_strbuf_free(&output);
        return false;
    }
    rdb_database_make_system_objects(database, true);
    bool ok = run_statement(session, &output, "SET synchronous_commit = off", false, err) &&
              run_statement(session, &output, "SET search_path = pg_catalog", false, err) &&
              run_script(session, &output, rdb_catalog_script(RDB_SCRIPT_SYSTEM_VIEWS), false, err);
    for (size_t i = 0; ok && i < RDB_COUNT_OF(OWN_VIEWS); i++)
        ok = run_statement(session, &output, OWN_VIEWS[i], false, err);
    ok = ok && run_script(session, &output, rdb_catalog_script(RDB_SCRIPT_INFORMATION_SCHEMA), false, err) &&
         fill_features(session, &output, rdb_catalog_script(RDB_SCRIPT_SQL_FEATURES), err) &&
         run_script(session, &output, rdb_catalog_script(RDB_SCRIPT_SYSTEM_FUNCTIONS), true, err);
    for (size_t i = 0; ok && i < RDB_COUNT_OF(PRIVILEGES); i++)
        ok = run_statement(session, &output, PRIVILEGES[i], true, err);
    rdb_database_make_system_objects(database, false);
    session_destroy(&session); /* closes the database too */
    rdb_strbuf_free(&output);
    return ok;
}

bool session_make_system_views(rdb_engine *engine, const char *admin_role, rdb_error *err)
{
    static const char *const names[] = {"template0", "template1", "postgres", "rustydb"};
    rdb_role role;
    bool found;
    if (!rdb_role_find(rdb_engine_catalog(engine), admin_role, &role, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", admin_role);
    for (size_t i = 0; i < RDB_COUNT_OF(names); i++) {
        rdb_database *database;
        if (!rdb_database_open_any(rdb_engine_catalog(engine), names[i], &database, err) || !set_up_database(engine, &role, database, err))
            return false;
    }
    return true;
}
