/* SPDX-License-Identifier: Apache-2.0
 * The small parts of DDL: new rows, visits to rows, the rows of pg_class, pg_attribute, pg_type and rdb_layout. */
#include "catalog/ddl_int.h"

new_row row_begin(rdb_access *access, uint32_t catalog_oid, rdb_arena *arena)
{
    const rdb_relation *relation = system_relation(access->context.database, catalog_oid);
    new_row row = {.access = access, .catalog_oid = catalog_oid, .arena = arena};
    row.values = RDB_NEW_ARRAY(arena, rdb_datum, relation->column_count);
    row.is_null = RDB_NEW_ARRAY(arena, bool, relation->column_count);
    memset(row.is_null, true, relation->column_count);
    return row;
}

bool row_insert(const new_row *row, rdb_error *err)
{
    return ddl_default_privileges(row, err) && rdb_catalog_insert(row->access, row->catalog_oid, row->values, row->is_null, err);
}

rdb_arena *ddl_arena(rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("ddl", NULL, NULL);
    if (arena == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return arena;
}

/* ---- visits -------------------------------------------------------------------------------------------------------------------- */
bool visit_rows(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, row_visitor visit,
                void *context, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_scan *scan;
    if (arena == NULL)
        return false;
    bool ok = rdb_catalog_scan_open(&scan, access, catalog_oid, index_oid, keys, key_count, arena, err);
    bool found = ok;
    while (ok && found) {
        rdb_catalog_row row;
        ok = rdb_catalog_scan_next(scan, &row, &found, err) && (!found || visit(context, access, catalog_oid, &row, err));
    }
    rdb_catalog_scan_close(&scan);
    rdb_arena_destroy(arena);
    return ok;
}

static bool delete_visited(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    (void)context;
    return rdb_catalog_delete(access, catalog_oid, row, err);
}

bool delete_rows(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, rdb_error *err)
{
    return visit_rows(access, catalog_oid, index_oid, keys, key_count, delete_visited, NULL, err);
}

bool need_row(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, rdb_arena *arena,
              rdb_catalog_row *row, rdb_error *err)
{
    bool found;
    if (!catalog_find_row(access, catalog_oid, index_oid, keys, key_count, arena, row, &found, err))
        return false;
    return found || rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for %s %u", system_relation(access->context.database, catalog_oid)->name,
                                  keys[0].oid);
}

bool need_class_row(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_catalog_row *row, rdb_error *err)
{
    const rdb_datum key = datum_oid(oid);
    return need_row(access, RDB_PG_CLASS, INDEX_CLASS_OID, &key, 1, arena, row, err);
}

bool need_attribute_row(rdb_access *access, uint32_t oid, int16_t number, rdb_arena *arena, rdb_catalog_row *row, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(oid), datum_int16(number)};
    return need_row(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, keys, 2, arena, row, err);
}

bool need_relation(rdb_access *access, uint32_t oid, const rdb_relation **relation, rdb_error *err)
{
    if (!rdb_relation_get(access, oid, relation, err))
        return false;
    return *relation != NULL || rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation with OID %u does not exist", oid);
}

/* ---- files and names -------------------------------------------------------------------------------------------------------------- */
bool ddl_new_file(rdb_access *access, unsigned file_class, uint64_t *file, uint32_t *filenode, rdb_error *err)
{
    const uint64_t number_mask = (UINT64_C(1) << 56) - 1;
    if (!rdb_storage_next_file(access->context.catalog->storage, access->context.database->pdb, file_class, file, err))
        return false;
    *filenode = ddl_filenode(*file);
    if ((*file & number_mask) > UINT32_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "no file numbers are left in database \"%s\"", access->context.database->name);
    return true;
}

bool ddl_check_relation_name(rdb_access *access, uint32_t namespace_oid, const char *name, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    bool found;
    if (arena == NULL)
        return false;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    bool ok = catalog_find_row(access, RDB_PG_CLASS, INDEX_CLASS_NAME, keys, 2, arena, &row, &found, err);
    rdb_arena_destroy(arena);
    if (ok && found)
        return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    return ok;
}

bool ddl_insert_class(rdb_access *access, const class_definition *definition, rdb_arena *arena, rdb_error *err)
{
    const new_row row = row_begin(access, RDB_PG_CLASS, arena);
    const bool is_heap = definition->kind == 'r' || definition->kind == 'm' || definition->kind == 't';
    set_oid(&row, RDB_pg_class_oid, definition->oid);
    set_text(&row, RDB_pg_class_relname, definition->name);
    set_oid(&row, RDB_pg_class_relnamespace, definition->namespace_oid);
    set_oid(&row, RDB_pg_class_reltype, definition->row_type_oid);
    set_oid(&row, RDB_pg_class_reloftype, 0);
    set_oid(&row, RDB_pg_class_relowner, definition->owner_oid);
    set_oid(&row, RDB_pg_class_relam, definition->method_oid);
    set_oid(&row, RDB_pg_class_relfilenode, definition->filenode);
    set_oid(&row, RDB_pg_class_reltablespace, 0);
    set_int32(&row, RDB_pg_class_relpages, definition->kind == 'S' ? 1 : 0);
    set_float(&row, RDB_pg_class_reltuples, definition->kind == 'S' ? 1 : is_heap || definition->kind == 'p' ? -1 : 0);
    set_int32(&row, RDB_pg_class_relallvisible, 0);
    set_oid(&row, RDB_pg_class_reltoastrelid, 0);
    set_bool(&row, RDB_pg_class_relhasindex, false);
    set_bool(&row, RDB_pg_class_relisshared, false);
    set_char(&row, RDB_pg_class_relpersistence, definition->persistence);
    set_char(&row, RDB_pg_class_relkind, definition->kind);
    set_int16(&row, RDB_pg_class_relnatts, (int16_t)definition->column_count);
    set_int16(&row, RDB_pg_class_relchecks, 0);
    set_bool(&row, RDB_pg_class_relhasrules, definition->has_rules);
    set_bool(&row, RDB_pg_class_relhastriggers, false);
    set_bool(&row, RDB_pg_class_relhassubclass, false);
    set_bool(&row, RDB_pg_class_relrowsecurity, false);
    set_bool(&row, RDB_pg_class_relforcerowsecurity, false);
    set_bool(&row, RDB_pg_class_relispopulated, true);
    set_char(&row, RDB_pg_class_relreplident, is_heap || definition->kind == 'p' ? 'd' : 'n');
    set_bool(&row, RDB_pg_class_relispartition, definition->is_partition);
    set_oid(&row, RDB_pg_class_relrewrite, 0);
    set_oid(&row, RDB_pg_class_relfrozenxid, is_heap ? 3 : 0);
    set_oid(&row, RDB_pg_class_relminmxid, is_heap ? 1 : 0);
    return row_insert(&row, err);
}

bool ddl_type_storage(rdb_access *access, uint32_t type_oid, rdb_arena *arena, char *align, char *storage, rdb_error *err)
{
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(type_oid);
    if (!need_row(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, arena, &row, err))
        return false;
    *align = row_char(&row, RDB_pg_type_typalign);
    *storage = row_char(&row, RDB_pg_type_typstorage);
    return true;
}

bool ddl_insert_attribute(rdb_access *access, uint32_t relation_oid, int16_t number, const rdb_column_definition *column, rdb_arena *arena, rdb_error *err)
{
    char align, storage;
    if (!ddl_type_storage(access, column->type->oid, arena, &align, &storage, err))
        return false;
    const new_row row = row_begin(access, RDB_PG_ATTRIBUTE, arena);
    set_oid(&row, RDB_pg_attribute_attrelid, relation_oid);
    set_text(&row, RDB_pg_attribute_attname, column->name);
    set_oid(&row, RDB_pg_attribute_atttypid, column->type->oid);
    set_int32(&row, RDB_pg_attribute_attstattarget, number > 0 ? -1 : 0);
    set_int16(&row, RDB_pg_attribute_attlen, column->type->typlen);
    set_int16(&row, RDB_pg_attribute_attnum, number);
    set_int32(&row, RDB_pg_attribute_attndims, column->type->element != NULL && column->type->category == 'A' ? 1 : 0);
    set_int32(&row, RDB_pg_attribute_attcacheoff, -1);
    set_int32(&row, RDB_pg_attribute_atttypmod, column->typmod);
    set_bool(&row, RDB_pg_attribute_attbyval, column->type->is_by_value);
    set_char(&row, RDB_pg_attribute_attalign, align);
    set_char(&row, RDB_pg_attribute_attstorage, storage);
    set_char(&row, RDB_pg_attribute_attcompression, 0);
    set_bool(&row, RDB_pg_attribute_attnotnull, column->not_null);
    set_bool(&row, RDB_pg_attribute_atthasdef, column->default_tree != NULL);
    set_bool(&row, RDB_pg_attribute_atthasmissing, column->has_missing);
    set_char(&row, RDB_pg_attribute_attidentity, column->identity);
    set_char(&row, RDB_pg_attribute_attgenerated, column->generated);
    set_bool(&row, RDB_pg_attribute_attisdropped, false);
    set_bool(&row, RDB_pg_attribute_attislocal, !column->is_inherited_only);
    set_int32(&row, RDB_pg_attribute_attinhcount, column->inherit_count);
    set_oid(&row, RDB_pg_attribute_attcollation, column->collation);
    return row_insert(&row, err);
}

/* ---- types ------------------------------------------------------------------------------------------------------------------------ */
bool ddl_insert_type(rdb_access *access, const type_definition *definition, rdb_arena *arena, rdb_error *err)
{
    const new_row row = row_begin(access, RDB_PG_TYPE, arena);
    set_oid(&row, RDB_pg_type_oid, definition->oid);
    set_text(&row, RDB_pg_type_typname, definition->name);
    set_oid(&row, RDB_pg_type_typnamespace, definition->namespace_oid);
    set_oid(&row, RDB_pg_type_typowner, definition->owner_oid);
    set_int16(&row, RDB_pg_type_typlen, definition->length);
    set_bool(&row, RDB_pg_type_typbyval, definition->is_by_value);
    set_char(&row, RDB_pg_type_typtype, definition->kind);
    set_char(&row, RDB_pg_type_typcategory, definition->category);
    set_bool(&row, RDB_pg_type_typispreferred, definition->is_preferred);
    set_bool(&row, RDB_pg_type_typisdefined, !definition->is_shell);
    set_char(&row, RDB_pg_type_typdelim, definition->delimiter != 0 ? definition->delimiter : ',');
    set_oid(&row, RDB_pg_type_typrelid, definition->relation_oid);
    set_oid(&row, RDB_pg_type_typsubscript, definition->subscript);
    set_oid(&row, RDB_pg_type_typelem, definition->element_oid);
    set_oid(&row, RDB_pg_type_typarray, definition->array_oid);
    set_oid(&row, RDB_pg_type_typinput, definition->input);
    set_oid(&row, RDB_pg_type_typoutput, definition->output);
    set_oid(&row, RDB_pg_type_typreceive, definition->receive);
    set_oid(&row, RDB_pg_type_typsend, definition->send);
    set_oid(&row, RDB_pg_type_typmodin, definition->typmod_in);
    set_oid(&row, RDB_pg_type_typmodout, definition->typmod_out);
    set_oid(&row, RDB_pg_type_typanalyze, definition->analyze);
    set_char(&row, RDB_pg_type_typalign, definition->align);
    set_char(&row, RDB_pg_type_typstorage, definition->storage);
    set_bool(&row, RDB_pg_type_typnotnull, definition->not_null);
    set_oid(&row, RDB_pg_type_typbasetype, definition->base_oid);
    set_int32(&row, RDB_pg_type_typtypmod, definition->base_oid != 0 ? definition->typmod : -1);
    set_int32(&row, RDB_pg_type_typndims, definition->dimensions);
    set_oid(&row, RDB_pg_type_typcollation, definition->collation_oid);
    set_text(&row, RDB_pg_type_typdefaultbin, definition->default_tree);
    set_text(&row, RDB_pg_type_typdefault, definition->default_text);
    return row_insert(&row, err);
}

bool ddl_choose_array_name(rdb_access *access, const char *element_name, uint32_t namespace_oid, rdb_arena *arena, char name[RDB_NAMEDATALEN], rdb_error *err)
{
    bool found = true;
    for (unsigned underscores = 1; found && underscores < RDB_NAMEDATALEN - 1; underscores++) {
        rdb_catalog_row row;
        memset(name, '_', underscores);
        snprintf(name + underscores, RDB_NAMEDATALEN - underscores, "%s", element_name);
        const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
        if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_NAME, keys, 2, arena, &row, &found, err))
            return false;
    }
    return !found || rdb_error_set(err, RDB_DUPLICATE_OBJECT, "could not form array type name for type \"%s\"", element_name);
}

/* An array type that came with its element gives way: more underscores. */
bool ddl_type_name_is_taken(rdb_access *access, const char *name, uint32_t namespace_oid, rdb_arena *arena, bool *taken, rdb_error *err)
{
    rdb_catalog_row row, element;
    char moved[RDB_NAMEDATALEN];
    bool found = false;
    const rdb_datum keys[] = {datum_text(name), datum_oid(namespace_oid)};
    *taken = false;
    if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_NAME, keys, 2, arena, &row, taken, err) || !*taken)
        return !rdb_error_is_set(err);
    const rdb_datum key = datum_oid(row_oid(&row, RDB_pg_type_typelem));
    if (key.oid == 0)
        return true;
    if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, arena, &element, &found, err))
        return false;
    if (!found || row_oid(&element, RDB_pg_type_typarray) != row_oid(&row, RDB_pg_type_oid))
        return true;
    if (!ddl_choose_array_name(access, name, namespace_oid, arena, moved, err))
        return false;
    row.values[RDB_pg_type_typname - 1] = datum_text(moved);
    *taken = false;
    return rdb_catalog_update(access, RDB_PG_TYPE, &row, err);
}

bool ddl_insert_array_type(rdb_access *access, const type_definition *element, rdb_arena *arena, rdb_error *err)
{
    enum { ARRAY_IN = 750, ARRAY_OUT = 751, ARRAY_RECEIVE = 2400, ARRAY_SEND = 2401, ARRAY_ANALYZE = 3816, ARRAY_SUBSCRIPT = 6179 };
    char name[RDB_NAMEDATALEN] = "";
    if (!ddl_choose_array_name(access, element->name, element->namespace_oid, arena, name, err))
        return false;
    const type_definition array = {.oid = element->array_oid,
                                   .namespace_oid = element->namespace_oid,
                                   .owner_oid = element->owner_oid,
                                   .element_oid = element->oid,
                                   .name = name,
                                   .length = -1,
                                   .kind = 'b',
                                   .category = 'A',
                                   .align = element->align == 'd' ? 'd' : 'i',
                                   .storage = 'x',
                                   .input = ARRAY_IN,
                                   .output = ARRAY_OUT,
                                   .receive = ARRAY_RECEIVE,
                                   .send = ARRAY_SEND,
                                   .analyze = ARRAY_ANALYZE,
                                   .subscript = ARRAY_SUBSCRIPT,
                                   .delimiter = element->delimiter,
                                   .collation_oid = element->collation_oid};
    return ddl_insert_type(access, &array, arena, err) &&
           rdb_ddl_depend(access, (rdb_object_address){RDB_PG_TYPE, array.oid, 0}, (rdb_object_address){RDB_PG_TYPE, element->oid, 0}, 'i', err);
}

/* ---- layouts ---------------------------------------------------------------------------------------------------------------------- */
typedef struct layout_letters {
    rdb_strbuf letters;
    int16_t next_number; /* of an attribute, or of a layout */
} layout_letters;

static bool note_attribute(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    layout_letters *letters = context;
    const rdb_type *type;
    (void)catalog_oid;
    if (row_int16(row, RDB_pg_attribute_attnum) <= 0)
        return true;
    if (row_bool(row, RDB_pg_attribute_attisdropped)) {
        rdb_strbuf_addc(&letters->letters, '.');
        return true;
    }
    if (!rdb_type_get(access, row_oid(row, RDB_pg_attribute_atttypid), &type, err))
        return false;
    if (type == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for type %u", row_oid(row, RDB_pg_attribute_atttypid));
    rdb_strbuf_addc(&letters->letters, (char)('a' + type->rep));
    return true;
}

static bool note_layout(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    layout_letters *letters = context;
    (void)access;
    (void)catalog_oid;
    (void)err;
    letters->next_number = (int16_t)(row_int16(row, RDB_rdb_layout_laynumber) + 1);
    return true;
}

bool ddl_add_layout(rdb_access *access, uint32_t relation_oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    layout_letters letters = {.next_number = 0};
    const rdb_datum key = datum_oid(relation_oid);
    if (arena == NULL)
        return false;
    rdb_strbuf_init(&letters.letters, arena);
    bool ok = visit_rows(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, &key, 1, note_attribute, &letters, err) &&
              visit_rows(access, RDB_LAYOUT, INDEX_LAYOUT, &key, 1, note_layout, &letters, err) && rdb_strbuf_check(&letters.letters, err);
    if (ok && letters.next_number < 0)
        ok = rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the table has been altered too often");
    if (ok) {
        const new_row row = row_begin(access, RDB_LAYOUT, arena);
        set_oid(&row, RDB_rdb_layout_layrelid, relation_oid);
        set_int16(&row, RDB_rdb_layout_laynumber, letters.next_number);
        set_text(&row, RDB_rdb_layout_laycolumns, letters.letters.data != NULL ? letters.letters.data : "");
        ok = row_insert(&row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}
