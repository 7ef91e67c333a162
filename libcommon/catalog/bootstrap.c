/* SPDX-License-Identifier: Apache-2.0
 * Makes the system tables of a new database and fills them: the built-in rows as they are, and the rows that describe the
 * system tables themselves (pg_class, pg_attribute, pg_index, pg_constraint, their row types), which PostgreSQL too makes while
 * it bootstraps. The root PDB gets the shared tables, every other one the rest. */
#include "catalog/bootstrap.h"
#include "type/rdb_collation.h"

#include <stdlib.h>

enum {
    FIRST_CONSTRAINT_OID = 10115, /* as in PostgreSQL */
    HEAP_METHOD = 2,
    BTREE_METHOD = 403,
    TABLESPACE_DEFAULT = 1663,
    TABLESPACE_GLOBAL = 1664,
    ENCODING_UTF8 = 6,
    UCS_BASIC_COLLATION = 8200,
    C_UTF8_COLLATION = 8201,
    FIRST_ICU_COLLATION = 8202,
    ICU_COLLATION_LIMIT = 9990 /* our own objects have numbers up to 9999 */
};

typedef struct row_maker {
    rdb_arena *arena;
    const rdb_relation *relation;
    table_filler *filler;
    const bootstrap_settings *settings;
    rdb_error *err;
} row_maker;

/* One row from the texts of its columns, by number - 1; NULL is SQL's NULL. */
static bool add_row(row_maker *maker, const char *const *texts)
{
    const rdb_relation *relation = maker->relation;
    rdb_arena_mark mark = rdb_arena_get_mark(maker->arena);
    rdb_datum *values = RDB_NEW_ARRAY(maker->arena, rdb_datum, relation->column_count);
    bool *is_null = RDB_NEW_ARRAY(maker->arena, bool, relation->column_count);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        is_null[i] = texts[i] == NULL;
        if (!is_null[i] && !datum_from_text(maker->arena, relation->columns[i].type, texts[i], &values[i], maker->err)) {
            rdb_error_add_context(maker->err, "column %s of table %s", relation->columns[i].name, relation->name);
            return false;
        }
    }
    bool ok = table_filler_add(maker->filler, values, is_null, maker->err);
    rdb_arena_rewind(maker->arena, mark);
    return ok;
}

#define SET(column, text) (texts[(column)-1] = (text))
static const char *number_text(row_maker *maker, int64_t value)
{
    return rdb_arena_printf(maker->arena, "%lld", (long long)value);
}
#define SET_NUMBER(column, value) SET(column, number_text(maker, (value)))
#define SET_BOOL(column, value) SET(column, (value) ? "t" : "f")

/* The rows as the distribution's file has them. */
static bool add_builtin_rows(row_maker *maker, const catalog_blob_relation *source)
{
    const char **texts = RDB_NEW_ARRAY(maker->arena, const char *, source->column_count);
    for (uint32_t row = 0; row < source->row_count; row++) {
        for (uint32_t i = 0; i < source->column_count; i++)
            texts[i] = builtin_value(source, row, i);
        if (source->oid == RDB_PG_AUTHID && strcmp(texts[RDB_pg_authid_rolname - 1], "POSTGRES") == 0) {
            SET(RDB_pg_authid_rolname, maker->settings->admin_role);
            SET(RDB_pg_authid_rolpassword, maker->settings->admin_verifier);
        }
        if (!add_row(maker, texts))
            return false;
    }
    return true;
}

/* ---- rows that describe the system tables ------------------------------------------------------------------------------ */
static bool add_row_types(row_maker *maker)
{
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *of = builtin_relation_at(i);
        if (of->array_type_oid == 0)
            continue; /* pg_type's own rows have them */
        for (int is_array = 0; is_array <= 1; is_array++) {
            const rdb_type *type = objects_type_get(is_array ? of->array_type_oid : of->row_type_oid);
            const char *texts[RDB_pg_type_COLUMNS] = {NULL};
            SET_NUMBER(RDB_pg_type_oid, type->oid);
            SET(RDB_pg_type_typname, type->name);
            SET_NUMBER(RDB_pg_type_typnamespace, RDB_NAMESPACE_PG_CATALOG);
            SET_NUMBER(RDB_pg_type_typowner, RDB_ROLE_ADMIN_OID);
            SET(RDB_pg_type_typlen, "-1");
            SET(RDB_pg_type_typbyval, "f");
            SET(RDB_pg_type_typtype, is_array ? "b" : "c");
            SET(RDB_pg_type_typcategory, is_array ? "A" : "C");
            SET(RDB_pg_type_typispreferred, "f");
            SET(RDB_pg_type_typisdefined, "t");
            SET(RDB_pg_type_typdelim, ",");
            SET_NUMBER(RDB_pg_type_typrelid, is_array ? 0 : of->oid);
            SET(RDB_pg_type_typsubscript, is_array ? "6179" : "-");
            SET_NUMBER(RDB_pg_type_typelem, is_array ? of->row_type_oid : 0);
            SET_NUMBER(RDB_pg_type_typarray, is_array ? 0 : of->array_type_oid);
            SET_NUMBER(RDB_pg_type_typinput, type->input_oid);
            SET_NUMBER(RDB_pg_type_typoutput, type->output_oid);
            SET_NUMBER(RDB_pg_type_typreceive, type->receive_oid);
            SET_NUMBER(RDB_pg_type_typsend, type->send_oid);
            SET(RDB_pg_type_typmodin, "-");
            SET(RDB_pg_type_typmodout, "-");
            SET(RDB_pg_type_typanalyze, is_array ? "3816" : "-");
            SET(RDB_pg_type_typalign, "d");
            SET(RDB_pg_type_typstorage, "x");
            SET(RDB_pg_type_typnotnull, "f");
            SET(RDB_pg_type_typbasetype, "0");
            SET(RDB_pg_type_typtypmod, "-1");
            SET(RDB_pg_type_typndims, "0");
            SET(RDB_pg_type_typcollation, "0");
            if (!add_row(maker, texts))
                return false;
        }
    }
    return true;
}

typedef struct class_row {
    uint32_t oid, row_type_oid, method_oid;
    const char *name, *kind;
    bool is_shared, has_index;
    uint32_t column_count, row_count;
} class_row;

static bool add_class(row_maker *maker, const class_row *row)
{
    const char *texts[RDB_pg_class_COLUMNS] = {NULL};
    SET_NUMBER(RDB_pg_class_oid, row->oid);
    SET(RDB_pg_class_relname, row->name);
    SET_NUMBER(RDB_pg_class_relnamespace, RDB_NAMESPACE_PG_CATALOG);
    SET_NUMBER(RDB_pg_class_reltype, row->row_type_oid);
    SET(RDB_pg_class_reloftype, "0");
    SET_NUMBER(RDB_pg_class_relowner, RDB_ROLE_ADMIN_OID);
    SET_NUMBER(RDB_pg_class_relam, row->method_oid);
    SET_NUMBER(RDB_pg_class_relfilenode, row->oid);
    SET_NUMBER(RDB_pg_class_reltablespace, row->is_shared ? TABLESPACE_GLOBAL : 0);
    SET_NUMBER(RDB_pg_class_relpages, row->row_count == 0 ? 0 : 1 + row->row_count / 40);
    SET_NUMBER(RDB_pg_class_reltuples, row->row_count);
    SET(RDB_pg_class_relallvisible, "0");
    SET(RDB_pg_class_reltoastrelid, "0");
    SET_BOOL(RDB_pg_class_relhasindex, row->has_index);
    SET_BOOL(RDB_pg_class_relisshared, row->is_shared);
    SET(RDB_pg_class_relpersistence, "p");
    SET(RDB_pg_class_relkind, row->kind);
    SET_NUMBER(RDB_pg_class_relnatts, row->column_count);
    SET(RDB_pg_class_relchecks, "0");
    SET(RDB_pg_class_relhasrules, "f");
    SET(RDB_pg_class_relhastriggers, "f");
    SET(RDB_pg_class_relhassubclass, "f");
    SET(RDB_pg_class_relrowsecurity, "f");
    SET(RDB_pg_class_relforcerowsecurity, "f");
    SET(RDB_pg_class_relispopulated, "t");
    SET(RDB_pg_class_relreplident, "n");
    SET(RDB_pg_class_relispartition, "f");
    SET(RDB_pg_class_relrewrite, "0");
    SET(RDB_pg_class_relfrozenxid, row->kind[0] == 'r' ? "3" : "0");
    SET(RDB_pg_class_relminmxid, row->kind[0] == 'r' ? "1" : "0");
    return add_row(maker, texts);
}

static bool add_classes(row_maker *maker)
{
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *of = builtin_relation_at(i);
        const bool is_shared = (of->flags & CATALOG_BLOB_SHARED) != 0;
        const class_row table = {.oid = of->oid, .row_type_oid = of->row_type_oid, .method_oid = HEAP_METHOD, .name = builtin_text(of->name),
                                 .kind = "r", .is_shared = is_shared, .has_index = of->index_count > 0,
                                 .column_count = of->column_count, .row_count = of->row_count};
        if (!add_class(maker, &table))
            return false;
        for (uint32_t k = 0; k < of->index_count; k++) {
            const catalog_blob_index *index = builtin_index_at(of, k);
            const class_row row = {.oid = index->oid, .method_oid = BTREE_METHOD, .name = builtin_text(index->name), .kind = "i",
                                   .is_shared = is_shared, .column_count = index->key_count, .row_count = of->row_count};
            if (!add_class(maker, &row))
                return false;
        }
    }
    return true;
}

typedef struct attribute_row {
    uint32_t relation_oid, type_oid, collation;
    const char *name;
    int number;
    bool not_null;
} attribute_row;

static bool add_attribute(row_maker *maker, const attribute_row *row)
{
    const rdb_type *type = objects_type_get(row->type_oid);
    const catalog_blob_relation *types = builtin_relation_by_oid(RDB_PG_TYPE);
    const char *texts[RDB_pg_attribute_COLUMNS] = {NULL};
    const char *align = "d", *storage = "x"; /* of a row type and its array */
    for (uint32_t i = 0; i < types->row_count; i++) {
        if (strtoul(builtin_value(types, i, RDB_pg_type_oid - 1), NULL, 10) == row->type_oid) {
            align = builtin_value(types, i, RDB_pg_type_typalign - 1);
            storage = builtin_value(types, i, RDB_pg_type_typstorage - 1);
            break;
        }
    }
    SET_NUMBER(RDB_pg_attribute_attrelid, row->relation_oid);
    SET(RDB_pg_attribute_attname, row->name);
    SET_NUMBER(RDB_pg_attribute_atttypid, row->type_oid);
    SET(RDB_pg_attribute_attstattarget, row->number > 0 ? "-1" : "0");
    SET_NUMBER(RDB_pg_attribute_attlen, type->typlen);
    SET_NUMBER(RDB_pg_attribute_attnum, row->number);
    SET(RDB_pg_attribute_attndims, type->element != NULL ? "1" : "0");
    SET(RDB_pg_attribute_attcacheoff, "-1");
    SET(RDB_pg_attribute_atttypmod, "-1");
    SET_BOOL(RDB_pg_attribute_attbyval, type->is_by_value);
    SET(RDB_pg_attribute_attalign, align);
    SET(RDB_pg_attribute_attstorage, storage);
    SET(RDB_pg_attribute_attcompression, "");
    SET_BOOL(RDB_pg_attribute_attnotnull, row->not_null);
    SET(RDB_pg_attribute_atthasdef, "f");
    SET(RDB_pg_attribute_atthasmissing, "f");
    SET(RDB_pg_attribute_attidentity, "");
    SET(RDB_pg_attribute_attgenerated, "");
    SET(RDB_pg_attribute_attisdropped, "f");
    SET(RDB_pg_attribute_attislocal, "t");
    SET(RDB_pg_attribute_attinhcount, "0");
    SET_NUMBER(RDB_pg_attribute_attcollation, row->collation);
    return add_row(maker, texts);
}

static bool add_attributes(row_maker *maker)
{
    const object_opclass *name_class = objects_opclass_find("name_ops");
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *of = builtin_relation_at(i);
        for (uint32_t k = 0; k < of->column_count; k++) {
            const catalog_blob_column *column = builtin_column_at(of, k);
            const attribute_row row = {.relation_oid = of->oid, .type_oid = column->type_oid, .name = builtin_text(column->name),
                                       .collation = system_collation(objects_type_get(column->type_oid)), .number = (int)k + 1,
                                       .not_null = column->not_null != 0};
            if (!add_attribute(maker, &row))
                return false;
        }
        static const struct {
            const char *name;
            int number;
            uint32_t type_oid;
        } system_columns[] = {{"ctid", -1, RDB_TIDOID}, {"xmin", -2, RDB_XIDOID}, {"cmin", -3, RDB_CIDOID},
                              {"xmax", -4, RDB_XIDOID}, {"cmax", -5, RDB_CIDOID}, {"tableoid", -6, RDB_OIDOID}};
        for (size_t k = 0; k < RDB_COUNT_OF(system_columns); k++) {
            const attribute_row row = {.relation_oid = of->oid, .type_oid = system_columns[k].type_oid, .name = system_columns[k].name,
                                       .number = system_columns[k].number, .not_null = true};
            if (!add_attribute(maker, &row))
                return false;
        }
        for (uint32_t k = 0; k < of->index_count; k++) {
            const catalog_blob_index *index = builtin_index_at(of, k);
            for (uint32_t n = 0; n < index->key_count; n++) {
                const catalog_blob_key *key = builtin_key_at(index, n);
                const catalog_blob_column *column = builtin_column_at(of, key->column_no - 1);
                const bool is_name = key->opclass_oid == name_class->oid; /* kept as a C string, says pg_opclass */
                const uint32_t type_oid = is_name ? RDB_CSTRINGOID : column->type_oid;
                const attribute_row row = {.relation_oid = index->oid, .type_oid = type_oid, .name = builtin_text(column->name),
                                           .collation = is_name ? RDB_C_COLLATION_OID : system_collation(objects_type_get(type_oid)),
                                           .number = (int)n + 1};
                if (!add_attribute(maker, &row))
                    return false;
            }
        }
    }
    return true;
}

static bool add_indexes(row_maker *maker)
{
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *of = builtin_relation_at(i);
        for (uint32_t k = 0; k < of->index_count; k++) {
            const catalog_blob_index *index = builtin_index_at(of, k);
            const char *texts[RDB_pg_index_COLUMNS] = {NULL};
            rdb_strbuf numbers, collations, classes, options;
            rdb_strbuf_init(&numbers, maker->arena);
            rdb_strbuf_init(&collations, maker->arena);
            rdb_strbuf_init(&classes, maker->arena);
            rdb_strbuf_init(&options, maker->arena);
            for (uint32_t n = 0; n < index->key_count; n++) {
                const catalog_blob_key *key = builtin_key_at(index, n);
                const char *gap = n > 0 ? " " : "";
                rdb_strbuf_addf(&numbers, "%s%u", gap, key->column_no);
                rdb_strbuf_addf(&collations, "%s%u", gap, system_collation(objects_type_get(builtin_column_at(of, key->column_no - 1)->type_oid)));
                rdb_strbuf_addf(&classes, "%s%u", gap, key->opclass_oid);
                rdb_strbuf_addf(&options, "%s0", gap);
            }
            SET_NUMBER(RDB_pg_index_indexrelid, index->oid);
            SET_NUMBER(RDB_pg_index_indrelid, of->oid);
            SET_NUMBER(RDB_pg_index_indnatts, index->key_count);
            SET_NUMBER(RDB_pg_index_indnkeyatts, index->key_count);
            SET_BOOL(RDB_pg_index_indisunique, index->flags & CATALOG_BLOB_UNIQUE);
            SET(RDB_pg_index_indnullsnotdistinct, "f");
            SET_BOOL(RDB_pg_index_indisprimary, index->flags & CATALOG_BLOB_PRIMARY);
            SET(RDB_pg_index_indisexclusion, "f");
            SET(RDB_pg_index_indimmediate, "t");
            SET(RDB_pg_index_indisclustered, "f");
            SET(RDB_pg_index_indisvalid, "t");
            SET(RDB_pg_index_indcheckxmin, "f");
            SET(RDB_pg_index_indisready, "t");
            SET(RDB_pg_index_indislive, "t");
            SET(RDB_pg_index_indisreplident, "f");
            SET(RDB_pg_index_indkey, numbers.data);
            SET(RDB_pg_index_indcollation, collations.data);
            SET(RDB_pg_index_indclass, classes.data);
            SET(RDB_pg_index_indoption, options.data);
            if (!add_row(maker, texts))
                return false;
        }
    }
    return true;
}

static bool add_constraints(row_maker *maker)
{
    uint32_t oid = FIRST_CONSTRAINT_OID;
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *of = builtin_relation_at(i);
        for (uint32_t k = 0; k < of->index_count; k++) {
            const catalog_blob_index *index = builtin_index_at(of, k);
            const char *texts[RDB_pg_constraint_COLUMNS] = {NULL};
            rdb_strbuf numbers;
            if (!(index->flags & CATALOG_BLOB_CONSTRAINT))
                continue;
            rdb_strbuf_init(&numbers, maker->arena);
            for (uint32_t n = 0; n < index->key_count; n++)
                rdb_strbuf_addf(&numbers, "%s%u", n > 0 ? "," : "{", builtin_key_at(index, n)->column_no);
            rdb_strbuf_adds(&numbers, "}");
            SET_NUMBER(RDB_pg_constraint_oid, oid++);
            SET(RDB_pg_constraint_conname, builtin_text(index->name));
            SET_NUMBER(RDB_pg_constraint_connamespace, RDB_NAMESPACE_PG_CATALOG);
            SET(RDB_pg_constraint_contype, index->flags & CATALOG_BLOB_PRIMARY ? "p" : "u");
            SET(RDB_pg_constraint_condeferrable, "f");
            SET(RDB_pg_constraint_condeferred, "f");
            SET(RDB_pg_constraint_convalidated, "t");
            SET_NUMBER(RDB_pg_constraint_conrelid, of->oid);
            SET(RDB_pg_constraint_contypid, "0");
            SET_NUMBER(RDB_pg_constraint_conindid, index->oid);
            SET(RDB_pg_constraint_conparentid, "0");
            SET(RDB_pg_constraint_confrelid, "0");
            SET(RDB_pg_constraint_confupdtype, " ");
            SET(RDB_pg_constraint_confdeltype, " ");
            SET(RDB_pg_constraint_confmatchtype, " ");
            SET(RDB_pg_constraint_conislocal, "t");
            SET(RDB_pg_constraint_coninhcount, "0");
            SET(RDB_pg_constraint_connoinherit, "t");
            SET(RDB_pg_constraint_conkey, numbers.data);
            if (!add_row(maker, texts))
                return false;
        }
    }
    return true;
}

/* ---- shared tables ---------------------------------------------------------------------------------------------------------- */
static bool add_databases(row_maker *maker)
{
    for (uint32_t i = 0; i < maker->settings->database_count; i++) {
        const bootstrap_database *database = &maker->settings->databases[i];
        const char *texts[RDB_pg_database_COLUMNS] = {NULL};
        SET_NUMBER(RDB_pg_database_oid, database->oid);
        SET(RDB_pg_database_datname, database->name);
        SET_NUMBER(RDB_pg_database_datdba, RDB_ROLE_ADMIN_OID);
        SET_NUMBER(RDB_pg_database_encoding, ENCODING_UTF8);
        SET(RDB_pg_database_datlocprovider, "c");
        SET_BOOL(RDB_pg_database_datistemplate, database->is_template);
        SET_BOOL(RDB_pg_database_datallowconn, database->allows_connections);
        SET(RDB_pg_database_datconnlimit, "-1");
        SET(RDB_pg_database_datfrozenxid, "3");
        SET(RDB_pg_database_datminmxid, "1");
        SET_NUMBER(RDB_pg_database_dattablespace, TABLESPACE_DEFAULT);
        SET(RDB_pg_database_datcollate, "C.UTF-8");
        SET(RDB_pg_database_datctype, "C.UTF-8");
        if (!add_row(maker, texts))
            return false;
    }
    return true;
}

static bool add_pluggables(row_maker *maker)
{
    for (uint32_t i = 0; i < maker->settings->database_count; i++) {
        const char *texts[RDB_rdb_pluggable_COLUMNS];
        SET_NUMBER(RDB_rdb_pluggable_plgdatabase, maker->settings->databases[i].oid);
        SET_NUMBER(RDB_rdb_pluggable_plgnumber, maker->settings->databases[i].pdb);
        if (!add_row(maker, texts))
            return false;
    }
    return true;
}

static bool add_shared_descriptions(row_maker *maker)
{
    for (uint32_t i = 0; i < maker->settings->database_count; i++) {
        const char *texts[RDB_pg_shdescription_COLUMNS];
        if (maker->settings->databases[i].description == NULL)
            continue;
        SET_NUMBER(RDB_pg_shdescription_objoid, maker->settings->databases[i].oid);
        SET_NUMBER(RDB_pg_shdescription_classoid, RDB_PG_DATABASE);
        SET(RDB_pg_shdescription_description, maker->settings->databases[i].description);
        if (!add_row(maker, texts))
            return false;
    }
    return true;
}

/* Collations of the machine, as initdb would find them: ICU's locales by their language tags, and what libc has without any
 * locale of its own installed. */
static bool add_collation(row_maker *maker, uint32_t oid, const char *name, char provider, const char *locale)
{
    const char *texts[RDB_pg_collation_COLUMNS] = {NULL};
    const bool is_icu = provider == 'i';
    const rdb_collation_definition definition = {.provider = provider, .is_deterministic = true, .collate = is_icu ? NULL : locale, .ctype = is_icu ? NULL : locale,
                                                 .icu_locale = is_icu ? locale : NULL};
    char version[64];
    SET_NUMBER(RDB_pg_collation_oid, oid);
    SET(RDB_pg_collation_collname, name);
    SET_NUMBER(RDB_pg_collation_collnamespace, RDB_NAMESPACE_PG_CATALOG);
    SET_NUMBER(RDB_pg_collation_collowner, RDB_ROLE_ADMIN_OID);
    SET(RDB_pg_collation_collprovider, is_icu ? "i" : "c");
    SET(RDB_pg_collation_collisdeterministic, "t");
    SET_NUMBER(RDB_pg_collation_collencoding, is_icu ? -1 : ENCODING_UTF8);
    SET(is_icu ? RDB_pg_collation_colliculocale : RDB_pg_collation_collcollate, locale);
    if (!is_icu)
        SET(RDB_pg_collation_collctype, locale);
    rdb_collation_get_version(&definition, version, sizeof version);
    if (version[0] != '\0')
        SET(RDB_pg_collation_collversion, version);
    return add_row(maker, texts);
}

static bool add_collations(row_maker *maker)
{
    char tag[80], comment[128];
    if (!add_collation(maker, UCS_BASIC_COLLATION, "ucs_basic", 'c', "C") || !add_collation(maker, C_UTF8_COLLATION, "C.utf8", 'c', "C.utf8"))
        return false;
    for (uint32_t i = 0; rdb_collation_icu_locale(i, tag, sizeof tag, comment, sizeof comment); i++)
        if (FIRST_ICU_COLLATION + i >= ICU_COLLATION_LIMIT || !add_collation(maker, FIRST_ICU_COLLATION + i, rdb_arena_printf(maker->arena, "%s-x-icu", tag), 'i', tag))
            return rdb_error_is_set(maker->err) ? false : true;
    return true;
}

static bool add_collation_comments(row_maker *maker)
{
    char tag[80], comment[128];
    for (uint32_t i = 0; FIRST_ICU_COLLATION + i < ICU_COLLATION_LIMIT && rdb_collation_icu_locale(i, tag, sizeof tag, comment, sizeof comment); i++) {
        const char *texts[RDB_pg_description_COLUMNS] = {NULL};
        if (comment[0] == '\0')
            continue;
        SET_NUMBER(RDB_pg_description_objoid, FIRST_ICU_COLLATION + i);
        SET_NUMBER(RDB_pg_description_classoid, RDB_PG_COLLATION);
        SET_NUMBER(RDB_pg_description_objsubid, 0);
        SET(RDB_pg_description_description, comment);
        if (!add_row(maker, texts))
            return false;
    }
    return true;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------- */
static bool add_rows(row_maker *maker, const catalog_blob_relation *source)
{
    switch (source->oid) {
    case RDB_PG_CLASS:
        return add_classes(maker);
    case RDB_PG_ATTRIBUTE:
        return add_attributes(maker);
    case RDB_PG_INDEX:
        return add_indexes(maker);
    case RDB_PG_CONSTRAINT:
        return add_constraints(maker);
    case RDB_PG_DATABASE:
        return add_databases(maker);
    case RDB_PLUGGABLE:
        return add_pluggables(maker);
    case RDB_PG_SHDESCRIPTION:
        return add_shared_descriptions(maker);
    case RDB_PG_TYPE:
        return add_builtin_rows(maker, source) && add_row_types(maker);
    case RDB_PG_COLLATION:
        return add_builtin_rows(maker, source) && add_collations(maker);
    case RDB_PG_DESCRIPTION:
        return add_builtin_rows(maker, source) && add_collation_comments(maker);
    default:
        return add_builtin_rows(maker, source);
    }
}

bool bootstrap_holds(const rdb_database *database, const rdb_relation *relation)
{
    return relation->is_shared == (database->pdb == RDB_PDB_ROOT);
}

bool bootstrap_create_files(rdb_database *database, rdb_txn *txn, rdb_error *err)
{
    rdb_storage *storage = database->catalog->storage;
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const rdb_relation *relation = database->system[i];
        if (!bootstrap_holds(database, relation))
            continue;
        if (!rdb_table_create(storage, txn, relation->table.file, err))
            return false;
        for (uint16_t k = 0; k < relation->index_count; k++)
            if (!rdb_index_create(storage, txn, relation->indexes[k].index.file, err))
                return false;
    }
    return true;
}

static bool fill_all(rdb_database *database, rdb_txn *txn, const bootstrap_settings *settings, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("bootstrap", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = true;
    for (uint32_t i = 0; ok && i < builtin_relation_count(); i++) {
        row_maker maker = {.arena = arena, .relation = database->system[i], .settings = settings, .err = err};
        if (!bootstrap_holds(database, maker.relation))
            continue;
        ok = table_filler_open(&maker.filler, maker.relation, txn, err);
        if (ok && !add_rows(&maker, builtin_relation_at(i))) {
            table_filler_abandon(&maker.filler);
            ok = false;
        }
        ok = ok && table_filler_finish(&maker.filler, err) && rdb_arena_check(arena, err);
        rdb_arena_reset(arena);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool bootstrap_pdb(rdb_database *database, const bootstrap_settings *settings, rdb_error *err)
{
    rdb_txn_manager *txns = database->catalog->txns;
    rdb_txn *txn;
    rdb_scn scn;
    if (!rdb_txn_create_pdb(txns, database->pdb, err) ||
        !rdb_txn_begin(txns, database->pdb, RDB_READ_COMMITTED, false, NULL, &txn, err))
        return false;
    if (!bootstrap_create_files(database, txn, err) || !fill_all(database, txn, settings, err)) {
        rdb_txn_abort(&txn);
        return false;
    }
    return rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, err);
}
