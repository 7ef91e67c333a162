/* SPDX-License-Identifier: Apache-2.0
 * Collations: keys order as comparison does, equal texts hash alike, one number means one thing. Encodings: what goes to one and
 * comes back is what it was, and no bytes at all do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "type/collation.h"
#include "type/rdb_encoding.h"
#include "type/tables.h"

static const rdb_collation_definition DEFINITIONS[] = {
    {.provider = 'i', .is_deterministic = true, .icu_locale = "de"},
    {.provider = 'i', .is_deterministic = false, .icu_locale = "und-u-ks-level2"},
    {.provider = 'i', .is_deterministic = false, .icu_locale = "und-u-ks-level1"},
    {.provider = 'i', .is_deterministic = true, .icu_locale = "und-u-kn-true"},
    {.provider = 'c', .is_deterministic = true, .collate = "C.utf8", .ctype = "C.utf8"},
};

/* Some characters that differ in case, accents, width and weight alone. */
static rdb_bytes random_text(uint64_t *seed, char *buffer)
{
    static const char *const PARTS[] = {"a", "A", "b", "B", "ä", "Ä", "1", "10", "9", " ", "-", "ß", "ss", "é", "e\xcc\x81", "日", "\xf0\x9f\x98\x80", ""};
    uint32_t length = 0;
    for (uint32_t n = (uint32_t)(*seed >> 33) % 6; n > 0; n--) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const char *part = PARTS[(*seed >> 33) % RDB_COUNT_OF(PARTS)];
        memcpy(buffer + length, part, strlen(part));
        length += (uint32_t)strlen(part);
    }
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (rdb_bytes){.data = (const uint8_t *)buffer, .length = length};
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void test_keys_follow_the_order(void **state)
{
    (void)state;
    const uint64_t first_seed = 20240611;
    uint64_t seed = first_seed;
    const rdb_type text = {.oid = RDB_TEXTOID, .kind = 'b', .rep = RDB_REP_BYTES, .ops = &type_text_ops};
    for (size_t d = 0; d < RDB_COUNT_OF(DEFINITIONS); d++) {
        const uint32_t oid = rdb_collation_propose_oid(&DEFINITIONS[d], 0);
        rdb_error err = {0};
        assert_true(rdb_collation_register(oid, &DEFINITIONS[d], &err));
        assert_true(rdb_collation_check_usable(oid, &err));
        assert_int_equal(rdb_collation_is_deterministic(oid), DEFINITIONS[d].is_deterministic);
        assert_int_equal(rdb_collation_orders_bytes(oid), DEFINITIONS[d].provider == 'c');
        uint32_t equal_count = 0;
        for (int i = 0; i < 3000; i++) {
            char one[64], two[64];
            const rdb_datum left = {.bytes = random_text(&seed, one)}, right = {.bytes = random_text(&seed, two)};
            rdb_strbuf left_key, right_key;
            rdb_strbuf_init(&left_key, NULL);
            rdb_strbuf_init(&right_key, NULL);
            assert_true(type_text_ops.encode_key(&text, oid, left, &left_key) && type_text_ops.encode_key(&text, oid, right, &right_key));
            const int order = sign(type_text_ops.compare(&text, oid, left, right)), bytes = memcmp(left_key.data, right_key.data, RDB_MIN(left_key.length, right_key.length));
            if (order != sign(bytes) || (order == 0 && left_key.length != right_key.length))
                fail_msg("collation %zu, seed %llu, step %d: compared %d, keys %d", d, (unsigned long long)first_seed, i, order, bytes);
            assert_int_equal(order, -sign(type_text_ops.compare(&text, oid, right, left)));
            if (order == 0) {
                assert_true(type_text_ops.hash(&text, oid, left) == type_text_ops.hash(&text, oid, right));
                equal_count += !type_equal_bytes(left.bytes, right.bytes);
            }
            rdb_strbuf_free(&left_key);
            rdb_strbuf_free(&right_key);
        }
        assert_int_equal(equal_count > 0, !DEFINITIONS[d].is_deterministic); /* only there are other bytes equal */
    }
}

static void test_numbers_follow_the_definition(void **state)
{
    (void)state;
    for (size_t a = 0; a < RDB_COUNT_OF(DEFINITIONS); a++)
        for (size_t b = 0; b < RDB_COUNT_OF(DEFINITIONS); b++) {
            const uint32_t left = rdb_collation_propose_oid(&DEFINITIONS[a], 0), right = rdb_collation_propose_oid(&DEFINITIONS[b], 0);
            assert_int_equal(left == right, a == b);
            assert_true(left >= RDB_COLLATION_OID_MIN && rdb_collation_propose_oid(&DEFINITIONS[a], 1) != left);
        }
    rdb_error err = {0};
    assert_false(rdb_collation_check_usable(RDB_COLLATION_OID_MIN | 1, &err));
    const rdb_collation_definition missing = {.provider = 'c', .is_deterministic = true, .collate = "xx_YY", .ctype = "xx_YY"};
    rdb_error_clear(&err);
    assert_false(rdb_collation_check(&missing, &err));
    assert_string_equal(err.sqlstate, RDB_INVALID_PARAMETER_VALUE);
    rdb_error_clear(&err);
}

static void test_encodings_come_back(void **state)
{
    (void)state;
    static const char TEXT[] = "plain AB\tc";
    for (int encoding = 0; encoding < RDB_ENCODING_COUNT; encoding++) {
        rdb_error err = {0};
        assert_int_equal(rdb_encoding_find(rdb_encoding_name(encoding)), encoding);
        if (!rdb_encoding_converts(encoding))
            continue;
        rdb_strbuf there, back;
        rdb_strbuf_init(&there, NULL);
        rdb_strbuf_init(&back, NULL);
        assert_true(rdb_encoding_from_utf8(encoding, (rdb_slice){(const uint8_t *)TEXT, strlen(TEXT)}, &there, &err));
        assert_true(rdb_encoding_to_utf8(encoding, (rdb_slice){(const uint8_t *)there.data, there.length}, &back, &err));
        assert_int_equal(back.length, strlen(TEXT));
        assert_memory_equal(back.data, TEXT, back.length);
        rdb_strbuf_free(&there);
        rdb_strbuf_free(&back);
        /* any two bytes: either they are refused, or they become UTF-8 that comes back as bytes of the same meaning */
        for (uint32_t pair = 0x0101; pair < 0x10000; pair += 7) {
            const uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
            rdb_strbuf text, again, twice;
            rdb_strbuf_init(&text, NULL);
            rdb_strbuf_init(&again, NULL);
            rdb_strbuf_init(&twice, NULL);
            size_t bad;
            if (rdb_encoding_to_utf8(encoding, (rdb_slice){bytes, 2}, &text, &err)) {
                if (!rdb_utf8_validate(text.data, text.length, &bad))
                    fail_msg("encoding %s, bytes %04x become no text: %.*s", rdb_encoding_name(encoding), pair, (int)text.length, text.data);
                if (rdb_encoding_from_utf8(encoding, (rdb_slice){(const uint8_t *)text.data, text.length}, &again, &err)) {
                    assert_true(rdb_encoding_to_utf8(encoding, (rdb_slice){(const uint8_t *)again.data, again.length}, &twice, &err));
                    assert_true(twice.length == text.length && memcmp(twice.data, text.data, text.length) == 0);
                }
            }
            assert_true(rdb_encoding_whole(encoding, (rdb_slice){bytes, 2}) <= 2);
            rdb_error_clear(&err);
            rdb_strbuf_free(&text);
            rdb_strbuf_free(&again);
            rdb_strbuf_free(&twice);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys_follow_the_order), cmocka_unit_test(test_numbers_follow_the_definition),
                                       cmocka_unit_test(test_encodings_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
