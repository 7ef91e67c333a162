/* SPDX-License-Identifier: Apache-2.0
 * The B+tree by one thread against a model, with keys of every shape, at every page size. */
#include "fixture.h"

typedef enum shape { TINY, NUMBERS, LONG, SHARED_PREFIX, DUPLICATES, PAYLOADS, SHAPE_COUNT } shape;

static uint8_t key_bytes_of[RDB_INDEX_KEY_MAX], payload_of[RDB_INDEX_KEY_MAX];

/* Draws an entry; its bytes stand in static buffers until the next. */
static rdb_index_entry draw_entry(shape s, rdb_random *random)
{
    uint64_t draw = rdb_random_next(random);
    uint32_t length = 0, payload = 0;
    rdb_index_entry entry = {.address = 1 + (draw >> 8) % 1000};
    memset(payload_of, (int)(draw & 255), sizeof payload_of);
    switch (s) {
    case TINY:
        length = draw % 4;
        for (uint32_t i = 0; i < length; i++)
            key_bytes_of[i] = (uint8_t)(rdb_random_next(random) % 5 * 60);
        break;
    case NUMBERS:
        length = 9;
        key_bytes_of[0] = 1;
        rdb_put_u64(key_bytes_of + 1, __builtin_bswap64(draw % 100000 + (UINT64_C(1) << 63)));
        break;
    case LONG: /* up to the limit, the difference anywhere or only at the very end */
        length = draw % 8 == 0 ? RDB_INDEX_KEY_MAX : draw % 4 == 0 ? RDB_INDEX_KEY_MAX - 1 : 1 + (uint32_t)((draw >> 20) % RDB_INDEX_KEY_MAX);
        memset(key_bytes_of, 'k', length);
        key_bytes_of[length - 1] = (uint8_t)(draw >> 32);
        key_bytes_of[(draw >> 40) % length] = (uint8_t)('k' + (draw >> 60) % 3);
        break;
    case SHARED_PREFIX: {
        static const uint32_t PREFIXES[] = {0, 1, 3, 4, 5, 50, 200};
        uint32_t prefix = PREFIXES[draw % RDB_COUNT_OF(PREFIXES)];
        memset(key_bytes_of, 'p', prefix);
        length = prefix + (uint32_t)((draw >> 16) % 7);
        for (uint32_t i = prefix; i < length; i++)
            key_bytes_of[i] = (uint8_t)(rdb_random_next(random) >> 13);
        break;
    }
    case DUPLICATES:
        length = 5;
        memcpy(key_bytes_of, "equal", 5);
        key_bytes_of[4] = (uint8_t)('a' + draw % 3);
        entry.address = rdb_random_next(random) >> 16;
        break;
    case PAYLOADS:
        length = 1 + draw % 6;
        rdb_put_u64(key_bytes_of, rdb_random_next(random));
        payload = (draw >> 16) % 8 == 0 ? RDB_INDEX_KEY_MAX - length : (uint32_t)((draw >> 16) % 900);
        break;
    default:
        break;
    }
    entry.key = (rdb_slice){key_bytes_of, length};
    entry.payload = (rdb_slice){payload_of, payload};
    return entry;
}

static void check_has_entry(fixture *f, const model *m, rdb_slice key, uint64_t address)
{
    bool expected, has;
    (void)model_find(m, key.data, key.length, address, &expected);
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_index_has_entry(&f->index, key, address, f->batch, &has, &f->err));
    assert_int_equal(has, expected);
}

static void random_life(uint32_t page_bytes, shape s, uint32_t steps, uint64_t seed)
{
    fixture f;
    model m = {0};
    rdb_random random;
    rdb_index_cursor *forward, *backward;
    rdb_index_range all = {0};
    fixture_begin(&f, page_bytes, 1024);
    rdb_random_seed(&random, seed);
    MUST(&f.err, rdb_index_cursor_open(&forward, &f.index, &all, false, f.arena, &f.err));
    rdb_arena *backward_arena = rdb_arena_create("backward", NULL, NULL);
    MUST(&f.err, rdb_index_cursor_open(&backward, &f.index, &all, true, backward_arena, &f.err));
    for (uint32_t step = 0; step < steps; step++) {
        uint64_t draw = rdb_random_next(&random);
        rdb_index_entry entry = draw_entry(s, &random);
        bool shrinks = step > steps / 2 && step < steps * 3 / 4; /* grows, shrinks, grows */
        if (draw % 10 < (shrinks ? 2u : 7u)) {
            MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
            model_insert(&m, &entry);
        } else if (draw % 10 < 9) {
            if (m.count > 0 && draw % 64 != 0) { /* one that is there */
                const model_entry *e = &m.entries[(draw >> 8) % m.count];
                entry = (rdb_index_entry){.key = {e->key, e->key_bytes}, .address = e->address};
                memcpy(key_bytes_of, e->key, e->key_bytes);
                entry.key.data = key_bytes_of;
            }
            MUST(&f.err, rdb_index_remove(f.storage, PDB, INDEX_FILE, entry.key, entry.address, NULL, NULL, &f.err));
            model_remove(&m, entry.key.data, entry.key.length, entry.address);
        } else if (draw % 100 < 20) {
            uint8_t lower[RDB_INDEX_KEY_MAX];
            size_t lower_length = RDB_MIN(entry.key.length, (size_t)(draw >> 40) % 12);
            memcpy(lower, entry.key.data, lower_length);
            rdb_index_entry other = draw_entry(s, &random);
            rdb_index_range range = {.lower = {lower, lower_length},
                                     .upper = {other.key.data, RDB_MIN(other.key.length, (size_t)(draw >> 50) % 12)},
                                     .lower_exclusive = (draw >> 33) % 2 != 0,
                                     .upper_exclusive = (draw >> 34) % 2 != 0};
            if ((draw >> 35) % 4 == 0)
                range.upper = range.lower; /* an equality, or nothing */
            check_range(&f, &m, (draw >> 36) % 2 ? backward : forward, &range, (draw >> 36) % 2, 1 + (draw >> 37) % 64);
        }
        if (draw % 16 == 5) { /* this one, one that is there, its neighbour */
            const model_entry *one = m.count > 0 ? &m.entries[(draw >> 8) % m.count] : NULL;
            check_has_entry(&f, &m, entry.key, entry.address);
            for (uint64_t next = 0; one != NULL && next < 2; next++)
                check_has_entry(&f, &m, (rdb_slice){one->key, one->key_bytes}, one->address + next);
        }
        if (step % (steps / 4) == steps / 4 - 1) {
            rdb_index_statistics statistics;
            MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
            assert_int_equal(statistics.entries, m.count);
        }
    }
    check_range(&f, &m, forward, &all, false, 7);
    check_range(&f, &m, backward, &all, true, 7);
    rdb_arena_destroy(backward_arena);
    model_clear(&m);
    fixture_end(&f);
}

static void test_random_life_agrees_with_the_model(void **state)
{
    (void)state;
    for (shape s = TINY; s < SHAPE_COUNT; s++)
        for (uint32_t page_bytes = 4096; page_bytes <= 32768; page_bytes *= 2)
            random_life(page_bytes, s, page_bytes == 4096 ? 12000 : 5000, 1000 * s + page_bytes);
}

static rdb_index_entry number_entry(uint64_t number, uint64_t address)
{
    key_bytes_of[0] = 1;
    rdb_put_u64(key_bytes_of + 1, __builtin_bswap64(number));
    return (rdb_index_entry){.key = {key_bytes_of, 9}, .address = address};
}

/* Appending fills pages; descending and random inserts leave them at least half full or so. */
static void test_order_of_inserting_and_fill(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    static const unsigned LEAVES_MAX[3] = {COUNT / 140, COUNT / 68, COUNT / 80};
    for (unsigned order = 0; order < 3; order++) {
        fixture f;
        model m = {0};
        rdb_random random;
        rdb_index_statistics statistics;
        fixture_begin(&f, 4096, 1024);
        rdb_random_seed(&random, 7);
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t number = order == 0 ? i : order == 1 ? COUNT - i : rdb_random_next(&random);
            rdb_index_entry entry = number_entry(number, 1 + i);
            MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
            if (order == 0 && i % 10 != 0)
                MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err)); /* again: nothing */
            model_insert(&m, &entry);
        }
        MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
        assert_true(statistics.leaf_pages <= LEAVES_MAX[order]);
        assert_true(statistics.levels >= 3);
        check_tree(&f, &m);
        model_clear(&m);
        fixture_end(&f);
    }
}

static void test_bottom_up_build_equals_inserting(void **state)
{
    (void)state;
    for (uint32_t page_bytes = 4096; page_bytes <= 32768; page_bytes *= 8)
        for (shape s = TINY; s < SHAPE_COUNT; s++)
            for (unsigned size = 0; size < 3; size++) {
                fixture f;
                model m = {0};
                rdb_random random;
                rdb_index_builder *builder;
                uint32_t count = size == 0 ? 0 : size == 1 ? 3 : 5000;
                fixture_begin(&f, page_bytes, 2048);
                rdb_random_seed(&random, 5 + s);
                for (uint32_t i = 0; i < count; i++) {
                    rdb_index_entry entry = draw_entry(s, &random);
                    model_insert(&m, &entry);
                }
                MUST(&f.err, rdb_index_builder_open(&builder, &f.index, 3, &f.err));
                for (uint32_t i = 0; i < m.count; i++) {
                    const model_entry *e = &m.entries[i];
                    rdb_index_entry entry = {.key = {e->key, e->key_bytes}, .payload = {e->payload, e->payload_bytes}, .address = e->address};
                    MUST(&f.err, rdb_index_builder_add(builder, &entry, &f.err));
                    if (i % 5 == 0)
                        MUST(&f.err, rdb_index_builder_add(builder, &entry, &f.err));
                }
                MUST(&f.err, rdb_index_builder_finish(&builder, &f.err));
                check_tree(&f, &m);
                for (uint32_t i = 0; i < 300; i++) { /* and it lives on */
                    rdb_index_entry entry = draw_entry(s, &random);
                    MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
                    model_insert(&m, &entry);
                }
                check_tree(&f, &m);
                model_clear(&m);
                fixture_end(&f);
            }
}

static void test_build_refuses_disorder_and_a_tree_that_is_not_empty(void **state)
{
    (void)state;
    fixture f;
    rdb_index_builder *builder;
    fixture_begin(&f, 4096, 256);
    MUST(&f.err, rdb_index_builder_open(&builder, &f.index, 3, &f.err));
    rdb_index_entry entry = number_entry(5, 1);
    MUST(&f.err, rdb_index_builder_add(builder, &entry, &f.err));
    entry = number_entry(4, 1);
    assert_false(rdb_index_builder_add(builder, &entry, &f.err));
    rdb_error_clear(&f.err);
    assert_false(rdb_index_builder_finish(&builder, &f.err));
    assert_null(builder);
    rdb_error_clear(&f.err);
    MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
    assert_false(rdb_index_builder_open(&builder, &f.index, 3, &f.err));
    rdb_error_clear(&f.err);
    fixture_end(&f);
}

static void test_a_key_too_long_is_refused(void **state)
{
    (void)state;
    fixture f;
    static uint8_t bytes[RDB_INDEX_KEY_MAX + 1];
    fixture_begin(&f, 4096, 256);
    rdb_index_entry entry = {.key = {bytes, RDB_INDEX_KEY_MAX}, .payload = {bytes, 1}, .address = 1};
    assert_false(rdb_index_insert(&f.index, 3, &entry, &f.err));
    assert_string_equal(f.err.sqlstate, "54000");
    rdb_error_clear(&f.err);
    entry.payload.length = 0;
    MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
    fixture_end(&f);
}

static bool say_needed(void *context, bool *needed, rdb_error *err)
{
    (void)err;
    *needed = *(bool *)context;
    return true;
}

static bool say_error(void *context, bool *needed, rdb_error *err)
{
    (void)context;
    (void)needed;
    return rdb_error_set(err, RDB_INTERNAL_ERROR, "cannot tell");
}

static void test_removal_asks_first(void **state)
{
    (void)state;
    fixture f;
    rdb_index_statistics statistics;
    bool needed = true;
    fixture_begin(&f, 4096, 256);
    rdb_index_entry entry = number_entry(5, 1);
    MUST(&f.err, rdb_index_remove(f.storage, PDB, INDEX_FILE, entry.key, 1, say_error, NULL, &f.err)); /* not there: not asked */
    MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
    MUST(&f.err, rdb_index_remove(f.storage, PDB, INDEX_FILE, entry.key, 1, say_needed, &needed, &f.err));
    assert_false(rdb_index_remove(f.storage, PDB, INDEX_FILE, entry.key, 1, say_error, NULL, &f.err));
    rdb_error_clear(&f.err);
    MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
    assert_int_equal(statistics.entries, 1);
    needed = false;
    MUST(&f.err, rdb_index_remove(f.storage, PDB, INDEX_FILE, entry.key, 1, say_needed, &needed, &f.err));
    MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
    assert_int_equal(statistics.entries, 0);
    fixture_end(&f);
}

/* ---- unique ---------------------------------------------------------------------------------------------------------------- */
typedef struct asker {
    fixture *f;
    rdb_unique_answer answers[2000]; /* by address */
    unsigned asked;
    uint64_t meddle; /* an address to insert while the first question is asked */
} asker;

static rdb_unique_answer answer_check(void *context, rdb_row_address address, rdb_xid *wait_xid, rdb_error *err)
{
    asker *a = context;
    a->asked++;
    *wait_xid = 77;
    if (a->meddle != 0) {
        rdb_index_entry entry = number_entry(5, a->meddle);
        a->meddle = 0;
        MUST(err, rdb_index_insert(&a->f->index, 3, &entry, err));
    }
    return a->answers[address];
}

static void test_unique_asks_about_every_equal_key(void **state)
{
    (void)state;
    fixture f;
    asker *a = calloc(1, sizeof *a);
    rdb_unique_outcome outcome;
    rdb_row_address conflict;
    rdb_xid wait_xid;
    rdb_index_statistics statistics;
    fixture_begin(&f, 4096, 256);
    a->f = &f;
    /* A run of dead rows that spans leaves, with neighbours on both sides. */
    for (uint64_t i = 1; i <= 600; i++) {
        rdb_index_entry entry = number_entry(i % 3 == 0 ? 4 : i % 3 == 1 ? 5 : 6, i);
        MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
    }
    rdb_index_entry entry = number_entry(5, 1000);
    a->answers[592] = RDB_UNIQUE_CONFLICT;
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_HAS_CONFLICT);
    assert_int_equal(conflict, 592);
    a->answers[592] = RDB_UNIQUE_WAIT;
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_MUST_WAIT);
    assert_int_equal(conflict, 592);
    assert_int_equal(wait_xid, 77);
    a->answers[592] = RDB_UNIQUE_IGNORE;
    a->asked = 0;
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
    assert_int_equal(a->asked, 200);
    /* Someone comes in between: all are asked again, and the newcomer is met. */
    a->asked = 0;
    a->meddle = 1500;
    a->answers[1500] = RDB_UNIQUE_CONFLICT;
    entry = number_entry(5, 1001);
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_HAS_CONFLICT);
    assert_int_equal(conflict, 1500);
    assert_int_equal(a->asked, 201 + 202);
    /* A key nobody has is not asked about. */
    a->asked = 0;
    entry = number_entry(7, 1002);
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
    assert_int_equal(a->asked, 0);
    MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
    assert_int_equal(statistics.entries, 603);
    free(a);
    fixture_end(&f);
}

/* Keys are equal that begin with the same bytes, where the entry says so: a run over several leaves, long keys with pages of their own
 * among it, neighbours whose bytes are a little less and a little more. */
static void test_unique_by_the_begin_of_keys(void **state)
{
    (void)state;
    enum { PREFIX = 4, RIVALS = 400 };
    fixture f;
    asker *a = calloc(1, sizeof *a);
    rdb_unique_outcome outcome;
    rdb_row_address conflict;
    rdb_xid wait_xid;
    rdb_index_statistics statistics;
    uint8_t bytes[2000];
    fixture_begin(&f, 4096, 256);
    a->f = &f;
    for (uint32_t i = 1; i <= 3 * RIVALS; i++) {
        memset(bytes, (int)(i * 7 % 251), sizeof bytes);
        memcpy(bytes, i % 3 == 0 ? "key4" : i % 3 == 1 ? "key5" : "key6", PREFIX);
        const rdb_index_entry entry = {.key = {bytes, i % 50 == 0 ? sizeof bytes : PREFIX + i % 9}, .address = i};
        MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
    }
    memcpy(bytes, "key5and its rest", 16);
    rdb_index_entry entry = {.key = {bytes, 16}, .address = 1800, .unique_bytes = PREFIX};
    for (uint32_t at = 1; at <= 3 * RIVALS; at += 333) { /* wherever it stands in the run */
        a->answers[at] = RDB_UNIQUE_CONFLICT;
        MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
        assert_int_equal(outcome, RDB_UNIQUE_HAS_CONFLICT);
        assert_int_equal(conflict, at);
        a->answers[at] = RDB_UNIQUE_IGNORE;
    }
    a->asked = 0;
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
    assert_int_equal(a->asked, RIVALS);
    /* The next one meets it, however its own rest compares; whole keys do not. */
    a->answers[1800] = RDB_UNIQUE_CONFLICT;
    for (uint8_t rest = 0; rest < 250; rest += 83) {
        bytes[PREFIX] = rest;
        entry = (rdb_index_entry){.key = {bytes, 16}, .address = 1801, .unique_bytes = PREFIX};
        MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
        assert_int_equal(outcome, RDB_UNIQUE_HAS_CONFLICT);
        assert_int_equal(conflict, 1800);
    }
    a->asked = 0;
    entry.unique_bytes = 0;
    MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
    assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
    assert_int_equal(a->asked, 0);
    MUST(&f.err, rdb_index_verify(&f.index, &statistics, &f.err));
    assert_int_equal(statistics.entries, 3 * RIVALS + 2);
    free(a);
    fixture_end(&f);
}

/* An entry that is there already is confirmed by a change of its first leaf, so that a rival who asked before asks again. */
static void test_confirming_an_entry_leaves_a_trace(void **state)
{
    (void)state;
    fixture f;
    asker *a = calloc(1, sizeof *a);
    rdb_unique_outcome outcome;
    rdb_row_address conflict;
    rdb_xid wait_xid;
    rdb_buffer *root;
    uint64_t change_no[2];
    fixture_begin(&f, 4096, 256);
    a->f = &f;
    rdb_page_tag tag = {.file = INDEX_FILE, .block = BTREE_ROOT_BLOCK, .pdb = PDB};
    for (unsigned i = 0; i < 2; i++) {
        rdb_index_entry entry = number_entry(5, 1);
        MUST(&f.err, rdb_index_insert_unique(&f.index, 3, &entry, answer_check, a, &outcome, &conflict, &wait_xid, &f.err));
        assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
        MUST(&f.err, rdb_buffer_acquire(f.storage, tag, RDB_BUFFER_SHARED, &root, &f.err));
        change_no[i] = rdb_buffer_page(root)->change_no;
        rdb_buffer_release(root, RDB_BUFFER_SHARED);
    }
    assert_true(change_no[1] > change_no[0]);
    free(a);
    fixture_end(&f);
}

/* ---- a cursor over a tree that changes under it ------------------------------------------------------------------------------- */
static void test_cursor_goes_on_while_pages_split(void **state)
{
    (void)state;
    for (unsigned backward = 0; backward < 2; backward++) {
        fixture f;
        rdb_index_cursor *cursor;
        rdb_index_range all = {0};
        rdb_index_entry entries[8];
        uint32_t count;
        uint64_t expected = backward ? 2000 : 0;
        fixture_begin(&f, 4096, 512);
        for (uint64_t i = 0; i <= 2000; i++) {
            rdb_index_entry entry = number_entry(i * 10, 1);
            MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
        }
        MUST(&f.err, rdb_index_cursor_open(&cursor, &f.index, &all, backward != 0, f.arena, &f.err));
        rdb_random random;
        rdb_random_seed(&random, 3);
        do {
            rdb_arena_reset(f.batch);
            MUST(&f.err, rdb_index_cursor_next(cursor, 8, true, f.batch, entries, &count, &f.err));
            for (uint32_t i = 0; i < count; i++) {
                uint64_t number = __builtin_bswap64(rdb_get_u64(entries[i].key.data + 1));
                if (number % 10 != 0)
                    continue; /* one that came meanwhile */
                assert_int_equal(number, expected * 10);
                expected += backward ? UINT64_MAX : 1;
            }
            for (unsigned i = 0; i < 5; i++) { /* all over, most of them near the cursor */
                uint64_t near = (i % 4 == 0 ? rdb_random_next(&random) % 2000 : expected + i % 5) % 2001;
                rdb_index_entry entry = number_entry(near * 10 + 1 + rdb_random_next(&random) % 9, rdb_random_next(&random) % 1000);
                MUST(&f.err, rdb_index_insert(&f.index, 3, &entry, &f.err));
            }
        } while (count > 0);
        assert_int_equal(expected, backward ? UINT64_MAX : 2001);
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_life_agrees_with_the_model),
        cmocka_unit_test(test_order_of_inserting_and_fill),
        cmocka_unit_test(test_bottom_up_build_equals_inserting),
        cmocka_unit_test(test_build_refuses_disorder_and_a_tree_that_is_not_empty),
        cmocka_unit_test(test_a_key_too_long_is_refused),
        cmocka_unit_test(test_removal_asks_first),
        cmocka_unit_test(test_unique_asks_about_every_equal_key),
        cmocka_unit_test(test_unique_by_the_begin_of_keys),
        cmocka_unit_test(test_confirming_an_entry_leaves_a_trace),
        cmocka_unit_test(test_cursor_goes_on_while_pages_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
