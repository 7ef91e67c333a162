/* SPDX-License-Identifier: Apache-2.0
 * boolean: one byte, 0 or 1. */
#include "type/type_int.h"
#include "type/tables.h"

/* Any beginning of true, false, yes, no that tells them apart, on, off, 1, 0; any case. */
static bool parse_bool(rdb_slice text, uint8_t *value)
{
    static const struct {
        const char *word;
        uint8_t least, value;
    } WORDS[] = {{"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1}, {"no", 1, 0}, {"on", 2, 1}, {"off", 2, 0}, {"1", 1, 1}, {"0", 1, 0}};
    text = type_trim(text);
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++) {
        size_t length = strlen(WORDS[i].word);
        if (text.length < WORDS[i].least || text.length > length)
            continue;
        size_t same = 0;
        while (same < text.length && type_lower(text.data[same]) == WORDS[i].word[same])
            same++;
        if (same == text.length) {
            *value = WORDS[i].value;
            return true;
        }
    }
    return false;
}

static bool bool_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return parse_bool(text, &value->b) || type_bad_input(call, "boolean", text);
}

static bool bool_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addc(text, value.b ? 't' : 'f');
    return true;
}

static bool bool_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length != 1)
        return type_bad_binary(call);
    value->words[0] = value->words[1] = 0;
    value->b = text.data[0] != 0;
    return true;
}

static bool bool_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addc(text, (char)value.b);
    return true;
}

static int bool_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    return (int)left.b - (int)right.b;
}

static uint64_t bool_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.b);
}

static bool bool_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    rdb_strbuf_addc(key, (char)value.b);
    return !key->failed;
}

static bool bool_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    if (*at == end)
        return false;
    value->words[0] = value->words[1] = 0;
    value->b = *(*at)++ != 0;
    return true;
}

const rdb_type_ops type_bool_ops = {.input = bool_input, .output = bool_output, .receive = bool_receive,
                                    .send = bool_send, .compare = bool_compare, .hash = bool_hash,
                                    .encode_key = bool_encode, .decode_key = bool_decode};

TYPE_COMPARISONS(bool, uint8_t, uint8_t)

TYPE_ROW_FUNCTION(bool_to_text, 1)
{
    return type_make_text(call, a[0].b ? "true" : "false", r);
}

static const type_kernel KERNELS[] = {
    TYPE_SIX("bool", bool), {"btboolcmp", bool_cmp, 0, 0}, {"booltext", bool_to_text, 0, 0},
};
TYPE_KERNEL_TABLE(type_bool_table, KERNELS);
