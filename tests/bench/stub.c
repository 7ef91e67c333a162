/* SPDX-License-Identifier: Apache-2.0
 * The ceiling: a server that answers pgbench's point query at once and does nothing else. What a client, the kernel and the
 * protocol cost by themselves: no server can be faster than this one. stub SOCKET; ends when its standard input does. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct out {
    char bytes[65536];
    size_t length;
} out;

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

static void *serve(void *argument)
{
    int client = (int)(intptr_t)argument;
    static _Thread_local unsigned char in[65536];
    static _Thread_local out o;
    size_t have = 0;
    int is_started = 0, goes_on = 1;
    while (goes_on) {
        ssize_t got = read(client, in + have, sizeof in - have);
        if (got <= 0)
            break;
        have += (size_t)got;
        size_t at = 0;
        o.length = 0;
        while (goes_on && have - at >= (is_started ? 5u : 4u)) {
            size_t head = is_started ? 1 : 0, length = get32(in + at + head) + head;
            if (length > have - at)
                break;
            if (is_started) {
                goes_on = answer(&o, (char)in[at]);
            } else if (get32(in + at + 4) == 80877103) { /* SSLRequest */
                o.bytes[o.length++] = 'N';
            } else {
                is_started = 1;
                PUT(&o, 'R', "\0\0\0\0");
                PUT(&o, 'S', "server_version\00015.0\0");
                PUT(&o, 'S', "client_encoding\0UTF8\0");
                PUT(&o, 'S', "standard_conforming_strings\0on\0");
                PUT(&o, 'K', "\0\0\0\1\0\0\0\1");
                PUT(&o, 'Z', "I");
            }
            at += length;
        }
        memmove(in, in + at, have - at);
        have -= at;
        if (o.length > 0 && write(client, o.bytes, o.length) < 0)
            break;
    }
    close(client);
    return NULL;
}

static void *accept_all(void *argument)
{
    int listener = (int)(intptr_t)argument;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        pthread_t thread;
        if (client >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;
    char byte;
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: stub SOCKET\n");
        return 2;
    }
    strcpy(address.sun_path, argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 512) != 0 ||
        pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) != 0) {
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
