/* SPDX-License-Identifier: Apache-2.0
 * See network.h. A connection is in exactly one place: parked (its descriptor armed once in the poller), queued or running on a
 * thread of the pool, or closed. Whoever takes it out of one place owns it alone. A busy connection keeps its thread for
 * PATIENCE_US after each reply, so that a request that follows at once costs no hand-over. */
#include "network.h"

#include "task/rdb_pool.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US 20000
#define LISTENERS_MAX 16u
#define EVENTS_MAX 64u

static void connection_run(void *conn_at);

typedef struct connection {
    network *net;
    int fd;
    SSL *tls;
    int64_t waiting_us; /* as set on the descriptor; -1: never set */
    rdb_wire *wire;
    int64_t expires_us;     /* parked: when it is to be served though nothing came; INT64_MAX: never; under net->lock */
    bool is_known;          /* to the poller, which would tell of a client that hangs up while a thread serves it */
    _Atomic bool is_roused; /* something waits to be sent: not to be parked before it was served again */
    _Atomic bool is_parked; /* whoever changes it from true to false owns the connection */
    struct connection *next_expired;
    struct connection *next, *previous; /* all of them, under net->lock */
} connection;

struct network {
    network_options options;
    rdb_poller *poller;
    rdb_pool *pool;
    int listeners[LISTENERS_MAX];
    uint32_t listener_count;
    uid_t owner;
    char owner_name[64];
    rdb_mutex lock;
    connection *connections RDB_GUARDED_BY(lock);
    uint32_t connection_count RDB_GUARDED_BY(lock);
    rdb_condition gone; /* a connection closed */
    int64_t expires_us RDB_GUARDED_BY(lock); /* not later than any parked connection's */
    int ended_fd;       /* eventfd: the inherited connection closed; -1: there was none */
};

/* ---- the channel -------------------------------------------------------------------------------------------------------- */
static void set_waiting(connection *conn, int64_t wait_us)
{
    if (conn->waiting_us != wait_us)
        rdb_socket_set_waiting(conn->fd, wait_us);
    conn->waiting_us = wait_us;
}

static bool receive_tls(connection *conn, void *buffer, size_t capacity, size_t *got, bool *is_closed, rdb_error *err)
{
    ERR_clear_error();
    int count = SSL_read(conn->tls, buffer, (int)RDB_MIN(capacity, (size_t)INT32_MAX));
    if (count > 0) {
        *got = (size_t)count;
        return true;
    }
    switch (SSL_get_error(conn->tls, count)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return true;
    case SSL_ERROR_ZERO_RETURN:
        *is_closed = true;
        return true;
    case SSL_ERROR_SYSCALL:
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return true;
        *is_closed = true; /* clients that leave without a farewell are common */
        return true;
    default:
        return rdb_error_set(err, RDB_CONNECTION_FAILURE, "TLS: %s", ERR_reason_error_string(ERR_peek_last_error()));
    }
}

static bool channel_receive(void *context, void *buffer, size_t capacity, int64_t wait_us, size_t *got, bool *is_closed, rdb_error *err)
{
    connection *conn = context;
    *got = 0;
    *is_closed = false;
    set_waiting(conn, wait_us < 0 ? 0 : RDB_MAX(wait_us, 1));
    return conn->tls != NULL ? receive_tls(conn, buffer, capacity, got, is_closed, err) : rdb_socket_read(conn->fd, buffer, capacity, got, is_closed, err);
}

static bool channel_send(void *context, const void *bytes, size_t length, rdb_error *err)
{
    connection *conn = context;
    if (conn->tls == NULL)
        return rdb_socket_write_all(conn->fd, bytes, length, -1, err);
    while (length > 0) {
        ERR_clear_error();
        int count = SSL_write(conn->tls, bytes, (int)RDB_MIN(length, (size_t)1 << 20));
        if (count <= 0)
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "connection to client lost");
        bytes = (const char *)bytes + count;
        length -= (size_t)count;
    }
    return true;
}

static bool channel_start_tls(void *context, rdb_error *err)
{
    connection *conn = context;
    SSL *tls = SSL_new(conn->net->options.tls);
    if (tls == NULL || SSL_set_fd(tls, conn->fd) != 1) {
        SSL_free(tls);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    set_waiting(conn, 10000000); /* of a handshake */
    ERR_clear_error();
    if (SSL_accept(tls) != 1) {
        rdb_error_set(err, RDB_CONNECTION_FAILURE, "TLS handshake failed");
        SSL_free(tls);
        return false;
    }
    conn->tls = tls;
    return true;
}

/* The end of input makes the descriptor readable wherever it waits, and nothing more is expected from the client anyway. */
static void channel_wake(void *context)
{
    shutdown(((connection *)context)->fd, SHUT_RD);
}

/* Whoever looks for a parked connection after it was roused sees that; whoever parks it looks after parking. */
static void channel_rouse(void *context)
{
    connection *conn = context;
    rdb_error ignored = {0};
    atomic_store(&conn->is_roused, true);
    if (!atomic_exchange(&conn->is_parked, false) || rdb_pool_submit(conn->net->pool, connection_run, conn, &ignored))
        return;
    /* No memory: it tells its client later. */
    rdb_error_clear(&ignored);
    atomic_store(&conn->is_parked, true);
    if (!rdb_poller_change(conn->net->poller, conn->fd, RDB_POLL_READ | RDB_POLL_ONCE, conn, &ignored))
        rdb_error_clear(&ignored);
}

/* ---- connections ---------------------------------------------------------------------------------------------------------- */
static void connection_close(connection *conn)
{
    network *net = conn->net;
    rdb_wire_destroy(&conn->wire);
    if (conn->tls != NULL) {
        SSL_shutdown(conn->tls);
        SSL_free(conn->tls);
    }
    rdb_mutex_lock(&net->lock);
    if (conn->is_known)
        rdb_poller_remove(net->poller, conn->fd);
    rdb_socket_close(&conn->fd); /* under the lock: who is in the list may be shut down by its descriptor */
    *(conn->previous != NULL ? &conn->previous->next : &net->connections) = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    net->connection_count--;
    rdb_condition_broadcast(&net->gone);
    bool is_last = net->connection_count == 0;
    rdb_mutex_unlock(&net->lock);
    if (is_last && net->ended_fd >= 0)
        eventfd_write(net->ended_fd, 1);
    free(conn);
}

/* Bytes already decrypted would not make the descriptor readable. */
static bool has_hidden_input(const connection *conn)
{
    return conn->tls != NULL && SSL_pending(conn->tls) > 0;
}

/* True: it is another thread's from now on, but for *is_mine: it was roused meanwhile. Under the lock, so that who takes it and closes it cannot free it under our feet. */
static bool connection_park(connection *conn, bool *is_mine, rdb_error *err)
{
    network *net = conn->net;
    *is_mine = false;
    int64_t expires_us = rdb_wire_expires_us(conn->wire);
    rdb_mutex_lock(&net->lock);
    conn->expires_us = expires_us;
    if (expires_us < net->expires_us) {
        net->expires_us = expires_us;
        rdb_poller_wake(net->poller); /* it waits for a later time */
    }
    atomic_store(&conn->is_parked, true);
    bool ok = conn->is_known ? rdb_poller_change(net->poller, conn->fd, RDB_POLL_READ | RDB_POLL_ONCE, conn, err)
                             : rdb_poller_add(net->poller, conn->fd, RDB_POLL_READ | RDB_POLL_ONCE, conn, err);
    if (ok)
        conn->is_known = true;
    else
        atomic_store(&conn->is_parked, false);
    if (ok && atomic_load(&conn->is_roused) && atomic_exchange(&conn->is_parked, false))
        *is_mine = true;
    rdb_mutex_unlock(&net->lock);
    return ok;
}

static void connection_run(void *conn_at)
{
    connection *conn = conn_at;
    rdb_error err;
    rdb_error_init(&err);
    for (;;) {
        bool is_mine;
        atomic_store(&conn->is_roused, false); /* before it is looked for what waits */
        if (rdb_wire_serve(conn->wire, PATIENCE_US) != RDB_WIRE_IDLE)
            break;
        if (has_hidden_input(conn))
            continue;
        if (!connection_park(conn, &is_mine, &err)) {
            rdb_error_clear(&err);
            break;
        }
        if (!is_mine)
            return;
    }
    connection_close(conn);
}

static void connection_dispatch(connection *conn)
{
    rdb_error err = {0};
    if (!rdb_pool_submit(conn->net->pool, connection_run, conn, &err)) {
        rdb_error_clear(&err);
        connection_close(conn);
    }
}

static bool connection_open(network *net, int fd, rdb_error *err)
{
    connection *conn = calloc(1, sizeof *conn);
    rdb_channel channel = {.receive = channel_receive, .send = channel_send, .wake = channel_wake, .rouse = channel_rouse, .context = conn};
    if (conn == NULL) {
        rdb_socket_close(&fd);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    conn->net = net;
    conn->fd = fd;
    conn->waiting_us = -1;
    conn->expires_us = INT64_MAX;
    uid_t user = 0;
    if (rdb_socket_peer_user(fd, &user)) {
        channel.is_local = true;
        channel.is_owner = user == net->owner;
        memcpy(channel.owner_name, net->owner_name, sizeof channel.owner_name);
    } else if (net->options.tls != NULL) {
        channel.start_tls = channel_start_tls;
    }
    rdb_socket_peer_name(fd, channel.peer, sizeof channel.peer);
    rdb_socket_tune(fd, 60);
    rdb_mutex_lock(&net->lock);
    conn->next = net->connections;
    if (conn->next != NULL)
        conn->next->previous = conn;
    net->connections = conn;
    net->connection_count++;
    rdb_mutex_unlock(&net->lock);
    if (!rdb_wire_create(&conn->wire, net->options.host, &channel, err)) {
        connection_close(conn);
        return false;
    }
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
    net->expires_us = INT64_MAX;
    net->owner = geteuid();
    struct passwd entry, *found = NULL;
    char names[4096];
    if (getpwuid_r(net->owner, &entry, names, sizeof names, &found) == 0 && found != NULL)
        snprintf(net->owner_name, sizeof net->owner_name, "%s", found->pw_name);
    rdb_mutex_init(&net->lock, RDB_RANK_SESSION);
    rdb_condition_init(&net->gone);
    uint16_t port = options->port;
    bool ok = rdb_poller_create(&net->poller, err) && rdb_pool_create(&net->pool, "session", options->max_connections + 8, err);
    if (ok && options->socket_path != NULL)
        ok = rdb_socket_listen_unix(options->socket_path, 0777, options->backlog, &net->listeners[net->listener_count], err) && ++net->listener_count > 0;
    if (ok && options->listen_host[0] != '\0') {
        uint32_t count = 0;
        ok = rdb_socket_listen_tcp(options->listen_host, &port, options->backlog, net->listeners + net->listener_count, LISTENERS_MAX - net->listener_count, &count, err);
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
    return (const int *)tag >= net->listeners && (const int *)tag < net->listeners + LISTENERS_MAX;
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
    rdb_mutex_lock(&net->lock);
    bool is_due = net->expires_us <= now_us;
    for (connection *conn = net->connections; is_due && conn != NULL; conn = conn->next) {
        if (conn->expires_us > now_us)
            next_us = RDB_MIN(next_us, conn->expires_us);
        else if (atomic_exchange(&conn->is_parked, false)) {
            conn->next_expired = expired;
            expired = conn;
        }
    }
    if (is_due)
        net->expires_us = next_us;
    int64_t wait_us = net->expires_us == INT64_MAX ? -1 : RDB_MAX(net->expires_us - now_us, 0);
    rdb_mutex_unlock(&net->lock);
    while (expired != NULL) {
        connection *next = expired->next_expired;
        connection_dispatch(expired);
        expired = next;
    }
    return wait_us;
}

bool network_run(network *net, int signal_fd, bool (*on_signal)(void *context), void *context, rdb_error *err)
{
    rdb_poll_event events[EVENTS_MAX];
    static int signal_tag, ended_tag;
    if (!rdb_poller_add(net->poller, signal_fd, RDB_POLL_READ, &signal_tag, err))
        return false;
    if (net->options.inherited_fd >= 0) {
        net->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (net->ended_fd < 0)
            return rdb_error_set_errno(err, errno, "no descriptor is left");
        if (!rdb_poller_add(net->poller, net->ended_fd, RDB_POLL_READ, &ended_tag, err) ||
            !connection_open(net, net->options.inherited_fd, err))
            return false;
    }
    for (;;) {
        uint32_t count = 0;
        if (!rdb_poller_wait(net->poller, events, EVENTS_MAX, run_expired(net), &count, err))
            return false;
        bool goes_on = true;
        for (uint32_t i = 0; i < count; i++) {
            if (events[i].tag == &signal_tag)
                goes_on = on_signal(context) && goes_on;
            else if (events[i].tag == &ended_tag)
                goes_on = false;
            else if (is_listener(net, events[i].tag))
                take_connections(net, *(int *)events[i].tag);
            else if (atomic_exchange(&((connection *)events[i].tag)->is_parked, false))
                connection_dispatch(events[i].tag);
        }
        if (!goes_on)
            return true;
    }
}

/* Takes one parked connection out of epoll, so that it sees that the server is stopping; NULL: none is parked. */
static connection *take_parked(network *net, connection *const *seen, uint32_t seen_count)
{
    connection *taken = NULL;
    rdb_mutex_lock(&net->lock);
    for (connection *conn = net->connections; conn != NULL && taken == NULL; conn = conn->next) {
        bool is_new = true;
        for (uint32_t i = 0; i < seen_count && is_new; i++)
            is_new = seen[i] != conn;
        if (is_new && atomic_exchange(&conn->is_parked, false))
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
        connection *conn = take_parked(net, seen, count);
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
    if (net->pool != NULL)
        rdb_pool_destroy(&net->pool);
    while (net->connections != NULL)
        connection_close(net->connections);
    for (uint32_t i = 0; i < net->listener_count; i++)
        rdb_socket_close(&net->listeners[i]);
    rdb_poller_destroy(&net->poller);
    rdb_socket_close(&net->ended_fd);
    rdb_condition_deinit(&net->gone);
    rdb_mutex_deinit(&net->lock);
    free(net);
    *net_at = NULL;
}
