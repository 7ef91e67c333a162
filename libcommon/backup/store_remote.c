/* SPDX-License-Identifier: Apache-2.0
 * Objects on s3:// (any server that speaks the protocol, requests signed by libcurl) and sftp://. A request that fails for a reason
 * that may pass is tried again with growing pauses. Connections are kept and shared by threads. */
#include "backup/backup_int.h"

#include <curl/curl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ATTEMPTS 6
#define FIRST_PAUSE_US INT64_C(200000)
#define HANDLES_KEPT 64

typedef struct remote_store {
    backup_store base;
    char root[2200];   /* s3: scheme, host and bucket, then the prefix; sftp: scheme, user, host and port */
    char prefix[1100]; /* with its slash at the end, "" where there is none */
    char user_password[600], signature[120], token[2200], region[64];
    char key_path[PATH_MAX], known_hosts[PATH_MAX];
    rdb_mutex lock;
    CURL *idle[HANDLES_KEPT] RDB_GUARDED_BY(lock);
    uint32_t idle_count RDB_GUARDED_BY(lock);
} remote_store;

typedef struct request {
    const char *method, *url;
    const uint8_t *body;
    size_t body_length, body_at;
    rdb_strbuf *answer;
    char trouble[CURL_ERROR_SIZE];
    struct curl_slist *after; /* sftp: commands behind the transfer */
    long status;
    bool is_head_only, is_list;
} request;

/* ---- handles ------------------------------------------------------------------------------------------------------------------ */
static CURL *take_handle(remote_store *store)
{
    CURL *handle = NULL;
    rdb_mutex_lock(&store->lock);
    if (store->idle_count > 0)
        handle = store->idle[--store->idle_count];
    rdb_mutex_unlock(&store->lock);
    return handle != NULL ? handle : curl_easy_init();
}

static void give_handle(remote_store *store, CURL *handle)
{
    curl_easy_reset(handle); /* connections stay */
    rdb_mutex_lock(&store->lock);
    bool kept = store->idle_count < HANDLES_KEPT;
    if (kept)
        store->idle[store->idle_count++] = handle;
    rdb_mutex_unlock(&store->lock);
    if (!kept)
        curl_easy_cleanup(handle);
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
    rdb_strbuf *answer = context;
    if (answer->length + size * count > BACKUP_OBJECT_BYTES_MAX)
        return 0;
    rdb_strbuf_add(answer, bytes, size * count);
    return answer->failed ? 0 : size * count;
}

static size_t give_body(char *bytes, size_t size, size_t count, void *context)
{
    request *r = context;
    size_t step = RDB_MIN(size * count, r->body_length - r->body_at);
    if (step > 0)
        memcpy(bytes, r->body + r->body_at, step);
    r->body_at += step;
    return step;
}

static int rewind_body(void *context, curl_off_t offset, int origin)
{
    request *r = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > r->body_length)
        return CURL_SEEKFUNC_CANTSEEK;
    r->body_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void set_common(remote_store *store, CURL *handle, request *r)
{
    curl_easy_setopt(handle, CURLOPT_URL, r->url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 15L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, r->trouble);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, r->answer);
    if (r->body != NULL) {
        curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(handle, CURLOPT_READDATA, r);
        curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(handle, CURLOPT_SEEKDATA, r);
        curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_length);
        r->body_at = 0;
    }
    (void)store;
}

/* ---- s3 ------------------------------------------------------------------------------------------------------------------------- */
static CURLcode send_s3(remote_store *store, CURL *handle, request *r)
{
    char sha256[RDB_DIGEST_TEXT_BYTES], line[2300];
    struct curl_slist *headers = NULL;
    digest_of(r->body != NULL ? r->body : (const uint8_t *)"", r->body_length, sha256);
    snprintf(line, sizeof line, "x-amz-content-sha256: %s", sha256);
    headers = curl_slist_append(headers, line);
    headers = curl_slist_append(headers, "Expect:");
    if (store->token[0] != '\0') {
        snprintf(line, sizeof line, "x-amz-security-token: %s", store->token);
        headers = curl_slist_append(headers, line);
    }
    curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, store->signature);
    curl_easy_setopt(handle, CURLOPT_USERPWD, store->user_password);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, r->method);
    CURLcode code = curl_easy_perform(handle);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &r->status);
    curl_slist_free_all(headers);
    return code;
}

/* An answer that is not what it says it is: a listing without its end would hide objects, and with them backups. */
static bool is_whole(const request *r, CURLcode code)
{
    static const char end[] = "</ListBucketResult>";
    return !r->is_list || code != CURLE_OK || r->status / 100 != 2 || (r->answer->data != NULL && strstr((const char *)r->answer->data, end) != NULL);
}

static bool may_pass(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return status >= 500 || status == 429 || status == 408;
    case CURLE_COULDNT_CONNECT: case CURLE_OPERATION_TIMEDOUT: case CURLE_SEND_ERROR: case CURLE_RECV_ERROR: case CURLE_GOT_NOTHING: case CURLE_PARTIAL_FILE:
    case CURLE_SSH: case CURLE_AGAIN: case CURLE_UPLOAD_FAILED:
        return true;
    default:
        return false;
    }
}

/* The text between two marks of an answer, "" where it has none. */
static void find_text(const char *answer, const char *mark, char *text, size_t size)
{
    const char *at = answer != NULL ? strstr(answer, mark) : NULL;
    text[0] = '\0';
    if (at != NULL)
        snprintf(text, size, "%.*s", (int)strcspn(at + strlen(mark), "<"), at + strlen(mark));
}

static bool perform(remote_store *store, request *r, CURLcode (*send)(remote_store *store, CURL *handle, request *r), CURLcode *code, rdb_error *err)
{
    size_t length = r->answer->length;
    for (int attempt = 1;; attempt++) {
        CURL *handle = take_handle(store);
        if (handle == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        r->answer->length = length;
        if (r->answer->data != NULL)
            r->answer->data[length] = '\0'; /* nothing of an answer that was not taken */
        r->trouble[0] = '\0';
        r->status = 0;
        set_common(store, handle, r);
        *code = send(store, handle, r);
        give_handle(store, handle);
        bool whole = is_whole(r, *code);
        if (attempt == ATTEMPTS && !whole)
            *code = CURLE_PARTIAL_FILE;
        if ((whole && !may_pass(*code, r->status)) || attempt == ATTEMPTS)
            return rdb_strbuf_check(r->answer, err);
        rdb_time_sleep_us(FIRST_PAUSE_US << (attempt - 1));
    }
}

static bool failed(remote_store *store, const request *r, CURLcode code, const char *name, rdb_error *err)
{
    char message[300];
    const char *state = r->status == 403 || r->status == 401 || code == CURLE_LOGIN_DENIED || code == CURLE_REMOTE_ACCESS_DENIED ? RDB_INSUFFICIENT_PRIVILEGE
                        : code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ? RDB_CANNOT_CONNECT : RDB_IO_ERROR;
    find_text(r->answer->data, "<Message>", message, sizeof message);
    rdb_error_set(err, state, "the repository does not do its part: %s of \"%s\"", r->method, name);
    if (code != CURLE_OK)
        return rdb_error_detail(err, "%s: %s.", store->base.url, r->trouble[0] != '\0' ? r->trouble : curl_easy_strerror(code));
    return rdb_error_detail(err, "%s answers %ld%s%s.", store->base.url, r->status, message[0] != '\0' ? ": " : "", message);
}

static void make_url(const remote_store *store, const char *name, const char *query, char url[5000])
{
    snprintf(url, 5000, "%s/%s%s%s%s", store->root, store->prefix, name, query[0] != '\0' ? "?" : "", query);
}

static bool s3_request(remote_store *store, request *r, const char *name, const char *query, bool missing_is_fine, bool *found, rdb_error *err)
{
    char url[5000];
    CURLcode code;
    make_url(store, name, query, url);
    if (query[0] != '\0')
        snprintf(url, sizeof url, "%s?%s", store->root, query);
    r->url = url;
    if (!perform(store, r, send_s3, &code, err))
        return false;
    *found = code == CURLE_OK && r->status / 100 == 2;
    return *found || (missing_is_fine && code == CURLE_OK && r->status == 404 && strstr(r->answer->data != NULL ? r->answer->data : "", "NoSuchBucket") == NULL) ||
           failed(store, r, code, name, err);
}

static bool s3_put(backup_store *base, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    rdb_strbuf answer;
    bool found;
    rdb_strbuf_init(&answer, NULL);
    request r = {.method = "PUT", .body = bytes, .body_length = length, .answer = &answer};
    bool ok = s3_request((remote_store *)base, &r, name, "", false, &found, err);
    rdb_strbuf_free(&answer);
    return ok;
}

static bool s3_get(backup_store *base, const char *name, rdb_strbuf *content, bool *found, rdb_error *err)
{
    size_t before = content->length;
    request r = {.method = "GET", .answer = content};
    bool ok = s3_request((remote_store *)base, &r, name, "", true, found, err);
    if (!*found)
        content->length = before;
    return ok;
}

static bool s3_remove(backup_store *base, const char *name, rdb_error *err)
{
    rdb_strbuf answer;
    bool found;
    rdb_strbuf_init(&answer, NULL);
    request r = {.method = "DELETE", .answer = &answer};
    bool ok = s3_request((remote_store *)base, &r, name, "", true, &found, err);
    rdb_strbuf_free(&answer);
    return ok;
}

/* One page of a listing; next is the token of the following one, "" at the end. */
static bool list_page(remote_store *store, const char *prefix, char next[2000], rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    char query[4600] = "", whole[1400], text[64];
    rdb_strbuf answer;
    bool found, ok;
    snprintf(whole, sizeof whole, "%s%.200s", store->prefix, prefix);
    char *escaped = curl_easy_escape(NULL, whole, 0), *token = curl_easy_escape(NULL, next, 0);
    /* In the order of their names, as the signature wants them. */
    snprintf(query, sizeof query, "%s%s%slist-type=2&prefix=%s", next[0] != '\0' ? "continuation-token=" : "", next[0] != '\0' ? token : "", next[0] != '\0' ? "&" : "", escaped);
    curl_free(escaped);
    curl_free(token);
    rdb_strbuf_init(&answer, NULL);
    request r = {.method = "GET", .answer = &answer, .is_list = true};
    ok = s3_request(store, &r, "", query, false, &found, err);
    const char *at = ok && answer.data != NULL ? answer.data : "";
    for (const char *entry = strstr(at, "<Contents>"); ok && entry != NULL; entry = strstr(entry + 1, "<Contents>")) {
        char key[1500];
        find_text(entry, "<Key>", key, sizeof key);
        find_text(entry, "<Size>", text, sizeof text);
        if (strncmp(key, store->prefix, strlen(store->prefix)) != 0)
            continue;
        backup_object *object = RDB_NEW(arena, backup_object);
        object->name = rdb_arena_strdup(arena, key + strlen(store->prefix));
        object->bytes = strtoull(text, NULL, 10);
        rdb_list_push(arena, objects, object);
    }
    find_text(at, "<NextContinuationToken>", next, 2000);
    rdb_strbuf_free(&answer);
    return ok;
}

static int compare_objects(const void *left, const void *right)
{
    return strcmp((*(const backup_object *const *)left)->name, (*(const backup_object *const *)right)->name);
}

static bool s3_list(backup_store *base, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    char next[2000] = "";
    do {
        if (!list_page((remote_store *)base, prefix, next, arena, objects, err))
            return false;
    } while (next[0] != '\0');
    if (objects->count > 1)
        qsort(objects->items, objects->count, sizeof *objects->items, compare_objects);
    return rdb_arena_check(arena, err);
}

/* ---- sftp ------------------------------------------------------------------------------------------------------------------------- */
static CURLcode send_sftp(remote_store *store, CURL *handle, request *r)
{
    curl_easy_setopt(handle, CURLOPT_SSH_AUTH_TYPES, (long)(CURLSSH_AUTH_PUBLICKEY | CURLSSH_AUTH_AGENT));
    if (store->key_path[0] != '\0')
        curl_easy_setopt(handle, CURLOPT_SSH_PRIVATE_KEYFILE, store->key_path);
    curl_easy_setopt(handle, CURLOPT_SSH_KNOWNHOSTS, store->known_hosts); /* a host that is not in it is refused */
    curl_easy_setopt(handle, CURLOPT_FTP_CREATE_MISSING_DIRS, (long)CURLFTP_CREATE_DIR_RETRY);
    curl_easy_setopt(handle, CURLOPT_POSTQUOTE, r->after);
    curl_easy_setopt(handle, CURLOPT_NOBODY, (long)r->is_head_only);
    return curl_easy_perform(handle);
}

static bool sftp_request(remote_store *store, request *r, const char *name, bool missing_is_fine, bool *found, rdb_error *err)
{
    char url[5000];
    CURLcode code;
    make_url(store, name, "", url);
    r->url = url;
    if (!perform(store, r, send_sftp, &code, err))
        return false;
    *found = code == CURLE_OK;
    return *found || (missing_is_fine && code == CURLE_REMOTE_FILE_NOT_FOUND) || failed(store, r, code, name, err);
}

static bool sftp_put(backup_store *base, const char *name, const void *bytes, size_t length, rdb_error *err)
{
    remote_store *store = (remote_store *)base;
    char temporary[1200], command[4200];
    rdb_strbuf answer;
    bool found;
    rdb_strbuf_init(&answer, NULL);
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    request r = {.method = "put", .body = bytes, .body_length = length, .answer = &answer};
    snprintf(command, sizeof command, "*rm \"/%s%s\"", store->prefix, name);
    r.after = curl_slist_append(NULL, command);
    snprintf(command, sizeof command, "rename \"/%s%s\" \"/%s%s\"", store->prefix, temporary, store->prefix, name);
    r.after = curl_slist_append(r.after, command);
    bool ok = sftp_request(store, &r, temporary, false, &found, err);
    curl_slist_free_all(r.after);
    rdb_strbuf_free(&answer);
    return ok;
}

static bool sftp_get(backup_store *base, const char *name, rdb_strbuf *content, bool *found, rdb_error *err)
{
    size_t before = content->length;
    request r = {.method = "get", .answer = content};
    bool ok = sftp_request((remote_store *)base, &r, name, true, found, err);
    if (!*found)
        content->length = before;
    return ok;
}

static bool sftp_remove(backup_store *base, const char *name, rdb_error *err)
{
    remote_store *store = (remote_store *)base;
    char command[2400];
    rdb_strbuf answer;
    bool found;
    rdb_strbuf_init(&answer, NULL);
    snprintf(command, sizeof command, "*rm \"/%s%s\"", store->prefix, name);
    request r = {.method = "rm", .answer = &answer, .is_head_only = true, .after = curl_slist_append(NULL, command)};
    bool ok = sftp_request(store, &r, "", true, &found, err);
    curl_slist_free_all(r.after);
    rdb_strbuf_free(&answer);
    return ok;
}

/* Lines as of ls -l: mode, links, owner, group, size, three of the date, then the name. */
static bool list_folder(remote_store *store, const char *folder, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    rdb_strbuf answer;
    bool found, ok;
    rdb_strbuf_init(&answer, NULL);
    request r = {.method = "ls", .answer = &answer};
    ok = sftp_request(store, &r, folder, true, &found, err);
    char *text = ok && found && answer.data != NULL ? answer.data : NULL;
    for (char *rest = NULL, *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL; ok && line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char mode[16], name[1100];
        unsigned long long size;
        if (sscanf(line, "%15s %*s %*s %*s %llu %*s %*s %*s %1099[^\r]", mode, &size, name) != 3 || name[0] == '.')
            continue;
        char *whole = rdb_arena_printf(arena, "%s%s", folder, name);
        size_t common = RDB_MIN(strlen(whole), strlen(prefix)), length = strlen(name);
        if (strncmp(whole, prefix, common) != 0)
            continue;
        if (mode[0] == 'd') {
            ok = list_folder(store, rdb_arena_printf(arena, "%s/", whole), prefix, arena, objects, err);
        } else if (common == strlen(prefix) && !(length > 4 && strcmp(name + length - 4, ".tmp") == 0)) {
            backup_object *object = RDB_NEW(arena, backup_object);
            object->name = whole;
            object->bytes = size;
            rdb_list_push(arena, objects, object);
        }
    }
    rdb_strbuf_free(&answer);
    return ok;
}

static bool sftp_list(backup_store *base, const char *prefix, rdb_arena *arena, rdb_list *objects, rdb_error *err)
{
    const char *slash = strrchr(prefix, '/');
    if (!list_folder((remote_store *)base, rdb_arena_strndup(arena, prefix, slash != NULL ? (size_t)(slash - prefix) + 1 : 0), prefix, arena, objects, err))
        return false;
    if (objects->count > 1)
        qsort(objects->items, objects->count, sizeof *objects->items, compare_objects);
    return rdb_arena_check(arena, err);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------------- */
static void remote_close(backup_store *base)
{
    remote_store *store = (remote_store *)base;
    for (uint32_t i = 0; i < store->idle_count; i++)
        curl_easy_cleanup(store->idle[i]);
    rdb_mutex_deinit(&store->lock);
    rdb_wipe(store->user_password, sizeof store->user_password);
    free(store);
}

static const char *environment(const char *first, const char *second, const char *standard)
{
    const char *value = getenv(first);
    if (value == NULL || value[0] == '\0')
        value = second != NULL ? getenv(second) : NULL;
    return value != NULL && value[0] != '\0' ? value : standard;
}

/* aws_access_key_id and its kin from ~/.aws/credentials, the profile of AWS_PROFILE. */
static void read_credentials(char key[300], char secret[300], char token[2200])
{
    char path[PATH_MAX], wanted[200], line[2600];
    bool inside = false;
    snprintf(path, sizeof path, "%s/.aws/credentials", environment("HOME", NULL, "/"));
    snprintf(wanted, sizeof wanted, "[%.190s]", environment("AWS_PROFILE", NULL, "default"));
    FILE *file = fopen(environment("AWS_SHARED_CREDENTIALS_FILE", NULL, path), "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '[')
            inside = strcmp(line, wanted) == 0;
        if (inside && sscanf(line, "aws_access_key_id = %299s", key) != 1 && sscanf(line, "aws_secret_access_key = %299s", secret) != 1)
            (void)!sscanf(line, "aws_session_token = %2199s", token);
    }
    if (file != NULL)
        fclose(file);
    rdb_wipe(line, sizeof line);
}

static bool open_s3(remote_store *store, const char *url, rdb_error *err)
{
    const char *bucket = url + strlen("s3://"), *slash = strchr(bucket, '/');
    int bucket_length = slash != NULL ? (int)(slash - bucket) : (int)strlen(bucket);
    const char *endpoint = environment("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", NULL);
    char key[300] = "", secret[300] = "";
    if (bucket_length == 0 || bucket_length > 200 || (slash != NULL && strlen(slash) > 1000))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no place such as s3://bucket/prefix", url);
    snprintf(store->region, sizeof store->region, "%s", environment("AWS_REGION", "AWS_DEFAULT_REGION", "us-east-1"));
    if (endpoint != NULL)
        snprintf(store->root, sizeof store->root, "%.1900s/%.*s", endpoint, bucket_length, bucket);
    else
        snprintf(store->root, sizeof store->root, "https://%.*s.s3.%s.amazonaws.com", bucket_length, bucket, store->region);
    snprintf(store->prefix, sizeof store->prefix, "%s", slash != NULL ? slash + 1 : "");
    if (getenv("AWS_ACCESS_KEY_ID") != NULL) {
        snprintf(key, sizeof key, "%s", getenv("AWS_ACCESS_KEY_ID"));
        snprintf(secret, sizeof secret, "%s", environment("AWS_SECRET_ACCESS_KEY", NULL, ""));
        snprintf(store->token, sizeof store->token, "%s", environment("AWS_SESSION_TOKEN", NULL, ""));
    } else {
        read_credentials(key, secret, store->token);
    }
    if (key[0] == '\0' || secret[0] == '\0') {
        rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "there are no credentials for \"%s\"", url);
        return rdb_error_hint(err, "Put them into ~/.aws/credentials, or into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
    }
    snprintf(store->user_password, sizeof store->user_password, "%s:%s", key, secret);
    snprintf(store->signature, sizeof store->signature, "aws:amz:%s:s3", store->region);
    rdb_wipe(secret, sizeof secret);
    return true;
}

static bool open_sftp(remote_store *store, const char *url, rdb_error *err)
{
    const char *host = url + strlen("sftp://"), *slash = strchr(host, '/');
    const struct passwd *me = getpwuid(getuid());
    const char *home = environment("HOME", NULL, me != NULL ? me->pw_dir : "/");
    if (slash == NULL || slash == host || slash[1] == '\0' || slash - host > 500 || strlen(slash) > 1000 || strpbrk(slash, "\"\\") != NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no place such as sftp://user@host/path", url);
    bool has_user = memchr(host, '@', (size_t)(slash - host)) != NULL;
    snprintf(store->root, sizeof store->root, "sftp://%s%s%.*s", has_user || me == NULL ? "" : me->pw_name, has_user || me == NULL ? "" : "@", (int)(slash - host), host);
    snprintf(store->prefix, sizeof store->prefix, "%s", slash + 1);
    snprintf(store->known_hosts, sizeof store->known_hosts, "%s/.ssh/known_hosts", home);
    if (getenv("RUSTYDB_SSH_KNOWN_HOSTS") != NULL)
        snprintf(store->known_hosts, sizeof store->known_hosts, "%s", getenv("RUSTYDB_SSH_KNOWN_HOSTS"));
    static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
    snprintf(store->key_path, sizeof store->key_path, "%s", environment("RUSTYDB_SSH_KEY", NULL, ""));
    for (size_t i = 0; i < RDB_COUNT_OF(names) && store->key_path[0] == '\0'; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%.4000s/.ssh/%s", home, names[i]);
        if (rdb_path_exists(path))
            snprintf(store->key_path, sizeof store->key_path, "%s", path);
    }
    return true;
}

bool store_open_remote(backup_store **store, const char *url, rdb_error *err)
{
    static const backup_store_calls s3 = {s3_put, s3_get, s3_list, s3_remove, remote_close};
    static const backup_store_calls sftp = {sftp_put, sftp_get, sftp_list, sftp_remove, remote_close};
    static bool has_begun; /* programs open their repository before they start threads */
    bool is_s3 = strncmp(url, "s3://", 5) == 0;
    remote_store *s = calloc(1, sizeof *s);
    *store = NULL;
    if (s == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!has_begun)
        has_begun = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    s->base.calls = is_s3 ? &s3 : &sftp;
    rdb_mutex_init(&s->lock, RDB_RANK_LEAF);
    if (!(is_s3 ? open_s3(s, url, err) : open_sftp(s, url, err))) {
        remote_close(&s->base);
        return false;
    }
    size_t length = strlen(s->prefix);
    if (length > 0 && s->prefix[length - 1] != '/' && length + 1 < sizeof s->prefix)
        strcpy(s->prefix + length, "/");
    snprintf(s->base.url, sizeof s->base.url, "%s", url);
    *store = &s->base;
    return true;
}
