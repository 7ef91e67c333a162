/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-backup. */
#ifndef RDB_BACKUP_OPTIONS_H
#define RDB_BACKUP_OPTIONS_H

#include "backup/rdb_backup_console.h"

struct rdb_backup_arguments {
    const char *home, *output, *type, *compress, *name, *base, *rate, *level, *backup;
    const char *key_file, *passphrase_file, *certificate, *identity, *new_key_file, *new_passphrase_file;
    const char *keep_size, *query, *scratch, *unit_directory;
    int64_t thread_count, keep_full, keep_days, keep_daily, keep_weekly, keep_monthly, keep_yearly;
    bool encrypt, verify, dry_run, json, include_secrets, level_given, compress_given, install, full_speed;
};

static const char *const VERIFY_LEVELS[] = {"meta", "hash", "page", "replay", NULL};

#define FIELD(name) RDB_OPTION_FIELD(rdb_backup_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .environment = "RUSTYDB_HOME", .help = "instance directory (or RUSTYDB_HOME)"},
    {.letter = 'o', .name = "output", .value = "PATH", .aliases = "repository", .field = FIELD(output), .environment = "RUSTYDB_BACKUP", .help = "the repository: a directory, s3://bucket/prefix, sftp://user@host/path, or - for a tar on stdout (or RUSTYDB_BACKUP)"},
    {.letter = 't', .name = "type", .kind = RDB_OPT_CHOICE, .value = "TYPE", .choices = RDB_BACKUP_TYPES, .field = FIELD(type), .standard = "full", .help = "full, incremental (on the newest backup), differential (on the newest full one), pitr-base (full, for archived WAL)"},
    {.name = "base", .value = "ID", .aliases = "base-backup", .field = FIELD(base), .help = "what an incremental or differential builds on; standard: the newest that fits"},
    {.letter = 'n', .name = "name", .value = "TEXT", .field = FIELD(name), .help = "a label to find the backup by"},
    {.letter = 'b', .name = "backup", .value = "ID", .field = FIELD(backup), .standard = "latest", .help = "which backup info and verify mean: an ID, the beginning of one, latest, latest-full"},
    {.letter = 'c', .name = "compress", .value = "METHOD", .field = FIELD(compress), .given = FIELD(compress_given), .standard = "zstd", .help = "none, lz4, zstd or snappy; with a level as in zstd:9"},
    {.letter = 'e', .name = "encrypt", .kind = RDB_OPT_FLAG, .field = FIELD(encrypt), .help = "a new repository is encrypted (AES-256-GCM) for the key or passphrase given"},
    RDB_BACKUP_KEY_OPTIONS,
    {.name = "new-key-file", .value = "FILE", .field = FIELD(new_key_file), .help = "for recipients add: the key that shall open the repository too"},
    {.name = "new-passphrase-file", .value = "FILE", .field = FIELD(new_passphrase_file), .help = "for recipients add: likewise a passphrase"},
    {.name = "certificate", .value = "FILE", .field = FIELD(certificate), .help = "the certificate of a recipient in PEM, for a new repository or recipients add"},
    {.name = "include-secrets", .kind = RDB_OPT_FLAG, .field = FIELD(include_secrets), .help = "conf/secrets too, into a repository that is not encrypted"},
    {.name = "rate", .value = "SIZE", .field = FIELD(rate), .help = "read at most so much a second, such as 50MB"},
    {.name = "full-speed", .kind = RDB_OPT_FLAG, .field = FIELD(full_speed), .help = "do not step behind a server that is at work (nice, ionice, rests as its clients need them, a checkpoint without haste); standard: its clients come first"},
    {.name = "verify", .kind = RDB_OPT_FLAG, .field = FIELD(verify), .help = "check the backup when it is written"},
    {.name = "level", .kind = RDB_OPT_CHOICE, .value = "LEVEL", .choices = VERIFY_LEVELS, .field = FIELD(level), .standard = "hash", .given = FIELD(level_given), .help = "what verify looks at: meta (manifests, objects and their sizes), hash (every byte), page (every page's checksum too), replay (restored beside, opened and verified row by row)"},
    {.letter = 'q', .name = "query", .value = "SQL", .field = FIELD(query), .help = "drill: a question to ask of database rustydb; its answer goes on record"},
    {.name = "scratch", .value = "DIR", .field = FIELD(scratch), .environment = "TMPDIR", .help = "where drill, merge and verify --level replay lay out what they need for a while (or TMPDIR; standard: /tmp)"},
    {.name = "install", .kind = RDB_OPT_FLAG, .field = FIELD(install), .help = "schedule: put the entries where cron or systemd finds them, in place of those of this instance"},
    {.name = "unit-dir", .value = "DIR", .field = FIELD(unit_directory), .standard = "/etc/systemd/system", .help = "schedule: where systemd looks for units"},
    {.name = "keep-full", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(keep_full), .standard = "0", .max = 100000, .help = "expire: keep the newest N full backups and all since"},
    {.name = "keep-days", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(keep_days), .standard = "0", .max = 100000, .help = "expire: keep what reaches every moment of the last N days"},
    {.name = "keep-daily", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(keep_daily), .standard = "0", .max = 100000, .help = "expire: keep the newest of each of N days"},
    {.name = "keep-weekly", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(keep_weekly), .standard = "0", .max = 100000, .help = "... of N weeks"},
    {.name = "keep-monthly", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(keep_monthly), .standard = "0", .max = 100000, .help = "... of N months"},
    {.name = "keep-yearly", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(keep_yearly), .standard = "0", .max = 100000, .help = "... of N years"},
    {.name = "keep-size", .value = "SIZE", .field = FIELD(keep_size), .help = "expire: then remove the oldest chains until the rest takes at most SIZE; the newest chain stays"},
    {.name = "dry-run", .kind = RDB_OPT_FLAG, .field = FIELD(dry_run), .help = "say what would be done; change nothing"},
    RDB_BACKUP_WORK_OPTIONS,
};
#undef FIELD

static const char *const USAGES[] = {
    "[backup] --home DIR --output PATH [OPTION]...",
    "list --output PATH",
    "info --output PATH [--backup ID]",
    "verify --output PATH [--backup ID] [--level LEVEL]",
    "expire --output PATH --keep-RULE N... [--dry-run]",
    "why-kept --output PATH --keep-RULE N...",
    "recipients --output PATH [add | remove NUMBER]",
    "merge --output PATH [--name TEXT] [--scratch DIR]",
    "drill --output PATH [--backup ID] [--scratch DIR] [--query SQL]",
    "schedule --home DIR --output PATH [cron | systemd] [--install]",
    "catalog --output PATH [--home DIR]",
    "archive --output PATH FILE",
    "point --home DIR NAME",
    NULL};

static const rdb_program PROGRAM = {
    .name = "rdb-backup",
    .summary = "back an instance up, running or stopped, and look after its backups",
    .operands = "COMMAND",
    .operands_max = 3,
    .usages = USAGES,
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
};

#endif
