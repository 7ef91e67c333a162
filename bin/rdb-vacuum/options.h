/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-vacuum. */
#ifndef RDB_VACUUM_OPTIONS_H
#define RDB_VACUUM_OPTIONS_H

#include "client/rdb_client.h"

typedef struct vacuum_arguments {
    rdb_client_arguments server;
    rdb_option_list tables;
    const char *window, *rate, *keep_p99, *at, *unit_directory;
    int64_t jobs, wait_seconds;
    bool analyze, full, verify, files_only, verbose, json, install, concurrently;
} vacuum_arguments;

#define FIELD(name) RDB_OPTION_FIELD(vacuum_arguments, name)
static const rdb_option OPTIONS[] = {
    RDB_CLIENT_OPTIONS(vacuum_arguments, server),
    {.letter = 't', .name = "table", .kind = RDB_OPT_LIST, .value = "PATTERN", .field = FIELD(tables), .help = "only tables whose name, or schema.name, matches PATTERN (* and ? stand for any letters and any one); may be repeated"},
    {.letter = 'z', .name = "analyze", .kind = RDB_OPT_FLAG, .field = FIELD(analyze), .help = "gather the planner's statistics too"},
    {.letter = 'f', .name = "full", .kind = RDB_OPT_FLAG, .field = FIELD(full), .help = "write tables and their indexes anew; nobody else can use them meanwhile"},
    {.letter = 'j', .name = "jobs", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(jobs), .standard = "1", .min = 1, .max = 64, .help = "work on N tables at a time, each over a connection of its own"},
    {.letter = 'w', .name = "window", .value = "HH:MM-HH:MM", .field = FIELD(window), .help = "work within these hours of the day only: wait for the first, stop at the second; tables go by how long ago they were last done"},
    {.name = "rate", .value = "SIZE", .field = FIELD(rate), .help = "compact: move at most so much a second, such as 20MB"},
    {.name = "keep-p99", .value = "PERCENT", .field = FIELD(keep_p99), .help = "compact: go only as fast as lets the 99th percentile of a small query's time grow by PERCENT, such as +5%"},
    {.name = "wait", .kind = RDB_OPT_COUNT, .value = "SECONDS", .field = FIELD(wait_seconds), .standard = "10", .max = 86400, .help = "compact: wait so long for snapshots that keep the old places of moved rows"},
    {.name = "concurrently", .kind = RDB_OPT_FLAG, .field = FIELD(concurrently), .help = "reindex: REINDEX CONCURRENTLY (writers go on)"},
    {.name = "verify", .kind = RDB_OPT_FLAG, .field = FIELD(verify), .help = "change nothing: check pages, rows, indexes, undo records and the log, and tell every damage"},
    {.name = "files-only", .kind = RDB_OPT_FLAG, .field = FIELD(files_only), .help = "with --verify: only the files of an instance that no server runs on, without opening it"},
    {.name = "at", .value = "HH:MM", .field = FIELD(at), .standard = "03:00", .help = "schedule: when, every day"},
    {.name = "install", .kind = RDB_OPT_FLAG, .field = FIELD(install), .help = "schedule: put the entries where cron or systemd finds them, in place of those of this instance"},
    {.name = "unit-dir", .value = "DIR", .field = FIELD(unit_directory), .standard = "/etc/systemd/system", .help = "schedule: where systemd looks for units"},
    {.letter = 'v', .name = "verbose", .kind = RDB_OPT_FLAG, .field = FIELD(verbose), .help = "say what is done, and what the server says of it"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON, one object a line"},
};
#undef FIELD

static const char *const USAGES[] = {
    "[vacuum | analyze | reindex | checkpoint] [OPTION]... [DATABASE]",
    "compact [--rate SIZE | --keep-p99 PERCENT] [--table PATTERN]... [DATABASE]",
    "estimate [--table PATTERN]... [DATABASE]",
    "why TABLE [DATABASE]",
    "verify [--files-only] [DATABASE]",
    "schedule [cron | systemd] [--at HH:MM] [--window HH:MM-HH:MM] [--install]",
    NULL,
};

static const rdb_program PROGRAM = {
    .name = "rdb-vacuum",
    .summary = "vacuum, analyse, compact, reindex or measure tables, say what keeps garbage, or verify an instance",
    .operands = "[COMMAND] [DATABASE]",
    .operands_max = 3,
    .usages = USAGES,
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
    .epilog = "Without DATABASE: every database that takes connections. A database that is called like a command: rdb-vacuum vacuum NAME.\n"
              "Exit codes: 0 done, 2 usage, 4 no connection, 6 damage was found, 7 a statement failed, 8 another program has the instance, 9 done in part, 130 interrupted.",
};

#endif
