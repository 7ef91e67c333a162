/* SPDX-License-Identifier: Apache-2.0
 * A repository: its identity, its key, its recipients, and objects that pass through its encryption. */
#include "backup/backup_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDENTITY "rdb-repo.json"
#define DAMAGED_NAME_BYTES 80
#define KEY_CHECK_TEXT "rdb repository key"

static bool store_open(backup_store **store, const char *url, bool create, rdb_error *err)
{
    if (strcmp(url, "-") == 0)
        return create ? store_open_stream(store, STDOUT_FILENO, err) : rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "a stream cannot be looked at: unpack it with tar, it is a repository then");
    if (strncmp(url, "s3://", 5) == 0 || strncmp(url, "sftp://", 7) == 0)
        return store_open_remote(store, url, err);
    return store_open_directory(store, strncmp(url, "file://", 7) == 0 ? url + 7 : url, create, err);
}

/* Says whether a key is the repository's without saying anything else about it. */
static void key_check(const uint8_t key[BACKUP_KEY_BYTES], char text[RDB_DIGEST_TEXT_BYTES])
{
    uint8_t mac[RDB_SHA256_BYTES];
    rdb_hmac_sha256(key, BACKUP_KEY_BYTES, KEY_CHECK_TEXT, sizeof KEY_CHECK_TEXT - 1, mac);
    digest_text(mac, text);
}

/* Of what an identity says, so that a changed letter is seen. */
static void identity_check(const char *id, const char *system_id, const char *encryption, const char *check, char text[RDB_DIGEST_TEXT_BYTES])
{
    const char *const values[] = {id, system_id, encryption, check};
    rdb_strbuf bytes;
    rdb_strbuf_init(&bytes, NULL);
    for (size_t i = 0; i < RDB_COUNT_OF(values); i++)
        rdb_strbuf_add(&bytes, values[i], strlen(values[i]) + 1);
    digest_of(bytes.data, bytes.length, text);
    rdb_strbuf_free(&bytes);
}

static bool put_text(backup_store *store, const char *name, json_t *json, rdb_error *err)
{
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    bool ok = text != NULL ? store->calls->put(store, name, text, strlen(text), err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    free(text);
    return ok;
}

static bool put_recipient(rdb_repository *repository, uint32_t number, const rdb_backup_keys *keys, rdb_error *err)
{
    rdb_strbuf wrapped;
    seal_recipient kind;
    char name[40];
    rdb_strbuf_init(&wrapped, NULL);
    snprintf(name, sizeof name, "keys/%u.cms", number);
    bool ok = seal_wrap_key(repository->key, keys, &kind, &wrapped, err);
    if (ok) { /* its digest first: a key that stands can be checked */
        char sum_name[48], sum[RDB_DIGEST_TEXT_BYTES + 50], digest[RDB_DIGEST_TEXT_BYTES];
        digest_of(wrapped.data, wrapped.length, digest);
        snprintf(sum_name, sizeof sum_name, "%s.sha256", name);
        int length = snprintf(sum, sizeof sum, "%s  %u.cms\n", digest, number);
        ok = repository->store->calls->put(repository->store, sum_name, sum, (size_t)length, err) &&
             repository->store->calls->put(repository->store, name, wrapped.data, wrapped.length, err);
    }
    rdb_strbuf_free(&wrapped);
    return ok;
}

/* Whether an object of keys/ is a recipient's, not the digest beside it. */
static bool is_key(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".cms") == 0;
}

bool repository_check_keys(rdb_repository *repository, void (*on_damage)(void *context, const char *name, const char *what), void *context, rdb_error *err)
{
    rdb_list objects = {0};
    rdb_arena *arena = rdb_arena_create("keys", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = repository->store->calls->list(repository->store, "keys/", arena, &objects, err);
    for (uint32_t i = 0; ok && i < objects.count; i++) {
        const char *name = ((const backup_object *)objects.items[i])->name;
        rdb_strbuf wrapped, sum;
        bool found = false, has_sum = false;
        char digest[RDB_DIGEST_TEXT_BYTES];
        if (!is_key(name))
            continue;
        rdb_strbuf_init(&wrapped, arena);
        rdb_strbuf_init(&sum, arena);
        ok = repository->store->calls->get(repository->store, name, &wrapped, &found, err) &&
             repository->store->calls->get(repository->store, rdb_arena_printf(arena, "%s.sha256", name), &sum, &has_sum, err);
        digest_of(wrapped.data, wrapped.length, digest);
        if (ok && found && !has_sum)
            on_damage(context, name, "its digest is missing");
        const char *expected = rdb_arena_printf(arena, "%s  %s\n", digest, name + strlen("keys/"));
        if (ok && found && has_sum && (sum.length != strlen(expected) || memcmp(sum.data, expected, sum.length) != 0))
            on_damage(context, name, "it is not what its digest says");
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool create(rdb_repository *repository, const rdb_repository_options *options, rdb_error *err)
{
    char system_id[24], check[RDB_DIGEST_TEXT_BYTES] = "", whole[RDB_DIGEST_TEXT_BYTES];
    rdb_uuid_v4(repository->id);
    repository->system_id = options->system_id;
    repository->is_encrypted = options->encrypt;
    snprintf(system_id, sizeof system_id, "%llu", (unsigned long long)options->system_id);
    /* The key before the identity: a repository that names itself encrypted can be opened. */
    if (options->encrypt) {
        rdb_random_bytes(repository->key, sizeof repository->key);
        if (!put_recipient(repository, 1, &options->keys, err))
            return false;
    }
    json_t *json = json_pack("{s:s, s:i, s:s, s:s, s:s}", "format", "rdb-repository", "version", 1, "id", repository->id, "system_id", system_id,
                             "encryption", options->encrypt ? "aes-256-gcm" : "none");
    if (json != NULL && options->encrypt) {
        key_check(repository->key, check);
        json_object_set_new(json, "key_check", json_string(check));
    }
    identity_check(repository->id, system_id, options->encrypt ? "aes-256-gcm" : "none", check, whole);
    if (json != NULL)
        json_object_set_new(json, "check_sha256", json_string(whole));
    bool ok = put_text(repository->store, IDENTITY, json, err);
    json_decref(json);
    return ok;
}

static void note_damaged_key(void *context, const char *name, const char *what)
{
    char *first = context;
    (void)what;
    if (first[0] == '\0')
        snprintf(first, DAMAGED_NAME_BYTES, "%s", name);
}

static bool find_key(rdb_repository *repository, const rdb_backup_keys *keys, const char *check, rdb_error *err)
{
    char passphrase[1024] = "", seen[RDB_DIGEST_TEXT_BYTES];
    rdb_list objects = {0};
    bool opened = false;
    uint32_t count = 0;
    rdb_arena *arena = rdb_arena_create("keys", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = repository->store->calls->list(repository->store, "keys/", arena, &objects, err);
    for (uint32_t i = 0; ok && !opened && i < objects.count; i++) {
        const backup_object *object = objects.items[i];
        rdb_strbuf wrapped;
        bool found = false;
        if (!is_key(object->name))
            continue;
        rdb_strbuf_init(&wrapped, NULL);
        count++;
        ok = repository->store->calls->get(repository->store, object->name, &wrapped, &found, err) &&
             (!found || seal_unwrap_key(wrapped.data, wrapped.length, keys, passphrase, repository->key, &opened, err));
        if (opened) {
            key_check(repository->key, seen);
            opened = strcmp(seen, check) == 0;
        }
        rdb_strbuf_free(&wrapped);
    }
    rdb_wipe(passphrase, sizeof passphrase);
    char damaged[DAMAGED_NAME_BYTES] = "";
    if (ok && !opened)
        ok = repository_check_keys(repository, note_damaged_key, damaged, err);
    if (ok && !opened && damaged[0] != '\0') {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "a key of the repository is damaged");
        rdb_error_detail(err, "Object \"%s\" of \"%s\"; no other that can be opened is there.", damaged, repository->store->url);
    } else if (ok && !opened) {
        rdb_error_set(err, RDB_INVALID_PASSWORD, "no key that was given opens the repository");
        rdb_error_detail(err, "Repository \"%s\" is encrypted for %u recipients.", repository->store->url, count);
        rdb_error_hint(err, "Use --key-file, --passphrase-file or --identity.");
    }
    rdb_arena_destroy(arena);
    return ok && opened;
}

static bool read_identity(rdb_repository *repository, const rdb_repository_options *options, const rdb_strbuf *text, rdb_error *err)
{
    json_error_t trouble;
    const char *format = "", *id = "", *system_id = "", *encryption = "", *check = "", *whole = NULL;
    char seen[RDB_DIGEST_TEXT_BYTES];
    int version = 0;
    json_t *json = json_loadb(text->data, text->length, 0, &trouble);
    bool ok = json != NULL && json_unpack(json, "{s:s, s:i, s:s, s:s, s:s, s?s, s:s}", "format", &format, "version", &version, "id", &id, "system_id",
                                          &system_id, "encryption", &encryption, "key_check", &check, "check_sha256", &whole) == 0 &&
              strcmp(format, "rdb-repository") == 0;
    if (ok) {
        identity_check(id, system_id, encryption, check, seen);
        ok = strcmp(seen, whole) == 0;
    }
    if (!ok) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "the repository's identity is damaged");
        rdb_error_detail(err, "Object \"%s/" IDENTITY "\".", repository->store->url);
    } else if (version != 1 || (strcmp(encryption, "none") != 0 && strcmp(encryption, "aes-256-gcm") != 0)) {
        ok = rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "the repository has version %d and encryption %s; this program knows version 1", version, encryption);
    }
    if (ok) {
        snprintf(repository->id, sizeof repository->id, "%s", id);
        repository->system_id = strtoull(system_id, NULL, 10);
        repository->is_encrypted = strcmp(encryption, "none") != 0;
        if (options->system_id != 0 && repository->system_id != options->system_id) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the repository belongs to another instance");
            rdb_error_detail(err, "It is of system %llu, the instance is system %llu.", (unsigned long long)repository->system_id, (unsigned long long)options->system_id);
            ok = rdb_error_hint(err, "Each instance has a repository of its own: name another place.");
        }
        if (ok && options->encrypt && !repository->is_encrypted) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the repository is not encrypted");
            ok = rdb_error_hint(err, "Begin a new one: a repository is encrypted from its first object on, or never.");
        }
        ok = ok && (!repository->is_encrypted || find_key(repository, &options->keys, check, err));
    }
    json_decref(json);
    return ok;
}

bool rdb_repository_open(rdb_repository **repository, const rdb_repository_options *options, rdb_error *err)
{
    rdb_strbuf text;
    bool found = false, ok = false;
    rdb_repository *r = *repository = calloc(1, sizeof *r);
    if (r == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&text, NULL);
    if (!store_open(&r->store, options->url, options->create, err) || !r->store->calls->get(r->store, IDENTITY, &text, &found, err))
        goto out;
    if (found) {
        ok = read_identity(r, options, &text, err);
    } else if (options->create) {
        ok = create(r, options, err);
    } else {
        rdb_error_set(err, RDB_UNDEFINED_FILE, "there is no repository in \"%s\"", r->store->url);
        rdb_error_hint(err, "The first backup makes it: rdb-backup --home DIR --output %s", r->store->url);
    }
out:
    rdb_strbuf_free(&text);
    if (!ok)
        rdb_repository_close(repository);
    return ok;
}

void rdb_repository_close(rdb_repository **repository)
{
    if (*repository == NULL)
        return;
    if ((*repository)->store != NULL)
        (*repository)->store->calls->close((*repository)->store);
    rdb_wipe((*repository)->key, BACKUP_KEY_BYTES);
    free(*repository);
    *repository = NULL;
}

bool rdb_repository_is_encrypted(const rdb_repository *repository)
{
    return repository->is_encrypted;
}

const char *rdb_repository_url(const rdb_repository *repository)
{
    return repository->store->url;
}

const char *repository_seal_extension(const rdb_repository *repository)
{
    return repository->is_encrypted ? ".cms" : "";
}

/* ---- objects ----------------------------------------------------------------------------------------------------------- */
bool repository_put(rdb_repository *repository, const char *name, const void *bytes, size_t length, rdb_manifest_object *stored, rdb_strbuf *pieces, rdb_error *err)
{
    rdb_strbuf sealed;
    rdb_strbuf_init(&sealed, NULL);
    bool ok = true;
    if (repository->is_encrypted) {
        ok = seal_bytes(repository->key, bytes, length, &sealed, err);
        bytes = sealed.data;
        length = sealed.length;
    }
    if (ok) {
        digest_of(bytes, length, stored->sha256);
        stored->bytes = length;
        for (size_t at = 0; pieces != NULL && at < length; at += RDB_OBJECT_PIECE_BYTES)
            rdb_strbuf_addf(pieces, "%08x", rdb_crc32c(0, (const uint8_t *)bytes + at, RDB_MIN(length - at, (size_t)RDB_OBJECT_PIECE_BYTES)));
        ok = repository->store->calls->put(repository->store, name, bytes, length, err);
    }
    rdb_strbuf_free(&sealed);
    return ok;
}

/* The first byte of the first piece that is not what it was; the shorter length where all pieces up to there are right. */
static uint64_t find_damage(const rdb_manifest_object *expected, const rdb_strbuf *stored)
{
    uint64_t common = RDB_MIN(expected->bytes, (uint64_t)stored->length);
    for (uint64_t at = 0, i = 0; at < common; at += RDB_OBJECT_PIECE_BYTES, i++) {
        char text[9];
        uint64_t length = RDB_MIN(expected->bytes - at, (uint64_t)RDB_OBJECT_PIECE_BYTES);
        if (at + length > stored->length) /* cut inside: what is there cannot be told */
            return stored->length;
        snprintf(text, sizeof text, "%08x", rdb_crc32c(0, stored->data + at, length));
        if (memcmp(text, expected->crc32c + i * 8, 8) != 0)
            return at;
    }
    return common;
}

bool repository_get(rdb_repository *repository, const char *name, const rdb_manifest_object *expected, rdb_strbuf *bytes, char sha256[RDB_DIGEST_TEXT_BYTES], rdb_error *err)
{
    rdb_strbuf stored;
    bool found = false;
    rdb_strbuf_init(&stored, NULL);
    bool ok = repository->store->calls->get(repository->store, name, &stored, &found, err);
    if (ok && !found)
        ok = rdb_error_set(err, expected != NULL ? RDB_DATA_CORRUPTED : RDB_UNDEFINED_FILE, "object \"%s\" is missing", name);
    if (ok) {
        digest_of(stored.data, stored.length, sha256);
        if (expected != NULL && (stored.length != expected->bytes || strcmp(sha256, expected->sha256) != 0)) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "object \"%s\" is damaged", name);
            ok = rdb_error_detail(err, REPOSITORY_DAMAGE_PLACE "%llu%s: it has %zu bytes with SHA-256 %s; its manifest says %llu and %s.",
                                  (unsigned long long)find_damage(expected, &stored), stored.length == expected->bytes ? ", in the 64 KiB that begin there" : "", stored.length, sha256,
                                  (unsigned long long)expected->bytes, expected->sha256);
        }
    }
    if (ok && repository->is_encrypted) {
        rdb_error mine = {0};
        ok = seal_open(repository->key, stored.data, stored.length, bytes, &mine);
        if (!ok && !rdb_error_is(&mine, RDB_DATA_CORRUPTED)) {
            rdb_error_move(err, &mine);
        } else if (!ok) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "object \"%s\" is damaged", name);
            rdb_error_detail(err, "Its %zu bytes are not what was encrypted with the repository's key.", stored.length);
        }
        rdb_error_clear(&mine);
    } else if (ok) {
        rdb_strbuf_free(bytes);
        *bytes = stored;
        rdb_strbuf_init(&stored, NULL);
    }
    rdb_strbuf_free(&stored);
    return ok;
}

bool rdb_repository_record(rdb_repository *repository, const char *folder, const char *text, rdb_error *err)
{
    char name[120], now[40];
    backup_format_time(rdb_time_wall_us(), now);
    snprintf(name, sizeof name, "%.40s/%s.json", folder, now);
    return repository->store->calls->put(repository->store, name, text, strlen(text), err);
}

/* ---- recipients ------------------------------------------------------------------------------------------------------- */
static bool need_encryption(const rdb_repository *repository, rdb_error *err)
{
    return repository->is_encrypted || rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the repository is not encrypted: it has no recipients");
}

bool rdb_recipient_list(rdb_repository *repository, rdb_arena *arena, rdb_list *recipients, rdb_error *err)
{
    static const char *const kinds[] = {"passphrase", "key file", "certificate"};
    rdb_list objects = {0};
    if (!need_encryption(repository, err) || !repository->store->calls->list(repository->store, "keys/", arena, &objects, err))
        return false;
    for (uint32_t i = 0; i < objects.count; i++) {
        const backup_object *object = objects.items[i];
        rdb_strbuf wrapped;
        bool found = false;
        seal_recipient kind = SEAL_PASSPHRASE;
        if (!is_key(object->name))
            continue;
        rdb_strbuf_init(&wrapped, arena);
        if (!repository->store->calls->get(repository->store, object->name, &wrapped, &found, err) ||
            (found && !seal_kind(wrapped.data, wrapped.length, &kind, err)))
            return false;
        rdb_recipient *recipient = RDB_NEW(arena, rdb_recipient);
        recipient->number = (uint32_t)strtoul(object->name + 5, NULL, 10);
        recipient->kind = kinds[kind];
        if (found)
            rdb_list_push(arena, recipients, recipient);
    }
    return true;
}

bool rdb_recipient_add(rdb_repository *repository, const rdb_backup_keys *keys, uint32_t *number, rdb_error *err)
{
    rdb_list recipients = {0};
    rdb_arena *arena = rdb_arena_create("recipients", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_recipient_list(repository, arena, &recipients, err);
    *number = 1;
    for (uint32_t i = 0; ok && i < recipients.count; i++)
        *number = RDB_MAX(*number, ((rdb_recipient *)recipients.items[i])->number + 1);
    rdb_arena_destroy(arena);
    return ok && put_recipient(repository, *number, keys, err);
}

bool rdb_recipient_remove(rdb_repository *repository, uint32_t number, rdb_error *err)
{
    rdb_list recipients = {0};
    bool is_there = false;
    char name[40];
    rdb_arena *arena = rdb_arena_create("recipients", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_recipient_list(repository, arena, &recipients, err);
    for (uint32_t i = 0; ok && i < recipients.count; i++)
        is_there = is_there || ((rdb_recipient *)recipients.items[i])->number == number;
    if (ok && !is_there)
        ok = rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "there is no recipient %u", number);
    if (ok && recipients.count == 1) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "recipient %u is the last one", number);
        ok = rdb_error_hint(err, "Add its successor first; without a recipient nobody could open the repository.");
    }
    snprintf(name, sizeof name, "keys/%u.cms", number);
    ok = ok && repository->store->calls->remove(repository->store, name, err);
    snprintf(name, sizeof name, "keys/%u.cms.sha256", number);
    ok = ok && repository->store->calls->remove(repository->store, name, err);
    rdb_arena_destroy(arena);
    return ok;
}
