/* SPDX-License-Identifier: Apache-2.0
 * Room task: what running work shares: cancellation and named waits, memory accounts. Settings stand in rdb_settings.h, pools
 * of threads in rdb_pool.h. */
#ifndef RDB_TASK_H
#define RDB_TASK_H

#include "task/rdb_cancel.h"

/* A counted limit of memory; accounts nest (statement in session in tenant in server). Usable as an arena's charge. */
typedef struct rdb_account {
    struct rdb_account *parent;
    _Atomic int64_t used_bytes, peak_bytes;
    int64_t limit_bytes; /* 0: none */
} rdb_account;
void rdb_account_init(rdb_account *account, rdb_account *parent, int64_t limit_bytes);
bool rdb_account_charge(void *account, int64_t bytes);

#endif
