/* SPDX-License-Identifier: Apache-2.0
 * inet and cidr. A stored value is
 *
 *    0  1      family   2: IPv4, 3: IPv6
 *    1  1      bits     of the network part
 *    2  4, 16  address  as on the wire
 *
 * of a cidr no bit after the network part is set. Networks sort by the bits they share, then the wider first, then by
 * the whole address; the key says so in symbols of two bits: 10 and 11 for a network bit, 00 for the end. */
#include "type/generic.h"
#include "type/tables.h"
#include <arpa/inet.h>
#include <stdio.h>

enum { V4 = 2, V6 = 3 };
#define LENGTH_MAX 18

typedef struct network {
    uint8_t family, bits;
    uint8_t address[16];
} network;

static int width_of(const network *n)
{
    return n->family == V4 ? 4 : 16;
}
static int bits_max(const network *n)
{
    return 8 * width_of(n);
}

static void read_network(rdb_bytes stored, network *n)
{
    memset(n, 0, sizeof *n);
    if (stored.length < 6)
        return;
    n->family = stored.data[0];
    n->bits = stored.data[1];
    memcpy(n->address, stored.data + 2, (size_t)width_of(n));
}

static bool write_network(rdb_call *call, const network *n, rdb_datum *r)
{
    return type_make_bytes(call, n, 2 + (size_t)width_of(n), r);
}

/* Whether the first `count` bits of both agree in order. */
static int compare_bits(const uint8_t *x, const uint8_t *y, int count)
{
    int order = memcmp(x, y, (size_t)count / 8);
    if (order != 0 || count % 8 == 0)
        return (order > 0) - (order < 0);
    uint8_t mask = (uint8_t)(0xff00 >> count % 8);
    return (x[count / 8] & mask) - (y[count / 8] & mask);
}

static void clear_host(network *n)
{
    for (int i = n->bits; i < bits_max(n); i++)
        n->address[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

static bool has_host_bits(const network *n)
{
    network cleared = *n;
    clear_host(&cleared);
    return memcmp(cleared.address, n->address, 16) != 0;
}

/* ---- text ---------------------------------------------------------------------------------------------------------------------- */
/* Digits to the end, no leading zeros, at most `max`; -1: no such number. */
static int parse_bits(const char *text, int max)
{
    int bits = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return -1;
    for (; *text != '\0'; text++) {
        if (!type_is_digit(*text) || (bits = bits * 10 + (*text - '0')) > max)
            return -1;
    }
    return bits;
}

/* A cidr may leave out octets at the end; an inet too, where the bits are said. */
static bool parse_v4(char *text, bool is_cidr, network *n)
{
    char *slash = strchr(text, '/');
    int octets = 0, bits = -1;
    if (slash != NULL) {
        *slash = '\0';
        bits = parse_bits(slash + 1, 32);
        if (bits < 0)
            return false;
    }
    for (char *at = text;; at++) {
        int value = 0;
        if (octets == 4 || !type_is_digit(*at))
            return false;
        for (; type_is_digit(*at); at++) {
            value = value * 10 + (*at - '0');
            if (value > 255)
                return false;
        }
        n->address[octets++] = (uint8_t)value;
        if (*at == '\0')
            break;
        if (*at != '.')
            return false;
    }
    if (bits < 0 && is_cidr) { /* by the class of the address, but not less than what was written */
        int first = n->address[0];
        bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
        bits = RDB_MAX(bits, octets * 8);
        if (bits == 8 && first == 224)
            bits = 4;
    } else if (bits < 0) {
        if (octets < 4)
            return false;
        bits = 32;
    }
    if (!is_cidr && bits / 8 > octets)
        return false;
    n->family = V4;
    n->bits = (uint8_t)bits;
    return true;
}

static bool parse_v6(char *text, network *n)
{
    char *slash = strchr(text, '/');
    int bits = 128;
    if (slash != NULL) {
        *slash = '\0';
        bits = parse_bits(slash + 1, 128);
    }
    n->family = V6;
    n->bits = (uint8_t)bits;
    return bits >= 0 && inet_pton(AF_INET6, text, n->address) == 1;
}

static bool inet_input(TYPE_OPS_PARAMETERS_INPUT)
{
    bool is_cidr = type_base(type)->oid == RDB_CIDROID;
    const char *name = is_cidr ? "cidr" : "inet";
    char copy[80];
    network n = {0};
    if (text.length >= sizeof copy)
        return type_bad_input(call, name, text);
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    if (strlen(copy) != text.length || !(strchr(copy, ':') != NULL ? parse_v6(copy, &n) : parse_v4(copy, is_cidr, &n)))
        return type_bad_input(call, name, text);
    if (is_cidr && has_host_bits(&n)) {
        rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid cidr value: \"%.*s\"", (int)text.length, (const char *)text.data);
        return rdb_error_detail(call->err, "Value has bits set to right of mask.");
    }
    return write_network(call, &n, value);
}

static void add_address(rdb_strbuf *text, const network *n)
{
    char buffer[INET6_ADDRSTRLEN];
    rdb_strbuf_adds(text, inet_ntop(n->family == V4 ? AF_INET : AF_INET6, n->address, buffer, sizeof buffer));
}

static void add_network(rdb_strbuf *text, const network *n, bool always_bits)
{
    add_address(text, n);
    if (always_bits || n->bits != bits_max(n))
        rdb_strbuf_addf(text, "/%u", n->bits);
}

static bool inet_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    network n;
    read_network(value.bytes, &n);
    add_network(text, &n, type_base(type)->oid == RDB_CIDROID);
    return true;
}

static bool inet_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    network n = {0};
    bool is_cidr = type_base(type)->oid == RDB_CIDROID;
    const char *name = is_cidr ? "cidr" : "inet";
    if (text.length < 4)
        return type_bad_binary(call);
    n.family = text.data[0];
    n.bits = text.data[1];
    if (n.family != V4 && n.family != V6)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid address family in external \"%s\" value", name);
    if (n.bits > bits_max(&n))
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid bits in external \"%s\" value", name);
    if (text.data[3] != width_of(&n) || text.length != 4 + (size_t)width_of(&n))
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid length in external \"%s\" value", name);
    memcpy(n.address, text.data + 4, (size_t)width_of(&n));
    if (is_cidr && has_host_bits(&n)) {
        rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid external \"cidr\" value");
        return rdb_error_detail(call->err, "Value has bits set to right of mask.");
    }
    return write_network(call, &n, value);
}

static bool inet_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    network n;
    read_network(value.bytes, &n);
    rdb_strbuf_addc(text, (char)n.family);
    rdb_strbuf_addc(text, (char)n.bits);
    rdb_strbuf_addc(text, (char)(type_base(type)->oid == RDB_CIDROID));
    rdb_strbuf_addc(text, (char)width_of(&n));
    rdb_strbuf_add(text, n.address, (size_t)width_of(&n));
    return true;
}

/* ---- order ----------------------------------------------------------------------------------------------------------------------- */
static int compare_networks(const network *x, const network *y)
{
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    int order = compare_bits(x->address, y->address, RDB_MIN(x->bits, y->bits));
    if (order == 0)
        order = x->bits - y->bits;
    if (order == 0)
        order = memcmp(x->address, y->address, (size_t)width_of(x));
    return order;
}

static int inet_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    network x, y;
    read_network(left.bytes, &x);
    read_network(right.bytes, &y);
    return compare_networks(&x, &y);
}

static uint64_t inet_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return rdb_hash64(value.bytes.data, value.bytes.length, 0);
}

static bool inet_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    network n;
    uint8_t symbols[33] = {0};
    read_network(value.bytes, &n);
    for (int i = 0; i < n.bits; i++)
        symbols[i / 4] |= (uint8_t)((2 | (n.address[i / 8] >> (7 - i % 8) & 1)) << (6 - 2 * (i % 4)));
    rdb_strbuf_addc(key, (char)n.family);
    rdb_strbuf_add(key, symbols, (size_t)n.bits / 4 + 1);
    rdb_strbuf_add(key, n.address, (size_t)width_of(&n));
    return !key->failed;
}

static bool inet_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    network n = {0};
    const uint8_t *from = *at;
    if (from == end)
        return false;
    n.family = *from++;
    for (bool more = true; more; from++) {
        if (from == end || n.bits > 128)
            return false;
        for (int i = 0; i < 4 && more; i++) {
            more = (*from >> (6 - 2 * i) & 2) != 0;
            n.bits = (uint8_t)(n.bits + more);
        }
    }
    size_t width = (size_t)width_of(&n);
    if ((size_t)(end - from) < width)
        return false;
    uint8_t *stored = rdb_arena_alloc(arena, 2 + width);
    stored[0] = n.family;
    stored[1] = n.bits;
    memcpy(stored + 2, from, width);
    *at = from + width;
    value->bytes = (rdb_bytes){.data = stored, .length = (uint32_t)(2 + width)};
    return true;
}

const rdb_type_ops type_inet_ops = {.input = inet_input, .output = inet_output, .receive = inet_receive, .send = inet_send,
                                    .compare = inet_compare, .hash = inet_hash, .encode_key = inet_encode, .decode_key = inet_decode};

/* ---- parts ------------------------------------------------------------------------------------------------------------------------- */
/* { statements } see n, the argument; a text is built in `text`, an address in n. */
#define TEXT_OF(name, ...)                                 \
    TYPE_ROW_FUNCTION(name, 1)                             \
    {                                                      \
        network n;                                         \
        rdb_strbuf text;                                   \
        read_network(a[0].bytes, &n);                      \
        rdb_strbuf_init(&text, call->arena);               \
        __VA_ARGS__;                                       \
        return type_take_buffer(call, &text, r);           \
    }
#define ADDRESS_OF_(name, ...)                             \
    TYPE_ROW_FUNCTION(name, 1)                             \
    {                                                      \
        network n;                                         \
        read_network(a[0].bytes, &n);                      \
        __VA_ARGS__;                                       \
        return write_network(call, &n, r);                 \
    }

/* A cidr without the octets or words that its mask leaves zero. */
static void add_abbreviated(rdb_strbuf *text, const network *n)
{
    if (n->family == V4) {
        int octets = RDB_MAX((n->bits + 7) / 8, 1);
        for (int i = 0; i < octets; i++)
            rdb_strbuf_addf(text, "%s%u", i > 0 ? "." : "", n->address[i]);
    } else if (n->bits == 0) {
        rdb_strbuf_adds(text, "::");
    } else {
        const uint8_t *b = n->address;
        int words = RDB_MAX((n->bits + 15) / 16, 2), start = 0, length = 0;
        for (int i = 0; i < words; i++) { /* the longest run of zero words */
            int run = 0;
            while (i + run < words && b[2 * (i + run)] == 0 && b[2 * (i + run) + 1] == 0)
                run++;
            if (run > length) {
                start = i;
                length = run;
            }
        }
        bool holds_v4 = length != words && start == 0 &&
                        (length == 6 || (length == 5 && b[10] == 0xff && b[11] == 0xff) || (length == 7 && b[14] != 0 && b[15] != 1));
        for (int i = 0; i < words; i++) {
            if (length > 0 && i >= start && i < start + length) {
                if (i == start)
                    rdb_strbuf_addc(text, ':');
                if (i == words - 1)
                    rdb_strbuf_addc(text, ':');
            } else if (holds_v4 && i > 5) {
                rdb_strbuf_addf(text, "%s%u", i == 6 ? ":" : ".", b[2 * i]);
                if (i != 7 || n->bits > 120)
                    rdb_strbuf_addf(text, ".%u", b[2 * i + 1]);
            } else {
                rdb_strbuf_addf(text, "%s%x", i > 0 ? ":" : "", b[2 * i] << 8 | b[2 * i + 1]);
            }
        }
    }
    rdb_strbuf_addf(text, "/%u", n->bits);
}

TEXT_OF(network_host, add_address(&text, &n))
TEXT_OF(network_show, add_network(&text, &n, true))
TEXT_OF(abbreviate_inet, add_network(&text, &n, false))
TEXT_OF(abbreviate_cidr, add_abbreviated(&text, &n))

static void set_host(network *n)
{
    for (int i = n->bits; i < bits_max(n); i++)
        n->address[i / 8] |= (uint8_t)(0x80 >> i % 8);
}
static void to_netmask(network *n)
{
    memset(n->address, 0xff, sizeof n->address);
    clear_host(n);
    n->bits = (uint8_t)bits_max(n);
}
static void to_hostmask(network *n)
{
    memset(n->address, 0, sizeof n->address);
    set_host(n);
    n->bits = (uint8_t)bits_max(n);
}
ADDRESS_OF_(network_broadcast, set_host(&n))
ADDRESS_OF_(network_network, clear_host(&n))
ADDRESS_OF_(network_netmask, to_netmask(&n))
ADDRESS_OF_(network_hostmask, to_hostmask(&n))
ADDRESS_OF_(inet_not, for (int i = 0; i < width_of(&n); i++) n.address[i] = (uint8_t)~n.address[i])

TYPE_ROW_FUNCTION(network_masklen, 1)
{
    r->i32 = a[0].bytes.data[1];
    return true;
}

TYPE_ROW_FUNCTION(network_family, 1)
{
    r->i32 = a[0].bytes.data[0] == V4 ? 4 : 6;
    return true;
}

static bool set_bits(rdb_call *call, const rdb_datum *a, bool is_cidr, rdb_datum *r)
{
    network n;
    read_network(a[0].bytes, &n);
    int bits = a[1].i32 == -1 ? bits_max(&n) : a[1].i32;
    if (bits < 0 || bits > bits_max(&n))
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid mask length: %d", a[1].i32);
    n.bits = (uint8_t)bits;
    if (is_cidr)
        clear_host(&n);
    return write_network(call, &n, r);
}
TYPE_ROW_FUNCTION(inet_set_masklen, 2) { return set_bits(call, a, false, r); }
TYPE_ROW_FUNCTION(cidr_set_masklen, 2) { return set_bits(call, a, true, r); }

/* ---- two networks ---------------------------------------------------------------------------------------------------------------------- */
/* a lies in b: they share b's network bits. */
static bool lies_in(const rdb_datum *inner, const rdb_datum *outer, bool strictly)
{
    network x, y;
    read_network(inner->bytes, &x);
    read_network(outer->bytes, &y);
    return x.family == y.family && (strictly ? x.bits > y.bits : x.bits >= y.bits) && compare_bits(x.address, y.address, y.bits) == 0;
}
#define INCLUSION(name, expression)       \
    TYPE_ROW_FUNCTION(name, 2)            \
    {                                     \
        r->b = expression;                \
        return true;                      \
    }
INCLUSION(network_sub, lies_in(&a[0], &a[1], true))
INCLUSION(network_subeq, lies_in(&a[0], &a[1], false))
INCLUSION(network_sup, lies_in(&a[1], &a[0], true))
INCLUSION(network_supeq, lies_in(&a[1], &a[0], false))
INCLUSION(network_overlap, lies_in(&a[0], &a[1], false) || lies_in(&a[1], &a[0], false))
INCLUSION(inet_same_family, a[0].bytes.data[0] == a[1].bytes.data[0])

TYPE_ROW_FUNCTION(inet_merge, 2)
{
    network x, y;
    read_network(a[0].bytes, &x);
    read_network(a[1].bytes, &y);
    if (x.family != y.family)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot merge addresses from different families");
    int bits = RDB_MIN(x.bits, y.bits);
    while (compare_bits(x.address, y.address, bits) != 0)
        bits--;
    x.bits = (uint8_t)bits;
    clear_host(&x);
    return write_network(call, &x, r);
}

static bool combine(rdb_call *call, const rdb_datum *a, bool is_and, rdb_datum *r)
{
    network x, y;
    read_network(a[0].bytes, &x);
    read_network(a[1].bytes, &y);
    if (x.family != y.family)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot %s inet values of different sizes", is_and ? "AND" : "OR");
    for (int i = 0; i < 16; i++)
        x.address[i] = is_and ? x.address[i] & y.address[i] : x.address[i] | y.address[i];
    x.bits = RDB_MAX(x.bits, y.bits);
    return write_network(call, &x, r);
}
TYPE_ROW_FUNCTION(inet_and, 2) { return combine(call, a, true, r); }
TYPE_ROW_FUNCTION(inet_or, 2) { return combine(call, a, false, r); }

static unsigned __int128 number_of(const network *n)
{
    unsigned __int128 number = 0;
    for (int i = 0; i < width_of(n); i++)
        number = number << 8 | n->address[i];
    return number;
}

static bool inet_out_of_range(rdb_call *call)
{
    return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range");
}

static bool move_address(rdb_call *call, rdb_bytes stored, __int128 by, rdb_datum *r)
{
    network n;
    read_network(stored, &n);
    unsigned __int128 from = number_of(&n), to = from + (unsigned __int128)by;
    bool wraps = by >= 0 ? to < from : to > from;
    if (wraps || (n.family == V4 && to >> 32 != 0))
        return inet_out_of_range(call);
    for (int i = width_of(&n) - 1; i >= 0; i--, to >>= 8)
        n.address[i] = (uint8_t)to;
    return write_network(call, &n, r);
}
TYPE_ROW_FUNCTION(inet_plus, 2) { return move_address(call, a[0].bytes, a[1].i64, r); }
TYPE_ROW_FUNCTION(inet_minus_int, 2) { return move_address(call, a[0].bytes, -(__int128)a[1].i64, r); }

TYPE_ROW_FUNCTION(inet_minus, 2)
{
    network x, y;
    read_network(a[0].bytes, &x);
    read_network(a[1].bytes, &y);
    if (x.family != y.family)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "cannot subtract inet values of different sizes");
    unsigned __int128 left = number_of(&x), right = number_of(&y), distance = left > right ? left - right : right - left;
    if (distance > (unsigned __int128)INT64_MAX + (left < right))
        return inet_out_of_range(call);
    r->i64 = left < right ? (int64_t)-(__int128)distance : (int64_t)distance;
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    TYPE_GENERIC_SIX("network_"), TYPE_GENERIC("network_cmp", cmp), TYPE_GENERIC("network_larger", larger), TYPE_GENERIC("network_smaller", smaller),
    {"network_host", network_host, F, 0}, {"network_show", network_show, F, 0}, {"inet_abbrev", abbreviate_inet, F, 0},
    {"cidr_abbrev", abbreviate_cidr, F, 0}, {"network_broadcast", network_broadcast, F, 0}, {"network_network", network_network, F, 0},
    {"network_netmask", network_netmask, F, 0}, {"network_hostmask", network_hostmask, F, 0}, {"inetnot", inet_not, F, 0},
    {"network_masklen", network_masklen, 0, 0}, {"network_family", network_family, 0, 0}, {"inet_to_cidr", network_network, F, 0},
    {"inet_set_masklen", inet_set_masklen, F, 0}, {"cidr_set_masklen", cidr_set_masklen, F, 0},
    {"network_sub", network_sub, 0, 0}, {"network_subeq", network_subeq, 0, 0}, {"network_sup", network_sup, 0, 0},
    {"network_supeq", network_supeq, 0, 0}, {"network_overlap", network_overlap, 0, 0}, {"inet_same_family", inet_same_family, 0, 0},
    {"inet_merge", inet_merge, F, 0}, {"inetand", inet_and, F, 0}, {"inetor", inet_or, F, 0}, {"inetpl", inet_plus, F, 0},
    {"inetmi_int8", inet_minus_int, F, 0}, {"inetmi", inet_minus, F, 0},
};
TYPE_KERNEL_TABLE(type_inet_table, KERNELS);
