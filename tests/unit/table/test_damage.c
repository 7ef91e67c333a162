/* SPDX-License-Identifier: Apache-2.0
 * Pages of a heap whose checksums are right and whose bytes are not: verify names each kind of damage by block and slot, readers are told
 * (XX001) or see what is whole, and nobody takes a damaged value for a value. */
#include "fixture.h"
#include "table/rdb_table_salvage.h"

#define LARGE 9000u
#define INDEX_FILE RDB_FILE_NO(RDB_FILE_INDEX, 7)

static char noise[LARGE + 1]; /* a text that lz4 makes nothing of */
static scanned all;

/* Block 1 is full of plain rows; one of them has its body elsewhere since it grew; large values lie in chains. */
typedef struct scene {
    instance f;
    rdb_row_address plain, moved, large;
    uint64_t body_block, chain_block, blocks;
    uint32_t body_slot;
    uint32_t complaints, slot;
    uint64_t block;
    char problem[400];
    uint8_t copy[4096];
} scene;

static rdb_page *latch(scene *s, uint64_t block, rdb_buffer **buffer)
{
    const heap_place place = heap_place_of(&s->f.table);
    MUST(&s->f.err, rdb_buffer_acquire(s->f.storage, heap_tag(&place, block), RDB_BUFFER_EXCLUSIVE, buffer, &s->f.err));
    return rdb_buffer_page(*buffer);
}

static uint8_t *cell_of(rdb_page *page, uint32_t slot)
{
    uint32_t offset, length;
    assert_int_not_equal(heap_slot(page, slot, &offset, &length), HEAP_SLOT_FREE);
    return (uint8_t *)page + offset;
}

/* In the cell of the large value's row: where it stands that its value lies in a chain. */
static uint8_t *external_of(scene *s, rdb_page *page)
{
    uint32_t offset, length;
    heap_external external;
    assert_int_equal(heap_slot(page, RDB_ROW_SLOT(s->large), &offset, &length), HEAP_SLOT_ROW);
    for (uint32_t at = HEAP_HEADER_BYTES; at + sizeof external <= length; at++) {
        memcpy(&external, (uint8_t *)page + offset + at, sizeof external);
        if (external.length == LARGE && external.stored == LARGE && external.block != 0)
            return (uint8_t *)page + offset + at;
    }
    fail_msg("the row has no large value");
    return NULL;
}
static void scene_begin(scene *s)
{
    rdb_snapshot now;
    rdb_xid wait;
    rdb_buffer *buffer;
    rdb_random random;
    memset(s, 0, sizeof *s);
    rdb_random_seed(&random, 5);
    for (uint32_t i = 0; i < LARGE; i++)
        noise[i] = (char)(33 + rdb_random_next(&random) % 90);
    instance_begin(&s->f, 4096, 256);
    create_table(&s->f);
    rdb_txn *txn = begin(&s->f, RDB_READ_COMMITTED);
    for (int i = 1; i <= 40; i++) {
        const rdb_row_address address = insert(&s->f, txn, (sample){.id = i, .note = noise, .note_length = 90, .number = i});
        s->plain = i == 2 ? address : s->plain;
        s->moved = i == 3 ? address : s->moved;
    }
    s->large = insert(&s->f, txn, (sample){.id = 41, .note = noise, .note_length = LARGE, .number = 41});
    commit(&s->f, txn);
    txn = begin(&s->f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    scan_with(&s->f, txn, &now, 64, &all);
    assert_int_equal(try_update(&s->f, txn, &now, s->moved, all.versions[find_id(&all, 3)], (sample){.id = 3, .note = noise, .note_length = 1500, .number = 3}, &wait, NULL), RDB_WRITE_DONE);
    commit(&s->f, txn);
    rdb_page *page = latch(s, RDB_ROW_BLOCK(s->moved), &buffer);
    const uint8_t *cell = cell_of(page, RDB_ROW_SLOT(s->moved));
    assert_true((heap_cell_flags(cell) & HEAP_MOVED) != 0);
    const rdb_row_address body = rdb_get_u64(cell + HEAP_HEADER_BYTES);
    s->body_block = RDB_ROW_BLOCK(body);
    s->body_slot = RDB_ROW_SLOT(body);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    MUST(&s->f.err, rdb_table_block_count(&s->f.table, &s->blocks, &s->f.err));
    heap_external external;
    page = latch(s, RDB_ROW_BLOCK(s->large), &buffer);
    memcpy(&external, external_of(s, page), sizeof external);
    s->chain_block = external.block;
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_int_not_equal(s->body_block, RDB_ROW_BLOCK(s->moved));
}

static void complain(void *context, uint64_t block, uint32_t slot, const char *problem)
{
    scene *s = context;
    if (s->complaints++ > 0)
        return; /* the first one is of the block that comes first */
    s->block = block;
    s->slot = slot;
    snprintf(s->problem, sizeof s->problem, "%s", problem);
}

/* ---- what verify says -------------------------------------------------------------------------------------------------------------- */
static void break_meta(scene *s, rdb_page *page)
{
    (void)s;
    page->type = RDB_PAGE_HEAP + 77;
}
static void break_slot(scene *s, rdb_page *page)
{
    rdb_put_u16((uint8_t *)page + HEAP_SLOTS_AT + RDB_ROW_SLOT(s->plain) * HEAP_SLOT_BYTES, 4090);
}
static void break_bytes(scene *s, rdb_page *page)
{
    (void)s;
    heap_page_head head = heap_get_head(page);
    head.cell_bytes++;
    memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, &head, sizeof head);
}
static void break_free_slots(scene *s, rdb_page *page)
{
    (void)s;
    heap_page_head head = heap_get_head(page);
    head.free_slots++;
    memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, &head, sizeof head);
}
static void share_cell(scene *s, rdb_page *page)
{
    uint8_t *slots = (uint8_t *)page + HEAP_SLOTS_AT;
    const uint32_t slot = RDB_ROW_SLOT(s->plain);
    rdb_put_u16(slots + slot * HEAP_SLOT_BYTES, rdb_get_u16(slots + (slot - 1) * HEAP_SLOT_BYTES)); /* the cell of the row before, as long as its own */
}
static void break_flags(scene *s, rdb_page *page)
{
    uint8_t *cell = cell_of(page, RDB_ROW_SLOT(s->plain));
    rdb_put_u16(cell + 16, (uint16_t)(rdb_get_u16(cell + 16) | 0x8000u));
}
static void break_layout(scene *s, rdb_page *page)
{
    rdb_put_u16(cell_of(page, RDB_ROW_SLOT(s->plain)) + 18, 3);
}
static void break_xid(scene *s, rdb_page *page)
{
    rdb_put_u64(cell_of(page, RDB_ROW_SLOT(s->plain)), 1000000);
}
static void break_undo(scene *s, rdb_page *page)
{
    uint8_t *cell = cell_of(page, RDB_ROW_SLOT(s->plain));
    rdb_put_u64(cell + 8, rdb_get_u64(cell + 8) + 4);
}
static void swap_undo(scene *s, rdb_page *page)
{
    rdb_put_u64(cell_of(page, RDB_ROW_SLOT(s->plain)) + 8, rdb_get_u64(cell_of(page, RDB_ROW_SLOT(s->plain) + 4) + 8));
}
static void lead_out(scene *s, rdb_page *page)
{
    rdb_put_u64(cell_of(page, RDB_ROW_SLOT(s->moved)) + HEAP_HEADER_BYTES, RDB_ROW_ADDRESS(s->blocks + 5, 1));
}
static void lead_astray(scene *s, rdb_page *page)
{
    rdb_put_u64(cell_of(page, RDB_ROW_SLOT(s->moved)) + HEAP_HEADER_BYTES, s->plain);
}
static void orphan_body(scene *s, rdb_page *page)
{
    rdb_put_u64(cell_of(page, s->body_slot), s->plain);
}
static void break_chain_end(scene *s, rdb_page *page)
{
    (void)s;
    page->lower = 5000;
}

static void test_verify_names_each_kind_of_damage(void **state)
{
    (void)state;
    enum { META, HOME, BODY, CHAIN };
    static const struct {
        uint32_t block;
        void (*poke)(scene *s, rdb_page *page);
        const char *problem;
        uint32_t slot; /* 0: none; 1: of the plain row; 2: of the moved one */
    } DAMAGE[] = {
        {META, break_meta, "which no heap has here", 0}, {HOME, break_meta, "which no heap has here", 0}, {HOME, break_slot, "A slot does not lie in the page", 0},
        {HOME, break_bytes, "The page says that its cells have", 0}, {HOME, break_free_slots, "of its slots are free", 0}, {HOME, share_cell, "Two cells share the bytes", 0},
        {HOME, break_flags, "unknown flags 8000", 1}, {HOME, break_layout, "Its row has layout 3", 1}, {HOME, break_xid, "which has not begun", 1},
        {HOME, break_undo, "Its undo record cannot be read", 1}, {HOME, lead_out, "which the file does not have", 2}, {HOME, lead_astray, "which does not lead back", 2},
        {BODY, orphan_body, "which does not lead back", 2}, {CHAIN, break_chain_end, "an overflow page whose bytes pass its end", 0},
    };
    static scene s;
    uint64_t pages;
    rdb_buffer *buffer;
    scene_begin(&s);
    const uint64_t blocks[] = {0, RDB_ROW_BLOCK(s.plain), s.body_block, s.chain_block};
    for (uint32_t i = 0; i < RDB_COUNT_OF(DAMAGE); i++) {
        const uint64_t block = blocks[DAMAGE[i].block];
        rdb_page *page = latch(&s, block, &buffer);
        memcpy(s.copy, page, sizeof s.copy);
        DAMAGE[i].poke(&s, page);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        s.complaints = 0;
        MUST(&s.f.err, rdb_table_verify(&s.f.table, NULL, complain, &s, &pages, &s.f.err));
        assert_int_equal(pages, s.blocks);
        if (s.complaints == 0 || strstr(s.problem, DAMAGE[i].problem) == NULL)
            fail_msg("damage %u: %s", i, s.complaints == 0 ? "nothing is said" : s.problem);
        /* What a body does not lead back to is known at its row, which comes first. */
        assert_int_equal(s.block, DAMAGE[i].block == BODY ? RDB_ROW_BLOCK(s.moved) : block);
        assert_int_equal(s.slot, DAMAGE[i].slot == 0 ? UINT32_MAX : RDB_ROW_SLOT(DAMAGE[i].slot == 1 ? s.plain : s.moved));
        page = latch(&s, block, &buffer);
        memcpy(page, s.copy, sizeof s.copy);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    /* A record of another row: only where the rows were not inserted together. */
    rdb_page *page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    memcpy(s.copy, page, sizeof s.copy);
    swap_undo(&s, page);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    s.complaints = 0;
    MUST(&s.f.err, rdb_table_verify(&s.f.table, NULL, complain, &s, &pages, &s.f.err));
    assert_true(s.complaints == 1 && s.slot == RDB_ROW_SLOT(s.plain));
    assert_non_null(strstr(s.problem, "is about another row or writer"));
    page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    memcpy(page, s.copy, sizeof s.copy);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    s.complaints = 0;
    MUST(&s.f.err, rdb_table_verify(&s.f.table, NULL, complain, &s, &pages, &s.f.err));
    assert_int_equal(s.complaints, 0);
    /* Pages that all see have no row that was deleted. */
    uint64_t next = 0, late = 0;
    bool is_over = false;
    rdb_snapshot now;
    rdb_txn *txn = begin(&s.f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    MUST(&s.f.err, rdb_undo_set_purged_scn(s.f.undo, PDB, now.scn, &s.f.err));
    while (!is_over)
        MUST(&s.f.err, rdb_table_mark_visible(&s.f.table, &next, 64, NULL, &is_over, &late, &s.f.err));
    page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    uint8_t *cell = cell_of(page, RDB_ROW_SLOT(s.plain));
    rdb_put_u16(cell + 16, (uint16_t)(rdb_get_u16(cell + 16) | HEAP_DELETED));
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    s.complaints = 0;
    MUST(&s.f.err, rdb_table_verify(&s.f.table, NULL, complain, &s, &pages, &s.f.err));
    assert_true(s.complaints == 1 && s.slot == RDB_ROW_SLOT(s.plain));
    assert_non_null(strstr(s.problem, "all see its page, but its row is deleted"));
    rdb_txn_abort(&txn);
    instance_end(&s.f);
}

/* ---- what readers are told ------------------------------------------------------------------------------------------------------------ */
/* Reads one row by its address, whole. */
static bool read_row(scene *s, rdb_row_address address, bool *found, rdb_error *err)
{
    static const int16_t columns[] = {1, 2, 3};
    rdb_vector store[3], *vectors[3] = {&store[0], &store[1], &store[2]};
    rdb_snapshot now;
    rdb_txn *txn = begin(&s->f, RDB_READ_COMMITTED);
    rdb_arena_reset(s->f.batch);
    MUST(&s->f.err, rdb_vector_init(&store[0], s->f.batch, RDB_REP_INT64, 1, &s->f.err) && rdb_vector_init(&store[1], s->f.batch, RDB_REP_BYTES, 1, &s->f.err) &&
                        rdb_vector_init(&store[2], s->f.batch, RDB_REP_INT32, 1, &s->f.err));
    rdb_txn_take_snapshot(txn, &now);
    *found = false;
    const bool ok = rdb_table_fetch(&s->f.table, txn, &now, &address, 1, columns, 3, s->f.batch, vectors, found, NULL, NULL, err);
    if (ok && *found) {
        const rdb_bytes note = RDB_VALUES(&store[1], rdb_bytes)[0];
        assert_memory_equal(note.data, noise, note.length);
    }
    rdb_txn_abort(&txn);
    return ok;
}

static void chain_of_another_kind(scene *s, rdb_page *page)
{
    (void)s;
    page->type = RDB_PAGE_HEAP;
}
static void chain_of_another_writer(scene *s, rdb_page *page)
{
    (void)s;
    ((uint8_t *)page)[RDB_PAGE_HEADER_BYTES + 8] ^= 1;
}
static void chain_ends_early(scene *s, rdb_page *page)
{
    (void)s;
    rdb_put_u64((uint8_t *)page + RDB_PAGE_HEADER_BYTES, 0);
}
static void chain_is_empty(scene *s, rdb_page *page)
{
    (void)s;
    page->lower = RDB_PAGE_HEADER_BYTES;
}
static void pack_value_by(scene *s, rdb_page *page, uint8_t method)
{
    external_of(s, page)[offsetof(heap_external, method)] = method;
}
static void value_is_packed_otherwise(scene *s, rdb_page *page)
{
    pack_value_by(s, page, 9);
}
static void value_does_not_unpack(scene *s, rdb_page *page)
{
    pack_value_by(s, page, 1);
}
static void value_is_stored_short(scene *s, rdb_page *page)
{
    external_of(s, page)[offsetof(heap_external, stored)]--;
}

static void value_ends_behind_its_row(scene *s, rdb_page *page)
{
    rdb_put_u16(cell_of(page, RDB_ROW_SLOT(s->plain)) + HEAP_HEADER_BYTES + s->f.table.layouts[0]->rows->fixed_bytes, 3000);
}

static void test_damaged_values_are_told(void **state)
{
    (void)state;
    enum { HOME, LARGE_HOME, BODY, CHAIN };
    static const struct {
        uint32_t block;
        void (*poke)(scene *s, rdb_page *page);
    } DAMAGE[] = {
        {CHAIN, chain_of_another_kind},      {CHAIN, chain_of_another_writer},        {CHAIN, chain_ends_early},           {CHAIN, chain_is_empty},
        {LARGE_HOME, value_is_stored_short}, {LARGE_HOME, value_is_packed_otherwise}, {LARGE_HOME, value_does_not_unpack}, {HOME, lead_astray},
        {HOME, break_layout},                {HOME, break_slot},                      {HOME, value_ends_behind_its_row},
    };
    static scene s;
    rdb_buffer *buffer;
    bool found;
    scene_begin(&s);
    const uint64_t blocks[] = {RDB_ROW_BLOCK(s.plain), RDB_ROW_BLOCK(s.large), s.body_block, s.chain_block};
    for (uint32_t i = 0; i < RDB_COUNT_OF(DAMAGE); i++) {
        const uint64_t block = blocks[DAMAGE[i].block];
        const rdb_row_address address = DAMAGE[i].block != HOME ? s.large : DAMAGE[i].poke == lead_astray ? s.moved : s.plain;
        rdb_error err = {0};
        rdb_page *page = latch(&s, block, &buffer);
        memcpy(s.copy, page, sizeof s.copy);
        DAMAGE[i].poke(&s, page);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        if (read_row(&s, address, &found, &err))
            fail_msg("damage %u is not told", i);
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
        page = latch(&s, block, &buffer);
        memcpy(page, s.copy, sizeof s.copy);
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
        MUST(&s.f.err, read_row(&s, address, &found, &s.f.err));
        assert_true(found);
    }
    instance_end(&s.f);
}

/* ---- what salvage and the check of indexes ask ----------------------------------------------------------------------------------------- */
static void test_looking_into_pages(void **state)
{
    (void)state;
    static scene s;
    rdb_table_look_result look;
    rdb_error err = {0};
    rdb_buffer *buffer;
    uint32_t rows = 0;
    scene_begin(&s);
    for (uint64_t block = 1; block < s.blocks; block++) {
        MUST(&s.f.err, rdb_table_look(s.f.storage, PDB, TABLE_FILE, block, s.f.arena, &look, &s.f.err));
        assert_false(look.is_empty);
        rows += look.row_count;
        for (uint32_t i = 0; i < look.row_count; i++)
            assert_true(look.rows[i].xid != 0);
    }
    assert_int_equal(rows, 41); /* a body is no row of its own */
    rdb_page *page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    memcpy(s.copy, page, sizeof s.copy);
    rdb_put_u16((uint8_t *)page + HEAP_SLOTS_AT + RDB_ROW_SLOT(s.plain) * HEAP_SLOT_BYTES, 8); /* in the header: a cell that cannot be used */
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (rdb_table_look(s.f.storage, PDB, TABLE_FILE, RDB_ROW_BLOCK(s.plain), s.f.arena, &look, &err)) {
        for (uint32_t i = 0; i < look.row_count; i++)
            assert_int_equal(look.rows[i].xid == 0, look.rows[i].slot == RDB_ROW_SLOT(s.plain));
    } else {
        assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
        rdb_error_clear(&err);
    }
    page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    page->type = RDB_PAGE_UNDO;
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    assert_false(rdb_table_look(s.f.storage, PDB, TABLE_FILE, RDB_ROW_BLOCK(s.plain), s.f.arena, &look, &err));
    assert_string_equal(err.sqlstate, RDB_DATA_CORRUPTED);
    rdb_error_clear(&err);
    page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    memset(page, 0, sizeof s.copy);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    MUST(&s.f.err, rdb_table_look(s.f.storage, PDB, TABLE_FILE, RDB_ROW_BLOCK(s.plain), s.f.arena, &look, &s.f.err));
    assert_true(look.is_empty && look.row_count == 0);
    page = latch(&s, RDB_ROW_BLOCK(s.plain), &buffer);
    memcpy(page, s.copy, sizeof s.copy);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    instance_end(&s.f);
}

/* Has any version of a row this key? What aborted transactions gave it counts, until the reverter has been there. */
static void test_rows_behind_entries(void **state)
{
    (void)state;
    instance f;
    rdb_datum values[3];
    bool is_null[3], has_row, has_key;
    rdb_row_address address;
    rdb_row_version version;
    rdb_write_outcome outcome;
    rdb_snapshot now;
    rdb_xid wait;
    const rdb_slice one = {(const uint8_t *)"one", 3}, two = {(const uint8_t *)"two", 3}, three = {(const uint8_t *)"three", 5};
    instance_begin(&f, 4096, 256);
    create_table(&f);
    rdb_txn *txn = begin(&f, RDB_READ_COMMITTED);
    fill_values(&(sample){.id = 1, .number = 1}, values, is_null);
    const rdb_index_key first = {.index_file = INDEX_FILE, .new_key = one}, second = {.index_file = INDEX_FILE, .old_key = one, .new_key = two};
    MUST(&f.err, rdb_table_insert(&f.table, txn, values, is_null, &first, 1, &address, &version, &f.err));
    commit(&f, txn);
    txn = begin(&f, RDB_READ_COMMITTED);
    rdb_txn_take_snapshot(txn, &now);
    MUST(&f.err, rdb_table_update(&f.table, txn, &now, address, version, values, is_null, &second, 1, true, &outcome, &wait, &version, &f.err));
    assert_int_equal(outcome, RDB_WRITE_DONE);
    commit(&f, txn);
    static const struct {
        uint64_t file;
        uint32_t key;
        bool has_key;
    } ASKED[] = {{INDEX_FILE, 0, true}, {INDEX_FILE, 1, true}, {INDEX_FILE, 2, false}, {INDEX_FILE + 1, 0, false}};
    const rdb_slice keys[] = {one, two, three};
    for (uint32_t i = 0; i < RDB_COUNT_OF(ASKED); i++) {
        MUST(&f.err, rdb_table_has_row(&f.table, address, ASKED[i].file, keys[ASKED[i].key], &has_row, &has_key, &f.err));
        assert_true(has_row);
        assert_int_equal(has_key, ASKED[i].has_key);
    }
    const rdb_row_address nowhere[] = {address + 1, RDB_ROW_ADDRESS(0, 0), RDB_ROW_ADDRESS(99, 0)};
    for (uint32_t i = 0; i < RDB_COUNT_OF(nowhere); i++) {
        MUST(&f.err, rdb_table_has_row(&f.table, nowhere[i], INDEX_FILE, one, &has_row, &has_key, &f.err));
        assert_false(has_row || has_key);
    }
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_names_each_kind_of_damage), cmocka_unit_test(test_damaged_values_are_told), cmocka_unit_test(test_looking_into_pages),
        cmocka_unit_test(test_rows_behind_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
