/* SPDX-License-Identifier: Apache-2.0
 * SQLSTATEs, details and hints of the scanner's and grammar's errors. The parser library gives the message and the
 * position only; what PostgreSQL says beside them is told from the message here. Most are 42601, and stand not here. */
#include "sql/sql_int.h"

typedef struct parser_message {
    const char *text; /* the message, or its opening where it ends in '*' */
    char sqlstate[6];
    const char *detail, *hint;
} parser_message;

static const parser_message MESSAGES[] = {
    {"unsafe use of string constant with Unicode escapes", "0A000",
     "String constants with Unicode escapes cannot be used when standard_conforming_strings is off.", NULL},
    {"invalid Unicode escape", "22025", NULL, "Unicode escapes must be \\uXXXX or \\UXXXXXXXX."},
    {"unsafe use of \\' in a string literal", "22P06", NULL,
     "Use '' to write quotes in strings. \\' is insecure in client-only encodings."},
    {"invalid byte sequence for encoding*", "22021", NULL, NULL},
    {"stack depth limit exceeded", "54001", NULL, NULL},
    {"out of memory", "53200", NULL, NULL},
    {"CREATE ASSERTION is not yet implemented", "0A000", NULL, NULL},
    {"CREATE SCHEMA IF NOT EXISTS cannot include schema elements", "0A000", NULL, NULL},
    {"MATCH PARTIAL not yet implemented", "0A000", NULL, NULL},
    {"UNIQUE predicate is not yet implemented", "0A000", NULL, NULL},
    {"WITH CHECK OPTION not supported on recursive views", "0A000", NULL, NULL},
    {"aggregates cannot have output arguments", "0A000", NULL, NULL},
    {"current database cannot be changed", "0A000", NULL, NULL},
    {"a column list with *", "0A000", NULL, NULL},
    {"CHECK constraints cannot be marked *", "0A000", NULL, NULL},
    {"NOT NULL constraints cannot be marked *", "0A000", NULL, NULL},
    {"FOREIGN KEY constraints cannot be marked *", "0A000", NULL, NULL},
    {"PRIMARY KEY constraints cannot be marked *", "0A000", NULL, NULL},
    {"UNIQUE constraints cannot be marked *", "0A000", NULL, NULL},
    {"EXCLUDE constraints cannot be marked *", "0A000", NULL, NULL},
    {"precision for type float must be at least 1 bit", "22023", NULL, NULL},
    {"precision for type float must be less than 54 bits", "22023", NULL, NULL},
    {"frame start cannot be UNBOUNDED FOLLOWING", "42P20", NULL, NULL},
    {"frame end cannot be UNBOUNDED PRECEDING", "42P20", NULL, NULL},
    {"frame starting from *", "42P20", NULL, NULL},
    {"modulus for hash partition provided more than once", "42710", NULL, NULL},
    {"remainder for hash partition provided more than once", "42710", NULL, NULL},
    {"subquery in FROM must have an alias", "42601", NULL, "For example, FROM (SELECT ...) [AS] foo."},
    {"VALUES in FROM must have an alias", "42601", NULL, "For example, FROM (VALUES ...) [AS] foo."},
    {"missing argument", "42601", NULL, "Use NONE to denote the missing argument of a unary operator."},
    {"LIMIT #,# syntax is not supported", "42601", NULL, "Use separate LIMIT and OFFSET clauses."},
};

static bool message_matches(const char *pattern, const char *message)
{
    size_t length = strlen(pattern);
    if (pattern[length - 1] == '*')
        return strncmp(pattern, message, length - 1) == 0;
    return strcmp(pattern, message) == 0;
}

/* The scanner appends " at or near ..." to what it reports through yyerror; those are 42601, whatever they open with. */
bool sql_set_parser_error(rdb_error *err, const char *message, const char *function, int32_t position)
{
    /* The same message as in E'...', but of U&'...', which the grammar reads: another code, another hint. */
    if (function != NULL && strcmp(function, "str_udeescape") == 0 && strcmp(message, "invalid Unicode escape") == 0) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "%s", message);
        rdb_error_hint(err, "Unicode escapes must be \\XXXX or \\+XXXXXX.");
        return rdb_error_position(err, position);
    }
    for (size_t at = 0; at < RDB_COUNT_OF(MESSAGES); at++) {
        if (!message_matches(MESSAGES[at].text, message))
            continue;
        rdb_error_set(err, MESSAGES[at].sqlstate, "%s", message);
        if (MESSAGES[at].detail != NULL)
            rdb_error_detail(err, "%s", MESSAGES[at].detail);
        if (MESSAGES[at].hint != NULL)
            rdb_error_hint(err, "%s", MESSAGES[at].hint);
        return rdb_error_position(err, position);
    }
    rdb_error_set(err, RDB_SYNTAX_ERROR, "%s", message);
    return rdb_error_position(err, position);
}
