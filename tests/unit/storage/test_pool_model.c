/* SPDX-License-Identifier: Apache-2.0
 * The pool against an array: random pins, looks, changes, growth, cuts, flushes and reopenings, a flush barrier that stands now and
 * then, and reads and writes that fail or come short. What always holds: a page shows what was last set, whoever refused meanwhile;
 * a pinned page stays where it is; an error is one that its cause may give; nothing stays pinned.
 * RDB_TEST_SEED repeats a run, RDB_CHECK_LONG makes it a minute. */
#include "os/rdb_fault.h"
#include "toy.h"

#include <time.h>

enum { MODEL_BLOCKS = 160, MODEL_FRAMES = 32, MODEL_PINS = 6 };

typedef struct model {
    toy t;
    rdb_random random;
    uint64_t slots[MODEL_BLOCKS + 8][TOY_SLOTS];
    uint64_t blocks, firm; /* those before firm have been changed once: no reopening may lose them */
    struct {
        rdb_buffer *buffer;
        rdb_page *page;
        uint64_t block;
    } pins[MODEL_PINS];
    uint32_t pin_count;
    bool has_faults;
    uint64_t steps, refused, changes;
} model;

static _Atomic bool stands;
static bool barrier(void *context, rdb_lsn lsn, rdb_error *err)
{
    if (atomic_load(&stands))
        return rdb_error_set(err, RDB_IO_ERROR, "nothing passes");
    return rdb_wal_flush(context, lsn, err);
}

static uint64_t draw(model *m, uint64_t below)
{
    return rdb_random_next(&m->random) % below;
}

/* A call may fail, but only where something stood in its way and by an error of that kind. */
static bool may_fail(model *m, bool ok)
{
    if (ok)
        return true;
    const char *state = m->t.err.sqlstate;
    if ((!m->has_faults && !atomic_load(&stands)) ||
        (strcmp(state, RDB_IO_ERROR) != 0 && strcmp(state, RDB_DISK_FULL) != 0 && strcmp(state, RDB_INSUFFICIENT_RESOURCES) != 0))
        fail_msg("step %llu: %s %s %s", (unsigned long long)m->steps, state, m->t.err.message, m->t.err.detail);
    rdb_error_clear(&m->t.err);
    m->refused++;
    return false;
}

static void check_page(const model *m, rdb_page *page, uint64_t block)
{
    for (unsigned slot = 1; slot < TOY_SLOTS; slot++)
        if (toy_slots(page)[slot] != m->slots[block][slot])
            fail_msg("step %llu: block %llu, slot %u: %llu, not %llu", (unsigned long long)m->steps, (unsigned long long)block, slot,
                     (unsigned long long)toy_slots(page)[slot], (unsigned long long)m->slots[block][slot]);
    assert_true(toy_is_whole(page));
}

static void look(model *m, uint64_t block)
{
    rdb_buffer *buffer = NULL;
    if (!may_fail(m, rdb_buffer_acquire(m->t.storage, toy_tag(block), RDB_BUFFER_SHARED, &buffer, &m->t.err))) {
        assert_null(buffer);
        return;
    }
    check_page(m, rdb_buffer_page(buffer), block);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
}

static void peek(model *m, uint64_t block)
{
    rdb_peek p;
    uint64_t slots[TOY_SLOTS];
    if (!rdb_buffer_peek_begin(m->t.storage, toy_tag(block), &p))
        return;
    memcpy(slots, (const uint8_t *)p.page + RDB_PAGE_HEADER_BYTES, sizeof slots);
    if (rdb_buffer_peek_end(&p))
        assert_memory_equal(slots + 1, m->slots[block] + 1, sizeof slots - sizeof slots[0]);
}

static void set(model *m, uint64_t block)
{
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    const uint64_t slot = 1 + draw(m, TOY_SLOTS - 1), value = rdb_random_next(&m->random);
    if (!may_fail(m, rdb_buffer_acquire(m->t.storage, toy_tag(block), RDB_BUFFER_EXCLUSIVE, &buffer, &m->t.err)))
        return;
    const bool is_new = rdb_buffer_page(buffer)->type == RDB_PAGE_FREE; /* its first change did not come to be */
    if (may_fail(m, toy_set(m->t.storage, buffer, slot, value, is_new, &end_lsn, &m->t.err))) {
        m->slots[block][slot] = value;
        m->firm = RDB_MAX(m->firm, block + 1);
        m->changes++;
    }
    check_page(m, rdb_buffer_page(buffer), block); /* refused: nothing changed */
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}

static void grow(model *m)
{
    rdb_buffer *buffer = NULL;
    rdb_lsn end_lsn = 0;
    uint64_t block = 0;
    if (m->blocks >= MODEL_BLOCKS || !may_fail(m, rdb_buffer_extend(m->t.storage, 3, TOY_FILE, 0, &block, &buffer, &m->t.err)))
        return;
    assert_true(block >= m->firm && block < MODEL_BLOCKS + 8);
    for (uint64_t i = RDB_MIN(m->blocks, block); i <= block; i++) /* one that was never initialised reads as zeroes */
        memset(m->slots[i], 0, sizeof m->slots[i]);
    if (may_fail(m, toy_set(m->t.storage, buffer, 1, block + 1, true, &end_lsn, &m->t.err))) {
        m->slots[block][1] = block + 1;
        m->firm = block + 1;
    }
    m->blocks = block + 1;
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}

static void pin(model *m, uint64_t block)
{
    rdb_buffer *buffer = NULL;
    if (m->pin_count == MODEL_PINS || !may_fail(m, rdb_buffer_acquire(m->t.storage, toy_tag(block), RDB_BUFFER_PIN, &buffer, &m->t.err)))
        return;
    m->pins[m->pin_count].buffer = buffer;
    m->pins[m->pin_count].page = rdb_buffer_page(buffer);
    m->pins[m->pin_count++].block = block;
}

static void check_pin(model *m, uint32_t i, bool gives)
{
    rdb_buffer *buffer = m->pins[i].buffer;
    assert_ptr_equal(rdb_buffer_page(buffer), m->pins[i].page);
    assert_int_equal(rdb_buffer_tag(buffer).block, m->pins[i].block);
    rdb_buffer_lock(buffer, RDB_BUFFER_SHARED);
    check_page(m, rdb_buffer_page(buffer), m->pins[i].block);
    rdb_buffer_unlock(buffer, RDB_BUFFER_SHARED);
    if (!gives)
        return;
    rdb_buffer_release(buffer, RDB_BUFFER_PIN);
    m->pins[i] = m->pins[--m->pin_count];
}

static void release_all(model *m)
{
    while (m->pin_count > 0)
        check_pin(m, m->pin_count - 1, true);
}

static void cut(model *m)
{
    const uint64_t blocks = m->blocks - draw(m, RDB_MIN(m->blocks, (uint64_t)8));
    release_all(m);
    assert_true(rdb_storage_truncate_file(m->t.storage, 3, TOY_FILE, 0, blocks, &m->t.err));
    m->blocks = blocks;
    m->firm = RDB_MIN(m->firm, blocks);
}

static void clear_the_way(model *m)
{
    rdb_fault_disarm();
    m->has_faults = false;
    atomic_store(&stands, false);
}

static void reopen(model *m)
{
    release_all(m);
    clear_the_way(m);
    assert_true(rdb_storage_flush_all(m->t.storage, 0, &m->t.err));
    assert_int_equal(toy_pinned(m->t.storage), 0);
    rdb_storage_close(&m->t.storage);
    assert_true(rdb_storage_open(&m->t.storage, &m->t.config, &m->t.err));
    rdb_storage_set_barrier(m->t.storage, barrier, m->t.wal);
    uint64_t blocks = 0;
    assert_true(rdb_storage_block_count(m->t.storage, 3, TOY_FILE, 0, &blocks, &m->t.err));
    if (blocks < m->firm || blocks > MODEL_BLOCKS + 8)
        fail_msg("step %llu: %llu blocks, %llu of them changed", (unsigned long long)m->steps, (unsigned long long)blocks, (unsigned long long)m->firm);
    while (m->blocks < blocks)
        memset(m->slots[m->blocks++], 0, sizeof m->slots[0]);
    m->blocks = blocks;
}

static void hinder(model *m)
{
    static const char *const RULES[] = {"read:20000:nth=1:count=3:EIO", "read:20000:nth=2:short", "write:20000:nth=1:count=4:EIO", "write:20000:nth=2:count=0:ENOSPC",
                                        "write:20000:nth=1:count=3:short", "read:20000:nth=1:count=2:EINTR;write:20000:nth=1:count=2:EINTR"};
    if (m->has_faults || atomic_load(&stands)) {
        clear_the_way(m);
    } else if (draw(m, 3) == 0) {
        atomic_store(&stands, true);
    } else {
        assert_true(rdb_fault_arm(RULES[draw(m, RDB_COUNT_OF(RULES))], &m->t.err));
        m->has_faults = true;
    }
}

static void step(model *m)
{
    const uint64_t block = draw(m, 3) == 0 ? draw(m, RDB_MIN(m->blocks, (uint64_t)10)) : draw(m, m->blocks), what = draw(m, 1000);
    m->steps++;
    if (what < 330)
        look(m, block);
    else if (what < 400)
        peek(m, block);
    else if (what < 700)
        set(m, block);
    else if (what < 780)
        pin(m, block);
    else if (what < 880 && m->pin_count > 0)
        check_pin(m, (uint32_t)draw(m, m->pin_count), draw(m, 2) == 0);
    else if (what < 930)
        grow(m);
    else if (what < 960)
        (void)may_fail(m, rdb_storage_flush_all(m->t.storage, 0, &m->t.err));
    else if (what < 964 && !m->has_faults && !atomic_load(&stands))
        cut(m);
    else if (what < 967)
        reopen(m);
    else if (what < 985)
        hinder(m);
    else
        rdb_storage_prefetch(m->t.storage, toy_tag(block), (uint32_t)draw(m, 8));
}

static void test_random_life(void **state)
{
    (void)state;
    const char *given = getenv("RDB_TEST_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    const int64_t until_us = rdb_time_monotonic_us() + (getenv("RDB_CHECK_LONG") != NULL ? 60000000 : 1200000);
    static model m;
    memset(&m, 0, sizeof m);
    printf("seed %llu\n", (unsigned long long)seed);
    rdb_random_seed(&m.random, seed);
    toy_begin(&m.t, MODEL_FRAMES);
    rdb_storage_set_barrier(m.t.storage, barrier, m.t.wal);
    toy_fill(&m.t, 60);
    for (; m.blocks < 60; m.blocks++)
        m.slots[m.blocks][1] = m.blocks + 1;
    m.firm = m.blocks;
    for (bool goes_on = true; goes_on; goes_on = m.steps < 3000 || rdb_time_monotonic_us() < until_us)
        step(&m);
    reopen(&m);
    for (uint64_t block = 0; block < m.blocks; block++)
        look(&m, block);
    assert_int_equal(m.refused > 0 && m.changes > 500, true);
    printf("%llu steps, %llu changes, %llu refused\n", (unsigned long long)m.steps, (unsigned long long)m.changes, (unsigned long long)m.refused);
    toy_end(&m.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
