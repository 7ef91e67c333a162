/* SPDX-License-Identifier: Apache-2.0
 * Terms of values that have an order (one term, read by ranges), and of intervals: ranges, multiranges by their hull, networks.
 *
 * Intervals are put in classes by their length, each ordered by where it begins: of those no longer than 2^n - 1 the ones that meet
 * [a, b] begin between a - (2^n - 1) and b. So one search reads one stretch of each class, and at most twice what it finds, however
 * long and short intervals are mixed (compare MAP21: Nascimento, Dunham, "Indexing valid time databases via B+-trees", TKDE 1999).
 * Bounds become 64-bit numbers by the first bytes of their index keys: what is below stays below or becomes equal, and the operator
 * decides.
 *
 *   a KEY term's bytes, ordered values:  0 . the index key, or text with its end
 *                       intervals:       0 1 class: bits of the length   1 8 lower, big-endian   9 8 upper */
#include "type/range.h"
#include "type/terms.h"

enum { GIN_METHOD = 2742, GIST_METHOD = 783, SPGIST_METHOD = 4000 };

/* ---- ordered values ---------------------------------------------------------------------------------------------------- */
enum { ORDER_LESS = 1, ORDER_LESS_EQUAL, ORDER_EQUAL, ORDER_GREATER_EQUAL, ORDER_GREATER, ORDER_UNEQUAL };

static bool scalar_key(term_work *w, rdb_datum value, rdb_strbuf *key)
{
    rdb_strbuf_init(key, w->call->arena);
    if (w->type->ops == NULL || w->type->ops->encode_key == NULL)
        return rdb_error_set(w->call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", w->type->name);
    return (w->type->ops->encode_key(w->type, w->call->collation, value, key) && rdb_strbuf_check(key, w->call->err)) || rdb_error_is_set(w->call->err) ||
           rdb_error_set(w->call->err, RDB_OUT_OF_MEMORY, "out of memory");
}

/* The whole term, or, as a bound, so much of it as is kept in order. */
static void scalar_term(term_work *w, const rdb_strbuf *key, bool is_bound, rdb_strbuf *term)
{
    term_begin(w, RDB_TERM_KEY, term);
    if (key->length <= TERM_BYTES_MAX)
        rdb_strbuf_add(term, key->data, key->length);
    else
        term_text(w, term, (rdb_slice){(const uint8_t *)key->data, key->length}, !is_bound);
}

static bool extract_scalar(term_work *w, rdb_datum value)
{
    rdb_strbuf key, term;
    if (!scalar_key(w, value, &key))
        return false;
    scalar_term(w, &key, false, &term);
    return term_add(w, &term);
}

/* All that stand in this order to the bound; strategy: ORDER_*. */
static rdb_term_query *order_query(term_work *w, const rdb_strbuf *key, bool is_long, unsigned strategy)
{
    rdb_strbuf term, none;
    term_begin(w, RDB_TERM_KEY, &none);
    scalar_term(w, key, strategy != ORDER_EQUAL, &term);
    rdb_term_query *query = term_query_of(w, &term);
    const rdb_slice open = {(const uint8_t *)none.data, none.length};
    switch (strategy) {
    case ORDER_LESS:
        query->upper_exclusive = !is_long;
        query->lower = open;
        break;
    case ORDER_LESS_EQUAL: query->lower = open; break;
    case ORDER_GREATER:
        query->lower_exclusive = !is_long;
        query->upper = open;
        break;
    case ORDER_GREATER_EQUAL: query->upper = open; break;
    case ORDER_EQUAL: break;
    default: return term_query_all(w);
    }
    return query;
}

static bool ask_scalar(term_work *w, rdb_datum value, rdb_term_query **query)
{
    rdb_strbuf key;
    if (w->query_type->rep != w->type->rep)
        return true;
    if (!scalar_key(w, value, &key))
        return false;
    *query = order_query(w, &key, key.length > TERM_BYTES_MAX, w->strategy);
    return true;
}

/* The classes of btree_gin and btree_gist for all types. */
#define SCALAR(method, support) {method, support, extract_scalar, ask_scalar, NULL}
static const rdb_term_class GIN_SCALAR = SCALAR(GIN_METHOD, "gin_extract_value_*"), GIST_SCALAR = SCALAR(GIST_METHOD, "gbt_*");
const rdb_term_class *term_scalar_class(uint32_t method_oid, const char *support)
{
    if (method_oid == GIN_METHOD && strncmp(support, "gin_extract_value_", 18) == 0 && strcmp(support, "gin_extract_value_trgm") != 0)
        return &GIN_SCALAR;
    return method_oid == GIST_METHOD && strncmp(support, "gbt_", 4) == 0 ? &GIST_SCALAR : NULL;
}

/* ---- texts in the order of their bytes: the radix tree of SP-GiST ----------------------------------------------------------- */
static bool extract_text(term_work *w, rdb_datum value)
{
    rdb_strbuf term;
    term_begin(w, RDB_TERM_KEY, &term);
    term_text(w, &term, (rdb_slice){value.bytes.data, value.bytes.length}, true);
    return term_add(w, &term);
}

static bool ask_text(term_work *w, rdb_datum value, rdb_term_query **query)
{
    enum { TEXT_BY_COLLATION = 10, TEXT_PREFIX = 28 };
    rdb_strbuf key, term;
    unsigned strategy = w->strategy;
    if (strategy == TEXT_PREFIX) {
        term_begin(w, RDB_TERM_KEY, &term);
        term_text(w, &term, (rdb_slice){value.bytes.data, value.bytes.length}, false);
        *query = term_query_of(w, &term);
        return true;
    }
    if (strategy > TEXT_BY_COLLATION) { /* < and its kin: only where the collation is the bytes' order */
        if (w->call->collation != RDB_C_COLLATION_OID && w->call->collation != RDB_DEFAULT_COLLATION_OID)
            return true;
        strategy -= TEXT_BY_COLLATION;
    }
    rdb_strbuf_init(&key, w->call->arena);
    rdb_strbuf_add(&key, value.bytes.data, value.bytes.length);
    if (value.bytes.length <= TERM_BYTES_MAX)
        rdb_strbuf_addc(&key, 0);
    if (strategy == ORDER_EQUAL || value.bytes.length != TERM_BYTES_MAX) {
        *query = order_query(w, &key, value.bytes.length > TERM_BYTES_MAX, strategy);
        if (strategy == ORDER_EQUAL) {
            term_begin(w, RDB_TERM_KEY, &term);
            term_text(w, &term, (rdb_slice){value.bytes.data, value.bytes.length}, true);
            *query = term_query_of(w, &term);
        }
    }
    return true;
}

/* ---- intervals --------------------------------------------------------------------------------------------------------------- */
typedef struct span {
    uint64_t lower, upper;
    bool is_empty;
    unsigned coarse; /* so many low bits are always zero */
} span;
typedef enum span_relation { SPAN_MEETS, SPAN_HOLDS, SPAN_WITHIN, SPAN_SAME, SPAN_BEFORE, SPAN_AFTER } span_relation;

static unsigned class_of(uint64_t length)
{
    return length == 0 ? 0 : 64 - (unsigned)__builtin_clzll(length);
}

static void add_number(rdb_strbuf *term, uint64_t number)
{
    for (int i = 56; i >= 0; i -= 8)
        rdb_strbuf_addc(term, (char)(number >> i));
}

static bool extract_span(term_work *w, const span *s)
{
    rdb_strbuf term;
    if (s->is_empty)
        return true;
    term_begin(w, RDB_TERM_KEY, &term);
    rdb_strbuf_addc(&term, (char)class_of(s->upper - s->lower));
    add_number(&term, s->lower);
    add_number(&term, s->upper);
    return term_add(w, &term);
}

static rdb_term_query *ask_span(term_work *w, const span *s, span_relation relation)
{
    rdb_term_query *all = term_query(w, RDB_TERMS_OR);
    const unsigned own = class_of(s->upper - s->lower);
    for (unsigned class = 0; class <= 64; class++) {
        const uint64_t longest = class == 64 ? UINT64_MAX : (UINT64_C(1) << class) - 1;
        uint64_t from = 0, to = UINT64_MAX;
        rdb_strbuf low, high;
        if ((class != 0 && class <= s->coarse) || (relation == SPAN_HOLDS && class < own) || (relation == SPAN_WITHIN && class > own) || (relation == SPAN_SAME && class != own))
            continue;
        switch (relation) {
        case SPAN_MEETS:
            from = s->lower > longest ? s->lower - longest : 0;
            to = s->upper;
            break;
        case SPAN_HOLDS:
            from = s->upper > longest ? s->upper - longest : 0;
            to = s->lower;
            break;
        case SPAN_WITHIN:
            from = s->lower;
            to = s->upper;
            break;
        case SPAN_SAME: from = to = s->lower; break;
        case SPAN_BEFORE: to = s->upper; break;
        case SPAN_AFTER: from = s->lower; break;
        }
        term_begin(w, RDB_TERM_KEY, &low);
        rdb_strbuf_addc(&low, (char)class);
        term_begin(w, RDB_TERM_KEY, &high);
        rdb_strbuf_addc(&high, (char)class);
        add_number(&low, from);
        add_number(&high, to);
        if (relation == SPAN_SAME) {
            add_number(&low, s->upper);
            add_number(&high, s->upper);
        }
        rdb_term_query *one = term_query_of(w, &low);
        one->upper = (rdb_slice){(const uint8_t *)high.data, high.length};
        term_query_add(w, all, one);
    }
    w->is_inexact = true;
    return all;
}

/* ---- ranges -------------------------------------------------------------------------------------------------------------------- */
static bool number_of(term_work *w, const rdb_type *subtype, uint32_t collation, rdb_datum value, uint64_t *number, unsigned *coarse)
{
    rdb_strbuf key;
    rdb_strbuf_init(&key, w->call->arena);
    if (subtype->ops == NULL || subtype->ops->encode_key == NULL || !subtype->ops->encode_key(subtype, collation, value, &key) || !rdb_strbuf_check(&key, w->call->err))
        return rdb_error_is_set(w->call->err) ? false : rdb_error_set(w->call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", subtype->name);
    *number = 0;
    for (size_t i = 0; i < 8; i++)
        *number = *number << 8 | (i < key.length ? (uint8_t)key.data[i] : 0);
    *coarse = subtype->typlen > 0 && key.length < 8 ? 64 - 8 * (unsigned)key.length : 0;
    return true;
}

static bool span_of_range(term_work *w, const rdb_type *range_type, const type_range *range, span *s)
{
    *s = (span){.lower = 0, .upper = UINT64_MAX, .is_empty = range->is_empty};
    unsigned coarse = 0, other = 0;
    if (range->is_empty)
        return true;
    if (!range->lower.is_infinite && !number_of(w, range_type->base, range_type->range_collation, range->lower.value, &s->lower, &coarse))
        return false;
    if (!range->upper.is_infinite && !number_of(w, range_type->base, range_type->range_collation, range->upper.value, &s->upper, &other))
        return false;
    s->coarse = range->lower.is_infinite || range->upper.is_infinite ? 0 : RDB_MIN(coarse, other);
    s->upper = RDB_MAX(s->upper, s->lower);
    return true;
}

static bool span_of(term_work *w, const rdb_type *type, rdb_datum value, span *s)
{
    type_range range;
    type_range_list list = {0};
    if (type->kind == 'r') {
        type_range_read(type, value.bytes, &range);
        return span_of_range(w, type, &range, s);
    }
    if (!type_multirange_read(w->call, type->base, value.bytes, &list))
        return false;
    *s = (span){.is_empty = true};
    if (list.count == 0)
        return true;
    range = list.ranges[0];
    range.upper = list.ranges[list.count - 1].upper;
    return span_of_range(w, type->base, &range, s);
}

static bool extract_range(term_work *w, rdb_datum value)
{
    span s;
    return span_of(w, w->type, value, &s) && extract_span(w, &s);
}

static bool ask_range(term_work *w, rdb_datum value, rdb_term_query **query)
{
    enum { BEFORE = 1, OVERLEFT, OVERLAPS, OVERRIGHT, AFTER, ADJACENT, CONTAINS, CONTAINED, CONTAINS_ELEMENT = 16, EQUAL = 18 };
    const rdb_type *range_type = w->type->kind == 'm' ? w->type->base : w->type;
    span s = {0};
    if (w->strategy == CONTAINS_ELEMENT) {
        if (!number_of(w, range_type->base, range_type->range_collation, value, &s.lower, &s.coarse))
            return false;
        s.upper = s.lower;
        s.coarse = 0; /* ranges of the column may have no bound */
        *query = ask_span(w, &s, SPAN_HOLDS);
        return true;
    }
    if ((w->query_type->kind != 'r' && w->query_type->kind != 'm') || !span_of(w, w->query_type, value, &s))
        return !rdb_error_is_set(w->call->err);
    s.coarse = 0;
    if (s.is_empty) {
        w->is_inexact = true;
        *query = w->strategy == CONTAINS                                   ? term_query_all(w)
                 : w->strategy == CONTAINED || w->strategy == EQUAL ? term_query_plain(w, RDB_TERM_EMPTY)
                                                                           : term_query(w, RDB_TERMS_NONE);
        return true;
    }
    switch (w->strategy) {
    case BEFORE: s.upper = s.lower; *query = ask_span(w, &s, SPAN_BEFORE); break;
    case OVERLEFT: *query = ask_span(w, &s, SPAN_BEFORE); break;
    case OVERRIGHT: *query = ask_span(w, &s, SPAN_AFTER); break;
    case AFTER: s.lower = s.upper; *query = ask_span(w, &s, SPAN_AFTER); break;
    case OVERLAPS:
    case ADJACENT: *query = ask_span(w, &s, SPAN_MEETS); break;
    case CONTAINS: *query = ask_span(w, &s, SPAN_HOLDS); break;
    case EQUAL: *query = ask_span(w, &s, SPAN_SAME); break;
    case CONTAINED: { /* nothing is in everything */
        rdb_term_query *either = term_query(w, RDB_TERMS_OR);
        term_query_add(w, either, ask_span(w, &s, SPAN_WITHIN));
        term_query_add(w, either, term_query_plain(w, RDB_TERM_EMPTY));
        *query = either;
        break;
    }
    default: break;
    }
    return true;
}

/* ---- networks ------------------------------------------------------------------------------------------------------------------- */
/* From the network's first address to its last: IPv4 below, of IPv6 the first 63 bits. */
static span span_of_network(rdb_bytes stored)
{
    enum { V6 = 3 };
    span s = {0};
    const bool is_v6 = stored.length > 2 && stored.data[0] == V6;
    const unsigned width = is_v6 ? 63 : 32, shift = is_v6 ? 0 : 31, bits = stored.length > 2 ? RDB_MIN(stored.data[1], width) : 0;
    uint64_t address = 0;
    for (uint32_t i = 0; i < 8; i++)
        address = address << 8 | (2 + i < stored.length && i < (is_v6 ? 8u : 4u) ? stored.data[2 + i] : 0);
    const uint64_t top = is_v6 ? address >> 1 : address >> 32, mask = bits == 0 ? 0 : ~UINT64_C(0) << (width - bits);
    const uint64_t all = width == 63 ? UINT64_MAX >> 1 : UINT32_MAX, base = is_v6 ? UINT64_C(1) << 63 : 0;
    s.lower = base | (top & mask & all) << shift;
    s.upper = base | ((top | ~mask) & all) << shift;
    return s;
}

static bool extract_network(term_work *w, rdb_datum value)
{
    const span s = span_of_network(value.bytes);
    return extract_span(w, &s);
}

static bool ask_network(term_work *w, rdb_datum value, rdb_term_query **query)
{
    enum { OVERLAPS = 3, EQUAL = 18, SUB = 24, SUB_EQUAL, SUPER, SUPER_EQUAL };
    const span s = span_of_network(value.bytes);
    switch (w->strategy) {
    case OVERLAPS: *query = ask_span(w, &s, SPAN_MEETS); break;
    case EQUAL: *query = ask_span(w, &s, SPAN_SAME); break;
    case SUB:
    case SUB_EQUAL: *query = ask_span(w, &s, SPAN_WITHIN); break;
    case SUPER:
    case SUPER_EQUAL: *query = ask_span(w, &s, SPAN_HOLDS); break;
    default: break;
    }
    return true;
}

const rdb_term_class term_span_classes[] = {
    {GIST_METHOD, "range_gist_consistent", extract_range, ask_range, NULL},
    {GIST_METHOD, "multirange_gist_consistent", extract_range, ask_range, NULL},
    {SPGIST_METHOD, "spg_range_quad_config", extract_range, ask_range, NULL},
    {GIST_METHOD, "inet_gist_consistent", extract_network, ask_network, NULL},
    {SPGIST_METHOD, "inet_spg_config", extract_network, ask_network, NULL},
    {SPGIST_METHOD, "spg_text_config", extract_text, ask_text, NULL},
};
const size_t term_span_class_count = RDB_COUNT_OF(term_span_classes);
