/* SPDX-License-Identifier: Apache-2.0
 * Memory accounts: a charge goes up the chain and is taken back where an account above refuses. */
#include "task/rdb_task.h"

void rdb_account_init(rdb_account *account, rdb_account *parent, int64_t limit_bytes)
{
    memset(account, 0, sizeof *account);
    account->parent = parent;
    account->limit_bytes = limit_bytes;
}

bool rdb_account_charge(void *account_at, int64_t bytes)
{
    rdb_account *account = account_at;
    if (account == NULL)
        return true;
    int64_t used = atomic_fetch_add_explicit(&account->used_bytes, bytes, memory_order_relaxed) + bytes;
    if (bytes > 0 && ((account->limit_bytes > 0 && used > account->limit_bytes) || !rdb_account_charge(account->parent, bytes))) {
        atomic_fetch_sub_explicit(&account->used_bytes, bytes, memory_order_relaxed);
        return false;
    }
    if (bytes < 0)
        rdb_account_charge(account->parent, bytes);
    int64_t peak = atomic_load_explicit(&account->peak_bytes, memory_order_relaxed);
    while (used > peak && !atomic_compare_exchange_weak_explicit(&account->peak_bytes, &peak, used, memory_order_relaxed, memory_order_relaxed)) {
    }
    return true;
}
