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

/* The chain becomes one backup, which says the same, and which later ones build on; a second merge has nothing to do. */
static void test_chains_are_merged(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_slice content;
    rdb_list findings = {0};
    rdb_manifest *merged, *again_merged;
    bool made = false, made_again = true;
    char elsewhere[PATH_MAX], before[sizeof place];
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    strcpy(before, place);
    snprintf(elsewhere, sizeof elsewhere, "%s/merged", top);
    strcpy(place, elsewhere);
    rdb_repository *repository = open_place();
    for (uint32_t i = 0; i < 3; i++) {
        set_control(FIRST_LSN + (8 + i) * 800);
        if (i > 0)
            change_pages(FIRST_LSN + (8 + i) * 800 + 8, 5);
        take(repository, i == 0 ? RDB_BACKUP_FULL : RDB_BACKUP_INCREMENTAL, RDB_COMPRESS_ZSTD, arena);
    }
    const rdb_merge_options options = {.scratch = top, .thread_count = 2, .compression_given = true, .compression = RDB_COMPRESS_LZ4};
    if (!rdb_backup_merge(repository, &options, arena, &merged, &made, &err))
        fail_msg("%s: %s", err.message, err.detail);
    assert_true(made && merged->is_synthetic && merged->parent[0] == '\0' && merged->compression == RDB_COMPRESS_LZ4);
    assert_true(rdb_backup_merge(repository, &options, arena, &again_merged, &made_again, &err) && !made_again && strcmp(again_merged->id, merged->id) == 0);
    assert_true(rdb_backup_verify(repository, merged, RDB_VERIFY_PAGE, 1, NULL, arena, &findings, &err) && findings.count == 0);
    if (!restores(repository, merged, &err))
        fail_msg("%s: %s", err.message, err.detail);
    read_file(again, "data/tables/1/20000", arena, &content);
    assert_true(content.length == sizeof table && memcmp(content.data, table, sizeof table) == 0);
    set_control(FIRST_LSN + 11 * 800);
    change_pages(FIRST_LSN + 11 * 800 + 8, 5);
    rdb_manifest *child = take(repository, RDB_BACKUP_INCREMENTAL, RDB_COMPRESS_ZSTD, arena);
    assert_string_equal(child->parent, merged->id);
    assert_true(restores(repository, child, &err));
    read_file(again, "data/tables/1/20000", arena, &content);
    assert_true(content.length == sizeof table && memcmp(content.data, table, sizeof table) == 0);
    rdb_repository_close(&repository);
    assert_true(rdb_path_remove_tree(place, &err));
    strcpy(place, before);
    rdb_arena_destroy(arena);
}

/* A clock that went back: what is newer than now stays older than what comes next. */
static void test_clocks_go_back(void **state)
{
    (void)state;
    rdb_error err = {0};
    char before[sizeof place];
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    strcpy(before, place);
    snprintf(place, sizeof place, "%s/clock", top);
    rdb_repository *repository = open_place();
    rdb_manifest *first = take(repository, RDB_BACKUP_FULL, RDB_COMPRESS_ZSTD, arena);
    strcpy(first->id, "20991231T235959Z-F"); /* as if the clock had been there */
    assert_true(manifest_write(repository, first, &err));
    char id[RDB_BACKUP_ID_BYTES];
    assert_true(manifest_choose_id(repository, RDB_BACKUP_INCREMENTAL, arena, id, &err));
    assert_string_equal(id, "21000101T000000Z-I");
    rdb_repository_close(&repository);
    assert_true(rdb_path_remove_tree(place, &err));
    strcpy(place, before);
    rdb_arena_destroy(arena);
}

/* Whether one of the findings names the object and, where at is known, a place at most so far before it. */
static bool is_named(const rdb_list *findings, const char *name, uint64_t at)
{
    uint64_t reach = strncmp(name, "wal/", 4) == 0 ? SEGMENT : RDB_OBJECT_PIECE_BYTES;
    for (uint32_t n = 0; n < findings->count; n++) {
        const rdb_verify_finding *finding = findings->items[n];
        bool is_it = strncmp(finding->object, name, strlen(finding->object)) == 0; /* a key for the digest beside it */
        bool has_place = strstr(name, "manifest") == NULL && strncmp(name, "keys/", 5) != 0 && strstr(name, ".zst.") == NULL;
        if (is_it && (at == UINT64_MAX || !has_place || strncmp(name, "backup/", 7) != 0 || (finding->offset <= at && at - finding->offset < reach)))
            return true;
    }
    return false;
}

/* What check and restore say of the repository as it is now: 0 all is well, 1 damage was told by both and bore the object's name. */
static int judge(rdb_arena *arena, const char *name, uint64_t at)
{
    rdb_error err = {0};
    rdb_list findings = {0}, manifests = {0}, broken = {0};
    bool told = false, named = false;
    rdb_control control;
    rdb_repository *repository;
    assert_true(rdb_control_read(home, &control, &err));
    rdb_repository_options options = {.url = place, .system_id = control.system_id, .keys.key_path = key_path};
    if (!rdb_repository_open(&repository, &options, &err)) {
        named = strstr(err.detail, name) != NULL || strcmp(name, "rdb-repo.json") == 0 || strncmp(err.detail, "Object \"keys/", 13) == 0;
        if (!named)
            fail_msg("damage of %s: %s: %s", name, err.message, err.detail);
        rdb_error_clear(&err);
        return 1;
    }
    assert_true(rdb_backup_list(repository, arena, &manifests, &broken, &err));
    for (uint32_t i = 0; i < broken.count; i++)
        named = named || strncmp(broken.items[i], name, strlen("backup/20261121T140355Z-F")) == 0;
    told = broken.count > 0 || manifests.count < 4;
    named = named || (told && broken.count == 0);
    if (!told) {
        rdb_manifest *manifest = manifests.items[manifests.count - 1]; /* its chain is all of them */
        assert_true(rdb_backup_verify(repository, manifest, RDB_VERIFY_HASH, 1, NULL, arena, &findings, &err));
        told = findings.count > 0;
        named = told && is_named(&findings, name, at);
        if (told) {
            rdb_slice content;
            if (restores(repository, manifest, &err)) { /* what is broken was not needed: nothing wrong came back */
                read_file(again, "data/tables/1/20000", arena, &content);
                assert_true(content.length == sizeof table && memcmp(content.data, table, sizeof table) == 0);
            }
        }
        rdb_error_clear(&err);
    }
    rdb_repository_close(&repository);
    if (told && !named)
        fail_msg("the damage of %s at %llu was told of something else: %s: %s", name, (unsigned long long)at, findings.count > 0 ? ((rdb_verify_finding *)findings.items[0])->object : "?",
                 findings.count > 0 ? ((rdb_verify_finding *)findings.items[0])->what : "?");
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

/* Of an identity a blank, or how a letter is written, may change without harm. */
static bool says_the_same(const void *left, size_t left_length, const void *right, size_t right_length)
{
    json_error_t trouble;
    json_t *one = json_loadb(left, left_length, 0, &trouble), *two = json_loadb(right, right_length, 0, &trouble);
    bool same = one != NULL && json_equal(one, two);
    json_decref(one);
    json_decref(two);
    return same;
}

/* Bytes flipped, objects cut, swapped, put back as they once were, and lost. */
static void damage_everything(int rounds)
{
    rdb_error err = {0};
    rdb_list objects = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    assert_true(repository->store->calls->list(repository->store, "", arena, &objects, &err));
    assert_true(objects.count > 10);
    assert_int_equal(judge(arena, "", UINT64_MAX), 0);
    for (int round = 0; round < rounds; round++) {
        rdb_arena *mine = rdb_arena_create("round", NULL, NULL);
        const char *name = ((backup_object *)objects.items[rdb_random_next(&dice) % objects.count])->name;
        rdb_slice before;
        read_file(place, name, mine, &before);
        uint8_t *bytes = rdb_arena_memdup(mine, before.data, before.length + 1);
        size_t length = before.length;
        uint64_t at = UINT64_MAX;
        if (round % 3 == 0 || strcmp(name, "rdb-repo.json") == 0) {
            at = rdb_random_next(&dice) % length;
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
        int told = judge(mine, name, at);
        if (differs && !told && !(strcmp(name, "rdb-repo.json") == 0 && says_the_same(bytes, length, before.data, before.length)))
            fail_msg("round %d: the damage of %s at %llu passed", round, name, (unsigned long long)at);
        put_file(name, before.data, before.length);
        rdb_arena_destroy(mine);
    }
    assert_int_equal(judge(arena, "", UINT64_MAX), 0);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
}

/* The finished segment of the instance's log, as a server puts it there or as rdb-backup archive does. */
static void archive_log(bool as_server)
{
    char path[PATH_MAX];
    rdb_error err = {0};
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    read_file(home, "data/wal/0000000000000001", arena, &content);
    snprintf(path, sizeof path, "%s/wal", place);
    if (as_server) {
        assert_true(rdb_path_make_directory(path, 0700, true, &err));
        write_file(path, "000000010000000000000001", content.data, content.length);
    } else {
        write_file(top, "000000010000000000000001", content.data, content.length);
        snprintf(path, sizeof path, "%s/000000010000000000000001", top);
        assert_true(rdb_archive_put(repository, path, &err));
    }
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
}

static int damage_rounds(void)
{
    const char *text = getenv("RDB_DAMAGE_ROUNDS");
    return text != NULL ? atoi(text) : 300;
}

static void test_no_damage_passes(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    take(repository, RDB_BACKUP_INCREMENTAL, RDB_COMPRESS_SNAPPY, arena); /* the table was changed since the chain was made */
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    archive_log(true);
    damage_everything(damage_rounds() / 2);
}

/* The same, encrypted, with a chain of its own. */
static void test_no_damage_of_encrypted_objects_passes(void **state)
{
    (void)state;
    rdb_error err = {0};
    static char key_file[128];
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    uint8_t key[32];
    assert_true(rdb_path_remove_tree(place, &err));
    rdb_random_bytes(key, sizeof key);
    write_file(top, "key", key, sizeof key);
    snprintf(key_file, sizeof key_file, "%s/key", top);
    key_path = key_file;
    rdb_repository *repository = open_place();
    for (uint32_t i = 0; i < 4; i++) {
        set_control(FIRST_LSN + (4 + i) * 800);
        change_pages(FIRST_LSN + (4 + i) * 800 + 8, 5);
        take(repository, i == 0 ? RDB_BACKUP_FULL : RDB_BACKUP_INCREMENTAL, RDB_COMPRESS_ZSTD, arena);
    }
    rdb_repository_close(&repository);
    archive_log(false);
    damage_everything(damage_rounds() / 2);
    key_path = NULL;
    assert_true(rdb_path_remove_tree(place, &err));
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
    /* One whose time is over by a clock that went forward is alive as long as its process is. */
    assert_true(lease_take(&one, repository, "backup", &err));
    rdb_list leases = {0};
    rdb_strbuf text;
    bool found;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_strbuf_init(&text, arena);
    assert_true(repository->store->calls->list(repository->store, "leases/", arena, &leases, &err) && leases.count == 1);
    const char *name = ((const backup_object *)leases.items[0])->name;
    assert_true(repository->store->calls->get(repository->store, name, &text, &found, &err) && found);
    char *until = strstr(text.data, "\"until\":\"20");
    assert_non_null(until);
    memcpy(until + 9, "1990", 4);
    assert_true(repository->store->calls->put(repository->store, name, text.data, text.length, &err));
    assert_false(lease_take(&two, repository, "backup", &err));
    assert_true(rdb_error_is(&err, RDB_OBJECT_IN_USE));
    rdb_error_clear(&err);
    assert_true(lease_check(one, &err));
    lease_give(&one);
    rdb_arena_destroy(arena);
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
        cmocka_unit_test(test_chains_are_merged),
        cmocka_unit_test(test_clocks_go_back),
        cmocka_unit_test(test_no_damage_passes),
        cmocka_unit_test(test_no_damage_of_encrypted_objects_passes),
        cmocka_unit_test(test_retention_keeps_its_promises),
        cmocka_unit_test(test_leases),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
