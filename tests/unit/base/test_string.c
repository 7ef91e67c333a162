/* SPDX-License-Identifier: Apache-2.0
 * Growing texts, UTF-8, CRC32C. */
#include "base/rdb_base.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void fill(rdb_strbuf *buf)
{
    for (int turn = 0; turn < 3000; turn++) {
        rdb_strbuf_addf(buf, "%d,", turn);
        rdb_strbuf_addc(buf, 'x');
        rdb_strbuf_adds(buf, "yz");
    }
}

static void test_strbuf_in_arena_and_heap_agree(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("buf", NULL, NULL);
    rdb_strbuf here, there;
    rdb_strbuf_init(&here, arena);
    rdb_strbuf_init(&there, NULL);
    fill(&here);
    fill(&there);
    assert_int_equal(here.length, there.length);
    assert_string_equal(here.data, there.data);
    assert_int_equal(strlen(here.data), here.length);
    rdb_error err = {0};
    assert_true(rdb_strbuf_check(&here, &err));
    rdb_strbuf_clear(&there);
    assert_string_equal(there.data, "");
    char big[5000];
    memset(big, 'q', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    rdb_strbuf_addf(&there, "<%s>", big);
    assert_int_equal(there.length, 5001);
    assert_int_equal(there.data[5000], '>');
    rdb_strbuf_free(&there);
    assert_null(there.data);
    rdb_arena_destroy(arena);
}

static bool refuse_past_64k(void *account, int64_t bytes)
{
    int64_t *used = account;
    if (*used + bytes > 65536)
        return false;
    *used += bytes;
    return true;
}

static void test_strbuf_failure_keeps_a_whole_prefix(void **state)
{
    (void)state;
    int64_t used = 0;
    rdb_arena *arena = rdb_arena_create("small", refuse_past_64k, &used);
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, arena);
    while (!buf.failed)
        rdb_strbuf_add(&buf, "0123456789", 10);
    assert_int_equal(buf.length % 10, 0);
    assert_int_equal(strlen(buf.data), buf.length);
    rdb_error err = {0};
    assert_false(rdb_strbuf_check(&buf, &err));
    assert_string_equal(err.sqlstate, "53200");
    rdb_arena_destroy(arena);
}

static void test_json(void **state)
{
    (void)state;
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, NULL);
    rdb_strbuf_add_json(&buf, "a\"b\\c\n\t\r\x01\0z\xC3\xA9", 13);
    assert_string_equal(buf.data, "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u0000z\xC3\xA9\"");
    rdb_strbuf_free(&buf);
}

/* Every code point and every two- and three-byte start: accepted exactly where RFC 3629's table says. */
/* A byte that is escaped, at every place of texts of every length: what stands around it stays. */
static void test_json_at_every_place(void **state)
{
    (void)state;
    for (size_t length = 1; length < 70; length++)
        for (size_t place = 0; place < length; place++)
            for (unsigned byte = 0; byte < 256; byte++) {
                char text[70], escape[8] = "";
                rdb_strbuf buf;
                memset(text, 'x', length);
                text[place] = (char)byte;
                if (byte == '"' || byte == '\\')
                    snprintf(escape, sizeof escape, "\\%c", (int)byte);
                else if (byte == '\n' || byte == '\r' || byte == '\t')
                    snprintf(escape, sizeof escape, "\\%c", byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't');
                else if (byte < 0x20 || byte == 0x7F)
                    snprintf(escape, sizeof escape, "\\u%04x", byte);
                else
                    escape[0] = (char)byte;
                rdb_strbuf_init(&buf, NULL);
                rdb_strbuf_add_json(&buf, text, length);
                assert_int_equal(buf.length, length + 1 + strlen(escape));
                assert_memory_equal(buf.data + 1, text, place);
                assert_memory_equal(buf.data + 1 + place, escape, strlen(escape));
                assert_memory_equal(buf.data + 1 + place + strlen(escape), text + place + 1, length - place - 1);
                rdb_strbuf_free(&buf);
            }
}

static void test_utf8_exhaustive(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x120000; code++) {
        char text[12] = "seven..";
        uint8_t *at = (uint8_t *)text + 7;
        size_t length;
        if (code < 0x80)
            at[0] = (uint8_t)code, length = 1;
        else if (code < 0x800)
            at[0] = (uint8_t)(0xC0 | code >> 6), at[1] = (uint8_t)(0x80 | (code & 63)), length = 2;
        else if (code < 0x10000)
            at[0] = (uint8_t)(0xE0 | code >> 12), at[1] = (uint8_t)(0x80 | (code >> 6 & 63)),
            at[2] = (uint8_t)(0x80 | (code & 63)), length = 3;
        else
            at[0] = (uint8_t)(0xF0 | code >> 18), at[1] = (uint8_t)(0x80 | (code >> 12 & 63)),
            at[2] = (uint8_t)(0x80 | (code >> 6 & 63)), at[3] = (uint8_t)(0x80 | (code & 63)), length = 4;
        bool valid = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
        size_t bad = 99;
        if (rdb_utf8_validate(text, 7 + length, &bad) != valid || (!valid && bad != 7))
            fail_msg("code point %x", code);
        if (valid) {
            if (length > 1 && rdb_utf8_validate(text, 7 + length - 1, NULL))
                fail_msg("cut code point %x", code);
            assert_int_equal(rdb_utf8_length(at[0]), length);
            if (rdb_utf8_count(text, 7 + length) != 8)
                fail_msg("count of %x", code);
        }
    }
    static const char *const BAD[] = {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\x80", "\xFF", "\xC3("};
    for (size_t bad_no = 0; bad_no < RDB_COUNT_OF(BAD); bad_no++)
        assert_false(rdb_utf8_validate(BAD[bad_no], strlen(BAD[bad_no]), NULL));
    for (size_t length = 1; length < 40; length++) /* a zero byte at every place */
        for (size_t at = 0; at < length; at++) {
            char text[40];
            memset(text, 'a', sizeof text);
            size_t bad = 0;
            assert_true(rdb_utf8_validate(text, length, &bad));
            text[at] = '\0';
            assert_false(rdb_utf8_validate(text, length, &bad));
            assert_int_equal(bad, at);
        }
}

static void test_crc32c(void **state)
{
    (void)state;
    assert_int_equal(rdb_crc32c(0, "123456789", 9), 0xE3069283); /* RFC 3720's check value */
    uint8_t zeroes[32] = {0};
    assert_int_equal(rdb_crc32c(0, zeroes, 32), 0x8A9136AA);
    static uint8_t bytes[20000];
    uint32_t seed = 1;
    for (size_t at = 0; at < sizeof bytes; at++)
        bytes[at] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
    for (size_t length = 0; length < sizeof bytes; length += 1 + length / 9) {
        size_t from = length % 7;
        if (from + length > sizeof bytes)
            break;
        uint32_t whole = rdb_crc32c(0, bytes + from, length);
        assert_int_equal(whole, rdb_crc32c_portable(0, bytes + from, length));
        size_t cut = length / 3;
        assert_int_equal(whole, rdb_crc32c(rdb_crc32c(0, bytes + from, cut), bytes + from + cut, length - cut));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strbuf_in_arena_and_heap_agree), cmocka_unit_test(test_strbuf_failure_keeps_a_whole_prefix),
        cmocka_unit_test(test_json), cmocka_unit_test(test_json_at_every_place),                           cmocka_unit_test(test_utf8_exhaustive),
        cmocka_unit_test(test_crc32c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
