/* SPDX-License-Identifier: Apache-2.0
 * Partition bounds: reading and writing them, ordering them, and finding the partition of a row. */
#include "sql/rdb_partition.h"

#include "expr/rdb_expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bounds as text ---------------------------------------------------------------------------------------------------------------- */
static char end_letter(int8_t end)
{
    return end < 0 ? '-' : end > 0 ? '+' : 'v';
}

bool rdb_partition_bound_write(rdb_arena *arena, const rdb_partition_bound *bound, const char **out, rdb_error *err)
{
    rdb_strbuf text;
    rdb_expr_row *row = RDB_NEW(arena, rdb_expr_row);
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_addc(&text, bound->strategy);
    row->head = (rdb_expr){.kind = RDB_EXPR_ROW, .location = -1, .typmod = -1};
    row->form = RDB_FORM_IMPLICIT_CAST;
    if (bound->strategy == 'h')
        rdb_strbuf_addf(&text, " %d %d", bound->modulus, bound->remainder);
    if (bound->strategy == 'r') {
        rdb_strbuf_addc(&text, ' ');
        for (uint32_t i = 0; i < bound->value_count; i++)
            rdb_strbuf_addc(&text, end_letter(bound->lower_ends[i]));
        rdb_strbuf_addc(&text, '/');
        for (uint32_t i = 0; i < bound->value_count; i++)
            rdb_strbuf_addc(&text, end_letter(bound->upper_ends[i]));
    }
    for (uint32_t i = 0; i < bound->value_count; i++)
        if (bound->values[i] != NULL)
            rdb_list_push(arena, &row->fields, (void *)(uintptr_t)bound->values[i]);
    for (uint32_t i = 0; bound->strategy == 'r' && i < bound->value_count; i++)
        if (bound->upper[i] != NULL)
            rdb_list_push(arena, &row->fields, (void *)(uintptr_t)bound->upper[i]);
    if (bound->strategy == 'r' || bound->strategy == 'l') {
        rdb_strbuf_addc(&text, ' ');
        if (!rdb_tree_write_expr(&row->head, &text, err))
            return false;
    }
    *out = text.data;
    return rdb_strbuf_check(&text, err);
}

static bool refuse_bound(rdb_error *err)
{
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "a partition's bound is not one");
}

static const rdb_expr_const *next_value(const rdb_list *fields, uint32_t *at)
{
    const rdb_expr *field = *at < fields->count ? fields->items[(*at)++] : NULL;
    return field != NULL && field->kind == RDB_EXPR_CONST ? (const rdb_expr_const *)field : NULL;
}

static bool read_ends(const char **text, int8_t *ends, uint32_t *count, char terminator)
{
    for (*count = 0; **text != terminator; (*text)++) {
        if (*count == 32 || strchr("-v+", **text) == NULL || **text == 0)
            return false;
        ends[(*count)++] = **text == '-' ? -1 : **text == '+' ? 1 : 0;
    }
    (*text)++;
    return true;
}

bool rdb_partition_bound_read(rdb_arena *arena, rdb_access *access, const char *text, rdb_partition_bound *bound, rdb_error *err)
{
    int8_t *lower = NULL, *upper = NULL;
    *bound = (rdb_partition_bound){.strategy = text != NULL ? text[0] : 0};
    if (bound->strategy == 'd')
        return true;
    if (bound->strategy == 'h')
        return sscanf(text, "h %d %d", &bound->modulus, &bound->remainder) == 2 && bound->modulus > 0 && bound->remainder >= 0 && bound->remainder < bound->modulus ? true
                                                                                                                                                                  : refuse_bound(err);
    if ((bound->strategy != 'r' && bound->strategy != 'l') || text[1] != ' ')
        return refuse_bound(err);
    text += 2;
    if (bound->strategy == 'r') {
        uint32_t upper_count = 0;
        lower = RDB_NEW_ARRAY(arena, int8_t, 33);
        upper = RDB_NEW_ARRAY(arena, int8_t, 33);
        if (!read_ends(&text, lower, &bound->value_count, '/') || !read_ends(&text, upper, &upper_count, ' ') || upper_count != bound->value_count)
            return refuse_bound(err);
    }
    rdb_expr *tree = NULL;
    if (!rdb_tree_read_expr(arena, access, text, &tree, err))
        return false;
    if (tree->kind != RDB_EXPR_ROW)
        return refuse_bound(err);
    const rdb_list *fields = &((const rdb_expr_row *)tree)->fields;
    uint32_t at = 0;
    if (bound->strategy == 'l')
        bound->value_count = fields->count;
    bound->lower_ends = lower;
    bound->upper_ends = upper;
    bound->values = RDB_NEW_ARRAY(arena, const rdb_expr_const *, bound->value_count + 1);
    bound->upper = RDB_NEW_ARRAY(arena, const rdb_expr_const *, bound->value_count + 1);
    for (uint32_t i = 0; i < bound->value_count; i++)
        if ((lower == NULL || lower[i] == 0) && (bound->values[i] = next_value(fields, &at)) == NULL)
            return refuse_bound(err);
    for (uint32_t i = 0; upper != NULL && i < bound->value_count; i++)
        if (upper[i] == 0 && (bound->upper[i] = next_value(fields, &at)) == NULL)
            return refuse_bound(err);
    return rdb_arena_check(arena, err);
}

/* ---- order ------------------------------------------------------------------------------------------------------------------------- */
int rdb_partition_compare_value(const rdb_partition_map *map, uint16_t key_no, rdb_datum left, rdb_datum right)
{
    return map->types[key_no]->ops->compare(map->types[key_no], map->collations[key_no], left, right);
}

int rdb_partition_compare_ends(const rdb_partition_map *map, const rdb_expr_const *const *left, const int8_t *left_ends, bool left_is_lower,
                               const rdb_expr_const *const *right, const int8_t *right_ends, bool right_is_lower)
{
    for (uint16_t i = 0; i < map->key_count; i++) {
        if (left_ends[i] != right_ends[i])
            return left_ends[i] < right_ends[i] ? -1 : 1;
        if (left_ends[i] != RDB_PARTITION_VALUE)
            break; /* nothing behind it counts */
        int order = rdb_partition_compare_value(map, i, left[i]->value, right[i]->value);
        if (order != 0)
            return order;
    }
    return left_is_lower == right_is_lower ? 0 : left_is_lower ? 1 : -1;
}

typedef struct sorting {
    const rdb_partition_map *map;
} sorting;

/* Insertion by halves: bounds come mostly in order already, and there is no comparison that takes a context in C11's qsort. */
static bool stands_before(const rdb_partition_map *map, const rdb_partition_entry *left, const rdb_partition_entry *right)
{
    if (map->strategy == 'h')
        return left->bound.modulus != right->bound.modulus ? left->bound.modulus < right->bound.modulus : left->bound.remainder < right->bound.remainder;
    return rdb_partition_compare_ends(map, left->bound.values, left->bound.lower_ends, true, right->bound.values, right->bound.lower_ends, true) < 0;
}

static void insert_entry(const rdb_partition_map *map, rdb_partition_entry *entries, uint32_t count, rdb_partition_entry entry)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (stands_before(map, &entry, &entries[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    memmove(&entries[low + 1], &entries[low], (count - low) * sizeof *entries);
    entries[low] = entry;
}

static void insert_item(const rdb_partition_map *map, rdb_partition_item *items, uint32_t count, rdb_partition_item item)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (rdb_partition_compare_value(map, 0, item.value->value, items[middle].value->value) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(&items[low + 1], &items[low], (count - low) * sizeof *items);
    items[low] = item;
}

/* ---- maps -------------------------------------------------------------------------------------------------------------------------- */
bool rdb_partition_key_open(rdb_arena *arena, rdb_access *access, const rdb_relation *relation, rdb_partition_map *map, rdb_error *err)
{
    const rdb_partition_key *key = relation->partition_key;
    rdb_list expressions = {0};
    uint32_t next = 0;
    *map = (rdb_partition_map){.relation = relation, .default_no = -1, .null_no = -1};
    if (key == NULL)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a partitioned table", relation->name);
    if (key->expression_tree != NULL) {
        rdb_expr *tree = NULL;
        if (!rdb_tree_read_expr(arena, access, key->expression_tree, &tree, err))
            return false;
        if (tree->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)tree)->fields;
    }
    const rdb_type **types = RDB_NEW_ARRAY(arena, const rdb_type *, key->count + 1u);
    rdb_expr **keys = RDB_NEW_ARRAY(arena, rdb_expr *, key->count + 1u);
    for (uint16_t i = 0; i < key->count; i++) {
        if (key->columns[i] > 0 && key->columns[i] <= relation->column_count) {
            const rdb_column *column = &relation->columns[key->columns[i] - 1];
            rdb_expr_var *var = RDB_NEW(arena, rdb_expr_var);
            var->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
            var->range_no = 1;
            var->attribute_no = key->columns[i];
            keys[i] = &var->head;
        } else if (next < expressions.count) {
            keys[i] = expressions.items[next++];
        } else {
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "partition key of relation \"%s\" does not say what its columns are", relation->name);
        }
        types[i] = keys[i]->type;
        if (types[i]->ops == NULL || types[i]->ops->compare == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s cannot be a partition key yet", types[i]->name);
    }
    map->strategy = key->strategy;
    map->key_count = key->count;
    map->types = types;
    map->collations = key->collations;
    map->keys = keys;
    return true;
}

bool rdb_partition_map_open(rdb_arena *arena, rdb_access *access, const rdb_relation *relation, rdb_partition_map **out, rdb_error *err)
{
    rdb_partition_map *map = RDB_NEW(arena, rdb_partition_map);
    rdb_partition_entry *entries = RDB_NEW_ARRAY(arena, rdb_partition_entry, relation->child_count + 1), standing_last[2];
    uint32_t last_count = 0, value_count = 0;
    *out = map;
    if (!rdb_partition_key_open(arena, access, relation, map, err))
        return false;
    rdb_partition_entry null_entry = {0}, default_entry = {0};
    rdb_partition_entry *unordered = RDB_NEW_ARRAY(arena, rdb_partition_entry, relation->child_count + 1);
    uint32_t unordered_count = 0;
    for (uint32_t i = 0; i < relation->child_count; i++) {
        const rdb_child *child = &relation->children[i];
        rdb_partition_entry entry = {.oid = child->oid};
        if (child->is_detaching || child->bound == NULL)
            continue;
        if (!rdb_partition_bound_read(arena, access, child->bound, &entry.bound, err))
            return false;
        value_count += entry.bound.strategy == 'l' ? entry.bound.value_count : 0;
        if (entry.bound.strategy == 'd') {
            default_entry = entry;
        } else if (entry.bound.strategy != map->strategy || (entry.bound.strategy == 'r' && entry.bound.value_count != map->key_count)) {
            return refuse_bound(err);
        } else if (map->strategy == 'l') {
            unordered[unordered_count++] = entry;
        } else {
            insert_entry(map, entries, map->count++, entry);
            map->greatest_modulus = RDB_MAX(map->greatest_modulus, entry.bound.modulus);
        }
    }
    if (map->strategy == 'l') {
        rdb_partition_item *items = RDB_NEW_ARRAY(arena, rdb_partition_item, value_count + 1);
        int32_t *number = RDB_NEW_ARRAY(arena, int32_t, unordered_count + 1);
        uint32_t item_count = 0;
        int32_t null_at = -1;
        for (uint32_t i = 0; i < unordered_count; i++) {
            number[i] = -1;
            for (uint32_t k = 0; k < unordered[i].bound.value_count; k++) {
                if (unordered[i].bound.values[k]->is_null)
                    null_at = (int32_t)i;
                else
                    insert_item(map, items, item_count++, (rdb_partition_item){unordered[i].bound.values[k], i});
            }
        }
        for (uint32_t i = 0; i < item_count; i++) { /* entries in the order of their least value */
            if (number[items[i].entry_no] < 0) {
                number[items[i].entry_no] = (int32_t)map->count;
                entries[map->count++] = unordered[items[i].entry_no];
            }
            items[i].entry_no = (uint32_t)number[items[i].entry_no];
        }
        if (null_at >= 0 && number[null_at] < 0) {
            null_entry = unordered[null_at];
            standing_last[last_count++] = null_entry;
            map->null_no = (int32_t)map->count;
        } else if (null_at >= 0) {
            map->null_no = number[null_at];
        }
        map->items = items;
        map->item_count = item_count;
    }
    if (default_entry.oid != 0) {
        map->default_no = (int32_t)(map->count + last_count);
        standing_last[last_count++] = default_entry;
    }
    for (uint32_t i = 0; i < last_count; i++)
        entries[map->count++] = standing_last[i];
    map->entries = entries;
    return rdb_arena_check(arena, err);
}

/* ---- finding ------------------------------------------------------------------------------------------------------------------------- */
bool rdb_partition_hash(const rdb_type *const *types, const uint32_t *collations, uint16_t count, const rdb_datum *keys, const bool *is_null, uint64_t *hash, rdb_error *err)
{
    const uint64_t seed = UINT64_C(0x7A5B22367996DCFD);
    rdb_arena *arena = rdb_arena_create("partition hash", NULL, NULL);
    bool ok = arena != NULL;
    *hash = 0;
    for (uint16_t i = 0; ok && i < count; i++) {
        rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default(), .collation = collations != NULL ? collations[i] : 0};
        uint64_t one = 0;
        if (is_null[i])
            continue;
        ok = rdb_type_hash_compatible(&call, types[i], keys[i], seed, &one);
        *hash ^= one + UINT64_C(0x49a0f4dd15e5a8e3) + (*hash << 54) + (*hash >> 7);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* -1, 0, 1: the row's keys against an end, which as an upper one stands behind all rows that equal it but itself. */
static int compare_row(const rdb_partition_map *map, const rdb_datum *keys, const rdb_expr_const *const *values, const int8_t *ends)
{
    for (uint16_t i = 0; i < map->key_count; i++) {
        if (ends[i] != RDB_PARTITION_VALUE)
            return ends[i] < 0 ? 1 : -1;
        int order = rdb_partition_compare_value(map, i, keys[i], values[i]->value);
        if (order != 0)
            return order;
    }
    return 0;
}

bool rdb_partition_find(const rdb_partition_map *map, const rdb_datum *keys, const bool *is_null, int32_t *entry_no, rdb_error *err)
{
    *entry_no = map->default_no;
    if (map->strategy == 'h') {
        uint64_t hash = 0;
        if (!rdb_partition_hash(map->types, map->collations, map->key_count, keys, is_null, &hash, err))
            return false;
        for (uint32_t i = 0; i < map->count; i++)
            if (hash % (uint64_t)map->entries[i].bound.modulus == (uint64_t)map->entries[i].bound.remainder)
                *entry_no = (int32_t)i;
        return true;
    }
    if (map->strategy == 'l') {
        uint32_t low = 0, high = map->item_count;
        if (is_null[0]) {
            *entry_no = map->null_no >= 0 ? map->null_no : map->default_no;
            return true;
        }
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            int order = rdb_partition_compare_value(map, 0, keys[0], map->items[middle].value->value);
            if (order == 0) {
                *entry_no = (int32_t)map->items[middle].entry_no;
                return true;
            }
            if (order < 0)
                high = middle;
            else
                low = middle + 1;
        }
        return true;
    }
    for (uint16_t i = 0; i < map->key_count; i++)
        if (is_null[i])
            return true; /* nulls are in no range */
    uint32_t low = 0, high = map->default_no >= 0 ? map->count - 1 : map->count;
    while (low < high) { /* the first range whose upper end lies beyond the row */
        uint32_t middle = (low + high) / 2;
        if (compare_row(map, keys, map->entries[middle].bound.upper, map->entries[middle].bound.upper_ends) >= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const uint32_t end = map->default_no >= 0 ? map->count - 1 : map->count;
    if (low < end && compare_row(map, keys, map->entries[low].bound.values, map->entries[low].bound.lower_ends) >= 0)
        *entry_no = (int32_t)low;
    return true;
}

/* ---- columns of parents and children ------------------------------------------------------------------------------------------------- */
bool rdb_inheritance_map(rdb_arena *arena, const rdb_relation *parent, const rdb_relation *child, int16_t **out, rdb_error *err)
{
    int16_t *map = RDB_NEW_ARRAY(arena, int16_t, parent->column_count + 1u);
    uint16_t next = 0;
    *out = map;
    for (uint16_t i = 0; i < parent->column_count; i++) {
        const rdb_column *column = &parent->columns[i];
        if (column->is_dropped)
            continue;
        for (uint16_t k = 0; k < child->column_count && map[i] == 0; k++) { /* mostly the one behind the last */
            const uint16_t at = (uint16_t)((next + k) % child->column_count);
            if (!child->columns[at].is_dropped && strcmp(child->columns[at].name, column->name) == 0) {
                map[i] = (int16_t)(at + 1);
                next = (uint16_t)(at + 1);
            }
        }
        if (map[i] == 0)
            return rdb_error_set(err, RDB_DATATYPE_MISMATCH, "could not find inherited attribute \"%s\" of relation \"%s\"", column->name, child->name);
    }
    return true;
}

typedef struct translation {
    rdb_arena *arena;
    uint32_t range_no;
    const int16_t *map;
    const rdb_range *range;
} translation;

static rdb_expr *translate_node(void *context, rdb_expr *expr)
{
    const translation *t = context;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_map_children(t->arena, expr, translate_node, context);
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (var->range_no != t->range_no || var->levels_up != 0)
        return expr;
    rdb_expr_var *moved = rdb_arena_memdup(t->arena, var, sizeof *moved);
    moved->range = t->range;
    if (var->attribute_no > 0)
        moved->attribute_no = t->map[var->attribute_no - 1];
    return &moved->head;
}

rdb_expr *rdb_inheritance_translate(rdb_arena *arena, rdb_expr *expr, uint32_t range_no, const int16_t *map, const rdb_range *range)
{
    translation t = {arena, range_no, map, range};
    return translate_node(&t, expr);
}
