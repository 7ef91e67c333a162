/* SPDX-License-Identifier: Apache-2.0
 * Backslash commands that run a statement: the one typed before them, or, with none typed, the one that ran last. */
#include "shell.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The statement to run, which the caller frees; the buffer is empty afterwards. */
static char *take_statement(cli_shell *shell, rdb_error *err)
{
    bool is_typed = shell->buffer.length > 0;
    const rdb_strbuf *from = is_typed ? &shell->buffer : &shell->previous;
    char *sql = NULL;
    if (from->length == 0)
        rdb_error_set(err, RDB_SYNTAX_ERROR, "there is no statement to run");
    else if ((sql = strdup(from->data)) == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_clear(&shell->buffer);
    return sql;
}

/* ---- \g and \gx --------------------------------------------------------------------------------------------------- */
bool cli_meta_go(cli_shell *shell, const char *argument, bool expanded, rdb_error *err)
{
    cli_printer *printer = &shell->printer;
    FILE *before = printer->target, *target = NULL;
    cli_format format = printer->format;
    bool is_pipe = argument[0] == '|';
    char *sql = take_statement(shell, err);
    if (sql == NULL)
        return false;
    if (argument[0] != '\0') {
        fflush(before);
        target = is_pipe ? popen(argument + 1, "w") : fopen(argument, "we");
        if (target == NULL) {
            free(sql);
            return rdb_error_set_errno(err, errno, "%s cannot be opened", argument);
        }
        printer->target = target;
    }
    if (expanded)
        printer->format = CLI_FORMAT_EXPANDED;
    bool ok = cli_run_statement(shell, sql, err);
    printer->format = format;
    printer->target = before;
    if (target != NULL && (is_pipe ? pclose(target) : fclose(target)) < 0 && ok)
        ok = rdb_error_set_errno(err, errno, "the output cannot be written");
    free(sql);
    return ok;
}

/* ---- results that are taken and not shown ------------------------------------------------------------------------- */
typedef struct taken {
    rdb_arena *arena;
    rdb_list names, values; /* char *; a value that is NULL: NULL */
    uint32_t column_count, row_count;
} taken;

static bool take_columns(void *at, const rdb_client_column *columns, uint32_t column_count, rdb_error *err)
{
    taken *t = at;
    t->names = t->values = (rdb_list){0};
    t->column_count = column_count;
    t->row_count = 0;
    for (uint32_t column_no = 0; column_no < column_count; column_no++)
        rdb_list_push(t->arena, &t->names, rdb_arena_strdup(t->arena, columns[column_no].name));
    return rdb_arena_check(t->arena, err);
}

static bool take_values(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err)
{
    taken *t = at;
    t->row_count++;
    for (uint32_t column_no = 0; column_no < column_count; column_no++)
        rdb_list_push(t->arena, &t->values, values[column_no].length < 0 ? NULL : rdb_arena_strndup(t->arena, values[column_no].text, (size_t)values[column_no].length));
    return rdb_arena_check(t->arena, err);
}

static bool take_tag(void *at, const char *tag, rdb_error *err)
{
    (void)at, (void)tag, (void)err;
    return true;
}

static bool run_taken(cli_shell *shell, taken *result, rdb_error *err)
{
    rdb_client_sink sink = {.begin_rows = take_columns, .take_row = take_values, .end_command = take_tag, .take_notice = cli_shell_sink.take_notice};
    char *sql = take_statement(shell, err);
    bool ok = sql != NULL && cli_query(shell, sql, &sink, result, err);
    free(sql);
    return ok;
}

bool cli_meta_go_each(cli_shell *shell, const char *argument, rdb_error *err)
{
    (void)argument;
    taken result = {.arena = rdb_arena_create("gexec", NULL, NULL)};
    bool ok = result.arena != NULL ? run_taken(shell, &result, err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t value_no = 0; ok && value_no < result.values.count && !rdb_client_interrupted; value_no++) {
        const char *sql = rdb_list_get(&result.values, value_no);
        ok = sql == NULL || cli_run_statement(shell, sql, err);
    }
    err->position = ok ? err->position : 0; /* of a text that stands nowhere */
    rdb_arena_destroy(result.arena);
    return ok;
}

bool cli_meta_go_set(cli_shell *shell, const char *prefix, rdb_error *err)
{
    taken result = {.arena = rdb_arena_create("gset", NULL, NULL)};
    bool ok = result.arena != NULL ? run_taken(shell, &result, err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (ok && result.row_count != 1)
        ok = rdb_error_set(err, RDB_CARDINALITY_VIOLATION, result.row_count == 0 ? "no rows returned for \\gset" : "more than one row returned for \\gset");
    for (uint32_t column_no = 0; ok && column_no < result.column_count; column_no++)
        ok = cli_variable_set(shell, rdb_arena_printf(result.arena, "%s%s", prefix, (const char *)rdb_list_get(&result.names, column_no)),
                              rdb_list_get(&result.values, column_no), err);
    rdb_arena_destroy(result.arena);
    return ok;
}

/* ---- \watch ------------------------------------------------------------------------------------------------------- */
bool cli_meta_watch(cli_shell *shell, const char *argument, rdb_error *err)
{
    char *end = NULL;
    double seconds = argument[0] != '\0' ? strtod(argument, &end) : 2;
    if (end != NULL && (*end != '\0' || !(seconds >= 0) || seconds > 86400))
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "\\watch takes a number of seconds, not \"%s\"", argument);
    char *sql = take_statement(shell, err);
    bool ok = sql != NULL;
    while (ok && !rdb_client_interrupted) {
        char title[128], moment[64];
        time_t now = time(NULL);
        struct tm parts;
        localtime_r(&now, &parts);
        strftime(moment, sizeof moment, "%c", &parts);
        snprintf(title, sizeof title, "%s (every %gs)\n", moment, seconds);
        shell->printer.title = title;
        ok = cli_run_statement(shell, sql, err);
        shell->printer.title = NULL;
        for (double left = seconds; ok && left > 0 && !rdb_client_interrupted; left -= 0.1) {
            double span = left < 0.1 ? left : 0.1;
            nanosleep(&(struct timespec){.tv_nsec = (long)(span * 1e9)}, NULL);
        }
    }
    free(sql);
    return ok;
}

/* ---- \copy -------------------------------------------------------------------------------------------------------- */
/* The last FROM or TO outside of parentheses and quotes; NULL: there is none. */
static const char *find_direction(const char *text, bool *is_from)
{
    const char *found = NULL;
    int depth = 0;
    for (const char *at = text; *at != '\0' && found == NULL;) {
        if (*at == '\'' || *at == '"') {
            const char *close = strchr(at + 1, *at);
            at = close != NULL ? close + 1 : at + strlen(at);
        } else if (isalpha((unsigned char)*at) || *at == '_') {
            size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789$");
            *is_from = length == 4 && strncasecmp(at, "from", 4) == 0;
            if (depth == 0 && (*is_from || (length == 2 && strncasecmp(at, "to", 2) == 0)))
                found = at;
            at += length;
        } else {
            depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
            at++;
        }
    }
    return found;
}

/* A word or a quoted text; *at moves past it and the blanks behind it. */
static void next_word(const char **at, char *word, size_t size, bool *is_quoted)
{
    size_t length = 0;
    const char *from = *at;
    *is_quoted = *from == '\'';
    if (*is_quoted) {
        for (from++; *from != '\0' && !(*from == '\'' && from[1] != '\''); from++) {
            from += *from == '\'';
            if (length + 1 < size)
                word[length++] = *from;
        }
        from += *from == '\'';
    } else {
        while (*from != '\0' && !isspace((unsigned char)*from)) {
            if (length + 1 < size)
                word[length++] = *from;
            from++;
        }
    }
    word[length] = '\0';
    *at = from + strspn(from, " \t");
}

bool cli_meta_copy(cli_shell *shell, const char *argument, rdb_error *err)
{
    bool is_from = false, is_quoted = false;
    const char *direction = find_direction(argument, &is_from), *at;
    char name[4096];
    if (direction == NULL)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "\\copy takes TABLE FROM FILE or TABLE TO FILE");
    at = direction + (is_from ? 4 : 2);
    at += strspn(at, " \t");
    next_word(&at, name, sizeof name, &is_quoted);
    bool is_program = !is_quoted && strcasecmp(name, "program") == 0;
    if (is_program)
        next_word(&at, name, sizeof name, &is_quoted);
    if (name[0] == '\0')
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "\\copy needs a file");
    bool is_stream = !is_quoted && !is_program && (strcasecmp(name, is_from ? "stdin" : "stdout") == 0 || strcasecmp(name, is_from ? "pstdin" : "pstdout") == 0);
    FILE *file = NULL;
    if (is_program)
        file = popen(name, is_from ? "r" : "w");
    else if (!is_stream)
        file = fopen(name, is_from ? "re" : "we");
    else if (!is_from || name[0] == 'p' || name[0] == 'P')
        file = is_from ? stdin : stdout;
    if (file == NULL && !(is_stream && is_from))
        return rdb_error_set_errno(err, errno, "%s cannot be opened", name);
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql, "COPY %.*s %s %s", (int)(direction - argument), argument, is_from ? "FROM STDIN" : "TO STDOUT", at);
    shell->copy_file = file;
    bool ok = rdb_strbuf_check(&sql, err) && cli_run_statement(shell, sql.data, err);
    shell->copy_file = NULL;
    rdb_strbuf_free(&sql);
    if (!ok)
        err->position = 0; /* of the text made here */
    int closed = is_program ? pclose(file) : file != NULL && !is_stream ? fclose(file) : 0;
    if (closed != 0 && ok)
        ok = is_program ? rdb_error_set(err, RDB_IO_ERROR, "%s failed", name) : rdb_error_set_errno(err, errno, "%s cannot be written", name);
    return ok;
}
