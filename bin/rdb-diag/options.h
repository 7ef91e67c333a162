/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-diag. */
#ifndef RDB_DIAG_OPTIONS_H
#define RDB_DIAG_OPTIONS_H

#include "client/rdb_client.h"

typedef struct diag_arguments {
    rdb_client_arguments server;
    const char *output, *facts;
    int64_t deadline_s, interval_s, count;
    bool json, files_only, preview;
} diag_arguments;

#define FIELD(name) RDB_OPTION_FIELD(diag_arguments, name)
static const rdb_option OPTIONS[] = {
    RDB_CLIENT_OPTIONS(diag_arguments, server),
    {.name = "files-only", .kind = RDB_OPT_FLAG, .field = FIELD(files_only), .help = "do not ask the server: only the machine and the instance's files"},
    {.name = "deadline", .kind = RDB_OPT_COUNT, .value = "SECONDS", .field = FIELD(deadline_s), .standard = "30", .min = 1, .max = 86400, .help = "take what is there after SECONDS"},
    {.name = "interval", .kind = RDB_OPT_COUNT, .value = "SECONDS", .field = FIELD(interval_s), .standard = "1", .min = 1, .max = 3600, .help = "top: how often to look"},
    {.letter = 'n', .name = "count", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(count), .standard = "0", .max = 1000000000, .help = "top: end after N looks; 0: at an interrupt"},
    {.name = "facts", .value = "FILE", .field = FIELD(facts), .help = "judge the facts of a bundle instead of an instance"},
    {.letter = 'o', .name = "output", .value = "FILE", .field = FIELD(output), .help = "where a bundle, or the page of logs, goes; - is stdout; salvage: the new instance"},
    {.name = "preview", .kind = RDB_OPT_FLAG, .field = FIELD(preview), .help = "show every value a bundle would hold, and write none"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON, one object a line"},
};
#undef FIELD

static const char *const USAGES[] = {
    "health --home DIR",
    "doctor --home DIR",
    "doctor --facts BUNDLE",
    "why blocked|full|slow|waiting --home DIR",
    "incidents --home DIR [FILE]",
    "bundle --home DIR --output FILE [--preview]",
    "top --home DIR [--interval SECONDS] [--count N]",
    "logs {--home DIR | FILE...} [--output PAGE.html]",
    "diff BUNDLE BUNDLE",
    "salvage --home DAMAGED --output NEW",
    NULL};

static const rdb_program PROGRAM = {
    .name = "rdb-diag",
    .summary = "tell how an instance is, what is wrong with it, and why",
    .operands = "COMMAND",
    .operands_min = 1,
    .operands_max = 64,
    .usages = USAGES,
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
    .epilog = "health, doctor: exit 0 where nothing is wrong, 9 with warnings, 6 with something critical, 4 where no server answers.\n"
              "Exit codes: 0 done, 1 failed, 2 usage, 4 no connection, 6 critical findings, 9 findings, or a part is missing or lost, 130 interrupted.",
};

#endif
