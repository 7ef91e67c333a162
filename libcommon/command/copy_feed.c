/* SPDX-License-Identifier: Apache-2.0
 * COPY FROM in two threads: one reads lines and makes values of them, the other writes rows and index entries. One batch is on its way
 * while the next one fills; who is ahead waits for the other, so rows come in their order and an error is that of the first bad row.
 * The transaction is the feed's while it has a batch. */
#include "command/copy.h"

enum { FEED_IDLE, FEED_GIVEN, FEED_ENDS };

struct copy_feed {
    rdb_insertion *insertion;
    rdb_thread *thread;
    unsigned stripe; /* of the session, so that rows go where its others went */
    _Atomic uint32_t state; /* futex: whose turn it is; the rest is that one's */
    rdb_batch batch;
    bool ok;
    rdb_error err;
};

static void pass(copy_feed *feed, uint32_t state)
{
    atomic_store_explicit(&feed->state, state, memory_order_release); /* and all that was written before */
    rdb_futex_wake(&feed->state, 1);
}

static uint32_t wait_while(copy_feed *feed, uint32_t state)
{
    for (;;) {
        const uint32_t now = atomic_load_explicit(&feed->state, memory_order_acquire);
        if (now != state)
            return now;
        rdb_futex_wait(&feed->state, state, -1);
    }
}

static void run_feed(void *feed_at)
{
    copy_feed *feed = feed_at;
    rdb_worker_declare(RDB_WORKER_PARALLEL);
    rdb_thread_set_stripe(feed->stripe);
    while (wait_while(feed, FEED_IDLE) == FEED_GIVEN) {
        feed->ok = rdb_insertion_put(feed->insertion, &feed->batch, &feed->err);
        pass(feed, FEED_IDLE);
    }
}

void copy_feed_begin(copy_feed **feed_at, rdb_insertion *insertion)
{
    copy_feed *feed = calloc(1, sizeof *feed);
    rdb_error ignored = {0};
    *feed_at = NULL;
    if (feed == NULL)
        return;
    feed->insertion = insertion;
    feed->stripe = rdb_thread_stripe();
    feed->ok = true;
    rdb_error_init(&feed->err);
    if (rdb_thread_start(&feed->thread, "copy", run_feed, feed, &ignored)) {
        *feed_at = feed;
        return;
    }
    rdb_error_clear(&ignored);
    free(feed);
}

void copy_feed_give(copy_feed *feed, const rdb_batch *batch)
{
    RDB_ASSERT(batch->selection.rows == NULL);
    feed->batch = *batch;
    pass(feed, FEED_GIVEN);
}

bool copy_feed_wait(copy_feed *feed, rdb_error *err)
{
    if (atomic_load_explicit(&feed->state, memory_order_acquire) == FEED_GIVEN) {
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_EXECUTE_GATHER);
        rdb_thread_sleep_begin();
        (void)wait_while(feed, FEED_GIVEN);
        rdb_thread_sleep_end();
        rdb_wait_end(mark);
    }
    const bool ok = feed->ok;
    if (!ok)
        *err = feed->err;
    feed->ok = true;
    return ok;
}

void copy_feed_end(copy_feed **feed_at)
{
    copy_feed *feed = *feed_at;
    rdb_error late;
    *feed_at = NULL;
    if (feed == NULL)
        return;
    rdb_error_init(&late);
    if (!copy_feed_wait(feed, &late))
        rdb_error_clear(&late);
    pass(feed, FEED_ENDS);
    rdb_thread_join(&feed->thread);
    free(feed);
}
