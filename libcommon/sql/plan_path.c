/* SPDX-License-Identifier: Apache-2.0
 * Ways to join two sets of relations, and what each costs. The formulas are those of System R (Selinger et al., 1979) as PostgreSQL
 * weighs them, so that plans take the shape its users know: a nested loop pays for each pair that it looks at, a hash join for each
 * row put in, looked up and met; who stops at the first partner (SEMI, ANTI) pays for part of the inner side. */
#include "sql/plan_append.h"
#include <math.h>

#define DISABLED 1e10
#define FUZZ 1.01      /* costs nearer than this count as equal: the start decides */
#define HAIR 1.0000000001
#define HASH_ROW_OVERHEAD 24.0
#define PAGE_BYTES 8192.0

double plan_clamp_rows(double rows)
{
    return rows < 1 ? 1 : rint(rows);
}

/* Of two that cost the same the first one stays. */
bool plan_path_is_cheaper(const plan_path *path, const plan_path *than)
{
    if (path->elapsed > than->elapsed * FUZZ)
        return false;
    if (than->elapsed > path->elapsed * FUZZ)
        return true;
    if (path->startup > than->startup * FUZZ)
        return false;
    if (than->startup > path->startup * FUZZ)
        return true;
    return path->elapsed * HAIR < than->elapsed;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------------- */
static double on_selectivity(plan_level *level, const plan_joining *j, uint8_t kind)
{
    return plan_join_selectivity(level, &j->on, j->left->relids, kind, j->right->rows);
}

double plan_joined_rows(plan_level *level, const plan_joining *j)
{
    const double left = j->left->rows, right = j->right->rows, selectivity = on_selectivity(level, j, j->kind);
    double rows = left * right * selectivity;
    switch ((rdb_join_kind)j->kind) {
    case RDB_JOIN_LEFT: rows = RDB_MAX(rows, left); break;
    case RDB_JOIN_RIGHT: rows = RDB_MAX(rows, right); break;
    case RDB_JOIN_FULL: rows = RDB_MAX(RDB_MAX(rows, left), right); break;
    case RDB_JOIN_SEMI: rows = left * selectivity; break;
    case RDB_JOIN_ANTI: rows = left * (1 - selectivity); break;
    default: break;
    }
    return plan_clamp_rows(rows * plan_selectivity_list(level, NULL, &j->filter));
}

/* ---- clauses ---------------------------------------------------------------------------------------------------------------------- */
/* An equality between the two sides: *left and *right are its halves, of one type. */
static bool split_equality(plan_level *level, rdb_expr *clause, plan_relids left_ids, plan_relids right_ids, rdb_expr **left, rdb_expr **right)
{
    planner *p = level->p;
    if (clause->kind != RDB_EXPR_FUNCTION)
        return false;
    rdb_expr_function *e = (rdb_expr_function *)clause;
    if (e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    rdb_expr *a = e->arguments.items[0], *b = e->arguments.items[1];
    plan_relids a_ids = plan_relids_of(a), b_ids = plan_relids_of(b);
    if (relids_empty(a_ids) || relids_empty(b_ids))
        return false;
    if (relids_within(a_ids, right_ids) && relids_within(b_ids, left_ids)) {
        rdb_expr *swap = a;
        a = b;
        b = swap;
    } else if (!relids_within(a_ids, left_ids) || !relids_within(b_ids, right_ids)) {
        return false;
    }
    rdb_error quiet = {0};
    bool ok = plan_is_equality(p, clause);
    if (ok && a->type->oid != b->type->oid)
        ok = plan_cast_to(p, &a, b->type) || plan_cast_to(p, &b, a->type);
    ok = ok && ((a->type->ops != NULL && a->type->ops->hash != NULL && a->type->ops->compare != NULL));
    rdb_error_clear(&quiet);
    *left = a;
    *right = b;
    return ok;
}

/* The comparison with what belongs to left on its left side: as EXPLAIN shows it. */
rdb_expr *plan_facing(planner *p, rdb_expr *clause, plan_relids left)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    const rdb_operator_entry *entry = NULL;
    const rdb_function *function = NULL;
    rdb_error quiet = {0};
    uint32_t commutator = 0;
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2 || relids_empty(plan_relids_of(e->arguments.items[1])) || relids_meet(plan_relids_of(e->arguments.items[0]), left) ||
        !relids_within(plan_relids_of(e->arguments.items[1]), left))
        return clause;
    if (rdb_operator_get(p->access, e->operator_oid, &entry, &quiet) && entry != NULL)
        commutator = entry->commutator_oid;
    bool ok = commutator != 0 && rdb_operator_get(p->access, commutator, &entry, &quiet) && entry != NULL && rdb_function_get(p->access, entry->function_oid, &function, &quiet) && function != NULL;
    rdb_error_clear(&quiet);
    if (!ok)
        return clause;
    rdb_expr_function *turned = rdb_arena_memdup(p->arena, e, sizeof *turned);
    turned->operator_oid = commutator;
    turned->function = function;
    turned->arguments = (rdb_list){0};
    rdb_list_push(p->arena, &turned->arguments, e->arguments.items[1]);
    rdb_list_push(p->arena, &turned->arguments, e->arguments.items[0]);
    return &turned->head;
}

/* ---- what conditions cost ------------------------------------------------------------------------------------------------------------ */
typedef struct call_cost {
    const rdb_plan *plan;
    double total;
} call_cost;

static bool see_call(void *context, rdb_expr *expr)
{
    call_cost *c = context;
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_SUBPLAN: { /* one that asks anew for each row costs its plan: half of it where the first rows may do */
        const rdb_expr_subplan *e = (const rdb_expr_subplan *)expr;
        const rdb_plan_subplan *subplan = &c->plan->subplans[e->subplan_no];
        c->total += COST_OPERATOR;
        if (subplan->is_correlated && subplan->node != NULL)
            c->total += subplan->node->total_cost * (e->sublink_kind == RDB_SUBLINK_EXISTS || e->sublink_kind == RDB_SUBLINK_ANY || e->sublink_kind == RDB_SUBLINK_ALL ? 0.5 : 1);
        return true;
    }
    case RDB_EXPR_ARRAY_OP: c->total += COST_OPERATOR * 5; break;
    case RDB_EXPR_FUNCTION:
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT:
    case RDB_EXPR_MINMAX:
    case RDB_EXPR_ROW_COMPARE:
    case RDB_EXPR_COERCE_IO: c->total += COST_OPERATOR; break;
    default: break;
    }
    return rdb_expr_visit_children(expr, see_call, context);
}

double plan_quals_cost(const planner *p, const rdb_list *quals)
{
    call_cost c = {.plan = p->plan};
    for (uint32_t i = 0; i < quals->count; i++)
        (void)see_call(&c, quals->items[i]);
    return c.total;
}

/* ---- paths ------------------------------------------------------------------------------------------------------------------------ */
static plan_partners find_partners(plan_level *level, const plan_joining *j, double right_rows)
{
    plan_partners found = {.stops = j->kind == RDB_JOIN_SEMI || j->kind == RDB_JOIN_ANTI};
    if (!found.stops)
        return found;
    found.share = on_selectivity(level, j, RDB_JOIN_SEMI);
    const double each = found.share > 0 ? RDB_MAX(1.0, on_selectivity(level, j, RDB_JOIN_INNER) * right_rows / found.share) : 1;
    found.looked_at = 2 / (each + 1);
    return found;
}

plan_path *plan_new_join(const plan_joiner *s, rdb_plan_kind kind)
{
    plan_path *path = RDB_NEW(s->level->p->arena, plan_path);
    path->kind = (uint8_t)kind;
    path->join_kind = s->j->kind;
    path->keeps_right = s->j->keeps_right;
    path->left = s->left;
    path->right = s->right;
    path->relids = s->set->relids;
    path->rows = s->set->rows;
    path->width = s->set->width;
    path->filter = s->j->filter;
    for (int w = 0; w < PLAN_RELIDS_WORDS; w++)
        path->needs.words[w] = (s->left->needs.words[w] | s->right->needs.words[w]) & ~path->relids.words[w];
    return path;
}

static bool same_order(const plan_sorted *one, const plan_sorted *other)
{
    return one->collation == other->collation && one->is_descending == other->is_descending && one->nulls_first == other->nulls_first &&
           (rdb_expr_equal(one->expr, other->expr) || (one->same != NULL && rdb_expr_equal(one->same, other->expr)) || (other->same != NULL && rdb_expr_equal(one->expr, other->same)));
}

/* Does path give all of the order that other gives? */
static bool gives_order_of(const plan_path *path, const plan_path *other)
{
    if (path->order.count < other->order.count)
        return false;
    for (uint32_t i = 0; i < other->order.count; i++)
        if (!same_order(path->order.items[i], other->order.items[i]))
            return false;
    return true;
}

#define ORDERED_MAX 6u /* of one set: beyond that the first ones stay */

static void add_ordered(planner *p, plan_set *set, plan_path *path)
{
    rdb_list kept = {0};
    if (path->order.count == 0 || (set->cheapest != path && gives_order_of(set->cheapest, path)))
        return;
    for (uint32_t i = 0; i < set->ordered.count; i++) {
        plan_path *one = set->ordered.items[i];
        if (gives_order_of(one, path) && !plan_path_is_cheaper(path, one))
            return;
        if (!gives_order_of(path, one) || plan_path_is_cheaper(one, path))
            rdb_list_push(p->arena, &kept, one);
    }
    if (kept.count < ORDERED_MAX)
        rdb_list_push(p->arena, &kept, path);
    set->ordered = kept;
}

void plan_add_path(plan_level *level, plan_set *set, plan_path *path)
{
    plan_path *dearer = path;
    plan_note_elapsed(level, path);
    if (set->cheapest == NULL || plan_path_is_cheaper(path, set->cheapest)) {
        dearer = set->cheapest;
        set->cheapest = path;
    }
    if (dearer != NULL)
        add_ordered(level->p, set, dearer);
}

/* What an index scan's rows are sorted by. */
static void note_index_order(plan_level *level, plan_path *path)
{
    const plan_rel *rel = path->rel;
    const rdb_relation_index *index = &rel->range->relation->indexes[path->index_no];
    for (uint32_t i = 0; i < path->bounds.count; i++)
        if (((const plan_match *)path->bounds.items[i])->is_any)
            return;
    for (uint16_t k = path->equal_columns; k < index->key_count && index->columns[k].column_number > 0; k++) {
        int32_t typmod = -1;
        uint32_t collation = 0;
        const int16_t number = index->columns[k].column_number;
        const rdb_type *type = plan_column_type(level, rel->range_no, number, &typmod, &collation);
        plan_sorted *sorted = RDB_NEW(level->p->arena, plan_sorted);
        if (index->columns[k].collation != collation && index->columns[k].collation != 0 && collation != 0)
            return;
        *sorted = (plan_sorted){.expr = plan_make_var(level->p, rel->range_no, number, type, typmod, collation), .collation = collation, .is_descending = index->columns[k].is_descending != path->is_backward,
                                .nulls_first = index->columns[k].nulls_first != path->is_backward};
        rdb_list_push(level->p->arena, &path->order, sorted);
    }
}

void plan_note_order(plan_level *level, plan_path *path)
{
    if (path->kind == RDB_PLAN_INDEX_SCAN && path->order.count == 0 && path->rel != NULL && path->rel->parent == NULL)
        note_index_order(level, path);
}

bool plan_add_ordered_paths(plan_level *level, plan_set *set, plan_rel *rel, const rdb_list *exprs)
{
    if (rel->has_built || rel->sample != NULL || level->p->context->no_index_scan || plan_is_parent(rel->range) || rel->range->relation->index_count == 0)
        return true;
    if (set->cheapest->kind == RDB_PLAN_INDEX_SCAN)
        note_index_order(level, set->cheapest);
    for (uint32_t i = 0; i < exprs->count; i++) {
        const rdb_expr_var *var = exprs->items[i];
        plan_path *path = NULL;
        if (var->head.kind != RDB_EXPR_VAR || var->range_no != rel->range_no || var->attribute_no <= 0)
            continue;
        const plan_order order = {.attribute_no = var->attribute_no};
        if (!plan_ordered_path(level, rel, &order, 1, &path))
            return false;
        if (path == NULL)
            continue;
        path->rows = set->rows;
        path->needs = set->cheapest->needs;
        note_index_order(level, path);
        if (path->order.count > 0)
            plan_add_path(level, set, path);
    }
    return true;
}

/* Does running it again give the rows that it has kept? */
static bool keeps_rows(const plan_path *path)
{
    if (path->kind == RDB_PLAN_RESULT)
        return true;
    if (path->rel == NULL || !path->rel->has_built || path->filter.count > 0)
        return false;
    switch ((rdb_plan_kind)path->rel->built.node->kind) {
    case RDB_PLAN_MATERIALIZE:
    case RDB_PLAN_RESULT:
    case RDB_PLAN_CTE_SCAN:
    case RDB_PLAN_VALUES_SCAN: return true;
    default: return false;
    }
}

/* Every left row with the right side run anew: first, then each time. indexed: the right side's bounds read the left row. */
static double loop_cost(const plan_joiner *s, double first, double again, double right_rows, double pair_cost, bool indexed)
{
    const double left_rows = s->left->rows;
    double pairs = left_rows * right_rows, cost = s->left->total;
    if (!s->partners.stops) {
        cost += first + (left_rows > 1 ? (left_rows - 1) * again : 0);
    } else {
        double matched = rint(left_rows * s->partners.share), unmatched = left_rows - matched;
        const double part = s->partners.looked_at;
        pairs = matched * right_rows * part;
        if (indexed) {
            cost += first * part + (matched > 1 ? (matched - 1) * again * part : 0) + unmatched * again / right_rows;
        } else {
            pairs += unmatched * right_rows;
            cost += first;
            if (unmatched > 0)
                unmatched -= 1;
            else
                matched -= 1;
            cost += RDB_MAX(matched, 0) * again * part + unmatched * again;
        }
    }
    return cost + pairs * (COST_TUPLE + pair_cost);
}

static void add_loop(plan_joiner *s, bool keeps_inner, double first, double again)
{
    planner *p = s->level->p;
    plan_path *loop = plan_new_join(s, RDB_PLAN_NEST_LOOP);
    loop->keeps_inner = keeps_inner;
    loop->condition = s->j->on;
    loop->startup = s->left->startup + s->right->startup;
    loop->total = loop_cost(s, first, again, s->right->rows, plan_quals_cost(p, &s->j->on), false) + (p->context->no_nest_loop ? DISABLED : 0);
    loop->order = s->left->order;
    plan_add_path(s->level, s->set, loop);
}

/* The range whose rows, or some of them, come in the order in which they stand in its table; 0: none. */
static uint32_t range_in_table_order(const plan_path *path)
{
    while (path != NULL && (path->kind == RDB_PLAN_NEST_LOOP || (path->kind == RDB_PLAN_HASH_JOIN && path->join_kind != RDB_JOIN_RIGHT && path->join_kind != RDB_JOIN_FULL)))
        path = path->left;
    return path != NULL && path->kind == RDB_PLAN_SEQ_SCAN ? path->rel->range_no : 0;
}

/* The right side is a table that an index looks up by the left row's values. */
static bool add_indexed_loop(plan_joiner *s)
{
    planner *p = s->level->p;
    plan_rel *rel = s->right->rel;
    rdb_list all = {0};
    plan_path *indexed = NULL;
    if (rel == NULL || rel->has_built || s->right->left != NULL || !relids_within(s->right->needs, s->left->relids))
        return true;
    for (uint32_t i = 0; i < rel->quals.count; i++)
        rdb_list_push(p->arena, &all, rel->quals.items[i]);
    for (uint32_t i = 0; i < s->j->on.count; i++)
        rdb_list_push(p->arena, &all, s->j->on.items[i]);
    s->level->outer_range_no = range_in_table_order(s->left);
    const bool ok = s->right->kind == RDB_PLAN_APPEND ? plan_append_index_path(s->level, rel, &all, s->left->relids, &indexed) : plan_index_paths(s->level, rel, &all, s->left->relids, &indexed);
    s->level->outer_range_no = 0;
    if (!ok)
        return false;
    if (indexed == NULL || relids_empty(indexed->needs))
        return true;
    plan_path *plain = s->right;
    s->right = indexed; /* which checks the conditions: by its bounds, or as a filter that sees the left row */
    plan_path *loop = plan_new_join(s, RDB_PLAN_NEST_LOOP);
    loop->startup = s->left->startup + indexed->startup;
    loop->total = loop_cost(s, indexed->total, indexed->total, indexed->rows, 0, true) + (p->context->no_nest_loop ? DISABLED : 0);
    s->right = plain;
    loop->order = s->left->order;
    plan_add_path(s->level, s->set, loop);
    return true;
}

static double hashed_bytes(const plan_path *path)
{
    return path->rows * (path->width + HASH_ROW_OVERHEAD);
}

static void add_hash(plan_joiner *s)
{
    planner *p = s->level->p;
    plan_path *hash = plan_new_join(s, RDB_PLAN_HASH_JOIN);
    const double left_rows = s->left->rows, right_rows = s->right->rows, keys = s->left_keys.count, buckets = exp2(ceil(log2(RDB_MAX(right_rows, 1024.0))));
    const double room = p->context->work_mem_bytes > 0 ? (double)p->context->work_mem_bytes : 4194304.0;
    double share = 1, met = s->rows;
    for (uint32_t i = 0; i < s->right_keys.count; i++)
        share = RDB_MIN(share, plan_bucket_share(s->level, s->right_keys.items[i], buckets));
    hash->left_keys = s->left_keys;
    hash->right_keys = s->right_keys;
    hash->key_clauses = s->key_clauses;
    hash->condition = s->rest;
    hash->startup = s->left->startup + s->right->total + right_rows * (COST_OPERATOR * keys + COST_TUPLE);
    hash->total = hash->startup + s->left->total - s->left->startup + left_rows * COST_OPERATOR * keys;
    if (s->partners.stops) {
        const double matched = rint(left_rows * s->partners.share), unmatched = left_rows - matched;
        hash->total += COST_OPERATOR * keys * (matched * plan_clamp_rows(right_rows * share * s->partners.looked_at) * 0.5 + unmatched * plan_clamp_rows(right_rows / buckets) * 0.05);
        met = s->j->kind == RDB_JOIN_ANTI ? unmatched : matched;
    } else {
        double looked_at = left_rows * plan_clamp_rows(right_rows * share);
        if (s->left->total + s->right->total >= PLAN_LONG_RUN) /* a bucket's tag says at once that there is no partner */
            looked_at = RDB_MIN(looked_at, left_rows + s->rows);
        hash->total += COST_OPERATOR * keys * looked_at * 0.5;
    }
    hash->total += met * (COST_TUPLE + plan_quals_cost(p, &s->rest));
    if (hashed_bytes(s->right) > 2 * room) { /* both sides go through files */
        const double right_pages = ceil(hashed_bytes(s->right) / PAGE_BYTES), left_pages = ceil(hashed_bytes(s->left) / PAGE_BYTES);
        hash->startup += right_pages * COST_SEQ_PAGE;
        hash->total += (2 * right_pages + 2 * left_pages) * COST_SEQ_PAGE;
    }
    if (p->context->no_hash_join)
        hash->total += DISABLED;
    plan_add_path(s->level, s->set, hash);
}

static bool is_never_true(const rdb_list *filter)
{
    for (uint32_t i = 0; i < filter->count; i++) {
        const rdb_expr_const *one = filter->items[i];
        if (one->head.kind == RDB_EXPR_CONST && one->head.type->oid == RDB_BOOLOID && (one->is_null || !one->value.b))
            return true;
    }
    return false;
}

bool plan_gives_nothing(const plan_path *path)
{
    return (path->kind == RDB_PLAN_APPEND && path->children.count == 0) || is_never_true(&path->filter);
}

/* Is nothing left of it where a condition never holds? Of a join, of a parent's children, and of a table that no other condition is asked of;
 * above one that has conditions of its own (a = 1 AND a = 2 leaves one of the two) it is a gate, as PostgreSQL has it. */
bool plan_is_cut_short(const plan_path *path)
{
    const bool is_plain = path->kind != RDB_PLAN_RESULT && path->filter.count == 0 && path->bounds.count == 0 && path->bitmap == NULL && path->implied.count == 0;
    return path->left != NULL || path->kind == RDB_PLAN_APPEND || path->kind == RDB_PLAN_MERGE_APPEND || is_plain || plan_gives_nothing(path);
}

plan_path *plan_nothing(plan_level *level, plan_path *shape)
{
    planner *p = level->p;
    plan_path *path = RDB_NEW(p->arena, plan_path);
    rdb_expr_const *never = RDB_NEW(p->arena, rdb_expr_const);
    never->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .typmod = -1};
    if (!rdb_type_get(p->access, RDB_BOOLOID, &never->head.type, p->err))
        return NULL;
    *path = (plan_path){.kind = RDB_PLAN_RESULT, .is_nothing = true, .left = shape, .relids = shape->relids, .needs = shape->needs, .rows = 1, .width = shape->width};
    rdb_list_push(p->arena, &path->filter, &never->head);
    return path;
}

/* A join that has no row because a side of it has none. */
static bool joins_nothing(const plan_joining *j)
{
    const bool left = plan_gives_nothing(j->left->cheapest), right = plan_gives_nothing(j->right->cheapest);
    switch (j->kind) {
    case RDB_JOIN_INNER:
    case RDB_JOIN_SEMI: return left || right;
    case RDB_JOIN_LEFT:
    case RDB_JOIN_ANTI: return left;
    case RDB_JOIN_RIGHT: return right;
    default: return left && right;
    }
}

bool plan_add_join_paths(plan_level *level, plan_set *set, const plan_joining *j)
{
    planner *p = level->p;
    plan_joiner s = {.level = level, .set = set, .j = j, .left = j->left->cheapest, .right = j->right->cheapest, .rows = set->rows};
    if (relids_meet(s.left->needs, s.right->relids))
        return true;
    if (j->kind == RDB_JOIN_LEFT && is_never_true(&j->on) && !plan_gives_nothing(s.right) && (s.right = plan_nothing(level, s.right)) == NULL) /* its right side is never read */
        return false;
    const bool is_lateral = relids_meet(s.right->needs, s.left->relids);
    if (is_lateral && (j->kind == RDB_JOIN_RIGHT || j->kind == RDB_JOIN_FULL))
        return true;
    if (joins_nothing(j)) {
        plan_path *nothing = plan_nothing(level, plan_new_join(&s, RDB_PLAN_NEST_LOOP));
        if (nothing == NULL)
            return false;
        nothing->left->filter = (rdb_list){0};
        set->cheapest = nothing;
        set->ordered = (rdb_list){0};
        set->rows = 1;
        return true;
    }
    s.partners = find_partners(level, j, s.right->rows);
    for (uint32_t i = 0; i < j->on.count; i++) {
        rdb_expr *a = NULL, *b = NULL;
        if (split_equality(level, j->on.items[i], s.left->relids, s.right->relids, &a, &b)) {
            rdb_list_push(p->arena, &s.left_keys, a);
            rdb_list_push(p->arena, &s.right_keys, b);
            rdb_list_push(p->arena, &s.key_clauses, plan_facing(p, j->on.items[i], s.left->relids));
        } else {
            rdb_list_push(p->arena, &s.rest, j->on.items[i]);
        }
    }
    const bool may_loop = j->kind != RDB_JOIN_FULL && j->kind != RDB_JOIN_RIGHT, kept = keeps_rows(s.right);
    for (uint32_t i = 0; may_loop && i <= j->left->ordered.count; i++) {
        s.left = i == 0 ? j->left->cheapest : j->left->ordered.items[i - 1];
        add_loop(&s, false, s.right->total, kept ? s.right->rows * COST_OPERATOR : s.right->total);
        if (!is_lateral && !kept && !p->context->no_material) { /* read once, then kept */
            const double put = 2 * COST_OPERATOR * s.right->rows;
            add_loop(&s, true, s.right->total + put, s.right->rows * COST_OPERATOR);
        }
        if (!add_indexed_loop(&s))
            return false;
    }
    s.left = j->left->cheapest;
    if (is_lateral)
        return true;
    if (s.left_keys.count > 0)
        add_hash(&s);
    plan_add_merges(&s);
    return true;
}
