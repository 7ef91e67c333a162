/* SPDX-License-Identifier: Apache-2.0
 * uuid-ossp: UUIDs of versions 1, 3, 4 and 5 (RFC 4122) and the name spaces they are made in. */
#include "expr/extension.h"
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <time.h>

static bool fill_random(rdb_call *call, uint8_t *bytes, size_t length)
{
    return RAND_bytes(bytes, (int)length) == 1 || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not generate random values");
}

static void set_version(rdb_datum *r, int version)
{
    r->fixed[6] = (uint8_t)((r->fixed[6] & 0x0f) | version << 4);
    r->fixed[8] = (uint8_t)((r->fixed[8] & 0x3f) | 0x80);
}

/* Name spaces differ in their fourth byte. */
static bool name_space(uint8_t number, rdb_datum *r)
{
    static const uint8_t BASE[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    memcpy(r->fixed, BASE, sizeof BASE);
    r->fixed[3] = (uint8_t)(BASE[3] + number);
    return true;
}
EXTENSION_FUNCTION(nil)
{
    r->words[0] = r->words[1] = 0;
    return true;
}
EXTENSION_FUNCTION(ns_dns) { return name_space(0, r); }
EXTENSION_FUNCTION(ns_url) { return name_space(1, r); }
EXTENSION_FUNCTION(ns_oid) { return name_space(2, r); }
EXTENSION_FUNCTION(ns_x500) { return name_space(4, r); }

/* The time since 1582 in units of 100 ns, never the same twice in a process; the node is random (multicast bit set), for the machine's
 * address is nobody's business. */
static bool make_timed(rdb_call *call, bool new_node, rdb_datum *r)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
    static uint64_t last_ticks;
    static uint8_t node[8]; /* clock sequence, node */
    static bool has_node;
    uint8_t fresh[8];
    struct timespec now;
    if (!fill_random(call, fresh, sizeof fresh))
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ticks = UINT64_C(0x01b21dd213814000) + (uint64_t)now.tv_sec * 10000000 + (uint64_t)now.tv_nsec / 100;
    pthread_mutex_lock(&lock);
    if (ticks <= last_ticks)
        ticks = last_ticks + 1;
    last_ticks = ticks;
    if (!has_node)
        memcpy(node, fresh, sizeof node);
    has_node = true;
    memcpy(r->fixed + 8, new_node ? fresh : node, 8);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 4; i++)
        r->fixed[i] = (uint8_t)(ticks >> (24 - 8 * i));
    r->fixed[4] = (uint8_t)(ticks >> 40);
    r->fixed[5] = (uint8_t)(ticks >> 32);
    r->fixed[6] = (uint8_t)(ticks >> 56);
    r->fixed[7] = (uint8_t)(ticks >> 48);
    r->fixed[10] |= 1;
    set_version(r, 1);
    return true;
}
EXTENSION_FUNCTION(generate_v1) { return make_timed(call, false, r); }
EXTENSION_FUNCTION(generate_v1mc) { return make_timed(call, true, r); }

EXTENSION_FUNCTION(generate_v4)
{
    if (!fill_random(call, r->fixed, 16))
        return false;
    set_version(r, 4);
    return true;
}

static bool make_named(rdb_call *call, const rdb_datum *a, const char *digest_name, int version, rdb_datum *r)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *kind = EVP_get_digestbyname(digest_name);
    bool ok = context != NULL && kind != NULL && EVP_DigestInit_ex(context, kind, NULL) == 1 && EVP_DigestUpdate(context, a[0].fixed, 16) == 1 &&
              EVP_DigestUpdate(context, a[1].bytes.data, a[1].bytes.length) == 1 && EVP_DigestFinal_ex(context, digest, &length) == 1;
    EVP_MD_CTX_free(context);
    if (!ok)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not compute a digest");
    memcpy(r->fixed, digest, 16);
    set_version(r, version);
    return true;
}
EXTENSION_FUNCTION(generate_v3) { return make_named(call, a, "MD5", 3, r); }
EXTENSION_FUNCTION(generate_v5) { return make_named(call, a, "SHA1", 5, r); }

static const rdb_extension_routine ROUTINES[] = {
    {"uuid_nil", "", "uuid", "uuid_nil", nil, 'i', false}, {"uuid_ns_dns", "", "uuid", "uuid_ns_dns", ns_dns, 'i', false},
    {"uuid_ns_url", "", "uuid", "uuid_ns_url", ns_url, 'i', false}, {"uuid_ns_oid", "", "uuid", "uuid_ns_oid", ns_oid, 'i', false},
    {"uuid_ns_x500", "", "uuid", "uuid_ns_x500", ns_x500, 'i', false}, {"uuid_generate_v1", "", "uuid", "uuid_generate_v1", generate_v1, 'v', false},
    {"uuid_generate_v1mc", "", "uuid", "uuid_generate_v1mc", generate_v1mc, 'v', false},
    {"uuid_generate_v3", "uuid text", "uuid", "uuid_generate_v3", generate_v3, 'i', false},
    {"uuid_generate_v4", "", "uuid", "uuid_generate_v4", generate_v4, 'v', false},
    {"uuid_generate_v5", "uuid text", "uuid", "uuid_generate_v5", generate_v5, 'i', false},
};
const rdb_extension extension_uuid = {"uuid-ossp", "1.1", "generate universally unique identifiers (UUIDs)", "$libdir/uuid-ossp", ROUTINES, RDB_COUNT_OF(ROUTINES), NULL, 0, NULL, 0};
