/* SPDX-License-Identifier: Apache-2.0
 * oid and its kin: unsigned 32-bit numbers. The reg* types print names where an upper room has registered how; alone
 * they read and print numbers. xid and cid have equality only. */
#include "type/type_int.h"
#include "type/tables.h"

static bool parse_oid(rdb_call *call, rdb_slice text, uint32_t *oid)
{
    int64_t parsed;
    /* A negative number is taken as the unsigned one of the same bits, as PostgreSQL does. */
    if (!type_parse_int(call, text, INT32_MIN, UINT32_MAX, "oid", &parsed))
        return false;
    *oid = (uint32_t)parsed;
    return true;
}

static bool oid_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return parse_oid(call, text, &value->oid);
}

static bool oid_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_int(text, value.oid);
    return true;
}

static bool oid_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 4)
        return type_bad_binary(call);
    value->words[0] = value->words[1] = 0;
    value->oid = type_be32(text.data);
    return true;
}

static bool oid_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be32(text, value.oid);
    return true;
}

static int oid_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return (left.oid > right.oid) - (left.oid < right.oid);
}

static uint64_t oid_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.oid);
}

static bool oid_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be32(key, value.oid);
    return !key->failed;
}

static bool oid_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 4)
        return false;
    value->words[0] = value->words[1] = 0;
    value->oid = type_be32(*at);
    *at += 4;
    return true;
}

const rdb_type_ops type_oid_ops = {.input = oid_input, .output = oid_output, .receive = oid_receive, .send = oid_send,
                                   .compare = oid_compare, .hash = oid_hash, .encode_key = oid_encode,
                                   .decode_key = oid_decode};

/* ---- reg*: a name where the catalog can be asked ----------------------------------------------------------------------- */
static rdb_regtype_input reg_input_hook;
static rdb_regtype_output reg_output_hook;

void rdb_regtype_set_hooks(rdb_regtype_input input, rdb_regtype_output output)
{
    reg_input_hook = input;
    reg_output_hook = output;
}

static bool reg_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    rdb_slice word = type_trim(text);
    if (word.length == 1 && word.data[0] == '-') /* the oid 0 */
        return true;
    if (word.length > 0 && type_is_digit(word.data[0]))
        return parse_oid(call, text, &value->oid);
    if (reg_input_hook != NULL)
        return reg_input_hook(call, type, text, &value->oid);
    return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "names of type %s need a catalog", type->name);
}

static bool reg_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    enum { REGOPER = 2203, REGOPERATOR = 2204 };
    if (value.oid == 0) /* "-" is an operator's name */
        rdb_strbuf_addc(text, type->oid == REGOPER || type->oid == REGOPERATOR ? '0' : '-');
    else if (reg_output_hook != NULL)
        return reg_output_hook(call, type, value.oid, text);
    else
        type_add_int(text, value.oid);
    return true;
}

const rdb_type_ops type_reg_ops = {.input = reg_input, .output = reg_output, .receive = oid_receive, .send = oid_send,
                                   .compare = oid_compare, .hash = oid_hash, .encode_key = oid_encode,
                                   .decode_key = oid_decode};

uint64_t type_read_xid(rdb_slice text)
{
    size_t i = 0;
    uint64_t number = 0;
    bool is_negative = false;
    while (i < text.length && strchr(" \t\n\v\f\r", text.data[i]) != NULL)
        i++;
    if (i < text.length && (text.data[i] == '-' || text.data[i] == '+'))
        is_negative = text.data[i++] == '-';
    unsigned base = 10;
    if (i < text.length && text.data[i] == '0') {
        const bool is_hex = i + 2 < text.length && (text.data[i + 1] == 'x' || text.data[i + 1] == 'X');
        base = is_hex ? 16 : 8;
        i += is_hex ? 2 : 1;
    }
    for (; i < text.length; i++) {
        const unsigned c = text.data[i], digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : base;
        if (digit >= base)
            break;
        if (__builtin_mul_overflow(number, (uint64_t)base, &number) || __builtin_add_overflow(number, (uint64_t)digit, &number))
            return UINT64_MAX;
    }
    return is_negative ? 0 - number : number;
}

static bool xid_input(TYPE_OPS_PARAMETERS_INPUT)
{
    (void)call;
    (void)type;
    (void)typmod;
    value->words[0] = value->words[1] = 0;
    value->oid = (uint32_t)type_read_xid(text);
    return true;
}
/* An order is given for sorting inside the system; SQL offers none. */
const rdb_type_ops type_xid_ops = {.input = xid_input, .output = oid_output, .receive = oid_receive, .send = oid_send,
                                   .compare = oid_compare, .hash = oid_hash, .encode_key = oid_encode,
                                   .decode_key = oid_decode};

TYPE_COMPARISONS(oid, uint32_t, uint32_t)
TYPE_BINARY(oid_larger, uint32_t, uint32_t, uint32_t, x > y ? x : y)
TYPE_BINARY(oid_smaller, uint32_t, uint32_t, uint32_t, x < y ? x : y)
TYPE_UNARY(oid_to_int8, uint32_t, int64_t, x)
TYPE_CHECKED_UNARY(int8_to_oid, int64_t, uint32_t, {
    if (x < 0 || x > UINT32_MAX)
        TYPE_RAISE(RDB_NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range");
    z = (uint32_t)x;
})

static const type_kernel KERNELS[] = {
    TYPE_SIX("oid", oid), {"btoidcmp", oid_cmp, 0, 0}, {"oidlarger", oid_larger, 0, 0}, {"oidsmaller", oid_smaller, 0, 0},
    {"xideq", oid_eq, 0, 0}, {"xidneq", oid_ne, 0, 0}, {"cideq", oid_eq, 0, 0},
    {"i8tooid", int8_to_oid, RDB_KERNEL_FALLIBLE, 0}, {"oidtoi8", oid_to_int8, 0, 0},
};
TYPE_KERNEL_TABLE(type_oid_table, KERNELS);
