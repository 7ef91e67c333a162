/* SPDX-License-Identifier: Apache-2.0
 * Room base: what every file may use. */
#ifndef RDB_BASE_H
#define RDB_BASE_H

#include "base/rdb_arena.h"
#include "base/rdb_error.h"
#include "base/rdb_map.h"
#include "base/rdb_string.h"

#define RDB_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define RDB_MIN(a, b) ((a) < (b) ? (a) : (b))
#define RDB_MAX(a, b) ((a) > (b) ? (a) : (b))
#define RDB_LIKELY(x) __builtin_expect(!!(x), 1)
#define RDB_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define RDB_SET_ONCE          /* filled while one thread can see it, read without a lock ever after */
#define RDB_GUARDED_BY(lock)  /* for the reader: C compilers do not check fields */
#define RDB_ALIGN_UP(value, alignment) (((value) + (alignment) - 1) & ~((alignment) - 1))

#endif
