/* SPDX-License-Identifier: Apache-2.0
 * The command line: parsing and the messages about it. What is made from the table for people and shells is in
 * options_print.c. */
#include "base/options_int.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef RDB_VERSION
#define RDB_VERSION "0.1.0"
#endif

/* getopt_long's answers for long options: the option's number past every character. */
#define LONG_BASE 1000
#define ANSWER_HELP 600
#define ANSWER_VERSION 601
#define ANSWER_MAN 602
#define ANSWER_COMPLETION 603

const char *rdb_version(void)
{
    return RDB_VERSION;
}

static int refuse_va(const rdb_program *program, const char *format, va_list arguments)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", program->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry \"%s --help\" for more information.\n", program->name);
    return RDB_EXIT_USAGE;
}

int rdb_options_refuse(const rdb_program *program, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int code = refuse_va(program, format, arguments);
    va_end(arguments);
    return code;
}

static int exit_code_of(const rdb_error *err)
{
    static const struct {
        const char *beginning;
        rdb_exit code;
    } CODES[] = {{"22023", RDB_EXIT_USAGE},      {"F0", RDB_EXIT_USAGE},         {"08", RDB_EXIT_CONNECTION},
                 {"42501", RDB_EXIT_PERMISSION}, {"28", RDB_EXIT_PERMISSION},    {"XX001", RDB_EXIT_DAMAGE},
                 {"XX002", RDB_EXIT_DAMAGE},     {"55006", RDB_EXIT_BUSY},       {"55P03", RDB_EXIT_BUSY},
                 {"57014", RDB_EXIT_INTERRUPTED}, {"58", RDB_EXIT_GENERAL}};
    for (size_t code_no = 0; code_no < RDB_COUNT_OF(CODES); code_no++)
        if (strncmp(err->sqlstate, CODES[code_no].beginning, strlen(CODES[code_no].beginning)) == 0)
            return CODES[code_no].code;
    return RDB_EXIT_GENERAL;
}

int rdb_options_report(const rdb_program *program, bool json, const rdb_error *err)
{
    fflush(stdout);
    if (json) {
        rdb_strbuf buf;
        rdb_strbuf_init(&buf, NULL);
        const char *fields[][2] = {{"sqlstate", err->sqlstate},
                                   {"message", rdb_error_message(err)},
                                   {"detail", rdb_error_detail_text(err)},
                                   {"hint", err->hint}};
        rdb_strbuf_adds(&buf, "{\"severity\":\"ERROR\"");
        for (size_t field_no = 0; field_no < RDB_COUNT_OF(fields); field_no++) {
            if (fields[field_no][1][0] == '\0')
                continue;
            rdb_strbuf_addf(&buf, ",\"%s\":", fields[field_no][0]);
            rdb_strbuf_add_json(&buf, fields[field_no][1], strlen(fields[field_no][1]));
        }
        rdb_strbuf_adds(&buf, "}\n");
        fputs(buf.failed ? "{\"severity\":\"ERROR\",\"sqlstate\":\"53200\"}\n" : buf.data, stderr);
        rdb_strbuf_free(&buf);
    } else {
        fprintf(stderr, "%s: error: %s\n", program->name, rdb_error_message(err));
        if (err->detail[0] != '\0')
            fprintf(stderr, "detail: %s\n", rdb_error_detail_text(err));
        if (err->hint[0] != '\0')
            fprintf(stderr, "hint: %s\n", err->hint);
    }
    return exit_code_of(err);
}

static void *field_at(void *fields, size_t field)
{
    return (uint8_t *)fields + field - 1;
}

/* Takes one value; source names where it stands, for the message. */
static bool take_value(const rdb_program *program, const rdb_option *option, const char *value, const char *source,
                       void *fields, int *exit_code)
{
    void *field = field_at(fields, option->field);
    switch (option->kind) {
    case RDB_OPT_FLAG:
        *(bool *)field = value == NULL || strcmp(value, "0") != 0;
        return true;
    case RDB_OPT_TEXT:
        *(const char **)field = value != NULL ? value : "";
        return true;
    case RDB_OPT_LIST: {
        rdb_option_list *list = field;
        if (list->count == RDB_OPTION_LIST_MAX) {
            *exit_code = rdb_options_refuse(program, "%s is given more than %d times", source, RDB_OPTION_LIST_MAX);
            return false;
        }
        list->items[list->count++] = value;
        return true;
    }
    case RDB_OPT_COUNT: {
        char *end;
        bool bounded = option->min != 0 || option->max != 0;
        int64_t min = option->min, max = bounded ? option->max : INT64_MAX;
        errno = 0;
        long long number = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0 || number < min || number > max) {
            if (bounded)
                *exit_code = rdb_options_refuse(program, "%s: \"%s\" is not a number from %lld to %lld", source, value,
                                                (long long)min, (long long)max);
            else
                *exit_code = rdb_options_refuse(program, "%s: \"%s\" is not a number", source, value);
            return false;
        }
        *(int64_t *)field = number;
        return true;
    }
    case RDB_OPT_CHOICE: {
        size_t count = 0;
        for (; option->choices[count] != NULL; count++)
            if (strcmp(option->choices[count], value) == 0) {
                *(const char **)field = option->choices[count];
                return true;
            }
        rdb_strbuf list;
        rdb_strbuf_init(&list, NULL);
        for (size_t choice_no = 0; choice_no < count; choice_no++)
            rdb_strbuf_addf(&list, "%s%s", choice_no == 0 ? "" : ", ", option->choices[choice_no]);
        const char *nearest = rdb_nearest_word(value, option->choices, count);
        *exit_code = rdb_options_refuse(program, "%s: \"%s\" is none of %s%s%s%s", source, value,
                                        list.data != NULL ? list.data : "the choices",
                                        nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                                        nearest != NULL ? "\"?" : "");
        rdb_strbuf_free(&list);
        return false;
    }
    }
    return true;
}

static int refuse_unknown(const rdb_program *program, const struct option *longs, size_t long_count, const char *word)
{
    char name[128];
    snprintf(name, sizeof name, "%s", word + 2);
    name[strcspn(name, "=")] = '\0';
    const char *names[OPTION_NAMES_MAX];
    size_t count = 0;
    bool ambiguous = false;
    for (size_t long_no = 0; long_no < long_count; long_no++) {
        if (strncmp(longs[long_no].name, "rdb-print-", 10) == 0)
            continue;
        names[count++] = longs[long_no].name;
        ambiguous = ambiguous || strncmp(longs[long_no].name, name, strlen(name)) == 0;
    }
    if (ambiguous)
        return rdb_options_refuse(program, "option --%s is ambiguous", name);
    const char *nearest = rdb_nearest_word(name, names, count);
    if (nearest != NULL)
        return rdb_options_refuse(program, "unknown option --%s; did you mean --%s?", name, nearest);
    return rdb_options_refuse(program, "unknown option --%s", name);
}

typedef struct names {
    struct option longs[OPTION_NAMES_MAX + 1];
    size_t long_count;
    char letters[2 * OPTION_NAMES_MAX + 8];
    char alias_text[2048];
} names;

static void add_long(names *n, const char *name, int has_value, int answer)
{
    RDB_VERIFY(n->long_count < OPTION_NAMES_MAX);
    n->longs[n->long_count++] = (struct option){name, has_value, NULL, answer};
}

static void collect_names(const rdb_program *program, names *n)
{
    char *letter = n->letters, *alias_at = n->alias_text;
    *letter++ = ':'; /* missing values are told apart from unknown options */
    for (size_t option_no = 0; option_no < program->option_count; option_no++) {
        const rdb_option *option = &program->options[option_no];
        int has_value = option->kind == RDB_OPT_FLAG ? no_argument
                        : option->value_is_optional  ? optional_argument
                                                     : required_argument;
        add_long(n, option->name, has_value, LONG_BASE + (int)option_no);
        if (option->aliases != NULL) {
            size_t bytes = strlen(option->aliases) + 1;
            RDB_VERIFY(alias_at + bytes <= n->alias_text + sizeof n->alias_text);
            memcpy(alias_at, option->aliases, bytes);
            char *rest = alias_at;
            alias_at += bytes;
            for (char *alias; (alias = strsep(&rest, " ")) != NULL;)
                add_long(n, alias, has_value, LONG_BASE + (int)option_no);
        }
        if (option->letter != 0) {
            *letter++ = option->letter;
            if (has_value == required_argument)
                *letter++ = ':';
        }
    }
    add_long(n, "help", no_argument, ANSWER_HELP);
    add_long(n, "version", no_argument, ANSWER_VERSION);
    add_long(n, "rdb-print-man-options", no_argument, ANSWER_MAN);
    add_long(n, "rdb-print-completion", required_argument, ANSWER_COMPLETION);
    *letter = '\0';
}

static const rdb_option *find_letter(const rdb_program *program, int letter)
{
    for (size_t option_no = 0; option_no < program->option_count; option_no++)
        if (program->options[option_no].letter == letter)
            return &program->options[option_no];
    return NULL;
}

/* What was asked of the table itself; the exit code. */
static int answer_about_table(const rdb_program *program, int answer, const char *value)
{
    switch (answer) {
    case ANSWER_HELP:
        options_print_help(program, stdout);
        break;
    case ANSWER_VERSION:
        printf("%s (RustyDB) %s\n", program->name, rdb_version());
        break;
    case ANSWER_MAN:
        options_print_man(program, stdout);
        break;
    default:
        if (!options_print_completion(program, value, stdout))
            return rdb_options_refuse(program, "--rdb-print-completion: \"%s\" is none of bash, zsh, fish", value);
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "%s: could not write to standard output: %s\n", program->name, strerror(errno));
        return RDB_EXIT_GENERAL;
    }
    return RDB_EXIT_DONE;
}

/* The values of options that were not given: from the environment, else the table's own. */
static bool take_standards(const rdb_program *program, const bool *was_given, void *fields, int *exit_code)
{
    for (size_t option_no = 0; option_no < program->option_count; option_no++) {
        const rdb_option *option = &program->options[option_no];
        if (was_given[option_no])
            continue;
        const char *value = option->environment != NULL ? getenv(option->environment) : NULL;
        const char *source = option->environment;
        if (value == NULL || value[0] == '\0') {
            value = option->standard;
            source = option->name;
        }
        if (value != NULL && !take_value(program, option, value, source, fields, exit_code))
            return false;
    }
    return true;
}

bool rdb_options_parse(const rdb_program *program, int argc, char **argv, void *fields, rdb_operands *operands,
                       int *exit_code)
{
    *exit_code = RDB_EXIT_DONE;
    *operands = (rdb_operands){0};
    RDB_VERIFY(program->option_count <= OPTION_NAMES_MAX);
    names *n = calloc(1, sizeof *n);
    if (n == NULL) {
        fprintf(stderr, "%s: out of memory\n", program->name);
        *exit_code = RDB_EXIT_GENERAL;
        return false;
    }
    collect_names(program, n);
    bool was_given[OPTION_NAMES_MAX] = {false}, ok = true;
    opterr = 0;
    optind = 0; /* glibc: start anew, so that a process may parse twice */
    for (int answer; ok && (answer = getopt_long(argc, argv, n->letters, n->longs, NULL)) != -1;) {
        const rdb_option *option = NULL;
        const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (answer >= LONG_BASE) {
            option = &program->options[answer - LONG_BASE];
        } else if (answer >= ANSWER_HELP) {
            *exit_code = answer_about_table(program, answer, optarg);
            ok = false;
        } else if (answer == ':') {
            const rdb_option *letter = find_letter(program, optopt);
            if (optopt >= LONG_BASE)
                *exit_code = rdb_options_refuse(program, "option --%s needs a value", program->options[optopt - LONG_BASE].name);
            else
                *exit_code = rdb_options_refuse(program, "option %s needs a value",
                                                letter != NULL ? word : "--rdb-print-completion");
            ok = false;
        } else if (answer == '?') {
            if (optopt > 0 && optopt < 256)
                *exit_code = rdb_options_refuse(program, "unknown option -%c", optopt);
            else if (optopt >= LONG_BASE)
                *exit_code = rdb_options_refuse(program, "option --%s does not take a value",
                                                program->options[optopt - LONG_BASE].name);
            else
                *exit_code = refuse_unknown(program, n->longs, n->long_count, word);
            ok = false;
        } else {
            option = find_letter(program, answer);
        }
        if (option != NULL) {
            char source[140];
            snprintf(source, sizeof source, "--%s", option->name);
            was_given[option - program->options] = true;
            if (option->given != 0)
                *(bool *)field_at(fields, option->given) = true;
            ok = take_value(program, option, optarg, source, fields, exit_code);
        }
    }
    free(n);
    ok = ok && take_standards(program, was_given, fields, exit_code);
    if (!ok)
        return false;
    operands->items = argv + optind;
    operands->count = (uint32_t)(argc - optind);
    if (operands->count > program->operands_max) {
        *exit_code = rdb_options_refuse(program, "unexpected operand \"%s\"", operands->items[program->operands_max]);
        return false;
    }
    if (operands->count < program->operands_min) {
        *exit_code = rdb_options_refuse(program, "missing operand: %s", program->operands);
        return false;
    }
    return true;
}
