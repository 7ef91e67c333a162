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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories_are_serializable),
        cmocka_unit_test(test_write_skew),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_safe_snapshots),
        cmocka_unit_test(test_promotion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
