/* SPDX-License-Identifier: Apache-2.0
 * The log as it is written: lines gathered in memory, written, made durable, and then a head signed over them. Chain and position are
 * those of the last line added; a write that failed is done again at the same place of the file.
 *
 * Much is written in whole blocks past the kernel's cache, which would copy it, find a page for each 4 KiB and write all of them at the
 * sync. What is left of a block waits for more, for the seal at the latest, and that goes through the cache, as little does. */
#include "audit_int.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)4096) /* of writes past the cache, and what their memory is aligned to */
#define MUCH_BYTES ((size_t)64 << 10)
#define KEPT_BYTES ((size_t)1 << 20) /* of memory for lines */
#define PASS_BYTES (UINT64_C(16) << 20) /* of WAL without events: a head says that it is passed, so that it need not be kept */

struct rdb_audit_log {
    char directory[PATH_MAX - 64], mirror_path[PATH_MAX];
    uint64_t system_id, file_bytes_max;
    rdb_audit_key *key;
    rdb_file *file, *heads, *mirror;
    rdb_file *blocks;                 /* the same as file, for whole blocks; NULL: not open yet */
    uint64_t file_bytes, heads_bytes; /* written, and what of them counts */
    /* To be written behind them: pending_bytes from pending + lead_bytes on. Before it stand the bytes of the file's last block that are
     * written already, so that it can be written whole. */
    char *pending;
    size_t lead_bytes, pending_bytes, pending_capacity;
    rdb_strbuf head_line;             /* a head that was signed and not written yet */
    rdb_audit_chain chain;
    uint64_t lsn, part;               /* of record chain.size */
    rdb_audit_head head;              /* the last one */
};

static void path_of(const rdb_audit_log *log, char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", log->directory, name);
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */
/* What a line has beside its event's and its session's members: names, numbers, time, LSN and hash at their longest. Who asked for the
 * room puts them down without asking again. */
#define LINE_BYTES_MAX 512u

static inline char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}
#define PUT(at, text) put((at), (text), sizeof(text) - 1)

static inline char *put_bytes(char *at, const rdb_slice *bytes)
{
    return bytes->length > 0 ? put(at, (const char *)bytes->data, bytes->length) : at;
}

static char *put_number(char *at, uint64_t value)
{
    char digits[20];
    size_t from = sizeof digits;
    for (; value >= 10; value /= 10)
        digits[--from] = (char)('0' + value % 10);
    digits[--from] = (char)('0' + value);
    return put(at, digits + from, sizeof digits - from);
}

static char *put_hex(char *at, uint32_t value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (int shift = value != 0 ? (31 - __builtin_clz(value)) & ~3 : 0; shift >= 0; shift -= 4)
        *at++ = digits[value >> shift & 15];
    return at;
}

static const char *outcome_of(unsigned flags, uint64_t scn)
{
    return (flags & RDB_AUDIT_EVENT_FAILED) != 0   ? "failure"
           : (flags & RDB_AUDIT_EVENT_APART) != 0  ? "success"
           : (flags & RDB_AUDIT_EVENT_UNDONE) != 0 ? "rolled back"
           : (flags & RDB_AUDIT_EVENT_OPEN) != 0   ? "open"
           : scn != 0                              ? "committed"
                                                   : "success";
}

/* What a line says beside what is its own: the texts that its batch refers to are looked up. */
typedef struct line_parts {
    rdb_slice session, text, members;
} line_parts;

static bool look_up(const rdb_audit_source *source, uint64_t text_lsn, rdb_slice *text, rdb_error *err)
{
    if (text_lsn == 0)
        return true;
    if (source->text_of != NULL)
        return source->text_of(source->context, text_lsn, text, err);
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "an audit record refers to a text that nobody knows");
}

static bool find_parts(const rdb_audit_source *source, const rdb_audit_part *session, const rdb_audit_event *event, line_parts *parts, rdb_error *err)
{
    *parts = (line_parts){.session = session->members, .members = event->members};
    return look_up(source, session->text_lsn, &parts->session, err) && look_up(source, event->text_lsn, &parts->text, err);
}

static size_t line_bytes_max(const line_parts *parts)
{
    return parts->session.length + parts->text.length + parts->members.length + LINE_BYTES_MAX;
}

/* The room for it has been reserved. */
static void add_line(rdb_audit_log *log, const rdb_audit_source *source, const line_parts *parts, const rdb_audit_event *event, uint64_t part)
{
    char *const begin = log->pending + log->lead_bytes + log->pending_bytes, *at = begin;
    const char *outcome = outcome_of(event->flags, source->scn), *class = RDB_AUDIT_CLASSES[event->class];
    at = put_number(PUT(at, "{\"seq\":"), log->chain.size + 1);
    at = audit_put_time(PUT(at, ",\"time\":\""), event->wall_us);
    at = put(PUT(at, "\",\"class\":\""), class, strlen(class));
    at = put(PUT(at, "\",\"outcome\":\""), outcome, strlen(outcome));
    at = put_bytes(PUT(at, "\""), &parts->session);
    at = put_bytes(at, &parts->text);
    at = put_bytes(at, &parts->members);
    if (event->rows != RDB_AUDIT_NO_ROWS)
        at = put_number(PUT(at, ",\"rows\":"), event->rows);
    if (source->xid != 0)
        at = put_number(PUT(at, ",\"xid\":"), source->xid);
    if (source->scn != 0 && (event->flags & RDB_AUDIT_EVENT_APART) == 0)
        at = put_number(PUT(at, ",\"scn\":"), source->scn);
    at = put_hex(PUT(at, ",\"lsn\":\""), (uint32_t)(source->lsn >> 32));
    at = put_hex(PUT(at, "/"), (uint32_t)source->lsn);
    at = put_number(PUT(at, "\",\"part\":"), part);
    rdb_audit_chain_add(&log->chain, begin, (size_t)(at - begin));
    at = PUT(at, AUDIT_HASH_MARK);
    rdb_audit_hex(log->chain.hash, RDB_SHA256_BYTES, at); /* its zero byte is written over */
    at = PUT(at + 2 * RDB_SHA256_BYTES, "\"}\n");
    RDB_ASSERT((size_t)(at - begin) <= line_bytes_max(parts));
    log->pending_bytes += (size_t)(at - begin);
    log->lsn = source->lsn;
    log->part = part;
}

static bool begin_file(rdb_audit_log *log, rdb_error *err);

/* A change of files may have failed in the middle: before a line comes, for the first one's number stands in the new file's first line. */
static bool has_file(rdb_audit_log *log, rdb_error *err)
{
    return log->file != NULL || begin_file(log, err);
}

static bool reserve(rdb_audit_log *log, uint64_t more_bytes, rdb_error *err)
{
    const size_t used = log->lead_bytes + log->pending_bytes, needed = RDB_ALIGN_UP(used + more_bytes, BLOCK_BYTES);
    char *grown = NULL;
    if (needed <= log->pending_capacity)
        return true;
    const size_t capacity = RDB_MAX(needed, RDB_MIN(2 * log->pending_capacity, KEPT_BYTES));
    if (posix_memalign((void **)&grown, BLOCK_BYTES, capacity) != 0)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (used > 0)
        memcpy(grown, log->pending, used);
    free(log->pending);
    log->pending = grown;
    log->pending_capacity = capacity;
    return true;
}

bool rdb_audit_log_add(rdb_audit_log *log, const rdb_audit_source *source, rdb_error *err)
{
    rdb_audit_part session = {0};
    rdb_audit_event event;
    line_parts parts;
    uint32_t at = 0;
    uint64_t part = 0;
    bool bad = false;
    if (source->lsn < log->lsn)
        return true;
    if (!has_file(log, err))
        return false;
    /* All of the lines or none: room is asked for first. */
    uint64_t needed = 0;
    while (rdb_audit_batch_next(source->batch, source->length, &at, &session, &event, &bad)) {
        if (!find_parts(source, &session, &event, &parts, err))
            return false;
        needed += line_bytes_max(&parts);
    }
    if (bad) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "an audit record of the WAL is malformed");
        return rdb_error_detail(err, "The record at %X/%X.", (unsigned)(source->lsn >> 32), (unsigned)source->lsn);
    }
    if (!reserve(log, needed, err))
        return false;
    for (at = 0; rdb_audit_batch_next(source->batch, source->length, &at, &session, &event, &bad); part++)
        if (source->lsn > log->lsn || part > log->part) {
            if (!find_parts(source, &session, &event, &parts, err))
                return false;
            add_line(log, source, &parts, &event, part);
        }
    return true;
}

bool rdb_audit_log_note(rdb_audit_log *log, const uint8_t *batch, uint32_t length, rdb_error *err)
{
    rdb_audit_part session = {0};
    rdb_audit_event event;
    line_parts parts;
    uint32_t at = 0;
    bool bad = false;
    const rdb_audit_source source = {.lsn = log->lsn};
    if (!has_file(log, err))
        return false;
    while (rdb_audit_batch_next(batch, length, &at, &session, &event, &bad)) {
        if (!find_parts(&source, &session, &event, &parts, err) || !reserve(log, line_bytes_max(&parts), err))
            return false;
        add_line(log, &source, &parts, &event, log->part);
    }
    return true;
}

/* ---- writing --------------------------------------------------------------------------------------------------------------- */
/* So many of the pending bytes are in the file. */
static void pass_written(rdb_audit_log *log, size_t bytes)
{
    const size_t end = log->lead_bytes + bytes, block = end & ~(BLOCK_BYTES - 1);
    log->file_bytes += bytes;
    log->pending_bytes -= bytes;
    log->lead_bytes = end - block;
    if (block > 0)
        memmove(log->pending, log->pending + block, log->lead_bytes + log->pending_bytes);
    if (log->pending_capacity > KEPT_BYTES && log->lead_bytes + log->pending_bytes <= BLOCK_BYTES) { /* a burst is over */
        char *smaller = NULL;
        if (posix_memalign((void **)&smaller, BLOCK_BYTES, BLOCK_BYTES) == 0) {
            memcpy(smaller, log->pending, log->lead_bytes + log->pending_bytes);
            free(log->pending);
            log->pending = smaller;
            log->pending_capacity = BLOCK_BYTES;
        }
    }
}

static bool write_blocks(rdb_audit_log *log, rdb_error *err)
{
    const size_t bytes = (log->lead_bytes + log->pending_bytes) & ~(BLOCK_BYTES - 1);
    if (log->blocks == NULL && !rdb_file_open(&log->blocks, rdb_file_path(log->file), RDB_FILE_WRITE | RDB_FILE_DIRECT, err))
        return false;
    if (!rdb_file_write(log->blocks, log->file_bytes - log->lead_bytes, log->pending, bytes, err))
        return false;
    pass_written(log, bytes - log->lead_bytes);
    return true;
}

static bool is_much(const rdb_audit_log *log)
{
    return log->lead_bytes + log->pending_bytes >= MUCH_BYTES;
}

static bool write_all(rdb_audit_log *log, rdb_error *err)
{
    if (is_much(log) && !write_blocks(log, err))
        return false;
    if (log->pending_bytes == 0)
        return true;
    if (!rdb_file_write(log->file, log->file_bytes, log->pending + log->lead_bytes, log->pending_bytes, err))
        return false;
    pass_written(log, log->pending_bytes);
    return true;
}

bool rdb_audit_log_write(rdb_audit_log *log, rdb_error *err)
{
    return is_much(log) ? write_blocks(log, err) : write_all(log, err);
}

/* The file is open, and that many of its bytes count; what is pending comes behind them. */
static bool stand_behind(rdb_audit_log *log, uint64_t file_bytes, rdb_error *err)
{
    const size_t lead = file_bytes % BLOCK_BYTES;
    rdb_error ignored = {0};
    if (!rdb_file_close(&log->blocks, &ignored))
        rdb_error_clear(&ignored);
    RDB_ASSERT(log->pending_bytes == 0);
    log->lead_bytes = 0;
    if (!reserve(log, BLOCK_BYTES, err) || !rdb_file_read(log->file, file_bytes - lead, log->pending, lead, NULL, err))
        return false;
    log->lead_bytes = lead;
    log->file_bytes = file_bytes;
    return true;
}

/* What people and backups find the last head by; the next one mends what a crash leaves of it. */
static void write_mirror(rdb_audit_log *log)
{
    char text[AUDIT_HEAD_BYTES_MAX];
    rdb_error ignored = {0};
    memset(text, ' ', sizeof text);
    memcpy(text, log->head_line.data, log->head_line.length);
    text[sizeof text - 1] = '\n';
    if (!rdb_file_write(log->mirror, 0, text, sizeof text, &ignored))
        rdb_error_clear(&ignored);
}

static bool write_head(rdb_audit_log *log, const char *kind, uint64_t first, rdb_error *err)
{
    rdb_audit_head head = {.number = log->head.number + 1,
                           .first = first,
                           .size = log->chain.size,
                           .lsn = log->lsn,
                           .part = log->part,
                           .system_id = log->system_id,
                           .time_us = rdb_time_wall_us()};
    snprintf(head.kind, sizeof head.kind, "%s", kind);
    memcpy(head.chain, log->chain.hash, sizeof head.chain);
    memcpy(head.previous, log->head.previous, sizeof head.previous); /* kept as the hash of the last line */
    rdb_audit_chain_root(&log->chain, head.root);
    rdb_strbuf_clear(&log->head_line);
    if (!rdb_audit_head_print(&head, log->key, &log->head_line, err))
        return false;
    RDB_ASSERT(log->head_line.length < AUDIT_HEAD_BYTES_MAX);
    if (!rdb_file_write(log->heads, log->heads_bytes, log->head_line.data, log->head_line.length, err) || !rdb_file_sync(log->heads, err))
        return false;
    log->heads_bytes += log->head_line.length;
    log->head = head;
    rdb_sha256(log->head_line.data, log->head_line.length - 1, log->head.previous);
    write_mirror(log);
    return true;
}

static bool begin_file(rdb_audit_log *log, rdb_error *err)
{
    char path[PATH_MAX], header[AUDIT_HEADER_BYTES_MAX];
    path_of(log, path, AUDIT_LOG);
    rdb_audit_chain_restart(&log->chain, log->chain.size, log->chain.hash);
    audit_print_header(log->system_id, log->chain.first, log->chain.hash, header);
    if (rdb_file_open(&log->file, path, RDB_FILE_CREATE | RDB_FILE_TRUNCATE, err) && rdb_file_write(log->file, 0, header, strlen(header), err) &&
        rdb_file_sync(log->file, err) && rdb_path_sync_directory(log->directory, err) && stand_behind(log, strlen(header), err))
        return true;
    rdb_error ignored = {0};
    if (!rdb_file_close(&log->file, &ignored)) /* whoever comes next begins anew; there is no line yet */
        rdb_error_clear(&ignored);
    return false;
}

static bool rotate(rdb_audit_log *log, rdb_error *err)
{
    char path[PATH_MAX], full[PATH_MAX], name[64];
    snprintf(name, sizeof name, AUDIT_LOG ".%020llu", (unsigned long long)log->chain.first);
    path_of(log, path, AUDIT_LOG);
    path_of(log, full, name);
    return rdb_path_rename(path, full, err) && rdb_file_close(&log->file, err) && begin_file(log, err);
}

bool rdb_audit_log_seal(rdb_audit_log *log, rdb_error *err)
{
    if (!has_file(log, err) || !write_all(log, err))
        return false;
    if (log->head.number > 0 && log->head.size == log->chain.size && log->lsn - log->head.lsn < PASS_BYTES)
        return true;
    if (!rdb_file_sync(log->file, err) || !write_head(log, "head", log->chain.first, err))
        return false;
    return log->file_bytes < log->file_bytes_max || rotate(log, err);
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------- */

/* Follows a file's lines from its header on as far as they are true; *good_bytes: up to there. */
static bool follow(rdb_audit_log *log, const char *path, uint64_t *good_bytes, uint64_t *file_bytes, rdb_error *err)
{
    audit_lines lines;
    const char *line;
    size_t length;
    bool is_whole, found;
    uint64_t system_id, first, number, lsn;
    uint8_t hash[RDB_SHA256_BYTES];
    *good_bytes = *file_bytes = 0;
    if (!audit_lines_open(&lines, path, err))
        return false;
    *file_bytes = lines.file_bytes;
    bool ok = audit_lines_next(&lines, &line, &length, &is_whole, &found, err);
    if (ok && found && is_whole && audit_parse_header(line, length, &system_id, &first, hash) && system_id == log->system_id) {
        rdb_audit_chain_restart(&log->chain, first - 1, hash);
        *good_bytes = lines.offset;
        while ((ok = audit_lines_next(&lines, &line, &length, &is_whole, &found, err)) && found && is_whole && length > AUDIT_HASH_TAIL_BYTES) {
            rdb_audit_chain next = log->chain;
            const char *tail = line + length - AUDIT_HASH_TAIL_BYTES;
            if (memcmp(tail, AUDIT_HASH_MARK, sizeof AUDIT_HASH_MARK - 1) != 0 ||
                !rdb_audit_unhex(tail + sizeof AUDIT_HASH_MARK - 1, 2 * RDB_SHA256_BYTES, hash))
                break;
            rdb_audit_chain_add(&next, line, (size_t)(tail - line));
            if (memcmp(next.hash, hash, sizeof hash) != 0 || !audit_find_lsn(line, length, &lsn) || !audit_find_number(line, length, "part", &number))
                break;
            log->chain = next;
            log->lsn = lsn;
            log->part = number;
            *good_bytes = lines.offset;
        }
    }
    audit_lines_close(&lines);
    return ok;
}

static bool set_aside(const rdb_audit_log *log, const char *name, rdb_error *err)
{
    char path[PATH_MAX], aside[PATH_MAX];
    path_of(log, path, name);
    if (!rdb_path_exists(path))
        return true;
    snprintf(aside, sizeof aside, "%s/%s.%llu.damaged", log->directory, name, (unsigned long long)(rdb_time_wall_us() / 1000));
    return rdb_path_rename(path, aside, err) && rdb_path_sync_directory(log->directory, err);
}

/* The last head: of the file of heads, or a newer one in the mirror. */
static bool open_heads(rdb_audit_log *log, rdb_arena *arena, bool *is_damaged, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list heads;
    uint64_t good_bytes = 0, file_bytes = 0;
    rdb_slice mirror = {0};
    path_of(log, path, AUDIT_HEADS);
    if (!audit_heads_read(path, arena, &heads, &good_bytes, &file_bytes, err))
        return false;
    const audit_head_line *last = heads.count > 0 ? heads.items[heads.count - 1] : NULL;
    if (last != NULL) {
        log->head = last->head;
        rdb_sha256(last->text, last->length, log->head.previous);
    }
    rdb_slice content = {0};
    if (file_bytes > good_bytes) { /* a torn last line, of which any part may have come to the disk, or damage before others */
        if (!rdb_path_read(path, arena, &content, SIZE_MAX / 2, err))
            return false;
        const uint8_t *line_end = memchr(content.data + good_bytes, '\n', content.length - good_bytes);
        if (line_end != NULL && line_end + 1 < content.data + content.length) {
            *is_damaged = true;
            if (!set_aside(log, AUDIT_HEADS, err) || !rdb_path_write_atomic(path, content.data, good_bytes, 0600, err))
                return false;
        }
    }
    if (!rdb_file_open(&log->heads, path, RDB_FILE_CREATE, err) || !rdb_file_truncate(log->heads, good_bytes, err))
        return false;
    log->heads_bytes = good_bytes;
    if (rdb_path_exists(log->mirror_path)) {
        rdb_audit_head head;
        if (!rdb_path_read(log->mirror_path, arena, &mirror, AUDIT_HEAD_BYTES_MAX, err))
            return false;
        const char *end = memchr(mirror.data, '\n', mirror.length);
        size_t length = end != NULL ? (size_t)(end - (const char *)mirror.data) : 0;
        if (length > 0 && rdb_audit_head_parse((const char *)mirror.data, length, &head) && head.number > log->head.number && head.system_id == log->system_id &&
            rdb_audit_head_is_signed(&head, (const char *)mirror.data, log->key)) {
            *is_damaged = true; /* heads were lost */
            log->head = head;
            rdb_sha256(mirror.data, length, log->head.previous);
        }
    }
    return rdb_file_open(&log->mirror, log->mirror_path, RDB_FILE_CREATE, err);
}

static bool open_log(rdb_audit_log *log, uint64_t start_lsn, rdb_arena *arena, bool *is_damaged, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names;
    uint64_t good_bytes = 0, file_bytes = 0;
    if (!open_heads(log, arena, is_damaged, err) || !rdb_audit_files(log->directory, arena, &names, err))
        return false;
    const char *newest = names.count > 0 ? names.items[names.count - 1] : NULL;
    bool has_current = newest != NULL && strcmp(newest, AUDIT_LOG) == 0, holds_head = log->head.number == 0;
    rdb_audit_chain_genesis(&log->chain, log->system_id);
    if (newest != NULL) {
        path_of(log, path, newest);
        if (!follow(log, path, &good_bytes, &file_bytes, err))
            return false;
        holds_head = log->chain.size >= log->head.size && good_bytes > 0;
        if (log->chain.size == log->head.size) { /* of the file before, or of a log without records */
            log->lsn = log->head.lsn;
            log->part = log->head.part;
        }
    }
    if (holds_head && has_current) {
        if (!rdb_file_open(&log->file, path, RDB_FILE_WRITE, err) || (file_bytes > good_bytes && !rdb_file_truncate(log->file, good_bytes, err)))
            return false;
        return stand_behind(log, good_bytes, err);
    }
    if (holds_head && log->head.number > 0) { /* it was about to begin a new file */
        if (log->chain.size > log->head.size)
            *is_damaged = true;
        return begin_file(log, err);
    }
    if (log->head.number == 0 && newest == NULL) {
        log->lsn = start_lsn > 0 ? start_lsn - 1 : 0;
        return begin_file(log, err) && write_head(log, "head", log->chain.first, err);
    }
    /* What the last head was signed over is not there. */
    *is_damaged = true;
    if (has_current && !set_aside(log, AUDIT_LOG, err))
        return false;
    if (log->head.number == 0)
        rdb_audit_chain_genesis(&log->chain, log->system_id);
    else
        rdb_audit_chain_restart(&log->chain, log->head.size, log->head.chain);
    log->lsn = log->head.number == 0 && start_lsn > 0 ? start_lsn - 1 : log->head.lsn;
    log->part = log->head.part;
    return begin_file(log, err) && write_head(log, "continue", log->chain.first, err);
}

bool rdb_audit_log_open(rdb_audit_log **opened, const rdb_audit_log_config *config, bool *is_damaged, rdb_error *err)
{
    char key_path[PATH_MAX];
    *opened = NULL;
    *is_damaged = false;
    rdb_audit_log *log = calloc(1, sizeof *log);
    rdb_arena *arena = rdb_arena_create("audit log", NULL, NULL);
    if (log == NULL || arena == NULL) {
        free(log);
        rdb_arena_destroy(arena);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    log->system_id = config->system_id;
    log->file_bytes_max = config->file_bytes_max;
    rdb_strbuf_init(&log->head_line, NULL);
    bool fits = (size_t)snprintf(log->directory, sizeof log->directory, "%s", config->directory) < sizeof log->directory &&
                (size_t)snprintf(log->mirror_path, sizeof log->mirror_path, "%s/data/meta/" AUDIT_HEADS, config->home) < sizeof log->mirror_path &&
                (size_t)snprintf(key_path, sizeof key_path, "%s/" RDB_AUDIT_KEY_FILE, config->home) < sizeof key_path;
    bool ok = (fits || rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the path of the audit log is too long")) && rdb_audit_key_make(config->home, err) &&
              rdb_audit_key_open(&log->key, key_path, true, err) && rdb_path_make_directory(log->directory, 0700, true, err) &&
              open_log(log, config->start_lsn, arena, is_damaged, err);
    rdb_arena_destroy(arena);
    if (ok)
        *opened = log;
    else
        rdb_audit_log_close(&log);
    return ok;
}

bool rdb_audit_log_prune(rdb_audit_log *log, uint64_t first, rdb_error *err)
{
    rdb_list names;
    rdb_strbuf batch;
    char path[PATH_MAX], members[128];
    rdb_arena *arena = rdb_arena_create("audit prune", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&batch, NULL);
    int length = snprintf(members, sizeof members, ",\"action\":\"PRUNE\",\"detail\":{\"before_record\":\"%llu\"}", (unsigned long long)first);
    rdb_audit_batch_begin(&batch, "", 0);
    rdb_audit_batch_add(&batch, &(rdb_audit_event){.class = RDB_AUDIT_TOOL, .wall_us = rdb_time_wall_us(), .rows = RDB_AUDIT_NO_ROWS, .members = {(const uint8_t *)members, (size_t)length}});
    /* Told and signed before it is done: files that are there and need not be do no harm. */
    ok = ok && rdb_strbuf_check(&batch, err) && rdb_audit_log_note(log, (const uint8_t *)batch.data, (uint32_t)batch.length, err) && rdb_audit_log_seal(log, err) &&
         write_head(log, "prune", first, err) && rdb_audit_files(log->directory, arena, &names, err);
    for (uint32_t i = 0; ok && i < names.count; i++) {
        const char *name = names.items[i];
        if (strcmp(name, AUDIT_LOG) == 0 || strtoull(name + sizeof AUDIT_LOG, NULL, 10) >= first)
            continue;
        path_of(log, path, name);
        ok = rdb_path_remove(path, true, err);
    }
    ok = ok && rdb_path_sync_directory(log->directory, err);
    rdb_strbuf_free(&batch);
    rdb_arena_destroy(arena);
    return ok;
}

void rdb_audit_log_close(rdb_audit_log **log_at)
{
    rdb_audit_log *log = *log_at;
    rdb_error ignored = {0};
    *log_at = NULL;
    if (log == NULL)
        return;
    if (!rdb_file_close(&log->file, &ignored))
        rdb_error_clear(&ignored);
    if (!rdb_file_close(&log->blocks, &ignored))
        rdb_error_clear(&ignored);
    if (!rdb_file_close(&log->heads, &ignored))
        rdb_error_clear(&ignored);
    if (!rdb_file_close(&log->mirror, &ignored))
        rdb_error_clear(&ignored);
    rdb_audit_key_close(&log->key);
    free(log->pending);
    rdb_strbuf_free(&log->head_line);
    free(log);
}

void rdb_audit_log_position(const rdb_audit_log *log, uint64_t *lsn, uint64_t *part)
{
    *lsn = log->lsn;
    *part = log->part;
}

void rdb_audit_log_pass(rdb_audit_log *log, uint64_t lsn)
{
    if (lsn > log->lsn + 1) {
        log->lsn = lsn - 1;
        log->part = 0;
    }
}

void rdb_audit_log_rebase(rdb_audit_log *log, uint64_t lsn)
{
    log->lsn = lsn - 1;
    log->part = 0;
}

uint64_t rdb_audit_log_size(const rdb_audit_log *log)
{
    return log->chain.size;
}

uint64_t rdb_audit_log_pending_bytes(const rdb_audit_log *log)
{
    return log->pending_bytes;
}

uint64_t rdb_audit_log_durable_lsn(const rdb_audit_log *log)
{
    return log->head.lsn;
}
