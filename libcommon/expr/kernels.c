/* SPDX-License-Identifier: Apache-2.0
 * Registration of this room's kernels, and what the type room asks of the catalog: names of reg* values, descriptors. */
#include "expr/kernels.h"
#include "expr/program_int.h"
#include <ctype.h>
#include <strings.h>
#include <stdlib.h>

static const rdb_type *resolve_type(rdb_call *call, uint32_t oid)
{
    rdb_eval *eval = rdb_eval_of(call);
    const rdb_type *type = NULL;
    rdb_error quiet = {0};
    if (eval == NULL || eval->access == NULL || !rdb_type_get(eval->access, oid, &type, &quiet))
        type = NULL;
    rdb_error_clear(&quiet);
    return type;
}

/* ---- names --------------------------------------------------------------------------------------------------------------------- */
/* Splits "a.b" by the rules of identifiers: folded unless quoted. parts[i] NUL-terminated in arena. */
bool expr_split_name(rdb_call *call, rdb_slice text, const char *parts[3], uint32_t *count)
{
    size_t at = 0;
    *count = 0;
    for (;;) {
        rdb_strbuf part;
        rdb_strbuf_init(&part, call->arena);
        while (at < text.length && isspace(text.data[at]))
            at++;
        if (at < text.length && text.data[at] == '"') {
            for (at++;; at++) {
                if (at >= text.length)
                    return rdb_error_set(call->err, RDB_INVALID_NAME, "invalid name syntax");
                if (text.data[at] == '"') {
                    if (at + 1 >= text.length || text.data[at + 1] != '"')
                        break;
                    at++;
                }
                rdb_strbuf_addc(&part, (char)text.data[at]);
            }
            at++;
        } else {
            while (at < text.length && text.data[at] != '.' && !isspace(text.data[at]))
                rdb_strbuf_addc(&part, (char)tolower(text.data[at++]));
        }
        while (at < text.length && isspace(text.data[at]))
            at++;
        if (part.length == 0 || *count == 3 || (at < text.length && text.data[at] != '.'))
            return rdb_error_set(call->err, RDB_INVALID_NAME, "invalid name syntax");
        parts[(*count)++] = part.data;
        if (at >= text.length)
            return rdb_strbuf_check(&part, call->err);
        at++;
    }
}

static bool all_digits(rdb_slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.length > 0;
}

static bool find_by_name(rdb_call *call, const rdb_type *type, const char *schema, const char *name, uint32_t *oid)
{
    rdb_access *access = rdb_eval_of(call)->access;
    *oid = 0;
    switch (type->oid) {
    case RDB_REGCLASSOID: {
        const rdb_relation *relation = NULL;
        if (!rdb_relation_find(access, schema, name, &relation, call->err))
            return false;
        *oid = relation ? relation->oid : 0;
        return true;
    }
    case RDB_REGTYPEOID: {
        const rdb_type *found = NULL;
        if (!rdb_type_find(access, schema, name, &found, call->err))
            return false;
        *oid = found ? found->oid : 0;
        return true;
    }
    case RDB_REGNAMESPACEOID: return rdb_namespace_find(access, name, oid, call->err);
    case RDB_REGROLEOID: {
        rdb_role role;
        bool found = false;
        if (!rdb_role_find(rdb_access_get_context(access)->catalog, name, &role, &found, call->err))
            return false;
        *oid = found ? role.oid : 0;
        return true;
    }
    case RDB_REGPROCOID: {
        const rdb_function *const *functions = NULL;
        uint32_t count = 0;
        if (!rdb_function_find(access, schema, name, &functions, &count, call->err))
            return false;
        if (count > 1)
            return rdb_error_set(call->err, RDB_AMBIGUOUS_FUNCTION, "more than one function named \"%s\"", name);
        *oid = count == 1 ? functions[0]->oid : 0;
        return true;
    }
    default: return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "names of type %s are not supported", type->name);
    }
}

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

static bool input_reg(rdb_call *call, const rdb_type *type, rdb_slice text, uint32_t *oid)
{
    const char *parts[3];
    uint32_t count = 0;
    *oid = 0;
    if (text.length == 1 && text.data[0] == '-')
        return true;
    if (all_digits(text)) {
        char digits[24] = "";
        memcpy(digits, text.data, RDB_MIN(text.length, sizeof digits - 1));
        *oid = (uint32_t)strtoul(digits, NULL, 10);
        return true;
    }
    bool is_array = false;
    if (type->oid == RDB_REGTYPEOID) {
        while (text.length > 2 && text.data[text.length - 1] == ']' && text.data[text.length - 2] == '[') {
            is_array = true;
            text.length -= 2;
        }
        *oid = spelled_type(text);
    }
    if (*oid == 0 && (!expr_split_name(call, text, parts, &count) || !find_by_name(call, type, count > 1 ? parts[count - 2] : NULL, parts[count - 1], oid)))
        return false;
    if (*oid != 0 && is_array) {
        const rdb_type *element = NULL;
        if (!rdb_type_get(rdb_eval_of(call)->access, *oid, &element, call->err))
            return false;
        *oid = element ? element->array_oid : 0;
    }
    if (*oid != 0)
        return true;
    const char *shown = rdb_arena_strndup(call->arena, (const char *)text.data, text.length);
    switch (type->oid) {
    case RDB_REGCLASSOID: return rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", shown);
    case RDB_REGTYPEOID: return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "type \"%s\" does not exist", shown);
    case RDB_REGNAMESPACEOID: return rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", shown);
    case RDB_REGROLEOID: return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "role \"%s\" does not exist", shown);
    default: return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "function \"%s\" does not exist", shown);
    }
}

void expr_add_qualified(rdb_strbuf *text, const char *schema, const char *name)
{
    if (schema != NULL) {
        rdb_identifier_add(text, schema);
        rdb_strbuf_addc(text, '.');
    }
    rdb_identifier_add(text, name);
}

/* One column of the row of a system table that an index leads to. *found false: there is no such row. */
bool expr_read_catalog(rdb_call *call, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, uint16_t column_no, uint8_t rep, rdb_datum *value, bool *is_null, bool *found)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    *found = false;
    *is_null = true;
    if (!rdb_catalog_scan_open(&scan, rdb_eval_of(call)->access, catalog_oid, index_oid, keys, key_count, call->arena, call->err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, found, call->err);
    if (ok && *found && !row.is_null[column_no - 1]) {
        *is_null = false;
        ok = rdb_datum_copy(call->arena, (rdb_rep)rep, row.values[column_no - 1], value, call->err);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* *name NULL: there is no such role. */
bool expr_role_name(rdb_call *call, uint32_t oid, const char **name)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum value = {.words = {0, 0}};
    bool is_null = true, found = false;
    *name = NULL;
    if (!expr_read_catalog(call, RDB_PG_AUTHID, 2677, &key, 1, 2, RDB_REP_BYTES, &value, &is_null, &found))
        return false;
    if (found && !is_null)
        *name = rdb_arena_strndup(call->arena, (const char *)value.bytes.data, value.bytes.length);
    return true;
}

static bool output_reg(rdb_call *call, const rdb_type *type, uint32_t oid, rdb_strbuf *text)
{
    rdb_eval *eval = rdb_eval_of(call);
    if (oid == 0) {
        rdb_strbuf_addc(text, '-');
        return true;
    }
    if (eval == NULL || eval->access == NULL) {
        rdb_strbuf_addf(text, "%u", oid);
        return true;
    }
    switch (type->oid) {
    case RDB_REGCLASSOID: {
        const rdb_relation *relation = NULL;
        bool is_visible = false;
        if (!rdb_relation_get(eval->access, oid, &relation, call->err) || (relation != NULL && !rdb_relation_is_visible(eval->access, oid, &is_visible, call->err)))
            return false;
        if (relation == NULL)
            break;
        expr_add_qualified(text, is_visible ? NULL : relation->namespace_name, relation->name);
        return true;
    }
    case RDB_REGTYPEOID: {
        const rdb_type *found = NULL;
        if (!rdb_type_get(eval->access, oid, &found, call->err))
            return false;
        if (found == NULL)
            break;
        rdb_type_format_name(found, -1, false, text);
        return true;
    }
    case RDB_REGNAMESPACEOID: {
        char name[RDB_NAMEDATALEN] = "";
        if (!rdb_namespace_get_name(eval->access, oid, name, call->err))
            return false;
        if (name[0] == '\0')
            break;
        rdb_identifier_add(text, name);
        return true;
    }
    case RDB_REGPROCOID: {
        const rdb_function *function = NULL;
        if (!rdb_function_get(eval->access, oid, &function, call->err))
            return false;
        if (function == NULL)
            break;
        rdb_identifier_add(text, function->name);
        return true;
    }
    case RDB_REGROLEOID: {
        const char *name = NULL;
        if (!expr_role_name(call, oid, &name))
            return false;
        if (name == NULL)
            break;
        rdb_identifier_add(text, name);
        return true;
    }
    default: break;
    }
    rdb_strbuf_addf(text, "%u", oid);
    return true;
}

void rdb_expr_register_kernels(void)
{
    rdb_regtype_set_hooks(input_reg, output_reg);
    rdb_type_set_resolver(resolve_type);
    rdb_domain_set_checker(program_check_domain);
    expr_register_session_kernels();
    expr_register_catalog_kernels();
    expr_register_sequence_functions();
    expr_register_neutral_functions();
    expr_register_server_functions();
    expr_register_size_functions();
}
