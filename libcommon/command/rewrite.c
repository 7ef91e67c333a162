/* SPDX-License-Identifier: Apache-2.0
 * Rewriting a table: every row, as the old descriptor has it, becomes a row of the new one in a fresh file; the indexes are built
 * anew after. The caller holds the table exclusively and has changed the catalog already. */
#include "command/command_int.h"

typedef struct rewriting {
    rdb_command_context *context;
    const rdb_relation *old, *new;
    rdb_eval *eval;
    rdb_program *program;       /* the new row's columns over the old row */
    rdb_program *generated;     /* generated columns, over the new row */
    uint16_t *program_columns, *generated_columns; /* whose results they are, from 0 */
    uint16_t program_count, generated_count;
    rdb_arena *arena; /* of a batch */
} rewriting;

static rdb_expr *old_column(rdb_command_context *context, const rdb_column *column)
{
    rdb_expr_var *var = RDB_NEW(context->arena, rdb_expr_var);
    var->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
    var->range_no = 1;
    var->attribute_no = column->number;
    return &var->head;
}

static bool make_programs(rewriting *work, rdb_expr *const *exprs, rdb_error *err)
{
    rdb_command_context *context = work->context;
    const uint16_t count = work->new->column_count;
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format, .session = work->eval};
    rdb_expr **sources = RDB_NEW_ARRAY(context->arena, rdb_expr *, count + 1u), **generated = RDB_NEW_ARRAY(context->arena, rdb_expr *, count + 1u);
    work->program_columns = RDB_NEW_ARRAY(context->arena, uint16_t, count + 1u);
    work->generated_columns = RDB_NEW_ARRAY(context->arena, uint16_t, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        const rdb_column *column = &work->new->columns[i];
        rdb_expr *source = exprs[i];
        if (column->is_dropped)
            continue;
        if (column->generated != 0) {
            if (column->default_tree == NULL || !rdb_tree_read_expr(context->arena, context->access, column->default_tree, &source, err) ||
                !rdb_plan_make_expr(&plan, work->new, source, &generated[work->generated_count], err))
                return false;
            work->generated_columns[work->generated_count++] = i;
            continue;
        }
        if (source == NULL && i < work->old->column_count)
            source = old_column(context, &work->old->columns[i]);
        if (source == NULL)
            continue; /* null */
        if (!rdb_plan_make_expr(&plan, work->old, source, &sources[work->program_count], err))
            return false;
        work->program_columns[work->program_count++] = i;
    }
    return rdb_program_compile(&work->program, context->arena, work->eval, sources, work->program_count, err) &&
           (work->generated_count == 0 || rdb_program_compile(&work->generated, context->arena, work->eval, generated, work->generated_count, err));
}

static bool null_violation(const rdb_relation *relation, const rdb_column *column, rdb_error *err)
{
    rdb_error_set(err, RDB_NOT_NULL_VIOLATION, "column \"%s\" of relation \"%s\" contains null values", column->name, relation->name);
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
    return rdb_error_name(err, RDB_ERROR_COLUMN, column->name);
}

static bool make_vectors(rdb_command_context *context, const rdb_relation *relation, rdb_vector ***vectors, rdb_error *err)
{
    *vectors = RDB_NEW_ARRAY(context->arena, rdb_vector *, relation->column_count + 1u);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        (*vectors)[i] = RDB_NEW(context->arena, rdb_vector);
        if (!rdb_vector_init((*vectors)[i], context->arena, relation->table.reps[i], RDB_BATCH_ROWS, err))
            return false;
    }
    return true;
}

static bool write_rows(rewriting *work, rdb_vector *const *rows, uint32_t count, rdb_error *err)
{
    const uint16_t columns = work->new->column_count;
    rdb_relation bare = *work->new; /* indexes are built when all rows stand */
    rdb_snapshot latest;
    bare.index_count = 0;
    rdb_txn_latest_snapshot(work->context->txn, &latest);
    rdb_datum *values = rdb_arena_try_alloc(work->arena, (size_t)count * (columns + 1u) * sizeof *values, err);
    bool *is_null = rdb_arena_try_alloc(work->arena, (size_t)count * (columns + 1u), err);
    const rdb_datum **all_values = rdb_arena_try_alloc(work->arena, count * sizeof *all_values, err);
    const bool **all_nulls = rdb_arena_try_alloc(work->arena, count * sizeof *all_nulls, err);
    const rdb_index_values **keys = rdb_arena_try_alloc(work->arena, count * sizeof *keys, err);
    rdb_row_address *addresses = rdb_arena_try_alloc(work->arena, count * sizeof *addresses, err);
    if (values == NULL || is_null == NULL || all_values == NULL || all_nulls == NULL || keys == NULL || addresses == NULL)
        return false;
    for (uint32_t row = 0; row < count; row++) {
        all_values[row] = values + (size_t)row * columns;
        all_nulls[row] = is_null + (size_t)row * columns;
        keys[row] = NULL;
        for (uint16_t i = 0; i < columns; i++) {
            const size_t at = (size_t)row * columns + i;
            is_null[at] = work->new->columns[i].is_dropped || rdb_vector_is_null(rows[i], row);
            values[at] = is_null[at] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(rows[i], row);
            if (is_null[at] && work->new->columns[i].not_null && !work->new->columns[i].is_dropped)
                return null_violation(work->new, &work->new->columns[i], err);
        }
    }
    const rdb_row_writer writer = {.txn = work->context->txn, .snapshot = &latest, .relation = &bare, .lock_timeout_us = work->context->lock_timeout_us,
                                   .arena = work->arena, .format = work->context->format};
    return rdb_row_insert_many(&writer, all_values, all_nulls, count, keys, addresses, err);
}

static bool move_rows(rewriting *work, rdb_error *err)
{
    rdb_command_context *context = work->context;
    const uint16_t old_count = work->old->column_count;
    rdb_vector **from = NULL, **to = NULL;
    rdb_table_scan *scan = NULL;
    rdb_snapshot latest;
    int16_t *numbers = RDB_NEW_ARRAY(context->arena, int16_t, old_count + 1u);
    for (uint16_t i = 0; i < old_count; i++)
        numbers[i] = (int16_t)(i + 1);
    rdb_txn_latest_snapshot(context->txn, &latest);
    bool ok = make_vectors(context, work->old, &from, err) && make_vectors(context, work->new, &to, err) &&
              rdb_table_scan_open(&scan, &work->old->table, context->txn, &latest, numbers, old_count, 0, UINT64_MAX, context->arena, err);
    while (ok) {
        uint32_t count = 0, good = 0;
        rdb_arena_reset(work->arena);
        for (uint16_t i = 0; i < old_count; i++)
            rdb_vector_clear_nulls(from[i]);
        ok = rdb_cancel_check(context->cancel, err) && rdb_table_scan_next(scan, RDB_BATCH_ROWS, work->arena, from, NULL, NULL, &count, err);
        if (!ok || count == 0)
            break;
        rdb_vector **rows = rdb_arena_try_alloc(work->arena, (work->new->column_count + 1u) * sizeof *rows, err);
        const rdb_batch batch = {from, old_count, count, {NULL, count}};
        ok = rows != NULL && rdb_program_run(work->program, work->eval, work->arena, &batch, &batch.selection, &good, err);
        if (!ok)
            break;
        for (uint16_t i = 0; i < work->new->column_count; i++) {
            rows[i] = to[i];
            rdb_vector_clear_nulls(to[i]);
            for (uint32_t row = 0; row < count; row++)
                rdb_vector_set_null(to[i], row);
        }
        for (uint16_t i = 0; i < work->program_count; i++)
            rows[work->program_columns[i]] = rdb_program_result(work->program, i);
        if (work->generated != NULL) {
            const rdb_batch made = {rows, work->new->column_count, count, {NULL, count}};
            ok = rdb_program_run(work->generated, work->eval, work->arena, &made, &made.selection, &good, err);
            for (uint16_t i = 0; ok && i < work->generated_count; i++)
                rows[work->generated_columns[i]] = rdb_program_result(work->generated, i);
        }
        ok = ok && write_rows(work, rows, count, err);
    }
    rdb_table_scan_close(&scan);
    return ok;
}

/* ---- in the order of an index ------------------------------------------------------------------------------------------------- */
/* SELECT all that is stored FROM ONLY the table ORDER BY the index's keys. */
static bool sorted_query(rdb_command_context *context, const rdb_relation *relation, const rdb_relation_index *index, rdb_strbuf *text, rdb_error *err)
{
    rdb_list expressions = {0};
    uint32_t expression_no = 0, shown = 0;
    if (index->expression_tree != NULL) {
        rdb_expr *list = NULL;
        if (!rdb_tree_read_expr(context->arena, context->access, index->expression_tree, &list, err))
            return false;
        if (list->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)list)->fields;
        else
            rdb_list_push(context->arena, &expressions, list);
    }
    rdb_strbuf_adds(text, "SELECT ");
    for (uint16_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].is_dropped)
            continue;
        rdb_strbuf_adds(text, shown++ > 0 ? ", " : "");
        rdb_identifier_add(text, relation->columns[i].name);
    }
    rdb_strbuf_adds(text, " FROM ONLY ");
    rdb_identifier_add(text, relation->namespace_name);
    rdb_strbuf_addc(text, '.');
    rdb_identifier_add(text, relation->name);
    rdb_strbuf_adds(text, index->kind == RDB_INDEX_ORDERED ? " ORDER BY " : ""); /* one of terms has no order of rows */
    for (uint16_t i = 0; i < index->key_count && index->kind == RDB_INDEX_ORDERED; i++) {
        const rdb_index_column *column = &index->columns[i];
        rdb_strbuf_adds(text, i > 0 ? ", " : "");
        if (column->column_number > 0) {
            rdb_identifier_add(text, relation->columns[column->column_number - 1].name);
        } else {
            rdb_strbuf_addc(text, '(');
            if (!rdb_deparse_expr(context->access, expressions.items[expression_no++], relation, false, text, err))
                return false;
            rdb_strbuf_addc(text, ')');
        }
        rdb_strbuf_adds(text, column->is_descending ? " DESC" : "");
        rdb_strbuf_adds(text, column->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    return rdb_strbuf_check(text, err);
}

static bool move_sorted(rewriting *work, rdb_plan *plan, rdb_error *err)
{
    rdb_execution_context settings = command_execution_context(work->context);
    rdb_snapshot latest; /* all rows, whatever the transaction's own moment */
    rdb_execution *execution = NULL;
    rdb_vector **to = NULL;
    rdb_txn_latest_snapshot(work->context->txn, &latest);
    rdb_txn_hold_snapshot(work->context->txn, &latest);
    settings.snapshot = &latest;
    bool done = false, ok = make_vectors(work->context, work->new, &to, err) && rdb_execution_open(&execution, plan, &settings, err);
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        uint32_t count = 0;
        ok = rdb_execution_pull(execution, 0, &batch, &done, err);
        if (!ok || batch == NULL || batch->selection.count == 0)
            continue;
        rdb_arena_reset(work->arena);
        for (uint16_t i = 0; i < work->new->column_count; i++)
            rdb_vector_clear_nulls(to[i]);
        RDB_FOR_SELECTED (&batch->selection, row) {
            uint32_t at = 0;
            for (uint16_t i = 0; i < work->new->column_count; i++) {
                if (work->new->columns[i].is_dropped || rdb_vector_is_null(batch->columns[at], row))
                    rdb_vector_set_null(to[i], count);
                else
                    rdb_vector_put(to[i], count, rdb_vector_get(batch->columns[at], row), false);
                at += !work->new->columns[i].is_dropped;
            }
            count++;
        }
        ok = write_rows(work, to, count, err);
    }
    rdb_execution_close(&execution);
    rdb_txn_drop_snapshot(work->context->txn, &latest);
    return ok;
}

bool command_rewrite_sorted(rdb_command_context *context, const rdb_relation *relation, const rdb_relation_index *index, rdb_error *err)
{
    rewriting work = {.context = context, .old = relation, .new = relation};
    rdb_command_context quiet = *context;
    rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format, .session = command_eval(context),
                                     .work_mem_bytes = context->work_mem_bytes};
    rdb_analysis analysis;
    rdb_ast_list statements = {0};
    rdb_query *query = NULL;
    rdb_plan *plan = NULL;
    rdb_strbuf text;
    quiet.text = NULL;
    command_analysis(&quiet, &analysis);
    rdb_strbuf_init(&text, context->arena);
    /* The plan is made over the old file, which stays until the transaction ends. */
    if (!sorted_query(context, relation, index, &text, err) || !rdb_sql_parse(context->arena, text.data, text.length, &statements, err) ||
        !rdb_query_analyse(&analysis, statements.items[0].body, &query, err) || !rdb_query_rewrite(&analysis, &query, err) ||
        !rdb_plan_make(&plan_context, query, &plan, err) || !rdb_ddl_new_files(context->access, relation->oid, true, err) || !command_reload(context, &work.new, err))
        return false;
    work.arena = rdb_arena_create("rewritten rows", NULL, NULL);
    if (work.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = move_sorted(&work, plan, err);
    rdb_arena_destroy(work.arena);
    for (uint16_t i = 0; ok && i < work.new->index_count; i++)
        ok = command_fill_index(context, relation->oid, work.new->indexes[i].oid, err);
    return ok;
}

bool command_rewrite_table(rdb_command_context *context, const rdb_relation *old, rdb_expr *const *exprs, bool keeps_layouts, rdb_error *err)
{
    rewriting work = {.context = context, .old = old, .new = old, .eval = command_eval(context)};
    if (!rdb_ddl_new_files(context->access, old->oid, keeps_layouts, err) || !command_reload(context, &work.new, err) || !make_programs(&work, exprs, err))
        return false;
    work.arena = rdb_arena_create("rewritten rows", NULL, NULL);
    if (work.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = move_rows(&work, err);
    rdb_arena_destroy(work.arena);
    for (uint16_t i = 0; ok && i < work.new->index_count; i++)
        ok = command_fill_index(context, old->oid, work.new->indexes[i].oid, err);
    return ok;
}

/* ---- stored trees over columns that have changed --------------------------------------------------------------------------- */
bool command_raw_of_tree(rdb_command_context *context, const rdb_relation *relation, const rdb_expr *expr, rdb_ast_node **raw, rdb_error *err)
{
    rdb_strbuf text;
    rdb_ast_list statements = {0};
    rdb_strbuf_init(&text, context->arena);
    rdb_strbuf_adds(&text, "SELECT ");
    if (!rdb_deparse_expr(context->access, expr, relation, false, &text, err) || !rdb_strbuf_check(&text, err) ||
        !rdb_sql_parse(context->arena, text.data, text.length, &statements, err))
        return false;
    const rdb_ast_select *select = (const rdb_ast_select *)statements.items[0].body;
    *raw = ((const rdb_ast_target *)select->targets.items[0])->value;
    return true;
}
