/* SPDX-License-Identifier: Apache-2.0
 * Functions that ask the session: current_setting, set_config, pg_backend_pid. */
#include "expr/kernels.h"
#include "session/settings.h"

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

static bool setting_text(rdb_call *call, rdb_datum name, bool missing_ok, rdb_datum *result, bool *is_null)
{
    const char *value = NULL, *text = expr_get_text(call, name);
    if (!session_setting_get(session_of(call), text, call->arena, &value, call->err))
        return false;
    *is_null = value == NULL;
    if (value == NULL)
        return missing_ok || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"", text);
    return expr_set_text(call, value, strlen(value), result);
}

static bool current_setting_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return setting_text(call, a[0], false, result, is_null);
}
EXPR_ROW_KERNEL(current_setting, 1)

static bool current_setting_missing_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return setting_text(call, a[0], a[1].b, result, is_null);
}
EXPR_ROW_KERNEL(current_setting_missing, 2)

static bool set_config_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    if (nulls[0])
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "SET requires parameter name");
    const char *name = expr_get_text(call, a[0]);
    return session_setting_set(session_of(call), name, nulls[1] ? NULL : expr_get_text(call, a[1]), !nulls[2] && a[2].b, call->err) &&
           setting_text(call, a[0], false, result, is_null);
}
EXPR_ROW_KERNEL(set_config, 3)

static bool backend_pid_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a;
    (void)nulls;
    (void)is_null;
    result->i32 = (int32_t)session_of(call)->pid;
    return true;
}
EXPR_ROW_KERNEL(backend_pid, 0)

void session_register_functions(void)
{
    static const rdb_kernel_entry KERNELS[] = {
        {2077, current_setting, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {3294, current_setting_missing, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2078, set_config, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2026, backend_pid, RDB_KERNEL_NEEDS_SESSION},
    };
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
}
