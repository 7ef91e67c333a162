/* SPDX-License-Identifier: Apache-2.0
 * Room command: statements that are no plans: DDL, COPY, EXPLAIN, VACUUM, ANALYZE, LOCK, TRUNCATE and their kin. Transaction
 * control, settings, prepared statements and cursors are the session's own. What a statement says to its client goes
 * through rdb_client, so that the wire, an embedded shell and a nested statement look the same from here. */
#ifndef RDB_COMMAND_H
#define RDB_COMMAND_H

#include "exec/rdb_exec.h"

typedef struct rdb_result_column {
    const char *name;
    const rdb_type *type;
    int32_t typmod;
    uint32_t origin_table; /* 0: not a plain column */
    int16_t origin_column;
} rdb_result_column;

typedef struct rdb_client {
    void *context;
    /* Rows: begin once, then batches. */
    bool (*begin_rows)(void *context, const rdb_result_column *columns, uint32_t count, rdb_error *err);
    bool (*send_batch)(void *context, const rdb_batch *batch, rdb_error *err);
    /* COPY TO STDOUT and FROM STDIN. is_binary: overall format, for all columns alike. */
    bool (*begin_copy_out)(void *context, bool is_binary, uint16_t column_count, rdb_error *err);
    bool (*send_copy)(void *context, const void *bytes, size_t length, rdb_error *err);
    bool (*end_copy_out)(void *context, rdb_error *err);
    bool (*begin_copy_in)(void *context, bool is_binary, uint16_t column_count, rdb_error *err);
    /* The next piece of data, borrowed until the next call; *length 0: the end. CopyFail is an error 57014. */
    bool (*receive_copy)(void *context, const uint8_t **bytes, size_t *length, rdb_error *err);
    /* severity: "NOTICE", "WARNING", "INFO". */
    void (*notice)(void *context, const char *severity, const rdb_error *notice);
} rdb_client;

typedef void rdb_setting_sink(void *context, const char *name, const char *value);

typedef struct rdb_command_context {
    rdb_arena *arena;             /* of the statement */
    rdb_access *access;
    rdb_txn *txn;
    const rdb_snapshot *snapshot;
    rdb_cancel *cancel;
    const rdb_format_settings *format;
    const rdb_client *client;
    void *session;
    const char *text;             /* the statement's whole text */
    int64_t statement_us, transaction_us, lock_timeout_us;
    uint64_t work_mem_bytes;
    struct rdb_work_space *work;  /* of the session: memory and temporary files; may be NULL */
    bool is_automatic;            /* the server's own doing: its counters tell it apart */
    bool is_top_level;            /* not inside a transaction block: VACUUM, CREATE DATABASE */
    const rdb_parameter *parameters; /* of EXECUTE or Bind, for EXPLAIN and CREATE TABLE AS */
    uint32_t parameter_count;
    const rdb_role *role;
    uint32_t statistics_target;   /* default_statistics_target; 0: 100 */
    void (*set_planner)(const void *session, struct rdb_plan_context *plan); /* the session's settings for a plan (EXPLAIN); may be NULL */
    void (*plan_settings)(const void *session, rdb_setting_sink *sink, void *context); /* EXPLAIN (SETTINGS); may be NULL */
    const rdb_function *routine;  /* in whose body the statement stands: its arguments can be named; NULL: none */
    bool plans_values;            /* parameters are those of EXECUTE, and a plan may be made for them alone */
    bool skips_function_bodies;   /* check_function_bodies = off */
    bool (*checkpoint)(void *session, rdb_error *err); /* CHECKPOINT */
    bool (*step_commits)(void *session, rdb_txn *txn, rdb_error *err); /* a transaction of the statement's own is about to commit; may be NULL */
    bool keeps_to_named;          /* ALTER TABLE ONLY at work: keys do not go on to partitions */
    char tag[64];                 /* out: the command tag, "CREATE TABLE", "COPY 5" */
} rdb_command_context;

/* Is it one of this room's? Those that are not are the session's own or unknown. */
bool rdb_command_handles(const struct rdb_ast_node *statement);
/* The columns it will give, for Describe; *count 0: none. */
RDB_CHECKED bool rdb_command_describe(rdb_command_context *context, struct rdb_ast_node *statement,
                                      const rdb_result_column **columns, uint32_t *count, rdb_error *err);
RDB_CHECKED bool rdb_command_run(rdb_command_context *context, struct rdb_ast_node *statement, rdb_error *err);
/* May it run in a read-only transaction? */
bool rdb_command_is_read_only(const struct rdb_ast_node *statement);
/* The tag that a statement would complete with ("CREATE TABLE"); for messages such as
 * "VACUUM cannot run inside a transaction block". Static text. */
const char *rdb_command_tag(const struct rdb_ast_node *statement);
/* Registers the kernels of this room (rdb_verify); once at start. */
void rdb_command_register(void);

/* The plan as EXPLAIN prints it, costs as estimated, whole lines. execution: of a run, or NULL. False: it cannot be printed. */
RDB_CHECKED bool rdb_explain_plan(rdb_command_context *context, const rdb_plan *plan, const rdb_execution *execution, rdb_strbuf *text, rdb_error *err);

#endif
