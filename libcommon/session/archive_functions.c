/* SPDX-License-Identifier: Apache-2.0
 * SQL's way to base backups, restore points and the log's archive. A backup belongs to the session that began it and is worth nothing
 * when that ends before pg_backup_stop; after it, the log is still kept while the session lasts, for a copy that carries its log. */
#include "expr/kernels.h"
#include "session/activity.h"
#include "session/stat_counters.h"
#include "session/session_int.h"
#include "upkeep/rdb_recovery.h"

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

static rdb_upkeep *upkeep_of(const rdb_call *call)
{
    return session_engine_upkeep(session_of(call)->engine);
}

static bool is_allowed(const rdb_call *call, const char *function)
{
    return session_of(call)->role.is_superuser ||
           rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for function %s", function);
}

void session_end_backup(rdb_session *session)
{
    rdb_base_backup_close(&session->backup);
    session->backup_has_ended = false;
}

static bool switch_wal_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_wal *wal = rdb_upkeep_wal(upkeep_of(call));
    rdb_lsn end = 0;
    (void)a, (void)nulls, (void)is_null;
    if (!is_allowed(call, "pg_switch_wal") || !rdb_wal_switch(wal, &end, call->err) || !rdb_wal_flush(wal, end, call->err))
        return false;
    result->i64 = (int64_t)(end - RDB_WAL_SEGMENT_HEADER_BYTES); /* the end of the finished file, not the first place in the next one */
    return true;
}
EXPR_ROW_KERNEL(switch_wal, 0)

static bool make_restore_point(rdb_call *call, const char *function, const rdb_datum *a, rdb_datum *result)
{
    rdb_lsn end = 0;
    if (!is_allowed(call, function) || !rdb_restore_point_create(upkeep_of(call), expr_get_text(call, a[0]), &end, call->err))
        return false;
    result->i64 = (int64_t)end;
    return true;
}

static bool restore_point_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return make_restore_point(call, "pg_create_restore_point", a, result);
}
EXPR_ROW_KERNEL(restore_point, 1)

static bool own_restore_point_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return make_restore_point(call, "rdb_create_restore_point", a, result);
}
EXPR_ROW_KERNEL(own_restore_point, 1)

static bool backup_start_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_session *session = session_of(call);
    (void)nulls, (void)is_null;
    if (!is_allowed(call, "pg_backup_start"))
        return false;
    if (session->backup != NULL && !session->backup_has_ended) {
        rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "a backup is already in progress in this session");
        return false;
    }
    session_end_backup(session);
    if (!rdb_base_backup_begin(upkeep_of(call), expr_get_text(call, a[0]), a[1].b, &session->backup, call->err))
        return false;
    result->i64 = (int64_t)rdb_base_backup_start_lsn(session->backup);
    return true;
}
EXPR_ROW_KERNEL(backup_start, 2)

/* rdb_backup_progress(phase, total, streamed): what pg_stat_progress_basebackup shows of this session from now on, until it runs another
 * command that reports, or ends. The phases are the view's, 0 to 5; total -1: not known yet. */
static bool backup_progress_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    enum { PHASE_COPYING = 3, PHASE_LAST = 5 };
    rdb_session *session = session_of(call);
    rdb_report *caller = rdb_thread_report;
    (void)nulls, (void)result, (void)is_null;
    if (!is_allowed(call, "rdb_backup_progress"))
        return false;
    if (a[0].i32 < 0 || a[0].i32 > PHASE_LAST || a[1].i64 < -1 || a[2].i64 < 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "there is no such progress of a backup");
    rdb_thread_report = &session->report;
    if (!rdb_report_is_of(RDB_REPORT_BASEBACKUP))
        rdb_report_begin(RDB_REPORT_BASEBACKUP, 0);
    rdb_report_set(1, a[0].i32);
    rdb_report_set(2, a[1].i64);
    rdb_report_set(3, a[2].i64);
    rdb_report_set(4, 1); /* tablespaces: there is one */
    rdb_report_set(5, a[0].i32 > PHASE_COPYING ? 1 : 0);
    rdb_thread_report = caller;
    return true;
}
EXPR_ROW_KERNEL(backup_progress, 3)

/* Until the archive has the backup's log; whoever waits for a broken archive can cancel. */
static bool wait_for_archive(rdb_call *call, rdb_wal_archiver *archiver, rdb_lsn lsn)
{
    enum { LOOK_US = 100000, WARN_US = 60000000 };
    int64_t begin_us = rdb_time_monotonic_us(), warn_us = WARN_US;
    for (;;) {
        rdb_error late = {0};
        if (rdb_wal_archiver_wait(archiver, lsn, LOOK_US, NULL, NULL, &late))
            return true;
        int64_t waited_us = rdb_time_monotonic_us() - begin_us;
        if (waited_us > warn_us) {
            session_notice(session_of(call), "WARNING", RDB_WARNING, "still waiting for all required WAL segments to be archived (%lld seconds elapsed)",
                           (long long)(waited_us / 1000000));
            warn_us *= 2;
        }
        rdb_error_clear(&late);
        if (!rdb_cancel_check(rdb_eval_of(call)->cancel, call->err))
            return false;
    }
}

static bool backup_stop_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    rdb_session *session = session_of(call);
    rdb_base_backup_result result;
    (void)nulls, (void)column_nulls;
    if (!is_allowed(call, "pg_backup_stop"))
        return false;
    if (session->backup == NULL || session->backup_has_ended) {
        rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "backup is not in progress");
        return rdb_error_hint(call->err, "Did you call pg_backup_start()?");
    }
    if (!rdb_base_backup_end(session->backup, &result, call->err))
        return false;
    session->backup_has_ended = true;
    rdb_wal_archiver *archiver = rdb_upkeep_archiver(upkeep_of(call));
    if (archiver != NULL)
        rdb_wal_archiver_close_gap(archiver, result.start_lsn);
    if (archiver == NULL)
        session_notice(session, "NOTICE", RDB_SUCCESSFUL_COMPLETION,
                       "WAL archiving is not enabled; you must ensure that all required WAL segments are copied through other means to complete the backup");
    else if (a[0].b && !wait_for_archive(call, archiver, result.stop_lsn))
        return false;
    else if (a[0].b)
        session_notice(session, "NOTICE", RDB_SUCCESSFUL_COMPLETION, "all required WAL segments have been archived");
    columns[0].i64 = (int64_t)result.stop_lsn;
    return expr_set_text(call, result.label_file, result.label_bytes, &columns[1]) && expr_set_text(call, "", 0, &columns[2]);
}
EXPR_RECORD_KERNEL(backup_stop, 1, RDB_PG_LSNOID, RDB_TEXTOID, RDB_TEXTOID)

static bool archiver_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    rdb_wal_archiver *archiver = rdb_upkeep_archiver(upkeep_of(call));
    rdb_wal_archiver_statistics statistics = {.archived_count = 0};
    (void)a, (void)nulls;
    if (archiver != NULL)
        rdb_wal_archiver_get_statistics(archiver, &statistics);
    const int64_t reset_us = session_stat_reset_us(session_of(call)->engine, STAT_ARCHIVER);
    const int64_t forgotten_us = session_engine_stat_bases(session_of(call)->engine)->reset_us[STAT_ARCHIVER];
    columns[0].i64 = (int64_t)session_stat_figure(session_of(call)->engine, STAT_ARCHIVED);
    columns[2] = expr_moment(statistics.last_archived_us);
    columns[3].i64 = (int64_t)session_stat_figure(session_of(call)->engine, STAT_ARCHIVE_FAILED);
    columns[5] = expr_moment(statistics.last_failed_us);
    columns[6] = expr_moment(RDB_MAX(reset_us, statistics.reset_us));
    column_nulls[1] = column_nulls[2] = statistics.last_archived[0] == '\0' || statistics.last_archived_us < forgotten_us;
    column_nulls[4] = column_nulls[5] = statistics.last_failed[0] == '\0' || statistics.last_failed_us < forgotten_us;
    column_nulls[6] = archiver == NULL;
    return expr_set_text(call, statistics.last_archived, strlen(statistics.last_archived), &columns[1]) &&
           expr_set_text(call, statistics.last_failed, strlen(statistics.last_failed), &columns[4]);
}
EXPR_RECORD_KERNEL(archiver, 0, RDB_INT8OID, RDB_TEXTOID, RDB_TIMESTAMPTZOID, RDB_INT8OID, RDB_TEXTOID, RDB_TIMESTAMPTZOID, RDB_TIMESTAMPTZOID)

#define S (RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE)
static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 2739, .state_bytes = sizeof(expr_rows), .begin = backup_stop_begin, .next = expr_rows_next, .flags = S},
    {.proc_oid = 3195, .state_bytes = sizeof(expr_rows), .begin = archiver_begin, .next = expr_rows_next, .flags = S},
};
static const rdb_kernel_entry ENTRIES[] = {
    {2848, switch_wal, S},   {3098, restore_point, S}, {8070, own_restore_point, S},
    {8065, backup_progress, S},
    {2172, backup_start, S}, {2739, backup_stop, S},   {3195, archiver, S},
};
#undef S

void session_register_archive_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
