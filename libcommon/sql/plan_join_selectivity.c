/* SPDX-License-Identifier: Apache-2.0
 * How many rows a join gives: from the figures of both sides' columns, and from unique keys, whose columns say more together than one
 * by one. What merging two sorted sides and looking up a hash table's buckets read of them is told here too. */
#include "sql/plan_selectivity.h"

/* ---- keys of several columns ------------------------------------------------------------------------------------------------------ */
/* The column of rel that an equality compares with something of one other relation; 0: none. */
static int16_t equal_column(plan_level *level, const plan_rel *rel, const rdb_expr *clause, plan_relids *other)
{
    const rdb_expr_function *e = plan_comparison(clause);
    for (int side = 0; e != NULL && side < 2; side++) {
        const rdb_expr_var *var = (const rdb_expr_var *)plan_strip(e->arguments.items[side]);
        *other = plan_relids_of(e->arguments.items[1 - side]);
        if (var->head.kind != RDB_EXPR_VAR || var->levels_up != 0 || var->range_no != rel->range_no || relids_empty(*other) || relids_has(*other, rel->range_no))
            continue;
        return plan_is_equality(level->p, clause) ? var->attribute_no : 0;
    }
    return 0;
}

/* Do the clauses compare all columns of the index with those of one other relation? Marks them. */
static bool covers_key(plan_level *level, const plan_rel *rel, const rdb_relation_index *index, const rdb_list *clauses, bool *is_part)
{
    plan_relids partner = {0};
    memset(is_part, 0, clauses->count * sizeof *is_part);
    for (uint16_t k = 0; k < index->key_count; k++) {
        uint32_t at = 0;
        for (; at < clauses->count; at++) {
            plan_relids other;
            if (is_part[at] || index->columns[k].column_number <= 0 || equal_column(level, rel, clauses->items[at], &other) != index->columns[k].column_number)
                continue;
            if (k > 0 && !(relids_within(other, partner) && relids_within(partner, other)))
                continue;
            partner = other;
            break;
        }
        if (at == clauses->count)
            return false;
        is_part[at] = true;
    }
    return true;
}

static bool find_key_clauses(plan_level *level, const rdb_list *clauses, bool *is_part, double *key_share)
{
    if (clauses->count < 2)
        return false;
    for (uint32_t r = 1; r <= level->range_count; r++) {
        const plan_rel *rel = level->rels[r];
        const rdb_relation *relation = rel != NULL && rel->range->kind == RDB_RANGE_RELATION ? rel->range->relation : NULL;
        for (uint16_t i = 0; relation != NULL && rel->parent == NULL && i < relation->index_count; i++) {
            const rdb_relation_index *index = &relation->indexes[i];
            if (!index->is_unique || !index->is_valid || index->predicate_tree != NULL || index->key_count < 2 || rel->tuples < 1 || !covers_key(level, rel, index, clauses, is_part))
                continue;
            *key_share = 1 / rel->tuples;
            return true;
        }
    }
    return false;
}

double plan_key_selectivity(plan_level *level, const plan_rel *of, const rdb_list *clauses)
{
    bool *is_part = RDB_NEW_ARRAY(level->p->arena, bool, clauses->count + 1);
    double key_share = 0, parts = 1;
    rdb_list rest = {0};
    if (!find_key_clauses(level, clauses, is_part, &key_share))
        return plan_selectivity_list(level, of, clauses);
    for (uint32_t i = 0; i < clauses->count; i++)
        if (is_part[i])
            parts *= plan_selectivity_of(level, of, clauses->items[i]);
        else
            rdb_list_push(level->p->arena, &rest, clauses->items[i]);
    return RDB_MAX(parts, key_share) * plan_selectivity_list(level, of, &rest);
}

/* ---- joins ----------------------------------------------------------------------------------------------------------------------------------- */
/* Common values that both sides have. */
typedef struct common_match {
    double product;              /* of their shares */
    double left, right;          /* the shares of those that match */
    double left_rest, right_rest;/* and of those that do not */
    uint32_t count;
} common_match;

static bool match_common(const plan_subject *left, const plan_subject *right, uint32_t right_used, planner *p, common_match *match)
{
    const rdb_statistics *a = left->figures, *b = right->figures;
    *match = (common_match){0};
    if (a == NULL || b == NULL || a->common_count == 0 || b->common_count == 0 || left->type->oid != right->type->oid || left->type->ops == NULL || left->type->ops->compare == NULL)
        return false;
    bool *is_taken = RDB_NEW_ARRAY(p->arena, bool, b->common_count);
    for (uint32_t i = 0; i < a->common_count; i++) {
        uint32_t k = 0;
        while (k < right_used && (is_taken[k] || plan_compare_values(left, a->common_values[i], b->common_values[k]) != 0))
            k++;
        if (k == right_used) {
            match->left_rest += (double)a->common_fractions[i];
            continue;
        }
        is_taken[k] = true;
        match->count++;
        match->left += (double)a->common_fractions[i];
        match->right += (double)b->common_fractions[k];
        match->product += (double)a->common_fractions[i] * (double)b->common_fractions[k];
    }
    for (uint32_t k = 0; k < b->common_count; k++)
        if (!is_taken[k])
            match->right_rest += (double)b->common_fractions[k];
    return true;
}

static double join_equal(planner *p, const plan_subject *left, const plan_subject *right)
{
    bool is_guess;
    common_match match;
    const double left_distinct = plan_subject_distinct(left, &is_guess), right_distinct = plan_subject_distinct(right, &is_guess);
    const double left_nulls = plan_null_fraction(left), right_nulls = plan_null_fraction(right);
    if (!match_common(left, right, right->figures ? right->figures->common_count : 0, p, &match))
        return plan_share((1 - left_nulls) * (1 - right_nulls) / RDB_MAX(left_distinct, right_distinct));
    const double left_other = plan_share(1 - left_nulls - match.left - match.left_rest), right_other = plan_share(1 - right_nulls - match.right - match.right_rest);
    const double a_count = left->figures->common_count, b_count = right->figures->common_count;
    double by_left = match.product, by_right = match.product;
    if (right_distinct > b_count)
        by_left += match.left_rest * right_other / (right_distinct - b_count);
    if (right_distinct > match.count)
        by_left += left_other * (right_other + match.right_rest) / (right_distinct - match.count);
    if (left_distinct > a_count)
        by_right += match.right_rest * left_other / (left_distinct - a_count);
    if (left_distinct > match.count)
        by_right += right_other * (left_other + match.left_rest) / (left_distinct - match.count);
    return plan_share(RDB_MIN(by_left, by_right));
}

/* The share of left rows that have a partner. */
static double semi_equal(planner *p, const plan_subject *left, const plan_subject *right, double right_rows)
{
    bool left_guess, right_guess;
    common_match match;
    double left_distinct = plan_subject_distinct(left, &left_guess), right_distinct = plan_subject_distinct(right, &right_guess);
    const double left_nulls = plan_null_fraction(left);
    if (right->rel != NULL && right_distinct >= right->rel->rows) {
        right_distinct = RDB_MAX(1.0, right->rel->rows);
        right_guess = false;
    }
    if (right_distinct >= right_rows) {
        right_distinct = RDB_MAX(1.0, right_rows);
        right_guess = false;
    }
    const bool both_known = !left_guess && !right_guess;
    const uint32_t used = right->figures ? (uint32_t)RDB_MIN((double)right->figures->common_count, right_distinct) : 0;
    if (!match_common(left, right, used, p, &match))
        return plan_share((1 - left_nulls) * (!both_known ? 0.5 : left_distinct <= right_distinct || right_distinct < 0 ? 1 : right_distinct / left_distinct));
    double rest = 0.5;
    if (both_known) {
        left_distinct -= match.count;
        right_distinct -= match.count;
        rest = left_distinct <= right_distinct || right_distinct < 0 ? 1 : right_distinct / left_distinct;
    }
    return plan_share(match.left + rest * plan_share(1 - left_nulls - match.left));
}

static double join_selectivity_of(plan_level *level, const rdb_expr *clause, plan_relids left_ids, uint8_t join_kind, double right_rows)
{
    const rdb_expr_function *e = plan_comparison(clause);
    if (e == NULL)
        return plan_selectivity(level, clause);
    const rdb_operator_entry *entry = NULL;
    rdb_error quiet = {0};
    uint16_t strategy = 0;
    uint32_t family = 0;
    bool known = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy != 0;
    if (!rdb_operator_get(level->p->access, e->operator_oid, &entry, &quiet))
        entry = NULL;
    rdb_error_clear(&quiet);
    const rdb_expr *first = e->arguments.items[0], *second = e->arguments.items[1];
    if (relids_empty(plan_relids_of(first)) || relids_empty(plan_relids_of(second)))
        return plan_selectivity(level, clause);
    const uint32_t estimator = entry ? entry->restrict_oid : 0;
    const bool is_equal = (known && strategy == 3) || estimator == PLAN_EQ_SEL;
    if (!is_equal && estimator != PLAN_NEQ_SEL)
        return known ? PLAN_GUESS_RANGE : estimator == 0 ? 0.5 : PLAN_GUESS_MATCH;
    const bool swaps = !relids_within(plan_relids_of(first), left_ids);
    const plan_subject left = plan_examine(level, swaps ? second : first), right = plan_examine(level, swaps ? first : second);
    const bool is_semi = join_kind == RDB_JOIN_SEMI || join_kind == RDB_JOIN_ANTI;
    double selectivity = is_semi ? semi_equal(level->p, &left, &right, right_rows) : join_equal(level->p, &left, &right);
    if (!is_equal)
        selectivity = is_semi ? plan_share(1 - plan_null_fraction(&left)) : plan_share(1 - selectivity);
    return selectivity;
}

static uint32_t only_relation(plan_relids ids)
{
    uint32_t found = 0, met = 0;
    for (int i = 0; i < PLAN_RELIDS_WORDS; i++)
        if (ids.words[i] != 0) {
            met += (uint32_t)__builtin_popcountll(ids.words[i]);
            found = (uint32_t)i * 64 + (uint32_t)__builtin_ctzll(ids.words[i]);
        }
    return met == 1 ? found : 0;
}

/* The two relations whose columns an equality compares. */
static bool compared_relations(plan_level *level, const rdb_expr *clause, const plan_rel *rels[2])
{
    const rdb_expr_function *e = plan_comparison(clause);
    if (e == NULL || !plan_is_equality(level->p, clause))
        return false;
    for (int i = 0; i < 2; i++) {
        const uint32_t range_no = only_relation(plan_relids_of(e->arguments.items[i]));
        rels[i] = range_no != 0 && range_no <= level->range_count ? level->rels[range_no] : NULL;
    }
    return rels[0] != NULL && rels[1] != NULL && rels[0] != rels[1];
}

/* Several equalities between the same two relations: a relation has no more combinations of values than rows, so they leave no less
 * than one such combination would. */
static double pair_selectivity(plan_level *level, const rdb_list *clauses, plan_relids left_ids, uint8_t kind, double right_rows, uint32_t first, bool *is_done)
{
    const plan_rel *pair[2], *other[2];
    double product = 1, combinations[2] = {1, 1};
    uint32_t count = 0;
    if (!compared_relations(level, clauses->items[first], pair))
        return join_selectivity_of(level, clauses->items[first], left_ids, kind, right_rows);
    for (uint32_t i = first; i < clauses->count; i++) {
        if (is_done[i] || !compared_relations(level, clauses->items[i], other) || !((other[0] == pair[0] && other[1] == pair[1]) || (other[0] == pair[1] && other[1] == pair[0])))
            continue;
        const rdb_expr_function *e = clauses->items[i];
        is_done[i] = true;
        count++;
        product *= join_selectivity_of(level, clauses->items[i], left_ids, kind, right_rows);
        for (int side = 0; side < 2; side++) {
            const plan_subject s = plan_examine(level, e->arguments.items[other[0] == pair[0] ? side : 1 - side]);
            bool is_guess = false;
            combinations[side] *= s.rel != NULL ? plan_subject_distinct(&s, &is_guess) : RDB_MAX(1.0, pair[side]->tuples);
        }
    }
    if (count < 2)
        return product;
    for (int side = 0; side < 2; side++)
        combinations[side] = RDB_MIN(combinations[side], RDB_MAX(1.0, pair[side]->tuples));
    return RDB_MAX(product, 1 / RDB_MAX(combinations[0], combinations[1]));
}

double plan_join_selectivity(plan_level *level, const rdb_list *clauses, plan_relids left_ids, uint8_t join_kind, double right_rows)
{
    bool *is_part = RDB_NEW_ARRAY(level->p->arena, bool, clauses->count + 1);
    double product = 1, parts = 1, key_share = 0;
    const bool has_key = join_kind != RDB_JOIN_SEMI && join_kind != RDB_JOIN_ANTI && find_key_clauses(level, clauses, is_part, &key_share);
    for (uint32_t i = 0; i < clauses->count; i++) {
        is_part[i] = has_key && is_part[i];
        if (is_part[i])
            parts *= join_selectivity_of(level, clauses->items[i], left_ids, join_kind, right_rows);
    }
    for (uint32_t i = 0; i < clauses->count; i++) {
        if (join_kind == RDB_JOIN_SEMI || join_kind == RDB_JOIN_ANTI)
            product *= join_selectivity_of(level, clauses->items[i], left_ids, join_kind, right_rows);
        else if (!is_part[i])
            product *= pair_selectivity(level, clauses, left_ids, join_kind, right_rows, i, is_part);
    }
    return has_key ? product * RDB_MAX(parts, key_share) : product;
}

/* The smallest and the largest value that the figures know. */
static bool value_extremes(const plan_subject *s, rdb_datum *smallest, rdb_datum *largest)
{
    const rdb_statistics *figures = s->figures;
    bool any = false;
    if (figures == NULL || s->type->ops == NULL || s->type->ops->compare == NULL)
        return false;
    for (uint32_t i = 0; i < figures->common_count + (figures->bound_count > 1 ? 2 : 0); i++) {
        const rdb_datum value = i < figures->common_count ? figures->common_values[i] : figures->bounds[i == figures->common_count ? 0 : figures->bound_count - 1];
        if (!any || plan_compare_values(s, value, *smallest) < 0)
            *smallest = value;
        if (!any || plan_compare_values(s, value, *largest) > 0)
            *largest = value;
        any = true;
    }
    return any;
}

static plan_merge_part merge_part(planner *p, const plan_subject *left, const plan_subject *right)
{
    plan_merge_part part = {0, 1, 0, 1};
    rdb_datum left_low, left_high, right_low, right_high;
    if (left->type->oid != right->type->oid || left->type->rep != right->type->rep || !value_extremes(left, &left_low, &left_high) || !value_extremes(right, &right_low, &right_high))
        return part;
    part.left_end = plan_share_below(p, left, 2, right_high);
    part.right_end = plan_share_below(p, right, 2, left_high);
    part.left_begin = plan_share_below(p, left, 1, right_low);
    part.right_begin = plan_share_below(p, right, 1, left_low);
    /* only one side can end early, and only one can begin late */
    *(part.left_end > part.right_end ? &part.left_end : &part.right_end) = 1;
    *(part.left_begin < part.right_begin ? &part.left_begin : &part.right_begin) = 0;
    if (part.left_begin >= part.left_end || part.right_begin >= part.right_end)
        part = (plan_merge_part){0, 1, 0, 1};
    return part;
}

/* The search for a join order asks for the same two keys at each pair of sides that they join: the answer is looked for once. */
typedef struct known_part {
    const rdb_expr *left, *right;
    plan_merge_part part;
} known_part;

plan_merge_part plan_merge_parts(plan_level *level, const rdb_expr *left_expr, const rdb_expr *right_expr)
{
    for (uint32_t i = 0; i < level->merge_parts.count; i++) {
        const known_part *known = level->merge_parts.items[i];
        if (known->left == left_expr && known->right == right_expr)
            return known->part;
    }
    const plan_subject left = plan_examine(level, left_expr), right = plan_examine(level, right_expr);
    known_part *known = RDB_NEW(level->p->arena, known_part);
    *known = (known_part){left_expr, right_expr, merge_part(level->p, &left, &right)};
    rdb_list_push(level->p->arena, &level->merge_parts, known);
    return known->part;
}

double plan_bucket_share(plan_level *level, const rdb_expr *expr, double buckets)
{
    bool is_guess = false;
    const plan_subject s = plan_examine(level, expr);
    double distinct = plan_subject_distinct(&s, &is_guess);
    const double commonest = s.figures != NULL && s.figures->common_count > 0 ? (double)s.figures->common_fractions[0] : 0;
    if (is_guess)
        return RDB_MAX(0.1, commonest);
    const double average = (1 - plan_null_fraction(&s)) / distinct;
    if (s.rel != NULL && s.rel->tuples > 0)
        distinct = RDB_MAX(1.0, distinct * s.rel->rows / s.rel->tuples);
    double result = 1 / RDB_MIN(distinct, buckets);
    if (average > 0 && commonest > average)
        result *= commonest / average;
    return result < 1e-6 ? 1e-6 : plan_share(result);
}
