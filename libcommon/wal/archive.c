/* SPDX-License-Identifier: Apache-2.0
 * Names in an archive, and the histories of timelines. */
#include "wal_int.h"

#include <stdio.h>
#include <stdlib.h>

void rdb_wal_archive_name(char name[RDB_WAL_ARCHIVE_NAME_BYTES], uint32_t timeline, uint64_t segment)
{
    snprintf(name, RDB_WAL_ARCHIVE_NAME_BYTES, "%08x%016llx", timeline, (unsigned long long)segment);
}

void rdb_wal_history_name(char name[RDB_WAL_ARCHIVE_NAME_BYTES], uint32_t timeline)
{
    snprintf(name, RDB_WAL_ARCHIVE_NAME_BYTES, "%08x.history", timeline);
}

/* So many hexadecimal digits, lower case alone: a name has one spelling. */
static bool parse_digits(const char *text, int count, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

bool wal_parse_segment_name(const char *name, uint64_t *number)
{
    return strlen(name) == 16 && parse_digits(name, 16, number);
}

bool rdb_wal_archive_parse_name(const char *name, uint32_t *timeline, uint64_t *segment, bool *partial)
{
    uint64_t high = 0;
    size_t length = strlen(name);
    *partial = length == 32 && strcmp(name + 24, ".partial") == 0;
    if ((length != 24 && !*partial) || !parse_digits(name, 8, &high) || !parse_digits(name + 8, 16, segment))
        return false;
    *timeline = (uint32_t)high;
    return true;
}

static bool parse_history_name(const char *name, uint32_t *timeline)
{
    uint64_t value = 0;
    if (strlen(name) != 16 || strcmp(name + 8, ".history") != 0 || !parse_digits(name, 8, &value))
        return false;
    *timeline = (uint32_t)value;
    return true;
}

/* ---- histories ------------------------------------------------------------------------------------------------------- */

static bool bad_history(const char *path, unsigned line, rdb_error *err)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "a timeline's history file is malformed");
    return rdb_error_detail(err, "File \"%s\", line %u.", path, line);
}

bool rdb_wal_history_read(const char *directory, uint32_t timeline, rdb_wal_history *history, bool *found, rdb_error *err)
{
    enum { BYTES_MAX = RDB_WAL_BRANCHES_MAX * 64 };
    char path[WAL_PATH_BYTES], name[RDB_WAL_ARCHIVE_NAME_BYTES];
    rdb_slice content = {0};
    *found = false;
    *history = (rdb_wal_history){.timeline = timeline};
    rdb_wal_history_name(name, timeline);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (!rdb_path_exists(path))
        return true;
    rdb_arena *arena = rdb_arena_create("timeline history", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_read(path, arena, &content, BYTES_MAX, err);
    char *text = ok ? rdb_arena_printf(arena, "%.*s", (int)content.length, (const char *)content.data) : NULL;
    ok = ok && rdb_arena_check(arena, err);
    unsigned line_no = 0;
    for (char *rest = text, *line = NULL; ok && (line = strsep(&rest, "\n")) != NULL;) {
        uint64_t parent = 0, end_lsn = 0, last = 0;
        line_no++;
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (history->branch_count > 0)
            last = history->branches[history->branch_count - 1].end_lsn;
        ok = strlen(line) == 8 + 1 + 16 && parse_digits(line, 8, &parent) && line[8] == ' ' && parse_digits(line + 9, 16, &end_lsn) &&
             end_lsn % 8 == 0 && end_lsn > last && history->branch_count < RDB_WAL_BRANCHES_MAX;
        if (!ok) {
            bad_history(path, line_no, err);
            break;
        }
        history->branches[history->branch_count++] = (rdb_wal_branch){.timeline = (uint32_t)parent, .end_lsn = end_lsn};
    }
    *found = ok;
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_wal_history_write(const char *directory, const rdb_wal_history *history, rdb_error *err)
{
    char path[WAL_PATH_BYTES], name[RDB_WAL_ARCHIVE_NAME_BYTES];
    rdb_strbuf text;
    rdb_wal_history_name(name, history->timeline);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    rdb_strbuf_init(&text, NULL);
    for (uint32_t i = 0; i < history->branch_count; i++)
        rdb_strbuf_addf(&text, "%08x %016llx\n", history->branches[i].timeline, (unsigned long long)history->branches[i].end_lsn);
    bool ok = rdb_strbuf_check(&text, err) && rdb_path_write_atomic(path, text.data, text.length, 0600, err);
    rdb_strbuf_free(&text);
    return ok;
}

/* Calls visit for each name in the directory that belongs to a timeline; one that is not there is empty. */
static bool visit_names(const char *directory, void (*visit)(void *context, const char *name), void *context, rdb_error *err)
{
    rdb_list names = {0};
    if (!rdb_path_is_directory(directory))
        return true;
    rdb_arena *arena = rdb_arena_create("archive names", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_list(directory, arena, &names, err);
    for (uint32_t i = 0; ok && i < names.count; i++)
        visit(context, rdb_list_get(&names, i));
    rdb_arena_destroy(arena);
    return ok;
}

static void note_timeline(void *context, const char *name)
{
    uint32_t timeline = 0, *newest = context;
    uint64_t segment = 0;
    bool partial = false;
    if (parse_history_name(name, &timeline) || rdb_wal_archive_parse_name(name, &timeline, &segment, &partial))
        *newest = RDB_MAX(*newest, timeline);
}

bool rdb_wal_archive_newest_timeline(const char *directory, uint32_t *timeline, rdb_error *err)
{
    *timeline = 0;
    return visit_names(directory, note_timeline, timeline, err);
}

typedef struct segment_search {
    uint32_t timeline;
    uint64_t after, lowest;
} segment_search;

static void note_later_segment(void *context, const char *name)
{
    segment_search *search = context;
    uint32_t timeline = 0;
    uint64_t segment = 0;
    bool partial = false;
    if (rdb_wal_archive_parse_name(name, &timeline, &segment, &partial) && timeline == search->timeline && segment > search->after)
        search->lowest = RDB_MIN(search->lowest, segment);
}

bool rdb_wal_archive_next_segment(const char *directory, uint32_t timeline, uint64_t after, uint64_t *segment, rdb_error *err)
{
    segment_search search = {.timeline = timeline, .after = after, .lowest = UINT64_MAX};
    bool ok = visit_names(directory, note_later_segment, &search, err);
    *segment = search.lowest;
    return ok;
}

uint32_t rdb_wal_history_timeline_at(const rdb_wal_history *history, uint32_t segment_bytes, uint64_t segment)
{
    for (uint32_t i = 0; i < history->branch_count; i++)
        if (segment <= (history->branches[i].end_lsn - 1) / segment_bytes)
            return history->branches[i].timeline;
    return history->timeline;
}

bool rdb_wal_history_holds(const rdb_wal_history *history, uint32_t timeline, rdb_lsn lsn)
{
    if (history->timeline == timeline)
        return true;
    for (uint32_t i = 0; i < history->branch_count; i++)
        if (history->branches[i].timeline == timeline)
            return lsn <= history->branches[i].end_lsn;
    return false;
}

typedef struct latest_search {
    const char *directory;
    uint32_t from;
    rdb_lsn lsn;
    rdb_wal_history *best;
    bool ok;
    rdb_error *err;
} latest_search;

static void note_descendant(void *context, const char *name)
{
    latest_search *search = context;
    rdb_wal_history history;
    uint32_t timeline = 0;
    bool found = false;
    if (!search->ok || !parse_history_name(name, &timeline) || timeline <= search->best->timeline)
        return;
    search->ok = rdb_wal_history_read(search->directory, timeline, &history, &found, search->err);
    if (search->ok && found && rdb_wal_history_holds(&history, search->from, search->lsn))
        *search->best = history;
}

bool rdb_wal_history_latest(const char *directory, uint32_t from, rdb_lsn lsn, rdb_wal_history *history, rdb_error *err)
{
    latest_search search = {.directory = directory, .from = from, .lsn = lsn, .best = history, .ok = true, .err = err};
    return visit_names(directory, note_descendant, &search, err) && search.ok;
}
