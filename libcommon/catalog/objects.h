/* SPDX-License-Identifier: Apache-2.0
 * Descriptors of the built-in objects: types, functions, operators, casts, aggregates, btree operator classes, collations.
 * Made once a process from the built-in rows; immutable and alive to its end, so nobody counts references to them and the
 * analysis of expressions over built-in objects never touches a table. Room-internal. */
#ifndef RDB_CATALOG_OBJECTS_H
#define RDB_CATALOG_OBJECTS_H

#include "catalog/builtin.h"
#include "catalog/rdb_catalog.h"

/* Makes them at the first call, which must come before any other function below. False with 53200. */
RDB_CHECKED bool objects_load(rdb_error *err);

/* All answer NULL, 0 or an empty list where there is none. Names are looked up in pg_catalog. */
const rdb_type *objects_type_get(uint32_t oid);
const rdb_type *objects_type_find(const char *name);
const rdb_type *objects_type_of_input(uint32_t function_oid); /* the base type whose values it reads */
const rdb_function *objects_function_get(uint32_t oid);
const rdb_function *const *objects_function_find(const char *name, uint32_t *count);
uint32_t objects_function_of_source(const char *source); /* of LANGUAGE internal, by prosrc; the first of several */
const rdb_operator_entry *objects_operator_get(uint32_t oid);
const rdb_operator_entry *const *objects_operator_find(const char *name, uint32_t *count);
const rdb_cast_entry *objects_cast_find(uint32_t source, uint32_t target);
const rdb_aggregate *objects_aggregate_get(uint32_t function_oid);
/* The built-in aggregate of the same kind, state and functions: what a state of type internal is, it alone knows. */
uint32_t objects_aggregate_of_parts(const rdb_aggregate *like);
uint32_t objects_collation_find(const char *name);
uint32_t objects_namespace_find(const char *name);
const char *objects_namespace_name(uint32_t oid);

typedef struct object_opclass { /* of pg_opclass; btree only */
    uint32_t oid, family_oid, input_type;
    const char *name;
    bool is_default;
} object_opclass;
const object_opclass *objects_opclass_get(uint32_t oid);
const object_opclass *objects_opclass_find(const char *name);
/* The default class for values of the type: its own, or that of what it is binary-coercible to (varchar: text's; an array:
 * anyarray's; an enum, range, composite: theirs; a domain: its base's). */
const object_opclass *objects_opclass_default(const rdb_type *type);
/* The family's operator of that strategy between two input types; 0: none. */
uint32_t objects_family_operator(uint32_t family_oid, uint32_t left_type, uint32_t right_type, uint16_t strategy);
/* The btree strategy of an operator, 0: none. Of several families the one where it is a default's comes first. */
uint16_t objects_operator_strategy(uint32_t operator_oid, uint32_t *family_oid);

/* "{a,b}": array texts of the built-in rows. The items in arena; empty for NULL text. */
const char *const *objects_split_array(rdb_arena *arena, const char *text, uint32_t *count);

#endif
