/* SPDX-License-Identifier: Apache-2.0
 * The chain of hashes, the Merkle tree over them, and what heads and files' first lines look like. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "audit_int.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The plain interface: it asks for no memory, and the rest costs as much as hashing a record. */
static void hash_parts(const void *a, size_t a_bytes, const void *b, size_t b_bytes, const void *c, size_t c_bytes, uint8_t digest[RDB_SHA256_BYTES])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, a, a_bytes);
    SHA256_Update(&context, b, b_bytes);
    if (c_bytes > 0)
        SHA256_Update(&context, c, c_bytes);
    SHA256_Final(digest, &context);
}

void rdb_audit_hex(const uint8_t *bytes, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint64_t each = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i + 4 <= length; i += 4) { /* their eight nibbles at once, each in a byte of its own */
        uint64_t nibbles = rdb_get_u32(bytes + i);
        nibbles = (nibbles | nibbles << 16) & UINT64_C(0x0000ffff0000ffff);
        nibbles = (nibbles | nibbles << 8) & UINT64_C(0x00ff00ff00ff00ff);
        nibbles = ((nibbles >> 4) | nibbles << 8) & 0x0f * each;
        const uint64_t letters = (nibbles + 6 * each) >> 4 & each; /* one where it is more than nine */
        rdb_put_u64(text + 2 * i, nibbles + '0' * each + ('a' - '9' - 1) * letters);
    }
    for (; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * length] = '\0';
}

bool rdb_audit_unhex(const char *text, size_t length, uint8_t *bytes)
{
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        bytes[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
    }
    return length % 2 == 0;
}

void rdb_audit_chain_genesis(rdb_audit_chain *chain, uint64_t system_id)
{
    char text[64];
    uint8_t hash[RDB_SHA256_BYTES];
    int length = snprintf(text, sizeof text, "rustydb audit %llu", (unsigned long long)system_id);
    rdb_sha256(text, (size_t)length, hash);
    rdb_audit_chain_restart(chain, 0, hash);
}

void rdb_audit_chain_restart(rdb_audit_chain *chain, uint64_t size, const uint8_t hash[RDB_SHA256_BYTES])
{
    chain->first = size + 1;
    chain->size = size;
    memmove(chain->hash, hash, RDB_SHA256_BYTES);
}

void rdb_audit_chain_add(rdb_audit_chain *chain, const void *line, size_t length)
{
    static const uint8_t inner = 1;
    hash_parts(chain->hash, RDB_SHA256_BYTES, line, length, NULL, 0, chain->hash);
    uint64_t leaves = chain->size + 1 - chain->first; /* before this one; its set bits are the peaks */
    unsigned peak_count = (unsigned)__builtin_popcountll(leaves);
    memcpy(chain->peaks[peak_count], chain->hash, RDB_SHA256_BYTES);
    for (; (leaves & 1) != 0; leaves >>= 1, peak_count--)
        hash_parts(&inner, 1, chain->peaks[peak_count - 1], RDB_SHA256_BYTES, chain->peaks[peak_count], RDB_SHA256_BYTES, chain->peaks[peak_count - 1]);
    chain->size++;
}

void rdb_audit_chain_root(const rdb_audit_chain *chain, uint8_t root[RDB_SHA256_BYTES])
{
    static const uint8_t inner = 1;
    unsigned peak_count = (unsigned)__builtin_popcountll(chain->size + 1 - chain->first);
    if (peak_count == 0) { /* an empty tree */
        rdb_sha256("", 0, root);
        return;
    }
    memcpy(root, chain->peaks[peak_count - 1], RDB_SHA256_BYTES);
    for (unsigned i = peak_count - 1; i-- > 0;)
        hash_parts(&inner, 1, chain->peaks[i], RDB_SHA256_BYTES, root, RDB_SHA256_BYTES, root);
}

/* ---- texts ------------------------------------------------------------------------------------------------------------- */
char *audit_put_time(char *at, int64_t wall_us)
{
    const int64_t unix_us = wall_us - RDB_UNIX_EPOCH_US;
    static _Thread_local time_t last_seconds = -1; /* most lines share their second with the one before */
    static _Thread_local char last_text[24];
    static _Thread_local size_t last_length;
    const time_t seconds = (time_t)(unix_us / 1000000);
    if (seconds != last_seconds) {
        struct tm utc;
        gmtime_r(&seconds, &utc);
        last_length = strftime(last_text, sizeof last_text, "%Y-%m-%dT%H:%M:%S", &utc);
        last_seconds = seconds;
    }
    uint32_t fraction = (uint32_t)(unix_us % 1000000);
    memcpy(at, last_text, last_length);
    at += last_length;
    at[0] = '.';
    for (int i = 6; i > 0; i--, fraction /= 10)
        at[i] = (char)('0' + fraction % 10);
    at[7] = 'Z';
    return at + 8;
}

void audit_format_time(int64_t wall_us, char text[40])
{
    *audit_put_time(text, wall_us) = '\0';
}

static const char *find_key(const char *line, size_t length, const char *key)
{
    char mark[32];
    int mark_bytes = snprintf(mark, sizeof mark, "\"%s\":", key);
    const char *found = memmem(line, length, mark, (size_t)mark_bytes);
    return found != NULL ? found + mark_bytes : NULL;
}

bool audit_find_number(const char *line, size_t length, const char *key, uint64_t *value)
{
    const char *at = find_key(line, length, key), *end = line + length;
    if (at == NULL || at == end || *at < '0' || *at > '9')
        return false;
    uint64_t number = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    *value = number;
    return at < end;
}

bool audit_find_text(const char *line, size_t length, const char *key, const char **text, size_t *text_length)
{
    const char *at = find_key(line, length, key), *end = line + length;
    if (at == NULL || at >= end || *at != '"')
        return false;
    const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));
    if (quote == NULL)
        return false;
    *text = at + 1;
    *text_length = (size_t)(quote - at - 1);
    return true;
}

bool audit_find_hash(const char *line, size_t length, const char *key, uint8_t hash[RDB_SHA256_BYTES])
{
    const char *text;
    size_t text_length;
    return audit_find_text(line, length, key, &text, &text_length) && text_length == 2 * RDB_SHA256_BYTES && rdb_audit_unhex(text, text_length, hash);
}

bool audit_find_lsn(const char *line, size_t length, uint64_t *lsn)
{
    const char *text;
    size_t text_length;
    char copy[24], *end;
    if (!audit_find_text(line, length, "lsn", &text, &text_length) || text_length >= sizeof copy)
        return false;
    memcpy(copy, text, text_length);
    copy[text_length] = '\0';
    unsigned long high = strtoul(copy, &end, 16);
    if (*end != '/')
        return false;
    unsigned long low = strtoul(end + 1, &end, 16);
    *lsn = (uint64_t)high << 32 | low;
    return *end == '\0';
}

void audit_print_header(uint64_t system_id, uint64_t first, const uint8_t chain[RDB_SHA256_BYTES], char text[AUDIT_HEADER_BYTES_MAX])
{
    char hex[2 * RDB_SHA256_BYTES + 1];
    rdb_audit_hex(chain, RDB_SHA256_BYTES, hex);
    snprintf(text, AUDIT_HEADER_BYTES_MAX, "{\"audit\":1,\"instance\":\"%llu\",\"first\":%llu,\"chain\":\"%s\"}\n", (unsigned long long)system_id,
             (unsigned long long)first, hex);
}

bool audit_parse_header(const char *line, size_t length, uint64_t *system_id, uint64_t *first, uint8_t chain[RDB_SHA256_BYTES])
{
    char again[AUDIT_HEADER_BYTES_MAX];
    const char *text;
    size_t text_length;
    if (!audit_find_text(line, length, "instance", &text, &text_length) || !audit_find_number(line, length, "first", first) ||
        !audit_find_hash(line, length, "chain", chain))
        return false;
    *system_id = strtoull(text, NULL, 10);
    audit_print_header(*system_id, *first, chain, again); /* nothing else may stand in it */
    return *first > 0 && strlen(again) == length + 1 && memcmp(again, line, length) == 0;
}

/* ---- heads --------------------------------------------------------------------------------------------------------------- */
#define SIGNATURE_MARK ",\"signature\":\""

bool rdb_audit_head_print(const rdb_audit_head *head, const rdb_audit_key *key, rdb_strbuf *line, rdb_error *err)
{
    char chain[65], root[65], previous[65], when[40];
    uint8_t signature[RDB_AUDIT_SIGNATURE_BYTES];
    char text[rdb_base64_bytes(RDB_AUDIT_SIGNATURE_BYTES)];
    const size_t begin = line->length;
    rdb_audit_hex(head->chain, RDB_SHA256_BYTES, chain);
    rdb_audit_hex(head->root, RDB_SHA256_BYTES, root);
    rdb_audit_hex(head->previous, RDB_SHA256_BYTES, previous);
    audit_format_time(head->time_us, when);
    rdb_strbuf_addf(line, "{\"head\":%llu,\"kind\":\"%s\",\"time\":\"%s\",\"time_us\":%lld,\"instance\":\"%llu\",\"first\":%llu,\"size\":%llu,\"chain\":\"%s\",\"root\":\"%s\","
                    "\"lsn\":\"%X/%X\",\"part\":%llu,\"previous\":\"%s\"",
                    (unsigned long long)head->number, head->kind, when, (long long)head->time_us, (unsigned long long)head->system_id, (unsigned long long)head->first,
                    (unsigned long long)head->size, chain, root, (unsigned)(head->lsn >> 32), (unsigned)head->lsn, (unsigned long long)head->part, previous);
    if (!rdb_strbuf_check(line, err) || !rdb_audit_key_sign(key, line->data + begin, line->length - begin, signature, err))
        return false;
    rdb_base64_encode(signature, sizeof signature, text);
    rdb_strbuf_addf(line, SIGNATURE_MARK "%s\"}\n", text);
    return rdb_strbuf_check(line, err);
}

bool rdb_audit_head_parse(const char *line, size_t length, rdb_audit_head *head)
{
    const char *text, *mark = memmem(line, length, SIGNATURE_MARK, sizeof SIGNATURE_MARK - 1);
    size_t text_length, got = 0;
    uint64_t time_us = 0;
    *head = (rdb_audit_head){0};
    if (mark == NULL || length < 2 || memcmp(line + length - 2, "\"}", 2) != 0)
        return false;
    head->signed_bytes = (size_t)(mark - line);
    const char *signature = mark + sizeof SIGNATURE_MARK - 1;
    if (!audit_find_number(line, length, "head", &head->number) || !audit_find_text(line, length, "kind", &text, &text_length) || text_length >= sizeof head->kind)
        return false;
    memcpy(head->kind, text, text_length);
    if (!audit_find_text(line, length, "instance", &text, &text_length))
        return false;
    head->system_id = strtoull(text, NULL, 10);
    bool ok = audit_find_number(line, length, "time_us", &time_us) && audit_find_number(line, length, "first", &head->first) &&
              audit_find_number(line, length, "size", &head->size) && audit_find_hash(line, length, "chain", head->chain) &&
              audit_find_hash(line, length, "root", head->root) && audit_find_lsn(line, length, &head->lsn) &&
              audit_find_number(line, length, "part", &head->part) && audit_find_hash(line, length, "previous", head->previous) &&
              rdb_base64_decode(signature, (size_t)(line + length - 2 - signature), head->signature, sizeof head->signature, &got) && got == sizeof head->signature;
    head->time_us = (int64_t)time_us;
    return ok;
}

bool rdb_audit_head_is_signed(const rdb_audit_head *head, const char *line, const rdb_audit_key *key)
{
    return rdb_audit_key_verifies(key, line, head->signed_bytes, head->signature);
}

bool audit_heads_read(const char *path, rdb_arena *arena, rdb_list *heads, uint64_t *good_bytes, uint64_t *file_bytes, rdb_error *err)
{
    rdb_slice content = {0};
    *heads = (rdb_list){0};
    *good_bytes = *file_bytes = 0;
    if (!rdb_path_exists(path))
        return true;
    if (!rdb_path_read(path, arena, &content, SIZE_MAX / 2, err))
        return false;
    *file_bytes = content.length;
    for (size_t at = 0; at < content.length;) {
        const char *line = (const char *)content.data + at, *end = memchr(line, '\n', content.length - at);
        if (end == NULL)
            break;
        audit_head_line *made = RDB_NEW(arena, audit_head_line);
        made->text = line;
        made->length = (size_t)(end - line);
        if (!rdb_audit_head_parse(line, made->length, &made->head))
            break;
        rdb_list_push(arena, heads, made);
        at += made->length + 1;
        *good_bytes = at;
    }
    return rdb_arena_check(arena, err);
}
