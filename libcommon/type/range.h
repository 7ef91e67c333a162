/* SPDX-License-Identifier: Apache-2.0
 * Ranges over any ordered type, and multiranges. A stored range is
 *
 *    0  1   flags   TYPE_RANGE_*
 *    .  .   lower   where neither empty nor infinite: the value's bytes by its width; of variable length 4 bytes first
 *    .  .   upper   the same
 *
 * and a stored multirange
 *
 *    0  4    count
 *    4  4*n  ends    of each range, counted from the first
 *    .       ranges  as above, in order, none empty, none touching the next
 *
 * A range of integers or dates is stored as [lower, upper). The descriptor's base is a range's subtype, and a
 * multirange's range type. */
#ifndef RDB_TYPE_RANGE_H
#define RDB_TYPE_RANGE_H

#include "type/type_int.h"

#define TYPE_RANGE_EMPTY 0x01u
#define TYPE_RANGE_LOWER_INCLUSIVE 0x02u
#define TYPE_RANGE_UPPER_INCLUSIVE 0x04u
#define TYPE_RANGE_LOWER_INFINITE 0x08u
#define TYPE_RANGE_UPPER_INFINITE 0x10u

typedef struct type_bound {
    rdb_datum value;
    bool is_infinite, is_inclusive, is_lower;
} type_bound;

typedef struct type_range {
    bool is_empty;
    type_bound lower, upper;
} type_range;

void type_range_read(const rdb_type *type, rdb_bytes stored, type_range *range);
/* Checks the order of the bounds, makes the range canonical, stores it. */
bool type_range_make(rdb_call *call, const rdb_type *type, type_range *range);
bool type_range_write(rdb_call *call, const rdb_type *type, const type_range *range, rdb_datum *value);
int type_bound_compare(const rdb_type *type, const type_bound *x, const type_bound *y);
int type_range_compare(const rdb_type *type, const type_range *x, const type_range *y);
bool type_range_overlaps(const rdb_type *type, const type_range *x, const type_range *y);
bool type_range_contains(const rdb_type *type, const type_range *outer, const type_range *inner);
bool type_range_contains_value(const rdb_type *type, const type_range *range, rdb_datum value);
/* Whether nothing lies between an upper bound and a lower one, and they share nothing. */
bool type_bounds_adjacent(rdb_call *call, const rdb_type *type, type_bound upper, type_bound lower);
bool type_range_adjacent(rdb_call *call, const rdb_type *type, const type_range *x, const type_range *y);
/* The smallest range that holds both. */
type_range type_range_hull(const rdb_type *type, const type_range *x, const type_range *y);
type_range type_range_common(rdb_call *call, const rdb_type *type, const type_range *x, const type_range *y);
/* PostgreSQL's hash of a range from those of its bounds. */
uint8_t type_range_flags(const type_range *range);

/* The text of one whole range, made canonical. */
bool type_range_parse(rdb_call *call, const rdb_type *type, rdb_slice text, int32_t typmod, type_range *range);

typedef struct type_range_list {
    type_range *ranges;
    uint32_t count, capacity;
} type_range_list;
bool type_multirange_read(rdb_call *call, const rdb_type *range_type, rdb_bytes stored, type_range_list *list);

#endif
