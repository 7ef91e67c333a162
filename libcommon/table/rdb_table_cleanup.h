/* SPDX-License-Identifier: Apache-2.0
 * What purge and the reverter (room upkeep) do to heaps: the work of one undo record at a time. Both may meet a record
 * more than once; neither reads catalogs (R10). */
#ifndef RDB_TABLE_CLEANUP_H
#define RDB_TABLE_CLEANUP_H

#include "table/rdb_table.h"

/* How index entries are removed: rdb_index_remove, which lies above this room. */
typedef bool (*rdb_index_remover)(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_slice key, rdb_row_address address,
                                  bool (*still_needed)(void *context, bool *needed, rdb_error *err), void *context, rdb_error *err);
/* What is remembered of rows with many versions from one record to the next, so that the work follows the number of records. For
 * one job of the reverter, or one round of purge. */
typedef struct rdb_table_histories rdb_table_histories;
RDB_CHECKED bool rdb_table_histories_create(rdb_table_histories **histories, rdb_error *err);
void rdb_table_histories_destroy(rdb_table_histories **histories);
uint64_t rdb_table_histories_steps(const rdb_table_histories *histories); /* versions that were stepped over to answer questions */
typedef struct rdb_table_cleanup {
    rdb_undo *undo;
    uint32_t pdb;
    rdb_index_remover remove_entry; /* NULL: there are no indexes */
    rdb_table_histories *histories; /* NULL: each record walks its row's chain */
} rdb_table_cleanup;

/* Takes back what an aborted xid did: its rows show the version before, its index entries go where no other version has
 * their key, its rows' slots are freed. Records of a transaction are taken newest first. */
RDB_CHECKED bool rdb_table_revert_record(const rdb_table_cleanup *cleanup, const rdb_undo_record *record, rdb_undo_address address,
                                         rdb_error *err);
/* No snapshot is older than this record's commit: entries of the old keys go, a deleted row's slot is freed. Commits are
 * taken in the order of their SCNs. */
RDB_CHECKED bool rdb_table_purge_record(const rdb_table_cleanup *cleanup, const rdb_undo_record *record, rdb_undo_address address,
                                        rdb_error *err);

#endif
