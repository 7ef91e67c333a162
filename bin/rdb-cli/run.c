/* SPDX-License-Identifier: Apache-2.0
 * Statements of scripts and command lines: split, run, printed, and stopped at the first error, told by file, line and
 * column as compilers do. */
#include "shell.h"

#include "base/rdb_options.h"
#include "split.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define COPY_CHUNK_BYTES 65536u
#define INCLUDE_DEPTH_MAX 16

/* ---- where answers go --------------------------------------------------------------------------------------------- */
static bool begin_rows(void *at, const rdb_client_column *columns, uint32_t column_count, rdb_error *err)
{
    cli_shell *shell = at;
    return cli_printer_begin(&shell->printer, columns, column_count, err);
}

static bool take_row(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err)
{
    (void)column_count;
    return cli_printer_row(&((cli_shell *)at)->printer, values, err);
}

static bool end_command(void *at, const char *tag, rdb_error *err)
{
    (void)err;
    cli_shell *shell = at;
    cli_printer *printer = &shell->printer;
    if (printer->has_rows)
        cli_printer_end(printer);
    else if (!shell->has_copied && printer->format != CLI_FORMAT_CSV && printer->format != CLI_FORMAT_JSON && !printer->tuples_only)
        fprintf(printer->target, "%s\n", tag);
    shell->has_copied = false;
    return true;
}

static bool take_copy(void *at, const void *bytes, size_t length, rdb_error *err)
{
    cli_shell *shell = at;
    FILE *target = shell->copy_file != NULL ? shell->copy_file : shell->printer.target;
    shell->has_copied = target == shell->printer.target;
    return fwrite(bytes, 1, length, target) == length || rdb_error_set_errno(err, errno, "the output cannot be written");
}

/* Data inside a script ends with a line of \. alone; stdin ends likewise, or where it ends. */
static bool give_copy(void *at, const void **bytes, size_t *length, rdb_error *err)
{
    cli_shell *shell = at;
    *length = 0;
    if (shell->copy_file != NULL) {
        *length = fread(shell->copy_buffer, 1, COPY_CHUNK_BYTES, shell->copy_file);
        *bytes = shell->copy_buffer;
        return !ferror(shell->copy_file) || rdb_error_set_errno(err, errno, "the file cannot be read");
    }
    if (shell->script != NULL) {
        const char *from = shell->script_at, *line = from;
        while (line < shell->script_end && (size_t)(line - from) < COPY_CHUNK_BYTES) {
            const char *line_end = memchr(line, '\n', (size_t)(shell->script_end - line));
            const char *next = line_end != NULL ? line_end + 1 : shell->script_end;
            size_t line_length = (size_t)((line_end != NULL ? line_end : next) - line);
            if (line_length > 0 && line[line_length - 1] == '\r')
                line_length--;
            if (line_length == 2 && memcmp(line, "\\.", 2) == 0) {
                if (line == from)
                    shell->script_at = next; /* the end: left in place while data before it is still to be sent */
                break;
            }
            line = next;
        }
        *bytes = from;
        *length = (size_t)(line - from);
        if (line > from)
            shell->script_at = line;
        return true;
    }
    if (!isatty(STDIN_FILENO)) {
        ssize_t got;
        do
            got = read(STDIN_FILENO, shell->copy_buffer, COPY_CHUNK_BYTES);
        while (got < 0 && errno == EINTR && !rdb_client_interrupted);
        if (got < 0)
            return rdb_error_set_errno(err, errno, "stdin cannot be read");
        *bytes = shell->copy_buffer;
        *length = (size_t)got;
        return true;
    }
    if (fgets(shell->copy_buffer, COPY_CHUNK_BYTES, stdin) == NULL) {
        clearerr(stdin);
        return !rdb_client_interrupted || rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
    }
    *bytes = shell->copy_buffer;
    if (strcmp(shell->copy_buffer, "\\.\n") != 0)
        *length = strlen(shell->copy_buffer);
    return true;
}

static void take_notice(const rdb_client_notice *notice)
{
    fflush(stdout);
    fprintf(stderr, "%s:  %s\n", notice->severity, notice->message);
    if (notice->detail[0] != '\0')
        fprintf(stderr, "DETAIL:  %s\n", notice->detail);
    if (notice->hint[0] != '\0')
        fprintf(stderr, "HINT:  %s\n", notice->hint);
}

const rdb_client_sink cli_shell_sink = {begin_rows, take_row, end_command, take_copy, give_copy, take_notice};

/* ---- variables ---------------------------------------------------------------------------------------------------- */
const char *cli_variable_get(const cli_shell *shell, const char *name, size_t length)
{
    return rdb_map_get(shell->variables, name, length);
}

bool cli_variable_set(cli_shell *shell, const char *name, const char *value, rdb_error *err)
{
    void *old = NULL;
    if (value == NULL) {
        old = rdb_map_remove(shell->variables, name, strlen(name));
    } else {
        char *copy = strdup(value);
        if (copy == NULL || !rdb_map_put(shell->variables, name, strlen(name), copy, &old)) {
            free(copy);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
    }
    free(old);
    return true;
}

static const char *look_up(void *at, const char *name, size_t length)
{
    return cli_variable_get(at, name, length);
}

bool cli_query(cli_shell *shell, const char *sql, const rdb_client_sink *sink, void *at, rdb_error *err)
{
    rdb_strbuf text;
    bool is_changed = false;
    rdb_strbuf_init(&text, NULL);
    if (rdb_map_count(shell->variables) > 0)
        cli_split_interpolate(sql, strlen(sql), look_up, shell, &text, &is_changed);
    if (!rdb_strbuf_check(&text, err)) {
        rdb_strbuf_free(&text);
        return false;
    }
    bool ok = rdb_client_query(shell->client, is_changed ? text.data : sql, sink, at, err);
    if (is_changed && !ok)
        err->position = 0; /* in a text that nobody wrote */
    rdb_strbuf_free(&text);
    return ok;
}

bool cli_run_statement(cli_shell *shell, const char *sql, rdb_error *err)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    shell->printer.has_rows = false;
    bool ok = cli_query(shell, sql, &cli_shell_sink, shell, err);
    clock_gettime(CLOCK_MONOTONIC, &end);
    shell->printer.has_rows = false;
    fflush(shell->printer.target);
    if (shell->timing)
        fprintf(shell->printer.target, "Time: %.3f ms\n", (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6);
    return ok;
}

/* ---- scripts ------------------------------------------------------------------------------------------------------ */
/* The place of the position-th character (from 1) after from, or of from itself where position is 0. */
static void report_at(const char *name, const char *text, const char *from, const char *end, const rdb_error *err)
{
    const char *at = from;
    for (int32_t character_no = 1; character_no < err->position && at < end; character_no++)
        at += RDB_MIN((ptrdiff_t)rdb_utf8_length((uint8_t)*at), end - at);
    size_t line = 1;
    const char *line_at = text;
    for (const char *next; (next = memchr(line_at, '\n', (size_t)(at - line_at))) != NULL; line++)
        line_at = next + 1;
    fflush(stdout);
    fprintf(stderr, "%s:%zu:%zu: ERROR %s: %s\n", name, line, rdb_utf8_count(line_at, (size_t)(at - line_at)) + 1, err->sqlstate, rdb_error_message(err));
    if (err->detail[0] != '\0')
        fprintf(stderr, "DETAIL:  %s\n", rdb_error_detail_text(err));
    if (err->hint[0] != '\0')
        fprintf(stderr, "HINT:  %s\n", err->hint);
    if (err->context != NULL)
        fprintf(stderr, "CONTEXT:  %s\n", err->context);
}

static int exit_code_of(const cli_shell *shell)
{
    return rdb_client_interrupted ? RDB_EXIT_INTERRUPTED : !rdb_client_is_open(shell->client) ? RDB_EXIT_CONNECTION : RDB_EXIT_SQL;
}

bool cli_run_part(cli_shell *shell, const char *part, rdb_error *err)
{
    if (part[0] == '\\')
        return cli_run_meta(shell, part, err);
    bool has_more = shell->buffer.length > 0;
    rdb_strbuf_clear(&shell->previous);
    rdb_strbuf_adds(&shell->previous, has_more ? shell->buffer.data : "");
    rdb_strbuf_adds(&shell->previous, part);
    rdb_strbuf_clear(&shell->buffer);
    if (!rdb_strbuf_check(&shell->previous, err))
        return false;
    bool ok = cli_run_statement(shell, shell->previous.data, err);
    if (has_more && !ok)
        err->position = 0; /* begins before the part */
    return ok;
}

/* Runs text[from, to), which is one statement or one backslash line; a backslash line runs the statement that begins at typed. */
static bool run_part(cli_shell *shell, const char *name, const char *text, const char *typed, const char *from, const char *to, int *exit_code)
{
    rdb_error err = {0};
    char *part = strndup(from, (size_t)(to - from));
    bool ok = part != NULL ? true : rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && cli_run_part(shell, part, &err);
    if (!ok) {
        *exit_code = exit_code_of(shell);
        report_at(name, text, typed, to, &err);
    }
    free(part);
    rdb_error_clear(&err);
    return ok;
}

bool cli_run_script(cli_shell *shell, const char *name, const char *text, size_t length, int *exit_code)
{
    const char *end = text + length, *at = text;
    const char *outer_script = shell->script, *outer_end = shell->script_end, *outer_at = shell->script_at;
    bool is_command = shell->script == NULL && shell->include_depth == 0; /* data for COPY comes from stdin then */
    bool ok = true;
    rdb_strbuf_clear(&shell->buffer);
    while (ok && !shell->wants_quit) {
        size_t start, stop;
        char open_with;
        cli_split found = cli_split_next(at, (size_t)(end - at), &start, &stop, &open_with);
        if (found == CLI_SPLIT_BLANK)
            break;
        const char *from = at + RDB_MIN(start, (size_t)(end - at)), *to = at + stop;
        const char *typed = from;
        if (found == CLI_SPLIT_META) { /* a backslash command takes its line, and may run what stands before it */
            rdb_strbuf_add(&shell->buffer, from, (size_t)(to - from));
            from = to;
            const char *line_end = memchr(from, '\n', (size_t)(end - from));
            to = line_end != NULL ? line_end : end;
        }
        const char *line_end = memchr(to, '\n', (size_t)(end - to));
        at = to;
        if (!is_command) {
            shell->script = text;
            shell->script_end = end;
            shell->script_at = line_end != NULL ? line_end + 1 : end;
        }
        const char *data_at = shell->script_at;
        ok = run_part(shell, name, text, typed, from, to, exit_code);
        if (!is_command && shell->script_at > data_at)
            at = shell->script_at; /* COPY took what follows */
        if (is_command && to < end && *from == '\\')
            at = to;
    }
    shell->script = outer_script;
    shell->script_end = outer_end;
    shell->script_at = outer_at;
    return ok;
}

/* The whole of a file; the caller frees *text. */
static bool read_all(const char *path, char **text, size_t *length, rdb_error *err)
{
    *text = NULL;
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return rdb_error_set_errno(err, errno, "%s cannot be opened", path);
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, NULL);
    bool ok = true;
    for (ssize_t got = 1; ok && got > 0;) {
        ok = rdb_strbuf_reserve(&buf, COPY_CHUNK_BYTES) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (!ok)
            break;
        got = read(fd, buf.data + buf.length, COPY_CHUNK_BYTES);
        if (got > 0)
            buf.length += (size_t)got;
        else if (got < 0)
            ok = rdb_error_set_errno(err, errno, "%s cannot be read", path);
    }
    close(fd);
    if (ok) {
        *text = buf.data;
        *length = buf.length;
    } else {
        rdb_strbuf_free(&buf);
    }
    return ok;
}

bool cli_run_file(cli_shell *shell, const char *path, int *exit_code)
{
    char *text;
    size_t length = 0;
    rdb_error err = {0};
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    if (shell->include_depth >= INCLUDE_DEPTH_MAX)
        rdb_error_set(&err, RDB_PROGRAM_LIMIT_EXCEEDED, "files include one another too deeply");
    if (rdb_error_is_set(&err) || !read_all(path, &text, &length, &err)) {
        fprintf(stderr, "rdb-cli: error: %s\n", rdb_error_message(&err));
        rdb_error_clear(&err);
        *exit_code = RDB_EXIT_USAGE;
        return false;
    }
    shell->include_depth++;
    bool ok = cli_run_script(shell, name, text, length, exit_code);
    shell->include_depth--;
    free(text);
    return ok;
}
