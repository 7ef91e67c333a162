/* SPDX-License-Identifier: Apache-2.0
 * What is written into a column: the whole of it, or a part named by fields and subscripts (c.x, a[1], a[1:2], c.a[2].y), and
 * SET (a, b) = (...). A part becomes a whole value: the container with that part replaced. */
#include "sql/analyse_int.h"

/* ---- parts of columns ------------------------------------------------------------------------------------------------------- */
typedef struct assignment {
    analyse_state *state;
    rdb_expr *value;
    const char *column_name;
    const rdb_list *steps;
    int32_t location;
} assignment;

static bool assign_part(const assignment *a, rdb_expr *container, uint32_t step_no, rdb_expr **expr, rdb_error *err);

/* The value itself, where no steps are left. field: the last step's name, NULL: it is a subscript. */
static bool coerce_value(const assignment *a, const rdb_type *type, int32_t typmod, const char *field, rdb_expr **expr, rdb_error *err)
{
    if (!analyse_coerce_to_target(a->state, a->value, type, typmod, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, expr, err))
        return false;
    if (*expr != NULL)
        return true;
    if (field == NULL)
        analyse_error(a->state, a->location, err, RDB_DATATYPE_MISMATCH, "subscripted assignment to \"%s\" requires type %s but expression is of type %s",
                      a->column_name, analyse_type_name(a->state, type->oid), analyse_type_name(a->state, a->value->type->oid));
    else
        analyse_error(a->state, a->location, err, RDB_DATATYPE_MISMATCH, "subfield \"%s\" is of type %s but expression is of type %s", field,
                      analyse_type_name(a->state, type->oid), analyse_type_name(a->state, a->value->type->oid));
    return rdb_error_hint(err, "You will need to rewrite or cast the expression.");
}

static bool assign_field(const assignment *a, rdb_expr *container, uint32_t step_no, const char *name, rdb_expr **expr, rdb_error *err)
{
    analyse_state *state = a->state;
    const rdb_type *base = analyse_base_type(container->type, NULL);
    if (base->kind != 'c')
        return analyse_error(state, a->location, err, RDB_DATATYPE_MISMATCH, "cannot assign to field \"%s\" of column \"%s\" because its type %s is not a composite type",
                             name, a->column_name, analyse_type_name(state, container->type->oid));
    uint32_t number = 0;
    while (number < base->field_count && (base->fields[number].is_dropped || strcmp(base->fields[number].name, name) != 0))
        number++;
    if (number == base->field_count)
        return analyse_error(state, a->location, err, RDB_UNDEFINED_COLUMN, "cannot assign to field \"%s\" of column \"%s\" because there is no such column in data type %s",
                             name, a->column_name, analyse_type_name(state, container->type->oid));
    rdb_expr_row *row = ANALYSE_NEW(state, rdb_expr_row, RDB_EXPR_ROW, base, a->location);
    row->form = RDB_FORM_IMPLICIT_CAST;
    for (uint32_t at = 0; at < base->field_count; at++) {
        const rdb_type_field *field = &base->fields[at];
        rdb_expr_unary *old = ANALYSE_NEW(state, rdb_expr_unary, RDB_EXPR_FIELD, field->type, -1);
        old->argument = container;
        old->field_no = (int16_t)(at + 1);
        old->head.typmod = field->typmod;
        old->head.collation = field->collation;
        rdb_expr *item = field->is_dropped ? analyse_make_null(state, field->type, -1, -1) : &old->head;
        if (at == number) {
            bool is_last = step_no + 1 == a->steps->count;
            if (is_last ? !coerce_value(a, field->type, field->typmod, name, &item, err)
                        : !assign_part(a, &old->head, step_no + 1, &item, err))
                return false;
        }
        rdb_list_push(analyse_arena(state), &row->fields, item);
        rdb_list_push(analyse_arena(state), &row->field_names, (void *)(uintptr_t)field->name);
    }
    return base == container->type ? (*expr = &row->head, true)
                                   : analyse_coerce_to_target(state, &row->head, container->type, -1, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, expr, err);
}

static bool assign_elements(const assignment *a, rdb_expr *container, uint32_t step_no, rdb_expr **expr, rdb_error *err)
{
    analyse_state *state = a->state;
    rdb_expr_subscript *subscript;
    uint32_t count = 1;
    while (step_no + count < a->steps->count && ((const rdb_ast_node *)a->steps->items[step_no + count])->tag == RDB_AST_SUBSCRIPT)
        count++;
    if (!analyse_subscripts(state, container, a->steps, step_no, count, a->location, &subscript, err))
        return false;
    const rdb_type *whole = subscript->argument->type;
    if (step_no + count == a->steps->count) {
        if (!coerce_value(a, subscript->head.type, subscript->head.typmod, NULL, &subscript->assignment, err))
            return false;
    } else {
        rdb_expr_subscript *old = rdb_arena_memdup(analyse_arena(state), subscript, sizeof *subscript);
        if (!assign_part(a, &old->head, step_no + count, &subscript->assignment, err))
            return false;
    }
    subscript->head.type = whole;
    return analyse_coerce_to_target(state, &subscript->head, container->type, container->typmod, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, expr, err);
}

static bool assign_part(const assignment *a, rdb_expr *container, uint32_t step_no, rdb_expr **expr, rdb_error *err)
{
    const rdb_ast_node *step = a->steps->items[step_no];
    if (step->tag == RDB_AST_SUBSCRIPT)
        return assign_elements(a, container, step_no, expr, err);
    if (step->tag == RDB_AST_STAR)
        return analyse_error(a->state, a->location, err, RDB_FEATURE_NOT_SUPPORTED, "row expansion via \"*\" is not supported here");
    return assign_field(a, container, step_no, ((const rdb_ast_value *)step)->text, expr, err);
}

bool analyse_assignment(analyse_state *state, rdb_expr *value, analyse_clause clause, const char *column_name, const analyse_item *table,
                        int16_t number, const rdb_list *indirection, rdb_expr *so_far, int32_t location, rdb_expr **expr, rdb_error *err)
{
    const rdb_column *column = &table->range->relation->columns[number - 1];
    bool is_part = indirection != NULL && indirection->count > 0;
    if (value->kind == RDB_EXPR_DEFAULT) {
        if (is_part && ((const rdb_ast_node *)indirection->items[0])->tag == RDB_AST_SUBSCRIPT)
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "cannot set an array element to DEFAULT");
        if (is_part)
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "cannot set a subfield to DEFAULT");
        value->type = column->type;
        value->typmod = column->typmod;
        value->collation = column->collation;
        *expr = value;
        return true;
    }
    if (is_part) { /* of a row being inserted there is no old value yet */
        const assignment a = {state, value, column_name, indirection, location};
        rdb_expr *container = so_far;
        if (container == NULL && clause != ANALYSE_UPDATE_TARGET)
            container = analyse_make_null(state, column->type, column->typmod, location);
        else if (container == NULL && !analyse_item_column(state, table, number, 0, location, &container, err))
            return false;
        /* several parts of one column are put in before its domain looks at the whole */
        while (so_far != NULL && container->kind == RDB_EXPR_COERCE_DOMAIN)
            container = ((rdb_expr_unary *)container)->argument;
        rdb_expr *whole = NULL;
        return assign_part(&a, container, 0, &whole, err) &&
               analyse_coerce_to_target(state, whole, column->type, column->typmod, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, expr, err);
    }
    if (!analyse_coerce_to_target(state, value, column->type, column->typmod, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, expr, err))
        return false;
    if (*expr != NULL)
        return true;
    analyse_error(state, value->location >= 0 ? value->location : location, err, RDB_DATATYPE_MISMATCH, "column \"%s\" is of type %s but expression is of type %s",
                  column_name, analyse_type_name(state, column->type->oid), analyse_type_name(state, value->type->oid));
    return rdb_error_hint(err, "You will need to rewrite or cast the expression.");
}

/* ---- SET (a, b) = (...) --------------------------------------------------------------------------------------------------------- */
typedef struct multi_source {
    const rdb_ast_node *raw;
    rdb_expr *row;
    analyse_fields fields;
} multi_source;

/* (SELECT ROW(s.*) FROM (SELECT ...) s): one value with all the columns; no row is a null of which every field is null. */
static rdb_ast_node *row_of_select(const analyse_state *state, const rdb_ast_sublink *raw)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_ast_alias *alias = RDB_NEW(arena, rdb_ast_alias);
    rdb_ast_range_subquery *from = RDB_NEW(arena, rdb_ast_range_subquery);
    rdb_ast_column *star = RDB_NEW(arena, rdb_ast_column);
    rdb_ast_row *row = RDB_NEW(arena, rdb_ast_row);
    rdb_ast_target *target = RDB_NEW(arena, rdb_ast_target);
    rdb_ast_select *select = RDB_NEW(arena, rdb_ast_select);
    rdb_ast_sublink *sublink = rdb_arena_memdup(arena, raw, sizeof *raw);
    *alias = (rdb_ast_alias){.node = {RDB_AST_ALIAS, -1}, .name = "*SOURCE*"};
    *from = (rdb_ast_range_subquery){.node = {RDB_AST_RANGE_SUBQUERY, -1}, .query = raw->query, .alias = alias};
    *star = (rdb_ast_column){.node = {RDB_AST_COLUMN, raw->node.location}, .is_star = true};
    *row = (rdb_ast_row){.node = {RDB_AST_ROW, raw->node.location}, .form = RDB_SQL_FORM_CALL};
    *target = (rdb_ast_target){.node = {RDB_AST_TARGET, -1}, .value = &row->node};
    *select = (rdb_ast_select){.node = {RDB_AST_SELECT, -1}};
    rdb_list_push(arena, &row->args, star);
    rdb_list_push(arena, &select->targets, target);
    rdb_list_push(arena, &select->from, from);
    sublink->kind = RDB_SQL_SUBLINK_EXPR;
    sublink->query = &select->node;
    return &sublink->node;
}

static bool find_source(analyse_state *state, const rdb_ast_multi_assign *raw, multi_source **source, rdb_error *err)
{
    for (uint32_t at = 0; at < state->multi_sources.count; at++) {
        *source = state->multi_sources.items[at];
        if ((*source)->raw == raw->source)
            return true;
    }
    const rdb_ast_sublink *sublink = raw->source->tag == RDB_AST_SUBLINK ? (const rdb_ast_sublink *)raw->source : NULL;
    if (raw->source->tag != RDB_AST_ROW && (sublink == NULL || sublink->kind != RDB_SQL_SUBLINK_EXPR))
        return analyse_error(state, raw->source->location, err, RDB_FEATURE_NOT_SUPPORTED,
                             "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression");
    *source = RDB_NEW(analyse_arena(state), multi_source);
    (*source)->raw = raw->source;
    if (!analyse_expr(state, sublink != NULL ? row_of_select(state, sublink) : raw->source, ANALYSE_UPDATE_SOURCE, &(*source)->row, err) ||
        !analyse_row_fields(state, (*source)->row, &(*source)->fields, err))
        return false;
    if ((*source)->fields.count != (uint32_t)raw->column_count)
        return analyse_error(state, raw->source->location, err, RDB_SYNTAX_ERROR, "number of columns does not match number of values");
    if ((*source)->row->kind == RDB_EXPR_SUBLINK)
        ((rdb_expr_sublink *)(*source)->row)->is_shared = true;
    rdb_list_push(analyse_arena(state), &state->multi_sources, *source);
    return true;
}

static bool has_star(const rdb_ast_row *row)
{
    for (uint32_t at = 0; at < row->args.count; at++) {
        const rdb_ast_node *item = row->args.items[at];
        if (item->tag == RDB_AST_COLUMN ? ((const rdb_ast_column *)item)->is_star : item->tag == RDB_AST_INDIRECTION)
            return true;
    }
    return false;
}

bool analyse_multi_assign(analyse_state *state, const rdb_ast_multi_assign *raw, rdb_expr **expr, rdb_error *err)
{
    const rdb_ast_row *row = (const rdb_ast_row *)raw->source;
    if (raw->source->tag == RDB_AST_ROW && !has_star(row)) { /* item by item: DEFAULT may be among them */
        if (row->args.count != (uint32_t)raw->column_count)
            return analyse_error(state, raw->source->location, err, RDB_SYNTAX_ERROR, "number of columns does not match number of values");
        return analyse_value(state, row->args.items[raw->column_no - 1], ANALYSE_UPDATE_SOURCE, expr, err);
    }
    multi_source *source = NULL;
    if (!find_source(state, raw, &source, err))
        return false;
    uint32_t at = (uint32_t)raw->column_no - 1;
    rdb_expr_unary *field = ANALYSE_NEW(state, rdb_expr_unary, RDB_EXPR_FIELD, source->fields.types[at], raw->source->location);
    field->argument = source->row;
    field->field_no = (int16_t)(at + 1);
    field->head.typmod = source->fields.typmods[at];
    field->head.collation = source->fields.collations[at];
    *expr = &field->head;
    return true;
}
