/* SPDX-License-Identifier: Apache-2.0
 * The statements SET, RESET and SHOW: from their trees to settings by name, and back to rows. */
#include "session/row_sink.h"
#include "session/settings.h"
#include "session/wire_int.h"

static bool is_list_of_names(const char *name)
{
    static const char *const LISTS[] = {"search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries", "local_preload_libraries"};
    for (size_t i = 0; name != NULL && i < RDB_COUNT_OF(LISTS); i++)
        if (strcasecmp(name, LISTS[i]) == 0)
            return true;
    return false;
}

/* The arguments of SET joined as PostgreSQL joins them: identifiers in search_path are quoted where they need it. */
static bool join_arguments(rdb_arena *arena, const char *name, const rdb_list *args, const char **text, rdb_error *err)
{
    const bool is_list = is_list_of_names(name);
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, arena);
    for (uint32_t i = 0; i < args->count; i++) {
        const rdb_ast_node *node = args->items[i];
        if (i > 0)
            rdb_strbuf_adds(&buffer, ", ");
        if (node->tag == RDB_AST_CAST) /* SET TIME ZONE INTERVAL '...' */
            node = ((const rdb_ast_cast *)node)->arg;
        if (node->tag != RDB_AST_CONST && node->tag != RDB_AST_VALUE)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "SET takes constants only");
        const rdb_ast_value *value = (const rdb_ast_value *)node;
        if (value->kind == RDB_SQL_VALUE_INTEGER)
            rdb_strbuf_addf(&buffer, "%d", value->integer);
        else if (value->kind == RDB_SQL_VALUE_BOOL)
            rdb_strbuf_adds(&buffer, value->integer ? "true" : "false");
        else if (is_list)
            rdb_identifier_add(&buffer, value->text);
        else
            rdb_strbuf_adds(&buffer, value->text);
    }
    *text = buffer.data != NULL ? buffer.data : "";
    return rdb_strbuf_check(&buffer, err);
}

static bool set_multi(rdb_session *session, const rdb_ast_set *statement, rdb_error *err)
{
    if (strcmp(statement->name, "TRANSACTION") == 0) {
        if (session->block != SESSION_BLOCK && session->block != SESSION_IMPLICIT) {
            session_notice(session, "WARNING", RDB_NO_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION can only be used in transaction blocks");
            return true;
        }
        return session_apply_transaction_options(session, &statement->args, err);
    }
    if (strcmp(statement->name, "TRANSACTION SNAPSHOT") == 0)
        return session_import_snapshot(session, ((const rdb_ast_value *)statement->args.items[0])->text, err);
    if (strcmp(statement->name, "SESSION CHARACTERISTICS") != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "SET %s is not supported yet", statement->name);
    for (uint32_t i = 0; i < statement->args.count; i++) {
        const rdb_ast_option *option = statement->args.items[i];
        const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
        char name[64];
        snprintf(name, sizeof name, "default_%s", option->name);
        const char *text = value->kind == RDB_SQL_VALUE_STRING ? value->text : value->integer ? "on" : "off";
        if (!session_setting_set(session, name, text, false, err))
            return false;
    }
    return true;
}

bool session_set_statement(rdb_session *session, const rdb_ast_set *statement, char tag[64], rdb_error *err)
{
    const char *text = NULL;
    bool is_reset = statement->kind == RDB_SQL_SET_RESET || statement->kind == RDB_SQL_SET_RESET_ALL;
    snprintf(tag, 64, "%s", is_reset ? "RESET" : "SET");
    switch (statement->kind) {
    case RDB_SQL_SET_MULTI:
        return set_multi(session, statement, err);
    case RDB_SQL_SET_RESET_ALL:
        return session_settings_discard(session, err);
    case RDB_SQL_SET_CURRENT:
    case RDB_SQL_SET_DEFAULT:
    case RDB_SQL_SET_RESET:
        break;
    case RDB_SQL_SET_VALUE:
        if (!join_arguments(session->statement_arena, statement->name, &statement->args, &text, err))
            return false;
        break;
    }
    if (statement->is_local && session->block != SESSION_BLOCK && session->block != SESSION_IMPLICIT)
        session_notice(session, "WARNING", RDB_NO_ACTIVE_SQL_TRANSACTION, "SET LOCAL can only be used in transaction blocks");
    return session_setting_is_allowed(session, statement->name, err) && session_setting_set(session, statement->name, text, statement->is_local, err);
}

bool session_show_columns(rdb_session *session, const rdb_ast_show *statement, rdb_arena *arena, const rdb_result_column **columns,
                          uint32_t *count, rdb_error *err)
{
    rdb_access_context context = {.catalog = rdb_engine_catalog(session->engine), .database = session->database, .search_path = ""};
    rdb_access *access = NULL;
    const rdb_type *text = NULL;
    if (!rdb_access_begin(&access, &context, err))
        return false;
    bool ok = rdb_type_get(access, RDB_TEXTOID, &text, err);
    rdb_access_end(&access); /* built-in types outlive every access */
    if (!ok)
        return false;
    bool all = strcasecmp(statement->name, "all") == 0;
    rdb_result_column *made = RDB_NEW_ARRAY(arena, rdb_result_column, 3);
    made[0] = (rdb_result_column){.name = all ? "name" : session_setting_shown_name(rdb_arena_strdup(arena, statement->name)), .type = text, .typmod = -1};
    made[1] = (rdb_result_column){.name = "setting", .type = text, .typmod = -1};
    made[2] = (rdb_result_column){.name = "description", .type = text, .typmod = -1};
    *columns = made;
    *count = all ? 3 : 1;
    return true;
}

static bool send_texts(rdb_session *session, const char *const *texts, uint32_t count, rdb_error *err)
{
    rdb_vector vectors[3], *columns[3];
    for (uint32_t i = 0; i < count; i++) {
        rdb_datum value = {.bytes = {(const uint8_t *)texts[i], (uint32_t)strlen(texts[i]), 0}};
        rdb_vector_set_constant(&vectors[i], session->statement_arena, RDB_REP_BYTES, value, false);
        columns[i] = &vectors[i];
    }
    rdb_batch batch = {columns, count, 1, {NULL, 1}};
    return session->client.send_batch(session->client.context, &batch, err);
}

bool session_show_statement(rdb_session *session, const rdb_ast_show *statement, rdb_error *err)
{
    const rdb_result_column *columns;
    uint32_t count;
    bool all = strcasecmp(statement->name, "all") == 0;
    const char *value = NULL;
    if (!all && !session_setting_get(session, statement->name, session->statement_arena, &value, err))
        return false;
    if (!all && value == NULL)
        return session_setting_unknown(statement->name, err);
    if (!session_show_columns(session, statement, session->statement_arena, &columns, &count, err) ||
        !session->client.begin_rows(session->client.context, columns, count, err))
        return false;
    if (!all)
        return send_texts(session, &value, 1, err);
    for (uint32_t no = 0; no < session_setting_count(); no++) {
        session_setting_info info;
        session_setting_describe(session, no, &info);
        if (!session_setting_get(session, info.name, session->statement_arena, &value, err))
            return false;
        const char *row[] = {info.name, value, info.description};
        if (!send_texts(session, row, 3, err))
            return false;
    }
    return true;
}

bool session_setting_of_set(rdb_session *session, const rdb_ast_set *set, const char **name, const char **value, rdb_error *err)
{
    *value = NULL;
    if (set->kind == RDB_SQL_SET_VALUE && !join_arguments(session->statement_arena, set->name, &set->args, value, err))
        return false;
    return session_setting_check(session, set->name, *value, name, err) &&
           (set->kind != RDB_SQL_SET_CURRENT || session_setting_get(session, set->name, session->statement_arena, value, err));
}
