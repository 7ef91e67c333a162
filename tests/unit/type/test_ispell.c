/* SPDX-License-Identifier: Apache-2.0
 * Dictionaries of affixes from files of the instance's directory: conditions of every kind, what is struck off, characters of several
 * bytes, words that are all parts of compounds, and files that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "type/rdb_ts.h"

static char directory[] = "/tmp/ispell-test-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    rdb_ts_set_directory(directory);
    write_file("some.affix", "COMPOUNDFLAG Z\nPFX P Y 1\nPFX P in ver in[^x]\nSFX S Y 4\nSFX S y ies [^aeiou]y\nSFX S 0 en [äö]r\nSFX S e ung [a-f]e\nSFX S 0 st (ab|cd)\n");
    write_file("some.dict", "2\nfly/S\nplay/S\nbär/S\nber/S\nleafe/S\nlege/S\nxab/S\nxac/S\nbog/S\ninlana/P\ninxa/P\na/Z\naa/Z\n");
    return 0;
}

static int tear_down(void **state)
{
    static const char *const NAMES[] = {"some.affix", "some.dict", "both.affix", "broken.affix"};
    (void)state;
    for (size_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", directory, NAMES[i]);
        unlink(path);
    }
    return rmdir(directory);
}

/* The lexemes with blanks between them; "-": not known. */
static const char *lexize(rdb_arena *arena, rdb_ts_dictionary *dictionary, const char *word)
{
    rdb_ts_lexemes found;
    rdb_strbuf text;
    rdb_error err = {0};
    assert_true(rdb_ts_dictionary_lexize(dictionary, arena, (rdb_slice){(const uint8_t *)word, strlen(word)}, &found, &err));
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_adds(&text, found.is_known ? "" : "-");
    for (uint32_t i = 0; i < found.count; i++)
        rdb_strbuf_addf(&text, "%s%.*s", i > 0 ? " " : "", (int)found.items[i].text.length, (const char *)found.items[i].text.data);
    rdb_strbuf_addc(&text, 0);
    return text.data;
}

static void test_conditions(void **state)
{
    static const rdb_ts_option OPTIONS[] = {{"dictfile", "some"}, {"afffile", "some"}};
    static const char *const CASES[][2] = {{"flies", "fly"}, {"plaies", "-"}, {"bären", "bär"}, {"BÄREN", "bär"}, {"beren", "-"}, {"leafung", "leafe"},
                                           {"legung", "-"}, {"xabst", "xab"}, {"xacst", "-"}, {"bogst", "-"}, {"verlana", "inlana"}, {"verxa", "-"}, {"fly", "fly"}, {"", "-"}};
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_ts_dictionary *dictionary = NULL;
    rdb_error err = {0};
    (void)state;
    assert_true(rdb_ts_dictionary_open("ispell", OPTIONS, 2, &dictionary, &err));
    for (size_t i = 0; i < RDB_COUNT_OF(CASES); i++)
        assert_string_equal(lexize(arena, dictionary, CASES[i][0]), CASES[i][1]);
    assert_string_equal(lexize(arena, dictionary, "aaa"), "a a a aa a a aa");
    /* 2^200 ways: the work on it is bounded */
    char many[201];
    memset(many, 'a', 200);
    many[200] = 0;
    assert_string_not_equal(lexize(arena, dictionary, many), "-");
    rdb_ts_dictionary_close(&dictionary);
    rdb_arena_destroy(arena);
}

static void refuse(const char *affixes, const char *sqlstate)
{
    const rdb_ts_option options[] = {{"dictfile", "some"}, {"afffile", affixes}};
    rdb_ts_dictionary *dictionary = NULL;
    rdb_error err = {0};
    assert_false(rdb_ts_dictionary_open("ispell", options, 2, &dictionary, &err));
    assert_true(rdb_error_is(&err, sqlstate));
    assert_null(dictionary);
    rdb_error_clear(&err);
}

static void test_wrong_files(void **state)
{
    (void)state;
    write_file("both.affix", "suffixes\nflag *S:\n. > S\nSFX S Y 1\nSFX S 0 s .\n");
    write_file("broken.affix", "SFX S Y 1\nSFX S 0 s [ab\n");
    refuse("both", "F0000");
    refuse("broken", "2201B");
    refuse("absent", "F0000");
    refuse("../some", "22023");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conditions), cmocka_unit_test(test_wrong_files)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
