/* SPDX-License-Identifier: Apache-2.0
 * Filling empty tables and indexes in bulk: bootstrap, clones of databases, CREATE INDEX. Room-internal. */
#ifndef RDB_CATALOG_FILL_H
#define RDB_CATALOG_FILL_H

#include "catalog/catalog_int.h"

/* Entries of one index on their way: collected in any order, then sorted and written bottom-up. */
typedef struct fill_entries fill_entries;
RDB_CHECKED bool fill_entries_create(fill_entries **entries, rdb_error *err);
void fill_entries_destroy(fill_entries *entries); /* NULL is fine */
/* is_checked: two checked entries with this key are a violation. The key is copied. */
RDB_CHECKED bool fill_entries_add(fill_entries *entries, rdb_slice key, rdb_row_address address, bool is_checked, rdb_error *err);
/* Sorts what several threads collected, each in a run of its own, and calls visit for each entry in order, once. *duplicate: of a checked key,
 * the address of the second row, where it ends (0: none). */
#define FILL_RUNS_MAX 4u
typedef bool (*fill_visit)(void *context, const rdb_index_entry *entry, bool is_checked, rdb_error *err);
RDB_CHECKED bool fill_entries_visit(fill_entries *const *runs, uint32_t run_count, const rdb_relation_index *index, fill_visit visit, void *context, rdb_row_address *duplicate, rdb_error *err);
/* Sorts and writes into the empty index what was collected. *duplicate: as above; what was written of the index then is of no use. */
RDB_CHECKED bool fill_entries_build(fill_entries *const *runs, uint32_t run_count, const rdb_relation_index *index, rdb_xid xid, rdb_row_address *duplicate, rdb_error *err);

/* A table with its indexes, both empty; rows go in by the hundred. Indexes over expressions are left empty. */
typedef struct table_filler table_filler;
RDB_CHECKED bool table_filler_open(table_filler **filler, const rdb_relation *relation, rdb_txn *txn, rdb_error *err);
/* The values are copied. */
RDB_CHECKED bool table_filler_add(table_filler *filler, const rdb_datum *values, const bool *is_null, rdb_error *err);
/* Writes what is left and builds the indexes. Closes, also on failure. */
RDB_CHECKED bool table_filler_finish(table_filler **filler, rdb_error *err);
void table_filler_abandon(table_filler **filler); /* NULL inside is fine */

#endif
