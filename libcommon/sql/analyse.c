/* SPDX-License-Identifier: Apache-2.0
 * Where analysis begins: a whole statement, a query inside another one, or an expression alone. */
#include "sql/analyse_int.h"

bool analyse_body(analyse_state *state, const rdb_ast_node *raw, rdb_error *err)
{
    switch (raw->tag) {
    case RDB_AST_SELECT: {
        const rdb_ast_select *select = (const rdb_ast_select *)raw;
        if (select->values.count > 0)
            return analyse_values(state, select, err);
        return select->op == RDB_SQL_SET_OP_NONE ? analyse_select(state, select, err) : analyse_set_operations(state, select, err);
    }
    case RDB_AST_INSERT:
        return analyse_insert(state, (const rdb_ast_insert *)raw, err) && analyse_query_collations(state, state->query, err);
    case RDB_AST_UPDATE:
        return analyse_update(state, (const rdb_ast_update *)raw, err) && analyse_query_collations(state, state->query, err);
    case RDB_AST_DELETE:
        return analyse_delete(state, (const rdb_ast_delete *)raw, err) && analyse_query_collations(state, state->query, err);
    case RDB_AST_MERGE:
        if (state->parent != NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "MERGE not supported in WITH query");
        return analyse_merge(state, (const rdb_ast_merge *)raw, err) && analyse_query_collations(state, state->query, err);
    default:
        return analyse_error(state, raw->location, err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported here yet", rdb_ast_tag_name(raw->tag));
    }
}

bool analyse_subquery(analyse_state *parent, rdb_analysis *analysis, const rdb_ast_node *raw, rdb_cte *cte, bool locked_by_parent, bool keep_unknown,
                      rdb_query **query, rdb_error *err)
{
    analyse_state state = {.analysis = analysis, .parent = parent, .locked_by_parent = locked_by_parent, .keep_unknown = keep_unknown, .defines = cte};
    state.depth = parent == NULL ? 0 : parent->depth + 1;
    state.query = RDB_NEW(analysis->arena, rdb_query);
    state.query->location = raw->location;
    *query = state.query;
    if (parent != NULL && parent->makes_source && !analyse_begin_rule(&state, parent->passes_rule, false, err))
        return false;
    if (!analyse_body(&state, raw, err))
        return false;
    if (parent != NULL && parent->query != NULL)
        for (uint32_t at = 0; at < state.query->depends.count; at++)
            rdb_list_push(analysis->arena, &parent->query->depends, state.query->depends.items[at]);
    return true;
}

/* Every parameter must have found its type. */
static bool check_parameters(const rdb_analysis *analysis, rdb_error *err)
{
    for (uint32_t at = 0; analysis->infer_parameters && at < analysis->parameter_count; at++)
        if (analysis->parameter_types[at] == 0 || analysis->parameter_types[at] == RDB_UNKNOWNOID)
            return rdb_error_set(err, RDB_INDETERMINATE_DATATYPE, "could not determine data type of parameter $%u", at + 1);
    return true;
}

/* A parameter that was met before its type was known, and never asked for one, learns it at the end. */
static bool settle_parameter(void *context, const rdb_expr *node, uint32_t levels)
{
    const analyse_state *state = context;
    (void)levels;
    if (node->kind != RDB_EXPR_PARAM || node->type->oid != RDB_UNKNOWNOID || ((const rdb_expr_param *)node)->param_kind != RDB_PARAM_EXTERNAL)
        return true;
    uint32_t known = state->analysis->parameter_types[((const rdb_expr_param *)node)->param_no - 1];
    return known == 0 || known == RDB_UNKNOWNOID;
}

/* SELECT ... INTO is CREATE TABLE AS. */
static rdb_ast_node *into_as_create(rdb_arena *arena, rdb_ast_node *statement)
{
    if (statement->tag != RDB_AST_SELECT)
        return statement;
    rdb_ast_select *leftmost = (rdb_ast_select *)statement;
    while (leftmost->op != RDB_SQL_SET_OP_NONE)
        leftmost = leftmost->left;
    if (leftmost->into == NULL)
        return statement;
    rdb_ast_create_table_as *create = RDB_NEW(arena, rdb_ast_create_table_as);
    create->node = (rdb_ast_node){RDB_AST_CREATE_TABLE_AS, statement->location};
    create->query = statement;
    create->into = leftmost->into;
    create->object_type = RDB_SQL_OBJECT_TABLE;
    leftmost->into = NULL;
    return &create->node;
}

/* INTO in the query of another statement. */
static bool refuse_into(rdb_analysis *analysis, const rdb_ast_node *statement, rdb_error *err)
{
    const rdb_ast_node *query = statement->tag == RDB_AST_DECLARE           ? ((const rdb_ast_declare *)statement)->query
                                : statement->tag == RDB_AST_CREATE_TABLE_AS ? ((const rdb_ast_create_table_as *)statement)->query
                                : statement->tag == RDB_AST_CREATE_VIEW     ? ((const rdb_ast_create_view *)statement)->query
                                : statement->tag == RDB_AST_COPY            ? ((const rdb_ast_copy *)statement)->query
                                                                            : NULL;
    if (query != NULL && query->tag == RDB_AST_MERGE && statement->tag == RDB_AST_COPY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "MERGE not supported in COPY");
    if (query == NULL || query->tag != RDB_AST_SELECT)
        return true;
    const rdb_ast_select *leftmost = (const rdb_ast_select *)query;
    while (leftmost->op != RDB_SQL_SET_OP_NONE)
        leftmost = leftmost->left;
    if (leftmost->into == NULL)
        return true;
    if (statement->tag == RDB_AST_CREATE_VIEW)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "views must not contain SELECT INTO");
    if (statement->tag == RDB_AST_COPY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY (SELECT INTO) is not supported");
    const analyse_state state = {.analysis = analysis};
    return analyse_error(&state, leftmost->into->table->node.location, err, RDB_SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
}

bool rdb_query_analyse(rdb_analysis *analysis, struct rdb_ast_node *statement, rdb_query **query, rdb_error *err)
{
    *query = NULL;
    statement = into_as_create(analysis->arena, statement);
    switch (statement->tag) {
    case RDB_AST_SELECT: case RDB_AST_INSERT: case RDB_AST_UPDATE: case RDB_AST_DELETE: case RDB_AST_MERGE:
        break;
    default:
        if (!refuse_into(analysis, statement, err))
            return false;
        *query = RDB_NEW(analysis->arena, rdb_query);
        (*query)->command = RDB_COMMAND_UTILITY;
        (*query)->utility = statement;
        return true;
    }
    if (!analyse_subquery(NULL, analysis, statement, NULL, false, false, query, err))
        return false;
    if (!check_parameters(analysis, err) || (analysis->is_cursor && !analyse_mark_rows(analysis, *query, err)))
        return false;
    analyse_state state = {.analysis = analysis};
    if (analysis->infer_parameters && !analyse_walk_query(*query, 0, settle_parameter, &state))
        return rdb_error_set(err, RDB_AMBIGUOUS_PARAMETER, "could not determine data type of a parameter");
    return rdb_arena_check(analysis->arena, err);
}

/* What the caller calls the place tells what may stand in it. */
static analyse_clause clause_of(const char *what)
{
    static const struct { const char *what; analyse_clause clause; } PLACES[] = {
        {"check constraints", ANALYSE_CHECK}, {"DEFAULT expressions", ANALYSE_DEFAULT}, {"column generation expressions", ANALYSE_GENERATED},
        {"index expressions", ANALYSE_INDEX_EXPRESSION}, {"index predicates", ANALYSE_INDEX_PREDICATE}, {"domain constraints", ANALYSE_DOMAIN_CHECK},
        {"EXECUTE parameters", ANALYSE_EXECUTE}, {"COPY FROM WHERE conditions", ANALYSE_COPY_WHERE}, {"transform expressions", ANALYSE_TRANSFORM}, {"policy expressions", ANALYSE_POLICY}};
    for (size_t at = 0; what != NULL && at < RDB_COUNT_OF(PLACES); at++)
        if (strcmp(PLACES[at].what, what) == 0)
            return PLACES[at].clause;
    return ANALYSE_OTHER;
}

typedef struct generation {
    const analyse_state *state;
    const rdb_relation *relation;
    rdb_error *err;
} generation;

/* A generated column is made of those that are not: whatever names one, itself among them, has no order to be computed in. */
static bool refuse_generated(void *generation_at, rdb_expr *expr)
{
    const generation *g = generation_at;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_visit_children(expr, refuse_generated, generation_at);
    if (var->attribute_no == 0) {
        analyse_error(g->state, expr->location, g->err, RDB_INVALID_OBJECT_DEFINITION, "cannot use whole-row variable in column generation expression");
        return rdb_error_detail(g->err, "This would cause the generated column to depend on its own value.");
    }
    if (var->attribute_no < 0 || g->relation->columns[var->attribute_no - 1].generated == 0)
        return true;
    analyse_error(g->state, expr->location, g->err, RDB_INVALID_OBJECT_DEFINITION, "cannot use generated column \"%s\" in column generation expression",
                  g->relation->columns[var->attribute_no - 1].name);
    return rdb_error_detail(g->err, "A generated column cannot reference another generated column.");
}

static bool check_generation(const analyse_state *state, const rdb_relation *relation, rdb_expr *expr, rdb_error *err)
{
    generation g = {state, relation, err};
    if (!refuse_generated(&g, expr))
        return false;
    return rdb_expr_volatility(expr) == 'i' || rdb_error_set(err, RDB_INVALID_OBJECT_DEFINITION, "generation expression is not immutable");
}

bool rdb_expr_analyse(rdb_analysis *analysis, const rdb_relation *relation, struct rdb_ast_node *raw, const rdb_type *target_type,
                      int32_t target_typmod, const char *what, rdb_expr **expr, rdb_error *err)
{
    analyse_state state = {.analysis = analysis, .query = RDB_NEW(analysis->arena, rdb_query)};
    analyse_clause clause = clause_of(what);
    state.query->command = RDB_COMMAND_SELECT;
    *expr = NULL;
    if (relation != NULL && clause != ANALYSE_DEFAULT) {
        analyse_item *item = analyse_add_relation(&state, relation, NULL, NULL, RDB_LOCK_NONE, false);
        if (!analyse_push_item(&state, item, true, true, err))
            return false;
    }
    if (clause == ANALYSE_DOMAIN_CHECK) {
        state.value_type = target_type;
        state.value_typmod = target_typmod;
    }
    if (!analyse_expr(&state, raw, clause, expr, err))
        return false;
    if (clause == ANALYSE_GENERATED && !check_generation(&state, relation, *expr, err))
        return false;
    if (clause == ANALYSE_POLICY) {
        if (!analyse_coerce_to_boolean(&state, expr, "POLICY", err))
            return false;
    } else if (clause == ANALYSE_COPY_WHERE) {
        if (!analyse_coerce_to_boolean(&state, expr, "WHERE", err))
            return false;
    } else if (clause == ANALYSE_CHECK || clause == ANALYSE_DOMAIN_CHECK || clause == ANALYSE_INDEX_PREDICATE) {
        if (!analyse_coerce_to_boolean(&state, expr, clause == ANALYSE_INDEX_PREDICATE ? "WHERE" : "CHECK", err))
            return false;
    } else if (target_type != NULL) {
        rdb_expr *coerced;
        if (!analyse_coerce_to_target(&state, *expr, target_type, target_typmod, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, &coerced, err))
            return false;
        if (coerced == NULL) {
            rdb_error_set(err, RDB_DATATYPE_MISMATCH, "column \"%s\" is of type %s but default expression is of type %s", analysis->target_name != NULL ? analysis->target_name : "",
                          analyse_type_name(&state, target_type->oid), analyse_type_name(&state, (*expr)->type->oid));
            return rdb_error_hint(err, "You will need to rewrite or cast the expression.");
        }
        *expr = coerced;
    } else if ((*expr)->type->oid == RDB_UNKNOWNOID) {
        const rdb_type *text;
        if (!analyse_get_type(&state, RDB_TEXTOID, &text, err) ||
            !analyse_coerce(&state, *expr, text, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, expr, err))
            return false;
    }
    return analyse_assign_collations(&state, *expr, err) && rdb_arena_check(analysis->arena, err);
}
