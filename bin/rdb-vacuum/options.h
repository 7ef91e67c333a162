/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-vacuum. */
#ifndef RDB_VACUUM_OPTIONS_H
#define RDB_VACUUM_OPTIONS_H

#include "client/rdb_client.h"

typedef struct vacuum_arguments {
    rdb_client_arguments server;
    rdb_option_list tables;
    bool analyze, full, verify, files_only, verbose, json;
} vacuum_arguments;

#define FIELD(name) RDB_OPTION_FIELD(vacuum_arguments, name)
static const rdb_option OPTIONS[] = {
    RDB_CLIENT_OPTIONS(vacuum_arguments, server),
    {.letter = 't', .name = "table", .kind = RDB_OPT_LIST, .value = "PATTERN", .field = FIELD(tables), .help = "only tables whose name, or schema.name, matches PATTERN (* and ? stand for any letters and any one); may be repeated"},
    {.letter = 'z', .name = "analyze", .kind = RDB_OPT_FLAG, .field = FIELD(analyze), .help = "gather the planner's statistics too"},
    {.letter = 'f', .name = "full", .kind = RDB_OPT_FLAG, .field = FIELD(full), .help = "write tables and their indexes anew; nobody else can use them meanwhile"},
    {.name = "verify", .kind = RDB_OPT_FLAG, .field = FIELD(verify), .help = "change nothing: check pages, rows, indexes, undo records and the log, and tell every damage"},
    {.name = "files-only", .kind = RDB_OPT_FLAG, .field = FIELD(files_only), .help = "with --verify: only the files of an instance that no server runs on, without opening it"},
    {.letter = 'v', .name = "verbose", .kind = RDB_OPT_FLAG, .field = FIELD(verbose), .help = "say what is done, and what the server says of it"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON, one object a line"},
};
#undef FIELD

static const rdb_program PROGRAM = {
    .name = "rdb-vacuum",
    .summary = "drive purge to the horizon, analyse tables, or verify an instance",
    .operands = "[DATABASE]",
    .operands_max = 1,
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
    .epilog = "Without DATABASE: every database that takes connections.\n"
              "Exit codes: 0 done, 2 usage, 4 no connection, 6 damage was found, 7 a statement failed, 8 another program has the instance, 9 some tables failed, 130 interrupted.",
};

#endif
