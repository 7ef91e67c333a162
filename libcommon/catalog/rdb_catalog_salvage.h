/* SPDX-License-Identifier: Apache-2.0
 * Salvage: the databases of a damaged instance, made anew in another one from the rows that are whole. Row for row, so that what is
 * damaged takes nothing along that is not; each row, block or object that is lost is told, and each that may not be what was
 * committed. System tables are salvaged as all others are; built-in rows that are missing are taken from this instance's template0.
 * Indexes are left empty: whoever calls builds them (REINDEX). */
#ifndef RDB_CATALOG_SALVAGE_H
#define RDB_CATALOG_SALVAGE_H

#include "catalog/rdb_catalog.h"
#include "upkeep/rdb_salvage.h"

typedef struct rdb_salvage_finding {
    const char *database, *relation; /* relation: schema.name; NULL: not of one */
    const char *file;                /* where the relation is not known */
    bool has_block, has_slot;
    uint64_t block;
    uint16_t slot;
    uint64_t rows;                   /* that are lost; 0: not known how many, or none */
    bool is_kept;                    /* the row, or what stands in the block, was taken; it may not be what was committed */
    const char *problem;             /* a sentence without its period */
} rdb_salvage_finding;

typedef struct rdb_salvage_work {
    rdb_catalog *catalog; /* of the new instance, which nobody else uses */
    rdb_salvage *from;
    void (*find)(void *context, const rdb_salvage_finding *finding);
    void (*progress)(void *context, const char *database, const char *relation, uint64_t rows); /* a table is done; NULL: not told */
    void *context;
    uint64_t databases, tables, rows; /* that were taken */
    uint64_t lost, kept;              /* findings of either kind */
} rdb_salvage_work;

RDB_CHECKED bool rdb_catalog_salvage(rdb_salvage_work *work, rdb_error *err);

#endif
