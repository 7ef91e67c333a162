/* SPDX-License-Identifier: Apache-2.0
 * The network's own structs.
 *
 * A connection is in one of these states; whoever takes it from PARKED to RUNNING owns it alone.
 *
 *     FREE ── accepted ──► PARKED ◄── nothing more to read ── RUNNING ── closed ──► FREE
 *                             └── something came, or its time has ──► RUNNING ◄── AGAIN: something came while it ran
 *
 * One whose answer waits for the log stays RUNNING, without a thread: the committer resumes it.
 *
 * Connections are watched edge by edge, so nothing is said to the kernel between two requests; the memory of a connection is used
 * for the next ones and never given back before the end, because an event may be on its way to a thread while another closes it. */
#ifndef RDB_SERVE_NETWORK_INT_H
#define RDB_SERVE_NETWORK_INT_H

#include "network.h"
#include "task/rdb_pool.h"

#include <openssl/ssl.h>

#define NETWORK_LISTENERS_MAX 16u

typedef enum connection_state { CONNECTION_FREE, CONNECTION_PARKED, CONNECTION_RUNNING, CONNECTION_AGAIN } connection_state;

typedef struct connection {
    network *net;
    _Atomic uint32_t state;
    _Atomic bool is_hanging_up; /* the kernel told of an end: what was read short may not have been the last */
    int fd;
    bool is_drained; /* the last read took all there was, and no event has come since */
    unsigned stripe;
    SSL *tls;
    rdb_wire *wire;
    _Atomic int64_t expires_us;   /* parked: when it is to be served though nothing came; INT64_MAX: never */
    _Atomic bool has_buffers;
    _Atomic uint32_t served_tick; /* of net->tick */
    struct connection *next_taken;
    struct connection *next, *previous; /* all that are open, or all that are free, under net->lock */
} connection;

/* A thread that serves connections (runner.c). */
typedef enum runner_state { RUNNER_FREE, RUNNER_SERVING, RUNNER_ASLEEP, RUNNER_LEFT } runner_state;
typedef struct runner {
    network *net;
    struct runner *next, *previous; /* under net->turn */
    _Atomic uint64_t state;         /* runner_state in the low bits, above them the number of what it serves */
    uint64_t seen;                  /* by the watch at its last look */
    int64_t gave_way_us;            /* when it last let other threads have its core */
} runner;

#define NETWORK_BATCH 16u /* events taken at once */

struct network {
    network_options options;
    rdb_poller *poller;   /* listeners, signals: the network's own thread */
    rdb_poller *requests; /* connections: the runners */
    rdb_pool *pool;
    int listeners[NETWORK_LISTENERS_MAX];
    uint32_t listener_count;
    uid_t owner;
    char owner_name[64];
    rdb_mutex lock;
    connection *connections RDB_GUARDED_BY(lock);
    connection *free_connections RDB_GUARDED_BY(lock);
    uint32_t connection_count RDB_GUARDED_BY(lock);
    unsigned next_stripe RDB_GUARDED_BY(lock);
    rdb_condition gone; /* a connection closed */
    _Atomic int64_t expires_us; /* not later than any parked connection's; raised under lock */
    _Atomic uint32_t held_count; /* connections that the committer is to resume, or is resuming */
    _Atomic bool is_closing;     /* nothing is held any more */
    int ended_fd;               /* eventfd: the inherited connection closed; -1: there was none */

    /* The runners' (runner.c). */
    rdb_mutex turn; /* rank TASK - 1: taken wherever a statement may sleep, and the pool is asked under it */
    rdb_condition called;
    runner *runners RDB_GUARDED_BY(turn);
    connection *ready[NETWORK_BATCH] RDB_GUARDED_BY(turn); /* taken, to be served: ready_at .. ready_count */
    uint32_t ready_at, ready_count RDB_GUARDED_BY(turn);
    bool has_leader RDB_GUARDED_BY(turn);     /* one waits for events */
    uint32_t active RDB_GUARDED_BY(turn);     /* lead or serve, neither asleep in a statement nor left to a long one; called ones too */
    uint32_t idle, calls RDB_GUARDED_BY(turn); /* runners that wait to be called; calls to them that nobody has heard yet */
    bool is_ending RDB_GUARDED_BY(turn);
    bool is_watched RDB_GUARDED_BY(turn);     /* the network's own thread looks at the runners every now and then */
    uint32_t active_wanted RDB_SET_ONCE;
    uint32_t active_tick RDB_GUARDED_BY(turn); /* when events came last */
    _Atomic uint32_t tick;   /* of the watch */
    uint32_t rested_tick;    /* the watch's own, as looked_us */
    int64_t looked_us;
};

/* channel.c */
void channel_fill(connection *conn, rdb_channel *channel);

/* network.c */
bool connection_take(connection *conn);             /* PARKED to RUNNING; false: it is another's, who will look again */
void connection_run(void *conn);                    /* serves one that was taken */
void connection_resume(connection *conn);           /* sends what was held and parks it, without waiting */
void connection_dispatch(connection *conn);         /* has a thread of the pool do that */

/* runner.c */
RDB_CHECKED bool runners_start(network *net, rdb_error *err);
int64_t runners_watch(network *net, int64_t wait_us); /* one look; how long the next wait may be, at most wait_us (negative: no limit) */
void runners_end(network *net);

#endif
