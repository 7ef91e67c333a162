/* SPDX-License-Identifier: Apache-2.0
 * Rows that may outgrow memory.
 *
 * A tape keeps rows in the order they came: the newest in a store in memory, older ones in a work file once the store
 * passes the tape's limit. Readers go over it at their own pace while it grows; the batch that a reader gave holds until that reader's
 * next call, whatever is appended meanwhile (a store that a reader looks into is kept until it lets go).
 * A set of partitions is some tapes on one file, rows going to them by bits of a hash. A sorter is an external merge sort.
 *
 * Rows in a work file, an extent at a time (n rows, native byte order, read by the process that wrote it alone):
 *     for each column:   8      1 where it has nulls, else 0
 *                        .      null bitmap, (n+63)/64 words of 8, where it has nulls
 *                        .      values, n of the representation's width; of BYTES n lengths of 4; rounded up to 8
 *     then, for each column of BYTES: the bytes of its values one after the other, rounded up to 8 */
#ifndef RDB_EXEC_SPILL_H
#define RDB_EXEC_SPILL_H

#include "exec/exec_int.h"
#include "task/rdb_work.h"

typedef struct exec_extent {
    uint64_t offset, first_row;
    uint32_t bytes, rows;
} exec_extent;
/* Writes the first `rows` rows of flat vectors; scratch is reset. */
RDB_CHECKED bool exec_extent_write(rdb_work_file *file, rdb_arena *scratch, const rdb_vector *const *columns, uint32_t column_count, uint32_t rows, exec_extent *extent, rdb_error *err);
/* Vectors over one block of memory in arena, which is reset first. */
RDB_CHECKED bool exec_extent_read(rdb_work_file *file, const exec_extent *extent, rdb_arena *arena, const uint8_t *reps, uint32_t column_count, rdb_vector **columns, rdb_error *err);

typedef struct exec_segment { /* rows in memory, and how many readers look at them */
    struct exec_segment *next;
    exec_store store;
    uint32_t pins;
} exec_segment;
typedef struct exec_tape {
    rdb_execution *x;
    const uint8_t *reps;
    uint32_t column_count;
    uint64_t limit_bytes;      /* of rows in memory */
    uint64_t row_count, tail_first_row;
    exec_segment *tail, *retired;
    rdb_work_file *file;       /* NULL: all in memory */
    rdb_work_file **shared;    /* the file of a set of partitions, else NULL */
    exec_extent *extents;
    uint32_t extent_count, extent_capacity;
    uint64_t generation;       /* counts clears: a reader's pin of an older one is void */
} exec_tape;
RDB_CHECKED bool exec_tape_init(exec_tape *tape, rdb_execution *x, const uint8_t *reps, uint32_t column_count, uint64_t limit_bytes, rdb_error *err);
void exec_tape_deinit(exec_tape *tape); /* zeroed is fine */
void exec_tape_clear(exec_tape *tape);
RDB_CHECKED bool exec_tape_append(exec_tape *tape, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, rdb_error *err);
/* Puts what is in memory into the file. */
RDB_CHECKED bool exec_tape_flush(exec_tape *tape, rdb_error *err);
uint64_t exec_tape_bytes(const exec_tape *tape); /* of its rows, in memory and in the file */

typedef struct exec_reader {
    exec_tape *tape;
    uint64_t next_row;
    exec_segment *pinned;
    uint64_t generation;
    rdb_arena *arena;          /* of the extent read back, made at first need */
    uint32_t loaded;           /* extent + 1 */
    rdb_vector **columns, **loaded_columns;
    uint32_t *rows;
    uint64_t first_row;        /* what columns hold: rows first_row ... first_row + row_count - 1 */
    uint32_t row_count;
} exec_reader;
RDB_CHECKED bool exec_reader_init(exec_reader *reader, exec_tape *tape, rdb_error *err);
void exec_reader_deinit(exec_reader *reader); /* zeroed is fine */
void exec_reader_rewind(exec_reader *reader);
/* The next rows, at most budget; *batch without rows at the end of what is there. */
RDB_CHECKED bool exec_reader_next(exec_reader *reader, uint32_t budget, rdb_batch *batch, rdb_error *err);
/* Makes columns hold the row; *at is its place in them. */
RDB_CHECKED bool exec_reader_seek(exec_reader *reader, uint64_t row, uint32_t *at, rdb_error *err);

#define EXEC_PARTITION_BITS 4u
#define EXEC_PARTITIONS (1u << EXEC_PARTITION_BITS)
#define EXEC_PARTITION_LEVELS 10u
static inline uint32_t exec_partition_of(uint64_t hash, uint32_t level)
{
    return (uint32_t)(hash >> (64 - EXEC_PARTITION_BITS * (level + 1))) & (EXEC_PARTITIONS - 1);
}
/* Tapes on one file. The last column of the rows is the hash. */
typedef struct exec_partitions {
    exec_tape tapes[EXEC_PARTITIONS];
    rdb_work_file *file;
    uint32_t pending;          /* tapes that the owner has not dealt with yet */
} exec_partitions;
RDB_CHECKED bool exec_partitions_open(exec_partitions **partitions, rdb_execution *x, const uint8_t *reps, uint32_t column_count, uint64_t memory, rdb_error *err);
/* Appends the selected rows (columns, then more, then the hash): hashes by position of the selection. */
RDB_CHECKED bool exec_partitions_put(exec_partitions *partitions, uint32_t level, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count,
                                     const rdb_selection *selection, const uint64_t *hashes, rdb_error *err);
uint64_t exec_partitions_disk(const exec_partitions *partitions); /* NULL is fine */
void exec_partitions_close(exec_partitions **partitions);

/* Can work go to disk, and with how much memory in hand? UINT64_MAX where it cannot. */
uint64_t exec_sort_memory(const rdb_execution *x);
uint64_t exec_hash_memory(const rdb_execution *x);

/* ---- value_set.c: the different values of groups. NULL is a value like others. */
typedef struct exec_value_set exec_value_set;
typedef struct exec_value_rows { /* rows of a batch, and their groups */
    uint32_t count;
    uint32_t *rows, *groups;
} exec_value_rows;
/* is_single: there is no group but one. */
RDB_CHECKED bool exec_value_set_open(exec_value_set **set, rdb_execution *x, const rdb_type *type, uint32_t collation, bool is_single, uint64_t memory_bytes, rdb_error *err);
void exec_value_set_close(exec_value_set **set); /* NULL inside is fine */
RDB_CHECKED bool exec_value_set_clear(exec_value_set *set, rdb_error *err);
/* Of the selected rows, at most RDB_BATCH_ROWS, with their groups by position: those whose value their group has not met are fresh. Once
 * the memory is full nothing is fresh any more, and those that would be are away: some of them may be the same. Valid until the next call. */
RDB_CHECKED bool exec_value_set_put(exec_value_set *set, const rdb_vector *values, const uint32_t *groups, const rdb_selection *selection, const exec_value_rows **fresh,
                                    const exec_value_rows **away, rdb_error *err);

typedef struct exec_sorter exec_sorter;
RDB_CHECKED bool exec_sorter_open(exec_sorter **sorter, rdb_execution *x, const uint8_t *reps, uint32_t column_count, const rdb_plan_key *keys, uint32_t key_count, rdb_error *err);
void exec_sorter_close(exec_sorter **sorter);
void exec_sorter_clear(exec_sorter *sorter);
/* At most so many rows will be asked for (UINT64_MAX: all); before the first row. */
void exec_sorter_set_bound(exec_sorter *sorter, uint64_t bound);
RDB_CHECKED bool exec_sorter_put(exec_sorter *sorter, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, rdb_error *err);
RDB_CHECKED bool exec_sorter_finish(exec_sorter *sorter, rdb_error *err);
/* The next rows in order, equal ones in the order they came; no rows at the end. Valid until the next call. */
RDB_CHECKED bool exec_sorter_next(exec_sorter *sorter, uint32_t budget, rdb_batch *batch, rdb_error *err);
bool exec_sorter_can_rewind(const exec_sorter *sorter); /* a merge cannot */
void exec_sorter_rewind(exec_sorter *sorter);
void exec_sorter_report(const exec_sorter *sorter, rdb_node_statistics *statistics);

#endif
