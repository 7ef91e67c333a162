/* SPDX-License-Identifier: Apache-2.0
 * Sockets over loopback and the file system, the poller, signals. */
#include "os/rdb_os.h"
#include "os/rdb_socket.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static int accept_one(int listener)
{
    rdb_error err = {0};
    int fd = -1;
    bool exhausted;
    assert_true(rdb_socket_wait(listener, false, 2000000));
    assert_true(rdb_socket_accept(listener, &fd, &exhausted, &err));
    assert_false(exhausted);
    assert_true(fd >= 0);
    return fd;
}

/* Bytes pass both ways, a full pipe is told as such, an end is an end, and writing past it is an error, not a signal. */
static void exchange_bytes(int client, int server)
{
    rdb_error err = {0};
    char buffer[65536] = {0};
    size_t got, done, sent = 0;
    bool closed;
    assert_true(rdb_socket_read(server, buffer, sizeof buffer, &got, &closed, &err));
    assert_true(got == 0 && !closed);
    assert_false(rdb_socket_wait(server, false, 1000));
    assert_true(rdb_socket_write_all(client, "hello", 5, 1000000, &err));
    assert_true(rdb_socket_wait(server, false, 2000000));
    assert_true(rdb_socket_read(server, buffer, sizeof buffer, &got, &closed, &err));
    assert_int_equal(got, 5);
    assert_memory_equal(buffer, "hello", 5);
    do {
        assert_true(rdb_socket_write(server, buffer, sizeof buffer, &done, &err));
        sent += done;
    } while (done > 0);
    assert_true(sent > 0);
    while (rdb_socket_write_all(server, buffer, sizeof buffer, 10000, &err)) /* what was under way made room by arriving */
        sent += sizeof buffer;
    assert_string_equal(err.sqlstate, "08006");
    rdb_error_clear(&err);
    close(client);
    bool failed = false;
    for (int turn = 0; turn < 20000 && !failed; turn++) {
        failed = !rdb_socket_write(server, buffer, 1, &done, &err);
        rdb_time_sleep_us(failed ? 0 : 1000);
    }
    assert_true(failed);
    assert_string_equal(err.sqlstate, "08006");
    close(server);
}

/* A port at which nobody listens, nor can: a program beside this one might get the port of a listener that was closed. */
static int take_port(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void test_tcp(void **state)
{
    (void)state;
    rdb_error err = {0};
    int fds[8], client;
    uint32_t count;
    uint16_t port = 0;
    char name[64];
    uid_t user;
    assert_true(rdb_socket_listen_tcp("127.0.0.1", &port, 8, fds, 8, &count, &err));
    assert_int_equal(count, 1);
    assert_true(port > 0);
    assert_true(rdb_socket_connect("127.0.0.1", port, 1000000, &client, &err));
    int server = accept_one(fds[0]);
    rdb_socket_tune(server, 60);
    rdb_socket_peer_name(server, name, sizeof name);
    assert_int_equal(strncmp(name, "127.0.0.1:", 10), 0);
    assert_false(rdb_socket_peer_user(server, &user));
    exchange_bytes(client, server);
    int second[8];
    uint32_t second_count;
    uint16_t same = port;
    assert_false(rdb_socket_listen_tcp("127.0.0.1", &same, 8, second, 8, &second_count, &err));
    assert_non_null(strstr(err.hint, "another server"));
    rdb_error_clear(&err);
    rdb_socket_close(&fds[0]);
    assert_int_equal(fds[0], -1);
    const int taken = take_port(&port);
    assert_false(rdb_socket_connect("127.0.0.1", port, 1000000, &client, &err));
    assert_string_equal(err.sqlstate, "08001");
    rdb_error_clear(&err);
    close(taken);
    assert_false(rdb_socket_listen_tcp("no such host", &port, 8, fds, 8, &count, &err));
    rdb_error_clear(&err);
}

static void test_unix(void **state)
{
    (void)state;
    rdb_error err = {0};
    char directory[] = "/tmp/rdb-test-sock-XXXXXX", path[64], name[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/s", directory);
    int listener, client, second;
    assert_true(rdb_socket_listen_unix(path, 0700, 8, &listener, &err));
    assert_false(rdb_socket_listen_unix(path, 0700, 8, &second, &err));
    assert_string_equal(err.sqlstate, "55006");
    rdb_error_clear(&err);
    assert_true(rdb_socket_connect(path, 0, 1000000, &client, &err));
    int probe = accept_one(listener); /* the second listener's question whether anybody is there */
    close(probe);
    int server = accept_one(listener);
    uid_t user = 12345;
    assert_true(rdb_socket_peer_user(server, &user));
    assert_int_equal(user, getuid());
    rdb_socket_peer_name(server, name, sizeof name);
    assert_string_equal(name, "[local]");
    exchange_bytes(client, server);
    rdb_socket_close(&listener); /* as a killed server leaves it: the name stays, nobody answers */
    assert_false(rdb_socket_connect(path, 0, 1000000, &client, &err));
    assert_string_equal(err.sqlstate, "08001");
    rdb_error_clear(&err);
    assert_true(rdb_socket_listen_unix(path, 0700, 8, &listener, &err));
    rdb_socket_close(&listener);
    char long_path[200];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    assert_false(rdb_socket_listen_unix(long_path, 0700, 8, &listener, &err));
    assert_string_equal(err.sqlstate, "54000");
    rdb_error_clear(&err);
    /* a file that is no socket is not removed */
    snprintf(path, sizeof path, "%s/file", directory);
    assert_true(rdb_path_write_atomic(path, "precious", 8, 0600, &err));
    assert_false(rdb_socket_listen_unix(path, 0700, 8, &listener, &err));
    rdb_error_clear(&err);
    assert_true(rdb_path_exists(path));
    assert_true(rdb_path_remove_tree(directory, &err));
}

static void run_waker(void *argument)
{
    rdb_time_sleep_us(20000);
    rdb_poller_wake(argument);
}

static void test_poller(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_poller *poller;
    rdb_poll_event events[4];
    uint32_t count;
    int pipe_fds[2], tag;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_true(rdb_poller_create(&poller, &err));
    assert_true(rdb_poller_add(poller, pipe_fds[0], RDB_POLL_READ | RDB_POLL_ONCE, &tag, &err));
    assert_true(rdb_poller_wait(poller, events, 4, 1000, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_true(rdb_poller_wait(poller, events, 4, 1000000, &count, &err));
    assert_true(count == 1 && events[0].tag == &tag && events[0].what == RDB_POLL_READ);
    assert_true(rdb_poller_wait(poller, events, 4, 1000, &count, &err)); /* once means once */
    assert_int_equal(count, 0);
    assert_true(rdb_poller_change(poller, pipe_fds[0], RDB_POLL_READ | RDB_POLL_ONCE, &tag, &err));
    assert_true(rdb_poller_wait(poller, events, 4, 1000000, &count, &err));
    assert_int_equal(count, 1);
    assert_true(rdb_poller_change(poller, pipe_fds[0], RDB_POLL_READ | RDB_POLL_EDGE, &tag, &err));
    assert_true(rdb_poller_wait(poller, events, 4, 1000000, &count, &err)); /* what was there before is told once */
    assert_int_equal(count, 1);
    assert_true(rdb_poller_wait(poller, events, 4, 1000, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(write(pipe_fds[1], "y", 1), 1);
    assert_true(rdb_poller_wait(poller, events, 4, 1000000, &count, &err));
    assert_int_equal(count, 1);
    close(pipe_fds[1]);
    assert_true(rdb_poller_change(poller, pipe_fds[0], RDB_POLL_READ, &tag, &err));
    assert_true(rdb_poller_wait(poller, events, 4, 1000000, &count, &err));
    assert_true(count == 1 && (events[0].what & RDB_POLL_CLOSED) != 0);
    rdb_poller_remove(poller, pipe_fds[0]);
    close(pipe_fds[0]);
    rdb_poller_wake(poller); /* before anybody waits: not lost, and not kept for the wait after */
    int64_t before = rdb_time_monotonic_us();
    assert_true(rdb_poller_wait(poller, events, 4, 120000000, &count, &err));
    assert_true(rdb_time_monotonic_us() - before < 100000000);
    rdb_thread *thread;
    assert_true(rdb_thread_start(&thread, "waker", run_waker, poller, &err));
    assert_true(rdb_poller_wait(poller, events, 4, 120000000, &count, &err));
    assert_true(count == 0 && rdb_time_monotonic_us() - before < 100000000);
    rdb_thread_join(&thread);
    rdb_poller_destroy(&poller);
    assert_null(poller);
}

static void test_signals(void **state)
{
    (void)state;
    rdb_error err = {0};
    static const int SIGNALS[] = {SIGHUP, SIGUSR1};
    int fd;
    assert_true(rdb_signals_open(SIGNALS, 2, &fd, &err));
    assert_int_equal(rdb_signals_next(fd), 0);
    kill(getpid(), SIGHUP);
    assert_true(rdb_socket_wait(fd, false, 1000000));
    assert_int_equal(rdb_signals_next(fd), SIGHUP);
    assert_int_equal(rdb_signals_next(fd), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_poller),
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
