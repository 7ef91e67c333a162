/* SPDX-License-Identifier: Apache-2.0
 * Texts by reference: each stands in the log once behind a redo point, is known while somebody may need it, and the log is kept for who
 * reads it later. */
#include "session/audit_texts.h"

#include "../engine.h"
#include "../must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <cmocka.h>

enum { SEGMENT = 1 << 20 };

typedef struct fixture {
    char root[64], wal_directory[128], data_directory[128];
    rdb_wal_config config;
    rdb_wal *wal;
    audit_texts *texts;
    rdb_error err;
} fixture;

static void begin(fixture *f)
{
    memset(f, 0, sizeof *f);
    engine_paths("texts", f->root, sizeof f->root, f->wal_directory, f->data_directory, sizeof f->wal_directory);
    f->config = (rdb_wal_config){.directory = f->wal_directory, .system_id = 5, .segment_bytes = SEGMENT, .ring_bytes = 1 << 18, .incarnation = 1};
    MUST(&f->err, rdb_path_make_directory(f->wal_directory, 0700, true, &f->err));
    MUST(&f->err, rdb_wal_open(&f->wal, &f->config, SEGMENT + 64, &f->err));
    MUST(&f->err, audit_texts_create(&f->texts, f->wal, &f->err));
}

static void end(fixture *f)
{
    audit_texts_destroy(&f->texts);
    MUST(&f->err, rdb_wal_close(&f->wal, &f->err));
    MUST(&f->err, rdb_path_remove_tree(f->root, &f->err));
}

static uint64_t records(fixture *f)
{
    rdb_wal_statistics statistics;
    rdb_wal_get_statistics(f->wal, &statistics);
    return statistics.records;
}

static void check_known(fixture *f, rdb_lsn lsn, const char *text)
{
    rdb_slice found;
    assert_true(audit_texts_find(f->texts, lsn, &found));
    assert_int_equal(found.length, strlen(text));
    assert_memory_equal(found.data, text, found.length);
}

static void test_a_text_is_logged_once_behind_a_redo_point(void **state)
{
    fixture f;
    rdb_slice found;
    (void)state;
    begin(&f);
    audit_text_set *mine = audit_texts_hold(f.texts, NULL), *others = audit_texts_hold(f.texts, NULL);
    assert_true(mine != NULL && mine == others && audit_texts_hold(f.texts, mine) == mine);
    const rdb_lsn one = audit_texts_refer(f.texts, mine, "one", 3), two = audit_texts_refer(f.texts, mine, "two!", 4);
    assert_true(one != 0 && two > one);
    const uint64_t logged = records(&f);
    assert_true(audit_texts_refer(f.texts, others, "one", 3) == one && audit_texts_refer(f.texts, mine, "two!", 4) == two);
    assert_int_equal(records(&f), logged);
    assert_false(audit_texts_are_stale(f.texts, mine));

    const rdb_lsn redo_point = rdb_wal_fix_redo_point(f.wal);
    assert_true(audit_texts_are_stale(f.texts, mine));
    others = audit_texts_hold(f.texts, others);
    assert_true(others != mine && audit_text_set_number(others) > audit_text_set_number(mine));
    const rdb_lsn again = audit_texts_refer(f.texts, others, "one", 3);
    assert_true(again >= redo_point);
    assert_int_equal(records(&f), logged + 1);
    check_known(&f, one, "one");
    check_known(&f, two, "two!");
    check_known(&f, again, "one");

    /* The log has it where it is said to be. */
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    bool is_there = false;
    MUST(&f.err, rdb_wal_flush(f.wal, rdb_wal_insert_lsn(f.wal), &f.err));
    MUST(&f.err, rdb_wal_reader_open(&reader, &f.config, two, &f.err));
    MUST(&f.err, rdb_wal_reader_next(reader, &record, &is_there, &f.err));
    assert_true(is_there && record.lsn == two && record.resource == RDB_RESOURCE_AUDIT && record.operation == RDB_AUDIT_OP_TEXT);
    assert_true(record.data_bytes == 4 && memcmp(record.data, "two!", 4) == 0);
    rdb_wal_reader_close(&reader);

    /* Who still holds the old set keeps it; then it goes, when all is in the audit log that can refer to it. */
    const rdb_lsn taken = rdb_wal_insert_lsn(f.wal);
    assert_false(audit_texts_forget(f.texts, taken));
    audit_texts_drop(f.texts, mine);
    assert_false(audit_texts_forget(f.texts, redo_point - 1));
    check_known(&f, one, "one");
    assert_true(audit_texts_forget(f.texts, redo_point));
    assert_false(audit_texts_find(f.texts, one, &found));
    check_known(&f, again, "one");
    audit_texts_drop(f.texts, others);
    assert_false(audit_texts_forget(f.texts, taken)); /* the newest stays */
    end(&f);
}

static void test_a_set_is_bounded(void **state)
{
    enum { TEXT = 60000 };
    static char text[TEXT];
    fixture f;
    (void)state;
    begin(&f);
    audit_text_set *set = audit_texts_hold(f.texts, NULL);
    uint32_t count = 0;
    rdb_lsn first = 0, lsn = 0;
    memset(text, 'x', sizeof text);
    for (; count < 100; count++, first = first != 0 ? first : lsn) {
        snprintf(text, sizeof text, "%03u", count); /* all of one length */
        if ((lsn = audit_texts_refer(f.texts, set, text, sizeof text)) == 0)
            break;
    }
    assert_int_equal(count, (1 << 20) / TEXT);
    const uint64_t logged = records(&f);
    assert_int_equal(audit_texts_refer(f.texts, set, text, sizeof text), 0);
    assert_int_equal(records(&f), logged);
    snprintf(text, sizeof text, "%03u", 0u);
    assert_true(audit_texts_refer(f.texts, set, text, sizeof text) == first);
    audit_texts_drop(f.texts, set);
    end(&f);
}

/* What is kept reaches back to the last redo point before what is not durable yet, or further. */
static void test_the_log_is_kept_for_texts(void **state)
{
    fixture f;
    rdb_lsn points[200];
    (void)state;
    begin(&f);
    const rdb_lsn start = rdb_wal_insert_lsn(f.wal);
    audit_text_set *set = audit_texts_hold(f.texts, NULL);
    assert_true(audit_texts_keep(f.texts, start - 1) == start - 1); /* what came before refers to what came before */
    for (uint32_t i = 0; i < RDB_COUNT_OF(points); i++) {
        char text[16];
        const int length = snprintf(text, sizeof text, "%u", i);
        assert_true(audit_texts_refer(f.texts, set, text, (uint32_t)length) != 0);
        points[i] = rdb_wal_fix_redo_point(f.wal);
        set = audit_texts_hold(f.texts, set);
        assert_true(audit_texts_keep(f.texts, start) == start); /* the audit log stands still */
    }
    assert_true(audit_texts_keep(f.texts, points[0] - 1) == start);
    assert_true(audit_texts_keep(f.texts, points[0]) == points[0]);
    assert_true(audit_texts_keep(f.texts, points[10] - 1) == points[9]);
    assert_true(audit_texts_keep(f.texts, points[10]) == points[10]);
    const rdb_lsn late = audit_texts_keep(f.texts, points[190]); /* more than it remembers */
    assert_true(late >= points[10] && late <= points[190]);
    assert_true(audit_texts_refer(f.texts, set, "more", 4) != 0);
    const rdb_lsn last = rdb_wal_fix_redo_point(f.wal);
    assert_true(audit_texts_keep(f.texts, last + 1000) == last);
    audit_texts_drop(f.texts, set);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_text_is_logged_once_behind_a_redo_point), cmocka_unit_test(test_a_set_is_bounded),
                                       cmocka_unit_test(test_the_log_is_kept_for_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
