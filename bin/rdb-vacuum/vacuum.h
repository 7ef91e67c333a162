/* SPDX-License-Identifier: Apache-2.0
 * What the files of rdb-vacuum share: one run over one database after the other. */
#ifndef RDB_VACUUM_H
#define RDB_VACUUM_H

#include "options.h"

typedef struct vacuum_run {
    const vacuum_arguments *arguments;
    rdb_client_place place;
    rdb_client *client; /* of the database at hand */
    const char *database;
    rdb_arena *arena;
    uint64_t findings, relations, failures, files, pages, wal_records;
} vacuum_run;

/* All rows of a query as texts, NULLs as NULL: items of *rows are const char **. */
RDB_CHECKED bool vacuum_query(vacuum_run *run, const char *sql, rdb_list *rows, rdb_error *err);
/* The tables of the database at hand that --table chooses: {name, oid}. */
RDB_CHECKED bool vacuum_list_tables(vacuum_run *run, bool with_system, rdb_list *rows, rdb_error *err);

/* verify.c. Findings go to standard output. */
RDB_CHECKED bool vacuum_verify_files(vacuum_run *run, const char *home, rdb_error *err);
RDB_CHECKED bool vacuum_verify_database(vacuum_run *run, rdb_error *err);
void vacuum_print_summary(const vacuum_run *run);

#endif
