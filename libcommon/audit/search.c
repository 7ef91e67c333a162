/* SPDX-License-Identifier: Apache-2.0
 * A record is looked at as text first: most are passed over without being parsed. */
#include "audit/rdb_audit_search.h"
#include "audit_int.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

/* ---- times --------------------------------------------------------------------------------------------------------------- */
static bool read_date(const char *text, int64_t *wall_us)
{
    struct tm parts = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%d", &parts);
    uint32_t fraction = 0, scale = 1000000;
    if (rest == NULL)
        return false;
    if (*rest == 'T' || *rest == ' ') {
        const char *clock = strptime(rest + 1, "%H:%M:%S", &parts);
        if (clock == NULL)
            clock = strptime(rest + 1, "%H:%M", &parts);
        if (clock == NULL)
            return false;
        rest = clock;
    }
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9' && scale > 1; rest++)
            fraction += (uint32_t)(*rest - '0') * (scale /= 10);
    const bool is_utc = *rest == 'Z' || *rest == 'z';
    if (rest[is_utc] != '\0')
        return false;
    *wall_us = (int64_t)(is_utc ? timegm(&parts) : mktime(&parts)) * 1000000 + fraction + RDB_UNIX_EPOCH_US;
    return true;
}

bool rdb_audit_parse_time(const char *text, int64_t now_us, int64_t *wall_us)
{
    char *end;
    const time_t now = (time_t)((now_us - RDB_UNIX_EPOCH_US) / 1000000);
    struct tm day;
    localtime_r(&now, &day);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    day.tm_isdst = -1;
    bool is_day = true;
    if (strcmp(text, "today") == 0)
        ;
    else if (strcmp(text, "yesterday") == 0)
        day.tm_mday--;
    else if (strcmp(text, "this-week") == 0)
        day.tm_mday -= (day.tm_wday + 6) % 7;
    else if (strcmp(text, "this-month") == 0)
        day.tm_mday = 1;
    else
        is_day = false;
    if (is_day) {
        *wall_us = (int64_t)mktime(&day) * 1000000 + RDB_UNIX_EPOCH_US;
        return true;
    }
    if (strcmp(text, "now") == 0 || strcmp(text, "recent") == 0) {
        *wall_us = now_us - (text[0] == 'r' ? INT64_C(600000000) : 0);
        return true;
    }
    unsigned long long number = strtoull(text, &end, 10);
    const char *const units = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 86400};
    if (end != text && *end != '\0' && end[1] == '\0' && strchr(units, *end) != NULL && number < 1000000) {
        *wall_us = now_us - (int64_t)number * seconds[strchr(units, *end) - units] * 1000000;
        return true;
    }
    return read_date(text, wall_us);
}

/* ---- conditions ------------------------------------------------------------------------------------------------------------ */
static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool audit_match(const audit_pattern *kind, const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;
    while (*text != '\0') {
        if (*pattern == kind->any) {
            star = pattern++;
            from = text;
        } else if (*pattern != '\0' && (*pattern == kind->one || *pattern == *text || (kind->folds && lower(*pattern) == lower(*text)))) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == kind->any)
        pattern++;
    return *pattern == '\0';
}

bool rdb_audit_like(const char *pattern, const char *text)
{
    return audit_match(&(audit_pattern){.any = '*', .one = '?', .folds = true}, pattern, text);
}

const char *rdb_audit_field(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    return text != NULL ? text : "";
}

void rdb_audit_object_names(const json_t *record, rdb_strbuf *text)
{
    const json_t *object;
    size_t i;
    json_array_foreach(json_object_get(record, "objects"), i, object) {
        rdb_strbuf_adds(text, i > 0 ? ", " : "");
        rdb_strbuf_adds(text, rdb_audit_field(object, "name"));
    }
}

/* The name as it is qualified, or its last part. */
static bool names_object(const json_t *record, const char *pattern)
{
    const json_t *object;
    size_t i;
    json_array_foreach(json_object_get(record, "objects"), i, object) {
        const char *name = rdb_audit_field(object, "name"), *last = strrchr(name, '.');
        if (rdb_audit_like(pattern, name) || (last != NULL && rdb_audit_like(pattern, last + 1)))
            return true;
    }
    const json_t *detail = json_object_get(record, "detail");
    return detail != NULL && (rdb_audit_like(pattern, rdb_audit_field(detail, "old_name")) || rdb_audit_like(pattern, rdb_audit_field(detail, "new_name")));
}

static bool names_column(const json_t *record, const char *pattern)
{
    const json_t *object, *column;
    size_t i, k;
    json_array_foreach(json_object_get(record, "objects"), i, object)
        json_array_foreach(json_object_get(object, "columns"), k, column)
            if (rdb_audit_like(pattern, json_string_value(column)))
                return true;
    return false;
}

static bool is_outcome(const char *wanted, const char *outcome)
{
    return strcmp(wanted, outcome) == 0 || (strcmp(wanted, "success") == 0 && strcmp(outcome, "committed") == 0);
}

static bool passes(const rdb_audit_filter *f, const json_t *record)
{
    if (f->classes != 0) {
        const char *class = rdb_audit_field(record, "class");
        bool any = false;
        for (int i = 1; i < RDB_AUDIT_CLASS_COUNT; i++)
            any = any || ((f->classes & RDB_AUDIT_BIT(i)) != 0 && strcmp(class, RDB_AUDIT_CLASSES[i]) == 0);
        if (!any)
            return false;
    }
    return (f->role == NULL || rdb_audit_like(f->role, rdb_audit_field(record, "login")) || rdb_audit_like(f->role, rdb_audit_field(record, "role"))) &&
           (f->database == NULL || rdb_audit_like(f->database, rdb_audit_field(record, "database"))) &&
           (f->client == NULL || strncmp(rdb_audit_field(record, "client"), f->client, strlen(f->client)) == 0 || rdb_audit_like(f->client, rdb_audit_field(record, "client"))) &&
           (f->application == NULL || rdb_audit_like(f->application, rdb_audit_field(record, "application"))) &&
           (f->session == NULL || strcmp(f->session, rdb_audit_field(record, "session")) == 0) &&
           (f->action == NULL || strncasecmp(f->action, rdb_audit_field(record, "action"), strlen(f->action)) == 0) &&
           (f->outcome == NULL || is_outcome(f->outcome, rdb_audit_field(record, "outcome"))) &&
           (f->code == NULL || strncmp(f->code, rdb_audit_field(record, "code"), strlen(f->code)) == 0) &&
           (f->text == NULL || strcasestr(rdb_audit_field(record, "statement"), f->text) != NULL || strcasestr(rdb_audit_field(record, "error"), f->text) != NULL) &&
           (f->object == NULL || names_object(record, f->object)) && (f->column == NULL || names_column(record, f->column));
}

bool rdb_audit_matches(const rdb_audit_filter *filter, const char *line, size_t length, json_t **record)
{
    uint64_t number = 0;
    const char *when;
    size_t when_bytes;
    char bound[40];
    *record = NULL;
    if (length < 8 || memcmp(line, "{\"seq\":", 7) != 0 || !audit_find_number(line, length, "seq", &number))
        return false;
    if (number < filter->first || (filter->last != 0 && number > filter->last))
        return false;
    if (filter->since_us != 0 || filter->until_us != 0) { /* their texts order as times do */
        if (!audit_find_text(line, RDB_MIN(length, (size_t)128), "time", &when, &when_bytes) || when_bytes >= sizeof bound)
            return false;
        audit_format_time(filter->since_us, bound);
        if (filter->since_us != 0 && memcmp(when, bound, when_bytes) < 0)
            return false;
        audit_format_time(filter->until_us, bound);
        if (filter->until_us != 0 && memcmp(when, bound, when_bytes) >= 0)
            return false;
    }
    json_t *json = json_loadb(line, length, 0, NULL);
    if (json != NULL && passes(filter, json)) {
        *record = json;
        return true;
    }
    json_decref(json);
    return false;
}

static bool search_file(const char *path, const rdb_audit_filter *filter, rdb_audit_visit visit, void *context, rdb_error *err)
{
    audit_lines lines;
    const char *line;
    size_t length;
    bool is_whole, found = true;
    if (!audit_lines_open(&lines, path, err))
        return false;
    bool ok = true;
    while (ok && (ok = audit_lines_next(&lines, &line, &length, &is_whole, &found, err)) && found) {
        json_t *record;
        if (is_whole && rdb_audit_matches(filter, line, length, &record)) {
            ok = visit(context, line, length, record, err);
            json_decref(record);
        }
    }
    audit_lines_close(&lines);
    return ok;
}

bool rdb_audit_search(const char *directory, const rdb_audit_filter *filter, rdb_audit_visit visit, void *context, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names;
    rdb_arena *arena = rdb_arena_create("audit search", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_audit_files(directory, arena, &names, err);
    for (uint32_t i = 0; ok && i < names.count; i++) {
        /* A file whose successor begins with a number that is passed over holds nothing. */
        const char *next = i + 1 < names.count ? names.items[i + 1] : NULL;
        if (next != NULL && filter->first > 0 && strcmp(next, AUDIT_LOG) != 0 && strtoull(next + sizeof AUDIT_LOG, NULL, 10) <= filter->first)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, (const char *)names.items[i]);
        ok = search_file(path, filter, visit, context, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- following --------------------------------------------------------------------------------------------------------------- */
struct rdb_audit_follower {
    char directory[PATH_MAX - 64];
    audit_lines lines;
    bool is_open;
    uint64_t file_first; /* of the file at hand */
    uint64_t next; /* the number that comes next; 0: not known yet */
};

/* The file that holds the next record: the last one that begins at or before it. */
static bool open_file(rdb_audit_follower *follower, rdb_error *err)
{
    char path[PATH_MAX];
    rdb_list names;
    rdb_arena *arena = rdb_arena_create("audit follow", NULL, NULL);
    bool ok = arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_audit_files(follower->directory, arena, &names, err);
    if (follower->is_open)
        audit_lines_close(&follower->lines);
    follower->is_open = false;
    for (uint32_t i = ok ? names.count : 0; ok && i-- > 0 && !follower->is_open;) {
        const char *line, *name = names.items[i];
        size_t length;
        uint64_t system_id, first = 0;
        uint8_t chain[RDB_SHA256_BYTES];
        bool is_whole, found;
        snprintf(path, sizeof path, "%s/%s", follower->directory, name);
        ok = audit_lines_open(&follower->lines, path, err);
        follower->is_open = ok;
        ok = ok && audit_lines_next(&follower->lines, &line, &length, &is_whole, &found, err);
        if (ok && (!found || !is_whole || !audit_parse_header(line, length, &system_id, &first, chain) || (i > 0 && first > follower->next))) {
            audit_lines_close(&follower->lines);
            follower->is_open = false;
        }
        follower->file_first = first;
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* Whether the file at hand is still the one that is written. */
static bool is_running_file(const rdb_audit_follower *follower)
{
    char path[PATH_MAX], header[AUDIT_HEADER_BYTES_MAX];
    rdb_file *file = NULL;
    rdb_error ignored = {0};
    size_t got = 0;
    uint64_t system_id, first = 0;
    uint8_t chain[RDB_SHA256_BYTES];
    snprintf(path, sizeof path, "%s/" AUDIT_LOG, follower->directory);
    bool ok = follower->is_open && rdb_file_open(&file, path, RDB_FILE_READ, &ignored) && rdb_file_read(file, 0, header, sizeof header, &got, &ignored);
    const char *end = ok ? memchr(header, '\n', got) : NULL;
    ok = end != NULL && audit_parse_header(header, (size_t)(end - header), &system_id, &first, chain) && first == follower->file_first;
    if (!rdb_file_close(&file, &ignored))
        ok = false;
    rdb_error_clear(&ignored);
    return ok;
}

bool rdb_audit_follower_open(rdb_audit_follower **opened, const char *directory, uint64_t last_count, rdb_error *err)
{
    char path[PATH_MAX];
    uint64_t size = 0;
    *opened = NULL;
    rdb_audit_follower *follower = calloc(1, sizeof *follower);
    if (follower == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    snprintf(follower->directory, sizeof follower->directory, "%s", directory);
    /* The number of the last record: of the last line. */
    rdb_file *file = NULL;
    uint64_t bytes = 0, number;
    char *tail = malloc(1u << 20);
    snprintf(path, sizeof path, "%s/" AUDIT_LOG, directory);
    bool ok = (tail != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && rdb_file_open(&file, path, RDB_FILE_READ, err) && rdb_file_size(file, &bytes, err);
    const uint64_t from = bytes > (1u << 20) ? bytes - (1u << 20) : 0;
    size_t got = 0;
    ok = ok && rdb_file_read(file, from, tail, (size_t)(bytes - from), &got, err);
    for (size_t at = 0; ok && at < got;) {
        const char *end = memchr(tail + at, '\n', got - at);
        if (end == NULL)
            break;
        const size_t length = (size_t)(end - tail) - at;
        uint8_t chain[RDB_SHA256_BYTES];
        if (length > 7 && memcmp(tail + at, "{\"seq\":", 7) == 0 && audit_find_number(tail + at, length, "seq", &number))
            size = number;
        else if (audit_parse_header(tail + at, length, &bytes, &number, chain))
            size = number - 1;
        at += length + 1;
    }
    free(tail);
    rdb_error ignored = {0};
    if (!rdb_file_close(&file, &ignored))
        rdb_error_clear(&ignored);
    follower->next = size + 1 > last_count ? size + 1 - last_count : 1;
    ok = ok && open_file(follower, err);
    if (ok)
        *opened = follower;
    else
        rdb_audit_follower_close(&follower);
    return ok;
}

bool rdb_audit_follower_next(rdb_audit_follower *follower, const char **line, size_t *length, bool *found, rdb_error *err)
{
    bool is_whole;
    uint64_t number;
    *found = false;
    for (int tries = 0; tries < 2; tries++) {
        while (follower->is_open) {
            const uint64_t before = follower->lines.offset;
            if (!rdb_file_size(follower->lines.file, &follower->lines.file_bytes, err) || !audit_lines_next(&follower->lines, line, length, &is_whole, found, err))
                return false;
            if (!*found || !is_whole) {
                follower->lines.offset = before; /* the rest of it is still being written */
                *found = false;
                break;
            }
            if (*length > 7 && memcmp(*line, "{\"seq\":", 7) == 0 && audit_find_number(*line, *length, "seq", &number) && number >= follower->next) {
                follower->next = number + 1;
                return true;
            }
            *found = false;
        }
        if (tries == 0 && (is_running_file(follower) || !open_file(follower, err)))
            return !rdb_error_is_set(err);
    }
    return true;
}

void rdb_audit_follower_close(rdb_audit_follower **follower)
{
    if (*follower != NULL && (*follower)->is_open)
        audit_lines_close(&(*follower)->lines);
    free(*follower);
    *follower = NULL;
}
