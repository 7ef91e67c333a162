/* SPDX-License-Identifier: Apache-2.0
 * real and double precision: text forms that read back to the same bits, order with NaN last and both zeros equal,
 * arithmetic that raises where a finite computation leaves the range. */
#include "type/numeric.h"
#include "type/tables.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- text ------------------------------------------------------------------------------------------------------------ */
static bool out_of_range(rdb_call *call, const char *text, const char *type_name)
{
    return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "\"%s\" is out of range for type %s", text, type_name);
}

bool type_parse_float(rdb_call *call, rdb_slice text, bool is_single, const char *type_name, double *value)
{
    rdb_slice word = type_trim(text);
    char inline_copy[128], *copy = inline_copy;
    if (word.length >= sizeof inline_copy) {
        copy = type_alloc(call, word.length + 1);
        if (copy == NULL)
            return false;
    }
    if (word.length > 0)
        memcpy(copy, word.data, word.length);
    copy[word.length] = '\0';
    bool negative = word.length > 0 && word.data[0] == '-';
    rdb_slice bare = word;
    if (bare.length > 0 && (bare.data[0] == '-' || bare.data[0] == '+')) {
        bare.data++;
        bare.length--;
    }
    if (type_equals_ignoring_case(word, "nan")) {
        *value = (double)NAN;
        return true;
    }
    if (type_equals_ignoring_case(bare, "infinity") || type_equals_ignoring_case(bare, "inf")) {
        *value = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    char *end = copy;
    errno = 0;
    bool starts_number = bare.length > 0 && (type_is_digit(bare.data[0]) || bare.data[0] == '.');
    double parsed = !starts_number ? 0 : is_single ? (double)strtof(copy, &end) : strtod(copy, &end);
    if (end == copy || *end != '\0')
        return type_bad_input(call, type_name, text);
    if (errno == ERANGE && (parsed == 0 || isinf(parsed)))
        return out_of_range(call, copy, type_name);
    *value = parsed;
    return true;
}

/* Is the decimal just half way between two neighbours of so many bits? It reads back as the even one; PostgreSQL leaves that to no reader.
 * A half-way point is an odd number of bits + 1 bits times a power of two. */
static bool is_half_way(const char *scientific, unsigned bits)
{
    uint64_t odd = 0;
    int exponent = 0;
    for (const char *at = scientific; *at != 'e'; at++) {
        if (!type_is_digit((unsigned char)*at))
            continue;
        odd = odd * 10 + (uint64_t)(*at - '0');
        exponent -= strchr(scientific, '.') != NULL && at > strchr(scientific, '.');
    }
    exponent += atoi(strchr(scientific, 'e') + 1);
    for (; odd != 0 && odd % 10 == 0; odd /= 10)
        exponent++;
    while (odd != 0 && odd % 2 == 0)
        odd /= 2;
    for (; exponent > 0 && odd < UINT64_C(1) << 60; exponent--) /* ten is five and a power of two */
        odd *= 5;
    for (; exponent < 0 && odd % 5 == 0 && odd != 0; exponent++)
        odd /= 5;
    return exponent == 0 && odd >> bits == 1;
}

/* The shortest digits between the value's neighbours' half-way points: "d.ddde[+-]xx" as printf's %e writes it. */
static void shortest_double(double value, char *text, size_t size)
{
    /* Fifteen digits always survive, so fewer show as zeros at the end; not so among the subnormal numbers. */
    for (int digits = fabs(value) < 0x1p-1022 ? 1 : 15; digits < 17; digits++) {
        snprintf(text, size, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value && !is_half_way(text, 53))
            return;
        /* Below a power of two numbers stand closer, so the nearest decimal can miss while its neighbour hits. */
        int exponent;
        if (digits == 16 && fabs(frexp(value, &exponent)) == 0.5) {
            char *last = strchr(text, 'e') - 1;
            if (*last < '9') {
                ++*last;
                if (strtod(text, NULL) == value)
                    return;
            }
        }
    }
    snprintf(text, size, "%.16e", value);
}

static void shortest_single(float value, char *text, size_t size)
{
    for (int digits = fabsf(value) < 0x1p-126f ? 1 : 6; digits < 9; digits++) {
        snprintf(text, size, "%.*e", digits - 1, (double)value);
        if (strtof(text, NULL) == value && !is_half_way(text, 24))
            return;
    }
    snprintf(text, size, "%.8e", (double)value);
}

/* From printf's %e form: plain where the exponent is in [-4, fixed_digits), else with an exponent of two digits or more. */
static void add_shortest(rdb_strbuf *text, const char *scientific, int fixed_digits)
{
    char digits[24];
    int count = 0;
    bool negative = *scientific == '-';
    const char *at = scientific + negative;
    for (; *at != 'e'; at++) {
        if (*at != '.')
            digits[count++] = *at;
    }
    int exponent = (int)strtol(at + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (negative)
        rdb_strbuf_addc(text, '-');
    if (exponent >= -4 && exponent < fixed_digits) {
        if (exponent < 0) {
            rdb_strbuf_adds(text, "0.");
            for (int i = -1; i > exponent; i--)
                rdb_strbuf_addc(text, '0');
            rdb_strbuf_add(text, digits, (size_t)count);
            return;
        }
        for (int i = 0; i <= exponent || i < count; i++) {
            if (i == exponent + 1)
                rdb_strbuf_addc(text, '.');
            rdb_strbuf_addc(text, i < count ? digits[i] : '0');
        }
        return;
    }
    rdb_strbuf_addc(text, digits[0]);
    if (count > 1) {
        rdb_strbuf_addc(text, '.');
        rdb_strbuf_add(text, digits + 1, (size_t)count - 1);
    }
    rdb_strbuf_addf(text, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

static bool add_special(rdb_strbuf *text, double value)
{
    if (isnan(value))
        rdb_strbuf_adds(text, "NaN");
    else if (isinf(value))
        rdb_strbuf_adds(text, value > 0 ? "Infinity" : "-Infinity");
    else
        return false;
    return true;
}

void type_add_float8(rdb_strbuf *text, double value, int extra_float_digits)
{
    char scientific[40];
    if (add_special(text, value))
        return;
    if (extra_float_digits <= 0) {
        rdb_strbuf_addf(text, "%.*g", RDB_MAX(15 + extra_float_digits, 1), value);
        return;
    }
    if (value == trunc(value) && fabs(value) < 1e15 && (value != 0 || !signbit(value))) { /* whole numbers are common */
        type_add_int(text, (int64_t)value);
        return;
    }
    shortest_double(value, scientific, sizeof scientific);
    add_shortest(text, scientific, 15);
}

void type_add_float4(rdb_strbuf *text, float value, int extra_float_digits)
{
    char scientific[40];
    if (add_special(text, (double)value))
        return;
    if (extra_float_digits <= 0) {
        rdb_strbuf_addf(text, "%.*g", RDB_MAX(6 + extra_float_digits, 1), (double)value);
        return;
    }
    shortest_single(value, scientific, sizeof scientific);
    add_shortest(text, scientific, 6);
}

/* ---- operations -------------------------------------------------------------------------------------------------------- */
static int compare_floats(double x, double y)
{
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

static uint64_t hash_float(double value)
{
    if (value == 0)
        value = 0; /* minus zero too */
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (!isnan(value))
        memcpy(&bits, &value, sizeof bits);
    return type_mix64(bits);
}

/* Bits that compare as unsigned numbers in the order of the values. */
static uint64_t order_bits64(double value)
{
    uint64_t bits;
    if (isnan(value))
        return UINT64_MAX;
    if (value == 0)
        value = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static bool float8_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return type_parse_float(call, text, false, "double precision", &value->f8);
}

static bool float8_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_float8(text, value.f8, call->format->extra_float_digits);
    return true;
}

static bool float8_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 8)
        return type_bad_binary(call);
    value->words[1] = 0;
    value->words[0] = type_be64(text.data);
    return true;
}

static bool float8_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be64(text, value.words[0]);
    return true;
}

static int float8_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return compare_floats(left.f8, right.f8);
}

static uint64_t float8_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return hash_float(value.f8);
}

static bool float8_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be64(key, order_bits64(value.f8));
    return !key->failed;
}

/* Not reversible: both zeros have one key. */
const rdb_type_ops type_float8_ops = {.input = float8_input, .output = float8_output, .receive = float8_receive,
                                      .send = float8_send, .compare = float8_compare, .hash = float8_hash,
                                      .encode_key = float8_encode, .decode_key = NULL};

static bool float4_input(TYPE_OPS_PARAMETERS_INPUT)
{
    double parsed = 0;
    if (!type_parse_float(call, text, true, "real", &parsed))
        return false;
    value->words[0] = value->words[1] = 0;
    value->f4 = (float)parsed;
    return true;
}

static bool float4_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_float4(text, value.f4, call->format->extra_float_digits);
    return true;
}

static bool float4_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 4)
        return type_bad_binary(call);
    value->words[0] = value->words[1] = 0;
    value->oid = type_be32(text.data);
    return true;
}

static bool float4_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be32(text, value.oid);
    return true;
}

static int float4_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return compare_floats((double)left.f4, (double)right.f4);
}

static uint64_t float4_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return hash_float((double)value.f4);
}

static bool float4_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be64(key, order_bits64((double)value.f4));
    return !key->failed;
}

const rdb_type_ops type_float4_ops = {.input = float4_input, .output = float4_output, .receive = float4_receive,
                                      .send = float4_send, .compare = float4_compare, .hash = float4_hash,
                                      .encode_key = float4_encode, .decode_key = NULL};

/* ---- comparisons ----------------------------------------------------------------------------------------------------------- */
/* Without branches, so that the loops become vector code: x != x says NaN. */
#define FLOAT_COMPARISONS(prefix, LEFT, RIGHT)                                                    \
    TYPE_BINARY(prefix##_eq, LEFT, RIGHT, uint8_t, (x == y) | ((x != x) & (y != y)))              \
    TYPE_BINARY(prefix##_ne, LEFT, RIGHT, uint8_t, !((x == y) | ((x != x) & (y != y))))           \
    TYPE_BINARY(prefix##_lt, LEFT, RIGHT, uint8_t, (x < y) | ((x == x) & (y != y)))               \
    TYPE_BINARY(prefix##_le, LEFT, RIGHT, uint8_t, (x <= y) | (y != y))                           \
    TYPE_BINARY(prefix##_gt, LEFT, RIGHT, uint8_t, (x > y) | ((x != x) & (y == y)))               \
    TYPE_BINARY(prefix##_ge, LEFT, RIGHT, uint8_t, (x >= y) | (x != x))                           \
    TYPE_BINARY(prefix##_cmp, LEFT, RIGHT, int32_t, compare_floats((double)x, (double)y))
FLOAT_COMPARISONS(float4, float, float)
FLOAT_COMPARISONS(float8, double, double)
FLOAT_COMPARISONS(float48, float, double)
FLOAT_COMPARISONS(float84, double, float)

/* ---- arithmetic -------------------------------------------------------------------------------------------------------------- */
#define OVERFLOW_ERROR RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"
#define UNDERFLOW_ERROR RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"
#define RAISE(...) TYPE_RAISE(__VA_ARGS__)
#define FLOAT_ARITHMETIC(prefix, LEFT, RIGHT, OUT)                                 \
    TYPE_CHECKED_BINARY(prefix##_pl, LEFT, RIGHT, OUT, {                           \
        z = (OUT)x + (OUT)y;                                                       \
        if (RDB_UNLIKELY(isinf(z)) && !isinf(x) && !isinf(y))                      \
            RAISE(OVERFLOW_ERROR);                                                 \
    })                                                                             \
    TYPE_CHECKED_BINARY(prefix##_mi, LEFT, RIGHT, OUT, {                           \
        z = (OUT)x - (OUT)y;                                                       \
        if (RDB_UNLIKELY(isinf(z)) && !isinf(x) && !isinf(y))                      \
            RAISE(OVERFLOW_ERROR);                                                 \
    })                                                                             \
    TYPE_CHECKED_BINARY(prefix##_mul, LEFT, RIGHT, OUT, {                          \
        z = (OUT)x * (OUT)y;                                                       \
        if (RDB_UNLIKELY(isinf(z)) && !isinf(x) && !isinf(y))                      \
            RAISE(OVERFLOW_ERROR);                                                 \
        if (RDB_UNLIKELY(z == 0) && x != 0 && y != 0)                              \
            RAISE(UNDERFLOW_ERROR);                                                \
    })                                                                             \
    TYPE_CHECKED_BINARY(prefix##_div, LEFT, RIGHT, OUT, {                          \
        if (RDB_UNLIKELY(y == 0) && !isnan(x))                                     \
            RAISE(RDB_DIVISION_BY_ZERO, "division by zero");                       \
        z = (OUT)x / (OUT)y;                                                       \
        if (RDB_UNLIKELY(isinf(z)) && !isinf(x))                                   \
            RAISE(OVERFLOW_ERROR);                                                 \
        if (RDB_UNLIKELY(z == 0) && x != 0 && !isinf(y))                           \
            RAISE(UNDERFLOW_ERROR);                                                \
    })
FLOAT_ARITHMETIC(float4, float, float, float)
FLOAT_ARITHMETIC(float8, double, double, double)
FLOAT_ARITHMETIC(float48, float, double, double)
FLOAT_ARITHMETIC(float84, double, float, double)
#define FLOAT_SIGNS(prefix, T)                                                             \
    TYPE_UNARY(prefix##_um, T, T, -x)                                                      \
    TYPE_UNARY(prefix##_up, T, T, x)                                                       \
    TYPE_UNARY(prefix##_abs, T, T, x < 0 ? -x : x == 0 ? 0 : x)                            \
    TYPE_BINARY(prefix##_larger, T, T, T, compare_floats((double)x, (double)y) > 0 ? x : y) \
    TYPE_BINARY(prefix##_smaller, T, T, T, compare_floats((double)x, (double)y) < 0 ? x : y)
FLOAT_SIGNS(float4, float)
FLOAT_SIGNS(float8, double)

/* ---- casts ---------------------------------------------------------------------------------------------------------------------- */
#define FLOAT_TO_INT(name, IN, OUT, low, high, message)                              \
    TYPE_CHECKED_UNARY(name, IN, OUT, {                                              \
        double rounded = rint((double)x);                                            \
        if (!(rounded >= (low) && rounded < (high)))                                 \
            RAISE(RDB_NUMERIC_VALUE_OUT_OF_RANGE, message);                          \
        z = (OUT)rounded;                                                            \
    })
FLOAT_TO_INT(float8_to_int2, double, int16_t, -32768.0, 32768.0, "smallint out of range")
FLOAT_TO_INT(float8_to_int4, double, int32_t, -2147483648.0, 2147483648.0, "integer out of range")
FLOAT_TO_INT(float8_to_int8, double, int64_t, -9223372036854775808.0, 9223372036854775808.0, "bigint out of range")
FLOAT_TO_INT(float4_to_int2, float, int16_t, -32768.0, 32768.0, "smallint out of range")
FLOAT_TO_INT(float4_to_int4, float, int32_t, -2147483648.0, 2147483648.0, "integer out of range")
FLOAT_TO_INT(float4_to_int8, float, int64_t, -9223372036854775808.0, 9223372036854775808.0, "bigint out of range")
TYPE_UNARY(int2_to_float4, int16_t, float, x)
TYPE_UNARY(int2_to_float8, int16_t, double, x)
TYPE_UNARY(int4_to_float4, int32_t, float, x)
TYPE_UNARY(int4_to_float8, int32_t, double, x)
TYPE_UNARY(int8_to_float4, int64_t, float, x)
TYPE_UNARY(int8_to_float8, int64_t, double, x)
TYPE_UNARY(float4_to_float8, float, double, x)
TYPE_CHECKED_UNARY(float8_to_float4, double, float, {
    z = (float)x;
    if (isinf(z) && !isinf(x))
        RAISE(OVERFLOW_ERROR);
    if (z == 0 && x != 0)
        RAISE(UNDERFLOW_ERROR);
})

static bool float_to_numeric(rdb_call *call, double value, int digits, rdb_datum *r)
{
    type_numeric number;
    bool ok = type_numeric_from_double(call, value, digits, &number) && type_numeric_write(call, &number, r);
    type_numeric_clear(&number);
    return ok;
}

TYPE_ROW_FUNCTION(float8_to_numeric, 1)
{
    return float_to_numeric(call, a[0].f8, 15, r);
}

TYPE_ROW_FUNCTION(float4_to_numeric, 1)
{
    return float_to_numeric(call, (double)a[0].f4, 6, r);
}

TYPE_ROW_FUNCTION(numeric_to_float8, 1)
{
    type_numeric number;
    type_numeric_read(a[0].bytes, &number);
    r->f8 = type_numeric_to_double(&number);
    bool overflow = isinf(r->f8) && number.kind == TYPE_NUMERIC_FINITE, underflow = r->f8 == 0 && type_numeric_sign(&number) != 0;
    type_numeric_clear(&number);
    if (!overflow && !underflow)
        return true;
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    return type_numeric_ops.output(call, NULL, a[0], &text) && out_of_range(call, text.data, "double precision");
}

TYPE_ROW_FUNCTION(numeric_to_float4, 1)
{
    rdb_strbuf text;
    double value = 0;
    rdb_strbuf_init(&text, call->arena);
    if (!type_numeric_ops.output(call, NULL, a[0], &text) || !rdb_strbuf_check(&text, call->err) ||
        !type_parse_float(call, (rdb_slice){.data = (const uint8_t *)text.data, .length = text.length}, true, "real", &value))
        return false;
    r->f4 = (float)value;
    return true;
}

#define F RDB_KERNEL_FALLIBLE
#define CROSS(sql, prefix)                                                                              \
    {sql "pl", prefix##_pl, F, 0}, {sql "mi", prefix##_mi, F, 0}, {sql "mul", prefix##_mul, F, 0},      \
        {sql "div", prefix##_div, F, 0}, TYPE_SIX(sql, prefix)
#define WIDTH(sql, prefix)                                                                              \
    CROSS(sql, prefix), {sql "um", prefix##_um, 0, 0}, {sql "up", prefix##_up, 0, 0},                   \
        {sql "abs", prefix##_abs, 0, 0}, {sql "larger", prefix##_larger, 0, 0}, {sql "smaller", prefix##_smaller, 0, 0}

static const type_kernel KERNELS[] = {
    WIDTH("float4", float4), WIDTH("float8", float8), CROSS("float48", float48), CROSS("float84", float84),
    {"btfloat4cmp", float4_cmp, 0, 0}, {"btfloat8cmp", float8_cmp, 0, 0}, {"btfloat48cmp", float48_cmp, 0, 0},
    {"btfloat84cmp", float84_cmp, 0, 0},
    {"dtoi2", float8_to_int2, F, 0}, {"dtoi4", float8_to_int4, F, 0}, {"dtoi8", float8_to_int8, F, 0},
    {"ftoi2", float4_to_int2, F, 0}, {"ftoi4", float4_to_int4, F, 0}, {"ftoi8", float4_to_int8, F, 0},
    {"i2tof", int2_to_float4, 0, 0}, {"i2tod", int2_to_float8, 0, 0}, {"i4tof", int4_to_float4, 0, 0},
    {"i4tod", int4_to_float8, 0, 0}, {"i8tof", int8_to_float4, 0, 0}, {"i8tod", int8_to_float8, 0, 0},
    {"ftod", float4_to_float8, 0, 0}, {"dtof", float8_to_float4, F, 0},
    {"float8_numeric", float8_to_numeric, 0, 0}, {"float4_numeric", float4_to_numeric, 0, 0},
    {"numeric_float8", numeric_to_float8, F, 0}, {"numeric_float4", numeric_to_float4, F, 0},
};
TYPE_KERNEL_TABLE(type_float_table, KERNELS);
