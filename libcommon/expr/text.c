/* SPDX-License-Identifier: Apache-2.0
 * Values to text and back, outside of programs. */
#include "expr/rdb_expr.h"

static rdb_call make_call(rdb_eval *eval, rdb_arena *arena, const rdb_type *type, int32_t typmod, rdb_error *err)
{
    return (rdb_call){.arena = arena, .plan_arena = arena, .err = err, .format = eval->format, .result_type = type, .result_typmod = typmod, .collation = type->collation,
                      .statement_us = eval->statement_us, .transaction_us = eval->transaction_us, .session = eval, .cancel = eval->cancel};
}

bool rdb_expr_value_to_text(rdb_eval *eval, rdb_arena *arena, const rdb_type *type, rdb_datum value, const char **text, rdb_error *err)
{
    rdb_call call = make_call(eval, arena, type, -1, err);
    rdb_strbuf buf;
    *text = "";
    rdb_strbuf_init(&buf, arena);
    if (type->ops == NULL || type->ops->output == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "output of type \"%s\" is not supported", type->name);
    if (!type->ops->output(&call, type, value, &buf) || !rdb_strbuf_check(&buf, err))
        return false;
    *text = buf.data ? buf.data : "";
    return true;
}

bool rdb_expr_value_from_text(rdb_eval *eval, rdb_arena *arena, const rdb_type *type, int32_t typmod, rdb_slice text, rdb_datum *value, rdb_error *err)
{
    rdb_call call = make_call(eval, arena, type, typmod, err);
    *value = (rdb_datum){.words = {0, 0}};
    if (type->ops == NULL || type->ops->input == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "input of type \"%s\" is not supported", type->name);
    return type->ops->input(&call, type, text, typmod, value);
}
