/* SPDX-License-Identifier: Apache-2.0
 * Redo of one record: its pages are brought to at least its LSN. The change number decides (R21): a page that is newer is
 * left alone, one that stands where the record found it is changed, any other has lost a write. The first record of a
 * page after the redo point brings the page itself, so neither a torn page nor a missing file stops it. */
#include "storage_int.h"

#include <lz4.h>
#include <stdlib.h>

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

static bool bad_data(rdb_lsn lsn, rdb_error *err)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed WAL record at %llX", (unsigned long long)lsn);
    return rdb_error_detail(err, "A block's compressed data does not unpack.");
}

/* A block's data as it was logged, at inline_bytes where it fits there, else in memory that the caller frees. */
static bool unpack_data(const rdb_wal_block *block, rdb_lsn lsn, uint8_t *inline_bytes, uint32_t inline_max, uint8_t **plain, uint32_t *length, rdb_error *err)
{
    if ((block->flags & RDB_WAL_BLOCK_DATA_PACKED) != 0) {
        *plain = inline_bytes; /* RDB_WAL_PACKED_PLAIN_MAX fits */
        return rdb_wal_unpack_data(block->data, block->data_bytes, inline_bytes, length) || bad_data(lsn, err);
    }
    *length = rdb_get_u32(block->data);
    *plain = *length <= inline_max ? inline_bytes : malloc(*length);
    if (*plain == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (LZ4_decompress_safe((const char *)block->data + 4, (char *)*plain, (int)block->data_bytes - 4, (int)*length) == (int)*length)
        return true;
    return bad_data(lsn, err);
}

static rdb_page_tag tag_of(const rdb_replay_step *step)
{
    return (rdb_page_tag){.file = step->block.file, .block = step->block.block, .pdb = step->pdb, .fork = step->block.fork};
}

static bool brings_page(const rdb_replay_step *step)
{
    return step->block.image != NULL || (step->block.flags & RDB_WAL_BLOCK_INIT) != 0;
}

/* What the record says it does, as far as its owner can tell from the part that one block needs. */
static void add_description(const rdb_replay_step *step, rdb_error *err)
{
    const rdb_resource_ops *ops = rdb_resource_find(step->resource);
    const rdb_wal_record record = {.lsn = step->lsn, .end_lsn = step->end_lsn, .xid = step->xid, .pdb = step->pdb, .resource = step->resource, .operation = step->operation,
                                   .block_count = 1, .blocks = {step->block}, .data = step->main_data, .data_bytes = step->main_bytes};
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    if (ops->describe != NULL)
        ops->describe(&record, &text);
    rdb_error_add_context(err, "redo of the WAL record at %llX, resource %s, operation %u%s%.*s", (unsigned long long)step->lsn, ops->name, step->operation,
                          text.length > 0 ? ": " : "", (int)text.length, text.length > 0 ? text.data : "");
    rdb_strbuf_free(&text);
}

static bool lost_write(const rdb_replay_step *step, const rdb_page *page, rdb_error *err)
{
    char name[96];
    storage_tag_name(name, tag_of(step));
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a write to block %llu of relation %s was lost", (unsigned long long)step->block.block, name);
    rdb_error_detail(err, "The WAL record at %llX changes the page of change number %llu, but the page has %llu.", (unsigned long long)step->lsn,
                     (unsigned long long)step->block.previous_change_no, (unsigned long long)page->change_no);
    add_description(step, err);
    return false;
}

/* The block's frame, pinned and exclusively latched. A page that the record brings is not read: whatever newer state it may have on
 * disk, the log brings it there again, and a scattered read costs more than redo. */
static bool acquire_for_replay(rdb_storage *storage, const rdb_replay_step *step, rdb_buffer **frame, rdb_error *err)
{
    rdb_page_tag tag = tag_of(step);
    storage_relation *relation = NULL;
    bool fresh = false;
    if (!relation_get(storage, tag.pdb, tag.file, tag.fork, RELATION_OR_CREATE, &relation, err))
        return false;
    bool ok = relation_grow(storage, relation, tag.block + 1, err);
    relation_put(relation);
    if (!ok)
        return false;
    if (!brings_page(step)) {
        ok = rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, frame, err);
    } else {
        for (;;) {
            if (!pool_get(storage, tag, LOAD_ZERO, frame, &fresh, err))
                return false;
            if (fresh)
                break;
            rdb_latch_lock_exclusive(&(*frame)->latch);
            if ((atomic_load_explicit(&(*frame)->state, memory_order_acquire) & FRAME_VALID) != 0)
                break;
            rdb_buffer_release(*frame, RDB_BUFFER_EXCLUSIVE); /* another worker could not read it */
        }
    }
    /* The life that crashed may have written it, whether it needs redo now or not; a dirty frame was noted when it became so. */
    if (ok && (atomic_load_explicit(&(*frame)->state, memory_order_relaxed) & FRAME_DIRTY) == 0)
        changes_note(storage, tag.pdb, tag.file, tag.fork, tag.block, 1);
    return ok;
}

static bool is_initialised(const rdb_replay_step *step)
{
    return (step->block.flags & RDB_WAL_BLOCK_INIT) != 0;
}

/* The change itself, without the header's share. *changed false: the page has it already. */
static bool redo_page(const rdb_replay_step *step, rdb_page *page, uint32_t page_bytes, bool *changed, rdb_error *err)
{
    const rdb_wal_block *block = &step->block;
    const rdb_resource_ops *ops = rdb_resource_find(step->resource);
    *changed = page->change_no < change_no_after(block->previous_change_no, step->lsn);
    if (!*changed)
        return true;
    if (is_initialised(step))
        memset(page, 0, page_bytes);
    else if (block->image != NULL) {
        if (!restore_image(block, step->lsn, page, page_bytes, err))
            return false;
    } else if (page->change_no != block->previous_change_no) {
        return lost_write(step, page, err);
    }
    enum { INLINE_BYTES = 8192 };
    uint8_t inline_bytes[INLINE_BYTES], *unpacked = NULL;
    rdb_redo redo = {.lsn = step->lsn, .end_lsn = step->end_lsn, .xid = step->xid, .pdb = step->pdb,
                     .page_bytes = page_bytes, .operation = step->operation, .tag = tag_of(step), .first_file = step->first_file, .first_block = step->first_block,
                     .reference_no = step->block_no, .data = block->data, .data_bytes = block->data_bytes,
                     .main_data = step->main_data, .main_bytes = step->main_bytes};
    bool ok = true;
    if ((block->flags & (RDB_WAL_BLOCK_DATA_LZ4 | RDB_WAL_BLOCK_DATA_PACKED)) != 0) {
        ok = unpack_data(block, step->lsn, inline_bytes, INLINE_BYTES, &unpacked, &redo.data_bytes, err);
        redo.data = unpacked;
    }
    ok = ok && ops->redo(&redo, page, err);
    if (unpacked != inline_bytes)
        free(unpacked);
    if (!ok)
        add_description(step, err);
    return ok;
}

static bool replay_page(rdb_storage *storage, const rdb_replay_step *step, rdb_buffer *frame, rdb_error *err)
{
    bool changed = false;
    if (!redo_page(step, frame->page, storage->page_bytes, &changed, err))
        return false;
    if (changed)
        page_finish_change(frame, step->lsn, step->end_lsn, step->block.previous_change_no, step->thread_no, is_initialised(step));
    return true;
}

static bool check_owner(uint8_t resource, rdb_lsn lsn, rdb_error *err)
{
    const rdb_resource_ops *ops = rdb_resource_find(resource);
    return (ops != NULL && ops->redo != NULL) ||
           rdb_error_set(err, RDB_DATA_CORRUPTED, "WAL record at %llX is of resource %u, which nobody owns", (unsigned long long)lsn, resource);
}

void rdb_replay_step_take(rdb_replay_step *step, const rdb_wal_record *record, unsigned block_no)
{
    step->lsn = record->lsn;
    step->end_lsn = record->end_lsn;
    step->xid = record->xid;
    step->pdb = record->pdb;
    step->thread_no = record->thread_no;
    step->resource = record->resource;
    step->operation = record->operation;
    step->block_no = (uint8_t)block_no;
    step->first_file = record->blocks[0].file;
    step->first_block = record->blocks[0].block;
    step->block = record->blocks[block_no];
    step->main_data = record->data;
    step->main_bytes = record->data_bytes;
}

uint32_t rdb_replay_step_hash(const rdb_replay_step *step)
{
    return (uint32_t)(storage_tag_hash(tag_of(step)) >> 11);
}

bool rdb_storage_replay_step(rdb_storage *storage, const rdb_replay_step *step, rdb_error *err)
{
    rdb_buffer *frame = NULL;
    if (!check_owner(step->resource, step->lsn, err) || !acquire_for_replay(storage, step, &frame, err))
        return false;
    bool ok = replay_page(storage, step, frame, err);
    rdb_buffer_release(frame, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

bool rdb_page_redo(const rdb_replay_step *step, void *page, uint32_t page_bytes, bool *is_known, rdb_error *err)
{
    const rdb_page_tag tag = tag_of(step);
    bool changed = false;
    if (!check_owner(step->resource, step->lsn, err))
        return false;
    if (!*is_known && !brings_page(step)) {
        char name[96];
        storage_tag_name(name, tag);
        rdb_error_set(err, RDB_DATA_CORRUPTED, "block %llu of %s is whole neither in its copy nor in the log", (unsigned long long)tag.block, name);
        return rdb_error_detail(err, "The WAL record at %llX is the first to change it, and does not bring the page.", (unsigned long long)step->lsn);
    }
    if (!*is_known)
        memset(page, 0, page_bytes);
    *is_known = redo_page(step, page, page_bytes, &changed, err);
    if (*is_known && changed)
        page_finish_header(page, tag, step->lsn, step->end_lsn, step->block.previous_change_no, step->thread_no, is_initialised(step));
    return *is_known;
}

int rdb_storage_find_block(const rdb_wal_record *record, rdb_page_tag tag)
{
    for (int i = 0; record->pdb == tag.pdb && i < record->block_count; i++) {
        const rdb_wal_block *block = &record->blocks[i];
        if (block->block == tag.block && block->file == tag.file && block->fork == tag.fork)
            return i;
    }
    return -1;
}

bool rdb_storage_replay_is_for_files(const rdb_wal_record *record)
{
    return record->resource == RDB_RESOURCE_STORAGE && record->block_count == 0;
}

bool rdb_storage_replay_files(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err)
{
    return record->resource != RDB_RESOURCE_STORAGE || files_replay(storage, record, err);
}

void rdb_storage_replay_prefetch(rdb_storage *storage, const rdb_replay_step *step)
{
    rdb_peek peek;
    rdb_page_tag tag = tag_of(step);
    if (!brings_page(step) && !rdb_buffer_peek_begin(storage, tag, &peek))
        rdb_storage_prefetch(storage, tag, 1);
}

bool rdb_storage_replay(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err)
{
    rdb_buffer *frames[RDB_WAL_BLOCKS_MAX];
    rdb_replay_step step;
    unsigned held = 0;
    bool ok = (record->block_count == 0 || check_owner(record->resource, record->lsn, err)) && rdb_storage_replay_files(storage, record, err);
    for (; ok && held < record->block_count; held++) { /* all latches first (R24): a reader meets all or nothing */
        rdb_replay_step_take(&step, record, held);
        ok = acquire_for_replay(storage, &step, &frames[held], err);
        if (!ok)
            break;
    }
    for (unsigned i = 0; ok && i < record->block_count; i++) {
        rdb_replay_step_take(&step, record, i);
        ok = replay_page(storage, &step, frames[i], err);
    }
    while (held > 0)
        rdb_buffer_release(frames[--held], RDB_BUFFER_EXCLUSIVE);
    return ok;
}
