/* SPDX-License-Identifier: Apache-2.0
 * top: what the server does now, once a second or as asked; for a pipe one block after the other. One connection, three queries a round. */
#include "diag.h"

#include "os/rdb_os.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct counters {
    int64_t at_us;
    double commits, rollbacks, blocks_read, blocks_hit, temporary_bytes, wal_bytes;
    bool is_set;
} counters;

#define COUNTERS                                                                                                                                                                     \
    "select sum(xact_commit), sum(xact_rollback), sum(blks_read), sum(blks_hit), sum(temp_bytes), (select wal_bytes from pg_stat_wal), "                                             \
    "(select count(*) from pg_stat_activity where backend_type = 'client backend'), (select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()), "  \
    "(select count(*) from pg_locks where not granted), current_setting('max_connections') from pg_stat_database"
#define WAITS                                                                                                                                                          \
    "select coalesce(wait_event_type || ':' || wait_event, 'CPU'), count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() group by 1 order by 2 desc limit 5"
#define SESSIONS                                                                                                                                                        \
    "select pid, coalesce(usename, backend_type), coalesce(datname, ''), coalesce(state, ''), coalesce(wait_event_type || ':' || wait_event, ''), "                      \
    "coalesce(extract(epoch from clock_timestamp() - case when state = 'active' then query_start else state_change end)::numeric(10,1)::text, ''), "                      \
    "coalesce(array_to_string(pg_blocking_pids(pid), ','), ''), regexp_replace(left(query, 300), '\\s+', ' ', 'g') from pg_stat_activity where pid <> pg_backend_pid() and "       \
    "(state <> 'idle') order by state <> 'active', 6 desc nulls last limit 200"

static double number(const char *text)
{
    return text != NULL ? strtod(text, NULL) : 0;
}

static void print_head(const char *const *row, const counters *before, const counters *now)
{
    printf("connections %s of %s   active %s   waiting for locks %s\n", row[6], row[9], row[7], row[8]);
    if (!before->is_set)
        return;
    const double seconds = (double)RDB_MAX(now->at_us - before->at_us, 1) / 1e6, reads = now->blocks_read - before->blocks_read, hits = now->blocks_hit - before->blocks_hit;
    printf("commits %.0f/s   rollbacks %.0f/s   pages read %.0f/s   found in buffers %.1f %%   log %.1f MB/s   spilled %.1f MB/s\n", (now->commits - before->commits) / seconds,
           (now->rollbacks - before->rollbacks) / seconds, reads / seconds, reads + hits > 0 ? 100 * hits / (reads + hits) : 100.0, (now->wal_bytes - before->wal_bytes) / seconds / 1e6,
           (now->temporary_bytes - before->temporary_bytes) / seconds / 1e6);
}

static bool print_round(diag_work *work, rdb_client *client, counters *before)
{
    rdb_list head = {0}, waits = {0}, sessions = {0};
    struct winsize window = {0};
    const bool is_terminal = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0;
    const unsigned lines = is_terminal ? window.ws_row : 60, width = is_terminal ? window.ws_col : 160;
    if (!rdb_client_rows(client, COUNTERS, work->arena, &head, &work->err) || !rdb_client_rows(client, WAITS, work->arena, &waits, &work->err) ||
        !rdb_client_rows(client, SESSIONS, work->arena, &sessions, &work->err))
        return false;
    const char *const *row = head.items[0];
    counters now = {rdb_time_monotonic_us(), number(row[0]), number(row[1]), number(row[2]), number(row[3]), number(row[4]), number(row[5]), true};
    if (is_terminal)
        fputs("\033[H\033[2J", stdout);
    print_head(row, before, &now);
    *before = now;
    for (uint32_t i = 0; i < waits.count; i++)
        printf("%s%s %s", i == 0 ? "waits: " : ", ", ((const char *const *)waits.items[i])[0], ((const char *const *)waits.items[i])[1]);
    printf("%s%8s %-12s %-12s %-20s %-22s %8s %-10s %s\n", waits.count > 0 ? "\n" : "", "PID", "ROLE", "DATABASE", "STATE", "WAIT", "SECONDS", "BLOCKED BY", "STATEMENT");
    for (uint32_t i = 0; i < sessions.count && i + 5 < lines; i++) {
        const char *const *s = sessions.items[i];
        const int room = (int)width - 100;
        printf("%8s %-12.12s %-12.12s %-20.20s %-22.22s %8s %-10.10s %.*s\n", s[0], s[1], s[2], s[3], s[4], s[5], s[6], RDB_MAX(room, 20), s[7] != NULL ? s[7] : "");
    }
    if (!is_terminal)
        putchar('\n');
    return fflush(stdout) == 0 || rdb_error_set(&work->err, RDB_IO_ERROR, "the output could not be written");
}

int command_top(diag_work *work)
{
    rdb_client *client = NULL;
    int exit_code = RDB_EXIT_DONE;
    counters before = {0};
    work->place.only_served = true;
    work->place.database = strdup("rustydb");
    if (work->place.database == NULL || !rdb_client_connect(&client, &work->place, &RDB_CLIENT_SILENT, &exit_code, &work->err)) {
        diag_report(work);
        return exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
    }
    bool ok = rdb_client_rows(client, "set application_name = 'rdb-diag'; set statement_timeout = '5s'", work->arena, &(rdb_list){0}, &work->err);
    for (int64_t round = 0; ok && !rdb_client_interrupted && (work->arguments->count == 0 || round < work->arguments->count); round++) {
        if (round > 0)
            rdb_time_sleep_us(work->arguments->interval_s * 1000000);
        rdb_arena_reset(work->arena);
        ok = rdb_client_interrupted || print_round(work, client, &before);
    }
    rdb_client_disconnect(&client, &work->place);
    return ok || rdb_client_interrupted ? RDB_EXIT_DONE : diag_report(work);
}
