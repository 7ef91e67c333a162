/* SPDX-License-Identifier: Apache-2.0
 * rdb-cli: the SQL shell. Finds the server, connects, and runs what the command line, a script or a person says. */
#include "options.h"

#include "os/rdb_file.h"
#include "os/rdb_os.h"
#include "shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define SOCKET_PREFIX ".s.PGSQL."
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

/* The path of a socket in a directory; a directory whose name is too long for an address is reached by a descriptor. */
static bool make_socket_path(const char *directory, const char *file, char *path, size_t size, rdb_error *err)
{
    int length = snprintf(path, size, "%s/%s", directory, file);
    if (length > 0 && (size_t)length < size && (size_t)length < sizeof((struct sockaddr_un *)0)->sun_path)
        return true;
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC); /* lives as long as the program: cancelling needs it too */
    if (fd < 0)
        return rdb_error_set_errno(err, errno, "%s cannot be opened", directory);
    snprintf(path, size, "/proc/self/fd/%d/%s", fd, file);
    return true;
}

static bool say_not_served(const char *home, rdb_error *err)
{
    rdb_error_set(err, RDB_CANNOT_CONNECT, "no server runs on the instance %s", home);
    return rdb_error_hint(err, "Start one with: rdb-serve --home %s", home);
}

/* Connects to the one socket in home/run/sockets that answers: that of --port where it is given. */
static bool open_home(cli_shell *shell, cli_target *target, const cli_arguments *arguments, char *path, size_t size, rdb_error *err)
{
    char resolved[PATH_MAX], directory[PATH_MAX + 16], wanted[32];
    if (realpath(arguments->home, resolved) == NULL)
        return rdb_error_set_errno(err, errno, "the instance %s cannot be opened", arguments->home);
    snprintf(directory, sizeof directory, "%s/run/sockets", resolved);
    snprintf(wanted, sizeof wanted, SOCKET_PREFIX "%lld", (long long)arguments->port);
    if (!rdb_path_is_directory(directory)) {
        rdb_error_set(err, RDB_CANNOT_CONNECT, "%s is not an instance, or was never served", resolved);
        return rdb_error_hint(err, "Make one with: rdb-init --home %s; serve it with: rdb-serve --home %s", resolved, resolved);
    }
    DIR *listing = opendir(directory);
    if (listing == NULL)
        return rdb_error_set_errno(err, errno, "%s cannot be read", directory);
    rdb_error refusal = {0};
    target->host = path;
    for (struct dirent *entry; shell->client == NULL && (entry = readdir(listing)) != NULL;) {
        if (strncmp(entry->d_name, SOCKET_PREFIX, sizeof SOCKET_PREFIX - 1) != 0 || strstr(entry->d_name, ".lock") != NULL ||
            (arguments->port_given && strcmp(entry->d_name, wanted) != 0))
            continue;
        rdb_error trouble = {0};
        if (make_socket_path(directory, entry->d_name, path, size, &trouble) && cli_client_open(&shell->client, target, &cli_shell_sink, &trouble))
            target->port = (uint16_t)atoi(entry->d_name + sizeof SOCKET_PREFIX - 1);
        else if (!rdb_error_is(&trouble, RDB_CANNOT_CONNECT) && !rdb_error_is_set(&refusal))
            rdb_error_move(&refusal, &trouble); /* a server that answered and said no is worth more than a dead socket */
        rdb_error_clear(&trouble);
    }
    closedir(listing);
    if (shell->client != NULL) {
        rdb_error_clear(&refusal);
        return true;
    }
    if (!rdb_error_is_set(&refusal))
        return say_not_served(resolved, err);
    rdb_error_move(err, &refusal);
    return false;
}

static bool open_host(cli_shell *shell, cli_target *target, const cli_arguments *arguments, char *path, size_t size, rdb_error *err)
{
    target->host = arguments->host;
    if (arguments->host[0] == '/') {
        char file[32];
        snprintf(file, sizeof file, SOCKET_PREFIX "%d", target->port);
        if (!make_socket_path(arguments->host, file, path, size, err))
            return false;
        target->host = path;
    }
    return cli_client_open(&shell->client, target, &cli_shell_sink, err);
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

    char path[PATH_MAX + 64];
    cli_target target = {.port = (uint16_t)arguments.port, .user = arguments.user, .database = arguments.database,
                         .authority_path = arguments.authority, .ask_password = ask_password,
                         .tls = strcmp(arguments.tls, "require") == 0 ? CLI_TLS_REQUIRE : strcmp(arguments.tls, "disable") == 0 ? CLI_TLS_DISABLE : CLI_TLS_PREFER};
    cli_shell shell = {.target = &target, .printer = {.target = stdout, .tuples_only = arguments.tuples_only}};
    password_file = arguments.password_file;
    shell.printer.arena = rdb_arena_create("result", NULL, NULL);
    shell.copy_buffer = malloc(COPY_BUFFER_BYTES);
    bool ok = shell.printer.arena != NULL && shell.copy_buffer != NULL ? true : rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    bool by_home = arguments.home_given || (arguments.home != NULL && !arguments.host_given);
    ok = ok && cli_format_parse(arguments.output, &shell.printer.format) &&
         (by_home ? open_home(&shell, &target, &arguments, path, sizeof path, &err) : open_host(&shell, &target, &arguments, path, sizeof path, &err));
    if (!ok) {
        rdb_options_report(&PROGRAM, false, &err);
        exit_code = RDB_EXIT_CONNECTION; /* a wrong password or database too: there is no connection */
    } else if (arguments.commands.count > 0 || arguments.files.count > 0) {
        ok = run_all(&shell, &arguments, &exit_code);
    } else if (isatty(STDIN_FILENO)) {
        shell.is_interactive = true;
        exit_code = cli_run_interactive(&shell);
    } else {
        ok = cli_run_file(&shell, "-", &exit_code);
    }
    if (fflush(shell.printer.target) != 0 || ferror(shell.printer.target)) {
        fprintf(stderr, "rdb-cli: error: the output could not be written\n");
        exit_code = exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
    }
    if (shell.printer.target != stdout)
        fclose(shell.printer.target);
    cli_client_close(&shell.client);
    rdb_arena_destroy(shell.printer.arena);
    free(shell.copy_buffer);
    rdb_error_clear(&err);
    return exit_code;
}
