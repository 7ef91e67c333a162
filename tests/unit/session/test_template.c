/* SPDX-License-Identifier: Apache-2.0
 * The reader of statement templates: which texts are the same but for their literals, and which are left alone. */
#include "session/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static bool same_key(const char *left, const char *right)
{
    template_key a, b;
    assert_true(template_read(left, strlen(left), &a));
    assert_true(template_read(right, strlen(right), &b));
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static bool is_read(const char *text)
{
    template_key key;
    return template_read(text, strlen(text), &key);
}

static void test_literals_do_not_count(void **state)
{
    (void)state;
    template_key key;
    static const char text[] = "select a1 from t where k = 42 and s = 'it''s' and n<1.50 and b>3000000000 and i=- 7;";
    assert_true(template_read(text, strlen(text), &key));
    assert_int_equal(key.literal_count, 5);
    static const char *const bytes[] = {"42", "it''s", "1.50", "3000000000", "7"};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(key.literals[i].length, strlen(bytes[i]));
        assert_memory_equal(key.literals[i].bytes, bytes[i], strlen(bytes[i]));
        assert_int_equal(key.literals[i].kind, "iqnli"[i]);
    }
    assert_true(same_key("select a from t where k = 1", "select a from t where k = 2147483647"));
    assert_true(same_key("insert into t values (1, 'a')", "insert into t values (22, '')"));
    assert_false(same_key("select a from t where k = 1", "select a from t where k = 2147483648")); /* int8 */
    assert_false(same_key("select a from t where k = 1", "select a from t where k = 1.0"));
    assert_false(same_key("select a from t where k = 1", "select a from t where k = '1'"));
    assert_false(same_key("select a from t where k = 1", "select b from t where k = 1"));
    assert_false(same_key("select a from t where k = 1", "select a from t where k  = 1"));
    assert_false(same_key("select \"a 1\" from t where k = 1", "select \"a 2\" from t where k = 1"));
    assert_false(same_key("select a1 from t", "select a2 from t"));
}

static void test_what_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "select 1; select 2", "select a from t order by 1", "select a from t GROUP BY 1", "select distinct a from t", "select 1 union select 2",
        "select e'a\\n'", "select E'a'", "select b'1'", "select x'ff'", "select n'a'", "select q'[a]'", "select u&'a'", "select U&\"a\"", "select $$a$$",
        "select $1", "select 'a' -- b", "select /* hint */ 1", "select 1e5", "select 10M", "select 1.5e3", "select .5", "select t.5", "select 'a'\n'b'", "select 'a' 'b'",
        "select 'a", "select \"a", "select 1_000", "select 999999999999999999999", "select -2147483648", "select - 2147483648", "select a from t where b = c (+) and d = 1",
        "select 1/0 from t where k = 2", "select 10 / (4 - 4) from t", "select sqrt(-1) from t where k = 2", "select f( 'a' , 2 ) from t", "select 5::smallint from t",
        "select cast(5 as smallint)", "select interval '1 day'", "with x as (select 1) select 2", "select caf\xc3\xa9 from t where k = 1",
        "select a from t where (1) = (2)",
    };
    for (unsigned i = 0; i < RDB_COUNT_OF(texts); i++)
        if (is_read(texts[i]))
            fail_msg("taken: %s", texts[i]);
    static const char *const taken[] = {
        "select a from t where k = -5", "select a from t where k in (1, -2)", "values (1, 2)", "select 'caf\xc3\xa9' from t where k = 1", "select nextval('s')",
        "select '5'::int", "select a - 1, (2) from t where (k = 3) and (j = 4);\n", "insert into t (a, b) values (1, 'x'), (2, 'y') returning a", "begin",
        "select a, f(a, 1) from t where k = 2",
    };
    for (unsigned i = 0; i < RDB_COUNT_OF(taken); i++)
        if (!is_read(taken[i]))
            fail_msg("not taken: %s", taken[i]);
}

/* Never reads past its end and never keeps more than it has room for. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "aE1'\"$;-/*(). \n\1\xc3:=+";
    rdb_random random;
    template_key key;
    rdb_random_seed(&random, 7);
    for (unsigned round = 0; round < 200000; round++) {
        size_t length = rdb_random_next(&random) % 24;
        char *text = malloc(length + 1); /* its own size: the sanitizer sees each step too far */
        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[rdb_random_next(&random) % (sizeof alphabet - 1)];
        if (template_read(text, length, &key))
            assert_true(key.length <= TEMPLATE_BYTES_MAX && key.literal_count <= TEMPLATE_LITERALS_MAX);
        free(text);
    }
    char *many = malloc(4000);
    memset(many, ',', 4000);
    for (unsigned i = 0; i < 100; i++)
        many[i * 2] = '1';
    assert_false(template_read(many, 200, &key)); /* too many literals */
    assert_false(template_read(many, 4000, &key));
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals_do_not_count),
        cmocka_unit_test(test_what_is_left_alone),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
