/* SPDX-License-Identifier: Apache-2.0
 * Index keys: memcmp of encoded values agrees with compare, for every type that has both, ascending and descending; no
 * key is a prefix of another; what decodes gives the value back; equal values hash alike. */
#include "fixture.h"

static rdb_arena *arena;

#define VALUES_MAX 700
typedef struct sample {
    rdb_datum value;
    rdb_strbuf ascending, descending;
} sample;
static sample samples[VALUES_MAX];

static rdb_call make_call(rdb_error *err)
{
    return (rdb_call){.arena = arena, .plan_arena = arena, .err = err, .format = rdb_format_default(), .result_typmod = -1};
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static int compare_keys(const rdb_strbuf *left, const rdb_strbuf *right)
{
    size_t length = RDB_MIN(left->length, right->length);
    int order = memcmp(left->data, right->data, length);
    if (order == 0)
        assert_int_equal(left->length, right->length); /* no key is a prefix of another */
    return sign(order);
}

static void check(const rdb_type *type, uint32_t count)
{
    rdb_error err = {0};
    assert_non_null(type->ops);
    for (uint32_t i = 0; i < count; i++) {
        rdb_strbuf_init(&samples[i].ascending, arena);
        rdb_strbuf_init(&samples[i].descending, arena);
        assert_true(rdb_type_encode_column(type, 100, samples[i].value, false, false, false, &samples[i].ascending, &err));
        assert_true(rdb_type_encode_column(type, 100, samples[i].value, false, true, false, &samples[i].descending, &err));
        if (type->ops->decode_key != NULL) {
            const uint8_t *at = (const uint8_t *)samples[i].ascending.data + 1, *end = at + samples[i].ascending.length - 1;
            rdb_datum back;
            assert_true(type->ops->decode_key(type, arena, &at, end, &back));
            assert_ptr_equal(at, end);
            assert_int_equal(type->ops->compare(type, 100, back, samples[i].value), 0);
            if (type->rep == RDB_REP_BYTES)
                assert_int_equal(back.bytes.length, samples[i].value.bytes.length);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count; k += 1 + i % 3) {
            int order = sign(type->ops->compare(type, 100, samples[i].value, samples[k].value));
            if (compare_keys(&samples[i].ascending, &samples[k].ascending) != order)
                fail_msg("%s: key order of samples %u and %u is not %d", type->name, i, k, order);
            assert_int_equal(compare_keys(&samples[i].descending, &samples[k].descending), -order);
            if (order == 0)
                assert_true(type->ops->hash(type, 100, samples[i].value) == type->ops->hash(type, 100, samples[k].value));
        }
    }
}

static void check_texts(uint32_t oid, const char *const *texts, uint32_t count)
{
    const rdb_type *type = fixture_type(oid);
    for (uint32_t i = 0; i < count; i++) {
        rdb_error err = {0};
        rdb_call call = make_call(&err);
        rdb_slice text = {.data = (const uint8_t *)texts[i], .length = strlen(texts[i])};
        if (!type->ops->input(&call, type, text, -1, &samples[i].value))
            fail_msg("%s: %s", texts[i], err.message);
    }
    check(type, count);
    rdb_arena_reset(arena);
}

static void test_given_values(void **state)
{
    (void)state;
    static const char *const NUMERICS[] = {"0", "0.00", "1", "1.0", "-1", "10", "100", "1e10", "-1e10", "0.1", "0.01", "-0.01", "99.99", "100.01", "NaN",
                                           "Infinity", "-Infinity", "1e-50", "-1e-50", "123456789012345678901234567890", "123456789012345678901234567890.1",
                                           "-123456789012345678901234567890", "1e100", "1e101", "12", "120", "1.2", "1.20", "12000000000000000000000000000000000000000000"};
    static const char *const FLOATS[] = {"0", "-0", "1", "-1", "1e300", "-1e300", "1e-300", "NaN", "Infinity", "-Infinity", "0.1", "0.2"};
    static const char *const TEXTS[] = {"", "a", "ab", "b", "a ", "A", "é", "zz", "a\x01", "a\x7f"};
    static const char *const INTERVALS[] = {"0", "1 mon", "30 days", "31 days", "-1 mon", "1 day", "24 hours", "-1 day", "1 year", "360 days", "0.000001 s"};
    static const char *const ARRAYS[] = {"{}", "{1}", "{1,2}", "{2}", "{NULL}", "{1,NULL}", "{{1,2}}", "[0:1]={1,2}", "{-1}", "{1,2,3}"};
    static const char *const JSONS[] = {"null", "true", "false", "1", "1.0", "2", "\"a\"", "\"\"", "[]", "{}", "[1]", "[1,2]", "[2]", "{\"a\":1}", "{\"b\":1}", "{\"a\":2}", "{\"a\":1,\"b\":2}"};
    static const char *const TIMETZS[] = {"10:00+00", "11:00+01", "10:00+01", "09:00-01", "00:00+00"};
    static const char *const VECTORS[] = {"", "1", "2", "1 2", "4000000000"};
    check_texts(RDB_NUMERICOID, NUMERICS, RDB_COUNT_OF(NUMERICS));
    check_texts(RDB_FLOAT8OID, FLOATS, RDB_COUNT_OF(FLOATS));
    check_texts(RDB_TEXTOID, TEXTS, RDB_COUNT_OF(TEXTS));
    check_texts(RDB_BPCHAROID, TEXTS, RDB_COUNT_OF(TEXTS));
    check_texts(RDB_INTERVALOID, INTERVALS, RDB_COUNT_OF(INTERVALS));
    check_texts(RDB_INT4ARRAYOID, ARRAYS, RDB_COUNT_OF(ARRAYS));
    check_texts(RDB_JSONBOID, JSONS, RDB_COUNT_OF(JSONS));
    check_texts(RDB_TIMETZOID, TIMETZS, RDB_COUNT_OF(TIMETZS));
    check_texts(RDB_OIDVECTOROID, VECTORS, RDB_COUNT_OF(VECTORS));
    static const char *const NETWORKS[] = {"10.1.2.3/8", "10.1.2.3", "10.0.0.0/8", "10.0.0.0/7", "0.0.0.0/0", "255.255.255.255", "::/0", "::1", "10:23::f1/64",
                                           "10:23::8000/113", "::ffff:1.2.3.4", "10.1.2.3/9", "11.1.2.3/8", "10.1.2.4/8", "10.129.0.0/9", "10:23::f1"};
    static const char *const CIDRS[] = {"10", "10.1", "10.1.2", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:4f8:3:ba::/64", "192.168.1.0/26", "128.0.0.0/1"};
    static const char *const MACS[] = {"08:00:2b:01:02:03", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "08:00:2b:01:02:04", "09:00:00:00:00:00"};
    static const char *const BITS[] = {"", "0", "1", "00", "01", "10", "11111111", "111111110", "000000000", "00000000", "1010101010101010"};
    static const char *const MONEYS[] = {"0", "-1", "1", "92233720368547758.07", "-92233720368547758.08", "0.01"};
    static const char *const INT4RANGES[] = {"empty", "(,)", "[1,5)", "[1,6)", "[2,3)", "(,3)", "[3,)", "[-5,-1)", "[1,)", "(,1)"};
    static const char *const NUMRANGES[] = {"empty", "(,)", "[1,5)", "[1,5]", "(1,5)", "(1,5]", "[1.0,5.00)", "[1,1]", "(,5]", "(,5)", "(1,)", "[1,)", "[-2,7)"};
    static const char *const MULTIRANGES[] = {"{}", "{[1,3)}", "{[1,3),[5,9)}", "{[1,4)}", "{(,)}", "{[1,3),[5,)}", "{(,0),[5,9)}", "{[1,3),[5,8)}"};
    check_texts(RDB_INETOID, NETWORKS, RDB_COUNT_OF(NETWORKS));
    check_texts(RDB_CIDROID, CIDRS, RDB_COUNT_OF(CIDRS));
    check_texts(RDB_MACADDROID, MACS, RDB_COUNT_OF(MACS));
    check_texts(RDB_MACADDR8OID, MACS, RDB_COUNT_OF(MACS));
    check_texts(RDB_BITOID, BITS, RDB_COUNT_OF(BITS));
    check_texts(RDB_VARBITOID, BITS, RDB_COUNT_OF(BITS));
    check_texts(RDB_MONEYOID, MONEYS, RDB_COUNT_OF(MONEYS));
    check_texts(3904, INT4RANGES, RDB_COUNT_OF(INT4RANGES));
    check_texts(3906, NUMRANGES, RDB_COUNT_OF(NUMRANGES));
    check_texts(4451, MULTIRANGES, RDB_COUNT_OF(MULTIRANGES));
}

static void test_random_words(void **state)
{
    (void)state;
    static const uint32_t OIDS[] = {RDB_BOOLOID, RDB_CHAROID, RDB_INT2OID, RDB_INT4OID, RDB_INT8OID, RDB_OIDOID, RDB_DATEOID, RDB_TIMESTAMPOID,
                                    RDB_UUIDOID, RDB_FLOAT4OID, RDB_FLOAT8OID, RDB_PG_LSNOID, RDB_XID8OID, RDB_INTERVALOID};
    uint64_t seed = 99;
    for (size_t t = 0; t < RDB_COUNT_OF(OIDS); t++) {
        const rdb_type *type = fixture_type(OIDS[t]);
        for (uint32_t i = 0; i < 300; i++) {
            rdb_datum value = {.words = {fixture_random(&seed), fixture_random(&seed)}};
            if (i % 5 == 0)
                value.words[0] = value.words[1] = 0;
            if (i % 5 == 1)
                value.words[0] = UINT64_MAX - i;
            rdb_datum trimmed = {.words = {0, 0}};
            if (type->oid == RDB_BOOLOID)
                value.b &= 1;
            memcpy(&trimmed, &value, rdb_rep_width((rdb_rep)type->rep));
            samples[i].value = trimmed;
        }
        check(type, 300);
        rdb_arena_reset(arena);
    }
}

static void test_random_bytes_and_numbers(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (uint32_t i = 0; i < VALUES_MAX; i++) { /* few letters, so that prefixes and zero bytes are frequent */
        uint32_t length = (uint32_t)(fixture_random(&seed) % 6);
        uint8_t *data = rdb_arena_alloc(arena, 8);
        for (uint32_t k = 0; k < length; k++)
            data[k] = (uint8_t[]){0, 1, 255, 'a'}[fixture_random(&seed) % 4];
        samples[i].value.bytes = (rdb_bytes){.data = data, .length = length};
    }
    check(fixture_type(RDB_BYTEAOID), VALUES_MAX);
    rdb_arena_reset(arena);
    const rdb_type *numeric = fixture_type(RDB_NUMERICOID);
    for (uint32_t i = 0; i < VALUES_MAX; i++) {
        rdb_error err = {0};
        rdb_call call = make_call(&err);
        uint64_t bits = fixture_random(&seed);
        char *text = rdb_arena_printf(arena, "%s%llu.%0*llue%d", bits & 1 ? "-" : "", (unsigned long long)(fixture_random(&seed) % (UINT64_C(1) << (bits >> 1 & 63))),
                                      1 + (int)(bits >> 20 & 7), (unsigned long long)(fixture_random(&seed) % 100), (int)(bits >> 40 & 15) - 7);
        assert_true(numeric->ops->input(&call, numeric, (rdb_slice){.data = (const uint8_t *)text, .length = strlen(text)}, -1, &samples[i].value));
    }
    check(numeric, VALUES_MAX);
    rdb_arena_reset(arena);
}

static void test_nulls_stand_at_their_end(void **state)
{
    (void)state;
    rdb_error err = {0};
    const rdb_type *type = fixture_type(RDB_INT4OID);
    rdb_datum low = {.i32 = INT32_MIN}, high = {.i32 = INT32_MAX};
    for (int descending = 0; descending < 2; descending++) {
        rdb_strbuf first, last, least, most;
        rdb_strbuf_init(&first, arena);
        rdb_strbuf_init(&last, arena);
        rdb_strbuf_init(&least, arena);
        rdb_strbuf_init(&most, arena);
        assert_true(rdb_type_encode_column(type, 0, low, true, descending, true, &first, &err));
        assert_true(rdb_type_encode_column(type, 0, low, true, descending, false, &last, &err));
        assert_true(rdb_type_encode_column(type, 0, low, false, descending, true, &least, &err));
        assert_true(rdb_type_encode_column(type, 0, high, false, descending, true, &most, &err));
        assert_true(memcmp(first.data, least.data, 1) < 0 && memcmp(first.data, most.data, 1) < 0);
        assert_true(memcmp(last.data, least.data, 1) > 0 && memcmp(last.data, most.data, 1) > 0);
    }
}

static void test_names_are_printed_as_sql(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        int32_t typmod;
        bool with;
        const char *name;
    } NAMES[] = {{RDB_INT4OID, -1, true, "integer"}, {RDB_VARCHAROID, 24, true, "character varying(20)"}, {RDB_VARCHAROID, 24, false, "character varying"},
                 {RDB_NUMERICOID, (10 << 16 | 2) + 4, true, "numeric(10,2)"}, {RDB_NUMERICOID, (3 << 16 | 2046) + 4, true, "numeric(3,-2)"},
                 {RDB_TEXTARRAYOID, -1, true, "text[]"}, {RDB_INT4ARRAYOID, -1, true, "integer[]"}, {RDB_TIMESTAMPTZOID, 3, true, "timestamp(3) with time zone"},
                 {RDB_TIMEOID, -1, true, "time without time zone"}, {RDB_BPCHAROID, -1, true, "bpchar"}, {RDB_BPCHAROID, 5, true, "character(1)"},
                 {RDB_CHAROID, -1, true, "\"char\""}, {RDB_OIDVECTOROID, -1, true, "oidvector"}, {RDB_INTERVALOID, (int32_t)(1u << 2) << 16 | 0xffff, true, "interval year"},
                 {RDB_NAMEOID, -1, true, "name"}, {RDB_BOOLOID, -1, true, "boolean"}};
    for (size_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        rdb_strbuf text;
        rdb_strbuf_init(&text, arena);
        rdb_type_format_name(fixture_type(NAMES[i].oid), NAMES[i].typmod, NAMES[i].with, &text);
        assert_string_equal(text.data, NAMES[i].name);
    }
}

static void test_registry_knows_and_says_no(void **state)
{
    (void)state;
    assert_non_null(rdb_kernel_find(177)); /* int4pl */
    assert_int_equal(rdb_kernel_find(177)->proc_oid, 177);
    assert_ptr_equal(rdb_kernel_find(937)->kernel, rdb_kernel_find(883)->kernel); /* two functions of one source: substring, substr */
    assert_null(rdb_kernel_find(0));
    assert_null(rdb_kernel_find(UINT32_MAX));
    assert_null(rdb_kernel_find(2803)); /* count(*) is an aggregate */
    assert_non_null(rdb_aggregate_find(2803));
    assert_non_null(rdb_set_kernel_find(2331)); /* unnest */
}

static void test_random_arrays_are_reached_by_subscript(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_call call = make_call(&err);
    const rdb_type *element = fixture_type(RDB_INT4OID);
    rdb_datum array, value, grown;
    static const char TEXT[] = "[2:3][0:2]={{1,2,3},{4,NULL,6}}";
    assert_true(fixture_type(RDB_INT4ARRAYOID)->ops->input(&call, fixture_type(RDB_INT4ARRAYOID), (rdb_slice){.data = (const uint8_t *)TEXT, .length = strlen(TEXT)}, -1, &array));
    int32_t inside[] = {3, 2}, null_at[] = {3, 1}, outside[] = {4, 0};
    assert_true(rdb_array_subscript(array, inside, 2, &value));
    assert_int_equal(value.i32, 6);
    assert_false(rdb_array_subscript(array, null_at, 2, &value));
    assert_false(rdb_array_subscript(array, outside, 2, &value));
    assert_false(rdb_array_subscript(array, inside, 1, &value));
    int32_t low[] = {3, 0}, high[] = {3, 1};
    bool has[] = {true, true};
    rdb_array_shape shape;
    assert_true(rdb_array_slice(&call, element, array, low, high, has, has, 2, &grown));
    rdb_array_get_shape(grown, &shape);
    assert_int_equal(shape.ndim, 2);
    assert_int_equal(shape.lengths[0], 1);
    assert_int_equal(shape.lengths[1], 2);
    assert_true(rdb_array_get(grown, 0, &value));
    assert_int_equal(value.i32, 4);
    rdb_datum seven = {.i32 = 7};
    int32_t at[] = {5};
    assert_true(rdb_array_assign(&call, element, array, true, at, 1, seven, false, &grown)); /* starts at 5 */
    at[0] = 2;
    assert_true(rdb_array_assign(&call, element, grown, false, at, 1, seven, false, &grown)); /* grows downwards over nulls */
    rdb_array_get_shape(grown, &shape);
    assert_int_equal(shape.lowers[0], 2);
    assert_int_equal(shape.count, 4);
    assert_false(rdb_array_get(grown, 1, &value));
    assert_false(rdb_array_assign(&call, element, array, false, outside, 2, seven, false, &grown));
    assert_true(rdb_error_is(&err, RDB_ARRAY_SUBSCRIPT_ERROR));
    rdb_error_clear(&err);
}

static void test_enums_and_rows(void **state)
{
    (void)state;
    rdb_error err = {0};
    rdb_call call = make_call(&err);
    static const char *const LABELS[] = {"sad", "ok", "happy"};
    static const uint32_t OIDS[] = {30010, 30002, 30006}; /* the order is that of the labels, not of the OIDs */
    rdb_type mood = {.oid = 30000, .name = "mood", .kind = 'e', .labels = LABELS, .label_oids = OIDS, .label_count = 3, .rep = RDB_REP_INT32};
    mood.ops = rdb_type_ops_find(&mood);
    rdb_datum sad, happy, row;
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    assert_true(mood.ops->input(&call, &mood, (rdb_slice){.data = (const uint8_t *)"sad", .length = 3}, -1, &sad));
    assert_true(mood.ops->input(&call, &mood, (rdb_slice){.data = (const uint8_t *)"happy", .length = 5}, -1, &happy));
    assert_true(mood.ops->compare(&mood, 0, sad, happy) < 0);
    assert_true(mood.ops->output(&call, &mood, happy, &text));
    assert_string_equal(text.data, "happy");
    const rdb_type *moods[] = {&mood, &mood};
    rdb_vector left, right, out;
    const rdb_vector *arguments[] = {&left, &right};
    rdb_selection one = {.rows = NULL, .count = 1};
    call.argument_types = moods;
    call.argument_count = 2;
    rdb_vector_set_constant(&left, arena, RDB_REP_INT32, sad, false);
    rdb_vector_set_constant(&right, arena, RDB_REP_INT32, happy, false);
    assert_true(rdb_vector_init(&out, arena, RDB_REP_BOOL, 1, &err));
    assert_true(rdb_kernel_find(3511)->kernel(&call, arguments, &out, &one)); /* enum_gt */
    assert_int_equal(RDB_VALUES(&out, uint8_t)[0], 0);
    assert_true(rdb_kernel_find(3510)->kernel(&call, arguments, &out, &one)); /* enum_lt */
    assert_int_equal(RDB_VALUES(&out, uint8_t)[0], 1);
    assert_false(mood.ops->input(&call, &mood, (rdb_slice){.data = (const uint8_t *)"mad", .length = 3}, -1, &sad));
    assert_string_equal(err.message, "invalid input value for enum mood: \"mad\"");
    rdb_error_clear(&err);

    const rdb_type *types[] = {fixture_type(RDB_INT4OID), fixture_type(RDB_TEXTOID), fixture_type(RDB_TEXTOID), fixture_type(RDB_BOOLOID)}, *back[4];
    rdb_datum values[] = {{.i32 = 7}, {.bytes = {.data = (const uint8_t *)"a,\"b", .length = 4}}, {.bytes = {.data = (const uint8_t *)"", .length = 0}}, {.b = 1}}, got[4];
    bool nulls[] = {false, false, false, true}, got_nulls[4];
    assert_true(rdb_record_build(&call, types, values, nulls, 4, &row));
    assert_int_equal(rdb_record_count(row), 4);
    assert_true(rdb_record_read(&call, row, back, got, got_nulls, 4));
    assert_int_equal(got[0].i32, 7);
    assert_true(got_nulls[3]);
    assert_ptr_equal(back[1], types[1]);
    rdb_datum other;
    const rdb_type *records[] = {fixture_type(RDB_RECORDOID), fixture_type(RDB_RECORDOID)};
    values[0].i32 = 8;
    assert_true(rdb_record_build(&call, types, values, nulls, 4, &other));
    call.argument_types = records;
    rdb_vector_set_constant(&left, arena, RDB_REP_BYTES, row, false);
    rdb_vector_set_constant(&right, arena, RDB_REP_BYTES, other, false);
    assert_true(rdb_kernel_find(2981)->kernel(&call, arguments, &out, &one)); /* record_eq */
    assert_int_equal(RDB_VALUES(&out, uint8_t)[0], 0);
    assert_true(rdb_kernel_find(2983)->kernel(&call, arguments, &out, &one)); /* record_lt */
    assert_int_equal(RDB_VALUES(&out, uint8_t)[0], 1);
    rdb_strbuf_clear(&text);
    const rdb_type *record = fixture_type(RDB_RECORDOID);
    assert_true(record->ops->output(&call, record, row, &text));
    assert_string_equal(text.data, "(7,\"a,\"\"b\",\"\",)");
}

int main(void)
{
    fixture_open();
    arena = rdb_arena_create("keys", NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_values), cmocka_unit_test(test_random_words), cmocka_unit_test(test_random_bytes_and_numbers),
        cmocka_unit_test(test_nulls_stand_at_their_end), cmocka_unit_test(test_names_are_printed_as_sql),
        cmocka_unit_test(test_registry_knows_and_says_no), cmocka_unit_test(test_random_arrays_are_reached_by_subscript),
        cmocka_unit_test(test_enums_and_rows),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    rdb_arena_destroy(arena);
    return result;
}
