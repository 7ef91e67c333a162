/* SPDX-License-Identifier: Apache-2.0
 * Extents of rows in work files, tapes, their readers, and sets of partitions. */
#include "exec/exec_spill.h"

uint64_t exec_sort_memory(const rdb_execution *x)
{
    const rdb_work_space *work = x->context.work;
    return work == NULL || work->directory == NULL ? UINT64_MAX : x->context.work_mem_bytes;
}

uint64_t exec_hash_memory(const rdb_execution *x)
{
    uint64_t memory = exec_sort_memory(x);
    double multiplier = memory == UINT64_MAX || x->context.work->hash_mem_multiplier <= 0 ? 2 : x->context.work->hash_mem_multiplier;
    return memory == UINT64_MAX ? memory : (uint64_t)((double)memory * multiplier);
}

/* ---- extents -------------------------------------------------------------------------------------------------------------- */
static uint64_t bytes_of_values(rdb_rep rep, uint32_t rows)
{
    uint64_t width = rep == RDB_REP_BYTES ? 4 : rdb_rep_width(rep);
    return RDB_ALIGN_UP(width * rows, (uint64_t)8);
}

bool exec_extent_write(rdb_work_file *file, rdb_arena *scratch, const rdb_vector *const *columns, uint32_t column_count, uint32_t rows, exec_extent *extent, rdb_error *err)
{
    const uint64_t bitmap_bytes = ((uint64_t)rows + 63) / 64 * 8;
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < column_count; c++) {
        bytes += 8 + (columns[c]->nulls != NULL ? bitmap_bytes : 0) + bytes_of_values((rdb_rep)columns[c]->rep, rows);
        if (columns[c]->rep == RDB_REP_BYTES) {
            uint64_t total = 0;
            for (uint32_t row = 0; row < rows; row++)
                total += rdb_vector_is_null(columns[c], row) ? 0 : RDB_AT(columns[c], rdb_bytes, row).length;
            bytes += RDB_ALIGN_UP(total, (uint64_t)8);
        }
    }
    if (bytes > UINT32_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "rows are too wide for a work file");
    rdb_arena_reset(scratch);
    uint8_t *image = rdb_arena_try_alloc(scratch, bytes + 8, err), *at = image;
    if (image == NULL)
        return false;
    for (uint32_t c = 0; c < column_count; c++) {
        const rdb_vector *column = columns[c];
        uint64_t has_nulls = column->nulls != NULL, value_bytes = bytes_of_values((rdb_rep)column->rep, rows);
        memcpy(at, &has_nulls, 8);
        at += 8;
        if (has_nulls) {
            memcpy(at, column->nulls, bitmap_bytes);
            at += bitmap_bytes;
        }
        if (column->rep == RDB_REP_BYTES) {
            for (uint32_t row = 0; row < rows; row++) {
                uint32_t length = rdb_vector_is_null(column, row) ? 0 : RDB_AT(column, rdb_bytes, row).length;
                memcpy(at + 4 * (size_t)row, &length, 4);
            }
        } else {
            memcpy(at, column->values, (size_t)rdb_rep_width((rdb_rep)column->rep) * rows);
        }
        at += value_bytes;
    }
    for (uint32_t c = 0; c < column_count; c++) {
        uint8_t *start = at;
        if (columns[c]->rep != RDB_REP_BYTES)
            continue;
        for (uint32_t row = 0; row < rows; row++) {
            if (rdb_vector_is_null(columns[c], row))
                continue;
            rdb_bytes value = RDB_AT(columns[c], rdb_bytes, row);
            if (value.length > 0)
                memcpy(at, value.data, value.length);
            at += value.length;
        }
        at = start + RDB_ALIGN_UP((size_t)(at - start), (size_t)8);
    }
    RDB_ASSERT(at == image + bytes);
    extent->bytes = (uint32_t)bytes;
    extent->rows = rows;
    bool ok = rdb_work_file_append(file, image, bytes, &extent->offset, err);
    rdb_arena_reset(scratch);
    return ok;
}

bool exec_extent_read(rdb_work_file *file, const exec_extent *extent, rdb_arena *arena, const uint8_t *reps, uint32_t column_count, rdb_vector **columns, rdb_error *err)
{
    const uint32_t rows = extent->rows;
    const uint64_t bitmap_bytes = ((uint64_t)rows + 63) / 64 * 8;
    rdb_arena_reset(arena);
    uint8_t *image = rdb_arena_try_alloc(arena, extent->bytes + (size_t)8, err), *at = image;
    if (image == NULL || !rdb_work_file_read(file, extent->offset, image, extent->bytes, err))
        return false;
    for (uint32_t c = 0; c < column_count; c++) {
        rdb_vector *column = columns[c];
        uint64_t has_nulls;
        memcpy(&has_nulls, at, 8);
        at += 8;
        *column = (rdb_vector){.mask = RDB_FLAT, .capacity = rows, .rep = reps[c]};
        if (has_nulls) {
            column->nulls = column->nulls_store = (uint64_t *)(void *)at;
            at += bitmap_bytes;
        }
        column->values = at;
        at += bytes_of_values((rdb_rep)reps[c], rows);
    }
    for (uint32_t c = 0; c < column_count; c++) {
        uint8_t *start = at;
        if (reps[c] != RDB_REP_BYTES)
            continue;
        const uint8_t *lengths = columns[c]->values;
        rdb_bytes *values = rdb_arena_try_alloc(arena, sizeof *values * ((size_t)rows + 1), err);
        if (values == NULL)
            return false;
        for (uint32_t row = 0; row < rows; row++) {
            uint32_t length;
            memcpy(&length, lengths + 4 * (size_t)row, 4);
            values[row] = (rdb_bytes){.data = at, .length = length};
            at += length;
        }
        columns[c]->values = values;
        at = start + RDB_ALIGN_UP((size_t)(at - start), (size_t)8);
    }
    return true;
}

/* ---- tapes ------------------------------------------------------------------------------------------------------------------ */
static bool make_segment(exec_tape *tape, rdb_error *err)
{
    exec_segment *segment = RDB_NEW(tape->x->arena, exec_segment);
    if (!exec_store_init(&segment->store, tape->x, tape->reps, tape->column_count, err))
        return false;
    tape->tail = segment;
    return true;
}

bool exec_tape_init(exec_tape *tape, rdb_execution *x, const uint8_t *reps, uint32_t column_count, uint64_t limit_bytes, rdb_error *err)
{
    memset(tape, 0, sizeof *tape);
    tape->x = x;
    tape->reps = reps;
    tape->column_count = column_count;
    tape->limit_bytes = limit_bytes;
    return make_segment(tape, err);
}

/* Frees the stores that readers looked into when they were written out. is_end: those still looked into as well. */
static void free_retired(exec_tape *tape, bool is_end)
{
    for (exec_segment **at = &tape->retired; *at != NULL;) {
        exec_segment *segment = *at;
        if (segment->pins > 0 && !is_end) {
            at = &segment->next;
            continue;
        }
        *at = segment->next;
        exec_store_deinit(&segment->store);
    }
}

void exec_tape_deinit(exec_tape *tape)
{
    if (tape->tail != NULL)
        exec_store_deinit(&tape->tail->store);
    free_retired(tape, true);
    rdb_work_file_close(&tape->file);
    if (tape->x != NULL)
        memset(tape, 0, sizeof *tape);
}

void exec_tape_clear(exec_tape *tape)
{
    free_retired(tape, true);
    exec_store_clear(&tape->tail->store);
    tape->tail->pins = 0;
    tape->row_count = tape->tail_first_row = 0;
    tape->extent_count = 0;
    tape->generation++;
    tape->limit_bytes = exec_sort_memory(tape->x); /* another run may have another */
    rdb_work_file_close(&tape->file);
}

static rdb_work_file *file_of(const exec_tape *tape)
{
    return tape->shared != NULL ? *tape->shared : tape->file;
}

static bool note_extent(exec_tape *tape, const exec_extent *extent, rdb_error *err)
{
    if (tape->extent_count == tape->extent_capacity) {
        uint32_t capacity = tape->extent_capacity ? tape->extent_capacity * 2 : 16;
        exec_extent *extents = rdb_arena_try_alloc(tape->x->arena, capacity * sizeof *extents, err);
        if (extents == NULL)
            return false;
        if (tape->extent_count > 0)
            memcpy(extents, tape->extents, tape->extent_count * sizeof *extents);
        tape->extents = extents;
        tape->extent_capacity = capacity;
    }
    tape->extents[tape->extent_count++] = *extent;
    return true;
}

bool exec_tape_flush(exec_tape *tape, rdb_error *err)
{
    exec_store *store = &tape->tail->store;
    rdb_work_file **file = tape->shared != NULL ? tape->shared : &tape->file;
    if (store->row_count == 0)
        return true;
    if (*file == NULL && !rdb_work_file_open(file, tape->x->context.work, err))
        return false;
    rdb_arena *scratch = exec_arena(tape->x, "extent");
    if (scratch == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    const rdb_vector **columns = RDB_NEW_ARRAY(store->arena, const rdb_vector *, tape->column_count + 1);
    bool ok = true;
    for (uint32_t chunk = 0; ok && chunk < store->chunk_count; chunk++) {
        exec_extent extent = {.first_row = tape->tail_first_row + (uint64_t)chunk * RDB_BATCH_ROWS};
        for (uint32_t c = 0; c < tape->column_count; c++)
            columns[c] = &store->chunks[chunk][c];
        ok = exec_extent_write(*file, scratch, columns, tape->column_count, RDB_MIN(store->row_count - chunk * RDB_BATCH_ROWS, RDB_BATCH_ROWS), &extent, err) &&
             note_extent(tape, &extent, err);
    }
    rdb_arena_destroy(scratch);
    if (!ok)
        return false;
    tape->tail_first_row = tape->row_count;
    free_retired(tape, false);
    if (tape->tail->pins == 0) {
        exec_store_clear(store);
        return true;
    }
    tape->tail->next = tape->retired;
    tape->retired = tape->tail;
    return make_segment(tape, err);
}

bool exec_tape_append(exec_tape *tape, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, rdb_error *err)
{
    if (!exec_store_append(&tape->tail->store, columns, count, more, more_count, selection, err))
        return false;
    tape->row_count += selection->count;
    return rdb_arena_bytes(tape->tail->store.arena) <= tape->limit_bytes || tape->tail->store.row_count < 8 || exec_tape_flush(tape, err);
}

uint64_t exec_tape_bytes(const exec_tape *tape)
{
    uint64_t bytes = tape->tail->store.row_count > 0 ? rdb_arena_bytes(tape->tail->store.arena) : 0;
    for (uint32_t i = 0; i < tape->extent_count; i++)
        bytes += tape->extents[i].bytes;
    return bytes;
}

/* ---- readers ------------------------------------------------------------------------------------------------------------------ */
bool exec_reader_init(exec_reader *reader, exec_tape *tape, rdb_error *err)
{
    rdb_arena *arena = tape->x->arena;
    memset(reader, 0, sizeof *reader);
    reader->tape = tape;
    reader->columns = RDB_NEW_ARRAY(arena, rdb_vector *, tape->column_count + 1);
    reader->rows = rdb_arena_try_alloc(arena, RDB_BATCH_ROWS * sizeof *reader->rows, err);
    return reader->rows != NULL;
}

static void let_go(exec_reader *reader)
{
    if (reader->pinned != NULL && reader->generation == reader->tape->generation)
        reader->pinned->pins--;
    reader->pinned = NULL;
    reader->row_count = 0;
}

void exec_reader_deinit(exec_reader *reader)
{
    rdb_arena_destroy(reader->arena); /* pins go with the tape */
    memset(reader, 0, sizeof *reader);
}

void exec_reader_rewind(exec_reader *reader)
{
    let_go(reader);
    reader->next_row = 0;
    reader->loaded = 0;
    if (reader->arena != NULL)
        rdb_arena_reset(reader->arena);
}

static bool load_extent(exec_reader *reader, uint64_t row, rdb_error *err)
{
    exec_tape *tape = reader->tape;
    uint32_t low = 0, high = tape->extent_count - 1; /* the last one that begins at or before the row */
    if (reader->loaded > 0 && reader->loaded < tape->extent_count && tape->extents[reader->loaded].first_row == row) {
        low = reader->loaded;
    } else {
        while (low < high) {
            uint32_t middle = (low + high + 1) / 2;
            if (tape->extents[middle].first_row <= row)
                low = middle;
            else
                high = middle - 1;
        }
    }
    if (reader->arena == NULL) {
        rdb_arena *arena = tape->x->arena;
        reader->arena = exec_arena(tape->x, "read back");
        if (reader->arena == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        reader->loaded_columns = RDB_NEW_ARRAY(arena, rdb_vector *, tape->column_count + 1);
        for (uint32_t c = 0; c < tape->column_count; c++)
            reader->loaded_columns[c] = RDB_NEW(arena, rdb_vector);
    }
    if (!exec_extent_read(file_of(tape), &tape->extents[low], reader->arena, tape->reps, tape->column_count, reader->loaded_columns, err))
        return false;
    reader->loaded = low + 1;
    for (uint32_t c = 0; c < tape->column_count; c++)
        reader->columns[c] = reader->loaded_columns[c];
    reader->first_row = tape->extents[low].first_row;
    reader->row_count = tape->extents[low].rows;
    return true;
}

bool exec_reader_seek(exec_reader *reader, uint64_t row, uint32_t *at, rdb_error *err)
{
    exec_tape *tape = reader->tape;
    RDB_ASSERT(row < tape->row_count);
    if (reader->generation != tape->generation) {
        let_go(reader);
        reader->generation = tape->generation;
        reader->loaded = 0;
    }
    bool is_here = reader->row_count > 0 && row >= reader->first_row && row < reader->first_row + reader->row_count;
    /* a chunk in memory grows, in place or elsewhere: its columns are looked up each time */
    if (!is_here || reader->loaded == 0) {
        let_go(reader);
        if (row < tape->tail_first_row) {
            if (!load_extent(reader, row, err))
                return false;
        } else {
            exec_store *store = &tape->tail->store;
            uint32_t chunk = (uint32_t)((row - tape->tail_first_row) / RDB_BATCH_ROWS);
            for (uint32_t c = 0; c < tape->column_count; c++)
                reader->columns[c] = &store->chunks[chunk][c];
            reader->loaded = 0;
            reader->first_row = tape->tail_first_row + (uint64_t)chunk * RDB_BATCH_ROWS;
            reader->row_count = RDB_MIN(store->row_count - chunk * RDB_BATCH_ROWS, RDB_BATCH_ROWS);
            reader->pinned = tape->tail;
            tape->tail->pins++;
        }
    }
    *at = (uint32_t)(row - reader->first_row);
    return true;
}

bool exec_reader_next(exec_reader *reader, uint32_t budget, rdb_batch *batch, rdb_error *err)
{
    uint32_t from;
    *batch = (rdb_batch){.columns = reader->columns, .column_count = reader->tape->column_count};
    if (reader->next_row >= reader->tape->row_count)
        return true;
    if (!exec_reader_seek(reader, reader->next_row, &from, err))
        return false;
    uint32_t count = RDB_MIN(reader->row_count - from, budget);
    batch->row_count = reader->row_count;
    if (from == 0 && count == reader->row_count) {
        batch->selection = (rdb_selection){NULL, count};
    } else {
        count = RDB_MIN(count, RDB_BATCH_ROWS);
        for (uint32_t i = 0; i < count; i++)
            reader->rows[i] = from + i;
        batch->selection = (rdb_selection){reader->rows, count};
    }
    reader->next_row += count;
    return true;
}

/* ---- partitions ----------------------------------------------------------------------------------------------------------------- */
#define PARTITION_BUFFER_MIN ((uint64_t)16 << 10)
#define PARTITION_BUFFER_MAX ((uint64_t)256 << 10)

bool exec_partitions_open(exec_partitions **out, rdb_execution *x, const uint8_t *reps, uint32_t column_count, uint64_t memory, rdb_error *err)
{
    exec_partitions *partitions = RDB_NEW(x->arena, exec_partitions);
    uint64_t buffer = RDB_MAX(PARTITION_BUFFER_MIN, RDB_MIN(memory / 4 / EXEC_PARTITIONS, PARTITION_BUFFER_MAX));
    *out = partitions;
    for (uint32_t i = 0; i < EXEC_PARTITIONS; i++) {
        if (!exec_tape_init(&partitions->tapes[i], x, reps, column_count, buffer, err))
            return false;
        partitions->tapes[i].shared = &partitions->file;
    }
    return true;
}

bool exec_partitions_put(exec_partitions *partitions, uint32_t level, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count,
                         const rdb_selection *selection, const uint64_t *hashes, rdb_error *err)
{
    uint32_t rows[RDB_BATCH_ROWS];
    uint64_t values[RDB_BATCH_ROWS];
    uint16_t places[RDB_BATCH_ROWS];
    uint8_t numbers[RDB_BATCH_ROWS];
    for (uint32_t from = 0; from < selection->count; from += RDB_BATCH_ROWS) {
        uint32_t total = RDB_MIN(selection->count - from, RDB_BATCH_ROWS), counts[EXEC_PARTITIONS + 1] = {0};
        for (uint32_t i = 0; i < total; i++) {
            numbers[i] = (uint8_t)exec_partition_of(hashes[from + i], level);
            counts[numbers[i] + 1u]++;
        }
        for (uint32_t p = 0; p < EXEC_PARTITIONS; p++)
            counts[p + 1] += counts[p];
        uint32_t next[EXEC_PARTITIONS];
        memcpy(next, counts, sizeof next);
        for (uint32_t i = 0; i < total; i++)
            places[next[numbers[i]]++] = (uint16_t)i;
        for (uint32_t p = 0; p < EXEC_PARTITIONS; p++) {
            uint32_t kept = 0;
            for (uint32_t k = counts[p]; k < counts[p + 1]; k++) {
                rows[kept] = rdb_selected(selection, from + places[k]);
                values[kept++] = hashes[from + places[k]];
            }
            if (kept == 0)
                continue;
            exec_tape *tape = &partitions->tapes[p];
            exec_store *store = &tape->tail->store;
            if (!exec_store_append_hashed(store, columns, count, more, more_count, &(rdb_selection){rows, kept}, values, err))
                return false;
            tape->row_count += kept;
            if (rdb_arena_bytes(store->arena) > tape->limit_bytes && !exec_tape_flush(tape, err))
                return false;
        }
    }
    return true;
}

uint64_t exec_partitions_disk(const exec_partitions *partitions)
{
    return partitions != NULL && partitions->file != NULL ? rdb_work_file_bytes(partitions->file) : 0;
}

void exec_partitions_close(exec_partitions **out)
{
    exec_partitions *partitions = *out;
    *out = NULL;
    if (partitions == NULL)
        return;
    for (uint32_t i = 0; i < EXEC_PARTITIONS; i++)
        exec_tape_deinit(&partitions->tapes[i]);
    rdb_work_file_close(&partitions->file);
}
