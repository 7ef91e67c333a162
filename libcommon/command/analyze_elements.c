/* SPDX-License-Identifier: Apache-2.0
 * ANALYZE of arrays: which elements are common in the column's values, and how many different ones a value has. PostgreSQL counts
 * elements of a stream and forgets rare ones on the way (Manku and Motwani, "Approximate frequency counts over data streams", 2002); the
 * sample lies in memory, so all are counted here, and those are kept that its error bounds would keep. */
#include "command/analyze.h"

#include <stdlib.h>

enum { ELEMENTS_A_TARGET = 10, WIDE_ARRAY_BYTES = 0x10000 }; /* wider arrays are not looked into */

typedef struct element_run { /* equal elements of different values */
    rdb_datum value;
    uint32_t count;
} element_run;

typedef struct element_count {
    rdb_datum value;
    uint32_t array_no;
} element_count;

typedef struct element_order {
    const rdb_type *type;
    uint32_t collation;
} element_order;

static int by_element(const void *left, const void *right, void *order_at)
{
    const element_order *order = order_at;
    const element_count *a = left, *b = right;
    const int result = order->type->ops->compare(order->type, order->collation, a->value, b->value);
    return result != 0 ? result : a->array_no < b->array_no ? -1 : a->array_no > b->array_no;
}

static int by_run_count(const void *left, const void *right)
{
    const element_run *a = left, *b = right;
    return a->count < b->count ? 1 : a->count > b->count ? -1 : 0;
}

static int by_run_value(const void *left, const void *right, void *order_at)
{
    const element_order *order = order_at;
    return order->type->ops->compare(order->type, order->collation, ((const element_run *)left)->value, ((const element_run *)right)->value);
}

static int by_number(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

/* Numbers of different elements, from the least to the greatest, in steps of equally many values, and their mean behind them. */
static void keep_counts(uint32_t *counts, uint32_t array_count, double element_total, uint32_t target, rdb_arena *arena, rdb_statistics *statistics)
{
    const uint32_t bounds = RDB_MAX(target, 2u);
    float *numbers = RDB_NEW_ARRAY(arena, float, bounds + 1);
    qsort(counts, array_count, sizeof *counts, by_number);
    for (uint32_t i = 0; i < bounds; i++)
        numbers[i] = (float)counts[(uint64_t)i * (array_count - 1) / (bounds - 1)];
    numbers[bounds] = (float)(element_total / array_count);
    statistics->element_counts = numbers;
    statistics->element_counts_count = bounds + 1;
}

static void keep_elements(element_run *runs, uint32_t run_count, double element_total, uint32_t array_count, uint32_t null_count, uint32_t target, const element_order *order,
                          rdb_arena *arena, rdb_statistics *statistics)
{
    const uint32_t wanted = target * ELEMENTS_A_TARGET;
    const double bucket = wanted * 1000.0 / 7, cutoff = 9 * element_total / bucket;
    uint32_t kept = 0, least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < run_count; i++)
        if (runs[i].count > (uint64_t)cutoff) {
            runs[kept++] = runs[i];
            least = RDB_MIN(least, runs[i].count);
            most = RDB_MAX(most, runs[i].count);
        }
    if (kept > wanted) {
        qsort(runs, kept, sizeof *runs, by_run_count);
        kept = wanted;
        least = runs[kept - 1].count;
        qsort_r(runs, kept, sizeof *runs, by_run_value, (void *)(uintptr_t)order);
    }
    if (kept == 0)
        return;
    rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, kept);
    float *fractions = RDB_NEW_ARRAY(arena, float, kept + RDB_ELEMENT_FRACTIONS_MORE);
    for (uint32_t i = 0; i < kept; i++) {
        values[i] = runs[i].value;
        fractions[i] = (float)((double)runs[i].count / array_count);
    }
    fractions[kept] = (float)((double)least / array_count);
    fractions[kept + 1] = (float)((double)most / array_count);
    fractions[kept + 2] = (float)((double)null_count / array_count);
    statistics->element_count = kept;
    statistics->elements = values;
    statistics->element_fractions = fractions;
}

bool sample_examine_elements(const sample *s, const sample_column *column, const rdb_type *element, uint32_t target, rdb_arena *arena, rdb_statistics *statistics, rdb_error *err)
{
    const element_order order = {element, column->collation};
    uint64_t room = 0;
    uint32_t array_count = 0, null_count = 0, run_count = 0;
    size_t item_count = 0;
    rdb_array_shape shape;
    for (uint32_t i = 0; i < s->count; i++) {
        if (column->is_null[i] || column->values[i].bytes.length > WIDE_ARRAY_BYTES)
            continue;
        rdb_array_get_shape(column->values[i], &shape);
        room += shape.count;
        array_count++;
    }
    if (array_count == 0)
        return true;
    element_count *items = rdb_arena_try_alloc(arena, (room + 1) * sizeof *items, err);
    uint32_t *counts = rdb_arena_try_alloc(arena, array_count * sizeof *counts, err);
    element_run *runs = items != NULL && counts != NULL ? rdb_arena_try_alloc(arena, (room + 1) * sizeof *runs, err) : NULL;
    if (runs == NULL)
        return false;
    for (uint32_t i = 0, array_no = 0; i < s->count; i++) {
        bool has_null = false;
        if (column->is_null[i] || column->values[i].bytes.length > WIDE_ARRAY_BYTES)
            continue;
        rdb_array_get_shape(column->values[i], &shape);
        for (uint32_t k = 0; k < shape.count; k++) {
            if (rdb_array_get(column->values[i], k, &items[item_count].value))
                items[item_count++].array_no = array_no;
            else
                has_null = true;
        }
        null_count += has_null;
        counts[array_no++] = 0;
    }
    qsort_r(items, item_count, sizeof *items, by_element, (void *)(uintptr_t)&order);
    double element_total = 0; /* of each array's different ones */
    for (size_t i = 0; i < item_count; i++) {
        const bool is_same = i > 0 && element->ops->compare(element, order.collation, items[i - 1].value, items[i].value) == 0;
        if (is_same && items[i - 1].array_no == items[i].array_no)
            continue;
        if (!is_same)
            runs[run_count++] = (element_run){items[i].value, 0};
        runs[run_count - 1].count++;
        counts[items[i].array_no]++;
        element_total++;
    }
    keep_elements(runs, run_count, element_total, array_count, null_count, target, &order, arena, statistics);
    keep_counts(counts, array_count, element_total, target, arena, statistics);
    return rdb_arena_check(arena, err);
}
