/* SPDX-License-Identifier: Apache-2.0
 * Expressions: each raw node to its analysed one. Names are looked up in the state's items, outwards. The raw tree is
 * limited in depth (RDB_SQL_DEPTH_MAX), so the walk may recurse. */
#include "sql/analyse_int.h"

const rdb_ast_names *analyse_one_name(const analyse_state *state, const char *name)
{
    rdb_ast_names *names = RDB_NEW(analyse_arena(state), rdb_ast_names);
    names->items = rdb_arena_alloc(analyse_arena(state), sizeof *names->items);
    names->items[0] = name;
    names->count = 1;
    return names;
}

bool analyse_nodes(analyse_state *state, const rdb_list *raw, rdb_list *exprs, rdb_error *err)
{
    for (uint32_t at = 0; at < raw->count; at++) {
        rdb_expr *expr;
        if (!analyse_node(state, raw->items[at], &expr, err))
            return false;
        rdb_list_push(analyse_arena(state), exprs, expr);
    }
    return true;
}

bool analyse_expr(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, rdb_expr **expr, rdb_error *err)
{
    analyse_clause outer = state->clause;
    state->clause = clause;
    bool ok = analyse_node(state, raw, expr, err);
    state->clause = outer;
    return ok;
}

/* ---- parameters, values of the session ---- */

static bool make_param(analyse_state *state, const rdb_ast_param *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_analysis *analysis = state->analysis;
    int32_t number = raw->number;
    bool known = number > 0 && (uint32_t)number <= analysis->parameter_count;
    if (!known && (!analysis->infer_parameters || number <= 0 || number > UINT16_MAX))
        return analyse_error(state, raw->node.location, err, RDB_UNDEFINED_PARAMETER, "there is no parameter $%d", number);
    if (!known) {
        uint32_t *types = RDB_NEW_ARRAY(analysis->arena, uint32_t, (uint32_t)number);
        if (analysis->parameter_count > 0)
            memcpy(types, analysis->parameter_types, analysis->parameter_count * sizeof *types);
        analysis->parameter_types = types;
        analysis->parameter_count = (uint32_t)number;
    }
    uint32_t type_oid = analysis->parameter_types[number - 1];
    if (type_oid == 0 && !analysis->infer_parameters)
        return analyse_error(state, raw->node.location, err, RDB_UNDEFINED_PARAMETER, "there is no parameter $%d", number);
    const rdb_type *type;
    if (!analyse_get_type(state, type_oid == 0 ? RDB_UNKNOWNOID : type_oid, &type, err))
        return false;
    rdb_expr_param *node = ANALYSE_NEW(state, rdb_expr_param, RDB_EXPR_PARAM, type, raw->node.location);
    node->param_kind = RDB_PARAM_EXTERNAL;
    node->param_no = (uint32_t)number;
    *expr = &node->head;
    return true;
}

static bool make_sql_value(analyse_state *state, const rdb_ast_sql_value *raw, rdb_expr **expr, rdb_error *err)
{
    static const struct { uint8_t value; uint32_t type; } MEANING[] = {
        [RDB_SQL_VALUE_CURRENT_DATE] = {RDB_CURRENT_DATE, RDB_DATEOID},
        [RDB_SQL_VALUE_CURRENT_TIME] = {RDB_CURRENT_TIME, RDB_TIMETZOID},
        [RDB_SQL_VALUE_CURRENT_TIME_N] = {RDB_CURRENT_TIME, RDB_TIMETZOID},
        [RDB_SQL_VALUE_CURRENT_TIMESTAMP] = {RDB_CURRENT_TIMESTAMP, RDB_TIMESTAMPTZOID},
        [RDB_SQL_VALUE_CURRENT_TIMESTAMP_N] = {RDB_CURRENT_TIMESTAMP, RDB_TIMESTAMPTZOID},
        [RDB_SQL_VALUE_LOCALTIME] = {RDB_LOCALTIME, RDB_TIMEOID},
        [RDB_SQL_VALUE_LOCALTIME_N] = {RDB_LOCALTIME, RDB_TIMEOID},
        [RDB_SQL_VALUE_LOCALTIMESTAMP] = {RDB_LOCALTIMESTAMP, RDB_TIMESTAMPOID},
        [RDB_SQL_VALUE_LOCALTIMESTAMP_N] = {RDB_LOCALTIMESTAMP, RDB_TIMESTAMPOID},
        [RDB_SQL_VALUE_CURRENT_ROLE] = {RDB_CURRENT_ROLE, RDB_NAMEOID},
        [RDB_SQL_VALUE_CURRENT_USER] = {RDB_CURRENT_USER, RDB_NAMEOID},
        [RDB_SQL_VALUE_USER] = {RDB_USER, RDB_NAMEOID},
        [RDB_SQL_VALUE_SESSION_USER] = {RDB_SESSION_USER, RDB_NAMEOID},
        [RDB_SQL_VALUE_CURRENT_CATALOG] = {RDB_CURRENT_CATALOG, RDB_NAMEOID},
        [RDB_SQL_VALUE_CURRENT_SCHEMA] = {RDB_CURRENT_SCHEMA, RDB_NAMEOID},
    };
    const rdb_type *type;
    if (!analyse_get_type(state, MEANING[raw->kind].type, &type, err))
        return false;
    rdb_expr_sql_value *node = ANALYSE_NEW(state, rdb_expr_sql_value, RDB_EXPR_SQL_VALUE, type, raw->node.location);
    node->value = MEANING[raw->kind].value;
    if (raw->precision >= 0)
        node->head.typmod = RDB_MIN(raw->precision, 6);
    *expr = &node->head;
    return true;
}

/* ---- comparisons ---- */

static bool need_boolean(analyse_state *state, const rdb_expr *expr, int32_t location, const char *message, rdb_error *err)
{
    if (expr->type->oid == RDB_BOOLOID)
        return true;
    return analyse_error(state, location, err, RDB_DATATYPE_MISMATCH, "%s", message);
}

/* "=" between two, as a node of another kind that keeps its function. */
static bool make_pair(analyse_state *state, const rdb_ast_names *name, rdb_expr_kind kind, rdb_expr *left, rdb_expr *right,
                      int32_t location, rdb_expr **expr, rdb_error *err)
{
    rdb_expr *made;
    if (!analyse_operator(state, name, left, right, location, &made, err) ||
        !need_boolean(state, made, location,
                      kind == RDB_EXPR_NULLIF ? "NULLIF requires = operator to yield boolean"
                                              : "IS DISTINCT FROM requires = operator to yield boolean", err))
        return false;
    const rdb_expr_function *call = (const rdb_expr_function *)made;
    if (call->returns_set)
        return analyse_error(state, location, err, RDB_DATATYPE_MISMATCH, "%s must not return a set",
                             kind == RDB_EXPR_NULLIF ? "NULLIF" : "IS DISTINCT FROM");
    rdb_expr *first = call->arguments.items[0];
    rdb_expr_pair *pair = ANALYSE_NEW(state, rdb_expr_pair, kind, kind == RDB_EXPR_NULLIF ? first->type : made->type, location);
    pair->function = call->function;
    pair->operator_oid = call->operator_oid;
    pair->left = first;
    pair->right = call->arguments.items[1];
    *expr = &pair->head;
    return true;
}

static rdb_expr *make_null_test(const analyse_state *state, const rdb_type *boolean, rdb_expr *argument, bool is_not, int32_t location)
{
    rdb_expr_null_test *node = ANALYSE_NEW(state, rdb_expr_null_test, RDB_EXPR_NULL_TEST, boolean, location);
    node->argument = argument;
    node->is_not = is_not;
    node->argument_is_row = analyse_is_row_type(argument->type);
    return &node->head;
}

static bool is_null_literal(const rdb_ast_node *raw)
{
    return raw != NULL && raw->tag == RDB_AST_CONST && ((const rdb_ast_value *)raw)->kind == RDB_SQL_VALUE_NULL;
}

static bool make_distinct(analyse_state *state, const rdb_ast_op *raw, rdb_expr **expr, rdb_error *err)
{
    bool is_not = raw->kind == RDB_SQL_OP_NOT_DISTINCT;
    int32_t location = raw->node.location;
    rdb_expr *left, *right;
    const rdb_type *boolean;
    if (!analyse_get_type(state, RDB_BOOLOID, &boolean, err))
        return false;
    if (is_null_literal(raw->right) || is_null_literal(raw->left)) {
        if (!analyse_node(state, is_null_literal(raw->right) ? raw->left : raw->right, &left, err))
            return false;
        rdb_expr *test = make_null_test(state, boolean, left, !is_not, location);
        ((rdb_expr_null_test *)test)->argument_is_row = false;
        *expr = test;
        return true;
    }
    if (!analyse_node(state, raw->left, &left, err) || !analyse_node(state, raw->right, &right, err))
        return false;
    if (left->kind == RDB_EXPR_ROW && right->kind == RDB_EXPR_ROW) {
        const rdb_list *lefts = &((rdb_expr_row *)left)->fields, *rights = &((rdb_expr_row *)right)->fields;
        if (lefts->count != rights->count)
            return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "unequal number of entries in row expressions");
        rdb_list parts = {0};
        for (uint32_t at = 0; at < lefts->count; at++) {
            rdb_expr *part;
            if (!make_pair(state, &raw->name, RDB_EXPR_DISTINCT, lefts->items[at], rights->items[at], location, &part, err))
                return false;
            rdb_list_push(analyse_arena(state), &parts, part);
        }
        if (parts.count == 0) {
            if (!analyse_make_bool(state, false, location, expr, err))
                return false;
        } else if (!analyse_make_logic(state, RDB_BOOL_OR, &parts, location, expr, err)) {
            return false;
        }
    } else if (!make_pair(state, &raw->name, RDB_EXPR_DISTINCT, left, right, location, expr, err)) {
        return false;
    }
    if (!is_not)
        return true;
    rdb_list negated = {0};
    rdb_list_push(analyse_arena(state), &negated, *expr);
    return analyse_make_logic(state, RDB_BOOL_NOT, &negated, location, expr, err);
}

/* What a comparison means for the btree family: 1..5, 6 for <>, 0 none. */
static bool comparison_strategy(const analyse_state *state, uint32_t operator_oid, uint16_t *strategy, rdb_error *err)
{
    uint32_t family;
    if (!rdb_opclass_strategy(state->analysis->access, operator_oid, strategy, &family, err))
        return false;
    if (*strategy != 0)
        return true;
    const rdb_operator_entry *entry = NULL;
    if (!rdb_operator_get(state->analysis->access, operator_oid, &entry, err))
        return false;
    uint16_t negated = 0;
    if (entry != NULL && entry->negator_oid != 0 &&
        !rdb_opclass_strategy(state->analysis->access, entry->negator_oid, &negated, &family, err))
        return false;
    *strategy = negated == 3 ? 6 : 0;
    return true;
}

bool analyse_row_compare(analyse_state *state, const rdb_ast_names *name, const rdb_list *left, const rdb_list *right,
                         int32_t location, rdb_expr **expr, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    uint32_t count = left->count;
    if (count != right->count)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "unequal number of entries in row expressions");
    if (count == 0)
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length");
    rdb_list calls = {0};
    for (uint32_t at = 0; at < count; at++) {
        rdb_expr *call;
        if (!analyse_operator(state, name, left->items[at], right->items[at], location, &call, err))
            return false;
        if (call->type->oid != RDB_BOOLOID)
            return analyse_error(state, location, err, RDB_DATATYPE_MISMATCH,
                                 "row comparison operator must yield type boolean, not type %s", analyse_type_name(state, call->type->oid));
        if (((rdb_expr_function *)call)->returns_set)
            return analyse_error(state, location, err, RDB_DATATYPE_MISMATCH, "row comparison operator must not return a set");
        rdb_list_push(arena, &calls, call);
    }
    if (count == 1) {
        *expr = calls.items[0];
        return true;
    }
    uint16_t strategy = 0;
    for (uint32_t at = 0; at < count; at++) {
        uint16_t one;
        if (!comparison_strategy(state, ((rdb_expr_function *)calls.items[at])->operator_oid, &one, err))
            return false;
        if (at > 0 && one != strategy)
            one = 0;
        strategy = one;
        if (strategy == 0) {
            analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED,
                          "could not determine interpretation of row comparison operator %s", name->items[name->count - 1]);
            return rdb_error_hint(err, "Row comparison operators must be associated with btree operator families.");
        }
    }
    if (strategy == 3)
        return analyse_make_logic(state, RDB_BOOL_AND, &calls, location, expr, err);
    if (strategy == 6)
        return analyse_make_logic(state, RDB_BOOL_OR, &calls, location, expr, err);
    rdb_expr_row_compare *node = ANALYSE_NEW(state, rdb_expr_row_compare, RDB_EXPR_ROW_COMPARE, ((rdb_expr *)calls.items[0])->type, location);
    node->strategy = (uint8_t)strategy;
    node->operator_oids = RDB_NEW_ARRAY(arena, uint32_t, count);
    node->input_collations = RDB_NEW_ARRAY(arena, uint32_t, count);
    for (uint32_t at = 0; at < count; at++) {
        const rdb_expr_function *call = calls.items[at];
        rdb_list_push(arena, &node->functions, (void *)(uintptr_t)call->function);
        rdb_list_push(arena, &node->left, call->arguments.items[0]);
        rdb_list_push(arena, &node->right, call->arguments.items[1]);
        node->operator_oids[at] = call->operator_oid;
    }
    *expr = &node->head;
    return true;
}

static rdb_ast_node *raw_operator(const analyse_state *state, const char *name, const rdb_ast_node *left, const rdb_ast_node *right, int32_t location)
{
    rdb_ast_op *op = RDB_NEW(analyse_arena(state), rdb_ast_op);
    op->node = (rdb_ast_node){RDB_AST_OP, location};
    op->kind = RDB_SQL_OP_OP;
    op->name = *analyse_one_name(state, name);
    op->left = (rdb_ast_node *)(uintptr_t)left;
    op->right = (rdb_ast_node *)(uintptr_t)right;
    return &op->node;
}

static rdb_ast_node *raw_logic(const analyse_state *state, rdb_sql_bool_kind kind, rdb_ast_node *left, rdb_ast_node *right, int32_t location)
{
    rdb_ast_bool *node = RDB_NEW(analyse_arena(state), rdb_ast_bool);
    node->node = (rdb_ast_node){RDB_AST_BOOL, location};
    node->kind = kind;
    rdb_list_push(analyse_arena(state), &node->args, left);
    rdb_list_push(analyse_arena(state), &node->args, right);
    return &node->node;
}

/* BETWEEN is two comparisons; SYMMETRIC tries both orders. */
static bool make_between(analyse_state *state, const rdb_ast_op *raw, rdb_expr **expr, rdb_error *err)
{
    const rdb_list *bounds = &((const rdb_ast_items *)raw->right)->items;
    const rdb_ast_node *value = raw->left, *low = bounds->items[0], *high = bounds->items[1];
    int32_t location = raw->node.location;
    bool is_not = raw->kind == RDB_SQL_OP_NOT_BETWEEN || raw->kind == RDB_SQL_OP_NOT_BETWEEN_SYM;
    rdb_sql_bool_kind inner = is_not ? RDB_SQL_BOOL_OR : RDB_SQL_BOOL_AND;
    const char *from = is_not ? "<" : ">=", *to = is_not ? ">" : "<=";
    rdb_ast_node *made = raw_logic(state, inner, raw_operator(state, from, value, low, location), raw_operator(state, to, value, high, location), location);
    if (raw->kind == RDB_SQL_OP_BETWEEN_SYM || raw->kind == RDB_SQL_OP_NOT_BETWEEN_SYM) {
        rdb_ast_node *swapped = raw_logic(state, inner, raw_operator(state, from, value, high, location), raw_operator(state, to, value, low, location), location);
        made = raw_logic(state, is_not ? RDB_SQL_BOOL_AND : RDB_SQL_BOOL_OR, made, swapped, location);
    }
    return analyse_node(state, made, expr, err);
}

static bool make_plain_operator(analyse_state *state, const rdb_ast_op *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_expr *left = NULL, *right;
    int32_t location = raw->node.location;
    if (raw->left != NULL && raw->left->tag == RDB_AST_ROW && raw->right->tag == RDB_AST_SUBLINK &&
        ((const rdb_ast_sublink *)raw->right)->kind == RDB_SQL_SUBLINK_EXPR) {
        rdb_ast_sublink sublink = *(const rdb_ast_sublink *)raw->right;
        sublink.op_name = raw->name;
        sublink.node.location = location;
        return analyse_node(state, raw->left, &left, err) && analyse_sublink(state, &sublink, RDB_SUBLINK_ROW_COMPARE, left, expr, err);
    }
    if ((raw->left != NULL && !analyse_node(state, raw->left, &left, err)) || !analyse_node(state, raw->right, &right, err))
        return false;
    if (raw->left != NULL && raw->left->tag == RDB_AST_ROW && raw->right->tag == RDB_AST_ROW)
        return analyse_row_compare(state, &raw->name, &((rdb_expr_row *)left)->fields, &((rdb_expr_row *)right)->fields, location, expr, err);
    return analyse_operator(state, &raw->name, left, right, location, expr, err);
}

static bool make_op(analyse_state *state, const rdb_ast_op *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_expr *left, *right;
    switch (raw->kind) {
    case RDB_SQL_OP_OP: case RDB_SQL_OP_LIKE: case RDB_SQL_OP_ILIKE: case RDB_SQL_OP_SIMILAR:
        return make_plain_operator(state, raw, expr, err);
    case RDB_SQL_OP_OP_ANY: case RDB_SQL_OP_OP_ALL:
        return analyse_node(state, raw->left, &left, err) && analyse_node(state, raw->right, &right, err) &&
               analyse_array_operator(state, &raw->name, raw->kind == RDB_SQL_OP_OP_ANY, left, right, raw->node.location, expr, err);
    case RDB_SQL_OP_DISTINCT: case RDB_SQL_OP_NOT_DISTINCT:
        return make_distinct(state, raw, expr, err);
    case RDB_SQL_OP_NULLIF:
        return analyse_node(state, raw->left, &left, err) && analyse_node(state, raw->right, &right, err) &&
               make_pair(state, &raw->name, RDB_EXPR_NULLIF, left, right, raw->node.location, expr, err);
    case RDB_SQL_OP_IN:
        return analyse_in(state, raw, expr, err);
    case RDB_SQL_OP_BETWEEN: case RDB_SQL_OP_NOT_BETWEEN: case RDB_SQL_OP_BETWEEN_SYM: case RDB_SQL_OP_NOT_BETWEEN_SYM:
        return make_between(state, raw, expr, err);
    }
    RDB_ASSERT(!"an operator of no kind");
    return false;
}

static bool make_bool(analyse_state *state, const rdb_ast_bool *raw, rdb_expr **expr, rdb_error *err)
{
    static const char *const NAMES[] = {"AND", "OR", "NOT"};
    rdb_list arguments = {0};
    for (uint32_t at = 0; at < raw->args.count; at++) {
        rdb_expr *argument;
        if (!analyse_node(state, raw->args.items[at], &argument, err) ||
            !analyse_coerce_to_boolean(state, &argument, NAMES[raw->kind], err))
            return false;
        rdb_list_push(analyse_arena(state), &arguments, argument);
    }
    return analyse_make_logic(state, raw->kind == RDB_SQL_BOOL_AND ? RDB_BOOL_AND : raw->kind == RDB_SQL_BOOL_OR ? RDB_BOOL_OR : RDB_BOOL_NOT,
                              &arguments, raw->node.location, expr, err);
}

/* ---- CASE and its kin ---- */

/* A set-returning call would be run for rows that do not reach it. */
static bool refuse_sets(const analyse_state *state, const rdb_list *exprs, const char *construct, rdb_error *err)
{
    for (uint32_t at = 0; at < exprs->count; at++) {
        const rdb_expr *expr = exprs->items[at];
        if (!analyse_is_set(expr))
            continue;
        analyse_error(state, analyse_location(expr), err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in %s", construct);
        return rdb_error_hint(err, "You might be able to move the set-returning function into a LATERAL FROM item.");
    }
    return true;
}

static bool make_case(analyse_state *state, const rdb_ast_case *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_expr_case *node = ANALYSE_NEW(state, rdb_expr_case, RDB_EXPR_CASE, NULL, raw->node.location);
    rdb_expr *value = NULL;
    const rdb_type *type;
    if (raw->arg != NULL) {
        if (!analyse_node(state, raw->arg, &node->argument, err))
            return false;
        if (node->argument->type->oid == RDB_UNKNOWNOID &&
            (!analyse_get_type(state, RDB_TEXTOID, &type, err) ||
             !analyse_coerce(state, node->argument, type, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &node->argument, err)))
            return false;
        if (!analyse_assign_collations(state, node->argument, err))
            return false;
        value = analyse_new(state, sizeof(rdb_expr_case_test), RDB_EXPR_CASE_TEST, node->argument->type, -1);
        value->typmod = node->argument->typmod;
        value->collation = node->argument->collation;
    }
    rdb_list results = {0};
    if (raw->otherwise != NULL) {
        if (!analyse_node(state, raw->otherwise, &node->otherwise, err))
            return false;
    } else {
        if (!analyse_get_type(state, RDB_UNKNOWNOID, &type, err))
            return false;
        node->otherwise = analyse_make_null(state, type, -1, -1);
    }
    rdb_list_push(arena, &results, node->otherwise);
    for (uint32_t at = 0; at < raw->whens.count; at++) {
        const rdb_ast_when *written = raw->whens.items[at];
        rdb_case_when *when = RDB_NEW(arena, rdb_case_when);
        rdb_expr *condition;
        if (!analyse_node(state, written->condition, &condition, err))
            return false;
        if (value != NULL && !analyse_operator_named(state, "=", value, condition, written->node.location, &condition, err))
            return false;
        if (!analyse_coerce_to_boolean(state, &condition, "CASE/WHEN", err) || !analyse_node(state, written->result, &when->result, err))
            return false;
        when->condition = condition;
        rdb_list_push(arena, &node->whens, when);
        rdb_list_push(arena, &results, when->result);
    }
    if (!analyse_common_type(state, &results, "CASE", &type, NULL, err))
        return false;
    node->head.type = type;
    node->head.collation = 0;
    if (!analyse_coerce_to_common(state, &node->otherwise, type, "CASE/ELSE", err))
        return false;
    results.count = 0;
    rdb_list_push(arena, &results, node->otherwise);
    for (uint32_t at = 0; at < node->whens.count; at++) {
        rdb_case_when *when = node->whens.items[at];
        if (!analyse_coerce_to_common(state, &when->result, type, "CASE/WHEN", err))
            return false;
        rdb_list_push(arena, &results, when->result);
    }
    node->head.typmod = analyse_common_typmod(&results, type);
    *expr = &node->head;
    return refuse_sets(state, &results, "CASE", err);
}

static bool make_list(analyse_state *state, rdb_expr_kind kind, const rdb_list *raw, const char *construct, bool is_least,
                      int32_t location, rdb_expr **expr, rdb_error *err)
{
    rdb_expr_list *node = ANALYSE_NEW(state, rdb_expr_list, kind, NULL, location);
    const rdb_type *type;
    if (!analyse_nodes(state, raw, &node->arguments, err) || !analyse_common_type(state, &node->arguments, construct, &type, NULL, err))
        return false;
    for (uint32_t at = 0; at < node->arguments.count; at++)
        if (!analyse_coerce_to_common(state, (rdb_expr **)&node->arguments.items[at], type, construct, err))
            return false;
    node->head.type = type;
    node->head.typmod = analyse_common_typmod(&node->arguments, type);
    node->is_least = is_least;
    *expr = &node->head;
    if (kind == RDB_EXPR_MINMAX) {
        uint32_t equality, order;
        bool can_hash;
        return analyse_sort_operators(state, type, true, false, location, &equality, &order, &can_hash, err);
    }
    return refuse_sets(state, &node->arguments, construct, err);
}

/* ---- rows, arrays, fields, subscripts ---- */

static bool make_row(analyse_state *state, const rdb_ast_row *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    const rdb_type *record;
    if (!analyse_get_type(state, RDB_RECORDOID, &record, err))
        return false;
    rdb_expr_row *node = ANALYSE_NEW(state, rdb_expr_row, RDB_EXPR_ROW, record, raw->node.location);
    node->form = raw->form == RDB_SQL_FORM_IMPLICIT ? RDB_FORM_IMPLICIT_CAST : RDB_FORM_CALL;
    for (uint32_t at = 0; at < raw->args.count; at++) {
        const rdb_ast_node *item = raw->args.items[at];
        if ((item->tag == RDB_AST_COLUMN && ((const rdb_ast_column *)item)->is_star) ||
            (item->tag == RDB_AST_INDIRECTION && ((const rdb_ast_node *)((const rdb_ast_indirection *)item)->steps.items[((const rdb_ast_indirection *)item)->steps.count - 1])->tag == RDB_AST_STAR)) {
            rdb_ast_target wrapped = {.node = {RDB_AST_TARGET, item->location}, .value = (rdb_ast_node *)(uintptr_t)item};
            rdb_list one = {0}, expanded = {0};
            rdb_list_push(arena, &one, &wrapped);
            if (!analyse_targets(state, &one, state->clause, &expanded, err))
                return false;
            for (uint32_t no = 0; no < expanded.count; no++)
                rdb_list_push(arena, &node->fields, ((rdb_target *)expanded.items[no])->expr);
            continue;
        }
        rdb_expr *field;
        if (!analyse_node(state, item, &field, err))
            return false;
        rdb_list_push(arena, &node->fields, field);
    }
    for (uint32_t at = 0; at < node->fields.count; at++)
        rdb_list_push(arena, &node->field_names, rdb_arena_printf(arena, "f%u", at + 1));
    if (node->fields.count > 1664)
        return analyse_error(state, raw->node.location, err, RDB_TOO_MANY_COLUMNS, "ROW expressions can have at most 1664 entries");
    *expr = &node->head;
    return analyse_describe_record(state, &node->head, err);
}

/* ---- casts, collations, tests ---- */

static bool make_cast(analyse_state *state, const rdb_ast_cast *raw, rdb_expr **expr, rdb_error *err)
{
    const rdb_type *type;
    int32_t typmod;
    uint32_t collation;
    if (!rdb_type_resolve(state->analysis, &raw->type->node, &type, &typmod, &collation, err))
        return false;
    if (raw->type->is_setof)
        return analyse_error(state, raw->type->node.location, err, RDB_SYNTAX_ERROR, "type modifier cannot have SETOF");
    rdb_expr *value;
    int32_t base_typmod = typmod;
    const rdb_type *base = analyse_base_type(type, &base_typmod);
    if (raw->arg->tag == RDB_AST_ARRAY && analyse_array_element(base) != NULL) {
        if (!analyse_array(state, (const rdb_ast_array *)raw->arg, base, base_typmod, &value, err))
            return false;
    } else if (!analyse_node(state, raw->arg, &value, err)) {
        return false;
    }
    int32_t location = raw->node.location >= 0 ? raw->node.location : raw->type->node.location;
    if (!analyse_coerce_to_target(state, value, type, typmod, ANALYSE_EXPLICIT, RDB_FORM_EXPLICIT_CAST, location, expr, err))
        return false;
    if (*expr == NULL)
        return analyse_error(state, location, err, RDB_CANNOT_COERCE, "cannot cast type %s to %s", analyse_type_name(state, value->type->oid),
                             analyse_type_name(state, type->oid));
    return true;
}

static bool make_collate(analyse_state *state, const rdb_ast_collate *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_expr *argument;
    uint32_t collation;
    const rdb_type *text;
    if (!analyse_node(state, raw->arg, &argument, err))
        return false;
    if (argument->type->oid == RDB_UNKNOWNOID) { /* a literal is text, if it is to be compared as one */
        if (!analyse_get_type(state, RDB_TEXTOID, &text, err) ||
            !analyse_coerce(state, argument, text, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &argument, err))
            return false;
    } else if (argument->type->collation == 0) {
        return analyse_error(state, raw->node.location, err, RDB_DATATYPE_MISMATCH, "collations are not supported by type %s",
                             analyse_type_name(state, argument->type->oid));
    }
    if (!analyse_find_collation(state, &raw->name, raw->node.location, &collation, err))
        return false;
    rdb_expr_unary *node = ANALYSE_NEW(state, rdb_expr_unary, RDB_EXPR_RELABEL, argument->type, raw->node.location);
    node->form = RDB_FORM_SQL_SYNTAX; /* what tells COLLATE from a change of label */
    node->argument = argument;
    node->head.typmod = argument->typmod;
    node->head.collation = collation;
    *expr = &node->head;
    return true;
}

static bool make_bool_test(analyse_state *state, const rdb_ast_bool_test *raw, rdb_expr **expr, rdb_error *err)
{
    static const char *const NAMES[] = {"IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"};
    static const uint8_t TESTS[] = {RDB_IS_TRUE, RDB_IS_NOT_TRUE, RDB_IS_FALSE, RDB_IS_NOT_FALSE, RDB_IS_UNKNOWN, RDB_IS_NOT_UNKNOWN};
    rdb_expr *argument;
    if (!analyse_node(state, raw->arg, &argument, err) || !analyse_coerce_to_boolean(state, &argument, NAMES[raw->kind], err))
        return false;
    rdb_expr_bool_test *node = ANALYSE_NEW(state, rdb_expr_bool_test, RDB_EXPR_BOOL_TEST, argument->type, raw->node.location);
    node->argument = argument;
    node->test = TESTS[raw->kind];
    *expr = &node->head;
    return true;
}

static bool make_grouping(analyse_state *state, const rdb_ast_grouping *raw, rdb_expr **expr, rdb_error *err)
{
    const rdb_type *int4;
    if (raw->args.count > 31)
        return analyse_error(state, raw->node.location, err, RDB_TOO_MANY_ARGUMENTS, "GROUPING must have fewer than 32 arguments");
    if (!analyse_get_type(state, RDB_INT4OID, &int4, err))
        return false;
    rdb_expr_grouping *node = ANALYSE_NEW(state, rdb_expr_grouping, RDB_EXPR_GROUPING, int4, raw->node.location);
    *expr = &node->head;
    return analyse_nodes(state, &raw->args, &node->arguments, err) && analyse_grouping(state, node, err);
}

static bool dispatch(analyse_state *state, const rdb_ast_node *raw, rdb_expr **expr, rdb_error *err)
{
    switch (raw->tag) {
    case RDB_AST_CONST:
        return analyse_make_literal(state, (const rdb_ast_value *)raw, expr, err);
    case RDB_AST_COLUMN:
        return analyse_column(state, (const rdb_ast_column *)raw, expr, err);
    case RDB_AST_PARAM:
        return make_param(state, (const rdb_ast_param *)raw, expr, err);
    case RDB_AST_OP:
        return make_op(state, (const rdb_ast_op *)raw, expr, err);
    case RDB_AST_BOOL:
        return make_bool(state, (const rdb_ast_bool *)raw, expr, err);
    case RDB_AST_CAST:
        return make_cast(state, (const rdb_ast_cast *)raw, expr, err);
    case RDB_AST_COLLATE:
        return make_collate(state, (const rdb_ast_collate *)raw, expr, err);
    case RDB_AST_CALL:
        return analyse_call(state, (const rdb_ast_call *)raw, expr, err);
    case RDB_AST_INDIRECTION:
        return analyse_indirection(state, (const rdb_ast_indirection *)raw, expr, err);
    case RDB_AST_ARRAY:
        return analyse_array(state, (const rdb_ast_array *)raw, NULL, -1, expr, err);
    case RDB_AST_ROW:
        return make_row(state, (const rdb_ast_row *)raw, expr, err);
    case RDB_AST_CASE:
        return make_case(state, (const rdb_ast_case *)raw, expr, err);
    case RDB_AST_COALESCE:
        return make_list(state, RDB_EXPR_COALESCE, &((const rdb_ast_coalesce *)raw)->args, "COALESCE", false, raw->location, expr, err);
    case RDB_AST_MIN_MAX: {
        const rdb_ast_min_max *written = (const rdb_ast_min_max *)raw;
        bool is_least = written->kind == RDB_SQL_MIN_MAX_LEAST;
        return make_list(state, RDB_EXPR_MINMAX, &written->args, is_least ? "LEAST" : "GREATEST", is_least, raw->location, expr, err);
    }
    case RDB_AST_SQL_VALUE:
        return make_sql_value(state, (const rdb_ast_sql_value *)raw, expr, err);
    case RDB_AST_NULL_TEST: {
        const rdb_ast_null_test *written = (const rdb_ast_null_test *)raw;
        const rdb_type *boolean;
        rdb_expr *argument;
        if (!analyse_node(state, written->arg, &argument, err) || !analyse_get_type(state, RDB_BOOLOID, &boolean, err))
            return false;
        *expr = make_null_test(state, boolean, argument, written->kind == RDB_SQL_IS_NOT_NULL, raw->location);
        return true;
    }
    case RDB_AST_BOOL_TEST:
        return make_bool_test(state, (const rdb_ast_bool_test *)raw, expr, err);
    case RDB_AST_SUBLINK: {
        const rdb_ast_sublink *written = (const rdb_ast_sublink *)raw;
        static const uint8_t KINDS[] = {
            [RDB_SQL_SUBLINK_EXISTS] = RDB_SUBLINK_EXISTS, [RDB_SQL_SUBLINK_ALL] = RDB_SUBLINK_ALL, [RDB_SQL_SUBLINK_ANY] = RDB_SUBLINK_ANY,
            [RDB_SQL_SUBLINK_EXPR] = RDB_SUBLINK_SCALAR, [RDB_SQL_SUBLINK_ARRAY] = RDB_SUBLINK_ARRAY};
        return analyse_sublink(state, written, KINDS[written->kind], NULL, expr, err);
    }
    case RDB_AST_GROUPING:
        return make_grouping(state, (const rdb_ast_grouping *)raw, expr, err);
    case RDB_AST_MULTI_ASSIGN:
        return analyse_multi_assign(state, (const rdb_ast_multi_assign *)raw, expr, err);
    case RDB_AST_NAMED_ARG:
        return analyse_node(state, ((const rdb_ast_named_arg *)raw)->arg, expr, err);
    case RDB_AST_DEFAULT:
        return analyse_error(state, raw->location, err, RDB_SYNTAX_ERROR, "DEFAULT is not allowed in this context");
    case RDB_AST_CURRENT_OF:
        return analyse_current_of(state, (const rdb_ast_current_of *)raw, expr, err);
    default:
        return analyse_error(state, raw->location, err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported in an expression", rdb_ast_tag_name(raw->tag));
    }
}

bool analyse_node(analyse_state *state, const rdb_ast_node *raw, rdb_expr **expr, rdb_error *err)
{
    if (++state->depth > RDB_TREE_DEPTH_MAX) {
        rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        return rdb_error_hint(err, "Simplify the statement.");
    }
    bool ok = rdb_arena_check(analyse_arena(state), err) && dispatch(state, raw, expr, err);
    state->depth--;
    return ok;
}
