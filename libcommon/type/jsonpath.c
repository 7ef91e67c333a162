/* SPDX-License-Identifier: Apache-2.0
 * jsonpath as a type: the stored form (drawn in jsonpath.h), text and wire forms. Text goes out in one canonical form, which
 * reads back as the same path. */
#include "type/jsonpath.h"
#include "type/numeric.h"
#include "type/tables.h"

const char *type_jsonpath_name(type_jsonpath_kind kind)
{
    static const char *const NAMES[] = {
        [TYPE_JSONPATH_ADD] = "+", [TYPE_JSONPATH_SUBTRACT] = "-", [TYPE_JSONPATH_MULTIPLY] = "*", [TYPE_JSONPATH_DIVIDE] = "/",
        [TYPE_JSONPATH_MODULO] = "%", [TYPE_JSONPATH_PLUS] = "+", [TYPE_JSONPATH_MINUS] = "-", [TYPE_JSONPATH_AND] = "&&", [TYPE_JSONPATH_OR] = "||",
        [TYPE_JSONPATH_EQUAL] = "==", [TYPE_JSONPATH_NOT_EQUAL] = "!=", [TYPE_JSONPATH_LESS] = "<", [TYPE_JSONPATH_GREATER] = ">",
        [TYPE_JSONPATH_LESS_EQUAL] = "<=", [TYPE_JSONPATH_GREATER_EQUAL] = ">=", [TYPE_JSONPATH_STARTS_WITH] = "starts with",
        [TYPE_JSONPATH_TYPE] = "type", [TYPE_JSONPATH_SIZE] = "size", [TYPE_JSONPATH_DOUBLE] = "double", [TYPE_JSONPATH_CEILING] = "ceiling",
        [TYPE_JSONPATH_FLOOR] = "floor", [TYPE_JSONPATH_ABS] = "abs", [TYPE_JSONPATH_DATETIME] = "datetime", [TYPE_JSONPATH_KEYVALUE] = "keyvalue"};
    return (size_t)kind < RDB_COUNT_OF(NAMES) && NAMES[kind] != NULL ? NAMES[kind] : "";
}

/* ---- the stored form ---------------------------------------------------------------------------------------------------------- */
static void write_node(const type_jsonpath *path, rdb_strbuf *out)
{
    for (; path != NULL; path = path->next) {
        uint8_t header[TYPE_JSONPATH_NODE_HEADER];
        header[0] = (uint8_t)path->kind;
        header[1] = path->next != NULL;
        rdb_put_u32(header + 2, path->low);
        rdb_put_u32(header + 6, path->high);
        rdb_put_u32(header + 10, path->bytes.length);
        rdb_put_u32(header + 14, path->part_count);
        rdb_strbuf_add(out, header, sizeof header);
        if (path->bytes.length > 0)
            rdb_strbuf_add(out, path->bytes.data, path->bytes.length);
        for (uint32_t i = 0; i < path->part_count; i++) {
            rdb_strbuf_addc(out, path->parts[i] != NULL);
            if (path->parts[i] != NULL)
                write_node(path->parts[i], out);
        }
    }
}

static bool damaged(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_DATA_CORRUPTED, "stored jsonpath is damaged");
}

static bool read_node(rdb_call *call, const uint8_t **at, const uint8_t *end, int depth, type_jsonpath **result)
{
    if (depth > TYPE_JSONPATH_DEPTH_MAX + 8)
        return damaged(call);
    for (;; result = &(*result)->next) {
        if (end - *at < TYPE_JSONPATH_NODE_HEADER)
            return damaged(call);
        const uint8_t *header = *at;
        *at += TYPE_JSONPATH_NODE_HEADER;
        type_jsonpath *path = *result = RDB_NEW(call->arena, type_jsonpath);
        path->kind = (type_jsonpath_kind)header[0];
        path->low = rdb_get_u32(header + 2);
        path->high = rdb_get_u32(header + 6);
        path->bytes = (rdb_bytes){.data = *at, .length = rdb_get_u32(header + 10)};
        path->part_count = rdb_get_u32(header + 14);
        if (path->kind > TYPE_JSONPATH_KEYVALUE || path->bytes.length > (size_t)(end - *at))
            return damaged(call);
        *at += path->bytes.length;
        if (path->part_count > (size_t)(end - *at))
            return damaged(call);
        if (path->part_count > 0 && (path->parts = type_alloc(call, sizeof(type_jsonpath *) * path->part_count)) == NULL)
            return false;
        for (uint32_t i = 0; i < path->part_count; i++) {
            if (*at == end)
                return damaged(call);
            path->parts[i] = NULL;
            if (*(*at)++ != 0 && !read_node(call, at, end, depth + 1, &path->parts[i]))
                return false;
        }
        if (header[1] == 0)
            return true;
    }
}

bool type_jsonpath_read(rdb_call *call, rdb_bytes stored, type_jsonpath **path, bool *is_lax)
{
    const uint8_t *at = stored.data + 1;
    if (stored.length == 0)
        return damaged(call);
    *is_lax = stored.data[0] != 0;
    return read_node(call, &at, stored.data + stored.length, 0, path);
}

/* ---- text --------------------------------------------------------------------------------------------------------------------- */
static int priority_of(type_jsonpath_kind kind)
{
    switch (kind) {
    case TYPE_JSONPATH_OR:
        return 0;
    case TYPE_JSONPATH_AND:
        return 1;
    case TYPE_JSONPATH_EQUAL:
    case TYPE_JSONPATH_NOT_EQUAL:
    case TYPE_JSONPATH_LESS:
    case TYPE_JSONPATH_GREATER:
    case TYPE_JSONPATH_LESS_EQUAL:
    case TYPE_JSONPATH_GREATER_EQUAL:
    case TYPE_JSONPATH_STARTS_WITH:
        return 2;
    case TYPE_JSONPATH_ADD:
    case TYPE_JSONPATH_SUBTRACT:
        return 3;
    case TYPE_JSONPATH_MULTIPLY:
    case TYPE_JSONPATH_DIVIDE:
    case TYPE_JSONPATH_MODULO:
        return 4;
    case TYPE_JSONPATH_PLUS:
    case TYPE_JSONPATH_MINUS:
        return 5;
    default:
        return 6;
    }
}

static void format_levels(const type_jsonpath *path, rdb_strbuf *text)
{
    rdb_strbuf_adds(text, "**");
    if (path->low == 0 && path->high == TYPE_JSONPATH_LAST)
        return;
    rdb_strbuf_addc(text, '{');
    if (path->low == TYPE_JSONPATH_LAST)
        rdb_strbuf_adds(text, "last");
    else
        rdb_strbuf_addf(text, "%u", path->low);
    if (path->high != path->low) {
        if (path->high == TYPE_JSONPATH_LAST)
            rdb_strbuf_adds(text, " to last");
        else
            rdb_strbuf_addf(text, " to %u", path->high);
    }
    rdb_strbuf_addc(text, '}');
}

static void format_regex_flags(uint32_t flags, rdb_strbuf *text)
{
    static const char LETTERS[] = "ismxq";
    if (flags == 0)
        return;
    rdb_strbuf_adds(text, " flag \"");
    for (int i = 0; LETTERS[i] != '\0'; i++) {
        if ((flags >> i & 1) != 0)
            rdb_strbuf_addc(text, LETTERS[i]);
    }
    rdb_strbuf_addc(text, '"');
}

static bool format_chain(rdb_call *call, const type_jsonpath *path, bool after_dot, bool bracketed, rdb_strbuf *text);

static bool format_part(rdb_call *call, const type_jsonpath *path, uint32_t index, rdb_strbuf *text)
{
    const type_jsonpath *part = path->parts[index];
    return format_chain(call, part, false, priority_of(part->kind) <= priority_of(path->kind), text);
}

static bool format_node(rdb_call *call, const type_jsonpath *path, bool after_dot, bool bracketed, rdb_strbuf *text)
{
    bool ok = true;
    switch (path->kind) {
    case TYPE_JSONPATH_NULL:
        rdb_strbuf_adds(text, "null");
        return true;
    case TYPE_JSONPATH_FALSE:
        rdb_strbuf_adds(text, "false");
        return true;
    case TYPE_JSONPATH_TRUE:
        rdb_strbuf_adds(text, "true");
        return true;
    case TYPE_JSONPATH_NUMBER:
        if (path->next != NULL)
            rdb_strbuf_addc(text, '(');
        ok = type_numeric_ops.output(call, NULL, (rdb_datum){.bytes = path->bytes}, text);
        if (path->next != NULL)
            rdb_strbuf_addc(text, ')');
        return ok;
    case TYPE_JSONPATH_STRING:
        type_json_add_string(text, path->bytes);
        return true;
    case TYPE_JSONPATH_VARIABLE:
        rdb_strbuf_addc(text, '$');
        type_json_add_string(text, path->bytes);
        return true;
    case TYPE_JSONPATH_ROOT:
        rdb_strbuf_addc(text, '$');
        return true;
    case TYPE_JSONPATH_CURRENT:
        rdb_strbuf_addc(text, '@');
        return true;
    case TYPE_JSONPATH_LAST_INDEX:
        rdb_strbuf_adds(text, "last");
        return true;
    case TYPE_JSONPATH_ADD:
    case TYPE_JSONPATH_SUBTRACT:
    case TYPE_JSONPATH_MULTIPLY:
    case TYPE_JSONPATH_DIVIDE:
    case TYPE_JSONPATH_MODULO:
    case TYPE_JSONPATH_AND:
    case TYPE_JSONPATH_OR:
    case TYPE_JSONPATH_EQUAL:
    case TYPE_JSONPATH_NOT_EQUAL:
    case TYPE_JSONPATH_LESS:
    case TYPE_JSONPATH_GREATER:
    case TYPE_JSONPATH_LESS_EQUAL:
    case TYPE_JSONPATH_GREATER_EQUAL:
    case TYPE_JSONPATH_STARTS_WITH:
        if (bracketed)
            rdb_strbuf_addc(text, '(');
        ok = format_part(call, path, 0, text);
        rdb_strbuf_addf(text, " %s ", type_jsonpath_name(path->kind));
        ok = ok && format_part(call, path, 1, text);
        if (bracketed)
            rdb_strbuf_addc(text, ')');
        return ok;
    case TYPE_JSONPATH_LIKE_REGEX:
        if (bracketed)
            rdb_strbuf_addc(text, '(');
        ok = format_part(call, path, 0, text);
        rdb_strbuf_adds(text, " like_regex ");
        type_json_add_string(text, path->bytes);
        format_regex_flags(path->low, text);
        if (bracketed)
            rdb_strbuf_addc(text, ')');
        return ok;
    case TYPE_JSONPATH_PLUS:
    case TYPE_JSONPATH_MINUS:
        rdb_strbuf_adds(text, bracketed ? "(" : "");
        rdb_strbuf_adds(text, type_jsonpath_name(path->kind));
        ok = format_part(call, path, 0, text);
        rdb_strbuf_adds(text, bracketed ? ")" : "");
        return ok;
    case TYPE_JSONPATH_FILTER:
        rdb_strbuf_adds(text, "?(");
        break;
    case TYPE_JSONPATH_NOT:
        rdb_strbuf_adds(text, "!(");
        break;
    case TYPE_JSONPATH_EXISTS:
        rdb_strbuf_adds(text, "exists (");
        break;
    case TYPE_JSONPATH_IS_UNKNOWN:
        rdb_strbuf_addc(text, '(');
        ok = format_chain(call, path->parts[0], false, false, text);
        rdb_strbuf_adds(text, ") is unknown");
        return ok;
    case TYPE_JSONPATH_KEY:
        if (after_dot)
            rdb_strbuf_addc(text, '.');
        type_json_add_string(text, path->bytes);
        return true;
    case TYPE_JSONPATH_ANY_KEY:
        rdb_strbuf_adds(text, after_dot ? ".*" : "*");
        return true;
    case TYPE_JSONPATH_ANY_ELEMENT:
        rdb_strbuf_adds(text, "[*]");
        return true;
    case TYPE_JSONPATH_ELEMENTS:
        rdb_strbuf_addc(text, '[');
        for (uint32_t i = 0; ok && i < path->part_count; i += 2) {
            if (i > 0)
                rdb_strbuf_addc(text, ',');
            ok = format_chain(call, path->parts[i], false, false, text);
            if (ok && path->parts[i + 1] != NULL) {
                rdb_strbuf_adds(text, " to ");
                ok = format_chain(call, path->parts[i + 1], false, false, text);
            }
        }
        rdb_strbuf_addc(text, ']');
        return ok;
    case TYPE_JSONPATH_ANY_DEPTH:
        if (after_dot)
            rdb_strbuf_addc(text, '.');
        format_levels(path, text);
        return true;
    case TYPE_JSONPATH_TYPE:
    case TYPE_JSONPATH_SIZE:
    case TYPE_JSONPATH_DOUBLE:
    case TYPE_JSONPATH_CEILING:
    case TYPE_JSONPATH_FLOOR:
    case TYPE_JSONPATH_ABS:
    case TYPE_JSONPATH_KEYVALUE:
        rdb_strbuf_addf(text, ".%s()", type_jsonpath_name(path->kind));
        return true;
    case TYPE_JSONPATH_DATETIME:
        rdb_strbuf_adds(text, ".datetime(");
        if (path->part_count > 0)
            ok = format_chain(call, path->parts[0], false, false, text);
        rdb_strbuf_addc(text, ')');
        return ok;
    }
    ok = format_chain(call, path->parts[0], false, false, text);
    rdb_strbuf_addc(text, ')');
    return ok;
}

static bool format_chain(rdb_call *call, const type_jsonpath *path, bool after_dot, bool bracketed, rdb_strbuf *text)
{
    for (; path != NULL; path = path->next, after_dot = bracketed = true) {
        if (!format_node(call, path, after_dot, bracketed, text))
            return false;
    }
    return true;
}

static bool path_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_jsonpath *path = NULL;
    bool is_lax = true;
    rdb_strbuf out;
    if (!type_jsonpath_parse(call, text, &path, &is_lax))
        return false;
    rdb_strbuf_init(&out, call->arena);
    rdb_strbuf_addc(&out, is_lax);
    write_node(path, &out);
    return type_take_buffer(call, &out, value);
}

static bool path_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_jsonpath *path = NULL;
    bool is_lax = true;
    if (!type_jsonpath_read(call, value.bytes, &path, &is_lax))
        return false;
    if (!is_lax)
        rdb_strbuf_adds(text, "strict ");
    return format_chain(call, path, false, true, text);
}

static bool path_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    if (text.length < 1 || text.data[0] != 1)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "unsupported jsonpath version number: %d", text.length < 1 ? 0 : text.data[0]);
    rdb_slice plain = {.data = text.data + 1, .length = text.length - 1};
    return type_check_utf8(call, plain) && path_input(call, type, plain, typmod, value);
}

static bool path_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addc(text, 1);
    return path_output(call, type, value, text);
}

/* No order and no equality, as in PostgreSQL. */
const rdb_type_ops type_jsonpath_ops = {.input = path_input, .output = path_output, .receive = path_receive, .send = path_send};
