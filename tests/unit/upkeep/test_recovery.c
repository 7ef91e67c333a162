/* SPDX-License-Identifier: Apache-2.0
 * Recovery of pages and files: a recorded workload, cut by a crash at every point of its calls with unsynced writes kept,
 * lost or torn, recovers each time to exactly the state after some change, and never before one that was promised. */
#include "../storage/toy.h"
#include "instance/rdb_instance.h"
#include "os/rdb_fault.h"
#include "storage/rdb_change_map.h"
#include "upkeep/upkeep_int.h"

enum { PAGES_MAX = 120, SEGMENT_BYTES = 1 << 20 };

static uint64_t saved_part, loaded_part;
static void save_part(void *context, rdb_strbuf *bytes)
{
    (void)context;
    rdb_strbuf_add(bytes, &saved_part, sizeof saved_part);
}
static bool load_part(void *context, const uint8_t *bytes, uint32_t length, rdb_error *err)
{
    (void)context;
    if (length != 8)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "part of %u bytes", length);
    loaded_part = RDB_MAX(loaded_part, rdb_get_u64(bytes));
    return true;
}

static void make_home(const char *home, uint32_t incarnation)
{
    char path[128];
    rdb_error err = {0};
    rdb_control control = {.system_id = 4711, .layout_version = 1, .data_format = 1, .page_bytes = 4096,
                           .wal_segment_bytes = SEGMENT_BYTES, .incarnation = incarnation, .state = RDB_CONTROL_NEW};
    static const char *const folders[] = {"data", "data/meta", "data/wal"};
    for (unsigned i = 0; i < RDB_COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", home, folders[i]);
        assert_true(rdb_path_make_directory(path, 0700, true, &err));
    }
    assert_true(rdb_control_write(home, &control, &err));
    snprintf(path, sizeof path, "%s/data/meta", home);
    assert_true(rdb_path_sync_directory(path, &err));
    snprintf(path, sizeof path, "%s/data", home);
    assert_true(rdb_path_sync_directory(path, &err) && rdb_path_sync_directory(home, &err));
}

static uint32_t recovery_threads; /* of open_upkeep */
static bool open_upkeep(rdb_upkeep **upkeep, const char *home, bool sync, rdb_error *err)
{
    rdb_upkeep_config config = {.home = home, .frame_count = 40, .wal_ring_bytes = 64 << 10, .sync = sync, .recovery_threads = recovery_threads};
    rdb_checkpoint_part part = {.save = save_part, .load = load_part};
    toy_register();
    rdb_checkpoint_set_part(RDB_RESOURCE_SEQUENCE, &part);
    loaded_part = 0;
    return rdb_upkeep_open(upkeep, &config, err);
}

/* ---- the workload and its model -------------------------------------------------------------------------------------
 * Change number n touches page 0 (slot 1 = n) and one other page in one record, so the number found on page 0 says which
 * state the rest must have. Slots of page 0 beside it: 2 = a side file was made and filled, 3 = it was dropped, 4 = the cut
 * file was filled, 5 = it was cut. */
typedef struct model {
    uint64_t slots[PAGES_MAX][TOY_SLOTS];
    uint64_t pages;
} model;

typedef struct step {
    bool extend;
    uint64_t page, slot;
} step;

static step step_of(const model *m, uint64_t n)
{
    rdb_random random;
    rdb_random_seed(&random, n);
    step s = {.extend = m->pages < 4 || (n % 7 == 0 && m->pages < PAGES_MAX)};
    s.page = s.extend ? m->pages : 1 + rdb_random_next(&random) % (m->pages - 1);
    s.slot = s.extend ? 1 : 1 + rdb_random_next(&random) % (TOY_SLOTS - 1);
    return s;
}

static void model_apply(model *m, uint64_t n)
{
    step s = step_of(m, n);
    if (s.extend)
        m->pages++;
    m->slots[s.page][s.slot] = n;
    m->slots[0][1] = n;
}

#define SIDE_FILE(n) RDB_FILE_NO(RDB_FILE_INDEX, 30000 + (n))
#define CUT_FILE RDB_FILE_NO(RDB_FILE_TABLE, 25000)

typedef struct workload {
    rdb_upkeep *upkeep;
    rdb_storage *storage;
    model m;
    uint64_t done;
} workload;

static void extra_slot(workload *w, uint64_t slot, uint64_t value)
{
    rdb_buffer *zero = NULL;
    rdb_lsn end_lsn = 0;
    rdb_error err = {0};
    assert_true(rdb_buffer_acquire(w->storage, toy_tag(0), RDB_BUFFER_EXCLUSIVE, &zero, &err));
    assert_true(toy_set(w->storage, zero, slot, value, false, &end_lsn, &err));
    rdb_buffer_release(zero, RDB_BUFFER_EXCLUSIVE);
}

static void fill_file(workload *w, uint64_t file, uint64_t pages)
{
    rdb_error err = {0};
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t block = 0;
        rdb_buffer *buffer = NULL;
        rdb_lsn end_lsn = 0;
        assert_true(rdb_buffer_extend(w->storage, 3, file, 0, &block, &buffer, &err));
        assert_true(toy_set(w->storage, buffer, 7, file + block, true, &end_lsn, &err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
}

static void run_step(workload *w, uint64_t n)
{
    rdb_buffer *zero = NULL, *other = NULL;
    rdb_change change;
    rdb_lsn end_lsn = 0;
    rdb_error err = {0};
    step s = step_of(&w->m, n);
    uint64_t block = 0, zero_pair[2] = {1, n}, pair[2] = {s.slot, n};
    if (!rdb_buffer_acquire(w->storage, toy_tag(0), RDB_BUFFER_EXCLUSIVE, &zero, &err))
        fail_msg("%s %s", err.message, err.detail);
    if (s.extend) {
        assert_true(rdb_buffer_extend(w->storage, 3, TOY_FILE, 0, &block, &other, &err));
        assert_int_equal(block, s.page);
    } else {
        assert_true(rdb_buffer_acquire(w->storage, toy_tag(s.page), RDB_BUFFER_EXCLUSIVE, &other, &err));
    }
    rdb_change_init(&change, w->storage, 3, 0, RDB_RESOURCE_HEAP, TOY_SET);
    rdb_change_block(&change, other, s.extend ? RDB_WAL_BLOCK_INIT : 0);
    rdb_change_block_data(&change, pair, sizeof pair);
    rdb_change_block(&change, zero, 0);
    rdb_change_block_data(&change, zero_pair, sizeof zero_pair);
    assert_true(rdb_change_apply(&change, NULL, NULL, &end_lsn, &err));
    rdb_buffer_release(other, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(zero, RDB_BUFFER_EXCLUSIVE);
    model_apply(&w->m, n);
    w->done = n;
}

static void begin_workload(workload *w)
{
    memset(w, 0, sizeof *w);
    w->m.pages = 1;
}

static void first_page(workload *w)
{
    rdb_buffer *zero = NULL;
    rdb_lsn end_lsn = 0;
    rdb_error err = {0};
    uint64_t block = 0;
    assert_true(rdb_storage_create_file(w->storage, 3, TOY_FILE, 0, &err));
    assert_true(rdb_buffer_extend(w->storage, 3, TOY_FILE, 0, &block, &zero, &err));
    assert_true(toy_set(w->storage, zero, 1, 0, true, &end_lsn, &err));
    rdb_buffer_release(zero, RDB_BUFFER_EXCLUSIVE);
}

static uint64_t drop_at; /* the change after which the side file is dropped */

static void run_workload(workload *w, uint64_t changes)
{
    rdb_error err = {0};
    drop_at = changes * 3 / 5;
    first_page(w);
    for (uint64_t n = 1; n <= changes; n++) {
        run_step(w, n);
        if (n == changes / 5) {
            assert_true(rdb_storage_create_file(w->storage, 3, SIDE_FILE(1), 0, &err));
            fill_file(w, SIDE_FILE(1), 5);
            extra_slot(w, 2, 1);
        }
        if (n == changes / 4) {
            assert_true(rdb_storage_create_file(w->storage, 3, CUT_FILE, 0, &err));
            fill_file(w, CUT_FILE, 20);
            extra_slot(w, 4, 1);
        }
        if (n == changes / 2) {
            assert_true(rdb_storage_truncate_file(w->storage, 3, CUT_FILE, 0, 6, &err));
            extra_slot(w, 5, 1);
        }
        if (n == drop_at) {
            assert_true(rdb_storage_drop_file(w->storage, 3, SIDE_FILE(1), &err));
            extra_slot(w, 3, 1);
        }
        if (n % 9 == 0) {
            assert_true(rdb_wal_flush(rdb_upkeep_wal(w->upkeep), rdb_wal_insert_lsn(rdb_upkeep_wal(w->upkeep)), &err));
            rdb_fault_record_note(n);
        }
        if (n % 150 == 149) {
            saved_part = n;
            assert_true(rdb_upkeep_checkpoint(w->upkeep, 0, &err));
        }
    }
}

/* The recovered pages equal the model after the change that page 0 names; that is at least promised. */
static void check_state(rdb_upkeep *upkeep, uint64_t promised, const char *where)
{
    static model m;
    rdb_storage *storage = rdb_upkeep_storage(upkeep);
    rdb_buffer *buffer = NULL;
    rdb_error err = {0};
    uint64_t done = 0, blocks = 0;
    memset(&m, 0, sizeof m);
    m.pages = 1;
    if (!rdb_storage_file_exists(storage, 3, TOY_FILE)) {
        assert_int_equal(promised, 0);
        return;
    }
    assert_true(rdb_storage_block_count(storage, 3, TOY_FILE, 0, &blocks, &err));
    if (blocks == 0) {
        assert_int_equal(promised, 0);
        return;
    }
    uint64_t extra[8];
    if (!rdb_buffer_acquire(storage, toy_tag(0), RDB_BUFFER_SHARED, &buffer, &err))
        fail_msg("%s: %s %s", where, err.message, err.detail);
    done = toy_slots(rdb_buffer_page(buffer))[1];
    memcpy(extra, toy_slots(rdb_buffer_page(buffer)), sizeof extra);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    if (done < promised)
        fail_msg("%s: change %llu was promised, %llu is there", where, (unsigned long long)promised, (unsigned long long)done);
    for (uint64_t n = 1; n <= done; n++)
        model_apply(&m, n);
    assert_true(blocks >= m.pages || done == 0);
    for (uint64_t page = 1; page < m.pages; page++) {
        if (!rdb_buffer_acquire(storage, toy_tag(page), RDB_BUFFER_SHARED, &buffer, &err))
            fail_msg("%s: %s %s", where, err.message, err.detail);
        for (unsigned slot = 1; slot < TOY_SLOTS; slot++) {
            if (toy_slots(rdb_buffer_page(buffer))[slot] != m.slots[page][slot])
                fail_msg("%s: page %llu slot %u is %llu, not %llu", where, (unsigned long long)page, slot,
                         (unsigned long long)toy_slots(rdb_buffer_page(buffer))[slot], (unsigned long long)m.slots[page][slot]);
        }
        assert_true(toy_is_whole(rdb_buffer_page(buffer)));
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    bool side = rdb_storage_file_exists(storage, 3, SIDE_FILE(1));
    if (extra[3] == 1)
        assert_false(side);
    else if (extra[2] == 1 && done < drop_at && !side) /* between the drop and slot 3 either is right */
        fail_msg("%s: the side file is missing after change %llu, dropped after %llu", where, (unsigned long long)done,
                 (unsigned long long)drop_at);
    for (int cut = 0; cut < 2; cut++) {
        uint64_t file = cut ? CUT_FILE : SIDE_FILE(1), least = cut ? (extra[5] ? 6 : extra[4] ? 6 : 0) : extra[2] && side ? 5 : 0;
        for (uint64_t i = 0; i < least; i++) {
            rdb_page_tag tag = {.file = file, .block = i, .pdb = 3};
            if (!rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &buffer, &err))
                fail_msg("%s: %s %s", where, err.message, err.detail);
            assert_int_equal(toy_slots(rdb_buffer_page(buffer))[7], file + i);
            rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        }
        if (cut && extra[5]) {
            assert_true(rdb_storage_block_count(storage, 3, CUT_FILE, 0, &blocks, &err));
            assert_int_equal(blocks, 6);
        }
    }
}

static void test_crash_at_every_point(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-recovery-XXXXXX", target[64], where[96];
    static workload w;
    rdb_fault_log *log = NULL;
    rdb_error err = {0};
    uint32_t hit = 0, replayed_twice = 0;
    uint64_t changes = getenv("RDB_CHECK_LONG") != NULL ? 3000 : 700;
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    snprintf(target, sizeof target, "%s-crash", home);
    assert_true(rdb_fault_record_begin(home, NULL, &err));
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    run_workload(&w, changes);
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(rdb_fault_record_end(&log, &err));
    uint32_t count = rdb_fault_log_count(log), base = rdb_fault_log_base(log);
    for (uint32_t point = base; point <= count; point++) {
        for (int mode = RDB_CRASH_KEEP_ALL; mode <= RDB_CRASH_TEAR; mode++) {
            rdb_upkeep *upkeep = NULL;
            uint64_t promised = rdb_fault_log_note_at(log, point);
            if (mode == RDB_CRASH_KEEP_ALL && point % 5 != 0)
                continue;
            snprintf(where, sizeof where, "point %u of %u, mode %d", point, count, mode);
            assert_true(rdb_fault_log_rebuild(log, point, (rdb_crash_mode)mode, point * 3 + 1, target, &err));
            recovery_threads = 1 + point % 3; /* by the reader alone, and by two and three others */
            if (!open_upkeep(&upkeep, target, false, &err))
                fail_msg("%s: %s %s", where, err.message, err.detail);
            check_state(upkeep, promised, where);
            hit++;
            if (point % 16 == 3) { /* a second crash at once, pages half written, and recovery again */
                assert_true(rdb_upkeep_close(&upkeep, false, &err));
                if (!open_upkeep(&upkeep, target, false, &err))
                    fail_msg("%s, again: %s %s", where, err.message, err.detail);
                check_state(upkeep, promised, where);
                replayed_twice++;
            }
            assert_true(rdb_upkeep_close(&upkeep, point % 2 == 0, &err));
        }
    }
    recovery_threads = 0;
    print_message("crash points: %u, %u of them twice\n", hit, replayed_twice);
    assert_true(hit > 1000);
    rdb_fault_log_destroy(log);
    assert_true(rdb_path_remove_tree(target, &err) && rdb_path_remove_tree(home, &err));
}

/* The pages that recovery leaves, written out; their files below home. */
static void recover_and_write(const char *home, uint32_t threads)
{
    rdb_upkeep *upkeep = NULL;
    rdb_error err = {0};
    recovery_threads = threads;
    assert_true(open_upkeep(&upkeep, home, false, &err));
    assert_true(rdb_upkeep_recovery(upkeep)->records > 1000);
    assert_true(rdb_storage_flush_all(rdb_upkeep_storage(upkeep), 0, &err));
    assert_true(rdb_upkeep_close(&upkeep, false, &err));
    recovery_threads = 0;
}

static uint32_t compare_trees(const char *one, const char *other)
{
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_list names = {0}, others = {0};
    rdb_error err = {0};
    uint32_t pages = 0;
    assert_true(rdb_path_list(one, arena, &names, &err) && rdb_path_list(other, arena, &others, &err));
    assert_int_equal(names.count, others.count);
    for (uint32_t i = 0; i < names.count; i++) {
        char left[300], right[300];
        rdb_slice a, b;
        assert_string_equal(names.items[i], others.items[i]);
        snprintf(left, sizeof left, "%s/%s", one, (const char *)names.items[i]);
        snprintf(right, sizeof right, "%s/%s", other, (const char *)names.items[i]);
        assert_true(rdb_path_read(left, arena, &a, 64 << 20, &err) && rdb_path_read(right, arena, &b, 64 << 20, &err));
        uint64_t shared = RDB_MIN(a.length, b.length); /* how far a file was zero-filled ahead is nobody's promise */
        for (uint64_t at = 0; at < shared; at += 4096, pages++)
            if (memcmp(a.data + at, b.data + at, 4096) != 0)
                fail_msg("%s: block %llu differs", left, (unsigned long long)(at / 4096));
        for (uint64_t at = shared; at < RDB_MAX(a.length, b.length); at++)
            assert_int_equal((a.length > b.length ? a : b).data[at], 0);
    }
    rdb_arena_destroy(arena);
    return pages;
}

/* Recovery by many threads leaves the very bytes that recovery by one leaves, pages in a pool that is too small for them included. */
static void test_threads_leave_the_same_bytes(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-recovery-XXXXXX", command[300], other[64], one[128], two[128];
    static workload w;
    rdb_error err = {0};
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, false, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    run_workload(&w, 140);
    for (uint64_t n = 141; n <= 6000; n++) {
        run_step(&w, n);
        if (n % 1000 == 0) { /* files come and go among the changes */
            assert_true(rdb_storage_create_file(w.storage, 3, SIDE_FILE(n), 0, &err));
            fill_file(&w, SIDE_FILE(n), 30);
            if (n % 2000 == 0)
                assert_true(rdb_storage_drop_file(w.storage, 3, SIDE_FILE(n), &err));
            else
                assert_true(rdb_storage_truncate_file(w.storage, 3, SIDE_FILE(n), 0, 7, &err));
        }
    }
    assert_true(rdb_upkeep_close(&w.upkeep, false, &err));
    snprintf(other, sizeof other, "%s-many", home);
    snprintf(command, sizeof command, "cp -r %s %s", home, other);
    assert_int_equal(system(command), 0);
    recover_and_write(home, 1);
    for (uint32_t threads = 2; threads <= 7; threads += 5) {
        recover_and_write(other, threads);
        uint32_t pages = 0;
        for (int i = 0; i < 2; i++) {
            snprintf(one, sizeof one, "%s/data/%s/3", home, i == 0 ? "tables" : "indexes");
            snprintf(two, sizeof two, "%s/data/%s/3", other, i == 0 ? "tables" : "indexes");
            pages += compare_trees(one, two);
        }
        print_message("%u threads: %u pages compared\n", threads, pages);
        assert_true(pages > 120);
    }
    assert_true(rdb_path_remove_tree(other, &err) && rdb_path_remove_tree(home, &err));
}

static void test_clean_end_replays_nothing(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-recovery-XXXXXX";
    static workload w;
    rdb_error err = {0};
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    assert_false(rdb_upkeep_recovery(w.upkeep)->was_clean);
    w.storage = rdb_upkeep_storage(w.upkeep);
    run_workload(&w, 400);
    saved_part = 12345;
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    for (unsigned life = 0; life < 3; life++) {
        assert_true(open_upkeep(&w.upkeep, home, true, &err));
        assert_true(rdb_upkeep_recovery(w.upkeep)->was_clean);
        assert_int_equal(rdb_upkeep_recovery(w.upkeep)->records, 1); /* the checkpoint's own */
        assert_int_equal(loaded_part, 12345);
        check_state(w.upkeep, 400, "after a clean end");
        assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    }
    /* an unclean end after more work replays it */
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    for (uint64_t n = 401; n <= 500; n++)
        run_step(&w, n);
    assert_true(rdb_upkeep_close(&w.upkeep, false, &err));
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    assert_false(rdb_upkeep_recovery(w.upkeep)->was_clean);
    assert_in_range(rdb_upkeep_recovery(w.upkeep)->records, 100, 110);
    check_state(w.upkeep, 500, "after a crash");
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(rdb_path_remove_tree(home, &err));
}

/* A page whose last write never arrived, though its checkpoint counted on it, is told and not papered over (R21). */
static void test_lost_write_is_told(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-recovery-XXXXXX", path[96];
    static workload w;
    uint8_t old[4096];
    rdb_file *file = NULL;
    rdb_error err = {0};
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    run_workload(&w, 140);
    assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
    snprintf(path, sizeof path, "%s/data/tables/3/20000", home);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &err));
    assert_true(rdb_file_read(file, 0, old, sizeof old, NULL, &err));
    for (uint64_t n = 141; n <= 145; n++) /* page 0: an image, then changes on it */
        run_step(&w, n);
    rdb_lsn behind_image = rdb_wal_insert_lsn(rdb_upkeep_wal(w.upkeep));
    for (uint64_t n = 146; n <= 148; n++)
        run_step(&w, n);
    rdb_wal_config wal_config = w.upkeep->wal_config;
    assert_true(rdb_upkeep_close(&w.upkeep, false, &err));
    assert_true(rdb_file_write(file, 0, old, sizeof old, &err)); /* good checksum, old content */
    assert_true(rdb_file_close(&file, &err));
    /* replay that begins behind the image meets the old page */
    rdb_storage *storage = NULL;
    rdb_recovery_result result;
    char data[96], wal[96];
    snprintf(data, sizeof data, "%s/data", home);
    snprintf(wal, sizeof wal, "%s/data/wal", home);
    rdb_storage_config config = {.data_directory = data, .page_bytes = 4096, .frame_count = 40};
    wal_config.directory = wal;
    assert_true(rdb_storage_open(&storage, &config, &err));
    assert_false(rdb_recovery_run(storage, &wal_config, behind_image, &result, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    assert_non_null(strstr(err.message, "lost"));
    rdb_error_clear(&err);
    rdb_storage_close(&storage);
    /* from the redo point all is well */
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    check_state(w.upkeep, 148, "from the redo point");
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(rdb_path_remove_tree(home, &err));
}

static rdb_lsn keep_all(void *context)
{
    (void)context;
    return 8;
}

static void test_checkpointer_runs_by_volume_and_lets_segments_go(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-recovery-XXXXXX", wal[96];
    static workload w;
    rdb_error err = {0};
    rdb_upkeep_statistics statistics = {0};
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    begin_workload(&w);
    rdb_upkeep_config config = {.home = home, .frame_count = 64, .wal_ring_bytes = 64 << 10, .sync = true,
                                .checkpoint_wal_bytes = 3 * SEGMENT_BYTES, .checkpoint_percent = 90};
    toy_register();
    assert_true(rdb_upkeep_open(&w.upkeep, &config, &err));
    assert_true(rdb_upkeep_start(w.upkeep, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    first_page(&w);
    uint64_t n = 0;
    for (int64_t until_us = rdb_time_monotonic_us() + 90000000; statistics.checkpoints_by_volume < 3 && rdb_time_monotonic_us() < until_us;) {
        for (unsigned i = 0; i < 500; i++)
            run_step(&w, ++n);
        rdb_upkeep_get_statistics(w.upkeep, &statistics);
    }
    assert_true(statistics.checkpoints_by_volume >= 3);
    assert_int_equal(statistics.checkpoints_failed, 0);
    snprintf(wal, sizeof wal, "%s/data/wal/%016x", home, 1);
    assert_false(rdb_path_exists(wal));
    assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
    rdb_upkeep_get_statistics(w.upkeep, &statistics);
    snprintf(wal, sizeof wal, "%s/data/wal/%016llx", home, (unsigned long long)(statistics.redo_lsn / SEGMENT_BYTES));
    assert_true(rdb_path_exists(wal));
    rdb_upkeep_set_wal_keeper(w.upkeep, keep_all, NULL);
    for (unsigned i = 0; i < 20000; i++)
        run_step(&w, ++n);
    assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
    assert_true(rdb_path_exists(wal)); /* kept for who asked */
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    check_state(w.upkeep, n, "after checkpoints by volume");
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(rdb_path_remove_tree(home, &err));
}

/* A checkpoint that fails at any call leaves the former one in force and nothing lost. */
static void test_failing_checkpoint_loses_nothing(void **state)
{
    (void)state;
    bool fired = true;
    /* The pool's cleaner may have been ahead of a checkpoint, which then has few writes, or meet the failure itself: that ends nothing. First
     * every write fails, and the checkpoint must say so. */
    for (uint32_t nth = 0; nth < 30 || (fired && nth < 400); nth += nth < 20 ? 1 : 7) {
        char home[] = "/tmp/rdb-recovery-XXXXXX", rule[64];
        static workload w;
        rdb_error err = {0};
        assert_non_null(mkdtemp(home));
        make_home(home, 1);
        begin_workload(&w);
        assert_true(open_upkeep(&w.upkeep, home, true, &err));
        w.storage = rdb_upkeep_storage(w.upkeep);
        run_workload(&w, 120);
        snprintf(rule, sizeof rule, nth == 0 ? "write::count=%u:ENOSPC" : "write::nth=%u:ENOSPC", nth);
        assert_true(rdb_fault_arm(rule, &err));
        bool ok = rdb_upkeep_checkpoint(w.upkeep, 0, &err);
        fired = rdb_fault_fired() > 0;
        rdb_fault_disarm();
        assert_true(fired || (ok && nth > 0));
        assert_true(ok ? nth > 0 : strcmp(err.sqlstate, RDB_DISK_FULL) == 0);
        rdb_error_clear(&err);
        for (uint64_t n = 121; n <= 140; n++)
            run_step(&w, n);
        if (nth % 2 == 0)
            assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
        assert_true(rdb_upkeep_close(&w.upkeep, false, &err));
        if (!open_upkeep(&w.upkeep, home, true, &err))
            fail_msg("nth %u: %s %s", nth, err.message, err.detail);
        check_state(w.upkeep, 140, "after a failing checkpoint");
        assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
        assert_true(rdb_path_remove_tree(home, &err));
    }
    assert_false(fired);
}

static void run_slow_checkpoint(void *argument)
{
    rdb_error err = {0};
    rdb_worker_declare(RDB_WORKER_CHECKPOINTER);
    toy_must(rdb_upkeep_checkpoint(argument, 600000000, &err), &err);
}

static void see_delay(void *context, const rdb_worker_info *info)
{
    if (info->waiter->kind == RDB_WORKER_CHECKPOINTER && atomic_load(&info->waiter->event) == RDB_WAIT_CHECKPOINT_DELAY)
        *(bool *)context = true;
}

/* Who asks for a checkpoint now, or stops, does not wait for one that takes its time. */
static void test_hurry_ends_a_spread_checkpoint(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-recovery-XXXXXX";
    static workload w;
    rdb_thread *thread = NULL;
    rdb_error err = {0};
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    run_workload(&w, 140);
    assert_true(rdb_thread_start(&thread, "slow", run_slow_checkpoint, w.upkeep, &err));
    for (bool takes_its_time = false; !takes_its_time; rdb_time_sleep_us(1000))
        rdb_worker_visit(see_delay, &takes_its_time);
    int64_t begin_us = rdb_time_monotonic_us();
    assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
    rdb_thread_join(&thread);
    assert_in_range(rdb_time_monotonic_us() - begin_us, 0, 300000000);
    check_state(w.upkeep, 140, "after two checkpoints");
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(rdb_path_remove_tree(home, &err));
}

/* ---- the change map ---------------------------------------------------------------------------------------------------- */

static bool map_has(const rdb_change_map *map, const char *path, uint64_t block)
{
    uint32_t cursor = 0;
    rdb_changed_blocks blocks;
    while (rdb_change_map_next(map, &cursor, &blocks))
        if (strcmp(blocks.path, path) == 0)
            return block / 64 < blocks.word_count && (blocks.words[block / 64] >> block % 64 & 1) != 0;
    return false;
}

/* Every block of the file under now that differs from the one under base, or is new, is in the map. */
static uint32_t check_changed_file(const rdb_change_map *map, const char *base, const char *now, const char *name, const char *where)
{
    char path[160];
    rdb_file *files[2] = {NULL, NULL};
    rdb_error err = {0};
    uint32_t differing = 0;
    static const uint8_t zeroes[4096];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/data/%s", i == 0 ? base : now, name);
        if (rdb_path_exists(path))
            assert_true(rdb_file_open(&files[i], path, RDB_FILE_READ, &err));
    }
    for (uint64_t block = 0; files[1] != NULL; block++) {
        uint8_t pages[2][4096] = {{0}};
        size_t got[2] = {0, 0};
        assert_true(rdb_file_read(files[1], block * 4096, pages[1], 4096, &got[1], &err));
        if (got[1] == 0)
            break;
        if (files[0] != NULL)
            assert_true(rdb_file_read(files[0], block * 4096, pages[0], 4096, &got[0], &err));
        if (memcmp(pages[0], pages[1], 4096) == 0 && (got[0] != 0 || memcmp(pages[1], zeroes, 4096) == 0))
            continue;
        differing++;
        if (!map_has(map, name, block))
            fail_msg("%s: block %llu of %s changed and is not in the map", where, (unsigned long long)block, name);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_true(rdb_file_close(&files[i], &err));
    return differing;
}

/* What stood on disk when a checkpoint was complete, and what stands there after a crash at any later point and a clean end,
 * differ in no block that the map since that checkpoint lacks. */
static void test_change_map_misses_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"tables/3/20000", "tables/3/25000", "indexes/3/30001"};
    char home[] = "/tmp/rdb-changes-XXXXXX", target[64], base_home[64], data[80], where[96];
    static workload w;
    rdb_fault_log *log = NULL;
    rdb_error err = {0};
    rdb_control control;
    rdb_lsn since = 0;
    uint32_t checked = 0, differing = 0;
    uint64_t in_maps = 0;
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    snprintf(target, sizeof target, "%s-crash", home);
    snprintf(base_home, sizeof base_home, "%s-base", home);
    snprintf(data, sizeof data, "%s/data", target);
    assert_true(rdb_fault_record_begin(home, NULL, &err));
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, true, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    run_workload(&w, 400);
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(rdb_fault_record_end(&log, &err));
    for (uint32_t point = rdb_fault_log_base(log); point <= rdb_fault_log_count(log); point++) {
        if (since == 0 || point % 7 == 0) {
            assert_true(rdb_fault_log_rebuild(log, point, RDB_CRASH_KEEP_ALL, 1, target, &err));
            assert_true(rdb_control_read(target, &control, &err));
            if (since == 0 && control.redo_lsn != 0) { /* the first checkpoint became valid */
                since = control.redo_lsn;
                assert_true(rdb_fault_log_rebuild(log, point, RDB_CRASH_KEEP_ALL, 1, base_home, &err));
            }
        }
        if (since == 0 || point % 7 != 0)
            continue;
        for (int mode = RDB_CRASH_KEEP_ALL; mode <= RDB_CRASH_TEAR; mode++) {
            rdb_upkeep *upkeep = NULL;
            rdb_change_map *map = NULL;
            snprintf(where, sizeof where, "point %u, mode %d", point, mode);
            assert_true(rdb_fault_log_rebuild(log, point, (rdb_crash_mode)mode, point, target, &err));
            assert_true(open_upkeep(&upkeep, target, false, &err));
            assert_true(rdb_upkeep_close(&upkeep, true, &err));
            assert_true(rdb_control_read(target, &control, &err));
            if (!rdb_change_map_read(data, since, control.redo_lsn, &map, &err))
                fail_msg("%s: %s, from %llX", where, err.message, (unsigned long long)control.redo_lsn);
            for (unsigned i = 0; i < RDB_COUNT_OF(names); i++)
                differing += check_changed_file(map, base_home, target, names[i], where);
            in_maps += rdb_change_map_count(map);
            rdb_change_map_free(map);
            checked++;
        }
    }
    print_message("change maps checked: %u, %u changed blocks, %llu in the maps\n", checked, differing, (unsigned long long)in_maps);
    assert_true(checked > 100 && differing > checked && in_maps < 4 * (uint64_t)differing);
    rdb_fault_log_destroy(log);
    assert_true(rdb_path_remove_tree(target, &err) && rdb_path_remove_tree(base_home, &err) && rdb_path_remove_tree(home, &err));
}

/* Many checkpoints' files become few, and nothing is forgotten; a missing or damaged one is told. */
static void test_change_map_files(void **state)
{
    (void)state;
    enum { CHECKPOINTS = 70 };
    char home[] = "/tmp/rdb-changes-XXXXXX", folder[80], path[160];
    static workload w;
    rdb_error err = {0};
    rdb_upkeep_statistics statistics;
    rdb_lsn marks[CHECKPOINTS];
    uint64_t pages[CHECKPOINTS];
    rdb_change_map *map = NULL;
    rdb_list names = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    assert_non_null(mkdtemp(home));
    make_home(home, 1);
    begin_workload(&w);
    assert_true(open_upkeep(&w.upkeep, home, false, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    first_page(&w);
    for (unsigned i = 0; i < CHECKPOINTS; i++) {
        run_step(&w, i + 1);
        pages[i] = step_of(&w.m, i + 2).page;
        assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
        rdb_upkeep_get_statistics(w.upkeep, &statistics);
        marks[i] = statistics.redo_lsn;
    }
    snprintf(folder, sizeof folder, "%s/data/meta/changes", home);
    assert_true(rdb_path_list(folder, arena, &names, &err));
    assert_in_range(names.count, 30, 64);
    for (unsigned i = 0; i + 1 < CHECKPOINTS; i += 3) {
        assert_true(rdb_storage_changes_since(w.storage, marks[i], &map, &err));
        assert_true(map_has(map, "tables/3/20000", 0));
        assert_true(map_has(map, "tables/3/20000", pages[i]));
        rdb_change_map_free(map);
    }
    assert_true(rdb_storage_changes_since(w.storage, marks[CHECKPOINTS - 1], &map, &err)); /* what the last one wrote is not in it */
    assert_int_equal(rdb_change_map_count(map), 0);
    rdb_change_map_free(map);
    snprintf(path, sizeof path, "%s/%s", folder, (const char *)rdb_list_get(&names, 20));
    uint8_t byte = 0;
    rdb_file *file = NULL;
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &err) && rdb_file_read(file, 44, &byte, 1, NULL, &err));
    byte ^= 4;
    assert_true(rdb_file_write(file, 44, &byte, 1, &err) && rdb_file_close(&file, &err));
    assert_false(rdb_storage_changes_since(w.storage, marks[0], &map, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    assert_true(rdb_path_remove(path, false, &err));
    assert_false(rdb_storage_changes_since(w.storage, marks[0], &map, &err));
    assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
    rdb_error_clear(&err);
    assert_true(rdb_storage_changes_since(w.storage, marks[CHECKPOINTS - 5], &map, &err));
    rdb_change_map_free(map);
    /* a disk that takes no file: remembered, and saved by the next checkpoint */
    run_step(&w, CHECKPOINTS + 1);
    assert_true(rdb_fault_arm("write:/changes/:count=1:ENOSPC", &err));
    assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
    assert_int_equal(rdb_fault_fired(), 1);
    rdb_fault_disarm();
    assert_true(rdb_storage_changes_since(w.storage, marks[CHECKPOINTS - 1], &map, &err));
    assert_true(map_has(map, "tables/3/20000", 0));
    rdb_change_map_free(map);
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    assert_true(open_upkeep(&w.upkeep, home, false, &err));
    assert_true(rdb_storage_changes_since(rdb_upkeep_storage(w.upkeep), marks[CHECKPOINTS - 1], &map, &err));
    assert_true(map_has(map, "tables/3/20000", 0));
    rdb_change_map_free(map);
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    /* a life that kept no map leaves a gap, which the next one finds */
    rdb_storage_changes_switch(false);
    assert_true(open_upkeep(&w.upkeep, home, false, &err));
    w.storage = rdb_upkeep_storage(w.upkeep);
    assert_false(rdb_storage_changes_since(w.storage, marks[CHECKPOINTS - 1], &map, &err));
    assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
    rdb_error_clear(&err);
    run_step(&w, CHECKPOINTS + 2);
    assert_true(rdb_upkeep_checkpoint(w.upkeep, 0, &err));
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    rdb_storage_changes_switch(true);
    assert_true(open_upkeep(&w.upkeep, home, false, &err));
    assert_false(rdb_storage_changes_since(rdb_upkeep_storage(w.upkeep), marks[CHECKPOINTS - 1], &map, &err));
    assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
    rdb_error_clear(&err);
    assert_true(rdb_upkeep_close(&w.upkeep, true, &err));
    rdb_arena_destroy(arena);
    assert_true(rdb_path_remove_tree(home, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_end_replays_nothing),
        cmocka_unit_test(test_lost_write_is_told),
        cmocka_unit_test(test_checkpointer_runs_by_volume_and_lets_segments_go),
        cmocka_unit_test(test_hurry_ends_a_spread_checkpoint),
        cmocka_unit_test(test_failing_checkpoint_loses_nothing),
        cmocka_unit_test(test_crash_at_every_point),
        cmocka_unit_test(test_threads_leave_the_same_bytes),
        cmocka_unit_test(test_change_map_misses_nothing),
        cmocka_unit_test(test_change_map_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
