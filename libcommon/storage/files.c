/* SPDX-License-Identifier: Apache-2.0
 * Files of relations come, go and shrink by logged steps (R36). Each stands inside the redo gate: a redo point never
 * falls between such a record and its deed. What cannot be taken back (an unlink, a cut) waits for its record to be durable.
 *
 * Main data of the records:  create: file 8 | drop: file 8 | truncate: file 8, blocks 8, fork 1
 * Data of a block: number: the next one, 8 | page: the page whole (repair.c)
 * File numbers of a PDB are drawn from page 0 of its file "tables/<pdb>/0": the next number, 8 bytes behind the header. */
#include "storage_int.h"

enum { NUMBER_OFFSET = RDB_PAGE_HEADER_BYTES, FIRST_FILE_NUMBER = 16384, RECORD_BYTES = RDB_WAL_HEADER_BYTES + 17 };

/* Logs a step of main data only and waits until it is durable. Inside the gate. */
static bool log_step(rdb_storage *storage, uint32_t pdb, rdb_xid xid, uint8_t operation, const uint8_t *data, uint32_t data_bytes,
                     rdb_error *err)
{
    uint8_t record[RECORD_BYTES] = {0};
    rdb_lsn lsn = 0, end_lsn = 0;
    rdb_put_u64(record + 8, xid);
    rdb_put_u32(record + 16, pdb);
    record[20] = RDB_RESOURCE_STORAGE;
    record[21] = operation;
    memcpy(record + RDB_WAL_HEADER_BYTES, data, data_bytes);
    rdb_wal_piece piece = {record, RDB_WAL_HEADER_BYTES + data_bytes};
    return rdb_wal_insert(storage_wal(storage), &piece, 1, NULL, NULL, &lsn, &end_lsn, err) &&
           storage_pass_barrier(storage, end_lsn, err);
}

static bool need_wal(const rdb_storage *storage, rdb_error *err)
{
    return storage_wal(storage) != NULL ||
           rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot change a file: the instance is open for reading only");
}

bool rdb_storage_create_file(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err)
{
    uint8_t data[8];
    rdb_put_u64(data, file);
    if (!need_wal(storage, err))
        return false;
    rdb_wal_gate_enter(storage_wal(storage));
    bool ok = log_step(storage, pdb, xid, STORAGE_OP_CREATE, data, sizeof data, err) && relation_create(storage, pdb, file, err);
    rdb_wal_gate_leave(storage_wal(storage));
    return ok;
}

static bool drop_now(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err)
{
    pool_discard(storage, pdb, file, -1, 0);
    return relation_drop(storage, pdb, file, err);
}

bool rdb_storage_drop_file(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err)
{
    uint8_t data[8];
    rdb_put_u64(data, file);
    if (!need_wal(storage, err))
        return false;
    rdb_wal_gate_enter(storage_wal(storage));
    bool ok = log_step(storage, pdb, 0, STORAGE_OP_DROP, data, sizeof data, err) && drop_now(storage, pdb, file, err);
    rdb_wal_gate_leave(storage_wal(storage));
    return ok;
}

static bool truncate_now(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t blocks, relation_open how,
                         rdb_error *err)
{
    storage_relation *relation = NULL;
    if (!relation_get(storage, pdb, file, fork, how, &relation, err))
        return false;
    pool_discard(storage, pdb, file, fork, blocks);
    bool ok = relation_truncate(storage, relation, blocks, err);
    relation_put(relation);
    return ok;
}

bool rdb_storage_truncate_file(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t blocks, rdb_error *err)
{
    uint8_t data[17];
    rdb_put_u64(data, file);
    rdb_put_u64(data + 8, blocks);
    data[16] = fork;
    if (!need_wal(storage, err))
        return false;
    rdb_wal_gate_enter(storage_wal(storage));
    bool ok = log_step(storage, pdb, 0, STORAGE_OP_TRUNCATE, data, sizeof data, err) &&
              truncate_now(storage, pdb, file, fork, blocks, RELATION_EXISTING, err);
    rdb_wal_gate_leave(storage_wal(storage));
    return ok;
}

/* ---- the end of a file in use ------------------------------------------------------------------------------------------- */
/* What makes a cut safe: every page that goes is latched until it is gone, and its frame stays in the table as a free page. Nobody holds
 * another copy, so whoever waited for its latch, or comes back to it by an old way, finds a free page behind the end. The file can not grow
 * meanwhile (extend_lock), so that a block is never handed out between the record and the deed. */
#define CUT_BLOCKS_MAX 512u

static bool latch_if_empty(rdb_storage *storage, rdb_page_tag tag, bool (*is_empty)(const rdb_page *page), rdb_buffer **buffer, rdb_error *err)
{
    *buffer = NULL;
    if (!rdb_buffer_acquire(storage, tag, RDB_BUFFER_PIN, buffer, err))
        return false;
    if (!rdb_buffer_try_lock(*buffer, RDB_BUFFER_EXCLUSIVE)) {
        rdb_buffer_release(*buffer, RDB_BUFFER_PIN);
        *buffer = NULL;
        return true;
    }
    const rdb_page *page = rdb_buffer_page(*buffer);
    if (!pool_is_at_rest(*buffer) || (page->type != RDB_PAGE_FREE && !is_empty(page))) {
        rdb_buffer_release(*buffer, RDB_BUFFER_EXCLUSIVE);
        *buffer = NULL;
    }
    return true;
}

/* Cuts blocks first .. end - 1, whose pages are latched, if the file still ends there. */
static bool cut_latched(rdb_storage *storage, storage_relation *relation, uint64_t first, uint64_t end, rdb_buffer *const *buffers, bool *is_cut, rdb_error *err)
{
    uint8_t data[17];
    bool ok = true;
    rdb_put_u64(data, relation->file);
    rdb_put_u64(data + 8, first);
    data[16] = relation->fork;
    *is_cut = false;
    rdb_wal_gate_enter(storage_wal(storage));
    rdb_mutex_lock(&relation->extend_lock);
    if (atomic_load_explicit(&relation->block_count, memory_order_relaxed) == end) {
        ok = log_step(storage, relation->pdb, 0, STORAGE_OP_TRUNCATE, data, sizeof data, err) && relation_truncate_locked(storage, relation, first, err);
        for (uint64_t i = 0; ok && i < end - first; i++)
            pool_blank(buffers[i]);
        *is_cut = ok;
    }
    rdb_mutex_unlock(&relation->extend_lock);
    rdb_wal_gate_leave(storage_wal(storage));
    return ok;
}

bool rdb_storage_cut_tail(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t least, bool (*is_empty)(const rdb_page *page), uint64_t *blocks,
                          rdb_error *err)
{
    rdb_buffer *buffers[CUT_BLOCKS_MAX];
    storage_relation *relation = NULL;
    const uint32_t most = RDB_MIN(CUT_BLOCKS_MAX, RDB_MAX(storage->frame_count / 16, 1u));
    bool ok = true, is_cut = true;
    *blocks = 0;
    if (!need_wal(storage, err) || !relation_get(storage, pdb, file, RDB_FORK_MAIN, RELATION_EXISTING, &relation, err))
        return false;
    while (ok && is_cut) {
        uint64_t end = atomic_load_explicit(&relation->block_count, memory_order_acquire), first = end;
        uint32_t count = 0;
        for (rdb_buffer *buffer; ok && count < most && first > least; first--) {
            const rdb_page_tag tag = {.file = file, .block = first - 1, .pdb = pdb, .fork = RDB_FORK_MAIN};
            ok = latch_if_empty(storage, tag, is_empty, &buffer, err);
            if (!ok || buffer == NULL)
                break;
            buffers[count++] = buffer;
        }
        is_cut = false;
        if (ok && count > 0)
            ok = cut_latched(storage, relation, first, end, buffers, &is_cut, err);
        for (uint32_t i = 0; i < count; i++)
            rdb_buffer_release(buffers[i], RDB_BUFFER_EXCLUSIVE);
    }
    *blocks = atomic_load_explicit(&relation->block_count, memory_order_acquire);
    relation_put(relation);
    return ok;
}

bool files_replay(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err)
{
    uint32_t wanted = record->operation == STORAGE_OP_TRUNCATE ? 17 : 8;
    if (record->operation == STORAGE_OP_NUMBER || record->operation == STORAGE_OP_PAGE)
        return true; /* a page change */
    if (record->operation < STORAGE_OP_CREATE || record->operation > STORAGE_OP_TRUNCATE || record->data_bytes != wanted)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed WAL record at %llX", (unsigned long long)record->lsn);
    uint64_t file = rdb_get_u64(record->data);
    if (record->operation == STORAGE_OP_DROP)
        return drop_now(storage, record->pdb, file, err);
    if (record->operation == STORAGE_OP_TRUNCATE)
        return truncate_now(storage, record->pdb, file, record->data[16], rdb_get_u64(record->data + 8), RELATION_OR_CREATE, err);
    /* Create: what the file holds already was logged behind this record and comes again. A page of it that reached the disk
     * is not needed for that, since each first change after the redo point initialises its page or brings its image. */
    pool_discard(storage, record->pdb, file, -1, 0);
    return relation_create(storage, record->pdb, file, err);
}

rdb_page_fate rdb_storage_page_fate(const rdb_wal_record *record, rdb_page_tag tag)
{
    if (record->resource != RDB_RESOURCE_STORAGE || record->pdb != tag.pdb || record->data_bytes < 8 || rdb_get_u64(record->data) != tag.file)
        return RDB_PAGE_STAYS;
    if (record->operation == STORAGE_OP_DROP)
        return RDB_PAGE_DROPPED;
    const bool is_cut = record->operation == STORAGE_OP_TRUNCATE && record->data_bytes == 17 && record->data[16] == tag.fork && rdb_get_u64(record->data + 8) <= tag.block;
    return is_cut || record->operation == STORAGE_OP_CREATE ? RDB_PAGE_EMPTIED : RDB_PAGE_STAYS;
}

static bool fork_exists(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork)
{
    char path[1200];
    rdb_error err = {0};
    bool ok = relation_path(storage, pdb, file, fork, path, &err) && rdb_path_exists(path);
    rdb_error_clear(&err);
    return ok;
}

bool rdb_storage_block_count(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t *blocks, rdb_error *err)
{
    storage_relation *relation = NULL;
    *blocks = 0;
    if (fork != RDB_FORK_MAIN && !fork_exists(storage, pdb, file, fork)) /* a clone has none until it is needed */
        return true;
    if (!relation_get(storage, pdb, file, fork, RELATION_EXISTING, &relation, err))
        return false;
    *blocks = atomic_load_explicit(&relation->block_count, memory_order_acquire);
    relation_put(relation);
    return true;
}

bool rdb_storage_file_exists(rdb_storage *storage, uint32_t pdb, uint64_t file)
{
    return fork_exists(storage, pdb, file, RDB_FORK_MAIN);
}

void rdb_storage_prefetch(rdb_storage *storage, rdb_page_tag tag, uint32_t block_count)
{
    rdb_error err = {0};
    relation_prefetch(storage, tag, block_count, &err);
    rdb_error_clear(&err);
}

/* ---- file numbers --------------------------------------------------------------------------------------------------------- */

static bool redo_page_step(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    if (redo->operation == STORAGE_OP_PAGE && redo->data_bytes == redo->page_bytes) {
        memcpy(page, redo->data, redo->page_bytes);
        return true;
    }
    if (redo->operation != STORAGE_OP_NUMBER || redo->data_bytes != 8)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed WAL record at %llX", (unsigned long long)redo->lsn);
    page->type = RDB_PAGE_META;
    page->lower = NUMBER_OFFSET + 8;
    page->upper = (uint16_t)redo->page_bytes;
    memcpy((uint8_t *)page + NUMBER_OFFSET, redo->data, 8);
    return true;
}

static void describe_step(const rdb_wal_record *record, rdb_strbuf *text)
{
    static const char *const names[] = {"?", "create", "drop", "truncate", "number", "page"};
    rdb_strbuf_adds(text, names[record->operation < RDB_COUNT_OF(names) ? record->operation : 0]);
    if (record->operation <= STORAGE_OP_TRUNCATE && record->data_bytes >= 8) {
        char name[96];
        rdb_page_tag tag = {.file = rdb_get_u64(record->data), .pdb = record->pdb};
        storage_tag_name(name, tag);
        rdb_strbuf_addf(text, " %s", name);
    }
    if (record->operation == STORAGE_OP_TRUNCATE && record->data_bytes == 17)
        rdb_strbuf_addf(text, " to %llu blocks", (unsigned long long)rdb_get_u64(record->data + 8));
}

void files_register(void)
{
    static const rdb_resource_ops ops = {.name = "storage", .redo = redo_page_step, .describe = describe_step};
    rdb_resource_register(RDB_RESOURCE_STORAGE, &ops);
}

bool rdb_storage_next_file(rdb_storage *storage, uint32_t pdb, unsigned file_class, uint64_t *file, rdb_error *err)
{
    uint64_t number_file = RDB_FILE_NO(RDB_FILE_TABLE, 0), blocks = 0, number = FIRST_FILE_NUMBER;
    rdb_page_tag tag = {.file = number_file, .pdb = pdb};
    rdb_buffer *buffer = NULL;
    rdb_change change;
    rdb_lsn end_lsn = 0;
    bool ok = false, first = false;
    *file = 0;
    rdb_mutex_lock(&storage->number_lock);
    if (!rdb_storage_file_exists(storage, pdb, number_file) && !rdb_storage_create_file(storage, pdb, number_file, 0, err))
        goto out;
    if (!rdb_storage_block_count(storage, pdb, number_file, RDB_FORK_MAIN, &blocks, err))
        goto out;
    first = blocks == 0;
    if (first ? !rdb_buffer_acquire_new(storage, tag, &buffer, err)
              : !rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, err))
        goto out;
    if (rdb_buffer_page(buffer)->type == RDB_PAGE_META)
        number = rdb_get_u64((const uint8_t *)rdb_buffer_page(buffer) + NUMBER_OFFSET);
    else
        first = true; /* the page was added and never written */
    uint64_t next = number + 1;
    rdb_change_init(&change, storage, pdb, 0, RDB_RESOURCE_STORAGE, STORAGE_OP_NUMBER);
    rdb_change_block(&change, buffer, first ? RDB_WAL_BLOCK_INIT : 0);
    rdb_change_block_data(&change, &next, sizeof next);
    ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (ok)
        *file = RDB_FILE_NO(file_class, number);
out:
    rdb_mutex_unlock(&storage->number_lock);
    return ok;
}
