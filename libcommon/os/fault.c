/* SPDX-License-Identifier: Apache-2.0
 * Fault rules and the recorder. One mutex covers rules and record, and is held over the system call itself while
 * recording, so that the log's order is the order in which things happened and a sync covers exactly what stands before
 * it. Armed, the file layer is slow and serial; that is the price of a log that can be believed. */
#include "os/fault_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

_Atomic bool os_fault_is_armed;

typedef enum call_kind {
    CALL_CREATE,
    CALL_OPEN,
    CALL_READ,
    CALL_WRITE,
    CALL_SYNC,
    CALL_TRUNCATE,
    CALL_RENAME,
    CALL_REMOVE,
    CALL_MKDIR,
    CALL_SYNCDIR,
    CALL_LIST,
    CALL_KINDS,
    CALL_ANY = CALL_KINDS
} call_kind;

static const char *const CALL_NAMES[] = {"create", "open",  "read",    "write", "sync", "truncate",
                                         "rename", "remove", "mkdir", "syncdir", "list", "any"};

typedef enum rule_effect { EFFECT_ERRNO, EFFECT_SHORT, EFFECT_CRASH, EFFECT_CRASH_AFTER, EFFECT_DELAY } rule_effect;

typedef struct fault_rule {
    call_kind call;
    char path[256];
    uint64_t nth, count, seen;
    rule_effect effect;
    int errno_value;
    int64_t delay_us;
} fault_rule;

#define RULES_MAX 16

static pthread_mutex_t fault_mutex = PTHREAD_MUTEX_INITIALIZER; /* below every rank: it calls nothing that locks */
static fault_rule rules[RULES_MAX] RDB_GUARDED_BY(fault_mutex);
static unsigned rule_count RDB_GUARDED_BY(fault_mutex);
static uint64_t fired_count RDB_GUARDED_BY(fault_mutex);
static uint64_t call_counts[CALL_KINDS] RDB_GUARDED_BY(fault_mutex);

static struct {
    bool running;
    char root[PATH_MAX];
    size_t root_length;
    rdb_fault_log *log; /* NULL: to file */
    int log_fd;
    int failure; /* errno of the first entry that was lost */
} record RDB_GUARDED_BY(fault_mutex);

static void update_armed(void)
{
    atomic_store_explicit(&os_fault_is_armed, rule_count > 0 || record.running, memory_order_relaxed);
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int value;
} ERRNO_NAMES[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR},   {"EACCES", EACCES},
                   {"EROFS", EROFS},   {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"ENOENT", ENOENT},
                   {"EDQUOT", EDQUOT}, {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EFBIG", EFBIG}};

static bool parse_number(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    unsigned long long parsed = strtoull(text, &end, 10);
    *value = parsed;
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static bool parse_effect(const char *word, fault_rule *rule)
{
    uint64_t delay;
    if (strcmp(word, "short") == 0) {
        rule->effect = EFFECT_SHORT;
        return rule->call == CALL_READ || rule->call == CALL_WRITE;
    }
    if (strcmp(word, "crash") == 0) {
        rule->effect = EFFECT_CRASH;
        return true;
    }
    if (strcmp(word, "crashafter") == 0) {
        rule->effect = EFFECT_CRASH_AFTER;
        return true;
    }
    if (strncmp(word, "delay=", 6) == 0 && parse_number(word + 6, &delay) && delay <= INT64_C(60000000)) {
        rule->effect = EFFECT_DELAY;
        rule->delay_us = (int64_t)delay;
        return true;
    }
    for (size_t name_no = 0; name_no < RDB_COUNT_OF(ERRNO_NAMES); name_no++)
        if (strcmp(word, ERRNO_NAMES[name_no].name) == 0) {
            rule->effect = EFFECT_ERRNO;
            rule->errno_value = ERRNO_NAMES[name_no].value;
            return true;
        }
    return false;
}

/* One rule; text is cut up in place. */
static bool parse_rule(char *text, fault_rule *rule)
{
    *rule = (fault_rule){.nth = 1, .count = 1};
    char *words[6];
    size_t word_count = 0;
    for (char *at = text; at != NULL;) {
        if (word_count == RDB_COUNT_OF(words))
            return false;
        words[word_count++] = strsep(&at, ":");
    }
    if (word_count < 3)
        return false;
    while (rule->call <= CALL_ANY && strcmp(words[0], CALL_NAMES[rule->call]) != 0)
        rule->call++;
    if (rule->call > CALL_ANY || strlen(words[1]) >= sizeof rule->path)
        return false;
    strcpy(rule->path, words[1]);
    for (size_t word_no = 2; word_no + 1 < word_count; word_no++) {
        if (strncmp(words[word_no], "nth=", 4) == 0) {
            if (!parse_number(words[word_no] + 4, &rule->nth) || rule->nth == 0)
                return false;
        } else if (strncmp(words[word_no], "count=", 6) == 0) {
            if (!parse_number(words[word_no] + 6, &rule->count))
                return false;
        } else {
            return false;
        }
    }
    return parse_effect(words[word_count - 1], rule);
}

bool rdb_fault_arm(const char *text, rdb_error *err)
{
    fault_rule parsed[RULES_MAX];
    unsigned count = 0;
    char *copy = strdup(text);
    if (copy == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = true;
    for (char *at = copy, *part; ok && (part = strsep(&at, ";")) != NULL;) {
        if (*part == '\0')
            continue;
        char whole[200];
        snprintf(whole, sizeof whole, "%s", part);
        if (count == RULES_MAX || !parse_rule(part, &parsed[count])) {
            rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid fault rule \"%s\"", whole);
            ok = rdb_error_hint(err, "A rule is call:path:[nth=N:][count=N:]effect.");
        }
        count++;
    }
    free(copy);
    if (!ok)
        return false;
    pthread_mutex_lock(&fault_mutex);
    memcpy(rules, parsed, sizeof rules[0] * count);
    rule_count = count;
    fired_count = 0;
    memset(call_counts, 0, sizeof call_counts);
    update_armed();
    pthread_mutex_unlock(&fault_mutex);
    return true;
}

void rdb_fault_disarm(void)
{
    pthread_mutex_lock(&fault_mutex);
    rule_count = 0;
    update_armed();
    pthread_mutex_unlock(&fault_mutex);
}

bool rdb_fault_is_armed(void)
{
    return atomic_load_explicit(&os_fault_is_armed, memory_order_relaxed);
}

uint64_t rdb_fault_fired(void)
{
    pthread_mutex_lock(&fault_mutex);
    uint64_t count = fired_count;
    pthread_mutex_unlock(&fault_mutex);
    return count;
}

uint64_t rdb_fault_calls(const char *call)
{
    uint64_t count = 0;
    pthread_mutex_lock(&fault_mutex);
    for (int kind = 0; kind < CALL_KINDS; kind++)
        if (strcmp(call, CALL_NAMES[kind]) == 0 || strcmp(call, "any") == 0)
            count += call_counts[kind];
    pthread_mutex_unlock(&fault_mutex);
    return count;
}

static bool path_matches(const fault_rule *rule, const char *path)
{
    if (strpbrk(rule->path, "*?") != NULL)
        return fnmatch(rule->path, path, 0) == 0;
    return strstr(path, rule->path) != NULL;
}

typedef struct verdict {
    int errno_value; /* 0: make the call */
    bool shorten, crash_after;
} verdict;

/* Asks the rules about one call; called with the mutex held. */
static verdict judge_call(call_kind call, const char *path)
{
    verdict result = {0};
    int64_t delay_us = 0;
    call_counts[call]++;
    for (unsigned rule_no = 0; rule_no < rule_count; rule_no++) {
        fault_rule *rule = &rules[rule_no];
        if ((rule->call != CALL_ANY && rule->call != call) || !path_matches(rule, path))
            continue;
        rule->seen++;
        if (rule->seen < rule->nth || (rule->count != 0 && rule->seen - rule->nth >= rule->count))
            continue;
        fired_count++;
        switch (rule->effect) {
        case EFFECT_ERRNO:
            result.errno_value = rule->errno_value;
            return result;
        case EFFECT_SHORT:
            result.shorten = true;
            break;
        case EFFECT_CRASH:
            kill(getpid(), SIGKILL);
            pause();
            break;
        case EFFECT_CRASH_AFTER:
            result.crash_after = true;
            break;
        case EFFECT_DELAY:
            delay_us += rule->delay_us;
            break;
        }
    }
    if (delay_us > 0) { /* a slow call holds up nobody else's */
        pthread_mutex_unlock(&fault_mutex);
        rdb_time_sleep_us(delay_us);
        pthread_mutex_lock(&fault_mutex);
    }
    return result;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

uint8_t *fault_entry_make(fault_kind kind, uint64_t inode, uint64_t offset, const char *name, const char *second,
                          const void *data, size_t data_bytes)
{
    size_t name_length = strlen(name), second_length = strlen(second);
    size_t bytes = sizeof(fault_header) + name_length + second_length + data_bytes;
    if (bytes > UINT32_MAX)
        return NULL;
    uint8_t *entry = malloc(bytes);
    if (entry == NULL)
        return NULL;
    fault_header header = {.bytes = (uint32_t)bytes,
                           .kind = (uint8_t)kind,
                           .name_length = (uint16_t)name_length,
                           .second_length = (uint16_t)second_length,
                           .inode = inode,
                           .offset = offset};
    memcpy(entry, &header, sizeof header);
    uint8_t *at = entry + sizeof header;
    memcpy(at, name, name_length);
    memcpy(at + name_length, second, second_length);
    if (data_bytes > 0)
        memcpy(at + name_length + second_length, data, data_bytes);
    rdb_put_u32(entry + 4, rdb_crc32c(0, entry + 8, bytes - 8));
    return entry;
}

bool fault_log_add(rdb_fault_log *log, uint8_t *entry)
{
    if (log->count == log->capacity) {
        uint32_t capacity = log->capacity == 0 ? 256 : log->capacity * 2;
        uint8_t **entries = realloc(log->entries, sizeof *entries * capacity);
        if (entries == NULL) {
            free(entry);
            return false;
        }
        log->entries = entries;
        log->capacity = capacity;
    }
    log->entries[log->count++] = entry;
    if (entry[8] == FAULT_BASE_END)
        log->base = log->count;
    return true;
}

/* ---- the recorder; all with the mutex held ----------------------------------------------------------------------- */

static void record_entry(fault_kind kind, uint64_t inode, uint64_t offset, const char *name, const char *second,
                         const void *data, size_t data_bytes)
{
    if (record.failure != 0)
        return;
    uint8_t *entry = fault_entry_make(kind, inode, offset, name, second, data, data_bytes);
    if (entry == NULL) {
        record.failure = ENOMEM;
        return;
    }
    if (record.log != NULL) {
        if (!fault_log_add(record.log, entry))
            record.failure = ENOMEM;
        return;
    }
    uint32_t bytes = rdb_get_u32(entry), done = 0;
    while (done < bytes) {
        ssize_t count = write(record.log_fd, entry + done, bytes - done);
        if (count <= 0 && errno != EINTR) {
            record.failure = errno;
            break;
        }
        done += count > 0 ? (uint32_t)count : 0;
    }
    free(entry);
}

/* The name below the root, whatever way the caller spells the path; false where it lies elsewhere. */
static bool name_below_root(const char *path, char name[PATH_MAX])
{
    if (!record.running)
        return false;
    char directory[PATH_MAX], resolved[PATH_MAX];
    if ((size_t)snprintf(directory, sizeof directory, "%s", path) >= sizeof directory)
        return false;
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        directory[--length] = '\0';
    char *slash = strrchr(directory, '/');
    const char *last = slash != NULL ? slash + 1 : directory;
    char last_name[NAME_MAX + 1];
    if ((size_t)snprintf(last_name, sizeof last_name, "%s", last) >= sizeof last_name)
        return false;
    if (slash == NULL)
        strcpy(directory, ".");
    else
        slash[slash == directory ? 1 : 0] = '\0';
    if (realpath(directory, resolved) == NULL)
        return false;
    if ((size_t)snprintf(directory, sizeof directory, "%s/%s", resolved, last_name) >= sizeof directory)
        return false;
    if (strcmp(directory, record.root) == 0) {
        name[0] = '\0';
        return true;
    }
    if (strncmp(directory, record.root, record.root_length) != 0 || directory[record.root_length] != '/')
        return false;
    strcpy(name, directory + record.root_length + 1);
    return true;
}

static uint64_t inode_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? (uint64_t)status.st_ino : 0;
}

static bool is_below_root(const char *path)
{
    char name[PATH_MAX];
    return name_below_root(path, name);
}

/* Files of the state before recording: created, written and synced, as entries like all others. */
static bool record_base_file(const char *path, const char *name)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    uint64_t inode = inode_of(fd), offset = 0;
    record_entry(FAULT_CREATE, inode, 0, name, "", NULL, 0);
    static uint8_t buffer[1 << 20]; /* guarded by fault_mutex */
    ssize_t count;
    while ((count = pread(fd, buffer, sizeof buffer, (off_t)offset)) > 0) {
        record_entry(FAULT_WRITE, inode, offset, "", "", buffer, (size_t)count);
        offset += (uint64_t)count;
    }
    record_entry(FAULT_SYNC, inode, 0, "", "", NULL, 0);
    close(fd);
    return count == 0;
}

static bool record_base(rdb_arena *arena)
{
    rdb_list left = {0};
    rdb_list_push(arena, &left, rdb_arena_strdup(arena, ""));
    bool ok = true;
    while (ok && left.count > 0) {
        const char *directory = left.items[--left.count];
        DIR *stream = opendir(rdb_arena_printf(arena, "%s/%s", record.root, directory));
        if (stream == NULL)
            return false;
        struct dirent *entry;
        while (ok && (entry = readdir(stream)) != NULL) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            char *name = directory[0] == '\0' ? rdb_arena_strdup(arena, entry->d_name)
                                              : rdb_arena_printf(arena, "%s/%s", directory, entry->d_name);
            char *path = rdb_arena_printf(arena, "%s/%s", record.root, name);
            struct stat status;
            if (lstat(path, &status) != 0)
                ok = errno == ENOENT;
            else if (S_ISDIR(status.st_mode)) {
                record_entry(FAULT_MKDIR, (uint64_t)status.st_ino, 0, name, "", NULL, 0);
                rdb_list_push(arena, &left, name);
            } else if (S_ISREG(status.st_mode)) {
                ok = record_base_file(path, name);
            }
        }
        closedir(stream);
        record_entry(FAULT_SYNC_DIRECTORY, 0, 0, directory, "", NULL, 0);
    }
    record_entry(FAULT_BASE_END, 0, 0, "", "", NULL, 0);
    return ok;
}

bool rdb_fault_record_begin(const char *root, const char *log_path, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("fault record", NULL, NULL);
    rdb_fault_log *log = log_path == NULL ? calloc(1, sizeof *log) : NULL;
    int log_fd = -1;
    bool ok = arena != NULL && (log_path != NULL || log != NULL);
    if (!ok)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (ok && log_path != NULL) {
        log_fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (log_fd < 0 || write(log_fd, FAULT_LOG_MAGIC, 8) != 8)
            ok = rdb_error_set_errno(err, errno, "could not open file \"%s\"", log_path);
    }
    pthread_mutex_lock(&fault_mutex);
    if (ok && record.running)
        ok = rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "a fault record is already running");
    if (ok && realpath(root, record.root) == NULL)
        ok = rdb_error_set_errno(err, errno, "could not open directory \"%s\"", root);
    if (ok) {
        record.root_length = strlen(record.root);
        record.log = log;
        record.log_fd = log_fd;
        record.failure = 0;
        record.running = true;
        if (!record_base(arena)) {
            record.running = false;
            ok = rdb_error_set_errno(err, errno, "could not read directory \"%s\"", root);
        }
        update_armed();
    }
    pthread_mutex_unlock(&fault_mutex);
    rdb_arena_destroy(arena);
    if (!ok) {
        rdb_fault_log_destroy(log);
        if (log_fd >= 0)
            close(log_fd);
    }
    return ok;
}

void rdb_fault_record_note(uint64_t note)
{
    pthread_mutex_lock(&fault_mutex);
    if (record.running)
        record_entry(FAULT_NOTE, 0, note, "", "", NULL, 0);
    pthread_mutex_unlock(&fault_mutex);
}

bool rdb_fault_record_end(rdb_fault_log **log, rdb_error *err)
{
    pthread_mutex_lock(&fault_mutex);
    rdb_fault_log *ended = record.running ? record.log : NULL;
    int failure = record.failure;
    if (record.running && record.log == NULL)
        close(record.log_fd);
    record.running = false;
    record.log = NULL;
    update_armed();
    pthread_mutex_unlock(&fault_mutex);
    if (failure != 0) { /* a log with a hole would prove the wrong thing */
        rdb_fault_log_destroy(ended);
        ended = NULL;
        rdb_error_set_errno(err, failure, "could not record all file operations");
    }
    if (log != NULL)
        *log = ended;
    else
        rdb_fault_log_destroy(ended);
    return failure == 0;
}

bool rdb_fault_arm_from_environment(bool *armed, rdb_error *err)
{
    const char *rule_text = getenv("RDB_FAULT"), *log_path = getenv("RDB_FAULT_RECORD"), *root = getenv("RDB_FAULT_ROOT");
    *armed = false;
    if (rule_text != NULL && !rdb_fault_arm(rule_text, err))
        return false;
    if (log_path != NULL && !rdb_fault_record_begin(root != NULL ? root : ".", log_path, err))
        return false;
    *armed = rule_text != NULL || log_path != NULL;
    return true;
}

/* ---- the calls --------------------------------------------------------------------------------------------------- */

static void finish_call(const verdict *ruling)
{
    if (ruling->crash_after) {
        kill(getpid(), SIGKILL);
        pause();
    }
    int reason = errno;
    pthread_mutex_unlock(&fault_mutex);
    errno = reason;
}

/* True where the rules let the call go ahead; else errno is theirs. The mutex is held in both cases. */
static bool begin_call(call_kind call, const char *path, verdict *ruling)
{
    pthread_mutex_lock(&fault_mutex);
    *ruling = judge_call(call, path);
    errno = ruling->errno_value;
    return ruling->errno_value == 0;
}

int os_fault_open(const char *path, int flags, unsigned mode)
{
    verdict ruling;
    int fd = -1;
    if (begin_call((flags & O_CREAT) != 0 ? CALL_CREATE : CALL_OPEN, path, &ruling)) {
        bool existed = access(path, F_OK) == 0;
        fd = open(path, flags, mode);
        char name[PATH_MAX];
        if (fd >= 0 && name_below_root(path, name)) {
            if (!existed)
                record_entry(FAULT_CREATE, inode_of(fd), 0, name, "", NULL, 0);
            else if ((flags & O_TRUNC) != 0)
                record_entry(FAULT_TRUNCATE, inode_of(fd), 0, "", "", NULL, 0);
        }
    }
    finish_call(&ruling);
    return fd;
}

ssize_t os_fault_read(int fd, const char *path, void *buffer, size_t bytes, off_t offset)
{
    verdict ruling;
    bool go = begin_call(CALL_READ, path, &ruling);
    ssize_t count = -1;
    if (go)
        count = pread(fd, buffer, ruling.shorten && bytes > 1 ? bytes / 2 : bytes, offset);
    finish_call(&ruling);
    return count;
}

ssize_t os_fault_write(int fd, const char *path, const void *buffer, size_t bytes, off_t offset)
{
    verdict ruling;
    ssize_t count = -1;
    if (begin_call(CALL_WRITE, path, &ruling)) {
        count = pwrite(fd, buffer, ruling.shorten && bytes > 1 ? bytes / 2 : bytes, offset);
        if (count > 0 && is_below_root(path))
            record_entry(FAULT_WRITE, inode_of(fd), (uint64_t)offset, "", "", buffer, (size_t)count);
    }
    finish_call(&ruling);
    return count;
}

int os_fault_sync(int fd, const char *path)
{
    verdict ruling;
    int result = -1;
    if (begin_call(CALL_SYNC, path, &ruling)) {
        result = fdatasync(fd);
        if (result == 0 && is_below_root(path))
            record_entry(FAULT_SYNC, inode_of(fd), 0, "", "", NULL, 0);
    }
    finish_call(&ruling);
    return result;
}

int os_fault_truncate(int fd, const char *path, off_t bytes)
{
    verdict ruling;
    int result = -1;
    if (begin_call(CALL_TRUNCATE, path, &ruling)) {
        result = ftruncate(fd, bytes);
        if (result == 0 && is_below_root(path))
            record_entry(FAULT_TRUNCATE, inode_of(fd), (uint64_t)bytes, "", "", NULL, 0);
    }
    finish_call(&ruling);
    return result;
}

int os_fault_rename(const char *from, const char *to)
{
    verdict ruling;
    int result = -1;
    if (begin_call(CALL_RENAME, from, &ruling)) {
        char from_name[PATH_MAX], to_name[PATH_MAX];
        bool below = name_below_root(from, from_name) && name_below_root(to, to_name);
        result = rename(from, to);
        if (result == 0 && below)
            record_entry(FAULT_RENAME, 0, 0, from_name, to_name, NULL, 0);
    }
    finish_call(&ruling);
    return result;
}

int os_fault_remove(const char *path)
{
    verdict ruling;
    int result = -1;
    if (begin_call(CALL_REMOVE, path, &ruling)) {
        char name[PATH_MAX];
        bool below = name_below_root(path, name);
        result = remove(path);
        if (result == 0 && below)
            record_entry(FAULT_REMOVE, 0, 0, name, "", NULL, 0);
    }
    finish_call(&ruling);
    return result;
}

int os_fault_make_directory(const char *path, unsigned mode)
{
    verdict ruling;
    int result = -1;
    if (begin_call(CALL_MKDIR, path, &ruling)) {
        result = mkdir(path, mode);
        char name[PATH_MAX];
        struct stat status;
        if (result == 0 && name_below_root(path, name) && stat(path, &status) == 0)
            record_entry(FAULT_MKDIR, (uint64_t)status.st_ino, 0, name, "", NULL, 0);
    }
    finish_call(&ruling);
    return result;
}

int os_fault_sync_directory(int fd, const char *path)
{
    verdict ruling;
    int result = -1;
    if (begin_call(CALL_SYNCDIR, path, &ruling)) {
        result = fsync(fd);
        char resolved[PATH_MAX], name[PATH_MAX];
        if (result == 0 && realpath(path, resolved) != NULL && name_below_root(resolved, name))
            record_entry(FAULT_SYNC_DIRECTORY, 0, 0, name, "", NULL, 0);
    }
    finish_call(&ruling);
    return result;
}

int os_fault_list(const char *path)
{
    verdict ruling;
    int result = begin_call(CALL_LIST, path, &ruling) ? 0 : -1;
    finish_call(&ruling);
    return result;
}
