/* SPDX-License-Identifier: Apache-2.0
 * pg_stat_activity, pg_locks, prepared transactions and who blocks whom; the session's own cursors and prepared statements; the server's
 * WAL positions, start and checkpoints. */
#include "catalog/rdb_acl.h"
#include "expr/kernels.h"
#include "session/activity.h"
#include "session/portal.h"
#include "wal/rdb_wal.h"
#include "txn/rdb_ssi.h"

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

static bool list_sessions(rdb_call *call, session_activity_info **infos, uint32_t *count)
{
    return session_activity_list(session_engine_registry(session_of(call)->engine), call->arena, infos, count, call->err);
}

static const char *wait_type_of(const session_activity_info *info)
{
    return rdb_wait_type(info->wait);
}

static const char *wait_name_of(const session_activity_info *info)
{
    return rdb_wait_name(info->wait);
}

/* Null where inet has no input yet or the client is local. */
static bool read_address(rdb_call *call, const session_activity_info *info, rdb_datum *value, bool *is_null)
{
    const rdb_type *inet = NULL;
    *is_null = true;
    if (info->address[0] == '\0')
        return true;
    if (!rdb_type_get(rdb_eval_of(call)->access, RDB_INETOID, &inet, call->err))
        return false;
    if (inet->ops == NULL || inet->ops->input == NULL)
        return true;
    const rdb_slice text = {(const uint8_t *)info->address, strlen(info->address)};
    *is_null = false;
    return rdb_expr_value_from_text(rdb_eval_of(call), call->arena, inet, -1, text, value, call->err);
}

static void put_moment(rdb_datum *value, bool *is_null, int64_t wall_us)
{
    *is_null = wall_us == 0;
    *value = expr_moment(wall_us);
}

static void put_text(rdb_datum *value, bool *is_null, const char *text)
{
    *is_null = text == NULL;
    *value = expr_text(text != NULL ? text : "");
}

/* ---- pg_stat_get_activity ---------------------------------------------------------------------------------------------------------------- */
enum {
    A_DATID, A_PID, A_USESYSID, A_APPLICATION, A_STATE, A_QUERY, A_WAIT_TYPE, A_WAIT, A_XACT_START, A_QUERY_START, A_BACKEND_START, A_STATE_CHANGE,
    A_ADDRESS, A_HOSTNAME, A_PORT, A_XID, A_XMIN, A_BACKEND_TYPE, A_SSL, A_SSL_VERSION, A_SSL_CIPHER, A_SSL_BITS, A_SSL_CLIENT, A_SSL_SERIAL, A_SSL_ISSUER,
    A_GSS, A_GSS_PRINCIPAL, A_GSS_ENCRYPTED, A_LEADER, A_QUERY_ID, A_COUNT
};

/* What others do is for those who have their role, or pg_read_all_stats. */
static bool may_see(rdb_call *call, uint32_t role_oid, bool *may)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    rdb_access *access = rdb_eval_of(call)->access;
    *may = session->role.is_superuser || session->role.oid == role_oid;
    if (*may)
        return true;
    if (!rdb_role_has_privileges_of(access, session->role.oid, role_oid, may, call->err))
        return false;
    return *may || rdb_role_has_privileges_of(access, session->role.oid, RDB_ROLE_READ_ALL_STATS, may, call->err);
}

/* The server's own threads: they have no database, no role and no statement. */
typedef struct worker_list {
    struct { rdb_worker_kind kind; rdb_wait wait; int32_t tid; int64_t start_us; } items[64];
    uint32_t count;
} worker_list;

static void take_worker(void *list_at, const rdb_worker_info *info)
{
    worker_list *list = list_at;
    if (list->count == RDB_COUNT_OF(list->items))
        return;
    list->items[list->count].kind = info->waiter->kind;
    list->items[list->count].wait = (rdb_wait)atomic_load_explicit(&info->waiter->event, memory_order_relaxed);
    list->items[list->count].tid = info->tid;
    list->items[list->count++].start_us = info->start_us;
}

static void add_workers(rdb_call *call, expr_rows *rows, const rdb_datum *pid)
{
    worker_list list = {.count = 0};
    rdb_worker_visit(take_worker, &list);
    for (uint32_t i = 0; i < list.count; i++) {
        rdb_datum v[A_COUNT];
        bool n[A_COUNT];
        if (pid != NULL && pid->i32 != list.items[i].tid)
            continue;
        memset(v, 0, sizeof v);
        memset(n, true, sizeof n);
        n[A_PID] = n[A_APPLICATION] = n[A_QUERY] = n[A_BACKEND_TYPE] = n[A_BACKEND_START] = n[A_SSL] = n[A_GSS] = n[A_GSS_ENCRYPTED] = false;
        v[A_PID].i32 = list.items[i].tid;
        v[A_APPLICATION] = v[A_QUERY] = expr_text("");
        v[A_BACKEND_TYPE] = expr_text(rdb_worker_kind_name(list.items[i].kind));
        v[A_BACKEND_START] = expr_moment(list.items[i].start_us);
        put_text(&v[A_WAIT_TYPE], &n[A_WAIT_TYPE], rdb_wait_type(list.items[i].wait));
        put_text(&v[A_WAIT], &n[A_WAIT], rdb_wait_name(list.items[i].wait));
        expr_rows_add(call, rows, v, n, A_COUNT);
    }
}

static bool activity_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    if (!list_sessions(call, &infos, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const session_activity_info *info = &infos[i];
        rdb_datum v[A_COUNT];
        bool n[A_COUNT] = {false};
        if (!is_null[0] && (uint32_t)arguments[0].i32 != info->pid)
            continue;
        bool sees_all;
        if (!may_see(call, info->role_oid, &sees_all))
            return false;
        memset(v, 0, sizeof v);
        v[A_DATID].oid = info->database_oid;
        v[A_PID].i32 = (int32_t)info->pid;
        v[A_USESYSID].oid = info->role_oid;
        v[A_APPLICATION] = expr_text(info->application_name);
        put_text(&v[A_STATE], &n[A_STATE], info->state);
        v[A_QUERY] = expr_text(sees_all ? info->query : "<insufficient privilege>");
        put_text(&v[A_WAIT_TYPE], &n[A_WAIT_TYPE], wait_type_of(info));
        put_text(&v[A_WAIT], &n[A_WAIT], wait_name_of(info));
        put_moment(&v[A_XACT_START], &n[A_XACT_START], info->xact_start_us);
        put_moment(&v[A_QUERY_START], &n[A_QUERY_START], info->query_start_us);
        put_moment(&v[A_BACKEND_START], &n[A_BACKEND_START], info->backend_start_us);
        put_moment(&v[A_STATE_CHANGE], &n[A_STATE_CHANGE], info->state_change_us);
        if (!read_address(call, info, &v[A_ADDRESS], &n[A_ADDRESS]))
            return false;
        v[A_PORT].i32 = info->port;
        v[A_XID].oid = (uint32_t)info->xid;
        n[A_XID] = info->xid == 0;
        /* Snapshots are SCNs here: the horizon a session holds back is one, not a transaction id. */
        v[A_XMIN].oid = (uint32_t)info->snapshot_scn;
        n[A_XMIN] = info->snapshot_scn == 0;
        v[A_QUERY_ID].i64 = info->query_id;
        n[A_QUERY_ID] = info->query_id == 0;
        v[A_BACKEND_TYPE] = expr_text(rdb_worker_kind_name(RDB_WORKER_CLIENT));
        static const uint8_t UNKNOWN[] = {A_HOSTNAME, A_SSL_VERSION, A_SSL_CIPHER, A_SSL_BITS, A_SSL_CLIENT, A_SSL_SERIAL, A_SSL_ISSUER, A_GSS_PRINCIPAL, A_LEADER};
        for (size_t k = 0; k < RDB_COUNT_OF(UNKNOWN); k++)
            n[UNKNOWN[k]] = true;
        static const uint8_t HIDDEN[] = {A_STATE, A_WAIT_TYPE, A_WAIT, A_XACT_START, A_QUERY_START, A_BACKEND_START, A_STATE_CHANGE, A_ADDRESS, A_PORT, A_XID, A_XMIN, A_QUERY_ID, A_BACKEND_TYPE};
        for (size_t k = 0; !sees_all && k < RDB_COUNT_OF(HIDDEN); k++)
            n[HIDDEN[k]] = true;
        expr_rows_add(call, state, v, n, A_COUNT);
    }
    add_workers(call, state, is_null[0] ? NULL : &arguments[0]);
    return true;
}

/* pg_stat_get_progress_info: those that run that command. */
static bool progress_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    static const struct { const char *name; rdb_report_command command; } COMMANDS[] = {{"VACUUM", RDB_REPORT_VACUUM},   {"ANALYZE", RDB_REPORT_ANALYZE},
                                                                                        {"CLUSTER", RDB_REPORT_CLUSTER}, {"CREATE INDEX", RDB_REPORT_CREATE_INDEX},
                                                                                        {"BASEBACKUP", RDB_REPORT_BASEBACKUP}, {"COPY", RDB_REPORT_COPY}};
    session_activity_info *infos = NULL;
    uint32_t count = 0, at = 0;
    if (is_null[0])
        return true;
    const char *name = expr_get_text(call, arguments[0]);
    while (at < RDB_COUNT_OF(COMMANDS) && strcasecmp(COMMANDS[at].name, name) != 0)
        at++;
    if (at == RDB_COUNT_OF(COMMANDS))
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid command name: \"%s\"", name);
    if (!list_sessions(call, &infos, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const session_activity_info *info = &infos[i];
        rdb_datum v[3 + RDB_REPORT_VALUES];
        bool n[3 + RDB_REPORT_VALUES] = {false}, sees_all;
        if (info->report_command != COMMANDS[at].command)
            continue;
        if (!may_see(call, info->role_oid, &sees_all))
            return false;
        memset(v, 0, sizeof v);
        v[0].i32 = (int32_t)info->pid;
        v[1].oid = info->database_oid;
        v[2].oid = info->report_relation;
        for (unsigned k = 0; k < RDB_REPORT_VALUES; k++)
            v[3 + k].i64 = info->report_values[k];
        for (unsigned k = 2; !sees_all && k < RDB_COUNT_OF(n); k++)
            n[k] = true;
        expr_rows_add(call, state, v, n, RDB_COUNT_OF(v));
    }
    return true;
}

/* The n-th session, from 1, as the pg_stat_get_backend_* functions count them. */
static bool nth_session(rdb_call *call, int32_t number, const session_activity_info **info)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    *info = NULL;
    if (!list_sessions(call, &infos, &count))
        return false;
    if (number >= 1 && (uint32_t)number <= count)
        *info = &infos[number - 1];
    return true;
}

#define BACKEND_FUNCTION(name, statement)                                                                                                   \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                          \
    {                                                                                                                                        \
        const session_activity_info *info = NULL;                                                                                            \
        (void)nulls;                                                                                                                         \
        if (!nth_session(call, a[0].i32, &info))                                                                                             \
            return false;                                                                                                                    \
        *is_null = info == NULL;                                                                                                             \
        if (info != NULL) {                                                                                                                  \
            statement;                                                                                                                       \
        }                                                                                                                                    \
        return true;                                                                                                                         \
    }                                                                                                                                        \
    EXPR_ROW_KERNEL(name, 1)
BACKEND_FUNCTION(backend_pid, result->i32 = (int32_t)info->pid)
BACKEND_FUNCTION(backend_database, result->oid = info->database_oid)
BACKEND_FUNCTION(backend_role, result->oid = info->role_oid)
BACKEND_FUNCTION(backend_query, put_text(result, is_null, info->query))
BACKEND_FUNCTION(backend_start, put_moment(result, is_null, info->backend_start_us))
BACKEND_FUNCTION(backend_query_start, put_moment(result, is_null, info->query_start_us))
BACKEND_FUNCTION(backend_xact_start, put_moment(result, is_null, info->xact_start_us))
BACKEND_FUNCTION(backend_wait, put_text(result, is_null, wait_name_of(info)))
BACKEND_FUNCTION(backend_wait_type, put_text(result, is_null, wait_type_of(info)))
BACKEND_FUNCTION(backend_port, result->i32 = info->port)
BACKEND_FUNCTION(backend_address, return read_address(call, info, result, is_null))

static bool backend_numbers_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    (void)arguments, (void)is_null;
    if (!list_sessions(call, &infos, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const rdb_datum number = {.i32 = (int32_t)i + 1};
        const bool null = false;
        expr_rows_add(call, state, &number, &null, 1);
    }
    return true;
}

/* ---- locks -------------------------------------------------------------------------------------------------------------------------------- */
typedef struct lock_list {
    rdb_lock_info *items; /* room for so many, none are added after */
    uint32_t count, room;
} lock_list;

static void take_lock(void *list_at, const rdb_lock_info *info)
{
    lock_list *list = list_at;
    if (list->count < list->room)
        list->items[list->count] = *info;
    list->count++;
}

/* The visitor runs under a latch and may not allocate, so room is made first and made larger until all fit. */
static bool list_locks(rdb_call *call, lock_list *list)
{
    rdb_txn_manager *manager = rdb_engine_txns(session_of(call)->engine);
    for (uint32_t room = 256;; room = list->count * 2) {
        *list = (lock_list){.room = room};
        list->items = rdb_arena_try_alloc(call->arena, room * sizeof *list->items, call->err);
        if (list->items == NULL)
            return false;
        rdb_lock_visit(manager, take_lock, list);
        if (list->count <= room)
            return true;
    }
}

static const char *mode_name(rdb_lock_mode mode)
{
    static const char *const NAMES[] = {"", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
                                        "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"};
    return mode < RDB_COUNT_OF(NAMES) ? NAMES[mode] : "";
}

static bool database_of_pdb(rdb_call *call, uint32_t pdb, uint32_t *oid)
{
    const rdb_session *session = session_of(call);
    const rdb_datum key = {.i32 = (int32_t)pdb};
    rdb_datum value = {.words = {0, 0}};
    bool is_null = true, found = false;
    *oid = 0;
    if (pdb == rdb_database_pdb(session->database))
        *oid = rdb_database_oid(session->database);
    else if (pdb != RDB_PDB_ROOT) {
        if (!expr_read_catalog(call, RDB_PLUGGABLE, 8014, &key, 1, RDB_rdb_pluggable_plgdatabase, RDB_REP_INT32, &value, &is_null, &found))
            return false;
        *oid = found ? value.oid : 0;
    }
    return true;
}

enum { L_TYPE, L_DATABASE, L_RELATION, L_PAGE, L_TUPLE, L_VIRTUALXID, L_XID, L_CLASS, L_OBJECT, L_OBJECT_SUB, L_TRANSACTION, L_PID, L_MODE, L_GRANTED, L_FAST, L_WAIT_START, L_COUNT };

static const session_activity_info *find_process(const session_activity_info *infos, uint32_t count, int32_t pid)
{
    for (uint32_t i = 0; i < count; i++)
        if ((int32_t)infos[i].pid == pid)
            return &infos[i];
    return NULL;
}

static const char *virtual_transaction(rdb_call *call, const session_activity_info *info)
{
    return info == NULL ? "" : rdb_arena_printf(call->arena, "%u/%llu", info->pid, (unsigned long long)info->transaction_count);
}

/* The table that has this file, as far as this database knows. */
static bool relation_of_file(rdb_call *call, uint64_t file, uint32_t *oid)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    uint32_t node = (uint32_t)(file & UINT32_MAX);
    *oid = 0;
    if (!rdb_catalog_scan_open(&scan, rdb_eval_of(call)->access, RDB_PG_CLASS, 0, NULL, 0, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found && *oid == 0)
        if (row.values[RDB_pg_class_relfilenode - 1].oid == node)
            *oid = row.values[RDB_pg_class_oid - 1].oid;
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool add_lock(rdb_call *call, expr_rows *rows, const rdb_lock_info *lock, const session_activity_info *infos, uint32_t info_count)
{
    rdb_datum v[L_COUNT];
    bool n[L_COUNT];
    uint32_t oid = 0;
    memset(v, 0, sizeof v);
    memset(n, 1, sizeof n);
    n[L_TYPE] = n[L_TRANSACTION] = n[L_MODE] = n[L_GRANTED] = n[L_FAST] = false;
    switch (lock->tag.kind) {
    case RDB_LOCK_RELATION:
        v[L_TYPE] = expr_text("relation");
        v[L_RELATION].oid = (uint32_t)lock->tag.a;
        n[L_RELATION] = false;
        break;
    case RDB_LOCK_ROW:
        v[L_TYPE] = expr_text("tuple");
        if (!relation_of_file(call, lock->tag.a, &oid))
            return false;
        v[L_RELATION].oid = oid;
        v[L_PAGE].i32 = (int32_t)(lock->tag.b >> 16);
        v[L_TUPLE].i16 = (int16_t)(lock->tag.b & 0xffff);
        n[L_RELATION] = n[L_PAGE] = n[L_TUPLE] = false;
        break;
    case RDB_LOCK_XID:
        v[L_TYPE] = expr_text("transactionid");
        v[L_XID].oid = (uint32_t)lock->tag.a;
        n[L_XID] = false;
        break;
    case RDB_LOCK_ADVISORY:
        /* one key of 64 bits shows as two halves and a 1, two keys as they are and a 2 */
        v[L_TYPE] = expr_text("advisory");
        v[L_CLASS].oid = lock->tag.b == 2 ? (uint32_t)(lock->tag.a >> 32) : (uint32_t)((uint64_t)lock->tag.a >> 32);
        v[L_OBJECT].oid = (uint32_t)(lock->tag.a & UINT32_MAX);
        v[L_OBJECT_SUB].i16 = lock->tag.b == 2 ? 2 : 1;
        n[L_CLASS] = n[L_OBJECT] = n[L_OBJECT_SUB] = false;
        break;
    case RDB_LOCK_VIRTUAL: /* the lock manager's own number of the transaction that is waited for */
        v[L_TYPE] = expr_text("virtualxid");
        v[L_VIRTUALXID] = expr_text(rdb_arena_printf(call->arena, "%llu/%llu", (unsigned long long)lock->tag.a, (unsigned long long)lock->tag.b));
        n[L_VIRTUALXID] = false;
        break;
    default:
        v[L_TYPE] = expr_text("object");
        v[L_CLASS].oid = lock->tag.kind == RDB_LOCK_DATABASE ? RDB_PG_DATABASE : (uint32_t)lock->tag.a;
        v[L_OBJECT].oid = lock->tag.kind == RDB_LOCK_DATABASE ? (uint32_t)lock->tag.a : (uint32_t)lock->tag.b;
        n[L_CLASS] = n[L_OBJECT] = n[L_OBJECT_SUB] = false;
    }
    if (lock->tag.kind != RDB_LOCK_XID && lock->tag.kind != RDB_LOCK_VIRTUAL) {
        if (!database_of_pdb(call, lock->tag.pdb, &oid))
            return false;
        v[L_DATABASE].oid = oid;
        n[L_DATABASE] = false;
    }
    v[L_TRANSACTION] = expr_text(virtual_transaction(call, find_process(infos, info_count, lock->process_id)));
    if (lock->process_id == 0 && lock->holder_xid != 0) /* prepared: no session's */
        v[L_TRANSACTION] = expr_text(rdb_arena_printf(call->arena, "-1/%llu", (unsigned long long)lock->holder_xid));
    v[L_PID].i32 = lock->process_id;
    n[L_PID] = lock->process_id == 0;
    v[L_MODE] = expr_text(mode_name(lock->mode));
    v[L_GRANTED].b = lock->granted;
    v[L_FAST].b = lock->fast_path;
    if (!lock->granted && lock->waiting_since_us != 0) {
        /* since when, on the monotonic clock */
        v[L_WAIT_START] = expr_moment(rdb_time_wall_us() - (rdb_time_monotonic_us() - lock->waiting_since_us));
        n[L_WAIT_START] = false;
    }
    expr_rows_add(call, rows, v, n, L_COUNT);
    return true;
}

/* A transaction holds itself: its number, virtual and real, for others to wait for. */
static void add_transaction(rdb_call *call, expr_rows *rows, const session_activity_info *info)
{
    rdb_datum v[L_COUNT];
    bool n[L_COUNT];
    if (info->xact_start_us == 0)
        return;
    memset(v, 0, sizeof v);
    memset(n, 1, sizeof n);
    n[L_TYPE] = n[L_VIRTUALXID] = n[L_TRANSACTION] = n[L_PID] = n[L_MODE] = n[L_GRANTED] = n[L_FAST] = false;
    v[L_TYPE] = expr_text("virtualxid");
    v[L_VIRTUALXID] = v[L_TRANSACTION] = expr_text(virtual_transaction(call, info));
    v[L_PID].i32 = (int32_t)info->pid;
    v[L_MODE] = expr_text("ExclusiveLock");
    v[L_GRANTED].b = v[L_FAST].b = 1;
    expr_rows_add(call, rows, v, n, L_COUNT);
    if (info->xid == 0)
        return;
    v[L_TYPE] = expr_text("transactionid");
    n[L_VIRTUALXID] = true;
    n[L_XID] = false;
    v[L_XID].oid = (uint32_t)info->xid;
    v[L_FAST].b = 0;
    expr_rows_add(call, rows, v, n, L_COUNT);
}

/* What serializable transactions read. As with locks: room first, until all fit. */
typedef struct read_list {
    rdb_ssi_lock *items;
    uint32_t count, room;
} read_list;

static void take_read(void *list_at, const rdb_ssi_lock *lock)
{
    read_list *list = list_at;
    if (list->count < list->room)
        list->items[list->count] = *lock;
    list->count++;
}

static bool add_reads(rdb_call *call, expr_rows *rows, const session_activity_info *infos, uint32_t info_count)
{
    read_list list = {.count = 0};
    for (uint32_t room = 256;; room = list.count * 2) {
        list = (read_list){.room = room};
        list.items = rdb_arena_try_alloc(call->arena, room * sizeof *list.items, call->err);
        if (list.items == NULL)
            return false;
        rdb_ssi_visit(rdb_engine_txns(session_of(call)->engine), take_read, &list);
        if (list.count <= room)
            break;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        const rdb_ssi_lock *lock = &list.items[i];
        rdb_datum v[L_COUNT];
        bool n[L_COUNT];
        memset(v, 0, sizeof v);
        memset(n, 1, sizeof n);
        if (!database_of_pdb(call, lock->pdb, &v[L_DATABASE].oid))
            return false;
        v[L_TYPE] = expr_text(lock->kind == 'r' ? "relation" : lock->kind == 'p' ? "page" : lock->kind == 't' ? "tuple" : "range");
        v[L_RELATION].oid = lock->relation_oid;
        v[L_PAGE].i32 = (int32_t)(lock->kind == 'p' ? lock->place : lock->place >> 16);
        v[L_TUPLE].i16 = (int16_t)(lock->place & 0xffff);
        v[L_TRANSACTION] = expr_text(virtual_transaction(call, find_process(infos, info_count, lock->process_id)));
        v[L_PID].i32 = lock->process_id;
        v[L_MODE] = expr_text("SIReadLock");
        v[L_GRANTED].b = 1;
        n[L_TYPE] = n[L_DATABASE] = n[L_RELATION] = n[L_TRANSACTION] = n[L_MODE] = n[L_GRANTED] = n[L_FAST] = false;
        n[L_PID] = lock->process_id == 0;
        n[L_PAGE] = lock->kind != 'p' && lock->kind != 't';
        n[L_TUPLE] = lock->kind != 't';
        expr_rows_add(call, rows, v, n, L_COUNT);
    }
    return true;
}

static bool locks_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    lock_list locks;
    (void)arguments, (void)is_null;
    if (!list_sessions(call, &infos, &count) || !list_locks(call, &locks))
        return false;
    for (uint32_t i = 0; i < locks.count; i++) {
        const rdb_lock_info *lock = &locks.items[i];
        const session_activity_info *holder = find_process(infos, count, lock->process_id);
        if (lock->tag.kind == RDB_LOCK_XID && lock->granted && holder != NULL && holder->xid == lock->tag.a)
            continue; /* its own number: add_transaction says it, of those who never locked it too */
        if (!add_lock(call, state, lock, infos, count))
            return false;
    }
    for (uint32_t i = 0; i < count; i++)
        add_transaction(call, state, &infos[i]);
    return add_reads(call, state, infos, count);
}

static bool modes_conflict(rdb_lock_mode left, rdb_lock_mode right)
{
    /* bit n: conflicts with mode n; PostgreSQL's table */
    static const uint16_t CONFLICTS[] = {0, 1u << 8, 1u << 7 | 1u << 8, 0x1E0, 0x1F0, 0x1D8, 0x1F8, 0x1FC, 0x1FE};
    return left < RDB_COUNT_OF(CONFLICTS) && (CONFLICTS[left] & (1u << right)) != 0;
}

static bool blocks(const rdb_lock_info *waiter, const rdb_lock_info *holder)
{
    /* who has it, or stands before in the queue */
    bool is_before = holder->granted || (holder->waiting_since_us != 0 && holder->waiting_since_us < waiter->waiting_since_us);
    return is_before && holder->process_id != waiter->process_id && holder->tag.kind == waiter->tag.kind && holder->tag.pdb == waiter->tag.pdb &&
           holder->tag.a == waiter->tag.a && holder->tag.b == waiter->tag.b && modes_conflict(waiter->mode, holder->mode);
}

static bool blocking_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0, found = 0;
    lock_list locks;
    const rdb_type *int4 = NULL;
    (void)nulls, (void)is_null;
    if (!list_sessions(call, &infos, &count) || !list_locks(call, &locks) || !rdb_type_get(rdb_eval_of(call)->access, RDB_INT4OID, &int4, call->err))
        return false;
    rdb_datum *pids = RDB_NEW_ARRAY(call->arena, rdb_datum, locks.count + count + 1);
    bool *none = RDB_NEW_ARRAY(call->arena, bool, locks.count + count + 1);
    for (uint32_t w = 0; w < locks.count; w++) {
        const rdb_lock_info *waiter = &locks.items[w];
        if (waiter->granted || waiter->process_id != a[0].i32)
            continue;
        for (uint32_t h = 0; h < locks.count; h++)
            if (blocks(waiter, &locks.items[h])) /* 0: a prepared transaction, as PostgreSQL tells it */
                pids[found++].i32 = locks.items[h].process_id;
        for (uint32_t i = 0; waiter->tag.kind == RDB_LOCK_XID && i < count; i++)
            if (infos[i].xid == waiter->tag.a && (int32_t)infos[i].pid != waiter->process_id)
                pids[found++].i32 = (int32_t)infos[i].pid;
    }
    return rdb_array_build(call, int4, pids, none, found, result);
}
EXPR_ROW_KERNEL(blocking, 1)

static bool safe_blocking_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    enum { PIDS_MAX = 1024 };
    const rdb_type *int4 = NULL;
    (void)nulls, (void)is_null;
    int32_t *process_ids = RDB_NEW_ARRAY(call->arena, int32_t, PIDS_MAX);
    uint32_t count = rdb_ssi_blockers(rdb_engine_txns(session_of(call)->engine), a[0].i32, process_ids, PIDS_MAX);
    count = RDB_MIN(count, (uint32_t)PIDS_MAX);
    rdb_datum *pids = RDB_NEW_ARRAY(call->arena, rdb_datum, count + 1);
    bool *none = RDB_NEW_ARRAY(call->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++)
        pids[i].i32 = process_ids[i];
    return rdb_type_get(rdb_eval_of(call)->access, RDB_INT4OID, &int4, call->err) && rdb_array_build(call, int4, pids, none, count, result);
}
EXPR_ROW_KERNEL(safe_blocking, 1)

/* ---- the session's own --------------------------------------------------------------------------------------------------------------------- */
static bool cursors_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_session *session = session_of(call);
    uint32_t cursor = 0;
    session_portal *portal;
    (void)arguments, (void)is_null;
    while (portal_next(session, &cursor, &portal)) {
        const char *text = portal->text != NULL ? portal->text : portal->statement != NULL && portal->statement->text != NULL ? portal->statement->text : "";
        const rdb_datum values[6] = {expr_text(rdb_arena_strdup(call->arena, portal->name)),
                                     expr_text(rdb_arena_strdup(call->arena, text)),
                                     {.b = portal->holds}, {.b = portal->is_binary}, {.b = portal->is_scroll || portal->may_scroll}, expr_moment(portal->created_us)};
        const bool nulls[6] = {false};
        expr_rows_add(call, state, values, nulls, 6);
    }
    return true;
}

static bool statements_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    const rdb_session *session = session_of(call);
    const rdb_type *regtype = NULL;
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    (void)arguments, (void)is_null;
    if (!rdb_type_get(rdb_eval_of(call)->access, RDB_REGTYPEOID, &regtype, call->err))
        return false;
    while (rdb_map_next(session->statements, &cursor, &key, &value)) {
        const session_statement *statement = value;
        if (statement->name[0] == '\0')
            continue;
        rdb_datum types = {.words = {0, 0}};
        rdb_datum *oids = RDB_NEW_ARRAY(call->arena, rdb_datum, statement->parameter_count + 1);
        bool *none = RDB_NEW_ARRAY(call->arena, bool, statement->parameter_count + 1);
        for (uint32_t i = 0; i < statement->parameter_count; i++)
            oids[i].oid = statement->parameter_types[i];
        if (!rdb_array_build(call, regtype, oids, none, statement->parameter_count, &types))
            return false;
        const rdb_datum values[7] = {expr_text(rdb_arena_strdup(call->arena, statement->name)),
                                     expr_text(rdb_arena_strdup(call->arena, statement->text)), expr_moment(statement->prepared_us), types,
                                     {.b = statement->from_sql}, {.i64 = (int64_t)statement->generic_count}, {.i64 = (int64_t)statement->custom_count}};
        const bool nulls[7] = {false};
        expr_rows_add(call, state, values, nulls, 7);
    }
    return true;
}

/* ---- the server ---------------------------------------------------------------------------------------------------------------------------- */
static bool start_time_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    *result = expr_moment(session_registry_start_us(session_engine_registry(session_of(call)->engine)));
    return true;
}
EXPR_ROW_KERNEL(start_time, 0)

static rdb_wal *wal_of(const rdb_call *call)
{
    return rdb_upkeep_wal(session_engine_upkeep(session_of(call)->engine));
}

static bool insert_lsn_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    result->i64 = (int64_t)rdb_wal_insert_lsn(wal_of(call));
    return true;
}
EXPR_ROW_KERNEL(insert_lsn, 0)

/* The names are those of our own files. */
static bool wal_file_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    char name[17];
    uint32_t offset;
    (void)nulls, (void)is_null;
    rdb_wal_locate(wal_of(call), (rdb_lsn)a[0].i64, name, &offset);
    return expr_set_text(call, name, strlen(name), result);
}
EXPR_ROW_KERNEL(wal_file, 1)

static bool wal_place_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    char name[17];
    uint32_t offset;
    (void)nulls;
    column_nulls[0] = column_nulls[1] = false;
    rdb_wal_locate(wal_of(call), (rdb_lsn)a[0].i64, name, &offset);
    columns[1].i32 = (int32_t)offset;
    return expr_set_text(call, name, strlen(name), &columns[0]);
}
EXPR_RECORD_KERNEL(wal_place, 1, RDB_TEXTOID, RDB_INT4OID)

static bool flush_lsn_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    result->i64 = (int64_t)rdb_wal_durable_lsn(wal_of(call));
    return true;
}
EXPR_ROW_KERNEL(flush_lsn, 0)

static bool backend_count_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    session_activity_info *infos = NULL;
    uint32_t count = 0;
    (void)nulls, (void)is_null;
    if (!list_sessions(call, &infos, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        result->i32 += infos[i].database_oid == a[0].oid;
    return true;
}
EXPR_ROW_KERNEL(backend_count, 1)

/* ---- pg_prepared_xact -------------------------------------------------------------------------------------------------------------------- */
static bool prepared_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_prepared_info *list = NULL;
    uint32_t count = 0;
    (void)arguments, (void)is_null;
    if (!rdb_txn_list_prepared(rdb_engine_txns(session_of(call)->engine), call->arena, &list, &count, call->err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        rdb_datum values[5];
        bool nulls[5] = {false};
        memset(values, 0, sizeof values);
        values[0].oid = (uint32_t)list[i].xid;
        values[1] = expr_text(list[i].gid);
        values[2] = expr_moment(list[i].prepared_us);
        values[3].oid = list[i].role_oid;
        if (!database_of_pdb(call, list[i].pdb, &values[4].oid))
            return false;
        expr_rows_add(call, state, values, nulls, 5);
    }
    return true;
}

#define ROWS(oid, begin_function) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = (begin_function), .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION}
static const rdb_set_kernel_entry SETS[] = {
    ROWS(2022, activity_begin), ROWS(3318, progress_begin), ROWS(1936, backend_numbers_begin), ROWS(1371, locks_begin), ROWS(2511, cursors_begin), ROWS(2510, statements_begin),
    ROWS(1065, prepared_begin), ROWS(2850, wal_place_begin),
};

static const rdb_kernel_entry ENTRIES[] = {
    {1937, backend_pid, RDB_KERNEL_NEEDS_SESSION},
    {1938, backend_database, RDB_KERNEL_NEEDS_SESSION},
    {1939, backend_role, RDB_KERNEL_NEEDS_SESSION},
    {1940, backend_query, RDB_KERNEL_NEEDS_SESSION},
    {1391, backend_start, RDB_KERNEL_NEEDS_SESSION},
    {2094, backend_query_start, RDB_KERNEL_NEEDS_SESSION},
    {2857, backend_xact_start, RDB_KERNEL_NEEDS_SESSION},
    {2853, backend_wait, RDB_KERNEL_NEEDS_SESSION},
    {2788, backend_wait_type, RDB_KERNEL_NEEDS_SESSION},
    {1393, backend_port, RDB_KERNEL_NEEDS_SESSION},
    {1392, backend_address, RDB_KERNEL_NEEDS_SESSION},
    {1941, backend_count, RDB_KERNEL_NEEDS_SESSION},
    {2561, blocking, RDB_KERNEL_NEEDS_SESSION},
    {3376, safe_blocking, RDB_KERNEL_NEEDS_SESSION}, /* pg_safe_snapshot_blocking_pids */
    {2560, start_time, RDB_KERNEL_NEEDS_SESSION},
    {2034, start_time, RDB_KERNEL_NEEDS_SESSION}, /* pg_conf_load_time: the configuration is read once */
    {2849, insert_lsn, RDB_KERNEL_NEEDS_SESSION},
    {2852, insert_lsn, RDB_KERNEL_NEEDS_SESSION},
    {3330, flush_lsn, RDB_KERNEL_NEEDS_SESSION},
    {2851, wal_file, RDB_KERNEL_NEEDS_SESSION},  /* pg_walfile_name */
    {2850, wal_place, RDB_KERNEL_NEEDS_SESSION}, /* pg_walfile_name_offset */
};

void session_register_activity_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
