/* SPDX-License-Identifier: Apache-2.0
 * Making databases: the first ones, and clones. Room-internal. */
#ifndef RDB_CATALOG_BOOTSTRAP_H
#define RDB_CATALOG_BOOTSTRAP_H

#include "catalog/fill.h"

/* The databases that every instance begins with. The number is that of the PDB. */
typedef struct bootstrap_database {
    uint32_t oid, pdb;
    const char *name;
    bool is_template, allows_connections;
    const char *description; /* NULL: none */
} bootstrap_database;

typedef struct bootstrap_settings {
    const char *admin_role;
    const char *admin_verifier; /* NULL: no password */
    const bootstrap_database *databases;
    uint32_t database_count;
} bootstrap_settings;

/* Creates the PDB's transaction files, its system tables with their indexes, and fills them; one transaction. */
RDB_CHECKED bool bootstrap_pdb(rdb_database *database, const bootstrap_settings *settings, rdb_error *err);
/* Creates the files of the system tables that live in this PDB. */
RDB_CHECKED bool bootstrap_create_files(rdb_database *database, rdb_txn *txn, rdb_error *err);
/* Does this PDB hold the table? */
bool bootstrap_holds(const rdb_database *database, const rdb_relation *relation);

/* Fills the new PDB with what a snapshot of source sees. */
RDB_CHECKED bool clone_pdb(rdb_database *source, rdb_database *target, rdb_error *err);
/* The files of all relations of the PDB; the caller frees them. */
RDB_CHECKED bool clone_list_files(rdb_database *database, uint64_t **files, uint32_t *count, rdb_error *err);

#endif
