/* SPDX-License-Identifier: Apache-2.0
 * Looks without a pin: what a look says was whole is the page asked for, whole, while others change it and frames are given to
 * other pages all the time. The thread sanitizer cannot know that torn bytes are thrown away, so it has nothing to run here. */
#include "toy.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif

enum { PAGES = 160, FRAMES = 32, CHANGERS = 2, LOOKERS = 2 };

typedef struct crowd {
    toy t;
    _Atomic uint32_t stop;
    _Atomic uint64_t looks, misses, torn;
} crowd;
typedef struct hand {
    crowd *c;
    rdb_thread *thread;
    unsigned no;
} hand;

static void change(void *argument)
{
    hand *h = argument;
    rdb_random random;
    rdb_random_seed(&random, h->no + 1);
    for (unsigned i = 0; i < 2000; i++) {
        rdb_error err = {0};
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn;
        uint64_t draw = rdb_random_next(&random);
        toy_must(rdb_buffer_acquire(h->c->t.storage, toy_tag(draw % PAGES), RDB_BUFFER_EXCLUSIVE, &buffer, &err), &err);
        toy_must(toy_set(h->c->t.storage, buffer, 2 + (draw >> 20) % (TOY_SLOTS - 2), draw >> 30, false, &end_lsn, &err), &err);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    atomic_fetch_add(&h->c->stop, 1);
}

static void look(void *argument)
{
    hand *h = argument;
    rdb_random random;
    uint64_t copy[512];
    rdb_random_seed(&random, 100 + h->no);
    while (atomic_load(&h->c->stop) < CHANGERS || atomic_load(&h->c->looks) < 1000) {
        uint64_t block = rdb_random_next(&random) % PAGES;
        rdb_peek peek;
        if (!rdb_buffer_peek_begin(h->c->t.storage, toy_tag(block), &peek)) {
            atomic_fetch_add(&h->c->misses, 1);
            if (atomic_load(&h->c->misses) % 8 == 0) { /* somebody must bring pages in */
                rdb_error err = {0};
                rdb_buffer *buffer = NULL;
                toy_must(rdb_buffer_acquire(h->c->t.storage, toy_tag(block), RDB_BUFFER_PIN, &buffer, &err), &err);
                rdb_buffer_release(buffer, RDB_BUFFER_PIN);
            }
            continue;
        }
        memcpy(copy, peek.page, sizeof copy);
        if (!rdb_buffer_peek_end(&peek)) {
            atomic_fetch_add(&h->c->torn, 1);
            continue;
        }
        rdb_page *page = (rdb_page *)(void *)copy;
        RDB_VERIFY(toy_is_whole(page));
        RDB_VERIFY(toy_slots(page)[1] == block + 1); /* the page asked for */
        RDB_VERIFY(page->place_hash == page_place_hash(toy_tag(block)));
        atomic_fetch_add(&h->c->looks, 1);
    }
}

static void test_a_look_that_ends_well_saw_the_page_whole(void **state)
{
    (void)state;
    if (UNDER_TSAN)
        skip();
    crowd *c = calloc(1, sizeof *c);
    hand hands[CHANGERS + LOOKERS];
    toy_begin(&c->t, FRAMES);
    toy_fill(&c->t, PAGES);
    for (unsigned i = 0; i < CHANGERS + LOOKERS; i++) {
        hands[i] = (hand){.c = c, .no = i};
        assert_true(rdb_thread_start(&hands[i].thread, "hand", i < CHANGERS ? change : look, &hands[i], &c->t.err));
    }
    for (unsigned i = 0; i < CHANGERS + LOOKERS; i++)
        rdb_thread_join(&hands[i].thread);
    print_message("%llu looks, %llu not there, %llu torn\n", (unsigned long long)c->looks, (unsigned long long)c->misses,
                  (unsigned long long)c->torn);
    assert_true(c->looks >= 1000 && c->misses > 0);
    toy_end(&c->t);
    free(c);
}

static void test_a_look_waits_for_nobody(void **state)
{
    (void)state;
    toy t;
    rdb_peek peek;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, FRAMES);
    toy_fill(&t, 2);
    const uint64_t hits = rdb_thread_usage.blocks_hit;
    assert_false(rdb_buffer_peek_begin(t.storage, toy_tag(77), &peek)); /* not in the pool */
    assert_int_equal(rdb_thread_usage.blocks_hit, hits);
    assert_true(rdb_buffer_peek_begin(t.storage, toy_tag(1), &peek));
    assert_true(rdb_buffer_peek_end(&peek));
    assert_int_equal(rdb_thread_usage.blocks_hit, hits + 1); /* a page met, as EXPLAIN (BUFFERS) counts them */
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_true(rdb_buffer_peek_end(&peek)); /* readers are no hindrance */
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_EXCLUSIVE, &buffer, &t.err));
    assert_false(rdb_buffer_peek_end(&peek));
    assert_false(rdb_buffer_peek_begin(t.storage, toy_tag(1), &peek));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_true(rdb_buffer_peek_begin(t.storage, toy_tag(1), &peek));
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_look_that_ends_well_saw_the_page_whole),
        cmocka_unit_test(test_a_look_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
