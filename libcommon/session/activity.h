/* SPDX-License-Identifier: Apache-2.0
 * Who is connected and does what, for pg_stat_activity and pg_locks. Each session has one entry in the
 * engine's list; it writes the entry, anyone reads it. */
#ifndef RDB_SESSION_ACTIVITY_H
#define RDB_SESSION_ACTIVITY_H

#include "session/session_int.h"
#include "upkeep/rdb_upkeep.h"

#define ACTIVITY_QUERY_BYTES 1024u /* track_activity_query_size */

typedef struct session_registry session_registry; /* one an engine */
/* How sessions stand, without a copy of each. */
typedef struct session_counts {
    uint32_t active, idle, in_transaction, waiting; /* active ones that wait for a lock are both */
    int64_t oldest_transaction_us;                  /* wall clock; 0: there is none */
    uint64_t logins, failed_logins;
} session_counts;
void session_registry_count(session_registry *registry, session_counts *counts);
struct rdb_sample_session;
/* Those that do something, and how all stand. At most room of them. */
uint32_t session_registry_sample(session_registry *registry, struct rdb_sample_session *items, int32_t *clocks, uint32_t room, session_counts *counts);
void session_registry_note_login(session_registry *registry, bool failed);
RDB_CHECKED bool session_registry_create(session_registry **registry, rdb_error *err);
void session_registry_destroy(session_registry **registry);
session_registry *session_engine_registry(rdb_engine *engine);
/* What the engine knows of a setting of that name (where its data are, how large its pages are); NULL: nothing. */
const char *session_engine_fact(const rdb_engine *engine, const char *name);
uint64_t session_engine_work_mem(const rdb_engine *engine); /* what sessions start with; 0: the standard */
rdb_upkeep *session_engine_upkeep(rdb_engine *engine);
struct rdb_purge *session_engine_purge(rdb_engine *engine);
int64_t session_registry_start_us(const session_registry *registry);

/* A session without a process id (rdb-init's own) is not listed. */
RDB_CHECKED bool session_activity_begin(rdb_session *session, rdb_error *err);
void session_activity_end(rdb_session *session);
void session_activity_query(rdb_session *session, const char *text); /* a statement begins */
void session_activity_state(rdb_session *session);                   /* after each change of state_name */

/* A copy of one entry, as it was at one moment. */
typedef struct session_activity_info {
    uint32_t pid, database_oid, role_oid;
    char application_name[RDB_NAMEDATALEN], address[64];
    int32_t port; /* -1: a Unix socket */
    int64_t backend_start_us, xact_start_us, query_start_us, state_change_us; /* 0: not yet, or none */
    const char *state; /* static text */
    uint32_t report_command, report_relation; /* rdb_report_command */
    int64_t report_values[RDB_REPORT_VALUES];
    rdb_wait wait;
    int64_t wait_since_us; /* monotonic; of wait */
    int64_t query_id;      /* 0: not known */
    rdb_scn snapshot_scn;  /* 0: none */
    int32_t cpu_clock;     /* of the thread that serves it now; 0: none */
    char query[ACTIVITY_QUERY_BYTES];
    rdb_xid xid;
    uint64_t transaction_count;
} session_activity_info;
void session_activity_here(const rdb_session *session, session_activity_info *info); /* the same of our end of the connection */
void session_activity_peer(const rdb_session *session, session_activity_info *info); /* address and port alone */
/* All sessions, in the order in which they came; in arena. */
RDB_CHECKED bool session_activity_list(session_registry *registry, rdb_arena *arena, session_activity_info **infos, uint32_t *count, rdb_error *err);
void session_register_wait_functions(void);     /* stat_waits.c */
void session_register_activity_functions(void); /* stat_activity.c */
void session_register_backup_functions(void); /* backup_functions.c */
void session_register_advisory_functions(void); /* advisory.c */
void session_register_counter_functions(void);  /* stat_counters.c */
void session_register_xid_functions(void);      /* xid_functions.c */
void session_register_archive_functions(void);  /* archive_functions.c */
void session_end_backup(rdb_session *session);  /* the same: lets go of what its backup kept */
void session_register_settings_functions(void); /* stat_settings.c */

#endif
