/* SPDX-License-Identifier: Apache-2.0
 * The option table: values, mistakes and their messages, and what is printed from it. */
#include "base/rdb_options.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct arguments {
    const char *home, *format, *check;
    int64_t threads;
    bool json, home_given;
    rdb_option_list tables;
} arguments;

#define FIELD(name) RDB_OPTION_FIELD(arguments, name)
static const char *const FORMATS[] = {"table", "json", "csv", NULL};
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .given = FIELD(home_given),
     .environment = "RDB_TEST_HOME", .help = "instance directory"},
    {.name = "threads", .kind = RDB_OPT_COUNT, .field = FIELD(threads), .standard = "4", .min = 1, .max = 64,
     .help = "copy N files at a time"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print JSON"},
    {.letter = 'f', .name = "format", .kind = RDB_OPT_CHOICE, .choices = FORMATS, .field = FIELD(format),
     .standard = "table", .help = "how results look"},
    {.letter = 't', .name = "table", .kind = RDB_OPT_LIST, .field = FIELD(tables), .help = "only this table"},
    {.name = "check-config", .aliases = "validate-config check", .value = "FILE", .value_is_optional = true,
     .field = FIELD(check), .help = "check it"},
    {.name = "secret", .kind = RDB_OPT_FLAG, .field = FIELD(json), .hidden = true, .help = "unseen"},
};
static const rdb_program PROGRAM = {.name = "rdb-test", .summary = "tests", .operands = "FILE...", .operands_max = 2,
                                    .options = OPTIONS, .option_count = RDB_COUNT_OF(OPTIONS)};

static char said[20000]; /* stdout and stderr of the last parse */

/* Parses the words (cut at blanks), catching what is said. Returns -1 where the program goes on. */
static int parse(const char *line, arguments *fields, rdb_operands *operands)
{
    static char copy[500];
    static char *argv[32];
    char name[] = "/tmp/rdb-test-options-XXXXXX";
    int argc = 0, code = 0;
    snprintf(copy, sizeof copy, "rdb-test %s", line);
    for (char *at = copy, *word; (word = strsep(&at, " ")) != NULL;)
        if (*word != '\0')
            argv[argc++] = word;
    argv[argc] = NULL;
    memset(fields, 0, sizeof *fields);
    fflush(stdout);
    fflush(stderr);
    int file = mkstemp(name), out = dup(1), err = dup(2);
    dup2(file, 1);
    dup2(file, 2);
    bool go_on = rdb_options_parse(&PROGRAM, argc, argv, fields, operands, &code);
    fflush(stdout);
    fflush(stderr);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    ssize_t length = pread(file, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    close(file);
    unlink(name);
    return go_on ? -1 : code;
}

static void test_values(void **state)
{
    (void)state;
    arguments a;
    rdb_operands o;
    setenv("RDB_TEST_HOME", "/from/environment", 1);
    assert_int_equal(parse("one --threads=64 -t a -tb --table c two -f csv", &a, &o), -1);
    assert_string_equal(a.home, "/from/environment");
    assert_false(a.home_given);
    assert_int_equal(a.threads, 64);
    assert_ptr_equal(a.format, FORMATS[2]);
    assert_int_equal(a.tables.count, 3);
    assert_string_equal(a.tables.items[1], "b");
    assert_int_equal(o.count, 2);
    assert_string_equal(o.items[1], "two");
    assert_null(a.check);
    assert_int_equal(parse("-H /here --js --validate-config -- --json", &a, &o), -1);
    assert_string_equal(a.home, "/here");
    assert_true(a.home_given && a.json);
    assert_string_equal(a.check, "");
    assert_int_equal(a.threads, 4);
    assert_string_equal(a.format, "table");
    assert_string_equal(o.items[0], "--json");
    assert_int_equal(parse("--check=x.toml", &a, &o), -1);
    assert_string_equal(a.check, "x.toml");
    unsetenv("RDB_TEST_HOME");
    assert_int_equal(parse("", &a, &o), -1);
    assert_null(a.home);
}

static void test_mistakes_exit_2_and_name_help(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"--hoem=x", "unknown option --hoem; did you mean --home?"},
        {"--no-such-option", "unknown option --no-such-option\n"},
        {"-x", "unknown option -x"},
        {"--threads", "option --threads needs a value"},
        {"-H", "option -H needs a value"},
        {"--threads=65", "--threads: \"65\" is not a number from 1 to 64"},
        {"--threads=0", "is not a number from 1 to 64"},
        {"--threads=4x", "is not a number"},
        {"--format=jsn", "\"jsn\" is none of table, json, csv; did you mean \"json\"?"},
        {"--json=1", "option --json does not take a value"},
        {"--t", "option --t is ambiguous"},
        {"a b c", "unexpected operand \"c\""},
        {"--rdb-print-completion=ksh", "none of bash, zsh, fish"},
    };
    for (size_t case_no = 0; case_no < RDB_COUNT_OF(CASES); case_no++) {
        arguments a;
        rdb_operands o;
        assert_int_equal(parse(CASES[case_no][0], &a, &o), 2);
        if (strstr(said, CASES[case_no][1]) == NULL || strstr(said, "rdb-test --help") == NULL)
            fail_msg("%s said: %s", CASES[case_no][0], said);
    }
}

static void test_help_man_and_completions_hold_every_option(void **state)
{
    (void)state;
    static const char *const ASKED[] = {"--help", "--rdb-print-man-options", "--rdb-print-completion=bash",
                                        "--rdb-print-completion=zsh", "--rdb-print-completion=fish"};
    for (size_t asked_no = 0; asked_no < RDB_COUNT_OF(ASKED); asked_no++) {
        arguments a;
        rdb_operands o;
        assert_int_equal(parse(ASKED[asked_no], &a, &o), 0);
        for (size_t option_no = 0; option_no < RDB_COUNT_OF(OPTIONS); option_no++) {
            char name[64];
            snprintf(name, sizeof name, asked_no == 1 && strchr(OPTIONS[option_no].name, '-') ? "check\\-config" : "%s",
                     OPTIONS[option_no].name);
            if ((strstr(said, name) != NULL) == OPTIONS[option_no].hidden)
                fail_msg("%s and option %s:\n%s", ASKED[asked_no], name, said);
        }
    }
    arguments a;
    rdb_operands o;
    assert_int_equal(parse("--rdb-print-completion=bash", &a, &o), 0);
    FILE *bash = popen("bash -n", "w"); /* the shell itself finds it well-formed */
    assert_non_null(bash);
    fputs(said, bash);
    assert_int_equal(pclose(bash), 0);
    assert_int_equal(parse("--version", &a, &o), 0);
    assert_non_null(strstr(said, rdb_version()));
}

static void test_nearest_word(void **state)
{
    (void)state;
    static const char *const WORDS[] = {"listen_port", "listen_host", "max"};
    assert_string_equal(rdb_nearest_word("lsiten_port", WORDS, 3), "listen_port");
    assert_string_equal(rdb_nearest_word("listen_hots", WORDS, 3), "listen_host");
    assert_string_equal(rdb_nearest_word("listenport", WORDS, 3), "listen_port");
    assert_null(rdb_nearest_word("listnprt", WORDS, 3));
    assert_string_equal(rdb_nearest_word("mxa", WORDS, 3), "max");
    assert_null(rdb_nearest_word("min", WORDS, 3)); /* two of three letters: another word */
    assert_null(rdb_nearest_word("", WORDS, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_mistakes_exit_2_and_name_help),
        cmocka_unit_test(test_help_man_and_completions_hold_every_option),
        cmocka_unit_test(test_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
