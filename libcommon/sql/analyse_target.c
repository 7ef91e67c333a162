/* SPDX-License-Identifier: Apache-2.0
 * Lists of targets: what * stands for, what an output column is called, which column of which table it shows; and the
 * clauses that refer to targets: ORDER BY, GROUP BY, DISTINCT. */
#include "sql/analyse_int.h"

rdb_target *analyse_new_target(const analyse_state *state, rdb_expr *expr, int16_t number, const char *name, bool is_junk)
{
    rdb_target *target = RDB_NEW(analyse_arena(state), rdb_target);
    target->expr = expr;
    target->number = number;
    target->name = name;
    target->is_junk = is_junk;
    return target;
}

/* ---- names ---- */

/* How good a name is: 0 none, 1 what the construct is called, 2 a name from the text. */
static int name_of(const rdb_ast_node *raw, const char **name)
{
    if (raw == NULL)
        return 0;
    switch (raw->tag) {
    case RDB_AST_COLUMN: {
        const rdb_ast_column *column = (const rdb_ast_column *)raw;
        if (column->is_star || column->names.count == 0)
            return 0;
        *name = column->names.items[column->names.count - 1];
        return 2;
    }
    case RDB_AST_INDIRECTION: {
        const rdb_ast_indirection *indirection = (const rdb_ast_indirection *)raw;
        for (uint32_t at = indirection->steps.count; at-- > 0;) {
            const rdb_ast_node *step = indirection->steps.items[at];
            if (step->tag == RDB_AST_VALUE) {
                *name = ((const rdb_ast_value *)step)->text;
                return 2;
            }
        }
        return name_of(indirection->arg, name);
    }
    case RDB_AST_CALL: {
        const rdb_ast_names *names = &((const rdb_ast_call *)raw)->name;
        *name = names->items[names->count - 1];
        return 2;
    }
    case RDB_AST_OP:
        if (((const rdb_ast_op *)raw)->kind != RDB_SQL_OP_NULLIF)
            return 0;
        *name = "nullif";
        return 2;
    case RDB_AST_CAST: {
        const rdb_ast_cast *cast = (const rdb_ast_cast *)raw;
        int strength = name_of(cast->arg, name);
        if (strength <= 1) {
            *name = cast->type->names.items[cast->type->names.count - 1];
            strength = 1;
        }
        return strength;
    }
    case RDB_AST_COLLATE:
        return name_of(((const rdb_ast_collate *)raw)->arg, name);
    case RDB_AST_GROUPING:
        *name = "grouping";
        return 2;
    case RDB_AST_SUBLINK: {
        const rdb_ast_sublink *sublink = (const rdb_ast_sublink *)raw;
        if (sublink->kind == RDB_SQL_SUBLINK_EXISTS || sublink->kind == RDB_SQL_SUBLINK_ARRAY) {
            *name = sublink->kind == RDB_SQL_SUBLINK_EXISTS ? "exists" : "array";
            return 2;
        }
        if (sublink->kind != RDB_SQL_SUBLINK_EXPR || sublink->query->tag != RDB_AST_SELECT)
            return 0;
        const rdb_ast_select *select = (const rdb_ast_select *)sublink->query;
        while (select->op != RDB_SQL_SET_OP_NONE)
            select = select->left;
        if (select->values.count > 0) {
            *name = "column1";
            return 2;
        }
        if (select->targets.count == 0)
            return 0;
        const rdb_ast_target *target = select->targets.items[0];
        if (target->name != NULL) {
            *name = target->name;
            return 2;
        }
        return name_of(target->value, name);
    }
    case RDB_AST_CASE: {
        int strength = name_of(((const rdb_ast_case *)raw)->otherwise, name);
        if (strength <= 1) {
            *name = "case";
            strength = 1;
        }
        return strength;
    }
    case RDB_AST_ARRAY: *name = "array"; return 2;
    case RDB_AST_ROW: *name = "row"; return 2;
    case RDB_AST_COALESCE: *name = "coalesce"; return 2;
    case RDB_AST_MIN_MAX:
        *name = ((const rdb_ast_min_max *)raw)->kind == RDB_SQL_MIN_MAX_LEAST ? "least" : "greatest";
        return 2;
    case RDB_AST_SQL_VALUE: {
        static const char *const NAMES[] = {
            "current_date", "current_time", "current_time", "current_timestamp", "current_timestamp", "localtime", "localtime", "localtimestamp",
            "localtimestamp", "current_role", "current_user", "user", "session_user", "current_catalog", "current_schema"};
        *name = NAMES[((const rdb_ast_sql_value *)raw)->kind];
        return 2;
    }
    default:
        return 0;
    }
}

const char *rdb_ast_name_of(const rdb_ast_node *raw)
{
    const char *name = NULL;
    return name_of(raw, &name) == 0 ? NULL : name;
}

const char *analyse_column_name(const rdb_ast_node *raw)
{
    const char *name = rdb_ast_name_of(raw);
    return name != NULL ? name : "?column?";
}

/* ---- stars ---- */

static bool add_item_columns(analyse_state *state, const analyse_item *item, uint32_t levels_up, int32_t location, rdb_list *targets, rdb_error *err)
{
    for (uint32_t at = 0; at + item->hidden_count < item->range->columns.count; at++) {
        const char *name = item->range->columns.items[at];
        rdb_expr *expr;
        if (name[0] == '\0')
            continue;
        if (!analyse_item_column(state, item, (int16_t)(at + 1), levels_up, location, &expr, err))
            return false;
        rdb_list_push(analyse_arena(state), targets, analyse_new_target(state, expr, (int16_t)(targets->count + 1), name, false));
    }
    return true;
}

static bool add_fields(analyse_state *state, rdb_expr *row, rdb_list *targets, rdb_error *err)
{
    analyse_fields fields;
    if (!analyse_row_fields(state, row, &fields, err))
        return false;
    if (fields.count == 0)
        return analyse_error(state, analyse_location(row), err, RDB_WRONG_OBJECT_TYPE, "type %s is not composite", analyse_type_name(state, row->type->oid));
    for (uint32_t at = 0; at < fields.count; at++) {
        if (fields.names[at][0] == '\0')
            continue;
        rdb_expr_unary *field = ANALYSE_NEW(state, rdb_expr_unary, RDB_EXPR_FIELD, fields.types[at], row->location);
        field->argument = row;
        field->field_no = (int16_t)(at + 1);
        field->head.typmod = fields.typmods[at];
        field->head.collation = fields.collations[at];
        rdb_list_push(analyse_arena(state), targets, analyse_new_target(state, &field->head, (int16_t)(targets->count + 1), fields.names[at], false));
    }
    return true;
}

static bool expand_star(analyse_state *state, const rdb_ast_column *star, rdb_list *targets, rdb_error *err)
{
    int32_t location = star->node.location;
    if (star->names.count > 0) {
        uint32_t levels_up;
        bool ambiguous;
        const char *schema = star->names.count > 1 ? star->names.items[star->names.count - 2] : NULL;
        const analyse_item *item = analyse_find_item(state, schema, star->names.items[star->names.count - 1], &levels_up, &ambiguous);
        if (item == NULL || ambiguous) { /* an argument of the routine; or the message that a column of it gives */
            rdb_expr *argument;
            return analyse_column(state, star, &argument, err) && add_fields(state, argument, targets, err);
        }
        return add_item_columns(state, item, levels_up, location, targets, err);
    }
    bool found = false;
    for (uint32_t at = 0; at < state->items.count; at++) {
        const analyse_item *item = state->items.items[at];
        if (!item->columns_visible)
            continue;
        found = true;
        if (!add_item_columns(state, item, 0, location, targets, err))
            return false;
    }
    if (!found)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "SELECT * with no tables specified is not valid");
    return true;
}

/* (row).* */
static bool expand_row(analyse_state *state, const rdb_ast_indirection *raw, analyse_clause clause, rdb_list *targets, rdb_error *err)
{
    rdb_ast_indirection inner = *raw;
    inner.steps.count--;
    rdb_expr *row;
    if (!analyse_expr(state, inner.steps.count == 0 ? inner.arg : &inner.node, clause, &row, err))
        return false;
    if (row->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)row)->attribute_no == 0) {
        const rdb_expr_var *var = (const rdb_expr_var *)row;
        const analyse_item *item = analyse_state_up(state, var->levels_up)->joined.items[var->range_no - 1];
        if (item != NULL)
            return add_item_columns(state, item, var->levels_up, row->location, targets, err);
    }
    return add_fields(state, row, targets, err);
}

bool analyse_targets(analyse_state *state, const rdb_list *raw, analyse_clause clause, rdb_list *targets, rdb_error *err)
{
    for (uint32_t at = 0; at < raw->count; at++) {
        const rdb_ast_target *written = raw->items[at];
        const rdb_ast_node *value = written->value;
        if (value->tag == RDB_AST_COLUMN && ((const rdb_ast_column *)value)->is_star) {
            if (!expand_star(state, (const rdb_ast_column *)value, targets, err))
                return false;
            continue;
        }
        if (value->tag == RDB_AST_INDIRECTION) {
            const rdb_list *steps = &((const rdb_ast_indirection *)value)->steps;
            if (((const rdb_ast_node *)steps->items[steps->count - 1])->tag == RDB_AST_STAR) {
                if (!expand_row(state, (const rdb_ast_indirection *)value, clause, targets, err))
                    return false;
                continue;
            }
        }
        rdb_expr *expr;
        if (!analyse_expr(state, value, clause, &expr, err))
            return false;
        const char *name = written->name != NULL ? written->name : analyse_column_name(value);
        rdb_list_push(analyse_arena(state), targets, analyse_new_target(state, expr, (int16_t)(targets->count + 1), name, false));
    }
    if (targets->count > 1664)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "target lists can have at most 1664 entries");
    return true;
}

bool analyse_settle_unknown(analyse_state *state, rdb_list *targets, rdb_error *err)
{
    for (uint32_t at = 0; at < targets->count; at++) {
        rdb_target *target = targets->items[at];
        const rdb_type *text;
        if (target->expr->type->oid != RDB_UNKNOWNOID)
            continue;
        if (!analyse_get_type(state, RDB_TEXTOID, &text, err) ||
            !analyse_coerce(state, target->expr, text, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &target->expr, err))
            return false;
    }
    return true;
}

/* The table's column that a variable shows, through sub-selects and WITH items. */
static void trace_origin(const analyse_state *state, const rdb_query *query, const rdb_expr *expr, rdb_target *target)
{
    if (expr->kind != RDB_EXPR_VAR)
        return;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    if (var->levels_up != 0 || var->attribute_no == 0)
        return;
    const rdb_range *range = query->ranges.items[var->range_no - 1];
    if (range->kind == RDB_RANGE_RELATION) {
        target->origin_table = range->relation->oid;
        target->origin_column = var->attribute_no;
        return;
    }
    const rdb_list *inner = NULL;
    if (range->kind == RDB_RANGE_SUBQUERY && range->subquery != NULL)
        inner = rdb_query_result_targets(range->subquery);
    else if (range->kind == RDB_RANGE_CTE && !range->is_self_reference) {
        const analyse_state *owner = analyse_state_up(state, range->cte_levels_up);
        for (uint32_t at = 0; owner != NULL && at < owner->ctes.count; at++) {
            const rdb_cte *cte = owner->ctes.items[at];
            if (strcmp(cte->name, range->cte_name) == 0 && cte->query != NULL)
                inner = rdb_query_result_targets(cte->query);
        }
    }
    if (inner == NULL || (uint32_t)var->attribute_no > inner->count)
        return;
    const rdb_target *source = inner->items[var->attribute_no - 1];
    target->origin_table = source->origin_table;
    target->origin_column = source->origin_column;
}

void analyse_set_origins(const analyse_state *state, rdb_list *targets)
{
    for (uint32_t at = 0; at < targets->count; at++) {
        rdb_target *target = targets->items[at];
        trace_origin(state, state->query, target->expr, target);
    }
}

/* ---- references to targets ---- */

uint32_t analyse_sort_ref(rdb_target *target, const rdb_list *targets)
{
    uint32_t most = 0;
    if (target->sort_ref == 0) {
        for (uint32_t at = 0; at < targets->count; at++)
            most = RDB_MAX(most, ((const rdb_target *)targets->items[at])->sort_ref);
        target->sort_ref = most + 1;
    }
    return target->sort_ref;
}

rdb_target *analyse_target_by_ref(const rdb_list *targets, uint32_t ref)
{
    for (uint32_t at = 0; at < targets->count; at++)
        if (((rdb_target *)targets->items[at])->sort_ref == ref)
            return targets->items[at];
    return NULL;
}

static const rdb_sort_item *item_by_ref(const rdb_list *items, uint32_t ref)
{
    for (uint32_t at = 0; ref != 0 && at < items->count; at++)
        if (((const rdb_sort_item *)items->items[at])->target_ref == ref)
            return items->items[at];
    return NULL;
}

/* Below casts that nobody wrote. */
static const rdb_expr *strip_implicit(const rdb_expr *expr)
{
    for (;;) {
        if (expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->form == RDB_FORM_IMPLICIT_CAST)
            expr = ((const rdb_expr_function *)expr)->arguments.items[0];
        else if ((expr->kind == RDB_EXPR_RELABEL || expr->kind == RDB_EXPR_COERCE_IO || expr->kind == RDB_EXPR_COERCE_DOMAIN) &&
                 ((const rdb_expr_unary *)expr)->form == RDB_FORM_IMPLICIT_CAST)
            expr = ((const rdb_expr_unary *)expr)->argument;
        else
            return expr;
    }
}

/* By value: an expression that may already be in the list; else it is added, unseen by the client. */
static bool find_expression(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, rdb_list *targets, rdb_target **found, rdb_error *err)
{
    rdb_expr *expr;
    if (!analyse_expr(state, raw, clause, &expr, err))
        return false;
    for (uint32_t at = 0; at < targets->count; at++) {
        rdb_target *target = targets->items[at];
        if (rdb_expr_equal(expr, strip_implicit(target->expr)) || rdb_expr_equal(expr, target->expr)) {
            *found = target;
            return true;
        }
    }
    *found = analyse_new_target(state, expr, (int16_t)(targets->count + 1), NULL, true);
    rdb_list_push(analyse_arena(state), targets, *found);
    return true;
}

/* As SQL had it in 1992: an output's name or position; else by value. */
static bool find_target(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, rdb_list *targets, rdb_target **found, rdb_error *err)
{
    *found = NULL;
    if (raw->tag == RDB_AST_COLUMN && ((const rdb_ast_column *)raw)->names.count == 1 && !((const rdb_ast_column *)raw)->is_star) {
        const char *name = ((const rdb_ast_column *)raw)->names.items[0];
        rdb_expr *column = NULL;
        if (clause == ANALYSE_GROUP_BY && !analyse_own_column(state, name, raw->location, &column, err))
            return false; /* GROUP BY prefers a column of the tables to an output of that name */
        for (uint32_t at = 0; column == NULL && at < targets->count; at++) {
            rdb_target *target = targets->items[at];
            if (target->is_junk || strcmp(target->name, name) != 0)
                continue;
            if (*found != NULL && !rdb_expr_equal((*found)->expr, target->expr))
                return analyse_error(state, raw->location, err, RDB_AMBIGUOUS_COLUMN, "%s \"%s\" is ambiguous", analyse_clause_name(clause), name);
            if (*found == NULL)
                *found = target;
        }
        if (*found != NULL)
            return true;
    }
    if (raw->tag == RDB_AST_CONST && ((const rdb_ast_value *)raw)->kind != RDB_SQL_VALUE_NULL) {
        const rdb_ast_value *value = (const rdb_ast_value *)raw;
        if (value->kind != RDB_SQL_VALUE_INTEGER)
            return analyse_error(state, raw->location, err, RDB_SYNTAX_ERROR, "non-integer constant in %s", analyse_clause_name(clause));
        int32_t position = 0;
        for (uint32_t at = 0; at < targets->count; at++) {
            rdb_target *target = targets->items[at];
            if (!target->is_junk && ++position == value->integer) {
                *found = target;
                return true;
            }
        }
        return analyse_error(state, raw->location, err, RDB_INVALID_COLUMN_REFERENCE, "%s position %d is not in select list", analyse_clause_name(clause), value->integer);
    }
    if (raw->tag == RDB_AST_CONST)
        return analyse_error(state, raw->location, err, RDB_SYNTAX_ERROR, "non-integer constant in %s", analyse_clause_name(clause));
    return find_expression(state, raw, clause, targets, found, err);
}

static bool settle_target(analyse_state *state, rdb_target *target, rdb_error *err)
{
    rdb_list one = {0};
    rdb_list_push(analyse_arena(state), &one, target);
    return analyse_settle_unknown(state, &one, err);
}

bool analyse_add_sort_item(analyse_state *state, rdb_target *target, rdb_list *items, const rdb_list *targets, const rdb_ast_sort *sort, int32_t location,
                           rdb_error *err)
{
    if (!settle_target(state, target, err))
        return false;
    if (item_by_ref(items, target->sort_ref) != NULL)
        return true; /* sorted by it already */
    rdb_sort_item *item = RDB_NEW(analyse_arena(state), rdb_sort_item);
    bool using = sort != NULL && sort->direction == RDB_SQL_SORT_USING;
    item->is_descending = sort != NULL && sort->direction == RDB_SQL_SORT_DESC;
    if (using) {
        const rdb_operator_entry *entry;
        uint16_t strategy = 0;
        uint32_t family;
        uint32_t type = analyse_base_type(target->expr->type, NULL)->oid;
        if (!analyse_find_operator(state, &sort->using_op, type, type, false, location, &entry, err) ||
            !rdb_opclass_strategy(state->analysis->access, entry->oid, &strategy, &family, err))
            return false;
        if (strategy != 1 && strategy != 5) {
            analyse_error(state, location, err, RDB_WRONG_OBJECT_TYPE, "operator %s is not a valid ordering operator", sort->using_op.items[sort->using_op.count - 1]);
            return rdb_error_hint(err, "Ordering operators must be \"<\" or \">\" members of btree operator families.");
        }
        item->is_descending = strategy == 5;
    }
    if (!analyse_sort_operators(state, target->expr->type, true, item->is_descending, location >= 0 ? location : target->expr->location, &item->equality_oid,
                                &item->order_oid, &item->can_hash, err))
        return false;
    item->nulls_first = sort == NULL || sort->nulls == RDB_SQL_NULLS_DEFAULT ? item->is_descending : sort->nulls == RDB_SQL_NULLS_FIRST;
    item->target_ref = analyse_sort_ref(target, targets);
    rdb_list_push(analyse_arena(state), items, item);
    return true;
}

bool analyse_add_group_item(analyse_state *state, rdb_target *target, rdb_list *items, int32_t location, rdb_error *err)
{
    if (!settle_target(state, target, err))
        return false;
    if (item_by_ref(items, target->sort_ref) != NULL)
        return true;
    rdb_sort_item *item = RDB_NEW(analyse_arena(state), rdb_sort_item);
    if (!analyse_sort_operators(state, target->expr->type, false, false, location >= 0 ? location : target->expr->location, &item->equality_oid, &item->order_oid,
                                &item->can_hash, err))
        return false;
    RDB_ASSERT(target->sort_ref != 0);
    item->target_ref = target->sort_ref;
    rdb_list_push(analyse_arena(state), items, item);
    return true;
}

bool analyse_sort(analyse_state *state, const rdb_list *raw, rdb_list *targets, analyse_clause clause, bool sql99_only, rdb_list *items, rdb_error *err)
{
    for (uint32_t at = 0; at < raw->count; at++) {
        const rdb_ast_sort *sort = raw->items[at];
        rdb_target *target;
        if (sql99_only ? !find_expression(state, sort->expr, clause, targets, &target, err) : !find_target(state, sort->expr, clause, targets, &target, err))
            return false;
        bool is_using = sort->direction == RDB_SQL_SORT_USING;
        if (!analyse_add_sort_item(state, target, items, targets, sort, is_using ? sort->node.location : sort->expr->location, err))
            return false;
    }
    return true;
}

/* ---- GROUP BY ---- */

/* Finds or makes the target and its group item; *ref 0 where it was in this very list already. */
static bool group_one(analyse_state *state, const rdb_ast_node *raw, rdb_list *targets, const rdb_list *sort, uint32_t *ref, rdb_error *err)
{
    rdb_target *target;
    if (!find_target(state, raw, ANALYSE_GROUP_BY, targets, &target, err))
        return false;
    const rdb_sort_item *sorted = item_by_ref(sort, target->sort_ref);
    *ref = analyse_sort_ref(target, targets);
    if (item_by_ref(&state->query->group, *ref) != NULL)
        return true;
    if (sorted != NULL) { /* grouping in the order wanted serves both */
        rdb_list_push(analyse_arena(state), &state->query->group, rdb_arena_memdup(analyse_arena(state), sorted, sizeof *sorted));
        return true;
    }
    return analyse_add_group_item(state, target, &state->query->group, raw->location, err);
}

static void add_ref(const analyse_state *state, rdb_list *refs, uint32_t ref)
{
    for (uint32_t at = 0; at < refs->count; at++)
        if ((uintptr_t)refs->items[at] == ref)
            return;
    rdb_list_push(analyse_arena(state), refs, (void *)(uintptr_t)ref);
}

static bool is_bare_row(const rdb_ast_node *raw)
{
    return raw->tag == RDB_AST_ROW && ((const rdb_ast_row *)raw)->form == RDB_SQL_FORM_IMPLICIT;
}

/* (a, (b, c)) as its expressions. */
static bool group_refs(analyse_state *state, const rdb_ast_node *raw, rdb_list *targets, const rdb_list *sort, rdb_list *refs, rdb_error *err)
{
    if (!is_bare_row(raw)) {
        uint32_t ref;
        if (!group_one(state, raw, targets, sort, &ref, err))
            return false;
        add_ref(state, refs, ref);
        return true;
    }
    const rdb_list *args = &((const rdb_ast_row *)raw)->args;
    for (uint32_t at = 0; at < args->count; at++)
        if (!group_refs(state, args->items[at], targets, sort, refs, err))
            return false;
    return true;
}

static bool grouping_set(analyse_state *state, const rdb_ast_node *raw, rdb_list *targets, const rdb_list *sort, rdb_grouping_set **set, rdb_error *err)
{
    static const uint8_t KINDS[] = {RDB_GROUPING_EMPTY, RDB_GROUPING_SIMPLE, RDB_GROUPING_ROLLUP, RDB_GROUPING_CUBE, RDB_GROUPING_SETS};
    rdb_grouping_set *node = RDB_NEW(analyse_arena(state), rdb_grouping_set);
    *set = node;
    if (raw->tag != RDB_AST_GROUPING_SET) {
        node->kind = RDB_GROUPING_SIMPLE;
        return group_refs(state, raw, targets, sort, &node->content, err);
    }
    const rdb_ast_grouping_set *written = (const rdb_ast_grouping_set *)raw;
    node->kind = KINDS[written->kind];
    if (node->kind == RDB_GROUPING_CUBE && written->content.count > 12)
        return analyse_error(state, raw->location, err, RDB_TOO_MANY_COLUMNS, "CUBE is limited to 12 elements");
    for (uint32_t at = 0; at < written->content.count; at++) {
        rdb_grouping_set *inner;
        if (!grouping_set(state, written->content.items[at], targets, sort, &inner, err))
            return false;
        rdb_list_push(analyse_arena(state), &node->content, inner);
    }
    return true;
}

bool analyse_group(analyse_state *state, const rdb_list *raw, rdb_list *targets, const rdb_list *sort, rdb_error *err)
{
    bool has_sets = false;
    for (uint32_t at = 0; at < raw->count; at++)
        has_sets |= ((const rdb_ast_node *)raw->items[at])->tag == RDB_AST_GROUPING_SET;
    for (uint32_t at = 0; at < raw->count; at++) {
        rdb_grouping_set *set;
        if (!grouping_set(state, raw->items[at], targets, sort, &set, err))
            return false;
        if (has_sets)
            rdb_list_push(analyse_arena(state), &state->query->grouping_sets, set);
    }
    return true;
}

/* ---- DISTINCT ---- */

bool analyse_distinct(analyse_state *state, rdb_list *targets, const rdb_list *sort, bool for_aggregate, rdb_list *items, rdb_error *err)
{
    for (uint32_t at = 0; at < sort->count; at++) {
        const rdb_sort_item *sorted = sort->items[at];
        const rdb_target *target = analyse_target_by_ref(targets, sorted->target_ref);
        if (target->is_junk)
            return analyse_error(state, analyse_location(target->expr), err, RDB_INVALID_COLUMN_REFERENCE,
                                 for_aggregate ? "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
                                               : "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
        rdb_list_push(analyse_arena(state), items, rdb_arena_memdup(analyse_arena(state), sorted, sizeof *sorted));
    }
    for (uint32_t at = 0; at < targets->count; at++) {
        rdb_target *target = targets->items[at];
        if (target->is_junk)
            continue;
        analyse_sort_ref(target, targets);
        if (!analyse_add_group_item(state, target, items, target->expr->location, err))
            return false;
    }
    if (items->count == 0)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, for_aggregate ? "an aggregate with DISTINCT must have at least one argument"
                                                                  : "SELECT DISTINCT must have at least one column");
    return true;
}

bool analyse_distinct_on(analyse_state *state, const rdb_list *raw, rdb_list *targets, const rdb_list *sort, rdb_list *items, rdb_error *err)
{
    rdb_list wanted = {0};
    for (uint32_t at = 0; at < raw->count; at++) {
        rdb_target *target;
        if (!find_target(state, raw->items[at], ANALYSE_DISTINCT_ON, targets, &target, err))
            return false;
        analyse_sort_ref(target, targets);
        rdb_list_push(analyse_arena(state), &wanted, target);
    }
    uint32_t matched = 0;
    bool skipped = false;
    for (uint32_t at = 0; at < sort->count; at++) {
        const rdb_sort_item *sorted = sort->items[at];
        bool is_wanted = false;
        for (uint32_t no = 0; no < wanted.count; no++)
            is_wanted |= ((const rdb_target *)wanted.items[no])->sort_ref == sorted->target_ref;
        if (!is_wanted) {
            skipped = true;
            continue;
        }
        if (skipped)
            return analyse_error(state, ((const rdb_ast_node *)raw->items[0])->location, err, RDB_INVALID_COLUMN_REFERENCE,
                                 "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
        rdb_list_push(analyse_arena(state), items, rdb_arena_memdup(analyse_arena(state), sorted, sizeof *sorted));
        matched++;
    }
    for (uint32_t at = 0; at < wanted.count; at++) {
        rdb_target *target = wanted.items[at];
        if (item_by_ref(items, target->sort_ref) != NULL)
            continue;
        if (skipped)
            return analyse_error(state, ((const rdb_ast_node *)raw->items[at])->location, err, RDB_INVALID_COLUMN_REFERENCE,
                                 "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
        if (!analyse_add_group_item(state, target, items, target->expr->location, err))
            return false;
    }
    return true;
}
