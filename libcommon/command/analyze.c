/* SPDX-License-Identifier: Apache-2.0
 * ANALYZE: a sample of a table's rows, and from it what pg_statistic says of each column.
 *
 * So many blocks are drawn as rows are wanted, and of the rows that stand in them a reservoir is kept (Li, "Reservoir-sampling
 * algorithms of time complexity O(n(1+log(N/n)))", 1994), so that every row is as likely in it as any other. Three hundred
 * rows for each part of a histogram keep its error small (Chaudhuri, Motwani, Narasayya, "Random sampling for histogram
 * construction: how much is enough?", 1998). Distinct values of the whole are estimated from those of the sample by Haas and
 * Stokes's first estimator ("Sampling-based estimation of the number of distinct values of an attribute", 1995 and 1998). It takes rows for
 * independent of each other, which rows of one page are not where equal values stand together; of a column that is in order the estimate
 * comes from how near to each other sampled rows stand that are equal. */
#include "command/analyze.h"
#include "sql/rdb_partition.h"
#include "task/rdb_report.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS_A_PART = 300, ROWS_MIN = 100 };

#define PAGES_A_ROW 4u /* of 4 KiB */

/* ---- the sample ------------------------------------------------------------------------------------------------------------ */
static double draw(sample *s) /* between 0 and 1, neither included (splitmix64) */
{
    uint64_t z = s->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

static void choose_next(sample *s)
{
    s->weight *= exp(log(draw(s)) / s->wanted);
    s->skip_until = s->met + floor(log(draw(s)) / log1p(-s->weight)) + 1;
}

static bool keep_row(sample *s, rdb_vector *const *vectors, uint32_t row, rdb_row_address address, uint32_t at, rdb_error *err)
{
    for (uint16_t i = 0; i < s->column_count; i++) {
        const size_t place = (size_t)at * s->column_count + i;
        s->is_null[place] = rdb_vector_is_null(vectors[i], row);
        if (!s->is_null[place] && !rdb_datum_copy(s->arena, (rdb_rep)vectors[i]->rep, rdb_vector_get(vectors[i], row), &s->values[place], err))
            return false;
    }
    s->addresses[at] = s->source_no << 48 | (address & ((UINT64_C(1) << 48) - 1)); /* their order is that of the rows, table after table */
    return true;
}

static bool take_batch(sample *s, rdb_vector *const *vectors, const rdb_row_address *addresses, uint32_t count, rdb_error *err)
{
    for (uint32_t row = 0; row < count; row++) {
        s->met++;
        if (s->count < s->wanted) {
            if (!keep_row(s, vectors, row, addresses[row], s->count++, err))
                return false;
            if (s->count == s->wanted)
                choose_next(s);
        } else if (s->met >= s->skip_until) {
            if (!keep_row(s, vectors, row, addresses[row], RDB_MIN((uint32_t)(draw(s) * s->wanted), s->wanted - 1), err))
                return false;
            choose_next(s);
        }
    }
    return true;
}

typedef struct sample_reader {
    rdb_command_context *context;
    rdb_snapshot snapshot;
    rdb_vector *vectors, **vector_list;
    rdb_row_address *addresses;
    rdb_arena *scan_arena, *batch_arena;
} sample_reader;

static bool read_blocks(sample *s, sample_reader *r, uint64_t first, uint64_t count, rdb_error *err)
{
    rdb_table_scan *scan = NULL;
    rdb_arena_reset(r->scan_arena);
    bool ok = rdb_cancel_check(r->context->cancel, err) &&
              rdb_table_scan_open(&scan, &s->source->table, r->context->txn, &r->snapshot, s->source_columns, s->column_count, first, count, r->scan_arena, err);
    for (uint32_t rows = 1; ok && rows > 0;) {
        rdb_arena_reset(r->batch_arena);
        for (uint16_t i = 0; i < s->column_count; i++)
            rdb_vector_clear_nulls(&r->vectors[i]);
        ok = rdb_cancel_check(r->context->cancel, err) && rdb_table_scan_next(scan, RDB_BATCH_ROWS, r->batch_arena, r->vector_list, r->addresses, NULL, &rows, err) &&
             take_batch(s, r->vector_list, r->addresses, rows, err);
    }
    rdb_table_scan_close(&scan);
    s->blocks_read += (double)count;
    rdb_report_add(3, (int64_t)count);
    return ok;
}

static bool read_all_blocks(sample *s, sample_reader *r, uint64_t blocks, rdb_error *err)
{
    enum { RUN = 512 }; /* that its progress can be told */
    bool ok = true;
    rdb_report_add(2, (int64_t)blocks);
    for (uint64_t first = 0; ok && first < blocks; first += RUN)
        ok = read_blocks(s, r, first, RDB_MIN(blocks - first, (uint64_t)RUN), err);
    return ok;
}

/* Blocks one after the other, each with the probability that leaves the wanted number at the end (Knuth's algorithm S). */
static bool read_some_blocks(sample *s, sample_reader *r, uint64_t blocks, uint64_t wanted, rdb_error *err)
{
    uint64_t left = wanted, run_first = 0, run_count = 0;
    rdb_report_add(2, (int64_t)RDB_MIN(wanted, blocks));
    bool ok = true;
    for (uint64_t block = 0; ok && block <= blocks; block++) {
        const bool is_chosen = block < blocks && left > 0 && draw(s) * (double)(blocks - block) < (double)left;
        if (is_chosen && run_count++ == 0)
            run_first = block;
        if (is_chosen)
            left--;
        else if (run_count > 0) {
            ok = read_blocks(s, r, run_first, run_count, err);
            run_count = 0;
        }
    }
    return ok;
}

static int by_address(const void *left, const void *right, void *sample_at)
{
    const sample *s = sample_at;
    const rdb_row_address a = s->addresses[*(const uint32_t *)left], b = s->addresses[*(const uint32_t *)right];
    return a < b ? -1 : a > b;
}

/* sources: const rdb_relation *, the tables whose rows count as the relation's. */
static bool take_sample(sample *s, rdb_command_context *context, const rdb_list *sources, rdb_error *err)
{
    sample_reader r = {.context = context};
    uint64_t blocks = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < sources->count; i++) {
        uint64_t own = 0;
        ok = rdb_table_block_count(&((const rdb_relation *)sources->items[i])->table, &own, err);
        blocks += own;
    }
    rdb_txn_latest_snapshot(context->txn, &r.snapshot);
    r.scan_arena = rdb_arena_create("analyze scan", NULL, NULL);
    r.batch_arena = rdb_arena_create("analyze batch", NULL, NULL);
    const size_t cells = (size_t)s->wanted * s->column_count + 1;
    s->values = rdb_arena_try_alloc(s->arena, cells * sizeof *s->values, err);
    s->is_null = rdb_arena_try_alloc(s->arena, cells * sizeof *s->is_null, err);
    s->addresses = rdb_arena_try_alloc(s->arena, ((size_t)s->wanted + 1) * sizeof *s->addresses, err);
    s->order = rdb_arena_try_alloc(s->arena, ((size_t)s->wanted + 1) * sizeof *s->order, err);
    r.vectors = RDB_NEW_ARRAY(s->arena, rdb_vector, s->column_count + 1u);
    r.vector_list = RDB_NEW_ARRAY(s->arena, rdb_vector *, s->column_count + 1u);
    r.addresses = RDB_NEW_ARRAY(s->arena, rdb_row_address, RDB_BATCH_ROWS);
    ok = ok && s->values != NULL && s->is_null != NULL && s->addresses != NULL && s->order != NULL;
    if (r.scan_arena == NULL || r.batch_arena == NULL)
        ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint16_t i = 0; ok && i < s->column_count; i++) {
        r.vector_list[i] = &r.vectors[i];
        ok = rdb_vector_init(&r.vectors[i], s->arena, (rdb_rep)s->relation->columns[s->columns[i] - 1].type->rep, RDB_BATCH_ROWS, err);
    }
    s->blocks = (double)blocks;
    s->weight = 1;
    /* Rows of a page often have values in common. The fewer pages the sample comes from, the more of its rows share one, and the fewer
     * values the table seems to have: so a few small pages for each row. */
    const uint32_t page_bytes = sources->count > 0 ? rdb_storage_page_bytes(((const rdb_relation *)sources->items[0])->table.storage) : 4096;
    const uint64_t wanted_blocks = (uint64_t)s->wanted * RDB_MAX(1u, PAGES_A_ROW * 4096u / page_bytes);
    for (uint32_t i = 0; ok && i < sources->count; i++) {
        uint64_t own = 0;
        int16_t *map = NULL, *numbers = RDB_NEW_ARRAY(s->arena, int16_t, s->column_count + 1u);
        s->source = sources->items[i];
        s->source_columns = numbers;
        s->source_no = i;
        ok = (s->source == s->relation || rdb_inheritance_map(s->arena, s->relation, s->source, &map, err)) && rdb_table_block_count(&s->source->table, &own, err);
        for (uint16_t k = 0; ok && k < s->column_count; k++)
            numbers[k] = map != NULL ? map[s->columns[k] - 1] : s->columns[k];
        if (ok && own > 0) /* as large a part of each table as of all */
            ok = blocks <= wanted_blocks ? read_all_blocks(s, &r, own, err) : read_some_blocks(s, &r, own, (uint64_t)((double)wanted_blocks * (double)own / (double)blocks) + 1, err);
    }
    rdb_arena_destroy(r.scan_arena);
    rdb_arena_destroy(r.batch_arena);
    if (!ok)
        return false;
    s->rows_total = s->blocks_read > 0 ? floor(s->met / s->blocks_read * s->blocks + 0.5) : 0;
    for (uint32_t i = 0; i < s->count; i++)
        s->order[i] = i;
    qsort_r(s->order, s->count, sizeof *s->order, by_address, s);
    return true;
}

/* ---- one column ---------------------------------------------------------------------------------------------------------------- */
typedef struct column_value {
    rdb_datum value;
    uint32_t row; /* by its place in the table */
} column_value;
typedef struct value_run { /* equal values, one after the other when sorted */
    uint32_t first, count;
} value_run;

static int by_value(const void *left, const void *right, void *column_at)
{
    const sample_column *column = column_at;
    const column_value *a = left, *b = right;
    int order = column->type->ops->compare(column->type, column->collation, a->value, b->value);
    return order != 0 ? order : a->row < b->row ? -1 : 1;
}

static int by_count(const void *left, const void *right)
{
    const value_run *a = left, *b = right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : a->first < b->first ? -1 : a->first > b->first;
}

/* As PostgreSQL stores it: short values have a length of one byte, others of four. */
static double stored_bytes(const rdb_type *type, rdb_datum value)
{
    if (type->rep != RDB_REP_BYTES || type->typlen > 0)
        return type->typlen > 0 ? (double)type->typlen : (double)rdb_rep_width((rdb_rep)type->rep);
    return value.bytes.length + (value.bytes.length < 127 ? 1.0 : 4.0);
}

/* Distinct values of all rows. distinct: those met; repeated: how many of them more than once; wide: values too wide to look at,
 * taken to be all different. */
static double estimate_distinct(double distinct, double repeated, double wide, double non_null, double total_rows, double null_fraction)
{
    if (repeated == 0)
        return -(1 - null_fraction); /* every value once: they will go on like this */
    if (wide == 0 && repeated == distinct)
        return distinct; /* every value more than once: there is hardly another one */
    const double once = distinct - repeated + wide, met = once + repeated, all = total_rows * (1 - null_fraction);
    double estimate = all > 0 ? non_null * met / ((non_null - once) + once * non_null / all) : 0;
    estimate = estimate < met ? met : estimate > all ? all : estimate;
    return floor(estimate + 0.5);
}

typedef struct column_work {
    const sample *s;
    rdb_arena *arena;
    const sample_column *column;
    column_value *values;       /* sorted */
    uint32_t value_count;       /* of them; neither null nor too wide */
    value_run *runs;            /* of values met more than once, most common ones first */
    uint32_t run_count, distinct;
    uint32_t target;
    rdb_statistics *statistics;
} column_work;

/* The length at which so many of the pairs, those within reach, are likely to be equal; 0: they do not tell, as none is or all are. */
static double likely_length(const sample_pair *pairs, uint32_t count, double reach, double longest)
{
    uint32_t equal = 0, near = 0;
    for (uint32_t i = 0; i < count; i++)
        if (pairs[i].gap <= reach) {
            near++;
            equal += pairs[i].is_equal;
        }
    if (equal == 0 || equal == near)
        return 0;
    double low = 1, high = longest;
    while (high / low > 1.0001) {
        const double length = sqrt(low * high);
        double expected = 0;
        for (uint32_t i = 0; i < count; i++)
            if (pairs[i].gap <= reach && pairs[i].gap < length)
                expected += 1 - pairs[i].gap / length;
        if (expected < equal)
            low = length;
        else
            high = length;
    }
    return low;
}

double sample_run_length(const sample_pair *pairs, uint32_t count, double longest)
{
    const double length = likely_length(pairs, count, HUGE_VAL, longest);
    /* Long runs make far pairs equal, but not near ones: those tell of short runs too. */
    const double nearer = length > 0 ? likely_length(pairs, count, RDB_MAX(length / 2, 1.0), longest) : 0;
    return nearer > 0 ? nearer : length;
}

/* Distinct values of so many rows, of a table of which some blocks were read, if the column is in order, up or down. 0: it is not. */
static double estimate_in_order(const column_work *w, double rows)
{
    const sample *s = w->s;
    const sample_column *column = w->column;
    if (s->blocks_read >= s->blocks || s->source_no > 0)
        return 0;
    sample_pair *pairs = RDB_NEW_ARRAY(w->arena, sample_pair, s->count + 1u);
    const double block_rows = s->met / s->blocks_read;
    uint32_t count = 0, before = UINT32_MAX;
    bool rises = false, falls = false;
    for (uint32_t i = 0; i < s->count && !(rises && falls); i++) {
        if (column->is_null[i])
            continue;
        if (before != UINT32_MAX) {
            const uint64_t from = s->addresses[s->order[before]], to = s->addresses[s->order[i]];
            const double gap = (double)((to >> 16) - (from >> 16)) * block_rows + ((double)(to & 0xFFFF) - (double)(from & 0xFFFF));
            const int order = column->type->ops->compare(column->type, column->collation, column->values[before], column->values[i]);
            rises = rises || order < 0;
            falls = falls || order > 0;
            pairs[count++] = (sample_pair){RDB_MAX(gap, 1.0), order == 0};
        }
        before = i;
    }
    const double length = rises && falls ? 0 : sample_run_length(pairs, count, rows);
    return length > 0 ? floor(RDB_MAX(rows / length, (double)w->distinct) + 0.5) : 0;
}

/* How many of the counts, which descend, are surely above what any other value has: two standard deviations of the
 * hypergeometric distribution above the mean of those that would be left. */
static uint32_t common_enough(const value_run *runs, uint32_t count, double distinct, double null_fraction, double rows, double total_rows)
{
    if (rows == total_rows || total_rows <= 1)
        return count;
    double sum = 0;
    for (uint32_t i = 0; i + 1 < count; i++)
        sum += runs[i].count;
    while (count > 0) {
        double share = 1 - sum / rows - null_fraction, others = distinct - (count - 1.0);
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        if (others > 1)
            share /= others;
        const double scaled = total_rows * runs[count - 1].count / rows;
        const double variance = rows * scaled * (total_rows - scaled) * (total_rows - rows) / (total_rows * total_rows * (total_rows - 1));
        if (runs[count - 1].count > share * rows + 2 * sqrt(variance) + 0.5)
            break;
        if (--count > 0)
            sum -= runs[count - 1].count;
    }
    return count;
}

static void find_runs(column_work *w)
{
    const sample_column *column = w->column;
    w->runs = RDB_NEW_ARRAY(w->arena, value_run, w->value_count / 2 + 1);
    for (uint32_t first = 0, next; first < w->value_count; first = next) {
        for (next = first + 1; next < w->value_count && column->type->ops->compare(column->type, column->collation, w->values[first].value, w->values[next].value) == 0;)
            next++;
        w->distinct++;
        if (next - first > 1)
            w->runs[w->run_count++] = (value_run){first, next - first};
    }
    qsort(w->runs, w->run_count, sizeof *w->runs, by_count);
}

static void keep_common(column_work *w, uint32_t wide)
{
    rdb_statistics *statistics = w->statistics;
    const double total = w->s->rows_total, rows = w->s->count;
    uint32_t count = RDB_MIN(w->run_count, w->target);
    const bool is_all = w->run_count == w->distinct && wide == 0 && statistics->distinct > 0 && w->run_count <= w->target;
    if (!is_all && count > 0)
        count = common_enough(w->runs, count, statistics->distinct < 0 ? -statistics->distinct * total : statistics->distinct, statistics->null_fraction, rows, total);
    rdb_datum *values = RDB_NEW_ARRAY(w->arena, rdb_datum, count + 1);
    float *fractions = RDB_NEW_ARRAY(w->arena, float, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = w->values[w->runs[i].first].value;
        fractions[i] = (float)(w->runs[i].count / rows);
    }
    statistics->common_count = count;
    statistics->common_values = values;
    statistics->common_fractions = fractions;
}

/* Bounds that part the values which are not among the common ones into parts of one size. */
static void keep_bounds(column_work *w)
{
    rdb_statistics *statistics = w->statistics;
    const uint32_t parts = RDB_MIN(w->distinct - statistics->common_count, w->target + 1);
    if (parts < 2)
        return;
    bool *is_common = RDB_NEW_ARRAY(w->arena, bool, w->value_count);
    for (uint32_t i = 0; i < statistics->common_count; i++)
        memset(is_common + w->runs[i].first, 1, w->runs[i].count);
    rdb_datum *rest = RDB_NEW_ARRAY(w->arena, rdb_datum, w->value_count), *bounds = RDB_NEW_ARRAY(w->arena, rdb_datum, parts);
    uint64_t count = 0;
    for (uint32_t i = 0; i < w->value_count; i++)
        if (!is_common[i])
            rest[count++] = w->values[i].value;
    for (uint32_t i = 0; i < parts; i++)
        bounds[i] = rest[i * (count - 1) / (parts - 1)];
    statistics->bounds = bounds;
    statistics->bound_count = parts;
}

static void keep_correlation(column_work *w)
{
    const double n = w->value_count, sum = (n - 1) * n / 2, squares = (n - 1) * n * (2 * n - 1) / 6;
    double products = 0;
    for (uint32_t i = 0; i < w->value_count; i++)
        products += (double)i * w->values[i].row;
    if (w->value_count < 2)
        return;
    w->statistics->has_correlation = true;
    w->statistics->correlation = (n * products - sum * sum) / (n * squares - sum * sum);
}

static bool examine_column(column_work *w, bool has_order, rdb_error *err)
{
    const sample *s = w->s;
    const sample_column *column = w->column;
    const rdb_type *type = column->type;
    rdb_statistics *statistics = w->statistics;
    double bytes = 0;
    uint32_t nulls = 0, wide = 0;
    *statistics = (rdb_statistics){0};
    w->values = rdb_arena_try_alloc(w->arena, ((size_t)s->count + 1) * sizeof *w->values, err);
    if (w->values == NULL)
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        if (column->is_null[i]) {
            nulls++;
            continue;
        }
        bytes += stored_bytes(type, column->values[i]);
        if (sample_is_wide(column, i))
            wide++;
        else {
            w->values[w->value_count] = (column_value){column->values[i], w->value_count};
            w->value_count++;
        }
    }
    if (s->count == 0)
        return true;
    const uint32_t non_null = s->count - nulls;
    statistics->null_fraction = (double)nulls / s->count;
    statistics->width = type->typlen > 0 ? type->typlen : non_null > 0 ? (int32_t)(bytes / non_null) : 0;
    if (non_null == 0 || !has_order)
        return rdb_arena_check(w->arena, err);
    qsort_r(w->values, w->value_count, sizeof *w->values, by_value, (void *)(uintptr_t)column);
    find_runs(w);
    statistics->distinct = estimate_distinct(w->distinct, w->run_count, wide, non_null, s->rows_total, statistics->null_fraction);
    if (w->run_count > 0 && w->run_count < w->distinct && wide == 0) { /* else there is nothing to estimate */
        const double in_order = estimate_in_order(w, s->rows_total * (1 - statistics->null_fraction));
        statistics->distinct = in_order > 0 ? in_order : statistics->distinct;
    }
    if (statistics->distinct > 0.1 * s->rows_total)
        statistics->distinct = -(statistics->distinct / s->rows_total);
    keep_common(w, wide);
    keep_bounds(w);
    keep_correlation(w);
    return rdb_arena_check(w->arena, err);
}

bool sample_read_column(const sample *s, uint16_t column_no, rdb_arena *arena, sample_column *column, rdb_error *err)
{
    const rdb_column *of = &s->relation->columns[s->columns[column_no] - 1];
    rdb_datum *values = rdb_arena_try_alloc(arena, ((size_t)s->count + 1) * sizeof *values, err);
    bool *is_null = rdb_arena_try_alloc(arena, (size_t)s->count + 1, err);
    if (values == NULL || is_null == NULL)
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        const size_t place = (size_t)s->order[i] * s->column_count + column_no;
        is_null[i] = s->is_null[place];
        values[i] = s->values[place];
    }
    *column = (sample_column){of->type, of->collation, values, is_null};
    return true;
}

bool sample_examine(rdb_command_context *context, const sample *s, const sample_column *column, uint32_t target, rdb_arena *arena, rdb_statistics *statistics, rdb_error *err)
{
    column_work work = {.s = s, .arena = arena, .column = column, .target = target, .statistics = statistics};
    const rdb_type *type = column->type;
    uint32_t less = 0, element_less = 0;
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    if (!rdb_cancel_check(context->cancel, err) || !rdb_opclass_operator(context->access, type->oid, type->oid, 1, &less, err) ||
        !examine_column(&work, less != 0 && column->type->ops != NULL && column->type->ops->compare != NULL, err))
        return false;
    const rdb_type *element = type->category == 'A' ? type->element : NULL, *base = element;
    while (base != NULL && base->kind == 'd' && base->base != NULL)
        base = base->base;
    if (base == NULL || base->ops == NULL || base->ops->compare == NULL || statistics->null_fraction >= 1)
        return true;
    return rdb_opclass_operator(context->access, base->oid, base->oid, 1, &element_less, err) &&
           (element_less == 0 || sample_examine_elements(s, column, element, target, arena, statistics, err));
}

/* ---- the statement --------------------------------------------------------------------------------------------------------------- */
/* The columns that were named, or all; those whose target is 0 are left out. */
static bool choose_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, int16_t *columns, uint16_t *count, rdb_error *err)
{
    *count = 0;
    for (uint32_t i = 0; names != NULL && i < names->count; i++) {
        int16_t number = 0;
        if (!command_column_number(relation, names->items[i], &number, err))
            return false;
        for (uint16_t k = 0; k < *count; k++)
            if (columns[k] == number)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" appears more than once", names->items[i], relation->name);
        columns[(*count)++] = number;
    }
    if (names == NULL || names->count == 0)
        for (uint16_t i = 0; i < relation->column_count; i++)
            if (!relation->columns[i].is_dropped && relation->columns[i].type != NULL)
                columns[(*count)++] = (int16_t)(i + 1);
    (void)context;
    return true;
}

/* What ALTER TABLE ... SET (n_distinct = ...) says counts more than the sample does. */
static bool take_said_distinct(rdb_command_context *context, const sample *s, int16_t number, bool with_children, rdb_statistics *statistics, rdb_error *err)
{
    const char *name = with_children ? "n_distinct_inherited=" : "n_distinct=";
    const char *const *options = NULL;
    uint32_t count = 0;
    if (!rdb_ddl_get_column_options(context->access, s->relation->oid, number, context->arena, &options, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const double said = strncmp(options[i], name, strlen(name)) == 0 ? strtod(options[i] + strlen(name), NULL) : 0;
        if (said != 0)
            statistics->distinct = said;
    }
    return true;
}

static bool write_statistics(rdb_command_context *context, const sample *s, const uint32_t *targets, bool with_children, rdb_error *err)
{
    rdb_report_set(1, 3); /* computing statistics */
    rdb_arena *arena = rdb_arena_create("analyze column", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint16_t i = 0; ok && i < s->column_count && s->count > 0; i++) {
        sample_column column;
        rdb_statistics statistics;
        rdb_arena_reset(arena);
        ok = targets[i] == 0 || (sample_read_column(s, i, arena, &column, err) && sample_examine(context, s, &column, targets[i], arena, &statistics, err) &&
                                 take_said_distinct(context, s, s->columns[i], with_children, &statistics, err) &&
                                 rdb_ddl_set_column_statistics(context->access, s->relation, s->columns[i], with_children, &statistics, err));
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* Pages and rows of its indexes: an entry a row. */
static bool count_indexes(rdb_command_context *context, const rdb_relation *relation, double rows, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation *index = NULL;
        uint64_t blocks = 0;
        if (!rdb_relation_get(context->access, relation->indexes[i].oid, &index, err))
            return false;
        if (index == NULL || relation->indexes[i].predicate_tree != NULL)
            continue;
        if (!rdb_storage_block_count(relation->table.storage, relation->table.pdb, index->file, 0, &blocks, err) ||
            !rdb_ddl_set_statistics(context->access, index->oid, (double)blocks, rows, 0, err))
            return false;
    }
    return true;
}

/* The tables below it that have rows, itself among them. */
static bool list_sources(rdb_command_context *context, const rdb_relation *relation, rdb_list *sources, rdb_error *err)
{
    rdb_list all = {0};
    rdb_list_push(context->arena, &all, (void *)(uintptr_t)relation);
    for (uint32_t i = 0; i < all.count; i++) {
        const rdb_relation *one = all.items[i];
        if (one->kind == 'r' || one->kind == 'm')
            rdb_list_push(context->arena, sources, all.items[i]);
        for (uint32_t k = 0; k < one->child_count; k++) {
            const rdb_relation *child = NULL;
            bool is_there = false;
            for (uint32_t at = 0; at < all.count; at++)
                is_there = is_there || ((const rdb_relation *)all.items[at])->oid == one->children[k].oid;
            if (!is_there && !rdb_relation_get(context->access, one->children[k].oid, &child, err))
                return false;
            if (child != NULL)
                rdb_list_push(context->arena, &all, (void *)(uintptr_t)child);
        }
    }
    return true;
}

bool command_analyze_table(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, bool with_children, bool is_verbose, rdb_error *err)
{
    sample s = {.relation = relation};
    int16_t *columns = RDB_NEW_ARRAY(context->arena, int16_t, relation->column_count + (names != NULL ? names->count : 0) + 1u);
    uint32_t *targets = RDB_NEW_ARRAY(context->arena, uint32_t, relation->column_count + 1u);
    uint32_t largest = 0;
    rdb_report_begin(RDB_REPORT_ANALYZE, relation->oid);
    rdb_report_set(1, with_children ? 2 : 1);
    if (!choose_columns(context, relation, names, columns, &s.column_count, err))
        return false;
    uint16_t kept = 0;
    for (uint16_t i = 0; i < s.column_count; i++) {
        int32_t target = -1;
        if (!rdb_ddl_get_statistics_target(context->access, relation->oid, columns[i], &target, err))
            return false;
        if (target == 0)
            continue;
        columns[kept] = columns[i];
        targets[kept] = target > 0 ? (uint32_t)target : context->statistics_target > 0 ? context->statistics_target : 100;
        largest = RDB_MAX(largest, targets[kept]);
        kept++;
    }
    extended_statistics extended;
    if (!extended_statistics_open(context, relation, columns, kept, &extended, err))
        return false;
    if (extended.has_expressions) /* which may read any column */
        for (uint16_t i = 0; i < relation->column_count; i++) {
            bool is_there = relation->columns[i].is_dropped || relation->columns[i].type == NULL;
            for (uint16_t k = 0; k < kept; k++)
                is_there = is_there || columns[k] == i + 1;
            if (!is_there)
                columns[kept++] = (int16_t)(i + 1); /* its target stays 0 */
        }
    largest = RDB_MAX(largest, extended.largest_target);
    if (is_verbose)
        command_notice(context, "INFO", RDB_SUCCESSFUL_COMPLETION, with_children ? "analyzing \"%s.%s\" inheritance tree" : "analyzing \"%s.%s\"", relation->namespace_name, relation->name);
    s.columns = columns;
    s.column_count = kept;
    s.wanted = RDB_MAX(ROWS_A_PART * largest, (uint32_t)ROWS_MIN);
    s.random = (uint64_t)rdb_time_wall_us() ^ (uint64_t)relation->oid << 32;
    uint64_t visible = 0;
    s.arena = rdb_arena_create("analyze", NULL, NULL);
    bool ok = s.arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_list sources = {0};
    if (!with_children)
        rdb_list_push(context->arena, &sources, (void *)(uintptr_t)relation);
    ok = ok && (!with_children || list_sources(context, relation, &sources, err)) && take_sample(&s, context, &sources, err);
    if (ok && is_verbose && !with_children)
        command_notice(context, "INFO", RDB_SUCCESSFUL_COMPLETION,
                       "\"%s\": scanned %.0f of %.0f pages, containing %.0f live rows and 0 dead rows; %u rows in sample, %.0f estimated total rows", relation->name,
                       s.blocks_read, s.blocks, s.met, s.count, s.rows_total);
    ok = ok && write_statistics(context, &s, targets, with_children, err) && extended_statistics_gather(context, &s, &extended, with_children, err);
    if (ok && with_children) /* the pages are those of the tables below */
        ok = relation->kind != 'p' || rdb_ddl_set_statistics(context->access, relation->oid, -1, s.rows_total, 0, err);
    else if (ok)
        ok = rdb_table_visible_count(&relation->table, &visible, err) &&
             rdb_ddl_set_statistics(context->access, relation->oid, s.blocks, s.rows_total, (double)visible, err) && count_indexes(context, relation, s.rows_total, err);
    rdb_arena_destroy(s.arena);
    return ok;
}
