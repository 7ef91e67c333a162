/* SPDX-License-Identifier: Apache-2.0
 * The Ed25519 key that signs heads (OpenSSL). */
#include "audit_int.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

struct rdb_audit_key {
    EVP_PKEY *key;
};

/* The PEM of a key in the caller's buffer. */
static bool print_key(EVP_PKEY *key, bool is_private, char *text, size_t capacity, size_t *length)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool ok = bio != NULL && (is_private ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) : PEM_write_bio_PUBKEY(bio, key)) == 1;
    long bytes = ok ? BIO_get_mem_data(bio, &data) : 0;
    ok = ok && bytes > 0 && (size_t)bytes < capacity;
    if (ok) {
        memcpy(text, data, (size_t)bytes);
        *length = (size_t)bytes;
    }
    BIO_free(bio);
    return ok;
}

bool rdb_audit_key_make(const char *home, rdb_error *err)
{
    char private_path[PATH_MAX], public_path[PATH_MAX], text[1024];
    size_t length = 0;
    if ((size_t)snprintf(private_path, sizeof private_path, "%s/" RDB_AUDIT_KEY_FILE, home) >= sizeof private_path ||
        (size_t)snprintf(public_path, sizeof public_path, "%s/" RDB_AUDIT_PUBLIC_FILE, home) >= sizeof public_path)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the instance directory's path is too long");
    if (rdb_path_exists(private_path))
        return true;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool ok = key != NULL && print_key(key, false, text, sizeof text, &length);
    if (!ok)
        rdb_error_set(err, RDB_INTERNAL_ERROR, "the key of the audit log could not be made");
    /* The public one first: where the private one is, both are. */
    ok = ok && rdb_path_write_atomic(public_path, text, length, 0644, err);
    if (ok && !(ok = print_key(key, true, text, sizeof text, &length)))
        rdb_error_set(err, RDB_INTERNAL_ERROR, "the key of the audit log could not be made");
    ok = ok && rdb_path_write_atomic(private_path, text, length, 0600, err);
    rdb_wipe(text, sizeof text);
    EVP_PKEY_free(key);
    return ok;
}

bool rdb_audit_key_open(rdb_audit_key **opened, const char *path, bool is_private, rdb_error *err)
{
    rdb_slice content = {0};
    *opened = NULL;
    rdb_arena *arena = rdb_arena_create("audit key", NULL, NULL);
    rdb_audit_key *key = calloc(1, sizeof *key);
    bool ok = (arena != NULL && key != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_path_read(path, arena, &content, 4096, err);
    if (ok) {
        BIO *bio = BIO_new_mem_buf(content.data, (int)content.length);
        key->key = bio == NULL ? NULL : is_private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
        if (is_private)
            rdb_wipe((void *)(uintptr_t)content.data, content.length);
        if (key->key == NULL || EVP_PKEY_get_base_id(key->key) != EVP_PKEY_ED25519) {
            ok = rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "the key of the audit log cannot be read");
            rdb_error_detail(err, "File \"%s\" holds no Ed25519 key in PEM.", path);
        }
    }
    rdb_arena_destroy(arena);
    if (ok)
        *opened = key;
    else
        rdb_audit_key_close(&key);
    return ok;
}

void rdb_audit_key_close(rdb_audit_key **key)
{
    if (*key != NULL)
        EVP_PKEY_free((*key)->key);
    free(*key);
    *key = NULL;
}

bool rdb_audit_key_sign(const rdb_audit_key *key, const void *bytes, size_t length, uint8_t signature[RDB_AUDIT_SIGNATURE_BYTES], rdb_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t signature_bytes = RDB_AUDIT_SIGNATURE_BYTES;
    bool ok = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
              EVP_DigestSign(context, signature, &signature_bytes, bytes, length) == 1 && signature_bytes == RDB_AUDIT_SIGNATURE_BYTES;
    EVP_MD_CTX_free(context);
    return ok || rdb_error_set(err, RDB_INTERNAL_ERROR, "a head of the audit log could not be signed");
}

bool rdb_audit_key_verifies(const rdb_audit_key *key, const void *bytes, size_t length, const uint8_t signature[RDB_AUDIT_SIGNATURE_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key) == 1 &&
              EVP_DigestVerify(context, signature, RDB_AUDIT_SIGNATURE_BYTES, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}
