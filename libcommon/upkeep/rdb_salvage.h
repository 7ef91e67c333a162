/* SPDX-License-Identifier: Apache-2.0
 * What is left of a damaged instance, made readable: a copy of its files beside it in which the log has been replayed as far as it is
 * whole, and pages of the commit log and the undo store that are not whole have been replaced. The instance itself is read and never
 * written. What is replaced or missing is told, so that who reads rows here can name each that may not be what was committed. */
#ifndef RDB_SALVAGE_H
#define RDB_SALVAGE_H

#include "undo/rdb_undo.h"
#include "upkeep/rdb_upkeep.h"

typedef struct rdb_salvage rdb_salvage;

/* Something of the instance that is not whole, beside the pages of tables, which whoever reads them meets. */
typedef struct rdb_salvage_damage {
    const char *file; /* below the data directory */
    bool has_block;
    uint64_t block;
    const char *problem; /* a sentence without its period */
} rdb_salvage_damage;

typedef struct rdb_salvage_options {
    const char *home;    /* of the damaged instance; nobody serves it */
    const char *scratch; /* a directory for the copy, empty; its owner removes it */
    uint32_t frame_count;
    void (*complain)(void *context, const rdb_salvage_damage *damage);
    void *context;
} rdb_salvage_options;
/* False where nothing of it can be read: no page size, no disk room. Every resource is registered. */
RDB_CHECKED bool rdb_salvage_open(rdb_salvage **salvage, const rdb_salvage_options *options, rdb_error *err);
void rdb_salvage_close(rdb_salvage **salvage);
rdb_storage *rdb_salvage_storage(rdb_salvage *salvage); /* has no log: nothing is changed through it */
/* Opened before those of any other instance of the process and closed behind them: what checkpoints save is registered by the last. */
rdb_txn_manager *rdb_salvage_txns(rdb_salvage *salvage);
rdb_undo *rdb_salvage_undo(rdb_salvage *salvage);
uint32_t rdb_salvage_page_bytes(const rdb_salvage *salvage);
/* The PDBs that have files. */
const uint32_t *rdb_salvage_pdbs(const rdb_salvage *salvage, uint32_t *count);
/* What became of that transaction is not known: it counts as committed here. */
bool rdb_salvage_lost_xid(const rdb_salvage *salvage, uint32_t pdb, rdb_xid xid);
/* The log has a change for that block which does not fit it: it is an older, or a newer, state than it should be. */
bool rdb_salvage_is_stale(const rdb_salvage *salvage, uint32_t pdb, uint64_t file, uint64_t block);
/* Numbers of the files of tables of a PDB, ascending, in the arena. */
RDB_CHECKED bool rdb_salvage_tables(const rdb_salvage *salvage, uint32_t pdb, rdb_arena *arena, uint64_t **files, uint32_t *count, rdb_error *err);

/* The page size of an instance: from its control file, its log, or where both are gone from the pages themselves. */
RDB_CHECKED bool rdb_salvage_find_page_bytes(const char *home, uint32_t *page_bytes, rdb_error *err);

#endif
