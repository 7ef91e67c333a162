/* SPDX-License-Identifier: Apache-2.0
 * Reading files of lines in bounded memory, and which files make a log. */
#include "audit_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { WINDOW_BYTES = 1 << 20 };

bool audit_lines_open(audit_lines *lines, const char *path, rdb_error *err)
{
    *lines = (audit_lines){0};
    if (!rdb_file_open(&lines->file, path, RDB_FILE_READ, err))
        return false;
    lines->window_capacity = WINDOW_BYTES;
    lines->window = malloc(lines->window_capacity);
    if ((lines->window != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && rdb_file_size(lines->file, &lines->file_bytes, err))
        return true;
    audit_lines_close(lines);
    return false;
}

void audit_lines_close(audit_lines *lines)
{
    rdb_error ignored = {0};
    if (!rdb_file_close(&lines->file, &ignored))
        rdb_error_clear(&ignored);
    free(lines->window);
    lines->window = NULL;
}

/* Makes the window begin at the next line, as far as it reaches. */
static bool fill(audit_lines *lines, rdb_error *err)
{
    const size_t skip = (size_t)(lines->offset - lines->window_offset);
    if (skip == 0 && lines->window_bytes == lines->window_capacity) { /* a line longer than the window */
        char *grown = realloc(lines->window, 2 * lines->window_capacity);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        lines->window = grown;
        lines->window_capacity *= 2;
    }
    memmove(lines->window, lines->window + skip, lines->window_bytes - skip);
    lines->window_bytes -= skip;
    lines->window_offset = lines->offset;
    const uint64_t at = lines->window_offset + lines->window_bytes;
    const size_t wanted = (size_t)RDB_MIN((uint64_t)(lines->window_capacity - lines->window_bytes), lines->file_bytes - at);
    size_t got = 0;
    if (wanted > 0 && !rdb_file_read(lines->file, at, lines->window + lines->window_bytes, wanted, &got, err))
        return false;
    lines->window_bytes += got;
    if (got < wanted)
        lines->file_bytes = at + got;
    return true;
}

bool audit_lines_next(audit_lines *lines, const char **line, size_t *length, bool *is_whole, bool *found, rdb_error *err)
{
    size_t searched = 0;
    *found = *is_whole = false;
    for (;;) {
        const size_t skip = (size_t)(lines->offset - lines->window_offset);
        const char *begin = lines->window + skip;
        const size_t there = lines->window_bytes - skip;
        const char *end = there > searched ? memchr(begin + searched, '\n', there - searched) : NULL;
        if (end != NULL || lines->window_offset + lines->window_bytes >= lines->file_bytes) {
            *found = there > 0;
            *is_whole = end != NULL;
            *line = begin;
            *length = end != NULL ? (size_t)(end - begin) : there;
            lines->offset += *length + (end != NULL);
            return true;
        }
        searched = there;
        if (!fill(lines, err))
            return false;
    }
}

/* "audit.log.<digits>" in order of their numbers, then "audit.log"; others, set aside, do not count. */
bool rdb_audit_files(const char *directory, rdb_arena *arena, rdb_list *names, rdb_error *err)
{
    rdb_list all = {0};
    bool has_current = false;
    *names = (rdb_list){0};
    if (!rdb_path_list(directory, arena, &all, err))
        return false;
    for (uint32_t i = 0; i < all.count; i++) {
        const char *name = all.items[i], *digits = name + sizeof AUDIT_LOG;
        has_current = has_current || strcmp(name, AUDIT_LOG) == 0;
        if (strncmp(name, AUDIT_LOG ".", sizeof AUDIT_LOG) == 0 && strlen(digits) == 20 && strspn(digits, "0123456789") == 20)
            rdb_list_push(arena, names, (void *)(uintptr_t)name);
    }
    if (has_current)
        rdb_list_push(arena, names, (void *)(uintptr_t)AUDIT_LOG);
    return rdb_arena_check(arena, err);
}
