/* SPDX-License-Identifier: Apache-2.0
 * The lock manager by several threads: order of waiters, timeouts, cancels, deadlocks, and a stress that watches every
 * lock from outside. */
#include "txn/lock_int.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum asked { ASK_LOCK, ASK_ROW, ASK_XID, ASK_HOLDERS } asked;

/* A session of its own thread that asks for one lock and tells how it ended. */
typedef struct actor {
    lock_owner *owner;
    rdb_cancel cancel;
    rdb_thread *thread;
    asked what;
    rdb_lock_tag tag;
    uint8_t mode;
    int64_t timeout_us;
    bool ok, taken;
    rdb_error err;
    _Atomic uint32_t *order; /* who is served counts up */
    uint32_t served_as;
    bool releases; /* after it was served */
} actor;

static void act(void *argument)
{
    actor *a = argument;
    switch (a->what) {
    case ASK_LOCK:
        a->ok = lock_owner_acquire(a->owner, a->tag, (rdb_lock_mode)a->mode, 0, RDB_LOCK_WAIT, a->timeout_us, NULL, &a->taken, &a->err);
        break;
    case ASK_ROW:
        a->ok = lock_row_acquire(a->owner, a->tag.pdb, a->tag.a, a->tag.b, (rdb_row_lock)a->mode, 0, RDB_LOCK_WAIT, a->timeout_us,
                                 NULL, &a->taken, &a->err);
        break;
    case ASK_XID:
        a->ok = lock_xid_wait(a->owner, a->tag.pdb, a->tag.a, RDB_LOCK_WAIT, a->timeout_us, &a->taken, &a->err);
        break;
    case ASK_HOLDERS:
        a->ok = a->taken = lock_wait_holders(a->owner, a->tag, (rdb_lock_mode)a->mode, NULL, NULL, &a->err);
        break;
    }
    if (a->order != NULL)
        a->served_as = atomic_fetch_add(a->order, 1);
    if (a->releases || !a->ok)
        lock_owner_release_all(a->owner, false);
}

static void actor_init(actor *a, rdb_lock_table *table, int32_t process_id)
{
    *a = (actor){0};
    rdb_cancel_init(&a->cancel);
    rdb_cancel_begin_statement(&a->cancel, 0);
    a->owner = lock_owner_begin(table, NULL, &a->cancel);
    assert_non_null(a->owner);
    atomic_store(&a->owner->process_id, process_id);
}

static void actor_deinit(actor *a)
{
    rdb_thread_join(&a->thread);
    lock_owner_release_all(a->owner, true);
    lock_owner_end(a->owner);
    rdb_error_clear(&a->err);
}

static void have(actor *a, rdb_lock_tag tag, rdb_lock_mode mode)
{
    bool taken;
    assert_true(lock_owner_acquire(a->owner, tag, mode, 0, RDB_LOCK_SKIP, 0, NULL, &taken, &a->err));
    assert_true(taken);
}

static bool can_have(actor *a, rdb_lock_tag tag, rdb_lock_mode mode)
{
    bool taken;
    assert_true(lock_owner_acquire(a->owner, tag, mode, 0, RDB_LOCK_SKIP, 0, NULL, &taken, &a->err));
    return taken;
}

static bool is_waiting(rdb_lock_table *table, actor *a)
{
    bool waits = false;
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++)
        rdb_latch_lock_shared(&table->partitions[i].latch);
    waits = a->owner->waiting != NULL;
    for (unsigned i = LOCK_PARTITIONS; i > 0; i--)
        rdb_latch_unlock_shared(&table->partitions[i - 1].latch);
    return waits;
}

/* Starts the actor and returns when it waits. */
static void start_waiting(rdb_lock_table *table, actor *a, asked what, rdb_lock_tag tag, unsigned mode)
{
    a->what = what;
    a->tag = tag;
    a->mode = (uint8_t)mode;
    rdb_error err = {0};
    assert_true(rdb_thread_start(&a->thread, "actor", act, a, &err));
    while (!is_waiting(table, a))
        rdb_time_sleep_us(100);
}

static const rdb_lock_tag RELATION = {.kind = RDB_LOCK_RELATION, .pdb = 5, .a = 16384};

/* Those who hold what conflicts are waited for to their ends, whatever they hold by then; nobody waits for those who come later, nor they. */
static void test_holders_are_waited_for_and_newcomers_are_not(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    actor a[5];
    for (unsigned i = 0; i < 5; i++)
        actor_init(&a[i], table, (int32_t)i);
    have(&a[0], RELATION, RDB_LOCK_ROW_EXCLUSIVE); /* in its own slot */
    have(&a[1], RELATION, RDB_LOCK_ACCESS_SHARE);  /* no conflict */
    have(&a[2], RELATION, RDB_LOCK_ROW_EXCLUSIVE);
    have(&a[3], RELATION, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE); /* one's own */
    for (unsigned turn = 0; turn < 3; turn++) {
        start_waiting(table, &a[3], ASK_HOLDERS, RELATION, RDB_LOCK_SHARE);
        assert_true(can_have(&a[4], RELATION, RDB_LOCK_ROW_EXCLUSIVE)); /* comes later, stays */
        lock_owner_release_all(a[0].owner, false);
        have(&a[0], RELATION, RDB_LOCK_ROW_EXCLUSIVE); /* its next transaction */
        lock_owner_release_all(a[2].owner, false);
        rdb_thread_join(&a[3].thread);
        assert_true(a[3].ok);
        assert_true(turn > 0 || a[4].owner->is_awaited == 0);
        lock_owner_release_all(a[4].owner, false);
        have(&a[2], RELATION, RDB_LOCK_ROW_EXCLUSIVE);
    }
    lock_owner_release_all(a[0].owner, false);
    lock_owner_release_all(a[2].owner, false);
    assert_true(lock_wait_holders(a[3].owner, RELATION, RDB_LOCK_SHARE, NULL, NULL, &a[3].err)); /* nobody is left */
    for (unsigned i = 0; i < 5; i++)
        actor_deinit(&a[i]);
    lock_table_destroy(table);
}

/* One waits for the other's end, the other for what the first has: one of the two hears of it. */
static void test_waiting_for_a_holder_closes_cycles(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    atomic_store(&table->deadlock_timeout_us, 1000);
    actor a[2];
    for (unsigned i = 0; i < 2; i++)
        actor_init(&a[i], table, (int32_t)i + 100);
    have(&a[0], RELATION, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE);
    have(&a[1], RELATION, RDB_LOCK_ROW_EXCLUSIVE);
    start_waiting(table, &a[0], ASK_HOLDERS, RELATION, RDB_LOCK_SHARE);
    a[1].what = ASK_LOCK;
    a[1].tag = RELATION;
    a[1].mode = RDB_LOCK_SHARE_UPDATE_EXCLUSIVE;
    a[0].releases = a[1].releases = true;
    act(&a[1]);
    rdb_thread_join(&a[0].thread);
    assert_int_equal(a[0].ok + a[1].ok, 1);
    const actor *victim = a[0].ok ? &a[1] : &a[0];
    assert_string_equal(victim->err.sqlstate, RDB_DEADLOCK_DETECTED);
    assert_non_null(strstr(rdb_error_detail_text(&victim->err), "Process 100 waits for ShareLock on virtual transaction "));
    for (unsigned i = 0; i < 2; i++)
        actor_deinit(&a[i]);
    lock_table_destroy(table);
}

static void test_nobody_overtakes_a_waiter_it_conflicts_with(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    _Atomic uint32_t order = 0;
    actor a[6];
    for (unsigned i = 0; i < 6; i++) {
        actor_init(&a[i], table, (int32_t)i);
        a[i].order = &order;
        a[i].releases = true;
    }
    have(&a[0], RELATION, RDB_LOCK_SHARE);
    start_waiting(table, &a[1], ASK_LOCK, RELATION, RDB_LOCK_ROW_EXCLUSIVE);
    assert_false(can_have(&a[5], RELATION, RDB_LOCK_SHARE));       /* agrees with the holder, not with who waits */
    assert_true(can_have(&a[5], RELATION, RDB_LOCK_ACCESS_SHARE)); /* agrees with both */
    start_waiting(table, &a[2], ASK_LOCK, RELATION, RDB_LOCK_SHARE);
    start_waiting(table, &a[3], ASK_LOCK, RELATION, RDB_LOCK_ROW_EXCLUSIVE);
    start_waiting(table, &a[4], ASK_LOCK, RELATION, RDB_LOCK_SHARE);
    assert_true(can_have(&a[0], RELATION, RDB_LOCK_SHARE)); /* what one holds, one holds */
    lock_owner_release_all(a[0].owner, false);
    for (unsigned i = 1; i < 5; i++) {
        rdb_thread_join(&a[i].thread);
        assert_true(a[i].ok && a[i].taken);
    }
    assert_true(a[1].served_as < a[2].served_as && a[2].served_as < a[3].served_as && a[3].served_as < a[4].served_as);
    for (unsigned i = 0; i < 6; i++)
        actor_deinit(&a[i]);
    lock_table_destroy(table);
}

/* Who holds what the first waiter waits for stands before it: behind it both would wait for ever. */
static void test_an_upgrade_goes_before_those_who_wait_for_it(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    actor a[4];
    for (unsigned i = 0; i < 4; i++)
        actor_init(&a[i], table, (int32_t)i);
    have(&a[0], RELATION, RDB_LOCK_SHARE);
    have(&a[1], RELATION, RDB_LOCK_SHARE);
    start_waiting(table, &a[2], ASK_LOCK, RELATION, RDB_LOCK_ACCESS_EXCLUSIVE);
    assert_true(can_have(&a[0], RELATION, RDB_LOCK_ACCESS_SHARE));
    assert_false(can_have(&a[3], RELATION, RDB_LOCK_ACCESS_SHARE));
    start_waiting(table, &a[0], ASK_LOCK, RELATION, RDB_LOCK_EXCLUSIVE);
    lock_owner_release_all(a[1].owner, false);
    rdb_thread_join(&a[0].thread);
    assert_true(a[0].ok && a[0].taken);
    assert_true(is_waiting(table, &a[2]));
    lock_owner_release_all(a[0].owner, false);
    rdb_thread_join(&a[2].thread);
    assert_true(a[2].ok && a[2].taken);
    for (unsigned i = 0; i < 4; i++)
        actor_deinit(&a[i]);
    assert_int_equal(table->deadlocks, 0);
    lock_table_destroy(table);
}

static void test_waiting_ends_with_timeout_or_cancel_and_lets_the_next_go(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    actor a[4];
    for (unsigned i = 0; i < 4; i++)
        actor_init(&a[i], table, (int32_t)i);
    have(&a[0], RELATION, RDB_LOCK_SHARE);
    rdb_lock_session_set_timeouts(a[3].owner, 0, 500000); /* the session's, for who names none */
    a[1].timeout_us = 500000; /* long enough to be seen waiting on a busy machine */
    start_waiting(table, &a[1], ASK_LOCK, RELATION, RDB_LOCK_ACCESS_EXCLUSIVE);
    start_waiting(table, &a[2], ASK_LOCK, RELATION, RDB_LOCK_SHARE); /* only the first is in its way */
    rdb_thread_join(&a[1].thread);
    rdb_thread_join(&a[2].thread);
    assert_false(a[1].ok || a[1].taken);
    assert_string_equal(a[1].err.sqlstate, "55P03");
    assert_string_equal(a[1].err.message, "canceling statement due to lock timeout");
    assert_true(a[2].ok && a[2].taken);
    for (uint64_t strong = 0; strong < LOCK_STRONG_COUNTERS; strong++)
        assert_true(table->strong[strong] <= 2);
    start_waiting(table, &a[3], ASK_LOCK, RELATION, RDB_LOCK_EXCLUSIVE);
    assert_true(rdb_cancel_set(&a[3].cancel, RDB_CANCEL_USER));
    rdb_thread_join(&a[3].thread);
    assert_false(a[3].ok || a[3].taken);
    assert_string_equal(a[3].err.sqlstate, "57014");
    assert_string_equal(a[3].err.message, "canceling statement due to user request");
    rdb_error_clear(&a[3].err);
    rdb_cancel_begin_statement(&a[3].cancel, 0);
    start_waiting(table, &a[3], ASK_LOCK, RELATION, RDB_LOCK_EXCLUSIVE);
    rdb_thread_join(&a[3].thread);
    assert_string_equal(a[3].err.sqlstate, "55P03");
    assert_int_equal(table->deadlocks, 0);
    for (unsigned i = 0; i < 4; i++)
        actor_deinit(&a[i]);
    for (uint64_t strong = 0; strong < LOCK_STRONG_COUNTERS; strong++)
        assert_int_equal(table->strong[strong], 0);
    lock_table_destroy(table);
}

static void test_those_who_wait_for_a_transaction_go_on_together_at_its_end(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    actor a[5];
    for (unsigned i = 0; i < 5; i++)
        actor_init(&a[i], table, (int32_t)i);
    rdb_lock_tag xid = {.kind = RDB_LOCK_XID, .pdb = 5, .a = 900};
    assert_true(lock_xid_register(a[0].owner, 5, 900, 0, &a[0].err));
    for (unsigned i = 1; i < 5; i++)
        start_waiting(table, &a[i], ASK_XID, xid, 0);
    lock_owner_release_all(a[0].owner, false);
    for (unsigned i = 1; i < 5; i++) {
        rdb_thread_join(&a[i].thread);
        assert_true(a[i].ok && a[i].taken);
    }
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++)
        assert_int_equal(table->partitions[i].object_count, 0);
    for (unsigned i = 0; i < 5; i++)
        actor_deinit(&a[i]);
    lock_table_destroy(table);
}

/* ---- deadlocks ---------------------------------------------------------------------------------------------------------- */
/* Member i holds lock i and asks for lock i + 1; what kind of lock it is goes round. */
static void run_cycle(unsigned size, unsigned first_kind)
{
    rdb_lock_table *table = lock_table_create();
    atomic_store(&table->deadlock_timeout_us, 20000);
    actor a[8];
    rdb_lock_tag tags[8];
    for (unsigned i = 0; i < size; i++) {
        actor_init(&a[i], table, (int32_t)(100 + i));
        unsigned kind = (first_kind + i) % 3;
        rdb_error *err = &a[i].err;
        bool taken = true;
        switch (kind) {
        case ASK_LOCK:
            tags[i] = (rdb_lock_tag){.kind = RDB_LOCK_RELATION, .pdb = 5, .a = 16384 + i};
            have(&a[i], tags[i], i % 2 == 0 ? RDB_LOCK_ACCESS_SHARE : RDB_LOCK_SHARE);
            break;
        case ASK_ROW:
            tags[i] = (rdb_lock_tag){.kind = RDB_LOCK_ROW, .pdb = 5, .a = RDB_FILE_NO(RDB_FILE_TABLE, 77), .b = (7 << 16) + i};
            assert_true(lock_row_acquire(a[i].owner, 5, tags[i].a, tags[i].b, RDB_ROW_SHARE, 0, RDB_LOCK_SKIP, 0, NULL, &taken, err));
            break;
        default:
            tags[i] = (rdb_lock_tag){.kind = RDB_LOCK_XID, .pdb = 5, .a = 900 + i};
            assert_true(lock_xid_register(a[i].owner, 5, tags[i].a, 0, err));
            break;
        }
        assert_true(taken);
    }
    for (unsigned i = 0; i < size; i++) {
        unsigned kind = (first_kind + (i + 1) % size) % 3;
        a[i].releases = true;
        a[i].what = (asked)kind;
        a[i].tag = tags[(i + 1) % size];
        a[i].mode = kind == ASK_LOCK ? RDB_LOCK_ACCESS_EXCLUSIVE : RDB_ROW_UPDATE;
        assert_true(rdb_thread_start(&a[i].thread, "member", act, &a[i], &a[i].err));
    }
    unsigned victims = 0;
    for (unsigned i = 0; i < size; i++) {
        rdb_thread_join(&a[i].thread);
        if (a[i].ok)
            continue;
        victims++;
        assert_string_equal(a[i].err.sqlstate, "40P01");
        assert_string_equal(a[i].err.message, "deadlock detected");
        assert_string_equal(a[i].err.hint, "See server log for query details.");
        /* One line for each member, beginning with the victim. */
        rdb_strbuf expected;
        rdb_strbuf_init(&expected, NULL);
        for (unsigned k = 0; k < size; k++) {
            unsigned member = (i + k) % size, blocker = (member + 1) % size;
            unsigned kind = (first_kind + blocker) % 3;
            rdb_strbuf_addf(&expected, "%sProcess %u waits for ", k == 0 ? "" : "\n", 100 + member);
            if (kind == ASK_LOCK)
                rdb_strbuf_addf(&expected, "AccessExclusiveLock on relation %u of database 5", 16384 + blocker);
            else if (kind == ASK_ROW)
                rdb_strbuf_addf(&expected, "AccessExclusiveLock on tuple (7,%u) of relation 77 of database 5", blocker);
            else
                rdb_strbuf_addf(&expected, "ShareLock on transaction %u", 900 + blocker);
            rdb_strbuf_addf(&expected, "; blocked by process %u.", 100 + blocker);
        }
        assert_string_equal(rdb_error_detail_text(&a[i].err), expected.data);
        rdb_strbuf_free(&expected);
    }
    assert_int_equal(victims, 1);
    assert_int_equal(table->deadlocks, 1);
    for (unsigned i = 0; i < size; i++)
        actor_deinit(&a[i]);
    lock_table_destroy(table);
}

static void test_cycles_of_two_to_eight_lose_one_member(void **state)
{
    (void)state;
    for (unsigned size = 2; size <= 8; size++)
        for (unsigned first_kind = 0; first_kind < 3; first_kind++)
            run_cycle(size, first_kind);
}

/* Two holders of SHARE who both want more: the younger gives way, though the older one looks first. */
static void test_the_youngest_is_the_victim(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    atomic_store(&table->deadlock_timeout_us, 20000);
    actor a[3];
    for (unsigned i = 0; i < 3; i++) {
        actor_init(&a[i], table, (int32_t)i);
        have(&a[i], RELATION, RDB_LOCK_SHARE);
        a[i].releases = true;
    }
    assert_true(a[0].owner->age < a[1].owner->age && a[1].owner->age < a[2].owner->age);
    for (unsigned i = 3; i > 0; i--) { /* the youngest waits longest, so that it is not its own look that finds it */
        a[i - 1].what = ASK_LOCK;
        a[i - 1].tag = RELATION;
        a[i - 1].mode = RDB_LOCK_ROW_EXCLUSIVE;
        assert_true(rdb_thread_start(&a[i - 1].thread, "upgrade", act, &a[i - 1], &a[i - 1].err));
    }
    for (unsigned i = 0; i < 3; i++)
        rdb_thread_join(&a[i].thread);
    assert_true(a[0].ok);
    assert_false(a[1].ok || a[2].ok);
    assert_string_equal(a[1].err.sqlstate, "40P01");
    assert_string_equal(a[2].err.sqlstate, "40P01");
    for (unsigned i = 0; i < 3; i++)
        actor_deinit(&a[i]);
    lock_table_destroy(table);
}

/* a waits for c's lock; b waits for a; c stands behind b only because of the order: letting c go first costs nobody. */
static void test_a_cycle_made_by_the_queue_alone_is_resolved_without_a_victim(void **state)
{
    (void)state;
    rdb_lock_table *table = lock_table_create();
    atomic_store(&table->deadlock_timeout_us, 20000);
    rdb_lock_tag other = {.kind = RDB_LOCK_RELATION, .pdb = 5, .a = 16385};
    actor a, b, c;
    actor_init(&a, table, 1);
    actor_init(&b, table, 2);
    actor_init(&c, table, 3);
    a.releases = b.releases = c.releases = true;
    have(&a, RELATION, RDB_LOCK_SHARE);
    have(&c, other, RDB_LOCK_SHARE);
    start_waiting(table, &b, ASK_LOCK, RELATION, RDB_LOCK_ACCESS_EXCLUSIVE);
    start_waiting(table, &c, ASK_LOCK, RELATION, RDB_LOCK_ACCESS_SHARE);
    a.what = ASK_LOCK;
    a.tag = other;
    a.mode = RDB_LOCK_ACCESS_EXCLUSIVE;
    assert_true(rdb_thread_start(&a.thread, "a", act, &a, &a.err));
    rdb_thread_join(&a.thread);
    rdb_thread_join(&b.thread);
    rdb_thread_join(&c.thread);
    assert_true(a.ok && b.ok && c.ok);
    assert_int_equal(table->deadlocks, 0);
    actor_deinit(&a);
    actor_deinit(&b);
    actor_deinit(&c);
    lock_table_destroy(table);
}

/* ---- stress: every grant is entered on a board of counters, where a wrong one shows at once ------------------------------ */
#define WORKERS 6
#define BOARD_TAGS 4
static const uint16_t CONFLICTS_OF[9] = {0, 0x100, 0x180, 0x1e0, 0x1f0, 0x1d8, 0x1f8, 0x1fc, 0x1fe};
typedef struct board {
    rdb_lock_table *table;
    _Atomic uint32_t held[BOARD_TAGS][9]; /* owners holding each mode */
    _Atomic uint32_t row_held[BOARD_TAGS][4];
    _Atomic uint32_t errors, deadlocks, grants, started;
} board;
typedef struct worker {
    board *b;
    rdb_thread *thread;
    uint64_t seed;
    unsigned rounds;
} worker;

static void check_board(board *b, unsigned tag_no, unsigned mode, const bool *own)
{
    for (unsigned other = 1; other < 9; other++)
        if ((CONFLICTS_OF[mode] >> other & 1) != 0 && atomic_load(&b->held[tag_no][other]) > (own[other] ? 1u : 0u))
            atomic_fetch_add(&b->errors, 1);
}

static void work(void *argument)
{
    worker *w = argument;
    board *b = w->b;
    rdb_random random;
    rdb_random_seed(&random, w->seed);
    atomic_fetch_add(&b->started, 1);
    while (atomic_load(&b->started) < WORKERS) /* else the first is through before the last has begun */
        rdb_time_sleep_us(100);
    for (unsigned round = 0; round < w->rounds; round++) {
        lock_owner *owner = lock_owner_begin(b->table, NULL, NULL);
        bool own[BOARD_TAGS][9] = {0};
        bool own_row[BOARD_TAGS][4] = {0};
        bool ok = true;
        rdb_error err = {0};
        unsigned steps = 1 + rdb_random_next(&random) % 5;
        for (unsigned step = 0; ok && step < steps; step++) {
            uint64_t draw = rdb_random_next(&random);
            unsigned tag_no = draw % BOARD_TAGS;
            bool taken = false;
            if ((draw >> 8) % 3 == 0) {
                rdb_row_lock strength = (rdb_row_lock)((draw >> 16) % 4);
                bool stronger = false;
                for (unsigned s = strength; s < 4; s++)
                    stronger = stronger || own_row[tag_no][s];
                ok = lock_row_acquire(owner, 5, 77, tag_no * 70, strength, 0, RDB_LOCK_WAIT, 0, NULL, &taken, &err);
                if (taken) /* a tentative one excludes nobody while its owner waits for a stronger one */
                    lock_row_confirm(owner, 5, 77, tag_no * 70);
                if (taken && !stronger) {
                    own_row[tag_no][strength] = true;
                    atomic_fetch_add(&b->row_held[tag_no][strength], 1);
                    for (unsigned other = 0; other < 4; other++)
                        if (strength + other >= 3 && atomic_load(&b->row_held[tag_no][other]) > (own_row[tag_no][other] ? 1u : 0u))
                            atomic_fetch_add(&b->errors, 1);
                }
            } else {
                unsigned mode = (draw >> 16) % 4 != 0 ? 1 + (draw >> 20) % 3 : 1 + (draw >> 20) % 8;
                rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = 5, .a = 16384 + tag_no};
                ok = lock_owner_acquire(owner, tag, (rdb_lock_mode)mode, 0, RDB_LOCK_WAIT, 0, NULL, &taken, &err);
                if (taken && !own[tag_no][mode]) {
                    own[tag_no][mode] = true;
                    atomic_fetch_add(&b->held[tag_no][mode], 1);
                    check_board(b, tag_no, mode, own[tag_no]);
                }
            }
            if (ok)
                atomic_fetch_add(&b->grants, 1);
            else if (rdb_error_is(&err, RDB_DEADLOCK_DETECTED))
                atomic_fetch_add(&b->deadlocks, 1);
            else
                atomic_fetch_add(&b->errors, 1);
        }
        for (unsigned tag_no = 0; tag_no < BOARD_TAGS; tag_no++) {
            for (unsigned mode = 1; mode < 9; mode++)
                if (own[tag_no][mode])
                    atomic_fetch_sub(&b->held[tag_no][mode], 1);
            for (unsigned strength = 0; strength < 4; strength++)
                if (own_row[tag_no][strength])
                    atomic_fetch_sub(&b->row_held[tag_no][strength], 1);
        }
        rdb_error_clear(&err);
        lock_owner_release_all(owner, false);
        lock_owner_end(owner);
    }
}

static void test_many_threads_never_hold_what_excludes_each_other(void **state)
{
    (void)state;
    board *b = calloc(1, sizeof *b);
    b->table = lock_table_create();
    atomic_store(&b->table->deadlock_timeout_us, 3000);
    worker workers[WORKERS];
    rdb_error err = {0};
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.b = b, .seed = i + 1, .rounds = 1500};
        assert_true(rdb_thread_start(&workers[i].thread, "worker", work, &workers[i], &err));
    }
    for (unsigned i = 0; i < WORKERS; i++)
        rdb_thread_join(&workers[i].thread);
    assert_int_equal(b->errors, 0);
    assert_true(b->grants > 1000);
    assert_int_equal(b->deadlocks, b->table->deadlocks);
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++) {
        assert_int_equal(b->table->partitions[i].object_count, 0);
        assert_int_equal(b->table->partitions[i].row_objects, 0);
    }
    for (unsigned i = 0; i < LOCK_STRONG_COUNTERS; i++)
        assert_int_equal(b->table->strong[i], 0);
    print_message("%u grants, %u deadlocks, %llu waits\n", b->grants, b->deadlocks, (unsigned long long)b->table->waits);
    lock_table_destroy(b->table);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holders_are_waited_for_and_newcomers_are_not),
        cmocka_unit_test(test_waiting_for_a_holder_closes_cycles),
        cmocka_unit_test(test_nobody_overtakes_a_waiter_it_conflicts_with),
        cmocka_unit_test(test_an_upgrade_goes_before_those_who_wait_for_it),
        cmocka_unit_test(test_waiting_ends_with_timeout_or_cancel_and_lets_the_next_go),
        cmocka_unit_test(test_those_who_wait_for_a_transaction_go_on_together_at_its_end),
        cmocka_unit_test(test_cycles_of_two_to_eight_lose_one_member),
        cmocka_unit_test(test_the_youngest_is_the_victim),
        cmocka_unit_test(test_a_cycle_made_by_the_queue_alone_is_resolved_without_a_victim),
        cmocka_unit_test(test_many_threads_never_hold_what_excludes_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
