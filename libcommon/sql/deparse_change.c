/* SPDX-License-Identifier: Apache-2.0
 * INSERT, UPDATE and DELETE as text, with the line breaks that PostgreSQL gives them. */
#include "sql/deparse_int.h"

static const rdb_range *result_range(const rdb_query *query)
{
    return query->ranges.items[query->result_range_no - 1];
}

/* A column that is assigned, or the parts of it; what is assigned is returned. */
static const rdb_expr *put_assigned(deparse *out, const rdb_relation *relation, const rdb_target *target)
{
    const rdb_expr *expr = target->expr;
    deparse_name(out, relation->columns[target->number - 1].name);
    while (expr->kind == RDB_EXPR_SUBSCRIPT && ((const rdb_expr_subscript *)expr)->assignment != NULL) {
        const rdb_expr_subscript *part = (const rdb_expr_subscript *)expr;
        for (uint32_t i = 0; i < part->upper.count; i++) {
            rdb_strbuf_addc(out->text, '[');
            if (part->is_slice) {
                if (part->lower.items[i] != NULL)
                    deparse_expr(out, part->lower.items[i], false);
                rdb_strbuf_addc(out->text, ':');
            }
            if (part->upper.items[i] != NULL)
                deparse_expr(out, part->upper.items[i], false);
            rdb_strbuf_addc(out->text, ']');
        }
        expr = part->assignment;
    }
    return expr;
}

/* An identity column's own sequence, which the analysis wrote out. */
static bool is_implied(const rdb_relation *relation, const rdb_target *target)
{
    enum { NEXTVAL = 1574 };
    return relation->columns[target->number - 1].identity != 0 &&
           (target->expr->kind == RDB_EXPR_NEXT_VALUE || (target->expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)target->expr)->function->oid == NEXTVAL));
}

static void put_returning(deparse *out, const rdb_query *query)
{
    if (query->returning.count == 0)
        return;
    deparse_break(out, " RETURNING", -DEPARSE_STEP, DEPARSE_STEP, 1);
    rdb_strbuf_addc(out->text, ' ');
    deparse_targets(out, &query->returning);
}

static void put_where(deparse *out, const rdb_expr *where)
{
    if (where == NULL)
        return;
    deparse_break(out, " WHERE ", -DEPARSE_STEP, DEPARSE_STEP, 1);
    deparse_expr(out, where, false);
}

static void put_assignments(deparse *out, const rdb_relation *relation, const rdb_list *targets)
{
    bool is_first = true;
    for (uint32_t i = 0; i < targets->count && out->ok; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        deparse_add(out, is_first ? "" : ", ");
        is_first = false;
        const rdb_expr *value = put_assigned(out, relation, target);
        deparse_add(out, " = ");
        deparse_expr(out, value, false);
    }
}

static void put_conflict(deparse *out, const rdb_query *query)
{
    const rdb_on_conflict *conflict = query->on_conflict;
    const rdb_relation *relation = result_range(query)->relation;
    deparse_add(out, " ON CONFLICT");
    for (uint16_t i = 0; i < relation->constraint_count && conflict->constraint_oid != 0; i++) {
        if (relation->constraints[i].oid != conflict->constraint_oid)
            continue;
        deparse_add(out, " ON CONSTRAINT ");
        deparse_name(out, relation->constraints[i].name);
    }
    for (uint32_t i = 0; i < conflict->elements.count; i++) {
        const rdb_conflict_element *element = conflict->elements.items[i];
        const bool is_plain = element->expr->kind == RDB_EXPR_VAR || (element->expr->kind == RDB_EXPR_FUNCTION && ((const rdb_expr_function *)element->expr)->form == RDB_FORM_CALL);
        const bool qualify = out->qualify;
        deparse_add(out, i == 0 ? "(" : ", ");
        deparse_add(out, is_plain ? "" : "(");
        out->qualify = false; /* the table's own columns */
        deparse_expr(out, element->expr, false);
        out->qualify = qualify;
        deparse_add(out, is_plain ? "" : ")");
        if (element->collation != 0) {
            deparse_add(out, " COLLATE ");
            deparse_collation(out, element->collation);
        }
    }
    if (conflict->elements.count > 0)
        rdb_strbuf_addc(out->text, ')');
    if (conflict->element_where != NULL) {
        const bool qualify = out->qualify;
        out->qualify = false;
        deparse_add(out, " WHERE ");
        deparse_expr(out, conflict->element_where, false);
        out->qualify = qualify;
    }
    if (conflict->action == 1) {
        deparse_add(out, " DO NOTHING");
        return;
    }
    deparse_add(out, " DO UPDATE SET ");
    put_assignments(out, relation, &conflict->set_targets);
    put_where(out, conflict->where);
}

static void put_insert(deparse *out, const rdb_query *query)
{
    const rdb_range *target = result_range(query);
    const rdb_range *source = query->from.count > 0 ? query->ranges.items[((const rdb_from *)query->from.items[0])->range_no - 1] : NULL;
    bool is_first = true;
    deparse_add(out, "INSERT INTO ");
    deparse_relation_name(out, target->relation);
    rdb_strbuf_addc(out->text, ' ');
    if (target->has_alias) {
        deparse_add(out, "AS ");
        deparse_name(out, out->level->ranges[query->result_range_no - 1].name);
        rdb_strbuf_addc(out->text, ' ');
    }
    for (uint32_t i = 0; i < query->targets.count; i++) {
        if (is_implied(target->relation, query->targets.items[i]))
            continue;
        deparse_add(out, is_first ? "(" : ", ");
        is_first = false;
        (void)put_assigned(out, target->relation, query->targets.items[i]);
    }
    deparse_add(out, is_first ? "" : ") ");
    if (query->overriding != 0)
        deparse_add(out, query->overriding == 1 ? "OVERRIDING USER VALUE " : "OVERRIDING SYSTEM VALUE ");
    if (source != NULL && source->kind == RDB_RANGE_SUBQUERY) {
        const deparse_results results = {.names_matter = false};
        const int32_t indent = out->indent;
        deparse_query(out, source->subquery, out->level, &results, false);
        out->indent = indent;
    } else if (source != NULL && source->kind == RDB_RANGE_VALUES) {
        deparse_values(out, &source->values);
    } else if (is_first) {
        deparse_add(out, "DEFAULT VALUES");
    } else {
        deparse_break(out, "VALUES (", -DEPARSE_STEP, DEPARSE_STEP, 2);
        is_first = true;
        for (uint32_t i = 0; i < query->targets.count; i++) {
            if (is_implied(target->relation, query->targets.items[i]))
                continue;
            const rdb_expr *value = ((const rdb_target *)query->targets.items[i])->expr;
            while (value->kind == RDB_EXPR_SUBSCRIPT && ((const rdb_expr_subscript *)value)->assignment != NULL)
                value = ((const rdb_expr_subscript *)value)->assignment;
            deparse_add(out, is_first ? "" : ", ");
            is_first = false;
            deparse_expr_top(out, value, false);
        }
        rdb_strbuf_addc(out->text, ')');
    }
    if (query->on_conflict != NULL)
        put_conflict(out, query);
}

static void put_update(deparse *out, const rdb_query *query)
{
    const rdb_range *target = result_range(query);
    deparse_add(out, query->command == RDB_COMMAND_UPDATE ? "UPDATE " : "DELETE FROM ");
    deparse_add(out, target->is_inherited || target->relation->kind == 'v' ? "" : "ONLY ");
    deparse_relation_name(out, target->relation);
    if (target->has_alias) {
        rdb_strbuf_addc(out->text, ' ');
        deparse_name(out, out->level->ranges[query->result_range_no - 1].name);
    }
    if (query->command == RDB_COMMAND_UPDATE) {
        deparse_add(out, " SET ");
        put_assignments(out, target->relation, &query->targets);
    }
    deparse_from_list(out, query, query->command == RDB_COMMAND_UPDATE ? " FROM " : " USING ");
    put_where(out, query->where);
}

void deparse_change(deparse *out, const rdb_query *query)
{
    if (query->command == RDB_COMMAND_MERGE) {
        deparse_fail(out, rdb_error_set(out->err, RDB_FEATURE_NOT_SUPPORTED, "printing MERGE is not supported yet"));
        return;
    }
    if (out->breaks_lines) {
        out->indent += DEPARSE_STEP;
        rdb_strbuf_addc(out->text, ' ');
    }
    if (query->command == RDB_COMMAND_INSERT)
        put_insert(out, query);
    else
        put_update(out, query);
    put_returning(out, query);
}
