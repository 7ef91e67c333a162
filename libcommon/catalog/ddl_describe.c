/* SPDX-License-Identifier: Apache-2.0
 * What objects are called in messages: "table t", "column a of table t", "constraint c on table t", in PostgreSQL's words. */
#include "catalog/ddl_int.h"

static bool add_relation_name(rdb_access *access, const rdb_relation *relation, rdb_strbuf *text, rdb_error *err)
{
    bool visible;
    if (!rdb_relation_is_visible(access, relation->oid, &visible, err))
        return false;
    if (!visible) {
        rdb_identifier_add(text, relation->namespace_name);
        rdb_strbuf_addc(text, '.');
    }
    rdb_identifier_add(text, relation->name);
    return true;
}

/* The built-in ones by their SQL names; others with their schema where the bare name does not find them. */
static bool add_type_name(rdb_access *access, const rdb_type *type, rdb_strbuf *text, rdb_error *err)
{
    const rdb_type *found;
    const rdb_type *named = type->element != NULL && type->category == 'A' ? type->element : type;
    char schema[RDB_NAMEDATALEN];
    if (objects_type_get(named->oid) != NULL) {
        rdb_type_format_name(type, -1, false, text);
        return true;
    }
    if (!rdb_type_find(access, NULL, named->name, &found, err) || !rdb_namespace_get_name(access, named->namespace_oid, schema, err))
        return false;
    if (found == NULL || found->oid != named->oid) {
        rdb_identifier_add(text, schema);
        rdb_strbuf_addc(text, '.');
    }
    rdb_identifier_add(text, named->name);
    rdb_strbuf_adds(text, named != type ? "[]" : "");
    return true;
}

static const char *kind_name(char kind)
{
    switch (kind) {
    case 'i':
    case 'I':
        return "index";
    case 'S':
        return "sequence";
    case 'v':
        return "view";
    case 'm':
        return "materialized view";
    case 'c':
        return "composite type";
    case 't':
        return "toast table";
    case 'f':
        return "foreign table";
    default:
        return "table";
    }
}

static bool describe_relation(rdb_access *access, uint32_t oid, int32_t column, rdb_strbuf *text, rdb_error *err)
{
    const rdb_relation *relation;
    if (!rdb_relation_get(access, oid, &relation, err))
        return false;
    if (relation == NULL) {
        rdb_strbuf_addf(text, "relation with OID %u", oid);
        return true;
    }
    if (column > 0 && column <= relation->column_count)
        rdb_strbuf_addf(text, "column %s of ", relation->columns[column - 1].name);
    rdb_strbuf_addf(text, "%s ", kind_name(relation->kind));
    return add_relation_name(access, relation, text, err);
}

/* One row of an object that has a name and perhaps a relation that it is on. */
typedef struct named_kind {
    uint32_t catalog_oid, index_oid;
    int name_column, relation_column; /* 0: on no relation */
    const char *word;
} named_kind;

static const named_kind NAMED_KINDS[] = {
    {RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, RDB_pg_constraint_conname, RDB_pg_constraint_conrelid, "constraint"},
    {RDB_PG_REWRITE, INDEX_REWRITE_OID, RDB_pg_rewrite_rulename, RDB_pg_rewrite_ev_class, "rule"},
    {RDB_PG_TRIGGER, INDEX_TRIGGER_OID, RDB_pg_trigger_tgname, RDB_pg_trigger_tgrelid, "trigger"},
    {RDB_PG_NAMESPACE, INDEX_NAMESPACE_OID, RDB_pg_namespace_nspname, 0, "schema"},
    {RDB_PG_PROC, INDEX_PROC_OID, RDB_pg_proc_proname, 0, "function"},
    {RDB_PG_AUTHID, INDEX_ROLE_OID, RDB_pg_authid_rolname, 0, "role"},
    {RDB_PG_DATABASE, 2672, RDB_pg_database_datname, 0, "database"},
};

static bool describe_default(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, RDB_PG_ATTRDEF, INDEX_ATTRDEF_OID, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "default value with OID %u", oid);
        return true;
    }
    rdb_strbuf_adds(text, "default value for ");
    return describe_relation(access, row_oid(&row, RDB_pg_attrdef_adrelid), row_int16(&row, RDB_pg_attrdef_adnum), text, err);
}

static bool describe_named(rdb_access *access, const named_kind *kind, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    char name[RDB_NAMEDATALEN];
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, kind->catalog_oid, kind->index_oid, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "%s with OID %u", kind->word, oid);
        return true;
    }
    row_name(&row, kind->name_column, name);
    rdb_strbuf_addf(text, "%s %s", kind->word, name);
    if (kind->catalog_oid == RDB_PG_PROC) {
        const rdb_function *function;
        if (!rdb_function_get(access, oid, &function, err))
            return false;
        rdb_strbuf_adds(text, "(");
        for (uint16_t i = 0; function != NULL && i < function->argument_count; i++) {
            const rdb_type *type;
            if (!rdb_type_get(access, function->argument_types[i], &type, err))
                return false;
            rdb_strbuf_adds(text, i > 0 ? "," : "");
            if (type != NULL && !add_type_name(access, type, text, err))
                return false;
        }
        rdb_strbuf_adds(text, ")");
    }
    uint32_t relation_oid = kind->relation_column != 0 ? row_oid(&row, kind->relation_column) : 0;
    if (relation_oid == 0)
        return true;
    rdb_strbuf_adds(text, " on ");
    return describe_relation(access, relation_oid, 0, text, err);
}

bool rdb_object_describe(rdb_access *access, rdb_object_address object, rdb_strbuf *text, rdb_error *err)
{
    if (object.catalog_oid == RDB_PG_CLASS)
        return describe_relation(access, object.object_oid, object.sub_id, text, err) && rdb_strbuf_check(text, err);
    if (object.catalog_oid == RDB_PG_TYPE) {
        const rdb_type *type;
        if (!rdb_type_get(access, object.object_oid, &type, err))
            return false;
        rdb_strbuf_adds(text, "type ");
        if (type == NULL)
            rdb_strbuf_addf(text, "with OID %u", object.object_oid);
        else if (!add_type_name(access, type, text, err))
            return false;
        return rdb_strbuf_check(text, err);
    }
    rdb_arena *arena = ddl_arena(err);
    if (arena == NULL)
        return false;
    bool ok = true, is_known = object.catalog_oid == RDB_PG_ATTRDEF;
    if (is_known)
        ok = describe_default(access, object.object_oid, arena, text, err);
    for (size_t i = 0; !is_known && i < RDB_COUNT_OF(NAMED_KINDS); i++) {
        if (NAMED_KINDS[i].catalog_oid != object.catalog_oid)
            continue;
        is_known = true;
        ok = describe_named(access, &NAMED_KINDS[i], object.object_oid, arena, text, err);
    }
    if (!is_known)
        rdb_strbuf_addf(text, "object %u of catalog %u", object.object_oid, object.catalog_oid);
    rdb_arena_destroy(arena);
    return ok && rdb_strbuf_check(text, err);
}

