/* SPDX-License-Identifier: Apache-2.0
 * rdb-cli: the SQL shell. Connects (connect.c), and runs what the command line, a script or a person says. */
#include "options.h"

#include "os/rdb_os.h"
#include "shell.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#define COPY_BUFFER_BYTES 65536u

static bool set_variables(cli_shell *shell, const rdb_option_list *variables, rdb_error *err)
{
    for (uint32_t variable_no = 0; variable_no < variables->count; variable_no++) {
        char name[256];
        const char *item = variables->items[variable_no], *equals = strchr(item, '=');
        if (equals == NULL || equals == item || (size_t)(equals - item) >= sizeof name)
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "--variable takes NAME=VALUE, not \"%s\"", item);
        snprintf(name, sizeof name, "%.*s", (int)(equals - item), item);
        if (!cli_variable_set(shell, name, equals + 1, err))
            return false;
    }
    return true;
}

static void free_shell(cli_shell *shell)
{
    uint32_t cursor = 0;
    rdb_slice key;
    for (void *value; shell->variables != NULL && rdb_map_next(shell->variables, &cursor, &key, &value);)
        free(value);
    rdb_map_destroy(shell->variables);
    rdb_strbuf_free(&shell->buffer);
    rdb_strbuf_free(&shell->previous);
    rdb_strbuf_free(&shell->edited);
    rdb_arena_destroy(shell->printer.arena);
    free((char *)(uintptr_t)shell->printer.null_text);
    free(shell->copy_buffer);
}

static bool run_all(cli_shell *shell, const cli_arguments *arguments, int *exit_code)
{
    bool ok = true;
    for (uint32_t command_no = 0; ok && !shell->wants_quit && command_no < arguments->commands.count; command_no++) {
        const char *command = arguments->commands.items[command_no];
        ok = cli_run_script(shell, "command", command, strlen(command), exit_code);
    }
    for (uint32_t file_no = 0; ok && !shell->wants_quit && file_no < arguments->files.count; file_no++)
        ok = cli_run_file(shell, arguments->files.items[file_no], exit_code);
    return ok;
}

int main(int argc, char **argv)
{
    cli_arguments arguments = {0};
    rdb_operands operands;
    rdb_error err = {0};
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    /* Widths of characters need a locale that knows UTF-8, which is what the server sends. */
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    rdb_client_place place;
    if (!rdb_client_place_take(&place, &PROGRAM, &arguments.server, arguments.database, &exit_code))
        return exit_code;
    cli_shell shell = {.place = &place, .printer = {.target = stdout, .tuples_only = arguments.tuples_only}};
    shell.printer.arena = rdb_arena_create("result", NULL, NULL);
    shell.copy_buffer = malloc(COPY_BUFFER_BYTES);
    shell.variables = rdb_map_create();
    rdb_strbuf_init(&shell.buffer, NULL);
    rdb_strbuf_init(&shell.previous, NULL);
    rdb_strbuf_init(&shell.edited, NULL);
    bool ok = true;
    if (shell.printer.arena == NULL || shell.copy_buffer == NULL || shell.variables == NULL)
        ok = rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    exit_code = RDB_EXIT_USAGE;
    ok = ok && set_variables(&shell, &arguments.variables, &err) && cli_format_parse(arguments.output, &shell.printer.format) &&
         rdb_client_connect(&shell.client, &place, &cli_shell_sink, &exit_code, &err);
    if (!ok) {
        rdb_options_report(&PROGRAM, false, &err);
    } else if (arguments.commands.count > 0 || arguments.files.count > 0) {
        exit_code = RDB_EXIT_DONE;
        ok = run_all(&shell, &arguments, &exit_code);
    } else if (isatty(STDIN_FILENO)) {
        shell.is_interactive = true;
        exit_code = cli_run_interactive(&shell);
    } else {
        exit_code = RDB_EXIT_DONE;
        ok = cli_run_file(&shell, "-", &exit_code);
    }
    if (fflush(shell.printer.target) != 0 || ferror(shell.printer.target)) {
        fprintf(stderr, "rdb-cli: error: the output could not be written\n");
        exit_code = exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
    }
    if (shell.printer.target != stdout)
        fclose(shell.printer.target);
    rdb_client_disconnect(&shell.client, &place);
    rdb_client_place_free(&place);
    free_shell(&shell);
    rdb_error_clear(&err);
    return exit_code;
}
