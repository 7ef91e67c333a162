/* SPDX-License-Identifier: Apache-2.0
 * Sequences: values in order, never twice, not taken back by a rollback; what a crash and a clean end leave; what a session
 * remembers of them. */
#include "ddl_fixture.h"

#include <pthread.h>

static uint32_t create_sequence(ddl_session *session, const char *name, int64_t start, int64_t increment, int64_t minimum, int64_t maximum, bool cycles)
{
    const rdb_sequence_definition definition = {.name = name, .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID,
                                                .type_oid = RDB_INT8OID, .start = start, .increment = increment, .minimum = minimum,
                                                .maximum = maximum, .cache = 1, .cycles = cycles, .persistence = 'p'};
    uint32_t oid;
    MUST(rdb_ddl_create_sequence(session->access, &definition, &oid, &i_err));
    return oid;
}

static int64_t next(ddl_session *session, uint32_t oid)
{
    int64_t value;
    MUST(rdb_sequence_next(session->access, oid, &value, &i_err));
    return value;
}

static void check_row(ddl_session *session, uint32_t oid, int64_t last, int64_t log, bool called)
{
    int64_t last_value, log_count;
    bool is_called;
    MUST(rdb_sequence_get_row(session->access, oid, &last_value, &log_count, &is_called, &i_err));
    assert_int_equal(last_value, last);
    assert_int_equal(log_count, log);
    assert_int_equal(is_called, called);
}

static void test_values(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    int64_t value;
    uint32_t oid = create_sequence(&session, "s", 1, 1, 1, INT64_MAX, false);
    check_row(&session, oid, 1, 0, false);
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    /* The row as PostgreSQL shows it: 32 values are logged ahead. */
    assert_int_equal(next(&session, oid), 1);
    check_row(&session, oid, 1, 32, true);
    assert_int_equal(next(&session, oid), 2);
    check_row(&session, oid, 2, 31, true);
    ddl_rollback(&session);
    session = ddl_begin(f, NULL);
    for (int i = 3; i <= 100; i++)
        assert_int_equal(next(&session, oid), i);
    MUST(rdb_sequence_set(session.access, oid, 500, true, &i_err));
    check_row(&session, oid, 500, 0, true);
    assert_int_equal(next(&session, oid), 501);
    MUST(rdb_sequence_set(session.access, oid, 700, false, &i_err));
    assert_int_equal(next(&session, oid), 700);
    REFUSED(rdb_sequence_set(session.access, oid, 0, true, &i_err), RDB_NUMERIC_VALUE_OUT_OF_RANGE,
            "setval: value 0 is out of bounds for sequence \"s\" (1..9223372036854775807)");
    /* Both ends, with and without a cycle; the last value before the end is given out. */
    uint32_t up = create_sequence(&session, "up", 9, 1, 1, 10, false), down = create_sequence(&session, "down", -8, -3, -10, -1, false);
    uint32_t cycle = create_sequence(&session, "cycle", 2, 2, 1, 5, true), edge = create_sequence(&session, "edge", INT64_MAX - 1, 1, 1, INT64_MAX, false);
    assert_int_equal(next(&session, up), 9);
    assert_int_equal(next(&session, up), 10);
    REFUSED(rdb_sequence_next(session.access, up, &value, &i_err), RDB_SEQUENCE_LIMIT_EXCEEDED, "nextval: reached maximum value of sequence \"up\" (10)");
    assert_int_equal(next(&session, down), -8);
    REFUSED(rdb_sequence_next(session.access, down, &value, &i_err), RDB_SEQUENCE_LIMIT_EXCEEDED, "nextval: reached minimum value of sequence \"down\" (-10)");
    static const int64_t around[] = {2, 4, 1, 3, 5, 1, 3};
    for (unsigned i = 0; i < RDB_COUNT_OF(around); i++)
        assert_int_equal(next(&session, cycle), around[i]);
    assert_int_equal(next(&session, edge), INT64_MAX - 1);
    assert_int_equal(next(&session, edge), INT64_MAX);
    REFUSED(rdb_sequence_next(session.access, edge, &value, &i_err), RDB_SEQUENCE_LIMIT_EXCEEDED,
            "nextval: reached maximum value of sequence \"edge\" (9223372036854775807)");
    uint32_t table = ddl_create_table(&session, "no_sequence");
    REFUSED(rdb_sequence_next(session.access, table, &value, &i_err), RDB_WRONG_OBJECT_TYPE, "\"no_sequence\" is not a sequence");
    ddl_commit(&session);
    /* A transaction that may not write. */
    session.f = f;
    MUST(rdb_txn_begin(f->txns, rdb_database_pdb(f->database), RDB_READ_COMMITTED, true, NULL, &session.txn, &i_err));
    const rdb_access_context context = {.catalog = f->catalog, .database = f->database, .txn = session.txn, .role_oid = RDB_ROLE_ADMIN_OID};
    MUST(rdb_access_begin(&session.access, &context, &i_err));
    REFUSED(rdb_sequence_next(session.access, oid, &value, &i_err), RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute nextval() in a read-only transaction");
    REFUSED(rdb_sequence_set(session.access, oid, 1, true, &i_err), RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute setval() in a read-only transaction");
    check_row(&session, oid, 700, 32, true);
    ddl_rollback(&session);
}

static void test_what_a_session_remembers(void **state)
{
    ddl_instance *f = *state;
    rdb_sequence_session *mine, *other;
    int64_t value;
    MUST(rdb_sequence_session_create(&mine, &i_err));
    MUST(rdb_sequence_session_create(&other, &i_err));
    ddl_session session = ddl_begin(f, mine);
    uint32_t a = create_sequence(&session, "a", 5, 1, 1, 100, false), b = create_sequence(&session, "b", 50, 1, 1, 100, false);
    REFUSED(rdb_sequence_current(session.access, a, &value, &i_err), RDB_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "currval of sequence \"a\" is not yet defined in this session");
    REFUSED(rdb_sequence_last(session.access, &value, &i_err), RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session");
    ddl_commit(&session);
    session = ddl_begin(f, mine);
    ddl_session stranger = ddl_begin(f, other);
    next(&session, a);
    next(&session, b);
    next(&session, a);
    next(&stranger, a);
    MUST(rdb_sequence_current(session.access, a, &value, &i_err));
    assert_int_equal(value, 6);
    MUST(rdb_sequence_last(session.access, &value, &i_err));
    assert_int_equal(value, 6);
    MUST(rdb_sequence_current(stranger.access, a, &value, &i_err));
    assert_int_equal(value, 7);
    /* setval gives currval, not lastval; one that says "not called" gives neither. */
    MUST(rdb_sequence_set(session.access, b, 60, true, &i_err));
    MUST(rdb_sequence_set(session.access, a, 90, false, &i_err));
    MUST(rdb_sequence_current(session.access, b, &value, &i_err));
    assert_int_equal(value, 60);
    MUST(rdb_sequence_last(session.access, &value, &i_err));
    assert_int_equal(value, 6);
    ddl_rollback(&session);
    ddl_commit(&stranger);
    session = ddl_begin(f, mine); /* a rollback takes nothing back */
    MUST(rdb_sequence_current(session.access, a, &value, &i_err));
    assert_int_equal(value, 6);
    MUST(rdb_ddl_drop(session.access, &(rdb_object_address){RDB_PG_CLASS, a, 0}, 1, false, NULL, NULL, &i_err));
    REFUSED(rdb_sequence_last(session.access, &value, &i_err), RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session");
    ddl_rollback(&session);
    rdb_sequence_session_forget(mine);
    session = ddl_begin(f, mine);
    REFUSED(rdb_sequence_current(session.access, b, &value, &i_err), RDB_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "currval of sequence \"b\" is not yet defined in this session");
    ddl_rollback(&session);
    rdb_sequence_session_destroy(&mine);
    rdb_sequence_session_destroy(&other);
}

static void take_ten(ddl_instance *f)
{
    ddl_session session = ddl_begin(f, NULL);
    for (int i = 1; i <= 10; i++)
        MUST(next(&session, ddl_find(&session, "ends")->oid) == i);
    ddl_commit(&session);
}

/* After a crash the values logged ahead are skipped; after a clean end none is. */
static void test_ends_of_an_instance(void **state)
{
    (void)state;
    ddl_open_database(&ddl_shared);
    ddl_session session = ddl_begin(&ddl_shared, NULL);
    uint32_t oid = create_sequence(&session, "ends", 1, 1, 1, 1000, false);
    ddl_commit(&session);
    ddl_close(&ddl_shared, true);
    ddl_crash_after(&ddl_shared, take_ten);
    ddl_open_database(&ddl_shared);
    session = ddl_begin(&ddl_shared, NULL);
    assert_int_equal(next(&session, oid), 34); /* 1 was asked for, 2 .. 33 were logged with it */
    ddl_commit(&session);
    ddl_close(&ddl_shared, true);
    ddl_open_database(&ddl_shared);
    session = ddl_begin(&ddl_shared, NULL);
    assert_int_equal(next(&session, oid), 35);
    ddl_commit(&session);
    ddl_close(&ddl_shared, true);
}

/* Unlike setval, a restart follows its transaction. */
static void test_restart(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    uint32_t oid = create_sequence(&session, "restarted", 3, 1, 1, 100, false);
    assert_int_equal(next(&session, oid), 3);
    assert_int_equal(next(&session, oid), 4);
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    MUST(rdb_ddl_restart_sequence(session.access, oid, &(int64_t){50}, &i_err));
    assert_int_equal(next(&session, oid), 50);
    ddl_rollback(&session);
    session = ddl_begin(f, NULL);
    assert_int_equal(next(&session, oid), 5);
    REFUSED(rdb_ddl_restart_sequence(session.access, oid, &(int64_t){101}, &i_err), RDB_INVALID_PARAMETER_VALUE,
            "RESTART value (101) cannot be greater than MAXVALUE (100)");
    MUST(rdb_ddl_restart_sequence(session.access, oid, NULL, &i_err));
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    assert_int_equal(next(&session, oid), 3);
    /* It can be given to a column, and goes with it. */
    uint32_t table = ddl_create_table(&session, "adopter"), found;
    MUST(rdb_ddl_own_sequence(session.access, oid, table, 1, &i_err));
    MUST(rdb_ddl_own_sequence(session.access, oid, table, 2, &i_err));
    MUST(rdb_sequence_of_column(session.access, table, 1, &found, &i_err));
    assert_int_equal(found, 0);
    MUST(rdb_ddl_drop(session.access, &(rdb_object_address){RDB_PG_CLASS, table, 2}, 1, false, NULL, NULL, &i_err));
    assert_null(ddl_find(&session, "restarted"));
    ddl_commit(&session);
}

enum { TAKERS = 4, VALUES_EACH = 2000 };
typedef struct taker {
    ddl_instance *f;
    uint32_t oid;
    int64_t values[VALUES_EACH];
} taker;

static void *take(void *taker_at)
{
    taker *t = taker_at;
    for (int i = 0; i < VALUES_EACH;) {
        ddl_session session = ddl_begin(t->f, NULL);
        for (int k = 0; k < 50; k++)
            t->values[i++] = next(&session, t->oid);
        if (i % 100 == 0)
            ddl_commit(&session);
        else
            ddl_rollback(&session);
    }
    return NULL;
}

static void test_no_value_twice_from_many_hands(void **state)
{
    ddl_instance *f = *state;
    static taker takers[TAKERS];
    static bool seen[TAKERS * VALUES_EACH + 1];
    pthread_t threads[TAKERS];
    ddl_session session = ddl_begin(f, NULL);
    uint32_t oid = create_sequence(&session, "shared_sequence", 1, 1, 1, INT64_MAX, false);
    ddl_commit(&session);
    for (int i = 0; i < TAKERS; i++) {
        takers[i].f = f;
        takers[i].oid = oid;
        assert_int_equal(pthread_create(&threads[i], NULL, take, &takers[i]), 0);
    }
    for (int i = 0; i < TAKERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < TAKERS; i++)
        for (int k = 0; k < VALUES_EACH; k++) {
            int64_t value = takers[i].values[k];
            assert_in_range(value, 1, TAKERS * VALUES_EACH); /* and so none was lost either */
            assert_false(seen[value]);
            assert_true(k == 0 || value > takers[i].values[k - 1]);
            seen[value] = true;
        }
}

static void test_owner(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    uint32_t table = ddl_create_table(&session, "owner"), serial, found;
    const rdb_sequence_definition definition = {.name = "owner_a_seq", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID,
                                                .type_oid = RDB_INT4OID, .start = 1, .increment = 1, .minimum = 1, .maximum = INT32_MAX, .cache = 1,
                                                .persistence = 'p', .owned_by_oid = table, .owned_by_column = 1};
    MUST(rdb_ddl_create_sequence(session.access, &definition, &serial, &i_err));
    MUST(rdb_sequence_of_column(session.access, table, 1, &found, &i_err));
    assert_int_equal(found, serial);
    MUST(rdb_sequence_of_column(session.access, table, 2, &found, &i_err));
    assert_int_equal(found, 0);
    MUST(rdb_ddl_drop(session.access, &(rdb_object_address){RDB_PG_CLASS, table, 0}, 1, false, NULL, NULL, &i_err));
    assert_null(ddl_find(&session, "owner_a_seq"));
    ddl_rollback(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_what_a_session_remembers, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test(test_ends_of_an_instance),
        cmocka_unit_test_setup_teardown(test_no_value_twice_from_many_hands, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_restart, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_owner, ddl_open_shared, ddl_close_shared),
    };
    return cmocka_run_group_tests(tests, ddl_make_shared, ddl_remove_shared);
}
