/* SPDX-License-Identifier: Apache-2.0
 * The table of languages and the calls that expressions make of routines. */
#include "catalog/rdb_acl.h"
#include "expr/rdb_routine.h"

enum { LANGUAGES_MAX = 16, DEPTH_MAX = 600 };

/* Filled at start, before any session runs; read without a lock ever after. */
static const rdb_language *languages[LANGUAGES_MAX];
static uint32_t language_count;
static const rdb_nested_statements *nested_statements;

void rdb_language_register(const rdb_language *language)
{
    for (uint32_t i = 0; i < language_count; i++)
        if (languages[i]->oid == language->oid)
            return;
    RDB_VERIFY(language_count < LANGUAGES_MAX);
    languages[language_count++] = language;
}

const rdb_language *rdb_language_find(uint32_t oid)
{
    for (uint32_t i = 0; i < language_count; i++)
        if (languages[i]->oid == oid)
            return languages[i];
    return NULL;
}

void rdb_nested_set(const rdb_nested_statements *nested)
{
    nested_statements = nested;
}

const rdb_nested_statements *rdb_nested_get(void)
{
    return nested_statements;
}

/* Built-in functions of language SQL have kernels or nothing: their bodies are not among the built-in rows. */
bool rdb_function_can_run(const rdb_function *function)
{
    return function->has_body && rdb_language_find(function->language_oid) != NULL;
}

bool rdb_function_check_execute(const rdb_eval *eval, const rdb_function *function, rdb_error *err)
{
    bool is_restricted = false;
    if (eval->access == NULL || !rdb_acl_is_restricted(eval->access, function, &is_restricted, err))
        return eval->access == NULL;
    return !is_restricted || rdb_acl_check(eval->access, 'f', function->oid, rdb_access_get_context(eval->access)->role_oid, RDB_ACL_EXECUTE, err);
}

bool rdb_routine_site_make(rdb_routine_site *site, const rdb_function *function, rdb_eval *eval, rdb_arena *arena, rdb_error *err)
{
    if (!rdb_function_check_execute(eval, function, err))
        return false;
    *site = (rdb_routine_site){.function = function, .arena = arena, .language = rdb_language_find(function->language_oid)};
    return rdb_function_can_run(function) || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "function \"%s\" is not supported", function->name);
}

void rdb_routine_sites_end(rdb_routine_site *first)
{
    for (rdb_routine_site *site = first; site != NULL; site = site->next)
        site->language->end(site);
}

void rdb_routine_sites_close(rdb_routine_site **first)
{
    for (rdb_routine_site *site = *first; site != NULL; site = site->next) {
        site->language->end(site);
        site->language->close(site);
        site->is_listed = false;
    }
    *first = NULL;
}

bool rdb_routine_site_keep(rdb_routine_site *site, rdb_eval *eval)
{
    if (site->is_listed)
        return true;
    if (eval->routines == NULL)
        return false;
    site->next = *eval->routines;
    *eval->routines = site;
    site->is_listed = true;
    return true;
}

bool rdb_routine_check_depth(const rdb_eval *eval, rdb_error *err)
{
    if (eval->routine_depth < DEPTH_MAX)
        return true;
    rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    return rdb_error_hint(err, "Routines call one another more than %d levels deep.", DEPTH_MAX);
}

bool rdb_routine_kernel(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    rdb_routine_site *site = *call->state;
    rdb_eval *eval = rdb_eval_of(call);
    rdb_parameter *values = RDB_NEW_ARRAY(call->arena, rdb_parameter, call->argument_count + 1);
    site->argument_types = call->argument_types;
    site->argument_count = call->argument_count;
    site->result_type = call->result_type;
    site->collation = call->collation;
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum value = {.words = {0, 0}};
        bool is_null = true;
        for (uint32_t i = 0; i < call->argument_count; i++) {
            values[i] = (rdb_parameter){.is_null = rdb_vector_is_null(arguments[i], row), .type_oid = call->argument_types[i]->oid};
            if (!values[i].is_null)
                values[i].value = rdb_vector_get(arguments[i], row);
        }
        if (!site->language->call(site, eval, values, call->arena, &value, &is_null, call->err)) {
            call->bad_row = row;
            return false;
        }
        rdb_vector_put(out, row, value, is_null);
    }
    return true;
}
