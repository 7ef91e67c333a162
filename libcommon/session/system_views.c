/* SPDX-License-Identifier: Apache-2.0
 * PostgreSQL's own views of pg_catalog, made by running its script through an ordinary session of each new database. A view
 * that needs what is not built yet is left out: asking for it says that it does not exist. */
#include "session/row_sink.h"
#include "session/settings.h"
#include "session/system_views.h"

static bool drop_output(void *session_at)
{
    rdb_strbuf_clear(((session_owner *)session_at)->output);
    return true;
}

static bool no_copy(void *context, char *type, const uint8_t **body, size_t *length)
{
    (void)context;
    (void)type;
    (void)body;
    (void)length;
    return false;
}

/* Statement by statement, so that one that fails does not take the others along. */
static bool run_script(rdb_session *session, const char *script, rdb_error *err)
{
    rdb_strbuf statement;
    rdb_sql_piece piece;
    rdb_strbuf_init(&statement, NULL);
    bool ok = session_setting_set(session, "search_path", "pg_catalog", false, err);
    for (size_t at = 0, length = strlen(script); ok && at < length; at += piece.next) {
        if (rdb_sql_cut(script + at, length - at, true, &piece) == RDB_SQL_CUT_NOTHING)
            break;
        rdb_strbuf_clear(&statement);
        rdb_strbuf_add(&statement, script + at + piece.start, piece.length);
        ok = rdb_strbuf_check(&statement, err);
        if (ok && strncasecmp(statement.data, "CREATE VIEW", 11) == 0)
            session_simple_query(session, statement.data);
        rdb_strbuf_clear(session->owner.output);
    }
    rdb_strbuf_free(&statement);
    return ok;
}

bool session_make_system_views(rdb_engine *engine, const char *database_name, rdb_error *err)
{
    rdb_database *database = NULL;
    rdb_session *session = NULL;
    rdb_role role;
    bool found = false;
    rdb_strbuf output;
    rdb_strbuf_init(&output, NULL);
    session_owner owner = {.output = &output, .flush = drop_output, .next_copy_message = no_copy};
    owner.context = &owner;
    if (!rdb_role_find(rdb_engine_catalog(engine), "admin", &role, &found, err) || !rdb_database_open_any(rdb_engine_catalog(engine), database_name, &database, err))
        return false;
    rdb_database_make_system_objects(database, true);
    bool ok = session_create(&session, engine, database, &role, 0, &owner, err);
    if (ok) {
        ok = run_script(session, rdb_catalog_script(RDB_SCRIPT_SYSTEM_VIEWS), err);
        rdb_database_make_system_objects(database, false);
        session_destroy(&session);
    } else {
        rdb_database_close(&database);
    }
    rdb_strbuf_free(&output);
    return ok;
}
