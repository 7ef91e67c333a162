/* SPDX-License-Identifier: Apache-2.0
 * btree_gist and btree_gin: plain types in GiST and GIN indexes, beside columns that only those can have (EXCLUDE USING gist (room WITH =,
 * during WITH &&)). The values' order is their type's own: term_scalar_class. */
#include "expr/extension.h"

enum { GIST = 783, GIN = 2742 };

/* type, name of the gist class, of its function, of the gin class */
#define TYPES(T)                                                                                                                          \
    T(oid, oid, oid) \
    T(int2, int2, int2) \
    T(int4, int4, int4) \
    T(int8, int8, int8) \
    T(float4, float4, float4) \
    T(float8, float8, float8) \
    T(timestamp, timestamp, ts) \
    T(timestamptz, timestamptz, tstz) \
    T(time, time, time) \
    T(timetz, timetz, timetz) \
    T(date, date, date) \
    T(interval, interval, intv) \
    T(money, cash, cash) \
    T(macaddr, macaddr, macad) \
    T(macaddr8, macaddr8, macad8) \
    T(text, text, text) \
    T(bpchar, bpchar, bpchar) \
    T(bytea, bytea, bytea) \
    T(numeric, numeric, numeric) \
    T(bit, bit, bit) \
    T(varbit, vbit, vbit) \
    T(inet, inet, inet) \
    T(cidr, cidr, cidr) \
    T(uuid, uuid, uuid) \
    T(anyenum, enum, enum) \
    T(bool, bool, bool)

#define OPERATORS_OF(type, class, function)                                                                                                   \
    static const rdb_extension_member MEMBERS_##type[] = {{1, "<", #type, #type}, {2, "<=", #type, #type}, {3, "=", #type, #type},             \
                                                          {4, ">=", #type, #type}, {5, ">", #type, #type}, {6, "<>", #type, #type}};
TYPES(OPERATORS_OF)

#define GIST_ROUTINE(type, class, function) \
    {"gbt_" #function "_consistent", "internal " #type " int2 oid internal", "bool", "gbt_" #function "_consistent", extension_support, 'i', false},
#define GIST_CLASS(type, class, function) {"gist_" #class "_ops", #type, NULL, GIST, true, "gbt_" #function "_consistent", MEMBERS_##type, 6},
static const rdb_extension_routine GIST_ROUTINES[] = {TYPES(GIST_ROUTINE)};
static const rdb_extension_class GIST_CLASSES[] = {TYPES(GIST_CLASS)};
const rdb_extension extension_btree_gist = {"btree_gist", "1.7", "support for indexing common datatypes in GiST", "$libdir/btree_gist", GIST_ROUTINES, RDB_COUNT_OF(GIST_ROUTINES),
                                            NULL, 0, GIST_CLASSES, RDB_COUNT_OF(GIST_CLASSES)};

#define GIN_ROUTINE(type, class, function) \
    {"gin_extract_value_" #type, #type " internal", "internal", "gin_extract_value_" #type, extension_support, 'i', false},
#define GIN_CLASS(type, class, function) {#type "_ops", #type, NULL, GIN, true, "gin_extract_value_" #type, MEMBERS_##type, 5},
static const rdb_extension_routine GIN_ROUTINES[] = {TYPES(GIN_ROUTINE)};
static const rdb_extension_class GIN_CLASSES[] = {TYPES(GIN_CLASS)};
const rdb_extension extension_btree_gin = {"btree_gin", "1.3", "support for indexing common datatypes in GIN", "$libdir/btree_gin", GIN_ROUTINES, RDB_COUNT_OF(GIN_ROUTINES),
                                           NULL, 0, GIN_CLASSES, RDB_COUNT_OF(GIN_CLASSES)};
