/* SPDX-License-Identifier: Apache-2.0
 * Runners: the threads that serve connections. One of them, the leader, waits for events; it takes what has come, at most a batch,
 * serves the first and leaves the others to whoever is free. While all are busy nobody waits: events gather in the kernel and the
 * first who is done leads again. So under load a request costs no switch of threads, and a single client is always served by the
 * same one.
 *
 * As many are active as there are cores. One that must sleep in the middle of a statement (for a lock, the disk, a client) says so,
 * and another is called in its place; one whose statement takes long is found by the watch, a look every few milliseconds while
 * there is work. So a request waits for others only as long as the cores are busy.
 *
 * A busy runner never sleeps, so the kernel would take its core away at the end of a slice, in the middle of a request, whose client
 * then waits for somebody else's slice (4 ms where the clock ticks 250 times a second). It gives way itself, between two requests. Beside
 * other programs that costs throughput, for they take the rest of the slice: every 300 µs a tenth of it at 8 clients and a quarter at 32,
 * against every 1,000.
 * When it does sleep, the kernel would let it wait for the end of somebody else's slice, so its own are short: what is woken then goes first
 * (a tenth more point queries of 8 and 32 clients, and shorter waits of the slowest).
 *
 * What always holds under the turn: while something is ready or nobody leads, as many as wanted are active, or a call is out. */
#include "network_int.h"

#include <sched.h>
#include <unistd.h>

#define WATCH_US INT64_C(3000)
#define GIVE_WAY_US INT64_C(1000)
#define REST_TICKS 64u  /* between two looks for connections that are idle; about 200 ms */
#define QUIET_TICKS 32u /* without any event: the watch ends */

static runner_state state_of(uint64_t word)
{
    return (runner_state)(word & 3);
}

static uint64_t with_state(uint64_t word, runner_state state)
{
    return (word & ~UINT64_C(3)) | state;
}

static void run_runner(void *net_at);

/* Sees to it that somebody does what there is to do. True: wake_called is to follow, when the turn is given up: who wakes wants it. */
static bool call_runner(network *net) /* under the turn */
{
    if (net->active >= net->active_wanted || (net->has_leader && net->ready_at == net->ready_count))
        return false;
    net->active++;
    if (net->idle > net->calls) {
        net->calls++;
        return true;
    }
    rdb_error err;
    rdb_error_init(&err);
    if (!rdb_pool_submit(net->pool, run_runner, net, &err)) {
        net->active--; /* the watch tries again */
        rdb_error_clear(&err);
    }
    return false;
}

static void wake_called(network *net, bool was_called)
{
    if (was_called)
        rdb_condition_signal(&net->called);
}

static void falls_asleep(void *self_at)
{
    runner *self = self_at;
    network *net = self->net;
    uint64_t word = atomic_load(&self->state);
    if (state_of(word) != RUNNER_SERVING || !atomic_compare_exchange_strong(&self->state, &word, with_state(word, RUNNER_ASLEEP)))
        return;
    rdb_mutex_lock(&net->turn);
    net->active--;
    bool calls = call_runner(net);
    rdb_mutex_unlock(&net->turn);
    wake_called(net, calls);
}

static void wakes_up(void *self_at)
{
    runner *self = self_at;
    uint64_t word = atomic_load(&self->state);
    if (state_of(word) != RUNNER_ASLEEP) /* the watch leaves sleepers alone */
        return;
    atomic_store(&self->state, with_state(word, RUNNER_SERVING));
    rdb_mutex_lock(&self->net->turn);
    self->net->active++;
    rdb_mutex_unlock(&self->net->turn);
}

/* Waits for events and takes them; the turn is not held meanwhile. */
static void lead(network *net) /* under the turn */
{
    rdb_poll_event events[NETWORK_BATCH];
    uint32_t count = 0;
    rdb_error err;
    rdb_error_init(&err);
    net->has_leader = true;
    rdb_mutex_unlock(&net->turn);
    if (!rdb_poller_wait(net->requests, events, NETWORK_BATCH, -1, &count, &err)) {
        rdb_error_clear(&err);
        rdb_time_sleep_us(1000);
    }
    connection *taken[NETWORK_BATCH];
    uint32_t taken_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        connection *conn = events[i].tag;
        if ((events[i].what & RDB_POLL_CLOSED) != 0) {
            atomic_store(&conn->is_hanging_up, true);
            rdb_wire_host_client_gone(net->options.host, conn);
        }
        if (connection_take(conn))
            taken[taken_count++] = conn;
    }
    rdb_mutex_lock(&net->turn);
    net->has_leader = false;
    net->ready_at = 0; /* nobody leads while something is ready */
    net->ready_count = taken_count;
    memcpy(net->ready, taken, taken_count * sizeof *taken);
    net->active_tick = atomic_load_explicit(&net->tick, memory_order_relaxed);
    if (!net->is_watched && count > 0) {
        net->is_watched = true;
        rdb_poller_wake(net->poller);
    }
}

static void give_way(runner *self)
{
    if (rdb_time_monotonic_us() - self->gave_way_us < GIVE_WAY_US)
        return;
    sched_yield();
    self->gave_way_us = rdb_time_monotonic_us();
}

static void serve_next(runner *self) /* under the turn */
{
    network *net = self->net;
    connection *conn = net->ready[net->ready_at++];
    bool calls = net->ready_at < net->ready_count && call_runner(net);
    rdb_mutex_unlock(&net->turn);
    wake_called(net, calls);
    uint64_t word = with_state(atomic_load_explicit(&self->state, memory_order_relaxed), RUNNER_SERVING) + 4;
    atomic_store(&self->state, word);
    connection_run(conn);
    bool was_left = state_of(atomic_exchange(&self->state, with_state(word, RUNNER_FREE))) == RUNNER_LEFT;
    give_way(self);
    rdb_mutex_lock(&net->turn);
    net->active += was_left;
}

static void run_runner(void *net_at)
{
    network *net = net_at;
    runner self = {.net = net};
    const rdb_sleep_watch watch = {.begins = falls_asleep, .ends = wakes_up, .context = &self};
    rdb_thread_watch_sleep(&watch);
    rdb_thread_be_prompt();
    rdb_mutex_lock(&net->turn);
    self.next = net->runners;
    if (self.next != NULL)
        self.next->previous = &self;
    net->runners = &self;
    while (!net->is_ending) {
        bool is_surplus = net->active > net->active_wanted; /* those that slept came back */
        if (!is_surplus && net->ready_at < net->ready_count) {
            serve_next(&self);
        } else if (!is_surplus && !net->has_leader) {
            lead(net);
        } else {
            net->active--;
            net->idle++;
            while (net->calls == 0 && !net->is_ending)
                rdb_condition_wait(&net->called, &net->turn);
            net->idle--;
            if (net->calls > 0)
                net->calls--; /* the call counted it as active */
        }
    }
    *(self.previous != NULL ? &self.previous->next : &net->runners) = self.next;
    if (self.next != NULL)
        self.next->previous = self.previous;
    rdb_mutex_unlock(&net->turn);
    rdb_thread_watch_sleep(NULL);
}

bool runners_start(network *net, rdb_error *err)
{
    (void)err;
    net->active_wanted = (uint32_t)RDB_MAX(sysconf(_SC_NPROCESSORS_ONLN), 2L);
    rdb_mutex_lock(&net->turn);
    bool calls = call_runner(net);
    rdb_mutex_unlock(&net->turn);
    wake_called(net, calls);
    return true;
}

/* Runners whose statement was there at the last look too are left to it. */
static void look_at_runners(network *net) /* under the turn */
{
    for (runner *one = net->runners; one != NULL; one = one->next) {
        uint64_t word = atomic_load(&one->state);
        if (state_of(word) == RUNNER_SERVING && word == one->seen && atomic_compare_exchange_strong(&one->state, &word, with_state(word, RUNNER_LEFT)))
            net->active--;
        one->seen = word;
    }
    uint32_t active; /* none may be left at all */
    do {
        active = net->active;
        wake_called(net, call_runner(net));
    } while (active != net->active);
}

static bool is_anyone_serving(const network *net)
{
    for (const runner *one = net->runners; one != NULL; one = one->next)
        if (state_of(atomic_load(&one->state)) != RUNNER_FREE)
            return true;
    return net->ready_at < net->ready_count;
}

/* Connections that have been idle for a while give up their buffers. */
static void rest_connections(network *net, bool all)
{
    uint32_t tick = atomic_load_explicit(&net->tick, memory_order_relaxed);
    rdb_mutex_lock(&net->lock);
    for (connection *conn = net->connections, *next; conn != NULL; conn = next) {
        uint32_t state = CONNECTION_PARKED;
        next = conn->next;
        if (!atomic_load_explicit(&conn->has_buffers, memory_order_relaxed) ||
            (!all && tick - atomic_load_explicit(&conn->served_tick, memory_order_relaxed) < REST_TICKS / 4) ||
            !atomic_compare_exchange_strong(&conn->state, &state, CONNECTION_RUNNING))
            continue;
        rdb_wire_rest(conn->wire);
        atomic_store_explicit(&conn->has_buffers, false, memory_order_relaxed);
        state = CONNECTION_RUNNING;
        if (!atomic_compare_exchange_strong(&conn->state, &state, CONNECTION_PARKED)) {
            atomic_store(&conn->state, CONNECTION_RUNNING);
            connection_dispatch(conn);
        }
    }
    rdb_mutex_unlock(&net->lock);
    net->rested_tick = tick;
}

int64_t runners_watch(network *net, int64_t wait_us)
{
    int64_t now_us = rdb_time_monotonic_us();
    bool has_looked = now_us - net->looked_us >= WATCH_US;
    rdb_mutex_lock(&net->turn);
    bool was_watched = net->is_watched;
    uint32_t tick = atomic_load_explicit(&net->tick, memory_order_relaxed);
    if (was_watched && has_looked) {
        net->looked_us = now_us;
        atomic_store_explicit(&net->tick, ++tick, memory_order_relaxed);
        look_at_runners(net);
        net->is_watched = tick - net->active_tick <= QUIET_TICKS || is_anyone_serving(net);
    }
    bool is_watched = net->is_watched;
    rdb_mutex_unlock(&net->turn);
    if (was_watched && (!is_watched || tick - net->rested_tick >= REST_TICKS))
        rest_connections(net, !is_watched);
    if (!is_watched)
        return wait_us;
    int64_t next_us = RDB_MAX(net->looked_us + WATCH_US - now_us, INT64_C(1000));
    return wait_us < 0 ? next_us : RDB_MIN(wait_us, next_us);
}

void runners_end(network *net)
{
    for (;;) {
        rdb_mutex_lock(&net->turn);
        net->is_ending = true;
        bool is_over = net->runners == NULL;
        rdb_condition_broadcast(&net->called);
        rdb_mutex_unlock(&net->turn);
        if (is_over)
            return;
        rdb_poller_wake(net->requests);
        rdb_time_sleep_us(1000);
    }
}
