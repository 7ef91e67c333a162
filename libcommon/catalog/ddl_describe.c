/* SPDX-License-Identifier: Apache-2.0
 * What objects are called in messages: "table t", "column a of table t", "constraint c on table t", in PostgreSQL's words. */
#include "catalog/rdb_acl.h"

#include "catalog/ddl_int.h"
#include "catalog/rdb_large_object.h"

enum {
    PG_DEFAULT_ACL = 826, PG_SERVER = 1417, PG_WRAPPER = 2328, PG_AMOP = 2602, PG_AMPROC = 2603, PG_CONVERSION = 2607, PG_LANGUAGE = 2612,
    PG_OPFAMILY = 2753, PG_EXTENSION = 3079, PG_STATISTIC_EXT = 3381, PG_EVENT_TRIGGER = 3466, PG_TS_DICT = 3600,
    PG_TS_PARSER = 3601, PG_TS_CONFIG = 3602, PG_TS_TEMPLATE = 3764, PG_PUBLICATION = 6104, PG_PARAMETER_ACL = 6243
};

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
    {RDB_PG_AUTHID, INDEX_ROLE_OID, RDB_pg_authid_rolname, 0, "role"},
    {RDB_PG_DATABASE, 2672, RDB_pg_database_datname, 0, "database"},
    {RDB_PG_POLICY, 3257, RDB_pg_policy_polname, RDB_pg_policy_polrelid, "policy"},
    {PG_LANGUAGE, 2682, RDB_pg_language_lanname, 0, "language"},
    {RDB_PG_TABLESPACE, 2697, RDB_pg_tablespace_spcname, 0, "tablespace"},
    {RDB_PG_AM, 2652, RDB_pg_am_amname, 0, "access method"},
    {PG_EXTENSION, 3080, RDB_pg_extension_extname, 0, "extension"},
    {PG_PUBLICATION, 6110, RDB_pg_publication_pubname, 0, "publication"},
    {PG_EVENT_TRIGGER, 3468, RDB_pg_event_trigger_evtname, 0, "event trigger"},
    {PG_WRAPPER, 112, RDB_pg_foreign_data_wrapper_fdwname, 0, "foreign-data wrapper"},
    {PG_SERVER, 113, RDB_pg_foreign_server_srvname, 0, "server"},
};

/* Objects that have a name in a schema, told with it where the bare name does not find them. */
typedef struct schema_kind {
    uint32_t catalog_oid, oid_index, name_index; /* name_index: by name and schema as its first columns; 0: by method and name and schema */
    int name, namespace_column, method;
    const char *word;
} schema_kind;

static const schema_kind SCHEMA_KINDS[] = {
    {RDB_PG_COLLATION, 3085, 0, RDB_pg_collation_collname, RDB_pg_collation_collnamespace, 0, "collation"},
    {PG_CONVERSION, 2670, 2669, RDB_pg_conversion_conname, RDB_pg_conversion_connamespace, 0, "conversion"},
    {PG_STATISTIC_EXT, 3380, 3997, RDB_pg_statistic_ext_stxname, RDB_pg_statistic_ext_stxnamespace, 0, "statistics object"},
    {PG_TS_DICT, 3605, 3604, RDB_pg_ts_dict_dictname, RDB_pg_ts_dict_dictnamespace, 0, "text search dictionary"},
    {PG_TS_CONFIG, 3712, 3608, RDB_pg_ts_config_cfgname, RDB_pg_ts_config_cfgnamespace, 0, "text search configuration"},
    {PG_TS_PARSER, 3607, 3606, RDB_pg_ts_parser_prsname, RDB_pg_ts_parser_prsnamespace, 0, "text search parser"},
    {PG_TS_TEMPLATE, 3767, 3766, RDB_pg_ts_template_tmplname, RDB_pg_ts_template_tmplnamespace, 0, "text search template"},
    {RDB_PG_OPCLASS, 2687, 2686, RDB_pg_opclass_opcname, RDB_pg_opclass_opcnamespace, RDB_pg_opclass_opcmethod, "operator class"},
    {PG_OPFAMILY, 2755, 2754, RDB_pg_opfamily_opfname, RDB_pg_opfamily_opfnamespace, RDB_pg_opfamily_opfmethod, "operator family"},
};

/* Does the search path meet an object of that name in another schema first, or none? */
static bool is_found_first(rdb_access *access, const schema_kind *kind, const rdb_catalog_row *row, rdb_arena *arena, bool *is_first, rdb_error *err)
{
    const uint32_t namespace_oid = row_oid(row, kind->namespace_column);
    const rdb_datum name = row->values[kind->name - 1];
    uint32_t count;
    const uint32_t *path = rdb_access_search_path(access, &count);
    *is_first = false;
    for (uint32_t i = 0; i < count; i++) {
        rdb_catalog_row other;
        bool found = false;
        if (path[i] == namespace_oid) {
            *is_first = true;
            return true;
        }
        const rdb_datum keys[] = {name, datum_oid(path[i])}, with_method[] = {kind->method != 0 ? row->values[kind->method - 1] : name, name, datum_oid(path[i])};
        if (kind->name_index != 0 &&
            !catalog_find_row(access, kind->catalog_oid, kind->name_index, kind->method != 0 ? with_method : keys, kind->method != 0 ? 3 : 2, arena, &other, &found, err))
            return false;
        if (found)
            return true;
    }
    return true;
}

static bool add_schema(rdb_access *access, uint32_t namespace_oid, rdb_strbuf *text, rdb_error *err)
{
    char schema[RDB_NAMEDATALEN];
    if (!rdb_namespace_get_name(access, namespace_oid, schema, err))
        return false;
    rdb_identifier_add(text, schema);
    rdb_strbuf_addc(text, '.');
    return true;
}

static bool add_type(rdb_access *access, uint32_t oid, rdb_strbuf *text, rdb_error *err)
{
    const rdb_type *type = NULL;
    if (oid == 0) {
        rdb_strbuf_adds(text, "NONE");
        return true;
    }
    if (!rdb_type_get(access, oid, &type, err))
        return false;
    if (type == NULL)
        rdb_strbuf_adds(text, "???");
    return type == NULL || add_type_name(access, type, text, err);
}

static bool describe_in_schema(rdb_access *access, const schema_kind *kind, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row, method;
    bool found, is_first;
    char name[RDB_NAMEDATALEN];
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, kind->catalog_oid, kind->oid_index, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "%s with OID %u", kind->word, oid);
        return true;
    }
    rdb_strbuf_addf(text, "%s ", kind->word);
    row_name(&row, kind->name, name);
    if (!is_found_first(access, kind, &row, arena, &is_first, err) || (!is_first && !add_schema(access, row_oid(&row, kind->namespace_column), text, err)))
        return false;
    rdb_identifier_add(text, name);
    if (kind->method == 0)
        return true;
    const rdb_datum method_key = row.values[kind->method - 1];
    if (!need_row(access, RDB_PG_AM, 2652, &method_key, 1, arena, &method, err))
        return false;
    row_name(&method, RDB_pg_am_amname, name);
    rdb_strbuf_addf(text, " for access method %s", name);
    return true;
}

static bool describe_function(rdb_access *access, uint32_t oid, bool with_word, rdb_strbuf *text, rdb_error *err)
{
    const rdb_function *function = NULL, *const *all;
    uint32_t count, first = 0;
    if (!rdb_function_get(access, oid, &function, err))
        return false;
    rdb_strbuf_adds(text, with_word ? "function " : "");
    if (function == NULL) {
        rdb_strbuf_addf(text, "with OID %u", oid);
        return true;
    }
    if (!rdb_function_find(access, NULL, function->name, &all, &count, err))
        return false;
    while (first < count && (all[first]->argument_count != function->argument_count ||
                             (function->argument_count > 0 && memcmp(all[first]->argument_types, function->argument_types, function->argument_count * sizeof *function->argument_types) != 0)))
        first++;
    if ((first == count || all[first]->oid != oid) && !add_schema(access, function->namespace_oid, text, err))
        return false;
    rdb_identifier_add(text, function->name);
    for (uint16_t i = 0; i < function->argument_count; i++) {
        rdb_strbuf_adds(text, i > 0 ? "," : "(");
        if (!add_type(access, function->argument_types[i], text, err))
            return false;
    }
    rdb_strbuf_adds(text, function->argument_count > 0 ? ")" : "()");
    return true;
}

static bool describe_operator(rdb_access *access, uint32_t oid, bool with_word, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    bool found, is_first = false;
    char name[RDB_NAMEDATALEN];
    uint32_t count;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, RDB_PG_OPERATOR, 2688, &key, 1, arena, &row, &found, err))
        return false;
    rdb_strbuf_adds(text, with_word ? "operator " : "");
    if (!found) {
        rdb_strbuf_addf(text, "with OID %u", oid);
        return true;
    }
    const uint32_t *path = rdb_access_search_path(access, &count), left = row_oid(&row, RDB_pg_operator_oprleft), right = row_oid(&row, RDB_pg_operator_oprright);
    for (uint32_t i = 0; i < count && !is_first; i++) {
        const rdb_datum keys[] = {row.values[RDB_pg_operator_oprname - 1], datum_oid(left), datum_oid(right), datum_oid(path[i])};
        rdb_catalog_row other;
        if (!catalog_find_row(access, RDB_PG_OPERATOR, 2689, keys, 4, arena, &other, &found, err))
            return false;
        is_first = found && row_oid(&other, RDB_pg_operator_oid) == oid;
        if (found)
            break;
    }
    row_name(&row, RDB_pg_operator_oprname, name);
    if (!is_first && !add_schema(access, row_oid(&row, RDB_pg_operator_oprnamespace), text, err))
        return false;
    rdb_strbuf_addf(text, "%s(", name);
    if (!add_type(access, left, text, err))
        return false;
    rdb_strbuf_addc(text, ',');
    if (!add_type(access, right, text, err))
        return false;
    rdb_strbuf_addc(text, ')');
    return true;
}

static bool describe_cast(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, RDB_PG_CAST, 2660, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "cast with OID %u", oid);
        return true;
    }
    rdb_strbuf_adds(text, "cast from ");
    if (!add_type(access, row_oid(&row, RDB_pg_cast_castsource), text, err))
        return false;
    rdb_strbuf_adds(text, " to ");
    return add_type(access, row_oid(&row, RDB_pg_cast_casttarget), text, err);
}

/* "operator 1 (int4, int4) of operator family ...: <(int4,int4)", and the same of support functions. */
static bool describe_member(rdb_access *access, bool is_operator, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, is_operator ? PG_AMOP : PG_AMPROC, is_operator ? 2756 : 2757, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "%s with OID %u", is_operator ? "operator of access method" : "function of access method", oid);
        return true;
    }
    rdb_strbuf_addf(text, "%s %d (", is_operator ? "operator" : "function", row_int16(&row, is_operator ? RDB_pg_amop_amopstrategy : RDB_pg_amproc_amprocnum));
    if (!add_type(access, row_oid(&row, is_operator ? RDB_pg_amop_amoplefttype : RDB_pg_amproc_amproclefttype), text, err))
        return false;
    rdb_strbuf_adds(text, ", ");
    if (!add_type(access, row_oid(&row, is_operator ? RDB_pg_amop_amoprighttype : RDB_pg_amproc_amprocrighttype), text, err))
        return false;
    rdb_strbuf_adds(text, ") of ");
    if (!describe_in_schema(access, &SCHEMA_KINDS[RDB_COUNT_OF(SCHEMA_KINDS) - 1], row_oid(&row, is_operator ? RDB_pg_amop_amopfamily : RDB_pg_amproc_amprocfamily), arena, text, err))
        return false;
    rdb_strbuf_adds(text, ": ");
    return is_operator ? describe_operator(access, row_oid(&row, RDB_pg_amop_amopopr), false, arena, text, err)
                       : describe_function(access, row_oid(&row, RDB_pg_amproc_amproc), false, text, err);
}

static bool describe_default_acl(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_strbuf *text, rdb_error *err)
{
    rdb_catalog_row row;
    rdb_role role;
    bool found;
    const rdb_datum key = datum_oid(oid);
    if (!catalog_find_row(access, PG_DEFAULT_ACL, 828, &key, 1, arena, &row, &found, err))
        return false;
    if (!found) {
        rdb_strbuf_addf(text, "default ACL with OID %u", oid);
        return true;
    }
    const char kind = row_char(&row, RDB_pg_default_acl_defaclobjtype);
    const uint32_t namespace_oid = row_oid(&row, RDB_pg_default_acl_defaclnamespace);
    char schema[RDB_NAMEDATALEN] = "";
    if (!rdb_role_get(access, row_oid(&row, RDB_pg_default_acl_defaclrole), &role, &found, err) ||
        (namespace_oid != 0 && !rdb_namespace_get_name(access, namespace_oid, schema, err)))
        return false;
    rdb_strbuf_addf(text, "default privileges on new %s belonging to role %s",
                    kind == 'r' ? "relations" : kind == 'S' ? "sequences" : kind == 'f' ? "functions" : kind == 'T' ? "types" : "schemas", role.name);
    if (namespace_oid != 0)
        rdb_strbuf_addf(text, " in schema %s", schema);
    return true;
}

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
    bool ok = true, is_known = true;
    switch (object.catalog_oid) {
    case RDB_PG_ATTRDEF:
        ok = describe_default(access, object.object_oid, arena, text, err);
        break;
    case RDB_PG_PROC:
        ok = describe_function(access, object.object_oid, true, text, err);
        break;
    case RDB_PG_OPERATOR:
        ok = describe_operator(access, object.object_oid, true, arena, text, err);
        break;
    case RDB_PG_CAST:
        ok = describe_cast(access, object.object_oid, arena, text, err);
        break;
    case PG_AMOP:
    case PG_AMPROC:
        ok = describe_member(access, object.catalog_oid == PG_AMOP, object.object_oid, arena, text, err);
        break;
    case RDB_PG_LARGEOBJECT:
        rdb_strbuf_addf(text, "large object %u", object.object_oid);
        break;
    case PG_DEFAULT_ACL:
        ok = describe_default_acl(access, object.object_oid, arena, text, err);
        break;
    default:
        is_known = false;
        break;
    }
    for (size_t i = 0; !is_known && i < RDB_COUNT_OF(SCHEMA_KINDS); i++) {
        if (SCHEMA_KINDS[i].catalog_oid != object.catalog_oid)
            continue;
        is_known = true;
        ok = describe_in_schema(access, &SCHEMA_KINDS[i], object.object_oid, arena, text, err);
    }
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

