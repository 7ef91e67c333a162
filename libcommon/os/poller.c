/* SPDX-License-Identifier: Apache-2.0
 * Readiness of many descriptors, wake-ups, and signals as descriptors. */
#include "os/rdb_os.h"
#include "os/rdb_socket.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EVENTS_MAX 256

struct rdb_poller {
    int epoll_fd, wake_fd;
};

bool rdb_poller_create(rdb_poller **poller, rdb_error *err)
{
    *poller = NULL;
    rdb_poller *made = malloc(sizeof *made);
    if (made == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    made->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = made}; /* the poller itself is the mark of a wake */
    if (made->epoll_fd < 0 || made->wake_fd < 0 || epoll_ctl(made->epoll_fd, EPOLL_CTL_ADD, made->wake_fd, &event) != 0) {
        rdb_error_set_errno(err, errno, "could not create an epoll descriptor");
        rdb_poller_destroy(&made);
        return false;
    }
    *poller = made;
    return true;
}

void rdb_poller_destroy(rdb_poller **poller)
{
    if (*poller == NULL)
        return;
    if ((*poller)->epoll_fd >= 0)
        close((*poller)->epoll_fd);
    if ((*poller)->wake_fd >= 0)
        close((*poller)->wake_fd);
    free(*poller);
    *poller = NULL;
}

static bool control(rdb_poller *poller, int operation, int fd, unsigned what, void *tag, rdb_error *err)
{
    struct epoll_event event = {.data.ptr = tag};
    event.events = ((what & RDB_POLL_READ) != 0 ? EPOLLIN | EPOLLRDHUP : 0u) | ((what & RDB_POLL_WRITE) != 0 ? EPOLLOUT : 0u) |
                   ((what & RDB_POLL_ONCE) != 0 ? EPOLLONESHOT : 0u) | ((what & RDB_POLL_EDGE) != 0 ? EPOLLET : 0u);
    return epoll_ctl(poller->epoll_fd, operation, fd, &event) == 0 ||
           rdb_error_set_errno(err, errno, "could not watch a descriptor");
}

bool rdb_poller_add(rdb_poller *poller, int fd, unsigned what, void *tag, rdb_error *err)
{
    return control(poller, EPOLL_CTL_ADD, fd, what, tag, err);
}

bool rdb_poller_change(rdb_poller *poller, int fd, unsigned what, void *tag, rdb_error *err)
{
    return control(poller, EPOLL_CTL_MOD, fd, what, tag, err);
}

void rdb_poller_remove(rdb_poller *poller, int fd)
{
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

bool rdb_poller_wait(rdb_poller *poller, rdb_poll_event *events, uint32_t events_max, int64_t timeout_us,
                     uint32_t *event_count, rdb_error *err)
{
    struct epoll_event ready[EVENTS_MAX];
    int64_t timeout_ms = timeout_us < 0 ? -1 : RDB_MIN((timeout_us + 999) / 1000, (int64_t)INT_MAX);
    *event_count = 0;
    int count = epoll_wait(poller->epoll_fd, ready, (int)RDB_MIN(events_max, (uint32_t)EVENTS_MAX), (int)timeout_ms);
    if (count < 0)
        return errno == EINTR || rdb_error_set_errno(err, errno, "could not wait for descriptors");
    for (int ready_no = 0; ready_no < count; ready_no++) {
        if (ready[ready_no].data.ptr == poller) {
            uint64_t wakes;
            ssize_t got = read(poller->wake_fd, &wakes, sizeof wakes);
            (void)got; /* another thread of the same poller may have taken it */
            continue;
        }
        unsigned seen = ready[ready_no].events;
        events[(*event_count)++] = (rdb_poll_event){
            .tag = ready[ready_no].data.ptr,
            .what = ((seen & EPOLLIN) != 0 ? RDB_POLL_READ : 0u) | ((seen & EPOLLOUT) != 0 ? RDB_POLL_WRITE : 0u) |
                    ((seen & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0 ? RDB_POLL_CLOSED : 0u),
        };
    }
    return true;
}

void rdb_poller_wake(rdb_poller *poller)
{
    uint64_t one = 1;
    ssize_t done = write(poller->wake_fd, &one, sizeof one);
    (void)done; /* it can only fail when the counter is full, and then it is readable anyway */
}

bool rdb_signals_open(const int *signals, uint32_t signal_count, int *fd, rdb_error *err)
{
    sigset_t set;
    sigemptyset(&set);
    for (uint32_t signal_no = 0; signal_no < signal_count; signal_no++)
        sigaddset(&set, signals[signal_no]);
    signal(SIGPIPE, SIG_IGN);
    *fd = -1;
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) == 0)
        *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd >= 0 || rdb_error_set_errno(err, errno, "could not watch signals");
}

int rdb_signals_next(int fd)
{
    struct signalfd_siginfo information;
    return read(fd, &information, sizeof information) == (ssize_t)sizeof information ? (int)information.ssi_signo : 0;
}
