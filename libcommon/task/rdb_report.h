/* SPDX-License-Identifier: Apache-2.0
 * How far a long command is, for pg_stat_progress_*. The session that runs the command has the report, the thread that works for it fills
 * it in; anyone reads it. Parameters are PostgreSQL's, counted from 1 as in its views; all relaxed. Where nobody asked for reports (tools,
 * tests of single rooms) the calls do nothing. */
#ifndef RDB_REPORT_H
#define RDB_REPORT_H

#include "base/rdb_base.h"

#include <stdatomic.h>

typedef enum rdb_report_command { RDB_REPORT_NONE, RDB_REPORT_VACUUM, RDB_REPORT_ANALYZE, RDB_REPORT_CREATE_INDEX, RDB_REPORT_CLUSTER, RDB_REPORT_COPY, RDB_REPORT_BASEBACKUP } rdb_report_command;
enum { RDB_REPORT_VALUES = 20 };

typedef struct rdb_report {
    _Atomic uint32_t command, relation;
    _Atomic int64_t values[RDB_REPORT_VALUES];
} rdb_report;

extern _Thread_local rdb_report *rdb_thread_report __attribute__((tls_model("initial-exec"))); /* NULL: nobody asks */

/* Begins a report; one that another command began (VACUUM runs ANALYZE) is replaced. */
static inline void rdb_report_begin(rdb_report_command command, uint32_t relation)
{
    rdb_report *report = rdb_thread_report;
    if (report == NULL)
        return;
    atomic_store_explicit(&report->command, RDB_REPORT_NONE, memory_order_relaxed);
    for (unsigned i = 0; i < RDB_REPORT_VALUES; i++)
        atomic_store_explicit(&report->values[i], 0, memory_order_relaxed);
    atomic_store_explicit(&report->relation, relation, memory_order_relaxed);
    atomic_store_explicit(&report->command, command, memory_order_release);
}
static inline bool rdb_report_is_of(rdb_report_command command)
{
    return rdb_thread_report != NULL && atomic_load_explicit(&rdb_thread_report->command, memory_order_relaxed) == command;
}
static inline void rdb_report_set(unsigned number, int64_t value)
{
    if (rdb_thread_report != NULL)
        atomic_store_explicit(&rdb_thread_report->values[number - 1], value, memory_order_relaxed);
}
static inline void rdb_report_add(unsigned number, int64_t more)
{
    if (rdb_thread_report != NULL)
        atomic_fetch_add_explicit(&rdb_thread_report->values[number - 1], more, memory_order_relaxed);
}
static inline void rdb_report_end(void)
{
    if (rdb_thread_report != NULL)
        atomic_store_explicit(&rdb_thread_report->command, RDB_REPORT_NONE, memory_order_relaxed);
}

#endif
