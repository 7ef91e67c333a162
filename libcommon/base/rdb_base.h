/* SPDX-License-Identifier: Apache-2.0
 * Room base: what every file may use. */
#ifndef RDB_BASE_H
#define RDB_BASE_H

#include "base/rdb_arena.h"
#include "base/rdb_error.h"
#include "base/rdb_map.h"
#include "base/rdb_string.h"

#define RDB_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
/* Each argument is evaluated once: it may be a call, or an atomic that others change meanwhile. */
#define RDB_MIN(a, b) RDB_EXTREME_(a, <, b, __COUNTER__)
#define RDB_MAX(a, b) RDB_EXTREME_(a, >, b, __COUNTER__)
#define RDB_EXTREME_(a, compare, b, number) RDB_EXTREME__(a, compare, b, number)
#define RDB_EXTREME__(a, compare, b, number) \
    __extension__({ const __typeof__(1 ? (a) : (b)) rdb_a_##number = (a), rdb_b_##number = (b); rdb_a_##number compare rdb_b_##number ? rdb_a_##number : rdb_b_##number; })
#define RDB_CONSTANT_MIN(a, b) ((a) < (b) ? (a) : (b)) /* where the compiler wants a constant */
#define RDB_CONSTANT_MAX(a, b) ((a) > (b) ? (a) : (b))
#define RDB_LIKELY(x) __builtin_expect(!!(x), 1)
#define RDB_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define RDB_SET_ONCE          /* filled while one thread can see it, read without a lock ever after */
#define RDB_GUARDED_BY(lock)  /* for the reader: C compilers do not check fields */
#define RDB_ALIGN_UP(value, alignment) (((value) + (alignment) - 1) & ~((alignment) - 1))

#endif
