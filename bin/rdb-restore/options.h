/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-restore. */
#ifndef RDB_RESTORE_OPTIONS_H
#define RDB_RESTORE_OPTIONS_H

#include "backup/rdb_backup_console.h"

struct rdb_backup_arguments {
    const char *home, *input, *backup;
    const char *key_file, *passphrase_file, *identity;
    int64_t thread_count;
    const char *target_time, *target_scn, *target_xid, *target_lsn, *target_name, *target_timeline, *action, *archive, *table, *as, *database, *page;
    rdb_option_list map;
    bool target_immediate, target_latest, exclusive, replace, delta, keep_archiving, dry_run, json, backup_given;
};

static const char *const TARGET_ACTIONS[] = {"promote", "shutdown", NULL};

#define FIELD(name) RDB_OPTION_FIELD(rdb_backup_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .environment = "RUSTYDB_HOME", .help = "instance directory to make (or RUSTYDB_HOME)"},
    {.letter = 'i', .name = "input", .value = "PATH", .aliases = "repository", .field = FIELD(input), .environment = "RUSTYDB_BACKUP", .help = "the repository: a directory, s3://bucket/prefix, sftp://user@host/path, or - for the tar that rdb-backup --output - wrote (or RUSTYDB_BACKUP)"},
    {.letter = 'b', .name = "backup", .value = "ID", .field = FIELD(backup), .given = FIELD(backup_given), .standard = "latest", .help = "which backup: an ID, the beginning of one, latest, latest-full; with a target the newest that serves it"},
    {.letter = 'T', .name = "target-time", .value = "TIME", .aliases = "recovery-target-time", .field = FIELD(target_time), .help = "go to this moment, with its zone, such as 2026-11-21T14:02:00+01:00"},
    {.name = "target-scn", .value = "SCN", .field = FIELD(target_scn), .help = "go to this system change number"},
    {.name = "target-xid", .value = "XID", .aliases = "target-txn recovery-target-txid", .field = FIELD(target_xid), .help = "go to the end of this transaction; PDB:XID where its number is another database's too"},
    {.name = "target-lsn", .value = "LSN", .field = FIELD(target_lsn), .help = "go to this position of the log"},
    {.name = "target-name", .value = "NAME", .field = FIELD(target_name), .help = "go to a restore point (rdb-backup point NAME, rdb_create_restore_point)"},
    {.name = "target-immediate", .kind = RDB_OPT_FLAG, .field = FIELD(target_immediate), .help = "stop where the backup ends, which is the standard"},
    {.name = "target-latest", .kind = RDB_OPT_FLAG, .field = FIELD(target_latest), .help = "go to the end of the archived log"},
    {.name = "exclusive", .kind = RDB_OPT_FLAG, .field = FIELD(exclusive), .help = "stop just before the target, not behind it"},
    {.name = "target-timeline", .value = "NUMBER", .field = FIELD(target_timeline), .standard = "latest", .help = "which way to follow: latest, current, or a timeline's number"},
    {.name = "target-action", .kind = RDB_OPT_CHOICE, .value = "ACTION", .choices = TARGET_ACTIONS, .field = FIELD(action), .standard = "promote", .help = "what the first start does at the target: promote (open), shutdown"},
    {.letter = 'A', .name = "archive", .value = "DIR", .aliases = "archive-dir", .field = FIELD(archive), .help = "where the archived log lies; standard: the repository's own wal"},
    {.name = "keep-archiving", .kind = RDB_OPT_FLAG, .field = FIELD(keep_archiving), .help = "an instance in a new place goes on archiving its log where the backup's did; standard: it does not, so that a copy cannot mix with its origin"},
    {.name = "table", .value = "NAME", .field = FIELD(table), .help = "copy this table ([DATABASE.][SCHEMA.]TABLE) out of the backup into the running instance in DIR"},
    {.name = "database", .value = "NAME", .field = FIELD(database), .help = "copy this database out of the backup into the running instance in DIR, by pg_dump and psql"},
    {.name = "as", .value = "NAME", .field = FIELD(as), .help = "... under this name ([SCHEMA.]TABLE, or a database's)"},
    {.name = "page", .value = "PAGE:BLOCK", .field = FIELD(page), .help = "make one broken page of the instance in DIR again, by a backup and all log since, while it is served or at rest: PAGE is a file below data/ (tables/17/16384:2) or, served, a relation ([DATABASE.][SCHEMA.]NAME)"},
    {.name = "map", .kind = RDB_OPT_LIST, .value = "KEY=VALUE", .field = FIELD(map), .help = "in the new place this setting has this value, such as server.listen_port=5433; again for each"},
    {.name = "replace", .kind = RDB_OPT_FLAG, .aliases = "force", .field = FIELD(replace), .help = "over the instance in DIR, whose data is kept aside as data.before-TIME"},
    {.name = "delta", .kind = RDB_OPT_FLAG, .field = FIELD(delta), .help = "over the instance in DIR: only what differs is written"},
    {.name = "dry-run", .kind = RDB_OPT_FLAG, .field = FIELD(dry_run), .help = "say what would be restored; change nothing"},
    RDB_BACKUP_KEY_OPTIONS,
    RDB_BACKUP_WORK_OPTIONS,
};
#undef FIELD

static const char *const USAGES[] = {
    "--input PATH --home DIR [OPTION]...",
    "--input PATH --home DIR --table NAME [--as NAME] [OPTION]...",
    "--input PATH --home DIR --database NAME [--as NAME] [OPTION]...",
    "--input PATH --home DIR --page PAGE:BLOCK [OPTION]...",
    "timeline --input PATH [--archive DIR]",
    "fetch --input PATH NAME FILE",
    NULL};

static const rdb_program PROGRAM = {
    .name = "rdb-restore",
    .summary = "make an instance of a backup",
    .operands = "COMMAND",
    .operands_max = 3,
    .usages = USAGES,
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
};

#endif
