/* SPDX-License-Identifier: Apache-2.0
 * A whole database in the fuzz target's process, reached over memory: each input is what one client sends, from its first
 * message to its end. Made by rdb-init (BIN_DIR) in a directory of its own that goes at the end. */
#ifndef RDB_TESTS_FUZZ_ENGINE_H
#define RDB_TESTS_FUZZ_ENGINE_H

#include "fuzz.h"

#include "session/rdb_session.h"
#include <unistd.h>

static struct {
    char top[64], home[128];
    rdb_engine *engine;
    rdb_wire_host *host;
} fuzz_engine;

typedef struct fuzz_client {
    const uint8_t *at, *end;
    uint64_t answered_bytes;
    bool has_ready; /* a ReadyForQuery was seen: Z, length 5, a status, as the last message sent */
} fuzz_client;

static bool fuzz_receive(void *context, void *buffer, size_t capacity, int64_t wait_us, size_t *got, bool *is_closed, rdb_error *err)
{
    fuzz_client *client = context;
    (void)wait_us, (void)err;
    *got = RDB_MIN(capacity, (size_t)(client->end - client->at));
    *is_closed = *got == 0;
    if (*got > 0)
        memcpy(buffer, client->at, *got);
    client->at += *got;
    return true;
}

static bool fuzz_send(void *context, const void *bytes, size_t length, rdb_error *err)
{
    fuzz_client *client = context;
    const uint8_t *tail = (const uint8_t *)bytes + length - RDB_MIN(length, (size_t)6);
    (void)err;
    client->answered_bytes += length;
    client->has_ready = length >= 6 && tail[0] == 'Z' && tail[4] == 5;
    return true;
}

/* What the server does with these bytes from a client that has just connected. */
static void fuzz_serve(const uint8_t *bytes, size_t length, fuzz_client *client)
{
    rdb_error err = {0};
    rdb_wire *wire = NULL;
    rdb_channel channel = {.context = client, .receive = fuzz_receive, .send = fuzz_send, .is_local = true, .is_owner = true};
    *client = (fuzz_client){.at = bytes, .end = bytes + length};
    FUZZ_CHECK(rdb_wire_create(&wire, fuzz_engine.host, &channel, &err));
    while (rdb_wire_serve(wire, 0) != RDB_WIRE_CLOSED)
        ;
    rdb_wire_destroy(&wire);
}

static void fuzz_put_message(rdb_strbuf *bytes, char type, const void *body, size_t length)
{
    uint32_t size = __builtin_bswap32((uint32_t)length + 4);
    if (type != '\0')
        rdb_strbuf_addc(bytes, type);
    rdb_strbuf_add(bytes, &size, 4);
    if (length > 0)
        rdb_strbuf_add(bytes, body, length);
}

static void fuzz_put_startup(rdb_strbuf *bytes)
{
    static const char BODY[] = "\0\3\0\0user\0admin\0database\0rustydb\0options\0-c statement_timeout=300\0";
    fuzz_put_message(bytes, '\0', BODY, sizeof BODY);
}

static void fuzz_put_query(rdb_strbuf *bytes, const char *text)
{
    fuzz_put_message(bytes, 'Q', text, strlen(text) + 1);
}

/* Runs a statement that must work: the engine is as it was. */
static void fuzz_must_run(const char *text)
{
    rdb_strbuf bytes;
    fuzz_client client;
    rdb_strbuf_init(&bytes, NULL);
    fuzz_put_startup(&bytes);
    fuzz_put_query(&bytes, text);
    fuzz_serve((const uint8_t *)bytes.data, bytes.length, &client);
    FUZZ_CHECK(client.has_ready);
    rdb_strbuf_free(&bytes);
}

static void fuzz_engine_open(void)
{
    char command[512];
    rdb_error err = {0};
    const char *programs = getenv("BIN_DIR");
    snprintf(fuzz_engine.top, sizeof fuzz_engine.top, "/tmp/rdbfuzz.XXXXXX");
    FUZZ_CHECK(mkdtemp(fuzz_engine.top) != NULL);
    snprintf(fuzz_engine.home, sizeof fuzz_engine.home, "%s/i", fuzz_engine.top);
    snprintf(command, sizeof command, "%s/rdb-init --home %s --tune small >/dev/null", programs != NULL ? programs : "build/bin", fuzz_engine.home);
    FUZZ_CHECK(system(command) == 0);
    rdb_engine_config config = {.home = fuzz_engine.home, .buffer_bytes = 16u << 20, .max_connections = 20, .wal_bytes_max = 256u << 20};
    FUZZ_CHECK(rdb_engine_open(&fuzz_engine.engine, &config, NULL, &err));
    rdb_wire_config wire = {.engine = fuzz_engine.engine, .auth = RDB_AUTH_NONE, .max_connections = 20};
    FUZZ_CHECK(rdb_wire_host_create(&fuzz_engine.host, &wire, &err));
    /* An end by exit() may not leave the directory; one by a signal does, for whoever looks. */
}

static void fuzz_engine_close(void)
{
    char command[128];
    rdb_error err = {0};
    rdb_wire_host_destroy(&fuzz_engine.host);
    FUZZ_CHECK(rdb_engine_close(&fuzz_engine.engine, true, &err));
    snprintf(command, sizeof command, "rm -rf '%s'", fuzz_engine.top);
    FUZZ_CHECK(system(command) == 0);
}

#endif
