/* SPDX-License-Identifier: Apache-2.0
 * What scans share: the columns that they read, rows fetched by address, the entries of an index within bounds. */
#ifndef RDB_EXEC_SCAN_INT_H
#define RDB_EXEC_SCAN_INT_H

#include "exec/exec_int.h"

typedef struct scan_columns { /* the wanted columns, apart by where they come from */
    int16_t *numbers;        /* of those that the table room reads */
    rdb_vector **vectors;    /* beside numbers */
    uint16_t count;
    rdb_vector **row_space;  /* all columns of the node, in order */
    rdb_vector *address, *version_xid, *version_undo; /* NULL: not wanted */
    rdb_row_address *addresses;
    rdb_row_version *versions;
    bool *found, *recheck;
    uint32_t capacity;
    uint32_t filled;         /* rows of the last batch, before any condition */
    uint16_t key_first;      /* index scans: vectors[key_first + k] is key column k of the index */
} scan_columns;

typedef struct scan_bound {
    rdb_program *program;
    const rdb_plan_bound *plan;
    rdb_datum *items;        /* is_any: the elements, distinct, in index order */
    uint32_t item_count, item_no;
} scan_bound;

/* A search that is to come: its range and where that begins. */
#define SCAN_AHEAD_KEY_BYTES 48u
typedef struct scan_ahead {
    rdb_index_place place;
    uint8_t lower[SCAN_AHEAD_KEY_BYTES], upper[SCAN_AHEAD_KEY_BYTES];
    uint8_t lower_length, upper_length;
    bool lower_exclusive, upper_exclusive;
    bool is_prepared, has_range;
} scan_ahead;

typedef struct scan_state scan_state;
struct scan_state {
    scan_columns columns;
    rdb_batch batch;
    rdb_table_scan *table_scan;
    rdb_arena *scan_arena;   /* of the scan or cursor below */
    bool is_done;
    exec_scan_filter *filter; /* tried on the page; or NULL */
    rdb_program *sample;     /* TABLESAMPLE's arguments */
    rdb_snapshot moment;     /* AS OF: of the past */
    bool has_moment;         /* this run */
    uint64_t sample_seed, sample_below; /* a block or row is taken whose hash with the seed is below */
    uint32_t *sample_rows;
    /* index scans */
    const rdb_relation_index *index;
    rdb_index_cursor *cursor;
    rdb_index_entry *entries;
    uint32_t *rows;
    struct scan_state *heap; /* index-only scans: rows that have to be fetched all the same, with the index's keys; else NULL */
    uint64_t visible_begun;
    bool *visible;
    scan_bound *bounds;
    rdb_strbuf lower, upper, key;
    rdb_vector *included;    /* of one row that is asked again: the columns of the index behind its keys; NULL: entries have none */
    int16_t *included_numbers;
    rdb_arena *bound_arena;
    scan_ahead *ahead;       /* EXEC_LOOKUPS_AHEAD of them, made at first need */
    bool is_empty;           /* a bound is null: no row */
    rdb_program *index_expressions;
    rdb_program *condition;  /* the bounds again, for substitution */
};

/* The vectors of the columns; behind them those of the index's keys. */
bool scan_add_columns(exec_node *node, scan_state *state);
RDB_CHECKED bool scan_reserve_rows(exec_node *node, scan_state *state, uint32_t capacity, rdb_error *err);
/* Does row `row` of what was fetched still make the entry that led to it (R28)? fetched: the node's state, or its heap. */
RDB_CHECKED bool scan_entry_counts(exec_node *node, scan_state *fetched, uint32_t row, const rdb_index_entry *entry, bool *counts, rdb_error *err);
/* An index that is newer than the snapshot would miss rows; no plan comes here with one (rdb_plan_fits_snapshot). */
static inline bool scan_check_index(const exec_node *node, const rdb_relation_index *index, rdb_error *err)
{
    return RDB_LIKELY(index->index.valid_from_scn <= node->x->context.snapshot->scn) ||
           rdb_error_set(err, RDB_INTERNAL_ERROR, "index \"%s\" is newer than the snapshot", index->name);
}
void scan_fill_identity(scan_columns *columns, uint32_t count);
void scan_give(exec_node *node, scan_state *state, uint32_t rows, rdb_selection selection, rdb_batch **raw);
/* One-row substitution: NULL in an ordinary run. */
const exec_substitute *scan_substitute_of(const exec_node *node);
RDB_CHECKED bool scan_next_substitute(exec_node *node, const exec_substitute *substitute, rdb_batch **raw, rdb_error *err);
/* The entries of an ordered index: bounds compiled, a run of them begun, the next ones (*count 0: the end). */
RDB_CHECKED bool scan_open_bounds(exec_node *node, scan_state *state, rdb_error *err);
RDB_CHECKED bool scan_begin_index(exec_node *node, rdb_error *err);
RDB_CHECKED bool scan_next_entries(exec_node *node, uint32_t capacity, bool wants_keys, rdb_index_entry *entries, uint32_t *count, rdb_error *err);
void scan_close(exec_node *node);
RDB_CHECKED bool scan_open_by_index(exec_node *node, rdb_error *err);
RDB_CHECKED bool scan_begin_by_index(exec_node *node, rdb_error *err);
RDB_CHECKED bool scan_next_by_index(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err);
/* index_only.c: the rows of the entries at hand, from their keys where all see their pages. */
RDB_CHECKED bool scan_read_keys(exec_node *node, uint32_t count, rdb_batch **raw, rdb_error *err);

#endif
