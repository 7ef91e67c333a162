/* SPDX-License-Identifier: Apache-2.0
 * Functions over pg_collation. */
#include "catalog/rdb_acl.h"
#include "catalog/rdb_ddl.h"
#include "expr/kernels.h"
#include "type/rdb_collation.h"

enum { VERSION_MAX = 64, ENCODING_UTF8 = 6, ENCODING_ANY = -1 };

static bool read_collation(rdb_call *call, uint32_t oid, rdb_collation_row *row, bool *found)
{
    return rdb_collation_get(rdb_eval_of(call)->access, oid, row, found, call->err);
}

static bool actual_version_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_collation_row row;
    bool found;
    char version[VERSION_MAX] = "";
    (void)nulls;
    if (!read_collation(call, a[0].oid, &row, &found))
        return false;
    if (!found)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "collation with OID %u does not exist", a[0].oid);
    if (row.definition.provider != 'd')
        rdb_collation_get_version(&row.definition, version, sizeof version);
    *is_null = version[0] == '\0';
    return *is_null || expr_set_text(call, version, strlen(version), result);
}
EXPR_ROW_KERNEL(actual_version, 1)

static bool is_visible_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_collation_row row;
    bool found;
    uint32_t oid = 0;
    (void)nulls;
    if (!read_collation(call, a[0].oid, &row, &found) ||
        (found && !rdb_collation_find(rdb_eval_of(call)->access, NULL, row.name, &oid, call->err)))
        return false;
    *is_null = !found;
    result->b = oid == a[0].oid;
    return true;
}
EXPR_ROW_KERNEL(is_visible, 1)

static bool import_one(rdb_call *call, uint32_t namespace_oid, const char *name, const char *comment, const rdb_collation_definition *definition, int32_t *made)
{
    rdb_access *access = rdb_eval_of(call)->access;
    char version[VERSION_MAX];
    bool exists;
    int32_t encoding;
    uint32_t oid;
    rdb_collation_row row = {.name = name, .namespace_oid = namespace_oid, .owner_oid = rdb_access_get_context(access)->role_oid,
                             .encoding = definition->provider == 'i' ? ENCODING_ANY : ENCODING_UTF8, .definition = *definition};
    if (!rdb_ddl_collation_exists(access, namespace_oid, name, &exists, &encoding, call->err))
        return false;
    if (exists)
        return true;
    rdb_collation_get_version(definition, version, sizeof version);
    row.version = version[0] != '\0' ? version : NULL;
    ++*made;
    return rdb_ddl_create_collation(access, &row, &oid, call->err) &&
           (comment[0] == '\0' || rdb_ddl_comment(access, (rdb_object_address){RDB_PG_COLLATION, oid, 0}, comment, call->err));
}

static bool import_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    char tag[80], comment[128], schema[RDB_NAMEDATALEN];
    bool is_superuser = false;
    rdb_access *access = rdb_eval_of(call)->access;
    (void)nulls, (void)is_null;
    result->i32 = 0;
    if (!rdb_role_is_superuser(access, rdb_access_get_context(access)->role_oid, &is_superuser, call->err))
        return false;
    if (!is_superuser)
        return rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "must be superuser to import system collations");
    schema[0] = '\0';
    if (!rdb_namespace_get_name(access, a[0].oid, schema, call->err))
        return false;
    if (schema[0] == '\0')
        return rdb_error_set(call->err, RDB_INVALID_SCHEMA_NAME, "schema with OID %u does not exist", a[0].oid);
    const rdb_collation_definition code_points = {.provider = 'c', .is_deterministic = true, .collate = "C.utf8", .ctype = "C.utf8"};
    if (!import_one(call, a[0].oid, "C.utf8", "", &code_points, &result->i32))
        return false;
    for (uint32_t i = 0; rdb_collation_icu_locale(i, tag, sizeof tag, comment, sizeof comment); i++) {
        const rdb_collation_definition locale = {.provider = 'i', .is_deterministic = true, .icu_locale = tag};
        if (!import_one(call, a[0].oid, rdb_arena_printf(call->arena, "%s-x-icu", tag), comment, &locale, &result->i32))
            return false;
    }
    return true;
}
EXPR_ROW_KERNEL(import, 1)

static bool refuse_type(rdb_call *call, const rdb_type *type)
{
    rdb_strbuf name;
    rdb_strbuf_init(&name, call->arena);
    rdb_type_format_name(type, -1, false, &name);
    return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "collations are not supported by type %.*s", (int)name.length, name.data);
}

static bool collation_for(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    const rdb_type *type = call->argument_types[0];
    const char *schema = NULL, *name = NULL;
    rdb_datum shown = {.words = {0, 0}};
    (void)arguments;
    if (type->collation == 0 && type->oid != RDB_UNKNOWNOID)
        return refuse_type(call, type);
    if (call->collation != 0 && !rdb_expr_collation_name(rdb_eval_of(call)->access, call->arena, call->collation, &schema, &name, call->err))
        return false;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (name != NULL) {
        if (schema != NULL) {
            rdb_identifier_add(&text, schema);
            rdb_strbuf_addc(&text, '.');
        }
        rdb_identifier_add(&text, name);
        if (!rdb_strbuf_check(&text, call->err) || !expr_set_text(call, text.data, text.length, &shown))
            return false;
    }
    RDB_FOR_SELECTED (selection, row)
        rdb_vector_put(out, row, shown, name == NULL);
    return true;
}

static const rdb_kernel_entry ENTRIES[] = {
    {3162, collation_for, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_POLYMORPHIC}, /* pg_collation_for */
    {3448, actual_version, RDB_KERNEL_NEEDS_SESSION}, /* pg_collation_actual_version */
    {3815, is_visible, RDB_KERNEL_NEEDS_SESSION},     /* pg_collation_is_visible */
    {3445, import, RDB_KERNEL_NEEDS_SESSION},         /* pg_import_system_collations */
};

void expr_register_collation_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
