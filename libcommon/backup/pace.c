/* SPDX-License-Identifier: Apache-2.0
 * How fast a backup goes: not above --rate, and beside a served instance behind its clients. The work is cut into small steps, and a
 * thread rests after each for a share of the time that it took, so that neither a processor nor the disk belongs to the backup for
 * longer than a step. How large that share is says the server: a watcher asks it how long its syncs of the log and its reads take,
 * while the backup works and in short rests of all its threads, which come every second and a half. Where the two differ, the clients
 * feel the backup, and it rests more; where they agree, or nobody is at work there, less. */
#include "backup/backup_int.h"

#include "backup/rdb_backup_server.h"

#include <stdlib.h>

#define LULL_US INT64_C(150000)   /* all threads rest, and what the server meets then is the measure */
#define WORK_US INT64_C(1350000)  /* between two of them */
#define SLEEP_US INT64_C(200000)  /* an interruption is looked for as often */
#define REST_US_MAX INT64_C(500000)
#define WAITS_MIN 5               /* fewer say nothing */

struct backup_pace {
    const rdb_backup_watch *watch;
    uint64_t rate;                 /* bytes a second; 0: no limit */
    int64_t begun_us;
    _Atomic uint64_t passed;       /* bytes; relaxed: a sum */
    _Atomic int64_t rested_us;     /* by all threads, behind clients; relaxed: a sum */
    _Atomic uint32_t rest_percent; /* of what a step took; relaxed: a hint */
    _Atomic uint32_t lull;         /* 1: rest until it is 0 again; relaxed: a hint */
    _Atomic uint32_t ending;       /* futex of the watcher */
    PGconn *connection;            /* the watcher's */
    rdb_thread *watcher;           /* NULL: nobody is to be waited for */
};

/* ---- the watcher ------------------------------------------------------------------------------------------------------------- */
/* Up and down by as much: where chance alone makes the ratio, which is then as often above 1 as below, it comes down. */
uint32_t pace_judge(uint32_t rest_percent, double ratio)
{
    if (ratio == 0)
        return 0;
    rest_percent = ratio > PACE_RATIO_MAX ? rest_percent * 5 / 4 : rest_percent * 4 / 5;
    return RDB_MAX(RDB_MIN(rest_percent, (uint32_t)PACE_REST_MAX), (uint32_t)PACE_REST_MIN);
}

enum { WAIT_READ, WAIT_SYNC, WAIT_KINDS };
typedef struct pace_waits {
    double count, ms;
} pace_waits;
typedef struct pace_figure { /* what was met, the older the less it counts */
    pace_waits lull, work;
} pace_figure;

static bool read_waits(PGconn *connection, pace_waits waits[WAIT_KINDS])
{
    PGresult *result = PQexec(connection, "select waits, wait_time from rdb_stat_waits where wait_event in ('DataFileRead', 'WALSync') order by wait_event");
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == WAIT_KINDS;
    for (int kind = 0; ok && kind < WAIT_KINDS; kind++)
        waits[kind] = (pace_waits){strtod(PQgetvalue(result, kind, 0), NULL), strtod(PQgetvalue(result, kind, 1), NULL)};
    PQclear(result);
    return ok;
}

static void meet(pace_waits *met, const pace_waits *before, const pace_waits *after)
{
    const double kept = 0.875; /* an eighth is forgotten each time: some ten seconds are looked at */
    if (after->count < before->count) /* somebody reset the server's figures */
        return;
    met->count = met->count * kept + after->count - before->count;
    met->ms = met->ms * kept + after->ms - before->ms;
}

/* By how much the worse of the waits takes longer while the backup works; 0: clients are not at work. */
static double worst_ratio(const pace_figure figures[WAIT_KINDS], const pace_waits begun[WAIT_KINDS], const pace_waits ended[WAIT_KINDS])
{
    double worst = 0;
    for (int kind = 0; kind < WAIT_KINDS; kind++) {
        const pace_waits *lull = &figures[kind].lull, *work = &figures[kind].work;
        if (ended[kind].count < begun[kind].count + WAITS_MIN)
            continue;
        const bool is_known = lull->count >= WAITS_MIN && work->count >= WAITS_MIN && lull->ms > 0;
        worst = RDB_MAX(worst, is_known ? work->ms / work->count / (lull->ms / lull->count) : 1.0);
    }
    return worst;
}

static void watch_server(void *argument)
{
    backup_pace *pace = argument;
    pace_figure figures[WAIT_KINDS] = {{.lull.count = 0}};
    pace_waits begun[WAIT_KINDS], rested[WAIT_KINDS], worked[WAIT_KINDS];
    bool ok = read_waits(pace->connection, begun);
    while (ok && atomic_load(&pace->ending) == 0) {
        atomic_store_explicit(&pace->lull, 1, memory_order_relaxed);
        rdb_futex_wait(&pace->ending, 0, LULL_US);
        ok = read_waits(pace->connection, rested);
        atomic_store_explicit(&pace->lull, 0, memory_order_relaxed);
        rdb_futex_wake(&pace->lull, UINT32_MAX);
        if (!ok || atomic_load(&pace->ending) != 0)
            break;
        rdb_futex_wait(&pace->ending, 0, WORK_US);
        ok = read_waits(pace->connection, worked);
        for (int kind = 0; ok && kind < WAIT_KINDS; kind++) {
            meet(&figures[kind].lull, &begun[kind], &rested[kind]);
            meet(&figures[kind].work, &rested[kind], &worked[kind]);
        }
        if (ok)
            atomic_store_explicit(&pace->rest_percent, pace_judge(atomic_load_explicit(&pace->rest_percent, memory_order_relaxed), worst_ratio(figures, begun, worked)), memory_order_relaxed);
        memcpy(begun, worked, sizeof begun);
    }
    atomic_store_explicit(&pace->lull, 0, memory_order_relaxed); /* a server that is gone is waited for by nobody */
    rdb_futex_wake(&pace->lull, UINT32_MAX);
}

/* ---- steps --------------------------------------------------------------------------------------------------------------------- */
bool pace_open(backup_pace **pace, const char *home, uint64_t rate, bool steps_back, const rdb_backup_watch *watch, rdb_error *err)
{
    rdb_error refused = {0};
    backup_pace *p = *pace = calloc(1, sizeof *p);
    if (p == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    p->watch = watch;
    p->rate = rate;
    p->begun_us = rdb_time_monotonic_us();
    if (!steps_back)
        return true;
    atomic_store(&p->rest_percent, PACE_REST_MIN);
    if (!rdb_server_connect(&p->connection, home, "postgres", &refused) || !rdb_thread_start(&p->watcher, "pace", watch_server, p, &refused))
        watch_note(watch, "the server's clients are not watched: %s", rdb_error_message(&refused));
    rdb_error_clear(&refused);
    return true;
}

void pace_close(backup_pace **pace)
{
    backup_pace *p = *pace;
    *pace = NULL;
    if (p == NULL)
        return;
    atomic_store(&p->ending, 1);
    rdb_futex_wake(&p->ending, 1);
    rdb_thread_join(&p->watcher);
    if (p->connection != NULL)
        PQfinish(p->connection);
    free(p);
}

static bool is_interrupted(const backup_pace *pace)
{
    return pace->watch != NULL && pace->watch->is_interrupted != NULL && pace->watch->is_interrupted(pace->watch->context);
}

void pace_pass(backup_pace *pace, uint64_t bytes)
{
    uint64_t passed = atomic_fetch_add_explicit(&pace->passed, bytes, memory_order_relaxed) + bytes;
    if (pace->rate == 0)
        return;
    int64_t due_us = pace->begun_us + (int64_t)((double)passed * 1e6 / (double)pace->rate), early_us;
    while ((early_us = due_us - rdb_time_monotonic_us()) > 0 && !is_interrupted(pace))
        rdb_time_sleep_us(RDB_MIN(early_us, SLEEP_US));
}

uint64_t pace_passed(const backup_pace *pace)
{
    return atomic_load_explicit(&pace->passed, memory_order_relaxed);
}

int64_t pace_rested_us(const backup_pace *pace)
{
    return atomic_load_explicit(&pace->rested_us, memory_order_relaxed);
}

bool pace_steps_back(const backup_pace *pace)
{
    return pace != NULL && atomic_load_explicit(&pace->rest_percent, memory_order_relaxed) > 0;
}

void pace_begin(backup_pace *pace, int64_t *step_us)
{
    *step_us = pace_steps_back(pace) ? rdb_time_monotonic_us() : 0;
}

void pace_rest(backup_pace *pace, int64_t *step_us)
{
    if (!pace_steps_back(pace))
        return;
    int64_t now_us = rdb_time_monotonic_us(), took_us = *step_us != 0 ? now_us - *step_us : 0;
    int64_t rest_us = RDB_MIN(took_us * atomic_load_explicit(&pace->rest_percent, memory_order_relaxed) / 100, REST_US_MAX);
    if (rest_us > 0)
        rdb_time_sleep_us(rest_us);
    while (atomic_load_explicit(&pace->lull, memory_order_relaxed) != 0 && !is_interrupted(pace))
        rdb_futex_wait(&pace->lull, 1, SLEEP_US);
    *step_us = rdb_time_monotonic_us();
    atomic_fetch_add_explicit(&pace->rested_us, *step_us - now_us, memory_order_relaxed);
}
