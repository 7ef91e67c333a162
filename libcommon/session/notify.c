/* SPDX-License-Identifier: Apache-2.0
 * See notify.h. The hub keeps one listener a session that listens, with its channels and a queue of messages; a message is one
 * block of memory, shared by all queues that hold it. What always holds: a listener's queue is in the order of commits, since
 * whoever commits notifications holds the hub's order lock from before the commit until they are in the queues; and who puts
 * something into an empty queue rouses that session's connection, so a parked session tells its client at once. */
#include "session/notify.h"

#include "expr/kernels.h"
#include "session/wire_int.h"

#include <stdlib.h>

enum { PAYLOAD_BYTES_MAX = 7999 };
#define QUEUE_BYTES_MAX (UINT64_C(256) << 20) /* of all messages that wait for anyone */

typedef struct message {
    uint32_t references; /* under the hub's lock, as the rest of the hub */
    uint32_t pid;
    size_t bytes;
    const char *channel, *payload; /* behind the struct */
} message;

typedef struct listener {
    struct listener *next;
    rdb_session *session;
    uint32_t pid, pdb;
    char (*channels)[RDB_NAMEDATALEN]; /* in the order in which they were asked for */
    uint32_t channel_count, channel_capacity;
    message **queue;
    uint32_t queue_count, queue_capacity;
} listener;

struct notify_hub {
    rdb_mutex order; /* RDB_RANK_COMMAND: held over the commit of a transaction that notifies or listens */
    rdb_mutex lock;  /* RDB_RANK_CATALOG: guards what follows */
    listener *listeners;
    uint64_t queued_bytes;
};

typedef struct pending {
    enum { PENDING_NOTIFY, PENDING_LISTEN, PENDING_UNLISTEN, PENDING_UNLISTEN_ALL } kind;
    uint32_t level; /* savepoints that were open */
    message *message;               /* NOTIFY */
    char channel[RDB_NAMEDATALEN];  /* LISTEN, UNLISTEN */
} pending;

struct session_notify {
    pending *items;
    uint32_t count, capacity;
    rdb_map *known;      /* messages of the transaction, by channel, zero byte, payload: nothing is said twice; NULL: few, looked through */
    listener *listener;  /* NULL: it never listened */
    bool holds_order;
    _Atomic bool has_messages; /* its queue is not empty */
};

enum { KNOWN_FROM = 16 }; /* this many items make the map worth it */

bool notify_hub_create(notify_hub **hub_out, rdb_error *err)
{
    notify_hub *hub = *hub_out = calloc(1, sizeof *hub);
    if (hub == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_mutex_init(&hub->order, RDB_RANK_COMMAND);
    rdb_mutex_init(&hub->lock, RDB_RANK_CATALOG);
    return true;
}

void notify_hub_destroy(notify_hub **hub)
{
    if (*hub == NULL)
        return;
    RDB_VERIFY((*hub)->listeners == NULL);
    rdb_mutex_deinit(&(*hub)->order);
    rdb_mutex_deinit(&(*hub)->lock);
    free(*hub);
    *hub = NULL;
}

static notify_hub *hub_of(const rdb_session *session)
{
    return session_engine_notify_hub(session->engine);
}

static bool need_state(rdb_session *session, rdb_error *err)
{
    if (session->notify == NULL)
        session->notify = calloc(1, sizeof *session->notify);
    return session->notify != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static bool push(rdb_session *session, const pending *item, rdb_error *err)
{
    struct session_notify *state = session->notify;
    if (state->count == state->capacity) {
        const uint32_t capacity = state->capacity * 2 + 8;
        pending *grown = realloc(state->items, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        state->items = grown;
        state->capacity = capacity;
    }
    state->items[state->count] = *item;
    state->items[state->count++].level = session->savepoint_count;
    return true;
}

/* ---- what a transaction says -------------------------------------------------------------------------------------------------- */
static size_t key_length(const message *said)
{
    return (size_t)(said->payload - said->channel) + strlen(said->payload);
}

static bool is_known(struct session_notify *state, const message *said)
{
    const size_t length = key_length(said);
    if (state->known != NULL)
        return rdb_map_get(state->known, said->channel, length) != NULL;
    for (uint32_t i = 0; i < state->count; i++) {
        const message *other = state->items[i].message;
        if (other != NULL && key_length(other) == length && memcmp(other->channel, said->channel, length) == 0)
            return true;
    }
    return false;
}

/* From now on the map knows them; where there is no memory for it the list is looked through as before. */
static void remember(struct session_notify *state, message *said)
{
    if (state->known == NULL && state->count < KNOWN_FROM)
        return;
    const bool is_new = state->known == NULL;
    bool ok = !is_new || (state->known = rdb_map_create()) != NULL;
    for (uint32_t i = 0; ok && is_new && i < state->count; i++)
        if (state->items[i].message != NULL)
            ok = rdb_map_put(state->known, state->items[i].message->channel, key_length(state->items[i].message), state->items[i].message, NULL);
    ok = ok && rdb_map_put(state->known, said->channel, key_length(said), said, NULL);
    if (!ok) {
        rdb_map_destroy(state->known);
        state->known = NULL;
    }
}

bool session_notify_add(rdb_session *session, const char *channel, const char *payload, rdb_error *err)
{
    const size_t channel_bytes = strlen(channel) + 1, payload_bytes = strlen(payload) + 1;
    if (channel_bytes == 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "channel name cannot be empty");
    if (channel_bytes > RDB_NAMEDATALEN)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "channel name too long");
    if (payload_bytes > PAYLOAD_BYTES_MAX + 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "payload string too long");
    if (!need_state(session, err))
        return false;
    message *said = malloc(sizeof *said + channel_bytes + payload_bytes);
    if (said == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    char *texts = (char *)(said + 1);
    memcpy(texts, channel, channel_bytes);
    memcpy(texts + channel_bytes, payload, payload_bytes);
    *said = (message){.pid = session->pid, .bytes = sizeof *said + channel_bytes + payload_bytes, .channel = texts, .payload = texts + channel_bytes};
    if (is_known(session->notify, said)) {
        free(said);
        return true;
    }
    if (!push(session, &(pending){.kind = PENDING_NOTIFY, .message = said}, err)) {
        free(said);
        return false;
    }
    remember(session->notify, said);
    return true;
}

static bool add_listen(rdb_session *session, int kind, const char *channel, rdb_error *err)
{
    pending item = {.kind = kind};
    snprintf(item.channel, sizeof item.channel, "%s", channel);
    return need_state(session, err) && push(session, &item, err);
}

bool session_unlisten_all(rdb_session *session, rdb_error *err)
{
    return session->notify == NULL || add_listen(session, PENDING_UNLISTEN_ALL, "", err);
}

bool session_notify_statement(rdb_session *session, const rdb_ast_node *statement, rdb_error *err)
{
    if (statement->tag == RDB_AST_NOTIFY) {
        const rdb_ast_notify *notify = (const rdb_ast_notify *)statement;
        return session_notify_add(session, notify->channel, notify->payload != NULL ? notify->payload : "", err);
    }
    if (statement->tag == RDB_AST_LISTEN)
        return add_listen(session, PENDING_LISTEN, ((const rdb_ast_listen *)statement)->channel, err);
    const char *channel = ((const rdb_ast_unlisten *)statement)->channel;
    return channel == NULL ? session_unlisten_all(session, err) : session->notify == NULL || add_listen(session, PENDING_UNLISTEN, channel, err);
}

/* Drops the items from first on. */
static void cut(struct session_notify *state, uint32_t first)
{
    if (state->known != NULL && first < state->count) { /* what is left may be few again; a later message fills it anew */
        rdb_map_destroy(state->known);
        state->known = NULL;
    }
    while (state->count > first)
        free(state->items[--state->count].message); /* NULL once the hub has it */
}

void session_notify_forget(rdb_session *session)
{
    if (session->notify != NULL)
        cut(session->notify, 0);
}

void session_notify_release(rdb_session *session, uint32_t savepoint_no)
{
    for (uint32_t i = session->notify != NULL ? session->notify->count : 0; i-- > 0 && session->notify->items[i].level > savepoint_no;)
        session->notify->items[i].level = savepoint_no;
}

void session_notify_rollback(rdb_session *session, uint32_t savepoint_no)
{
    struct session_notify *state = session->notify;
    uint32_t first = state != NULL ? state->count : 0;
    while (first > 0 && state->items[first - 1].level > savepoint_no)
        first--;
    if (state != NULL)
        cut(state, first);
}

/* ---- the commit ------------------------------------------------------------------------------------------------------------------ */
bool session_notify_is_pending(const rdb_session *session)
{
    return session->notify != NULL && session->notify->count > 0;
}

bool session_notify_begin_commit(rdb_session *session, rdb_error *err)
{
    struct session_notify *state = session->notify;
    if (state == NULL || state->count == 0)
        return true;
    notify_hub *hub = hub_of(session);
    uint64_t bytes = 0;
    bool listens = false;
    for (uint32_t i = 0; i < state->count; i++) {
        bytes += state->items[i].message != NULL ? state->items[i].message->bytes : 0;
        listens = listens || state->items[i].kind == PENDING_LISTEN;
    }
    listener *made = listens && state->listener == NULL ? calloc(1, sizeof *made) : NULL;
    if (listens && state->listener == NULL && made == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_mutex_lock(&hub->order);
    rdb_mutex_lock(&hub->lock);
    const bool fits = hub->queued_bytes + bytes <= QUEUE_BYTES_MAX;
    if (made != NULL && fits) {
        *made = (listener){.session = session, .pid = session->pid, .pdb = rdb_database_pdb(session->database)};
        listener **end = &hub->listeners;
        while (*end != NULL)
            end = &(*end)->next;
        state->listener = *end = made;
    }
    /* Room for its channels, so that nothing fails after the commit. */
    bool has_room = true;
    listener *own = state->listener;
    if (own != NULL && own->channel_count + state->count > own->channel_capacity) {
        void *grown = realloc(own->channels, (own->channel_count + state->count) * sizeof *own->channels);
        has_room = grown != NULL;
        if (has_room) {
            own->channels = grown;
            own->channel_capacity = own->channel_count + state->count;
        }
    }
    rdb_mutex_unlock(&hub->lock);
    state->holds_order = true;
    if (fits && has_room)
        return true;
    if (!fits)
        free(made);
    rdb_mutex_unlock(&hub->order);
    state->holds_order = false;
    return rdb_error_set(err, has_room ? RDB_PROGRAM_LIMIT_EXCEEDED : RDB_OUT_OF_MEMORY, has_room ? "too many notifications in the NOTIFY queue" : "out of memory");
}

static uint32_t find_channel(const listener *at, const char *channel)
{
    uint32_t i = 0;
    while (i < at->channel_count && strcmp(at->channels[i], channel) != 0)
        i++;
    return i;
}

static void apply(listener *own, const pending *item)
{
    const uint32_t at = own != NULL ? find_channel(own, item->channel) : 0;
    if (own == NULL)
        return;
    if (item->kind == PENDING_UNLISTEN_ALL)
        own->channel_count = 0;
    else if (item->kind == PENDING_LISTEN && at == own->channel_count)
        memcpy(own->channels[own->channel_count++], item->channel, sizeof item->channel);
    else if (item->kind == PENDING_UNLISTEN && at < own->channel_count) {
        memmove(own->channels[at], own->channels[at + 1], (own->channel_count - at - 1) * sizeof *own->channels);
        own->channel_count--;
    }
}

/* Into a listener's queue. Where there is no memory left the message is lost to it: the commit is done. */
static bool enqueue(listener *to, message *said)
{
    if (to->queue_count == to->queue_capacity) {
        const uint32_t capacity = to->queue_capacity * 2 + 8;
        message **grown = realloc(to->queue, capacity * sizeof(message *));
        if (grown == NULL)
            return false;
        to->queue = grown;
        to->queue_capacity = capacity;
    }
    to->queue[to->queue_count++] = said;
    said->references++;
    return true;
}

void session_notify_end_commit(rdb_session *session, bool committed)
{
    struct session_notify *state = session->notify;
    if (state == NULL || !state->holds_order)
        return;
    notify_hub *hub = hub_of(session);
    const uint32_t pdb = rdb_database_pdb(session->database);
    uint32_t *roused = NULL, roused_count = 0, roused_capacity = 0;
    rdb_mutex_lock(&hub->lock);
    for (uint32_t i = 0; committed && i < state->count; i++)
        if (state->items[i].kind != PENDING_NOTIFY)
            apply(state->listener, &state->items[i]);
    for (uint32_t i = 0; committed && i < state->count; i++) {
        message *said = state->items[i].message;
        for (listener *to = said != NULL ? hub->listeners : NULL; to != NULL; to = to->next) {
            if (to->pdb != pdb || find_channel(to, said->channel) == to->channel_count || !enqueue(to, said))
                continue;
            if (atomic_exchange(&to->session->notify->has_messages, true) || to->session == session)
                continue;
            if (roused_count == roused_capacity) {
                const uint32_t capacity = roused_capacity * 2 + 8;
                uint32_t *grown = realloc(roused, capacity * sizeof *grown);
                if (grown == NULL)
                    continue; /* it tells its client with its next statement */
                roused = grown;
                roused_capacity = capacity;
            }
            roused[roused_count++] = to->pid;
        }
        if (said != NULL && said->references > 0) {
            hub->queued_bytes += said->bytes;
            state->items[i].message = NULL;
        }
    }
    rdb_mutex_unlock(&hub->lock);
    state->holds_order = false;
    rdb_mutex_unlock(&hub->order);
    for (uint32_t i = 0; i < roused_count && session->owner.rouse != NULL; i++)
        session->owner.rouse(session->owner.context, roused[i]);
    free(roused);
}

/* ---- delivery ---------------------------------------------------------------------------------------------------------------------- */
static void release(notify_hub *hub, message *said)
{
    if (--said->references > 0)
        return;
    hub->queued_bytes -= said->bytes;
    free(said);
}

void session_notify_deliver(rdb_session *session)
{
    struct session_notify *state = session->notify;
    if (state == NULL || session->block != SESSION_IDLE || !atomic_load_explicit(&state->has_messages, memory_order_acquire))
        return;
    notify_hub *hub = hub_of(session);
    rdb_strbuf *output = session->owner.output;
    rdb_mutex_lock(&hub->lock);
    listener *own = state->listener;
    atomic_store(&state->has_messages, false);
    for (uint32_t i = 0; i < own->queue_count; i++) {
        message *said = own->queue[i];
        if (find_channel(own, said->channel) < own->channel_count) { /* it may have gone away since */
            const size_t begin = wire_message_begin(output, 'A');
            wire_put_u32(output, said->pid);
            session_put_name(session, output, said->channel);
            session_put_name(session, output, said->payload);
            wire_message_end(output, begin);
        }
        release(hub, said);
    }
    own->queue_count = 0;
    rdb_mutex_unlock(&hub->lock);
}

void session_notify_end(rdb_session *session)
{
    struct session_notify *state = session->notify;
    if (state == NULL)
        return;
    notify_hub *hub = hub_of(session);
    listener *own = state->listener;
    cut(state, 0);
    if (own != NULL) {
        rdb_mutex_lock(&hub->lock);
        listener **at = &hub->listeners;
        while (*at != own)
            at = &(*at)->next;
        *at = own->next;
        for (uint32_t i = 0; i < own->queue_count; i++)
            release(hub, own->queue[i]);
        rdb_mutex_unlock(&hub->lock);
        free(own->queue);
        free(own->channels);
        free(own);
    }
    free(state->items);
    free(state);
    session->notify = NULL;
}

/* ---- functions ----------------------------------------------------------------------------------------------------------------------- */
static bool notify_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)is_null;
    const char *channel = nulls[0] ? "" : rdb_arena_strndup(call->arena, (const char *)a[0].bytes.data, a[0].bytes.length);
    const char *payload = nulls[1] ? "" : rdb_arena_strndup(call->arena, (const char *)a[1].bytes.data, a[1].bytes.length);
    return session_notify_add(rdb_eval_of(call)->session, channel, payload, call->err) && expr_set_text(call, "", 0, result);
}
EXPR_ROW_KERNEL(notify, 2)

static bool queue_usage_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    notify_hub *hub = hub_of(rdb_eval_of(call)->session);
    rdb_mutex_lock(&hub->lock);
    result->f8 = (double)hub->queued_bytes / (double)QUEUE_BYTES_MAX;
    rdb_mutex_unlock(&hub->lock);
    return true;
}
EXPR_ROW_KERNEL(queue_usage, 0)

static bool channels_begin(rdb_call *call, void *rows, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    const listener *own = session->notify != NULL ? session->notify->listener : NULL; /* its channels change in its own thread alone */
    const bool not_null = false;
    (void)arguments, (void)is_null;
    for (uint32_t i = 0; own != NULL && i < own->channel_count; i++) {
        const rdb_datum name = expr_text(rdb_arena_strdup(call->arena, own->channels[i]));
        expr_rows_add(call, rows, &name, &not_null, 1);
    }
    return true;
}

void session_register_notify_functions(void)
{
    static const rdb_kernel_entry KERNELS[] = {
        {3036, notify, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {3296, queue_usage, RDB_KERNEL_NEEDS_SESSION},
    };
    static const rdb_set_kernel_entry SETS[] = {
        {.proc_oid = 3035, .state_bytes = sizeof(expr_rows), .begin = channels_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    };
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
