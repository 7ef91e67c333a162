/* SPDX-License-Identifier: Apache-2.0
 * Bytes that are not what they should be: redo and searching meet damaged pages and damaged records, and answer with an
 * error or with something, but touch nothing outside the page (the address sanitizer watches: both stand in blocks of
 * their exact size). */
#include "fixture.h"

typedef struct damage {
    fixture f;
    rdb_random random;
    uint8_t *page, *data;
    uint64_t refused, accepted;
} damage;

static uint32_t below(damage *d, uint32_t bound)
{
    return (uint32_t)(rdb_random_next(&d->random) % bound);
}

static void scramble(damage *d, uint8_t *bytes, uint32_t length, uint32_t changes)
{
    for (uint32_t i = 0; i < changes && length > 0; i++) {
        uint32_t at = below(d, 4) == 0 ? below(d, RDB_MIN(length, 160u)) : below(d, length);
        switch (below(d, 4)) {
        case 0:
            bytes[at] = (uint8_t)rdb_random_next(&d->random);
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1u << below(d, 8));
            break;
        case 2:
            bytes[at] = below(d, 2) ? 0xff : 0;
            break;
        default:
            bytes[at]++;
            break;
        }
    }
}

static void copy_block(damage *d, uint64_t block)
{
    rdb_buffer *buffer;
    rdb_page_tag tag = {.file = INDEX_FILE, .block = block, .pdb = PDB};
    MUST(&d->f.err, rdb_buffer_acquire(d->f.storage, tag, RDB_BUFFER_SHARED, &buffer, &d->f.err));
    memcpy(d->page, rdb_buffer_page(buffer), 4096);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
}

/* Data as its own room would write it for the operation, more or less. */
static uint32_t make_data(damage *d, uint8_t operation, uint8_t reference_no)
{
    const btree_page *page = (const btree_page *)(const void *)d->page;
    uint8_t cell_bytes[256], key[64];
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)rdb_random_next(&d->random);
    btree_cell cell = {.flags = BTREE_CELL_ADDRESS, .key_bytes = (uint16_t)below(d, 60), .address = 5, .key = key};
    if (page->level > 0) {
        cell.flags |= BTREE_CELL_CHILD;
        cell.child = 3;
    }
    uint32_t length = btree_cell_encode(&cell, cell_bytes);
    if (((operation == BTREE_OP_INSERT || operation == BTREE_OP_INSERT_UP) && reference_no == 0) || (operation == BTREE_OP_SHIFT && reference_no == 2)) {
        rdb_put_u16(d->data, (uint16_t)below(d, page->count + 2u));
        rdb_put_u16(d->data + 2, cell.key_bytes);
        memcpy(d->data + 4, cell_bytes, length);
        return 4 + length;
    }
    if (operation == BTREE_OP_REMOVE || (operation == BTREE_OP_MERGE && reference_no == 2)) {
        rdb_put_u16(d->data, (uint16_t)below(d, page->count + 2u));
        return 2;
    }
    if (operation == BTREE_OP_MOVE && reference_no >= 2) {
        rdb_put_u16(d->data, (uint16_t)below(d, page->count + 2u));
        rdb_put_u64(d->data + 2, 9);
        return reference_no == 2 ? 10 : 8;
    }
    if (operation == BTREE_OP_SPLIT && reference_no == 0) {
        btree_split_left head = {.keep = (uint16_t)below(d, page->count + 2u), .new_slot = (uint16_t)below(d, page->count + 2u),
                                 .new_key_bytes = cell.key_bytes, .new_cell_bytes = (uint16_t)(below(d, 2) ? length : 0),
                                 .high_key_bytes = cell.key_bytes, .high_cell_bytes = (uint16_t)length, .right = 9};
        memcpy(d->data, &head, sizeof head);
        memcpy(d->data + sizeof head, cell_bytes, length);
        memcpy(d->data + sizeof head + length, cell_bytes, head.new_cell_bytes);
        return (uint32_t)sizeof head + length + head.new_cell_bytes;
    }
    if (operation == BTREE_OP_OVERFLOW) {
        uint32_t bytes = below(d, 3000);
        rdb_put_u16(d->data, (uint16_t)bytes);
        rdb_put_u16(d->data + 2, 0);
        return 4 + bytes;
    }
    btree_content content;
    btree_content_begin(&content, d->data, 4096, (uint16_t)below(d, 3));
    for (uint32_t count = below(d, 100); count > 0 && btree_content_add(&content, &cell); count--)
        ;
    return content.length;
}

static void redo_once(damage *d, uint8_t operation, uint8_t reference_no, const uint8_t *data, uint32_t data_bytes)
{
    rdb_error err = {0};
    uint8_t *exact = malloc(data_bytes + (data_bytes == 0));
    memcpy(exact, data, data_bytes);
    rdb_redo redo = {.lsn = 1, .end_lsn = 2, .pdb = PDB, .page_bytes = 4096, .operation = operation,
                     .tag = {.file = INDEX_FILE, .block = 1, .pdb = PDB}, .reference_no = reference_no, .data = exact,
                     .data_bytes = data_bytes};
    bool ok = rdb_resource_find(RDB_RESOURCE_BTREE)->redo(&redo, (rdb_page *)(void *)d->page, &err);
    assert_int_equal(ok, !rdb_error_is_set(&err));
    if (!ok)
        assert_string_equal(err.sqlstate, "XX001");
    d->refused += !ok;
    d->accepted += ok;
    rdb_error_clear(&err);
    free(exact);
}

static void damage_begin(damage *d)
{
    fixture_begin(&d->f, 4096, 512);
    rdb_random_seed(&d->random, 11);
    d->page = malloc(4096);
    d->data = malloc(8192);
    for (uint64_t i = 0; i < 4000; i++) {
        uint8_t key[200];
        rdb_put_u64(key, rdb_random_next(&d->random));
        memset(key + 8, 'q', sizeof key - 8);
        rdb_index_entry entry = {.key = {key, 8 + i % 190}, .payload = {key, i % 3 * 9}, .address = 1 + i};
        MUST(&d->f.err, rdb_index_insert(&d->f.index, 3, &entry, &d->f.err));
    }
}

static void damage_end(damage *d)
{
    free(d->page);
    free(d->data);
    fixture_end(&d->f);
}

static void test_redo_refuses_what_does_not_fit(void **state)
{
    (void)state;
    damage d = {0};
    damage_begin(&d);
    for (uint32_t round = 0; round < 60000; round++) {
        copy_block(&d, 1 + below(&d, 60));
        uint8_t operation = (uint8_t)below(&d, BTREE_OP_COUNT + 1), reference_no = (uint8_t)below(&d, 4);
        uint32_t bytes = make_data(&d, operation, reference_no);
        if (round % 3 != 0)
            scramble(&d, d.page, 4096, 1 + below(&d, 12));
        if (round % 4 != 0)
            scramble(&d, d.data, bytes, 1 + below(&d, 6));
        if (round % 5 == 0)
            bytes = below(&d, bytes + 1);
        redo_once(&d, operation, reference_no, d.data, bytes);
    }
    assert_true(d.refused > 1000 && d.accepted > 1000);
    damage_end(&d);
}

static void test_searching_a_damaged_page_stays_inside_it(void **state)
{
    (void)state;
    damage d = {0};
    uint64_t torn = 0;
    damage_begin(&d);
    for (uint32_t round = 0; round < 60000; round++) {
        uint8_t key[64];
        uint32_t slot_no, length = below(&d, sizeof key);
        bool equal;
        int order;
        for (uint32_t i = 0; i < length; i++)
            key[i] = (uint8_t)rdb_random_next(&d.random);
        copy_block(&d, 1 + below(&d, 60));
        scramble(&d, d.page, 4096, below(&d, 40));
        btree_probe probe = {.key = key, .length = length, .address = 5, .after_prefix = below(&d, 2) != 0};
        btree_fetcher no_fetch = {0};
        const btree_page *page = (const btree_page *)(const void *)d.page;
        torn += btree_page_search(page, 4096, &probe, &no_fetch, &slot_no, &equal) == BTREE_TORN;
        torn += btree_page_compare_high(page, 4096, &probe, &no_fetch, &order) == BTREE_TORN;
        for (uint32_t i = 0; i < 600; i += 1 + below(&d, 60)) {
            btree_cell cell;
            if (!btree_slot_decode(page, 4096, i, &cell))
                continue;
            uint8_t sum = 0;
            for (uint32_t k = 0; k < cell.key_bytes; k++)
                sum ^= cell.key[k];
            for (uint32_t k = 0; cell.payload != NULL && k < cell.payload_bytes; k++)
                sum ^= cell.payload[k];
            if (sum == 1)
                torn++;
        }
    }
    assert_true(torn > 100);
    damage_end(&d);
}

/* A page of the tree is overwritten: verify, lookups, inserts and scans say so and go on living. */
static void test_a_damaged_tree_gives_errors(void **state)
{
    (void)state;
    damage d = {0};
    unsigned complaints = 0;
    uint64_t block_count;
    damage_begin(&d);
    MUST(&d.f.err, rdb_storage_block_count(d.f.storage, PDB, INDEX_FILE, RDB_FORK_MAIN, &block_count, &d.f.err));
    for (uint32_t round = 0; round < 300; round++) {
        uint64_t block = 1 + below(&d, (uint32_t)block_count - 1);
        rdb_buffer *buffer;
        rdb_page_tag tag = {.file = INDEX_FILE, .block = block, .pdb = PDB};
        MUST(&d.f.err, rdb_buffer_acquire(d.f.storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, &d.f.err));
        memcpy(d.page, rdb_buffer_page(buffer), 4096);
        /* Not the right links: a chain may be bent into a ring, which only verify finds. */
        scramble(&d, (uint8_t *)rdb_buffer_page(buffer) + BTREE_SLOTS_AT, 4096 - BTREE_SLOTS_AT, 1 + below(&d, 30));
        if (round % 8 == 0)
            rdb_buffer_page(buffer)->type = RDB_PAGE_FREE;
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        rdb_index_statistics statistics;
        rdb_error err = {0};
        complaints += !rdb_index_verify(&d.f.index, &statistics, &err);
        rdb_error_clear(&err);
        rdb_arena_reset(d.f.arena);
        rdb_index_cursor *cursor;
        rdb_index_range all = {0};
        rdb_index_entry entries[50];
        uint32_t count = 1;
        MUST(&err, rdb_index_cursor_open(&cursor, &d.f.index, &all, false, d.f.arena, &err));
        for (unsigned i = 0; count > 0 && i < 200; i++) {
            rdb_arena_reset(d.f.batch);
            if (!rdb_index_cursor_next(cursor, 50, true, d.f.batch, entries, &count, &err))
                count = 0;
        }
        rdb_error_clear(&err);
        MUST(&err, rdb_buffer_acquire(d.f.storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, &err));
        memcpy(rdb_buffer_page(buffer), d.page, 4096);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    assert_true(complaints > 150);
    rdb_index_statistics statistics;
    MUST(&d.f.err, rdb_index_verify(&d.f.index, &statistics, &d.f.err));
    damage_end(&d);
}

/* ---- each kind of damage ------------------------------------------------------------------------------------------------------ */
static btree_page *latch(damage *d, uint64_t block, rdb_buffer **buffer)
{
    const rdb_page_tag tag = {.file = INDEX_FILE, .block = block, .pdb = PDB};
    MUST(&d->f.err, rdb_buffer_acquire(d->f.storage, tag, RDB_BUFFER_EXCLUSIVE, buffer, &d->f.err));
    return btree_page_of(*buffer);
}

static uint64_t child_at(damage *d, uint64_t block, uint32_t slot_no, uint32_t *level)
{
    rdb_buffer *buffer;
    btree_cell cell;
    const btree_page *page = latch(d, block, &buffer);
    *level = page->level;
    assert_true(page->level > 0 && slot_no < page->count && btree_slot_decode(page, 4096, slot_no, &cell));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return cell.child;
}

/* The leftmost page above the leaves. */
static uint64_t first_parent(damage *d)
{
    uint32_t level;
    uint64_t parent = BTREE_ROOT_BLOCK;
    for (uint64_t child = child_at(d, parent, 0, &level); level > 1; child = child_at(d, parent, 0, &level))
        parent = child;
    return parent;
}

static uint8_t *high_key(btree_page *page)
{
    btree_cell cell;
    assert_true(btree_cell_decode(page, 4096, page->high_offset, page->high_key_bytes, &cell));
    return (uint8_t *)page + (cell.key - (const uint8_t *)page);
}
static void set_child(btree_page *page, uint32_t slot_no, uint64_t child)
{
    btree_cell cell;
    uint8_t bytes[1000];
    assert_true(btree_slot_decode(page, 4096, slot_no, &cell));
    cell.child = child;
    const uint32_t length = btree_cell_encode(&cell, bytes);
    memcpy((uint8_t *)page + page->slots[slot_no].offset, bytes, length);
}

static void break_magic(btree_page *page)
{
    ((uint8_t *)page)[RDB_PAGE_HEADER_BYTES] ^= 1;
}
static void raise_level(btree_page *page)
{
    page->level += 40;
}
static void shift_level(btree_page *page)
{
    page->level++;
}
static void move_bounds(btree_page *page)
{
    page->base.lower += 8;
}
static void drop_link(btree_page *page)
{
    page->right = 0;
}
static void swap_slots(btree_page *page)
{
    const btree_slot slot = page->slots[1];
    page->slots[1] = page->slots[2];
    page->slots[2] = slot;
}
static void lower_high_key(btree_page *page)
{
    high_key(page)[0] = 0;
}
static void raise_high_key(btree_page *page)
{
    high_key(page)[0]++;
}
static void forget_child(btree_page *page)
{
    set_child(page, 1, 0);
}
static void repeat_child(btree_page *page)
{
    btree_cell cell;
    assert_true(btree_slot_decode(page, 4096, 2, &cell));
    set_child(page, 1, cell.child);
}
static void end_chain(btree_page *page)
{
    btree_cell cell;
    assert_true(btree_cell_decode(page, 4096, page->high_offset, page->high_key_bytes, &cell));
    page->garbage = (uint16_t)(page->garbage + btree_cell_bytes(&cell));
    page->high_offset = page->high_key_bytes = 0;
    page->right = 0;
}
static void empty_page(btree_page *page)
{
    page->count = 0;
    page->base.lower = BTREE_SLOTS_AT;
    page->garbage = (uint16_t)(4096 - page->base.upper);
}
static void turn_back(btree_page *page)
{
    page->right = BTREE_ROOT_BLOCK + 1; /* the first leaf that there was */
}
static void give_key_to_first(btree_page *page)
{
    btree_cell cell;
    assert_true(btree_slot_decode(page, 4096, 1, &cell));
    page->slots[0] = page->slots[1];
}

typedef enum target { META, ROOT, PARENT, LEAF } target;

/* Verify names the block and what is wrong with it. */
static void test_each_kind_of_damage_is_named(void **state)
{
    (void)state;
    static const struct {
        target block;
        void (*poke)(btree_page *page);
        const char *problem;
        int32_t named; /* 0: the block itself; 1: the leaf's right neighbour; -1: the root */
    } DAMAGE[] = {
        {META, break_magic, "it is not the meta page of a B-tree", 0},
        {ROOT, raise_level, "it stands on the wrong level", 0},
        {LEAF, shift_level, "it stands on the wrong level", 0},
        {LEAF, move_bounds, "its bounds do not fit its slots", 0},
        {LEAF, drop_link, "its high key and its right link do not agree", 0},
        {LEAF, swap_slots, "its keys are out of order", 0},
        {LEAF, lower_high_key, "a key is not less than the high key", 0},
        {LEAF, raise_high_key, "its parent has another low key for it", 1},
        {PARENT, forget_child, "it has a child that is no block", 0},
        {PARENT, repeat_child, "its parent does not know it", 2},
        {LEAF, end_chain, "a child is not in the chain of its level", -1},
        {ROOT, empty_page, "it has no child", 0},
        {PARENT, give_key_to_first, "", 0},
        {LEAF, turn_back, "", 3},
    };
    damage d = {0};
    uint32_t level;
    rdb_buffer *buffer;
    rdb_index_statistics statistics;
    damage_begin(&d);
    const uint64_t parent = first_parent(&d);
    const uint64_t leaf = child_at(&d, parent, 1, &level), right = child_at(&d, parent, 2, &level);
    const uint64_t blocks[] = {BTREE_META_BLOCK, BTREE_ROOT_BLOCK, parent, leaf};
    for (uint32_t i = 0; i < RDB_COUNT_OF(DAMAGE); i++) {
        const uint64_t block = blocks[DAMAGE[i].block];
        rdb_error err = {0};
        btree_page *page = latch(&d, block, &buffer);
        memcpy(d.page, page, 4096);
        DAMAGE[i].poke(page);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        assert_false(rdb_index_verify(&d.f.index, &statistics, &err));
        assert_string_equal(err.sqlstate, RDB_INDEX_CORRUPTED);
        if (strstr(rdb_error_detail_text(&err), DAMAGE[i].problem) == NULL)
            fail_msg("damage %u: %s", i, rdb_error_detail_text(&err));
        if (DAMAGE[i].named <= 2) /* turned back, it is known at the block where that leads */
            assert_int_equal(statistics.block, DAMAGE[i].named == 0 ? block : DAMAGE[i].named == 1 ? right : DAMAGE[i].named == 2 ? leaf : BTREE_ROOT_BLOCK);
        rdb_error_clear(&err);
        page = latch(&d, block, &buffer);
        memcpy(page, d.page, 4096);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    MUST(&d.f.err, rdb_index_verify(&d.f.index, &statistics, &d.f.err));
    damage_end(&d);
}

static void break_root_level(btree_page *page, btree_page *right)
{
    (void)right;
    page->level = 200;
}
static void break_type(btree_page *page, btree_page *right)
{
    (void)right;
    page->base.type = RDB_PAGE_FREE;
}
static void break_type_of_right(btree_page *page, btree_page *right)
{
    lower_high_key(page);
    right->base.type = RDB_PAGE_FREE;
}
static void mark_unfinished(btree_page *page, btree_page *right)
{
    (void)right;
    page->base.flags |= BTREE_INCOMPLETE;
}
static void mark_unfinished_without_end(btree_page *page, btree_page *right)
{
    end_chain(page);
    mark_unfinished(page, right);
}
static void fill_with_lost_cell(btree_page *page, btree_page *right)
{
    (void)right;
    page->slots[page->count - 1u].offset = 60000;
    page->base.upper = page->base.lower;
    page->garbage = 0;
}

/* A writer that comes to such a page is told, and changes nothing. */
static void test_writers_are_told_of_damage(void **state)
{
    (void)state;
    static const struct {
        target block;
        void (*poke)(btree_page *page, btree_page *right);
        const char *problem;
    } DAMAGE[] = {
        {ROOT, break_root_level, "It stands on the wrong level."}, {LEAF, break_type, "It stands on the wrong level."},
        {LEAF, break_type_of_right, "It is not a page of a tree."}, {LEAF, mark_unfinished, "It has a separator twice."},
        {LEAF, mark_unfinished_without_end, "It is split and has no high key."}, {LEAF, fill_with_lost_cell, "It cannot be split."},
    };
    damage d = {0};
    uint32_t level;
    rdb_buffer *buffer, *right_buffer;
    rdb_index_statistics statistics;
    static uint8_t right_copy[4096], changed[4096], right_changed[4096];
    uint8_t key[300];
    btree_cell cell;
    damage_begin(&d);
    const uint64_t parent = first_parent(&d);
    const uint64_t leaf = child_at(&d, parent, 1, &level);
    btree_page *page = latch(&d, leaf, &buffer);
    const uint64_t right = page->right;
    assert_true(btree_slot_decode(page, 4096, 1, &cell) && cell.key_bytes == cell.whole_key_bytes && cell.key_bytes <= sizeof key);
    memcpy(key, cell.key, cell.key_bytes);
    const rdb_index_entry entry = {.key = {key, cell.key_bytes}, .address = 77777};
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    for (uint32_t i = 0; i < RDB_COUNT_OF(DAMAGE); i++) {
        const uint64_t block = DAMAGE[i].block == ROOT ? BTREE_ROOT_BLOCK : leaf;
        rdb_error err = {0};
        page = latch(&d, block, &buffer);
        btree_page *right_page = latch(&d, right, &right_buffer);
        memcpy(d.page, page, 4096);
        memcpy(right_copy, right_page, 4096);
        DAMAGE[i].poke(page, right_page);
        memcpy(changed, page, 4096);
        memcpy(right_changed, right_page, 4096);
        rdb_buffer_release(right_buffer, RDB_BUFFER_EXCLUSIVE);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        assert_false(rdb_index_insert(&d.f.index, 3, &entry, &err));
        assert_string_equal(err.sqlstate, RDB_INDEX_CORRUPTED);
        if (strstr(rdb_error_detail_text(&err), DAMAGE[i].problem) == NULL)
            fail_msg("damage %u: %s", i, rdb_error_detail_text(&err));
        rdb_error_clear(&err);
        page = latch(&d, block, &buffer);
        right_page = latch(&d, right, &right_buffer);
        assert_memory_equal(page, changed, 4096);
        assert_memory_equal(right_page, right_changed, 4096);
        memcpy(page, d.page, 4096);
        memcpy(right_page, right_copy, 4096);
        rdb_buffer_release(right_buffer, RDB_BUFFER_EXCLUSIVE);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    MUST(&d.f.err, rdb_index_verify(&d.f.index, &statistics, &d.f.err));
    assert_int_equal(statistics.entries, 4000);
    MUST(&d.f.err, rdb_index_insert(&d.f.index, 3, &entry, &d.f.err));
    damage_end(&d);
}

/* What is said of the records of a tree. */
static void test_records_are_described(void **state)
{
    (void)state;
    static const uint8_t slot[] = {7, 0};
    static const char *const TEXTS[] = {"unknown", NULL, "insert slot 7", NULL, "remove slot 7", NULL, NULL, NULL, NULL, NULL, "origin", "merge", "shift", "move", NULL, "unknown"};
    rdb_index_register_redo();
    for (uint8_t operation = 0; operation < RDB_COUNT_OF(TEXTS); operation++) {
        const rdb_wal_record record = {.resource = RDB_RESOURCE_BTREE, .operation = operation, .block_count = 1, .blocks = {{.data = slot, .data_bytes = 2}}};
        rdb_strbuf text;
        rdb_strbuf_init(&text, NULL);
        rdb_resource_find(RDB_RESOURCE_BTREE)->describe(&record, &text);
        if (TEXTS[operation] != NULL)
            assert_string_equal(text.data, TEXTS[operation]);
        else
            assert_true(text.length > 3 && strcmp(text.data, "unknown") != 0 && strstr(text.data, "slot") == NULL);
        rdb_strbuf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redo_refuses_what_does_not_fit),
        cmocka_unit_test(test_searching_a_damaged_page_stays_inside_it),
        cmocka_unit_test(test_a_damaged_tree_gives_errors),
        cmocka_unit_test(test_each_kind_of_damage_is_named),
        cmocka_unit_test(test_writers_are_told_of_damage),
        cmocka_unit_test(test_records_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
