/* SPDX-License-Identifier: Apache-2.0
 * What was waited for, and what went to and came from files: rdb_stat_waits, pg_stat_io. */
#include "expr/kernels.h"
#include "session/activity.h"

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

/* Since the last reset, or the server's start. */
static rdb_datum since(rdb_call *call, unsigned what)
{
    const int64_t reset_us = rdb_wait_reset_us(what);
    return expr_moment(reset_us != 0 ? reset_us : session_registry_start_us(session_engine_registry(session_of(call)->engine)));
}

static bool waits_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_wait_total totals[RDB_WAIT_COUNT];
    (void)arguments, (void)is_null;
    rdb_wait_totals(totals);
    for (unsigned i = RDB_WAIT_NONE + 1; i < RDB_WAIT_COUNT; i++) {
        const bool nulls[5] = {false};
        const rdb_datum values[5] = {expr_text(rdb_wait_type((rdb_wait)i)), expr_text(rdb_wait_name((rdb_wait)i)), {.i64 = (int64_t)totals[i].count},
                                     {.f8 = (double)totals[i].us / 1000}, since(call, RDB_RESET_WAITS)};
        expr_rows_add(call, state, values, nulls, RDB_COUNT_OF(values));
    }
    return true;
}

/* PostgreSQL 16's columns. What has no meaning for a row is null. */
enum {
    I_BACKEND, I_OBJECT, I_CONTEXT, I_READS, I_READ_TIME, I_WRITES, I_WRITE_TIME, I_WRITEBACKS, I_WRITEBACK_TIME, I_EXTENDS, I_EXTEND_TIME, I_OP_BYTES, I_HITS,
    I_EVICTIONS, I_REUSES, I_SYNCS, I_SYNC_TIME, I_RESET, I_READ_BYTES, I_WRITE_BYTES, I_COUNT
};

static bool io_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    static const char *const OBJECTS[] = {[RDB_IO_DATA] = "relation", [RDB_IO_LOG] = "wal", [RDB_IO_TEMPORARY] = "temp file", [RDB_IO_FILE] = "file"};
    const uint32_t page_bytes = rdb_storage_page_bytes(rdb_engine_storage(session_of(call)->engine));
    (void)arguments, (void)is_null;
    for (unsigned kind = 0; kind < RDB_WORKER_KINDS; kind++) {
        rdb_io_figures figures;
        rdb_io_totals((rdb_worker_kind)kind, &figures);
        for (unsigned c = 0; c < RDB_IO_CLASSES; c++) {
            const rdb_io_total *io = figures.io[c];
            rdb_datum v[I_COUNT];
            bool n[I_COUNT] = {[I_WRITEBACKS] = true, [I_WRITEBACK_TIME] = true, [I_EXTEND_TIME] = true, [I_REUSES] = true};
            memset(v, 0, sizeof v);
            v[I_BACKEND] = expr_text(rdb_worker_kind_name((rdb_worker_kind)kind));
            v[I_OBJECT] = expr_text(OBJECTS[c]);
            v[I_CONTEXT] = expr_text("normal");
            v[I_READS].i64 = (int64_t)io[RDB_IO_READ].count;
            v[I_READ_TIME].f8 = (double)io[RDB_IO_READ].us / 1000;
            v[I_WRITES].i64 = (int64_t)io[RDB_IO_WRITE].count;
            v[I_WRITE_TIME].f8 = (double)io[RDB_IO_WRITE].us / 1000;
            v[I_SYNCS].i64 = (int64_t)io[RDB_IO_SYNC].count;
            v[I_SYNC_TIME].f8 = (double)io[RDB_IO_SYNC].us / 1000;
            v[I_READ_BYTES].i64 = (int64_t)io[RDB_IO_READ].bytes;
            v[I_WRITE_BYTES].i64 = (int64_t)io[RDB_IO_WRITE].bytes;
            v[I_RESET] = since(call, RDB_RESET_IO);
            if (c == RDB_IO_DATA) {
                v[I_OP_BYTES].i64 = page_bytes;
                v[I_HITS].i64 = (int64_t)figures.hits;
                v[I_EXTENDS].i64 = (int64_t)figures.extended;
                v[I_EVICTIONS].i64 = (int64_t)figures.evicted_writes; /* of frames that had to be written first */
            } else {
                n[I_OP_BYTES] = n[I_HITS] = n[I_EXTENDS] = n[I_EVICTIONS] = true;
            }
            expr_rows_add(call, state, v, n, I_COUNT);
        }
    }
    return true;
}

/* ---- resetting --------------------------------------------------------------------------------------------------------- */
static bool reset_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char *target = expr_get_text(call, a[0]);
    (void)nulls, (void)result, (void)is_null;
    if (strcmp(target, "waits") != 0 && strcmp(target, "io") != 0) {
        rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized reset target: \"%s\"", target);
        return rdb_error_hint(call->err, "Target must be \"io\" or \"waits\".");
    }
    rdb_wait_reset(strcmp(target, "waits") == 0 ? RDB_RESET_WAITS : RDB_RESET_IO);
    return true;
}
EXPR_ROW_KERNEL(reset, 1)

#define ROWS(oid, begin_function) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = (begin_function), .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION}
static const rdb_set_kernel_entry SETS[] = {ROWS(9700, waits_begin), ROWS(9701, io_begin)};
static const rdb_kernel_entry ENTRIES[] = {{9702, reset, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}};

void session_register_wait_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
