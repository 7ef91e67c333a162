/* SPDX-License-Identifier: Apache-2.0
 * bytea: any bytes. Text forms hex and escape, comparisons, encode and decode, digests, bits and bytes of a value. */
#include "type/type_int.h"
#include "type/tables.h"
#include <openssl/evp.h>

static int hex_digit(int c)
{
    return type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void add_hex(rdb_strbuf *text, const uint8_t *bytes, size_t length)
{
    static const char DIGITS[] = "0123456789abcdef";
    if (!rdb_strbuf_reserve(text, 2 * length))
        return;
    for (size_t i = 0; i < length; i++) {
        rdb_strbuf_addc(text, DIGITS[bytes[i] >> 4]);
        rdb_strbuf_addc(text, DIGITS[bytes[i] & 15]);
    }
}

static bool decode_hex(rdb_call *call, rdb_slice text, rdb_datum *r)
{
    uint8_t *data = type_alloc(call, text.length / 2 + 1);
    uint32_t length = 0;
    int high = -1;
    if (data == NULL)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (type_is_space(text.data[i]) && high < 0)
            continue;
        int digit = hex_digit(text.data[i]);
        if (digit < 0)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"%.*s\"",
                                 (int)RDB_MIN(rdb_utf8_length(text.data[i]), text.length - i), (const char *)text.data + i);
        if (high < 0) {
            high = digit;
        } else {
            data[length++] = (uint8_t)(high << 4 | digit);
            high = -1;
        }
    }
    if (high >= 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits");
    r->bytes = (rdb_bytes){.data = data, .length = length};
    return true;
}

/* Backslash and three octal digits, or two backslashes; all else is itself. */
static bool decode_escape(rdb_call *call, rdb_slice text, const char *type_name, rdb_datum *r)
{
    uint8_t *data = type_alloc(call, text.length);
    uint32_t length = 0;
    if (data == NULL)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        const uint8_t *c = text.data + i;
        if (*c != '\\') {
            data[length++] = *c;
        } else if (i + 3 < text.length && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' && c[2] <= '7' && c[3] >= '0' && c[3] <= '7') {
            data[length++] = (uint8_t)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
            i += 3;
        } else if (i + 1 < text.length && c[1] == '\\') {
            data[length++] = '\\';
            i++;
        } else {
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type %s", type_name);
        }
    }
    r->bytes = (rdb_bytes){.data = data, .length = length};
    return true;
}

static void add_escaped(rdb_strbuf *text, const uint8_t *bytes, size_t length, bool only_needed)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t c = bytes[i];
        if (c == '\\')
            rdb_strbuf_adds(text, "\\\\");
        else if (c == 0 || c >= 0x80 || (!only_needed && (c < 0x20 || c > 0x7e)))
            rdb_strbuf_addf(text, "\\%03o", c);
        else
            rdb_strbuf_addc(text, (char)c);
    }
}

static bool bytea_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    if (text.length >= 2 && text.data[0] == '\\' && text.data[1] == 'x')
        return decode_hex(call, (rdb_slice){.data = text.data + 2, .length = text.length - 2}, value);
    return decode_escape(call, text, "bytea", value);
}

static bool bytea_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    if (call->format->bytea_escape) {
        add_escaped(text, value.bytes.data, value.bytes.length, false);
    } else {
        rdb_strbuf_adds(text, "\\x");
        add_hex(text, value.bytes.data, value.bytes.length);
    }
    return true;
}

static bool bytea_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_make_bytes(call, text.data, text.length, value);
}

static bool bytea_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_add(text, value.bytes.data, value.bytes.length);
    return true;
}

static int bytea_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return type_compare_bytes(left.bytes, right.bytes);
}

static uint64_t bytea_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return rdb_hash64(value.bytes.data, value.bytes.length, 0);
}

static bool bytea_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_key_add_bytes(key, value.bytes.data, value.bytes.length);
    return !key->failed;
}

static bool bytea_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    return type_key_get_bytes(arena, at, end, value);
}

const rdb_type_ops type_bytea_ops = {.input = bytea_input, .output = bytea_output, .receive = bytea_receive, .send = bytea_send,
                                     .compare = bytea_compare, .hash = bytea_hash, .encode_key = bytea_encode, .decode_key = bytea_decode};

TYPE_ORDERED_COMPARISONS(bytea, rdb_bytes, rdb_bytes, type_compare_bytes)

/* ---- parts ---------------------------------------------------------------------------------------------------------------- */
TYPE_UNARY(bytea_length, rdb_bytes, int32_t, x.length)
TYPE_UNARY(bytea_bits, rdb_bytes, int32_t, x.length * 8)

TYPE_ROW_FUNCTION(bytea_join, 2)
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

TYPE_ROW_FUNCTION(bytea_position, 2)
{
    const uint8_t *hit = a[1].bytes.length > a[0].bytes.length ? NULL
                         : type_find_bytes(a[0].bytes.data, a[0].bytes.length, a[1].bytes.data, a[1].bytes.length);
    r->i32 = a[1].bytes.length == 0 ? 1 : hit == NULL ? 0 : (int32_t)(hit - a[0].bytes.data) + 1;
    return true;
}

static bool index_error(rdb_call *call, int64_t index, int64_t last)
{
    return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "index %lld out of valid range, 0..%lld", (long long)index, (long long)last);
}

TYPE_ROW_FUNCTION(bytea_get_byte, 2)
{
    if (a[1].i32 < 0 || a[1].i32 >= (int64_t)a[0].bytes.length)
        return index_error(call, a[1].i32, (int64_t)a[0].bytes.length - 1);
    r->i32 = a[0].bytes.data[a[1].i32];
    return true;
}

TYPE_ROW_FUNCTION(bytea_set_byte, 3)
{
    if (a[1].i32 < 0 || a[1].i32 >= (int64_t)a[0].bytes.length)
        return index_error(call, a[1].i32, (int64_t)a[0].bytes.length - 1);
    if (!type_make_bytes(call, a[0].bytes.data, a[0].bytes.length, r))
        return false;
    ((uint8_t *)(uintptr_t)r->bytes.data)[a[1].i32] = (uint8_t)a[2].i32;
    return true;
}

TYPE_ROW_FUNCTION(bytea_get_bit, 2)
{
    int64_t last = (int64_t)a[0].bytes.length * 8 - 1;
    if (a[1].i64 < 0 || a[1].i64 > last)
        return index_error(call, a[1].i64, last);
    r->i32 = a[0].bytes.data[a[1].i64 / 8] >> (a[1].i64 % 8) & 1;
    return true;
}

TYPE_ROW_FUNCTION(bytea_set_bit, 3)
{
    int64_t last = (int64_t)a[0].bytes.length * 8 - 1;
    if (a[1].i64 < 0 || a[1].i64 > last)
        return index_error(call, a[1].i64, last);
    if (a[2].i32 != 0 && a[2].i32 != 1)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
    if (!type_make_bytes(call, a[0].bytes.data, a[0].bytes.length, r))
        return false;
    uint8_t *byte = (uint8_t *)(uintptr_t)r->bytes.data + a[1].i64 / 8, mask = (uint8_t)(1u << (a[1].i64 % 8));
    *byte = a[2].i32 ? *byte | mask : *byte & (uint8_t)~mask;
    return true;
}

/* ---- encode, decode, digests -------------------------------------------------------------------------------------------------- */
static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add_base64(rdb_strbuf *text, const uint8_t *bytes, size_t length)
{
    size_t column = 0;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (i + 1 < length ? (uint32_t)bytes[i + 1] << 8 : 0) | (i + 2 < length ? bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            rdb_strbuf_addc(text, i + k > length ? '=' : BASE64[group >> (18 - 6 * k) & 63]);
        column += 4;
        if (column >= 76) { /* lines of 76, as in mail */
            rdb_strbuf_addc(text, '\n');
            column = 0;
        }
    }
}

static bool decode_base64(rdb_call *call, rdb_slice text, rdb_datum *r)
{
    uint8_t *data = type_alloc(call, text.length);
    uint32_t length = 0, group = 0;
    int count = 0, padding = 0;
    if (data == NULL)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        const char *found = c == 0 ? NULL : strchr(BASE64, c);
        if (c == '=') {
            padding++;
            if (count < 2 || padding > 2)
                return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unexpected \"=\" while decoding base64 sequence");
            group <<= 6;
        } else if (found == NULL || padding > 0) {
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid symbol \"%.*s\" found while decoding base64 sequence",
                                 (int)RDB_MIN(rdb_utf8_length(c), text.length - i), (const char *)text.data + i);
        } else {
            group = group << 6 | (uint32_t)(found - BASE64);
        }
        if (++count == 4) {
            data[length++] = (uint8_t)(group >> 16);
            if (padding < 2)
                data[length++] = (uint8_t)(group >> 8);
            if (padding < 1)
                data[length++] = (uint8_t)group;
            count = 0;
            group = 0;
        }
    }
    if (count != 0) {
        rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid base64 end sequence");
        return rdb_error_hint(call->err, "Input data is missing padding, is truncated, or is otherwise corrupted.");
    }
    r->bytes = (rdb_bytes){.data = data, .length = length};
    return true;
}

static bool unknown_encoding(rdb_call *call, rdb_bytes name)
{
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized encoding: \"%.*s\"", (int)name.length, (const char *)name.data);
}

TYPE_ROW_FUNCTION(binary_encode, 2)
{
    rdb_slice name = type_slice(a[1]);
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    if (type_equals_ignoring_case(name, "hex"))
        add_hex(&text, a[0].bytes.data, a[0].bytes.length);
    else if (type_equals_ignoring_case(name, "base64"))
        add_base64(&text, a[0].bytes.data, a[0].bytes.length);
    else if (type_equals_ignoring_case(name, "escape"))
        add_escaped(&text, a[0].bytes.data, a[0].bytes.length, true);
    else
        return unknown_encoding(call, a[1].bytes);
    return type_take_buffer(call, &text, r);
}

TYPE_ROW_FUNCTION(binary_decode, 2)
{
    rdb_slice name = type_slice(a[1]);
    if (type_equals_ignoring_case(name, "hex"))
        return decode_hex(call, type_slice(a[0]), r);
    if (type_equals_ignoring_case(name, "base64"))
        return decode_base64(call, type_slice(a[0]), r);
    if (type_equals_ignoring_case(name, "escape"))
        return decode_escape(call, type_slice(a[0]), "bytea", r);
    return unknown_encoding(call, a[1].bytes);
}

static bool digest(rdb_call *call, rdb_bytes bytes, const EVP_MD *method, bool as_text, rdb_datum *r)
{
    uint8_t result[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    rdb_strbuf text;
    static const uint8_t NOTHING[1];
    if (EVP_Digest(bytes.length > 0 ? bytes.data : NOTHING, bytes.length, result, &length, method, NULL) != 1)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not compute a digest");
    if (!as_text)
        return type_make_bytes(call, result, length, r);
    rdb_strbuf_init(&text, call->arena);
    add_hex(&text, result, length);
    return type_take_buffer(call, &text, r);
}

#define DIGEST(name, method, as_text)                                        \
    TYPE_ROW_FUNCTION(name, 1)                                               \
    {                                                                        \
        return digest(call, a[0].bytes, method(), as_text, r);               \
    }
DIGEST(md5_text, EVP_md5, true)
DIGEST(sha224_bytea, EVP_sha224, false)
DIGEST(sha256_bytea, EVP_sha256, false)
DIGEST(sha384_bytea, EVP_sha384, false)
DIGEST(sha512_bytea, EVP_sha512, false)

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_SIX("bytea", bytea), {"byteacmp", bytea_cmp, 0, 0},
    {"byteaoctetlen", bytea_length, 0, 0}, {NULL, bytea_bits, 0, 1810}, {"byteacat", bytea_join, F, 0}, {"byteapos", bytea_position, 0, 0},
    {"byteaGetByte", bytea_get_byte, F, 0}, {"byteaSetByte", bytea_set_byte, F, 0}, {"byteaGetBit", bytea_get_bit, F, 0}, {"byteaSetBit", bytea_set_bit, F, 0},
    {"binary_encode", binary_encode, F, 0}, {"binary_decode", binary_decode, F, 0},
    {"md5_text", md5_text, F, 0}, {"md5_bytea", md5_text, F, 0}, {"sha224_bytea", sha224_bytea, F, 0}, {"sha256_bytea", sha256_bytea, F, 0},
    {"sha384_bytea", sha384_bytea, F, 0}, {"sha512_bytea", sha512_bytea, F, 0},
};
TYPE_KERNEL_TABLE(type_bytea_table, KERNELS);
