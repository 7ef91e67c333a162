/* SPDX-License-Identifier: Apache-2.0
 * The client's side of the wire. The socket is non-blocking; every wait passes through wait_readable, which is where an
 * interrupt becomes a cancel request on a second connection. A message is taken whole before it is looked at. */
#include "client/rdb_client.h"

#include "crypto/rdb_crypto.h"
#include "os/rdb_os.h"
#include "os/rdb_socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define CONNECT_WAIT_US INT64_C(15000000)
#define LOOK_EVERY_US INT64_C(100000) /* how late an interrupt is noticed */
#define MESSAGE_BYTES_MAX (1u << 30)
#define COLUMNS_MAX 65535
#define PROTOCOL_VERSION 196608u
#define SSL_REQUEST_CODE 80877103u
#define CANCEL_REQUEST_CODE 80877102u

volatile sig_atomic_t rdb_client_interrupted;

struct rdb_client {
    int fd;
    SSL *tls; /* NULL: plain */
    rdb_tls_context *tls_context;
    char *host;
    uint16_t port;
    int64_t deadline_us; /* 0: none */
    pid_t server_pid; /* 0: not a server of our own */
    uint32_t process_id, secret;
    char transaction_state;
    bool is_open, cancel_sent;
    char server_version[64];
    rdb_strbuf in;     /* bytes read; a message that was handed out stays until the next is asked for */
    size_t in_at;      /* where the next message starts */
    rdb_strbuf out;
    rdb_strbuf names;  /* column names of the current result, each with its zero */
    rdb_client_column *columns;
    rdb_client_value *values;
    uint32_t column_count, column_capacity;
};

typedef struct message {
    char type;
    const uint8_t *body;
    size_t length;
    size_t at; /* read so far */
    bool is_short; /* a field reached past the end */
} message;

/* ---- integers of the wire are big-endian -------------------------------------------------------------------------- */
static void put_be32(rdb_strbuf *buf, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    rdb_strbuf_add(buf, bytes, sizeof bytes);
}

static uint32_t be32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const uint8_t *take_bytes(message *m, size_t length)
{
    if (m->length - m->at < length) {
        m->is_short = true;
        m->at = m->length;
        return NULL;
    }
    m->at += length;
    return m->body + m->at - length;
}

static uint32_t take_u32(message *m)
{
    const uint8_t *at = take_bytes(m, 4);
    return at != NULL ? be32_at(at) : 0;
}

static uint32_t take_u16(message *m)
{
    const uint8_t *at = take_bytes(m, 2);
    return at != NULL ? (uint32_t)at[0] << 8 | at[1] : 0;
}

static const char *take_text(message *m)
{
    const char *text = (const char *)m->body + m->at;
    const void *zero = memchr(text, 0, m->length - m->at);
    if (zero == NULL) {
        m->is_short = true;
        m->at = m->length;
        return "";
    }
    m->at += (size_t)((const char *)zero - text) + 1;
    return text;
}

static bool broken_message(rdb_error *err)
{
    return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "the server sent a message that cannot be read");
}

/* ---- bytes -------------------------------------------------------------------------------------------------------- */
static bool lose(rdb_client *client, rdb_error *err)
{
    client->is_open = false;
    return rdb_error_set(err, RDB_CONNECTION_FAILURE, "the server closed the connection");
}

static bool tls_failed(rdb_client *client, const char *what, rdb_error *err)
{
    char reason[200] = "connection closed";
    unsigned long code = ERR_get_error();
    if (code != 0)
        ERR_error_string_n(code, reason, sizeof reason);
    client->is_open = false;
    rdb_error_set(err, RDB_CONNECTION_FAILURE, "%s", what);
    return rdb_error_detail(err, "TLS: %s.", reason);
}

/* A connection of its own, in the clear as the protocol has it; a failure is silent, the statement just goes on. */
static void send_cancel(rdb_client *client)
{
    if (client->server_pid != 0) {
        kill(client->server_pid, SIGUSR1);
        return;
    }
    int fd = -1;
    rdb_error ignored = {0};
    rdb_strbuf request;
    rdb_strbuf_init(&request, NULL);
    put_be32(&request, 16);
    put_be32(&request, CANCEL_REQUEST_CODE);
    put_be32(&request, client->process_id);
    put_be32(&request, client->secret);
    if (!request.failed && rdb_socket_connect(client->host, client->port, CONNECT_WAIT_US, &fd, &ignored) &&
        rdb_socket_write_all(fd, request.data, request.length, CONNECT_WAIT_US, &ignored))
        rdb_socket_wait(fd, false, CONNECT_WAIT_US); /* the server closes it when the request is passed on */
    rdb_socket_close(&fd);
    rdb_strbuf_free(&request);
    rdb_error_clear(&ignored);
}

static int64_t left_us(int64_t deadline_us, int64_t most_us)
{
    return deadline_us == 0 ? most_us : RDB_MAX(RDB_MIN(most_us, deadline_us - rdb_time_monotonic_us()), 0);
}

static bool wait_socket(rdb_client *client, bool for_writing, rdb_error *err)
{
    while (!rdb_socket_wait(client->fd, for_writing, left_us(client->deadline_us, LOOK_EVERY_US))) {
        if (left_us(client->deadline_us, 1) == 0) {
            client->is_open = false;
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "the server did not answer in time");
        }
        if (rdb_client_interrupted && !client->cancel_sent && client->process_id != 0) {
            client->cancel_sent = true;
            send_cancel(client);
        }
    }
    return true;
}

/* Appends what comes next to client->in, at least a byte. */
static bool read_more(rdb_client *client, rdb_error *err)
{
    if (client->in_at > 0) {
        memmove(client->in.data, client->in.data + client->in_at, client->in.length - client->in_at);
        client->in.length -= client->in_at;
        client->in_at = 0;
    }
    if (!rdb_strbuf_reserve(&client->in, 65536))
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (;;) {
        size_t got = 0;
        bool is_closed = false;
        char *target = client->in.data + client->in.length;
        if (client->tls != NULL) {
            ERR_clear_error();
            int n = SSL_read(client->tls, target, 65536);
            int why = n > 0 ? SSL_ERROR_NONE : SSL_get_error(client->tls, n);
            if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
                if (!wait_socket(client, why == SSL_ERROR_WANT_WRITE, err))
                    return false;
                continue;
            }
            if (n <= 0)
                return lose(client, err);
            got = (size_t)n;
        } else if (!rdb_socket_read(client->fd, target, 65536, &got, &is_closed, err)) {
            client->is_open = false;
            return false;
        }
        if (got > 0) {
            client->in.length += got;
            return true;
        }
        if (is_closed)
            return lose(client, err);
        if (!wait_socket(client, false, err))
            return false;
    }
}

static bool flush_out(rdb_client *client, rdb_error *err)
{
    bool ok = rdb_strbuf_check(&client->out, err);
    size_t at = 0;
    while (ok && at < client->out.length) {
        size_t done = 0;
        bool is_blocked = false, wants_read = false;
        if (client->tls != NULL) {
            ERR_clear_error();
            int n = SSL_write(client->tls, client->out.data + at, (int)RDB_MIN(client->out.length - at, 1u << 20));
            int why = n > 0 ? SSL_ERROR_NONE : SSL_get_error(client->tls, n);
            wants_read = why == SSL_ERROR_WANT_READ;
            is_blocked = wants_read || why == SSL_ERROR_WANT_WRITE;
            if (n > 0)
                done = (size_t)n;
            else if (!is_blocked)
                ok = lose(client, err);
        } else {
            ok = rdb_socket_write(client->fd, client->out.data + at, client->out.length - at, &done, err);
            is_blocked = done == 0;
            client->is_open = client->is_open && ok;
        }
        at += done;
        if (ok && is_blocked)
            ok = wait_socket(client, !wants_read, err);
    }
    rdb_strbuf_clear(&client->out);
    return ok;
}

/* ---- messages ----------------------------------------------------------------------------------------------------- */
static size_t begin_message(rdb_client *client, char type)
{
    if (type != 0)
        rdb_strbuf_addc(&client->out, type);
    put_be32(&client->out, 0);
    return client->out.length - 4;
}

static void end_message(rdb_client *client, size_t length_at)
{
    if (client->out.failed)
        return;
    uint32_t length = (uint32_t)(client->out.length - length_at);
    uint8_t *at = (uint8_t *)client->out.data + length_at;
    at[0] = (uint8_t)(length >> 24);
    at[1] = (uint8_t)(length >> 16);
    at[2] = (uint8_t)(length >> 8);
    at[3] = (uint8_t)length;
}

/* The next message; its body stays until the next call. */
static bool next_message(rdb_client *client, message *m, rdb_error *err)
{
    *m = (message){0};
    for (;;) {
        size_t there = client->in.length - client->in_at;
        if (there >= 5) {
            const uint8_t *head = (const uint8_t *)client->in.data + client->in_at;
            uint32_t length = be32_at(head + 1);
            if (length < 4 || length > MESSAGE_BYTES_MAX) {
                client->is_open = false;
                return broken_message(err);
            }
            if (there >= (size_t)length + 1) {
                *m = (message){.type = (char)head[0], .body = head + 5, .length = length - 4};
                client->in_at += (size_t)length + 1;
                return true;
            }
        }
        if (!read_more(client, err))
            return false;
    }
}

typedef struct report {
    const char *severity, *sqlstate, *message, *detail, *hint, *position, *context, *schema, *table, *column, *constraint;
} report;

static bool read_report(message *m, report *r)
{
    *r = (report){"", "", "", "", "", "", "", "", "", "", ""};
    const char *localized = "";
    for (;;) {
        const uint8_t *code = take_bytes(m, 1);
        if (code == NULL || *code == 0)
            break;
        const char *text = take_text(m);
        switch (*code) {
        case 'S': localized = text; break;
        case 'V': r->severity = text; break;
        case 'C': r->sqlstate = text; break;
        case 'M': r->message = text; break;
        case 'D': r->detail = text; break;
        case 'H': r->hint = text; break;
        case 'P': r->position = text; break;
        case 'W': r->context = text; break;
        case 's': r->schema = text; break;
        case 't': r->table = text; break;
        case 'c': r->column = text; break;
        case 'n': r->constraint = text; break;
        default: break; /* the protocol may add fields; unknown ones are to be ignored */
        }
    }
    if (r->severity[0] == '\0')
        r->severity = localized;
    return !m->is_short && strlen(r->sqlstate) == 5;
}

static bool take_error(rdb_client *client, message *m, rdb_error *err)
{
    report r;
    if (!read_report(m, &r)) {
        client->is_open = false;
        return broken_message(err);
    }
    if (strcmp(r.severity, "ERROR") != 0)
        client->is_open = false; /* FATAL and PANIC end the session */
    if (rdb_error_is_set(err))
        return false;
    rdb_error_set(err, r.sqlstate, "%s", r.message);
    if (r.detail[0] != '\0')
        rdb_error_detail(err, "%s", r.detail);
    if (r.hint[0] != '\0')
        rdb_error_hint(err, "%s", r.hint);
    if (r.context[0] != '\0')
        rdb_error_add_context(err, "%s", r.context);
    if (r.position[0] != '\0')
        rdb_error_position(err, atoi(r.position));
    rdb_error_name(err, RDB_ERROR_SCHEMA, r.schema);
    rdb_error_name(err, RDB_ERROR_TABLE, r.table);
    rdb_error_name(err, RDB_ERROR_COLUMN, r.column);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, r.constraint);
}

static void take_notice(message *m, const rdb_client_sink *sink)
{
    report r;
    if (read_report(m, &r) && sink->take_notice != NULL) {
        rdb_client_notice notice = {r.severity, r.sqlstate, r.message, r.detail, r.hint};
        sink->take_notice(&notice);
    }
}

/* Messages that may come at any time; false in *was_taken: it is something else. */
static void take_asynchronous(rdb_client *client, message *m, const rdb_client_sink *sink, bool *was_taken)
{
    *was_taken = true;
    if (m->type == 'N') {
        take_notice(m, sink);
    } else if (m->type == 'S') {
        const char *name = take_text(m), *value = take_text(m);
        if (!m->is_short && strcmp(name, "server_version") == 0)
            snprintf(client->server_version, sizeof client->server_version, "%s", value);
    } else if (m->type != 'A') { /* notifications: nothing in the shell listens */
        *was_taken = false;
    }
}

/* ---- start-up ----------------------------------------------------------------------------------------------------- */
static bool start_tls(rdb_client *client, const rdb_client_target *target, rdb_error *err)
{
    rdb_tls_options options = {.authority_path = target->authority_path};
    if (!rdb_tls_client_context(&client->tls_context, &options, target->host, err))
        return false;
    client->tls = SSL_new(client->tls_context);
    if (client->tls == NULL || SSL_set_fd(client->tls, client->fd) != 1)
        return tls_failed(client, "TLS cannot be started", err);
    SSL_set_tlsext_host_name(client->tls, target->host);
    SSL_set_mode(client->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    for (;;) {
        ERR_clear_error();
        int n = SSL_connect(client->tls);
        int why = n == 1 ? SSL_ERROR_NONE : SSL_get_error(client->tls, n);
        if (n == 1)
            return true;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return tls_failed(client, "the TLS handshake failed", err);
        if (!rdb_socket_wait(client->fd, why == SSL_ERROR_WANT_WRITE, left_us(client->deadline_us, CONNECT_WAIT_US)))
            return tls_failed(client, "the TLS handshake took too long", err);
    }
}

static bool negotiate_tls(rdb_client *client, const rdb_client_target *target, rdb_error *err)
{
    if (target->has_own_server || target->host[0] == '/' || target->tls == RDB_CLIENT_TLS_DISABLE)
        return true;
    put_be32(&client->out, 8);
    put_be32(&client->out, SSL_REQUEST_CODE);
    char answer = 0;
    size_t got = 0;
    bool is_closed = false;
    if (!flush_out(client, err))
        return false;
    /* One byte and no more: what follows it belongs to the handshake. */
    while (got == 0 && !is_closed) {
        if (!rdb_socket_wait(client->fd, false, left_us(client->deadline_us, CONNECT_WAIT_US)))
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "the server does not answer");
        if (!rdb_socket_read(client->fd, &answer, 1, &got, &is_closed, err))
            return false;
    }
    if (got == 0)
        return lose(client, err);
    if (answer == 'S')
        return start_tls(client, target, err);
    if (answer == 'N' && target->tls == RDB_CLIENT_TLS_PREFER && target->authority_path == NULL)
        return true;
    return answer == 'N' ? rdb_error_set(err, RDB_CANNOT_CONNECT, "the server does not offer TLS") : broken_message(err);
}

static bool get_password(const rdb_client_target *target, char *password, size_t size, rdb_error *err)
{
    if (target->ask_password != NULL && target->ask_password(target->user, password, size))
        return true;
    rdb_error_set(err, RDB_INVALID_PASSWORD, "role \"%s\" needs a password", target->user);
    return rdb_error_hint(err, "Set PGPASSWORD or use --password-file.");
}

/* The SCRAM exchange, begun by the server's list of mechanisms. */
static bool answer_sasl(rdb_client *client, message *m, const rdb_client_target *target, rdb_error *err)
{
    static const char MECHANISM[] = "SCRAM-SHA-256";
    bool is_offered = false;
    while (m->at < m->length) {
        const char *name = take_text(m);
        is_offered = is_offered || strcmp(name, MECHANISM) == 0;
    }
    if (!is_offered)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the server offers no SASL mechanism known here");
    rdb_scram_client *scram = NULL;
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    char password[1024];
    bool ok = get_password(target, password, sizeof password, err) && rdb_scram_client_create(&scram, password, err) &&
              rdb_scram_client_first(scram, &text, err) && rdb_strbuf_check(&text, err);
    rdb_wipe(password, sizeof password);
    if (ok) {
        size_t length_at = begin_message(client, 'p');
        rdb_strbuf_add(&client->out, MECHANISM, sizeof MECHANISM);
        put_be32(&client->out, (uint32_t)text.length);
        rdb_strbuf_add(&client->out, text.data, text.length);
        end_message(client, length_at);
        ok = flush_out(client, err);
    }
    for (uint32_t expected = 11; ok && expected <= 12; expected++) {
        message reply;
        ok = next_message(client, &reply, err);
        if (ok && reply.type == 'E')
            ok = take_error(client, &reply, err);
        else if (ok && (reply.type != 'R' || take_u32(&reply) != expected))
            ok = broken_message(err);
        if (!ok)
            break;
        const uint8_t *data = reply.body + reply.at;
        size_t length = reply.length - reply.at;
        rdb_strbuf_clear(&text);
        if (expected == 12) {
            ok = rdb_scram_client_verify(scram, data, length, err);
        } else if ((ok = rdb_scram_client_final(scram, data, length, &text, err) && rdb_strbuf_check(&text, err))) {
            size_t length_at = begin_message(client, 'p');
            rdb_strbuf_add(&client->out, text.data, text.length);
            end_message(client, length_at);
            ok = flush_out(client, err);
        }
    }
    rdb_strbuf_free(&text);
    rdb_scram_client_destroy(&scram);
    return ok;
}

static bool answer_cleartext(rdb_client *client, const rdb_client_target *target, rdb_error *err)
{
    char password[1024];
    if (!get_password(target, password, sizeof password, err))
        return false;
    size_t length_at = begin_message(client, 'p');
    rdb_strbuf_add(&client->out, password, strlen(password) + 1);
    end_message(client, length_at);
    rdb_wipe(password, sizeof password);
    return flush_out(client, err);
}

static bool start_session(rdb_client *client, const rdb_client_target *target, const rdb_client_sink *sink, rdb_error *err)
{
    const char *settings[][2] = {{"user", target->user}, {"database", target->database}, {"application_name", "rdb-cli"}, {"client_encoding", "UTF8"}};
    size_t length_at = begin_message(client, 0);
    put_be32(&client->out, PROTOCOL_VERSION);
    for (size_t setting_no = 0; setting_no < RDB_COUNT_OF(settings); setting_no++)
        for (int part = 0; part < 2; part++)
            rdb_strbuf_add(&client->out, settings[setting_no][part], strlen(settings[setting_no][part]) + 1);
    rdb_strbuf_addc(&client->out, 0);
    end_message(client, length_at);
    if (!flush_out(client, err))
        return false;
    for (;;) {
        message m;
        bool was_taken;
        if (!next_message(client, &m, err))
            return false;
        take_asynchronous(client, &m, sink, &was_taken);
        if (was_taken)
            continue;
        if (m.type == 'E')
            return take_error(client, &m, err);
        if (m.type == 'Z') {
            const uint8_t *state = take_bytes(&m, 1);
            client->transaction_state = state != NULL ? (char)*state : 'I';
            return true;
        }
        if (m.type == 'K') {
            client->process_id = take_u32(&m);
            client->secret = take_u32(&m);
        } else if (m.type == 'R') {
            uint32_t kind = take_u32(&m);
            bool ok = kind == 0 ? true : kind == 3 ? answer_cleartext(client, target, err) : kind == 10 ? answer_sasl(client, &m, target, err)
                      : rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the server asks for authentication method %u, which is not built in", kind);
            if (!ok)
                return false;
        } else if (m.type != 'v') { /* NegotiateProtocolVersion: nothing newer was asked for */
            return broken_message(err);
        }
        if (m.is_short)
            return broken_message(err);
    }
}

bool rdb_client_open(rdb_client **client, const rdb_client_target *target, const rdb_client_sink *sink, rdb_error *err)
{
    rdb_client *made = *client = calloc(1, sizeof *made);
    if (made == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    made->fd = -1;
    made->transaction_state = 'I';
    made->port = target->port;
    made->deadline_us = target->deadline_us;
    made->host = strdup(target->host);
    rdb_strbuf_init(&made->in, NULL);
    rdb_strbuf_init(&made->out, NULL);
    rdb_strbuf_init(&made->names, NULL);
    if (target->has_own_server) {
        made->fd = target->fd;
        made->server_pid = target->server_pid;
    }
    bool ok = (made->host != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) &&
              (target->has_own_server || rdb_socket_connect(target->host, target->port, left_us(target->deadline_us, CONNECT_WAIT_US), &made->fd, err));
    if (ok) {
        rdb_socket_tune(made->fd, 0);
        made->is_open = true;
        ok = negotiate_tls(made, target, err) && start_session(made, target, sink, err);
    }
    if (!ok)
        rdb_client_close(client);
    return ok;
}

void rdb_client_set_deadline(rdb_client *client, int64_t deadline_us)
{
    client->deadline_us = deadline_us;
}

void rdb_client_close(rdb_client **client)
{
    rdb_client *made = *client;
    if (made == NULL)
        return;
    rdb_error ignored = {0};
    if (made->is_open) {
        rdb_strbuf_clear(&made->out);
        end_message(made, begin_message(made, 'X'));
        (void)!flush_out(made, &ignored);
    }
    rdb_error_clear(&ignored);
    if (made->tls != NULL)
        SSL_free(made->tls);
    rdb_tls_context_destroy(&made->tls_context);
    rdb_socket_close(&made->fd);
    rdb_strbuf_free(&made->in);
    rdb_strbuf_free(&made->out);
    rdb_strbuf_free(&made->names);
    free(made->host);
    free(made->columns);
    free(made->values);
    free(made);
    *client = NULL;
}

/* ---- queries ------------------------------------------------------------------------------------------------------ */
static bool take_columns(rdb_client *client, message *m, rdb_error *err)
{
    uint32_t count = take_u16(m);
    if (count > client->column_capacity) {
        rdb_client_column *columns = realloc(client->columns, count * sizeof *columns);
        client->columns = columns != NULL ? columns : client->columns;
        rdb_client_value *values = realloc(client->values, count * sizeof *values);
        client->values = values != NULL ? values : client->values;
        if (columns == NULL || values == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        client->column_capacity = count;
    }
    client->column_count = 0;
    rdb_strbuf_clear(&client->names);
    for (uint32_t column_no = 0; column_no < count; column_no++) {
        const char *name = take_text(m);
        rdb_strbuf_add(&client->names, name, strlen(name) + 1);
        take_bytes(m, 6); /* table, attribute */
        client->columns[column_no].type = take_u32(m);
        take_bytes(m, 8); /* size, modifier, format */
    }
    if (m->is_short)
        return broken_message(err);
    if (!rdb_strbuf_check(&client->names, err))
        return false;
    const char *name = client->names.data;
    for (uint32_t column_no = 0; column_no < count; column_no++) {
        client->columns[column_no].name = name;
        name += strlen(name) + 1;
    }
    client->column_count = count;
    return true;
}

static bool take_values(rdb_client *client, message *m, rdb_error *err)
{
    if (take_u16(m) != client->column_count)
        return broken_message(err);
    for (uint32_t column_no = 0; column_no < client->column_count; column_no++) {
        rdb_client_value *value = &client->values[column_no];
        value->length = (int32_t)take_u32(m);
        value->text = value->length > 0 ? (const char *)take_bytes(m, (size_t)value->length) : "";
        if (m->is_short || value->length < -1)
            return broken_message(err);
    }
    return true;
}

/* All the data of COPY FROM STDIN; a source that fails makes the server undo the statement. */
static bool send_copy(rdb_client *client, const rdb_client_sink *sink, void *at, rdb_error *err)
{
    rdb_error trouble = {0};
    for (;;) {
        const void *bytes = NULL;
        size_t length = 0;
        if (rdb_client_interrupted)
            rdb_error_set(&trouble, RDB_QUERY_CANCELED, "interrupted");
        if (rdb_error_is_set(&trouble) || (sink->give_copy != NULL && !sink->give_copy(at, &bytes, &length, &trouble))) {
            size_t length_at = begin_message(client, 'f');
            rdb_strbuf_add(&client->out, rdb_error_message(&trouble), strlen(rdb_error_message(&trouble)) + 1);
            end_message(client, length_at);
            rdb_error_clear(&trouble);
            return flush_out(client, err); /* the server's own error follows */
        }
        size_t length_at = begin_message(client, length > 0 ? 'd' : 'c');
        rdb_strbuf_add(&client->out, bytes, length);
        end_message(client, length_at);
        if (!flush_out(client, err))
            return false;
        if (length == 0)
            return true;
    }
}

bool rdb_client_query(rdb_client *client, const char *sql, const rdb_client_sink *sink, void *at, rdb_error *err)
{
    if (client == NULL || !client->is_open)
        return rdb_error_set(err, RDB_CONNECTION_FAILURE, "the connection is closed");
    client->cancel_sent = false;
    client->column_count = 0;
    size_t length_at = begin_message(client, 'Q');
    rdb_strbuf_add(&client->out, sql, strlen(sql) + 1);
    end_message(client, length_at);
    if (!flush_out(client, err))
        return false;
    bool ok = true; /* after a failure the answer is read to its end, for the next statement's sake */
    for (;;) {
        message m;
        bool was_taken;
        if (!next_message(client, &m, err))
            return false;
        take_asynchronous(client, &m, sink, &was_taken);
        if (was_taken)
            continue;
        switch (m.type) {
        case 'Z': {
            const uint8_t *state = take_bytes(&m, 1);
            client->transaction_state = state != NULL ? (char)*state : 'I';
            return ok;
        }
        case 'E':
            ok = take_error(client, &m, err);
            if (!client->is_open)
                return false;
            break;
        case 'T':
            ok = ok && take_columns(client, &m, err) &&
                 (sink->begin_rows == NULL || sink->begin_rows(at, client->columns, client->column_count, err));
            break;
        case 'D':
            ok = ok && take_values(client, &m, err) &&
                 (sink->take_row == NULL || sink->take_row(at, client->values, client->column_count, err));
            break;
        case 'C': {
            const char *tag = take_text(&m);
            ok = ok && (sink->end_command == NULL || sink->end_command(at, tag, err));
            break;
        }
        case 'G':
            if (!send_copy(client, sink, at, err))
                return false;
            break;
        case 'd':
            ok = ok && (sink->take_copy == NULL || sink->take_copy(at, m.body, m.length, err));
            break;
        case 'H': case 'c': case 'I':
            break;
        default:
            client->is_open = false;
            return broken_message(err);
        }
    }
}

bool rdb_client_is_open(const rdb_client *client)
{
    return client != NULL && client->is_open;
}

char rdb_client_transaction_state(const rdb_client *client)
{
    return client != NULL ? client->transaction_state : 'I';
}

bool rdb_client_is_encrypted(const rdb_client *client)
{
    return client->tls != NULL;
}

const char *rdb_client_server_version(const rdb_client *client)
{
    return client->server_version;
}
