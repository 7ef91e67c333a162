/* SPDX-License-Identifier: Apache-2.0
 * A tree's file made smaller: nothing is lost, whoever reads or writes between its steps or beside them goes on, and what it may give back it does. */
#include "fixture.h"

static uint8_t key_bytes_of[RDB_INDEX_KEY_MAX];

/* Nine bytes, every fifth longer, so that cells differ in size; long: some go on in overflow pages. */
static rdb_index_entry entry_of(uint64_t number, bool is_long)
{
    const uint32_t length = is_long && number % 50 == 0 ? 1500 : number % 5 == 0 ? 60 : 9;
    memset(key_bytes_of, 'x', length);
    key_bytes_of[0] = 1;
    rdb_put_u64(key_bytes_of + 1, __builtin_bswap64(number));
    return (rdb_index_entry){.key = {key_bytes_of, length}, .address = 1 + number % 3};
}

static uint64_t number_of(const rdb_index_entry *entry)
{
    return __builtin_bswap64(rdb_get_u64(entry->key.data + 1));
}

static void insert(fixture *f, model *m, uint64_t number, bool is_long)
{
    const rdb_index_entry entry = entry_of(number, is_long);
    MUST(&f->err, rdb_index_insert(&f->index, 3, &entry, &f->err));
    if (m != NULL)
        model_insert(m, &entry);
}

static void take_away(fixture *f, model *m, uint64_t number, bool is_long)
{
    const rdb_index_entry entry = entry_of(number, is_long);
    MUST(&f->err, rdb_index_remove(f->storage, PDB, INDEX_FILE, entry.key, entry.address, NULL, NULL, &f->err));
    if (m != NULL)
        model_remove(m, entry.key.data, entry.key.length, entry.address);
}

static uint64_t blocks_of(fixture *f)
{
    uint64_t blocks;
    MUST(&f->err, rdb_storage_block_count(f->storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &blocks, &f->err));
    return blocks;
}

static void compact(fixture *f, rdb_index_compaction *compaction)
{
    MUST(&f->err, rdb_index_compact(&f->index, compaction, &f->err));
    assert_true(compaction->is_over);
    assert_int_equal(compaction->blocks_after, blocks_of(f));
}

/* A build fills nine tenths of each page; a tenth more leaves are good enough, and so many inner pages there are. */
static uint64_t blocks_max(const model *m, uint32_t page_bytes)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < m->count; i++)
        bytes += m->entries[i].key_bytes + 17;
    const uint64_t leaves = bytes / ((page_bytes - BTREE_SLOTS_AT) * 9 / 10) + 1;
    return 3 + leaves * 110 / 100 + leaves / 50;
}

enum { COUNT = 20000 };
static bool six_in_ten(uint64_t number) { return number % 10 < 6; }
static bool all_but_few(uint64_t number) { return number % 1000 != 0; }
static bool all(uint64_t number) { return number < COUNT; }
static bool first_part(uint64_t number) { return number < COUNT * 9 / 10; }
static bool last_part(uint64_t number) { return number > COUNT / 10; }
static bool middle(uint64_t number) { return number > COUNT / 10 && number < COUNT * 9 / 10; }

static void test_what_is_left_fills_the_file(void **state)
{
    static bool (*const LOSSES[])(uint64_t number) = {six_in_ten, all_but_few, all, first_part, last_part, middle};
    (void)state;
    for (uint32_t page_bytes = 4096; page_bytes <= 16384; page_bytes *= 4)
        for (unsigned order = 0; order < 2; order++)
            for (unsigned i = 0; i < RDB_COUNT_OF(LOSSES); i++) {
                fixture f;
                model m = {0};
                rdb_index_compaction compaction = {0}, again = {0};
                fixture_begin(&f, page_bytes, 1024);
                for (uint64_t n = 0; n < COUNT; n++) /* in order, so that the file is; or all over it */
                    insert(&f, &m, order == 0 ? n : n * 7919 % COUNT, false);
                for (uint64_t n = 0; n < COUNT; n++)
                    if (LOSSES[i](n))
                        take_away(&f, &m, n, false);
                compact(&f, &compaction);
                check_tree(&f, &m);
                if (compaction.blocks_after > blocks_max(&m, page_bytes))
                    fail_msg("pages of %u, order %u, loss %u: %llu blocks, %llu would do", page_bytes, order, i, (unsigned long long)compaction.blocks_after, (unsigned long long)blocks_max(&m, page_bytes));
                compact(&f, &again); /* which has nothing to do */
                assert_int_equal(again.pages_merged + again.pages_moved, 0);
                assert_int_equal(again.blocks_after, compaction.blocks_after);
                for (uint64_t n = 0; n < COUNT; n += 2) /* and it lives on */
                    insert(&f, &m, n, false);
                check_tree(&f, &m);
                for (uint64_t n = 1; n < COUNT; n += 2)
                    take_away(&f, &m, n, false);
                compact(&f, &again);
                check_tree(&f, &m);
                model_clear(&m);
                fixture_end(&f);
            }
}

/* Long keys' pages stay where they are; all else goes as ever, levels above among it. */
static void test_long_keys_stay(void **state)
{
    (void)state;
    fixture f;
    model m = {0};
    rdb_index_compaction compaction = {0};
    fixture_begin(&f, 4096, 1024);
    for (uint64_t n = 0; n < 6000; n++)
        insert(&f, &m, n * 7919 % 6000, true);
    for (uint64_t n = 0; n < 6000; n++)
        if (n % 50 != 0 && n % 7 != 0)
            take_away(&f, &m, n, true);
    compact(&f, &compaction);
    assert_true(compaction.pages_merged > 20);
    check_tree(&f, &m);
    for (uint64_t n = 0; n < 6000; n++)
        insert(&f, &m, n, true);
    check_tree(&f, &m);
    model_clear(&m);
    fixture_end(&f);
}

/* Free blocks serve the next splits. */
static void test_splits_take_what_was_given_up(void **state)
{
    (void)state;
    fixture f;
    rdb_buffer *last;
    fixture_begin(&f, 4096, 1024);
    for (uint64_t n = 0; n < COUNT; n++)
        insert(&f, NULL, n, false);
    for (uint64_t n = 0; n < COUNT; n++)
        take_away(&f, NULL, n, false);
    /* A file whose end cannot be cut, since somebody looks at its last page. */
    uint64_t blocks;
    MUST(&f.err, rdb_buffer_extend(f.storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &blocks, &last, &f.err));
    rdb_buffer_unlock(last, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_lock(last, RDB_BUFFER_SHARED);
    rdb_index_compaction compaction = {0};
    compact(&f, &compaction);
    rdb_buffer_release(last, RDB_BUFFER_SHARED);
    assert_int_equal(compaction.blocks_after, blocks + 1);
    for (uint64_t n = 0; n < COUNT / 2; n++)
        insert(&f, NULL, n * 7919 % COUNT, false);
    assert_int_equal(blocks_of(&f), blocks + 1);
    fixture_end(&f);
}

/* ---- between the steps ------------------------------------------------------------------------------------------------------------ */
typedef struct meddler {
    fixture *f;
    rdb_index_cursor *cursors[2]; /* forward, backward */
    rdb_arena *arenas[2];
    uint64_t expected[2], met[2]; /* numbers that stay are those divisible by ten */
    uint64_t calls, next;
    uint64_t calls_max;           /* 0: none */
} meddler;

static bool meddle(void *context, uint64_t bytes, bool *goes_on, rdb_error *err)
{
    meddler *w = context;
    rdb_index_entry entries[7];
    (void)bytes;
    *goes_on = w->calls_max == 0 || w->calls < w->calls_max;
    w->calls++;
    for (unsigned backward = 0; backward < 2; backward++) {
        uint32_t count;
        if ((w->calls + backward) % 3 == 0)
            continue;
        rdb_arena_reset(w->f->batch);
        MUST(err, rdb_index_cursor_next(w->cursors[backward], 1 + (uint32_t)(w->calls % 7), true, w->f->batch, entries, &count, err));
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t number = number_of(&entries[i]);
            if (number % 10 != 0)
                continue;
            assert_int_equal(number, w->expected[backward]);
            w->expected[backward] += backward ? (uint64_t)-10 : 10;
            w->met[backward]++;
        }
    }
    if (w->calls % 2 == 0) { /* splits, and keys behind the compaction and before it */
        const uint64_t number = w->next++ * 7919 % COUNT;
        if (number % 10 != 0) {
            if (w->calls % 4 == 0)
                insert(w->f, NULL, number, false);
            else
                take_away(w->f, NULL, number, false);
        }
    }
    return true;
}

static void begin_meddling(meddler *w, fixture *f)
{
    const rdb_index_range whole = {0};
    *w = (meddler){.f = f, .expected = {0, COUNT - 10}};
    for (unsigned backward = 0; backward < 2; backward++) {
        w->arenas[backward] = rdb_arena_create("cursor", NULL, NULL);
        MUST(&f->err, rdb_index_cursor_open(&w->cursors[backward], &f->index, &whole, backward != 0, w->arenas[backward], &f->err));
    }
}

static void end_meddling(meddler *w)
{
    bool goes_on;
    w->calls_max = 0;
    for (unsigned i = 0; i < COUNT; i++)
        MUST(&w->f->err, meddle(w, 0, &goes_on, &w->f->err));
    assert_int_equal(w->met[0], COUNT / 10);
    assert_int_equal(w->met[1], COUNT / 10);
    rdb_arena_destroy(w->arenas[0]);
    rdb_arena_destroy(w->arenas[1]);
}

static void test_cursors_go_on_between_steps(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        fixture f;
        meddler w;
        rdb_index_statistics statistics;
        fixture_begin(&f, 4096, 1024);
        for (uint64_t n = 0; n < COUNT; n++)
            insert(&f, NULL, order == 0 ? n : n * 7919 % COUNT, false);
        for (uint64_t n = 0; n < COUNT; n++)
            if (n % 10 != 0 && n % 10 != 3)
                take_away(&f, NULL, n, false);
        begin_meddling(&w, &f);
        rdb_index_compaction compaction = {.pace = meddle, .context = &w};
        compact(&f, &compaction);
        assert_true(compaction.pages_merged > 50 && compaction.pages_moved > 10);
        assert_true(w.met[0] > 100 && w.met[0] < COUNT / 10 && w.met[1] < COUNT / 10); /* they were on their way */
        MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
        end_meddling(&w);
        MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
        fixture_end(&f);
    }
}

/* Stopped after any step, it is taken up by the next one. */
/* Places found before the tree changes lead to the same entries after: through splits, which move keys to the right, and compactions,
 * which move pages. */
static void test_places_stay_true(void **state)
{
    enum { PLACES = 60, ROUNDS = 6 };
    (void)state;
    fixture f;
    model m = {0};
    fixture_begin(&f, 4096, 512);
    for (uint64_t i = 0; i < COUNT / 4; i++)
        insert(&f, &m, 4 * i, true);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t keys[PLACES][9];
        rdb_index_place places[PLACES];
        rdb_index_range ranges[PLACES];
        rdb_index_cursor *cursor;
        rdb_index_compaction compaction = {0};
        for (unsigned k = 0; k < PLACES; k++) {
            keys[k][0] = 1;
            rdb_put_u64(keys[k] + 1, __builtin_bswap64((uint64_t)k * COUNT / PLACES + round));
            ranges[k] = (rdb_index_range){.lower = {keys[k], k == 0 ? 0 : 9}, .upper = {keys[k], 8}, .lower_exclusive = k % 3 == 1};
            MUST(&f.err, rdb_index_find_place(&f.index, &ranges[k], &places[k], &f.err));
            assert_int_not_equal(places[k].leaf, 0);
        }
        if (round % 2 == 0) {
            for (uint64_t i = 0; i < COUNT / 4; i++)
                insert(&f, &m, 4 * i + 1 + round / 2, true);
        } else {
            for (uint64_t i = 0; i < COUNT / 4; i++)
                if (i % 10 != 0)
                    take_away(&f, &m, 4 * i + 1 + round / 2, true);
            compact(&f, &compaction);
            assert_true(compaction.pages_merged + compaction.pages_moved > 0);
        }
        rdb_arena_reset(f.arena);
        MUST(&f.err, rdb_index_cursor_open(&cursor, &f.index, &ranges[0], false, f.arena, &f.err));
        for (unsigned k = 0; k < PLACES; k++) {
            rdb_index_warm_place(&f.index, &places[k]);
            rdb_index_warm_entry(&f.index, &places[k], &ranges[k]);
            check_range_from(&f, &m, cursor, &ranges[k], &places[k], false, 7);
        }
        rdb_index_cursor_close(&cursor);
    }
    model_clear(&m);
    fixture_end(&f);
}

static void test_stopped_and_taken_up(void **state)
{
    (void)state;
    fixture f;
    meddler w;
    rdb_index_statistics statistics;
    fixture_begin(&f, 4096, 1024);
    for (uint64_t n = 0; n < COUNT; n++)
        insert(&f, NULL, n * 7919 % COUNT, false);
    for (uint64_t n = 0; n < COUNT; n++)
        if (n % 10 != 0)
            take_away(&f, NULL, n, false);
    const uint64_t before = blocks_of(&f);
    begin_meddling(&w, &f);
    rdb_index_compaction compaction = {.pace = meddle, .context = &w};
    unsigned runs = 0;
    for (; !compaction.is_over; runs++) {
        w.calls_max = w.calls + 40 + runs;
        MUST(&f.err, rdb_index_compact(&f.index, &compaction, &f.err));
        MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
    }
    assert_true(runs > 4);
    assert_true(blocks_of(&f) < before / 4);
    end_meddling(&w);
    fixture_end(&f);
}

/* ---- between two looks of one call ------------------------------------------------------------------------------------------------- */
/* The looks of one call are counted, and before one of them the tree is made smaller and its blocks are used for keys further right: so the block
 * number that the call has learned leads to a page of other keys. Not while it has a page latched for writing. */
static struct {
    bool is_armed, is_latched;
    uint32_t looks, at;
    fixture *f;
} seam;
bool __real_rdb_buffer_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer, rdb_error *err);
bool __wrap_rdb_buffer_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer, rdb_error *err);
void __real_rdb_buffer_release(rdb_buffer *buffer, rdb_buffer_mode mode);
void __wrap_rdb_buffer_release(rdb_buffer *buffer, rdb_buffer_mode mode);
bool __real_rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek);
bool __wrap_rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek);

static void look_again(void)
{
    if (!seam.is_armed || seam.is_latched || seam.looks++ != seam.at)
        return;
    rdb_index_compaction compaction = {0};
    seam.is_armed = false;
    compact(seam.f, &compaction);
    assert_true(compaction.pages_merged > 10);
    uint8_t kept[sizeof key_bytes_of];
    memcpy(kept, key_bytes_of, sizeof kept);
    for (uint64_t n = COUNT; n < 2 * COUNT; n += 2)
        insert(seam.f, NULL, n, false);
    memcpy(key_bytes_of, kept, sizeof kept);
}

bool __wrap_rdb_buffer_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer, rdb_error *err)
{
    look_again();
    const bool ok = __real_rdb_buffer_acquire(storage, tag, mode, buffer, err);
    if (seam.is_armed && ok && mode == RDB_BUFFER_EXCLUSIVE)
        seam.is_latched = true;
    return ok;
}

void __wrap_rdb_buffer_release(rdb_buffer *buffer, rdb_buffer_mode mode)
{
    if (seam.is_armed && buffer != NULL && mode == RDB_BUFFER_EXCLUSIVE)
        seam.is_latched = false;
    __real_rdb_buffer_release(buffer, mode);
}

bool __wrap_rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek)
{
    look_again();
    return __real_rdb_buffer_peek_begin(storage, tag, peek);
}

typedef enum call { INSERTS, REMOVES, INSERTS_UNIQUE, READS_FORWARD, READS_BACKWARD, CALLS } call;

/* One call about the number; entries that end with 0 are there. */
static void do_call(fixture *f, call what, uint64_t number)
{
    rdb_index_cursor *cursor = NULL;
    rdb_unique_outcome outcome = RDB_UNIQUE_HAS_CONFLICT;
    rdb_row_address conflict;
    rdb_xid wait_xid;
    uint32_t count = 0;
    rdb_index_entry found = {0}, entry = entry_of(number + (what == INSERTS || what == INSERTS_UNIQUE ? 7 : 0), false);
    const rdb_index_range range = {.lower = what == READS_FORWARD ? entry.key : (rdb_slice){NULL, 0}, .upper = what == READS_BACKWARD ? entry.key : (rdb_slice){NULL, 0}};
    if (what == READS_FORWARD || what == READS_BACKWARD)
        MUST(&f->err, rdb_index_cursor_open(&cursor, &f->index, &range, what == READS_BACKWARD, f->arena, &f->err));
    seam.looks = 0;
    seam.is_latched = false;
    seam.is_armed = true;
    if (what == INSERTS)
        MUST(&f->err, rdb_index_insert(&f->index, 3, &entry, &f->err));
    else if (what == INSERTS_UNIQUE)
        MUST(&f->err, rdb_index_insert_unique(&f->index, 3, &entry, NULL, NULL, &outcome, &conflict, &wait_xid, &f->err));
    else if (what == REMOVES)
        MUST(&f->err, rdb_index_remove(f->storage, PDB, INDEX_FILE, entry.key, entry.address, NULL, NULL, &f->err));
    else
        MUST(&f->err, rdb_index_cursor_next(cursor, 1, true, f->batch, &found, &count, &f->err));
    if (what == READS_FORWARD || what == READS_BACKWARD) {
        assert_int_equal(count, 1);
        assert_int_equal(number_of(&found), number);
    } else if (what == INSERTS_UNIQUE) {
        assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
    }
}

static void test_steps_between_two_looks(void **state)
{
    (void)state;
    for (call what = 0; what < CALLS; what++)
        for (uint64_t number = COUNT / 20; number < COUNT; number += COUNT / 4) {
            uint32_t at = 0;
            for (bool more = true; more; at++) {
                fixture f;
                rdb_index_statistics statistics;
                fixture_begin(&f, 4096, 2048);
                for (uint64_t n = 0; n < COUNT; n++)
                    insert(&f, NULL, n, false);
                for (uint64_t n = 0; n < COUNT; n++)
                    if (n % 10 != 0)
                        take_away(&f, NULL, n, false);
                seam.f = &f;
                seam.at = at;
                do_call(&f, what, number);
                more = !seam.is_armed && seam.looks > at; /* it came to that look */
                seam.is_armed = false;
                MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
                assert_int_equal(statistics.entries, COUNT / 10 + (more ? COUNT / 2 : 0) + (what == INSERTS || what == INSERTS_UNIQUE) - (what == REMOVES));
                fixture_end(&f);
            }
            assert_true(at > 2);
        }
}

/* ---- many hands --------------------------------------------------------------------------------------------------------------------- */
enum { WRITERS = 2, SCANNERS = 2, PER_WRITER = 12000, STRIDE = 8 };
typedef struct crowd {
    fixture f;
    _Atomic uint32_t writers_left;
    _Atomic uint64_t compacted, scanned;
} crowd;
typedef struct hand {
    crowd *c;
    rdb_thread *thread;
    unsigned no;
} hand;

static rdb_unique_answer nobody_lives(void *context, rdb_row_address address, rdb_xid *wait_xid, rdb_error *err)
{
    (void)context;
    (void)address;
    (void)wait_xid;
    (void)err;
    return RDB_UNIQUE_IGNORE;
}

/* Fills stretches and empties them again; what is divisible by STRIDE stays. */
static void fill_and_empty(void *argument)
{
    hand *h = argument;
    crowd *c = h->c;
    rdb_error err = {0};
    uint8_t key[48];
    rdb_random random;
    rdb_random_seed(&random, h->no + 1);
    for (unsigned round = 0; round < 12; round++) {
        const uint64_t from = rdb_random_next(&random) % (PER_WRITER - 3000);
        for (unsigned pass = 0; pass < 2; pass++)
            for (uint64_t i = from; i < from + 3000; i++)
                for (uint64_t address = 1; address <= 2; address++) {
                    const rdb_index_entry entry = numbered_entry(key, i * STRIDE + 1 + h->no, address);
                    rdb_unique_outcome outcome;
                    rdb_row_address conflict;
                    rdb_xid wait_xid;
                    if (pass == 1)
                        MUST(&err, rdb_index_remove(c->f.storage, PDB, INDEX_FILE, entry.key, address, NULL, NULL, &err));
                    else if (i % 3 == 0)
                        MUST(&err, rdb_index_insert_unique(&c->f.index, 3, &entry, nobody_lives, NULL, &outcome, &conflict, &wait_xid, &err));
                    else
                        MUST(&err, rdb_index_insert(&c->f.index, 3, &entry, &err));
                }
    }
    atomic_fetch_sub(&c->writers_left, 1);
}

static void scan(void *argument)
{
    hand *h = argument;
    crowd *c = h->c;
    rdb_error err = {0};
    const bool backward = h->no % 2 != 0;
    rdb_arena *arena = rdb_arena_create("scan", NULL, NULL), *batch = rdb_arena_create("batch", NULL, NULL);
    rdb_index_cursor *cursor;
    const rdb_index_range whole = {0};
    rdb_index_entry entries[20];
    MUST(&err, rdb_index_cursor_open(&cursor, &c->f.index, &whole, backward, arena, &err));
    do {
        uint32_t count;
        uint64_t expected = backward ? (uint64_t)(PER_WRITER - 1) * STRIDE : 0;
        MUST(&err, rdb_index_cursor_seek(cursor, &whole, &err));
        do {
            rdb_arena_reset(batch);
            MUST(&err, rdb_index_cursor_next(cursor, 1 + (uint32_t)(expected % 20), true, batch, entries, &count, &err));
            for (uint32_t i = 0; i < count; i++) {
                const uint64_t number = number_of(&entries[i]);
                if (number % STRIDE != 0)
                    continue;
                RDB_VERIFY(number == expected);
                expected += backward ? (uint64_t)-STRIDE : STRIDE;
            }
        } while (count > 0);
        RDB_VERIFY(expected == (backward ? (uint64_t)-STRIDE : (uint64_t)PER_WRITER * STRIDE));
        atomic_fetch_add(&c->scanned, 1);
    } while (atomic_load(&c->writers_left) > 0);
    rdb_arena_destroy(arena);
    rdb_arena_destroy(batch);
}

static void compact_all_the_time(void *argument)
{
    hand *h = argument;
    crowd *c = h->c;
    rdb_error err = {0};
    while (atomic_load(&c->writers_left) > 0) {
        rdb_index_compaction compaction = {0};
        MUST(&err, rdb_index_compact(&c->f.index, &compaction, &err));
        atomic_fetch_add(&c->compacted, compaction.pages_merged + compaction.pages_moved);
    }
}

static void test_beside_many_hands(void **state)
{
    (void)state;
    crowd *c = calloc(1, sizeof *c);
    hand hands[WRITERS + SCANNERS + 1];
    rdb_error err = {0};
    uint8_t key[48];
    rdb_index_statistics statistics;
    fixture_begin(&c->f, 4096, 300); /* pages come and go */
    c->writers_left = WRITERS;
    for (uint64_t i = 0; i < PER_WRITER; i++) {
        const rdb_index_entry entry = numbered_entry(key, i * STRIDE, 7);
        MUST(&err, rdb_index_insert(&c->f.index, 3, &entry, &err));
    }
    for (unsigned i = 0; i < RDB_COUNT_OF(hands); i++) {
        hands[i] = (hand){.c = c, .no = i < WRITERS ? i : i - WRITERS};
        MUST(&err, rdb_thread_start(&hands[i].thread, "hand", i < WRITERS ? fill_and_empty : i < WRITERS + SCANNERS ? scan : compact_all_the_time, &hands[i], &err));
    }
    for (unsigned i = 0; i < RDB_COUNT_OF(hands); i++)
        rdb_thread_join(&hands[i].thread);
    MUST(&err, rdb_index_verify(&c->f.index, &statistics, &err));
    assert_int_equal(statistics.entries, PER_WRITER);
    assert_true(c->compacted > 100);
    rdb_index_compaction compaction = {0};
    compact(&c->f, &compaction);
    MUST(&err, rdb_index_verify(&c->f.index, &statistics, &err));
    assert_int_equal(statistics.entries, PER_WRITER);
    print_message("%llu pages merged or moved beside %llu scans\n", (unsigned long long)c->compacted, (unsigned long long)c->scanned);
    fixture_end(&c->f);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_fills_the_file),
        cmocka_unit_test(test_long_keys_stay),
        cmocka_unit_test(test_splits_take_what_was_given_up),
        cmocka_unit_test(test_cursors_go_on_between_steps),
        cmocka_unit_test(test_places_stay_true),
        cmocka_unit_test(test_stopped_and_taken_up),
        cmocka_unit_test(test_steps_between_two_looks),
        cmocka_unit_test(test_beside_many_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
