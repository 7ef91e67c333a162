/* SPDX-License-Identifier: Apache-2.0
 * The room that the page format keeps for encryption (R20): key epoch, nonce and tag in the header, the body in place, the checksum over
 * what the disk has. Pages are not encrypted yet; one that is must be told from one that is damaged, and never served. */
#include "toy.h"

#include <openssl/evp.h>

enum { PAGE = 4096, BODY_AT = RDB_PAGE_HEADER_BYTES, SEALED_HEADER = offsetof(rdb_page, key_epoch) };

/* AES-256-GCM over the body in place. What is authenticated beside it: the header but its checksum, its nonce and its tag. */
static bool crypt_page(rdb_page *page, const uint8_t key[32], bool encrypt)
{
    uint8_t *bytes = (uint8_t *)page;
    int length = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool ok = context != NULL && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, page->nonce, encrypt) == 1 &&
              EVP_CipherUpdate(context, NULL, &length, bytes + 4, SEALED_HEADER - 4) == 1 &&
              EVP_CipherUpdate(context, NULL, &length, (const uint8_t *)&page->key_epoch, sizeof page->key_epoch) == 1 &&
              (encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, page->tag) == 1) &&
              EVP_CipherUpdate(context, bytes + BODY_AT, &length, bytes + BODY_AT, PAGE - BODY_AT) == 1 &&
              EVP_CipherFinal_ex(context, bytes + PAGE, &length) == 1 &&
              (!encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, page->tag) == 1);
    EVP_CIPHER_CTX_free(context);
    return ok;
}

/* A page of the pool, as the disk has it. */
static void write_pages(toy *t, uint8_t *bytes, uint64_t block)
{
    char path[160];
    rdb_file *file = NULL;
    rdb_buffer *buffer = NULL;
    for (uint64_t i = 0; i < 3; i++) {
        rdb_lsn end_lsn = 0;
        uint64_t made = 0;
        if (i == 0)
            assert_true(rdb_storage_create_file(t->storage, 3, TOY_FILE, 0, &t->err));
        assert_true(rdb_buffer_extend(t->storage, 3, TOY_FILE, 0, &made, &buffer, &t->err));
        assert_true(toy_set(t->storage, buffer, 1, 41 + i, true, &end_lsn, &t->err));
        rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    }
    assert_true(rdb_storage_flush_all(t->storage, 0, &t->err));
    snprintf(path, sizeof path, "%s/tables/3/20000", t->data_directory);
    assert_true(rdb_file_open(&file, path, RDB_FILE_READ, &t->err));
    assert_true(rdb_file_read(file, block * PAGE, bytes, PAGE, NULL, &t->err));
    assert_true(rdb_file_close(&file, &t->err));
}

static void test_page_has_room_for_encryption(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t plain[PAGE], sealed[PAGE + 16], opened[PAGE + 16];
    toy t;
    uint8_t key[32], other_key[32];
    const char *what = NULL;
    char path[160];
    rdb_file *file = NULL;
    rdb_buffer *buffer = NULL;
    toy_begin(&t, 64);
    write_pages(&t, plain, 1);
    const rdb_page *page = (const rdb_page *)(const void *)plain;
    assert_int_equal(page->key_epoch, 0); /* not encrypted: all of it zero */
    for (unsigned i = offsetof(rdb_page, nonce); i < RDB_PAGE_HEADER_BYTES; i++)
        assert_int_equal(plain[i], 0);
    for (unsigned i = 0; i < 32; i++) {
        key[i] = (uint8_t)(3 * i + 1);
        other_key[i] = (uint8_t)(5 * i + 2);
    }
    /* Sealed, the page is as long as before, its checksum holds without a key, its place and age can be read. */
    memcpy(sealed, plain, PAGE);
    rdb_page *cipher = (rdb_page *)(void *)sealed;
    cipher->key_epoch = 7;
    memset(cipher->nonce, 0x5a, sizeof cipher->nonce);
    page_stamp(cipher, toy_tag(1), PAGE);
    assert_true(crypt_page(cipher, key, true));
    page_stamp(cipher, toy_tag(1), PAGE);
    assert_int_equal(cipher->crc, rdb_crc32c(0, sealed + 4, PAGE - 4));
    assert_int_equal(cipher->change_no, page->change_no);
    assert_int_equal(cipher->lsn, page->lsn);
    assert_memory_not_equal(sealed + BODY_AT, plain + BODY_AT, 64);
    memcpy(opened, sealed, PAGE);
    assert_false(crypt_page((rdb_page *)(void *)opened, other_key, false));
    memcpy(opened, sealed, PAGE);
    opened[offsetof(rdb_page, lsn)] ^= 1; /* the header is sealed too */
    assert_false(crypt_page((rdb_page *)(void *)opened, key, false));
    memcpy(opened, sealed, PAGE);
    assert_true(crypt_page((rdb_page *)(void *)opened, key, false));
    assert_memory_equal(opened + BODY_AT, plain + BODY_AT, PAGE - BODY_AT);
    /* A server without keys says so, instead of serving it or calling it damaged. */
    assert_false(page_verify(cipher, toy_tag(1), PAGE, &what));
    assert_string_equal(what, "It is encrypted, and its key is not at hand");
    rdb_storage_close(&t.storage);
    snprintf(path, sizeof path, "%s/tables/3/20000", t.data_directory);
    assert_true(rdb_file_open(&file, path, RDB_FILE_WRITE, &t.err));
    assert_true(rdb_file_write(file, PAGE, sealed, PAGE, &t.err) && rdb_file_close(&file, &t.err));
    assert_true(rdb_storage_open(&t.storage, &t.config, &t.err));
    assert_false(rdb_buffer_acquire(t.storage, toy_tag(1), RDB_BUFFER_SHARED, &buffer, &t.err));
    assert_non_null(strstr(t.err.detail, "its key is not at hand"));
    rdb_error_clear(&t.err);
    assert_true(rdb_buffer_acquire(t.storage, toy_tag(2), RDB_BUFFER_SHARED, &buffer, &t.err)); /* the others serve on */
    assert_int_equal(toy_slots(rdb_buffer_page(buffer))[1], 43);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_has_room_for_encryption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
