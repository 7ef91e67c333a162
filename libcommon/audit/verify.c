/* SPDX-License-Identifier: Apache-2.0
 * Checking a log with nothing but its files and the public key. What it knows of the format stands here, in chain.c and lines.c.
 *
 * Heads first: each names the hash of the line before it, so one signature at the end answers for all; only where the chain is broken are
 * signatures checked one by one. Then the lines: each must have the next number and the hash that follows from the one before, and where
 * a head says how the log looked at that size, it must look so. A log that is shorter than a head is cut. */
#include "audit_int.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct verification {
    const rdb_audit_verify_options *options;
    rdb_audit_verified *verified;
    rdb_audit_key *key;
    rdb_arena *arena;
    rdb_list heads;   /* audit_head_line *, those that count, by size */
    uint32_t next_head;
    rdb_audit_chain chain;
    uint64_t system_id;
    bool has_begun;
} verification;

static void find(verification *v, const rdb_audit_finding *finding)
{
    v->verified->findings++;
    if (v->options->complain != NULL)
        v->options->complain(v->options->context, finding);
}

/* ---- heads -------------------------------------------------------------------------------------------------------------- */
static int by_size(const void *left, const void *right)
{
    const rdb_audit_head *a = &(*(audit_head_line *const *)left)->head, *b = &(*(audit_head_line *const *)right)->head;
    return a->size != b->size ? (a->size < b->size ? -1 : 1) : a->number != b->number ? (a->number < b->number ? -1 : 1) : 0;
}

static void bad_head(verification *v, const char *file, uint64_t line, uint64_t number, const char *problem)
{
    rdb_audit_finding finding = {.head = number, .file = file, .line = line};
    snprintf(finding.problem, sizeof finding.problem, "%s", problem);
    find(v, &finding);
}

static bool read_heads(verification *v, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list heads;
    uint64_t good_bytes, file_bytes;
    uint8_t previous[RDB_SHA256_BYTES] = {0};
    snprintf(path, sizeof path, "%s/" AUDIT_HEADS, v->options->directory);
    if (!audit_heads_read(path, v->arena, &heads, &good_bytes, &file_bytes, err))
        return false;
    bool is_broken = false;
    for (uint32_t i = 0; i < heads.count; i++) {
        const audit_head_line *line = heads.items[i];
        const bool follows = memcmp(line->head.previous, previous, sizeof previous) == 0 && (i == 0 || line->head.number == ((audit_head_line *)heads.items[i - 1])->head.number + 1);
        /* An unbroken run needs the signature of its last one; the first of a file that was pruned follows nothing here. */
        const bool is_first_kept = i == 0 && line->head.number > 1;
        if (!follows && !is_first_kept)
            bad_head(v, AUDIT_HEADS, i + 1, line->head.number, "This head does not follow from the one before it: heads were changed, removed or put in another order");
        is_broken = is_broken || (!follows && !is_first_kept);
        rdb_sha256(line->text, line->length, previous);
    }
    if (file_bytes > good_bytes)
        bad_head(v, AUDIT_HEADS, heads.count + 1, 0, "This line is no whole head");
    for (uint32_t i = heads.count; i-- > 0;) {
        audit_head_line *line = heads.items[i];
        if ((is_broken || i + 1 == heads.count || file_bytes > good_bytes) && !rdb_audit_head_is_signed(&line->head, line->text, v->key)) {
            bad_head(v, AUDIT_HEADS, i + 1, line->head.number, "The signature of this head is not the key's");
            continue;
        }
        rdb_list_push(v->arena, &v->heads, line);
        if (v->verified->last_head == 0) {
            v->verified->last_head = line->head.number;
            v->verified->last_head_us = line->head.time_us;
        }
    }
    v->verified->heads = heads.count;
    return rdb_arena_check(v->arena, err);
}

/* Heads that were kept elsewhere: each is signed by itself, and the log must hold what each was signed over. */
/* The head in a backup's manifest; a file of heads stays what it is. */
static void unwrap_manifest(verification *v, rdb_slice *content)
{
    json_t *manifest = content->length > 0 && content->data[0] == '{' && memmem(content->data, content->length, "\"audit_head\":", 13) != NULL
                           ? json_loadb((const char *)content->data, content->length, 0, NULL) : NULL;
    const char *head = json_string_value(json_object_get(manifest, "audit_head"));
    if (head != NULL)
        *content = (rdb_slice){(const uint8_t *)rdb_arena_strdup(v->arena, head), strlen(head)};
    json_decref(manifest);
}

static bool read_witness(verification *v, const char *path, rdb_error *err)
{
    rdb_slice content = {0};
    if (!rdb_path_read(path, v->arena, &content, SIZE_MAX / 2, err))
        return false;
    unwrap_manifest(v, &content);
    const char *end = (const char *)content.data + content.length, *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    uint64_t line_no = 0;
    for (const char *line = (const char *)content.data; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line)), *stop = newline != NULL ? newline : end;
        while (stop > line && (stop[-1] == ' ' || stop[-1] == '\r'))
            stop--;
        audit_head_line *made = RDB_NEW(v->arena, audit_head_line);
        line_no++;
        made->text = line;
        made->length = (size_t)(stop - line);
        if (made->length > 0 && (!rdb_audit_head_parse(line, made->length, &made->head) || !rdb_audit_head_is_signed(&made->head, line, v->key)))
            bad_head(v, name, line_no, made->head.number, "This line is no head that the key signed");
        else if (made->length > 0)
            rdb_list_push(v->arena, &v->heads, made);
        line = newline != NULL ? newline + 1 : end;
    }
    return rdb_arena_check(v->arena, err);
}

/* Among the heads, one of that kind with that first record. */
static bool is_declared(const verification *v, const char *kind, uint64_t first)
{
    for (uint32_t i = 0; i < v->heads.count; i++) {
        const rdb_audit_head *head = &((const audit_head_line *)v->heads.items[i])->head;
        if (head->first == first && strcmp(head->kind, kind) == 0)
            return true;
    }
    return false;
}

static const rdb_audit_head *head_of_size(const verification *v, uint64_t size)
{
    for (uint32_t i = 0; i < v->heads.count; i++) {
        const rdb_audit_head *head = &((const audit_head_line *)v->heads.items[i])->head;
        if (head->size == size && strcmp(head->kind, "prune") != 0)
            return head;
    }
    return NULL;
}

/* ---- lines -------------------------------------------------------------------------------------------------------------- */

/* The heads that say how the log looks at this size. False: one of them does not fit. */
static bool meet_heads(verification *v, const char *file, uint64_t line_no)
{
    uint64_t last_good = v->chain.first > 0 ? v->chain.first - 1 : 0;
    for (; v->next_head < v->heads.count; v->next_head++) {
        const rdb_audit_head *head = &((const audit_head_line *)v->heads.items[v->next_head])->head;
        uint8_t root[RDB_SHA256_BYTES];
        if (head->size > v->chain.size)
            return true;
        if (strcmp(head->kind, "prune") == 0)
            continue;
        if (head->size < v->chain.size) /* of a part of the log that is not there (any more) */
            continue;
        bool fits = memcmp(head->chain, v->chain.hash, RDB_SHA256_BYTES) == 0;
        if (fits && head->first == v->chain.first) {
            rdb_audit_chain_root(&v->chain, root);
            fits = memcmp(head->root, root, RDB_SHA256_BYTES) == 0;
        }
        if (fits) {
            v->verified->signed_size = head->size;
            continue;
        }
        last_good = RDB_MAX(last_good, v->verified->signed_size);
        rdb_audit_finding finding = {.record = last_good + 1, .last = head->size, .head = head->number, .file = file, .line = line_no};
        snprintf(finding.problem, sizeof finding.problem, "The log is not the one that head %llu was signed over: it was written anew from a record between %llu and %llu on",
                 (unsigned long long)head->number, (unsigned long long)finding.record, (unsigned long long)head->size);
        find(v, &finding);
        return false;
    }
    return true;
}

/* False: the file's first bad record was found, or it does not continue the one before. */
static bool begin_file(verification *v, const char *file, const char *line, size_t length, bool is_whole)
{
    uint64_t system_id, first;
    uint8_t chain[RDB_SHA256_BYTES];
    rdb_audit_finding finding = {.record = v->chain.size + 1, .file = file, .line = 1};
    if (!is_whole || !audit_parse_header(line, length, &system_id, &first, chain)) {
        snprintf(finding.problem, sizeof finding.problem, "The first line of the file is not what the server wrote");
        find(v, &finding);
        return false;
    }
    rdb_audit_chain expected = v->chain;
    if (!v->has_begun) {
        v->system_id = system_id;
        rdb_audit_chain_genesis(&expected, system_id);
        if (first > 1) {
            const rdb_audit_head *before = head_of_size(v, first - 1);
            const bool is_pruned = is_declared(v, "prune", first), continues = is_declared(v, "continue", first);
            finding.record = 1;
            finding.last = first - 1;
            if (before == NULL || (!is_pruned && !continues)) {
                snprintf(finding.problem, sizeof finding.problem, "Records 1 to %llu are missing, and no signed head says that they were pruned", (unsigned long long)(first - 1));
                find(v, &finding);
            }
            finding.record = first;
            finding.last = 0;
            rdb_audit_chain_restart(&expected, first - 1, before != NULL ? before->chain : chain);
        }
        v->verified->first = first;
    } else if (first > v->chain.size + 1) {
        finding.last = first - 1;
        snprintf(finding.problem, sizeof finding.problem, "Records %llu to %llu are missing%s", (unsigned long long)finding.record, (unsigned long long)finding.last,
                 is_declared(v, "continue", first) ? ": the server found them lost and went on behind them" : "");
        find(v, &finding);
        const rdb_audit_head *before = head_of_size(v, first - 1);
        if (before == NULL)
            return false;
        rdb_audit_chain_restart(&expected, first - 1, before->chain);
    }
    if (system_id != v->system_id || first != expected.size + 1 || memcmp(chain, expected.hash, sizeof chain) != 0) {
        snprintf(finding.problem, sizeof finding.problem, "The first line of the file does not continue the record before it");
        find(v, &finding);
        return false;
    }
    v->has_begun = true;
    rdb_audit_chain_restart(&v->chain, first - 1, expected.hash);
    return true;
}

static void bad_line(verification *v, const char *file, uint64_t line_no, const char *line, size_t length, bool is_last)
{
    rdb_audit_finding finding = {.record = v->chain.size + 1, .file = file, .line = line_no};
    uint64_t number = 0;
    bool has_number = length > 7 && memcmp(line, "{\"seq\":", 7) == 0 && audit_find_number(line, length, "seq", &number);
    if (is_last && (length == 0 || line[length - 1] != '}'))
        snprintf(finding.problem, sizeof finding.problem, "The line of record %llu is cut off", (unsigned long long)finding.record);
    else if (has_number && number != finding.record)
        snprintf(finding.problem, sizeof finding.problem, "Record %llu stands where record %llu belongs: records were removed, added or put in another order", (unsigned long long)number,
                 (unsigned long long)finding.record);
    else
        snprintf(finding.problem, sizeof finding.problem, "Record %llu was changed: its hash does not follow from its text and the record before it", (unsigned long long)finding.record);
    find(v, &finding);
}

/* *goes_on false: the first bad record was found. */
static bool check_file(verification *v, const char *file, bool *goes_on, rdb_error *err)
{
    char path[PATH_MAX];
    audit_lines lines;
    const char *line;
    size_t length;
    bool is_whole, found = false, ok;
    uint64_t line_no = 1;
    *goes_on = false;
    snprintf(path, sizeof path, "%s/%s", v->options->directory, file);
    if (!audit_lines_open(&lines, path, err))
        return false;
    if (!(ok = audit_lines_next(&lines, &line, &length, &is_whole, &found, err)))
        goto out;
    if (!found) {
        length = 0;
        line = "";
    }
    *goes_on = begin_file(v, file, line, length, is_whole) && meet_heads(v, file, line_no);
    while (ok && *goes_on && (ok = audit_lines_next(&lines, &line, &length, &is_whole, &found, err)) && found) {
        char number[32];
        uint8_t hash[RDB_SHA256_BYTES];
        line_no++;
        int number_bytes = snprintf(number, sizeof number, "{\"seq\":%llu,", (unsigned long long)(v->chain.size + 1));
        const char *tail = length > AUDIT_HASH_TAIL_BYTES + (size_t)number_bytes ? line + length - AUDIT_HASH_TAIL_BYTES : NULL;
        bool good = is_whole && tail != NULL && memcmp(line, number, (size_t)number_bytes) == 0 && memcmp(tail, AUDIT_HASH_MARK, sizeof AUDIT_HASH_MARK - 1) == 0 &&
                    memcmp(line + length - 2, "\"}", 2) == 0 && rdb_audit_unhex(tail + sizeof AUDIT_HASH_MARK - 1, 2 * RDB_SHA256_BYTES, hash);
        if (good) {
            rdb_audit_chain *chain = &v->chain;
            uint8_t before[RDB_SHA256_BYTES];
            memcpy(before, chain->hash, sizeof before);
            rdb_audit_chain_add(chain, line, (size_t)(tail - line));
            good = memcmp(chain->hash, hash, sizeof hash) == 0;
            if (!good)
                chain->size--; /* the record that is named */
        }
        if (!good) {
            bad_line(v, file, line_no, line, length, !is_whole);
            *goes_on = false;
            break;
        }
        *goes_on = meet_heads(v, file, line_no);
    }
    v->verified->bytes += lines.offset;
out:
    audit_lines_close(&lines);
    return ok;
}

/* Heads that nothing in the log reached. */
static void check_end(verification *v)
{
    for (uint32_t i = v->heads.count; i-- > 0;) {
        const rdb_audit_head *head = &((const audit_head_line *)v->heads.items[i])->head;
        if (head->size <= v->chain.size || strcmp(head->kind, "prune") == 0)
            continue;
        rdb_audit_finding finding = {.record = v->chain.size + 1, .last = head->size, .head = head->number, .file = AUDIT_LOG};
        snprintf(finding.problem, sizeof finding.problem, "Records %llu to %llu are missing: head %llu was signed over them", (unsigned long long)finding.record,
                 (unsigned long long)head->size, (unsigned long long)head->number);
        find(v, &finding);
        return;
    }
}

bool rdb_audit_verify(const rdb_audit_verify_options *options, rdb_audit_verified *verified, rdb_error *err)
{
    rdb_list names;
    *verified = (rdb_audit_verified){0};
    verification v = {.options = options, .verified = verified, .arena = rdb_arena_create("audit verify", NULL, NULL)};
    bool ok = v.arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory"), goes_on = true;
    ok = ok && rdb_audit_key_open(&v.key, options->public_key_path, false, err) && rdb_audit_files(options->directory, v.arena, &names, err) && read_heads(&v, err);
    for (uint32_t i = 0; ok && i < options->witness_count; i++)
        ok = read_witness(&v, options->witness_paths[i], err);
    if (ok && v.heads.count > 1)
        qsort(v.heads.items, v.heads.count, sizeof *v.heads.items, by_size);
    if (ok && names.count == 0 && v.heads.count == 0) {
        rdb_error_set(err, RDB_UNDEFINED_FILE, "there is no audit log");
        ok = rdb_error_detail(err, "Directory \"%s\" has neither audit.log nor audit.heads.", options->directory);
    }
    for (uint32_t i = 0; ok && goes_on && i < names.count; i++) {
        ok = check_file(&v, names.items[i], &goes_on, err);
        verified->files++;
    }
    if (ok && goes_on)
        check_end(&v);
    verified->size = v.chain.size;
    rdb_audit_key_close(&v.key);
    rdb_arena_destroy(v.arena);
    return ok;
}
