/* SPDX-License-Identifier: Apache-2.0
 * Sockets, readiness, and signals. All descriptors are close-on-exec and, once connected or accepted, non-blocking;
 * waiting is done with poll or an rdb_poller. Writing to a closed peer is an error, never SIGPIPE. */
#ifndef RDB_SOCKET_H
#define RDB_SOCKET_H

#include "base/rdb_base.h"
#include <sys/types.h>

/* Listens on every address that host resolves to ("*": all of the machine, "localhost", a name, an address), at most
 * fds_max of them. Port 0 takes a free one; *port says which. 58030 with the reason where none can be bound. */
RDB_CHECKED bool rdb_socket_listen_tcp(const char *host, uint16_t *port, int backlog, int *fds, uint32_t fds_max,
                                       uint32_t *fd_count, rdb_error *err);
/* A Unix socket at path with this mode. A socket left by a dead server is replaced; a live one is 55006. */
RDB_CHECKED bool rdb_socket_listen_unix(const char *path, unsigned mode, int backlog, int *fd, rdb_error *err);
/* *fd is -1 where nobody waits (or the process has no descriptors left and *short_of_descriptors says so: pause then). */
RDB_CHECKED bool rdb_socket_accept(int listener, int *fd, bool *short_of_descriptors, rdb_error *err);
/* host beginning with '/': a Unix socket's whole path (port is ignored). Waits at most timeout_us (negative: no limit).
 * 08001 when no address answers. */
RDB_CHECKED bool rdb_socket_connect(const char *host, uint16_t port, int64_t timeout_us, int *fd, rdb_error *err);
/* What is there, at most capacity. *got 0: nothing now, or the end where *is_closed is set. False: broken (08006). */
RDB_CHECKED bool rdb_socket_read(int fd, void *buffer, size_t capacity, size_t *got, bool *is_closed, rdb_error *err);
/* *done may be less than length: wait until it is writable. */
RDB_CHECKED bool rdb_socket_write(int fd, const void *bytes, size_t length, size_t *done, rdb_error *err);
/* All of them, waiting; 08006 when timeout_us (negative: no limit) passes without any progress. */
RDB_CHECKED bool rdb_socket_write_all(int fd, const void *bytes, size_t length, int64_t timeout_us, rdb_error *err);
/* Until readable (or writable) or closed; false when timeout_us passed first. A sleep to who watches the thread's. */
bool rdb_socket_wait(int fd, bool for_writing, int64_t timeout_us);
/* "127.0.0.1:5000", "[::1]:5000", "[local]". */
void rdb_socket_peer_name(int fd, char *text, size_t size);
void rdb_socket_own_name(int fd, char *text, size_t size); /* in the same form */
/* The user at the other end of a Unix socket; false where it is none. */
bool rdb_socket_peer_user(int fd, uid_t *user);
/* No delay for small segments; probes for dead peers after idle_seconds (0: the system's default). A no-op elsewhere. */
void rdb_socket_tune(int fd, unsigned idle_seconds);
void rdb_socket_close(int *fd); /* -1 is fine; becomes -1 */

/* ---- readiness of many: epoll ------------------------------------------------------------------------------------- */
typedef struct rdb_poller rdb_poller;
#define RDB_POLL_READ 1u
#define RDB_POLL_WRITE 2u
#define RDB_POLL_CLOSED 4u /* told, never asked for */
#define RDB_POLL_ONCE 8u   /* one report, then silent until rdb_poller_change: the descriptor goes to one thread only */
#define RDB_POLL_EDGE 16u  /* a report each time something came, not as long as it is there */
typedef struct rdb_poll_event {
    void *tag;
    unsigned what;
} rdb_poll_event;
RDB_CHECKED bool rdb_poller_create(rdb_poller **poller, rdb_error *err);
void rdb_poller_destroy(rdb_poller **poller);
RDB_CHECKED bool rdb_poller_add(rdb_poller *poller, int fd, unsigned what, void *tag, rdb_error *err);
RDB_CHECKED bool rdb_poller_change(rdb_poller *poller, int fd, unsigned what, void *tag, rdb_error *err);
void rdb_poller_remove(rdb_poller *poller, int fd);
/* How many events; 0 after timeout_us (negative: no limit) or a wake. */
RDB_CHECKED bool rdb_poller_wait(rdb_poller *poller, rdb_poll_event *events, uint32_t events_max, int64_t timeout_us,
                                 uint32_t *event_count, rdb_error *err);
void rdb_poller_wake(rdb_poller *poller); /* any thread; the next wait returns at once if none waits now */

/* ---- signals ------------------------------------------------------------------------------------------------------ */
/* Blocks the signals in the calling thread (call it in main before any thread starts: they inherit that) and gives a
 * descriptor that is readable when one is pending. SIGPIPE is ignored from here on. */
RDB_CHECKED bool rdb_signals_open(const int *signals, uint32_t signal_count, int *fd, rdb_error *err);
/* The next pending signal, 0 when there is none. */
int rdb_signals_next(int fd);

#endif
