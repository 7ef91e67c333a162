/* SPDX-License-Identifier: Apache-2.0
 * Redo of one record: its pages are brought to at least its LSN. The change number decides (R21): a page that is newer is
 * left alone, one that stands where the record found it is changed, any other has lost a write. The first record of a
 * page after the redo point brings the page itself, so neither a torn page nor a missing file stops it. */
#include "storage_int.h"

#include <lz4.h>

static bool restore_image(const rdb_wal_block *block, rdb_lsn lsn, rdb_page *page, uint32_t page_bytes, rdb_error *err)
{
    bool ok = false;
    if ((block->flags & RDB_WAL_BLOCK_IMAGE_LZ4) != 0)
        ok = LZ4_decompress_safe((const char *)block->image, (char *)page, (int)block->image_bytes, (int)page_bytes) == (int)page_bytes;
    else if ((ok = block->image_bytes == page_bytes))
        memcpy(page, block->image, page_bytes);
    if (ok && page->change_no == block->previous_change_no)
        return true;
    rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed WAL record at %llX", (unsigned long long)lsn);
    return rdb_error_detail(err, "A page image in it does not fit.");
}

static bool lost_write(const rdb_wal_record *record, const rdb_wal_block *block, rdb_page_tag tag, const rdb_page *page, rdb_error *err)
{
    char name[96];
    storage_tag_name(name, tag);
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a write to block %llu of relation %s was lost", (unsigned long long)tag.block, name);
    return rdb_error_detail(err, "The WAL record at %llX changes the page of change number %llu, but the page has %llu.",
                            (unsigned long long)record->lsn, (unsigned long long)block->previous_change_no,
                            (unsigned long long)page->change_no);
}

/* The block's frame, pinned and exclusively latched. */
static bool acquire_for_replay(rdb_storage *storage, rdb_page_tag tag, bool brings_page, rdb_buffer **frame, rdb_error *err)
{
    storage_relation *relation = NULL;
    bool fresh = false;
    if (!relation_get(storage, tag.pdb, tag.file, tag.fork, RELATION_OR_CREATE, &relation, err))
        return false;
    bool ok = relation_grow(storage, relation, tag.block + 1, err);
    relation_put(relation);
    if (!ok)
        return false;
    if (!brings_page)
        return rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, frame, err);
    for (;;) {
        if (!pool_get(storage, tag, LOAD_REPLAY, frame, &fresh, err))
            return false;
        if (fresh)
            return true;
        rdb_latch_lock_exclusive(&(*frame)->latch);
        if ((atomic_load_explicit(&(*frame)->state, memory_order_acquire) & FRAME_VALID) != 0)
            return true;
        rdb_buffer_release(*frame, RDB_BUFFER_EXCLUSIVE); /* another worker could not read it */
    }
}

static bool replay_block(rdb_storage *storage, const rdb_wal_record *record, unsigned block_no, const rdb_resource_ops *ops,
                         rdb_buffer *frame, rdb_error *err)
{
    const rdb_wal_block *block = &record->blocks[block_no];
    uint64_t after = change_no_after(block->previous_change_no, record->lsn);
    bool initialised = (block->flags & RDB_WAL_BLOCK_INIT) != 0;
    if (frame->page->change_no >= after)
        return true;
    if (initialised)
        memset(frame->page, 0, storage->page_bytes);
    else if (block->image != NULL) {
        if (!restore_image(block, record->lsn, frame->page, storage->page_bytes, err))
            return false;
    } else if (frame->page->change_no != block->previous_change_no) {
        return lost_write(record, block, frame->tag, frame->page, err);
    }
    rdb_redo redo = {.lsn = record->lsn, .end_lsn = record->end_lsn, .xid = record->xid, .pdb = record->pdb,
                     .page_bytes = storage->page_bytes, .operation = record->operation, .tag = frame->tag,
                     .reference_no = (uint8_t)block_no, .data = block->data, .data_bytes = block->data_bytes,
                     .main_data = record->data, .main_bytes = record->data_bytes};
    if (!ops->redo(&redo, frame->page, err)) {
        rdb_error_add_context(err, "redo of the WAL record at %llX, resource %s, operation %u", (unsigned long long)record->lsn,
                              ops->name, record->operation);
        return false;
    }
    page_finish_change(frame, record->lsn, record->end_lsn, block->previous_change_no, record->thread_no, initialised);
    return true;
}

bool rdb_storage_replay(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err)
{
    const rdb_resource_ops *ops = rdb_resource_find(record->resource);
    rdb_buffer *frames[RDB_WAL_BLOCKS_MAX];
    unsigned held = 0;
    bool ok = true;
    if (record->block_count > 0 && (ops == NULL || ops->redo == NULL))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "WAL record at %llX is of resource %u, which nobody owns",
                             (unsigned long long)record->lsn, record->resource);
    if (record->resource == RDB_RESOURCE_STORAGE && !files_replay(storage, record, err))
        return false;
    for (; ok && held < record->block_count; held++) { /* all latches first (R24): a reader meets all or nothing */
        const rdb_wal_block *block = &record->blocks[held];
        rdb_page_tag tag = {.file = block->file, .block = block->block, .pdb = record->pdb, .fork = block->fork};
        /* The life that crashed may have written it, whether it needs redo now or not. */
        changes_note(storage, tag.pdb, tag.file, tag.fork, tag.block, 1);
        ok = acquire_for_replay(storage, tag, block->image != NULL || (block->flags & RDB_WAL_BLOCK_INIT) != 0, &frames[held], err);
        if (!ok)
            break;
    }
    for (unsigned i = 0; ok && i < record->block_count; i++)
        ok = replay_block(storage, record, i, ops, frames[i], err);
    while (held > 0)
        rdb_buffer_release(frames[--held], RDB_BUFFER_EXCLUSIVE);
    return ok;
}
