/* SPDX-License-Identifier: Apache-2.0
 * The engine seen from outside: metrics and health. Everything here is counters and short locks, so that it answers when every
 * session waits. */
#include "observe/rdb_metrics.h"
#include "session/activity.h"
#include "session/digest.h"
#include "undo/rdb_undo.h"
#include "upkeep/rdb_purge.h"
#include "upkeep/rdb_upkeep.h"
#include "wal/rdb_wal.h"
#include "wal/rdb_wal_archive.h"

#define COUNTER RDB_METRIC_COUNTER
#define GAUGE RDB_METRIC_GAUGE
#define NAME(name) "rustydb_" name

enum { DISK_DEGRADED_PERCENT = 75, DISK_UNHEALTHY_PERCENT = 95, CONNECTIONS_DEGRADED_PERCENT = 90 };

typedef struct lock_counts {
    uint64_t held, waiting;
} lock_counts;

static void count_lock(void *counts_at, const rdb_lock_info *info)
{
    lock_counts *counts = counts_at;
    if (info->granted)
        counts->held++;
    else
        counts->waiting++;
}

static void write_sessions(rdb_engine *engine, rdb_strbuf *text)
{
    session_registry *registry = session_engine_registry(engine);
    session_counts sessions;
    const char *limit = session_engine_fact(engine, "max_connections");
    session_registry_count(registry, &sessions);
    const int64_t now_us = rdb_time_wall_us();
    rdb_metrics_one(text, NAME("uptime_seconds"), GAUGE, "Seconds since the engine was opened.", (double)(now_us - session_registry_start_us(registry)) / 1e6);
    rdb_metrics_one(text, NAME("active_connections"), GAUGE, "Sessions that run a statement.", sessions.active);
    rdb_metrics_one(text, NAME("idle_connections"), GAUGE, "Sessions outside of transactions that wait for their client.", sessions.idle);
    rdb_metrics_one(text, NAME("idle_in_transaction_connections"), GAUGE, "Sessions inside transactions that wait for their client.", sessions.in_transaction);
    rdb_metrics_one(text, NAME("waiting_connections"), GAUGE, "Sessions that wait for a lock.", sessions.waiting);
    rdb_metrics_one(text, NAME("max_connections"), GAUGE, "The most sessions there may be.", limit != NULL ? strtod(limit, NULL) : 0);
    rdb_metrics_one(text, NAME("oldest_transaction_seconds"), GAUGE, "Age of the longest transaction that is open.",
                    sessions.oldest_transaction_us != 0 ? (double)(now_us - sessions.oldest_transaction_us) / 1e6 : 0);
    rdb_metrics_one(text, NAME("logins_total"), COUNTER, "Sessions begun.", (double)sessions.logins);
    rdb_metrics_one(text, NAME("failed_logins_total"), COUNTER, "Connections refused for who they said they were.", (double)sessions.failed_logins);
}

static void write_statements(rdb_engine *engine, rdb_strbuf *text)
{
    rdb_statement_totals totals;
    rdb_catalog *catalog = rdb_engine_catalog(engine);
    uint64_t commits = 0, rollbacks = 0;
    rdb_database *database;
    for (uint32_t pdb = 0; (database = rdb_database_next(catalog, pdb)) != NULL; rdb_database_close(&database)) {
        pdb = rdb_database_pdb(database);
        const rdb_counters *counters = rdb_counters_get(catalog, pdb, 0);
        commits += rdb_counters_read(counters, RDB_COUNTER_COMMITS);
        rollbacks += rdb_counters_read(counters, RDB_COUNTER_ROLLBACKS);
    }
    rdb_metrics_family(text, NAME("transactions_total"), COUNTER, "Transactions ended.");
    rdb_metrics_value(text, NAME("transactions_total"), "status", "committed", NULL, NULL, (double)commits);
    rdb_metrics_value(text, NAME("transactions_total"), "status", "rolled_back", NULL, NULL, (double)rollbacks);
    rdb_statements_totals(session_engine_statements(engine), &totals);
    rdb_metrics_one(text, NAME("queries_total"), COUNTER, "Statements run, failed ones among them.", (double)totals.count);
    rdb_metrics_one(text, NAME("query_errors_total"), COUNTER, "Statements that failed while they ran.", (double)totals.errors);
    rdb_metrics_one(text, NAME("query_rows_total"), COUNTER, "Rows given or changed by statements.", (double)totals.rows);
    rdb_metrics_one(text, NAME("statements_kept"), GAUGE, "Kinds of statements in pg_stat_statements.", totals.kept);
    rdb_metrics_histogram(text, NAME("query_duration_seconds"), "Time that statements ran.", rdb_statement_bounds, totals.buckets,
                          RDB_COUNT_OF(rdb_statement_bounds), totals.total_ms / 1000);
}

static void write_storage(rdb_engine *engine, rdb_strbuf *text)
{
    rdb_storage_statistics storage;
    rdb_wal_statistics wal;
    rdb_upkeep_statistics upkeep;
    rdb_undo_statistics undo;
    rdb_purge_statistics purge;
    rdb_txn_manager *txns = rdb_engine_txns(engine);
    rdb_storage_get_statistics(rdb_engine_storage(engine), &storage);
    rdb_wal_get_statistics(rdb_upkeep_wal(session_engine_upkeep(engine)), &wal);
    rdb_upkeep_get_statistics(session_engine_upkeep(engine), &upkeep);
    rdb_undo_get_statistics(rdb_undo_of(txns), &undo);
    rdb_purge_get_statistics(session_engine_purge(engine), &purge);
    const uint64_t looks = storage.hits + storage.misses;
    rdb_metrics_one(text, NAME("cache_hits_total"), COUNTER, "Pages found in the buffer pool.", (double)storage.hits);
    rdb_metrics_one(text, NAME("cache_misses_total"), COUNTER, "Pages that had to be read.", (double)storage.misses);
    rdb_metrics_one(text, NAME("cache_hit_ratio"), GAUGE, "Share of pages found in the buffer pool since the start.", looks > 0 ? (double)storage.hits / (double)looks : 1);
    rdb_metrics_one(text, NAME("buffer_pool_pages"), GAUGE, "Frames of the buffer pool.", storage.frames);
    rdb_metrics_one(text, NAME("buffer_pool_pages_dirty"), GAUGE, "Frames changed and not yet written.", storage.dirty);
    rdb_metrics_one(text, NAME("buffer_pool_pages_pinned"), GAUGE, "Frames in use this moment.", storage.pinned);
    rdb_metrics_one(text, NAME("buffer_pool_evictions_total"), COUNTER, "Frames given to another page.", (double)storage.evictions);
    rdb_metrics_one(text, NAME("wal_records_total"), COUNTER, "Records inserted into the log.", (double)wal.records);
    rdb_metrics_one(text, NAME("wal_bytes_total"), COUNTER, "Bytes inserted into the log.", (double)wal.bytes);
    rdb_metrics_one(text, NAME("wal_full_page_images_total"), COUNTER, "Pages copied whole into the log.", (double)wal.images);
    rdb_metrics_one(text, NAME("wal_writes_total"), COUNTER, "Transfers of the log to its files.", (double)wal.writes);
    rdb_metrics_one(text, NAME("wal_syncs_total"), COUNTER, "Times the log was made durable.", (double)wal.syncs);
    rdb_metrics_family(text, NAME("checkpoints_total"), COUNTER, "Checkpoints by what asked for them.");
    rdb_metrics_value(text, NAME("checkpoints_total"), "cause", "time", NULL, NULL, (double)upkeep.checkpoints_by_time);
    rdb_metrics_value(text, NAME("checkpoints_total"), "cause", "volume", NULL, NULL, (double)upkeep.checkpoints_by_volume);
    rdb_metrics_value(text, NAME("checkpoints_total"), "cause", "request", NULL, NULL, (double)upkeep.checkpoints_by_request);
    rdb_metrics_one(text, NAME("checkpoints_failed_total"), COUNTER, "Checkpoints that failed.", (double)upkeep.checkpoints_failed);
    rdb_metrics_one(text, NAME("last_checkpoint_timestamp_seconds"), GAUGE, "When the last checkpoint ended.",
                    upkeep.checkpoint_us != 0 ? (double)(upkeep.checkpoint_us - RDB_UNIX_EPOCH_US) / 1e6 : 0);
    rdb_metrics_one(text, NAME("undo_bytes"), GAUGE, "Old versions kept.", (double)undo.bytes);
    rdb_metrics_one(text, NAME("undo_backlog_bytes"), GAUGE, "Old versions of ended transactions that purge has not passed.", (double)undo.bytes_finished);
    rdb_metrics_one(text, NAME("undo_file_bytes"), GAUGE, "Size of the undo store's files.", (double)undo.file_bytes);
    rdb_metrics_one(text, NAME("aborted_transactions_pending"), GAUGE, "Aborted transactions not yet reverted.", (double)undo.jobs);
    rdb_metrics_one(text, NAME("purged_records_total"), COUNTER, "Old versions removed.", (double)purge.purged_records);
    rdb_metrics_one(text, NAME("snapshots_expired_total"), COUNTER, "Snapshots given up for want of room.", (double)rdb_txn_expired_count(txns));
    rdb_wal_archiver *archiver = rdb_upkeep_archiver(session_engine_upkeep(engine));
    if (archiver != NULL) {
        rdb_wal_archiver_statistics archive;
        rdb_wal_archiver_get_statistics(archiver, &archive);
        rdb_metrics_one(text, NAME("archived_segments_total"), COUNTER, "Log segments archived.", (double)archive.archived_count);
        rdb_metrics_one(text, NAME("archive_failures_total"), COUNTER, "Attempts to archive that failed.", (double)archive.failed_count);
        rdb_metrics_one(text, NAME("archive_gap_segments"), GAUGE, "Log segments that were never archived and are gone, until a backup closes the gap.",
                        archive.gap_last != 0 ? (double)(archive.gap_last - archive.gap_first + 1) : 0);
        rdb_metrics_one(text, NAME("last_archived_timestamp_seconds"), GAUGE, "When a segment was archived last.",
                        archive.last_archived_us != 0 ? (double)(archive.last_archived_us - RDB_UNIX_EPOCH_US) / 1e6 : 0);
    }
}

static void write_waits(rdb_engine *engine, rdb_strbuf *text)
{
    rdb_wait_total totals[RDB_WAIT_COUNT];
    lock_counts locks = {0};
    uint64_t waits, deadlocks;
    rdb_lock_visit(rdb_engine_txns(engine), count_lock, &locks);
    rdb_lock_get_counts(rdb_engine_txns(engine), &waits, &deadlocks);
    rdb_metrics_one(text, NAME("locks_held"), GAUGE, "Locks granted.", (double)locks.held);
    rdb_metrics_one(text, NAME("locks_waiting"), GAUGE, "Locks waited for.", (double)locks.waiting);
    rdb_metrics_one(text, NAME("lock_waits_total"), COUNTER, "Waits for locks.", (double)waits);
    rdb_metrics_one(text, NAME("deadlocks_total"), COUNTER, "Deadlocks resolved.", (double)deadlocks);
    rdb_wait_totals(totals);
    rdb_metrics_family(text, NAME("waits_total"), COUNTER, "Waits by what for.");
    for (unsigned i = RDB_WAIT_NONE + 1; i < RDB_WAIT_COUNT; i++)
        if (totals[i].count > 0)
            rdb_metrics_value(text, NAME("waits_total"), "type", rdb_wait_type((rdb_wait)i), "event", rdb_wait_name((rdb_wait)i), (double)totals[i].count);
    rdb_metrics_family(text, NAME("wait_seconds_total"), COUNTER, "Time waited by what for.");
    for (unsigned i = RDB_WAIT_NONE + 1; i < RDB_WAIT_COUNT; i++)
        if (totals[i].count > 0)
            rdb_metrics_value(text, NAME("wait_seconds_total"), "type", rdb_wait_type((rdb_wait)i), "event", rdb_wait_name((rdb_wait)i), (double)totals[i].us / 1e6);
}

static void write_io(rdb_strbuf *text)
{
    static const char *const OBJECTS[] = {[RDB_IO_DATA] = "relation", [RDB_IO_LOG] = "wal", [RDB_IO_TEMPORARY] = "temp", [RDB_IO_FILE] = "file"};
    rdb_io_figures sum = {0};
    for (unsigned kind = 0; kind < RDB_WORKER_KINDS; kind++) {
        rdb_io_figures figures;
        rdb_io_totals((rdb_worker_kind)kind, &figures);
        for (unsigned c = 0; c < RDB_IO_CLASSES; c++)
            for (unsigned o = 0; o < RDB_IO_OPS; o++)
                sum.io[c][o].bytes += figures.io[c][o].bytes;
    }
    rdb_metrics_family(text, NAME("io_read_bytes_total"), COUNTER, "Bytes asked of files.");
    for (unsigned c = 0; c < RDB_IO_CLASSES; c++)
        rdb_metrics_value(text, NAME("io_read_bytes_total"), "object", OBJECTS[c], NULL, NULL, (double)sum.io[c][RDB_IO_READ].bytes);
    rdb_metrics_family(text, NAME("io_write_bytes_total"), COUNTER, "Bytes given to files.");
    for (unsigned c = 0; c < RDB_IO_CLASSES; c++)
        rdb_metrics_value(text, NAME("io_write_bytes_total"), "object", OBJECTS[c], NULL, NULL, (double)sum.io[c][RDB_IO_WRITE].bytes);
}

static const char *data_directory(const rdb_engine *engine)
{
    const char *path = session_engine_fact(engine, "data_directory");
    return path != NULL ? path : ".";
}

static void write_system(const rdb_engine *engine, rdb_strbuf *text)
{
    rdb_system_figures system;
    rdb_disk_figures disk;
    rdb_system_read(&system);
    const double cpu = system.machine_cpu_seconds, all = cpu + system.machine_idle_seconds;
    static _Thread_local double last_cpu, last_all; /* of who asks: one thread scrapes */
    rdb_metrics_one(text, NAME("process_cpu_seconds_total"), COUNTER, "Processor time of the server.", system.process_cpu_seconds);
    rdb_metrics_one(text, NAME("cpu_usage_percent"), GAUGE, "Share of the machine's processors in use since the last scrape.", all > last_all ? 100 * (cpu - last_cpu) / (all - last_all) : 0);
    last_cpu = cpu;
    last_all = all;
    rdb_metrics_one(text, NAME("memory_usage_bytes"), GAUGE, "Resident memory of the server.", (double)system.process_memory_bytes);
    rdb_metrics_one(text, NAME("memory_usage_percent"), GAUGE, "Share of the machine's memory that is in use.",
                    system.machine_memory_bytes > 0 ? 100 * (1 - (double)system.machine_available_bytes / (double)system.machine_memory_bytes) : 0);
    rdb_metrics_one(text, NAME("disk_io_read_bytes_total"), COUNTER, "Bytes that the server had read from disks.", (double)system.process_read_bytes);
    rdb_metrics_one(text, NAME("disk_io_write_bytes_total"), COUNTER, "Bytes that the server had written to disks.", (double)system.process_write_bytes);
    rdb_metrics_one(text, NAME("network_rx_bytes_total"), COUNTER, "Bytes that the machine received, without loopback.", (double)system.network_received_bytes);
    rdb_metrics_one(text, NAME("network_tx_bytes_total"), COUNTER, "Bytes that the machine sent, without loopback.", (double)system.network_sent_bytes);
    rdb_metrics_one(text, NAME("open_files"), GAUGE, "Descriptors that the server has open.", (double)system.open_files);
    rdb_metrics_one(text, NAME("threads"), GAUGE, "Threads of the server.", (double)system.threads);
    if (rdb_disk_read(data_directory(engine), &disk) && disk.bytes > 0) {
        rdb_metrics_one(text, NAME("disk_usage_bytes"), GAUGE, "Bytes in use on the file system of the data.", (double)(disk.bytes - disk.free_bytes));
        rdb_metrics_one(text, NAME("disk_free_bytes"), GAUGE, "Bytes left on the file system of the data.", (double)disk.free_bytes);
        rdb_metrics_one(text, NAME("disk_usage_percent"), GAUGE, "Share of the file system of the data that is in use.", 100 * (1 - (double)disk.free_bytes / (double)disk.bytes));
    }
}

void rdb_engine_write_metrics(rdb_engine *engine, rdb_strbuf *text)
{
    write_sessions(engine, text);
    write_statements(engine, text);
    write_storage(engine, text);
    write_waits(engine, text);
    write_io(text);
    write_system(engine, text);
}

/* ---- health --------------------------------------------------------------------------------------------------------------- */
void rdb_engine_check_health(rdb_engine *engine, rdb_health *health)
{
    session_counts sessions;
    rdb_disk_figures disk;
    rdb_storage_statistics storage;
    rdb_upkeep_statistics upkeep;
    const char *limit_text = session_engine_fact(engine, "max_connections");
    const uint64_t limit = limit_text != NULL ? strtoull(limit_text, NULL, 10) : 0;
    session_registry_count(session_engine_registry(engine), &sessions);
    const uint64_t connected = (uint64_t)sessions.active + sessions.idle + sessions.in_transaction;
    rdb_health_add(health, "database", RDB_HEALTHY, "%llu sessions, %u active, %u waiting for locks", (unsigned long long)connected, sessions.active, sessions.waiting);
    rdb_health_add(health, "connections", limit > 0 && connected * 100 >= limit * CONNECTIONS_DEGRADED_PERCENT ? RDB_DEGRADED : RDB_HEALTHY, "%llu of %llu in use",
                   (unsigned long long)connected, (unsigned long long)limit);
    if (!rdb_disk_read(data_directory(engine), &disk) || disk.bytes == 0) {
        rdb_health_add(health, "storage", RDB_UNHEALTHY, "the data directory cannot be looked at");
    } else {
        const double used = 100 * (1 - (double)disk.free_bytes / (double)disk.bytes);
        rdb_health_add(health, "storage", used >= DISK_UNHEALTHY_PERCENT ? RDB_UNHEALTHY : used >= DISK_DEGRADED_PERCENT ? RDB_DEGRADED : RDB_HEALTHY,
                       "%.0f %% of the file system in use, %llu MB free", used, (unsigned long long)(disk.free_bytes >> 20));
    }
    rdb_storage_get_statistics(rdb_engine_storage(engine), &storage);
    rdb_health_add(health, "buffers", storage.frames > 0 && (uint64_t)storage.dirty * 100 >= (uint64_t)storage.frames * 85 ? RDB_DEGRADED : RDB_HEALTHY,
                   "%u of %u pages wait to be written", storage.dirty, storage.frames);
    rdb_upkeep_get_statistics(session_engine_upkeep(engine), &upkeep);
    rdb_health_add(health, "checkpoints", upkeep.checkpoints_failed > 0 ? RDB_DEGRADED : RDB_HEALTHY, "%llu failed since the start", (unsigned long long)upkeep.checkpoints_failed);
    rdb_wal_archiver *archiver = rdb_upkeep_archiver(session_engine_upkeep(engine));
    if (archiver != NULL) {
        rdb_wal_archiver_statistics archive;
        rdb_wal_archiver_get_statistics(archiver, &archive);
        const bool fails = archive.last_failed_us > archive.last_archived_us;
        if (archive.gap_last != 0)
            rdb_health_add(health, "archive", RDB_DEGRADED, "segments %016llx to %016llx were never archived and are gone: take a backup, an incremental one will do",
                           (unsigned long long)archive.gap_first, (unsigned long long)archive.gap_last);
        else
            rdb_health_add(health, "archive", fails ? RDB_DEGRADED : RDB_HEALTHY, "%s", fails ? "the last attempt failed" : "");
    }
}
