/* SPDX-License-Identifier: Apache-2.0
 * Backslash commands: they are lines, not statements, and change how the shell behaves or ask the catalog on one's behalf. */
#include "shell.h"

#include "base/rdb_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char HELP[] =
    "Statements\n"
    "  \\g [FILE or |CMD]  run what is typed, or the last statement again; results to FILE or CMD\n"
    "  \\gx                the same, expanded\n"
    "  \\gset [PREFIX]     run it and set variables to the columns of its one row\n"
    "  \\gexec             run it, then each value of its result as a statement\n"
    "  \\watch [SECONDS]   run it every so often, until Ctrl-C\n"
    "  \\copy TABLE FROM FILE or (QUERY) TO FILE   COPY with a file of this machine; PROGRAM 'CMD', stdin, stdout\n"
    "  \\e  \\p  \\r         edit with $EDITOR, print, or forget what is typed\n"
    "  \\i FILE            run the statements of FILE\n"
    "Catalog: + shows more, PATTERN may have * and ?\n"
    "  \\d [PATTERN]       tables, views and sequences; with a name: its columns, indexes and constraints\n"
    "  \\dt \\di \\dv \\dm \\ds  tables, indexes, views, materialized views, sequences\n"
    "  \\df \\da \\dT \\dD     functions, aggregates, types, domains\n"
    "  \\dn \\du \\dp \\dx \\l  schemas, roles, privileges, extensions, databases\n"
    "  \\sv VIEW \\sf FUNC  the statement that makes it\n"
    "Output\n"
    "  \\output FORMAT     table, csv, json, expanded or unaligned\n"
    "  \\x  \\t  \\a         expanded, rows alone, unaligned: on or off\n"
    "  \\pset [NAME VALUE] format, null, expanded, tuples_only, footer, fieldsep\n"
    "  \\o [FILE or |CMD]  results to FILE or CMD; without one, back to the terminal\n"
    "  \\echo \\qecho \\warn TEXT   print TEXT to stdout, with the results, to stderr\n"
    "  \\timing            show how long statements take, on or off\n"
    "Shell\n"
    "  \\c [DB [USER]]     connect to another database or as another role\n"
    "  \\conninfo          what this is connected to\n"
    "  \\set [NAME VALUE]  variables: :NAME, :'NAME' and :\"NAME\" in statements become VALUE; \\unset NAME\n"
    "  \\prompt [TEXT] NAME   ask for a variable\n"
    "  \\h [STATEMENT]     how a statement is written\n"
    "  \\! [CMD]  \\cd DIR   run CMD, change the directory\n"
    "  \\? \\q              this help; leave\n"
    "  A statement ends with a semicolon and may take several lines. Ctrl-C cancels, Ctrl-D leaves.\n";

const char *const cli_meta_names[] = {
    "\\a", "\\c", "\\cd", "\\conninfo", "\\copy", "\\d", "\\dD", "\\dT", "\\da", "\\df", "\\di", "\\dm", "\\dn", "\\dp", "\\ds", "\\dt", "\\du", "\\dv", "\\dx", "\\e", "\\echo",
    "\\g", "\\gexec", "\\gset", "\\gx", "\\h", "\\i", "\\l", "\\o", "\\output", "\\p", "\\prompt", "\\pset", "\\q", "\\qecho", "\\r", "\\set", "\\sf", "\\sv", "\\t", "\\timing",
    "\\unset", "\\warn", "\\watch", "\\x", NULL};

/* ---- arguments ---------------------------------------------------------------------------------------------------- */
static bool fail_memory(rdb_error *err)
{
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

/* The next argument: a word, or a text in single quotes, with variables put in outside of them; false: there is none. */
static bool next_argument(const cli_shell *shell, const char **at, rdb_strbuf *word)
{
    rdb_strbuf_clear(word);
    const char *from = *at + strspn(*at, " \t");
    bool found = *from != '\0';
    while (*from != '\0' && !isspace((unsigned char)*from)) {
        if (*from == '\'') {
            for (from++; *from != '\0' && !(*from == '\'' && from[1] != '\''); from++) {
                if (*from == '\\' && from[1] != '\0') {
                    from++;
                    rdb_strbuf_addc(word, *from == 'n' ? '\n' : *from == 't' ? '\t' : *from);
                    continue;
                }
                from += *from == '\'';
                rdb_strbuf_addc(word, *from);
            }
            from += *from == '\'';
            continue;
        }
        if (*from == ':' && (isalpha((unsigned char)from[1]) || from[1] == '_')) {
            size_t length = 1;
            while (isalnum((unsigned char)from[1 + length]) || from[1 + length] == '_')
                length++;
            const char *value = cli_variable_get(shell, from + 1, length);
            if (value != NULL) {
                rdb_strbuf_adds(word, value);
                from += 1 + length;
                continue;
            }
        }
        rdb_strbuf_addc(word, *from++);
    }
    *at = from;
    return found;
}

/* ---- settings of the shell ---------------------------------------------------------------------------------------- */
static void tell(const cli_shell *shell, const char *what, bool is_on)
{
    if (shell->is_interactive)
        printf("%s is %s\n", what, is_on ? "on" : "off");
}

/* "on", "off" and their kind, or nothing, which turns it over. */
static bool read_switch(const char *text, bool *value, rdb_error *err)
{
    static const char *const ON[] = {"on", "true", "yes", "1"}, *const OFF[] = {"off", "false", "no", "0"};
    for (size_t word_no = 0; word_no < RDB_COUNT_OF(ON); word_no++) {
        if (strcasecmp(text, ON[word_no]) == 0)
            return *value = true;
        if (strcasecmp(text, OFF[word_no]) == 0) {
            *value = false;
            return true;
        }
    }
    *value = !*value;
    return text[0] == '\0' || rdb_error_set(err, RDB_SYNTAX_ERROR, "\"%s\" is neither on nor off", text);
}

static bool set_expanded(cli_shell *shell, const char *text, rdb_error *err)
{
    bool is_on = shell->printer.format == CLI_FORMAT_EXPANDED;
    if (!read_switch(text, &is_on, err))
        return false;
    shell->printer.format = is_on ? CLI_FORMAT_EXPANDED : CLI_FORMAT_TABLE;
    tell(shell, "expanded output", is_on);
    return true;
}

static bool set_tuples_only(cli_shell *shell, const char *text, rdb_error *err)
{
    bool ok = read_switch(text, &shell->printer.tuples_only, err);
    if (ok)
        tell(shell, "tuples only", shell->printer.tuples_only);
    return ok;
}

static bool set_timing(cli_shell *shell, const char *text, rdb_error *err)
{
    bool ok = read_switch(text, &shell->timing, err);
    if (ok)
        tell(shell, "timing", shell->timing);
    return ok;
}

static bool set_format(cli_shell *shell, const char *text, rdb_error *err)
{
    return cli_format_parse(strcmp(text, "aligned") == 0 ? "table" : text, &shell->printer.format) ||
           rdb_error_set(err, RDB_SYNTAX_ERROR, "the format is table, csv, json, expanded or unaligned, not \"%s\"", text);
}

static bool set_unaligned(cli_shell *shell, const char *text, rdb_error *err)
{
    bool is_on = shell->printer.format == CLI_FORMAT_UNALIGNED;
    if (!read_switch(text, &is_on, err))
        return false;
    shell->printer.format = is_on ? CLI_FORMAT_UNALIGNED : CLI_FORMAT_TABLE;
    return true;
}

static const char *format_name(cli_format format)
{
    static const char *const NAMES[] = {"table", "csv", "json", "expanded", "unaligned"};
    return NAMES[format];
}

static bool set_print_option(cli_shell *shell, const char *argument, rdb_error *err)
{
    cli_printer *printer = &shell->printer;
    rdb_strbuf name, value;
    rdb_strbuf_init(&name, NULL);
    rdb_strbuf_init(&value, NULL);
    bool ok = true, has_value = false;
    if (!next_argument(shell, &argument, &name)) {
        printf("expanded     %s\nfieldsep     %s\nfooter       %s\nformat       %s\nnull         %s\ntuples_only  %s\n", printer->format == CLI_FORMAT_EXPANDED ? "on" : "off",
               printer->separator[0] != '\0' ? printer->separator : "|", printer->no_footer ? "off" : "on", format_name(printer->format),
               printer->null_text != NULL ? printer->null_text : "", printer->tuples_only ? "on" : "off");
    } else {
        has_value = next_argument(shell, &argument, &value);
        const char *text = has_value && value.data != NULL ? value.data : "";
        bool has_footer = !printer->no_footer;
        if (strcmp(name.data, "null") == 0) {
            char *copy = strdup(text);
            free((char *)(uintptr_t)printer->null_text);
            printer->null_text = copy;
            ok = copy != NULL || fail_memory(err);
        } else if (strcmp(name.data, "format") == 0) {
            ok = set_format(shell, text, err);
        } else if (strcmp(name.data, "expanded") == 0 || strcmp(name.data, "x") == 0) {
            ok = set_expanded(shell, text, err);
        } else if (strcmp(name.data, "tuples_only") == 0 || strcmp(name.data, "t") == 0) {
            ok = set_tuples_only(shell, text, err);
        } else if (strcmp(name.data, "footer") == 0) {
            ok = read_switch(text, &has_footer, err);
            printer->no_footer = !has_footer;
        } else if (strcmp(name.data, "fieldsep") == 0) {
            snprintf(printer->separator, sizeof printer->separator, "%s", text);
        } else if (strcmp(name.data, "pager") != 0) { /* there is none to turn off */
            ok = rdb_error_set(err, RDB_SYNTAX_ERROR, "\\pset knows no \"%s\"", name.data);
        }
    }
    rdb_strbuf_free(&name);
    rdb_strbuf_free(&value);
    return ok;
}

static bool set_output(cli_shell *shell, const char *path, rdb_error *err)
{
    static bool is_pipe;
    bool was_pipe = is_pipe;
    FILE *target = path[0] == '\0' ? stdout : path[0] == '|' ? popen(path + 1, "we") : fopen(path, "we");
    if (target == NULL)
        return rdb_error_set_errno(err, errno, "%s cannot be opened", path);
    FILE *before = shell->printer.target;
    shell->printer.target = target;
    is_pipe = path[0] == '|';
    return before == stdout || (was_pipe ? pclose(before) : fclose(before)) == 0 || rdb_error_set_errno(err, errno, "the output cannot be written");
}

/* ---- variables ---------------------------------------------------------------------------------------------------- */
static bool set_variable(cli_shell *shell, const char *argument, rdb_error *err)
{
    rdb_strbuf name, word, value;
    rdb_strbuf_init(&name, NULL);
    rdb_strbuf_init(&word, NULL);
    rdb_strbuf_init(&value, NULL);
    bool ok = true;
    if (next_argument(shell, &argument, &name)) {
        while (next_argument(shell, &argument, &word))
            rdb_strbuf_add(&value, word.data, word.length);
        ok = rdb_strbuf_check(&name, err) && rdb_strbuf_check(&value, err) && cli_variable_set(shell, name.data, value.data != NULL ? value.data : "", err);
    } else {
        uint32_t cursor = 0;
        rdb_slice key;
        for (void *at; rdb_map_next(shell->variables, &cursor, &key, &at);)
            printf("%.*s = '%s'\n", (int)key.length, (const char *)key.data, (const char *)at);
    }
    rdb_strbuf_free(&name);
    rdb_strbuf_free(&word);
    rdb_strbuf_free(&value);
    return ok;
}

static bool unset_variable(cli_shell *shell, const char *argument, rdb_error *err)
{
    return cli_variable_set(shell, argument, NULL, err);
}

static bool prompt_variable(cli_shell *shell, const char *argument, rdb_error *err)
{
    char line[1024];
    rdb_strbuf text, name;
    rdb_strbuf_init(&text, NULL);
    rdb_strbuf_init(&name, NULL);
    bool ok = next_argument(shell, &argument, &text) || rdb_error_set(err, RDB_SYNTAX_ERROR, "\\prompt needs a variable");
    bool has_text = ok && next_argument(shell, &argument, &name);
    if (ok && has_text) {
        fputs(text.data, stdout);
        fflush(stdout);
    }
    if (ok && fgets(line, sizeof line, stdin) == NULL)
        line[0] = '\0';
    if (ok) {
        line[strcspn(line, "\r\n")] = '\0';
        ok = cli_variable_set(shell, has_text ? name.data : text.data, line, err);
    }
    rdb_strbuf_free(&text);
    rdb_strbuf_free(&name);
    return ok;
}

/* ---- files, texts and other programs ------------------------------------------------------------------------------ */
static bool include_file(cli_shell *shell, const char *path, rdb_error *err)
{
    int exit_code = 0;
    if (path[0] == '\0')
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "\\i needs a file");
    return cli_run_file(shell, path, &exit_code) || rdb_error_set(err, RDB_SYNTAX_ERROR, "%s was not run to its end", path);
}

static void put_words(cli_shell *shell, FILE *target, const char *argument)
{
    rdb_strbuf word;
    rdb_strbuf_init(&word, NULL);
    bool has_end = true;
    for (bool is_first = true; next_argument(shell, &argument, &word); is_first = false) {
        if (is_first && word.length == 2 && strcmp(word.data, "-n") == 0) {
            has_end = false;
            continue;
        }
        fprintf(target, "%s%s", is_first || (!has_end && is_first) ? "" : " ", word.data != NULL ? word.data : "");
    }
    if (has_end)
        putc('\n', target);
    fflush(target);
    rdb_strbuf_free(&word);
}

static bool edit_statement(cli_shell *shell, const char *argument, rdb_error *err)
{
    char path[] = "/tmp/rdb-cli.XXXXXX", command[4200];
    const char *editor = getenv("VISUAL") != NULL ? getenv("VISUAL") : getenv("EDITOR") != NULL ? getenv("EDITOR") : "vi";
    const rdb_strbuf *from = shell->buffer.length > 0 ? &shell->buffer : &shell->previous;
    if (!shell->is_interactive)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "\\e needs a terminal");
    int fd = argument[0] == '\0' ? mkstemp(path) : -1;
    if (argument[0] == '\0' && (fd < 0 || (from->length > 0 && write(fd, from->data, from->length) != (ssize_t)from->length)))
        return rdb_error_set_errno(err, errno, "a file to edit cannot be written");
    if (fd >= 0)
        close(fd);
    const char *edited = fd >= 0 ? path : argument;
    snprintf(command, sizeof command, "%s '%s'", editor, edited);
    bool ok = system(command) == 0 || rdb_error_set(err, RDB_IO_ERROR, "the editor \"%s\" failed", editor);
    FILE *file = ok ? fopen(edited, "re") : NULL;
    if (ok && file == NULL)
        ok = rdb_error_set_errno(err, errno, "%s cannot be opened", edited);
    if (file != NULL) {
        char chunk[4096];
        rdb_strbuf_clear(&shell->buffer);
        rdb_strbuf_clear(&shell->edited);
        for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
            rdb_strbuf_add(&shell->edited, chunk, got);
        fclose(file);
        ok = rdb_strbuf_check(&shell->edited, err);
    }
    if (fd >= 0)
        unlink(path);
    return ok;
}

static bool run_command(const char *command, rdb_error *err)
{
    fflush(stdout);
    const char *shell = getenv("SHELL");
    int status = system(command[0] != '\0' ? command : shell != NULL ? shell : "/bin/sh");
    return status != -1 || rdb_error_set_errno(err, errno, "the command cannot be run");
}

static bool change_directory(const char *path, rdb_error *err)
{
    const char *home = getenv("HOME");
    return chdir(path[0] != '\0' ? path : home != NULL ? home : "/") == 0 || rdb_error_set_errno(err, errno, "%s cannot be entered", path);
}

/* ---- the connection ----------------------------------------------------------------------------------------------- */
static void show_connection(const cli_shell *shell)
{
    const char *address = shell->place->address != NULL ? shell->place->address : "";
    printf("database \"%s\" as role \"%s\" at %s%s; server version %s; %s\n", shell->place->database, shell->place->user,
           address[0] == '/' ? "the Unix socket " : "", address, rdb_client_server_version(shell->client),
           rdb_client_is_encrypted(shell->client) ? "encrypted by TLS" : "not encrypted");
}

/* An instance that is open for this shell alone is closed before it is opened again, so a refusal means to go back. */
static bool reconnect(cli_shell *shell, const char *argument, rdb_error *err)
{
    int exit_code;
    rdb_client *made = NULL;
    rdb_strbuf word;
    rdb_client_place *place = shell->place;
    char *database = place->database, *user = place->user;
    rdb_strbuf_init(&word, NULL);
    if (next_argument(shell, &argument, &word) && strcmp(word.data, "-") != 0)
        place->database = strdup(word.data);
    if (next_argument(shell, &argument, &word) && strcmp(word.data, "-") != 0)
        place->user = strdup(word.data);
    bool is_embedded = place->server_pid != 0, ok = place->database != NULL && place->user != NULL ? true : fail_memory(err);
    if (ok && is_embedded)
        rdb_client_disconnect(&shell->client, place);
    ok = ok && rdb_client_connect(&made, place, &cli_shell_sink, &exit_code, err);
    if (ok && !is_embedded)
        rdb_client_close(&shell->client);
    if (place->database != database)
        free(ok ? database : place->database);
    if (place->user != user)
        free(ok ? user : place->user);
    rdb_strbuf_free(&word);
    if (!ok) {
        place->database = database;
        place->user = user;
        rdb_error ignored = {0};
        if (is_embedded && !rdb_client_connect(&made, place, &cli_shell_sink, &exit_code, &ignored))
            shell->wants_quit = true;
        rdb_error_clear(&ignored);
        if (!is_embedded)
            return false;
    }
    shell->client = made;
    if (ok && shell->is_interactive)
        printf("connected to database \"%s\" as role \"%s\"\n", place->database, place->user);
    return ok;
}

/* ---- how statements are written ----------------------------------------------------------------------------------- */
static const char *const SYNTAX[] = {
    "ALTER TABLE name ADD [COLUMN] column type ... | DROP [COLUMN] column | ALTER [COLUMN] column ... | ADD constraint | RENAME TO new",
    "ANALYZE [table [(column, ...)]]",
    "BEGIN [ISOLATION LEVEL level] [READ WRITE | READ ONLY]",
    "COMMIT",
    "COPY table [(column, ...)] FROM STDIN | COPY (query) TO STDOUT [WITH (FORMAT csv, HEADER, DELIMITER ',', ...)]",
    "CREATE INDEX [CONCURRENTLY] [name] ON table [USING method] (column | (expression) [ASC | DESC], ...) [WHERE condition]",
    "CREATE ROLE name [LOGIN] [PASSWORD 'text'] [SUPERUSER] [CREATEDB] [CREATEROLE]",
    "CREATE SCHEMA [IF NOT EXISTS] name",
    "CREATE SEQUENCE name [START n] [INCREMENT n] [MINVALUE n] [MAXVALUE n] [CYCLE] [OWNED BY table.column]",
    "CREATE TABLE [IF NOT EXISTS] name (column type [NOT NULL] [DEFAULT value] [PRIMARY KEY] [REFERENCES table], ..., constraint, ...)",
    "CREATE TYPE name AS ENUM ('label', ...)",
    "CREATE VIEW name [(column, ...)] AS query",
    "DELETE FROM table [USING items] [WHERE condition] [RETURNING expressions]",
    "DROP TABLE [IF EXISTS] name, ... [CASCADE]",
    "EXPLAIN [(ANALYZE, VERBOSE, FORMAT JSON)] statement",
    "GRANT privilege, ... ON object TO role",
    "INSERT INTO table [(column, ...)] VALUES (value, ...), ... | query [ON CONFLICT ...] [RETURNING expressions]",
    "ROLLBACK [TO SAVEPOINT name]",
    "SAVEPOINT name",
    "SELECT [DISTINCT] expressions FROM items [WHERE condition] [GROUP BY ...] [HAVING ...] [WINDOW ...] [ORDER BY ...] [LIMIT n] [OFFSET n] [FOR UPDATE]",
    "SET [LOCAL] setting = value",
    "SHOW setting | ALL",
    "TRUNCATE table, ... [RESTART IDENTITY] [CASCADE]",
    "UPDATE table SET column = value, ... [FROM items] [WHERE condition] [RETURNING expressions]",
    "VACUUM [table]",
    "WITH [RECURSIVE] name AS (query), ... statement",
};

static bool show_syntax(const char *statement, rdb_error *err)
{
    bool found = false;
    for (size_t text_no = 0; text_no < RDB_COUNT_OF(SYNTAX); text_no++)
        if (strncasecmp(SYNTAX[text_no], statement, strlen(statement)) == 0) {
            printf("  %s\n", SYNTAX[text_no]);
            found = true;
        }
    return found || rdb_error_set(err, RDB_SYNTAX_ERROR, "no help for \"%s\"", statement);
}

/* ---- dispatch ----------------------------------------------------------------------------------------------------- */
static bool run_named(cli_shell *shell, const char *name, const char *argument, rdb_error *err)
{
    static const struct {
        const char *name;
        bool (*run)(cli_shell *shell, const char *argument, rdb_error *err);
    } COMMANDS[] = {{"gexec", cli_meta_go_each}, {"gset", cli_meta_go_set}, {"watch", cli_meta_watch}, {"copy", cli_meta_copy}, {"x", set_expanded}, {"t", set_tuples_only},
                    {"timing", set_timing}, {"output", set_format}, {"a", set_unaligned}, {"pset", set_print_option}, {"o", set_output}, {"set", set_variable},
                    {"unset", unset_variable}, {"prompt", prompt_variable}, {"i", include_file}, {"include", include_file}, {"e", edit_statement}, {"edit", edit_statement},
                    {"c", reconnect}, {"connect", reconnect}};
    for (size_t command_no = 0; command_no < RDB_COUNT_OF(COMMANDS); command_no++)
        if (strcmp(name, COMMANDS[command_no].name) == 0)
            return COMMANDS[command_no].run(shell, argument, err);
    if (strcmp(name, "g") == 0 || strcmp(name, "gx") == 0)
        return cli_meta_go(shell, argument, name[1] == 'x', err);
    if (strcmp(name, "q") == 0 || strcmp(name, "quit") == 0) {
        shell->wants_quit = true;
    } else if (strcmp(name, "?") == 0) {
        fputs(HELP, stdout);
    } else if (strcmp(name, "h") == 0 || strcmp(name, "help") == 0) {
        return show_syntax(argument, err);
    } else if (strcmp(name, "echo") == 0) {
        put_words(shell, stdout, argument);
    } else if (strcmp(name, "qecho") == 0) {
        put_words(shell, shell->printer.target, argument);
    } else if (strcmp(name, "warn") == 0) {
        put_words(shell, stderr, argument);
    } else if (strcmp(name, "p") == 0 || strcmp(name, "print") == 0) {
        const rdb_strbuf *text = shell->buffer.length > 0 ? &shell->buffer : &shell->previous;
        fprintf(shell->printer.target, "%s\n", text->length > 0 ? text->data : "");
    } else if (strcmp(name, "r") == 0 || strcmp(name, "reset") == 0) {
        rdb_strbuf_clear(&shell->buffer);
    } else if (strcmp(name, "!") == 0) {
        return run_command(argument, err);
    } else if (strcmp(name, "cd") == 0) {
        return change_directory(argument, err);
    } else if (strcmp(name, "conninfo") == 0) {
        show_connection(shell);
    } else {
        bool was_known;
        bool ok = cli_meta_describe(shell, name, argument, &was_known, err);
        err->position = 0; /* of a query that nobody wrote */
        if (was_known)
            return ok;
        rdb_error_set(err, RDB_SYNTAX_ERROR, "unknown command \\%s", name);
        return rdb_error_hint(err, "\\? lists the commands.");
    }
    return true;
}

bool cli_run_meta(cli_shell *shell, const char *line, rdb_error *err)
{
    char name[32];
    const char *at = line + 1;
    size_t length = at[0] == '!' || at[0] == '?' ? 1 : strcspn(at, " \t\r\n;");
    snprintf(name, sizeof name, "%.*s", (int)RDB_MIN(length, sizeof name - 1), at);
    at += length;
    at += strspn(at, " \t");
    char *argument = strdup(at);
    if (argument == NULL)
        return fail_memory(err);
    for (size_t end = strlen(argument); end > 0 && strchr(" \t\r\n;", argument[end - 1]) != NULL; end--)
        argument[end - 1] = '\0';
    /* Commands that take one file or name and no list of words: its quotes are not part of it. */
    static const char *const PLAIN[] = {"i", "include", "o", "cd", "g", "gx", "e", "edit", "unset"};
    rdb_strbuf word;
    rdb_strbuf_init(&word, NULL);
    const char *given = argument;
    for (size_t plain_no = 0; plain_no < RDB_COUNT_OF(PLAIN); plain_no++) {
        const char *rest = argument;
        if (strcmp(name, PLAIN[plain_no]) == 0 && argument[0] != '|' && next_argument(shell, &rest, &word) && word.data != NULL)
            given = word.data;
    }
    bool ok = run_named(shell, name, given, err);
    rdb_strbuf_free(&word);
    free(argument);
    return ok;
}
