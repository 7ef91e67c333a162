/* SPDX-License-Identifier: Apache-2.0
 * Range-table entries and the names in them: how entries are made, and how a column, a table or a row is found by name, in
 * this query or in one around it. */
#include "sql/analyse_int.h"

/* ---- entries ---- */

rdb_range *analyse_add_range(analyse_state *state, rdb_range_kind kind, uint32_t *range_no)
{
    rdb_range *range = RDB_NEW(analyse_arena(state), rdb_range);
    range->kind = (uint8_t)kind;
    rdb_list_push(analyse_arena(state), &state->query->ranges, range);
    rdb_list_push(analyse_arena(state), &state->joined, NULL);
    *range_no = state->query->ranges.count;
    return range;
}

void analyse_set_column_types(const analyse_state *state, rdb_range *range, uint32_t count)
{
    range->column_typmods = RDB_NEW_ARRAY(analyse_arena(state), int32_t, count + 1);
    range->column_collations = RDB_NEW_ARRAY(analyse_arena(state), uint32_t, count + 1);
}

static analyse_item *make_item(analyse_state *state, rdb_range *range, uint32_t range_no)
{
    analyse_item *item = RDB_NEW(analyse_arena(state), analyse_item);
    item->range = range;
    item->range_no = range_no;
    item->name = range->alias;
    item->table_visible = item->columns_visible = item->lateral_ok = true;
    state->joined.items[range_no - 1] = item;
    return item;
}

/* Names given in the alias replace the first ones. */
static void apply_alias(const analyse_state *state, rdb_range *range, const rdb_ast_names *alias_columns)
{
    if (alias_columns == NULL)
        return;
    uint32_t next = 0;
    for (uint32_t at = 0; at < range->columns.count && next < alias_columns->count; at++) {
        const char *name = range->columns.items[at];
        if (name[0] == '\0')
            continue; /* dropped */
        range->columns.items[at] = (void *)(uintptr_t)alias_columns->items[next++];
    }
    for (uint32_t at = 0; at < alias_columns->count; at++)
        rdb_list_push(analyse_arena(state), &range->alias_columns, (void *)(uintptr_t)alias_columns->items[at]);
}

analyse_item *analyse_add_relation(analyse_state *state, const rdb_relation *relation, const char *alias,
                                   const rdb_ast_names *alias_columns, rdb_lock_mode mode, bool is_inherited)
{
    uint32_t range_no;
    rdb_range *range = analyse_add_range(state, RDB_RANGE_RELATION, &range_no);
    range->alias = alias != NULL ? alias : relation->name;
    range->has_alias = alias != NULL;
    range->relation = relation;
    range->is_inherited = is_inherited;
    range->lock_mode = (uint8_t)mode;
    range->required_privileges = ANALYSE_ACL_SELECT;
    for (uint16_t at = 0; at < relation->column_count; at++)
        rdb_list_push(analyse_arena(state), &range->columns,
                      (void *)(uintptr_t)(relation->columns[at].is_dropped ? "" : relation->columns[at].name));
    apply_alias(state, range, alias_columns);
    analyse_item *item = make_item(state, range, range_no);
    if (alias == NULL)
        item->schema = relation->namespace_name;
    return item;
}

static bool check_alias_count(const analyse_state *state, const rdb_ast_names *columns, uint32_t count, const char *name, int32_t location, rdb_error *err)
{
    if (columns == NULL || columns->count <= count)
        return true;
    return analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "table \"%s\" has %u columns available but %u columns specified",
                         name, count, columns->count);
}

bool analyse_add_subquery(analyse_state *state, rdb_query *query, const char *name, const rdb_ast_names *columns, bool has_alias,
                          bool is_lateral, int32_t location, analyse_item **item, rdb_error *err)
{
    uint32_t range_no, count = 0;
    rdb_range *range = analyse_add_range(state, RDB_RANGE_SUBQUERY, &range_no);
    range->alias = name;
    range->has_alias = has_alias;
    range->subquery = query;
    range->is_lateral = is_lateral;
    const rdb_list *targets = rdb_query_result_targets(query);
    analyse_set_column_types(state, range, targets->count);
    for (uint32_t at = 0; at < targets->count; at++) {
        const rdb_target *target = targets->items[at];
        if (target->is_junk)
            continue;
        rdb_list_push(analyse_arena(state), &range->columns, (void *)(uintptr_t)target->name);
        rdb_list_push(analyse_arena(state), &range->column_types, (void *)(uintptr_t)target->expr->type);
        range->column_typmods[count] = target->expr->typmod;
        range->column_collations[count++] = target->expr->collation;
    }
    apply_alias(state, range, columns);
    *item = make_item(state, range, range_no);
    return check_alias_count(state, columns, count, name, location, err);
}

bool analyse_push_item(analyse_state *state, analyse_item *item, bool table_visible, bool columns_visible, rdb_error *err)
{
    (void)err;
    item->table_visible = table_visible;
    item->columns_visible = columns_visible;
    item->lateral_only = false;
    item->lateral_ok = true;
    rdb_list_push(analyse_arena(state), &state->items, item);
    return true;
}

void analyse_mark_column(const analyse_state *state, uint64_t **bits, const rdb_range *range, int32_t number)
{
    uint32_t word_count = (range->columns.count + 7) / 64 + 1;
    if (*bits == NULL)
        *bits = RDB_NEW_ARRAY(analyse_arena(state), uint64_t, word_count);
    uint32_t bit = (uint32_t)(number + 7);
    if (bit / 64 < word_count)
        (*bits)[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* ---- variables ---- */

static bool system_column(analyse_state *state, int16_t number, uint32_t *type_oid, int32_t location, rdb_error *err)
{
    switch (number) {
    case RDB_COLUMN_CTID: *type_oid = RDB_TIDOID; return true;
    case RDB_COLUMN_XMIN: case RDB_COLUMN_XMAX: *type_oid = RDB_XIDOID; return true;
    case RDB_COLUMN_CMIN: case RDB_COLUMN_CMAX: *type_oid = RDB_CIDOID; return true;
    case RDB_COLUMN_TABLEOID: *type_oid = RDB_OIDOID; return true;
    default:
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "system column %d is not supported", number);
    }
}

static int16_t system_column_number(const char *name)
{
    static const struct { const char *name; int16_t number; } COLUMNS[] = {
        {"ctid", RDB_COLUMN_CTID}, {"xmin", RDB_COLUMN_XMIN}, {"cmin", RDB_COLUMN_CMIN}, {"xmax", RDB_COLUMN_XMAX}, {"cmax", RDB_COLUMN_CMAX}, {"tableoid", RDB_COLUMN_TABLEOID}};
    for (size_t at = 0; at < RDB_COUNT_OF(COLUMNS); at++)
        if (strcmp(COLUMNS[at].name, name) == 0)
            return COLUMNS[at].number;
    return 0;
}

/* Columns of relations that an expression reads are marked for the check of privileges. */
static bool mark_read(void *context, const rdb_expr *node, uint32_t levels)
{
    const analyse_state *state = context;
    if (node->kind != RDB_EXPR_VAR || levels > 0)
        return true;
    const rdb_expr_var *var = (const rdb_expr_var *)node;
    const analyse_state *owner = analyse_state_up(state, var->levels_up);
    rdb_range *range = owner->query->ranges.items[var->range_no - 1];
    if (range->kind == RDB_RANGE_RELATION) {
        range->required_privileges |= ANALYSE_ACL_SELECT;
        analyse_mark_column(state, &range->selected_columns, range, var->attribute_no);
    }
    return true;
}

const analyse_state *analyse_state_up(const analyse_state *state, uint32_t levels_up)
{
    while (levels_up-- > 0)
        state = state->parent;
    return state;
}

bool analyse_item_column(analyse_state *state, const analyse_item *item, int16_t number, uint32_t levels_up, int32_t location,
                         rdb_expr **expr, rdb_error *err)
{
    const rdb_range *range = item->range;
    if (item->columns != NULL) {
        if (!analyse_raise_levels(state, item->columns[number - 1], levels_up, expr, err))
            return false;
        if (*expr == item->columns[number - 1]) { /* each use has its own node: collations are written into it */
            if ((*expr)->kind == RDB_EXPR_VAR) {
                *expr = rdb_arena_memdup(analyse_arena(state), *expr, sizeof(rdb_expr_var));
                (*expr)->location = location;
            }
        }
        analyse_walk(*expr, 0, mark_read, state);
        return true;
    }
    const rdb_type *type;
    int32_t typmod = -1;
    uint32_t collation = 0, type_oid = 0;
    if (number < 0) {
        if (!system_column(state, number, &type_oid, location, err) || !analyse_get_type(state, type_oid, &type, err))
            return false;
    } else if (range->kind == RDB_RANGE_RELATION) {
        const rdb_column *column = &range->relation->columns[number - 1];
        type = column->type;
        typmod = column->typmod;
        collation = column->collation;
    } else {
        type = range->column_types.items[number - 1];
        typmod = range->column_typmods[number - 1];
        collation = range->column_collations[number - 1];
    }
    rdb_expr_var *var = ANALYSE_NEW(state, rdb_expr_var, RDB_EXPR_VAR, type, location);
    var->head.typmod = typmod;
    var->head.collation = collation;
    var->range_no = item->range_no;
    var->range = item->range;
    var->attribute_no = number;
    var->levels_up = (uint16_t)levels_up;
    mark_read(state, &var->head, 0);
    *expr = &var->head;
    return true;
}

const rdb_type *analyse_record_of(const analyse_state *state, const rdb_type *record, const analyse_fields *fields)
{
    rdb_type *type = rdb_arena_memdup(analyse_arena(state), record, sizeof *type);
    rdb_type_field *items = RDB_NEW_ARRAY(analyse_arena(state), rdb_type_field, fields->count + 1);
    for (uint32_t at = 0; at < fields->count; at++)
        items[at] = (rdb_type_field){.name = fields->names[at], .type = fields->types[at], .typmod = fields->typmods[at], .collation = fields->collations[at]};
    type->fields = items;
    type->field_count = fields->count;
    return type;
}

bool analyse_describe_record(analyse_state *state, rdb_expr *row, rdb_error *err)
{
    analyse_fields fields;
    if (row->type->oid != RDB_RECORDOID || row->type->fields != NULL)
        return true;
    if (!analyse_row_fields(state, row, &fields, err))
        return false;
    if (fields.count > 0)
        row->type = analyse_record_of(state, row->type, &fields);
    return true;
}

bool analyse_whole_row(analyse_state *state, const analyse_item *item, uint32_t levels_up, int32_t location, rdb_expr **expr, rdb_error *err)
{
    const rdb_range *range = item->range;
    const rdb_type *type;
    if (range->kind == RDB_RANGE_JOIN || item->columns != NULL) {
        if (!analyse_get_type(state, RDB_RECORDOID, &type, err))
            return false;
        rdb_expr_row *row = ANALYSE_NEW(state, rdb_expr_row, RDB_EXPR_ROW, type, location);
        row->form = RDB_FORM_CALL;
        for (uint32_t at = 0; at < range->columns.count; at++) {
            rdb_expr *field;
            if (!analyse_item_column(state, item, (int16_t)(at + 1), levels_up, location, &field, err))
                return false;
            rdb_list_push(analyse_arena(state), &row->fields, field);
            rdb_list_push(analyse_arena(state), &row->field_names, range->columns.items[at]);
        }
        *expr = &row->head;
        return analyse_describe_record(state, &row->head, err);
    }
    uint32_t type_oid = RDB_RECORDOID;
    if (range->kind == RDB_RANGE_RELATION) {
        if (range->relation->row_type_oid != 0)
            type_oid = range->relation->row_type_oid;
    } else if (range->kind == RDB_RANGE_FUNCTION && range->functions.count == 1 && !range->with_ordinality) {
        const rdb_range_function *function = range->functions.items[0];
        if (!analyse_is_row_type(function->call->type) && function->types.count == 0)
            return analyse_item_column(state, item, 1, levels_up, location, expr, err);
        type_oid = function->call->type->oid;
    }
    if (!analyse_get_type(state, type_oid, &type, err))
        return false;
    rdb_expr_var *var = ANALYSE_NEW(state, rdb_expr_var, RDB_EXPR_VAR, type, location);
    var->range_no = item->range_no;
    var->range = item->range;
    var->levels_up = (uint16_t)levels_up;
    mark_read(state, &var->head, 0);
    *expr = &var->head;
    return analyse_describe_record(state, &var->head, err);
}

/* ---- fields of rows ---- */

static bool fields_of_type(const analyse_state *state, const rdb_type *type, analyse_fields *fields)
{
    rdb_arena *arena = analyse_arena(state);
    uint32_t count = type->field_count;
    fields->names = RDB_NEW_ARRAY(arena, const char *, count + 1);
    fields->types = RDB_NEW_ARRAY(arena, const rdb_type *, count + 1);
    fields->typmods = RDB_NEW_ARRAY(arena, int32_t, count + 1);
    fields->collations = RDB_NEW_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t at = 0; at < count; at++) {
        fields->names[at] = type->fields[at].is_dropped ? "" : type->fields[at].name;
        fields->types[at] = type->fields[at].type;
        fields->typmods[at] = type->fields[at].typmod;
        fields->collations[at] = type->fields[at].collation;
    }
    fields->count = count;
    return true;
}

static void add_field(const analyse_state *state, analyse_fields *fields, uint32_t room, const char *name, const rdb_type *type, int32_t typmod, uint32_t collation)
{
    rdb_arena *arena = analyse_arena(state);
    if (fields->names == NULL) {
        fields->names = RDB_NEW_ARRAY(arena, const char *, room);
        fields->types = RDB_NEW_ARRAY(arena, const rdb_type *, room);
        fields->typmods = RDB_NEW_ARRAY(arena, int32_t, room);
        fields->collations = RDB_NEW_ARRAY(arena, uint32_t, room);
    }
    fields->names[fields->count] = name;
    fields->types[fields->count] = type;
    fields->typmods[fields->count] = typmod;
    fields->collations[fields->count++] = collation;
}

/* OUT parameters of a function that returns record, polymorphic ones made concrete by its arguments. */
static bool fields_of_call(const analyse_state *state, const rdb_expr_function *call, analyse_fields *fields, rdb_error *err)
{
    const rdb_function *function = call->function;
    if (function->all_count == 0 || function->all_modes == NULL)
        return true;
    uint32_t actual[128], declared[128];
    uint32_t inputs = RDB_MIN(call->arguments.count, 100u);
    for (uint32_t at = 0; at < inputs; at++)
        actual[at] = ((const rdb_expr *)call->arguments.items[at])->type->oid;
    for (uint32_t at = 0, out = 0; at < function->all_count; at++) {
        char mode = function->all_modes[at];
        if (mode == 'i' || mode == 'v')
            continue;
        uint32_t type_oid = function->all_types[at];
        const rdb_type *type;
        if (analyse_is_polymorphic(type_oid)) {
            for (uint32_t no = 0; no < inputs; no++)
                declared[no] = no < function->argument_count ? function->argument_types[no] : RDB_ANYOID;
            if (!analyse_resolve_polymorphic(state, inputs, actual, declared, function->all_types[at], &type_oid, false, NULL, err))
                return false;
        }
        if (!analyse_get_type(state, type_oid, &type, err))
            return false;
        out++;
        const char *name = function->argument_names == NULL ? NULL : function->argument_names[at];
        if (name == NULL || name[0] == '\0')
            name = rdb_arena_printf(analyse_arena(state), "column%u", out);
        add_field(state, fields, function->all_count, name, type, -1, type->collation);
    }
    return true;
}

bool analyse_row_fields(analyse_state *state, const rdb_expr *row, analyse_fields *fields, rdb_error *err)
{
    *fields = (analyse_fields){0};
    const rdb_type *type = analyse_base_type(row->type, NULL);
    if (type->kind == 'c' || type->fields != NULL)
        return fields_of_type(state, type, fields);
    if (type->oid != RDB_RECORDOID)
        return true;
    if (row->kind == RDB_EXPR_FUNCTION)
        return fields_of_call(state, (const rdb_expr_function *)row, fields, err);
    if (row->kind == RDB_EXPR_ROW) {
        const rdb_expr_row *node = (const rdb_expr_row *)row;
        for (uint32_t at = 0; at < node->fields.count; at++) {
            const rdb_expr *field = node->fields.items[at];
            add_field(state, fields, node->fields.count, at < node->field_names.count ? node->field_names.items[at] : "", field->type, field->typmod,
                      field->collation);
        }
        return true;
    }
    if (row->kind == RDB_EXPR_VAR) {
        const rdb_expr_var *var = (const rdb_expr_var *)row;
        const rdb_range *range = analyse_state_up(state, var->levels_up)->query->ranges.items[var->range_no - 1];
        if (var->attribute_no != 0) {
            const rdb_query *inner = range->subquery;
            if (range->kind != RDB_RANGE_SUBQUERY || inner == NULL)
                return true;
            const rdb_target *target = rdb_query_result_targets(inner)->items[var->attribute_no - 1];
            if (target->expr->kind != RDB_EXPR_ROW && target->expr->kind != RDB_EXPR_FUNCTION)
                return true;
            return analyse_row_fields(state, target->expr, fields, err);
        }
        for (uint32_t at = 0; at < range->columns.count; at++)
            if (range->kind == RDB_RANGE_RELATION)
                add_field(state, fields, range->columns.count, range->columns.items[at], range->relation->columns[at].type,
                          range->relation->columns[at].typmod, range->relation->columns[at].collation);
            else
                add_field(state, fields, range->columns.count, range->columns.items[at], range->column_types.items[at], range->column_typmods[at],
                          range->column_collations[at]);
    }
    return true;
}

bool analyse_field(analyse_state *state, rdb_expr *argument, const char *name, int32_t location, rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    /* a field of a whole row is the column itself */
    if (argument->kind == RDB_EXPR_VAR && ((rdb_expr_var *)argument)->attribute_no == 0) {
        const rdb_expr_var *var = (const rdb_expr_var *)argument;
        const analyse_item *item = analyse_state_up(state, var->levels_up)->joined.items[var->range_no - 1];
        for (uint32_t at = 0; item != NULL && at < item->range->columns.count; at++)
            if (strcmp(item->range->columns.items[at], name) == 0)
                return analyse_item_column(state, item, (int16_t)(at + 1), var->levels_up, location, expr, err);
    }
    analyse_fields fields;
    if (!analyse_row_fields(state, argument, &fields, err))
        return false;
    for (uint32_t at = 0; at < fields.count; at++) {
        if (strcmp(fields.names[at], name) != 0)
            continue;
        rdb_expr_unary *node = ANALYSE_NEW(state, rdb_expr_unary, RDB_EXPR_FIELD, fields.types[at], location);
        node->argument = argument;
        node->field_no = (int16_t)(at + 1);
        node->head.typmod = fields.typmods[at];
        node->head.collation = fields.collations[at];
        *expr = &node->head;
        return true;
    }
    return true;
}

/* ---- names ---- */

static bool check_lateral(const analyse_state *state, const analyse_item *item, int32_t location, rdb_error *err)
{
    if (!item->lateral_only || item->lateral_ok)
        return true;
    analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "invalid reference to FROM-clause entry for table \"%s\"",
                  item->name == NULL ? "" : item->name);
    bool is_written = false;
    for (const analyse_state *level = state; level != NULL; level = level->parent)
        is_written |= level->query != NULL && level->query->result_range_no == item->range_no && level->query->ranges.items[item->range_no - 1] == item->range;
    if (is_written)
        return rdb_error_hint(err, "There is an entry for table \"%s\", but it cannot be referenced from this part of the query.", item->name);
    return rdb_error_detail(err, "The combining JOIN type must be INNER or LEFT for a LATERAL reference.");
}

/* A rule of a table may read tableoid of its rows, and no other system column; an index none. */
static bool check_rule_column(const analyse_state *state, const char *name, int16_t number, int32_t location, rdb_error *err)
{
    switch (state->clause) {
    case ANALYSE_CHECK:
        return number == RDB_COLUMN_TABLEOID ||
               analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "system column \"%s\" reference in check constraint is invalid", name);
    case ANALYSE_GENERATED:
        return number == RDB_COLUMN_TABLEOID ||
               analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "cannot use system column \"%s\" in column generation expression", name);
    case ANALYSE_INDEX_EXPRESSION: case ANALYSE_INDEX_PREDICATE:
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported");
    default:
        return true;
    }
}

static bool is_rule_of_table(analyse_clause clause)
{
    return clause == ANALYSE_CHECK || clause == ANALYSE_GENERATED || clause == ANALYSE_INDEX_EXPRESSION || clause == ANALYSE_INDEX_PREDICATE;
}

/* The column of that name among an item's; 0: none, and 42702 where there are two. */
static bool find_in_item(const analyse_state *state, const analyse_item *item, const char *name, int32_t location, int16_t *number, rdb_error *err)
{
    *number = 0;
    for (uint32_t at = 0; at < item->range->columns.count; at++) {
        if (strcmp(item->range->columns.items[at], name) != 0)
            continue;
        if (*number != 0)
            return analyse_error(state, location, err, RDB_AMBIGUOUS_COLUMN, "column reference \"%s\" is ambiguous", name);
        *number = (int16_t)(at + 1);
    }
    if (*number == 0 && item->range->kind == RDB_RANGE_RELATION && (item->range->lock_mode != RDB_LOCK_NONE || is_rule_of_table(state->clause))) /* EXCLUDED is not in the table */
        *number = system_column_number(name);
    if (*number < 0 && !check_rule_column(state, name, *number, location, err))
        return false;
    if (*number < 0 && *number != RDB_COLUMN_TABLEOID && state->clause == ANALYSE_MERGE_WHEN)
        return analyse_error(state, location, err, RDB_INVALID_COLUMN_REFERENCE, "cannot use system column \"%s\" in MERGE WHEN condition", name);
    return true;
}

/* In one level: an unqualified name. */
static bool find_column(analyse_state *state, const analyse_state *level, uint32_t levels_up, const char *name, int32_t location,
                        rdb_expr **expr, rdb_error *err)
{
    *expr = NULL;
    const analyse_item *found = NULL;
    int16_t found_number = 0;
    for (uint32_t at = 0; at < level->items.count; at++) {
        const analyse_item *item = level->items.items[at];
        int16_t number;
        if (!item->columns_visible || (item->lateral_only && !level->lateral_active))
            continue;
        if (!find_in_item(state, item, name, location, &number, err))
            return false;
        if (number == 0)
            continue;
        if (found != NULL)
            return analyse_error(state, location, err, RDB_AMBIGUOUS_COLUMN, "column reference \"%s\" is ambiguous", name);
        if (!check_lateral(state, item, location, err))
            return false;
        found = item;
        found_number = number;
    }
    return found == NULL || analyse_item_column(state, found, found_number, levels_up, location, expr, err);
}

bool analyse_own_column(analyse_state *state, const char *name, int32_t location, rdb_expr **expr, rdb_error *err)
{
    return find_column(state, state, 0, name, location, expr, err);
}

const analyse_item *analyse_find_item(const analyse_state *state, const char *schema, const char *name, uint32_t *levels_up, bool *ambiguous)
{
    *levels_up = 0;
    *ambiguous = false;
    for (const analyse_state *level = state; level != NULL; level = level->parent, ++*levels_up) {
        const analyse_item *found = NULL;
        for (uint32_t at = 0; at < level->items.count; at++) {
            const analyse_item *item = level->items.items[at];
            if (!item->table_visible || item->name == NULL || (item->lateral_only && !level->lateral_active))
                continue;
            if (strcmp(item->name, name) != 0)
                continue;
            if (schema != NULL && (item->schema == NULL || strcmp(item->schema, schema) != 0))
                continue;
            if (found != NULL)
                *ambiguous = true;
            found = item;
        }
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* A table that exists in the query but cannot be named here, or is known by its alias alone. */
static bool report_missing_table(const analyse_state *state, const char *schema, const char *name, int32_t location, rdb_error *err)
{
    const rdb_range *hidden = NULL;
    const char *alias = NULL;
    for (const analyse_state *level = state; level != NULL && hidden == NULL; level = level->parent)
        for (uint32_t at = 0; level->query != NULL && at < level->query->ranges.count && hidden == NULL; at++) {
            const rdb_range *range = level->query->ranges.items[at];
            if (range->alias == NULL || range->kind == RDB_RANGE_RESULT)
                continue;
            if (strcmp(range->alias, name) == 0 && schema == NULL)
                hidden = range;
            else if (range->kind == RDB_RANGE_RELATION && strcmp(range->relation->name, name) == 0) {
                hidden = range;
                alias = range->has_alias && strcmp(range->alias, name) != 0 ? range->alias : NULL;
            }
        }
    if (hidden == NULL)
        return analyse_error(state, location, err, RDB_UNDEFINED_TABLE, "missing FROM-clause entry for table \"%s\"", name);
    analyse_error(state, location, err, RDB_UNDEFINED_TABLE, "invalid reference to FROM-clause entry for table \"%s\"", name);
    if (alias != NULL)
        return rdb_error_hint(err, "Perhaps you meant to reference the table alias \"%s\".", alias);
    return rdb_error_hint(err, "There is an entry for table \"%s\", but it cannot be referenced from this part of the query.", hidden->alias);
}

static uint32_t edit_distance(const char *left, const char *right)
{
    size_t left_length = strlen(left), right_length = strlen(right);
    uint32_t row[RDB_NAMEDATALEN + 1];
    if (left_length >= RDB_NAMEDATALEN || right_length >= RDB_NAMEDATALEN)
        return UINT32_MAX;
    for (uint32_t at = 0; at <= right_length; at++)
        row[at] = at;
    for (uint32_t i = 1; i <= left_length; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= right_length; j++) {
            uint32_t above = row[j];
            uint32_t best = diagonal + (left[i - 1] != right[j - 1]);
            best = RDB_MIN(best, above + 1);
            best = RDB_MIN(best, row[j - 1] + 1);
            row[j] = best;
            diagonal = above;
        }
    }
    return row[right_length];
}

typedef struct guess {
    uint32_t distance; /* of the best ones; more than half the name is no guess */
    const char *table[2], *column[2];
    uint32_t count;    /* as good ones; above 2 none is told */
    bool exact_hidden; /* the very name, in a table that cannot be named here */
} guess;

static void guess_in(guess *g, const rdb_range *range, const char *table, const char *column, bool is_table_known)
{
    if (range->alias == NULL || range->kind == RDB_RANGE_JOIN)
        return;
    uint32_t penalty = table == NULL ? 0 : edit_distance(table, range->alias);
    if (is_table_known && penalty != 0)
        return;
    for (uint32_t at = 0; at < range->columns.count; at++) {
        const char *name = range->columns.items[at];
        if (name[0] == '\0')
            continue;
        uint32_t distance = edit_distance(column, name);
        if (distance == 0 && penalty == 0 && table == NULL)
            g->exact_hidden = true;
        distance += penalty;
        if (distance > 3 || distance > strlen(column) / 2)
            continue;
        if (distance < g->distance) {
            g->distance = distance;
            g->count = 0;
        }
        if (distance > g->distance)
            continue;
        if (g->count < 2) {
            g->table[g->count] = range->alias;
            g->column[g->count] = name;
        }
        g->count++;
    }
}

static bool report_missing_column(const analyse_state *state, const char *table, const char *name, int32_t location, rdb_error *err)
{
    if (table != NULL)
        analyse_error(state, location, err, RDB_UNDEFINED_COLUMN, "column %s.%s does not exist", table, name);
    else
        analyse_error(state, location, err, RDB_UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
    guess g = {.distance = UINT32_MAX};
    for (const analyse_state *level = state; level != NULL; level = level->parent)
        for (uint32_t at = 0; level->query != NULL && at < level->query->ranges.count; at++)
            guess_in(&g, level->query->ranges.items[at], table, name, table != NULL);
    if (g.exact_hidden && g.count > 0)
        return rdb_error_hint(err, "There is a column named \"%s\" in table \"%s\", but it cannot be referenced from this part of the query.",
                              g.column[0], g.table[0]);
    if (g.count == 1)
        return rdb_error_hint(err, "Perhaps you meant to reference the column \"%s.%s\".", g.table[0], g.column[0]);
    if (g.count == 2)
        return rdb_error_hint(err, "Perhaps you meant to reference the column \"%s.%s\" or the column \"%s.%s\".", g.table[0], g.column[0], g.table[1],
                              g.column[1]);
    return false;
}

/* In a routine's body a name that is no column's may be an argument's: name, routine.name, argument.field,
 * routine.argument.field. */
static bool routine_argument(analyse_state *state, const rdb_ast_names *names, int32_t location, rdb_expr **expr, rdb_error *err)
{
    const rdb_analysis *analysis = state->analysis;
    *expr = NULL;
    if (analysis->routine_name == NULL || analysis->routine_arguments == NULL || names->count > 3)
        return true;
    for (uint32_t first = 0; first < 2 && first < names->count; first++) {
        const bool is_qualified = first == 0 && names->count > 1 && strcmp(names->items[0], analysis->routine_name) == 0;
        const uint32_t name_at = first == 0 ? (is_qualified ? 1u : 0u) : 0u;
        const uint32_t rest = names->count - name_at - 1;
        if (rest > 1 || (first == 1 && names->count < 2))
            continue;
        for (uint32_t i = 0; i < analysis->routine_argument_count; i++) {
            const char *argument = analysis->routine_arguments[i];
            if (argument == NULL || argument[0] == '\0' || strcmp(argument, names->items[name_at]) != 0)
                continue;
            const rdb_type *type;
            if (!analyse_get_type(state, analysis->parameter_types[i], &type, err))
                return false;
            rdb_expr_param *node = ANALYSE_NEW(state, rdb_expr_param, RDB_EXPR_PARAM, type, location);
            node->param_kind = RDB_PARAM_EXTERNAL;
            node->param_no = i + 1;
            *expr = &node->head;
            if (rest == 0)
                return true;
            return analyse_field(state, &node->head, names->items[name_at + 1], location, expr, err);
        }
    }
    return true;
}

static bool place_refuses_columns(const analyse_state *state, int32_t location, bool *refused, rdb_error *err)
{
    *refused = state->clause == ANALYSE_DEFAULT;
    if (!*refused)
        return true;
    return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "cannot use column reference in DEFAULT expression");
}

static bool plain_column(analyse_state *state, const rdb_ast_column *column, rdb_expr **expr, rdb_error *err)
{
    const char *name = column->names.items[0];
    int32_t location = column->node.location;
    *expr = NULL;
    if (state->clause == ANALYSE_DOMAIN_CHECK && state->value_type != NULL && strcmp(name, "value") == 0) {
        rdb_expr *value = analyse_new(state, sizeof(rdb_expr_case_test), RDB_EXPR_DOMAIN_VALUE, state->value_type, location);
        value->typmod = state->value_typmod;
        *expr = value;
        return true;
    }
    uint32_t levels_up = 0;
    for (const analyse_state *level = state; level != NULL; level = level->parent, levels_up++) {
        if (!find_column(state, level, levels_up, name, location, expr, err))
            return false;
        if (*expr != NULL)
            return true;
    }
    bool ambiguous;
    const analyse_item *item = analyse_find_item(state, NULL, name, &levels_up, &ambiguous);
    if (item != NULL)
        return check_lateral(state, item, location, err) && analyse_whole_row(state, item, levels_up, location, expr, err);
    if (!routine_argument(state, &column->names, location, expr, err))
        return false;
    if (*expr == NULL && !analyse_dialect_column(state, &column->names, location, expr, err))
        return false;
    return *expr != NULL || report_missing_column(state, NULL, name, location, err);
}

bool analyse_is_column(analyse_state *state, const char *name, bool *is_known, rdb_error *err)
{
    const rdb_ast_names names = {&name, 1};
    rdb_expr *expr = NULL;
    uint32_t levels_up = 0;
    for (const analyse_state *level = state; level != NULL && expr == NULL; level = level->parent, levels_up++) {
        if (!find_column(state, level, levels_up, name, -1, &expr, err))
            return false;
    }
    if (expr == NULL && !routine_argument(state, &names, -1, &expr, err))
        return false;
    *is_known = expr != NULL;
    return true;
}

bool analyse_column(analyse_state *state, const rdb_ast_column *column, rdb_expr **expr, rdb_error *err)
{
    const rdb_ast_names *names = &column->names;
    int32_t location = column->node.location;
    bool refused;
    if (!place_refuses_columns(state, location, &refused, err))
        return false;
    if (names->count == 0)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "column reference expected, not \"*\"");
    if (names->count == 1 && !column->is_star)
        return plain_column(state, column, expr, err);
    uint32_t table_parts = column->is_star ? names->count : names->count - 1;
    if (table_parts > 3)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s",
                             analyse_join_names(analyse_arena(state), names));
    if (table_parts == 3 &&
        strcmp(names->items[0], rdb_database_name(rdb_access_get_context(state->analysis->access)->database)) != 0)
        return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s",
                             analyse_join_names(analyse_arena(state), names));
    const char *table = names->items[table_parts - 1];
    const char *schema = table_parts > 1 ? names->items[table_parts - 2] : NULL;
    uint32_t levels_up;
    bool ambiguous;
    const analyse_item *item = analyse_find_item(state, schema, table, &levels_up, &ambiguous);
    if (ambiguous)
        return analyse_error(state, location, err, RDB_AMBIGUOUS_ALIAS, "table reference \"%s\" is ambiguous", table);
    *expr = NULL;
    if (item == NULL && !routine_argument(state, names, location, expr, err))
        return false;
    if (item == NULL && *expr != NULL)
        return true;
    if (item == NULL && !column->is_star && !analyse_dialect_column(state, names, location, expr, err))
        return false;
    if (item == NULL && !column->is_star && *expr != NULL)
        return true;
    if (item == NULL)
        return report_missing_table(state, schema, table, location, err);
    if (!check_lateral(state, item, location, err))
        return false;
    if (column->is_star)
        return analyse_whole_row(state, item, levels_up, location, expr, err);
    const char *name = names->items[names->count - 1];
    int16_t number;
    if (!find_in_item(state, item, name, location, &number, err))
        return false;
    if (number != 0)
        return analyse_item_column(state, item, number, levels_up, location, expr, err);
    /* table.function: a function of the row */
    rdb_ast_call call = {.node = {RDB_AST_CALL, location}};
    const rdb_function *const *functions;
    uint32_t count;
    if (!rdb_function_find(state->analysis->access, NULL, name, &functions, &count, err))
        return false;
    bool takes_row = false;
    uint32_t row_type = item->range->kind == RDB_RANGE_RELATION ? item->range->relation->row_type_oid : RDB_RECORDOID;
    for (uint32_t at = 0; at < count; at++)
        takes_row |= functions[at]->argument_count == 1 && functions[at]->argument_types[0] == row_type;
    if (!takes_row) {
        if (!routine_argument(state, names, location, expr, err))
            return false;
        return *expr != NULL || report_missing_column(state, table, name, location, err);
    }
    rdb_ast_column row = {.node = {RDB_AST_COLUMN, location}, .names = {names->items, names->count - 1}, .is_star = true};
    call.name = (rdb_ast_names){&names->items[names->count - 1], 1};
    rdb_list_push(analyse_arena(state), &call.args, &row);
    return analyse_call(state, &call, expr, err);
}
