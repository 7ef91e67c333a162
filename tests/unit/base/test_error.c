/* SPDX-License-Identifier: Apache-2.0
 * The error type: first error stays, long texts, cut characters, moves. */
#include "base/rdb_base.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_first_error_stays(void **state)
{
    (void)state;
    rdb_error err = {0};
    assert_false(rdb_error_is_set(&err));
    assert_false(rdb_error_detail(&err, "nothing to add to"));
    assert_string_equal(err.detail, "");
    assert_false(rdb_error_set(&err, RDB_DIVISION_BY_ZERO, "division by %s", "zero"));
    rdb_error_set(&err, RDB_SYNTAX_ERROR, "another");
    assert_true(rdb_error_is(&err, RDB_DIVISION_BY_ZERO));
    assert_string_equal(rdb_error_message(&err), "division by zero");
    rdb_error_position(&err, 7);
    rdb_error_position(&err, 9);
    assert_int_equal(err.position, 7);
    rdb_error_clear(&err);
    assert_false(rdb_error_is_set(&err));
}

static void test_long_message_is_kept_whole_and_cut_at_a_character(void **state)
{
    (void)state;
    for (size_t lead = 500; lead < 520; lead++) {
        rdb_error err = {0};
        char text[700];
        memset(text, 'a', lead);
        for (size_t at = lead; at + 3 < sizeof text; at += 3)
            memcpy(text + at, "\xE2\x82\xAC", 4);
        rdb_error_set(&err, RDB_DATA_EXCEPTION, "%s", text);
        assert_string_equal(rdb_error_message(&err), text);
        assert_true(strlen(err.message) >= sizeof err.message - 4 && strlen(err.message) < sizeof err.message);
        assert_true(rdb_utf8_validate(err.message, strlen(err.message), NULL));
        assert_memory_equal(err.message, text, strlen(err.message));
        rdb_error_clear(&err);
    }
}

static void test_errno_chooses_the_state(void **state)
{
    (void)state;
    static const struct {
        int value;
        const char *sqlstate;
    } CASES[] = {{ENOSPC, "53100"}, {ENOENT, "58P01"}, {EEXIST, "58P02"}, {EACCES, "42501"}, {EIO, "58030"}};
    for (size_t case_no = 0; case_no < RDB_COUNT_OF(CASES); case_no++) {
        rdb_error err = {0};
        rdb_error_set_errno(&err, CASES[case_no].value, "could not write file \"%s\"", "x");
        assert_string_equal(err.sqlstate, CASES[case_no].sqlstate);
        assert_non_null(strstr(err.message, "could not write file \"x\": "));
    }
    rdb_error err = {0};
    char path[900];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    rdb_error_set_errno(&err, ENOSPC, "could not write \"%s\"", path);
    assert_non_null(strstr(rdb_error_message(&err), "No space left on device"));
    rdb_error_clear(&err);
}

static void test_context_and_move(void **state)
{
    (void)state;
    rdb_error err = {0}, target = {0};
    rdb_error_add_context(&err, "unset: not kept");
    assert_null(err.context);
    rdb_error_set(&err, RDB_NO_DATA, "x");
    rdb_error_add_context(&err, "inner %d", 1);
    rdb_error_add_context(&err, "outer");
    assert_string_equal(err.context, "inner 1\nouter");
    rdb_error_name(&err, RDB_ERROR_TABLE, "t");
    rdb_error_move(&target, &err);
    assert_false(rdb_error_is_set(&err));
    assert_null(err.context);
    assert_string_equal(target.names[RDB_ERROR_TABLE], "t");
    assert_string_equal(target.context, "inner 1\nouter");
    rdb_error_clear(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_long_message_is_kept_whole_and_cut_at_a_character),
        cmocka_unit_test(test_errno_chooses_the_state),
        cmocka_unit_test(test_context_and_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
