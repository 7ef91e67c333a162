/* SPDX-License-Identifier: Apache-2.0
 * What sessions do, in the server's log: connections, their ends, errors with the statement that met them, each as its settings ask.
 * Severities become levels as PostgreSQL's do in syslog: LOG info, ERROR warn, FATAL error. Nothing of it happens but in a server
 * (rdb_engine_config.logs_sessions). */
#include "session/activity.h"
#include "session/audit_text.h"
#include "session/settings.h"

#include "base/rdb_log.h"

enum { STATEMENT_BYTES_MAX = 64 << 10 };

static const char *place_of(const char *peer)
{
    return peer != NULL && peer[0] != '\0' ? peer : "[local]";
}

/* The text without passwords, in arena-less memory of *clean; NULL: there is none. */
static const char *clean_statement(const char *text, rdb_strbuf *clean)
{
    if (text == NULL)
        return NULL;
    size_t length = strlen(text);
    if (length > STATEMENT_BYTES_MAX) /* cut between characters */
        for (length = STATEMENT_BYTES_MAX; length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80;)
            length--;
    audit_text_add_clean(clean, text, length, NULL);
    return clean->failed ? NULL : clean->data;
}

void session_log_error(const rdb_session *session, const rdb_error *err, const char *severity)
{
    const bool is_fatal = strcmp(severity, "FATAL") == 0;
    if (!session_engine_logs_sessions(session->engine) || !session_setting_logs_severity(session, is_fatal, false))
        return;
    rdb_strbuf clean;
    char pid[16];
    rdb_error brief = *err; /* borrows what err owns */
    rdb_strbuf_init(&clean, NULL);
    if (session_setting_log_is_terse(session)) {
        brief.detail[0] = brief.hint[0] = '\0';
        brief.context = NULL;
    }
    snprintf(pid, sizeof pid, "%u", session->pid);
    const char *application = session_setting_application_name(session);
    const rdb_log_field fields[] = {{"severity", severity}, {"user", session->login_role.name}, {"database", session->database_name}, {"client", place_of(session->owner.peer)},
                                    {"application", application[0] != '\0' ? application : NULL}, {"pid", pid},
                                    {"statement", session_setting_logs_severity(session, is_fatal, true) ? clean_statement(session->query_text, &clean) : NULL}};
    rdb_log_session(is_fatal ? RDB_LOG_ERROR : RDB_LOG_WARN, "session", NULL, &brief, fields, RDB_COUNT_OF(fields));
    rdb_strbuf_free(&clean);
}

void session_log_refused(const rdb_engine *engine, const char *user, const char *database, const char *peer, const rdb_error *err)
{
    const rdb_log_field fields[] = {{"severity", "FATAL"}, {"user", user}, {"database", database}, {"client", place_of(peer)}};
    if (session_engine_logs_sessions(engine))
        rdb_log_session(RDB_LOG_ERROR, "session", NULL, err, fields, RDB_COUNT_OF(fields));
}

void session_log_received(const rdb_engine *engine, const char *peer)
{
    const char *is_on = session_engine_fact(engine, "log_connections");
    const rdb_log_field fields[] = {{"severity", "LOG"}, {"client", place_of(peer)}};
    char message[256];
    if (!session_engine_logs_sessions(engine) || is_on == NULL || strcmp(is_on, "on") != 0)
        return;
    snprintf(message, sizeof message, "connection received: host=%s", place_of(peer));
    rdb_log_session(RDB_LOG_INFO, "session", message, NULL, fields, RDB_COUNT_OF(fields));
}

static void log_session(const rdb_session *session, const char *message)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%u", session->pid);
    const char *application = session_setting_application_name(session);
    const rdb_log_field fields[] = {{"severity", "LOG"}, {"user", session->login_role.name}, {"database", session->database_name}, {"client", place_of(session->owner.peer)},
                                    {"application", application[0] != '\0' ? application : NULL}, {"pid", pid}};
    rdb_log_session(RDB_LOG_INFO, "session", message, NULL, fields, RDB_COUNT_OF(fields));
}

void session_log_begun(rdb_session *session)
{
    char message[3 * RDB_NAMEDATALEN + 80];
    const char *application = session_setting_application_name(session);
    session->begun_us = rdb_time_monotonic_us();
    if (!session_engine_logs_sessions(session->engine) || !session_setting_logs_connections(session, false))
        return;
    snprintf(message, sizeof message, "connection authorized: user=%s database=%s%s%s", session->login_role.name, session->database_name, application[0] != '\0' ? " application_name=" : "", application);
    log_session(session, message);
}

void session_log_ended(const rdb_session *session)
{
    char message[2 * RDB_NAMEDATALEN + 256];
    if (session->begun_us == 0 || !session_engine_logs_sessions(session->engine) || !session_setting_logs_connections(session, true))
        return;
    const int64_t ms = (rdb_time_monotonic_us() - session->begun_us) / 1000;
    snprintf(message, sizeof message, "disconnection: session time: %lld:%02lld:%02lld.%03lld user=%s database=%s host=%s", (long long)(ms / 3600000), (long long)(ms / 60000 % 60),
             (long long)(ms / 1000 % 60), (long long)(ms % 1000), session->login_role.name, session->database_name, place_of(session->owner.peer));
    log_session(session, message);
}
