/* SPDX-License-Identifier: Apache-2.0
 * money: cents in 64 bits, shown as the C locale of PostgreSQL shows them ($1,234.56). */
#include "type/generic.h"
#include "type/numeric.h"
#include "type/tables.h"
#include <math.h>

static bool money_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = at + text.length;
    bool negative = false, seen_point = false, overflow = false;
    int decimals = 0;
    int64_t cents = 0; /* kept negative: there is one more of those */
    for (; at < end && type_is_space(*at); at++)
        ;
    if (at < end && *at == '$')
        at++;
    for (; at < end && type_is_space(*at); at++)
        ;
    if (at < end && (*at == '-' || *at == '('))
        negative = true, at++;
    else if (at < end && *at == '+')
        at++;
    for (; at < end && type_is_space(*at); at++)
        ;
    if (at < end && *at == '$')
        at++;
    for (; at < end && type_is_space(*at); at++)
        ;
    const uint8_t *first = at;
    for (; at < end; at++) {
        if (type_is_digit(*at) && (!seen_point || decimals < 2)) {
            overflow |= __builtin_mul_overflow(cents, 10, &cents) || __builtin_sub_overflow(cents, *at - '0', &cents);
            decimals += seen_point;
        } else if (*at == '.' && !seen_point) {
            seen_point = true;
        } else if (*at != ',') {
            break;
        }
    }
    if (at < end && type_is_digit(*at) && *at >= '5')
        overflow |= __builtin_sub_overflow(cents, 1, &cents);
    for (; decimals < 2; decimals++)
        overflow |= __builtin_mul_overflow(cents, 10, &cents);
    bool ok = at > first;
    for (; at < end && type_is_digit(*at); at++)
        ;
    for (; at < end && ok; at++) {
        if (*at == '-')
            negative = true;
        else
            ok = type_is_space(*at) || *at == ')' || *at == '+' || *at == '$';
    }
    if (!ok)
        return type_bad_input(call, "money", text);
    if (overflow || (!negative && cents == INT64_MIN))
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value \"%.*s\" is out of range for type money", (int)text.length,
                             (const char *)text.data);
    value->words[1] = 0;
    value->i64 = negative ? cents : -cents;
    return true;
}

static bool money_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint64_t cents = value.i64 < 0 ? 0 - (uint64_t)value.i64 : (uint64_t)value.i64, whole = cents / 100;
    char digits[40];
    size_t at = sizeof digits;
    for (int count = 0; whole > 0 || count == 0; whole /= 10, count++) {
        if (count > 0 && count % 3 == 0)
            digits[--at] = ',';
        digits[--at] = (char)('0' + whole % 10);
    }
    if (value.i64 < 0)
        rdb_strbuf_addc(text, '-');
    rdb_strbuf_addf(text, "$%.*s.%02u", (int)(sizeof digits - at), digits + at, (unsigned)(cents % 100));
    return true;
}

static bool money_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 8)
        return type_bad_binary(call);
    value->words[1] = 0;
    value->i64 = (int64_t)type_be64(text.data);
    return true;
}

static bool money_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be64(text, (uint64_t)value.i64);
    return true;
}

static int money_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return (left.i64 > right.i64) - (left.i64 < right.i64);
}

static uint64_t money_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64((uint64_t)value.i64);
}

static bool money_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be64(key, (uint64_t)value.i64 ^ UINT64_C(1) << 63);
    return !key->failed;
}

static bool money_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 8)
        return false;
    value->words[1] = 0;
    value->i64 = (int64_t)(type_be64(*at) ^ UINT64_C(1) << 63);
    *at += 8;
    return true;
}

const rdb_type_ops type_money_ops = {.input = money_input, .output = money_output, .receive = money_receive, .send = money_send,
                                     .compare = money_compare, .hash = money_hash, .encode_key = money_encode, .decode_key = money_decode};

TYPE_COMPARISONS(money, int64_t, int64_t)
#define RAISE_RANGE TYPE_RAISE(RDB_NUMERIC_VALUE_OUT_OF_RANGE, "money out of range")
#define ARITHMETIC(name, left, right, builtin)                                                            \
    TYPE_CHECKED_BINARY(name, left, right, int64_t, {                                                     \
        if (builtin((int64_t)x, (int64_t)y, &z))                                                          \
            RAISE_RANGE;                                                                                  \
    })
ARITHMETIC(money_add, int64_t, int64_t, __builtin_add_overflow)
ARITHMETIC(money_subtract, int64_t, int64_t, __builtin_sub_overflow)
TYPE_BINARY(money_larger, int64_t, int64_t, int64_t, x > y ? x : y)
TYPE_BINARY(money_smaller, int64_t, int64_t, int64_t, x < y ? x : y)
#define BY_INT(name, type)                                                                                \
    ARITHMETIC(money_times_##name, int64_t, type, __builtin_mul_overflow)                                 \
    ARITHMETIC(name##_times_money, type, int64_t, __builtin_mul_overflow)                                 \
    TYPE_CHECKED_BINARY(money_over_##name, int64_t, type, int64_t, {                                      \
        if (y == 0)                                                                                       \
            TYPE_RAISE(RDB_DIVISION_BY_ZERO, "division by zero");                                         \
        if (y == -1 && x == INT64_MIN)                                                                    \
            RAISE_RANGE;                                                                                  \
        z = x / y;                                                                                        \
    })
BY_INT(int2, int16_t)
BY_INT(int4, int32_t)
BY_INT(int8, int64_t)
/* A rounded product or quotient that 64 bits hold; NaN is none. */
#define FROM_DOUBLE(value)                                                                                \
    {                                                                                                     \
        double rounded = rint(value);                                                                     \
        if (!(rounded >= -0x1p63 && rounded < 0x1p63))                                                    \
            RAISE_RANGE;                                                                                  \
        z = (int64_t)rounded;                                                                             \
    }
#define BY_FLOAT(name, type)                                                                              \
    TYPE_CHECKED_BINARY(money_times_##name, int64_t, type, int64_t, FROM_DOUBLE((double)x *(double)y))    \
    TYPE_CHECKED_BINARY(name##_times_money, type, int64_t, int64_t, FROM_DOUBLE((double)x *(double)y))    \
    TYPE_CHECKED_BINARY(money_over_##name, int64_t, type, int64_t, {                                      \
        if (y == 0)                                                                                       \
            TYPE_RAISE(RDB_DIVISION_BY_ZERO, "division by zero");                                         \
        FROM_DOUBLE((double)x / (double)y);                                                               \
    })
BY_FLOAT(float4, float)
BY_FLOAT(float8, double)

TYPE_CHECKED_BINARY(money_over_money, int64_t, int64_t, double, {
    if (y == 0)
        TYPE_RAISE(RDB_DIVISION_BY_ZERO, "division by zero");
    z = (double)x / (double)y;
})

#define FROM_INT(name, type)                                                               \
    TYPE_CHECKED_UNARY(money_from_##name, type, int64_t, {                                 \
        if (__builtin_mul_overflow(x, 100, &z))                                            \
            TYPE_RAISE(RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");             \
    })
FROM_INT(int4, int32_t)
FROM_INT(int8, int64_t)

TYPE_ROW_FUNCTION(money_to_numeric, 1)
{
    type_numeric number;
    type_numeric_set_int(&number, a[0].i64, 2);
    return type_numeric_write(call, &number, r);
}

TYPE_ROW_FUNCTION(money_from_numeric, 1)
{
    type_numeric x, hundred, product;
    type_numeric_read(a[0].bytes, &x);
    if (x.kind != TYPE_NUMERIC_FINITE)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert %s to bigint", x.kind == TYPE_NUMERIC_NAN ? "NaN" : "infinity");
    type_numeric_set_int(&hundred, 100, 0);
    bool ok = type_numeric_mul(call, &x, &hundred, &product);
    if (ok && !type_numeric_to_int64(&product, &r->i64))
        ok = rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    type_numeric_clear(&x);
    type_numeric_clear(&product);
    return ok;
}

/* ---- words --------------------------------------------------------------------------------------------------------------------- */
static const char *const SMALL[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
                                    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
static const char *const TENS[] = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};

/* A number below 1,000. */
static void add_words(rdb_strbuf *text, unsigned number)
{
    unsigned rest = number % 100;
    if (number <= 20) {
        rdb_strbuf_adds(text, SMALL[number]);
        return;
    }
    if (number > 99) {
        rdb_strbuf_addf(text, "%s hundred", SMALL[number / 100]);
        if (rest == 0)
            return;
        rdb_strbuf_adds(text, rest < 20 && (rest % 10 != 0 || rest <= 10) ? " and " : " ");
    }
    if (rest % 10 == 0 && rest > 10)
        rdb_strbuf_adds(text, TENS[rest / 10]);
    else if (rest < 20)
        rdb_strbuf_adds(text, SMALL[rest]);
    else
        rdb_strbuf_addf(text, "%s %s", TENS[rest / 10], SMALL[rest % 10]);
}

TYPE_ROW_FUNCTION(money_words, 1)
{
    static const char *const SCALES[] = {"quadrillion", "trillion", "billion", "million", "thousand"};
    uint64_t cents = a[0].i64 < 0 ? 0 - (uint64_t)a[0].i64 : (uint64_t)a[0].i64, whole = cents / 100, unit = UINT64_C(1000000000000000);
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (a[0].i64 < 0)
        rdb_strbuf_adds(&text, "minus ");
    for (size_t i = 0; i < RDB_COUNT_OF(SCALES); i++, unit /= 1000) {
        if (whole / unit % 1000 > 0) {
            add_words(&text, (unsigned)(whole / unit % 1000));
            rdb_strbuf_addf(&text, " %s ", SCALES[i]);
        }
    }
    if (whole % 1000 > 0)
        add_words(&text, (unsigned)(whole % 1000));
    if (whole == 0)
        rdb_strbuf_adds(&text, "zero");
    rdb_strbuf_adds(&text, whole == 1 ? " dollar and " : " dollars and ");
    add_words(&text, (unsigned)(cents % 100));
    rdb_strbuf_adds(&text, cents % 100 == 1 ? " cent" : " cents");
    if (!type_take_buffer(call, &text, r))
        return false;
    text.data[0] = (char)(text.data[0] - 32);
    return true;
}

/* ---- sum ------------------------------------------------------------------------------------------------------------------------- */
typedef struct money_sum {
    int64_t total;
    bool any;
} money_sum;

static bool add_money(rdb_call *call, money_sum *sum, int64_t value)
{
    sum->any = true;
    return !__builtin_add_overflow(sum->total, value, &sum->total) ||
           rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "money out of range");
}

static bool sum_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments, const rdb_selection *selection)
{
    RDB_FOR_SELECTED (selection, row) {
        if (!add_money(call, states[row_at], RDB_AT(arguments[0], int64_t, row))) {
            call->bad_row = row;
            return false;
        }
    }
    return true;
}

static bool sum_combine(rdb_call *call, void *into, const void *from)
{
    const money_sum *other = from;
    return !other->any || add_money(call, into, other->total);
}

static bool sum_finish(TYPE_UNUSED rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const money_sum *sum = state;
    *is_null = !sum->any;
    value->i64 = sum->total;
    return true;
}

static const rdb_aggregate_entry AGGREGATES[] = {
    {2112, sizeof(money_sum), sum_update, NULL, sum_combine, sum_finish, RDB_AGGREGATE_SKIPS_NULLS},
};
TYPE_AGGREGATE_TABLE(type_money_aggregate_table, AGGREGATES);

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_SIX_("cash", money), {"cash_cmp", money_cmp, 0, 0}, {"cash_pl", money_add, F, 0}, {"cash_mi", money_subtract, F, 0},
    {"cashlarger", money_larger, 0, 0}, {"cashsmaller", money_smaller, 0, 0}, {"cash_div_cash", money_over_money, F, 0},
    {"cash_mul_int2", money_times_int2, F, 0}, {"cash_mul_int4", money_times_int4, F, 0}, {"cash_mul_int8", money_times_int8, F, 0},
    {"int2_mul_cash", int2_times_money, F, 0}, {"int4_mul_cash", int4_times_money, F, 0}, {"int8_mul_cash", int8_times_money, F, 0},
    {"cash_div_int2", money_over_int2, F, 0}, {"cash_div_int4", money_over_int4, F, 0}, {"cash_div_int8", money_over_int8, F, 0},
    {"cash_mul_flt4", money_times_float4, F, 0}, {"flt4_mul_cash", float4_times_money, F, 0}, {"cash_div_flt4", money_over_float4, F, 0},
    {"cash_mul_flt8", money_times_float8, F, 0}, {"flt8_mul_cash", float8_times_money, F, 0}, {"cash_div_flt8", money_over_float8, F, 0},
    {"int4_cash", money_from_int4, F, 0}, {"int8_cash", money_from_int8, F, 0}, {"cash_numeric", money_to_numeric, F, 0},
    {"numeric_cash", money_from_numeric, F, 0}, {"cash_words", money_words, F, 0},
};
TYPE_KERNEL_TABLE(type_money_table, KERNELS);
