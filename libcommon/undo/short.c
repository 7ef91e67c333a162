/* SPDX-License-Identifier: Apache-2.0
 * Undo records on their way through the log. A record of the store is self-contained (R10), and so repeats what the WAL record that
 * carries it says already: the writer, the file, the row, its own place. The log has the short form (undo_int.h); redo makes the
 * whole one of it, before a crash as after one. */
#include "undo/undo_int.h"

static uint64_t turn_left(uint64_t file) /* the class, which is the highest byte, becomes the lowest: small numbers are short */
{
    return file << 8 | file >> 56;
}

static uint64_t turn_right(uint64_t file)
{
    return file >> 8 | file << 56;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(at, bytes, length);
    return at + length;
}

uint32_t undo_short_bytes_max(const rdb_undo_record *record, uint32_t length)
{
    return 1 + length + UNDO_SHORT_NUMBERS_MAX * RDB_WAL_NUMBER_BYTES_MAX + record->key_count * 4u; /* a key's numbers are 19 bytes at most, 16 in the record */
}

uint32_t undo_shorten(const rdb_undo_record *record, const rdb_page_tag *first, rdb_undo_address address, rdb_undo_address older, uint8_t *bytes)
{
    const bool has_place = first == NULL || first->file != record->file || first->block != record->home >> 16;
    const bool has_previous = (record->previous_xid | record->previous) != 0;
    const bool has_lists = (record->old_head_count | record->new_head_count | record->slot_count | record->key_count) != 0;
    uint8_t *at = bytes;
    *at++ = (uint8_t)(record->kind | ((record->flags & RDB_UNDO_IS_DELTA) != 0 ? UNDO_SHORT_IS_DELTA : 0) | (has_previous ? UNDO_SHORT_HAS_PREVIOUS : 0) |
                      (older != 0 ? UNDO_SHORT_HAS_OLDER : 0) | (has_lists ? UNDO_SHORT_HAS_LISTS : 0) |
                      (has_place ? UNDO_SHORT_HAS_PLACE : 0));
    if (!has_place) {
        at = rdb_wal_put_number(at, record->home & UINT16_MAX);
    } else {
        at = rdb_wal_put_number(at, turn_left(record->file));
        at = rdb_wal_put_number(at, record->home);
    }
    at = rdb_wal_put_number(at, record->row_flags);
    at = rdb_wal_put_number(at, record->layout);
    at = rdb_wal_put_number(at, record->image.length);
    if (has_previous) {
        at = rdb_wal_put_number(at, record->xid - record->previous_xid);
        at = rdb_wal_put_number(at, RDB_UNDO_LOG(record->previous));
        at = rdb_wal_put_number(at, RDB_UNDO_OFFSET(record->previous));
    }
    if (older != 0)
        at = rdb_wal_put_number(at, address - older); /* of one log */
    if ((record->flags & RDB_UNDO_IS_DELTA) != 0) {
        at = rdb_wal_put_number(at, record->shared_start);
        at = rdb_wal_put_number(at, record->new_middle);
    }
    if (has_lists) {
        at = rdb_wal_put_number(at, record->old_head_count);
        at = rdb_wal_put_number(at, record->new_head_count);
        at = rdb_wal_put_number(at, record->slot_count);
        at = rdb_wal_put_number(at, record->key_count);
        for (uint32_t i = 0; i < record->key_count; i++) {
            at = rdb_wal_put_number(at, turn_left(record->keys[i].index_file));
            at = rdb_wal_put_number(at, record->keys[i].old_key.length);
            at = rdb_wal_put_number(at, record->keys[i].new_key.length);
            at = rdb_wal_put_number(at, record->keys[i].slot);
        }
    }
    at = put_bytes(at, record->image.data, record->image.length);
    at = put_bytes(at, record->old_heads, sizeof(rdb_undo_head) * record->old_head_count);
    at = put_bytes(at, record->new_heads, sizeof(rdb_undo_head) * record->new_head_count);
    at = put_bytes(at, record->slots, sizeof(uint16_t) * record->slot_count);
    for (uint32_t i = 0; i < record->key_count; i++) {
        at = put_bytes(at, record->keys[i].old_key.data, record->keys[i].old_key.length);
        at = put_bytes(at, record->keys[i].new_key.data, record->keys[i].new_key.length);
    }
    return (uint32_t)(at - bytes);
}

/* The address of what stands at a position of an undo page. */
static rdb_undo_address address_of(const rdb_redo *redo, uint32_t position)
{
    const uint64_t page_no = (uint64_t)((uint32_t)redo->tag.file - 1) * UNDO_SEGMENT_PAGES + redo->tag.block;
    return RDB_UNDO_ADDRESS((uint16_t)(redo->tag.file >> 32), page_no * redo->page_bytes + position);
}

typedef struct short_reader {
    const uint8_t *at, *end;
    bool bad;
} short_reader;

static uint64_t take_number(short_reader *reader, uint64_t max)
{
    uint64_t number = 0;
    reader->bad = reader->bad || !rdb_wal_get_number(&reader->at, reader->end, max, &number);
    return reader->bad ? 0 : number;
}

/* Where the next length bytes are; NULL: there are not so many. */
static const uint8_t *take_bytes(short_reader *reader, uint64_t length)
{
    const uint8_t *bytes = reader->at;
    reader->bad = reader->bad || length > (uint64_t)(reader->end - reader->at);
    if (reader->bad)
        return NULL;
    reader->at += length;
    return bytes;
}

/* The keys, each behind its numbers, which stand at numbers; their bytes are at keys. */
static bool expand_keys(short_reader numbers, short_reader *keys, uint32_t count, uint8_t **target, const uint8_t *target_end)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t file = turn_right(take_number(&numbers, UINT64_MAX));
        const uint16_t old_length = (uint16_t)take_number(&numbers, UINT16_MAX), new_length = (uint16_t)take_number(&numbers, UINT16_MAX);
        const uint16_t slot = (uint16_t)take_number(&numbers, UINT16_MAX);
        const uint32_t length = (uint32_t)old_length + new_length;
        const uint8_t *bytes = take_bytes(keys, length);
        if (numbers.bad || bytes == NULL || (size_t)(target_end - *target) < 16 + (size_t)length)
            return false;
        rdb_put_u64(*target, file);
        rdb_put_u16(*target + 8, old_length);
        rdb_put_u16(*target + 10, new_length);
        rdb_put_u16(*target + 12, slot);
        rdb_put_u16(*target + 14, 0);
        *target = put_bytes(*target + 16, bytes, length);
    }
    return true;
}

bool undo_expand(const rdb_redo *redo, uint32_t position, const uint8_t *data, uint32_t data_bytes, uint8_t *record, uint32_t *padded)
{
    const uint32_t room = redo->page_bytes - position;
    short_reader reader = {.at = data, .end = data + data_bytes};
    undo_header header = {.xid = redo->xid};
    if (data_bytes == 0 || room < UNDO_HEADER_BYTES)
        return false;
    const uint8_t what = *reader.at++;
    header.kind = what & UNDO_SHORT_KIND;
    if ((what & UNDO_SHORT_HAS_PLACE) == 0) {
        header.file = redo->first_file;
        header.home = redo->first_block << 16 | take_number(&reader, UINT16_MAX);
    } else {
        header.file = turn_right(take_number(&reader, UINT64_MAX));
        header.home = take_number(&reader, UINT64_MAX);
    }
    header.row_flags = (uint16_t)take_number(&reader, UINT16_MAX);
    header.layout = (uint16_t)take_number(&reader, UINT16_MAX);
    header.image_bytes = (uint32_t)take_number(&reader, room);
    if ((what & UNDO_SHORT_HAS_PREVIOUS) != 0) {
        header.previous_xid = header.xid - take_number(&reader, UINT64_MAX);
        const uint16_t log = (uint16_t)take_number(&reader, UINT16_MAX);
        header.previous = RDB_UNDO_ADDRESS(log, take_number(&reader, RDB_UNDO_OFFSET(UINT64_MAX)));
    }
    if ((what & UNDO_SHORT_HAS_OLDER) != 0)
        header.previous_of_txn = address_of(redo, position) - take_number(&reader, RDB_UNDO_OFFSET(UINT64_MAX));
    if ((what & UNDO_SHORT_IS_DELTA) != 0) {
        header.flags = RDB_UNDO_IS_DELTA;
        header.shared_start = (uint16_t)take_number(&reader, UINT16_MAX);
        header.new_middle = (uint16_t)take_number(&reader, UINT16_MAX);
    }
    short_reader numbers = reader;
    if ((what & UNDO_SHORT_HAS_LISTS) != 0) {
        header.old_heads = (uint16_t)take_number(&reader, UINT16_MAX);
        header.new_heads = (uint16_t)take_number(&reader, UINT16_MAX);
        header.slots = (uint16_t)take_number(&reader, UINT16_MAX);
        header.key_count = (uint16_t)take_number(&reader, UINT16_MAX);
        numbers = reader;
        for (uint32_t i = 0; i < header.key_count * 4u && !reader.bad; i++)
            (void)take_number(&reader, UINT64_MAX);
    }
    const uint32_t plain = (uint32_t)sizeof(rdb_undo_head) * ((uint32_t)header.old_heads + header.new_heads) + (uint32_t)sizeof(uint16_t) * header.slots;
    const uint32_t image_room = (uint32_t)RDB_ALIGN_UP(header.image_bytes, 8u);
    const uint8_t *image = take_bytes(&reader, header.image_bytes), *lists = take_bytes(&reader, plain);
    if (image == NULL || lists == NULL || UNDO_HEADER_BYTES + image_room + plain > room)
        return false;
    uint8_t *at = put_bytes(record + UNDO_HEADER_BYTES, image, header.image_bytes);
    memset(at, 0, image_room - header.image_bytes);
    at = put_bytes(record + UNDO_HEADER_BYTES + image_room, lists, plain);
    if (!expand_keys(numbers, &reader, header.key_count, &at, record + room) || reader.at != reader.end)
        return false;
    header.bytes = (uint32_t)(at - record);
    *padded = (uint32_t)RDB_ALIGN_UP(header.bytes, 8u);
    if (*padded > room)
        return false;
    memset(at, 0, *padded - header.bytes);
    memcpy(record, &header, sizeof header);
    rdb_put_u32(record, rdb_crc32c(0, record + 4, header.bytes - 4));
    return true;
}
