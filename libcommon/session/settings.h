/* SPDX-License-Identifier: Apache-2.0
 * The settings of a session (SET, SHOW, RESET, startup options) and what the session's own code reads of them. */
#ifndef RDB_SESSION_SETTINGS_H
#define RDB_SESSION_SETTINGS_H

#include "session/session_int.h"

RDB_CHECKED bool session_settings_create(rdb_session *session, rdb_error *err);
void session_settings_destroy(rdb_session *session);
/* Levels follow savepoints: pop gives the values back that were there at the push, or keeps what was SET (not SET LOCAL). */
uint32_t session_settings_push(rdb_session *session);
void session_settings_pop(rdb_session *session, uint32_t level, bool keep);
void session_settings_end_transaction(rdb_session *session, bool committed);

int64_t session_setting_deadlock_timeout_us(const rdb_session *session);
bool session_setting_deferrable(const rdb_session *session); /* default_transaction_deferrable */
rdb_isolation session_setting_isolation(const rdb_session *session); /* default_transaction_isolation */
bool session_setting_read_only(const rdb_session *session);          /* default_transaction_read_only */
rdb_commit_wait session_setting_commit_wait(const rdb_session *session);
int64_t session_setting_lock_timeout_us(const rdb_session *session);
bool session_setting_counts_statements(const rdb_session *session); /* into pg_stat_statements: its track is not none */
/* Does an error (fatal: one that ends the connection) go into the server's log (log_min_messages), and its statement (log_min_error_statement)? */
bool session_setting_logs_severity(const rdb_session *session, bool is_fatal, bool with_statement);
bool session_setting_log_is_terse(const rdb_session *session); /* log_error_verbosity */
bool session_setting_logs_connections(const rdb_session *session, bool ends); /* log_connections; ends: log_disconnections */
int64_t session_setting_slow_us(const rdb_session *session); /* statements that take longer go into the slow log; INT64_MAX: none do */
int64_t session_engine_slow_us(const rdb_engine *engine);    /* where the session has not set it */
int64_t session_setting_statement_timeout_us(const rdb_session *session);
int64_t session_setting_idle_timeout_us(const rdb_session *session, bool in_transaction); /* 0: none */
uint64_t session_setting_work_mem(const rdb_session *session);
uint32_t session_setting_prepared_max(const rdb_session *session); /* max_prepared_transactions */
uint32_t session_setting_statistics_target(const rdb_session *session);
const char *session_setting_application_name(const rdb_session *session);
bool session_setting_row_security_off(const rdb_session *session);
const char *session_setting_search_path(const rdb_session *session);
uint64_t session_setting_version(const rdb_session *session); /* another one where a setting changed that plans may hang on */
rdb_sql_reading session_setting_reading(const rdb_session *session);
bool session_isolation_from_text(const char *text, rdb_isolation *isolation);
const char *session_isolation_text(rdb_isolation isolation);
/* Sends ParameterStatus for reported settings that changed since the last call. */
void session_settings_report(rdb_session *session, bool all);
void session_settings_set_planner(const rdb_session *session, rdb_plan_context *context);
void session_settings_of_plans(const void *session, rdb_setting_sink *sink, void *sink_context);
bool session_setting_forces_plan(const rdb_session *session, const char *mode); /* is plan_cache_mode that? */
bool session_setting_plans_values(const void *session); /* plan_cache_mode is not force_generic_plan */

/* set_statement.c: SET, RESET, SET TRANSACTION; SHOW gives one row (or all) through the client. */
RDB_CHECKED bool session_set_statement(rdb_session *session, const rdb_ast_set *statement, char tag[64], rdb_error *err);
RDB_CHECKED bool session_show_columns(rdb_session *session, const rdb_ast_show *statement, rdb_arena *arena,
                                      const rdb_result_column **columns, uint32_t *count, rdb_error *err);
RDB_CHECKED bool session_show_statement(rdb_session *session, const rdb_ast_show *statement, rdb_error *err);
/* Any setting by name for functions such as current_setting(); the text lives in arena. *value NULL: there is none. */
RDB_CHECKED bool session_setting_get(rdb_session *session, const char *name, rdb_arena *arena, const char **value, rdb_error *err);
RDB_CHECKED bool session_setting_set(rdb_session *session, const char *name, const char *value, bool is_local, rdb_error *err);
/* One setting for pg_settings. Numbers as texts in the setting's unit; min and max "" where it has none. */
typedef struct session_setting_info {
    const char *name, *folded_name, *kind, *unit, *description, *values; /* values: "a, b, c" of an enumeration, or NULL */
    const char *boot_value, *reset_value, *source;
    char value[1024], min[32], max[32];
    bool is_fixed;
} session_setting_info;
uint32_t session_setting_count(void);
bool session_setting_exists(const char *name); /* in any case of letters; those with a dot do not count */
/* May the current role? Those of superusers alone are theirs (42501). */
RDB_CHECKED bool session_setting_is_allowed(const rdb_session *session, const char *name, rdb_error *err);
void session_setting_describe(const rdb_session *session, uint32_t number, session_setting_info *info);
const char *session_setting_shown_name(const char *name); /* with the capitals clients see; name itself where there is no such setting */
bool session_setting_unknown(const char *name, rdb_error *err); /* false, with 42704 */
/* May it be set, and to value (NULL: to any)? *shown: as session_setting_shown_name. */
RDB_CHECKED bool session_setting_check(rdb_session *session, const char *name, const char *value, const char **shown, rdb_error *err);
/* What the SET of ALTER ROLE and its kin asks to keep: checked, and not set here. *name as the setting is called; *value NULL: RESET. */
RDB_CHECKED bool session_setting_of_set(rdb_session *session, const rdb_ast_set *set, const char **name, const char **value, rdb_error *err);
/* stored_settings.c */
RDB_CHECKED bool session_alter_role_set(rdb_session *session, const rdb_ast_alter_role_set *statement, rdb_error *err);
RDB_CHECKED bool session_alter_database_set(rdb_session *session, const rdb_ast_alter_database_set *statement, rdb_error *err);
/* May the role connect? The settings that are kept for it. Before the client's own options. */
RDB_CHECKED bool session_log_in(rdb_session *session, rdb_error *err);
/* What RESET gives back from now on. */
RDB_CHECKED bool session_setting_begin_with(rdb_session *session, const char *name, const char *value, rdb_error *err);
RDB_CHECKED bool session_settings_discard(rdb_session *session, rdb_error *err); /* RESET ALL */
void session_register_functions(void); /* functions.c */
void session_register_large_objects(void);

#endif
