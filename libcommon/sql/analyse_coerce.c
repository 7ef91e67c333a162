/* SPDX-License-Identifier: Apache-2.0
 * Coercion: which type may become which, where, and by what; the nodes that do it; types that several expressions have in
 * common. The rules are PostgreSQL's, case by case, since which function a call means
 * follows from them. */
#include "catalog/rdb_ddl.h"
#include "sql/analyse_int.h"

enum { ANYMULTIRANGE = 4537, ANYCOMPATIBLEMULTIRANGE = 4538 };

bool analyse_is_polymorphic(uint32_t type_oid)
{
    switch (type_oid) {
    case RDB_ANYELEMENTOID: case RDB_ANYARRAYOID: case RDB_ANYNONARRAYOID: case RDB_ANYENUMOID: case RDB_ANYRANGEOID:
    case RDB_ANYCOMPATIBLEOID: case RDB_ANYCOMPATIBLEARRAYOID: case RDB_ANYCOMPATIBLENONARRAYOID:
    case RDB_ANYCOMPATIBLERANGEOID: case ANYMULTIRANGE: case ANYCOMPATIBLEMULTIRANGE:
        return true;
    default:
        return false;
    }
}

const rdb_type *analyse_base_type(const rdb_type *type, int32_t *typmod)
{
    while (type->kind == 'd' && type->base != NULL) {
        if (typmod != NULL)
            *typmod = type->domain_typmod;
        type = type->base;
    }
    return type;
}

bool analyse_is_row_type(const rdb_type *type)
{
    type = analyse_base_type(type, NULL);
    return type->oid == RDB_RECORDOID || type->kind == 'c';
}

const rdb_type *analyse_array_element(const rdb_type *type)
{
    if (type->element == NULL || type->typlen != -1 || type->oid == RDB_INT2VECTOROID || type->oid == RDB_OIDVECTOROID)
        return NULL;
    return type->element;
}

bool analyse_array_of(const analyse_state *state, const rdb_type *element, const rdb_type **array, rdb_error *err)
{
    *array = NULL;
    if (element->array_oid != 0 && !rdb_type_get(state->analysis->access, element->array_oid, array, err))
        return false;
    if (element->oid == RDB_RECORDOID && element->fields != NULL && *array != NULL) { /* whose fields have names */
        rdb_type *named = rdb_arena_memdup(analyse_arena(state), *array, sizeof *named);
        named->element = element;
        *array = named;
    }
    return true;
}

/* ---- ways from type to type ---- */

bool analyse_find_path(const analyse_state *state, uint32_t target, uint32_t source, analyse_cast cast, analyse_path *path,
                       uint32_t *function_oid, rdb_error *err)
{
    const rdb_type *to, *from;
    *path = ANALYSE_PATH_NONE;
    *function_oid = 0;
    if (!analyse_get_type(state, target, &to, err) || !analyse_get_type(state, source, &from, err))
        return false;
    to = analyse_base_type(to, NULL);
    from = analyse_base_type(from, NULL);
    if (to == from || to->oid == from->oid) {
        *path = ANALYSE_PATH_RELABEL;
        return true;
    }
    const rdb_cast_entry *entry = NULL;
    if (!rdb_cast_find(state->analysis->access, from->oid, to->oid, &entry, err))
        return false;
    if (entry != NULL) {
        analyse_cast needed = entry->context == 'i'   ? ANALYSE_IMPLICIT
                              : entry->context == 'a' ? ANALYSE_ASSIGNMENT
                                                      : ANALYSE_EXPLICIT;
        if (cast < needed)
            return true;
        *path = entry->method == 'f'   ? ANALYSE_PATH_FUNCTION
                : entry->method == 'i' ? ANALYSE_PATH_IO
                                       : ANALYSE_PATH_RELABEL;
        *function_oid = entry->function_oid;
        return true;
    }
    /* int2vector and oidvector convert to arrays as arrays do; nothing converts to them. */
    const rdb_type *to_element = analyse_array_element(to), *from_element = from->typlen == -1 ? from->element : NULL;
    if (to_element != NULL && from_element != NULL) {
        analyse_path element_path;
        if (!analyse_find_path(state, to_element->oid, from_element->oid, cast, &element_path, function_oid, err))
            return false;
        *function_oid = 0;
        if (element_path != ANALYSE_PATH_NONE) {
            *path = ANALYSE_PATH_ARRAY;
            return true;
        }
    }
    /* Through text: into strings on assignment, out of them when asked for. */
    if ((cast >= ANALYSE_ASSIGNMENT && to->category == 'S') || (cast >= ANALYSE_EXPLICIT && from->category == 'S'))
        *path = ANALYSE_PATH_IO;
    return true;
}

static bool is_any_like(uint32_t oid)
{
    return oid == RDB_ANYOID || oid == RDB_ANYELEMENTOID || oid == RDB_ANYNONARRAYOID || oid == RDB_ANYCOMPATIBLEOID ||
           oid == RDB_ANYCOMPATIBLENONARRAYOID;
}

static bool is_record_like(const rdb_type *type)
{
    return analyse_base_type(type, NULL)->kind == 'c';
}

/* Is one the row type of a table that inherits, by whatever way, from the other one's? */
static bool row_inherits(const analyse_state *state, const rdb_type *from, const rdb_type *to, bool *does, rdb_error *err)
{
    rdb_access *access = state->analysis->access;
    const uint32_t child_oid = analyse_base_type(from, NULL)->relation_oid, wanted_oid = analyse_base_type(to, NULL)->relation_oid;
    rdb_list met = {0};
    *does = false;
    if (child_oid == 0 || wanted_oid == 0 || child_oid == wanted_oid)
        return true;
    rdb_list_push(analyse_arena(state), &met, (void *)(uintptr_t)child_oid);
    for (uint32_t at = 0; at < met.count && !*does; at++) {
        uint32_t *parents = NULL, count = 0;
        if (!rdb_ddl_get_parents(access, (uint32_t)(uintptr_t)met.items[at], analyse_arena(state), &parents, &count, err))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            bool is_known = false;
            for (uint32_t k = 0; k < met.count; k++)
                is_known = is_known || (uint32_t)(uintptr_t)met.items[k] == parents[i];
            *does = *does || parents[i] == wanted_oid;
            if (!is_known)
                rdb_list_push(analyse_arena(state), &met, (void *)(uintptr_t)parents[i]);
        }
    }
    return true;
}

bool analyse_can_coerce(const analyse_state *state, uint32_t count, const uint32_t *sources, const uint32_t *targets,
                        analyse_cast cast, bool *can, rdb_error *err)
{
    bool have_polymorphic = false;
    *can = false;
    for (uint32_t at = 0; at < count; at++) {
        uint32_t source = sources[at], target = targets[at];
        if (source == target || target == RDB_ANYOID)
            continue;
        if (analyse_is_polymorphic(target)) {
            have_polymorphic = true;
            continue;
        }
        if (source == RDB_UNKNOWNOID)
            continue;
        analyse_path path;
        uint32_t function_oid;
        if (!analyse_find_path(state, target, source, cast, &path, &function_oid, err))
            return false;
        if (path != ANALYSE_PATH_NONE)
            continue;
        const rdb_type *from, *to;
        if (!analyse_get_type(state, source, &from, err) || !analyse_get_type(state, target, &to, err))
            return false;
        if (source == RDB_RECORDOID && is_record_like(to))
            continue;
        if (target == RDB_RECORDOID && is_record_like(from))
            continue;
        if (target == RDB_RECORDARRAYOID && analyse_array_element(from) != NULL &&
            is_record_like(analyse_array_element(from)))
            continue;
        bool inherits = false;
        if (!row_inherits(state, from, to, &inherits, err))
            return false;
        if (inherits)
            continue;
        return true;
    }
    *can = true;
    if (!have_polymorphic)
        return true;
    uint32_t few[16], *declared = few, result;
    if (count > RDB_COUNT_OF(few))
        declared = rdb_arena_alloc(analyse_arena(state), count * sizeof *declared);
    memcpy(declared, targets, count * sizeof *declared);
    return analyse_resolve_polymorphic(state, count, sources, declared, 0, &result, true, can, err);
}

/* ---- nodes that coerce ---- */

/* A coercion that is part of another one is not shown by itself. */
static void hide_coercion(rdb_expr *expr)
{
    switch (expr->kind) {
    case RDB_EXPR_FUNCTION: {
        rdb_expr_function *call = (rdb_expr_function *)expr;
        if (call->form == RDB_FORM_EXPLICIT_CAST)
            call->form = RDB_FORM_IMPLICIT_CAST;
        break;
    }
    case RDB_EXPR_RELABEL: case RDB_EXPR_COERCE_IO: case RDB_EXPR_COERCE_DOMAIN: case RDB_EXPR_ROW_CONVERT: {
        rdb_expr_unary *unary = (rdb_expr_unary *)expr;
        if (unary->form == RDB_FORM_EXPLICIT_CAST)
            unary->form = RDB_FORM_IMPLICIT_CAST;
        break;
    }
    case RDB_EXPR_ARRAY_COERCE:
        ((rdb_expr_array_coerce *)expr)->form = RDB_FORM_IMPLICIT_CAST;
        break;
    default:
        break;
    }
}

static rdb_expr *make_unary(const analyse_state *state, rdb_expr_kind kind, rdb_expr *argument, const rdb_type *type,
                            int32_t typmod, rdb_call_form form, int32_t location)
{
    rdb_expr_unary *node = ANALYSE_NEW(state, rdb_expr_unary, kind, type, location);
    node->argument = argument;
    node->form = (uint8_t)form;
    node->head.typmod = typmod;
    return &node->head;
}

static bool call_cast_function(analyse_state *state, rdb_expr *expr, uint32_t function_oid, const rdb_type *target,
                               int32_t typmod, analyse_cast cast, rdb_call_form form, int32_t location, rdb_expr **result,
                               rdb_error *err)
{
    const rdb_function *function = NULL;
    if (!rdb_function_get(state->analysis->access, function_oid, &function, err))
        return false;
    if (function == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cast function %u does not exist", function_oid);
    rdb_list arguments = {0};
    rdb_list_push(analyse_arena(state), &arguments, expr);
    rdb_expr *extra;
    if (function->argument_count >= 2) {
        if (!analyse_make_int4(state, typmod, -1, &extra, err))
            return false;
        rdb_list_push(analyse_arena(state), &arguments, extra);
    }
    if (function->argument_count == 3) {
        if (!analyse_make_bool(state, cast == ANALYSE_EXPLICIT, -1, &extra, err))
            return false;
        rdb_list_push(analyse_arena(state), &arguments, extra);
    }
    rdb_expr_function *call;
    if (!analyse_make_call(state, function, target, &arguments, form, location, &call, err))
        return false;
    if (function->argument_count >= 2) /* a function that knows no modifier does not apply it */
        call->head.typmod = typmod;
    *result = &call->head;
    return true;
}

static bool coerce_array(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod, analyse_cast cast,
                         rdb_call_form form, int32_t location, rdb_expr **result, rdb_error *err)
{
    const rdb_type *source = analyse_base_type(expr->type, NULL);
    rdb_expr *item = analyse_new(state, sizeof(rdb_expr_case_test), RDB_EXPR_CASE_TEST, source->element, -1), *element;
    item->typmod = expr->typmod;
    if (!analyse_coerce_to_target(state, item, target->element, typmod, cast, form, location, &element, err))
        return false;
    if (element == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "failed to coerce array element type as expected");
    rdb_expr_array_coerce *node = ANALYSE_NEW(state, rdb_expr_array_coerce, RDB_EXPR_ARRAY_COERCE, target, location);
    node->argument = expr;
    node->element = element;
    node->form = (uint8_t)form;
    node->head.typmod = typmod;
    *result = &node->head;
    return true;
}

static bool build_coercion(analyse_state *state, rdb_expr *expr, analyse_path path, uint32_t function_oid,
                           const rdb_type *target, int32_t typmod, analyse_cast cast, rdb_call_form form, int32_t location,
                           rdb_expr **result, rdb_error *err)
{
    switch (path) {
    case ANALYSE_PATH_FUNCTION:
        return call_cast_function(state, expr, function_oid, target, typmod, cast, form, location, result, err);
    case ANALYSE_PATH_ARRAY:
        return coerce_array(state, expr, target, typmod, cast, form, location, result, err);
    case ANALYSE_PATH_IO:
        if (target->ops == NULL || expr->type->ops == NULL)
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "type %s is not supported yet",
                                 analyse_type_name(state, target->ops == NULL ? target->oid : expr->type->oid));
        *result = make_unary(state, RDB_EXPR_COERCE_IO, expr, target, -1, form, location);
        return true;
    default:
        RDB_ASSERT(path == ANALYSE_PATH_RELABEL);
        *result = make_unary(state, RDB_EXPR_RELABEL, expr, target, typmod, form, location);
        return true;
    }
}

bool analyse_coerce_typmod(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod, analyse_cast cast,
                           rdb_call_form form, int32_t location, bool hide_input, rdb_expr **result, rdb_error *err)
{
    *result = expr;
    if (typmod == expr->typmod)
        return true;
    if (typmod < 0) { /* nothing to do to the value, but the result's modifier is none */
        if (hide_input)
            hide_coercion(expr);
        *result = make_unary(state, RDB_EXPR_RELABEL, expr, target, -1, form, location);
        return true;
    }
    const rdb_type *subject = analyse_array_element(target) != NULL ? target->element : target;
    const rdb_cast_entry *entry = NULL;
    if (!rdb_cast_find(state->analysis->access, subject->oid, subject->oid, &entry, err))
        return false;
    bool has_function = entry != NULL && entry->function_oid != 0;
    if (hide_input)
        hide_coercion(expr);
    if (!has_function) { /* the type takes no notice of its modifier here: only the label changes */
        *result = make_unary(state, RDB_EXPR_RELABEL, expr, target, typmod, form, location);
        return true;
    }
    if (subject != target)
        return coerce_array(state, expr, target, typmod, cast, form, location, result, err);
    return call_cast_function(state, expr, entry->function_oid, target, typmod, cast, form, location, result, err);
}

/* The checks of a domain, over a value of its base type. */
static bool coerce_to_domain(analyse_state *state, rdb_expr *expr, const rdb_type *target, analyse_cast cast,
                             rdb_call_form form, int32_t location, bool hide_input, rdb_expr **result, rdb_error *err)
{
    *result = expr;
    if (target->kind != 'd')
        return true;
    int32_t typmod = -1;
    const rdb_type *base = analyse_base_type(target, &typmod);
    if (hide_input)
        hide_coercion(expr);
    if (!analyse_coerce_typmod(state, expr, base, typmod, cast, RDB_FORM_IMPLICIT_CAST, location, false, &expr, err))
        return false;
    *result = make_unary(state, RDB_EXPR_COERCE_DOMAIN, expr, target, -1, form, location);
    return true;
}

static bool read_constant(analyse_state *state, const rdb_expr_const *unknown, const rdb_type *target, int32_t typmod,
                          analyse_cast cast, rdb_call_form form, int32_t location, rdb_expr **result, rdb_error *err)
{
    int32_t base_typmod = typmod;
    const rdb_type *base = analyse_base_type(target, &base_typmod);
    /* Only interval's input looks at the modifier: '1' is a second or an hour by it. */
    int32_t input_typmod = base->oid == RDB_INTERVALOID ? base_typmod : -1;
    rdb_expr_const *value = ANALYSE_NEW(state, rdb_expr_const, RDB_EXPR_CONST, base, unknown->head.location);
    value->head.typmod = input_typmod;
    value->is_null = unknown->is_null;
    if (!unknown->is_null) {
        if (base->ops == NULL || base->ops->input == NULL) {
            if (base->kind == 'p')
                return analyse_error(state, unknown->head.location, err, RDB_FEATURE_NOT_SUPPORTED,
                                     "cannot accept a value of type %s", analyse_type_name(state, base->oid));
            return analyse_error(state, unknown->head.location, err, RDB_FEATURE_NOT_SUPPORTED,
                                 "type %s is not supported yet", analyse_type_name(state, base->oid));
        }
        const rdb_analysis *analysis = state->analysis;
        rdb_eval eval = {.access = analysis->access, .format = analysis->format, .statement_us = analysis->statement_us,
                         .transaction_us = analysis->transaction_us,
                         .txn = analysis->access == NULL ? NULL : rdb_access_get_context(analysis->access)->txn};
        void *call_state = NULL;
        rdb_call call = {.arena = analysis->arena, .err = err, .format = analysis->format == NULL ? rdb_format_default() : analysis->format,
                         .statement_us = analysis->statement_us, .transaction_us = analysis->transaction_us,
                         .result_type = base, .result_typmod = input_typmod, .state = &call_state,
                         .plan_arena = analysis->arena,
                         .session = analysis->session != NULL ? analysis->session : &eval}; /* kernels see an rdb_eval there */
        rdb_slice text = {unknown->value.bytes.data, unknown->value.bytes.length};
        if (!base->ops->input(&call, base, text, input_typmod, &value->value))
            return analyse_place(analysis, unknown->head.location, err);
    }
    *result = &value->head;
    if (target == base)
        return true;
    return coerce_to_domain(state, *result, target, cast, form, location, false, result, err);
}

/* An undeclared parameter is of the type that its first use wants. */
static bool infer_parameter(analyse_state *state, rdb_expr_param *param, const rdb_type *target, int32_t typmod,
                            int32_t location, rdb_error *err)
{
    rdb_analysis *analysis = state->analysis;
    uint32_t *known = &analysis->parameter_types[param->param_no - 1];
    if (*known == 0 || *known == RDB_UNKNOWNOID) {
        *known = target->oid;
    } else if (*known != target->oid) {
        analyse_error(state, param->head.location, err, RDB_AMBIGUOUS_PARAMETER,
                      "inconsistent types deduced for parameter $%u", param->param_no);
        return rdb_error_detail(err, "%s versus %s", analyse_type_name(state, *known), analyse_type_name(state, target->oid));
    }
    (void)typmod;
    param->head.type = target;
    param->head.typmod = -1;
    param->head.collation = target->collation;
    if (location >= 0 && (param->head.location < 0 || location < param->head.location))
        param->head.location = location;
    return true;
}

/* ROW(...) or a whole row as a composite type, field by field. */
static bool coerce_record(analyse_state *state, rdb_expr *expr, const rdb_type *target, analyse_cast cast,
                          rdb_call_form form, int32_t location, rdb_expr **result, rdb_error *err)
{
    const rdb_type *base = analyse_base_type(target, NULL);
    rdb_list sources = {0};
    if (expr->kind == RDB_EXPR_ROW) {
        sources = ((rdb_expr_row *)expr)->fields;
    } else {
        analyse_error(state, location, err, RDB_CANNOT_COERCE, "cannot cast type %s to %s",
                      analyse_type_name(state, expr->type->oid), analyse_type_name(state, target->oid));
        return false;
    }
    rdb_expr_row *row = ANALYSE_NEW(state, rdb_expr_row, RDB_EXPR_ROW, base, location);
    uint32_t source_no = 0;
    for (uint32_t at = 0; at < base->field_count; at++) {
        const rdb_type_field *field = &base->fields[at];
        rdb_expr *value;
        if (field->is_dropped) {
            const rdb_type *int4;
            if (!analyse_get_type(state, RDB_INT4OID, &int4, err))
                return false;
            rdb_list_push(analyse_arena(state), &row->fields, analyse_make_null(state, int4, -1, -1));
            continue;
        }
        if (source_no >= sources.count) {
            analyse_error(state, location, err, RDB_CANNOT_COERCE, "cannot cast type %s to %s", "record",
                          analyse_type_name(state, target->oid));
            return rdb_error_detail(err, "Input has too few columns.");
        }
        rdb_expr *source = sources.items[source_no++];
        if (!analyse_coerce_to_target(state, source, field->type, field->typmod, cast, RDB_FORM_IMPLICIT_CAST, location, &value, err))
            return false;
        if (value == NULL) {
            analyse_error(state, location, err, RDB_CANNOT_COERCE, "cannot cast type %s to %s", "record",
                          analyse_type_name(state, target->oid));
            return rdb_error_detail(err, "Cannot cast type %s to %s in column %u.", analyse_type_name(state, source->type->oid),
                                    analyse_type_name(state, field->type->oid), source_no);
        }
        rdb_list_push(analyse_arena(state), &row->fields, value);
        rdb_list_push(analyse_arena(state), &row->field_names, (void *)(uintptr_t)field->name);
    }
    if (source_no < sources.count) {
        analyse_error(state, location, err, RDB_CANNOT_COERCE, "cannot cast type %s to %s", "record",
                      analyse_type_name(state, target->oid));
        return rdb_error_detail(err, "Input has too many columns.");
    }
    row->form = (uint8_t)form;
    *result = &row->head;
    if (base == target)
        return true;
    row->form = RDB_FORM_IMPLICIT_CAST;
    return coerce_to_domain(state, *result, target, cast, form, location, false, result, err);
}

static bool is_collate_clause(const rdb_expr *expr)
{
    return expr->kind == RDB_EXPR_RELABEL && ((const rdb_expr_unary *)expr)->form == RDB_FORM_SQL_SYNTAX;
}

static rdb_expr *copy_collate(const analyse_state *state, const rdb_expr *clause, rdb_expr *argument)
{
    rdb_expr_unary *copy = rdb_arena_memdup(analyse_arena(state), clause, sizeof *copy);
    copy->argument = argument;
    copy->head.type = argument->type;
    copy->head.typmod = argument->typmod;
    return &copy->head;
}

bool analyse_coerce(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod, analyse_cast cast,
                    rdb_call_form form, int32_t location, rdb_expr **result, rdb_error *err)
{
    *result = expr;
    const rdb_type *source = expr->type;
    if (source == target || source->oid == target->oid || is_any_like(target->oid))
        return true;
    if (analyse_is_polymorphic(target->oid) && source->oid != RDB_UNKNOWNOID) {
        /* anyarray and its kin take what is below a domain */
        const rdb_type *base = analyse_base_type(source, NULL);
        if (base != source)
            *result = make_unary(state, RDB_EXPR_RELABEL, expr, base, -1, RDB_FORM_IMPLICIT_CAST, location);
        return true;
    }
    if (analyse_is_unknown_constant(expr))
        return read_constant(state, (const rdb_expr_const *)expr, target, typmod, cast, form, location, result, err);
    if (expr->kind == RDB_EXPR_PARAM && source->oid == RDB_UNKNOWNOID && state->analysis->infer_parameters) {
        int32_t base_typmod = typmod;
        const rdb_type *base = analyse_base_type(target, &base_typmod);
        (void)base;
        return infer_parameter(state, (rdb_expr_param *)expr, target, typmod, location, err);
    }
    if (is_collate_clause(expr)) {
        rdb_expr *inner;
        if (!analyse_coerce(state, ((rdb_expr_unary *)expr)->argument, target, typmod, cast, form, location, &inner, err))
            return false;
        *result = target->collation != 0 ? copy_collate(state, expr, inner) : inner;
        return true;
    }
    analyse_path path;
    uint32_t function_oid;
    if (!analyse_find_path(state, target->oid, source->oid, cast, &path, &function_oid, err))
        return false;
    if (path == ANALYSE_PATH_RELABEL) {
        const rdb_type *base = analyse_base_type(target, NULL);
        const rdb_type *from_base = analyse_base_type(source, NULL);
        if (target->kind == 'd') {
            if (from_base->oid != base->oid)
                expr = make_unary(state, RDB_EXPR_RELABEL, expr, base, -1, RDB_FORM_IMPLICIT_CAST, location);
            return coerce_to_domain(state, expr, target, cast, form, location, false, result, err);
        }
        *result = make_unary(state, RDB_EXPR_RELABEL, expr, target, -1, form, location);
        return true;
    }
    if (path != ANALYSE_PATH_NONE) {
        int32_t base_typmod = typmod;
        const rdb_type *base = analyse_base_type(target, &base_typmod);
        if (!build_coercion(state, expr, path, function_oid, base, base_typmod, cast, form, location, result, err))
            return false;
        return target == base || coerce_to_domain(state, *result, target, cast, form, location, true, result, err);
    }
    if (source->oid == RDB_RECORDOID && is_record_like(target))
        return coerce_record(state, expr, target, cast, form, location, result, err);
    if (target->oid == RDB_RECORDOID || target->oid == RDB_RECORDARRAYOID)
        return true;
    bool inherits = false;
    if (!row_inherits(state, source, target, &inherits, err))
        return false;
    if (inherits) { /* the parent's columns of it, by name; a conversion below it that only made the row narrower says nothing more */
        const rdb_type *base = analyse_base_type(source, NULL), *row = analyse_base_type(target, NULL);
        if (base != source)
            expr = make_unary(state, RDB_EXPR_RELABEL, expr, base, -1, RDB_FORM_IMPLICIT_CAST, location);
        while (expr->kind == RDB_EXPR_ROW_CONVERT && ((const rdb_expr_unary *)expr)->argument->type->relation_oid != 0)
            expr = ((rdb_expr_unary *)expr)->argument;
        *result = make_unary(state, RDB_EXPR_ROW_CONVERT, expr, row, -1, form, location);
        return target == row || coerce_to_domain(state, *result, target, cast, form, location, true, result, err);
    }
    if (source->oid == RDB_UNKNOWNOID) {
        /* an expression of unknown type, say of a sub-select that kept it: its text is read */
        if (target->ops == NULL)
            return analyse_error(state, location, err, RDB_FEATURE_NOT_SUPPORTED, "type %s is not supported yet",
                                 analyse_type_name(state, target->oid));
        *result = make_unary(state, RDB_EXPR_COERCE_IO, expr, target, -1, form, location);
        return true;
    }
    return rdb_error_set(err, RDB_INTERNAL_ERROR, "failed to find conversion function from %s to %s",
                         analyse_type_name(state, source->oid), analyse_type_name(state, target->oid));
}

bool analyse_coerce_to_target(analyse_state *state, rdb_expr *expr, const rdb_type *target, int32_t typmod, analyse_cast cast,
                              rdb_call_form form, int32_t location, rdb_expr **result, rdb_error *err)
{
    bool can;
    *result = NULL;
    if (!analyse_can_coerce(state, 1, &expr->type->oid, &target->oid, cast, &can, err))
        return false;
    if (!can)
        return true;
    rdb_expr *original = expr;
    while (is_collate_clause(expr))
        expr = ((rdb_expr_unary *)expr)->argument;
    rdb_expr *value, *sized;
    if (!analyse_coerce(state, expr, target, typmod, cast, form, location, &value, err) ||
        !analyse_coerce_typmod(state, value, target, typmod, cast, form, location, value != expr && value->kind != RDB_EXPR_CONST,
                               &sized, err))
        return false;
    *result = sized;
    if (original != expr && target->collation != 0)
        *result = copy_collate(state, original, sized);
    return true;
}

bool analyse_coerce_to_type(analyse_state *state, rdb_expr **expr, uint32_t target, const char *construct, rdb_error *err)
{
    const rdb_type *type;
    rdb_expr *result = *expr;
    if ((*expr)->type->oid != target) {
        if (!analyse_get_type(state, target, &type, err) ||
            !analyse_coerce_to_target(state, *expr, type, -1, ANALYSE_ASSIGNMENT, RDB_FORM_IMPLICIT_CAST, -1, &result, err))
            return false;
        if (result == NULL)
            return analyse_error(state, analyse_location(*expr), err, RDB_DATATYPE_MISMATCH,
                                 "argument of %s must be type %s, not type %s", construct, analyse_type_name(state, target),
                                 analyse_type_name(state, (*expr)->type->oid));
    }
    if (analyse_is_set(result))
        return analyse_error(state, analyse_location(*expr), err, RDB_DATATYPE_MISMATCH, "argument of %s must not return a set", construct);
    *expr = result;
    return true;
}

bool analyse_coerce_to_boolean(analyse_state *state, rdb_expr **expr, const char *construct, rdb_error *err)
{
    return analyse_coerce_to_type(state, expr, RDB_BOOLOID, construct, err);
}

/* ---- one type for several expressions ---- */

bool analyse_common_of_types(const analyse_state *state, uint32_t count, const rdb_type *const *types, const rdb_type **common, uint32_t *chosen,
                             uint32_t *mismatch, rdb_error *err)
{
    *mismatch = UINT32_MAX;
    *chosen = 0;
    const rdb_type *best = types[0];
    if (best->oid != RDB_UNKNOWNOID) {
        uint32_t at = 1;
        while (at < count && types[at]->oid == best->oid)
            at++;
        if (at == count) {
            *common = best;
            return true;
        }
    }
    best = analyse_base_type(best, NULL);
    for (uint32_t at = 1; at < count; at++) {
        const rdb_type *next = analyse_base_type(types[at], NULL);
        if (next->oid == RDB_UNKNOWNOID || next->oid == best->oid)
            continue;
        if (best->oid == RDB_UNKNOWNOID) {
            best = next;
            *chosen = at;
        } else if (next->category != best->category) {
            *common = best;
            *mismatch = at;
            return true;
        } else if (!best->is_preferred) {
            bool forth, back;
            if (!analyse_can_coerce(state, 1, &best->oid, &next->oid, ANALYSE_IMPLICIT, &forth, err) ||
                !analyse_can_coerce(state, 1, &next->oid, &best->oid, ANALYSE_IMPLICIT, &back, err))
                return false;
            if (forth && !back) {
                best = next;
                *chosen = at;
            }
        }
    }
    if (best->oid == RDB_UNKNOWNOID && !analyse_get_type(state, RDB_TEXTOID, &best, err))
        return false;
    *common = best;
    return true;
}

bool analyse_common_type(analyse_state *state, const rdb_list *exprs, const char *context, const rdb_type **type,
                         rdb_expr **which, rdb_error *err)
{
    const rdb_type **types = rdb_arena_alloc(analyse_arena(state), exprs->count * sizeof *types);
    for (uint32_t at = 0; at < exprs->count; at++)
        types[at] = ((const rdb_expr *)exprs->items[at])->type;
    uint32_t chosen, mismatch;
    const rdb_type *common;
    *type = NULL;
    if (!analyse_common_of_types(state, exprs->count, types, &common, &chosen, &mismatch, err))
        return false;
    if (mismatch != UINT32_MAX) {
        if (context == NULL)
            return true;
        return analyse_error(state, analyse_location((const rdb_expr *)exprs->items[mismatch]), err, RDB_DATATYPE_MISMATCH,
                             "%s types %s and %s cannot be matched", context, analyse_type_name(state, common->oid),
                             analyse_type_name(state, analyse_base_type(types[mismatch], NULL)->oid));
    }
    *type = common;
    if (which != NULL)
        *which = exprs->items[chosen];
    return true;
}

bool analyse_coerce_to_common(analyse_state *state, rdb_expr **expr, const rdb_type *type, const char *context, rdb_error *err)
{
    if ((*expr)->type->oid == type->oid)
        return true;
    bool can;
    if (!analyse_can_coerce(state, 1, &(*expr)->type->oid, &type->oid, ANALYSE_IMPLICIT, &can, err))
        return false;
    if (can)
        return analyse_coerce(state, *expr, type, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, expr, err);
    return analyse_error(state, analyse_location(*expr), err, RDB_CANNOT_COERCE, "%s could not convert type %s to %s", context,
                         analyse_type_name(state, (*expr)->type->oid), analyse_type_name(state, type->oid));
}

int32_t analyse_common_typmod(const rdb_list *exprs, const rdb_type *type)
{
    int32_t typmod = -1;
    for (uint32_t at = 0; at < exprs->count; at++) {
        const rdb_expr *expr = exprs->items[at];
        if (expr->type->oid != type->oid || (at > 0 && expr->typmod != typmod))
            return -1;
        typmod = expr->typmod;
    }
    return typmod;
}

bool rdb_type_is_binary_coercible(rdb_access *access, uint32_t source, uint32_t target, bool *is, rdb_error *err)
{
    const rdb_type *from, *to;
    const rdb_cast_entry *cast = NULL;
    *is = source == target || target == RDB_ANYOID || target == RDB_ANYELEMENTOID || target == RDB_ANYCOMPATIBLEOID;
    if (*is || !rdb_type_get(access, source, &from, err) || !rdb_type_get(access, target, &to, err) || from == NULL || to == NULL)
        return !rdb_error_is_set(err);
    from = analyse_base_type(from, NULL);
    if (from->oid == target)
        *is = true;
    else if (target == RDB_ANYARRAYOID || target == RDB_ANYCOMPATIBLEARRAYOID)
        *is = analyse_array_element(from) != NULL;
    else if (target == RDB_ANYNONARRAYOID || target == RDB_ANYCOMPATIBLENONARRAYOID)
        *is = analyse_array_element(from) == NULL;
    else if (target == RDB_ANYENUMOID)
        *is = from->kind == 'e';
    else if (target == RDB_ANYRANGEOID || target == RDB_ANYCOMPATIBLERANGEOID)
        *is = from->kind == 'r';
    else if (target == ANYMULTIRANGE || target == ANYCOMPATIBLEMULTIRANGE)
        *is = from->kind == 'm';
    else if (target == RDB_RECORDOID)
        *is = from->kind == 'c';
    else if (target == RDB_RECORDARRAYOID)
        *is = from->element != NULL && from->element->kind == 'c';
    if (*is || !rdb_cast_find(access, from->oid, target, &cast, err))
        return !rdb_error_is_set(err);
    *is = cast != NULL && cast->method == 'b' && cast->context == 'i';
    return true;
}
