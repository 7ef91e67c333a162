/* SPDX-License-Identifier: Apache-2.0
 * What the files of rdb-vacuum share: one run over one database after the other. */
#ifndef RDB_VACUUM_H
#define RDB_VACUUM_H

#include "options.h"

typedef enum vacuum_command { VACUUM_VACUUM, VACUUM_ANALYZE, VACUUM_COMPACT, VACUUM_REINDEX, VACUUM_CHECKPOINT, VACUUM_ESTIMATE, VACUUM_WHY, VACUUM_VERIFY, VACUUM_SCHEDULE } vacuum_command;

typedef struct vacuum_run {
    const rdb_program *program;
    const vacuum_arguments *arguments;
    vacuum_command command;
    rdb_client_place place;
    rdb_client *client; /* of the database at hand */
    const char *database;
    const char *table;  /* why: its name */
    rdb_arena *arena;
    uint64_t findings, relations, failures, files, pages, wal_records;
    uint64_t left;      /* tables that the window's end left for the next time */
    int64_t rate_kb;    /* 0: no limit */
    double keep_p99;    /* by how much of it the 99th percentile may grow: 0.05; 0: not asked for */
    int window_from, window_to; /* minutes of the day; equal: always */
} vacuum_run;

/* All rows of a query as texts, NULLs as NULL: items of *rows are const char **. */
RDB_CHECKED bool vacuum_query(vacuum_run *run, const char *sql, rdb_list *rows, rdb_error *err);
/* The tables of the database at hand that --table chooses: {name, oid, bytes}. by_age: those done longest ago come first. */
RDB_CHECKED bool vacuum_list_tables(vacuum_run *run, bool with_system, bool by_age, rdb_list *rows, rdb_error *err);
/* Connects to a database. */
RDB_CHECKED bool vacuum_connect(vacuum_run *run, const char *database, int *exit_code, rdb_error *err);

/* verify.c. Findings go to standard output. */
RDB_CHECKED bool vacuum_verify_files(vacuum_run *run, const char *home, rdb_error *err);
RDB_CHECKED bool vacuum_verify_database(vacuum_run *run, rdb_error *err);
void vacuum_print_summary(const vacuum_run *run);

/* work.c: the commands that change something, in the database at hand. */
RDB_CHECKED bool vacuum_work(vacuum_run *run, rdb_error *err);
/* Reads the options about pace and hours. */
RDB_CHECKED bool vacuum_read_bounds(vacuum_run *run, rdb_error *err);

/* pace.c: a child that asks a small question over and over and tells how long the answers took. */
typedef struct vacuum_probe vacuum_probe;
RDB_CHECKED bool vacuum_probe_start(vacuum_probe **probe, const vacuum_run *run, rdb_error *err);
/* The 99th percentile since the last call, in microseconds; 0: too few answers. */
int64_t vacuum_probe_p99_us(vacuum_probe *probe);
void vacuum_probe_stop(vacuum_probe **probe);

/* look.c: estimate and why, of the database at hand. */
RDB_CHECKED bool vacuum_estimate(vacuum_run *run, rdb_error *err);
RDB_CHECKED bool vacuum_why(vacuum_run *run, rdb_error *err);

/* schedule.c */
RDB_CHECKED bool vacuum_schedule(vacuum_run *run, const char *kind, rdb_error *err);

#endif
