/* SPDX-License-Identifier: Apache-2.0
 * Pages whose checksum is right and whose bytes are wrong: of a heap, its large values, a B-tree, undo logs, the commit log, a sequence. A
 * whole engine reads them, by scans, through indexes, back through old versions, and with rdb_verify. It may say that something is damaged; it
 * may not fall, hang, or keep anything of it: with the page as it was, everything is as it was.
 *
 * Input: page 1, then changes of 5 bytes: offset 2, width 1, value 2. */
#include "fuzz.h"

#include "../proof/proof.h"

const uint32_t fuzz_runs = 1500;
static size_t make_changes(rdb_random *random, uint8_t *target, size_t capacity);
const fuzz_maker fuzz_make = make_changes;

enum { PAGES_MAX = 64, CHANGES_MAX = 24, PAGE_BYTES = 4096 };
static char directory[64], home[128];
static rdb_engine *engine;
static proof_session now, old; /* old: a snapshot of before the updates */
static rdb_page_tag pages[PAGES_MAX];
static uint32_t page_count, run_count;
static char sound[200];

static const char *const READERS[] = {
    "select count(*), sum(length(v)), sum(n) from kv",
    "select count(v) from kv where id between 100 and 140",
    "select max(n), min(n) from kv where n > 5 and n < 40",
    "select count(*), sum(length(v)) from big",
    "select last_value from s",
    "select count(*) from (select problem from rdb_verify('kv')) x",
    "select count(*) from (select problem from rdb_verify('big')) x",
};

static void add_pages(const char *name, unsigned file_class, uint32_t most)
{
    char sql[200];
    uint64_t blocks = 0;
    snprintf(sql, sizeof sql, "select relfilenode from pg_class where relname = '%s'", name);
    PROOF_RUN(&now, sql);
    const rdb_page_tag tag = {.file = RDB_FILE_NO(file_class, strtoull(proof_rows(&now), NULL, 10)), .pdb = rdb_database_pdb(now.session->database)};
    PROOF_MUST(rdb_storage_block_count(rdb_engine_storage(engine), tag.pdb, tag.file, RDB_FORK_MAIN, &blocks, err));
    for (uint64_t block = 0; block < blocks && block < most; block++) {
        pages[page_count] = tag;
        pages[page_count++].block = block;
    }
}

/* Pages of the undo logs and the commit log: numbers as their rooms give them. */
static void add_file(uint64_t file, uint32_t most)
{
    uint64_t blocks = 0;
    const rdb_page_tag tag = {.file = file, .pdb = rdb_database_pdb(now.session->database)};
    if (!rdb_storage_file_exists(rdb_engine_storage(engine), tag.pdb, file))
        return;
    PROOF_MUST(rdb_storage_block_count(rdb_engine_storage(engine), tag.pdb, tag.file, RDB_FORK_MAIN, &blocks, err));
    for (uint64_t block = 0; block < blocks && block < most; block++) {
        pages[page_count] = tag;
        pages[page_count++].block = block;
    }
}

static void take_look(char target[200])
{
    PROOF_RUN(&now, "select count(*), sum(length(v)), sum(n) from kv");
    int length = snprintf(target, 100, "%s", proof_rows(&now));
    PROOF_RUN(&old, "select count(*), sum(length(v)), sum(n) from kv");
    snprintf(target + length, 100, "%s", proof_rows(&old));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    proof_directory(directory);
    snprintf(home, sizeof home, "%s/i", directory);
    proof_make(home);
    rdb_engine_config config = proof_config(home);
    config.buffer_bytes = 16u << 20; /* nothing leaves the pool: a page that was changed here is not read again */
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&now, engine, PROOF_DATABASE);
    proof_session_open(&old, engine, PROOF_DATABASE);
    PROOF_RUN(&now, "create table kv (id int primary key, n int, v text); create index kv_n on kv (n); create sequence s; create table big (v text)");
    PROOF_RUN(&now, "insert into kv select i, i % 50, repeat(chr(97 + i % 26), i % 90) from generate_series(1, 500) i");
    PROOF_RUN(&now, "insert into big select string_agg(md5((i * 1000 + k)::text), '') from generate_series(1, 3) i, generate_series(1, 500) k group by i");
    PROOF_RUN(&old, "begin isolation level repeatable read; select count(*) from kv");
    PROOF_RUN(&now, "update kv set n = n + 1 where id % 3 = 0; update kv set v = v || repeat('z', 300) where id % 7 = 0; delete from kv where id % 11 = 0");
    PROOF_RUN(&now, "update kv set n = n + 1 where id % 2 = 0; checkpoint");
    PROOF_RUN(&now, "set statement_timeout = '5s'");
    PROOF_RUN(&old, "set statement_timeout = '5s'; savepoint whole");
    add_pages("kv", RDB_FILE_TABLE, 12);
    add_pages("big", RDB_FILE_TABLE, 8);
    add_pages("kv_pkey", RDB_FILE_INDEX, 6);
    add_pages("kv_n", RDB_FILE_INDEX, 6);
    add_pages("s", RDB_FILE_TABLE, 1);
    for (uint64_t log = 1; log <= 2; log++)
        add_file(RDB_FILE_NO(RDB_FILE_UNDO, log << 32 | 1), 8);
    add_file(RDB_FILE_NO(RDB_FILE_XACT, 1), 2);
    FUZZ_CHECK(page_count > 30 && page_count <= PAGES_MAX);
    take_look(sound);
    return 0;
}

void fuzz_close(void)
{
    proof_session_close(&old);
    proof_session_close(&now);
    PROOF_MUST(rdb_engine_close(&engine, false, err));
    proof_remove(directory);
}

bool fuzz_seed(uint32_t no, const uint8_t **data, size_t *size)
{
    static const uint8_t seed[6] = {1, 80, 0, 1, 0xff, 0xff};
    *data = seed;
    *size = sizeof seed;
    return no == 0;
}

static size_t make_changes(rdb_random *random, uint8_t *target, size_t capacity)
{
    static const uint16_t VALUES[] = {0, 1, 2, 4, 7, 8, 79, 80, 88, 104, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff, 0x8000, 0xffff};
    const uint32_t changes = 1 + (uint32_t)(rdb_random_next(random) % 6);
    FUZZ_CHECK(capacity > 1 + changes * 5);
    target[0] = (uint8_t)rdb_random_next(random);
    for (uint32_t i = 0; i < changes; i++) {
        uint8_t *at = target + 1 + i * 5;
        const uint64_t r = rdb_random_next(random);
        /* Headers and slots stand at the front. */
        rdb_put_u16(at, (uint16_t)(r % 3 == 0 ? r >> 8 & 0xfff : 4 + (r >> 8) % 200));
        at[2] = (uint8_t)(r >> 32 & 3);
        rdb_put_u16(at + 3, r >> 40 & 1 ? VALUES[(r >> 41) % RDB_COUNT_OF(VALUES)] : (uint16_t)(r >> 44));
    }
    return 1 + changes * 5;
}

static void apply(uint8_t *page, const uint8_t *data, size_t size)
{
    for (size_t at = 1, changes = 0; at + 5 <= size && changes < CHANGES_MAX; at += 5, changes++) {
        const uint32_t width = 1u << (data[at + 2] & 3), offset = rdb_get_u16(data + at) % (PAGE_BYTES - 8);
        const int64_t value = (int16_t)rdb_get_u16(data + at + 3);
        if (offset >= 4) /* all but the checksum */
            memcpy(page + offset, &value, width);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t kept[PAGE_BYTES];
    rdb_buffer *buffer = NULL;
    if (size < 6)
        return 0;
    const rdb_page_tag tag = pages[data[0] % page_count];
    PROOF_MUST(rdb_buffer_acquire(rdb_engine_storage(engine), tag, RDB_BUFFER_EXCLUSIVE, &buffer, err));
    memcpy(kept, rdb_buffer_page(buffer), PAGE_BYTES);
    apply((uint8_t *)rdb_buffer_page(buffer), data, size);
    rdb_buffer_unlock(buffer, RDB_BUFFER_EXCLUSIVE);
    for (size_t i = 0; i < RDB_COUNT_OF(READERS); i++)
        proof_run(&now, READERS[i]);
    if (!proof_run(&old, READERS[0]))
        PROOF_RUN(&old, "rollback to savepoint whole");
    rdb_buffer_lock(buffer, RDB_BUFFER_EXCLUSIVE);
    memcpy(rdb_buffer_page(buffer), kept, PAGE_BYTES);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (++run_count % 16 == 0) {
        char look[200];
        take_look(look);
        FUZZ_CHECK(strcmp(look, sound) == 0);
    }
    return 0;
}
