/* SPDX-License-Identifier: Apache-2.0
 * What the kernels of texts ask of a collation. */
#ifndef RDB_TYPE_COLLATION_H
#define RDB_TYPE_COLLATION_H

#include "type/rdb_collation.h"
#include "type/type_int.h"

typedef struct type_collation type_collation;

/* Those with these numbers order by bytes: the usual case is known without a look at the registry. */
static inline bool type_collation_is_plain(uint32_t oid)
{
    return oid == RDB_DEFAULT_COLLATION_OID || oid == RDB_C_COLLATION_OID || oid == 951 /* POSIX */ || oid == 0;
}
/* NULL: it orders by bytes (or cannot be opened: rdb_collation_check_usable says so). */
const type_collation *type_collation_find(uint32_t oid);
static inline const type_collation *type_collation_of(uint32_t oid)
{
    return type_collation_is_plain(oid) ? NULL : type_collation_find(oid);
}
/* An order of texts: that of the locale; where it is equal and the collation deterministic, that of bytes. */
int type_collation_compare(const type_collation *collation, rdb_bytes left, rdb_bytes right);
/* Equal texts have one hash. */
uint64_t type_collation_hash(const type_collation *collation, rdb_bytes text);
/* Appends bytes, ending themselves, that memcmp orders as compare does. False: no memory. */
bool type_collation_add_key(const type_collation *collation, rdb_bytes text, rdb_strbuf *key);
/* Appends the bytes that a hash function of PostgreSQL's would hash. */
bool type_collation_add_sort_key(const type_collation *collation, rdb_bytes text, rdb_strbuf *key);
bool type_collation_is_deterministic(const type_collation *collation);

/* The call's collation, which there must be (42P22). function: "%s() function" of the message; NULL: a comparison. */
bool type_collation_need(rdb_call *call, const char *purpose);
/* 0A000 where texts that differ can be equal. */
bool type_collation_need_deterministic(rdb_call *call, const char *purpose);

typedef enum type_case { TYPE_LOWER, TYPE_UPPER, TYPE_INITCAP } type_case;
/* By the collation's rules; *done false: it has none of its own. */
bool type_collation_change_case(rdb_call *call, rdb_bytes text, type_case wanted, bool *done, rdb_datum *r);
/* Does it know ASCII letters alone (C, POSIX)? */
bool type_collation_is_ascii(uint32_t oid);

#endif
