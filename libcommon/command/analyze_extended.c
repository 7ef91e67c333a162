/* SPDX-License-Identifier: Apache-2.0
 * ANALYZE of what CREATE STATISTICS names: how many different values columns and expressions have together, which follow from which, and
 * which rows are common. What is estimated how is PostgreSQL's, so that the same rows give the same figures.
 *
 * The parts of an object are its columns, by number, then its expressions; a set of parts is a mask. The rows of each set are numbered by
 * their values in it, from 0 in the order of the values, parts from the first to the last, nulls last: so a set's numbers come from those
 * of the set without its last part, and all that is asked of a set is asked of numbers. */
#include "command/analyze.h"

#include <math.h>

enum { SETS = 1 << RDB_STATISTICS_PARTS_MAX };

typedef struct row_set { /* the rows by their values in a set of parts */
    uint32_t *numbers; /* by row: NULL: not made yet */
    uint32_t distinct, single; /* different values; those of one row */
} row_set;

typedef struct parts_work {
    const sample *s;
    rdb_arena *arena;
    uint32_t part_count;
    int16_t attributes[RDB_STATISTICS_PARTS_MAX]; /* column numbers; -1, -2, ... for expressions */
    sample_column columns[RDB_STATISTICS_PARTS_MAX];
    uint8_t *wide;             /* by row: the parts whose value is too wide to be looked at */
    row_set sets[SETS];
} parts_work;

static void *new_zeroes(const parts_work *w, size_t bytes, rdb_error *err)
{
    void *memory = rdb_arena_try_alloc(w->arena, bytes, err);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

/* ---- rows by their values -------------------------------------------------------------------------------------------------------- */
typedef struct numbered_row {
    uint64_t key;
    uint32_t row;
} numbered_row;

static int by_key(const void *left, const void *right)
{
    const numbered_row *a = left, *b = right;
    return a->key != b->key ? (a->key < b->key ? -1 : 1) : (a->row > b->row) - (a->row < b->row);
}

/* Gives the set's numbers to rows that are sorted by it. starts[i]: row i is unlike the one before it. */
static void number_rows(const parts_work *w, row_set *set, const numbered_row *rows, const bool *starts)
{
    uint32_t run = 0;
    for (uint32_t i = 0; i < w->s->count; i++) {
        if (i > 0 && starts[i]) {
            set->single += run == 1;
            set->distinct++;
            run = 0;
        }
        run++;
        set->numbers[rows[i].row] = set->distinct;
    }
    set->single += run == 1;
    set->distinct += run > 0;
}

static int by_part(const void *left, const void *right, void *column_at)
{
    const sample_column *column = column_at;
    const uint32_t a = ((const numbered_row *)left)->row, b = ((const numbered_row *)right)->row;
    int order = 0;
    if (column->is_null[a] || column->is_null[b])
        order = column->is_null[a] - column->is_null[b];
    else
        order = column->type->ops->compare(column->type, column->collation, column->values[a], column->values[b]);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool same_value(const sample_column *column, uint32_t a, uint32_t b)
{
    if (column->is_null[a] || column->is_null[b])
        return column->is_null[a] && column->is_null[b];
    return column->type->ops->compare(column->type, column->collation, column->values[a], column->values[b]) == 0;
}

/* The smallest sets first: those that a set is made of are there. */
static bool make_set(parts_work *w, uint32_t parts, rdb_error *err)
{
    const uint32_t count = w->s->count, last = 31u - (uint32_t)__builtin_clz(parts), rest = parts & ~(1u << last);
    row_set *set = &w->sets[parts];
    numbered_row *rows = malloc((count + 1) * sizeof *rows);
    bool *starts = malloc(count + 1);
    set->numbers = rdb_arena_try_alloc(w->arena, (count + 1) * sizeof *set->numbers, err);
    const bool ok = set->numbers != NULL && ((rows != NULL && starts != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory"));
    for (uint32_t i = 0; ok && i < count; i++)
        rows[i] = (numbered_row){rest == 0 ? 0 : (uint64_t)w->sets[rest].numbers[i] << 32 | w->sets[1u << last].numbers[i], i};
    if (ok && rest == 0)
        qsort_r(rows, count, sizeof *rows, by_part, (void *)(uintptr_t)&w->columns[last]);
    else if (ok)
        qsort(rows, count, sizeof *rows, by_key);
    for (uint32_t i = 1; ok && i < count; i++)
        starts[i] = rest == 0 ? !same_value(&w->columns[last], rows[i - 1].row, rows[i].row) : rows[i - 1].key != rows[i].key;
    if (ok)
        number_rows(w, set, rows, starts);
    free(rows);
    free(starts);
    return ok;
}

static bool make_sets(rdb_command_context *context, parts_work *w, rdb_error *err)
{
    for (uint32_t parts = 1; parts < 1u << w->part_count; parts++) /* a set comes after those that it contains */
        if (!rdb_cancel_check(context->cancel, err) || !make_set(w, parts, err))
            return false;
    w->wide = new_zeroes(w, w->s->count + 1, err);
    for (uint32_t i = 0; w->wide != NULL && i < w->s->count; i++)
        for (uint32_t k = 0; k < w->part_count; k++)
            w->wide[i] |= (uint8_t)(sample_is_wide(&w->columns[k], i) << k);
    return w->wide != NULL;
}

/* ---- different values ----------------------------------------------------------------------------------------------------------------- */
/* Those of all rows, by those of the sample (Duj1: Haas and Stokes, 1998). */
static double estimate_distinct(const sample *s, const row_set *set)
{
    const double rows = s->count, distinct = set->distinct, single = set->single;
    const double estimate = rows * distinct / ((rows - single) + single * rows / s->rows_total);
    return floor(RDB_MIN(RDB_MAX(estimate, distinct), s->rows_total) + 0.5);
}

/* The next choice of so many parts, in the order of their lists; false: that was the last one. chosen: the parts, ascending. */
static bool next_choice(uint32_t *chosen, uint32_t count, uint32_t of)
{
    uint32_t at = count;
    while (at > 0 && chosen[at - 1] == of - count + at - 1)
        at--;
    if (at == 0)
        return false;
    chosen[at - 1]++;
    for (uint32_t i = at; i < count; i++)
        chosen[i] = chosen[i - 1] + 1;
    return true;
}

static void find_distinct(const parts_work *w, rdb_statistics_found *found)
{
    rdb_combination *items = RDB_NEW_ARRAY(w->arena, rdb_combination, SETS);
    for (uint32_t count = 2; count <= w->part_count; count++) {
        uint32_t chosen[RDB_STATISTICS_PARTS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
        do {
            rdb_combination *item = &items[found->distinct_count++];
            uint32_t parts = 0;
            item->count = count;
            for (uint32_t i = 0; i < count; i++) {
                item->attributes[i] = w->attributes[chosen[i]];
                parts |= 1u << chosen[i];
            }
            item->value = estimate_distinct(w->s, &w->sets[parts]);
        } while (next_choice(chosen, count, w->part_count));
    }
    found->distinct = items;
}

/* ---- what follows from what ----------------------------------------------------------------------------------------------------------- */
/* The share of rows whose value in the part is that of all rows which are like them in the set. */
static double dependency_degree(const parts_work *w, uint32_t from, uint32_t to, uint32_t *met, uint32_t *row_counts)
{
    const row_set *left = &w->sets[from], *both = &w->sets[from | to];
    uint32_t supporting = 0;
    memset(met, 0xff, left->distinct * sizeof *met); /* the number in both that a left one was met with; UINT32_MAX - 1: several */
    memset(row_counts, 0, left->distinct * sizeof *row_counts);
    for (uint32_t i = 0; i < w->s->count; i++) {
        const uint32_t at = left->numbers[i];
        if (w->wide[i] & (from | to))
            continue;
        met[at] = met[at] == UINT32_MAX || met[at] == both->numbers[i] ? both->numbers[i] : UINT32_MAX - 1;
        row_counts[at]++;
    }
    for (uint32_t i = 0; i < left->distinct; i++)
        supporting += met[i] < UINT32_MAX - 1 ? row_counts[i] : 0;
    return (double)supporting / w->s->count;
}

static bool find_dependencies(const parts_work *w, rdb_statistics_found *found, rdb_error *err)
{
    const uint32_t most = RDB_STATISTICS_PARTS_MAX * (SETS / 2);
    rdb_combination *items = RDB_NEW_ARRAY(w->arena, rdb_combination, most);
    uint32_t *met = rdb_arena_try_alloc(w->arena, (w->s->count + 1) * sizeof *met, err), *row_counts = rdb_arena_try_alloc(w->arena, (w->s->count + 1) * sizeof *row_counts, err);
    if (met == NULL || row_counts == NULL)
        return false;
    for (uint32_t count = 1; count < w->part_count; count++) {
        uint32_t chosen[RDB_STATISTICS_PARTS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
        do {
            uint32_t from = 0;
            for (uint32_t i = 0; i < count; i++)
                from |= 1u << chosen[i];
            for (uint32_t to = 0; to < w->part_count; to++) {
                const double degree = from & 1u << to ? 0 : dependency_degree(w, from, 1u << to, met, row_counts);
                if (degree <= 0)
                    continue;
                rdb_combination *item = &items[found->dependency_count++];
                *item = (rdb_combination){.value = degree, .count = count + 1};
                for (uint32_t i = 0; i < count; i++)
                    item->attributes[i] = w->attributes[chosen[i]];
                item->attributes[count] = w->attributes[to];
            }
        } while (next_choice(chosen, count, w->part_count));
    }
    found->dependencies = items;
    return true;
}

/* ---- common rows ------------------------------------------------------------------------------------------------------------------------ */
typedef struct row_group { /* rows of the same values in all parts */
    uint32_t number, first, count; /* in the order of their values; their first row */
} row_group;

static int by_count(const void *left, const void *right)
{
    const row_group *a = left, *b = right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : a->number < b->number ? -1 : 1;
}

/* Rows that a group must have for its share of the table to be known well: such that the relative standard error of a sample without
 * replacement stays below a fifth (Cochran, "Sampling Techniques", 1977). */
static double least_count(double rows, double total)
{
    const double divisor = total - rows + 0.04 * rows * (total - 1);
    return divisor == 0 ? 0 : rows * (total - rows) / divisor;
}

static bool find_common(const parts_work *w, uint32_t target, rdb_statistics_found *found, rdb_error *err)
{
    const sample *s = w->s;
    const row_set *all = &w->sets[(1u << w->part_count) - 1];
    rdb_call call = {.arena = w->arena, .err = err, .format = rdb_format_default()};
    row_group *groups = new_zeroes(w, (all->distinct + 1) * sizeof *groups, err);
    uint32_t *counts[RDB_STATISTICS_PARTS_MAX]; /* of rows, by the number in each part */
    uint32_t group_count = 0;
    if (groups == NULL)
        return false;
    for (uint32_t k = 0; k < w->part_count; k++)
        if ((counts[k] = new_zeroes(w, (w->sets[1u << k].distinct + 1) * sizeof *counts[k], err)) == NULL)
            return false;
    for (uint32_t i = 0; i < s->count; i++) {
        if (w->wide[i] != 0)
            continue;
        row_group *group = &groups[all->numbers[i]];
        group->first = group->count++ == 0 ? i : group->first;
        for (uint32_t k = 0; k < w->part_count; k++)
            counts[k][w->sets[1u << k].numbers[i]]++;
    }
    for (uint32_t i = 0; i < all->distinct; i++)
        if (groups[i].count > 0)
            groups[group_count++] = (row_group){i, groups[i].first, groups[i].count};
    qsort(groups, group_count, sizeof *groups, by_count);
    const double least = least_count(s->count, s->rows_total);
    uint32_t kept = 0;
    while (kept < group_count && kept < target && groups[kept].count >= least)
        kept++;
    if (kept == 0)
        return true;
    rdb_mcv_list *list = RDB_NEW(w->arena, rdb_mcv_list);
    double *shares = RDB_NEW_ARRAY(w->arena, double, kept), *bases = RDB_NEW_ARRAY(w->arena, double, kept);
    for (uint32_t i = 0; i < kept; i++) {
        shares[i] = (double)groups[i].count / s->count;
        bases[i] = 1;
        for (uint32_t k = 0; k < w->part_count; k++)
            bases[i] *= (double)counts[k][w->sets[1u << k].numbers[groups[i].first]] / s->count;
    }
    for (uint32_t k = 0; k < w->part_count; k++) {
        rdb_datum *values = RDB_NEW_ARRAY(w->arena, rdb_datum, kept);
        bool *nulls = RDB_NEW_ARRAY(w->arena, bool, kept);
        const rdb_type *type = w->columns[k].type;
        while (type->kind == 'd' && type->base != NULL)
            type = type->base;
        for (uint32_t i = 0; i < kept; i++) {
            values[i] = w->columns[k].values[groups[i].first];
            nulls[i] = w->columns[k].is_null[groups[i].first];
        }
        if (!rdb_array_build(&call, type, values, nulls, kept, &list->values[k]))
            return false;
    }
    list->item_count = kept;
    list->part_count = w->part_count;
    list->frequencies = shares;
    list->base_frequencies = bases;
    found->common = list;
    return rdb_arena_check(w->arena, err);
}

/* ---- expressions ------------------------------------------------------------------------------------------------------------------------ */
/* Their values for all rows of the sample. */
static bool compute_expressions(rdb_command_context *context, parts_work *w, const rdb_statistics_object *object, uint32_t *count, rdb_error *err)
{
    const sample *s = w->s;
    const rdb_relation *relation = s->relation;
    command_index_programs *programs = NULL;
    rdb_expr *list = NULL;
    *count = 0;
    if (object->expression_tree == NULL)
        return true;
    if (!rdb_tree_read_expr(w->arena, context->access, object->expression_tree, &list, err))
        return false;
    const rdb_list *fields = &((const rdb_expr_row *)list)->fields;
    *count = fields->count;
    rdb_index_column *keys = RDB_NEW_ARRAY(w->arena, rdb_index_column, fields->count); /* all of them expressions */
    const rdb_relation_index as_index = {.column_count = (uint16_t)fields->count, .key_count = (uint16_t)fields->count, .columns = keys, .expression_tree = object->expression_tree};
    rdb_datum *row_values = RDB_NEW_ARRAY(w->arena, rdb_datum, relation->column_count + 1), *values[RDB_STATISTICS_PARTS_MAX];
    bool *row_nulls = RDB_NEW_ARRAY(w->arena, bool, relation->column_count + 1), *is_null[RDB_STATISTICS_PARTS_MAX];
    memset(row_nulls, true, relation->column_count + 1u);
    if (object->column_count + fields->count > RDB_STATISTICS_PARTS_MAX)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "statistics object \"%s\" has %u parts", object->name, object->column_count + fields->count);
    bool ok = command_index_programs_open(&programs, w->arena, command_eval(context), relation, &as_index, err);
    for (uint32_t k = 0; ok && k < fields->count; k++) {
        values[k] = rdb_arena_try_alloc(w->arena, (s->count + 1) * sizeof *values[k], err);
        is_null[k] = rdb_arena_try_alloc(w->arena, s->count + 1, err);
        ok = values[k] != NULL && is_null[k] != NULL;
    }
    for (uint32_t i = 0; ok && i < s->count; i++) {
        rdb_index_values computed;
        for (uint16_t k = 0; k < s->column_count; k++) {
            const size_t place = (size_t)s->order[i] * s->column_count + k;
            row_values[s->columns[k] - 1] = s->values[place];
            row_nulls[s->columns[k] - 1] = s->is_null[place];
        }
        ok = command_index_programs_run(programs, row_values, row_nulls, &computed, err);
        for (uint32_t k = 0; ok && k < fields->count; k++) {
            const rdb_expr *expr = fields->items[k];
            is_null[k][i] = computed.is_null[k];
            ok = is_null[k][i] || rdb_datum_copy(w->arena, (rdb_rep)expr->type->rep, computed.values[k], &values[k][i], err);
        }
    }
    command_index_programs_close(programs);
    for (uint32_t k = 0; ok && k < fields->count; k++) {
        const rdb_expr *expr = fields->items[k];
        w->attributes[object->column_count + k] = (int16_t)(-1 - (int)k);
        w->columns[object->column_count + k] = (sample_column){expr->type, expr->collation, values[k], is_null[k]};
    }
    return ok;
}

static bool examine_expressions(rdb_command_context *context, const parts_work *w, uint32_t first, uint32_t count, uint32_t target, rdb_statistics_found *found, rdb_error *err)
{
    rdb_statistics *all = RDB_NEW_ARRAY(w->arena, rdb_statistics, count + 1);
    const rdb_type **types = RDB_NEW_ARRAY(w->arena, const rdb_type *, count + 1);
    uint32_t *collations = RDB_NEW_ARRAY(w->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        types[i] = w->columns[first + i].type;
        collations[i] = w->columns[first + i].collation;
        if (!sample_examine(context, w->s, &w->columns[first + i], target, w->arena, &all[i], err))
            return false;
    }
    found->expressions = all;
    found->expression_types = types;
    found->expression_collations = collations;
    found->expression_count = count;
    return true;
}

/* ---- objects ------------------------------------------------------------------------------------------------------------------------------ */
bool extended_statistics_open(rdb_command_context *context, const rdb_relation *relation, const int16_t *columns, uint16_t column_count, extended_statistics *extended, rdb_error *err)
{
    *extended = (extended_statistics){0};
    if (!rdb_ddl_list_statistics(context->access, relation->oid, context->arena, &extended->objects, &extended->count, err))
        return false;
    extended->targets = RDB_NEW_ARRAY(context->arena, uint32_t, extended->count + 1);
    for (uint32_t i = 0; i < extended->count; i++) {
        const rdb_statistics_object *object = &extended->objects[i];
        int32_t target = object->target;
        bool is_whole = true;
        for (uint32_t k = 0; k < object->column_count; k++) {
            int32_t own = -1;
            bool is_there = false;
            for (uint16_t at = 0; at < column_count; at++)
                is_there = is_there || columns[at] == object->columns[k];
            if (!rdb_ddl_get_statistics_target(context->access, relation->oid, object->columns[k], &own, err))
                return false;
            is_whole = is_whole && is_there;
            target = object->target < 0 ? RDB_MAX(target, own) : target;
        }
        if (!is_whole) {
            command_notice(context, "WARNING", RDB_INVALID_OBJECT_DEFINITION, "statistics object \"%s.%s\" could not be computed for relation \"%s.%s\"", object->schema, object->name,
                           relation->namespace_name, relation->name);
            continue;
        }
        extended->targets[i] = target >= 0 ? (uint32_t)target : context->statistics_target > 0 ? context->statistics_target : 100;
        extended->largest_target = RDB_MAX(extended->largest_target, extended->targets[i]);
        extended->has_expressions = extended->has_expressions || object->expression_tree != NULL;
    }
    return true;
}

static bool gather_object(rdb_command_context *context, parts_work *w, const rdb_statistics_object *object, uint32_t target, bool with_children, rdb_error *err)
{
    rdb_statistics_found found = {0};
    uint32_t expression_count = 0;
    for (uint32_t k = 0; k < object->column_count; k++) {
        uint16_t at = 0;
        while (at < w->s->column_count && w->s->columns[at] != object->columns[k])
            at++;
        w->attributes[k] = object->columns[k];
        if (!sample_read_column(w->s, at, w->arena, &w->columns[k], err))
            return false;
    }
    if (!compute_expressions(context, w, object, &expression_count, err))
        return false;
    w->part_count = object->column_count + expression_count;
    const bool several = strpbrk(object->kinds, "dfm") != NULL;
    if (several && !make_sets(context, w, err))
        return false;
    if (strchr(object->kinds, 'd') != NULL)
        find_distinct(w, &found);
    return (strchr(object->kinds, 'f') == NULL || find_dependencies(w, &found, err)) && (strchr(object->kinds, 'm') == NULL || find_common(w, target, &found, err)) &&
           (strchr(object->kinds, 'e') == NULL || examine_expressions(context, w, object->column_count, expression_count, target, &found, err)) &&
           rdb_ddl_store_statistics(context->access, w->s->relation->oid, object->oid, with_children, &found, err);
}

bool extended_statistics_gather(rdb_command_context *context, const sample *s, const extended_statistics *extended, bool with_children, rdb_error *err)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < extended->count && s->count > 0; i++) {
        if (extended->targets[i] == 0)
            continue;
        rdb_arena *arena = rdb_arena_create("extended statistics", NULL, NULL);
        ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        parts_work *w = ok ? RDB_NEW(arena, parts_work) : NULL;
        if (ok) {
            w->s = s;
            w->arena = arena;
            ok = rdb_arena_check(arena, err) && gather_object(context, w, &extended->objects[i], extended->targets[i], with_children, err);
        }
        rdb_arena_destroy(arena);
    }
    return ok;
}
