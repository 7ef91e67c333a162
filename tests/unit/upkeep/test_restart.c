/* SPDX-License-Identifier: Apache-2.0
 * What a restart must remember beside pages: SCNs go on above the last one, after a clean end and after a crash, also
 * where no commit lies behind the redo point. */
#include "instance/rdb_instance.h"
#include "txn/rdb_txn.h"
#include "undo/rdb_undo.h"
#include "upkeep/rdb_upkeep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* One life of the instance in a process of its own, since what a process remembers must not help: makes commits, and ends
 * cleanly or not. The exit status is 0 where its first snapshot sees scn_before, the newest commit of the lives before. Its own
 * newest comes back in a file. */
static rdb_scn live(const char *home, rdb_scn scn_before, unsigned commits, bool checkpoint, bool clean)
{
    char path[128];
    int status = 0;
    rdb_scn scn = 0;
    snprintf(path, sizeof path, "%s/scn", home);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        rdb_upkeep *upkeep = NULL;
        rdb_txn_manager *txns = NULL;
        rdb_error err = {0};
        rdb_upkeep_config config = {.home = home, .frame_count = 64, .wal_ring_bytes = 64 << 10, .sync = false};
        rdb_txn_register_redo();
        bool ok = rdb_upkeep_open(&upkeep, &config, &err);
        rdb_txn_config txn_config = {.storage = ok ? rdb_upkeep_storage(upkeep) : NULL};
        ok = ok && rdb_txn_open(&txns, &txn_config, &err);
        if (ok && scn_before == 0)
            ok = rdb_txn_create_pdb(txns, 1, &err);
        rdb_txn *first = NULL; /* meeting its database raises the instance's SCN (R3) */
        ok = ok && rdb_txn_begin(txns, 1, RDB_READ_COMMITTED, false, NULL, &first, &err);
        if (ok)
            rdb_txn_abort(&first);
        if (ok && rdb_txn_published_scn(txns) < scn_before)
            _exit(50);
        for (unsigned i = 0; ok && i < commits; i++) {
            rdb_txn *txn = NULL;
            rdb_xid xid = 0;
            ok = rdb_txn_begin(txns, 1, RDB_READ_COMMITTED, false, NULL, &txn, &err) && rdb_txn_assign_xid(txn, &xid, &err) &&
                 rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &err);
        }
        scn = RDB_MAX(scn, scn_before);
        ok = ok && rdb_path_write_atomic(path, &scn, sizeof scn, 0600, &err) && (!checkpoint || rdb_upkeep_checkpoint(upkeep, 0, &err));
        if (ok && !clean)
            _exit(0);
        rdb_txn_close(&txns);
        ok = ok && rdb_upkeep_close(&upkeep, true, &err);
        if (!ok)
            fprintf(stderr, "%s: %s\n", err.message, err.detail);
        _exit(ok ? 0 : 51);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_slice content;
    rdb_error err = {0};
    assert_true(rdb_path_read(path, arena, &content, 8, &err));
    assert_int_equal(content.length, 8);
    scn = rdb_get_u64(content.data);
    rdb_arena_destroy(arena);
    return scn;
}

static void test_scn_goes_on(void **state)
{
    (void)state;
    char home[] = "/tmp/rdb-restart-XXXXXX", path[128];
    rdb_error err = {0};
    rdb_control control = {.system_id = 4712, .layout_version = 1, .data_format = 1, .page_bytes = 4096, .wal_segment_bytes = 1 << 20,
                           .incarnation = 1, .state = RDB_CONTROL_NEW};
    assert_non_null(mkdtemp(home));
    static const char *const folders[] = {"data", "data/meta", "data/wal"};
    for (unsigned i = 0; i < RDB_COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", home, folders[i]);
        assert_true(rdb_path_make_directory(path, 0700, true, &err));
    }
    assert_true(rdb_control_write(home, &control, &err));
    static const struct {
        unsigned commits;
        bool checkpoint, clean;
    } lives[] = {{20, false, true}, {0, false, true}, {0, true, false}, {5, false, false}, {0, true, false}, {3, true, false}, {1, false, true}};
    rdb_scn scn = 0;
    for (unsigned i = 0; i < RDB_COUNT_OF(lives); i++) { /* each asserts that it began at or above the former one's end */
        rdb_scn next = live(home, scn, lives[i].commits, lives[i].checkpoint, lives[i].clean);
        assert_true(next >= scn + lives[i].commits && next > 0);
        scn = next;
    }
    assert_true(rdb_path_remove_tree(home, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scn_goes_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
