/* SPDX-License-Identifier: Apache-2.0
 * Analysed trees made by hand, and what a query gives as text: for tests of the planner and the executor that need neither
 * the parser nor the analyser. */
#ifndef EXEC_BUILDER_H
#define EXEC_BUILDER_H

#include "../catalog/fixture.h"

#include "exec/rdb_exec.h"

typedef struct maker { /* one session that makes queries and runs them */
    session s;
    rdb_arena *arena;
    rdb_query *query;
} maker;

static inline maker maker_begin(instance *f)
{
    maker m = {.s = session_begin(f), .arena = rdb_arena_create("maker", NULL, NULL)};
    return m;
}

static inline void maker_end(maker *m, bool commit)
{
    if (commit)
        session_commit(&m->s);
    else
        session_abort(&m->s);
    rdb_arena_destroy(m->arena);
}

static inline const rdb_type *type_of(maker *m, uint32_t oid)
{
    const rdb_type *type = NULL;
    MUST(m->s.f, rdb_type_get(m->s.access, oid, &type, &m->s.f->err));
    assert_non_null(type);
    return type;
}

static inline rdb_expr head_of(maker *m, rdb_expr_kind kind, uint32_t type_oid)
{
    const rdb_type *type = type_of(m, type_oid);
    return (rdb_expr){.kind = (uint8_t)kind, .location = -1, .type = type, .typmod = -1, .collation = type->collation};
}

static inline rdb_expr *integer(maker *m, int32_t value)
{
    rdb_expr_const *e = RDB_NEW(m->arena, rdb_expr_const);
    e->head = head_of(m, RDB_EXPR_CONST, RDB_INT4OID);
    e->value.i32 = value;
    return &e->head;
}

static inline rdb_expr *bigint(maker *m, int64_t value)
{
    rdb_expr_const *e = RDB_NEW(m->arena, rdb_expr_const);
    e->head = head_of(m, RDB_EXPR_CONST, RDB_INT8OID);
    e->value.i64 = value;
    return &e->head;
}

static inline rdb_expr *null_of(maker *m, uint32_t type_oid)
{
    rdb_expr_const *e = RDB_NEW(m->arena, rdb_expr_const);
    e->head = head_of(m, RDB_EXPR_CONST, type_oid);
    e->is_null = true;
    return &e->head;
}

static inline rdb_expr *text(maker *m, uint32_t type_oid, const char *value)
{
    rdb_expr_const *e = RDB_NEW(m->arena, rdb_expr_const);
    e->head = head_of(m, RDB_EXPR_CONST, type_oid);
    e->value.bytes = (rdb_bytes){.data = (const uint8_t *)rdb_arena_strdup(m->arena, value), .length = (uint32_t)strlen(value)};
    return &e->head;
}

static inline rdb_expr *parameter(maker *m, uint32_t number, uint32_t type_oid)
{
    rdb_expr_param *e = RDB_NEW(m->arena, rdb_expr_param);
    e->head = head_of(m, RDB_EXPR_PARAM, type_oid);
    e->param_kind = RDB_PARAM_EXTERNAL;
    e->param_no = number;
    return &e->head;
}

static inline const rdb_function *function_of(maker *m, uint32_t oid)
{
    const rdb_function *function = NULL;
    MUST(m->s.f, rdb_function_get(m->s.access, oid, &function, &m->s.f->err));
    assert_non_null(function);
    return function;
}

static inline rdb_expr *call(maker *m, uint32_t function_oid, rdb_expr *left, rdb_expr *right)
{
    rdb_expr_function *e = RDB_NEW(m->arena, rdb_expr_function);
    e->function = function_of(m, function_oid);
    e->head = head_of(m, RDB_EXPR_FUNCTION, e->function->return_type);
    if (left != NULL)
        rdb_list_push(m->arena, &e->arguments, left);
    if (right != NULL)
        rdb_list_push(m->arena, &e->arguments, right);
    return &e->head;
}

/* left op right by the operator's name and the operands' types. */
static inline rdb_expr *op(maker *m, rdb_expr *left, const char *name, rdb_expr *right)
{
    const rdb_operator_entry *const *found = NULL;
    uint32_t count = 0;
    MUST(m->s.f, rdb_operator_find(m->s.access, "pg_catalog", name, &found, &count, &m->s.f->err));
    for (uint32_t i = 0; i < count; i++) {
        if (found[i]->left_type != left->type->oid || found[i]->right_type != right->type->oid)
            continue;
        rdb_expr_function *e = (rdb_expr_function *)call(m, found[i]->function_oid, left, right);
        e->operator_oid = found[i]->oid;
        e->form = RDB_FORM_OPERATOR;
        e->input_collation = left->collation;
        return &e->head;
    }
    fprintf(stderr, "no operator %s %s %s\n", left->type->name, name, right->type->name);
    abort();
}

static inline rdb_expr *junction(maker *m, rdb_bool_kind kind, rdb_expr *left, rdb_expr *right)
{
    rdb_expr_bool *e = RDB_NEW(m->arena, rdb_expr_bool);
    e->head = head_of(m, RDB_EXPR_BOOL, RDB_BOOLOID);
    e->bool_kind = (uint8_t)kind;
    rdb_list_push(m->arena, &e->arguments, left);
    if (right != NULL)
        rdb_list_push(m->arena, &e->arguments, right);
    return &e->head;
}

static inline rdb_expr *aggregate(maker *m, uint32_t function_oid, rdb_expr *argument)
{
    rdb_expr_aggregate *e = RDB_NEW(m->arena, rdb_expr_aggregate);
    e->function = function_of(m, function_oid);
    e->head = head_of(m, RDB_EXPR_AGGREGATE, e->function->return_type);
    e->is_star = argument == NULL;
    if (argument != NULL) {
        rdb_target *target = RDB_NEW(m->arena, rdb_target);
        target->expr = argument;
        rdb_list_push(m->arena, &e->arguments, target);
    }
    return &e->head;
}

/* ---- queries ----------------------------------------------------------------------------------------------------------- */
static inline rdb_query *query_begin(maker *m, rdb_command command)
{
    m->query = RDB_NEW(m->arena, rdb_query);
    m->query->command = (uint8_t)command;
    return m->query;
}

static inline uint32_t range_add(maker *m, rdb_range *range)
{
    rdb_list_push(m->arena, &m->query->ranges, range);
    return m->query->ranges.count;
}

static inline uint32_t range_relation(maker *m, const char *schema, const char *name)
{
    rdb_range *range = RDB_NEW(m->arena, rdb_range);
    range->kind = RDB_RANGE_RELATION;
    range->alias = name;
    MUST(m->s.f, rdb_relation_find(m->s.access, schema, name, &range->relation, &m->s.f->err));
    assert_non_null(range->relation);
    return range_add(m, range);
}

static inline rdb_from *from_range(maker *m, uint32_t range_no)
{
    rdb_from *from = RDB_NEW(m->arena, rdb_from);
    from->range_no = range_no;
    return from;
}

static inline rdb_from *from_join(maker *m, rdb_join_kind kind, rdb_from *left, rdb_from *right, rdb_expr *condition)
{
    rdb_from *from = RDB_NEW(m->arena, rdb_from);
    *from = (rdb_from){.is_join = true, .join_kind = (uint8_t)kind, .left = left, .right = right, .condition = condition};
    return from;
}

static inline rdb_expr *column_up(maker *m, const rdb_query *owner, uint32_t range_no, const char *name, uint16_t levels_up)
{
    const rdb_relation *relation = ((const rdb_range *)owner->ranges.items[range_no - 1])->relation;
    for (uint16_t i = 0; i < relation->column_count; i++) {
        if (strcmp(relation->columns[i].name, name) != 0)
            continue;
        rdb_expr_var *e = RDB_NEW(m->arena, rdb_expr_var);
        e->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = relation->columns[i].type, .typmod = relation->columns[i].typmod, .collation = relation->columns[i].collation};
        e->range_no = range_no;
        e->attribute_no = (int16_t)(i + 1);
        e->levels_up = levels_up;
        return &e->head;
    }
    fprintf(stderr, "no column %s\n", name);
    abort();
}

static inline rdb_expr *column(maker *m, uint32_t range_no, const char *name)
{
    return column_up(m, m->query, range_no, name, 0);
}

static inline rdb_target *target_add(maker *m, rdb_list *list, rdb_expr *expr)
{
    rdb_target *target = RDB_NEW(m->arena, rdb_target);
    target->expr = expr;
    target->name = "?column?";
    rdb_list_push(m->arena, list, target);
    target->number = (int16_t)list->count;
    return target;
}

static inline rdb_target *select_add(maker *m, rdb_expr *expr)
{
    return target_add(m, &m->query->targets, expr);
}

static inline void sort_add(maker *m, rdb_list *items, rdb_target *target, bool descending)
{
    rdb_sort_item *item = RDB_NEW(m->arena, rdb_sort_item);
    if (target->sort_ref == 0)
        for (uint32_t i = 0; i < m->query->targets.count; i++)
            if (m->query->targets.items[i] == target)
                target->sort_ref = i + 1;
    *item = (rdb_sort_item){.target_ref = target->sort_ref, .is_descending = descending, .nulls_first = descending, .can_hash = true};
    rdb_list_push(m->arena, items, item);
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */
static inline rdb_plan *plan_of(maker *m)
{
    rdb_plan *plan = NULL;
    const rdb_plan_context context = {.arena = m->arena, .access = m->s.access, .format = rdb_format_default()};
    MUST(m->s.f, rdb_plan_make(&context, m->query, &plan, &m->s.f->err));
    return plan;
}

static inline rdb_execution_context context_of(maker *m, rdb_snapshot *snapshot)
{
    rdb_txn_take_snapshot(m->s.txn, snapshot);
    return (rdb_execution_context){.txn = m->s.txn, .snapshot = snapshot, .access = m->s.access, .format = rdb_format_default(), .session_user = "admin", .current_user = "admin", .database_name = "rustydb"};
}

static inline void add_batch(maker *m, const rdb_plan *plan, const rdb_batch *batch, rdb_eval *eval, rdb_strbuf *out)
{
    RDB_FOR_SELECTED (&batch->selection, row) {
        for (uint32_t c = 0; c < batch->column_count; c++) {
            const rdb_type *type = ((const rdb_target *)plan->result_targets->items[c])->expr->type;
            const char *value = "NULL";
            if (!rdb_vector_is_null(batch->columns[c], row))
                MUST(m->s.f, rdb_expr_value_to_text(eval, m->arena, type, rdb_vector_get(batch->columns[c], row), &value, &m->s.f->err));
            rdb_strbuf_addf(out, "%s%s", c ? "|" : "", value);
        }
        rdb_strbuf_addc(out, '\n');
    }
}

/* Runs the query and gives its rows, a line each. On an error: what came before it, then "ERROR <sqlstate> <message>". */
static inline const char *run_plan(maker *m, const rdb_plan *plan, const rdb_parameter *parameters, uint32_t parameter_count, uint64_t budget, uint64_t *written)
{
    rdb_snapshot snapshot;
    rdb_execution_context context = context_of(m, &snapshot);
    rdb_execution *execution = NULL;
    rdb_eval eval = {.format = rdb_format_default(), .access = m->s.access};
    rdb_strbuf out;
    bool done = false, ok;
    rdb_strbuf_init(&out, m->arena);
    rdb_strbuf_adds(&out, "");
    context.parameters = parameters;
    context.parameter_count = parameter_count;
    ok = rdb_execution_open(&execution, plan, &context, &m->s.f->err);
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(execution, budget, &batch, &done, &m->s.f->err);
        if (ok)
            add_batch(m, plan, batch, &eval, &out);
    }
    if (!ok) {
        rdb_strbuf_addf(&out, "ERROR %s %s%s%s", m->s.f->err.sqlstate, rdb_error_message(&m->s.f->err), m->s.f->err.detail[0] ? " / " : "", m->s.f->err.detail);
        rdb_error_clear(&m->s.f->err);
    }
    if (written != NULL)
        *written = execution ? rdb_execution_row_count(execution) : 0;
    rdb_execution_close(&execution);
    return out.data;
}

static inline const char *run(maker *m)
{
    return run_plan(m, plan_of(m), NULL, 0, 0, NULL);
}

/* The kinds of the plan's nodes from the root down, left before right: "Limit(Sort(Seq Scan))". */
static inline void add_shape(const rdb_plan_node *node, rdb_strbuf *out)
{
    rdb_strbuf_adds(out, rdb_plan_node_name(node));
    if (node->left == NULL && node->children.count == 0)
        return;
    rdb_strbuf_addc(out, '(');
    if (node->left != NULL)
        add_shape(node->left, out);
    if (node->right != NULL) {
        rdb_strbuf_addc(out, ',');
        add_shape(node->right, out);
    }
    for (uint32_t i = 0; i < node->children.count; i++) {
        if (i > 0)
            rdb_strbuf_addc(out, ',');
        add_shape(node->children.items[i], out);
    }
    rdb_strbuf_addc(out, ')');
}

static inline const char *shape(maker *m, const rdb_plan *plan)
{
    rdb_strbuf out;
    rdb_strbuf_init(&out, m->arena);
    add_shape(plan->root, &out);
    return out.data;
}

/* CREATE TABLE name (columns ...): type oids, name by position a, b, c, ...; the first is the primary key where asked. */
static inline uint32_t create_table(maker *m, const char *name, const uint32_t *types, uint16_t count, bool has_key)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    rdb_column_definition columns[5] = {0};
    uint32_t oid = 0;
    for (uint16_t i = 0; i < count; i++)
        columns[i] = (rdb_column_definition){.name = names[i], .type = type_of(m, types[i]), .typmod = -1, .collation = type_of(m, types[i])->collation, .not_null = has_key && i == 0};
    const rdb_relation_definition definition = {.name = name, .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r', .persistence = 'p', .columns = columns, .column_count = count};
    MUST(m->s.f, rdb_ddl_create_relation(m->s.access, &definition, &oid, &m->s.f->err));
    if (has_key) {
        uint32_t opclass = 0, index_oid = 0;
        MUST(m->s.f, rdb_opclass_default(m->s.access, types[0], &opclass, &m->s.f->err));
        const rdb_index_column key = {.column_number = 1, .type = type_of(m, types[0]), .collation = type_of(m, types[0])->collation, .opclass_oid = opclass};
        char *index_name = rdb_arena_printf(m->arena, "%s_pkey", name);
        const char *const key_names[] = {"a"};
        const rdb_index_definition index = {.name = index_name, .table_oid = oid, .is_unique = true, .is_primary = true, .is_immediate = true, .columns = &key, .key_count = 1, .column_count = 1, .column_names = key_names};
        MUST(m->s.f, rdb_ddl_create_index(m->s.access, &index, &index_oid, &m->s.f->err));
        MUST(m->s.f, rdb_ddl_build_index(m->s.access, index_oid, NULL, &m->s.f->err));
    }
    return oid;
}

/* A VALUES range over rows of integers: row r is first[r], second[r]. */
static inline uint32_t range_values(maker *m, const int32_t (*rows)[2], uint32_t count)
{
    rdb_range *range = RDB_NEW(m->arena, rdb_range);
    range->kind = RDB_RANGE_VALUES;
    range->alias = "*VALUES*";
    for (int c = 0; c < 2; c++)
        rdb_list_push(m->arena, &range->column_types, (void *)(uintptr_t)type_of(m, RDB_INT4OID));
    for (uint32_t i = 0; i < count; i++) {
        rdb_list *row = RDB_NEW(m->arena, rdb_list);
        rdb_list_push(m->arena, row, integer(m, rows[i][0]));
        rdb_list_push(m->arena, row, integer(m, rows[i][1]));
        rdb_list_push(m->arena, &range->values, row);
    }
    return range_add(m, range);
}

static inline rdb_expr *numbered(maker *m, uint32_t range_no, int16_t attribute_no, uint32_t type_oid)
{
    rdb_expr_var *e = RDB_NEW(m->arena, rdb_expr_var);
    e->head = head_of(m, RDB_EXPR_VAR, type_oid);
    e->range_no = range_no;
    e->attribute_no = attribute_no;
    return &e->head;
}

#endif
