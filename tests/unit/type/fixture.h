/* SPDX-License-Identifier: Apache-2.0
 * Descriptors of the built-in types, as a catalog would make them, and a call to run kernels with. */
#ifndef RDB_TYPE_TEST_FIXTURE_H
#define RDB_TYPE_TEST_FIXTURE_H

#include "type/rdb_type.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define TYPE_ROW(oid_, name_, typlen_, kind_, category_, delimiter_, element_, array_)                         \
    {.oid = oid_, .name = name_, .typlen = typlen_, .kind = kind_, .category = category_,                      \
     .delimiter = delimiter_, .array_oid = array_, .relation_oid = element_},
static rdb_type fixture_types[] = {
#include "type/types.inc"
};
#undef TYPE_ROW

static const rdb_type *fixture_type(uint32_t oid)
{
    for (size_t i = 0; i < RDB_COUNT_OF(fixture_types); i++) {
        if (fixture_types[i].oid == oid)
            return &fixture_types[i];
    }
    return NULL;
}

static const rdb_type *fixture_resolve(rdb_call *call, uint32_t oid)
{
    (void)call;
    return fixture_type(oid);
}

/* Once, before anything else. The element's OID stood in relation_oid until here. */
static void fixture_open(void)
{
    for (size_t i = 0; i < RDB_COUNT_OF(fixture_types); i++) {
        rdb_type *type = &fixture_types[i];
        if (type->relation_oid != 0 && type->kind != 'c')
            type->element = fixture_type(type->relation_oid);
        type->relation_oid = 0;
        type->rep = (uint8_t)rdb_type_rep(type->oid, type->kind, type->typlen);
        type->is_defined = true;
        type->domain_typmod = -1;
    }
    static const uint32_t RANGES[][3] = {/* range, its subtype, its multirange */
                                         {3904, RDB_INT4OID, 4451}, {3906, RDB_NUMERICOID, 4532}, {3908, RDB_TIMESTAMPOID, 4533},
                                         {3910, RDB_TIMESTAMPTZOID, 4534}, {3912, RDB_DATEOID, 4535}, {3926, RDB_INT8OID, 4536}};
    for (size_t i = 0; i < RDB_COUNT_OF(RANGES); i++) {
        rdb_type *range = (rdb_type *)(uintptr_t)fixture_type(RANGES[i][0]), *multirange = (rdb_type *)(uintptr_t)fixture_type(RANGES[i][2]);
        range->base = fixture_type(RANGES[i][1]);
        range->multirange_oid = RANGES[i][2];
        multirange->base = range;
    }
    for (size_t i = 0; i < RDB_COUNT_OF(fixture_types); i++)
        fixture_types[i].ops = rdb_type_ops_find(&fixture_types[i]);
    rdb_type_set_resolver(fixture_resolve);
}

/* Numbers that look random and are the same at every run (splitmix64). */
static inline uint64_t fixture_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

#endif
