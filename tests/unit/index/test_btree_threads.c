/* SPDX-License-Identifier: Apache-2.0
 * The B+tree under many hands: inserters, removers, unique inserters and scanners at once, each knowing what it must find; at
 * the end the tree is whole and has what it should. Frames are few, so that pages also come and go. */
#include "fixture.h"

enum { WRITERS = 4, SCANNERS = 2, STRIDE = 8 };

typedef struct crowd {
    fixture f;
    uint64_t per_writer;
    _Atomic uint32_t writers_left;
    _Atomic uint64_t scanned, unique_inserted;
} crowd;
typedef struct hand {
    crowd *c;
    rdb_thread *thread;
    unsigned no;
} hand;

/* Numbers divisible by STRIDE are there from the beginning and stay: a scan must meet each exactly once, in order. Each writer
 * adds and removes its own others. */
static void write_and_remove(void *argument)
{
    hand *h = argument;
    crowd *c = h->c;
    rdb_random random;
    rdb_error err = {0};
    uint8_t key[48];
    rdb_random_seed(&random, h->no + 1);
    for (uint64_t i = 0; i < c->per_writer; i++) {
        uint64_t number = (h->no == 0 ? i : rdb_random_next(&random) % c->per_writer) * STRIDE + 1 + h->no;
        rdb_index_entry entry = numbered_entry(key, number, 7);
        MUST(&err, rdb_index_insert(&c->f.index, 3, &entry, &err));
        if (i % 3 != 0) /* comes and goes */
            MUST(&err, rdb_index_remove(c->f.storage, PDB, INDEX_FILE, entry.key, 7, NULL, NULL, &err));
        else if (h->no == 0) /* appends */
            MUST(&err, rdb_index_insert(&c->f.index, 3, &(rdb_index_entry){.key = entry.key, .address = 8}, &err));
    }
    atomic_fetch_sub(&c->writers_left, 1);
}

static void scan(void *argument)
{
    hand *h = argument;
    crowd *c = h->c;
    rdb_error err = {0};
    bool backward = h->no % 2 != 0;
    rdb_arena *arena = rdb_arena_create("scan", NULL, NULL), *batch = rdb_arena_create("batch", NULL, NULL);
    rdb_index_cursor *cursor;
    rdb_index_range all = {0};
    rdb_index_entry entries[20];
    MUST(&err, rdb_index_cursor_open(&cursor, &c->f.index, &all, backward, arena, &err));
    do {
        uint32_t count;
        uint64_t expected = backward ? (c->per_writer - 1) * STRIDE : 0, last = backward ? UINT64_MAX : 0;
        MUST(&err, rdb_index_cursor_seek(cursor, &all, &err));
        do {
            rdb_arena_reset(batch);
            MUST(&err, rdb_index_cursor_next(cursor, 1 + (uint32_t)(expected % 20), true, batch, entries, &count, &err));
            for (uint32_t i = 0; i < count; i++) {
                uint64_t number = __builtin_bswap64(rdb_get_u64(entries[i].key.data + 1));
                RDB_VERIFY(backward ? number <= last : number >= last);
                last = number;
                if (number % STRIDE != 0)
                    continue;
                RDB_VERIFY(number == expected);
                expected += backward ? (uint64_t)-STRIDE : STRIDE;
            }
        } while (count > 0);
        RDB_VERIFY(expected == (backward ? (uint64_t)-STRIDE : c->per_writer * STRIDE));
        atomic_fetch_add(&c->scanned, 1);
    } while (atomic_load(&c->writers_left) > 0);
    rdb_arena_destroy(arena);
    rdb_arena_destroy(batch);
}

static void test_scans_meet_what_stands_while_others_write(void **state)
{
    (void)state;
    crowd *c = calloc(1, sizeof *c);
    hand hands[WRITERS + SCANNERS];
    rdb_error err = {0};
    uint8_t key[48];
    fixture_begin(&c->f, 4096, 150);
    c->per_writer = 15000;
    c->writers_left = WRITERS;
    for (uint64_t i = 0; i < c->per_writer; i++) {
        rdb_index_entry entry = numbered_entry(key, i * STRIDE, 7);
        MUST(&err, rdb_index_insert(&c->f.index, 3, &entry, &err));
    }
    for (unsigned i = 0; i < WRITERS + SCANNERS; i++) {
        hands[i] = (hand){.c = c, .no = i < WRITERS ? i : i - WRITERS};
        MUST(&err, rdb_thread_start(&hands[i].thread, "hand", i < WRITERS ? write_and_remove : scan, &hands[i], &err));
    }
    for (unsigned i = 0; i < WRITERS + SCANNERS; i++)
        rdb_thread_join(&hands[i].thread);
    rdb_index_statistics statistics;
    MUST(&err, rdb_index_verify(&c->f.index, &statistics, &err));
    assert_true(c->scanned >= SCANNERS);
    /* Of the first writer it is known exactly: every third number twice. */
    uint64_t found = 0;
    rdb_index_cursor *cursor;
    rdb_index_range all = {0};
    rdb_index_entry entry;
    uint32_t count;
    MUST(&err, rdb_index_cursor_open(&cursor, &c->f.index, &all, false, c->f.arena, &err));
    for (;;) {
        rdb_arena_reset(c->f.batch);
        MUST(&err, rdb_index_cursor_next(cursor, 1, true, c->f.batch, &entry, &count, &err));
        if (count == 0)
            break;
        found += __builtin_bswap64(rdb_get_u64(entry.key.data + 1)) % STRIDE == 1;
    }
    assert_int_equal(found, 2 * (c->per_writer / 3));
    fixture_end(&c->f);
    free(c);
}

/* ---- unique: of many who insert the same key only one may succeed ----------------------------------------------------------- */
static rdb_unique_answer everyone_lives(void *context, rdb_row_address address, rdb_xid *wait_xid, rdb_error *err)
{
    (void)err;
    (void)context;
    *wait_xid = 0;
    return address % 16 == 0 ? RDB_UNIQUE_IGNORE : RDB_UNIQUE_CONFLICT; /* addresses 16, 32 ... are dead rows */
}

static void insert_unique(void *argument)
{
    hand *h = argument;
    crowd *c = h->c;
    rdb_error err = {0};
    uint8_t key[48];
    rdb_unique_outcome outcome;
    rdb_row_address conflict;
    rdb_xid wait_xid;
    for (uint64_t i = 0; i < c->per_writer; i++) {
        rdb_index_entry entry = numbered_entry(key, i / 2 * 3, 1 + h->no);
        MUST(&err, rdb_index_insert_unique(&c->f.index, 3, &entry, everyone_lives, NULL, &outcome, &conflict, &wait_xid, &err));
        if (outcome == RDB_UNIQUE_INSERTED)
            atomic_fetch_add(&c->unique_inserted, 1);
        if (i % 7 == 0) { /* dead rows of the same key crowd the leaf */
            entry = numbered_entry(key, i / 2 * 3, 16 * (1 + i % 50));
            MUST(&err, rdb_index_insert(&c->f.index, 3, &entry, &err));
        }
    }
}

static void test_one_of_many_unique_inserters_wins(void **state)
{
    (void)state;
    crowd *c = calloc(1, sizeof *c);
    hand hands[WRITERS];
    rdb_error err = {0};
    fixture_begin(&c->f, 4096, 150);
    c->per_writer = 3000;
    for (unsigned i = 0; i < WRITERS; i++) {
        hands[i] = (hand){.c = c, .no = i};
        MUST(&err, rdb_thread_start(&hands[i].thread, "hand", insert_unique, &hands[i], &err));
    }
    for (unsigned i = 0; i < WRITERS; i++)
        rdb_thread_join(&hands[i].thread);
    rdb_index_statistics statistics;
    MUST(&err, rdb_index_verify(&c->f.index, &statistics, &err));
    assert_int_equal(c->unique_inserted, c->per_writer / 2);
    fixture_end(&c->f);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scans_meet_what_stands_while_others_write),
        cmocka_unit_test(test_one_of_many_unique_inserters_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
