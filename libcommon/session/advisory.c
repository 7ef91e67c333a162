/* SPDX-License-Identifier: Apache-2.0
 * Advisory locks: pg_advisory_lock and its kin, over the lock manager. A key is one number of 64 bits or two of 32; the two kinds
 * never meet. Locks of the session outlive its transactions; those of a transaction (xact) end with it. */
#include "expr/kernels.h"
#include "session/activity.h"

enum { KEY_ONE = 1, KEY_TWO = 2 };

static rdb_lock_tag tag_of(rdb_call *call, const rdb_datum *a)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    rdb_lock_tag tag = {.kind = RDB_LOCK_ADVISORY, .pdb = rdb_database_pdb(session->database), .a = (uint64_t)a[0].i64, .b = KEY_ONE};
    if (call->argument_count == 2) {
        tag.a = (uint64_t)(uint32_t)a[0].i32 << 32 | (uint32_t)a[1].i32;
        tag.b = KEY_TWO;
    }
    return tag;
}

static bool acquire(rdb_call *call, const rdb_datum *a, rdb_lock_mode mode, bool of_session, bool waits, bool *taken)
{
    const rdb_eval *eval = rdb_eval_of(call);
    const rdb_lock_policy policy = waits ? RDB_LOCK_WAIT : RDB_LOCK_SKIP;
    return of_session ? rdb_lock_session_acquire(eval->txn, tag_of(call, a), mode, policy, eval->lock_timeout_us, taken, call->err)
                      : rdb_lock_acquire(eval->txn, tag_of(call, a), mode, policy, eval->lock_timeout_us, taken, call->err);
}

/* Functions that wait return void. */
#define WAITING(name, mode, of_session)                                                                                            \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                 \
    {                                                                                                                               \
        bool taken = false;                                                                                                         \
        (void)nulls, (void)is_null;                                                                                                 \
        return acquire(call, a, (mode), (of_session), true, &taken) && expr_set_text(call, "", 0, result);                          \
    }                                                                                                                               \
    static bool name(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)           \
    {                                                                                                                               \
        return expr_run_rows(call, arguments, out, selection, call->argument_count, name##_row);                                    \
    }
#define TRYING(name, mode, of_session)                                                                                             \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)                 \
    {                                                                                                                               \
        bool taken = false;                                                                                                         \
        (void)nulls, (void)is_null;                                                                                                 \
        if (!acquire(call, a, (mode), (of_session), false, &taken))                                                                 \
            return false;                                                                                                           \
        result->b = taken;                                                                                                          \
        return true;                                                                                                                \
    }                                                                                                                               \
    static bool name(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)           \
    {                                                                                                                               \
        return expr_run_rows(call, arguments, out, selection, call->argument_count, name##_row);                                    \
    }
WAITING(lock, RDB_LOCK_EXCLUSIVE, true)
WAITING(lock_shared, RDB_LOCK_SHARE, true)
WAITING(lock_xact, RDB_LOCK_EXCLUSIVE, false)
WAITING(lock_xact_shared, RDB_LOCK_SHARE, false)
TRYING(try, RDB_LOCK_EXCLUSIVE, true)
TRYING(try_shared, RDB_LOCK_SHARE, true)
TRYING(try_xact, RDB_LOCK_EXCLUSIVE, false)
TRYING(try_xact_shared, RDB_LOCK_SHARE, false)

static bool release(rdb_call *call, const rdb_datum *a, rdb_lock_mode mode, rdb_datum *result)
{
    rdb_session *session = rdb_eval_of(call)->session;
    result->b = rdb_lock_session_release(rdb_eval_of(call)->txn, tag_of(call, a), mode);
    if (!result->b)
        session_notice(session, "WARNING", RDB_WARNING, "you don't own a lock of type %s", mode == RDB_LOCK_SHARE ? "ShareLock" : "ExclusiveLock");
    return true;
}

static bool unlock_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return release(call, a, RDB_LOCK_EXCLUSIVE, result);
}

static bool unlock_shared_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return release(call, a, RDB_LOCK_SHARE, result);
}

static bool unlock(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, unlock_row);
}

static bool unlock_shared(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, unlock_shared_row);
}

static bool unlock_all_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_session *session = rdb_eval_of(call)->session;
    (void)a, (void)nulls, (void)is_null;
    if (session->locks != NULL)
        rdb_lock_session_release_all(session->locks, RDB_LOCK_ADVISORY);
    return expr_set_text(call, "", 0, result);
}
EXPR_ROW_KERNEL(unlock_all, 0)

#define F (RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE)
static const rdb_kernel_entry ENTRIES[] = {
    {2880, lock, F}, {2886, lock, F}, {2881, lock_shared, F}, {2887, lock_shared, F}, {3089, lock_xact, F}, {3093, lock_xact, F},
    {3090, lock_xact_shared, F}, {3094, lock_xact_shared, F}, {2882, try, F}, {2888, try, F}, {2883, try_shared, F}, {2889, try_shared, F},
    {3091, try_xact, F}, {3095, try_xact, F}, {3092, try_xact_shared, F}, {3096, try_xact_shared, F},
    {2884, unlock, F}, {2890, unlock, F}, {2885, unlock_shared, F}, {2891, unlock_shared, F}, {2892, unlock_all, F},
};
#undef F

void session_register_advisory_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
