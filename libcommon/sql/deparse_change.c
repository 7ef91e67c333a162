/* SPDX-License-Identifier: Apache-2.0
 * INSERT, UPDATE, DELETE and NOTIFY as text: what rules store, and changes inside WITH. */
#include "sql/deparse_int.h"

static const deparse_range *result_names(const deparse *out, const rdb_query *query)
{
    return &out->level->ranges[query->result_range_no - 1];
}

static void begin(deparse *out)
{
    if (!out->breaks_lines)
        return;
    out->indent += DEPARSE_STEP;
    rdb_strbuf_addc(out->text, ' ');
}

static void put_result(deparse *out, const rdb_query *query, const char *word)
{
    const rdb_range *range = query->ranges.items[query->result_range_no - 1];
    const char *name = result_names(out, query)->name;
    deparse_relation_name(out, range->relation);
    if (name != NULL && (range->has_alias || strcmp(name, range->relation->name) != 0)) {
        deparse_add(out, word);
        deparse_name(out, name);
    }
}

static void put_returning(deparse *out, const rdb_query *query)
{
    if (query->returning.count == 0)
        return;
    deparse_break(out, " RETURNING ", -DEPARSE_STEP, DEPARSE_STEP, 1);
    deparse_targets(out, &query->returning);
}

static void put_where(deparse *out, const rdb_expr *where)
{
    if (where == NULL)
        return;
    deparse_break(out, " WHERE ", -DEPARSE_STEP, DEPARSE_STEP, 1);
    deparse_expr(out, where, false);
}

/* column, or column[subscript], and what is put there. */
static const rdb_expr *put_column(deparse *out, const rdb_relation *relation, const rdb_target *target)
{
    const rdb_expr *value = target->expr;
    deparse_name(out, relation->columns[target->number - 1].name);
    while (value->kind == RDB_EXPR_SUBSCRIPT && ((const rdb_expr_subscript *)value)->assignment != NULL) {
        const rdb_expr_subscript *part = (const rdb_expr_subscript *)value;
        for (uint32_t i = 0; i < part->upper.count; i++) {
            rdb_strbuf_addc(out->text, '[');
            if (part->is_slice) {
                if (i < part->lower.count && part->lower.items[i] != NULL)
                    deparse_expr(out, part->lower.items[i], false);
                rdb_strbuf_addc(out->text, ':');
            }
            if (part->upper.items[i] != NULL)
                deparse_expr(out, part->upper.items[i], false);
            rdb_strbuf_addc(out->text, ']');
        }
        value = part->assignment;
    }
    return value;
}

static void put_set(deparse *out, const rdb_relation *relation, const rdb_list *targets)
{
    bool is_first = true;
    for (uint32_t i = 0; i < targets->count && out->ok; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        deparse_add(out, is_first ? "" : ", ");
        is_first = false;
        const rdb_expr *value = put_column(out, relation, target);
        deparse_add(out, " = ");
        deparse_expr(out, value, false);
    }
}

/* An identity column's own sequence, which the analysis wrote out. */
static bool is_implied(const rdb_relation *relation, const rdb_target *target)
{
    enum { NEXTVAL = 1574 };
    return relation->columns[target->number - 1].identity != 0 &&
           (target->expr->kind == RDB_EXPR_NEXT_VALUE || (target->expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)target->expr)->function->oid == NEXTVAL));
}

/* ---- INSERT ------------------------------------------------------------------------------------------------------------------------------ */
/* An index of ON CONFLICT is described without the table's name. */
static void put_conflict(deparse *out, const rdb_query *query)
{
    const rdb_on_conflict *clause = query->on_conflict;
    const rdb_relation *relation = ((const rdb_range *)query->ranges.items[query->result_range_no - 1])->relation;
    deparse_range *names = &out->level->ranges[query->result_range_no - 1];
    const char *name = names->name;
    deparse_add(out, " ON CONFLICT");
    names->name = NULL;
    for (uint32_t i = 0; i < clause->elements.count && out->ok; i++) {
        const rdb_conflict_element *element = clause->elements.items[i];
        const bool brackets = element->expr->kind != RDB_EXPR_VAR && (element->expr->kind != RDB_EXPR_FUNCTION || ((const rdb_expr_function *)element->expr)->operator_oid != 0);
        deparse_add(out, i == 0 ? "(" : ", ");
        if (brackets)
            rdb_strbuf_addc(out->text, '(');
        deparse_expr(out, element->expr, false);
        if (brackets)
            rdb_strbuf_addc(out->text, ')');
        if (element->collation != 0) {
            deparse_add(out, " COLLATE ");
            deparse_collation(out, element->collation);
        }
        if (element->class_name != NULL) {
            deparse_add(out, " ");
            deparse_name(out, element->class_name);
        }
    }
    if (clause->elements.count > 0)
        rdb_strbuf_addc(out->text, ')');
    put_where(out, clause->element_where);
    names->name = name;
    for (uint16_t i = 0; clause->constraint_oid != 0 && i < relation->constraint_count; i++)
        if (relation->constraints[i].oid == clause->constraint_oid) {
            deparse_add(out, " ON CONSTRAINT ");
            deparse_name(out, relation->constraints[i].name);
        }
    if (clause->action == 1) {
        deparse_add(out, " DO NOTHING");
        return;
    }
    deparse_add(out, " DO UPDATE SET ");
    put_set(out, relation, &clause->set_targets);
    put_where(out, clause->where);
}

static void put_insert(deparse *out, const rdb_query *query)
{
    const deparse_results unnamed = {.names_matter = false}; /* the columns go by their places */
    const rdb_relation *relation = ((const rdb_range *)query->ranges.items[query->result_range_no - 1])->relation;
    const rdb_range *source = NULL;
    rdb_list values = {0};
    uint32_t columns = 0;
    /* The rows: a sub-query's or VALUES'; else the targets are one row, and old, if it is there, comes from the rule. */
    for (uint32_t i = 0; i < query->from.count; i++) {
        const rdb_from *from = query->from.items[i];
        const rdb_range *range = from->is_join || from->range_no == 0 ? NULL : query->ranges.items[from->range_no - 1];
        if (range != NULL && (range->kind == RDB_RANGE_SUBQUERY || range->kind == RDB_RANGE_VALUES))
            source = range;
    }
    begin(out);
    deparse_add(out, "INSERT INTO ");
    put_result(out, query, " AS ");
    rdb_strbuf_addc(out->text, ' ');
    for (uint32_t i = 0; i < query->targets.count && out->ok; i++) {
        const rdb_target *target = query->targets.items[i];
        if (target->is_junk || is_implied(relation, target))
            continue;
        deparse_add(out, columns++ == 0 ? "(" : ", ");
        rdb_list_push(out->arena, &values, (void *)(uintptr_t)put_column(out, relation, target));
    }
    if (columns > 0)
        deparse_add(out, ") ");
    deparse_add(out, query->overriding == 2 ? "OVERRIDING SYSTEM VALUE " : query->overriding == 1 ? "OVERRIDING USER VALUE " : "");
    if (source != NULL && source->kind == RDB_RANGE_SUBQUERY) {
        const int32_t indent = out->indent;
        deparse_query(out, source->subquery, out->level, &unnamed, false);
        out->indent = indent;
    } else if (source != NULL) {
        deparse_values(out, &source->values);
    } else if (columns > 0) {
        deparse_break(out, "VALUES (", -DEPARSE_STEP, DEPARSE_STEP, 2);
        for (uint32_t i = 0; i < values.count; i++) {
            deparse_add(out, i > 0 ? ", " : "");
            deparse_expr_top(out, values.items[i], false);
        }
        rdb_strbuf_addc(out->text, ')');
    } else {
        deparse_add(out, "DEFAULT VALUES");
    }
    if (query->on_conflict != NULL)
        put_conflict(out, query);
    put_returning(out, query);
}

/* ---- UPDATE, DELETE, NOTIFY ------------------------------------------------------------------------------------------------------------------ */
static void put_change(deparse *out, const rdb_query *query)
{
    const rdb_range *range = query->ranges.items[query->result_range_no - 1];
    const bool is_update = query->command == RDB_COMMAND_UPDATE;
    begin(out);
    deparse_add(out, is_update ? "UPDATE " : "DELETE FROM ");
    deparse_add(out, range->is_inherited || range->relation->kind == 'v' ? "" : "ONLY ");
    put_result(out, query, " ");
    if (is_update) {
        deparse_add(out, " SET ");
        put_set(out, range->relation, &query->targets);
    }
    deparse_from_list(out, query, is_update ? " FROM " : " USING ");
    put_where(out, query->where);
    put_returning(out, query);
}

static void put_notify(deparse *out, const rdb_query *query)
{
    deparse_break(out, "", 0, DEPARSE_STEP, 1);
    deparse_add(out, "NOTIFY ");
    deparse_name(out, query->notify_channel);
    if (query->notify_payload == NULL)
        return;
    deparse_add(out, ", '");
    for (const char *c = query->notify_payload; *c != '\0'; c++)
        rdb_strbuf_add(out->text, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1);
    rdb_strbuf_addc(out->text, '\'');
}

void deparse_change(deparse *out, const rdb_query *query)
{
    switch (query->command) {
    case RDB_COMMAND_INSERT:
        put_insert(out, query);
        break;
    case RDB_COMMAND_UPDATE:
    case RDB_COMMAND_DELETE:
        put_change(out, query);
        break;
    case RDB_COMMAND_UTILITY:
        put_notify(out, query);
        break;
    default:
        deparse_fail(out, rdb_error_set(out->err, RDB_FEATURE_NOT_SUPPORTED, "printing MERGE is not supported yet"));
    }
}
