/* SPDX-License-Identifier: Apache-2.0
 * What the files of the shell share: one connection, one printer, and where statements come from. */
#ifndef RDB_CLI_SHELL_H
#define RDB_CLI_SHELL_H

#include "client.h"
#include "print.h"

typedef struct cli_shell {
    cli_client *client;
    cli_printer printer;
    const cli_target *target;
    bool timing, is_interactive, wants_quit;
    int include_depth;
    /* The text that is being run, for data that follows a COPY ... FROM STDIN in it; NULL: data comes from stdin. */
    const char *script, *script_end;
    const char *script_at; /* past what was used */
    char *copy_buffer;     /* between two calls of give_copy */
} cli_shell;

extern const cli_sink cli_shell_sink;

/* Runs one statement and prints its result; the error is not reported. */
RDB_CHECKED bool cli_run_statement(cli_shell *shell, const char *sql, rdb_error *err);
/* Runs a text to its end or its first error, which is reported with name:line:column. False: *exit_code says it. */
RDB_CHECKED bool cli_run_script(cli_shell *shell, const char *name, const char *text, size_t length, int *exit_code);
/* path "-" is stdin. */
RDB_CHECKED bool cli_run_file(cli_shell *shell, const char *path, int *exit_code);

/* A line that begins with a backslash. False: failed, err says why. */
RDB_CHECKED bool cli_run_meta(cli_shell *shell, const char *line, rdb_error *err);

/* Reads and runs lines of the terminal until they end; the exit code. */
int cli_run_interactive(cli_shell *shell);

#endif
