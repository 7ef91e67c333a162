/* SPDX-License-Identifier: Apache-2.0
 * What the commands of rdb-backup share. Each answers with the program's exit code. */
#ifndef RDB_BACKUP_PROGRAM_H
#define RDB_BACKUP_PROGRAM_H

#include "backup/rdb_backup.h"
#include "backup/rdb_backup_console.h"

typedef rdb_backup_arguments backup_arguments;
typedef rdb_backup_work backup_work;

int command_backup(backup_work *work);
int command_list(backup_work *work);
int command_info(backup_work *work);
int command_verify(backup_work *work);
int command_expire(backup_work *work); /* why-kept too */
int command_merge(backup_work *work);
int command_drill(backup_work *work);
int command_schedule(backup_work *work);
int command_catalog(backup_work *work);
int command_archive(backup_work *work);
int command_point(backup_work *work);
int command_recipients(backup_work *work);

bool open_repository(backup_work *work); /* one that is there */
/* What a backup is, in one object: without its files and objects. */
json_t *summarise(const rdb_manifest *manifest);
/* Restores the backup beside, opens it and looks at every row of it: what no look at bytes can say. The work's error, where it is not sound. */
bool replay_backup(backup_work *work, rdb_manifest *manifest);
/* Prints what was found; exit code 6 where it is anything. */
typedef enum verify_level { VERIFY_META, VERIFY_HASH, VERIFY_PAGE, VERIFY_REPLAY } verify_level; /* the first three as rdb_verify_level */
int check_backup(backup_work *work, rdb_manifest *manifest, verify_level level);

#endif
