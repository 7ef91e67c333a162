/* SPDX-License-Identifier: Apache-2.0
 * Registration of this room's kernels, and what the type room asks of the catalog: descriptors of types. */
#include "expr/kernels.h"
#include "expr/program_int.h"
#include <ctype.h>

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

void rdb_expr_register_kernels(void)
{
    expr_register_reg_names();
    rdb_type_set_resolver(resolve_type);
    rdb_domain_set_checker(program_check_domain);
    expr_register_session_kernels();
    expr_register_catalog_kernels();
    expr_register_sequence_functions();
    expr_register_neutral_functions();
    expr_register_collation_functions();
    expr_register_text_search();
    expr_register_extensions();
    expr_register_server_functions();
    expr_register_size_functions();
    expr_register_object_functions();
    expr_register_object_addresses();
    expr_register_value_functions();
    expr_register_index_properties();
    expr_register_privilege_functions();
}
