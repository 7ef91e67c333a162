/* SPDX-License-Identifier: Apache-2.0
 * A repository: its identity, its key, its recipients, and objects that pass through its encryption. */
#include "backup/backup_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDENTITY "rdb-repo.json"
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
    bool ok = seal_wrap_key(repository->key, keys, &kind, &wrapped, err) &&
              repository->store->calls->put(repository->store, name, wrapped.data, wrapped.length, err);
    rdb_strbuf_free(&wrapped);
    return ok;
}

static bool create(rdb_repository *repository, const rdb_repository_options *options, rdb_error *err)
{
    char system_id[24], check[RDB_DIGEST_TEXT_BYTES];
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
    bool ok = put_text(repository->store, IDENTITY, json, err);
    json_decref(json);
    return ok;
}

static bool find_key(rdb_repository *repository, const rdb_backup_keys *keys, const char *check, rdb_error *err)
{
    char passphrase[1024] = "", seen[RDB_DIGEST_TEXT_BYTES];
    rdb_list objects = {0};
    bool opened = false;
    rdb_arena *arena = rdb_arena_create("keys", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = repository->store->calls->list(repository->store, "keys/", arena, &objects, err);
    for (uint32_t i = 0; ok && !opened && i < objects.count; i++) {
        const backup_object *object = objects.items[i];
        rdb_strbuf wrapped;
        bool found = false;
        rdb_strbuf_init(&wrapped, NULL);
        ok = repository->store->calls->get(repository->store, object->name, &wrapped, &found, err) &&
             (!found || seal_unwrap_key(wrapped.data, wrapped.length, keys, passphrase, repository->key, &opened, err));
        if (opened) {
            key_check(repository->key, seen);
            opened = strcmp(seen, check) == 0;
        }
        rdb_strbuf_free(&wrapped);
    }
    rdb_wipe(passphrase, sizeof passphrase);
    rdb_arena_destroy(arena);
    if (ok && !opened) {
        rdb_error_set(err, RDB_INVALID_PASSWORD, "no key that was given opens the repository");
        rdb_error_detail(err, "Repository \"%s\" is encrypted for %u recipients.", repository->store->url, objects.count);
        rdb_error_hint(err, "Use --key-file, --passphrase-file or --identity.");
    }
    return ok && opened;
}

static bool read_identity(rdb_repository *repository, const rdb_repository_options *options, const rdb_strbuf *text, rdb_error *err)
{
    json_error_t trouble;
    const char *format = "", *id = "", *system_id = "", *encryption = "", *check = "";
    int version = 0;
    json_t *json = json_loadb(text->data, text->length, 0, &trouble);
    bool ok = json != NULL && json_unpack(json, "{s:s, s:i, s:s, s:s, s:s, s?s}", "format", &format, "version", &version, "id", &id, "system_id",
                                          &system_id, "encryption", &encryption, "key_check", &check) == 0 &&
              strcmp(format, "rdb-repository") == 0;
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

bool repository_put(rdb_repository *repository, const char *name, const void *bytes, size_t length, uint64_t *stored_bytes, char sha256[RDB_DIGEST_TEXT_BYTES], rdb_error *err)
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
        digest_of(bytes, length, sha256);
        *stored_bytes = length;
        ok = repository->store->calls->put(repository->store, name, bytes, length, err);
    }
    rdb_strbuf_free(&sealed);
    return ok;
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
            ok = rdb_error_detail(err, "It has %zu bytes with SHA-256 %s; its manifest says %llu and %s.", stored.length, sha256, (unsigned long long)expected->bytes, expected->sha256);
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
    rdb_arena_destroy(arena);
    return ok;
}
