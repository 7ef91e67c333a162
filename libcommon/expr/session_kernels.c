/* SPDX-License-Identifier: Apache-2.0
 * Functions that tell of the session: who, where, which server. */
#include "expr/kernels.h"
#include "type/rdb_encoding.h"
#include "os/rdb_time.h"

bool expr_run_rows(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection, uint32_t count, expr_row_function function)
{
    rdb_datum values[8];
    bool nulls[8];
    RDB_ASSERT(count <= RDB_COUNT_OF(values));
    RDB_FOR_SELECTED (selection, row) {
        rdb_datum result = {.words = {0, 0}};
        bool is_null = false;
        for (uint32_t i = 0; i < count; i++) {
            nulls[i] = rdb_vector_is_null(arguments[i], row);
            values[i] = nulls[i] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(arguments[i], row);
        }
        if (!function(call, values, nulls, &result, &is_null)) {
            call->bad_row = row;
            return false;
        }
        rdb_vector_put(out, row, result, is_null);
    }
    return true;
}

bool expr_set_text(rdb_call *call, const char *text, size_t length, rdb_datum *result)
{
    uint8_t *copy = rdb_arena_try_alloc(call->arena, length + 1, call->err);
    if (copy == NULL)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    result->bytes = (rdb_bytes){.data = copy, .length = (uint32_t)length};
    return true;
}

const char *expr_get_text(rdb_call *call, rdb_datum value)
{
    return rdb_arena_strndup(call->arena, (const char *)value.bytes.data, value.bytes.length);
}

static bool give_text(rdb_call *call, const char *text, rdb_datum *result, bool *is_null)
{
    *is_null = text == NULL;
    return text == NULL || expr_set_text(call, text, strlen(text), result);
}

static bool current_user_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls;
    return give_text(call, rdb_eval_of(call)->current_user, result, is_null);
}
EXPR_ROW_KERNEL(current_user, 0)

static bool session_user_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls;
    return give_text(call, rdb_eval_of(call)->session_user, result, is_null);
}
EXPR_ROW_KERNEL(session_user, 0)

static bool current_database_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls;
    const rdb_eval *eval = rdb_eval_of(call);
    const char *name = eval->database_name;
    if (name == NULL && eval->access != NULL)
        name = rdb_database_name(rdb_access_get_context(eval->access)->database);
    return give_text(call, name, result, is_null);
}
EXPR_ROW_KERNEL(current_database, 0)

static bool version_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls;
    return give_text(call, "PostgreSQL 15.8 (RustyDB 0.1.0) on x86_64-pc-linux-gnu, 64-bit", result, is_null);
}
EXPR_ROW_KERNEL(version, 0)

/* Implied by every path, unless it names them: pg_catalog and the session's own schema of temporary objects. */
static bool is_implied(uint32_t oid, const char *name)
{
    return oid == RDB_NAMESPACE_PG_CATALOG || strncmp(name, "pg_temp_", 8) == 0;
}

/* The first schema of the path that is there; implied ones do not count. */
static bool current_schema_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls;
    uint32_t count = 0;
    const uint32_t *path = rdb_access_search_path(rdb_eval_of(call)->access, &count);
    char name[RDB_NAMEDATALEN] = "";
    uint32_t first_named;
    *is_null = true;
    if (!rdb_access_first_named_schema(rdb_eval_of(call)->access, &first_named, call->err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!rdb_namespace_get_name(rdb_eval_of(call)->access, path[i], name, call->err))
            return false;
        if (is_implied(path[i], name) && path[i] != first_named)
            continue;
        return give_text(call, name[0] ? name : NULL, result, is_null);
    }
    return true;
}
EXPR_ROW_KERNEL(current_schema, 0)

static bool current_schemas_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    uint32_t count = 0, used = 0;
    const uint32_t *path = rdb_access_search_path(rdb_eval_of(call)->access, &count);
    rdb_datum *names = RDB_NEW_ARRAY(call->arena, rdb_datum, count + 1);
    bool *name_nulls = RDB_NEW_ARRAY(call->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        char name[RDB_NAMEDATALEN] = "";
        if (!rdb_namespace_get_name(rdb_eval_of(call)->access, path[i], name, call->err))
            return false;
        if (is_implied(path[i], name) && !a[0].b)
            continue;
        if (!expr_set_text(call, name, strlen(name), &names[used++]))
            return false;
    }
    const rdb_type *element = NULL;
    return rdb_type_descriptor(call, RDB_NAMEOID, &element) && rdb_array_build(call, element, names, name_nulls, used, result);
}
EXPR_ROW_KERNEL(current_schemas, 1)

static bool never_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)is_null;
    result->b = 0;
    return true;
}
EXPR_ROW_KERNEL(never, 0)

static bool encoding_name_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    const char *name = rdb_encoding_name(a[0].i32);
    return give_text(call, name != NULL ? name : "", result, is_null);
}
EXPR_ROW_KERNEL(encoding_name, 1)

static bool txid_current_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    rdb_xid xid = 0;
    if (rdb_eval_of(call)->txn == NULL)
        return rdb_error_set(call->err, RDB_NO_ACTIVE_SQL_TRANSACTION, "there is no transaction");
    if (!rdb_txn_assign_xid(rdb_eval_of(call)->txn, &xid, call->err))
        return false;
    result->i64 = (int64_t)xid;
    return true;
}
EXPR_ROW_KERNEL(txid_current, 0)

/* Sleeps on a word that nobody changes: only a cancel or the time wakes it. */
static bool sleep_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)result, (void)is_null;
    rdb_cancel *cancel = rdb_eval_of(call)->cancel;
    _Atomic uint32_t word = 0;
    double wanted_us = a[0].f8 * 1e6;
    int64_t end_us = rdb_time_monotonic_us() + (wanted_us > 1e15 ? INT64_C(1000000000000000) : (int64_t)wanted_us), left_us;
    const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_PG_SLEEP);
    while (a[0].f8 > 0 && (left_us = end_us - rdb_time_monotonic_us()) > 0) {
        if (!rdb_cancel_check(cancel, call->err))
            break;
        rdb_cancel_sleep(cancel, RDB_WAIT_PG_SLEEP, &word, 0, left_us);
    }
    rdb_wait_end(mark);
    return !rdb_error_is_set(call->err) && rdb_cancel_check(cancel, call->err);
}
EXPR_ROW_KERNEL(sleep, 1)

static const rdb_kernel_entry ENTRIES[] = {
    {2626, sleep, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, /* pg_sleep */
    {745, current_user, RDB_KERNEL_NEEDS_SESSION},
    {746, session_user, RDB_KERNEL_NEEDS_SESSION},
    {861, current_database, RDB_KERNEL_NEEDS_SESSION},
    {89, version, 0},
    {1402, current_schema, RDB_KERNEL_NEEDS_SESSION},
    {1403, current_schemas, RDB_KERNEL_NEEDS_SESSION},
    {3810, never, 0},        /* pg_is_in_recovery */
    {1597, encoding_name, 0}, /* pg_encoding_to_char */
    {2943, txid_current, RDB_KERNEL_NEEDS_SESSION},
    {5059, txid_current, RDB_KERNEL_NEEDS_SESSION}, /* pg_current_xact_id */
};

void expr_register_session_kernels(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
