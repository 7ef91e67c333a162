/* SPDX-License-Identifier: Apache-2.0
 * Which objects an analysed tree names: what a view, a default, a check or an index depends on. Columns count one by one; a
 * relation of which no column is named counts whole. Built-in objects are left out: nobody drops them. */
#include "command/command_int.h"

typedef struct scope { /* a query and those around it */
    const struct scope *outer;
    const rdb_query *query;
    const rdb_relation *relation; /* range 1 of an expression that stands alone */
} scope;

typedef struct collector {
    rdb_command_context *context;
    command_uses *uses;
    const scope *inner;
    uint32_t depth;
    rdb_error *err;
} collector;

static bool note(collector *c, uint32_t catalog_oid, uint32_t object_oid, int32_t sub_id)
{
    command_uses *uses = c->uses;
    const rdb_object_address found = {catalog_oid, object_oid, sub_id};
    if (object_oid < RDB_FIRST_NORMAL_OID)
        return true;
    for (uint32_t i = 0; i < uses->count; i++)
        if (memcmp(&uses->items[i], &found, sizeof found) == 0)
            return true;
    if (uses->count == uses->capacity) {
        const uint32_t capacity = uses->capacity * 2 + 8;
        uses->items = rdb_arena_try_grow(c->context->arena, uses->items, uses->capacity * sizeof found, capacity * sizeof found, c->err);
        if (uses->items == NULL)
            return false;
        uses->capacity = capacity;
    }
    uses->items[uses->count++] = found;
    return true;
}

static bool collect_query(collector *c, const rdb_query *query);
static bool collect_expr(void *collector_at, rdb_expr *expr);

/* A column of a function in FROM that gives rows of a table's type is that table's. */
static bool note_function_column(collector *c, const rdb_range *range, int32_t number)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < range->functions.count; i++) {
        const rdb_range_function *function = range->functions.items[i];
        const rdb_type *type = function->call->type;
        if ((uint32_t)number > before + function->column_count) {
            before += function->column_count;
            continue;
        }
        while (type->kind == 'd' && type->base != NULL)
            type = type->base;
        if (type->kind != 'c' || type->relation_oid == 0 || (uint32_t)number <= before)
            return true;
        return note(c, RDB_PG_CLASS, type->relation_oid, number - (int32_t)before);
    }
    return true;
}

static bool collect_var(collector *c, const rdb_expr_var *var)
{
    const scope *at = c->inner;
    for (uint16_t level = var->levels_up; level > 0 && at != NULL; level--)
        at = at->outer;
    if (at == NULL)
        return true;
    const int32_t number = RDB_MAX(var->attribute_no, 0);
    if (at->query == NULL)
        return at->relation == NULL || note(c, RDB_PG_CLASS, at->relation->oid, number);
    if (var->range_no == 0 || var->range_no > at->query->ranges.count)
        return true;
    const rdb_range *range = at->query->ranges.items[var->range_no - 1];
    if (range->kind == RDB_RANGE_RELATION && range->relation != NULL)
        return note(c, RDB_PG_CLASS, range->relation->oid, number);
    if (range->kind == RDB_RANGE_FUNCTION && number > 0)
        return note_function_column(c, range, number);
    if (range->kind == RDB_RANGE_JOIN && number > 0 && (uint32_t)number <= range->join_variables.count) {
        const scope *kept = c->inner;
        c->inner = at; /* what the join's column stands for is said in the join's own query */
        bool ok = collect_expr(c, range->join_variables.items[number - 1]);
        c->inner = kept;
        return ok;
    }
    return true;
}

static bool collect_const(collector *c, const rdb_expr_const *value)
{
    if (value->is_null)
        return true;
    switch (value->head.type->oid) {
    case RDB_REGCLASSOID:
        return note(c, RDB_PG_CLASS, value->value.oid, 0);
    case RDB_REGTYPEOID:
        return note(c, RDB_PG_TYPE, value->value.oid, 0);
    case RDB_REGNAMESPACEOID:
        return note(c, RDB_PG_NAMESPACE, value->value.oid, 0);
    default:
        return note(c, RDB_PG_TYPE, value->head.type->oid, 0);
    }
}

/* A field of a row depends on that column of its table or composite type. */
static bool note_field(collector *c, const rdb_expr_unary *field)
{
    const rdb_type *type = field->argument->type;
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type->kind != 'c' || type->relation_oid == 0 || field->field_no == 0 || note(c, RDB_PG_CLASS, type->relation_oid, field->field_no);
}

/* What is written as an operator depends on it, and through it alone on its function. */
static bool note_call(collector *c, const rdb_function *function, uint32_t operator_oid)
{
    return operator_oid != 0 ? note(c, RDB_PG_OPERATOR, operator_oid, 0) : note(c, RDB_PG_PROC, function->oid, 0);
}

static bool collect_expr(void *collector_at, rdb_expr *expr)
{
    collector *c = collector_at;
    bool ok = true;
    if (expr == NULL)
        return true;
    if (++c->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(c->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    switch ((rdb_expr_kind)expr->kind) {
    case RDB_EXPR_VAR:
        ok = collect_var(c, (const rdb_expr_var *)expr);
        break;
    case RDB_EXPR_CONST:
        ok = collect_const(c, (const rdb_expr_const *)expr);
        break;
    case RDB_EXPR_FUNCTION:
        ok = note_call(c, ((const rdb_expr_function *)expr)->function, ((const rdb_expr_function *)expr)->operator_oid);
        break;
    case RDB_EXPR_ARRAY_OP:
        ok = note_call(c, ((const rdb_expr_array_op *)expr)->function, ((const rdb_expr_array_op *)expr)->operator_oid);
        break;
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT:
        ok = note_call(c, ((const rdb_expr_pair *)expr)->function, ((const rdb_expr_pair *)expr)->operator_oid);
        break;
    case RDB_EXPR_ROW_COMPARE:
        for (uint32_t i = 0; ok && i < ((const rdb_expr_row_compare *)expr)->functions.count; i++)
            ok = note(c, RDB_PG_OPERATOR, ((const rdb_expr_row_compare *)expr)->operator_oids[i], 0);
        break;
    case RDB_EXPR_AGGREGATE:
        ok = note(c, RDB_PG_PROC, ((const rdb_expr_aggregate *)expr)->function->oid, 0);
        break;
    case RDB_EXPR_WINDOW:
        ok = note(c, RDB_PG_PROC, ((const rdb_expr_window *)expr)->function->oid, 0);
        break;
    case RDB_EXPR_NEXT_VALUE:
        ok = note(c, RDB_PG_CLASS, ((const rdb_expr_next_value *)expr)->sequence_oid, 0);
        break;
    case RDB_EXPR_RELABEL:
        ok = note(c, RDB_PG_TYPE, expr->type->oid, 0) && note(c, RDB_PG_COLLATION, expr->collation, 0);
        break;
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_ARRAY_COERCE:
    case RDB_EXPR_ARRAY:
    case RDB_EXPR_ROW:
        ok = note(c, RDB_PG_TYPE, expr->type->oid, 0);
        break;
    case RDB_EXPR_FIELD:
        ok = note_field(c, (const rdb_expr_unary *)expr);
        break;
    case RDB_EXPR_SUBLINK:
        ok = collect_query(c, ((const rdb_expr_sublink *)expr)->query);
        break;
    default:
        break;
    }
    ok = ok && rdb_expr_visit_children(expr, collect_expr, c);
    c->depth--;
    return ok;
}

static bool collect_exprs(collector *c, const rdb_list *exprs)
{
    for (uint32_t i = 0; i < exprs->count; i++)
        if (!collect_expr(c, exprs->items[i]))
            return false;
    return true;
}

static bool collect_targets(collector *c, const rdb_list *targets)
{
    for (uint32_t i = 0; i < targets->count; i++)
        if (!collect_expr(c, ((const rdb_target *)targets->items[i])->expr))
            return false;
    return true;
}

static bool collect_from(collector *c, const rdb_from *from)
{
    return from == NULL || !from->is_join ||
           (collect_from(c, from->left) && collect_from(c, from->right) && collect_expr(c, from->condition));
}

static bool collect_range(collector *c, const rdb_range *range)
{
    switch ((rdb_range_kind)range->kind) {
    case RDB_RANGE_SUBQUERY:
        return range->subquery == NULL || collect_query(c, range->subquery);
    case RDB_RANGE_FUNCTION:
        for (uint32_t i = 0; i < range->functions.count; i++)
            if (!collect_expr(c, ((const rdb_range_function *)range->functions.items[i])->call))
                return false;
        return true;
    case RDB_RANGE_VALUES:
        for (uint32_t i = 0; i < range->values.count; i++)
            if (!collect_exprs(c, range->values.items[i]))
                return false;
        return true;
    default:
        return true;
    }
}

static bool has_column_of(const command_uses *uses, uint32_t relation_oid)
{
    for (uint32_t i = 0; i < uses->count; i++)
        if (uses->items[i].catalog_oid == RDB_PG_CLASS && uses->items[i].object_oid == relation_oid)
            return true;
    return false;
}

static bool collect_query(collector *c, const rdb_query *query)
{
    const scope here = {.outer = c->inner, .query = query};
    if (++c->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(c->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    c->inner = &here;
    bool ok = collect_targets(c, &query->targets) && collect_targets(c, &query->returning) && collect_expr(c, query->where) &&
              collect_expr(c, query->having) && collect_expr(c, query->limit_count) && collect_expr(c, query->limit_offset);
    for (uint32_t i = 0; ok && i < query->from.count; i++)
        ok = collect_from(c, query->from.items[i]);
    for (uint32_t i = 0; ok && i < query->windows.count; i++) {
        const rdb_window *window = query->windows.items[i];
        ok = collect_expr(c, window->start_offset) && collect_expr(c, window->end_offset);
    }
    for (uint32_t i = 0; ok && i < query->key_constraints.count; i++)
        ok = note(c, RDB_PG_CONSTRAINT, (uint32_t)(uintptr_t)query->key_constraints.items[i], 0);
    for (uint32_t i = 0; ok && i < query->ctes.count; i++)
        ok = collect_query(c, ((const rdb_cte *)query->ctes.items[i])->query);
    for (uint32_t i = 0; ok && i < query->ranges.count; i++)
        ok = collect_range(c, query->ranges.items[i]);
    for (uint32_t i = 0; ok && i < query->ranges.count; i++) {
        const rdb_range *range = query->ranges.items[i];
        if (range->kind == RDB_RANGE_RELATION && range->relation != NULL && !has_column_of(c->uses, range->relation->oid))
            ok = note(c, RDB_PG_CLASS, range->relation->oid, 0);
    }
    c->inner = here.outer;
    c->depth--;
    return ok;
}

bool command_query_uses(rdb_command_context *context, const rdb_query *query, command_uses *uses, rdb_error *err)
{
    collector c = {.context = context, .uses = uses, .err = err};
    return collect_query(&c, query);
}

bool command_expr_uses(rdb_command_context *context, const rdb_relation *relation, const rdb_expr *expr, command_uses *uses, rdb_error *err)
{
    const scope alone = {.relation = relation};
    collector c = {.context = context, .uses = uses, .inner = &alone, .err = err};
    return collect_expr(&c, (rdb_expr *)expr);
}
