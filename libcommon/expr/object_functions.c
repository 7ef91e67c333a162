/* SPDX-License-Identifier: Apache-2.0
 * Functions about single objects of the catalog: what they are called for people (pg_describe_object) and for programs
 * (pg_identify_object), comments of whatever has the number, definitions of sequences, names made of a name and a number. */
#include "expr/kernels.h"
#include <stdio.h>

enum { INDEX_DESCRIPTION = 2675, INDEX_SEQUENCE = 5002, INDEX_CONSTRAINT_OID = 2667, INDEX_ATTRDEF_OID = 2657, INDEX_OPCLASS_OID = 2687, INDEX_REWRITE_OID = 2692 };

static rdb_access *access_of(rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

/* ---- descriptions ----------------------------------------------------------------------------------------------------------------------- */
typedef struct object_name {
    const char *type;             /* "table", "function of access method"... NULL: there is no such object */
    const char *schema, *name;    /* NULL: has none */
    rdb_strbuf identity, phrase;  /* for programs, qualified; for people */
} object_name;

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
    if (type->namespace_oid != RDB_NAMESPACE_PG_CATALOG) {
        rdb_identifier_add(&out->identity, schema);
        rdb_strbuf_addc(&out->identity, '.');
    }
    rdb_type_format_name(type, -1, false, &out->identity);
    rdb_strbuf_adds(&out->phrase, "type ");
    return rdb_expr_format_type(access_of(call), type, -1, false, &out->phrase, call->err);
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
    rdb_strbuf_addf(&out->phrase, "%s ", function->kind == 'p' ? "procedure" : function->kind == 'a' ? "aggregate" : "function");
    return expr_add_function(call, oid, true, &out->identity, &found) && expr_add_function(call, oid, false, &out->phrase, &found);
}

static bool name_operator(rdb_call *call, uint32_t oid, object_name *out)
{
    bool found = false;
    rdb_strbuf_adds(&out->phrase, "operator ");
    if (!expr_add_operator(call, oid, true, &out->identity, &found) || !expr_add_operator(call, oid, false, &out->phrase, &found))
        return false;
    out->type = found ? "operator" : NULL;
    out->schema = "pg_catalog";
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
    rdb_strbuf_addf(&out->identity, "for %s", of.identity.data);
    rdb_strbuf_addf(&out->phrase, "default value for %s", of.phrase.data);
    return true;
}

static bool name_rule(rdb_call *call, uint32_t oid, object_name *out)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum table = {.words = {0, 0}}, name = {.words = {0, 0}};
    bool is_null = true, found = false;
    object_name of = {.type = NULL};
    rdb_strbuf_init(&of.identity, call->arena);
    rdb_strbuf_init(&of.phrase, call->arena);
    if (!expr_read_catalog(call, RDB_PG_REWRITE, INDEX_REWRITE_OID, &key, 1, RDB_pg_rewrite_ev_class, RDB_REP_INT32, &table, &is_null, &found) ||
        !expr_read_catalog(call, RDB_PG_REWRITE, INDEX_REWRITE_OID, &key, 1, RDB_pg_rewrite_rulename, RDB_REP_BYTES, &name, &is_null, &found))
        return false;
    if (!found || !name_relation(call, table.oid, 0, &of) || of.type == NULL)
        return !rdb_error_is_set(call->err);
    out->type = "rule";
    rdb_identifier_add(&out->identity, expr_get_text(call, name));
    rdb_strbuf_addf(&out->identity, " on %s", of.identity.data);
    rdb_strbuf_addf(&out->phrase, "rule %s on %s", expr_get_text(call, name), of.phrase.data);
    return true;
}

/* Objects whose row has nothing but a name. */
static bool name_plain(rdb_call *call, const char *type, uint32_t catalog, uint32_t index, uint32_t oid, uint16_t column, object_name *out)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum name = {.words = {0, 0}};
    bool is_null = true, found = false;
    if (!expr_read_catalog(call, catalog, index, &key, 1, column, RDB_REP_BYTES, &name, &is_null, &found))
        return false;
    if (!found)
        return true;
    out->type = type;
    out->name = expr_get_text(call, name);
    rdb_identifier_add(&out->identity, out->name);
    rdb_strbuf_addf(&out->phrase, "%s %s", type, out->name);
    return true;
}

static bool name_object(rdb_call *call, uint32_t class_oid, uint32_t oid, int32_t sub, object_name *out)
{
    *out = (object_name){.type = NULL};
    rdb_strbuf_init(&out->identity, call->arena);
    rdb_strbuf_init(&out->phrase, call->arena);
    switch (class_oid) {
    case RDB_PG_CLASS: return name_relation(call, oid, sub, out);
    case RDB_PG_TYPE: return name_type(call, oid, out);
    case RDB_PG_PROC: return name_function(call, oid, out);
    case RDB_PG_OPERATOR: return name_operator(call, oid, out);
    case RDB_PG_CONSTRAINT: return name_constraint(call, oid, out);
    case RDB_PG_ATTRDEF: return name_default(call, oid, out);
    case RDB_PG_REWRITE: return name_rule(call, oid, out);
    case RDB_PG_NAMESPACE: return name_plain(call, "schema", RDB_PG_NAMESPACE, 2685, oid, RDB_pg_namespace_nspname, out);
    case RDB_PG_AUTHID: return name_plain(call, "role", RDB_PG_AUTHID, 2677, oid, RDB_pg_authid_rolname, out);
    case RDB_PG_DATABASE: return name_plain(call, "database", RDB_PG_DATABASE, 2672, oid, RDB_pg_database_datname, out);
    case RDB_PG_TABLESPACE: return name_plain(call, "tablespace", RDB_PG_TABLESPACE, 2697, oid, RDB_pg_tablespace_spcname, out);
    case 2612: return name_plain(call, "language", 2612, 2682, oid, RDB_pg_language_lanname, out);
    case RDB_PG_AM: return name_plain(call, "access method", RDB_PG_AM, 2652, oid, RDB_pg_am_amname, out);
    case RDB_PG_COLLATION: return name_plain(call, "collation", RDB_PG_COLLATION, 3085, oid, RDB_pg_collation_collname, out);
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
        column_nulls[i] = texts[i] == NULL;
        if (texts[i] != NULL)
            columns[i] = expr_text(texts[i]);
    }
    return true;
}
EXPR_RECORD_KERNEL(identify, 3, RDB_TEXTOID, RDB_TEXTOID, RDB_TEXTOID, RDB_TEXTOID)

/* ---- comments ------------------------------------------------------------------------------------------------------------------------------ */
/* obj_description(oid): of whichever catalog has a comment under the number. */
static bool any_comment_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    (void)nulls;
    *is_null = true;
    if (!rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_DESCRIPTION, INDEX_DESCRIPTION, a, 1, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found && *is_null)
        if (row.values[RDB_pg_description_objsubid - 1].i32 == 0) {
            *is_null = false;
            ok = rdb_datum_copy(call->arena, RDB_REP_BYTES, row.values[RDB_pg_description_description - 1], result, call->err);
        }
    rdb_catalog_scan_close(&scan);
    return ok;
}
EXPR_ROW_KERNEL(any_comment, 1)

/* ---- sequences ------------------------------------------------------------------------------------------------------------------------------ */
static bool sequence_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    static const uint16_t SOURCES[] = {RDB_pg_sequence_seqstart, RDB_pg_sequence_seqmin, RDB_pg_sequence_seqmax, RDB_pg_sequence_seqincrement,
                                       RDB_pg_sequence_seqcycle, RDB_pg_sequence_seqcache, RDB_pg_sequence_seqtypid};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = false;
    (void)nulls;
    if (!rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_SEQUENCE, INDEX_SEQUENCE, a, 1, call->arena, call->err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, &found, call->err);
    for (size_t i = 0; ok && found && i < RDB_COUNT_OF(SOURCES); i++) {
        columns[i] = row.values[SOURCES[i] - 1];
        column_nulls[i] = row.is_null[SOURCES[i] - 1];
    }
    rdb_catalog_scan_close(&scan);
    return ok && (found || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "cache lookup failed for sequence %u", a[0].oid));
}
EXPR_RECORD_KERNEL(sequence, 1, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_BOOLOID, RDB_INT8OID, RDB_OIDOID)

/* ---- odds and ends ---------------------------------------------------------------------------------------------------------------------------- */
/* information_schema's specific names: "name_oid", the name cut so that it stays one. */
static bool name_and_oid_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    char suffix[16], text[RDB_NAMEDATALEN];
    (void)nulls, (void)is_null;
    int suffix_length = snprintf(suffix, sizeof suffix, "_%u", a[1].oid);
    const char *name = expr_get_text(call, a[0]);
    size_t length = RDB_MIN(strlen(name), RDB_NAMEDATALEN - 1 - (size_t)suffix_length);
    while (length < strlen(name) && length > 0 && ((uint8_t)name[length] & 0xC0) == 0x80)
        length--;
    int total = snprintf(text, sizeof text, "%.*s%s", (int)length, name, suffix);
    return expr_set_text(call, text, (size_t)total, result);
}
EXPR_ROW_KERNEL(name_and_oid, 2)

static bool replica_index_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    (void)nulls;
    if (!rdb_relation_get(access_of(call), a[0].oid, &relation, call->err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->index_count; i++)
        if (relation->indexes[i].is_primary)
            result->oid = relation->indexes[i].oid;
    *is_null = result->oid == 0;
    return true;
}
EXPR_ROW_KERNEL(replica_index, 1)

static bool databases_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    (void)is_null;
    if (arguments[0].oid != 1663)
        return true;
    if (!rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_DATABASE, 0, NULL, 0, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found) {
        const rdb_datum oid = {.oid = row.values[RDB_pg_database_oid - 1].oid};
        const bool null = false;
        expr_rows_add(call, state, &oid, &null, 1);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 3839, .state_bytes = sizeof(expr_rows), .begin = identify_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 3078, .state_bytes = sizeof(expr_rows), .begin = sequence_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 2556, .state_bytes = sizeof(expr_rows), .begin = databases_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

static const rdb_kernel_entry ENTRIES[] = {
    {3537, describe, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {3839, identify, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {1348, any_comment, RDB_KERNEL_NEEDS_SESSION},
    {3078, sequence, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {266, name_and_oid, 0},
    {6120, replica_index, RDB_KERNEL_NEEDS_SESSION},
};

void expr_register_object_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
