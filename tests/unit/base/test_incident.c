/* SPDX-License-Identifier: Apache-2.0
 * Incidents: crashes of every kind leave one with stack and last messages and end the process as they would have; floods are bounded. */
#include "base/rdb_incident.h"
#include "base/rdb_log.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/rdb-test-incident-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static int count_files(char newest[300])
{
    struct dirent **names;
    int count = scandir(directory, &names, NULL, alphasort), incidents = 0;
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
            incidents++;
            snprintf(newest, 300, "%s/%.200s", directory, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    return incidents;
}

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void crash(int kind)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(kind, SIG_DFL); /* the test's own library catches some */
    if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(0);
    rdb_incident_watch(directory);
    RDB_LOG(RDB_LOG_INFO, "test", "the last thing that happened");
    if (kind == SIGABRT)
        RDB_VERIFY(kind == 0);
    raise(kind);
    _exit(0);
}

static void test_crashes(void **state)
{
    (void)state;
    static const struct { int kind; const char *reason; } CRASHES[] = {
        {SIGSEGV, "reason: SIGSEGV\n"}, {SIGBUS, "reason: SIGBUS\n"}, {SIGFPE, "reason: SIGFPE\n"}, {SIGILL, "reason: SIGILL\n"}, {SIGABRT, "reason: SIGABRT: verify failed: kind == 0, "}};
    for (size_t i = 0; i < RDB_COUNT_OF(CRASHES); i++) {
        char path[300], text[65536];
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            crash(CRASHES[i].kind);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), CRASHES[i].kind);
        assert_int_equal(count_files(path), 1);
        read_text(path, text, sizeof text);
        assert_non_null(strstr(path, "-crash.txt"));
        assert_ptr_equal(strstr(text, "kind: crash\ntime: 2"), text);
        assert_non_null(strstr(text, CRASHES[i].reason));
        assert_non_null(strstr(text, "stack:\n"));
        assert_non_null(strstr(text, "test_incident"));
        assert_non_null(strstr(text, "threads:\n  "));
        assert_non_null(strstr(text, "the last thing that happened"));
        unlink(path);
    }
}

static void test_notes(void **state)
{
    (void)state;
    char path[300], text[65536];
    rdb_incident_note("deadlock", "nobody watches");
    assert_int_equal(count_files(path), 0);
    rdb_incident_watch(directory);
    rdb_incident_note("deadlock", "Process %d waits\nfor another", 7);
    assert_int_equal(count_files(path), 1);
    read_text(path, text, sizeof text);
    assert_non_null(strstr(text, "reason: Process 7 waits for another\n"));
    for (int i = 0; i < 1000; i++)
        rdb_incident_note("deadlock", "again");
    assert_int_equal(count_files(path), 1);
    rdb_incident_note("slow-sync", "another kind");
    assert_int_equal(count_files(path), 2);
    rdb_incident_unwatch();
}

static void test_oldest_go(void **state)
{
    (void)state;
    char path[300], command[200];
    snprintf(command, sizeof command, "cd %s && touch incident-20200101T0000{10..99}Z-1-deadlock.txt other.txt", directory);
    snprintf(path, sizeof path, "bash -c '%s'", command);
    assert_int_equal(system(path), 0);
    rdb_incident_watch(directory);
    assert_int_equal(count_files(path), RDB_INCIDENTS_MAX - 1 + 1);
    snprintf(command, sizeof command, "%s/incident-20200101T000099Z-1-deadlock.txt", directory);
    assert_int_equal(access(command, F_OK), 0);
    rdb_incident_unwatch();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_crashes, set_up, tear_down), cmocka_unit_test_setup_teardown(test_notes, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(test_oldest_go, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
