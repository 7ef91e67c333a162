/* SPDX-License-Identifier: Apache-2.0
 * The sample of ANALYZE, shared by what looks at one column (analyze.c) and at several together (analyze_extended.c). */
#ifndef RDB_COMMAND_ANALYZE_H
#define RDB_COMMAND_ANALYZE_H

#include "command/command_int.h"

enum { SAMPLE_WIDE_BYTES = 1024 }; /* values beyond it are not compared: they are taken to be all different */

typedef struct sample {
    const rdb_relation *relation;
    rdb_arena *arena;         /* of the sampled values */
    const int16_t *columns;   /* attribute numbers */
    uint16_t column_count;
    uint32_t wanted, count;   /* rows */
    rdb_datum *values;        /* row after row, column_count of each */
    bool *is_null;
    rdb_row_address *addresses;
    uint32_t *order;          /* of rows by address */
    double met, skip_until, weight; /* rows met so far; the next one taken; Li's w */
    uint64_t random;
    double blocks, blocks_read, rows_total;
    /* the table that is being read: the relation, or one that it has rows in below it */
    const rdb_relation *source;
    const int16_t *source_columns;
    uint64_t source_no;
} sample;

/* A column or an expression, row by row in the order of their addresses: sample.count values. */
typedef struct sample_column {
    const rdb_type *type;
    uint32_t collation;
    const rdb_datum *values;
    const bool *is_null;
} sample_column;

static inline bool sample_is_wide(const sample_column *column, uint32_t row)
{
    return column->type->rep == RDB_REP_BYTES && !column->is_null[row] && column->values[row].bytes.length > SAMPLE_WIDE_BYTES;
}

/* Two rows of the sample, one after the other: how many rows apart they stand in the table, at least 1. */
typedef struct sample_pair {
    double gap;
    bool is_equal;
} sample_pair;
/* How many rows equal values fill that stand together, 1 to longest: two rows within a run of so many are equal as often as they are not
 * too far apart, max(0, 1 - gap / length). 0: the pairs do not tell. */
double sample_run_length(const sample_pair *pairs, uint32_t count, double longest);

/* column_no: of sample.columns. */
RDB_CHECKED bool sample_read_column(const sample *s, uint16_t column_no, rdb_arena *arena, sample_column *column, rdb_error *err);
/* What pg_statistic says of it, in arena. target: parts of its histogram, and common values at most. */
RDB_CHECKED bool sample_examine(rdb_command_context *context, const sample *s, const sample_column *column, uint32_t target, rdb_arena *arena, rdb_statistics *statistics,
                                rdb_error *err);

/* analyze_elements.c: what a column of arrays says of their elements, of type element, which has an order. */
RDB_CHECKED bool sample_examine_elements(const sample *s, const sample_column *column, const rdb_type *element, uint32_t target, rdb_arena *arena, rdb_statistics *statistics,
                                         rdb_error *err);

/* analyze_extended.c: the objects of CREATE STATISTICS whose columns, among others, are looked at. A WARNING for each other one. */
typedef struct extended_statistics {
    const rdb_statistics_object *objects;
    uint32_t count;
    uint32_t *targets;       /* of each; 0: it is left out */
    uint32_t largest_target;
    bool has_expressions;
} extended_statistics;
RDB_CHECKED bool extended_statistics_open(rdb_command_context *context, const rdb_relation *relation, const int16_t *columns, uint16_t column_count, extended_statistics *extended,
                                          rdb_error *err);
RDB_CHECKED bool extended_statistics_gather(rdb_command_context *context, const sample *s, const extended_statistics *extended, bool with_children, rdb_error *err);

#endif
