/* SPDX-License-Identifier: Apache-2.0
 * An instance of a few pages made by hand, for tests of repositories: what is backed up, and the ways to do it. Included by test
 * programs, each of which has one instance and one repository. */
#ifndef BACKUP_TEST_INSTANCE_H
#define BACKUP_TEST_INSTANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backup/backup_int.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGES 60u
#define SEGMENT (1u << 20)
#define FIRST_LSN (SEGMENT + 64u)

static char top[64], home[128], place[128], again[128];
static rdb_random dice;

static void write_file(const char *directory, const char *name, const void *bytes, size_t length)
{
    char path[PATH_MAX];
    rdb_error err = {0};
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_true(rdb_path_write_atomic(path, bytes, length, 0600, &err));
}

static void read_file(const char *directory, const char *name, rdb_arena *arena, rdb_slice *content)
{
    char path[PATH_MAX];
    rdb_error err = {0};
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_true(rdb_path_read(path, arena, content, 1u << 28, &err));
}

/* As storage writes it (page.c). */
static void make_page(uint8_t *bytes, uint64_t file, uint64_t block, rdb_lsn lsn)
{
    rdb_page *page = (rdb_page *)(void *)bytes;
    for (uint32_t i = 0; i < PAGE; i++)
        bytes[i] = (uint8_t)(rdb_random_next(&dice) % 7);
    page->version = 1;
    page->lsn = lsn;
    uint64_t where[2] = {file, block};
    uint64_t hash = rdb_hash64(where, sizeof where, 0);
    page->place_hash = (uint32_t)(hash ^ hash >> 32);
    page->crc = rdb_crc32c(0, bytes + 4, PAGE - 4);
}

static uint8_t table[PAGES * PAGE];

static void write_table(void)
{
    write_file(home, "data/tables/1/20000", table, sizeof table);
}

static void set_control(rdb_lsn redo)
{
    rdb_control control;
    rdb_error err = {0};
    assert_true(rdb_control_read(home, &control, &err));
    control.redo_lsn = control.checkpoint_lsn = redo;
    control.state = RDB_CONTROL_CLEAN;
    assert_true(rdb_control_write(home, &control, &err));
}

static int set_up(void **state)
{
    (void)state;
    rdb_error err = {0};
    char path[PATH_MAX];
    rdb_instance_options options = {.name = "test", .page_bytes = PAGE, .wal_segment_bytes = SEGMENT, .configuration = "# empty\n"};
    rdb_control control;
    rdb_wal *wal;
    rdb_lsn lsn, end;
    rdb_random_seed(&dice, 20261121);
    /* Memory where there is some: these tests sync thousands of times, and prove nothing about a disk. */
    snprintf(top, sizeof top, "%s/rdb-test-backup-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(top) == NULL)
        return 1;
    snprintf(home, sizeof home, "%s/home", top);
    snprintf(place, sizeof place, "%s/repo", top);
    snprintf(again, sizeof again, "%s/again", top);
    assert_true(rdb_instance_create(home, &options, NULL, NULL, &err));
    snprintf(path, sizeof path, "%s/data/tables/1", home);
    assert_true(rdb_path_make_directory(path, 0700, false, &err));
    for (uint64_t block = 0; block < PAGES; block++)
        make_page(table + block * PAGE, RDB_FILE_NO(RDB_FILE_TABLE, 20000), block, FIRST_LSN);
    write_table();
    write_file(home, "data/tables/1/20001", "", 0);
    assert_true(rdb_control_read(home, &control, &err));
    snprintf(path, sizeof path, "%s/data/wal", home);
    rdb_wal_config config = {.directory = path, .system_id = control.system_id, .segment_bytes = SEGMENT, .ring_bytes = 1u << 20, .incarnation = control.incarnation, .thread_no = 1};
    assert_true(rdb_wal_open(&wal, &config, FIRST_LSN, &err));
    for (int i = 0; i < 100; i++) {
        uint8_t record[200] = {0};
        record[20] = RDB_RESOURCE_WAL;
        record[21] = 9;
        rdb_wal_piece piece = {record, sizeof record};
        assert_true(rdb_wal_insert(wal, &piece, 1, NULL, NULL, &lsn, &end, &err) && rdb_wal_flush(wal, end, &err));
    }
    assert_true(rdb_wal_switch(wal, &end, &err) && rdb_wal_flush(wal, end, &err)); /* the first segment is whole */
    assert_true(rdb_wal_close(&wal, &err));
    set_control(FIRST_LSN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rdb_error err = {0};
    return !rdb_path_remove_tree(top, &err);
}

static const char *key_path; /* NULL: repositories are not encrypted */

static rdb_repository *open_place(void)
{
    rdb_error err = {0};
    rdb_control control;
    rdb_repository *repository;
    assert_true(rdb_control_read(home, &control, &err));
    rdb_repository_options options = {.url = place, .create = true, .system_id = control.system_id, .encrypt = key_path != NULL, .keys.key_path = key_path};
    if (!rdb_repository_open(&repository, &options, &err)) {
        rdb_error_clear(&err);
        return NULL;
    }
    return repository;
}

static void change_pages(rdb_lsn lsn, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t block = rdb_random_next(&dice) % PAGES;
        make_page(table + block * PAGE, RDB_FILE_NO(RDB_FILE_TABLE, 20000), block, lsn);
    }
    write_table();
}

static bool restores(rdb_repository *repository, rdb_manifest *manifest, rdb_error *err)
{
    rdb_restore_report report;
    rdb_restore_options options = {.home = again, .thread_count = 2};
    rdb_error ignored = {0};
    if (rdb_path_exists(again))
        assert_true(rdb_path_remove_tree(again, &ignored));
    return rdb_backup_restore(repository, manifest, &options, &report, err);
}

#endif
