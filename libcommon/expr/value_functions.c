/* SPDX-License-Identifier: Apache-2.0
 * Functions of values of any type: how large one is; and oidvectortypes, names of a list of types. */
#include "expr/kernels.h"
#include "type/array.h"

/* As it stands in an expression: what is stored may be shorter. */
static bool column_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_type *type = call->argument_types[0];
    (void)nulls, (void)is_null;
    result->i32 = type->typlen > 0 ? type->typlen : (int32_t)a[0].bytes.length + (type->typlen == -1 ? 4 : 1);
    return true;
}
EXPR_ROW_KERNEL(column_size, 1)

/* A value in an expression is never compressed. */
static bool column_compression_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)result;
    *is_null = true;
    return true;
}
EXPR_ROW_KERNEL(column_compression, 1)

static bool vector_types_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    type_array vector;
    rdb_strbuf text;
    (void)nulls, (void)is_null;
    rdb_strbuf_init(&text, call->arena);
    type_array_read(a[0].bytes, &vector);
    for (uint32_t i = 0; i < vector.count; i++) {
        rdb_datum oid;
        const rdb_type *type = NULL;
        rdb_strbuf_adds(&text, i > 0 ? ", " : "");
        if (!type_array_get(&vector, i, &oid) || !rdb_type_get(rdb_eval_of(call)->access, oid.oid, &type, call->err))
            return !rdb_error_is_set(call->err);
        if (type == NULL)
            rdb_strbuf_adds(&text, "???");
        else if (!rdb_expr_format_type(rdb_eval_of(call)->access, type, -1, false, &text, call->err))
            return false;
    }
    return rdb_strbuf_check(&text, call->err) && expr_set_text(call, text.data != NULL ? text.data : "", text.length, result);
}
EXPR_ROW_KERNEL(vector_types, 1)

void expr_register_value_functions(void)
{
    static const rdb_kernel_entry ENTRIES[] = {
        {1269, column_size, RDB_KERNEL_POLYMORPHIC},
        {2121, column_compression, RDB_KERNEL_POLYMORPHIC},
        {1349, vector_types, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    };
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
