/* SPDX-License-Identifier: Apache-2.0
 * What the files of room sql's front half share. */
#ifndef RDB_SQL_INT_H
#define RDB_SQL_INT_H

#include <pthread.h>

#include "sql/rdb_sql.h"

/* Sets err as PostgreSQL would for an error of its scanner or grammar: the parser library hands on the message, the function of
 * its own that raised it (may be NULL), and the position. */
bool sql_set_parser_error(rdb_error *err, const char *message, const char *function, int32_t position);

/* What the parser library calls in place of pthread_key_create. */
int sql_parser_key_create(pthread_key_t *key, void (*destructor)(void *));

#endif
