/* SPDX-License-Identifier: Apache-2.0
 * Listening, and the life of connections; see network_int.h for their states. */
#include "network_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 64u

/* ---- connections ---------------------------------------------------------------------------------------------------------- */
bool connection_take(connection *conn)
{
    uint32_t state = atomic_load(&conn->state);
    for (;;) {
        uint32_t next = state == CONNECTION_PARKED ? CONNECTION_RUNNING : CONNECTION_AGAIN;
        if (state == CONNECTION_FREE || state == CONNECTION_AGAIN)
            return false;
        if (atomic_compare_exchange_weak(&conn->state, &state, next))
            return next == CONNECTION_RUNNING;
    }
}

/* As above, but leaves one alone that runs. */
static bool take_parked(connection *conn)
{
    uint32_t state = CONNECTION_PARKED;
    return atomic_compare_exchange_strong(&conn->state, &state, CONNECTION_RUNNING);
}

static void connection_close(connection *conn)
{
    network *net = conn->net;
    rdb_wire_destroy(&conn->wire);
    if (conn->tls != NULL) {
        SSL_shutdown(conn->tls);
        SSL_free(conn->tls);
    }
    conn->tls = NULL;
    rdb_mutex_lock(&net->lock);
    rdb_poller_remove(net->requests, conn->fd);
    rdb_socket_close(&conn->fd); /* under the lock: who is in the list may be shut down by its descriptor */
    *(conn->previous != NULL ? &conn->previous->next : &net->connections) = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    atomic_store(&conn->state, CONNECTION_FREE);
    conn->next = net->free_connections;
    net->free_connections = conn;
    net->connection_count--;
    rdb_condition_broadcast(&net->gone);
    bool is_last = net->connection_count == 0;
    rdb_mutex_unlock(&net->lock);
    if (is_last && net->ended_fd >= 0)
        eventfd_write(net->ended_fd, 1);
}

/* Bytes already decrypted would not be an event. */
static bool has_hidden_input(const connection *conn)
{
    return conn->tls != NULL && SSL_pending(conn->tls) > 0;
}

/* True: it is whoever's takes it from now on. False: something came meanwhile, it is to be served again. */
static bool connection_park(connection *conn)
{
    network *net = conn->net;
    int64_t expires_us = rdb_wire_expires_us(conn->wire);
    if (expires_us != atomic_load_explicit(&conn->expires_us, memory_order_relaxed)) {
        rdb_mutex_lock(&net->lock);
        atomic_store(&conn->expires_us, expires_us);
        if (expires_us < atomic_load(&net->expires_us)) {
            atomic_store(&net->expires_us, expires_us);
            rdb_poller_wake(net->poller); /* it waits for a later time */
        }
        rdb_mutex_unlock(&net->lock);
    }
    atomic_store_explicit(&conn->served_tick, atomic_load_explicit(&net->tick, memory_order_relaxed), memory_order_relaxed);
    if (!atomic_load_explicit(&conn->has_buffers, memory_order_relaxed))
        atomic_store_explicit(&conn->has_buffers, true, memory_order_relaxed);
    uint32_t state = CONNECTION_RUNNING;
    if (atomic_compare_exchange_strong(&conn->state, &state, CONNECTION_PARKED))
        return true;
    conn->is_drained = false;
    atomic_store(&conn->state, CONNECTION_RUNNING);
    return false;
}

void connection_run(void *conn_at)
{
    connection *conn = conn_at;
    conn->is_drained = false;
    rdb_thread_set_stripe(conn->stripe); /* so that its rows go on where its last ones went */
    do {
        const rdb_wire_state state = rdb_wire_serve(conn->wire, 0);
        if (state == RDB_WIRE_HELD) /* connection_resume's from here on */
            return;
        if (state == RDB_WIRE_CLOSED) {
            connection_close(conn);
            return;
        }
    } while (has_hidden_input(conn) || !connection_park(conn));
}

/* What a read has left in the socket is no event any more: a connection is only parked behind one that took all. */
void connection_resume(connection *conn)
{
    network *net = conn->net;
    if (conn->tls != NULL || !rdb_wire_resume(conn->wire) || !conn->is_drained || !connection_park(conn))
        connection_dispatch(conn);
    atomic_fetch_sub(&net->held_count, 1);
}

void connection_dispatch(connection *conn)
{
    rdb_error err = {0};
    if (!rdb_pool_submit(conn->net->pool, connection_run, conn, &err)) {
        rdb_error_clear(&err);
        connection_close(conn);
    }
}

/* A place for a connection, in the list, as one that runs. */
static connection *connection_new(network *net, int fd)
{
    rdb_mutex_lock(&net->lock);
    connection *conn = net->free_connections;
    if (conn != NULL)
        net->free_connections = conn->next;
    else
        conn = calloc(1, sizeof *conn);
    if (conn != NULL) {
        conn->net = net;
        conn->fd = fd;
        conn->stripe = net->next_stripe++ % RDB_STRIPES;
        atomic_store(&conn->expires_us, INT64_MAX);
        atomic_store(&conn->is_hanging_up, false);
        atomic_store(&conn->has_buffers, false);
        conn->previous = NULL;
        conn->next = net->connections;
        if (conn->next != NULL)
            conn->next->previous = conn;
        net->connections = conn;
        net->connection_count++;
        atomic_store(&conn->state, CONNECTION_RUNNING);
    }
    rdb_mutex_unlock(&net->lock);
    return conn;
}

static bool connection_open(network *net, int fd, rdb_error *err)
{
    rdb_channel channel;
    connection *conn = connection_new(net, fd);
    if (conn == NULL) {
        rdb_socket_close(&fd);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    channel_fill(conn, &channel);
    uid_t user = 0;
    if (rdb_socket_peer_user(fd, &user)) {
        channel.is_local = true;
        channel.is_owner = user == net->owner;
        memcpy(channel.owner_name, net->owner_name, sizeof channel.owner_name);
    } else if (net->options.tls == NULL) {
        channel.start_tls = NULL;
    }
    rdb_socket_peer_name(fd, channel.peer, sizeof channel.peer);
    rdb_socket_own_name(fd, channel.here, sizeof channel.here);
    rdb_socket_tune(fd, 60);
    if (!rdb_wire_create(&conn->wire, net->options.host, &channel, err) || !rdb_poller_add(net->requests, fd, RDB_POLL_READ | RDB_POLL_EDGE, conn, err)) {
        connection_close(conn);
        return false;
    }
    if (!connection_park(conn)) /* its first bytes were there before */
        connection_dispatch(conn);
    return true;
}

/* ---- listening -------------------------------------------------------------------------------------------------------------- */
bool network_open(network **net_out, const network_options *options, rdb_error *err)
{
    *net_out = NULL;
    network *net = calloc(1, sizeof *net);
    if (net == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    net->options = *options;
    net->ended_fd = -1;
    atomic_store(&net->expires_us, INT64_MAX);
    net->owner = geteuid();
    struct passwd entry, *found = NULL;
    char names[4096];
    if (getpwuid_r(net->owner, &entry, names, sizeof names, &found) == 0 && found != NULL)
        snprintf(net->owner_name, sizeof net->owner_name, "%s", found->pw_name);
    rdb_mutex_init(&net->lock, RDB_RANK_SESSION);
    rdb_mutex_init(&net->turn, RDB_RANK_TASK - 1);
    rdb_condition_init(&net->called);
    rdb_condition_init(&net->gone);
    uint16_t port = options->port;
    uint32_t threads_max = options->max_connections + 8 + (uint32_t)RDB_MAX(sysconf(_SC_NPROCESSORS_ONLN), 2L);
    bool ok = rdb_poller_create(&net->poller, err) && rdb_poller_create(&net->requests, err) && rdb_pool_create(&net->pool, "session", threads_max, err);
    if (ok && options->socket_path != NULL)
        ok = rdb_socket_listen_unix(options->socket_path, 0777, options->backlog, &net->listeners[net->listener_count], err) && ++net->listener_count > 0;
    if (ok && options->listen_host[0] != '\0') {
        uint32_t count = 0;
        ok = rdb_socket_listen_tcp(options->listen_host, &port, options->backlog, net->listeners + net->listener_count, NETWORK_LISTENERS_MAX - net->listener_count, &count, err);
        net->listener_count += count;
    }
    for (uint32_t i = 0; ok && i < net->listener_count; i++)
        ok = rdb_poller_add(net->poller, net->listeners[i], RDB_POLL_READ, &net->listeners[i], err);
    if (!ok) {
        network_close(&net);
        return false;
    }
    *net_out = net;
    return true;
}

static bool is_listener(const network *net, const void *tag)
{
    return (const int *)tag >= net->listeners && (const int *)tag < net->listeners + NETWORK_LISTENERS_MAX;
}

static void take_connections(network *net, int listener)
{
    for (;;) {
        int fd = -1;
        bool is_short = false;
        rdb_error err = {0};
        if (!rdb_socket_accept(listener, &fd, &is_short, &err) || is_short) {
            rdb_error_clear(&err);
            rdb_time_sleep_us(10000); /* out of descriptors: those in use come back before new ones are taken */
            return;
        }
        if (fd < 0)
            return;
        if (!connection_open(net, fd, &err))
            rdb_error_clear(&err);
    }
}

/* Serves parked connections whose time has come. Returns how long until the next one's; negative: there is none. */
static int64_t run_expired(network *net)
{
    connection *expired = NULL;
    int64_t now_us = rdb_time_monotonic_us(), next_us = INT64_MAX;
    if (atomic_load(&net->expires_us) == INT64_MAX)
        return -1;
    rdb_mutex_lock(&net->lock);
    bool is_due = atomic_load(&net->expires_us) <= now_us;
    for (connection *conn = net->connections; is_due && conn != NULL; conn = conn->next) {
        int64_t expires_us = atomic_load(&conn->expires_us);
        if (expires_us > now_us)
            next_us = RDB_MIN(next_us, expires_us);
        else if (take_parked(conn)) {
            conn->next_taken = expired;
            expired = conn;
        }
    }
    if (is_due)
        atomic_store(&net->expires_us, next_us);
    else
        next_us = atomic_load(&net->expires_us);
    rdb_mutex_unlock(&net->lock);
    while (expired != NULL) {
        connection *next = expired->next_taken;
        connection_dispatch(expired);
        expired = next;
    }
    return next_us == INT64_MAX ? -1 : RDB_MAX(next_us - now_us, 0);
}

bool network_run(network *net, int signal_fd, bool (*on_signal)(void *context), void *context, rdb_error *err)
{
    rdb_poll_event events[EVENTS_MAX];
    static int signal_tag, ended_tag;
    if (!rdb_poller_add(net->poller, signal_fd, RDB_POLL_READ, &signal_tag, err) || !runners_start(net, err))
        return false;
    if (net->options.inherited_fd >= 0) {
        net->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (net->ended_fd < 0 || fcntl(net->options.inherited_fd, F_SETFL, fcntl(net->options.inherited_fd, F_GETFL) | O_NONBLOCK) != 0)
            return rdb_error_set_errno(err, errno, "no descriptor is left");
        if (!rdb_poller_add(net->poller, net->ended_fd, RDB_POLL_READ, &ended_tag, err) ||
            !connection_open(net, net->options.inherited_fd, err))
            return false;
    }
    for (;;) {
        uint32_t count = 0;
        if (!rdb_poller_wait(net->poller, events, EVENTS_MAX, runners_watch(net, run_expired(net)), &count, err))
            return false;
        bool goes_on = true;
        for (uint32_t i = 0; i < count; i++) {
            if (events[i].tag == &signal_tag)
                goes_on = on_signal(context) && goes_on;
            else if (events[i].tag == &ended_tag)
                goes_on = false;
            else if (is_listener(net, events[i].tag))
                take_connections(net, *(int *)events[i].tag);
        }
        if (!goes_on)
            return true;
    }
}

/* Takes one parked connection, so that it sees that the server is stopping; NULL: none is parked. */
static connection *take_any_parked(network *net, connection *const *seen, uint32_t seen_count)
{
    connection *taken = NULL;
    rdb_mutex_lock(&net->lock);
    for (connection *conn = net->connections; conn != NULL && taken == NULL; conn = conn->next) {
        bool is_new = true;
        for (uint32_t i = 0; i < seen_count && is_new; i++)
            is_new = seen[i] != conn;
        if (is_new && take_parked(conn))
            taken = conn;
    }
    rdb_mutex_unlock(&net->lock);
    return taken;
}

/* Runs every parked connection once: those outside a transaction end themselves, the others park again. */
static void run_parked(network *net)
{
    connection *seen[256];
    uint32_t count = 0;
    while (count < RDB_COUNT_OF(seen)) {
        connection *conn = take_any_parked(net, seen, count);
        if (conn == NULL)
            return;
        seen[count++] = conn;
        connection_dispatch(conn);
    }
}

void network_drain(network *net, int64_t wait_us, int signal_fd, bool (*on_signal)(void *context), void *context)
{
    int64_t until_us = wait_us < 0 ? INT64_MAX : rdb_time_monotonic_us() + wait_us;
    for (uint32_t i = 0; i < net->listener_count; i++) {
        if (net->listeners[i] < 0)
            continue;
        rdb_poller_remove(net->poller, net->listeners[i]);
        rdb_socket_close(&net->listeners[i]);
    }
    if (net->options.socket_path != NULL) {
        rdb_error ignored = {0};
        if (!rdb_path_remove(net->options.socket_path, true, &ignored))
            rdb_error_clear(&ignored);
    }
    while (rdb_time_monotonic_us() < until_us) {
        rdb_mutex_lock(&net->lock);
        uint32_t left = net->connection_count;
        if (left > 0)
            rdb_condition_wait_for(&net->gone, &net->lock, 20000);
        rdb_mutex_unlock(&net->lock);
        if (left == 0 || (rdb_socket_wait(signal_fd, false, 0) && !on_signal(context)))
            return;
        run_parked(net);
        (void)runners_watch(net, -1);
    }
}

void network_cut(network *net)
{
    rdb_mutex_lock(&net->lock);
    for (connection *conn = net->connections; conn != NULL; conn = conn->next)
        shutdown(conn->fd, SHUT_RDWR);
    rdb_mutex_unlock(&net->lock);
}

void network_close(network **net_at)
{
    network *net = *net_at;
    if (net == NULL)
        return;
    if (net->pool != NULL) {
        atomic_store(&net->is_closing, true);
        runners_end(net);
        while (atomic_load(&net->held_count) > 0) /* they may go to the pool */
            rdb_time_sleep_us(100);
        rdb_pool_destroy(&net->pool);
    }
    while (net->connections != NULL)
        connection_close(net->connections);
    for (connection *conn = net->free_connections, *next; conn != NULL; conn = next) {
        next = conn->next;
        free(conn);
    }
    for (uint32_t i = 0; i < net->listener_count; i++)
        rdb_socket_close(&net->listeners[i]);
    rdb_poller_destroy(&net->poller);
    rdb_poller_destroy(&net->requests);
    rdb_socket_close(&net->ended_fd);
    rdb_condition_deinit(&net->gone);
    rdb_condition_deinit(&net->called);
    rdb_mutex_deinit(&net->turn);
    rdb_mutex_deinit(&net->lock);
    free(net);
    *net_at = NULL;
}
