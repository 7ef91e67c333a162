/* SPDX-License-Identifier: Apache-2.0
 * The text of a path to its tree. A complaint names what PostgreSQL's scanner would have in hand: a word that ended because a
 * sign or the end followed is gone by then, and one that ended at a blank leaves the blank. */
#include "type/jsonpath.h"
#include "type/numeric.h"
#include "type/tables.h"
#include "type/text_int.h"

typedef enum token {
    T_END, T_SIGN, /* one character: text */
    T_AND, T_OR, T_EQUAL, T_NOT_EQUAL, T_LESS, T_GREATER, T_LESS_EQUAL, T_GREATER_EQUAL, T_ANY_DEPTH, T_STRING, T_VARIABLE, T_INT,
    T_NUMBER, T_WORD,
    /* words of the language, all of them names too */
    T_IS, T_TO, T_ABS, T_LAX, T_FLAG, T_LAST, T_NULL, T_SIZE, T_TRUE, T_TYPE, T_WITH, T_FALSE, T_FLOOR, T_DOUBLE, T_EXISTS,
    T_STARTS, T_STRICT, T_CEILING, T_UNKNOWN, T_DATETIME, T_KEYVALUE, T_LIKE_REGEX
} token;

static const struct word {
    const char *text;
    token token;
    bool lower_only;
} WORDS[] = {
    {"is", T_IS, false}, {"to", T_TO, false}, {"abs", T_ABS, false}, {"lax", T_LAX, false}, {"flag", T_FLAG, false}, {"last", T_LAST, false},
    {"null", T_NULL, true}, {"size", T_SIZE, false}, {"true", T_TRUE, true}, {"type", T_TYPE, false}, {"with", T_WITH, false},
    {"false", T_FALSE, true}, {"floor", T_FLOOR, false}, {"double", T_DOUBLE, false}, {"exists", T_EXISTS, false},
    {"starts", T_STARTS, false}, {"strict", T_STRICT, false}, {"ceiling", T_CEILING, false}, {"unknown", T_UNKNOWN, false},
    {"datetime", T_DATETIME, false}, {"keyvalue", T_KEYVALUE, false}, {"like_regex", T_LIKE_REGEX, false},
};

typedef struct parser {
    rdb_call *call;
    const uint8_t *at, *end;
    token token;
    uint8_t sign;    /* of T_SIGN */
    rdb_bytes text;  /* the token's value */
    rdb_slice shown; /* what a complaint about it shows */
    int nesting;
} parser;

/* ---- tokens ------------------------------------------------------------------------------------------------------------------- */
static bool complain(parser *p, const char *message)
{
    if (p->shown.length == 0)
        return rdb_error_set(p->call->err, RDB_SYNTAX_ERROR, "%s at end of jsonpath input", message);
    return rdb_error_set(p->call->err, RDB_SYNTAX_ERROR, "%s at or near \"%.*s\" of jsonpath input", message, (int)p->shown.length,
                         (const char *)p->shown.data);
}

static bool complain_about(parser *p, const char *message, const uint8_t *start, const uint8_t *end)
{
    p->shown = (rdb_slice){.data = start, .length = (size_t)(end - start)};
    return complain(p, message);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_special(uint8_t c)
{
    return c != 0 && strchr("?%$.[]{}()|&!=<>@#,*:-+/", c) != NULL;
}

/* What words are made of. */
static bool is_other(const parser *p, const uint8_t *at)
{
    return at < p->end && !is_blank(*at) && !is_special(*at) && *at != '\\' && *at != '"';
}

static int hex_digit(const parser *p, const uint8_t *at)
{
    int c = at < p->end ? type_lower(*at) : 0;
    return type_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One \uXXXX or \u{X...} at `at`; NULL where it is malformed, *stop says how far it went. */
static const uint8_t *read_unicode(const parser *p, const uint8_t *at, uint32_t *code, const uint8_t **stop)
{
    const uint8_t *from = at + 2;
    bool braced = from < p->end && *from == '{';
    int digits = 0;
    *code = 0;
    from += braced;
    for (; digits < (braced ? 6 : 4) && hex_digit(p, from) >= 0; digits++, from++)
        *code = *code << 4 | (uint32_t)hex_digit(p, from);
    *stop = from;
    if (braced ? digits == 0 || from == p->end || *from != '}' : digits != 4)
        return NULL;
    return from + braced;
}

/* A run of unicode escapes: surrogates must pair within it. */
static bool read_unicodes(parser *p, rdb_strbuf *out)
{
    uint32_t high = 0, code;
    const uint8_t *start = p->at, *stop;
    static const char SYNTAX[] = "invalid input syntax for type jsonpath";
    for (const uint8_t *scan = p->at; p->end - scan >= 2 && scan[0] == '\\' && scan[1] == 'u';) {
        const uint8_t *after = read_unicode(p, scan, &code, &stop);
        if (after == NULL)
            return complain_about(p, "invalid unicode sequence", start, stop);
        scan = after;
    }
    while (p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'u') {
        p->at = read_unicode(p, p->at, &code, &stop);
        if (code >= 0xd800 && code <= 0xdbff) {
            if (high != 0) {
                rdb_error_set(p->call->err, RDB_INVALID_TEXT_REPRESENTATION, SYNTAX);
                return rdb_error_detail(p->call->err, "Unicode high surrogate must not follow a high surrogate.");
            }
            high = code;
            continue;
        }
        bool is_low = code >= 0xdc00 && code <= 0xdfff;
        if (is_low != (high != 0)) {
            rdb_error_set(p->call->err, RDB_INVALID_TEXT_REPRESENTATION, SYNTAX);
            return rdb_error_detail(p->call->err, "Unicode low surrogate must follow a high surrogate.");
        }
        if (is_low)
            code = 0x10000 + ((high & 0x3ff) << 10) + (code & 0x3ff);
        high = 0;
        if (code == 0) {
            rdb_error_set(p->call->err, RDB_UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence");
            return rdb_error_detail(p->call->err, "\\u0000 cannot be converted to text.");
        }
        if (code > 0x10ffff)
            return rdb_error_set(p->call->err, RDB_SYNTAX_ERROR, "could not convert Unicode to server encoding");
        type_utf8_encode(out, code);
    }
    if (high != 0) {
        rdb_error_set(p->call->err, RDB_INVALID_TEXT_REPRESENTATION, SYNTAX);
        return rdb_error_detail(p->call->err, "Unicode low surrogate must follow a high surrogate.");
    }
    return true;
}

/* What a backslash begins, in strings and words alike. */
static bool read_escape(parser *p, rdb_strbuf *out)
{
    static const char FROM[] = "bfnrtv", TO[] = "\b\f\n\r\t\v";
    const uint8_t *start = p->at;
    if (p->end - start < 2)
        return complain_about(p, "unexpected end after backslash", start, p->end);
    uint8_t c = start[1];
    if (c == 'u')
        return read_unicodes(p, out);
    if (c == 'x') {
        int first = hex_digit(p, start + 2), second = first < 0 ? -1 : hex_digit(p, start + 3);
        if (second < 0)
            return complain_about(p, "invalid hex character sequence", start, start + 2 + (first >= 0));
        uint32_t code = (uint32_t)(first << 4 | second);
        if (code == 0) {
            rdb_error_set(p->call->err, RDB_UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence");
            return rdb_error_detail(p->call->err, "\\u0000 cannot be converted to text.");
        }
        type_utf8_encode(out, code);
        p->at = start + 4;
        return true;
    }
    const char *found = c == 0 ? NULL : strchr(FROM, c);
    rdb_strbuf_addc(out, found != NULL ? TO[found - FROM] : (char)c);
    p->at = start + 2;
    return true;
}

static bool take_text(parser *p, rdb_strbuf *out)
{
    rdb_datum value = {.words = {0, 0}};
    if (!rdb_strbuf_check(out, p->call->err) || !type_take_buffer(p->call, out, &value))
        return false;
    p->text = value.bytes;
    return true;
}

static bool skip_comment(parser *p)
{
    for (p->at += 2; p->end - p->at >= 2; p->at++) {
        if (p->at[0] == '*' && p->at[1] == '/') {
            p->at += 2;
            return true;
        }
    }
    return complain_about(p, "unexpected end of comment", p->end, p->end);
}

static bool is_comment(const parser *p)
{
    return p->end - p->at >= 2 && p->at[0] == '/' && p->at[1] == '*';
}

static bool read_quoted(parser *p, token kind)
{
    rdb_strbuf out;
    rdb_strbuf_init(&out, p->call->arena);
    for (p->at++;;) {
        if (p->at == p->end)
            return complain_about(p, "unexpected end of quoted string", p->end, p->end);
        if (*p->at == '"')
            break;
        if (*p->at == '\\') {
            if (!read_escape(p, &out))
                return false;
        } else {
            rdb_strbuf_addc(&out, (char)*p->at++);
        }
    }
    p->shown = (rdb_slice){.data = p->at++, .length = 1};
    p->token = kind;
    return take_text(p, &out);
}

static bool next(parser *p);

static bool read_word(parser *p)
{
    rdb_strbuf out;
    rdb_strbuf_init(&out, p->call->arena);
    p->shown = (rdb_slice){.data = p->end, .length = 0};
    while (p->at < p->end) {
        if (*p->at == '\\') {
            if (!read_escape(p, &out))
                return false;
        } else if (is_comment(p)) { /* right after a word it takes the word away, as PostgreSQL has it */
            return skip_comment(p) && next(p);
        } else if (is_blank(*p->at)) {
            p->shown = (rdb_slice){.data = p->at, .length = 0};
            while (p->at < p->end && is_blank(*p->at)) {
                p->at++;
                p->shown.length++;
            }
            break;
        } else if (is_other(p, p->at)) {
            rdb_strbuf_addc(&out, (char)*p->at++);
        } else {
            break;
        }
    }
    if (!take_text(p, &out))
        return false;
    p->token = T_WORD;
    rdb_slice text = {.data = p->text.data, .length = p->text.length};
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++) {
        if (WORDS[i].lower_only ? strlen(WORDS[i].text) == text.length && memcmp(WORDS[i].text, text.data, text.length) == 0
                                : type_equals_ignoring_case(text, WORDS[i].text))
            p->token = WORDS[i].token;
    }
    return true;
}

static const uint8_t *skip_digits(const parser *p, const uint8_t *at)
{
    while (at < p->end && type_is_digit(*at))
        at++;
    return at;
}

/* The longest of a number, a number with a wrong end, and a word that begins with digits ("12ab") counts; of equally long
 * ones the number. */
static bool read_number(parser *p)
{
    const uint8_t *start = p->at, *at = start, *word_end = start;
    bool is_int = true;
    while (is_other(p, word_end) && *start != '.')
        word_end++;
    if (*at != '.')
        at = *at == '0' ? at + 1 : skip_digits(p, at);
    if (at < p->end && *at == '.') {
        is_int = false;
        at = skip_digits(p, at + 1);
    }
    if (at < p->end && (*at == 'e' || *at == 'E')) {
        const uint8_t *exponent = at + 1;
        if (exponent < p->end && (*exponent == '+' || *exponent == '-'))
            exponent++;
        if (exponent < p->end && type_is_digit(*exponent)) {
            is_int = false;
            at = skip_digits(p, exponent);
        } else if (exponent > at + 1 && exponent >= word_end) {
            return complain_about(p, "invalid numeric literal", start, exponent);
        }
    }
    if (word_end > at + is_other(p, at))
        return read_word(p);
    if (is_other(p, at))
        return complain_about(p, "trailing junk after numeric literal", start, at + 1);
    p->shown = (rdb_slice){.data = start, .length = (size_t)(at - start)};
    p->text = (rdb_bytes){.data = start, .length = (uint32_t)(at - start)};
    p->token = is_int ? T_INT : T_NUMBER;
    p->at = at;
    return true;
}

static bool next(parser *p)
{
    static const struct {
        const char *text;
        token token;
    } PAIRS[] = {{"&&", T_AND}, {"||", T_OR}, {"**", T_ANY_DEPTH}, {"<=", T_LESS_EQUAL}, {"==", T_EQUAL}, {"<>", T_NOT_EQUAL},
                 {"!=", T_NOT_EQUAL}, {">=", T_GREATER_EQUAL}, {"<", T_LESS}, {">", T_GREATER}};
    for (;;) {
        if (p->at == p->end) {
            p->token = T_END;
            p->shown = (rdb_slice){.data = p->end, .length = 0};
            return true;
        }
        if (is_comment(p)) {
            if (!skip_comment(p))
                return false;
        } else if (is_blank(*p->at)) {
            p->at++;
        } else {
            break;
        }
    }
    const uint8_t *start = p->at;
    size_t left = (size_t)(p->end - start);
    if (*start == '"')
        return read_quoted(p, T_STRING);
    if (*start == '$' && left > 1 && start[1] == '"') {
        p->at++;
        return read_quoted(p, T_VARIABLE);
    }
    if (*start == '$' && is_other(p, start + 1)) {
        while (is_other(p, ++p->at))
            ;
        p->text = (rdb_bytes){.data = start + 1, .length = (uint32_t)(p->at - start - 1)};
        p->shown = (rdb_slice){.data = start, .length = (size_t)(p->at - start)};
        p->token = T_VARIABLE;
        return true;
    }
    if (type_is_digit(*start) || (*start == '.' && left > 1 && type_is_digit(start[1])))
        return read_number(p);
    if (!is_special(*start))
        return read_word(p);
    for (size_t i = 0; i < RDB_COUNT_OF(PAIRS); i++) {
        size_t length = strlen(PAIRS[i].text);
        if (length <= left && memcmp(start, PAIRS[i].text, length) == 0) {
            p->token = PAIRS[i].token;
            p->at += length;
            p->shown = (rdb_slice){.data = start, .length = length};
            return true;
        }
    }
    p->token = T_SIGN;
    p->sign = *p->at++;
    p->shown = (rdb_slice){.data = start, .length = 1};
    return true;
}

/* ---- the tree ------------------------------------------------------------------------------------------------------------------ */
static bool is_sign(const parser *p, uint8_t sign)
{
    return p->token == T_SIGN && p->sign == sign;
}

static bool unexpected(parser *p)
{
    return complain(p, "syntax error");
}

static bool expect_sign(parser *p, uint8_t sign)
{
    return is_sign(p, sign) ? next(p) : unexpected(p);
}

static bool too_deep(parser *p)
{
    return rdb_error_set(p->call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
}

/* A node over its parts; a missing one is NULL. */
static bool make(parser *p, type_jsonpath_kind kind, rdb_bytes bytes, uint32_t part_count, type_jsonpath *first, type_jsonpath *second, type_jsonpath **node)
{
    type_jsonpath *made = RDB_NEW(p->call->arena, type_jsonpath);
    made->kind = kind;
    made->bytes = bytes;
    made->part_count = part_count;
    if (part_count > 0) {
        made->parts = RDB_NEW_ARRAY(p->call->arena, type_jsonpath *, part_count);
        made->parts[0] = first;
        if (part_count > 1)
            made->parts[1] = second;
        for (uint32_t i = 0; i < part_count; i++) {
            for (const type_jsonpath *part = made->parts[i]; part != NULL; part = part->next)
                made->depth = RDB_MAX(made->depth, part->depth + 1);
        }
    }
    *node = made;
    return made->depth <= TYPE_JSONPATH_DEPTH_MAX || too_deep(p);
}
#define NO_BYTES ((rdb_bytes){0})

static bool parse_or(parser *p, type_jsonpath **node);
static bool parse_sum(parser *p, type_jsonpath **node);

/* A predicate where one is called for. */
static bool parse_predicate(parser *p, type_jsonpath **node)
{
    return parse_or(p, node) && (type_jsonpath_is_predicate(*node) || unexpected(p));
}

/* An expression that is no bare predicate. */
static bool parse_expression(parser *p, type_jsonpath **node)
{
    return parse_sum(p, node) && (!type_jsonpath_is_predicate(*node) || unexpected(p));
}

static bool parse_level(parser *p, uint32_t *level)
{
    if (p->token == T_LAST) {
        *level = TYPE_JSONPATH_LAST;
        return next(p);
    }
    int64_t value;
    if (p->token != T_INT)
        return unexpected(p);
    if (!type_parse_int(p->call, (rdb_slice){.data = p->text.data, .length = p->text.length}, INT32_MIN, INT32_MAX, "integer", &value))
        return false;
    *level = (uint32_t)value;
    return next(p);
}

static bool parse_levels(parser *p, type_jsonpath **node)
{
    if (!make(p, TYPE_JSONPATH_ANY_DEPTH, NO_BYTES, 0, NULL, NULL, node) || !next(p))
        return false;
    (*node)->high = TYPE_JSONPATH_LAST;
    if (!is_sign(p, '{'))
        return true;
    if (!next(p) || !parse_level(p, &(*node)->low))
        return false;
    (*node)->high = (*node)->low;
    if (p->token == T_TO && !(next(p) && parse_level(p, &(*node)->high)))
        return false;
    return expect_sign(p, '}');
}

static bool parse_elements(parser *p, type_jsonpath **node)
{
    type_jsonpath *parts[16];
    uint32_t count = 0, kept_count = 0;
    type_jsonpath **kept = NULL;
    for (;;) { /* after '[' or ',' */
        type_jsonpath *from, *to = NULL;
        if (!parse_expression(p, &from))
            return false;
        if (p->token == T_TO && !(next(p) && parse_expression(p, &to)))
            return false;
        parts[count++] = from;
        parts[count++] = to;
        bool more = is_sign(p, ',');
        if (count == RDB_COUNT_OF(parts) || !more) {
            kept = rdb_arena_try_grow(p->call->arena, kept, sizeof *kept * kept_count, sizeof *kept * (kept_count + count), p->call->err);
            if (kept == NULL)
                return false;
            memcpy(kept + kept_count, parts, sizeof *kept * count);
            kept_count += count;
            count = 0;
        }
        if (!more)
            break;
        if (!next(p))
            return false;
    }
    type_jsonpath *made = RDB_NEW(p->call->arena, type_jsonpath);
    made->kind = TYPE_JSONPATH_ELEMENTS;
    made->parts = kept;
    made->part_count = kept_count;
    for (uint32_t i = 0; i < kept_count; i++) {
        for (const type_jsonpath *part = kept[i]; part != NULL; part = part->next)
            made->depth = RDB_MAX(made->depth, part->depth + 1);
    }
    *node = made;
    return made->depth <= TYPE_JSONPATH_DEPTH_MAX ? expect_sign(p, ']') : too_deep(p);
}

/* After a dot. A method's name is one only where its brackets follow. */
static bool parse_member(parser *p, type_jsonpath **node)
{
    static const struct {
        token token;
        type_jsonpath_kind kind;
    } METHODS[] = {{T_ABS, TYPE_JSONPATH_ABS}, {T_SIZE, TYPE_JSONPATH_SIZE}, {T_TYPE, TYPE_JSONPATH_TYPE}, {T_FLOOR, TYPE_JSONPATH_FLOOR},
                   {T_DOUBLE, TYPE_JSONPATH_DOUBLE}, {T_CEILING, TYPE_JSONPATH_CEILING}, {T_KEYVALUE, TYPE_JSONPATH_KEYVALUE}, {T_DATETIME, TYPE_JSONPATH_DATETIME}};
    if (is_sign(p, '*'))
        return make(p, TYPE_JSONPATH_ANY_KEY, NO_BYTES, 0, NULL, NULL, node) && next(p);
    if (p->token == T_ANY_DEPTH)
        return parse_levels(p, node);
    if (p->token < T_WORD && p->token != T_STRING)
        return unexpected(p);
    token word = p->token;
    if (!make(p, TYPE_JSONPATH_KEY, p->text, 0, NULL, NULL, node) || !next(p))
        return false;
    if (!is_sign(p, '('))
        return true;
    for (size_t i = 0; i < RDB_COUNT_OF(METHODS); i++) {
        if (METHODS[i].token != word)
            continue;
        (*node)->kind = METHODS[i].kind;
        (*node)->bytes = NO_BYTES;
        if (!next(p))
            return false;
        if (word == T_DATETIME && p->token == T_STRING) {
            type_jsonpath *template;
            if (!make(p, TYPE_JSONPATH_STRING, p->text, 0, NULL, NULL, &template) ||
                !make(p, TYPE_JSONPATH_DATETIME, NO_BYTES, 1, template, NULL, node) || !next(p))
                return false;
        }
        return expect_sign(p, ')');
    }
    return unexpected(p);
}

static bool at_accessor(const parser *p)
{
    return is_sign(p, '.') || is_sign(p, '[') || is_sign(p, '?');
}

/* The accessors that follow a primary. */
static bool parse_accessors(parser *p, type_jsonpath *node)
{
    while (node->next != NULL)
        node = node->next;
    while (at_accessor(p)) {
        uint8_t sign = p->sign;
        if (!next(p))
            return false;
        if (sign == '.') {
            if (!parse_member(p, &node->next))
                return false;
        } else if (sign == '[') {
            if (is_sign(p, '*')) {
                if (!make(p, TYPE_JSONPATH_ANY_ELEMENT, NO_BYTES, 0, NULL, NULL, &node->next) || !next(p) || !expect_sign(p, ']'))
                    return false;
            } else if (!parse_elements(p, &node->next)) {
                return false;
            }
        } else {
            type_jsonpath *condition;
            if (!expect_sign(p, '(') || !parse_predicate(p, &condition) || !expect_sign(p, ')') ||
                !make(p, TYPE_JSONPATH_FILTER, NO_BYTES, 1, condition, NULL, &node->next))
                return false;
        }
        node = node->next;
    }
    return true;
}

static bool make_number(parser *p, type_jsonpath **node)
{
    rdb_datum number;
    rdb_slice text = {.data = p->text.data, .length = p->text.length};
    return type_numeric_ops.input(p->call, NULL, text, -1, &number) && make(p, TYPE_JSONPATH_NUMBER, number.bytes, 0, NULL, NULL, node);
}

static bool parse_exists(parser *p, type_jsonpath **node)
{
    type_jsonpath *inside;
    return next(p) && expect_sign(p, '(') && parse_expression(p, &inside) && expect_sign(p, ')') &&
           make(p, TYPE_JSONPATH_EXISTS, NO_BYTES, 1, inside, NULL, node);
}

/* '(' ... ')': a predicate, a predicate whose answer is asked for, or an expression; with accessors the first is an expression too. */
static bool parse_brackets(parser *p, type_jsonpath **node)
{
    if (!next(p) || !parse_or(p, node) || !expect_sign(p, ')'))
        return false;
    if (type_jsonpath_is_predicate(*node) && p->token == T_IS) {
        if (!next(p) || (p->token != T_UNKNOWN && !unexpected(p)))
            return false;
        return make(p, TYPE_JSONPATH_IS_UNKNOWN, NO_BYTES, 1, *node, NULL, node) && next(p);
    }
    return parse_accessors(p, *node);
}

static bool parse_unit(parser *p, type_jsonpath **node)
{
    bool ok;
    switch (p->token) {
    case T_STRING:
        ok = make(p, TYPE_JSONPATH_STRING, p->text, 0, NULL, NULL, node);
        break;
    case T_VARIABLE:
        ok = make(p, TYPE_JSONPATH_VARIABLE, p->text, 0, NULL, NULL, node);
        break;
    case T_NULL:
        ok = make(p, TYPE_JSONPATH_NULL, NO_BYTES, 0, NULL, NULL, node);
        break;
    case T_TRUE:
        ok = make(p, TYPE_JSONPATH_TRUE, NO_BYTES, 0, NULL, NULL, node);
        break;
    case T_FALSE:
        ok = make(p, TYPE_JSONPATH_FALSE, NO_BYTES, 0, NULL, NULL, node);
        break;
    case T_LAST:
        ok = make(p, TYPE_JSONPATH_LAST_INDEX, NO_BYTES, 0, NULL, NULL, node);
        break;
    case T_INT:
    case T_NUMBER:
        ok = make_number(p, node);
        break;
    case T_SIGN:
        if (p->sign == '(')
            return parse_brackets(p, node);
        if (p->sign == '$' || p->sign == '@') {
            ok = make(p, p->sign == '$' ? TYPE_JSONPATH_ROOT : TYPE_JSONPATH_CURRENT, NO_BYTES, 0, NULL, NULL, node);
            break;
        }
        return unexpected(p);
    default:
        return unexpected(p);
    }
    return ok && next(p) && parse_accessors(p, *node);
}

/* Every recursion of the grammar passes here. */
static bool parse_primary(parser *p, type_jsonpath **node)
{
    if (++p->nesting > TYPE_JSONPATH_DEPTH_MAX)
        return too_deep(p);
    if (!parse_unit(p, node))
        return false;
    p->nesting--;
    return true;
}

/* + and - before an operand; of a number they make another number. */
static bool parse_sign(parser *p, type_jsonpath **node)
{
    bool minus = is_sign(p, '-');
    if (!minus && !is_sign(p, '+'))
        return parse_primary(p, node);
    if (++p->nesting > TYPE_JSONPATH_DEPTH_MAX)
        return too_deep(p);
    type_jsonpath *operand;
    if (!next(p) || !parse_sign(p, &operand))
        return false;
    p->nesting--;
    if (type_jsonpath_is_predicate(operand))
        return unexpected(p);
    if (operand->kind != TYPE_JSONPATH_NUMBER || operand->next != NULL)
        return make(p, minus ? TYPE_JSONPATH_MINUS : TYPE_JSONPATH_PLUS, NO_BYTES, 1, operand, NULL, node);
    *node = operand;
    if (!minus)
        return true;
    type_numeric zero, number, negated;
    rdb_datum value = {.words = {0, 0}};
    type_numeric_set_int(&zero, 0, 0);
    type_numeric_read(operand->bytes, &number);
    bool ok = type_numeric_add(p->call, &zero, &number, true, &negated) && type_numeric_write(p->call, &negated, &value);
    type_numeric_clear(&number);
    type_numeric_clear(&negated);
    return ok && make(p, TYPE_JSONPATH_NUMBER, value.bytes, 0, NULL, NULL, node);
}

static bool parse_product(parser *p, type_jsonpath **node)
{
    if (!parse_sign(p, node))
        return false;
    while (!type_jsonpath_is_predicate(*node) && (is_sign(p, '*') || is_sign(p, '/') || is_sign(p, '%'))) {
        type_jsonpath_kind kind = p->sign == '*' ? TYPE_JSONPATH_MULTIPLY : p->sign == '/' ? TYPE_JSONPATH_DIVIDE : TYPE_JSONPATH_MODULO;
        type_jsonpath *right;
        if (!next(p) || !parse_sign(p, &right) || (type_jsonpath_is_predicate(right) && !unexpected(p)) ||
            !make(p, kind, NO_BYTES, 2, *node, right, node))
            return false;
    }
    return true;
}

static bool parse_sum(parser *p, type_jsonpath **node)
{
    if (!parse_product(p, node))
        return false;
    while (!type_jsonpath_is_predicate(*node) && (is_sign(p, '+') || is_sign(p, '-'))) {
        type_jsonpath_kind kind = p->sign == '+' ? TYPE_JSONPATH_ADD : TYPE_JSONPATH_SUBTRACT;
        type_jsonpath *right;
        if (!next(p) || !parse_product(p, &right) || (type_jsonpath_is_predicate(right) && !unexpected(p)) ||
            !make(p, kind, NO_BYTES, 2, *node, right, node))
            return false;
    }
    return true;
}

static bool parse_like_regex(parser *p, type_jsonpath **node)
{
    if (!next(p) || (p->token != T_STRING && !unexpected(p)))
        return false;
    if (!make(p, TYPE_JSONPATH_LIKE_REGEX, p->text, 1, *node, NULL, node) || !next(p))
        return false;
    if (p->token == T_FLAG) {
        static const char LETTERS[] = "ismxq";
        if (!next(p) || (p->token != T_STRING && !unexpected(p)))
            return false;
        for (uint32_t i = 0; i < p->text.length; i++) {
            uint8_t c = p->text.data[i];
            const char *found = c == 0 ? NULL : strchr(LETTERS, c);
            if (found == NULL) {
                rdb_error_set(p->call->err, RDB_SYNTAX_ERROR, "invalid input syntax for type jsonpath");
                return rdb_error_detail(p->call->err, "Unrecognized flag character \"%.*s\" in LIKE_REGEX predicate.",
                                        (int)RDB_MIN(rdb_utf8_length(c), p->text.length - i), (const char *)p->text.data + i);
            }
            (*node)->low |= 1u << (found - LETTERS);
        }
        if (!next(p))
            return false;
    }
    type_regex_flags flags;
    type_regex regex;
    if (!type_jsonpath_regex_flags(p->call, (*node)->low, &flags) || !type_regex_open(p->call, &regex, (*node)->bytes, flags))
        return false;
    type_regex_close(&regex);
    return true;
}

static bool parse_comparison(parser *p, type_jsonpath **node)
{
    if (!parse_sum(p, node) || type_jsonpath_is_predicate(*node))
        return !rdb_error_is_set(p->call->err);
    if (p->token >= T_EQUAL && p->token <= T_GREATER_EQUAL) {
        static const type_jsonpath_kind KINDS[] = {TYPE_JSONPATH_EQUAL, TYPE_JSONPATH_NOT_EQUAL, TYPE_JSONPATH_LESS, TYPE_JSONPATH_GREATER, TYPE_JSONPATH_LESS_EQUAL, TYPE_JSONPATH_GREATER_EQUAL};
        type_jsonpath_kind kind = KINDS[p->token - T_EQUAL];
        type_jsonpath *right;
        return next(p) && parse_expression(p, &right) && make(p, kind, NO_BYTES, 2, *node, right, node);
    }
    if (p->token == T_STARTS) {
        type_jsonpath *initial;
        if (!next(p) || (p->token != T_WITH && !unexpected(p)) || !next(p))
            return false;
        if (p->token != T_STRING && p->token != T_VARIABLE)
            return unexpected(p);
        return make(p, p->token == T_STRING ? TYPE_JSONPATH_STRING : TYPE_JSONPATH_VARIABLE, p->text, 0, NULL, NULL, &initial) && next(p) &&
               make(p, TYPE_JSONPATH_STARTS_WITH, NO_BYTES, 2, *node, initial, node);
    }
    return p->token != T_LIKE_REGEX || parse_like_regex(p, node);
}

static bool parse_not(parser *p, type_jsonpath **node)
{
    if (p->token == T_EXISTS)
        return parse_exists(p, node);
    if (!is_sign(p, '!'))
        return parse_comparison(p, node);
    type_jsonpath *inside;
    if (!next(p))
        return false;
    if (p->token == T_EXISTS) {
        if (!parse_exists(p, &inside))
            return false;
    } else if (!expect_sign(p, '(') || !parse_predicate(p, &inside) || !expect_sign(p, ')')) {
        return false;
    }
    return make(p, TYPE_JSONPATH_NOT, NO_BYTES, 1, inside, NULL, node);
}

static bool parse_and(parser *p, type_jsonpath **node)
{
    if (!parse_not(p, node))
        return false;
    while (type_jsonpath_is_predicate(*node) && p->token == T_AND) {
        type_jsonpath *right;
        if (!next(p) || !parse_not(p, &right) || (!type_jsonpath_is_predicate(right) && !unexpected(p)) ||
            !make(p, TYPE_JSONPATH_AND, NO_BYTES, 2, *node, right, node))
            return false;
    }
    return true;
}

static bool parse_or(parser *p, type_jsonpath **node)
{
    if (!parse_and(p, node))
        return false;
    while (type_jsonpath_is_predicate(*node) && p->token == T_OR) {
        type_jsonpath *right;
        if (!next(p) || !parse_and(p, &right) || (!type_jsonpath_is_predicate(right) && !unexpected(p)) ||
            !make(p, TYPE_JSONPATH_OR, NO_BYTES, 2, *node, right, node))
            return false;
    }
    return true;
}

/* What grammar alone does not forbid: @ outside filters, last outside subscripts. */
static bool check_places(parser *p, const type_jsonpath *path, bool in_filter, bool in_subscript)
{
    for (; path != NULL; path = path->next) {
        if (path->kind == TYPE_JSONPATH_CURRENT && !in_filter)
            return rdb_error_set(p->call->err, RDB_SYNTAX_ERROR, "@ is not allowed in root expressions");
        if (path->kind == TYPE_JSONPATH_LAST_INDEX && !in_subscript)
            return rdb_error_set(p->call->err, RDB_SYNTAX_ERROR, "LAST is allowed only in array subscripts");
        for (uint32_t i = 0; i < path->part_count; i++) {
            if (!check_places(p, path->parts[i], in_filter || path->kind == TYPE_JSONPATH_FILTER, in_subscript || path->kind == TYPE_JSONPATH_ELEMENTS))
                return false;
        }
    }
    return true;
}

bool type_jsonpath_parse(rdb_call *call, rdb_slice text, type_jsonpath **path, bool *is_lax)
{
    parser p = {.call = call, .at = text.data, .end = text.data + text.length};
    *is_lax = true;
    if (!next(&p))
        return false;
    if (p.token == T_END)
        return type_bad_input(call, "jsonpath", text);
    if (p.token == T_STRICT || p.token == T_LAX) {
        *is_lax = p.token == T_LAX;
        if (!next(&p))
            return false;
    }
    if (!parse_or(&p, path))
        return false;
    return p.token == T_END ? check_places(&p, *path, false, false) : unexpected(&p);
}
