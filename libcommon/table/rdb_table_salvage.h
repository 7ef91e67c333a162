/* SPDX-License-Identifier: Apache-2.0
 * What a block of a heap holds, whatever became of the rows (salvage.c). */
#ifndef RDB_TABLE_SALVAGE_H
#define RDB_TABLE_SALVAGE_H

#include "table/rdb_table.h"

typedef struct rdb_table_look_row {
    uint16_t slot;
    bool is_settled; /* its writer is known to have committed */
    rdb_xid xid;     /* of the version in place; 0: its cell does not lie inside the page */
} rdb_table_look_row;
typedef struct rdb_table_look_result {
    rdb_table_look_row *rows; /* in the arena */
    uint32_t row_count;
    bool is_empty; /* the page is zeroes */
} rdb_table_look_result;
/* False: the page cannot be used (XX001). */
RDB_CHECKED bool rdb_table_look(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t block, rdb_arena *arena, rdb_table_look_result *result, rdb_error *err);

#endif
