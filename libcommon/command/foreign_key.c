/* SPDX-License-Identifier: Apache-2.0
 * Validating a foreign key over rows that are there already: one look-up in the referenced table's unique index a row, read
 * with the latest snapshot under locks that keep both tables as they are. */
#include "command/inherit.h"

typedef struct validation {
    struct validation *others; /* the leaves of a partitioned target but the first */
    const int16_t *foreign_columns;
    rdb_command_context *context;
    const rdb_relation *relation, *target, *named; /* named: what the constraint refers to */
    const rdb_constraint *constraint;
    const rdb_relation_index *index;
    rdb_snapshot latest;
    rdb_index_cursor *cursor;
    rdb_arena *arena; /* reset a batch */
    rdb_program *casts; /* to the referenced columns' types, where one is kept otherwise; NULL: none needs it */
    rdb_eval *eval;
} validation;

/* Which key of the constraint the index's column key_no holds. */
static uint16_t position_in_constraint(const validation *work, uint16_t key_no)
{
    for (uint16_t i = 0; i < work->constraint->column_count; i++)
        if (work->foreign_columns[i] == work->index->columns[key_no].column_number)
            return i;
    return 0;
}

static bool has_partner(validation *work, rdb_vector *const *vectors, uint32_t row, bool *found, rdb_error *err)
{
    rdb_strbuf key;
    rdb_strbuf_init(&key, work->arena);
    uint16_t count = work->constraint->column_count;
    for (uint16_t k = 0; k < count; k++) {
        const rdb_index_column *column = &work->index->columns[k];
        if (!rdb_type_encode_column(column->type, column->collation, rdb_vector_get(vectors[position_in_constraint(work, k)], row), false,
                                    column->is_descending, column->nulls_first, &key, err))
            return false;
    }
    rdb_slice bytes = {(const uint8_t *)key.data, key.length};
    rdb_index_range range = {.lower = bytes, .upper = bytes};
    bool ok = work->cursor != NULL ? rdb_index_cursor_seek(work->cursor, &range, err)
                                   : rdb_index_cursor_open(&work->cursor, &work->index->index, &range, false, work->context->arena, err);
    rdb_index_entry entries[16];
    uint32_t entry_count = 1;
    *found = false;
    while (ok && !*found && entry_count > 0) {
        ok = rdb_index_cursor_next(work->cursor, RDB_COUNT_OF(entries), false, work->arena, entries, &entry_count, err);
        for (uint32_t i = 0; ok && !*found && i < entry_count; i++) {
            bool exists = false, recheck = false;
            ok = rdb_table_fetch(&work->target->table, work->context->txn, &work->latest, &entries[i].address, 1, work->foreign_columns, 0,
                                 work->arena, NULL, &exists, &recheck, NULL, err);
            *found = exists && !recheck;
            if (ok && exists && recheck) { /* an indexed column may have changed: compare the key itself */
                rdb_vector values[32], *columns[32];
                rdb_strbuf now;
                rdb_strbuf_init(&now, work->arena);
                int16_t numbers[32];
                for (uint16_t k = 0; ok && k < count; k++) {
                    numbers[k] = work->index->columns[k].column_number;
                    columns[k] = &values[k];
                    ok = rdb_vector_init(columns[k], work->arena, work->target->table.reps[numbers[k] - 1], 1, err);
                }
                ok = ok && rdb_table_fetch(&work->target->table, work->context->txn, &work->latest, &entries[i].address, 1, numbers, count, work->arena, columns, &exists, NULL, NULL, err);
                for (uint16_t k = 0; ok && exists && k < count; k++) {
                    const rdb_index_column *column = &work->index->columns[k];
                    ok = rdb_type_encode_column(column->type, column->collation, rdb_vector_get(columns[k], 0), rdb_vector_is_null(columns[k], 0),
                                                column->is_descending, column->nulls_first, &now, err);
                }
                *found = ok && exists && now.length == key.length && memcmp(now.data, key.data, key.length) == 0;
            }
        }
    }
    return ok;
}

static bool report_orphan(validation *work, rdb_vector *const *vectors, uint32_t row, rdb_error *err)
{
    rdb_strbuf names, values;
    rdb_eval *eval = command_eval(work->context);
    rdb_strbuf_init(&names, work->arena);
    rdb_strbuf_init(&values, work->arena);
    for (uint16_t i = 0; i < work->constraint->column_count; i++) {
        const rdb_column *column = &work->relation->columns[work->constraint->columns[i] - 1];
        const char *text = "";
        if (!rdb_expr_value_to_text(eval, work->arena, column->type, rdb_vector_get(vectors[i], row), &text, err))
            return false;
        rdb_strbuf_addf(&names, "%s%s", i > 0 ? ", " : "", column->name);
        rdb_strbuf_addf(&values, "%s%s", i > 0 ? ", " : "", text);
    }
    rdb_error_set(err, RDB_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", work->relation->name, work->constraint->name);
    rdb_error_detail(err, "Key (%s)=(%s) is not present in table \"%s\".", names.data, values.data, work->named->name);
    rdb_error_name(err, RDB_ERROR_SCHEMA, work->relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, work->relation->name);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, work->constraint->name);
}

/* A column of an integer that refers to a numeric, and its kin: the implicit cast, or the one of an assignment. */
static bool make_casts(validation *work, rdb_error *err)
{
    rdb_command_context *context = work->context;
    const uint16_t count = work->constraint->column_count;
    rdb_expr **exprs = RDB_NEW_ARRAY(context->arena, rdb_expr *, count + 1u);
    work->eval = command_eval(context);
    rdb_plan_context plan = {.arena = context->arena, .access = context->access, .format = context->format, .session = work->eval};
    bool is_needed = false;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_column *column = &work->relation->columns[work->constraint->columns[i] - 1];
        const rdb_type *wanted = work->named->columns[work->constraint->foreign_columns[i] - 1].type;
        const rdb_cast_entry *cast = NULL;
        const rdb_function *function = NULL;
        rdb_expr_var *var = RDB_NEW(context->arena, rdb_expr_var);
        var->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
        var->range_no = 1;
        var->attribute_no = column->number;
        rdb_expr *expr = &var->head;
        if (column->type->rep != wanted->rep) {
            if (!rdb_cast_find(context->access, column->type->oid, wanted->oid, &cast, err) ||
                (cast != NULL && cast->function_oid != 0 && !rdb_function_get(context->access, cast->function_oid, &function, err)))
                return false;
            if (function == NULL)
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "validating a foreign key between columns of types %s and %s is not supported yet", column->type->name, wanted->name);
            rdb_expr_function *call = RDB_NEW(context->arena, rdb_expr_function);
            call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = wanted, .typmod = -1};
            call->function = function;
            call->form = RDB_FORM_IMPLICIT_CAST;
            rdb_list_push(context->arena, &call->arguments, expr);
            expr = &call->head;
            is_needed = true;
        }
        if (!rdb_plan_make_expr(&plan, work->relation, expr, &exprs[i], err))
            return false;
    }
    return !is_needed || rdb_program_compile(&work->casts, context->arena, work->eval, exprs, count, err);
}

static bool validate_rows(validation *work, rdb_error *err)
{
    rdb_vector **all = RDB_NEW_ARRAY(work->context->arena, rdb_vector *, work->relation->column_count + 1u), **keys = RDB_NEW_ARRAY(work->context->arena, rdb_vector *, work->constraint->column_count + 1u);
    uint16_t count = work->constraint->column_count;
    rdb_vector **vectors = RDB_NEW_ARRAY(work->context->arena, rdb_vector *, count);
    rdb_table_scan *scan = NULL;
    for (uint16_t i = 0; i < count; i++) {
        vectors[i] = RDB_NEW(work->context->arena, rdb_vector);
        if (!rdb_vector_init(vectors[i], work->context->arena, work->relation->table.reps[work->constraint->columns[i] - 1], RDB_BATCH_ROWS, err))
            return false;
        all[work->constraint->columns[i] - 1] = vectors[i];
        keys[i] = vectors[i];
    }
    if (!make_casts(work, err))
        return false;
    bool ok = rdb_table_scan_open(&scan, &work->relation->table, work->context->txn, &work->latest, work->constraint->columns, count, 0, UINT64_MAX, work->context->arena, err);
    for (uint32_t rows = 1; ok && rows > 0;) {
        rdb_arena_reset(work->arena);
        for (uint16_t i = 0; i < count; i++)
            rdb_vector_clear_nulls(vectors[i]);
        ok = rdb_cancel_check(work->context->cancel, err) && rdb_table_scan_next(scan, RDB_BATCH_ROWS, work->arena, vectors, NULL, NULL, &rows, err);
        if (ok && rows > 0 && work->casts != NULL) {
            const rdb_batch batch = {all, work->relation->column_count, rows, {NULL, rows}};
            uint32_t good = 0;
            ok = rdb_program_run(work->casts, work->eval, work->arena, &batch, &batch.selection, &good, err);
            for (uint16_t i = 0; ok && i < count; i++)
                keys[i] = rdb_program_result(work->casts, i);
        }
        for (uint32_t row = 0; ok && row < rows; row++) {
            bool has_null = false, has_value = false, found = false;
            for (uint16_t i = 0; i < count; i++) {
                has_null = has_null || rdb_vector_is_null(vectors[i], row);
                has_value = has_value || !rdb_vector_is_null(vectors[i], row);
            }
            if (has_null && has_value && work->constraint->match == 'f') {
                rdb_error_set(err, RDB_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", work->relation->name, work->constraint->name);
                rdb_error_detail(err, "MATCH FULL does not allow mixing of null and nonnull key values.");
                ok = false;
                break;
            }
            if (has_null)
                continue;
            for (validation *at = work; ok && at != NULL && !found; at = at->others)
                ok = has_partner(at, keys, row, &found, err);
            ok = ok && (found || report_orphan(work, vectors, row, err));
        }
    }
    rdb_table_scan_close(&scan);
    return ok;
}

/* Each leaf has a unique index over the key. */
static bool validate_partitioned(validation *work, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_list all;
    uint32_t *counts = NULL;
    validation *first = NULL;
    if (!command_descendants(context, work->named, RDB_LOCK_SHARE_ROW_EXCLUSIVE, &all, &counts, err))
        return false;
    rdb_arena *arena = rdb_arena_create("foreign key check", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = true;
    for (uint32_t i = 0; ok && i < all.count; i++) {
        const rdb_relation *leaf = all.items[i];
        int16_t *map = NULL, *columns = RDB_NEW_ARRAY(context->arena, int16_t, work->constraint->column_count + 1u);
        if (leaf->kind != 'r')
            continue;
        ok = rdb_inheritance_map(context->arena, work->named, leaf, &map, err);
        if (!ok)
            break;
        validation *one = rdb_arena_memdup(context->arena, work, sizeof *one);
        for (uint16_t k = 0; k < work->constraint->column_count; k++)
            columns[k] = map[work->constraint->foreign_columns[k] - 1];
        one->target = leaf;
        one->foreign_columns = columns;
        one->arena = arena;
        one->others = first;
        rdb_txn_latest_snapshot(context->txn, &one->latest);
        for (uint16_t k = 0; k < leaf->index_count && one->index == NULL; k++) {
            const rdb_relation_index *index = &leaf->indexes[k];
            uint16_t held = 0;
            for (uint16_t m = 0; m < index->key_count; m++)
                for (uint16_t c = 0; c < work->constraint->column_count; c++)
                    held += index->columns[m].column_number == columns[c];
            if (index->is_unique && index->predicate_tree == NULL && index->key_count == work->constraint->column_count && held == index->key_count)
                one->index = index;
        }
        if (one->index != NULL)
            first = one;
    }
    if (ok && first == NULL) { /* no leaf: any row is an orphan */
        bool any = false;
        rdb_expr_const *always = RDB_NEW(context->arena, rdb_expr_const);
        always->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .typmod = -1};
        always->value.b = true;
        ok = rdb_type_get(context->access, RDB_BOOLOID, &always->head.type, err) && command_any_row(context, work->relation, &always->head, &any, err);
        if (ok && any)
            ok = rdb_error_set(err, RDB_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", work->relation->name, work->constraint->name);
    } else {
        ok = ok && validate_rows(first, err);
    }
    for (validation *at = first; at != NULL; at = at->others)
        rdb_index_cursor_close(&at->cursor);
    rdb_arena_destroy(arena);
    return ok;
}

bool command_validate_foreign_key(rdb_command_context *context, uint32_t relation_oid, uint32_t constraint_oid, rdb_error *err)
{
    validation work = {.context = context};
    if (!rdb_relation_get(context->access, relation_oid, &work.relation, err))
        return false;
    for (uint16_t i = 0; work.relation != NULL && i < work.relation->constraint_count; i++)
        if (work.relation->constraints[i].oid == constraint_oid)
            work.constraint = &work.relation->constraints[i];
    if (work.constraint == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "constraint %u is not among those of relation %u", constraint_oid, relation_oid);
    if (!rdb_relation_get(context->access, work.constraint->foreign_relation_oid, &work.target, err))
        return false;
    work.foreign_columns = work.constraint->foreign_columns;
    work.named = work.target;
    if (work.target != NULL && work.target->kind == 'p')
        return validate_partitioned(&work, err);
    for (uint16_t i = 0; work.target != NULL && i < work.target->index_count; i++)
        if (work.target->indexes[i].oid == work.constraint->index_oid)
            work.index = &work.target->indexes[i];
    if (work.index == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "index %u is not among those of the referenced relation", work.constraint->index_oid);
    rdb_txn_latest_snapshot(context->txn, &work.latest);
    work.arena = rdb_arena_create("foreign key check", NULL, NULL);
    if (work.arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = validate_rows(&work, err);
    rdb_index_cursor_close(&work.cursor);
    rdb_arena_destroy(work.arena);
    return ok;
}
