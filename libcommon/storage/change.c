/* SPDX-License-Identifier: Apache-2.0
 * Logged changes: the only way a page changes for good. The record goes first, the same redo function that recovery
 * uses follows, so a refused record leaves the pages as they were and redo is exercised by every change. */
#include "storage_int.h"

#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>

static rdb_resource_ops resources[RDB_RESOURCE_COUNT]; /* filled before the instance opens, read without a lock after */

void rdb_resource_register(rdb_resource resource, const rdb_resource_ops *ops)
{
    RDB_VERIFY(resource > 0 && resource < RDB_RESOURCE_COUNT);
    resources[resource] = *ops;
}

const rdb_resource_ops *rdb_resource_find(rdb_resource resource)
{
    return resource > 0 && resource < RDB_RESOURCE_COUNT && resources[resource].name != NULL ? &resources[resource] : NULL;
}

static rdb_checkpoint_part parts[RDB_RESOURCE_COUNT]; /* changed while no checkpoint runs: at open and close */

void rdb_checkpoint_set_part(rdb_resource resource, const rdb_checkpoint_part *part)
{
    RDB_VERIFY(resource > 0 && resource < RDB_RESOURCE_COUNT);
    parts[resource] = *part;
}

const rdb_checkpoint_part *rdb_checkpoint_find_part(rdb_resource resource)
{
    return resource > 0 && resource < RDB_RESOURCE_COUNT ? &parts[resource] : NULL;
}

void rdb_change_init(rdb_change *change, rdb_storage *storage, uint32_t pdb, rdb_xid xid, rdb_resource resource, uint8_t operation)
{
    change->storage = storage;
    change->xid = xid;
    change->pdb = pdb;
    change->resource = (uint8_t)resource;
    change->operation = operation;
    change->block_count = 0;
    change->piece_count = 0;
    change->main_first = 0;
    change->main_count = 0;
}

void rdb_change_block(rdb_change *change, rdb_buffer *buffer, unsigned flags)
{
    RDB_VERIFY(change->block_count < RDB_CHANGE_BLOCKS_MAX && change->main_count == 0);
    unsigned no = change->block_count++;
    change->blocks[no].buffer = buffer;
    change->blocks[no].flags = (uint8_t)(flags & RDB_WAL_BLOCK_INIT);
    change->blocks[no].first_piece = change->piece_count;
    change->blocks[no].piece_count = 0;
}

static void add_piece(rdb_change *change, const void *bytes, uint32_t length)
{
    RDB_VERIFY(change->piece_count < RDB_CHANGE_PIECES_MAX);
    change->pieces[change->piece_count].bytes = bytes;
    change->pieces[change->piece_count++].length = length;
}

void rdb_change_block_data(rdb_change *change, const void *bytes, uint32_t length)
{
    RDB_VERIFY(change->block_count > 0 && change->main_count == 0);
    add_piece(change, bytes, length);
    change->blocks[change->block_count - 1].piece_count++;
}

void rdb_change_main_data(rdb_change *change, const void *bytes, uint32_t length)
{
    if (change->main_count++ == 0)
        change->main_first = change->piece_count;
    add_piece(change, bytes, length);
}

static uint64_t pieces_bytes(const rdb_wal_piece *pieces, unsigned count)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += pieces[i].length;
    return bytes;
}

/* The pieces as one run of bytes: the piece itself, or a copy at *scratch, which moves on. */
static const uint8_t *join_pieces(const rdb_wal_piece *pieces, unsigned count, uint8_t **scratch)
{
    if (count == 0)
        return (const uint8_t *)"";
    if (count == 1)
        return pieces[0].bytes;
    uint8_t *begin = *scratch;
    for (unsigned i = 0; i < count; i++) {
        if (pieces[i].length > 0)
            memcpy(*scratch, pieces[i].bytes, pieces[i].length);
        *scratch += pieces[i].length;
    }
    return begin;
}

/* The page before the change, its hole zeroed: compressed where that saves anything. plain holds a page. */
static uint32_t make_image(const rdb_page *page, uint32_t page_bytes, uint8_t *plain, uint8_t *target, uint8_t *flag)
{
    page_copy(plain, page, page_bytes);
    if (page->lower >= RDB_PAGE_HEADER_BYTES && page->lower <= page->upper && page->upper <= page_bytes)
        memset(plain + page->lower, 0, page->upper - page->lower);
    rdb_thread_usage.wal_images++;
    int bytes = LZ4_compress_default((const char *)plain, (char *)target, (int)page_bytes, (int)page_bytes - 1);
    if (bytes > 0) {
        *flag = RDB_WAL_BLOCK_IMAGE_LZ4;
        return (uint32_t)bytes;
    }
    memcpy(target, plain, page_bytes);
    *flag = RDB_WAL_BLOCK_IMAGE;
    return page_bytes;
}

/* From so many bytes on a block's data is worth compressing: what fills a new page. Small changes are not: they are many, and short;
 * these go without their zero bytes. */
enum { DATA_PACK_FROM = 24, DATA_COMPRESS_FROM = 1024, DATA_LZ4_ACCELERATION = 2 };
_Static_assert(DATA_COMPRESS_FROM <= RDB_WAL_PACKED_PLAIN_MAX, "what is not compressed can be packed");

/* The most bytes that compressed data may take, its length in front: where it saves less than an eighth it stays as it is. */
static uint32_t compressed_max(uint64_t length)
{
    return length < DATA_COMPRESS_FROM || length > RDB_WAL_BLOCK_DATA_PLAIN_MAX ? 0 : (uint32_t)(length - length / 8);
}

/* Smaller data goes without its zero bytes. Ends of transactions do not: they are read as they stand in the log. */
static bool is_packed(const rdb_change *change, uint64_t length)
{
    return length >= DATA_PACK_FROM && length < DATA_COMPRESS_FROM && change->resource != RDB_RESOURCE_TXN;
}

/* ... where that makes them fewer. */
static rdb_wal_piece pack_data(const uint8_t *data, uint32_t length, uint8_t *target)
{
    const uint32_t bytes = rdb_wal_pack_data(data, length, target);
    return (rdb_wal_piece){target, bytes < length ? bytes : 0};
}

static rdb_wal_piece compress_data(const uint8_t *data, uint32_t length, uint8_t *target)
{
    int bytes = LZ4_compress_fast((const char *)data, (char *)target + 4, (int)length, (int)compressed_max(length) - 4, DATA_LZ4_ACCELERATION);
    rdb_put_u32(target, length);
    return (rdb_wal_piece){target, bytes > 0 ? (uint32_t)bytes + 4 : 0};
}

void page_finish_header(rdb_page *page, rdb_page_tag tag, rdb_lsn lsn, rdb_lsn end_lsn, uint64_t previous, uint16_t wal_thread, bool initialised)
{
    page->change_no = change_no_after(previous, lsn);
    page->lsn = end_lsn;
    page->settled_scn = 0;
    page->wal_thread = wal_thread;
    page->version = 1;
    if (initialised) {
        page->place_hash = page_place_hash(tag);
        page->birth_tag = relation_birth_tag(tag.pdb, tag.file);
    }
}

void page_finish_change(rdb_buffer *frame, rdb_lsn lsn, rdb_lsn end_lsn, uint64_t previous, uint16_t wal_thread, bool initialised)
{
    page_finish_header(frame->page, frame->tag, lsn, end_lsn, previous, wal_thread, initialised);
    atomic_store_explicit(&frame->lsn, end_lsn, memory_order_relaxed);
    frame_mark_dirty(frame);
}

/* A redo function refused its own room's change: the log says one thing and the page another. Nothing may go on. */
static _Noreturn void redo_failed(const rdb_change *change, const rdb_resource_ops *ops, const rdb_error *err)
{
    fprintf(stderr, "rdb: redo of a change just logged failed, resource %s, operation %u: %s %s\n", ops->name, change->operation,
            rdb_error_message(err), rdb_error_detail_text(err));
    abort();
}

bool rdb_change_apply(rdb_change *change, rdb_wal_at_position at_position, void *context, rdb_lsn *end_lsn, rdb_error *err)
{
    enum { STACK_SCRATCH = 4096 };
    struct { /* of each block */
        const uint8_t *joined; /* its data as one run; NULL: not yet */
        rdb_wal_piece compressed;
        uint32_t bytes;
    } data[RDB_CHANGE_BLOCKS_MAX];
    rdb_storage *storage = change->storage;
    rdb_wal *wal = storage_wal(storage);
    const rdb_resource_ops *ops = rdb_resource_find(change->resource);
    uint8_t head[RDB_WAL_HEADER_BYTES + RDB_CHANGE_BLOCKS_MAX * RDB_WAL_BLOCK_BYTES_MAX];
    uint32_t head_bytes = RDB_WAL_HEADER_BYTES;
    rdb_wal_piece pieces[1 + RDB_CHANGE_BLOCKS_MAX + RDB_CHANGE_PIECES_MAX];
    uint8_t stack_scratch[STACK_SCRATCH], *scratch = stack_scratch, *images = NULL;
    uint32_t piece_count = 1, image_count = 0, clean_count = 0;
    uint64_t scratch_bytes = 0;
    rdb_lsn lsn = 0;
    bool ok = false;
    *end_lsn = 0;
    if (wal == NULL)
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot change a page: the instance is open for reading only");
    RDB_VERIFY(ops != NULL && (change->block_count == 0 || ops->redo != NULL));
    for (unsigned i = 0; i < change->block_count; i++) {
        data[i].bytes = (uint32_t)pieces_bytes(&change->pieces[change->blocks[i].first_piece], change->blocks[i].piece_count);
        data[i].joined = NULL;
        data[i].compressed.length = 0;
        if (change->blocks[i].piece_count > 1)
            scratch_bytes += data[i].bytes;
        if (at_position == NULL)
            scratch_bytes += is_packed(change, data[i].bytes) ? data[i].bytes + data[i].bytes / 8 + 3 : compressed_max(data[i].bytes);
        if ((atomic_load_explicit(&change->blocks[i].buffer->state, memory_order_relaxed) & FRAME_DIRTY) == 0)
            clean_count++;
    }
    if (clean_count > 0 && !cleaner_admit(storage, clean_count, err))
        return false;
    if (change->block_count > 0 && change->main_count > 1)
        scratch_bytes += pieces_bytes(&change->pieces[change->main_first], change->main_count);
    if (scratch_bytes > STACK_SCRATCH && (scratch = malloc(scratch_bytes)) == NULL) {
        scratch = stack_scratch;
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    uint8_t *free_scratch = scratch;
    for (unsigned i = 0; at_position == NULL && i < change->block_count; i++) { /* the hook may change the pieces yet */
        if (compressed_max(data[i].bytes) > 0) {
            data[i].joined = join_pieces(&change->pieces[change->blocks[i].first_piece], change->blocks[i].piece_count, &free_scratch);
            data[i].compressed = compress_data(data[i].joined, data[i].bytes, free_scratch);
            free_scratch += data[i].compressed.length;
        } else if (is_packed(change, data[i].bytes)) {
            data[i].joined = join_pieces(&change->pieces[change->blocks[i].first_piece], change->blocks[i].piece_count, &free_scratch);
            data[i].compressed = pack_data(data[i].joined, data[i].bytes, free_scratch);
            free_scratch += data[i].compressed.length;
        }
    }

    rdb_wal_gate_enter(wal);
    rdb_lsn redo_point = rdb_wal_redo_point(wal);
    for (unsigned i = 0; i < change->block_count; i++) {
        const rdb_page *page = change->blocks[i].buffer->page;
        if ((change->blocks[i].flags & RDB_WAL_BLOCK_INIT) == 0 && page->lsn <= redo_point)
            image_count++;
    }
    if (image_count > 0 && (images = malloc((size_t)(image_count + 1) * storage->page_bytes)) == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        goto out;
    }
    memset(head, 0, RDB_WAL_HEADER_BYTES);
    rdb_put_u64(head + 8, change->xid);
    rdb_put_u32(head + 16, change->pdb);
    head[20] = change->resource;
    head[21] = change->operation;
    head[22] = change->block_count;
    uint8_t *image = images == NULL ? NULL : images + storage->page_bytes; /* the first page is make_image's own */
    for (unsigned i = 0; i < change->block_count; i++) {
        rdb_buffer *frame = change->blocks[i].buffer;
        uint8_t flags = change->blocks[i].flags;
        const rdb_wal_piece *block_pieces = &change->pieces[change->blocks[i].first_piece];
        uint32_t image_bytes = 0;
        if ((flags & RDB_WAL_BLOCK_INIT) == 0 && frame->page->lsn <= redo_point) {
            uint8_t flag = 0;
            image_bytes = make_image(frame->page, storage->page_bytes, images, image, &flag);
            flags |= flag;
            pieces[piece_count++] = (rdb_wal_piece){image, image_bytes};
            image += storage->page_bytes;
        }
        if (data[i].compressed.length > 0) {
            pieces[piece_count++] = data[i].compressed;
            flags |= is_packed(change, data[i].bytes) ? RDB_WAL_BLOCK_DATA_PACKED : RDB_WAL_BLOCK_DATA_LZ4;
        } else {
            for (unsigned j = 0; j < change->blocks[i].piece_count; j++)
                pieces[piece_count++] = block_pieces[j];
        }
        RDB_ASSERT(frame->tag.pdb == change->pdb);
        const rdb_wal_block reference = {.file = frame->tag.file, .block = frame->tag.block, .previous_change_no = frame->page->change_no,
                                         .data_bytes = data[i].compressed.length > 0 ? data[i].compressed.length : data[i].bytes,
                                         .image_bytes = image_bytes, .fork = frame->tag.fork, .flags = flags};
        head_bytes += rdb_wal_put_block(head + head_bytes, &reference);
    }
    for (unsigned j = 0; j < change->main_count; j++)
        pieces[piece_count++] = change->pieces[change->main_first + j];
    pieces[0] = (rdb_wal_piece){head, head_bytes};
    if (!rdb_wal_insert(wal, pieces, piece_count, at_position, context, &lsn, end_lsn, err))
        goto out;
    if (image_count > 0)
        rdb_wal_count_images(wal, image_count);

    rdb_redo redo = {.lsn = lsn, .end_lsn = *end_lsn, .xid = change->xid, .pdb = change->pdb,
                     .page_bytes = storage->page_bytes, .operation = change->operation};
    if (change->block_count > 0) {
        redo.first_file = change->blocks[0].buffer->tag.file;
        redo.first_block = change->blocks[0].buffer->tag.block;
        redo.main_data = join_pieces(&change->pieces[change->main_first], change->main_count, &free_scratch);
        redo.main_bytes = (uint32_t)pieces_bytes(&change->pieces[change->main_first], change->main_count);
    }
    for (unsigned i = 0; i < change->block_count; i++) {
        rdb_buffer *frame = change->blocks[i].buffer;
        bool initialised = (change->blocks[i].flags & RDB_WAL_BLOCK_INIT) != 0;
        uint64_t previous = frame->page->change_no;
        rdb_error redo_err = {0};
        redo.tag = frame->tag;
        redo.reference_no = (uint8_t)i;
        redo.data = data[i].joined != NULL ? data[i].joined
                                           : join_pieces(&change->pieces[change->blocks[i].first_piece], change->blocks[i].piece_count, &free_scratch);
        redo.data_bytes = data[i].bytes;
        if (initialised)
            memset(frame->page, 0, storage->page_bytes);
        if (RDB_UNLIKELY(!ops->redo(&redo, frame->page, &redo_err)))
            redo_failed(change, ops, &redo_err);
        page_finish_change(frame, lsn, *end_lsn, previous, rdb_wal_thread_no(wal), initialised);
    }
    ok = true;
out:
    rdb_wal_gate_leave(wal);
    free(images);
    if (scratch != stack_scratch)
        free(scratch);
    return ok;
}
