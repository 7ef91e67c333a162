/* SPDX-License-Identifier: Apache-2.0
 * Addresses of objects: what an object is called for people (pg_describe_object) and for programs (pg_identify_object,
 * pg_identify_object_as_address), and which object such a name means (pg_get_object_address). */
#include "expr/kernels.h"
#include "catalog/rdb_large_object.h"
#include "catalog/rdb_ddl.h"
#include <stdlib.h>

enum {
    INDEX_CONSTRAINT_OID = 2667, INDEX_ATTRDEF_OID = 2657, INDEX_REWRITE_OID = 2692, INDEX_CAST_OID = 2660, INDEX_AM_OID = 2652, PARTS_MAX = 8, ARGUMENTS_MAX = 100 /* of a function */, REGTYPE = 2206,
    TEXT_ARRAY = 1009
};

static rdb_access *access_of(rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

/* ---- descriptions ----------------------------------------------------------------------------------------------------------------------- */
typedef struct object_name {
    const char *type;             /* "table", "function of access method"... NULL: there is no such object */
    const char *schema, *name;    /* NULL: has none */
    rdb_strbuf identity, phrase;  /* for programs, qualified; for people */
    const char *names[PARTS_MAX], *args[ARGUMENTS_MAX]; /* the address */
    uint32_t name_count, arg_count;
} object_name;

static void add_part(object_name *out, const char *name)
{
    if (out->name_count < PARTS_MAX)
        out->names[out->name_count++] = name;
}

/* The type as an address has it: with its schema. */
static bool type_part(rdb_call *call, uint32_t oid, const char **part)
{
    const rdb_type *type = NULL;
    rdb_strbuf text;
    char schema[RDB_NAMEDATALEN] = "";
    *part = "-";
    if (oid == 0 || !rdb_type_get(access_of(call), oid, &type, call->err) || type == NULL)
        return !rdb_error_is_set(call->err);
    const rdb_type *named = type->element != NULL && type->category == 'A' ? type->element : type;
    if (!rdb_namespace_get_name(access_of(call), named->namespace_oid, schema, call->err))
        return false;
    rdb_strbuf_init(&text, call->arena);
    rdb_type_format_name(named, -1, false, &text);
    /* The types of the SQL standard have names of their own, which know no schema. */
    const bool is_standard = named->namespace_oid == RDB_NAMESPACE_PG_CATALOG &&
                             (strcmp(text.data, named->name) != 0 || named->oid == RDB_NUMERICOID || named->oid == RDB_INTERVALOID || named->oid == RDB_BITOID) && text.data[0] != '"';
    rdb_strbuf_init(&text, call->arena);
    if (!is_standard) {
        rdb_identifier_add(&text, schema);
        rdb_strbuf_addc(&text, '.');
    }
    rdb_type_format_name(type, -1, false, &text);
    *part = text.data;
    return rdb_strbuf_check(&text, call->err);
}

static const char *relation_word(char kind)
{
    switch (kind) {
    case 'i': case 'I': return "index";
    case 'S': return "sequence";
    case 't': return "toast table";
    case 'v': return "view";
    case 'm': return "materialized view";
    case 'c': return "composite type";
    case 'f': return "foreign table";
    default: return "table";
    }
}

static bool name_relation(rdb_call *call, uint32_t oid, int32_t column, object_name *out)
{
    const rdb_relation *relation = NULL;
    bool visible = false;
    if (!rdb_relation_get(access_of(call), oid, &relation, call->err))
        return false;
    if (relation == NULL || column < 0 || column > relation->column_count || (column > 0 && relation->columns[column - 1].is_dropped))
        return true;
    if (!rdb_relation_is_visible(access_of(call), oid, &visible, call->err))
        return false;
    const char *word = relation_word(relation->kind);
    out->type = column > 0 ? rdb_arena_printf(call->arena, "%s column", word) : word;
    out->schema = rdb_arena_strdup(call->arena, relation->namespace_name);
    out->name = rdb_arena_strdup(call->arena, relation->name);
    add_part(out, out->schema);
    add_part(out, out->name);
    if (column > 0)
        add_part(out, rdb_arena_strdup(call->arena, relation->columns[column - 1].name));
    expr_add_qualified(&out->identity, relation->namespace_name, relation->name);
    if (column > 0) {
        rdb_strbuf_addc(&out->identity, '.');
        rdb_identifier_add(&out->identity, relation->columns[column - 1].name);
        rdb_strbuf_addf(&out->phrase, "column %s of ", relation->columns[column - 1].name);
    }
    rdb_strbuf_addf(&out->phrase, "%s ", word);
    expr_add_qualified(&out->phrase, visible ? NULL : relation->namespace_name, relation->name);
    return true;
}

static bool name_type(rdb_call *call, uint32_t oid, object_name *out)
{
    const rdb_type *type = NULL;
    char schema[RDB_NAMEDATALEN] = "";
    if (!rdb_type_get(access_of(call), oid, &type, call->err) || type == NULL)
        return type == NULL && !rdb_error_is_set(call->err);
    if (!rdb_namespace_get_name(access_of(call), type->namespace_oid, schema, call->err))
        return false;
    out->type = "type";
    out->schema = rdb_arena_strdup(call->arena, schema);
    out->name = rdb_arena_strdup(call->arena, type->name);
    const char *part;
    if (!type_part(call, oid, &part))
        return false;
    add_part(out, part);
    rdb_strbuf_adds(&out->identity, part);
    rdb_strbuf_adds(&out->phrase, "type ");
    return rdb_expr_format_type(access_of(call), type, -1, false, &out->phrase, call->err);
}

/* schema.name(type,type): the types are the address's arguments. */
static void add_signature(object_name *out, const char *name, uint32_t count)
{
    rdb_identifier_add(&out->identity, out->schema);
    rdb_strbuf_addc(&out->identity, '.');
    rdb_identifier_add(&out->identity, name);
    for (uint32_t i = 0; i < out->arg_count && i < count; i++)
        rdb_strbuf_addf(&out->identity, "%s%s", i == 0 ? "(" : ",", out->args[i]);
    rdb_strbuf_adds(&out->identity, out->arg_count == 0 ? "()" : ")");
}

static bool name_function(rdb_call *call, uint32_t oid, object_name *out)
{
    const rdb_function *function = NULL;
    char schema[RDB_NAMEDATALEN] = "";
    bool found = false;
    if (!rdb_function_get(access_of(call), oid, &function, call->err))
        return false;
    if (function == NULL)
        return true;
    if (!rdb_namespace_get_name(access_of(call), function->namespace_oid, schema, call->err))
        return false;
    out->type = function->kind == 'a' ? "aggregate" : function->kind == 'p' ? "procedure" : "function";
    out->schema = rdb_arena_strdup(call->arena, schema);
    add_part(out, out->schema);
    add_part(out, function->name);
    for (uint16_t i = 0; i < function->argument_count && i < ARGUMENTS_MAX; i++)
        if (!type_part(call, function->argument_types[i], &out->args[out->arg_count++]))
            return false;
    rdb_strbuf_adds(&out->phrase, "function ");
    add_signature(out, function->name, function->argument_count);
    return expr_add_function(call, oid, false, &out->phrase, &found);
}

static bool name_operator(rdb_call *call, uint32_t oid, object_name *out)
{
    const rdb_operator_entry *entry = NULL;
    char schema[RDB_NAMEDATALEN] = "";
    bool found = false;
    rdb_strbuf_adds(&out->phrase, "operator ");
    if (!rdb_operator_get(access_of(call), oid, &entry, call->err) || entry == NULL)
        return !rdb_error_is_set(call->err);
    if (!expr_add_operator(call, oid, false, &out->phrase, &found) ||
        !rdb_namespace_get_name(access_of(call), entry->namespace_oid, schema, call->err))
        return false;
    out->type = "operator";
    out->schema = rdb_arena_strdup(call->arena, schema);
    add_part(out, out->schema);
    add_part(out, entry->name);
    out->arg_count = 2;
    if (!type_part(call, entry->left_type, &out->args[0]) || !type_part(call, entry->right_type, &out->args[1]))
        return false;
    rdb_identifier_add(&out->identity, schema);
    rdb_strbuf_addf(&out->identity, ".%s(%s,%s)", entry->name, entry->left_type != 0 ? out->args[0] : "NONE", out->args[1]);
    return true;
}

static bool name_constraint(rdb_call *call, uint32_t oid, object_name *out)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum name = {.words = {0, 0}}, table = {.words = {0, 0}}, type = {.words = {0, 0}};
    bool is_null = true, found = false;
    object_name of = {.type = NULL};
    rdb_strbuf_init(&of.identity, call->arena);
    rdb_strbuf_init(&of.phrase, call->arena);
    if (!expr_read_catalog(call, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, RDB_pg_constraint_conname, RDB_REP_BYTES, &name, &is_null, &found) ||
        !expr_read_catalog(call, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, RDB_pg_constraint_conrelid, RDB_REP_INT32, &table, &is_null, &found) ||
        !expr_read_catalog(call, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_OID, &key, 1, RDB_pg_constraint_contypid, RDB_REP_INT32, &type, &is_null, &found))
        return false;
    if (!found)
        return true;
    if (table.oid != 0 ? !name_relation(call, table.oid, 0, &of) : !name_type(call, type.oid, &of))
        return false;
    if (of.type == NULL)
        return true;
    out->type = table.oid != 0 ? "table constraint" : "domain constraint";
    out->schema = of.schema;
    out->name = NULL;
    for (uint32_t i = 0; i < of.name_count; i++)
        add_part(out, of.names[i]);
    if (table.oid != 0)
        add_part(out, expr_get_text(call, name));
    else
        out->args[out->arg_count++] = expr_get_text(call, name);
    rdb_identifier_add(&out->identity, expr_get_text(call, name));
    rdb_strbuf_addf(&out->identity, " on %s", of.identity.data);
    rdb_strbuf_addf(&out->phrase, "constraint %s on %s", expr_get_text(call, name), of.phrase.data);
    return true;
}

static bool name_default(rdb_call *call, uint32_t oid, object_name *out)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum table = {.words = {0, 0}}, column = {.words = {0, 0}};
    bool is_null = true, found = false;
    object_name of = {.type = NULL};
    rdb_strbuf_init(&of.identity, call->arena);
    rdb_strbuf_init(&of.phrase, call->arena);
    if (!expr_read_catalog(call, RDB_PG_ATTRDEF, INDEX_ATTRDEF_OID, &key, 1, RDB_pg_attrdef_adrelid, RDB_REP_INT32, &table, &is_null, &found) ||
        !expr_read_catalog(call, RDB_PG_ATTRDEF, INDEX_ATTRDEF_OID, &key, 1, RDB_pg_attrdef_adnum, RDB_REP_INT16, &column, &is_null, &found))
        return false;
    if (!found || !name_relation(call, table.oid, column.i16, &of) || of.type == NULL)
        return !rdb_error_is_set(call->err);
    out->type = "default value";
    for (uint32_t i = 0; i < of.name_count; i++)
        add_part(out, of.names[i]);
    rdb_strbuf_addf(&out->identity, "for %s", of.identity.data);
    rdb_strbuf_addf(&out->phrase, "default value for %s", of.phrase.data);
    return true;
}

/* Objects with a name: of the database alone, in a schema, of an access method, on a table. */
typedef struct named_class {
    uint32_t class_oid, oid_index;
    const char *type;
    int oid, name, schema, method, table; /* columns; 0: it has none */
} named_class;
static const named_class NAMED[] = {
    {RDB_PG_NAMESPACE, 2685, "schema", RDB_pg_namespace_oid, RDB_pg_namespace_nspname, 0, 0, 0},
    {RDB_PG_AUTHID, 2677, "role", RDB_pg_authid_oid, RDB_pg_authid_rolname, 0, 0, 0},
    {RDB_PG_DATABASE, 2672, "database", RDB_pg_database_oid, RDB_pg_database_datname, 0, 0, 0},
    {RDB_PG_TABLESPACE, 2697, "tablespace", RDB_pg_tablespace_oid, RDB_pg_tablespace_spcname, 0, 0, 0},
    {2612, 2682, "language", RDB_pg_language_oid, RDB_pg_language_lanname, 0, 0, 0},
    {RDB_PG_AM, 2652, "access method", RDB_pg_am_oid, RDB_pg_am_amname, 0, 0, 0},
    {3079, 3080, "extension", RDB_pg_extension_oid, RDB_pg_extension_extname, 0, 0, 0},
    {2328, 112, "foreign-data wrapper", RDB_pg_foreign_data_wrapper_oid, RDB_pg_foreign_data_wrapper_fdwname, 0, 0, 0},
    {1417, 113, "server", RDB_pg_foreign_server_oid, RDB_pg_foreign_server_srvname, 0, 0, 0},
    {3466, 3468, "event trigger", RDB_pg_event_trigger_oid, RDB_pg_event_trigger_evtname, 0, 0, 0},
    {6104, 6110, "publication", RDB_pg_publication_oid, RDB_pg_publication_pubname, 0, 0, 0},
    {6100, 6114, "subscription", RDB_pg_subscription_oid, RDB_pg_subscription_subname, 0, 0, 0},
    {RDB_PG_COLLATION, 3085, "collation", RDB_pg_collation_oid, RDB_pg_collation_collname, RDB_pg_collation_collnamespace, 0, 0},
    {2607, 2670, "conversion", RDB_pg_conversion_oid, RDB_pg_conversion_conname, RDB_pg_conversion_connamespace, 0, 0},
    {3381, 3380, "statistics object", RDB_pg_statistic_ext_oid, RDB_pg_statistic_ext_stxname, RDB_pg_statistic_ext_stxnamespace, 0, 0},
    {3601, 3607, "text search parser", RDB_pg_ts_parser_oid, RDB_pg_ts_parser_prsname, RDB_pg_ts_parser_prsnamespace, 0, 0},
    {3600, 3605, "text search dictionary", RDB_pg_ts_dict_oid, RDB_pg_ts_dict_dictname, RDB_pg_ts_dict_dictnamespace, 0, 0},
    {3764, 3767, "text search template", RDB_pg_ts_template_oid, RDB_pg_ts_template_tmplname, RDB_pg_ts_template_tmplnamespace, 0, 0},
    {3602, 3712, "text search configuration", RDB_pg_ts_config_oid, RDB_pg_ts_config_cfgname, RDB_pg_ts_config_cfgnamespace, 0, 0},
    {RDB_PG_OPCLASS, 2687, "operator class", RDB_pg_opclass_oid, RDB_pg_opclass_opcname, RDB_pg_opclass_opcnamespace, RDB_pg_opclass_opcmethod, 0},
    {RDB_PG_OPFAMILY, 2755, "operator family", RDB_pg_opfamily_oid, RDB_pg_opfamily_opfname, RDB_pg_opfamily_opfnamespace, RDB_pg_opfamily_opfmethod, 0},
    {RDB_PG_REWRITE, INDEX_REWRITE_OID, "rule", RDB_pg_rewrite_oid, RDB_pg_rewrite_rulename, 0, 0, RDB_pg_rewrite_ev_class},
    {RDB_PG_TRIGGER, 2702, "trigger", RDB_pg_trigger_oid, RDB_pg_trigger_tgname, 0, 0, RDB_pg_trigger_tgrelid},
    {3256, 3257, "policy", RDB_pg_policy_oid, RDB_pg_policy_polname, 0, 0, RDB_pg_policy_polrelid}};

static const char *copied(rdb_call *call, const rdb_catalog_row *row, int column)
{
    const rdb_bytes bytes = row->values[column - 1].bytes;
    return rdb_arena_strndup(call->arena, (const char *)bytes.data, bytes.length);
}

/* The row of an object; its bytes live as long as the call. */
static bool read_row(rdb_call *call, uint32_t class_oid, uint32_t oid_index, uint32_t oid, rdb_catalog_row *row, bool *found)
{
    rdb_catalog_scan *scan = NULL;
    const rdb_datum key = {.oid = oid};
    bool ok = rdb_catalog_scan_open(&scan, access_of(call), class_oid, oid_index, &key, 1, call->arena, call->err) && rdb_catalog_scan_next(scan, row, found, call->err);
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool method_name(rdb_call *call, uint32_t oid, const char **name)
{
    rdb_catalog_row row;
    bool found = false;
    *name = "";
    if (!read_row(call, RDB_PG_AM, INDEX_AM_OID, oid, &row, &found))
        return false;
    if (found)
        *name = copied(call, &row, RDB_pg_am_amname);
    return true;
}

static bool name_named(rdb_call *call, const named_class *class, uint32_t oid, object_name *out)
{
    rdb_catalog_row row;
    bool found = false;
    char schema[RDB_NAMEDATALEN] = "";
    object_name of = {.type = NULL};
    const char *method = NULL;
    if (!read_row(call, class->class_oid, class->oid_index, oid, &row, &found) || !found)
        return !rdb_error_is_set(call->err);
    const char *name = copied(call, &row, class->name);
    out->type = class->type;
    if (class->method != 0) {
        if (!method_name(call, row.values[class->method - 1].oid, &method))
            return false;
        add_part(out, method);
    }
    if (class->table != 0) {
        rdb_strbuf_init(&of.identity, call->arena);
        rdb_strbuf_init(&of.phrase, call->arena);
        if (!name_relation(call, row.values[class->table - 1].oid, 0, &of))
            return false;
        for (uint32_t i = 0; i < of.name_count; i++)
            add_part(out, of.names[i]);
    } else {
        out->name = name;
    }
    if (class->schema != 0) {
        if (!rdb_namespace_get_name(access_of(call), row.values[class->schema - 1].oid, schema, call->err))
            return false;
        out->schema = rdb_arena_strdup(call->arena, schema);
        add_part(out, out->schema);
    }
    add_part(out, name);
    expr_add_qualified(&out->identity, out->schema, name);
    if (method != NULL)
        rdb_strbuf_addf(&out->identity, " USING %s", method);
    if (class->table != 0)
        rdb_strbuf_addf(&out->identity, " on %s", of.identity.data != NULL ? of.identity.data : "");
    return rdb_object_describe(access_of(call), (rdb_object_address){class->class_oid, oid, 0}, &out->phrase, call->err);
}

static bool name_cast(rdb_call *call, uint32_t oid, object_name *out)
{
    rdb_catalog_row row;
    bool found = false;
    if (!read_row(call, RDB_PG_CAST, INDEX_CAST_OID, oid, &row, &found) || !found)
        return !rdb_error_is_set(call->err);
    out->type = "cast";
    out->arg_count = out->name_count = 1;
    if (!type_part(call, row.values[RDB_pg_cast_castsource - 1].oid, &out->names[0]) || !type_part(call, row.values[RDB_pg_cast_casttarget - 1].oid, &out->args[0]))
        return false;
    rdb_strbuf_addf(&out->identity, "(%s AS %s)", out->names[0], out->args[0]);
    return rdb_object_describe(access_of(call), (rdb_object_address){RDB_PG_CAST, oid, 0}, &out->phrase, call->err);
}

static const named_class *class_of(uint32_t class_oid)
{
    for (size_t i = 0; i < RDB_COUNT_OF(NAMED); i++)
        if (NAMED[i].class_oid == class_oid)
            return &NAMED[i];
    return NULL;
}

/* Operators and functions in a family. */
static bool name_member(rdb_call *call, bool is_operator, uint32_t oid, object_name *out)
{
    rdb_catalog_row row;
    bool found = false;
    object_name family = {.type = NULL};
    rdb_strbuf_init(&family.identity, call->arena);
    rdb_strbuf_init(&family.phrase, call->arena);
    if (!read_row(call, is_operator ? RDB_PG_AMOP : RDB_PG_AMPROC, is_operator ? 2756 : 2757, oid, &row, &found) || !found)
        return !rdb_error_is_set(call->err);
    out->type = is_operator ? "operator of access method" : "function of access method";
    const int number = row.values[(is_operator ? RDB_pg_amop_amopstrategy : RDB_pg_amproc_amprocnum) - 1].i16;
    if (!type_part(call, row.values[(is_operator ? RDB_pg_amop_amoplefttype : RDB_pg_amproc_amproclefttype) - 1].oid, &out->args[0]) ||
        !type_part(call, row.values[(is_operator ? RDB_pg_amop_amoprighttype : RDB_pg_amproc_amprocrighttype) - 1].oid, &out->args[1]) ||
        !name_named(call, class_of(RDB_PG_OPFAMILY), row.values[(is_operator ? RDB_pg_amop_amopfamily : RDB_pg_amproc_amprocfamily) - 1].oid, &family))
        return false;
    out->arg_count = 2;
    for (uint32_t i = 0; i < family.name_count; i++)
        add_part(out, family.names[i]);
    add_part(out, rdb_arena_printf(call->arena, "%d", number));
    rdb_strbuf_addf(&out->identity, "%s %d (%s, %s) of %s", is_operator ? "operator" : "function", number, out->args[0], out->args[1],
                    family.identity.data != NULL ? family.identity.data : "");
    return rdb_object_describe(access_of(call), (rdb_object_address){is_operator ? RDB_PG_AMOP : RDB_PG_AMPROC, oid, 0}, &out->phrase, call->err);
}

static bool name_object(rdb_call *call, uint32_t class_oid, uint32_t oid, int32_t sub, object_name *out)
{
    *out = (object_name){.type = NULL};
    rdb_strbuf_init(&out->identity, call->arena);
    rdb_strbuf_init(&out->phrase, call->arena);
    const named_class *class = class_of(class_oid);
    if (class != NULL)
        return name_named(call, class, oid, out);
    switch (class_oid) {
    case RDB_PG_LARGEOBJECT: {
        bool exists = false;
        const char *number = rdb_arena_printf(call->arena, "%u", oid);
        if (!rdb_large_object_exists(access_of(call), NULL, oid, &exists, call->err) || !exists)
            return !rdb_error_is_set(call->err);
        out->type = "large object";
        add_part(out, number);
        rdb_strbuf_adds(&out->identity, number);
        rdb_strbuf_addf(&out->phrase, "large object %s", number);
        return true;
    }
    case RDB_PG_CLASS: return name_relation(call, oid, sub, out);
    case RDB_PG_TYPE: return name_type(call, oid, out);
    case RDB_PG_PROC: return name_function(call, oid, out);
    case RDB_PG_OPERATOR: return name_operator(call, oid, out);
    case RDB_PG_CONSTRAINT: return name_constraint(call, oid, out);
    case RDB_PG_ATTRDEF: return name_default(call, oid, out);
    case RDB_PG_CAST: return name_cast(call, oid, out);
    case RDB_PG_AMOP:
    case RDB_PG_AMPROC: return name_member(call, class_oid == RDB_PG_AMOP, oid, out);
    default: return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized object class: %u", class_oid);
    }
}

static bool describe_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    object_name name;
    (void)nulls;
    *is_null = a[0].oid == 0 && a[1].oid == 0; /* a pinned object, in pg_depend of old */
    if (*is_null || !name_object(call, a[0].oid, a[1].oid, a[2].i32, &name))
        return *is_null;
    *is_null = name.type == NULL;
    return *is_null || (rdb_strbuf_check(&name.phrase, call->err) && expr_set_text(call, name.phrase.data, name.phrase.length, result));
}
EXPR_ROW_KERNEL(describe, 3)

static bool identify_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    object_name name;
    (void)nulls;
    if (!name_object(call, a[0].oid, a[1].oid, a[2].i32, &name) || !rdb_strbuf_check(&name.identity, call->err))
        return false;
    memset(column_nulls, 1, 4);
    if (name.type == NULL)
        return true;
    const char *const texts[4] = {name.type, name.schema, name.name, name.identity.data};
    for (int i = 0; i < 4; i++) {
        rdb_strbuf quoted;
        rdb_strbuf_init(&quoted, call->arena);
        column_nulls[i] = texts[i] == NULL;
        if (texts[i] == NULL)
            continue;
        if (i == 1 || i == 2)
            rdb_identifier_add(&quoted, texts[i]);
        else
            rdb_strbuf_adds(&quoted, texts[i]);
        if (!rdb_strbuf_check(&quoted, call->err))
            return false;
        columns[i] = expr_text(quoted.data);
    }
    return true;
}
EXPR_RECORD_KERNEL(identify, 3, RDB_TEXTOID, RDB_TEXTOID, RDB_TEXTOID, RDB_TEXTOID)

static bool as_address_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    object_name name;
    (void)nulls;
    if (!name_object(call, a[0].oid, a[1].oid, a[2].i32, &name))
        return false;
    memset(column_nulls, 1, 3);
    if (name.type == NULL)
        return true;
    column_nulls[0] = column_nulls[1] = column_nulls[2] = false;
    columns[0] = expr_text(name.type);
    return expr_text_array(call, name.names, name.name_count, &columns[1]) && expr_text_array(call, name.args, name.arg_count, &columns[2]);
}
EXPR_RECORD_KERNEL(as_address, 3, RDB_TEXTOID, TEXT_ARRAY, TEXT_ARRAY)

/* ---- from an address ---------------------------------------------------------------------------------------------------------------------- */
typedef struct address {
    const char *type;
    const char **names, **args;
    uint32_t name_count, arg_count;
    uint32_t class_oid, oid;
    int32_t sub;
} address;

static bool read_texts(rdb_call *call, rdb_datum array, const char ***texts, uint32_t *count)
{
    rdb_array_shape shape;
    rdb_datum value;
    rdb_array_get_shape(array, &shape);
    *count = shape.count;
    *texts = RDB_NEW_ARRAY(call->arena, const char *, shape.count + 1);
    for (uint32_t i = 0; i < shape.count; i++) {
        if (!rdb_array_get(array, i, &value))
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "name or argument lists may not contain nulls");
        (*texts)[i] = expr_get_text(call, value);
    }
    return true;
}

static bool want_names(rdb_call *call, const address *at, uint32_t least, uint32_t most)
{
    if (least == most && at->name_count != least)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "name list length must be exactly %u", least);
    return at->name_count >= least || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "name list length must be at least %u", least);
}

static bool want_args(rdb_call *call, const address *at, uint32_t count)
{
    return at->arg_count == count || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "argument list length must be exactly %u", count);
}

static bool find_type(rdb_call *call, const char *text, uint32_t *oid)
{
    return expr_find_reg(call, REGTYPE, (rdb_slice){(const uint8_t *)text, strlen(text)}, true, oid);
}

static const char *joined(rdb_call *call, const address *at, uint32_t first, uint32_t end)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    for (uint32_t i = first; i < end; i++)
        rdb_strbuf_addf(&text, "%s%s", i > first ? "." : "", at->names[i]);
    return text.data != NULL ? text.data : "";
}

/* The relation that the first `count` names mean. */
static bool find_relation(rdb_call *call, const address *at, uint32_t count, const rdb_relation **relation)
{
    if (count > 3)
        return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "improper relation name (too many dotted names): %s", joined(call, at, 0, count));
    const rdb_access_context *context = rdb_access_get_context(access_of(call));
    if (count == 3 && strcmp(at->names[0], rdb_database_name(context->database)) != 0)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: \"%s\"", joined(call, at, 0, count));
    if (!rdb_relation_find(access_of(call), count > 1 ? at->names[count - 2] : NULL, at->names[count - 1], relation, call->err))
        return false;
    return *relation != NULL || rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", joined(call, at, count > 2 ? 1 : 0, count));
}

static bool find_of_kind(rdb_call *call, address *at, const char *kinds, const char *article)
{
    const rdb_relation *relation = NULL;
    if (!find_relation(call, at, at->name_count, &relation))
        return false;
    if (strchr(kinds, relation->kind) == NULL)
        return rdb_error_set(call->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not %s", relation->name, article);
    at->class_oid = RDB_PG_CLASS;
    at->oid = relation->oid;
    return true;
}

static bool find_column(rdb_call *call, address *at, bool wants_default)
{
    const rdb_relation *relation = NULL;
    if (at->name_count < 2)
        return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "column name must be qualified");
    const char *column = at->names[at->name_count - 1];
    if (!find_relation(call, at, at->name_count - 1, &relation))
        return false;
    at->class_oid = RDB_PG_CLASS;
    at->oid = relation->oid;
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped && strcmp(relation->columns[i].name, column) == 0)
            at->sub = i + 1;
    if (at->sub == 0)
        return rdb_error_set(call->err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", column, joined(call, at, 0, at->name_count - 1));
    if (!wants_default)
        return true;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    const rdb_datum keys[] = {{.oid = relation->oid}, {.i16 = (int16_t)at->sub}};
    bool ok = rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_ATTRDEF, 2656, keys, 2, call->arena, call->err) && rdb_catalog_scan_next(scan, &row, &found, call->err);
    rdb_catalog_scan_close(&scan);
    at->class_oid = RDB_PG_ATTRDEF;
    at->sub = 0;
    at->oid = ok && found ? row.values[RDB_pg_attrdef_oid - 1].oid : 0;
    return ok && (found || rdb_error_set(call->err, RDB_UNDEFINED_COLUMN, "default value for column \"%s\" of relation \"%s\" does not exist", column,
                                         joined(call, at, 0, at->name_count - 1)));
}

static bool find_routine(rdb_call *call, address *at, const char *kinds)
{
    const rdb_function *const *functions;
    uint32_t count, types[ARGUMENTS_MAX];
    rdb_strbuf shown;
    rdb_strbuf_init(&shown, call->arena);
    for (uint32_t i = 0; i < at->arg_count && i < ARGUMENTS_MAX; i++) {
        const rdb_type *type = NULL;
        if (!find_type(call, at->args[i], &types[i]) || !rdb_type_get(access_of(call), types[i], &type, call->err))
            return false;
        rdb_strbuf_adds(&shown, i > 0 ? "," : "");
        rdb_type_format_name(type, -1, false, &shown);
    }
    if (at->name_count > 3)
        return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s", joined(call, at, 0, at->name_count));
    if (at->name_count == 3)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s", joined(call, at, 0, at->name_count));
    if (!rdb_function_find(access_of(call), at->name_count > 1 ? at->names[at->name_count - 2] : NULL, at->names[at->name_count - 1], &functions, &count, call->err))
        return false;
    for (uint32_t i = 0; i < count && at->oid == 0; i++)
        if (strchr(kinds, functions[i]->kind) != NULL && functions[i]->argument_count == at->arg_count && at->arg_count <= ARGUMENTS_MAX &&
            (at->arg_count == 0 || memcmp(functions[i]->argument_types, types, at->arg_count * sizeof *types) == 0))
            at->oid = functions[i]->oid;
    at->class_oid = RDB_PG_PROC;
    const char *arguments = at->arg_count == 0 && kinds[0] == 'a' ? "*" : shown.data != NULL ? shown.data : "";
    return at->oid != 0 || rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "%s %s(%s) does not exist", at->type, joined(call, at, 0, at->name_count), arguments);
}

static bool find_operator(rdb_call *call, address *at)
{
    const rdb_operator_entry *const *entries;
    uint32_t count, sides[2] = {0, 0};
    if (!want_args(call, at, 2))
        return false;
    for (int i = 0; i < 2; i++)
        if (strcmp(at->args[i], "-") != 0 && !find_type(call, at->args[i], &sides[i]))
            return false;
    if (!rdb_operator_find(access_of(call), at->name_count > 1 ? at->names[at->name_count - 2] : NULL, at->names[at->name_count - 1], &entries, &count, call->err))
        return false;
    for (uint32_t i = 0; i < count && at->oid == 0; i++)
        if (entries[i]->left_type == sides[0] && entries[i]->right_type == sides[1])
            at->oid = entries[i]->oid;
    at->class_oid = RDB_PG_OPERATOR;
    return at->oid != 0 || rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s%s%s %s", sides[0] != 0 ? at->args[0] : "", sides[0] != 0 ? " " : "",
                                         joined(call, at, 0, at->name_count), at->args[1]);
}

static bool is_text(const rdb_catalog_row *row, int column, const char *text)
{
    const rdb_bytes bytes = row->values[column - 1].bytes;
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* By name; in the schema (0: the path's first that has it), of the method and on the table where it has such. */
static bool find_row(rdb_call *call, const named_class *class, const char *name, uint32_t namespace_oid, uint32_t method_oid, uint32_t table_oid, uint32_t *oid)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true, ok;
    uint32_t path_count = 0, best = UINT32_MAX;
    const uint32_t *path = rdb_access_search_path(access_of(call), &path_count);
    *oid = 0;
    ok = rdb_catalog_scan_open(&scan, access_of(call), class->class_oid, 0, NULL, 0, call->arena, call->err);
    while (ok && (ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found) {
        uint32_t place = 0;
        if (!is_text(&row, class->name, name) || (class->method != 0 && row.values[class->method - 1].oid != method_oid) ||
            (class->table != 0 && row.values[class->table - 1].oid != table_oid) ||
            (class->schema != 0 && namespace_oid != 0 && row.values[class->schema - 1].oid != namespace_oid))
            continue;
        while (class->schema != 0 && namespace_oid == 0 && place < path_count && path[place] != row.values[class->schema - 1].oid)
            place++;
        if (place >= best || (class->schema != 0 && namespace_oid == 0 && place == path_count))
            continue;
        best = place;
        *oid = row.values[class->oid - 1].oid;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool find_named(rdb_call *call, const named_class *class, address *at)
{
    const rdb_relation *relation = NULL;
    uint32_t first = 0, end = at->name_count, namespace_oid = 0, method_oid = 0;
    const char *method = NULL, *name = at->names[end - 1];
    at->class_oid = class->class_oid;
    if (class->schema == 0 && class->table == 0 && !want_names(call, at, 1, 1))
        return false;
    if (class->table != 0) {
        if (at->name_count < 2)
            return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "must specify relation and object name");
        if (!find_relation(call, at, at->name_count - 1, &relation) || !find_row(call, class, name, 0, 0, relation->oid, &at->oid))
            return false;
        return at->oid != 0 || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist", class->type, name,
                                             class->class_oid == RDB_PG_REWRITE ? "relation" : "table", relation->name);
    }
    if (class->method != 0) {
        if (!want_names(call, at, 2, 9))
            return false;
        method = at->names[first++];
        if (!find_row(call, class_of(RDB_PG_AM), method, 0, 0, 0, &method_oid))
            return false;
        if (method_oid == 0)
            return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "access method \"%s\" does not exist", method);
    }
    if (end - first > 2)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s", joined(call, at, first, end));
    if (end - first == 2) {
        if (!rdb_namespace_find(access_of(call), at->names[first], &namespace_oid, call->err))
            return false;
        if (namespace_oid == 0)
            return rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", at->names[first]);
    }
    if (!find_row(call, class, name, namespace_oid, method_oid, 0, &at->oid))
        return false;
    if (at->oid != 0)
        return true;
    if (method != NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "%s \"%s\" does not exist for access method \"%s\"", class->type, joined(call, at, first, end), method);
    return rdb_error_set(call->err, class->class_oid == RDB_PG_NAMESPACE ? RDB_INVALID_SCHEMA_NAME : class->class_oid == RDB_PG_DATABASE ? RDB_INVALID_CATALOG_NAME : RDB_UNDEFINED_OBJECT,
                         class->class_oid == RDB_PG_COLLATION ? "%s \"%s\" for encoding \"UTF8\" does not exist" : "%s \"%s\" does not exist", class->type,
                         joined(call, at, first, end));
}

/* Operators and functions in a family: the method, the family, the number; two types. */
static bool find_member(rdb_call *call, address *at, bool is_operator)
{
    address family = *at;
    rdb_opfamily_member member = {.is_operator = is_operator};
    if (!want_names(call, at, 3, 9) || !want_args(call, at, 2))
        return false;
    family.name_count--;
    const char *number = at->names[at->name_count - 1];
    member.number = (int16_t)strtol(number, NULL, 10);
    if (!find_named(call, class_of(RDB_PG_OPFAMILY), &family) || !find_type(call, at->args[0], &member.left_type) || !find_type(call, at->args[1], &member.right_type) ||
        !rdb_opfamily_member_find(access_of(call), family.oid, &member, &at->oid, call->err))
        return false;
    at->class_oid = is_operator ? RDB_PG_AMOP : RDB_PG_AMPROC;
    return at->oid != 0 || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "%s %d (%s, %s) of operator family %s for access method %s does not exist", is_operator ? "operator" : "function",
                                         member.number, at->args[0], at->args[1], joined(call, at, 1, at->name_count - 1), at->names[0]);
}

static bool find_constraint(rdb_call *call, address *at)
{
    const rdb_relation *relation = NULL;
    if (at->name_count < 2)
        return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "must specify relation and object name");
    const char *name = at->names[at->name_count - 1];
    if (!find_relation(call, at, at->name_count - 1, &relation))
        return false;
    at->class_oid = RDB_PG_CONSTRAINT;
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (strcmp(relation->constraints[i].name, name) == 0)
            at->oid = relation->constraints[i].oid;
    return at->oid != 0 || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", name, relation->name);
}

static bool find_cast(rdb_call *call, address *at)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = false;
    uint32_t source, target;
    if (!want_names(call, at, 1, 1) || !want_args(call, at, 1) || !find_type(call, at->names[0], &source) || !find_type(call, at->args[0], &target))
        return false;
    const rdb_datum keys[] = {{.oid = source}, {.oid = target}};
    bool ok = rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_CAST, 2661, keys, 2, call->arena, call->err) && rdb_catalog_scan_next(scan, &row, &found, call->err);
    rdb_catalog_scan_close(&scan);
    at->class_oid = RDB_PG_CAST;
    at->oid = ok && found ? row.values[RDB_pg_cast_oid - 1].oid : 0;
    return ok && (found || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "cast from type %s to type %s does not exist", at->names[0], at->args[0]));
}

static bool find_object(rdb_call *call, address *at)
{
    static const struct { const char *type, *kinds, *article; } RELATIONS[] = {
        {"table", "rp", "a table"}, {"index", "iI", "an index"}, {"sequence", "S", "a sequence"}, {"view", "v", "a view"}, {"materialized view", "m", "a materialized view"},
        {"foreign table", "f", "a foreign table"}};
    static const char *const UNSUPPORTED[] = {"toast table", "index column", "sequence column", "toast table column", "view column", "materialized view column"};
    for (size_t i = 0; i < RDB_COUNT_OF(UNSUPPORTED); i++)
        if (strcmp(at->type, UNSUPPORTED[i]) == 0)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unsupported object type \"%s\"", at->type);
    const bool is_type = strcmp(at->type, "type") == 0;
    if (is_type) {
        at->class_oid = RDB_PG_TYPE;
        return want_names(call, at, 1, 1) && find_type(call, at->names[0], &at->oid);
    }
    if (strcmp(at->type, "large object") == 0) {
        char *end = NULL;
        if (!want_names(call, at, 1, 1))
            return false;
        const unsigned long oid = strtoul(at->names[0], &end, 10);
        if (end == at->names[0] || *end != '\0')
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type oid: \"%s\"", at->names[0]);
        bool exists = false;
        at->class_oid = RDB_PG_LARGEOBJECT;
        at->oid = (uint32_t)oid;
        return rdb_large_object_exists(rdb_eval_of(call)->access, NULL, at->oid, &exists, call->err) &&
               (exists || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "large object %lu does not exist", oid));
    }
    if (at->name_count == 0)
        return want_names(call, at, 1, 9);
    for (size_t i = 0; i < RDB_COUNT_OF(RELATIONS); i++)
        if (strcmp(at->type, RELATIONS[i].type) == 0)
            return find_of_kind(call, at, RELATIONS[i].kinds, RELATIONS[i].article);
    for (size_t i = 0; i < RDB_COUNT_OF(NAMED); i++)
        if (strcmp(at->type, NAMED[i].type) == 0)
            return find_named(call, &NAMED[i], at);
    if (strcmp(at->type, "table column") == 0 || strcmp(at->type, "foreign table column") == 0)
        return find_column(call, at, false);
    if (strcmp(at->type, "default value") == 0)
        return find_column(call, at, true);
    if (strcmp(at->type, "function") == 0)
        return find_routine(call, at, "fw");
    if (strcmp(at->type, "procedure") == 0)
        return find_routine(call, at, "p");
    if (strcmp(at->type, "aggregate") == 0)
        return find_routine(call, at, "a");
    if (strcmp(at->type, "operator") == 0)
        return find_operator(call, at);
    if (strcmp(at->type, "cast") == 0)
        return find_cast(call, at);
    if (strcmp(at->type, "table constraint") == 0)
        return find_constraint(call, at);
    if (strcmp(at->type, "operator of access method") == 0 || strcmp(at->type, "function of access method") == 0)
        return find_member(call, at, at->type[0] == 'o');
    static const char *const UNBUILT[] = {"domain constraint", "user mapping", "default acl", "transform", "publication namespace", "publication relation", "parameter ACL"};
    for (size_t i = 0; i < RDB_COUNT_OF(UNBUILT); i++)
        if (strcmp(at->type, UNBUILT[i]) == 0)
            return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "addresses of objects of type \"%s\" are not supported yet", at->type);
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized object type \"%s\"", at->type);
}

static bool by_names_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    address at = {.type = expr_get_text(call, a[0])};
    (void)nulls;
    if (!read_texts(call, a[1], &at.names, &at.name_count) || !read_texts(call, a[2], &at.args, &at.arg_count) || !find_object(call, &at))
        return false;
    column_nulls[0] = column_nulls[1] = column_nulls[2] = false;
    columns[0].oid = at.class_oid;
    columns[1].oid = at.oid;
    columns[2].i32 = at.sub;
    return true;
}
EXPR_RECORD_KERNEL(by_names, 3, RDB_OIDOID, RDB_OIDOID, RDB_INT4OID)

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 3839, .state_bytes = sizeof(expr_rows), .begin = identify_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 3382, .state_bytes = sizeof(expr_rows), .begin = as_address_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 3954, .state_bytes = sizeof(expr_rows), .begin = by_names_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

static const rdb_kernel_entry ENTRIES[] = {
    {3537, describe, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3839, identify, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3382, as_address, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3954, by_names, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
};

void expr_register_object_addresses(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
