/* SPDX-License-Identifier: Apache-2.0
 * bit and bit varying. A stored bit string is
 *
 *    0  4  count   bits
 *    4  .  bytes   the bits from the highest of each byte on; those after the last are zero */
#include "type/generic.h"
#include "type/tables.h"

#define BITS_MAX (INT32_MAX - 7)

typedef struct bits {
    uint32_t count;
    const uint8_t *bytes;
} bits;

static bits read_bits(rdb_datum value)
{
    return value.bytes.length < 4 ? (bits){0} : (bits){rdb_get_u32(value.bytes.data), value.bytes.data + 4};
}

static size_t byte_count(uint32_t count)
{
    return ((size_t)count + 7) / 8;
}

/* A string of zeroes; *bytes is where its bits go. */
static bool make_bits(rdb_call *call, uint64_t count, rdb_datum *r, uint8_t **bytes)
{
    if (count > BITS_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "bit string length exceeds the maximum allowed (%d)", BITS_MAX);
    size_t length = 4 + byte_count((uint32_t)count);
    uint8_t *data = type_alloc(call, length);
    if (data == NULL)
        return false;
    rdb_put_u32(data, (uint32_t)count);
    memset(data + 4, 0, length - 4);
    *bytes = data + 4;
    r->bytes = (rdb_bytes){.data = data, .length = (uint32_t)length};
    return true;
}

static bool get_bit(const uint8_t *bytes, uint64_t at)
{
    return bytes[at / 8] >> (7 - at % 8) & 1;
}

static void clear_tail(uint8_t *bytes, uint32_t count)
{
    if (count % 8 != 0)
        bytes[count / 8] &= (uint8_t)(0xff00 >> count % 8);
}

/* Copies bits [from, from + count) of source to target's at `to`; target's are zero. */
static void copy_bits(uint8_t *target, uint64_t to, const uint8_t *source, uint64_t from, uint64_t count)
{
    if (to % 8 == 0 && from % 8 == 0) {
        memcpy(target + to / 8, source + from / 8, (size_t)(count / 8));
        uint64_t whole = count / 8 * 8;
        to += whole;
        from += whole;
        count -= whole;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (get_bit(source, from + i))
            target[(to + i) / 8] |= (uint8_t)(0x80 >> (to + i) % 8);
    }
}

/* ---- forms ---------------------------------------------------------------------------------------------------------------------- */
static bool is_fixed(const rdb_type *type)
{
    return type_base(type)->oid == RDB_BITOID;
}

static bool check_length(rdb_call *call, bool fixed, uint64_t count, int32_t typmod)
{
    if (typmod <= 0 || (fixed ? count == (uint64_t)typmod : count <= (uint64_t)typmod))
        return true;
    if (fixed)
        return rdb_error_set(call->err, RDB_STRING_DATA_LENGTH_MISMATCH, "bit string length %llu does not match type bit(%d)",
                             (unsigned long long)count, typmod);
    return rdb_error_set(call->err, RDB_STRING_DATA_RIGHT_TRUNCATION, "bit string too long for type bit varying(%d)", typmod);
}

static bool bad_digit(rdb_call *call, const uint8_t *at, const uint8_t *end, const char *kind)
{
    return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "\"%.*s\" is not a valid %s digit",
                         (int)RDB_MIN((size_t)rdb_utf8_length(*at), (size_t)(end - at)), (const char *)at, kind);
}

static bool bit_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = at + text.length;
    bool hex = at < end && type_lower(*at) == 'x';
    at += at < end && (hex || type_lower(*at) == 'b');
    uint64_t count = (uint64_t)(end - at) * (hex ? 4 : 1);
    uint8_t *bytes = NULL;
    if (!check_length(call, is_fixed(type), count, typmod) || !make_bits(call, count, value, &bytes))
        return false;
    for (uint64_t i = 0; at < end; at++, i += hex ? 4 : 1) {
        int c = type_lower(*at), digit = type_is_digit(c) ? c - '0' : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0 || (!hex && digit > 1))
            return bad_digit(call, at, end, hex ? "hexadecimal" : "binary");
        bytes[i / 8] |= (uint8_t)(hex ? digit << (4 - i % 8) : digit << (7 - i % 8));
    }
    return true;
}

static bool bit_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    bits b = read_bits(value);
    if (!rdb_strbuf_reserve(text, b.count))
        return rdb_strbuf_check(text, call->err);
    for (uint32_t i = 0; i < b.count; i++)
        rdb_strbuf_addc(text, get_bit(b.bytes, i) ? '1' : '0');
    return true;
}

static bool bit_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    uint8_t *bytes = NULL;
    if (text.length < 4)
        return type_bad_binary(call);
    uint32_t count = type_be32(text.data);
    if (count > BITS_MAX || text.length != 4 + byte_count(count))
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid length in external bit string");
    if (!check_length(call, is_fixed(type), count, typmod) || !make_bits(call, count, value, &bytes))
        return false;
    memcpy(bytes, text.data + 4, byte_count(count));
    clear_tail(bytes, count);
    return true;
}

static bool bit_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    bits b = read_bits(value);
    type_add_be32(text, b.count);
    rdb_strbuf_add(text, b.bytes, byte_count(b.count));
    return true;
}

static int bit_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    bits x = read_bits(left), y = read_bits(right);
    int order = memcmp(x.bytes, y.bytes, RDB_MIN(byte_count(x.count), byte_count(y.count)));
    return order != 0 ? order : (x.count > y.count) - (x.count < y.count);
}

static uint64_t bit_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return rdb_hash64(value.bytes.data, value.bytes.length, 0);
}

static bool bit_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    bits b = read_bits(value);
    type_key_add_bytes(key, b.bytes, byte_count(b.count));
    type_add_be32(key, b.count);
    return !key->failed;
}

static bool bit_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    rdb_datum bytes;
    if (!type_key_get_bytes(arena, at, end, &bytes) || end - *at < 4)
        return false;
    uint8_t *data = rdb_arena_alloc(arena, 4 + (size_t)bytes.bytes.length);
    rdb_put_u32(data, type_be32(*at));
    *at += 4;
    if (bytes.bytes.length > 0)
        memcpy(data + 4, bytes.bytes.data, bytes.bytes.length);
    value->bytes = (rdb_bytes){.data = data, .length = 4 + bytes.bytes.length};
    return byte_count(rdb_get_u32(data)) == bytes.bytes.length;
}

const rdb_type_ops type_bit_ops = {.input = bit_input, .output = bit_output, .receive = bit_receive, .send = bit_send,
                                   .compare = bit_compare, .hash = bit_hash, .encode_key = bit_encode, .decode_key = bit_decode};

/* ---- lengths and casts -------------------------------------------------------------------------------------------------------------- */
static bool fit(rdb_call *call, const rdb_datum *a, bool fixed, rdb_datum *r)
{
    bits b = read_bits(a[0]);
    int32_t length = a[1].i32;
    uint8_t *bytes = NULL;
    *r = a[0];
    if (length <= 0 || (fixed ? b.count == (uint32_t)length : b.count <= (uint32_t)length))
        return true;
    if (!a[2].b)
        return check_length(call, fixed, b.count, length);
    if (!make_bits(call, (uint64_t)length, r, &bytes))
        return false;
    copy_bits(bytes, 0, b.bytes, 0, RDB_MIN(b.count, (uint32_t)length));
    return true;
}
TYPE_ROW_FUNCTION(bit_fit, 3) { return fit(call, a, true, r); }
TYPE_ROW_FUNCTION(varbit_fit, 3) { return fit(call, a, false, r); }

static bool from_int(rdb_call *call, int64_t number, int32_t typmod, rdb_datum *r)
{
    uint32_t count = typmod < 1 ? 1 : (uint32_t)typmod;
    uint8_t *bytes = NULL;
    if (!make_bits(call, count, r, &bytes))
        return false;
    for (uint32_t i = 0; i < count; i++) { /* i counts from the lowest bit */
        if (number >> RDB_MIN(i, 63u) & 1)
            bytes[(count - 1 - i) / 8] |= (uint8_t)(0x80 >> (count - 1 - i) % 8);
    }
    return true;
}
TYPE_ROW_FUNCTION(bit_from_int4, 2) { return from_int(call, a[0].i32, a[1].i32, r); }
TYPE_ROW_FUNCTION(bit_from_int8, 2) { return from_int(call, a[0].i64, a[1].i32, r); }

static bool to_int(rdb_call *call, rdb_datum value, uint32_t width, const char *name, uint64_t *number)
{
    bits b = read_bits(value);
    if (b.count > width)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
    *number = 0;
    for (uint32_t i = 0; i < b.count; i++)
        *number = *number << 1 | get_bit(b.bytes, i);
    return true;
}
TYPE_ROW_FUNCTION(bit_to_int4, 1)
{
    uint64_t number = 0;
    bool ok = to_int(call, a[0], 32, "integer", &number);
    r->i32 = ok ? (int32_t)(uint32_t)number : 0;
    return ok;
}
TYPE_ROW_FUNCTION(bit_to_int8, 1)
{
    uint64_t number = 0;
    bool ok = to_int(call, a[0], 64, "bigint", &number);
    r->i64 = ok ? (int64_t)number : 0;
    return ok;
}

TYPE_ROW_FUNCTION(bit_length, 1)
{
    r->i32 = (int32_t)read_bits(a[0]).count;
    return true;
}
TYPE_ROW_FUNCTION(bit_octets, 1)
{
    r->i32 = (int32_t)byte_count(read_bits(a[0]).count);
    return true;
}

static int64_t count_ones(const uint8_t *bytes, size_t length)
{
    int64_t ones = 0;
    for (size_t i = 0; i < length; i++)
        ones += __builtin_popcount(bytes[i]);
    return ones;
}
TYPE_ROW_FUNCTION(bit_ones, 1)
{
    bits b = read_bits(a[0]);
    r->i64 = count_ones(b.bytes, byte_count(b.count));
    return true;
}
TYPE_ROW_FUNCTION(bytea_ones, 1)
{
    r->i64 = count_ones(a[0].bytes.data, a[0].bytes.length);
    return true;
}

/* ---- logic ------------------------------------------------------------------------------------------------------------------------ */
typedef enum logic { LOGIC_AND, LOGIC_OR, LOGIC_XOR } logic;

static bool combine_into(uint8_t *target, const uint8_t *source, size_t length, logic how)
{
    for (size_t i = 0; i < length; i++)
        target[i] = how == LOGIC_AND ? target[i] & source[i] : how == LOGIC_OR ? target[i] | source[i] : target[i] ^ source[i];
    return true;
}

static bool combine(rdb_call *call, const rdb_datum *a, logic how, rdb_datum *r)
{
    static const char *const NAMES[] = {"AND", "OR", "XOR"};
    bits x = read_bits(a[0]), y = read_bits(a[1]);
    uint8_t *bytes = NULL;
    if (x.count != y.count)
        return rdb_error_set(call->err, RDB_STRING_DATA_LENGTH_MISMATCH, "cannot %s bit strings of different sizes", NAMES[how]);
    if (!make_bits(call, x.count, r, &bytes))
        return false;
    memcpy(bytes, x.bytes, byte_count(x.count));
    return combine_into(bytes, y.bytes, byte_count(x.count), how);
}
TYPE_ROW_FUNCTION(bits_and, 2) { return combine(call, a, LOGIC_AND, r); }
TYPE_ROW_FUNCTION(bits_or, 2) { return combine(call, a, LOGIC_OR, r); }
TYPE_ROW_FUNCTION(bits_xor, 2) { return combine(call, a, LOGIC_XOR, r); }

TYPE_ROW_FUNCTION(bits_not, 1)
{
    bits b = read_bits(a[0]);
    uint8_t *bytes = NULL;
    if (!make_bits(call, b.count, r, &bytes))
        return false;
    for (size_t i = 0; i < byte_count(b.count); i++)
        bytes[i] = (uint8_t)~b.bytes[i];
    clear_tail(bytes, b.count);
    return true;
}

/* To the left by `by` bits, to the right where it is negative; the length stays. */
static bool shift(rdb_call *call, rdb_datum value, int64_t by, rdb_datum *r)
{
    bits b = read_bits(value);
    uint8_t *bytes = NULL;
    if (!make_bits(call, b.count, r, &bytes))
        return false;
    uint64_t distance = (uint64_t)(by < 0 ? -by : by);
    if (distance < b.count)
        copy_bits(bytes, by < 0 ? distance : 0, b.bytes, by < 0 ? 0 : distance, b.count - distance);
    return true;
}
TYPE_ROW_FUNCTION(shift_left, 2) { return shift(call, a[0], a[1].i32, r); }
TYPE_ROW_FUNCTION(shift_right, 2) { return shift(call, a[0], -(int64_t)a[1].i32, r); }

/* ---- parts ------------------------------------------------------------------------------------------------------------------------- */
static bool join(rdb_call *call, const bits *parts, int count, rdb_datum *r)
{
    uint64_t total = 0;
    uint8_t *bytes = NULL;
    for (int i = 0; i < count; i++)
        total += parts[i].count;
    if (!make_bits(call, total, r, &bytes))
        return false;
    total = 0;
    for (int i = 0; i < count; i++) {
        copy_bits(bytes, total, parts[i].bytes, 0, parts[i].count);
        total += parts[i].count;
    }
    return true;
}

TYPE_ROW_FUNCTION(bits_concat, 2)
{
    bits parts[2] = {read_bits(a[0]), read_bits(a[1])};
    return join(call, parts, 2, r);
}

/* From bit `start` (1 is the first), `length` of them, where has_length. */
static bool part(rdb_call *call, rdb_datum value, int64_t start, int64_t length, bool has_length, rdb_datum *r)
{
    bits b = read_bits(value);
    uint8_t *bytes = NULL;
    if (has_length && length < 0)
        return rdb_error_set(call->err, RDB_SUBSTRING_ERROR, "negative substring length not allowed");
    int64_t from = RDB_MAX(start, 1), end = has_length ? RDB_MIN(start + length, (int64_t)b.count + 1) : (int64_t)b.count + 1;
    uint64_t count = end > from ? (uint64_t)(end - from) : 0;
    if (!make_bits(call, count, r, &bytes))
        return false;
    if (count > 0)
        copy_bits(bytes, 0, b.bytes, (uint64_t)from - 1, count);
    return true;
}
TYPE_ROW_FUNCTION(bits_substring, 3) { return part(call, a[0], a[1].i32, a[2].i32, true, r); }
TYPE_ROW_FUNCTION(bits_substring_to_end, 2) { return part(call, a[0], a[1].i32, 0, false, r); }

static bool overlay(rdb_call *call, const rdb_datum *a, int64_t length, rdb_datum *r)
{
    rdb_datum head, tail;
    int64_t start = a[2].i32;
    if (start <= 0)
        return rdb_error_set(call->err, RDB_SUBSTRING_ERROR, "negative substring length not allowed");
    if (start + length > INT32_MAX)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    if (!part(call, a[0], 1, start - 1, true, &head) || !part(call, a[0], start + length, 0, false, &tail))
        return false;
    bits parts[3] = {read_bits(head), read_bits(a[1]), read_bits(tail)};
    return join(call, parts, 3, r);
}
TYPE_ROW_FUNCTION(bits_overlay, 4) { return overlay(call, a, a[3].i32, r); }
TYPE_ROW_FUNCTION(bits_overlay_all, 3) { return overlay(call, a, read_bits(a[1]).count, r); }

TYPE_ROW_FUNCTION(bits_position, 2)
{
    bits whole = read_bits(a[0]), sub = read_bits(a[1]);
    if (whole.count == 0 || sub.count > whole.count)
        return true;
    for (uint32_t start = 0; start + sub.count <= whole.count; start++) {
        uint32_t i = 0;
        while (i < sub.count && get_bit(whole.bytes, (uint64_t)start + i) == get_bit(sub.bytes, i))
            i++;
        if (i == sub.count) {
            r->i32 = (int32_t)start + 1;
            return true;
        }
    }
    return true;
}

static bool index_ok(rdb_call *call, bits b, int32_t at)
{
    return (at >= 0 && (uint32_t)at < b.count) ||
           rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "bit index %d out of valid range (0..%d)", at, (int)b.count - 1);
}

TYPE_ROW_FUNCTION(bits_get, 2)
{
    bits b = read_bits(a[0]);
    if (!index_ok(call, b, a[1].i32))
        return false;
    r->i32 = get_bit(b.bytes, (uint64_t)a[1].i32);
    return true;
}

TYPE_ROW_FUNCTION(bits_set, 3)
{
    bits b = read_bits(a[0]);
    uint8_t *bytes = NULL;
    if (!index_ok(call, b, a[1].i32))
        return false;
    if (a[2].i32 != 0 && a[2].i32 != 1)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
    if (!make_bits(call, b.count, r, &bytes))
        return false;
    memcpy(bytes, b.bytes, byte_count(b.count));
    uint8_t mask = (uint8_t)(0x80 >> a[1].i32 % 8);
    bytes[a[1].i32 / 8] = a[2].i32 ? bytes[a[1].i32 / 8] | mask : bytes[a[1].i32 / 8] & (uint8_t)~mask;
    return true;
}

/* ---- aggregates ------------------------------------------------------------------------------------------------------------------------ */
typedef struct total {
    uint8_t *data; /* as stored */
    uint32_t length;
    bool any;
} total;

static bool add_bits(rdb_call *call, total *t, rdb_bytes stored, logic how)
{
    static const char *const NAMES[] = {"AND", "OR", "XOR"};
    if (!t->any) {
        t->data = type_alloc(call, stored.length);
        if (t->data == NULL)
            return false;
        memcpy(t->data, stored.data, stored.length);
        t->length = stored.length;
        t->any = true;
        return true;
    }
    if (rdb_get_u32(t->data) != rdb_get_u32(stored.data))
        return rdb_error_set(call->err, RDB_STRING_DATA_LENGTH_MISMATCH, "cannot %s bit strings of different sizes", NAMES[how]);
    return combine_into(t->data + 4, stored.data + 4, t->length - 4, how);
}

#define AGGREGATE(name, how)                                                                                                    \
    static bool name##_update(rdb_call *call, void *const *states, const rdb_vector *const *arguments,                          \
                              const rdb_selection *selection)                                                                   \
    {                                                                                                                           \
        RDB_FOR_SELECTED (selection, row) {                                                                                     \
            if (!add_bits(call, states[row_at], RDB_AT(arguments[0], rdb_bytes, row), how)) {                                   \
                call->bad_row = row;                                                                                            \
                return false;                                                                                                   \
            }                                                                                                                   \
        }                                                                                                                       \
        return true;                                                                                                            \
    }                                                                                                                           \
    static bool name##_combine(rdb_call *call, void *into, const void *from)                                                    \
    {                                                                                                                           \
        const total *other = from;                                                                                              \
        return !other->any || add_bits(call, into, (rdb_bytes){.data = other->data, .length = other->length}, how);             \
    }
AGGREGATE(and, LOGIC_AND)
AGGREGATE(or, LOGIC_OR)
AGGREGATE(xor, LOGIC_XOR)

static bool total_finish(TYPE_UNUSED rdb_call *call, void *state, rdb_datum *value, bool *is_null)
{
    const total *t = state;
    *is_null = !t->any;
    value->bytes = (rdb_bytes){.data = t->data, .length = t->length};
    return true;
}

static const rdb_aggregate_entry AGGREGATES[] = {
    {2242, sizeof(total), and_update, NULL, and_combine, total_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {2243, sizeof(total), or_update, NULL, or_combine, total_finish, RDB_AGGREGATE_SKIPS_NULLS},
    {6167, sizeof(total), xor_update, NULL, xor_combine, total_finish, RDB_AGGREGATE_SKIPS_NULLS},
};
TYPE_AGGREGATE_TABLE(type_bit_aggregate_table, AGGREGATES);

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_GENERIC_SIX("bit"), TYPE_GENERIC("bitcmp", cmp),
    {"bit", bit_fit, F, 0}, {"varbit", varbit_fit, F, 0}, {"bitfromint4", bit_from_int4, F, 0}, {"bitfromint8", bit_from_int8, F, 0},
    {"bittoint4", bit_to_int4, F, 0}, {"bittoint8", bit_to_int8, F, 0}, {"bitlength", bit_length, 0, 0}, {"bitoctetlength", bit_octets, 0, 0},
    {"bit_bit_count", bit_ones, 0, 0}, {"bytea_bit_count", bytea_ones, 0, 0},
    {"bit_and", bits_and, F, 0}, {"bit_or", bits_or, F, 0}, {"bitxor", bits_xor, F, 0}, {"bitnot", bits_not, F, 0},
    {"bitshiftleft", shift_left, F, 0}, {"bitshiftright", shift_right, F, 0}, {"bitcat", bits_concat, F, 0},
    {"bitsubstr", bits_substring, F, 0}, {"bitsubstr_no_len", bits_substring_to_end, F, 0}, {"bitoverlay", bits_overlay, F, 0},
    {"bitoverlay_no_len", bits_overlay_all, F, 0}, {"bitposition", bits_position, 0, 0}, {"bitgetbit", bits_get, F, 0}, {"bitsetbit", bits_set, F, 0},
};
TYPE_KERNEL_TABLE(type_bit_table, KERNELS);
