/* SPDX-License-Identifier: Apache-2.0
 * Values of pg_ndistinct, pg_dependencies and pg_mcv_list: what ANALYZE finds of several columns together. A column is told by its
 * number, an expression by -1, -2, ... in the order in which CREATE STATISTICS names them. */
#ifndef RDB_TYPE_STATISTICS_H
#define RDB_TYPE_STATISTICS_H

#include "type/rdb_type.h"

enum { RDB_NDISTINCT_OID = 3361, RDB_DEPENDENCIES_OID = 3402, RDB_MCV_LIST_OID = 5017 };
#define RDB_STATISTICS_PARTS_MAX 8 /* columns and expressions of one object */

/* pg_ndistinct: so many different values the columns have together. pg_dependencies: the share of rows, 0 to 1, in which the last
 * column follows from those before it. */
typedef struct rdb_combination {
    double value;
    uint32_t count;
    int16_t attributes[RDB_STATISTICS_PARTS_MAX];
} rdb_combination;
RDB_CHECKED bool rdb_combinations_build(rdb_call *call, uint32_t type_oid, const rdb_combination *items, uint32_t count, rdb_datum *value);
/* False with no error: no value of that type. *items is of arena. */
RDB_CHECKED bool rdb_combinations_read(rdb_arena *arena, uint32_t type_oid, rdb_datum value, const rdb_combination **items, uint32_t *count);

/* pg_mcv_list: rows that are common, with the share of all rows that they are, and the share that they would be if the columns had
 * nothing to do with each other. */
typedef struct rdb_mcv_list {
    uint32_t item_count, part_count;
    rdb_datum values[RDB_STATISTICS_PARTS_MAX]; /* a part's, by item: an array */
    const double *frequencies, *base_frequencies;
} rdb_mcv_list;
RDB_CHECKED bool rdb_mcv_list_build(rdb_call *call, const rdb_mcv_list *list, rdb_datum *value);
/* False: no such value. The arrays borrow from it, the frequencies are of arena. */
RDB_CHECKED bool rdb_mcv_list_read(rdb_arena *arena, rdb_datum value, rdb_mcv_list *list);

#endif
