/* SPDX-License-Identifier: Apache-2.0
 * aclitem: one grant, "grantee=privileges/grantor". 12 bytes: grantee's OID (0: everyone), grantor's, then the privileges in the
 * low and the grant options in the high 16 bits, little-endian: numbers, so that a role may change its name. Names come from
 * the catalog through regrole's input and output. */
#include "type/type_int.h"

/* The letters of privileges, by bit. */
static const char LETTERS[] = "arwdDxtXUCTcsA";

static bool role_of(rdb_call *call, rdb_slice name, uint32_t *oid)
{
    const rdb_type *regrole;
    rdb_datum value;
    if (!rdb_type_descriptor(call, RDB_REGROLEOID, &regrole) || !regrole->ops->input(call, regrole, name, -1, &value))
        return false;
    *oid = value.oid;
    return true;
}

/* A name, quoted or not, up to what ends it; as regrole reads it: always quoted. */
static const uint8_t *read_name(const uint8_t *at, const uint8_t *end, rdb_strbuf *name)
{
    bool in_quotes = false;
    rdb_strbuf_addc(name, '"');
    for (; at < end && (in_quotes || (*at != '=' && *at != '/' && *at != ' ')); at++) {
        if (*at != '"') {
            rdb_strbuf_addc(name, (char)*at);
        } else if (in_quotes && at + 1 < end && at[1] == '"') {
            rdb_strbuf_adds(name, "\"\"");
            at++;
        } else {
            in_quotes = !in_quotes;
        }
    }
    rdb_strbuf_addc(name, '"');
    return at;
}

static bool aclitem_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = text.data + text.length;
    uint32_t words[3] = {0, 10, 0}, last = 0;
    rdb_strbuf name;
    while (at < end && *at == ' ')
        at++;
    rdb_strbuf_init(&name, call->arena);
    at = read_name(at, end, &name);
    if (at < end && *at == ' ' && (strcmp(name.data, "\"group\"") == 0 || strcmp(name.data, "\"user\"") == 0)) {
        while (at < end && *at == ' ')
            at++;
        rdb_strbuf_clear(&name);
        at = read_name(at, end, &name);
        if (name.length == 2)
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "missing name") || rdb_error_hint(call->err, "A name must follow the \"group\" or \"user\" key word.");
    }
    if (at >= end || *at != '=')
        return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "missing \"=\" sign");
    if (name.length > 2 && !role_of(call, (rdb_slice){(const uint8_t *)name.data, name.length}, &words[0]))
        return false;
    for (at++; at < end && *at != '/' && *at != ' '; at++) {
        const char *letter = strchr(LETTERS, (char)*at);
        if (*at == '*') {
            words[2] |= last << 16;
        } else if (letter != NULL) {
            last = UINT32_C(1) << (letter - LETTERS);
            words[2] |= last;
        } else {
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid mode character: must be one of \"%s\"", LETTERS);
        }
    }
    if (at < end && *at == '/') {
        rdb_strbuf_clear(&name);
        at = read_name(at + 1, end, &name);
        if (name.length == 2)
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "a name must follow the \"/\" sign");
        if (!role_of(call, (rdb_slice){(const uint8_t *)name.data, name.length}, &words[1]))
            return false;
    }
    while (at < end && *at == ' ')
        at++;
    if (at < end)
        return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "extra garbage at the end of the ACL specification");
    value->bytes = (rdb_bytes){.data = rdb_arena_memdup(call->arena, words, sizeof words), .length = sizeof words};
    return true;
}

/* Quoted unless it is made of letters, digits and underscores. */
static bool add_role(rdb_call *call, uint32_t oid, rdb_strbuf *text)
{
    const rdb_type *regrole;
    rdb_strbuf quoted;
    bool is_safe = true;
    rdb_strbuf_init(&quoted, call->arena);
    if (!rdb_type_descriptor(call, RDB_REGROLEOID, &regrole) || !regrole->ops->output(call, regrole, (rdb_datum){.oid = oid}, &quoted) ||
        !rdb_strbuf_check(&quoted, call->err))
        return false;
    const char *name = quoted.data != NULL ? quoted.data : "";
    if (name[0] != '"') {
        rdb_strbuf_adds(text, name);
        return true;
    }
    for (const char *at = name + 1; at[1] != '\0'; at++)
        is_safe = is_safe && (type_is_digit((uint8_t)*at) || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_');
    if (is_safe)
        rdb_strbuf_addf(text, "%.*s", (int)quoted.length - 2, name + 1);
    else
        rdb_strbuf_adds(text, name);
    return true;
}

static bool aclitem_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint32_t words[3] = {0, 0, 0};
    if (value.bytes.length != sizeof words)
        return rdb_error_set(call->err, RDB_DATA_CORRUPTED, "aclitem of %u bytes", value.bytes.length);
    memcpy(words, value.bytes.data, sizeof words);
    if (words[0] != 0 && !add_role(call, words[0], text))
        return false;
    rdb_strbuf_addc(text, '=');
    for (unsigned bit = 0; LETTERS[bit] != '\0'; bit++) {
        if (words[2] & (UINT32_C(1) << bit))
            rdb_strbuf_addc(text, LETTERS[bit]);
        if (words[2] & (UINT32_C(0x10000) << bit))
            rdb_strbuf_addc(text, '*');
    }
    rdb_strbuf_addc(text, '/');
    return add_role(call, words[1], text);
}

static uint64_t aclitem_hash(TYPE_OPS_PARAMETERS_HASH)
{
    uint32_t words[3] = {0, 0, 0};
    memcpy(words, value.bytes.data, RDB_MIN(value.bytes.length, (uint32_t)sizeof words));
    return (uint64_t)words[0] * 31 + words[1] * UINT64_C(17) + words[2];
}

static int aclitem_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    const uint32_t length = RDB_MIN(left.bytes.length, right.bytes.length);
    const int order = memcmp(left.bytes.data, right.bytes.data, length);
    return order != 0 ? order : (left.bytes.length > right.bytes.length) - (left.bytes.length < right.bytes.length);
}

const rdb_type_ops type_aclitem_ops = {.input = aclitem_input, .output = aclitem_output, .compare = aclitem_compare, .hash = aclitem_hash};
