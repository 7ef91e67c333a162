/* SPDX-License-Identifier: Apache-2.0
 * What the files of the shell share: one connection, one printer, and where statements come from. */
#ifndef RDB_CLI_SHELL_H
#define RDB_CLI_SHELL_H

#include "client/rdb_client.h"
#include "print.h"

typedef struct cli_shell {
    rdb_client *client;
    cli_printer printer;
    rdb_client_place *place;
    bool timing, is_interactive, wants_quit, has_copied; /* has_copied: data of a COPY went where results go, and no tag follows */
    rdb_strbuf buffer;   /* what was typed of a statement before a backslash command */
    rdb_strbuf previous; /* the last statement that ran, for \g and \watch alone */
    rdb_map *variables;  /* name -> malloc'ed text */
    rdb_strbuf edited;   /* what \e brought back: the terminal's loop takes it as typed */
    int include_depth;
    /* The text that is being run, for data that follows a COPY ... FROM STDIN in it; NULL: data comes from stdin. */
    const char *script, *script_end;
    const char *script_at; /* past what was used */
    char *copy_buffer;     /* between two calls of give_copy */
    FILE *copy_file;       /* \copy: where data comes from or goes to; NULL: as above */
} cli_shell;

extern const rdb_client_sink cli_shell_sink;

/* Puts variables in, and runs the statement. */
RDB_CHECKED bool cli_query(cli_shell *shell, const char *sql, const rdb_client_sink *sink, void *at, rdb_error *err);
/* Runs one statement and prints its result; the error is not reported. */
RDB_CHECKED bool cli_run_statement(cli_shell *shell, const char *sql, rdb_error *err);
/* Runs a statement, with what shell->buffer has before it, or a backslash line. */
RDB_CHECKED bool cli_run_part(cli_shell *shell, const char *part, rdb_error *err);
/* Runs a text to its end or its first error, which is reported with name:line:column. False: *exit_code says it. */
RDB_CHECKED bool cli_run_script(cli_shell *shell, const char *name, const char *text, size_t length, int *exit_code);
/* path "-" is stdin. */
RDB_CHECKED bool cli_run_file(cli_shell *shell, const char *path, int *exit_code);

/* A line that begins with a backslash; shell->buffer has the text before it, and loses it where the command runs it. False: failed, err
 * says why. */
RDB_CHECKED bool cli_run_meta(cli_shell *shell, const char *line, rdb_error *err);
/* Names of commands for completion; NULL ends them. */
extern const char *const cli_meta_names[];

/* Those that run a statement (statement_meta.c). */
RDB_CHECKED bool cli_meta_go(cli_shell *shell, const char *argument, bool expanded, rdb_error *err);      /* \g, \gx */
RDB_CHECKED bool cli_meta_go_each(cli_shell *shell, const char *argument, rdb_error *err);                /* \gexec */
RDB_CHECKED bool cli_meta_go_set(cli_shell *shell, const char *prefix, rdb_error *err);                   /* \gset */
RDB_CHECKED bool cli_meta_watch(cli_shell *shell, const char *argument, rdb_error *err);
RDB_CHECKED bool cli_meta_copy(cli_shell *shell, const char *argument, rdb_error *err);
/* Catalog commands (describe.c): name is what follows the backslash. *was_known false: none of them. */
RDB_CHECKED bool cli_meta_describe(cli_shell *shell, const char *name, const char *argument, bool *was_known, rdb_error *err);

RDB_CHECKED bool cli_variable_set(cli_shell *shell, const char *name, const char *value, rdb_error *err); /* value NULL: removed */
const char *cli_variable_get(const cli_shell *shell, const char *name, size_t length);

/* Reads and runs lines of the terminal until they end; the exit code. */
int cli_run_interactive(cli_shell *shell);

#endif
