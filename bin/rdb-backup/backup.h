/* SPDX-License-Identifier: Apache-2.0
 * What the commands of rdb-backup share. Each answers with the program's exit code. */
#ifndef RDB_BACKUP_PROGRAM_H
#define RDB_BACKUP_PROGRAM_H

#include "backup/rdb_backup.h"
#include "backup/rdb_backup_console.h"

#include <jansson.h>

typedef struct backup_arguments backup_arguments;
typedef struct backup_work {
    const rdb_program *program;
    const backup_arguments *arguments;
    const char *command;
    rdb_operands operands; /* behind the command */
    rdb_backup_console console;
    rdb_backup_keys keys;
    uint32_t thread_count;
    rdb_arena *arena;
    rdb_repository *repository;
    rdb_error err;
} backup_work;

int command_backup(backup_work *work);
int command_list(backup_work *work);
int command_info(backup_work *work);
int command_verify(backup_work *work);
int command_expire(backup_work *work); /* why-kept too */
int command_drill(backup_work *work);
int command_schedule(backup_work *work);
int command_archive(backup_work *work);
int command_point(backup_work *work);
int command_recipients(backup_work *work);

bool open_repository(backup_work *work); /* one that is there */
int report(backup_work *work);           /* the work's error */
void print_json(json_t *json);           /* a line on stdout; takes the object */
/* What a backup is, in one object: without its files and objects. */
json_t *summarise(const rdb_manifest *manifest);
/* Prints what was found; exit code 6 where it is anything. */
int check_backup(backup_work *work, const rdb_manifest *manifest, rdb_verify_level level);

#endif
