/* SPDX-License-Identifier: Apache-2.0
 * Everything a user can type after rdb-restore. */
#ifndef RDB_RESTORE_OPTIONS_H
#define RDB_RESTORE_OPTIONS_H

#include "backup/rdb_backup.h"
#include "base/rdb_options.h"

typedef struct restore_arguments {
    const char *home, *input, *backup;
    const char *key_file, *passphrase_file, *identity;
    int64_t thread_count;
    bool dry_run, json;
} restore_arguments;

#define FIELD(name) RDB_OPTION_FIELD(restore_arguments, name)
static const rdb_option OPTIONS[] = {
    {.letter = 'H', .name = "home", .value = "DIR", .field = FIELD(home), .environment = "RUSTYDB_HOME", .help = "instance directory to make (or RUSTYDB_HOME)"},
    {.letter = 'i', .name = "input", .value = "PATH", .aliases = "repository", .field = FIELD(input), .environment = "RUSTYDB_BACKUP", .help = "the repository: a directory (or RUSTYDB_BACKUP)"},
    {.letter = 'b', .name = "backup", .value = "ID", .field = FIELD(backup), .standard = "latest", .help = "which backup: an ID, the beginning of one, latest, latest-full"},
    {.name = "key-file", .value = "FILE", .field = FIELD(key_file), .help = "the key of an encrypted repository"},
    {.name = "passphrase-file", .value = "FILE", .field = FIELD(passphrase_file), .help = "a file whose first line is the passphrase; without it a terminal is asked"},
    {.name = "identity", .value = "FILE", .field = FIELD(identity), .help = "the private key of a certificate that the repository is encrypted for, in PEM"},
    {.letter = 'j', .name = "threads", .kind = RDB_OPT_COUNT, .value = "N", .field = FIELD(thread_count), .standard = "0", .min = 0, .max = 64, .help = "work with N threads; 0: as many as processors, at most 4"},
    {.name = "dry-run", .kind = RDB_OPT_FLAG, .field = FIELD(dry_run), .help = "say what would be restored; change nothing"},
    {.name = "json", .kind = RDB_OPT_FLAG, .field = FIELD(json), .help = "print the result as one JSON object"},
};
#undef FIELD

static const rdb_program PROGRAM = {
    .name = "rdb-restore",
    .summary = "make an instance of a backup",
    .options = OPTIONS,
    .option_count = RDB_COUNT_OF(OPTIONS),
};

#endif
