/* SPDX-License-Identifier: Apache-2.0
 * What the files of salvage share. Room-internal. */
#ifndef RDB_CATALOG_SALVAGE_INT_H
#define RDB_CATALOG_SALVAGE_INT_H

#include "catalog/bootstrap.h"
#include "catalog/ddl_int.h"
#include "catalog/rdb_catalog_salvage.h"
#include "table/rdb_table_salvage.h"

/* The damaged instance, opened for reading rows. */
typedef struct salvage_source {
    rdb_salvage_work *work;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
} salvage_source;

typedef struct salvage_table { /* where rows are read */
    const char *database, *name; /* for findings */
    const rdb_relation *relation; /* the new instance's descriptor: how the rows look */
    uint32_t pdb;
    uint64_t file;
} salvage_table;

typedef bool (*salvage_taker)(void *context, const rdb_datum *values, const bool *is_null, rdb_error *err);
/* Hands every whole row of a table to take; all else becomes findings, which *losses counts. False only where take fails, or memory. */
RDB_CHECKED bool salvage_read(salvage_source *source, const salvage_table *table, salvage_taker take, void *context, uint64_t *rows, uint64_t *losses, rdb_error *err);
void salvage_tell(rdb_salvage_work *work, rdb_salvage_finding finding);

/* salvage_database.c: fills the new PDB with what is left of the PDB from. */
RDB_CHECKED bool salvage_pdb(salvage_source *source, uint32_t from, rdb_database *target, rdb_database *pristine, rdb_error *err);

#endif
