/* SPDX-License-Identifier: Apache-2.0
 * Bulk filling of empty tables and indexes. Keys are collected in memory, sorted by their bytes, and handed to the index's
 * bottom-up builder. What is sorted is small: the first eight bytes of each key with the number of its entry, byte by byte from
 * the last one that differs at all (a radix sort); only entries that agree in them are compared. */
#include "catalog/fill.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 20, FILLER_ROWS = 200, AHEAD = 8 };

typedef struct fill_entry {
    uint64_t prefix; /* the key's first 8 bytes, big-endian: most comparisons end here */
    const uint8_t *key;
    uint32_t length;
    bool is_checked;
    rdb_row_address address;
} fill_entry;

struct fill_entries {
    fill_entry *items;
    size_t count, capacity;
    uint8_t **chunks; /* of key bytes */
    uint32_t chunk_count;
    size_t chunk_used, chunk_size; /* of the last one */
};

bool fill_entries_create(fill_entries **entries, rdb_error *err)
{
    *entries = calloc(1, sizeof **entries);
    return *entries != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

void fill_entries_destroy(fill_entries *entries)
{
    if (entries == NULL)
        return;
    for (uint32_t i = 0; i < entries->chunk_count; i++)
        free(entries->chunks[i]);
    free(entries->chunks);
    free(entries->items);
    free(entries);
}

static uint64_t key_prefix(rdb_slice key)
{
    uint64_t prefix = 0;
    if (key.length >= sizeof prefix)
        return __builtin_bswap64(rdb_get_u64(key.data));
    memcpy(&prefix, key.data, key.length);
    return __builtin_bswap64(prefix);
}

bool fill_entries_add(fill_entries *entries, rdb_slice key, rdb_row_address address, bool is_checked, rdb_error *err)
{
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity * 2 + 1024;
        fill_entry *grown = realloc(entries->items, capacity * sizeof *grown);
        if (grown == NULL)
            goto no_memory;
        entries->items = grown;
        entries->capacity = capacity;
    }
    if (entries->chunk_count == 0 || entries->chunk_used + key.length > entries->chunk_size) {
        uint8_t **chunks = realloc(entries->chunks, (entries->chunk_count + 1) * sizeof *chunks);
        if (chunks == NULL)
            goto no_memory;
        entries->chunks = chunks;
        size_t size = RDB_MAX((size_t)CHUNK_BYTES, key.length);
        if ((chunks[entries->chunk_count] = malloc(size)) == NULL)
            goto no_memory;
        entries->chunk_count++;
        entries->chunk_used = 0;
        entries->chunk_size = size;
    }
    uint8_t *copy = entries->chunks[entries->chunk_count - 1] + entries->chunk_used;
    memcpy(copy, key.data, key.length);
    entries->chunk_used += key.length;
    entries->items[entries->count++] = (fill_entry){key_prefix(key), copy, (uint32_t)key.length, is_checked, address};
    return true;
no_memory:
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static int compare_keys(const fill_entry *left, const fill_entry *right)
{
    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    int order = memcmp(left->key, right->key, RDB_MIN(left->length, right->length));
    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static int compare_entries(const fill_entry *a, const fill_entry *b)
{
    int order = compare_keys(a, b);
    return order != 0 ? order : (a->address > b->address) - (a->address < b->address);
}

typedef struct sort_item {
    uint64_t prefix;
    uint64_t entry_no;
} sort_item;

static int compare_items(const void *left, const void *right, void *entries)
{
    const fill_entry *items = entries;
    return compare_entries(&items[((const sort_item *)left)->entry_no], &items[((const sort_item *)right)->entry_no]);
}

/* A stable pass over one byte of the prefix. */
static void sort_by_byte(const sort_item *from, sort_item *to, size_t count, unsigned shift)
{
    size_t places[256] = {0};
    for (size_t i = 0; i < count; i++)
        places[from[i].prefix >> shift & 0xff]++;
    size_t place = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        const size_t here = places[byte];
        places[byte] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[from[i].prefix >> shift & 0xff]++] = from[i];
}

/* The entries' numbers in the order of their keys and addresses; to be freed. */
static bool sort_entries(const fill_entries *entries, sort_item **sorted, rdb_error *err)
{
    const size_t count = entries->count;
    sort_item *from = malloc(RDB_MAX(count, (size_t)1) * sizeof *from), *to = malloc(RDB_MAX(count, (size_t)1) * sizeof *to);
    *sorted = from;
    if (from == NULL || to == NULL) {
        free(from);
        free(to);
        *sorted = NULL;
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    uint64_t differs = 0;
    for (size_t i = 0; i < count; i++) {
        from[i] = (sort_item){entries->items[i].prefix, i};
        differs |= from[i].prefix ^ from[0].prefix;
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if ((differs >> shift & 0xff) == 0)
            continue;
        sort_by_byte(from, to, count, shift);
        sort_item *swapped = from;
        from = to;
        to = swapped;
    }
    free(to);
    *sorted = from;
    for (size_t first = 0, end; first < count; first = end) {
        bool in_order = true; /* rows come by address, so equal short keys are */
        for (end = first + 1; end < count && from[end].prefix == from[first].prefix; end++)
            in_order = in_order && compare_items(&from[end - 1], &from[end], entries->items) <= 0;
        if (!in_order)
            qsort_r(from + first, end - first, sizeof *from, compare_items, entries->items);
    }
    return true;
}

bool fill_entries_build(fill_entries *entries, const rdb_index *index, rdb_xid xid, rdb_row_address *duplicate, rdb_error *err)
{
    rdb_index_builder *builder;
    sort_item *sorted = NULL;
    bool ok = false;
    *duplicate = 0;
    if (!sort_entries(entries, &sorted, err))
        return false;
    const fill_entry *items = entries->items, *checked = NULL; /* the last checked entry of the current key */
    for (size_t i = 0; i < entries->count; i++) {
        const fill_entry *entry = &items[sorted[i].entry_no];
        if (checked != NULL && compare_keys(checked, entry) != 0)
            checked = NULL;
        if (!entry->is_checked)
            continue;
        if (checked != NULL) {
            *duplicate = entry->address;
            free(sorted);
            return true;
        }
        checked = entry;
    }
    if (rdb_index_builder_open(&builder, index, xid, err)) {
        ok = true;
        for (size_t i = 0; ok && i < entries->count; i++) {
            const fill_entry *entry = &items[sorted[i].entry_no];
            if (i + AHEAD < entries->count)
                __builtin_prefetch(&items[sorted[i + AHEAD].entry_no]);
            if (i > 0 && sorted[i - 1].prefix == sorted[i].prefix && compare_entries(&items[sorted[i - 1].entry_no], entry) == 0)
                continue; /* several versions of a row with one key share an entry */
            uint8_t key[8]; /* a short one is its prefix */
            const rdb_index_entry added = {.key = {entry->length <= sizeof key ? key : entry->key, entry->length}, .address = entry->address};
            uint64_t bytes = __builtin_bswap64(entry->prefix);
            memcpy(key, &bytes, sizeof key);
            ok = rdb_index_builder_add(builder, &added, err);
        }
        ok = rdb_index_builder_finish(&builder, err) && ok;
    }
    free(sorted);
    return ok;
}

/* ---- tables ---------------------------------------------------------------------------------------------------------------- */
struct table_filler {
    const rdb_relation *relation;
    rdb_txn *txn;
    rdb_arena *arena; /* of the batch */
    rdb_datum *values[FILLER_ROWS];
    bool *is_null[FILLER_ROWS];
    uint32_t count;
    fill_entries **entries; /* one an index; NULL: over expressions */
};

static bool is_plain(const rdb_relation_index *index)
{
    return index->expression_tree == NULL && index->predicate_tree == NULL;
}

bool table_filler_open(table_filler **filler, const rdb_relation *relation, rdb_txn *txn, rdb_error *err)
{
    table_filler *opened = calloc(1, sizeof *opened);
    *filler = opened;
    if (opened == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    opened->relation = relation;
    opened->txn = txn;
    opened->arena = rdb_arena_create("table filler", NULL, NULL);
    opened->entries = calloc(relation->index_count + 1u, sizeof(fill_entries *));
    if (opened->arena == NULL || opened->entries == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        table_filler_abandon(filler);
        return false;
    }
    for (uint16_t i = 0; i < relation->index_count; i++) {
        if (is_plain(&relation->indexes[i]) && !fill_entries_create(&opened->entries[i], err)) {
            table_filler_abandon(filler);
            return false;
        }
    }
    return true;
}

void table_filler_abandon(table_filler **filler)
{
    table_filler *ended = *filler;
    if (ended == NULL)
        return;
    *filler = NULL;
    for (uint16_t i = 0; ended->entries != NULL && i < ended->relation->index_count; i++)
        fill_entries_destroy(ended->entries[i]);
    free(ended->entries);
    rdb_arena_destroy(ended->arena);
    free(ended);
}

static bool write_batch(table_filler *filler, rdb_error *err)
{
    const rdb_relation *relation = filler->relation;
    rdb_row_address addresses[FILLER_ROWS];
    if (filler->count == 0)
        return true;
    if (!rdb_table_insert_many(&relation->table, filler->txn, (const rdb_datum *const *)filler->values, (const bool *const *)filler->is_null,
                               filler->count, NULL, 0, addresses, err))
        return false;
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        for (uint32_t row = 0; filler->entries[i] != NULL && row < filler->count; row++) {
            rdb_strbuf key;
            bool has_null = false;
            if (index->kind == RDB_INDEX_SUMMARY)
                break; /* it knows of no stretch yet, so each is read whole */
            if (index->kind == RDB_INDEX_TERMS) {
                rdb_terms terms = {.arena = filler->arena};
                bool ok = rdb_index_terms_of(index, filler->values[row], filler->is_null[row], NULL, &terms, err);
                for (uint32_t k = 0; ok && k < terms.count; k++)
                    ok = fill_entries_add(filler->entries[i], terms.items[k], addresses[row], false, err);
                if (!ok)
                    return false;
                continue;
            }
            rdb_strbuf_init(&key, filler->arena);
            for (uint16_t k = 0; k < index->key_count; k++)
                has_null = has_null || filler->is_null[row][index->columns[k].column_number - 1];
            if (!rdb_index_key_encode_row(index, filler->values[row], filler->is_null[row], &key, err) ||
                !fill_entries_add(filler->entries[i], (rdb_slice){(const uint8_t *)key.data, key.length}, addresses[row],
                                  index->is_unique && (!has_null || index->index.nulls_not_distinct), err))
                return false;
        }
    }
    filler->count = 0;
    bool ok = rdb_arena_check(filler->arena, err);
    rdb_arena_reset(filler->arena);
    return ok;
}

bool table_filler_add(table_filler *filler, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_relation *relation = filler->relation;
    rdb_datum *copy = RDB_NEW_ARRAY(filler->arena, rdb_datum, relation->column_count);
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!is_null[i] && !rdb_datum_copy(filler->arena, (rdb_rep)relation->table.reps[i], values[i], &copy[i], err))
            return false;
    filler->values[filler->count] = copy;
    filler->is_null[filler->count++] = rdb_arena_memdup(filler->arena, is_null, relation->column_count * sizeof *is_null);
    return filler->count < FILLER_ROWS || write_batch(filler, err);
}

bool table_filler_finish(table_filler **filler, rdb_error *err)
{
    table_filler *ending = *filler;
    const rdb_relation *relation = ending->relation;
    rdb_xid xid;
    bool ok = write_batch(ending, err) && rdb_txn_assign_xid(ending->txn, &xid, err);
    for (uint16_t i = 0; ok && i < relation->index_count; i++) {
        rdb_row_address duplicate;
        if (ending->entries[i] == NULL)
            continue;
        ok = fill_entries_build(ending->entries[i], &relation->indexes[i].index, xid, &duplicate, err);
        if (ok && duplicate != 0)
            ok = rdb_error_set(err, RDB_UNIQUE_VIOLATION, "could not create unique index \"%s\"", relation->indexes[i].name);
    }
    table_filler_abandon(filler);
    return ok;
}
