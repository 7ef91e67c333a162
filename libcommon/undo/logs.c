/* SPDX-License-Identifier: Apache-2.0
 * Undo logs: found at start, made at need, owned by one transaction at a time, cut from the tail; and the queue of
 * aborted work. Where a log's newest record ends is told by its pages themselves: the meta page names where the newest
 * owner began, and every page of it says how far it is filled. */
#include "undo/undo_int.h"

#include <stdlib.h>

static uint64_t meta_file(void)
{
    return RDB_FILE_NO(RDB_FILE_UNDO, 0);
}
static uint64_t segment_file(uint16_t number, uint64_t segment)
{
    return RDB_FILE_NO(RDB_FILE_UNDO, (uint64_t)number << 32 | (segment + 1));
}
static uint16_t log_number(unsigned undo_class, uint32_t log_no)
{
    return (uint16_t)(undo_class << 14 | (log_no + 1));
}

rdb_page_tag undo_page_tag(const rdb_undo *undo, const undo_log *log, uint64_t offset)
{
    uint64_t page_no = offset >> undo->page_shift;
    return (rdb_page_tag){.file = segment_file(log->number, page_no / UNDO_SEGMENT_PAGES),
                          .block = page_no % UNDO_SEGMENT_PAGES,
                          .pdb = log->pdb->pdb,
                          .fork = RDB_FORK_MAIN};
}

static rdb_page_tag meta_tag(uint32_t pdb, uint16_t number)
{
    uint64_t log_no = (number & 0x3fffu) - 1u;
    return (rdb_page_tag){.file = meta_file(), .block = 1 + log_no * 4 + (number >> 14), .pdb = pdb, .fork = RDB_FORK_MAIN};
}
rdb_page_tag undo_meta_tag(const undo_log *log)
{
    return meta_tag(log->pdb->pdb, log->number);
}

uint64_t undo_advance(const rdb_undo *undo, uint64_t offset, uint32_t bytes)
{
    uint64_t mask = undo->page_bytes - 1;
    while (bytes > 0) {
        uint32_t room = (uint32_t)(undo->page_bytes - (offset & mask));
        uint32_t part = RDB_MIN(room, bytes);
        offset += part;
        bytes -= part;
        if ((offset & mask) == 0)
            offset += RDB_PAGE_HEADER_BYTES;
    }
    return offset;
}

rdb_undo_address rdb_undo_after(const rdb_undo *undo, rdb_undo_address address, uint32_t record_bytes)
{
    return RDB_UNDO_ADDRESS(RDB_UNDO_LOG(address),
                            undo_advance(undo, RDB_UNDO_OFFSET(address), (uint32_t)RDB_ALIGN_UP(record_bytes, 8u)));
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */
static bool push_job(rdb_undo *undo, const rdb_undo_job *job)
{
    undo_job *item = malloc(sizeof *item);
    if (item == NULL)
        return false; /* purge meets the work again when it comes by */
    *item = (undo_job){.job = *job};
    rdb_mutex_lock(&undo->jobs_lock);
    item->job.id = ++undo->next_job_id;
    *undo->jobs_end = item;
    undo->jobs_end = &item->next;
    undo->job_count++;
    rdb_mutex_unlock(&undo->jobs_lock);
    return true;
}

static void transaction_aborting(void *context, rdb_txn *txn, rdb_xid xid)
{
    rdb_undo *undo = context;
    for (unsigned undo_class = 0; undo_class < RDB_UNDO_CLASS_COUNT; undo_class++) {
        undo_log *log = rdb_txn_get_undo_state(txn, undo_class);
        if (log == NULL || log->last_record == 0)
            continue;
        rdb_undo_job job = {.pdb = log->pdb->pdb,
                            .xid = xid,
                            .last = log->last_record,
                            .begin = RDB_UNDO_ADDRESS(log->number, log->begin),
                            .is_savepoint = xid != rdb_txn_top_xid(txn)};
        (void)push_job(undo, &job);
    }
}

static void transaction_ended(void *context, rdb_txn *txn, bool committed, rdb_scn scn)
{
    (void)context;
    (void)committed;
    (void)scn;
    for (unsigned undo_class = 0; undo_class < RDB_UNDO_CLASS_COUNT; undo_class++) {
        undo_log *log = rdb_txn_get_undo_state(txn, undo_class);
        if (log == NULL)
            continue;
        rdb_txn_set_undo_state(txn, undo_class, NULL);
        atomic_store_explicit(&log->end, atomic_load_explicit(&log->next, memory_order_relaxed), memory_order_release);
        log->last_record = 0;
        log->has_written = false;
        rdb_mutex_lock(&log->pdb->lock);
        log->next_free = log->pdb->free_logs[undo_class];
        log->pdb->free_logs[undo_class] = log;
        rdb_mutex_unlock(&log->pdb->lock);
    }
}

static bool attach(void *context, uint32_t pdb, rdb_error *err)
{
    return rdb_undo_attach(context, pdb, err);
}

bool rdb_undo_open(rdb_undo **opened, const rdb_undo_config *config, rdb_error *err)
{
    *opened = NULL;
    rdb_undo_register_redo();
    rdb_undo *undo = calloc(1, sizeof *undo);
    if (undo == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    undo->storage = config->storage;
    undo->txns = config->txns;
    undo->page_bytes = rdb_storage_page_bytes(config->storage);
    undo->page_shift = (uint32_t)__builtin_ctz(undo->page_bytes);
    rdb_mutex_init(&undo->lock, RDB_RANK_UPKEEP);
    rdb_mutex_init(&undo->jobs_lock, RDB_RANK_LEAF);
    undo->jobs_end = &undo->jobs;
    rdb_txn_undo_ops ops = {.aborting = transaction_aborting, .ended = transaction_ended, .attach = attach, .context = undo};
    rdb_txn_set_undo_ops(config->txns, &ops);
    *opened = undo;
    return true;
}

void rdb_undo_close(rdb_undo **opened)
{
    rdb_undo *undo = *opened;
    *opened = NULL;
    if (undo == NULL)
        return;
    for (unsigned i = 0; i < UNDO_BUCKETS; i++)
        for (undo_pdb *pdb = atomic_load(&undo->pdbs[i]), *next; pdb != NULL; pdb = next) {
            next = pdb->next;
            for (unsigned c = 0; c < RDB_UNDO_CLASS_COUNT; c++) {
                for (uint32_t n = 0; n < atomic_load(&pdb->log_count[c]); n++)
                    free(atomic_load(&pdb->logs[c][n]));
                free(pdb->logs[c]);
            }
            rdb_mutex_deinit(&pdb->lock);
            free(pdb);
        }
    for (undo_job *job = undo->jobs, *next; job != NULL; job = next) {
        next = job->next;
        free(job);
    }
    rdb_mutex_deinit(&undo->lock);
    rdb_mutex_deinit(&undo->jobs_lock);
    free(undo);
}

rdb_undo *rdb_undo_of(const rdb_txn_manager *manager)
{
    return rdb_txn_undo_context(manager);
}
rdb_txn_manager *rdb_undo_txns(const rdb_undo *undo)
{
    return undo->txns;
}
rdb_storage *rdb_undo_storage(const rdb_undo *undo)
{
    return undo->storage;
}

static undo_log *add_log(undo_pdb *pdb, uint16_t number, rdb_error *err)
{
    undo_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    log->pdb = pdb;
    log->number = number;
    return log;
}

/* Where the newest record ends: on the last page that was ever initialised, from the newest owner's begin on. Looked for from the
 * end of the last segment, so that opening does not read what a long transaction wrote. */
static bool find_end(rdb_undo *undo, undo_log *log, uint64_t begin, uint64_t *end, rdb_error *err)
{
    const uint64_t first_page = begin >> undo->page_shift;
    uint64_t segment = first_page / UNDO_SEGMENT_PAGES;
    *end = begin;
    log->segments = segment;
    while (rdb_storage_file_exists(undo->storage, log->pdb->pdb, segment_file(log->number, segment)))
        log->segments = ++segment;
    while (segment-- > first_page / UNDO_SEGMENT_PAGES) {
        uint64_t blocks = 0;
        if (!rdb_storage_block_count(undo->storage, log->pdb->pdb, segment_file(log->number, segment), RDB_FORK_MAIN, &blocks, err))
            return false;
        for (uint64_t block = RDB_MIN(blocks, (uint64_t)UNDO_SEGMENT_PAGES); block-- > 0 && segment * UNDO_SEGMENT_PAGES + block >= first_page;) {
            const uint64_t page_no = segment * UNDO_SEGMENT_PAGES + block;
            rdb_buffer *buffer = NULL;
            if (!rdb_buffer_acquire(undo->storage, undo_page_tag(undo, log, page_no << undo->page_shift), RDB_BUFFER_SHARED, &buffer, err))
                return false;
            const rdb_page *page = rdb_buffer_page(buffer);
            uint8_t type = page->type;
            uint64_t lower = page->lower;
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
            if (type != RDB_PAGE_UNDO)
                continue;
            *end = (page_no << undo->page_shift) + lower;
            if (lower == undo->page_bytes) /* full: the next record starts on the next page, there or not yet */
                *end += RDB_PAGE_HEADER_BYTES;
            return true;
        }
    }
    return true;
}

/* A log whose writer is prepared stays that transaction's, as it was before the restart. */
static bool give_to_prepared(rdb_undo *undo, undo_log *log, uint64_t begin)
{
    rdb_undo_address last = 0;
    rdb_txn *owner = rdb_txn_owner_of_undo_log(undo->txns, log->pdb->pdb, log->number, &last);
    if (owner == NULL)
        return false;
    log->begin = begin;
    atomic_store(&log->end, begin);
    log->last_record = last;
    log->has_written = true;
    rdb_txn_set_undo_state(owner, log->number >> 14, log);
    return true;
}

/* Reads a log's meta page and queues what a crash left undone. */
static bool load_log(rdb_undo *undo, undo_pdb *pdb, uint16_t number, undo_log **loaded, bool *is_free, rdb_error *err)
{
    *loaded = NULL;
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(undo->storage, meta_tag(pdb->pdb, number), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    undo_meta meta;
    bool exists = rdb_buffer_page(buffer)->type == RDB_PAGE_META;
    memcpy(&meta, (uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES, sizeof meta);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    if (!exists)
        return true;
    undo_log *log = add_log(pdb, number, err);
    uint64_t end = 0;
    if (log == NULL || !find_end(undo, log, RDB_MAX(meta.begin, meta.tail), &end, err)) {
        free(log);
        return false;
    }
    log->begin = end;
    atomic_store(&log->next, end);
    atomic_store(&log->end, end);
    atomic_store(&log->tail, meta.tail);
    log->kept_page = meta.tail >> undo->page_shift;
    log->old_pages = (end >> undo->page_shift) + 1;
    log->first_segment = (meta.tail >> undo->page_shift) / UNDO_SEGMENT_PAGES;
    while (log->first_segment > 0 && rdb_storage_file_exists(undo->storage, pdb->pdb, segment_file(number, log->first_segment - 1)))
        log->first_segment--;
    *is_free = !give_to_prepared(undo, log, meta.begin);
    *loaded = log;
    return true;
}

/* The newest owner's work, where a crash ended it: its newest record is looked for by who takes it back. */
static bool queue_crashed_work(rdb_undo *undo, undo_log *log, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(undo->storage, undo_meta_tag(log), RDB_BUFFER_SHARED, &buffer, err))
        return false;
    undo_meta meta;
    memcpy(&meta, (uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES, sizeof meta);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    rdb_xid_state state;
    rdb_scn scn;
    bool reverted;
    uint64_t end = atomic_load(&log->end);
    if (meta.owner_xid == 0 || meta.begin >= end || meta.begin < meta.tail)
        return true;
    if (!rdb_txn_resolve(undo->txns, log->pdb->pdb, meta.owner_xid, &state, &scn, err) ||
        !rdb_txn_is_reverted(undo->txns, log->pdb->pdb, meta.owner_xid, &reverted, err))
        return false;
    if (state != RDB_XID_ABORTED || reverted)
        return true; /* savepoints rolled back in a committed one are met by purge */
    rdb_undo_job job = {.pdb = log->pdb->pdb,
                        .xid = meta.owner_xid,
                        .begin = RDB_UNDO_ADDRESS(log->number, meta.begin),
                        .is_found = true};
    (void)push_job(undo, &job);
    return true;
}

bool rdb_undo_find_last(rdb_undo *undo, rdb_undo_job *job, rdb_error *err)
{
    undo_pdb *pdb;
    if (job->last != 0)
        return true;
    if (!undo_find_pdb(undo, job->pdb, &pdb, err))
        return false;
    undo_log *log = undo_find_log(pdb, RDB_UNDO_LOG(job->begin));
    RDB_VERIFY(log != NULL);
    rdb_undo_reader reader;
    rdb_undo_reader_init(&reader);
    bool ok = true, found = true;
    /* A later owner's records begin with one that has none before it. */
    for (rdb_undo_address at = job->begin; ok && found && RDB_UNDO_OFFSET(at) < atomic_load_explicit(&log->end, memory_order_acquire);) {
        rdb_undo_record record;
        ok = rdb_undo_read(undo, job->pdb, at, &reader, &record, &found, err);
        if (!ok || !found || (at != job->begin && record.previous_of_txn == 0))
            break;
        job->last = at;
        at = rdb_undo_after(undo, at, record.bytes);
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

static rdb_page_tag pdb_meta_tag(uint32_t pdb)
{
    return (rdb_page_tag){.file = meta_file(), .block = 0, .pdb = pdb, .fork = RDB_FORK_MAIN};
}

/* The PDB's own meta page; made where a new PDB, or a crash just after the file was made, has none. */
static bool load_pdb_meta(rdb_undo *undo, undo_pdb *pdb, uint64_t blocks, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (blocks > 0) {
        if (!rdb_buffer_acquire(undo->storage, pdb_meta_tag(pdb->pdb), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        bool exists = rdb_buffer_page(buffer)->type == RDB_PAGE_META;
        if (exists)
            atomic_store(&pdb->purged_scn, rdb_get_u64((uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (exists)
            return true;
    }
    if (!rdb_buffer_acquire_new(undo->storage, pdb_meta_tag(pdb->pdb), &buffer, err))
        return false;
    rdb_change change;
    rdb_lsn end_lsn;
    undo_meta meta = {0};
    rdb_change_init(&change, undo->storage, pdb->pdb, 0, RDB_RESOURCE_UNDO, UNDO_OP_META_INIT);
    rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, &meta, sizeof meta);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

static bool load_pdb(rdb_undo *undo, undo_pdb *pdb, rdb_error *err)
{
    for (unsigned c = 0; c < RDB_UNDO_CLASS_COUNT; c++) {
        pdb->logs[c] = calloc(UNDO_LOGS_MAX, sizeof *pdb->logs[c]);
        if (pdb->logs[c] == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    uint64_t blocks;
    if (!rdb_storage_file_exists(undo->storage, pdb->pdb, meta_file()) &&
        !rdb_storage_create_file(undo->storage, pdb->pdb, meta_file(), 0, err))
        return false;
    if (!rdb_storage_block_count(undo->storage, pdb->pdb, meta_file(), RDB_FORK_MAIN, &blocks, err) ||
        !load_pdb_meta(undo, pdb, blocks, err))
        return false;
    for (uint64_t block = 1; block < blocks && (block - 1) / 4 < UNDO_LOGS_MAX; block++) {
        unsigned undo_class = (unsigned)((block - 1) % 4);
        uint32_t log_no = (uint32_t)((block - 1) / 4);
        undo_log *log;
        bool is_free = true;
        if (!load_log(undo, pdb, log_number(undo_class, log_no), &log, &is_free, err))
            return false;
        if (log == NULL)
            continue;
        atomic_store(&pdb->logs[undo_class][log_no], log);
        atomic_store(&pdb->log_count[undo_class], log_no + 1);
        if (!is_free)
            continue;
        log->next_free = pdb->free_logs[undo_class];
        pdb->free_logs[undo_class] = log;
    }
    return true;
}

static undo_pdb *look_up(rdb_undo *undo, uint32_t pdb)
{
    undo_pdb *found = atomic_load_explicit(&undo->pdbs[pdb % UNDO_BUCKETS], memory_order_acquire);
    while (found != NULL && found->pdb != pdb)
        found = found->next;
    return found;
}

static void free_pdb(undo_pdb *pdb)
{
    for (unsigned c = 0; c < RDB_UNDO_CLASS_COUNT; c++) {
        for (uint32_t n = 0; pdb->logs[c] != NULL && n < atomic_load(&pdb->log_count[c]); n++)
            free(atomic_load(&pdb->logs[c][n]));
        free(pdb->logs[c]);
    }
    rdb_mutex_deinit(&pdb->lock);
    free(pdb);
}

bool undo_find_pdb(rdb_undo *undo, uint32_t pdb_no, undo_pdb **found, rdb_error *err)
{
    *found = look_up(undo, pdb_no);
    if (RDB_LIKELY(*found != NULL))
        return true;
    bool fresh = false;
    rdb_mutex_lock(&undo->lock);
    *found = look_up(undo, pdb_no);
    if (*found == NULL) {
        undo_pdb *pdb = calloc(1, sizeof *pdb);
        if (pdb == NULL) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        } else {
            pdb->pdb = pdb_no;
            rdb_mutex_init(&pdb->lock, RDB_RANK_UNDO);
            if (load_pdb(undo, pdb, err)) {
                pdb->next = atomic_load(&undo->pdbs[pdb_no % UNDO_BUCKETS]);
                atomic_store_explicit(&undo->pdbs[pdb_no % UNDO_BUCKETS], pdb, memory_order_release);
                *found = pdb;
                fresh = true;
            } else {
                free_pdb(pdb);
            }
        }
        for (unsigned c = 0; fresh && c < RDB_UNDO_CLASS_COUNT; c++)
            for (uint32_t n = 0; n < atomic_load(&pdb->log_count[c]); n++) {
                undo_log *log = atomic_load(&pdb->logs[c][n]);
                rdb_error ignored = {0};
                /* What cannot be read now is met again by purge, which reports it. */
                if (log != NULL && !queue_crashed_work(undo, log, &ignored))
                    rdb_error_clear(&ignored);
            }
    }
    rdb_mutex_unlock(&undo->lock);
    return *found != NULL;
}

bool rdb_undo_attach(rdb_undo *undo, uint32_t pdb, rdb_error *err)
{
    undo_pdb *found;
    return undo_find_pdb(undo, pdb, &found, err);
}

bool rdb_undo_work_begin(rdb_undo *undo, uint32_t pdb_no)
{
    undo_pdb *pdb = look_up(undo, pdb_no);
    RDB_VERIFY(pdb != NULL); /* whoever has a record of it has met its logs */
    atomic_fetch_add(&pdb->workers, 1);
    if (!atomic_load(&pdb->is_retired))
        return true;
    atomic_fetch_sub(&pdb->workers, 1);
    return false;
}

void rdb_undo_work_end(rdb_undo *undo, uint32_t pdb_no)
{
    atomic_fetch_sub(&look_up(undo, pdb_no)->workers, 1);
}

bool rdb_undo_retire(rdb_undo *undo, uint32_t pdb_no, rdb_error *err)
{
    undo_pdb *pdb;
    if (!undo_find_pdb(undo, pdb_no, &pdb, err))
        return false;
    atomic_store(&pdb->is_retired, true);
    while (atomic_load(&pdb->workers) != 0)
        rdb_time_sleep_us(100);
    return true;
}

undo_log *undo_find_log(undo_pdb *pdb, uint16_t number)
{
    unsigned undo_class = number >> 14;
    uint32_t log_no = (number & 0x3fffu) - 1u;
    if (log_no >= atomic_load_explicit(&pdb->log_count[undo_class], memory_order_acquire))
        return NULL;
    return atomic_load_explicit(&pdb->logs[undo_class][log_no], memory_order_acquire);
}

/* ---- owning -------------------------------------------------------------------------------------------------------- */
static bool make_log(rdb_undo *undo, undo_pdb *pdb, unsigned undo_class, undo_log **made, rdb_error *err)
{
    uint32_t log_no = atomic_load(&pdb->log_count[undo_class]);
    if (log_no == UNDO_LOGS_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many transactions write at the same time");
    undo_log *log = add_log(pdb, log_number(undo_class, log_no), err);
    if (log == NULL)
        return false;
    rdb_buffer *buffer = NULL;
    undo_meta meta = {.begin = RDB_PAGE_HEADER_BYTES, .tail = RDB_PAGE_HEADER_BYTES};
    bool ok = rdb_storage_create_file(undo->storage, pdb->pdb, segment_file(log->number, 0), 0, err) &&
              rdb_buffer_acquire_new(undo->storage, undo_meta_tag(log), &buffer, err);
    if (ok) {
        rdb_change change;
        rdb_lsn end_lsn;
        rdb_change_init(&change, undo->storage, pdb->pdb, 0, RDB_RESOURCE_UNDO, UNDO_OP_META_INIT);
        rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, &meta, sizeof meta);
        ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    }
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (!ok) {
        free(log);
        return false;
    }
    log->begin = meta.begin;
    log->segments = 1;
    atomic_store(&log->next, meta.begin);
    atomic_store(&log->end, meta.begin);
    atomic_store(&log->tail, meta.tail);
    atomic_store_explicit(&pdb->logs[undo_class][log_no], log, memory_order_release);
    atomic_store_explicit(&pdb->log_count[undo_class], log_no + 1, memory_order_release);
    *made = log;
    return true;
}

bool undo_own_log(rdb_undo *undo, rdb_txn *txn, unsigned undo_class, undo_log **log, rdb_error *err)
{
    *log = rdb_txn_get_undo_state(txn, undo_class);
    if (*log != NULL)
        return true;
    undo_pdb *pdb;
    if (!undo_find_pdb(undo, rdb_txn_pdb(txn), &pdb, err))
        return false;
    bool ok = true;
    rdb_mutex_lock(&pdb->lock);
    *log = pdb->free_logs[undo_class];
    if (*log != NULL)
        pdb->free_logs[undo_class] = (*log)->next_free;
    else
        ok = make_log(undo, pdb, undo_class, log, err);
    rdb_mutex_unlock(&pdb->lock);
    if (!ok)
        return false;
    (*log)->begin = atomic_load_explicit(&(*log)->next, memory_order_relaxed);
    (*log)->last_record = 0;
    (*log)->has_written = false;
    rdb_txn_set_undo_state(txn, undo_class, *log);
    return true;
}

bool undo_ensure_segment(rdb_undo *undo, undo_log *log, uint64_t offset, rdb_error *err)
{
    uint64_t segment = (offset >> undo->page_shift) / UNDO_SEGMENT_PAGES;
    while (log->segments <= segment) {
        if (!rdb_storage_create_file(undo->storage, log->pdb->pdb, segment_file(log->number, log->segments), 0, err))
            return false;
        log->segments++;
    }
    return true;
}

bool rdb_undo_prepare(rdb_txn *txn, unsigned undo_class, rdb_xid *xid, rdb_error *err)
{
    rdb_undo *undo = rdb_undo_of(rdb_txn_manager_of(txn));
    undo_log *log;
    if (!rdb_txn_assign_xid(txn, xid, err) || !undo_own_log(undo, txn, undo_class, &log, err))
        return false;
    /* A record may run over several pages; the file that its last page needs is made before any latch is held. */
    return undo_ensure_segment(undo, log, atomic_load_explicit(&log->next, memory_order_relaxed) + RDB_UNDO_PAGES_MAX * undo->page_bytes, err);
}

/* ---- aborted work, purge --------------------------------------------------------------------------------------------- */
bool rdb_undo_take_job(rdb_undo *undo, rdb_undo_job *job)
{
    bool found = false;
    rdb_mutex_lock(&undo->jobs_lock);
    for (undo_job *item = undo->jobs; item != NULL; item = item->next)
        if (!item->taken) {
            item->taken = true;
            *job = item->job;
            found = true;
            break;
        }
    rdb_mutex_unlock(&undo->jobs_lock);
    return found;
}

bool rdb_undo_take_sibling(rdb_undo *undo, const rdb_undo_job *job, rdb_undo_job *sibling)
{
    bool found = false;
    rdb_mutex_lock(&undo->jobs_lock);
    for (undo_job *item = undo->jobs; item != NULL && !found; item = item->next) {
        found = !item->taken && item->job.pdb == job->pdb && item->job.is_found == job->is_found &&
                (job->is_found || (item->job.xid == job->xid && item->job.is_savepoint == job->is_savepoint));
        if (found) {
            item->taken = true;
            *sibling = item->job;
        }
    }
    rdb_mutex_unlock(&undo->jobs_lock);
    return found;
}

void rdb_undo_finish_job(rdb_undo *undo, const rdb_undo_job *job, bool done)
{
    rdb_mutex_lock(&undo->jobs_lock);
    for (undo_job **at = &undo->jobs; *at != NULL; at = &(*at)->next) {
        undo_job *item = *at;
        if (item->job.id != job->id)
            continue;
        if (done) {
            *at = item->next;
            if (undo->jobs_end == &item->next)
                undo->jobs_end = at;
            undo->job_count--;
            free(item);
        } else {
            item->taken = false;
        }
        break;
    }
    rdb_mutex_unlock(&undo->jobs_lock);
}

bool rdb_undo_has_job(rdb_undo *undo, uint32_t pdb, rdb_undo_address begin)
{
    bool pending = false;
    rdb_mutex_lock(&undo->jobs_lock);
    for (undo_job *item = undo->jobs; item != NULL && !pending; item = item->next)
        pending = item->job.pdb == pdb && item->job.begin == begin;
    rdb_mutex_unlock(&undo->jobs_lock);
    return pending;
}

void rdb_undo_add_job(rdb_undo *undo, const rdb_undo_job *job)
{
    if (!rdb_undo_has_job(undo, job->pdb, job->begin))
        (void)push_job(undo, job);
}

rdb_scn rdb_undo_purged_scn(rdb_undo *undo, uint32_t pdb_no)
{
    undo_pdb *pdb = look_up(undo, pdb_no);
    return pdb == NULL ? 0 : atomic_load(&pdb->purged_scn);
}

bool rdb_undo_set_purged_scn(rdb_undo *undo, uint32_t pdb_no, rdb_scn scn, rdb_error *err)
{
    undo_pdb *pdb;
    rdb_buffer *buffer = NULL;
    if (!undo_find_pdb(undo, pdb_no, &pdb, err) ||
        !rdb_buffer_acquire(undo->storage, pdb_meta_tag(pdb_no), RDB_BUFFER_EXCLUSIVE, &buffer, err))
        return false;
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, undo->storage, pdb_no, 0, RDB_RESOURCE_UNDO, UNDO_OP_PURGED);
    rdb_change_block(&change, buffer, 0);
    rdb_change_block_data(&change, &scn, sizeof scn);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    if (ok)
        atomic_store(&pdb->purged_scn, scn);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

void rdb_undo_visit_logs(rdb_undo *undo, void (*visit)(void *context, const rdb_undo_log_info *info), void *context)
{
    for (unsigned i = 0; i < UNDO_BUCKETS; i++)
        for (undo_pdb *pdb = atomic_load_explicit(&undo->pdbs[i], memory_order_acquire); pdb != NULL; pdb = pdb->next)
            for (unsigned c = 0; c < RDB_UNDO_CLASS_COUNT; c++)
                for (uint32_t n = 0; n < atomic_load_explicit(&pdb->log_count[c], memory_order_acquire); n++) {
                    undo_log *log = atomic_load(&pdb->logs[c][n]);
                    if (log == NULL)
                        continue;
                    rdb_undo_log_info info = {
                        .pdb = pdb->pdb,
                        .log = log->number,
                        .end = RDB_UNDO_ADDRESS(log->number, atomic_load_explicit(&log->end, memory_order_acquire)),
                        .tail = RDB_UNDO_ADDRESS(log->number, atomic_load_explicit(&log->tail, memory_order_acquire)),
                        .next = RDB_UNDO_ADDRESS(log->number, atomic_load_explicit(&log->next, memory_order_acquire)),
                    };
                    /* The newest segment grows page by page; older ones are whole. */
                    uint64_t first_page = (RDB_UNDO_OFFSET(info.tail) >> undo->page_shift) / UNDO_SEGMENT_PAGES * UNDO_SEGMENT_PAGES;
                    info.file_bytes = ((RDB_UNDO_OFFSET(info.next) >> undo->page_shift) + 1 - first_page) << undo->page_shift;
                    visit(context, &info);
                }
}

static bool log_tail(rdb_undo *undo, undo_log *log, uint64_t offset, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(undo->storage, undo_meta_tag(log), RDB_BUFFER_EXCLUSIVE, &buffer, err))
        return false;
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, undo->storage, log->pdb->pdb, 0, RDB_RESOURCE_UNDO, UNDO_OP_TAIL);
    rdb_change_block(&change, buffer, 0);
    rdb_change_block_data(&change, &offset, sizeof offset);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (ok)
        atomic_store_explicit(&log->tail, offset, memory_order_release);
    return ok;
}

/* The tail has passed these pages: they leave the pool at once, and those that the disk has not seen yet never go there. */
static bool forget_pages(rdb_undo *undo, undo_log *log, rdb_error *err)
{
    const uint64_t end = atomic_load(&log->tail) >> undo->page_shift;
    log->kept_page = RDB_MAX(log->kept_page, log->first_segment * UNDO_SEGMENT_PAGES); /* with their files the others went */
    while (log->kept_page < end) { /* all in one segment */
        const uint64_t page_no = log->kept_page;
        const bool is_old = page_no < log->old_pages;
        const uint64_t to = is_old ? RDB_MIN(end, log->old_pages) : end;
        /* What a crash tore on disk would look like damage from now on, were it not written whole. */
        if (!rdb_storage_forget(undo->storage, undo_page_tag(undo, log, page_no << undo->page_shift), to - page_no, is_old, err))
            return false;
        log->kept_page = to;
    }
    return true;
}

bool rdb_undo_set_tail(rdb_undo *undo, uint32_t pdb_no, rdb_undo_address tail, rdb_error *err)
{
    undo_pdb *pdb;
    if (!undo_find_pdb(undo, pdb_no, &pdb, err))
        return false;
    undo_log *log = undo_find_log(pdb, RDB_UNDO_LOG(tail));
    uint64_t offset = RDB_UNDO_OFFSET(tail);
    RDB_VERIFY(log != NULL && offset <= atomic_load(&log->end));
    if (atomic_load(&log->tail) < offset && !log_tail(undo, log, offset, err))
        return false;
    /* Those too that could not be removed when the tail passed them. */
    const uint64_t end = (atomic_load(&log->tail) >> undo->page_shift) / UNDO_SEGMENT_PAGES;
    for (; log->first_segment < end; log->first_segment++)
        if (!rdb_storage_drop_file(undo->storage, pdb_no, segment_file(log->number, log->first_segment), err))
            return false;
    return forget_pages(undo, log, err);
}

void rdb_undo_set_purger(rdb_undo *undo, bool (*run)(void *context, rdb_cancel *cancel, rdb_error *err), void *context)
{
    undo->purger = run;
    undo->purger_context = context;
}

bool rdb_undo_purge_now(rdb_undo *undo, rdb_cancel *cancel, rdb_error *err)
{
    return undo->purger == NULL || undo->purger(undo->purger_context, cancel, err);
}

void rdb_undo_set_rester(rdb_undo *undo, bool (*run)(void *context, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *visit_context, bool *ran, rdb_error *err), void *context)
{
    undo->rester = run;
    undo->rester_context = context;
}

bool rdb_undo_at_rest(rdb_undo *undo, rdb_cancel *cancel, rdb_undo_visit_at_rest visit, void *context, bool *ran, rdb_error *err)
{
    *ran = false;
    return undo->rester == NULL || undo->rester(undo->rester_context, cancel, visit, context, ran, err);
}

static void count_log(void *context, const rdb_undo_log_info *info)
{
    rdb_undo_statistics *statistics = context;
    statistics->logs++;
    statistics->bytes += info->next - info->tail;
    statistics->bytes_finished += info->end - info->tail;
    statistics->file_bytes += info->file_bytes;
}

void rdb_undo_get_statistics(rdb_undo *undo, rdb_undo_statistics *statistics)
{
    *statistics = (rdb_undo_statistics){0};
    rdb_undo_visit_logs(undo, count_log, statistics);
    rdb_mutex_lock(&undo->jobs_lock);
    statistics->jobs = undo->job_count;
    rdb_mutex_unlock(&undo->jobs_lock);
}
