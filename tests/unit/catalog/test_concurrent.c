/* SPDX-License-Identifier: Apache-2.0
 * Sessions that look tables up while another changes them: each sees a table as it was before or after a commit, never a
 * mixture, and nobody keeps what a commit made stale. */
#include "fixture.h"

enum { READERS = 3, ROUNDS = 40 };

static instance shared;
static _Atomic uint32_t committed; /* columns that table "t" has for certain */
static _Atomic bool stop;

/* cmocka's asserts jump, which a thread of our own cannot. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s: %s %s\n", __FILE__, __LINE__, #condition, err.sqlstate, err.message); \
            abort();                                                           \
        }                                                                      \
    } while (0)

static void read_table(void *argument)
{
    rdb_error err = {0};
    (void)argument;
    while (!atomic_load(&stop)) {
        rdb_txn *txn;
        rdb_access *access;
        const rdb_relation *relation, *fleeting;
        CHECK(rdb_txn_begin(shared.txns, rdb_database_pdb(shared.database), RDB_READ_COMMITTED, true, NULL, &txn, &err));
        const uint32_t at_least = atomic_load(&committed);
        const rdb_access_context context = {.catalog = shared.catalog, .database = shared.database, .txn = txn, .role_oid = RDB_ROLE_ADMIN_OID,
                                            .role_name = "admin", .search_path = "public"};
        CHECK(rdb_access_begin(&access, &context, &err));
        CHECK(rdb_relation_find(access, NULL, "t", &relation, &err) && relation != NULL);
        CHECK(relation->column_count >= at_least);
        CHECK(relation->table.layout_count == relation->column_count); /* one for the table, one for each column added */
        for (uint16_t i = 0; i < relation->column_count; i++)
            CHECK(relation->columns[i].number == i + 1 && relation->columns[i].type->oid == RDB_INT4OID);
        CHECK(rdb_relation_find(access, NULL, "fleeting", &fleeting, &err));
        CHECK(fleeting == NULL || fleeting->column_count == 1);
        rdb_access_end(&access);
        rdb_txn_abort(&txn);
    }
}

static void test_lookups_beside_changes(void **state)
{
    rdb_thread *threads[READERS];
    (void)state;
    instance_begin(&shared);
    const rdb_column_definition column = {.name = "a", .type = objects_type_get(RDB_INT4OID), .typmod = -1};
    session s = session_begin(&shared);
    rdb_relation_definition definition = {.name = "t", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r',
                                          .persistence = 'p', .columns = &column, .column_count = 1};
    uint32_t oid, fleeting;
    MUST(&shared, rdb_ddl_create_relation(s.access, &definition, &oid, &shared.err));
    session_commit(&s);
    atomic_store(&committed, 1);
    for (int i = 0; i < READERS; i++)
        MUST(&shared, rdb_thread_start(&threads[i], "reader", read_table, NULL, &shared.err));
    definition.name = "fleeting";
    for (int round = 0; round < ROUNDS; round++) {
        char name[16];
        int16_t number;
        snprintf(name, sizeof name, "c%d", round);
        const rdb_column_definition added = {.name = name, .type = objects_type_get(RDB_INT4OID), .typmod = -1};
        s = session_begin(&shared);
        MUST(&shared, rdb_ddl_add_column(s.access, oid, &added, &number, &shared.err));
        MUST(&shared, rdb_ddl_create_relation(s.access, &definition, &fleeting, &shared.err));
        if (round % 4 == 3) {
            session_abort(&s);
            continue;
        }
        session_commit(&s);
        atomic_fetch_add(&committed, 1);
        s = session_begin(&shared);
        const rdb_object_address object = {RDB_PG_CLASS, fleeting, 0};
        MUST(&shared, rdb_ddl_drop(s.access, &object, 1, false, NULL, NULL, &shared.err));
        session_commit(&s);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++)
        rdb_thread_join(&threads[i]);
    s = session_begin(&shared);
    const rdb_relation *relation;
    MUST(&shared, rdb_relation_find(s.access, NULL, "t", &relation, &shared.err));
    assert_int_equal(relation->column_count, 1 + ROUNDS - ROUNDS / 4);
    MUST(&shared, rdb_relation_find(s.access, NULL, "fleeting", &relation, &shared.err));
    assert_null(relation);
    session_abort(&s);
    instance_end(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lookups_beside_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
