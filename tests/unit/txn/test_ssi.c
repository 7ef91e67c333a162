/* SPDX-License-Identifier: Apache-2.0
 * Serializable transactions against a model: random interleavings over a small database of versions, held here; what commits must
 * have a serial order (no cycle of ww, wr and rw dependencies), phantoms included. The same interleavings without the checks
 * have cycles, so the test can fail. Then the known shapes one by one, with their victims. */
#include "txn/ssi_int.h"

#include "fixture.h"

/* ---- a database of versions ---------------------------------------------------------------------------------------------------- */
#define RELATION 20000u
#define INDEX 20001u
#define ROWS 6u  /* read by address */
#define KEYS 6u  /* read by range: they begin without a row */
#define OBJECTS (ROWS + KEYS)
#define SESSIONS 6u
#define TXNS_MAX 4000u
#define VERSIONS_MAX 4000u

typedef struct version {
    uint32_t writer; /* number of the transaction; 0: the initial one */
    rdb_xid xid;
} version;

typedef struct object {
    version versions[VERSIONS_MAX];
    uint32_t count;
} object;

typedef struct history_read {
    uint32_t object_no, version_no;
} history_read;

typedef struct history_txn {
    bool committed;
    rdb_scn scn;
    history_read reads[256];
    uint32_t read_count;
} history_txn;

static object objects[OBJECTS];
static history_txn txns[TXNS_MAX + 1];
static uint32_t txn_count;

typedef struct session {
    rdb_txn *txn;
    rdb_snapshot snapshot;
    uint32_t no, steps;
    bool read_only;
} session;

static uint32_t random_state;
static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)(random_state >> 8) * below) >> 24);
}

static void model_begin(instance *f, session *s, bool is_checked)
{
    s->read_only = draw(4) == 0;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, RDB_SERIALIZABLE, s->read_only, NULL, &s->txn, &f->err));
    if (is_checked)
        MUST(&f->err, rdb_ssi_take_snapshot(s->txn, false, 7, &s->snapshot, &f->err));
    else
        rdb_txn_take_snapshot(s->txn, &s->snapshot);
    rdb_txn_hold_snapshot(s->txn, &s->snapshot);
    s->no = ++txn_count;
    s->steps = 2 + draw(5);
    txns[s->no] = (history_txn){.committed = false};
}

static void model_abort(instance *f, session *s)
{
    rdb_txn_abort(&s->txn);
    rdb_error_clear(&f->err);
    for (uint32_t i = 0; i < OBJECTS; i++) /* its versions are the newest where they are any */
        while (objects[i].count > 1 && objects[i].versions[objects[i].count - 1].writer == s->no)
            objects[i].count--;
}

static bool model_sees(const session *s, const version *v)
{
    return v->writer == 0 || v->writer == s->no || (txns[v->writer].committed && txns[v->writer].scn <= s->snapshot.scn);
}

/* The version that the session sees; conflicts with the writers of those it steps past. */
static bool model_read(instance *f, session *s, uint32_t object_no, bool is_checked)
{
    const object *o = &objects[object_no];
    uint32_t at = o->count - 1;
    while (!model_sees(s, &o->versions[at])) {
        if (is_checked && !rdb_ssi_read_past(s->txn, PDB, o->versions[at].xid, &f->err))
            return false;
        at--;
    }
    history_txn *h = &txns[s->no];
    if (o->versions[at].writer != s->no && h->read_count < RDB_COUNT_OF(h->reads))
        h->reads[h->read_count++] = (history_read){object_no, at};
    return true;
}

static uint64_t address_of(uint32_t object_no)
{
    return RDB_MAX(1u, object_no) << 16 | (object_no + 1); /* two of the rows share a page: page locks happen */
}

/* False: the session must give up. First updater wins, as below this room. */
static bool model_write(instance *f, session *s, uint32_t object_no, bool is_checked)
{
    object *o = &objects[object_no];
    const version *newest = &o->versions[o->count - 1];
    rdb_xid xid, seen_xid = newest->xid;
    uint8_t key = (uint8_t)object_no;
    if (s->read_only || o->count == VERSIONS_MAX)
        return true;
    if (!model_sees(s, newest))
        return false;
    MUST(&f->err, rdb_txn_assign_xid(s->txn, &xid, &f->err));
    if (newest->writer != s->no)
        o->versions[o->count++] = (version){s->no, xid};
    if (!is_checked)
        return true;
    if (object_no < ROWS)
        return rdb_ssi_write_row(s->txn, RELATION, address_of(object_no), seen_xid, &f->err);
    return rdb_ssi_write_row(s->txn, RELATION, 0, 0, &f->err) && rdb_ssi_write_key(s->txn, RELATION, INDEX, (rdb_slice){&key, 1}, &f->err);
}

static bool model_step(instance *f, session *s, bool is_checked)
{
    uint32_t which = draw(20);
    if (which < 8) {
        uint32_t object_no = draw(ROWS);
        uint64_t address = address_of(object_no);
        return (!is_checked || rdb_ssi_read_rows(s->txn, RELATION, &address, 1, &f->err)) && model_read(f, s, object_no, is_checked);
    }
    if (which < 11) {
        uint8_t lower = (uint8_t)(ROWS + draw(KEYS)), upper = (uint8_t)(lower + draw(OBJECTS - lower));
        if (is_checked && !rdb_ssi_read_range(s->txn, RELATION, INDEX, (rdb_slice){&lower, 1}, false, (rdb_slice){&upper, 1}, false, &f->err))
            return false;
        for (uint32_t i = lower; i <= upper; i++)
            if (!model_read(f, s, i, is_checked))
                return false;
        return true;
    }
    if (which == 11) {
        if (is_checked && !rdb_ssi_read_relation(s->txn, RELATION, &f->err))
            return false;
        for (uint32_t i = 0; i < OBJECTS; i++)
            if (!model_read(f, s, i, is_checked))
                return false;
        return true;
    }
    return model_write(f, s, draw(OBJECTS), is_checked);
}

/* ---- is there a serial order? ------------------------------------------------------------------------------------------------------- */
static uint8_t colours[TXNS_MAX + 1];
static uint32_t *edges[TXNS_MAX + 1], edge_counts[TXNS_MAX + 1];

static void add_edge(uint32_t from, uint32_t to)
{
    if (from == to || from == 0 || to == 0 || !txns[from].committed || !txns[to].committed)
        return;
    edges[from] = realloc(edges[from], (edge_counts[from] + 1) * sizeof(uint32_t));
    assert_non_null(edges[from]);
    edges[from][edge_counts[from]++] = to;
}

static bool on_cycle(uint32_t from)
{
    colours[from] = 1;
    for (uint32_t i = 0; i < edge_counts[from]; i++) {
        uint32_t to = edges[from][i];
        if (colours[to] == 1 || (colours[to] == 0 && on_cycle(to)))
            return true;
    }
    colours[from] = 2;
    return false;
}

static bool has_cycle(void)
{
    memset(colours, 0, sizeof colours);
    for (uint32_t i = 0; i < OBJECTS; i++)
        for (uint32_t v = 1; v < objects[i].count; v++)
            add_edge(objects[i].versions[v - 1].writer, objects[i].versions[v].writer);
    for (uint32_t t = 1; t <= txn_count; t++)
        for (uint32_t r = 0; txns[t].committed && r < txns[t].read_count; r++) {
            const object *o = &objects[txns[t].reads[r].object_no];
            uint32_t v = txns[t].reads[r].version_no;
            add_edge(o->versions[v].writer, t);
            if (v + 1 < o->count)
                add_edge(t, o->versions[v + 1].writer);
        }
    bool found = false;
    for (uint32_t t = 1; t <= txn_count && !found; t++)
        found = colours[t] == 0 && txns[t].committed && on_cycle(t);
    for (uint32_t t = 1; t <= txn_count; t++) {
        free(edges[t]);
        edges[t] = NULL;
        edge_counts[t] = 0;
    }
    return found;
}

/* Runs one interleaving; true: what committed has a serial order. */
static bool run_history(uint32_t seed, uint32_t wanted, bool is_checked, uint32_t *committed)
{
    static instance f;
    session sessions[SESSIONS];
    memset(sessions, 0, sizeof sessions);
    instance_begin(&f);
    random_state = seed;
    txn_count = *committed = 0;
    for (uint32_t i = 0; i < OBJECTS; i++) {
        objects[i].count = 1;
        objects[i].versions[0] = (version){0, 0};
    }
    while (txn_count < wanted) {
        session *s = &sessions[draw(SESSIONS)];
        if (s->txn == NULL) {
            model_begin(&f, s, is_checked);
        } else if (s->steps > 0) {
            s->steps--;
            if (!model_step(&f, s, is_checked))
                model_abort(&f, s);
        } else {
            history_txn *h = &txns[s->no];
            rdb_txn *kept = s->txn;
            if (rdb_txn_commit(&s->txn, RDB_COMMIT_LOCAL, &h->scn, &f.err)) {
                h->committed = true;
                (*committed)++;
            } else {
                assert_string_equal(f.err.sqlstate, "40001");
                s->txn = kept;
                rdb_error_clear(&f.err);
                for (uint32_t i = 0; i < OBJECTS; i++)
                    while (objects[i].count > 1 && objects[i].versions[objects[i].count - 1].writer == s->no)
                        objects[i].count--;
                s->txn = NULL;
            }
        }
    }
    for (uint32_t i = 0; i < SESSIONS; i++)
        if (sessions[i].txn != NULL)
            model_abort(&f, &sessions[i]);
    bool ok = !has_cycle();
    if (is_checked) { /* nobody runs: nothing is remembered */
        session last = {0};
        model_begin(&f, &last, true);
        model_abort(&f, &last);
        assert_true(f.txns->ssi->ended.next == &f.txns->ssi->ended);
        assert_int_equal(f.txns->ssi->ended_count, 0);
    }
    instance_end(&f);
    return ok;
}

static void test_histories_are_serializable(void **state)
{
    uint32_t committed = 0, plain = 0, all = 0, cycles = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= 6; seed++) {
        if (!run_history(seed, 1200, true, &committed))
            fail_msg("seed %u: what committed has no serial order", seed);
        all += committed;
        cycles += !run_history(seed, 1200, false, &plain);
    }
    print_message("%u of %u transactions committed\n", all, 6 * 1200);
    assert_int_equal(cycles, 6); /* snapshot isolation alone lets them through */
    assert_true(all > 6 * 1200 / 3);
}

/* ---- the shapes ------------------------------------------------------------------------------------------------------------------- */
static rdb_txn *begin(instance *f, bool read_only, rdb_snapshot *snapshot)
{
    rdb_txn *txn;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, RDB_SERIALIZABLE, read_only, NULL, &txn, &f->err));
    MUST(&f->err, rdb_ssi_take_snapshot(txn, false, 1, snapshot, &f->err));
    rdb_txn_hold_snapshot(txn, snapshot);
    return txn;
}
static bool read_row(instance *f, rdb_txn *txn, uint64_t address)
{
    return rdb_ssi_read_rows(txn, RELATION, &address, 1, &f->err);
}
static bool write_row(instance *f, rdb_txn *txn, uint64_t address)
{
    rdb_xid xid;
    MUST(&f->err, rdb_txn_assign_xid(txn, &xid, &f->err));
    return rdb_ssi_write_row(txn, RELATION, address, 0, &f->err);
}
static bool commit(instance *f, rdb_txn *txn)
{
    rdb_scn scn;
    return rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &f->err);
}

/* Both read what the other writes: the second to commit fails, with PostgreSQL's words. */
static void test_write_skew(void **state)
{
    static instance f;
    rdb_snapshot s1, s2;
    (void)state;
    instance_begin(&f);
    rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2);
    assert_true(read_row(&f, one, 0x10001) && read_row(&f, two, 0x20001));
    assert_true(write_row(&f, one, 0x20001) && write_row(&f, two, 0x10001));
    assert_true(commit(&f, one));
    assert_false(commit(&f, two));
    assert_string_equal(f.err.sqlstate, "40001");
    assert_string_equal(rdb_error_message(&f.err), "could not serialize access due to read/write dependencies among transactions");
    assert_string_equal(rdb_error_detail_text(&f.err), "Reason code: Canceled on identification as a pivot, during commit attempt.");
    rdb_error_clear(&f.err);
    instance_end(&f);
}

/* An insert beside a range that was read is no conflict; one inside is. */
static void test_ranges(void **state)
{
    static instance f;
    rdb_snapshot s1, s2;
    (void)state;
    instance_begin(&f);
    for (int inside = 0; inside < 2; inside++) {
        rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2);
        rdb_slice five = {(const uint8_t *)"5", 1}, nine = {(const uint8_t *)"9", 1};
        rdb_slice key = inside ? (rdb_slice){(const uint8_t *)"7", 1} : (rdb_slice){(const uint8_t *)"5x", 2};
        MUST(&f.err, rdb_ssi_read_range(one, RELATION, INDEX, five, true, nine, false, &f.err));
        MUST(&f.err, rdb_ssi_read_range(two, RELATION, INDEX, five, true, nine, false, &f.err));
        rdb_xid xid;
        MUST(&f.err, rdb_txn_assign_xid(one, &xid, &f.err) && rdb_txn_assign_xid(two, &xid, &f.err));
        MUST(&f.err, rdb_ssi_write_key(one, RELATION, INDEX, key, &f.err) && rdb_ssi_write_key(two, RELATION, INDEX, key, &f.err));
        assert_true(commit(&f, one));
        assert_int_equal(commit(&f, two), !inside);
        rdb_error_clear(&f.err);
    }
    instance_end(&f);
}

/* A read-only transaction without read-write ones beside it is safe at once; else when they end harmlessly. */
static void test_safe_snapshots(void **state)
{
    static instance f;
    rdb_snapshot s1, s2;
    (void)state;
    instance_begin(&f);
    rdb_txn *reader = begin(&f, true, &s1);
    assert_true(reader->ssi->is_safe);
    assert_true(commit(&f, reader));
    rdb_txn *writer = begin(&f, false, &s2);
    reader = begin(&f, true, &s1);
    assert_false(reader->ssi->is_safe);
    assert_true(write_row(&f, writer, 0x10001) && commit(&f, writer));
    assert_true(reader->ssi->is_safe);
    assert_true(commit(&f, reader));
    instance_end(&f);
}

/* Many rows become pages, many of those the relation: fewer locks, no fewer conflicts. */
static void test_promotion(void **state)
{
    static instance f;
    rdb_snapshot s1, s2;
    (void)state;
    instance_begin(&f);
    rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2);
    for (uint64_t slot = 1; slot <= 3; slot++)
        assert_true(read_row(&f, one, 0x10000 | slot));
    assert_int_equal(one->ssi->held->page_count, 1);
    assert_int_equal(one->ssi->held->row_count, 0);
    for (uint64_t block = 2; block < 40; block++)
        assert_true(read_row(&f, one, block << 16 | 1));
    assert_true(one->ssi->held->is_whole);
    assert_true(write_row(&f, two, 0x770001));
    assert_int_equal(one->ssi->out.count, 1);
    rdb_txn_abort(&one);
    rdb_txn_abort(&two);
    instance_end(&f);
}

/* ---- DEFERRABLE -------------------------------------------------------------------------------------------------------------------- */
enum { DEFERRED_PROCESS = 9 };
typedef struct deferred {
    instance *f;
    rdb_cancel cancel;
    rdb_snapshot snapshot;
    rdb_error err;
    _Atomic bool is_over;
    bool ok, is_tracked, is_safe;
} deferred;

static void run_deferred(void *argument)
{
    deferred *d = argument;
    rdb_txn *txn = NULL;
    MUST(&d->err, rdb_txn_begin(d->f->txns, PDB, RDB_SERIALIZABLE, true, &d->cancel, &txn, &d->err));
    d->ok = rdb_ssi_take_snapshot(txn, true, DEFERRED_PROCESS, &d->snapshot, &d->err);
    d->is_tracked = txn->ssi != NULL;
    d->is_safe = d->is_tracked && txn->ssi->is_safe;
    atomic_store(&d->is_over, true);
    rdb_txn_abort(&txn);
}

static rdb_thread *start_deferred(deferred *d, instance *f)
{
    rdb_thread *thread = NULL;
    memset(d, 0, sizeof *d);
    d->f = f;
    rdb_cancel_init(&d->cancel);
    rdb_cancel_begin_statement(&d->cancel, 0);
    MUST(&f->err, rdb_thread_start(&thread, "deferred", run_deferred, d, &f->err));
    return thread;
}

static void wait_for_blockers(instance *f, uint32_t count)
{
    int32_t ids[4] = {0};
    while (rdb_ssi_blockers(f->txns, DEFERRED_PROCESS, ids, 4) != count)
        rdb_time_sleep_us(1000);
    assert_int_equal(rdb_ssi_blockers(f->txns, DEFERRED_PROCESS, NULL, 0), count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(ids[i], 1);
    assert_int_equal(rdb_ssi_blockers(f->txns, DEFERRED_PROCESS + 1, ids, 4), 0);
}

/* It waits for those that write beside it, and names them; an end that does no harm makes its snapshot safe, one that makes it unsafe gives
 * it a newer snapshot; and the wait can be cancelled. */
static void test_deferrable_waits_for_a_safe_snapshot(void **state)
{
    static instance f;
    static deferred d;
    rdb_snapshot s1, s2;
    (void)state;
    instance_begin(&f);
    rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2);
    rdb_thread *thread = start_deferred(&d, &f);
    wait_for_blockers(&f, 2);
    assert_true(write_row(&f, one, 0x10001) && commit(&f, one));
    wait_for_blockers(&f, 1);
    assert_false(atomic_load(&d.is_over));
    rdb_txn_abort(&two);
    rdb_thread_join(&thread);
    MUST(&d.err, d.ok);
    assert_true(d.is_safe);

    /* two read what one wrote and committed: if two commits, the reader would see one and not two, who came before it. */
    two = begin(&f, false, &s2);
    one = begin(&f, false, &s1);
    assert_true(read_row(&f, two, 0x20001) && write_row(&f, one, 0x20001) && commit(&f, one));
    const rdb_scn first = rdb_txn_published_scn(f.txns);
    thread = start_deferred(&d, &f);
    wait_for_blockers(&f, 1);
    assert_true(write_row(&f, two, 0x30001) && commit(&f, two));
    rdb_thread_join(&thread);
    MUST(&d.err, d.ok);
    assert_true(d.is_safe);
    assert_true(d.snapshot.scn > first); /* not the one that it had waited with */

    one = begin(&f, false, &s1);
    thread = start_deferred(&d, &f);
    wait_for_blockers(&f, 1);
    assert_true(rdb_cancel_set(&d.cancel, RDB_CANCEL_USER));
    rdb_thread_join(&thread);
    assert_false(d.ok);
    assert_string_equal(d.err.sqlstate, RDB_QUERY_CANCELED);
    assert_false(d.is_tracked);
    rdb_error_clear(&d.err);
    assert_int_equal(one->ssi->possible.count, 0); /* nobody waits for it any more */
    rdb_txn_abort(&one);
    instance_end(&f);
}

/* ---- locks by their size ------------------------------------------------------------------------------------------------------------ */
typedef struct listed {
    uint32_t rows, pages, ranges, relations, of_ended;
} listed;
static void note_lock(void *context, const rdb_ssi_lock *lock)
{
    listed *l = context;
    assert_int_equal(lock->pdb, PDB);
    assert_int_equal(lock->relation_oid, lock->kind == 'k' ? INDEX : RELATION);
    if (lock->kind == 't')
        assert_int_equal(lock->place, 0x50007);
    if (lock->kind == 'p')
        assert_int_equal(lock->place, 6);
    l->rows += lock->kind == 't';
    l->pages += lock->kind == 'p';
    l->ranges += lock->kind == 'k';
    l->relations += lock->kind == 'r';
    l->of_ended += lock->process_id == 0;
}

static void test_locks_are_listed(void **state)
{
    static instance f;
    rdb_snapshot s1, s2;
    (void)state;
    instance_begin(&f);
    rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2);
    const rdb_slice five = {(const uint8_t *)"5", 1}, nine = {(const uint8_t *)"9", 1};
    assert_true(read_row(&f, one, 0x50007) && read_row(&f, one, 0x60001) && read_row(&f, one, 0x60002) && read_row(&f, one, 0x60003));
    MUST(&f.err, rdb_ssi_read_range(one, RELATION, INDEX, five, true, nine, false, &f.err));
    MUST(&f.err, rdb_ssi_read_relation(two, RELATION, &f.err));
    listed l = {0};
    rdb_ssi_visit(f.txns, note_lock, &l);
    assert_true(l.rows == 1 && l.pages == 1 && l.ranges == 1 && l.relations == 1 && l.of_ended == 0);
    assert_true(write_row(&f, one, 0x90001));
    assert_true(commit(&f, one)); /* remembered while two runs, who was beside it */
    l = (listed){0};
    rdb_ssi_visit(f.txns, note_lock, &l);
    assert_true(l.rows == 1 && l.pages == 1 && l.ranges == 1 && l.relations == 1 && l.of_ended == 3);
    rdb_txn_abort(&two);
    l = (listed){0};
    rdb_ssi_visit(f.txns, note_lock, &l);
    assert_true(l.rows + l.pages + l.ranges + l.relations == 0);
    instance_end(&f);
}

/* Where rows get new homes, who read one has read the relation: what was read before, and, until it is over, what is read from then on. */
static void test_reads_of_rows_that_move(void **state)
{
    static instance f;
    rdb_snapshot s1, s2, s3;
    (void)state;
    instance_begin(&f);
    rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2);
    assert_true(read_row(&f, one, 0x10001));
    assert_true(write_row(&f, two, 0x20001));
    assert_int_equal(one->ssi->out.count, 0);
    rdb_ssi_widen(f.txns, PDB, RELATION + 1); /* another one */
    assert_false(one->ssi->held->is_whole);
    rdb_ssi_widen(f.txns, PDB, RELATION);
    assert_true(one->ssi->held->is_whole);
    assert_true(write_row(&f, two, 0x20001));
    assert_int_equal(one->ssi->out.count, 1);
    rdb_txn_abort(&one);
    rdb_txn_abort(&two);

    one = begin(&f, false, &s1);
    assert_true(read_row(&f, one, 0x10001));
    rdb_ssi_keep_wide(f.txns, PDB, RELATION, true);
    rdb_ssi_keep_wide(f.txns, PDB, RELATION, true);
    assert_true(one->ssi->held->is_whole);
    rdb_ssi_keep_wide(f.txns, PDB, RELATION, false);
    two = begin(&f, false, &s2);
    assert_true(read_row(&f, two, 0x10001));
    assert_true(two->ssi->held->is_whole);
    rdb_ssi_keep_wide(f.txns, PDB, RELATION, false);
    rdb_txn *three = begin(&f, false, &s3);
    assert_true(read_row(&f, three, 0x10001));
    assert_false(three->ssi->held->is_whole);
    rdb_ssi_keep_wide(f.txns, PDB, RELATION, false); /* once too often is no harm */
    rdb_txn_abort(&three);
    /* More relations at a time than are counted: then all of them. */
    for (uint32_t i = 0; i <= SSI_WIDE_MAX; i++) {
        three = begin(&f, false, &s3);
        assert_true(read_row(&f, three, 0x10001));
        assert_int_equal(three->ssi->held->is_whole, false);
        rdb_txn_abort(&three);
        rdb_ssi_keep_wide(f.txns, PDB, RELATION + 100 + i, true);
    }
    three = begin(&f, false, &s3);
    assert_true(read_row(&f, three, 0x10001));
    assert_true(three->ssi->held->is_whole);
    rdb_txn_abort(&one);
    rdb_txn_abort(&two);
    rdb_txn_abort(&three);
    instance_end(&f);
}

/* A relation that is emptied was read by whoever read any of it. */
static void test_writing_a_relation(void **state)
{
    static instance f;
    rdb_snapshot s1, s2;
    rdb_xid xid;
    (void)state;
    instance_begin(&f);
    rdb_txn *one = begin(&f, false, &s1), *two = begin(&f, false, &s2), *plain = NULL;
    assert_true(read_row(&f, one, 0x10001));
    MUST(&f.err, rdb_txn_assign_xid(two, &xid, &f.err));
    MUST(&f.err, rdb_ssi_write_relation(two, RELATION + 1, &f.err));
    assert_int_equal(one->ssi->out.count, 0);
    MUST(&f.err, rdb_ssi_write_relation(two, RELATION, &f.err));
    assert_int_equal(one->ssi->out.count, 1);
    rdb_txn_abort(&two);
    /* Who is not serializable is nobody's conflict. */
    MUST(&f.err, rdb_txn_begin(f.txns, PDB, RDB_REPEATABLE_READ, false, NULL, &plain, &f.err));
    MUST(&f.err, rdb_ssi_read_relation(plain, RELATION, &f.err) && rdb_ssi_write_relation(plain, RELATION, &f.err) && read_row(&f, plain, 1) && write_row(&f, plain, 0x10001));
    assert_int_equal(one->ssi->out.count, 0);
    rdb_txn_abort(&plain);
    rdb_txn_abort(&one);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories_are_serializable),
        cmocka_unit_test(test_write_skew),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_safe_snapshots),
        cmocka_unit_test(test_promotion),
        cmocka_unit_test(test_deferrable_waits_for_a_safe_snapshot),
        cmocka_unit_test(test_locks_are_listed),
        cmocka_unit_test(test_reads_of_rows_that_move),
        cmocka_unit_test(test_writing_a_relation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
