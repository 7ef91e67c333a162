/* SPDX-License-Identifier: Apache-2.0
 * Sockets. */
#include "os/rdb_os.h"
#include "os/rdb_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void rdb_socket_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool listen_at(const struct addrinfo *address, int backlog, int *fd)
{
    int on = 1;
    *fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return false;
    bool ok = setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    /* each family has its own socket, so that "*" works whatever the system's default is */
    if (ok && address->ai_family == AF_INET6)
        ok = setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
    ok = ok && bind(*fd, address->ai_addr, address->ai_addrlen) == 0 && listen(*fd, backlog) == 0;
    if (!ok) {
        int reason = errno;
        rdb_socket_close(fd);
        errno = reason;
    }
    return ok;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void set_port(struct addrinfo *address, uint16_t port)
{
    if (address->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address->ai_addr)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)(void *)address->ai_addr)->sin_port = htons(port);
}

bool rdb_socket_listen_tcp(const char *host, uint16_t *port, int backlog, int *fds, uint32_t fds_max, uint32_t *fd_count,
                           rdb_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    char service[8];
    *fd_count = 0;
    snprintf(service, sizeof service, "%u", *port);
    int reason = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &found);
    if (reason != 0) {
        rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "could not translate host name \"%s\" to an address", host);
        return rdb_error_detail(err, "%s.", gai_strerror(reason));
    }
    int failure = 0;
    for (struct addrinfo *at = found; at != NULL && *fd_count < fds_max; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        if (*port != 0) /* the second address gets the port that the first one was given */
            set_port(at, *port);
        if (listen_at(at, backlog, &fds[*fd_count])) {
            *port = port_of(fds[*fd_count]);
            (*fd_count)++;
        } else if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) {
            failure = errno;
        } else if (failure == 0) {
            failure = errno;
        }
    }
    freeaddrinfo(found);
    if (*fd_count > 0)
        return true;
    rdb_error_set(err, RDB_IO_ERROR, "could not listen on \"%s\", port %u: %s", host, *port, strerror(failure));
    if (failure == EADDRINUSE)
        rdb_error_hint(err, "Is another server already running on port %u? If not, wait a few seconds and retry.", *port);
    return false;
}

static bool fill_unix_address(const char *path, struct sockaddr_un *address, rdb_error *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "path of a Unix socket is too long");
        return rdb_error_detail(err, "\"%s\" has %zu bytes; the system allows %zu.", path, strlen(path),
                                sizeof address->sun_path - 1);
    }
    strcpy(address->sun_path, path);
    return true;
}

bool rdb_socket_listen_unix(const char *path, unsigned mode, int backlog, int *fd, rdb_error *err)
{
    struct sockaddr_un address;
    *fd = -1;
    if (!fill_unix_address(path, &address, err))
        return false;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
    rdb_socket_close(&probe);
    if (alive)
        return rdb_error_set(err, RDB_OBJECT_IN_USE, "another server is listening on socket \"%s\"", path);
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) /* anything else there is not ours to remove */
        (void)unlink(path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd >= 0 && bind(*fd, (struct sockaddr *)&address, sizeof address) == 0 && chmod(path, mode) == 0 &&
        listen(*fd, backlog) == 0)
        return true;
    rdb_error_set_errno(err, errno, "could not listen on socket \"%s\"", path);
    rdb_socket_close(fd);
    return false;
}

bool rdb_socket_accept(int listener, int *fd, bool *short_of_descriptors, rdb_error *err)
{
    *short_of_descriptors = false;
    *fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (*fd >= 0)
        return true;
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        *short_of_descriptors = true;
        return true;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT:
        return rdb_error_set_errno(err, errno, "could not accept a connection");
    default: /* nobody there, or one that went away again: accept(2) lists network errors among its own */
        return true;
    }
}

static bool wait_for(int fd, bool for_writing, int64_t timeout_us)
{
    struct pollfd waiting = {.fd = fd, .events = for_writing ? POLLOUT : POLLIN};
    int64_t until = timeout_us < 0 ? 0 : rdb_time_monotonic_us() + timeout_us;
    for (;;) {
        int timeout_ms = -1;
        if (timeout_us >= 0) {
            int64_t left = RDB_MAX(until - rdb_time_monotonic_us(), INT64_C(0));
            timeout_ms = (int)RDB_MIN((left + 999) / 1000, (int64_t)INT_MAX);
        }
        int count = poll(&waiting, 1, timeout_ms);
        if (count > 0 || (count < 0 && errno != EINTR))
            return true;
        if (count == 0 && timeout_us >= 0 && rdb_time_monotonic_us() >= until)
            return false;
    }
}

bool rdb_socket_wait(int fd, bool for_writing, int64_t timeout_us)
{
    rdb_thread_sleep_begin();
    const rdb_wait_mark mark = rdb_wait_begin(for_writing ? RDB_WAIT_CLIENT_WRITE : RDB_WAIT_CLIENT_READ);
    bool is_ready = wait_for(fd, for_writing, timeout_us);
    rdb_wait_end(mark);
    rdb_thread_sleep_end();
    return is_ready;
}

/* Connects the socket within the time; errno says why not. */
static bool connect_within(int fd, const struct sockaddr *address, socklen_t length, int64_t timeout_us)
{
    if (connect(fd, address, length) == 0)
        return true;
    if (errno != EINPROGRESS && errno != EAGAIN && errno != EINTR)
        return false;
    if (!rdb_socket_wait(fd, true, timeout_us)) {
        errno = ETIMEDOUT;
        return false;
    }
    int failure = 0;
    socklen_t failure_length = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_length) != 0)
        failure = errno;
    errno = failure;
    return failure == 0;
}

bool rdb_socket_connect(const char *host, uint16_t port, int64_t timeout_us, int *fd, rdb_error *err)
{
    *fd = -1;
    if (host[0] == '/') {
        struct sockaddr_un address;
        if (!fill_unix_address(host, &address, err))
            return false;
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (*fd >= 0 && connect_within(*fd, (struct sockaddr *)&address, sizeof address, timeout_us))
            return true;
        int failure = errno;
        rdb_socket_close(fd);
        rdb_error_set(err, RDB_CANNOT_CONNECT, "connection to server on socket \"%s\" failed: %s", host, strerror(failure));
        return rdb_error_hint(err, "Is the server running locally and accepting connections on that socket?");
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int reason = getaddrinfo(host, service, &hints, &found);
    if (reason != 0)
        return rdb_error_set(err, RDB_CANNOT_CONNECT, "could not translate host name \"%s\" to address: %s", host,
                             gai_strerror(reason));
    int failure = EADDRNOTAVAIL;
    for (const struct addrinfo *at = found; at != NULL && *fd < 0; at = at->ai_next) {
        *fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (*fd < 0 || !connect_within(*fd, at->ai_addr, at->ai_addrlen, timeout_us)) {
            failure = errno;
            rdb_socket_close(fd);
        }
    }
    freeaddrinfo(found);
    if (*fd >= 0)
        return true;
    rdb_error_set(err, RDB_CANNOT_CONNECT, "connection to server at \"%s\", port %u failed: %s", host, port, strerror(failure));
    return rdb_error_hint(err, "Is the server running on that host and accepting TCP/IP connections?");
}

bool rdb_socket_read(int fd, void *buffer, size_t capacity, size_t *got, bool *is_closed, rdb_error *err)
{
    *got = 0;
    *is_closed = false;
    ssize_t count;
    do {
        count = recv(fd, buffer, capacity, 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0)
        *got = (size_t)count;
    else if (count == 0 && capacity > 0)
        *is_closed = true;
    else if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return rdb_error_set(err, RDB_CONNECTION_FAILURE, "could not receive data: %s", strerror(errno));
    return true;
}

bool rdb_socket_write(int fd, const void *bytes, size_t length, size_t *done, rdb_error *err)
{
    *done = 0;
    ssize_t count;
    do {
        count = send(fd, bytes, length, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count >= 0)
        *done = (size_t)count;
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
        return rdb_error_set(err, RDB_CONNECTION_FAILURE, "could not send data: %s", strerror(errno));
    return true;
}

bool rdb_socket_write_all(int fd, const void *bytes, size_t length, int64_t timeout_us, rdb_error *err)
{
    for (size_t sent = 0; sent < length;) {
        size_t done;
        if (!rdb_socket_write(fd, (const uint8_t *)bytes + sent, length - sent, &done, err))
            return false;
        sent += done;
        if (done == 0 && !rdb_socket_wait(fd, true, timeout_us))
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "could not send data: the peer does not read");
    }
    return true;
}

typedef int ask_name(int fd, struct sockaddr *address, socklen_t *length);

static void tell_name(ask_name *ask, int fd, char *text, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[64], service[8];
    if (ask(fd, (struct sockaddr *)&address, &length) != 0)
        snprintf(text, size, "[unknown]");
    else if (address.ss_family == AF_UNIX)
        snprintf(text, size, "[local]");
    else if (getnameinfo((struct sockaddr *)&address, length, host, sizeof host, service, sizeof service,
                         NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(text, size, "[unknown]");
    else
        snprintf(text, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
}

void rdb_socket_peer_name(int fd, char *text, size_t size)
{
    tell_name(getpeername, fd, text, size);
}

void rdb_socket_own_name(int fd, char *text, size_t size)
{
    tell_name(getsockname, fd, text, size);
}

bool rdb_socket_peer_user(int fd, uid_t *user)
{
    struct sockaddr_storage address;
    socklen_t address_length = sizeof address;
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    /* a TCP socket answers the question too, with nobody */
    if (getsockname(fd, (struct sockaddr *)&address, &address_length) != 0 || address.ss_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return false;
    *user = credentials.uid;
    return true;
}

void rdb_socket_tune(int fd, unsigned idle_seconds)
{
    int on = 1, idle = (int)RDB_MIN(idle_seconds, 32767u);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (idle > 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
}
