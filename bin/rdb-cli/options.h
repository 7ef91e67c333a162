/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-cli. */
#ifndef RDB_CLI_OPTIONS_H
#define RDB_CLI_OPTIONS_H

#include "client/rdb_client.h"

typedef struct cli_arguments {
    rdb_client_arguments server;
    const char *database, *output;
    rdb_option_list commands, files, variables;
    bool tuples_only;
} cli_arguments;

static const char *const OUTPUTS[] = {"table", "csv", "json", "expanded", "unaligned", NULL};

#define FIELD(name) RDB_OPTION_FIELD(cli_arguments, name)
static const rdb_option OPTIONS[] = {
    RDB_CLIENT_OPTIONS(cli_arguments, server),
    {.letter = 'd', .name = "dbname", .value = "NAME", .field = FIELD(database), .environment = "PGDATABASE", .standard = "rustydb", .help = "database to connect to"},
    {.letter = 'c', .name = "command", .kind = RDB_OPT_LIST, .value = "SQL", .field = FIELD(commands), .help = "run SQL, or one backslash command, and exit; may be repeated"},
    {.letter = 'f', .name = "file", .kind = RDB_OPT_LIST, .value = "FILE", .field = FIELD(files), .help = "run the statements of FILE (- is stdin) after the commands, and exit; may be repeated"},
    {.letter = 'o', .name = "output", .kind = RDB_OPT_CHOICE, .value = "FORMAT", .choices = OUTPUTS, .field = FIELD(output), .standard = "table", .help = "layout of results: table, csv, json (one object a line), expanded or unaligned"},
    {.letter = 'v', .name = "variable", .kind = RDB_OPT_LIST, .value = "NAME=VALUE", .aliases = "set", .field = FIELD(variables), .help = "set a variable: :NAME in a statement becomes VALUE; may be repeated"},
    {.letter = 't', .name = "tuples-only", .kind = RDB_OPT_FLAG, .field = FIELD(tuples_only), .help = "print rows alone: no headers, footers or command tags"},
};
#undef FIELD

static const rdb_program PROGRAM = {
    .name = "rdb-cli",
    .summary = "run SQL on a RustyDB instance, interactively or from scripts",
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
    .epilog = "Exit codes: 0 done, 2 usage, 4 no connection, 7 a statement failed, 8 another program has the instance, 130 interrupted.",
};

#endif
