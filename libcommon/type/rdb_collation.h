/* SPDX-License-Identifier: Apache-2.0
 * Collations beyond C: what a row of pg_collation means. Values' operations and kernels know a collation by its OID alone,
 * so an OID means one thing in the whole process, whichever database it stands in: the numbers of those that come with the
 * server are given when an instance is made, and a user's is made of what it says (rdb_collation_propose_oid). The rooms
 * above register what their catalogs hold before anything is compared under it. A registered collation stays. */
#ifndef RDB_COLLATION_H
#define RDB_COLLATION_H

#include "type/rdb_type.h"

typedef struct rdb_collation_definition {
    char provider; /* collprovider: c, i */
    bool is_deterministic;
    const char *collate, *ctype; /* of c */
    const char *icu_locale;      /* of i */
} rdb_collation_definition;

/* Repeating it with the same definition does nothing. That a locale is not there shows when it is first used. */
RDB_CHECKED bool rdb_collation_register(uint32_t oid, const rdb_collation_definition *definition, rdb_error *err);
/* Opens it as a use would, without keeping it: errors are those of CREATE COLLATION. */
RDB_CHECKED bool rdb_collation_check(const rdb_collation_definition *definition, rdb_error *err);
/* Can values be compared under it? Those that order by bytes always can. */
RDB_CHECKED bool rdb_collation_check_usable(uint32_t oid, rdb_error *err);
/* The OID that a new collation of that definition has; the nth where others of the same definition are there. */
#define RDB_COLLATION_OID_MIN UINT32_C(0x80000000) /* no other object has an OID from here on */
uint32_t rdb_collation_propose_oid(const rdb_collation_definition *definition, uint32_t nth);
/* As PostgreSQL shows it: ICU's version of the locale's rules, libc's; "" where it has none. */
void rdb_collation_get_version(const rdb_collation_definition *definition, char *version, size_t capacity);

bool rdb_collation_orders_bytes(uint32_t oid);
bool rdb_collation_is_deterministic(uint32_t oid);
/* Do all texts compare alike under both; are the same texts equal under both? */
bool rdb_collation_same_order(uint32_t left, uint32_t right);
bool rdb_collation_same_equality(uint32_t left, uint32_t right);

/* The locales that ICU knows, as language tags ("de-AT"), und first: position from 0. False: there are no more. name: what
 * people call it. */
bool rdb_collation_icu_locale(uint32_t position, char *tag, size_t tag_capacity, char *name, size_t name_capacity);

#endif
