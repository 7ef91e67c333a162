/* SPDX-License-Identifier: Apache-2.0
 * Trees under failures: each allocation and each call into room storage fails once (sweep.h) while entries come and go, splits go up to the
 * root, trees are built, read and checked; and looks at pages that others spoilt fail once each, which nobody may notice. What a failed
 * insert leaves is a tree in order, with or without its entry, that the next writer goes on with. */
#include "../sweep.h"
#include "fixture.h"
#include "index/rdb_index_measure.h"
#include "undo/undo_int.h"

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

/* ---- how the bytes of a tree are used ------------------------------------------------------------------------------------------- */
static bool measure(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_measure m;
    uint64_t blocks = 0;
    if (!rdb_index_measure(&s->f.index, NULL, &m, err) || !rdb_storage_block_count(s->f.storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &blocks, err))
        return false;
    assert_true(m.pages == blocks && m.looked_at == blocks && (uint64_t)m.file_bytes == blocks * 4096);
    assert_true(m.live_bytes > 0 && m.free_bytes > 0);
    assert_true(m.live_bytes + m.dead_bytes + m.free_bytes <= m.file_bytes - (double)(blocks * RDB_PAGE_HEADER_BYTES));
    return true;
}
static void look_at_measured(void *context, bool ok)
{
    (void)context, (void)ok;
}

static void test_measuring(void **state)
{
    (void)state;
    scene s = {0};
    rdb_measure before, after;
    rdb_error err = {0};
    rdb_cancel cancel;
    uint64_t block;
    rdb_buffer *buffer;
    fixture_begin(&s.f, 4096, 512);
    for (uint32_t i = 0; i < 12; i++)
        MUST(&s.f.err, insert_some(&s, &s.f.err));
    MUST(&s.f.err, rdb_buffer_extend(s.f.storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &block, &buffer, &s.f.err)); /* taken, and never written */
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_true(sweep(measure, look_at_measured, &s) >= 4);
    MUST(&s.f.err, rdb_index_measure(&s.f.index, NULL, &before, &s.f.err));
    double removed = 0;
    for (uint32_t i = 1; i < 60; i++) {
        const rdb_index_entry entry = entry_of(i);
        removed += i % 7 == 0 ? 0 : (double)entry.key.length;
        MUST(&s.f.err, rdb_index_remove(s.f.storage, PDB, INDEX_FILE, entry.key, entry.address, NULL, NULL, &s.f.err));
    }
    MUST(&s.f.err, rdb_index_measure(&s.f.index, NULL, &after, &s.f.err));
    assert_true(before.live_bytes - after.live_bytes >= removed && after.dead_bytes + after.free_bytes >= before.dead_bytes + before.free_bytes + removed);
    rdb_cancel_init(&cancel);
    rdb_cancel_begin_statement(&cancel, 0);
    assert_true(rdb_cancel_set(&cancel, RDB_CANCEL_USER));
    assert_false(rdb_index_measure(&s.f.index, &cancel, &after, &err));
    assert_string_equal(err.sqlstate, RDB_QUERY_CANCELED);
    rdb_error_clear(&err);
    model_clear(&s.m);
    fixture_end(&s.f);
}

/* ---- making a tree in a transaction ---------------------------------------------------------------------------------------------- */
typedef struct making {
    fixture f;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_txn *txn;
    uint64_t file;
    rdb_xid xid;
} making;

static bool make_tree(void *context, rdb_error *err)
{
    making *m = context;
    rdb_xid xid = 0;
    m->file++;
    if (!rdb_txn_begin(m->txns, PDB, RDB_READ_COMMITTED, false, NULL, &m->txn, err) || !rdb_index_create(m->f.storage, m->txn, m->file, err) ||
        !rdb_index_get_origin(m->f.storage, PDB, m->file, &xid, err))
        return false;
    assert_true(xid == rdb_txn_top_xid(m->txn));
    return true;
}

/* Whatever there is of its file stands in the undo store, so that the abort takes it with it. */
static void look_at_tree(void *context, bool ok)
{
    making *m = context;
    const bool exists = rdb_storage_file_exists(m->f.storage, PDB, m->file);
    rdb_undo_job job;
    rdb_undo_record record;
    rdb_undo_reader reader;
    bool found = false;
    rdb_index_statistics statistics;
    if (ok) {
        const rdb_index index = {.storage = m->f.storage, .pdb = PDB, .index_oid = 16400, .file = m->file};
        MUST(&m->f.err, rdb_index_verify(&index, &statistics, &m->f.err));
        assert_int_equal(statistics.entries, 0);
    }
    rdb_txn_abort(&m->txn);
    if (!rdb_undo_take_job(m->undo, &job)) {
        assert_false(exists);
        return;
    }
    rdb_undo_reader_init(&reader);
    MUST(&m->f.err, rdb_undo_find_last(m->undo, &job, &m->f.err));
    MUST(&m->f.err, rdb_undo_read(m->undo, PDB, job.last, &reader, &record, &found, &m->f.err));
    assert_true(found && record.kind == RDB_UNDO_FILE_CREATE && record.file == m->file);
    rdb_undo_reader_deinit(&reader);
    rdb_undo_finish_job(m->undo, &job, true);
    if (exists)
        MUST(&m->f.err, rdb_storage_drop_file(m->f.storage, PDB, m->file, &m->f.err));
}

static void test_making(void **state)
{
    (void)state;
    making m = {.file = INDEX_FILE};
    rdb_xid xid = 0;
    fixture_begin(&m.f, 4096, 512);
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    MUST(&m.f.err, rdb_index_get_origin(m.f.storage, PDB, INDEX_FILE, &xid, &m.f.err));
    assert_int_equal(xid, 3); /* the fixture's */
    const rdb_txn_config txn_config = {.storage = m.f.storage};
    MUST(&m.f.err, rdb_txn_open(&m.txns, &txn_config, &m.f.err) && rdb_txn_create_pdb(m.txns, PDB, &m.f.err));
    const rdb_undo_config undo_config = {.storage = m.f.storage, .txns = m.txns};
    MUST(&m.f.err, rdb_undo_open(&m.undo, &undo_config, &m.f.err));
    assert_true(sweep(make_tree, look_at_tree, &m) > 10);
    rdb_undo_close(&m.undo);
    rdb_txn_close(&m.txns);
    fixture_end(&m.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inserting),  cmocka_unit_test(test_appending), cmocka_unit_test(test_removing),
        cmocka_unit_test(test_equal_keys), cmocka_unit_test(test_reading),   cmocka_unit_test(test_building),
        cmocka_unit_test(test_measuring),  cmocka_unit_test(test_making),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
