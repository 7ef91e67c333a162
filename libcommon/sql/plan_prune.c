/* SPDX-License-Identifier: Apache-2.0
 * Partitions and children that a statement need not read: conditions on the partition key with constants are turned into the
 * set of partitions that can have rows for them. What a condition says nothing about is kept. */
#include "sql/plan_append.h"

enum { IS_NULL = 6, IS_NOT_NULL, NOT_EQUAL, KEYS_MAX = 32 }; /* behind a btree's strategies */

/* A set of partitions: the entries of the map. */
typedef struct pruner {
    planner *p;
    const rdb_partition_map *map;
    rdb_expr **keys;      /* as the statement's table has their columns */
    const rdb_prune_node *node;
} pruner;

static void fill(const pruner *s, bool *set, bool value)
{
    for (uint32_t i = 0; i < s->map->count; i++)
        set[i] = value;
}

static const rdb_expr *strip(const rdb_expr *expr)
{
    while (expr->kind == RDB_EXPR_RELABEL)
        expr = ((const rdb_expr_unary *)expr)->argument;
    return expr;
}

/* Which key an expression is, -1: none. */
static int32_t key_of(const pruner *s, const rdb_expr *expr)
{
    for (uint16_t i = 0; i < s->map->key_count; i++)
        if (rdb_expr_equal(expr, s->keys[i]) || rdb_expr_equal(strip(expr), s->keys[i]))
            return i;
    return -1;
}

/* A comparison of one key with a constant of the key's own type. strategy 0: it says nothing here. */
typedef struct bound_clause {
    int32_t key_no;
    uint16_t strategy;   /* 1 < 2 <= 3 = 4 >= 5 >, or one of those above */
    const rdb_expr_const *value;
} bound_clause;

static bool as_constant(pruner *s, rdb_expr *expr, const rdb_type *type, const rdb_expr_const **value)
{
    rdb_expr *cast = expr, *folded = NULL;
    const rdb_expr *inner = strip(expr);
    rdb_error quiet = {0};
    *value = NULL;
    if (inner->kind == RDB_EXPR_CONST && inner->type->rep == type->rep && (inner->type->oid == type->oid || type->rep == RDB_REP_BYTES)) {
        *value = (const rdb_expr_const *)inner;
        return true;
    }
    const uint32_t from = expr->type->oid, to = type->oid;
    if (inner->kind == RDB_EXPR_CONST && (from == RDB_INT8OID || from == RDB_INT4OID) && (to == RDB_INT4OID || to == RDB_INT2OID)) { /* narrower, where it fits */
        const rdb_expr_const *wide = (const rdb_expr_const *)inner;
        const int64_t number = from == RDB_INT8OID ? wide->value.i64 : wide->value.i32, limit = to == RDB_INT4OID ? INT32_MAX : INT16_MAX;
        rdb_expr_const *narrow = RDB_NEW(s->p->arena, rdb_expr_const);
        if (!wide->is_null && (number > limit || number < -limit - 1))
            return false;
        narrow->head = wide->head;
        narrow->head.type = type;
        narrow->is_null = wide->is_null;
        if (to == RDB_INT4OID)
            narrow->value.i32 = (int32_t)number;
        else
            narrow->value.i16 = (int16_t)number;
        *value = narrow;
        return true;
    }
    if (expr->kind != RDB_EXPR_CONST || !plan_cast_to(s->p, &cast, type))
        return false;
    if (rdb_expr_fold(s->p->arena, &s->p->eval, cast, &folded, &quiet) && folded->kind == RDB_EXPR_CONST)
        *value = (const rdb_expr_const *)folded;
    rdb_error_clear(&quiet);
    return *value != NULL;
}

/* Is the constant beyond what the key's type can hold? *sign: on which side. */
static bool is_beyond(const rdb_expr *expr, const rdb_type *type, int *sign, int64_t *limit)
{
    const rdb_expr_const *wide = (const rdb_expr_const *)strip(expr);
    const uint32_t from = wide->head.type->oid;
    if (wide->head.kind != RDB_EXPR_CONST || wide->is_null || (from != RDB_INT8OID && from != RDB_INT4OID) || (type->oid != RDB_INT4OID && type->oid != RDB_INT2OID))
        return false;
    const int64_t number = from == RDB_INT8OID ? wide->value.i64 : wide->value.i32, most = type->oid == RDB_INT4OID ? INT32_MAX : INT16_MAX;
    *sign = number > most ? 1 : number < -most - 1 ? -1 : 0;
    *limit = *sign > 0 ? most : -most - 1;
    return *sign != 0;
}

/* A comparison with such a constant: all values that are not null, those beyond the last one, or none. */
static void read_beyond(pruner *s, const rdb_type *type, int sign, int64_t limit, bound_clause *out)
{
    rdb_expr_const *end = RDB_NEW(s->p->arena, rdb_expr_const);
    const bool holds = sign > 0 ? out->strategy <= 2 : out->strategy == 4 || out->strategy == 5;
    end->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = type, .typmod = -1};
    if (type->oid == RDB_INT4OID)
        end->value.i32 = (int32_t)limit;
    else
        end->value.i16 = (int16_t)limit;
    if (holds || out->strategy == NOT_EQUAL) {
        out->strategy = IS_NOT_NULL;
        return;
    }
    end->is_null = out->strategy == 3;
    out->strategy = out->strategy == 3 ? 3 : sign > 0 ? 5 : 1;
    out->value = end;
}

static bool read_clause(pruner *s, const rdb_expr *clause, bound_clause *out)
{
    rdb_error quiet = {0};
    uint32_t family = 0;
    *out = (bound_clause){.key_no = -1};
    if (clause->kind == RDB_EXPR_NULL_TEST) {
        const rdb_expr_null_test *test = (const rdb_expr_null_test *)clause;
        out->key_no = key_of(s, test->argument);
        out->strategy = test->is_not ? IS_NOT_NULL : IS_NULL;
        return out->key_no >= 0 && !test->argument_is_row;
    }
    if (clause->type->oid == RDB_BOOLOID && key_of(s, clause) >= 0) { /* the key itself: = true */
        rdb_expr_const *truth = RDB_NEW(s->p->arena, rdb_expr_const);
        truth->head = *clause;
        truth->head.kind = RDB_EXPR_CONST;
        truth->value.b = true;
        *out = (bound_clause){key_of(s, clause), 3, truth};
        return true;
    }
    if (clause->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)clause)->bool_kind == RDB_BOOL_NOT) { /* NOT key: = false */
        const rdb_expr *inner = ((const rdb_expr_bool *)clause)->arguments.items[0];
        rdb_expr_const *untruth = RDB_NEW(s->p->arena, rdb_expr_const);
        untruth->head = *inner;
        untruth->head.kind = RDB_EXPR_CONST;
        *out = (bound_clause){inner->type->oid == RDB_BOOLOID ? key_of(s, inner) : -1, 3, untruth};
        return out->key_no >= 0;
    }
    if (clause->kind != RDB_EXPR_FUNCTION)
        return false;
    const rdb_expr_function *call = (const rdb_expr_function *)clause;
    if (call->operator_oid == 0 || call->arguments.count != 2)
        return false;
    rdb_expr *left = call->arguments.items[0], *right = call->arguments.items[1];
    bool ok = rdb_opclass_strategy(s->p->access, call->operator_oid, &out->strategy, &family, &quiet) && out->strategy >= 1 && out->strategy <= 5;
    const rdb_operator_entry *entry = NULL;
    if (!ok && s->map->strategy == 'l' && rdb_operator_get(s->p->access, call->operator_oid, &entry, &quiet) && entry != NULL && entry->negator_oid != 0) {
        uint16_t negated = 0;
        ok = rdb_opclass_strategy(s->p->access, entry->negator_oid, &negated, &family, &quiet) && negated == 3;
        out->strategy = NOT_EQUAL;
    }
    rdb_error_clear(&quiet);
    if (!ok)
        return false;
    out->key_no = key_of(s, left);
    if (out->key_no < 0) {
        out->key_no = key_of(s, right);
        right = left;
        out->strategy = out->strategy == NOT_EQUAL ? NOT_EQUAL : (uint16_t)(6 - out->strategy);
    }
    if (out->key_no < 0)
        return false;
    if (s->map->collations[out->key_no] != 0 && call->input_collation != 0 && call->input_collation != s->map->collations[out->key_no])
        return false;
    int sign = 0;
    int64_t limit = 0;
    if (is_beyond(right, s->map->types[out->key_no], &sign, &limit)) {
        read_beyond(s, s->map->types[out->key_no], sign, limit, out);
        return true;
    }
    return as_constant(s, right, s->map->types[out->key_no], &out->value);
}

/* ---- clauses of one AND together ------------------------------------------------------------------------------------------------------- */
static bool holds(const rdb_partition_map *map, const bound_clause *clause, const rdb_expr_const *value)
{
    if (value->is_null)
        return clause->strategy == IS_NULL;
    if (clause->strategy == IS_NULL)
        return false;
    if (clause->strategy == IS_NOT_NULL)
        return true;
    const int order = rdb_partition_compare_value(map, 0, value->value, clause->value->value);
    switch (clause->strategy) {
    case 1: return order < 0;
    case 2: return order <= 0;
    case 3: return order == 0;
    case 4: return order >= 0;
    case 5: return order > 0;
    default: return order != 0;
    }
}

/* A partition is kept for one value that meets all clauses. */
static void keep_by_list(const pruner *s, const bound_clause *clauses, uint32_t count, bool *set)
{
    bool names_listed = false;
    fill(s, set, false);
    for (uint32_t i = 0; i < s->map->count; i++) {
        const rdb_partition_bound *bound = &s->map->entries[i].bound;
        for (uint32_t k = 0; bound->strategy == 'l' && k < bound->value_count && !set[i]; k++) {
            bool all = true;
            for (uint32_t c = 0; c < count && all; c++)
                all = holds(s->map, &clauses[c], bound->values[k]);
            set[i] = all;
        }
    }
    /* DEFAULT has all other values: none of them where one value is asked for that is another's */
    for (uint32_t c = 0; c < count && s->map->default_no >= 0; c++) {
        int32_t entry_no = -1;
        if (clauses[c].strategy == IS_NULL)
            names_listed = names_listed || s->map->null_no >= 0;
        for (uint32_t k = 0; clauses[c].strategy == 3 && k < s->map->item_count; k++)
            if (rdb_partition_compare_value(s->map, 0, s->map->items[k].value->value, clauses[c].value->value) == 0)
                entry_no = (int32_t)s->map->items[k].entry_no;
        names_listed = names_listed || entry_no >= 0;
    }
    if (s->map->default_no >= 0)
        set[s->map->default_no] = !names_listed;
}

/* The rows that the clauses leave of a range: those whose first keys lie between two prefixes. */
typedef struct prefix {
    rdb_datum values[KEYS_MAX];
    uint16_t count;          /* 0: open */
    bool is_inclusive;
} prefix;

/* The prefix against an end of a range: <0 before it; 0: the end begins with it. */
static int compare_prefix(const rdb_partition_map *map, const prefix *at, const rdb_expr_const *const *values, const int8_t *ends)
{
    for (uint16_t i = 0; i < at->count; i++) {
        if (ends[i] != RDB_PARTITION_VALUE)
            return ends[i] < 0 ? 1 : -1;
        const int order = rdb_partition_compare_value(map, i, at->values[i], values[i]->value);
        if (order != 0)
            return order;
    }
    return 0;
}

static void make_prefixes(const rdb_partition_map *map, const bound_clause *clauses, uint32_t count, prefix *lower, prefix *upper, bool *all_strict)
{
    bool is_strict[KEYS_MAX] = {false};
    *lower = *upper = (prefix){.count = 0, .is_inclusive = true};
    for (uint16_t key = 0; key < map->key_count && key < KEYS_MAX; key++) {
        const bound_clause *equal = NULL, *low = NULL, *high = NULL;
        for (uint32_t c = 0; c < count; c++) {
            const bound_clause *clause = &clauses[c];
            if (clause->key_no != key || clause->value == NULL)
                continue;
            if (clause->strategy == 3)
                equal = clause;
            if (clause->strategy == 4 || clause->strategy == 5) {
                const int order = low != NULL ? rdb_partition_compare_value(map, key, clause->value->value, low->value->value) : 1;
                if (order > 0 || (order == 0 && clause->strategy == 5))
                    low = clause;
            }
            if (clause->strategy == 1 || clause->strategy == 2) {
                const int order = high != NULL ? rdb_partition_compare_value(map, key, clause->value->value, high->value->value) : -1;
                if (order < 0 || (order == 0 && clause->strategy == 1))
                    high = clause;
            }
        }
        for (uint32_t c = 0; c < count; c++)
            is_strict[key] = is_strict[key] || (clauses[c].key_no == key && clauses[c].strategy != IS_NULL);
        if (equal != NULL && lower->count == key && upper->count == key) {
            lower->values[lower->count++] = equal->value->value;
            upper->values[upper->count++] = equal->value->value;
            continue;
        }
        const rdb_datum *low_value = equal != NULL ? &equal->value->value : low != NULL ? &low->value->value : NULL;
        const rdb_datum *high_value = equal != NULL ? &equal->value->value : high != NULL ? &high->value->value : NULL;
        bool goes_on = false; /* where a side includes its value, the next key may bound it further */
        if (low_value != NULL && lower->count == key && lower->is_inclusive) {
            lower->values[lower->count++] = *low_value;
            lower->is_inclusive = equal != NULL || low->strategy == 4;
            goes_on = goes_on || lower->is_inclusive;
        }
        if (high_value != NULL && upper->count == key && upper->is_inclusive) {
            upper->values[upper->count++] = *high_value;
            upper->is_inclusive = equal != NULL || high->strategy == 2;
            goes_on = goes_on || upper->is_inclusive;
        }
        if (goes_on)
            continue;
        for (uint16_t k = (uint16_t)(key + 1); k < map->key_count; k++)
            for (uint32_t c = 0; c < count; c++)
                is_strict[k] = is_strict[k] || (clauses[c].key_no == k && clauses[c].strategy != IS_NULL);
        break;
    }
    *all_strict = true;
    for (uint16_t key = 0; key < map->key_count; key++)
        *all_strict = *all_strict && is_strict[key];
}

static bool reaches_lower(const rdb_partition_map *map, const rdb_partition_bound *bound, const prefix *lower)
{
    const int order = lower->count > 0 ? compare_prefix(map, lower, bound->upper, bound->upper_ends) : -1;
    if (order != 0)
        return order < 0;
    return lower->is_inclusive && lower->count < map->key_count && bound->upper_ends[lower->count] != RDB_PARTITION_MINVALUE;
}

static bool reaches_upper(const rdb_partition_map *map, const rdb_partition_bound *bound, const prefix *upper)
{
    const int order = upper->count > 0 ? compare_prefix(map, upper, bound->values, bound->lower_ends) : 1;
    if (order != 0)
        return order > 0;
    return upper->is_inclusive && (upper->count == map->key_count || bound->lower_ends[upper->count] != RDB_PARTITION_MAXVALUE);
}

/* Do the kept ranges have all rows between the prefixes, without a gap? */
static bool ranges_cover(const rdb_partition_map *map, const bool *set, uint32_t count, const prefix *lower, const prefix *upper)
{
    const rdb_partition_bound *first = NULL, *last = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const rdb_partition_bound *bound = &map->entries[i].bound;
        if (!set[i])
            continue;
        if (last != NULL && rdb_partition_compare_ends(map, last->upper, last->upper_ends, true, bound->values, bound->lower_ends, true) != 0)
            return false;
        first = first != NULL ? first : bound;
        last = bound;
    }
    if (first == NULL)
        return false;
    int order = lower->count > 0 ? compare_prefix(map, lower, first->values, first->lower_ends) : -1;
    if (lower->count == 0 ? first->lower_ends[0] >= 0 : order < 0)
        return false;
    if (lower->count > 0 && order == 0 && lower->count < map->key_count && first->lower_ends[lower->count] != RDB_PARTITION_MINVALUE)
        return false;
    order = upper->count > 0 ? compare_prefix(map, upper, last->upper, last->upper_ends) : 1;
    if (upper->count == 0)
        return last->upper_ends[0] > 0;
    if (order != 0)
        return order < 0;
    return !upper->is_inclusive || (upper->count < map->key_count && last->upper_ends[upper->count] == RDB_PARTITION_MAXVALUE);
}

static void keep_by_range(const pruner *s, const bound_clause *clauses, uint32_t count, bool *set)
{
    const rdb_partition_map *map = s->map;
    const uint32_t ranges = map->default_no >= 0 ? map->count - 1 : map->count;
    prefix lower, upper;
    bool all_strict = false, wants_null = false;
    for (uint32_t c = 0; c < count; c++)
        wants_null = wants_null || clauses[c].strategy == IS_NULL;
    if (wants_null) { /* nulls are DEFAULT's */
        for (uint32_t i = 0; i < map->count; i++)
            set[i] = (int32_t)i == map->default_no;
        return;
    }
    make_prefixes(map, clauses, count, &lower, &upper, &all_strict);
    for (uint32_t i = 0; i < ranges; i++)
        set[i] = reaches_lower(map, &map->entries[i].bound, &lower) && reaches_upper(map, &map->entries[i].bound, &upper);
    if (map->default_no >= 0)
        set[map->default_no] = !all_strict || !ranges_cover(map, set, ranges, &lower, &upper);
}

/* A hash knows nothing but equality on all keys. */
static bool keep_by_hash(const pruner *s, const bound_clause *clauses, uint32_t count, bool *set)
{
    rdb_datum keys[KEYS_MAX];
    bool is_null[KEYS_MAX], is_known[KEYS_MAX] = {false};
    int32_t entry_no = -1;
    uint16_t known = 0;
    fill(s, set, true);
    for (uint32_t i = 0; i < count; i++) {
        const bound_clause *one = &clauses[i];
        if ((one->strategy != 3 && one->strategy != IS_NULL) || one->key_no >= KEYS_MAX || is_known[one->key_no])
            continue;
        is_known[one->key_no] = true;
        is_null[one->key_no] = one->strategy == IS_NULL;
        keys[one->key_no] = one->strategy == IS_NULL ? (rdb_datum){.words = {0, 0}} : one->value->value;
        known++;
    }
    if (known != s->map->key_count)
        return true;
    if (!rdb_partition_find(s->map, keys, is_null, &entry_no, s->p->err))
        return false;
    for (uint32_t i = 0; i < s->map->count; i++)
        set[i] = (int32_t)i == entry_no;
    return true;
}

/* Does one value meet both? One that an equality asks for against every other clause on its key. */
static bool contradict(const pruner *s, const bound_clause *equal, const bound_clause *other)
{
    if (equal->strategy == IS_NULL)
        return other->strategy != IS_NULL;
    if (equal->strategy != 3 || other->strategy == IS_NOT_NULL)
        return false;
    if (other->strategy == IS_NULL)
        return true;
    const int order = rdb_partition_compare_value(s->map, (uint16_t)equal->key_no, equal->value->value, other->value->value);
    switch (other->strategy) {
    case 1: return order >= 0;
    case 2: return order > 0;
    case 3: return order != 0;
    case 4: return order < 0;
    case 5: return order <= 0;
    default: return order == 0;
    }
}

static bool keep_by_clauses(const pruner *s, const bound_clause *clauses, uint32_t count, bool *set)
{
    fill(s, set, true);
    for (uint32_t i = 0; i < count; i++)
        if (clauses[i].value != NULL && clauses[i].value->is_null) {
            fill(s, set, false); /* a strict comparison with null is never true */
            return true;
        }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < count; k++)
            if (clauses[i].key_no == clauses[k].key_no && contradict(s, &clauses[i], &clauses[k])) {
                fill(s, set, false);
                return true;
            }
    if (count == 0)
        return true;
    if (s->map->strategy == 'h')
        return keep_by_hash(s, clauses, count, set);
    if (s->map->strategy == 'l')
        keep_by_list(s, clauses, count, set);
    else
        keep_by_range(s, clauses, count, set);
    return true;
}

/* ---- conditions ----------------------------------------------------------------------------------------------------------------------- */
static bool keep_by(pruner *s, const rdb_expr *clause, bool *set);
static bool keep_by_and(pruner *s, const rdb_list *clauses, bool *set);

/* A partition of a partition: rows that its own bound keeps out of it need not be looked for below. */
static bool keep_by_above(pruner *s, const rdb_list *clauses, bool *may)
{
    const rdb_prune_node *above = s->node != NULL ? s->node->above : NULL;
    *may = true;
    if (above == NULL)
        return true;
    pruner up = {.p = s->p, .map = above->map, .keys = above->keys, .node = above};
    bool *set = RDB_NEW_ARRAY(s->p->arena, bool, above->map->count + 1);
    if (!keep_by_and(&up, clauses, set))
        return false;
    *may = set[s->node->entry_no];
    return true;
}

static bool keep_by_and(pruner *s, const rdb_list *clauses, bool *set)
{
    const rdb_list none = {0}, *implied = s->node != NULL ? &s->node->implied : &none;
    bool *one = RDB_NEW_ARRAY(s->p->arena, bool, s->map->count + 1);
    bound_clause *simple = RDB_NEW_ARRAY(s->p->arena, bound_clause, clauses->count + implied->count + 1);
    uint32_t count = 0;
    bool may = true;
    if (!keep_by_above(s, clauses, &may))
        return false;
    fill(s, set, may);
    if (!may)
        return true;
    for (uint32_t i = 0; i < implied->count; i++)
        count += read_clause(s, implied->items[i], &simple[count]);
    for (uint32_t i = 0; i < clauses->count; i++) {
        if (read_clause(s, clauses->items[i], &simple[count])) {
            count++;
            continue;
        }
        if (!keep_by(s, clauses->items[i], one))
            return false;
        for (uint32_t k = 0; k < s->map->count; k++)
            set[k] = set[k] && one[k];
    }
    if (!keep_by_clauses(s, simple, count, one))
        return false;
    for (uint32_t k = 0; k < s->map->count; k++)
        set[k] = set[k] && one[k];
    return true;
}

static bool keep_by_array(pruner *s, const rdb_expr_array_op *any, bool *set)
{
    const rdb_expr *array = strip(any->right);
    bool *one = RDB_NEW_ARRAY(s->p->arena, bool, s->map->count + 1);
    const int32_t key_no = key_of(s, any->left);
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    fill(s, set, true);
    bool known = rdb_opclass_strategy(s->p->access, any->operator_oid, &strategy, &family, &quiet) && strategy >= 1 && strategy <= 5;
    const rdb_operator_entry *entry = NULL;
    if (!known && s->map->strategy == 'l' && rdb_operator_get(s->p->access, any->operator_oid, &entry, &quiet) && entry != NULL && entry->negator_oid != 0) {
        known = rdb_opclass_strategy(s->p->access, entry->negator_oid, &strategy, &family, &quiet) && strategy == 3;
        strategy = NOT_EQUAL;
    }
    rdb_error_clear(&quiet);
    if (key_no < 0 || !known)
        return true;
    rdb_list values = {0};
    if (array->kind == RDB_EXPR_CONST && ((const rdb_expr_const *)array)->is_null) { /* neither ANY nor ALL of null is true */
        fill(s, set, false);
        return true;
    }
    if (array->kind == RDB_EXPR_ARRAY) {
        values = ((const rdb_expr_array *)array)->elements;
    } else if (array->kind == RDB_EXPR_CONST && !((const rdb_expr_const *)array)->is_null && array->type->element != NULL) {
        rdb_array_shape shape;
        const rdb_datum value = ((const rdb_expr_const *)array)->value;
        rdb_array_get_shape(value, &shape);
        for (uint32_t i = 0; i < shape.count; i++) {
            rdb_expr_const *item = RDB_NEW(s->p->arena, rdb_expr_const);
            item->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = array->type->element, .typmod = -1, .collation = array->collation};
            item->is_null = !rdb_array_get(value, i, &item->value);
            rdb_list_push(s->p->arena, &values, item);
        }
    } else {
        return true;
    }
    bool *sum = RDB_NEW_ARRAY(s->p->arena, bool, s->map->count + 1);
    bound_clause *joint = RDB_NEW_ARRAY(s->p->arena, bound_clause, values.count + 1);
    uint32_t joint_count = 0;
    fill(s, sum, !any->use_or);
    for (uint32_t i = 0; i < values.count; i++) {
        bound_clause clause = {.key_no = key_no, .strategy = strategy};
        if (!as_constant(s, values.items[i], s->map->types[key_no], &clause.value))
            return true;
        joint[joint_count++] = clause;
        if (clause.value->is_null) {
            if (!any->use_or)
                fill(s, sum, false);
            continue;
        }
        if (!keep_by_clauses(s, &clause, 1, one))
            return false;
        for (uint32_t k = 0; k < s->map->count; k++)
            sum[k] = any->use_or ? sum[k] || one[k] : sum[k] && one[k];
    }
    if (!any->use_or)
        return keep_by_clauses(s, joint, joint_count, set);
    memcpy(set, sum, s->map->count * sizeof *set);
    return true;
}

/* key IS [NOT] TRUE and its kin: the values that it leaves, one after the other. */
static bool keep_by_truth(pruner *s, const rdb_expr_bool_test *test, bool *set)
{
    static const bool LEAVES[6][3] = {{true, false, false}, {false, true, true}, {false, true, false}, {true, false, true}, {false, false, true}, {true, true, false}};
    const int32_t key_no = key_of(s, test->argument);
    bool *one = RDB_NEW_ARRAY(s->p->arena, bool, s->map->count + 1);
    fill(s, set, key_no < 0);
    for (int value = 0; key_no >= 0 && value < 3; value++) {
        rdb_expr_const *truth = RDB_NEW(s->p->arena, rdb_expr_const);
        truth->head = *test->argument;
        truth->head.kind = RDB_EXPR_CONST;
        truth->value.b = value == 0;
        const bound_clause clause = {key_no, value == 2 ? IS_NULL : 3, value == 2 ? NULL : truth};
        if (!LEAVES[test->test][value])
            continue;
        if (!keep_by_clauses(s, &clause, 1, one))
            return false;
        for (uint32_t k = 0; k < s->map->count; k++)
            set[k] = set[k] || one[k];
    }
    return true;
}

static bool keep_by(pruner *s, const rdb_expr *clause, bool *set)
{
    bound_clause bound;
    fill(s, set, true);
    if (++s->p->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(s->p->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    bool ok = true;
    if (clause->kind == RDB_EXPR_CONST) {
        const rdb_expr_const *value = (const rdb_expr_const *)clause;
        fill(s, set, !value->is_null && value->value.b);
    } else if (clause->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)clause)->bool_kind == RDB_BOOL_AND) {
        ok = keep_by_and(s, &((const rdb_expr_bool *)clause)->arguments, set);
    } else if (clause->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)clause)->bool_kind == RDB_BOOL_OR) {
        const rdb_list *arms = &((const rdb_expr_bool *)clause)->arguments;
        bool *one = RDB_NEW_ARRAY(s->p->arena, bool, s->map->count + 1);
        fill(s, set, false);
        for (uint32_t i = 0; ok && i < arms->count; i++) {
            rdb_list alone = {0};
            rdb_list_push(s->p->arena, &alone, arms->items[i]);
            ok = keep_by_and(s, &alone, one);
            for (uint32_t k = 0; ok && k < s->map->count; k++)
                set[k] = set[k] || one[k];
        }
    } else if (clause->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)clause)->bool_kind == RDB_BOOL_NOT) {
        const rdb_expr *inner = ((const rdb_expr_bool *)clause)->arguments.items[0];
        const int32_t key_no = inner->type->oid == RDB_BOOLOID ? key_of(s, inner) : -1;
        if (key_no >= 0) {
            rdb_expr_const *untruth = RDB_NEW(s->p->arena, rdb_expr_const);
            untruth->head = *inner;
            untruth->head.kind = RDB_EXPR_CONST;
            bound = (bound_clause){key_no, 3, untruth};
            ok = keep_by_clauses(s, &bound, 1, set);
        }
    } else if (clause->kind == RDB_EXPR_BOOL_TEST) {
        ok = keep_by_truth(s, (const rdb_expr_bool_test *)clause, set);
    } else if (clause->kind == RDB_EXPR_ARRAY_OP) {
        ok = keep_by_array(s, (const rdb_expr_array_op *)clause, set);
    } else if (read_clause(s, clause, &bound)) {
        ok = keep_by_clauses(s, &bound, 1, set);
    }
    s->p->depth--;
    return ok;
}

typedef struct renumbering {
    planner *p;
    uint32_t from, to;
} renumbering;

static rdb_expr *renumber_node(void *context, rdb_expr *expr)
{
    const renumbering *r = context;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_map_children(r->p->arena, expr, renumber_node, context);
    if (((const rdb_expr_var *)expr)->range_no != r->from)
        return expr;
    rdb_expr_var *moved = rdb_arena_memdup(r->p->arena, expr, sizeof *moved);
    moved->range_no = r->to;
    return &moved->head;
}

static rdb_expr *renumber(planner *p, rdb_expr *expr, uint32_t from, uint32_t to)
{
    renumbering r = {p, from, to};
    return renumber_node(&r, expr);
}

/* An expression over the columns of the map's table, as range 1, over rel's columns. */
static rdb_expr *as_of_rel(planner *p, const plan_rel *rel, const rdb_partition_map *map, const int16_t *own_map, rdb_expr *expr)
{
    const rdb_relation *top = rel->range->relation;
    int16_t *back = RDB_NEW_ARRAY(p->arena, int16_t, map->relation->column_count + 1u);
    for (uint16_t i = 0; i < top->column_count; i++) { /* the partitioned table's columns as the statement's table numbers them */
        const int16_t own = own_map != NULL ? own_map[i] : (int16_t)(i + 1);
        if (own > 0)
            back[own - 1] = (int16_t)(i + 1);
    }
    rdb_expr *moved = rdb_inheritance_translate(p->arena, expr, 1, back, NULL);
    return rel->range_no != 1 ? renumber(p, moved, 1, rel->range_no) : moved;
}

bool plan_prune(plan_level *level, const plan_rel *rel, const rdb_partition_map *map, const int16_t *own_map, const rdb_prune_node *above, uint32_t entry_no,
                const rdb_list *implied, rdb_prune_node **node, bool *kept)
{
    planner *p = level->p;
    rdb_prune_node *made = *node = RDB_NEW(p->arena, rdb_prune_node);
    rdb_expr **keys = RDB_NEW_ARRAY(p->arena, rdb_expr *, map->key_count + 1u);
    for (uint16_t i = 0; i < map->key_count; i++)
        keys[i] = as_of_rel(p, rel, map, own_map, map->keys[i]);
    *made = (rdb_prune_node){.map = map, .keys = keys, .above = above, .entry_no = entry_no, .implied = *implied};
    made->below = RDB_NEW_ARRAY(p->arena, rdb_prune_node *, map->count + 1);
    made->leaves = RDB_NEW_ARRAY(p->arena, const void *, map->count + 1);
    pruner s = {.p = p, .map = map, .keys = keys, .node = made};
    if (!p->context->no_partition_pruning)
        return keep_by_and(&s, &rel->quals, kept);
    fill(&s, kept, true);
    return true;
}

bool plan_bound_implies(planner *p, const plan_rel *rel, const rdb_partition_map *map, const int16_t *own_map, uint32_t entry_no, rdb_list *implied)
{
    rdb_expr *condition = NULL;
    if (!rdb_partition_condition(p->arena, p->access, map, &map->entries[entry_no].bound, &condition, p->err))
        return false;
    if (condition != NULL)
        plan_split_conjuncts(p, as_of_rel(p, rel, map, own_map, condition), implied);
    return true;
}

/* ---- by values that are known later ------------------------------------------------------------------------------------------------------- */
typedef struct value_finder {
    bool has_column, is_volatile, is_late;
} value_finder;

static bool find_value(void *context, rdb_expr *expr)
{
    value_finder *f = context;
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
    case RDB_EXPR_SLOT: f->has_column = true; break;
    case RDB_EXPR_PARAM: f->is_late = f->is_late || ((const rdb_expr_param *)expr)->param_kind == RDB_PARAM_EXECUTION; break;
    case RDB_EXPR_SUBPLAN: /* one that runs once */
        f->is_volatile = f->is_volatile || ((const rdb_expr_subplan *)expr)->arguments.count > 0 || ((const rdb_expr_subplan *)expr)->test != NULL;
        f->is_late = true;
        return true;
    case RDB_EXPR_FUNCTION: f->is_volatile = f->is_volatile || ((const rdb_expr_function *)expr)->function->volatility == 'v'; break;
    case RDB_EXPR_NEXT_VALUE: f->is_volatile = true; break;
    default: break;
    }
    return rdb_expr_visit_children(expr, find_value, f);
}

/* What a condition compares the key with. */
static void add_values(planner *p, rdb_expr *expr, bool late, rdb_list *values)
{
    value_finder f = {0};
    if (expr->kind == RDB_EXPR_CONST)
        return;
    (void)find_value(&f, expr);
    if (f.is_volatile || f.has_column || f.is_late != late)
        return;
    for (uint32_t i = 0; i < values->count; i++)
        if (rdb_expr_equal(values->items[i], expr))
            return;
    rdb_list_push(p->arena, values, expr);
}

static bool is_key_somewhere(const rdb_prune_node *node, const rdb_expr *expr)
{
    const pruner s = {.map = node->map, .keys = node->keys, .node = node};
    if (key_of(&s, expr) >= 0)
        return true;
    for (uint32_t i = 0; i < node->map->count; i++)
        if (node->below[i] != NULL && is_key_somewhere(node->below[i], expr))
            return true;
    return false;
}

static void collect_values(planner *p, const rdb_prune_node *root, rdb_expr *clause, bool late, rdb_list *values)
{
    if (clause->kind == RDB_EXPR_BOOL) {
        const rdb_list *arguments = &((const rdb_expr_bool *)clause)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            collect_values(p, root, arguments->items[i], late, values);
    } else if (clause->kind == RDB_EXPR_ARRAY_OP) {
        const rdb_expr_array_op *any = (const rdb_expr_array_op *)clause;
        if (!is_key_somewhere(root, any->left))
            return;
        if (strip(any->right)->kind != RDB_EXPR_ARRAY)
            add_values(p, any->right, late, values);
        else
            for (uint32_t i = 0; i < ((const rdb_expr_array *)strip(any->right))->elements.count; i++)
                add_values(p, ((const rdb_expr_array *)strip(any->right))->elements.items[i], late, values);
    } else if (clause->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)clause)->arguments.count == 2 && ((const rdb_expr_function *)clause)->operator_oid != 0) {
        const rdb_list *sides = &((const rdb_expr_function *)clause)->arguments;
        if (is_key_somewhere(root, sides->items[0]))
            add_values(p, sides->items[1], late, values);
        else if (is_key_somewhere(root, sides->items[1]))
            add_values(p, sides->items[0], late, values);
    }
}

/* The tree for the Append whose children are these paths. */
static rdb_prune_node *number_children(planner *p, const rdb_prune_node *node, const rdb_list *paths)
{
    rdb_prune_node *made = rdb_arena_memdup(p->arena, node, sizeof *node);
    made->below = RDB_NEW_ARRAY(p->arena, rdb_prune_node *, node->map->count + 1);
    made->children = RDB_NEW_ARRAY(p->arena, int32_t, node->map->count + 1);
    for (uint32_t i = 0; i < node->map->count; i++) {
        made->children[i] = -1;
        if (node->below[i] != NULL)
            made->below[i] = number_children(p, node->below[i], paths);
        for (uint32_t k = 0; node->leaves[i] != NULL && k < paths->count; k++)
            if (((const plan_path *)paths->items[k])->rel == node->leaves[i])
                made->children[i] = (int32_t)k;
    }
    return made;
}

void plan_prune_later(planner *p, const plan_rel *rel, const rdb_list *paths, const rdb_list *conditions, const rdb_plan_prune **prune)
{
    rdb_plan_prune *made = RDB_NEW(p->arena, rdb_plan_prune);
    *prune = NULL;
    if (rel->prune_root == NULL || p->context->no_partition_pruning)
        return;
    for (int late = 0; late < 2; late++) {
        for (uint32_t i = 0; i < conditions->count; i++)
            collect_values(p, rel->prune_root, conditions->items[i], late == 1, &made->values);
        if (late == 0)
            made->first_count = made->values.count;
    }
    if (made->values.count == 0)
        return;
    made->root = number_children(p, rel->prune_root, paths);
    made->conditions = *conditions;
    made->child_count = paths->count;
    p->plan->prunes_first = p->plan->prunes_first || made->first_count > 0;
    *prune = made;
}

struct rdb_pruner {
    rdb_arena *arena;
    const rdb_plan_prune *prune;
    rdb_expr_const **cells;  /* by value: its place in the conditions */
    rdb_list conditions;     /* of all values */
    rdb_list first;          /* of those alone that are known before the run */
};

typedef struct cell_placer {
    rdb_pruner *pruner;
    uint32_t count;
} cell_placer;

static rdb_expr *place_cells(void *context, rdb_expr *expr)
{
    const cell_placer *c = context;
    for (uint32_t i = 0; i < c->count; i++)
        if (rdb_expr_equal(c->pruner->prune->values.items[i], expr))
            return &c->pruner->cells[i]->head;
    return rdb_expr_map_children(c->pruner->arena, expr, place_cells, context);
}

bool rdb_pruner_open(rdb_pruner **out, rdb_arena *arena, const rdb_plan_prune *prune, rdb_error *err)
{
    rdb_pruner *s = RDB_NEW(arena, rdb_pruner);
    s->arena = arena;
    s->prune = prune;
    s->cells = RDB_NEW_ARRAY(arena, rdb_expr_const *, prune->values.count + 1);
    for (uint32_t i = 0; i < prune->values.count; i++) {
        s->cells[i] = RDB_NEW(arena, rdb_expr_const);
        s->cells[i]->head = *(const rdb_expr *)prune->values.items[i];
        s->cells[i]->head.kind = RDB_EXPR_CONST;
    }
    for (uint32_t i = 0; i < prune->conditions.count; i++) {
        cell_placer all = {s, prune->values.count}, some = {s, prune->first_count};
        rdb_list_push(arena, &s->conditions, place_cells(&all, prune->conditions.items[i]));
        rdb_list_push(arena, &s->first, place_cells(&some, prune->conditions.items[i]));
    }
    *out = s;
    return rdb_arena_check(arena, err);
}

static bool keep_below(planner *p, const rdb_prune_node *node, const rdb_list *conditions, bool *kept)
{
    pruner s = {.p = p, .map = node->map, .keys = node->keys, .node = node};
    bool *own = RDB_NEW_ARRAY(p->arena, bool, node->map->count + 1);
    if (!keep_by_and(&s, conditions, own))
        return false;
    for (uint32_t i = 0; i < node->map->count; i++) {
        if (own[i] && node->children[i] >= 0)
            kept[node->children[i]] = true;
        if (own[i] && node->below[i] != NULL && !keep_below(p, node->below[i], conditions, kept))
            return false;
    }
    return true;
}

bool rdb_pruner_run(rdb_pruner *s, rdb_arena *scratch, rdb_eval *eval, const rdb_datum *values, const bool *is_null, uint32_t count, bool *kept, rdb_error *err)
{
    const rdb_plan_context context = {.arena = scratch, .access = eval->access, .format = eval->format};
    planner p = {.arena = scratch, .access = eval->access, .context = &context, .err = err, .eval = *eval};
    for (uint32_t i = 0; i < count; i++) {
        s->cells[i]->value = values[i];
        s->cells[i]->is_null = is_null[i];
    }
    memset(kept, 0, s->prune->child_count * sizeof *kept);
    return keep_below(&p, s->prune->root, count < s->prune->values.count ? &s->first : &s->conditions, kept) && rdb_arena_check(scratch, err);
}
