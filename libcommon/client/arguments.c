/* SPDX-License-Identifier: Apache-2.0
 * What a command line says about the server. Passwords come from a file, PGPASSWORD or the terminal, never from an argument. */
#include "client/rdb_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

const char *const RDB_CLIENT_TLS_MODES[] = {"prefer", "require", "disable", NULL};

static const char *password_file; /* what ask_password reads; set before a connection is opened */

static void take_interrupt(int signal_no)
{
    (void)signal_no;
    rdb_client_interrupted = 1;
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

bool rdb_client_place_take(rdb_client_place *place, const rdb_program *program, const rdb_client_arguments *arguments, const char *database, int *exit_code)
{
    struct sigaction on_interrupt = {.sa_handler = take_interrupt}, ignored = {.sa_handler = SIG_IGN};
    const bool by_home = arguments->home_given || (arguments->home != NULL && !arguments->host_given);
    *exit_code = RDB_EXIT_USAGE;
    if (arguments->home_given && arguments->host_given) {
        rdb_options_refuse(program, "--home and --host exclude one another");
        return false;
    }
    if (arguments->home == NULL && arguments->host == NULL) {
        rdb_options_refuse(program, "no server was named: use --home DIR (or set RUSTYDB_HOME) or --host HOST");
        return false;
    }
    password_file = arguments->password_file;
    *place = (rdb_client_place){.home = by_home ? strdup(arguments->home) : NULL, .host = by_home ? NULL : strdup(arguments->host), .port = (uint16_t)arguments->port,
                                .port_given = arguments->port_given, .user = strdup(arguments->user), .database = database != NULL ? strdup(database) : NULL,
                                .authority_path = arguments->authority, .ask_password = ask_password,
                                .tls = strcmp(arguments->tls, "require") == 0   ? RDB_CLIENT_TLS_REQUIRE
                                       : strcmp(arguments->tls, "disable") == 0 ? RDB_CLIENT_TLS_DISABLE
                                                                                : RDB_CLIENT_TLS_PREFER};
    if (place->user == NULL || (place->home == NULL && place->host == NULL) || (database != NULL && place->database == NULL)) {
        rdb_error err = {0};
        rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
        *exit_code = rdb_options_report(program, false, &err);
        rdb_error_clear(&err);
        return false;
    }
    sigaction(SIGINT, &on_interrupt, NULL); /* no SA_RESTART: a read of the terminal is to notice it */
    sigaction(SIGPIPE, &ignored, NULL);
    *exit_code = RDB_EXIT_DONE;
    return true;
}
