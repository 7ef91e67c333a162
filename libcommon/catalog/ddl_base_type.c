/* SPDX-License-Identifier: Apache-2.0
 * DDL on base types: the shell that their functions are declared with, and the type that takes its place under the same OID. What values
 * are, in memory and on disk, follows from the input function: it is a built-in one under another name (or one of an extension that comes
 * with the server), and so values are what those of that function's own type are (load.c). */
#include "catalog/ddl_int.h"

enum { SHELL_IN = 2398, SHELL_OUT = 2399 };

static bool create_shell(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    bool taken;
    if (!ddl_type_name_is_taken(access, name, namespace_oid, arena, &taken, err))
        return false;
    if (taken)
        return rdb_error_set(err, RDB_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    if (!rdb_catalog_new_oid(access, oid, err))
        return false;
    const type_definition type = {.oid = *oid, .namespace_oid = namespace_oid, .owner_oid = owner_oid, .name = name, .length = 4, .is_by_value = true, .kind = 'p',
                                  .category = 'P', .align = 'i', .storage = 'p', .input = SHELL_IN, .output = SHELL_OUT, .is_shell = true};
    return ddl_insert_type(access, &type, arena, err) &&
           rdb_ddl_depend(access, (rdb_object_address){RDB_PG_TYPE, *oid, 0}, (rdb_object_address){RDB_PG_NAMESPACE, namespace_oid, 0}, 'n', err);
}

bool rdb_ddl_create_shell_type(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_shell(access, name, namespace_oid, owner_oid, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool fill_shell(rdb_access *access, uint32_t oid, const rdb_base_type_definition *definition, rdb_arena *arena, rdb_error *err)
{
    const rdb_datum key = datum_oid(oid);
    uint32_t array_oid;
    if (!rdb_catalog_new_oid(access, &array_oid, err) || !delete_rows(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, err))
        return false;
    const type_definition type = {.oid = oid, .namespace_oid = definition->namespace_oid, .owner_oid = definition->owner_oid, .array_oid = array_oid, .name = definition->name,
                                  .length = definition->length, .is_by_value = definition->is_by_value, .kind = 'b', .category = definition->category,
                                  .align = definition->align, .storage = definition->storage, .delimiter = definition->delimiter, .is_preferred = definition->is_preferred,
                                  .input = definition->input, .output = definition->output, .receive = definition->receive, .send = definition->send,
                                  .typmod_in = definition->typmod_in, .typmod_out = definition->typmod_out, .analyze = definition->analyze,
                                  .subscript = definition->subscript, .element_oid = definition->element, .collation_oid = definition->collation,
                                  .default_text = definition->default_text};
    if (!ddl_insert_type(access, &type, arena, err) || !ddl_insert_array_type(access, &type, arena, err))
        return false;
    const rdb_object_address self = {RDB_PG_TYPE, oid, 0};
    const uint32_t functions[] = {definition->input, definition->output, definition->receive, definition->send, definition->typmod_in, definition->typmod_out, definition->analyze};
    for (size_t i = 0; i < RDB_COUNT_OF(functions); i++)
        if (functions[i] != 0 && !rdb_ddl_depend(access, self, (rdb_object_address){RDB_PG_PROC, functions[i], 0}, 'n', err))
            return false;
    return definition->element == 0 || rdb_ddl_depend(access, self, (rdb_object_address){RDB_PG_TYPE, definition->element, 0}, 'n', err);
}

bool rdb_ddl_fill_shell_type(rdb_access *access, uint32_t oid, const rdb_base_type_definition *definition, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && fill_shell(access, oid, definition, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}
