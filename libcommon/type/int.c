/* SPDX-License-Identifier: Apache-2.0
 * smallint, integer, bigint: text and wire forms, arithmetic that raises 22003 where the result does not fit, bits,
 * comparisons of every pair of widths, casts among them; and "char", which is one byte. */
#include "type/type_int.h"
#include "type/tables.h"

/* ---- operations ---------------------------------------------------------------------------------------------------- */
#define INT_OPS(name, ctype, field, bits, min, max, type_name)                                              \
    static bool name##_input(TYPE_OPS_PARAMETERS_INPUT)                                                     \
    {                                                                                                       \
        int64_t parsed;                                                                                     \
        if (!type_parse_int(call, text, min, max, type_name, &parsed))                                      \
            return false;                                                                                   \
        value->words[0] = value->words[1] = 0;                                                              \
        value->field = (ctype)parsed;                                                                       \
        return true;                                                                                        \
    }                                                                                                       \
    static bool name##_output(TYPE_OPS_PARAMETERS_OUTPUT)                                                   \
    {                                                                                                       \
        type_add_int(text, value.field);                                                                    \
        return true;                                                                                        \
    }                                                                                                       \
    static bool name##_receive(TYPE_OPS_PARAMETERS_INPUT)                                                   \
    {                                                                                                       \
        if (text.length != bits / 8)                                                                        \
            return type_bad_binary(call);                                                                   \
        value->words[0] = value->words[1] = 0;                                                              \
        value->field = (ctype)type_be##bits(text.data);                                                     \
        return true;                                                                                        \
    }                                                                                                       \
    static bool name##_send(TYPE_OPS_PARAMETERS_OUTPUT)                                                     \
    {                                                                                                       \
        type_add_be##bits(text, (uint##bits##_t)value.field);                                               \
        return true;                                                                                        \
    }                                                                                                       \
    static int name##_compare(TYPE_OPS_PARAMETERS_COMPARE)                                                  \
    {                                                                                                       \
        return (left.field > right.field) - (left.field < right.field);                                     \
    }                                                                                                       \
    static uint64_t name##_hash(TYPE_OPS_PARAMETERS_HASH) /* one hash for all widths */                     \
    {                                                                                                       \
        return type_mix64((uint64_t)(int64_t)value.field);                                                  \
    }                                                                                                       \
    static bool name##_encode(TYPE_OPS_PARAMETERS_ENCODE)                                                   \
    {                                                                                                       \
        type_add_be##bits(key, (uint##bits##_t)((uint##bits##_t)value.field ^ ((uint##bits##_t)1 << (bits - 1)))); \
        return !key->failed;                                                                                \
    }                                                                                                       \
    static bool name##_decode(TYPE_OPS_PARAMETERS_DECODE)                                                   \
    {                                                                                                       \
        if (end - *at < bits / 8)                                                                           \
            return false;                                                                                   \
        value->words[0] = value->words[1] = 0;                                                              \
        value->field = (ctype)(type_be##bits(*at) ^ ((uint##bits##_t)1 << (bits - 1)));                      \
        *at += bits / 8;                                                                                    \
        return true;                                                                                        \
    }                                                                                                       \
    const rdb_type_ops type_##name##_ops = {.input = name##_input, .output = name##_output,                 \
                                            .receive = name##_receive, .send = name##_send,                 \
                                            .compare = name##_compare, .hash = name##_hash,                 \
                                            .encode_key = name##_encode, .decode_key = name##_decode};

INT_OPS(int2, int16_t, i16, 16, INT16_MIN, INT16_MAX, "smallint")
INT_OPS(int4, int32_t, i32, 32, INT32_MIN, INT32_MAX, "integer")
INT_OPS(int8, int64_t, i64, 64, INT64_MIN, INT64_MAX, "bigint")

/* ---- arithmetic ----------------------------------------------------------------------------------------------------- */
#define INT2_RANGE RDB_NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range"
#define INT4_RANGE RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"
#define INT8_RANGE RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"
#define BY_ZERO RDB_DIVISION_BY_ZERO, "division by zero"

/* Comma-bearing error arguments go through one more level, so that they arrive as two. */
#define RAISE_RANGE(...) TYPE_RAISE(__VA_ARGS__)
#define INT_ARITHMETIC(prefix, LEFT, RIGHT, OUT, range)                                                   \
    TYPE_CHECKED_BINARY(prefix##_pl, LEFT, RIGHT, OUT, if (__builtin_add_overflow(x, y, &z)) RAISE_RANGE(range)) \
    TYPE_CHECKED_BINARY(prefix##_mi, LEFT, RIGHT, OUT, if (__builtin_sub_overflow(x, y, &z)) RAISE_RANGE(range)) \
    TYPE_CHECKED_BINARY(prefix##_mul, LEFT, RIGHT, OUT, if (__builtin_mul_overflow(x, y, &z)) RAISE_RANGE(range)) \
    TYPE_CHECKED_BINARY(prefix##_div, LEFT, RIGHT, OUT, {                                                 \
        if (y == 0)                                                                                       \
            RAISE_RANGE(BY_ZERO);                                                                         \
        if (y == -1) { /* the one quotient that does not fit, and traps on some machines */               \
            if (__builtin_sub_overflow(0, (OUT)x, &z))                                                    \
                RAISE_RANGE(range);                                                                       \
        } else {                                                                                          \
            z = (OUT)(x / y);                                                                             \
        }                                                                                                 \
    })
#define INT_MODULO(prefix, T)                                        \
    TYPE_CHECKED_BINARY(prefix##_mod, T, T, T, {                     \
        if (y == 0)                                                  \
            RAISE_RANGE(BY_ZERO);                                    \
        z = y == -1 ? 0 : (T)(x % y);                                \
    })
#define INT_SIGNS(prefix, T, range)                                                                        \
    TYPE_CHECKED_UNARY(prefix##_um, T, T, if (__builtin_sub_overflow(0, x, &z)) RAISE_RANGE(range))        \
    TYPE_UNARY(prefix##_up, T, T, x)                                                                       \
    TYPE_CHECKED_UNARY(prefix##_abs, T, T, {                                                               \
        z = x;                                                                                             \
        if (x < 0 && __builtin_sub_overflow(0, x, &z))                                                     \
            RAISE_RANGE(range);                                                                            \
    })
#define INT_BITS(prefix, T, U, bits)                                       \
    TYPE_BINARY(prefix##_and, T, T, T, x & y)                              \
    TYPE_BINARY(prefix##_or, T, T, T, x | y)                               \
    TYPE_BINARY(prefix##_xor, T, T, T, x ^ y)                              \
    TYPE_UNARY(prefix##_not, T, T, ~x)                                     \
    TYPE_BINARY(prefix##_shl, T, int32_t, T, (U)x << (y & (bits - 1)))     \
    TYPE_BINARY(prefix##_shr, T, int32_t, T, x >> (y & (bits - 1)))        \
    TYPE_BINARY(prefix##_larger, T, T, T, x > y ? x : y)                   \
    TYPE_BINARY(prefix##_smaller, T, T, T, x < y ? x : y)

INT_ARITHMETIC(int2, int16_t, int16_t, int16_t, INT2_RANGE)
INT_ARITHMETIC(int4, int32_t, int32_t, int32_t, INT4_RANGE)
INT_ARITHMETIC(int8, int64_t, int64_t, int64_t, INT8_RANGE)
INT_ARITHMETIC(int24, int16_t, int32_t, int32_t, INT4_RANGE)
INT_ARITHMETIC(int42, int32_t, int16_t, int32_t, INT4_RANGE)
INT_ARITHMETIC(int28, int16_t, int64_t, int64_t, INT8_RANGE)
INT_ARITHMETIC(int82, int64_t, int16_t, int64_t, INT8_RANGE)
INT_ARITHMETIC(int48, int32_t, int64_t, int64_t, INT8_RANGE)
INT_ARITHMETIC(int84, int64_t, int32_t, int64_t, INT8_RANGE)
INT_MODULO(int2, int16_t)
INT_MODULO(int4, int32_t)
INT_MODULO(int8, int64_t)
INT_SIGNS(int2, int16_t, INT2_RANGE)
INT_SIGNS(int4, int32_t, INT4_RANGE)
INT_SIGNS(int8, int64_t, INT8_RANGE)
/* A smallint shifts as an integer does, and keeps the low half. */
INT_BITS(int2, int16_t, uint32_t, 32)
INT_BITS(int4, int32_t, uint32_t, 32)
INT_BITS(int8, int64_t, uint64_t, 64)

TYPE_COMPARISONS(int2, int16_t, int16_t)
TYPE_COMPARISONS(int4, int32_t, int32_t)
TYPE_COMPARISONS(int8, int64_t, int64_t)
TYPE_COMPARISONS(int24, int16_t, int32_t)
TYPE_COMPARISONS(int42, int32_t, int16_t)
TYPE_COMPARISONS(int28, int16_t, int64_t)
TYPE_COMPARISONS(int82, int64_t, int16_t)
TYPE_COMPARISONS(int48, int32_t, int64_t)
TYPE_COMPARISONS(int84, int64_t, int32_t)

/* Greatest common divisor by Euclid, on magnitudes: only the most negative number alone can overflow. */
static uint64_t gcd_of(uint64_t x, uint64_t y)
{
    while (y != 0) {
        uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    return x;
}
#define MAGNITUDE(x) ((x) < 0 ? 0 - (uint64_t)(int64_t)(x) : (uint64_t)(x))
#define INT_DIVISORS(prefix, T, max, range)                                                \
    TYPE_CHECKED_BINARY(prefix##_gcd, T, T, T, {                                           \
        uint64_t divisor = gcd_of(MAGNITUDE(x), MAGNITUDE(y));                             \
        if (divisor > (uint64_t)(max))                                                     \
            RAISE_RANGE(range);                                                            \
        z = (T)divisor;                                                                    \
    })                                                                                     \
    TYPE_CHECKED_BINARY(prefix##_lcm, T, T, T, {                                           \
        z = 0;                                                                             \
        if (x != 0 && y != 0) {                                                            \
            uint64_t multiple, divisor = gcd_of(MAGNITUDE(x), MAGNITUDE(y));               \
            if (__builtin_mul_overflow(MAGNITUDE(x) / divisor, MAGNITUDE(y), &multiple) || \
                multiple > (uint64_t)(max))                                                \
                RAISE_RANGE(range);                                                        \
            z = (T)multiple;                                                               \
        }                                                                                  \
    })
INT_DIVISORS(int4, int32_t, INT32_MAX, INT4_RANGE)
INT_DIVISORS(int8, int64_t, INT64_MAX, INT8_RANGE)

/* ---- casts ------------------------------------------------------------------------------------------------------------ */
#define INT_NARROW(name, IN, OUT, min, max, range)             \
    TYPE_CHECKED_UNARY(name, IN, OUT, {                        \
        if (x < (min) || x > (max))                            \
            RAISE_RANGE(range);                                \
        z = (OUT)x;                                            \
    })
INT_NARROW(int4_to_int2, int32_t, int16_t, INT16_MIN, INT16_MAX, INT2_RANGE)
INT_NARROW(int8_to_int2, int64_t, int16_t, INT16_MIN, INT16_MAX, INT2_RANGE)
INT_NARROW(int8_to_int4, int64_t, int32_t, INT32_MIN, INT32_MAX, INT4_RANGE)
TYPE_UNARY(int2_to_int4, int16_t, int32_t, x)
TYPE_UNARY(int2_to_int8, int16_t, int64_t, x)
TYPE_UNARY(int4_to_int8, int32_t, int64_t, x)
TYPE_UNARY(int4_to_bool, int32_t, uint8_t, x != 0)
TYPE_UNARY(bool_to_int4, uint8_t, int32_t, x)
TYPE_UNARY(char_to_int4, int8_t, int32_t, x)
#define CHAR_RANGE RDB_NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range"
INT_NARROW(int4_to_char, int32_t, int8_t, INT8_MIN, INT8_MAX, CHAR_RANGE)

/* ---- "char" ------------------------------------------------------------------------------------------------------------ */
static bool char_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    /* The first byte; an octal escape for bytes that are no character. */
    if (text.length == 4 && text.data[0] == '\\' && text.data[1] >= '0' && text.data[1] <= '3' && text.data[2] >= '0' &&
        text.data[2] <= '7' && text.data[3] >= '0' && text.data[3] <= '7')
        value->i8 = (int8_t)((text.data[1] - '0') << 6 | (text.data[2] - '0') << 3 | (text.data[3] - '0'));
    else if (text.length > 0)
        value->i8 = (int8_t)text.data[0];
    return true;
}

static void add_char(rdb_strbuf *text, int8_t value)
{
    if (value < 0)
        rdb_strbuf_addf(text, "\\%03o", (unsigned)(uint8_t)value);
    else if (value != 0)
        rdb_strbuf_addc(text, (char)value);
}

static bool char_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    add_char(text, value.i8);
    return true;
}

static bool char_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 1)
        return type_bad_binary(call);
    value->words[0] = value->words[1] = 0;
    value->i8 = (int8_t)text.data[0];
    return true;
}

static bool char_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addc(text, (char)value.i8);
    return true;
}

static int char_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return (left.b > right.b) - (left.b < right.b);
}

static uint64_t char_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.b);
}

static bool char_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    rdb_strbuf_addc(key, (char)value.b);
    return !key->failed;
}

static bool char_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (*at == end)
        return false;
    value->words[0] = value->words[1] = 0;
    value->b = *(*at)++;
    return true;
}

const rdb_type_ops type_char_ops = {.input = char_input, .output = char_output, .receive = char_receive,
                                    .send = char_send, .compare = char_compare, .hash = char_hash,
                                    .encode_key = char_encode, .decode_key = char_decode};

TYPE_COMPARISONS(char, uint8_t, uint8_t)

TYPE_ROW_FUNCTION(text_to_char, 1)
{
    r->i8 = 0;
    return char_input(call, NULL, type_slice(a[0]), -1, r);
}

TYPE_ROW_FUNCTION(char_to_text, 1)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    add_char(&text, a[0].i8);
    return type_take_buffer(call, &text, r);
}

#define F RDB_KERNEL_FALLIBLE
#define CROSS(sql, prefix)                                                                                 \
    {sql "pl", prefix##_pl, F, 0}, {sql "mi", prefix##_mi, F, 0}, {sql "mul", prefix##_mul, F, 0},         \
        {sql "div", prefix##_div, F, 0}, TYPE_SIX(sql, prefix)
#define WIDTH(sql, prefix)                                                                                 \
    CROSS(sql, prefix), {sql "mod", prefix##_mod, F, 0}, {sql "um", prefix##_um, F, 0},                    \
        {sql "up", prefix##_up, 0, 0}, {sql "abs", prefix##_abs, F, 0}, {sql "and", prefix##_and, 0, 0},   \
        {sql "or", prefix##_or, 0, 0}, {sql "xor", prefix##_xor, 0, 0}, {sql "not", prefix##_not, 0, 0},   \
        {sql "shl", prefix##_shl, 0, 0}, {sql "shr", prefix##_shr, 0, 0},                                  \
        {sql "larger", prefix##_larger, 0, 0}, {sql "smaller", prefix##_smaller, 0, 0}

static const type_kernel KERNELS[] = {
    WIDTH("int2", int2), WIDTH("int4", int4), WIDTH("int8", int8),
    CROSS("int24", int24), CROSS("int42", int42), CROSS("int28", int28),
    CROSS("int82", int82), CROSS("int48", int48), CROSS("int84", int84),
    {"btint2cmp", int2_cmp, 0, 0}, {"btint4cmp", int4_cmp, 0, 0}, {"btint8cmp", int8_cmp, 0, 0},
    {"btint24cmp", int24_cmp, 0, 0}, {"btint42cmp", int42_cmp, 0, 0}, {"btint28cmp", int28_cmp, 0, 0},
    {"btint82cmp", int82_cmp, 0, 0}, {"btint48cmp", int48_cmp, 0, 0}, {"btint84cmp", int84_cmp, 0, 0},
    {"int4gcd", int4_gcd, F, 0}, {"int4lcm", int4_lcm, F, 0}, {"int8gcd", int8_gcd, F, 0}, {"int8lcm", int8_lcm, F, 0},
    {"i4toi2", int4_to_int2, F, 0}, {"int82", int8_to_int2, F, 0}, {"int84", int8_to_int4, F, 0},
    {"i2toi4", int2_to_int4, 0, 0}, {"int28", int2_to_int8, 0, 0}, {"int48", int4_to_int8, 0, 0},
    {"int4_bool", int4_to_bool, 0, 0}, {"bool_int4", bool_to_int4, 0, 0},
    {"chartoi4", char_to_int4, 0, 0}, {"i4tochar", int4_to_char, F, 0},
    TYPE_SIX("char", char), {"btcharcmp", char_cmp, 0, 0},
    {"text_char", text_to_char, 0, 0}, {"char_text", char_to_text, 0, 0}, {"char_bpchar", char_to_text, 0, 0},
};
TYPE_KERNEL_TABLE(type_int_table, KERNELS);
