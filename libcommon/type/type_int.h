/* SPDX-License-Identifier: Apache-2.0
 * What the files of this room share: how kernels are written and how they enter the registry.
 *
 * A kernel is written in one of two ways. Hot ones over fixed-width values are typed loops (TYPE_UNARY, TYPE_BINARY,
 * TYPE_CHECKED_*), with separate loops for constant and flat arguments, so that the compiler can use vector units. The
 * others are functions of one row (TYPE_ROW_FUNCTION), run by type_run_rows. Every kernel is found by the name of the
 * source that PostgreSQL's pg_proc gives the function (prosrc), which the build joins with the OIDs. */
#ifndef RDB_TYPE_INT_H
#define RDB_TYPE_INT_H

#include "base/rdb_base.h"
#include "type/rdb_type.h"

#define TYPE_UNUSED __attribute__((unused))
#define TYPE_KERNEL_PARAMETERS                                                                           \
    TYPE_UNUSED rdb_call *call, TYPE_UNUSED const rdb_vector *const *arguments, TYPE_UNUSED rdb_vector *out, \
        TYPE_UNUSED const rdb_selection *selection

/* ---- registry ------------------------------------------------------------------------------------------------ */
typedef struct type_kernel {
    const char *source; /* prosrc; NULL: oid says which function (those that pg_proc defines in SQL) */
    rdb_kernel kernel;
    unsigned flags;
    uint32_t oid;
} type_kernel;
typedef struct type_kernel_table {
    const type_kernel *kernels;
    uint32_t count;
} type_kernel_table;
#define TYPE_KERNEL_TABLE(name, array) const type_kernel_table name = {array, RDB_COUNT_OF(array)}

typedef struct type_set_kernel {
    const char *source;
    rdb_set_kernel_entry entry; /* proc_oid is filled in by the registry */
    uint32_t oid;
} type_set_kernel;
typedef struct type_set_kernel_table {
    const type_set_kernel *kernels;
    uint32_t count;
} type_set_kernel_table;
#define TYPE_SET_KERNEL_TABLE(name, array) const type_set_kernel_table name = {array, RDB_COUNT_OF(array)}

typedef struct type_aggregate_table {
    const rdb_aggregate_entry *entries;
    uint32_t count;
} type_aggregate_table;
#define TYPE_AGGREGATE_TABLE(name, array) const type_aggregate_table name = {array, RDB_COUNT_OF(array)}

/* ---- functions of one row -------------------------------------------------------------------------------------- */
/* a[i]: the arguments; *r: the result, zero at first. A null result: *is_null = true. False: call->err is set. */
typedef bool (*type_row_function)(rdb_call *call, const rdb_datum *a, rdb_datum *r, bool *is_null);
/* The same for functions that are not strict: nulls[i] says whether a[i] is null. count is the number of arguments. */
typedef bool (*type_null_function)(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, rdb_datum *r,
                                   bool *is_null);
bool type_run_rows(TYPE_KERNEL_PARAMETERS, uint32_t count, type_row_function function);
bool type_run_null_rows(TYPE_KERNEL_PARAMETERS, uint32_t count, type_null_function function);

#define TYPE_ROW_PARAMETERS \
    TYPE_UNUSED rdb_call *call, TYPE_UNUSED const rdb_datum *a, TYPE_UNUSED rdb_datum *r, TYPE_UNUSED bool *is_null
#define TYPE_NULL_PARAMETERS                                                                          \
    TYPE_UNUSED rdb_call *call, TYPE_UNUSED uint32_t count, TYPE_UNUSED const rdb_datum *a,           \
        TYPE_UNUSED const bool *nulls, TYPE_UNUSED rdb_datum *r, TYPE_UNUSED bool *is_null
/* TYPE_ROW_FUNCTION(name, argument count) { body } defines the kernel `name`. */
#define TYPE_ROW_FUNCTION(name, argument_count)                                            \
    static bool name##_row(TYPE_ROW_PARAMETERS);                                           \
    static bool name(TYPE_KERNEL_PARAMETERS)                                               \
    {                                                                                      \
        return type_run_rows(call, arguments, out, selection, argument_count, name##_row); \
    }                                                                                      \
    static bool name##_row(TYPE_ROW_PARAMETERS)
/* argument_count UINT32_MAX: as many as the call has; a VARIADIC array is spread before, and a null one makes the result
 * null. TYPE_ANY_COUNT_OR_NONE: a null VARIADIC array is no arguments. */
#define TYPE_ANY_COUNT_OR_NONE (UINT32_MAX - 1)
#define TYPE_NULL_FUNCTION(name, argument_count)                                                \
    static bool name##_row(TYPE_NULL_PARAMETERS);                                               \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                    \
    {                                                                                           \
        return type_run_null_rows(call, arguments, out, selection, argument_count, name##_row); \
    }                                                                                           \
    static bool name##_row(TYPE_NULL_PARAMETERS)

/* ---- typed loops ------------------------------------------------------------------------------------------------ */
#define TYPE_UNARY(name, IN, OUT, expression)                                                  \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                   \
    {                                                                                          \
        const IN *restrict operand = arguments[0]->values;                                     \
        OUT *restrict result = out->values;                                                    \
        uint32_t mask = arguments[0]->mask;                                                    \
        if (selection->rows == NULL && mask == RDB_FLAT) {                                     \
            for (uint32_t row = 0; row < selection->count; row++) {                            \
                IN x = operand[row];                                                           \
                result[row] = (OUT)(expression);                                               \
            }                                                                                  \
            return true;                                                                       \
        }                                                                                      \
        RDB_FOR_SELECTED (selection, row) {                                                    \
            IN x = operand[row & mask];                                                        \
            result[row] = (OUT)(expression);                                                   \
        }                                                                                      \
        return true;                                                                           \
    }

#define TYPE_BINARY(name, LEFT, RIGHT, OUT, expression)                                        \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                   \
    {                                                                                          \
        const LEFT *restrict left = arguments[0]->values;                                      \
        const RIGHT *restrict right = arguments[1]->values;                                    \
        OUT *restrict result = out->values;                                                    \
        uint32_t left_mask = arguments[0]->mask, right_mask = arguments[1]->mask;              \
        uint32_t count = selection->count;                                                     \
        if (selection->rows != NULL || (left_mask | right_mask) == 0) {                        \
            RDB_FOR_SELECTED (selection, row) {                                                \
                LEFT x = left[row & left_mask];                                                \
                RIGHT y = right[row & right_mask];                                             \
                result[row] = (OUT)(expression);                                               \
            }                                                                                  \
        } else if (right_mask == 0) {                                                          \
            RIGHT y = right[0];                                                                \
            for (uint32_t row = 0; row < count; row++) {                                       \
                LEFT x = left[row];                                                            \
                result[row] = (OUT)(expression);                                               \
            }                                                                                  \
        } else if (left_mask == 0) {                                                           \
            LEFT x = left[0];                                                                  \
            for (uint32_t row = 0; row < count; row++) {                                       \
                RIGHT y = right[row];                                                          \
                result[row] = (OUT)(expression);                                               \
            }                                                                                  \
        } else {                                                                               \
            for (uint32_t row = 0; row < count; row++) {                                       \
                LEFT x = left[row];                                                            \
                RIGHT y = right[row];                                                          \
                result[row] = (OUT)(expression);                                               \
            }                                                                                  \
        }                                                                                      \
        return true;                                                                           \
    }

/* The last arguments are a statement; it computes z from x (and y), or leaves by TYPE_RAISE. */
#define TYPE_CHECKED_UNARY(name, IN, OUT, ...)                                                 \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                   \
    {                                                                                          \
        const IN *operand = arguments[0]->values;                                              \
        OUT *result = out->values;                                                             \
        uint32_t mask = arguments[0]->mask;                                                    \
        RDB_FOR_SELECTED (selection, row) {                                                    \
            IN x = operand[row & mask];                                                        \
            OUT z;                                                                             \
            __VA_ARGS__;                                                                       \
            result[row] = z;                                                                   \
        }                                                                                      \
        return true;                                                                           \
    }
#define TYPE_CHECKED_BINARY(name, LEFT, RIGHT, OUT, ...)                                       \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                   \
    {                                                                                          \
        const LEFT *left = arguments[0]->values;                                               \
        const RIGHT *right = arguments[1]->values;                                             \
        OUT *result = out->values;                                                             \
        uint32_t left_mask = arguments[0]->mask, right_mask = arguments[1]->mask;              \
        RDB_FOR_SELECTED (selection, row) {                                                    \
            LEFT x = left[row & left_mask];                                                    \
            RIGHT y = right[row & right_mask];                                                 \
            OUT z;                                                                             \
            __VA_ARGS__;                                                                       \
            result[row] = z;                                                                   \
        }                                                                                      \
        return true;                                                                           \
    }
/* Inside a typed loop. */
#define TYPE_RAISE(...)                                    \
    do {                                                   \
        call->bad_row = row;                               \
        return rdb_error_set(call->err, __VA_ARGS__);      \
    } while (0)

/* prefix##_eq, _ne, _lt, _le, _gt, _ge over plain machine types, and prefix##_cmp. */
#define TYPE_COMPARISONS(prefix, LEFT, RIGHT)             \
    TYPE_BINARY(prefix##_eq, LEFT, RIGHT, uint8_t, x == y) \
    TYPE_BINARY(prefix##_ne, LEFT, RIGHT, uint8_t, x != y) \
    TYPE_BINARY(prefix##_lt, LEFT, RIGHT, uint8_t, x < y)  \
    TYPE_BINARY(prefix##_le, LEFT, RIGHT, uint8_t, x <= y) \
    TYPE_BINARY(prefix##_gt, LEFT, RIGHT, uint8_t, x > y)  \
    TYPE_BINARY(prefix##_ge, LEFT, RIGHT, uint8_t, x >= y) \
    TYPE_BINARY(prefix##_cmp, LEFT, RIGHT, int32_t, (x > y) - (x < y))
/* The same where order(x, y) gives a three-way answer on values held as LEFT and RIGHT. */
#define TYPE_ORDERED_COMPARISONS(prefix, LEFT, RIGHT, order)         \
    TYPE_BINARY(prefix##_eq, LEFT, RIGHT, uint8_t, order(x, y) == 0)  \
    TYPE_BINARY(prefix##_ne, LEFT, RIGHT, uint8_t, order(x, y) != 0)  \
    TYPE_BINARY(prefix##_lt, LEFT, RIGHT, uint8_t, order(x, y) < 0)   \
    TYPE_BINARY(prefix##_le, LEFT, RIGHT, uint8_t, order(x, y) <= 0)  \
    TYPE_BINARY(prefix##_gt, LEFT, RIGHT, uint8_t, order(x, y) > 0)   \
    TYPE_BINARY(prefix##_ge, LEFT, RIGHT, uint8_t, order(x, y) >= 0)  \
    TYPE_BINARY(prefix##_cmp, LEFT, RIGHT, int32_t, order(x, y))
/* Rows of a kernel table for the six comparisons under PostgreSQL's names. */
#define TYPE_SIX(sql, prefix)                                                                                    \
    {sql "eq", prefix##_eq, 0, 0}, {sql "ne", prefix##_ne, 0, 0}, {sql "lt", prefix##_lt, 0, 0},                 \
        {sql "le", prefix##_le, 0, 0}, {sql "gt", prefix##_gt, 0, 0}, {sql "ge", prefix##_ge, 0, 0}
#define TYPE_SIX_(sql, prefix)                                                                                   \
    {sql "_eq", prefix##_eq, 0, 0}, {sql "_ne", prefix##_ne, 0, 0}, {sql "_lt", prefix##_lt, 0, 0},              \
        {sql "_le", prefix##_le, 0, 0}, {sql "_gt", prefix##_gt, 0, 0}, {sql "_ge", prefix##_ge, 0, 0}

/* A NOTICE to the client; nowhere where there is no session. */
void type_notice(rdb_call *call, const char *sqlstate, const char *format, ...) RDB_PRINTF(3, 4);
void type_notice_detail(rdb_call *call, const char *sqlstate, const char *text, const char *detail);

/* ---- memory and bytes -------------------------------------------------------------------------------------------- */
#define TYPE_BYTES_MAX 0x3fffffffu /* PostgreSQL's limit for one value */
/* From call->arena; NULL with an error. */
bool type_check_utf8(rdb_call *call, rdb_slice text); /* 22021 for what came as bytes and is to be text */
void *type_alloc(rdb_call *call, size_t bytes);
bool type_make_bytes(rdb_call *call, const void *bytes, size_t length, rdb_datum *value);
bool type_make_text(rdb_call *call, const char *text, rdb_datum *value);
/* The buffer, which stands in call->arena, becomes the value. */
bool type_take_buffer(rdb_call *call, rdb_strbuf *buffer, rdb_datum *value);
static inline rdb_slice type_slice(rdb_datum value)
{
    return (rdb_slice){.data = value.bytes.data, .length = value.bytes.length};
}
static inline int type_compare_bytes(rdb_bytes left, rdb_bytes right)
{
    uint32_t length = RDB_MIN(left.length, right.length);
    int order = length == 0 ? 0 : memcmp(left.data, right.data, length);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}
static inline bool type_equal_bytes(rdb_bytes left, rdb_bytes right)
{
    return left.length == right.length && (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
}
/* memmem for bytes that may be empty and then without an address; an empty needle is found nowhere. */
static inline const uint8_t *type_find_bytes(const uint8_t *bytes, size_t length, const uint8_t *needle, size_t needle_length)
{
    if (bytes == NULL || needle == NULL || needle_length == 0 || needle_length > length)
        return NULL;
    return memmem(bytes, length, needle, needle_length);
}
static inline uint64_t type_mix64(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    return x;
}
/* Big-endian, as the wire and the keys have it. */
void type_add_be16(rdb_strbuf *buffer, uint16_t value);
void type_add_be32(rdb_strbuf *buffer, uint32_t value);
void type_add_be64(rdb_strbuf *buffer, uint64_t value);
static inline uint16_t type_be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}
static inline uint32_t type_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static inline uint64_t type_be64(const uint8_t *at)
{
    return (uint64_t)type_be32(at) << 32 | type_be32(at + 4);
}
/* Bytes of any content as a key part that memcmp orders and that ends itself: 0x00 becomes 0x00 0xFF, the end is
 * 0x00 0x00... so that a shorter text sorts first. */
void type_key_add_bytes(rdb_strbuf *key, const uint8_t *bytes, size_t length);
bool type_key_get_bytes(rdb_arena *arena, const uint8_t **at, const uint8_t *end, rdb_datum *value);

/* ---- text forms --------------------------------------------------------------------------------------------------- */
static inline bool type_is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool type_is_digit(int c)
{
    return c >= '0' && c <= '9';
}
static inline int type_lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}
bool type_equals_ignoring_case(rdb_slice text, const char *word);
rdb_slice type_trim(rdb_slice text); /* without white space around */
/* 'invalid input syntax for type NAME: "TEXT"' with 22P02. */
bool type_bad_input(rdb_call *call, const char *type_name, rdb_slice text);
bool type_bad_binary(rdb_call *call); /* 22P03 */
/* Of xid and xid8, by C's rules: decimal, 0 octal, 0x hexadecimal, as far as there are digits; never an error. */
uint64_t type_read_xid(rdb_slice text);
/* An integer with white space around; min and max bound it. type_name is used in errors. */
bool type_parse_int(rdb_call *call, rdb_slice text, int64_t min, int64_t max, const char *type_name, int64_t *value);
void type_add_int(rdb_strbuf *text, int64_t value);
const rdb_type *type_base(const rdb_type *type); /* what a domain is over, or the type itself */
void type_add_float8(rdb_strbuf *text, double value, int extra_float_digits);
void type_add_float4(rdb_strbuf *text, float value, int extra_float_digits);
bool type_parse_float(rdb_call *call, rdb_slice text, bool is_single, const char *type_name, double *value);
/* A value through the type's own text output, in call->arena. */
bool type_to_text(rdb_call *call, const rdb_type *type, rdb_datum value, rdb_strbuf *text);

/* A type's operations in one line each. */
#define TYPE_OPS_PARAMETERS_INPUT                                                                    \
    TYPE_UNUSED rdb_call *call, TYPE_UNUSED const rdb_type *type, TYPE_UNUSED rdb_slice text,        \
        TYPE_UNUSED int32_t typmod, TYPE_UNUSED rdb_datum *value
#define TYPE_OPS_PARAMETERS_OUTPUT \
    TYPE_UNUSED rdb_call *call, TYPE_UNUSED const rdb_type *type, TYPE_UNUSED rdb_datum value, TYPE_UNUSED rdb_strbuf *text
#define TYPE_OPS_PARAMETERS_COMPARE \
    TYPE_UNUSED const rdb_type *type, TYPE_UNUSED uint32_t collation, rdb_datum left, rdb_datum right
#define TYPE_OPS_PARAMETERS_HASH \
    TYPE_UNUSED const rdb_type *type, TYPE_UNUSED uint32_t collation, TYPE_UNUSED rdb_datum value
#define TYPE_OPS_PARAMETERS_ENCODE \
    TYPE_UNUSED const rdb_type *type, TYPE_UNUSED uint32_t collation, TYPE_UNUSED rdb_datum value, rdb_strbuf *key
#define TYPE_OPS_PARAMETERS_DECODE                                                                                   \
    TYPE_UNUSED const rdb_type *type, TYPE_UNUSED rdb_arena *arena, const uint8_t **at, TYPE_UNUSED const uint8_t *end, \
        rdb_datum *value

#endif
