/* SPDX-License-Identifier: Apache-2.0
 * How small a small change is in the log: block references, and data without its zero bytes. Most numbers in a record are far
 * from their widest, and headers of rows and undo records are zeroes for more than the half. */
#include "wal_int.h"

uint32_t wal_put_head(uint8_t head[WAL_HEAD_BYTES_MAX], const uint8_t header[RDB_WAL_HEADER_BYTES])
{
    memcpy(head + 8, header + 20, 3);
    uint8_t *at = rdb_wal_put_number(head + 11, rdb_get_u64(header + 8));
    return (uint32_t)(rdb_wal_put_number(at, rdb_get_u32(header + 16)) - head);
}

bool rdb_wal_get_number(const uint8_t **at, const uint8_t *end, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        const uint8_t byte = *(*at)++;
        const uint64_t part = (uint64_t)(byte & 0x7f) << shift;
        if (part >> shift != (byte & 0x7f))
            return false;
        *number |= part;
        if ((byte & 0x80) == 0)
            return *number <= max;
    }
    return false;
}

/* Up to eight bytes: which of them are not zero, and these. */
static inline uint8_t *put_eight(uint8_t *at, const uint8_t *bytes, uint32_t count)
{
    uint8_t *mask = at++;
    *mask = 0;
    if (count == 8 && rdb_get_u64(bytes) == 0)
        return at;
    for (uint32_t i = 0; i < count; i++) {
        *at = bytes[i];
        at += bytes[i] != 0;
        *mask |= (uint8_t)((bytes[i] != 0) << i);
    }
    return at;
}

static inline bool get_eight(const uint8_t **at, const uint8_t *end, uint8_t *bytes, uint32_t count)
{
    if (*at >= end)
        return false;
    const uint8_t mask = *(*at)++;
    if (mask >> count != 0 || (size_t)__builtin_popcount(mask) > (size_t)(end - *at))
        return false;
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = (mask >> i & 1) != 0 ? *(*at)++ : 0;
    return true;
}

uint32_t rdb_wal_put_block(uint8_t *begin, const rdb_wal_block *block)
{
    uint8_t *at = begin, file[8];
    *at++ = (uint8_t)(block->flags | (block->fork != 0 ? RDB_WAL_BLOCK_FORK : 0));
    if (block->fork != 0)
        *at++ = block->fork;
    rdb_put_u64(file, block->file);
    at = put_eight(at, file, 8);
    at = rdb_wal_put_number(at, block->block);
    at = rdb_wal_put_number(at, block->previous_change_no);
    at = rdb_wal_put_number(at, block->data_bytes);
    if ((block->flags & (RDB_WAL_BLOCK_IMAGE | RDB_WAL_BLOCK_IMAGE_LZ4)) != 0)
        at = rdb_wal_put_number(at, block->image_bytes);
    return (uint32_t)(at - begin);
}

bool wal_get_block(const uint8_t **at, const uint8_t *end, rdb_wal_block *block)
{
    uint8_t file[8];
    uint64_t data_bytes, image_bytes = 0;
    if (*at >= end)
        return false;
    block->flags = *(*at)++;
    block->fork = 0;
    if ((block->flags & RDB_WAL_BLOCK_FORK) != 0) {
        if (*at >= end || **at == 0)
            return false;
        block->fork = *(*at)++;
        block->flags &= (uint8_t)~RDB_WAL_BLOCK_FORK;
    }
    if (!get_eight(at, end, file, 8) || !rdb_wal_get_number(at, end, (UINT64_C(1) << 48) - 1, &block->block) ||
        !rdb_wal_get_number(at, end, UINT64_MAX, &block->previous_change_no) || !rdb_wal_get_number(at, end, UINT32_MAX, &data_bytes) ||
        ((block->flags & (RDB_WAL_BLOCK_IMAGE | RDB_WAL_BLOCK_IMAGE_LZ4)) != 0 && !rdb_wal_get_number(at, end, UINT32_MAX, &image_bytes)))
        return false;
    block->file = rdb_get_u64(file);
    block->data_bytes = (uint32_t)data_bytes;
    block->image_bytes = (uint32_t)image_bytes;
    return true;
}

uint32_t rdb_wal_pack_data(const uint8_t *data, uint32_t length, uint8_t *target)
{
    uint8_t *at = rdb_wal_put_number(target, length);
    RDB_ASSERT(length <= RDB_WAL_PACKED_PLAIN_MAX);
    for (uint32_t i = 0; i < length; i += 8)
        at = put_eight(at, data + i, RDB_MIN(length - i, 8u));
    return (uint32_t)(at - target);
}

bool rdb_wal_unpack_data(const uint8_t *packed, uint32_t packed_length, uint8_t *plain, uint32_t *length)
{
    const uint8_t *at = packed, *end = packed + packed_length;
    uint64_t number = 0;
    *length = 0;
    if (!rdb_wal_get_number(&at, end, RDB_WAL_PACKED_PLAIN_MAX, &number))
        return false;
    for (uint32_t i = 0; i < number; i += 8)
        if (!get_eight(&at, end, plain + i, RDB_MIN((uint32_t)number - i, 8u)))
            return false;
    *length = (uint32_t)number;
    return at == end;
}
