/* SPDX-License-Identifier: Apache-2.0
 * rdb_verify must be quiet on a sound database, whatever was done to it, and must name each kind of damage that no checksum shows:
 * wrong bytes that were written by a change like any other. */
#include "proof.h"

#include "index/btree_page.h"
#include "table/table_int.h"
#include "upkeep/rdb_upkeep.h"

static char directory[64], home[128];
static rdb_engine *engine;
static proof_session s;
static uint32_t checks;

static uint32_t oid_of(const char *name)
{
    char sql[200];
    snprintf(sql, sizeof sql, "select '%s'::regclass::oid", name);
    PROOF_RUN(&s, sql);
    return (uint32_t)strtoul(proof_rows(&s), NULL, 10);
}

static uint64_t file_of(const char *name, unsigned file_class)
{
    char sql[200];
    snprintf(sql, sizeof sql, "select relfilenode from pg_class where relname = '%s'", name);
    PROOF_RUN(&s, sql);
    return RDB_FILE_NO(file_class, strtoull(proof_rows(&s), NULL, 10));
}

static void expect_clean(const char *table)
{
    char sql[200];
    snprintf(sql, sizeof sql, "select relation::regclass::text, block, problem from rdb_verify('%s')", table);
    PROOF_RUN(&s, sql);
    if (*proof_rows(&s) != '\0')
        fprintf(stderr, "%s", proof_rows(&s));
    PROOF_CHECK(*proof_rows(&s) == '\0');
    checks++;
}

/* The finding must name the relation, the block (empty: none) and say these words. */
static void expect_finding(const char *table, const char *relation, const char *block, const char *words)
{
    char sql[200], start[200];
    snprintf(sql, sizeof sql, "select relation::regclass::text, block, problem from rdb_verify('%s')", table);
    PROOF_RUN(&s, sql);
    snprintf(start, sizeof start, "%s|%s|", relation, block);
    bool found = false;
    for (const char *line = proof_rows(&s); line != NULL && *line != '\0'; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
        const char *at = strstr(line, words), *end = strchr(line, '\n');
        found = found || (strncmp(line, start, strlen(start)) == 0 && at != NULL && (end == NULL || at < end));
    }
    if (!found)
        fprintf(stderr, "expected \"%s...%s\", got:\n%s", start, words, proof_rows(&s));
    PROOF_CHECK(found);
    checks++;
}

static rdb_page_tag tag_of(uint64_t file, uint64_t block)
{
    return (rdb_page_tag){.file = file, .block = block, .pdb = rdb_database_pdb(s.session->database), .fork = RDB_FORK_MAIN};
}

/* Puts bytes into a page in the pool, and what stood there into former. */
static void poke(uint64_t file, uint64_t block, uint32_t offset, const void *bytes, uint32_t length, void *former)
{
    rdb_buffer *buffer = NULL;
    PROOF_MUST(rdb_buffer_acquire(rdb_engine_storage(engine), tag_of(file, block), RDB_BUFFER_EXCLUSIVE, &buffer, err));
    uint8_t *at = (uint8_t *)rdb_buffer_page(buffer) + offset;
    if (former != NULL)
        memcpy(former, at, length);
    memcpy(at, bytes, length);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
}

static void peek(uint64_t file, uint64_t block, uint8_t page[4096])
{
    rdb_buffer *buffer = NULL;
    PROOF_MUST(rdb_buffer_acquire(rdb_engine_storage(engine), tag_of(file, block), RDB_BUFFER_SHARED, &buffer, err));
    memcpy(page, rdb_buffer_page(buffer), 4096);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
}

/* The bytes are wrong, rdb_verify says so, and is quiet again when they are right. */
static void damage(const char *table, const char *relation, uint64_t file, uint64_t block, uint32_t offset, const void *bytes, uint32_t length, const char *words)
{
    uint8_t former[16];
    char number[32];
    PROOF_CHECK(length <= sizeof former);
    snprintf(number, sizeof number, "%llu", (unsigned long long)block);
    poke(file, block, offset, bytes, length, former);
    expect_finding(table, relation, number, words);
    poke(file, block, offset, former, length, NULL);
    expect_clean(table);
}

static void test_heap_damage(void)
{
    uint8_t page[4096];
    const uint64_t file = file_of("t", RDB_FILE_TABLE);
    uint32_t offset, length;
    peek(file, 1, page);
    const rdb_page *head = (const rdb_page *)(const void *)page;
    uint32_t slot = 0;
    while (heap_slot(head, slot, &offset, &length) != HEAP_SLOT_ROW)
        slot++;
    const uint8_t one = 1, type = RDB_PAGE_BTREE;
    const uint16_t wrong16 = 0x7777, wrong_layout = 500, outside = 4095;
    const uint64_t future = UINT64_C(1) << 40;
    damage("t", "t", file, 1, 80, &wrong16, 2, "says that its cells have");
    damage("t", "t", file, 1, 82, &wrong16, 2, "of its slots are free");
    damage("t", "t", file, 1, 4, &type, 1, "which no heap has here");
    damage("t", "t", file, 0, 4, &one, 1, "which no heap has here");
    damage("t", "t", file, 1, HEAP_SLOTS_AT + slot * HEAP_SLOT_BYTES, &outside, 2, "A slot does not lie in the page");
    damage("t", "t", file, 1, offset, &future, 8, "which has not begun");
    damage("t", "t", file, 1, offset + 16, &wrong16, 2, "unknown flags");
    damage("t", "t", file, 1, offset + 18, &wrong_layout, 2, "which the table does not have");
    const uint64_t fresh = file_of("fresh", RDB_FILE_TABLE);
    peek(fresh, 1, page);
    PROOF_CHECK(heap_slot(head, 0, &offset, &length) == HEAP_SLOT_ROW);
    const uint64_t undo = heap_cell_undo(heap_cell(head, offset)), inside = undo + 8, behind = undo + 4096 * 4096, none = UINT64_C(777) << 48;
    damage("fresh", "fresh", fresh, 1, offset + 8, &inside, 8, "Its undo record cannot be read");
    damage("fresh", "fresh", fresh, 1, offset + 8, &behind, 8, "Its undo record cannot be read");
    damage("fresh", "fresh", fresh, 1, offset + 8, &none, 8, "Its undo record cannot be read");
    const uint64_t writer = heap_cell_xid(heap_cell(head, offset)) - 1;
    damage("fresh", "fresh", fresh, 1, offset, &writer, 8, "is about another row or writer");
}

/* A map that says of a page what is not so. */
static void test_map_damage(void)
{
    uint8_t page[4096];
    const uint64_t file = file_of("t", RDB_FILE_TABLE);
    PROOF_RUN(&s, "vacuum t");
    expect_clean("t");
    peek(file, 0, page);
    const uint64_t map = rdb_get_u64(page + HEAP_MAPS_AT);
    PROOF_CHECK(map != 0);
    peek(file, map, page);
    const uint8_t all = page[HEAP_MAP_BITS_AT];
    PROOF_CHECK((all & 2) != 0);
    PROOF_RUN(&s, "begin; update t set a = a || '.' where ctid = (select min(ctid) from t)");
    peek(file, map, page);
    PROOF_CHECK(page[HEAP_MAP_BITS_AT] == (all & ~2)); /* the change took it back */
    poke(file, map, HEAP_MAP_BITS_AT, &all, 1, NULL);
    expect_finding("t", "t", "1", "is of no committed transaction");
    poke(file, map, HEAP_MAP_BITS_AT, &page[HEAP_MAP_BITS_AT], 1, NULL);
    expect_clean("t");
    PROOF_RUN(&s, "rollback; begin; delete from t where ctid = (select min(ctid) from t)");
    poke(file, map, HEAP_MAP_BITS_AT, &all, 1, NULL);
    expect_finding("t", "t", "1", "is deleted");
    poke(file, map, HEAP_MAP_BITS_AT, &page[HEAP_MAP_BITS_AT], 1, NULL);
    PROOF_RUN(&s, "rollback");
    expect_clean("t");
}

/* A row whose body is elsewhere. */
static void test_moved_rows(void)
{
    uint8_t page[4096];
    const uint64_t file = file_of("t", RDB_FILE_TABLE);
    uint64_t blocks;
    unsigned stubs = 0, bodies = 0;
    PROOF_MUST(rdb_storage_block_count(rdb_engine_storage(engine), rdb_database_pdb(s.session->database), file, RDB_FORK_MAIN, &blocks, err));
    for (uint64_t block = 1; block < blocks && (stubs == 0 || bodies == 0); block++) {
        peek(file, block, page);
        const rdb_page *head = (const rdb_page *)(const void *)page;
        for (uint32_t slot = 0; head->type == RDB_PAGE_HEAP && slot < heap_slot_count(head); slot++) {
            uint32_t offset, length;
            heap_slot_kind kind = heap_slot(head, slot, &offset, &length);
            const uint64_t nowhere = RDB_ROW_ADDRESS(blocks + 7, 1), wrong = RDB_ROW_ADDRESS(1, 200);
            if (kind == HEAP_SLOT_ROW && (heap_cell_flags(heap_cell(head, offset)) & HEAP_MOVED) != 0 && stubs++ == 0) {
                damage("t", "t", file, block, offset + HEAP_HEADER_BYTES, &nowhere, 8, "which the file does not have");
                damage("t", "t", file, block, offset + HEAP_HEADER_BYTES, &wrong, 8, "Its row has its body");
            } else if (kind == HEAP_SLOT_BODY && bodies++ == 0) {
                damage("t", "t", file, block, offset, &wrong, 8, "It is the body of the row");
            }
        }
    }
    PROOF_CHECK(stubs > 0 && bodies > 0);
}

static void test_tree_damage(void)
{
    uint8_t page[4096], slots[16];
    const uint64_t file = file_of("t_a", RDB_FILE_INDEX);
    uint64_t block = 2;
    for (;; block++) { /* a leaf with company */
        peek(file, block, page);
        const btree_page *leaf = (const btree_page *)(const void *)page;
        if (leaf->base.type == RDB_PAGE_BTREE && leaf->level == 0 && leaf->count > 10 && leaf->right != 0)
            break;
    }
    const btree_page *leaf = (const btree_page *)(const void *)page;
    memcpy(slots, &leaf->slots[4], 8);
    memcpy(slots + 8, &leaf->slots[3], 8);
    damage("t", "t_a", file, block, BTREE_SLOTS_AT + 3 * 8, slots, 16, "a key cannot be found");
    const uint16_t level = 3;
    damage("t", "t_a", file, block, 80, &level, 2, "wrong level");
    const uint64_t magic = 1;
    damage("t", "t_a", file, 0, 80, &magic, 8, "not the meta page");
    const uint16_t garbage = 40;
    damage("t", "t_a", file, block, 90, &garbage, 2, "do not add up");
}

static void read_table(const char *table, rdb_index *index, const char *index_name, rdb_access **access)
{
    const rdb_relation *relation = NULL;
    rdb_txn *txn = NULL;
    PROOF_MUST(rdb_txn_begin(rdb_engine_txns(engine), rdb_database_pdb(s.session->database), RDB_READ_COMMITTED, true, NULL, &txn, err));
    const rdb_access_context context = {.catalog = rdb_engine_catalog(engine), .database = s.session->database, .txn = txn, .role_oid = RDB_ROLE_ADMIN_OID};
    PROOF_MUST(rdb_access_begin(access, &context, err));
    const uint32_t oid = oid_of(table);
    PROOF_MUST(rdb_relation_get(*access, oid, &relation, err));
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (strcmp(relation->indexes[i].name, index_name) == 0)
            *index = relation->indexes[i].index;
    rdb_access_end(access);
    rdb_txn_abort(&txn);
}

/* Entries that are missing, that lead nowhere, that lead to a row with another key. */
static void test_entries(const char *index_name)
{
    rdb_index index = {0};
    rdb_access *access = NULL;
    rdb_index_cursor *cursor = NULL;
    rdb_index_entry entries[2];
    uint32_t count = 0;
    const rdb_index_range all = {.lower = {NULL, 0}};
    rdb_arena *arena = rdb_arena_create("entries", NULL, NULL);
    read_table("t", &index, index_name, &access);
    PROOF_MUST(rdb_index_cursor_open(&cursor, &index, &all, false, arena, err));
    PROOF_MUST(rdb_index_cursor_next(cursor, 2, true, arena, entries, &count, err));
    rdb_index_cursor_close(&cursor);
    PROOF_CHECK(count == 2);
    PROOF_MUST(rdb_index_remove(index.storage, index.pdb, index.file, entries[0].key, entries[0].address, NULL, NULL, err));
    expect_finding("t", index_name, "", "has no entry");
    PROOF_MUST(rdb_index_insert(&index, 0, &entries[0], err));
    expect_clean("t");
    rdb_index_entry stranger = entries[0];
    stranger.address = RDB_ROW_ADDRESS(1, 900);
    PROOF_MUST(rdb_index_insert(&index, 0, &stranger, err));
    expect_finding("t", index_name, "", "where no row is");
    PROOF_MUST(rdb_index_remove(index.storage, index.pdb, index.file, stranger.key, stranger.address, NULL, NULL, err));
    stranger.address = RDB_ROW_ADDRESS(UINT32_MAX, 1);
    PROOF_MUST(rdb_index_insert(&index, 0, &stranger, err));
    expect_finding("t", index_name, "", "where no row is");
    PROOF_MUST(rdb_index_remove(index.storage, index.pdb, index.file, stranger.key, stranger.address, NULL, NULL, err));
    stranger = (rdb_index_entry){.key = {(const uint8_t *)"\001zzz\0\0", 6}, .address = entries[1].address};
    PROOF_MUST(rdb_index_insert(&index, 0, &stranger, err));
    expect_finding("t", index_name, "", "whose row has another key");
    PROOF_MUST(rdb_index_remove(index.storage, index.pdb, index.file, stranger.key, stranger.address, NULL, NULL, err));
    expect_clean("t");
    rdb_arena_destroy(arena);
}

/* What others do meanwhile is no damage: rows not yet committed, old versions, aborted ones. */
static void test_quiet_beside_others(void)
{
    proof_session other;
    proof_session_open(&other, engine, PROOF_DATABASE);
    PROOF_RUN(&other, "begin; update t set a = 'other', b = b + 1 where id % 3 = 0; delete from t where id % 31 = 1; insert into t select i, 'new' from generate_series(100000, 100500) i");
    expect_clean("t");
    PROOF_RUN(&other, "savepoint one; update t set a = 'undone' where id % 2 = 0; rollback to one");
    expect_clean("t");
    PROOF_RUN(&other, "rollback");
    expect_clean("t");
    PROOF_RUN(&other, "update t set a = a || '!' where id % 11 = 0");
    expect_clean("t");
    PROOF_RUN(&other, "begin isolation level repeatable read; select count(*) from t");
    PROOF_RUN(&s, "update t set a = 'newer' where id % 13 = 0");
    expect_clean("t");
    proof_session_close(&other);
    PROOF_RUN(&s, "vacuum");
    expect_clean("t");
}

static void test_rights(void)
{
    PROOF_CHECK(!proof_run(&s, "select * from rdb_verify('t_a')") && strcmp(s.sqlstate, RDB_WRONG_OBJECT_TYPE) == 0);
    PROOF_CHECK(!proof_run(&s, "select * from rdb_verify(4711)") && strcmp(s.sqlstate, RDB_UNDEFINED_TABLE) == 0);
    PROOF_RUN(&s, "create role somebody; set role somebody");
    PROOF_CHECK(!proof_run(&s, "select * from rdb_verify('t')") && strcmp(s.sqlstate, RDB_INSUFFICIENT_PRIVILEGE) == 0);
    PROOF_CHECK(!proof_run(&s, "select * from rdb_verify_database()") && strcmp(s.sqlstate, RDB_INSUFFICIENT_PRIVILEGE) == 0);
    PROOF_RUN(&s, "reset role");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    proof_directory(directory);
    snprintf(home, sizeof home, "%s/i", directory);
    proof_make(home);
    rdb_engine_config config = proof_config(home);
    config.buffer_bytes = 16u << 20; /* all of it stays: what is poked in is not written over */
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&s, engine, PROOF_DATABASE);
    PROOF_RUN(&s, "create table t (id int primary key, a text, b numeric)");
    PROOF_RUN(&s, "create index t_a on t (a); create index t_part on t (b) where id % 3 = 0; create index t_lower on t (lower(a), id)");
    PROOF_RUN(&s, "insert into t select i, 'name ' || i % 100, i from generate_series(1, 3000) i");
    PROOF_RUN(&s, "update t set a = a || repeat('x', 900) where id % 50 = 0; delete from t where id % 7 = 0");
    PROOF_RUN(&s, "create table big (v text); insert into big select repeat(md5(i::text), 700) from generate_series(1, 20) i; update big set v = v || '.'");
    PROOF_RUN(&s, "create table fresh (n int)");
    expect_clean("t");
    expect_clean("big");
    test_quiet_beside_others();
    PROOF_RUN(&s, "begin; insert into fresh values (1)"); /* its undo record stays while it runs */
    test_heap_damage();
    PROOF_RUN(&s, "commit");
    test_map_damage();
    test_moved_rows();
    test_tree_damage();
    test_entries("t_a");
    test_entries("t_lower");
    test_rights();
    PROOF_RUN(&s, "select file, block, problem from rdb_verify_database()");
    PROOF_CHECK(*proof_rows(&s) == '\0');
    proof_session_close(&s);
    PROOF_MUST(rdb_engine_close(&engine, true, err));
    proof_remove(directory);
    printf("%u looks at sound and damaged tables\n", checks);
    return 0;
}
