/* SPDX-License-Identifier: Apache-2.0
 * Digests, threads, what is said while work goes on. */
#include "backup/backup_int.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct backup_digest {
    EVP_MD_CTX *context;
};

bool digest_create(backup_digest **digest, rdb_error *err)
{
    *digest = calloc(1, sizeof **digest);
    if (*digest != NULL)
        (*digest)->context = EVP_MD_CTX_new();
    if (*digest == NULL || (*digest)->context == NULL || EVP_DigestInit_ex((*digest)->context, EVP_sha256(), NULL) != 1) {
        digest_destroy(digest);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    return true;
}

void digest_reset(backup_digest *digest)
{
    RDB_VERIFY(EVP_DigestInit_ex(digest->context, NULL, NULL) == 1);
}

void digest_add(backup_digest *digest, const void *bytes, size_t length)
{
    RDB_VERIFY(EVP_DigestUpdate(digest->context, bytes, length) == 1);
}

void digest_finish(backup_digest *digest, char text[RDB_DIGEST_TEXT_BYTES])
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    RDB_VERIFY(EVP_DigestFinal_ex(digest->context, bytes, &length) == 1 && length == RDB_SHA256_BYTES);
    digest_text(bytes, text);
    digest_reset(digest);
}

void digest_destroy(backup_digest **digest)
{
    if (*digest == NULL)
        return;
    EVP_MD_CTX_free((*digest)->context);
    free(*digest);
    *digest = NULL;
}

void digest_text(const uint8_t digest[RDB_SHA256_BYTES], char text[RDB_DIGEST_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < RDB_SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * RDB_SHA256_BYTES] = '\0';
}

void digest_of(const void *bytes, size_t length, char text[RDB_DIGEST_TEXT_BYTES])
{
    uint8_t digest[RDB_SHA256_BYTES];
    rdb_sha256(bytes, length, digest);
    digest_text(digest, text);
}

/* ---- threads -------------------------------------------------------------------------------------------------------- */
typedef struct crew {
    bool (*run)(void *context, uint32_t item_no, rdb_error *err);
    void *context;
    uint32_t count;
    _Atomic uint32_t next;  /* relaxed: items are independent, joining orders the rest */
    _Atomic bool has_failed;
    rdb_mutex lock;
    rdb_error *err RDB_GUARDED_BY(lock); /* the first failure */
} crew;

static void crew_work(void *argument)
{
    crew *c = argument;
    for (;;) {
        uint32_t item_no = atomic_fetch_add_explicit(&c->next, 1, memory_order_relaxed);
        if (item_no >= c->count || atomic_load_explicit(&c->has_failed, memory_order_relaxed))
            return;
        rdb_error mine = {0};
        if (c->run(c->context, item_no, &mine))
            continue;
        rdb_mutex_lock(&c->lock);
        if (!atomic_exchange(&c->has_failed, true) && c->err != NULL)
            rdb_error_move(c->err, &mine);
        rdb_mutex_unlock(&c->lock);
        rdb_error_clear(&mine);
    }
}

bool run_in_threads(uint32_t thread_count, uint32_t count, bool (*run)(void *context, uint32_t item_no, rdb_error *err), void *context, rdb_error *err)
{
    enum { THREADS_MAX = 64 };
    rdb_thread *threads[THREADS_MAX] = {NULL};
    crew c = {.run = run, .context = context, .count = count, .err = err};
    thread_count = RDB_MAX(RDB_MIN(RDB_MIN(thread_count, count), THREADS_MAX), 1);
    rdb_mutex_init(&c.lock, RDB_RANK_LEAF);
    /* The caller's thread is one of them; one that cannot be started leaves its work to the others. */
    rdb_error refused = {0};
    for (uint32_t i = 1; i < thread_count; i++)
        if (!rdb_thread_start(&threads[i], "backup", crew_work, &c, &refused))
            rdb_error_clear(&refused);
    crew_work(&c);
    for (uint32_t i = 1; i < thread_count; i++)
        rdb_thread_join(&threads[i]);
    rdb_mutex_deinit(&c.lock);
    return !atomic_load(&c.has_failed);
}

/* ---- what is said ---------------------------------------------------------------------------------------------------- */
bool watch_interrupted(const rdb_backup_watch *watch, rdb_error *err)
{
    if (watch == NULL || watch->is_interrupted == NULL || !watch->is_interrupted(watch->context))
        return true;
    return rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

void watch_note(const rdb_backup_watch *watch, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (watch == NULL || watch->note == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    watch->note(watch->context, text);
}

void note_catalog(rdb_repository *repository, const char *home, const rdb_backup_watch *watch)
{
    uint32_t count;
    rdb_error mine = {0};
    if (!rdb_catalog_refresh(repository, home, false, &count, &mine))
        watch_note(watch, "the catalog is behind: %s; rdb-backup catalog makes it again", rdb_error_message(&mine));
    rdb_error_clear(&mine);
}

void watch_total(const rdb_backup_watch *watch, const char *what, uint64_t bytes)
{
    if (watch != NULL && watch->total != NULL)
        watch->total(watch->context, what, bytes);
}

void watch_done(const rdb_backup_watch *watch, uint64_t bytes)
{
    if (watch != NULL && watch->done != NULL)
        watch->done(watch->context, bytes);
}

/* ---- pages ------------------------------------------------------------------------------------------------------------- */
bool page_tag_of(const char *path, rdb_page_tag *tag)
{
    static const char *const folders[] = {"", "data/tables/", "data/indexes/", "data/undo/", "data/xact/"};
    *tag = (rdb_page_tag){0};
    for (unsigned file_class = RDB_FILE_TABLE; file_class <= RDB_FILE_XACT; file_class++) {
        size_t length = strlen(folders[file_class]);
        char *end;
        if (strncmp(path, folders[file_class], length) != 0)
            continue;
        unsigned long pdb = strtoul(path + length, &end, 10);
        if (end == path + length || *end != '/' || pdb > UINT32_MAX)
            return false;
        const char *name = end + 1;
        unsigned long long number = strtoull(name, &end, 10);
        if (end == name || (*end != '\0' && strcmp(end, ".space") != 0))
            return false;
        *tag = (rdb_page_tag){.file = RDB_FILE_NO(file_class, number), .pdb = (uint32_t)pdb, .fork = *end != '\0' ? RDB_FORK_SPACE : RDB_FORK_MAIN};
        return true;
    }
    return false;
}
