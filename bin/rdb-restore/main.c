/* SPDX-License-Identifier: Apache-2.0
 * rdb-restore: which command is meant. */
#include "options.h"

#include "restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct command {
    const char *name;
    int (*run)(restore_work *work);
} COMMANDS[] = {{"restore", command_restore}, {"timeline", command_timeline}, {"fetch", command_fetch}};

int report(restore_work *work)
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

int main(int argc, char **argv)
{
    restore_arguments arguments = {0};
    restore_work work = {.program = &PROGRAM, .arguments = &arguments};
    rdb_operands operands;
    const struct command *command = NULL;
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    const char *name = operands.count > 0 ? operands.items[0] : "restore";
    for (size_t i = 0; i < RDB_COUNT_OF(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            command = &COMMANDS[i];
    if (command == NULL)
        return rdb_options_refuse(&PROGRAM, "unknown command \"%s\"", name);
    if (arguments.input == NULL)
        return rdb_options_refuse(&PROGRAM, "no repository was named: use --input PATH or set RUSTYDB_BACKUP");
    work.operands = operands.count > 0 ? (rdb_operands){operands.items + 1, operands.count - 1} : (rdb_operands){0};
    work.thread_count = arguments.thread_count > 0 ? (uint32_t)arguments.thread_count : rdb_backup_standard_threads();
    work.arena = rdb_arena_create("restore", NULL, NULL);
    if (work.arena == NULL) {
        rdb_error_set(&work.err, RDB_OUT_OF_MEMORY, "out of memory");
        return report(&work);
    }
    rdb_backup_console_begin(&work.console, &PROGRAM, arguments.json);
    rdb_repository_options place = {.url = arguments.input, .keys = {arguments.key_file, arguments.passphrase_file, NULL, arguments.identity, rdb_backup_ask_passphrase, NULL}};
    /* A stream is unpacked beside the instance: it is a repository then. */
    char spooled[1024] = "";
    if (strcmp(arguments.input, "-") == 0) {
        if (arguments.home == NULL)
            return rdb_options_refuse(&PROGRAM, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
        snprintf(spooled, sizeof spooled, "%.1000s.stream-XXXXXX", arguments.home);
        bool ok = mkdtemp(spooled) != NULL || rdb_error_set_errno(&work.err, errno, "no directory can be made beside \"%s\"", arguments.home);
        if (!ok)
            spooled[0] = '\0';
        place.url = spooled;
        if (ok && !rdb_repository_spool(STDIN_FILENO, spooled, &work.err))
            ok = false;
    }
    exit_code = !rdb_error_is_set(&work.err) && rdb_repository_open(&work.repository, &place, &work.err) ? command->run(&work) : report(&work);
    rdb_backup_console_end(&work.console);
    rdb_repository_close(&work.repository);
    rdb_error ignored = {0};
    if (spooled[0] != '\0' && !rdb_path_remove_tree(spooled, &ignored))
        rdb_error_clear(&ignored);
    rdb_arena_destroy(work.arena);
    rdb_error_clear(&work.err);
    return exit_code;
}
