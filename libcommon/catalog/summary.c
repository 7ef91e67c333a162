/* SPDX-License-Identifier: Apache-2.0
 * Block range indexes (BRIN, minmax): of each stretch of a table's blocks the least and the greatest value of a column and whether
 * it has nulls. They are entries of a B+tree, all with one address; the first and the last value of a stretch are its bounds:
 *
 *   0  8  stretch    block / range_blocks, big-endian
 *   8  1  column     of the index, from 1; 0: the stretch is summed up
 *   9  .  column 0:  8 SCN, big-endian: snapshots before it may see rows that the summary does not know
 *         else:      1 sort: 1 there are nulls, 2 a value; then the value's index key, cut after SUMMARY_VALUE_MAX bytes
 *
 * A summary only grows: whoever writes a row there widens it after the row and before his commit, and an abort leaves it wide. So
 * rows that a snapshot sees are always within it, or the stretch has none and is read whole. Values that are no bounds any more are
 * taken out by whoever made them so. Stretches are summed up while nobody writes the table (a SHARE lock). */
#include "catalog/ddl_int.h"
#include "catalog/fill.h"

enum { SUMMARY_VALUE_MAX = 240, SORT_NULL = 1, SORT_VALUE = 2, HEAD = 10 };
static const rdb_row_address SUMMARY_ADDRESS = RDB_ROW_ADDRESS(0, 1);

static void put_stretch(rdb_strbuf *key, uint64_t stretch, unsigned column)
{
    rdb_strbuf_clear(key);
    for (int i = 56; i >= 0; i -= 8)
        rdb_strbuf_addc(key, (char)(stretch >> i));
    rdb_strbuf_addc(key, (char)column);
}

static rdb_slice slice_of(const rdb_strbuf *key)
{
    return (rdb_slice){(const uint8_t *)key->data, key->length};
}

/* The first (or last) entry that begins with the prefix, and its key behind the prefix; data NULL where there is none. */
static bool find_end(const rdb_relation_index *index, rdb_slice prefix, bool is_last, rdb_arena *arena, rdb_slice *found, rdb_error *err)
{
    rdb_index_cursor *cursor = NULL;
    rdb_index_entry entry;
    uint32_t count = 0;
    const rdb_index_range range = {.lower = prefix, .upper = prefix};
    *found = (rdb_slice){NULL, 0};
    bool ok = rdb_index_cursor_open(&cursor, &index->index, &range, is_last, arena, err) && rdb_index_cursor_next(cursor, 1, true, arena, &entry, &count, err);
    if (ok && count > 0)
        *found = (rdb_slice){entry.key.data + prefix.length, entry.key.length - prefix.length};
    rdb_index_cursor_close(&cursor);
    return ok;
}

static int compare(rdb_slice left, rdb_slice right)
{
    const int order = memcmp(left.data, right.data, RDB_MIN(left.length, right.length));
    return order != 0 ? order : left.length < right.length ? -1 : left.length > right.length;
}

bool rdb_summary_key(const rdb_index_column *column, rdb_datum value, rdb_strbuf *key, rdb_error *err)
{
    rdb_strbuf_clear(key);
    const rdb_type *type = column->type;
    if (type->ops == NULL || type->ops->encode_key == NULL || !type->ops->encode_key(type, column->collation, value, key))
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (key->length > SUMMARY_VALUE_MAX)
        key->length = SUMMARY_VALUE_MAX;
    return rdb_strbuf_check(key, err);
}

static bool is_summed_up(const rdb_relation_index *index, uint64_t stretch, rdb_arena *arena, rdb_scn *scn, bool *found, rdb_error *err)
{
    rdb_strbuf key;
    rdb_slice rest;
    rdb_strbuf_init(&key, arena);
    put_stretch(&key, stretch, 0);
    *scn = 0;
    if (!rdb_strbuf_check(&key, err) || !find_end(index, slice_of(&key), false, arena, &rest, err))
        return false;
    *found = rest.length == 8;
    for (size_t i = 0; *found && i < 8; i++)
        *scn = *scn << 8 | rest.data[i];
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------- */
static bool widen_column(const rdb_relation_index *index, uint64_t stretch, uint16_t column_no, rdb_datum value, bool is_null, rdb_xid xid, rdb_arena *arena, rdb_error *err)
{
    rdb_strbuf key, encoded;
    rdb_slice least, greatest;
    rdb_strbuf_init(&key, arena);
    rdb_strbuf_init(&encoded, arena);
    put_stretch(&key, stretch, column_no + 1u);
    rdb_strbuf_addc(&key, is_null ? SORT_NULL : SORT_VALUE);
    if (!rdb_strbuf_check(&key, err) || !find_end(index, slice_of(&key), false, arena, &least, err))
        return false;
    if (is_null) {
        const rdb_index_entry entry = {.key = slice_of(&key), .address = SUMMARY_ADDRESS};
        return least.data != NULL || rdb_index_insert(&index->index, xid, &entry, err);
    }
    if (!rdb_summary_key(&index->columns[column_no], value, &encoded, err) || !find_end(index, slice_of(&key), true, arena, &greatest, err))
        return false;
    const bool is_first = least.data == NULL, lowers = is_first || compare(slice_of(&encoded), least) < 0, raises = !is_first && compare(slice_of(&encoded), greatest) > 0;
    if (!lowers && !raises)
        return true;
    rdb_strbuf_add(&key, encoded.data, encoded.length);
    const rdb_index_entry entry = {.key = slice_of(&key), .address = SUMMARY_ADDRESS};
    if (!rdb_strbuf_check(&key, err) || !rdb_index_insert(&index->index, xid, &entry, err))
        return false;
    if (is_first || compare(least, greatest) == 0)
        return true;
    key.length = HEAD; /* what was a bound lies between the two now */
    rdb_strbuf_add(&key, lowers ? least.data : greatest.data, lowers ? least.length : greatest.length);
    return rdb_strbuf_check(&key, err) && rdb_index_remove(index->index.storage, index->index.pdb, index->index.file, slice_of(&key), SUMMARY_ADDRESS, NULL, NULL, err);
}

bool rdb_summary_widen(const rdb_relation_index *index, rdb_row_address address, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed, rdb_xid xid,
                       rdb_arena *arena, rdb_error *err)
{
    const uint64_t stretch = RDB_ROW_BLOCK(address) / index->range_blocks;
    const bool is_computed = computed != NULL && computed->values != NULL;
    bool found = false;
    rdb_scn scn;
    if (computed != NULL && computed->is_excluded)
        return true;
    const rdb_arena_mark mark = rdb_arena_get_mark(arena);
    bool ok = is_summed_up(index, stretch, arena, &scn, &found, err);
    for (uint16_t i = 0; ok && found && i < index->key_count; i++) {
        const uint16_t at = is_computed ? i : (uint16_t)(index->columns[i].column_number - 1);
        const bool null = is_computed ? computed->is_null[at] : is_null[at];
        rdb_datum value = {.words = {0, 0}};
        if (!null)
            value = is_computed ? computed->values[at] : values[at];
        ok = widen_column(index, stretch, i, value, null, xid, arena, err);
    }
    rdb_arena_rewind(arena, mark);
    return ok;
}

/* ---- summing up ------------------------------------------------------------------------------------------------------------------- */
bool rdb_summary_find(const rdb_relation_index *index, uint64_t stretch, rdb_scn scn, rdb_arena *arena, bool *found, rdb_error *err)
{
    rdb_scn from;
    if (!is_summed_up(index, stretch, arena, &from, found, err))
        return false;
    *found = *found && from <= scn;
    return true;
}

bool rdb_summary_bounds(const rdb_relation_index *index, uint64_t stretch, uint16_t column_no, rdb_arena *arena, rdb_summary *summary, rdb_error *err)
{
    rdb_strbuf key;
    rdb_slice null;
    rdb_strbuf_init(&key, arena);
    put_stretch(&key, stretch, column_no + 1u);
    rdb_strbuf_addc(&key, SORT_NULL);
    if (!rdb_strbuf_check(&key, err) || !find_end(index, slice_of(&key), false, arena, &null, err))
        return false;
    summary->has_null = null.data != NULL;
    key.data[HEAD - 1] = SORT_VALUE;
    return find_end(index, slice_of(&key), false, arena, &summary->least, err) && find_end(index, slice_of(&key), true, arena, &summary->greatest, err);
}

bool rdb_summary_remove(const rdb_relation_index *index, uint64_t stretch, rdb_arena *arena, bool *found, rdb_error *err)
{
    rdb_strbuf key;
    rdb_index_entry entries[16];
    rdb_index_cursor *cursor = NULL;
    uint32_t count = 1;
    *found = false;
    rdb_strbuf_init(&key, arena);
    put_stretch(&key, stretch, 0);
    key.length = 8;
    const rdb_index_range range = {.lower = slice_of(&key), .upper = slice_of(&key)};
    if (!rdb_strbuf_check(&key, err) || !rdb_index_cursor_open(&cursor, &index->index, &range, false, arena, err))
        return false;
    bool ok = true;
    while (ok && count > 0) { /* what says that it is summed up is the first one: nobody relies on the rest any more */
        ok = rdb_index_cursor_next(cursor, RDB_COUNT_OF(entries), true, arena, entries, &count, err);
        for (uint32_t i = 0; ok && i < count; i++)
            ok = rdb_index_remove(index->index.storage, index->index.pdb, index->index.file, entries[i].key, entries[i].address, NULL, NULL, err);
        *found = *found || count > 0;
    }
    rdb_index_cursor_close(&cursor);
    return ok;
}

/* What one stretch is found to have, column by column. */
typedef struct column_sum {
    bool has_null, has_value;
    rdb_strbuf least, greatest;
} column_sum;

typedef struct summing {
    const rdb_relation *relation;
    const rdb_relation_index *index;
    rdb_index_values_of values_of;
    void *context;
    int16_t *columns;
    uint16_t column_count;
    rdb_vector **vectors;
    rdb_datum *values;
    bool *is_null;
    column_sum *sums;
    rdb_strbuf encoded;
} summing;

static bool sum_row(summing *s, uint32_t row, rdb_error *err)
{
    rdb_index_values computed = {0};
    for (uint16_t i = 0; i < s->column_count; i++) {
        const uint16_t at = (uint16_t)(s->columns[i] - 1);
        s->is_null[at] = rdb_vector_is_null(s->vectors[i], row);
        if (!s->is_null[at])
            s->values[at] = rdb_vector_get(s->vectors[i], row);
    }
    if (s->values_of != NULL && !s->values_of(s->context, s->values, s->is_null, &computed, err))
        return false;
    for (uint16_t i = 0; i < s->index->key_count && !computed.is_excluded; i++) {
        const bool is_computed = computed.values != NULL;
        const uint16_t at = is_computed ? i : (uint16_t)(s->index->columns[i].column_number - 1);
        column_sum *sum = &s->sums[i];
        if (is_computed ? computed.is_null[at] : s->is_null[at]) {
            sum->has_null = true;
            continue;
        }
        if (!rdb_summary_key(&s->index->columns[i], is_computed ? computed.values[at] : s->values[at], &s->encoded, err))
            return false;
        rdb_strbuf *const ends[2] = {&sum->least, &sum->greatest};
        for (int end = 0; end < 2; end++) {
            const int order = sum->has_value ? compare(slice_of(&s->encoded), slice_of(ends[end])) : 0;
            if (sum->has_value && (end == 0 ? order >= 0 : order <= 0))
                continue;
            rdb_strbuf_clear(ends[end]);
            rdb_strbuf_add(ends[end], s->encoded.data, s->encoded.length);
            if (!rdb_strbuf_check(ends[end], err))
                return false;
        }
        sum->has_value = true;
    }
    return true;
}

static bool put_entry(const rdb_relation_index *index, rdb_xid xid, const rdb_strbuf *key, rdb_error *err)
{
    const rdb_index_entry entry = {.key = slice_of(key), .address = SUMMARY_ADDRESS};
    return rdb_strbuf_check(key, err) && rdb_index_insert(&index->index, xid, &entry, err);
}

/* The values first, then the entry by which readers and writers know that they are there. */
static bool put_sums(summing *s, uint64_t stretch, rdb_scn scn, rdb_xid xid, rdb_arena *arena, rdb_error *err)
{
    rdb_strbuf key;
    rdb_strbuf_init(&key, arena);
    for (uint16_t i = 0; i < s->index->key_count; i++) {
        column_sum *sum = &s->sums[i];
        const rdb_strbuf *const ends[2] = {&sum->least, &sum->greatest};
        put_stretch(&key, stretch, i + 1u);
        rdb_strbuf_addc(&key, SORT_NULL);
        if (sum->has_null && !put_entry(s->index, xid, &key, err))
            return false;
        for (int end = 0; end < 2 && sum->has_value; end++) {
            put_stretch(&key, stretch, i + 1u);
            rdb_strbuf_addc(&key, SORT_VALUE);
            rdb_strbuf_add(&key, ends[end]->data, ends[end]->length);
            if (!put_entry(s->index, xid, &key, err))
                return false;
        }
        sum->has_null = sum->has_value = false;
    }
    put_stretch(&key, stretch, 0);
    for (int i = 56; i >= 0; i -= 8)
        rdb_strbuf_addc(&key, (char)(scn >> i));
    return put_entry(s->index, xid, &key, err);
}

static bool sum_stretch(rdb_access *access, summing *s, uint64_t stretch, rdb_arena *arena, rdb_arena *batch, rdb_error *err)
{
    rdb_txn *txn = access->context.txn;
    rdb_table_scan *scan = NULL;
    rdb_snapshot snapshot;
    rdb_xid xid;
    bool ok;
    rdb_txn_latest_snapshot(txn, &snapshot);
    rdb_txn_hold_snapshot(txn, &snapshot);
    ok = rdb_txn_assign_xid(txn, &xid, err) && rdb_table_scan_open(&scan, &s->relation->table, txn, &snapshot, s->columns, s->column_count, stretch * s->index->range_blocks,
                                                                   s->index->range_blocks, arena, err);
    for (uint32_t count = 1; ok && count > 0;) {
        rdb_arena_reset(batch);
        for (uint16_t i = 0; i < s->column_count; i++)
            rdb_vector_clear_nulls(s->vectors[i]);
        ok = rdb_cancel_check(rdb_txn_cancel(txn), err) && rdb_table_scan_next(scan, RDB_BATCH_ROWS, batch, s->vectors, NULL, NULL, &count, err);
        for (uint32_t row = 0; ok && row < count; row++)
            ok = sum_row(s, row, err);
        ok = ok && rdb_arena_check(batch, err);
    }
    rdb_table_scan_close(&scan);
    ok = ok && put_sums(s, stretch, snapshot.scn, xid, arena, err);
    rdb_txn_drop_snapshot(txn, &snapshot);
    return ok;
}

static bool prepare(summing *s, rdb_arena *arena, rdb_error *err)
{
    const rdb_relation *relation = s->relation;
    s->columns = RDB_NEW_ARRAY(arena, int16_t, relation->column_count + 1u);
    s->vectors = RDB_NEW_ARRAY(arena, rdb_vector *, relation->column_count + 1u);
    s->values = RDB_NEW_ARRAY(arena, rdb_datum, relation->column_count + 1u);
    s->is_null = RDB_NEW_ARRAY(arena, bool, relation->column_count + 1u);
    s->sums = RDB_NEW_ARRAY(arena, column_sum, s->index->key_count);
    memset(s->is_null, true, relation->column_count);
    rdb_strbuf_init(&s->encoded, arena);
    for (uint16_t i = 0; i < s->index->key_count; i++) {
        rdb_strbuf_init(&s->sums[i].least, arena);
        rdb_strbuf_init(&s->sums[i].greatest, arena);
    }
    for (int16_t number = 1; number <= (int16_t)relation->column_count; number++) {
        bool is_read = s->values_of != NULL && !relation->columns[number - 1].is_dropped;
        for (uint16_t i = 0; i < s->index->key_count; i++)
            is_read = is_read || s->index->columns[i].column_number == number;
        if (!is_read)
            continue;
        s->vectors[s->column_count] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(s->vectors[s->column_count], arena, (rdb_rep)relation->table.reps[number - 1], RDB_BATCH_ROWS, err))
            return false;
        s->columns[s->column_count++] = number;
    }
    return rdb_arena_check(arena, err);
}

bool rdb_summary_build(rdb_access *access, const rdb_relation *relation, const rdb_relation_index *index, uint64_t only, bool with_last, rdb_index_values_of values_of, void *context,
                       uint32_t *made, rdb_error *err)
{
    summing s = {.relation = relation, .index = index, .values_of = values_of, .context = context};
    rdb_arena *arena = NULL, *batch = NULL, *scratch = NULL;
    uint64_t blocks = 0;
    bool ok = false;
    *made = 0;
    if ((arena = ddl_arena(err)) == NULL || (batch = ddl_arena(err)) == NULL || (scratch = ddl_arena(err)) == NULL || !prepare(&s, arena, err) ||
        !rdb_table_block_count(&relation->table, &blocks, err))
        goto out;
    ok = true;
    for (uint64_t stretch = 0; ok && stretch * index->range_blocks < blocks; stretch++) {
        bool found = false;
        rdb_scn scn;
        const bool is_last = (stretch + 1) * index->range_blocks >= blocks;
        if ((only != UINT64_MAX && stretch != only) || (is_last && !with_last))
            continue;
        rdb_arena_reset(scratch);
        ok = is_summed_up(index, stretch, scratch, &scn, &found, err);
        if (!ok || found)
            continue;
        ok = sum_stretch(access, &s, stretch, scratch, batch, err);
        *made += ok;
    }
out:
    rdb_arena_destroy(scratch);
    rdb_arena_destroy(batch);
    rdb_arena_destroy(arena);
    return ok;
}
