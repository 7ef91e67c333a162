/* SPDX-License-Identifier: Apache-2.0
 * Room session: the whole database in one process (rdb_engine), the sessions on it, and PostgreSQL's wire protocol 3.0 as
 * a state machine over a byte channel. Sockets, TLS records and threads are the caller's (bin/rdb-serve); so a test, or
 * rdb-cli's embedded mode, drives the same machine over memory. The state table of the wire stands in README.md. */
#ifndef RDB_SESSION_H
#define RDB_SESSION_H

#include "catalog/rdb_catalog.h"
#include "observe/rdb_metrics.h"

/* ---- the engine: everything below, opened together ---------------------------------------------------------------- */
typedef struct rdb_engine rdb_engine;
typedef struct rdb_engine_config {
    const char *home;          /* the instance directory, already locked by the caller */
    uint64_t buffer_bytes;     /* memory.shared_buffers */
    uint64_t work_mem_bytes;   /* memory.work_mem: what sessions start with; 0: 4 MB */
    uint64_t memory_bytes;     /* what all statements together may take; 0: no limit */
    uint32_t max_connections;
    int64_t checkpoint_interval_us;
    int64_t analyze_interval_us; /* between looks for tables whose statistics are old; 0: none */
    uint64_t wal_bytes_max;      /* that the log shall take between checkpoints (PostgreSQL's max_wal_size); 0: none come by volume */
    uint32_t checkpoint_percent; /* of the time or log between checkpoints over which one spreads its writes */
    int64_t undo_retention_us; /* storage.undo_retention_secs */
    uint64_t undo_bytes_max;   /* storage.undo_max_size; 0: no limit */
    bool sync;                 /* storage.fsync */
    struct rdb_log *slow_log;  /* statements that take slow_us and longer; NULL: none is kept. The caller's, as long as the engine is open */
    int64_t slow_us;           /* sessions may set log_min_duration_statement; negative: only those that do */
    bool slow_log_is_json, slow_log_has_plans;
    bool logs_sessions;        /* their errors, connections and ends go into the log (rdb_log.h) as their settings ask; these begin with: */
    bool log_connections, log_disconnections;
    const char *log_min_messages, *log_min_error_statement; /* NULL: as PostgreSQL's */
    bool no_statement_statistics; /* pg_stat_statements.track is none where a session does not set it */
    const char *sample_directory; /* of samples of what sessions do, one a second; NULL: none are taken */
    bool archive;              /* wal.archive_enabled: by the command where there is one, else into the directory */
    const char *archive_directory, *archive_command;
    int64_t archive_timeout_us, archive_partial_us;
    const char *logs_directory; /* NULL: home/logs */
    struct {
        bool is_on;
        uint32_t classes;       /* RDB_AUDIT_BIT of each class that is audited for everybody; policies add to it */
        bool logins, logouts, failed_logins;
        uint8_t on_failure;     /* 0 block, 1 halt, 2 spill */
        uint64_t file_bytes_max;
    } audit;
    /* for SHOW alone: where the server listens; port 0: there is no server */
    uint16_t port;
    const char *listen_host, *socket_directory;
    bool has_tls;
} rdb_engine_config;
typedef struct rdb_recovery_report {
    bool was_clean;
    rdb_lsn redo_lsn, end_lsn;
    uint64_t records;
    int64_t elapsed_us;
} rdb_recovery_report;
/* What opening one does first: every room's redo, for who reads an instance's files and log without opening it. */
void rdb_engine_register(void);
/* rdb-init's second half, in a fresh layout: system tables, roles, databases. verifier: a SCRAM one, or NULL. */
RDB_CHECKED bool rdb_engine_create(const rdb_engine_config *config, const char *admin_role, const char *verifier, rdb_error *err);
/* Recovers and opens. report may be NULL. */
RDB_CHECKED bool rdb_engine_open(rdb_engine **engine, const rdb_engine_config *config, rdb_recovery_report *report, rdb_error *err);
/* with_checkpoint: the next start has nothing to replay. Sessions must be gone. */
bool rdb_engine_close(rdb_engine **engine, bool with_checkpoint, rdb_error *err);
rdb_catalog *rdb_engine_catalog(rdb_engine *engine);
void rdb_engine_set_undo(rdb_engine *engine, int64_t retention_us, uint64_t bytes_max); /* at any time */
void rdb_engine_set_checkpoints(rdb_engine *engine, int64_t interval_us, uint64_t wal_bytes_max, uint32_t percent); /* at any time */
void rdb_engine_set_work_mem(rdb_engine *engine, uint64_t bytes); /* of sessions that begin later; 0: 4 MB */
rdb_txn_manager *rdb_engine_txns(rdb_engine *engine);
rdb_storage *rdb_engine_storage(rdb_engine *engine);
RDB_CHECKED bool rdb_engine_checkpoint(rdb_engine *engine, rdb_error *err);

/* For who watches the engine from outside of its sessions; any thread, at any time between open and close. Neither waits for a statement. */
void rdb_engine_write_metrics(rdb_engine *engine, rdb_strbuf *text);
void rdb_engine_check_health(rdb_engine *engine, rdb_health *health); /* adds its checks */

/* ---- the wire ------------------------------------------------------------------------------------------------------ */
typedef struct rdb_channel {
    void *context;
    /* Reads what is there, at most capacity; waits for the first byte at most wait_us (negative: without limit).
     * *got 0 with *is_closed false: nothing came in time. False: the connection is broken. */
    bool (*receive)(void *context, void *buffer, size_t capacity, int64_t wait_us, size_t *got, bool *is_closed, rdb_error *err);
    bool (*send)(void *context, const void *bytes, size_t length, rdb_error *err); /* all of them */
    bool (*start_tls)(void *context, rdb_error *err); /* NULL: not on offer, SSLRequest gets 'N' */
    void (*wake)(void *context); /* from any thread: a parked connection is to be served again; NULL: never parked */
    void (*rouse)(void *context); /* from any thread: it is to be served once more, since something waits to be sent; NULL: as above */
    /* An answer that waits for the log: hold announces that rdb_wire_serve will say HELD, false: it waits itself. resume comes later, on a
     * thread that must not wait, and calls rdb_wire_resume. All three or none. */
    bool (*hold)(void *context);
    void (*resume)(void *context);
    bool (*send_some)(void *context, const void *bytes, size_t length, size_t *sent); /* without waiting; false: broken */
    bool is_local;        /* a Unix socket or memory */
    bool is_owner;        /* peer credentials: the user who owns the instance */
    char owner_name[64];  /* ... and what the system calls it */
    char peer[64];        /* address, for logs and pg_stat_activity */
    char here[64];        /* the server's own address of the connection */
} rdb_channel;

typedef enum rdb_auth_mode { RDB_AUTH_NONE, RDB_AUTH_SCRAM } rdb_auth_mode;
typedef struct rdb_wire_config {
    rdb_engine *engine;
    rdb_auth_mode auth;
    uint32_t max_connections;
    int64_t login_timeout_us; /* of a client to begin its session; 0: none */
    uint8_t scram_secret[32]; /* of the instance: makes the salts of users that do not exist */
} rdb_wire_config;

typedef struct rdb_wire_host rdb_wire_host; /* what all connections share: their list, cancel keys, counters */
RDB_CHECKED bool rdb_wire_host_create(rdb_wire_host **host, const rdb_wire_config *config, rdb_error *err);
void rdb_wire_host_destroy(rdb_wire_host **host); /* all connections closed before */
/* Asks every connection to end: idle ones at their next run, busy ones by cancellation (57P01) where terminate is set. */
void rdb_wire_host_shutdown(rdb_wire_host *host, bool terminate);
void rdb_wire_host_cancel_all(rdb_wire_host *host); /* every running statement, as a client's cancel request does */
/* The network says that the client at this channel has closed its end. What runs for it ends where client_connection_check_interval is set. */
void rdb_wire_host_client_gone(rdb_wire_host *host, const void *channel_context);
uint32_t rdb_wire_host_connection_count(rdb_wire_host *host);

typedef struct rdb_wire rdb_wire; /* one connection */
RDB_CHECKED bool rdb_wire_create(rdb_wire **wire, rdb_wire_host *host, const rdb_channel *channel, rdb_error *err);
typedef enum rdb_wire_state { RDB_WIRE_IDLE, RDB_WIRE_CLOSED, RDB_WIRE_HELD } rdb_wire_state;
/* Serves whatever the client sends until it has been quiet for patience_us (IDLE: park it and call again when bytes are
 * there) or is done (CLOSED: destroy it). HELD: its answer waits for the log; the channel's resume is called, maybe before this
 * returns, and until then nobody may touch it. Any thread, one at a time. */
rdb_wire_state rdb_wire_serve(rdb_wire *wire, int64_t patience_us);
/* Sends what was held, without waiting. False: it is to be served again, by a thread that may wait. */
RDB_CHECKED bool rdb_wire_resume(rdb_wire *wire);
void rdb_wire_rest(rdb_wire *wire); /* gives up the buffers of a connection that is likely to stay idle for a while */
/* When an idle connection is to be served again though nothing came from it: rdb_time_monotonic_us's time, INT64_MAX: never. */
int64_t rdb_wire_expires_us(const rdb_wire *wire);
void rdb_wire_destroy(rdb_wire **wire); /* rolls back and frees */

#endif
