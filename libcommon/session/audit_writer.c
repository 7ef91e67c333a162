/* SPDX-License-Identifier: Apache-2.0
 * The writer's queue has one producer at a time, for batches are placed inside the reservation of the WAL, and one consumer, its thread.
 * A batch is taken when the record it stands in is durable, so the log never tells of what a crash may undo. */
#include "session/audit_writer.h"

#include "base/rdb_log.h"
#include "base/rdb_map.h"
#include "task/rdb_cancel.h"
#include "txn/rdb_txn_payload.h"
#include "wal/rdb_wal_reference.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    QUEUE_BYTES_MAX = 64 << 20, /* then batches are taken from the WAL */
    PENDING_BYTES = 1 << 18,    /* lines in memory before they are written */
    IDLE_US = 200000,
    BUSY_US = 50000,
    LOOK_US = 10000,            /* of who waits for the thread */
    SEAL_US = 1000000,
    RETRY_US = 1000000,
    PATIENCE_US = 10000000,     /* of a failing log, before statements feel it */
    SEEN_TEXTS = 256,
    READ_TEXT_BYTES_MAX = 4 << 20 /* of texts read from the WAL, kept in memory */
};

typedef struct audit_node {
    _Atomic(struct audit_node *) next;
    _Atomic rdb_lsn end_lsn; /* 0: not known yet, UINT64_MAX: it was not logged */
    rdb_lsn lsn;
    rdb_xid xid;
    rdb_scn scn;
    int64_t wall_us;
    bool is_linked;
    uint32_t length;
    uint8_t bytes[];
} audit_node;

struct audit_writer {
    rdb_upkeep *upkeep;
    rdb_wal *wal;
    rdb_txn_manager *txns;
    audit_failure on_failure;
    rdb_audit_log *log;     /* the thread's own */
    audit_node *head;       /* consumer: its next is the first one */
    audit_node *tail;       /* producer: guarded by the reservation of the WAL */
    _Atomic bool is_queueing; /* off while what came is to be read from the WAL */
    _Atomic uint64_t queued_bytes;
    _Atomic uint64_t durable_lsn; /* the WAL is needed from there on */
    _Atomic uint64_t settled_lsn; /* all before it is in the log, signed */
    _Atomic uint64_t settle_wanted;
    _Atomic uint64_t records;
    _Atomic uint64_t pending_bytes;
    _Atomic int64_t failing_since; /* monotonic; 0: not failing */
    _Atomic uint32_t wake;  /* futex of the thread */
    _Atomic uint32_t moved; /* futex of those who wait for it */
    _Atomic bool is_stopping;
    rdb_thread *thread;
    rdb_mutex lock; /* RDB_RANK_LEAF */
    char last_error[256] RDB_GUARDED_BY(lock);
    int64_t failing_wall_us RDB_GUARDED_BY(lock);
    int64_t sealed_us; /* monotonic */
    rdb_lsn taken_lsn; /* all before it is added to the log */
    audit_texts *texts;
    /* The thread's own: references it has met, each at the place its LSN leads to, and texts that it read from the WAL. */
    struct seen_text { rdb_lsn lsn; rdb_slice text; } seen[SEEN_TEXTS];
    rdb_map *read_texts; /* LSN to text_read */
    uint64_t read_text_bytes;
};

typedef struct text_read {
    uint32_t length;
    uint8_t bytes[];
} text_read;

/* ---- the queue -------------------------------------------------------------------------------------------------------- */
static void *make_node(void *writer_at, const void *bytes, uint32_t length)
{
    (void)writer_at;
    audit_node *node = malloc(sizeof *node + length);
    if (node == NULL)
        return NULL;
    *node = (audit_node){.length = length};
    memcpy(node->bytes, bytes, length);
    return node;
}

static void place_node(void *writer_at, void *node_at, rdb_lsn lsn, const rdb_txn_end *end)
{
    audit_writer *writer = writer_at;
    audit_node *node = node_at;
    node->lsn = lsn;
    if (end != NULL) {
        node->xid = end->xid;
        node->scn = end->scn;
        node->wall_us = end->wall_us;
    }
    if (!atomic_load(&writer->is_queueing))
        return;
    if (atomic_load_explicit(&writer->queued_bytes, memory_order_relaxed) > QUEUE_BYTES_MAX) {
        atomic_store(&writer->is_queueing, false);
        return;
    }
    atomic_fetch_add_explicit(&writer->queued_bytes, sizeof *node + node->length, memory_order_relaxed);
    node->is_linked = true;
    atomic_store_explicit(&writer->tail->next, node, memory_order_release);
    writer->tail = node;
}

static void end_node(void *writer, void *node_at, rdb_lsn end_lsn)
{
    audit_node *node = node_at;
    (void)writer;
    if (!node->is_linked)
        free(node);
    else
        atomic_store_explicit(&node->end_lsn, end_lsn != 0 ? end_lsn : UINT64_MAX, memory_order_release);
}

typedef struct placing {
    audit_writer *writer;
    audit_node *node;
} placing;

static void place_own(void *placing_at, rdb_lsn lsn)
{
    placing *own = placing_at;
    place_node(own->writer, own->node, lsn, NULL);
}

bool audit_writer_insert(audit_writer *writer, rdb_xid xid, uint32_t pdb, const rdb_strbuf *batch, rdb_lsn *end_lsn, rdb_error *err)
{
    uint8_t header[RDB_WAL_HEADER_BYTES] = {0};
    const rdb_wal_piece pieces[2] = {{header, sizeof header}, {batch->data, (uint32_t)batch->length}};
    rdb_lsn lsn = 0;
    rdb_strbuf whole;
    *end_lsn = 0;
    if (!rdb_strbuf_check(batch, err))
        return false;
    rdb_put_u64(header + 8, xid);
    rdb_put_u32(header + 16, pdb);
    header[20] = RDB_RESOURCE_AUDIT;
    header[21] = RDB_AUDIT_OP_EVENTS;
    placing own = {writer, make_node(writer, batch->data, (uint32_t)batch->length)};
    if (own.node == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    own.node->xid = xid;
    const rdb_lsn oldest = rdb_audit_batch_oldest_text(batch->data, (uint32_t)batch->length);
    const bool is_stale = oldest != 0 && oldest < rdb_wal_hold_redo_point(writer->wal);
    bool ok = !is_stale && rdb_wal_insert(writer->wal, pieces, 2, place_own, &own, &lsn, end_lsn, err);
    if (oldest != 0)
        rdb_wal_let_redo_point(writer->wal);
    end_node(writer, own.node, ok ? *end_lsn : 0);
    if (!is_stale)
        return ok;
    rdb_strbuf_init(&whole, NULL);
    ok = audit_writer_expand(writer, batch, &whole, err) && audit_writer_insert(writer, xid, pdb, &whole, end_lsn, err);
    rdb_strbuf_free(&whole);
    return ok;
}

/* ---- texts by reference ------------------------------------------------------------------------------------------------------ */
audit_texts *audit_writer_texts(audit_writer *writer)
{
    return writer->texts;
}

/* For sessions, of texts that they hold. */
static bool find_held_text(void *writer_at, uint64_t text_lsn, rdb_slice *text, rdb_error *err)
{
    audit_writer *writer = writer_at;
    return audit_texts_find(writer->texts, text_lsn, text) || rdb_error_set(err, RDB_INTERNAL_ERROR, "the text of an audit record is not known any more");
}

static bool expand_bytes(void *writer, const void *batch, uint32_t length, rdb_strbuf *whole, rdb_error *err)
{
    return rdb_audit_batch_expand(batch, length, find_held_text, writer, whole, err);
}

bool audit_writer_expand(audit_writer *writer, const rdb_strbuf *batch, rdb_strbuf *whole, rdb_error *err)
{
    return expand_bytes(writer, batch->data, (uint32_t)batch->length, whole, err);
}

static void forget_read_texts(audit_writer *writer)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *text;
    while (writer->read_texts != NULL && rdb_map_next(writer->read_texts, &cursor, &key, &text))
        free(text);
    rdb_map_destroy(writer->read_texts);
    writer->read_texts = NULL;
    writer->read_text_bytes = 0;
    memset(writer->seen, 0, sizeof writer->seen);
}

/* From the WAL, where no set has it: behind a start. */
static bool read_text(audit_writer *writer, rdb_lsn lsn, rdb_slice *text, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    bool found = false;
    const text_read *known = writer->read_texts != NULL ? rdb_map_get_u64(writer->read_texts, lsn) : NULL;
    if (known != NULL) {
        *text = (rdb_slice){known->bytes, known->length};
        return true;
    }
    bool ok = rdb_upkeep_read_log(writer->upkeep, lsn, &reader, err) && rdb_wal_reader_next(reader, &record, &found, err);
    if (ok && (!found || record.lsn != lsn || record.resource != RDB_RESOURCE_AUDIT || record.operation != RDB_AUDIT_OP_TEXT)) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "a text of the audit is not where a record of the WAL refers to");
        ok = rdb_error_detail(err, "No text begins at %X/%X.", (unsigned)(lsn >> 32), (unsigned)lsn);
    }
    if (ok) {
        text_read *made = malloc(sizeof *made + record.data_bytes);
        if (writer->read_texts == NULL)
            writer->read_texts = rdb_map_create();
        ok = (made != NULL && writer->read_texts != NULL && rdb_map_put_u64(writer->read_texts, lsn, made)) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (ok) {
            made->length = record.data_bytes;
            memcpy(made->bytes, record.data, record.data_bytes);
            *text = (rdb_slice){made->bytes, made->length};
            writer->read_text_bytes += record.data_bytes;
        } else {
            free(made);
        }
    }
    rdb_wal_reader_close(&reader);
    return ok;
}

static bool text_of(void *writer_at, uint64_t text_lsn, rdb_slice *text, rdb_error *err)
{
    audit_writer *writer = writer_at;
    struct seen_text *seen = &writer->seen[text_lsn / 8 % SEEN_TEXTS];
    if (seen->lsn != text_lsn) {
        if (!audit_texts_find(writer->texts, text_lsn, text) && !read_text(writer, text_lsn, text, err))
            return false;
        *seen = (struct seen_text){text_lsn, *text};
    }
    *text = seen->text;
    return true;
}

/* ---- the thread ---------------------------------------------------------------------------------------------------------- */
static void note_failure(audit_writer *writer, const rdb_error *err)
{
    if (atomic_load(&writer->failing_since) == 0) {
        rdb_log_error(RDB_LOG_ERROR, "audit", err);
        atomic_store(&writer->failing_since, rdb_time_monotonic_us());
        rdb_mutex_lock(&writer->lock);
        writer->failing_wall_us = rdb_time_wall_us();
        rdb_mutex_unlock(&writer->lock);
    }
    rdb_mutex_lock(&writer->lock);
    snprintf(writer->last_error, sizeof writer->last_error, "%s", rdb_error_message(err));
    rdb_mutex_unlock(&writer->lock);
}

static void note_success(audit_writer *writer)
{
    if (atomic_load(&writer->failing_since) == 0)
        return;
    RDB_LOG(RDB_LOG_INFO, "audit", "the audit log can be written again");
    rdb_mutex_lock(&writer->lock);
    writer->failing_wall_us = 0;
    rdb_mutex_unlock(&writer->lock);
    atomic_store(&writer->failing_since, 0);
}

static bool add(audit_writer *writer, const rdb_audit_source *source, rdb_error *err)
{
    if (writer->read_text_bytes > READ_TEXT_BYTES_MAX)
        forget_read_texts(writer);
    if (!rdb_audit_log_add(writer->log, source, err))
        return false;
    return rdb_audit_log_pending_bytes(writer->log) < PENDING_BYTES || rdb_audit_log_write(writer->log, err);
}

/* From the log's position up to a position of the WAL that is durable. */
static bool read_wal(audit_writer *writer, rdb_lsn end, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    uint64_t start, part;
    bool found = false;
    rdb_audit_log_position(writer->log, &start, &part);
    start = RDB_MAX((start + 7) & ~UINT64_C(7), writer->taken_lsn);
    if (start >= end)
        return true;
    bool ok = rdb_upkeep_read_log(writer->upkeep, start, &reader, err);
    while (ok && (ok = rdb_wal_reader_next(reader, &record, &found, err)) && found && record.lsn < end) {
        rdb_audit_source source = {.lsn = record.lsn, .xid = record.xid, .text_of = text_of, .context = writer};
        if (record.resource == RDB_RESOURCE_AUDIT && record.operation == RDB_AUDIT_OP_EVENTS) {
            source.batch = record.data;
            source.length = record.data_bytes;
        } else {
            rdb_slice payload;
            rdb_txn_end commit;
            bool has = false;
            ok = rdb_txn_record_payload(&record, RDB_AUDIT_PAYLOAD, &payload, &commit, &has, err);
            if (!ok || !has)
                continue;
            source.scn = commit.scn;
            source.wall_us = commit.wall_us;
            source.batch = payload.data;
            source.length = (uint32_t)payload.length;
        }
        ok = add(writer, &source, err);
    }
    rdb_wal_reader_close(&reader);
    forget_read_texts(writer);
    if (ok)
        writer->taken_lsn = end;
    return ok;
}

/* Another processor has made the node: its bytes are on their way here while the one before it is hashed. */
static void warm(const audit_node *node)
{
    enum { LINE_BYTES = 64, LINES_MAX = 32 };
    for (uint32_t i = 0; node != NULL && i < LINES_MAX; i++)
        __builtin_prefetch((const char *)node + i * (size_t)LINE_BYTES);
}

/* Takes what is durable from the queue. */
static bool take_queue(audit_writer *writer, bool *took, rdb_error *err)
{
    const rdb_lsn durable = rdb_wal_durable_lsn(writer->wal);
    for (;;) {
        audit_node *node = atomic_load_explicit(&writer->head->next, memory_order_acquire);
        if (node == NULL)
            return true;
        const rdb_lsn end = atomic_load_explicit(&node->end_lsn, memory_order_acquire);
        warm(atomic_load_explicit(&node->next, memory_order_relaxed));
        if (end == 0 || (end != UINT64_MAX && end > durable))
            return true;
        if (end != UINT64_MAX && node->lsn >= writer->taken_lsn) {
            const rdb_audit_source source = {.lsn = node->lsn, .xid = node->xid, .scn = node->scn, .wall_us = node->wall_us, .batch = node->bytes, .length = node->length,
                                             .text_of = text_of, .context = writer};
            if (!add(writer, &source, err))
                return false;
            *took = true;
        }
        atomic_fetch_sub_explicit(&writer->queued_bytes, sizeof *node + node->length, memory_order_relaxed);
        free(writer->head);
        writer->head = node; /* its bytes stay until the next one is taken */
    }
}

static void queue_from_here(void *writer, rdb_lsn lsn)
{
    (void)lsn;
    atomic_store(&((audit_writer *)writer)->is_queueing, true);
}

/* What the queue did not take is read. */
static bool catch_up(audit_writer *writer, rdb_error *err)
{
    if (atomic_load(&writer->is_queueing))
        return true;
    if (atomic_load_explicit(&writer->head->next, memory_order_acquire) != NULL)
        return true; /* what it took comes first */
    /* A record of our own, at whose place in the log the queue begins anew: what stands before it is read, what comes behind it is queued. */
    uint8_t mark[RDB_WAL_HEADER_BYTES] = {0};
    const rdb_wal_piece piece = {mark, sizeof mark};
    rdb_lsn lsn = 0, end = 0;
    mark[20] = RDB_RESOURCE_AUDIT;
    mark[21] = RDB_AUDIT_OP_MARK;
    if (!rdb_wal_insert(writer->wal, &piece, 1, queue_from_here, writer, &lsn, &end, err))
        return false;
    if (rdb_wal_flush(writer->wal, end, err) && read_wal(writer, end, err))
        return true;
    atomic_store(&writer->is_queueing, false);
    return false;
}

/* One round: what is durable goes to the log; a head where it is time for one. */
static bool work(audit_writer *writer, bool seals, bool *took, rdb_error *err)
{
    const uint64_t wanted = atomic_load(&writer->settle_wanted);
    const rdb_lsn durable = rdb_wal_durable_lsn(writer->wal);
    if (!take_queue(writer, took, err) || !catch_up(writer, err))
        return false;
    if (atomic_load(&writer->is_queueing) && atomic_load_explicit(&writer->head->next, memory_order_acquire) == NULL)
        rdb_audit_log_pass(writer->log, durable);
    const int64_t now_us = rdb_time_monotonic_us();
    const bool is_asked = wanted > atomic_load(&writer->settled_lsn) && durable >= wanted;
    if (seals || is_asked || now_us - writer->sealed_us >= SEAL_US) {
        if (!rdb_audit_log_seal(writer->log, err))
            return false;
        writer->sealed_us = now_us;
        atomic_store(&writer->durable_lsn, rdb_audit_log_durable_lsn(writer->log));
        atomic_store(&writer->settled_lsn, durable);
        atomic_fetch_add(&writer->moved, 1);
        rdb_futex_wake(&writer->moved, UINT32_MAX);
    } else if (!rdb_audit_log_write(writer->log, err)) {
        return false;
    }
    atomic_store_explicit(&writer->records, rdb_audit_log_size(writer->log), memory_order_relaxed);
    atomic_store_explicit(&writer->pending_bytes, rdb_audit_log_pending_bytes(writer->log), memory_order_relaxed);
    uint64_t taken, part;
    rdb_audit_log_position(writer->log, &taken, &part);
    if (audit_texts_forget(writer->texts, taken))
        memset(writer->seen, 0, sizeof writer->seen);
    return true;
}

static void run(void *writer_at)
{
    audit_writer *writer = writer_at;
    int64_t wait_us = IDLE_US;
    while (!atomic_load(&writer->is_stopping)) {
        rdb_error err = {0};
        bool took = false;
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_AUDIT_WRITER_MAIN);
        rdb_futex_wait(&writer->wake, 0, wait_us);
        rdb_wait_end(mark);
        atomic_store(&writer->wake, 0);
        if (work(writer, false, &took, &err)) {
            note_success(writer);
            wait_us = took ? BUSY_US : RDB_MIN(wait_us * 2, (int64_t)IDLE_US);
        } else {
            note_failure(writer, &err);
            atomic_store_explicit(&writer->pending_bytes, rdb_audit_log_pending_bytes(writer->log), memory_order_relaxed);
            wait_us = RETRY_US;
        }
        rdb_error_clear(&err);
    }
}

static void rouse(audit_writer *writer)
{
    atomic_store(&writer->wake, 1);
    rdb_futex_wake(&writer->wake, 1);
}

/* ---- for sessions ---------------------------------------------------------------------------------------------------------- */
bool audit_writer_admit(audit_writer *writer, rdb_cancel *cancel, rdb_error *err)
{
    for (;;) {
        const int64_t since = atomic_load_explicit(&writer->failing_since, memory_order_relaxed);
        if (since == 0 || writer->on_failure == AUDIT_SPILL)
            return true;
        const int64_t for_us = rdb_time_monotonic_us() - since;
        if (writer->on_failure == AUDIT_HALT) {
            rdb_error_set(err, RDB_DISK_FULL, "the audit log cannot be written");
            rdb_mutex_lock(&writer->lock);
            rdb_error_detail(err, "It fails since %lld s: %s.", (long long)(for_us / 1000000), writer->last_error);
            rdb_mutex_unlock(&writer->lock);
            return rdb_error_hint(err, "Statements that are audited are refused until it can be written again (security.audit.on_failure).");
        }
        if (for_us < PATIENCE_US)
            return true;
        if (!rdb_cancel_check(cancel, err))
            return false;
        const uint32_t moved = atomic_load(&writer->moved);
        rdb_cancel_sleep(cancel, RDB_WAIT_AUDIT_LOG, &writer->moved, moved, RETRY_US);
    }
}

bool audit_writer_settle(audit_writer *writer, rdb_cancel *cancel, rdb_error *err)
{
    const rdb_lsn end = rdb_wal_insert_lsn(writer->wal);
    if (!rdb_wal_flush(writer->wal, end, err))
        return false;
    uint64_t old = atomic_load(&writer->settle_wanted);
    while (old < end && !atomic_compare_exchange_weak(&writer->settle_wanted, &old, end))
        ;
    while (atomic_load(&writer->settled_lsn) < end) {
        const uint32_t moved = atomic_load(&writer->moved);
        if (!rdb_cancel_check(cancel, err))
            return false;
        rouse(writer);
        if (atomic_load(&writer->settled_lsn) < end)
            rdb_cancel_sleep(cancel, RDB_WAIT_AUDIT_LOG, &writer->moved, moved, LOOK_US);
    }
    return true;
}

void audit_writer_get_state(audit_writer *writer, audit_writer_state *state)
{
    *state = (audit_writer_state){.records = atomic_load(&writer->records), .queued_bytes = atomic_load(&writer->queued_bytes),
                                  .pending_bytes = atomic_load(&writer->pending_bytes), .durable_lsn = atomic_load(&writer->durable_lsn)};
    rdb_mutex_lock(&writer->lock);
    state->failing_since_us = writer->failing_wall_us;
    memcpy(state->last_error, writer->last_error, sizeof state->last_error);
    rdb_mutex_unlock(&writer->lock);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */
static rdb_lsn keeps(void *writer_at)
{
    audit_writer *writer = writer_at;
    return audit_texts_keep(writer->texts, atomic_load(&writer->durable_lsn));
}

static void note_event(audit_writer *writer, rdb_audit_class class, const char *members)
{
    rdb_strbuf batch;
    rdb_error err = {0};
    rdb_strbuf_init(&batch, NULL);
    rdb_audit_batch_begin(&batch, "", 0);
    rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = class, .wall_us = rdb_time_wall_us(), .rows = RDB_AUDIT_NO_ROWS, .members = {(const uint8_t *)members, strlen(members)}});
    if (!rdb_strbuf_check(&batch, &err) || !rdb_audit_log_note(writer->log, (const uint8_t *)batch.data, (uint32_t)batch.length, &err))
        note_failure(writer, &err);
    rdb_error_clear(&err);
    rdb_strbuf_free(&batch);
}

/* The WAL that the log was to go on with is not there: recycled while auditing was off, or another one since a recovery to a point. */
static bool bridge_gap(audit_writer *writer, rdb_lsn end, rdb_error *err)
{
    char members[400];
    uint64_t lsn, part;
    rdb_audit_log_position(writer->log, &lsn, &part);
    snprintf(members, sizeof members, ",\"action\":\"GAP\",\"detail\":{\"from\":\"%X/%X\",\"to\":\"%X/%X\",\"reason\":\"the WAL between is not there: it was recycled, or a recovery ended before it\"}",
             (unsigned)(lsn >> 32), (unsigned)lsn, (unsigned)(end >> 32), (unsigned)end);
    if (rdb_error_is_set(err))
        rdb_log_error(RDB_LOG_WARN, "audit", err);
    rdb_error_clear(err);
    rdb_audit_log_rebase(writer->log, end);
    note_event(writer, RDB_AUDIT_POLICY, members);
    writer->taken_lsn = end;
    return true;
}

bool audit_writer_open(audit_writer **opened, const audit_writer_config *config, rdb_upkeep *upkeep, rdb_txn_manager *txns, rdb_error *err)
{
    bool is_damaged = false;
    uint64_t lsn, part;
    *opened = NULL;
    audit_writer *writer = calloc(1, sizeof *writer);
    audit_node *first = calloc(1, sizeof *first);
    if (writer == NULL || first == NULL) {
        free(writer);
        free(first);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    writer->upkeep = upkeep;
    writer->wal = rdb_upkeep_wal(upkeep);
    writer->on_failure = config->on_failure;
    writer->head = writer->tail = first;
    rdb_mutex_init(&writer->lock, RDB_RANK_LEAF);
    const rdb_lsn end = rdb_wal_insert_lsn(writer->wal);
    const rdb_audit_log_config log = {.home = config->home, .directory = config->directory, .system_id = config->system_id, .file_bytes_max = config->file_bytes_max, .start_lsn = end};
    bool ok = audit_texts_create(&writer->texts, writer->wal, err) && rdb_audit_log_open(&writer->log, &log, &is_damaged, err);
    if (ok && is_damaged) {
        RDB_LOG(RDB_LOG_ERROR, "audit", "the audit log was damaged: what was there is kept beside it, rdb-audit verify tells more");
        note_event(writer, RDB_AUDIT_POLICY, ",\"action\":\"DAMAGE FOUND\",\"detail\":{\"reason\":\"the files did not hold what the last head was signed over\"}");
    }
    if (ok) {
        rdb_audit_log_position(writer->log, &lsn, &part);
        if (lsn > end)
            ok = bridge_gap(writer, end, err);
        else if (!rdb_wal_flush(writer->wal, end, err) || !read_wal(writer, end, err))
            ok = bridge_gap(writer, end, err);
    }
    if (ok && config->is_ending)
        note_event(writer, RDB_AUDIT_POLICY, ",\"action\":\"AUDITING OFF\"");
    bool has_notes = false;
    ok = ok && (config->is_ending || rdb_audit_log_take_notes(writer->log, config->home, &has_notes, err)) && rdb_audit_log_seal(writer->log, err) &&
         (!has_notes || rdb_audit_forget_notes(config->home, err));
    if (!ok) {
        rdb_audit_log_close(&writer->log);
        audit_texts_destroy(&writer->texts);
        rdb_mutex_deinit(&writer->lock);
        free(writer);
        free(first);
        return false;
    }
    writer->taken_lsn = end;
    atomic_store(&writer->is_queueing, true);
    atomic_store(&writer->durable_lsn, rdb_audit_log_durable_lsn(writer->log));
    atomic_store(&writer->records, rdb_audit_log_size(writer->log));
    if (!config->is_ending) {
        const rdb_txn_payload_watch watch = {.kind = RDB_AUDIT_PAYLOAD, .made = make_node, .placed = place_node, .ended = end_node, .context = writer};
        const rdb_txn_payload_references references = {.kind = RDB_AUDIT_PAYLOAD, .oldest = rdb_audit_batch_oldest_text, .expand = expand_bytes, .context = writer};
        writer->txns = txns;
        rdb_txn_watch_payload(txns, &watch);
        rdb_txn_set_payload_references(txns, &references);
        rdb_upkeep_set_wal_keeper(upkeep, keeps, writer);
    }
    *opened = writer;
    return true;
}

bool audit_writer_start(audit_writer *writer, rdb_error *err)
{
    return rdb_thread_start(&writer->thread, "audit writer", run, writer, err);
}

void audit_writer_stop(audit_writer *writer)
{
    rdb_error err = {0};
    bool took = false;
    if (writer == NULL || atomic_exchange(&writer->is_stopping, true))
        return;
    rouse(writer);
    rdb_thread_join(&writer->thread);
    if (!rdb_wal_flush(writer->wal, rdb_wal_insert_lsn(writer->wal), &err) || !work(writer, true, &took, &err))
        rdb_log_error(RDB_LOG_ERROR, "audit", &err); /* the next start reads it from the WAL */
    rdb_error_clear(&err);
    if (writer->txns != NULL) {
        rdb_txn_watch_payload(writer->txns, NULL);
        rdb_txn_set_payload_references(writer->txns, NULL);
    }
    rdb_audit_log_close(&writer->log);
}

void audit_writer_close(audit_writer **writer_at)
{
    audit_writer *writer = *writer_at;
    *writer_at = NULL;
    if (writer == NULL)
        return;
    audit_writer_stop(writer);
    for (audit_node *node = writer->head, *next; node != NULL; node = next) {
        next = atomic_load(&node->next);
        free(node);
    }
    audit_texts_destroy(&writer->texts);
    rdb_mutex_deinit(&writer->lock);
    free(writer);
}
