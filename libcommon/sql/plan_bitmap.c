/* SPDX-License-Identifier: Apache-2.0
 * Scans by addresses that indexes give: of one index, of several whose addresses are intersected, of one for each side of an OR. The
 * table is read in its own order, each page once, so that many rows cost less than by the index's order. Indexes that keep terms
 * can be read in no other way. Costs are PostgreSQL's. */
#include "sql/plan_int.h"
#include <math.h>

#define CANDIDATES_MAX 16u
#define DISABLED 1e10

typedef struct finder {
    plan_level *level;
    plan_rel *rel;
    plan_relids outer;
} finder;

static bool has_clause(const rdb_list *list, const rdb_expr *clause)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == clause)
            return true;
    return false;
}

/* ---- one index ---------------------------------------------------------------------------------------------------------------- */
static bool strategy_of(const rdb_index_column *column, uint32_t operator_oid, uint8_t *strategy)
{
    for (uint32_t i = 0; i < column->operator_count; i++)
        if (column->operators[i].operator_oid == operator_oid && column->operators[i].strategy <= UINT8_MAX) {
            *strategy = (uint8_t)column->operators[i].strategy;
            return true;
        }
    return false;
}

static uint32_t commutator_of(planner *p, uint32_t operator_oid)
{
    const rdb_operator_entry *entry = NULL;
    rdb_error quiet = {0};
    const bool ok = rdb_operator_get(p->access, operator_oid, &entry, &quiet) && entry != NULL;
    rdb_error_clear(&quiet);
    return ok ? entry->commutator_oid : 0;
}

/* Is the clause an operator of the column's family, over the column and a value known before the scan begins? */
static bool match_operator(const finder *f, uint16_t index_no, uint16_t column_no, rdb_expr *clause, plan_match *match)
{
    planner *p = f->level->p;
    const rdb_index_column *column = &f->rel->range->relation->indexes[index_no].columns[column_no];
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    plan_relids own = relids_none();
    uint8_t strategy = 0;
    relids_add(&own, f->rel->range_no);
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1], *value = NULL;
    if (!relids_meet(plan_relids_of(right), own) && strategy_of(column, e->operator_oid, &strategy) && plan_is_index_key(f->level, f->rel, index_no, column_no, left))
        value = right;
    else if (!relids_meet(plan_relids_of(left), own) && plan_is_index_key(f->level, f->rel, index_no, column_no, right) &&
             strategy_of(column, commutator_of(p, e->operator_oid), &strategy))
        value = left;
    if (value == NULL || !relids_within(plan_relids_of(value), relids_union(own, f->outer)) || rdb_expr_volatility(value) == 'v' ||
        (column->collation != 0 && e->input_collation != 0 && !rdb_collation_same_equality(column->collation, e->input_collation)))
        return false;
    const bool sums_up = column->sums_up; /* compares encoded values: of one type */
    if (sums_up && value->type->oid != column->type->oid && value->type->rep != RDB_REP_BYTES && !plan_cast_to(p, &value, column->type))
        return false;
    if (sums_up && (value->type->rep != column->type->rep || (column->collation != 0 && !rdb_collation_same_order(column->collation, e->input_collation))))
        return false;
    *match = (plan_match){.column_no = column_no, .strategy = strategy, .value = value, .clause = clause};
    return true;
}

static bool match_null(const finder *f, uint16_t index_no, uint16_t column_no, rdb_expr *clause, plan_match *match)
{
    const rdb_expr_null_test *e = (const rdb_expr_null_test *)clause;
    if (clause->kind != RDB_EXPR_NULL_TEST || e->argument_is_row || !plan_is_index_key(f->level, f->rel, index_no, column_no, e->argument))
        return false;
    *match = (plan_match){.column_no = column_no, .strategy = e->is_not ? RDB_PLAN_BOUND_IS_NOT_NULL : RDB_PLAN_BOUND_IS_NULL, .clause = clause};
    return true;
}

/* How many ranges of terms a search reads; *is_whole: all entries. What is not known yet is taken for two. */
static double count_ranges(const finder *f, uint16_t index_no, const plan_match *match, bool *is_whole)
{
    planner *p = f->level->p;
    const rdb_index_column *column = &f->rel->range->relation->indexes[index_no].columns[match->column_no];
    const rdb_expr_const *value = (const rdb_expr_const *)match->value;
    rdb_error quiet = {0};
    rdb_call call = {.arena = p->arena, .err = &quiet, .format = p->context->format, .collation = column->collation, .session = &p->eval};
    rdb_term_query *query = NULL;
    bool is_exact;
    *is_whole = false;
    if (value->head.kind != RDB_EXPR_CONST)
        return 2;
    const bool ok = !value->is_null && rdb_terms_ask(&call, column->terms, match->column_no, column->type, match->strategy, value->head.type, value->value, &query, &is_exact);
    rdb_error_clear(&quiet);
    if (!ok || query == NULL)
        return 1;
    *is_whole = query->kind == RDB_TERMS_ALL;
    return rdb_term_query_ranges(query);
}

static plan_bitmap *new_bitmap(const finder *f, rdb_plan_kind kind)
{
    plan_bitmap *bitmap = RDB_NEW(f->level->p->arena, plan_bitmap);
    bitmap->kind = (uint8_t)kind;
    return bitmap;
}

static void add_needs(plan_bitmap *bitmap, const plan_relids *relids, const plan_rel *rel)
{
    plan_relids own = relids_none();
    relids_add(&own, rel->range_no);
    for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
        bitmap->needs.words[w] |= relids->words[w] & ~own.words[w];
}

/* Conditions that are what a partial index has rows for: the index takes care of them. */
static bool add_predicate(const finder *f, uint16_t index_no, const rdb_list *clauses, plan_bitmap *bitmap)
{
    const plan_index *trees = NULL;
    if (!plan_index_trees(f->level, f->rel, index_no, &trees))
        return false;
    for (uint32_t i = 0; i < clauses->count; i++)
        for (uint32_t k = 0; k < trees->predicate.count && !has_clause(&bitmap->used, clauses->items[i]); k++)
            if (rdb_expr_equal(clauses->items[i], trees->predicate.items[k]))
                rdb_list_push(f->level->p->arena, &bitmap->used, clauses->items[i]);
    bitmap->known = bitmap->used;
    return true;
}

static bool term_bitmap(const finder *f, uint16_t index_no, const rdb_list *clauses, plan_bitmap **out)
{
    planner *p = f->level->p;
    const rdb_relation_index *index = &f->rel->range->relation->indexes[index_no];
    const plan_index *trees = NULL;
    double ranges = 0;
    bool any_part = false;
    if (!plan_index_counts(p, index) || ((index->predicate_tree != NULL || index->expression_tree != NULL) && f->rel->parent != NULL))
        return true;
    if (!plan_index_trees(f->level, f->rel, index_no, &trees))
        return false;
    if (trees->predicate.count > 0 && !plan_implies_predicate(f->level, clauses, trees))
        return true;
    plan_bitmap *bitmap = new_bitmap(f, RDB_PLAN_BITMAP_INDEX_SCAN);
    bitmap->index_no = index_no;
    rdb_list conditions = {0};
    for (uint32_t at = 0; at < clauses->count * index->key_count; at++) { /* column by column */
        const uint32_t i = at % clauses->count;
        const uint16_t k = (uint16_t)(at / clauses->count);
        plan_match match;
        bool is_whole = false;
        if (has_clause(&bitmap->used, clauses->items[i]) || (index->columns[k].terms == NULL && !index->columns[k].sums_up) ||
            (!match_operator(f, index_no, k, clauses->items[i], &match) && (!index->columns[k].sums_up || !match_null(f, index_no, k, clauses->items[i], &match))))
            continue;
        const plan_relids needs = match.value != NULL ? plan_relids_of(match.value) : relids_none();
        if (index->kind == RDB_INDEX_TERMS)
            ranges += count_ranges(f, index_no, &match, &is_whole);
        any_part = any_part || !is_whole;
        add_needs(bitmap, &needs, f->rel);
        rdb_list_push(p->arena, &bitmap->bounds, rdb_arena_memdup(p->arena, &match, sizeof match));
        rdb_list_push(p->arena, &bitmap->used, clauses->items[i]);
        rdb_list_push(p->arena, &conditions, clauses->items[i]);
    }
    if (bitmap->bounds.count == 0)
        return true;
    for (uint32_t i = 0; i < trees->predicate.count; i++)
        rdb_list_push(p->arena, &conditions, trees->predicate.items[i]);
    bitmap->share = RDB_MIN(1.0, plan_selectivity_list(f->level, f->rel, &conditions));
    const double rows = any_part ? f->rel->tuples * bitmap->share : f->rel->tuples * 10;
    bitmap->cost = COST_RANDOM_PAGE * (1 + ranges) + ceil(rows / 300) * COST_SEQ_PAGE + rows * COST_INDEX_TUPLE + (any_part ? 0 : f->rel->pages * COST_RANDOM_PAGE);
    if (index->kind == RDB_INDEX_SUMMARY) { /* whole stretches are read, and the summaries of all of them looked at */
        const double stretches = ceil(f->rel->pages * 8192 / rdb_storage_page_bytes(f->rel->range->relation->table.storage) / index->range_blocks);
        const double correlation = plan_index_correlation(f->rel, index_no);
        const double met = RDB_MIN(stretches, ceil(stretches * bitmap->share) / RDB_MAX(fabs(correlation), 1e-10));
        bitmap->share = RDB_MIN(1.0, RDB_MAX(met / RDB_MAX(stretches, 1.0), bitmap->share));
        bitmap->cost = COST_RANDOM_PAGE + stretches * (COST_OPERATOR * 100 * bitmap->bounds.count);
    }
    *out = bitmap;
    return add_predicate(f, index_no, clauses, bitmap);
}

static bool index_bitmap(const finder *f, uint16_t index_no, const rdb_list *clauses, plan_bitmap **out)
{
    plan_path *path = NULL;
    *out = NULL;
    if (f->rel->range->relation->indexes[index_no].kind != RDB_INDEX_ORDERED)
        return term_bitmap(f, index_no, clauses, out);
    if (!plan_index_path(f->level, f->rel, index_no, clauses, f->outer, &path))
        return false;
    if (path == NULL || path->used.count == 0)
        return true;
    plan_bitmap *bitmap = new_bitmap(f, RDB_PLAN_BITMAP_INDEX_SCAN);
    bitmap->index_no = index_no;
    bitmap->bounds = path->bounds;
    bitmap->used = path->used;
    for (uint32_t i = 0; i < path->used.count; i++) {
        const plan_relids needs = plan_relids_of(path->used.items[i]);
        add_needs(bitmap, &needs, f->rel);
    }
    bitmap->cost = path->index_cost;
    bitmap->share = RDB_MIN(1.0, path->index_rows / RDB_MAX(f->rel->tuples, 1.0));
    *out = bitmap;
    return add_predicate(f, index_no, clauses, bitmap);
}

/* ---- several ------------------------------------------------------------------------------------------------------------------ */
/* What reading the table costs by these addresses, the indexes included: between a page at random for each row and the whole table in
 * order. */
static double heap_cost(const finder *f, const plan_bitmap *bitmap, double *startup)
{
    const plan_rel *rel = f->rel;
    const double pages = RDB_MAX(rel->pages, 1.0), rows = plan_clamp_rows(bitmap->share * rel->tuples), read = plan_pages_fetched(rows, pages, 0);
    const double page = read >= 2 ? COST_RANDOM_PAGE - (COST_RANDOM_PAGE - COST_SEQ_PAGE) * sqrt(read / pages) : COST_RANDOM_PAGE;
    *startup = bitmap->cost + 0.1 * COST_OPERATOR * rows;
    return *startup + read * page + rows * (COST_TUPLE + plan_quals_cost(f->level->p, &rel->quals));
}

static plan_bitmap *combine(const finder *f, rdb_plan_kind kind, const rdb_list *children)
{
    planner *p = f->level->p;
    plan_bitmap *made = new_bitmap(f, kind);
    made->children = *children;
    made->share = kind == RDB_PLAN_BITMAP_AND ? 1 : 0;
    for (uint32_t i = 0; i < children->count; i++) {
        const plan_bitmap *child = children->items[i];
        made->cost += child->cost + (i > 0 ? 100 * COST_OPERATOR : 0);
        made->share = kind == RDB_PLAN_BITMAP_AND ? made->share * child->share : RDB_MIN(1.0, made->share + child->share);
        made->needs = relids_union(made->needs, child->needs);
        for (uint32_t k = 0; kind == RDB_PLAN_BITMAP_AND && k < child->used.count; k++)
            rdb_list_push(p->arena, &made->used, child->used.items[k]);
        for (uint32_t k = 0; kind == RDB_PLAN_BITMAP_AND && k < child->known.count; k++)
            rdb_list_push(p->arena, &made->known, child->known.items[k]);
    }
    return made;
}

static bool best_bitmap(const finder *f, const rdb_list *clauses, uint32_t depth, plan_bitmap **best);

static bool knows_all(const plan_bitmap *bitmap, const rdb_list *clauses)
{
    for (uint32_t i = 0; i < clauses->count; i++)
        if (!has_clause(&bitmap->known, clauses->items[i]))
            return false;
    return true;
}

/* One for each side of an OR. Of a side that is an AND indexes may ask for a part. */
static bool or_bitmap(const finder *f, rdb_expr *clause, uint32_t depth, plan_bitmap **out)
{
    planner *p = f->level->p;
    const rdb_expr_bool *e = (const rdb_expr_bool *)clause;
    rdb_list children = {0}, parts = {0};
    bool is_whole = true;
    *out = NULL;
    if (clause->kind != RDB_EXPR_BOOL || e->bool_kind != RDB_BOOL_OR || depth > 20)
        return true;
    for (uint32_t i = 0; i < e->arguments.count; i++) {
        rdb_list side = {0};
        plan_bitmap *child = NULL;
        plan_split_conjuncts(p, e->arguments.items[i], &side);
        if (!best_bitmap(f, &side, depth + 1, &child))
            return false;
        if (child == NULL)
            return true;
        rdb_list_push(p->arena, &children, child);
        rdb_list_push(p->arena, &parts, plan_bool_of(p, RDB_BOOL_AND, &child->known));
        is_whole = is_whole && knows_all(child, &side);
    }
    *out = combine(f, RDB_PLAN_BITMAP_OR, &children);
    rdb_list_push(p->arena, &(*out)->used, clause);
    rdb_list_push(p->arena, &(*out)->known, is_whole ? clause : plan_bool_of(p, RDB_BOOL_OR, &parts));
    return true;
}

/* The best single one, and others with it as long as that makes the whole cheaper. */
static plan_bitmap *choose(const finder *f, plan_bitmap **candidates, uint32_t count)
{
    double startup, least = INFINITY;
    plan_bitmap *best = NULL;
    rdb_list chosen = {0};
    for (uint32_t i = 0; i < count; i++) {
        const double cost = heap_cost(f, candidates[i], &startup);
        if (cost < least) {
            least = cost;
            best = candidates[i];
        }
    }
    if (best == NULL)
        return NULL;
    rdb_list_push(f->level->p->arena, &chosen, best);
    for (uint32_t i = 0; i < count; i++) {
        plan_bitmap *one = candidates[i];
        bool is_new = true;
        for (uint32_t k = 0; k < one->used.count; k++)
            is_new = is_new && !has_clause(&best->used, one->used.items[k]);
        if (!is_new)
            continue;
        rdb_list more = {0};
        for (uint32_t k = 0; k < chosen.count; k++)
            rdb_list_push(f->level->p->arena, &more, chosen.items[k]);
        rdb_list_push(f->level->p->arena, &more, one);
        plan_bitmap *both = combine(f, RDB_PLAN_BITMAP_AND, &more);
        const double cost = heap_cost(f, both, &startup);
        if (cost >= least)
            continue;
        least = cost;
        best = both;
        chosen = more;
    }
    return best;
}

static bool best_bitmap(const finder *f, const rdb_list *clauses, uint32_t depth, plan_bitmap **best)
{
    plan_bitmap *candidates[CANDIDATES_MAX];
    uint32_t count = 0;
    *best = NULL;
    for (uint16_t i = 0; i < f->rel->range->relation->index_count && count < CANDIDATES_MAX; i++) {
        if (!index_bitmap(f, i, clauses, &candidates[count]))
            return false;
        count += candidates[count] != NULL;
    }
    for (uint32_t i = 0; i < clauses->count && count < CANDIDATES_MAX; i++) {
        if (!or_bitmap(f, clauses->items[i], depth, &candidates[count]))
            return false;
        count += candidates[count] != NULL;
    }
    *best = choose(f, candidates, count);
    return true;
}

bool plan_bitmap_path(plan_level *level, plan_rel *rel, const rdb_list *clauses, plan_relids outer, plan_path **best)
{
    planner *p = level->p;
    const finder f = {level, rel, outer};
    plan_bitmap *bitmap = NULL;
    *best = NULL;
    if (rel->range->relation->index_count == 0 || clauses->count == 0)
        return true;
    if (!best_bitmap(&f, clauses, 0, &bitmap))
        return false;
    if (bitmap == NULL)
        return true;
    plan_path *path = RDB_NEW(p->arena, plan_path);
    path->kind = RDB_PLAN_BITMAP_HEAP_SCAN;
    path->rel = rel;
    path->width = rel->width;
    path->bitmap = bitmap;
    path->total = heap_cost(&f, bitmap, &path->startup) + (p->context->no_bitmap_scan ? DISABLED : 0);
    path->rows = plan_clamp_rows(rel->tuples * plan_selectivity_list(level, rel, clauses));
    relids_add(&path->relids, rel->range_no);
    for (uint32_t i = 0; i < clauses->count; i++) {
        const plan_relids needs = plan_relids_of(clauses->items[i]);
        for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
            path->needs.words[w] |= needs.words[w] & ~path->relids.words[w];
        if (!has_clause(&bitmap->known, clauses->items[i]))
            rdb_list_push(p->arena, &path->filter, clauses->items[i]);
    }
    *best = path;
    return true;
}
