/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-cli. */
#ifndef RDB_CLI_OPTIONS_H
#define RDB_CLI_OPTIONS_H

#include "base/rdb_options.h"

typedef struct cli_arguments {
    const char *home, *host, *user, *database, *tls, *authority, *password_file, *output;
    int64_t port;
    rdb_option_list commands, files, variables;
    bool home_given, host_given, port_given, tuples_only;
} cli_arguments;

static const char *const OUTPUTS[] = {"table", "csv", "json", "expanded", "unaligned", NULL};
static const char *const TLS_MODES[] = {"prefer", "require", "disable", NULL};

#define FIELD(name) RDB_OPTION_FIELD(cli_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .given = FIELD(home_given), .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME): connect to its Unix socket, or open it where no server runs"},
    {.letter = 'h', .name = "host", .value = "HOST", .field = FIELD(host), .given = FIELD(host_given), .environment = "PGHOST", .help = "connect to HOST over TCP, or to a directory of Unix sockets"},
    {.letter = 'p', .name = "port", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(port), .given = FIELD(port_given), .environment = "PGPORT", .standard = "5432", .min = 1, .max = 65535, .help = "TCP port, or number of the Unix socket"},
    {.letter = 'U', .name = "user", .value = "NAME", .aliases = "username", .field = FIELD(user), .environment = "PGUSER", .standard = "admin", .help = "role to connect as"},
    {.letter = 'd', .name = "dbname", .value = "NAME", .field = FIELD(database), .environment = "PGDATABASE", .standard = "rustydb", .help = "database to connect to"},
    {.name = "password-file", .value = "FILE", .field = FIELD(password_file), .help = "take the password from the first line of FILE; otherwise from PGPASSWORD or the terminal"},
    {.name = "tls", .kind = RDB_OPT_CHOICE, .value = "MODE", .choices = TLS_MODES, .field = FIELD(tls), .standard = "prefer", .help = "encryption over TCP: prefer, require or disable"},
    {.name = "ca", .value = "FILE", .field = FIELD(authority), .help = "refuse a server whose certificate FILE did not sign"},
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
