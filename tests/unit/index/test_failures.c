/* SPDX-License-Identifier: Apache-2.0
 * Trees under failures: each allocation and each call into room storage fails once (sweep.h) while entries come and go, splits go up to the
 * root, trees are built, read and checked; and looks at pages that others spoilt fail once each, which nobody may notice. What a failed
 * insert leaves is a tree in order, with or without its entry, that the next writer goes on with. */
#include "../sweep.h"
#include "fixture.h"

typedef struct scene {
    fixture f;
    model m;
    uint32_t made, first; /* entries drawn so far; the first of this try */
    rdb_row_address removed;
} scene;

static uint8_t key_bytes[3000];

/* The n-th entry: keys scattered over the tree, some of them so long that they and their payload go to a page of their own. */
static rdb_index_entry entry_of(uint32_t n)
{
    uint32_t scattered = n * 2654435761u;
    memset(key_bytes, 'k', sizeof key_bytes);
    key_bytes[0] = (uint8_t)(scattered >> 24);
    rdb_put_u32(key_bytes + 1, n);
    return (rdb_index_entry){.key = {key_bytes, n % 7 == 0 ? 2000 : 60 + n % 300}, .payload = {key_bytes, n % 5 == 0 ? 30 : 0}, .address = n + 1};
}

static void add(scene *s, const rdb_index_entry *entry)
{
    const uint64_t left = sweep_pause();
    model_insert(&s->m, entry);
    sweep_resume(left);
}

static bool is_in_tree(scene *s, const rdb_index_entry *entry)
{
    rdb_index_cursor *cursor;
    rdb_index_entry found;
    uint32_t count;
    const rdb_index_range range = {.lower = entry->key, .upper = entry->key};
    rdb_arena_reset(s->f.arena);
    MUST(&s->f.err, rdb_index_cursor_open(&cursor, &s->f.index, &range, false, s->f.arena, &s->f.err));
    MUST(&s->f.err, rdb_index_cursor_next(cursor, 1, true, s->f.arena, &found, &count, &s->f.err));
    rdb_index_cursor_close(&cursor);
    return count == 1 && found.address == entry->address;
}

/* ---- inserting and removing --------------------------------------------------------------------------------------------------------- */
static bool insert_some(void *context, rdb_error *err)
{
    scene *s = context;
    for (uint32_t i = 0; i < 12; i++) {
        const rdb_index_entry entry = entry_of(s->made);
        if (!rdb_index_insert(&s->f.index, 3, &entry, err))
            return false;
        add(s, &entry);
        s->made++;
    }
    return true;
}

static void look_at_inserted(void *context, bool ok)
{
    scene *s = context;
    if (!ok) {
        const rdb_index_entry entry = entry_of(s->made);
        if (is_in_tree(s, &entry)) { /* the split above it is what failed */
            add(s, &entry);
            s->made++;
        }
    }
    check_tree(&s->f, &s->m);
}

static void test_inserting(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f, 4096, 512);
    uint32_t failed = 0;
    for (uint32_t round = 0; round < 4; round++) /* each splits other pages */
        failed += sweep(insert_some, look_at_inserted, &s);
    assert_true(failed > 60);
    assert_true(sweep_misses(insert_some, look_at_inserted, &s) > 12);
    model_clear(&s.m);
    fixture_end(&s.f);
}

/* In key order, where the rightmost leaf is remembered: it may be forgotten, and must not be believed. */
static bool append_some(void *context, rdb_error *err)
{
    scene *s = context;
    for (uint32_t i = 0; i < 12; i++) {
        memset(key_bytes, 'a', sizeof key_bytes);
        key_bytes[0] = (uint8_t)(s->made >> 8);
        key_bytes[1] = (uint8_t)s->made;
        const rdb_index_entry entry = {.key = {key_bytes, 700}, .address = s->made + 1};
        if (!rdb_index_insert(&s->f.index, 3, &entry, err))
            return false;
        add(s, &entry);
        s->made++;
    }
    return true;
}
static void look_at_appended(void *context, bool ok)
{
    scene *s = context;
    if (!ok) {
        memset(key_bytes, 'a', sizeof key_bytes);
        key_bytes[0] = (uint8_t)(s->made >> 8);
        key_bytes[1] = (uint8_t)s->made;
        const rdb_index_entry entry = {.key = {key_bytes, 700}, .address = s->made + 1};
        if (is_in_tree(s, &entry)) {
            add(s, &entry);
            s->made++;
        }
    }
    check_tree(&s->f, &s->m);
}
static void test_appending(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f, 4096, 512);
    assert_true(sweep(append_some, look_at_appended, &s) > 10);
    model_clear(&s.m);
    fixture_end(&s.f);
}

static bool still_needed(void *context, bool *needed, rdb_error *err)
{
    (void)err;
    *needed = context != NULL;
    return true;
}
static bool remove_some(void *context, rdb_error *err)
{
    scene *s = context;
    for (; s->first < s->removed + 8; s->first++) {
        const rdb_index_entry entry = entry_of(s->first);
        /* First it is still needed, then not, then it is not there any more. */
        if (!rdb_index_remove(s->f.storage, PDB, INDEX_FILE, entry.key, entry.address, still_needed, s, err) ||
            !rdb_index_remove(s->f.storage, PDB, INDEX_FILE, entry.key, entry.address, still_needed, NULL, err))
            return false;
        model_remove(&s->m, entry.key.data, entry.key.length, entry.address);
        if (!rdb_index_remove(s->f.storage, PDB, INDEX_FILE, entry.key, entry.address, NULL, NULL, err)) {
            s->first++;
            return false;
        }
    }
    return true;
}
static void look_at_removed(void *context, bool ok)
{
    scene *s = context;
    check_tree(&s->f, &s->m);
    if (ok)
        s->removed = s->first;
}
static void test_removing(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f, 4096, 512);
    for (uint32_t i = 0; i < 30; i++)
        MUST(&s.f.err, insert_some(&s, &s.f.err));
    assert_true(sweep(remove_some, look_at_removed, &s) >= 8);
    model_clear(&s.m);
    fixture_end(&s.f);
}

/* ---- unique keys ------------------------------------------------------------------------------------------------------------------------ */
static rdb_unique_answer answer_none(void *context, rdb_row_address address, rdb_xid *wait_xid, rdb_error *err)
{
    (void)address, (void)wait_xid, (void)err;
    ++*(uint32_t *)context;
    return RDB_UNIQUE_IGNORE;
}
/* Many entries of one key, over several leaves: each new one is asked about against all that are there. */
static bool insert_equal(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_unique_outcome outcome;
    rdb_row_address conflict;
    rdb_xid wait_xid;
    uint32_t asked = 0;
    memset(key_bytes, 'u', sizeof key_bytes);
    const rdb_index_entry entry = {.key = {key_bytes, 600}, .address = s->made + 1};
    if (!rdb_index_insert_unique(&s->f.index, 3, &entry, answer_none, &asked, &outcome, &conflict, &wait_xid, err))
        return false;
    assert_int_equal(outcome, RDB_UNIQUE_INSERTED);
    assert_true(asked >= s->m.count);
    add(s, &entry);
    s->made++;
    return true;
}
static void look_at_equal(void *context, bool ok)
{
    scene *s = context;
    bool found = false;
    if (!ok) { /* in or not: the next try confirms it */
        rdb_index_statistics statistics;
        MUST(&s->f.err, rdb_index_verify(&s->f.index, &statistics, &s->f.err));
        found = statistics.entries == s->m.count + 1;
        assert_true(found || statistics.entries == s->m.count);
    }
    if (found) {
        memset(key_bytes, 'u', sizeof key_bytes);
        const rdb_index_entry entry = {.key = {key_bytes, 600}, .address = s->made + 1};
        add(s, &entry);
        s->made++;
    }
    check_tree(&s->f, &s->m);
}
static void test_equal_keys(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f, 4096, 512);
    for (uint32_t i = 0; i < 40; i++)
        MUST(&s.f.err, insert_equal(&s, &s.f.err));
    assert_true(sweep(insert_equal, look_at_equal, &s) > 5);
    for (uint32_t i = 0; i < 3; i++) { /* with each of them a tree of another shape is met */
        MUST(&s.f.err, insert_equal(&s, &s.f.err));
        sweep(insert_equal, look_at_equal, &s);
    }
    model_clear(&s.m);
    fixture_end(&s.f);
}

/* ---- reading and checking --------------------------------------------------------------------------------------------------------------- */
static bool read_all(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_index_entry entries[16];
    for (unsigned backward = 0; backward < 2; backward++) {
        rdb_index_cursor *cursor = NULL;
        const rdb_index_range range = {0};
        uint32_t count = 1, total = 0;
        rdb_arena_reset(s->f.arena);
        if (!rdb_index_cursor_open(&cursor, &s->f.index, &range, backward != 0, s->f.arena, err))
            return false;
        bool ok = true;
        while (ok && count > 0) {
            rdb_arena_reset(s->f.batch);
            ok = rdb_index_cursor_next(cursor, RDB_COUNT_OF(entries), true, s->f.batch, entries, &count, err);
            for (uint32_t i = 0; ok && i < count; i++) {
                const model_entry *e = &s->m.entries[backward ? s->m.count - 1 - total - i : total + i];
                assert_int_equal(entries[i].address, e->address);
                assert_int_equal(entries[i].key.length, e->key_bytes);
                assert_memory_equal(entries[i].key.data, e->key, e->key_bytes);
            }
            total += ok ? count : 0;
        }
        rdb_index_cursor_close(&cursor);
        if (!ok)
            return false;
        assert_int_equal(total, s->m.count);
    }
    rdb_index_statistics statistics;
    return rdb_index_verify(&s->f.index, &statistics, err);
}
static void look_at_nothing(void *context, bool ok)
{
    (void)context, (void)ok;
}
static void test_reading(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f, 4096, 512);
    for (uint32_t i = 0; i < 15; i++)
        MUST(&s.f.err, insert_some(&s, &s.f.err));
    assert_true(sweep(read_all, look_at_nothing, &s) > 20);
    assert_true(sweep_misses(read_all, look_at_nothing, &s) > 20);
    /* Where nobody can peek at all. */
    rdb_error err = {0};
    for (uint64_t nth = 1; nth < 200; nth += 13) {
        sweep_looks_left = nth;
        sweep_looks_missed = 8;
        assert_true(read_all(&s, &err));
        sweep_looks_left = 0;
        sweep_looks_missed = 1;
    }
    model_clear(&s.m);
    fixture_end(&s.f);
}

/* ---- building ----------------------------------------------------------------------------------------------------------------------------- */
static bool build(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_index_builder *builder = NULL;
    const uint64_t file = INDEX_FILE + ++s->made;
    rdb_index index = s->f.index;
    index.file = file;
    s->first = 0;
    if (!rdb_storage_create_file(s->f.storage, PDB, file, 3, err) || !btree_create_root(s->f.storage, PDB, file, 3, err) ||
        !rdb_index_builder_open(&builder, &index, 3, err))
        return false;
    s->first = 1;
    bool ok = true;
    for (uint32_t i = 0; ok && i < s->m.count; i++) {
        const model_entry *e = &s->m.entries[i];
        const rdb_index_entry entry = {.key = {e->key, e->key_bytes}, .payload = {e->payload, e->payload_bytes}, .address = e->address};
        ok = rdb_index_builder_add(builder, &entry, err);
        if (!ok) { /* nothing more is taken, and the end says so */
            rdb_error second = {0};
            assert_false(rdb_index_builder_add(builder, &entry, &second));
            rdb_error_clear(&second);
        }
    }
    if (!ok) {
        rdb_error second = {0};
        assert_false(rdb_index_builder_finish(&builder, &second));
        assert_null(builder);
        rdb_error_clear(&second);
        return false;
    }
    return rdb_index_builder_finish(&builder, err);
}
static void look_at_built(void *context, bool ok)
{
    scene *s = context;
    fixture built = s->f;
    model none = {0};
    built.index.file = INDEX_FILE + s->made;
    if (s->first == 1) /* a build that failed left an empty tree */
        check_tree(&built, ok ? &s->m : &none);
    MUST(&s->f.err, rdb_storage_drop_file(s->f.storage, PDB, built.index.file, &s->f.err));
}
static void test_building(void **state)
{
    (void)state;
    scene s = {0};
    fixture_begin(&s.f, 4096, 512);
    for (uint32_t i = 0; i < 12; i++)
        MUST(&s.f.err, insert_some(&s, &s.f.err));
    s.made = 0;
    assert_true(sweep(build, look_at_built, &s) > 30);
    model_clear(&s.m);
    fixture_end(&s.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inserting),  cmocka_unit_test(test_appending), cmocka_unit_test(test_removing),
        cmocka_unit_test(test_equal_keys), cmocka_unit_test(test_reading),   cmocka_unit_test(test_building),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
