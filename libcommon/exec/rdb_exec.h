/* SPDX-License-Identifier: Apache-2.0
 * Room exec: plans run as trees of pull-based operators over batches.
 *
 * Every pull carries a row budget; no operator with side effects goes beyond it (R37). At a bad row the rows before it are
 * returned and the error comes with the next pull (R38). Between pulls an execution holds no latch, no pin and nothing
 * thread-local (R39), so that another thread may go on with it. An execution is reset, not rebuilt, for the next run of a
 * prepared plan: a point query then allocates nothing (R40). */
#ifndef RDB_EXEC_H
#define RDB_EXEC_H

#include "expr/rdb_expr.h"
#include "sql/rdb_plan.h"
#include "task/rdb_work.h"

typedef struct rdb_execution rdb_execution;

/* What one run works with; everything outlives the run. */
typedef struct rdb_execution_context {
    rdb_txn *txn;
    const rdb_snapshot *snapshot;
    rdb_access *access;
    const rdb_parameter *parameters;   /* $1 ... with their types as the analysis settled them */
    uint32_t parameter_count;
    const rdb_format_settings *format;
    rdb_cancel *cancel;
    void *session;
    const char *session_user, *current_user, *database_name;
    int64_t statement_us, transaction_us;
    int64_t lock_timeout_us;           /* 0: none */
    uint64_t work_mem_bytes;           /* 0: 4 MiB */
    rdb_work_space *work;              /* of the session: the statement's memory and temporary files count in it; NULL: no spilling */
    bool instrument;                   /* EXPLAIN ANALYZE */
    bool skips_privileges;             /* statements of the system's own: foreign keys */
    uint32_t routine_depth;            /* routines around this statement (expr/rdb_routine.h) */
} rdb_execution_context;

/* Builds the operators of a plan in memory of its own and begins a run. The plan must outlive the execution. */
RDB_CHECKED bool rdb_execution_open(rdb_execution **execution, const rdb_plan *plan, const rdb_execution_context *context, rdb_error *err);
/* Begins another run, with other parameters, snapshot and transaction. */
RDB_CHECKED bool rdb_execution_restart(rdb_execution *execution, const rdb_execution_context *context, rdb_error *err);
/* At most row_budget rows (0: as many as a batch has). The batch holds until the next call. *done: there is no more, and a
 * modifying statement has done all its work, its immediate constraints checked. A statement without result rows (DML
 * without RETURNING) gives empty batches. */
RDB_CHECKED bool rdb_execution_pull(rdb_execution *execution, uint64_t row_budget, const rdb_batch **batch, bool *done, rdb_error *err);
/* Rows written by the statement (INSERT 0 n, UPDATE n, DELETE n). */
uint64_t rdb_execution_row_count(const rdb_execution *execution);
/* Ends the run early or late and frees everything. NULL inside is fine. */
void rdb_execution_close(rdb_execution **execution);
/* Ends the run but keeps the operators for rdb_execution_restart. */
void rdb_execution_finish(rdb_execution *execution);

typedef struct rdb_node_statistics { /* of one node, by node_no; with context->instrument */
    int64_t startup_us, total_us;  /* wall time in it and below */
    uint64_t rows, loops, rows_filtered, rows_filtered_by_join;
    uint64_t memory_bytes, disk_bytes;
    const char *method;            /* "quicksort", "top-N heapsort", "external merge"; or NULL */
    rdb_usage usage;               /* of it and below */
    uint32_t children_removed;     /* of an Append: before the run began */
    bool is_removed;               /* one of those */
    uint64_t runs;                 /* incremental sorts: sorted one by one */
    uint64_t heap_fetches;         /* index-only scans */
    uint64_t rows_rechecked, blocks, lossy_blocks; /* scans by addresses: rows that asking them again removed; blocks of the table, and those read whole */
    uint32_t workers;              /* Gather: threads that helped */
    uint64_t hits, misses, evictions, overflows; /* Memoize: turns whose rows were there, or not; results dropped for others, or too large */
    uint32_t batches;              /* hash joins and aggregates: passes over partitions, 0 or 1: none spilled */
} rdb_node_statistics;
const rdb_node_statistics *rdb_execution_statistics(const rdb_execution *execution, uint32_t node_no);

/* Rows from outside into a table (COPY): defaults, checks, indexes, foreign keys as INSERT has them. Column i of the batch
 * goes to columns[i] of rdb_plan_make_insert. */
typedef struct rdb_insertion rdb_insertion;
RDB_CHECKED bool rdb_insertion_open(rdb_insertion **insertion, const rdb_plan_modify *modify, const rdb_execution_context *context, rdb_error *err);
RDB_CHECKED bool rdb_insertion_put(rdb_insertion *insertion, const rdb_batch *batch, rdb_error *err);
/* Nothing is evaluated for its rows, so batches may be put by another thread than the one that makes them, one thread at a time. */
bool rdb_insertion_is_plain(const rdb_insertion *insertion);
/* After rdb_insertion_put failed: the row of the batch that its error is about. was_made: it kept its own rules, and failed on the way
 * into the table. */
uint32_t rdb_insertion_bad_row(const rdb_insertion *insertion, bool *was_made);
RDB_CHECKED bool rdb_insertion_finish(rdb_insertion *insertion, uint64_t *row_count, rdb_error *err); /* immediate constraints */
void rdb_insertion_close(rdb_insertion **insertion);

/* Deferred constraints: SET CONSTRAINTS ... IMMEDIATE runs what waits in the transaction's AFTER queue. oids NULL: all. */
RDB_CHECKED bool rdb_exec_set_constraints(rdb_txn *txn, const rdb_execution_context *context, const uint32_t *constraint_oids, uint32_t count, bool deferred, rdb_error *err);

/* Registers kernels of this room and of expr; once at start. */
/* Appends the expression in a column of an index as its definition shows it; false: what cannot be told is left out of messages. */
bool rdb_index_show_expression(const rdb_deparse_style *style, rdb_arena *arena, const rdb_relation *table, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text);

void rdb_exec_register(void);

#endif
