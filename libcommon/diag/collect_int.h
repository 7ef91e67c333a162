/* SPDX-License-Identifier: Apache-2.0
 * What the collectors share. */
#ifndef RDB_DIAG_COLLECT_INT_H
#define RDB_DIAG_COLLECT_INT_H

#include "diag/rdb_diag.h"

/* One table of facts and where it comes from. */
typedef struct diag_collector {
    const char *table, *columns;
    bool (*collect)(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err); /* host and files */
    const char *sql;    /* server: a query with as many columns */
    bool each_database; /* asked in each database; the first column is the database's name */
} diag_collector;

extern const diag_collector DIAG_HOST_COLLECTORS[], DIAG_FILE_COLLECTORS[], DIAG_SERVER_COLLECTORS[];
extern const uint32_t DIAG_HOST_COLLECTOR_COUNT, DIAG_FILE_COLLECTOR_COUNT, DIAG_SERVER_COLLECTOR_COUNT;

RDB_CHECKED bool diag_tell_item(rdb_facts *facts, const char *topic, const char *database, const char *state, const char *detail, int64_t begin_us, rdb_error *err);
RDB_CHECKED bool diag_collect_server(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err);

#endif
