/* SPDX-License-Identifier: Apache-2.0
 * The sorter: rows are kept by column, and what is sorted is (prefix, row number): the prefix is 64 bits whose order is
 * that of the first key, as far as they reach, so that most comparisons touch no row. Of keys that all begin alike ("row number ...")
 * it is taken behind what they have in common. Where the rows outgrow work_mem they are
 * written as a sorted run; runs are merged, several levels where there are many. A bound (LIMIT) keeps only the rows that
 * can come out. */
#include "exec/exec_spill.h"
#include "type/rdb_collation.h"
#include <math.h>

#define RUN_EXTENT_BYTES ((uint64_t)32 << 10) /* read back at a time; a merge holds one of each run */
#define MERGE_ORDER_MIN 6u
#define MERGE_ORDER_MAX 256u

typedef struct sort_item {
    uint64_t prefix;
    uint32_t row;
} sort_item;

/* What the bytes of first keys all begin with: a prefix is made of the eight behind it. */
#define COMMON_BYTES_MAX 64u
typedef struct common_start {
    uint32_t length;
    uint8_t bytes[COMMON_BYTES_MAX];
} common_start;

typedef struct sort_run { /* extents first ... end - 1 of the file */
    uint32_t first, end;
    common_start common;
} sort_run;

typedef struct merge_input {
    uint32_t next_extent, end_extent;
    rdb_arena *arena;
    rdb_vector **columns;
    uint64_t *prefixes;
    uint32_t rows, at;         /* rows 0: it is at its end */
} merge_input;

struct exec_sorter {
    rdb_execution *x;
    const uint8_t *reps;
    uint32_t column_count, key_count;
    const rdb_plan_key *keys;
    bool prefix_is_exact;
    uint8_t prefix_kind;
    common_start common;       /* of the rows at hand, or of the runs that are merged */
    bool has_stranger;         /* a key met that begins otherwise: common is shorter now */
    uint64_t memory, bound, row_count;
    exec_store store;
    rdb_arena *arena;          /* items */
    rdb_arena *merge_arena;
    sort_item *items;
    uint32_t item_capacity;
    uint32_t sorted_count, next_item;
    bool is_finished, has_cutoff, was_bounded;
    uint32_t cutoff_row;       /* the worst row that can still come out */
    uint64_t cutoff_prefix;
    rdb_work_file *file;
    exec_extent *extents;
    uint32_t extent_count, extent_capacity;
    sort_run *runs;
    uint32_t run_count, run_capacity;
    merge_input *inputs;
    uint32_t *tree, input_count; /* tree[0]: the input whose row is next; from 1: who lost against whom on the way up (a tournament) */
    const void **bases;
    uint32_t *picked, *picked_rows; /* of the next rows: from which input, which row of it */
    rdb_vector **out;
    uint32_t out_capacity;
    uint64_t disk_bytes;       /* most there was */
    uint64_t memory_bytes;
    rdb_strbuf key;            /* for prefixes of encoded keys */
    rdb_arena *key_arena;
};

/* ---- prefixes ---------------------------------------------------------------------------------------------------------------
 * 0 and UINT64_MAX stand for nulls too: at those, and where the prefix says not all, the rows are looked at. */
enum { PREFIX_NONE, PREFIX_SIGNED, PREFIX_BOOL, PREFIX_UNSIGNED32, PREFIX_FLOAT32, PREFIX_FLOAT64, PREFIX_NUMERIC, PREFIX_TEXT, PREFIX_KEY };

static uint8_t kind_of_prefix(const rdb_type *type, uint32_t collation)
{
    switch (type->oid) {
    case RDB_INT2OID:
    case RDB_INT4OID:
    case RDB_INT8OID:
    case RDB_DATEOID:
    case RDB_TIMEOID:
    case RDB_TIMESTAMPOID:
    case RDB_TIMESTAMPTZOID: return PREFIX_SIGNED;
    case RDB_BOOLOID: return PREFIX_BOOL;
    case RDB_OIDOID: return PREFIX_UNSIGNED32;
    case RDB_FLOAT4OID: return PREFIX_FLOAT32;
    case RDB_FLOAT8OID: return PREFIX_FLOAT64;
    case RDB_NUMERICOID: return PREFIX_NUMERIC;
    case RDB_TEXTOID:
    case RDB_VARCHAROID:
        if (rdb_collation_orders_bytes(collation))
            return PREFIX_TEXT; /* its own bytes, none of which is zero */ /* fall through */
    default: return type->rep >= RDB_REP_FIXED16 && type->ops != NULL && type->ops->encode_key != NULL && type->kind == 'b' ? PREFIX_KEY : PREFIX_NONE;
    }
}

static uint64_t prefix_of_double(double value)
{
    uint64_t bits;
    if (isnan(value))
        return UINT64_MAX - 1;
    if (value == 0)
        value = 0; /* -0 equals 0 */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline uint32_t count_common(const uint8_t *left, uint32_t left_length, const uint8_t *right, uint32_t right_length)
{
    const uint32_t most = RDB_MIN(left_length, right_length);
    uint32_t count = 0;
    while (count < most && left[count] == right[count])
        count++;
    return count;
}

/* The eight bytes behind the common ones, zeroes behind the end. */
static inline uint64_t prefix_of_bytes(exec_sorter *sorter, const uint8_t *bytes, uint32_t length)
{
    const uint32_t common = sorter->common.length;
    uint64_t result = 0;
    if (common > 0 && (length < common || memcmp(bytes, sorter->common.bytes, common) != 0)) {
        sorter->common.length = count_common(bytes, length, sorter->common.bytes, common);
        sorter->has_stranger = true;
        return 0;
    }
    if (length > common)
        memcpy(&result, bytes + common, RDB_MIN(length - common, 8u));
    return __builtin_bswap64(result);
}

static bool encode_first(exec_sorter *sorter, const rdb_vector *column, uint32_t row, const uint8_t **bytes, uint32_t *length, rdb_error *err)
{
    const rdb_plan_key *key = &sorter->keys[0];
    if (sorter->prefix_kind == PREFIX_TEXT) {
        const rdb_bytes *text = &RDB_AT(column, rdb_bytes, row);
        *bytes = text->data;
        *length = text->length;
        return true;
    }
    rdb_strbuf_clear(&sorter->key);
    if (!key->type->ops->encode_key(key->type, key->collation, rdb_vector_get(column, row), &sorter->key))
        return rdb_strbuf_check(&sorter->key, err) && rdb_error_set(err, RDB_INTERNAL_ERROR, "value of type %s has no key", key->type->name);
    *bytes = (const uint8_t *)sorter->key.data;
    *length = (uint32_t)RDB_MIN(sorter->key.length, (size_t)UINT32_MAX);
    return rdb_strbuf_check(&sorter->key, err);
}

static bool prefix_of(exec_sorter *sorter, const rdb_vector *column, uint32_t row, uint64_t *prefix, rdb_error *err)
{
    const rdb_plan_key *key = &sorter->keys[0];
    uint64_t result = 0;
    *prefix = 0;
    if (sorter->prefix_kind == PREFIX_NONE)
        return true;
    if (rdb_vector_is_null(column, row)) {
        *prefix = key->nulls_first ? 0 : UINT64_MAX;
        return true;
    }
    switch (sorter->prefix_kind) {
    case PREFIX_SIGNED: {
        int64_t value = column->rep == RDB_REP_INT64 ? RDB_AT(column, int64_t, row) : column->rep == RDB_REP_INT32 ? RDB_AT(column, int32_t, row) : RDB_AT(column, int16_t, row);
        result = (uint64_t)value ^ UINT64_C(1) << 63;
        break;
    }
    case PREFIX_BOOL: result = RDB_AT(column, uint8_t, row) + 1u; break;
    case PREFIX_UNSIGNED32: result = RDB_AT(column, uint32_t, row) + UINT64_C(1); break;
    case PREFIX_FLOAT32: result = prefix_of_double((double)RDB_AT(column, float, row)); break;
    case PREFIX_FLOAT64: result = prefix_of_double(RDB_AT(column, double, row)); break;
    case PREFIX_NUMERIC: result = prefix_of_double(rdb_numeric_nearest(rdb_vector_get(column, row))); break;
    default: {
        const uint8_t *bytes = NULL;
        uint32_t length = 0;
        if (!encode_first(sorter, column, row, &bytes, &length, err))
            return false;
        result = prefix_of_bytes(sorter, bytes, length);
        break;
    }
    }
    *prefix = key->is_descending ? ~result : result;
    return true;
}

/* ---- in memory ---------------------------------------------------------------------------------------------------------------- */
static int compare_columns(const exec_sorter *sorter, uint32_t from_key, rdb_vector *const *left, uint32_t left_row, rdb_vector *const *right, uint32_t right_row)
{
    for (uint32_t i = from_key; i < sorter->key_count; i++) {
        const rdb_plan_key *key = &sorter->keys[i];
        int order = exec_values_compare(key, left[key->slot_no], left_row, right[key->slot_no], right_row);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Two rows with this prefix: are their first keys equal? Those of texts are where the text ended before the prefix did. */
static inline uint32_t first_key_after(const exec_sorter *sorter, uint64_t prefix)
{
    if (prefix == 0 || prefix == UINT64_MAX)
        return 0;
    return sorter->prefix_is_exact || (sorter->prefix_kind == PREFIX_TEXT && (uint8_t)(sorter->keys[0].is_descending ? ~prefix : prefix) == 0);
}

static int compare_items(const exec_sorter *sorter, const sort_item *left, const sort_item *right)
{
    if (left->prefix != right->prefix)
        return left->prefix < right->prefix ? -1 : 1;
    for (uint32_t i = first_key_after(sorter, left->prefix); i < sorter->key_count; i++) {
        const rdb_plan_key *key = &sorter->keys[i];
        int order = exec_values_compare(key, exec_store_column(&sorter->store, left->row, key->slot_no), EXEC_ROW_IN_CHUNK(left->row),
                                        exec_store_column(&sorter->store, right->row, key->slot_no), EXEC_ROW_IN_CHUNK(right->row));
        if (order != 0)
            return order;
    }
    return 0;
}

/* Quicksort in memory, as Bentley and McIlroy engineered it ("Engineering a Sort Function", 1993): a middle element of three or of
 * nine, a partition in three parts, recursion into the smaller side. What is in order already costs one pass. Rows of equal
 * keys come out in the order that this algorithm leaves them in, which is the one that PostgreSQL's users see. */
#define INSERTION_ROWS 7u
#define NINTHER_ROWS 40u

static void swap_items(sort_item *left, sort_item *right, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        sort_item item = left[i];
        left[i] = right[i];
        right[i] = item;
    }
}

static sort_item *middle_of(const exec_sorter *sorter, sort_item *a, sort_item *b, sort_item *c)
{
    if (compare_items(sorter, a, b) < 0)
        return compare_items(sorter, b, c) < 0 ? b : compare_items(sorter, a, c) < 0 ? c : a;
    return compare_items(sorter, b, c) > 0 ? b : compare_items(sorter, a, c) < 0 ? a : c;
}

static sort_item *choose_pivot(const exec_sorter *sorter, sort_item *items, uint32_t count)
{
    sort_item *first = items, *middle = items + count / 2, *last = items + count - 1;
    if (count <= INSERTION_ROWS)
        return middle;
    if (count > NINTHER_ROWS) {
        uint32_t step = count / 8;
        first = middle_of(sorter, first, first + step, first + 2 * step);
        middle = middle_of(sorter, middle - step, middle, middle + step);
        last = middle_of(sorter, last - 2 * step, last - step, last);
    }
    return middle_of(sorter, first, middle, last);
}

static bool sort_range(const exec_sorter *sorter, sort_item *items, uint32_t count, rdb_error *err)
{
    for (;;) {
        bool is_sorted = true;
        for (uint32_t i = 1; i < count && is_sorted; i++)
            is_sorted = compare_items(sorter, &items[i - 1], &items[i]) <= 0;
        if (is_sorted)
            return true;
        if (count < INSERTION_ROWS) {
            for (uint32_t i = 1; i < count; i++)
                for (uint32_t k = i; k > 0 && compare_items(sorter, &items[k - 1], &items[k]) > 0; k--)
                    swap_items(&items[k - 1], &items[k], 1);
            return true;
        }
        if (count > RDB_BATCH_ROWS && !rdb_cancel_check(sorter->x->context.cancel, err))
            return false;
        /* equal | less | not seen | greater | equal: [0, a) [a, b) [b, c] (c, d] (d, count) */
        swap_items(items, choose_pivot(sorter, items, count), 1);
        uint32_t a = 1, b = 1, c = count - 1, d = count - 1;
        for (;;) {
            int order;
            for (; b <= c && (order = compare_items(sorter, &items[b], items)) <= 0; b++)
                if (order == 0)
                    swap_items(&items[a++], &items[b], 1);
            for (; b <= c && (order = compare_items(sorter, &items[c], items)) >= 0; c--)
                if (order == 0)
                    swap_items(&items[c], &items[d--], 1);
            if (b > c)
                break;
            swap_items(&items[b++], &items[c--], 1);
        }
        uint32_t less = b - a, greater = d - c, part = RDB_MIN(a, less);
        swap_items(items, items + b - part, part);
        part = RDB_MIN(greater, count - d - 1);
        swap_items(items + b, items + count - part, part);
        sort_item *right = items + count - greater;
        bool left_is_smaller = less <= greater;
        sort_item *small = left_is_smaller ? items : right, *large = left_is_smaller ? right : items;
        uint32_t small_count = left_is_smaller ? less : greater, large_count = left_is_smaller ? greater : less;
        if (small_count > 1 && !sort_range(sorter, small, small_count, err))
            return false;
        if (large_count <= 1)
            return true;
        items = large;
        count = large_count;
    }
}

static bool sort_items(exec_sorter *sorter, uint32_t count, rdb_error *err)
{
    sorter->sorted_count = count;
    return sort_range(sorter, sorter->items, count, err);
}

/* What some of the rows at hand begin with; should others begin otherwise, prefix_of finds out. A bound's mark is compared with rows to
 * come, of which nothing is known. */
static bool find_common(exec_sorter *sorter, uint32_t count, rdb_error *err)
{
    enum { LOOKED_AT = 32 };
    bool any = false;
    sorter->common.length = 0;
    sorter->has_stranger = false;
    if ((sorter->prefix_kind != PREFIX_TEXT && sorter->prefix_kind != PREFIX_KEY) || sorter->bound != UINT64_MAX)
        return true;
    const uint32_t slot_no = sorter->keys[0].slot_no, step = count / LOOKED_AT + 1;
    for (uint32_t row = 0; row < count; row += step) {
        const rdb_vector *column = exec_store_column(&sorter->store, row, slot_no);
        const uint8_t *bytes = NULL;
        uint32_t length = 0;
        if (rdb_vector_is_null(column, EXEC_ROW_IN_CHUNK(row)))
            continue;
        if (!encode_first(sorter, column, EXEC_ROW_IN_CHUNK(row), &bytes, &length, err))
            return false;
        if (any) {
            sorter->common.length = count_common(bytes, length, sorter->common.bytes, sorter->common.length);
        } else {
            sorter->common.length = RDB_MIN(length, COMMON_BYTES_MAX);
            memcpy(sorter->common.bytes, bytes, sorter->common.length);
        }
        any = true;
    }
    return true;
}

static bool make_items(exec_sorter *sorter, rdb_error *err)
{
    enum { TRIES = 3 };
    uint32_t count = sorter->store.row_count, tries = 0;
    if (!find_common(sorter, count, err))
        return false;
    rdb_arena_reset(sorter->arena);
    sorter->items = rdb_arena_try_alloc(sorter->arena, (count + (size_t)1) * sizeof *sorter->items, err);
    if (sorter->items == NULL)
        return false;
    for (uint32_t row = 0; row < count; row++) {
        sorter->items[row].row = row;
        sorter->items[row].prefix = 0;
        if (sorter->key_count > 0 && !prefix_of(sorter, exec_store_column(&sorter->store, row, sorter->keys[0].slot_no), EXEC_ROW_IN_CHUNK(row), &sorter->items[row].prefix, err))
            return false;
        if (sorter->has_stranger) { /* prefixes made so far are of other bytes */
            sorter->has_stranger = false;
            sorter->common.length = ++tries < TRIES ? sorter->common.length : 0;
            row = UINT32_MAX;
        }
    }
    return sort_items(sorter, count, err);
}

static bool reserve_out(exec_sorter *sorter, uint32_t rows, rdb_error *err)
{
    rdb_arena *arena = sorter->x->arena;
    if (rows <= sorter->out_capacity && sorter->out != NULL)
        return true;
    if (sorter->out == NULL) {
        sorter->out = RDB_NEW_ARRAY(arena, rdb_vector *, sorter->column_count + 1);
        for (uint32_t c = 0; c < sorter->column_count; c++)
            sorter->out[c] = RDB_NEW(arena, rdb_vector);
    }
    rows = rows <= 16 ? 16 : RDB_BATCH_ROWS;
    for (uint32_t c = 0; c < sorter->column_count; c++)
        if (!rdb_vector_init(sorter->out[c], arena, (rdb_rep)sorter->reps[c], rows, err))
            return false;
    sorter->out_capacity = rows;
    return true;
}

static void gather_items(exec_sorter *sorter, uint32_t from, uint32_t count, rdb_vector **out)
{
    uint32_t ids[RDB_BATCH_ROWS];
    for (uint32_t i = 0; i < count; i++)
        ids[i] = sorter->items[from + i].row;
    for (uint32_t c = 0; c < sorter->column_count; c++)
        exec_store_gather(&sorter->store, c, ids, count, out[c]);
}

/* With a bound: only the first rows of the order stay, and the last of them is the mark that a new row has to pass. */
static bool truncate_to_bound(exec_sorter *sorter, rdb_error *err)
{
    exec_store fresh;
    uint32_t count = (uint32_t)RDB_MIN(sorter->bound, sorter->store.row_count);
    if (!make_items(sorter, err) || !reserve_out(sorter, RDB_BATCH_ROWS, err) || !exec_store_init(&fresh, sorter->x, sorter->reps, sorter->column_count, err))
        return false;
    for (uint32_t from = 0; from < count; from += RDB_BATCH_ROWS) {
        uint32_t rows = RDB_MIN(count - from, RDB_BATCH_ROWS);
        const rdb_selection all = {NULL, rows};
        gather_items(sorter, from, rows, sorter->out);
        if (!exec_store_append(&fresh, sorter->out, sorter->column_count, NULL, 0, &all, err)) {
            exec_store_deinit(&fresh);
            return false;
        }
    }
    exec_store_deinit(&sorter->store);
    sorter->store = fresh;
    sorter->has_cutoff = count > 0 && count == sorter->bound;
    sorter->cutoff_row = count - 1;
    sorter->cutoff_prefix = count > 0 ? sorter->items[count - 1].prefix : 0;
    return true;
}

static uint64_t memory_of(const exec_sorter *sorter)
{
    return rdb_arena_bytes(sorter->store.arena) + sizeof(sort_item) * (uint64_t)sorter->store.row_count;
}

/* ---- runs ------------------------------------------------------------------------------------------------------------------------ */
static bool note_extent(exec_sorter *sorter, const exec_extent *extent, rdb_error *err)
{
    if (sorter->extent_count == sorter->extent_capacity) {
        uint32_t capacity = sorter->extent_capacity ? sorter->extent_capacity * 2 : 64;
        exec_extent *extents = rdb_arena_try_alloc(sorter->x->arena, capacity * sizeof *extents, err);
        if (extents == NULL)
            return false;
        if (sorter->extent_count > 0)
            memcpy(extents, sorter->extents, sorter->extent_count * sizeof *extents);
        sorter->extents = extents;
        sorter->extent_capacity = capacity;
    }
    sorter->extents[sorter->extent_count++] = *extent;
    return true;
}

static bool note_run(exec_sorter *sorter, uint32_t first, rdb_error *err)
{
    if (sorter->run_count == sorter->run_capacity) {
        uint32_t capacity = sorter->run_capacity ? sorter->run_capacity * 2 : 16;
        sort_run *runs = rdb_arena_try_alloc(sorter->x->arena, capacity * sizeof *runs, err);
        if (runs == NULL)
            return false;
        if (sorter->run_count > 0)
            memcpy(runs, sorter->runs, sorter->run_count * sizeof *runs);
        sorter->runs = runs;
        sorter->run_capacity = capacity;
    }
    sorter->runs[sorter->run_count++] = (sort_run){first, sorter->extent_count, sorter->common};
    return true;
}

static uint32_t merge_order(const exec_sorter *sorter)
{
    uint64_t order = sorter->memory / RUN_EXTENT_BYTES;
    return (uint32_t)RDB_MAX(MERGE_ORDER_MIN, RDB_MIN(order, MERGE_ORDER_MAX));
}

static uint64_t extent_bytes(const exec_sorter *sorter)
{
    return RDB_MAX((uint64_t)4 << 10, RDB_MIN(sorter->memory / merge_order(sorter), RUN_EXTENT_BYTES * 4));
}

static bool write_extent(exec_sorter *sorter, rdb_arena *scratch, uint32_t rows, rdb_error *err)
{
    exec_extent extent = {0};
    return exec_extent_write(sorter->file, scratch, (const rdb_vector *const *)sorter->out, sorter->column_count, rows, &extent, err) && note_extent(sorter, &extent, err);
}

static bool write_run(exec_sorter *sorter, rdb_error *err)
{
    uint32_t first = sorter->extent_count;
    if (!make_items(sorter, err) || !reserve_out(sorter, RDB_BATCH_ROWS, err))
        return false;
    if (sorter->file == NULL && !rdb_work_file_open(&sorter->file, sorter->x->context.work, err))
        return false;
    rdb_arena *scratch = exec_arena(sorter->x, "extent");
    if (scratch == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    uint64_t row_bytes = rdb_arena_bytes(sorter->store.arena) / RDB_MAX(sorter->store.row_count, 1u) + 1;
    uint32_t rows_each = (uint32_t)RDB_MAX(1u, RDB_MIN(extent_bytes(sorter) / row_bytes, RDB_BATCH_ROWS));
    bool ok = true;
    uint32_t count = (uint32_t)RDB_MIN(sorter->sorted_count, sorter->bound);
    for (uint32_t from = 0; ok && from < count; from += rows_each) {
        uint32_t rows = RDB_MIN(rows_each, count - from);
        gather_items(sorter, from, rows, sorter->out);
        ok = write_extent(sorter, scratch, rows, err);
    }
    sorter->memory_bytes = RDB_MAX(sorter->memory_bytes, memory_of(sorter));
    rdb_arena_destroy(scratch);
    exec_store_clear(&sorter->store);
    sorter->has_cutoff = false;
    return ok && note_run(sorter, first, err);
}

/* ---- merging ------------------------------------------------------------------------------------------------------------------------ */
static bool load_input(exec_sorter *sorter, merge_input *input, rdb_error *err)
{
    input->at = input->rows = 0;
    if (input->next_extent == input->end_extent)
        return true;
    const exec_extent *extent = &sorter->extents[input->next_extent++];
    if (!exec_extent_read(sorter->file, extent, input->arena, sorter->reps, sorter->column_count, input->columns, err))
        return false;
    input->rows = extent->rows;
    input->prefixes = rdb_arena_try_alloc(input->arena, sizeof *input->prefixes * ((size_t)input->rows + 1), err);
    if (input->prefixes == NULL)
        return false;
    for (uint32_t row = 0; row < input->rows; row++) {
        input->prefixes[row] = 0;
        if (sorter->key_count > 0 && !prefix_of(sorter, input->columns[sorter->keys[0].slot_no], row, &input->prefixes[row], err))
            return false;
    }
    return true;
}

static bool comes_before(const exec_sorter *sorter, uint32_t left_no, uint32_t right_no)
{
    const merge_input *left = &sorter->inputs[left_no], *right = &sorter->inputs[right_no];
    if (left->rows == 0 || right->rows == 0)
        return left->rows != 0;
    uint64_t left_prefix = left->prefixes[left->at], right_prefix = right->prefixes[right->at];
    if (left_prefix != right_prefix)
        return left_prefix < right_prefix;
    int order = compare_columns(sorter, first_key_after(sorter, left_prefix), left->columns, left->at, right->columns, right->at);
    return order != 0 ? order < 0 : left_no < right_no;
}

/* The tournament of all inputs: a match is put off until its second player is known. */
static void play_all(exec_sorter *sorter)
{
    uint32_t *tree = sorter->tree;
    for (uint32_t node = 0; node < sorter->input_count; node++)
        tree[node] = UINT32_MAX;
    for (uint32_t input = 0; input < sorter->input_count; input++) {
        uint32_t winner = input;
        for (uint32_t node = (input + sorter->input_count) / 2; node > 0 && winner != UINT32_MAX; node /= 2) {
            const uint32_t other = tree[node];
            if (other == UINT32_MAX || comes_before(sorter, other, winner)) {
                tree[node] = winner;
                winner = other;
            }
        }
        if (winner != UINT32_MAX)
            tree[0] = winner;
    }
}

/* The matches of the input that won, with its next row. */
static inline void play_again(exec_sorter *sorter)
{
    uint32_t *tree = sorter->tree, winner = tree[0];
    for (uint32_t node = (winner + sorter->input_count) / 2; node > 0; node /= 2) {
        const uint32_t other = tree[node];
        if (comes_before(sorter, other, winner)) {
            tree[node] = winner;
            winner = other;
        }
    }
    tree[0] = winner;
}

static void close_inputs(exec_sorter *sorter)
{
    for (uint32_t i = 0; sorter->inputs != NULL && i < merge_order(sorter); i++)
        rdb_arena_destroy(sorter->inputs[i].arena);
    sorter->inputs = NULL;
    sorter->input_count = 0;
}

static bool begin_merge(exec_sorter *sorter, uint32_t first_run, uint32_t count, rdb_error *err)
{
    close_inputs(sorter);
    rdb_arena_reset(sorter->merge_arena);
    sorter->inputs = RDB_NEW_ARRAY(sorter->merge_arena, merge_input, merge_order(sorter));
    sorter->tree = RDB_NEW_ARRAY(sorter->merge_arena, uint32_t, count);
    sorter->bases = RDB_NEW_ARRAY(sorter->merge_arena, const void *, count);
    sorter->picked = RDB_NEW_ARRAY(sorter->merge_arena, uint32_t, RDB_BATCH_ROWS);
    sorter->picked_rows = RDB_NEW_ARRAY(sorter->merge_arena, uint32_t, RDB_BATCH_ROWS);
    sorter->common = sorter->runs[first_run].common;
    for (uint32_t i = 1; i < count; i++) {
        const common_start *common = &sorter->runs[first_run + i].common;
        sorter->common.length = count_common(sorter->common.bytes, sorter->common.length, common->bytes, common->length);
    }
    for (uint32_t i = 0; i < count; i++) {
        merge_input *input = &sorter->inputs[i];
        input->arena = exec_arena(sorter->x, "run");
        if (input->arena == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        input->next_extent = sorter->runs[first_run + i].first;
        input->end_extent = sorter->runs[first_run + i].end;
        input->columns = RDB_NEW_ARRAY(sorter->merge_arena, rdb_vector *, sorter->column_count + 1);
        for (uint32_t c = 0; c < sorter->column_count; c++)
            input->columns[c] = RDB_NEW(sorter->merge_arena, rdb_vector);
        if (!load_input(sorter, input, err))
            return false;
    }
    sorter->input_count = count;
    play_all(sorter);
    return true;
}

/* Column by column, so that what a value looks like is asked once for all of them. */
static void gather_picked(const exec_sorter *sorter, uint32_t column, uint32_t count)
{
    rdb_vector *target = sorter->out[column];
    const uint32_t *picked = sorter->picked, *rows = sorter->picked_rows;
    const void **bases = sorter->bases;
    bool has_nulls = false;
    for (uint32_t i = 0; i < sorter->input_count; i++) {
        bases[i] = sorter->inputs[i].columns[column]->values;
        has_nulls = has_nulls || (sorter->inputs[i].rows > 0 && sorter->inputs[i].columns[column]->nulls != NULL);
    }
    rdb_vector_clear_nulls(target);
#define GATHER(type)                                                                 \
    for (uint32_t i = 0; i < count; i++)                                             \
        ((type *)target->values)[i] = ((const type *)bases[picked[i]])[rows[i]];
    EXEC_BY_WIDTH(target->rep, GATHER)
#undef GATHER
    for (uint32_t i = 0; has_nulls && i < count; i++)
        if (rdb_vector_is_null(sorter->inputs[picked[i]].columns[column], rows[i]))
            rdb_vector_set_null(target, i);
}

/* Up to limit rows into out, a batch at most. Bytes belong to the inputs, so a batch ends where the next row needs another extent. */
static bool merge_rows(exec_sorter *sorter, uint32_t limit, uint32_t *made, rdb_error *err)
{
    uint32_t count = 0;
    *made = 0;
    while (count < limit) {
        merge_input *input = &sorter->inputs[sorter->tree[0]];
        if (input->at == input->rows) {
            if (count > 0 || input->rows == 0)
                break;
            if (!load_input(sorter, input, err))
                return false;
            play_again(sorter);
            continue;
        }
        sorter->picked[count] = sorter->tree[0];
        sorter->picked_rows[count++] = input->at++;
        if (input->at < input->rows)
            play_again(sorter);
    }
    for (uint32_t c = 0; c < sorter->column_count; c++)
        gather_picked(sorter, c, count);
    *made = count;
    return true;
}

/* Merges runs in groups into another file until one merge is left. */
static bool merge_levels(exec_sorter *sorter, rdb_error *err)
{
    uint32_t order = merge_order(sorter);
    while (sorter->run_count > order) {
        rdb_work_file *source = sorter->file, *target = NULL;
        exec_extent *old_extents = sorter->extents, *new_extents = NULL;
        uint32_t old_runs = sorter->run_count, new_count = 0, new_capacity = 0, new_run = 0;
        bool ok = rdb_work_file_open(&target, sorter->x->context.work, err);
        rdb_arena *scratch = exec_arena(sorter->x, "extent");
        ok = ok && (scratch != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory"));
        for (uint32_t first = 0; ok && first < old_runs; first += order) {
            uint32_t start = new_count;
            ok = begin_merge(sorter, first, RDB_MIN(order, old_runs - first), err);
            for (uint32_t made = 1; ok && made > 0;) {
                exec_extent extent = {0};
                ok = rdb_cancel_check(sorter->x->context.cancel, err) && merge_rows(sorter, RDB_BATCH_ROWS, &made, err);
                if (!ok || made == 0)
                    break;
                ok = exec_extent_write(target, scratch, (const rdb_vector *const *)sorter->out, sorter->column_count, made, &extent, err);
                if (ok && new_count == new_capacity) {
                    uint32_t capacity = new_capacity ? new_capacity * 2 : 64;
                    exec_extent *grown = rdb_arena_try_alloc(sorter->x->arena, capacity * sizeof *grown, err);
                    ok = grown != NULL;
                    if (ok && new_count > 0)
                        memcpy(grown, new_extents, new_count * sizeof *grown);
                    new_extents = ok ? grown : new_extents;
                    new_capacity = capacity;
                }
                if (ok)
                    new_extents[new_count++] = extent;
            }
            sorter->runs[new_run++] = (sort_run){start, new_count, sorter->common};
        }
        rdb_arena_destroy(scratch);
        close_inputs(sorter);
        if (!ok) {
            rdb_work_file_close(&target);
            sorter->extents = old_extents;
            return false;
        }
        sorter->disk_bytes = RDB_MAX(sorter->disk_bytes, rdb_work_file_bytes(source) + rdb_work_file_bytes(target));
        rdb_work_file_close(&source);
        sorter->file = target;
        sorter->extents = new_extents;
        sorter->extent_count = new_count;
        sorter->extent_capacity = new_capacity;
        sorter->run_count = new_run;
    }
    return begin_merge(sorter, 0, sorter->run_count, err);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------ */
bool exec_sorter_open(exec_sorter **out, rdb_execution *x, const uint8_t *reps, uint32_t column_count, const rdb_plan_key *keys, uint32_t key_count, rdb_error *err)
{
    exec_sorter *sorter = RDB_NEW(x->arena, exec_sorter);
    *out = sorter;
    sorter->x = x;
    sorter->reps = reps;
    sorter->column_count = column_count;
    sorter->keys = keys;
    sorter->key_count = key_count;
    sorter->bound = UINT64_MAX;
    sorter->prefix_kind = key_count > 0 ? kind_of_prefix(keys[0].type, keys[0].collation) : (uint8_t)PREFIX_NONE;
    sorter->prefix_is_exact = sorter->prefix_kind != PREFIX_NONE && sorter->prefix_kind < PREFIX_NUMERIC;
    sorter->arena = exec_arena(x, "sort");
    sorter->merge_arena = exec_arena(x, "merge");
    sorter->key_arena = exec_arena(x, "sort key");
    if (sorter->arena == NULL || sorter->merge_arena == NULL || sorter->key_arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&sorter->key, sorter->key_arena);
    return exec_store_init(&sorter->store, x, reps, column_count, err);
}

void exec_sorter_close(exec_sorter **out)
{
    exec_sorter *sorter = *out;
    *out = NULL;
    if (sorter == NULL)
        return;
    close_inputs(sorter);
    exec_store_deinit(&sorter->store);
    rdb_arena_destroy(sorter->arena);
    rdb_arena_destroy(sorter->merge_arena);
    rdb_arena_destroy(sorter->key_arena);
    rdb_work_file_close(&sorter->file);
}

void exec_sorter_clear(exec_sorter *sorter)
{
    close_inputs(sorter);
    exec_store_clear(&sorter->store);
    rdb_arena_reset(sorter->arena);
    rdb_work_file_close(&sorter->file);
    sorter->items = NULL;
    sorter->sorted_count = sorter->next_item = sorter->extent_count = sorter->run_count = 0;
    sorter->is_finished = sorter->has_cutoff = sorter->was_bounded = false;
    sorter->row_count = sorter->disk_bytes = sorter->memory_bytes = 0;
    sorter->memory = exec_sort_memory(sorter->x);
}

void exec_sorter_set_bound(exec_sorter *sorter, uint64_t bound)
{
    sorter->bound = bound;
}

/* Leaves only the rows that come before the worst one kept. */
static bool drop_hopeless(exec_sorter *sorter, rdb_vector *const *columns, const rdb_selection *selection, uint32_t *rows, uint32_t *kept, rdb_error *err)
{
    *kept = 0;
    if (sorter->key_count == 0)
        return true;
    const uint32_t cutoff = sorter->cutoff_row;
    RDB_FOR_SELECTED (selection, row) {
        uint64_t prefix;
        if (!prefix_of(sorter, columns[sorter->keys[0].slot_no], row, &prefix, err))
            return false;
        int order = prefix < sorter->cutoff_prefix ? -1 : prefix > sorter->cutoff_prefix;
        for (uint32_t i = first_key_after(sorter, prefix); order == 0 && i < sorter->key_count; i++) {
            const rdb_plan_key *key = &sorter->keys[i];
            order = exec_values_compare(key, columns[key->slot_no], row, exec_store_column(&sorter->store, cutoff, key->slot_no), EXEC_ROW_IN_CHUNK(cutoff));
        }
        rows[*kept] = row;
        *kept += order < 0;
    }
    return true;
}

bool exec_sorter_put(exec_sorter *sorter, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, rdb_error *err)
{
    uint32_t rows[RDB_BATCH_ROWS];
    rdb_selection wanted = *selection;
    sorter->row_count += selection->count;
    if (sorter->has_cutoff && more_count == 0 && selection->count <= RDB_BATCH_ROWS) {
        uint32_t kept = 0;
        if (!drop_hopeless(sorter, columns, selection, rows, &kept, err))
            return false;
        wanted = (rdb_selection){rows, kept};
    }
    if (wanted.count == 0)
        return true;
    if (!exec_store_append(&sorter->store, columns, count, more, more_count, &wanted, err))
        return false;
    if (sorter->bound < UINT32_MAX / 2 && sorter->store.row_count > 2 * sorter->bound + RDB_BATCH_ROWS && sorter->run_count == 0) {
        sorter->was_bounded = true;
        if (!truncate_to_bound(sorter, err))
            return false;
    }
    return memory_of(sorter) <= sorter->memory || sorter->store.row_count < 16 || write_run(sorter, err);
}

bool exec_sorter_finish(exec_sorter *sorter, rdb_error *err)
{
    sorter->is_finished = true;
    sorter->next_item = 0;
    if (sorter->run_count == 0) {
        if (!make_items(sorter, err))
            return false;
        sorter->sorted_count = (uint32_t)RDB_MIN(sorter->sorted_count, sorter->bound);
        sorter->memory_bytes = RDB_MAX(sorter->memory_bytes, rdb_arena_bytes(sorter->store.arena) + rdb_arena_bytes(sorter->arena));
        return true;
    }
    if (sorter->store.row_count > 0 && !write_run(sorter, err))
        return false;
    rdb_arena_reset(sorter->arena);
    sorter->items = NULL;
    sorter->disk_bytes = RDB_MAX(sorter->disk_bytes, rdb_work_file_bytes(sorter->file));
    return merge_levels(sorter, err);
}

bool exec_sorter_next(exec_sorter *sorter, uint32_t budget, rdb_batch *batch, rdb_error *err)
{
    uint32_t rows = RDB_MIN(budget, RDB_BATCH_ROWS);
    if (sorter->run_count == 0)
        rows = RDB_MIN(rows, sorter->sorted_count - sorter->next_item);
    if (!reserve_out(sorter, rows, err))
        return false;
    if (sorter->run_count == 0)
        gather_items(sorter, sorter->next_item, rows, sorter->out);
    else if (!merge_rows(sorter, rows, &rows, err))
        return false;
    sorter->next_item += sorter->run_count == 0 ? rows : 0;
    *batch = (rdb_batch){.columns = sorter->out, .column_count = sorter->column_count, .row_count = rows, .selection = {NULL, rows}};
    return true;
}

bool exec_sorter_can_rewind(const exec_sorter *sorter)
{
    return sorter->is_finished && sorter->run_count == 0;
}

void exec_sorter_rewind(exec_sorter *sorter)
{
    sorter->next_item = 0;
}

void exec_sorter_report(const exec_sorter *sorter, rdb_node_statistics *statistics)
{
    statistics->memory_bytes = RDB_MAX(statistics->memory_bytes, sorter->memory_bytes);
    statistics->disk_bytes = RDB_MAX(statistics->disk_bytes, sorter->disk_bytes);
    statistics->method = sorter->run_count > 0 ? "external merge" : sorter->was_bounded || sorter->bound < sorter->row_count ? "top-N heapsort" : "quicksort";
}
