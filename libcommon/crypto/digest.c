/* SPDX-License-Identifier: Apache-2.0
 * Digests, base64, comparison, generated passwords. */
#include "crypto/rdb_crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

void rdb_sha256(const void *bytes, size_t length, uint8_t digest[RDB_SHA256_BYTES])
{
    RDB_VERIFY(EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) == 1);
}

void rdb_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length, uint8_t mac[RDB_SHA256_BYTES])
{
    unsigned mac_length = 0;
    RDB_VERIFY(key_length <= INT32_MAX);
    RDB_VERIFY(HMAC(EVP_sha256(), key, (int)key_length, bytes, length, mac, &mac_length) != NULL);
    RDB_VERIFY(mac_length == RDB_SHA256_BYTES);
}

bool rdb_equal_secret(const void *left, const void *right, size_t length)
{
    return CRYPTO_memcmp(left, right, length) == 0;
}

void rdb_wipe(void *bytes, size_t length)
{
    OPENSSL_cleanse(bytes, length);
}

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t rdb_base64_encode(const void *bytes, size_t length, char *target)
{
    const uint8_t *at = bytes;
    char *out = target;
    for (; length >= 3; at += 3, length -= 3) {
        uint32_t group = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = ALPHABET[group >> shift & 63];
    }
    if (length > 0) {
        uint32_t group = (uint32_t)at[0] << 16 | (length == 2 ? (uint32_t)at[1] << 8 : 0);
        *out++ = ALPHABET[group >> 18];
        *out++ = ALPHABET[group >> 12 & 63];
        *out++ = length == 2 ? ALPHABET[group >> 6 & 63] : '=';
        *out++ = '=';
    }
    *out = '\0';
    return (size_t)(out - target);
}

bool rdb_base64_decode(const char *text, size_t length, void *target, size_t capacity, size_t *got)
{
    uint8_t *out = target;
    *got = 0;
    if (length % 4 != 0)
        return false;
    for (size_t at = 0; at < length; at += 4) {
        uint32_t group = 0;
        size_t padding = 0;
        for (size_t digit_no = 0; digit_no < 4; digit_no++) {
            char digit = text[at + digit_no];
            const char *found = digit != '\0' ? memchr(ALPHABET, digit, 64) : NULL;
            if (digit == '=' && at + 4 == length && digit_no >= 2)
                padding++;
            else if (found == NULL || padding > 0)
                return false;
            group = group << 6 | (found != NULL ? (uint32_t)(found - ALPHABET) : 0);
        }
        /* bits that the padding says are not there must be zero: one text for one value */
        if ((padding == 1 && (group & 0xFF) != 0) || (padding == 2 && (group & 0xFFFF) != 0))
            return false;
        if (*got + 3 - padding > capacity)
            return false;
        for (size_t byte_no = 0; byte_no < 3 - padding; byte_no++)
            out[(*got)++] = (uint8_t)(group >> (16 - 8 * byte_no));
    }
    return true;
}

void rdb_password_generate(char *target, size_t length)
{
    static const char LETTERS[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    enum { COUNT = sizeof LETTERS - 1 };
    for (size_t at = 0; at < length;) {
        uint8_t byte;
        rdb_random_bytes(&byte, 1);
        if (byte < 256 / COUNT * COUNT) /* else the first letters would come more often */
            target[at++] = LETTERS[byte % COUNT];
    }
    target[length] = '\0';
}
