/* SPDX-License-Identifier: Apache-2.0
 * rdb-backup: which command is meant. */
#include "options.h"

#include "backup.h"

static const rdb_backup_command COMMANDS[] = {
    {"backup", command_backup}, {"list", command_list}, {"info", command_info}, {"verify", command_verify}, {"recipients", command_recipients},
    {"expire", command_expire}, {"why-kept", command_expire}, {"merge", command_merge}, {"drill", command_drill}, {"schedule", command_schedule},
    {"catalog", command_catalog}, {"archive", command_archive}, {"point", command_point},
};

bool open_repository(backup_work *work)
{
    rdb_repository_options options = {.url = work->arguments->output, .keys = work->keys};
    return rdb_repository_open(&work->repository, &options, &work->err);
}

int main(int argc, char **argv)
{
    backup_arguments arguments = {0};
    backup_work work = {.program = &PROGRAM, .arguments = &arguments};
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &work.operands, &exit_code))
        return exit_code;
    const rdb_backup_command *command = rdb_backup_find_command(COMMANDS, RDB_COUNT_OF(COMMANDS), &PROGRAM, &work.operands, &exit_code);
    if (command == NULL)
        return exit_code;
    if (arguments.output == NULL && command->run != command_point)
        return rdb_options_refuse(&PROGRAM, "no repository was named: use --output PATH or set RUSTYDB_BACKUP");
    work.command = command->name;
    work.keys = (rdb_backup_keys){arguments.key_file, arguments.passphrase_file, arguments.certificate, arguments.identity, NULL, NULL};
    work.thread_count = (uint32_t)arguments.thread_count;
    work.json = arguments.json;
    if (!rdb_backup_work_begin(&work, &exit_code))
        return exit_code;
    exit_code = command->run(&work);
    rdb_backup_work_end(&work);
    return exit_code;
}
