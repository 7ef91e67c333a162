/* SPDX-License-Identifier: Apache-2.0
 * The reg* types: names of objects to their OIDs and back, by search_path, and the to_reg* functions, which give null where a name
 * means nothing. A name is printed so that it would be read back as the same object. */
#include "expr/kernels.h"
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum {
    REGPROCEDURE = 2202, REGOPER = 2203, REGOPERATOR = 2204, REGCONFIG = 3734, REGDICTIONARY = 3769, REGCOLLATION = 4191,
    PG_TS_DICT = 3600, PG_TS_PARSER = 3601, PG_TS_TEMPLATE = 3764, PG_TS_CONFIG = 3602, INDEX_COLLATION_OID = 3085, INDEX_TS_CONFIG_OID = 3712, INDEX_TS_DICT_OID = 3605
};

static rdb_access *access_of(rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

static bool all_digits(rdb_slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.length > 0;
}

static rdb_slice trim(rdb_slice text)
{
    while (text.length > 0 && isspace(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && isspace(text.data[text.length - 1]))
        text.length--;
    return text;
}

/* ---- types ------------------------------------------------------------------------------------------------------------------------------ */
/* SQL's own spellings of built-in types, which are no identifiers or stand for another name. */
static uint32_t spelled_type(rdb_slice text)
{
    static const struct { const char *spelling; uint32_t oid; } spellings[] = {
        {"integer", RDB_INT4OID}, {"int", RDB_INT4OID}, {"bigint", RDB_INT8OID}, {"smallint", RDB_INT2OID}, {"real", RDB_FLOAT4OID}, {"double precision", RDB_FLOAT8OID}, {"decimal", RDB_NUMERICOID},
        {"boolean", RDB_BOOLOID}, {"character varying", RDB_VARCHAROID}, {"character", RDB_BPCHAROID}, {"char", RDB_BPCHAROID}, {"timestamp without time zone", RDB_TIMESTAMPOID},
        {"timestamp with time zone", RDB_TIMESTAMPTZOID}, {"time without time zone", RDB_TIMEOID}, {"time with time zone", RDB_TIMETZOID}, {"bit varying", RDB_VARBITOID}};
    for (uint32_t i = 0; i < RDB_COUNT_OF(spellings); i++)
        if (strlen(spellings[i].spelling) == text.length && strncasecmp(spellings[i].spelling, (const char *)text.data, text.length) == 0)
            return spellings[i].oid;
    return 0;
}


/* A schema that is named must be there. */
static bool check_schema(rdb_call *call, const char *schema, bool strict, bool *missing)
{
    uint32_t oid = 0;
    *missing = false;
    if (schema == NULL)
        return true;
    if (!rdb_namespace_find(access_of(call), schema, &oid, call->err))
        return false;
    *missing = oid == 0;
    return oid != 0 || !strict || rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
}

/* "schema.name(10,2)[]": modifiers are read over. */
static bool find_type(rdb_call *call, rdb_slice text, bool strict, uint32_t *oid)
{
    const char *shown = rdb_arena_strndup(call->arena, (const char *)text.data, text.length), *parts[3];
    uint32_t count = 0;
    bool is_array = false, missing = false;
    const rdb_type *type = NULL;
    *oid = 0;
    text = trim(text);
    while (text.length > 2 && text.data[text.length - 1] == ']') {
        size_t at = text.length - 1;
        while (at > 0 && text.data[at] != '[')
            at--;
        is_array = true;
        text.length = at;
        text = trim(text);
    }
    const uint8_t *bracket = text.length > 0 && text.data[0] != '"' ? memchr(text.data, '(', text.length) : NULL;
    if (bracket != NULL) { /* what follows the modifier belongs to the name: timestamp(3) with time zone */
        const uint8_t *end = memchr(bracket, ')', text.length - (size_t)(bracket - text.data));
        if (end != NULL) {
            const char *joined = rdb_arena_printf(call->arena, "%.*s%.*s", (int)(bracket - text.data), (const char *)text.data,
                                                  (int)(text.length - (size_t)(end + 1 - text.data)), (const char *)end + 1);
            text = trim((rdb_slice){(const uint8_t *)joined, strlen(joined)});
        }
    }
    *oid = spelled_type(text);
    if (*oid == 0 && text.length > 8 && strncasecmp((const char *)text.data, "interval", 8) == 0 && isspace(text.data[8]))
        *oid = RDB_INTERVALOID;
    if (*oid == 0) {
        if (!expr_split_name(call, text, parts, &count) || !check_schema(call, count > 1 ? parts[count - 2] : NULL, strict, &missing))
            return false;
        if (!missing && !rdb_type_find(access_of(call), count > 1 ? parts[count - 2] : NULL, parts[count - 1], &type, call->err))
            return false;
        *oid = type != NULL ? type->oid : 0;
    }
    if (*oid != 0 && is_array) {
        if (!rdb_type_get(access_of(call), *oid, &type, call->err))
            return false;
        *oid = type != NULL ? type->array_oid : 0;
    }
    return *oid != 0 || !strict || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", shown);
}

/* ---- functions and operators -------------------------------------------------------------------------------------------------------------- */
/* "name(type, type)" into the name and the types' OIDs, which must be there; none: NONE is a missing operand. */
static bool split_arguments(rdb_call *call, rdb_slice text, bool none, rdb_slice *name, uint32_t types[128], uint32_t *count)
{
    size_t open = 0;
    bool quoted = false;
    *count = 0;
    for (; open < text.length && (quoted || text.data[open] != '('); open++)
        quoted = text.data[open] == '"' ? !quoted : quoted;
    if (open == text.length)
        return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
    *name = trim((rdb_slice){text.data, open});
    text = trim(text);
    if (text.data[text.length - 1] != ')')
        return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "expected a right parenthesis");
    size_t at = open + 1, end = text.length - 1, depth = 0;
    if (trim((rdb_slice){text.data + at, end - at}).length == 0)
        return true;
    for (size_t from = at; at <= end; at++) {
        if (at < end && text.data[at] == '"')
            quoted = !quoted;
        depth += at < end && !quoted && text.data[at] == '(';
        depth -= at < end && !quoted && depth > 0 && text.data[at] == ')';
        if (at < end && (quoted || depth > 0 || text.data[at] != ','))
            continue;
        const rdb_slice type = trim((rdb_slice){text.data + from, at - from});
        if (*count == 100)
            return rdb_error_set(call->err, RDB_TOO_MANY_ARGUMENTS, "too many arguments");
        if (type.length == 0)
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "expected a type name");
        types[*count] = 0;
        bool is_none = none && type.length == 4 && strncasecmp((const char *)type.data, "none", 4) == 0;
        if (!is_none && !find_type(call, type, true, &types[*count]))
            return false;
        ++*count;
        from = at + 1;
    }
    return true;
}

static bool no_function(rdb_call *call, rdb_slice text)
{
    return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "function \"%s\" does not exist", rdb_arena_strndup(call->arena, (const char *)text.data, text.length));
}

static bool find_function(rdb_call *call, rdb_slice text, bool with_arguments, bool strict, uint32_t *oid)
{
    const char *parts[3];
    uint32_t count = 0, candidate_count = 0, types[128], type_count = 0;
    const rdb_function *const *candidates = NULL;
    rdb_slice name = text;
    bool missing_schema = false;
    *oid = 0;
    if (with_arguments && !split_arguments(call, text, false, &name, types, &type_count))
        return false;
    if (!expr_split_name(call, name, parts, &count) || !check_schema(call, count > 1 ? parts[count - 2] : NULL, strict, &missing_schema))
        return false;
    if (!missing_schema && !rdb_function_find(access_of(call), count > 1 ? parts[count - 2] : NULL, parts[count - 1], &candidates, &candidate_count, call->err))
        return false;
    if (!with_arguments && candidate_count > 1)
        return !strict || rdb_error_set(call->err, RDB_AMBIGUOUS_FUNCTION, "more than one function named \"%s\"",
                                        rdb_arena_strndup(call->arena, (const char *)text.data, text.length));
    for (uint32_t i = 0; i < candidate_count && *oid == 0; i++)
        if (!with_arguments || (candidates[i]->argument_count == type_count &&
                                (type_count == 0 || memcmp(candidates[i]->argument_types, types, type_count * sizeof *types) == 0)))
            *oid = candidates[i]->oid;
    return *oid != 0 || !strict || no_function(call, text);
}

static bool no_operator(rdb_call *call, rdb_slice text)
{
    return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s", rdb_arena_strndup(call->arena, (const char *)text.data, text.length));
}

static bool find_operator(rdb_call *call, rdb_slice text, bool with_arguments, bool strict, uint32_t *oid)
{
    uint32_t count = 0, candidate_count = 0, types[128] = {0}, type_count = 0;
    const rdb_operator_entry *const *candidates = NULL;
    const char *parts[3], *schema = NULL;
    rdb_slice name = text;
    bool missing_schema = false;
    *oid = 0;
    if (with_arguments) {
        if (!split_arguments(call, text, true, &name, types, &type_count))
            return false;
        if (type_count == 1) {
            rdb_error_set(call->err, RDB_UNDEFINED_PARAMETER, "missing argument");
            return rdb_error_hint(call->err, "Use NONE to denote the missing argument of a unary operator.");
        }
        if (type_count != 2) {
            rdb_error_set(call->err, RDB_TOO_MANY_ARGUMENTS, "too many arguments");
            return rdb_error_hint(call->err, "Provide two argument types for operator.");
        }
    }
    name = trim(name);
    size_t dot = name.length;
    while (dot > 0 && name.data[dot - 1] != '.')
        dot--;
    if (dot > 0) {
        if (!expr_split_name(call, (rdb_slice){name.data, dot - 1}, parts, &count))
            return false;
        schema = parts[count - 1];
        /* with arguments, the operator is what is missing */
        if (!check_schema(call, schema, strict && !with_arguments, &missing_schema))
            return false;
    }
    const char *symbol = rdb_arena_strndup(call->arena, (const char *)name.data + dot, name.length - dot);
    if (!missing_schema && !rdb_operator_find(access_of(call), schema, symbol, &candidates, &candidate_count, call->err))
        return false;
    if (!with_arguments && candidate_count > 1)
        return !strict || rdb_error_set(call->err, RDB_AMBIGUOUS_FUNCTION, "more than one operator named %s",
                                        rdb_arena_strndup(call->arena, (const char *)text.data, text.length));
    for (uint32_t i = 0; i < candidate_count && *oid == 0; i++)
        if (!with_arguments || (candidates[i]->left_type == types[0] && candidates[i]->right_type == types[1]))
            *oid = candidates[i]->oid;
    return *oid != 0 || !strict || no_operator(call, text);
}

/* ---- objects of small catalogs ------------------------------------------------------------------------------------------------------------- */
/* The first one in the path, or in the schema that is named. Columns: of the OID, the name, the schema. */
static bool find_in_catalog(rdb_call *call, uint32_t catalog_oid, uint16_t name_column, uint16_t schema_column, rdb_slice text, const char *what, bool strict, uint32_t *oid)
{
    const char *parts[3];
    uint32_t count = 0, path_count = 0, schema_oid = 0;
    bool missing = false, found = true, ok;
    *oid = 0;
    if (!expr_split_name(call, text, parts, &count) || !check_schema(call, count > 1 ? parts[count - 2] : NULL, strict, &missing))
        return false;
    if (count > 1 && !missing && !rdb_namespace_find(access_of(call), parts[count - 2], &schema_oid, call->err))
        return false;
    const uint32_t *path = rdb_access_search_path(access_of(call), &path_count);
    uint32_t best = UINT32_MAX;
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    if (!rdb_catalog_scan_open(&scan, access_of(call), catalog_oid, 0, NULL, 0, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found && !missing) {
        const rdb_bytes name = row.values[name_column - 1].bytes;
        uint32_t namespace_oid = row.values[schema_column - 1].oid, rank = schema_oid != 0 ? (namespace_oid == schema_oid ? 0 : UINT32_MAX) : UINT32_MAX;
        if (name.length != strlen(parts[count - 1]) || memcmp(name.data, parts[count - 1], name.length) != 0)
            continue;
        for (uint32_t i = 0; schema_oid == 0 && i < path_count && rank == UINT32_MAX; i++)
            if (path[i] == namespace_oid)
                rank = i;
        if (rank < best) {
            best = rank;
            *oid = row.values[0].oid;
        }
    }
    rdb_catalog_scan_close(&scan);
    if (!ok)
        return false;
    if (*oid != 0 || !strict)
        return true;
    const char *shown = rdb_arena_strndup(call->arena, (const char *)text.data, text.length);
    return catalog_oid == RDB_PG_COLLATION ? rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "collation \"%s\" for encoding \"UTF8\" does not exist", shown)
                                           : rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "%s \"%s\" does not exist", what, shown);
}

bool expr_find_template(rdb_call *call, rdb_slice text, uint32_t *oid)
{
    return find_in_catalog(call, PG_TS_TEMPLATE, RDB_pg_ts_template_tmplname, RDB_pg_ts_template_tmplnamespace, text, "text search template", true, oid);
}

bool expr_find_parser(rdb_call *call, rdb_slice text, uint32_t *oid)
{
    return find_in_catalog(call, PG_TS_PARSER, RDB_pg_ts_parser_prsname, RDB_pg_ts_parser_prsnamespace, text, "text search parser", true, oid);
}

static bool find_relation(rdb_call *call, rdb_slice text, bool strict, uint32_t *oid)
{
    const char *parts[3];
    uint32_t count = 0;
    bool missing = false;
    const rdb_relation *relation = NULL;
    *oid = 0;
    if (!expr_split_name(call, text, parts, &count))
        return false;
    if (count == 3 && strcmp(parts[0], rdb_database_name(rdb_access_get_context(access_of(call))->database)) != 0)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: \"%s.%s.%s\"", parts[0], parts[1], parts[2]);
    if (!check_schema(call, count > 1 ? parts[count - 2] : NULL, false, &missing))
        return false;
    if (!missing && !rdb_relation_find(access_of(call), count > 1 ? parts[count - 2] : NULL, parts[count - 1], &relation, call->err))
        return false;
    *oid = relation != NULL ? relation->oid : 0;
    if (missing && strict)
        return rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", parts[count - 2]);
    return *oid != 0 || !strict ||
           rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "relation \"%s%s%s\" does not exist", count > 1 ? parts[count - 2] : "", count > 1 ? "." : "", parts[count - 1]);
}

static bool find_single(rdb_call *call, uint32_t reg_type, rdb_slice text, bool strict, uint32_t *oid)
{
    const char *parts[3];
    uint32_t count = 0;
    *oid = 0;
    if (!expr_split_name(call, text, parts, &count))
        return false;
    if (count != 1)
        return rdb_error_set(call->err, RDB_INVALID_NAME, "invalid name syntax");
    if (reg_type == RDB_REGNAMESPACEOID) {
        if (!rdb_namespace_find(access_of(call), parts[0], oid, call->err))
            return false;
        return *oid != 0 || !strict || rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", parts[0]);
    }
    rdb_role role;
    bool found = false;
    if (!rdb_role_find_within(access_of(call), parts[0], &role, &found, call->err))
        return false;
    *oid = found ? role.oid : 0;
    return found || !strict || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", parts[0]);
}

bool expr_find_reg(rdb_call *call, uint32_t reg_type, rdb_slice text, bool strict, uint32_t *oid)
{
    switch (reg_type) {
    case RDB_REGCLASSOID: return find_relation(call, text, strict, oid);
    case RDB_REGTYPEOID: return find_type(call, text, strict, oid);
    case RDB_REGPROCOID: return find_function(call, text, false, strict, oid);
    case REGPROCEDURE: return find_function(call, text, true, strict, oid);
    case REGOPER: return find_operator(call, text, false, strict, oid);
    case REGOPERATOR: return find_operator(call, text, true, strict, oid);
    case REGCONFIG: return find_in_catalog(call, PG_TS_CONFIG, RDB_pg_ts_config_cfgname, RDB_pg_ts_config_cfgnamespace, text, "text search configuration", strict, oid);
    case REGDICTIONARY: return find_in_catalog(call, PG_TS_DICT, RDB_pg_ts_dict_dictname, RDB_pg_ts_dict_dictnamespace, text, "text search dictionary", strict, oid);
    case REGCOLLATION: return find_in_catalog(call, RDB_PG_COLLATION, RDB_pg_collation_collname, RDB_pg_collation_collnamespace, text, "collation", strict, oid);
    default: return find_single(call, reg_type, text, strict, oid);
    }
}

static bool input_reg(rdb_call *call, const rdb_type *type, rdb_slice text, uint32_t *oid)
{
    *oid = 0;
    if (text.length == 1 && text.data[0] == '-')
        return true;
    if (all_digits(text)) {
        char digits[24] = "";
        memcpy(digits, text.data, RDB_MIN(text.length, sizeof digits - 1));
        *oid = (uint32_t)strtoul(digits, NULL, 10);
        return true;
    }
    if (call->session == NULL || access_of(call) == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "names of type %s need a catalog", type->name);
    return expr_find_reg(call, type->oid, text, true, oid);
}

/* ---- printing -------------------------------------------------------------------------------------------------------------------------------- */
static bool add_schema(rdb_call *call, uint32_t namespace_oid, rdb_strbuf *text)
{
    char name[RDB_NAMEDATALEN] = "";
    if (!rdb_namespace_get_name(access_of(call), namespace_oid, name, call->err))
        return false;
    rdb_identifier_add(text, name);
    rdb_strbuf_addc(text, '.');
    return true;
}

static bool add_type(rdb_call *call, uint32_t oid, bool always_qualify, rdb_strbuf *text)
{
    const rdb_type *type = NULL;
    if (!rdb_type_get(access_of(call), oid, &type, call->err))
        return false;
    if (type == NULL)
        return true;
    const rdb_type *named = type->element != NULL ? type->element : type;
    if (always_qualify && named->namespace_oid != RDB_NAMESPACE_PG_CATALOG) {
        if (!add_schema(call, named->namespace_oid, text))
            return false;
        rdb_type_format_name(type, -1, false, text);
        return true;
    }
    return rdb_expr_format_type(access_of(call), type, -1, false, text, call->err);
}

/* Is it the first of its name and types in the path; is it the only one of its name? */
static bool look_up_function(rdb_call *call, const rdb_function *function, bool *is_first, bool *is_only)
{
    const rdb_function *const *candidates = NULL;
    uint32_t count = 0;
    *is_first = false;
    if (!rdb_function_find(access_of(call), NULL, function->name, &candidates, &count, call->err))
        return false;
    *is_only = count == 1 && candidates[0]->oid == function->oid;
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i]->argument_count == function->argument_count &&
            (function->argument_count == 0 ||
             memcmp(candidates[i]->argument_types, function->argument_types, function->argument_count * sizeof(uint32_t)) == 0)) {
            *is_first = candidates[i]->oid == function->oid;
            break;
        }
    return true;
}

bool expr_add_function(rdb_call *call, uint32_t oid, bool always_qualify, rdb_strbuf *text, bool *found)
{
    const rdb_function *function = NULL;
    bool is_first = false, is_only;
    if (!rdb_function_get(access_of(call), oid, &function, call->err))
        return false;
    *found = function != NULL;
    if (function == NULL)
        return true;
    if ((!always_qualify && !look_up_function(call, function, &is_first, &is_only)) || (!is_first && !add_schema(call, function->namespace_oid, text)))
        return false;
    rdb_identifier_add(text, function->name);
    for (uint16_t i = 0; i < function->argument_count; i++) {
        rdb_strbuf_addc(text, i == 0 ? '(' : ',');
        if (!add_type(call, function->argument_types[i], always_qualify, text))
            return false;
    }
    rdb_strbuf_adds(text, function->argument_count == 0 ? "()" : ")");
    return true;
}

bool expr_add_operator(rdb_call *call, uint32_t oid, bool always_qualify, rdb_strbuf *text, bool *found)
{
    const rdb_operator_entry *entry = NULL, *const *candidates = NULL;
    uint32_t count = 0;
    bool is_first = false;
    if (!rdb_operator_get(access_of(call), oid, &entry, call->err))
        return false;
    *found = entry != NULL;
    if (entry == NULL)
        return true;
    if (!always_qualify && !rdb_operator_find(access_of(call), NULL, entry->name, &candidates, &count, call->err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i]->left_type == entry->left_type && candidates[i]->right_type == entry->right_type) {
            is_first = candidates[i]->oid == oid;
            break;
        }
    if (!is_first && !add_schema(call, entry->namespace_oid, text))
        return false;
    rdb_strbuf_addf(text, "%s(", entry->name);
    if (entry->left_type == 0)
        rdb_strbuf_adds(text, "NONE");
    else if (!add_type(call, entry->left_type, always_qualify, text))
        return false;
    rdb_strbuf_addc(text, ',');
    if (entry->right_type == 0)
        rdb_strbuf_adds(text, "NONE");
    else if (!add_type(call, entry->right_type, always_qualify, text))
        return false;
    rdb_strbuf_addc(text, ')');
    return true;
}

/* *found false: printed as its number. */
static bool add_name(rdb_call *call, uint32_t reg_type, uint32_t oid, rdb_strbuf *text, bool *found)
{
    rdb_access *access = access_of(call);
    *found = false;
    switch (reg_type) {
    case RDB_REGCLASSOID: {
        const rdb_relation *relation = NULL;
        bool is_visible = false;
        if (!rdb_relation_get(access, oid, &relation, call->err) || (relation != NULL && !rdb_relation_is_visible(access, oid, &is_visible, call->err)))
            return false;
        *found = relation != NULL;
        if (*found)
            expr_add_qualified(text, is_visible ? NULL : relation->namespace_name, relation->name);
        return true;
    }
    case RDB_REGTYPEOID: {
        const rdb_type *type = NULL;
        if (!rdb_type_get(access, oid, &type, call->err))
            return false;
        *found = type != NULL;
        return type == NULL || rdb_expr_format_type(access, type, -1, false, text, call->err);
    }
    case RDB_REGNAMESPACEOID: {
        char name[RDB_NAMEDATALEN] = "";
        if (!rdb_namespace_get_name(access, oid, name, call->err))
            return false;
        *found = name[0] != '\0';
        if (*found)
            rdb_identifier_add(text, name);
        return true;
    }
    case RDB_REGROLEOID: {
        const char *name = NULL;
        if (!expr_role_name(call, oid, &name))
            return false;
        *found = name != NULL;
        if (*found)
            rdb_identifier_add(text, name);
        return true;
    }
    case RDB_REGPROCOID: {
        const rdb_function *function = NULL;
        bool is_first = false, is_only = false;
        if (!rdb_function_get(access, oid, &function, call->err) || (function != NULL && !look_up_function(call, function, &is_first, &is_only)))
            return false;
        *found = function != NULL;
        if (*found && !is_only && !add_schema(call, function->namespace_oid, text))
            return false;
        if (*found)
            rdb_identifier_add(text, function->name);
        return true;
    }
    case REGPROCEDURE: return expr_add_function(call, oid, false, text, found);
    case REGOPER: {
        const rdb_operator_entry *entry = NULL, *const *candidates = NULL;
        uint32_t count = 0;
        if (!rdb_operator_get(access, oid, &entry, call->err) ||
            (entry != NULL && !rdb_operator_find(access, NULL, entry->name, &candidates, &count, call->err)))
            return false;
        *found = entry != NULL;
        if (*found && (count != 1 || candidates[0]->oid != oid) && !add_schema(call, entry->namespace_oid, text))
            return false;
        if (*found)
            rdb_strbuf_adds(text, entry->name);
        return true;
    }
    case REGOPERATOR: return expr_add_operator(call, oid, false, text, found);
    case REGCOLLATION: {
        const char *schema = NULL, *name = NULL;
        if (!rdb_expr_collation_name(access, call->arena, oid, &schema, &name, call->err))
            return false;
        *found = name != NULL;
        if (*found)
            expr_add_qualified(text, schema, name);
        return true;
    }
    case REGCONFIG:
    case REGDICTIONARY: {
        bool is_config = reg_type == REGCONFIG, is_null = true;
        const rdb_datum key = {.oid = oid};
        rdb_datum name = {.words = {0, 0}}, schema = {.words = {0, 0}};
        uint32_t catalog = is_config ? PG_TS_CONFIG : PG_TS_DICT, index = is_config ? INDEX_TS_CONFIG_OID : INDEX_TS_DICT_OID;
        if (!expr_read_catalog(call, catalog, index, &key, 1, is_config ? RDB_pg_ts_config_cfgname : RDB_pg_ts_dict_dictname, RDB_REP_BYTES, &name, &is_null, found) ||
            !expr_read_catalog(call, catalog, index, &key, 1, is_config ? RDB_pg_ts_config_cfgnamespace : RDB_pg_ts_dict_dictnamespace, RDB_REP_INT32, &schema, &is_null, found))
            return false;
        if (!*found)
            return true;
        rdb_strbuf quoted; /* its schema is told where its name alone would find another, or nothing */
        uint32_t visible = 0;
        rdb_strbuf_init(&quoted, call->arena);
        rdb_identifier_add(&quoted, expr_get_text(call, name));
        if (!expr_find_reg(call, reg_type, (rdb_slice){(const uint8_t *)quoted.data, quoted.length}, false, &visible))
            return false;
        if (visible != oid && !add_schema(call, schema.oid, text))
            return false;
        rdb_strbuf_add(text, quoted.data, quoted.length);
        return true;
    }
    default: return true;
    }
}

static bool output_reg(rdb_call *call, const rdb_type *type, uint32_t oid, rdb_strbuf *text)
{
    const rdb_eval *eval = rdb_eval_of(call);
    bool found = false;
    if (oid == 0) {
        rdb_strbuf_addc(text, '-');
        return true;
    }
    if (eval != NULL && eval->access != NULL && !add_name(call, type->oid, oid, text, &found))
        return false;
    if (!found)
        rdb_strbuf_addf(text, "%u", oid);
    return true;
}

/* ---- to_reg* ---------------------------------------------------------------------------------------------------------------------------------- */
static bool give_reg(rdb_call *call, uint32_t reg_type, rdb_datum name, rdb_datum *result, bool *is_null)
{
    const rdb_slice text = {name.bytes.data, name.bytes.length};
    if (!expr_find_reg(call, reg_type, text, false, &result->oid))
        return false;
    *is_null = result->oid == 0;
    return true;
}

#define TO_REG(name, reg_type)                                                                                                        \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                    \
    {                                                                                                                                  \
        (void)nulls;                                                                                                                   \
        return give_reg(call, (reg_type), a[0], result, is_null);                                                                      \
    }                                                                                                                                  \
    EXPR_ROW_KERNEL(name, 1)
TO_REG(to_regclass, RDB_REGCLASSOID)
TO_REG(to_regtype, RDB_REGTYPEOID)
TO_REG(to_regproc, RDB_REGPROCOID)
TO_REG(to_regprocedure, REGPROCEDURE)
TO_REG(to_regoper, REGOPER)
TO_REG(to_regoperator, REGOPERATOR)
TO_REG(to_regnamespace, RDB_REGNAMESPACEOID)
TO_REG(to_regrole, RDB_REGROLEOID)
TO_REG(to_regcollation, REGCOLLATION)

/* text::regclass */
static bool text_regclass_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_slice text = {a[0].bytes.data, a[0].bytes.length};
    (void)nulls, (void)is_null;
    return expr_find_reg(call, RDB_REGCLASSOID, text, true, &result->oid);
}
EXPR_ROW_KERNEL(text_regclass, 1)

#define F (RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE)
static const rdb_kernel_entry ENTRIES[] = {
    {3495, to_regclass, F}, {3493, to_regtype, F}, {3494, to_regproc, F}, {3479, to_regprocedure, F}, {3492, to_regoper, F}, {3476, to_regoperator, F},
    {4086, to_regnamespace, F}, {4093, to_regrole, F}, {4195, to_regcollation, F}, {1079, text_regclass, F},
};
#undef F

void expr_register_reg_names(void)
{
    rdb_regtype_set_hooks(input_reg, output_reg);
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
