/* SPDX-License-Identifier: Apache-2.0
 * A digest of application logs of any size: what was said how often, when, and by whom. Lines are read once; memory is bounded by the
 * number of shapes that are kept. Source of the bound: lossy counting (Manku, Motwani 2002): when there is no room, the rarer half goes,
 * and what it counted is told as such. */
#include "diag/rdb_diag.h"

#include "os/rdb_os.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SHAPES_MAX 4096
#define HOURS_MAX (24 * 400)

struct rdb_log_digest {
    rdb_map *by_shape; /* to rdb_log_shape */
    uint32_t shape_count;
    rdb_log_totals totals;
    uint64_t hours[HOURS_MAX][2]; /* all lines; warnings and errors */
    int64_t first_hour;           /* of hours[0], since 1970; -1: none yet */
};

rdb_log_digest *rdb_log_digest_create(void)
{
    rdb_log_digest *digest = calloc(1, sizeof *digest);
    if (digest != NULL && (digest->by_shape = rdb_map_create()) == NULL) {
        free(digest);
        return NULL;
    }
    if (digest != NULL)
        digest->first_hour = -1;
    return digest;
}

static void free_shape(rdb_log_shape *shape)
{
    free((char *)(uintptr_t)shape->shape);
    free((char *)(uintptr_t)shape->sample);
    free(shape);
}

void rdb_log_digest_destroy(rdb_log_digest **digest)
{
    uint32_t cursor = 0;
    rdb_slice key;
    if (*digest == NULL)
        return;
    for (void *value; rdb_map_next((*digest)->by_shape, &cursor, &key, &value);)
        free_shape(value);
    rdb_map_destroy((*digest)->by_shape);
    free(*digest);
    *digest = NULL;
}

void rdb_log_make_shape(const char *message, char *shape, size_t size)
{
    size_t length = 0;
    for (const char *at = message; *at != '\0' && length + 4 < size;) {
        if (*at >= '0' && *at <= '9') {
            shape[length++] = '#';
            at += strspn(at, "0123456789.:ABCDEFabcdef");
        } else if (*at == '"') {
            const char *end = strchr(at + 1, '"');
            memcpy(shape + length, "\"*\"", 3);
            length += 3;
            at = end != NULL ? end + 1 : at + strlen(at);
        } else {
            shape[length++] = *at++;
        }
    }
    shape[length] = '\0';
}

/* ---- lines -------------------------------------------------------------------------------------------------------------------------------- */
/* The text of a field of a JSON line, unescaped as far as a person needs it. */
static bool get_field(const char *line, const char *name, char *text, size_t size)
{
    char wanted[40];
    snprintf(wanted, sizeof wanted, "\"%s\":\"", name);
    const char *at = strstr(line, wanted);
    size_t length = 0;
    if (at == NULL)
        return false;
    for (at += strlen(wanted); *at != '\0' && *at != '"' && length + 1 < size; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        text[length++] = *at;
    }
    text[length] = '\0';
    return true;
}

static bool read_json(const char *line, rdb_log_line *into)
{
    into->sqlstate[0] = into->room[0] = into->time[0] = '\0';
    (void)!get_field(line, "time", into->time, sizeof into->time);
    (void)!get_field(line, "room", into->room, sizeof into->room);
    (void)!get_field(line, "sqlstate", into->sqlstate, sizeof into->sqlstate);
    return get_field(line, "level", into->level, sizeof into->level) && get_field(line, "message", into->message, sizeof into->message);
}

/* "2026-11-21T10:00:00.000000Z warn  upkeep: message", the time where it is written. */
static bool read_text(const char *line, rdb_log_line *into)
{
    int used = 0;
    into->sqlstate[0] = into->time[0] = '\0';
    if (line[0] >= '0' && line[0] <= '9' && sscanf(line, "%31s %n", into->time, &used) == 1)
        line += used;
    used = 0;
    if (sscanf(line, "%7[a-z] %31[a-z]: %n", into->level, into->room, &used) != 2 || used == 0)
        return false;
    snprintf(into->message, sizeof into->message, "%s", line + used);
    into->message[strcspn(into->message, "\n")] = '\0';
    char *rest = strstr(into->message, " | "); /* detail, hint, fields: no part of the message, as in JSON */
    if (rest != NULL)
        *rest = '\0';
    return true;
}

bool rdb_log_read_line(const char *line, rdb_log_line *into)
{
    return line[0] == '{' ? read_json(line, into) : read_text(line, into);
}

/* "2026-11-21T10..." as hours since 1970, or -1. Source: H. Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t hour_of(const char *time)
{
    int year, month, day, hour;
    if (sscanf(time, "%4d-%2d-%2dT%2d", &year, &month, &day, &hour) != 4 || month < 1 || month > 12)
        return -1;
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400, yoe = year - era * 400;
    const int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (era * 146097 + doe - 719468) * 24 + hour;
}

/* ---- counting ------------------------------------------------------------------------------------------------------------------------------- */
static int by_count(const void *a, const void *b)
{
    const rdb_log_shape *x = *(rdb_log_shape *const *)a, *y = *(rdb_log_shape *const *)b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->shape, y->shape);
}

/* All shapes, the most frequent first. */
static bool list_shapes(const rdb_log_digest *digest, rdb_log_shape **shapes)
{
    uint32_t cursor = 0, count = 0;
    rdb_slice key;
    for (void *value; rdb_map_next(digest->by_shape, &cursor, &key, &value);)
        shapes[count++] = value;
    qsort(shapes, count, sizeof *shapes, by_count);
    return count > 0;
}

static void drop_rarer_half(rdb_log_digest *digest)
{
    static _Thread_local rdb_log_shape *shapes[SHAPES_MAX];
    list_shapes(digest, shapes);
    for (uint32_t i = digest->shape_count / 2; i < digest->shape_count; i++) {
        digest->totals.forgotten += shapes[i]->count;
        rdb_map_remove(digest->by_shape, shapes[i]->shape, strlen(shapes[i]->shape));
        free_shape(shapes[i]);
    }
    digest->shape_count /= 2;
}

static bool count_shape(rdb_log_digest *digest, const rdb_log_line *line, rdb_error *err)
{
    char shape[400];
    const size_t head = (size_t)snprintf(shape, sizeof shape, "%s %s%s%s: ", line->level, line->room, line->sqlstate[0] != '\0' ? " " : "", line->sqlstate);
    rdb_log_make_shape(line->message, shape + head, sizeof shape - head);
    rdb_log_shape *found = rdb_map_get(digest->by_shape, shape, strlen(shape));
    if (found == NULL) {
        if (digest->shape_count == SHAPES_MAX)
            drop_rarer_half(digest);
        found = calloc(1, sizeof *found);
        char *key = found != NULL ? strdup(shape) : NULL, *sample = key != NULL ? strdup(line->message) : NULL;
        if (sample == NULL || !rdb_map_put(digest->by_shape, key, strlen(key), found, NULL)) {
            free(sample);
            free(key);
            free(found);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
        found->shape = key;
        found->sample = sample;
        memcpy(found->first_time, line->time, sizeof found->first_time);
        digest->shape_count++;
    }
    found->count++;
    memcpy(found->last_time, line->time, sizeof found->last_time);
    return true;
}

static void count_hour(rdb_log_digest *digest, const rdb_log_line *line, bool is_bad)
{
    const int64_t hour = hour_of(line->time);
    if (hour < 0)
        return;
    if (digest->first_hour < 0)
        digest->first_hour = hour;
    const int64_t at = hour - digest->first_hour;
    if (at < 0 || at >= HOURS_MAX) {
        digest->totals.out_of_range++;
        return;
    }
    digest->hours[at][0]++;
    digest->hours[at][1] += is_bad;
    digest->totals.hour_count = RDB_MAX(digest->totals.hour_count, (uint32_t)at + 1);
}

bool rdb_log_digest_add(rdb_log_digest *digest, const char *text, rdb_error *err)
{
    rdb_log_line line;
    digest->totals.lines++;
    if (!rdb_log_read_line(text, &line)) {
        digest->totals.unreadable++;
        return true;
    }
    const bool is_error = strcmp(line.level, "error") == 0, is_warning = strcmp(line.level, "warn") == 0;
    digest->totals.errors += is_error;
    digest->totals.warnings += is_warning;
    if (digest->totals.first_time[0] == '\0')
        memcpy(digest->totals.first_time, line.time, sizeof line.time);
    memcpy(digest->totals.last_time, line.time, sizeof line.time);
    count_hour(digest, &line, is_error || is_warning);
    return count_shape(digest, &line, err);
}

bool rdb_log_digest_file(rdb_log_digest *digest, const char *path, rdb_error *err)
{
    char *line = NULL;
    size_t capacity = 0;
    bool ok = true;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL)
        return rdb_error_set_errno(err, errno, "%s", path);
    while (ok && !rdb_client_interrupted && getline(&line, &capacity, file) > 0)
        ok = rdb_log_digest_add(digest, line, err);
    if (ok && ferror(file))
        ok = rdb_error_set_errno(err, errno, "%s", path);
    free(line);
    if (file != stdin)
        fclose(file);
    return ok;
}

/* ---- what came of it -------------------------------------------------------------------------------------------------------------------- */
const rdb_log_totals *rdb_log_digest_totals(const rdb_log_digest *digest)
{
    return &digest->totals;
}

uint64_t rdb_log_digest_hour(const rdb_log_digest *digest, uint32_t hour_no, bool only_bad)
{
    return hour_no < HOURS_MAX ? digest->hours[hour_no][only_bad] : 0;
}

bool rdb_log_digest_shapes(const rdb_log_digest *digest, uint32_t count_max, rdb_arena *arena, rdb_list *shapes, rdb_error *err)
{
    static _Thread_local rdb_log_shape *all[SHAPES_MAX];
    list_shapes(digest, all);
    for (uint32_t i = 0; i < RDB_MIN(digest->shape_count, count_max); i++)
        rdb_list_push(arena, shapes, all[i]);
    return rdb_arena_check(arena, err);
}

/* ---- a page with plots ---------------------------------------------------------------------------------------------------------------- */
static void add_escaped(rdb_strbuf *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<': rdb_strbuf_adds(out, "&lt;"); break;
        case '>': rdb_strbuf_adds(out, "&gt;"); break;
        case '&': rdb_strbuf_adds(out, "&amp;"); break;
        case '"': rdb_strbuf_adds(out, "&quot;"); break;
        default: rdb_strbuf_addc(out, *text);
        }
}

/* Bars of at most 240 columns; several hours in one where there are more. */
static void add_plot(const rdb_log_digest *digest, rdb_strbuf *out)
{
    enum { COLUMNS = 240, HEIGHT = 120 };
    const uint32_t hours = RDB_MAX(digest->totals.hour_count, 1u), step = (hours + COLUMNS - 1) / COLUMNS, columns = (hours + step - 1) / step;
    uint64_t sums[COLUMNS][2] = {{0}}, most = 1;
    for (uint32_t i = 0; i < digest->totals.hour_count; i++)
        for (unsigned bad = 0; bad < 2; bad++) {
            sums[i / step][bad] += digest->hours[i][bad];
            most = RDB_MAX(most, sums[i / step][bad]);
        }
    rdb_strbuf_addf(out, "<svg viewBox=\"0 0 %u %d\" role=\"img\" aria-label=\"lines by time\">", columns * 4, HEIGHT + 2);
    for (uint32_t i = 0; i < columns; i++)
        for (unsigned bad = 0; bad < 2; bad++) {
            const unsigned height = (unsigned)((sums[i][bad] * HEIGHT + most - 1) / most);
            if (height > 0)
                rdb_strbuf_addf(out, "<rect x=\"%u\" y=\"%u\" width=\"3\" height=\"%u\" class=\"%s\"><title>%s + %u h: %" PRIu64 "</title></rect>", i * 4, HEIGHT - height, height, bad ? "bad" : "all",
                                digest->totals.first_time, i * step, sums[i][bad]);
        }
    rdb_strbuf_addf(out, "</svg><p>%u hours, %u in a bar; dark: all lines (at most %" PRIu64 "), red: warnings and errors.</p>", hours, step, most);
}

bool rdb_log_digest_page(const rdb_log_digest *digest, rdb_strbuf *out, rdb_error *err)
{
    const rdb_log_totals *totals = &digest->totals;
    rdb_list shapes = {0};
    rdb_arena *arena = rdb_arena_create("page", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_log_digest_shapes(digest, 200, arena, &shapes, err);
    rdb_strbuf_adds(out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>RustyDB log</title><style>body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#222}"
                         "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .6em;border-bottom:1px solid #ddd;vertical-align:top}td:first-child{text-align:right;"
                         "font-variant-numeric:tabular-nums}svg{width:100%;height:130px;background:#f7f7f7}.all{fill:#46596b}.bad,.error{fill:#c22;color:#c22}small{color:#777}</style>");
    rdb_strbuf_addf(out, "<h1>Log from %s to %s</h1><p>%" PRIu64 " lines: %" PRIu64 " errors, %" PRIu64 " warnings", totals->first_time, totals->last_time, totals->lines, totals->errors, totals->warnings);
    if (totals->unreadable > 0)
        rdb_strbuf_addf(out, "; %" PRIu64 " could not be read", totals->unreadable);
    if (totals->forgotten > 0)
        rdb_strbuf_addf(out, "; %" PRIu64 " are of rare kinds that were not kept", totals->forgotten);
    rdb_strbuf_adds(out, ".</p>");
    add_plot(digest, out);
    rdb_strbuf_adds(out, "<table><tr><th>times</th><th>message</th><th>first, last</th></tr>");
    for (uint32_t i = 0; ok && i < shapes.count; i++) {
        const rdb_log_shape *shape = shapes.items[i];
        rdb_strbuf_addf(out, "<tr%s><td>%" PRIu64 "</td><td>", strncmp(shape->shape, "error", 5) == 0 ? " class=\"error\"" : "", shape->count);
        add_escaped(out, shape->shape);
        rdb_strbuf_adds(out, "<br><small>");
        add_escaped(out, shape->sample);
        rdb_strbuf_adds(out, "</small></td><td>");
        add_escaped(out, shape->first_time);
        rdb_strbuf_adds(out, "<br>");
        add_escaped(out, shape->last_time);
        rdb_strbuf_adds(out, "</td></tr>");
    }
    rdb_strbuf_adds(out, "</table></html>\n");
    rdb_arena_destroy(arena);
    return ok && rdb_strbuf_check(out, err);
}
