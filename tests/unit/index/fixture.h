/* SPDX-License-Identifier: Apache-2.0
 * A log, a storage and one empty tree under a temporary directory; and a model of a tree: a sorted array of entries. */
#ifndef INDEX_FIXTURE_H
#define INDEX_FIXTURE_H

#include "../engine.h"
#include "../must.h"
#include "index/btree_int.h"

#define PDB 5u
#define SEGMENT (4u << 20)
#define INDEX_FILE RDB_FILE_NO(RDB_FILE_INDEX, 30000)

typedef struct fixture {
    char root[64], wal_directory[96], data_directory[96];
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_index index;
    rdb_arena *arena, *batch;
    rdb_error err;
} fixture;

static inline void fixture_begin(fixture *f, uint32_t page_bytes, uint32_t frames)
{
    memset(f, 0, sizeof *f);
    engine_paths("index", f->root, sizeof f->root, f->wal_directory, f->data_directory, sizeof f->wal_directory);
    rdb_index_register_redo();
    const rdb_wal_config wal_config = {.directory = f->wal_directory, .system_id = 9, .segment_bytes = SEGMENT, .ring_bytes = 1 << 20,
                                       .incarnation = 1, .thread_no = 1, .sync = false};
    const rdb_storage_config config = {.data_directory = f->data_directory, .page_bytes = page_bytes, .frame_count = frames, .sync = false};
    MUST(&f->err, engine_open(&wal_config, &config, &f->wal, &f->storage, &f->err));
    MUST(&f->err, rdb_storage_create_file(f->storage, PDB, INDEX_FILE, 3, &f->err));
    MUST(&f->err, btree_create_root(f->storage, PDB, INDEX_FILE, 3, &f->err));
    f->index = (rdb_index){.storage = f->storage, .pdb = PDB, .index_oid = 16400, .file = INDEX_FILE};
    f->arena = rdb_arena_create("test", NULL, NULL);
    f->batch = rdb_arena_create("batch", NULL, NULL);
}

static inline void fixture_end(fixture *f)
{
    rdb_arena_destroy(f->arena);
    rdb_arena_destroy(f->batch);
    MUST(&f->err, engine_close(&f->wal, &f->storage, &f->err));
    MUST(&f->err, rdb_path_remove_tree(f->root, &f->err));
    rdb_error_clear(&f->err);
}

/* ---- the model ------------------------------------------------------------------------------------------------------------ */
typedef struct model_entry {
    uint8_t *key, *payload;
    uint32_t key_bytes, payload_bytes;
    uint64_t address;
} model_entry;
typedef struct model {
    model_entry *entries;
    uint32_t count, capacity;
} model;

static inline int compare_keys(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
    int order = memcmp(a, b, RDB_MIN(a_bytes, b_bytes));
    return order != 0 ? order : a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

static inline int compare_entry(const model_entry *e, const uint8_t *key, size_t key_bytes, uint64_t address)
{
    int order = compare_keys(e->key, e->key_bytes, key, key_bytes);
    return order != 0 ? order : e->address < address ? -1 : e->address > address;
}

static inline uint32_t model_find(const model *m, const uint8_t *key, size_t key_bytes, uint64_t address, bool *found)
{
    uint32_t low = 0, high = m->count;
    *found = false;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare_entry(&m->entries[middle], key, key_bytes, address);
        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline void model_insert(model *m, const rdb_index_entry *entry)
{
    bool found;
    uint32_t at = model_find(m, entry->key.data, entry->key.length, entry->address, &found);
    if (found)
        return;
    if (m->count == m->capacity) {
        m->capacity = RDB_MAX(1024u, m->capacity * 2);
        m->entries = realloc(m->entries, m->capacity * sizeof *m->entries);
    }
    memmove(&m->entries[at + 1], &m->entries[at], (m->count - at) * sizeof *m->entries);
    model_entry *e = &m->entries[at];
    *e = (model_entry){.key = malloc(entry->key.length + 1), .payload = malloc(entry->payload.length + 1),
                       .key_bytes = (uint32_t)entry->key.length, .payload_bytes = (uint32_t)entry->payload.length,
                       .address = entry->address};
    memcpy(e->key, entry->key.data, entry->key.length);
    if (entry->payload.length > 0)
        memcpy(e->payload, entry->payload.data, entry->payload.length);
    m->count++;
}

static inline void model_remove(model *m, const uint8_t *key, size_t key_bytes, uint64_t address)
{
    bool found;
    uint32_t at = model_find(m, key, key_bytes, address, &found);
    if (!found)
        return;
    free(m->entries[at].key);
    free(m->entries[at].payload);
    memmove(&m->entries[at], &m->entries[at + 1], (m->count - at - 1) * sizeof *m->entries);
    m->count--;
}

static inline void model_clear(model *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        free(m->entries[i].key);
        free(m->entries[i].payload);
    }
    free(m->entries);
    memset(m, 0, sizeof *m);
}

static inline bool begins_with(const uint8_t *key, size_t key_bytes, rdb_slice prefix)
{
    return key_bytes >= prefix.length && memcmp(key, prefix.data, prefix.length) == 0;
}

/* As the header says it, word by word. */
static inline bool model_in_range(const model_entry *e, const rdb_index_range *range)
{
    if (range->lower.length > 0 && (range->lower_exclusive ? begins_with(e->key, e->key_bytes, range->lower) ||
                                                                 compare_keys(e->key, e->key_bytes, range->lower.data, range->lower.length) < 0
                                                           : compare_keys(e->key, e->key_bytes, range->lower.data, range->lower.length) < 0))
        return false;
    if (range->upper.length == 0)
        return true;
    if (begins_with(e->key, e->key_bytes, range->upper))
        return !range->upper_exclusive;
    return compare_keys(e->key, e->key_bytes, range->upper.data, range->upper.length) < 0;
}

/* Reads the range through the cursor, in batches, and compares it with the model; from a place that was found before, where there is one. */
static inline void check_range_from(fixture *f, const model *m, rdb_index_cursor *cursor, const rdb_index_range *range, const rdb_index_place *place,
                                    bool backward, uint32_t capacity)
{
    rdb_index_entry entries[64];
    uint32_t at = backward ? m->count : 0, count;
    if (place != NULL)
        MUST(&f->err, rdb_index_cursor_seek_from(cursor, range, place, &f->err));
    else
        MUST(&f->err, rdb_index_cursor_seek(cursor, range, &f->err));
    do {
        rdb_arena_reset(f->batch);
        MUST(&f->err, rdb_index_cursor_next(cursor, capacity, true, f->batch, entries, &count, &f->err));
        for (uint32_t i = 0; i < count; i++) {
            const model_entry *e = NULL;
            while (e == NULL && (backward ? at > 0 : at < m->count)) {
                const model_entry *candidate = &m->entries[backward ? --at : at++];
                e = model_in_range(candidate, range) ? candidate : NULL;
            }
            assert_non_null(e);
            assert_int_equal(entries[i].key.length, e->key_bytes);
            assert_memory_equal(entries[i].key.data, e->key, e->key_bytes);
            assert_int_equal(entries[i].address, e->address);
            assert_int_equal(entries[i].payload.length, e->payload_bytes);
            if (e->payload_bytes > 0)
                assert_memory_equal(entries[i].payload.data, e->payload, e->payload_bytes);
        }
    } while (count > 0);
    while (backward ? at > 0 : at < m->count)
        assert_false(model_in_range(&m->entries[backward ? --at : at++], range));
}

static inline void check_range(fixture *f, const model *m, rdb_index_cursor *cursor, const rdb_index_range *range, bool backward, uint32_t capacity)
{
    check_range_from(f, m, cursor, range, NULL, backward, capacity);
}

static inline void check_tree(fixture *f, const model *m)
{
    rdb_index_statistics statistics;
    MUST(&f->err, rdb_index_verify(&f->index, &statistics, &f->err));
    assert_int_equal(statistics.entries, m->count);
    for (unsigned backward = 0; backward < 2; backward++) {
        rdb_index_cursor *cursor;
        rdb_index_range all = {0};
        rdb_arena_reset(f->arena);
        MUST(&f->err, rdb_index_cursor_open(&cursor, &f->index, &all, backward != 0, f->arena, &f->err));
        check_range(f, m, cursor, &all, backward != 0, 64);
        rdb_index_cursor_close(&cursor);
    }
}

/* An entry whose key is a number; every fifth key is longer, so that cells differ in size. */
static inline rdb_index_entry numbered_entry(uint8_t key[48], uint64_t number, uint64_t address)
{
    key[0] = 1;
    rdb_put_u64(key + 1, __builtin_bswap64(number));
    memset(key + 9, 'x', 39);
    return (rdb_index_entry){.key = {key, number % 5 == 0 ? 48 : 9}, .address = address};
}

#endif
