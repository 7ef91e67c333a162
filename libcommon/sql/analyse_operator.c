/* SPDX-License-Identifier: Apache-2.0
 * Operators: which one is meant, and the node that calls its function. */
#include "sql/analyse_int.h"

static const char *operator_signature(const analyse_state *state, const rdb_ast_names *name, uint32_t left, uint32_t right)
{
    const char *written = analyse_join_names(analyse_arena(state), name);
    if (left == 0)
        return rdb_arena_printf(analyse_arena(state), "%s %s", written, analyse_type_name(state, right));
    return rdb_arena_printf(analyse_arena(state), "%s %s %s", analyse_type_name(state, left), written,
                            analyse_type_name(state, right));
}

static const rdb_operator_entry *find_exact(const rdb_operator_entry *const *entries, uint32_t count, uint32_t left,
                                            uint32_t right)
{
    for (uint32_t at = 0; at < count; at++)
        if (entries[at]->left_type == left && entries[at]->right_type == right)
            return entries[at];
    return NULL;
}

static bool base_of(const analyse_state *state, uint32_t oid, uint32_t *base, rdb_error *err)
{
    const rdb_type *type;
    if (!analyse_get_type(state, oid, &type, err))
        return false;
    *base = analyse_base_type(type, NULL)->oid;
    return true;
}

bool analyse_find_operator(const analyse_state *state, const rdb_ast_names *name, uint32_t left, uint32_t right,
                           bool missing_is_fine, int32_t location, const rdb_operator_entry **entry, rdb_error *err)
{
    const char *schema, *base;
    const rdb_operator_entry *const *entries;
    uint32_t count;
    *entry = NULL;
    if (!analyse_split_name(state->analysis, name, name->count, &schema, &base, err))
        return analyse_place(state->analysis, location, err);
    uint32_t namespace_oid = 0;
    if (schema != NULL && !rdb_namespace_find(state->analysis->access, schema, &namespace_oid, err))
        return false;
    if (schema != NULL && namespace_oid == 0)
        return analyse_error(state, location, err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
    if (!rdb_operator_find(state->analysis->access, schema, base, &entries, &count, err))
        return false;
    /* One unknown side is taken for the other side's type first. */
    uint32_t exact_left = left, exact_right = right;
    bool was_unknown = false;
    if (left == RDB_UNKNOWNOID && right != RDB_UNKNOWNOID) {
        exact_left = right;
        was_unknown = true;
    } else if (right == RDB_UNKNOWNOID && left != RDB_UNKNOWNOID && left != 0) {
        exact_right = left;
        was_unknown = true;
    }
    *entry = find_exact(entries, count, exact_left, exact_right);
    if (*entry == NULL && was_unknown) {
        uint32_t below;
        if (!base_of(state, exact_left, &below, err))
            return false;
        if (below != exact_left)
            *entry = find_exact(entries, count, below, below);
    }
    if (*entry != NULL)
        return true;

    rdb_arena *arena = analyse_arena(state);
    analyse_candidate *candidates = rdb_arena_alloc(arena, (count + 1) * sizeof *candidates);
    uint32_t candidate_count = 0, input_count = left == 0 ? 1 : 2;
    for (uint32_t at = 0; at < count; at++) {
        if ((entries[at]->left_type == 0) != (left == 0))
            continue;
        const rdb_operator_entry *one = entries[at];
        uint32_t *types = rdb_arena_alloc(arena, 2 * sizeof *types);
        types[0] = left == 0 ? one->right_type : one->left_type;
        types[1] = one->right_type;
        bool hidden = false; /* by one of the same types earlier in the search path */
        for (uint32_t before = 0; before < candidate_count && !hidden; before++)
            hidden = memcmp(candidates[before].types, types, input_count * sizeof *types) == 0;
        if (!hidden)
            candidates[candidate_count++] = (analyse_candidate){.object = one, .types = types, .count = input_count};
    }
    const uint32_t inputs[2] = {left == 0 ? right : left, right};
    const analyse_candidate *best = NULL;
    if (!analyse_match_candidates(state, input_count, inputs, candidates, &candidate_count, err))
        return false;
    if (candidate_count == 1)
        best = &candidates[0];
    else if (candidate_count > 1 &&
             !analyse_select_candidate(state, input_count, inputs, candidates, candidate_count, &best, err))
        return false;
    if (best != NULL) {
        *entry = best->object;
        return true;
    }
    if (missing_is_fine)
        return true;
    if (candidate_count > 1) {
        rdb_error_set(err, RDB_AMBIGUOUS_FUNCTION, "operator is not unique: %s", operator_signature(state, name, left, right));
        rdb_error_hint(err, "Could not choose a best candidate operator. You might need to add explicit type casts.");
    } else {
        rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "operator does not exist: %s", operator_signature(state, name, left, right));
        rdb_error_hint(err, left == 0 ? "No operator matches the given name and argument type. You might need to add an explicit type cast."
                                      : "No operator matches the given name and argument types. You might need to add explicit type casts.");
    }
    return analyse_place(state->analysis, location, err);
}

static bool operator_function(const analyse_state *state, const rdb_ast_names *name, const rdb_operator_entry *entry, int32_t location,
                              const rdb_function **function, rdb_error *err)
{
    *function = NULL;
    if (entry->function_oid != 0 && !rdb_function_get(state->analysis->access, entry->function_oid, function, err))
        return false;
    if (*function == NULL)
        return analyse_error(state, location, err, RDB_UNDEFINED_FUNCTION, "operator is only a shell: %s", operator_signature(state, name, entry->left_type, entry->right_type));
    return true;
}

bool analyse_operator(analyse_state *state, const rdb_ast_names *name, rdb_expr *left, rdb_expr *right, int32_t location,
                      rdb_expr **expr, rdb_error *err)
{
    if (!analyse_dialect_days(state, name, left, &right, err))
        return false;
    uint32_t left_type = left == NULL ? 0 : left->type->oid, right_type = right->type->oid, result_oid;
    const rdb_operator_entry *entry;
    const rdb_function *function;
    if (!analyse_find_operator(state, name, left_type, right_type, false, location, &entry, err) ||
        !operator_function(state, name, entry, location, &function, err))
        return false;
    rdb_list arguments = {0};
    uint32_t actual[2], declared[2], count = 0;
    if (left != NULL) {
        rdb_list_push(analyse_arena(state), &arguments, left);
        actual[count] = left_type;
        declared[count++] = entry->left_type;
    }
    rdb_list_push(analyse_arena(state), &arguments, right);
    actual[count] = right_type;
    declared[count++] = entry->right_type;
    const rdb_type *result;
    rdb_expr_function *call;
    if (!analyse_resolve_polymorphic(state, count, actual, declared, entry->result_type, &result_oid, false, NULL, err))
        return false;
    if (!analyse_coerce_arguments(state, &arguments, declared, err) || !analyse_get_type(state, result_oid, &result, err) ||
        !analyse_make_call(state, function, result, &arguments, RDB_FORM_OPERATOR, location, &call, err))
        return false;
    call->operator_oid = entry->oid;
    *expr = &call->head;
    return true;
}

bool analyse_operator_named(analyse_state *state, const char *name, rdb_expr *left, rdb_expr *right, int32_t location,
                            rdb_expr **expr, rdb_error *err)
{
    const char *items[1] = {name};
    const rdb_ast_names names = {items, 1};
    return analyse_operator(state, &names, left, right, location, expr, err);
}

bool analyse_array_operator(analyse_state *state, const rdb_ast_names *name, bool use_or, rdb_expr *left, rdb_expr *right,
                            int32_t location, rdb_expr **expr, rdb_error *err)
{
    uint32_t left_type = left->type->oid, element_type = RDB_UNKNOWNOID;
    if (right->type->oid != RDB_UNKNOWNOID) {
        const rdb_type *base = analyse_base_type(right->type, NULL);
        if (base->element == NULL || (analyse_array_element(base) == NULL && base->typlen != -1))
            return analyse_error(state, location, err, RDB_WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires array on right side");
        element_type = base->element->oid;
    }
    const rdb_operator_entry *entry;
    const rdb_function *function;
    if (!analyse_find_operator(state, name, left_type, element_type, false, location, &entry, err) ||
        !operator_function(state, name, entry, location, &function, err))
        return false;
    uint32_t actual[2] = {left_type, element_type}, declared[2] = {entry->left_type, entry->right_type}, result_oid;
    if (!analyse_resolve_polymorphic(state, 2, actual, declared, entry->result_type, &result_oid, false, NULL, err))
        return false;
    if (result_oid != RDB_BOOLOID)
        return analyse_error(state, location, err, RDB_WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires operator to yield boolean");
    if (function->returns_set)
        return analyse_error(state, location, err, RDB_WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires operator not to return a set");
    const rdb_type *declared_element, *array = NULL, *boolean;
    if (analyse_is_polymorphic(declared[1])) {
        array = right->type;
    } else {
        if (!analyse_get_type(state, declared[1], &declared_element, err) ||
            !analyse_array_of(state, declared_element, &array, err))
            return false;
        if (array == NULL)
            return analyse_error(state, location, err, RDB_UNDEFINED_OBJECT, "could not find array type for data type %s",
                                 analyse_type_name(state, declared[1]));
    }
    rdb_list arguments = {0};
    rdb_list_push(analyse_arena(state), &arguments, left);
    rdb_list_push(analyse_arena(state), &arguments, right);
    declared[1] = array->oid;
    if (!analyse_coerce_arguments(state, &arguments, declared, err) || !analyse_get_type(state, RDB_BOOLOID, &boolean, err) ||
        !analyse_check_kernel(state, function, location, err))
        return false;
    rdb_expr_array_op *node = ANALYSE_NEW(state, rdb_expr_array_op, RDB_EXPR_ARRAY_OP, boolean, location);
    node->function = function;
    node->operator_oid = entry->oid;
    node->use_or = use_or;
    node->left = arguments.items[0];
    node->right = arguments.items[1];
    *expr = &node->head;
    return true;
}

/* Arrays, rows and ranges are hashed where what they are made of is; an anonymous row is not known well enough. */
static bool is_hashable(const analyse_state *state, const rdb_type *type, uint32_t depth, rdb_error *err)
{
    const rdb_type *base = analyse_base_type(type, NULL);
    uint32_t equality = 0;
    const rdb_operator_entry *entry = NULL;
    if (depth > 100 || base->oid == RDB_RECORDOID || base->oid == RDB_RECORDARRAYOID)
        return false;
    if (base->element != NULL && base->category == 'A')
        return is_hashable(state, base->element, depth + 1, err);
    if ((base->kind == 'r' || base->kind == 'm') && base->base != NULL)
        return is_hashable(state, base->base, depth + 1, err);
    for (uint32_t i = 0; base->kind == 'c' && i < base->field_count; i++)
        if (!base->fields[i].is_dropped && !is_hashable(state, base->fields[i].type, depth + 1, err))
            return false;
    if (base->kind == 'c')
        return true;
    if (!rdb_opclass_operator(state->analysis->access, base->oid, base->oid, 3, &equality, err))
        return false;
    return equality == 0 || (rdb_operator_get(state->analysis->access, equality, &entry, err) && entry != NULL && entry->can_hash);
}

bool analyse_sort_operators(const analyse_state *state, const rdb_type *type, bool need_order, bool is_descending,
                            int32_t location, uint32_t *equality_oid, uint32_t *order_oid, bool *can_hash, rdb_error *err)
{
    *equality_oid = *order_oid = 0;
    *can_hash = false;
    const rdb_type *base = analyse_base_type(type, NULL);
    uint32_t oid = base->kind == 'c' ? RDB_RECORDOID : base->oid; /* rows compare by the operators of record */
    rdb_access *access = state->analysis->access;
    if (!rdb_opclass_operator(access, oid, oid, 3, equality_oid, err) ||
        !rdb_opclass_operator(access, oid, oid, is_descending ? 5 : 1, order_oid, err))
        return false;
    if (base->element != NULL && base->ops != NULL && base->ops->compare == NULL) /* arrays are as ordered as their elements */
        *equality_oid = *order_oid = 0;
    if (need_order && *order_oid == 0) {
        analyse_error(state, location, err, RDB_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s",
                      analyse_type_name(state, type->oid));
        return rdb_error_hint(err, "Use an explicit ordering operator or modify the query.");
    }
    if (*equality_oid == 0) { /* types that hash but have no order: xid, cid, aclitem... */
        static const char *const EQUAL[1] = {"="};
        const rdb_ast_names name = {(const char **)(uintptr_t)EQUAL, 1};
        const rdb_operator_entry *entry = NULL;
        if (!analyse_find_operator(state, &name, oid, oid, true, location, &entry, err))
            return false;
        if (entry != NULL && base->element == NULL && entry->can_hash && entry->left_type == oid && entry->right_type == oid)
            *equality_oid = entry->oid;
    }
    if (*equality_oid == 0)
        return analyse_error(state, location, err, RDB_UNDEFINED_FUNCTION, "could not identify an equality operator for type %s",
                             analyse_type_name(state, type->oid));
    const rdb_operator_entry *equality = NULL;
    if (!rdb_operator_get(access, *equality_oid, &equality, err))
        return false;
    *can_hash = (equality == NULL || equality->can_hash || base->kind == 'c') && is_hashable(state, type, 0, err);
    return !rdb_error_is_set(err);
}
