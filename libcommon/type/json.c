/* SPDX-License-Identifier: Apache-2.0
 * JSON text: the lexer and parser that json and jsonb share, with PostgreSQL's explanations of what is wrong; the type
 * json; and SQL values written as JSON. */
#include "type/array.h"
#include "type/datetime.h"
#include "type/json.h"
#include "type/numeric.h"
#include "type/tables.h"
#include "type/text_int.h"
#include <stdio.h>

typedef enum token { END, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA, COLON, STRING, NUMBER, WORD_TRUE, WORD_FALSE, WORD_NULL } token;

typedef struct lexer {
    rdb_call *call;
    const uint8_t *start, *at, *end;
    const uint8_t *token_start, *token_end;
    token token;
    bool wants_values; /* decode strings and numbers */
    bool zero_allowed; /* json keeps \u0000 as text, jsonb cannot */
    rdb_strbuf string;
    rdb_bytes decoded;
} lexer;

static bool fail_at(lexer *lex, const char *sqlstate, const char *message, const char *format, ...) RDB_PRINTF(4, 5);
static bool fail_at(lexer *lex, const char *sqlstate, const char *message, const char *format, ...)
{
    char detail[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    rdb_error_set(lex->call->err, sqlstate, "%s", message);
    rdb_error_detail(lex->call->err, "%s", detail);
    /* The line up to the offending token. */
    const uint8_t *line = lex->start, *stop = RDB_MIN(lex->token_end, lex->end);
    int number = 1;
    for (const uint8_t *c = lex->start; c < stop; c++) {
        if (*c == '\n') {
            line = c + 1;
            number++;
        }
    }
    if (line > stop)
        line = stop;
    const char *prefix = "", *suffix = stop < lex->end && *stop != '\n' && *stop != '\r' ? "..." : "";
    const uint8_t *whole = line;
    while (stop - line >= 50)
        line += rdb_utf8_length(*line);
    if (line - whole <= 3) /* the dots would take as much */
        line = whole;
    else
        prefix = "...";
    rdb_error_add_context(lex->call->err, "JSON data, line %d: %s%.*s%s", number, prefix, (int)(stop - line), (const char *)line, suffix);
    return false;
}

#define SYNTAX RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json"

static bool bad_token(lexer *lex)
{
    return fail_at(lex, SYNTAX, "Token \"%.*s\" is invalid.", (int)(lex->token_end - lex->token_start), (const char *)lex->token_start);
}

static bool read_hex(lexer *lex, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, lex->at++) {
        int c = lex->at < lex->end ? type_lower(*lex->at) : 0;
        int digit = type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            lex->token_end = RDB_MIN(lex->at + 1, lex->end);
            return fail_at(lex, SYNTAX, "\"\\u\" must be followed by four hexadecimal digits.");
        }
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

static bool read_string(lexer *lex)
{
    uint32_t high = 0;
    rdb_strbuf_clear(&lex->string);
    for (;;) {
        if (lex->at == lex->end) {
            lex->token_end = lex->end;
            return bad_token(lex);
        }
        uint8_t c = *lex->at++;
        if (c < 0x20) {
            lex->token_end = lex->at - 1;
            return fail_at(lex, SYNTAX, "Character with value 0x%02x must be escaped.", c);
        }
        if (c == '\\' && lex->at < lex->end && *lex->at == 'u') {
            uint32_t code;
            lex->at++;
            if (!read_hex(lex, &code))
                return false;
            lex->token_end = lex->at;
            if (!lex->wants_values)
                continue;
            if (code >= 0xd800 && code <= 0xdbff) {
                if (high != 0)
                    return fail_at(lex, SYNTAX, "Unicode high surrogate must not follow a high surrogate.");
                high = code;
                continue;
            }
            if (code >= 0xdc00 && code <= 0xdfff) {
                if (high == 0)
                    return fail_at(lex, SYNTAX, "Unicode low surrogate must follow a high surrogate.");
                code = 0x10000 + ((high & 0x3ff) << 10) + (code & 0x3ff);
                high = 0;
            }
            if (high != 0)
                return fail_at(lex, SYNTAX, "Unicode low surrogate must follow a high surrogate.");
            if (code == 0)
                return fail_at(lex, RDB_UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.");
            type_utf8_encode(&lex->string, code);
            continue;
        }
        if (high != 0) {
            lex->token_end = lex->at;
            return fail_at(lex, SYNTAX, "Unicode low surrogate must follow a high surrogate.");
        }
        if (c == '"')
            break;
        if (c == '\\') {
            static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
            if (lex->at == lex->end) {
                lex->token_end = lex->end;
                return bad_token(lex);
            }
            c = *lex->at++;
            const char *found = c == 0 ? NULL : strchr(FROM, c);
            if (found == NULL) {
                uint32_t length = rdb_utf8_length(c);
                lex->token_end = RDB_MIN(lex->at - 1 + length, lex->end);
                return fail_at(lex, SYNTAX, "Escape sequence \"\\%.*s\" is invalid.", (int)length, (const char *)lex->at - 1);
            }
            c = (uint8_t)TO[found - FROM];
        }
        if (lex->wants_values)
            rdb_strbuf_addc(&lex->string, (char)c);
    }
    if (lex->wants_values) {
        if (!rdb_strbuf_check(&lex->string, lex->call->err))
            return false;
        rdb_datum copy = {.words = {0, 0}};
        if (!type_make_bytes(lex->call, lex->string.data, lex->string.length, &copy))
            return false;
        lex->decoded = copy.bytes;
    }
    return true;
}

static bool is_word_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || type_is_digit(c) || c == '_' || c >= 0x80;
}

static bool read_number(lexer *lex)
{
    bool ok = true;
    const uint8_t *at = lex->token_start;
    if (*at == '-')
        at++;
    if (at < lex->end && *at == '0') {
        at++;
    } else {
        ok = at < lex->end && type_is_digit(*at);
        while (at < lex->end && type_is_digit(*at))
            at++;
    }
    if (ok && at < lex->end && *at == '.') {
        at++;
        ok = at < lex->end && type_is_digit(*at);
        while (at < lex->end && type_is_digit(*at))
            at++;
    }
    if (ok && at < lex->end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < lex->end && (*at == '+' || *at == '-'))
            at++;
        ok = at < lex->end && type_is_digit(*at);
        while (at < lex->end && type_is_digit(*at))
            at++;
    }
    const uint8_t *stop = at;
    while (stop < lex->end && is_word_byte(*stop))
        stop++;
    lex->token_end = lex->at = stop;
    return (ok && stop == at) || bad_token(lex);
}

static bool next(lexer *lex)
{
    while (lex->at < lex->end && (*lex->at == ' ' || *lex->at == '\t' || *lex->at == '\n' || *lex->at == '\r'))
        lex->at++;
    lex->token_start = lex->at;
    lex->token_end = lex->at;
    if (lex->at == lex->end) {
        lex->token = END;
        return true;
    }
    static const char PUNCTUATION[] = "{}[],:";
    uint8_t c = *lex->at;
    const char *found = c == 0 ? NULL : strchr(PUNCTUATION, c);
    if (found != NULL) {
        lex->token = (token)(OPEN_OBJECT + (found - PUNCTUATION));
        lex->token_end = ++lex->at;
        return true;
    }
    if (c == '"') {
        lex->at++;
        lex->token = STRING;
        if (!read_string(lex))
            return false;
        lex->token_end = lex->at;
        return true;
    }
    if (c == '-' || type_is_digit(c)) {
        lex->token = NUMBER;
        return read_number(lex);
    }
    while (lex->at < lex->end && is_word_byte(*lex->at))
        lex->at++;
    if (lex->at == lex->token_start)
        lex->at++;
    lex->token_end = lex->at;
    size_t length = (size_t)(lex->token_end - lex->token_start);
    if (length == 4 && memcmp(lex->token_start, "true", 4) == 0)
        lex->token = WORD_TRUE;
    else if (length == 5 && memcmp(lex->token_start, "false", 5) == 0)
        lex->token = WORD_FALSE;
    else if (length == 4 && memcmp(lex->token_start, "null", 4) == 0)
        lex->token = WORD_NULL;
    else
        return bad_token(lex);
    return true;
}

static bool expected(lexer *lex, const char *what)
{
    if (lex->token == END)
        return fail_at(lex, SYNTAX, "The input string ended unexpectedly.");
    return fail_at(lex, SYNTAX, "Expected %s, but found \"%.*s\".", what, (int)(lex->token_end - lex->token_start), (const char *)lex->token_start);
}

type_json *type_json_new(rdb_call *call, type_json_kind kind)
{
    type_json *node = RDB_NEW(call->arena, type_json);
    node->kind = kind;
    return node;
}

bool type_json_add(rdb_call *call, type_json *container, rdb_bytes key, type_json *item)
{
    if (container->count == container->capacity) {
        uint32_t capacity = RDB_MAX(container->capacity * 2, 4);
        container->items = rdb_arena_try_grow(call->arena, container->items, sizeof(type_json *) * container->capacity, sizeof(type_json *) * capacity, call->err);
        container->keys = container->items == NULL ? NULL
                          : rdb_arena_try_grow(call->arena, container->keys, sizeof(rdb_bytes) * container->capacity, sizeof(rdb_bytes) * capacity, call->err);
        if (container->keys == NULL)
            return false;
        container->capacity = capacity;
    }
    container->keys[container->count] = key;
    container->items[container->count++] = item;
    return true;
}

/* The current token begins the value; afterwards the token after it is current. members: those of the outermost. */
static bool parse_value(lexer *lex, int depth, type_json **tree, type_json_members *members)
{
    rdb_call *call = lex->call;
    type_json *node = NULL;
    if (depth > TYPE_JSON_DEPTH_MAX)
        return rdb_error_set(call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    token opening = lex->token;
    static const type_json_kind KIND[] = {[OPEN_OBJECT] = TYPE_JSON_OBJECT, [OPEN_ARRAY] = TYPE_JSON_ARRAY, [STRING] = TYPE_JSON_STRING,
                                          [NUMBER] = TYPE_JSON_NUMBER, [WORD_TRUE] = TYPE_JSON_TRUE, [WORD_FALSE] = TYPE_JSON_FALSE, [WORD_NULL] = TYPE_JSON_NULL};
    if (opening == END || opening == CLOSE_OBJECT || opening == CLOSE_ARRAY || opening == COMMA || opening == COLON)
        return expected(lex, "JSON value");
    if (tree != NULL)
        *tree = node = type_json_new(call, KIND[opening]);
    if (members != NULL)
        members->kind = KIND[opening];
    if (opening != OPEN_OBJECT && opening != OPEN_ARRAY) {
        if (node != NULL && opening == STRING)
            node->bytes = lex->decoded;
        if (node != NULL && opening == NUMBER) {
            rdb_datum number;
            if (!type_numeric_ops.input(call, NULL, (rdb_slice){.data = lex->token_start, .length = (size_t)(lex->token_end - lex->token_start)}, -1, &number))
                return false;
            node->bytes = number.bytes;
        }
        return next(lex);
    }
    bool is_object = opening == OPEN_OBJECT;
    token closing = is_object ? CLOSE_OBJECT : CLOSE_ARRAY;
    if (!next(lex))
        return false;
    if (lex->token == closing)
        return next(lex);
    for (bool first = true;; first = false) {
        rdb_bytes key = {0};
        if (is_object) {
            if (lex->token != STRING)
                return expected(lex, first ? "string or \"}\"" : "string");
            key = lex->decoded;
            if (!next(lex))
                return false;
            if (lex->token != COLON)
                return expected(lex, "\":\"");
            if (!next(lex))
                return false;
        } else if (first && (lex->token == CLOSE_OBJECT || lex->token == COMMA || lex->token == COLON)) {
            return expected(lex, "array element or \"]\"");
        }
        type_json *item = NULL;
        const uint8_t *value_start = lex->token_start, *before_next;
        if (!parse_value(lex, depth + 1, tree != NULL ? &item : NULL, NULL))
            return false;
        if (node != NULL && !type_json_add(call, node, key, item))
            return false;
        if (members != NULL) {
            if (members->count == members->capacity) {
                uint32_t capacity = RDB_MAX(members->capacity * 2, 8);
                members->members = rdb_arena_try_grow(call->arena, members->members, sizeof(type_json_member) * members->capacity, sizeof(type_json_member) * capacity, call->err);
                if (members->members == NULL)
                    return false;
                members->capacity = capacity;
            }
            before_next = lex->token_start;
            while (before_next > value_start && (before_next[-1] == ' ' || before_next[-1] == '\t' || before_next[-1] == '\n' || before_next[-1] == '\r'))
                before_next--;
            members->members[members->count++] = (type_json_member){.key = key, .text = {.data = value_start, .length = (size_t)(before_next - value_start)}};
        }
        if (lex->token == closing)
            return next(lex);
        if (lex->token != COMMA)
            return expected(lex, is_object ? "\",\" or \"}\"" : "\",\" or \"]\"");
        if (!next(lex))
            return false;
    }
}

static bool parse_all(lexer *lex, type_json **tree, type_json_members *members)
{
    if (!next(lex) || !parse_value(lex, 0, tree, members))
        return false;
    if (lex->token != END)
        return fail_at(lex, SYNTAX, "Expected end of input, but found \"%.*s\".", (int)(lex->token_end - lex->token_start), (const char *)lex->token_start);
    return true;
}

static lexer make_lexer(rdb_call *call, rdb_slice text, bool wants_values)
{
    lexer lex = {.call = call, .start = text.data, .at = text.data, .end = text.data + text.length, .wants_values = wants_values};
    rdb_strbuf_init(&lex.string, call->arena);
    return lex;
}

bool type_json_parse(rdb_call *call, rdb_slice text, TYPE_UNUSED const char *type_name, type_json **tree)
{
    lexer lex = make_lexer(call, text, tree != NULL);
    return parse_all(&lex, tree, NULL);
}

bool type_json_split(rdb_call *call, rdb_slice text, type_json_members *members)
{
    lexer lex = make_lexer(call, text, true);
    memset(members, 0, sizeof *members);
    return parse_all(&lex, NULL, members);
}

/* ---- json as a type ----------------------------------------------------------------------------------------------------------- */
static bool json_input(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_json_parse(call, text, "json", NULL) && type_make_bytes(call, text.data, text.length, value);
}

static bool json_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_add(text, value.bytes.data, value.bytes.length);
    return true;
}

static bool json_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_check_utf8(call, text) && json_input(call, type, text, typmod, value);
}

/* No order and no equality, as in PostgreSQL. */
const rdb_type_ops type_json_ops = {.input = json_input, .output = json_output, .receive = json_receive, .send = json_output};

/* ---- SQL values as JSON ---------------------------------------------------------------------------------------------------------- */
void type_json_add_string(rdb_strbuf *text, rdb_bytes bytes)
{
    rdb_strbuf_addc(text, '"');
    for (uint32_t i = 0; i < bytes.length; i++) {
        uint8_t c = bytes.data[i];
        switch (c) {
        case '"':
            rdb_strbuf_adds(text, "\\\"");
            break;
        case '\\':
            rdb_strbuf_adds(text, "\\\\");
            break;
        case '\b':
            rdb_strbuf_adds(text, "\\b");
            break;
        case '\f':
            rdb_strbuf_adds(text, "\\f");
            break;
        case '\n':
            rdb_strbuf_adds(text, "\\n");
            break;
        case '\r':
            rdb_strbuf_adds(text, "\\r");
            break;
        case '\t':
            rdb_strbuf_adds(text, "\\t");
            break;
        default:
            if (c < 0x20)
                rdb_strbuf_addf(text, "\\u%04x", c);
            else
                rdb_strbuf_addc(text, (char)c);
            break;
        }
    }
    rdb_strbuf_addc(text, '"');
}

static bool array_from_value(rdb_call *call, const rdb_type *element, const type_array *array, int dimension, uint32_t *index, rdb_strbuf *text)
{
    rdb_strbuf_addc(text, '[');
    for (int32_t i = 0; array->count > 0 && i < array->lengths[dimension]; i++) {
        if (i > 0)
            rdb_strbuf_addc(text, ',');
        if (dimension + 1 < array->ndim) {
            if (!array_from_value(call, element, array, dimension + 1, index, text))
                return false;
            continue;
        }
        rdb_datum value;
        bool there = type_array_get(array, (*index)++, &value);
        if (!type_json_from_value(call, element, value, !there, text))
            return false;
    }
    rdb_strbuf_addc(text, ']');
    return true;
}

bool type_json_from_value(rdb_call *call, const rdb_type *type, rdb_datum value, bool is_null, rdb_strbuf *text)
{
    if (is_null) {
        rdb_strbuf_adds(text, "null");
        return true;
    }
    type = type_base(type);
    rdb_format_settings iso = *call->format;
    rdb_strbuf plain;
    rdb_strbuf_init(&plain, call->arena);
    iso.date_style = RDB_DATESTYLE_ISO;
    bool quoted = true;
    switch (type->oid) {
    case RDB_BOOLOID:
        rdb_strbuf_adds(text, value.b ? "true" : "false");
        return true;
    case RDB_JSONOID:
        rdb_strbuf_add(text, value.bytes.data, value.bytes.length);
        return true;
    case RDB_JSONBOID:
        return type_jsonb_format(call, value.bytes, text);
    case RDB_INT2OID:
    case RDB_INT4OID:
    case RDB_INT8OID:
    case RDB_FLOAT4OID:
    case RDB_FLOAT8OID:
    case RDB_NUMERICOID:
        if (!type_to_text(call, type, value, &plain))
            return false;
        quoted = plain.data != NULL && (plain.data[0] == 'N' || plain.data[0] == 'I' || (plain.data[0] == '-' && plain.data[1] == 'I'));
        break;
    case RDB_DATEOID:
        type_add_date(&plain, &iso, value.i32);
        break;
    case RDB_TIMESTAMPOID:
    case RDB_TIMESTAMPTZOID:
        type_add_timestamp(&plain, &iso, value.i64, type->oid == RDB_TIMESTAMPTZOID);
        if (plain.data != NULL) {
            char *blank = strchr(plain.data, ' ');
            if (blank != NULL && type_is_digit((unsigned char)blank[1]))
                *blank = 'T';
            if (type->oid == RDB_TIMESTAMPTZOID && value.i64 != TYPE_TIMESTAMP_INFINITY && value.i64 != TYPE_TIMESTAMP_MINUS_INFINITY) {
                /* the offset always has its minutes here */
                size_t length = plain.length;
                if (length > 3 && (plain.data[length - 3] == '+' || plain.data[length - 3] == '-'))
                    rdb_strbuf_adds(&plain, ":00");
            }
        }
        break;
    default:
        if ((type->element != NULL && type->oid != RDB_INT2VECTOROID && type->oid != RDB_OIDVECTOROID) || type->oid == RDB_ANYARRAYOID) {
            type_array array;
            const rdb_type *element;
            uint32_t index = 0;
            type_array_read(value.bytes, &array);
            return type_array_element(call, type, &array, &element) && array_from_value(call, element, &array, 0, &index, text);
        }
        if (type->kind == 'c' || type->oid == RDB_RECORDOID)
            return type_json_add_record(call, type, value, false, text);
        if (!type_to_text(call, type, value, &plain))
            return false;
        break;
    }
    if (!rdb_strbuf_check(&plain, call->err))
        return false;
    rdb_bytes bytes = {.data = (const uint8_t *)(plain.data != NULL ? plain.data : ""), .length = (uint32_t)plain.length};
    if (quoted)
        type_json_add_string(text, bytes);
    else
        rdb_strbuf_add(text, bytes.data, bytes.length);
    return true;
}
