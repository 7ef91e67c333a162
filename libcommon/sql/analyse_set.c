/* SPDX-License-Identifier: Apache-2.0
 * UNION, INTERSECT, EXCEPT, and WITH. The members of a set operation are sub-queries in the range table; the columns of its
 * result are called as the first one's, and have the types that the members have in common: a member of another type is
 * coerced where it stands, or in a sub-query around it where its own clauses depend on the type. A WITH item is analysed
 * when it is first named, so that the order in which WITH RECURSIVE lists them does not matter. */
#include "sql/analyse_int.h"

/* ---- members ---- */

static const rdb_target *nth_visible(const rdb_query *query, uint32_t number)
{
    const rdb_list *targets = rdb_query_result_targets(query);
    for (uint32_t at = 0; at < targets->count; at++) {
        const rdb_target *target = targets->items[at];
        if (!target->is_junk && number-- == 0)
            return target;
    }
    return NULL;
}

static rdb_range *range_of(const analyse_state *state, const rdb_set_operation *leaf)
{
    return state->query->ranges.items[leaf->range_no - 1];
}

/* SELECT * FROM (member). */
static bool wrap_member(analyse_state *state, rdb_range *range, rdb_error *err)
{
    rdb_query *outer = RDB_NEW(analyse_arena(state), rdb_query);
    analyse_state inner = {.analysis = state->analysis, .parent = state, .query = outer};
    analyse_item *item;
    outer->command = RDB_COMMAND_SELECT;
    outer->location = range->subquery->location;
    outer->length = range->subquery->length;
    if (!analyse_add_subquery(&inner, range->subquery, "*SELECT*", NULL, false, false, -1, &item, err))
        return false;
    rdb_from *from = RDB_NEW(analyse_arena(state), rdb_from);
    from->range_no = item->range_no;
    rdb_list_push(analyse_arena(state), &outer->from, from);
    /* what the member says of outer queries is now one level further in */
    uint32_t count = range->columns.count;
    for (uint32_t at = 0; at < count; at++) {
        rdb_expr *var;
        if (!analyse_item_column(&inner, item, (int16_t)(at + 1), 0, -1, &var, err))
            return false;
        rdb_target *target = analyse_new_target(state, var, (int16_t)(at + 1), item->range->columns.items[at], false);
        const rdb_target *source = nth_visible(range->subquery, at);
        target->origin_table = source->origin_table;
        target->origin_column = source->origin_column;
        rdb_list_push(analyse_arena(state), &outer->targets, target);
    }
    range->subquery = outer;
    return true;
}

typedef struct outer_finder { bool found; } outer_finder;

static bool find_outer(void *context, const rdb_expr *node, uint32_t levels)
{
    outer_finder *f = context;
    if (node->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)node)->levels_up > levels)
        f->found = true;
    return !f->found;
}

/* Can the output's type be changed in the member itself without changing what else it computes? */
static bool may_change(const rdb_query *query, const rdb_target *target)
{
    return query->command == RDB_COMMAND_SELECT && query->set_operation == NULL && query->distinct.count == 0 && target->sort_ref == 0 &&
           query->ctes.count == 0;
}

static bool coerce_member(analyse_state *state, const rdb_set_operation *leaf, uint32_t column, const rdb_type *type, int32_t typmod, const char *context, rdb_error *err)
{
    rdb_range *range = range_of(state, leaf);
    rdb_target *target = (rdb_target *)(uintptr_t)nth_visible(range->subquery, column);
    if (target->expr->type->oid != type->oid) {
        bool is_constant = target->expr->kind == RDB_EXPR_CONST;
        if (!may_change(range->subquery, target) && !is_constant) {
            outer_finder f = {false};
            analyse_walk_query(range->subquery, 0, find_outer, &f);
            if (f.found)
                return analyse_error(state, analyse_location(target->expr), err, RDB_FEATURE_NOT_SUPPORTED,
                                     "a member of %s that refers to an outer query cannot be of another type here yet", context);
            if (!wrap_member(state, range, err))
                return false;
            target = range->subquery->targets.items[column];
        }
        if (!analyse_coerce_to_common(state, &target->expr, type, context, err) || !analyse_assign_collations(state, target->expr, err))
            return false;
        target->origin_table = 0;
        target->origin_column = 0;
    }
    range->column_types.items[column] = (void *)(uintptr_t)target->expr->type;
    range->column_typmods[column] = target->expr->typmod;
    range->column_collations[column] = target->expr->collation;
    (void)typmod;
    return true;
}

static bool coerce_members(analyse_state *state, const rdb_set_operation *operation, uint32_t column, const rdb_type *type, int32_t typmod, const char *context, rdb_error *err)
{
    if (operation->range_no != 0)
        return coerce_member(state, operation, column, type, typmod, context, err);
    operation->column_types.items[column] = (void *)(uintptr_t)type;
    return coerce_members(state, operation->left, column, type, typmod, context, err) &&
           coerce_members(state, operation->right, column, type, typmod, context, err);
}

static const char *operation_name(uint8_t kind)
{
    return kind == RDB_SET_UNION ? "UNION" : kind == RDB_SET_INTERSECT ? "INTERSECT" : "EXCEPT";
}

/* An expression that stands for the column: its type, typmod, collation, place. */
static rdb_expr *column_sample(analyse_state *state, const rdb_set_operation *operation, uint32_t column)
{
    if (operation->range_no != 0)
        return nth_visible(range_of(state, operation)->subquery, column)->expr;
    const rdb_set_operation *first = operation;
    while (first->range_no == 0)
        first = first->left;
    rdb_expr *sample = analyse_new(state, sizeof(rdb_expr_case_test), RDB_EXPR_CASE_TEST, operation->column_types.items[column],
                                   nth_visible(range_of(state, first)->subquery, column)->expr->location);
    sample->typmod = operation->column_typmods[column];
    sample->collation = operation->column_collations[column];
    return sample;
}

static uint32_t column_count(const analyse_state *state, const rdb_set_operation *operation)
{
    return operation->range_no != 0 ? range_of(state, operation)->columns.count : operation->column_types.count;
}

/* The names and types of a recursive item are those of its first member. */
static bool define_recursive(analyse_state *state, const rdb_set_operation *first, rdb_cte *cte, rdb_error *err);

/* A variable of the query right around. */
static bool find_own(void *context, const rdb_expr *node, uint32_t levels)
{
    if (node->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)node)->levels_up == levels + 1)
        *(const rdb_expr_var **)context = (const rdb_expr_var *)node;
    return *(const rdb_expr_var **)context == NULL;
}

static bool make_leaf(analyse_state *state, const rdb_ast_select *raw, rdb_set_operation **operation, rdb_error *err)
{
    if (raw->into != NULL)
        return analyse_error(state, raw->into->table->node.location, err, RDB_SYNTAX_ERROR, "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT");
    if (raw->locking.count > 0 && raw->op != RDB_SQL_SET_OP_NONE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed with UNION/INTERSECT/EXCEPT",
                             analyse_lock_name(((const rdb_ast_locking *)raw->locking.items[0])->strength));
    rdb_query *query;
    if (!analyse_subquery(state, state->analysis, &raw->node, NULL, false, true, &query, err))
        return false;
    const rdb_expr_var *named = NULL; /* in a rule, old and new are of this level */
    if (state->items.count > 0)
        (void)analyse_walk_query(query, 0, find_own, &named);
    if (named != NULL)
        return analyse_error(state, named->head.location, err, RDB_INVALID_COLUMN_REFERENCE, "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level");
    analyse_item *item;
    const char *name = rdb_arena_printf(analyse_arena(state), "*SELECT* %u", state->query->ranges.count + 1);
    if (!analyse_add_subquery(state, query, name, NULL, false, false, -1, &item, err))
        return false;
    *operation = RDB_NEW(analyse_arena(state), rdb_set_operation);
    (*operation)->range_no = item->range_no;
    return true;
}

static bool make_tree(analyse_state *state, const rdb_ast_select *raw, bool is_top, rdb_cte *recursive, rdb_set_operation **operation, rdb_error *err)
{
    bool is_leaf = raw->op == RDB_SQL_SET_OP_NONE ||
                   (!is_top && (raw->sort.count > 0 || raw->limit_offset != NULL || raw->limit_count != NULL || raw->locking.count > 0 || raw->with != NULL));
    if (is_leaf)
        return make_leaf(state, raw, operation, err);
    if (++state->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    rdb_set_operation *node = RDB_NEW(analyse_arena(state), rdb_set_operation);
    *operation = node;
    node->kind = raw->op == RDB_SQL_SET_OP_UNION ? RDB_SET_UNION : raw->op == RDB_SQL_SET_OP_INTERSECT ? RDB_SET_INTERSECT : RDB_SET_EXCEPT;
    node->all = raw->is_all;
    const char *context = operation_name(node->kind);
    if (!make_tree(state, raw->left, false, NULL, &node->left, err))
        return false;
    if (recursive != NULL && !define_recursive(state, node->left, recursive, err))
        return false;
    if (!make_tree(state, raw->right, false, NULL, &node->right, err))
        return false;
    uint32_t count = column_count(state, node->left);
    if (count != column_count(state, node->right)) {
        const rdb_set_operation *first = node->right;
        while (first->range_no == 0)
            first = first->left;
        const rdb_target *target = nth_visible(range_of(state, first)->subquery, 0);
        return analyse_error(state, target == NULL ? -1 : analyse_location(target->expr), err, RDB_SYNTAX_ERROR, "each %s query must have the same number of columns", context);
    }
    node->column_typmods = RDB_NEW_ARRAY(analyse_arena(state), int32_t, count + 1);
    node->column_collations = RDB_NEW_ARRAY(analyse_arena(state), uint32_t, count + 1);
    for (uint32_t column = 0; column < count; column++) {
        rdb_list both = {0};
        const rdb_type *type;
        rdb_expr *which = NULL;
        rdb_list_push(analyse_arena(state), &both, column_sample(state, node->left, column));
        rdb_list_push(analyse_arena(state), &both, column_sample(state, node->right, column));
        if (!analyse_common_type(state, &both, context, &type, &which, err))
            return false;
        int32_t typmod = analyse_common_typmod(&both, type);
        for (uint32_t side = 0; side < 2; side++) {
            const rdb_expr *sample = both.items[side];
            bool can;
            if (sample->type->oid == type->oid || sample->type->oid == RDB_UNKNOWNOID)
                continue;
            if (!analyse_can_coerce(state, 1, &sample->type->oid, &type->oid, ANALYSE_IMPLICIT, &can, err))
                return false;
            if (!can)
                return analyse_error(state, analyse_location(sample), err, RDB_CANNOT_COERCE, "%s could not convert type %s to %s", context,
                                     analyse_type_name(state, sample->type->oid), analyse_type_name(state, type->oid));
        }
        rdb_list_push(analyse_arena(state), &node->column_types, (void *)(uintptr_t)type);
        node->column_typmods[column] = typmod;
        if (!coerce_members(state, node->left, column, type, typmod, context, err) || !coerce_members(state, node->right, column, type, typmod, context, err))
            return false;
        rdb_list samples = {0};
        rdb_list_push(analyse_arena(state), &samples, column_sample(state, node->left, column));
        rdb_list_push(analyse_arena(state), &samples, column_sample(state, node->right, column));
        if (!analyse_common_collation(state, &samples, node->kind == RDB_SET_UNION && node->all, &node->column_collations[column], err))
            return false;
        if (node->kind == RDB_SET_UNION && node->all)
            continue;
        rdb_sort_item *item = RDB_NEW(analyse_arena(state), rdb_sort_item);
        if (!analyse_sort_operators(state, type, false, false, which == NULL ? -1 : which->location, &item->equality_oid, &item->order_oid, &item->can_hash, err))
            return false;
        rdb_list_push(analyse_arena(state), &node->groupings, item);
    }
    state->depth--;
    return true;
}

bool analyse_set_operations(analyse_state *state, const rdb_ast_select *raw, rdb_error *err)
{
    rdb_query *query = state->query;
    rdb_arena *arena = analyse_arena(state);
    query->command = RDB_COMMAND_SELECT;
    const rdb_ast_select *leftmost = raw;
    while (leftmost->op != RDB_SQL_SET_OP_NONE)
        leftmost = leftmost->left;
    if (leftmost->into != NULL)
        return analyse_error(state, leftmost->into->table->node.location, err, RDB_SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
    if (raw->locking.count > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "%s is not allowed with UNION/INTERSECT/EXCEPT",
                             analyse_lock_name(((const rdb_ast_locking *)raw->locking.items[0])->strength));
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    if (!make_tree(state, raw, true, state->defines, &query->set_operation, err))
        return false;
    const rdb_set_operation *top = query->set_operation, *first = top;
    while (first->range_no == 0)
        first = first->left;
    rdb_range *names = range_of(state, first);
    /* The result's columns are variables of the first member: it is told the modifiers and collations of the whole. */
    names->column_typmods = top->column_typmods;
    names->column_collations = top->column_collations;
    rdb_range *shown = rdb_arena_memdup(arena, names, sizeof *names); /* what ORDER BY sees: the result's columns */
    shown->column_types = top->column_types;
    shown->alias = NULL;
    analyse_item *item = RDB_NEW(arena, analyse_item);
    *item = (analyse_item){.range = shown, .range_no = first->range_no};
    if (!analyse_push_item(state, item, false, true, err))
        return false;
    uint32_t count = top->column_types.count;
    for (uint32_t column = 0; column < count; column++) {
        rdb_expr *var;
        const rdb_target *source = nth_visible(names->subquery, column);
        if (!analyse_item_column(state, item, (int16_t)(column + 1), 0, source->expr->location, &var, err))
            return false;
        rdb_list_push(arena, &query->targets, analyse_new_target(state, var, (int16_t)(column + 1), source->name, false));
    }
    if (!analyse_sort(state, &raw->sort, &query->targets, ANALYSE_ORDER_BY, false, &query->sort, err))
        return false;
    if (query->targets.count > count) {
        analyse_error(state, analyse_location(((const rdb_target *)query->targets.items[count])->expr), err, RDB_FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
        rdb_error_detail(err, "Only result column names can be used, not expressions or functions.");
        return rdb_error_hint(err, "Add the expression/function to every SELECT, or move the UNION into a FROM clause.");
    }
    state->items.count = 0;
    query->with_ties = raw->limit_option == RDB_SQL_LIMIT_WITH_TIES;
    return analyse_limit(state, raw->limit_offset, ANALYSE_OFFSET, "OFFSET", false, &query->limit_offset, err) &&
           analyse_limit(state, raw->limit_count, ANALYSE_LIMIT, "LIMIT", query->with_ties, &query->limit_count, err) && analyse_query_collations(state, query, err);
}

/* ---- WITH ---- */

static bool set_columns(analyse_state *state, rdb_cte *cte, const rdb_ast_cte *raw, const rdb_query *query, rdb_error *err)
{
    const rdb_list *targets = rdb_query_result_targets(query);
    cte->column_typmods = RDB_NEW_ARRAY(analyse_arena(state), int32_t, targets->count + 1);
    cte->column_collations = RDB_NEW_ARRAY(analyse_arena(state), uint32_t, targets->count + 1);
    cte->column_names.count = cte->column_types.count = 0;
    for (uint32_t at = 0; at < targets->count; at++) {
        const rdb_target *target = targets->items[at];
        uint32_t column = cte->column_types.count;
        if (target->is_junk)
            continue;
        const rdb_type *type = target->expr->type;
        uint32_t collation = target->expr->collation;
        if (type->oid == RDB_UNKNOWNOID) {
            if (!analyse_get_type(state, RDB_TEXTOID, &type, err))
                return false;
            collation = RDB_DEFAULT_COLLATION_OID;
        }
        rdb_list_push(analyse_arena(state), &cte->column_names, (void *)(uintptr_t)(column < raw->columns.count ? raw->columns.items[column] : target->name));
        rdb_list_push(analyse_arena(state), &cte->column_types, (void *)(uintptr_t)type);
        cte->column_typmods[column] = target->expr->typmod;
        cte->column_collations[column] = collation;
    }
    if (raw->columns.count > cte->column_types.count)
        return analyse_error(state, raw->node.location, err, RDB_INVALID_COLUMN_REFERENCE, "WITH query \"%s\" has %u columns available but %u columns specified",
                             cte->name, cte->column_types.count, raw->columns.count);
    return true;
}

static const rdb_ast_cte *raw_of(const analyse_state *owner, const rdb_cte *cte)
{
    for (uint32_t at = 0; at < owner->ctes.count; at++)
        if (owner->ctes.items[at] == cte)
            return owner->raw_ctes.items[at];
    return NULL;
}

static bool define_recursive(analyse_state *state, const rdb_set_operation *first, rdb_cte *cte, rdb_error *err)
{
    const rdb_ast_cte *raw = raw_of(state->parent, cte);
    if (first->range_no != 0) {
        rdb_query *query = range_of(state, first)->subquery;
        return analyse_settle_unknown(state, (rdb_list *)(uintptr_t)rdb_query_result_targets(query), err) && set_columns(state->parent, cte, raw, query, err);
    }
    const rdb_set_operation *leaf = first;
    while (leaf->range_no == 0)
        leaf = leaf->left;
    /* the types of the whole first member, under the names of its first leaf */
    if (!set_columns(state->parent, cte, raw, range_of(state, leaf)->subquery, err))
        return false;
    for (uint32_t at = 0; at < cte->column_types.count; at++) {
        cte->column_types.items[at] = first->column_types.items[at];
        cte->column_typmods[at] = first->column_typmods[at];
        cte->column_collations[at] = first->column_collations[at];
    }
    return true;
}

static const char *sized_type_name(const analyse_state *state, const rdb_type *type, int32_t typmod)
{
    rdb_strbuf text;
    if (typmod < 0)
        return analyse_type_name(state, type->oid);
    rdb_strbuf_init(&text, analyse_arena(state));
    rdb_type_format_name(type, typmod, true, &text);
    return text.data != NULL ? text.data : type->name;
}

static bool check_recursive(const analyse_state *owner, const rdb_cte *cte, const rdb_ast_cte *raw, rdb_error *err)
{
    const rdb_query *query = cte->query;
    for (uint32_t at = 0; at < cte->column_types.count; at++) {
        const rdb_type *declared = cte->column_types.items[at], *overall = ((const rdb_target *)query->targets.items[at])->expr->type;
        int32_t declared_typmod = cte->column_typmods[at], overall_typmod = ((const rdb_target *)query->targets.items[at])->expr->typmod;
        const rdb_set_operation *leaf = query->set_operation;
        while (leaf->range_no == 0)
            leaf = leaf->left;
        const rdb_target *target = nth_visible(((const rdb_range *)query->ranges.items[leaf->range_no - 1])->subquery, at);
        if (declared->oid == overall->oid && declared_typmod == overall_typmod) {
            const uint32_t before = cte->column_collations[at], after = query->set_operation->column_collations[at];
            if (before == after)
                continue;
            analyse_error(owner, target == NULL ? raw->node.location : analyse_location(target->expr), err, RDB_COLLATION_MISMATCH,
                          "recursive query \"%s\" column %u has collation \"%s\" in non-recursive term but collation \"%s\" overall", cte->name, at + 1,
                          analyse_collation_name(owner, before), analyse_collation_name(owner, after));
            return rdb_error_hint(err, "Use the COLLATE clause to set the collation of the non-recursive term.");
        }
        analyse_error(owner, target == NULL ? raw->node.location : analyse_location(target->expr), err, RDB_DATATYPE_MISMATCH,
                      "recursive query \"%s\" column %u has type %s in non-recursive term but type %s overall", cte->name, at + 1,
                      sized_type_name(owner, declared, declared_typmod), sized_type_name(owner, overall, overall_typmod));
        return rdb_error_hint(err, "Cast the output of the non-recursive term to the correct type.");
    }
    return true;
}

static bool define(analyse_state *owner, rdb_cte *cte, const rdb_ast_cte *raw, bool may_recurse, rdb_error *err)
{
    if (raw->search != NULL || raw->cycle != NULL) {
        const rdb_ast_cte *written = raw;
        if (!analyse_add_search(owner, raw, may_recurse, &raw, &cte->hidden_count, err))
            return false;
        for (uint32_t at = 0; at < owner->raw_ctes.count; at++)
            if (owner->raw_ctes.items[at] == written)
                owner->raw_ctes.items[at] = (void *)(uintptr_t)raw;
    }
    bool is_modifying = raw->query->tag != RDB_AST_SELECT;
    if (is_modifying && owner->parent != NULL)
        return analyse_error(owner, raw->node.location, err, RDB_FEATURE_NOT_SUPPORTED, "WITH clause containing a data-modifying statement must be at the top level");
    /* The item's query is inside the level that holds it, but sees no FROM of it. */
    rdb_list items = owner->items;
    rdb_list locking = owner->locking;
    analyse_clause clause = owner->clause;
    owner->items = (rdb_list){0};
    owner->locking = (rdb_list){0};
    owner->clause = ANALYSE_OTHER;
    rdb_list_push(analyse_arena(owner), &owner->defining, cte);
    rdb_query *query;
    if (raw->query->tag == RDB_AST_MERGE)
        return analyse_error(owner, raw->node.location, err, RDB_FEATURE_NOT_SUPPORTED, "MERGE not supported in WITH query");
    bool ok = analyse_subquery(owner, owner->analysis, raw->query, may_recurse ? cte : NULL, false, false, &query, err);
    owner->defining.count--;
    owner->items = items;
    owner->locking = locking;
    owner->clause = clause;
    if (!ok)
        return false;
    if (query->command != RDB_COMMAND_SELECT)
        owner->query->has_modifying_cte = true;
    cte->query = query;
    if (cte->is_recursive) {
        if (query->set_operation == NULL || query->set_operation->kind != RDB_SET_UNION)
            return analyse_error(owner, raw->node.location, err, RDB_INVALID_RECURSION,
                                 "recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term", cte->name);
        owner->query->has_recursive = true;
        if (query->sort.count > 0)
            return analyse_error(owner, raw->node.location, err, RDB_FEATURE_NOT_SUPPORTED, "ORDER BY in a recursive query is not implemented");
        if (query->limit_offset != NULL)
            return analyse_error(owner, analyse_location(query->limit_offset), err, RDB_FEATURE_NOT_SUPPORTED, "OFFSET in a recursive query is not implemented");
        if (query->limit_count != NULL)
            return analyse_error(owner, analyse_location(query->limit_count), err, RDB_FEATURE_NOT_SUPPORTED, "LIMIT in a recursive query is not implemented");
        if (!check_recursive(owner, cte, raw, err))
            return false;
    } else if (!set_columns(owner, cte, raw, query, err)) {
        return false;
    }
    rdb_list_push(analyse_arena(owner), &owner->query->ctes, cte);
    return true;
}

bool analyse_use_cte(analyse_state *owner, rdb_cte *cte, int32_t location, bool *is_self, rdb_error *err)
{
    *is_self = false;
    if (cte->query != NULL)
        return true;
    for (uint32_t at = owner->defining.count; at-- > 0;) {
        if (owner->defining.items[at] != cte)
            continue;
        if (at + 1 < owner->defining.count)
            return analyse_error(owner, location, err, RDB_FEATURE_NOT_SUPPORTED, "mutual recursion between WITH items is not implemented");
        if (cte->column_types.count == 0) {
            const rdb_ast_cte *raw = raw_of(owner, cte);
            bool has_form = raw->query->tag == RDB_AST_SELECT && ((const rdb_ast_select *)raw->query)->op == RDB_SQL_SET_OP_UNION;
            if (!has_form)
                return analyse_error(owner, raw->node.location, err, RDB_INVALID_RECURSION,
                                     "recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term", cte->name);
            return analyse_error(owner, location, err, RDB_INVALID_RECURSION, "recursive reference to query \"%s\" must not appear within its non-recursive term",
                                 cte->name);
        }
        if (cte->is_recursive)
            return analyse_error(owner, location, err, RDB_INVALID_RECURSION, "recursive reference to query \"%s\" must not appear more than once", cte->name);
        cte->is_recursive = *is_self = true;
        return true;
    }
    return define(owner, cte, raw_of(owner, cte), true, err);
}

bool analyse_with(analyse_state *state, const rdb_ast_with *with, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_list ctes = {0};
    for (uint32_t at = 0; at < with->ctes.count; at++) {
        const rdb_ast_cte *raw = with->ctes.items[at];
        for (uint32_t before = 0; before < at; before++)
            if (strcmp(((rdb_cte *)ctes.items[before])->name, raw->name) == 0)
                return analyse_error(state, raw->node.location, err, RDB_DUPLICATE_ALIAS, "WITH query name \"%s\" specified more than once", raw->name);
        rdb_cte *cte = RDB_NEW(arena, rdb_cte);
        cte->name = raw->name;
        cte->materialized = raw->materialize == RDB_SQL_CTE_MATERIALIZED ? 1 : raw->materialize == RDB_SQL_CTE_NOT_MATERIALIZED ? 2 : 0;
        rdb_list_push(arena, &ctes, cte);
        if (with->is_recursive) {
            rdb_list_push(arena, &state->ctes, cte);
            rdb_list_push(arena, &state->raw_ctes, (void *)(uintptr_t)raw);
        }
    }
    if (with->is_recursive) {
        for (uint32_t at = 0; at < ctes.count; at++)
            if (!analyse_check_recursion(state, with->ctes.items[at], err))
                return false;
        for (uint32_t at = 0; at < ctes.count; at++) {
            rdb_cte *cte = ctes.items[at];
            if (cte->query == NULL && !define(state, cte, with->ctes.items[at], true, err))
                return false;
        }
        return true;
    }
    for (uint32_t at = 0; at < ctes.count; at++) {
        state->future_ctes = (rdb_list){0};
        for (uint32_t later = at; later < ctes.count; later++)
            rdb_list_push(arena, &state->future_ctes, with->ctes.items[later]);
        if (!define(state, ctes.items[at], with->ctes.items[at], false, err))
            return false;
        rdb_list_push(arena, &state->ctes, ctes.items[at]);
        rdb_list_push(arena, &state->raw_ctes, with->ctes.items[at]);
    }
    state->future_ctes = (rdb_list){0};
    return true;
}
