/* SPDX-License-Identifier: Apache-2.0
 * Transaction ids for people: the snapshot of now as PostgreSQL writes one, and what became of a transaction. Our own snapshots are
 * single SCNs; the list of running transactions is made when somebody asks. */
#include "expr/kernels.h"
#include "session/activity.h"

#include <stdlib.h>

typedef struct running_list {
    uint32_t pdb, count, capacity;
    rdb_xid *xids;
    bool failed;
} running_list;

static void note_running(void *context, const rdb_txn_info *info)
{
    running_list *list = context;
    if (info->pdb != list->pdb || info->xid == 0)
        return;
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity * 2 + 16;
        rdb_xid *grown = realloc(list->xids, capacity * sizeof *grown);
        list->failed = list->failed || grown == NULL;
        if (grown == NULL)
            return;
        list->xids = grown;
        list->capacity = capacity;
    }
    list->xids[list->count++] = info->xid;
}

static int compare_xids(const void *left_at, const void *right_at)
{
    const rdb_xid left = *(const rdb_xid *)left_at, right = *(const rdb_xid *)right_at;
    return left < right ? -1 : left > right;
}

static bool current_snapshot_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    rdb_txn_manager *txns = rdb_engine_txns(session->engine);
    running_list list = {.pdb = rdb_database_pdb(session->database)};
    rdb_xid next = 0;
    (void)a, (void)nulls, (void)is_null;
    rdb_txn_visit(txns, note_running, &list);
    bool ok = rdb_txn_next_xid(txns, list.pdb, &next, call->err) && (!list.failed || rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory"));
    if (ok) {
        uint64_t *numbers = RDB_NEW_ARRAY(call->arena, uint64_t, list.count + 2u);
        uint32_t count = 2;
        if (list.count > 1)
            qsort(list.xids, list.count, sizeof *list.xids, compare_xids);
        numbers[0] = list.count > 0 ? RDB_MIN(list.xids[0], next) : next;
        numbers[1] = next;
        for (uint32_t i = 0; i < list.count; i++)
            if (list.xids[i] < next)
                numbers[count++] = list.xids[i];
        result->bytes = (rdb_bytes){.data = (const uint8_t *)numbers, .length = count * (uint32_t)sizeof *numbers};
        ok = rdb_arena_check(call->arena, call->err);
    }
    free(list.xids);
    return ok;
}
EXPR_ROW_KERNEL(current_snapshot, 0)

/* Null: so long ago that nobody remembers. */
static bool xact_status_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    enum { FIRST_NORMAL = 3 };
    const rdb_session *session = rdb_eval_of(call)->session;
    rdb_txn_manager *txns = rdb_engine_txns(session->engine);
    const uint32_t pdb = rdb_database_pdb(session->database);
    const rdb_xid xid = (rdb_xid)a[0].i64;
    rdb_xid_state state;
    rdb_xid next = 0;
    rdb_scn scn;
    (void)nulls;
    if (!rdb_txn_next_xid(txns, pdb, &next, call->err))
        return false;
    if (xid >= next)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "transaction ID %llu is in the future", (unsigned long long)xid);
    *is_null = xid == 0 || (xid >= FIRST_NORMAL && xid < rdb_txn_tail(txns, pdb));
    if (*is_null)
        return true;
    if (xid < FIRST_NORMAL)
        return expr_set_text(call, "committed", strlen("committed"), result);
    if (!rdb_txn_resolve(txns, pdb, xid, &state, &scn, call->err))
        return false;
    const char *word = state == RDB_XID_RUNNING ? "in progress" : state == RDB_XID_COMMITTED ? "committed" : "aborted";
    return expr_set_text(call, word, strlen(word), result);
}
EXPR_ROW_KERNEL(xact_status, 1)

/* How many transactions lie between: ids never wrap here, so it only grows. */
static bool xid_age_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    rdb_xid next = 0;
    (void)nulls, (void)is_null;
    if (!rdb_txn_next_xid(rdb_engine_txns(session->engine), rdb_database_pdb(session->database), &next, call->err))
        return false;
    result->i32 = a[0].oid < 3 ? INT32_MAX : (int32_t)((uint32_t)next - a[0].oid);
    return true;
}
EXPR_ROW_KERNEL(xid_age, 1)

/* Multixacts do not exist here: the next one is the first. */
static bool multixact_age_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)nulls, (void)is_null;
    result->i32 = a[0].oid == 0 ? INT32_MAX : (int32_t)(1 - a[0].oid);
    return true;
}
EXPR_ROW_KERNEL(multixact_age, 1)

void session_register_xid_functions(void)
{
    static const rdb_kernel_entry KERNELS[] = {
        {5061, current_snapshot, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, {2944, current_snapshot, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {1181, xid_age, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, {3939, multixact_age, 0},
        {5066, xact_status, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}, {3360, xact_status, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    };
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
}
