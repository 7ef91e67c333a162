/* SPDX-License-Identifier: Apache-2.0
 * The hash values that PostgreSQL's hash functions give, bit for bit: clients see them (hashtext), and the rows of a
 * hash-partitioned table find their partition by them. Bob Jenkins' lookup3 with PostgreSQL's start value; the room's
 * own hashing (rdb_type_ops.hash) is faster and has nothing to do with it. */
#include "type/array.h"
#include "type/collation.h"
#include "type/datetime.h"
#include "type/json.h"
#include "type/range.h"
#include "type/tables.h"
#include <math.h>

#define START(length) (UINT32_C(0x9e3779b9) + (uint32_t)(length) + UINT32_C(3923095))

typedef struct triple {
    uint32_t a, b, c;
} triple;

static uint32_t rotate(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

static void mix(triple *t)
{
    uint32_t a = t->a, b = t->b, c = t->c;
    a -= c, a ^= rotate(c, 4), c += b;
    b -= a, b ^= rotate(a, 6), a += c;
    c -= b, c ^= rotate(b, 8), b += a;
    a -= c, a ^= rotate(c, 16), c += b;
    b -= a, b ^= rotate(a, 19), a += c;
    c -= b, c ^= rotate(b, 4), b += a;
    *t = (triple){a, b, c};
}

static uint64_t finish(triple *t)
{
    uint32_t a = t->a, b = t->b, c = t->c;
    c ^= b, c -= rotate(b, 14);
    a ^= c, a -= rotate(c, 11);
    b ^= a, b -= rotate(a, 25);
    c ^= b, c -= rotate(b, 16);
    a ^= c, a -= rotate(c, 4);
    b ^= a, b -= rotate(a, 14);
    c ^= b, c -= rotate(b, 24);
    return (uint64_t)b << 32 | c;
}

static void seed_with(triple *t, uint64_t seed)
{
    if (seed == 0)
        return;
    t->a += (uint32_t)(seed >> 32);
    t->b += (uint32_t)seed;
    mix(t);
}

static uint64_t hash_word(uint32_t word, uint64_t seed)
{
    triple t = {START(4), START(4), START(4)};
    seed_with(&t, seed);
    t.a += word;
    return finish(&t);
}

static uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    triple t = {START(length), START(length), START(length)};
    const uint8_t *at = bytes;
    seed_with(&t, seed);
    for (; length >= 12; at += 12, length -= 12) {
        t.a += rdb_get_u32(at);
        t.b += rdb_get_u32(at + 4);
        t.c += rdb_get_u32(at + 8);
        mix(&t);
    }
    uint8_t rest[12] = {0};
    if (length > 0)
        memcpy(rest, at, length);
    t.a += rdb_get_u32(rest);
    t.b += rdb_get_u32(rest + 4);
    t.c += rdb_get_u32(rest + 8) << 8; /* its lowest byte belongs to the length */
    return finish(&t);
}

static uint64_t hash_long(int64_t value, uint64_t seed)
{
    uint32_t low = (uint32_t)value, high = (uint32_t)((uint64_t)value >> 32);
    return hash_word(low ^ (value >= 0 ? high : ~high), seed); /* so that integers of all widths agree */
}

static uint64_t hash_double(double value, uint64_t seed)
{
    if (value == 0)
        return seed;
    if (isnan(value))
        value = (double)NAN;
    return hash_bytes(&value, sizeof value, seed);
}

/* By the groups of four digits, without zero groups at the ends, and the weight of the first. */
static bool hash_numeric(rdb_call *call, const rdb_type *type, rdb_datum value, uint64_t seed, bool extended, uint64_t *hash)
{
    rdb_strbuf wire;
    rdb_strbuf_init(&wire, call->arena);
    if (!rdb_type_ops_find(type)->send(call, type, value, &wire) || !rdb_strbuf_check(&wire, call->err))
        return false;
    const uint8_t *at = (const uint8_t *)wire.data;
    uint32_t count = type_be16(at), start = 0;
    int weight = (int16_t)type_be16(at + 2);
    if (type_be16(at + 4) >= 0x8000) {
        *hash = extended ? seed : 0;
        return true;
    }
    uint8_t *groups = rdb_arena_alloc(call->arena, 2 * (size_t)count + 2);
    for (uint32_t i = 0; i < count; i++)
        rdb_put_u16(groups + 2 * (size_t)i, type_be16(at + 8 + 2 * (size_t)i));
    while (start < count && rdb_get_u16(groups + 2 * (size_t)start) == 0) {
        start++;
        weight--;
    }
    while (count > start && rdb_get_u16(groups + 2 * (size_t)(count - 1)) == 0)
        count--;
    if (start == count)
        *hash = extended ? seed - 1 : UINT32_MAX;
    else
        *hash = hash_bytes(groups + 2 * (size_t)start, 2 * (size_t)(count - start), seed) ^ (uint64_t)(int64_t)weight;
    return true;
}

/* Values that are hashed as the bytes they are stored as. */
static bool hashes_bytes(const rdb_type *type)
{
    switch (type->oid) {
    case RDB_TEXTOID:
    case RDB_VARCHAROID:
    case RDB_NAMEOID:
    case RDB_BYTEAOID:
    case RDB_INETOID:
    case RDB_CIDROID:
    case RDB_MACADDROID:
    case RDB_MACADDR8OID:
        return true;
    default:
        return false;
    }
}

static bool is_text(const rdb_type *type)
{
    return type->oid == RDB_TEXTOID || type->oid == RDB_VARCHAROID;
}

/* Texts that a collation calls equal have one sort key. */
static bool hash_sort_key(rdb_call *call, rdb_bytes text, uint64_t seed, uint64_t *hash)
{
    rdb_strbuf key;
    rdb_strbuf_init(&key, call->arena);
    if (!type_collation_add_sort_key(type_collation_of(call->collation), text, &key))
        return rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_addc(&key, '\0'); /* PostgreSQL hashes ICU's whole key, its end included */
    *hash = hash_bytes(key.data, key.length, seed);
    return rdb_strbuf_check(&key, call->err);
}

/* Both halves one bit to the left, each around itself. */
static uint64_t rotate_halves(uint64_t x)
{
    return (x << 1 & UINT64_C(0xfffffffefffffffe)) | (x >> 31 & UINT64_C(0x0000000100000001));
}

#define JSON_ARRAY_FLAG 0x40000000u
#define JSON_OBJECT_FLAG 0x20000000u

static bool hash_json(rdb_call *call, rdb_bytes node, uint64_t seed, bool extended, bool is_outermost, uint64_t *hash)
{
    type_jsonb json;
    uint64_t part = 0;
    type_jsonb_read(node, &json);
    if (json.kind == TYPE_JSON_ARRAY || json.kind == TYPE_JSON_OBJECT) {
        uint64_t flag = json.kind == TYPE_JSON_ARRAY ? JSON_ARRAY_FLAG : JSON_OBJECT_FLAG;
        *hash ^= extended ? flag << 32 | flag : flag;
        for (uint32_t i = 0; i < json.count; i++) {
            if (json.kind == TYPE_JSON_OBJECT) {
                rdb_bytes key = type_jsonb_key(&json, i);
                part = hash_bytes(key.data, key.length, seed);
                *hash = (extended ? rotate_halves(*hash) : rotate((uint32_t)*hash, 1)) ^ (extended ? part : (uint32_t)part);
            }
            if (!hash_json(call, type_jsonb_item(&json, i), seed, extended, false, hash))
                return false;
        }
        return true;
    }
    if (is_outermost) /* a scalar stands in an array of its own */
        *hash ^= extended ? (uint64_t)JSON_ARRAY_FLAG << 32 | JSON_ARRAY_FLAG : JSON_ARRAY_FLAG;
    if (json.kind == TYPE_JSON_NULL) {
        part = (extended ? seed : 0) + 1;
    } else if (json.kind == TYPE_JSON_STRING) {
        part = hash_bytes(json.payload.data, json.payload.length, seed);
    } else if (json.kind == TYPE_JSON_NUMBER) {
        const rdb_type *numeric;
        if (!rdb_type_descriptor(call, RDB_NUMERICOID, &numeric) ||
            !hash_numeric(call, numeric, (rdb_datum){.bytes = json.payload}, seed, extended, &part))
            return false;
    } else {
        part = extended && seed != 0 ? hash_word(json.kind == TYPE_JSON_TRUE, seed) : json.kind == TYPE_JSON_TRUE ? 2 : 4;
    }
    *hash = extended ? rotate_halves(*hash) ^ part : rotate((uint32_t)*hash, 1) ^ (uint32_t)part;
    return true;
}

static bool hash_value(rdb_call *call, const rdb_type *type, rdb_datum value, uint64_t seed, bool extended, uint64_t *hash);

static bool hash_range(rdb_call *call, const rdb_type *type, rdb_bytes stored, uint64_t seed, bool extended, uint64_t *hash)
{
    type_range range;
    uint64_t lower = 0, upper = 0;
    type_range_read(type, stored, &range);
    bool has_lower = !range.is_empty && !range.lower.is_infinite, has_upper = !range.is_empty && !range.upper.is_infinite;
    if ((has_lower && !hash_value(call, type->base, range.lower.value, seed, extended, &lower)) ||
        (has_upper && !hash_value(call, type->base, range.upper.value, seed, extended, &upper)))
        return false;
    uint64_t total = hash_word(type_range_flags(&range), extended ? seed : 0);
    *hash = extended ? rotate_halves(total ^ lower) ^ upper : rotate((uint32_t)total ^ (uint32_t)lower, 1) ^ (uint32_t)upper;
    return true;
}

static bool hash_value(rdb_call *call, const rdb_type *type, rdb_datum value, uint64_t seed, bool extended, uint64_t *hash)
{
    type = type_base(type);
    uint64_t part;
    switch (type->oid) {
    case RDB_BOOLOID:
    case RDB_CHAROID:
        *hash = hash_word((uint32_t)(int32_t)value.i8, seed);
        return true;
    case RDB_INT2OID:
        *hash = hash_word((uint32_t)(int32_t)value.i16, seed);
        return true;
    case RDB_INT8OID:
    case RDB_TIMEOID:
    case RDB_TIMESTAMPOID:
    case RDB_TIMESTAMPTZOID:
    case RDB_PG_LSNOID:
    case RDB_XID8OID:
    case RDB_MONEYOID:
        *hash = hash_long(value.i64, seed);
        return true;
    case RDB_FLOAT4OID:
        *hash = hash_double((double)value.f4, seed);
        return true;
    case RDB_FLOAT8OID:
        *hash = hash_double(value.f8, seed);
        return true;
    case RDB_NUMERICOID:
        return hash_numeric(call, type, value, seed, extended, hash);
    case RDB_TIMETZOID:
        *hash = hash_long(type_get_timetz(value).usecs, seed) ^ hash_word((uint32_t)type_get_timetz(value).west, seed);
        return true;
    case RDB_INTERVALOID:
        *hash = hash_long((int64_t)type_interval_span(type_get_interval(value)), seed);
        return true;
    case RDB_UUIDOID:
        *hash = hash_bytes(value.fixed, 16, seed);
        return true;
    case RDB_TIDOID: {
        uint8_t pointer[6];
        rdb_put_u16(pointer, (uint16_t)(value.words[0] >> 16));
        rdb_put_u16(pointer + 2, (uint16_t)value.words[0]);
        memcpy(pointer + 4, value.fixed + 8, 2);
        *hash = hash_bytes(pointer, sizeof pointer, seed);
        return true;
    }
    case RDB_JSONBOID:
        *hash = 0;
        return hash_json(call, value.bytes, seed, extended, true, hash);
    case RDB_BPCHAROID:
        while (value.bytes.length > 0 && value.bytes.data[value.bytes.length - 1] == ' ')
            value.bytes.length--;
        if (!rdb_collation_is_deterministic(call->collation))
            return hash_sort_key(call, value.bytes, seed, hash);
        *hash = hash_bytes(value.bytes.data, value.bytes.length, seed);
        return true;
    default:
        break;
    }
    if (type->element != NULL) {
        type_array array;
        const rdb_type *element;
        type_array_read(value.bytes, &array);
        if (type->oid == RDB_OIDVECTOROID) { /* its oids side by side */
            *hash = hash_bytes(array.values, 4 * (size_t)array.count, seed);
            return true;
        }
        if (!type_array_element(call, type, &array, &element))
            return false;
        uint64_t total = 1;
        for (uint32_t i = 0; i < array.count; i++) {
            rdb_datum item;
            part = 0;
            if (type_array_get(&array, i, &item) && !hash_value(call, element, item, seed, extended, &part))
                return false;
            total = extended ? total * 31 + part : (uint32_t)((uint32_t)total * 31 + (uint32_t)part);
        }
        *hash = total;
        return true;
    }
    if (type->kind == 'c' || type->oid == RDB_RECORDOID) {
        uint32_t count = rdb_record_count(value);
        const rdb_type **types = rdb_arena_zalloc(call->arena, sizeof *types * (count + 1));
        rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * (count + 1));
        bool *nulls = rdb_arena_zalloc(call->arena, count + 1);
        uint64_t total = 0;
        if (!rdb_record_read(call, value, types, values, nulls, count))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            part = 0;
            if (!nulls[i] && !hash_value(call, types[i], values[i], seed, extended, &part))
                return false;
            total = extended ? total * 31 + part : (uint32_t)((uint32_t)total * 31 + (uint32_t)part);
        }
        *hash = total;
        return true;
    }
    if (type->kind == 'r' && type->base != NULL)
        return hash_range(call, type, value.bytes, seed, extended, hash);
    if (type->kind == 'm' && type->base != NULL) {
        type_range_list list;
        uint64_t total = 1;
        if (!type_multirange_read(call, type->base, value.bytes, &list))
            return false;
        for (uint32_t i = 0; i < list.count; i++) {
            rdb_datum one;
            if (!type_range_write(call, type->base, &list.ranges[i], &one) || !hash_range(call, type->base, one.bytes, seed, extended, &part))
                return false;
            total = extended ? total * 31 + part : (uint32_t)((uint32_t)total * 31 + (uint32_t)part);
        }
        *hash = total;
        return true;
    }
    rdb_rep rep = (rdb_rep)type->rep;
    if (rep == RDB_REP_INT32) { /* int4, date, oid and its kin, enums */
        *hash = hash_word((uint32_t)value.i32, seed);
        return true;
    }
    if (rep == RDB_REP_BYTES && hashes_bytes(type)) {
        if (is_text(type) && !rdb_collation_is_deterministic(call->collation))
            return hash_sort_key(call, value.bytes, seed, hash);
        *hash = hash_bytes(value.bytes.data, value.bytes.length, seed);
        return true;
    }
    return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "could not identify a hash function for type %s", type->name);
}

bool rdb_type_hash_compatible(rdb_call *call, const rdb_type *type, rdb_datum value, uint64_t seed, uint64_t *hash)
{
    return hash_value(call, type, value, seed, true, hash);
}

TYPE_ROW_FUNCTION(hash_any, 1)
{
    uint64_t hash = 0;
    bool ok = hash_value(call, call->argument_types[0], a[0], 0, false, &hash);
    r->i32 = (int32_t)(uint32_t)hash;
    return ok;
}

TYPE_ROW_FUNCTION(hash_any_extended, 2)
{
    uint64_t hash = 0;
    bool ok = hash_value(call, call->argument_types[0], a[0], (uint64_t)a[1].i64, true, &hash);
    r->i64 = (int64_t)hash;
    return ok;
}

#define F (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
#define BOTH(name) {name, hash_any, F, 0}, {name "extended", hash_any_extended, F, 0}
#define BOTH_(name) {name, hash_any, F, 0}, {name "_extended", hash_any_extended, F, 0}
static const type_kernel KERNELS[] = {
    BOTH("hashint2"), BOTH("hashint4"), BOTH("hashint8"), BOTH("hashfloat4"), BOTH("hashfloat8"), BOTH("hashoid"), BOTH("hashoidvector"),
    BOTH("hashchar"), BOTH("hashname"), BOTH("hashtext"), BOTH("hashbpchar"), BOTH("hashenum"), BOTH("hashtid"), BOTH("hashinet"),
    BOTH("hashmacaddr"), BOTH("hashmacaddr8"), BOTH_("hash_numeric"), BOTH_("hash_array"), BOTH_("hash_record"), BOTH_("hash_range"), BOTH_("hash_multirange"), BOTH_("uuid_hash"),
    BOTH_("interval_hash"), BOTH_("time_hash"), BOTH_("timetz_hash"), BOTH_("timestamp_hash"), BOTH_("pg_lsn_hash"), BOTH_("jsonb_hash"),
};
TYPE_KERNEL_TABLE(type_hash_table, KERNELS);
