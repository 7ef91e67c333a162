/* SPDX-License-Identifier: Apache-2.0
 * The bytes of a connection, plain or through TLS. Descriptors never block; where something must be waited for, the thread sleeps in
 * rdb_socket_wait, which tells the runners. */
#include "network_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

#define HANDSHAKE_US INT64_C(10000000)

/* What an operation of TLS waits for. False: for nothing, it failed. */
static bool wait_tls(connection *conn, int result, int64_t wait_us)
{
    int reason = SSL_get_error(conn->tls, result);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
        return false;
    return wait_us != 0 && rdb_socket_wait(conn->fd, reason == SSL_ERROR_WANT_WRITE, wait_us);
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
        return true;
    case SSL_ERROR_WANT_WRITE:
        (void)rdb_socket_wait(conn->fd, true, -1);
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

/* A read that brought less than there was room for took all there was (epoll(7)): what comes later is an event. The end of the
 * connection may hide behind it, but then the kernel says so with the same event. */
static bool receive_plain(connection *conn, void *buffer, size_t capacity, size_t *got, bool *is_closed, rdb_error *err)
{
    if (conn->is_drained && !atomic_load_explicit(&conn->is_hanging_up, memory_order_relaxed))
        return true;
    bool ok = rdb_socket_read(conn->fd, buffer, capacity, got, is_closed, err);
    conn->is_drained = ok && *got < capacity;
    return ok;
}

static bool channel_receive(void *context, void *buffer, size_t capacity, int64_t wait_us, size_t *got, bool *is_closed, rdb_error *err)
{
    connection *conn = context;
    for (;;) {
        *got = 0;
        *is_closed = false;
        if (!(conn->tls != NULL ? receive_tls(conn, buffer, capacity, got, is_closed, err) : receive_plain(conn, buffer, capacity, got, is_closed, err)))
            return false;
        if (*got > 0 || *is_closed || wait_us == 0 || !rdb_socket_wait(conn->fd, false, wait_us))
            return true;
        conn->is_drained = false;
        if (wait_us > 0)
            wait_us = 0; /* it is there, or it is only a part of a record */
    }
}

static bool channel_send(void *context, const void *bytes, size_t length, rdb_error *err)
{
    connection *conn = context;
    if (conn->tls == NULL)
        return rdb_socket_write_all(conn->fd, bytes, length, -1, err);
    while (length > 0) {
        ERR_clear_error();
        int count = SSL_write(conn->tls, bytes, (int)RDB_MIN(length, (size_t)1 << 20));
        if (count > 0) {
            bytes = (const char *)bytes + count;
            length -= (size_t)count;
        } else if (!wait_tls(conn, count, -1)) {
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "connection to client lost");
        }
    }
    return true;
}

static bool channel_send_some(void *context, const void *bytes, size_t length, size_t *sent)
{
    rdb_error err;
    rdb_error_init(&err);
    bool ok = rdb_socket_write(((connection *)context)->fd, bytes, length, sent, &err);
    rdb_error_clear(&err);
    return ok;
}

static bool channel_hold(void *context)
{
    network *net = ((connection *)context)->net;
    atomic_fetch_add(&net->held_count, 1);
    if (!atomic_load(&net->is_closing))
        return true;
    atomic_fetch_sub(&net->held_count, 1);
    return false;
}

static void channel_resume(void *context)
{
    connection_resume(context);
}

static bool channel_start_tls(void *context, rdb_error *err)
{
    connection *conn = context;
    SSL *tls = SSL_new(conn->net->options.tls);
    if (tls == NULL || SSL_set_fd(tls, conn->fd) != 1) {
        SSL_free(tls);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    conn->tls = tls;
    int64_t until_us = rdb_time_monotonic_us() + HANDSHAKE_US;
    for (;;) {
        ERR_clear_error();
        int result = SSL_accept(tls);
        if (result == 1)
            return true;
        if (!wait_tls(conn, result, RDB_MAX(until_us - rdb_time_monotonic_us(), INT64_C(0))))
            break;
    }
    conn->tls = NULL;
    SSL_free(tls);
    return rdb_error_set(err, RDB_CONNECTION_FAILURE, "TLS handshake failed");
}

/* The end of input is an event wherever the connection is, and nothing more is expected from the client anyway. */
static void channel_wake(void *context)
{
    shutdown(((connection *)context)->fd, SHUT_RD);
}

/* One that runs is served once more by who runs it. */
static void channel_rouse(void *context)
{
    if (connection_take(context))
        connection_dispatch(context);
}

void channel_fill(connection *conn, rdb_channel *channel)
{
    *channel = (rdb_channel){.receive = channel_receive, .send = channel_send, .start_tls = channel_start_tls, .wake = channel_wake, .rouse = channel_rouse,
                             .hold = channel_hold, .resume = channel_resume, .send_some = channel_send_some, .context = conn};
}
