/* SPDX-License-Identifier: Apache-2.0
 * What the files of this room that hold kernels share. */
#ifndef RDB_EXPR_KERNELS_H
#define RDB_EXPR_KERNELS_H

#include "expr/rdb_expr.h"

void expr_register_session_kernels(void);
void expr_register_catalog_kernels(void);
void expr_register_sequence_functions(void);

bool expr_split_name(rdb_call *call, rdb_slice text, const char *parts[3], uint32_t *count);
void expr_add_qualified(rdb_strbuf *text, const char *schema /* NULL: none */, const char *name);
RDB_CHECKED bool expr_read_catalog(rdb_call *call, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, uint16_t column_no,
                                   uint8_t rep, rdb_datum *value, bool *is_null, bool *found);
RDB_CHECKED bool expr_role_name(rdb_call *call, uint32_t oid, const char **name);

/* A kernel written for one row: null rows are the caller's (strict functions) unless it looks at nulls itself. */
typedef bool (*expr_row_function)(rdb_call *call, const rdb_datum *arguments, const bool *nulls, rdb_datum *result, bool *is_null);
bool expr_run_rows(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection, uint32_t count, expr_row_function function);
/* Defines the kernel `name` over the row function name_row of count arguments. */
#define EXPR_ROW_KERNEL(name, count)                                                                                              \
    static bool name(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)          \
    {                                                                                                                               \
        return expr_run_rows(call, arguments, out, selection, (count), name##_row);                                                \
    }
bool expr_set_text(rdb_call *call, const char *text, size_t length, rdb_datum *result); /* copied */
const char *expr_get_text(rdb_call *call, rdb_datum value); /* terminated */

#endif
