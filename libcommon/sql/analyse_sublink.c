/* SPDX-License-Identifier: Apache-2.0
 * Sub-selects in expressions: EXISTS, IN, ANY, ALL, scalars and arrays of them; IN lists. */
#include "sql/analyse_int.h"

static uint32_t visible_targets(const rdb_query *query, const rdb_target **first)
{
    uint32_t count = 0;
    const rdb_list *targets = rdb_query_result_targets(query);
    for (uint32_t at = 0; at < targets->count; at++) {
        const rdb_target *target = targets->items[at];
        if (target->is_junk)
            continue;
        if (count++ == 0)
            *first = target;
    }
    return count;
}

/* The outputs of a sub-select as parameters of its own, numbered from 1. */
static void output_params(const analyse_state *state, const rdb_query *query, rdb_list *params, int32_t location)
{
    const rdb_list *targets = rdb_query_result_targets(query);
    for (uint32_t at = 0; at < targets->count; at++) {
        const rdb_target *target = targets->items[at];
        if (target->is_junk)
            continue;
        rdb_expr_param *param = ANALYSE_NEW(state, rdb_expr_param, RDB_EXPR_PARAM, target->expr->type, location);
        param->param_kind = RDB_PARAM_EXECUTION;
        param->param_no = params->count + 1;
        param->head.typmod = target->expr->typmod;
        param->head.collation = target->expr->collation;
        rdb_list_push(analyse_arena(state), params, param);
    }
}

/* left op ANY/ALL (select), row op (select). */
static bool make_test(analyse_state *state, rdb_expr_sublink *sublink, const rdb_ast_names *name, rdb_expr *left, int32_t location, rdb_error *err)
{
    rdb_list lefts = {0}, rights = {0};
    if (left->kind == RDB_EXPR_ROW)
        lefts = ((rdb_expr_row *)left)->fields;
    else
        rdb_list_push(analyse_arena(state), &lefts, left);
    output_params(state, sublink->query, &rights, location);
    if (lefts.count < rights.count)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "subquery has too many columns");
    if (lefts.count > rights.count)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "subquery has too few columns");
    if (!analyse_row_compare(state, name, &lefts, &rights, location, &sublink->test, err))
        return false;
    sublink->left = lefts;
    const rdb_expr *test = sublink->test;
    sublink->use_or = test->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)test)->bool_kind == RDB_BOOL_OR;
    sublink->operator_oids = RDB_NEW_ARRAY(analyse_arena(state), uint32_t, lefts.count);
    for (uint32_t at = 0; at < lefts.count; at++) {
        const rdb_function *function;
        if (test->kind == RDB_EXPR_ROW_COMPARE) {
            const rdb_expr_row_compare *compare = (const rdb_expr_row_compare *)test;
            function = compare->functions.items[at];
            sublink->operator_oids[at] = compare->operator_oids[at];
        } else {
            const rdb_expr_function *call = (const rdb_expr_function *)(test->kind == RDB_EXPR_BOOL ? ((const rdb_expr_bool *)test)->arguments.items[at] : test);
            function = call->function;
            sublink->operator_oids[at] = call->operator_oid;
        }
        rdb_list_push(analyse_arena(state), &sublink->functions, (void *)(uintptr_t)function);
    }
    return true;
}

static bool check_sublink_place(const analyse_state *state, int32_t location, rdb_error *err)
{
    const char *place = NULL;
    switch (state->clause) {
    case ANALYSE_CHECK: case ANALYSE_DOMAIN_CHECK: place = "check constraint"; break;
    case ANALYSE_DEFAULT: place = "DEFAULT expression"; break;
    case ANALYSE_INDEX_EXPRESSION: place = "index expression"; break;
    case ANALYSE_INDEX_PREDICATE: place = "index predicate"; break;
    case ANALYSE_GENERATED: place = "column generation expression"; break;
    case ANALYSE_EXECUTE: place = "EXECUTE parameter"; break;
    case ANALYSE_COPY_WHERE: place = "COPY FROM WHERE condition"; break;
    case ANALYSE_TRANSFORM: place = "transform expression"; break;
    default: return true;
    }
    return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "cannot use subquery in %s", place);
}

bool analyse_sublink(analyse_state *state, const rdb_ast_sublink *raw, rdb_sublink_kind kind, rdb_expr *row, rdb_expr **expr, rdb_error *err)
{
    int32_t location = raw->node.location;
    const rdb_type *boolean;
    if (!check_sublink_place(state, location, err) || !analyse_get_type(state, RDB_BOOLOID, &boolean, err))
        return false;
    if (state->query != NULL)
        state->query->has_sublinks = true;
    rdb_expr_sublink *node = ANALYSE_NEW(state, rdb_expr_sublink, RDB_EXPR_SUBLINK, boolean, location);
    node->sublink_kind = (uint8_t)kind;
    if (!analyse_subquery(state, state->analysis, raw->query, NULL, false, false, &node->query, err))
        return false;
    if (node->query->command != RDB_COMMAND_SELECT)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "unexpected non-SELECT command in SubLink");
    *expr = &node->head;
    const rdb_target *first = NULL;
    if (kind == RDB_SUBLINK_EXISTS)
        return true;
    if (kind == RDB_SUBLINK_SCALAR || kind == RDB_SUBLINK_ARRAY) {
        if (visible_targets(node->query, &first) != 1)
            return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "subquery must return only one column");
        node->head.type = first->expr->type;
        node->head.typmod = first->expr->typmod;
        node->head.collation = first->expr->collation;
        if (kind == RDB_SUBLINK_ARRAY && analyse_array_element(node->head.type) == NULL) {
            const rdb_type *array;
            if (!analyse_array_of(state, node->head.type, &array, err))
                return false;
            if (array == NULL)
                return analyse_error(state, location, err, RDB_UNDEFINED_OBJECT, "could not find array type for data type %s",
                                     analyse_type_name(state, node->head.type->oid));
            node->head.type = array;
        }
        return true;
    }
    rdb_expr *left = row;
    if (left == NULL && !analyse_node(state, raw->test, &left, err))
        return false;
    return make_test(state, node, raw->op_name.count == 0 ? analyse_one_name(state, "=") : &raw->op_name, left, location, err);
}

/* ---- operators and what behaves as one ---- */

bool analyse_in(analyse_state *state, const rdb_ast_op *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    bool use_or = strcmp(raw->name.items[raw->name.count - 1], "<>") != 0;
    int32_t location = raw->node.location;
    rdb_expr *left;
    rdb_list constants = {0}, others = {0}, parts = {0};
    if (!analyse_node(state, raw->left, &left, err))
        return false;
    const rdb_list *written = &((const rdb_ast_items *)raw->right)->items;
    for (uint32_t at = 0; at < written->count; at++) {
        rdb_expr *right;
        if (!analyse_node(state, written->items[at], &right, err))
            return false;
        rdb_list_push(arena, analyse_has_own_vars(right) ? &others : &constants, right);
    }
    if (constants.count > 1) {
        /* Several values without columns are one array, if they have a type in common with the left side. */
        rdb_list all = {0};
        rdb_list_push(arena, &all, left);
        for (uint32_t at = 0; at < constants.count; at++)
            rdb_list_push(arena, &all, constants.items[at]);
        const rdb_type *common = NULL, *array = NULL;
        if (!analyse_common_type(state, &all, NULL, &common, NULL, err))
            return false;
        for (uint32_t at = 0; common != NULL && at < all.count; at++) {
            bool can;
            if (!analyse_can_coerce(state, 1, &((rdb_expr *)all.items[at])->type->oid, &common->oid, ANALYSE_IMPLICIT, &can, err))
                return false;
            if (!can)
                common = NULL;
        }
        if (common != NULL && common->oid != RDB_RECORDOID && !analyse_array_of(state, common, &array, err))
            return false;
        if (array != NULL) {
            for (uint32_t at = 0; at < constants.count; at++)
                if (!analyse_coerce_to_common(state, (rdb_expr **)&constants.items[at], common, "IN", err))
                    return false;
            rdb_expr_array *list = ANALYSE_NEW(state, rdb_expr_array, RDB_EXPR_ARRAY, array, -1);
            list->elements = constants;
            rdb_expr *part;
            if (!analyse_array_operator(state, &raw->name, use_or, left, &list->head, location, &part, err))
                return false;
            rdb_list_push(arena, &parts, part);
            constants = (rdb_list){0};
        }
    }
    for (uint32_t at = 0; at < others.count; at++)
        rdb_list_push(arena, &constants, others.items[at]);
    for (uint32_t at = 0; at < constants.count; at++) {
        rdb_expr *right = constants.items[at], *part;
        if (left->kind == RDB_EXPR_ROW && right->kind == RDB_EXPR_ROW) {
            if (!analyse_row_compare(state, &raw->name, &((rdb_expr_row *)left)->fields, &((rdb_expr_row *)right)->fields, location, &part, err))
                return false;
        } else if (!analyse_operator(state, &raw->name, left, right, location, &part, err)) {
            return false;
        }
        if (!analyse_coerce_to_boolean(state, &part, "IN", err))
            return false;
        rdb_list_push(arena, &parts, part);
    }
    return analyse_make_logic(state, use_or ? RDB_BOOL_OR : RDB_BOOL_AND, &parts, location, expr, err);
}
