/* SPDX-License-Identifier: Apache-2.0
 * What the commands of rdb-restore share. Each answers with the program's exit code. */
#ifndef RDB_RESTORE_PROGRAM_H
#define RDB_RESTORE_PROGRAM_H

#include "backup/rdb_backup.h"
#include "backup/rdb_backup_console.h"
#include "backup/rdb_backup_server.h"

typedef rdb_backup_arguments restore_arguments;
typedef rdb_backup_work restore_work;

int command_restore(restore_work *work);
int command_timeline(restore_work *work);
int command_fetch(restore_work *work);
int command_table(restore_work *work);
int command_database(restore_work *work);
int command_page(restore_work *work);

/* What the options say of the target; *has_target false: nothing. 22023 for two of them. */
bool read_target(restore_work *work, rdb_recovery_target *target, bool *has_target);
/* A directory with the archived log: the one named, the repository's own, or a copy of that beside home, which staged then names. */
bool find_archive(restore_work *work, const char *home, char directory[1024], char staged[1024]);
/* The newest backup that serves the target, or the one named, and where its log is. */
bool choose_backup(restore_work *work, const char *home, rdb_recovery_target *target, bool has_target, rdb_manifest **manifest, char staged[1024]);

/* What the options mean, restored beside the instance and served there; dropped in any case. */
typedef struct scratch_copy {
    char home[4200], staged[1024];
    rdb_manifest *manifest;
    rdb_scratch *server;
} scratch_copy;
bool scratch_make(restore_work *work, scratch_copy *copy);
void scratch_drop(scratch_copy *copy);

#endif
