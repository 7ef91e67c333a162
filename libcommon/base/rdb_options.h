/* SPDX-License-Identifier: Apache-2.0
 * A program's command line, written once: the table makes the parser, --help, the OPTIONS of the man page and the
 * completions of three shells. The parsing is getopt_long's: --name=value or --name value, unambiguous beginnings of
 * names, letters bundled, options and operands in any order, "--" ends the options.
 *
 *     typedef struct arguments { const char *home; int64_t thread_count; bool json; } arguments;
 *     #define FIELD(name) RDB_OPTION_FIELD(arguments, name)
 *     static const rdb_option OPTIONS[] = {
 *         {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .environment = "RUSTYDB_HOME",
 *          .help = "instance directory (or RUSTYDB_HOME)"},
 *     };
 *
 * Every program has --help, --version and, unseen, --rdb-print-man-options and --rdb-print-completion=bash|zsh|fish. */
#ifndef RDB_OPTIONS_H
#define RDB_OPTIONS_H

#include "base/rdb_base.h"

/* The exit codes of all programs. */
typedef enum rdb_exit {
    RDB_EXIT_DONE = 0,
    RDB_EXIT_GENERAL = 1,
    RDB_EXIT_USAGE = 2, /* or configuration */
    RDB_EXIT_INITIALISATION = 3,
    RDB_EXIT_CONNECTION = 4,
    RDB_EXIT_PERMISSION = 5,
    RDB_EXIT_DAMAGE = 6, /* the check ran and found damage */
    RDB_EXIT_SQL = 7,
    RDB_EXIT_BUSY = 8, /* or locked */
    RDB_EXIT_PARTIAL = 9,
    RDB_EXIT_REFUSED = 10, /* as unsafe */
    RDB_EXIT_INTERRUPTED = 130
} rdb_exit;

typedef enum rdb_option_kind {
    RDB_OPT_TEXT,   /* const char * */
    RDB_OPT_FLAG,   /* bool, no value */
    RDB_OPT_COUNT,  /* int64_t in min..max */
    RDB_OPT_CHOICE, /* const char *, one of the choices (the table's own pointer) */
    RDB_OPT_LIST    /* rdb_option_list: may be given again and again */
} rdb_option_kind;

#define RDB_OPTION_LIST_MAX 64
typedef struct rdb_option_list {
    const char *items[RDB_OPTION_LIST_MAX];
    uint32_t count;
} rdb_option_list;

typedef struct rdb_option {
    char letter;             /* 0: none */
    rdb_option_kind kind;
    const char *name;
    const char *value;       /* what --help calls the value: DIR, FILE, PATH complete as such */
    const char *aliases;     /* further names, separated by blanks; accepted, not shown */
    const char *standard;    /* the value when none is given, as text */
    const char *environment; /* a variable that stands in when the option is not given */
    const char *const *choices; /* NULL-terminated */
    int64_t min, max;        /* of a count; both 0: any number from 0 on */
    const char *help;        /* lower case, no final period */
    size_t field;            /* RDB_OPTION_FIELD(...) */
    size_t given;            /* RDB_OPTION_FIELD of a bool: the option stood on the command line */
    bool value_is_optional;  /* only as --name=value; without one a text becomes "" */
    bool hidden;
} rdb_option;

/* One more than the offset, so that 0 is "no field". */
#define RDB_OPTION_FIELD(type, name) (offsetof(type, name) + 1)

typedef struct rdb_program {
    const char *name, *summary;  /* summary: one sentence, as the man page's NAME has it */
    const char *operands;        /* for the usage line: "FILE..."; NULL: none are taken */
    uint32_t operands_min, operands_max;
    const char *const *usages;   /* NULL-terminated further usage lines after the name; NULL: one made from operands */
    const char *epilog;          /* text after the options in --help; NULL: none */
    const rdb_option *options;
    size_t option_count;
} rdb_program;

typedef struct rdb_operands {
    char *const *items;
    uint32_t count;
} rdb_operands;

/* Fills the fields (cleared by the caller). False: the program ends now with *exit_code, all is said already (help and
 * version on stdout with 0, mistakes on stderr with 2). May reorder argv; values point into it. */
RDB_CHECKED bool rdb_options_parse(const rdb_program *program, int argc, char **argv, void *fields,
                                   rdb_operands *operands, int *exit_code);
/* Says a mistake that main found itself the way the parser does; returns RDB_EXIT_USAGE. */
int rdb_options_refuse(const rdb_program *program, const char *format, ...) RDB_PRINTF(2, 3);
/* "program: message", detail and hint on stderr, or one JSON object; returns the exit code that fits the SQLSTATE. */
int rdb_options_report(const rdb_program *program, bool json, const rdb_error *err);

/* The nearest of the words at edit distance 2 or less (a transposition counts one), or NULL. */
const char *rdb_nearest_word(const char *word, const char *const *words, size_t word_count);

/* What --version prints after the program's name. */
const char *rdb_version(void);

#endif
