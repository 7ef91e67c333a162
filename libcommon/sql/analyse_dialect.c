/* SPDX-License-Identifier: Apache-2.0
 * Oracle's names: DUAL, SYSDATE, ROWNUM, seq.NEXTVAL, NVL, DECODE (types: analyse_type.c). Each is asked for only where nothing of
 * that name is known to PostgreSQL's rules, and becomes what PostgreSQL would have been told instead; so views keep standard trees. */
#include <strings.h>

#include "sql/analyse_int.h"

/* ---- pieces of statements ------------------------------------------------------------------------------------------------------ */
/* The expression of "select ..." as the parser gives it; its places are not those of the statement. */
static bool parse_piece(analyse_state *state, const char *text, rdb_ast_node **node, rdb_error *err)
{
    rdb_ast_list statements;
    if (!rdb_sql_parse(analyse_arena(state), text, strlen(text), &statements, err))
        return false;
    const rdb_ast_select *select = (const rdb_ast_select *)statements.items[0].body;
    *node = ((const rdb_ast_target *)select->targets.items[0])->value;
    return true;
}

static void substitute(rdb_ast_node **node, rdb_ast_node *value);

static void substitute_list(rdb_list *list, rdb_ast_node *value)
{
    for (uint32_t at = 0; at < list->count; at++)
        substitute((rdb_ast_node **)&list->items[at], value);
}

/* value in place of $1, in the nodes that the pieces below have. */
static void substitute(rdb_ast_node **node, rdb_ast_node *value)
{
    if (*node == NULL)
        return;
    switch ((*node)->tag) {
    case RDB_AST_PARAM:
        *node = value;
        return;
    case RDB_AST_OP:
        substitute(&((rdb_ast_op *)*node)->left, value);
        substitute(&((rdb_ast_op *)*node)->right, value);
        return;
    case RDB_AST_NULL_TEST:
        substitute(&((rdb_ast_null_test *)*node)->arg, value);
        return;
    case RDB_AST_CASE:
        substitute_list(&((rdb_ast_case *)*node)->whens, value);
        substitute(&((rdb_ast_case *)*node)->otherwise, value);
        return;
    case RDB_AST_WHEN:
        substitute(&((rdb_ast_when *)*node)->condition, value);
        substitute(&((rdb_ast_when *)*node)->result, value);
        return;
    case RDB_AST_CALL:
        substitute_list(&((rdb_ast_call *)*node)->args, value);
        return;
    case RDB_AST_MIN_MAX:
        substitute_list(&((rdb_ast_min_max *)*node)->args, value);
        return;
    case RDB_AST_BOOL:
        substitute_list(&((rdb_ast_bool *)*node)->args, value);
        return;
    default:
        return;
    }
}

/* ---- DUAL ---------------------------------------------------------------------------------------------------------------------- */
bool analyse_dialect_table(analyse_state *state, const rdb_ast_table *table, rdb_ast_node **instead, rdb_error *err)
{
    *instead = NULL;
    const rdb_relation *relation;
    if (table->schema != NULL || strcmp(table->name, "dual") != 0)
        return true;
    if (!rdb_relation_find(state->analysis->access, NULL, table->name, &relation, err))
        return analyse_place(state->analysis, table->node.location, err);
    if (relation != NULL)
        return true;
    rdb_ast_list statements;
    static const char TEXT[] = "select 'X'::pg_catalog.varchar(1) as dummy";
    if (!rdb_sql_parse(analyse_arena(state), TEXT, strlen(TEXT), &statements, err))
        return false;
    rdb_ast_range_subquery *from = RDB_NEW(analyse_arena(state), rdb_ast_range_subquery);
    rdb_ast_alias *alias = RDB_NEW(analyse_arena(state), rdb_ast_alias);
    *alias = (rdb_ast_alias){.node = {RDB_AST_ALIAS, -1}, .name = table->name};
    *from = (rdb_ast_range_subquery){.node = {RDB_AST_RANGE_SUBQUERY, table->node.location}, .query = statements.items[0].body,
                                     .alias = table->alias != NULL ? table->alias : alias};
    *instead = &from->node;
    return true;
}

/* ---- names that are no columns --------------------------------------------------------------------------------------------------- */
/* seq.NEXTVAL, seq.CURRVAL, schema.seq.NEXTVAL. */
static bool sequence_value(analyse_state *state, const rdb_ast_names *names, rdb_ast_node **instead, rdb_error *err)
{
    const char *what = names->items[names->count - 1], *schema = names->count == 3 ? names->items[0] : NULL, *name = names->items[names->count - 2];
    const rdb_relation *relation = NULL;
    if (names->count > 3 || (strcmp(what, "nextval") != 0 && strcmp(what, "currval") != 0))
        return true;
    if (!rdb_relation_find(state->analysis->access, schema, name, &relation, err))
        return false;
    if (relation == NULL || relation->kind != 'S')
        return true;
    return parse_piece(state, rdb_arena_printf(analyse_arena(state), "select pg_catalog.%s('%u'::pg_catalog.regclass)", what, relation->oid), instead, err);
}

bool analyse_dialect_column(analyse_state *state, const rdb_ast_names *names, int32_t location, rdb_expr **expr, rdb_error *err)
{
    static const struct {
        const char *name, *text;
    } WORDS[] = {{"sysdate", "select pg_catalog.date_trunc('second', pg_catalog.statement_timestamp()::pg_catalog.timestamp)"},
                 {"systimestamp", "select pg_catalog.clock_timestamp()"}};
    rdb_ast_node *instead = NULL;
    *expr = NULL;
    if (names->count > 1) {
        if (!sequence_value(state, names, &instead, err))
            return analyse_place(state->analysis, location, err);
    } else if (strcmp(names->items[0], "rownum") == 0) {
        if (state->clause != ANALYSE_SELECT_TARGET && state->clause != ANALYSE_ORDER_BY)
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "ROWNUM is supported in the select list, in ORDER BY, and compared by itself in the WHERE clause of a SELECT");
        if (!parse_piece(state, "select pg_catalog.row_number() over ()", &instead, err))
            return false;
    } else {
        for (size_t at = 0; at < RDB_COUNT_OF(WORDS) && instead == NULL; at++) {
            if (strcmp(WORDS[at].name, names->items[0]) == 0 && !parse_piece(state, WORDS[at].text, &instead, err))
                return false;
        }
    }
    return instead == NULL || analyse_node(state, instead, expr, err);
}

/* ---- NVL, NVL2, DECODE ----------------------------------------------------------------------------------------------------------- */
static rdb_ast_node *new_when(analyse_state *state, rdb_ast_node *condition, rdb_ast_node *result)
{
    rdb_ast_when *when = RDB_NEW(analyse_arena(state), rdb_ast_when);
    *when = (rdb_ast_when){.node = {RDB_AST_WHEN, result->location}, .condition = condition, .result = result};
    return &when->node;
}

static rdb_ast_node *new_case(analyse_state *state, const rdb_ast_call *call)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_ast_case *chosen = RDB_NEW(arena, rdb_ast_case);
    *chosen = (rdb_ast_case){.node = {RDB_AST_CASE, call->node.location}};
    if (strcmp(call->name.items[0], "nvl2") == 0) {
        rdb_ast_null_test *test = RDB_NEW(arena, rdb_ast_null_test);
        *test = (rdb_ast_null_test){.node = {RDB_AST_NULL_TEST, -1}, .arg = call->args.items[0], .kind = RDB_SQL_IS_NOT_NULL};
        rdb_list_push(arena, &chosen->whens, new_when(state, &test->node, call->args.items[1]));
        chosen->otherwise = call->args.items[2];
        return &chosen->node;
    }
    static const char *const EQUAL[] = {"="};
    for (uint32_t at = 1; at + 1 < call->args.count; at += 2) { /* DECODE: null equals null */
        rdb_ast_op *same = RDB_NEW(arena, rdb_ast_op);
        *same = (rdb_ast_op){.node = {RDB_AST_OP, -1}, .kind = RDB_SQL_OP_NOT_DISTINCT, .name = {(const char **)(uintptr_t)EQUAL, 1},
                             .left = call->args.items[0], .right = call->args.items[at]};
        rdb_list_push(arena, &chosen->whens, new_when(state, &same->node, call->args.items[at + 1]));
    }
    chosen->otherwise = call->args.count % 2 == 0 ? call->args.items[call->args.count - 1] : NULL;
    return &chosen->node;
}

bool analyse_dialect_call(analyse_state *state, const rdb_ast_call *call, rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    if (call->name.count != 1 || call->is_star || call->is_distinct || call->is_variadic || call->over != NULL || call->filter != NULL || call->order.count > 0)
        return true;
    const char *name = call->name.items[0];
    uint32_t count = call->args.count;
    bool is_nvl = strcmp(name, "nvl") == 0 && count == 2;
    if (!is_nvl && !(strcmp(name, "nvl2") == 0 && count == 3) && !(strcmp(name, "decode") == 0 && count >= 3))
        return true;
    const rdb_function *const *functions;
    uint32_t function_count;
    if (!rdb_function_find(state->analysis->access, NULL, name, &functions, &function_count, err))
        return false;
    for (uint32_t at = 0; at < function_count; at++) { /* one that may take them goes first */
        if (functions[at]->variadic_type != 0 || functions[at]->argument_count >= count)
            return true;
    }
    for (uint32_t at = 0; at < count; at++) {
        if (((const rdb_ast_node *)call->args.items[at])->tag == RDB_AST_NAMED_ARG)
            return true;
    }
    if (!is_nvl)
        return analyse_node(state, new_case(state, call), expr, err);
    rdb_ast_coalesce *first = RDB_NEW(analyse_arena(state), rdb_ast_coalesce);
    *first = (rdb_ast_coalesce){.node = {RDB_AST_COALESCE, call->node.location}, .args = call->args};
    return analyse_node(state, &first->node, expr, err);
}

/* ---- moment + days ---------------------------------------------------------------------------------------------------------------- */
bool analyse_dialect_days(analyse_state *state, const rdb_ast_names *name, rdb_expr *left, rdb_expr **right, rdb_error *err)
{
    static const char *const TIMES[] = {"*"};
    const rdb_ast_names times = {(const char **)(uintptr_t)TIMES, 1};
    const rdb_operator_entry *known;
    const rdb_type *number;
    rdb_ast_node *day;
    rdb_expr *days, *one;
    uint32_t from = left == NULL ? 0 : left->type->oid, to = (*right)->type->oid;
    if (name->count != 1 || (from != RDB_TIMESTAMPOID && from != RDB_TIMESTAMPTZOID) || (strcmp(name->items[0], "+") != 0 && strcmp(name->items[0], "-") != 0) ||
        (to != RDB_INT2OID && to != RDB_INT4OID && to != RDB_INT8OID && to != RDB_NUMERICOID && to != RDB_FLOAT4OID && to != RDB_FLOAT8OID))
        return true;
    if (!analyse_find_operator(state, name, from, to, true, -1, &known, err))
        return false;
    if (known != NULL)
        return true;
    return analyse_get_type(state, RDB_FLOAT8OID, &number, err) && parse_piece(state, "select pg_catalog.interval '1 day'", &day, err) &&
           analyse_node(state, day, &one, err) && analyse_coerce(state, *right, number, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &days, err) &&
           analyse_operator(state, &times, days, one, (*right)->location, right, err);
}

/* ---- WHERE ROWNUM <= n ------------------------------------------------------------------------------------------------------------- */
static bool is_rownum(const rdb_ast_node *node)
{
    const rdb_ast_column *column = (const rdb_ast_column *)node;
    return node != NULL && node->tag == RDB_AST_COLUMN && !column->is_star && column->names.count == 1 && strcmp(column->names.items[0], "rownum") == 0;
}

/* How many rows a comparison of ROWNUM with $1 lets through: the number grows only with rows that pass. NULL: all. */
static const char *rows_of(const char *operator, bool is_turned)
{
    static const struct {
        const char *name, *turned, *rows;
    } OPERATORS[] = {{"<=", ">=", "select greatest(pg_catalog.floor($1), 0)"},
                     {"<", ">", "select greatest(pg_catalog.ceil($1) - 1, 0)"},
                     {"=", "=", "select case when $1 = 1 then 1 else 0 end"},
                     {">=", "<=", "select case when $1 <= 1 then null else 0 end"},
                     {">", "<", "select case when $1 < 1 then null else 0 end"},
                     {"<>", "<>", "select case when $1 is null then 0 when $1 >= 1 and pg_catalog.floor($1) = $1 then $1 - 1 end"}};
    for (size_t at = 0; at < RDB_COUNT_OF(OPERATORS); at++) {
        if (strcmp(operator, is_turned ? OPERATORS[at].turned : OPERATORS[at].name) == 0)
            return OPERATORS[at].rows;
    }
    return NULL;
}

/* The rows that a predicate about ROWNUM alone lets through; *limit NULL: it is none. */
static bool limit_of(analyse_state *state, const rdb_ast_node *node, rdb_ast_node **limit, rdb_error *err)
{
    const rdb_ast_op *op = (const rdb_ast_op *)node;
    *limit = NULL;
    if (node->tag != RDB_AST_OP || op->kind != RDB_SQL_OP_OP || op->name.count != 1 || op->left == NULL)
        return true;
    bool is_turned = is_rownum(op->right);
    if (is_turned == is_rownum(op->left))
        return true;
    const char *text = rows_of(op->name.items[0], is_turned);
    if (text == NULL)
        return true;
    if (!parse_piece(state, text, limit, err))
        return false;
    substitute(limit, is_turned ? op->left : op->right);
    return true;
}

bool analyse_dialect_rows(analyse_state *state, const rdb_ast_select **raw, bool *is_limited, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    const rdb_ast_bool *both = (const rdb_ast_bool *)(*raw)->where;
    rdb_list all = {0}, kept = {0}, limits = {0};
    bool is_known;
    *is_limited = false;
    if ((*raw)->where == NULL)
        return true;
    if (both->node.tag == RDB_AST_BOOL && both->kind == RDB_SQL_BOOL_AND)
        all = both->args;
    else
        rdb_list_push(arena, &all, (*raw)->where);
    for (uint32_t at = 0; at < all.count; at++) {
        rdb_ast_node *limit;
        const rdb_ast_op *op = (const rdb_ast_op *)all.items[at];
        bool mentions = op->node.tag == RDB_AST_OP && (is_rownum(op->left) || is_rownum(op->right));
        if (!mentions) {
            rdb_list_push(arena, &kept, all.items[at]);
            continue;
        }
        if (limits.count == 0) {
            if (!analyse_is_column(state, "rownum", &is_known, err))
                return false;
            if (is_known)
                return true;
        }
        if (!limit_of(state, &op->node, &limit, err))
            return false;
        rdb_list_push(arena, limit == NULL ? &kept : &limits, limit == NULL ? all.items[at] : limit);
    }
    if (limits.count == 0)
        return true;
    if ((*raw)->group.count > 0 || (*raw)->having != NULL || (*raw)->sort.count > 0 || (*raw)->is_distinct || (*raw)->limit_offset != NULL) {
        analyse_error(state, (*raw)->where->location, err, RDB_FEATURE_NOT_SUPPORTED, "a condition on ROWNUM beside GROUP BY, DISTINCT, ORDER BY or OFFSET is not supported");
        return rdb_error_hint(err, "Put the condition or the ordering into a subquery in FROM.");
    }
    if ((*raw)->limit_count != NULL)
        rdb_list_push(arena, &limits, (*raw)->limit_count);
    rdb_ast_select *copy = rdb_arena_memdup(arena, *raw, sizeof **raw);
    rdb_ast_min_max *least = RDB_NEW(arena, rdb_ast_min_max);
    rdb_ast_bool *rest = RDB_NEW(arena, rdb_ast_bool);
    *least = (rdb_ast_min_max){.node = {RDB_AST_MIN_MAX, -1}, .kind = RDB_SQL_MIN_MAX_LEAST, .args = limits};
    *rest = (rdb_ast_bool){.node = {RDB_AST_BOOL, -1}, .kind = RDB_SQL_BOOL_AND, .args = kept};
    copy->limit_count = limits.count == 1 ? limits.items[0] : &least->node;
    copy->where = kept.count == 0 ? NULL : kept.count == 1 ? kept.items[0] : &rest->node;
    *raw = copy;
    *is_limited = true;
    return true;
}

bool analyse_dialect_check_rows(const analyse_state *state, rdb_error *err)
{
    if (!state->query->has_aggregates)
        return true;
    rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "a condition on ROWNUM beside aggregate functions is not supported");
    return rdb_error_hint(err, "Put the condition into a subquery in FROM.");
}
