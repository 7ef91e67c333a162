/* SPDX-License-Identifier: Apache-2.0
 * Servers as a backup's programs need them: a connection to the one that serves an instance, and a server of our own over a restored
 * copy that nobody else is to see. */
#ifndef RDB_BACKUP_SERVER_H
#define RDB_BACKUP_SERVER_H

#include "base/rdb_base.h"

#include <libpq-fe.h>

/* As the administrator, over the Unix socket in home. 08001: nobody answers there. */
RDB_CHECKED bool rdb_server_connect(PGconn **connection, const char *home, const char *database, rdb_error *err);
/* Makes an error of what the server said, and clears the result (NULL is fine). Returns false. */
bool rdb_server_failed(PGconn *connection, PGresult *result, const char *what, rdb_error *err);
/* Runs a command whose rows do not matter. */
RDB_CHECKED bool rdb_server_run(PGconn *connection, const char *sql, const char *what, rdb_error *err);

typedef struct rdb_scratch rdb_scratch;
/* Starts rdb-serve from beside this program on the instance, reachable by its Unix socket alone, and waits until it answers: a
 * recovery may take its time. */
RDB_CHECKED bool rdb_scratch_start(rdb_scratch **scratch, const char *home, bool (*is_interrupted)(void *context), void *context, rdb_error *err);
/* Stops it; NULL inside is fine. */
void rdb_scratch_stop(rdb_scratch **scratch);

#endif
