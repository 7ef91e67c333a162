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

/* catalog.c: what making databases is made of. */
typedef struct database_facts {
    uint32_t oid, pdb;
    char name[RDB_NAMEDATALEN];
    bool is_template, allows_connections;
} database_facts;
/* A transaction of the root with an access to the shared tables; end commits where ok. */
RDB_CHECKED bool catalog_begin_root(rdb_catalog *catalog, rdb_txn **txn, rdb_access **access, rdb_error *err);
bool catalog_end_root(rdb_txn **txn, rdb_access **access, bool ok, rdb_error *err);
/* A number that no PDB has, not even one whose making was cut off. */
RDB_CHECKED bool catalog_free_pdb(rdb_access *access, uint32_t *pdb, rdb_error *err);
/* One that is in no list; the other frees it. */
RDB_CHECKED bool catalog_make_database(rdb_catalog *catalog, uint32_t pdb, uint32_t oid, const char *name, rdb_database **database, rdb_error *err);
void catalog_free_database(rdb_database *database); /* NULL is fine */
/* The open database of that number, made where it is not open yet. Counted. */
RDB_CHECKED bool catalog_open_pdb(rdb_catalog *catalog, const database_facts *facts, rdb_database **database, rdb_error *err);

/* Fills the new PDB with what a snapshot of source sees. */
RDB_CHECKED bool clone_pdb(rdb_database *source, rdb_database *target, rdb_error *err);
/* The files of all relations of the PDB; the caller frees them. */
RDB_CHECKED bool clone_list_files(rdb_database *database, uint64_t **files, uint32_t *count, rdb_error *err);

#endif
