/* SPDX-License-Identifier: Apache-2.0
 * The network face: listeners, connections parked in epoll while idle, and pooled threads that serve them while they are busy. */
#ifndef RDB_SERVE_NETWORK_H
#define RDB_SERVE_NETWORK_H

#include "crypto/rdb_crypto.h"
#include "os/rdb_os.h"
#include "os/rdb_socket.h"
#include "session/rdb_session.h"

typedef struct network network;

typedef struct network_options {
    rdb_wire_host *host;
    const char *listen_host;   /* "": TCP not wanted */
    uint16_t port;
    int backlog;
    const char *socket_path;   /* NULL: no Unix socket */
    rdb_tls_context *tls;      /* NULL: not on offer */
    uint32_t max_connections;
    int inherited_fd;          /* >= 0: a connected socket; when it closes, network_run returns */
} network_options;

/* Binds everything; connections are taken once network_run runs. *port as bound. */
RDB_CHECKED bool network_open(network **net, const network_options *options, rdb_error *err);
/* Takes and serves connections until on_signal (called when signal_fd is readable) returns false. */
RDB_CHECKED bool network_run(network *net, int signal_fd, bool (*on_signal)(void *context), void *context, rdb_error *err);
/* No more connections are taken; returns when all are gone or wait_us has passed (negative: no limit), or more signals
 * say so: on_signal returns false to stop waiting. */
void network_drain(network *net, int64_t wait_us, int signal_fd, bool (*on_signal)(void *context), void *context);
/* Cuts every connection: whoever waits for a client that neither reads nor writes comes back. */
void network_cut(network *net);
void network_close(network **net);

#endif
