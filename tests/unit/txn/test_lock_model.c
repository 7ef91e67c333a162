/* SPDX-License-Identifier: Apache-2.0
 * The lock manager against a reference model: random requests of several owners for relations, rows, advisory locks and xids, with levels,
 * session locks, cancels and refusals. The model is a list of what everybody holds and a queue for each lock; after every step exactly those
 * wait who must, everybody holds what the model says, and pg_locks' view of it is the same. What closes a cycle is resolved as one of the
 * ways that the rules allow: who is behind others by the order of the queue alone overtakes, else the youngest of a cycle gives way; and
 * looking for a deadlock where there is none changes nothing.
 *
 * RDB_TEST_SEED repeats a run; RDB_CHECK_LONG makes it ten times as long. */
#include "txn/lock_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { OWNERS = 6, PLAIN_TAGS = 7, TAGS = PLAIN_TAGS + OWNERS, HOLDS_MAX = 200, LEVELS_MAX = 4, SESSION = 255 };
enum { PDB = 5, PATIENCE_US = 60 * 1000000 };

/* Rows 4 and 5 share a window of the block's slots, row 6 is beyond it. The last ones are the owners' xids. */
static const rdb_lock_tag PLAIN[PLAIN_TAGS] = {
    {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = 16384},   {.kind = RDB_LOCK_RELATION, .pdb = PDB, .a = 16385},
    {.kind = RDB_LOCK_ADVISORY, .pdb = PDB, .a = 7, .b = 1}, {.kind = RDB_LOCK_OBJECT, .pdb = PDB, .a = 1259, .b = 9},
    {.kind = RDB_LOCK_ROW, .pdb = PDB, .a = 77, .b = 6 << 16 | 3}, {.kind = RDB_LOCK_ROW, .pdb = PDB, .a = 77, .b = 6 << 16 | 4},
    {.kind = RDB_LOCK_ROW, .pdb = PDB, .a = 77, .b = 6 << 16 | 300},
};

static rdb_lock_tag tag_of(unsigned tag_no)
{
    if (tag_no < PLAIN_TAGS)
        return PLAIN[tag_no];
    return (rdb_lock_tag){.kind = RDB_LOCK_XID, .pdb = PDB, .a = 900 + tag_no - PLAIN_TAGS};
}

static bool is_row(unsigned tag_no)
{
    return tag_of(tag_no).kind == RDB_LOCK_ROW;
}

/* From the manual's tables, by hand: [mode] lists its enemies. Rows: 1 KEY SHARE .. 4 UPDATE. */
static bool excludes(unsigned tag_no, unsigned mode, unsigned other)
{
    static const char *const OF_TABLE[9] = {"", "8", "78", "5678", "45678", "34678", "345678", "2345678", "12345678"};
    static const char *const OF_ROW[5] = {"", "4", "34", "234", "1234"};
    return strchr(is_row(tag_no) ? OF_ROW[mode] : OF_TABLE[mode], (int)('0' + other)) != NULL;
}

/* ---- the model ------------------------------------------------------------------------------------------------------------------ */
typedef struct hold {
    uint8_t owner, tag, mode, level;
} hold;
typedef struct model {
    hold holds[HOLDS_MAX]; /* in the order in which they were taken */
    unsigned hold_count;
    struct {
        bool waits, was_granted, was_victim; /* the latter two: since the step began */
        uint8_t tag, mode, level;
    } wish[OWNERS];
    uint8_t queue[TAGS][OWNERS];
    uint8_t queued[TAGS];
    uint64_t age[OWNERS];
} model;

static bool has(const model *m, unsigned owner, unsigned tag, unsigned mode)
{
    for (unsigned i = 0; i < m->hold_count; i++)
        if (m->holds[i].owner == owner && m->holds[i].tag == tag && m->holds[i].mode == mode)
            return true;
    return false;
}

/* Does what owner holds exclude that anybody else gets mode? */
static bool is_in_the_way(const model *m, unsigned owner, unsigned tag, unsigned mode)
{
    for (unsigned held = 1; held < 9; held++)
        if (has(m, owner, tag, held) && excludes(tag, mode, held))
            return true;
    return false;
}

static bool is_held_back(const model *m, unsigned owner, unsigned tag, unsigned mode)
{
    for (unsigned other = 0; other < OWNERS; other++)
        if (other != owner && is_in_the_way(m, other, tag, mode))
            return true;
    return false;
}

static void take(model *m, unsigned owner, unsigned tag, unsigned mode, unsigned level)
{
    assert_true(m->hold_count < HOLDS_MAX);
    m->holds[m->hold_count++] = (hold){(uint8_t)owner, (uint8_t)tag, (uint8_t)mode, (uint8_t)level};
}

static void leave_queue(model *m, unsigned owner)
{
    uint8_t *queue = m->queue[m->wish[owner].tag], *count = &m->queued[m->wish[owner].tag];
    unsigned at = 0;
    while (queue[at] != owner)
        at++;
    memmove(queue + at, queue + at + 1, --*count - at);
    m->wish[owner].waits = false;
}

static void grant(model *m, unsigned owner)
{
    leave_queue(m, owner);
    m->wish[owner].was_granted = true;
    if (m->wish[owner].tag < PLAIN_TAGS) /* who waited for a transaction holds nothing of it */
        take(m, owner, m->wish[owner].tag, m->wish[owner].mode, m->wish[owner].level);
}

/* In order: whoever is blocked neither by a holder nor by one before him who stays. */
static void settle(model *m, unsigned tag)
{
    for (unsigned at = 0; at < m->queued[tag];) {
        const unsigned owner = m->queue[tag][at], mode = m->wish[owner].mode;
        bool blocked = is_held_back(m, owner, tag, mode);
        for (unsigned before = 0; before < at; before++)
            blocked = blocked || excludes(tag, mode, m->wish[m->queue[tag][before]].mode);
        if (blocked)
            at++;
        else
            grant(m, owner);
    }
}

/* Before whom the owner stands: the first who waits for what it holds; else at the end. */
static unsigned place_of(const model *m, unsigned owner, unsigned tag)
{
    unsigned at = 0;
    while (at < m->queued[tag] && !is_in_the_way(m, owner, tag, m->wish[m->queue[tag][at]].mode))
        at++;
    return at;
}

static bool can_have(const model *m, unsigned owner, unsigned tag, unsigned mode)
{
    const unsigned place = place_of(m, owner, tag);
    bool blocked = is_held_back(m, owner, tag, mode);
    for (unsigned at = 0; !is_row(tag) && at < place; at++)
        blocked = blocked || excludes(tag, mode, m->wish[m->queue[tag][at]].mode);
    return !blocked;
}

static void wait_for(model *m, unsigned owner, unsigned tag, unsigned mode, unsigned level)
{
    const unsigned place = place_of(m, owner, tag);
    memmove(&m->queue[tag][place + 1], &m->queue[tag][place], m->queued[tag]++ - place);
    m->queue[tag][place] = (uint8_t)owner;
    m->wish[owner].waits = true;
    m->wish[owner].tag = (uint8_t)tag;
    m->wish[owner].mode = (uint8_t)mode;
    m->wish[owner].level = (uint8_t)level;
}

/* reaches[a][b]: a waits for b, through others or not; among those who wait. */
static void reach(const model *m, bool reaches[OWNERS][OWNERS])
{
    memset(reaches, 0, sizeof(bool[OWNERS][OWNERS]));
    for (unsigned tag = 0; tag < TAGS; tag++)
        for (unsigned at = 0; at < m->queued[tag]; at++) {
            const unsigned owner = m->queue[tag][at], mode = m->wish[owner].mode;
            for (unsigned other = 0; other < OWNERS; other++)
                reaches[owner][other] = other != owner && m->wish[other].waits && is_in_the_way(m, other, tag, mode);
            for (unsigned before = 0; before < at; before++)
                if (excludes(tag, mode, m->wish[m->queue[tag][before]].mode))
                    reaches[owner][m->queue[tag][before]] = true;
        }
    for (unsigned k = 0; k < OWNERS; k++)
        for (unsigned i = 0; i < OWNERS; i++)
            for (unsigned j = 0; j < OWNERS; j++)
                reaches[i][j] = reaches[i][j] || (reaches[i][k] && reaches[k][j]);
}

static bool has_cycle(const model *m)
{
    bool reaches[OWNERS][OWNERS];
    reach(m, reaches);
    for (unsigned owner = 0; owner < OWNERS; owner++)
        if (reaches[owner][owner])
            return true;
    return false;
}

typedef struct outcome {
    bool waits[OWNERS], was_granted[OWNERS], was_victim[OWNERS];
} outcome;

static bool is_as_seen(const model *m, const outcome *seen)
{
    for (unsigned owner = 0; owner < OWNERS; owner++)
        if (m->wish[owner].waits != seen->waits[owner] || m->wish[owner].was_granted != seen->was_granted[owner] || m->wish[owner].was_victim != seen->was_victim[owner])
            return false;
    return true;
}

/* Is there a way by the rules to resolve all cycles that asker can reach, so that what was seen comes out? *m becomes it. */
static bool resolve(model *m, unsigned asker, const outcome *seen)
{
    bool reaches[OWNERS][OWNERS], is_done[OWNERS] = {0}, is_any = false;
    reach(m, reaches);
    for (unsigned first = 0; m->wish[asker].waits && first < OWNERS; first++) {
        if (is_done[first] || !reaches[first][first] || !(first == asker || reaches[asker][first]))
            continue;
        unsigned youngest = first;
        bool can_overtake = false;
        is_any = true;
        for (unsigned owner = 0; owner < OWNERS; owner++) {
            if (!reaches[first][owner] || !reaches[owner][first])
                continue;
            is_done[owner] = true;
            if (m->age[owner] > m->age[youngest])
                youngest = owner;
            if (is_held_back(m, owner, m->wish[owner].tag, m->wish[owner].mode))
                continue;
            can_overtake = true;
            model next = *m;
            grant(&next, owner);
            settle(&next, m->wish[owner].tag);
            if (resolve(&next, asker, seen)) {
                *m = next;
                return true;
            }
        }
        if (can_overtake)
            continue;
        model next = *m;
        leave_queue(&next, youngest);
        next.wish[youngest].was_victim = true;
        settle(&next, m->wish[youngest].tag);
        if (resolve(&next, asker, seen)) {
            *m = next;
            return true;
        }
    }
    return !is_any && is_as_seen(m, seen);
}

/* ---- the owners ------------------------------------------------------------------------------------------------------------------ */
typedef struct actor {
    lock_owner *owner;
    rdb_cancel cancel;
    rdb_thread *thread; /* while its request waits */
    _Atomic bool is_done;
    unsigned tag, mode, level;
    bool ok, taken, is_cancelled;
    rdb_error err;
    unsigned current_level;
    bool has_xid;
} actor;

typedef struct trial {
    rdb_lock_table *table;
    actor actors[OWNERS];
    model m;
    uint64_t steps, waits, overtakings, victims, cancels;
} trial;

static void ask(actor *a, rdb_lock_policy policy, int64_t timeout_us)
{
    const rdb_lock_tag tag = tag_of(a->tag);
    const uint32_t level = a->level == SESSION ? LOCK_LEVEL_SESSION : a->level;
    if (tag.kind == RDB_LOCK_ROW) {
        a->ok = lock_row_acquire(a->owner, tag.pdb, tag.a, tag.b, (rdb_row_lock)(a->mode - 1), level, policy, timeout_us, NULL, &a->taken, &a->err);
        if (a->taken)
            lock_row_confirm(a->owner, tag.pdb, tag.a, tag.b);
    } else if (tag.kind == RDB_LOCK_XID)
        a->ok = lock_xid_wait(a->owner, tag.pdb, tag.a, policy, timeout_us, &a->taken, &a->err);
    else
        a->ok = lock_owner_acquire(a->owner, tag, (rdb_lock_mode)a->mode, level, policy, timeout_us, NULL, &a->taken, &a->err);
}

static void ask_and_wait(void *argument)
{
    actor *a = argument;
    ask(a, RDB_LOCK_WAIT, 0);
    atomic_store(&a->is_done, true);
}

static bool is_waiting(rdb_lock_table *table, const actor *a)
{
    for (unsigned i = 0; i < LOCK_PARTITIONS; i++)
        rdb_latch_lock_shared(&table->partitions[i].latch);
    const bool waits = a->owner->waiting != NULL;
    for (unsigned i = LOCK_PARTITIONS; i > 0; i--)
        rdb_latch_unlock_shared(&table->partitions[i - 1].latch);
    return waits;
}

/* Joins those who need not wait any longer, and says what became of everybody. */
static void look(trial *t, outcome *seen)
{
    memset(seen, 0, sizeof *seen);
    for (unsigned i = 0; i < OWNERS; i++) {
        actor *a = &t->actors[i];
        if (a->thread == NULL)
            continue;
        if (!atomic_load(&a->is_done) && is_waiting(t->table, a)) {
            seen->waits[i] = true;
            continue;
        }
        rdb_thread_join(&a->thread);
        seen->was_granted[i] = a->ok && a->taken;
        seen->was_victim[i] = !a->ok && rdb_error_is(&a->err, RDB_DEADLOCK_DETECTED);
        if (!a->ok && !seen->was_victim[i] && !a->is_cancelled)
            fail_msg("owner %u: %s %s", i, a->err.sqlstate, a->err.message);
        rdb_error_clear(&a->err);
    }
}

static void begin_step(trial *t)
{
    t->steps++;
    for (unsigned i = 0; i < OWNERS; i++)
        t->m.wish[i].was_granted = t->m.wish[i].was_victim = false;
}

/* After releases: what the model says is what happened. */
static void end_step(trial *t)
{
    outcome seen;
    look(t, &seen);
    if (!is_as_seen(&t->m, &seen))
        for (unsigned i = 0; i < OWNERS; i++)
            if (t->m.wish[i].waits != seen.waits[i] || t->m.wish[i].was_granted != seen.was_granted[i])
                fail_msg("step %llu: owner %u waits %d, granted %d; the model says %d, %d", (unsigned long long)t->steps, i, seen.waits[i], seen.was_granted[i],
                         t->m.wish[i].waits, t->m.wish[i].was_granted);
    assert_false(has_cycle(&t->m));
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------------ */
static void request(trial *t, unsigned i, unsigned tag, unsigned mode, unsigned level, rdb_lock_policy policy)
{
    actor *a = &t->actors[i];
    model *m = &t->m;
    bool recorded = tag < PLAIN_TAGS, granted;
    if (tag >= PLAIN_TAGS) {
        mode = RDB_LOCK_SHARE;
        granted = i == tag - PLAIN_TAGS || !is_held_back(m, i, tag, mode);
    } else if (is_row(tag)) {
        granted = false;
        for (unsigned stronger = mode; stronger <= 4; stronger++)
            granted = granted || has(m, i, tag, stronger);
        recorded = !granted;
        granted = granted || can_have(m, i, tag, mode);
    } else {
        granted = has(m, i, tag, mode) || can_have(m, i, tag, mode);
    }
    a->tag = tag;
    a->mode = mode;
    a->level = level;
    a->is_cancelled = false;
    if (granted || policy != RDB_LOCK_WAIT) {
        ask(a, policy, PATIENCE_US);
        if (a->ok != (granted || policy == RDB_LOCK_SKIP) || a->taken != granted)
            fail_msg("step %llu: owner %u asks for mode %u of %u: %s, where the model says %d", (unsigned long long)t->steps, i, mode, tag, a->taken ? "taken" : a->err.message, granted);
        if (!a->ok)
            assert_string_equal(a->err.sqlstate, RDB_LOCK_NOT_AVAILABLE);
        rdb_error_clear(&a->err);
        m->age[i] = a->owner->age;
        if (granted && recorded)
            take(m, i, tag, mode, level);
        end_step(t);
        return;
    }
    atomic_store(&a->is_done, false);
    assert_true(rdb_thread_start(&a->thread, "asker", ask_and_wait, a, &a->err));
    while (!is_waiting(t->table, a) && !atomic_load(&a->is_done))
        rdb_time_sleep_us(20);
    t->waits++;
    wait_for(m, i, tag, mode, level);
    /* The waiter would look by itself, a second later; or has done so where two upgrades exclude each other. */
    lock_detect_deadlocks(t->table, a->owner);
    outcome seen;
    look(t, &seen);
    m->age[i] = a->owner->age; /* given under a latch, and joined or waiting by now */
    const bool had_cycle = has_cycle(m);
    if (!resolve(m, i, &seen))
        fail_msg("step %llu: owner %u waits for mode %u of %u, which %s a cycle: no rule leads to what happened", (unsigned long long)t->steps, i, mode, tag, had_cycle ? "closes" : "does not close");
    assert_false(has_cycle(m));
    for (unsigned k = 0; k < OWNERS; k++) {
        t->victims += seen.was_victim[k];
        t->overtakings += had_cycle && seen.was_granted[k];
    }
}

/* Everything of the owner at this level and above, or its session's locks, or (session and all) everything. */
static void forget(trial *t, unsigned i, unsigned from_level, bool of_session)
{
    model *m = &t->m;
    bool changed[TAGS] = {0};
    unsigned kept = 0;
    for (unsigned k = 0; k < m->hold_count; k++) {
        const hold *h = &m->holds[k];
        const bool falls = h->owner == i && (h->level == SESSION ? of_session : h->level >= from_level);
        changed[h->tag] = changed[h->tag] || falls;
        if (!falls)
            m->holds[kept++] = *h;
    }
    m->hold_count = kept;
    for (unsigned tag = 0; tag < TAGS; tag++)
        if (changed[tag])
            settle(m, tag);
}

static void end_transaction(trial *t, unsigned i)
{
    actor *a = &t->actors[i];
    lock_owner_release_all(a->owner, false);
    forget(t, i, 0, false);
    a->current_level = 0;
    a->has_xid = false;
    end_step(t);
}

static void release_one(trial *t, unsigned i, unsigned tag, unsigned mode, bool of_session)
{
    model *m = &t->m;
    unsigned found = m->hold_count;
    for (unsigned k = 0; k < m->hold_count; k++) /* the newest */
        if (m->holds[k].owner == i && m->holds[k].tag == tag && m->holds[k].mode == mode && (m->holds[k].level == SESSION) == of_session)
            found = k;
    assert_int_equal(lock_owner_release(t->actors[i].owner, tag_of(tag), (rdb_lock_mode)mode, of_session), found < m->hold_count);
    if (found < m->hold_count) {
        memmove(m->holds + found, m->holds + found + 1, (--m->hold_count - found) * sizeof *m->holds);
        settle(m, tag);
    }
    end_step(t);
}

static void cancel(trial *t, unsigned i)
{
    actor *a = &t->actors[i];
    a->is_cancelled = true;
    assert_true(rdb_cancel_set(&a->cancel, RDB_CANCEL_USER));
    while (!atomic_load(&a->is_done))
        rdb_time_sleep_us(20);
    rdb_thread_join(&a->thread);
    assert_false(a->ok || a->taken);
    assert_string_equal(a->err.sqlstate, RDB_QUERY_CANCELED);
    rdb_error_clear(&a->err);
    rdb_cancel_begin_statement(&a->cancel, 0);
    leave_queue(&t->m, i);
    settle(&t->m, t->m.wish[i].tag);
    t->cancels++;
    end_step(t);
}

/* ---- looking at everything --------------------------------------------------------------------------------------------------------- */
typedef struct shown {
    uint16_t granted[OWNERS][TAGS], wanted[OWNERS][TAGS]; /* modes as bits */
    unsigned strangers;
} shown;

static void note_lock(void *context, const rdb_lock_info *info)
{
    shown *s = context;
    static const uint8_t OF_ROW[9] = {[RDB_LOCK_ACCESS_SHARE] = 1, [RDB_LOCK_ROW_SHARE] = 2, [RDB_LOCK_EXCLUSIVE] = 3, [RDB_LOCK_ACCESS_EXCLUSIVE] = 4};
    for (unsigned tag_no = 0; tag_no < TAGS; tag_no++) {
        const rdb_lock_tag tag = tag_of(tag_no);
        if (tag.kind == info->tag.kind && tag.pdb == info->tag.pdb && tag.a == info->tag.a && tag.b == info->tag.b && info->process_id < OWNERS) {
            const uint16_t bit = LOCK_BIT(tag.kind == RDB_LOCK_ROW ? OF_ROW[info->mode] : info->mode);
            uint16_t *modes = info->granted ? &s->granted[info->process_id][tag_no] : &s->wanted[info->process_id][tag_no];
            s->strangers += (*modes & bit) != 0; /* twice */
            *modes |= bit;
            return;
        }
    }
    s->strangers++;
}

static void compare_all(trial *t)
{
    shown s = {0};
    lock_table_visit(t->table, note_lock, &s);
    assert_int_equal(s.strangers, 0);
    for (unsigned i = 0; i < OWNERS; i++)
        for (unsigned tag = 0; tag < TAGS; tag++) {
            const bool waits = t->m.wish[i].waits && t->m.wish[i].tag == tag;
            assert_int_equal(s.wanted[i][tag], waits ? LOCK_BIT(t->m.wish[i].mode) : 0);
            for (unsigned mode = 1; mode < 9; mode++) {
                assert_int_equal((s.granted[i][tag] & LOCK_BIT(mode)) != 0, has(&t->m, i, tag, mode));
                if (!is_row(tag) && tag < PLAIN_TAGS && t->actors[i].thread == NULL)
                    assert_int_equal(lock_owner_holds(t->actors[i].owner, tag_of(tag), (rdb_lock_mode)mode), has(&t->m, i, tag, mode));
            }
        }
    /* What a writer asks before it changes a row in place. */
    for (unsigned tag = 0; tag < PLAIN_TAGS; tag++)
        for (unsigned i = 0; is_row(tag) && i < OWNERS; i++)
            for (unsigned mode = 1; t->actors[i].thread == NULL && mode <= 4; mode++) {
                const bool is_free = !is_held_back(&t->m, i, tag, mode);
                const rdb_lock_tag row = tag_of(tag);
                assert_int_equal(lock_row_is_free(t->table, t->actors[i].owner, row.pdb, row.a, row.b, (rdb_row_lock)(mode - 1), false), is_free);
            }
}

static void step(trial *t, rdb_random *random)
{
    const uint64_t draw = rdb_random_next(random);
    unsigned i = (unsigned)(draw % OWNERS), choice = (unsigned)(draw >> 8) % 100, running = 0;
    actor *a = &t->actors[i];
    begin_step(t);
    for (unsigned k = 0; k < OWNERS; k++)
        running += t->actors[k].thread == NULL;
    assert_true(running > 0);
    if (a->thread != NULL) {
        if (choice < 10)
            cancel(t, i);
        return;
    }
    const unsigned tag = (unsigned)(draw >> 16) % PLAIN_TAGS, mode = is_row(tag) ? 1 + (unsigned)(draw >> 24) % 4 : 1 + (unsigned)(draw >> 24) % 8;
    if (choice < 14 || running == 1) {
        end_transaction(t, i);
    } else if (choice < 20 && a->current_level < LEVELS_MAX) {
        a->current_level++;
    } else if (choice < 25 && a->current_level > 0) { /* ROLLBACK TO */
        lock_owner_release_level(a->owner, a->current_level);
        forget(t, i, a->current_level, false);
        a->has_xid = has(&t->m, i, PLAIN_TAGS + i, RDB_LOCK_EXCLUSIVE);
        end_step(t);
    } else if (choice < 30 && a->current_level > 0) { /* RELEASE */
        lock_owner_merge_level(a->owner, a->current_level);
        for (unsigned k = 0; k < t->m.hold_count; k++)
            if (t->m.holds[k].owner == i && t->m.holds[k].level != SESSION && t->m.holds[k].level >= a->current_level)
                t->m.holds[k].level = (uint8_t)(a->current_level - 1);
        a->current_level--;
        end_step(t);
    } else if (choice < 34) {
        if (!a->has_xid) {
            assert_true(lock_xid_register(a->owner, PDB, tag_of(PLAIN_TAGS + i).a, a->current_level, &a->err));
            take(&t->m, i, PLAIN_TAGS + i, RDB_LOCK_EXCLUSIVE, a->current_level);
            t->m.age[i] = a->owner->age;
            a->has_xid = true;
        }
        end_step(t);
    } else if (choice < 42) {
        const unsigned other = (i + 1 + (unsigned)(draw >> 32) % (OWNERS - 1)) % OWNERS;
        request(t, i, PLAIN_TAGS + other, RDB_LOCK_SHARE, a->current_level, choice < 40 ? RDB_LOCK_WAIT : choice < 41 ? RDB_LOCK_SKIP : RDB_LOCK_NOWAIT);
    } else if (choice < 46) {
        release_one(t, i, 2, 1 + (unsigned)(draw >> 24) % 8, (draw >> 40) % 2 == 0);
    } else if (choice < 50) {
        request(t, i, 2, 1 + (unsigned)(draw >> 24) % 8, SESSION, RDB_LOCK_WAIT);
    } else if (choice < 52) {
        lock_owner_release_session(a->owner, choice < 51 ? 0 : RDB_LOCK_ADVISORY);
        forget(t, i, SESSION, true);
        end_step(t);
    } else {
        request(t, i, tag, mode, a->current_level, choice < 90 ? RDB_LOCK_WAIT : choice < 95 ? RDB_LOCK_SKIP : RDB_LOCK_NOWAIT);
    }
}

static void test_random_requests_are_answered_as_the_model_says(void **state)
{
    (void)state;
    const char *given = getenv("RDB_TEST_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)rdb_time_wall_us();
    const unsigned rounds = getenv("RDB_CHECK_LONG") != NULL ? 400 : 40;
    trial *t = calloc(1, sizeof *t);
    rdb_random random;
    print_message("seed %llu\n", (unsigned long long)seed);
    rdb_random_seed(&random, seed);
    for (unsigned round = 0; round < rounds; round++) {
        memset(&t->m, 0, sizeof t->m);
        t->table = lock_table_create();
        atomic_store(&t->table->deadlock_timeout_us, INT64_C(3600) * 1000000); /* who looks is said below */
        for (unsigned i = 0; i < OWNERS; i++) {
            actor *a = &t->actors[i];
            *a = (actor){0};
            rdb_cancel_init(&a->cancel);
            rdb_cancel_begin_statement(&a->cancel, 0);
            a->owner = lock_owner_begin(t->table, NULL, &a->cancel);
            assert_non_null(a->owner);
            atomic_store(&a->owner->process_id, (int32_t)i);
        }
        for (unsigned k = 0; k < 250; k++) {
            step(t, &random);
            if (k % 8 == 0)
                compare_all(t);
        }
        for (bool is_any = true; is_any;) { /* to the end: whoever runs lets go, until all have run */
            is_any = false;
            for (unsigned i = 0; i < OWNERS; i++) {
                if (t->actors[i].thread != NULL) {
                    is_any = true;
                    continue;
                }
                begin_step(t);
                lock_owner_release_all(t->actors[i].owner, true);
                forget(t, i, 0, true);
                end_step(t);
            }
        }
        for (unsigned i = 0; i < OWNERS; i++) {
            lock_owner_release_all(t->actors[i].owner, true);
            lock_owner_end(t->actors[i].owner);
        }
        for (unsigned i = 0; i < LOCK_PARTITIONS; i++) {
            assert_int_equal(t->table->partitions[i].object_count, 0);
            assert_int_equal(t->table->partitions[i].row_objects, 0);
        }
        for (unsigned i = 0; i < LOCK_STRONG_COUNTERS; i++)
            assert_int_equal(t->table->strong[i], 0);
        lock_table_destroy(t->table);
    }
    print_message("%llu steps, %llu waits, %llu victims of deadlocks, %llu overtakings, %llu cancels\n", (unsigned long long)t->steps, (unsigned long long)t->waits,
                  (unsigned long long)t->victims, (unsigned long long)t->overtakings, (unsigned long long)t->cancels);
    assert_true(t->waits > rounds && t->victims > rounds / 4 && t->cancels > 0);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_requests_are_answered_as_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
