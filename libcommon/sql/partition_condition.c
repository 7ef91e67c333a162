/* SPDX-License-Identifier: Apache-2.0
 * What a partition's bound says as a condition over the partitioned table's columns, and as SQL. */
#include "sql/rdb_partition.h"

#include "expr/rdb_expr.h"

typedef struct maker {
    rdb_arena *arena;
    rdb_access *access;
    const rdb_partition_map *map;
    const rdb_type *boolean;
    rdb_error *err;
} maker;

static rdb_expr *make_bool(maker *m, uint8_t kind, const rdb_list *arguments)
{
    if (arguments->count == 1 && kind != RDB_BOOL_NOT)
        return arguments->items[0];
    rdb_expr_bool *made = RDB_NEW(m->arena, rdb_expr_bool);
    made->head = (rdb_expr){.kind = RDB_EXPR_BOOL, .location = -1, .type = m->boolean, .typmod = -1};
    made->bool_kind = kind;
    made->arguments = *arguments;
    return &made->head;
}

static rdb_expr *make_not(maker *m, rdb_expr *argument)
{
    rdb_list one = {0};
    rdb_list_push(m->arena, &one, argument);
    return make_bool(m, RDB_BOOL_NOT, &one);
}

static rdb_expr *make_null_test(maker *m, rdb_expr *argument, bool is_not)
{
    rdb_expr_null_test *made = RDB_NEW(m->arena, rdb_expr_null_test);
    made->head = (rdb_expr){.kind = RDB_EXPR_NULL_TEST, .location = -1, .type = m->boolean, .typmod = -1};
    made->argument = argument;
    made->is_not = is_not;
    return &made->head;
}

static rdb_expr *relabel(maker *m, rdb_expr *argument, const rdb_type *type)
{
    rdb_expr_unary *label = RDB_NEW(m->arena, rdb_expr_unary);
    label->head = (rdb_expr){.kind = RDB_EXPR_RELABEL, .location = -1, .type = type, .typmod = -1, .collation = argument->collation};
    label->argument = argument;
    label->form = RDB_FORM_IMPLICIT_CAST;
    return &label->head;
}

/* The operator of the key's order; varchar lives by text's. *type: what it compares. */
static bool find_operator(maker *m, uint16_t key_no, uint16_t strategy, const rdb_type **type, uint32_t *operator_oid, const rdb_function **function)
{
    const rdb_operator_entry *entry = NULL;
    *type = m->map->types[key_no];
    if (!rdb_opclass_operator(m->access, (*type)->oid, (*type)->oid, strategy, operator_oid, m->err))
        return false;
    if (*operator_oid == 0) {
        static const uint32_t substitutes[] = {RDB_TEXTOID, 2283 /* anyelement: none */, 3500, 2277, 3831};
        uint32_t oid = (*type)->oid == RDB_VARCHAROID ? substitutes[0] : (*type)->kind == 'e' ? substitutes[2] : (*type)->element != NULL && (*type)->category == 'A' ? substitutes[3]
                                                                       : (*type)->kind == 'r' ? substitutes[4] : 0;
        if (oid == RDB_TEXTOID && !rdb_type_get(m->access, oid, type, m->err))
            return false;
        if (oid != 0 && !rdb_opclass_operator(m->access, oid, oid, strategy, operator_oid, m->err))
            return false;
    }
    if (*operator_oid == 0)
        return rdb_error_set(m->err, RDB_UNDEFINED_FUNCTION, "no operator of strategy %d for type %s", strategy, (*type)->name);
    return rdb_operator_get(m->access, *operator_oid, &entry, m->err) && entry != NULL && rdb_function_get(m->access, entry->function_oid, function, m->err) && *function != NULL;
}

static rdb_expr *make_comparison(maker *m, uint16_t key_no, uint16_t strategy, const rdb_expr_const *value)
{
    uint32_t operator_oid = 0;
    const rdb_function *function = NULL;
    const rdb_type *type = NULL;
    if (!find_operator(m, key_no, strategy, &type, &operator_oid, &function))
        return NULL;
    rdb_expr *left = m->map->keys[key_no], *right = (rdb_expr *)(uintptr_t)&value->head;
    if (type->oid != left->type->oid)
        left = relabel(m, left, type);
    if (type->oid != right->type->oid)
        right = relabel(m, right, type);
    rdb_expr_function *call = RDB_NEW(m->arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = m->boolean, .typmod = -1};
    call->function = function;
    call->operator_oid = operator_oid;
    call->input_collation = m->map->collations[key_no];
    call->form = RDB_FORM_OPERATOR;
    rdb_list_push(m->arena, &call->arguments, left);
    rdb_list_push(m->arena, &call->arguments, right);
    return &call->head;
}

static rdb_expr *make_any(maker *m, const rdb_list *values)
{
    uint32_t operator_oid = 0;
    const rdb_function *function = NULL;
    const rdb_type *type = NULL, *array_type = NULL;
    if (!find_operator(m, 0, 3, &type, &operator_oid, &function) || !rdb_type_get(m->access, type->array_oid, &array_type, m->err))
        return NULL;
    rdb_expr_array *array = RDB_NEW(m->arena, rdb_expr_array);
    array->head = (rdb_expr){.kind = RDB_EXPR_ARRAY, .location = -1, .type = array_type, .typmod = -1, .collation = m->map->collations[0]};
    for (uint32_t i = 0; i < values->count; i++) {
        rdb_expr *value = values->items[i];
        rdb_list_push(m->arena, &array->elements, value->type->oid == type->oid ? value : relabel(m, value, type));
    }
    rdb_expr_array_op *any = RDB_NEW(m->arena, rdb_expr_array_op);
    any->head = (rdb_expr){.kind = RDB_EXPR_ARRAY_OP, .location = -1, .type = m->boolean, .typmod = -1};
    any->function = function;
    any->operator_oid = operator_oid;
    any->input_collation = m->map->collations[0];
    any->use_or = true;
    any->left = m->map->keys[0]->type->oid == type->oid ? m->map->keys[0] : relabel(m, m->map->keys[0], type);
    any->right = &array->head;
    return &any->head;
}

/* ---- list -------------------------------------------------------------------------------------------------------------------------- */
static rdb_expr *list_condition(maker *m, const rdb_list *values, bool takes_null)
{
    rdb_expr *key = m->map->keys[0], *test = NULL;
    rdb_list both = {0};
    if (values->count == 1)
        test = make_comparison(m, 0, 3, values->items[0]);
    else if (values->count > 1 && m->map->types[0]->category == 'A') {
        rdb_list arms = {0};
        for (uint32_t i = 0; i < values->count; i++)
            rdb_list_push(m->arena, &arms, make_comparison(m, 0, 3, values->items[i]));
        test = make_bool(m, RDB_BOOL_OR, &arms);
    } else if (values->count > 1)
        test = make_any(m, values);
    if (values->count > 0 && test == NULL)
        return NULL;
    rdb_list_push(m->arena, &both, make_null_test(m, key, !takes_null));
    if (test != NULL)
        rdb_list_push(m->arena, &both, test);
    return make_bool(m, takes_null ? RDB_BOOL_OR : RDB_BOOL_AND, &both);
}

static void list_values(maker *m, const rdb_partition_bound *bound, rdb_list *values, bool *takes_null)
{
    for (uint32_t i = 0; i < bound->value_count; i++)
        if (bound->values[i]->is_null)
            *takes_null = true;
        else
            rdb_list_push(m->arena, values, (void *)(uintptr_t)bound->values[i]);
}

/* ---- range ------------------------------------------------------------------------------------------------------------------------- */
static void push_null_tests(maker *m, rdb_list *out)
{
    for (uint16_t i = 0; i < m->map->key_count; i++)
        rdb_list_push(m->arena, out, make_null_test(m, m->map->keys[i], true));
}

/* One side: rows beyond an end compare at the first key in which they differ, so each key from first on gives an arm. */
static bool push_side(maker *m, const rdb_expr_const *const *values, const int8_t *ends, bool is_lower, uint16_t first, rdb_list *out)
{
    const int8_t open = is_lower ? RDB_PARTITION_MINVALUE : RDB_PARTITION_MAXVALUE;
    rdb_list arms = {0};
    for (uint16_t last = first; last < m->map->key_count && ends[last] == RDB_PARTITION_VALUE; last++) {
        const bool is_end = last + 1 == m->map->key_count, opens = !is_end && ends[last + 1] == open;
        rdb_list terms = {0};
        for (uint16_t k = first; k <= last; k++) {
            const uint16_t strategy = k < last ? 3 : is_lower ? (is_end || opens ? 4 : 5) : opens ? 2 : 1;
            rdb_expr *term = make_comparison(m, k, strategy, values[k]);
            if (term == NULL)
                return false;
            rdb_list_push(m->arena, &terms, term);
        }
        rdb_list_push(m->arena, &arms, make_bool(m, RDB_BOOL_AND, &terms));
        if (!is_end && ends[last + 1] != RDB_PARTITION_VALUE)
            break;
    }
    if (arms.count > 0)
        rdb_list_push(m->arena, out, make_bool(m, RDB_BOOL_OR, &arms));
    return true;
}

static bool push_range(maker *m, const rdb_partition_bound *bound, rdb_list *out)
{
    uint16_t first = 0;
    while (first < m->map->key_count && bound->lower_ends[first] == RDB_PARTITION_VALUE && bound->upper_ends[first] == RDB_PARTITION_VALUE &&
           rdb_partition_compare_value(m->map, first, bound->values[first]->value, bound->upper[first]->value) == 0) {
        rdb_expr *equal = make_comparison(m, first, 3, bound->values[first]);
        if (equal == NULL)
            return false;
        rdb_list_push(m->arena, out, equal);
        first++;
    }
    return push_side(m, bound->values, bound->lower_ends, true, first, out) && push_side(m, bound->upper, bound->upper_ends, false, first, out);
}

/* ---- hash -------------------------------------------------------------------------------------------------------------------------- */
static bool make_hash(maker *m, const rdb_partition_bound *bound, rdb_expr **condition)
{
    enum { SATISFIES_HASH_PARTITION = 5028 };
    const rdb_function *function = NULL;
    const rdb_type *oid = NULL, *integer = NULL;
    if (!rdb_function_get(m->access, SATISFIES_HASH_PARTITION, &function, m->err) || !rdb_type_get(m->access, RDB_OIDOID, &oid, m->err) || !rdb_type_get(m->access, RDB_INT4OID, &integer, m->err))
        return false;
    rdb_expr_function *call = RDB_NEW(m->arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = m->boolean, .typmod = -1};
    call->function = function;
    call->form = RDB_FORM_CALL;
    for (int i = 0; i < 3; i++) {
        rdb_expr_const *value = RDB_NEW(m->arena, rdb_expr_const);
        value->head = (rdb_expr){.kind = RDB_EXPR_CONST, .location = -1, .type = i == 0 ? oid : integer, .typmod = -1};
        if (i == 0)
            value->value.oid = m->map->relation->oid;
        else
            value->value.i32 = i == 1 ? bound->modulus : bound->remainder;
        rdb_list_push(m->arena, &call->arguments, value);
    }
    for (uint16_t i = 0; i < m->map->key_count; i++)
        rdb_list_push(m->arena, &call->arguments, m->map->keys[i]);
    *condition = &call->head;
    return true;
}

bool rdb_partition_condition(rdb_arena *arena, rdb_access *access, const rdb_partition_map *map, const rdb_partition_bound *bound, rdb_expr **condition, rdb_error *err)
{
    maker m = {.arena = arena, .access = access, .map = map, .err = err};
    rdb_list all = {0}, values = {0};
    bool takes_null = false;
    *condition = NULL;
    if (!rdb_type_get(access, RDB_BOOLOID, &m.boolean, err))
        return false;
    if (bound->strategy == 'h')
        return make_hash(&m, bound, condition);
    if (bound->strategy == 'l') {
        list_values(&m, bound, &values, &takes_null);
        *condition = list_condition(&m, &values, takes_null);
        return *condition != NULL;
    }
    if (bound->strategy == 'r') {
        push_null_tests(&m, &all);
        if (!push_range(&m, bound, &all))
            return false;
        *condition = make_bool(&m, RDB_BOOL_AND, &all);
        return true;
    }
    /* DEFAULT: in none of the others */
    if (map->count == (map->default_no >= 0 ? 1u : 0u))
        return true;
    if (map->strategy == 'l') {
        for (uint32_t i = 0; i < map->count; i++)
            list_values(&m, &map->entries[i].bound, &values, &takes_null);
        rdb_expr *taken = list_condition(&m, &values, takes_null);
        *condition = taken != NULL ? make_not(&m, taken) : NULL;
        return taken != NULL;
    }
    rdb_list ranges = {0};
    for (uint32_t i = 0; i < map->count; i++) {
        rdb_list one = {0};
        if (map->entries[i].bound.strategy == 'd')
            continue;
        if (!push_range(&m, &map->entries[i].bound, &one))
            return false;
        if (one.count == 0) /* all values that are not null */
            push_null_tests(&m, &one);
        rdb_list_push(arena, &ranges, make_bool(&m, RDB_BOOL_AND, &one));
    }
    push_null_tests(&m, &all);
    rdb_list_push(arena, &all, make_bool(&m, RDB_BOOL_OR, &ranges));
    *condition = make_not(&m, make_bool(&m, RDB_BOOL_AND, &all));
    return true;
}

/* ---- SQL --------------------------------------------------------------------------------------------------------------------------- */
/* A constant without its type: what follows from the column needs no label. */
static bool put_value(rdb_access *access, const rdb_expr_const *value, rdb_strbuf *text, rdb_error *err)
{
    rdb_strbuf one;
    rdb_arena *arena = rdb_arena_create("partition bound", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&one, arena);
    bool ok = true;
    if (value->is_null) {
        rdb_strbuf_adds(text, "NULL");
    } else {
        rdb_eval eval = {.access = access, .format = rdb_format_default()};
        const char *shown = NULL;
        const uint32_t oid = value->head.type->oid;
        ok = rdb_expr_value_to_text(&eval, arena, value->head.type, value->value, &shown, err);
        const bool is_number = oid == RDB_INT2OID || oid == RDB_INT4OID || oid == RDB_INT8OID || oid == RDB_OIDOID || oid == RDB_FLOAT4OID || oid == RDB_FLOAT8OID || oid == RDB_NUMERICOID;
        if (ok && oid == RDB_BOOLOID) {
            rdb_strbuf_adds(text, value->value.b ? "true" : "false");
        } else if (ok && is_number && strspn(shown, "0123456789+-eE.") == strlen(shown)) {
            const bool is_negative = shown[0] == '-';
            rdb_strbuf_addf(text, is_negative ? "'%s'" : "%s", shown); /* as a constant's label is left out, a sign needs quotes */
        } else if (ok) {
            rdb_strbuf_addc(text, '\'');
            for (const char *at = shown; *at != 0; at++) {
                if (*at == '\'')
                    rdb_strbuf_addc(text, '\'');
                rdb_strbuf_addc(text, *at);
            }
            rdb_strbuf_addc(text, '\'');
        }
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool put_end(rdb_access *access, const rdb_expr_const *const *values, const int8_t *ends, uint32_t count, rdb_strbuf *text, rdb_error *err)
{
    rdb_strbuf_addc(text, '(');
    for (uint32_t i = 0; i < count; i++) {
        rdb_strbuf_adds(text, i > 0 ? ", " : "");
        if (ends[i] != RDB_PARTITION_VALUE)
            rdb_strbuf_adds(text, ends[i] < 0 ? "MINVALUE" : "MAXVALUE");
        else if (!put_value(access, values[i], text, err))
            return false;
    }
    rdb_strbuf_addc(text, ')');
    return true;
}

bool rdb_partition_end_deparse(rdb_access *access, const rdb_partition_bound *bound, bool is_lower, rdb_strbuf *text, rdb_error *err)
{
    return put_end(access, is_lower ? bound->values : bound->upper, is_lower ? bound->lower_ends : bound->upper_ends, bound->value_count, text, err);
}

bool rdb_partition_bound_deparse(rdb_access *access, const rdb_partition_bound *bound, rdb_strbuf *text, rdb_error *err)
{
    switch (bound->strategy) {
    case 'h':
        rdb_strbuf_addf(text, "FOR VALUES WITH (modulus %d, remainder %d)", bound->modulus, bound->remainder);
        return true;
    case 'l':
        rdb_strbuf_adds(text, "FOR VALUES IN (");
        for (uint32_t i = 0; i < bound->value_count; i++) {
            rdb_strbuf_adds(text, i > 0 ? ", " : "");
            if (!put_value(access, bound->values[i], text, err))
                return false;
        }
        rdb_strbuf_addc(text, ')');
        return true;
    case 'r':
        rdb_strbuf_adds(text, "FOR VALUES FROM ");
        if (!rdb_partition_end_deparse(access, bound, true, text, err))
            return false;
        rdb_strbuf_adds(text, " TO ");
        return rdb_partition_end_deparse(access, bound, false, text, err);
    default:
        rdb_strbuf_adds(text, "DEFAULT");
        return true;
    }
}
