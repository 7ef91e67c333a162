/* SPDX-License-Identifier: Apache-2.0
 * INSERT, UPDATE and DELETE: which columns get which values, ON CONFLICT, RETURNING. What a column not named gets (its default)
 * is the planner's to add; what is written into a named one is coerced here as an assignment. */
#include "sql/analyse_int.h"

static const rdb_column *column_of(const rdb_relation *relation, const char *name)
{
    for (uint16_t i = 0; i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped && strcmp(relation->columns[i].name, name) == 0)
            return &relation->columns[i];
    return NULL;
}

static bool no_such_column(const analyse_state *state, const rdb_relation *relation, const char *name, int32_t location, rdb_error *err)
{
    return analyse_error(state, location, err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name, relation->name);
}

/* DEFAULT where a value can stand. */
bool analyse_value(analyse_state *state, const rdb_ast_node *raw, analyse_clause clause, rdb_expr **expr, rdb_error *err)
{
    if (raw->tag != RDB_AST_DEFAULT)
        return analyse_expr(state, raw, clause, expr, err);
    *expr = analyse_new(state, sizeof(rdb_expr_case_test), RDB_EXPR_DEFAULT, NULL, raw->location);
    return true;
}

/* Identity and generated columns take what they make themselves. */
static bool refuse_value(const rdb_column *column, bool is_update, rdb_sql_overriding overriding, rdb_error *err)
{
    const char *verb = is_update ? "updated to DEFAULT" : NULL;
    if (column->generated) {
        if (is_update)
            rdb_error_set(err, RDB_GENERATED_ALWAYS, "column \"%s\" can only be %s", column->name, verb);
        else
            rdb_error_set(err, RDB_GENERATED_ALWAYS, "cannot insert a non-DEFAULT value into column \"%s\"", column->name);
        return rdb_error_detail(err, "Column \"%s\" is a generated column.", column->name);
    }
    if (column->identity == 'a' && overriding == RDB_SQL_OVERRIDING_NONE) {
        if (is_update)
            rdb_error_set(err, RDB_GENERATED_ALWAYS, "column \"%s\" can only be %s", column->name, verb);
        else
            rdb_error_set(err, RDB_GENERATED_ALWAYS, "cannot insert a non-DEFAULT value into column \"%s\"", column->name);
        rdb_error_detail(err, "Column \"%s\" is an identity column defined as GENERATED ALWAYS.", column->name);
        return is_update ? false : rdb_error_hint(err, "Use OVERRIDING SYSTEM VALUE to override.");
    }
    return true;
}

bool analyse_check_written(const rdb_query *query, const rdb_relation *relation, rdb_error *err)
{
    for (uint32_t i = 0; i < query->targets.count; i++) {
        const rdb_target *target = query->targets.items[i];
        if (!target->is_junk && target->number > 0 && !refuse_value(&relation->columns[target->number - 1], false, query->overriding, err))
            return false;
    }
    return true;
}

/* The sequence behind an identity column: it depends on the column internally. */
static bool identity_sequence(const analyse_state *state, const rdb_relation *relation, int16_t number, uint32_t *sequence_oid, rdb_error *err)
{
    enum { DEPEND_REFERENCE_INDEX = 2674, DEPEND_CLASS = 0, DEPEND_OBJECT = 1, DEPEND_TYPE = 6 };
    rdb_datum keys[3] = {{.oid = RDB_PG_CLASS}, {.oid = relation->oid}, {.i32 = number}};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    bool found = true;
    *sequence_oid = 0;
    bool ok = rdb_catalog_scan_open(&scan, state->analysis->access, RDB_PG_DEPEND, DEPEND_REFERENCE_INDEX, keys, 3, analyse_arena(state), err);
    while (ok && found && *sequence_oid == 0) {
        ok = rdb_catalog_scan_next(scan, &row, &found, err);
        if (ok && found && row.values[DEPEND_CLASS].oid == RDB_PG_CLASS && row.values[DEPEND_TYPE].i8 == 'i')
            *sequence_oid = row.values[DEPEND_OBJECT].oid;
    }
    rdb_catalog_scan_close(&scan);
    return ok && (*sequence_oid != 0 || rdb_error_set(err, RDB_INTERNAL_ERROR, "no sequence found for identity column \"%s\"", relation->columns[number - 1].name));
}

/* What DEFAULT means for a column, where it must be written out. *expr NULL: null. */
static bool default_of(const analyse_state *state, const rdb_relation *relation, int16_t number, rdb_expr **expr, rdb_error *err)
{
    const rdb_column *column = &relation->columns[number - 1];
    *expr = NULL;
    if (column->identity) {
        uint32_t sequence_oid;
        const rdb_type *int8 = NULL;
        if (!identity_sequence(state, relation, number, &sequence_oid, err) || !analyse_get_type(state, RDB_INT8OID, &int8, err))
            return false;
        rdb_expr_next_value *next = ANALYSE_NEW(state, rdb_expr_next_value, RDB_EXPR_NEXT_VALUE, column->type, -1);
        next->sequence_oid = sequence_oid;
        *expr = &next->head;
        return true;
    }
    return column->generated || rdb_column_default(analyse_arena(state), state->analysis->access, column, expr, err);
}

/* DEFAULT in a view's column that has none of its own means the table's, where the view passes values on. */
static bool find_defaulting(const analyse_state *state, const rdb_relation **relation, int16_t *number, rdb_error *err)
{
    while ((*relation)->kind == 'v' && !(*relation)->has_rules && (*relation)->columns[*number - 1].default_tree == NULL) {
        rdb_query *tree = NULL;
        if (!rdb_tree_read_query(analyse_arena(state), state->analysis->access, (*relation)->view_tree, &tree, err))
            return false;
        if (rdb_view_not_updatable(tree, true) != NULL)
            return true;
        const uint32_t base_no = ((const rdb_from *)tree->from.items[0])->range_no;
        const rdb_target *target = NULL;
        int16_t at = 0;
        for (uint32_t i = 0; i < tree->targets.count && target == NULL; i++)
            if (!((const rdb_target *)tree->targets.items[i])->is_junk && ++at == *number)
                target = tree->targets.items[i];
        const rdb_expr_var *var = target != NULL && target->expr->kind == RDB_EXPR_VAR ? (const rdb_expr_var *)target->expr : NULL;
        if (var == NULL || var->levels_up != 0 || var->range_no != base_no || var->attribute_no <= 0)
            return true;
        *relation = ((const rdb_range *)tree->ranges.items[base_no - 1])->relation;
        *number = var->attribute_no;
    }
    return true;
}

bool analyse_default(rdb_analysis *analysis, const rdb_relation *relation, int16_t number, rdb_expr **expr, rdb_error *err)
{
    const analyse_state state = {.analysis = analysis};
    return default_of(&state, relation, number, expr, err);
}

/* ---- INSERT ------------------------------------------------------------------------------------------------------------------ */
typedef struct insert_column {
    const rdb_column *column;
    const rdb_list *indirection;
    int32_t location;
    uint32_t slot; /* several parts of one column (c.x, c.y; a[1], a[2]) make one value */
} insert_column;

static const rdb_column *column_at(const insert_column *columns, uint32_t slot)
{
    while (columns->slot != slot)
        columns++;
    return columns->column;
}

static bool read_columns(analyse_state *state, const rdb_ast_insert *raw, const rdb_relation *relation, insert_column **columns, uint32_t *count, rdb_error *err)
{
    uint32_t capacity = raw->columns.count > 0 ? raw->columns.count : relation->column_count;
    *columns = RDB_NEW_ARRAY(analyse_arena(state), insert_column, capacity + 1);
    *count = 0;
    uint32_t slots = 0;
    for (uint32_t i = 0; i < capacity; i++) {
        insert_column *column = &(*columns)[*count];
        if (raw->columns.count == 0) {
            if (relation->columns[i].is_dropped)
                continue;
            *column = (insert_column){&relation->columns[i], NULL, -1, slots++};
        } else {
            const rdb_ast_target *target = raw->columns.items[i];
            *column = (insert_column){column_of(relation, target->name), &target->indirection, target->node.location, slots};
            if (column->column == NULL)
                return no_such_column(state, relation, target->name, target->node.location, err);
            for (uint32_t k = 0; k < *count; k++) {
                const insert_column *earlier = &(*columns)[k];
                if (earlier->column != column->column)
                    continue;
                if (earlier->indirection->count == 0 || column->indirection->count == 0)
                    return analyse_error(state, target->node.location, err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", target->name);
                column->slot = earlier->slot;
            }
            slots += column->slot == slots;
        }
        (*count)++;
    }
    return true;
}

/* One row's expressions, coerced to their columns. */
static bool assign_row(analyse_state *state, const rdb_ast_insert *raw, const analyse_item *table, const insert_column *columns, uint32_t column_count,
                       const rdb_list *exprs, analyse_clause clause, rdb_list *assigned, rdb_error *err)
{
    if (exprs->count > column_count) {
        const rdb_expr *extra = exprs->items[column_count];
        return analyse_error(state, extra->location, err, RDB_SYNTAX_ERROR, "INSERT has more expressions than target columns");
    }
    if (raw->columns.count > 0 && exprs->count < column_count)
        return analyse_error(state, columns[exprs->count].location, err, RDB_SYNTAX_ERROR, "INSERT has more target columns than expressions");
    for (uint32_t i = 0; i < exprs->count; i++) {
        rdb_expr *value = exprs->items[i], *result = NULL;
        const rdb_column *column = columns[i].column;
        if (value->kind != RDB_EXPR_DEFAULT && !refuse_value(column, false, raw->overriding, err))
            return false;
        bool is_more = columns[i].slot < assigned->count;
        if (!analyse_assignment(state, value, clause, column->name, table, column->number, columns[i].indirection,
                                is_more ? assigned->items[columns[i].slot] : NULL, columns[i].location, &result, err))
            return false;
        if (is_more)
            assigned->items[columns[i].slot] = result;
        else
            rdb_list_push(analyse_arena(state), assigned, result);
    }
    return true;
}

static void add_target(analyse_state *state, const rdb_column *column, rdb_expr *expr)
{
    rdb_list_push(analyse_arena(state), &state->query->targets, analyse_new_target(state, expr, column->number, column->name, false));
}

/* One row of VALUES; t.* and (row).* stand for several values. */
static bool value_row(analyse_state *state, const rdb_list *raw, analyse_clause clause, rdb_list *exprs, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    for (uint32_t i = 0; i < raw->count; i++) {
        const rdb_ast_node *value = raw->items[i];
        const rdb_list *steps = value->tag == RDB_AST_INDIRECTION ? &((const rdb_ast_indirection *)value)->steps : NULL;
        const bool is_star = (value->tag == RDB_AST_COLUMN && ((const rdb_ast_column *)value)->is_star) ||
                             (steps != NULL && steps->count > 0 && ((const rdb_ast_node *)steps->items[steps->count - 1])->tag == RDB_AST_STAR);
        rdb_expr *expr = NULL;
        if (!is_star) {
            if (!analyse_value(state, value, clause, &expr, err))
                return false;
            rdb_list_push(arena, exprs, expr);
            continue;
        }
        rdb_ast_target wrapped = {.node = {RDB_AST_TARGET, -1}, .value = raw->items[i]};
        rdb_list one = {0}, made = {0};
        rdb_list_push(arena, &one, &wrapped);
        if (!analyse_targets(state, &one, clause, &made, err))
            return false;
        for (uint32_t k = 0; k < made.count; k++)
            rdb_list_push(arena, exprs, ((rdb_target *)made.items[k])->expr);
    }
    return true;
}

static bool insert_single(analyse_state *state, const rdb_ast_insert *raw, const analyse_item *table, const insert_column *columns, uint32_t column_count,
                          const rdb_list *values, rdb_error *err)
{
    rdb_list exprs = {0}, assigned = {0};
    if (!value_row(state, values, ANALYSE_VALUES_SINGLE, &exprs, err) || !assign_row(state, raw, table, columns, column_count, &exprs, ANALYSE_VALUES_SINGLE, &assigned, err))
        return false;
    for (uint32_t i = 0; i < assigned.count; i++) {
        rdb_expr *expr = assigned.items[i];
        if (expr->kind == RDB_EXPR_DEFAULT)
            continue; /* as if it were not named */
        if (!analyse_assign_collations(state, expr, err))
            return false;
        add_target(state, column_at(columns, i), expr);
    }
    return true;
}

static void add_from(analyse_state *state, uint32_t range_no)
{
    rdb_from *from = RDB_NEW(analyse_arena(state), rdb_from);
    from->range_no = range_no;
    rdb_list_push(analyse_arena(state), &state->query->from, from);
}

/* Several rows: a VALUES range whose columns have the table's types; DEFAULT is written out. */
static bool insert_rows(analyse_state *state, const rdb_ast_insert *raw, const analyse_item *table, const insert_column *columns, uint32_t column_count,
                        const rdb_list *rows, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    const rdb_relation *relation = table->range->relation;
    uint32_t range_no = 0, width = 0, slots = 0;
    rdb_range *range = analyse_add_range(state, RDB_RANGE_VALUES, &range_no);
    bool *has_value = RDB_NEW_ARRAY(arena, bool, column_count + 1); /* by slot: something else than DEFAULT */
    for (uint32_t r = 0; r < rows->count; r++) {
        const rdb_list *raw_row = &((const rdb_ast_items *)rows->items[r])->items;
        rdb_list exprs = {0}, *assigned = RDB_NEW(arena, rdb_list);
        if (!value_row(state, raw_row, ANALYSE_VALUES, &exprs, err))
            return false;
        if (r == 0)
            width = exprs.count;
        else if (exprs.count != width)
            return analyse_error(state, ((const rdb_ast_node *)raw_row->items[0])->location, err, RDB_SYNTAX_ERROR, "VALUES lists must all be the same length");
        if (!assign_row(state, raw, table, columns, column_count, &exprs, ANALYSE_VALUES, assigned, err))
            return false;
        for (uint32_t i = 0; i < assigned->count; i++) {
            rdb_expr *expr = assigned->items[i];
            if (expr->kind != RDB_EXPR_DEFAULT) {
                has_value[i] = true;
                continue;
            }
            const rdb_column *column = column_at(columns, i);
            if (column->identity != 0 && raw->overriding == RDB_SQL_OVERRIDING_USER) { /* the value comes from elsewhere: not twice from the sequence */
                assigned->items[i] = analyse_make_null(state, column->type, column->typmod, -1);
                continue;
            }
            const rdb_relation *owner = relation;
            int16_t number = column->number;
            if (!find_defaulting(state, &owner, &number, err) || !default_of(state, owner, number, &expr, err))
                return false;
            assigned->items[i] = expr != NULL ? expr : analyse_make_null(state, column->type, column->typmod, -1);
        }
        if (!analyse_list_collations(state, assigned, err) || !rdb_arena_check(arena, err))
            return false;
        rdb_list_push(arena, &range->values, assigned);
        slots = assigned->count;
    }
    range->alias = "*VALUES*";
    range->column_typmods = RDB_NEW_ARRAY(arena, int32_t, width + 1);
    range->column_collations = RDB_NEW_ARRAY(arena, uint32_t, width + 1);
    for (uint32_t i = 0; i < slots; i++) {
        const rdb_column *column = column_at(columns, i);
        rdb_list_push(arena, &range->columns, rdb_arena_printf(arena, "column%u", i + 1));
        rdb_list_push(arena, &range->column_types, (void *)column->type);
        range->column_typmods[i] = column->typmod;
        range->column_collations[i] = column->collation;
        rdb_expr_var *var = ANALYSE_NEW(state, rdb_expr_var, RDB_EXPR_VAR, column->type, -1);
        var->head.typmod = column->typmod;
        var->head.collation = column->collation;
        var->range_no = range_no;
        var->attribute_no = (int16_t)(i + 1);
        if (column->generated || (!has_value[i] && relation->kind == 'v' && column->default_tree == NULL))
            continue; /* only DEFAULT stood there */
        add_target(state, column, &var->head);
    }
    add_from(state, range_no);
    return true;
}

static bool insert_query(analyse_state *state, const rdb_ast_insert *raw, const analyse_item *table, const insert_column *columns, uint32_t column_count, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_query *subquery = NULL;
    analyse_item *item = NULL;
    rdb_list exprs = {0}, assigned = {0};
    state->makes_source = state->passes_rule != NULL;
    const bool made = analyse_subquery(state, state->analysis, raw->query, NULL, false, true, &subquery, err);
    state->makes_source = false;
    if (!made)
        return false;
    if (subquery->command != RDB_COMMAND_SELECT)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "INSERT from a statement that is no SELECT");
    if (!analyse_add_subquery(state, subquery, "*SELECT*", NULL, false, false, -1, &item, err))
        return false;
    add_from(state, item->range_no);
    int16_t number = 0;
    for (uint32_t i = 0; i < subquery->targets.count; i++) {
        const rdb_target *target = subquery->targets.items[i];
        rdb_expr *expr = target->expr;
        if (target->is_junk)
            continue;
        number++;
        /* A literal or a parameter whose type is not settled yet becomes what the column is. */
        const bool is_open = analyse_is_unknown_constant(expr) || (expr->kind == RDB_EXPR_PARAM && expr->type->oid == RDB_UNKNOWNOID);
        if (!is_open && !analyse_item_column(state, item, number, 0, expr->location, &expr, err))
            return false;
        rdb_list_push(arena, &exprs, expr);
    }
    if (!assign_row(state, raw, table, columns, column_count, &exprs, ANALYSE_INSERT_TARGET, &assigned, err))
        return false;
    for (uint32_t i = 0; i < assigned.count; i++) {
        if (!analyse_assign_collations(state, assigned.items[i], err))
            return false;
        add_target(state, column_at(columns, i), assigned.items[i]);
    }
    return true;
}

/* Identity columns that got no value, or under OVERRIDING USER VALUE any, draw it from their sequence. */
static bool add_identities(analyse_state *state, const rdb_relation *relation, uint8_t overriding, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        rdb_target *target = NULL;
        rdb_expr *expr = NULL;
        if (column->identity == 0 || column->is_dropped)
            continue;
        for (uint32_t k = 0; k < state->query->targets.count && target == NULL; k++)
            if (((const rdb_target *)state->query->targets.items[k])->number == column->number)
                target = state->query->targets.items[k];
        if (target != NULL && overriding != RDB_SQL_OVERRIDING_USER)
            continue;
        if (!default_of(state, relation, column->number, &expr, err))
            return false;
        if (target != NULL)
            target->expr = expr;
        else
            add_target(state, column, expr);
    }
    return true;
}

bool analyse_add_identities(rdb_analysis *analysis, rdb_query *query, const rdb_relation *relation, rdb_error *err)
{
    analyse_state state = {.analysis = analysis, .query = query};
    return add_identities(&state, relation, query->overriding, err);
}

/* ---- SET ------------------------------------------------------------------------------------------------------------------------ */
/* SET column = value, ...: UPDATE's list and DO UPDATE's. */
bool analyse_set(analyse_state *state, const rdb_list *raw, const analyse_item *table, rdb_list *targets, rdb_error *err)
{
    const rdb_relation *relation = table->range->relation;
    bool *is_part = RDB_NEW_ARRAY(analyse_arena(state), bool, relation->column_count + 1u); /* by column: only parts of it are assigned */
    for (uint32_t i = 0; i < raw->count; i++) {
        const rdb_ast_target *source = raw->items[i];
        const rdb_column *column = column_of(relation, source->name);
        rdb_expr *value = NULL, *assigned = NULL;
        if (column == NULL)
            return no_such_column(state, relation, source->name, source->node.location, err);
        if (source->value->tag == RDB_AST_MULTI_ASSIGN ? !analyse_multi_assign(state, (const rdb_ast_multi_assign *)source->value, &value, err)
                                                       : !analyse_value(state, source->value, ANALYSE_UPDATE_SOURCE, &value, err))
            return false;
        rdb_target *earlier = NULL;
        for (uint32_t k = 0; k < targets->count; k++)
            if (((const rdb_target *)targets->items[k])->number == column->number)
                earlier = targets->items[k];
        if (earlier != NULL && (source->indirection.count == 0 || !is_part[earlier->number]))
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "multiple assignments to same column \"%s\"", column->name);
        if (value->kind != RDB_EXPR_DEFAULT && !refuse_value(column, true, RDB_SQL_OVERRIDING_NONE, err))
            return false;
        if (!analyse_assignment(state, value, ANALYSE_UPDATE_TARGET, column->name, table, column->number, &source->indirection, earlier == NULL ? NULL : earlier->expr,
                                source->node.location, &assigned, err))
            return false;
        if (assigned->kind == RDB_EXPR_DEFAULT) {
            if (column->generated)
                continue; /* it is made anew in any case */
            if (!default_of(state, relation, column->number, &assigned, err))
                return false;
            if (assigned == NULL)
                assigned = analyse_make_null(state, column->type, column->typmod, -1);
        }
        if (!analyse_assign_collations(state, assigned, err))
            return false;
        analyse_mark_column(state, &table->range->updated_columns, table->range, column->number);
        is_part[column->number] = source->indirection.count > 0;
        if (earlier != NULL)
            earlier->expr = assigned;
        else
            rdb_list_push(analyse_arena(state), targets, analyse_new_target(state, assigned, column->number, column->name, false));
    }
    return true;
}

/* ---- the statements ------------------------------------------------------------------------------------------------------------- */
bool analyse_returning(analyse_state *state, const rdb_list *raw, rdb_error *err)
{
    if (raw->count == 0)
        return true;
    if (!analyse_targets(state, raw, ANALYSE_RETURNING, &state->query->returning, err) || !analyse_settle_unknown(state, &state->query->returning, err))
        return false;
    for (uint32_t i = 0; i < state->query->returning.count; i++)
        if (!analyse_assign_collations(state, ((rdb_target *)state->query->returning.items[i])->expr, err))
            return false;
    analyse_set_origins(state, &state->query->returning);
    return true;
}

bool analyse_insert(analyse_state *state, const rdb_ast_insert *raw, rdb_error *err)
{
    analyse_item *table = NULL;
    insert_column *columns = NULL;
    uint32_t column_count = 0;
    state->query->command = RDB_COMMAND_INSERT;
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    if (!analyse_target_table(state, raw->table, ANALYSE_ACL_INSERT, &table, err))
        return false;
    state->query->result_range_no = table->range_no;
    state->query->overriding = (uint8_t)raw->overriding;
    const rdb_relation *relation = table->range->relation;
    const rdb_ast_select *select = raw->query != NULL && raw->query->tag == RDB_AST_SELECT ? (const rdb_ast_select *)raw->query : NULL;
    bool is_values = select != NULL && select->values.count > 0 && select->sort.count == 0 && select->limit_count == NULL && select->limit_offset == NULL &&
                     select->with == NULL && select->locking.count == 0;
    bool ok = read_columns(state, raw, relation, &columns, &column_count, err);
    if (ok && is_values && select->values.count == 1)
        ok = insert_single(state, raw, table, columns, column_count, &((const rdb_ast_items *)select->values.items[0])->items, err);
    else if (ok && is_values)
        ok = insert_rows(state, raw, table, columns, column_count, &select->values, err);
    else if (ok && raw->query != NULL)
        ok = insert_query(state, raw, table, columns, column_count, err);
    ok = ok && add_identities(state, relation, (uint8_t)raw->overriding, err);
    for (uint32_t i = 0; ok && i < column_count; i++)
        analyse_mark_column(state, &table->range->inserted_columns, table->range, columns[i].column->number);
    if (ok && raw->on_conflict != NULL)
        ok = analyse_on_conflict(state, raw->on_conflict, table, err);
    state->items = (rdb_list){0};
    return ok && analyse_push_item(state, table, true, true, err) && analyse_returning(state, &raw->returning, err);
}

bool analyse_insert_action(analyse_state *state, const rdb_ast_merge_when *when, analyse_item *table, rdb_error *err)
{
    rdb_ast_insert raw = {.node = when->node, .columns = when->targets, .overriding = when->overriding};
    const rdb_relation *relation = table->range->relation;
    insert_column *columns = NULL;
    uint32_t column_count = 0;
    if (!read_columns(state, &raw, relation, &columns, &column_count, err) ||
        (when->values.count > 0 && !insert_single(state, &raw, table, columns, column_count, &when->values, err)) || !add_identities(state, relation, (uint8_t)when->overriding, err))
        return false;
    for (uint32_t i = 0; i < column_count; i++)
        analyse_mark_column(state, &table->range->inserted_columns, table->range, columns[i].column->number);
    return true;
}

bool analyse_update(analyse_state *state, const rdb_ast_update *raw, rdb_error *err)
{
    analyse_item *table = NULL;
    state->query->command = RDB_COMMAND_UPDATE;
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    if (!analyse_target_table(state, raw->table, ANALYSE_ACL_UPDATE, &table, err) || !analyse_push_item(state, table, true, true, err))
        return false;
    state->query->result_range_no = table->range_no;
    table->lateral_only = true; /* FROM cannot read it */
    table->lateral_ok = false;
    if (!analyse_from(state, &raw->from, err) || !analyse_where(state, raw->where, ANALYSE_WHERE, "WHERE", &state->query->where, err) ||
        !analyse_set(state, &raw->targets, table, &state->query->targets, err) || !analyse_returning(state, &raw->returning, err))
        return false;
    return state->query->where == NULL || analyse_assign_collations(state, state->query->where, err);
}

bool analyse_delete(analyse_state *state, const rdb_ast_delete *raw, rdb_error *err)
{
    analyse_item *table = NULL;
    state->query->command = RDB_COMMAND_DELETE;
    if (raw->with != NULL && !analyse_with(state, raw->with, err))
        return false;
    if (!analyse_target_table(state, raw->table, ANALYSE_ACL_DELETE, &table, err) || !analyse_push_item(state, table, true, true, err))
        return false;
    state->query->result_range_no = table->range_no;
    table->lateral_only = true; /* FROM cannot read it */
    table->lateral_ok = false;
    if (!analyse_from(state, &raw->using, err) || !analyse_where(state, raw->where, ANALYSE_WHERE, "WHERE", &state->query->where, err) ||
        !analyse_returning(state, &raw->returning, err))
        return false;
    return state->query->where == NULL || analyse_assign_collations(state, state->query->where, err);
}
