/* SPDX-License-Identifier: Apache-2.0
 * Bulk filling of empty tables and indexes. Keys are collected in memory, sorted by their bytes, and handed to the index's
 * bottom-up builder. What is sorted is small: eight bytes of each key, behind what all keys begin with, and the number of its entry, byte
 * by byte from the last one that differs at all (a radix sort); only entries that agree in them are compared. Keys of equal length that
 * fit into eight bytes, integers above all, are nothing but that: they are kept with the row's address alone.
 * Several threads may collect, each for itself; their runs are sorted each for itself too and merged on the way into the index. */
#include "catalog/fill.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 20, FILLER_ROWS = 200, AHEAD = 16, THREAD_ENTRIES = 10000 };

typedef struct fill_entry {
    const uint8_t *key;
    uint32_t length;
    bool is_checked;
    rdb_row_address address;
} fill_entry;

typedef struct sort_item {
    uint64_t prefix; /* big-endian, so that numbers order as bytes do */
    uint64_t rest;   /* short keys: the row's address; else the number of the entry */
} sort_item;

struct fill_entries {
    size_t count, capacity;
    sort_item *sorted; /* short keys: collected here; else made by the sort */
    fill_entry *items; /* of keys that are not short; NULL: all are so far */
    bool is_short, is_checked; /* of all, where they are short */
    uint32_t short_length;
    size_t common; /* how many bytes all keys begin with */
    uint8_t **chunks; /* of key bytes */
    uint32_t chunk_count;
    size_t chunk_used, chunk_size; /* of the last one */
    size_t at; /* of the merge */
};

bool fill_entries_create(fill_entries **entries, rdb_error *err)
{
    *entries = calloc(1, sizeof **entries);
    if (*entries == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    (*entries)->is_short = true;
    return true;
}

void fill_entries_destroy(fill_entries *entries)
{
    if (entries == NULL)
        return;
    for (uint32_t i = 0; i < entries->chunk_count; i++)
        free(entries->chunks[i]);
    free(entries->chunks);
    free(entries->items);
    free(entries->sorted);
    free(entries);
}

/* The bytes behind the first skip, zeroes behind the last. */
static uint64_t key_prefix(const uint8_t *key, size_t length, size_t skip)
{
    uint64_t prefix = 0;
    if (length >= skip + sizeof prefix)
        return __builtin_bswap64(rdb_get_u64(key + skip));
    if (length > skip)
        memcpy(&prefix, key + skip, length - skip);
    return __builtin_bswap64(prefix);
}

static bool no_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static bool grow(void *array_at, size_t count, size_t *capacity, size_t item_bytes, rdb_error *err)
{
    void **array = array_at;
    if (RDB_LIKELY(count < *capacity))
        return true;
    const size_t more = *capacity * 2 + 1024;
    void *grown = realloc(*array, more * item_bytes);
    if (grown == NULL)
        return no_memory(err);
    *array = grown;
    *capacity = more;
    return true;
}

static bool add_long(fill_entries *entries, rdb_slice key, rdb_row_address address, bool is_checked, rdb_error *err)
{
    if (!grow(&entries->items, entries->count, &entries->capacity, sizeof *entries->items, err))
        return false;
    if (entries->chunk_count == 0 || entries->chunk_used + key.length > entries->chunk_size) {
        uint8_t **chunks = realloc(entries->chunks, (entries->chunk_count + 1) * sizeof *chunks);
        if (chunks == NULL)
            return no_memory(err);
        entries->chunks = chunks;
        size_t size = RDB_MAX((size_t)CHUNK_BYTES, key.length);
        if ((chunks[entries->chunk_count] = malloc(size)) == NULL)
            return no_memory(err);
        entries->chunk_count++;
        entries->chunk_used = 0;
        entries->chunk_size = size;
    }
    uint8_t *copy = entries->chunks[entries->chunk_count - 1] + entries->chunk_used;
    if (key.length > 0)
        memcpy(copy, key.data, key.length);
    entries->chunk_used += key.length;
    if (entries->count == 0) {
        entries->common = key.length;
    } else {
        const fill_entry *first = &entries->items[0];
        const size_t shared = RDB_MIN(entries->common, key.length);
        size_t same = 0;
        if (shared < entries->common || memcmp(first->key, key.data, shared) != 0) {
            while (same < shared && first->key[same] == copy[same])
                same++;
            entries->common = same;
        }
    }
    entries->items[entries->count++] = (fill_entry){copy, (uint32_t)key.length, is_checked, address};
    return true;
}

/* One came that is not like the others: all become entries with keys of their own. */
static bool leave_short(fill_entries *entries, rdb_error *err)
{
    sort_item *collected = entries->sorted;
    const size_t count = entries->count;
    bool ok = true;
    entries->is_short = false;
    entries->sorted = NULL;
    entries->count = entries->capacity = 0;
    for (size_t i = 0; ok && i < count; i++) {
        const uint64_t bytes = __builtin_bswap64(collected[i].prefix);
        ok = add_long(entries, (rdb_slice){(const uint8_t *)&bytes, entries->short_length}, collected[i].rest, entries->is_checked, err);
    }
    free(collected);
    return ok;
}

bool fill_entries_add(fill_entries *entries, rdb_slice key, rdb_row_address address, bool is_checked, rdb_error *err)
{
    if (RDB_LIKELY(entries->is_short)) {
        if (entries->count == 0 && key.length <= sizeof(uint64_t)) {
            entries->short_length = (uint32_t)key.length;
            entries->is_checked = is_checked;
        }
        if (RDB_LIKELY(key.length <= sizeof(uint64_t) && key.length == entries->short_length && is_checked == entries->is_checked)) {
            if (!grow(&entries->sorted, entries->count, &entries->capacity, sizeof *entries->sorted, err))
                return false;
            entries->sorted[entries->count++] = (sort_item){key_prefix(key.data, key.length, 0), address};
            return true;
        }
        if (!leave_short(entries, err))
            return false;
    }
    return add_long(entries, key, address, is_checked, err);
}

static int compare_keys(const fill_entry *left, const fill_entry *right)
{
    int order = memcmp(left->key, right->key, RDB_MIN(left->length, right->length));
    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static int compare_entries(const fill_entry *a, const fill_entry *b)
{
    int order = compare_keys(a, b);
    return order != 0 ? order : (a->address > b->address) - (a->address < b->address);
}

static int compare_items(const void *left, const void *right, void *entries)
{
    const fill_entry *items = entries;
    return compare_entries(&items[((const sort_item *)left)->rest], &items[((const sort_item *)right)->rest]);
}

static int compare_short(const void *left, const void *right, void *unused)
{
    const sort_item *a = left, *b = right;
    (void)unused;
    return (a->rest > b->rest) - (a->rest < b->rest);
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

/* Puts entries->sorted in the order of keys and addresses. common: at most entries->common. */
static bool sort_entries(fill_entries *entries, size_t common, rdb_error *err)
{
    const size_t count = entries->count;
    if (!entries->is_short && (entries->sorted = malloc(RDB_MAX(count, (size_t)1) * sizeof *entries->sorted)) == NULL)
        return no_memory(err);
    sort_item *from = entries->sorted, *to = count > 1 ? malloc(count * sizeof *to) : NULL;
    if (count > 1 && to == NULL)
        return no_memory(err);
    uint64_t differs = 0;
    for (size_t i = 0; i < count; i++) {
        if (!entries->is_short)
            from[i] = (sort_item){key_prefix(entries->items[i].key, entries->items[i].length, common), i};
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
    entries->sorted = from;
    int (*const compare)(const void *, const void *, void *) = entries->is_short ? compare_short : compare_items;
    for (size_t first = 0, end; first < count; first = end) {
        bool in_order = true; /* rows come by address, so equal short keys are */
        for (end = first + 1; end < count && from[end].prefix == from[first].prefix; end++)
            in_order = in_order && compare(&from[end - 1], &from[end], entries->items) <= 0;
        if (!in_order)
            qsort_r(from + first, end - first, sizeof *from, compare, entries->items);
    }
    return true;
}

/* ---- several runs ------------------------------------------------------------------------------------------------------------- */
typedef struct sort_job {
    fill_entries *entries;
    size_t common;
    bool ok;
    rdb_error err;
} sort_job;

static void run_sort(void *job_at)
{
    sort_job *job = job_at;
    job->ok = sort_entries(job->entries, job->common, &job->err);
}

/* Runs with keys of one kind, so that their items compare. */
static bool sort_runs(fill_entries *const *runs, uint32_t run_count, rdb_error *err)
{
    sort_job jobs[FILL_RUNS_MAX];
    rdb_thread *threads[FILL_RUNS_MAX] = {NULL};
    const fill_entries *first = NULL; /* that has any */
    bool is_short = true, ok = true;
    size_t common = SIZE_MAX;
    for (uint32_t i = 0; i < run_count; i++)
        if (runs[i]->count > 0) {
            is_short = is_short && runs[i]->is_short && (first == NULL || (first->short_length == runs[i]->short_length && first->is_checked == runs[i]->is_checked));
            first = first != NULL ? first : runs[i];
        }
    for (uint32_t i = 0; i < run_count && !is_short; i++)
        if (runs[i]->is_short && !leave_short(runs[i], err))
            return false;
    for (uint32_t i = 0; i < run_count && !is_short; i++) { /* what all runs begin with */
        if (runs[i]->count == 0)
            continue;
        const fill_entry *one = &runs[i]->items[0], *other = &first->items[0];
        size_t same = 0;
        common = RDB_MIN(common, RDB_MIN(runs[i]->common, first->common));
        while (same < common && one->key[same] == other->key[same])
            same++;
        common = same;
    }
    for (uint32_t i = 0; i < run_count; i++)
        jobs[i] = (sort_job){.entries = runs[i], .common = common};
    for (uint32_t i = 1; i < run_count; i++) {
        rdb_error ignored = {0};
        if (runs[i]->count >= THREAD_ENTRIES && !rdb_thread_start(&threads[i], "index sort", run_sort, &jobs[i], &ignored))
            rdb_error_clear(&ignored);
    }
    for (uint32_t i = 0; i < run_count; i++) {
        if (threads[i] == NULL)
            run_sort(&jobs[i]);
    }
    for (uint32_t i = 0; i < run_count; i++) {
        if (threads[i] != NULL)
            rdb_thread_join(&threads[i]);
        if (!jobs[i].ok && ok)
            *err = jobs[i].err;
        ok = ok && jobs[i].ok;
    }
    return ok;
}

/* Is the next of a before the next of b? */
static bool comes_first(const fill_entries *a, const fill_entries *b)
{
    const sort_item *left = &a->sorted[a->at], *right = &b->sorted[b->at];
    if (left->prefix != right->prefix)
        return left->prefix < right->prefix;
    return a->is_short ? left->rest < right->rest : compare_entries(&a->items[left->rest], &b->items[right->rest]) < 0;
}

static fill_entries *next_run(fill_entries *const *runs, uint32_t run_count)
{
    fill_entries *first = NULL;
    for (uint32_t i = 0; i < run_count; i++)
        if (runs[i]->at < runs[i]->count && (first == NULL || comes_first(runs[i], first)))
            first = runs[i];
    return first;
}

/* The entry that is next in its run; key is room for a short one. */
static fill_entry take(fill_entries *run, uint8_t key[sizeof(uint64_t)])
{
    const sort_item *item = &run->sorted[run->at];
    if (run->is_short) {
        const uint64_t bytes = __builtin_bswap64(item->prefix);
        memcpy(key, &bytes, sizeof bytes);
        run->at++;
        return (fill_entry){key, run->short_length, run->is_checked, item->rest};
    }
    if (run->at + AHEAD < run->count)
        __builtin_prefetch(&run->items[item[AHEAD].rest]);
    if (run->at + AHEAD / 2 < run->count)
        __builtin_prefetch(run->items[item[AHEAD / 2].rest].key);
    run->at++;
    return run->items[item->rest];
}

bool fill_entries_visit(fill_entries *const *runs, uint32_t run_count, const rdb_relation_index *index, fill_visit visit, void *context, rdb_row_address *duplicate, rdb_error *err)
{
    *duplicate = 0;
    if (!sort_runs(runs, run_count, err))
        return false;
    uint8_t keys[2][sizeof(uint64_t)]; /* of short ones: this and the last */
    fill_entry last = {0};
    rdb_slice key, last_key = {NULL, 0}; /* without the rests of the entries */
    bool ok = true, has_last = false, has_checked = false; /* of the last one's key */
    for (fill_entries *run = next_run(runs, run_count); ok && run != NULL && *duplicate == 0; run = next_run(runs, run_count)) {
        const fill_entry entry = take(run, keys[0]);
        if (!rdb_index_entry_split(index, (rdb_slice){entry.key, entry.length}, &key, NULL, err))
            return false;
        const bool is_same_key = has_last && last_key.length == key.length && memcmp(last_key.data, key.data, key.length) == 0;
        has_checked = has_checked && is_same_key;
        if (entry.is_checked && has_checked)
            *duplicate = entry.address;
        else if (!is_same_key || last.address != entry.address || compare_keys(&last, &entry) != 0) /* several versions of a row may share an entry */
            ok = visit(context, &(rdb_index_entry){.key = {entry.key, entry.length}, .address = entry.address, .unique_bytes = (uint32_t)key.length}, entry.is_checked, err);
        has_checked = has_checked || entry.is_checked;
        last = entry;
        last_key = key;
        has_last = true;
        if (run->is_short) {
            memcpy(keys[1], keys[0], sizeof keys[1]);
            last.key = last_key.data = keys[1];
        }
    }
    return ok;
}

static bool add_to_builder(void *builder, const rdb_index_entry *entry, bool is_checked, rdb_error *err)
{
    (void)is_checked;
    return rdb_index_builder_add(builder, entry, err);
}

bool fill_entries_build(fill_entries *const *runs, uint32_t run_count, const rdb_relation_index *index, rdb_xid xid, rdb_row_address *duplicate, rdb_error *err)
{
    rdb_index_builder *builder;
    *duplicate = 0;
    if (!rdb_index_builder_open(&builder, &index->index, xid, err))
        return false;
    const bool ok = fill_entries_visit(runs, run_count, index, add_to_builder, builder, duplicate, err);
    return rdb_index_builder_finish(&builder, err) && ok;
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
            if (!rdb_index_entry_encode(index, filler->values[row], filler->is_null[row], NULL, &key, err) ||
                !fill_entries_add(filler->entries[i], (rdb_slice){(const uint8_t *)key.data, key.length}, addresses[row],
                                  index->is_unique && index->is_valid && (!has_null || index->index.nulls_not_distinct), err))
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
        ok = fill_entries_build(&ending->entries[i], 1, &relation->indexes[i], xid, &duplicate, err);
        if (ok && duplicate != 0)
            ok = rdb_error_set(err, RDB_UNIQUE_VIOLATION, "could not create unique index \"%s\"", relation->indexes[i].name);
    }
    table_filler_abandon(filler);
    return ok;
}
