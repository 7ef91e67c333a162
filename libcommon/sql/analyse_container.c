/* SPDX-License-Identifier: Apache-2.0
 * Arrays built and read: ARRAY[], subscripts and slices, fields of rows. */
#include "sql/analyse_int.h"

bool analyse_array(analyse_state *state, const rdb_ast_array *raw, const rdb_type *array, int32_t typmod, rdb_expr **expr, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    rdb_list elements = {0};
    bool is_nested = false;
    const rdb_type *element = array == NULL ? NULL : array->element;
    for (uint32_t at = 0; at < raw->elements.count; at++) {
        const rdb_ast_node *item = raw->elements.items[at];
        rdb_expr *value;
        if (item->tag == RDB_AST_ARRAY) {
            if (!analyse_array(state, (const rdb_ast_array *)item, array, typmod, &value, err))
                return false;
            is_nested = true;
        } else {
            if (!analyse_node(state, item, &value, err))
                return false;
            const rdb_type *base = analyse_base_type(value->type, NULL);
            if (!is_nested && analyse_array_element(base) != NULL)
                is_nested = true;
        }
        rdb_list_push(arena, &elements, value);
    }
    const rdb_type *wanted;
    if (array != NULL) {
        wanted = is_nested ? array : element;
    } else {
        if (elements.count == 0) {
            analyse_error(state, raw->node.location, err, RDB_INDETERMINATE_DATATYPE, "cannot determine type of empty array");
            return rdb_error_hint(err, "Explicitly cast to the desired type, for example ARRAY[]::integer[].");
        }
        if (!analyse_common_type(state, &elements, "ARRAY", &wanted, NULL, err))
            return false;
        if (is_nested) {
            array = wanted;
            if (analyse_array_element(wanted) == NULL)
                return analyse_error(state, raw->node.location, err, RDB_UNDEFINED_OBJECT, "could not find element type for data type %s",
                                     analyse_type_name(state, wanted->oid));
        } else {
            if (!analyse_array_of(state, wanted, &array, err))
                return false;
            if (array == NULL)
                return analyse_error(state, raw->node.location, err, RDB_UNDEFINED_OBJECT, "could not find array type for data type %s",
                                     analyse_type_name(state, wanted->oid));
        }
    }
    rdb_expr_array *node = ANALYSE_NEW(state, rdb_expr_array, RDB_EXPR_ARRAY, array, raw->node.location);
    for (uint32_t at = 0; at < elements.count; at++) {
        rdb_expr *value = elements.items[at], *coerced = value;
        if (element != NULL && value->type->oid != wanted->oid) {
            if (!analyse_coerce_to_target(state, value, wanted, typmod, ANALYSE_EXPLICIT, RDB_FORM_EXPLICIT_CAST, -1, &coerced, err))
                return false;
            if (coerced == NULL)
                return analyse_error(state, analyse_location(value), err, RDB_CANNOT_COERCE, "cannot cast type %s to %s",
                                     analyse_type_name(state, value->type->oid), analyse_type_name(state, wanted->oid));
        } else if (!analyse_coerce_to_common(state, &coerced, wanted, "ARRAY", err)) {
            return false;
        }
        rdb_list_push(arena, &node->elements, coerced);
    }
    node->is_multidimensional = is_nested;
    *expr = &node->head;
    return true;
}

/* A subscript of jsonb is a key or a position: what is coercible to one of text and integer. */
static bool json_subscript(analyse_state *state, const rdb_ast_subscript *step, rdb_expr **bound, rdb_error *err)
{
    if (step->is_slice) {
        const rdb_ast_node *shown = step->upper != NULL ? step->upper : step->lower;
        rdb_expr *value = NULL;
        if (shown != NULL && !analyse_node(state, shown, &value, err))
            return false;
        return analyse_error(state, value == NULL ? -1 : analyse_location(value), err, RDB_DATATYPE_MISMATCH, "jsonb subscript does not support slices");
    }
    if (!analyse_node(state, step->upper, bound, err))
        return false;
    static const uint32_t TARGETS[] = {RDB_INT4OID, RDB_TEXTOID};
    uint32_t from = (*bound)->type->oid, to = from == RDB_UNKNOWNOID ? RDB_TEXTOID : 0, count = 0;
    for (size_t i = 0; from != RDB_UNKNOWNOID && i < RDB_COUNT_OF(TARGETS); i++) {
        bool can;
        if (!analyse_can_coerce(state, 1, &from, &TARGETS[i], ANALYSE_IMPLICIT, &can, err))
            return false;
        to = can ? TARGETS[i] : to;
        count += can;
    }
    if (from != RDB_UNKNOWNOID && count != 1) {
        analyse_error(state, analyse_location(*bound), err, RDB_DATATYPE_MISMATCH, "subscript type %s is not supported", analyse_type_name(state, from));
        return rdb_error_hint(err, count == 0 ? "jsonb subscript must be coercible to either integer or text." : "jsonb subscript must be coercible to only one type, integer or text.");
    }
    const rdb_type *type;
    return analyse_get_type(state, to, &type, err) && analyse_coerce(state, *bound, type, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, bound, err);
}

static bool json_subscripts(analyse_state *state, rdb_expr *container, const rdb_type *base, const rdb_list *steps, uint32_t first, uint32_t count,
                            int32_t location, rdb_expr_subscript **subscript, rdb_error *err)
{
    rdb_expr_subscript *node = ANALYSE_NEW(state, rdb_expr_subscript, RDB_EXPR_SUBSCRIPT, base, location);
    node->head.typmod = -1;
    node->argument = container;
    for (uint32_t at = 0; at < count; at++) {
        rdb_expr *bound;
        if (!json_subscript(state, steps->items[first + at], &bound, err))
            return false;
        rdb_list_push(analyse_arena(state), &node->upper, bound);
    }
    *subscript = node;
    return true;
}

bool analyse_subscripts(analyse_state *state, rdb_expr *container, const rdb_list *steps, uint32_t first, uint32_t count,
                        int32_t location, rdb_expr_subscript **subscript, rdb_error *err)
{
    int32_t typmod = container->typmod;
    const rdb_type *base = analyse_base_type(container->type, &typmod);
    bool is_slice = false, is_json = base->oid == RDB_JSONBOID;
    const rdb_type *element = base->element;
    if (rdb_fixed_element(base->oid) != 0 && !analyse_get_type(state, rdb_fixed_element(base->oid), &element, err))
        return false;
    if (element == NULL && !is_json)
        return analyse_error(state, container->location >= 0 ? container->location : location, err, RDB_DATATYPE_MISMATCH, "cannot subscript type %s because it does not support subscripting",
                             analyse_type_name(state, container->type->oid));
    if (base != container->type && container->type->oid != base->oid)
        if (!analyse_coerce(state, container, base, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &container, err))
            return false;
    if (is_json)
        return json_subscripts(state, container, base, steps, first, count, location, subscript, err);
    for (uint32_t at = 0; at < count; at++)
        is_slice |= ((const rdb_ast_subscript *)steps->items[first + at])->is_slice;
    rdb_expr_subscript *node = ANALYSE_NEW(state, rdb_expr_subscript, RDB_EXPR_SUBSCRIPT, is_slice ? base : element, location);
    node->head.collation = 0;
    node->head.typmod = typmod;
    node->argument = container;
    node->is_slice = is_slice;
    const rdb_type *int4;
    if (!analyse_get_type(state, RDB_INT4OID, &int4, err))
        return false;
    for (uint32_t at = 0; at < count; at++) {
        const rdb_ast_subscript *step = steps->items[first + at];
        for (uint32_t upper = 0; upper < 2; upper++) {
            const rdb_ast_node *raw = upper ? step->upper : step->lower;
            rdb_expr *bound = NULL, *coerced;
            if (!upper && !is_slice)
                continue;
            if (raw != NULL) {
                if (!analyse_node(state, raw, &bound, err) ||
                    !analyse_coerce_to_target(state, bound, int4, -1, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, &coerced, err))
                    return false;
                if (coerced == NULL)
                    return analyse_error(state, analyse_location(bound), err, RDB_DATATYPE_MISMATCH, "array subscript must have type integer");
                bound = coerced;
            } else if (!upper && !step->is_slice) { /* [n] beside a slice is [1:n] */
                if (!analyse_make_int4(state, 1, -1, &bound, err))
                    return false;
            }
            rdb_list_push(analyse_arena(state), upper ? &node->upper : &node->lower, bound);
        }
    }
    *subscript = node;
    return true;
}

/* A name is an array of characters, counted from 0: name[0] is "char"(substr(name, 1, 1)). */
static bool name_character(analyse_state *state, rdb_expr *name, const rdb_ast_subscript *raw, rdb_expr **expr, rdb_error *err)
{
    enum { TEXT_OF_NAME = 406, SUBSTR = 877, CHAR_OF_TEXT = 944, INT4_PLUS = 177 };
    static const struct { uint32_t function, result; } CALLS[] = {{TEXT_OF_NAME, RDB_TEXTOID}, {INT4_PLUS, RDB_INT4OID}, {SUBSTR, RDB_TEXTOID}, {CHAR_OF_TEXT, RDB_CHAROID}};
    const rdb_type *int4;
    rdb_expr *at, *one, *first = name, *second = NULL, *third = NULL;
    if (!analyse_get_type(state, RDB_INT4OID, &int4, err) || !analyse_node(state, raw->upper, &at, err) ||
        !analyse_coerce_to_target(state, at, int4, -1, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, &at, err))
        return false;
    if (at == NULL)
        return analyse_error(state, raw->node.location, err, RDB_DATATYPE_MISMATCH, "fixed-length array subscript must have type integer");
    if (!analyse_make_int4(state, 1, -1, &one, err))
        return false;
    for (size_t i = 0; i < RDB_COUNT_OF(CALLS); i++) {
        const rdb_function *function = NULL;
        const rdb_type *result;
        rdb_list arguments = {0};
        rdb_expr_function *call;
        if (!rdb_function_get(state->analysis->access, CALLS[i].function, &function, err) || !analyse_get_type(state, CALLS[i].result, &result, err))
            return false;
        bool is_plus = CALLS[i].function == INT4_PLUS, is_substr = CALLS[i].function == SUBSTR;
        rdb_list_push(analyse_arena(state), &arguments, is_plus ? at : first);
        if (is_plus || is_substr)
            rdb_list_push(analyse_arena(state), &arguments, is_plus ? one : second);
        if (is_substr)
            rdb_list_push(analyse_arena(state), &arguments, third);
        if (!analyse_make_call(state, function, result, &arguments, RDB_FORM_CALL, name->location, &call, err))
            return false;
        if (is_plus) {
            second = &call->head;
            third = one;
        } else {
            first = &call->head;
        }
    }
    *expr = first;
    return true;
}

bool analyse_indirection(analyse_state *state, const rdb_ast_indirection *raw, rdb_expr **expr, rdb_error *err)
{
    rdb_expr *value;
    if (!analyse_node(state, raw->arg, &value, err))
        return false;
    for (uint32_t at = 0; at < raw->steps.count;) {
        const rdb_ast_node *step = raw->steps.items[at];
        if (step->tag == RDB_AST_SUBSCRIPT) {
            uint32_t count = 1;
            while (at + count < raw->steps.count && ((const rdb_ast_node *)raw->steps.items[at + count])->tag == RDB_AST_SUBSCRIPT)
                count++;
            if (count == 1 && !((const rdb_ast_subscript *)step)->is_slice && analyse_base_type(value->type, NULL)->oid == RDB_NAMEOID) {
                if (!name_character(state, value, (const rdb_ast_subscript *)step, &value, err))
                    return false;
                at++;
                continue;
            }
            rdb_expr_subscript *subscript;
            if (!analyse_subscripts(state, value, &raw->steps, at, count, value->location, &subscript, err))
                return false;
            value = &subscript->head;
            at += count;
            continue;
        }
        if (step->tag == RDB_AST_STAR)
            return analyse_error(state, raw->node.location, err, RDB_FEATURE_NOT_SUPPORTED, "row expansion via \"*\" is not supported here");
        const char *name = ((const rdb_ast_value *)step)->text;
        rdb_expr *field;
        if (!analyse_field(state, value, name, value->location, &field, err))
            return false;
        if (field == NULL) {
            if (value->kind == RDB_EXPR_VAR && ((rdb_expr_var *)value)->attribute_no == 0) {
                const rdb_expr_var *var = (const rdb_expr_var *)value;
                const rdb_range *range = analyse_state_up(state, var->levels_up)->query->ranges.items[var->range_no - 1];
                return analyse_error(state, analyse_location(value), err, RDB_UNDEFINED_COLUMN, "column %s.%s does not exist",
                                     range->alias == NULL ? "" : range->alias, name);
            }
            if (value->type->oid == RDB_RECORDOID)
                return analyse_error(state, analyse_location(value), err, RDB_UNDEFINED_COLUMN, "could not identify column \"%s\" in record data type", name);
            if (analyse_is_row_type(value->type))
                return analyse_error(state, analyse_location(value), err, RDB_UNDEFINED_COLUMN, "column \"%s\" not found in data type %s", name,
                                     analyse_type_name(state, value->type->oid));
            return analyse_error(state, analyse_location(value), err, RDB_WRONG_OBJECT_TYPE, "column notation .%s applied to type %s, which is not a composite type",
                                 name, analyse_type_name(state, value->type->oid));
        }
        value = field;
        at++;
    }
    *expr = value;
    return true;
}
