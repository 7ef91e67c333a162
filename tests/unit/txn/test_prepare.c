/* SPDX-License-Identifier: Apache-2.0
 * Prepared transactions: names, what outlives a restart, by the log and by the checkpoint's part, and both ends. */
#include "fixture.h"
#include "os/rdb_fault.h"
#include "txn/lock_int.h"

#define TABLE UINT64_C(0x0100000000004e20)
#define TABLE_OID 20000u
#define ROLE 10u

static rdb_txn *begin(instance *f)
{
    rdb_txn *txn = NULL;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &f->err));
    return txn;
}

static rdb_xid_state state_of(instance *f, rdb_xid xid)
{
    rdb_xid_state state;
    rdb_scn scn;
    MUST(&f->err, rdb_txn_resolve(f->txns, PDB, xid, &state, &scn, &f->err));
    return state;
}

/* One with a savepoint kept, one rolled back, a table lock and two row locks; its xids. */
static void prepare_one(instance *f, const char *gid, rdb_xid xids[3])
{
    rdb_txn *txn = begin(f);
    uint32_t level;
    bool taken;
    MUST(&f->err, rdb_txn_assign_xid(txn, &xids[0], &f->err));
    MUST(&f->err, rdb_txn_push_level(txn, &level, &f->err) && rdb_txn_assign_xid(txn, &xids[1], &f->err));
    MUST(&f->err, rdb_txn_push_level(txn, &level, &f->err) && rdb_txn_assign_xid(txn, &xids[2], &f->err));
    MUST(&f->err, rdb_lock_acquire_row(txn, TABLE, 900 << 16 | 1, RDB_ROW_UPDATE, RDB_LOCK_NOWAIT, 0, &taken, &f->err));
    rdb_txn_rollback_level(txn, level);
    MUST(&f->err, rdb_lock_acquire_relation(txn, PDB, TABLE_OID, NULL, RDB_LOCK_SHARE_ROW_EXCLUSIVE, RDB_LOCK_NOWAIT, 0, &taken, &f->err));
    MUST(&f->err, rdb_lock_acquire_row(txn, TABLE, 7 << 16 | 3, RDB_ROW_UPDATE, RDB_LOCK_NOWAIT, 0, &taken, &f->err));
    MUST(&f->err, rdb_lock_acquire_row(txn, TABLE, 7 << 16 | 300, RDB_ROW_SHARE, RDB_LOCK_NOWAIT, 0, &taken, &f->err));
    rdb_txn_add_commit_payload(txn, 77, gid, (uint32_t)strlen(gid));
    rdb_lock_session *none = NULL;
    MUST(&f->err, rdb_txn_prepare(&txn, &none, gid, ROLE, 4, &f->err));
    assert_null(txn);
}

static bool row_is_free(instance *f, uint64_t address, rdb_row_lock strength)
{
    rdb_txn *txn = begin(f);
    bool taken = false;
    MUST(&f->err, rdb_lock_acquire_row(txn, TABLE, address, strength, RDB_LOCK_SKIP, 0, &taken, &f->err));
    rdb_txn_abort(&txn);
    return taken;
}

static bool table_is_free(instance *f, rdb_lock_mode mode)
{
    rdb_txn *txn = begin(f);
    bool taken = false;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = TABLE_OID};
    MUST(&f->err, rdb_lock_acquire(txn, tag, mode, RDB_LOCK_SKIP, 0, &taken, &f->err));
    rdb_txn_abort(&txn);
    return taken;
}

static void check_holds(instance *f, const rdb_xid xids[3], bool holds)
{
    assert_int_equal(row_is_free(f, 7 << 16 | 3, RDB_ROW_KEY_SHARE), !holds);
    assert_int_equal(row_is_free(f, 7 << 16 | 300, RDB_ROW_UPDATE), !holds);
    assert_true(row_is_free(f, 7 << 16 | 300, RDB_ROW_SHARE));
    assert_true(row_is_free(f, 7 << 16 | 4, RDB_ROW_UPDATE));
    assert_true(row_is_free(f, 900 << 16 | 1, RDB_ROW_UPDATE));
    assert_int_equal(table_is_free(f, RDB_LOCK_ROW_EXCLUSIVE), !holds);
    assert_true(table_is_free(f, RDB_LOCK_ACCESS_SHARE));
    if (holds) {
        assert_int_equal(state_of(f, xids[0]), RDB_XID_RUNNING);
        assert_int_equal(state_of(f, xids[1]), RDB_XID_RUNNING);
    }
    assert_int_equal(state_of(f, xids[2]), RDB_XID_ABORTED);
}

static char replayed[64];
static void note_payload(void *context, uint32_t pdb, const void *bytes, uint32_t length)
{
    (void)context;
    assert_int_equal(pdb, PDB);
    strncat(replayed, (const char *)bytes, length);
}

static void test_outlives_a_crash(void **state)
{
    (void)state;
    instance f;
    rdb_xid xids[3], oldest;
    rdb_scn scn;
    rdb_prepared_info info;
    instance_begin(&f);
    prepare_one(&f, "first", xids);
    for (int round = 0; round < 3; round++) {
        check_holds(&f, xids, true);
        assert_true(rdb_txn_find_prepared(f.txns, "first", &info));
        assert_int_equal(info.xid, xids[0]);
        assert_int_equal(info.role_oid, ROLE);
        assert_false(rdb_txn_find_prepared(f.txns, "firs", &info));
        assert_int_equal(rdb_txn_count_prepared(f.txns, PDB), 1);
        MUST(&f.err, rdb_txn_oldest_xid(f.txns, PDB, &oldest, &f.err)); /* purge stays below it */
        assert_int_equal(oldest, xids[0]);
        instance_close(&f);
        instance_open(&f);
    }
    rdb_txn_register_payload(77, note_payload, NULL);
    replayed[0] = '\0';
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "first", true, RDB_COMMIT_LOCAL, &scn, &f.err));
    assert_string_equal(replayed, "first");
    rdb_txn_register_payload(77, NULL, NULL);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(state_of(&f, xids[0]), RDB_XID_COMMITTED);
        assert_int_equal(state_of(&f, xids[1]), RDB_XID_COMMITTED);
        check_holds(&f, xids, false);
        assert_int_equal(rdb_txn_count_prepared(f.txns, PDB), 0);
        instance_close(&f);
        instance_open(&f);
    }
    instance_end(&f);
}

static void test_rolled_back_after_a_crash(void **state)
{
    (void)state;
    instance f;
    rdb_xid xids[3];
    rdb_scn scn;
    instance_begin(&f);
    prepare_one(&f, "first", xids);
    instance_close(&f);
    instance_open(&f);
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "first", false, RDB_COMMIT_LOCAL, &scn, &f.err));
    instance_close(&f); /* no word that is not in the log by now is heard again */
    instance_open(&f);
    assert_int_equal(state_of(&f, xids[0]), RDB_XID_ABORTED);
    assert_int_equal(state_of(&f, xids[1]), RDB_XID_ABORTED);
    check_holds(&f, xids, false);
    assert_int_equal(rdb_txn_count_prepared(f.txns, PDB), 0);
    instance_end(&f);
}

static void test_names(void **state)
{
    (void)state;
    instance f;
    rdb_xid xids[3];
    rdb_scn scn;
    rdb_error err = {0};
    rdb_prepared_info *list;
    uint32_t count;
    char long_gid[RDB_GID_BYTES_MAX + 2];
    rdb_lock_session *none = NULL;
    instance_begin(&f);
    prepare_one(&f, "b", xids);
    const char *refused[] = {"b", long_gid, NULL};
    const char *states[] = {RDB_DUPLICATE_OBJECT, RDB_INVALID_PARAMETER_VALUE};
    memset(long_gid, 'x', sizeof long_gid - 1);
    long_gid[sizeof long_gid - 1] = '\0';
    for (int i = 0; refused[i] != NULL; i++) {
        rdb_txn *txn = begin(&f);
        assert_false(rdb_txn_prepare(&txn, &none, refused[i], ROLE, 4, &err));
        assert_null(txn);
        assert_string_equal(err.sqlstate, states[i]);
        rdb_error_clear(&err);
    }
    rdb_txn *txn = begin(&f);
    MUST(&f.err, rdb_txn_prepare(&txn, &none, "a", ROLE, 2, &f.err)); /* one that wrote nothing */
    txn = begin(&f);
    assert_false(rdb_txn_prepare(&txn, &none, "c", ROLE, 2, &err));
    assert_string_equal(err.sqlstate, RDB_OUT_OF_MEMORY);
    rdb_error_clear(&err);
    assert_false(rdb_txn_end_prepared(f.txns, "c", true, RDB_COMMIT_LOCAL, &scn, &err));
    assert_string_equal(err.sqlstate, RDB_UNDEFINED_OBJECT);
    rdb_error_clear(&err);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    MUST(&f.err, rdb_txn_list_prepared(f.txns, arena, &list, &count, &f.err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].gid, "b");
    assert_string_equal(list[1].gid, "a");
    rdb_arena_destroy(arena);
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "a", true, RDB_COMMIT_LOCAL, &scn, &f.err));
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "b", false, RDB_COMMIT_LOCAL, &scn, &f.err));
    instance_end(&f);
}

/* What the checkpoint saved is met though the log before it is gone, and does not bring back what ended after it was saved. */
static void test_checkpoint_part(void **state)
{
    (void)state;
    instance f;
    rdb_xid xids[3], others[3];
    rdb_scn scn;
    rdb_strbuf part;
    instance_begin(&f);
    prepare_one(&f, "stays", xids);
    rdb_strbuf_init(&part, NULL);
    rdb_txn *txn = begin(&f);
    rdb_lock_session *none = NULL;
    MUST(&f.err, rdb_txn_assign_xid(txn, &others[0], &f.err));
    MUST(&f.err, rdb_txn_prepare(&txn, &none, "ends", ROLE, 4, &f.err));
    const rdb_checkpoint_part *saver = rdb_checkpoint_find_part(RDB_RESOURCE_TXN);
    saver->save(saver->save_context, &part);
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "ends", true, RDB_COMMIT_LOCAL, &scn, &f.err));
    instance_close(&f);
    instance_open(&f);
    saver = rdb_checkpoint_find_part(RDB_RESOURCE_TXN);
    rdb_txn_close(&f.txns);
    MUST(&f.err, saver->load(saver->load_context, (const uint8_t *)part.data, (uint32_t)part.length, &f.err));
    MUST(&f.err, saver->load(saver->load_context, (const uint8_t *)part.data, (uint32_t)part.length, &f.err)); /* twice is once */
    rdb_txn_config config = {.storage = f.storage};
    MUST(&f.err, rdb_txn_open(&f.txns, &config, &f.err));
    assert_int_equal(rdb_txn_count_prepared(f.txns, PDB), 1);
    check_holds(&f, xids, true);
    assert_int_equal(state_of(&f, others[0]), RDB_XID_COMMITTED);
    for (uint32_t cut = 1; cut < part.length; cut += 7) { /* a damaged part is told */
        rdb_error err = {0};
        if (!saver->load(saver->load_context, (const uint8_t *)part.data, (uint32_t)part.length - cut, &err))
            assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
    }
    rdb_strbuf_free(&part);
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "stays", true, RDB_COMMIT_LOCAL, &scn, &f.err));
    instance_end(&f);
}

/* A log that takes no more: PREPARE fails and is undone, COMMIT PREPARED fails and can be tried again. */
static void test_full_disk(void **state)
{
    (void)state;
    instance f;
    rdb_xid xids[3];
    rdb_scn scn;
    rdb_error err = {0};
    rdb_lock_session *none = NULL;
    instance_begin(&f);
    prepare_one(&f, "first", xids);
    rdb_txn *writer = begin(&f);
    static uint8_t bytes[200000];
    MUST(&f.err, rdb_fault_arm("write:prepare:count=0:ENOSPC", &f.err));
    bool full = false;
    for (int i = 0; i < 100 && !full; i++) { /* fills the log */
        rdb_txn *txn = begin(&f);
        rdb_txn_add_commit_payload(txn, 78, bytes, sizeof bytes);
        full = !rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &err);
        rdb_error_clear(&err);
    }
    assert_true(full);
    for (int i = 0; i < 3000 && full; i++) { /* to the last byte */
        rdb_txn *txn = begin(&f);
        rdb_txn_add_commit_payload(txn, 78, bytes, 64);
        full = rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &err);
        rdb_error_clear(&err);
    }
    assert_false(full);
    rdb_txn_add_commit_payload(writer, 78, bytes, sizeof bytes);
    assert_false(rdb_txn_prepare(&writer, &none, "second", ROLE, 4, &err));
    assert_string_equal(err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&err);
    assert_int_equal(rdb_txn_count_prepared(f.txns, PDB), 1);
    assert_false(rdb_txn_end_prepared(f.txns, "first", true, RDB_COMMIT_LOCAL, &scn, &err));
    assert_string_equal(err.sqlstate, RDB_DISK_FULL);
    rdb_error_clear(&err);
    check_holds(&f, xids, true);
    rdb_fault_disarm();
    MUST(&f.err, rdb_txn_end_prepared(f.txns, "first", true, RDB_COMMIT_LOCAL, &scn, &f.err));
    instance_close(&f);
    instance_open(&f);
    assert_int_equal(state_of(&f, xids[0]), RDB_XID_COMMITTED);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outlives_a_crash), cmocka_unit_test(test_rolled_back_after_a_crash),
        cmocka_unit_test(test_names),            cmocka_unit_test(test_checkpoint_part),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
