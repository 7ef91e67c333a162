/* SPDX-License-Identifier: Apache-2.0
 * The list of sessions. A session writes its own entry under the entry's lock, so that a reader never sees half a query; the
 * list's lock keeps entries, and the sessions behind them, from going away under a reader. */
#include "session/activity.h"
#include "observe/rdb_samples.h"
#include "session/settings.h"

struct session_activity {
    struct session_activity *next, *previous;
    rdb_session *session;
    rdb_mutex lock; /* of info */
    session_activity_info info RDB_GUARDED_BY(lock);
};

struct session_registry {
    rdb_mutex lock; /* rank CATALOG: entries' locks come after it */
    struct session_activity *first, *last;
    int64_t start_us;
    _Atomic uint64_t logins, failed_logins;
};

bool session_registry_create(session_registry **registry, rdb_error *err)
{
    *registry = calloc(1, sizeof **registry);
    if (*registry == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_mutex_init(&(*registry)->lock, RDB_RANK_CATALOG);
    (*registry)->start_us = rdb_time_wall_us();
    return true;
}

void session_registry_destroy(session_registry **registry)
{
    if (*registry == NULL)
        return;
    RDB_VERIFY((*registry)->first == NULL);
    rdb_mutex_deinit(&(*registry)->lock);
    free(*registry);
    *registry = NULL;
}

void session_registry_note_login(session_registry *registry, bool failed)
{
    atomic_fetch_add_explicit(failed ? &registry->failed_logins : &registry->logins, 1, memory_order_relaxed);
}

static uint32_t since_ms(int64_t then_us, int64_t now_us)
{
    return then_us == 0 || then_us > now_us ? 0 : (uint32_t)RDB_MIN((now_us - then_us) / 1000, (int64_t)UINT32_MAX);
}

void session_registry_count(session_registry *registry, session_counts *counts)
{
    (void)session_registry_sample(registry, NULL, NULL, 0, counts);
}

/* What a copy of an entry does not say by itself: the wait, and that an answer is held until its commit is published. The session is done with
 * it then and says so, and no thread waits; to its client the statement still runs. monotonic_lead_us: that clock less the wall's. */
static void look_at(const rdb_session *session, session_activity_info *info, int64_t monotonic_lead_us)
{
    info->wait = (rdb_wait)atomic_load_explicit(&session->waiter.event, memory_order_relaxed);
    info->wait_since_us = atomic_load_explicit(&session->waiter.since_us, memory_order_relaxed);
    if (atomic_load_explicit(&session->is_held, memory_order_relaxed)) {
        info->wait = RDB_WAIT_WAL_FLUSH;
        info->wait_since_us = info->state_change_us + monotonic_lead_us;
        info->state = "active";
        info->state_change_us = info->query_start_us;
    } else if (strcmp(info->state, "idle") == 0) {
        info->xact_start_us = 0;
    }
}

uint32_t session_registry_sample(session_registry *registry, rdb_sample_session *items, int32_t *clocks, uint32_t room, session_counts *counts)
{
    uint32_t count = 0;
    const int64_t now_us = rdb_time_wall_us(), monotonic_us = rdb_time_monotonic_us();
    *counts = (session_counts){.logins = atomic_load(&registry->logins), .failed_logins = atomic_load(&registry->failed_logins)};
    rdb_mutex_lock(&registry->lock);
    for (struct session_activity *entry = registry->first; entry != NULL; entry = entry->next) {
        rdb_mutex_lock(&entry->lock);
        session_activity_info seen = {.state = entry->info.state, .xact_start_us = entry->info.xact_start_us, .query_start_us = entry->info.query_start_us,
                                      .state_change_us = entry->info.state_change_us};
        const uint32_t role_oid = entry->info.role_oid;
        rdb_mutex_unlock(&entry->lock);
        look_at(entry->session, &seen, monotonic_us - now_us);
        const char *state = seen.state;
        const int64_t begun_us = seen.xact_start_us, query_us = seen.query_start_us;
        const rdb_wait wait = seen.wait;
        if (strcmp(state, "active") == 0)
            counts->active++;
        else if (strcmp(state, "idle") == 0)
            counts->idle++;
        else
            counts->in_transaction++;
        counts->waiting += wait >= RDB_WAIT_LOCK_RELATION && wait <= RDB_WAIT_LOCK_OBJECT;
        if (begun_us != 0 && (counts->oldest_transaction_us == 0 || begun_us < counts->oldest_transaction_us))
            counts->oldest_transaction_us = begun_us;
        if (count == room || strcmp(state, "idle") == 0)
            continue;
        clocks[count] = atomic_load_explicit(&entry->session->waiter.cpu_clock, memory_order_relaxed);
        items[count++] = (rdb_sample_session){
            .query_id = atomic_load_explicit(&entry->session->query_id, memory_order_relaxed),
            .pid = entry->info.pid,
            .database_oid = entry->info.database_oid,
            .role_oid = role_oid,
            .wait = (uint16_t)(wait == RDB_WAIT_NONE && strcmp(state, "active") != 0 ? RDB_WAIT_CLIENT_READ : wait),
            .state = strcmp(state, "active") == 0 ? RDB_SAMPLE_ACTIVE : strcmp(state, "idle in transaction") == 0 ? RDB_SAMPLE_IN_TRANSACTION : RDB_SAMPLE_FAILED,
            .kind = RDB_WORKER_CLIENT,
            .cpu_us = UINT32_MAX,
            .wait_ms = wait != RDB_WAIT_NONE ? since_ms(seen.wait_since_us, monotonic_us) : 0,
            .query_ms = since_ms(query_us, now_us),
            .transaction_ms = since_ms(begun_us, now_us)};
    }
    rdb_mutex_unlock(&registry->lock);
    return count;
}

int64_t session_registry_start_us(const session_registry *registry)
{
    return registry->start_us;
}

/* "address:port" or "[address]:port"; anything else is a Unix socket. */
static void split_peer(const char *peer, session_activity_info *info)
{
    const char *colon = peer != NULL ? strrchr(peer, ':') : NULL;
    info->port = -1;
    if (colon == NULL)
        return;
    size_t from = peer[0] == '[', length = (size_t)(colon - peer) - 2 * from;
    snprintf(info->address, sizeof info->address, "%.*s", (int)length, peer + from);
    info->port = atoi(colon + 1);
}

void session_activity_peer(const rdb_session *session, session_activity_info *info)
{
    info->address[0] = '\0';
    split_peer(session->owner.peer, info);
}

void session_activity_here(const rdb_session *session, session_activity_info *info)
{
    info->address[0] = '\0';
    split_peer(session->owner.here, info);
}

bool session_activity_begin(rdb_session *session, rdb_error *err)
{
    session_registry *registry = session_engine_registry(session->engine);
    if (session->pid == 0)
        return true;
    struct session_activity *entry = session->activity = calloc(1, sizeof *entry);
    if (entry == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    entry->session = session;
    session->counters = rdb_counters_get(rdb_engine_catalog(session->engine), rdb_database_pdb(session->database), 0);
    rdb_counters_add(session->counters, RDB_COUNTER_SESSIONS, 1);
    rdb_mutex_init(&entry->lock, RDB_RANK_LEAF);
    int64_t now_us = rdb_time_wall_us();
    entry->info = (session_activity_info){.pid = session->pid, .database_oid = rdb_database_oid(session->database), .role_oid = session->role.oid,
                                          .backend_start_us = now_us, .state_change_us = now_us, .state = "idle"};
    split_peer(session->owner.peer, &entry->info);
    rdb_mutex_lock(&registry->lock);
    entry->previous = registry->last;
    *(registry->last != NULL ? &registry->last->next : &registry->first) = entry;
    registry->last = entry;
    rdb_mutex_unlock(&registry->lock);
    return true;
}

void session_activity_end(rdb_session *session)
{
    struct session_activity *entry = session->activity;
    if (entry == NULL)
        return;
    session_registry *registry = session_engine_registry(session->engine);
    rdb_mutex_lock(&registry->lock);
    *(entry->previous != NULL ? &entry->previous->next : &registry->first) = entry->next;
    *(entry->next != NULL ? &entry->next->previous : &registry->last) = entry->previous;
    rdb_mutex_unlock(&registry->lock);
    rdb_mutex_deinit(&entry->lock);
    free(entry);
    session->activity = NULL;
}

void session_activity_query(rdb_session *session, const char *text)
{
    struct session_activity *entry = session->activity;
    session->query_text = text;
    atomic_store_explicit(&session->query_id, 0, memory_order_relaxed);
    if (entry == NULL)
        return;
    size_t length = strlen(text);
    if (length >= ACTIVITY_QUERY_BYTES) { /* cut between characters */
        length = ACTIVITY_QUERY_BYTES - 1;
        while (length > 0 && ((uint8_t)text[length] & 0xC0) == 0x80)
            length--;
    }
    rdb_mutex_lock(&entry->lock);
    memcpy(entry->info.query, text, length);
    entry->info.query[length] = '\0';
    entry->info.query_start_us = session->statement_us;
    entry->info.role_oid = session->role.oid;
    const char *application_name = session_setting_application_name(session);
    size_t name_length = strnlen(application_name, sizeof entry->info.application_name - 1);
    memcpy(entry->info.application_name, application_name, name_length);
    entry->info.application_name[name_length] = '\0';
    rdb_mutex_unlock(&entry->lock);
}

void session_activity_state(rdb_session *session)
{
    struct session_activity *entry = session->activity;
    if (entry == NULL)
        return;
    const char *state = atomic_load_explicit(&session->state_name, memory_order_relaxed);
    bool is_active = strcmp(state, "active") == 0, in_block = session->block != SESSION_IDLE;
    rdb_mutex_lock(&entry->lock);
    entry->info.state = state;
    entry->info.state_change_us = is_active ? session->statement_us : rdb_time_wall_us();
    if (is_active && !in_block) {
        entry->info.transaction_count++;
        entry->info.xact_start_us = session->statement_us; /* shown until it is idle */
    }
    entry->info.xid = session->txn != NULL ? rdb_txn_top_xid(session->txn) : 0;
    rdb_mutex_unlock(&entry->lock);
}

bool session_activity_list(session_registry *registry, rdb_arena *arena, session_activity_info **infos, uint32_t *count, rdb_error *err)
{
    rdb_mutex_lock(&registry->lock);
    uint32_t room = 0;
    for (const struct session_activity *entry = registry->first; entry != NULL; entry = entry->next)
        room++;
    *infos = rdb_arena_try_alloc(arena, (room + 1) * sizeof **infos, err);
    const int64_t lead_us = rdb_time_monotonic_us() - rdb_time_wall_us();
    *count = 0;
    for (struct session_activity *entry = registry->first; *infos != NULL && entry != NULL; entry = entry->next) {
        session_activity_info *info = &(*infos)[(*count)++];
        rdb_mutex_lock(&entry->lock);
        *info = entry->info;
        rdb_mutex_unlock(&entry->lock);
        const rdb_session *session = entry->session;
        look_at(session, info, lead_us);
        info->cpu_clock = atomic_load_explicit(&session->waiter.cpu_clock, memory_order_relaxed);
        info->report_command = atomic_load_explicit(&session->report.command, memory_order_acquire);
        info->report_relation = atomic_load_explicit(&session->report.relation, memory_order_relaxed);
        for (unsigned i = 0; info->report_command != RDB_REPORT_NONE && i < RDB_REPORT_VALUES; i++)
            info->report_values[i] = atomic_load_explicit(&session->report.values[i], memory_order_relaxed);
        info->query_id = atomic_load_explicit(&session->query_id, memory_order_relaxed);
        info->snapshot_scn = atomic_load_explicit(&session->snapshot_scn, memory_order_relaxed);
        if (info->wait == RDB_WAIT_NONE && strncmp(info->state, "idle", 4) == 0)
            info->wait = RDB_WAIT_CLIENT_READ; /* parked: no thread waits, and yet it does */
    }
    rdb_mutex_unlock(&registry->lock);
    return *infos != NULL;
}
