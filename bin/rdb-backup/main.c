/* SPDX-License-Identifier: Apache-2.0
 * rdb-backup: which command is meant. */
#include "options.h"

#include "backup.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct command {
    const char *name;
    int (*run)(backup_work *work);
} COMMANDS[] = {
    {"backup", command_backup}, {"list", command_list}, {"info", command_info}, {"verify", command_verify}, {"recipients", command_recipients},
    {"expire", command_expire}, {"why-kept", command_expire}, {"drill", command_drill}, {"schedule", command_schedule},
    {"archive", command_archive}, {"point", command_point},
};

int report(backup_work *work)
{
    return rdb_backup_report_error(work->program, work->arguments->json, &work->err);
}

void print_json(json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    puts(text != NULL ? text : "{}");
    free(text);
}

bool open_repository(backup_work *work)
{
    rdb_repository_options options = {.url = work->arguments->output, .keys = work->keys};
    return rdb_repository_open(&work->repository, &options, &work->err);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < RDB_COUNT_OF(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

int main(int argc, char **argv)
{
    backup_arguments arguments = {0};
    backup_work work = {.program = &PROGRAM, .arguments = &arguments};
    rdb_operands operands;
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    const char *name = operands.count > 0 ? operands.items[0] : "backup";
    const struct command *command = find_command(name);
    if (command == NULL) {
        const char *names[RDB_COUNT_OF(COMMANDS)];
        for (size_t i = 0; i < RDB_COUNT_OF(COMMANDS); i++)
            names[i] = COMMANDS[i].name;
        const char *near = rdb_nearest_word(name, names, RDB_COUNT_OF(names));
        return near != NULL ? rdb_options_refuse(&PROGRAM, "unknown command \"%s\"; did you mean \"%s\"?", name, near) : rdb_options_refuse(&PROGRAM, "unknown command \"%s\"", name);
    }
    if (arguments.output == NULL && command->run != command_point)
        return rdb_options_refuse(&PROGRAM, "no repository was named: use --output PATH or set RUSTYDB_BACKUP");
    work.command = name;
    work.operands = operands.count > 0 ? (rdb_operands){operands.items + 1, operands.count - 1} : (rdb_operands){0};
    work.keys = (rdb_backup_keys){arguments.key_file, arguments.passphrase_file, arguments.certificate, arguments.identity, rdb_backup_ask_passphrase, NULL};
    work.thread_count = arguments.thread_count > 0 ? (uint32_t)arguments.thread_count : rdb_backup_standard_threads();
    work.arena = rdb_arena_create("backup", NULL, NULL);
    if (work.arena == NULL) {
        rdb_error_set(&work.err, RDB_OUT_OF_MEMORY, "out of memory");
        return report(&work);
    }
    rdb_backup_console_begin(&work.console, &PROGRAM, arguments.json);
    exit_code = command->run(&work);
    rdb_backup_console_end(&work.console);
    rdb_repository_close(&work.repository);
    rdb_arena_destroy(work.arena);
    rdb_error_clear(&work.err);
    return exit_code;
}
