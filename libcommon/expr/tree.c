/* SPDX-License-Identifier: Apache-2.0
 * Walking, copying, comparing and folding expression trees. Trees are immutable: a change copies the nodes on the way up. */
#include "expr/rdb_expr.h"

/* What is done with the places where children hang: `list` sees a list before its items, `item` each child. */
typedef struct walker {
    rdb_arena *arena; /* copying: lists and structs are duplicated first; NULL: only looking */
    rdb_expr *(*map)(void *context, rdb_expr *child);
    void *context;
    bool failed, changed;
} walker;

static void walk_child(walker *w, rdb_expr **child)
{
    if (*child == NULL || w->failed)
        return;
    rdb_expr *mapped = w->map(w->context, *child);
    if (mapped == NULL) {
        w->failed = true;
        return;
    }
    if (mapped != *child) {
        w->changed = true;
        *child = mapped;
    }
}

static void walk_list(walker *w, rdb_list *list)
{
    if (w->arena != NULL && list->count > 0) {
        list->items = rdb_arena_memdup(w->arena, list->items, list->count * sizeof *list->items);
        list->capacity = list->count;
    }
    for (uint32_t i = 0; i < list->count && !w->failed; i++) {
        rdb_expr *child = list->items[i];
        walk_child(w, &child);
        if (child != list->items[i])
            list->items[i] = child;
    }
}

static size_t node_bytes(const rdb_expr *expr)
{
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_CONST: return sizeof(rdb_expr_const);
    case RDB_EXPR_VAR: return sizeof(rdb_expr_var);
    case RDB_EXPR_PARAM: return sizeof(rdb_expr_param);
    case RDB_EXPR_FUNCTION: return sizeof(rdb_expr_function);
    case RDB_EXPR_ARRAY_OP: return sizeof(rdb_expr_array_op);
    case RDB_EXPR_BOOL: return sizeof(rdb_expr_bool);
    case RDB_EXPR_CASE: return sizeof(rdb_expr_case);
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_DOMAIN_VALUE: return sizeof(rdb_expr_case_test);
    case RDB_EXPR_COALESCE:
    case RDB_EXPR_MINMAX: return sizeof(rdb_expr_list);
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT: return sizeof(rdb_expr_pair);
    case RDB_EXPR_NULL_TEST: return sizeof(rdb_expr_null_test);
    case RDB_EXPR_BOOL_TEST: return sizeof(rdb_expr_bool_test);
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_FIELD:
    case RDB_EXPR_ROW_CONVERT: return sizeof(rdb_expr_unary);
    case RDB_EXPR_ARRAY_COERCE: return sizeof(rdb_expr_array_coerce);
    case RDB_EXPR_ARRAY: return sizeof(rdb_expr_array);
    case RDB_EXPR_ROW: return sizeof(rdb_expr_row);
    case RDB_EXPR_ROW_COMPARE: return sizeof(rdb_expr_row_compare);
    case RDB_EXPR_SUBSCRIPT: return sizeof(rdb_expr_subscript);
    case RDB_EXPR_SUBLINK: return sizeof(rdb_expr_sublink);
    case RDB_EXPR_AGGREGATE: return sizeof(rdb_expr_aggregate);
    case RDB_EXPR_WINDOW: return sizeof(rdb_expr_window);
    case RDB_EXPR_GROUPING: return sizeof(rdb_expr_grouping);
    case RDB_EXPR_SQL_VALUE: return sizeof(rdb_expr_sql_value);
    case RDB_EXPR_NEXT_VALUE: return sizeof(rdb_expr_next_value);
    case RDB_EXPR_DEFAULT: return sizeof(rdb_expr);
    case RDB_EXPR_SLOT: return sizeof(rdb_expr_slot);
    case RDB_EXPR_SUBPLAN: return sizeof(rdb_expr_subplan);
    }
    return sizeof(rdb_expr);
}

/* Calls w->map for each direct child of node, in the order they are evaluated. */
static void walk_children(walker *w, rdb_expr *node)
{
    switch ((rdb_expr_kind)node->kind) {
    case RDB_EXPR_FUNCTION:
        walk_list(w, &((rdb_expr_function *)node)->arguments);
        break;
    case RDB_EXPR_ARRAY_OP: {
        rdb_expr_array_op *e = (rdb_expr_array_op *)node;
        walk_child(w, &e->left);
        walk_child(w, &e->right);
        break;
    }
    case RDB_EXPR_BOOL:
        walk_list(w, &((rdb_expr_bool *)node)->arguments);
        break;
    case RDB_EXPR_CASE: {
        rdb_expr_case *e = (rdb_expr_case *)node;
        walk_child(w, &e->argument);
        if (w->arena != NULL && e->whens.count > 0)
            e->whens.items = rdb_arena_memdup(w->arena, e->whens.items, e->whens.count * sizeof *e->whens.items);
        for (uint32_t i = 0; i < e->whens.count; i++) {
            rdb_case_when *when = e->whens.items[i];
            if (w->arena != NULL)
                when = e->whens.items[i] = rdb_arena_memdup(w->arena, when, sizeof *when);
            walk_child(w, &when->condition);
            walk_child(w, &when->result);
        }
        walk_child(w, &e->otherwise);
        break;
    }
    case RDB_EXPR_COALESCE:
    case RDB_EXPR_MINMAX:
        walk_list(w, &((rdb_expr_list *)node)->arguments);
        break;
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT: {
        rdb_expr_pair *e = (rdb_expr_pair *)node;
        walk_child(w, &e->left);
        walk_child(w, &e->right);
        break;
    }
    case RDB_EXPR_NULL_TEST:
        walk_child(w, &((rdb_expr_null_test *)node)->argument);
        break;
    case RDB_EXPR_BOOL_TEST:
        walk_child(w, &((rdb_expr_bool_test *)node)->argument);
        break;
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_FIELD:
    case RDB_EXPR_ROW_CONVERT:
        walk_child(w, &((rdb_expr_unary *)node)->argument);
        break;
    case RDB_EXPR_ARRAY_COERCE: {
        rdb_expr_array_coerce *e = (rdb_expr_array_coerce *)node;
        walk_child(w, &e->argument);
        walk_child(w, &e->element);
        break;
    }
    case RDB_EXPR_ARRAY:
        walk_list(w, &((rdb_expr_array *)node)->elements);
        break;
    case RDB_EXPR_ROW:
        walk_list(w, &((rdb_expr_row *)node)->fields);
        break;
    case RDB_EXPR_ROW_COMPARE:
        walk_list(w, &((rdb_expr_row_compare *)node)->left);
        walk_list(w, &((rdb_expr_row_compare *)node)->right);
        break;
    case RDB_EXPR_SUBSCRIPT: {
        rdb_expr_subscript *e = (rdb_expr_subscript *)node;
        walk_child(w, &e->argument);
        rdb_list *bounds[2] = {&e->lower, &e->upper}; /* items may be NULL: walk_child skips them */
        for (int side = 0; side < 2; side++) {
            if (w->arena != NULL && bounds[side]->count > 0)
                bounds[side]->items = rdb_arena_memdup(w->arena, bounds[side]->items, bounds[side]->count * sizeof(void *));
            for (uint32_t i = 0; i < bounds[side]->count; i++) {
                rdb_expr *bound = bounds[side]->items[i];
                walk_child(w, &bound);
                if (bound != bounds[side]->items[i])
                    bounds[side]->items[i] = bound;
            }
        }
        walk_child(w, &e->assignment);
        break;
    }
    case RDB_EXPR_SUBLINK:
        walk_list(w, &((rdb_expr_sublink *)node)->left);
        walk_child(w, &((rdb_expr_sublink *)node)->test);
        break;
    case RDB_EXPR_AGGREGATE: {
        rdb_expr_aggregate *e = (rdb_expr_aggregate *)node;
        walk_list(w, &e->direct_arguments);
        if (w->arena != NULL && e->arguments.count > 0)
            e->arguments.items = rdb_arena_memdup(w->arena, e->arguments.items, e->arguments.count * sizeof(void *));
        for (uint32_t i = 0; i < e->arguments.count; i++) {
            rdb_target *target = e->arguments.items[i];
            if (w->arena != NULL)
                target = e->arguments.items[i] = rdb_arena_memdup(w->arena, target, sizeof *target);
            walk_child(w, &target->expr);
        }
        walk_child(w, &e->filter);
        break;
    }
    case RDB_EXPR_WINDOW: {
        rdb_expr_window *e = (rdb_expr_window *)node;
        walk_list(w, &e->arguments);
        walk_child(w, &e->filter);
        break;
    }
    case RDB_EXPR_GROUPING:
        walk_list(w, &((rdb_expr_grouping *)node)->arguments);
        break;
    case RDB_EXPR_SUBPLAN:
        walk_list(w, &((rdb_expr_subplan *)node)->arguments);
        break;
    case RDB_EXPR_CONST:
    case RDB_EXPR_VAR:
    case RDB_EXPR_PARAM:
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_DOMAIN_VALUE:
    case RDB_EXPR_SQL_VALUE:
    case RDB_EXPR_NEXT_VALUE:
    case RDB_EXPR_DEFAULT:
    case RDB_EXPR_SLOT:
        break;
    }
}

rdb_expr *rdb_expr_map_children(rdb_arena *arena, rdb_expr *expr, rdb_expr *(*map)(void *context, rdb_expr *child), void *context)
{
    size_t bytes = node_bytes(expr);
    rdb_expr *copy = rdb_arena_memdup(arena, expr, bytes);
    walker w = {.arena = arena, .map = map, .context = context};
    walk_children(&w, copy);
    return w.failed ? NULL : w.changed ? copy : expr;
}

/* Does the type's text depend on nothing but the value, and its value on nothing but the text? */
static bool has_fixed_text(const rdb_type *type)
{
    switch (type->oid) {
    case RDB_BOOLOID:
    case RDB_INT2OID:
    case RDB_INT4OID:
    case RDB_INT8OID:
    case RDB_FLOAT4OID:
    case RDB_FLOAT8OID:
    case RDB_NUMERICOID:
    case RDB_OIDOID:
    case RDB_TEXTOID:
    case RDB_VARCHAROID:
    case RDB_BPCHAROID:
    case RDB_NAMEOID:
    case RDB_UUIDOID:
    case RDB_JSONOID:
    case RDB_JSONBOID: return true;
    default: return false;
    }
}

/* ---- volatility ---------------------------------------------------------------------------------------------------------- */
static rdb_expr *look_volatility(void *context, rdb_expr *expr)
{
    char *worst = context;
    char own = 'i';
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_FUNCTION: own = ((rdb_expr_function *)expr)->function->volatility; break;
    case RDB_EXPR_ARRAY_OP: own = ((rdb_expr_array_op *)expr)->function->volatility; break;
    case RDB_EXPR_NEXT_VALUE:
    case RDB_EXPR_SUBLINK: /* what it does is not looked into */
    case RDB_EXPR_SUBPLAN: own = 'v'; break;
    case RDB_EXPR_COERCE_IO:
        own = has_fixed_text(expr->type) && has_fixed_text(((rdb_expr_unary *)expr)->argument->type) ? 'i' : 's';
        break;
    case RDB_EXPR_SQL_VALUE:
    case RDB_EXPR_COERCE_DOMAIN: own = 's'; break;
    default: break;
    }
    if (own == 'v' || (own == 's' && *worst == 'i'))
        *worst = own;
    walker w = {.map = look_volatility, .context = context};
    walk_children(&w, expr);
    return expr;
}

char rdb_expr_volatility(const rdb_expr *expr)
{
    char worst = 'i';
    look_volatility(&worst, (rdb_expr *)(uintptr_t)expr);
    return worst;
}

/* ---- equality -------------------------------------------------------------------------------------------------------------- */
typedef struct child_list {
    rdb_expr *items[64];
    uint32_t count;
} child_list;

static rdb_expr *collect_child(void *context, rdb_expr *child)
{
    child_list *list = context;
    if (list->count < RDB_COUNT_OF(list->items))
        list->items[list->count] = child;
    list->count++;
    return child;
}

static bool equal_datum(uint8_t rep, rdb_datum left, rdb_datum right)
{
    if (rep == RDB_REP_BYTES)
        return left.bytes.length == right.bytes.length && (left.bytes.length == 0 || memcmp(left.bytes.data, right.bytes.data, left.bytes.length) == 0);
    return memcmp(&left, &right, rdb_rep_width(rep)) == 0;
}

static rdb_expr_query_equality query_equality; /* set once at start */

void rdb_expr_set_query_equality(rdb_expr_query_equality equality)
{
    query_equality = equality;
}

static bool same_sublinks(const rdb_expr_sublink *left, const rdb_expr_sublink *right)
{
    if (query_equality == NULL || left->sublink_kind != right->sublink_kind || left->use_or != right->use_or || left->functions.count != right->functions.count)
        return false;
    for (uint32_t i = 0; i < left->functions.count; i++)
        if (((const rdb_function *)left->functions.items[i])->oid != ((const rdb_function *)right->functions.items[i])->oid)
            return false;
    return query_equality(left->query, right->query);
}

/* Of slices bounds may be left out; children are only those that are there. */
static bool same_bounds(const rdb_list *left, const rdb_list *right)
{
    if (left->count != right->count)
        return false;
    for (uint32_t i = 0; i < left->count; i++)
        if ((left->items[i] == NULL) != (right->items[i] == NULL))
            return false;
    return true;
}

static bool same_order(const rdb_expr_aggregate *left, const rdb_expr_aggregate *right)
{
    if (left->order.count != right->order.count || left->arguments.count != right->arguments.count)
        return false;
    for (uint32_t i = 0; i < left->arguments.count; i++) {
        const rdb_target *a = left->arguments.items[i], *b = right->arguments.items[i];
        if (a->sort_ref != b->sort_ref || a->is_junk != b->is_junk)
            return false;
    }
    for (uint32_t i = 0; i < left->order.count; i++) {
        const rdb_sort_item *a = left->order.items[i], *b = right->order.items[i];
        if (a->target_ref != b->target_ref || a->order_oid != b->order_oid || a->is_descending != b->is_descending || a->nulls_first != b->nulls_first)
            return false;
    }
    return true;
}

bool rdb_expr_equal(const rdb_expr *left, const rdb_expr *right)
{
    if (left == right)
        return true;
    /* A column is the same one under whichever collation it is read (members of a set operation differ there). */
    if (left == NULL || right == NULL || left->kind != right->kind || (left->collation != right->collation && left->kind != RDB_EXPR_VAR) ||
        (left->type != right->type && left->type->oid != right->type->oid))
        return false;
    switch ((rdb_expr_kind)left->kind) {
    case RDB_EXPR_CONST: {
        const rdb_expr_const *a = (const void *)left, *b = (const void *)right;
        return a->is_null == b->is_null && (a->is_null || equal_datum(left->type->rep, a->value, b->value));
    }
    case RDB_EXPR_VAR: {
        const rdb_expr_var *a = (const void *)left, *b = (const void *)right;
        return a->range_no == b->range_no && a->attribute_no == b->attribute_no && a->levels_up == b->levels_up;
    }
    case RDB_EXPR_PARAM: {
        const rdb_expr_param *a = (const void *)left, *b = (const void *)right;
        return a->param_kind == b->param_kind && a->param_no == b->param_no;
    }
    case RDB_EXPR_SLOT:
        return ((const rdb_expr_slot *)left)->slot_no == ((const rdb_expr_slot *)right)->slot_no;
    case RDB_EXPR_SUBLINK:
        if (!same_sublinks((const rdb_expr_sublink *)left, (const rdb_expr_sublink *)right))
            return false;
        break;
    case RDB_EXPR_SUBPLAN:
    case RDB_EXPR_NEXT_VALUE:
        return false;
    case RDB_EXPR_SQL_VALUE:
        return ((const rdb_expr_sql_value *)left)->value == ((const rdb_expr_sql_value *)right)->value && left->typmod == right->typmod &&
               ((const rdb_expr_sql_value *)left)->cursor == ((const rdb_expr_sql_value *)right)->cursor;
    case RDB_EXPR_FUNCTION:
        if (((const rdb_expr_function *)left)->function->oid != ((const rdb_expr_function *)right)->function->oid ||
            ((const rdb_expr_function *)left)->input_collation != ((const rdb_expr_function *)right)->input_collation)
            return false;
        break;
    case RDB_EXPR_ARRAY_OP:
        if (((const rdb_expr_array_op *)left)->function->oid != ((const rdb_expr_array_op *)right)->function->oid ||
            ((const rdb_expr_array_op *)left)->use_or != ((const rdb_expr_array_op *)right)->use_or)
            return false;
        break;
    case RDB_EXPR_BOOL:
        if (((const rdb_expr_bool *)left)->bool_kind != ((const rdb_expr_bool *)right)->bool_kind)
            return false;
        break;
    case RDB_EXPR_CASE: {
        const rdb_expr_case *a = (const void *)left, *b = (const void *)right;
        if ((a->argument == NULL) != (b->argument == NULL) || a->whens.count != b->whens.count || (a->otherwise == NULL) != (b->otherwise == NULL))
            return false;
        break;
    }
    case RDB_EXPR_MINMAX:
        if (((const rdb_expr_list *)left)->is_least != ((const rdb_expr_list *)right)->is_least)
            return false;
        break;
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT:
        if (((const rdb_expr_pair *)left)->function->oid != ((const rdb_expr_pair *)right)->function->oid)
            return false;
        break;
    case RDB_EXPR_NULL_TEST:
        if (((const rdb_expr_null_test *)left)->is_not != ((const rdb_expr_null_test *)right)->is_not)
            return false;
        break;
    case RDB_EXPR_BOOL_TEST:
        if (((const rdb_expr_bool_test *)left)->test != ((const rdb_expr_bool_test *)right)->test)
            return false;
        break;
    case RDB_EXPR_FIELD:
        if (((const rdb_expr_unary *)left)->field_no != ((const rdb_expr_unary *)right)->field_no)
            return false;
        break;
    case RDB_EXPR_ROW_COMPARE:
        if (((const rdb_expr_row_compare *)left)->strategy != ((const rdb_expr_row_compare *)right)->strategy)
            return false;
        break;
    case RDB_EXPR_SUBSCRIPT: {
        const rdb_expr_subscript *a = (const void *)left, *b = (const void *)right;
        if (a->is_slice != b->is_slice || a->assignment || b->assignment || a->upper.count != b->upper.count || !same_bounds(&a->lower, &b->lower) || !same_bounds(&a->upper, &b->upper))
            return false;
        break;
    }
    case RDB_EXPR_AGGREGATE: {
        const rdb_expr_aggregate *a = (const void *)left, *b = (const void *)right;
        if (a->function->oid != b->function->oid || a->levels_up != b->levels_up || a->is_star != b->is_star || !same_order(a, b) ||
            a->distinct.count != b->distinct.count || (a->filter == NULL) != (b->filter == NULL))
            return false;
        break;
    }
    case RDB_EXPR_WINDOW: {
        const rdb_expr_window *a = (const void *)left, *b = (const void *)right;
        if (a->function->oid != b->function->oid || a->window_no != b->window_no || a->is_star != b->is_star || (a->filter == NULL) != (b->filter == NULL))
            return false;
        break;
    }
    case RDB_EXPR_GROUPING: { /* of keys that fold to equal constants each is another one */
        const rdb_expr_grouping *a = (const void *)left, *b = (const void *)right;
        for (uint32_t i = 0; a->refs != NULL && b->refs != NULL && i < a->arguments.count && a->arguments.count == b->arguments.count; i++)
            if (a->refs[i] != b->refs[i])
                return false;
        break;
    }
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_DOMAIN_VALUE:
    case RDB_EXPR_COALESCE:
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_ROW_CONVERT:
    case RDB_EXPR_ARRAY_COERCE:
    case RDB_EXPR_ARRAY:
    case RDB_EXPR_ROW:
    case RDB_EXPR_DEFAULT:
        break;
    }
    child_list a = {.count = 0}, b = {.count = 0};
    walker wa = {.map = collect_child, .context = &a}, wb = {.map = collect_child, .context = &b};
    walk_children(&wa, (rdb_expr *)(uintptr_t)left);
    walk_children(&wb, (rdb_expr *)(uintptr_t)right);
    if (a.count != b.count || a.count > RDB_COUNT_OF(a.items))
        return false;
    for (uint32_t i = 0; i < a.count; i++)
        if (!rdb_expr_equal(a.items[i], b.items[i]))
            return false;
    return true;
}

/* ---- folding --------------------------------------------------------------------------------------------------------------- */
typedef struct folder {
    rdb_arena *arena;
    rdb_eval *eval;
    rdb_error *err;
    uint32_t depth;
    rdb_expr *case_value; /* what CASE_TEST stands for here, where it is a constant; else NULL */
} folder;

static rdb_expr *fold_node(void *context, rdb_expr *expr);

static bool is_constant(const rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_CONST;
}

static bool is_null_constant(const rdb_expr *expr)
{
    return is_constant(expr) && ((const rdb_expr_const *)expr)->is_null;
}

static rdb_expr *make_constant(folder *f, const rdb_expr *like, rdb_datum value, bool is_null)
{
    rdb_expr_const *constant = RDB_NEW(f->arena, rdb_expr_const);
    constant->head = *like;
    constant->head.kind = RDB_EXPR_CONST;
    constant->value = value;
    constant->is_null = is_null;
    return &constant->head;
}

/* The value of an expression whose inputs are all constants. Computing it may fail, as it does in PostgreSQL before any row is
 * there; what CASE, AND, OR and COALESCE make unreachable is not folded. */
static rdb_expr *evaluate_now(folder *f, rdb_expr *expr)
{
    rdb_program *program = NULL;
    rdb_datum value;
    bool is_null = true;
    if (!rdb_program_compile(&program, f->arena, f->eval, &expr, 1, f->err) || !rdb_program_value(program, f->eval, f->arena, 0, &value, &is_null, f->err) ||
        (!is_null && !rdb_datum_copy(f->arena, expr->type->rep, value, &value, f->err)))
        return NULL;
    return make_constant(f, expr, value, is_null);
}

/* AND without true, OR without false; a deciding constant decides, and nothing behind it counts. */
static rdb_expr *fold_bool(folder *f, rdb_expr_bool *e)
{
    const bool deciding = e->bool_kind == RDB_BOOL_OR;
    rdb_list kept = {0};
    bool has_changed = false;
    for (uint32_t i = 0; i < e->arguments.count; i++) {
        rdb_expr *argument = fold_node(f, e->arguments.items[i]);
        if (argument == NULL)
            return NULL;
        has_changed |= argument != e->arguments.items[i];
        if (is_constant(argument) && !is_null_constant(argument)) {
            bool value = ((rdb_expr_const *)argument)->value.b;
            if (value != deciding)
                continue;
            return make_constant(f, &e->head, (rdb_datum){.b = value}, false);
        }
        rdb_list_push(f->arena, &kept, argument);
    }
    if (kept.count == 0)
        return make_constant(f, &e->head, (rdb_datum){.b = !deciding}, false);
    if (kept.count == 1)
        return kept.items[0];
    if (!has_changed && kept.count == e->arguments.count)
        return &e->head;
    rdb_expr_bool *copy = rdb_arena_memdup(f->arena, e, sizeof *e);
    copy->arguments = kept;
    return &copy->head;
}

static rdb_expr *fold_coalesce(folder *f, rdb_expr_list *e)
{
    rdb_list kept = {0};
    for (uint32_t i = 0; i < e->arguments.count; i++) {
        rdb_expr *argument = fold_node(f, e->arguments.items[i]);
        if (argument == NULL)
            return NULL;
        if (is_null_constant(argument))
            continue;
        if (is_constant(argument) && kept.count == 0)
            return argument;
        rdb_list_push(f->arena, &kept, argument);
        if (is_constant(argument))
            break;
    }
    if (kept.count == 0)
        return make_constant(f, &e->head, (rdb_datum){.words = {0, 0}}, true);
    rdb_expr_list *copy = rdb_arena_memdup(f->arena, e, sizeof *e);
    copy->arguments = kept;
    return &copy->head;
}

static rdb_expr *fold_case(folder *f, rdb_expr_case *e)
{
    rdb_expr_case *copy = rdb_arena_memdup(f->arena, e, sizeof *e);
    rdb_expr *outer_value = f->case_value;
    bool is_decided = false;
    if (e->argument != NULL && (copy->argument = fold_node(f, e->argument)) == NULL)
        return NULL;
    copy->whens = (rdb_list){0};
    for (uint32_t i = 0; i < e->whens.count && !is_decided; i++) {
        const rdb_case_when *when = e->whens.items[i];
        f->case_value = copy->argument != NULL && is_constant(copy->argument) ? copy->argument : e->argument != NULL ? NULL : outer_value;
        rdb_expr *condition = fold_node(f, when->condition);
        f->case_value = outer_value;
        if (condition == NULL)
            return NULL;
        if (is_constant(condition) && (is_null_constant(condition) || !((rdb_expr_const *)condition)->value.b))
            continue;
        rdb_expr *result = fold_node(f, when->result);
        if (result == NULL)
            return NULL;
        if (is_constant(condition)) {
            copy->otherwise = result;
            is_decided = true;
            break;
        }
        rdb_case_when *folded = RDB_NEW(f->arena, rdb_case_when);
        *folded = (rdb_case_when){condition, result};
        rdb_list_push(f->arena, &copy->whens, folded);
    }
    if (!is_decided && e->otherwise != NULL && (copy->otherwise = fold_node(f, e->otherwise)) == NULL)
        return NULL;
    if (copy->whens.count == 0)
        return copy->otherwise != NULL ? copy->otherwise : make_constant(f, &e->head, (rdb_datum){.words = {0, 0}}, true);
    return &copy->head;
}

static rdb_expr *make_not(folder *f, rdb_expr *argument)
{
    rdb_expr_bool *made = RDB_NEW(f->arena, rdb_expr_bool);
    made->head = *argument;
    made->head.kind = RDB_EXPR_BOOL;
    made->bool_kind = RDB_BOOL_NOT;
    rdb_list_push(f->arena, &made->arguments, argument);
    return &made->head;
}

/* NOT carried inward, as far as there is a form that says the opposite. */
static rdb_expr *negate(folder *f, rdb_expr *expr)
{
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_CONST:
        return ((rdb_expr_const *)expr)->is_null ? expr : make_constant(f, expr, (rdb_datum){.b = !((rdb_expr_const *)expr)->value.b}, false);
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *e = (const rdb_expr_bool *)expr;
        if (e->bool_kind == RDB_BOOL_NOT)
            return e->arguments.items[0];
        rdb_expr_bool *turned = rdb_arena_memdup(f->arena, e, sizeof *e);
        turned->bool_kind = e->bool_kind == RDB_BOOL_AND ? RDB_BOOL_OR : RDB_BOOL_AND;
        turned->arguments = (rdb_list){0};
        for (uint32_t i = 0; i < e->arguments.count; i++) {
            if (++f->depth > RDB_TREE_DEPTH_MAX)
                return make_not(f, expr);
            rdb_list_push(f->arena, &turned->arguments, negate(f, e->arguments.items[i]));
            f->depth--;
        }
        return &turned->head;
    }
    case RDB_EXPR_NULL_TEST: {
        rdb_expr_null_test *turned = rdb_arena_memdup(f->arena, expr, sizeof *turned);
        turned->is_not = !turned->is_not; /* of a row value the two are no opposites */
        return turned->argument_is_row ? make_not(f, expr) : &turned->head;
    }
    case RDB_EXPR_BOOL_TEST: {
        static const uint8_t OPPOSITE[] = {RDB_IS_NOT_TRUE, RDB_IS_TRUE, RDB_IS_NOT_FALSE, RDB_IS_FALSE, RDB_IS_NOT_UNKNOWN, RDB_IS_UNKNOWN};
        rdb_expr_bool_test *turned = rdb_arena_memdup(f->arena, expr, sizeof *turned);
        turned->test = OPPOSITE[turned->test];
        return &turned->head;
    }
    case RDB_EXPR_FUNCTION:
    case RDB_EXPR_ARRAY_OP: {
        const uint32_t oid = expr->kind == RDB_EXPR_FUNCTION ? ((rdb_expr_function *)expr)->operator_oid : ((rdb_expr_array_op *)expr)->operator_oid;
        const rdb_operator_entry *entry = NULL, *opposite = NULL;
        const rdb_function *function = NULL;
        rdb_error quiet = {0};
        bool ok = oid != 0 && f->eval->access != NULL && rdb_operator_get(f->eval->access, oid, &entry, &quiet) && entry != NULL && entry->negator_oid != 0 &&
                  rdb_operator_get(f->eval->access, entry->negator_oid, &opposite, &quiet) && opposite != NULL &&
                  rdb_function_get(f->eval->access, opposite->function_oid, &function, &quiet) && function != NULL;
        rdb_error_clear(&quiet);
        if (!ok)
            return make_not(f, expr);
        if (expr->kind == RDB_EXPR_FUNCTION) {
            rdb_expr_function *turned = rdb_arena_memdup(f->arena, expr, sizeof *turned);
            turned->operator_oid = opposite->oid;
            turned->function = function;
            return &turned->head;
        }
        rdb_expr_array_op *turned = rdb_arena_memdup(f->arena, expr, sizeof *turned);
        turned->operator_oid = opposite->oid;
        turned->function = function;
        turned->use_or = !turned->use_or;
        return &turned->head;
    }
    default:
        return make_not(f, expr);
    }
}

/* x = true is x, x = false is NOT x; the same of <>. */
static rdb_expr *fold_truth(folder *f, rdb_expr_function *e)
{
    enum { BOOL_EQUAL = 91, BOOL_NOT_EQUAL = 85 };
    if ((e->operator_oid != BOOL_EQUAL && e->operator_oid != BOOL_NOT_EQUAL) || e->arguments.count != 2)
        return &e->head;
    rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1];
    const rdb_expr_const *constant = (const rdb_expr_const *)(is_constant(left) ? left : right);
    rdb_expr *other = is_constant(left) ? right : left;
    if (constant->head.kind != RDB_EXPR_CONST || constant->is_null)
        return &e->head;
    return constant->value.b == (e->operator_oid == BOOL_EQUAL) ? other : negate(f, other);
}

static rdb_expr *fold_here(folder *f, rdb_expr *expr)
{
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_FUNCTION: {
        rdb_expr_function *e = (rdb_expr_function *)expr;
        bool all = true, any_null = false;
        for (uint32_t i = 0; i < e->arguments.count; i++) {
            all = all && is_constant(e->arguments.items[i]);
            any_null = any_null || is_null_constant(e->arguments.items[i]);
        }
        if (e->returns_set || e->function->returns_set)
            return expr;
        if (any_null && e->function->is_strict && e->function->volatility != 'v')
            return make_constant(f, expr, (rdb_datum){.words = {0, 0}}, true);
        if (!all && e->operator_oid != 0)
            return fold_truth(f, e);
        if (!all || e->function->volatility != 'i' || rdb_kernel_find(e->function->kernel_oid != 0 ? e->function->kernel_oid : e->function->oid) == NULL)
            return expr;
        return evaluate_now(f, expr);
    }
    case RDB_EXPR_BOOL:
        return negate(f, ((rdb_expr_bool *)expr)->arguments.items[0]);
    case RDB_EXPR_ARRAY: {
        const rdb_list *elements = &((rdb_expr_array *)expr)->elements;
        for (uint32_t i = 0; i < elements->count; i++)
            if (!is_constant(elements->items[i]))
                return expr;
        return evaluate_now(f, expr);
    }
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *e = (const rdb_expr_array_op *)expr;
        if (is_null_constant(e->right) && e->function->is_strict)
            return make_constant(f, expr, (rdb_datum){.words = {0, 0}}, true);
        return is_constant(e->left) && is_constant(e->right) && e->function->volatility == 'i' ? evaluate_now(f, expr) : expr;
    }
    case RDB_EXPR_RELABEL: {
        rdb_expr *argument = ((rdb_expr_unary *)expr)->argument;
        if (!is_constant(argument) || argument->type->rep != expr->type->rep)
            return expr;
        return make_constant(f, expr, ((rdb_expr_const *)argument)->value, ((rdb_expr_const *)argument)->is_null);
    }
    case RDB_EXPR_COERCE_IO: {
        const rdb_expr *argument = ((rdb_expr_unary *)expr)->argument;
        return is_constant(argument) && has_fixed_text(expr->type) && has_fixed_text(argument->type) ? evaluate_now(f, expr) : expr;
    }
    case RDB_EXPR_NULL_TEST:
    case RDB_EXPR_BOOL_TEST: /* the two structs begin alike: head, argument */
        return is_constant(((rdb_expr_null_test *)expr)->argument) ? evaluate_now(f, expr) : expr;
    default:
        return expr;
    }
}

static rdb_expr *fold_node(void *context, rdb_expr *expr)
{
    folder *f = context;
    if (++f->depth > RDB_TREE_DEPTH_MAX) {
        rdb_error_set(f->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        return NULL;
    }
    rdb_expr *result = NULL, *outer_value = f->case_value;
    if (expr->kind == RDB_EXPR_BOOL && ((rdb_expr_bool *)expr)->bool_kind != RDB_BOOL_NOT) {
        result = fold_bool(f, (rdb_expr_bool *)expr);
    } else if (expr->kind == RDB_EXPR_COALESCE) {
        result = fold_coalesce(f, (rdb_expr_list *)expr);
    } else if (expr->kind == RDB_EXPR_CASE) {
        result = fold_case(f, (rdb_expr_case *)expr);
    } else if (expr->kind == RDB_EXPR_CASE_TEST && f->case_value != NULL) {
        result = f->case_value;
    } else {
        if (expr->kind == RDB_EXPR_ARRAY_COERCE) /* its CASE_TEST is the element */
            f->case_value = NULL;
        result = rdb_expr_map_children(f->arena, expr, fold_node, f);
        f->case_value = outer_value;
        result = result == NULL ? NULL : fold_here(f, result);
    }
    f->depth--;
    return result;
}

bool rdb_expr_fold(rdb_arena *arena, rdb_eval *eval, rdb_expr *expr, rdb_expr **folded, rdb_error *err)
{
    folder f = {.arena = arena, .eval = eval, .err = err};
    *folded = fold_node(&f, expr);
    return *folded != NULL;
}
