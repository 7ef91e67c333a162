/* SPDX-License-Identifier: Apache-2.0
 * Arrays of everything. A stored array is
 *
 *    0  4      element    OID of the element's type
 *    4  1      ndim       0 (empty) to 6
 *    5  1      flags      bit 0: there is a null bitmap
 *    6  1      rep        rdb_rep of the elements
 *    7  1      zero
 *    8  4      count      elements in all
 *   12  8*ndim            length and lower bound of each dimension
 *    .  (count+7)/8       null bitmap, bit set = null; only with the flag
 *    .  width*count       the values, where they have a fixed width (a null holds zeroes); else
 *    .  4*count           end of each value, counted from the first byte of the values, then the values
 *
 * So any element is reached in O(1). int2vector and oidvector are arrays of one dimension whose lower bound is 0. */
#ifndef RDB_TYPE_ARRAY_H
#define RDB_TYPE_ARRAY_H

#include "type/type_int.h"

#define TYPE_ARRAY_DIMS_MAX RDB_ARRAY_DIMS_MAX
#define TYPE_ARRAY_HEAD 12
#define TYPE_ARRAY_COUNT_MAX 134217727u

typedef struct type_array {
    uint32_t element_oid, count;
    int ndim;
    rdb_rep rep;
    int32_t lengths[TYPE_ARRAY_DIMS_MAX], lowers[TYPE_ARRAY_DIMS_MAX];
    const uint8_t *nulls; /* NULL: none */
    const uint8_t *values, *ends;
} type_array;

void type_array_read(rdb_bytes stored, type_array *array);
/* False: null. The value borrows from the array. */
bool type_array_get(const type_array *array, uint32_t index, rdb_datum *value);
bool type_array_build(rdb_call *call, const rdb_type *element, int ndim, const int32_t *lengths, const int32_t *lowers,
                      const rdb_datum *values, const bool *nulls, uint32_t count, rdb_datum *result);
/* One dimension from 1. */
bool type_array_build_list(rdb_call *call, const rdb_type *element, const rdb_datum *values, const bool *nulls,
                           uint32_t count, rdb_datum *result);
/* The element's descriptor: what the array's own says, or the catalog's answer to the stored OID. */
bool type_array_element(rdb_call *call, const rdb_type *type, const type_array *array, const rdb_type **element);

/* Values that are gathered before an array is built of them; in call->arena. */
typedef struct type_gather {
    rdb_datum *values;
    bool *nulls;
    uint32_t count, capacity;
} type_gather;
bool type_gather_add(rdb_call *call, type_gather *gather, rdb_datum value, bool is_null);

#endif
