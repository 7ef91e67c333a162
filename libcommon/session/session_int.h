/* SPDX-License-Identifier: Apache-2.0
 * A session: its transaction block, settings, prepared statements and portals. The wire (or whoever embeds it) hands it
 * statements; what it answers goes to an output buffer that the owner sends. One thread at a time, never a fixed one. */
#ifndef RDB_SESSION_INT_H
#define RDB_SESSION_INT_H

#include "command/rdb_command.h"
#include "session/rdb_session.h"
#include "sql/rdb_sql.h"
#include "task/rdb_report.h"
#include "task/rdb_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

typedef struct rdb_session rdb_session;

/* How a session reaches its client beyond the output buffer. */
typedef struct session_owner {
    void *context;
    rdb_strbuf *output;
    bool (*flush)(void *context); /* sends the output; false: the client is gone */
    bool holds_replies; /* it sends nothing before session->unpublished_scn is published; false: the session waits itself */
    /* The next message inside COPY FROM STDIN: 'd', 'c', 'f', 'H', 'S'; body borrowed until the next call. False: gone. */
    bool (*next_copy_message)(void *context, char *type, const uint8_t **body, size_t *length);
    /* Cancels the statement of the session with that number, or ends the session. False: there is none. */
    bool (*signal)(void *context, uint32_t pid, bool terminate);
    void (*rouse)(void *context, uint32_t pid); /* something waits for that session: it looks when it is idle; NULL: sessions are never parked */
    const char *peer; /* "address:port" of the client; NULL or without port: local */
    const char *here; /* the same of the server's end */
} session_owner;

/* ---- the transaction block (transaction.c) -------------------------------------------------------------------------
 *   IDLE      no transaction; a statement starts one of its own (AUTO)
 *   AUTO      inside a single statement's own transaction
 *   IMPLICIT  several statements of one Query, or of one extended-protocol run up to Sync
 *   BLOCK     between BEGIN and COMMIT
 *   FAILED    the same after an error: only ROLLBACK, COMMIT (which rolls back) and ROLLBACK TO are heard */
typedef enum session_block { SESSION_IDLE, SESSION_AUTO, SESSION_IMPLICIT, SESSION_BLOCK, SESSION_FAILED } session_block;

typedef struct session_savepoint {
    char name[RDB_NAMEDATALEN];
    uint32_t level; /* of rdb_txn_push_level */
    uint32_t settings_level;
    bool was_read_only; /* what RELEASE and ROLLBACK TO come back to */
    size_t audit_mark;
} session_savepoint;

/* A plan kept with what it was made under; made again when that changed. */
typedef struct session_plan {
    rdb_arena *arena;
    rdb_access *access;       /* pins what the tree names; rebound to each transaction that runs it */
    rdb_query *query;
    rdb_plan *plan;           /* NULL: a utility statement */
    rdb_execution *execution; /* opened at first use, restarted after */
    uint64_t epoch;
    uint32_t role_oid;
    bool row_security_off;
    const char *search_path;
    const rdb_result_column *columns; /* what it gives; count 0 and NULL: nothing */
    uint32_t column_count;
    bool is_in_use;           /* a portal runs the execution */
    const void *description;  /* RowDescription of columns, all as text; NULL: not asked for yet */
    size_t description_bytes;
    struct session_companion *companions; /* of a statement that rules rewrote (companion.h) */
    uint32_t companion_count;
    const char *audit_objects; /* what its audit records say of its relations; NULL: not asked for yet */
    size_t audit_objects_bytes;
    uint8_t audit_class;       /* rdb_audit_class of its statement; 0: not asked for yet */
    struct audit_event_text *audit_event; /* the whole record of a statement that came again (audit.c); NULL: none did */
    struct session_digest *digest; /* digest.h; NULL: not counted */
    const struct rdb_audit_object *audit_relations; /* the same for policies */
    uint32_t audit_relation_count;
    bool shows_companions;    /* the rows of those that are SELECTs go to the client */
} session_plan;

typedef struct session_statement { /* a prepared statement; "" is the unnamed one */
    char name[RDB_NAMEDATALEN];
    rdb_arena *arena;
    const char *text;
    rdb_ast_node *raw;        /* NULL: an empty statement */
    uint32_t *declared_types; /* as the client gave them, 0: to be inferred */
    uint32_t declared_count;
    uint32_t *parameter_types; /* after analysis */
    uint32_t parameter_count;
    session_plan *plan;
    bool from_sql;
    int64_t prepared_us;
    uint32_t use_count;       /* its name, and portals on it */
    uint64_t generic_count, custom_count; /* runs of its own plan, and of plans made for the values of one run */
    double custom_cost;       /* of the latter together, planning included */
    uint32_t alike_count;     /* custom plans one after the other that read the way the statement's own does */
    uint32_t alike_runs;      /* of its own since, where costs alone spoke for custom ones */
} session_statement;

typedef struct session_portal {
    char name[RDB_NAMEDATALEN];
    rdb_arena *arena;
    session_statement *statement;
    const char *text;         /* of DECLARE, in arena; NULL: the statement's */
    session_plan *plan;       /* the statement's, or its own where that one is in use */
    bool owns_plan;
    rdb_parameter *parameters;
    uint32_t parameter_count;
    uint16_t *formats;        /* of results, one a column */
    bool is_started, is_done, is_failed, from_sql, is_scroll;
    bool is_audited;          /* its record is made */
    bool is_finished;         /* what rules add after its rows has run */
    bool holds, is_holding;   /* WITH HOLD; and the transaction is over, rows come from the store alone */
    struct session_run *part;  /* of a run that was suspended: what it used so far, as if it had begun so long ago; NULL: none was */
    bool is_complete;         /* the store has every row there is */
    rdb_snapshot snapshot;
    bool has_snapshot;
    uint32_t level;           /* transaction level it was made in */
    const rdb_batch *rest;    /* rows pulled and not sent yet: positions rest_at .. */
    uint32_t rest_at;
    uint64_t row_count;       /* given so far */
    int64_t created_us;
    struct row_store *store;  /* rows kept: cursors that scroll or hold, and utility statements that give rows */
    uint64_t store_at;        /* cursor: the current row, counted from 1; 0: before the first */
    uint64_t store_base;      /* rows given out before the store began */
    bool is_binary;           /* DECLARE BINARY: FETCH as a simple query answers in binary */
    bool may_scroll;          /* declared without NO SCROLL, and its plan can begin again: goes backward when asked to */
    bool is_past;             /* rows come straight from the query, and the position is behind the last one */
    uint32_t mark_count;      /* pairs of junk columns that say which row of which table stands in the result (RDB_CURSOR_MARK) */
    uint32_t *mark_columns;   /* of the first of each pair */
    uint32_t *mark_tables;
    bool is_for_update, is_query;
    rdb_datum *mark_rows;     /* tids of the current row, where the store does not have it */
    uint32_t *mark_relations;
    const rdb_result_column *stored_columns; /* the query's columns, junk among them */
    uint32_t stored_count;
} session_portal;

struct rdb_session {
    rdb_engine *engine;
    rdb_database *database;
    rdb_role role;               /* the current one: statements run by its privileges */
    rdb_role session_role;       /* the session's user */
    rdb_role login_role;         /* who logged in */
    char database_name[RDB_NAMEDATALEN];
    uint32_t pid;
    session_owner owner;
    const char *piece_of;              /* the message whose statements run, ... */
    int32_t piece_start, piece_length; /* ... and where in it the one is that is made ready; length 0: all of it */
    const char *query_text;      /* what the client sent last; borrowed while its statements run and their error is told; NULL: none of them */
    int64_t begun_us;            /* monotonic: its client was let in; 0: it has none */
    rdb_cancel cancel;
    bool has_ended; /* the client was told a FATAL error: the connection ends */
    rdb_report report;           /* how far its command is */
    rdb_waiter waiter;           /* what its statement waits for; the thread that runs it works for this */
    _Atomic int64_t query_id;    /* of the statement that runs, or ran last; 0: not known */
    _Atomic rdb_scn snapshot_scn; /* of the snapshot its statement reads by; 0: it holds none */
    struct session_settings *settings;
    uint64_t random[2]; /* the state of random() since setseed(); zeroes: it was not called */
    bool expands_generic;     /* EXPLAIN of EXECUTE shows the statement's own plan, not one for these values */
    rdb_arena *statement_arena; /* reset after each statement */
    rdb_work_space work;        /* what its statements may take */

    rdb_access *access;         /* of the statement that runs now; borrowed */
    session_block block;
    uint32_t implicit_statements; /* executed in IMPLICIT; UINT32_MAX: those of a Query with several */
    rdb_scn last_commit_scn; /* what it committed without waiting, its own snapshots see all the same (R17) */
    rdb_scn unpublished_scn; /* replies wait until it is published (R17); 0: for nothing */
    struct rdb_base_backup *backup; /* begun by pg_backup_start; its log is kept to the session's end, or the next one */
    bool backup_has_ended;
    rdb_lock_session *locks;    /* those that outlive transactions, and who waits: for deadlock reports */
    rdb_txn *txn;               /* NULL: not begun yet, also inside BLOCK */
    rdb_isolation isolation;    /* of this transaction */
    bool is_read_only, is_deferrable, has_run_statement;
    rdb_snapshot txn_snapshot;  /* REPEATABLE READ and above */
    bool has_txn_snapshot;
    session_savepoint *savepoints;
    uint32_t savepoint_count, savepoint_capacity;
    int64_t transaction_us, statement_us;

    rdb_map *statements, *portals; /* by name */
    struct session_portal *unnamed_portal; /* not among them: most statements of the extended protocol make and end one */
    rdb_arena *portal_arena;     /* empty, of a portal that ended; NULL: none is kept */
    struct rdb_sequence_session *sequences; /* for currval */
    struct rdb_temp_session *temp;
    rdb_client client;             /* rows and COPY to the wire */
    struct session_row_sink *sink;
    enum { SESSION_COPY_NONE, SESSION_COPY_OPEN, SESSION_COPY_CLOSED } copy_in; /* OPEN: the client may still be sending */
    _Atomic(const char *) state_name; /* for pg_stat_activity */
    bool is_automatic;                /* the server's own: autoanalyze.c */
    bool has_told_data;               /* rows went into the answer since it was last waited for what they built on */
    _Atomic bool is_held;             /* nobody runs it: its answer waits for its commit to be published; for pg_stat_activity */
    bool is_active;                   /* from a message that runs something to the next ReadyForQuery */
    rdb_counters *counters;      /* of its database; NULL: not counted */
    struct session_large_objects *large_objects; /* large_objects.c: descriptors of the transaction; NULL: none were opened */
    struct session_templates *templates; /* template.c; NULL: none yet */
    struct session_notify *notify; /* notify.c; NULL: it said and heard nothing yet */
    struct session_audit *audit; /* audit.c; NULL: nothing is audited */
    struct session_activity *activity; /* its entry in the engine's list; NULL: not listed */
};

RDB_CHECKED bool session_create(rdb_session **session, rdb_engine *engine, rdb_database *database, const rdb_role *role, uint32_t pid,
                                const session_owner *owner, rdb_error *err);
void session_destroy(rdb_session **session); /* NULL inside is fine */
void session_cancel(rdb_session *session, bool terminate); /* any thread */
void session_client_gone(rdb_session *session); /* any thread */
/* The statement is all that its transaction has: one of a Query, or the first of a pipeline. VACUUM and its like need it. */
bool session_stands_alone(const rdb_session *session);
RDB_CHECKED bool session_require_alone(const rdb_session *session, const char *what, rdb_error *err); /* 25001 */
bool session_is_idle(const rdb_session *session); /* outside a transaction */
bool session_must_hold(rdb_session *session); /* what it answered may not leave yet: unpublished_scn is not published */
void session_trim(rdb_session *session); /* gives caches of memory back while parked */
char session_ready_status(const rdb_session *session); /* 'I', 'T', 'E' */
bool session_set_startup_option(rdb_session *session, const char *name, const char *value, rdb_error *err);
void session_report_parameters(rdb_session *session); /* all ParameterStatus, at startup */

/* Simple protocol: everything up to, not including, ReadyForQuery. Errors are sent inside. */
/* client_text.c: bytes of the client become UTF-8, ended by a zero byte where they changed, or 22021. */
RDB_CHECKED bool session_text_in(const rdb_session *session, rdb_arena *arena, rdb_slice *bytes, rdb_error *err);
/* What stands in output from there on becomes the client's, or 22P05. */
RDB_CHECKED bool session_text_out(const rdb_session *session, rdb_strbuf *output, size_t from, rdb_error *err);
/* What a terminated session's statement ends with is FATAL and the last that the client hears. */
/* session_log.c: what it did, into the server's log, where the settings ask for that. */
bool session_engine_logs_sessions(const rdb_engine *engine);
void session_log_error(const rdb_session *session, const rdb_error *err, const char *severity);
void session_log_refused(const rdb_engine *engine, const char *user, const char *database, const char *peer, const rdb_error *err); /* before there was a session; names: NULL where unknown */
void session_log_received(const rdb_engine *engine, const char *peer);
void session_log_begun(rdb_session *session);
void session_log_ended(const rdb_session *session);
void session_put_error(rdb_session *session, rdb_strbuf *output, const rdb_error *err, const char *severity); /* session may be NULL */
void session_put_notice(const rdb_session *session, rdb_strbuf *output, const rdb_error *notice, const char *severity);
void session_put_name(const rdb_session *session, rdb_strbuf *output, const char *name);
void session_simple_query(rdb_session *session, const char *text);
/* Extended protocol: each puts its reply; false: err is set, the caller sends it and skips to Sync. */
bool session_parse(rdb_session *session, const char *name, const char *text, const uint32_t *types, uint32_t type_count, rdb_error *err);
typedef struct session_bind {
    const char *portal, *statement;
    const uint16_t *parameter_formats, *result_formats;
    uint32_t parameter_format_count, result_format_count, parameter_count;
    const uint8_t *const *parameters; /* NULL: null */
    const uint32_t *lengths;
} session_bind;
bool session_bind_portal(rdb_session *session, const session_bind *bind, rdb_error *err);
bool session_describe_statement(rdb_session *session, const char *name, rdb_error *err);
bool session_describe_portal(rdb_session *session, const char *name, rdb_error *err);
bool session_execute(rdb_session *session, const char *portal, uint32_t row_max, rdb_error *err);
bool session_close_statement(rdb_session *session, const char *name, rdb_error *err);
bool session_close_portal(rdb_session *session, const char *name, rdb_error *err);
typedef struct session_function_call { /* the fast path's FunctionCall */
    uint32_t function_oid;
    const uint16_t *formats;
    uint32_t format_count, argument_count;
    const uint8_t **arguments; /* NULL: null */
    uint32_t *lengths;
    uint16_t result_format;
} session_function_call;
bool session_call_function(rdb_session *session, const session_function_call *call, rdb_error *err); /* puts FunctionCallResponse */
void session_sync(rdb_session *session); /* ends an implicit transaction; sends its error if the commit fails */
/* After an error that was or will be sent: the transaction's fate (AUTO and IMPLICIT abort, BLOCK becomes FAILED). */
void session_fail(rdb_session *session);

/* statement.c: from text to plan to rows. */
/* A plan for the values of one run alone. The caller destroys it. */
RDB_CHECKED bool session_plan_make_custom(rdb_session *session, session_statement *statement, const rdb_parameter *parameters, session_plan **plan, rdb_error *err);
/* Is the next run one of those? By plan_cache_mode; the first five, then as long as they cost less on average than the statement's own. Counts it. */
bool statement_runs_custom(const rdb_session *session, session_statement *statement);
void statement_count_custom(session_statement *statement, const session_plan *plan);
RDB_CHECKED bool session_plan_make(rdb_session *session, const char *text, rdb_ast_node *raw, uint32_t **parameter_types, uint32_t *parameter_count,
                                   bool infer, bool is_cursor, session_plan **plan, rdb_error *err);
void session_plan_destroy(session_plan **plan);
/* What a command is given that is no statement of its own; for what the session itself asks commands. */
void session_command_context(rdb_session *session, const session_plan *plan, const char *text, rdb_command_context *context);
RDB_CHECKED bool session_access_begin(rdb_session *session, rdb_access **access, rdb_error *err);
/* The statement's snapshot, which has all that the plan rests on. */
RDB_CHECKED bool session_plan_snapshot(rdb_session *session, const session_plan *plan, rdb_snapshot *snapshot, rdb_error *err);
bool session_plan_is_current(const rdb_session *session, const session_plan *plan);
/* Locks what the plan reads and writes, for a plan that was made earlier. False with err unset: it must be made again. */
RDB_CHECKED bool session_plan_lock(rdb_session *session, session_plan *plan, bool *is_current, rdb_error *err);
/* Runs a plan to its end, rows and their description going to the client. */
RDB_CHECKED bool session_run_plan(rdb_session *session, session_plan *plan, const rdb_parameter *parameters, uint32_t parameter_count, char tag[64],
                                  rdb_error *err);
RDB_CHECKED bool session_plan_start(rdb_session *session, session_plan *plan, const rdb_parameter *parameters, uint32_t count,
                                    rdb_snapshot *snapshot, rdb_error *err);
/* What executions of the plan are given. */
void session_execution_context(rdb_session *session, const session_plan *plan, const rdb_parameter *parameters, uint32_t count, const rdb_snapshot *snapshot,
                               rdb_execution_context *context);
/* 25006 where the transaction may not do what the plan does. */
RDB_CHECKED bool session_check_writes(const rdb_session *session, const rdb_plan *plan, rdb_error *err);
void session_command_tag(const session_plan *plan, uint64_t row_count, char tag[64]);
/* Runs a statement that is no plan. describes: begin rows with a RowDescription. */
RDB_CHECKED bool session_run_utility(rdb_session *session, session_plan *plan, const char *text, rdb_ast_node *raw, const rdb_parameter *parameters,
                                     uint32_t parameter_count, bool describes, const uint16_t *formats, char tag[64], rdb_error *err);
RDB_CHECKED bool session_utility_columns(rdb_session *session, const session_plan *plan, const char *text, rdb_ast_node *raw,
                                         rdb_arena *arena, const rdb_result_column **columns, uint32_t *count, rdb_error *err);
void session_columns_of(rdb_arena *arena, const rdb_list *targets, const rdb_result_column **columns, uint32_t *count);
/* May it run in a failed block? */
bool session_ends_failure(const rdb_ast_node *raw);
RDB_CHECKED bool session_check_not_failed(rdb_session *session, const rdb_ast_node *raw, rdb_error *err);
void session_put_complete(rdb_session *session, const char *tag);
/* Around every statement or message that runs one: timeouts, times, state. */
void session_statement_begin(rdb_session *session);
void session_statement_end(rdb_session *session);
void session_note_temp_files(rdb_session *session); /* those that ended are counted */
void session_now_idle(rdb_session *session); /* its client is about to be told that it may go on */

/* portal.c: prepared statements, portals and cursors. */
RDB_CHECKED bool session_prepare_statement(rdb_session *session, const rdb_ast_prepare *prepare, const char *text, rdb_error *err);
RDB_CHECKED bool session_expand_execute(rdb_session *session, rdb_ast_node *around, const char *text, rdb_ast_node **expanded, const char **statement_text,
                                          const rdb_parameter **parameters, uint32_t *parameter_count, rdb_error *err);
RDB_CHECKED bool session_execute_statement(rdb_session *session, const rdb_ast_execute *execute, const char *text, bool describes,
                                           const uint16_t *formats, char tag[64], rdb_error *err);
RDB_CHECKED bool session_deallocate_statement(rdb_session *session, const rdb_ast_deallocate *deallocate, char tag[64], rdb_error *err);
RDB_CHECKED bool session_declare_cursor(rdb_session *session, const rdb_ast_declare *declare, const char *text, rdb_error *err);
RDB_CHECKED bool session_fetch_cursor(rdb_session *session, const rdb_ast_fetch *fetch, bool describes, const uint16_t *formats, char tag[64], rdb_error *err);
RDB_CHECKED bool session_close_cursor(rdb_session *session, const rdb_ast_close *close, char tag[64], rdb_error *err);
/* Names are cut like identifiers, where they are given and where they are looked up. */
static inline size_t session_name_length(const char *name)
{
    return strnlen(name, RDB_NAMEDATALEN - 1);
}
void session_forget_unnamed(rdb_session *session); /* statement and portal: a Query ends them */
session_statement *session_find_statement(rdb_session *session, const char *name, rdb_error *err); /* 26000 */
session_portal *session_find_portal(rdb_session *session, const char *name, rdb_error *err);       /* 34000 */
void session_discard_statements(rdb_session *session);

/* What kernels are given of the session. */
void session_make_eval(rdb_session *session, rdb_access *access, rdb_eval *eval);
bool session_checkpoint(void *session, rdb_error *err);

/* roles.c: SET ROLE and SET SESSION AUTHORIZATION; statements inside routines. */
RDB_CHECKED bool session_check_role(rdb_session *session, bool is_authorization, const char *name, rdb_error *err);
void session_apply_roles(rdb_session *session, const char *authorization, const char *role_name);
void session_register_nested(void);

/* transaction.c */
RDB_CHECKED bool session_begin_statement(rdb_session *session, rdb_error *err); /* a transaction is there afterwards */
RDB_CHECKED bool session_commit(rdb_session *session, rdb_error *err);          /* AUTO, IMPLICIT, BLOCK to IDLE */
void session_rollback(rdb_session *session);
/* statement.c: what temporary tables do at a commit. */
RDB_CHECKED bool session_temp_before_commit(rdb_session *session, rdb_error *err);
RDB_CHECKED bool session_statement_snapshot(rdb_session *session, rdb_snapshot *snapshot, rdb_error *err);
void session_drop_statement_snapshot(rdb_session *session, const rdb_snapshot *snapshot);
/* BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ...: tag receives the command tag. */
RDB_CHECKED bool session_transaction_statement(rdb_session *session, const rdb_ast_node *statement, char tag[64], rdb_error *err);

bool session_apply_transaction_options(rdb_session *session, const rdb_list *options, rdb_error *err);
/* SET TRANSACTION SNAPSHOT: the transaction reads what the exporter of that name does. */
RDB_CHECKED bool session_import_snapshot(rdb_session *session, const char *id, rdb_error *err);

/* portal.c: portals and the ends of transactions. At a commit those WITH HOLD keep their rows (which may fail). */
bool session_close_portals(rdb_session *session, bool committing, rdb_error *err);
void session_close_failed_portals(rdb_session *session); /* after an error: those that were running cannot go on */
/* large_objects.c: what becomes of open descriptors at the transaction's end, RELEASE and ROLLBACK TO */
void session_large_objects_forget(rdb_session *session);
void session_large_objects_release(rdb_session *session, uint32_t savepoint_no);
void session_large_objects_rollback(rdb_session *session, uint32_t savepoint_no);
void session_close_portals_above(rdb_session *session, uint32_t level);

void session_notice(rdb_session *session, const char *severity, const char *sqlstate, const char *format, ...) RDB_PRINTF(4, 5);

#endif
