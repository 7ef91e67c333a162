/* SPDX-License-Identifier: Apache-2.0
 * macaddr and macaddr8: the six or eight bytes of a hardware address, stored as they are. */
#include "type/generic.h"
#include "type/tables.h"

static int hex_of(int c)
{
    c = type_lower(c);
    return type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups of hexadecimal digits between one kind of separator. Six groups are a byte each, whatever their digits; fewer
 * must have all twelve digits: 3 of 4, 2 of 6, 1 of 12. */
static bool mac_input(TYPE_OPS_PARAMETERS_INPUT)
{
    rdb_slice word = type_trim(text);
    uint64_t groups[6] = {0};
    size_t lengths[6] = {0};
    int count = 1, separator = 0;
    for (size_t i = 0; i < word.length; i++) {
        int c = word.data[i], digit = hex_of(c);
        if (digit >= 0) {
            if (++lengths[count - 1] > 12)
                return type_bad_input(call, "macaddr", text);
            groups[count - 1] = groups[count - 1] << 4 | (uint64_t)digit;
        } else {
            if ((c != ':' && c != '-' && c != '.') || (separator != 0 && c != separator) || count == 6 || lengths[count - 1] == 0)
                return type_bad_input(call, "macaddr", text);
            separator = c;
            count++;
        }
    }
    uint64_t number = 0;
    size_t wanted = count == 6 ? 0 : count == 3 ? 4 : count == 2 ? 6 : count == 1 ? 12 : 99;
    bool ok = lengths[count - 1] > 0 && (separator == '.' ? count == 3 : separator != ':' || count != 3);
    for (int i = 0; i < count && ok; i++) {
        ok = wanted == 0 || lengths[i] == wanted;
        if (count == 6 && groups[i] > 255)
            return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "invalid octet value in \"macaddr\" value: \"%.*s\"", (int)text.length,
                                 (const char *)text.data);
        if (ok)
            number = number << (count == 6 ? 8 : 4 * wanted) | groups[i];
    }
    if (!ok)
        return type_bad_input(call, "macaddr", text);
    uint8_t bytes[6];
    for (int i = 5; i >= 0; i--, number >>= 8)
        bytes[i] = (uint8_t)number;
    return type_make_bytes(call, bytes, 6, value);
}

/* Six bytes become eight with FF FE in the middle. */
static void widen(const uint8_t *six, uint8_t *eight)
{
    memcpy(eight, six, 3);
    eight[3] = 0xff;
    eight[4] = 0xfe;
    memcpy(eight + 5, six + 3, 3);
}

/* Pairs of digits, one kind of separator, which may stand after any pair. */
static bool mac8_input(TYPE_OPS_PARAMETERS_INPUT)
{
    rdb_slice word = type_trim(text);
    uint8_t bytes[8], eight[8];
    int count = 0, separator = 0;
    for (size_t i = 0; i < word.length;) {
        int high = hex_of(word.data[i]), low = i + 1 < word.length ? hex_of(word.data[i + 1]) : -1;
        if (high < 0 || low < 0 || count == 8)
            return type_bad_input(call, "macaddr8", text);
        bytes[count++] = (uint8_t)(high << 4 | low);
        i += 2;
        if (i < word.length && (word.data[i] == ':' || word.data[i] == '-' || word.data[i] == '.')) {
            if ((separator != 0 && separator != word.data[i]) || i + 1 == word.length)
                return type_bad_input(call, "macaddr8", text);
            separator = word.data[i++];
        }
    }
    if (count == 6)
        widen(bytes, eight);
    else if (count == 8)
        memcpy(eight, bytes, 8);
    else
        return type_bad_input(call, "macaddr8", text);
    return type_make_bytes(call, eight, 8, value);
}

static bool mac_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    for (uint32_t i = 0; i < value.bytes.length; i++)
        rdb_strbuf_addf(text, "%s%02x", i > 0 ? ":" : "", value.bytes.data[i]);
    return true;
}

static bool mac_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return text.length == 6 ? type_make_bytes(call, text.data, 6, value) : type_bad_binary(call);
}

static bool mac8_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    uint8_t eight[8];
    if (text.length != 6)
        return text.length == 8 ? type_make_bytes(call, text.data, 8, value) : type_bad_binary(call);
    widen(text.data, eight);
    return type_make_bytes(call, eight, 8, value);
}

static bool mac_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_add(text, value.bytes.data, value.bytes.length);
    return true;
}

static int mac_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return type_compare_bytes(left.bytes, right.bytes);
}

static uint64_t mac_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return rdb_hash64(value.bytes.data, value.bytes.length, 0);
}

static bool mac_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    rdb_strbuf_add(key, value.bytes.data, value.bytes.length);
    return !key->failed;
}

static bool mac_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    size_t width = type_base(type)->oid == RDB_MACADDROID ? 6 : 8;
    if ((size_t)(end - *at) < width)
        return false;
    uint8_t *bytes = rdb_arena_alloc(arena, width);
    memcpy(bytes, *at, width);
    *at += width;
    value->bytes = (rdb_bytes){.data = bytes, .length = (uint32_t)width};
    return true;
}

const rdb_type_ops type_macaddr_ops = {.input = mac_input, .output = mac_output, .receive = mac_receive, .send = mac_send,
                                       .compare = mac_compare, .hash = mac_hash, .encode_key = mac_encode, .decode_key = mac_decode};
const rdb_type_ops type_macaddr8_ops = {.input = mac8_input, .output = mac_output, .receive = mac8_receive, .send = mac_send,
                                        .compare = mac_compare, .hash = mac_hash, .encode_key = mac_encode, .decode_key = mac_decode};

/* Byte by byte; y is the second argument's, where there is one. */
#define BYTEWISE(name, count, expression)                                              \
    TYPE_ROW_FUNCTION(name, count)                                                     \
    {                                                                                  \
        uint8_t bytes[8];                                                              \
        for (uint32_t i = 0; i < a[0].bytes.length; i++)                               \
            bytes[i] = (uint8_t)(expression);                                          \
        return type_make_bytes(call, bytes, a[0].bytes.length, r);                     \
    }
BYTEWISE(mac_not, 1, ~a[0].bytes.data[i])
BYTEWISE(mac_and, 2, a[0].bytes.data[i] & a[1].bytes.data[i])
BYTEWISE(mac_or, 2, a[0].bytes.data[i] | a[1].bytes.data[i])
BYTEWISE(mac_trunc, 1, i < 3 ? a[0].bytes.data[i] : 0)
BYTEWISE(mac_set7bit, 1, i == 0 ? a[0].bytes.data[i] | 0x02 : a[0].bytes.data[i])

TYPE_ROW_FUNCTION(mac_to_mac8, 1)
{
    uint8_t eight[8];
    widen(a[0].bytes.data, eight);
    return type_make_bytes(call, eight, 8, r);
}

TYPE_ROW_FUNCTION(mac8_to_mac, 1)
{
    uint8_t six[6];
    const uint8_t *eight = a[0].bytes.data;
    if (eight[3] != 0xff || eight[4] != 0xfe) {
        rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "macaddr8 data out of range to convert to macaddr");
        return rdb_error_hint(call->err, "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example "
                                         "xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.");
    }
    memcpy(six, eight, 3);
    memcpy(six + 3, eight + 5, 3);
    return type_make_bytes(call, six, 6, r);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_GENERIC_SIX("macaddr_"), TYPE_GENERIC("macaddr_cmp", cmp), TYPE_GENERIC_SIX("macaddr8_"), TYPE_GENERIC("macaddr8_cmp", cmp),
    {"macaddr_not", mac_not, F, 0}, {"macaddr_and", mac_and, F, 0}, {"macaddr_or", mac_or, F, 0}, {"macaddr_trunc", mac_trunc, F, 0},
    {"macaddr8_not", mac_not, F, 0}, {"macaddr8_and", mac_and, F, 0}, {"macaddr8_or", mac_or, F, 0}, {"macaddr8_trunc", mac_trunc, F, 0},
    {"macaddr8_set7bit", mac_set7bit, F, 0}, {"macaddrtomacaddr8", mac_to_mac8, F, 0}, {"macaddr8tomacaddr", mac8_to_mac, F, 0},
};
TYPE_KERNEL_TABLE(type_macaddr_table, KERNELS);
