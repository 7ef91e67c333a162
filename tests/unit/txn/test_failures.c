/* SPDX-License-Identifier: Apache-2.0
 * Transactions and locks under failures: each allocation and each call into room storage fails once (sweep.h), and the bytes that recovery
 * meets are cut and changed. */
#include "../sweep.h"
#include "fixture.h"
#include "txn/lock_int.h"
#include "txn/rdb_ssi.h"
#include "txn/rdb_txn_salvage.h"

#define TABLE UINT64_C(0x0100000000004e20)
#define TABLE_OID 20000u
#define INDEX_OID 20001u

typedef struct scene {
    instance f;
    rdb_txn *txn;
    rdb_lock_session *session;
    rdb_xid xids[40];
    rdb_scn scn;
    uint32_t step, committed;
    bool is_new; /* prepared by this try */
} scene;

static void count_lock(void *context, const rdb_lock_info *info)
{
    if (info->tag.kind != RDB_LOCK_ADVISORY)
        ++*(uint32_t *)context;
}
static void count_read(void *context, const rdb_ssi_lock *lock)
{
    *(uint32_t *)context += lock->pdb == PDB;
}
static void count_txn(void *context, const rdb_txn_info *info)
{
    *(uint32_t *)context += info->pdb == PDB;
}

/* Whatever went wrong, nothing of a transaction that has ended is left, and the next one works. */
static void check_nothing_left(scene *s)
{
    uint32_t locks = 0, reads = 0, txns = 0;
    rdb_txn *txn = NULL;
    rdb_xid xid = 0;
    rdb_scn scn = 0;
    rdb_lock_visit(s->f.txns, count_lock, &locks);
    rdb_ssi_visit(s->f.txns, count_read, &reads);
    rdb_txn_visit(s->f.txns, count_txn, &txns);
    assert_int_equal(locks, 0);
    assert_int_equal(reads, 0);
    assert_int_equal(txns, 0);
    assert_true(rdb_txn_oldest_snapshot(s->f.txns) == UINT64_MAX);
    MUST(&s->f.err, rdb_txn_begin(s->f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &txn, &s->f.err));
    MUST(&s->f.err, rdb_txn_assign_xid(txn, &xid, &s->f.err));
    MUST(&s->f.err, rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &s->f.err));
    assert_true(scn > s->scn);
    s->scn = scn;
}

static rdb_xid_state state_of(scene *s, rdb_xid xid)
{
    rdb_xid_state state;
    rdb_scn scn;
    MUST(&s->f.err, rdb_txn_resolve(s->f.txns, PDB, xid, &state, &scn, &s->f.err));
    return state;
}

/* A serializable transaction with reads and locks of each kind, savepoints, and so many of each that every list of it grows. */
static bool work(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_snapshot snapshot;
    uint32_t level = 0;
    bool taken = false;
    memset(s->xids, 0, sizeof s->xids);
    s->txn = NULL;
    if (!rdb_txn_begin(s->f.txns, PDB, RDB_SERIALIZABLE, false, NULL, &s->txn, err) || !rdb_ssi_take_snapshot(s->txn, false, 7, &snapshot, err))
        return false;
    rdb_txn_hold_snapshot(s->txn, &snapshot);
    const uint64_t rows[] = {1 << 16 | 1, 1 << 16 | 2, 1 << 16 | 3, 5 << 16 | 1};
    const rdb_slice low = {(const uint8_t *)"aaaa", 4}, high = {(const uint8_t *)"bbbb", 4};
    if (!rdb_ssi_read_rows(s->txn, TABLE_OID, rows, RDB_COUNT_OF(rows), err) ||
        !rdb_ssi_read_range(s->txn, TABLE_OID, INDEX_OID, low, false, high, true, err) || !rdb_ssi_read_relation(s->txn, TABLE_OID + 2, err))
        return false;
    for (uint32_t i = 0; i < 40; i++) { /* a table lock each: more than the fast slots take */
        const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = TABLE_OID + i};
        const rdb_lock_mode mode = i % 3 == 0 ? RDB_LOCK_ACCESS_EXCLUSIVE : RDB_LOCK_ROW_EXCLUSIVE;
        if (!rdb_lock_acquire(s->txn, tag, mode, RDB_LOCK_WAIT, 0, &taken, err) ||
            !rdb_lock_acquire_row(s->txn, TABLE + i, (uint64_t)i << 16 | i, RDB_ROW_UPDATE, RDB_LOCK_WAIT, 0, &taken, err))
            return false;
    }
    for (uint32_t i = 0; i < 12; i++) {
        if (!rdb_txn_push_level(s->txn, &level, err) || !rdb_txn_assign_xid(s->txn, &s->xids[1 + i], err))
            return false;
        s->xids[0] = rdb_txn_top_xid(s->txn);
        if (i == 11)
            rdb_txn_rollback_level(s->txn, level);
    }
    rdb_txn_add_commit_payload(s->txn, 99, "payload", 7);
    return rdb_ssi_write_row(s->txn, TABLE_OID, rows[0], 3, err) &&
           rdb_ssi_write_key(s->txn, TABLE_OID, INDEX_OID, low, err) && rdb_txn_commit(&s->txn, s->step == 0 ? RDB_COMMIT_LOCAL : RDB_COMMIT_NO_WAIT, &s->scn, err);
}

static void look_at_work(void *context, bool ok)
{
    scene *s = context;
    rdb_txn_abort(&s->txn);
    for (uint32_t i = 0; i < 13; i++)
        if (s->xids[i] != 0)
            assert_int_equal(state_of(s, s->xids[i]), ok && i != 12 ? RDB_XID_COMMITTED : RDB_XID_ABORTED);
    s->committed += ok;
    check_nothing_left(s);
}

static void test_a_transaction(void **state)
{
    (void)state;
    scene s = {0};
    instance_begin(&s.f);
    for (s.step = 0; s.step < 2; s.step++)
        assert_true(sweep(work, look_at_work, &s) >= (s.step == 0 ? 40 : 10));
    /* What the log says is what the memory said. */
    const rdb_xid last = s.xids[0], rolled_back = s.xids[12];
    instance_close(&s.f);
    instance_open(&s.f);
    assert_int_equal(state_of(&s, last), RDB_XID_COMMITTED);
    assert_int_equal(state_of(&s, rolled_back), RDB_XID_ABORTED);
    instance_end(&s.f);
}

/* PREPARE and both ends, in a session that has locks of its own level. */
static bool prepare_and_end(void *context, rdb_error *err)
{
    scene *s = context;
    bool taken = false;
    const rdb_lock_tag table = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = TABLE_OID};
    s->is_new = s->step == 0;
    if (s->step == 0) {
        rdb_snapshot snapshot;
        if (!rdb_txn_begin(s->f.txns, PDB, RDB_SERIALIZABLE, false, NULL, &s->txn, err))
            return false;
        rdb_lock_session_attach(s->session, s->txn);
        if (!rdb_ssi_take_snapshot(s->txn, false, 7, &snapshot, err) || !rdb_ssi_read_relation(s->txn, TABLE_OID, err) ||
            !rdb_lock_acquire(s->txn, table, RDB_LOCK_SHARE_ROW_EXCLUSIVE, RDB_LOCK_WAIT, 0, &taken, err) || !rdb_txn_assign_xid(s->txn, &s->xids[0], err))
            return false;
        for (uint32_t i = 0; i < 40; i++) {
            const rdb_lock_tag advisory = {.kind = RDB_LOCK_ADVISORY, .pdb = PDB, .a = i};
            if (!rdb_lock_session_acquire(s->txn, advisory, RDB_LOCK_SHARE, RDB_LOCK_WAIT, 0, &taken, err))
                return false;
        }
        if (!rdb_txn_prepare(&s->txn, &s->session, "swept", 10, 4, err))
            return false;
        s->step = 1;
    }
    return rdb_txn_end_prepared(s->f.txns, "swept", s->committed % 2 == 0, RDB_COMMIT_LOCAL, &s->scn, err);
}

static void count_advisory(void *context, const rdb_lock_info *info)
{
    *(uint32_t *)context += info->tag.kind == RDB_LOCK_ADVISORY;
}

static void look_at_prepared(void *context, bool ok)
{
    scene *s = context;
    rdb_prepared_info *list = NULL;
    uint32_t count = 0, advisory = 0;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    MUST(&s->f.err, rdb_txn_list_prepared(s->f.txns, arena, &list, &count, &s->f.err));
    rdb_arena_destroy(arena);
    assert_int_equal(count, !ok && s->step == 1); /* who could not end it may try again */
    if (s->txn != NULL)
        assert_int_equal(s->step, 0);
    rdb_txn_abort(&s->txn);
    if (count == 1)
        assert_int_equal(state_of(s, s->xids[0]), RDB_XID_RUNNING);
    if (s->step == 1 && ok)
        assert_int_equal(state_of(s, s->xids[0]), s->committed % 2 == 0 ? RDB_XID_COMMITTED : RDB_XID_ABORTED);
    if (s->step == 1 && s->is_new) { /* what the session holds stays the session's, whatever becomes of the transaction */
        rdb_lock_visit(s->f.txns, count_advisory, &advisory);
        assert_int_equal(advisory, 40);
    }
    rdb_lock_session_release_all(s->session, 0);
    if (count == 0) {
        check_nothing_left(s);
        s->step = 0;
        s->committed++;
    }
}

/* While one stays prepared for a try to end it, the sweep counts on from where it stands: enough tries meet every call of both halves. */
static void test_prepared(void **state)
{
    (void)state;
    scene s = {0};
    instance_begin(&s.f);
    MUST(&s.f.err, rdb_lock_session_open(&s.session, s.f.txns, NULL, 7, &s.f.err));
    for (uint32_t round = 0; round < 2; round++) {
        s.committed = round;
        assert_true(sweep(prepare_and_end, look_at_prepared, &s) > 5);
    }
    /* And the end alone, from its first call on. */
    for (uint32_t commits = 0; commits < 2; commits++) {
        rdb_error err = {0};
        s.step = 0;
        s.committed = commits;
        bool is_prepared = false;
        for (uint64_t nth = 1; nth < 100; nth++) {
            if (!is_prepared) {
                bool taken;
                const rdb_lock_tag table = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = TABLE_OID};
                MUST(&s.f.err, rdb_txn_begin(s.f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &s.txn, &s.f.err));
                MUST(&s.f.err, rdb_lock_acquire(s.txn, table, RDB_LOCK_EXCLUSIVE, RDB_LOCK_WAIT, 0, &taken, &s.f.err));
                MUST(&s.f.err, rdb_txn_prepare(&s.txn, &s.session, "swept", 10, 4, &s.f.err));
            }
            sweep_arm(nth);
            const bool ok = rdb_txn_end_prepared(s.f.txns, "swept", commits == 1, RDB_COMMIT_LOCAL, &s.scn, &err);
            const char *met = sweep_disarm();
            assert_true(ok || (met != NULL && strcmp(met, err.sqlstate) == 0));
            rdb_error_clear(&err);
            is_prepared = rdb_txn_count_prepared(s.f.txns, PDB) == 1;
            assert_int_equal(is_prepared, !ok);
            if (met == NULL)
                break;
        }
        assert_false(is_prepared);
        check_nothing_left(&s);
    }
    rdb_lock_session_close(&s.session);
    instance_end(&s.f);
}

/* Opening where a crash left prepared transactions: it fails whole, or they live again. */
static bool reopen(void *context, rdb_error *err)
{
    scene *s = context;
    const rdb_txn_config config = {.storage = s->f.storage};
    return rdb_txn_open(&s->f.txns, &config, err);
}

static void look_at_reopened(void *context, bool ok)
{
    scene *s = context;
    if (!ok) {
        assert_null(s->f.txns);
        return;
    }
    uint32_t locks = 0;
    rdb_lock_visit(s->f.txns, count_lock, &locks);
    assert_int_equal(rdb_txn_count_prepared(s->f.txns, PDB), 2);
    assert_int_equal(locks, 2 * (1 + 1 + 1 + 1)); /* the table, the row, both xids */
    assert_int_equal(state_of(s, s->xids[0]), RDB_XID_RUNNING);
    assert_int_equal(state_of(s, s->xids[1]), RDB_XID_RUNNING);
    rdb_txn_close(&s->f.txns);
}

static void test_opening(void **state)
{
    (void)state;
    scene s = {0};
    rdb_lock_session *none = NULL;
    rdb_snapshot snapshot;
    uint32_t level;
    bool taken;
    instance_begin(&s.f);
    for (uint32_t i = 0; i < 2; i++) {
        rdb_txn *txn = NULL;
        const rdb_lock_tag table = {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = TABLE_OID + i};
        MUST(&s.f.err, rdb_txn_begin(s.f.txns, PDB, RDB_SERIALIZABLE, false, NULL, &txn, &s.f.err));
        MUST(&s.f.err, rdb_ssi_take_snapshot(txn, false, 7, &snapshot, &s.f.err));
        MUST(&s.f.err, rdb_ssi_read_relation(txn, TABLE_OID, &s.f.err));
        MUST(&s.f.err, rdb_txn_assign_xid(txn, &s.xids[2 * i], &s.f.err));
        MUST(&s.f.err, rdb_txn_push_level(txn, &level, &s.f.err) && rdb_txn_assign_xid(txn, &s.xids[2 * i + 1], &s.f.err));
        MUST(&s.f.err, rdb_lock_acquire(txn, table, RDB_LOCK_SHARE, RDB_LOCK_WAIT, 0, &taken, &s.f.err));
        MUST(&s.f.err, rdb_lock_acquire_row(txn, TABLE, (uint64_t)i << 16 | 1, RDB_ROW_SHARE, RDB_LOCK_WAIT, 0, &taken, &s.f.err));
        rdb_txn_add_commit_payload(txn, 99, "payload", 7);
        MUST(&s.f.err, rdb_txn_prepare(&txn, &none, i == 0 ? "one" : "two", 10, 4, &s.f.err));
    }
    instance_close(&s.f);
    instance_open(&s.f);
    rdb_txn_close(&s.f.txns);
    assert_true(sweep(reopen, look_at_reopened, &s) > 20);
    MUST(&s.f.err, reopen(&s, &s.f.err));
    for (uint32_t i = 0; i < 2; i++)
        MUST(&s.f.err, rdb_txn_end_prepared(s.f.txns, i == 0 ? "one" : "two", i == 0, RDB_COMMIT_LOCAL, &s.scn, &s.f.err));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(state_of(&s, s.xids[i]), i < 2 ? RDB_XID_COMMITTED : RDB_XID_ABORTED);
    instance_end(&s.f);
}

/* A new database's commit log; and its end cut off behind purge, which may stop half way and is asked again. */
static bool make_and_cut(void *context, rdb_error *err)
{
    scene *s = context;
    const uint32_t pdb = 100 + s->step;
    if (s->committed == 0 && !rdb_txn_create_pdb(s->f.txns, pdb, err))
        return false;
    s->committed = 1;
    rdb_xid below = 0, oldest = 0;
    return rdb_txn_next_xid(s->f.txns, pdb, &below, err) && rdb_txn_oldest_xid(s->f.txns, pdb, &oldest, err) && below == oldest &&
           rdb_txn_cut(s->f.txns, pdb, below, err);
}

static void look_at_made(void *context, bool ok)
{
    scene *s = context;
    const uint32_t pdb = 100 + s->step;
    if (s->committed == 1) {
        rdb_txn *txn = NULL;
        rdb_xid xid = 0;
        rdb_scn scn = 0;
        MUST(&s->f.err, rdb_txn_begin(s->f.txns, pdb, RDB_READ_COMMITTED, false, NULL, &txn, &s->f.err));
        MUST(&s->f.err, rdb_txn_assign_xid(txn, &xid, &s->f.err));
        MUST(&s->f.err, rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &s->f.err));
    }
    if (ok) {
        s->step++;
        s->committed = 0;
    }
}

static void test_commit_log(void **state)
{
    (void)state;
    scene s = {0};
    instance_begin(&s.f);
    assert_true(sweep(make_and_cut, look_at_made, &s) > 3);
    /* No database: no tail, no xids, nothing to cut. */
    rdb_error err = {0};
    rdb_xid xid;
    bool flag;
    rdb_xid_state what;
    rdb_scn scn;
    assert_int_equal(rdb_txn_tail(s.f.txns, 7777), 0);
    assert_false(rdb_txn_next_xid(s.f.txns, 7777, &xid, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_CATALOG_NAME);
    rdb_error_clear(&err);
    assert_false(rdb_txn_oldest_xid(s.f.txns, 7777, &xid, &err));
    rdb_error_clear(&err);
    assert_false(rdb_txn_cut(s.f.txns, 7777, 3, &err));
    rdb_error_clear(&err);
    assert_false(rdb_txn_is_reverted(s.f.txns, 7777, 3, &flag, &err));
    rdb_error_clear(&err);
    assert_false(rdb_txn_mark_reverted(s.f.txns, 7777, 3, &err));
    rdb_error_clear(&err);
    assert_false(rdb_txn_resolve(s.f.txns, 7777, 3, &what, &scn, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_CATALOG_NAME);
    rdb_error_clear(&err);
    assert_false(rdb_txn_begin(s.f.txns, 7777, RDB_READ_COMMITTED, false, NULL, &s.txn, &err));
    rdb_error_clear(&err);
    /* A slot of no known state is damage, and told. */
    const rdb_page_tag tag = {.file = RDB_FILE_NO(RDB_FILE_XACT, 1), .block = 0, .pdb = PDB};
    MUST(&s.f.err, rdb_txn_begin(s.f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &s.txn, &s.f.err));
    MUST(&s.f.err, rdb_txn_assign_xid(s.txn, &xid, &s.f.err));
    rdb_buffer *buffer = NULL;
    MUST(&s.f.err, rdb_buffer_acquire(s.f.storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, &s.f.err));
    uint64_t *slot = (uint64_t *)(void *)((uint8_t *)rdb_buffer_page(buffer) + RDB_PAGE_HEADER_BYTES + xid * TXN_SLOT_BYTES), was = *slot;
    *slot = 6;
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_false(rdb_txn_resolve(s.f.txns, PDB, xid, &what, &scn, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    MUST(&s.f.err, rdb_buffer_acquire(s.f.storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, &s.f.err));
    *slot = was;
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    rdb_txn_abort(&s.txn);
    instance_end(&s.f);
}

/* A segment of the commit log that could not be removed when purge passed it goes with the next cut, in this life or in another. */
static bool segment_is_there(instance *f, uint64_t segment)
{
    return rdb_storage_file_exists(f->storage, PDB, RDB_FILE_NO(RDB_FILE_XACT, 1 + segment));
}

static void test_cutting(void **state)
{
    (void)state;
    scene s = {0};
    instance *f = &s.f;
    rdb_error err = {0};
    txn_pdb *pdb = NULL;
    rdb_xid xid = 0;
    rdb_xid_state what;
    instance_begin(f);
    MUST(&f->err, txn_find_pdb(f->txns, PDB, &pdb, &f->err));
    const rdb_xid of_segment = (rdb_xid)f->txns->slots_per_page * TXN_SEGMENT_PAGES;
    for (uint32_t round = 0; round < 2; round++) {
        while (xid < (round + 1) * of_segment + 10)
            MUST(&f->err, txn_new_xid(f->txns, pdb, NULL, &xid, &f->err));
        assert_true(segment_is_there(f, round) && segment_is_there(f, round + 1));
        sweep_arm(3); /* the tail's page, its change, the file */
        assert_false(rdb_txn_cut(f->txns, PDB, (round + 1) * of_segment + 1, &err));
        assert_string_equal(sweep_disarm(), RDB_IO_ERROR);
        assert_string_equal(err.sqlstate, RDB_IO_ERROR);
        rdb_error_clear(&err);
        assert_true(segment_is_there(f, round));
        assert_true(rdb_txn_tail(f->txns, PDB) == (round + 1) * of_segment + 1);
        rdb_scn scn;
        MUST(&f->err, rdb_txn_resolve(f->txns, PDB, 500, &what, &scn, &f->err)); /* below the tail all is well */
        assert_int_equal(what, RDB_XID_COMMITTED);
        if (round == 1) {
            instance_close(f);
            instance_open(f);
        }
        MUST(&f->err, rdb_txn_cut(f->txns, PDB, (round + 1) * of_segment + 2, &f->err));
        assert_false(segment_is_there(f, round));
        assert_true(segment_is_there(f, round + 1));
    }
    check_nothing_left(&s);
    instance_end(f);
}

/* ---- bytes that recovery meets -------------------------------------------------------------------------------------------------- */
static void refuse_redo(const rdb_redo *redo, rdb_page *page)
{
    rdb_error err = {0};
    uint8_t before[4096];
    memcpy(before, page, sizeof before);
    assert_false(rdb_resource_find(RDB_RESOURCE_TXN)->redo(redo, page, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    if (redo->operation != TXN_OP_META_INIT && redo->operation != TXN_OP_META)
        assert_memory_equal(before, page, sizeof before);
}

static void test_damaged_records(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[4096];
    rdb_page *page = (rdb_page *)(void *)bytes;
    rdb_error err = {0};
    rdb_txn_register_redo();
    const rdb_resource_ops *ops = rdb_resource_find(RDB_RESOURCE_TXN);
    txn_slot_change change = {.slot_no = 3, .state = TXN_SLOT(TXN_SLOT_COMMITTED, 5), .undo = 9};
    rdb_redo redo = {.operation = TXN_OP_COMMIT, .page_bytes = sizeof bytes, .data = (const uint8_t *)&change, .data_bytes = TXN_SLOT_CHANGE_BYTES};
    refuse_redo(&redo, page); /* not a page of slots */
    page->type = RDB_PAGE_XACT;
    assert_true(ops->redo(&redo, page, &err));
    assert_int_equal(rdb_get_u64(bytes + RDB_PAGE_HEADER_BYTES + 3 * TXN_SLOT_BYTES), change.state);
    change.slot_no = (uint16_t)((sizeof bytes - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES);
    refuse_redo(&redo, page); /* behind the last slot */
    change.slot_no = 3;
    redo.data_bytes--;
    refuse_redo(&redo, page);
    struct {
        txn_meta meta;
        txn_time time;
    } data = {.meta = {.time_next = 1, .time_count = 1}, .time = {5, 6}};
    redo = (rdb_redo){.operation = TXN_OP_META, .page_bytes = sizeof bytes, .data = (const uint8_t *)&data, .data_bytes = sizeof data};
    assert_true(ops->redo(&redo, page, &err));
    assert_memory_equal(bytes + RDB_PAGE_HEADER_BYTES + sizeof data.meta, &data.time, sizeof data.time);
    data.meta.time_next = 4096;
    refuse_redo(&redo, page);
    redo.data_bytes = 39;
    refuse_redo(&redo, page);
    redo.operation = TXN_OP_META_INIT;
    refuse_redo(&redo, page);

    /* Commit records: cut in the header, in the subtransactions, in a payload. */
    struct {
        txn_commit_header header;
        rdb_xid sub;
        uint8_t payload[16];
    } commit = {.header = {.scn = 1, .flags = TXN_COMMIT_AUDIT, .sub_count = 1, .payload_bytes = 16}, .sub = 6};
    rdb_put_u16(commit.payload, 99);
    rdb_put_u32(commit.payload + 4, 8);
    rdb_wal_record record = {.resource = RDB_RESOURCE_TXN, .operation = TXN_OP_COMMIT, .pdb = PDB, .xid = 5, .data = (const uint8_t *)&commit, .data_bytes = sizeof commit};
    rdb_slice payload;
    rdb_txn_end end;
    bool found = false;
    assert_true(ops->replay(NULL, &record, &err));
    assert_true(rdb_txn_record_payload(&record, 99, &payload, &end, &found, &err) && found && payload.length == 8);
    assert_true(rdb_txn_record_payload(&record, 98, &payload, &end, &found, &err) && !found);
    assert_true(rdb_txn_record_is_end(&record, 4096, &end) && end.committed && end.xid == 5);
    for (uint32_t length = 0; length < sizeof commit; length++) {
        record.data_bytes = length;
        const bool is_short = length == TXN_COMMIT_SHORT_BYTES; /* there it is whole, with nothing else in it */
        const bool is_cut = !is_short && length != sizeof commit.header + sizeof commit.sub; /* there it is whole too, without payloads */
        assert_int_equal(ops->replay(NULL, &record, &err), !is_cut);
        assert_string_equal(err.sqlstate, is_cut ? RDB_DATA_CORRUPTED : "");
        rdb_error_clear(&err);
        const bool ok = rdb_txn_record_payload(&record, 99, &payload, &end, &found, &err);
        assert_int_equal(ok, is_short || length >= sizeof commit.header + sizeof commit.sub);
        assert_false(found);
        rdb_error_clear(&err);
        assert_int_equal(rdb_txn_record_is_end(&record, 4096, &end), is_short || length >= sizeof commit.header);
    }
    record.data_bytes = sizeof commit;
    record.operation = TXN_OP_ABORT;
    assert_true(rdb_txn_record_payload(&record, 99, &payload, &end, &found, &err) && !found);
    record.resource = RDB_RESOURCE_HEAP;
    assert_false(rdb_txn_record_is_end(&record, 4096, &end));

    /* Records of prepared transactions, from the log and from the checkpoint, and of locks that nobody can hold. */
    const rdb_checkpoint_part *part = rdb_checkpoint_find_part(RDB_RESOURCE_TXN);
    uint8_t content[128] = {0};
    for (uint32_t length = 0; length < 80; length++) {
        assert_false(txn_prepared_meet(PDB, content, length, &err));
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
    }
    rdb_put_u32(content, PDB);
    rdb_put_u32(content + 4, 100);
    assert_false(part->load(NULL, content, 4, &err)); /* cut in its head */
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    assert_false(part->load(NULL, content, 100, &err)); /* it says that it is longer */
    rdb_error_clear(&err);
    rdb_put_u32(content + 4, 92);
    assert_false(part->load(NULL, content, 100, &err)); /* no name in it */
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    assert_true(part->load(NULL, content, 0, &err));
}

static void test_damaged_locks(void **state)
{
    (void)state;
    scene s = {0};
    rdb_error err = {0};
    instance_begin(&s.f);
    static const lock_saved BAD[] = {{.kind = RDB_LOCK_RELATION, .mode = 0, .a = 1},
                                     {.kind = RDB_LOCK_RELATION, .mode = 9, .a = 1},
                                     {.kind = RDB_LOCK_ROW, .mode = 5, .a = TABLE, .b = 1}};
    lock_owner *owner = lock_owner_begin(s.f.txns->locks, NULL, NULL);
    assert_non_null(owner);
    for (uint32_t i = 0; i < RDB_COUNT_OF(BAD); i++) {
        assert_false(lock_owner_restore(owner, (const uint8_t *)&BAD[i], 1, &err));
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
    }
    lock_owner_release_all(owner, true);
    lock_owner_end(owner);
    check_nothing_left(&s);
    instance_end(&s.f);
}

/* ---- what sessions and tools ask ------------------------------------------------------------------------------------------------- */
static void find_running(void *context, const rdb_txn_info *info)
{
    if (info->pdb == PDB && info->isolation == RDB_REPEATABLE_READ)
        *(rdb_txn_info *)context = *info;
}
static void add_oid(void *context, uint32_t oid)
{
    *(uint64_t *)context = *(uint64_t *)context * 100000 + oid;
}

static void test_what_is_shown(void **state)
{
    (void)state;
    scene s = {0};
    rdb_txn *txn = NULL, *foreign = NULL;
    rdb_snapshot first, second, imported;
    rdb_error err = {0};
    rdb_xid xid;
    rdb_scn unused;
    uint64_t oids = 0, waits, deadlocks;
    bool taken;
    char id[40], other_id[40];
    rdb_lock_session *none = NULL;
    instance_begin(&s.f);
    check_nothing_left(&s);
    MUST(&s.f.err, rdb_txn_begin(s.f.txns, PDB, RDB_REPEATABLE_READ, false, NULL, &txn, &s.f.err));
    assert_true(rdb_txn_own_oldest(txn) == UINT64_MAX);
    rdb_lock_visit_relations(txn, add_oid, &oids);
    assert_int_equal(oids, 0);
    rdb_txn_take_snapshot(txn, &first);
    assert_true(rdb_txn_own_oldest(txn) == first.scn);
    MUST(&s.f.err, rdb_txn_assign_xid(txn, &xid, &s.f.err));
    MUST(&s.f.err, rdb_lock_acquire_relation(txn, PDB, TABLE_OID, "t", RDB_LOCK_SHARE, RDB_LOCK_WAIT, 0, &taken, &s.f.err));
    rdb_lock_visit_relations(txn, add_oid, &oids);
    assert_int_equal(oids, TABLE_OID);
    rdb_txn_info info = {0};
    rdb_txn_visit(s.f.txns, find_running, &info);
    assert_true(info.xid == xid && info.snapshot_scn == first.scn && info.started_us != 0);
    rdb_lock_get_counts(s.f.txns, &waits, &deadlocks);
    assert_int_equal(waits + deadlocks, 0);

    /* Exported snapshots: by two of one transaction and one of another, for the same database alone. */
    MUST(&s.f.err, rdb_txn_create_pdb(s.f.txns, PDB + 1, &s.f.err));
    MUST(&s.f.err, rdb_txn_begin(s.f.txns, PDB + 1, RDB_READ_COMMITTED, false, NULL, &foreign, &s.f.err));
    rdb_txn_take_snapshot(foreign, &second);
    MUST(&s.f.err, rdb_txn_export_snapshot(txn, &first, 7, id, &s.f.err));
    MUST(&s.f.err, rdb_txn_export_snapshot(foreign, &second, 8, other_id, &s.f.err));
    assert_string_not_equal(id, other_id);
    assert_false(rdb_txn_import_snapshot(foreign, id, &imported, &err));
    assert_string_equal(err.sqlstate, RDB_FEATURE_NOT_SUPPORTED);
    rdb_error_clear(&err);
    assert_false(rdb_txn_import_snapshot(foreign, "00000003-0000001B-1", &imported, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
    rdb_error_clear(&err);
    MUST(&s.f.err, rdb_txn_import_snapshot(foreign, other_id, &imported, &s.f.err));
    assert_true(imported.scn == second.scn);
    assert_false(rdb_txn_prepare(&txn, &none, "exported", 10, 4, &err));
    assert_string_equal(err.sqlstate, RDB_FEATURE_NOT_SUPPORTED);
    rdb_error_clear(&err);
    assert_null(txn);
    assert_int_equal(state_of(&s, xid), RDB_XID_ABORTED);
    MUST(&s.f.err, rdb_txn_import_snapshot(foreign, other_id, &imported, &s.f.err)); /* the other's is still there */
    MUST(&s.f.err, rdb_txn_commit(&foreign, RDB_COMMIT_LOCAL, &unused, &s.f.err));
    check_nothing_left(&s);
    instance_end(&s.f);
}

/* Who watches a payload hears of each commit that has one, once, with its place or without. */
typedef struct watcher {
    uint32_t made, placed, ended, without_place;
    bool has_no_memory;
    rdb_scn scn;
} watcher;
static void *watch_made(void *context, const void *bytes, uint32_t length)
{
    watcher *w = context;
    assert_int_equal(length, 4);
    assert_memory_equal(bytes, "note", 4);
    w->made++;
    return w->has_no_memory ? NULL : w;
}
static void watch_placed(void *context, void *copy, rdb_lsn lsn, const rdb_txn_end *end)
{
    watcher *w = context;
    assert_ptr_equal(copy, w);
    assert_true(lsn != 0 && end->committed && end->pdb == PDB);
    w->placed++;
    w->scn = end->scn;
}
static void watch_ended(void *context, void *copy, rdb_lsn end_lsn)
{
    watcher *w = context;
    assert_ptr_equal(copy, w);
    w->ended++;
    w->without_place += end_lsn == 0;
}

static bool commit_watched(void *context, rdb_error *err)
{
    scene *s = context;
    rdb_xid xid;
    if (!rdb_txn_begin(s->f.txns, PDB, RDB_READ_COMMITTED, false, NULL, &s->txn, err) || !rdb_txn_assign_xid(s->txn, &xid, err))
        return false;
    s->xids[0] = xid;
    rdb_txn_add_commit_payload(s->txn, 98, "other", 5);
    rdb_txn_add_commit_payload(s->txn, 99, "note", 4);
    return rdb_txn_commit(&s->txn, RDB_COMMIT_LOCAL, &s->scn, err);
}
static watcher watching;
static void look_at_watched(void *context, bool ok)
{
    scene *s = context;
    rdb_txn_abort(&s->txn);
    s->committed += ok;
    assert_int_equal(watching.placed, s->committed);
    assert_int_equal(watching.ended, watching.made);
    assert_int_equal(watching.ended - watching.without_place, s->committed);
    if (ok)
        assert_true(watching.scn == s->scn);
    check_nothing_left(s);
}

static void test_watched_payloads(void **state)
{
    (void)state;
    scene s = {0};
    rdb_error err = {0};
    const rdb_txn_payload_watch watch = {.kind = 99, .made = watch_made, .placed = watch_placed, .ended = watch_ended, .context = &watching};
    instance_begin(&s.f);
    watching = (watcher){0};
    rdb_txn_watch_payload(s.f.txns, &watch);
    assert_true(sweep(commit_watched, look_at_watched, &s) >= 2);
    assert_true(watching.without_place >= 1);
    watching.has_no_memory = true;
    assert_false(commit_watched(&s, &err));
    assert_string_equal(err.sqlstate, RDB_OUT_OF_MEMORY);
    rdb_error_clear(&err);
    assert_null(s.txn);
    assert_int_equal(state_of(&s, s.xids[0]), RDB_XID_ABORTED);
    rdb_txn_watch_payload(s.f.txns, NULL);
    const uint32_t made = watching.made;
    MUST(&s.f.err, commit_watched(&s, &s.f.err));
    assert_int_equal(watching.made, made);
    instance_end(&s.f);
}

/* A payload that refers to earlier log is logged as it is while that stands behind the redo point, and whole where a checkpoint came
 * between. */
static rdb_lsn referred_to;
static rdb_lsn refers_to(const void *bytes, uint32_t length)
{
    return length == 4 && memcmp(bytes, "note", 4) == 0 ? referred_to : 0;
}
static bool tell_all(void *is_failing, const void *bytes, uint32_t length, rdb_strbuf *whole, rdb_error *err)
{
    assert_memory_equal(bytes, "note", length);
    if (*(const bool *)is_failing)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_adds(whole, "the whole note");
    return true;
}
static char *logged_note(const void *bytes, uint32_t length)
{
    char *text = malloc(length + 1);
    memcpy(text, bytes, length);
    text[length] = '\0';
    return text;
}
static void *note_made(void *context, const void *bytes, uint32_t length)
{
    free(*(char **)context);
    return *(char **)context = logged_note(bytes, length);
}
static void note_placed(void *context, void *copy, rdb_lsn lsn, const rdb_txn_end *end)
{
    (void)context;
    assert_true(copy != NULL && lsn != 0 && end->committed);
}
static void note_ended(void *context, void *copy, rdb_lsn end_lsn)
{
    assert_ptr_equal(copy, *(char **)context);
    assert_true(end_lsn != 0);
}

static void test_payloads_refer_no_further_than_the_redo_point(void **state)
{
    (void)state;
    scene s = {0};
    char *note = NULL;
    bool is_failing = false;
    const rdb_txn_payload_watch watch = {.kind = 99, .made = note_made, .placed = note_placed, .ended = note_ended, .context = &note};
    const rdb_txn_payload_references references = {.kind = 99, .oldest = refers_to, .expand = tell_all, .context = &is_failing};
    instance_begin(&s.f);
    rdb_txn_watch_payload(s.f.txns, &watch);
    rdb_txn_set_payload_references(s.f.txns, &references);
    referred_to = rdb_wal_insert_lsn(s.f.wal);
    const rdb_lsn redo_point = rdb_wal_fix_redo_point(s.f.wal);
    assert_true(redo_point == referred_to); /* the next record would stand there */
    MUST(&s.f.err, commit_watched(&s, &s.f.err));
    assert_string_equal(note, "note");
    assert_true(rdb_wal_fix_redo_point(s.f.wal) > referred_to);
    MUST(&s.f.err, commit_watched(&s, &s.f.err));
    assert_string_equal(note, "the whole note");
    is_failing = true;
    assert_false(commit_watched(&s, &s.f.err));
    assert_string_equal(s.f.err.sqlstate, RDB_OUT_OF_MEMORY);
    rdb_error_clear(&s.f.err);
    assert_int_equal(state_of(&s, s.xids[0]), RDB_XID_ABORTED);
    referred_to = 0;
    MUST(&s.f.err, commit_watched(&s, &s.f.err));
    assert_string_equal(note, "note");
    assert_true(rdb_wal_fix_redo_point(s.f.wal) > redo_point); /* nobody holds it any more */

    /* The log has them so. */
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    rdb_txn_end end;
    rdb_slice payload;
    bool found = true, has = false;
    uint32_t count = 0;
    static const char *const NOTES[] = {"note", "the whole note", "note"};
    MUST(&s.f.err, rdb_wal_reader_open(&reader, &s.f.wal_config, redo_point, &s.f.err));
    for (;;) {
        MUST(&s.f.err, rdb_wal_reader_next(reader, &record, &found, &s.f.err));
        if (!found)
            break;
        MUST(&s.f.err, rdb_txn_record_payload(&record, 99, &payload, &end, &has, &s.f.err));
        if (!has)
            continue;
        assert_true(count < 3 && payload.length == strlen(NOTES[count]) && memcmp(payload.data, NOTES[count], payload.length) == 0);
        count++;
        MUST(&s.f.err, rdb_txn_record_payload(&record, 98, &payload, &end, &has, &s.f.err));
        assert_true(has && payload.length == 5 && memcmp(payload.data, "other", 5) == 0);
    }
    assert_int_equal(count, 3);
    rdb_wal_reader_close(&reader);
    rdb_txn_watch_payload(s.f.txns, NULL);
    rdb_txn_set_payload_references(s.f.txns, NULL);
    free(note);
    instance_end(&s.f);
}

/* Pages in place of lost ones: all of their transactions count as committed, and SCNs go on above all that there were. */
static void test_mended_pages(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[4096];
    const rdb_page *page = (const rdb_page *)(const void *)bytes;
    rdb_xid first, end;
    txn_meta meta;
    rdb_txn_mended mended = {.is_meta = false};
    memset(bytes, 0xee, sizeof bytes);
    rdb_txn_mend_page(bytes, sizeof bytes, &mended);
    assert_int_equal(page->type, RDB_PAGE_XACT);
    rdb_txn_page_xids(0, 1, sizeof bytes, &first, &end);
    assert_true(end - first == (4096 - RDB_PAGE_HEADER_BYTES) / TXN_SLOT_BYTES && first == end - first);
    for (uint64_t slot = 0; slot < end - first; slot++)
        assert_int_equal(TXN_SLOT_STATE(rdb_get_u64(bytes + RDB_PAGE_HEADER_BYTES + slot * TXN_SLOT_BYTES)), TXN_SLOT_COMMITTED);
    mended = (rdb_txn_mended){.is_meta = true, .first_segment = 2, .segment_count = 3};
    rdb_txn_mend_page(bytes, sizeof bytes, &mended);
    memcpy(&meta, bytes + RDB_PAGE_HEADER_BYTES, sizeof meta);
    assert_int_equal(page->type, RDB_PAGE_META);
    assert_true(meta.first_segment == 2 && meta.segment_count == 3 && meta.tail == 2 * TXN_SEGMENT_PAGES * (end - first) && meta.scn_bound >= UINT64_C(1) << 56);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_transaction), cmocka_unit_test(test_prepared),        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_commit_log),    cmocka_unit_test(test_cutting), cmocka_unit_test(test_damaged_records), cmocka_unit_test(test_damaged_locks),
        cmocka_unit_test(test_what_is_shown), cmocka_unit_test(test_watched_payloads), cmocka_unit_test(test_payloads_refer_no_further_than_the_redo_point), cmocka_unit_test(test_mended_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
