/* SPDX-License-Identifier: Apache-2.0
 * The gate of an index that is made while others write (index_gate.c): it does not open between the look of who changes a row and the change, and it
 * lives as long as somebody knows it. */
#include "fixture.h"

static instance f;
static uint32_t table_oid, index_oid;

/* t (id int4, number int4) with an index on number that is not ready. */
static void make_table(void)
{
    instance_begin(&f);
    session s = session_begin(&f);
    const rdb_type *type = objects_type_get(RDB_INT4OID);
    const rdb_column_definition columns[] = {{.name = "id", .type = type, .typmod = -1}, {.name = "number", .type = type, .typmod = -1}};
    const rdb_relation_definition definition = {.name = "t", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r',
                                                .persistence = 'p', .columns = columns, .column_count = 2};
    uint32_t opclass;
    MUST(&f, rdb_ddl_create_relation(s.access, &definition, &table_oid, &f.err));
    MUST(&f, rdb_opclass_default(s.access, type->oid, &opclass, &f.err));
    const rdb_index_column key = {.column_number = 2, .type = type, .opclass_oid = opclass};
    const char *const names[] = {"number"};
    const rdb_index_definition index = {.name = "t_number", .table_oid = table_oid, .is_immediate = true, .columns = &key, .key_count = 1, .column_count = 1,
                                        .column_names = names, .is_invalid = true, .is_unready = true};
    MUST(&f, rdb_ddl_create_index(s.access, &index, &index_oid, &f.err));
    session_commit(&s);
}

static const rdb_relation *table_of(session *s)
{
    const rdb_relation *relation;
    MUST(&f, rdb_relation_find(s->access, NULL, "t", &relation, &f.err));
    return relation;
}

static uint64_t entries_of(const rdb_relation *table)
{
    rdb_index_statistics statistics;
    MUST(&f, rdb_index_verify(&table->indexes[0].index, &statistics, &f.err));
    return statistics.entries;
}

/* ---- who opens it while a row is changed --------------------------------------------------------------------------------------------- */
enum { PATIENCE_US = 50000 }; /* time enough for an opener whom nobody holds */
static struct {
    rdb_index_gate *gate; /* to be opened beside the next change; NULL: none */
    rdb_thread *thread;
    _Atomic bool is_open;
    bool came_between;
} opener;

static void open_gate(void *argument)
{
    rdb_index_gate_open(argument);
    atomic_store(&opener.is_open, true);
}

bool __real_rdb_table_update(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address, rdb_row_version seen, const rdb_datum *values, const bool *is_null,
                             const rdb_index_key *keys, uint32_t key_count, bool key_changed, rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_row_version *version, rdb_error *err);
bool __wrap_rdb_table_update(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address, rdb_row_version seen, const rdb_datum *values, const bool *is_null,
                             const rdb_index_key *keys, uint32_t key_count, bool key_changed, rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_row_version *version, rdb_error *err);
/* Between the look at the gate and the change of the page. */
bool __wrap_rdb_table_update(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address, rdb_row_version seen, const rdb_datum *values, const bool *is_null,
                             const rdb_index_key *keys, uint32_t key_count, bool key_changed, rdb_write_outcome *outcome, rdb_xid *wait_xid, rdb_row_version *version, rdb_error *err)
{
    if (opener.gate != NULL) {
        MUST(&f, rdb_thread_start(&opener.thread, "opener", open_gate, opener.gate, &f.err));
        for (const int64_t until_us = rdb_time_monotonic_us() + PATIENCE_US; rdb_time_monotonic_us() < until_us && !atomic_load(&opener.is_open);)
            rdb_time_sleep_us(100);
        opener.came_between = atomic_load(&opener.is_open);
        opener.gate = NULL;
    }
    return __real_rdb_table_update(table, txn, snapshot, address, seen, values, is_null, keys, key_count, key_changed, outcome, wait_xid, version, err);
}

static void update(session *s, rdb_row_address address, rdb_row_version *version, int32_t from, int32_t to)
{
    rdb_snapshot snapshot;
    rdb_write_outcome outcome;
    const rdb_datum before[] = {{.i32 = 1}, {.i32 = from}}, after[] = {{.i32 = 1}, {.i32 = to}};
    const bool is_null[] = {false, false};
    const int16_t columns[] = {1, 2};
    rdb_vector storage[2], *vectors[] = {&storage[0], &storage[1]};
    bool found, recheck;
    MUST(&f, rdb_vector_init(vectors[0], f.arena, RDB_REP_INT32, 1, &f.err) && rdb_vector_init(vectors[1], f.arena, RDB_REP_INT32, 1, &f.err));
    rdb_txn_take_snapshot(s->txn, &snapshot);
    MUST(&f, rdb_table_fetch(&table_of(s)->table, s->txn, &snapshot, &address, 1, columns, 2, f.arena, vectors, &found, &recheck, version, &f.err));
    assert_true(found);
    const rdb_row_writer writer = {.txn = s->txn, .snapshot = &snapshot, .relation = table_of(s), .arena = f.arena};
    MUST(&f, rdb_row_update(&writer, address, *version, before, is_null, after, is_null, NULL, NULL, &outcome, &f.err));
    assert_int_equal(outcome, RDB_WRITE_DONE);
}

static void test_gate_waits_for_a_change_that_looked(void **state)
{
    (void)state;
    make_table();
    session s = session_begin(&f);
    rdb_row_address address, conflict;
    rdb_row_version version;
    rdb_snapshot snapshot;
    const rdb_datum values[] = {{.i32 = 1}, {.i32 = 10}};
    const bool is_null[] = {false, false};
    rdb_txn_take_snapshot(s.txn, &snapshot);
    const rdb_row_writer writer = {.txn = s.txn, .snapshot = &snapshot, .relation = table_of(&s), .arena = f.arena};
    MUST(&f, rdb_row_insert(&writer, values, is_null, NULL, RDB_CONFLICT_ERROR, &address, &conflict, &f.err));
    assert_int_equal(entries_of(table_of(&s)), 0); /* closed */
    opener.gate = table_of(&s)->indexes[0].gate;
    assert_non_null(opener.gate);
    update(&s, address, &version, 10, 11);
    rdb_thread_join(&opener.thread);
    assert_false(opener.came_between);
    assert_true(atomic_load(&opener.is_open)); /* after it */
    assert_int_equal(entries_of(table_of(&s)), 0);
    update(&s, address, &version, 11, 12); /* whoever looks now enters what is new */
    assert_int_equal(entries_of(table_of(&s)), 1);
    session_commit(&s);
    instance_end(&f);
}

/* ---- how long it lives ------------------------------------------------------------------------------------------------------------------ */
static uint32_t count_gates(void)
{
    return f.catalog->gates != NULL ? rdb_map_count(f.catalog->gates) : 0;
}

static void set_ready(bool ready)
{
    session s = session_begin(&f);
    MUST(&f, rdb_ddl_set_index_field(s.access, index_oid, RDB_pg_index_indisready, (rdb_datum){.b = ready}, &f.err));
    session_commit(&s);
}

static void test_gate_lives_as_long_as_it_is_known(void **state)
{
    (void)state;
    make_table();
    session maker = session_begin(&f), other = session_begin(&f);
    rdb_index_gate *gate = table_of(&maker)->indexes[0].gate;
    const rdb_relation *pinned = table_of(&other);
    assert_ptr_equal(pinned->indexes[0].gate, gate); /* one for all */
    assert_int_equal(count_gates(), 1);
    rdb_index_gate_open(gate);
    set_ready(true); /* the descriptor that was cached is stale; the sessions still have it */
    assert_int_equal(count_gates(), 1);
    session_commit(&maker);
    assert_true(rdb_index_gate_is_open(pinned->indexes[0].gate));
    session_commit(&other);
    assert_int_equal(count_gates(), 0);
    session later = session_begin(&f);
    assert_null(table_of(&later)->indexes[0].gate);
    session_commit(&later);
    set_ready(false); /* given up */
    later = session_begin(&f);
    assert_false(rdb_index_gate_is_open(table_of(&later)->indexes[0].gate));
    session_commit(&later);
    assert_int_equal(count_gates(), 1); /* the cache has it */
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate_waits_for_a_change_that_looked),
        cmocka_unit_test(test_gate_lives_as_long_as_it_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
