/* SPDX-License-Identifier: Apache-2.0
 * Functions that every type has, over the type's own operations: int4in and its kin as SQL calls them, the six
 * comparisons and the larger and smaller of two for types without a faster loop of their own, and pg_typeof. */
#include "type/generic.h"
#include "type/tables.h"

static const rdb_type_ops *ops_of(const rdb_type *type)
{
    return type->ops != NULL ? type->ops : rdb_type_ops_find(type);
}

static bool no_form(rdb_call *call, const rdb_type *type)
{
    return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no such form is built for type %s", type->name);
}

/* ---- text and wire forms ---------------------------------------------------------------------------------------------------- */
/* in(cstring [, oid, typmod]), recv(internal, ...): the arguments after the first are optional. */
#define READER(name, operation)                                                                                        \
    static bool name##_row(TYPE_NULL_PARAMETERS)                                                                       \
    {                                                                                                                  \
        const rdb_type *type = call->result_type;                                                                      \
        if (count == 0 || nulls[0] || type == NULL) {                                                                  \
            *is_null = true;                                                                                           \
            return true;                                                                                               \
        }                                                                                                              \
        const rdb_type_ops *ops = ops_of(type);                                                                        \
        if (ops == NULL || ops->operation == NULL)                                                                     \
            return no_form(call, type);                                                                                \
        return ops->operation(call, type, type_slice(a[0]), count > 2 && !nulls[2] ? a[2].i32 : -1, r);                \
    }                                                                                                                  \
    bool name(TYPE_KERNEL_PARAMETERS)                                                                                  \
    {                                                                                                                  \
        return type_run_null_rows(call, arguments, out, selection, UINT32_MAX, name##_row);                            \
    }
#define WRITER(name, operation)                                                                                        \
    static bool name##_row(TYPE_ROW_PARAMETERS)                                                                        \
    {                                                                                                                  \
        const rdb_type *type = call->argument_types[0];                                                                \
        const rdb_type_ops *ops = ops_of(type);                                                                        \
        rdb_strbuf text;                                                                                               \
        if (ops == NULL || ops->operation == NULL)                                                                     \
            return no_form(call, type);                                                                                \
        rdb_strbuf_init(&text, call->arena);                                                                           \
        return ops->operation(call, type, a[0], &text) && type_take_buffer(call, &text, r);                            \
    }                                                                                                                  \
    bool name(TYPE_KERNEL_PARAMETERS)                                                                                  \
    {                                                                                                                  \
        return type_run_rows(call, arguments, out, selection, 1, name##_row);                                          \
    }
READER(type_generic_input, input)
READER(type_generic_receive, receive)
WRITER(type_generic_output, output)
WRITER(type_generic_send, send)

/* ---- order ------------------------------------------------------------------------------------------------------------------ */
static bool order_of(rdb_call *call, const rdb_datum *a, int *order)
{
    const rdb_type *type = call->argument_types[0];
    const rdb_type_ops *ops = ops_of(type);
    if (ops == NULL || ops->compare == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", type->name);
    *order = ops->compare(type, call->collation, a[0], a[1]);
    return true;
}

#define COMPARISON(name, ...)                                                            \
    static bool name##_row(TYPE_ROW_PARAMETERS)                                          \
    {                                                                                    \
        int order = 0;                                                                   \
        if (!order_of(call, a, &order))                                                  \
            return false;                                                                \
        __VA_ARGS__;                                                                     \
        return true;                                                                     \
    }                                                                                    \
    bool name(TYPE_KERNEL_PARAMETERS)                                                    \
    {                                                                                    \
        return type_run_rows(call, arguments, out, selection, 2, name##_row);            \
    }
COMPARISON(type_generic_eq, r->b = order == 0)
COMPARISON(type_generic_ne, r->b = order != 0)
COMPARISON(type_generic_lt, r->b = order < 0)
COMPARISON(type_generic_le, r->b = order <= 0)
COMPARISON(type_generic_gt, r->b = order > 0)
COMPARISON(type_generic_ge, r->b = order >= 0)
COMPARISON(type_generic_cmp, r->i32 = (order > 0) - (order < 0))
COMPARISON(type_generic_larger, *r = order >= 0 ? a[0] : a[1])
COMPARISON(type_generic_smaller, *r = order <= 0 ? a[0] : a[1])

/* ---- what an expression's type is -------------------------------------------------------------------------------------------- */
TYPE_NULL_FUNCTION(type_of, 1)
{
    r->oid = call->argument_types[0]->oid;
    return true;
}

#define P RDB_KERNEL_POLYMORPHIC
static const type_kernel KERNELS[] = {
    {"pg_typeof", type_of, P, 0},
};
TYPE_KERNEL_TABLE(type_generic_table, KERNELS);
