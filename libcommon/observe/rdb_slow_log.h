/* SPDX-License-Identifier: Apache-2.0
 * logs/slow-query.log: statements that took longer than they should, with their plan. JSON, one object a line, or text. */
#ifndef RDB_SLOW_LOG_H
#define RDB_SLOW_LOG_H

#include "base/rdb_base.h"
#include "base/rdb_string.h"

typedef struct rdb_slow_query {
    int64_t wall_us;      /* timestamptz, when it ended */
    double duration_ms;
    uint32_t pid;
    const char *user, *database, *application, *client; /* client "": local */
    uint64_t query_id, rows, blocks_hit, blocks_read, temp_bytes;
    bool failed;
    const char *text;     /* without secrets */
    size_t text_length;
    const char *plan;     /* lines; NULL: it has none */
} rdb_slow_query;
/* Appends what goes into the log, its last line's end included. In text, lines of a statement and a plan begin with a tab. */
void rdb_slow_query_write(const rdb_slow_query *query, bool as_json, rdb_strbuf *line);

#endif
