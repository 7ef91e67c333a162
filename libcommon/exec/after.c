/* SPDX-License-Identifier: Apache-2.0
 * The AFTER queue: what foreign keys check and do when a statement is over, or at commit where they are deferred; so do
 * deferrable keys and exclusion constraints.
 *
 * Each written row notes an event for every foreign key it touches, with the key's values. Events run in the order they came,
 * as small statements of their own over a fresh snapshot: the referenced row is looked up and locked FOR KEY SHARE, so that
 * it stays; referencing rows are looked for, deleted or changed. Those statements note and run events of their own. */
#include "exec/exec_modify.h"
#include "os/rdb_thread.h"

typedef enum after_kind { AFTER_CHECK_PARENT, AFTER_PARENT_DELETED, AFTER_PARENT_UPDATED, AFTER_CHECK_UNIQUE, AFTER_CHECK_EXCLUSION } after_kind;

typedef struct after_event {
    uint8_t kind;
    uint32_t level;             /* savepoint level it was noted in (deferred ones) */
    uint32_t relation_oid;      /* the table written */
    uint32_t constraint_oid;
    uint16_t key_count;
    rdb_row_address address;    /* of the row written */
    rdb_datum *keys;            /* CHECK_PARENT: the referencing columns; else: the referenced ones before the change */
    rdb_datum *new_keys;        /* PARENT_UPDATED: after it */
    bool *new_is_null;
    struct after_event *next;
} after_event;

typedef struct exec_after_queue {
    after_event *first, *last;
    rdb_arena *arena;
} exec_after_queue;

typedef struct after_statement { /* a small statement, planned once a run */
    uint32_t constraint_oid;
    uint8_t purpose, event_kind;
    rdb_plan *plan;
    rdb_execution *execution;
    struct after_statement *next;
} after_statement;

typedef struct after_runner {
    rdb_execution_context context;
    rdb_snapshot snapshot;
    rdb_parameter *parameters;
    rdb_arena *arena;
    after_statement *statements;
    rdb_error *err;
} after_runner;

/* ---- noting ------------------------------------------------------------------------------------------------------------------------ */
/* Where texts that differ can be equal, a change of the bytes alone is one: the other side may tell them apart. */
static bool same_value(const rdb_type *type, uint32_t collation, rdb_datum left, bool left_null, rdb_datum right, bool right_null)
{
    if (left_null || right_null)
        return left_null == right_null;
    if (!rdb_collation_is_deterministic(collation))
        collation = RDB_C_COLLATION_OID;
    if (type->ops != NULL && type->ops->compare != NULL)
        return type->ops->compare(type, collation, left, right) == 0;
    return false;
}

static bool keys_changed(const rdb_relation *relation, const int16_t *columns, uint16_t count, const rdb_datum *old_values, const bool *old_is_null, const rdb_datum *values, const bool *is_null)
{
    for (uint16_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)columns[i] - 1;
        const rdb_column *column = &relation->columns[at];
        if (!same_value(column->type, column->collation, old_values[at], old_is_null[at], values[at], is_null[at]))
            return true;
    }
    return false;
}

static after_event *new_event(rdb_arena *arena, const rdb_relation *relation, const rdb_constraint *constraint, after_kind kind, const int16_t *columns, const rdb_datum *values, rdb_error *err)
{
    after_event *event = RDB_NEW(arena, after_event);
    event->kind = (uint8_t)kind;
    event->relation_oid = relation->oid;
    event->constraint_oid = constraint->oid;
    event->key_count = constraint->column_count;
    event->keys = RDB_NEW_ARRAY(arena, rdb_datum, constraint->column_count + 1u);
    for (uint16_t i = 0; i < constraint->column_count && values != NULL; i++) {
        uint32_t at = (uint32_t)columns[i] - 1;
        if (!rdb_datum_copy(arena, (rdb_rep)relation->table.reps[at], values[at], &event->keys[i], err))
            return NULL;
    }
    return event;
}

static bool queue_event(rdb_execution *x, const rdb_constraint *constraint, const rdb_relation *relation, after_kind kind, rdb_row_address address, const int16_t *columns, const rdb_datum *values,
                        const rdb_datum *new_values, const bool *new_is_null, rdb_error *err)
{
    rdb_arena *arena = x->run_arena;
    exec_after_queue *queue = NULL;
    /* RESTRICT cannot be deferred; actions never are */
    bool may_defer = kind == AFTER_CHECK_PARENT || kind >= AFTER_CHECK_UNIQUE || (kind == AFTER_PARENT_DELETED ? constraint->on_delete : constraint->on_update) == 'a';
    if (may_defer && exec_constraint_is_deferred(x, constraint)) {
        queue = exec_deferred_queue(x, err);
        if (queue == NULL)
            return false;
        arena = queue->arena;
    } else {
        if (x->after == NULL) {
            x->after = RDB_NEW(x->run_arena, exec_after_queue);
            x->after->arena = x->run_arena;
        }
        queue = x->after;
    }
    after_event *event = new_event(arena, relation, constraint, kind, columns, kind >= AFTER_CHECK_UNIQUE ? NULL : values, err);
    if (event == NULL)
        return false;
    event->address = address;
    event->level = rdb_txn_current_level(x->context.txn);
    if (new_values != NULL) {
        event->new_keys = RDB_NEW_ARRAY(arena, rdb_datum, constraint->column_count + 1u);
        event->new_is_null = RDB_NEW_ARRAY(arena, bool, constraint->column_count + 1u);
        for (uint16_t i = 0; i < constraint->column_count; i++) {
            uint32_t at = (uint32_t)columns[i] - 1;
            event->new_is_null[i] = new_is_null[at];
            if (!new_is_null[at] && !rdb_datum_copy(arena, (rdb_rep)relation->table.reps[at], new_values[at], &event->new_keys[i], err))
                return false;
        }
    }
    if (queue->last != NULL)
        queue->last->next = event;
    else
        queue->first = event;
    queue->last = event;
    return rdb_arena_check(arena, err);
}

static bool note_child(rdb_execution *x, const rdb_relation *relation, const rdb_constraint *constraint, rdb_row_address address, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    uint16_t nulls = 0;
    for (uint16_t i = 0; i < constraint->column_count; i++)
        nulls += is_null[constraint->columns[i] - 1];
    if (nulls == constraint->column_count || (nulls > 0 && constraint->match != 'f'))
        return true;
    if (nulls > 0) {
        rdb_error_set(err, RDB_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", relation->name, constraint->name);
        rdb_error_detail(err, "MATCH FULL does not allow mixing of null and nonnull key values.");
        rdb_error_name(err, RDB_ERROR_SCHEMA, relation->namespace_name);
        rdb_error_name(err, RDB_ERROR_TABLE, relation->name);
        return rdb_error_name(err, RDB_ERROR_CONSTRAINT, constraint->name);
    }
    return queue_event(x, constraint, relation, AFTER_CHECK_PARENT, address, constraint->columns, values, NULL, NULL, err);
}

static const rdb_relation_index *index_of(const rdb_relation *relation, const rdb_constraint *constraint)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].oid == constraint->index_oid)
            return &relation->indexes[i];
    return NULL;
}

/* A row with the same key is looked for at once: mostly there is none, and then nothing to ask later. Who writes the same key
 * at the same time finds the entry of this row. */
static bool note_key(rdb_execution *x, const rdb_relation *relation, const rdb_constraint *constraint, rdb_row_address address, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    const rdb_relation_index *index = index_of(relation, constraint);
    rdb_row_address conflict = 0;
    if (index == NULL)
        return true;
    if (constraint->kind == 'x')
        return queue_event(x, constraint, relation, AFTER_CHECK_EXCLUSION, address, constraint->columns, NULL, NULL, NULL, err);
    const rdb_row_writer writer = {.txn = x->context.txn, .snapshot = x->context.snapshot, .relation = relation, .arena = x->run_arena, .format = x->context.format};
    if (!rdb_row_find_duplicate(&writer, index, values, is_null, address, false, &conflict, err))
        return false;
    return conflict == 0 || queue_event(x, constraint, relation, AFTER_CHECK_UNIQUE, address, constraint->columns, NULL, NULL, NULL, err);
}

bool exec_after_note(rdb_execution *x, const rdb_relation *relation, uint8_t command, rdb_row_address address, const rdb_datum *old_values, const bool *old_is_null, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    for (uint16_t i = 0; i < relation->constraint_count && command != RDB_COMMAND_DELETE && relation->kind != 'p'; i++) {
        const rdb_constraint *constraint = &relation->constraints[i];
        const bool is_key = constraint->kind == 'x' || ((constraint->kind == 'u' || constraint->kind == 'p') && constraint->is_deferrable);
        if (is_key && !note_key(x, relation, constraint, address, values, is_null, err))
            return false;
        if (constraint->kind != 'f' || constraint->is_of_referenced)
            continue;
        if (command == RDB_COMMAND_UPDATE && !keys_changed(relation, constraint->columns, constraint->column_count, old_values, old_is_null, values, is_null))
            continue;
        if (!note_child(x, relation, constraint, address, values, is_null, err))
            return false;
    }
    for (uint16_t i = 0; i < relation->referrer_count && command != RDB_COMMAND_INSERT; i++) {
        const rdb_constraint *constraint = &relation->referrers[i];
        bool any_null = constraint->is_of_referencing;
        for (uint16_t k = 0; k < constraint->column_count; k++)
            any_null = any_null || old_is_null[constraint->foreign_columns[k] - 1];
        if (any_null || (command == RDB_COMMAND_UPDATE && !keys_changed(relation, constraint->foreign_columns, constraint->column_count, old_values, old_is_null, values, is_null)))
            continue;
        if (!queue_event(x, constraint, relation, command == RDB_COMMAND_DELETE ? AFTER_PARENT_DELETED : AFTER_PARENT_UPDATED, address, constraint->foreign_columns, old_values,
                         command == RDB_COMMAND_UPDATE ? values : NULL, is_null, err))
            return false;
    }
    return true;
}

/* ---- the small statements ------------------------------------------------------------------------------------------------------------ */
enum { STATEMENT_LOCK_PARENT, STATEMENT_FIND_CHILD, STATEMENT_DELETE_CHILD, /* FIND_CHILD: by the parent's key */ STATEMENT_SET_NULL, STATEMENT_SET_DEFAULT, STATEMENT_SET_NEW, STATEMENT_FIND_PARENT };

static rdb_expr *make_column(rdb_arena *arena, const rdb_relation *relation, int16_t number)
{
    const rdb_column *column = &relation->columns[number - 1];
    rdb_expr_var *var = RDB_NEW(arena, rdb_expr_var);
    var->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
    var->range_no = 1;
    var->attribute_no = number;
    return &var->head;
}

static rdb_expr *make_external(rdb_arena *arena, const rdb_column *column, uint32_t number)
{
    rdb_expr_param *param = RDB_NEW(arena, rdb_expr_param);
    param->head = (rdb_expr){.kind = RDB_EXPR_PARAM, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
    param->param_kind = RDB_PARAM_EXTERNAL;
    param->param_no = number;
    return &param->head;
}

static rdb_expr *relabel(rdb_arena *arena, rdb_expr *argument, const rdb_type *type)
{
    if (argument->type->oid == type->oid)
        return argument;
    rdb_expr_unary *label = RDB_NEW(arena, rdb_expr_unary);
    label->head = (rdb_expr){.kind = RDB_EXPR_RELABEL, .location = -1, .type = type, .typmod = -1, .collation = argument->collation};
    label->argument = argument;
    return &label->head;
}

/* An implicit cast, where there is one. */
static bool convert(after_runner *r, const rdb_type *type, rdb_expr **expr)
{
    const rdb_cast_entry *cast = NULL;
    const rdb_function *function = NULL;
    if (!rdb_cast_find(r->context.access, (*expr)->type->oid, type->oid, &cast, r->err))
        return false;
    if (cast == NULL || cast->context != 'i' || cast->function_oid == 0)
        return true;
    if (!rdb_function_get(r->context.access, cast->function_oid, &function, r->err) || function == NULL)
        return !rdb_error_is_set(r->err);
    rdb_expr_function *call = RDB_NEW(r->arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = type, .typmod = -1};
    call->function = function;
    call->form = RDB_FORM_IMPLICIT_CAST;
    rdb_list_push(r->arena, &call->arguments, *expr);
    *expr = &call->head;
    return true;
}

/* left = right by the default order's equality, the two types' own or text's for what is held as text. */
static bool make_equality(after_runner *r, rdb_expr *left, rdb_expr *right, uint32_t collation, const rdb_type *result, rdb_expr **out)
{
    rdb_access *access = r->context.access;
    uint32_t operator_oid = 0;
    const rdb_operator_entry *entry = NULL;
    const rdb_function *function = NULL;
    if (!rdb_opclass_operator(access, left->type->oid, right->type->oid, 3, &operator_oid, r->err))
        return false;
    if (operator_oid == 0 && left->type->rep == RDB_REP_BYTES && right->type->rep == RDB_REP_BYTES) {
        const rdb_type *text = NULL;
        if (!rdb_type_get(access, RDB_TEXTOID, &text, r->err))
            return false;
        left = relabel(r->arena, left, text);
        right = relabel(r->arena, right, text);
        if (!rdb_opclass_operator(access, RDB_TEXTOID, RDB_TEXTOID, 3, &operator_oid, r->err))
            return false;
    }
    if (operator_oid == 0 && (!convert(r, left->type, &right) || (right->type->oid != left->type->oid && !convert(r, right->type, &left)) ||
                              !rdb_opclass_operator(access, left->type->oid, right->type->oid, 3, &operator_oid, r->err)))
        return false;
    if (operator_oid != 0 && (!rdb_operator_get(access, operator_oid, &entry, r->err) || !rdb_function_get(access, entry->function_oid, &function, r->err)))
        return false;
    if (function == NULL)
        return rdb_error_set(r->err, RDB_UNDEFINED_FUNCTION, "no equality operator for types %s and %s", left->type->name, right->type->name);
    rdb_expr_function *call = RDB_NEW(r->arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = result, .typmod = -1};
    call->function = function;
    call->operator_oid = operator_oid;
    call->input_collation = collation;
    call->form = RDB_FORM_OPERATOR;
    rdb_list_push(r->arena, &call->arguments, left);
    rdb_list_push(r->arena, &call->arguments, right);
    *out = &call->head;
    return true;
}

static bool make_value(after_runner *r, const rdb_relation *table, int16_t number, uint8_t purpose, const rdb_column *given, uint32_t parameter_no, rdb_expr **value)
{
    const rdb_column *column = &table->columns[number - 1];
    if (purpose == STATEMENT_SET_NEW) {
        *value = make_external(r->arena, given, parameter_no);
        return true;
    }
    *value = NULL;
    if (purpose == STATEMENT_SET_DEFAULT && !rdb_column_default(r->arena, r->context.access, column, value, r->err))
        return false;
    if (*value != NULL)
        return true;
    rdb_expr_const *null = RDB_NEW(r->arena, rdb_expr_const);
    null->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = column->type, .typmod = column->typmod, .collation = column->collation};
    null->is_null = true;
    *value = &null->head;
    return true;
}

/* table: what the statement reads or writes, columns: its columns that are compared with $1 ...; given: the columns whose
 * values the parameters are. */
static bool plan_statement(after_runner *r, uint8_t purpose, const rdb_constraint *constraint, bool is_delete, const rdb_relation *table, const int16_t *columns, const rdb_relation *source, const int16_t *given, uint16_t count, rdb_plan **plan)
{
    rdb_arena *arena = r->arena;
    rdb_query *query = RDB_NEW(arena, rdb_query);
    rdb_range *range = RDB_NEW(arena, rdb_range);
    rdb_from *from = RDB_NEW(arena, rdb_from);
    rdb_expr_bool *where = RDB_NEW(arena, rdb_expr_bool);
    const rdb_type *boolean = NULL;
    if (!rdb_type_get(r->context.access, RDB_BOOLOID, &boolean, r->err))
        return false;
    range->kind = RDB_RANGE_RELATION;
    range->alias = table->name;
    range->relation = table;
    range->is_inherited = table->kind == 'p';
    rdb_list_push(arena, &query->ranges, range);
    from->range_no = 1;
    rdb_list_push(arena, &query->from, from);
    where->head = (rdb_expr){.kind = RDB_EXPR_BOOL, .location = -1, .type = boolean, .typmod = -1};
    where->bool_kind = RDB_BOOL_AND;
    for (uint16_t i = 0; i < count; i++) {
        rdb_expr *equality = NULL;
        /* Keys are compared as the parent's column has it. */
        const bool is_parent = purpose == STATEMENT_LOCK_PARENT || purpose == STATEMENT_FIND_PARENT;
        const uint32_t collation = is_parent ? table->columns[columns[i] - 1].collation : source->columns[given[i] - 1].collation;
        if (!make_equality(r, make_column(arena, table, columns[i]), make_external(arena, &source->columns[given[i] - 1], i + 1u), collation, boolean, &equality))
            return false;
        rdb_list_push(arena, &where->arguments, equality);
    }
    query->where = &where->head;
    query->command = purpose == STATEMENT_DELETE_CHILD ? RDB_COMMAND_DELETE : purpose >= STATEMENT_SET_NULL && purpose <= STATEMENT_SET_NEW ? RDB_COMMAND_UPDATE : RDB_COMMAND_SELECT;
    if (query->command == RDB_COMMAND_SELECT) {
        rdb_target *target = RDB_NEW(arena, rdb_target);
        target->expr = make_column(arena, table, columns[0]);
        target->name = "?column?";
        rdb_list_push(arena, &query->targets, target);
        if (purpose == STATEMENT_LOCK_PARENT) {
            rdb_row_mark *mark = RDB_NEW(arena, rdb_row_mark);
            *mark = (rdb_row_mark){.range_no = 1, .strength = RDB_ROW_KEY_SHARE, .policy = RDB_LOCK_WAIT};
            rdb_list_push(arena, &query->row_marks, mark);
        }
    } else {
        query->result_range_no = 1;
    }
    for (uint16_t i = 0; i < count && query->command == RDB_COMMAND_UPDATE; i++) {
        bool is_set = !is_delete || constraint->delete_set_count == 0;
        for (uint16_t k = 0; k < constraint->delete_set_count && is_delete; k++)
            is_set = is_set || constraint->delete_set_columns[k] == columns[i];
        if (!is_set)
            continue;
        rdb_target *target = RDB_NEW(arena, rdb_target);
        target->number = columns[i];
        target->name = table->columns[columns[i] - 1].name;
        if (!make_value(r, table, columns[i], purpose, &source->columns[given[i] - 1], (uint32_t)count + i + 1, &target->expr))
            return false;
        const rdb_type *wanted = table->columns[columns[i] - 1].type;
        if (target->expr->type->rep != wanted->rep)
            return rdb_error_set(r->err, RDB_FEATURE_NOT_SUPPORTED, "ON UPDATE CASCADE between types %s and %s is not supported", target->expr->type->name, wanted->name);
        target->expr = relabel(arena, target->expr, wanted);
        rdb_list_push(arena, &query->targets, target);
    }
    const rdb_plan_context context = {.arena = arena, .access = r->context.access, .format = r->context.format, .work_mem_bytes = r->context.work_mem_bytes, .reads_newest = true};
    return rdb_plan_make(&context, query, plan, r->err);
}

/* Runs the statement with the event's keys; *found: it gave or wrote a row. */
static bool run_statement(after_runner *r, uint8_t purpose, const rdb_constraint *constraint, const rdb_relation *table, const int16_t *columns, const rdb_relation *source, const int16_t *given, const after_event *event, bool *found)
{
    after_statement *statement = r->statements;
    uint16_t count = constraint->column_count;
    while (statement != NULL && (statement->constraint_oid != constraint->oid || statement->purpose != purpose || statement->event_kind != event->kind))
        statement = statement->next;
    if (statement == NULL) {
        statement = RDB_NEW(r->arena, after_statement);
        statement->constraint_oid = constraint->oid;
        statement->purpose = purpose;
        statement->event_kind = event->kind;
        if (!plan_statement(r, purpose, constraint, event->kind == AFTER_PARENT_DELETED, table, columns, source, given, count, &statement->plan))
            return false;
        statement->next = r->statements;
        r->statements = statement;
    }
    r->parameters = RDB_NEW_ARRAY(r->arena, rdb_parameter, 2u * count + 1);
    for (uint16_t i = 0; i < count; i++) {
        uint32_t type_oid = source->columns[given[i] - 1].type->oid;
        r->parameters[i] = (rdb_parameter){.value = event->keys[i], .type_oid = type_oid};
        if (event->new_keys != NULL)
            r->parameters[count + i] = (rdb_parameter){.value = event->new_keys[i], .is_null = event->new_is_null[i], .type_oid = type_oid};
    }
    r->context.parameters = r->parameters;
    r->context.parameter_count = event->new_keys != NULL ? 2u * count : count;
    rdb_txn_join_recorded(r->context.txn); /* a child or parent whose writer's locks have fallen counts, durable or not yet */
    rdb_txn_take_snapshot(r->context.txn, &r->snapshot);
    r->context.snapshot = &r->snapshot;
    rdb_txn_hold_snapshot(r->context.txn, &r->snapshot);
    bool ok = statement->execution == NULL ? rdb_execution_open(&statement->execution, statement->plan, &r->context, r->err) : rdb_execution_restart(statement->execution, &r->context, r->err);
    *found = false;
    bool reads = purpose == STATEMENT_LOCK_PARENT || purpose == STATEMENT_FIND_CHILD || purpose == STATEMENT_FIND_PARENT;
    for (bool done = false; ok && !done && !(reads && *found);) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(statement->execution, reads ? 1 : 0, &batch, &done, r->err);
        *found = *found || (ok && batch->selection.count > 0);
    }
    rdb_txn_drop_snapshot(r->context.txn, &r->snapshot);
    if (ok)
        rdb_execution_finish(statement->execution);
    return ok;
}

static void end_runner(after_runner *r)
{
    for (after_statement *statement = r->statements; statement != NULL; statement = statement->next)
        rdb_execution_close(&statement->execution);
    r->statements = NULL;
}

/* "(a, b)=(1, 2)" */
static const char *tell_key(after_runner *r, const rdb_relation *relation, const int16_t *columns, uint16_t count, const rdb_datum *values)
{
    rdb_strbuf text;
    rdb_eval eval = {.access = r->context.access, .format = r->context.format ? r->context.format : rdb_format_default()};
    rdb_strbuf_init(&text, r->arena);
    for (int half = 0; half < 2; half++) {
        rdb_strbuf_adds(&text, half ? ")=(" : "(");
        for (uint16_t i = 0; i < count; i++) {
            const rdb_column *column = &relation->columns[columns[i] - 1];
            const char *value = column->name;
            rdb_error quiet = {0};
            if (half && !rdb_expr_value_to_text(&eval, r->arena, column->type, values[i], &value, &quiet))
                value = "?";
            rdb_error_clear(&quiet);
            rdb_strbuf_addf(&text, "%s%s", i ? ", " : "", value);
        }
    }
    rdb_strbuf_addc(&text, ')');
    return text.data ? text.data : "";
}

static bool name_constraint(const rdb_relation *table, const rdb_constraint *constraint, rdb_error *err)
{
    rdb_error_name(err, RDB_ERROR_SCHEMA, table->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, table->name);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, constraint->name);
}

/* The row noted may be gone, or have another key by now: then its own event, if any, speaks for it. */
static bool still_refers(after_runner *r, const rdb_relation *child, const rdb_constraint *constraint, const after_event *event, bool *refers)
{
    rdb_vector **vectors = NULL;
    rdb_row_version version;
    const rdb_type **types = RDB_NEW_ARRAY(r->arena, const rdb_type *, event->key_count + 1u);
    for (uint16_t i = 0; i < event->key_count; i++)
        types[i] = child->columns[constraint->columns[i] - 1].type;
    rdb_arena_mark mark = rdb_arena_get_mark(r->arena);
    if (!exec_make_vectors(r->arena, types, event->key_count, 1, &vectors, r->err) ||
        !rdb_table_fetch_latest(&child->table, r->context.txn, event->address, constraint->columns, event->key_count, r->arena, vectors, refers, &version, r->err))
        return false;
    for (uint16_t i = 0; i < event->key_count && *refers; i++) {
        const rdb_column *column = &child->columns[constraint->columns[i] - 1];
        bool is_null = rdb_vector_is_null(vectors[i], 0);
        *refers = !is_null && same_value(column->type, column->collation, event->keys[i], false, rdb_vector_get(vectors[i], 0), false);
    }
    rdb_arena_rewind(r->arena, mark);
    return true;
}

/* ---- keys and exclusions ---------------------------------------------------------------------------------------------------------- */
/* The row as it is now; found false: it is gone. */
static bool fetch_row(after_runner *r, const rdb_relation *table, rdb_row_address address, rdb_datum **values, bool **is_null, bool *found)
{
    const uint16_t count = table->column_count;
    rdb_vector **vectors = NULL;
    rdb_row_version version;
    const rdb_type **types = RDB_NEW_ARRAY(r->arena, const rdb_type *, count + 1u);
    int16_t *numbers = RDB_NEW_ARRAY(r->arena, int16_t, count + 1u), *columns = RDB_NEW_ARRAY(r->arena, int16_t, count + 1u);
    uint16_t read_count = 0;
    for (uint16_t i = 0; i < count; i++)
        if (!table->columns[i].is_dropped) {
            types[read_count] = table->columns[i].type;
            columns[read_count] = (int16_t)i;
            numbers[read_count++] = (int16_t)(i + 1);
        }
    *values = RDB_NEW_ARRAY(r->arena, rdb_datum, count + 1u);
    *is_null = RDB_NEW_ARRAY(r->arena, bool, count + 1u);
    if (!exec_make_vectors(r->arena, types, read_count, 1, &vectors, r->err) ||
        !rdb_table_fetch_latest(&table->table, r->context.txn, address, numbers, read_count, r->arena, vectors, found, &version, r->err))
        return false;
    for (uint16_t i = 0; i < count; i++)
        (*is_null)[i] = true;
    for (uint16_t i = 0; i < read_count && *found; i++) {
        (*is_null)[columns[i]] = rdb_vector_is_null(vectors[i], 0);
        if (!(*is_null)[columns[i]])
            (*values)[columns[i]] = rdb_vector_get(vectors[i], 0);
    }
    return true;
}

static bool check_unique(after_runner *r, const rdb_relation *table, const rdb_constraint *constraint, const after_event *event)
{
    const rdb_relation_index *index = index_of(table, constraint);
    rdb_datum *values = NULL, key[32];
    bool *is_null = NULL, found = false, key_is_null[32];
    rdb_row_address conflict = 0;
    if (index == NULL || !fetch_row(r, table, event->address, &values, &is_null, &found) || !found)
        return !rdb_error_is_set(r->err);
    const rdb_row_writer writer = {.txn = r->context.txn, .snapshot = r->context.snapshot, .relation = table, .lock_timeout_us = r->context.lock_timeout_us, .arena = r->arena, .format = r->context.format};
    if (!rdb_row_find_duplicate(&writer, index, values, is_null, event->address, true, &conflict, r->err))
        return false;
    if (conflict == 0)
        return true;
    for (uint16_t i = 0; i < index->key_count && i < RDB_COUNT_OF(key); i++) {
        key[i] = values[index->columns[i].column_number - 1];
        key_is_null[i] = is_null[index->columns[i].column_number - 1];
    }
    return rdb_index_report_duplicate(&writer, index, key, key_is_null, r->err);
}

/* The row's own columns become the statement's parameters, by number. A tree that was just read, and belongs to nobody else. */
static bool make_own(void *arena, rdb_expr *expr)
{
    _Static_assert(sizeof(rdb_expr_param) <= sizeof(rdb_expr_var), "a parameter takes the place of a column");
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_visit_children(expr, make_own, arena);
    const rdb_expr head = *expr;
    const int16_t number = ((rdb_expr_var *)expr)->attribute_no;
    rdb_expr_param *param = (rdb_expr_param *)expr;
    memset(param, 0, sizeof *param);
    param->head = head;
    param->head.kind = RDB_EXPR_PARAM;
    param->param_kind = RDB_PARAM_EXTERNAL;
    param->param_no = (uint32_t)number;
    return true;
}

/* Of the index: the key's expressions over the other row and over one's own. */
static bool make_key_exprs(after_runner *r, const rdb_relation *table, const rdb_relation_index *index, bool own, rdb_expr **keys)
{
    rdb_list expressions = {0};
    uint32_t at = 0;
    if (index->expression_tree != NULL) {
        rdb_expr *list = NULL;
        if (!rdb_tree_read_expr(r->arena, r->context.access, index->expression_tree, &list, r->err))
            return false;
        if (list->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)list)->fields;
        else
            rdb_list_push(r->arena, &expressions, list);
    }
    for (uint16_t i = 0; i < index->key_count; i++) {
        keys[i] = index->columns[i].column_number > 0 ? make_column(r->arena, table, index->columns[i].column_number) : expressions.items[at++];
        if (own)
            make_own(r->arena, keys[i]);
    }
    return true;
}

static bool add_predicate(after_runner *r, const rdb_relation_index *index, bool own, rdb_list *conditions)
{
    rdb_expr *predicate = NULL;
    if (index->predicate_tree == NULL)
        return true;
    if (!rdb_tree_read_expr(r->arena, r->context.access, index->predicate_tree, &predicate, r->err))
        return false;
    if (own)
        make_own(r->arena, predicate);
    rdb_list_push(r->arena, conditions, predicate);
    return true;
}

/* SELECT ctid, the other's keys, one's own FROM table WHERE other op own AND ... */
static bool plan_exclusion(after_runner *r, const rdb_relation *table, const rdb_constraint *constraint, const rdb_relation_index *index, rdb_plan **plan)
{
    rdb_arena *arena = r->arena;
    rdb_query *query = RDB_NEW(arena, rdb_query);
    rdb_range *range = RDB_NEW(arena, rdb_range);
    rdb_from *from = RDB_NEW(arena, rdb_from);
    rdb_expr_bool *where = RDB_NEW(arena, rdb_expr_bool);
    const rdb_type *boolean = NULL, *tid = NULL;
    rdb_expr **others = RDB_NEW_ARRAY(arena, rdb_expr *, index->key_count + 1u), **own = RDB_NEW_ARRAY(arena, rdb_expr *, index->key_count + 1u);
    rdb_list shown = {0};
    if (!rdb_type_get(r->context.access, RDB_BOOLOID, &boolean, r->err) || !rdb_type_get(r->context.access, RDB_TIDOID, &tid, r->err) ||
        !make_key_exprs(r, table, index, false, others) || !make_key_exprs(r, table, index, true, own))
        return false;
    range->kind = RDB_RANGE_RELATION;
    range->alias = table->name;
    range->relation = table;
    rdb_list_push(arena, &query->ranges, range);
    from->range_no = 1;
    rdb_list_push(arena, &query->from, from);
    query->command = RDB_COMMAND_SELECT;
    where->head = (rdb_expr){.kind = RDB_EXPR_BOOL, .location = -1, .type = boolean, .typmod = -1};
    where->bool_kind = RDB_BOOL_AND;
    for (uint16_t i = 0; i < index->key_count && i < constraint->exclusion_count; i++) {
        const rdb_operator_entry *entry = NULL;
        const rdb_function *function = NULL;
        const rdb_type *left = NULL, *right = NULL;
        if (!rdb_operator_get(r->context.access, constraint->exclusion_operators[i], &entry, r->err) || entry == NULL ||
            !rdb_function_get(r->context.access, entry->function_oid, &function, r->err) || !rdb_type_get(r->context.access, entry->left_type, &left, r->err) ||
            !rdb_type_get(r->context.access, entry->right_type, &right, r->err))
            return rdb_error_is_set(r->err) ? false : rdb_error_set(r->err, RDB_INTERNAL_ERROR, "cache lookup failed for operator %u", constraint->exclusion_operators[i]);
        rdb_expr_function *call = RDB_NEW(arena, rdb_expr_function);
        call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = boolean, .typmod = -1};
        call->function = function;
        call->operator_oid = entry->oid;
        call->input_collation = index->columns[i].collation;
        call->form = RDB_FORM_OPERATOR;
        rdb_list_push(arena, &call->arguments, left != NULL && left->kind != 'p' ? relabel(arena, others[i], left) : others[i]);
        rdb_list_push(arena, &call->arguments, right != NULL && right->kind != 'p' ? relabel(arena, own[i], right) : own[i]);
        rdb_list_push(arena, &where->arguments, call);
        rdb_list_push(arena, &shown, others[i]);
    }
    if (!add_predicate(r, index, false, &where->arguments) || !add_predicate(r, index, true, &where->arguments))
        return false;
    rdb_expr_var *ctid = RDB_NEW(arena, rdb_expr_var);
    ctid->head = (rdb_expr){.kind = RDB_EXPR_VAR, .location = -1, .type = tid, .typmod = -1};
    ctid->range_no = 1;
    ctid->attribute_no = RDB_COLUMN_CTID;
    for (uint32_t i = 0; i <= 2 * shown.count; i++) {
        rdb_target *target = RDB_NEW(arena, rdb_target);
        target->expr = i == 0 ? &ctid->head : i <= shown.count ? shown.items[i - 1] : own[i - shown.count - 1];
        target->name = "?column?";
        rdb_list_push(arena, &query->targets, target);
    }
    query->where = &where->head;
    const rdb_plan_context context = {.arena = arena, .access = r->context.access, .format = r->context.format, .work_mem_bytes = r->context.work_mem_bytes,
                                     .no_seq_scan = true /* the statement may fill the table */, .reads_newest = true};
    return rdb_plan_make(&context, query, plan, r->err);
}

static const char *exclusion_key(after_runner *r, const rdb_relation *table, const rdb_relation_index *index, const rdb_batch *batch, uint32_t row, uint16_t first)
{
    rdb_strbuf text;
    rdb_list expressions = {0};
    uint32_t expression_no = 0;
    rdb_eval eval = {.access = r->context.access, .format = r->context.format ? r->context.format : rdb_format_default()};
    rdb_error quiet = {0};
    rdb_strbuf_init(&text, r->arena);
    if (index->expression_tree != NULL) {
        rdb_expr *list = NULL;
        if (rdb_tree_read_expr(r->arena, r->context.access, index->expression_tree, &list, &quiet) && list->kind == RDB_EXPR_ROW)
            expressions = ((rdb_expr_row *)list)->fields;
    }
    for (uint16_t i = 0; i < index->key_count; i++) {
        const int16_t number = index->columns[i].column_number;
        rdb_strbuf_adds(&text, i ? ", " : "(");
        if (number > 0) {
            rdb_strbuf_adds(&text, table->columns[number - 1].name);
        } else if (expression_no < expressions.count) {
            const rdb_expr *expr = expressions.items[expression_no++];
            const bool is_call = expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)expr)->operator_oid == 0;
            rdb_strbuf_adds(&text, is_call ? "" : "(");
            (void)!rdb_deparse_expr(r->context.access, expr, table, false, &text, &quiet);
            rdb_strbuf_adds(&text, is_call ? "" : ")");
        }
    }
    for (uint16_t i = 0; i < index->key_count; i++) {
        const char *value = "null";
        const rdb_vector *vector = batch->columns[first + i];
        rdb_strbuf_adds(&text, i ? ", " : ")=(");
        if (!rdb_vector_is_null(vector, row) && !rdb_expr_value_to_text(&eval, r->arena, index->columns[i].type, rdb_vector_get(vector, row), &value, &quiet))
            value = "?";
        rdb_strbuf_adds(&text, value);
    }
    rdb_strbuf_addc(&text, ')');
    rdb_error_clear(&quiet);
    return text.data ? text.data : "";
}

static bool name_exclusion(after_runner *r, const rdb_relation *table, const rdb_constraint *constraint, const rdb_relation_index *index, const rdb_batch *batch, uint32_t row)
{
    rdb_error_set(r->err, RDB_EXCLUSION_VIOLATION, "conflicting key value violates exclusion constraint \"%s\"", constraint->name);
    rdb_error_detail(r->err, "Key %s conflicts with existing key %s.", exclusion_key(r, table, index, batch, row, (uint16_t)(1 + index->key_count)), exclusion_key(r, table, index, batch, row, 1));
    return name_constraint(table, constraint, r->err);
}

/* Writers of a table with such a constraint wait for one another here: no index tells of rows that are not committed. */
static bool check_exclusion(after_runner *r, const rdb_relation *table, const rdb_constraint *constraint, const after_event *event)
{
    const rdb_relation_index *index = index_of(table, constraint);
    const rdb_lock_tag tag = {.kind = RDB_LOCK_OBJECT, .pdb = rdb_txn_pdb(r->context.txn), .a = constraint->oid};
    rdb_datum *values = NULL;
    bool *is_null = NULL, found = false, taken = false;
    after_statement *statement = r->statements;
    if (index == NULL || !rdb_lock_acquire(r->context.txn, tag, RDB_LOCK_EXCLUSIVE, RDB_LOCK_WAIT, r->context.lock_timeout_us, &taken, r->err) ||
        !fetch_row(r, table, event->address, &values, &is_null, &found) || !found)
        return !rdb_error_is_set(r->err);
    while (statement != NULL && statement->constraint_oid != constraint->oid)
        statement = statement->next;
    if (statement == NULL) {
        statement = RDB_NEW(r->arena, after_statement);
        statement->constraint_oid = constraint->oid;
        if (!plan_exclusion(r, table, constraint, index, &statement->plan))
            return false;
        statement->next = r->statements;
        r->statements = statement;
    }
    r->parameters = RDB_NEW_ARRAY(r->arena, rdb_parameter, table->column_count + 1u);
    for (uint16_t i = 0; i < table->column_count; i++)
        r->parameters[i] = (rdb_parameter){.value = values[i], .is_null = is_null[i], .type_oid = table->columns[i].is_dropped ? RDB_INT4OID : table->columns[i].type->oid};
    r->context.parameters = r->parameters;
    r->context.parameter_count = table->column_count;
    rdb_txn_join_recorded(r->context.txn); /* a child or parent whose writer's locks have fallen counts, durable or not yet */
    rdb_txn_take_snapshot(r->context.txn, &r->snapshot);
    r->context.snapshot = &r->snapshot;
    rdb_txn_hold_snapshot(r->context.txn, &r->snapshot);
    bool ok = statement->execution == NULL ? rdb_execution_open(&statement->execution, statement->plan, &r->context, r->err) : rdb_execution_restart(statement->execution, &r->context, r->err);
    for (bool done = false; ok && !done;) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(statement->execution, 0, &batch, &done, r->err);
        if (!ok)
            break;
        RDB_FOR_SELECTED (&batch->selection, row) {
            uint64_t block;
            uint16_t slot;
            const rdb_datum tid = rdb_vector_get(batch->columns[0], row);
            memcpy(&block, tid.fixed, sizeof block);
            memcpy(&slot, tid.fixed + 8, sizeof slot);
            if (ok && (block + 1 != RDB_ROW_BLOCK(event->address) || slot != RDB_ROW_SLOT(event->address) + 1))
                ok = name_exclusion(r, table, constraint, index, batch, row);
        }
    }
    rdb_txn_drop_snapshot(r->context.txn, &r->snapshot);
    if (ok)
        rdb_execution_finish(statement->execution);
    return ok;
}

static bool run_event(after_runner *r, const after_event *event)
{
    const rdb_relation *written = NULL, *parent = NULL, *child = NULL;
    const rdb_constraint *constraint = NULL;
    bool found = false;
    if (!rdb_relation_get(r->context.access, event->relation_oid, &written, r->err))
        return false;
    if (written == NULL)
        return true; /* dropped meanwhile */
    const bool is_own = event->kind == AFTER_CHECK_PARENT || event->kind >= AFTER_CHECK_UNIQUE;
    uint16_t count = is_own ? written->constraint_count : written->referrer_count;
    const rdb_constraint *all = is_own ? written->constraints : written->referrers;
    for (uint16_t i = 0; i < count; i++)
        if (all[i].oid == event->constraint_oid)
            constraint = &all[i];
    if (constraint == NULL)
        return true;
    if (event->kind >= AFTER_CHECK_UNIQUE)
        return event->kind == AFTER_CHECK_UNIQUE ? check_unique(r, written, constraint, event) : check_exclusion(r, written, constraint, event);
    if (!rdb_relation_get(r->context.access, constraint->foreign_relation_oid, &parent, r->err) || !rdb_relation_get(r->context.access, constraint->relation_oid, &child, r->err))
        return false;
    if (parent == NULL || child == NULL)
        return true;
    if (event->kind == AFTER_CHECK_PARENT) {
        if (!still_refers(r, child, constraint, event, &found))
            return false;
        if (!found)
            return true;
        if (!run_statement(r, STATEMENT_LOCK_PARENT, constraint, parent, constraint->foreign_columns, child, constraint->columns, event, &found))
            return false;
        if (found)
            return true;
        rdb_error_set(r->err, RDB_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", child->name, constraint->name);
        rdb_error_detail(r->err, "Key %s is not present in table \"%s\".", tell_key(r, child, constraint->columns, constraint->column_count, event->keys), parent->name);
        return name_constraint(child, constraint, r->err);
    }
    char action = event->kind == AFTER_PARENT_DELETED ? constraint->on_delete : constraint->on_update;
    uint8_t purpose = STATEMENT_FIND_CHILD;
    switch (action) {
    case 'c': purpose = event->kind == AFTER_PARENT_DELETED ? STATEMENT_DELETE_CHILD : STATEMENT_SET_NEW; break;
    case 'n': purpose = STATEMENT_SET_NULL; break;
    case 'd': purpose = STATEMENT_SET_DEFAULT; break;
    default: break;
    }
    if (action == 'a') { /* another row may have taken the key meanwhile */
        if (!run_statement(r, STATEMENT_FIND_PARENT, constraint, parent, constraint->foreign_columns, parent, constraint->foreign_columns, event, &found))
            return false;
        if (found)
            return true;
    }
    if (!run_statement(r, purpose, constraint, child, constraint->columns, parent, constraint->foreign_columns, event, &found))
        return false;
    if (purpose != STATEMENT_FIND_CHILD || !found)
        return true;
    rdb_error_set(r->err, RDB_FOREIGN_KEY_VIOLATION, "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"", parent->name, constraint->name, child->name);
    rdb_error_detail(r->err, "Key %s is still referenced from table \"%s\".", tell_key(r, parent, constraint->foreign_columns, constraint->column_count, event->keys), child->name);
    return name_constraint(child, constraint, r->err);
}

static bool run_queue(const rdb_execution_context *context, rdb_arena *arena, after_event *first, rdb_error *err)
{
    after_runner r = {.context = *context, .arena = arena, .err = err};
    bool ok = true;
    r.context.instrument = false;
    r.context.skips_privileges = true;
    for (const after_event *event = first; ok && event != NULL; event = event->next)
        ok = run_event(&r, event) && rdb_cancel_check(context->cancel, err);
    end_runner(&r);
    return ok;
}

bool exec_after_run(rdb_execution *x, rdb_error *err)
{
    if (x->after == NULL || x->after->first == NULL)
        return true;
    after_event *first = x->after->first;
    x->after = NULL;
    return run_queue(&x->context, x->run_arena, first, err);
}

/* ---- deferred until commit -------------------------------------------------------------------------------------------------------------- */
typedef struct deferred_queue {
    exec_after_queue queue;          /* in the transaction's arena */
    rdb_txn *txn;
    rdb_execution_context context;   /* of the statement that began it; its access is made anew */
    rdb_access_context access_context;
    bool all_set, all_deferred;      /* SET CONSTRAINTS ALL ... */
    uint32_t set_count;
    struct { uint32_t oid; bool is_deferred; } set[64];
    struct deferred_queue *next;
} deferred_queue;

static rdb_mutex queues_lock;
static deferred_queue *queues; /* one a transaction that deferred something; guarded by queues_lock */
static pthread_once_t queues_once = PTHREAD_ONCE_INIT;

static void init_queues(void)
{
    rdb_mutex_init(&queues_lock, RDB_RANK_LEAF);
}

static deferred_queue *find_queue(const rdb_txn *txn)
{
    pthread_once(&queues_once, init_queues);
    rdb_mutex_lock(&queues_lock);
    deferred_queue *queue = queues;
    while (queue != NULL && queue->txn != txn)
        queue = queue->next;
    rdb_mutex_unlock(&queues_lock);
    return queue;
}

static void forget_queue(deferred_queue *queue)
{
    rdb_mutex_lock(&queues_lock);
    for (deferred_queue **at = &queues; *at != NULL; at = &(*at)->next)
        if (*at == queue) {
            *at = queue->next;
            break;
        }
    rdb_mutex_unlock(&queues_lock);
}

/* Runs and empties the queue, or only the events of some constraints. */
static bool run_deferred(deferred_queue *queue, const uint32_t *constraint_oids, uint32_t count, rdb_error *err)
{
    after_event *chosen = NULL, **tail = &chosen, *rest = NULL, *last = NULL;
    for (after_event *event = queue->queue.first, *next = NULL; event != NULL; event = next) {
        bool is_chosen = constraint_oids == NULL;
        for (uint32_t i = 0; i < count && !is_chosen; i++)
            is_chosen = constraint_oids[i] == event->constraint_oid;
        next = event->next;
        event->next = NULL;
        if (is_chosen) {
            *tail = event;
            tail = &event->next;
        } else {
            if (last != NULL)
                last->next = event;
            else
                rest = event;
            last = event;
        }
    }
    queue->queue.first = rest;
    queue->queue.last = last;
    if (chosen == NULL)
        return true;
    rdb_access *access = NULL;
    rdb_execution_context context = queue->context;
    if (!rdb_access_begin(&access, &queue->access_context, err))
        return false;
    context.access = access;
    context.cancel = NULL;
    bool ok = run_queue(&context, queue->queue.arena, chosen, err);
    rdb_access_end(&access);
    return ok;
}

static bool at_transaction_event(void *context, rdb_txn *txn, rdb_txn_event event, uint32_t level, rdb_error *err)
{
    deferred_queue *queue = context;
    (void)txn;
    switch (event) {
    case RDB_TXN_PRE_COMMIT:
        while (queue->queue.first != NULL) /* actions may defer more */
            if (!run_deferred(queue, NULL, 0, err))
                return false;
        return true;
    case RDB_TXN_COMMITTED:
    case RDB_TXN_PREPARED:
    case RDB_TXN_ABORTED:
        forget_queue(queue);
        return true;
    case RDB_TXN_LEVEL_RELEASED:
        for (after_event *at = queue->queue.first; at != NULL; at = at->next)
            if (at->level >= level)
                at->level = level > 0 ? level - 1 : 0;
        return true;
    case RDB_TXN_LEVEL_ABORTED: {
        after_event *kept = NULL, *last = NULL;
        for (after_event *at = queue->queue.first, *next = NULL; at != NULL; at = next) {
            next = at->next;
            if (at->level >= level)
                continue;
            at->next = NULL;
            if (last != NULL)
                last->next = at;
            else
                kept = at;
            last = at;
        }
        queue->queue.first = kept;
        queue->queue.last = last;
        return true;
    }
    }
    return true;
}

static deferred_queue *get_queue(rdb_txn *txn, const rdb_execution_context *context)
{
    deferred_queue *queue = find_queue(txn);
    if (queue != NULL)
        return queue;
    rdb_arena *arena = rdb_txn_arena(txn);
    const rdb_access_context *given = rdb_access_get_context(context->access);
    queue = RDB_NEW(arena, deferred_queue);
    queue->queue.arena = arena;
    queue->txn = txn;
    queue->context = *context;
    queue->context.parameters = NULL;
    queue->context.parameter_count = 0;
    queue->context.format = rdb_format_default();
    queue->context.session_user = queue->context.current_user = queue->context.database_name = NULL;
    queue->access_context = *given;
    queue->access_context.role_name = given->role_name ? rdb_arena_strdup(arena, given->role_name) : NULL;
    queue->access_context.search_path = given->search_path ? rdb_arena_strdup(arena, given->search_path) : NULL;
    queue->access_context.txn = txn;
    rdb_mutex_lock(&queues_lock);
    queue->next = queues;
    queues = queue;
    rdb_mutex_unlock(&queues_lock);
    rdb_txn_add_whole_callback(txn, at_transaction_event, queue);
    return queue;
}

struct exec_after_queue *exec_deferred_queue(rdb_execution *x, rdb_error *err)
{
    (void)err;
    return &get_queue(x->context.txn, &x->context)->queue;
}

bool exec_constraint_is_deferred(const rdb_execution *x, const rdb_constraint *constraint)
{
    if (!constraint->is_deferrable)
        return false;
    const deferred_queue *queue = find_queue(x->context.txn);
    for (uint32_t i = queue ? queue->set_count : 0; i-- > 0;)
        if (queue->set[i].oid == constraint->oid)
            return queue->set[i].is_deferred;
    return queue != NULL && queue->all_set ? queue->all_deferred : constraint->is_deferred;
}

bool rdb_exec_set_constraints(rdb_txn *txn, const rdb_execution_context *context, const uint32_t *constraint_oids, uint32_t count, bool deferred, rdb_error *err)
{
    deferred_queue *queue = get_queue(txn, context);
    if (constraint_oids == NULL) {
        queue->all_set = true;
        queue->all_deferred = deferred;
        queue->set_count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (queue->set_count == RDB_COUNT_OF(queue->set))
            return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many constraints set in one transaction");
        queue->set[queue->set_count].oid = constraint_oids[i];
        queue->set[queue->set_count++].is_deferred = deferred;
    }
    return deferred || run_deferred(queue, constraint_oids, count, err);
}
