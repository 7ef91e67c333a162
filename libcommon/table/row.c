/* SPDX-License-Identifier: Apache-2.0
 * From a row's values to the body of its cell. What does not fit well goes out of the row, largest value first, until
 * the rest is at most half a page: compressed beside the image where that is small, else into a chain; a row whose fixed
 * part alone is too wide goes out whole (R15). */
#include "table/table_int.h"

#include <lz4.h>
#include <stdlib.h>

#define COMPRESS_MIN 64u /* shorter values stay as they are */

/* The values in slot order: the attributes themselves where attribute and slot numbers agree. */
static bool by_slot(const rdb_table *table, const rdb_table_layout *layout, const rdb_datum **values, const bool **is_null,
                    rdb_datum **made_values, bool **made_null, rdb_error *err)
{
    bool identity = layout->rows->slot_count == table->attribute_count;
    for (uint16_t i = 0; identity && i < table->attribute_count; i++)
        identity = layout->slots[i] == (int16_t)i;
    if (identity)
        return true;
    size_t count = RDB_MAX(layout->rows->slot_count, 1);
    *made_values = calloc(count, sizeof **made_values);
    *made_null = malloc(count * sizeof **made_null);
    if (*made_values == NULL || *made_null == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    memset(*made_null, true, count * sizeof **made_null);
    for (uint16_t i = 0; i < table->attribute_count; i++) {
        int16_t slot = layout->slots[i];
        if (slot >= 0) {
            (*made_values)[slot] = (*values)[i];
            (*made_null)[slot] = (*is_null)[i];
        }
    }
    *values = *made_values;
    *is_null = *made_null;
    return true;
}

static bool reserve(heap_body *body, uint32_t bytes, rdb_error *err)
{
    body->length = bytes;
    body->bytes = bytes <= sizeof body->inline_bytes ? body->inline_bytes : malloc(bytes);
    return body->bytes != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

/* Writes a chain that the body names from then on. Room for its name comes first: a chain without one would stay for good. */
static bool write_chain(heap_body *body, const heap_place *place, rdb_xid xid, const uint8_t *stored, uint32_t length, uint64_t *block, rdb_error *err)
{
    if (body->heads == NULL) {
        body->heads = malloc(HEAP_HEADS_MAX * sizeof *body->heads);
        if (body->heads == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    RDB_VERIFY(body->head_count < HEAP_HEADS_MAX);
    if (!heap_write_chain(place, xid, stored, length, block, err))
        return false;
    body->heads[body->head_count++] = (rdb_undo_head){*block, xid};
    return true;
}

/* Compresses where that pays. *stored is what to keep: the value's own bytes, or *made (to be freed). */
static void compress(rdb_slice value, heap_external *external, const uint8_t **stored, uint8_t **made)
{
    *stored = value.data;
    *made = NULL;
    external->length = external->stored = (uint32_t)value.length;
    external->method = 0;
    if (value.length > LZ4_MAX_INPUT_SIZE)
        return;
    int bound = LZ4_compressBound((int)value.length);
    *made = malloc((size_t)bound);
    if (*made == NULL)
        return;
    int length = LZ4_compress_default((const char *)value.data, (char *)*made, (int)value.length, bound);
    if (length > 0 && (size_t)length < value.length - value.length / 8) {
        external->method = 1;
        external->stored = (uint32_t)length;
        *stored = *made;
    }
}

static bool make_whole(heap_body *body, const heap_place *place, rdb_xid xid, const rdb_row_layout *rows, const rdb_datum *values,
                       const bool *is_null, uint32_t bytes, unsigned flags, rdb_error *err)
{
    uint8_t *image = malloc(RDB_MAX(bytes, 1u)), *made = NULL;
    const uint8_t *stored;
    heap_external external = {.xid = xid};
    if (image == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_row_write(rows, values, is_null, flags, image);
    compress((rdb_slice){image, bytes}, &external, &stored, &made);
    bool ok = write_chain(body, place, xid, stored, external.stored, &external.block, err) && reserve(body, HEAP_HEADER_BYTES + (uint32_t)sizeof external, err);
    if (ok) {
        memcpy(body->bytes + HEAP_HEADER_BYTES, &external, sizeof external);
        body->flags = (uint16_t)(flags | HEAP_WHOLE);
    }
    free(made);
    free(image);
    return ok;
}

typedef struct large_value {
    uint16_t slot;
    heap_external external;
    const uint8_t *stored;
    uint8_t *made;
} large_value;

static int by_slot_number(const void *a, const void *b)
{
    return (int)((const large_value *)a)->slot - (int)((const large_value *)b)->slot;
}

static bool make_large(heap_body *body, const heap_place *place, rdb_xid xid, const rdb_row_layout *rows, const rdb_datum *values,
                       const bool *is_null, rdb_error *err)
{
    uint32_t target = heap_cell_max(place->page_bytes) / 2, count = 0, entries = 2, bytes = 0;
    unsigned flags = 0;
    uint16_t slots = rows->slot_count;
    rdb_datum *left = malloc(sizeof *left * slots);
    large_value *large = calloc(slots, sizeof *large);
    bool ok = left != NULL && large != NULL, whole = false;
    if (!ok)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (ok)
        memcpy(left, values, sizeof *left * slots);
    while (ok) {
        bytes = rdb_row_measure(rows, left, is_null, &flags);
        if (HEAP_HEADER_BYTES + entries + bytes <= target)
            break;
        int32_t largest = -1;
        for (uint16_t i = 0; i < slots; i++)
            if (rows->slots[i].is_variable && !is_null[i] && left[i].bytes.length >= COMPRESS_MIN &&
                (largest < 0 || left[i].bytes.length > left[largest].bytes.length))
                largest = i;
        if (largest < 0) { /* nothing more to take out: it may fill a page, or goes out whole */
            whole = HEAP_HEADER_BYTES + entries + bytes > heap_cell_max(place->page_bytes);
            break;
        }
        large_value *value = &large[count++];
        value->slot = (uint16_t)largest;
        compress((rdb_slice){left[largest].bytes.data, left[largest].bytes.length}, &value->external, &value->stored, &value->made);
        value->external.xid = xid;
        left[largest].bytes = (rdb_bytes){0};
        /* A page is what a chain takes at least: small ones are better kept beside the image. */
        bool goes_out = value->external.stored > place->page_bytes / 8;
        value->external.block = goes_out;
        entries += 2 + (uint32_t)sizeof value->external + (goes_out ? 0 : value->external.stored);
    }
    if (ok && whole) {
        unsigned whole_flags;
        uint32_t whole_bytes = rdb_row_measure(rows, values, is_null, &whole_flags);
        ok = make_whole(body, place, xid, rows, values, is_null, whole_bytes, whole_flags, err);
    } else if (ok) {
        qsort(large, count, sizeof *large, by_slot_number);
        for (uint32_t i = 0; ok && i < count; i++)
            if (large[i].external.block != 0)
                ok = write_chain(body, place, xid, large[i].stored, large[i].external.stored, &large[i].external.block, err);
        ok = ok && reserve(body, HEAP_HEADER_BYTES + (count > 0 ? entries : 0) + bytes, err);
        if (ok) {
            uint8_t *at = body->bytes + HEAP_HEADER_BYTES;
            body->flags = (uint16_t)(flags | (count > 0 ? HEAP_EXTERNAL : 0));
            if (count > 0) {
                rdb_put_u16(at, (uint16_t)count);
                at += 2;
            }
            for (uint32_t i = 0; i < count; i++) {
                rdb_put_u16(at, large[i].slot);
                memcpy(at + 2, &large[i].external, sizeof large[i].external);
                at += 2 + sizeof large[i].external;
                if (large[i].external.block == 0) {
                    memcpy(at, large[i].stored, large[i].external.stored);
                    at += large[i].external.stored;
                }
            }
            rdb_row_write(rows, left, is_null, flags, at);
        }
    }
    for (uint32_t i = 0; large != NULL && i < count; i++)
        free(large[i].made);
    free(large);
    free(left);
    return ok;
}

bool heap_body_make(heap_body *body, const rdb_table *table, rdb_xid xid, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_table_layout *layout = table->layouts[table->current_layout];
    heap_place place = heap_place_of(table);
    rdb_datum *made_values = NULL;
    bool *made_null = NULL, ok = true;
    unsigned flags;
    body->bytes = NULL;
    body->heads = NULL;
    body->head_count = 0;
    body->layout = table->current_layout;
    if (!by_slot(table, layout, &values, &is_null, &made_values, &made_null, err)) {
        ok = false;
    } else {
        uint64_t total = 0; /* rdb_row_measure counts in 32 bits */
        for (uint16_t i = 0; i < layout->rows->slot_count; i++)
            total += layout->rows->slots[i].is_variable && !is_null[i] ? values[i].bytes.length : 0;
        if (total > UINT32_C(1) << 30) {
            ok = rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "row is too big: maximum size is 1 GB");
        } else {
            uint32_t bytes = rdb_row_measure(layout->rows, values, is_null, &flags);
            if (RDB_LIKELY(HEAP_HEADER_BYTES + bytes <= heap_cell_max(place.page_bytes) / 2)) {
                ok = reserve(body, RDB_MAX(HEAP_HEADER_BYTES + bytes, HEAP_STUB_BYTES), err);
                if (ok) {
                    memset(body->bytes + HEAP_HEADER_BYTES, 0, HEAP_STUB_BYTES - HEAP_HEADER_BYTES);
                    rdb_row_write(layout->rows, values, is_null, flags, body->bytes + HEAP_HEADER_BYTES);
                    body->flags = (uint16_t)flags;
                }
            } else {
                ok = make_large(body, &place, xid, layout->rows, values, is_null, err);
            }
        }
    }
    free(made_values);
    free(made_null);
    return ok;
}

void heap_body_deinit(heap_body *body)
{
    if (body->bytes != body->inline_bytes)
        free(body->bytes);
    free(body->heads);
    body->bytes = NULL;
    body->heads = NULL;
}

void heap_body_free_chains(heap_body *body, const heap_place *place)
{
    rdb_error err;
    rdb_error_init(&err);
    for (uint32_t i = 0; i < body->head_count; i++)
        if (!heap_free_chain(place, body->heads[i].block, body->heads[i].xid, &err))
            rdb_error_clear(&err); /* what failed first is what the caller tells; the pages stay unreachable */
    body->head_count = 0;
}
