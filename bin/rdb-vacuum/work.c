/* SPDX-License-Identifier: Apache-2.0
 * vacuum, analyze, compact, reindex, checkpoint: a statement a table, several tables at a time in processes of their own, within the hours
 * of the window. Compaction goes in slices, so that its pace can follow what others meet, and takes up where it stopped: a run that is
 * interrupted, or whose window ends, is continued by the next. */
#include "base/rdb_progress.h"
#include "os/rdb_os.h"
#include "vacuum.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_SECONDS = 10, PACED_SLICE_SECONDS = 4, BASE_US = 3000000, RATE_MIN_KB = 256, RATE_MAX_KB = 4 << 20 };

/* ---- bounds -------------------------------------------------------------------------------------------------------------------- */
static bool read_time(const char **text, int *minute)
{
    int hours, minutes, used = 0;
    if (sscanf(*text, "%2d:%2d%n", &hours, &minutes, &used) != 2 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *minute = hours * 60 + minutes;
    *text += used;
    return true;
}

bool vacuum_read_bounds(vacuum_run *run, rdb_error *err)
{
    const vacuum_arguments *a = run->arguments;
    if (a->window != NULL) {
        const char *at = a->window;
        if (!read_time(&at, &run->window_from) || *at++ != '-' || !read_time(&at, &run->window_to) || *at != '\0')
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "--window takes two times of the day, such as 01:00-05:00");
    }
    if (a->rate != NULL) {
        char *end = NULL;
        const double number = strtod(a->rate, &end);
        const double unit = strcmp(end, "kB") == 0 ? 1 : strcmp(end, "MB") == 0 ? 1024 : strcmp(end, "GB") == 0 ? 1024 * 1024 : 0;
        if (end == a->rate || unit == 0 || number * unit < 1 || number * unit > 1e12)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "--rate takes a size a second, such as 20MB");
        run->rate_kb = (int64_t)(number * unit);
    }
    if (a->keep_p99 != NULL) {
        char *end = NULL;
        run->keep_p99 = strtod(a->keep_p99, &end) / 100;
        if (end == a->keep_p99 || strcmp(end, "%") != 0 || run->keep_p99 <= 0 || run->keep_p99 > 100)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "--keep-p99 takes a growth in percent, such as +5%%");
    }
    return true;
}

static int minute_of_day(void)
{
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    return local.tm_hour * 60 + local.tm_min;
}

/* Minutes to the end of the window; 0: outside. */
static int minutes_left(const vacuum_run *run)
{
    enum { DAY = 24 * 60 };
    if (run->window_from == run->window_to)
        return DAY;
    const int length = (run->window_to - run->window_from + DAY) % DAY, since = (minute_of_day() - run->window_from + DAY) % DAY;
    return since < length ? length - since : 0;
}

static bool interrupted(rdb_error *err)
{
    return rdb_client_interrupted && !rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

static bool wait_for_window(const vacuum_run *run, rdb_error *err)
{
    if (minutes_left(run) == 0 && run->arguments->verbose)
        fprintf(stderr, "rdb-vacuum: waiting for %s\n", run->arguments->window);
    while (minutes_left(run) == 0) {
        if (interrupted(err))
            return false;
        rdb_time_sleep_us(500000);
    }
    return true;
}

/* ---- one table ----------------------------------------------------------------------------------------------------------------- */
static void print_done(const vacuum_run *run, const char *table, int64_t elapsed_us, const char *more)
{
    static const char *const NAMES[] = {"vacuum", "analyze", "compact", "reindex", "checkpoint"};
    if (!run->arguments->json) {
        if (run->arguments->verbose)
            fprintf(stderr, "rdb-vacuum: %s%s%s: done in %lld ms\n", run->database, table != NULL ? "." : "", table != NULL ? table : "", (long long)elapsed_us / 1000);
        return;
    }
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    rdb_strbuf_adds(&line, "{\"database\":");
    rdb_strbuf_add_json(&line, run->database, strlen(run->database));
    if (table != NULL) {
        rdb_strbuf_adds(&line, ",\"table\":");
        rdb_strbuf_add_json(&line, table, strlen(table));
    }
    rdb_strbuf_addf(&line, ",\"command\":\"%s\"%s,\"elapsed_us\":%lld}", NAMES[run->command], more, (long long)elapsed_us);
    puts(line.data != NULL ? line.data : "{}");
    fflush(stdout); /* one write a line: several processes print */
    rdb_strbuf_free(&line);
}

typedef struct table_size {
    uint64_t table_bytes, index_bytes;
} table_size;

static bool read_size(vacuum_run *run, const char *oid, table_size *size, rdb_error *err)
{
    rdb_list rows = {0};
    *size = (table_size){0};
    if (!vacuum_query(run, rdb_arena_printf(run->arena, "select pg_catalog.pg_relation_size(%s), pg_catalog.pg_indexes_size(%s)", oid, oid), &rows, err))
        return false;
    const char *const *row = rows.count > 0 ? rows.items[0] : NULL;
    if (row != NULL && row[0] != NULL && row[1] != NULL) /* else it was dropped meanwhile */
        *size = (table_size){.table_bytes = strtoull(row[0], NULL, 10), .index_bytes = strtoull(row[1], NULL, 10)};
    return true;
}

/* Slices until one makes no file smaller and is not cut short by the clock, or the window ends. */
static bool compact_one(vacuum_run *run, const char *table, const char *oid, rdb_error *err)
{
    const int64_t begin_us = rdb_time_monotonic_us();
    table_size before = {0}, bytes, after;
    vacuum_probe *probe = NULL;
    int64_t base_us = 0, rate_kb = run->rate_kb;
    rdb_list rows = {0};
    bool ok = read_size(run, oid, &before, err);
    after = before;
    if (ok && run->keep_p99 > 0) {
        ok = vacuum_probe_start(&probe, run, err);
        if (ok) {
            rdb_time_sleep_us(BASE_US);
            base_us = vacuum_probe_p99_us(probe);
            rate_kb = run->rate_kb > 0 ? RDB_MIN(run->rate_kb, INT64_C(8192)) : 8192;
        }
    }
    for (bool again = true; ok && again;) {
        const int64_t slice_us = rdb_time_monotonic_us();
        const int left = minutes_left(run), seconds = probe != NULL ? PACED_SLICE_SECONDS : SLICE_SECONDS;
        if (left == 0) {
            run->left++;
            break;
        }
        bytes = after;
        ok = vacuum_query(run, rdb_arena_printf(run->arena, "vacuum (compact, verbose %s, seconds %d, rate %lld, wait %lld) %s", run->arguments->verbose ? "on" : "off", seconds, (long long)rate_kb,
                                                (long long)run->arguments->wait_seconds, table),
                          &rows, err) &&
             read_size(run, oid, &after, err) && !interrupted(err);
        again = ok && (after.table_bytes < bytes.table_bytes || after.index_bytes < bytes.index_bytes || probe != NULL) && rdb_time_monotonic_us() - slice_us >= seconds * INT64_C(1000000) &&
                after.table_bytes > 0;
        const int64_t p99_us = probe != NULL ? vacuum_probe_p99_us(probe) : 0;
        if (p99_us > 0 && base_us > 0) /* gently up, quickly down */
            rate_kb = (double)p99_us > (double)base_us * (1 + run->keep_p99) ? RDB_MAX(rate_kb / 2, (int64_t)RATE_MIN_KB) : RDB_MIN(rate_kb * 5 / 4, run->rate_kb > 0 ? run->rate_kb : (int64_t)RATE_MAX_KB);
    }
    vacuum_probe_stop(&probe);
    if (ok)
        print_done(run, table, rdb_time_monotonic_us() - begin_us, rdb_arena_printf(run->arena, ",\"bytes_before\":%llu,\"bytes_after\":%llu,\"index_bytes_before\":%llu,\"index_bytes_after\":%llu", (unsigned long long)before.table_bytes,
                                                                                             (unsigned long long)after.table_bytes, (unsigned long long)before.index_bytes, (unsigned long long)after.index_bytes));
    return ok;
}

static bool work_one(vacuum_run *run, const char *table, const char *oid, rdb_error *err)
{
    const vacuum_arguments *a = run->arguments;
    const char *name = table != NULL ? table : "", *verbose = a->verbose ? "on" : "off", *sql;
    const int64_t begin_us = rdb_time_monotonic_us();
    rdb_list rows = {0};
    run->relations++;
    switch (run->command) {
    case VACUUM_COMPACT:
        return compact_one(run, table, oid, err);
    case VACUUM_ANALYZE:
        sql = rdb_arena_printf(run->arena, "analyze (verbose %s) %s", verbose, name);
        break;
    case VACUUM_REINDEX:
        sql = rdb_arena_printf(run->arena, "reindex (verbose %s) table %s %s", verbose, a->concurrently ? "concurrently" : "", name);
        break;
    case VACUUM_CHECKPOINT:
        sql = "checkpoint";
        break;
    default:
        sql = rdb_arena_printf(run->arena, "vacuum (verbose %s, analyze %s, full %s) %s", verbose, a->analyze ? "on" : "off", a->full ? "on" : "off", name);
    }
    if (!vacuum_query(run, sql, &rows, err)) {
        run->relations--;
        return false;
    }
    print_done(run, table, rdb_time_monotonic_us() - begin_us, "");
    return true;
}

/* ---- several --------------------------------------------------------------------------------------------------------------------- */
/* What the processes share. */
typedef struct shared_work {
    _Atomic uint32_t next; /* table that nobody has taken yet */
    _Atomic uint64_t done, failures, left, bytes_done;
    _Atomic bool lost;     /* a connection: no more tables are taken */
} shared_work;

/* Takes tables until none is left. Of several those that fail are told and the others still done. False: the connection is lost, or the
 * user has had enough. */
static bool take_tables(vacuum_run *run, const rdb_list *tables, shared_work *work, rdb_progress *progress, rdb_error *err)
{
    for (;;) {
        const uint32_t at = atomic_fetch_add(&work->next, 1);
        if (at >= tables->count || atomic_load(&work->lost))
            return true;
        const char *const *table = tables->items[at];
        if (minutes_left(run) == 0) {
            atomic_fetch_add(&work->left, 1);
            continue;
        }
        rdb_error trouble = {0};
        const bool ok = work_one(run, table[0], table[1], &trouble);
        const uint64_t bytes = table[2] != NULL ? strtoull(table[2], NULL, 10) : 0;
        atomic_fetch_add(&work->bytes_done, bytes);
        if (progress != NULL)
            rdb_progress_add(progress, bytes);
        if (ok) {
            atomic_fetch_add(&work->done, 1);
            continue;
        }
        if (!rdb_client_is_open(run->client) || rdb_client_interrupted) {
            atomic_store(&work->lost, true);
            rdb_error_move(err, &trouble);
            return false;
        }
        atomic_fetch_add(&work->failures, 1);
        rdb_options_report(run->program, run->arguments->json, &trouble);
        rdb_error_clear(&trouble);
    }
}

/* In a process of its own, over a connection of its own. */
static _Noreturn void run_child(vacuum_run *run, const rdb_list *tables, shared_work *work)
{
    rdb_error err = {0};
    int exit_code = RDB_EXIT_DONE;
    vacuum_run own = *run;
    own.client = NULL; /* the parent's: its socket is not touched here */
    own.left = 0;
    bool ok = vacuum_connect(&own, run->database, &exit_code, &err) && take_tables(&own, tables, work, NULL, &err);
    if (!ok) {
        atomic_store(&work->lost, true);
        rdb_options_report(run->program, run->arguments->json, &err);
    }
    atomic_fetch_add(&work->left, own.left);
    fflush(NULL);
    rdb_client_disconnect(&own.client, &own.place);
    _exit(ok ? RDB_EXIT_DONE : exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL);
}

static bool run_children(vacuum_run *run, const rdb_list *tables, shared_work *work, rdb_progress *progress, rdb_error *err)
{
    const uint32_t count = (uint32_t)RDB_MIN(run->arguments->jobs, (int64_t)tables->count);
    pid_t *pids = RDB_NEW_ARRAY(run->arena, pid_t, count);
    uint32_t running = 0;
    bool ok = true;
    fflush(NULL);
    for (; running < count; running++) {
        pids[running] = fork();
        if (pids[running] == 0)
            run_child(run, tables, work);
        if (pids[running] < 0) {
            ok = running > 0 || rdb_error_set(err, RDB_INSUFFICIENT_RESOURCES, "no process could be started");
            break;
        }
    }
    for (uint64_t drawn = 0; running > 0;) {
        int status = 0;
        const pid_t pid = waitpid(-1, &status, WNOHANG);
        const uint64_t bytes = atomic_load(&work->bytes_done);
        rdb_progress_add(progress, bytes - drawn);
        drawn = bytes;
        if (pid <= 0) {
            rdb_time_sleep_us(100000);
            continue;
        }
        running--;
        if ((!WIFEXITED(status) || WEXITSTATUS(status) != RDB_EXIT_DONE) && ok)
            ok = rdb_error_set(err, rdb_client_interrupted ? RDB_QUERY_CANCELED : RDB_CONNECTION_FAILURE, "%s", rdb_client_interrupted ? "interrupted" : "a process could not end its work");
    }
    return ok;
}

bool vacuum_work(vacuum_run *run, rdb_error *err)
{
    const vacuum_arguments *a = run->arguments;
    static const char *const NAMES[] = {"vacuuming", "analyzing", "compacting", "reindexing"};
    rdb_list tables = {0};
    rdb_progress progress;
    if (!wait_for_window(run, err))
        return false;
    const bool is_whole = a->tables.count == 0 && a->jobs == 1 && a->window == NULL;
    if (run->command == VACUUM_CHECKPOINT || (is_whole && run->command != VACUUM_COMPACT && run->command != VACUUM_REINDEX))
        return work_one(run, NULL, NULL, err);
    const bool with_system = a->tables.count > 0 && (run->command == VACUUM_VACUUM || run->command == VACUUM_ANALYZE);
    if (!vacuum_list_tables(run, with_system, a->window != NULL, &tables, err))
        return false;
    uint64_t total = 0;
    for (uint32_t i = 0; i < tables.count; i++)
        total += ((const char *const *)tables.items[i])[2] != NULL ? strtoull(((const char *const *)tables.items[i])[2], NULL, 10) : 0;
    shared_work *work = mmap(NULL, sizeof *work, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (work == MAP_FAILED)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_progress_begin(&progress, NAMES[run->command], total, true);
    const bool is_alone = a->jobs == 1 || tables.count < 2 || run->place.server_pid != 0; /* a server of our own takes one connection */
    const bool ok = is_alone ? take_tables(run, &tables, work, &progress, err) : run_children(run, &tables, work, &progress, err);
    rdb_progress_end(&progress);
    if (!is_alone)
        run->relations += atomic_load(&work->done);
    run->failures += atomic_load(&work->failures);
    run->left += atomic_load(&work->left);
    munmap(work, sizeof *work);
    return ok;
}
