/* SPDX-License-Identifier: Apache-2.0
 * Recovery to a point: a copy of files taken while they change, restored with an archive to every restore point, has exactly what was
 * there at it; stopping, branching and crashing in between included. */
#include "../storage/toy.h"
#include "os/rdb_fault.h"
#include "storage/rdb_storage_salvage.h"
#include "upkeep/upkeep_int.h"

#include <unistd.h>

enum { PAGES = 60, SEGMENT_BYTES = 1 << 20 };

static char root[64], home[96], archive[96];

static void make_home(void)
{
    char path[160];
    rdb_error err = {0};
    rdb_control control = {.system_id = 4714, .layout_version = 1, .data_format = 1, .page_bytes = 4096, .wal_segment_bytes = SEGMENT_BYTES,
                           .incarnation = 1, .state = RDB_CONTROL_NEW};
    static const char *const folders[] = {"", "/data", "/data/meta", "/data/wal"};
    snprintf(root, sizeof root, "/tmp/rdb-point-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(home, sizeof home, "%s/home", root);
    snprintf(archive, sizeof archive, "%s/archive", root);
    for (unsigned i = 0; i < RDB_COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s%s", home, folders[i]);
        assert_true(rdb_path_make_directory(path, 0700, true, &err));
    }
    assert_true(rdb_control_write(home, &control, &err));
}

static bool open_upkeep(rdb_upkeep **upkeep, const char *where, const char *archive_directory, rdb_error *err)
{
    const rdb_wal_archiver_config archiver = {.directory = archive_directory, .command = ""};
    const rdb_upkeep_config config = {.home = where, .frame_count = 40, .wal_ring_bytes = 64 << 10, .sync = false,
                                      .archive = archive_directory != NULL ? &archiver : NULL};
    toy_register();
    return rdb_upkeep_open(upkeep, &config, err) && rdb_upkeep_start(*upkeep, err);
}

static void must(bool ok, const rdb_error *err)
{
    if (!ok)
        fail_msg("%s %s", rdb_error_message(err), rdb_error_detail_text(err));
}

/* Change n: page n % PAGES and page 0 in one record. */
static void change(rdb_upkeep *upkeep, uint64_t n)
{
    rdb_storage *storage = rdb_upkeep_storage(upkeep);
    rdb_buffer *zero = NULL, *other = NULL;
    rdb_change record;
    rdb_lsn end_lsn = 0;
    rdb_error err = {0};
    uint64_t pair[2] = {1 + n % (TOY_SLOTS - 1), n}, zero_pair[2] = {1, n}, block = 0;
    if (n == 0) {
        must(rdb_storage_create_file(storage, 3, TOY_FILE, 0, &err), &err);
        for (uint64_t i = 0; i < PAGES; i++) {
            must(rdb_buffer_extend(storage, 3, TOY_FILE, 0, &block, &other, &err), &err);
            must(toy_set(storage, other, 1, 0, true, &end_lsn, &err), &err);
            rdb_buffer_release(other, RDB_BUFFER_EXCLUSIVE);
        }
        return;
    }
    must(rdb_buffer_acquire(storage, toy_tag(0), RDB_BUFFER_EXCLUSIVE, &zero, &err), &err);
    must(rdb_buffer_acquire(storage, toy_tag(1 + n % (PAGES - 1)), RDB_BUFFER_EXCLUSIVE, &other, &err), &err);
    rdb_change_init(&record, storage, 3, 0, RDB_RESOURCE_HEAP, TOY_SET);
    rdb_change_block(&record, other, 0);
    rdb_change_block_data(&record, pair, sizeof pair);
    rdb_change_block(&record, zero, 0);
    rdb_change_block_data(&record, zero_pair, sizeof zero_pair);
    must(rdb_change_apply(&record, NULL, NULL, &end_lsn, &err), &err);
    rdb_buffer_release(other, RDB_BUFFER_EXCLUSIVE);
    rdb_buffer_release(zero, RDB_BUFFER_EXCLUSIVE);
}

/* The pages are those after change n, all of them and no later one. */
static void check_pages(rdb_upkeep *upkeep, uint64_t n)
{
    static uint64_t expected[PAGES][TOY_SLOTS];
    rdb_error err = {0};
    memset(expected, 0, sizeof expected);
    for (uint64_t i = 1; i <= n; i++) {
        expected[1 + i % (PAGES - 1)][1 + i % (TOY_SLOTS - 1)] = i;
        expected[0][1] = i;
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        rdb_buffer *buffer = NULL;
        must(rdb_buffer_acquire(rdb_upkeep_storage(upkeep), toy_tag(page), RDB_BUFFER_SHARED, &buffer, &err), &err);
        for (unsigned slot = 1; slot < TOY_SLOTS; slot++)
            if (toy_slots(rdb_buffer_page(buffer))[slot] != expected[page][slot])
                fail_msg("after %llu: page %llu slot %u is %llu, not %llu", (unsigned long long)n, (unsigned long long)page, slot,
                         (unsigned long long)toy_slots(rdb_buffer_page(buffer))[slot], (unsigned long long)expected[page][slot]);
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

/* Copies the relation's file in two halves with changes in between, tears a page in the copy, and puts the label beside. */
static void copy_while_it_changes(rdb_upkeep *upkeep, const char *target, uint64_t *n, uint64_t more)
{
    rdb_base_backup *backup = NULL;
    rdb_base_backup_result result;
    rdb_error err = {0};
    char path[256];
    must(rdb_base_backup_begin(upkeep, "in a test", true, &backup, &err), &err);
    run("mkdir -p %s/data/wal %s/data/meta", target, target);
    run("cp -r %s/data/tables %s/data/", home, target);
    for (uint64_t i = 0; i < more; i++) {
        change(upkeep, ++*n);
        if (i == more / 2) { /* newer pages over the copy's second half, and one that is half of each */
            must(rdb_storage_flush_all(rdb_upkeep_storage(upkeep), 0, &err), &err);
            run("f=$(ls -S %s/data/tables/3/* | head -1); dd if=$f of=%s/data/tables/3/$(basename $f) bs=512 skip=%u seek=%u conv=notrunc status=none",
                home, target, PAGES / 2 * 8 + 1, PAGES / 2 * 8 + 1); /* the border lies among the page's slots */
        }
    }
    assert_true(base_backup_keeps(upkeep) == rdb_base_backup_start_lsn(backup));
    must(rdb_base_backup_end(backup, &result, &err), &err);
    rdb_base_backup_close(&backup);
    assert_true(base_backup_keeps(upkeep) == UINT64_MAX && backup == NULL);
    assert_true(result.start_lsn <= result.checkpoint_lsn && result.checkpoint_lsn < result.stop_lsn);
    snprintf(path, sizeof path, "%s/data/meta/backup_label", target);
    must(rdb_path_write_atomic(path, result.label_file, result.label_bytes, 0600, &err), &err);
}

static bool recover(const char *copy, const rdb_recovery_target *target, rdb_upkeep **upkeep, char restored[128], rdb_error *err)
{
    snprintf(restored, 128, "%s.restored", copy);
    run("rm -rf %s; cp -r %s %s", restored, copy, restored);
    must(target == NULL || rdb_recovery_target_write(restored, target, err), err);
    bool ok = open_upkeep(upkeep, restored, NULL, err);
    if (!ok)
        rdb_upkeep_close(upkeep, false, err);
    return ok;
}

static rdb_recovery_target target_of(rdb_target_kind kind, const char *name)
{
    rdb_recovery_target target = {.kind = kind};
    snprintf(target.archive_directory, sizeof target.archive_directory, "%s", archive);
    if (name != NULL)
        snprintf(target.name, sizeof target.name, "%s", name);
    return target;
}

typedef struct seen_points {
    uint32_t count;
    char last[64];
} seen_points;
static void see_point(void *context, const char *name, rdb_lsn lsn, int64_t wall_us)
{
    seen_points *seen = context;
    assert_true(lsn > 0 && wall_us > 0);
    seen->count++;
    snprintf(seen->last, sizeof seen->last, "%s", name);
}

static void test_copy_recovers_to_each_point(void **state)
{
    (void)state;
    enum { POINTS = 12 };
    rdb_upkeep *upkeep = NULL;
    rdb_error err = {0};
    char copy[128], restored[128], name[32];
    uint64_t n = 0, at_point[POINTS];
    rdb_lsn lsn_of[POINTS];
    make_home();
    must(open_upkeep(&upkeep, home, archive, &err), &err);
    change(upkeep, 0);
    while (n < 500)
        change(upkeep, ++n);
    must(rdb_restore_point_create(upkeep, "before the copy", &lsn_of[0], &err), &err);
    snprintf(copy, sizeof copy, "%s/copy", root);
    copy_while_it_changes(upkeep, copy, &n, 400);
    uint64_t at_stop = n;
    for (unsigned i = 0; i < POINTS; i++) {
        for (unsigned j = 0; j < 40 + 90 * (i % 3); j++)
            change(upkeep, ++n);
        snprintf(name, sizeof name, "point %u", i);
        must(rdb_restore_point_create(upkeep, name, &lsn_of[i], &err), &err);
        at_point[i] = n;
        if (i % 4 == 3)
            must(rdb_upkeep_checkpoint(upkeep, 0, &err), &err);
    }
    change(upkeep, ++n);
    rdb_lsn end = 0;
    must(rdb_wal_switch(rdb_upkeep_wal(upkeep), &end, &err) && rdb_wal_flush(rdb_upkeep_wal(upkeep), end, &err), &err);
    must(rdb_wal_archiver_wait(rdb_upkeep_archiver(upkeep), end, 10000000, NULL, NULL, &err), &err);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);

    for (unsigned i = 0; i < POINTS; i++) {
        snprintf(name, sizeof name, "point %u", i);
        rdb_recovery_target target = target_of(RDB_TARGET_NAME, name);
        must(recover(copy, &target, &upkeep, restored, &err), &err);
        check_pages(upkeep, at_point[i]);
        assert_int_equal(rdb_upkeep_timeline(upkeep), 2);
        /* It works on, crashes, and recovers on its own timeline. */
        change(upkeep, at_point[i] + 1);
        must(rdb_wal_flush(rdb_upkeep_wal(upkeep), rdb_wal_insert_lsn(rdb_upkeep_wal(upkeep)), &err), &err);
        must(rdb_upkeep_close(&upkeep, false, &err), &err);
        must(open_upkeep(&upkeep, restored, NULL, &err), &err);
        check_pages(upkeep, at_point[i] + 1);
        assert_int_equal(rdb_upkeep_timeline(upkeep), 2);
        must(rdb_upkeep_close(&upkeep, i % 2 == 0, &err), &err);
    }
    /* By position, each side of it. */
    rdb_recovery_target target = target_of(RDB_TARGET_LSN, NULL);
    target.lsn = lsn_of[5];
    target.exclusive = true;
    must(recover(copy, &target, &upkeep, restored, &err), &err);
    check_pages(upkeep, at_point[5]);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);
    target.exclusive = false;
    must(recover(copy, &target, &upkeep, restored, &err), &err);
    check_pages(upkeep, at_point[5] + 1);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);
    target = target_of(RDB_TARGET_IMMEDIATE, NULL);
    must(recover(copy, &target, &upkeep, restored, &err), &err);
    check_pages(upkeep, at_stop);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);
    target = target_of(RDB_TARGET_END, NULL);
    must(recover(copy, &target, &upkeep, restored, &err), &err);
    check_pages(upkeep, n);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);

    /* Stopped at one point and gone on from there to the next, never back. */
    target = target_of(RDB_TARGET_NAME, "point 4");
    target.shut_down = true;
    assert_false(recover(copy, &target, &upkeep, restored, &err));
    assert_string_equal(err.sqlstate, RDB_ADMIN_SHUTDOWN);
    rdb_error_clear(&err);
    target = target_of(RDB_TARGET_NAME, "point 2");
    must(rdb_recovery_target_write(restored, &target, &err), &err);
    assert_false(open_upkeep(&upkeep, restored, NULL, &err));
    assert_non_null(strstr(err.message, "before consistent recovery point"));
    rdb_error_clear(&err);
    rdb_upkeep_close(&upkeep, false, &err);
    target = target_of(RDB_TARGET_NAME, "point 7");
    must(rdb_recovery_target_write(restored, &target, &err), &err);
    must(open_upkeep(&upkeep, restored, NULL, &err), &err);
    check_pages(upkeep, at_point[7]);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);

    /* What cannot be is refused, with nothing changed in the copy: a point before its end, one that is nowhere, no archive at all. */
    target = target_of(RDB_TARGET_NAME, "nowhere");
    assert_false(recover(copy, &target, &upkeep, restored, &err));
    assert_non_null(strstr(err.message, "recovery ended before configured recovery target was reached"));
    rdb_error_clear(&err);
    assert_false(recover(copy, NULL, &upkeep, restored, &err));
    assert_non_null(strstr(err.message, "before this copy is consistent"));
    rdb_error_clear(&err);

    /* The log alone says as much beforehand. */
    rdb_base_backup_result base = {0};
    rdb_recovery_reach reach;
    seen_points seen = {0};
    rdb_slice label;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    char path[256];
    snprintf(path, sizeof path, "%s/data/meta/backup_label", copy);
    must(rdb_path_read(path, arena, &label, 4096, &err), &err);
    memcpy(base.label_file, label.data, label.length);
    base.label_bytes = (uint32_t)label.length;
    target = target_of(RDB_TARGET_NAME, "point 3");
    must(rdb_recovery_look(NULL, &base, &target, see_point, &seen, &reach, &err), &err);
    assert_true(reach.reached && reach.stop_lsn == lsn_of[3] && seen.count == POINTS && reach.missing_lsn == 0);
    assert_string_equal(seen.last, "point 11");
    snprintf(target.name, sizeof target.name, "before the copy");
    must(rdb_recovery_look(NULL, &base, &target, NULL, NULL, &reach, &err), &err);
    assert_false(reach.reached);
    base.label_file[base.label_bytes / 2] ^= 1; /* a damaged label never passes for another */
    assert_false(rdb_recovery_look(NULL, &base, &target, NULL, NULL, &reach, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
    assert_true(rdb_path_remove_tree(root, &err));
}

/* ---- one page alone ------------------------------------------------------------------------------------------------------- */
enum { PAGE_BYTES = 4096 };

/* A page of the relation's file below a data directory. */
static void page_of(const char *where, uint64_t block, void *page, bool is_written)
{
    char name[96], path[256];
    rdb_file *file = NULL;
    rdb_error err = {0};
    storage_tag_name(name, toy_tag(0));
    snprintf(path, sizeof path, "%s/data/%s", where, name);
    must(rdb_file_open(&file, path, is_written ? RDB_FILE_WRITE : RDB_FILE_READ, &err), &err);
    must(is_written ? rdb_file_write(file, block * PAGE_BYTES, page, PAGE_BYTES, &err) : rdb_file_read(file, block * PAGE_BYTES, page, PAGE_BYTES, NULL, &err), &err);
    must(rdb_file_close(&file, &err), &err);
}

static void break_page(uint64_t block)
{
    _Alignas(8) uint8_t page[PAGE_BYTES];
    page_of(home, block, page, false);
    page[1000] ^= 4;
    page_of(home, block, page, true);
}

static rdb_page_state state_of(rdb_upkeep *upkeep, uint64_t block, rdb_lsn *log_end)
{
    rdb_error err = {0};
    rdb_page_state state;
    const char *what;
    must(rdb_upkeep_look_at_page(upkeep, toy_tag(block), &state, &what, log_end, &err), &err);
    assert_true((what == NULL) == (state == RDB_PAGE_SOUND));
    return state;
}

static void refuses(rdb_upkeep *upkeep, uint64_t block, const void *image, rdb_lsn image_end, const char *sqlstate, const char *message)
{
    rdb_error err = {0};
    rdb_page_state state;
    const char *what;
    rdb_lsn lsn;
    assert_false(rdb_upkeep_repair_page(upkeep, toy_tag(block), image, image_end, &state, &what, &lsn, &err));
    assert_string_equal(err.sqlstate, sqlstate);
    assert_non_null(strstr(err.message, message));
    rdb_error_clear(&err);
}

typedef struct asking { /* for a page, in a thread */
    rdb_upkeep *upkeep;
    bool got;
    uint64_t value;
    rdb_error err;
} asking;
static void ask_for_page(void *argument)
{
    asking *a = argument;
    rdb_buffer *buffer = NULL;
    a->got = rdb_buffer_acquire(rdb_upkeep_storage(a->upkeep), toy_tag(7), RDB_BUFFER_SHARED, &buffer, &a->err);
    if (a->got)
        a->value = toy_slots(rdb_buffer_page(buffer))[0];
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
}

/* Each page of the copy, torn ones too, and the log make the page that stands in the instance, byte by byte; a served instance takes it where
 * its own is broken, and nothing else. */
static void test_one_page_alone(void **state)
{
    (void)state;
    rdb_upkeep *upkeep = NULL;
    rdb_error err = {0};
    char copy[128], wal_directory[128], path[256], restored[128];
    _Alignas(8) uint8_t made[PAGES][PAGE_BYTES], page[PAGE_BYTES], old[PAGE_BYTES];
    rdb_slice label;
    rdb_page_state how;
    const char *what;
    rdb_lsn end = 0, lsn = 0;
    uint64_t n = 0, torn = 0;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    make_home();
    must(open_upkeep(&upkeep, home, archive, &err), &err);
    change(upkeep, 0);
    while (n < 500)
        change(upkeep, ++n);
    snprintf(copy, sizeof copy, "%s/copy", root);
    copy_while_it_changes(upkeep, copy, &n, 400);
    while (n < 30000) { /* several segments: the older ones are in the archive alone */
        change(upkeep, ++n);
        if (n % 9000 == 0)
            must(rdb_upkeep_checkpoint(upkeep, 0, &err), &err);
    }
    must(rdb_upkeep_close(&upkeep, true, &err), &err);
    must(open_upkeep(&upkeep, home, archive, &err), &err);

    snprintf(path, sizeof path, "%s/data/meta/backup_label", copy);
    must(rdb_path_read(path, arena, &label, 4096, &err), &err);
    snprintf(wal_directory, sizeof wal_directory, "%s/data/wal", home);
    assert_int_equal(state_of(upkeep, 1, &end), RDB_PAGE_SOUND);
    rdb_page_recovery recovery = {.label = rdb_arena_strndup(arena, (const char *)label.data, label.length), .wal_directory = wal_directory, .archive_directory = archive,
                                  .timeline = 1, .until = end};
    for (uint64_t block = 0; block < PAGES; block++) {
        recovery.tag = toy_tag(block);
        page_of(copy, block, made[block], false);
        bool is_known = rdb_page_verify(made[block], recovery.tag, PAGE_BYTES, &what);
        torn += !is_known;
        must(rdb_recovery_redo_page(&recovery, made[block], is_known, &err), &err);
        page_of(home, block, page, false);
        assert_memory_equal(made[block], page, PAGE_BYTES);
    }
    assert_true(torn > 0);
    recovery.archive_directory = ""; /* the instance alone does not go back so far */
    assert_false(rdb_recovery_redo_page(&recovery, page, true, &err));
    assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
    rdb_error_clear(&err);
    recovery.archive_directory = archive;
    recovery.tag = toy_tag(12); /* a page that the log does not fit is told, not made */
    memcpy(page, made[12], PAGE_BYTES);
    ((rdb_page *)(void *)page)->change_no--;
    assert_false(rdb_recovery_redo_page(&recovery, page, true, &err));
    assert_non_null(strstr(err.message, "was lost"));
    rdb_error_clear(&err);

    /* Broken on disk and nowhere else, and changed since it was made. */
    const rdb_lsn early = end;
    memcpy(old, made[7], PAGE_BYTES);
    do
        change(upkeep, ++n);
    while (n % (PAGES - 1) != 6);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);
    break_page(7);
    must(open_upkeep(&upkeep, home, archive, &err), &err);
    assert_int_equal(state_of(upkeep, 7, &end), RDB_PAGE_BROKEN);
    recovery.tag = toy_tag(7);
    recovery.until = end;
    page_of(copy, 7, made[7], false);
    must(rdb_recovery_redo_page(&recovery, made[7], rdb_page_verify(made[7], toy_tag(7), PAGE_BYTES, &what), &err), &err);
    refuses(upkeep, 7, old, early, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "changed behind");
    refuses(upkeep, 7, NULL, 0, RDB_DATA_CORRUPTED, "no state of it is given");
    refuses(upkeep, 7, made[8], end, RDB_DATA_CORRUPTED, "these bytes are not block 7");
    refuses(upkeep, 7, made[7], end - 8, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot be read");
    refuses(upkeep, PAGES, made[7], end, RDB_INVALID_PARAMETER_VALUE, "has no block 60");
    memcpy(page, made[7], PAGE_BYTES); /* of a log that goes further than this one */
    ((rdb_page *)(void *)page)->lsn = end + 4096;
    rdb_page_seal(page, toy_tag(7), PAGE_BYTES);
    refuses(upkeep, 7, page, end, RDB_DATA_CORRUPTED, "these bytes are not block 7");
    /* Who asks for it meanwhile waits, and then meets what it is. */
    for (unsigned mended = 0; mended < 2; mended++) {
        asking a = {.upkeep = upkeep};
        rdb_thread *thread = NULL;
        rdb_page_repair *repair = NULL;
        must(rdb_page_repair_begin(rdb_upkeep_storage(upkeep), toy_tag(7), &repair, &err), &err);
        must(rdb_thread_start(&thread, "asking", ask_for_page, &a, &err), &err);
        rdb_time_sleep_us(20000);
        if (mended == 0)
            rdb_page_repair_cancel(&repair);
        else
            must(rdb_page_repair_finish(&repair, made[7], &lsn, &err), &err);
        rdb_thread_join(&thread);
        assert_true(a.got == (mended == 1) && (a.got || rdb_error_is(&a.err, RDB_DATA_CORRUPTED)));
        assert_true(!a.got || a.value == toy_slots((rdb_page *)(void *)made[7])[0]);
        rdb_error_clear(&a.err);
    }
    assert_true(lsn > end);
    assert_int_equal(state_of(upkeep, 7, &end), RDB_PAGE_SOUND);
    must(rdb_upkeep_repair_page(upkeep, toy_tag(7), old, early, &how, &what, &lsn, &err), &err);
    assert_true(how == RDB_PAGE_SOUND && lsn == 0);

    /* Broken on disk alone: the pool has it, changed or not. */
    for (unsigned changed = 0; changed < 2; changed++) {
        rdb_buffer *buffer = NULL;
        must(rdb_buffer_acquire(rdb_upkeep_storage(upkeep), toy_tag(9), RDB_BUFFER_PIN, &buffer, &err), &err);
        break_page(9);
        for (; changed > 0 && n % (PAGES - 1) != 8;)
            change(upkeep, ++n);
        assert_int_equal(state_of(upkeep, 9, &end), RDB_PAGE_IN_POOL);
        must(rdb_upkeep_repair_page(upkeep, toy_tag(9), NULL, 0, &how, &what, &lsn, &err), &err);
        assert_true(how == RDB_PAGE_IN_POOL && lsn > end);
        assert_int_equal(state_of(upkeep, 9, &end), RDB_PAGE_SOUND);
        rdb_buffer_release(buffer, RDB_BUFFER_PIN);
    }
    check_pages(upkeep, n);
    change(upkeep, ++n);

    /* What was logged brings it again after a crash, and to a copy that recovers. */
    must(rdb_restore_point_create(upkeep, "whole again", &lsn, &err), &err);
    must(rdb_wal_switch(rdb_upkeep_wal(upkeep), &end, &err) && rdb_wal_flush(rdb_upkeep_wal(upkeep), end, &err), &err);
    must(rdb_wal_archiver_wait(rdb_upkeep_archiver(upkeep), end, 10000000, NULL, NULL, &err), &err);
    must(rdb_upkeep_close(&upkeep, false, &err), &err);
    break_page(7);
    must(open_upkeep(&upkeep, home, archive, &err), &err);
    check_pages(upkeep, n);
    rdb_upkeep *other = NULL;
    must(rdb_storage_drop_file(rdb_upkeep_storage(upkeep), 3, TOY_FILE, &err), &err);
    recovery.until = rdb_wal_insert_lsn(rdb_upkeep_wal(upkeep));
    page_of(copy, 20, page, false);
    recovery.tag = toy_tag(20);
    assert_false(rdb_recovery_redo_page(&recovery, page, true, &err));
    assert_string_equal(err.sqlstate, RDB_UNDEFINED_FILE);
    rdb_error_clear(&err);
    must(rdb_upkeep_close(&upkeep, false, &err), &err);
    const rdb_recovery_target target = target_of(RDB_TARGET_NAME, "whole again");
    must(recover(copy, &target, &other, restored, &err), &err);
    check_pages(other, n);
    must(rdb_upkeep_close(&other, false, &err), &err);
    rdb_arena_destroy(arena);
    assert_true(rdb_path_remove_tree(root, &err));
}

/* A crash at any call of a recovery to a point: the next start goes there too, or is there. */
static void test_crash_while_recovering(void **state)
{
    (void)state;
    rdb_upkeep *upkeep = NULL;
    rdb_error err = {0};
    char copy[128], restored[128], target_path[128];
    uint64_t n = 0;
    rdb_lsn lsn = 0, end = 0;
    make_home();
    must(open_upkeep(&upkeep, home, archive, &err), &err);
    change(upkeep, 0);
    while (n < 100)
        change(upkeep, ++n);
    snprintf(copy, sizeof copy, "%s/copy", root);
    copy_while_it_changes(upkeep, copy, &n, 60);
    while (n < 300)
        change(upkeep, ++n);
    must(rdb_restore_point_create(upkeep, "here", &lsn, &err), &err);
    uint64_t at_point = n;
    change(upkeep, ++n);
    must(rdb_wal_switch(rdb_upkeep_wal(upkeep), &end, &err) && rdb_wal_flush(rdb_upkeep_wal(upkeep), end, &err), &err);
    must(rdb_wal_archiver_wait(rdb_upkeep_archiver(upkeep), end, 10000000, NULL, NULL, &err), &err);
    must(rdb_upkeep_close(&upkeep, true, &err), &err);

    rdb_recovery_target target = target_of(RDB_TARGET_NAME, "here");
    snprintf(target_path, sizeof target_path, "%s/replay", root);
    must(rdb_recovery_target_write(copy, &target, &err), &err);
    snprintf(restored, sizeof restored, "%s/recorded", root);
    run("cp -r %s %s", copy, restored);
    assert_true(rdb_fault_record_begin(restored, NULL, &err));
    const rdb_upkeep_config config = {.home = restored, .frame_count = 40, .wal_ring_bytes = 64 << 10, .sync = true};
    toy_register();
    must(rdb_upkeep_open(&upkeep, &config, &err), &err);
    check_pages(upkeep, at_point);
    must(rdb_upkeep_close(&upkeep, false, &err), &err);
    rdb_fault_log *log = NULL;
    assert_true(rdb_fault_record_end(&log, &err));
    uint32_t count = rdb_fault_log_count(log), base = rdb_fault_log_base(log), step = RDB_MAX((count - base) / 60, 1u), tried = 0;
    for (uint32_t point = base; point <= count; point += step, tried++) {
        must(rdb_fault_log_rebuild(log, point, (rdb_crash_mode)(tried % 3), point, target_path, &err), &err);
        const rdb_upkeep_config again = {.home = target_path, .frame_count = 40, .wal_ring_bytes = 64 << 10};
        if (!rdb_upkeep_open(&upkeep, &again, &err))
            fail_msg("point %u of %u: %s %s", point, count, err.message, err.detail);
        check_pages(upkeep, at_point);
        assert_true(rdb_upkeep_timeline(upkeep) >= 2);
        must(rdb_upkeep_close(&upkeep, true, &err), &err);
    }
    print_message("crash points tried: %u of %u\n", tried, count - base);
    rdb_fault_log_destroy(log);
    assert_true(rdb_path_remove_tree(root, &err));
}

static void test_moments_need_a_zone(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t us; const char *sqlstate; } CASES[] = {
        {"2000-01-01 00:00:00+00", 0, NULL},
        {"2000-01-01T00:00:01.5Z", 1500000, NULL},
        {"1999-12-31 23:59:59 UTC", -1000000, NULL},
        {"2000-01-01 02:00+02", 0, NULL},
        {"2000-01-01 05:30:00+05:30", 0, NULL},
        {"1999-12-31 19:00:00-0500", 0, NULL},
        {"2026-11-21 14:03:00+00", INT64_C(848584980) * 1000000, NULL},
        {"2024-02-29 00:00:00+00", INT64_C(762480000) * 1000000, NULL},
        {"2000-01-01 00:00:00", 0, RDB_DATETIME_FIELD_OVERFLOW},
        {"2023-02-29 00:00:00+00", 0, RDB_INVALID_DATETIME_FORMAT},
        {"2000-13-01 00:00:00+00", 0, RDB_INVALID_DATETIME_FORMAT},
        {"2000-01-01 24:00:00+00", 0, RDB_INVALID_DATETIME_FORMAT},
        {"2000-01-01 00:00:00+99", 0, RDB_INVALID_DATETIME_FORMAT},
        {"yesterday", 0, RDB_INVALID_DATETIME_FORMAT},
        {"", 0, RDB_INVALID_DATETIME_FORMAT},
    };
    for (unsigned i = 0; i < RDB_COUNT_OF(CASES); i++) {
        rdb_error err = {0};
        int64_t us = 0;
        bool ok = rdb_recovery_parse_time(CASES[i].text, &us, &err);
        if (ok != (CASES[i].sqlstate == NULL) || (ok ? us != CASES[i].us : strcmp(err.sqlstate, CASES[i].sqlstate) != 0))
            fail_msg("\"%s\": %lld %s", CASES[i].text, (long long)us, err.sqlstate);
        rdb_error_clear(&err);
        if (!ok)
            continue;
        rdb_recovery_target target = {.kind = RDB_TARGET_TIME, .time_us = us}; /* printed and read again it is the same */
        char text[160];
        int64_t again = 0;
        rdb_recovery_target_describe(&target, text);
        *strchr(text, ',') = '\0';
        assert_true(rdb_recovery_parse_time(text + strlen("to time "), &again, &err) && again == us);
    }
}

static void test_targets_come_back_as_written(void **state)
{
    (void)state;
    rdb_error err = {0};
    bool found = true;
    rdb_recovery_target read;
    make_home();
    assert_true(rdb_recovery_target_read(home, &read, &found, &err) && !found);
    rdb_recovery_target targets[] = {target_of(RDB_TARGET_END, NULL), target_of(RDB_TARGET_IMMEDIATE, NULL), target_of(RDB_TARGET_TIME, NULL),
                                     target_of(RDB_TARGET_SCN, NULL), target_of(RDB_TARGET_XID, NULL), target_of(RDB_TARGET_LSN, NULL),
                                     target_of(RDB_TARGET_NAME, "it's one # of 'them'")};
    targets[2].time_us = 123456789;
    targets[3].scn = 77;
    targets[3].exclusive = true;
    targets[4].xid = UINT64_C(1) << 40;
    targets[4].pdb = 5;
    targets[5].lsn = UINT64_C(0x123456789A0);
    targets[5].timeline = 9;
    targets[6].timeline = RDB_TIMELINE_CURRENT;
    targets[6].shut_down = true;
    for (unsigned i = 0; i < RDB_COUNT_OF(targets); i++) {
        must(rdb_recovery_target_write(home, &targets[i], &err) && rdb_recovery_target_read(home, &read, &found, &err), &err);
        assert_true(found && read.kind == targets[i].kind && read.exclusive == targets[i].exclusive && read.shut_down == targets[i].shut_down);
        assert_true(read.time_us == targets[i].time_us && read.scn == targets[i].scn && read.xid == targets[i].xid && read.pdb == targets[i].pdb);
        assert_true(read.lsn == targets[i].lsn && read.timeline == targets[i].timeline);
        assert_string_equal(read.name, targets[i].name);
        assert_string_equal(read.archive_directory, archive);
    }
    static const char *const wrong[] = {"recovery_target_xid = 'x'\n", "recovery_target_scn = 1\nrecovery_target_lsn = '0/1'\n", "recovery_target = 'soon'\n",
                                        "recovery_target_action = 'pause'\n", "nothing", "recovery_target_name = 'open\n", "recovery_target_lsn = '1'\n",
                                        "recovery_target_timeline = '0'\n", "recovery_target_inclusive = 'perhaps'\n", "colour = 'red'\n"};
    char path[160];
    snprintf(path, sizeof path, "%s/data/recovery.conf", home);
    for (unsigned i = 0; i < RDB_COUNT_OF(wrong); i++) {
        must(rdb_path_write_atomic(path, wrong[i], strlen(wrong[i]), 0600, &err), &err);
        if (rdb_recovery_target_read(home, &read, &found, &err))
            fail_msg("taken: %s", wrong[i]);
        assert_non_null(strstr(err.detail, "line "));
        rdb_error_clear(&err);
    }
    assert_true(rdb_path_remove_tree(root, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_recovers_to_each_point),
        cmocka_unit_test(test_one_page_alone),
        cmocka_unit_test(test_crash_while_recovering),
        cmocka_unit_test(test_moments_need_a_zone),
        cmocka_unit_test(test_targets_come_back_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
