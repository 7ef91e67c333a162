/* SPDX-License-Identifier: Apache-2.0
 * Reading the audit log for people: which records, in which form. */
#ifndef RDB_AUDIT_SEARCH_H
#define RDB_AUDIT_SEARCH_H

#include "audit/rdb_audit.h"

#include <jansson.h>

typedef struct rdb_audit_filter { /* NULL or 0: does not matter; all that is given must hold */
    int64_t since_us, until_us;   /* timestamptz; until excluded */
    const char *role;             /* login or role */
    const char *database, *client, *application, *session;
    const char *object;           /* name, schema.name or pattern with * and ? */
    const char *column;
    uint32_t classes;             /* RDB_AUDIT_BIT */
    const char *action;           /* its beginning, letters of either case */
    const char *outcome;          /* success (and committed), failure, rolled back, open */
    const char *code;             /* SQLSTATE, or its beginning */
    const char *text;             /* in the statement or the error, letters of either case */
    uint64_t first, last;         /* numbers */
} rdb_audit_filter;

/* One record: the line as it stands in the file, without newline, and what it says. */
typedef bool (*rdb_audit_visit)(void *context, const char *line, size_t length, const json_t *record, rdb_error *err);
RDB_CHECKED bool rdb_audit_search(const char *directory, const rdb_audit_filter *filter, rdb_audit_visit visit, void *context, rdb_error *err);
/* Does the record of this line pass? *record is its JSON then, the caller's to give up; NULL: it does not. A line that is no record (the first
 * of a file, damage) does not. */
bool rdb_audit_matches(const rdb_audit_filter *filter, const char *line, size_t length, json_t **record);

/* "now", "today", "yesterday", "this-week", "this-month", "recent" (ten minutes), "90s", "10m", "2h", "7d" (so long ago), or a date with or
 * without a time, in UTC where it ends in Z, else in local time. */
bool rdb_audit_parse_time(const char *text, int64_t now_us, int64_t *wall_us);
bool rdb_audit_like(const char *pattern, const char *text); /* * and ?; letters of either case */

/* Texts of a record; "" where it has none. They live with the record. */
const char *rdb_audit_field(const json_t *record, const char *key);
void rdb_audit_object_names(const json_t *record, rdb_strbuf *text); /* "a, b" */

/* Follows the running log from its end: what is there since the last call, file changes too. */
typedef struct rdb_audit_follower rdb_audit_follower;
/* last_count: records from before now that are given first. */
RDB_CHECKED bool rdb_audit_follower_open(rdb_audit_follower **follower, const char *directory, uint64_t last_count, rdb_error *err);
RDB_CHECKED bool rdb_audit_follower_next(rdb_audit_follower *follower, const char **line, size_t *length, bool *found, rdb_error *err);
void rdb_audit_follower_close(rdb_audit_follower **follower);

#endif
