/* SPDX-License-Identifier: Apache-2.0
 * The operations catalog: runs, restore points, its schema's age, damage. */
#include "instance/rdb_instance.h"
#include "instance/rdb_operations.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static char top[64], home[80], path[120];

static int set_up(void **state)
{
    (void)state;
    rdb_error err = {0};
    static const rdb_instance_options OPTIONS = {.name = "test", .page_bytes = 4096, .wal_segment_bytes = 16 << 20, .configuration = ""};
    strcpy(top, "/tmp/rdb-test-operations-XXXXXX");
    if (mkdtemp(top) == NULL)
        return 1;
    snprintf(home, sizeof home, "%s/home", top);
    snprintf(path, sizeof path, "%s/data/meta/catalog.db", home);
    return !rdb_instance_create(home, &OPTIONS, NULL, NULL, &err);
}

static int tear_down(void **state)
{
    (void)state;
    rdb_error err = {0};
    return !rdb_path_remove_tree(top, &err);
}

static void test_runs(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_operations *operations, *other;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_list runs;
    int64_t first, second, third;
    assert_true(rdb_operations_open(&operations, home, &err));
    assert_true(rdb_operations_open(&other, home, &err)); /* two programs at once */
    assert_true(rdb_operations_begin_run(operations, "rdb-vacuum", "all", &first, &err));
    assert_true(rdb_operations_begin_run(other, "rdb-backup", "full 'quoted'", &second, &err));
    assert_true(rdb_operations_begin_run(operations, "rdb-vacuum", "table t", &third, &err));
    assert_true(first < second && second < third);
    assert_true(rdb_operations_end_run(operations, first, "done", NULL, &err));
    assert_true(rdb_operations_end_run(other, second, "failed", "no space", &err));
    assert_false(rdb_operations_end_run(other, second, "done", NULL, &err)); /* it has ended */
    assert_string_equal(err.sqlstate, "42704");
    rdb_error_clear(&err);
    assert_false(rdb_operations_end_run(operations, third, "splendid", NULL, &err));
    rdb_error_clear(&err);
    rdb_operations_close(&operations);
    rdb_operations_close(&other);
    assert_true(rdb_operations_open(&operations, home, &err));
    assert_true(rdb_operations_list_runs(operations, NULL, 10, arena, &runs, &err));
    assert_int_equal(runs.count, 3);
    const rdb_operations_run *run = rdb_list_get(&runs, 1);
    assert_true(run->run_id == second && strlen(run->ended_at) == 24);
    assert_string_equal(run->what, "full 'quoted'");
    assert_string_equal(run->outcome, "failed");
    assert_string_equal(run->detail, "no space");
    run = rdb_list_get(&runs, 0);
    assert_string_equal(run->ended_at, "");
    assert_true(rdb_operations_list_runs(operations, "rdb-vacuum", 1, arena, &runs, &err));
    assert_int_equal(runs.count, 1);
    assert_int_equal(((rdb_operations_run *)rdb_list_get(&runs, 0))->run_id, third);
    rdb_operations_close(&operations);
    rdb_arena_destroy(arena);
}

static void test_restore_points(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_operations *operations;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_list points;
    bool found;
    assert_true(rdb_operations_open(&operations, home, &err));
    assert_true(rdb_operations_add_restore_point(operations, "late", 200, 5, &err));
    assert_true(rdb_operations_add_restore_point(operations, "early", 100, UINT64_MAX, &err));
    assert_false(rdb_operations_add_restore_point(operations, "late", 300, 5, &err));
    assert_string_equal(err.sqlstate, "42710");
    rdb_error_clear(&err);
    assert_true(rdb_operations_list_restore_points(operations, arena, &points, &err));
    assert_int_equal(points.count, 2);
    const rdb_restore_point *point = rdb_list_get(&points, 0);
    assert_string_equal(point->name, "early");
    assert_true(point->scn == 100 && point->lsn == UINT64_MAX);
    assert_true(rdb_operations_drop_restore_point(operations, "early", &found, &err) && found);
    assert_true(rdb_operations_drop_restore_point(operations, "early", &found, &err) && !found);
    rdb_operations_close(&operations);
    rdb_arena_destroy(arena);
}

static void test_a_newer_schema_and_a_damaged_file_are_refused(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_operations *operations;
    sqlite3 *database;
    assert_true(rdb_operations_open(&operations, home, &err));
    rdb_operations_close(&operations);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    assert_false(rdb_operations_open(&operations, home, &err));
    assert_null(operations);
    assert_string_equal(err.sqlstate, "0A000");
    rdb_error_clear(&err);
    assert_true(rdb_path_write_atomic(path, "this is not a database, but long enough to be looked at as one", 62, 0600, &err));
    assert_false(rdb_operations_open(&operations, home, &err));
    assert_string_equal(err.sqlstate, "XX001");
    rdb_error_clear(&err);
    assert_true(rdb_path_remove(path, false, &err)); /* as the hint says */
    assert_true(rdb_operations_open(&operations, home, &err));
    rdb_operations_close(&operations);
}

static int count_backups(const char *where)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM backup WHERE %s", where);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

/* A repository's backups take the place of those that were known of it, and of no other's. */
static void test_backups(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_operations *operations;
    const rdb_operations_backup full = {.backup_id = "F", .type = "full", .label = "it's", .started_at = "a", .stopped_at = "b", .stopped_lsn = "0/1", .manifest_sha256 = "c", .stopped_scn = 7},
                                incremental = {.backup_id = "I", .type = "incremental", .label = "", .parent_id = "F", .started_at = "a", .stopped_at = "b", .stopped_lsn = "0/2", .manifest_sha256 = "d"};
    const rdb_operations_backup both[] = {full, incremental}, twice[] = {full, full};
    assert_true(rdb_operations_open(&operations, home, &err));
    assert_true(rdb_operations_replace_backups(operations, "/one", both, 2, &err) && rdb_operations_replace_backups(operations, "/two", both, 1, &err));
    assert_int_equal(count_backups("parent_id IS NULL AND label = 'it''s' AND stopped_scn = 7"), 2);
    assert_int_equal(count_backups("parent_id = 'F'"), 1);
    assert_false(rdb_operations_replace_backups(operations, "/one", twice, 2, &err)); /* all or nothing */
    rdb_error_clear(&err);
    assert_int_equal(count_backups("repository = '/one'"), 2);
    assert_true(rdb_operations_replace_backups(operations, "/one", both, 1, &err) && rdb_operations_replace_backups(operations, "/two", NULL, 0, &err));
    assert_int_equal(count_backups("true"), 1);
    rdb_operations_close(&operations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_newer_schema_and_a_damaged_file_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
