/* SPDX-License-Identifier: Apache-2.0
 * The store of statements as views: pg_stat_statements with PostgreSQL 15's columns, rdb_stat_statements with percentiles and plans. */
#include "catalog/rdb_acl.h"
#include "expr/kernels.h"
#include "session/digest.h"

#include <assert.h>

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

/* Texts and ids of others' statements are for those who have their role, or pg_read_all_stats. */
static bool sees_all(rdb_call *call, bool *sees)
{
    const rdb_session *session = session_of(call);
    *sees = session->role.is_superuser;
    return *sees || rdb_role_has_privileges_of(rdb_eval_of(call)->access, session->role.oid, RDB_ROLE_READ_ALL_STATS, sees, call->err);
}

static bool list(rdb_call *call, rdb_statement_info **infos, uint32_t *count, bool *sees)
{
    return sees_all(call, sees) && rdb_statements_list(session_engine_statements(session_of(call)->engine), call->arena, infos, count, call->err);
}

static bool may_see(const rdb_call *call, const rdb_statement_info *info, bool sees)
{
    return sees || info->key.role_oid == session_of(call)->role.oid;
}

static bool put_numeric(rdb_call *call, uint64_t value, rdb_datum *datum)
{
    const rdb_type *numeric = NULL;
    const char *digits = rdb_arena_printf(call->arena, "%llu", (unsigned long long)value);
    const rdb_slice text = {(const uint8_t *)digits, strlen(digits)};
    return rdb_type_get(rdb_eval_of(call)->access, RDB_NUMERICOID, &numeric, call->err) &&
           rdb_expr_value_from_text(rdb_eval_of(call), call->arena, numeric, -1, text, datum, call->err);
}

enum {
    P_USER, P_DATABASE, P_TOP, P_ID, P_QUERY, P_PLANS, P_PLAN_TIMES, P_CALLS = P_PLAN_TIMES + 5, P_RUN_TIMES, P_ROWS = P_RUN_TIMES + 5, P_HIT, P_READ, P_DIRTIED, P_WRITTEN,
    P_LOCAL, P_TEMP_READ = P_LOCAL + 4, P_TEMP_WRITTEN, P_READ_TIME, P_WRITE_TIME, P_TEMP_READ_TIME, P_TEMP_WRITE_TIME, P_WAL_RECORDS, P_WAL_IMAGES, P_WAL_BYTES, P_JIT,
    P_COUNT = P_JIT + 8
};
static_assert(P_COUNT == 43, "PostgreSQL 15's pg_stat_statements has 43 columns");

static void put_times(rdb_datum *at, const rdb_statement_times *times)
{
    at[0].f8 = times->total_ms;
    at[1].f8 = times->min_ms;
    at[2].f8 = times->max_ms;
    at[3].f8 = times->mean_ms;
    at[4].f8 = times->stddev_ms;
}

static bool statements_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    enum { TEMP_BLOCK_BYTES = 8192 }; /* PostgreSQL's unit for temporary files */
    rdb_statement_info *infos = NULL;
    uint32_t count = 0;
    bool sees;
    if (is_null[0])
        return true;
    if (!list(call, &infos, &count, &sees))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const rdb_statement_info *info = &infos[i];
        rdb_datum v[P_COUNT];
        bool n[P_COUNT] = {false};
        if (info->runs.count == 0 && info->plannings.count == 0)
            continue;
        memset(v, 0, sizeof v); /* blocks of temporary tables are in the shared figures; there is no JIT */
        v[P_USER].oid = info->key.role_oid;
        v[P_DATABASE].oid = info->key.database_oid;
        v[P_TOP].b = true;
        v[P_ID].i64 = (int64_t)info->key.query_id;
        n[P_ID] = !may_see(call, info, sees);
        v[P_QUERY] = expr_text(n[P_ID] ? "<insufficient privilege>" : info->text);
        n[P_QUERY] = !arguments[0].b;
        v[P_PLANS].i64 = (int64_t)info->plannings.count;
        put_times(&v[P_PLAN_TIMES], &info->plannings);
        v[P_CALLS].i64 = (int64_t)info->runs.count;
        put_times(&v[P_RUN_TIMES], &info->runs);
        v[P_ROWS].i64 = (int64_t)info->rows;
        v[P_HIT].i64 = (int64_t)info->usage.blocks_hit;
        v[P_READ].i64 = (int64_t)info->usage.blocks_read;
        v[P_DIRTIED].i64 = (int64_t)info->usage.blocks_dirtied;
        v[P_WRITTEN].i64 = (int64_t)info->usage.blocks_written;
        v[P_TEMP_READ].i64 = (int64_t)(info->usage.temp_bytes_read / TEMP_BLOCK_BYTES);
        v[P_TEMP_WRITTEN].i64 = (int64_t)(info->usage.temp_bytes_written / TEMP_BLOCK_BYTES);
        v[P_READ_TIME].f8 = (double)info->usage.read_us / 1000;
        v[P_WRITE_TIME].f8 = (double)info->usage.write_us / 1000;
        v[P_TEMP_READ_TIME].f8 = (double)info->usage.temp_read_us / 1000;
        v[P_TEMP_WRITE_TIME].f8 = (double)info->usage.temp_write_us / 1000;
        v[P_WAL_RECORDS].i64 = (int64_t)info->usage.wal_records;
        v[P_WAL_IMAGES].i64 = (int64_t)info->usage.wal_images;
        if (!put_numeric(call, info->usage.wal_bytes, &v[P_WAL_BYTES]))
            return false;
        expr_rows_add(call, state, v, n, P_COUNT);
    }
    return true;
}

enum { R_USER, R_DATABASE, R_ID, R_QUERY, R_CALLS, R_ERRORS, R_ROWS, R_TOTAL, R_MEAN, R_P50, R_P90, R_P99, R_P999, R_MAX, R_PLAN, R_PLANS, R_PLAN_CHANGES, R_FIRST, R_COUNT };

static bool percentiles_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_statement_info *infos = NULL;
    uint32_t count = 0;
    bool sees;
    (void)arguments, (void)is_null;
    if (!list(call, &infos, &count, &sees))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const rdb_statement_info *info = &infos[i];
        rdb_datum v[R_COUNT];
        bool n[R_COUNT] = {false};
        const rdb_statement_plan *last = NULL;
        memset(v, 0, sizeof v);
        for (uint32_t k = 0; k < info->plan_count; k++)
            if (last == NULL || info->plans[k].last_us >= last->last_us)
                last = &info->plans[k];
        v[R_USER].oid = info->key.role_oid;
        v[R_DATABASE].oid = info->key.database_oid;
        v[R_ID].i64 = (int64_t)info->key.query_id;
        n[R_ID] = !may_see(call, info, sees);
        v[R_QUERY] = expr_text(n[R_ID] ? "<insufficient privilege>" : info->text);
        v[R_CALLS].i64 = (int64_t)info->runs.count;
        v[R_ERRORS].i64 = (int64_t)info->errors;
        v[R_ROWS].i64 = (int64_t)info->rows;
        v[R_TOTAL].f8 = info->runs.total_ms;
        v[R_MEAN].f8 = info->runs.mean_ms;
        v[R_P50].f8 = info->p50_ms;
        v[R_P90].f8 = info->p90_ms;
        v[R_P99].f8 = info->p99_ms;
        v[R_P999].f8 = info->p999_ms;
        v[R_MAX].f8 = info->runs.max_ms;
        v[R_PLAN].i64 = last != NULL ? (int64_t)last->hash : 0;
        n[R_PLAN] = last == NULL;
        v[R_PLANS].i32 = (int32_t)info->plan_count;
        v[R_PLAN_CHANGES].i64 = (int64_t)info->plan_changes;
        v[R_FIRST] = expr_moment(info->first_us);
        expr_rows_add(call, state, v, n, R_COUNT);
    }
    return true;
}

static bool plans_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_statement_info *infos = NULL;
    uint32_t count = 0;
    bool sees;
    (void)arguments, (void)is_null;
    if (!list(call, &infos, &count, &sees))
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; may_see(call, &infos[i], sees) && k < infos[i].plan_count; k++) {
            const rdb_statement_plan *plan = &infos[i].plans[k];
            const bool nulls[8] = {false};
            const rdb_datum values[8] = {{.oid = infos[i].key.role_oid},
                                         {.oid = infos[i].key.database_oid},
                                         {.i64 = (int64_t)infos[i].key.query_id},
                                         {.i64 = (int64_t)plan->hash},
                                         {.i64 = (int64_t)plan->calls},
                                         {.f8 = plan->calls > 0 ? (double)plan->total_ns / 1e6 / (double)plan->calls : 0},
                                         expr_moment(plan->first_us),
                                         expr_moment(plan->last_us)};
            expr_rows_add(call, state, values, nulls, RDB_COUNT_OF(values));
        }
    return true;
}

static bool info_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_statement_totals totals;
    (void)arguments, (void)is_null;
    rdb_statements_totals(session_engine_statements(session_of(call)->engine), &totals);
    const rdb_datum values[2] = {{.i64 = (int64_t)totals.forgotten}, expr_moment(totals.reset_us)};
    const bool nulls[2] = {false};
    expr_rows_add(call, state, values, nulls, 2);
    return true;
}

static bool forget_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)result, (void)is_null;
    rdb_statements_forget(session_engine_statements(session_of(call)->engine), a[0].oid, a[1].oid, (uint64_t)a[2].i64);
    return true;
}
EXPR_ROW_KERNEL(forget, 3)

#define ROWS(oid, begin_function) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = (begin_function), .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION}
static const rdb_set_kernel_entry SETS[] = {ROWS(9710, statements_begin), ROWS(9711, percentiles_begin), ROWS(9712, plans_begin), ROWS(9713, info_begin)};
static const rdb_kernel_entry ENTRIES[] = {{9714, forget, RDB_KERNEL_NEEDS_SESSION}};

void session_register_statement_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
