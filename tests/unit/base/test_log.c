/* SPDX-License-Identifier: Apache-2.0
 * The log: whole lines from many threads, rotation, valid JSON; and TOML with its line numbers. */
#include "base/rdb_log.h"
#include "base/rdb_toml.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[64], path[80];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/rdb-test-log-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/log", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

enum { THREADS = 4, LINES = 500 };

static void *run_writer(void *argument)
{
    for (int line = 0; line < LINES; line++)
        RDB_LOG(RDB_LOG_INFO, "test", "writer %d line %d \"quoted\"\n", *(int *)argument, line);
    return NULL;
}

static void test_lines_are_whole_and_rotated(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_log *log;
    rdb_log_options options = {.level = RDB_LOG_INFO, .format = RDB_LOG_JSON, .rotate = true, .files_max = 50,
                               .file_bytes_max = 20000, .include_source = true};
    assert_true(rdb_log_open(&log, path, -1, &options, &err));
    rdb_log_set_default(log);
    assert_false(rdb_log_wants(RDB_LOG_DEBUG));
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int thread = 0; thread < THREADS; thread++) {
        numbers[thread] = thread;
        assert_int_equal(pthread_create(&threads[thread], NULL, run_writer, &numbers[thread]), 0);
    }
    for (int thread = 0; thread < THREADS; thread++)
        pthread_join(threads[thread], NULL);
    rdb_log_close(&log);
    bool seen[THREADS][LINES] = {{false}};
    int files = 0;
    for (int file_no = 0; file_no < 50; file_no++) {
        char name[100], line[2000];
        snprintf(name, sizeof name, file_no == 0 ? "%s" : "%s.%d", path, file_no);
        FILE *stream = fopen(name, "r");
        if (stream == NULL)
            break;
        files++;
        while (fgets(line, sizeof line, stream) != NULL) {
            json_t *object = json_loads(line, 0, NULL);
            assert_non_null(object);
            int thread, number;
            assert_int_equal(sscanf(json_string_value(json_object_get(object, "message")), "writer %d line %d", &thread, &number), 2);
            assert_false(seen[thread][number]);
            seen[thread][number] = true;
            assert_string_equal(json_string_value(json_object_get(object, "level")), "info");
            assert_non_null(json_object_get(object, "time"));
            assert_non_null(json_object_get(object, "source"));
            json_decref(object);
        }
        assert_true(ftell(stream) <= 20000);
        fclose(stream);
    }
    assert_true(files > 10);
    for (int thread = 0; thread < THREADS; thread++)
        for (int line = 0; line < LINES; line++)
            assert_true(seen[thread][line]);
}

static uint32_t lines_in(const char *ending)
{
    char name[200];
    snprintf(name, sizeof name, "%s%s", path, ending);
    FILE *stream = fopen(name, "r");
    uint32_t count = 0;
    for (int c; stream != NULL && (c = getc(stream)) != EOF;)
        count += c == '\n';
    if (stream != NULL)
        fclose(stream);
    return count;
}

/* A file of a second's age takes no further line: not in the process that began it, and not in one that found it. Age is that of the first
 * line, not of the file: an empty one waits as long as it must. */
static void test_rotation_by_age(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_log *log;
    rdb_log_options options = {.level = RDB_LOG_INFO, .format = RDB_LOG_TEXT, .rotate = true, .files_max = 3, .file_bytes_max = UINT64_MAX, .file_seconds_max = 2};
    for (struct timespec begun = {0}, ended = {.tv_sec = 1}; ended.tv_sec > begun.tv_sec;) { /* two lines of one second */
        remove(path);
        assert_true(rdb_log_open(&log, path, -1, &options, &err));
        usleep(2100000);
        clock_gettime(CLOCK_REALTIME, &begun);
        rdb_log_raw_line(log, "one\n", 4);
        rdb_log_raw_line(log, "two\n", 4);
        clock_gettime(CLOCK_REALTIME, &ended);
        if (ended.tv_sec > begun.tv_sec)
            rdb_log_close(&log);
    }
    assert_int_equal(lines_in(""), 2);
    assert_int_equal(lines_in(".1"), 0);
    usleep(2100000);
    rdb_log_raw_line(log, "three\n", 6);
    assert_int_equal(lines_in(""), 1);
    assert_int_equal(lines_in(".1"), 2);
    rdb_log_close(&log);
    usleep(2100000);
    assert_true(rdb_log_open(&log, path, -1, &options, &err));
    rdb_log_raw_line(log, "four\n", 5);
    assert_int_equal(lines_in(".1"), 1);
    assert_int_equal(lines_in(".2"), 2);
    rdb_log_close(&log);
    options.file_seconds_max = 0;
    usleep(2100000);
    assert_true(rdb_log_open(&log, path, -1, &options, &err));
    rdb_log_raw_line(log, "five\n", 5);
    assert_int_equal(lines_in(""), 2);
    rdb_log_close(&log);
}

static void test_text_levels_and_the_number_of_files(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_log *log;
    rdb_log_options options = {.level = RDB_LOG_WARN, .format = RDB_LOG_TEXT, .rotate = true, .files_max = 2,
                               .file_bytes_max = 60, .omit_timestamps = true};
    assert_true(rdb_log_open(&log, path, -1, &options, &err));
    rdb_log_set_default(log);
    RDB_LOG(RDB_LOG_INFO, "test", "not wanted");
    RDB_LOG(RDB_LOG_WARN, "test", "first\nstill first");
    rdb_error told = {0};
    rdb_error_set(&told, RDB_DISK_FULL, "the disk");
    rdb_error_detail(&told, "Is full.");
    rdb_log_error(RDB_LOG_ERROR, "test", &told);
    char text[200] = {0}, old[100];
    FILE *stream = fopen(path, "r");
    assert_true(fread(text, 1, sizeof text - 1, stream) > 0);
    fclose(stream);
    assert_string_equal(text, "error test: 53100 the disk | Is full.\n");
    snprintf(old, sizeof old, "%s.1", path);
    memset(text, 0, sizeof text);
    stream = fopen(old, "r");
    assert_non_null(stream);
    assert_true(fread(text, 1, sizeof text - 1, stream) > 0);
    fclose(stream);
    assert_string_equal(text, "warn  test: first\\nstill first\n");
    for (int line = 0; line < 20; line++)
        RDB_LOG(RDB_LOG_WARN, "test", "%040d", line);
    snprintf(old, sizeof old, "%s.2", path);
    assert_int_not_equal(access(old, F_OK), 0);
    rdb_log_set_level(log, RDB_LOG_DEBUG);
    assert_true(rdb_log_wants(RDB_LOG_DEBUG));
    assert_int_equal(rename(path, old), 0);
    assert_true(rdb_log_reopen(log, &err));
    assert_int_equal(access(path, F_OK), 0);
    rdb_log_close(&log);
    assert_false(rdb_log_open(&log, "/nonexistent/log", -1, &options, &err));
    assert_string_equal(err.sqlstate, "58P01");
}

static void test_toml(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("toml", NULL, NULL);
    rdb_error err = {0};
    rdb_toml_value *root;
    static const char TEXT[] = "top = 1\n[server]\nlisten_host = \"127.0.0.1\"\nlisten_port = 5432\n"
                               "ratio = 0.5\non = true\nlist = [\"a\", \"b\"]\nwhen = 2020-01-02\n[server.ipc]\nname = 'x'\n";
    assert_true(rdb_toml_parse(arena, "test.toml", TEXT, sizeof TEXT - 1, &root, &err));
    const rdb_toml_value *server = rdb_toml_get(root, "server");
    assert_non_null(server);
    assert_string_equal(rdb_toml_get(server, "listen_host")->text, "127.0.0.1");
    assert_int_equal(rdb_toml_get(server, "listen_port")->integer, 5432);
    assert_int_equal(rdb_toml_get(server, "listen_port")->line, 4);
    assert_true(rdb_toml_get(server, "ratio")->real == 0.5);
    assert_int_equal(rdb_toml_get(server, "on")->kind, RDB_TOML_BOOLEAN);
    assert_string_equal(rdb_toml_get(server, "list")->first->next->text, "b");
    assert_string_equal(rdb_toml_get(server, "when")->text, "2020-01-02");
    assert_string_equal(rdb_toml_get(rdb_toml_get(server, "ipc"), "name")->text, "x");
    assert_null(rdb_toml_get(server, "absent"));
    assert_false(rdb_toml_parse(arena, "bad.toml", "a = 1\nb = = 2\n", 14, &root, &err));
    assert_null(root);
    assert_string_equal(err.sqlstate, "22023");
    assert_non_null(strstr(err.message, "bad.toml, line 2"));
    rdb_error_clear(&err);
    static const struct { const char *text; unsigned line; } STRAYS[] = { /* the library has no answer to the first two */
        {"x = 1\nlist =2204-01-01T00:00:0\u041c\n", 2}, {"listen_port = \u02d5erver", 1}, {"\ncl\u00e9 = 1\n", 2}, {"a = 'x\n'\nb = \u00e9", 3},
        {"a = \"\"\"\nx\"\"\"\"\"\u00e9", 2}, {"a = \"\\\\\"\u00e9", 1}, {"\xef\xbb\xbf\u00e9 = 1", 1}};
    for (size_t i = 0; i < RDB_COUNT_OF(STRAYS); i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "stray, line %u: ", STRAYS[i].line);
        assert_false(rdb_toml_parse(arena, "stray", STRAYS[i].text, strlen(STRAYS[i].text), &root, &err));
        assert_memory_equal(err.message, expected, strlen(expected));
        assert_non_null(strstr(err.message, "outside ASCII"));
        rdb_error_clear(&err);
    }
    static const char FOREIGN[] = "\xef\xbb\xbf# caf\u00e9\na = \"\u00e9\\\"\u00e9\" # \u00e9\n'\u00e9' = '\u00e9\\'\nb = \"\"\"\"\u00e9\"\"\u00e9\\\"\"\"\"\"\nc = '''\u00e9'\u00e9'''\n";
    assert_true(rdb_toml_parse(arena, "foreign", FOREIGN, sizeof FOREIGN - 1, &root, &err));
    assert_string_equal(rdb_toml_get(root, "a")->text, "\u00e9\"\u00e9");
    assert_string_equal(rdb_toml_get(root, "\u00e9")->text, "\u00e9\\");
    assert_string_equal(rdb_toml_get(root, "b")->text, "\"\u00e9\"\"\u00e9\"\"");
    assert_string_equal(rdb_toml_get(root, "c")->text, "\u00e9'\u00e9");
    static char deep[20000]; /* refused, not a crash */
    memset(deep, '[', sizeof deep);
    memcpy(deep, "a = ", 4);
    assert_false(rdb_toml_parse(arena, "deep", deep, sizeof deep, &root, &err));
    rdb_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_are_whole_and_rotated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_levels_and_the_number_of_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation_by_age, set_up, tear_down),
        cmocka_unit_test(test_toml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
