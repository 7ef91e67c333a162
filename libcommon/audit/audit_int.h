/* SPDX-License-Identifier: Apache-2.0
 * What the files of the room share. */
#ifndef RDB_AUDIT_INT_H
#define RDB_AUDIT_INT_H

#include "audit/rdb_audit.h"
#include "os/rdb_file.h"
#include "os/rdb_time.h"

#define AUDIT_LOG "audit.log"
#define AUDIT_HEADS "audit.heads"
#define AUDIT_HASH_MARK ",\"hash\":\""
#define AUDIT_HASH_TAIL_BYTES (sizeof AUDIT_HASH_MARK - 1 + 2 * RDB_SHA256_BYTES + 2) /* from the mark to the closing brace */
#define AUDIT_HEAD_BYTES_MAX 1024u
#define AUDIT_HEADER_BYTES_MAX 256u

typedef struct audit_pattern {
    char any, one; /* letters of a pattern that stand for any text, and for one letter */
    bool folds;    /* letters of either case are the same */
} audit_pattern;
bool audit_match(const audit_pattern *kind, const char *pattern, const char *text);

void audit_format_time(int64_t wall_us, char text[40]);
char *audit_put_time(char *at, int64_t wall_us); /* the same without the zero byte, at most 39 bytes; gives where it ends */
/* The number behind "key": in a line that this room made; false: there is none. */
bool audit_find_number(const char *line, size_t length, const char *key, uint64_t *value);
/* The text between the quotes behind "key":" */
bool audit_find_text(const char *line, size_t length, const char *key, const char **text, size_t *text_length);
bool audit_find_hash(const char *line, size_t length, const char *key, uint8_t hash[RDB_SHA256_BYTES]);
bool audit_find_lsn(const char *line, size_t length, uint64_t *lsn);

void audit_print_header(uint64_t system_id, uint64_t first, const uint8_t chain[RDB_SHA256_BYTES], char text[AUDIT_HEADER_BYTES_MAX]); /* with newline */
bool audit_parse_header(const char *line, size_t length, uint64_t *system_id, uint64_t *first, uint8_t chain[RDB_SHA256_BYTES]);

/* Whole lines of a file, one after the other. A last one without newline is given with *is_whole false. */
typedef struct audit_lines {
    rdb_file *file;
    uint64_t file_bytes, offset; /* of the file; of the next line in it */
    char *window;
    size_t window_bytes, window_capacity;
    uint64_t window_offset;
} audit_lines;
RDB_CHECKED bool audit_lines_open(audit_lines *lines, const char *path, rdb_error *err);
void audit_lines_close(audit_lines *lines);
RDB_CHECKED bool audit_lines_next(audit_lines *lines, const char **line, size_t *length, bool *is_whole, bool *found, rdb_error *err);

/* All heads of a file, in the arena; what is behind the last whole one is told by *good_bytes. */
typedef struct audit_head_line {
    rdb_audit_head head;
    const char *text;
    size_t length;
} audit_head_line;
RDB_CHECKED bool audit_heads_read(const char *path, rdb_arena *arena, rdb_list *heads, uint64_t *good_bytes, uint64_t *file_bytes, rdb_error *err);

#endif
