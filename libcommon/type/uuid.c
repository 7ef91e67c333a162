/* SPDX-License-Identifier: Apache-2.0
 * Small fixed types: uuid, tid, xid8, pg_lsn. */
#include "type/numeric.h"
#include "type/tables.h"
#include <sys/random.h>

/* ---- uuid -------------------------------------------------------------------------------------------------------------------- */
static bool uuid_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = at + text.length;
    bool braces = at < end && *at == '{';
    at += braces;
    value->words[0] = value->words[1] = 0;
    for (int i = 0; i < 16; i++) {
        for (int half = 0; half < 2; half++, at++) {
            int c = at < end ? type_lower(*at) : 0;
            int digit = type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0)
                return type_bad_input(call, "uuid", text);
            value->fixed[i] = (uint8_t)(value->fixed[i] << 4 | digit);
        }
        if (i % 2 == 1 && i < 15 && at < end && *at == '-')
            at++;
    }
    if (braces && (at == end || *at++ != '}'))
        return type_bad_input(call, "uuid", text);
    return at == end || type_bad_input(call, "uuid", text);
}

static bool uuid_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            rdb_strbuf_addc(text, '-');
        rdb_strbuf_addc(text, DIGITS[value.fixed[i] >> 4]);
        rdb_strbuf_addc(text, DIGITS[value.fixed[i] & 15]);
    }
    return true;
}

static bool uuid_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 16)
        return type_bad_binary(call);
    memcpy(value->fixed, text.data, 16);
    return true;
}

static bool uuid_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_add(text, value.fixed, 16);
    return true;
}

static int uuid_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    int order = memcmp(left.fixed, right.fixed, 16);
    return (order > 0) - (order < 0);
}

static uint64_t uuid_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.words[0] ^ type_mix64(value.words[1]));
}

static bool uuid_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    rdb_strbuf_add(key, value.fixed, 16);
    return !key->failed;
}

static bool uuid_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 16)
        return false;
    memcpy(value->fixed, *at, 16);
    *at += 16;
    return true;
}

const rdb_type_ops type_uuid_ops = {.input = uuid_input, .output = uuid_output, .receive = uuid_receive, .send = uuid_send,
                                    .compare = uuid_compare, .hash = uuid_hash, .encode_key = uuid_encode, .decode_key = uuid_decode};

typedef struct fixed16 {
    uint8_t bytes[16];
} fixed16;
static int compare_fixed(fixed16 x, fixed16 y)
{
    int order = memcmp(x.bytes, y.bytes, 16);
    return (order > 0) - (order < 0);
}
TYPE_ORDERED_COMPARISONS(uuid, fixed16, fixed16, compare_fixed)

TYPE_ROW_FUNCTION(uuid_random, 0)
{
    if (getrandom(r->fixed, 16, 0) != 16)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not generate random values");
    r->fixed[6] = (uint8_t)((r->fixed[6] & 0x0f) | 0x40);
    r->fixed[8] = (uint8_t)((r->fixed[8] & 0x3f) | 0x80);
    return true;
}

/* ---- tid: uint64 block, uint16 slot ------------------------------------------------------------------------------------------------ */
static uint16_t slot_of(rdb_datum value)
{
    uint16_t slot;
    memcpy(&slot, value.fixed + 8, sizeof slot);
    return slot;
}

static bool tid_input(TYPE_OPS_PARAMETERS_INPUT)
{
    uint64_t block = 0, slot = 0;
    size_t i = 1, digits = 0;
    bool ok = text.length > 2 && text.data[0] == '(';
    while (ok && i < text.length && text.data[i] == ' ')
        i++;
    const bool is_negative = ok && i < text.length && text.data[i] == '-';
    i += is_negative;
    for (; ok && i < text.length && type_is_digit(text.data[i]); i++, digits++)
        block = RDB_MIN(block * 10 + (text.data[i] - '0'), UINT64_C(1) << 49);
    ok = ok && digits > 0 && i < text.length && text.data[i++] == ',';
    if (is_negative) /* of the 32 bits that a block number has elsewhere */
        block = (uint32_t)(0 - block);
    while (ok && i < text.length && text.data[i] == ' ')
        i++;
    for (digits = 0; ok && i < text.length && type_is_digit(text.data[i]); i++, digits++)
        slot = RDB_MIN(slot * 10 + (text.data[i] - '0'), UINT64_C(1) << 20);
    if (!ok || digits == 0 || i + 1 != text.length || text.data[i] != ')' || slot > UINT16_MAX || block >= UINT64_C(1) << 48)
        return type_bad_input(call, "tid", text);
    uint16_t narrow = (uint16_t)slot;
    value->words[0] = block;
    value->words[1] = 0;
    memcpy(value->fixed + 8, &narrow, sizeof narrow);
    return true;
}

static bool tid_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addf(text, "(%llu,%u)", (unsigned long long)value.words[0], slot_of(value));
    return true;
}

static bool tid_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 6)
        return type_bad_binary(call);
    uint16_t slot = type_be16(text.data + 4);
    value->words[0] = type_be32(text.data);
    value->words[1] = 0;
    memcpy(value->fixed + 8, &slot, sizeof slot);
    return true;
}

/* The wire has 32 bits for the block: a larger one cannot be told in binary. */
static bool tid_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    if (value.words[0] > UINT32_MAX)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "block number of a tid does not fit its binary form");
    type_add_be32(text, (uint32_t)value.words[0]);
    type_add_be16(text, slot_of(value));
    return true;
}

static int tid_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    if (left.words[0] != right.words[0])
        return left.words[0] < right.words[0] ? -1 : 1;
    return (slot_of(left) > slot_of(right)) - (slot_of(left) < slot_of(right));
}

static bool tid_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be64(key, value.words[0]);
    type_add_be16(key, slot_of(value));
    return !key->failed;
}

static bool tid_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 10)
        return false;
    uint16_t slot = type_be16(*at + 8);
    value->words[0] = type_be64(*at);
    value->words[1] = 0;
    memcpy(value->fixed + 8, &slot, sizeof slot);
    *at += 10;
    return true;
}

const rdb_type_ops type_tid_ops = {.input = tid_input, .output = tid_output, .receive = tid_receive, .send = tid_send,
                                   .compare = tid_compare, .hash = uuid_hash, .encode_key = tid_encode, .decode_key = tid_decode};

#define TID_COMPARISON(name, operation)                                       \
    TYPE_ROW_FUNCTION(tid_##name, 2)                                          \
    {                                                                         \
        r->b = tid_compare(NULL, 0, a[0], a[1]) operation 0;                  \
        return true;                                                          \
    }
TID_COMPARISON(eq, ==)
TID_COMPARISON(ne, !=)
TID_COMPARISON(lt, <)
TID_COMPARISON(le, <=)
TID_COMPARISON(gt, >)
TID_COMPARISON(ge, >=)

/* ---- xid8, pg_lsn: unsigned 64 bits ------------------------------------------------------------------------------------------------------ */
static bool xid8_input(TYPE_OPS_PARAMETERS_INPUT)
{
    (void)call;
    (void)type;
    (void)typmod;
    value->words[0] = type_read_xid(text);
    value->words[1] = 0;
    return true;
}

static bool xid8_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addf(text, "%llu", (unsigned long long)value.words[0]);
    return true;
}

static bool word_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 8)
        return type_bad_binary(call);
    value->words[0] = type_be64(text.data);
    value->words[1] = 0;
    return true;
}

static bool word_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_add_be64(text, value.words[0]);
    return true;
}

static int word_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return (left.words[0] > right.words[0]) - (left.words[0] < right.words[0]);
}

static uint64_t word_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.words[0]);
}

static bool word_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_add_be64(key, value.words[0]);
    return !key->failed;
}

static bool word_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (end - *at < 8)
        return false;
    value->words[0] = type_be64(*at);
    value->words[1] = 0;
    *at += 8;
    return true;
}

const rdb_type_ops type_xid8_ops = {.input = xid8_input, .output = xid8_output, .receive = word_receive, .send = word_send,
                                    .compare = word_compare, .hash = word_hash, .encode_key = word_encode, .decode_key = word_decode};

static bool lsn_input(TYPE_OPS_PARAMETERS_INPUT)
{
    uint64_t parts[2] = {0, 0};
    size_t digits[2] = {0, 0};
    int at = 0;
    bool ok = true;
    for (size_t i = 0; i < text.length && ok; i++) {
        int c = type_lower(text.data[i]), digit = type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (c == '/' && at == 0) {
            at = 1;
            continue;
        }
        ok = digit >= 0 && ++digits[at] <= 8;
        parts[at] = parts[at] << 4 | (uint64_t)RDB_MAX(digit, 0);
    }
    if (!ok || digits[0] == 0 || digits[1] == 0)
        return type_bad_input(call, "pg_lsn", text);
    value->words[0] = parts[0] << 32 | parts[1];
    value->words[1] = 0;
    return true;
}

static bool lsn_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addf(text, "%X/%X", (unsigned)(value.words[0] >> 32), (unsigned)value.words[0]);
    return true;
}

const rdb_type_ops type_lsn_ops = {.input = lsn_input, .output = lsn_output, .receive = word_receive, .send = word_send,
                                   .compare = word_compare, .hash = word_hash, .encode_key = word_encode, .decode_key = word_decode};

TYPE_COMPARISONS(word, uint64_t, uint64_t)
TYPE_BINARY(word_larger, uint64_t, uint64_t, uint64_t, x > y ? x : y)
TYPE_BINARY(word_smaller, uint64_t, uint64_t, uint64_t, x < y ? x : y)
TYPE_UNARY(xid8_to_xid, uint64_t, uint32_t, x)

TYPE_ROW_FUNCTION(lsn_difference, 2)
{
    type_numeric number;
    type_numeric_set_int(&number, (type_int128)a[0].words[0] - (type_int128)a[1].words[0], 0);
    return type_numeric_write(call, &number, r);
}

/* lsn + bytes, lsn - bytes, and a number as an lsn. */
static bool lsn_move(rdb_call *call, rdb_datum lsn, rdb_bytes bytes, bool back, rdb_datum *r)
{
    static const char *const VERBS[] = {"add NaN to", "subtract NaN from"};
    type_numeric from, by, sum;
    type_numeric_read(bytes, &by);
    if (by.kind == TYPE_NUMERIC_NAN)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot %s pg_lsn", VERBS[back]);
    if (by.kind != TYPE_NUMERIC_FINITE)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert infinity to pg_lsn");
    type_numeric_set_int(&from, (type_int128)lsn.words[0], 0);
    bool ok = type_numeric_add(call, &from, &by, back, &sum);
    type_numeric_round(&sum, 0, TYPE_ROUND_HALF_AWAY);
    if (ok && (sum.is_big || sum.small < 0 || sum.small > UINT64_MAX))
        ok = rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "pg_lsn out of range");
    r->words[0] = ok ? (uint64_t)sum.small : 0;
    type_numeric_clear(&by);
    type_numeric_clear(&sum);
    return ok;
}
TYPE_ROW_FUNCTION(lsn_plus, 2) { return lsn_move(call, a[0], a[1].bytes, false, r); }
TYPE_ROW_FUNCTION(plus_lsn, 2) { return lsn_move(call, a[1], a[0].bytes, false, r); }
TYPE_ROW_FUNCTION(lsn_minus, 2) { return lsn_move(call, a[0], a[1].bytes, true, r); }
TYPE_ROW_FUNCTION(lsn_of_numeric, 1)
{
    type_numeric number;
    type_numeric_read(a[0].bytes, &number);
    if (number.kind == TYPE_NUMERIC_NAN || number.kind != TYPE_NUMERIC_FINITE)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert %s to pg_lsn", number.kind == TYPE_NUMERIC_NAN ? "NaN" : "infinity");
    type_numeric_clear(&number);
    return lsn_move(call, (rdb_datum){.words = {0, 0}}, a[0].bytes, false, r);
}

TYPE_ROW_FUNCTION(tid_cmp, 2)
{
    r->i32 = tid_compare(NULL, 0, a[0], a[1]);
    return true;
}
TYPE_ROW_FUNCTION(tid_larger, 2)
{
    *r = tid_compare(NULL, 0, a[0], a[1]) >= 0 ? a[0] : a[1];
    return true;
}
TYPE_ROW_FUNCTION(tid_smaller, 2)
{
    *r = tid_compare(NULL, 0, a[0], a[1]) <= 0 ? a[0] : a[1];
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"bttidcmp", tid_cmp, 0, 0}, {"tidlarger", tid_larger, 0, 0}, {"tidsmaller", tid_smaller, 0, 0},
    {"pg_lsn_pli", lsn_plus, F, 0}, {"pg_lsn_mii", lsn_minus, F, 0}, {NULL, plus_lsn, F, 5023}, {"numeric_pg_lsn", lsn_of_numeric, F, 0},
    {"pg_wal_lsn_diff", lsn_difference, F, 0},
    TYPE_SIX_("uuid", uuid), {"uuid_cmp", uuid_cmp, 0, 0}, {"gen_random_uuid", uuid_random, 0, 0},
    TYPE_SIX("tid", tid),
    {"xid8eq", word_eq, 0, 0}, {"xid8ne", word_ne, 0, 0}, {"xid8lt", word_lt, 0, 0}, {"xid8le", word_le, 0, 0}, {"xid8gt", word_gt, 0, 0},
    {"xid8ge", word_ge, 0, 0}, {"xid8cmp", word_cmp, 0, 0}, {"xid8_larger", word_larger, 0, 0}, {"xid8_smaller", word_smaller, 0, 0}, {"xid8toxid", xid8_to_xid, 0, 0},
    TYPE_SIX_("pg_lsn", word), {"pg_lsn_cmp", word_cmp, 0, 0}, {"pg_lsn_larger", word_larger, 0, 0}, {"pg_lsn_smaller", word_smaller, 0, 0},
    {"pg_lsn_mi", lsn_difference, 0, 0},
};
TYPE_KERNEL_TABLE(type_uuid_table, KERNELS);
