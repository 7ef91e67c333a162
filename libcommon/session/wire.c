/* SPDX-License-Identifier: Apache-2.0
 * One connection: its buffers, and the loop that takes messages off the input one by one. What always holds: a message is
 * looked at only when it is whole; the output is sent before the connection waits for input; and a connection that
 * rests owns no buffer. */
#include "session/notify.h"
#include "session/wire_int.h"

#include "base/rdb_log.h"

#include <unistd.h>

#define INPUT_BYTES_MIN (8u << 10)
/* Numbers of sessions: above all that a Linux kernel gives to processes and threads (PID_MAX_LIMIT), which pg_stat_activity tells of the
 * server's own threads. Who kills by one hits nothing. */
#define PIDS_BEGIN (UINT32_C(1) << 22)
#define INPUT_BYTES_COPY (128u << 10) /* several messages a system call */

bool rdb_wire_host_create(rdb_wire_host **host_out, const rdb_wire_config *config, rdb_error *err)
{
    *host_out = NULL;
    rdb_wire_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    host->config = *config;
    host->next_pid = PIDS_BEGIN + (uint32_t)getpid();
    rdb_mutex_init(&host->lock, RDB_RANK_SESSION);
    *host_out = host;
    return true;
}

void rdb_wire_host_destroy(rdb_wire_host **host)
{
    if (*host == NULL)
        return;
    RDB_VERIFY((*host)->connections == NULL);
    rdb_mutex_deinit(&(*host)->lock);
    free(*host);
    *host = NULL;
}

void rdb_wire_host_shutdown(rdb_wire_host *host, bool terminate)
{
    rdb_mutex_lock(&host->lock);
    atomic_store(&host->is_stopping, true);
    for (rdb_wire *wire = host->connections; wire != NULL; wire = wire->next) {
        atomic_store(&wire->stop_asked, true);
        if (terminate && wire->session != NULL)
            session_cancel(wire->session, true);
    }
    rdb_mutex_unlock(&host->lock);
}

void rdb_wire_host_cancel_all(rdb_wire_host *host)
{
    rdb_mutex_lock(&host->lock);
    for (rdb_wire *wire = host->connections; wire != NULL; wire = wire->next)
        if (wire->session != NULL)
            session_cancel(wire->session, false);
    rdb_mutex_unlock(&host->lock);
}

void rdb_wire_host_client_gone(rdb_wire_host *host, const void *channel_context)
{
    rdb_mutex_lock(&host->lock);
    for (rdb_wire *wire = host->connections; wire != NULL; wire = wire->next)
        if (wire->channel.context == channel_context && wire->session != NULL)
            session_client_gone(wire->session);
    rdb_mutex_unlock(&host->lock);
}

uint32_t rdb_wire_host_connection_count(rdb_wire_host *host)
{
    rdb_mutex_lock(&host->lock);
    uint32_t count = host->connection_count;
    rdb_mutex_unlock(&host->lock);
    return count;
}

void wire_host_cancel(rdb_wire_host *host, uint32_t pid, uint32_t secret)
{
    rdb_mutex_lock(&host->lock);
    for (rdb_wire *wire = host->connections; wire != NULL; wire = wire->next)
        if (wire->pid == pid && wire->secret == secret && wire->session != NULL)
            session_cancel(wire->session, false);
    rdb_mutex_unlock(&host->lock);
}

bool rdb_wire_create(rdb_wire **wire_out, rdb_wire_host *host, const rdb_channel *channel, rdb_error *err)
{
    *wire_out = NULL;
    rdb_wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    wire->host = host;
    wire->channel = *channel;
    wire->phase = WIRE_STARTUP;
    wire->opened_us = rdb_time_monotonic_us();
    rdb_strbuf_init(&wire->output, NULL);
    rdb_random_bytes(&wire->secret, sizeof wire->secret);
    rdb_mutex_lock(&host->lock);
    wire->pid = host->next_pid;
    host->next_pid = host->next_pid == INT32_MAX ? PIDS_BEGIN : host->next_pid + 1;
    wire->next = host->connections;
    if (wire->next != NULL)
        wire->next->previous = wire;
    host->connections = wire;
    host->connection_count++;
    rdb_mutex_unlock(&host->lock);
    *wire_out = wire;
    return true;
}

void rdb_wire_destroy(rdb_wire **wire_at)
{
    rdb_wire *wire = *wire_at;
    if (wire == NULL)
        return;
    rdb_wire_host *host = wire->host;
    rdb_session *session = wire->session;
    /* Out of the list first: a cancel request must not meet a session that is going away. */
    rdb_mutex_lock(&host->lock);
    wire->session = NULL;
    *(wire->previous != NULL ? &wire->previous->next : &host->connections) = wire->next;
    if (wire->next != NULL)
        wire->next->previous = wire->previous;
    host->connection_count--;
    rdb_mutex_unlock(&host->lock);
    session_destroy(&session);
    wire_scram_end(wire);
    wire_auth_destroy(&wire->auth);
    free(wire->input);
    rdb_strbuf_free(&wire->output);
    free(wire);
    *wire_at = NULL;
}

/* What the answer tells of is durable before it leaves (R17). Where the log cannot be written the client is told that nobody knows. */
static void await_published(rdb_wire *wire)
{
    rdb_error err;
    rdb_error_init(&err);
    wire->is_unheld = false;
    if (!rdb_txn_wait_published(rdb_engine_txns(wire->host->config.engine), wire->session->unpublished_scn, &err)) {
        rdb_strbuf_clear(&wire->output);
        wire->session->unpublished_scn = 0;
        wire_fatal(wire, &err);
        wire->is_broken = true;
    }
    rdb_error_clear(&err);
}

bool wire_flush(rdb_wire *wire)
{
    if (wire->session != NULL && wire->output.length > 0 && session_must_hold(wire->session))
        await_published(wire);
    if (wire->output.failed)
        wire->is_broken = true; /* a reply that was cut for want of memory must not look whole */
    if (wire->output.length > 0 && !wire->is_broken) {
        rdb_error err;
        rdb_error_init(&err);
        if (!wire->channel.send(wire->channel.context, wire->output.data, wire->output.length, &err))
            wire->is_broken = true;
        rdb_error_clear(&err);
    }
    rdb_strbuf_clear(&wire->output);
    return !wire->is_broken;
}

static bool make_room(rdb_wire *wire, size_t need)
{
    if (wire->input_at == wire->input_end)
        wire->input_at = wire->input_end = 0;
    if (wire->input_capacity - wire->input_at >= need && wire->input_capacity > wire->input_end)
        return true;
    if (wire->input_at > 0) {
        memmove(wire->input, wire->input + wire->input_at, wire->input_end - wire->input_at);
        wire->input_end -= wire->input_at;
        wire->input_at = 0;
    }
    if (wire->input_capacity >= need && wire->input_capacity > wire->input_end)
        return true;
    size_t capacity = RDB_MAX(need, (size_t)INPUT_BYTES_MIN);
    uint8_t *grown = realloc(wire->input, capacity);
    if (grown == NULL)
        return false;
    wire->input = grown;
    wire->input_capacity = capacity;
    return true;
}

wire_fill wire_fill_input(rdb_wire *wire, size_t need, int64_t wait_us)
{
    while (wire->input_end - wire->input_at < need) {
        size_t got = 0;
        bool is_closed = false;
        rdb_error err;
        rdb_error_init(&err);
        if (!make_room(wire, need))
            return WIRE_FILL_CLOSED;
        if (!wire->channel.receive(wire->channel.context, wire->input + wire->input_end,
                                   wire->input_capacity - wire->input_end, wait_us, &got, &is_closed, &err)) {
            rdb_error_clear(&err);
            wire->is_broken = true;
            return WIRE_FILL_CLOSED;
        }
        if (is_closed)
            return WIRE_FILL_CLOSED;
        if (got == 0)
            return WIRE_FILL_QUIET;
        wire->input_end += got;
    }
    return WIRE_FILL_OK;
}

/* Messages whose length follows the data they carry; all others are short, and a long one is not believed. */
static bool may_be_long(char type)
{
    return type == 'Q' || type == 'P' || type == 'B' || type == 'd' || type == 'F' || type == 'p';
}

static uint32_t peek_length(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Takes one whole message and handles it. The input does not move while a handler looks at it, except in a COPY, which
 * takes its messages itself after this one has been consumed. */
static wire_fill serve_one(rdb_wire *wire, int64_t wait_us)
{
    bool has_type = wire->phase != WIRE_STARTUP;
    size_t head = has_type ? 5 : 4;
    wire_fill fill = wire_fill_input(wire, head, wait_us);
    if (fill != WIRE_FILL_OK)
        return fill;
    const uint8_t *at = wire->input + wire->input_at;
    char type = has_type ? (char)at[0] : '\0';
    if (wire->phase == WIRE_READY && (type == '\0' || strchr("QPBDECSHXdcfF", type) == NULL)) { /* before its length, which means nothing then */
        rdb_error err = {0};
        rdb_error_set(&err, RDB_PROTOCOL_VIOLATION, "invalid frontend message type %d", (unsigned char)type);
        wire_fatal(wire, &err);
        return WIRE_FILL_CLOSED;
    }
    uint32_t length = peek_length(at + head - 4);
    uint32_t longest = !has_type ? WIRE_STARTUP_MAX : may_be_long(type) ? WIRE_MESSAGE_MAX : WIRE_SMALL_MESSAGE_MAX;
    if (wire->phase == WIRE_AUTHENTICATING)
        longest = RDB_MIN(longest, 65535u);
    if (length < 4 || length > longest) {
        RDB_LOG(RDB_LOG_DEBUG, "wire", "%s %u: the connection is closed", has_type ? "invalid message length" : "invalid length of startup packet", length);
        return WIRE_FILL_CLOSED;
    }
    size_t whole = head - 4 + length;
    fill = wire_fill_input(wire, whole, wait_us);
    if (fill != WIRE_FILL_OK)
        return fill;
    at = wire->input + wire->input_at;
    wire_reader reader = {.at = at + head, .end = at + whole};
    wire->input_at += whole;
    if (wire->phase == WIRE_STARTUP)
        wire_handle_startup(wire, &reader);
    else if (wire->phase == WIRE_AUTHENTICATING)
        wire_handle_authentication(wire, type, &reader);
    else
        wire_handle_message(wire, type, &reader);
    if (wire->session != NULL)
        wire->session->query_text = NULL; /* its bytes go now */
    return WIRE_FILL_OK;
}

/* The list's lock keeps the connection while it is told: it leaves the list before anything of it is freed. */
bool wire_owner_signal(void *wire_at, uint32_t pid, bool terminate)
{
    rdb_wire_host *host = ((rdb_wire *)wire_at)->host;
    bool found = false;
    rdb_mutex_lock(&host->lock);
    for (rdb_wire *wire = host->connections; wire != NULL && !found; wire = wire->next) {
        if (wire->pid != pid || wire->session == NULL)
            continue;
        found = true;
        if (terminate)
            atomic_store(&wire->kill_asked, true);
        session_cancel(wire->session, terminate);
        if (terminate && wire->channel.wake != NULL)
            wire->channel.wake(wire->channel.context);
    }
    rdb_mutex_unlock(&host->lock);
    return found;
}

/* As above: the lock keeps the connection. */
void wire_owner_rouse(void *wire_at, uint32_t pid)
{
    rdb_wire_host *host = ((rdb_wire *)wire_at)->host;
    rdb_mutex_lock(&host->lock);
    for (rdb_wire *wire = host->connections; wire != NULL; wire = wire->next)
        if (wire->pid == pid && wire->session != NULL && wire->channel.rouse != NULL)
            wire->channel.rouse(wire->channel.context);
    rdb_mutex_unlock(&host->lock);
}

bool wire_owner_flush(void *wire)
{
    return wire_flush(wire);
}

/* A client that is silent inside COPY FROM STDIN: a cancel or a timeout ends the wait, within this time. */
#define COPY_LOOK_US INT64_C(200000)
static bool await_copy_bytes(rdb_wire *wire, size_t need)
{
    wire_fill fill;
    while ((fill = wire_fill_input(wire, need, COPY_LOOK_US)) == WIRE_FILL_QUIET) {
        rdb_error err;
        rdb_error_init(&err);
        if (!rdb_cancel_check(&wire->session->cancel, &err)) {
            rdb_error_clear(&err);
            return false;
        }
    }
    return fill == WIRE_FILL_OK;
}

/* Inside COPY FROM STDIN the statement takes the messages itself. */
bool wire_owner_copy_message(void *wire_at, char *type, const uint8_t **body, size_t *length)
{
    rdb_wire *wire = wire_at;
    if (wire->input_capacity < INPUT_BYTES_COPY && !make_room(wire, INPUT_BYTES_COPY))
        return false;
    if (!await_copy_bytes(wire, 5))
        return false;
    uint32_t size = peek_length(wire->input + wire->input_at + 1);
    *type = (char)wire->input[wire->input_at];
    wire->sync_lost = strchr("dcfHS", *type) == NULL || *type == '\0';
    if (wire->sync_lost)
        return true;
    wire->sync_lost = size < 4 || size > (*type == 'd' ? WIRE_MESSAGE_MAX : WIRE_SMALL_MESSAGE_MAX);
    if (wire->sync_lost || !await_copy_bytes(wire, (size_t)size + 1))
        return false;
    *body = wire->input + wire->input_at + 5;
    *length = size - 4;
    wire->input_at += (size_t)size + 1;
    return true;
}

static bool has_whole_message(const rdb_wire *wire)
{
    size_t head = wire->phase != WIRE_STARTUP ? 5 : 4, unread = wire->input_end - wire->input_at;
    return unread >= head && unread >= head - 4 + (size_t)peek_length(wire->input + wire->input_at + head - 4);
}

void rdb_wire_rest(rdb_wire *wire)
{
    if (wire->input_at == wire->input_end) {
        free(wire->input);
        wire->input = NULL;
        wire->input_at = wire->input_end = wire->input_capacity = 0;
    }
    rdb_strbuf_free(&wire->output);
    rdb_strbuf_init(&wire->output, NULL);
    if (wire->session != NULL)
        session_trim(wire->session);
}

static void published(void *wire_at, const rdb_error *failure)
{
    rdb_wire *wire = wire_at;
    wire->is_unheld = failure != NULL; /* who is served again meets it himself */
    atomic_store_explicit(&wire->session->is_held, false, memory_order_relaxed);
    wire->channel.resume(wire->channel.context);
}

/* Leaves the answer to the committer. Nothing of the connection may be touched afterwards. */
static bool hold(rdb_wire *wire)
{
    if (wire->is_unheld || wire->channel.hold == NULL || wire->session == NULL || wire->output.length == 0 || wire->output.failed || !session_must_hold(wire->session) ||
        !wire->channel.hold(wire->channel.context))
        return false;
    wire_patience_begin(wire);
    atomic_store_explicit(&wire->session->is_held, true, memory_order_relaxed);
    wire->ticket = (rdb_publish_ticket){.scn = wire->session->unpublished_scn, .call = published, .context = wire};
    rdb_waiter_adopt(NULL); /* the session may be another thread's, or gone, once it is told */
    rdb_txn_when_published(rdb_engine_txns(wire->host->config.engine), &wire->ticket);
    return true;
}

bool rdb_wire_resume(rdb_wire *wire)
{
    size_t sent = 0;
    if (session_must_hold(wire->session) || !wire->channel.send_some(wire->channel.context, wire->output.data, wire->output.length, &sent))
        return false;
    wire->output.length -= sent;
    memmove(wire->output.data, wire->output.data + sent, wire->output.length);
    return wire->output.length == 0;
}

static bool must_end(rdb_wire *wire)
{
    return atomic_load_explicit(&wire->kill_asked, memory_order_relaxed) ||
           (atomic_load_explicit(&wire->stop_asked, memory_order_relaxed) && (wire->session == NULL || session_is_idle(wire->session)));
}

static rdb_wire_state serve(rdb_wire *wire, int64_t patience_us)
{
    for (;;) {
        if (wire->phase == WIRE_FINISHED || wire->is_broken)
            break;
        if (must_end(wire)) {
            rdb_error err = {0};
            rdb_error_set(&err, RDB_ADMIN_SHUTDOWN, "terminating connection due to administrator command");
            wire_fatal(wire, &err);
            break;
        }
        /* Pipelined messages are answered together: the output goes out when no whole message is left to read. */
        bool has_whole = has_whole_message(wire);
        if (!has_whole && wire->session != NULL)
            session_notify_deliver(wire->session);
        if (!has_whole && hold(wire))
            return RDB_WIRE_HELD;
        if (!has_whole && (!wire_flush(wire) || wire_patience_ended(wire)))
            break;
        wire_fill fill = serve_one(wire, has_whole ? 0 : patience_us);
        if (fill == WIRE_FILL_CLOSED && !wire->is_broken && wire->phase != WIRE_FINISHED && must_end(wire))
            continue; /* whoever asked for the end has closed our side to wake us: the client is told why */
        if (fill == WIRE_FILL_CLOSED)
            break;
        if (fill == WIRE_FILL_OK) {
            wire->quiet_since_us = 0;
        } else {
            wire_patience_begin(wire);
            return RDB_WIRE_IDLE;
        }
    }
    wire_flush(wire);
    return RDB_WIRE_CLOSED;
}

/* Meanwhile the thread's waits are the session's. */
rdb_wire_state rdb_wire_serve(rdb_wire *wire, int64_t patience_us)
{
    if (wire->session != NULL)
        rdb_waiter_adopt(&wire->session->waiter);
    const rdb_wire_state state = serve(wire, patience_us);
    rdb_waiter_adopt(NULL);
    return state;
}
