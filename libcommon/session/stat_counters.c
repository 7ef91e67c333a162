/* SPDX-License-Identifier: Apache-2.0
 * pg_stat_all_tables, pg_stat_all_indexes, pg_stat_database, pg_stat_bgwriter, pg_stat_wal: counters since the server started, or since
 * pg_stat_reset and its kin, which forget nothing but set what is subtracted: live rows, garbage and the server's own ANALYZE go by all.
 * Blocks are counted by the storage, whoever asked for them; those of undo and of the states of transactions in their database's row alone.
 * Writes by sessions and by the transaction that asks are not told apart, so the pg_stat_xact_* views show zeroes. */
#include "expr/kernels.h"
#include "os/rdb_time.h"
#include "session/activity.h"
#include "session/stat_counters.h"
#include "upkeep/rdb_purge.h"
#include "wal/rdb_wal.h"
#include "wal/rdb_wal_archive.h"

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

/* Of a relation of the session's database; *is_null: there is no such relation. */
static bool find_counters(rdb_call *call, uint32_t oid, const rdb_relation **relation, const rdb_counters **counters)
{
    rdb_session *session = session_of(call);
    *counters = NULL;
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, relation, call->err))
        return false;
    if (*relation != NULL)
        *counters = rdb_counters_get(rdb_engine_catalog(session->engine), rdb_database_pdb(session->database), oid);
    return true;
}

static bool read_counter(rdb_call *call, uint32_t oid, rdb_counter_kind counter, rdb_datum *result)
{
    const rdb_relation *relation = NULL;
    const rdb_counters *counters = NULL;
    if (!find_counters(call, oid, &relation, &counters))
        return false;
    result->i64 = (int64_t)rdb_counters_shown(counters, counter);
    return true;
}

#define RELATION_COUNTER(name, counter)                                                                                             \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                  \
    {                                                                                                                                \
        (void)nulls, (void)is_null;                                                                                                  \
        return read_counter(call, a[0].oid, (counter), result);                                                                      \
    }                                                                                                                                \
    EXPR_ROW_KERNEL(name, 1)
RELATION_COUNTER(scans, RDB_COUNTER_SCANS)
RELATION_COUNTER(rows_read, RDB_COUNTER_ROWS_READ)
RELATION_COUNTER(rows_fetched, RDB_COUNTER_ROWS_FETCHED)
RELATION_COUNTER(inserts, RDB_COUNTER_INSERTS)
RELATION_COUNTER(updates, RDB_COUNTER_UPDATES)
RELATION_COUNTER(deletes, RDB_COUNTER_DELETES)
RELATION_COUNTER(vacuums, RDB_COUNTER_VACUUMS)
RELATION_COUNTER(analyzes, RDB_COUNTER_ANALYZES)
RELATION_COUNTER(auto_analyzes, RDB_COUNTER_AUTO_ANALYZES)

static bool give_time(rdb_call *call, uint32_t oid, rdb_counter_kind counter, rdb_datum *result, bool *is_null)
{
    if (!read_counter(call, oid, counter, result))
        return false;
    *is_null = result->i64 == 0;
    return true;
}

static bool vacuum_time_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_time(call, a[0].oid, RDB_COUNTER_VACUUM_US, result, is_null);
}
EXPR_ROW_KERNEL(vacuum_time, 1)

static bool analyze_time_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_time(call, a[0].oid, RDB_COUNTER_ANALYZE_US, result, is_null);
}
EXPR_ROW_KERNEL(analyze_time, 1)

static bool auto_analyze_time_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_time(call, a[0].oid, RDB_COUNTER_AUTO_ANALYZE_US, result, is_null);
}
EXPR_ROW_KERNEL(auto_analyze_time, 1)

/* What was counted, or where nothing was changed since the start, what ANALYZE said last. */
static bool live_rows_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    const rdb_counters *counters = NULL;
    (void)nulls, (void)is_null;
    if (!find_counters(call, a[0].oid, &relation, &counters))
        return false;
    int64_t inserts = (int64_t)rdb_counters_read(counters, RDB_COUNTER_INSERTS), deletes = (int64_t)rdb_counters_read(counters, RDB_COUNTER_DELETES);
    result->i64 = RDB_MAX(inserts - deletes, 0);
    if (inserts == 0 && deletes == 0 && relation != NULL && relation->tuples > 0)
        result->i64 = (int64_t)relation->tuples;
    return true;
}
EXPR_ROW_KERNEL(live_rows, 1)

static bool changes_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    const rdb_counters *counters = NULL;
    (void)nulls, (void)is_null;
    if (!find_counters(call, a[0].oid, &relation, &counters))
        return false;
    result->i64 = (int64_t)(rdb_counters_read(counters, RDB_COUNTER_INSERTS) + rdb_counters_read(counters, RDB_COUNTER_UPDATES) +
                            rdb_counters_read(counters, RDB_COUNTER_DELETES) - rdb_counters_read(counters, RDB_COUNTER_CHANGES_ANALYZED));
    return true;
}
EXPR_ROW_KERNEL(changes, 1)

static bool new_inserts_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    const rdb_counters *counters = NULL;
    (void)nulls, (void)is_null;
    if (!find_counters(call, a[0].oid, &relation, &counters))
        return false;
    result->i64 = (int64_t)(rdb_counters_read(counters, RDB_COUNTER_INSERTS) - rdb_counters_read(counters, RDB_COUNTER_INSERTS_VACUUMED));
    return true;
}
EXPR_ROW_KERNEL(new_inserts, 1)

/* ---- databases ------------------------------------------------------------------------------------------------------------------------ */
static bool pdb_of(rdb_call *call, uint32_t database_oid, uint32_t *pdb)
{
    const rdb_datum key = {.oid = database_oid};
    rdb_datum value = {.words = {0, 0}};
    bool is_null = true, found = false;
    *pdb = RDB_PDB_ROOT;
    if (database_oid == 0)
        return true;
    if (!expr_read_catalog(call, RDB_PLUGGABLE, 8013, &key, 1, RDB_rdb_pluggable_plgnumber, RDB_REP_INT32, &value, &is_null, &found))
        return false;
    *pdb = found ? value.oid : 0;
    return true;
}

static bool database_counter(rdb_call *call, uint32_t oid, rdb_counter_kind counter, rdb_datum *result)
{
    rdb_catalog *catalog = rdb_engine_catalog(session_of(call)->engine);
    uint32_t pdb;
    if (!pdb_of(call, oid, &pdb))
        return false;
    if (pdb != 0)
        result->i64 = (int64_t)(rdb_counters_are_summed(counter) ? rdb_counters_shown_sum(catalog, pdb, counter) : rdb_counters_shown(rdb_counters_get(catalog, pdb, 0), counter));
    return true;
}

#define DATABASE_COUNTER(name, counter)                                                                                             \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                  \
    {                                                                                                                                \
        (void)nulls, (void)is_null;                                                                                                  \
        return database_counter(call, a[0].oid, (counter), result);                                                                  \
    }                                                                                                                                \
    EXPR_ROW_KERNEL(name, 1)
DATABASE_COUNTER(commits, RDB_COUNTER_COMMITS)
DATABASE_COUNTER(rollbacks, RDB_COUNTER_ROLLBACKS)
DATABASE_COUNTER(sessions, RDB_COUNTER_SESSIONS)
DATABASE_COUNTER(database_read, RDB_COUNTER_ROWS_READ)
DATABASE_COUNTER(database_fetched, RDB_COUNTER_ROWS_FETCHED)
DATABASE_COUNTER(database_inserts, RDB_COUNTER_INSERTS)
DATABASE_COUNTER(database_updates, RDB_COUNTER_UPDATES)
DATABASE_COUNTER(database_deletes, RDB_COUNTER_DELETES)
DATABASE_COUNTER(temp_files, RDB_COUNTER_TEMP_FILES)
DATABASE_COUNTER(temp_bytes, RDB_COUNTER_TEMP_BYTES)

/* PostgreSQL's "fetched" is both. */
static uint64_t blocks_of(rdb_call *call, const rdb_counters *counters, uint32_t pdb, rdb_counter_kind kind)
{
    rdb_block_uses_note(); /* the asking statement's, so far */
    return counters != NULL ? rdb_counters_shown(counters, kind) : rdb_counters_shown_sum(rdb_engine_catalog(session_of(call)->engine), pdb, kind);
}

static bool give_blocks(rdb_call *call, uint32_t oid, bool is_database, bool hits_only, rdb_datum *result)
{
    const rdb_relation *relation = NULL;
    const rdb_counters *counters = NULL;
    uint32_t pdb = 0;
    if (is_database ? !pdb_of(call, oid, &pdb) : !find_counters(call, oid, &relation, &counters))
        return false;
    if (pdb == 0 && counters == NULL)
        return true;
    result->i64 = (int64_t)(blocks_of(call, counters, pdb, RDB_COUNTER_BLOCKS_HIT) + (hits_only ? 0 : blocks_of(call, counters, pdb, RDB_COUNTER_BLOCKS_READ)));
    return true;
}

#define BLOCKS(name, is_database, hits_only)                                                                                        \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                  \
    {                                                                                                                                \
        (void)nulls, (void)is_null;                                                                                                  \
        return give_blocks(call, a[0].oid, (is_database), (hits_only), result);                                                      \
    }                                                                                                                                \
    EXPR_ROW_KERNEL(name, 1)
BLOCKS(relation_blocks_fetched, false, false)
BLOCKS(relation_blocks_hit, false, true)
BLOCKS(blocks_fetched, true, false)
BLOCKS(blocks_hit, true, true)

/* ---- the instance ---------------------------------------------------------------------------------------------------------------------- */
static void read_figures(rdb_engine *engine, uint64_t figures[STAT_FIGURE_COUNT])
{
    rdb_upkeep_statistics upkeep;
    rdb_storage_statistics storage;
    rdb_wal_statistics wal;
    rdb_wal_archiver_statistics archiver = {.archived_count = 0};
    rdb_upkeep_get_statistics(session_engine_upkeep(engine), &upkeep);
    rdb_storage_get_statistics(rdb_engine_storage(engine), &storage);
    rdb_wal_get_statistics(rdb_upkeep_wal(session_engine_upkeep(engine)), &wal);
    if (rdb_upkeep_archiver(session_engine_upkeep(engine)) != NULL)
        rdb_wal_archiver_get_statistics(rdb_upkeep_archiver(session_engine_upkeep(engine)), &archiver);
    const uint64_t now[STAT_FIGURE_COUNT] = {
        [STAT_CHECKPOINTS] = upkeep.checkpoints_by_time, [STAT_CHECKPOINTS_ASKED] = upkeep.checkpoints_by_volume + upkeep.checkpoints_by_request,
        [STAT_CHECKPOINT_PAGES] = upkeep.pages_written, [STAT_WRITE_US] = (uint64_t)upkeep.write_us, [STAT_SYNC_US] = (uint64_t)upkeep.sync_us,
        [STAT_CLEANER_PAGES] = storage.writes_cleaner, [STAT_EVICTOR_PAGES] = storage.writes_evictor, [STAT_EVICTOR_SYNCS] = storage.evictor_syncs,
        [STAT_PAGES_READ] = storage.misses, [STAT_WAL_RECORDS] = wal.records, [STAT_WAL_IMAGES] = wal.images, [STAT_WAL_BYTES] = wal.bytes,
        [STAT_WAL_RING_FULL] = wal.ring_full, [STAT_WAL_WRITES] = wal.writes,
        [STAT_WAL_WRITE_US] = wal.write_us, [STAT_WAL_SYNC_US] = wal.sync_us, [STAT_WAL_SYNCS] = wal.syncs,
        [STAT_ARCHIVED] = archiver.archived_count, [STAT_ARCHIVE_FAILED] = archiver.failed_count};
    memcpy(figures, now, sizeof now);
}

uint64_t session_stat_figure(rdb_engine *engine, stat_figure figure)
{
    uint64_t figures[STAT_FIGURE_COUNT];
    read_figures(engine, figures);
    return figures[figure] - RDB_MIN(figures[figure], atomic_load_explicit(&session_engine_stat_bases(engine)->values[figure], memory_order_relaxed));
}

int64_t session_stat_reset_us(rdb_engine *engine, stat_group group)
{
    const int64_t reset_us = atomic_load_explicit(&session_engine_stat_bases(engine)->reset_us[group], memory_order_relaxed);
    return reset_us != 0 ? reset_us : session_registry_start_us(session_engine_registry(engine));
}

static bool reset_shared_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    static const struct { const char *name; stat_figure first, last; } GROUPS[STAT_GROUP_COUNT] = {
        [STAT_BGWRITER] = {"bgwriter", STAT_CHECKPOINTS, STAT_PAGES_READ}, [STAT_WAL] = {"wal", STAT_WAL_RECORDS, STAT_WAL_SYNCS}, [STAT_ARCHIVER] = {"archiver", STAT_ARCHIVED, STAT_ARCHIVE_FAILED}};
    const char *target = expr_get_text(call, a[0]);
    rdb_engine *engine = session_of(call)->engine;
    uint64_t figures[STAT_FIGURE_COUNT];
    (void)nulls, (void)result, (void)is_null;
    for (stat_group group = 0; group < STAT_GROUP_COUNT; group++) {
        if (strcmp(target, GROUPS[group].name) != 0)
            continue;
        read_figures(engine, figures);
        for (stat_figure i = GROUPS[group].first; i <= GROUPS[group].last; i++)
            atomic_store_explicit(&session_engine_stat_bases(engine)->values[i], figures[i], memory_order_relaxed);
        atomic_store_explicit(&session_engine_stat_bases(engine)->reset_us[group], rdb_time_wall_us(), memory_order_relaxed);
        return true;
    }
    if (strcmp(target, "recovery_prefetch") == 0) /* nothing is counted there */
        return true;
    rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized reset target: \"%s\"", target);
    return rdb_error_hint(call->err, "Target must be \"archiver\", \"bgwriter\", \"recovery_prefetch\", or \"wal\".");
}
EXPR_ROW_KERNEL(reset_shared, 1)

static bool reset_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)result, (void)is_null;
    rdb_counters_reset(rdb_engine_catalog(session_of(call)->engine), rdb_database_pdb(session_of(call)->database), 0);
    return true;
}
EXPR_ROW_KERNEL(reset, 0)

static bool reset_relation_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    const rdb_counters *counters = NULL;
    (void)nulls, (void)result, (void)is_null;
    if (!find_counters(call, a[0].oid, &relation, &counters))
        return false;
    if (relation != NULL)
        rdb_counters_reset(rdb_engine_catalog(session_of(call)->engine), rdb_database_pdb(session_of(call)->database), a[0].oid);
    return true;
}
EXPR_ROW_KERNEL(reset_relation, 1)

static bool database_reset_time_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    if (!database_counter(call, a[0].oid, RDB_COUNTER_RESET_US, result))
        return false;
    *is_null = result->i64 == 0;
    return true;
}
EXPR_ROW_KERNEL(database_reset_time, 1)

#define STAT_FIGURE(name, figure, member, unit)                                                                                    \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                \
    {                                                                                                                              \
        (void)a, (void)nulls, (void)is_null;                                                                                       \
        result->member = (__typeof__(result->member))session_stat_figure(session_of(call)->engine, (figure)) / (unit);             \
        return true;                                                                                                               \
    }                                                                                                                              \
    EXPR_ROW_KERNEL(name, 0)
STAT_FIGURE(checkpoints, STAT_CHECKPOINTS, i64, 1)
STAT_FIGURE(requested, STAT_CHECKPOINTS_ASKED, i64, 1)
STAT_FIGURE(checkpoint_pages, STAT_CHECKPOINT_PAGES, i64, 1)
STAT_FIGURE(checkpoint_write_time, STAT_WRITE_US, f8, 1e3)
STAT_FIGURE(checkpoint_sync_time, STAT_SYNC_US, f8, 1e3)
STAT_FIGURE(cleaner_pages, STAT_CLEANER_PAGES, i64, 1)
STAT_FIGURE(evictor_pages, STAT_EVICTOR_PAGES, i64, 1)
STAT_FIGURE(evictor_syncs, STAT_EVICTOR_SYNCS, i64, 1)
STAT_FIGURE(pages_read, STAT_PAGES_READ, i64, 1)

static bool started_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    result->i64 = session_stat_reset_us(session_of(call)->engine, STAT_BGWRITER);
    return true;
}
EXPR_ROW_KERNEL(started, 0)

static bool zero_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)result, (void)is_null;
    return true;
}
EXPR_ROW_KERNEL(zero, 0)

static bool null_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)result;
    *is_null = true;
    return true;
}
EXPR_ROW_KERNEL(null, 0)

static bool wal_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    static const stat_figure FIGURES[] = {STAT_WAL_RECORDS, STAT_WAL_IMAGES, STAT_WAL_BYTES, STAT_WAL_RING_FULL, STAT_WAL_WRITES, STAT_WAL_SYNCS};
    const rdb_type *numeric = NULL;
    rdb_engine *engine = session_of(call)->engine;
    (void)a, (void)nulls, (void)column_nulls;
    for (size_t i = 0; i < RDB_COUNT_OF(FIGURES); i++)
        columns[i].i64 = (int64_t)session_stat_figure(engine, FIGURES[i]);
    const char *bytes = rdb_arena_printf(call->arena, "%llu", (unsigned long long)columns[2].i64);
    columns[6].f8 = (double)session_stat_figure(engine, STAT_WAL_WRITE_US) / 1e3; /* measured anyway, whatever track_wal_io_timing says */
    columns[7].f8 = (double)session_stat_figure(engine, STAT_WAL_SYNC_US) / 1e3;
    columns[8].i64 = session_stat_reset_us(engine, STAT_WAL);
    const rdb_slice text = {(const uint8_t *)bytes, strlen(bytes)};
    return rdb_type_get(rdb_eval_of(call)->access, RDB_NUMERICOID, &numeric, call->err) &&
           rdb_expr_value_from_text(rdb_eval_of(call), call->arena, numeric, -1, text, &columns[2], call->err);
}
EXPR_RECORD_KERNEL(wal, 0, RDB_INT8OID, RDB_INT8OID, RDB_NUMERICOID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_FLOAT8OID, RDB_FLOAT8OID, RDB_TIMESTAMPTZOID)

/* ---- the undo store ------------------------------------------------------------------------------------------------------------------ */
static bool undo_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    rdb_engine *engine = session_of(call)->engine;
    rdb_txn_manager *txns = rdb_engine_txns(engine);
    rdb_undo_statistics undo;
    rdb_purge_statistics purge;
    (void)a, (void)nulls;
    rdb_undo_get_statistics(rdb_undo_of(txns), &undo);
    rdb_purge_get_statistics(session_engine_purge(engine), &purge);
    const rdb_scn oldest = rdb_txn_oldest_snapshot(txns);
    const uint64_t figures[] = {undo.logs,
                                undo.bytes,
                                undo.file_bytes,
                                undo.bytes_finished,
                                undo.jobs,
                                purge.bytes_max,
                                (uint64_t)(rdb_txn_retention(txns) / 1000000),
                                rdb_txn_visible_scn(txns),
                                purge.horizon,
                                purge.purged_scn,
                                oldest == UINT64_MAX ? 0 : oldest,
                                rdb_txn_expired_count(txns),
                                purge.rounds,
                                purge.purged_transactions,
                                purge.purged_records,
                                purge.reverted_records};
    for (size_t i = 0; i < RDB_COUNT_OF(figures); i++)
        columns[i].i64 = (int64_t)figures[i];
    column_nulls[5] = purge.bytes_max == 0; /* no limit */
    column_nulls[10] = oldest == UINT64_MAX;
    return true;
}
EXPR_RECORD_KERNEL(undo, 0, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID,
                   RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID)

static bool current_scn_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    result->i64 = (int64_t)rdb_txn_visible_scn(rdb_engine_txns(session_of(call)->engine));
    return true;
}
EXPR_ROW_KERNEL(current_scn, 0)

static bool no_such_scn(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "the time of this SCN is not known");
}

static bool scn_to_timestamp_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return (a[0].i64 > 0 && rdb_txn_time_of_scn(rdb_engine_txns(session_of(call)->engine), (rdb_scn)a[0].i64, &result->i64)) || no_such_scn(call);
}
EXPR_ROW_KERNEL(scn_to_timestamp, 1)

static bool timestamp_to_scn_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    const rdb_scn scn = rdb_txn_scn_at_time(rdb_engine_txns(session_of(call)->engine), a[0].i64);
    result->i64 = (int64_t)scn;
    return (scn != 0 && a[0].i64 <= rdb_time_wall_us()) || no_such_scn(call);
}
EXPR_ROW_KERNEL(timestamp_to_scn, 1)

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 8090, .state_bytes = sizeof(expr_rows), .begin = undo_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 1136, .state_bytes = sizeof(expr_rows), .begin = wal_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

#define S RDB_KERNEL_NEEDS_SESSION
static const rdb_kernel_entry ENTRIES[] = {
    {1928, scans, S}, {1929, rows_read, S}, {1930, rows_fetched, S}, {1931, inserts, S}, {1932, updates, S}, {1933, deletes, S},
    {1972, updates, S}, /* every update that moves no key is what PostgreSQL calls hot; those that do are few */
    {3054, vacuums, S}, {3056, analyzes, S}, {3055, zero, 0}, {3057, auto_analyzes, S},
    {2781, vacuum_time, S}, {2783, analyze_time, S}, {2782, null, 0}, {2784, auto_analyze_time, S},
    {2878, live_rows, S}, {2879, zero, 0}, {3177, changes, S}, {5053, new_inserts, S},
    {1934, relation_blocks_fetched, S}, {1935, relation_blocks_hit, S},
    {3037, zero, 0}, {3038, zero, 0}, {3039, zero, 0}, {3040, zero, 0}, {3041, zero, 0}, {3042, zero, 0}, {3043, zero, 0}, {3044, zero, 0}, {3045, zero, 0},
    {1942, commits, S}, {1943, rollbacks, S}, {6188, sessions, S},
    {2758, database_read, S}, {2759, database_fetched, S}, {2760, database_inserts, S}, {2761, database_updates, S}, {2762, database_deletes, S},
    {1944, blocks_fetched, S}, {1945, blocks_hit, S}, {3150, temp_files, S}, {3151, temp_bytes, S},
    {2769, checkpoints, S}, {2770, requested, S}, {2771, checkpoint_pages, S}, {2772, cleaner_pages, S}, {2773, zero, 0}, /* the cleaner has no limit to stop at */
    {3160, checkpoint_write_time, S}, {3161, checkpoint_sync_time, S}, {2775, evictor_pages, S}, {3063, evictor_syncs, S},
    {3075, started, S}, {2859, pages_read, S},
    {2274, reset, S}, {3775, reset_shared, S | RDB_KERNEL_FALLIBLE}, {3776, reset_relation, S | RDB_KERNEL_FALLIBLE}, {3074, database_reset_time, S | RDB_KERNEL_FALLIBLE},
    {1136, wal, S}, {8090, undo, S}, {8091, current_scn, S},
    {8092, scn_to_timestamp, S | RDB_KERNEL_FALLIBLE}, {8093, timestamp_to_scn, S | RDB_KERNEL_FALLIBLE},
};
#undef S

void session_register_counter_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
