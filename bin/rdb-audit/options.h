/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-audit. */
#ifndef RDB_AUDIT_OPTIONS_H
#define RDB_AUDIT_OPTIONS_H

#include "client/rdb_client.h"

typedef struct audit_arguments {
    const char *home, *directory, *public_key;
    const char *since, *until, *role, *database, *client, *application, *session, *object, *column, *action, *outcome, *code, *text, *format;
    const char *checkpoint, *before, *to, *authority, *profile, *user;
    rdb_option_list classes, witnesses;
    int64_t count, first, last, interval;
    bool follow, json, quiet, dry_run, home_given;
} audit_arguments;

static const char *const FORMATS[] = {"table", "line", "csv", "json", "cef", "syslog", NULL};
static const char *const OUTCOMES[] = {"success", "failure", "rolled back", "open", NULL};

static const char *const PROFILE_NAMES[] = {"cis", "stig", NULL};

#define FIELD(name) RDB_OPTION_FIELD(audit_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .given = FIELD(home_given), .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME)"},
    {.letter = 'd', .name = "directory", .value = "DIR", .field = FIELD(directory), .help = "directory with audit.log and audit.heads; standard: logs in the instance"},
    {.letter = 'k', .name = "public-key", .value = "FILE", .field = FIELD(public_key), .help = "verify: the key that signed the heads; standard: conf/audit.pub in the instance"},
    {.letter = 'w', .name = "witness", .kind = RDB_OPT_LIST, .value = "FILE", .field = FIELD(witnesses), .help = "verify: a file of heads that was kept elsewhere, or the manifest.json of a backup, which the log must agree with; may be repeated"},
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
    {.name = "format", .kind = RDB_OPT_CHOICE, .value = "FORMAT", .choices = FORMATS, .field = FIELD(format), .help = "table, line, csv or json; export: json, cef or syslog (RFC 5424)"},
    {.name = "checkpoint", .value = "FILE", .field = FIELD(checkpoint), .help = "search, export: begin behind the record that FILE names, and name the last one there afterwards"},
    {.name = "to", .value = "WHERE", .field = FIELD(to), .help = "export: tls://HOST[:PORT] or a file; witness: a file, which grows by a line; standard: stdout"},
    {.name = "ca", .value = "FILE", .field = FIELD(authority), .help = "export: refuse a receiver whose certificate FILE did not sign"},
    {.name = "before", .value = "TIME", .field = FIELD(before), .help = "prune: records older than TIME, as far as whole files hold nothing newer"},
    {.letter = 'l', .name = "interval", .kind = RDB_OPT_COUNT, .value = "SECONDS", .field = FIELD(interval), .standard = "0", .min = 0, .max = 86400, .help = "witness: go on, every so many seconds; 0: once"},
    {.name = "profile", .kind = RDB_OPT_CHOICE, .value = "PROFILE", .choices = PROFILE_NAMES, .field = FIELD(profile), .help = "comply: the checks of cis or stig; standard: of both"},
    {.letter = 'U', .name = "user", .value = "NAME", .field = FIELD(user), .environment = "PGUSER", .standard = "admin", .help = "comply, policy: role to connect as"},
    {.name = "dry-run", .kind = RDB_OPT_FLAG, .field = FIELD(dry_run), .help = "say what would be done; change nothing"},
    {.letter = 'q', .name = "quiet", .kind = RDB_OPT_FLAG, .field = FIELD(quiet), .help = "the exit code alone; comply: leave out what passes"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print results as JSON, one object a line"},
};
#undef FIELD

static const char *const USAGES[] = {
    "tail [--follow] [--lines N] [CONDITION]...",
    "search [CONDITION]... [--format FORMAT]",
    "report logins | failures | ddl | grants | anomalies [CONDITION]...",
    "verify [--public-key FILE] [--witness FILE]...",
    "export [CONDITION]... [--format json | cef | syslog] [--to WHERE] [--checkpoint FILE]",
    "prune --before TIME [--dry-run]",
    "witness [--to FILE] [--interval SECONDS]",
    "comply --home DIR [--profile cis | stig]",
    "policy explain STATEMENT --home DIR [--database NAME]",
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
              "Exit codes: 0 done, 1 nothing was found (search), 2 usage, 4 no connection (export), 6 the log is not what was written (verify), a check fails (comply), 9 a check could not be judged (comply), 7 the statement is wrong (policy explain), 8 a server runs on the instance (prune), 10 refused (legal hold), 130 interrupted.",
};

#endif
