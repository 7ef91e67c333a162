/* SPDX-License-Identifier: Apache-2.0
 * Rows with their indexes: unique keys hold under updates, deletes, aborts, nulls, partial indexes and many writers at once;
 * ON CONFLICT finds the row in the way and leaves nothing behind. */
#include "fixture.h"

typedef struct table_fixture {
    instance f;
    uint32_t oid;
} table_fixture;

/* t (id int4, number int4): unique on id, and on number where asked. predicate: of the index on number. */
static void make_table(table_fixture *t, bool has_second, const char *predicate, bool nulls_not_distinct)
{
    instance_begin(&t->f);
    session s = session_begin(&t->f);
    const rdb_type *type = objects_type_get(RDB_INT4OID);
    const rdb_column_definition columns[] = {{.name = "id", .type = type, .typmod = -1}, {.name = "number", .type = type, .typmod = -1}};
    const rdb_relation_definition definition = {.name = "t", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r',
                                                .persistence = 'p', .columns = columns, .column_count = 2};
    MUST(&t->f, rdb_ddl_create_relation(s.access, &definition, &t->oid, &t->f.err));
    for (int16_t column = 1; column <= (has_second ? 2 : 1); column++) {
        uint32_t opclass, oid;
        MUST(&t->f, rdb_opclass_default(s.access, type->oid, &opclass, &t->f.err));
        const rdb_index_column key = {.column_number = column, .type = type, .opclass_oid = opclass};
        const char *const names[] = {columns[column - 1].name};
        const rdb_index_definition index = {.name = column == 1 ? "t_id" : "t_number", .table_oid = t->oid, .is_unique = true,
                                            .nulls_not_distinct = nulls_not_distinct, .is_immediate = true, .columns = &key, .key_count = 1,
                                            .column_count = 1, .column_names = names, .predicate_tree = column == 2 ? predicate : NULL};
        MUST(&t->f, rdb_ddl_create_index(s.access, &index, &oid, &t->f.err));
    }
    session_commit(&s);
}

static const rdb_relation *table_of(session *s)
{
    const rdb_relation *relation;
    MUST(s->f, rdb_relation_find(s->access, NULL, "t", &relation, &s->f->err));
    return relation;
}

enum { NIL = -1 };
static bool insert(session *s, int32_t id, int32_t number, uint16_t conflict_index, rdb_row_address *address, rdb_row_address *conflict, rdb_error *err)
{
    rdb_snapshot snapshot;
    rdb_arena *arena = rdb_arena_create("insert", NULL, NULL);
    const rdb_datum values[] = {{.i32 = id}, {.i32 = number}};
    const bool is_null[] = {id == NIL, number == NIL};
    rdb_txn_take_snapshot(s->txn, &snapshot);
    const rdb_row_writer writer = {.txn = s->txn, .snapshot = &snapshot, .relation = table_of(s), .arena = arena};
    bool ok = rdb_row_insert(&writer, values, is_null, NULL, conflict_index, address, conflict, err);
    rdb_arena_destroy(arena);
    return ok;
}

static void must_insert(session *s, int32_t id, int32_t number, rdb_row_address *address)
{
    rdb_row_address conflict;
    MUST(s->f, insert(s, id, number, RDB_CONFLICT_ERROR, address, &conflict, &s->f->err));
}

/* The row at the address as a snapshot of now sees it. */
static bool read_row(session *s, rdb_row_address address, int32_t *id, int32_t *number, rdb_row_version *version)
{
    const rdb_relation *table = table_of(s);
    const int16_t columns[] = {1, 2};
    rdb_vector storage[2], *vectors[] = {&storage[0], &storage[1]};
    rdb_snapshot snapshot;
    bool found, recheck;
    MUST(s->f, rdb_vector_init(vectors[0], s->f->arena, RDB_REP_INT32, 1, &s->f->err) && rdb_vector_init(vectors[1], s->f->arena, RDB_REP_INT32, 1, &s->f->err));
    rdb_txn_take_snapshot(s->txn, &snapshot);
    MUST(s->f, rdb_table_fetch(&table->table, s->txn, &snapshot, &address, 1, columns, 2, s->f->arena, vectors, &found, &recheck, version, &s->f->err));
    if (found) {
        *id = rdb_vector_is_null(vectors[0], 0) ? NIL : RDB_AT(vectors[0], int32_t, 0);
        *number = rdb_vector_is_null(vectors[1], 0) ? NIL : RDB_AT(vectors[1], int32_t, 0);
    }
    return found;
}

static bool update(session *s, rdb_row_address address, int32_t id, int32_t number, rdb_write_outcome *outcome)
{
    int32_t old_id = 0, old_number = 0;
    rdb_row_version seen;
    assert_true(read_row(s, address, &old_id, &old_number, &seen));
    const rdb_datum old_values[] = {{.i32 = old_id}, {.i32 = old_number}}, values[] = {{.i32 = id}, {.i32 = number}};
    const bool old_is_null[] = {old_id == NIL, old_number == NIL}, is_null[] = {id == NIL, number == NIL};
    rdb_snapshot snapshot;
    rdb_txn_take_snapshot(s->txn, &snapshot);
    const rdb_row_writer writer = {.txn = s->txn, .snapshot = &snapshot, .relation = table_of(s), .arena = s->f->arena};
    return rdb_row_update(&writer, address, seen, old_values, old_is_null, values, is_null, NULL, NULL, outcome, &s->f->err);
}

static void must_update(session *s, rdb_row_address address, int32_t id, int32_t number)
{
    rdb_write_outcome outcome;
    MUST(s->f, update(s, address, id, number, &outcome));
    assert_int_equal(outcome, RDB_WRITE_DONE);
}

static void must_delete(session *s, rdb_row_address address)
{
    int32_t id = 0, number = 0;
    rdb_row_version seen;
    rdb_write_outcome outcome;
    assert_true(read_row(s, address, &id, &number, &seen));
    const rdb_datum values[] = {{.i32 = id}, {.i32 = number}};
    const bool is_null[] = {id == NIL, number == NIL};
    rdb_snapshot snapshot;
    rdb_txn_take_snapshot(s->txn, &snapshot);
    const rdb_row_writer writer = {.txn = s->txn, .snapshot = &snapshot, .relation = table_of(s), .arena = s->f->arena};
    MUST(s->f, rdb_row_delete(&writer, address, seen, values, is_null, NULL, &outcome, &s->f->err));
    assert_int_equal(outcome, RDB_WRITE_DONE);
}

static void must_refuse(session *s, int32_t id, int32_t number)
{
    rdb_row_address address, conflict;
    MUST_FAIL(s->f, RDB_UNIQUE_VIOLATION, insert(s, id, number, RDB_CONFLICT_ERROR, &address, &conflict, &s->f->err));
}

/* An entry of a key that its row had once does not stand in anybody's way, and does not let anybody pass either. */
static void test_keys_that_move(void **state)
{
    static table_fixture t;
    rdb_row_address first, second;
    rdb_write_outcome outcome;
    (void)state;
    make_table(&t, false, NULL, false);
    session s = session_begin(&t.f);
    must_insert(&s, 1, 10, &first);
    must_insert(&s, 2, 20, &second);
    session_commit(&s);
    s = session_begin(&t.f);
    must_update(&s, first, 5, 10);
    session_commit(&s);
    s = session_begin(&t.f);
    must_refuse(&s, 5, 0);
    session_abort(&s);
    s = session_begin(&t.f);
    MUST_FAIL(&t.f, RDB_UNIQUE_VIOLATION, update(&s, second, 5, 20, &outcome));
    session_abort(&s);
    s = session_begin(&t.f);
    must_update(&s, first, 1, 10); /* back again: its old entry is there still */
    session_commit(&s);
    s = session_begin(&t.f);
    must_refuse(&s, 1, 0);
    session_abort(&s);
    s = session_begin(&t.f);
    rdb_row_address third;
    must_insert(&s, 5, 50, &third); /* nobody has it any more */
    must_delete(&s, second);
    must_insert(&s, 2, 21, &second);
    session_commit(&s);
    instance_end(&t.f);
}

static void test_aborts_free_keys(void **state)
{
    static table_fixture t;
    rdb_row_address address;
    (void)state;
    make_table(&t, false, NULL, false);
    session s = session_begin(&t.f);
    must_insert(&s, 1, 10, &address);
    session_abort(&s);
    s = session_begin(&t.f);
    must_insert(&s, 1, 11, &address);
    session_commit(&s);
    s = session_begin(&t.f);
    must_delete(&s, address);
    session_abort(&s);
    s = session_begin(&t.f);
    must_refuse(&s, 1, 12);
    session_abort(&s);
    instance_end(&t.f);
}

static void test_nulls(void **state)
{
    static table_fixture t;
    rdb_row_address address;
    (void)state;
    make_table(&t, false, NULL, false);
    session s = session_begin(&t.f);
    must_insert(&s, NIL, 1, &address);
    must_insert(&s, NIL, 2, &address);
    session_commit(&s);
    instance_end(&t.f);
    make_table(&t, false, NULL, true); /* NULLS NOT DISTINCT */
    s = session_begin(&t.f);
    must_insert(&s, NIL, 1, &address);
    must_refuse(&s, NIL, 2);
    session_abort(&s);
    instance_end(&t.f);
}

static void test_on_conflict(void **state)
{
    static table_fixture t;
    rdb_row_address first, address, conflict;
    (void)state;
    make_table(&t, true, NULL, false);
    session s = session_begin(&t.f);
    must_insert(&s, 1, 10, &first);
    session_commit(&s);
    s = session_begin(&t.f);
    MUST(&t.f, insert(&s, 1, 11, 0, &address, &conflict, &t.f.err));
    assert_int_equal(address, 0);
    assert_true(conflict == first);
    MUST(&t.f, insert(&s, 2, 10, RDB_CONFLICT_ANY, &address, &conflict, &t.f.err));
    assert_true(conflict == first);
    /* A conflict in another index than the one asked about is an error. */
    MUST_FAIL(&t.f, RDB_UNIQUE_VIOLATION, insert(&s, 2, 10, 0, &address, &conflict, &t.f.err));
    session_abort(&s);
    s = session_begin(&t.f);
    MUST(&t.f, insert(&s, 2, 20, RDB_CONFLICT_ANY, &address, &conflict, &t.f.err));
    assert_int_not_equal(address, 0);
    assert_int_equal(conflict, 0);
    /* Its own row of before is in the way too. */
    rdb_row_address again;
    MUST(&t.f, insert(&s, 2, 21, 0, &again, &conflict, &t.f.err));
    assert_true(conflict == address);
    session_commit(&s);
    instance_end(&t.f);
}

/* The index takes rows with number > 100 only. */
static bool compute_partial(void *context, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                            rdb_index_values *index_values, rdb_error *err)
{
    (void)context;
    (void)index;
    (void)err;
    *index_values = (rdb_index_values){.is_excluded = is_null[1] || values[1].i32 <= 100};
    return true;
}

static bool insert_partial(session *s, int32_t id, int32_t number, rdb_row_address *address)
{
    rdb_snapshot snapshot;
    const rdb_datum values[] = {{.i32 = id}, {.i32 = number}};
    const bool is_null[] = {false, false};
    rdb_index_values computed[2] = {{0}};
    const rdb_relation *table = table_of(s);
    for (uint16_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].predicate_tree != NULL)
            MUST(s->f, compute_partial(NULL, &table->indexes[i], values, is_null, &computed[i], &s->f->err));
    rdb_txn_take_snapshot(s->txn, &snapshot);
    const rdb_row_writer writer = {.txn = s->txn, .snapshot = &snapshot, .relation = table, .arena = s->f->arena, .compute_index = compute_partial};
    return rdb_row_insert(&writer, values, is_null, computed, RDB_CONFLICT_ERROR, address, NULL, &s->f->err);
}

static void test_partial_index(void **state)
{
    static table_fixture t;
    rdb_row_address address;
    (void)state;
    make_table(&t, true, "{number > 100}", false);
    session s = session_begin(&t.f);
    assert_true(insert_partial(&s, 1, 50, &address) && insert_partial(&s, 2, 50, &address) && insert_partial(&s, 3, 200, &address));
    MUST_FAIL(&t.f, RDB_UNIQUE_VIOLATION, insert_partial(&s, 4, 200, &address));
    session_abort(&s);
    instance_end(&t.f);
}

static void test_many_at_once(void **state)
{
    static table_fixture t;
    enum { ROWS = 700 };
    static rdb_datum values[ROWS][2];
    static bool is_null[ROWS][2];
    static const rdb_datum *value_rows[ROWS];
    static const bool *null_rows[ROWS];
    static rdb_row_address addresses[ROWS];
    rdb_snapshot snapshot;
    (void)state;
    make_table(&t, true, NULL, false);
    for (int32_t i = 0; i < ROWS; i++) {
        values[i][0].i32 = ROWS - i;
        values[i][1].i32 = i * 3;
        value_rows[i] = values[i];
        null_rows[i] = is_null[i];
    }
    session s = session_begin(&t.f);
    rdb_txn_take_snapshot(s.txn, &snapshot);
    const rdb_row_writer writer = {.txn = s.txn, .snapshot = &snapshot, .relation = table_of(&s), .arena = t.f.arena};
    MUST(&t.f, rdb_row_insert_many(&writer, value_rows, null_rows, ROWS, NULL, addresses, &t.f.err));
    session_commit(&s);
    s = session_begin(&t.f);
    const rdb_relation *table = table_of(&s);
    for (uint16_t i = 0; i < table->index_count; i++) {
        rdb_index_statistics statistics;
        MUST(&t.f, rdb_index_verify(&table->indexes[i].index, &statistics, &t.f.err));
        assert_int_equal(statistics.entries, ROWS);
    }
    must_refuse(&s, 7, -5);
    session_abort(&s);
    s = session_begin(&t.f); /* two equal ones in one call */
    values[0][0].i32 = values[1][0].i32 = 9999;
    values[0][1].i32 = 100000;
    values[1][1].i32 = 100001;
    rdb_txn_take_snapshot(s.txn, &snapshot);
    const rdb_row_writer again = {.txn = s.txn, .snapshot = &snapshot, .relation = table_of(&s), .arena = t.f.arena};
    MUST_FAIL(&t.f, RDB_UNIQUE_VIOLATION, rdb_row_insert_many(&again, value_rows, null_rows, 2, NULL, addresses, &t.f.err));
    session_abort(&s);
    instance_end(&t.f);
}

/* ---- many writers -------------------------------------------------------------------------------------------------------------- */
enum { WRITERS = 4, KEYS = 120 };
static table_fixture contended;
static _Atomic uint32_t won[KEYS];

static void write_all_keys(void *argument)
{
    const bool answers_conflicts = (uintptr_t)argument % 2 == 0;
    rdb_error err = {0};
    for (int32_t key = 0; key < KEYS; key++) {
        session s = {.f = &contended.f};
        rdb_row_address address = 0, conflict = 0;
        rdb_scn scn;
        if (!rdb_txn_begin(contended.f.txns, rdb_database_pdb(contended.f.database), RDB_READ_COMMITTED, false, NULL, &s.txn, &err))
            abort();
        session_access(&s);
        bool ok = insert(&s, key, key, answers_conflicts ? RDB_CONFLICT_ANY : RDB_CONFLICT_ERROR, &address, &conflict, &err);
        bool inserted = ok && address != 0;
        if (!ok && !rdb_error_is(&err, RDB_UNIQUE_VIOLATION)) {
            fprintf(stderr, "%s %s\n", err.sqlstate, err.message);
            abort();
        }
        rdb_error_clear(&err);
        rdb_access_end(&s.access);
        /* Some of those who were first give up: then one who waited is next. */
        if (!inserted || ((uintptr_t)argument == 1 && key % 3 == 0)) {
            rdb_txn_abort(&s.txn);
        } else {
            if (!rdb_txn_commit(&s.txn, RDB_COMMIT_LOCAL, &scn, &err))
                abort();
            atomic_fetch_add(&won[key], 1);
        }
    }
}

static void test_one_winner_a_key(void **state)
{
    rdb_thread *threads[WRITERS];
    (void)state;
    make_table(&contended, true, NULL, false);
    for (uintptr_t i = 0; i < WRITERS; i++)
        MUST(&contended.f, rdb_thread_start(&threads[i], "writer", write_all_keys, (void *)i, &contended.f.err));
    for (int i = 0; i < WRITERS; i++)
        rdb_thread_join(&threads[i]);
    for (int32_t key = 0; key < KEYS; key++)
        assert_int_equal(atomic_load(&won[key]), 1);
    instance_end(&contended.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_move),
        cmocka_unit_test(test_aborts_free_keys),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_on_conflict),
        cmocka_unit_test(test_partial_index),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_one_winner_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
