/* SPDX-License-Identifier: Apache-2.0
 * SCRAM-SHA-256 over the wire: AuthenticationSASL, two messages each way, and the same answer whether the role does not exist,
 * has no password, or the password is wrong. */
#include "crypto/rdb_crypto.h"
#include "session/wire_int.h"

enum { AUTHENTICATION_SASL = 10, AUTHENTICATION_CONTINUE = 11, AUTHENTICATION_FINAL = 12 };
#define MECHANISM "SCRAM-SHA-256"

struct exchange {
    rdb_scram_server *server;
    bool is_started;
};

static void put_sasl(rdb_wire *wire, uint32_t code, const void *bytes, size_t length)
{
    size_t begin = wire_message_begin(&wire->output, 'R');
    wire_put_u32(&wire->output, code);
    rdb_strbuf_add(&wire->output, bytes, length);
    wire_message_end(&wire->output, begin);
}

void wire_scram_end(rdb_wire *wire)
{
    struct exchange *exchange = wire->scram;
    if (exchange != NULL)
        rdb_scram_server_destroy(&exchange->server);
    free(exchange);
    wire->scram = NULL;
}

bool wire_scram_begin(rdb_wire *wire, rdb_error *err)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    wire->scram = exchange;
    if (!rdb_scram_server_create(&exchange->server, wire_auth_verifier(wire), wire_auth_user(wire), wire->host->config.scram_secret, err))
        return false;
    static const char MECHANISMS[] = MECHANISM "\0";
    put_sasl(wire, AUTHENTICATION_SASL, MECHANISMS, sizeof MECHANISMS);
    wire->phase = WIRE_AUTHENTICATING;
    return true;
}

static bool password_failed(rdb_wire *wire, rdb_error *err)
{
    return rdb_error_set(err, RDB_INVALID_PASSWORD, "password authentication failed for user \"%s\"", wire_auth_user(wire));
}

static bool first_message(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    struct exchange *exchange = wire->scram;
    const char *mechanism = wire_read_text(reader);
    uint32_t length = wire_read_u32(reader);
    const uint8_t *bytes = length != UINT32_MAX ? wire_read_bytes(reader, length) : NULL;
    if (reader->bad || reader->at != reader->end || bytes == NULL)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "malformed SCRAM message");
    if (strcmp(mechanism, MECHANISM) != 0)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "client selected an invalid SASL authentication mechanism");
    rdb_strbuf reply;
    rdb_strbuf_init(&reply, NULL);
    bool ok = rdb_scram_server_first(exchange->server, bytes, length, &reply, err);
    if (ok)
        put_sasl(wire, AUTHENTICATION_CONTINUE, reply.data, reply.length);
    rdb_strbuf_free(&reply);
    exchange->is_started = true;
    return ok;
}

static bool final_message(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    struct exchange *exchange = wire->scram;
    rdb_strbuf reply;
    bool accepted = false;
    rdb_strbuf_init(&reply, NULL);
    bool ok = rdb_scram_server_final(exchange->server, reader->at, (size_t)(reader->end - reader->at), &reply, &accepted, err);
    if (ok && accepted)
        put_sasl(wire, AUTHENTICATION_FINAL, reply.data, reply.length);
    rdb_strbuf_free(&reply);
    if (!ok)
        return false;
    if (!accepted)
        return password_failed(wire, err);
    wire_scram_end(wire);
    return wire_auth_accept(wire, err);
}

void wire_handle_authentication(rdb_wire *wire, char type, wire_reader *reader)
{
    rdb_error err = {0};
    const struct exchange *exchange = wire->scram;
    bool ok = type == 'p' ? (exchange->is_started ? final_message(wire, reader, &err) : first_message(wire, reader, &err))
                          : rdb_error_set(&err, RDB_PROTOCOL_VIOLATION, "expected SASL response, got message type %d", (unsigned char)type);
    if (!ok)
        wire_fatal(wire, &err);
}
