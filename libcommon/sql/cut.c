/* SPDX-License-Identifier: Apache-2.0
 * Where the statements of a script end. A semicolon ends one unless it stands in a quote, a comment, brackets, or the
 * BEGIN ATOMIC ... END body of a function; nothing else of the grammar is looked at. (The parser library's own splitter
 * loses statements that hold no keyword it knows, and cuts such bodies apart.) */
#include "sql/sql_int.h"

typedef struct cutter {
    const char *text;
    size_t length, at;
    bool standard_conforming_strings;
    bool opened;          /* a token of the statement was met */
    size_t start, end;    /* of the tokens met */
    uint32_t brackets;    /* open ones */
    uint32_t bodies;      /* BEGIN and CASE that wait for their END, within a function's body */
    uint32_t word_count;  /* words of the statement so far */
    bool creates;         /* CREATE opened it */
    bool makes_routine;   /* CREATE [OR REPLACE] FUNCTION or PROCEDURE opened it */
} cutter;

static char peek(const cutter *c, size_t ahead)
{
    return c->at + ahead < c->length ? c->text[c->at + ahead] : '\0';
}

static bool opens_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool goes_on_word(char c)
{
    return opens_word(c) || (c >= '0' && c <= '9') || c == '$';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* At "--" or an opening comment. Comments nest. False where the text ends first. */
static bool pass_comment(cutter *c)
{
    if (peek(c, 0) == '-') {
        while (c->at < c->length && c->text[c->at] != '\n' && c->text[c->at] != '\r')
            c->at++;
        return true;
    }
    uint32_t depth = 0;
    do {
        if (peek(c, 0) == '/' && peek(c, 1) == '*') {
            depth++;
            c->at += 2;
        } else if (peek(c, 0) == '*' && peek(c, 1) == '/') {
            depth--;
            c->at += 2;
        } else {
            c->at++;
        }
    } while (depth > 0 && c->at < c->length);
    return depth == 0;
}

/* At the opening quote. Two quotes stand for one, which reads as two quoted texts in a row: as good here. */
static bool pass_quoted(cutter *c, char quote, bool escapes)
{
    for (c->at++; c->at < c->length; c->at++) {
        if (escapes && c->text[c->at] == '\\') {
            c->at++;
        } else if (c->text[c->at] == quote) {
            c->at++;
            return true;
        }
    }
    c->at = c->length;
    return false;
}

/* At a dollar. False where the text ends within; a dollar that opens no quote is passed alone. */
static bool pass_dollar(cutter *c)
{
    size_t tag = 1;
    if (opens_word(peek(c, tag)))
        while (goes_on_word(peek(c, tag)) && peek(c, tag) != '$')
            tag++;
    if (peek(c, tag) != '$') {
        c->at++;
        return true;
    }
    tag++;
    const char *opening = c->text + c->at;
    for (c->at += tag; c->at + tag <= c->length; c->at++) {
        if (memcmp(c->text + c->at, opening, tag) == 0) {
            c->at += tag;
            return true;
        }
    }
    c->at = c->length;
    return false;
}

static bool word_is(const char *word, size_t length, const char *upper)
{
    for (size_t at = 0; at < length; at++)
        if ((word[at] >= 'a' && word[at] <= 'z' ? word[at] - 'a' + 'A' : word[at]) != upper[at])
            return false; /* the end of upper differs from any letter */
    return upper[length] == '\0';
}

/* CREATE OR REPLACE FUNCTION ... BEGIN ATOMIC ... CASE ... END ... END: outside of routines BEGIN is a statement. */
static void note_word(cutter *c, const char *word, size_t length)
{
    c->word_count++;
    if (c->word_count == 1)
        c->creates = word_is(word, length, "CREATE");
    else if (c->creates && (c->word_count == 2 || c->word_count == 4) &&
             (word_is(word, length, "FUNCTION") || word_is(word, length, "PROCEDURE")))
        c->makes_routine = true;
    if (!c->makes_routine || c->brackets > 0)
        return;
    if (word_is(word, length, "BEGIN") || (c->bodies > 0 && word_is(word, length, "CASE")))
        c->bodies++;
    else if (c->bodies > 0 && word_is(word, length, "END"))
        c->bodies--;
}

static rdb_sql_cut_end pass_word(cutter *c)
{
    const char *word = c->text + c->at;
    while (goes_on_word(peek(c, 0)))
        c->at++;
    size_t length = (size_t)(c->text + c->at - word);
    if (length == 1 && (word[0] == 'e' || word[0] == 'E') && peek(c, 0) == '\'')
        return pass_quoted(c, '\'', true) ? RDB_SQL_CUT_TEXT : RDB_SQL_CUT_IN_QUOTE;
    note_word(c, word, length);
    return RDB_SQL_CUT_TEXT;
}

/* Passes one token; RDB_SQL_CUT_TEXT says that it was whole. */
static rdb_sql_cut_end pass_token(cutter *c)
{
    char first = peek(c, 0);
    if (first == '\'')
        return pass_quoted(c, '\'', !c->standard_conforming_strings) ? RDB_SQL_CUT_TEXT : RDB_SQL_CUT_IN_QUOTE;
    if (first == '"')
        return pass_quoted(c, '"', false) ? RDB_SQL_CUT_TEXT : RDB_SQL_CUT_IN_NAME;
    if (first == '$')
        return pass_dollar(c) ? RDB_SQL_CUT_TEXT : RDB_SQL_CUT_IN_DOLLAR;
    if (opens_word(first))
        return pass_word(c);
    if (first == '(' || first == '[')
        c->brackets++;
    else if ((first == ')' || first == ']') && c->brackets > 0)
        c->brackets--;
    c->at++;
    /* 1$2: the dollar of a number or a parameter opens no quote. */
    while (first >= '0' && first <= '9' && goes_on_word(peek(c, 0)))
        c->at++;
    return RDB_SQL_CUT_TEXT;
}

static rdb_sql_cut_end cut_statement(cutter *c)
{
    while (c->at < c->length) {
        char first = peek(c, 0), second = peek(c, 1);
        if (is_blank(first)) {
            c->at++;
            continue;
        }
        if ((first == '-' && second == '-') || (first == '/' && second == '*')) {
            if (!pass_comment(c))
                return RDB_SQL_CUT_IN_COMMENT;
            continue;
        }
        if (first == ';' && c->brackets == 0 && c->bodies == 0) {
            c->at++;
            if (c->opened)
                return RDB_SQL_CUT_SEMICOLON;
            continue;
        }
        if (!c->opened) {
            c->opened = true;
            c->start = c->at;
        }
        rdb_sql_cut_end end = pass_token(c);
        c->end = c->at;
        if (end != RDB_SQL_CUT_TEXT)
            return end;
    }
    if (!c->opened)
        return RDB_SQL_CUT_NOTHING;
    return c->brackets > 0 || c->bodies > 0 ? RDB_SQL_CUT_IN_BRACKETS : RDB_SQL_CUT_TEXT;
}

rdb_sql_cut_end rdb_sql_cut(const char *text, size_t length, bool standard_conforming_strings, rdb_sql_piece *piece)
{
    cutter c = {.text = text, .length = length, .standard_conforming_strings = standard_conforming_strings};
    rdb_sql_cut_end end = cut_statement(&c);
    *piece = (rdb_sql_piece){.start = c.opened ? c.start : c.at, .length = c.opened ? c.end - c.start : 0, .next = c.at};
    return end;
}
