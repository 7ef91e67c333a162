/* SPDX-License-Identifier: Apache-2.0
 * Statement digests: what each kind of statement (one query id, run by one role in one database) cost since it was first seen, and
 * under which plans. At most so many are kept; those that ran least make room. What pg_stat_statements and rdb_stat_statements show.
 *
 * A run is added to a cell of its own stripe (os/rdb_thread.h), so that sessions running the same statement at once do not meet;
 * the store's own locks are taken when a statement is first planned, never when it runs again. */
#ifndef RDB_STATEMENTS_H
#define RDB_STATEMENTS_H

#include "os/rdb_os.h"

typedef struct rdb_statements rdb_statements;

typedef struct rdb_statement_key {
    uint64_t query_id;
    uint32_t role_oid, database_oid;
} rdb_statement_key;

/* Where a statement's figures are, kept with its plan. All zeroes: not looked up yet. May go stale (the statement was forgotten). */
typedef struct rdb_statement_ref {
    uint64_t generation;
    uint32_t slot; /* from 1 */
    uint32_t plan_no;
} rdb_statement_ref;

/* count_max: statements kept; each takes at most some 40 KB, most take 2. */
RDB_CHECKED bool rdb_statements_create(rdb_statements **store, uint32_t count_max, rdb_error *err);
void rdb_statements_destroy(rdb_statements **store); /* NULL inside is fine */

/* False: not there; add it. plan_hash 0: a statement without a plan. */
bool rdb_statements_find(rdb_statements *store, const rdb_statement_key *key, uint64_t plan_hash, rdb_statement_ref *ref);
/* The text is copied, cut at STATEMENT_TEXT_MAX bytes between characters. Where memory is out the ref stays empty: not counted. */
void rdb_statements_add(rdb_statements *store, const rdb_statement_key *key, uint64_t plan_hash, const char *text, size_t length, rdb_statement_ref *ref);
#define RDB_STATEMENT_TEXT_MAX 16384u

/* What happened. usage is what the thread used since before (rdb_thread_usage minus *before). False: stale, find it again. */
bool rdb_statements_run(rdb_statements *store, const rdb_statement_ref *ref, int64_t elapsed_ns, uint64_t rows, bool failed, const rdb_usage *before);
bool rdb_statements_planned(rdb_statements *store, const rdb_statement_ref *ref, int64_t elapsed_ns);

/* ---- what was counted ---------------------------------------------------------------------------------------------------- */
enum { RDB_STATEMENT_PLANS_MAX = 8 }; /* the newest of a statement's plans that are told apart */
typedef struct rdb_statement_plan {
    uint64_t hash, calls;
    int64_t total_ns, first_us, last_us; /* wall clock; last: found again, not run */
} rdb_statement_plan;
typedef struct rdb_statement_times {
    uint64_t count;
    double total_ms, min_ms, max_ms, mean_ms, stddev_ms;
} rdb_statement_times;
typedef struct rdb_statement_info {
    rdb_statement_key key;
    const char *text; /* in the arena */
    int64_t first_us;
    uint64_t errors, rows;
    rdb_statement_times runs, plannings; /* runs that failed are errors alone */
    rdb_usage usage;
    double p50_ms, p90_ms, p99_ms, p999_ms; /* within 6 % */
    uint32_t plan_count;                    /* of plans below: newest last */
    uint64_t plan_changes;                  /* how often a plan was made that differs from the one before */
    rdb_statement_plan plans[RDB_STATEMENT_PLANS_MAX];
} rdb_statement_info;
/* All of them, in no order. */
RDB_CHECKED bool rdb_statements_list(rdb_statements *store, rdb_arena *arena, rdb_statement_info **infos, uint32_t *count, rdb_error *err);
/* Sums over everything that ran, forgotten statements included: for the metrics. */
typedef struct rdb_statement_totals {
    uint64_t count, errors, rows;
    double total_ms;
    uint32_t kept;
    uint64_t forgotten;      /* statements that made room for others */
    int64_t reset_us;        /* wall clock */
    uint64_t buckets[18];    /* runs that took at most rdb_statement_bounds[i] seconds, not added up */
} rdb_statement_totals;
extern const double rdb_statement_bounds[17]; /* the last bucket has no bound */
void rdb_statements_totals(rdb_statements *store, rdb_statement_totals *totals);
/* Zero stands for every role, database, statement. */
void rdb_statements_forget(rdb_statements *store, uint32_t role_oid, uint32_t database_oid, uint64_t query_id);

#endif
