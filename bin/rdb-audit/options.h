/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-audit. */
#ifndef RDB_AUDIT_OPTIONS_H
#define RDB_AUDIT_OPTIONS_H

#include "base/rdb_options.h"

typedef struct audit_arguments {
    const char *home, *directory, *public_key;
    const char *since, *until, *role, *database, *client, *application, *session, *object, *column, *action, *outcome, *code, *text, *format;
    const char *checkpoint;
    rdb_option_list classes, witnesses;
    int64_t count, first, last;
    bool follow, json, quiet, home_given;
} audit_arguments;

static const char *const FORMATS[] = {"table", "line", "csv", "json", NULL};
static const char *const OUTCOMES[] = {"success", "failure", "rolled back", "open", NULL};

#define FIELD(name) RDB_OPTION_FIELD(audit_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .given = FIELD(home_given), .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME)"},
    {.letter = 'd', .name = "directory", .value = "DIR", .field = FIELD(directory), .help = "directory with audit.log and audit.heads; standard: logs in the instance"},
    {.letter = 'k', .name = "public-key", .value = "FILE", .field = FIELD(public_key), .help = "verify: the key that signed the heads; standard: conf/audit.pub in the instance"},
    {.letter = 'w', .name = "witness", .kind = RDB_OPT_LIST, .value = "FILE", .field = FIELD(witnesses), .help = "verify: a file of heads that was kept elsewhere, which the log must agree with; may be repeated"},
    {.letter = 's', .name = "since", .value = "TIME", .field = FIELD(since), .help = "records from TIME on: today, yesterday, this-week, this-month, recent, 90s, 10m, 2h, 7d, or 2026-11-21T14:03"},
    {.letter = 'e', .name = "until", .value = "TIME", .field = FIELD(until), .help = "records before TIME"},
    {.letter = 'r', .name = "role", .value = "PATTERN", .field = FIELD(role), .help = "of this role, logged in or taken on (* and ? stand for any letters and any one)"},
    {.letter = 'D', .name = "database", .value = "PATTERN", .field = FIELD(database), .help = "in this database"},
    {.letter = 'o', .name = "object", .value = "PATTERN", .field = FIELD(object), .help = "that touch this object, by name or schema.name"},
    {.name = "column", .value = "PATTERN", .field = FIELD(column), .help = "that touch this column"},
    {.letter = 'c', .name = "class", .kind = RDB_OPT_LIST, .value = "CLASS", .field = FIELD(classes), .help = "of this class: session, read, write (dml), function, role (dcl), ddl, misc, config, policy, tool; may be repeated"},
    {.letter = 'a', .name = "action", .value = "TEXT", .field = FIELD(action), .help = "whose action begins with TEXT, such as DROP"},
    {.name = "outcome", .kind = RDB_OPT_CHOICE, .value = "OUTCOME", .choices = OUTCOMES, .field = FIELD(outcome), .help = "success, failure, rolled back or open"},
    {.name = "code", .value = "SQLSTATE", .field = FIELD(code), .help = "that failed with this SQLSTATE, or one that begins so"},
    {.letter = 't', .name = "text", .value = "TEXT", .field = FIELD(text), .help = "with TEXT in the statement or the error"},
    {.letter = 'i', .name = "client", .value = "ADDRESS", .field = FIELD(client), .help = "from clients whose address begins so, or matches"},
    {.name = "application", .value = "PATTERN", .field = FIELD(application), .help = "from this application"},
    {.name = "session", .value = "ID", .field = FIELD(session), .help = "of one session"},
    {.name = "first", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(first), .standard = "0", .min = 0, .max = INT64_MAX, .help = "from record N on"},
    {.name = "last", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(last), .standard = "0", .min = 0, .max = INT64_MAX, .help = "up to record N"},
    {.letter = 'n', .name = "lines", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(count), .standard = "10", .min = 0, .max = 1000000, .help = "tail: show the last N records first"},
    {.letter = 'f', .name = "follow", .kind = RDB_OPT_FLAG, .field = FIELD(follow), .help = "tail: go on with what comes"},
    {.name = "format", .kind = RDB_OPT_CHOICE, .value = "FORMAT", .choices = FORMATS, .field = FIELD(format), .help = "table, line, csv or json"},
    {.name = "checkpoint", .value = "FILE", .field = FIELD(checkpoint), .help = "search: begin behind the record that FILE names, and name the last one there afterwards"},
    {.letter = 'q', .name = "quiet", .kind = RDB_OPT_FLAG, .field = FIELD(quiet), .help = "the exit code alone"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON, one object a line"},
};
#undef FIELD

static const char *const USAGES[] = {
    "tail [--follow] [--lines N] [CONDITION]...",
    "search [CONDITION]... [--format FORMAT]",
    "verify [--public-key FILE] [--witness FILE]...",
    NULL};

static const rdb_program PROGRAM = {
    .name = "rdb-audit",
    .summary = "read, search and prove the audit log of an instance",
    .operands = "COMMAND",
    .operands_max = 3,
    .usages = USAGES,
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
    .epilog = "Conditions are --since to --last above; all that are given must hold.\n"
              "Exit codes: 0 done, 1 nothing was found (search), 2 usage, 6 the log is not what was written, 130 interrupted.",
};

#endif
