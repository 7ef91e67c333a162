/* SPDX-License-Identifier: Apache-2.0
 * What a new row must pass on its way into a table, whatever statement brings it: generated columns, NOT NULL, checks, policies, and the
 * values of its indexes' expressions. */
#include "exec/exec_route.h"

#include "catalog/rdb_acl.h"

/* What messages may tell of rows: what the user may read, and in "Failing row contains" what he wrote. */
static bool find_shown(exec_row_rules *rules, rdb_error *err)
{
    rdb_execution *x = rules->x;
    rdb_access *access = x->context.access;
    const rdb_relation *relation = rules->plan->relation;
    const uint32_t words = (relation->column_count + 7u) / 64 + 1;
    bool has_policies;
    if (access == NULL)
        return true;
    if (!rdb_acl_shown_columns(access, x->arena, relation, rdb_access_get_context(access)->role_oid, &rules->shown, &has_policies, err))
        return false;
    if (rules->shown == NULL)
        return true;
    rules->told = rdb_arena_memdup(x->arena, rules->shown, words * sizeof *rules->shown);
    for (uint32_t i = 0; !has_policies && x->plan != NULL && i < x->plan->ranges.count; i++) {
        const rdb_range *range = x->plan->ranges.items[i];
        for (uint32_t w = 0; range->relation != NULL && range->relation->oid == relation->oid && w < words; w++)
            rules->told[w] |= (range->inserted_columns != NULL ? range->inserted_columns[w] : 0) | (range->updated_columns != NULL ? range->updated_columns[w] : 0);
    }
    return rdb_arena_check(x->arena, err);
}

bool exec_row_rules_open(exec_row_rules *rules, rdb_execution *x, const rdb_plan_modify *plan, rdb_error *err)
{
    const rdb_relation *relation = plan->relation;
    rdb_arena *arena = x->arena;
    uint16_t columns = relation->column_count;
    memset(rules, 0, sizeof *rules);
    rules->x = x;
    rules->plan = plan;
    rules->checks = RDB_NEW_ARRAY(arena, rdb_program *, plan->check_count + 1);
    rules->generated = RDB_NEW_ARRAY(arena, rdb_program *, columns + 1u);
    rules->predicates = RDB_NEW_ARRAY(arena, rdb_program *, relation->index_count + 1u);
    rules->keys = RDB_NEW_ARRAY(arena, rdb_program *, relation->index_count + 1u);
    for (uint32_t i = 0; i < plan->check_count; i++)
        if (!exec_compile(x, &rules->checks[i], &plan->checks[i], 1, err))
            return false;
    for (uint16_t i = 0; i < columns; i++) {
        if (plan->generated[i] == NULL)
            continue;
        rules->has_generated = true;
        if (!exec_compile(x, &rules->generated[i], &plan->generated[i], 1, err))
            return false;
    }
    for (uint16_t i = 0; i < relation->index_count; i++) {
        rdb_expr *predicate = plan->index_predicates[i];
        if (predicate != NULL && !exec_compile(x, &rules->predicates[i], &predicate, 1, err))
            return false;
        if (!exec_compile_list(x, &rules->keys[i], &plan->index_expressions[i], err))
            return false;
        rules->has_index_values |= predicate != NULL || rules->keys[i] != NULL;
    }
    rules->row = RDB_NEW_ARRAY(arena, rdb_vector *, columns + 1u);
    for (uint16_t i = 0; i < columns; i++) {
        rules->row[i] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(rules->row[i], arena, (rdb_rep)relation->table.reps[i], 1, err))
            return false;
    }
    if (!find_shown(rules, err))
        return false;
    rules->arena = exec_arena(x, "row");
    return rules->arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

bool exec_row_rules_name(exec_row_rules *rules, const rdb_relation *named, const int16_t *map, rdb_error *err)
{
    rdb_execution *x = rules->x;
    const uint32_t words = (named->column_count + 7u) / 64 + 1;
    bool has_policies;
    if (map == NULL)
        return true;
    rules->named = named;
    rules->named_map = map;
    rules->told = NULL;
    if (x->context.access == NULL)
        return true;
    uint64_t *shown = NULL;
    if (!rdb_acl_shown_columns(x->context.access, x->arena, named, rdb_access_get_context(x->context.access)->role_oid, &shown, &has_policies, err))
        return false;
    rules->told = shown;
    for (uint32_t i = 0; shown != NULL && !has_policies && x->plan != NULL && i < x->plan->ranges.count; i++) {
        const rdb_range *range = x->plan->ranges.items[i];
        for (uint32_t w = 0; range->relation != NULL && range->relation->oid == named->oid && w < words; w++)
            shown[w] |= (range->inserted_columns != NULL ? range->inserted_columns[w] : 0) | (range->updated_columns != NULL ? range->updated_columns[w] : 0);
    }
    return true;
}

void exec_row_rules_close(exec_row_rules *rules)
{
    rdb_arena_destroy(rules->arena);
    rules->arena = NULL;
}

static void name_table(const rdb_relation *relation, rdb_error *err)
{
    rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
}

/* "Failing row contains (1, null, ...)." A long value is cut. */
void exec_row_rules_tell(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_relation *relation = rules->named != NULL ? rules->named : rules->plan->relation;
    rdb_strbuf text, names;
    rdb_error quiet = {0};
    bool is_first = true;
    rdb_strbuf_init(&text, rules->arena);
    rdb_strbuf_init(&names, rules->arena);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        const char *value = "null";
        if (column->is_dropped || (rules->told != NULL && (rules->told[(i + 8u) / 64] & UINT64_C(1) << ((i + 8u) % 64)) == 0))
            continue;
        const uint16_t at = rules->named != NULL ? (uint16_t)(rules->named_map[i] - 1) : i;
        if (!is_null[at] && !rdb_expr_value_to_text(&rules->x->eval, rules->arena, column->type, values[at], &value, &quiet))
            value = "?";
        size_t length = strlen(value), kept = length;
        if (length > 64) {
            kept = 64;
            while (kept > 0 && ((unsigned char)value[kept] & 0xc0) == 0x80)
                kept--;
        }
        if (!is_first) {
            rdb_strbuf_adds(&text, ", ");
            rdb_strbuf_adds(&names, ", ");
        }
        is_first = false;
        rdb_strbuf_adds(&names, column->name);
        rdb_strbuf_add(&text, value, kept);
        if (kept < length)
            rdb_strbuf_adds(&text, "...");
    }
    rdb_error_clear(&quiet);
    if (rules->told == NULL)
        rdb_error_detail(err, "Failing row contains (%s).", text.data ? text.data : "");
    else if (!is_first && names.data != NULL)
        rdb_error_detail(err, "Failing row contains (%s) = (%s).", names.data, text.data ? text.data : "");
}

static rdb_batch row_batch(exec_row_rules *rules, const rdb_datum *values, const bool *is_null)
{
    uint16_t columns = rules->plan->relation->column_count;
    for (uint16_t i = 0; i < columns; i++) {
        rdb_vector_clear_nulls(rules->row[i]);
        rdb_vector_put(rules->row[i], 0, values[i], is_null[i]);
    }
    return (rdb_batch){.columns = rules->row, .column_count = columns, .row_count = 1, .selection = {NULL, 1}};
}

static bool compute_generated(exec_row_rules *rules, rdb_datum *values, bool *is_null, rdb_error *err)
{
    rdb_batch row = row_batch(rules, values, is_null);
    for (uint16_t i = 0; i < rules->plan->relation->column_count; i++) {
        uint32_t good = 0;
        if (rules->generated[i] == NULL)
            continue;
        if (!rdb_program_run(rules->generated[i], &rules->x->eval, rules->arena, &row, &row.selection, &good, err))
            return false;
        const rdb_vector *value = rdb_program_result(rules->generated[i], 0);
        is_null[i] = rdb_vector_is_null(value, 0);
        if (!is_null[i])
            values[i] = rdb_vector_get(value, 0);
    }
    return true;
}

/* One rule over the row at hand; row: as a batch. */
static bool run_check(exec_row_rules *rules, uint32_t i, const rdb_batch *row, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_relation *relation = rules->plan->relation;
    const rdb_constraint *check = rules->plan->check_constraints[i];
    const char *name = check->name;
    uint32_t good = 0;
    if (!rdb_program_run(rules->checks[i], &rules->x->eval, rules->arena, row, &row->selection, &good, err))
        return false;
    const rdb_vector *answer = rdb_program_result(rules->checks[i], 0);
    if (rdb_vector_is_null(answer, 0) || RDB_AT(answer, uint8_t, 0))
        return true;
    if (check->kind == 's') { /* row-level security: nothing of the row is shown */
        if (name[0] != '\0')
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "new row violates row-level security policy \"%s\" for table \"%s\"", name, relation->name);
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "new row violates row-level security policy for table \"%s\"", relation->name);
    }
    if (check->kind == 'w') { /* WITH CHECK OPTION */
        rdb_error_set(err, RDB_WITH_CHECK_OPTION_VIOLATION, "new row violates check option for view \"%s\"", name);
        exec_row_rules_tell(rules, values, is_null, err);
        return false;
    }
    rdb_error_set(err, RDB_CHECK_VIOLATION, "new row for relation \"%s\" violates check constraint \"%s\"", relation->name, name);
    exec_row_rules_tell(rules, values, is_null, err);
    name_table(relation, err);
    rdb_error_name(err, RDB_ERROR_CONSTRAINT, name);
    return false;
}

bool exec_row_rules_check_policies(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_batch row = row_batch(rules, values, is_null);
    const char phase = rules->phase != 0 ? rules->phase : 'i';
    for (uint32_t i = 0; i < rules->plan->check_count; i++) {
        const rdb_constraint *check = rules->plan->check_constraints[i];
        if (check->kind == 's' && (check->match == 0 || check->match == phase) && !run_check(rules, i, &row, values, is_null, err))
            return false;
    }
    return true;
}

bool exec_row_rules_check_views(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_batch row = row_batch(rules, values, is_null);
    for (uint32_t i = rules->plan->check_count; i-- > 0;)
        if (rules->plan->check_constraints[i]->kind == 'w' && !run_check(rules, i, &row, values, is_null, err))
            return false;
    return true;
}

bool exec_row_rules_apply(exec_row_rules *rules, rdb_datum *values, bool *is_null, rdb_error *err)
{
    const rdb_relation *relation = rules->plan->relation;
    if (rules->has_generated && !compute_generated(rules, values, is_null, err))
        return false;
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const rdb_column *column = &relation->columns[i];
        if (!column->not_null || column->is_dropped || !is_null[i])
            continue;
        rdb_error_set(err, RDB_NOT_NULL_VIOLATION, "null value in column \"%s\" of relation \"%s\" violates not-null constraint", column->name, relation->name);
        exec_row_rules_tell(rules, values, is_null, err);
        name_table(relation, err);
        rdb_error_name(err, RDB_ERROR_COLUMN, column->name);
        return false;
    }
    if (rules->plan->check_count == 0)
        return true;
    rdb_batch row = row_batch(rules, values, is_null);
    const char phase = rules->phase != 0 ? rules->phase : 'i';
    for (uint32_t i = 0; i < rules->plan->check_count; i++) {
        const rdb_constraint *check = rules->plan->check_constraints[i];
        if (check->kind != 'w' && (check->kind != 's' || check->match == 0 || check->match == phase) && !run_check(rules, i, &row, values, is_null, err))
            return false;
    }
    return true;
}

bool exec_row_rules_check_existing(exec_row_rules *rules, char phase, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_relation *relation = rules->plan->relation;
    const char *kind = phase == 'c' ? "new" : "target";
    rdb_batch row = {0};
    for (uint32_t i = 0; i < rules->plan->check_count; i++) {
        const rdb_constraint *check = rules->plan->check_constraints[i];
        uint32_t good = 0;
        if (check->kind != 's' || check->match != phase)
            continue;
        if (row.columns == NULL)
            row = row_batch(rules, values, is_null);
        if (!rdb_program_run(rules->checks[i], &rules->x->eval, rules->arena, &row, &row.selection, &good, err))
            return false;
        const rdb_vector *answer = rdb_program_result(rules->checks[i], 0);
        if (!rdb_vector_is_null(answer, 0) && RDB_AT(answer, uint8_t, 0))
            continue;
        if (check->name[0] != '\0')
            return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "%s row violates row-level security policy \"%s\" (USING expression) for table \"%s\"", kind, check->name, relation->name);
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "%s row violates row-level security policy (USING expression) for table \"%s\"", kind, relation->name);
    }
    return true;
}

/* Keys of expression indexes and predicates of partial ones, in rules->arena. *out NULL: the relation has none. */
bool exec_row_rules_index_values(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, const rdb_index_values **out, rdb_error *err)
{
    const rdb_relation *relation = rules->plan->relation;
    *out = NULL;
    if (!rules->has_index_values)
        return true;
    rdb_index_values *all = RDB_NEW_ARRAY(rules->arena, rdb_index_values, relation->index_count);
    rdb_batch row = row_batch(rules, values, is_null);
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        uint32_t good = 0;
        if (rules->predicates[i] != NULL) {
            if (!rdb_program_run(rules->predicates[i], &rules->x->eval, rules->arena, &row, &row.selection, &good, err))
                return false;
            const rdb_vector *answer = rdb_program_result(rules->predicates[i], 0);
            all[i].is_excluded = rdb_vector_is_null(answer, 0) || !RDB_AT(answer, uint8_t, 0);
        }
        if (rules->keys[i] == NULL || all[i].is_excluded)
            continue;
        if (!rdb_program_run(rules->keys[i], &rules->x->eval, rules->arena, &row, &row.selection, &good, err))
            return false;
        rdb_datum *keys = RDB_NEW_ARRAY(rules->arena, rdb_datum, index->column_count);
        bool *nulls = RDB_NEW_ARRAY(rules->arena, bool, index->column_count);
        uint32_t expression_no = 0;
        for (uint16_t k = 0; k < index->column_count; k++) {
            int16_t number = index->columns[k].column_number;
            if (number != 0) {
                keys[k] = values[number - 1];
                nulls[k] = is_null[number - 1];
                continue;
            }
            const rdb_vector *value = rdb_program_result(rules->keys[i], expression_no++);
            nulls[k] = rdb_vector_is_null(value, 0);
            if (!nulls[k] && !rdb_datum_copy(rules->arena, (rdb_rep)value->rep, rdb_vector_get(value, 0), &keys[k], err))
                return false;
        }
        all[i].values = keys;
        all[i].is_null = nulls;
    }
    *out = all;
    return true;
}

/* rdb_row_writer's compute_index: the same for a row that a unique check met. */
bool exec_row_rules_compute_index(void *rules_at, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err)
{
    exec_row_rules *rules = rules_at;
    const rdb_index_values *all = NULL;
    *index_values = (rdb_index_values){0};
    if (!exec_row_rules_index_values(rules, values, is_null, &all, err))
        return false;
    for (uint16_t i = 0; all != NULL && i < rules->plan->relation->index_count; i++)
        if (rules->plan->relation->indexes[i].oid == index->oid)
            *index_values = all[i];
    return true;
}

bool exec_row_rules_name_expression(void *rules_at, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text)
{
    const exec_row_rules *rules = rules_at;
    const rdb_deparse_style style = {.access = rules->x->context.access, .format = rules->x->context.format, .is_pretty = true, .breaks_lines = true};
    return rdb_index_show_expression(&style, rules->arena, rules->plan->relation, index, column_no, text);
}
