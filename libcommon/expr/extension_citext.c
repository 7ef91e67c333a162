/* SPDX-License-Identifier: Apache-2.0
 * citext: texts that compare without regard to case. The type, its casts and operators are made by PostgreSQL's own script; here are its C
 * functions, and the operations that indexes, sorts and hashes use for it: those of text over the text in small letters. A value keeps
 * the letters that it was written with. */
#include "expr/extension.h"

static const rdb_type TEXT = {.oid = RDB_TEXTOID, .name = "text", .kind = 'b', .category = 'S', .is_defined = true, .rep = RDB_REP_BYTES, .typlen = -1, .delimiter = ',',
                              .collation = RDB_DEFAULT_COLLATION_OID};
static const rdb_type_ops *text_ops;

/* A text in small letters: most fit here and are ASCII. */
typedef struct folded {
    rdb_datum value;
    rdb_arena *arena; /* NULL: value lies in bytes, or is the text as it came */
    uint8_t bytes[256];
} folded;

static void fold(rdb_datum text, folded *f)
{
    const uint8_t *data = text.bytes.data;
    const uint32_t length = text.bytes.length;
    bool is_plain = length <= sizeof f->bytes;
    f->arena = NULL;
    f->value = text;
    for (uint32_t i = 0; is_plain && i < length; i++) {
        is_plain = data[i] < 0x80;
        f->bytes[i] = data[i] >= 'A' && data[i] <= 'Z' ? (uint8_t)(data[i] + 32) : data[i];
    }
    if (is_plain) {
        f->value.bytes = (rdb_bytes){f->bytes, length, 0};
        return;
    }
    rdb_error ignored = {0};
    f->arena = rdb_arena_create("citext", NULL, NULL);
    rdb_call call = {.arena = f->arena, .err = &ignored, .format = rdb_format_default()};
    if (f->arena != NULL && !rdb_text_lower(&call, text.bytes, &f->value))
        f->value = text; /* without memory: as it stands */
    rdb_error_clear(&ignored);
}

static void unfold(folded *f)
{
    rdb_arena_destroy(f->arena);
}

static int compare_values(const rdb_type *type, uint32_t collation, rdb_datum left, rdb_datum right)
{
    folded l, r;
    (void)type;
    fold(left, &l);
    fold(right, &r);
    int order = text_ops->compare(&TEXT, collation != 0 ? collation : RDB_DEFAULT_COLLATION_OID, l.value, r.value);
    unfold(&l);
    unfold(&r);
    return order;
}

static int compare_bytes(rdb_datum left, rdb_datum right)
{
    folded l, r;
    fold(left, &l);
    fold(right, &r);
    const rdb_bytes a = l.value.bytes, b = r.value.bytes;
    int order = memcmp(a.data, b.data, RDB_MIN(a.length, b.length));
    if (order == 0)
        order = a.length < b.length ? -1 : a.length > b.length;
    unfold(&l);
    unfold(&r);
    return order;
}

static uint64_t hash_value(const rdb_type *type, uint32_t collation, rdb_datum value)
{
    folded f;
    (void)type;
    fold(value, &f);
    uint64_t hash = text_ops->hash(&TEXT, collation != 0 ? collation : RDB_DEFAULT_COLLATION_OID, f.value);
    unfold(&f);
    return hash;
}

static bool encode_value(const rdb_type *type, uint32_t collation, rdb_datum value, rdb_strbuf *key)
{
    folded f;
    (void)type;
    fold(value, &f);
    bool ok = text_ops->encode_key(&TEXT, collation != 0 ? collation : RDB_DEFAULT_COLLATION_OID, f.value, key);
    unfold(&f);
    return ok;
}

static bool hash_compatible(rdb_call *call, rdb_datum value, uint64_t seed, uint64_t *hash)
{
    folded f;
    fold(value, &f);
    bool ok = rdb_type_hash_compatible(call, &TEXT, f.value, seed, hash);
    unfold(&f);
    return ok;
}

EXTENSION_FUNCTION(citext_cmp) { r->i32 = compare_values(NULL, call->collation, a[0], a[1]); return true; }
EXTENSION_FUNCTION(citext_eq) { r->b = compare_bytes(a[0], a[1]) == 0; return true; }
EXTENSION_FUNCTION(citext_ne) { r->b = compare_bytes(a[0], a[1]) != 0; return true; }
EXTENSION_FUNCTION(citext_lt) { r->b = compare_values(NULL, call->collation, a[0], a[1]) < 0; return true; }
EXTENSION_FUNCTION(citext_le) { r->b = compare_values(NULL, call->collation, a[0], a[1]) <= 0; return true; }
EXTENSION_FUNCTION(citext_gt) { r->b = compare_values(NULL, call->collation, a[0], a[1]) > 0; return true; }
EXTENSION_FUNCTION(citext_ge) { r->b = compare_values(NULL, call->collation, a[0], a[1]) >= 0; return true; }
EXTENSION_FUNCTION(citext_smaller) { *r = compare_values(NULL, call->collation, a[0], a[1]) < 0 ? a[0] : a[1]; return true; }
EXTENSION_FUNCTION(citext_larger) { *r = compare_values(NULL, call->collation, a[0], a[1]) > 0 ? a[0] : a[1]; return true; }
EXTENSION_FUNCTION(citext_pattern_cmp) { r->i32 = compare_bytes(a[0], a[1]); return true; }
EXTENSION_FUNCTION(citext_pattern_lt) { r->b = compare_bytes(a[0], a[1]) < 0; return true; }
EXTENSION_FUNCTION(citext_pattern_le) { r->b = compare_bytes(a[0], a[1]) <= 0; return true; }
EXTENSION_FUNCTION(citext_pattern_gt) { r->b = compare_bytes(a[0], a[1]) > 0; return true; }
EXTENSION_FUNCTION(citext_pattern_ge) { r->b = compare_bytes(a[0], a[1]) >= 0; return true; }
EXTENSION_FUNCTION(citext_hash)
{
    uint64_t hash;
    if (!hash_compatible(call, a[0], 0, &hash))
        return false;
    r->i32 = (int32_t)(uint32_t)hash; /* the lower half, with no seed, is the plain hash */
    return true;
}
EXTENSION_FUNCTION(citext_hash_extended)
{
    uint64_t hash;
    if (!hash_compatible(call, a[0], (uint64_t)a[1].i64, &hash))
        return false;
    r->i64 = (int64_t)hash;
    return true;
}

#define C(name) {#name, NULL, NULL, #name, name, 'i', false}
static const rdb_extension_routine ROUTINES[] = {C(citext_cmp), C(citext_eq), C(citext_ne), C(citext_lt), C(citext_le), C(citext_gt), C(citext_ge), C(citext_smaller), C(citext_larger),
                                                 C(citext_pattern_cmp), C(citext_pattern_lt), C(citext_pattern_le), C(citext_pattern_gt), C(citext_pattern_ge), C(citext_hash),
                                                 C(citext_hash_extended)};
const rdb_extension extension_citext = {"citext", "1.6", "data type for case-insensitive character strings", "$libdir/citext", ROUTINES, RDB_COUNT_OF(ROUTINES), NULL, 0, NULL, 0};

void extension_citext_register(void)
{
    static rdb_type_ops ops;
    text_ops = rdb_type_ops_find(&TEXT);
    ops = *text_ops; /* what goes in and out is the text itself */
    ops.compare = compare_values;
    ops.hash = hash_value;
    ops.encode_key = encode_value;
    ops.decode_key = NULL; /* the letters are not in the key */
    rdb_type_ops_register("citext_cmp", RDB_REP_BYTES, &ops);
}
