/* SPDX-License-Identifier: Apache-2.0
 * Encryption as CMS (RFC 5652, 5083), made and opened by OpenSSL, so that its program opens what we write. Objects are
 * AuthEnvelopedData for the repository's key; keys/<n>.cms are EnvelopedData of that key for one recipient. */
#include "backup/backup_int.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#define PASSPHRASE_ROUNDS 600000
static const uint8_t KEY_ID[1] = {1};

static bool seal_failed(const char *sqlstate, const char *what, rdb_error *err)
{
    char reason[200] = "No reason was given";
    unsigned long code = ERR_peek_last_error();
    if (code != 0)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    rdb_error_set(err, sqlstate, "%s", what);
    return rdb_error_detail(err, "OpenSSL: %s.", reason);
}

/* A copy that CMS_add0_recipient_key may own. */
static void *own(const void *bytes, size_t length)
{
    void *copy = OPENSSL_malloc(length);
    if (copy != NULL)
        memcpy(copy, bytes, length);
    return copy;
}

static bool add_key_recipient(CMS_ContentInfo *cms, const uint8_t *key, const uint8_t *id, size_t id_length)
{
    uint8_t *own_key = own(key, BACKUP_KEY_BYTES), *own_id = own(id, id_length);
    if (own_key != NULL && own_id != NULL &&
        CMS_add0_recipient_key(cms, NID_id_aes256_wrap, own_key, BACKUP_KEY_BYTES, own_id, id_length, NULL, NULL, NULL) != NULL)
        return true;
    OPENSSL_clear_free(own_key, BACKUP_KEY_BYTES);
    OPENSSL_free(own_id);
    return false;
}

/* Encrypts into the prepared structure and appends its DER to sealed. */
static bool finish(CMS_ContentInfo *cms, const void *bytes, size_t length, rdb_strbuf *sealed, rdb_error *err)
{
    BIO *in = length <= INT32_MAX ? BIO_new_mem_buf(bytes, (int)length) : NULL;
    bool ok = in != NULL && CMS_set_detached(cms, 0) == 1 && CMS_final(cms, in, NULL, CMS_BINARY) == 1;
    int size = ok ? i2d_CMS_ContentInfo(cms, NULL) : 0;
    ok = size > 0;
    if (ok && !rdb_strbuf_reserve(sealed, (size_t)size)) {
        BIO_free(in);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    if (ok) {
        unsigned char *to = (unsigned char *)sealed->data + sealed->length;
        ok = i2d_CMS_ContentInfo(cms, &to) == size;
        sealed->length += ok ? (size_t)size : 0;
        sealed->data[sealed->length] = '\0';
    }
    BIO_free(in);
    return ok || seal_failed(RDB_INTERNAL_ERROR, "encryption failed", err);
}

bool seal_bytes(const uint8_t key[BACKUP_KEY_BYTES], const void *bytes, size_t length, rdb_strbuf *sealed, rdb_error *err)
{
    CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
    bool ok = (cms != NULL && add_key_recipient(cms, key, KEY_ID, sizeof KEY_ID)) || seal_failed(RDB_INTERNAL_ERROR, "encryption failed", err);
    ok = ok && finish(cms, bytes, length, sealed, err);
    CMS_ContentInfo_free(cms);
    return ok;
}

static CMS_ContentInfo *parse(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    CMS_ContentInfo *cms = length <= INT32_MAX ? d2i_CMS_ContentInfo(NULL, &at, (long)length) : NULL;
    if (cms != NULL && at != (const unsigned char *)bytes + length) {
        CMS_ContentInfo_free(cms);
        cms = NULL;
    }
    return cms;
}

/* The next value of a DER structure: its tag, and where its content begins and ends. */
static bool read_der(const uint8_t **at, const uint8_t *end, uint8_t *tag, const uint8_t **content)
{
    if (end - *at < 2)
        return false;
    size_t length = (*at)[1];
    *tag = (*at)[0];
    *at += 2;
    if (length >= 0x80) {
        size_t digits = length & 0x7F;
        if (digits == 0 || digits > sizeof length || (size_t)(end - *at) < digits)
            return false;
        for (length = 0; digits > 0; digits--)
            length = length << 8 | *(*at)++;
    }
    *content = *at;
    if (length > (size_t)(end - *at))
        return false;
    *at += length;
    return true;
}

typedef struct der_step {
    uint8_t tag;
    bool enter; /* its content comes next, not what follows it */
    int value;  /* of an integer of one byte; -1: any */
} der_step;

static bool follow_der(const uint8_t *at, const uint8_t *end, const der_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *content;
        uint8_t tag;
        if (!read_der(&at, end, &tag, &content) || tag != steps[i].tag || (steps[i].value >= 0 && (at - content != 1 || *content != steps[i].value)))
            return false;
        if (steps[i].enter)
            at = content;
    }
    return true;
}

/* What the tag of the encryption does not cover is exactly as seal_bytes writes it: the encoding, the versions, the type of the content, the
 * length of the tag. So no bit of an object can change unseen. */
static bool is_as_sealed(CMS_ContentInfo *cms, const void *sealed, size_t length)
{
    /* SEQUENCE { type, [0] { SEQUENCE { version 0, SET { [2] { version 4 ... } }, SEQUENCE { type, SEQUENCE { cipher, SEQUENCE { nonce, 16 } } ... */
    static const der_step recipient[] = {{0x30, true, -1}, {0x06, false, -1}, {0xA0, true, -1}, {0x30, true, -1}, {0x02, false, 0}, {0x31, true, -1}, {0xA2, true, -1}, {0x02, false, 4}};
    static const der_step cipher[] = {{0x30, true, -1}, {0x06, false, -1}, {0xA0, true, -1}, {0x30, true, -1}, {0x02, false, 0}, {0x31, false, -1}, {0x30, true, -1},
                                      {0x06, false, -1}, {0x30, true, -1}, {0x06, false, -1}, {0x30, true, -1}, {0x04, false, -1}, {0x02, false, 16}};
    unsigned char *again = NULL;
    int again_length = i2d_CMS_ContentInfo(cms, &again);
    bool same = again_length >= 0 && (size_t)again_length == length && memcmp(again, sealed, length) == 0;
    const uint8_t *begin = sealed;
    OPENSSL_free(again);
    return same && OBJ_obj2nid(CMS_get0_eContentType(cms)) == NID_pkcs7_data && follow_der(begin, begin + length, recipient, RDB_COUNT_OF(recipient)) &&
           follow_der(begin, begin + length, cipher, RDB_COUNT_OF(cipher));
}

bool seal_open(const uint8_t key[BACKUP_KEY_BYTES], const void *sealed, size_t length, rdb_strbuf *bytes, rdb_error *err)
{
    uint8_t own_key[BACKUP_KEY_BYTES], id[1] = {KEY_ID[0]};
    CMS_ContentInfo *cms = parse(sealed, length);
    BIO *out = BIO_new(BIO_s_mem());
    memcpy(own_key, key, sizeof own_key);
    bool ok = cms != NULL && out != NULL && OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData && is_as_sealed(cms, sealed, length) &&
              CMS_decrypt_set1_key(cms, own_key, sizeof own_key, id, sizeof id) == 1 && CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) == 1;
    rdb_wipe(own_key, sizeof own_key);
    if (ok) {
        char *data;
        long size = BIO_get_mem_data(out, &data);
        rdb_strbuf_add(bytes, data, (size_t)size);
        ok = rdb_strbuf_check(bytes, err);
    } else {
        seal_failed(RDB_DATA_CORRUPTED, "an encrypted object cannot be opened", err);
    }
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    return ok;
}

/* ---- recipients ------------------------------------------------------------------------------------------------------- */
bool seal_no_keys(const rdb_backup_keys *keys)
{
    return keys->key_path == NULL && keys->passphrase_path == NULL && keys->certificate_path == NULL && keys->identity_path == NULL;
}

/* The file's own key: 32 bytes, or 64 hexadecimal digits. */
static bool read_key_file(const char *path, uint8_t key[BACKUP_KEY_BYTES], rdb_error *err)
{
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("key", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_read(path, arena, &content, 4096, err);
    if (ok) {
        size_t length = content.length;
        while (length > BACKUP_KEY_BYTES && (content.data[length - 1] == '\n' || content.data[length - 1] == '\r'))
            length--;
        if (length == BACKUP_KEY_BYTES) {
            memcpy(key, content.data, BACKUP_KEY_BYTES);
        } else if (length == 2 * BACKUP_KEY_BYTES) {
            for (size_t i = 0; ok && i < BACKUP_KEY_BYTES; i++) {
                char digits[3] = {(char)content.data[2 * i], (char)content.data[2 * i + 1], 0}, *end;
                key[i] = (uint8_t)strtoul(digits, &end, 16);
                ok = *end == '\0';
            }
        } else {
            ok = false;
        }
        if (!ok) {
            rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no key file", path);
            rdb_error_detail(err, "It must hold 32 bytes or 64 hexadecimal digits.");
            rdb_error_hint(err, "Make one with: openssl rand -hex 32 >FILE");
        }
        rdb_wipe((void *)(uintptr_t)content.data, content.length);
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool read_passphrase(const rdb_backup_keys *keys, bool is_new, char passphrase[1024], rdb_error *err)
{
    if (passphrase[0] != '\0')
        return true;
    if (keys->passphrase_path == NULL) {
        if (keys->ask != NULL && keys->ask(keys->ask_context, is_new, passphrase, 1024) && passphrase[0] != '\0')
            return true;
        rdb_error_set(err, RDB_INVALID_PASSWORD, "no passphrase was given");
        return rdb_error_hint(err, "Name a file that holds it with --passphrase-file.");
    }
    rdb_slice content;
    rdb_arena *arena = rdb_arena_create("passphrase", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_read(keys->passphrase_path, arena, &content, 1023, err);
    if (ok) {
        memcpy(passphrase, content.data, content.length);
        passphrase[content.length] = '\0';
        passphrase[strcspn(passphrase, "\r\n")] = '\0';
        rdb_wipe((void *)(uintptr_t)content.data, content.length);
        ok = passphrase[0] != '\0' || rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" holds no passphrase", keys->passphrase_path);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* A key file's id: so that its recipient is found among others. */
static void key_id(const uint8_t key[BACKUP_KEY_BYTES], uint8_t id[8])
{
    uint8_t digest[RDB_SHA256_BYTES];
    rdb_hmac_sha256(key, BACKUP_KEY_BYTES, "rdb key id", 10, digest);
    memcpy(id, digest, 8);
}

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    return certificate;
}

bool seal_wrap_key(const uint8_t key[BACKUP_KEY_BYTES], const rdb_backup_keys *keys, seal_recipient *kind, rdb_strbuf *wrapped, rdb_error *err)
{
    CMS_ContentInfo *cms = CMS_EnvelopedData_create(EVP_aes_256_cbc());
    uint8_t own_key[BACKUP_KEY_BYTES], id[8];
    char passphrase[1024] = "";
    X509 *certificate = NULL;
    bool ok = cms != NULL || seal_failed(RDB_INTERNAL_ERROR, "encryption failed", err);
    if (ok && keys->key_path != NULL) {
        *kind = SEAL_KEY;
        ok = read_key_file(keys->key_path, own_key, err);
        if (ok) {
            key_id(own_key, id);
            ok = add_key_recipient(cms, own_key, id, sizeof id) || seal_failed(RDB_INTERNAL_ERROR, "encryption failed", err);
        }
    } else if (ok && keys->certificate_path != NULL) {
        *kind = SEAL_CERTIFICATE;
        certificate = read_certificate(keys->certificate_path);
        ok = certificate != NULL || seal_failed(RDB_INVALID_PARAMETER_VALUE, "a certificate cannot be read", err);
        ok = ok && (CMS_add1_recipient_cert(cms, certificate, 0) != NULL || seal_failed(RDB_INVALID_PARAMETER_VALUE, "a certificate cannot be used to encrypt", err));
    } else if (ok) {
        *kind = SEAL_PASSPHRASE;
        ok = read_passphrase(keys, true, passphrase, err);
        size_t length = strlen(passphrase);
        unsigned char *copy = ok ? own(passphrase, length + 1) : NULL;
        if (ok && (copy == NULL || CMS_add0_recipient_password(cms, PASSPHRASE_ROUNDS, NID_id_alg_PWRI_KEK, NID_undef, copy, (ossl_ssize_t)length, NULL) == NULL)) {
            OPENSSL_free(copy);
            ok = seal_failed(RDB_INTERNAL_ERROR, "encryption failed", err);
        }
    }
    ok = ok && finish(cms, key, BACKUP_KEY_BYTES, wrapped, err);
    X509_free(certificate);
    CMS_ContentInfo_free(cms);
    rdb_wipe(passphrase, sizeof passphrase);
    rdb_wipe(own_key, sizeof own_key);
    return ok;
}

static bool kind_of(CMS_ContentInfo *cms, seal_recipient *kind)
{
    STACK_OF(CMS_RecipientInfo) *infos = cms != NULL ? CMS_get0_RecipientInfos(cms) : NULL;
    if (infos == NULL || sk_CMS_RecipientInfo_num(infos) < 1)
        return false;
    int type = CMS_RecipientInfo_type(sk_CMS_RecipientInfo_value(infos, 0));
    *kind = type == CMS_RECIPINFO_PASS ? SEAL_PASSPHRASE : type == CMS_RECIPINFO_KEK ? SEAL_KEY : SEAL_CERTIFICATE;
    return true;
}

bool seal_kind(const void *wrapped, size_t length, seal_recipient *kind, rdb_error *err)
{
    CMS_ContentInfo *cms = parse(wrapped, length);
    bool ok = kind_of(cms, kind) || seal_failed(RDB_DATA_CORRUPTED, "a recipient's file is damaged", err);
    CMS_ContentInfo_free(cms);
    return ok;
}

/* Whether the structure takes the secret; an error only where the secret itself cannot be read. */
static bool offer_secret(CMS_ContentInfo *cms, seal_recipient kind, const rdb_backup_keys *keys, char passphrase[1024], bool *taken, rdb_error *err)
{
    uint8_t own_key[BACKUP_KEY_BYTES], id[8];
    *taken = false;
    switch (kind) {
    case SEAL_KEY:
        if (keys->key_path == NULL)
            return true;
        if (!read_key_file(keys->key_path, own_key, err))
            return false;
        key_id(own_key, id);
        *taken = CMS_decrypt_set1_key(cms, own_key, sizeof own_key, id, sizeof id) == 1;
        rdb_wipe(own_key, sizeof own_key);
        return true;
    case SEAL_CERTIFICATE: {
        if (keys->identity_path == NULL)
            return true;
        BIO *file = BIO_new_file(keys->identity_path, "r");
        EVP_PKEY *identity = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
        BIO_free(file);
        if (identity == NULL)
            return seal_failed(RDB_INVALID_PARAMETER_VALUE, "a private key cannot be read", err);
        X509 *certificate = read_certificate(keys->identity_path);
        *taken = CMS_decrypt_set1_pkey(cms, identity, certificate) == 1;
        X509_free(certificate);
        EVP_PKEY_free(identity);
        return true;
    }
    case SEAL_PASSPHRASE:
        if (keys->passphrase_path == NULL && (keys->ask == NULL || !seal_no_keys(keys)))
            return true;
        if (!read_passphrase(keys, false, passphrase, err))
            return false;
        *taken = CMS_decrypt_set1_password(cms, (unsigned char *)passphrase, (ossl_ssize_t)strlen(passphrase)) == 1;
        return true;
    }
    return true;
}

bool seal_unwrap_key(const void *wrapped, size_t length, const rdb_backup_keys *keys, char passphrase[1024], uint8_t key[BACKUP_KEY_BYTES], bool *opened, rdb_error *err)
{
    seal_recipient kind;
    bool taken = false;
    *opened = false;
    CMS_ContentInfo *cms = parse(wrapped, length);
    if (!kind_of(cms, &kind)) {
        CMS_ContentInfo_free(cms);
        ERR_clear_error();
        return true; /* damaged: another recipient may still serve */
    }
    bool ok = offer_secret(cms, kind, keys, passphrase, &taken, err);
    BIO *out = BIO_new(BIO_s_mem());
    if (ok && taken && out != NULL && CMS_decrypt(cms, NULL, NULL, NULL, out, CMS_BINARY) == 1) {
        char *data;
        if (BIO_get_mem_data(out, &data) == BACKUP_KEY_BYTES) {
            memcpy(key, data, BACKUP_KEY_BYTES);
            rdb_wipe(data, BACKUP_KEY_BYTES);
            *opened = true;
        }
    }
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return ok;
}
