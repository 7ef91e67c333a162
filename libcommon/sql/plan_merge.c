/* SPDX-License-Identifier: Apache-2.0
 * Merge joins: which orders of the keys are tried, from which side each comes, and what sorting and merging cost. A side is sorted
 * already where an index or a join below gives the order; else it is sorted first. The right side is read again over runs of equal
 * keys, and both only as far as the other side's values reach. */
#include "sql/plan_int.h"
#include <math.h>

#define DISABLED 1e10
#define SORT_ROW_OVERHEAD 24.0
#define PAGE_BYTES 8192.0
#define MERGE_KEYS_MAX 32u

static double room_of(const planner *p)
{
    return p->context->work_mem_bytes > 0 ? (double)p->context->work_mem_bytes : 4194304.0;
}

void plan_sort_cost(planner *p, double rows, int32_t width, double input, double *startup, double *total)
{
    const double bytes = rows * (width + SORT_ROW_OVERHEAD), room = room_of(p), many = RDB_MAX(rows, 2.0);
    double cost = input + 2 * COST_OPERATOR * many * log2(many) + (p->context->no_sort ? DISABLED : 0);
    if (bytes > room) { /* runs are written and merged */
        const double pages = ceil(bytes / PAGE_BYTES), runs = bytes / room, ways = RDB_MAX(6.0, room / (PAGE_BYTES * 33));
        const double passes = runs > ways ? ceil(log(runs) / log(ways)) : 1;
        cost += 2 * pages * passes * (COST_SEQ_PAGE * 0.75 + COST_RANDOM_PAGE * 0.25);
    }
    *startup = cost;
    *total = cost + COST_OPERATOR * rows;
}

typedef struct merge_keys { /* some of the equalities, in the order of the sort */
    uint32_t count;
    uint32_t at[MERGE_KEYS_MAX];       /* in the joiner's lists */
    plan_sorted orders[MERGE_KEYS_MAX];
} merge_keys;

static bool is_sorted_so(const plan_path *path, const rdb_list *exprs, const merge_keys *keys)
{
    if (path->order.count < keys->count)
        return false;
    for (uint32_t i = 0; i < keys->count; i++) {
        const plan_sorted *sorted = path->order.items[i];
        const rdb_expr *expr = exprs->items[keys->at[i]];
        if (sorted->collation != keys->orders[i].collation || sorted->is_descending != keys->orders[i].is_descending || sorted->nulls_first != keys->orders[i].nulls_first ||
            !(rdb_expr_equal(sorted->expr, expr) || (sorted->same != NULL && rdb_expr_equal(sorted->same, expr))))
            return false;
    }
    return true;
}

static uint32_t clause_collation(const rdb_list *clauses, uint32_t at)
{
    return ((const rdb_expr_function *)clauses->items[at])->input_collation;
}

/* The equalities that the path's order begins with. */
static void keys_of_order(const plan_path *path, const rdb_list *exprs, const rdb_list *clauses, merge_keys *keys)
{
    keys->count = 0;
    for (uint32_t i = 0; i < path->order.count && keys->count < MERGE_KEYS_MAX; i++) {
        const plan_sorted *sorted = path->order.items[i];
        uint32_t at = 0;
        while (at < exprs->count && !(rdb_expr_equal(sorted->expr, exprs->items[at]) || (sorted->same != NULL && rdb_expr_equal(sorted->same, exprs->items[at]))))
            at++;
        if (at == exprs->count || sorted->collation != clause_collation(clauses, at))
            return;
        keys->at[keys->count] = at;
        keys->orders[keys->count++] = *sorted;
    }
}

typedef struct merge_side {
    plan_path *path;
    bool sorts;
    double startup, total;
} merge_side;

static merge_side sorted_side(planner *p, plan_path *path)
{
    merge_side side = {.path = path, .sorts = true};
    plan_sort_cost(p, path->rows, path->width, path->total, &side.startup, &side.total);
    return side;
}

/* The cheapest path of the set in this order; path NULL: there is none. */
static merge_side ready_side(const plan_set *set, const rdb_list *exprs, const merge_keys *keys)
{
    merge_side side = {0};
    for (uint32_t i = 0; i <= set->ordered.count; i++) {
        plan_path *path = i == 0 ? set->cheapest : set->ordered.items[i - 1];
        if (is_sorted_so(path, exprs, keys) && (side.path == NULL || path->total < side.total))
            side = (merge_side){.path = path, .startup = path->startup, .total = path->total};
    }
    return side;
}

static void add_merge(plan_joiner *s, const merge_keys *keys, const merge_side *left, const merge_side *right)
{
    planner *p = s->level->p;
    const plan_joining *j = s->j;
    s->left = left->path;
    s->right = right->path;
    plan_path *merge = plan_new_join(s, RDB_PLAN_MERGE_JOIN);
    plan_sorted *orders = RDB_NEW_ARRAY(p->arena, plan_sorted, keys->count + 1);
    bool *is_key = RDB_NEW_ARRAY(p->arena, bool, s->left_keys.count + 1);
    for (uint32_t i = 0; i < keys->count; i++) {
        const uint32_t at = keys->at[i];
        is_key[at] = true;
        rdb_list_push(p->arena, &merge->left_keys, s->left_keys.items[at]);
        rdb_list_push(p->arena, &merge->right_keys, s->right_keys.items[at]);
        rdb_list_push(p->arena, &merge->key_clauses, s->key_clauses.items[at]);
        orders[i] = (plan_sorted){.expr = s->left_keys.items[at], .same = j->kind == RDB_JOIN_INNER ? s->right_keys.items[at] : NULL, .collation = keys->orders[i].collation, .is_descending = keys->orders[i].is_descending, .nulls_first = keys->orders[i].nulls_first};
        if (j->kind == RDB_JOIN_RIGHT)
            orders[i].expr = s->right_keys.items[at];
        if (j->kind != RDB_JOIN_FULL)
            rdb_list_push(p->arena, &merge->order, &orders[i]);
    }
    for (uint32_t i = 0; i < s->left_keys.count; i++)
        if (!is_key[i])
            rdb_list_push(p->arena, &merge->condition, s->key_clauses.items[i]);
    for (uint32_t i = 0; i < s->rest.count; i++)
        rdb_list_push(p->arena, &merge->condition, s->rest.items[i]);
    merge->orders = orders;
    merge->sorts_left = left->sorts;
    merge->sorts_right = right->sorts;
    /* how far each side is read */
    plan_merge_part part = {0, 1, 0, 1};
    if (keys->count > 0 && !keys->orders[0].is_descending)
        part = plan_merge_parts(s->level, merge->left_keys.items[0], merge->right_keys.items[0]);
    if (j->kind == RDB_JOIN_LEFT || j->kind == RDB_JOIN_ANTI || j->kind == RDB_JOIN_FULL)
        part.left_begin = 0, part.left_end = 1;
    if (j->kind == RDB_JOIN_RIGHT || j->kind == RDB_JOIN_FULL)
        part.right_begin = 0, part.right_end = 1;
    const double left_rows = plan_clamp_rows(left->path->rows * part.left_end), right_rows = plan_clamp_rows(right->path->rows * part.right_end);
    const double left_skipped = rint(left->path->rows * part.left_begin), right_skipped = rint(right->path->rows * part.right_begin);
    double startup = left->startup + (left->total - left->startup) * part.left_begin + right->startup + (right->total - right->startup) * part.right_begin;
    double run = (left->total - left->startup) * (part.left_end - part.left_begin);
    const double right_run = (right->total - right->startup) * (part.right_end - part.right_begin);
    /* rows of the right side that are met again */
    const bool reads_once = s->partners.stops && merge->condition.count == 0;
    double again = reads_once ? 0 : s->rows - right->path->rows;
    const double ratio = 1 + RDB_MAX(again, 0.0) / RDB_MAX(right_rows, 1.0);
    const double bare = right_run * ratio, kept = right_run + COST_OPERATOR * right_rows * ratio;
    merge->keeps_inner = !reads_once && !p->context->no_material && (kept < bare || (!right->sorts && right->path->kind != RDB_PLAN_INDEX_SCAN) ||
                                                                     (right->sorts && right->path->rows * (right->path->width + SORT_ROW_OVERHEAD) > room_of(p)));
    run += merge->keeps_inner ? kept : bare;
    const double per_row = COST_OPERATOR * keys->count;
    startup += per_row * (left_skipped + right_skipped * ratio);
    run += per_row * (left_rows - left_skipped + (right_rows - right_skipped) * ratio);
    run += s->rows * (COST_TUPLE + plan_quals_cost(p, &merge->condition));
    merge->startup = startup;
    merge->total = startup + run + (p->context->no_merge_join ? DISABLED : 0);
    plan_add_path(s->level, s->set, merge);
}

static void try_order(plan_joiner *s, const merge_keys *keys)
{
    planner *p = s->level->p;
    const merge_side left_ready = ready_side(s->j->left, &s->left_keys, keys), right_ready = ready_side(s->j->right, &s->right_keys, keys);
    const merge_side left_sorted = sorted_side(p, s->j->left->cheapest), right_sorted = sorted_side(p, s->j->right->cheapest);
    const bool has_keys = keys->count > 0;
    for (int l = 0; l < 2; l++)
        for (int r = 0; r < 2; r++) {
            const merge_side *left = l == 0 ? &left_ready : &left_sorted, *right = r == 0 ? &right_ready : &right_sorted;
            if (left->path != NULL && right->path != NULL && (has_keys || (l == 0 && r == 0)))
                add_merge(s, keys, left, right);
        }
}

void plan_add_merges(plan_joiner *s)
{
    const plan_joining *j = s->j;
    const bool needs_all = j->kind == RDB_JOIN_RIGHT || j->kind == RDB_JOIN_FULL;
    merge_keys keys = {0};
    if (s->left_keys.count == 0 && j->kind != RDB_JOIN_FULL)
        return;
    for (uint32_t i = 0; needs_all && i < s->rest.count; i++) /* of such conditions constants alone can be checked */
        if (((const rdb_expr *)s->rest.items[i])->kind != RDB_EXPR_CONST)
            return;
    for (uint32_t i = 0; i < s->left_keys.count && i < MERGE_KEYS_MAX; i++) {
        keys.at[keys.count] = i;
        keys.orders[keys.count++] = (plan_sorted){.collation = clause_collation(&s->key_clauses, i)};
    }
    if (needs_all && keys.count < s->left_keys.count)
        return;
    try_order(s, &keys);
    for (int side = 0; side < 2; side++) {
        const plan_set *set = side == 0 ? j->left : j->right;
        for (uint32_t i = 0; i <= set->ordered.count; i++) {
            keys_of_order(i == 0 ? set->cheapest : set->ordered.items[i - 1], side == 0 ? &s->left_keys : &s->right_keys, &s->key_clauses, &keys);
            if (keys.count > 0 && !(needs_all && keys.count < s->left_keys.count))
                try_order(s, &keys);
        }
    }
}
