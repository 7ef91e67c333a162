/* SPDX-License-Identifier: Apache-2.0
 * rdb-cli: the SQL shell. Connects (connect.c), and runs what the command line, a script or a person says. */
#include "options.h"

#include "os/rdb_os.h"
#include "shell.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define COPY_BUFFER_BYTES 65536u

static const char *password_file; /* what ask_password reads; set before the connection is opened */

static void take_interrupt(int signal_no)
{
    (void)signal_no;
    cli_interrupted = 1;
}

static void cut_line_end(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
}

static bool read_first_line(FILE *file, char *text, size_t size)
{
    bool ok = file != NULL && fgets(text, (int)size, file) != NULL;
    if (ok)
        cut_line_end(text);
    if (file != NULL)
        fclose(file);
    return ok;
}

static bool ask_password(const char *user, char *password, size_t size)
{
    if (password_file != NULL)
        return read_first_line(fopen(password_file, "re"), password, size);
    const char *given = getenv("PGPASSWORD");
    if (given != NULL) {
        snprintf(password, size, "%s", given);
        return true;
    }
    FILE *terminal = fopen("/dev/tty", "r+e");
    struct termios before, silent;
    if (terminal == NULL || tcgetattr(fileno(terminal), &before) != 0) {
        if (terminal != NULL)
            fclose(terminal);
        return false;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
    fprintf(terminal, "Password of role %s: ", user);
    fflush(terminal);
    bool ok = fgets(password, (int)size, terminal) != NULL;
    tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    fputc('\n', terminal);
    fclose(terminal);
    if (ok)
        cut_line_end(password);
    return ok;
}

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
    if (arguments.home_given && arguments.host_given)
        return rdb_options_refuse(&PROGRAM, "--home and --host exclude one another");
    if (arguments.home == NULL && arguments.host == NULL)
        return rdb_options_refuse(&PROGRAM, "no server was named: use --home DIR (or set RUSTYDB_HOME) or --host HOST");
    /* Widths of characters need a locale that knows UTF-8, which is what the server sends. */
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    struct sigaction on_interrupt = {.sa_handler = take_interrupt}, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &on_interrupt, NULL); /* no SA_RESTART: a read of the terminal is to notice it */
    sigaction(SIGPIPE, &ignored, NULL);

    bool by_home = arguments.home_given || (arguments.home != NULL && !arguments.host_given);
    cli_place place = {.home = by_home ? strdup(arguments.home) : NULL, .host = by_home ? NULL : strdup(arguments.host), .port = (uint16_t)arguments.port,
                       .port_given = arguments.port_given, .user = strdup(arguments.user), .database = strdup(arguments.database),
                       .authority_path = arguments.authority, .ask_password = ask_password,
                       .tls = strcmp(arguments.tls, "require") == 0 ? CLI_TLS_REQUIRE : strcmp(arguments.tls, "disable") == 0 ? CLI_TLS_DISABLE : CLI_TLS_PREFER};
    cli_shell shell = {.place = &place, .printer = {.target = stdout, .tuples_only = arguments.tuples_only}};
    password_file = arguments.password_file;
    shell.printer.arena = rdb_arena_create("result", NULL, NULL);
    shell.copy_buffer = malloc(COPY_BUFFER_BYTES);
    shell.variables = rdb_map_create();
    rdb_strbuf_init(&shell.buffer, NULL);
    rdb_strbuf_init(&shell.previous, NULL);
    rdb_strbuf_init(&shell.edited, NULL);
    bool ok = true;
    if (shell.printer.arena == NULL || shell.copy_buffer == NULL || shell.variables == NULL || (place.home == NULL && place.host == NULL) || place.user == NULL || place.database == NULL)
        ok = rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    exit_code = RDB_EXIT_USAGE;
    ok = ok && set_variables(&shell, &arguments.variables, &err) && cli_format_parse(arguments.output, &shell.printer.format) &&
         cli_connect(&shell.client, &place, &cli_shell_sink, &exit_code, &err);
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
    cli_disconnect(&shell.client, &place);
    cli_place_free(&place);
    free_shell(&shell);
    rdb_error_clear(&err);
    return exit_code;
}
