/* SPDX-License-Identifier: Apache-2.0
 * rdb-restore: which command is meant, and where the repository is. */
#include "options.h"

#include "restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const rdb_backup_command COMMANDS[] = {{"restore", command_restore}, {"timeline", command_timeline}, {"fetch", command_fetch}};

/* A stream is unpacked beside the instance: it is a repository then. */
static bool open_input(restore_work *work, char spooled[1024])
{
    const restore_arguments *a = work->arguments;
    rdb_repository_options place = {.url = a->input, .keys = work->keys};
    spooled[0] = '\0';
    if (strcmp(a->input, "-") == 0) {
        snprintf(spooled, 1024, "%.1000s.stream-XXXXXX", a->home);
        if (mkdtemp(spooled) == NULL) {
            spooled[0] = '\0';
            return rdb_error_set_errno(&work->err, errno, "no directory can be made beside \"%s\"", a->home);
        }
        place.url = spooled;
        if (!rdb_repository_spool(STDIN_FILENO, spooled, &work->err))
            return false;
    }
    return rdb_repository_open(&work->repository, &place, &work->err);
}

int main(int argc, char **argv)
{
    restore_arguments arguments = {0};
    restore_work work = {.program = &PROGRAM, .arguments = &arguments};
    char spooled[1024];
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &work.operands, &exit_code))
        return exit_code;
    const rdb_backup_command *command = rdb_backup_find_command(COMMANDS, RDB_COUNT_OF(COMMANDS), &PROGRAM, &work.operands, &exit_code);
    if (command == NULL)
        return exit_code;
    if (arguments.input == NULL)
        return rdb_options_refuse(&PROGRAM, "no repository was named: use --input PATH or set RUSTYDB_BACKUP");
    if (arguments.home == NULL && (command->run == command_restore || strcmp(arguments.input, "-") == 0))
        return rdb_options_refuse(&PROGRAM, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    work.command = command->name;
    work.keys = (rdb_backup_keys){arguments.key_file, arguments.passphrase_file, NULL, arguments.identity, NULL, NULL};
    work.thread_count = (uint32_t)arguments.thread_count;
    work.json = arguments.json;
    if (!rdb_backup_work_begin(&work, &exit_code))
        return exit_code;
    exit_code = open_input(&work, spooled) ? command->run(&work) : rdb_backup_work_report(&work);
    rdb_error ignored = {0};
    if (spooled[0] != '\0' && !rdb_path_remove_tree(spooled, &ignored))
        rdb_error_clear(&ignored);
    rdb_backup_work_end(&work);
    return exit_code;
}
