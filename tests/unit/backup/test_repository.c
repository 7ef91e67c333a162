/* SPDX-License-Identifier: Apache-2.0
 * A repository of an instance made by hand: chains come back page by page, no damage of any object passes, retention keeps its
 * promises over random histories. */
#include "instance.h"

static rdb_manifest *take(rdb_repository *repository, rdb_backup_type type, rdb_compression compression, rdb_arena *arena)
{
    rdb_error err = {0};
    rdb_manifest *manifest;
    rdb_backup_options options = {.home = home, .type = type, .compression = compression, .thread_count = 2};
    if (!rdb_backup_take(repository, &options, arena, &manifest, &err))
        fail_msg("%s: %s", err.message, err.detail);
    return manifest;
}

/* A chain of four, each restored: the file of that moment, and only what changed was stored. */
static void test_chains_come_back(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    static uint8_t moments[4][sizeof table];
    rdb_manifest *manifests[4];
    for (uint32_t i = 0; i < 4; i++) {
        if (i > 0) {
            set_control(FIRST_LSN + i * 800); /* so that pages since have higher LSNs */
            change_pages(FIRST_LSN + i * 800 + 8, 5);
        }
        memcpy(moments[i], table, sizeof table);
        manifests[i] = take(repository, i == 0 ? RDB_BACKUP_FULL : RDB_BACKUP_INCREMENTAL, (rdb_compression)i, arena);
        const rdb_manifest_file *file = manifest_find_file(manifests[i], "data/tables/1/20000");
        uint64_t stored = 0;
        for (uint32_t part_no = 0; part_no < file->part_count; part_no++)
            stored += file->parts[part_no].data_bytes;
        assert_true(i == 0 ? stored == sizeof table : stored > 0 && stored <= 10 * PAGE);
    }
    for (uint32_t i = 0; i < 4; i++) {
        rdb_slice content;
        if (!restores(repository, manifests[i], &err))
            fail_msg("%s: %s", err.message, err.detail);
        read_file(again, "data/tables/1/20000", arena, &content);
        assert_int_equal(content.length, sizeof table);
        assert_memory_equal(content.data, moments[i], sizeof table);
    }
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
}

/* What check and restore say of the repository as it is now: 0 all is well, 1 damage was told by both. */
static int judge(rdb_arena *arena)
{
    rdb_error err = {0};
    rdb_list findings = {0}, manifests = {0}, broken = {0};
    bool told = false;
    rdb_repository *repository = open_place();
    if (repository == NULL)
        return 1;
    if (!rdb_backup_list(repository, arena, &manifests, &broken, &err) || broken.count > 0 || manifests.count < 4)
        told = true;
    rdb_error_clear(&err);
    if (!told) {
        rdb_manifest *manifest = manifests.items[manifests.count - 1]; /* its chain is all of them */
        if (manifest->files.count == 0 || !rdb_backup_verify(repository, manifest, RDB_VERIFY_HASH, 1, NULL, arena, &findings, &err) || findings.count > 0) {
            told = true;
            for (uint32_t n = 0; n < findings.count; n++)
                assert_true(strncmp(((rdb_verify_finding *)findings.items[n])->object, "backup/", 7) == 0);
            rdb_error_clear(&err);
            rdb_slice content;
            if (restores(repository, manifest, &err)) { /* what is broken was not needed: nothing wrong came back */
                read_file(again, "data/tables/1/20000", arena, &content);
                assert_true(content.length == sizeof table && memcmp(content.data, table, sizeof table) == 0);
            }
        }
        rdb_error_clear(&err);
    }
    rdb_repository_close(&repository);
    return told;
}

/* An object as it is wanted, without the care for its durability. */
static void put_file(const char *name, const void *bytes, size_t length)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", place, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* Bytes flipped, objects cut, swapped and put back as they once were. */
static void test_no_damage_passes(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_list objects = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    assert_true(repository->store->calls->list(repository->store, "", arena, &objects, &err));
    assert_true(objects.count > 10);
    assert_int_equal(judge(arena), 0);
    for (int round = 0; round < 300; round++) {
        rdb_arena *mine = rdb_arena_create("round", NULL, NULL);
        const char *name = ((backup_object *)objects.items[rdb_random_next(&dice) % objects.count])->name;
        rdb_slice before;
        read_file(place, name, mine, &before);
        uint8_t *bytes = rdb_arena_memdup(mine, before.data, before.length + 1);
        size_t length = before.length;
        if (round % 3 == 0 || strcmp(name, "rdb-repo.json") == 0) {
            size_t at = rdb_random_next(&dice) % length;
            bytes[at] = (uint8_t)(bytes[at] ^ 1u << rdb_random_next(&dice) % 8);
        } else if (round % 3 == 1) {
            length = rdb_random_next(&dice) % length;
        } else {
            rdb_slice other;
            read_file(place, ((backup_object *)objects.items[rdb_random_next(&dice) % objects.count])->name, mine, &other);
            bytes = (uint8_t *)(uintptr_t)other.data;
            length = other.length;
        }
        bool differs = length != before.length || memcmp(bytes, before.data, length) != 0;
        put_file(name, bytes, length);
        int told = judge(mine);
        bool is_identity = strcmp(name, "rdb-repo.json") == 0; /* a letter of its spaces or of its id may change without harm */
        if (differs && !is_identity && !told)
            fail_msg("round %d: the damage of %s passed", round, name);
        put_file(name, before.data, before.length);
        rdb_arena_destroy(mine);
    }
    assert_int_equal(judge(arena), 0);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
}

/* ---- retention ------------------------------------------------------------------------------------------------------------------ */
static rdb_manifest *find_manifest(const rdb_list *verdicts, const char *id, const char **reason)
{
    for (uint32_t i = 0; i < verdicts->count; i++) {
        rdb_verdict *verdict = verdicts->items[i];
        *reason = verdict->reason;
        if (strcmp(verdict->manifest->id, id) == 0)
            return (rdb_manifest *)(uintptr_t)verdict->manifest;
    }
    return NULL;
}

/* Random histories under random rules: what a kept backup builds on is kept, the newest is kept, and every moment of the promised
 * days has a kept backup at or before it. */
static void test_retention_keeps_its_promises(void **state)
{
    (void)state;
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/history", top);
    for (int round = 0; round < 60; round++) {
        rdb_error err = {0};
        rdb_repository *repository;
        rdb_list verdicts = {0}, broken = {0};
        rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
        rdb_repository_options options = {.url = elsewhere, .create = true, .system_id = 7};
        assert_true(rdb_repository_open(&repository, &options, &err));
        uint32_t count = 1 + (uint32_t)(rdb_random_next(&dice) % 20);
        int64_t now = rdb_time_wall_us(), at = now - (int64_t)(rdb_random_next(&dice) % 60 + 1) * INT64_C(86400000000);
        rdb_manifest *made[20];
        for (uint32_t i = 0; i < count; i++) {
            rdb_manifest *m = made[i] = RDB_NEW(arena, rdb_manifest);
            uint32_t parent = (uint32_t)(rdb_random_next(&dice) % (i + 1));
            bool is_full = i == 0 || rdb_random_next(&dice) % 3 == 0 || parent == i;
            at += (int64_t)(rdb_random_next(&dice) % (uint64_t)((now - at) / (count - i) + 1));
            *m = (rdb_manifest){.type = is_full ? RDB_BACKUP_FULL : RDB_BACKUP_INCREMENTAL, .system_id = 7, .timeline = 1, .page_bytes = PAGE, .wal_segment_bytes = SEGMENT,
                                .started = {.time_us = at, .lsn = SEGMENT + i * 8}, .stopped = {.time_us = at, .lsn = SEGMENT + i * 8 + 8}, .bytes_stored = rdb_random_next(&dice) % 1000};
            snprintf(m->id, sizeof m->id, "20260101T0000%02uZ-%c", i, is_full ? 'F' : 'I');
            if (!is_full) {
                memcpy(m->parent, made[parent]->id, sizeof m->parent);
                memcpy(m->parent_sha256, made[parent]->sha256, sizeof m->parent_sha256);
            }
            assert_true(manifest_write(repository, m, &err));
        }
        rdb_retention rules = {.full_count = (uint32_t)(rdb_random_next(&dice) % 4), .days = (uint32_t)(rdb_random_next(&dice) % 40),
                               .weekly = (uint32_t)(rdb_random_next(&dice) % 3), .size_bytes = rdb_random_next(&dice) % 4 == 0 ? 1 + rdb_random_next(&dice) % 5000 : 0};
        assert_true(rdb_backup_judge(repository, &rules, arena, &verdicts, &broken, &err));
        assert_int_equal(verdicts.count, count);
        const char *reason;
        uint32_t fulls = 0;
        assert_non_null(((rdb_verdict *)verdicts.items[count - 1])->reason);
        for (uint32_t i = count; i > 0; i--) {
            const rdb_verdict *verdict = verdicts.items[i - 1];
            if (verdict->reason != NULL && verdict->manifest->parent[0] != '\0') {
                assert_non_null(find_manifest(&verdicts, verdict->manifest->parent, &reason));
                assert_non_null(reason);
            }
            if (rules.size_bytes == 0 && fulls < rules.full_count)
                assert_non_null(verdict->reason);
            fulls += verdict->manifest->parent[0] == '\0';
        }
        for (uint32_t day = 0; rules.size_bytes == 0 && day < rules.days; day++) {
            int64_t moment = now - (int64_t)day * INT64_C(86400000000) - INT64_C(43200000000);
            bool has_any = false, has_kept = false, newer_lost = false;
            for (uint32_t i = 0; i < count; i++) {
                const rdb_verdict *verdict = verdicts.items[i];
                bool is_before = verdict->manifest->stopped.time_us <= moment;
                has_any = has_any || is_before;
                has_kept = has_kept || (is_before && verdict->reason != NULL);
                newer_lost = newer_lost || (!is_before && verdict->reason == NULL && has_kept);
            }
            if (day + 1 < rules.days)
                assert_true(!has_any || (has_kept && !newer_lost));
        }
        rdb_repository_close(&repository);
        assert_true(rdb_path_remove_tree(elsewhere, &err));
        rdb_arena_destroy(arena);
    }
}

/* One writer at a time; readers beside each other and beside a backup, not beside expire. */
static void test_leases(void **state)
{
    (void)state;
    rdb_error err = {0};
    backup_lease *one = NULL, *two = NULL, *three = NULL;
    rdb_repository *repository = open_place();
    assert_true(lease_take(&one, repository, "backup", &err));
    assert_false(lease_take(&two, repository, "backup", &err));
    assert_true(rdb_error_is(&err, RDB_OBJECT_IN_USE));
    rdb_error_clear(&err);
    assert_false(lease_take(&two, repository, "expire", &err));
    rdb_error_clear(&err);
    assert_true(lease_take(&two, repository, "read", &err) && lease_take(&three, repository, "read", &err));
    lease_give(&one);
    assert_false(lease_take(&one, repository, "expire", &err));
    rdb_error_clear(&err);
    lease_give(&two);
    lease_give(&three);
    /* One that ran out, of a host that is gone, keeps nobody away. */
    static const char old[] = "{\"kind\":\"backup\",\"host\":\"elsewhere\",\"pid\":1,\"born\":1,\"until\":\"2020-01-01T00:00:00.000000Z\"}";
    assert_true(repository->store->calls->put(repository->store, "leases/00000000000000ff-00000000.json", old, sizeof old - 1, &err));
    assert_true(lease_take(&one, repository, "expire", &err));
    lease_give(&one);
    rdb_repository_close(&repository);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains_come_back),
        cmocka_unit_test(test_no_damage_passes),
        cmocka_unit_test(test_retention_keeps_its_promises),
        cmocka_unit_test(test_leases),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
