/* SPDX-License-Identifier: Apache-2.0
 * Kernels over a type's own operations; they read call->argument_types, so they enter tables with
 * RDB_KERNEL_POLYMORPHIC. */
#ifndef RDB_TYPE_GENERIC_H
#define RDB_TYPE_GENERIC_H

#include "type/type_int.h"

bool type_generic_input(TYPE_KERNEL_PARAMETERS);
bool type_generic_receive(TYPE_KERNEL_PARAMETERS);
bool type_generic_output(TYPE_KERNEL_PARAMETERS);
bool type_generic_send(TYPE_KERNEL_PARAMETERS);
bool type_generic_eq(TYPE_KERNEL_PARAMETERS);
bool type_generic_ne(TYPE_KERNEL_PARAMETERS);
bool type_generic_lt(TYPE_KERNEL_PARAMETERS);
bool type_generic_le(TYPE_KERNEL_PARAMETERS);
bool type_generic_gt(TYPE_KERNEL_PARAMETERS);
bool type_generic_ge(TYPE_KERNEL_PARAMETERS);
bool type_generic_cmp(TYPE_KERNEL_PARAMETERS);
bool type_generic_larger(TYPE_KERNEL_PARAMETERS);
bool type_generic_smaller(TYPE_KERNEL_PARAMETERS);

/* Rows of a kernel table. */
#define TYPE_GENERIC_SIX(sql)                                                                                          \
    {sql "eq", type_generic_eq, RDB_KERNEL_POLYMORPHIC, 0}, {sql "ne", type_generic_ne, RDB_KERNEL_POLYMORPHIC, 0},    \
        {sql "lt", type_generic_lt, RDB_KERNEL_POLYMORPHIC, 0}, {sql "le", type_generic_le, RDB_KERNEL_POLYMORPHIC, 0}, \
        {sql "gt", type_generic_gt, RDB_KERNEL_POLYMORPHIC, 0}, {sql "ge", type_generic_ge, RDB_KERNEL_POLYMORPHIC, 0}
#define TYPE_GENERIC(sql, what) {sql, type_generic_##what, RDB_KERNEL_POLYMORPHIC, 0}

#endif
