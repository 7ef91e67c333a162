/* SPDX-License-Identifier: Apache-2.0
 * Relations filled by a query: CREATE TABLE AS, SELECT INTO, materialized views and their REFRESH. The relation is made first and
 * takes the rows as COPY's are taken, in batches. */
#include "command/command_int.h"

/* Runs the query, which was analysed and not rewritten yet, into the relation's first columns. watched (may be NULL): takes the plan and
 * its execution, with what they cost. */
static bool fill(rdb_command_context *context, rdb_analysis *analysis, rdb_query *query, uint32_t relation_oid, uint64_t *row_count, command_watch *watched, rdb_error *err)
{
    rdb_execution_context execution_settings = command_execution_context(context);
    rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format, .session = command_eval(context),
                                     .work_mem_bytes = context->work_mem_bytes};
    const rdb_relation *relation = NULL;
    rdb_plan *plan = NULL;
    rdb_plan_modify *modify = NULL;
    rdb_execution *execution = NULL;
    rdb_insertion *insertion = NULL;
    bool done = false;
    int64_t begin_us = rdb_time_monotonic_us();
    if (context->plans_values) {
        plan_context.parameters = context->parameters;
        plan_context.parameter_count = context->parameter_count;
    }
    if (context->set_planner != NULL)
        context->set_planner(context->session, &plan_context);
    if (!rdb_query_rewrite(analysis, &query, err) || !rdb_plan_make(&plan_context, query, &plan, err) ||
        !rdb_relation_get(context->access, relation_oid, &relation, err))
        return false;
    int16_t *columns = RDB_NEW_ARRAY(context->arena, int16_t, relation->column_count + 1u);
    for (uint16_t i = 0; i < relation->column_count; i++)
        columns[i] = (int16_t)(i + 1);
    const int64_t planned_us = rdb_time_monotonic_us();
    execution_settings.instrument = watched != NULL;
    bool ok = rdb_plan_make_insert(&plan_context, relation, columns, relation->column_count, &modify, err) &&
              rdb_insertion_open(&insertion, modify, &execution_settings, err) && rdb_execution_open(&execution, plan, &execution_settings, err);
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(execution, 0, &batch, &done, err);
        if (ok && batch != NULL && batch->selection.count > 0)
            ok = rdb_insertion_put(insertion, batch, err);
    }
    ok = ok && rdb_insertion_finish(insertion, row_count, err);
    if (ok && watched != NULL)
        *watched = (command_watch){plan, execution, planned_us - begin_us, rdb_time_monotonic_us() - planned_us};
    else
        rdb_execution_close(&execution);
    rdb_insertion_close(&insertion);
    return ok;
}

static bool columns_of(rdb_command_context *context, rdb_query *query, const rdb_ast_names *names, rdb_column_definition **columns, uint16_t *count, rdb_error *err)
{
    const rdb_list *targets = query->command == RDB_COMMAND_SELECT ? &query->targets : &query->returning;
    *columns = RDB_NEW_ARRAY(context->arena, rdb_column_definition, targets->count + 1);
    *count = 0;
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        const char *name = *count < names->count ? names->items[*count] : target->name;
        for (uint16_t k = 0; k < *count; k++)
            if (strcmp((*columns)[k].name, name) == 0)
                return rdb_error_set(err, RDB_DUPLICATE_COLUMN, "column \"%s\" specified more than once", name);
        if (target->expr->type->kind == 'p')
            return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "column \"%s\" has pseudo-type %s", name, target->expr->type->name);
        if (!command_check_type_usage(context, target->expr->type, err))
            return false;
        if (!command_check_collation(name, target->expr, err))
            return false;
        (*columns)[(*count)++] = (rdb_column_definition){.name = name, .type = target->expr->type, .typmod = target->expr->typmod, .collation = target->expr->type->collation != 0 ? target->expr->collation : 0};
    }
    if (names->count > *count)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "too many column names were specified");
    return true;
}

bool command_create_table_as(rdb_command_context *context, const rdb_ast_create_table_as *statement, rdb_error *err)
{
    return command_create_table_watched(context, statement, NULL, err);
}

bool command_create_table_watched(rdb_command_context *context, const rdb_ast_create_table_as *statement, command_watch *watched, rdb_error *err)
{
    const rdb_ast_into *into = statement->into;
    const bool is_view = statement->object_type == RDB_SQL_OBJECT_MATVIEW;
    const char *word = is_view ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS";
    rdb_analysis analysis;
    rdb_query *query = NULL;
    rdb_column_definition *columns = NULL;
    uint16_t count = 0;
    uint32_t namespace_oid = 0, oid = 0;
    uint64_t row_count = 0;
    char schema[RDB_NAMEDATALEN];
    const rdb_relation *taken = NULL;
    command_uses uses = {0};
    rdb_strbuf tree;
    snprintf(context->tag, sizeof context->tag, "%s", word);
    command_analysis(context, &analysis);
    rdb_strbuf_init(&tree, context->arena);
    uint32_t *types = RDB_NEW_ARRAY(context->arena, uint32_t, context->parameter_count + 1);
    for (uint32_t i = 0; i < context->parameter_count; i++)
        types[i] = context->parameters[i].type_oid;
    analysis.parameter_types = types;
    analysis.parameter_count = context->parameter_count;
    if (statement->query->tag == RDB_AST_EXECUTE)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "CREATE TABLE AS EXECUTE is not supported yet");
    if (is_view && context->parameter_count > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "materialized views may not be defined using bound parameters");
    if (!rdb_query_analyse(&analysis, statement->query, &query, err))
        return false;
    if (is_view && query->has_modifying_cte)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "materialized views must not use data-modifying statements in WITH");
    if (!command_query_uses(context, query, &uses, err))
        return false;
    for (uint32_t i = 0; is_view && i < uses.count; i++) {
        const rdb_relation *relation = NULL;
        if (uses.items[i].catalog_oid == RDB_PG_CLASS && !rdb_relation_get(context->access, uses.items[i].object_oid, &relation, err))
            return false;
        if (relation != NULL && relation->persistence == 't')
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "materialized views must not use temporary tables or views");
    }
    if (!command_creation_namespace(context, into->table, &namespace_oid, err) || !rdb_namespace_get_name(context->access, namespace_oid, schema, err) ||
        !rdb_relation_find(context->access, schema, into->table->name, &taken, err))
        return false;
    if (taken != NULL && statement->if_not_exists) {
        command_notice(context, "NOTICE", RDB_DUPLICATE_TABLE, "relation \"%s\" already exists, skipping", into->table->name);
        return true;
    }
    if (taken != NULL)
        return rdb_error_set(err, RDB_DUPLICATE_TABLE, "relation \"%s\" already exists", into->table->name);
    if (!columns_of(context, query, &into->columns, &columns, &count, err))
        return false;
    rdb_relation_definition definition = {.name = into->table->name, .namespace_oid = namespace_oid, .owner_oid = context->role->oid, .kind = is_view ? 'm' : 'r',
                                          .persistence = command_persistence(context, into->table, namespace_oid), .columns = columns, .column_count = count};
    if (into->on_commit != RDB_SQL_ON_COMMIT_NOOP && definition.persistence != 't')
        return rdb_error_set(err, RDB_INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables");
    if (is_view) {
        if (!rdb_tree_write_query(query, &tree, err) || !rdb_strbuf_check(&tree, err))
            return false;
        definition.view_tree = tree.data;
        definition.uses = uses.items;
        definition.use_count = uses.count;
    }
    if (!rdb_ddl_create_relation(context->access, &definition, &oid, err) || !command_lock(context, oid, RDB_LOCK_ACCESS_EXCLUSIVE, err) ||
        !command_set_options(context, oid, definition.kind, &into->options, err))
        return false;
    const bool acts = into->on_commit == RDB_SQL_ON_COMMIT_DROP || into->on_commit == RDB_SQL_ON_COMMIT_DELETE_ROWS;
    if (acts && !rdb_temp_on_commit(context->access, oid, into->on_commit == RDB_SQL_ON_COMMIT_DROP, err))
        return false;
    if (into->without_data)
        return !is_view || rdb_ddl_set_class_field(context->access, oid, RDB_pg_class_relispopulated, (rdb_datum){.b = false}, false, err);
    if (!fill(context, &analysis, query, oid, &row_count, watched, err))
        return false;
    snprintf(context->tag, sizeof context->tag, "SELECT %llu", (unsigned long long)row_count);
    return true;
}

/* A unique index over plain columns, whole. */
static bool has_key(const rdb_relation *view)
{
    for (uint16_t i = 0; i < view->index_count; i++)
        if (view->indexes[i].is_unique && view->indexes[i].is_immediate && view->indexes[i].is_valid && view->indexes[i].predicate_tree == NULL &&
            view->indexes[i].expression_tree == NULL)
            return true;
    return false;
}

bool command_refresh(rdb_command_context *context, const rdb_ast_refresh *statement, rdb_error *err)
{
    const rdb_relation *view = NULL;
    rdb_analysis analysis;
    rdb_query *query = NULL;
    uint64_t row_count = 0;
    rdb_ast_table name = *statement->table;
    name.node.location = -1; /* no place is named */
    if (!command_open_table(context, &name, RDB_LOCK_ACCESS_EXCLUSIVE, false, &view, err))
        return false;
    if (view->kind != 'm' && view->kind != 'r' && view->kind != 'p')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table or materialized view", view->name);
    if (view->kind != 'm')
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "\"%s\" is not a materialized view", view->name);
    if (!command_check_owner(context, view, err))
        return false;
    if (statement->is_concurrent && !view->is_populated)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "CONCURRENTLY cannot be used when the materialized view is not populated");
    if (statement->is_concurrent && statement->without_data)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together");
    if (statement->is_concurrent && !has_key(view)) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot refresh materialized view \"%s.%s\" concurrently", view->namespace_name, view->name);
        return rdb_error_hint(err, "Create a unique index with no WHERE clause on one or more columns of the materialized view.");
    }
    command_analysis(context, &analysis);
    const uint32_t oid = view->oid;
    if (!rdb_tree_read_query(context->arena, context->access, view->view_tree, &query, err) || !rdb_ddl_new_files(context->access, oid, true, err) ||
        (view->is_populated == statement->without_data &&
         !rdb_ddl_set_class_field(context->access, oid, RDB_pg_class_relispopulated, (rdb_datum){.b = !statement->without_data}, false, err)))
        return false;
    return statement->without_data || fill(context, &analysis, query, oid, &row_count, NULL, err);
}
