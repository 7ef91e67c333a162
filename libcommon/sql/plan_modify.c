/* SPDX-License-Identifier: Apache-2.0
 * INSERT, UPDATE and DELETE: the node that writes, above the plan that gives the rows; what each new row must pass. */
#include "catalog/rdb_ddl.h"
#include "sql/plan_append.h"

#include <stdio.h>

static bool read_tree(planner *p, const rdb_relation *relation, const char *text, rdb_expr **expr)
{
    rdb_expr *raw = NULL;
    rdb_plan_context context = *p->context;
    context.arena = p->arena;
    return rdb_tree_read_expr(p->arena, p->access, text, &raw, p->err) && rdb_plan_make_expr(&context, relation, raw, expr, p->err);
}

/* What each row written must pass or get: checks, generated columns, keys of expression indexes. */
static bool fill_row_rules(planner *p, const rdb_relation *relation, rdb_plan_modify *modify)
{
    uint16_t columns = relation->column_count;
    rdb_expr **defaults = RDB_NEW_ARRAY(p->arena, rdb_expr *, columns + 1u), **generated = RDB_NEW_ARRAY(p->arena, rdb_expr *, columns + 1u);
    for (uint16_t i = 0; i < columns; i++) {
        const rdb_column *column = &relation->columns[i];
        rdb_expr *value = NULL;
        rdb_plan_context context = *p->context;
        context.arena = p->arena;
        if (column->is_dropped)
            continue;
        if (!rdb_column_default(p->arena, p->access, column, &value, p->err))
            return false;
        if (value != NULL && !rdb_plan_make_expr(&context, relation, value, column->generated ? &generated[i] : &defaults[i], p->err))
            return false;
    }
    modify->defaults = defaults;
    modify->generated = generated;
    rdb_expr **checks = RDB_NEW_ARRAY(p->arena, rdb_expr *, relation->constraint_count + 1u);
    const rdb_constraint **check_constraints = RDB_NEW_ARRAY(p->arena, const rdb_constraint *, relation->constraint_count + 1u);
    /* PostgreSQL checks in the order of the constraints' names */
    for (uint16_t i = 0; i < relation->constraint_count; i++) {
        const rdb_constraint *constraint = &relation->constraints[i];
        if (constraint->kind != 'c' || constraint->check_tree == NULL)
            continue;
        uint32_t at = modify->check_count;
        while (at > 0 && strcmp(check_constraints[at - 1]->name, constraint->name) > 0) {
            check_constraints[at] = check_constraints[at - 1];
            checks[at] = checks[at - 1];
            at--;
        }
        check_constraints[at] = constraint;
        if (!read_tree(p, relation, constraint->check_tree, &checks[at]))
            return false;
        modify->check_count++;
    }
    modify->checks = checks;
    modify->check_constraints = check_constraints;
    modify->index_expressions = RDB_NEW_ARRAY(p->arena, rdb_list, relation->index_count + 1u);
    modify->index_predicates = RDB_NEW_ARRAY(p->arena, rdb_expr *, relation->index_count + 1u);
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        if (index->predicate_tree != NULL && !read_tree(p, relation, index->predicate_tree, &modify->index_predicates[i]))
            return false;
        if (index->expression_tree == NULL)
            continue;
        /* a list of expressions is kept as the fields of a row */
        rdb_expr *list = NULL;
        if (!read_tree(p, relation, index->expression_tree, &list))
            return false;
        if (list->kind == RDB_EXPR_ROW)
            modify->index_expressions[i] = ((rdb_expr_row *)list)->fields;
        else
            rdb_list_push(p->arena, &modify->index_expressions[i], list);
    }
    return true;
}

/* WITH CHECK OPTION of the views that the statement came through: after the table's own checks. Those of policies stand before
 * them, whoever may not write a row is told nothing else of it. */
static bool is_of_query(void *context, rdb_expr *expr)
{
    bool *found = context;
    *found = *found || expr->kind == RDB_EXPR_SUBLINK || (expr->kind == RDB_EXPR_VAR && ((const rdb_expr_var *)expr)->attribute_no == 0);
    return *found || rdb_expr_visit_children(expr, is_of_query, context);
}

/* A condition over the new row (range 1) that looks into other tables, or at the row as a whole: planned as the WHERE of a query whose only range is that row. */
static bool plan_check_query(plan_level *level, rdb_expr *condition, const rdb_relation *relation, rdb_expr **result)
{
    planner *p = level->p;
    rdb_query *query = RDB_NEW(p->arena, rdb_query);
    plan_level *own = RDB_NEW(p->arena, plan_level);
    plan_built row = {.count = relation->column_count, .outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, relation->column_count + 1u)};
    rdb_expr *prepared = NULL;
    *query = (rdb_query){.command = RDB_COMMAND_SELECT, .where = condition};
    rdb_list_push(p->arena, &query->ranges, level->query->ranges.items[level->query->result_range_no - 1]);
    *own = (plan_level){.p = p, .query = query, .range_count = 1, .rels = RDB_NEW_ARRAY(p->arena, plan_rel *, 2)};
    for (uint32_t i = 0; i < relation->column_count; i++)
        row.outputs[i] = relation->columns[i].is_dropped || relation->columns[i].type == NULL ? NULL : plan_make_var(p, 1, (int16_t)(i + 1), relation->columns[i].type, relation->columns[i].typmod, relation->columns[i].collation);
    return plan_prepare(own, condition, &prepared) && plan_resolve(p, &row, prepared, result);
}

static bool add_view_checks(plan_level *level, const rdb_relation *relation, rdb_plan_modify *modify)
{
    planner *p = level->p;
    const rdb_query *query = level->query;
    rdb_plan_context context = *p->context;
    const uint32_t own = modify->check_count, count = query->view_checks.count;
    if (count == 0)
        return true;
    context.arena = p->arena;
    rdb_expr **checks = RDB_NEW_ARRAY(p->arena, rdb_expr *, own + count);
    const rdb_constraint **constraints = RDB_NEW_ARRAY(p->arena, const rdb_constraint *, own + count);
    uint32_t first = 0;
    while (first < count && ((const rdb_view_check *)query->view_checks.items[first])->is_security)
        first++;
    if (own > 0) {
        memcpy(checks + first, modify->checks, own * sizeof *checks);
        memcpy(constraints + first, modify->check_constraints, own * sizeof *constraints);
    }
    for (uint32_t i = 0; i < count; i++) {
        const rdb_view_check *check = query->view_checks.items[i];
        rdb_constraint *constraint = RDB_NEW(p->arena, rdb_constraint);
        rdb_expr_bool_test *test = RDB_NEW(p->arena, rdb_expr_bool_test);
        test->head = (rdb_expr){.kind = RDB_EXPR_BOOL_TEST, .location = -1, .type = check->condition->type, .typmod = -1};
        test->argument = check->condition;
        test->test = RDB_IS_TRUE;
        constraint->kind = check->is_security ? 's' : 'w'; /* of no catalog: a policy's, a view's */
        constraint->match = check->phase;
        snprintf(constraint->name, sizeof constraint->name, "%s", !check->is_security ? check->view : check->policy != NULL ? check->policy : "");
        const uint32_t at = check->is_security ? i : own + i;
        constraints[at] = constraint;
        bool needs_query = false;
        (void)is_of_query(&needs_query, &test->head);
        if (needs_query) {
            if (!plan_check_query(level, &test->head, relation, &checks[at]))
                return false;
            continue;
        }
        if (!rdb_plan_make_expr(&context, relation, &test->head, &checks[at], p->err))
            return false;
    }
    modify->checks = checks;
    modify->check_constraints = constraints;
    modify->check_count = own + count;
    return true;
}

static bool add_returning_columns(plan_level *level, rdb_list *extra);

/* A column of the target; EXPLAIN names it by its range. */
static rdb_expr *own_var(planner *p, const rdb_range *range, uint32_t range_no, int16_t number, const rdb_type *type, int32_t typmod, uint32_t collation)
{
    rdb_expr_var *var = (rdb_expr_var *)plan_make_var(p, range_no, number, type, typmod, collation);
    var->range = range;
    return &var->head;
}

bool plan_modify_columns(plan_level *level, rdb_list *extra)
{
    planner *p = level->p;
    uint32_t range_no = level->query->result_range_no;
    const rdb_range *range = level->query->ranges.items[range_no - 1];
    const rdb_relation *relation = range->relation;
    const rdb_type *identity = NULL, *filler = NULL;
    if (!rdb_type_get(p->access, RDB_INT8OID, &identity, p->err) || !rdb_type_get(p->access, RDB_INT4OID, &filler, p->err))
        return false;
    for (int16_t column = RDB_COLUMN_ADDRESS; column >= RDB_COLUMN_VERSION_UNDO; column--) {
        plan_need_column(level, range_no, column);
        rdb_list_push(p->arena, extra, own_var(p, range, range_no, column, identity, -1, 0));
    }
    if (plan_is_parent(range)) {
        const rdb_type *oid = NULL;
        if (!rdb_type_get(p->access, RDB_OIDOID, &oid, p->err))
            return false;
        level->rels[range_no]->keeps_append = true; /* its leaves are named one by one */
        plan_need_column(level, range_no, RDB_COLUMN_TABLEOID);
        rdb_list_push(p->arena, extra, own_var(p, range, range_no, RDB_COLUMN_TABLEOID, oid, -1, 0));
        return add_returning_columns(level, extra);
    }
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        if (column->is_dropped) {
            rdb_expr_const *null = RDB_NEW(p->arena, rdb_expr_const);
            null->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = column->type ? column->type : filler, .typmod = -1};
            null->is_null = true;
            rdb_list_push(p->arena, extra, &null->head);
            continue;
        }
        plan_need_column(level, range_no, (int16_t)(i + 1));
        rdb_list_push(p->arena, extra, own_var(p, range, range_no, (int16_t)(i + 1), column->type, column->typmod, column->collation));
    }
    return add_returning_columns(level, extra);
}

typedef struct foreign_columns {
    planner *p;
    uint32_t range_no;
    rdb_list *extra;
    bool takes_all; /* the target's own columns as well */
    bool is_delete; /* xmin is that of the row as it was */
} foreign_columns;

static bool see_foreign_column(void *context, rdb_expr *expr)
{
    foreign_columns *see = context;
    if (expr->kind == RDB_EXPR_VAR) {
        const rdb_expr_var *var = (const rdb_expr_var *)expr;
        bool is_there = var->range_no == see->range_no && (var->attribute_no > 0 || (var->attribute_no < 0 && var->attribute_no > -100 && !(see->is_delete && var->attribute_no == RDB_COLUMN_XMIN))) && !see->takes_all;
        for (uint32_t i = 0; i < see->extra->count && !is_there; i++)
            is_there = rdb_expr_equal(see->extra->items[i], expr);
        if (!is_there)
            rdb_list_push(see->p->arena, see->extra, expr);
        return true;
    }
    if (expr->kind == RDB_EXPR_SUBPLAN) {
        rdb_list *arguments = &((rdb_expr_subplan *)expr)->arguments;
        for (uint32_t i = 0; i < arguments->count; i++)
            (void)see_foreign_column(context, arguments->items[i]);
        return true;
    }
    return rdb_expr_visit_children(expr, see_foreign_column, context);
}

/* Prepares what the actions of MERGE need, and sees to it that the columns they read come along. */
static bool add_merge_columns(plan_level *level, rdb_list *extra)
{
    foreign_columns see = {level->p, level->query->result_range_no, extra, true, false};
    for (uint32_t i = 0; i < level->query->merge_actions.count; i++) {
        const rdb_merge_action *action = level->query->merge_actions.items[i];
        for (uint32_t k = 0; k <= action->targets.count; k++) {
            rdb_expr *raw = k == 0 ? action->condition : ((const rdb_target *)action->targets.items[k - 1])->expr, *prepared = NULL;
            if (raw != NULL && !plan_prepare(level, raw, &prepared))
                return false;
            if (prepared != NULL)
                (void)see_foreign_column(&see, prepared);
            rdb_list_push(level->p->arena, &level->merge_exprs, prepared);
        }
    }
    return true;
}

/* RETURNING may ask for columns of the tables joined: they travel through the modify node. */
static bool add_returning_columns(plan_level *level, rdb_list *extra)
{
    foreign_columns see = {level->p, level->query->result_range_no, extra, false, level->query->command == RDB_COMMAND_DELETE};
    if (level->query->command == RDB_COMMAND_MERGE)
        return add_merge_columns(level, extra);
    for (uint32_t i = 0; i < level->query->returning.count; i++) {
        rdb_expr *prepared = NULL;
        if (!plan_prepare(level, ((const rdb_target *)level->query->returning.items[i])->expr, &prepared))
            return false;
        (void)see_foreign_column(&see, prepared);
    }
    return true;
}

/* The table's columns by attribute number, as columns of range_no. */
static void row_outputs(planner *p, const rdb_relation *relation, uint32_t range_no, rdb_expr **outputs, const rdb_type *filler)
{
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        /* nothing refers to a dropped column; the place keeps the numbering */
        outputs[i] = plan_make_var(p, range_no, (int16_t)(i + 1), column->type ? column->type : filler, column->typmod, column->collation);
    }
}

static bool plan_conflict(planner *p, plan_level *level, const rdb_relation *relation, rdb_plan_modify *modify, const rdb_type *filler)
{
    const rdb_on_conflict *clause = level->query->on_conflict;
    modify->conflict_action = clause->action;
    modify->conflict_index = RDB_CONFLICT_ANY;
    uint32_t wanted = clause->arbiter_indexes.count > 0 ? (uint32_t)(uintptr_t)clause->arbiter_indexes.items[0] : 0;
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (clause->constraint_oid != 0 && relation->constraints[i].oid == clause->constraint_oid)
            wanted = relation->constraints[i].index_oid;
    for (uint16_t i = 0; wanted != 0 && i < relation->index_count; i++)
        if (relation->indexes[i].oid == wanted)
            modify->conflict_index = i;
    if (wanted != 0 && modify->conflict_index == RDB_CONFLICT_ANY)
        return rdb_error_set(p->err, RDB_INVALID_COLUMN_REFERENCE, "there is no unique or exclusion constraint matching the ON CONFLICT specification");
    if (clause->action != 2)
        return true;
    uint32_t columns = relation->column_count;
    plan_built both = {.count = 2 * columns, .outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, 2 * columns + 1)};
    row_outputs(p, relation, level->query->result_range_no, both.outputs, filler);
    row_outputs(p, relation, clause->excluded_range_no, both.outputs + columns, filler);
    rdb_list values = {0};
    int16_t *numbers = RDB_NEW_ARRAY(p->arena, int16_t, clause->set_targets.count + 1);
    for (uint32_t i = 0; i < clause->set_targets.count; i++) {
        const rdb_target *target = clause->set_targets.items[i];
        rdb_expr *prepared = NULL, *resolved = NULL;
        if (target->is_junk)
            continue;
        if (!plan_prepare(level, target->expr, &prepared) || !plan_resolve(p, &both, prepared, &resolved))
            return false;
        numbers[values.count] = target->number;
        rdb_list_push(p->arena, &values, resolved);
    }
    modify->conflict_set_count = (uint16_t)values.count;
    modify->conflict_set_columns = numbers;
    modify->conflict_values = (rdb_expr *const *)values.items;
    if (clause->where != NULL) {
        rdb_expr *prepared = NULL;
        return plan_prepare(level, clause->where, &prepared) && plan_resolve(p, &both, prepared, &modify->conflict_where);
    }
    return true;
}

static bool plan_merge(planner *p, plan_level *level, const plan_built *built, rdb_plan_modify *modify)
{
    const rdb_list *actions = &level->query->merge_actions;
    rdb_plan_merge_action *made = RDB_NEW_ARRAY(p->arena, rdb_plan_merge_action, actions->count + 1);
    uint32_t next = 0;
    for (uint32_t i = 0; i < actions->count; i++) {
        const rdb_merge_action *action = actions->items[i];
        rdb_expr *condition = level->merge_exprs.items[next++];
        rdb_list values = {0};
        int16_t *numbers = RDB_NEW_ARRAY(p->arena, int16_t, action->targets.count + 1);
        made[i] = (rdb_plan_merge_action){.is_matched = action->matched, .command = action->command, .set_columns = numbers};
        if (condition != NULL && !plan_resolve(p, built, condition, &made[i].condition))
            return false;
        for (uint32_t k = 0; k < action->targets.count; k++) {
            rdb_expr *value = NULL;
            if (!plan_resolve(p, built, level->merge_exprs.items[next++], &value))
                return false;
            numbers[k] = ((const rdb_target *)action->targets.items[k])->number;
            rdb_list_push(p->arena, &values, value);
        }
        made[i].set_count = (uint16_t)values.count;
        made[i].values = (rdb_expr *const *)values.items;
    }
    modify->actions = made;
    modify->action_count = actions->count;
    bool *is_foreign = RDB_NEW_ARRAY(p->arena, bool, built->count + 1);
    for (uint32_t c = modify->tableoid_slot; c < built->count; c++)
        is_foreign[c] = !relids_has(plan_relids_of(built->outputs[c]), level->query->result_range_no);
    modify->is_foreign = is_foreign;
    return true;
}

bool plan_modify(planner *p, plan_level *level, plan_built *built)
{
    const rdb_query *query = level->query;
    const rdb_range *range = query->ranges.items[query->result_range_no - 1];
    const rdb_relation *relation = range->relation;
    const rdb_type *identity = NULL, *filler = NULL;
    p->plan->is_read_only = false;
    if (!rdb_type_get(p->access, RDB_INT8OID, &identity, p->err) || !rdb_type_get(p->access, RDB_INT4OID, &filler, p->err))
        return false;
    if (relation != NULL && relation->kind == 'm')
        return rdb_error_set(p->err, RDB_WRONG_OBJECT_TYPE, "cannot change materialized view \"%s\"", relation->name);
    if (relation != NULL && relation->kind == 'S')
        return rdb_error_set(p->err, RDB_WRONG_OBJECT_TYPE, "cannot change sequence \"%s\"", relation->name);
    if (relation == NULL || (relation->kind != 'r' && relation->kind != 't' && relation->kind != 'p'))
        return rdb_error_set(p->err, RDB_FEATURE_NOT_SUPPORTED, "writing to relation \"%s\" is not supported", range->alias);
    rdb_plan_node *node = plan_new_node(p, RDB_PLAN_MODIFY_TABLE, built, NULL);
    rdb_plan_modify *modify = &node->of.modify;
    modify->command = query->command;
    modify->relation = relation;
    modify->alias = range->alias;
    modify->scan_no = level->rels[query->result_range_no] ? level->rels[query->result_range_no]->scan_no : 0;
    uint32_t set_count = query->command == RDB_COMMAND_DELETE ? 0 : query->targets.count;
    int16_t *numbers = RDB_NEW_ARRAY(p->arena, int16_t, set_count + 1);
    for (uint32_t i = 0; i < set_count; i++) {
        const rdb_target *target = query->targets.items[i];
        numbers[i] = target->is_junk ? 0 : target->number;
    }
    modify->set_count = (uint16_t)set_count;
    modify->set_columns = numbers;
    modify->identity_slot = query->targets.count;
    modify->old_slot = modify->tableoid_slot = query->targets.count + 3;
    if (query->command != RDB_COMMAND_INSERT && plan_is_parent(range)) {
        modify->has_targets = true;
        plan_targets(p, level->rels[query->result_range_no], &modify->targets, &modify->target_count);
    }
    modify->conflict_index = RDB_CONFLICT_ERROR;
    if (!fill_row_rules(p, relation, modify) || !add_view_checks(level, relation, modify))
        return false;
    if (query->command == RDB_COMMAND_INSERT && query->on_conflict != NULL && !plan_conflict(p, level, relation, modify, filler))
        return false;
    if (query->command == RDB_COMMAND_MERGE && !plan_merge(p, level, built, modify))
        return false;
    /* the row space: the row after the write, its address, then what the child gave */
    uint32_t columns = relation->column_count, count = columns + RDB_MODIFY_EXTRA + built->count;
    const rdb_type *table_oid = NULL, *tid = NULL, *xid = NULL, *cid = NULL;
    if (!rdb_type_get(p->access, RDB_OIDOID, &table_oid, p->err) || !rdb_type_get(p->access, RDB_TIDOID, &tid, p->err) || !rdb_type_get(p->access, RDB_XIDOID, &xid, p->err) ||
        !rdb_type_get(p->access, RDB_CIDOID, &cid, p->err))
        return false;
    rdb_expr **outputs = RDB_NEW_ARRAY(p->arena, rdb_expr *, count + 1);
    row_outputs(p, relation, query->result_range_no, outputs, filler);
    outputs[columns] = plan_make_var(p, query->result_range_no, RDB_COLUMN_ADDRESS, identity, -1, 0);
    outputs[columns + 1] = plan_make_var(p, query->result_range_no, RDB_COLUMN_TABLEOID, table_oid, -1, 0);
    outputs[columns + 2] = plan_make_var(p, query->result_range_no, RDB_COLUMN_CTID, tid, -1, 0);
    outputs[columns + 3] = plan_make_var(p, query->result_range_no, query->command == RDB_COMMAND_DELETE ? RDB_COLUMN_ADDRESS : RDB_COLUMN_XMIN, xid, -1, 0);
    outputs[columns + 4] = plan_make_var(p, query->result_range_no, RDB_COLUMN_XMAX, xid, -1, 0);
    outputs[columns + 5] = plan_make_var(p, query->result_range_no, RDB_COLUMN_CMIN, cid, -1, 0);
    outputs[columns + 6] = plan_make_var(p, query->result_range_no, RDB_COLUMN_CMAX, cid, -1, 0);
    memcpy(outputs + columns + RDB_MODIFY_EXTRA, built->outputs, built->count * sizeof *outputs);
    plan_set_inputs(p, node, outputs, count);
    *built = plan_identity(p, node, outputs, count);
    modify->returns_rows = query->returning.count > 0;
    if (!modify->returns_rows) {
        node->rows = 0;
        return true;
    }
    rdb_expr **exprs = RDB_NEW_ARRAY(p->arena, rdb_expr *, query->returning.count + 1);
    for (uint32_t i = 0; i < query->returning.count; i++)
        if (!plan_prepare(level, ((const rdb_target *)query->returning.items[i])->expr, &exprs[i]))
            return false;
    rdb_list targets = {0};
    for (uint32_t i = 0; i < query->returning.count; i++) {
        rdb_target *target = rdb_arena_memdup(p->arena, query->returning.items[i], sizeof *target);
        if (!plan_resolve(p, built, exprs[i], &target->expr))
            return false;
        rdb_list_push(p->arena, &targets, target);
    }
    node->targets = targets;
    node->passes_through = false;
    *built = plan_identity(p, node, exprs, query->returning.count);
    return true;
}

/* Identity columns that no value is given for: statements name them, COPY does not. */
static bool fill_identities(planner *p, const rdb_relation *relation, rdb_plan_modify *modify)
{
    rdb_expr **defaults = rdb_arena_memdup(p->arena, modify->defaults, relation->column_count * sizeof *modify->defaults);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        rdb_plan_context context = *p->context;
        bool is_given = column->is_dropped || column->identity == 0;
        uint32_t sequence_oid = 0;
        for (uint16_t k = 0; k < modify->set_count && !is_given; k++)
            is_given = modify->set_columns[k] == column->number;
        if (is_given)
            continue;
        rdb_expr_next_value *next = RDB_NEW(p->arena, rdb_expr_next_value);
        next->head = (rdb_expr){.kind = RDB_EXPR_NEXT_VALUE, .location = -1, .type = column->type, .typmod = -1};
        if (!rdb_sequence_of_column(p->access, relation->oid, column->number, &sequence_oid, p->err))
            return false;
        next->sequence_oid = sequence_oid;
        context.arena = p->arena;
        if (!rdb_plan_make_expr(&context, relation, &next->head, &defaults[i], p->err))
            return false;
    }
    modify->defaults = defaults;
    return true;
}

bool rdb_plan_make_insert(const rdb_plan_context *context, const rdb_relation *relation, const int16_t *columns, uint16_t column_count, rdb_plan_modify **out, rdb_error *err)
{
    rdb_plan plan = {.arena = context->arena};
    planner p = {.arena = context->arena, .access = context->access, .context = context, .err = err, .plan = &plan, .eval = {.access = context->access, .format = context->format ? context->format : rdb_format_default()}};
    rdb_plan_modify *modify = RDB_NEW(context->arena, rdb_plan_modify);
    modify->command = RDB_COMMAND_INSERT;
    modify->relation = relation;
    modify->alias = relation->name;
    modify->set_count = column_count;
    modify->set_columns = rdb_arena_memdup(context->arena, columns, column_count * sizeof *columns);
    modify->conflict_index = RDB_CONFLICT_ERROR;
    *out = modify;
    return fill_row_rules(&p, relation, modify) && fill_identities(&p, relation, modify);
}
