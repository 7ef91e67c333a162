/* SPDX-License-Identifier: Apache-2.0
 * The log: what is added and sealed is there again, once, whatever a crash or a full file came between. */
#include "audit/audit_int.h"
#include "audit/rdb_audit_search.h"
#include "os/rdb_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { SYSTEM_ID = 4711, START_LSN = 1 << 20 };

typedef struct fixture {
    char home[64], logs[96];
    rdb_audit_log_config config;
    rdb_audit_log *log;
    uint64_t lsn; /* of the next batch */
    bool is_damaged;
    rdb_error err;
} fixture;

static void open_log(fixture *f)
{
    if (!rdb_audit_log_open(&f->log, &f->config, &f->is_damaged, &f->err))
        fail_msg("%s", rdb_error_message(&f->err));
}

static void begin(fixture *f, uint64_t file_bytes_max)
{
    static const char *const directories[] = {"logs", "conf", "conf/secrets", "conf/secrets/keys", "data", "data/meta"};
    char path[128];
    memset(f, 0, sizeof *f);
    snprintf(f->home, sizeof f->home, "/tmp/rdb-audit-XXXXXX");
    assert_non_null(mkdtemp(f->home));
    for (size_t i = 0; i < RDB_COUNT_OF(directories); i++) {
        snprintf(path, sizeof path, "%s/%s", f->home, directories[i]);
        assert_true(rdb_path_make_directory(path, 0700, true, &f->err));
    }
    snprintf(f->logs, sizeof f->logs, "%s/logs", f->home);
    f->config = (rdb_audit_log_config){.home = f->home, .directory = f->logs, .system_id = SYSTEM_ID, .file_bytes_max = file_bytes_max, .start_lsn = START_LSN};
    f->lsn = START_LSN;
    open_log(f);
}

static void end(fixture *f)
{
    rdb_audit_log_close(&f->log);
    assert_true(rdb_path_remove_tree(f->home, &f->err));
}

/* A batch of so many events, as the WAL holds it at lsn. */
static void add_at(fixture *f, uint64_t lsn, unsigned events)
{
    rdb_strbuf batch;
    char members[64];
    rdb_strbuf_init(&batch, NULL);
    rdb_audit_batch_begin(&batch, ",\"login\":\"joe\"", 14);
    for (unsigned i = 0; i < events; i++) {
        int length = snprintf(members, sizeof members, ",\"action\":\"INSERT\",\"no\":%u", i);
        rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = RDB_AUDIT_WRITE, .wall_us = (int64_t)lsn, .rows = i, .members = {(const uint8_t *)members, (size_t)length}});
    }
    const rdb_audit_source source = {.lsn = lsn, .xid = lsn / 8, .scn = lsn / 16, .batch = (const uint8_t *)batch.data, .length = (uint32_t)batch.length};
    assert_true(rdb_audit_log_add(f->log, &source, &f->err));
    rdb_strbuf_free(&batch);
}

static void add(fixture *f, unsigned batches)
{
    for (; batches > 0; batches--, f->lsn += 64)
        add_at(f, f->lsn, 1 + (unsigned)(f->lsn / 64 % 3));
}

static void print_finding(void *context, const rdb_audit_finding *finding)
{
    (void)context;
    print_message("%s:%llu record %llu: %s\n", finding->file, (unsigned long long)finding->line, (unsigned long long)finding->record, finding->problem);
}

static rdb_audit_verified verify(fixture *f)
{
    char key[128];
    rdb_audit_verified verified;
    snprintf(key, sizeof key, "%s/" RDB_AUDIT_PUBLIC_FILE, f->home);
    const rdb_audit_verify_options options = {.directory = f->logs, .public_key_path = key, .complain = print_finding};
    if (!rdb_audit_verify(&options, &verified, &f->err))
        fail_msg("%s", rdb_error_message(&f->err));
    return verified;
}

static void check_good(fixture *f, uint64_t records)
{
    const rdb_audit_verified verified = verify(f);
    assert_int_equal(verified.findings, 0);
    assert_int_equal(verified.size, records);
    assert_int_equal(verified.signed_size, records);
}

typedef struct seen_record { uint64_t count, last_key; bool in_order; } seen_record;
static bool see(void *context, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    seen_record *seen = context;
    uint64_t lsn, key;
    (void)err;
    assert_true(audit_find_lsn(line, length, &lsn));
    key = lsn * 16 + (uint64_t)json_integer_value(json_object_get(record, "part"));
    seen->in_order = seen->in_order && key > seen->last_key;
    seen->last_key = key;
    seen->count++;
    assert_int_equal(json_integer_value(json_object_get(record, "seq")), seen->count);
    assert_string_equal(rdb_audit_field(record, "outcome"), "committed");
    return true;
}

/* Every event once, in the order of the WAL. */
static void check_once(fixture *f, uint64_t records)
{
    const rdb_audit_filter all = {0};
    seen_record seen = {.in_order = true};
    assert_true(rdb_audit_search(f->logs, &all, see, &seen, &f->err));
    assert_true(seen.in_order);
    assert_int_equal(seen.count, records);
}

static void reopen(fixture *f)
{
    rdb_audit_log_close(&f->log);
    open_log(f);
}

static void test_records_come_back(void **state)
{
    fixture f;
    uint64_t lsn, part;
    (void)state;
    begin(&f, 1 << 30);
    rdb_audit_log_position(f.log, &lsn, &part);
    assert_int_equal(lsn, START_LSN - 1);
    add(&f, 100);
    const uint64_t size = rdb_audit_log_size(f.log);
    assert_int_equal(size, 100 * 2); /* 1, 2 and 3 events in turn, beginning with a 2 */
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    check_good(&f, size);
    reopen(&f);
    assert_false(f.is_damaged);
    rdb_audit_log_position(f.log, &lsn, &part);
    assert_int_equal(lsn, f.lsn - 64);
    add(&f, 10);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    check_good(&f, rdb_audit_log_size(f.log));
    check_once(&f, rdb_audit_log_size(f.log));
    end(&f);
}

/* The WAL is read from the last line's record on, or from before it: what is there does not come again. */
static void test_nothing_comes_twice(void **state)
{
    fixture f;
    (void)state;
    begin(&f, 1 << 30);
    add(&f, 20);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    const uint64_t size = rdb_audit_log_size(f.log);
    reopen(&f);
    for (uint64_t lsn = START_LSN; lsn < f.lsn; lsn += 64)
        add_at(&f, lsn, 1 + (unsigned)(lsn / 64 % 3));
    assert_int_equal(rdb_audit_log_size(f.log), size);
    add_at(&f, f.lsn - 64, 1 + (unsigned)((f.lsn - 64) / 64 % 3) + 2); /* the same record would have had more events */
    assert_int_equal(rdb_audit_log_size(f.log), size + 2);
    end(&f);
}

/* A crash leaves any beginning of what was written since the last head, or rubbish in it: it is cut and made again, the same. */
static void test_torn_end_is_made_again(void **state)
{
    fixture f;
    char path[128];
    (void)state;
    begin(&f, 1 << 30);
    add(&f, 20);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    const uint64_t from = f.lsn;
    snprintf(path, sizeof path, "%s/audit.log", f.logs);
    const uint64_t sealed_bytes = rdb_path_bytes(path);
    for (unsigned n = 0; n < 200; n++) {
        f.lsn = from;
        add(&f, 5);
        assert_true(rdb_audit_log_write(f.log, &f.err));
        const uint64_t bytes = rdb_path_bytes(path), size = rdb_audit_log_size(f.log);
        rdb_audit_log_close(&f.log);
        rdb_file *file = NULL;
        assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &f.err));
        const uint64_t cut = sealed_bytes + (bytes - sealed_bytes) * n / 200;
        if (n % 2 == 0) {
            assert_true(rdb_file_truncate(file, cut, &f.err));
        } else { /* a page that never came to the disk, with others behind it */
            static const char zeroes[100];
            assert_true(rdb_file_write(file, cut, zeroes, (size_t)RDB_MIN((uint64_t)sizeof zeroes, bytes - cut), &f.err));
        }
        assert_true(rdb_file_close(&file, &f.err));
        open_log(&f);
        assert_false(f.is_damaged);
        for (uint64_t lsn = START_LSN; lsn < from + 5 * 64; lsn += 64)
            add_at(&f, lsn, 1 + (unsigned)(lsn / 64 % 3));
        assert_int_equal(rdb_audit_log_size(f.log), size);
        assert_true(rdb_audit_log_write(f.log, &f.err));
        assert_int_equal(rdb_path_bytes(path), bytes);
        /* Back to the sealed part for the next round. */
        rdb_audit_log_close(&f.log);
        assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &f.err) && rdb_file_truncate(file, sealed_bytes, &f.err) && rdb_file_close(&file, &f.err));
        open_log(&f);
    }
    f.lsn = from;
    add(&f, 5);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    check_good(&f, rdb_audit_log_size(f.log));
    check_once(&f, rdb_audit_log_size(f.log));
    end(&f);
}

/* Of the head that a crash came by, and of its copy, any part may be on the disk; what was signed before is whole. */
static void test_torn_head_is_no_damage(void **state)
{
    char heads[128], mirror[128], sealed[AUDIT_HEAD_BYTES_MAX];
    rdb_slice content;
    (void)state;
    for (unsigned part = 0; part < 40; part++) {
        fixture f;
        rdb_file *file = NULL;
        rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
        begin(&f, 1 << 30);
        snprintf(heads, sizeof heads, "%s/audit.heads", f.logs);
        snprintf(mirror, sizeof mirror, "%s/data/meta/audit.heads", f.home);
        for (unsigned k = 0; k < 3; k++) {
            add(&f, 2);
            assert_true(rdb_audit_log_seal(f.log, &f.err));
        }
        const uint64_t sealed_bytes = rdb_path_bytes(heads);
        assert_true(rdb_path_read(mirror, arena, &content, sizeof sealed, &f.err));
        assert_int_equal(content.length, sizeof sealed);
        memcpy(sealed, content.data, sizeof sealed);
        add(&f, 2);
        assert_true(rdb_audit_log_seal(f.log, &f.err));
        const uint64_t size = rdb_audit_log_size(f.log), bytes = rdb_path_bytes(heads);
        rdb_audit_log_close(&f.log);
        static const char zeroes[64];
        const uint64_t at = part == 39 ? sealed_bytes - 100 : sealed_bytes + (bytes - sealed_bytes - sizeof zeroes) * part / 40; /* the last time: what was sealed */
        assert_true(rdb_file_open(&file, heads, RDB_FILE_WRITE, &f.err) && rdb_file_write(file, at, zeroes, sizeof zeroes, &f.err) && rdb_file_close(&file, &f.err));
        assert_true(rdb_file_open(&file, mirror, RDB_FILE_WRITE, &f.err) && rdb_file_write(file, 0, sealed, sizeof sealed, &f.err) && rdb_file_close(&file, &f.err));
        open_log(&f);
        assert_int_equal(f.is_damaged, part == 39);
        if (!f.is_damaged) {
            assert_int_equal(rdb_audit_log_size(f.log), size);
            add(&f, 1);
            assert_true(rdb_audit_log_seal(f.log, &f.err));
            check_good(&f, rdb_audit_log_size(f.log));
        }
        rdb_arena_destroy(arena);
        end(&f);
    }
}

static void test_full_files_follow_each_other(void **state)
{
    fixture f;
    rdb_list names;
    (void)state;
    begin(&f, 4000);
    for (unsigned i = 0; i < 20; i++) {
        add(&f, 10);
        assert_true(rdb_audit_log_seal(f.log, &f.err));
        if (i % 4 == 3)
            reopen(&f);
        assert_false(f.is_damaged);
    }
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    assert_true(rdb_audit_files(f.logs, arena, &names, &f.err));
    assert_true(names.count > 10);
    rdb_arena_destroy(arena);
    check_good(&f, rdb_audit_log_size(f.log));
    check_once(&f, rdb_audit_log_size(f.log));
    end(&f);
}

/* A file changes its name, and the new one is not there yet: a crash between the two. */
static void test_crash_between_files(void **state)
{
    fixture f;
    char path[128], full[160];
    (void)state;
    begin(&f, 1 << 30);
    add(&f, 10);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    rdb_audit_log_close(&f.log);
    snprintf(path, sizeof path, "%s/audit.log", f.logs);
    snprintf(full, sizeof full, "%s.%020d", path, 1);
    assert_true(rdb_path_rename(path, full, &f.err));
    open_log(&f);
    assert_false(f.is_damaged);
    add(&f, 10);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    check_good(&f, rdb_audit_log_size(f.log));
    check_once(&f, rdb_audit_log_size(f.log));
    end(&f);
}

/* Lost files are no reason to stop, but they are told. */
static void test_lost_files_are_told(void **state)
{
    fixture f;
    char path[128];
    (void)state;
    begin(&f, 1 << 30);
    add(&f, 10);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    rdb_audit_log_close(&f.log);
    snprintf(path, sizeof path, "%s/audit.log", f.logs);
    assert_true(rdb_path_remove(path, false, &f.err));
    open_log(&f);
    assert_true(f.is_damaged);
    add(&f, 10);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    const rdb_audit_verified verified = verify(&f);
    assert_int_equal(verified.size, rdb_audit_log_size(f.log));
    assert_int_equal(verified.first, 21);
    end(&f);
}

static void test_passed_wal_need_not_be_kept(void **state)
{
    fixture f;
    uint64_t lsn, part;
    (void)state;
    begin(&f, 1 << 30);
    add(&f, 3);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    assert_int_equal(rdb_audit_log_durable_lsn(f.log), f.lsn - 64);
    rdb_audit_log_pass(f.log, f.lsn + (UINT64_C(20) << 20));
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    assert_int_equal(rdb_audit_log_durable_lsn(f.log), f.lsn + (UINT64_C(20) << 20) - 1);
    reopen(&f);
    assert_false(f.is_damaged);
    rdb_audit_log_position(f.log, &lsn, &part);
    assert_int_equal(lsn, f.lsn + (UINT64_C(20) << 20) - 1);
    check_good(&f, rdb_audit_log_size(f.log));
    end(&f);
}

static void test_batches_are_bounded(void **state)
{
    rdb_strbuf batch;
    rdb_audit_part session;
    rdb_audit_event event;
    bool bad;
    (void)state;
    rdb_strbuf_init(&batch, NULL);
    rdb_audit_batch_begin(&batch, ",\"a\":1", 6);
    for (unsigned i = 0; i < 3; i++)
        rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = RDB_AUDIT_DDL, .rows = i, .members = {(const uint8_t *)",\"b\":2", 6}});
    for (uint32_t length = 0; length <= batch.length; length++) {
        uint8_t *copy = malloc(length + 1); /* the sanitizer sees what passes its end */
        uint32_t at = 0, count = 0;
        memcpy(copy, batch.data, length);
        while (rdb_audit_batch_next(copy, length, &at, &session, &event, &bad))
            assert_int_equal(event.rows, count++);
        assert_true(bad == (length != 14 && length != 44 && length != 74 && length != 104));
        free(copy);
    }
    rdb_strbuf_free(&batch);
}

enum { SESSION_TEXT = 8000, EVENT_TEXT = 9000 };
static bool known_text(void *lost, uint64_t text_lsn, rdb_slice *text, rdb_error *err)
{
    const char *said = text_lsn == SESSION_TEXT ? ",\"login\":\"ann\"" : ",\"action\":\"SELECT\",\"statement\":\"table t\"";
    if (text_lsn != SESSION_TEXT && text_lsn != EVENT_TEXT)
        fail_msg("asked for %llu", (unsigned long long)text_lsn);
    if (text_lsn == *(const uint64_t *)lost)
        return rdb_error_set(err, RDB_IO_ERROR, "lost");
    *text = (rdb_slice){(const uint8_t *)said, strlen(said)};
    return true;
}

/* Lines are the same whether a batch says all itself or refers to texts, and so is the batch that is made whole; where a text cannot be had
 * nothing is added. */
static void test_texts_by_reference(void **state)
{
    static const char text[] = ",\"action\":\"SELECT\",\"statement\":\"table t\"", more[] = ",\"policies\":[\"p\"]";
    char whole_text[128];
    rdb_strbuf plain, referring, whole;
    uint64_t lost = 0;
    fixture f;
    (void)state;
    begin(&f, 1 << 30);
    rdb_strbuf_init(&plain, NULL);
    rdb_strbuf_init(&referring, NULL);
    rdb_strbuf_init(&whole, NULL);
    const int whole_bytes = snprintf(whole_text, sizeof whole_text, "%s%s", text, more);
    rdb_audit_event events[] = {{.class = RDB_AUDIT_READ, .wall_us = 5, .rows = 3, .members = {(const uint8_t *)text, sizeof text - 1}},
                                {.class = RDB_AUDIT_READ, .wall_us = 6, .rows = 4, .flags = RDB_AUDIT_EVENT_UNDONE, .members = {(const uint8_t *)whole_text, (size_t)whole_bytes}},
                                {.class = RDB_AUDIT_WRITE, .wall_us = 7, .rows = 5, .members = {(const uint8_t *)more, sizeof more - 1}}};
    rdb_audit_batch_begin(&plain, ",\"login\":\"ann\"", 14);
    for (unsigned i = 0; i < 3; i++)
        rdb_audit_batch_add(&plain, &events[i]);
    assert_int_equal(rdb_audit_batch_oldest_text(plain.data, (uint32_t)plain.length), 0);
    events[0].text_lsn = events[1].text_lsn = EVENT_TEXT;
    events[0].members = (rdb_slice){0};
    events[1].members = (rdb_slice){(const uint8_t *)more, sizeof more - 1};
    rdb_audit_batch_begin(&referring, ",\"login\":\"ann\"", 14);
    for (unsigned i = 0; i < 3; i++)
        rdb_audit_batch_add(&referring, &events[i]);
    assert_int_equal(rdb_audit_batch_oldest_text(referring.data, (uint32_t)referring.length), EVENT_TEXT);
    rdb_strbuf_clear(&referring);
    rdb_audit_batch_begin_referring(&referring, SESSION_TEXT);
    assert_int_equal(rdb_audit_batch_first(&referring), referring.length);
    for (unsigned i = 0; i < 3; i++)
        rdb_audit_batch_add(&referring, &events[i]);
    assert_int_equal(rdb_audit_batch_oldest_text(referring.data, (uint32_t)referring.length), SESSION_TEXT);
    assert_true(rdb_audit_batch_expand(referring.data, (uint32_t)referring.length, known_text, &lost, &whole, &f.err));
    assert_int_equal(whole.length, plain.length);
    assert_memory_equal(whole.data, plain.data, plain.length);

    rdb_audit_source source = {.lsn = f.lsn, .xid = 9, .scn = 10, .batch = (const uint8_t *)referring.data, .length = (uint32_t)referring.length};
    assert_false(rdb_audit_log_add(f.log, &source, &f.err)); /* nobody knows texts */
    assert_string_equal(f.err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&f.err);
    source.text_of = known_text;
    source.context = &lost;
    for (lost = SESSION_TEXT; lost <= EVENT_TEXT; lost += EVENT_TEXT - SESSION_TEXT) {
        assert_false(rdb_audit_log_add(f.log, &source, &f.err));
        assert_string_equal(f.err.sqlstate, RDB_IO_ERROR);
        rdb_error_clear(&f.err);
        rdb_strbuf_clear(&whole);
        assert_false(rdb_audit_batch_expand(referring.data, (uint32_t)referring.length, known_text, &lost, &whole, &f.err));
        rdb_error_clear(&f.err);
        assert_int_equal(rdb_audit_log_size(f.log), 0);
        assert_int_equal(rdb_audit_log_pending_bytes(f.log), 0);
    }
    assert_true(rdb_audit_log_add(f.log, &source, &f.err));
    assert_int_equal(rdb_audit_log_size(f.log), 3);
    assert_true(rdb_audit_log_seal(f.log, &f.err));
    check_good(&f, 3);
    char path[128];
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    snprintf(path, sizeof path, "%s/audit.log", f.logs);
    assert_true(rdb_path_read(path, arena, &content, SIZE_MAX / 2, &f.err));
    static const char *const PARTS[] = {"\"outcome\":\"committed\",\"login\":\"ann\",\"action\":\"SELECT\",\"statement\":\"table t\",\"rows\":3",
                                        "\"outcome\":\"rolled back\",\"login\":\"ann\",\"action\":\"SELECT\",\"statement\":\"table t\",\"policies\":[\"p\"],\"rows\":4",
                                        "\"outcome\":\"committed\",\"login\":\"ann\",\"policies\":[\"p\"],\"rows\":5"};
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(memmem(content.data, content.length, PARTS[i], strlen(PARTS[i])));
    rdb_arena_destroy(arena);

    const size_t second = rdb_audit_batch_first(&plain) - 14 + 8 + 32, third = second + 32 + sizeof more - 1; /* where they begin */
    for (uint32_t length = 0; length <= referring.length; length++) { /* cut anywhere */
        uint8_t *copy = malloc(length + 1);
        rdb_audit_part session;
        rdb_audit_event event;
        uint32_t at = 0, count = 0;
        bool bad;
        memcpy(copy, referring.data, length);
        while (rdb_audit_batch_next(copy, length, &at, &session, &event, &bad))
            count++;
        assert_true(bad == (length != 16 && length != second && length != third && length != referring.length));
        assert_int_equal(count, length < second ? 0 : length < third ? 1 : length < referring.length ? 2 : 3);
        free(copy);
    }
    rdb_strbuf_free(&plain);
    rdb_strbuf_free(&referring);
    rdb_strbuf_free(&whole);
    end(&f);
}

/* Much goes in whole blocks past the cache, the rest with the seal; whatever call fails on the way is tried again at the same place. */
static void test_much_is_written_in_blocks(void **state)
{
    enum { BLOCK = 4096, ROUNDS = 20 };
    static const char *const CALLS[] = {"write", "open", "create", "rename"};
    char path[128], rule[64];
    unsigned failures = 0;
    (void)state;
    for (unsigned nth = 0; nth < 40; nth++) { /* 0: none fails */
        fixture f;
        uint64_t in_blocks = 0;
        begin(&f, nth % 2 == 0 ? 1 << 30 : 300000); /* else with changes of files */
        snprintf(path, sizeof path, "%s/audit.log", f.logs);
        snprintf(rule, sizeof rule, "%s:/audit.log:nth=%u:%s", CALLS[nth % 4], nth / 4 + 1, nth % 4 < 2 ? "EIO" : "ENOSPC");
        if (nth > 0)
            assert_true(rdb_fault_arm(rule, &f.err));
        for (unsigned round = 0; round < ROUNDS; round++) {
            const unsigned wanted = round % 5 == 0 ? 1 : round % 5 == 1 ? 700 : round % 5 == 2 ? 3 : 150;
            for (unsigned i = 0; i < wanted; i++, f.lsn += 64) {
                rdb_strbuf batch;
                rdb_strbuf_init(&batch, NULL);
                rdb_audit_batch_begin(&batch, "", 0);
                rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = RDB_AUDIT_WRITE, .rows = round});
                const rdb_audit_source source = {.lsn = f.lsn, .xid = 1, .scn = 1, .batch = (const uint8_t *)batch.data, .length = (uint32_t)batch.length};
                if (!rdb_audit_log_add(f.log, &source, &f.err)) {
                    rdb_error_clear(&f.err);
                    assert_true(rdb_audit_log_add(f.log, &source, &f.err));
                }
                rdb_strbuf_free(&batch);
            }
            const uint64_t pending = rdb_audit_log_pending_bytes(f.log);
            if (!rdb_audit_log_write(f.log, &f.err)) {
                rdb_error_clear(&f.err);
                assert_true(rdb_audit_log_write(f.log, &f.err));
            }
            if (pending >= 64 << 10) {
                in_blocks++;
                assert_int_equal(rdb_path_bytes(path) % BLOCK, 0);
                assert_true(rdb_audit_log_pending_bytes(f.log) < BLOCK);
            } else if (pending < 60 << 10) {
                assert_int_equal(rdb_audit_log_pending_bytes(f.log), 0);
            }
            if (round % 7 == 0 && !rdb_audit_log_seal(f.log, &f.err)) {
                rdb_error_clear(&f.err);
                assert_true(rdb_audit_log_seal(f.log, &f.err));
            }
        }
        if (!rdb_audit_log_seal(f.log, &f.err)) {
            rdb_error_clear(&f.err);
            assert_true(rdb_audit_log_seal(f.log, &f.err));
        }
        failures += rdb_fault_fired() > 0;
        rdb_fault_disarm();
        assert_true(in_blocks >= ROUNDS / 5);
        const uint64_t size = rdb_audit_log_size(f.log);
        check_good(&f, size);
        check_once(&f, size);
        reopen(&f);
        assert_int_equal(rdb_audit_log_size(f.log), size);
        add(&f, 400);
        assert_true(rdb_audit_log_write(f.log, &f.err) && rdb_audit_log_seal(f.log, &f.err));
        check_good(&f, rdb_audit_log_size(f.log));
        check_once(&f, rdb_audit_log_size(f.log));
        end(&f);
    }
    assert_true(failures >= 12); /* where they were to fail */
}

static void test_words_and_times(void **state)
{
    uint32_t classes = 0;
    int64_t when, now = INT64_C(848597147125406);
    (void)state;
    assert_true(rdb_audit_read_class("ALL", &classes) && rdb_audit_read_class("-read", &classes));
    assert_true((classes & RDB_AUDIT_BIT(RDB_AUDIT_READ)) == 0 && (classes & RDB_AUDIT_BIT(RDB_AUDIT_WRITE)) != 0);
    assert_false(rdb_audit_read_class("reed", &classes));
    assert_true(rdb_audit_parse_time("10m", now, &when));
    assert_int_equal(when, now - 600000000);
    assert_true(rdb_audit_parse_time("2026-11-21T17:25:47.125406Z", now, &when));
    assert_int_equal(when, now);
    assert_false(rdb_audit_parse_time("soon", now, &when));
    assert_true(rdb_audit_like("o?d*s", "Orders") && !rdb_audit_like("orders", "orders2") && rdb_audit_like("*", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back), cmocka_unit_test(test_nothing_comes_twice), cmocka_unit_test(test_torn_end_is_made_again), cmocka_unit_test(test_torn_head_is_no_damage),
        cmocka_unit_test(test_full_files_follow_each_other), cmocka_unit_test(test_crash_between_files), cmocka_unit_test(test_lost_files_are_told),
        cmocka_unit_test(test_passed_wal_need_not_be_kept), cmocka_unit_test(test_batches_are_bounded), cmocka_unit_test(test_texts_by_reference), cmocka_unit_test(test_much_is_written_in_blocks), cmocka_unit_test(test_words_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
