/* SPDX-License-Identifier: Apache-2.0
 * Latches under load, conditions, stripes, slices, time. */
#include "os/rdb_os.h"

#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

enum { WORKERS = 4, ROUNDS = 20000 };

typedef struct shared_state {
    rdb_latch latch;
    _Atomic uint64_t first, second; /* equal whenever nobody holds the latch exclusively */
    _Atomic uint32_t torn, optimistic_whole, inside_exclusive;
} shared_state;

static void run_worker(void *argument)
{
    shared_state *s = argument;
    rdb_random random;
    rdb_random_seed(&random, (uint64_t)(uintptr_t)&random);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t version;
        switch (rdb_random_next(&random) >> 61) {
        case 0:
        case 1:
            rdb_latch_lock_exclusive(&s->latch);
        exclusive:
            if (atomic_fetch_add(&s->inside_exclusive, 1) != 0)
                atomic_fetch_add(&s->torn, 1);
            atomic_store_explicit(&s->first, atomic_load_explicit(&s->first, memory_order_relaxed) + 1,
                                  memory_order_relaxed);
            if (round % 64 == 0)
                rdb_time_sleep_us(50); /* long enough that others go to sleep */
            atomic_store_explicit(&s->second, atomic_load_explicit(&s->second, memory_order_relaxed) + 1,
                                  memory_order_relaxed);
            atomic_fetch_sub(&s->inside_exclusive, 1);
            rdb_latch_unlock_exclusive(&s->latch);
            break;
        case 2:
            if (rdb_latch_read_begin(&s->latch, &version) && rdb_latch_upgrade(&s->latch, version))
                goto exclusive;
            break;
        case 3:
            if (rdb_latch_try_exclusive(&s->latch))
                goto exclusive;
            break;
        case 4:
            if (rdb_latch_read_begin(&s->latch, &version)) {
                uint64_t first = atomic_load_explicit(&s->first, memory_order_relaxed);
                uint64_t second = atomic_load_explicit(&s->second, memory_order_relaxed);
                if (rdb_latch_read_validate(&s->latch, version)) {
                    atomic_fetch_add(&s->optimistic_whole, 1);
                    if (first != second)
                        atomic_fetch_add(&s->torn, 1);
                }
            }
            break;
        default:
            if ((round & 1) != 0)
                rdb_latch_lock_shared(&s->latch);
            else if (!rdb_latch_try_shared(&s->latch))
                break;
            if (atomic_load_explicit(&s->first, memory_order_relaxed) !=
                atomic_load_explicit(&s->second, memory_order_relaxed))
                atomic_fetch_add(&s->torn, 1);
            rdb_latch_unlock_shared(&s->latch);
        }
    }
}

static void test_latch_keeps_writers_apart_and_readers_whole(void **state)
{
    (void)state;
    static shared_state s;
    rdb_latch_init(&s.latch);
    rdb_thread *threads[WORKERS];
    rdb_error err = {0};
    for (int worker = 0; worker < WORKERS; worker++)
        assert_true(rdb_thread_start(&threads[worker], "latch test", run_worker, &s, &err));
    for (int worker = 0; worker < WORKERS; worker++)
        rdb_thread_join(&threads[worker]);
    assert_null(threads[0]);
    assert_int_equal(s.torn, 0);
    assert_true(s.optimistic_whole > 0);
    assert_int_equal(s.first, s.second);
    /* free again, nobody marked as waiting, one version for each exclusive hold */
    assert_int_equal(s.latch.word & 0xFFFF, 0);
    assert_int_equal(s.latch.word >> 16, s.first);
}

static void test_latch_states(void **state)
{
    (void)state;
    rdb_latch latch;
    uint64_t version, later;
    rdb_latch_init(&latch);
    rdb_latch_lock_shared(&latch);
    assert_true(rdb_latch_try_shared(&latch));
    assert_false(rdb_latch_try_exclusive(&latch));
    assert_true(rdb_latch_read_begin(&latch, &version));
    assert_false(rdb_latch_upgrade(&latch, version)); /* others hold it */
    rdb_latch_unlock_shared(&latch);
    rdb_latch_unlock_shared(&latch);
    assert_true(rdb_latch_read_validate(&latch, version)); /* readers change nothing */
    assert_true(rdb_latch_upgrade(&latch, version));
    assert_false(rdb_latch_read_validate(&latch, version));
    assert_false(rdb_latch_read_begin(&latch, &later));
    assert_false(rdb_latch_try_shared(&latch));
    rdb_latch_unlock_exclusive(&latch);
    assert_false(rdb_latch_read_validate(&latch, version));
    assert_true(rdb_latch_read_begin(&latch, &later));
    assert_int_equal(later, version + 1);
}

typedef struct box {
    rdb_mutex mutex;
    rdb_condition condition;
    int value;
    bool is_awaited; /* somebody waits for value 1 */
} box;

static void run_sender(void *argument)
{
    box *b = argument;
    rdb_mutex_lock(&b->mutex);
    b->is_awaited = true;
    while (b->value != 1)
        rdb_condition_wait(&b->condition, &b->mutex);
    b->value = 2;
    rdb_condition_broadcast(&b->condition);
    rdb_mutex_unlock(&b->mutex);
}

static void test_condition_wakes_and_times_out(void **state)
{
    (void)state;
    box b = {.value = 0};
    rdb_mutex_init(&b.mutex, RDB_RANK_LEAF);
    rdb_condition_init(&b.condition);
    rdb_thread *thread;
    rdb_error err = {0};
    assert_true(rdb_thread_start(&thread, "a name longer than fifteen", run_sender, &b, &err));
    rdb_mutex_lock(&b.mutex);
    assert_false(rdb_mutex_try_lock(&b.mutex));
    for (bool waited = false; !waited || !b.is_awaited; waited = true) {
        const int64_t before = rdb_time_monotonic_us();
        while (rdb_condition_wait_for(&b.condition, &b.mutex, 20000))
            ;
        assert_true(rdb_time_monotonic_us() - before >= 19000);
    }
    rdb_mutex_unlock(&b.mutex);
    rdb_mutex_lock(&b.mutex); /* while the other sleeps */
    assert_int_equal(atomic_load(&b.mutex.word), 1); /* nobody else wants it: to give it up takes no system call */
    b.value = 1;
    rdb_condition_signal(&b.condition);
    while (b.value != 2)
        rdb_condition_wait(&b.condition, &b.mutex);
    rdb_mutex_unlock(&b.mutex);
    rdb_thread_join(&thread);
    rdb_thread_join(&thread);
    rdb_condition_deinit(&b.condition);
    rdb_mutex_deinit(&b.mutex);
}

/* Items go from hand to hand: who puts one in signals once, behind the mutex; whoever waits in vain gives up after a long time. */
enum { HANDS = 3, ITEMS = 20000 };
typedef struct basket {
    rdb_mutex mutex;
    rdb_condition came, went;
    uint32_t items, taken; /* plain: the mutex keeps them */
    uint32_t gave_up;
} basket;

static void run_giver(void *argument)
{
    basket *b = argument;
    for (uint32_t i = 0; i < ITEMS; i++) {
        rdb_mutex_lock(&b->mutex);
        while (b->items == HANDS && b->gave_up == 0)
            b->gave_up += !rdb_condition_wait_for(&b->went, &b->mutex, 60000000);
        b->items++;
        rdb_mutex_unlock(&b->mutex);
        rdb_condition_signal(&b->came);
    }
}

static void run_taker(void *argument)
{
    basket *b = argument;
    for (uint32_t i = 0; i < ITEMS; i++) {
        rdb_mutex_lock(&b->mutex);
        while (b->items == 0 && b->gave_up == 0)
            b->gave_up += !rdb_condition_wait_for(&b->came, &b->mutex, 60000000);
        b->items--;
        b->taken++;
        rdb_mutex_unlock(&b->mutex);
        rdb_condition_signal(&b->went);
    }
}

static void test_no_wake_is_lost(void **state)
{
    (void)state;
    basket b = {.items = 0};
    rdb_thread *threads[2 * HANDS];
    rdb_error err = {0};
    rdb_mutex_init(&b.mutex, RDB_RANK_LEAF);
    rdb_condition_init(&b.came);
    rdb_condition_init(&b.went);
    for (unsigned i = 0; i < 2 * HANDS; i++)
        assert_true(rdb_thread_start(&threads[i], "hand", i % 2 == 0 ? run_giver : run_taker, &b, &err));
    for (unsigned i = 0; i < 2 * HANDS; i++)
        rdb_thread_join(&threads[i]);
    assert_int_equal(b.gave_up, 0);
    assert_int_equal(b.items, 0);
    assert_int_equal(b.taken, HANDS * ITEMS);
    assert_int_equal(atomic_load(&b.mutex.word), 0);
    rdb_condition_deinit(&b.went);
    rdb_condition_deinit(&b.came);
    rdb_mutex_deinit(&b.mutex);
}

static void run_stripe(void *argument)
{
    *(unsigned *)argument = rdb_thread_stripe();
}

static void test_stripes_spread(void **state)
{
    (void)state;
    unsigned stripes[4];
    rdb_error err = {0};
    for (int turn = 0; turn < 4; turn++) {
        rdb_thread *thread;
        assert_true(rdb_thread_start(&thread, "stripe", run_stripe, &stripes[turn], &err));
        rdb_thread_join(&thread);
        assert_true(stripes[turn] < RDB_STRIPES);
        assert_true(turn == 0 || stripes[turn] != stripes[turn - 1]);
    }
    unsigned own = rdb_thread_stripe();
    assert_int_equal(own, rdb_thread_stripe());
    rdb_thread_set_stripe(own + RDB_STRIPES + 1);
    assert_int_equal(rdb_thread_stripe(), (own + 1) % RDB_STRIPES);
    rdb_thread_set_stripe(own);
}

static int64_t fixed_time(void)
{
    return 77;
}

static void test_time_and_randomness(void **state)
{
    (void)state;
    int64_t before = rdb_time_monotonic_us();
    rdb_time_sleep_us(3000);
    assert_true(rdb_time_monotonic_us() - before >= 3000);
    /* between 2026 and 2100, counted from 2000 */
    assert_true(rdb_time_wall_us() > INT64_C(26) * 365 * 86400 * 1000000);
    assert_true(rdb_time_wall_us() < INT64_C(101) * 365 * 86400 * 1000000);
    rdb_time_calls calls = {fixed_time, fixed_time, NULL, NULL};
    rdb_time_replace(&calls);
    assert_int_equal(rdb_time_wall_us(), 77);
    rdb_time_replace(NULL);
    rdb_random one, other;
    rdb_random_seed(&one, 5);
    rdb_random_seed(&other, 5);
    double sum = 0;
    for (int turn = 0; turn < 1000; turn++) {
        assert_int_equal(rdb_random_next(&one), rdb_random_next(&other));
        double unit = rdb_random_unit(&one);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
        rdb_random_unit(&other);
    }
    assert_true(sum > 400 && sum < 600);
    char uuid[37], second[37];
    rdb_uuid_v4(uuid);
    rdb_uuid_v4(second);
    assert_int_equal(strlen(uuid), 36);
    assert_string_not_equal(uuid, second);
    assert_int_equal(uuid[14], '4');
    assert_non_null(strchr("89ab", uuid[19]));
    for (int at = 8; at <= 23; at += 5)
        assert_int_equal(uuid[at], '-');
}

static void count_begin(void *context)
{
    ((int *)context)[0]++;
}

static void count_end(void *context)
{
    ((int *)context)[1]++;
}

/* Nested sleeps are one, and another thread's are not told. */
static void test_sleeps_are_told(void **state)
{
    (void)state;
    int counts[2] = {0, 0};
    const rdb_sleep_watch watch = {count_begin, count_end, counts};
    rdb_thread_sleep_begin();
    rdb_thread_sleep_end();
    rdb_thread_watch_sleep(&watch);
    rdb_thread_sleep_begin();
    rdb_thread_sleep_begin();
    assert_true(counts[0] == 1 && counts[1] == 0);
    rdb_thread_sleep_end();
    assert_int_equal(counts[1], 0);
    rdb_thread_sleep_end();
    assert_true(counts[0] == 1 && counts[1] == 1);
    rdb_thread_watch_sleep(NULL);
    rdb_thread_sleep_begin();
    rdb_thread_sleep_end();
    assert_int_equal(counts[0], 1);
}

static void note_slice(void *slices_at)
{
    int64_t *slices = slices_at;
    slices[0] = rdb_thread_slice_us();
    rdb_thread_be_prompt();
    slices[1] = rdb_thread_slice_us();
}

/* A thread that is to be prompt has the shortest slice; others keep theirs. */
static void test_prompt_threads_have_short_slices(void **state)
{
    (void)state;
    rdb_thread *thread;
    rdb_error err = {0};
    int64_t slices[2], own = rdb_thread_slice_us();
    if (own == 0)
        skip(); /* an older kernel */
    assert_true(rdb_thread_start(&thread, "prompt", note_slice, slices, &err));
    rdb_thread_join(&thread);
    assert_int_equal(slices[0], own);
    assert_int_equal(slices[1], 100);
    assert_int_equal(rdb_thread_slice_us(), own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latch_keeps_writers_apart_and_readers_whole),
        cmocka_unit_test(test_latch_states),
        cmocka_unit_test(test_condition_wakes_and_times_out),
        cmocka_unit_test(test_no_wake_is_lost),
        cmocka_unit_test(test_stripes_spread),
        cmocka_unit_test(test_sleeps_are_told),
        cmocka_unit_test(test_prompt_threads_have_short_slices),
        cmocka_unit_test(test_time_and_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
