/* SPDX-License-Identifier: Apache-2.0
 * Row images: the bytes of one row as heap pages, undo, WAL and spill files keep them (drawn in rdb_vec.h). Nothing in
 * an image is aligned, so every access goes through memcpy. An image that came from outside is read only after
 * rdb_row_check has said that its offsets stay inside it. */
#include "vec/rdb_vec.h"

static uint32_t bitmap_bytes(const rdb_row_layout *layout, unsigned flags)
{
    return flags & RDB_ROW_HAS_NULLS ? ((uint32_t)layout->slot_count + 7) / 8 : 0;
}

static uint32_t offset_bytes(unsigned flags)
{
    return flags & RDB_ROW_WIDE ? 4 : 2;
}

rdb_row_layout *rdb_row_layout_create(rdb_arena *arena, const rdb_rep *reps, uint16_t count)
{
    rdb_row_layout *layout = rdb_arena_zalloc(arena, sizeof *layout + sizeof(rdb_row_slot) * count);
    layout->slot_count = count;
    for (uint16_t i = 0; i < count; i++) {
        rdb_row_slot *slot = &layout->slots[i];
        slot->rep = (uint8_t)reps[i];
        slot->is_variable = reps[i] == RDB_REP_BYTES;
        slot->null_bit = i;
        if (slot->is_variable)
            slot->position = layout->variable_count++;
    }
    for (uint32_t width = 16; width > 0; width /= 2) {
        for (uint16_t i = 0; i < count; i++) {
            rdb_row_slot *slot = &layout->slots[i];
            if (!slot->is_variable && rdb_rep_width(reps[i]) == width) {
                slot->position = layout->fixed_bytes;
                layout->fixed_bytes += width;
            }
        }
    }
    return layout;
}

uint32_t rdb_row_measure(const rdb_row_layout *layout, const rdb_datum *values, const bool *is_null, unsigned *flags)
{
    uint64_t variable = 0;
    unsigned found = 0;
    for (uint16_t i = 0; i < layout->slot_count; i++) {
        if (is_null[i])
            found |= RDB_ROW_HAS_NULLS;
        else if (layout->slots[i].is_variable)
            variable += values[i].bytes.length;
    }
    if (variable > UINT16_MAX)
        found |= RDB_ROW_WIDE;
    *flags = found;
    uint64_t total = bitmap_bytes(layout, found) + layout->fixed_bytes +
                     (uint64_t)layout->variable_count * offset_bytes(found) + variable;
    RDB_VERIFY(total <= UINT32_MAX); /* the owner limits rows to a gigabyte long before */
    return (uint32_t)total;
}

void rdb_row_write(const rdb_row_layout *layout, const rdb_datum *values, const bool *is_null, unsigned flags, uint8_t *image)
{
    uint32_t nulls_bytes = bitmap_bytes(layout, flags);
    memset(image, 0, nulls_bytes);
    uint8_t *fixed = image + nulls_bytes;
    uint8_t *offsets = fixed + layout->fixed_bytes;
    uint8_t *variable = offsets + (size_t)layout->variable_count * offset_bytes(flags);
    uint32_t end = 0;
    for (uint16_t i = 0; i < layout->slot_count; i++) {
        const rdb_row_slot *slot = &layout->slots[i];
        if (is_null[i])
            image[slot->null_bit >> 3] |= (uint8_t)(1u << (slot->null_bit & 7));
        if (slot->is_variable) {
            if (!is_null[i] && values[i].bytes.length > 0) {
                memcpy(variable + end, values[i].bytes.data, values[i].bytes.length);
                end += values[i].bytes.length;
            }
            if (flags & RDB_ROW_WIDE)
                rdb_put_u32(offsets + 4 * (size_t)slot->position, end);
            else
                rdb_put_u16(offsets + 2 * (size_t)slot->position, (uint16_t)end);
            continue;
        }
        uint32_t width = rdb_rep_width((rdb_rep)slot->rep);
        if (is_null[i])
            memset(fixed + slot->position, 0, width);
        else
            memcpy(fixed + slot->position, &values[i], width);
    }
}

static uint32_t variable_end(const uint8_t *offsets, uint32_t number, unsigned flags)
{
    return flags & RDB_ROW_WIDE ? rdb_get_u32(offsets + 4 * (size_t)number) : rdb_get_u16(offsets + 2 * (size_t)number);
}

bool rdb_row_read(const rdb_row_layout *layout, const uint8_t *image, unsigned flags, uint16_t slot_no, rdb_datum *value)
{
    RDB_ASSERT(slot_no < layout->slot_count);
    const rdb_row_slot *slot = &layout->slots[slot_no];
    value->words[0] = value->words[1] = 0;
    if ((flags & RDB_ROW_HAS_NULLS) && (image[slot->null_bit >> 3] >> (slot->null_bit & 7) & 1))
        return false;
    const uint8_t *fixed = image + bitmap_bytes(layout, flags);
    if (!slot->is_variable) {
        const uint8_t *at = fixed + slot->position;
        switch (rdb_rep_width((rdb_rep)slot->rep)) { /* constant sizes, so that each copy is one load */
        case 1:
            memcpy(value, at, 1);
            break;
        case 2:
            memcpy(value, at, 2);
            break;
        case 4:
            memcpy(value, at, 4);
            break;
        case 8:
            memcpy(value, at, 8);
            break;
        default:
            memcpy(value, at, 16);
            break;
        }
        return true;
    }
    const uint8_t *offsets = fixed + layout->fixed_bytes;
    uint32_t start = slot->position == 0 ? 0 : variable_end(offsets, slot->position - 1, flags);
    value->bytes.data = offsets + (size_t)layout->variable_count * offset_bytes(flags) + start;
    value->bytes.length = variable_end(offsets, slot->position, flags) - start;
    return true;
}

bool rdb_row_check(const rdb_row_layout *layout, const uint8_t *image, uint32_t image_bytes, unsigned flags)
{
    if (flags & ~(RDB_ROW_HAS_NULLS | RDB_ROW_WIDE))
        return false;
    uint64_t head = bitmap_bytes(layout, flags) + layout->fixed_bytes +
                    (uint64_t)layout->variable_count * offset_bytes(flags);
    if (head > image_bytes)
        return false;
    const uint8_t *offsets = image + bitmap_bytes(layout, flags) + layout->fixed_bytes;
    uint32_t last = 0;
    for (uint32_t number = 0; number < layout->variable_count; number++) {
        uint32_t end = variable_end(offsets, number, flags);
        if (end < last)
            return false;
        last = end;
    }
    return head + last == image_bytes;
}
