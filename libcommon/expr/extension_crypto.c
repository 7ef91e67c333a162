/* SPDX-License-Identifier: Apache-2.0
 * pgcrypto: digests, password hashes, raw ciphers and random bytes, by OpenSSL and the system's crypt. The functions of OpenPGP are not
 * there, nor are ciphers that OpenSSL keeps for old data only (Blowfish, CAST5, single DES). */
#include "expr/extension.h"
#include "crypto/rdb_crypto.h"
#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <strings.h>

static const char *lower_name(rdb_call *call, rdb_datum value)
{
    char *name = rdb_arena_strndup(call->arena, (const char *)value.bytes.data, value.bytes.length);
    for (char *at = name; *at != 0; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    return name;
}

static bool find_digest(rdb_call *call, rdb_datum name, const EVP_MD **digest)
{
    *digest = EVP_get_digestbyname(lower_name(call, name));
    return *digest != NULL || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "Cannot use \"%s\": No such hash algorithm", lower_name(call, name));
}

EXTENSION_FUNCTION(digest)
{
    const EVP_MD *kind;
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!find_digest(call, a[1], &kind))
        return false;
    if (EVP_Digest(a[0].bytes.data, a[0].bytes.length, bytes, &length, kind, NULL) != 1)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not compute a digest");
    return extension_bytes(call, bytes, length, r);
}

EXTENSION_FUNCTION(hmac)
{
    const EVP_MD *kind;
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    static const uint8_t NO_KEY[1] = {0};
    if (!find_digest(call, a[2], &kind))
        return false;
    if (HMAC(kind, a[1].bytes.length > 0 ? a[1].bytes.data : NO_KEY, (int)a[1].bytes.length, a[0].bytes.data, a[0].bytes.length, bytes, &length) == NULL)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not compute a digest");
    return extension_bytes(call, bytes, length, r);
}

/* ---- passwords ------------------------------------------------------------------------------------------------------------------ */
EXTENSION_FUNCTION(crypt_password)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    if (data == NULL)
        return rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
    const char *hash = crypt_r(expr_get_text(call, a[0]), expr_get_text(call, a[1]), data);
    bool ok = hash != NULL && hash[0] != '*' ? extension_bytes(call, hash, strlen(hash), r)
                                             : rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid salt");
    rdb_wipe(data, sizeof *data);
    free(data);
    return ok;
}

static bool make_salt(rdb_call *call, rdb_datum type, int32_t rounds, rdb_datum *r)
{
    static const struct { const char *name, *prefix; int32_t standard, least, most; } KINDS[] = {
        {"des", "", 0, 0, 0}, {"md5", "$1$", 0, 0, 0}, {"xdes", "_", 725, 1, 0xffffff}, {"bf", "$2a$", 6, 4, 31}};
    const char *name = lower_name(call, type);
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];
    uint8_t random[16];
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS); i++) {
        if (strcmp(KINDS[i].name, name) != 0)
            continue;
        if (rounds == 0)
            rounds = KINDS[i].standard;
        if (KINDS[i].most == 0 ? rounds != 0 && rounds != (i == 0 ? 25 : 1000) : rounds < KINDS[i].least || rounds > KINDS[i].most || (i == 2 && rounds % 2 == 0))
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "gen_salt: Incorrect number of rounds");
        unsigned long count = KINDS[i].most == 0 ? 0 : (unsigned long)rounds;
        if (RAND_bytes(random, sizeof random) != 1 || crypt_gensalt_rn(KINDS[i].prefix, count, (const char *)random, sizeof random, salt, sizeof salt) == NULL)
            return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not generate a salt");
        return extension_bytes(call, salt, strlen(salt), r);
    }
    return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "gen_salt: Unknown salt algorithm");
}
EXTENSION_FUNCTION(gen_salt) { return make_salt(call, a[0], 0, r); }
EXTENSION_FUNCTION(gen_salt_rounds) { return make_salt(call, a[0], a[1].i32, r); }

/* ---- ciphers ---------------------------------------------------------------------------------------------------------------------- */
typedef struct cipher_choice {
    bool is_aes, is_ecb, no_padding;
} cipher_choice;

/* "aes-cbc/pad:pkcs" */
static bool choose_cipher(rdb_call *call, rdb_datum type, cipher_choice *choice)
{
    const char *name = lower_name(call, type), *slash = strchr(name, '/');
    char *algorithm = rdb_arena_strndup(call->arena, name, slash == NULL ? strlen(name) : (size_t)(slash - name)), *mode = strchr(algorithm, '-');
    *choice = (cipher_choice){.is_aes = true};
    if (mode != NULL)
        *mode++ = 0;
    bool known = strcmp(algorithm, "aes") == 0 || strcmp(algorithm, "rijndael") == 0 || strcmp(algorithm, "3des") == 0 || strcmp(algorithm, "des3") == 0;
    if (!known || (mode != NULL && strcmp(mode, "cbc") != 0 && strcmp(mode, "ecb") != 0))
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "Cannot use \"%s\": No such cipher algorithm", name);
    choice->is_aes = algorithm[0] != '3' && algorithm[0] != 'd';
    choice->is_ecb = mode != NULL && strcmp(mode, "ecb") == 0;
    if (slash == NULL || strcmp(slash, "/pad:pkcs") == 0)
        return true;
    choice->no_padding = strcmp(slash, "/pad:none") == 0;
    return choice->no_padding || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "Cannot use \"%s\": Unknown option", name);
}

static bool run_cipher(rdb_call *call, bool encrypts, rdb_bytes data, rdb_bytes key, const rdb_bytes *iv, rdb_datum type, rdb_datum *r)
{
    static const char *const MESSAGES[2] = {"decrypt error: %s", "encrypt error: %s"};
    cipher_choice choice;
    uint8_t padded_key[32] = {0}, padded_iv[16] = {0};
    int first = 0, last = 0;
    if (!choose_cipher(call, type, &choice))
        return false;
    uint32_t key_bytes = !choice.is_aes ? 24 : key.length <= 16 ? 16 : key.length <= 24 ? 24 : 32;
    if (key.length > key_bytes)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, MESSAGES[encrypts], "Key was too big");
    memcpy(padded_key, key.data, key.length);
    if (iv != NULL)
        memcpy(padded_iv, iv->data, RDB_MIN(iv->length, choice.is_aes ? 16u : 8u));
    const EVP_CIPHER *kind = !choice.is_aes ? (choice.is_ecb ? EVP_des_ede3_ecb() : EVP_des_ede3_cbc())
                             : key_bytes == 16 ? (choice.is_ecb ? EVP_aes_128_ecb() : EVP_aes_128_cbc())
                             : key_bytes == 24 ? (choice.is_ecb ? EVP_aes_192_ecb() : EVP_aes_192_cbc()) : (choice.is_ecb ? EVP_aes_256_ecb() : EVP_aes_256_cbc());
    uint32_t block = choice.is_aes ? 16 : 8;
    if ((choice.no_padding || !encrypts) && data.length % block != 0)
        return rdb_error_set(call->err, RDB_EXTERNAL_ROUTINE_INVOCATION_ERROR, MESSAGES[encrypts], "Data not a multiple of block size");
    uint8_t *bytes = rdb_arena_try_alloc(call->arena, (size_t)data.length + 2 * block, call->err);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool ok = bytes != NULL && context != NULL && EVP_CipherInit_ex(context, kind, NULL, padded_key, padded_iv, encrypts) == 1 &&
              EVP_CIPHER_CTX_set_padding(context, !choice.no_padding) == 1 && EVP_CipherUpdate(context, bytes, &first, data.data, (int)data.length) == 1 &&
              EVP_CipherFinal_ex(context, bytes + first, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    rdb_wipe(padded_key, sizeof padded_key);
    if (!ok)
        return bytes == NULL ? false : rdb_error_set(call->err, RDB_EXTERNAL_ROUTINE_INVOCATION_ERROR, MESSAGES[encrypts], encrypts ? "Encryption failed" : "Decryption failed");
    r->bytes = (rdb_bytes){bytes, (uint32_t)(first + last), 0};
    return true;
}
EXTENSION_FUNCTION(encrypt_raw) { return run_cipher(call, true, a[0].bytes, a[1].bytes, NULL, a[2], r); }
EXTENSION_FUNCTION(decrypt_raw) { return run_cipher(call, false, a[0].bytes, a[1].bytes, NULL, a[2], r); }
EXTENSION_FUNCTION(encrypt_iv) { return run_cipher(call, true, a[0].bytes, a[1].bytes, &a[2].bytes, a[3], r); }
EXTENSION_FUNCTION(decrypt_iv) { return run_cipher(call, false, a[0].bytes, a[1].bytes, &a[2].bytes, a[3], r); }

/* ---- random -------------------------------------------------------------------------------------------------------------------------- */
EXTENSION_FUNCTION(random_bytes)
{
    uint8_t bytes[1024];
    if (a[0].i32 < 1 || a[0].i32 > 1024)
        return rdb_error_set(call->err, RDB_EXTERNAL_ROUTINE_INVOCATION_ERROR, "Length not in range");
    if (RAND_bytes(bytes, a[0].i32) != 1)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not generate random values");
    return extension_bytes(call, bytes, (size_t)a[0].i32, r);
}

EXTENSION_FUNCTION(random_uuid)
{
    if (RAND_bytes(r->fixed, 16) != 1)
        return rdb_error_set(call->err, RDB_INTERNAL_ERROR, "could not generate random values");
    r->fixed[6] = (uint8_t)((r->fixed[6] & 0x0f) | 0x40);
    r->fixed[8] = (uint8_t)((r->fixed[8] & 0x3f) | 0x80);
    return true;
}

static const rdb_extension_routine ROUTINES[] = {
    {"digest", "text text", "bytea", "pg_digest", digest, 'i', false}, {"digest", "bytea text", "bytea", "pg_digest", digest, 'i', false},
    {"hmac", "text text text", "bytea", "pg_hmac", hmac, 'i', false}, {"hmac", "bytea bytea text", "bytea", "pg_hmac", hmac, 'i', false},
    {"crypt", "text text", "text", "pg_crypt", crypt_password, 'i', false}, {"gen_salt", "text", "text", "pg_gen_salt", gen_salt, 'v', false},
    {"gen_salt", "text int4", "text", "pg_gen_salt_rounds", gen_salt_rounds, 'v', false},
    {"encrypt", "bytea bytea text", "bytea", "pg_encrypt", encrypt_raw, 'i', false}, {"decrypt", "bytea bytea text", "bytea", "pg_decrypt", decrypt_raw, 'i', false},
    {"encrypt_iv", "bytea bytea bytea text", "bytea", "pg_encrypt_iv", encrypt_iv, 'i', false},
    {"decrypt_iv", "bytea bytea bytea text", "bytea", "pg_decrypt_iv", decrypt_iv, 'i', false},
    {"gen_random_bytes", "int4", "bytea", "pg_random_bytes", random_bytes, 'v', false}, {"gen_random_uuid", "", "uuid", "pg_random_uuid", random_uuid, 'v', false},
};
const rdb_extension extension_crypto = {"pgcrypto", "1.3", "cryptographic functions", "$libdir/pgcrypto", ROUTINES, RDB_COUNT_OF(ROUTINES), NULL, 0, NULL, 0};
