/* SPDX-License-Identifier: Apache-2.0
 * Every input function of every type, text and binary. What reads must print, what printed must read again as the same
 * bytes, and what was sent must be received as the same. Input: type number 2 bytes, form 1 byte, then the value. */
#include "fuzz.h"

#include "../unit/type/fixture.h"

static const char *type_name; /* of the input under test */
#define TYPE_CHECK(condition)                                          \
    do {                                                               \
        if (!(condition))                                              \
            fprintf(stderr, "type %s: ", type_name);                   \
        FUZZ_CHECK(condition);                                         \
    } while (0)
static rdb_arena *arena, *plan_arena;
const uint32_t fuzz_runs = 300000;
const fuzz_maker fuzz_make = NULL;

static const struct { uint32_t oid; const char *text; } SEEDS[] = {
    {RDB_BOOLOID, "true"}, {RDB_INT2OID, "-32768"}, {RDB_INT4OID, "2147483647"}, {RDB_INT8OID, "-9223372036854775808"}, {RDB_FLOAT4OID, "1.5e-10"},
    {RDB_FLOAT8OID, "-Infinity"}, {RDB_NUMERICOID, "-12345678901234567890.000123e-5"}, {RDB_NUMERICOID, "NaN"}, {RDB_TEXTOID, "\xc3\xa4\xe2\x82\xac"},
    {RDB_BYTEAOID, "\\xdeadbeef"}, {RDB_BYTEAOID, "a\\\\b\\001"}, {RDB_DATEOID, "2024-02-29"}, {RDB_DATEOID, "January 8, 99 BC"}, {RDB_TIMEOID, "23:59:60.999999"},
    {RDB_TIMETZOID, "04:05:06-08:00:30"}, {RDB_TIMESTAMPOID, "1999-01-08 04:05:06.5"}, {RDB_TIMESTAMPTZOID, "Sat Nov 21 06:00:00 2026 Europe/Berlin"},
    {RDB_TIMESTAMPTZOID, "20261121T060000Z"}, {RDB_INTERVALOID, "1 year 2 mons 3 days 04:05:06.789"}, {RDB_INTERVALOID, "P1Y2M3DT4H5M6.7S"}, {RDB_INTERVALOID, "@ 1 minute ago"},
    {RDB_UUIDOID, "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}"}, {RDB_JSONOID, "{\"a\": [1, 2.5e3, null, \"\\u00e4\\ud83d\\ude00\"], \"b\": {}}"},
    {RDB_JSONBOID, "{\"b\": [true, false, {\"c\": \"\\\"x\\\\\"}], \"a\": -0.0}"}, {RDB_INT4ARRAYOID, "[0:1][-2:-1]={{1,2},{3,NULL}}"}, {RDB_TEXTARRAYOID, "{a,\"b c\",\"d\\\"e\",NULL}"},
    {RDB_OIDOID, "4294967295"}, {RDB_TIDOID, "(1,2)"}, {RDB_OIDVECTOROID, "1 2 3"}, {RDB_PG_LSNOID, "16/B374D848"}, {RDB_XIDOID, "7"}, {RDB_CHAROID, "\\101"},
    {RDB_NAMEOID, "a_name"}, {RDB_BPCHAROID, "padded   "}, {RDB_INETOID, "192.168.0.1/24"}, {RDB_INETOID, "::ffff:1.2.3.4/128"}, {RDB_CIDROID, "10/8"},
    {RDB_MACADDROID, "08:00:2b:01:02:03"}, {RDB_MONEYOID, "-$1,234.56"}, {RDB_BITOID, "10110"}, {RDB_VARBITOID, "xFF"}, {RDB_POINTOID, "(1.5,-2e3)"},
    {RDB_POLYGONOID, "((0,0),(1,1),(2,0))"}, {RDB_CIRCLEOID, "<(1,2),3>"}, {RDB_PATHOID, "[(0,0),(1,1)]"}, {RDB_BOXOID, "(3,4),(1,2)"}, {RDB_LINEOID, "{1,-1,0}"},
    {RDB_TSVECTOROID, "'a':1A,2B 'b c':3"}, {RDB_TSQUERYOID, "a & !(b | 'c':*AB) <-> d"}, {RDB_JSONPATHOID, "$.a[*] ? (@.b > 1)"}, {RDB_XMLOID, "<a b=\"c\">d</a>"},
    {1007 /* int4[] */, "{}"}, {1231 /* numeric[] */, "{1.5,NaN}"}, {1185 /* timestamptz[] */, "{\"2024-01-01 00:00:00+00\"}"}, {3807 /* jsonb[] */, "{\"{\\\"a\\\": 1}\"}"},
    {3904 /* int4range */, "[1,10)"}, {3908 /* tsrange */, "(2024-01-01,infinity]"}, {4451 /* int4multirange */, "{[1,3),[5,)}"},
};

/* Descriptors of the fixture that lack their element or subtype are none that the catalog would make. */
static bool is_complete(const rdb_type *type)
{
    return (type->category != 'A' || type->element != NULL) && ((type->kind != 'r' && type->kind != 'm') || type->base != NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fixture_open();
    arena = rdb_arena_create("fuzz", NULL, NULL);
    plan_arena = rdb_arena_create("fuzz plan", NULL, NULL);
    return 0;
}

void fuzz_close(void)
{
    rdb_arena_destroy(arena);
    rdb_arena_destroy(plan_arena);
}

bool fuzz_seed(uint32_t no, const uint8_t **data, size_t *size)
{
    /* Each text as text, and (if it reads) its wire form as binary. */
    uint32_t seed = no / 2;
    if (seed >= RDB_COUNT_OF(SEEDS))
        return false;
    const rdb_type *type = fixture_type(SEEDS[seed].oid);
    rdb_strbuf *bytes = calloc(1, sizeof *bytes);
    rdb_strbuf_init(bytes, NULL);
    FUZZ_CHECK(type != NULL);
    uint16_t type_no = (uint16_t)(type - fixture_types);
    uint8_t head[3] = {(uint8_t)type_no, (uint8_t)(type_no >> 8), no % 2};
    rdb_strbuf_add(bytes, head, sizeof head);
    if (no % 2 == 0 || !is_complete(type) || type->ops == NULL || type->ops->input == NULL || type->ops->send == NULL) {
        rdb_strbuf_adds(bytes, SEEDS[seed].text);
    } else {
        rdb_error err = {0};
        void *state = NULL;
        rdb_datum value = {.words = {0, 0}};
        rdb_call call = {.arena = plan_arena, .plan_arena = plan_arena, .err = &err, .format = rdb_format_default(), .state = &state};
        if (type->ops->input(&call, type, (rdb_slice){(const uint8_t *)SEEDS[seed].text, strlen(SEEDS[seed].text)}, -1, &value) &&
            !type->ops->send(&call, type, value, bytes))
            bytes->length = sizeof head;
        rdb_error_clear(&err);
    }
    *data = (const uint8_t *)bytes->data;
    *size = bytes->length;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const rdb_type *type = &fixture_types[(data[0] | (unsigned)data[1] << 8) % RDB_COUNT_OF(fixture_types)];
    const rdb_type_ops *ops = type->ops;
    bool is_text = data[2] % 2 == 0;
    rdb_error err = {0};
    void *state = NULL;
    rdb_datum value = {.words = {0, 0}}, again = {.words = {0, 0}};
    rdb_strbuf first, second, sent;
    rdb_slice bytes = {data + 3, size - 3};
    size_t bad_offset;
    type_name = type->name;
    if (ops == NULL || (is_text ? ops->input : ops->receive) == NULL || !is_complete(type))
        return 0;
    /* What comes as text has been checked and has no zero. */
    if (is_text && (!rdb_utf8_validate(bytes.data, bytes.length, &bad_offset) || memchr(bytes.data, 0, bytes.length) != NULL))
        return 0;
    rdb_call call = {.arena = arena, .plan_arena = plan_arena, .err = &err, .format = rdb_format_default(), .state = &state, .result_type = type};
    rdb_strbuf_init(&first, NULL);
    rdb_strbuf_init(&second, NULL);
    rdb_strbuf_init(&sent, NULL);
    bool ok = is_text ? ops->input(&call, type, bytes, -1, &value) : ops->receive(&call, type, bytes, -1, &value);
    TYPE_CHECK(ok == !rdb_error_is_set(&err));
    if (ok && ops->hash != NULL)
        (void)ops->hash(type, 100, value);
    if (ok && ops->compare != NULL)
        TYPE_CHECK(ops->compare(type, 100, value, value) == 0);
    if (ok && ops->output != NULL && ops->output(&call, type, value, &first)) {
        rdb_slice text = {(const uint8_t *)first.data, first.length};
        TYPE_CHECK(first.length == 0 || rdb_utf8_validate(text.data, text.length, &bad_offset));
        if (ops->input != NULL && ops->input(&call, type, text, -1, &again) && ops->output(&call, type, again, &second))
            TYPE_CHECK(first.length == second.length && (first.length == 0 || memcmp(first.data, second.data, first.length) == 0));
    }
    rdb_error_clear(&err);
    bool is_vector = type->oid == RDB_OIDVECTOROID || type->oid == RDB_INT2VECTOROID; /* an empty one comes back without a dimension */
    if (ok && !is_vector && ops->send != NULL && ops->send(&call, type, value, &sent) && ops->receive != NULL) {
        rdb_slice wire = {(const uint8_t *)(sent.data != NULL ? sent.data : ""), sent.length};
        rdb_strbuf_clear(&second);
        if (ops->receive(&call, type, wire, -1, &again) && ops->send(&call, type, again, &second))
            TYPE_CHECK(sent.length == second.length && (sent.length == 0 || memcmp(sent.data, second.data, sent.length) == 0));
    }
    rdb_error_clear(&err);
    rdb_strbuf_free(&first);
    rdb_strbuf_free(&second);
    rdb_strbuf_free(&sent);
    rdb_arena_reset(arena);
    return 0;
}
