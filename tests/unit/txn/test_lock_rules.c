/* SPDX-License-Identifier: Apache-2.0
 * The lock manager by one thread: who excludes whom, what is kept and what falls, against a plain model. */
#include "txn/lock_int.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

static lock_owner *begin(rdb_lock_table *table)
{
    lock_owner *owner = lock_owner_begin(table, NULL, NULL);
    assert_non_null(owner);
    return owner;
}

static void end(lock_owner *owner)
{
    lock_owner_release_all(owner, true);
    lock_owner_end(owner);
}

/* Tries without waiting. */
static bool try_lock(lock_owner *owner, rdb_lock_tag tag, rdb_lock_mode mode, uint32_t level)
{
    rdb_error err = {0};
    bool taken;
    assert_true(lock_owner_acquire(owner, tag, mode, level, RDB_LOCK_SKIP, 0, NULL, &taken, &err));
    return taken;
}

static bool try_row(lock_owner *owner, uint64_t address, rdb_row_lock strength, uint32_t level)
{
    rdb_error err = {0};
    bool taken;
    assert_true(lock_row_acquire(owner, 5, 77, address, strength, level, RDB_LOCK_SKIP, 0, NULL, &taken, &err));
    return taken;
}

static void count_one(void *context, const rdb_lock_info *info)
{
    (void)info;
    ++*(unsigned *)context;
}

static unsigned count_locks(rdb_lock_table *table)
{
    unsigned count = 0;
    lock_table_visit(table, count_one, &count);
    return count;
}

static void assert_empty(rdb_lock_table *table)
{
    assert_int_equal(count_locks(table), 0);
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++) {
        assert_int_equal(table->partitions[i].object_count, 0);
        assert_int_equal(table->partitions[i].row_objects, 0);
    }
    for (unsigned i = 0; i < LOCK_STRONG_COUNTERS; i++)
        assert_int_equal(table->strong[i], 0);
}

/* Rows: held, columns: asked, in the order of the modes; x excludes. PostgreSQL's manual, table 13.2. */
static const char *const TABLE_CONFLICTS[8] = {
    ".......x", /* ACCESS SHARE */
    "......xx", /* ROW SHARE */
    "....xxxx", /* ROW EXCLUSIVE */
    "...xxxxx", /* SHARE UPDATE EXCLUSIVE */
    "..xx.xxx", /* SHARE */
    "..xxxxxx", /* SHARE ROW EXCLUSIVE */
    ".xxxxxxx", /* EXCLUSIVE */
    "xxxxxxxx", /* ACCESS EXCLUSIVE */
};
static const char *const ROW_CONFLICTS[4] = {
    "...x", /* FOR KEY SHARE */
    "..xx", /* FOR SHARE */
    ".xxx", /* FOR NO KEY UPDATE */
    "xxxx", /* FOR UPDATE */
};

static void test_table_modes_exclude_as_the_manual_says(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    static const uint8_t KINDS[] = {RDB_LOCK_RELATION, RDB_LOCK_OBJECT, RDB_LOCK_ADVISORY, RDB_LOCK_DATABASE};
    for (unsigned k = 0; k < RDB_COUNT_OF(KINDS); k++)
        for (unsigned held = 0; held < 8; held++)
            for (unsigned asked = 0; asked < 8; asked++) {
                lock_owner *a = begin(table), *b = begin(table);
                rdb_lock_tag tag = {.kind = KINDS[k], .pdb = 5, .a = 16384};
                assert_true(try_lock(a, tag, (rdb_lock_mode)(held + 1), 0));
                assert_int_equal(try_lock(b, tag, (rdb_lock_mode)(asked + 1), 0), TABLE_CONFLICTS[held][asked] == '.');
                /* Oneself never excludes oneself, whatever the modes. */
                lock_owner_release_all(b, false);
                assert_true(try_lock(a, tag, (rdb_lock_mode)(asked + 1), 0));
                /* Another tag is another lock. */
                rdb_lock_tag other = tag;
                other.pdb = 6;
                assert_true(try_lock(b, other, RDB_LOCK_ACCESS_EXCLUSIVE, 0));
                end(a);
                end(b);
            }
    assert_empty(table);
    lock_table_destroy(table);
}

static void test_row_strengths_exclude_as_the_manual_says(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    for (unsigned held = 0; held < 4; held++)
        for (unsigned asked = 0; asked < 4; asked++) {
            lock_owner *a = begin(table), *b = begin(table);
            uint64_t address = UINT64_C(9) << 16 | 300;
            bool free_to_ask = ROW_CONFLICTS[held][asked] == '.';
            assert_true(lock_row_is_free(table, b, 5, 77, address, (rdb_row_lock)asked, false));
            assert_true(try_row(a, address, (rdb_row_lock)held, 0));
            assert_int_equal(lock_row_is_free(table, b, 5, 77, address, (rdb_row_lock)asked, false), free_to_ask);
            assert_int_equal(lock_row_is_free(table, NULL, 5, 77, address, (rdb_row_lock)asked, false), free_to_ask);
            assert_true(lock_row_is_free(table, a, 5, 77, address, (rdb_row_lock)asked, false));
            assert_int_equal(try_row(b, address, (rdb_row_lock)asked, 0), free_to_ask);
            assert_true(try_row(b, address + 1, RDB_ROW_UPDATE, 0)); /* a neighbour in the same entry */
            assert_true(try_row(b, address + (1 << 16), RDB_ROW_UPDATE, 0));
            end(a);
            end(b);
        }
    assert_empty(table);
    lock_table_destroy(table);
}

/* Whoever waits for a writer with a row lock in hand does not hinder that writer; whoever has the lock for sure does. */
static void test_a_writer_passes_over_tentative_row_locks(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    lock_owner *writer = begin(table), *other = begin(table), *third = begin(table);
    uint64_t address = UINT64_C(4) << 16 | 9;
    assert_true(try_row(other, address, RDB_ROW_KEY_SHARE, 0));
    assert_true(try_row(other, address + 1, RDB_ROW_UPDATE, 0));
    assert_false(lock_row_is_free(table, writer, 5, 77, address, RDB_ROW_UPDATE, false));
    assert_true(lock_row_is_free(table, writer, 5, 77, address, RDB_ROW_UPDATE, true));
    lock_row_confirm(other, 5, 77, address);
    assert_false(lock_row_is_free(table, writer, 5, 77, address, RDB_ROW_UPDATE, true));
    assert_true(lock_row_is_free(table, writer, 5, 77, address, RDB_ROW_NO_KEY_UPDATE, true));
    assert_true(lock_row_is_free(table, writer, 5, 77, address + 1, RDB_ROW_UPDATE, true)); /* another row, not confirmed */
    assert_true(try_row(other, address, RDB_ROW_KEY_SHARE, 0)); /* again: stays confirmed */
    assert_false(lock_row_is_free(table, writer, 5, 77, address, RDB_ROW_UPDATE, true));
    assert_true(try_row(third, address, RDB_ROW_SHARE, 0));
    lock_owner_release_all(other, false);
    assert_true(lock_row_is_free(table, writer, 5, 77, address, RDB_ROW_UPDATE, true));
    end(writer);
    end(other);
    end(third);
    assert_empty(table);
    lock_table_destroy(table);
}

static void test_nowait_says_what_it_could_not_have(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    lock_owner *a = begin(table), *b = begin(table);
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = 5, .a = 16384};
    assert_true(try_lock(a, tag, RDB_LOCK_EXCLUSIVE, 0));
    assert_true(try_row(a, 1 << 16, RDB_ROW_UPDATE, 0));
    rdb_error err = {0};
    bool taken = true;
    assert_false(lock_owner_acquire(b, tag, RDB_LOCK_SHARE, 0, RDB_LOCK_NOWAIT, 0, "orders", &taken, &err));
    assert_false(taken);
    assert_string_equal(err.sqlstate, "55P03");
    assert_string_equal(err.message, "could not obtain lock on relation \"orders\"");
    rdb_error_clear(&err);
    assert_false(lock_row_acquire(b, 5, 77, 1 << 16, RDB_ROW_SHARE, 0, RDB_LOCK_NOWAIT, 0, "orders", &taken, &err));
    assert_string_equal(err.message, "could not obtain lock on row in relation \"orders\"");
    rdb_error_clear(&err);
    end(a);
    end(b);
    assert_empty(table);
    lock_table_destroy(table);
}

static void test_weak_locks_stay_out_of_the_table_until_a_strong_one_comes(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    lock_owner *a = begin(table), *b = begin(table);
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = 5, .a = 16384};
    lock_partition *partition = lock_partition_of(table, lock_tag_hash(tag));
    assert_true(try_lock(a, tag, RDB_LOCK_ACCESS_SHARE, 0));
    assert_true(try_lock(a, tag, RDB_LOCK_ROW_EXCLUSIVE, 0));
    assert_int_equal(partition->object_count, 0);
    assert_int_equal(count_locks(table), 2);
    assert_false(try_lock(b, tag, RDB_LOCK_SHARE, 0)); /* moves a's */
    assert_int_equal(partition->object_count, 1);
    assert_int_equal(count_locks(table), 2);
    assert_true(lock_owner_release(a, tag, RDB_LOCK_ROW_EXCLUSIVE, false));
    assert_true(try_lock(b, tag, RDB_LOCK_SHARE, 0));
    assert_true(try_lock(a, tag, RDB_LOCK_ROW_SHARE, 0)); /* beside a moved one: in the table */
    assert_false(try_lock(a, tag, RDB_LOCK_ROW_EXCLUSIVE, 0));
    assert_false(try_lock(b, tag, RDB_LOCK_ACCESS_EXCLUSIVE, 0));
    lock_owner_release_all(a, false);
    assert_true(try_lock(b, tag, RDB_LOCK_ACCESS_EXCLUSIVE, 0)); /* an upgrade */
    lock_owner_release_all(b, false);
    assert_int_equal(partition->object_count, 0);
    assert_true(try_lock(a, tag, RDB_LOCK_ACCESS_SHARE, 0));
    assert_int_equal(partition->object_count, 0); /* the fast path is open again */
    end(a);
    end(b);
    assert_empty(table);
    lock_table_destroy(table);
}

/* More weak locks than an owner has slots go to the table and exclude all the same. */
static void test_weak_locks_beyond_the_slots_hold(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    lock_owner *a = begin(table), *b = begin(table);
    for (uint64_t oid = 1; oid <= 100; oid++)
        assert_true(try_lock(a, (rdb_lock_tag){.kind = RDB_LOCK_RELATION, .pdb = 5, .a = oid}, RDB_LOCK_ACCESS_SHARE, 0));
    assert_int_equal(count_locks(table), 100);
    for (uint64_t oid = 1; oid <= 100; oid++) {
        rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = 5, .a = oid};
        assert_false(try_lock(b, tag, RDB_LOCK_ACCESS_EXCLUSIVE, 0));
        assert_true(try_lock(b, tag, RDB_LOCK_EXCLUSIVE, 0));
        assert_true(lock_owner_holds(a, tag, RDB_LOCK_ACCESS_SHARE));
    }
    end(a);
    end(b);
    assert_empty(table);
    lock_table_destroy(table);
}

static void test_session_locks_outlive_transactions(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    lock_owner *a = begin(table), *b = begin(table);
    for (uint64_t key = 0; key < 200; key++) {
        rdb_lock_tag tag = {.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = key, .b = 1};
        assert_true(try_lock(a, tag, RDB_LOCK_EXCLUSIVE, key % 2 == 0 ? LOCK_LEVEL_SESSION : 0));
        if (key % 4 == 0)
            assert_true(try_lock(a, tag, RDB_LOCK_EXCLUSIVE, 0)); /* both: the session's stays */
    }
    for (unsigned round = 0; round < 2; round++) {
        lock_owner_release_all(a, false);
        for (uint64_t key = 0; key < 200; key++) {
            rdb_lock_tag tag = {.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = key, .b = 1};
            assert_int_equal(lock_owner_holds(a, tag, RDB_LOCK_EXCLUSIVE), key % 2 == 0);
            assert_int_equal(try_lock(b, tag, RDB_LOCK_SHARE, 0), key % 2 != 0);
        }
        lock_owner_release_all(b, false);
    }
    rdb_lock_tag tag = {.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = 4, .b = 1};
    assert_true(try_lock(a, tag, RDB_LOCK_EXCLUSIVE, LOCK_LEVEL_SESSION)); /* counted: twice now */
    assert_false(lock_owner_release(a, tag, RDB_LOCK_EXCLUSIVE, false));
    assert_true(lock_owner_release(a, tag, RDB_LOCK_EXCLUSIVE, true));
    assert_false(try_lock(b, tag, RDB_LOCK_SHARE, 0));
    assert_true(lock_owner_release(a, tag, RDB_LOCK_EXCLUSIVE, true));
    assert_false(lock_owner_release(a, tag, RDB_LOCK_EXCLUSIVE, true));
    assert_true(try_lock(b, tag, RDB_LOCK_SHARE, 0));
    lock_owner_release_session(a, RDB_LOCK_ADVISORY);
    lock_owner_release_all(a, false);
    assert_int_equal(count_locks(table), 1);
    end(a);
    end(b);
    assert_empty(table);
    lock_table_destroy(table);
}

static void test_an_xid_is_locked_until_its_level_falls(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    lock_owner *a = begin(table), *b = begin(table);
    rdb_error err = {0};
    bool ended;
    /* The top xid may come after row locks of a deeper level were taken. */
    assert_true(try_row(a, 1 << 16, RDB_ROW_UPDATE, 2));
    assert_true(lock_xid_register(a, 5, 100, 0, &err));
    assert_true(lock_xid_register(a, 5, 101, 2, &err));
    for (rdb_xid xid = 100; xid <= 101; xid++) {
        assert_true(lock_xid_wait(b, 5, xid, RDB_LOCK_SKIP, 0, &ended, &err));
        assert_false(ended);
        assert_true(lock_xid_wait(a, 5, xid, RDB_LOCK_WAIT, 0, &ended, &err)); /* one's own */
        assert_true(ended);
    }
    assert_true(lock_xid_wait(b, 6, 100, RDB_LOCK_SKIP, 0, &ended, &err));
    assert_true(ended);
    lock_owner_release_level(a, 1);
    assert_true(lock_xid_wait(b, 5, 101, RDB_LOCK_SKIP, 0, &ended, &err));
    assert_true(ended);
    assert_true(lock_row_is_free(table, b, 5, 77, 1 << 16, RDB_ROW_UPDATE, false));
    assert_true(lock_xid_register(a, 5, 102, 3, &err));
    lock_owner_merge_level(a, 3);
    lock_owner_merge_level(a, 2);
    lock_owner_release_level(a, 2);
    assert_true(lock_xid_wait(b, 5, 102, RDB_LOCK_SKIP, 0, &ended, &err));
    assert_false(ended);
    lock_owner_release_level(a, 1);
    assert_true(lock_xid_wait(b, 5, 102, RDB_LOCK_SKIP, 0, &ended, &err));
    assert_true(ended);
    assert_false(lock_xid_wait(b, 5, 100, RDB_LOCK_NOWAIT, 0, &ended, &err));
    assert_string_equal(err.sqlstate, "55P03");
    end(a);
    end(b);
    assert_empty(table);
    lock_table_destroy(table);
}

/* ---- a model: lists of (owner, tag, mode, level), asked by brute force -------------------------------------------------- */
#define OWNERS 6
#define TAGS 5
#define HELD_MAX 4096
typedef struct held {
    unsigned owner, tag, mode;
    uint32_t level;
} held;
typedef struct model {
    held held[HELD_MAX];
    unsigned count;
} model;

static bool model_blocks(const model *m, unsigned owner, unsigned tag, unsigned mode, bool rows)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->held[i].owner != owner && m->held[i].tag == tag &&
            (rows ? ROW_CONFLICTS[m->held[i].mode][mode] : TABLE_CONFLICTS[m->held[i].mode - 1][mode - 1]) == 'x')
            return true;
    return false;
}

static void model_drop(model *m, unsigned owner, uint32_t level, bool with_session)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < m->count; i++)
        if (m->held[i].owner != owner || (m->held[i].level == LOCK_LEVEL_SESSION ? !with_session : m->held[i].level < level))
            m->held[kept++] = m->held[i];
    m->count = kept;
}

static void model_merge(model *m, unsigned owner, uint32_t level)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->held[i].owner == owner && m->held[i].level != LOCK_LEVEL_SESSION && m->held[i].level >= level)
            m->held[i].level = level - 1;
}

static bool model_release(model *m, unsigned owner, unsigned tag, unsigned mode, bool of_session)
{
    unsigned best = HELD_MAX;
    for (unsigned i = 0; i < m->count; i++)
        if (m->held[i].owner == owner && m->held[i].tag == tag && m->held[i].mode == mode &&
            (m->held[i].level == LOCK_LEVEL_SESSION) == of_session && (best == HELD_MAX || m->held[i].level >= m->held[best].level))
            best = i;
    if (best == HELD_MAX)
        return false;
    memmove(&m->held[best], &m->held[best + 1], (m->count - best - 1) * sizeof m->held[0]);
    m->count--;
    return true;
}

static void random_steps(uint64_t seed, bool rows)
{
    rdb_lock_table *table = lock_table_create();
    lock_owner *owners[OWNERS];
    uint32_t levels[OWNERS] = {0};
    model *m = calloc(1, sizeof *m);
    rdb_random random;
    rdb_random_seed(&random, seed);
    for (unsigned i = 0; i < OWNERS; i++)
        owners[i] = begin(table);
    for (unsigned step = 0; step < 30000; step++) {
        uint64_t draw = rdb_random_next(&random);
        unsigned o = draw % OWNERS, tag_no = (draw >> 8) % TAGS;
        unsigned mode = rows ? (draw >> 16) % 4 : 1 + (draw >> 16) % 8;
        if (!rows && (draw >> 24) % 4 != 0)
            mode = 1 + mode % 3; /* mostly weak */
        unsigned action = (draw >> 32) % 100;
        bool of_session = !rows && (draw >> 40) % 8 == 0;
        uint32_t level = of_session ? LOCK_LEVEL_SESSION : levels[o];
        rdb_lock_tag tag = {.kind = tag_no < 4 ? RDB_LOCK_RELATION : RDB_LOCK_ADVISORY, .pdb = 1 + tag_no % 2, .a = 500 + tag_no / 2};
        uint64_t address = (uint64_t)(tag_no / 2) << 16 | (tag_no % 2 ? 260 : 3);
        if (action < 60 && m->count < HELD_MAX) {
            bool taken = rows ? try_row(owners[o], address, (rdb_row_lock)mode, level)
                              : try_lock(owners[o], tag, (rdb_lock_mode)mode, level);
            assert_int_equal(taken, !model_blocks(m, o, tag_no, mode, rows));
            if (taken)
                m->held[m->count++] = (held){o, tag_no, mode, level};
        } else if (action < 75 && !rows) {
            bool was_held = model_release(m, o, tag_no, mode, of_session);
            assert_int_equal(lock_owner_release(owners[o], tag, (rdb_lock_mode)mode, of_session), was_held);
        } else if (action < 82) {
            levels[o]++;
        } else if (action < 87 && levels[o] > 0) {
            lock_owner_release_level(owners[o], levels[o]);
            model_drop(m, o, levels[o], false);
            levels[o]--;
        } else if (action < 92 && levels[o] > 0) {
            lock_owner_merge_level(owners[o], levels[o]);
            model_merge(m, o, levels[o]);
            levels[o]--;
        } else if (action < 95) {
            bool with_session = action == 92;
            lock_owner_release_all(owners[o], with_session);
            model_drop(m, o, 0, with_session);
            levels[o] = 0;
        } else if (!rows) {
            bool is_held = false;
            for (unsigned i = 0; i < m->count; i++)
                is_held = is_held || (m->held[i].owner == o && m->held[i].tag == tag_no && m->held[i].mode == mode);
            assert_int_equal(lock_owner_holds(owners[o], tag, (rdb_lock_mode)mode), is_held);
        } else {
            assert_int_equal(lock_row_is_free(table, owners[o], 5, 77, address, (rdb_row_lock)mode, false),
                             !model_blocks(m, o, tag_no, mode, true));
        }
    }
    for (unsigned i = 0; i < OWNERS; i++)
        end(owners[i]);
    assert_empty(table);
    lock_table_destroy(table);
    free(m);
}

static void test_random_table_locks_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        random_steps(seed, false);
}

static void test_random_row_locks_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        random_steps(seed, true);
}

/* Locks by the thousand: all of them hold, and when they fall little memory stays. */
static void test_many_locks_grow_the_table_and_leave_it_small(void **state)
{
    enum { MANY = 40000 };
    rdb_lock_table *table = lock_table_create();
    lock_owner *owner = begin(table), *other = begin(table);
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < MANY; i++) {
            assert_true(try_lock(owner, (rdb_lock_tag){.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = i, .b = 1}, RDB_LOCK_EXCLUSIVE, 0));
            assert_true(try_row(owner, i << 16 | i % 300, RDB_ROW_UPDATE, 0));
        }
        for (uint64_t i = 0; i < MANY; i += 97) {
            assert_false(try_lock(other, (rdb_lock_tag){.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = i, .b = 1}, RDB_LOCK_SHARE, 0));
            assert_false(try_row(other, i << 16 | i % 300, RDB_ROW_SHARE, 0));
            assert_true(try_row(other, i << 16 | (i + 1) % 300, RDB_ROW_SHARE, 0));
        }
        assert_true(count_locks(table) >= 2 * MANY);
        assert_true(table->partitions[0].bucket_count > LOCK_BUCKETS_MIN);
        lock_owner_release_all(owner, false);
        lock_owner_release_all(other, false);
        assert_empty(table);
        assert_int_equal(owner->local_capacity, 0);
        for (unsigned i = 0; i < LOCK_PARTITIONS; i++)
            assert_true(table->partitions[i].free_object_count <= 256 && table->partitions[i].free_grant_count <= 256);
    }
    end(owner);
    end(other);
    lock_table_destroy(table);
}

/* PREPARE TRANSACTION leaves the session what belongs to it, without a moment in which nobody has it. */
static void test_session_locks_move_to_another_owner(void **state)
{
    const rdb_lock_tag of_session = {.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = 1, .b = 1}, of_txn = {.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = 2, .b = 1};
    rdb_lock_table *table = lock_table_create();
    lock_owner *owner = begin(table), *session = begin(table), *stranger = begin(table);
    rdb_error err = {0};
    (void)state;
    assert_true(try_lock(owner, of_session, RDB_LOCK_EXCLUSIVE, LOCK_LEVEL_SESSION));
    assert_true(try_lock(owner, of_session, RDB_LOCK_EXCLUSIVE, LOCK_LEVEL_SESSION));
    assert_true(try_lock(owner, of_session, RDB_LOCK_SHARE, LOCK_LEVEL_SESSION));
    assert_true(try_lock(owner, of_txn, RDB_LOCK_EXCLUSIVE, 0));
    for (uint64_t i = 10; i < 60; i++)
        assert_true(try_lock(owner, (rdb_lock_tag){.kind = RDB_LOCK_ADVISORY, .pdb = 5, .a = i, .b = 1}, RDB_LOCK_SHARE, LOCK_LEVEL_SESSION));
    assert_true(lock_owner_move_session(owner, session, &err));
    assert_true(lock_owner_holds(session, of_session, RDB_LOCK_EXCLUSIVE) && lock_owner_holds(session, of_session, RDB_LOCK_SHARE));
    assert_false(lock_owner_holds(session, of_txn, RDB_LOCK_EXCLUSIVE));
    assert_true(lock_owner_holds(owner, of_txn, RDB_LOCK_EXCLUSIVE));
    assert_false(lock_owner_holds(owner, of_session, RDB_LOCK_EXCLUSIVE));
    assert_false(try_lock(owner, of_session, RDB_LOCK_SHARE, 0));
    assert_true(lock_owner_release(session, of_session, RDB_LOCK_EXCLUSIVE, true));
    assert_false(try_lock(stranger, of_session, RDB_LOCK_SHARE, 0)); /* taken twice */
    assert_true(lock_owner_release(session, of_session, RDB_LOCK_EXCLUSIVE, true));
    assert_true(try_lock(stranger, of_session, RDB_LOCK_SHARE, 0));
    lock_owner_release_all(owner, false);
    assert_true(try_lock(stranger, of_txn, RDB_LOCK_EXCLUSIVE, 0));
    lock_owner_release_all(stranger, false);
    /* A lock of both levels can go with neither: nothing moves. */
    assert_true(try_lock(owner, of_txn, RDB_LOCK_EXCLUSIVE, 0) && try_lock(owner, of_txn, RDB_LOCK_EXCLUSIVE, LOCK_LEVEL_SESSION));
    assert_false(lock_owner_move_session(owner, session, &err));
    assert_string_equal(err.sqlstate, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE);
    rdb_error_clear(&err);
    assert_true(lock_owner_holds(owner, of_txn, RDB_LOCK_EXCLUSIVE));
    assert_false(lock_owner_holds(session, of_txn, RDB_LOCK_EXCLUSIVE));
    end(owner);
    end(session);
    end(stranger);
    assert_empty(table);
    lock_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_modes_exclude_as_the_manual_says),
        cmocka_unit_test(test_row_strengths_exclude_as_the_manual_says),
        cmocka_unit_test(test_a_writer_passes_over_tentative_row_locks),
        cmocka_unit_test(test_nowait_says_what_it_could_not_have),
        cmocka_unit_test(test_weak_locks_stay_out_of_the_table_until_a_strong_one_comes),
        cmocka_unit_test(test_weak_locks_beyond_the_slots_hold),
        cmocka_unit_test(test_session_locks_outlive_transactions),
        cmocka_unit_test(test_session_locks_move_to_another_owner),
        cmocka_unit_test(test_many_locks_grow_the_table_and_leave_it_small),
        cmocka_unit_test(test_an_xid_is_locked_until_its_level_falls),
        cmocka_unit_test(test_random_table_locks_agree_with_the_model),
        cmocka_unit_test(test_random_row_locks_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
