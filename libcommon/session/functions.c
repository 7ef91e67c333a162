/* SPDX-License-Identifier: Apache-2.0
 * Functions that ask the session: settings, its number, its clock; and those that act on another one. */
#include "expr/kernels.h"
#include "catalog/rdb_acl.h"
#include "session/activity.h"
#include "session/portal.h"
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
    return session_setting_is_allowed(session_of(call), name, call->err) && session_setting_set(session_of(call), name, nulls[1] ? NULL : expr_get_text(call, a[1]), !nulls[2] && a[2].b, call->err) &&
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

static bool current_query_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char *text = session_of(call)->query_text;
    (void)a, (void)nulls;
    *is_null = text == NULL;
    return text == NULL || expr_set_text(call, text, strlen(text), result);
}
EXPR_ROW_KERNEL(current_query, 0)

static bool client_addr_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    session_activity_info *info = rdb_arena_zalloc(call->arena, sizeof *info);
    const rdb_type *inet = NULL;
    (void)a, (void)nulls;
    session_activity_peer(session_of(call), info);
    *is_null = info->port < 0;
    return *is_null || (rdb_type_get(rdb_eval_of(call)->access, RDB_INETOID, &inet, call->err) &&
                        rdb_expr_value_from_text(rdb_eval_of(call), call->arena, inet, -1, (rdb_slice){(const uint8_t *)info->address, strlen(info->address)}, result, call->err));
}
EXPR_ROW_KERNEL(client_addr, 0)

static bool client_port_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    session_activity_info *info = rdb_arena_zalloc(call->arena, sizeof *info);
    (void)a, (void)nulls;
    session_activity_peer(session_of(call), info);
    *is_null = info->port < 0;
    result->i32 = info->port;
    return true;
}
EXPR_ROW_KERNEL(client_port, 0)

static bool server_addr_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    session_activity_info *info = rdb_arena_zalloc(call->arena, sizeof *info);
    const rdb_type *inet = NULL;
    (void)a, (void)nulls;
    session_activity_here(session_of(call), info);
    *is_null = info->port < 0;
    return *is_null || (rdb_type_get(rdb_eval_of(call)->access, RDB_INETOID, &inet, call->err) &&
                        rdb_expr_value_from_text(rdb_eval_of(call), call->arena, inet, -1, (rdb_slice){(const uint8_t *)info->address, strlen(info->address)}, result, call->err));
}
EXPR_ROW_KERNEL(server_addr, 0)

static bool server_port_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    session_activity_info *info = rdb_arena_zalloc(call->arena, sizeof *info);
    (void)a, (void)nulls;
    session_activity_here(session_of(call), info);
    *is_null = info->port < 0;
    result->i32 = info->port;
    return true;
}
EXPR_ROW_KERNEL(server_port, 0)

/* When a transaction was committed is not kept: track_commit_timestamp is off and stays so. */
static bool refuse_commit_time(rdb_call *call)
{
    rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "could not get commit timestamp data");
    return rdb_error_hint(call->err, "Make sure the configuration parameter \"%s\" is set.", "track_commit_timestamp");
}

static bool commit_time_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)result, (void)is_null;
    return refuse_commit_time(call);
}
EXPR_ROW_KERNEL(commit_time, 1)
#define last_commit_row commit_time_row
EXPR_ROW_KERNEL(last_commit, 0)
#undef last_commit_row

static bool commit_time_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    (void)state, (void)arguments, (void)is_null;
    return refuse_commit_time(call);
}

static bool export_snapshot_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_eval *eval = rdb_eval_of(call);
    char id[40];
    (void)a, (void)nulls, (void)is_null;
    if (rdb_txn_current_level(eval->txn) > 0)
        return rdb_error_set(call->err, RDB_ACTIVE_SQL_TRANSACTION, "cannot export a snapshot from a subtransaction");
    return rdb_txn_export_snapshot(eval->txn, eval->snapshot, session_of(call)->pid, id, call->err) && expr_set_text(call, id, strlen(id), result);
}
EXPR_ROW_KERNEL(export_snapshot, 0)

/* Looks at the cancel token at least ten times a second, as every wait does. */
static bool sleep_until(rdb_call *call, int64_t until_us)
{
    _Atomic uint32_t word = 0;
    rdb_cancel *cancel = rdb_eval_of(call)->cancel;
    for (;;) {
        if (!rdb_cancel_check(cancel, call->err))
            return false;
        int64_t left_us = until_us - rdb_time_monotonic_us();
        if (left_us <= 0)
            return true;
        rdb_cancel_sleep(cancel, RDB_WAIT_PG_SLEEP, &word, 0, left_us);
    }
}

/* Longer than any wait, short of an overflow. */
#define SLEEP_SECONDS_MAX 1e12

static bool sleep_seconds(rdb_call *call, double seconds)
{
    if (!(seconds > 0))
        return rdb_cancel_check(rdb_eval_of(call)->cancel, call->err);
    return sleep_until(call, rdb_time_monotonic_us() + (int64_t)(RDB_MIN(seconds, SLEEP_SECONDS_MAX) * 1e6));
}

static bool sleep_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)result, (void)is_null;
    return sleep_seconds(call, a[0].f8);
}
EXPR_ROW_KERNEL(sleep, 1)

static bool sleep_for_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)result, (void)is_null;
    struct { int64_t usecs; int32_t days, months; } span; /* rdb_type.h draws it */
    _Static_assert(sizeof span == sizeof a[0].words, "an interval fills a datum");
    memcpy(&span, a[0].words, sizeof span);
    return sleep_seconds(call, ((double)span.months * 30 + span.days) * 86400 + (double)span.usecs / 1e6);
}
EXPR_ROW_KERNEL(sleep_for, 1)

/* Superusers' sessions are superusers' business; others' that of their role's members and of pg_signal_backend. */
static bool may_signal(rdb_call *call, uint32_t pid, bool terminate, bool *found)
{
    rdb_session *session = session_of(call);
    rdb_access *access = rdb_eval_of(call)->access;
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    bool is_superuser = false, is_member = false, is_signaller = false;
    *found = false;
    if (!session_activity_list(session_engine_registry(session->engine), call->arena, &infos, &count, call->err))
        return false;
    const session_activity_info *target = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (infos[i].pid == pid)
            target = &infos[i];
    if (target == NULL)
        return true;
    *found = true;
    if (session->role.is_superuser)
        return true;
    if (!rdb_role_is_superuser(access, target->role_oid, &is_superuser, call->err) ||
        !rdb_role_has_privileges_of(access, session->role.oid, target->role_oid, &is_member, call->err) ||
        !rdb_role_has_privileges_of(access, session->role.oid, RDB_ROLE_SIGNAL_BACKEND, &is_signaller, call->err))
        return false;
    const char *what = terminate ? "process" : "query";
    if (is_superuser)
        return rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "must be a superuser to %s superuser %s", terminate ? "terminate" : "cancel", what);
    return is_member || is_signaller || rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "must be a member of the role whose %s is being %s or member of pg_signal_backend",
                                                      what, terminate ? "terminated" : "canceled");
}

static bool signal_row(rdb_call *call, uint32_t pid, bool terminate, rdb_datum *result)
{
    bool found;
    if (!may_signal(call, pid, terminate, &found))
        return false;
    const session_owner *owner = &session_of(call)->owner;
    result->b = found && owner->signal != NULL && owner->signal(owner->context, pid, terminate);
    if (!result->b)
        session_notice(session_of(call), "WARNING", RDB_WARNING, "PID %d is not a PostgreSQL backend process", (int32_t)pid);
    return true;
}

static bool cancel_backend_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return signal_row(call, (uint32_t)a[0].i32, false, result);
}
EXPR_ROW_KERNEL(cancel_backend, 1)

static bool terminate_backend_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    if (a[1].i64 < 0)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "\"timeout\" must not be negative");
    return signal_row(call, (uint32_t)a[0].i32, true, result);
}
EXPR_ROW_KERNEL(terminate_backend, 2)

/* What kernels have to say goes to the client of the statement that they run for. */
static void kernel_notice(rdb_call *call, const char *sqlstate, const char *text, const char *detail)
{
    const rdb_eval *eval = rdb_eval_of(call);
    rdb_session *session = eval == NULL ? NULL : eval->session;
    rdb_error notice = {0};
    if (session == NULL)
        return;
    rdb_error_set(&notice, sqlstate, "%s", text);
    if (detail != NULL)
        rdb_error_detail(&notice, "%s", detail);
    session->client.notice(session->client.context, "NOTICE", &notice);
    rdb_error_clear(&notice);
}

/* ---- random() after setseed() ---------------------------------------------------------------------------------------------------- */
/* PostgreSQL's own generators, so that a seed gives the same numbers there and here: SplitMix64 (Steele, Lea, Flood 2014) spreads
 * the seed, xoroshiro128** (Blackman, Vigna 2018) goes on from it. */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t next_random(uint64_t state[2])
{
    uint64_t first = state[0], mixed = state[1] ^ first, result = rotate(first * 5, 7) * 9;
    state[0] = rotate(first, 24) ^ mixed ^ mixed << 16;
    state[1] = rotate(mixed, 37);
    return result;
}

static const rdb_kernel_entry *unseeded_random;

static bool random_number(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    rdb_session *session = call->session == NULL ? NULL : session_of(call);
    if (session == NULL || (session->random[0] | session->random[1]) == 0)
        return unseeded_random->kernel(call, arguments, out, selection);
    RDB_FOR_SELECTED (selection, row)
        RDB_VALUES(out, double)[row] = (double)(next_random(session->random) >> 12) * 0x1p-52;
    return true;
}

static bool set_seed_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    (void)is_null;
    if (!(a[0].f8 >= -1 && a[0].f8 <= 1)) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, call->arena);
        if (a[0].f8 != a[0].f8)
            rdb_strbuf_adds(&text, "NaN");
        else
            rdb_strbuf_addf(&text, "%g", a[0].f8);
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "setseed parameter %s is out of allowed range [-1,1]", text.data);
    }
    uint64_t seed = (uint64_t)(int64_t)((double)((UINT64_C(1) << 52) - 1) * a[0].f8), *state = session_of(call)->random;
    state[0] = split_mix(&seed);
    state[1] = split_mix(&seed);
    result->bytes = (rdb_bytes){.data = (const uint8_t *)""};
    return true;
}
EXPR_ROW_KERNEL(set_seed, 1)

void session_register_functions(void)
{
    rdb_type_set_notice_hook(kernel_notice);
    static const rdb_kernel_entry KERNELS[] = {
        {1598, random_number, RDB_KERNEL_NEEDS_SESSION},
        {1599, set_seed, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2077, current_setting, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {3294, current_setting_missing, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2078, set_config, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2026, backend_pid, RDB_KERNEL_NEEDS_SESSION},
        {817, current_query, RDB_KERNEL_NEEDS_SESSION},
        {2196, client_addr, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2197, client_port, RDB_KERNEL_NEEDS_SESSION},
        {2198, server_addr, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2199, server_port, RDB_KERNEL_NEEDS_SESSION},
        {3581, commit_time, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, /* pg_xact_commit_timestamp */
        {6168, commit_time, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, /* pg_xact_commit_timestamp_origin */
        {3583, last_commit, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, /* pg_last_committed_xact */
        {3809, export_snapshot, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2626, sleep, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {3935, sleep_for, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2171, cancel_backend, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2096, terminate_backend, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    };
    if (unseeded_random == NULL) /* a second engine in the process finds ours there */
        unseeded_random = rdb_kernel_find(1598);
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
    static const rdb_set_kernel_entry SETS[] = {
        {.proc_oid = 6168, .state_bytes = sizeof(expr_rows), .begin = commit_time_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
        {.proc_oid = 3583, .state_bytes = sizeof(expr_rows), .begin = commit_time_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    };
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_expr_set_cursor_row(session_cursor_row);
}
