/* SPDX-License-Identifier: Apache-2.0
 * The character types: text, varchar, bpchar, name, cstring, unknown. All are BYTES holding valid UTF-8 without a zero
 * byte (the session's conversion point sees to that). A varchar and a bpchar differ from text only at input and cast,
 * where the length applies, and a bpchar in comparison, where blanks at the end do not count. Order is by bytes, which
 * is the order of code points, but for collations that say otherwise: each comparison asks once a batch. */
#include "type/collation.h"
#include "type/type_int.h"
#include "type/text_int.h"
#include "type/tables.h"

/* ---- lengths ------------------------------------------------------------------------------------------------------- */
/* The bytes of the first `characters` characters, or all. */
size_t type_utf8_prefix(const uint8_t *bytes, size_t length, size_t characters)
{
    size_t at = 0;
    while (characters > 0 && at < length) {
        at += rdb_utf8_length(bytes[at]);
        characters--;
    }
    return RDB_MIN(at, length);
}

size_t type_name_clip(const uint8_t *bytes, size_t length)
{
    if (length <= 63)
        return length;
    size_t at = 0;
    for (;;) {
        size_t next = at + rdb_utf8_length(bytes[at]);
        if (next > 63)
            return at;
        at = next;
    }
}

static rdb_bytes without_trailing_blanks(rdb_bytes text)
{
    while (text.length >= 8 && rdb_get_u64(text.data + text.length - 8) == UINT64_C(0x2020202020202020))
        text.length -= 8;
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.length--;
    return text;
}

/* Cuts to typmod's length. Only blanks may fall away, unless the cast is explicit, which cuts whatever stands there. */
static bool fit_varchar(rdb_call *call, rdb_bytes source, int32_t typmod, bool is_explicit, rdb_datum *value)
{
    value->bytes = source;
    if (typmod < 4)
        return true;
    size_t limit = (size_t)typmod - 4;
    size_t prefix = source.length <= limit ? source.length : type_utf8_prefix(source.data, source.length, limit);
    if (!is_explicit) {
        for (size_t i = prefix; i < source.length; i++) {
            if (source.data[i] != ' ')
                return rdb_error_set(call->err, RDB_STRING_DATA_RIGHT_TRUNCATION,
                                     "value too long for type character varying(%d)", typmod - 4);
        }
    }
    value->bytes.length = (uint32_t)prefix;
    return true;
}

static bool fit_bpchar(rdb_call *call, rdb_bytes source, int32_t typmod, bool is_explicit, rdb_datum *value)
{
    value->bytes = source;
    if (typmod < 4)
        return true;
    size_t limit = (size_t)typmod - 4, characters = rdb_utf8_count(source.data, source.length);
    if (characters > limit) {
        size_t prefix = type_utf8_prefix(source.data, source.length, limit);
        if (!is_explicit) {
            for (size_t i = prefix; i < source.length; i++) {
                if (source.data[i] != ' ')
                    return rdb_error_set(call->err, RDB_STRING_DATA_RIGHT_TRUNCATION,
                                         "value too long for type character(%d)", typmod - 4);
            }
        }
        value->bytes.length = (uint32_t)prefix;
        return true;
    }
    if (characters == limit)
        return true;
    size_t padded = source.length + (limit - characters);
    uint8_t *data = type_alloc(call, padded);
    if (data == NULL)
        return false;
    if (source.length > 0)
        memcpy(data, source.data, source.length);
    memset(data + source.length, ' ', limit - characters);
    value->bytes = (rdb_bytes){.data = data, .length = (uint32_t)padded};
    return true;
}

/* ---- operations ----------------------------------------------------------------------------------------------------- */
static bool text_input(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_make_bytes(call, text.data, text.length, value);
}

static bool checked_text_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_check_utf8(call, text) && type_make_bytes(call, text.data, text.length, value);
}

static bool text_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_add(text, value.bytes.data, value.bytes.length);
    return true;
}

static int text_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    const type_collation *own = type_collation_of(collation);
    return own == NULL ? type_compare_bytes(left.bytes, right.bytes) : type_collation_compare(own, left.bytes, right.bytes);
}

static uint64_t text_hash(TYPE_OPS_PARAMETERS_HASH)
{
    const type_collation *own = type_collation_of(collation);
    if (own != NULL)
        return type_collation_hash(own, value.bytes);
    return rdb_hash64(value.bytes.data, value.bytes.length, 0);
}

static bool text_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    const type_collation *own = type_collation_of(collation);
    if (own != NULL)
        return type_collation_add_key(own, value.bytes, key);
    type_key_add_bytes(key, value.bytes.data, value.bytes.length);
    return !key->failed;
}

/* Of keys that order by bytes. */
static bool text_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    return type_key_get_bytes(arena, at, end, value);
}

const rdb_type_ops type_text_ops = {.input = text_input, .output = text_output, .receive = checked_text_receive,
                                    .send = text_output, .compare = text_compare, .hash = text_hash,
                                    .encode_key = text_encode, .decode_key = text_decode};

static bool varchar_input(TYPE_OPS_PARAMETERS_INPUT)
{
    return text_input(call, type, text, typmod, value) && fit_varchar(call, value->bytes, typmod, false, value);
}

static bool varchar_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return checked_text_receive(call, type, text, typmod, value) &&
           fit_varchar(call, value->bytes, typmod, false, value);
}

const rdb_type_ops type_varchar_ops = {.input = varchar_input, .output = text_output, .receive = varchar_receive,
                                       .send = text_output, .compare = text_compare, .hash = text_hash,
                                       .encode_key = text_encode, .decode_key = text_decode};

static bool bpchar_input(TYPE_OPS_PARAMETERS_INPUT)
{
    return text_input(call, type, text, typmod, value) && fit_bpchar(call, value->bytes, typmod, false, value);
}

static bool bpchar_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return checked_text_receive(call, type, text, typmod, value) && fit_bpchar(call, value->bytes, typmod, false, value);
}

static int compare_bpchar(rdb_bytes left, rdb_bytes right)
{
    /* Often the same width, and often the same bytes: then the blanks need no counting. */
    if (left.length == right.length && (left.length == 0 || memcmp(left.data, right.data, left.length) == 0))
        return 0;
    return type_compare_bytes(without_trailing_blanks(left), without_trailing_blanks(right));
}

static int bpchar_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    const type_collation *own = type_collation_of(collation);
    if (own != NULL)
        return type_collation_compare(own, without_trailing_blanks(left.bytes), without_trailing_blanks(right.bytes));
    return compare_bpchar(left.bytes, right.bytes);
}

static uint64_t bpchar_hash(TYPE_OPS_PARAMETERS_HASH)
{
    const type_collation *own = type_collation_of(collation);
    rdb_bytes text = without_trailing_blanks(value.bytes);
    if (own != NULL)
        return type_collation_hash(own, text);
    return rdb_hash64(text.data, text.length, 0);
}

static bool bpchar_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    const type_collation *own = type_collation_of(collation);
    rdb_bytes text = without_trailing_blanks(value.bytes);
    if (own != NULL)
        return type_collation_add_key(own, text, key);
    type_key_add_bytes(key, text.data, text.length);
    return !key->failed;
}

/* Not reversible: the key has lost the blanks. */
const rdb_type_ops type_bpchar_ops = {.input = bpchar_input, .output = text_output, .receive = bpchar_receive,
                                      .send = text_output, .compare = bpchar_compare, .hash = bpchar_hash,
                                      .encode_key = bpchar_encode, .decode_key = NULL};

static bool name_input(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_make_bytes(call, text.data, type_name_clip(text.data, text.length), value);
}

static bool name_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (!checked_text_receive(call, type, text, typmod, value))
        return false;
    if (value->bytes.length >= 64)
        return rdb_error_set(call->err, RDB_NAME_TOO_LONG, "identifier too long") ||
               rdb_error_detail(call->err, "Identifier must be less than 64 characters.");
    return true;
}

const rdb_type_ops type_name_ops = {.input = name_input, .output = text_output, .receive = name_receive,
                                    .send = text_output, .compare = text_compare, .hash = text_hash,
                                    .encode_key = text_encode, .decode_key = text_decode};

/* ---- comparisons ------------------------------------------------------------------------------------------------------ */
/* By bytes: what names, patterns and all collations like C do. */
TYPE_BINARY(bytes_eq, rdb_bytes, rdb_bytes, uint8_t, type_equal_bytes(x, y))
TYPE_BINARY(bytes_ne, rdb_bytes, rdb_bytes, uint8_t, !type_equal_bytes(x, y))
TYPE_BINARY(bytes_lt, rdb_bytes, rdb_bytes, uint8_t, type_compare_bytes(x, y) < 0)
TYPE_BINARY(bytes_le, rdb_bytes, rdb_bytes, uint8_t, type_compare_bytes(x, y) <= 0)
TYPE_BINARY(bytes_gt, rdb_bytes, rdb_bytes, uint8_t, type_compare_bytes(x, y) > 0)
TYPE_BINARY(bytes_ge, rdb_bytes, rdb_bytes, uint8_t, type_compare_bytes(x, y) >= 0)
TYPE_BINARY(bytes_cmp, rdb_bytes, rdb_bytes, int32_t, type_compare_bytes(x, y))
TYPE_ORDERED_COMPARISONS(blanks, rdb_bytes, rdb_bytes, compare_bpchar)

/* By a collation of its own. */
#define TRIMMED_COMPARE(x, y) type_collation_compare(own, without_trailing_blanks(x), without_trailing_blanks(y))
#define OWN_COMPARISON(name, OUT, order, result)                                                                        \
    static bool name(const type_collation *own, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection) \
    {                                                                                                                  \
        RDB_FOR_SELECTED (selection, row) {                                                                            \
            int z = order(RDB_AT(arguments[0], rdb_bytes, row), RDB_AT(arguments[1], rdb_bytes, row));                 \
            RDB_VALUES(out, OUT)[row] = (OUT)(result);                                                                 \
        }                                                                                                              \
        return true;                                                                                                   \
    }
#define OWN_COMPARISONS(prefix, order)                   \
    OWN_COMPARISON(prefix##_eq, uint8_t, order, z == 0)  \
    OWN_COMPARISON(prefix##_ne, uint8_t, order, z != 0)  \
    OWN_COMPARISON(prefix##_lt, uint8_t, order, z < 0)   \
    OWN_COMPARISON(prefix##_le, uint8_t, order, z <= 0)  \
    OWN_COMPARISON(prefix##_gt, uint8_t, order, z > 0)   \
    OWN_COMPARISON(prefix##_ge, uint8_t, order, z >= 0)  \
    OWN_COMPARISON(prefix##_cmp, int32_t, order, z)
#define PLAIN_COMPARE(x, y) type_collation_compare(own, x, y)
OWN_COMPARISONS(own, PLAIN_COMPARE)
OWN_COMPARISONS(trimmed, TRIMMED_COMPARE)

static const char COMPARISON[] = "string comparison";

static bool need_collation(rdb_call *call, const rdb_selection *selection)
{
    if (call->collation != 0 || selection->count == 0)
        return true;
    call->bad_row = selection->rows != NULL ? selection->rows[0] : 0;
    return type_collation_need(call, COMPARISON);
}

/* The loop over bytes, unless the collation has an order of its own. */
#define CHOOSE(name, by_bytes, by_own)                                                       \
    static bool name(TYPE_KERNEL_PARAMETERS)                                                 \
    {                                                                                        \
        if (!need_collation(call, selection))                                                \
            return false;                                                                    \
        const type_collation *own = type_collation_of(call->collation);                      \
        return own == NULL ? by_bytes(call, arguments, out, selection) : by_own(own, arguments, out, selection); \
    }
#define CHOOSE_SEVEN(name, by_bytes, by_own)    \
    CHOOSE(name##_eq, by_bytes##_eq, by_own##_eq) \
    CHOOSE(name##_ne, by_bytes##_ne, by_own##_ne) \
    CHOOSE(name##_lt, by_bytes##_lt, by_own##_lt) \
    CHOOSE(name##_le, by_bytes##_le, by_own##_le) \
    CHOOSE(name##_gt, by_bytes##_gt, by_own##_gt) \
    CHOOSE(name##_ge, by_bytes##_ge, by_own##_ge) \
    CHOOSE(name##_cmp, by_bytes##_cmp, by_own##_cmp)
CHOOSE_SEVEN(text, bytes, own)
CHOOSE_SEVEN(bpchar, blanks, trimmed)

static int compare_in(const rdb_call *call, rdb_bytes left, rdb_bytes right)
{
    const type_collation *own = type_collation_of(call->collation);
    return own == NULL ? type_compare_bytes(left, right) : type_collation_compare(own, left, right);
}

/* Two values of the same struct type on both arms. */
TYPE_ROW_FUNCTION(text_larger, 2)
{
    if (!type_collation_need(call, COMPARISON))
        return false;
    *r = compare_in(call, a[0].bytes, a[1].bytes) > 0 ? a[0] : a[1];
    return true;
}

TYPE_ROW_FUNCTION(text_smaller, 2)
{
    if (!type_collation_need(call, COMPARISON))
        return false;
    *r = compare_in(call, a[0].bytes, a[1].bytes) < 0 ? a[0] : a[1];
    return true;
}

TYPE_ROW_FUNCTION(bpchar_larger, 2)
{
    if (!type_collation_need(call, COMPARISON))
        return false;
    *r = compare_in(call, without_trailing_blanks(a[0].bytes), without_trailing_blanks(a[1].bytes)) >= 0 ? a[0] : a[1];
    return true;
}

TYPE_ROW_FUNCTION(bpchar_smaller, 2)
{
    if (!type_collation_need(call, COMPARISON))
        return false;
    *r = compare_in(call, without_trailing_blanks(a[0].bytes), without_trailing_blanks(a[1].bytes)) <= 0 ? a[0] : a[1];
    return true;
}

/* ---- casts -------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(varchar_length, 3)
{
    return fit_varchar(call, a[0].bytes, a[1].i32, a[2].b, r);
}

TYPE_ROW_FUNCTION(bpchar_length, 3)
{
    return fit_bpchar(call, a[0].bytes, a[1].i32, a[2].b, r);
}

TYPE_ROW_FUNCTION(bpchar_to_text, 1)
{
    r->bytes = without_trailing_blanks(a[0].bytes);
    return true;
}

TYPE_ROW_FUNCTION(text_same, 1)
{
    *r = a[0];
    return true;
}

TYPE_ROW_FUNCTION(text_to_name, 1)
{
    r->bytes = a[0].bytes;
    r->bytes.length = (uint32_t)type_name_clip(a[0].bytes.data, a[0].bytes.length);
    return true;
}

TYPE_ROW_FUNCTION(bpchar_to_name, 1)
{
    r->bytes = a[0].bytes;
    r->bytes.length = (uint32_t)type_name_clip(a[0].bytes.data, a[0].bytes.length);
    r->bytes = without_trailing_blanks(r->bytes);
    return true;
}

/* ---- lengths and joining --------------------------------------------------------------------------------------------------- */
TYPE_UNARY(text_length, rdb_bytes, int32_t, rdb_utf8_count(x.data, x.length))
TYPE_UNARY(text_octets, rdb_bytes, int32_t, x.length)
TYPE_UNARY(text_bits, rdb_bytes, int32_t, x.length * 8)
TYPE_UNARY(bpchar_length_of, rdb_bytes, int32_t, rdb_utf8_count(x.data, without_trailing_blanks(x).length))

TYPE_ROW_FUNCTION(text_join, 2)
{
    size_t left = a[0].bytes.length, right = a[1].bytes.length;
    uint8_t *data = type_alloc(call, left + right);
    if (data == NULL)
        return false;
    if (left > 0)
        memcpy(data, a[0].bytes.data, left);
    if (right > 0)
        memcpy(data + left, a[1].bytes.data, right);
    r->bytes = (rdb_bytes){.data = data, .length = (uint32_t)(left + right)};
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"texteq", text_eq, 0, 0}, {"textne", text_ne, 0, 0}, {"text_lt", text_lt, 0, 0}, {"text_le", text_le, 0, 0},
    {"text_gt", text_gt, 0, 0}, {"text_ge", text_ge, 0, 0}, {"bttextcmp", text_cmp, 0, 0},
    {"text_larger", text_larger, 0, 0}, {"text_smaller", text_smaller, 0, 0},
    {"text_pattern_lt", bytes_lt, 0, 0}, {"text_pattern_le", bytes_le, 0, 0}, {"text_pattern_gt", bytes_gt, 0, 0},
    {"text_pattern_ge", bytes_ge, 0, 0}, {"bttext_pattern_cmp", bytes_cmp, 0, 0},
    TYPE_SIX("name", text), {"btnamecmp", text_cmp, 0, 0},
    {"nameeqtext", text_eq, 0, 0}, {"namenetext", text_ne, 0, 0}, {"namelttext", text_lt, 0, 0},
    {"nameletext", text_le, 0, 0}, {"namegttext", text_gt, 0, 0}, {"namegetext", text_ge, 0, 0}, {"btnametextcmp", text_cmp, 0, 0},
    {"texteqname", text_eq, 0, 0}, {"textnename", text_ne, 0, 0}, {"textltname", text_lt, 0, 0},
    {"textlename", text_le, 0, 0}, {"textgtname", text_gt, 0, 0}, {"textgename", text_ge, 0, 0}, {"bttextnamecmp", text_cmp, 0, 0},
    TYPE_SIX("bpchar", bpchar), {"bpcharcmp", bpchar_cmp, 0, 0},
    {"bpchar_larger", bpchar_larger, 0, 0}, {"bpchar_smaller", bpchar_smaller, 0, 0},
    {"bpchar_pattern_lt", blanks_lt, 0, 0}, {"bpchar_pattern_le", blanks_le, 0, 0},
    {"bpchar_pattern_gt", blanks_gt, 0, 0}, {"bpchar_pattern_ge", blanks_ge, 0, 0},
    {"btbpchar_pattern_cmp", blanks_cmp, 0, 0},
    {"varchar", varchar_length, F, 0}, {"bpchar", bpchar_length, F, 0}, {"rtrim1", bpchar_to_text, 0, 0},
    {"name_text", text_same, 0, 0}, {"name_bpchar", text_same, 0, 0}, {"text_name", text_to_name, 0, 0}, {"bpchar_name", bpchar_to_name, 0, 0},
    {"textlen", text_length, 0, 0}, {"bpcharlen", bpchar_length_of, 0, 0}, {"textoctetlen", text_octets, 0, 0},
    {"bpcharoctetlen", text_octets, 0, 0}, {"textcat", text_join, F, 0},
    {NULL, text_bits, 0, 1811},
};
TYPE_KERNEL_TABLE(type_text_table, KERNELS);
