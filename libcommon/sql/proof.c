/* SPDX-License-Identifier: Apache-2.0
 * Implication and refutation of conditions. AND, OR and arrays of values are taken apart; what is left is settled in pairs:
 * the same tree, comparisons of one expression with constants by the order of its type, tests for null against what is strict.
 * Conditions must give the same value each time; the caller leaves out those that do not. */
#include "sql/proof.h"
#include "expr/rdb_expr.h"
#include "sql/sql_int.h"

enum { NOT_EQUAL = 6, ELEMENTS_MAX = 100 }; /* behind a btree's strategies; longer arrays are not looked into */

/* ---- taking apart ---------------------------------------------------------------------------------------------------------------- */
static bool is_bool(const rdb_expr *expr, rdb_bool_kind kind)
{
    return expr->kind == RDB_EXPR_BOOL && ((const rdb_expr_bool *)expr)->bool_kind == kind;
}

static rdb_expr *element_test(const proof *p, const rdb_expr_array_op *op, rdb_expr *element)
{
    rdb_expr_function *test = RDB_NEW(p->arena, rdb_expr_function);
    test->head = op->head;
    test->head.kind = RDB_EXPR_FUNCTION;
    test->function = op->function;
    test->operator_oid = op->operator_oid;
    test->input_collation = op->input_collation;
    rdb_list_push(p->arena, &test->arguments, op->left);
    rdb_list_push(p->arena, &test->arguments, element);
    return &test->head;
}

/* The parts of an AND or an OR; = ANY is an OR over its elements, and so on. */
static bool parts_of(const proof *p, const rdb_expr *expr, rdb_bool_kind kind, rdb_list *parts)
{
    *parts = (rdb_list){0};
    if (is_bool(expr, kind)) {
        *parts = ((const rdb_expr_bool *)expr)->arguments;
        return true;
    }
    const rdb_expr_array_op *op = (const rdb_expr_array_op *)expr;
    if (expr->kind != RDB_EXPR_ARRAY_OP || op->use_or != (kind == RDB_BOOL_OR))
        return false;
    const rdb_expr *array = op->right;
    while (array->kind == RDB_EXPR_RELABEL)
        array = ((const rdb_expr_unary *)array)->argument;
    if (array->kind == RDB_EXPR_ARRAY && !((const rdb_expr_array *)array)->is_multidimensional) {
        const rdb_list *elements = &((const rdb_expr_array *)array)->elements;
        for (uint32_t i = 0; i < elements->count && elements->count <= ELEMENTS_MAX; i++)
            rdb_list_push(p->arena, parts, element_test(p, op, elements->items[i]));
    } else if (array->kind == RDB_EXPR_CONST && !((const rdb_expr_const *)array)->is_null && array->type->element != NULL) {
        const rdb_datum value = ((const rdb_expr_const *)array)->value;
        rdb_array_shape shape;
        rdb_array_get_shape(value, &shape);
        for (uint32_t i = 0; i < shape.count && shape.count <= ELEMENTS_MAX; i++) {
            rdb_expr_const *item = RDB_NEW(p->arena, rdb_expr_const);
            item->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = array->type->element, .typmod = -1, .collation = array->collation};
            item->is_null = !rdb_array_get(value, i, &item->value);
            rdb_list_push(p->arena, parts, element_test(p, op, &item->head));
        }
    }
    return parts->count > 0;
}

/* ---- comparisons ------------------------------------------------------------------------------------------------------------------ */
typedef struct comparison { /* expr <strategy> constant */
    const rdb_expr *expr;
    const rdb_expr_const *constant;
    uint16_t strategy;
    uint32_t family, collation;
} comparison;

/* Its strategy in the default family of the type, whose order the type itself gives. */
static bool find_strategy(const proof *p, uint32_t operator_oid, uint16_t *strategy, uint32_t *family)
{
    const rdb_operator_entry *entry = NULL;
    rdb_error quiet = {0};
    uint32_t usual = 0;
    bool ok = rdb_opclass_strategy(p->access, operator_oid, strategy, family, &quiet) && rdb_operator_get(p->access, operator_oid, &entry, &quiet) && entry != NULL;
    if (ok && *strategy == 0 && entry->negator_oid != 0) {
        operator_oid = entry->negator_oid;
        ok = rdb_opclass_strategy(p->access, operator_oid, strategy, family, &quiet) && *strategy == 3;
        *strategy = NOT_EQUAL;
    }
    ok = ok && *strategy >= 1 && *strategy <= NOT_EQUAL &&
         rdb_opclass_operator(p->access, entry->left_type, entry->right_type, *strategy == NOT_EQUAL ? 3 : *strategy, &usual, &quiet) && usual == operator_oid;
    rdb_error_clear(&quiet);
    return ok;
}

static bool read_comparison(const proof *p, const rdb_expr *clause, comparison *c)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    const rdb_expr *left = e->arguments.items[0], *right = e->arguments.items[1];
    if ((left->kind == RDB_EXPR_CONST) == (right->kind == RDB_EXPR_CONST) || !find_strategy(p, e->operator_oid, &c->strategy, &c->family))
        return false;
    const bool swapped = left->kind == RDB_EXPR_CONST;
    c->expr = swapped ? right : left;
    c->constant = (const rdb_expr_const *)(swapped ? left : right);
    c->collation = e->input_collation;
    if (swapped && c->strategy != NOT_EQUAL)
        c->strategy = (uint16_t)(6 - c->strategy);
    return !c->constant->is_null;
}

static bool as_integer(const rdb_expr_const *constant, int64_t *number)
{
    switch (constant->head.type->oid) {
    case RDB_INT2OID: *number = constant->value.i16; return true;
    case RDB_INT4OID: *number = constant->value.i32; return true;
    case RDB_INT8OID: *number = constant->value.i64; return true;
    default: return false;
    }
}

/* Two comparisons of one expression; *order: the first one's constant against the second one's. */
static bool read_pair(const proof *p, const rdb_expr *first, const rdb_expr *second, comparison *a, comparison *b, int *order)
{
    int64_t left = 0, right = 0;
    if (!read_comparison(p, first, a) || !read_comparison(p, second, b) || a->family != b->family || a->collation != b->collation || !rdb_expr_equal(a->expr, b->expr))
        return false;
    if (as_integer(a->constant, &left) && as_integer(b->constant, &right)) {
        *order = (left > right) - (left < right);
        return true;
    }
    const rdb_type *type = a->constant->head.type;
    if (type->oid != b->constant->head.type->oid || type->ops == NULL || type->ops->compare == NULL)
        return false;
    *order = type->ops->compare(type, a->collation, a->constant->value, b->constant->value);
    return true;
}

/* a < 3 implies a < 5: one range lies within the other. */
static bool comparison_implies(const proof *p, const rdb_expr *clause, const rdb_expr *wanted)
{
    comparison have, want;
    int order = 0;
    if (!read_pair(p, clause, wanted, &have, &want, &order))
        return false;
    switch (want.strategy) {
    case 1: return have.strategy <= 3 && (have.strategy == 1 ? order <= 0 : order < 0);
    case 2: return have.strategy <= 3 && order <= 0;
    case 3: return have.strategy == 3 && order == 0;
    case 4: return have.strategy >= 3 && have.strategy <= 5 && order >= 0;
    case 5: return have.strategy >= 3 && have.strategy <= 5 && (have.strategy == 5 ? order >= 0 : order > 0);
    default: break; /* <> */
    }
    switch (have.strategy) {
    case 1: return order <= 0;
    case 2: return order < 0;
    case 3: return order != 0;
    case 4: return order > 0;
    case 5: return order >= 0;
    default: return order == 0;
    }
}

/* a < 3 refutes a > 5: the ranges have nothing in common. */
static bool comparison_refutes(const proof *p, const rdb_expr *clause, const rdb_expr *predicate)
{
    comparison a, b;
    int order = 0;
    if (!read_pair(p, clause, predicate, &a, &b, &order))
        return false;
    if (a.strategy == NOT_EQUAL || b.strategy == NOT_EQUAL)
        return (a.strategy == 3 || b.strategy == 3) && order == 0;
    const bool touch = (a.strategy == 2 || a.strategy == 3 || a.strategy == 4) && (b.strategy == 2 || b.strategy == 3 || b.strategy == 4); /* where they end at one value */
    const bool a_ends = a.strategy <= 3, a_begins = a.strategy >= 3, b_ends = b.strategy <= 3, b_begins = b.strategy >= 3;
    return (a_ends && b_begins && (order < 0 || (order == 0 && !touch))) || (b_ends && a_begins && (order > 0 || (order == 0 && !touch)));
}

/* ---- null ------------------------------------------------------------------------------------------------------------------------- */
/* Is it null wherever the argument is? x = ANY ('{}') is not: that is false. */
static bool passes_null(const rdb_expr *expr, const rdb_expr *argument)
{
    if (expr->kind == RDB_EXPR_RELABEL)
        expr = ((const rdb_expr_unary *)expr)->argument;
    if (rdb_expr_equal(expr, argument))
        return true;
    if (is_bool(expr, RDB_BOOL_NOT))
        return passes_null(((const rdb_expr_bool *)expr)->arguments.items[0], argument);
    const rdb_expr_function *e = (const rdb_expr_function *)expr;
    if (expr->kind != RDB_EXPR_FUNCTION || !e->function->is_strict || e->returns_set)
        return false;
    for (uint32_t i = 0; i < e->arguments.count; i++)
        if (passes_null(e->arguments.items[i], argument))
            return true;
    return false;
}

/* x = 1, x < y, x = ANY (...) and the like are true of no null. */
static bool rejects_null(const rdb_expr *clause, const rdb_expr *argument)
{
    const rdb_expr_array_op *op = (const rdb_expr_array_op *)clause;
    if (clause->kind == RDB_EXPR_ARRAY_OP)
        return op->use_or && op->function->is_strict && passes_null(op->left, argument);
    return passes_null(clause, argument);
}

static const rdb_expr *null_test(const rdb_expr *expr, bool is_not)
{
    const rdb_expr_null_test *test = (const rdb_expr_null_test *)expr;
    return expr->kind == RDB_EXPR_NULL_TEST && test->is_not == is_not && !test->argument_is_row ? test->argument : NULL;
}

/* ---- implication -------------------------------------------------------------------------------------------------------------------- */
static bool atom_implies(const proof *p, const rdb_expr *clause, const rdb_expr *predicate)
{
    const rdb_expr *not_null = null_test(predicate, true);
    return rdb_expr_equal(clause, predicate) || comparison_implies(p, clause, predicate) || (not_null != NULL && clause->kind != RDB_EXPR_NULL_TEST && rejects_null(clause, not_null));
}

bool proof_implied_by_any(const proof *p, const rdb_list *clauses, const rdb_expr *predicate)
{
    for (uint32_t i = 0; i < clauses->count; i++)
        if (proof_implies(p, clauses->items[i], predicate))
            return true;
    return false;
}

bool proof_implies(const proof *p, const rdb_expr *clause, const rdb_expr *predicate)
{
    rdb_list parts;
    if (atom_implies(p, clause, predicate))
        return true;
    if (parts_of(p, predicate, RDB_BOOL_AND, &parts)) {
        uint32_t met = 0;
        while (met < parts.count && proof_implies(p, clause, parts.items[met]))
            met++;
        return met == parts.count;
    }
    if (parts_of(p, clause, RDB_BOOL_OR, &parts)) {
        uint32_t met = 0;
        while (met < parts.count && proof_implies(p, parts.items[met], predicate))
            met++;
        return met == parts.count;
    }
    if (parts_of(p, predicate, RDB_BOOL_OR, &parts))
        for (uint32_t i = 0; i < parts.count; i++)
            if (proof_implies(p, clause, parts.items[i]))
                return true;
    return parts_of(p, clause, RDB_BOOL_AND, &parts) && proof_implied_by_any(p, &parts, predicate);
}

/* ---- refutation --------------------------------------------------------------------------------------------------------------------- */
static bool atom_refutes(const proof *p, const rdb_expr *clause, const rdb_expr *predicate)
{
    const rdb_expr *tested = NULL;
    if (predicate->kind == RDB_EXPR_CONST)
        return ((const rdb_expr_const *)predicate)->is_null ? p->is_weak : !((const rdb_expr_const *)predicate)->value.b;
    if (is_bool(predicate, RDB_BOOL_NOT) && proof_implies(p, clause, ((const rdb_expr_bool *)predicate)->arguments.items[0]))
        return true;
    if (is_bool(clause, RDB_BOOL_NOT) && rdb_expr_equal(((const rdb_expr_bool *)clause)->arguments.items[0], predicate))
        return true;
    if ((tested = null_test(predicate, false)) != NULL) /* IS NULL, against what is not true of a null */
        return clause->kind == RDB_EXPR_NULL_TEST ? null_test(clause, true) != NULL && rdb_expr_equal(null_test(clause, true), tested) : rejects_null(clause, tested);
    if ((tested = null_test(clause, false)) != NULL)
        return predicate->kind == RDB_EXPR_NULL_TEST ? null_test(predicate, true) != NULL && rdb_expr_equal(null_test(predicate, true), tested) : p->is_weak && rejects_null(predicate, tested);
    return comparison_refutes(p, clause, predicate);
}

static bool refutes(const proof *p, const rdb_expr *clause, const rdb_expr *predicate)
{
    rdb_list parts;
    if (atom_refutes(p, clause, predicate))
        return true;
    if (parts_of(p, predicate, RDB_BOOL_OR, &parts)) {
        uint32_t met = 0;
        while (met < parts.count && refutes(p, clause, parts.items[met]))
            met++;
        return met == parts.count;
    }
    if (parts_of(p, clause, RDB_BOOL_OR, &parts)) {
        uint32_t met = 0;
        while (met < parts.count && refutes(p, parts.items[met], predicate))
            met++;
        return met == parts.count;
    }
    if (parts_of(p, predicate, RDB_BOOL_AND, &parts))
        for (uint32_t i = 0; i < parts.count; i++)
            if (refutes(p, clause, parts.items[i]))
                return true;
    return parts_of(p, clause, RDB_BOOL_AND, &parts) && proof_refuted_by_any(p, &parts, predicate);
}

bool proof_refuted_by_any(const proof *p, const rdb_list *clauses, const rdb_expr *predicate)
{
    for (uint32_t i = 0; i < clauses->count; i++)
        if (refutes(p, clauses->items[i], predicate))
            return true;
    return false;
}
