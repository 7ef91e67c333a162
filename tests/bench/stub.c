/* SPDX-License-Identifier: Apache-2.0
 * The ceiling: a server that answers pgbench's point query at once and does nothing else. What a client, the kernel and the
 * protocol cost by themselves: no server can be faster than this one. stub SOCKET THREADS; ends when its standard input does.
 * Each thread waits for all of its connections at once, and for a request makes one read and one write, as a server under load does;
 * whether one thread or several are faster depends on what the clients leave of the machine, so whoever asks tries both. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define THREADS_MAX 64
#define EVENTS_MAX 64

typedef struct out {
    char bytes[65536];
    size_t length;
} out;

typedef struct client {
    int fd, is_started;
    size_t have;
    unsigned char in[16384];
} client;

static uint32_t get32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put(out *o, char type, const char *body, size_t length)
{
    uint32_t size = (uint32_t)length + 4;
    const char head[5] = {type, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size};
    if (o->length + length + 5 > sizeof o->bytes)
        return;
    memcpy(o->bytes + o->length, head, 5);
    memcpy(o->bytes + o->length + 5, body, length);
    o->length += length + 5;
}
#define PUT(o, type, text) put(o, type, text, sizeof(text) - 1)
#define DESCRIPTION "\0\1abalance\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"
#define ROW "\0\1\0\0\0\1" "0"

/* Answers one message; false: the client is gone. */
static int answer(out *o, char type)
{
    switch (type) {
    case 'Q':
        PUT(o, 'T', DESCRIPTION);
        PUT(o, 'D', ROW);
        PUT(o, 'C', "SELECT 1\0");
        PUT(o, 'Z', "I");
        return 1;
    case 'P':
        PUT(o, '1', "");
        return 1;
    case 'B':
        PUT(o, '2', "");
        return 1;
    case 'D':
        PUT(o, 'T', DESCRIPTION);
        return 1;
    case 'E':
        PUT(o, 'D', ROW);
        PUT(o, 'C', "SELECT 1\0");
        return 1;
    case 'S':
        PUT(o, 'Z', "I");
        return 1;
    case 'X':
        return 0;
    default:
        return 1;
    }
}

/* What has come from a client; false: it is gone. */
static int serve(client *c, out *o)
{
    ssize_t got = read(c->fd, c->in + c->have, sizeof c->in - c->have);
    int goes_on = got > 0;
    size_t at = 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    c->have += goes_on ? (size_t)got : 0;
    o->length = 0;
    while (goes_on && c->have - at >= (c->is_started ? 5u : 4u)) {
        size_t head = c->is_started ? 1 : 0, length = get32(c->in + at + head) + head;
        if (length > c->have - at)
            break;
        if (c->is_started) {
            goes_on = answer(o, (char)c->in[at]);
        } else if (get32(c->in + at + 4) == 80877103) { /* SSLRequest */
            o->bytes[o->length++] = 'N';
        } else {
            c->is_started = 1;
            PUT(o, 'R', "\0\0\0\0");
            PUT(o, 'S', "server_version\00015.0\0");
            PUT(o, 'S', "client_encoding\0UTF8\0");
            PUT(o, 'S', "standard_conforming_strings\0on\0");
            PUT(o, 'K', "\0\0\0\1\0\0\0\1");
            PUT(o, 'Z', "I");
        }
        at += length;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    return goes_on && (o->length == 0 || write(c->fd, o->bytes, o->length) > 0);
}

static void *run(void *argument)
{
    int poller = (int)(intptr_t)argument;
    struct epoll_event events[EVENTS_MAX];
    static _Thread_local out o;
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            client *c = events[i].data.ptr;
            if (!serve(c, &o)) {
                close(c->fd);
                free(c);
            }
        }
    }
    return NULL;
}

static int listener, pollers[THREADS_MAX], thread_count;

static void *accept_all(void *argument)
{
    for (unsigned next = 0;; next++) {
        int fd = accept(listener, NULL, NULL);
        client *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
        if (c == NULL)
            continue;
        c->fd = fd;
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = c};
        epoll_ctl(pollers[next % (unsigned)thread_count], EPOLL_CTL_ADD, fd, &event);
    }
    return argument;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;
    char byte;
    thread_count = argc == 3 ? atoi(argv[2]) : 0;
    if (argc != 3 || strlen(argv[1]) >= sizeof address.sun_path || thread_count < 1 || thread_count > THREADS_MAX) {
        fprintf(stderr, "usage: stub SOCKET THREADS\n");
        return 2;
    }
    strcpy(address.sun_path, argv[1]);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int ok = listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 512) == 0;
    for (int i = 0; ok && i < thread_count; i++)
        ok = (pollers[i] = epoll_create1(0)) >= 0 && pthread_create(&thread, NULL, run, (void *)(intptr_t)pollers[i]) == 0;
    if (!ok || pthread_create(&thread, NULL, accept_all, NULL) != 0) {
        perror("stub");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {
    }
    unlink(argv[1]);
    return 0;
}
