/* SPDX-License-Identifier: Apache-2.0
 * Undo records: encoding, appending as part of another room's change, redo of the pages, reading by address. */
#include "undo/rdb_undo_salvage.h"
#include "undo/undo_int.h"

#include <stdlib.h>

/* ---- redo ---------------------------------------------------------------------------------------------------------- */
bool rdb_undo_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    uint8_t *bytes = (uint8_t *)page;
    if (redo->tag.file == RDB_FILE_NO(RDB_FILE_UNDO, 0)) { /* the meta page: a new owner began */
        if (redo->data_bytes != 16 || page->type != RDB_PAGE_META)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo record at %llX does not fit its page", (unsigned long long)redo->lsn);
        memcpy(bytes + RDB_PAGE_HEADER_BYTES, redo->data, 16);
        return true;
    }
    const uint8_t flags = redo->data_bytes > 0 ? redo->data[0] : 0;
    const bool is_fresh = (flags & UNDO_PART_FRESH) != 0, is_short = (flags & UNDO_PART_SHORT) != 0;
    const uint32_t head_bytes = is_short ? 1 : 3, end = is_fresh ? RDB_PAGE_HEADER_BYTES : page->lower; /* where what is there ends */
    uint8_t expanded[32768];
    const uint8_t *record = redo->data + head_bytes;
    uint32_t length = redo->data_bytes - head_bytes, position = end;
    bool fits = redo->data_bytes >= head_bytes && (is_fresh || page->type == RDB_PAGE_UNDO) && end >= RDB_PAGE_HEADER_BYTES && end <= redo->page_bytes;
    if (fits && is_short) {
        fits = undo_expand(redo, position, record, length, expanded, &length);
        record = expanded;
    } else if (fits) {
        position = rdb_get_u16(redo->data + 1);
        fits = position >= RDB_PAGE_HEADER_BYTES && position <= redo->page_bytes && length <= redo->page_bytes - position && (is_fresh || position == end);
    }
    if (!fits)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo record at %llX does not fit its page", (unsigned long long)redo->lsn);
    if (is_fresh) {
        memset(bytes + RDB_PAGE_HEADER_BYTES, 0, redo->page_bytes - RDB_PAGE_HEADER_BYTES);
        page->type = RDB_PAGE_UNDO;
        page->version = 1;
        page->flags = 0;
        page->upper = (uint16_t)redo->page_bytes;
    }
    memcpy(bytes + position, record, length);
    page->lower = (uint16_t)(position + length);
    return true;
}

static void init_meta(rdb_page *page, uint32_t page_bytes)
{
    memset((uint8_t *)page + RDB_PAGE_HEADER_BYTES, 0, page_bytes - RDB_PAGE_HEADER_BYTES);
    page->type = RDB_PAGE_META;
    page->version = 1;
    page->flags = 0;
    page->lower = (uint16_t)(RDB_PAGE_HEADER_BYTES + sizeof(undo_meta));
    page->upper = (uint16_t)page_bytes;
}

void rdb_undo_mend_page(uint8_t *page, uint32_t page_bytes, bool is_meta)
{
    memset(page, 0, page_bytes);
    if (is_meta)
        init_meta((rdb_page *)(void *)page, page_bytes);
}

static bool undo_redo(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    uint8_t *body = (uint8_t *)page + RDB_PAGE_HEADER_BYTES;
    if (redo->operation == UNDO_OP_META_INIT && redo->data_bytes == sizeof(undo_meta)) {
        init_meta(page, redo->page_bytes);
        memcpy(body, redo->data, sizeof(undo_meta));
        return true;
    }
    if (redo->operation == UNDO_OP_TAIL && redo->data_bytes == 8 && page->type == RDB_PAGE_META) {
        memcpy(body + offsetof(undo_meta, tail), redo->data, 8);
        return true;
    }
    if (redo->operation == UNDO_OP_PURGED && redo->data_bytes == 8 && page->type == RDB_PAGE_META) {
        memcpy(body, redo->data, 8);
        return true;
    }
    if (redo->operation == UNDO_OP_APPEND)
        return rdb_undo_redo(redo, page, err);
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "the undo record at %llX is of no known kind", (unsigned long long)redo->lsn);
}

static void describe(const rdb_wal_record *record, rdb_strbuf *text)
{
    static const char *const names[] = {"?", "new log", "tail", "append", "purged"};
    rdb_strbuf_adds(text, record->operation < RDB_COUNT_OF(names) ? names[record->operation] : "?");
}

void rdb_undo_register_redo(void)
{
    rdb_resource_ops ops = {.name = "undo", .redo = undo_redo, .describe = describe};
    rdb_resource_register(RDB_RESOURCE_UNDO, &ops);
}

/* ---- appending ------------------------------------------------------------------------------------------------------- */
static uint32_t payload_bytes(const rdb_undo *undo)
{
    return undo->page_bytes - RDB_PAGE_HEADER_BYTES;
}

uint32_t rdb_undo_bytes_max(const rdb_undo *undo)
{
    return (RDB_UNDO_PAGES_MAX - 1) * payload_bytes(undo) - UNDO_HEADER_BYTES; /* it may begin in the middle of a page */
}

static uint64_t measure(const rdb_undo_record *record)
{
    uint64_t bytes = UNDO_HEADER_BYTES + RDB_ALIGN_UP(record->image.length, 8u) +
                     sizeof(rdb_undo_head) * ((uint64_t)record->old_head_count + record->new_head_count) +
                     sizeof(uint16_t) * (uint64_t)record->slot_count;
    for (uint32_t i = 0; i < record->key_count; i++)
        bytes += 16 + record->keys[i].old_key.length + record->keys[i].new_key.length;
    return bytes;
}

static void *put(uint8_t **at, const void *bytes, size_t length)
{
    void *start = *at;
    if (length > 0)
        memcpy(*at, bytes, length);
    *at += length;
    return start;
}

static void encode(const rdb_undo_record *record, rdb_undo_address previous_of_txn, uint32_t length, uint32_t padded, uint8_t *bytes)
{
    undo_header header = {
        .bytes = length,
        .xid = record->xid,
        .previous_xid = record->previous_xid,
        .previous = record->previous,
        .previous_of_txn = previous_of_txn,
        .file = record->file,
        .home = record->home,
        .kind = record->kind,
        .flags = record->flags,
        .row_flags = record->row_flags,
        .layout = record->layout,
        .key_count = record->key_count,
        .image_bytes = (uint32_t)record->image.length,
        .shared_start = record->shared_start,
        .new_middle = record->new_middle,
        .old_heads = record->old_head_count,
        .new_heads = record->new_head_count,
        .slots = record->slot_count,
    };
    uint8_t *at = bytes + UNDO_HEADER_BYTES;
    put(&at, record->image.data, record->image.length);
    put(&at, "\0\0\0\0\0\0\0", RDB_ALIGN_UP(record->image.length, 8u) - record->image.length);
    put(&at, record->old_heads, sizeof(rdb_undo_head) * record->old_head_count);
    put(&at, record->new_heads, sizeof(rdb_undo_head) * record->new_head_count);
    put(&at, record->slots, sizeof(uint16_t) * record->slot_count);
    for (uint32_t i = 0; i < record->key_count; i++) {
        const rdb_undo_key *key = &record->keys[i];
        rdb_put_u64(at, key->index_file);
        rdb_put_u16(at + 8, (uint16_t)key->old_key.length);
        rdb_put_u16(at + 10, (uint16_t)key->new_key.length);
        rdb_put_u16(at + 12, key->slot);
        rdb_put_u16(at + 14, 0);
        at += 16;
        put(&at, key->old_key.data, key->old_key.length);
        put(&at, key->new_key.data, key->new_key.length);
    }
    memset(at, 0, padded - length);
    memcpy(bytes, &header, sizeof header);
    header.crc = rdb_crc32c(0, bytes + 4, length - 4);
    rdb_put_u32(bytes, header.crc);
}

bool rdb_undo_append_begin(rdb_undo_append *append, rdb_txn *txn, unsigned undo_class, const rdb_undo_record *record, rdb_error *err)
{
    rdb_undo *undo = rdb_undo_of(rdb_txn_manager_of(txn));
    undo_log *log;
    append->page_count = 0;
    append->meta = NULL;
    append->bytes = NULL;
    append->txn = txn;
    append->log = NULL;
    uint64_t length = measure(record);
    for (uint32_t i = 0; i < record->key_count; i++)
        if (record->keys[i].old_key.length > UINT16_MAX || record->keys[i].new_key.length > UINT16_MAX)
            length = UINT32_MAX;
    if (length > UNDO_HEADER_BYTES + rdb_undo_bytes_max(undo))
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the old values and index keys of a row change are too large");
    if (!undo_own_log(undo, txn, undo_class, &log, err))
        return false;
    append->log = log;
    uint32_t padded = (uint32_t)RDB_ALIGN_UP(length, 8u);
    uint64_t offset = atomic_load_explicit(&log->next, memory_order_relaxed);
    append->address = RDB_UNDO_ADDRESS(log->number, offset);
    append->next = RDB_UNDO_ADDRESS(log->number, undo_advance(undo, offset, padded));
    append->record = record;
    append->is_short = (offset & (undo->page_bytes - 1)) + padded <= undo->page_bytes;
    const uint32_t capacity = append->is_short ? undo_short_bytes_max(record, padded) : padded;
    append->bytes = capacity <= sizeof append->inline_bytes ? append->inline_bytes : malloc(capacity);
    if (append->bytes == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!append->is_short)
        encode(record, log->last_record, (uint32_t)length, padded, append->bytes);
    for (uint32_t from = 0; from < padded;) {
        uint32_t position = (uint32_t)(offset & (undo->page_bytes - 1));
        uint32_t part = RDB_MIN(undo->page_bytes - position, padded - from);
        uint32_t n = append->page_count;
        rdb_page_tag tag = undo_page_tag(undo, log, offset);
        bool fresh = position == RDB_PAGE_HEADER_BYTES;
        if (!undo_ensure_segment(undo, log, offset, err) ||
            !(fresh ? rdb_buffer_acquire_new(undo->storage, tag, &append->buffers[n], err)
                    : rdb_buffer_acquire(undo->storage, tag, RDB_BUFFER_EXCLUSIVE, &append->buffers[n], err)))
            return false;
        append->parts[n].head[0] = (uint8_t)((fresh ? UNDO_PART_FRESH : 0) | (append->is_short ? UNDO_PART_SHORT : 0));
        rdb_put_u16(append->parts[n].head + 1, (uint16_t)position);
        append->parts[n].from = from;
        append->parts[n].length = part;
        append->page_count++;
        from += part;
        offset = undo_advance(undo, offset, part);
    }
    if (!log->has_written) {
        if (!rdb_buffer_acquire(undo->storage, undo_meta_tag(log), RDB_BUFFER_EXCLUSIVE, &append->meta, err))
            return false;
        append->meta_data[0] = record->xid;
        append->meta_data[1] = log->begin;
    }
    return true;
}

void rdb_undo_append_add(rdb_undo_append *append, rdb_change *change)
{
    if (append->is_short) {
        const undo_log *log = append->log;
        const rdb_page_tag first = change->block_count > 0 ? rdb_buffer_tag(change->blocks[0].buffer) : (rdb_page_tag){0};
        RDB_VERIFY(change->xid == append->record->xid); /* redo takes it from there */
        append->parts[0].length = undo_shorten(append->record, change->block_count > 0 ? &first : NULL, append->address, log->last_record, append->bytes);
    }
    for (uint32_t i = 0; i < append->page_count; i++) {
        rdb_change_block(change, append->buffers[i], (append->parts[i].head[0] & UNDO_PART_FRESH) != 0 ? RDB_WAL_BLOCK_INIT : 0);
        rdb_change_block_data(change, append->parts[i].head, append->is_short ? 1 : sizeof append->parts[i].head);
        rdb_change_block_data(change, append->bytes + append->parts[i].from, append->parts[i].length);
    }
    if (append->meta != NULL) {
        rdb_change_block(change, append->meta, 0);
        rdb_change_block_data(change, append->meta_data, sizeof append->meta_data);
    }
}

void rdb_undo_append_end(rdb_undo_append *append, bool applied)
{
    undo_log *log = append->log;
    if (applied) {
        atomic_store_explicit(&log->next, RDB_UNDO_OFFSET(append->next), memory_order_release);
        log->last_record = append->address;
        log->has_written = true;
        rdb_txn_note_undo(append->txn, log->number >> 14, append->address, append->next);
    }
    rdb_buffer_release(append->meta, RDB_BUFFER_EXCLUSIVE);
    for (uint32_t i = append->page_count; i-- > 0;)
        rdb_buffer_release(append->buffers[i], RDB_BUFFER_EXCLUSIVE);
    if (append->bytes != append->inline_bytes)
        free(append->bytes);
    append->bytes = NULL;
    append->page_count = 0;
    append->meta = NULL;
}

bool rdb_undo_note_file(rdb_txn *txn, rdb_undo_kind kind, uint64_t file, rdb_error *err)
{
    rdb_undo *undo = rdb_undo_of(rdb_txn_manager_of(txn));
    rdb_undo_record record = {.kind = (uint8_t)kind, .file = file};
    if (!rdb_undo_prepare(txn, RDB_UNDO_PERMANENT, &record.xid, err))
        return false;
    rdb_undo_append append;
    bool ok = rdb_undo_append_begin(&append, txn, RDB_UNDO_PERMANENT, &record, err);
    if (ok) {
        rdb_change change;
        rdb_lsn end_lsn;
        rdb_change_init(&change, undo->storage, rdb_txn_pdb(txn), record.xid, RDB_RESOURCE_UNDO, UNDO_OP_APPEND);
        rdb_undo_append_add(&append, &change);
        ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    }
    rdb_undo_append_end(&append, ok);
    return ok;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */
void rdb_undo_reader_init(rdb_undo_reader *reader)
{
    reader->bytes = reader->inline_bytes;
    reader->capacity = sizeof reader->inline_bytes;
}

void rdb_undo_reader_deinit(rdb_undo_reader *reader)
{
    if (reader->bytes != reader->inline_bytes)
        free(reader->bytes);
    rdb_undo_reader_init(reader);
}

static bool reserve(rdb_undo_reader *reader, uint32_t used, uint32_t bytes, rdb_error *err)
{
    if (bytes <= reader->capacity)
        return true;
    uint8_t *grown = malloc(bytes);
    if (grown == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memcpy(grown, reader->bytes, used);
    if (reader->bytes != reader->inline_bytes)
        free(reader->bytes);
    reader->bytes = grown;
    reader->capacity = bytes;
    return true;
}

/* acquire: who meets a page as it was left behind the tail finds the tail past it */
static bool is_below_tail(const undo_log *log, rdb_undo_address address)
{
    return RDB_UNDO_OFFSET(address) < atomic_load_explicit(&log->tail, memory_order_acquire);
}

static bool bad_record(rdb_error *err, uint32_t pdb, rdb_undo_address address)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "an undo record is damaged");
    rdb_error_detail(err, "Database number %u, log %u, offset %llu.", (unsigned)pdb, (unsigned)RDB_UNDO_LOG(address),
                     (unsigned long long)RDB_UNDO_OFFSET(address));
    return false;
}

static bool decode(const uint8_t *bytes, uint32_t length, rdb_undo_record *record)
{
    undo_header header;
    memcpy(&header, bytes, sizeof header);
    if (header.crc != rdb_crc32c(0, bytes + 4, length - 4))
        return false;
    uint64_t at = UNDO_HEADER_BYTES;
    *record = (rdb_undo_record){
        .kind = header.kind,
        .flags = header.flags,
        .row_flags = header.row_flags,
        .layout = header.layout,
        .shared_start = header.shared_start,
        .new_middle = header.new_middle,
        .xid = header.xid,
        .previous_xid = header.previous_xid,
        .previous = header.previous,
        .previous_of_txn = header.previous_of_txn,
        .file = header.file,
        .home = header.home,
        .image = {bytes + at, header.image_bytes},
        .old_head_count = header.old_heads,
        .new_head_count = header.new_heads,
        .slot_count = header.slots,
        .key_count = header.key_count,
        .bytes = length,
    };
    at += RDB_ALIGN_UP((uint64_t)header.image_bytes, 8u);
    record->old_heads = (const rdb_undo_head *)(const void *)(bytes + at);
    at += sizeof(rdb_undo_head) * (uint64_t)header.old_heads;
    record->new_heads = (const rdb_undo_head *)(const void *)(bytes + at);
    at += sizeof(rdb_undo_head) * (uint64_t)header.new_heads;
    record->slots = (const uint16_t *)(const void *)(bytes + at);
    at += sizeof(uint16_t) * (uint64_t)header.slots;
    if (at > length)
        return false;
    record->key_bytes = (rdb_slice){bytes + at, length - at};
    return true;
}

bool rdb_undo_read(rdb_undo *undo, uint32_t pdb_no, rdb_undo_address address, rdb_undo_reader *reader,
                   rdb_undo_record *record, bool *found, rdb_error *err)
{
    *found = false;
    undo_pdb *pdb = NULL;
    if (!undo_find_pdb(undo, pdb_no, &pdb, err))
        return false;
    undo_log *log = undo_find_log(pdb, RDB_UNDO_LOG(address));
    uint64_t offset = RDB_UNDO_OFFSET(address);
    if (log == NULL || (offset & 7) != 0 || offset >= atomic_load_explicit(&log->next, memory_order_acquire))
        return bad_record(err, pdb_no, address);
    uint32_t length = UNDO_HEADER_BYTES; /* until the header tells */
    bool known = false;
    for (uint32_t have = 0; have < length;) {
        if (offset < atomic_load_explicit(&log->tail, memory_order_acquire))
            return true;
        rdb_buffer *buffer = NULL;
        if (!rdb_buffer_acquire(undo->storage, undo_page_tag(undo, log, offset), RDB_BUFFER_SHARED, &buffer, err)) {
            if (!is_below_tail(log, address))
                return false;
            rdb_error_clear(err); /* the tail passed it and its file is gone */
            return true;
        }
        const uint8_t *page = (const uint8_t *)rdb_buffer_page(buffer);
        bool fits = true;
        do { /* header first, then the rest, as far as this page goes */
            uint32_t position = (uint32_t)(offset & (undo->page_bytes - 1));
            uint32_t part = RDB_MIN(undo->page_bytes - position, length - have);
            memcpy(reader->bytes + have, page + position, part);
            have += part;
            offset += part;
            if (!known && have >= 8) {
                length = rdb_get_u32(reader->bytes + 4);
                known = true;
                fits = length >= UNDO_HEADER_BYTES && length <= UNDO_HEADER_BYTES + rdb_undo_bytes_max(undo);
                if (!fits || !reserve(reader, have, length, err))
                    break;
            }
        } while (have < length && (offset & (undo->page_bytes - 1)) != 0);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (rdb_error_is_set(err))
            return false;
        if (!fits)
            return is_below_tail(log, address) || bad_record(err, pdb_no, address);
        if ((offset & (undo->page_bytes - 1)) == 0)
            offset += RDB_PAGE_HEADER_BYTES;
    }
    if (!decode(reader->bytes, length, record))
        return is_below_tail(log, address) || bad_record(err, pdb_no, address);
    *found = true;
    return true;
}

bool rdb_undo_next_key(const rdb_undo_record *record, size_t *cursor, rdb_undo_key *key)
{
    const uint8_t *at = record->key_bytes.data + *cursor;
    size_t left = record->key_bytes.length - *cursor;
    if (left < 16)
        return false;
    uint16_t old_length = rdb_get_u16(at + 8), new_length = rdb_get_u16(at + 10);
    if (left - 16 < (size_t)old_length + new_length)
        return false;
    key->index_file = rdb_get_u64(at);
    key->slot = rdb_get_u16(at + 12);
    key->old_key = (rdb_slice){at + 16, old_length};
    key->new_key = (rdb_slice){at + 16 + old_length, new_length};
    *cursor += 16u + old_length + new_length;
    return true;
}
