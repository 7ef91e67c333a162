/* SPDX-License-Identifier: Apache-2.0
 * The process is killed at every call that changes a file, of a backup, an incremental, an expire, a merge, an archived segment and a restore:
 * what a repository lists then is whole, what was half restored cannot be started, and the same command again comes to its end. */
#include "instance.h"

#include "os/rdb_fault.h"

#include <sys/wait.h>

static const char *const CALLS[] = {"create", "write", "sync", "truncate", "rename", "remove", "mkdir", "syncdir"};
static uint32_t points;

typedef struct killing {
    void (*prepare)(void);
    bool (*work)(rdb_error *err);
    void (*look)(void);     /* at what a kill left */
    void (*look_done)(void); /* at what there is when the same work was done again */
} killing;

static void empty(const char *path)
{
    rdb_error err = {0};
    if (rdb_path_exists(path))
        assert_true(rdb_path_remove_tree(path, &err));
}

/* False: the rule found nothing to kill at. */
static bool kill_at(const killing *k, const char *call, uint32_t nth, const char *when)
{
    char rule[64];
    int status = 0;
    rdb_error err = {0};
    k->prepare();
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        snprintf(rule, sizeof rule, "%s::nth=%u:%s", call, nth, when);
        bool ok = rdb_fault_arm(rule, &err) && k->work(&err);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        return false;
    }
    points++;
    k->look();
    if (!k->work(&err))
        fail_msg("after a kill %s %s %u: %s: %s", when, call, nth, err.message, err.detail);
    k->look_done();
    return true;
}

static void kill_everywhere(const killing *k)
{
    for (size_t i = 0; i < RDB_COUNT_OF(CALLS); i++)
        for (uint32_t nth = 1; kill_at(k, CALLS[i], nth, nth % 2 == 0 ? "crash" : "crashafter"); nth++)
            ;
}

/* ---- the repository ------------------------------------------------------------------------------------------------------------ */
static uint32_t count_whole(void)
{
    rdb_error err = {0};
    rdb_list manifests = {0}, broken = {0};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    if (!rdb_path_exists(place)) {
        rdb_arena_destroy(arena);
        return 0;
    }
    rdb_repository *repository = open_place();
    assert_non_null(repository);
    assert_true(rdb_backup_list(repository, arena, &manifests, &broken, &err));
    assert_int_equal(broken.count, 0);
    for (uint32_t i = 0; i < manifests.count; i++) {
        rdb_list findings = {0};
        assert_true(rdb_backup_verify(repository, manifests.items[i], RDB_VERIFY_PAGE, 1, NULL, arena, &findings, &err));
        if (findings.count > 0)
            fail_msg("%s: %s", ((rdb_verify_finding *)findings.items[0])->object, ((rdb_verify_finding *)findings.items[0])->what);
    }
    uint32_t count = manifests.count;
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    return count;
}

static void newest_comes_back(void)
{
    rdb_error err = {0};
    rdb_manifest *newest;
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    assert_true(rdb_backup_find(repository, "latest", arena, &newest, &err));
    if (!restores(repository, newest, &err))
        fail_msg("%s: %s", err.message, err.detail);
    read_file(again, "data/tables/1/20000", arena, &content);
    assert_true(content.length == sizeof table && memcmp(content.data, table, sizeof table) == 0);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
}

static bool back_up(rdb_backup_type type, rdb_error *err)
{
    rdb_manifest *manifest;
    rdb_backup_options options = {.home = home, .type = type, .compression = RDB_COMPRESS_LZ4, .thread_count = 1};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_control control;
    rdb_repository *repository = NULL;
    rdb_repository_options where = {.url = place, .create = true, .encrypt = key_path != NULL, .keys.key_path = key_path};
    bool ok = rdb_control_read(home, &control, err);
    where.system_id = control.system_id;
    ok = ok && rdb_repository_open(&repository, &where, err) && rdb_backup_take(repository, &options, arena, &manifest, err);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    return ok;
}

static void no_repository(void)
{
    empty(place);
}

static bool first_backup(rdb_error *err)
{
    return back_up(RDB_BACKUP_FULL, err);
}

static void none_or_one(void)
{
    assert_true(count_whole() <= 1);
}

static void at_least_one(void)
{
    assert_true(count_whole() >= 1);
    newest_comes_back();
}

static void one_backup(void)
{
    rdb_error err = {0};
    empty(place);
    set_control(FIRST_LSN);
    assert_true(back_up(RDB_BACKUP_FULL, &err));
    set_control(FIRST_LSN + 800);
    change_pages(FIRST_LSN + 808, 5);
}

static bool second_backup(rdb_error *err)
{
    return back_up(RDB_BACKUP_INCREMENTAL, err);
}

static void one_or_two(void)
{
    uint32_t count = count_whole();
    assert_true(count == 1 || count == 2);
}

static void at_least_two(void)
{
    assert_true(count_whole() >= 2);
    newest_comes_back();
}

static void test_backup_is_killed(void **state)
{
    (void)state;
    const killing first = {no_repository, first_backup, none_or_one, at_least_one}, second = {one_backup, second_backup, one_or_two, at_least_two};
    kill_everywhere(&first);
    kill_everywhere(&second);
    assert_true(points > 60);
}

/* ---- expire --------------------------------------------------------------------------------------------------------------------------- */
static void three_backups(void)
{
    rdb_error err = {0};
    char left[PATH_MAX];
    one_backup();
    assert_true(back_up(RDB_BACKUP_INCREMENTAL, &err) && back_up(RDB_BACKUP_FULL, &err));
    snprintf(left, sizeof left, "%s/backup/20200101T000000Z-F", place);
    assert_true(rdb_path_make_directory(left, 0700, false, &err));
    write_file(place, "backup/20200101T000000Z-F/vol-000001.tar", "left", 4);
}

static bool expire_all_but_one(rdb_error *err)
{
    rdb_list verdicts = {0}, broken = {0};
    uint32_t log_count;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = NULL;
    rdb_repository_options where = {.url = place, .keys.key_path = key_path};
    const rdb_retention rules = {.full_count = 1};
    bool ok = rdb_repository_open(&repository, &where, err) && rdb_backup_expire(repository, &rules, false, arena, &verdicts, &broken, &log_count, err);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    return ok;
}

static void one_to_three(void)
{
    assert_true(count_whole() >= 1);
    newest_comes_back();
}

static void exactly_one(void)
{
    char path[PATH_MAX];
    assert_int_equal(count_whole(), 1);
    snprintf(path, sizeof path, "%s/backup/20200101T000000Z-F/vol-000001.tar", place);
    assert_false(rdb_path_exists(path));
    newest_comes_back();
}

static void test_expire_is_killed(void **state)
{
    (void)state;
    const killing expire = {three_backups, expire_all_but_one, one_to_three, exactly_one};
    uint32_t before = points;
    kill_everywhere(&expire);
    assert_true(points - before > 10);
}

/* ---- merge --------------------------------------------------------------------------------------------------------------------------- */
static void a_chain(void)
{
    rdb_error err = {0};
    one_backup();
    assert_true(back_up(RDB_BACKUP_INCREMENTAL, &err));
}

static bool merge_chain(rdb_error *err)
{
    rdb_manifest *merged;
    bool made;
    const rdb_merge_options options = {.scratch = top, .thread_count = 1};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = NULL;
    rdb_repository_options where = {.url = place, .keys.key_path = key_path};
    bool ok = rdb_repository_open(&repository, &where, err) && rdb_backup_merge(repository, &options, arena, &merged, &made, err);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    return ok;
}

static void two_or_three(void)
{
    uint32_t count = count_whole();
    assert_true(count == 2 || count == 3);
    newest_comes_back();
}

static void exactly_three(void)
{
    assert_int_equal(count_whole(), 3);
    newest_comes_back();
}

static void test_merge_is_killed(void **state)
{
    (void)state;
    const killing merge = {a_chain, merge_chain, two_or_three, exactly_three};
    uint32_t before = points;
    kill_everywhere(&merge);
    assert_true(points - before > 10);
}

/* ---- restore ---------------------------------------------------------------------------------------------------------------------------- */
static bool is_over;  /* an instance that is there, with --replace */
static bool is_delta; /* the same, with --delta: what is right stays */

static bool is_whole(const char *directory)
{
    rdb_error err = {0};
    rdb_control control;
    rdb_home_kind kind;
    bool ok = rdb_instance_look(directory, &kind, &err) && kind == RDB_HOME_INSTANCE && rdb_instance_check_versions(directory, &err) && rdb_control_read(directory, &control, &err);
    rdb_error_clear(&err);
    return ok;
}

static bool restore_newest(rdb_error *err);

static void two_backups(void)
{
    rdb_error err = {0};
    static bool made;
    if (!made) {
        one_backup();
        assert_true(back_up(RDB_BACKUP_INCREMENTAL, &err));
        made = true;
    }
    empty(again);
}

/* Over the restored instance, whose table is another one by now. */
static void an_instance(void)
{
    rdb_error err = {0};
    two_backups();
    if (!restore_newest(&err))
        fail_msg("%s: %s", err.message, err.detail);
    write_file(again, "data/tables/1/20000", "other", 5);
    is_over = true;
}

/* Likewise; and a file that the backup does not have. */
static void an_instance_to_mend(void)
{
    an_instance();
    write_file(again, "data/tables/1/20777", "other", 5);
    is_over = false;
    is_delta = true;
}

static bool restore_newest(rdb_error *err)
{
    rdb_manifest *newest;
    rdb_restore_report report;
    rdb_restore_options options = {.home = again, .thread_count = 1, .replace = is_over, .delta = is_delta};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = NULL;
    rdb_repository_options where = {.url = place, .keys.key_path = key_path};
    bool ok = rdb_repository_open(&repository, &where, err) && rdb_backup_find(repository, "latest", arena, &newest, err);
    if (ok && !is_delta && is_whole(again)) { /* the kill came behind its last step: it is refused, rightly */
        options.replace = true;
    }
    ok = ok && rdb_backup_restore(repository, newest, &options, &report, err);
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    return ok;
}

static void is_same_table(void)
{
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    read_file(again, "data/tables/1/20000", arena, &content);
    assert_true(content.length == sizeof table && memcmp(content.data, table, sizeof table) == 0);
    rdb_arena_destroy(arena);
}

static bool has_aside(void)
{
    rdb_error err = {0};
    rdb_list names = {0};
    bool found = false;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    assert_true(rdb_path_list(again, arena, &names, &err));
    for (uint32_t i = 0; i < names.count; i++)
        found = found || strncmp(names.items[i], "data.before-", 12) == 0;
    rdb_arena_destroy(arena);
    return found;
}

/* What a server's start asks first: only a whole instance passes. The one that was there before is there still, here or aside. */
static void half_cannot_start(void)
{
    if (is_whole(again) && (!is_over || has_aside()))
        is_same_table();
}

static void whole_starts(void)
{
    assert_true(is_whole(again));
    is_same_table();
    assert_true(!is_over || has_aside());
    is_over = false;
}

/* Half mended it does not start; before the first change it is what it was. */
static void half_mended_cannot_start(void)
{
    char path[PATH_MAX], table_path[PATH_MAX];
    snprintf(path, sizeof path, "%s/data/tables/1/20777", again);
    snprintf(table_path, sizeof table_path, "%s/data/tables/1/20000", again);
    if (is_whole(again) && !rdb_path_exists(path))
        is_same_table();
    else if (is_whole(again))
        assert_true(rdb_path_bytes(path) == 5 && rdb_path_bytes(table_path) == 5);
}

static void mended(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/data/tables/1/20777", again);
    assert_true(is_whole(again) && !rdb_path_exists(path) && !has_aside());
    is_same_table();
    is_delta = false;
}

static void test_restore_is_killed(void **state)
{
    (void)state;
    const killing restore = {two_backups, restore_newest, half_cannot_start, whole_starts}, over = {an_instance, restore_newest, half_cannot_start, whole_starts},
                  delta = {an_instance_to_mend, restore_newest, half_mended_cannot_start, mended};
    uint32_t before = points;
    kill_everywhere(&restore);
    kill_everywhere(&over);
    is_over = false;
    kill_everywhere(&delta);
    assert_true(points - before > 60);
}

/* ---- archive ---------------------------------------------------------------------------------------------------------------------------- */
#define SEGMENT_NAME "000000010000000000000001"
static uint8_t segment[SEGMENT];

static bool archive_segment(rdb_error *err)
{
    char path[PATH_MAX];
    rdb_repository *repository = NULL;
    rdb_repository_options where = {.url = place, .keys.key_path = key_path};
    snprintf(path, sizeof path, "%s/" SEGMENT_NAME, top);
    bool ok = rdb_repository_open(&repository, &where, err) && rdb_archive_put(repository, path, err);
    rdb_repository_close(&repository);
    return ok;
}

static bool is_archived(void)
{
    char path[PATH_MAX];
    rdb_error err = {0};
    rdb_slice content;
    bool found;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_repository *repository = open_place();
    snprintf(path, sizeof path, "%s/fetched", top);
    assert_true(rdb_archive_get(repository, SEGMENT_NAME, path, &found, &err));
    if (found) {
        read_file(top, "fetched", arena, &content);
        assert_true(content.length == sizeof segment && memcmp(content.data, segment, sizeof segment) == 0);
    }
    rdb_repository_close(&repository);
    rdb_arena_destroy(arena);
    return found;
}

static void no_log(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/wal", place);
    empty(path);
}

static void whole_or_nothing(void)
{
    is_archived();
}

static void archived(void)
{
    assert_true(is_archived());
}

static void test_archive_is_killed(void **state)
{
    (void)state;
    const killing archive = {no_log, archive_segment, whole_or_nothing, archived};
    uint32_t before = points;
    for (size_t i = 0; i < sizeof segment; i++)
        segment[i] = (uint8_t)(rdb_random_next(&dice) % 5);
    write_file(top, SEGMENT_NAME, segment, sizeof segment);
    kill_everywhere(&archive);
    assert_true(points - before >= 4);
    printf("crash points: %u\n", points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backup_is_killed),
        cmocka_unit_test(test_expire_is_killed),
        cmocka_unit_test(test_merge_is_killed),
        cmocka_unit_test(test_restore_is_killed),
        cmocka_unit_test(test_archive_is_killed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
