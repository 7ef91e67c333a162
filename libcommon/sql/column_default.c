/* SPDX-License-Identifier: Apache-2.0
 * What a column gets where a statement gives it no value. A column without a default of its own has its domain's, and even a
 * null passes the domain's rules. */
#include "sql/rdb_query.h"

bool rdb_column_default(rdb_arena *arena, rdb_access *access, const rdb_column *column, rdb_expr **expr, rdb_error *err)
{
    const rdb_type *base = column->type;
    rdb_expr *value = NULL;
    *expr = NULL;
    if (column->default_tree != NULL)
        return rdb_tree_read_expr(arena, access, column->default_tree, expr, err);
    if (base == NULL || base->kind != 'd' || (base->domain_default_tree == NULL && !rdb_domain_has_rules(base)))
        return true;
    while (base->kind == 'd' && base->base != NULL)
        base = base->base;
    if (column->type->domain_default_tree != NULL) {
        if (!rdb_tree_read_expr(arena, access, column->type->domain_default_tree, &value, err))
            return false;
    } else {
        rdb_expr_const *null = RDB_NEW(arena, rdb_expr_const);
        null->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = base, .typmod = -1, .collation = column->collation};
        null->is_null = true;
        value = &null->head;
    }
    if (value->type->oid != column->type->oid) {
        rdb_expr_unary *check = RDB_NEW(arena, rdb_expr_unary);
        check->head = (rdb_expr){.kind = RDB_EXPR_COERCE_DOMAIN, .location = -1, .type = column->type, .typmod = -1, .collation = column->collation};
        check->argument = value;
        check->form = RDB_FORM_IMPLICIT_CAST;
        value = &check->head;
    }
    *expr = value;
    return rdb_arena_check(arena, err);
}
