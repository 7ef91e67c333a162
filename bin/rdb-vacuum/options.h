/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-vacuum. */
#ifndef RDB_VACUUM_OPTIONS_H
#define RDB_VACUUM_OPTIONS_H

#include "base/rdb_options.h"

typedef struct vacuum_arguments {
    const char *home, *host, *user, *tls, *authority, *password_file;
    int64_t port;
    rdb_option_list tables;
    bool home_given, host_given, port_given;
    bool analyze, full, verify, files_only, verbose, json;
} vacuum_arguments;

static const char *const TLS_MODES[] = {"prefer", "require", "disable", NULL};

#define FIELD(name) RDB_OPTION_FIELD(vacuum_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .given = FIELD(home_given), .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME): connect to its Unix socket, or open it where no server runs"},
    {.letter = 'h', .name = "host", .value = "HOST", .field = FIELD(host), .given = FIELD(host_given), .environment = "PGHOST", .help = "connect to HOST over TCP, or to a directory of Unix sockets"},
    {.letter = 'p', .name = "port", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(port), .given = FIELD(port_given), .environment = "PGPORT", .standard = "5432", .min = 1, .max = 65535, .help = "TCP port, or number of the Unix socket"},
    {.letter = 'U', .name = "user", .value = "NAME", .aliases = "username", .field = FIELD(user), .environment = "PGUSER", .standard = "admin", .help = "role to connect as"},
    {.name = "password-file", .value = "FILE", .field = FIELD(password_file), .help = "take the password from the first line of FILE; otherwise from PGPASSWORD"},
    {.name = "tls", .kind = RDB_OPT_CHOICE, .value = "MODE", .choices = TLS_MODES, .field = FIELD(tls), .standard = "prefer", .help = "encryption over TCP: prefer, require or disable"},
    {.name = "ca", .value = "FILE", .field = FIELD(authority), .help = "refuse a server whose certificate FILE did not sign"},
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
