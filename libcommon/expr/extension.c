/* SPDX-License-Identifier: Apache-2.0
 * The list of extensions and the handler of language C, which runs their functions. */
#include "expr/extension.h"
#include "expr/rdb_routine.h"

static const rdb_extension *const EXTENSIONS[] = {&extension_btree_gin, &extension_btree_gist, &extension_citext, &extension_fuzzy, &extension_trgm, &extension_crypto, &extension_statements, &extension_unaccent, &extension_uuid};

const rdb_extension *rdb_extension_get(uint32_t number)
{
    return number < RDB_COUNT_OF(EXTENSIONS) ? EXTENSIONS[number] : NULL;
}

const rdb_extension *rdb_extension_find(const char *name)
{
    for (uint32_t i = 0; i < RDB_COUNT_OF(EXTENSIONS); i++)
        if (strcmp(EXTENSIONS[i]->name, name) == 0)
            return EXTENSIONS[i];
    return NULL;
}

bool extension_support(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, rdb_datum *r, bool *is_null)
{
    (void)count, (void)a, (void)nulls, (void)r, (void)is_null;
    return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "support functions of operator classes cannot be called");
}

const rdb_catalog_script_name *rdb_extension_scripts(const rdb_extension *extension, uint32_t *count)
{
    static const rdb_catalog_script_name CITEXT[] = {RDB_SCRIPT_CITEXT_1_4, RDB_SCRIPT_CITEXT_1_5, RDB_SCRIPT_CITEXT_1_6};
    *count = extension == &extension_citext ? RDB_COUNT_OF(CITEXT) : 0;
    return CITEXT;
}

const char *rdb_extension_script(const rdb_extension *extension)
{
    return extension == &extension_statements ? extension_statements_script : NULL;
}

bool extension_bytes(rdb_call *call, const void *bytes, size_t length, rdb_datum *r)
{
    return expr_set_text(call, bytes, length, r);
}

static const rdb_extension_routine *find_routine(const rdb_function *function)
{
    for (uint32_t i = 0; function->binary_source != NULL && i < RDB_COUNT_OF(EXTENSIONS); i++) {
        const rdb_extension *extension = EXTENSIONS[i];
        if (strcmp(extension->library, function->binary_source) != 0)
            continue;
        for (uint32_t k = 0; k < extension->count; k++)
            if (strcmp(extension->routines[k].source, function->source) == 0)
                return &extension->routines[k];
    }
    return NULL;
}

static bool call_routine(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err)
{
    rdb_datum values[16];
    bool nulls[16];
    rdb_call call = {.arena = arena, .err = err, .format = eval->format, .collation = site->collation, .statement_us = eval->statement_us,
                     .transaction_us = eval->transaction_us, .argument_types = site->argument_types, .argument_count = site->argument_count,
                     .result_type = site->result_type, .result_typmod = -1, .plan_arena = site->arena, .session = eval, .cancel = eval->cancel};
    if (site->state == NULL)
        site->state = (void *)(uintptr_t)find_routine(site->function);
    const rdb_extension_routine *routine = site->state;
    if (routine == NULL || site->argument_count > RDB_COUNT_OF(values))
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "C functions of other libraries are not supported");
    *is_null = false;
    for (uint32_t i = 0; i < site->argument_count; i++) {
        values[i] = arguments[i].value;
        nulls[i] = arguments[i].is_null;
        if (nulls[i] && site->function->is_strict) {
            *is_null = true;
            return true;
        }
    }
    return routine->function(&call, site->argument_count, values, nulls, value, is_null);
}

static bool begin_rows(rdb_routine_site *site, rdb_eval *eval, const rdb_parameter *arguments, rdb_error *err)
{
    (void)site, (void)eval, (void)arguments;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "C functions that return sets are not supported");
}
static bool next_rows(rdb_routine_site *site, rdb_eval *eval, rdb_arena *arena, bool as_row, rdb_vector **columns, uint32_t column_count, uint32_t capacity, uint32_t *count,
                      rdb_error *err)
{
    (void)arena, (void)as_row, (void)columns, (void)column_count, (void)capacity;
    *count = 0;
    return begin_rows(site, eval, NULL, err);
}
static void nothing(rdb_routine_site *site)
{
    (void)site;
}

/* pg_available_extensions: name, default_version, comment; pg_available_extension_versions: each with what it needs. */
static bool available_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)a, (void)is_null;
    for (uint32_t i = 0; i < RDB_COUNT_OF(EXTENSIONS); i++) {
        const rdb_datum columns[3] = {expr_text(EXTENSIONS[i]->name), expr_text(EXTENSIONS[i]->version), expr_text(EXTENSIONS[i]->comment)};
        const bool nulls[3] = {false, false, false};
        expr_rows_add(call, state, columns, nulls, 3);
    }
    return true;
}
static bool versions_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)a, (void)is_null;
    for (uint32_t i = 0; i < RDB_COUNT_OF(EXTENSIONS); i++) { /* name, version, superuser, trusted, relocatable, schema, requires, comment */
        const rdb_datum columns[8] = {expr_text(EXTENSIONS[i]->name), expr_text(EXTENSIONS[i]->version), {.b = 1}, {.b = 1}, {.b = 1}, {.b = 0}, {.b = 0},
                                      expr_text(EXTENSIONS[i]->comment)};
        const bool nulls[8] = {false, false, false, false, false, true, true, false};
        expr_rows_add(call, state, columns, nulls, 8);
    }
    return true;
}

void expr_register_extensions(void)
{
    static const rdb_language C_LANGUAGE = {.oid = RDB_LANGUAGE_C, .name = "c", .call = call_routine, .begin = begin_rows, .next = next_rows, .end = nothing, .close = nothing};
    static const rdb_set_kernel_entry SETS[] = {{3082, sizeof(expr_rows), available_begin, expr_rows_next, 0}, {3083, sizeof(expr_rows), versions_begin, expr_rows_next, 0}};
    extension_citext_register();
    rdb_language_register(&C_LANGUAGE);
    extension_trgm_register();
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
