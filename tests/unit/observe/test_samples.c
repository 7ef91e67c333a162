/* SPDX-License-Identifier: Apache-2.0
 * Samples come back as they were written; a torn or damaged record ends its file and nothing else; files are bounded and old ones go. */
#include "observe/rdb_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_US INT64_C(3600000000)
#define BASE_US (RDB_UNIX_EPOCH_US + INT64_C(490000) * HOUR_US) /* the beginning of an hour */

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/rdb-samples-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    rdb_error err = {0};
    (void)state;
    return !rdb_path_remove_tree(directory, &err);
}

static rdb_samples *open_samples(uint64_t bytes_max)
{
    rdb_error err = {0};
    rdb_samples *samples;
    assert_true(rdb_samples_open(&samples, directory, bytes_max, &err));
    return samples;
}

static bool write_at(rdb_samples *samples, int64_t wall_us, uint32_t count)
{
    const rdb_sample_system system = {.wall_us = wall_us, .active = count, .memory_bytes = 77};
    rdb_sample_session sessions[RDB_SAMPLE_SESSIONS_MAX] = {{0}};
    for (uint32_t i = 0; i < count; i++)
        sessions[i] = (rdb_sample_session){.query_id = -5 - (int64_t)i, .pid = 100 + i, .wait = RDB_WAIT_LOCK_TUPLE, .state = RDB_SAMPLE_ACTIVE, .cpu_us = 12};
    return rdb_samples_write(samples, &system, sessions, count);
}

typedef struct sum {
    uint32_t records, sessions;
    int64_t last_us;
    uint32_t stop_after;
} sum;

static bool add(void *context, const rdb_sample_system *system, const rdb_sample_session *sessions, uint32_t count, const rdb_sample_names *names)
{
    sum *s = context;
    assert_true(system->wall_us > s->last_us);
    assert_int_equal(system->memory_bytes, 77);
    s->last_us = system->wall_us;
    s->records++;
    s->sessions += count;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(sessions[i].query_id, -5 - (int64_t)i);
        assert_string_equal(names->names[sessions[i].wait], "Lock/tuple");
    }
    return s->stop_after == 0 || s->records < s->stop_after;
}

static sum read_all(int64_t from_us, int64_t to_us, uint32_t stop_after)
{
    rdb_error err = {0};
    sum s = {.last_us = INT64_MIN, .stop_after = stop_after};
    assert_true(rdb_samples_read(directory, from_us, to_us, add, &s, &err));
    return s;
}

static char *file_of(int64_t hour)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%lld.act", directory, (long long)(490000 + hour));
    return path;
}

static void test_samples_come_back(void **state)
{
    (void)state;
    rdb_samples *samples = open_samples(UINT64_C(100) << 20);
    for (int i = 0; i < 5000; i++)
        assert_true(write_at(samples, BASE_US + i * INT64_C(1000000), (uint32_t)i % 4));
    sum s = read_all(INT64_MIN, INT64_MAX, 0); /* while it is open */
    assert_int_equal(s.records, 5000);
    assert_int_equal(s.sessions, 7500);
    s = read_all(BASE_US + 10 * INT64_C(1000000), BASE_US + 19 * INT64_C(1000000), 0);
    assert_int_equal(s.records, 10);
    assert_int_equal(read_all(INT64_MIN, INT64_MAX, 3).records, 3);
    rdb_samples_close(&samples);
    samples = open_samples(UINT64_C(100) << 20); /* another start goes on behind */
    assert_true(write_at(samples, BASE_US + 5000 * INT64_C(1000000), 1));
    assert_int_equal(read_all(INT64_MIN, INT64_MAX, 0).records, 5001);
    rdb_samples_close(&samples);
    rdb_error err = {0};
    sum none = {0};
    assert_true(rdb_samples_read("/no/such/directory", 0, INT64_MAX, add, &none, &err) && none.records == 0);
}

/* Cut anywhere, or with any byte changed, a file gives its whole records before the damage and no others. */
static void test_damage_ends_a_file(void **state)
{
    (void)state;
    struct stat status;
    rdb_samples *samples = open_samples(UINT64_C(100) << 20);
    for (int i = 0; i < 10; i++)
        assert_true(write_at(samples, BASE_US + i * INT64_C(1000000), 1));
    rdb_samples_close(&samples);
    assert_int_equal(stat(file_of(0), &status), 0);
    const size_t record = 16 + sizeof(rdb_sample_system) + sizeof(rdb_sample_session), size = (size_t)status.st_size, head = size - 10 * record;
    uint8_t *bytes = malloc(size);
    int fd = open(file_of(0), O_RDWR);
    assert_int_equal(pread(fd, bytes, size, 0), (ssize_t)size);
    for (size_t at = 0; at < size; at += 7) {
        const uint8_t wrong = bytes[at] ^ 0x41;
        assert_int_equal(pwrite(fd, &wrong, 1, (off_t)at), 1);
        const uint32_t records = at < 8 ? 0 : read_all(INT64_MIN, INT64_MAX, at < head ? 1 : 0).records; /* names may change, their records stay */
        if (at >= head)
            assert_int_equal(records, (at - head) / record);
        assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
        if (at == 7) /* past the words of the head */
            at = head - head % 7;
    }
    assert_int_equal(ftruncate(fd, (off_t)(size - 5)), 0);
    close(fd);
    assert_int_equal(read_all(INT64_MIN, INT64_MAX, 0).records, 9);
    samples = open_samples(UINT64_C(100) << 20); /* writes over the torn one */
    assert_true(write_at(samples, BASE_US + 11 * INT64_C(1000000), 1));
    assert_int_equal(read_all(INT64_MIN, INT64_MAX, 0).records, 10);
    rdb_samples_close(&samples);
    free(bytes);
}

static void test_files_are_bounded(void **state)
{
    (void)state;
    rdb_samples *samples = open_samples(UINT64_C(25) * 64 << 10); /* 64 KiB an hour */
    bool ok = true;
    for (int i = 0; i < 1000; i++)
        ok = write_at(samples, BASE_US + i * INT64_C(1000000), RDB_SAMPLE_SESSIONS_MAX) && ok;
    assert_false(ok);
    struct stat status;
    assert_int_equal(stat(file_of(0), &status), 0);
    assert_true(status.st_size <= 64 << 10);
    for (int hour = 1; hour < 40; hour++)
        assert_true(write_at(samples, BASE_US + hour * HOUR_US, 1));
    assert_int_not_equal(stat(file_of(15), &status), 0); /* more than 24 hours ago */
    assert_int_equal(stat(file_of(16), &status), 0);
    assert_int_equal(read_all(INT64_MIN, INT64_MAX, 0).records, RDB_SAMPLE_HOURS);
    rdb_samples_close(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_samples_come_back, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_damage_ends_a_file, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_files_are_bounded, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
