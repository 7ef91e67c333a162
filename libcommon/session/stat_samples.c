/* SPDX-License-Identifier: Apache-2.0
 * The samples of the last 24 hours as rows: rdb_activity_history, a row a session and second, and rdb_system_history, a row a second. */
#include "catalog/rdb_acl.h"
#include "expr/kernels.h"
#include "observe/rdb_samples.h"
#include "session/activity.h"
#include "session/sampler.h"

typedef struct gathering {
    rdb_call *call;
    expr_rows *rows;
    uint32_t role_oid; /* whose sessions are told; 0: everybody's */
} gathering;

enum { H_TIME, H_PID, H_DATABASE, H_ROLE, H_STATE, H_WAIT_TYPE, H_WAIT, H_QUERY_ID, H_CPU, H_WAITED, H_QUERY, H_TRANSACTION, H_COUNT };

/* "type/name" in two. */
static void put_wait(const gathering *g, const rdb_sample_names *names, uint16_t wait, rdb_datum *v, bool *n)
{
    const char *name = wait < names->count ? names->names[wait] : NULL, *slash = name != NULL ? strchr(name, '/') : NULL;
    n[H_WAIT_TYPE] = n[H_WAIT] = slash == NULL;
    if (slash == NULL)
        return;
    v[H_WAIT_TYPE] = expr_text(rdb_arena_printf(g->call->arena, "%.*s", (int)(slash - name), name));
    v[H_WAIT] = expr_text(rdb_arena_strdup(g->call->arena, slash + 1));
}

static bool take_sessions(void *context, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count, const rdb_sample_names *names)
{
    gathering *g = context;
    for (uint32_t i = 0; i < count; i++) {
        const rdb_sample_session *s = &sessions[i];
        rdb_datum v[H_COUNT];
        bool n[H_COUNT] = {false};
        if (g->role_oid != 0 && s->role_oid != g->role_oid)
            continue;
        memset(v, 0, sizeof v);
        v[H_TIME] = expr_moment(system->wall_us);
        v[H_PID].i32 = (int32_t)s->pid;
        v[H_DATABASE].oid = s->database_oid;
        v[H_ROLE].oid = s->role_oid;
        v[H_STATE] = expr_text(rdb_sample_state_name(s->state) != NULL ? rdb_sample_state_name(s->state) : "");
        put_wait(g, names, s->wait, v, n);
        v[H_QUERY_ID].i64 = s->query_id;
        n[H_QUERY_ID] = s->query_id == 0;
        v[H_CPU].f8 = (double)s->cpu_us / 1000;
        n[H_CPU] = s->cpu_us == UINT32_MAX;
        v[H_WAITED].f8 = s->wait_ms;
        v[H_QUERY].f8 = s->query_ms;
        v[H_TRANSACTION].f8 = s->transaction_ms;
        expr_rows_add(g->call, g->rows, v, n, H_COUNT);
    }
    return rdb_arena_check(g->call->arena, g->call->err) && rdb_cancel_check(rdb_eval_of(g->call)->cancel, g->call->err);
}

enum {
    Y_TIME, Y_CPU, Y_OWN_CPU, Y_LOAD, Y_MEMORY, Y_AVAILABLE, Y_DISK_FREE, Y_SCN, Y_STATEMENTS, Y_WAL, Y_READ, Y_WRITTEN, Y_ACTIVE, Y_IDLE, Y_IN_TRANSACTION, Y_WAITING, Y_DIRTY, Y_COUNT
};

static bool take_system(void *context, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count, const rdb_sample_names *names)
{
    gathering *g = context;
    rdb_datum v[Y_COUNT];
    const bool n[Y_COUNT] = {false};
    (void)sessions, (void)count, (void)names;
    memset(v, 0, sizeof v);
    v[Y_TIME] = expr_moment(system->wall_us);
    v[Y_CPU].f8 = system->cpu_permille / 10.0;
    v[Y_OWN_CPU].f8 = system->own_cpu_permille / 10.0;
    v[Y_LOAD].f8 = system->load_milli / 1000.0;
    v[Y_MEMORY].i64 = (int64_t)system->memory_bytes;
    v[Y_AVAILABLE].i64 = (int64_t)system->available_bytes;
    v[Y_DISK_FREE].i64 = (int64_t)system->disk_free_bytes;
    v[Y_SCN].i64 = (int64_t)system->commits;
    v[Y_STATEMENTS].i64 = (int64_t)system->statements;
    v[Y_WAL].i64 = (int64_t)system->wal_bytes;
    v[Y_READ].i64 = (int64_t)system->read_bytes;
    v[Y_WRITTEN].i64 = (int64_t)system->write_bytes;
    v[Y_ACTIVE].i32 = (int32_t)system->active;
    v[Y_IDLE].i32 = (int32_t)system->idle;
    v[Y_IN_TRANSACTION].i32 = (int32_t)system->in_transaction;
    v[Y_WAITING].i32 = (int32_t)system->waiting;
    v[Y_DIRTY].i32 = (int32_t)system->dirty_pages;
    expr_rows_add(g->call, g->rows, v, n, Y_COUNT);
    return rdb_arena_check(g->call->arena, g->call->err) && rdb_cancel_check(rdb_eval_of(g->call)->cancel, g->call->err);
}

static bool gather(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null,
                   bool (*visit)(void *, const rdb_sample_system *, const rdb_sample_session *, uint32_t, const rdb_sample_names *), uint32_t role_oid)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    gathering g = {.call = call, .rows = state, .role_oid = role_oid};
    const char *directory = session_engine_sample_directory(session->engine);
    if (directory == NULL || is_null[0] || is_null[1])
        return true;
    return rdb_samples_read(directory, arguments[0].i64, arguments[1].i64, visit, &g, call->err) && !rdb_error_is_set(call->err);
}

static bool history_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    bool sees_all = session->role.is_superuser;
    if (!sees_all && !rdb_role_has_privileges_of(rdb_eval_of(call)->access, session->role.oid, RDB_ROLE_READ_ALL_STATS, &sees_all, call->err))
        return false;
    return gather(call, state, arguments, is_null, take_sessions, sees_all ? 0 : session->role.oid);
}

static bool system_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    return gather(call, state, arguments, is_null, take_system, 0);
}

#define ROWS(oid, begin_function) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = (begin_function), .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION}
static const rdb_set_kernel_entry SETS[] = {ROWS(9720, history_begin), ROWS(9721, system_begin)};

void session_register_sample_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
