/* SPDX-License-Identifier: Apache-2.0
 * Functions that print what the catalogs hold as SQL: pg_get_expr, pg_get_constraintdef, pg_get_indexdef and kin. */
#include "command/command_int.h"
#include "expr/kernels.h"

static bool put_stored(rdb_call *call, const char *tree, const rdb_relation *relation, rdb_strbuf *text)
{
    rdb_expr *expr = NULL;
    rdb_access *access = rdb_eval_of(call)->access;
    return rdb_tree_read_expr(call->arena, access, tree, &expr, call->err) && rdb_deparse_expr(access, expr, relation, false, text, call->err);
}

static bool give(rdb_call *call, const rdb_strbuf *text, rdb_datum *result)
{
    return rdb_strbuf_check(text, call->err) && expr_set_text(call, text->length > 0 ? text->data : "", text->length, result);
}

static bool get_expr_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    rdb_strbuf text;
    (void)nulls;
    rdb_strbuf_init(&text, call->arena);
    if (a[1].oid != 0 && !rdb_relation_get(rdb_eval_of(call)->access, a[1].oid, &relation, call->err))
        return false;
    *is_null = a[1].oid != 0 && relation == NULL;
    return *is_null || (put_stored(call, expr_get_text(call, a[0]), relation, &text) && give(call, &text, result));
}
EXPR_ROW_KERNEL(get_expr, 2)

static void put_columns(const rdb_relation *relation, const int16_t *numbers, uint16_t count, rdb_strbuf *text)
{
    rdb_strbuf_addc(text, '(');
    for (uint16_t i = 0; i < count; i++) {
        if (i > 0)
            rdb_strbuf_adds(text, ", ");
        rdb_deparse_name(relation->columns[numbers[i] - 1].name, text);
    }
    rdb_strbuf_addc(text, ')');
}

static bool put_table_name(rdb_call *call, const rdb_relation *relation, bool always_schema, rdb_strbuf *text)
{
    bool visible = false;
    if (!rdb_relation_is_visible(rdb_eval_of(call)->access, relation->oid, &visible, call->err))
        return false;
    if (!visible || always_schema) {
        rdb_deparse_name(relation->namespace_name, text);
        rdb_strbuf_addc(text, '.');
    }
    rdb_deparse_name(relation->name, text);
    return true;
}

static const char *action_text(char action)
{
    switch (action) {
    case 'c':
        return "CASCADE";
    case 'n':
        return "SET NULL";
    case 'd':
        return "SET DEFAULT";
    case 'r':
        return "RESTRICT";
    default:
        return NULL;
    }
}

static bool put_constraint(rdb_call *call, const rdb_relation *relation, const rdb_constraint *constraint, rdb_strbuf *text)
{
    const rdb_relation *target = NULL;
    switch (constraint->kind) {
    case 'c':
        rdb_strbuf_adds(text, "CHECK (");
        if (!put_stored(call, constraint->check_tree, relation, text))
            return false;
        rdb_strbuf_addc(text, ')');
        break;
    case 'p':
    case 'u':
        rdb_strbuf_adds(text, constraint->kind == 'p' ? "PRIMARY KEY " : "UNIQUE ");
        put_columns(relation, constraint->columns, constraint->column_count, text);
        break;
    case 'f':
        rdb_strbuf_adds(text, "FOREIGN KEY ");
        put_columns(relation, constraint->columns, constraint->column_count, text);
        if (!rdb_relation_get(rdb_eval_of(call)->access, constraint->foreign_relation_oid, &target, call->err))
            return false;
        rdb_strbuf_adds(text, " REFERENCES ");
        if (target == NULL || !put_table_name(call, target, false, text))
            return target == NULL;
        put_columns(target, constraint->foreign_columns, constraint->column_count, text);
        if (constraint->match == 'f')
            rdb_strbuf_adds(text, " MATCH FULL");
        if (action_text(constraint->on_update) != NULL)
            rdb_strbuf_addf(text, " ON UPDATE %s", action_text(constraint->on_update));
        if (action_text(constraint->on_delete) != NULL)
            rdb_strbuf_addf(text, " ON DELETE %s", action_text(constraint->on_delete));
        break;
    default:
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "constraint \"%s\" cannot be printed yet", constraint->name);
    }
    if (constraint->is_deferrable)
        rdb_strbuf_adds(text, constraint->is_deferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE");
    if (!constraint->is_validated)
        rdb_strbuf_adds(text, " NOT VALID");
    return true;
}

/* One column of a system table's row, found by OID. */
static bool relation_of(rdb_call *call, uint32_t catalog_oid, uint32_t index_oid, uint32_t oid, uint16_t column_no, const rdb_relation **relation)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum value;
    bool is_null = false, found = false;
    *relation = NULL;
    if (!expr_read_catalog(call, catalog_oid, index_oid, &key, 1, column_no, RDB_REP_INT32, &value, &is_null, &found))
        return false;
    return !found || is_null || rdb_relation_get(rdb_eval_of(call)->access, value.oid, relation, call->err);
}

static bool get_constraintdef_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    enum { CONSTRAINT_OID_INDEX = 2667, CONRELID = 8 };
    const rdb_relation *relation = NULL;
    rdb_strbuf text;
    (void)nulls;
    rdb_strbuf_init(&text, call->arena);
    *is_null = true;
    if (!relation_of(call, RDB_PG_CONSTRAINT, CONSTRAINT_OID_INDEX, a[0].oid, CONRELID, &relation))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->constraint_count; i++)
        if (relation->constraints[i].oid == a[0].oid) {
            *is_null = false;
            return put_constraint(call, relation, &relation->constraints[i], &text) && give(call, &text, result);
        }
    return true;
}
EXPR_ROW_KERNEL(get_constraintdef, 1)

static bool put_index_column(rdb_call *call, const rdb_relation *table, const rdb_relation_index *index, uint16_t column_no, bool with_order, rdb_strbuf *text)
{
    const rdb_index_column *column = &index->columns[column_no];
    if (column->column_number != 0) {
        rdb_deparse_name(table->columns[column->column_number - 1].name, text);
    } else {
        rdb_expr *list = NULL;
        uint16_t expr_no = 0;
        for (uint16_t i = 0; i < column_no; i++)
            expr_no += index->columns[i].column_number == 0;
        if (!rdb_tree_read_expr(call->arena, rdb_eval_of(call)->access, index->expression_tree, &list, call->err))
            return false;
        if (list->kind == RDB_EXPR_ROW)
            list = ((rdb_expr_row *)list)->fields.items[expr_no];
        bool is_call = list->kind == RDB_EXPR_FUNCTION && ((rdb_expr_function *)list)->operator_oid == 0;
        if (!is_call)
            rdb_strbuf_addc(text, '(');
        if (!rdb_deparse_expr(rdb_eval_of(call)->access, list, table, false, text, call->err))
            return false;
        if (!is_call)
            rdb_strbuf_addc(text, ')');
    }
    if (with_order && column_no < index->key_count) {
        if (column->is_descending)
            rdb_strbuf_adds(text, column->nulls_first ? " DESC" : " DESC NULLS LAST");
        else if (column->nulls_first)
            rdb_strbuf_adds(text, " NULLS FIRST");
    }
    return true;
}

static bool put_index(rdb_call *call, const rdb_relation *table, const rdb_relation_index *index, rdb_strbuf *text)
{
    rdb_strbuf_addf(text, "CREATE %sINDEX ", index->is_unique ? "UNIQUE " : "");
    rdb_deparse_name(index->name, text);
    rdb_strbuf_adds(text, " ON ");
    if (!put_table_name(call, table, true, text))
        return false;
    rdb_strbuf_adds(text, " USING btree (");
    for (uint16_t i = 0; i < index->column_count; i++) {
        if (i == index->key_count)
            rdb_strbuf_adds(text, ") INCLUDE (");
        else if (i > 0)
            rdb_strbuf_adds(text, ", ");
        if (!put_index_column(call, table, index, i, true, text))
            return false;
    }
    rdb_strbuf_addc(text, ')');
    if (index->index.nulls_not_distinct)
        rdb_strbuf_adds(text, " NULLS NOT DISTINCT");
    if (index->predicate_tree == NULL)
        return true;
    rdb_strbuf_adds(text, " WHERE ");
    return put_stored(call, index->predicate_tree, table, text);
}

static bool find_index(rdb_call *call, uint32_t oid, const rdb_relation **table, const rdb_relation_index **index)
{
    const rdb_relation *relation = NULL;
    *index = NULL;
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, &relation, call->err))
        return false;
    if (relation == NULL || relation->kind != 'i' || !rdb_relation_get(rdb_eval_of(call)->access, relation->index_of, table, call->err))
        return !rdb_error_is_set(call->err);
    for (uint16_t i = 0; *table != NULL && i < (*table)->index_count; i++)
        if ((*table)->indexes[i].oid == oid)
            *index = &(*table)->indexes[i];
    return true;
}

static bool get_indexdef_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *table = NULL;
    const rdb_relation_index *index = NULL;
    rdb_strbuf text;
    (void)nulls;
    rdb_strbuf_init(&text, call->arena);
    if (!find_index(call, a[0].oid, &table, &index))
        return false;
    *is_null = index == NULL;
    return *is_null || (put_index(call, table, index, &text) && give(call, &text, result));
}
EXPR_ROW_KERNEL(get_indexdef, 1)

/* The second argument names one column, 0: the whole. */
static bool get_indexdef_column_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *table = NULL;
    const rdb_relation_index *index = NULL;
    rdb_strbuf text;
    if (a[1].i32 == 0)
        return get_indexdef_row(call, a, nulls, result, is_null);
    rdb_strbuf_init(&text, call->arena);
    if (!find_index(call, a[0].oid, &table, &index))
        return false;
    *is_null = index == NULL || a[1].i32 < 0 || a[1].i32 > index->column_count;
    return *is_null || (put_index_column(call, table, index, (uint16_t)(a[1].i32 - 1), false, &text) && give(call, &text, result));
}
EXPR_ROW_KERNEL(get_indexdef_column, 3)

/* Publications are not there yet: no relation can be part of one. */
static bool is_publishable_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call;
    (void)a;
    (void)nulls;
    (void)is_null;
    result->b = 0;
    return true;
}
EXPR_ROW_KERNEL(is_publishable, 1)

void rdb_command_register(void)
{
    static const rdb_kernel_entry KERNELS[] = {
        {1716, get_expr, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2509, get_expr, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {1387, get_constraintdef, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2508, get_constraintdef, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {1643, get_indexdef, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {2507, get_indexdef_column, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
        {6121, is_publishable, 0},
    };
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
}
