/* SPDX-License-Identifier: Apache-2.0
 * Random histories against a model in memory: several transactions insert, update, delete, set savepoints and roll back,
 * commit and abort, with snapshots of different ages reading in between by scan and through an index, while the reverter
 * and purge come by and the instance crashes now and then. At the end nothing but the live rows is left. The index is a
 * B+tree, or a set in memory that finds its faults more plainly. */
#include "index/rdb_index.h"
#include "toy_index.h"

enum { TXNS = 5, OBJECTS_MAX = 4000, VERSIONS_MAX = 24, KEYS = 40 };

typedef struct past { /* number < 0: deleted */
    rdb_scn scn;
    int32_t number;
} past;
typedef struct pending {
    uint32_t level;
    int32_t number;
    rdb_xid xid;
    struct pending *below;
} pending;
typedef struct object {
    rdb_row_address address;
    past versions[VERSIONS_MAX]; /* committed, oldest first */
    uint32_t count;
    int32_t owner; /* slot of the transaction that has it, -1 */
    pending *top;  /* its uncommitted versions, newest first */
} object;
typedef struct party {
    rdb_txn *txn;
    uint32_t level;
    bool has_snapshot; /* repeatable read */
    rdb_snapshot snapshot;
    uint32_t writes;
} party;

static object *objects;
static uint32_t object_count;
static party actors[TXNS];
static rdb_random rng;
static scanned rows;
static char noise[20000];

/* ---- the index ------------------------------------------------------------------------------------------------------ */
static bool uses_tree;
static rdb_index tree;

static void put_key(uint8_t bytes[8], uint64_t key)
{
    for (int i = 0; i < 8; i++) /* in the order of memcmp */
        bytes[i] = uses_tree ? (uint8_t)(key >> (56 - 8 * i)) : (uint8_t)(key >> (8 * i));
}
static void index_open(instance *f)
{
    tree = (rdb_index){.storage = f->storage, .txns = f->txns, .pdb = PDB, .file = TOY_INDEX_FILE};
}
static void index_insert(instance *f, rdb_xid xid, uint64_t key, rdb_row_address row)
{
    uint8_t bytes[8];
    put_key(bytes, key);
    rdb_index_entry entry = {.key = {bytes, 8}, .address = row};
    if (uses_tree)
        MUST(&f->err, rdb_index_insert(&tree, xid, &entry, &f->err));
    else
        toy_insert(key, row);
}
/* Rows of the entries of a key, or of all. */
static uint32_t index_rows(instance *f, const uint64_t *key, rdb_row_address *found, uint32_t max)
{
    uint32_t count = 0;
    if (!uses_tree) {
        for (uint32_t i = 0; i < toy.count; i++)
            if ((key == NULL || toy.entries[i].key == *key) && count < max)
                found[count++] = toy.entries[i].row;
        return count;
    }
    uint8_t bytes[8];
    rdb_index_range range = {0};
    if (key != NULL) {
        put_key(bytes, *key);
        range.lower = range.upper = (rdb_slice){bytes, 8};
    }
    rdb_index_cursor *cursor;
    MUST(&f->err, rdb_index_cursor_open(&cursor, &tree, &range, false, f->batch, &f->err));
    for (;;) {
        rdb_index_entry entries[32];
        uint32_t n;
        MUST(&f->err, rdb_index_cursor_next(cursor, 32, false, f->batch, entries, &n, &f->err));
        for (uint32_t i = 0; i < n && count < max; i++)
            found[count++] = entries[i].address;
        if (n == 0)
            break;
    }
    rdb_index_cursor_close(&cursor);
    return count;
}

static uint32_t pick(uint32_t n)
{
    return (uint32_t)(rdb_random_next(&rng) % n);
}
/* A row's number decides all else about it. */
static uint64_t key_of(int32_t number)
{
    return (uint64_t)number % KEYS;
}
static sample sample_of(uint32_t id, int32_t number)
{
    sample s = {.id = id, .number = number};
    if (number % 7 != 0) {
        s.note = noise + number % 97;
        s.note_length = number % 31 == 0 ? 3000u + (uint32_t)number % 9000u : number % 5 == 0 ? 300u + (uint32_t)number % 700u : 1u + (uint32_t)number % 40u;
    }
    return s;
}
static int32_t new_number(void)
{
    return (int32_t)pick(1000000);
}

static int32_t committed_at(const object *o, rdb_scn scn)
{
    int32_t number = -1;
    for (uint32_t i = 0; i < o->count && o->versions[i].scn <= scn; i++)
        number = o->versions[i].number;
    return number;
}
/* What actor a sees of o: its own newest, or the committed one of its snapshot. */
static int32_t visible(const object *o, int32_t a, rdb_scn scn)
{
    return o->owner == a && o->top != NULL ? o->top->number : committed_at(o, scn);
}

static void push(object *o, int32_t a, uint32_t level, int32_t number, rdb_xid xid)
{
    pending *p = malloc(sizeof *p);
    *p = (pending){level, number, xid, o->top};
    o->top = p;
    o->owner = a;
}
static void pop_levels(int32_t a, uint32_t level)
{
    for (uint32_t i = 0; i < object_count; i++) {
        object *o = &objects[i];
        while (o->owner == a && o->top != NULL && o->top->level >= level) {
            pending *p = o->top;
            o->top = p->below;
            free(p);
        }
        if (o->owner == a && o->top == NULL)
            o->owner = -1;
    }
}
static void merge_levels(int32_t a, uint32_t level)
{
    for (uint32_t i = 0; i < object_count; i++)
        for (pending *p = objects[i].owner == a ? objects[i].top : NULL; p != NULL; p = p->below)
            if (p->level >= level)
                p->level = level - 1;
}
static void commit_model(int32_t a, rdb_scn scn, rdb_scn oldest_needed)
{
    for (uint32_t i = 0; i < object_count; i++) {
        object *o = &objects[i];
        if (o->owner != a)
            continue;
        if (o->count == VERSIONS_MAX) { /* forget what no snapshot of this test can ask for */
            uint32_t drop = 0;
            while (drop + 1 < o->count && o->versions[drop + 1].scn <= oldest_needed)
                drop++;
            memmove(o->versions, o->versions + drop, (o->count - drop) * sizeof *o->versions);
            o->count -= drop;
            assert_true(o->count < VERSIONS_MAX);
        }
        o->versions[o->count++] = (past){scn, o->top->number};
        while (o->top != NULL) {
            pending *p = o->top;
            o->top = p->below;
            free(p);
        }
        o->owner = -1;
    }
}

static rdb_scn oldest_snapshot(instance *f)
{
    rdb_scn oldest = rdb_txn_published_scn(f->txns);
    for (int a = 0; a < TXNS; a++)
        if (actors[a].txn != NULL && actors[a].has_snapshot)
            oldest = RDB_MIN(oldest, actors[a].snapshot.scn);
    return oldest;
}

static void statement_snapshot(party *actor, rdb_snapshot *snapshot)
{
    if (!actor->has_snapshot) {
        rdb_txn_take_snapshot(actor->txn, snapshot);
        return;
    }
    *snapshot = actor->snapshot; /* the same SCN, but with one's own earlier statements */
    rdb_snapshot now;
    rdb_txn_hold_snapshot(actor->txn, &actor->snapshot);
    rdb_txn_take_snapshot(actor->txn, &now);
    memcpy(snapshot->own_undo, now.own_undo, sizeof now.own_undo);
    snapshot->own_xid = now.own_xid;
}

static void check_row(const sample *want, const scanned *got, uint32_t at)
{
    assert_int_equal(got->numbers[at], want->number);
    assert_int_equal(got->note_null[at], want->note == NULL);
    if (want->note != NULL) {
        assert_int_equal(got->notes[at].length, want->note_length);
        assert_memory_equal(got->notes[at].data, want->note, want->note_length);
    }
}

/* For a failure: the versions of a row as they stand. */
static void print_row(instance *f, rdb_row_address address)
{
    heap_place place = heap_place_of(&f->table);
    heap_walker walker;
    heap_version version;
    rdb_buffer *buffer = NULL;
    bool found = false;
    heap_walker_init(&walker, place.page_bytes);
    MUST(&f->err, rdb_buffer_acquire(f->storage, heap_tag(&place, RDB_ROW_BLOCK(address)), RDB_BUFFER_SHARED, &buffer, &f->err));
    print_message("  settled scn of the page %llu\n", (unsigned long long)rdb_buffer_page(buffer)->settled_scn);
    MUST(&f->err, heap_read_place(&place, rdb_buffer_page(buffer), RDB_ROW_SLOT(address), &walker, &version, &found, &f->err));
    while (found) {
        rdb_xid_state state;
        rdb_scn scn;
        MUST(&f->err, rdb_txn_resolve(f->txns, PDB, version.xid, &state, &scn, &f->err));
        print_message("  xid %llu undo %llx flags %x: %d at %llu\n", (unsigned long long)version.xid,
                      (unsigned long long)version.undo, version.flags, state, (unsigned long long)scn);
        MUST(&f->err, heap_step_back(&place, &walker, &version, &found, &f->err));
    }
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    heap_walker_deinit(&walker);
}

static void check_scan(instance *f, int32_t a)
{
    rdb_snapshot snapshot;
    statement_snapshot(&actors[a], &snapshot);
    scan_with(f, actors[a].txn, &snapshot, 1 + pick(200), &rows);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < object_count; i++)
        expected += visible(&objects[i], a, snapshot.scn) >= 0;
    for (uint32_t i = 0; rows.count != expected && i < object_count; i++) {
        const object *o = &objects[i];
        if ((visible(o, a, snapshot.scn) >= 0) == (find_id(&rows, i) >= 0))
            continue;
        print_message("snapshot %llu of %d, object %u at %llx owned by %d:", (unsigned long long)snapshot.scn, a, i,
                      (unsigned long long)o->address, o->owner);
        for (uint32_t v = 0; v < o->count; v++)
            print_message(" %llu:%d", (unsigned long long)o->versions[v].scn, o->versions[v].number);
        for (const pending *p = o->top; p != NULL; p = p->below)
            print_message(" level %u:%d", p->level, p->number);
        print_message("\n");
        print_row(f, o->address);
    }
    assert_int_equal(rows.count, expected);
    for (uint32_t i = 0; i < rows.count; i++) {
        assert_in_range(rows.ids[i], 0, object_count - 1);
        const object *o = &objects[rows.ids[i]];
        assert_int_equal(rows.addresses[i], o->address);
        sample want = sample_of((uint32_t)rows.ids[i], visible(o, a, snapshot.scn));
        check_row(&want, &rows, i);
    }
}

static uint64_t trusted; /* entries that were as good as their rows */

static bool mark_pages(void *context, rdb_error *err)
{
    instance *f = context;
    uint64_t next = 0;
    uint64_t late = 0;
    bool is_over = false;
    return rdb_table_mark_visible(&f->table, &next, UINT64_MAX / 2, NULL, &is_over, &late, err);
}

/* All rows of one key, as an index scan finds them: entries, then rows, the key compared where asked. Entries of pages that all see
 * must be right without that. */
static void check_lookup(instance *f, int32_t a)
{
    rdb_snapshot snapshot;
    statement_snapshot(&actors[a], &snapshot);
    uint64_t key = pick(KEYS);
    uint32_t expected = 0, met = 0;
    for (uint32_t i = 0; i < object_count; i++) {
        int32_t number = visible(&objects[i], a, snapshot.scn);
        expected += number >= 0 && key_of(number) == key;
    }
    static const int16_t columns[] = {1, 3};
    rdb_vector store[2], *vectors[] = {&store[0], &store[1]};
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_vector_init(&store[0], f->batch, RDB_REP_INT64, 1, &f->err));
    MUST(&f->err, rdb_vector_init(&store[1], f->batch, RDB_REP_INT32, 1, &f->err));
    static rdb_row_address entries[OBJECTS_MAX * 2];
    static bool seen_by_all[OBJECTS_MAX * 2];
    const uint64_t begun = rdb_table_visible_begin();
    uint32_t entry_count = index_rows(f, &key, entries, RDB_COUNT_OF(entries));
    MUST(&f->err, rdb_table_visible(&f->table, &snapshot, entries, entry_count, begun, seen_by_all, &f->err));
    for (uint32_t i = 0; i < entry_count; i++) {
        bool found, recheck;
        MUST(&f->err, rdb_table_fetch(&f->table, actors[a].txn, &snapshot, &entries[i], 1, columns, 2, f->batch,
                                      vectors, &found, &recheck, NULL, &f->err));
        if (seen_by_all[i]) {
            assert_true(found);
            assert_int_equal(key_of(RDB_VALUES(&store[1], int32_t)[0]), key);
            trusted++;
        }
        if (!found)
            continue;
        int32_t number = RDB_VALUES(&store[1], int32_t)[0];
        if (recheck && key_of(number) != key)
            continue;
        assert_int_equal(key_of(number), key); /* without recheck the entry is to be trusted */
        met++;
    }
    assert_int_equal(met, expected);
}

static void write_one(instance *f, int32_t a)
{
    party *actor = &actors[a];
    rdb_snapshot snapshot;
    uint8_t old_key[8], new_key[8];
    statement_snapshot(actor, &snapshot);
    actor->writes++;
    if (object_count < OBJECTS_MAX && (object_count < 20 || pick(4) == 0)) {
        uint32_t id = object_count++;
        int32_t number = new_number();
        put_key(new_key, key_of(number));
        rdb_index_key key = {.index_file = TOY_INDEX_FILE, .new_key = {new_key, 8}};
        rdb_datum values[3];
        bool is_null[3];
        sample s = sample_of(id, number);
        fill_values(&s, values, is_null);
        objects[id] = (object){.owner = -1};
        if (pick(3) == 0) {
            const rdb_datum *value_rows[] = {values};
            const bool *null_rows[] = {is_null};
            MUST(&f->err, rdb_table_insert_many(&f->table, actor->txn, value_rows, null_rows, 1, &key, 1, &objects[id].address, &f->err));
        } else {
            MUST(&f->err, rdb_table_insert(&f->table, actor->txn, values, is_null, &key, 1, &objects[id].address, NULL, &f->err));
        }
        index_insert(f, rdb_txn_xid(actor->txn), key_of(number), objects[id].address);
        push(&objects[id], a, actor->level, number, rdb_txn_xid(actor->txn));
        if (pick(20) == 0) {
            MUST(&f->err, rdb_table_retract(&f->table, actor->txn, objects[id].address, &f->err));
            push(&objects[id], a, actor->level, -1, rdb_txn_xid(actor->txn));
        }
        return;
    }
    uint32_t id = pick(object_count);
    object *o = &objects[id];
    int32_t old = visible(o, a, snapshot.scn);
    if (old < 0)
        return;
    static const int16_t columns[] = {3};
    rdb_vector store, *vectors[] = {&store};
    rdb_row_version seen;
    bool found;
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_vector_init(&store, f->batch, RDB_REP_INT32, 1, &f->err));
    MUST(&f->err, rdb_table_fetch(&f->table, actor->txn, &snapshot, &o->address, 1, columns, 1, f->batch, vectors, &found, NULL, &seen, &f->err));
    assert_true(found);
    assert_int_equal(RDB_VALUES(&store, int32_t)[0], old);
    bool deletes = pick(5) == 0;
    int32_t number = new_number();
    if (pick(2) == 0) /* few keys a row, so that it comes back to what it was some time */
        number = number / KEYS * KEYS + (int32_t)((id + pick(2)) % KEYS);
    put_key(old_key, key_of(old));
    put_key(new_key, key_of(number));
    rdb_index_key key = {.index_file = TOY_INDEX_FILE, .old_key = {old_key, 8}, .new_key = {new_key, deletes ? 0 : 8}};
    uint32_t key_count = deletes || key_of(old) != key_of(number);
    rdb_datum values[3];
    bool is_null[3];
    sample s = sample_of(id, number);
    fill_values(&s, values, is_null);
    rdb_write_outcome outcome, expected = RDB_WRITE_DONE;
    rdb_xid wait_xid;
    if (o->owner >= 0 && o->owner != a)
        expected = RDB_WRITE_WAIT;
    else if (o->owner != a && o->count > 0 && o->versions[o->count - 1].scn > snapshot.scn)
        expected = o->versions[o->count - 1].number < 0 ? RDB_WRITE_GONE : RDB_WRITE_CHANGED;
    if (deletes)
        MUST(&f->err, rdb_table_delete(&f->table, actor->txn, &snapshot, o->address, seen, &key, key_count, &outcome, &wait_xid, &f->err));
    else
        MUST(&f->err, rdb_table_update(&f->table, actor->txn, &snapshot, o->address, seen, values, is_null, &key, key_count, pick(2) == 0, &outcome, &wait_xid, NULL, &f->err));
    assert_int_equal(outcome, expected);
    if (outcome == RDB_WRITE_WAIT)
        assert_int_equal(wait_xid, o->top->xid); /* of the level that wrote: its rollback lets waiters go */
    if (outcome != RDB_WRITE_DONE)
        return;
    if (!deletes && key_count > 0)
        index_insert(f, rdb_txn_xid(actor->txn), key_of(number), o->address);
    push(o, a, actor->level, deletes ? -1 : number, rdb_txn_xid(actor->txn));
}

static void end_transaction(instance *f, int32_t a, bool commits)
{
    if (commits) {
        rdb_scn scn = 0, oldest = oldest_snapshot(f);
        MUST(&f->err, rdb_txn_commit(&actors[a].txn, pick(3) == 0 ? RDB_COMMIT_NO_WAIT : RDB_COMMIT_LOCAL, &scn, &f->err));
        commit_model(a, scn, oldest);
    } else {
        rdb_txn_abort(&actors[a].txn);
        pop_levels(a, 0);
    }
    actors[a] = (party){0};
}

static void run_history(uint64_t seed, uint32_t page_bytes, uint32_t steps)
{
    instance f;
    rdb_purge *purge;
    uses_tree = seed % 2 == 1;
    printf("seed %llu, pages of %u, %s\n", (unsigned long long)seed, page_bytes, uses_tree ? "B+tree" : "set");
    rdb_random_seed(&rng, seed);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(rdb_random_next(&rng) >> (i % 3 == 0 ? 60 : 56));
    objects = calloc(OBJECTS_MAX, sizeof *objects);
    object_count = 0;
    memset(actors, 0, sizeof actors);
    instance_begin(&f, page_bytes, 2048);
    create_table(&f);
    rdb_index_register_redo();
    toy_reset();
    index_open(&f);
    if (uses_tree) {
        rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
        MUST(&f.err, rdb_index_create(f.storage, txn, TOY_INDEX_FILE, &f.err));
        commit(&f, txn);
    } else {
        toy_create(&f);
    }
    rdb_purge_config config = {.undo = f.undo, .remove_entry = uses_tree ? rdb_index_remove : toy_remove, .interval_us = 1000};
    MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
    for (uint32_t step = 0; step < steps; step++) {
        int32_t a = (int32_t)pick(TXNS);
        party *actor = &actors[a];
        if (actor->txn == NULL) {
            actor->txn = begin(&f, pick(2) ? RDB_READ_COMMITTED : RDB_REPEATABLE_READ);
            actor->has_snapshot = rdb_txn_get_isolation(actor->txn) == RDB_REPEATABLE_READ;
            if (actor->has_snapshot) {
                rdb_txn_take_snapshot(actor->txn, &actor->snapshot);
                rdb_txn_hold_snapshot(actor->txn, &actor->snapshot);
            }
            continue;
        }
        switch (pick(24)) {
        case 0: case 1:
            if (actor->writes > 3 || pick(3) == 0)
                end_transaction(&f, a, pick(3) != 0);
            break;
        case 2: {
            uint32_t level;
            MUST(&f.err, rdb_txn_push_level(actor->txn, &level, &f.err));
            assert_int_equal(level, actor->level + 1);
            actor->level = level;
            break;
        }
        case 3:
            if (actor->level > 0) {
                uint32_t level = 1 + pick(actor->level);
                rdb_txn_rollback_level(actor->txn, level);
                pop_levels(a, level);
                actor->level = level - 1;
            }
            break;
        case 4:
            if (actor->level > 0) {
                uint32_t level = 1 + pick(actor->level);
                rdb_txn_release_level(actor->txn, level);
                merge_levels(a, level);
                actor->level = level - 1;
            }
            break;
        case 5:
            check_scan(&f, a);
            break;
        case 6: case 7:
            check_lookup(&f, a);
            break;
        case 8:
            if (pick(3) == 0)
                MUST(&f.err, rdb_purge_run(purge, &f.err));
            if (pick(3) == 0) {
                bool ran;
                MUST(&f.err, rdb_undo_at_rest(f.undo, NULL, mark_pages, &f, &ran, &f.err));
            }
            break;
        case 9:
            if (pick(60) == 0) { /* a crash: what runs is lost */
                rdb_purge_close(&purge);
                instance_close(&f);
                for (int i = 0; i < TXNS; i++) {
                    pop_levels(i, 0);
                    actors[i] = (party){0};
                }
                instance_open(&f);
                index_open(&f);
                config.undo = f.undo;
                MUST(&f.err, rdb_undo_attach(f.undo, PDB, &f.err));
                MUST(&f.err, rdb_purge_open(&purge, &config, &f.err));
            }
            break;
        default:
            write_one(&f, a);
            break;
        }
    }
    for (int32_t a = 0; a < TXNS; a++)
        if (actors[a].txn != NULL) {
            check_scan(&f, a);
            end_transaction(&f, a, a % 2 == 0);
        }
    rdb_scn unused;
    rdb_txn *last = begin(&f, RDB_READ_COMMITTED);
    insert(&f, last, (sample){.id = -1, .number = 1});
    MUST(&f.err, rdb_txn_commit(&last, RDB_COMMIT_LOCAL, &unused, &f.err)); /* publishes what was not waited for */
    MUST(&f.err, rdb_purge_run(purge, &f.err));
    rdb_undo_statistics statistics;
    rdb_undo_get_statistics(f.undo, &statistics);
    assert_int_equal(statistics.jobs, 0);
    assert_int_equal(statistics.bytes, 0);
    /* What is left: one entry a live row, one slot a live row. */
    last = begin(&f, RDB_READ_COMMITTED);
    scan_now(&f, last, &rows);
    static rdb_row_address left[OBJECTS_MAX * 2];
    uint32_t live = 0, slots = 0, bodies = 0, entry_count = index_rows(&f, NULL, left, RDB_COUNT_OF(left));
    for (uint32_t i = 0; i < object_count; i++) {
        int32_t number = committed_at(&objects[i], UINT64_MAX);
        if (number < 0)
            continue;
        live++;
        uint64_t key = key_of(number);
        static rdb_row_address of_key[OBJECTS_MAX * 2];
        uint32_t n = index_rows(&f, &key, of_key, RDB_COUNT_OF(of_key)), met = 0;
        for (uint32_t e = 0; e < n; e++)
            met += of_key[e] == objects[i].address;
        assert_int_equal(met, 1);
    }
    assert_int_equal(rows.count, live + 1);
    assert_int_equal(entry_count, live);
    uint64_t blocks, moved = 0;
    MUST(&f.err, rdb_table_block_count(&f.table, &blocks, &f.err));
    for (uint64_t block = 1; block < blocks; block++) {
        heap_place place = heap_place_of(&f.table);
        rdb_buffer *buffer;
        MUST(&f.err, rdb_buffer_acquire(f.storage, heap_tag(&place, block), RDB_BUFFER_SHARED, &buffer, &f.err));
        const rdb_page *page = rdb_buffer_page(buffer);
        if (page->type == RDB_PAGE_HEAP) {
            assert_true(heap_page_check(page, page_bytes));
            for (uint32_t i = 0; i < heap_slot_count(page); i++) {
                uint32_t offset, length;
                heap_slot_kind kind = heap_slot(page, i, &offset, &length);
                slots += kind == HEAP_SLOT_ROW;
                bodies += kind == HEAP_SLOT_BODY;
                moved += kind == HEAP_SLOT_ROW && (heap_cell_flags(heap_cell(page, offset)) & HEAP_MOVED) != 0;
            }
        }
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    /* Nothing has to wait now: all see all of it. */
    uint64_t pages;
    bool ran;
    MUST(&f.err, rdb_undo_at_rest(f.undo, NULL, mark_pages, &f, &ran, &f.err));
    assert_true(ran);
    MUST(&f.err, rdb_table_block_count(&f.table, &blocks, &f.err));
    MUST(&f.err, rdb_table_visible_count(&f.table, &pages, &f.err));
    assert_int_equal(pages, blocks);
    assert_int_equal(slots, live + 1);
    assert_int_equal(bodies, moved);
    rdb_txn_abort(&last);
    rdb_purge_close(&purge);
    instance_end(&f);
    free(objects);
    toy_reset();
}

static void test_random_histories(void **state)
{
    (void)state;
    const char *given = getenv("RDB_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)rdb_time_wall_us();
    uint32_t steps = getenv("RDB_TEST_STEPS") != NULL ? (uint32_t)strtoul(getenv("RDB_TEST_STEPS"), NULL, 10) : 6000;
    for (uint64_t i = 0; i < 3; i++)
        run_history(seed + i, 4096u << (i % 3), steps);
    printf("entries of pages that all see: %llu\n", (unsigned long long)trusted);
    assert_true(trusted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_histories)};
    setvbuf(stdout, NULL, _IOLBF, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
