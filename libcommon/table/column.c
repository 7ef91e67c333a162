/* SPDX-License-Identifier: Apache-2.0
 * Values out of rows into vectors, one column after the other. Rows of the layout that is current go through loops with
 * the width and the offset fixed; all else value by value. Bytes are copied into the arena (R16). */
#include "table/table_int.h"

#include <stdlib.h>

void heap_output_init(heap_output *output, const rdb_table *table, const int16_t *columns, uint16_t column_count,
                      rdb_arena *arena, rdb_vector *const *vectors)
{
    *output = (heap_output){.table = table, .columns = columns, .column_count = column_count, .arena = arena, .vectors = vectors};
    output->place = heap_place_of(table);
}

void heap_output_deinit(heap_output *output)
{
    free(output->pending);
    output->pending = NULL;
}

static const rdb_table_layout *layout_of(const rdb_table *table, uint16_t layout_no, rdb_error *err)
{
    if (layout_no < table->layout_count && table->layouts[layout_no] != NULL)
        return table->layouts[layout_no];
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a row of relation %u has the unknown layout %u", (unsigned)table->relation_oid, (unsigned)layout_no);
    return NULL;
}

/* Where the image of a version begins: behind its entries of large values. */
static const uint8_t *image_of(const heap_version *version, uint32_t *length)
{
    uint32_t at = 0;
    heap_external external;
    uint16_t slot;
    const uint8_t *inline_bytes;
    if ((version->flags & HEAP_EXTERNAL) != 0) {
        at = 2;
        while (heap_next_external(version->flags, version->body, version->length, &at, &slot, &external, &inline_bytes))
            ;
    }
    *length = version->length - at;
    return version->body + at;
}

static bool add_pending(heap_output *output, rdb_vector *vector, uint32_t row, const heap_external *external,
                        const uint8_t *inline_bytes, rdb_error *err)
{
    if (output->pending_count == output->pending_capacity) {
        uint32_t capacity = output->pending_capacity == 0 ? 16 : output->pending_capacity * 2;
        heap_pending *pending = realloc(output->pending, capacity * sizeof *pending);
        if (pending == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        output->pending = pending;
        output->pending_capacity = capacity;
    }
    uint8_t *copy = NULL;
    if (external->block == 0) { /* the stored bytes stand in the row: the row's page will not be there later */
        copy = rdb_arena_try_alloc(output->arena, RDB_MAX(external->stored, 1u), err);
        if (copy == NULL)
            return false;
        memcpy(copy, inline_bytes, external->stored);
    }
    output->pending[output->pending_count++] = (heap_pending){vector, row, *external, copy};
    return true;
}

static bool find_external(const heap_version *version, uint16_t wanted, heap_external *external, const uint8_t **inline_bytes)
{
    uint32_t at = 0;
    uint16_t slot;
    while (heap_next_external(version->flags, version->body, version->length, &at, &slot, external, inline_bytes))
        if (slot == wanted)
            return true;
    return false;
}

static bool put_bytes(heap_output *output, rdb_vector *vector, uint32_t row, rdb_bytes bytes, rdb_error *err)
{
    uint8_t *copy = rdb_arena_try_alloc(output->arena, RDB_MAX(bytes.length, 1u), err);
    if (copy == NULL)
        return false;
    memcpy(copy, bytes.data, bytes.length);
    RDB_VALUES(vector, rdb_bytes)[row] = (rdb_bytes){copy, bytes.length, 0};
    rdb_vector_set_valid(vector, row);
    return true;
}

/* One attribute of one row, whatever its layout. */
static bool put_value(heap_output *output, rdb_vector *vector, const heap_version *version, uint16_t attribute, uint32_t row, rdb_error *err)
{
    const rdb_table_layout *layout = layout_of(output->table, version->layout, err);
    if (layout == NULL)
        return false;
    int16_t slot = layout->slots[attribute];
    if (slot < 0) { /* the row is older than the column */
        if (layout->missing == NULL || layout->missing_is_null == NULL || layout->missing_is_null[attribute]) {
            rdb_vector_set_null(vector, row);
            return true;
        }
        if (vector->rep == RDB_REP_BYTES)
            return put_bytes(output, vector, row, layout->missing[attribute].bytes, err);
        rdb_vector_put(vector, row, layout->missing[attribute], false);
        return true;
    }
    uint32_t length;
    const uint8_t *image = image_of(version, &length);
    rdb_datum value;
    if (!rdb_row_read(layout->rows, image, version->flags & HEAP_IMAGE_FLAGS, (uint16_t)slot, &value)) {
        rdb_vector_set_null(vector, row);
        return true;
    }
    if (vector->rep != RDB_REP_BYTES) {
        rdb_vector_put(vector, row, value, false);
        return true;
    }
    heap_external external;
    const uint8_t *inline_bytes;
    if (value.bytes.length == 0 && (version->flags & HEAP_EXTERNAL) != 0 && find_external(version, (uint16_t)slot, &external, &inline_bytes)) {
        RDB_VALUES(vector, rdb_bytes)[row] = (rdb_bytes){0};
        rdb_vector_set_valid(vector, row);
        return add_pending(output, vector, row, &external, inline_bytes, err);
    }
    if (value.bytes.data < image || value.bytes.data > image + length || value.bytes.length > length - (size_t)(value.bytes.data - image))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a row of relation %u is damaged", (unsigned)output->table->relation_oid);
    return put_bytes(output, vector, row, value.bytes, err);
}

/* Rows of one layout, none of them with values outside: what loops may rely on. */
static bool are_plain(const heap_row *rows, uint32_t count, uint16_t layout)
{
    unsigned odd = 0;
    for (uint32_t i = 0; i < count; i++)
        odd |= (rows[i].version.flags & (HEAP_EXTERNAL | HEAP_WHOLE)) | (unsigned)(rows[i].version.layout ^ layout);
    return odd == 0;
}

static bool is_null(const heap_version *version, uint32_t null_bit)
{
    return (version->flags & RDB_ROW_HAS_NULLS) != 0 && (version->body[null_bit >> 3] >> (null_bit & 7) & 1) != 0;
}

#define COPY_FIXED(type)                                                                         \
    do {                                                                                         \
        type *restrict target = RDB_VALUES(vector, type) + first;                                \
        const uint32_t position = slot->position;                                                \
        for (uint32_t i = 0; i < count && bitmap == 0; i++)                                      \
            memcpy(&target[i], rows[i].version.body + position, sizeof(type));                   \
        if (bitmap == 0)                                                                         \
            break;                                                                               \
        for (uint32_t i = 0; i < count; i++) {                                                   \
            const heap_version *version = &rows[i].version;                                      \
            uint32_t skip = (version->flags & RDB_ROW_HAS_NULLS) != 0 ? bitmap : 0;              \
            memcpy(&target[i], version->body + skip + position, sizeof(type));                   \
        }                                                                                        \
    } while (0)

static void put_fixed(const heap_output *output, rdb_vector *vector, const rdb_row_layout *layout, const rdb_row_slot *slot, const heap_row *rows,
                      uint32_t count, uint32_t first)
{
    const uint32_t bitmap = (output->flags & RDB_ROW_HAS_NULLS) != 0 ? ((uint32_t)layout->slot_count + 7) / 8 : 0;
    switch (rdb_rep_width((rdb_rep)slot->rep)) {
    case 1:
        COPY_FIXED(uint8_t);
        break;
    case 2:
        COPY_FIXED(uint16_t);
        break;
    case 4:
        COPY_FIXED(uint32_t);
        break;
    case 8:
        COPY_FIXED(uint64_t);
        break;
    default:
        COPY_FIXED(rdb_datum);
        break;
    }
    if (bitmap == 0 && vector->nulls == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (is_null(&rows[i].version, slot->null_bit))
            rdb_vector_set_null(vector, first + i);
        else
            rdb_vector_set_valid(vector, first + i);
    }
}

static bool damaged_row(const heap_output *output, rdb_error *err)
{
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "a row of relation %u is damaged", (unsigned)output->table->relation_oid);
}

/* Where a variable value of each row lies, nulls noted. *total: their bytes. */
static bool find_variable(heap_output *output, rdb_vector *vector, const rdb_row_layout *layout, uint16_t slot_no,
                          const heap_row *rows, uint32_t count, uint32_t first, size_t *total, rdb_error *err)
{
    rdb_bytes *target = RDB_VALUES(vector, rdb_bytes) + first;
    const rdb_row_slot *slot = &layout->slots[slot_no];
    const uint32_t end_at = layout->fixed_bytes + 2 * slot->position, data = layout->fixed_bytes + 2 * (uint32_t)layout->variable_count;
    size_t sum = 0;
    uint32_t done = 0;
    if (RDB_LIKELY((output->flags & (RDB_ROW_HAS_NULLS | RDB_ROW_WIDE)) == 0 && vector->nulls == NULL)) {
        const bool is_first = slot->position == 0;
        for (; done < count; done++) {
            const uint8_t *body = rows[done].version.body;
            const uint32_t from = is_first ? 0 : rdb_get_u16(body + end_at - 2), to = rdb_get_u16(body + end_at);
            if (RDB_UNLIKELY(to < from || data + to > rows[done].version.length))
                return damaged_row(output, err);
            target[done] = (rdb_bytes){body + data + from, to - from, 0};
            sum += to - from;
        }
    }
    for (uint32_t i = done; i < count; i++) {
        const heap_version *version = &rows[i].version;
        uint32_t start, length;
        if (RDB_LIKELY((version->flags & (RDB_ROW_HAS_NULLS | RDB_ROW_WIDE)) == 0)) {
            const uint32_t from = slot->position == 0 ? 0 : rdb_get_u16(version->body + end_at - 2), to = rdb_get_u16(version->body + end_at);
            start = data + from;
            length = to - from;
            if (vector->nulls != NULL)
                rdb_vector_set_valid(vector, first + i);
        } else {
            rdb_datum value;
            if (!rdb_row_read(layout, version->body, version->flags & HEAP_IMAGE_FLAGS, slot_no, &value)) {
                rdb_vector_set_null(vector, first + i);
                target[i] = (rdb_bytes){0};
                continue;
            }
            rdb_vector_set_valid(vector, first + i);
            const uint8_t *at = value.bytes.data; /* by parts: as a whole it would be read in another width than it was written */
            length = value.bytes.length;
            start = (uint32_t)(at - version->body);
        }
        if (start > version->length || length > version->length - start)
            return damaged_row(output, err);
        target[i].data = version->body + start;
        target[i].length = length;
        target[i].spare = 0;
        sum += length;
    }
    *total = sum;
    return true;
}

/* Variable values: one allocation for all of them. Short ones are copied 16 bytes at a time where their row goes on so far; what
 * is too much is overwritten by the next. */
static bool put_variable(heap_output *output, rdb_vector *vector, const rdb_row_layout *layout, uint16_t slot_no,
                         const heap_row *rows, uint32_t count, uint32_t first, rdb_error *err)
{
    rdb_bytes *target = RDB_VALUES(vector, rdb_bytes) + first;
    size_t total = 0;
    if (!find_variable(output, vector, layout, slot_no, rows, count, first, &total, err))
        return false;
    if (output->borrows)
        return true;
    uint8_t *bytes = rdb_arena_try_alloc(output->arena, total + 16, err);
    if (bytes == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *source = target[i].data;
        const uint32_t length = target[i].length;
        if (RDB_LIKELY(length <= 16 && source != NULL && (size_t)(source - rows[i].version.body) + 16 <= rows[i].version.length))
            memcpy(bytes, source, 16);
        else if (length > 0)
            memcpy(bytes, source, length);
        target[i].data = bytes;
        bytes += length;
    }
    return true;
}

static bool put_system(heap_output *output, rdb_vector *vector, int16_t column, const heap_row *rows, uint32_t count, uint32_t first, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        rdb_datum value = {.words = {0, 0}};
        bool null = false;
        if (column == RDB_COLUMN_CTID) {
            uint64_t block = RDB_ROW_BLOCK(rows[i].address) - 1; /* as PostgreSQL counts: the first block with rows is 0, the first slot 1 */
            uint16_t slot = (uint16_t)(RDB_ROW_SLOT(rows[i].address) + 1);
            memcpy(value.fixed, &block, sizeof block);
            memcpy(value.fixed + 8, &slot, sizeof slot);
        } else if (column == RDB_COLUMN_XMIN) {
            value.oid = (uint32_t)rows[i].version.xid;
        } else if (column == RDB_COLUMN_XMAX || column == RDB_COLUMN_CMIN || column == RDB_COLUMN_CMAX) {
            value.oid = 0; /* what a snapshot sees was deleted by nobody that it knows of; commands are not numbered */
        } else if (column == RDB_COLUMN_TABLEOID) {
            value.oid = output->table->relation_oid;
        } else if (column == RDB_COLUMN_SCN) {
            rdb_xid_state state;
            rdb_scn scn;
            if (!rdb_txn_resolve(output->place.txns, output->place.pdb, rows[i].version.xid, &state, &scn, err))
                return false;
            value.i64 = (int64_t)scn;
            null = state != RDB_XID_COMMITTED;
        } else {
            return rdb_error_set(err, RDB_INTERNAL_ERROR, "system column %d is not known", (int)column);
        }
        rdb_vector_put(vector, first + i, value, null);
    }
    return true;
}

/* Rows whose image lies in a chain: fetched into the arena, so that they read like any other. */
static bool load_whole(heap_output *output, heap_row *row, rdb_error *err)
{
    heap_external external;
    rdb_bytes image;
    if (row->version.length < sizeof external)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a row of relation %u is damaged", (unsigned)output->table->relation_oid);
    memcpy(&external, row->version.body, sizeof external);
    if (!heap_read_external(&output->place, &external, NULL, output->arena, &image, err))
        return false;
    const rdb_table_layout *layout = layout_of(output->table, row->version.layout, err);
    if (layout == NULL)
        return false;
    if (!rdb_row_check(layout->rows, image.data, image.length, row->version.flags & HEAP_IMAGE_FLAGS))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a row of relation %u is damaged", (unsigned)output->table->relation_oid);
    row->version.body = image.data;
    row->version.length = image.length;
    row->version.flags &= (uint16_t)~HEAP_WHOLE;
    return true;
}

/* Does a row that comes alone go value by value? Then all its variable values are copied at once, wanted or not: most should be, or be
 * few bytes. */
static bool goes_alone(const heap_output *output, const rdb_row_layout *layout, const heap_version *version)
{
    enum { SMALL_BYTES = 256 };
    return !output->borrows && (version->flags & RDB_ROW_WIDE) == 0 && (output->column_count >= layout->variable_count / 2 || version->length <= SMALL_BYTES);
}

/* The columns of one plain row. */
static bool put_row(heap_output *output, const rdb_table_layout *table_layout, const heap_row *source, uint32_t row, rdb_error *err)
{
    const heap_version *version = &source->version;
    const rdb_row_layout *layout = table_layout->rows;
    const bool has_nulls = (version->flags & RDB_ROW_HAS_NULLS) != 0;
    const uint32_t skip = has_nulls ? ((uint32_t)layout->slot_count + 7) / 8 : 0, data = layout->fixed_bytes + 2 * (uint32_t)layout->variable_count;
    const uint8_t *fixed = version->body + skip, *ends = fixed + layout->fixed_bytes;
    uint8_t *bytes = NULL; /* a copy of all variable values */
    if (RDB_UNLIKELY(version->length < skip + data))
        return damaged_row(output, err);
    const uint32_t bytes_max = version->length - skip - data;
    for (uint16_t c = 0; c < output->column_count; c++) {
        rdb_vector *vector = output->vectors[c];
        const int16_t column = output->columns[c];
        const int16_t slot_no = column > 0 ? table_layout->slots[column - 1] : -1;
        if (RDB_UNLIKELY(slot_no < 0)) {
            if (!(column < 0 ? put_system(output, vector, column, source, 1, row, err) : put_value(output, vector, version, (uint16_t)(column - 1), row, err)))
                return false;
            continue;
        }
        const rdb_row_slot *slot = &layout->slots[slot_no];
        if (has_nulls && is_null(version, slot->null_bit)) {
            rdb_vector_set_null(vector, row);
            if (slot->is_variable)
                RDB_VALUES(vector, rdb_bytes)[row] = (rdb_bytes){0};
            continue;
        }
        if (vector->nulls != NULL)
            rdb_vector_set_valid(vector, row);
        if (slot->is_variable) {
            const uint8_t *end = ends + 2 * slot->position;
            const uint32_t from = slot->position == 0 ? 0 : rdb_get_u16(end - 2), to = rdb_get_u16(end);
            if (RDB_UNLIKELY(to < from || to > bytes_max))
                return damaged_row(output, err);
            if (bytes == NULL) {
                bytes = rdb_arena_try_alloc(output->arena, RDB_MAX(bytes_max, 1u), err);
                if (bytes == NULL)
                    return false;
                memcpy(bytes, fixed + data, bytes_max);
            }
            RDB_VALUES(vector, rdb_bytes)[row] = (rdb_bytes){bytes + from, to - from, 0};
            continue;
        }
        switch (rdb_rep_width((rdb_rep)slot->rep)) {
        case 1:
            RDB_VALUES(vector, uint8_t)[row] = fixed[slot->position];
            break;
        case 2:
            memcpy(&RDB_VALUES(vector, uint16_t)[row], fixed + slot->position, 2);
            break;
        case 4:
            memcpy(&RDB_VALUES(vector, uint32_t)[row], fixed + slot->position, 4);
            break;
        case 8:
            memcpy(&RDB_VALUES(vector, uint64_t)[row], fixed + slot->position, 8);
            break;
        default:
            memcpy(&RDB_VALUES(vector, rdb_datum)[row], fixed + slot->position, sizeof(rdb_datum));
            break;
        }
    }
    return true;
}

bool heap_output_rows(heap_output *output, const heap_row *rows, uint32_t count, uint32_t first, rdb_error *err)
{
    const rdb_table *table = output->table;
    heap_row *loaded = NULL;
    bool ok = true;
    for (uint32_t i = 0; ok && i < count && output->column_count > 0 && !output->are_plain; i++) {
        if ((rows[i].version.flags & HEAP_WHOLE) == 0)
            continue;
        if (loaded == NULL) {
            loaded = malloc(sizeof *loaded * count);
            if (loaded == NULL)
                return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            memcpy(loaded, rows, sizeof *loaded * count);
        }
        ok = load_whole(output, &loaded[i], err);
    }
    if (loaded != NULL)
        rows = loaded;
    const rdb_table_layout *layout = table->layouts[table->current_layout];
    const bool plain = output->are_plain || are_plain(rows, count, table->current_layout);
    if (plain && count == 1 && goes_alone(output, layout->rows, &rows->version)) {
        ok = put_row(output, layout, rows, first, err);
        free(loaded);
        return ok;
    }
    if (!output->are_plain) {
        output->flags = 0;
        for (uint32_t i = 0; i < count; i++)
            output->flags |= rows[i].version.flags;
    }
    for (uint16_t c = 0; ok && c < output->column_count; c++) {
        rdb_vector *vector = output->vectors[c];
        int16_t column = output->columns[c];
        if (column < 0) {
            ok = put_system(output, vector, column, rows, count, first, err);
            continue;
        }
        uint16_t attribute = (uint16_t)(column - 1);
        RDB_ASSERT(attribute < table->attribute_count);
        int16_t slot = layout->slots[attribute];
        if (plain && slot >= 0 && !layout->rows->slots[slot].is_variable)
            put_fixed(output, vector, layout->rows, &layout->rows->slots[slot], rows, count, first);
        else if (plain && slot >= 0)
            ok = put_variable(output, vector, layout->rows, (uint16_t)slot, rows, count, first, err);
        else
            for (uint32_t i = 0; ok && i < count; i++)
                ok = put_value(output, vector, &rows[i].version, attribute, first + i, err);
    }
    free(loaded);
    return ok;
}

bool heap_output_finish(heap_output *output, rdb_error *err)
{
    for (uint32_t i = 0; i < output->pending_count; i++) {
        heap_pending *pending = &output->pending[i];
        rdb_bytes value;
        if (!heap_read_external(&output->place, &pending->external, pending->inline_bytes, output->arena, &value, err))
            return false;
        RDB_VALUES(pending->vector, rdb_bytes)[pending->row] = value;
    }
    output->pending_count = 0;
    return true;
}
