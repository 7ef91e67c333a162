/* SPDX-License-Identifier: Apache-2.0
 * FROM: tables, sub-selects, functions, WITH items and joins, each an entry of the range table and an item that names are
 * looked up in. A join's columns stand for columns of what it joins; those merged by USING come first. */
#include "catalog/rdb_acl.h"
#include "sql/analyse_int.h"

/* ---- relations ---- */

static bool find_relation(analyse_state *state, const rdb_ast_table *table, const rdb_relation **relation, rdb_error *err)
{
    if (table->catalog != NULL) {
        const rdb_access_context *context = rdb_access_get_context(state->analysis->access);
        if (strcmp(table->catalog, rdb_database_name(context->database)) != 0)
            return analyse_error(state, table->node.location, err, RDB_FEATURE_NOT_SUPPORTED,
                                 "cross-database references are not implemented: \"%s.%s.%s\"", table->catalog, table->schema, table->name);
    }
    if (!rdb_relation_find(state->analysis->access, table->schema, table->name, relation, err))
        return analyse_place(state->analysis, table->node.location, err);
    return true;
}

static bool lock_relation(const analyse_state *state, const rdb_relation *relation, rdb_lock_mode mode, rdb_error *err)
{
    const rdb_access_context *context = rdb_access_get_context(state->analysis->access);
    if (context->txn == NULL || relation->is_system)
        return true;
    bool taken;
    rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .a = relation->oid};
    tag.pdb = relation->is_shared ? RDB_PDB_ROOT : rdb_database_pdb(context->database);
    return rdb_lock_acquire(context->txn, tag, mode, RDB_LOCK_WAIT, 0, &taken, err);
}

bool analyse_open_relation(analyse_state *state, const rdb_ast_table *table, rdb_lock_mode mode, bool missing_is_fine,
                           const rdb_relation **relation, rdb_error *err)
{
    int32_t location = table->node.location;
    for (uint32_t locked_oid = 0;;) { /* names are looked up again after the lock: the table may be another one by then */
        uint32_t namespace_oid = 0;
        if (table->schema != NULL && (!rdb_namespace_find(state->analysis->access, table->schema, &namespace_oid, err) ||
                                      (namespace_oid != 0 && !rdb_acl_check(state->analysis->access, 'n', namespace_oid, rdb_access_get_context(state->analysis->access)->role_oid,
                                                                            RDB_ACL_USAGE, err))))
            return analyse_place(state->analysis, location, err);
        if (!find_relation(state, table, relation, err))
            return false;
        if (*relation == NULL) {
            if (missing_is_fine)
                return true;
            if (table->schema != NULL)
                return analyse_error(state, location, err, RDB_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist", table->schema, table->name);
            for (const analyse_state *level = state; level != NULL; level = level->parent) {
                bool is_future = false;
                for (uint32_t at = 0; at < level->future_ctes.count; at++)
                    is_future |= strcmp(((const rdb_ast_cte *)level->future_ctes.items[at])->name, table->name) == 0;
                if (!is_future)
                    continue;
                analyse_error(state, location, err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", table->name);
                rdb_error_detail(err, "There is a WITH item named \"%s\", but it cannot be referenced from this part of the query.", table->name);
                return rdb_error_hint(err, "Use WITH RECURSIVE, or re-order the WITH items to remove forward references.");
            }
            return analyse_error(state, location, err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", table->name);
        }
        if ((*relation)->oid == locked_oid)
            break;
        if ((*relation)->kind == 'i' || (*relation)->kind == 'I' || (*relation)->kind == 'c') {
            analyse_error(state, location, err, RDB_WRONG_OBJECT_TYPE, "cannot open relation \"%s\"", table->name);
            return rdb_error_detail(err, (*relation)->kind == 'c' ? "This operation is not supported for composite types."
                                                                  : "This operation is not supported for indexes.");
        }
        locked_oid = (*relation)->oid;
        if (!lock_relation(state, *relation, mode, err))
            return analyse_place(state->analysis, location, err);
        if (rdb_access_is_current(state->analysis->access))
            break;
    }
    if (state->query != NULL)
        rdb_list_push(analyse_arena(state), &state->query->depends, (void *)(uintptr_t)(*relation)->oid);
    return true;
}

bool analyse_target_table(analyse_state *state, const rdb_ast_table *table, uint32_t privileges, analyse_item **item, rdb_error *err)
{
    const rdb_relation *relation;
    if (!analyse_open_relation(state, table, RDB_LOCK_ROW_EXCLUSIVE, false, &relation, err))
        return false;
    *item = analyse_add_relation(state, relation, table->alias == NULL ? NULL : table->alias->name, NULL, RDB_LOCK_ROW_EXCLUSIVE, table->inherits);
    (*item)->range->required_privileges = privileges;
    state->query->result_range_no = (*item)->range_no;
    return true;
}

/* ---- what FOR UPDATE says of an item that is not there yet ---- */

static bool is_locked(const analyse_state *state, const char *name)
{
    if (state->locked_by_parent)
        return true;
    for (uint32_t at = 0; at < state->locking.count; at++) {
        const rdb_ast_locking *locking = state->locking.items[at];
        if (locking->tables.count == 0)
            return true;
        for (uint32_t no = 0; name != NULL && no < locking->tables.count; no++)
            if (strcmp(((const rdb_ast_table *)locking->tables.items[no])->name, name) == 0)
                return true;
    }
    return false;
}

/* ---- items one by one ---- */

typedef struct from_part {
    rdb_from *from;
    analyse_item *top; /* what * of a join stands for; the item itself else */
    rdb_list items;    /* analyse_item * that become visible */
} from_part;

static bool make_part(analyse_state *state, const rdb_ast_node *raw, from_part *part, rdb_error *err);

static void leaf(analyse_state *state, analyse_item *item, from_part *part)
{
    part->from = RDB_NEW(analyse_arena(state), rdb_from);
    part->from->range_no = item->range_no;
    part->top = item;
    rdb_list_push(analyse_arena(state), &part->items, item);
}

static rdb_cte *find_cte(const analyse_state *state, const char *name, uint16_t *levels_up)
{
    *levels_up = 0;
    for (const analyse_state *level = state; level != NULL; level = level->parent, ++*levels_up)
        for (uint32_t at = level->ctes.count; at-- > 0;)
            if (strcmp(((rdb_cte *)level->ctes.items[at])->name, name) == 0)
                return level->ctes.items[at];
    return NULL;
}

static bool cte_part(analyse_state *state, rdb_cte *cte, uint16_t levels_up, const rdb_ast_table *table, from_part *part, rdb_error *err)
{
    bool is_self;
    if (!analyse_use_cte((analyse_state *)(uintptr_t)analyse_state_up(state, levels_up), cte, table->node.location, &is_self, err))
        return false;
    uint32_t range_no, count = cte->column_names.count;
    const rdb_ast_names *alias_columns = table->alias == NULL ? NULL : &table->alias->columns;
    if (cte->query != NULL && cte->query->command != RDB_COMMAND_SELECT && cte->query->returning.count == 0)
        return analyse_error(state, table->node.location, err, RDB_FEATURE_NOT_SUPPORTED, "WITH query \"%s\" does not have a RETURNING clause", cte->name);
    rdb_range *range = analyse_add_range(state, RDB_RANGE_CTE, &range_no);
    range->alias = table->alias == NULL ? cte->name : table->alias->name;
    range->has_alias = table->alias != NULL;
    range->cte_name = cte->name;
    range->cte_levels_up = levels_up;
    range->is_self_reference = is_self;
    cte->reference_count++;
    analyse_set_column_types(state, range, count);
    for (uint32_t at = 0; at < count; at++) {
        const char *name = cte->column_names.items[at];
        if (alias_columns != NULL && at < alias_columns->count) {
            name = alias_columns->items[at];
            rdb_list_push(analyse_arena(state), &range->alias_columns, (void *)(uintptr_t)name);
        }
        rdb_list_push(analyse_arena(state), &range->columns, (void *)(uintptr_t)name);
        rdb_list_push(analyse_arena(state), &range->column_types, cte->column_types.items[at]);
        range->column_typmods[at] = cte->column_typmods[at];
        range->column_collations[at] = cte->column_collations[at];
    }
    if (alias_columns != NULL && alias_columns->count > count)
        return analyse_error(state, table->node.location, err, RDB_INVALID_COLUMN_REFERENCE,
                             "table \"%s\" has %u columns available but %u columns specified", range->alias, count, alias_columns->count);
    analyse_item *item = RDB_NEW(analyse_arena(state), analyse_item);
    *item = (analyse_item){.range = range, .range_no = range_no, .name = range->alias, .table_visible = true, .columns_visible = true, .lateral_ok = true};
    item->hidden_count = is_self ? cte->hidden_count : 0;
    state->joined.items[range_no - 1] = item;
    leaf(state, item, part);
    return true;
}

static bool table_part(analyse_state *state, const rdb_ast_table *table, from_part *part, rdb_error *err)
{
    if (table->schema == NULL) {
        uint16_t levels_up;
        rdb_cte *cte = find_cte(state, table->name, &levels_up);
        if (cte != NULL)
            return cte_part(state, cte, levels_up, table, part, err);
    }
    const rdb_relation *relation;
    rdb_ast_node *instead;
    if (!analyse_dialect_table(state, table, &instead, err))
        return false;
    if (instead != NULL)
        return make_part(state, instead, part, err);
    const rdb_ast_alias *alias = table->alias;
    rdb_lock_mode mode = is_locked(state, alias == NULL ? table->name : alias->name) ? RDB_LOCK_ROW_SHARE : RDB_LOCK_ACCESS_SHARE;
    if (!analyse_open_relation(state, table, mode, false, &relation, err))
        return false;
    analyse_item *item = analyse_add_relation(state, relation, alias == NULL ? NULL : alias->name, alias == NULL ? NULL : &alias->columns, mode, table->inherits);
    if (alias != NULL) {
        uint32_t live = 0;
        for (uint16_t at = 0; at < relation->column_count; at++)
            live += !relation->columns[at].is_dropped;
        if (alias->columns.count > live)
            return analyse_error(state, table->node.location, err, RDB_INVALID_COLUMN_REFERENCE,
                                 "table \"%s\" has %u columns available but %u columns specified", alias->name, live, alias->columns.count);
    }
    leaf(state, item, part);
    return true;
}

static bool sample_argument(analyse_state *state, const rdb_ast_node *raw, uint32_t type, const char *construct, rdb_expr **expr, rdb_error *err)
{
    const bool was_active = state->lateral_active;
    state->lateral_active = true;
    const bool ok = analyse_expr(state, raw, ANALYSE_FROM_FUNCTION, expr, err);
    state->lateral_active = was_active;
    return ok && analyse_coerce_to_type(state, expr, type, construct, err) && analyse_assign_collations(state, *expr, err);
}

/* table AS OF SCN n, table AS OF TIMESTAMP t: the grammar has them as methods of TABLESAMPLE (dialect_text.c). */
static bool as_of_part(analyse_state *state, const rdb_ast_range_sample *raw, rdb_range *range, rdb_error *err)
{
    const bool by_scn = range->sample_method == RDB_SAMPLE_AS_OF_SCN;
    if (raw->args.count != 1 || raw->repeatable != NULL)
        return analyse_error(state, raw->node.location, err, RDB_SYNTAX_ERROR, "AS OF takes one moment");
    if (is_locked(state, range->alias))
        return analyse_error(state, raw->node.location, err, RDB_FEATURE_NOT_SUPPORTED, "rows of the past cannot be locked");
    return sample_argument(state, raw->args.items[0], by_scn ? RDB_INT8OID : RDB_TIMESTAMPTZOID, by_scn ? "AS OF SCN" : "AS OF TIMESTAMP", &range->sample_percent, err);
}

/* table TABLESAMPLE method (percent) REPEATABLE (seed) */
static bool sample_part(analyse_state *state, const rdb_ast_range_sample *raw, from_part *part, rdb_error *err)
{
    if (!table_part(state, (const rdb_ast_table *)raw->table, part, err))
        return false;
    rdb_range *range = part->top->range;
    const char *method = raw->method.items[raw->method.count - 1];
    if (range->kind != RDB_RANGE_RELATION || (range->relation->kind != 'r' && range->relation->kind != 'm' && range->relation->kind != 'p'))
        return analyse_error(state, raw->table->location, err, RDB_FEATURE_NOT_SUPPORTED, "TABLESAMPLE clause can only be applied to tables and materialized views");
    range->sample_method = strcmp(method, "system") == 0 ? RDB_SAMPLE_SYSTEM : strcmp(method, "bernoulli") == 0 ? RDB_SAMPLE_BERNOULLI
                           : strcmp(method, "rdb_as_of_scn") == 0 ? RDB_SAMPLE_AS_OF_SCN : strcmp(method, "rdb_as_of_timestamp") == 0 ? RDB_SAMPLE_AS_OF_TIMESTAMP : RDB_SAMPLE_NONE;
    if (range->sample_method >= RDB_SAMPLE_AS_OF_SCN)
        return as_of_part(state, raw, range, err);
    if (range->sample_method == RDB_SAMPLE_NONE)
        return analyse_error(state, raw->node.location, err, RDB_UNDEFINED_OBJECT, "tablesample method %s does not exist", analyse_join_names(analyse_arena(state), &raw->method));
    if (raw->args.count != 1)
        return analyse_error(state, raw->node.location, err, RDB_INVALID_TABLESAMPLE_ARGUMENT, "tablesample method %s requires 1 argument, not %u", method, raw->args.count);
    return sample_argument(state, raw->args.items[0], RDB_FLOAT4OID, "TABLESAMPLE", &range->sample_percent, err) &&
           (raw->repeatable == NULL || sample_argument(state, raw->repeatable, RDB_FLOAT8OID, "REPEATABLE", &range->sample_seed, err));
}

static bool subquery_part(analyse_state *state, const rdb_ast_range_subquery *raw, from_part *part, rdb_error *err)
{
    if (raw->alias == NULL) {
        bool is_values = raw->query->tag == RDB_AST_SELECT && ((const rdb_ast_select *)raw->query)->values.count > 0;
        analyse_error(state, raw->query->location >= 0 ? raw->query->location : raw->node.location, err, RDB_SYNTAX_ERROR,
                      is_values ? "VALUES in FROM must have an alias" : "subquery in FROM must have an alias");
        return rdb_error_hint(err, is_values ? "For example, FROM (VALUES ...) [AS] foo." : "For example, FROM (SELECT ...) [AS] foo.");
    }
    rdb_query *query;
    analyse_clause outer = state->clause;
    bool outer_lateral = state->lateral_active;
    state->clause = ANALYSE_FROM_SUBQUERY;
    state->lateral_active = raw->is_lateral;
    bool ok = analyse_subquery(state, state->analysis, raw->query, NULL, is_locked(state, raw->alias->name), false, &query, err);
    state->clause = outer;
    state->lateral_active = outer_lateral;
    analyse_item *item;
    if (!ok || !analyse_add_subquery(state, query, raw->alias->name, &raw->alias->columns, true, raw->is_lateral, raw->node.location, &item, err))
        return false;
    leaf(state, item, part);
    return true;
}

/* ---- functions ---- */

static bool add_column(analyse_state *state, rdb_range *range, uint32_t room, const char *name, const rdb_type *type, int32_t typmod, uint32_t collation,
                       int32_t location, rdb_error *err)
{
    uint32_t at = range->columns.count;
    if (at >= room)
        return analyse_error(state, location, err, RDB_TOO_MANY_COLUMNS, "functions in FROM can return at most %u columns", room);
    rdb_list_push(analyse_arena(state), &range->columns, (void *)(uintptr_t)name);
    rdb_list_push(analyse_arena(state), &range->column_types, (void *)(uintptr_t)type);
    range->column_typmods[at] = typmod;
    range->column_collations[at] = collation;
    return true;
}

enum { FUNCTION_COLUMNS_MAX = 1664 };

static bool definition_columns(analyse_state *state, rdb_range *range, rdb_range_function *function, const rdb_list *definitions, int32_t location, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    function->typmods = RDB_NEW_ARRAY(arena, int32_t, definitions->count);
    function->collations = RDB_NEW_ARRAY(arena, uint32_t, definitions->count);
    function->column_count = definitions->count;
    analyse_fields fields = {.count = definitions->count, .typmods = function->typmods, .collations = function->collations};
    fields.names = RDB_NEW_ARRAY(arena, const char *, definitions->count + 1);
    fields.types = RDB_NEW_ARRAY(arena, const rdb_type *, definitions->count + 1);
    for (uint32_t at = 0; at < definitions->count; at++) {
        const rdb_ast_column_def *definition = definitions->items[at];
        const rdb_type *type;
        if (!rdb_type_resolve(state->analysis, &definition->type->node, &type, &function->typmods[at], &function->collations[at], err))
            return false;
        if (definition->collate != NULL && !analyse_find_collation(state, &definition->collate->name, definition->collate->node.location, &function->collations[at], err))
            return false;
        fields.names[at] = definition->name;
        fields.types[at] = type;
        rdb_list_push(arena, &function->types, (void *)(uintptr_t)type);
        if (!add_column(state, range, FUNCTION_COLUMNS_MAX, definition->name, type, function->typmods[at], function->collations[at], location, err))
            return false;
    }
    function->call->type = analyse_record_of(state, function->call->type, &fields); /* what the function is told it shall give */
    return true;
}

static bool function_columns(analyse_state *state, rdb_range *range, rdb_range_function *function, const char *name, const char *alias,
                             const rdb_list *definitions, rdb_error *err)
{
    rdb_expr *call = function->call;
    analyse_fields fields;
    int32_t location = call->location;
    if (!analyse_row_fields(state, call, &fields, err))
        return false;
    const rdb_type *type = analyse_base_type(call->type, NULL);
    if (definitions != NULL && definitions->count > 0) {
        const bool is_call = call->kind == RDB_EXPR_FUNCTION; /* any other record is asked for its columns when it is there */
        if (type->oid != RDB_RECORDOID || (is_call && fields.count > 0))
            return analyse_error(state, ((const rdb_ast_node *)definitions->items[0])->location, err, RDB_SYNTAX_ERROR,
                                 fields.count > 0 && type->oid == RDB_RECORDOID ? "a column definition list is redundant for a function with OUT parameters"
                                 : fields.count > 0 ? "a column definition list is redundant for a function returning a named composite type"
                                                    : "a column definition list is only allowed for functions returning \"record\"");
        if (!definition_columns(state, range, function, definitions, location, err))
            return false;
        /* the function learns from its result's type which columns are wanted */
        uint32_t first = range->columns.count - function->column_count;
        analyse_fields wanted = {.count = function->column_count,
                                 .names = (const char **)(range->columns.items + first),
                                 .types = (const rdb_type **)(range->column_types.items + first),
                                 .typmods = function->typmods,
                                 .collations = function->collations};
        call->type = analyse_record_of(state, type, &wanted);
        return true;
    }
    if (fields.count == 0 && type->oid == RDB_RECORDOID)
        return analyse_error(state, location, err, RDB_SYNTAX_ERROR, "a column definition list is required for functions returning \"record\"");
    if (fields.count > 0) {
        function->column_count = fields.count;
        for (uint32_t at = 0; at < fields.count; at++)
            if (!add_column(state, range, FUNCTION_COLUMNS_MAX, fields.names[at], fields.types[at], fields.typmods[at], fields.collations[at], location, err))
                return false;
        return true;
    }
    if (type->kind == 'p' && type->oid != RDB_VOIDOID)
        return analyse_error(state, location, err, RDB_DATATYPE_MISMATCH, "function \"%s\" in FROM has unsupported return type %s", name,
                             analyse_type_name(state, call->type->oid));
    /* one column: called as its OUT parameter, else as the alias, else as the function */
    const char *column = alias != NULL ? alias : name;
    if (call->kind == RDB_EXPR_FUNCTION) {
        const rdb_function *f = ((const rdb_expr_function *)call)->function;
        for (uint16_t at = 0, outs = 0; f->all_modes != NULL && f->argument_names != NULL && at < f->all_count; at++)
            if ((f->all_modes[at] == 'o' || f->all_modes[at] == 'b' || f->all_modes[at] == 't') && outs++ == 0 && f->argument_names[at] != NULL &&
                f->argument_names[at][0] != '\0')
                column = f->argument_names[at];
    }
    function->column_count = 1;
    return add_column(state, range, FUNCTION_COLUMNS_MAX, column, call->type, call->typmod, call->collation, location, err);
}

/* unnest(a, b) is ROWS FROM (unnest(a), unnest(b)). */
static void split_unnest(analyse_state *state, const rdb_ast_node *raw, rdb_list *calls)
{
    const rdb_ast_call *call = (const rdb_ast_call *)raw;
    bool is_unnest = raw->tag == RDB_AST_CALL && call->name.count == 1 && strcmp(call->name.items[0], "unnest") == 0 && call->args.count > 1 &&
                     call->order.count == 0 && call->filter == NULL && !call->is_star && !call->is_distinct && !call->is_variadic && call->over == NULL;
    if (!is_unnest) {
        rdb_list_push(analyse_arena(state), calls, (void *)(uintptr_t)raw);
        return;
    }
    for (uint32_t at = 0; at < call->args.count; at++) {
        rdb_ast_call *one = rdb_arena_memdup(analyse_arena(state), call, sizeof *one);
        one->args = (rdb_list){0};
        rdb_list_push(analyse_arena(state), &one->args, call->args.items[at]);
        rdb_list_push(analyse_arena(state), calls, one);
    }
}

static bool find_inner_set(void *context, const rdb_expr *node, uint32_t levels)
{
    if (levels == 0 && node->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)node)->returns_set) {
        *(int32_t *)context = node->location;
        return false;
    }
    return true;
}

/* A set-returning call among the arguments of a function in FROM. */
static bool check_inner_sets(const analyse_state *state, const rdb_expr *call, rdb_error *err)
{
    int32_t location = -1;
    const rdb_list *arguments = call->kind == RDB_EXPR_FUNCTION ? &((const rdb_expr_function *)call)->arguments : NULL;
    for (uint32_t i = 0; arguments != NULL && i < arguments->count; i++)
        if (!analyse_walk(arguments->items[i], 0, find_inner_set, &location))
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "set-returning functions must appear at top level of FROM");
    return true;
}

static bool function_part(analyse_state *state, const rdb_ast_range_function *raw, from_part *part, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    uint32_t range_no;
    const char *alias = raw->alias == NULL ? NULL : raw->alias->name;
    rdb_list functions = {0}, names = {0}, definitions = {0};
    bool outer_lateral = state->lateral_active;
    state->lateral_active = true; /* a function may look left without saying LATERAL */
    for (uint32_t at = 0; at < raw->functions.count; at++) {
        const rdb_list *pair = &((const rdb_ast_items *)raw->functions.items[at])->items;
        const rdb_ast_items *columns = pair->count > 1 ? pair->items[1] : NULL;
        rdb_list calls = {0};
        if (columns == NULL)
            split_unnest(state, pair->items[0], &calls);
        else
            rdb_list_push(arena, &calls, pair->items[0]);
        for (uint32_t no = 0; no < calls.count; no++) {
            rdb_range_function *function = RDB_NEW(arena, rdb_range_function);
            if (!analyse_expr(state, calls.items[no], ANALYSE_FROM_FUNCTION, &function->call, err) ||
                !check_inner_sets(state, function->call, err) || !analyse_assign_collations(state, function->call, err))
                return false;
            rdb_list_push(arena, &functions, function);
            rdb_list_push(arena, &names, (void *)(uintptr_t)analyse_column_name(calls.items[no]));
            rdb_list_push(arena, &definitions, (void *)(uintptr_t)(columns == NULL ? &raw->columns : &columns->items));
        }
    }
    state->lateral_active = outer_lateral;
    if (raw->columns.count > 0) {
        if (functions.count > 1)
            return analyse_error(state, ((const rdb_ast_node *)raw->columns.items[0])->location, err, RDB_SYNTAX_ERROR,
                                 "ROWS FROM() with multiple functions cannot have a column definition list");
        if (raw->with_ordinality)
            return analyse_error(state, ((const rdb_ast_node *)raw->columns.items[0])->location, err, RDB_SYNTAX_ERROR,
                                 "WITH ORDINALITY cannot be used with a column definition list");
    }
    rdb_range *range = analyse_add_range(state, RDB_RANGE_FUNCTION, &range_no);
    range->alias = alias != NULL ? alias : names.items[0];
    range->has_alias = alias != NULL;
    range->is_lateral = true;
    range->functions = functions;
    range->with_ordinality = raw->with_ordinality;
    analyse_set_column_types(state, range, FUNCTION_COLUMNS_MAX);
    for (uint32_t at = 0; at < functions.count; at++)
        if (!function_columns(state, range, functions.items[at], names.items[at], functions.count == 1 ? alias : NULL, definitions.items[at], err))
            return false;
    if (raw->with_ordinality) {
        const rdb_type *int8;
        if (!analyse_get_type(state, RDB_INT8OID, &int8, err) ||
            !add_column(state, range, FUNCTION_COLUMNS_MAX, "ordinality", int8, -1, 0, raw->node.location, err))
            return false;
    }
    if (raw->alias != NULL) {
        if (raw->alias->columns.count > range->columns.count)
            return analyse_error(state, raw->node.location, err, RDB_INVALID_COLUMN_REFERENCE,
                                 "table \"%s\" has %u columns available but %u columns specified", alias, range->columns.count, raw->alias->columns.count);
        for (uint32_t at = 0; at < raw->alias->columns.count; at++) {
            range->columns.items[at] = (void *)(uintptr_t)raw->alias->columns.items[at];
            rdb_list_push(arena, &range->alias_columns, range->columns.items[at]);
        }
    }
    analyse_item *item = RDB_NEW(arena, analyse_item);
    *item = (analyse_item){.range = range, .range_no = range_no, .name = range->alias, .table_visible = true, .columns_visible = true, .lateral_ok = true};
    state->joined.items[range_no - 1] = item;
    leaf(state, item, part);
    return true;
}

/* ---- joins ---- */

typedef struct join_column {
    const char *name;
    rdb_expr *expr;
} join_column;

static bool columns_of(analyse_state *state, const analyse_item *item, rdb_list *columns, rdb_error *err)
{
    for (uint32_t at = 0; at < item->range->columns.count; at++) {
        const char *name = item->range->columns.items[at];
        if (name[0] == '\0')
            continue;
        join_column *column = RDB_NEW(analyse_arena(state), join_column);
        column->name = name;
        /* not a use of the column: privileges are asked for what is named */
        uint64_t *kept = item->range->selected_columns, *scratch = NULL;
        item->range->selected_columns = scratch;
        bool ok = item->columns != NULL ? (column->expr = item->columns[at], true)
                                        : analyse_item_column(state, item, (int16_t)(at + 1), 0, -1, &column->expr, err);
        item->range->selected_columns = kept;
        if (!ok)
            return false;
        rdb_list_push(analyse_arena(state), columns, column);
    }
    return true;
}

static bool take_column(const analyse_state *state, rdb_list *columns, const char *name, const char *side, int32_t location, join_column **taken, rdb_error *err)
{
    *taken = NULL;
    uint32_t taken_at = 0;
    for (uint32_t at = 0; at < columns->count; at++) {
        join_column *column = columns->items[at];
        if (strcmp(column->name, name) != 0)
            continue;
        if (*taken != NULL)
            return analyse_error(state, location, err, RDB_AMBIGUOUS_COLUMN, "common column name \"%s\" appears more than once in %s table", name, side);
        *taken = column;
        taken_at = at;
    }
    if (*taken == NULL)
        return analyse_error(state, location, err, RDB_UNDEFINED_COLUMN, "column \"%s\" specified in USING clause does not exist in %s table", name, side);
    for (uint32_t at = taken_at; at + 1 < columns->count; at++)
        columns->items[at] = columns->items[at + 1];
    columns->count--;
    return true;
}

static rdb_expr *copy_var(const analyse_state *state, rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_VAR ? rdb_arena_memdup(analyse_arena(state), expr, sizeof(rdb_expr_var)) : expr;
}

/* What a column merged by USING stands for. */
static bool merge_column(analyse_state *state, rdb_join_kind kind, rdb_expr *left, rdb_expr *right, rdb_expr **merged, rdb_error *err)
{
    rdb_list both = {0};
    const rdb_type *type;
    left = copy_var(state, left);
    right = copy_var(state, right);
    rdb_list_push(analyse_arena(state), &both, left);
    rdb_list_push(analyse_arena(state), &both, right);
    if (left->type->oid == right->type->oid)
        type = left->type;
    else if (!analyse_common_type(state, &both, "JOIN/USING", &type, NULL, err))
        return false;
    int32_t typmod = analyse_common_typmod(&both, type);
    rdb_expr *sides[2] = {left, right};
    for (uint32_t at = 0; at < 2; at++) {
        rdb_expr *side = sides[at];
        if (side->type->oid != type->oid) {
            if (!analyse_coerce(state, side, type, typmod, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &sides[at], err))
                return false;
        } else if (side->typmod != typmod) {
            rdb_expr_unary *label = ANALYSE_NEW(state, rdb_expr_unary, RDB_EXPR_RELABEL, type, -1);
            label->argument = side;
            label->form = RDB_FORM_IMPLICIT_CAST;
            label->head.typmod = typmod;
            sides[at] = &label->head;
        }
    }
    switch (kind) {
    case RDB_JOIN_INNER:
        *merged = sides[0]->kind == RDB_EXPR_VAR || sides[1]->kind != RDB_EXPR_VAR ? sides[0] : sides[1];
        break;
    case RDB_JOIN_LEFT:
        *merged = sides[0];
        break;
    case RDB_JOIN_RIGHT:
        *merged = sides[1];
        break;
    default: {
        rdb_expr_list *node = ANALYSE_NEW(state, rdb_expr_list, RDB_EXPR_COALESCE, type, -1);
        rdb_list_push(analyse_arena(state), &node->arguments, sides[0]);
        rdb_list_push(analyse_arena(state), &node->arguments, sides[1]);
        node->head.typmod = typmod;
        *merged = &node->head;
    }
    }
    return analyse_assign_collations(state, *merged, err);
}

static void set_lateral(const rdb_list *items, bool lateral_only, bool lateral_ok)
{
    for (uint32_t at = 0; at < items->count; at++) {
        analyse_item *item = items->items[at];
        item->lateral_only = lateral_only;
        item->lateral_ok = lateral_ok;
    }
}

static bool check_conflicts(const analyse_state *state, const rdb_list *left, const rdb_list *right, rdb_error *err)
{
    for (uint32_t at = 0; at < right->count; at++) {
        const analyse_item *one = right->items[at];
        if (!one->table_visible || one->name == NULL)
            continue;
        for (uint32_t no = 0; no < left->count; no++) {
            const analyse_item *other = left->items[no];
            if (!other->table_visible || other->name == NULL || strcmp(other->name, one->name) != 0)
                continue;
            if (one->range->kind == RDB_RANGE_RELATION && one->schema != NULL && other->range->kind == RDB_RANGE_RELATION && other->schema != NULL &&
                one->range->relation->oid != other->range->relation->oid)
                continue; /* same name in two schemas: told apart by schema */
            return analyse_error(state, -1, err, RDB_DUPLICATE_ALIAS, "table name \"%s\" specified more than once", one->name);
        }
    }
    return true;
}

static bool using_condition(analyse_state *state, rdb_expr *left, rdb_expr *right, rdb_list *conditions, rdb_error *err)
{
    rdb_expr *equal;
    left = copy_var(state, left);
    right = copy_var(state, right);
    if (!analyse_operator_named(state, "=", left, right, -1, &equal, err) || !analyse_coerce_to_boolean(state, &equal, "JOIN/USING", err))
        return false;
    rdb_list_push(analyse_arena(state), conditions, equal);
    return true;
}

static void mark_variable(const analyse_state *state, const rdb_expr *expr)
{
    if (expr->kind != RDB_EXPR_VAR)
        return;
    const rdb_expr_var *var = (const rdb_expr_var *)expr;
    rdb_range *range = state->query->ranges.items[var->range_no - 1];
    if (range->kind == RDB_RANGE_RELATION)
        analyse_mark_column(state, &range->selected_columns, range, var->attribute_no);
}

static bool join_condition(analyse_state *state, const rdb_ast_node *raw, const rdb_list *visible, rdb_expr **condition, rdb_error *err)
{
    /* ON sees what is joined, nothing beside it */
    rdb_list outer = state->items;
    state->items = *visible;
    set_lateral(visible, false, true);
    bool ok = analyse_where(state, raw, ANALYSE_JOIN_ON, "JOIN/ON", condition, err);
    state->items = outer;
    return ok;
}

static bool join_part(analyse_state *state, const rdb_ast_join *raw, from_part *part, rdb_error *err)
{
    static const uint8_t KINDS[] = {RDB_JOIN_INNER, RDB_JOIN_LEFT, RDB_JOIN_FULL, RDB_JOIN_RIGHT};
    rdb_arena *arena = analyse_arena(state);
    rdb_join_kind kind = KINDS[raw->kind];
    from_part left = {0}, right = {0};
    if (!make_part(state, raw->left, &left, err))
        return false;
    set_lateral(&left.items, true, kind == RDB_JOIN_INNER || kind == RDB_JOIN_LEFT);
    uint32_t outer_count = state->items.count;
    for (uint32_t at = 0; at < left.items.count; at++)
        rdb_list_push(arena, &state->items, left.items.items[at]);
    bool ok = make_part(state, raw->right, &right, err);
    state->items.count = outer_count;
    if (!ok || !check_conflicts(state, &left.items, &right.items, err))
        return false;
    rdb_list visible = {0};
    for (uint32_t at = 0; at < left.items.count; at++)
        rdb_list_push(arena, &visible, left.items.items[at]);
    for (uint32_t at = 0; at < right.items.count; at++)
        rdb_list_push(arena, &visible, right.items.items[at]);

    rdb_list left_columns = {0}, right_columns = {0}, columns = {0}, conditions = {0};
    if (!columns_of(state, left.top, &left_columns, err) || !columns_of(state, right.top, &right_columns, err))
        return false;
    rdb_ast_names using = raw->using;
    if (raw->is_natural) {
        using.items = RDB_NEW_ARRAY(arena, const char *, left_columns.count + 1);
        using.count = 0;
        for (uint32_t at = 0; at < left_columns.count; at++)
            for (uint32_t no = 0; no < right_columns.count; no++)
                if (strcmp(((join_column *)left_columns.items[at])->name, ((join_column *)right_columns.items[no])->name) == 0) {
                    using.items[using.count++] = ((join_column *)left_columns.items[at])->name;
                    break;
                }
    }
    rdb_from *from = RDB_NEW(arena, rdb_from);
    for (uint32_t at = 0; at < using.count; at++) {
        for (uint32_t before = 0; before < at && !raw->is_natural; before++)
            if (strcmp(using.items[before], using.items[at]) == 0)
                return analyse_error(state, raw->node.location, err, RDB_DUPLICATE_COLUMN, "column name \"%s\" appears more than once in USING clause", using.items[at]);
        join_column *l, *r, *merged = RDB_NEW(arena, join_column);
        if (!take_column(state, &left_columns, using.items[at], "left", raw->node.location, &l, err) ||
            !take_column(state, &right_columns, using.items[at], "right", raw->node.location, &r, err))
            return false;
        mark_variable(state, l->expr);
        mark_variable(state, r->expr);
        merged->name = using.items[at];
        if (!using_condition(state, l->expr, r->expr, &conditions, err) || !merge_column(state, kind, l->expr, r->expr, &merged->expr, err))
            return false;
        rdb_list_push(arena, &columns, merged);
        rdb_list_push(arena, &from->using_names, (void *)(uintptr_t)using.items[at]);
    }
    if (conditions.count > 0 && !analyse_make_logic(state, RDB_BOOL_AND, &conditions, -1, &from->condition, err))
        return false;
    if (raw->condition != NULL && !join_condition(state, raw->condition, &visible, &from->condition, err))
        return false;
    for (uint32_t at = 0; at < left_columns.count; at++)
        rdb_list_push(arena, &columns, left_columns.items[at]);
    for (uint32_t at = 0; at < right_columns.count; at++)
        rdb_list_push(arena, &columns, right_columns.items[at]);

    uint32_t range_no;
    rdb_range *range = analyse_add_range(state, RDB_RANGE_JOIN, &range_no);
    range->alias = raw->alias == NULL ? NULL : raw->alias->name;
    range->has_alias = raw->alias != NULL;
    range->join_kind = (uint8_t)kind;
    range->merged_count = using.count;
    analyse_set_column_types(state, range, columns.count);
    analyse_item *item = RDB_NEW(arena, analyse_item);
    item->columns = RDB_NEW_ARRAY(arena, rdb_expr *, columns.count + 1);
    for (uint32_t at = 0; at < columns.count; at++) {
        const join_column *column = columns.items[at];
        rdb_list_push(arena, &range->columns, (void *)(uintptr_t)column->name);
        rdb_list_push(arena, &range->column_types, (void *)(uintptr_t)column->expr->type);
        rdb_list_push(arena, &range->join_variables, column->expr);
        range->column_typmods[at] = column->expr->typmod;
        range->column_collations[at] = column->expr->collation;
        item->columns[at] = column->expr;
    }
    if (raw->alias != NULL) {
        if (raw->alias->columns.count > columns.count)
            return analyse_error(state, raw->node.location, err, RDB_SYNTAX_ERROR, "join expression \"%s\" has %u columns available but %u columns specified", raw->alias->name, columns.count,
                                 raw->alias->columns.count);
        for (uint32_t at = 0; at < raw->alias->columns.count; at++) {
            range->columns.items[at] = (void *)(uintptr_t)raw->alias->columns.items[at];
            rdb_list_push(arena, &range->alias_columns, range->columns.items[at]);
        }
    }
    item->range = range;
    item->range_no = range_no;
    item->name = range->alias;
    item->columns_visible = item->lateral_ok = true;
    item->table_visible = raw->alias != NULL;
    state->joined.items[range_no - 1] = item;

    from->is_join = true;
    from->range_no = range_no;
    from->join_kind = (uint8_t)kind;
    from->is_natural = raw->is_natural;
    from->left = left.from;
    from->right = right.from;
    part->from = from;
    part->top = item;
    if (raw->alias == NULL)
        for (uint32_t at = 0; at < visible.count; at++) {
            ((analyse_item *)visible.items[at])->columns_visible = false;
            rdb_list_push(arena, &part->items, visible.items[at]);
        }
    rdb_list_push(arena, &part->items, item);
    if (raw->using_alias != NULL) { /* USING (...) AS name: the merged columns alone */
        analyse_item *merged = rdb_arena_memdup(arena, item, sizeof *merged);
        rdb_range *shown = rdb_arena_memdup(arena, range, sizeof *shown);
        shown->columns.count = using.count;
        shown->alias = raw->using_alias->name;
        merged->range = shown;
        merged->name = raw->using_alias->name;
        merged->table_visible = true;
        merged->columns_visible = false;
        rdb_list_push(arena, &range->join_using_alias, (void *)(uintptr_t)merged->name);
        rdb_list one = {0};
        rdb_list_push(arena, &one, merged);
        if (!check_conflicts(state, &visible, &one, err))
            return false;
        if (raw->alias == NULL) /* an alias of the whole join hides this one too */
            rdb_list_push(arena, &part->items, merged);
    }
    return true;
}

static bool make_part(analyse_state *state, const rdb_ast_node *raw, from_part *part, rdb_error *err)
{
    switch (raw->tag) {
    case RDB_AST_TABLE:
        return table_part(state, (const rdb_ast_table *)raw, part, err);
    case RDB_AST_RANGE_SUBQUERY:
        return subquery_part(state, (const rdb_ast_range_subquery *)raw, part, err);
    case RDB_AST_RANGE_FUNCTION:
        return function_part(state, (const rdb_ast_range_function *)raw, part, err);
    case RDB_AST_JOIN:
        if (++state->depth > RDB_TREE_DEPTH_MAX)
            return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        if (!join_part(state, (const rdb_ast_join *)raw, part, err))
            return false;
        state->depth--;
        return true;
    case RDB_AST_RANGE_SAMPLE:
        return sample_part(state, (const rdb_ast_range_sample *)raw, part, err);
    default:
        return analyse_error(state, raw->location, err, RDB_FEATURE_NOT_SUPPORTED, "%s is not supported in FROM", rdb_ast_tag_name(raw->tag));
    }
}

bool analyse_from(analyse_state *state, const rdb_list *raw, rdb_error *err)
{
    for (uint32_t at = 0; at < raw->count; at++) {
        from_part part = {0};
        if (!make_part(state, raw->items[at], &part, err) || !check_conflicts(state, &state->items, &part.items, err))
            return false;
        set_lateral(&part.items, true, true); /* those to the right see it if they are lateral */
        rdb_list_push(analyse_arena(state), &state->query->from, part.from);
        for (uint32_t no = 0; no < part.items.count; no++)
            rdb_list_push(analyse_arena(state), &state->items, part.items.items[no]);
    }
    set_lateral(&state->items, false, true);
    return true;
}
