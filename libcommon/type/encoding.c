/* SPDX-License-Identifier: Apache-2.0
 * Encodings: where characters end by each one's rule, and conversion through ICU's tables, character by character, so that
 * an error names the bytes it is about. Encodings of one byte are tables of 128 entries made once. */
#include "type/rdb_encoding.h"
#include "type/tables.h"
#include "type/text_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucnv.h>

typedef enum shape { ONE_BYTE, EUC, EUC_FOUR, SHIFT_JIS, TWO_BYTES, GB18030, UTF8, ANY } shape;

/* By PostgreSQL's number. converter: ICU's name, NULL: there is no conversion. */
static const struct {
    const char *name, *converter;
    uint8_t shape, max_length;
} ENCODINGS[RDB_ENCODING_COUNT] = {
    {"SQL_ASCII", NULL, ANY, 1}, {"EUC_JP", "EUC-JP", EUC, 3}, {"EUC_CN", "EUC-CN", EUC, 3}, {"EUC_KR", "EUC-KR", EUC, 3},
    {"EUC_TW", "EUC-TW", EUC_FOUR, 4}, {"EUC_JIS_2004", NULL, EUC, 3}, {"UTF8", "UTF-8", UTF8, 4}, {"MULE_INTERNAL", NULL, ANY, 4},
    {"LATIN1", "ISO-8859-1", ONE_BYTE, 1}, {"LATIN2", "ISO-8859-2", ONE_BYTE, 1}, {"LATIN3", "ISO-8859-3", ONE_BYTE, 1},
    {"LATIN4", "ISO-8859-4", ONE_BYTE, 1}, {"LATIN5", "ISO-8859-9", ONE_BYTE, 1}, {"LATIN6", "ISO-8859-10", ONE_BYTE, 1},
    {"LATIN7", "ISO-8859-13", ONE_BYTE, 1}, {"LATIN8", "ISO-8859-14", ONE_BYTE, 1}, {"LATIN9", "ISO-8859-15", ONE_BYTE, 1},
    {"LATIN10", NULL, ONE_BYTE, 1}, {"WIN1256", "windows-1256", ONE_BYTE, 1}, {"WIN1258", "windows-1258", ONE_BYTE, 1},
    {"WIN866", "ibm-866_P100-1995", ONE_BYTE, 1}, {"WIN874", "windows-874", ONE_BYTE, 1}, {"KOI8R", "KOI8-R", ONE_BYTE, 1},
    {"WIN1251", "windows-1251", ONE_BYTE, 1}, {"WIN1252", "windows-1252", ONE_BYTE, 1}, {"ISO_8859_5", "ISO-8859-5", ONE_BYTE, 1},
    {"ISO_8859_6", "ISO-8859-6", ONE_BYTE, 1}, {"ISO_8859_7", "ISO-8859-7", ONE_BYTE, 1}, {"ISO_8859_8", "ISO-8859-8", ONE_BYTE, 1},
    {"WIN1250", "windows-1250", ONE_BYTE, 1}, {"WIN1253", "windows-1253", ONE_BYTE, 1}, {"WIN1254", "windows-1254", ONE_BYTE, 1},
    {"WIN1255", "windows-1255", ONE_BYTE, 1}, {"WIN1257", "windows-1257", ONE_BYTE, 1}, {"KOI8U", "KOI8-U", ONE_BYTE, 1},
    {"SJIS", "windows-31j", SHIFT_JIS, 2}, {"BIG5", "windows-950", TWO_BYTES, 2}, {"GBK", "windows-936", TWO_BYTES, 2},
    {"UHC", "windows-949", TWO_BYTES, 2}, {"GB18030", "gb18030", GB18030, 4}, {"JOHAB", NULL, EUC, 3}, {"SHIFT_JIS_2004", NULL, SHIFT_JIS, 2},
};
enum { EUC_JP = 1, EUC_TW = 4, LATIN2 = 9, WIN866 = 20, KOI8R = 22, WIN1251 = 23, ISO_8859_5 = 25, WIN1250 = 29, SJIS = 35, BIG5 = 36 };

/* Other names, folded. */
static const struct {
    const char *name;
    uint8_t encoding;
} ALIASES[] = {
    {"abc", 19}, {"alt", 20}, {"iso88591", 8}, {"iso885910", 13}, {"iso885913", 14}, {"iso885914", 15}, {"iso885915", 16}, {"iso885916", 17},
    {"iso88592", 9}, {"iso88593", 10}, {"iso88594", 11}, {"iso88599", 12}, {"koi8", 22}, {"mskanji", 35}, {"shiftjis", 35}, {"tcvn", 19},
    {"tcvn5712", 19}, {"unicode", 6}, {"vscii", 19}, {"win", 23}, {"win932", 35}, {"win936", 37}, {"win949", 38}, {"win950", 36},
    {"windows1250", 29}, {"windows1251", 23}, {"windows1252", 24}, {"windows1253", 30}, {"windows1254", 31}, {"windows1255", 32},
    {"windows1256", 18}, {"windows1257", 33}, {"windows1258", 19}, {"windows866", 20}, {"windows874", 21}, {"windows932", 35},
    {"windows936", 37}, {"windows949", 38}, {"windows950", 36},
};

/* ---- names ---------------------------------------------------------------------------------------------------------------------- */
const char *rdb_encoding_name(int encoding)
{
    return encoding >= 0 && encoding < RDB_ENCODING_COUNT ? ENCODINGS[encoding].name : NULL;
}

static void fold(const char *name, char *folded, size_t capacity)
{
    size_t length = 0;
    for (; *name != '\0' && length + 1 < capacity; name++)
        if (type_is_digit((uint8_t)*name) || (type_lower((uint8_t)*name) >= 'a' && type_lower((uint8_t)*name) <= 'z'))
            folded[length++] = (char)type_lower((uint8_t)*name);
    folded[length] = '\0';
}

int rdb_encoding_find(const char *name)
{
    char wanted[64], known[64];
    fold(name, wanted, sizeof wanted);
    for (int i = 0; i < RDB_ENCODING_COUNT; i++) {
        fold(ENCODINGS[i].name, known, sizeof known);
        if (strcmp(wanted, known) == 0)
            return i;
    }
    for (size_t i = 0; i < RDB_COUNT_OF(ALIASES); i++)
        if (strcmp(wanted, ALIASES[i].name) == 0)
            return ALIASES[i].encoding;
    return -1;
}

uint32_t rdb_encoding_max_length(int encoding)
{
    return ENCODINGS[encoding].max_length;
}

bool rdb_encoding_converts(int encoding)
{
    return ENCODINGS[encoding].converter != NULL;
}

bool rdb_encoding_converts_between(int source, int target)
{
    static const uint8_t PAIRS[][2] = {{EUC_JP, SJIS}, {EUC_TW, BIG5}, {LATIN2, WIN1250}, {KOI8R, WIN1251}, {KOI8R, WIN866}, {KOI8R, ISO_8859_5},
                                       {WIN1251, WIN866}, {WIN1251, ISO_8859_5}, {WIN866, ISO_8859_5}};
    if (!rdb_encoding_converts(source) || !rdb_encoding_converts(target))
        return false;
    for (size_t i = 0; i < RDB_COUNT_OF(PAIRS); i++)
        if ((source == PAIRS[i][0] && target == PAIRS[i][1]) || (source == PAIRS[i][1] && target == PAIRS[i][0]))
            return true;
    return source == RDB_ENCODING_UTF8 || target == RDB_ENCODING_UTF8;
}

/* ---- characters ------------------------------------------------------------------------------------------------------------------ */
/* How long the character that begins here says it is; at < end. */
static uint32_t length_at(int encoding, const uint8_t *at, const uint8_t *end)
{
    if (*at < 0x80)
        return 1;
    switch ((shape)ENCODINGS[encoding].shape) {
    case EUC: return *at == 0x8f ? 3 : 2;
    case EUC_FOUR: return *at == 0x8e ? 4 : *at == 0x8f ? 3 : 2;
    case SHIFT_JIS: return *at >= 0xa1 && *at <= 0xdf ? 1 : 2;
    case TWO_BYTES: return 2;
    case GB18030: return at + 1 < end && at[1] >= 0x30 && at[1] <= 0x39 ? 4 : 2;
    case UTF8: return rdb_utf8_length(*at);
    default: return 1;
    }
}

/* Is it well formed? What follows a lead byte of most sets has its high bit set. */
static bool is_whole(int encoding, const uint8_t *at, uint32_t length, const uint8_t *end)
{
    if (*at == 0 || (size_t)(end - at) < length)
        return false;
    if (length == 1 || ENCODINGS[encoding].shape == UTF8)
        return true;
    const shape kind = (shape)ENCODINGS[encoding].shape;
    for (uint32_t i = 1; i < length; i++) {
        if ((kind == EUC || kind == EUC_FOUR) && at[i] < 0xa1)
            return false;
        if (at[i] == 0 || ((kind == TWO_BYTES || kind == SHIFT_JIS) && at[i] < 0x40))
            return false;
    }
    return true;
}

static void put_bytes(const uint8_t *at, size_t length, char *shown, size_t capacity)
{
    size_t used = 0;
    shown[0] = '\0';
    for (size_t i = 0; i < length && i < 8; i++)
        used += (size_t)snprintf(shown + used, capacity - used, "%s0x%02x", i > 0 ? " " : "", at[i]);
}

bool rdb_encoding_refuse(int encoding, const uint8_t *at, size_t length, rdb_error *err)
{
    char shown[64];
    const uint32_t wanted = length_at(encoding, at, at + length);
    put_bytes(at, RDB_MIN(wanted, length), shown, sizeof shown);
    return rdb_error_set(err, RDB_CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"%s\": %s", ENCODINGS[encoding].name, shown);
}

static bool untranslatable(int source, int target, const uint8_t *at, size_t length, rdb_error *err)
{
    char shown[64];
    put_bytes(at, length, shown, sizeof shown);
    return rdb_error_set(err, RDB_UNTRANSLATABLE_CHARACTER, "character with byte sequence %s in encoding \"%s\" has no equivalent in encoding \"%s\"", shown,
                         ENCODINGS[source].name, ENCODINGS[target].name);
}

bool rdb_encoding_verify(int encoding, rdb_slice bytes, size_t *characters, rdb_error *err)
{
    size_t count = 0, bad = 0;
    if (encoding == RDB_ENCODING_UTF8 && !rdb_utf8_validate(bytes.data, bytes.length, &bad))
        return rdb_encoding_refuse(encoding, (const uint8_t *)bytes.data + bad, bytes.length - bad, err);
    for (const uint8_t *at = bytes.data, *end = at + bytes.length; at < end; count++) {
        const uint32_t length = length_at(encoding, at, end);
        if (!is_whole(encoding, at, length, end))
            return rdb_encoding_refuse(encoding, at, (size_t)(end - at), err);
        at += length;
    }
    if (characters != NULL)
        *characters = count;
    return true;
}

size_t rdb_encoding_whole(int encoding, rdb_slice bytes)
{
    const uint8_t *start = bytes.data, *at = start, *end = at + bytes.length;
    while (at < end) {
        const bool undecided = ENCODINGS[encoding].shape == GB18030 && *at >= 0x80 && at + 1 == end;
        const uint32_t length = length_at(encoding, at, end);
        if (undecided || (size_t)(end - at) < length)
            break;
        at += length;
    }
    return (size_t)(at - start);
}

/* ---- tables of one byte ---------------------------------------------------------------------------------------------------------- */
typedef struct byte_table {
    uint32_t characters[128]; /* of the bytes from 0x80; 0: none */
} byte_table;

static _Atomic(byte_table *) tables[RDB_ENCODING_COUNT]; /* set once, under the lock; whole before they are seen */
static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;

static UConverter *open_converter(int encoding)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *converter = ucnv_open(ENCODINGS[encoding].converter, &status);
    if (U_FAILURE(status))
        return NULL;
    ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
    ucnv_setFromUCallBack(converter, UCNV_FROM_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
    ucnv_setFallback(converter, false);
    return converter;
}

/* 0: it stands for nothing. */
static uint32_t character_of(UConverter *converter, const uint8_t *at, uint32_t length)
{
    UChar units[4];
    UErrorCode status = U_ZERO_ERROR;
    int32_t count = ucnv_toUChars(converter, units, 4, (const char *)at, (int32_t)length, &status);
    if (U_FAILURE(status) || count == 0 || count > 2 || (count == 2 ? !U16_IS_LEAD(units[0]) || !U16_IS_TRAIL(units[1]) : U16_IS_SURROGATE(units[0])))
        return 0; /* nothing, or more than one character */
    return count == 2 ? (uint32_t)U16_GET_SUPPLEMENTARY(units[0], units[1]) : units[0];
}

static uint32_t bytes_of(UConverter *converter, uint32_t character, uint8_t *bytes, uint32_t capacity)
{
    UChar units[2];
    UErrorCode status = U_ZERO_ERROR;
    int32_t count = 0;
    U16_APPEND_UNSAFE(units, count, character);
    int32_t length = ucnv_fromUChars(converter, (char *)bytes, (int32_t)capacity, units, count, &status);
    return U_FAILURE(status) || length <= 0 || length > (int32_t)capacity ? 0 : (uint32_t)length;
}

static const byte_table *table_of(int encoding, rdb_error *err)
{
    byte_table *table = atomic_load_explicit(&tables[encoding], memory_order_acquire);
    if (table != NULL)
        return table;
    pthread_mutex_lock(&tables_lock);
    table = atomic_load_explicit(&tables[encoding], memory_order_relaxed);
    UConverter *converter = table == NULL ? open_converter(encoding) : NULL;
    if (converter != NULL && (table = calloc(1, sizeof *table)) != NULL) {
        const bool is_windows = strncmp(ENCODINGS[encoding].name, "WIN", 3) == 0;
        for (uint32_t i = 0; i < 128; i++) {
            const uint8_t byte = (uint8_t)(0x80 + i);
            const uint32_t c = character_of(converter, &byte, 1);
            table->characters[i] = is_windows && c >= 0x80 && c < 0xa0 ? 0 : c; /* code pages have no control characters up there */
        }
        atomic_store_explicit(&tables[encoding], table, memory_order_release);
    }
    ucnv_close(converter);
    pthread_mutex_unlock(&tables_lock);
    if (table == NULL)
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "conversion between %s and UTF8 is not supported", ENCODINGS[encoding].name);
    return table;
}

/* ---- conversion ------------------------------------------------------------------------------------------------------------------ */
typedef struct conversion {
    int encoding;
    const byte_table *table; /* of one byte, or */
    UConverter *converter;   /* of several */
} conversion;

static bool begin(conversion *c, int encoding, rdb_error *err)
{
    *c = (conversion){.encoding = encoding};
    if (encoding == RDB_ENCODING_UTF8)
        return true;
    if (rdb_encoding_converts(encoding) && ENCODINGS[encoding].shape == ONE_BYTE)
        return (c->table = table_of(encoding, err)) != NULL;
    if (rdb_encoding_converts(encoding) && (c->converter = open_converter(encoding)) != NULL)
        return true;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "conversion between %s and UTF8 is not supported", ENCODINGS[encoding].name);
}

static void end(conversion *c)
{
    ucnv_close(c->converter);
}

static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *limit)
{
    while (at < limit && *at < 0x80 && *at != 0)
        at++;
    return at;
}

bool rdb_encoding_to_utf8(int source, rdb_slice bytes, rdb_strbuf *text, rdb_error *err)
{
    conversion c;
    if (source == RDB_ENCODING_SQL_ASCII || source == RDB_ENCODING_UTF8) {
        rdb_strbuf_add(text, bytes.data, bytes.length);
        return rdb_encoding_verify(RDB_ENCODING_UTF8, bytes, NULL, err) && rdb_strbuf_check(text, err);
    }
    if (!begin(&c, source, err))
        return false;
    bool ok = true;
    for (const uint8_t *at = bytes.data, *limit = at + bytes.length; ok && at < limit;) {
        const uint8_t *plain = skip_ascii(at, limit);
        if (plain > at) {
            rdb_strbuf_add(text, at, (size_t)(plain - at));
            at = plain;
            continue;
        }
        const uint32_t length = length_at(source, at, limit);
        if (!is_whole(source, at, length, limit)) {
            ok = rdb_encoding_refuse(source, at, (size_t)(limit - at), err);
            break;
        }
        const uint32_t character = c.table != NULL ? c.table->characters[*at - 0x80] : character_of(c.converter, at, length);
        ok = character != 0 || untranslatable(source, RDB_ENCODING_UTF8, at, length, err);
        if (ok)
            type_utf8_encode(text, character);
        at += length;
    }
    end(&c);
    return ok && rdb_strbuf_check(text, err);
}

static uint32_t encode(const conversion *c, uint32_t character, uint8_t *bytes)
{
    if (c->table == NULL)
        return bytes_of(c->converter, character, bytes, 8);
    for (uint32_t i = 0; i < 128; i++)
        if (c->table->characters[i] == character) {
            bytes[0] = (uint8_t)(0x80 + i);
            return 1;
        }
    return 0;
}

static bool from_utf8(int target, rdb_slice text, bool anyway, rdb_strbuf *bytes, rdb_error *err)
{
    conversion c;
    if (target == RDB_ENCODING_SQL_ASCII || target == RDB_ENCODING_UTF8) {
        rdb_strbuf_add(bytes, text.data, text.length);
        return rdb_strbuf_check(bytes, err);
    }
    if (!begin(&c, target, err))
        return false;
    bool ok = true;
    for (const uint8_t *at = text.data, *limit = at + text.length; ok && at < limit;) {
        const uint8_t *plain = at;
        while (plain < limit && *plain < 0x80)
            plain++;
        if (plain > at) {
            rdb_strbuf_add(bytes, at, (size_t)(plain - at));
            at = plain;
            continue;
        }
        uint8_t made[8];
        uint32_t length, character = type_utf8_decode(at, limit, &length), count = encode(&c, character, made);
        if (count > 0)
            rdb_strbuf_add(bytes, made, count);
        else if (anyway)
            rdb_strbuf_addc(bytes, '?');
        else
            ok = untranslatable(RDB_ENCODING_UTF8, target, at, length, err);
        at += length;
    }
    end(&c);
    return ok && rdb_strbuf_check(bytes, err);
}

bool rdb_encoding_from_utf8(int target, rdb_slice text, rdb_strbuf *bytes, rdb_error *err)
{
    return from_utf8(target, text, false, bytes, err);
}

void rdb_encoding_from_utf8_anyway(int target, rdb_slice text, rdb_strbuf *bytes)
{
    rdb_error ignored = {0};
    if (!from_utf8(target, text, true, bytes, &ignored))
        rdb_error_clear(&ignored);
}

/* ---- functions ------------------------------------------------------------------------------------------------------------------- */
static bool named(rdb_call *call, rdb_datum name, const char *what, int *encoding)
{
    const char *text = rdb_arena_strndup(call->arena, (const char *)name.bytes.data, name.bytes.length);
    *encoding = rdb_encoding_find(text);
    return *encoding >= 0 || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid %sencoding name \"%s\"", what, text);
}

static bool convert(rdb_call *call, rdb_slice bytes, int source, int target, rdb_datum *r)
{
    rdb_strbuf text, result;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_init(&result, call->arena);
    if (source == target || target == RDB_ENCODING_SQL_ASCII || source == RDB_ENCODING_SQL_ASCII) {
        r->bytes = (rdb_bytes){.data = bytes.data, .length = (uint32_t)bytes.length};
        return rdb_encoding_verify(source == RDB_ENCODING_SQL_ASCII ? target : source, bytes, NULL, call->err);
    }
    if (!rdb_encoding_verify(source, bytes, NULL, call->err))
        return false;
    if (bytes.length == 0) {
        r->bytes = (rdb_bytes){.data = bytes.data, .length = 0};
        return true;
    }
    if (!rdb_encoding_converts_between(source, target))
        return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "default conversion function for encoding \"%s\" to \"%s\" does not exist", ENCODINGS[source].name,
                             ENCODINGS[target].name);
    return rdb_encoding_to_utf8(source, bytes, &text, call->err) &&
           rdb_encoding_from_utf8(target, (rdb_slice){(const uint8_t *)text.data, text.length}, &result, call->err) && type_take_buffer(call, &result, r);
}

TYPE_ROW_FUNCTION(convert_bytes, 3)
{
    int source, target;
    return named(call, a[1], "source ", &source) && named(call, a[2], "destination ", &target) && convert(call, type_slice(a[0]), source, target, r);
}

TYPE_ROW_FUNCTION(convert_from, 2)
{
    int source;
    return named(call, a[1], "source ", &source) && convert(call, type_slice(a[0]), source, RDB_ENCODING_UTF8, r);
}

TYPE_ROW_FUNCTION(convert_to, 2)
{
    int target;
    return named(call, a[1], "destination ", &target) && convert(call, type_slice(a[0]), RDB_ENCODING_UTF8, target, r);
}

TYPE_ROW_FUNCTION(length_in, 2)
{
    int encoding;
    size_t count = 0;
    if (!named(call, a[1], "", &encoding) || !rdb_encoding_verify(encoding, type_slice(a[0]), &count, call->err))
        return false;
    r->i32 = (int32_t)count;
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"pg_convert", convert_bytes, F, 0}, {"pg_convert_from", convert_from, F, 0}, {"pg_convert_to", convert_to, F, 0}, {"length_in_encoding", length_in, F, 0},
};
TYPE_KERNEL_TABLE(type_encoding_table, KERNELS);
