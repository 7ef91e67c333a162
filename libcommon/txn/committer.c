/* SPDX-License-Identifier: Apache-2.0
 * Waiting for commits to be published without a thread that sleeps: who asks leaves a ticket and goes on with other work; a committer leads
 * a sync and calls whoever it has served. So under load a commit costs no switch of threads, and a round carries all
 * who came during the one before. Where syncs take long and the log lets several run beside each other, as many committers are at
 * work; otherwise one, for the others would only take the processors from who makes the next commits. */
#include "txn/txn_int.h"

#include "txn/ssi_int.h"

void rdb_txn_wait_recorded(rdb_txn_manager *manager, rdb_scn scn)
{
    txn_publish_wait_recorded(manager, scn);
}

bool rdb_txn_wait_published(rdb_txn_manager *manager, rdb_scn scn, rdb_error *err)
{
    return txn_publish_wait(manager, scn, err);
}

/* Puts what was asked since the last look behind the others; the order of asking stays. */
static rdb_publish_ticket **take_asked(rdb_txn_manager *manager, rdb_publish_ticket **end)
{
    rdb_publish_ticket *asked = atomic_exchange(&manager->tickets, NULL), *in_order = NULL;
    while (asked != NULL) {
        rdb_publish_ticket *next = asked->next;
        asked->next = in_order;
        in_order = asked;
        asked = next;
    }
    *end = in_order;
    while (*end != NULL)
        end = &(*end)->next;
    return end;
}

/* Calls those that are published; all of them where the log cannot be written. The rest stays, in order. */
static rdb_publish_ticket *call_served(rdb_txn_manager *manager, rdb_publish_ticket *waiting, const rdb_error *failure)
{
    rdb_publish_ticket *rest = NULL, **end = &rest;
    while (waiting != NULL) {
        rdb_publish_ticket *next = waiting->next;
        const bool is_published = waiting->scn <= atomic_load(&manager->published_scn);
        if (is_published || failure != NULL) {
            waiting->call(waiting->context, is_published ? NULL : failure);
        } else {
            *end = waiting;
            end = &waiting->next;
            *end = NULL;
        }
        waiting = next;
    }
    return rest;
}

/* Somebody is to look at the tickets. */
static void wake_one(rdb_txn_manager *manager)
{
    if (atomic_exchange(&manager->committer_word, 1) == 0)
        rdb_futex_wake(&manager->committer_word, 1);
}

/* Before a sync: where another may run beside it, the next ticket wakes another committer. */
static void leave_tickets_to_others(rdb_txn_manager *manager)
{
    if (!rdb_wal_syncs_overlap(manager->wal))
        return;
    atomic_store(&manager->committer_word, 0);
    if (atomic_load(&manager->tickets) != NULL)
        wake_one(manager);
}

static void run_committer(void *manager_at)
{
    rdb_txn_manager *manager = manager_at;
    rdb_publish_ticket *waiting = NULL;
    rdb_error err;
    rdb_error_init(&err);
    rdb_thread_be_prompt();
    for (;;) {
        if (waiting == NULL) {
            atomic_store(&manager->committer_word, 0); /* who asks from here on wakes one */
            if (atomic_load(&manager->tickets) == NULL) {
                if (atomic_load(&manager->committer_stops)) { /* and so do those who saw the word as it was a moment ago */
                    atomic_store(&manager->committer_word, 1);
                    rdb_futex_wake(&manager->committer_word, UINT32_MAX);
                    return;
                }
                rdb_futex_wait(&manager->committer_word, 0, -1);
            }
            atomic_store(&manager->committer_word, 1);
        }
        rdb_publish_ticket **end = &waiting;
        while (*end != NULL)
            end = &(*end)->next;
        take_asked(manager, end);
        if (waiting == NULL)
            continue;
        const uint32_t word = atomic_load(&manager->publish_word);
        rdb_lsn target = 0;
        for (const rdb_publish_ticket *ticket = waiting; ticket != NULL; ticket = ticket->next)
            target = RDB_MAX(target, txn_publish_end_of(manager, ticket->scn));
        leave_tickets_to_others(manager);
        const bool ok = rdb_wal_flush(manager->wal, target, &err);
        const rdb_publish_ticket *first = waiting;
        if (first->scn <= atomic_load(&manager->published_scn))
            ssi_tidy(manager); /* what ended and is seen by all from now on; before anyone hears of it */
        waiting = call_served(manager, waiting, ok ? NULL : &err);
        rdb_error_clear(&err);
        if (first == waiting && atomic_load(&manager->tickets) == NULL)
            txn_publish_wait_for_move(manager, word); /* one before it has its number and not yet its slot */
    }
}

bool txn_committer_start(rdb_txn_manager *manager, rdb_error *err)
{
    for (unsigned i = 0; manager->wal != NULL && i < TXN_COMMITTERS; i++) {
        if (!rdb_thread_start(&manager->committers[i], "committer", run_committer, manager, err))
            return false;
    }
    return true;
}

void txn_committer_stop(rdb_txn_manager *manager)
{
    atomic_store(&manager->committer_stops, true);
    atomic_store(&manager->committer_word, 1);
    rdb_futex_wake(&manager->committer_word, UINT32_MAX);
    for (unsigned i = 0; i < TXN_COMMITTERS; i++) {
        if (manager->committers[i] != NULL)
            rdb_thread_join(&manager->committers[i]);
    }
}

void rdb_txn_when_published(rdb_txn_manager *manager, rdb_publish_ticket *ticket)
{
    rdb_publish_ticket *first = atomic_load_explicit(&manager->tickets, memory_order_relaxed);
    do
        ticket->next = first;
    while (!atomic_compare_exchange_weak(&manager->tickets, &first, ticket));
    wake_one(manager);
}
