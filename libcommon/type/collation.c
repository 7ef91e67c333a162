/* SPDX-License-Identifier: Apache-2.0
 * The registry of collations and what they do, through ICU and libc. Readers look into a table of pointers that is only
 * ever added to or replaced as a whole by a larger one; what it points to never changes but for the handles, which are
 * opened once, under the registry's lock, when they are first needed. Nothing here is freed before the process ends. */
#include "type/collation.h"
#include "type/text_int.h"

#include <gnu/libc-version.h>
#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/ucol.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>
#include <wchar.h>
#include <wctype.h>

struct type_collation {
    uint32_t oid;
    rdb_collation_definition definition; /* its own copies */
    bool orders_bytes, is_ascii;
    _Atomic(UCollator *) icu;   /* written once, released; used by const calls alone, which ICU lets threads share */
    _Atomic(locale_t) collate, ctype; /* the same */
};

typedef struct table {
    uint32_t mask;
    _Atomic(type_collation *) slots[];
} table;

static struct {
    pthread_mutex_t lock;    /* whoever registers or opens */
    _Atomic(table *) current; /* acquired by readers: what it points to was written before */
    uint32_t count;           /* guarded by lock */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- names ------------------------------------------------------------------------------------------------------------------ */
static bool is_c(const char *locale)
{
    return locale != NULL && (strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0);
}

/* Its order is that of code points, which for UTF-8 is that of bytes. */
static bool is_code_points(const char *locale)
{
    return is_c(locale) || (locale != NULL && (strcmp(locale, "C.UTF-8") == 0 || strcmp(locale, "C.utf8") == 0));
}

static bool same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static bool same_definition(const rdb_collation_definition *left, const rdb_collation_definition *right)
{
    return left->provider == right->provider && left->is_deterministic == right->is_deterministic && same_text(left->collate, right->collate) &&
           same_text(left->ctype, right->ctype) && same_text(left->icu_locale, right->icu_locale);
}

uint32_t rdb_collation_propose_oid(const rdb_collation_definition *definition, uint32_t nth)
{
    const char *parts[] = {definition->collate, definition->ctype, definition->icu_locale};
    uint64_t hash = rdb_hash64(&nth, sizeof nth, (uint64_t)(unsigned char)definition->provider << 1 | definition->is_deterministic);
    for (size_t i = 0; i < RDB_COUNT_OF(parts); i++)
        hash = parts[i] != NULL ? rdb_hash64(parts[i], strlen(parts[i]), hash + i) : hash;
    return RDB_COLLATION_OID_MIN | (uint32_t)((hash >> 32) & 0x7ffffffe);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------ */
static bool open_icu(const char *locale, UCollator **opened, rdb_error *err)
{
    UErrorCode status = U_ZERO_ERROR;
    *opened = ucol_open(locale, &status);
    if (U_SUCCESS(status))
        return true;
    *opened = NULL;
    return rdb_error_set(err, RDB_INTERNAL_ERROR, "could not open collator for locale \"%s\": %s", locale, u_errorName(status));
}

static bool open_libc(int mask, const char *locale, locale_t *opened, rdb_error *err)
{
    *opened = newlocale(mask, locale, (locale_t)0);
    if (*opened != (locale_t)0)
        return true;
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "could not create locale \"%s\": No such file or directory", locale);
    return rdb_error_detail(err, "The operating system could not find any locale data for the locale name \"%s\".", locale);
}

bool rdb_collation_check(const rdb_collation_definition *definition, rdb_error *err)
{
    if (definition->provider == 'i') {
        UCollator *icu;
        if (!open_icu(definition->icu_locale, &icu, err))
            return false;
        ucol_close(icu);
        return true;
    }
    const char *names[] = {definition->collate, definition->ctype};
    for (size_t i = 0; i < RDB_COUNT_OF(names); i++) {
        locale_t opened;
        if (is_c(names[i]))
            continue;
        if (!open_libc(i == 0 ? LC_COLLATE_MASK : LC_CTYPE_MASK, names[i], &opened, err))
            return false;
        freelocale(opened);
    }
    return true;
}

static UCollator *icu_of(const type_collation *collation, rdb_error *err)
{
    type_collation *own = (type_collation *)collation; /* the handle alone is written, once */
    UCollator *icu = atomic_load_explicit(&own->icu, memory_order_acquire);
    if (icu != NULL)
        return icu;
    rdb_error scratch = {0};
    pthread_mutex_lock(&registry.lock);
    icu = atomic_load_explicit(&own->icu, memory_order_relaxed);
    if (icu == NULL && open_icu(own->definition.icu_locale, &icu, err != NULL ? err : &scratch))
        atomic_store_explicit(&own->icu, icu, memory_order_release);
    pthread_mutex_unlock(&registry.lock);
    return icu;
}

static locale_t libc_of(const type_collation *collation, bool ctype, rdb_error *err)
{
    type_collation *own = (type_collation *)collation;
    _Atomic(locale_t) *slot = ctype ? &own->ctype : &own->collate;
    locale_t handle = atomic_load_explicit(slot, memory_order_acquire);
    if (handle != (locale_t)0)
        return handle;
    rdb_error scratch = {0};
    pthread_mutex_lock(&registry.lock);
    handle = atomic_load_explicit(slot, memory_order_relaxed);
    /* Both categories: what the order of a locale means is also a matter of its characters. */
    if (handle == (locale_t)0 && open_libc(LC_COLLATE_MASK | LC_CTYPE_MASK, ctype ? own->definition.ctype : own->definition.collate, &handle, err != NULL ? err : &scratch))
        atomic_store_explicit(slot, handle, memory_order_release);
    pthread_mutex_unlock(&registry.lock);
    return handle;
}

/* ---- the registry ---------------------------------------------------------------------------------------------------------------- */
static uint32_t home_of(const table *in, uint32_t oid)
{
    return (uint32_t)(type_mix64(oid)) & in->mask;
}

static type_collation *find(uint32_t oid)
{
    table *in = atomic_load_explicit(&registry.current, memory_order_acquire);
    for (uint32_t at = in != NULL ? home_of(in, oid) : 0; in != NULL; at = (at + 1) & in->mask) {
        type_collation *one = atomic_load_explicit(&in->slots[at], memory_order_acquire);
        if (one == NULL || one->oid == oid)
            return one;
    }
    return NULL;
}

static void put(table *in, type_collation *one)
{
    uint32_t at = home_of(in, one->oid);
    type_collation *there;
    while ((there = atomic_load_explicit(&in->slots[at], memory_order_relaxed)) != NULL && there->oid != one->oid)
        at = (at + 1) & in->mask;
    atomic_store_explicit(&in->slots[at], one, memory_order_release);
}

/* Room for one more: a table that is two thirds full gives way to one of twice its size; readers may still be in it. */
static bool make_room(rdb_error *err)
{
    table *old = atomic_load_explicit(&registry.current, memory_order_relaxed);
    if (old != NULL && 3 * (registry.count + 1) < 2 * (old->mask + 1))
        return true;
    const uint32_t size = old != NULL ? 2 * (old->mask + 1) : 2048;
    table *larger = calloc(1, sizeof *larger + size * sizeof larger->slots[0]);
    if (larger == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    larger->mask = size - 1;
    for (uint32_t i = 0; old != NULL && i <= old->mask; i++) {
        type_collation *one = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (one != NULL)
            put(larger, one);
    }
    atomic_store_explicit(&registry.current, larger, memory_order_release);
    return true;
}

static bool copy_text(const char *text, const char **copy)
{
    *copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *copy != NULL;
}

bool rdb_collation_register(uint32_t oid, const rdb_collation_definition *definition, rdb_error *err)
{
    if (type_collation_is_plain(oid))
        return true;
    pthread_mutex_lock(&registry.lock);
    const type_collation *there = find(oid);
    bool ok = true;
    if (there == NULL || !same_definition(&there->definition, definition)) {
        type_collation *made = calloc(1, sizeof *made);
        ok = made != NULL && copy_text(definition->collate, &made->definition.collate) && copy_text(definition->ctype, &made->definition.ctype) &&
             copy_text(definition->icu_locale, &made->definition.icu_locale);
        if (!ok)
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        else if ((ok = make_room(err))) {
            made->oid = oid;
            made->definition.provider = definition->provider;
            made->definition.is_deterministic = definition->is_deterministic;
            made->orders_bytes = definition->provider != 'i' && is_code_points(definition->collate);
            made->is_ascii = definition->provider != 'i' && is_c(definition->ctype);
            registry.count += there == NULL;
            put(atomic_load_explicit(&registry.current, memory_order_relaxed), made);
        }
    }
    pthread_mutex_unlock(&registry.lock);
    return ok;
}

const type_collation *type_collation_find(uint32_t oid)
{
    const type_collation *found = find(oid);
    if (found == NULL || found->orders_bytes)
        return NULL;
    return (found->definition.provider == 'i' ? icu_of(found, NULL) != NULL : libc_of(found, false, NULL) != (locale_t)0) ? found : NULL;
}

bool rdb_collation_check_usable(uint32_t oid, rdb_error *err)
{
    if (type_collation_is_plain(oid))
        return true;
    const type_collation *found = find(oid);
    if (found == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for collation %u", oid);
    return found->orders_bytes || (found->definition.provider == 'i' ? icu_of(found, err) != NULL : libc_of(found, false, err) != (locale_t)0);
}

bool rdb_collation_orders_bytes(uint32_t oid)
{
    return type_collation_of(oid) == NULL;
}

bool rdb_collation_is_deterministic(uint32_t oid)
{
    const type_collation *collation = type_collation_of(oid);
    return collation == NULL || collation->definition.is_deterministic;
}

bool rdb_collation_same_order(uint32_t left, uint32_t right)
{
    return left == right || (rdb_collation_orders_bytes(left) && rdb_collation_orders_bytes(right));
}

bool rdb_collation_same_equality(uint32_t left, uint32_t right)
{
    return left == right || (rdb_collation_is_deterministic(left) && rdb_collation_is_deterministic(right));
}

bool type_collation_is_deterministic(const type_collation *collation)
{
    return collation->definition.is_deterministic;
}

bool type_collation_is_ascii(uint32_t oid)
{
    if (oid == RDB_C_COLLATION_OID || oid == 951)
        return true;
    const type_collation *found = type_collation_is_plain(oid) ? NULL : find(oid);
    return found != NULL && found->is_ascii;
}

/* ---- versions and locales ----------------------------------------------------------------------------------------------------------- */
void rdb_collation_get_version(const rdb_collation_definition *definition, char *version, size_t capacity)
{
    version[0] = '\0';
    if (definition->provider == 'i') {
        UErrorCode status = U_ZERO_ERROR;
        UCollator *icu = ucol_open(definition->icu_locale, &status);
        if (U_SUCCESS(status)) {
            UVersionInfo numbers;
            char text[U_MAX_VERSION_STRING_LENGTH];
            ucol_getVersion(icu, numbers);
            ucol_close(icu);
            u_versionToString(numbers, text);
            snprintf(version, capacity, "%s", text);
        }
    } else if (definition->provider == 'c' && !is_code_points(definition->collate) && strncmp(definition->collate, "C.", 2) != 0) {
        snprintf(version, capacity, "%s", gnu_get_libc_version());
    }
}

bool rdb_collation_icu_locale(uint32_t position, char *tag, size_t tag_capacity, char *name, size_t name_capacity)
{
    if (position > (uint32_t)uloc_countAvailable())
        return false;
    UErrorCode status = U_ZERO_ERROR;
    const char *id = position == 0 ? "" : uloc_getAvailable((int32_t)position - 1);
    uloc_toLanguageTag(id, tag, (int32_t)tag_capacity, true, &status);
    if (U_FAILURE(status))
        snprintf(tag, tag_capacity, "%s", id);
    UChar units[128];
    status = U_ZERO_ERROR;
    name[0] = '\0';
    int32_t count = uloc_getDisplayName(id, "en", units, RDB_COUNT_OF(units), &status), written = 0;
    if (U_SUCCESS(status))
        u_strToUTF8(name, (int32_t)name_capacity, &written, units, count, &status);
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80) { /* comments of built-in objects are ASCII */
            name[0] = '\0';
            break;
        }
    return true;
}

/* ---- texts in ICU's form ----------------------------------------------------------------------------------------------------------- */
typedef struct units {
    UChar *data, own[256];
    int32_t count;
} units;

static bool units_open(units *u, rdb_bytes text)
{
    UErrorCode status = U_ZERO_ERROR;
    u->count = 0;
    u->data = text.length < RDB_COUNT_OF(u->own) ? u->own : malloc(sizeof(UChar) * ((size_t)text.length + 1));
    if (u->data == NULL)
        return false;
    u_strFromUTF8WithSub(u->data, (int32_t)RDB_MAX(text.length + 1, RDB_COUNT_OF(u->own)), &u->count, (const char *)text.data, (int32_t)text.length, 0xfffd, NULL, &status);
    return U_SUCCESS(status);
}

static void units_close(units *u)
{
    if (u->data != u->own)
        free(u->data);
}

/* libc wants an end after each text. */
typedef struct ended {
    char *data, own[256];
} ended;
static bool ended_open(ended *e, rdb_bytes text)
{
    e->data = text.length < sizeof e->own ? e->own : malloc((size_t)text.length + 1);
    if (e->data == NULL)
        return false;
    if (text.length > 0)
        memcpy(e->data, text.data, text.length);
    e->data[text.length] = '\0';
    return true;
}
static void ended_close(ended *e)
{
    if (e->data != e->own)
        free(e->data);
}

/* ---- order -------------------------------------------------------------------------------------------------------------------------- */
int type_collation_compare(const type_collation *collation, rdb_bytes left, rdb_bytes right)
{
    int order = 0;
    if (type_equal_bytes(left, right))
        return 0;
    if (collation->definition.provider == 'i') {
        UErrorCode status = U_ZERO_ERROR;
        order = ucol_strcollUTF8(icu_of(collation, NULL), left.length > 0 ? (const char *)left.data : "", (int32_t)left.length,
                                 right.length > 0 ? (const char *)right.data : "", (int32_t)right.length, &status);
    } else {
        ended a, b;
        bool has_left = ended_open(&a, left), has_right = ended_open(&b, right);
        if (has_left && has_right)
            order = strcoll_l(a.data, b.data, libc_of(collation, false, NULL));
        if (has_left)
            ended_close(&a);
        if (has_right)
            ended_close(&b);
    }
    return order != 0 || !collation->definition.is_deterministic ? order : type_compare_bytes(left, right);
}

static bool add_icu_key(const type_collation *collation, rdb_bytes text, rdb_strbuf *key)
{
    units u;
    uint8_t own[512], *bytes = own;
    if (!units_open(&u, text))
        return false;
    int32_t length = ucol_getSortKey(icu_of(collation, NULL), u.data, u.count, own, sizeof own);
    if (length > (int32_t)sizeof own) {
        bytes = malloc((size_t)length);
        if (bytes != NULL)
            length = ucol_getSortKey(icu_of(collation, NULL), u.data, u.count, bytes, length);
    }
    units_close(&u);
    if (bytes == NULL)
        return false;
    rdb_strbuf_add(key, bytes, length > 0 ? (size_t)length - 1 : 0); /* without the zero byte at its end */
    if (bytes != own)
        free(bytes);
    return !key->failed;
}

bool type_collation_add_sort_key(const type_collation *collation, rdb_bytes text, rdb_strbuf *key)
{
    if (collation->definition.provider == 'i')
        return add_icu_key(collation, text, key);
    ended e;
    if (!ended_open(&e, text))
        return false;
    locale_t locale = libc_of(collation, false, NULL);
    size_t length = strxfrm_l(NULL, e.data, 0, locale);
    char *bytes = malloc(length + 1);
    if (bytes != NULL) {
        strxfrm_l(bytes, e.data, length + 1, locale);
        rdb_strbuf_add(key, bytes, length);
        free(bytes);
    }
    ended_close(&e);
    return bytes != NULL && !key->failed;
}

bool type_collation_add_key(const type_collation *collation, rdb_bytes text, rdb_strbuf *key)
{
    rdb_strbuf sort_key;
    rdb_strbuf_init(&sort_key, NULL);
    bool ok = type_collation_add_sort_key(collation, text, &sort_key);
    if (ok)
        type_key_add_bytes(key, (const uint8_t *)sort_key.data, sort_key.length);
    if (ok && collation->definition.is_deterministic)
        type_key_add_bytes(key, text.data, text.length);
    rdb_strbuf_free(&sort_key);
    return ok && !key->failed;
}

uint64_t type_collation_hash(const type_collation *collation, rdb_bytes text)
{
    if (collation->definition.is_deterministic)
        return rdb_hash64(text.data, text.length, 0);
    rdb_strbuf sort_key;
    rdb_strbuf_init(&sort_key, NULL);
    uint64_t hash = 0;
    if (type_collation_add_sort_key(collation, text, &sort_key))
        hash = rdb_hash64(sort_key.data, sort_key.length, 0);
    rdb_strbuf_free(&sort_key);
    return hash;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------------- */
bool type_collation_need(rdb_call *call, const char *purpose)
{
    if (call->collation != 0)
        return true;
    rdb_error_set(call->err, RDB_INDETERMINATE_COLLATION, "could not determine which collation to use for %s", purpose);
    return rdb_error_hint(call->err, "Use the COLLATE clause to set the collation explicitly.");
}

bool type_collation_need_deterministic(rdb_call *call, const char *purpose)
{
    return rdb_collation_is_deterministic(call->collation) ||
           rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "nondeterministic collations are not supported for %s", purpose);
}

/* ---- cases -------------------------------------------------------------------------------------------------------------------------- */
static int32_t icu_case(const type_collation *collation, const units *from, type_case wanted, UChar *to, int32_t capacity, UErrorCode *status)
{
    const char *locale = collation->definition.icu_locale;
    switch (wanted) {
    case TYPE_LOWER: return u_strToLower(to, capacity, from->data, from->count, locale, status);
    case TYPE_UPPER: return u_strToUpper(to, capacity, from->data, from->count, locale, status);
    default: return u_strToTitle(to, capacity, from->data, from->count, NULL, locale, status);
    }
}

static bool change_case_icu(rdb_call *call, const type_collation *collation, rdb_bytes text, type_case wanted, rdb_datum *r)
{
    units from;
    UErrorCode status = U_ZERO_ERROR;
    if (!units_open(&from, text))
        return rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
    const int32_t capacity = 3 * from.count + 16; /* a character becomes three at most */
    UChar *to = malloc(sizeof(UChar) * (size_t)capacity);
    uint8_t *bytes = type_alloc(call, 3 * (size_t)capacity + 1);
    int32_t count = to != NULL ? icu_case(collation, &from, wanted, to, capacity, &status) : 0, written = 0;
    if (to != NULL && bytes != NULL && U_SUCCESS(status))
        u_strToUTF8((char *)bytes, 3 * capacity + 1, &written, to, count, &status);
    free(to);
    units_close(&from);
    if (to == NULL || bytes == NULL)
        return bytes != NULL && rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
    r->bytes = (rdb_bytes){.data = bytes, .length = (uint32_t)written};
    return U_SUCCESS(status) || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "case conversion failed: %s", u_errorName(status));
}

static bool change_case_libc(rdb_call *call, locale_t locale, rdb_bytes source, type_case wanted, rdb_datum *r)
{
    rdb_strbuf text;
    bool in_word = false;
    rdb_strbuf_init(&text, call->arena);
    for (const uint8_t *at = source.data, *end = at + source.length; at < end;) {
        uint32_t length, c = type_utf8_decode(at, end, &length);
        bool upper = wanted == TYPE_UPPER || (wanted == TYPE_INITCAP && !in_word);
        type_utf8_encode(&text, (uint32_t)(upper ? towupper_l((wint_t)c, locale) : towlower_l((wint_t)c, locale)));
        in_word = iswalnum_l((wint_t)c, locale) != 0;
        at += length;
    }
    return type_take_buffer(call, &text, r);
}

static bool change_case_ascii(rdb_call *call, rdb_bytes source, type_case wanted, rdb_datum *r)
{
    uint8_t *data = type_alloc(call, (size_t)source.length + 1);
    bool in_word = false;
    for (uint32_t i = 0; data != NULL && i < source.length; i++) {
        uint8_t c = source.data[i];
        bool upper = wanted == TYPE_UPPER || (wanted == TYPE_INITCAP && !in_word);
        data[i] = (uint8_t)(upper ? (c >= 'a' && c <= 'z' ? c - 32 : c) : type_lower(c));
        in_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || type_is_digit(c);
    }
    r->bytes = (rdb_bytes){.data = data, .length = source.length};
    return data != NULL;
}

bool type_collation_change_case(rdb_call *call, rdb_bytes text, type_case wanted, bool *done, rdb_datum *r)
{
    *done = false;
    if (call->collation == RDB_DEFAULT_COLLATION_OID)
        return true;
    *done = true;
    if (type_collation_is_ascii(call->collation))
        return change_case_ascii(call, text, wanted, r);
    const type_collation *found = find(call->collation);
    if (found == NULL) {
        *done = false;
        return true;
    }
    if (found->definition.provider == 'i')
        return icu_of(found, call->err) != NULL && change_case_icu(call, found, text, wanted, r);
    locale_t locale = libc_of(found, true, call->err);
    return locale != (locale_t)0 && change_case_libc(call, locale, text, wanted, r);
}
