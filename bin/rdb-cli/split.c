/* SPDX-License-Identifier: Apache-2.0
 * The end of a statement, found by its quotes alone: what the words mean is the server's business. */
#include "split.h"

#include <ctype.h>

typedef struct cursor {
    const char *text;
    size_t length, at;
    char open_with;
} cursor;

static char peek(const cursor *c, size_t ahead)
{
    return c->at + ahead < c->length ? c->text[c->at + ahead] : '\0';
}

static bool is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

/* Past the closing quote; false where the text ends first. A doubled quote reads as two quoted parts side by side. */
static bool skip_quoted(cursor *c, char quote, bool has_backslashes)
{
    for (c->at++; c->at < c->length; c->at++) {
        if (c->text[c->at] == '\\' && has_backslashes)
            c->at++;
        else if (c->text[c->at] == quote) {
            c->at++;
            return true;
        }
    }
    c->at = c->length;
    c->open_with = quote;
    return false;
}

static bool skip_comment(cursor *c)
{
    uint32_t depth = 0;
    while (c->at < c->length) {
        if (peek(c, 0) == '/' && peek(c, 1) == '*') {
            depth++;
            c->at += 2;
        } else if (peek(c, 0) == '*' && peek(c, 1) == '/') {
            c->at += 2;
            if (--depth == 0)
                return true;
        } else {
            c->at++;
        }
    }
    c->open_with = '*';
    return false;
}

/* $tag$ ... $tag$; a '$' that opens nothing is an ordinary byte. */
static bool skip_dollar_quoted(cursor *c)
{
    size_t tag_end = c->at + 1;
    while (tag_end < c->length && is_word_byte(c->text[tag_end]))
        tag_end++;
    if (tag_end >= c->length || c->text[tag_end] != '$' || isdigit((unsigned char)c->text[c->at + 1])) {
        c->at++;
        return true;
    }
    size_t tag_length = tag_end + 1 - c->at;
    const char *tag = c->text + c->at, *body = tag + tag_length;
    const char *close = memmem(body, c->length - tag_end - 1, tag, tag_length);
    if (close == NULL) {
        c->at = c->length;
        c->open_with = '$';
        return false;
    }
    c->at = (size_t)(close - c->text) + tag_length;
    return true;
}

cli_split cli_split_next(const char *text, size_t length, size_t *start, size_t *end, char *open_with)
{
    cursor c = {.text = text, .length = length, .open_with = '-'};
    bool has_begun = false;
    uint32_t depth = 0;
    *start = length;
    while (c.at < length) {
        char byte = c.text[c.at];
        if (isspace((unsigned char)byte)) {
            c.at++;
            continue;
        }
        if (byte == '-' && peek(&c, 1) == '-') {
            const char *line_end = memchr(text + c.at, '\n', length - c.at);
            c.at = line_end != NULL ? (size_t)(line_end - text) : length;
            continue;
        }
        if (byte == '/' && peek(&c, 1) == '*') {
            if (!skip_comment(&c))
                break;
            continue;
        }
        if (byte == '\\') {
            *end = c.at;
            if (!has_begun)
                *start = c.at;
            return CLI_SPLIT_META;
        }
        if (!has_begun)
            *start = c.at;
        has_begun = true;
        if (byte == ';' && depth == 0) {
            *end = c.at + 1;
            return CLI_SPLIT_WHOLE;
        }
        if (byte == '\'' || byte == '"') {
            if (!skip_quoted(&c, byte, false))
                break;
        } else if (byte == '$') {
            if (!skip_dollar_quoted(&c))
                break;
        } else if (is_word_byte(byte)) {
            /* A word hides its own '$'; the word E before a quote gives backslashes their meaning. */
            size_t word_at = c.at;
            while (c.at < length && (is_word_byte(text[c.at]) || text[c.at] == '$'))
                c.at++;
            if (c.at - word_at == 1 && (byte == 'e' || byte == 'E') && peek(&c, 0) == '\'' && !skip_quoted(&c, '\'', true))
                break;
        } else {
            depth += byte == '(';
            depth -= byte == ')' && depth > 0;
            c.at++;
        }
    }
    *end = length;
    *open_with = c.open_with != '-' ? c.open_with : depth > 0 ? '(' : '-';
    return has_begun || c.open_with == '*' ? CLI_SPLIT_OPEN : CLI_SPLIT_BLANK;
}

/* ---- variables ---------------------------------------------------------------------------------------------------- */
static void add_quoted(rdb_strbuf *out, const char *value, char quote)
{
    bool has_backslash = quote == '\'' && strchr(value, '\\') != NULL;
    if (has_backslash)
        rdb_strbuf_adds(out, " E");
    rdb_strbuf_addc(out, quote);
    for (; *value != '\0'; value++) {
        if (*value == quote || (has_backslash && *value == '\\'))
            rdb_strbuf_addc(out, *value);
        rdb_strbuf_addc(out, *value);
    }
    rdb_strbuf_addc(out, quote);
}

void cli_split_interpolate(const char *text, size_t length, const char *(*lookup)(void *at, const char *name, size_t length), void *at, rdb_strbuf *out, bool *changed)
{
    cursor c = {.text = text, .length = length};
    *changed = false;
    while (c.at < length) {
        size_t from = c.at;
        char byte = text[c.at];
        if (byte == '-' && peek(&c, 1) == '-') {
            const char *line_end = memchr(text + c.at, '\n', length - c.at);
            c.at = line_end != NULL ? (size_t)(line_end - text) : length;
        } else if (byte == '/' && peek(&c, 1) == '*') {
            (void)skip_comment(&c);
        } else if (byte == '\'' || byte == '"') {
            (void)skip_quoted(&c, byte, from > 0 && (text[from - 1] == 'E' || text[from - 1] == 'e') && (from < 2 || !is_word_byte(text[from - 2])));
        } else if (byte == '$' && (from == 0 || !is_word_byte(text[from - 1]))) {
            (void)skip_dollar_quoted(&c);
        } else if (byte == ':' && (peek(&c, 1) == ':' || peek(&c, 1) == '=')) {
            c.at += 2;
        } else if (byte == ':') {
            char quote = peek(&c, 1) == '\'' || peek(&c, 1) == '"' ? peek(&c, 1) : '\0';
            size_t name = c.at + 1 + (quote != '\0'), end = name;
            while (end < length && is_word_byte(text[end]))
                end++;
            bool is_closed = quote == '\0' || (end < length && text[end] == quote);
            const char *value = end > name && is_closed ? lookup(at, text + name, end - name) : NULL;
            c.at = c.at + 1;
            if (value != NULL) {
                if (quote != '\0')
                    add_quoted(out, value, quote);
                else
                    rdb_strbuf_adds(out, value);
                *changed = true;
                c.at = end + (quote != '\0');
                continue;
            }
        } else {
            c.at++;
        }
        rdb_strbuf_add(out, text + from, c.at - from);
    }
}
