/* SPDX-License-Identifier: Apache-2.0
 * The interactive shell: line editing, history and completion by libedit. An interrupt reaches the editor as the
 * character Ctrl-C, bound to a command of its own, so that no signal handler ever touches the editor's state. */
#include "shell.h"

#include "base/rdb_options.h"
#include "split.h"

#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 1000
#define CANDIDATES_MAX 200
#define INTERRUPT_CHARACTER 3

typedef struct editor {
    cli_shell *shell;
    EditLine *line;
    History *history;
    rdb_strbuf statement; /* what was typed and not run */
    char prompt[128];
    bool was_interrupted;
} editor;

static const char *const KEYWORDS[] = {
    "ALTER", "ANALYZE", "AND", "BEGIN", "BETWEEN", "BY", "CASE", "CHECKPOINT", "COMMIT", "CONSTRAINT", "COPY", "CREATE", "DEFAULT", "DELETE", "DISTINCT",
    "DROP", "EXCEPT", "EXISTS", "EXPLAIN", "FOREIGN", "FROM", "GROUP", "HAVING", "IN", "INDEX", "INNER", "INSERT", "INTERSECT", "INTO", "JOIN", "LEFT",
    "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "ORDER", "PRIMARY", "REFERENCES", "RETURNING", "RIGHT", "ROLLBACK", "SAVEPOINT", "SELECT", "SEQUENCE",
    "SET", "SHOW", "TABLE", "TRUNCATE", "UNION", "UNIQUE", "UPDATE", "USING", "VACUUM", "VALUES", "VIEW", "WHERE", "WITH"};

static editor *editor_of(EditLine *line)
{
    void *at = NULL;
    el_get(line, EL_CLIENTDATA, &at);
    return at;
}

static char *show_prompt(EditLine *line)
{
    return editor_of(line)->prompt;
}

/* One character of the terminal; an interrupt while it waits is one too. */
static int read_character(EditLine *line, wchar_t *character)
{
    (void)line;
    mbstate_t state = {0};
    for (;;) {
        char byte;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) {
            if (!rdb_client_interrupted)
                continue;
            rdb_client_interrupted = 0;
            *character = INTERRUPT_CHARACTER;
            return 1;
        }
        if (got <= 0)
            return (int)got;
        size_t length = mbrtowc(character, &byte, 1, &state);
        if (length == (size_t)-1)
            state = (mbstate_t){0}; /* a byte that is no character is dropped */
        else if (length != (size_t)-2)
            return 1;
    }
}

static unsigned char take_interrupt(EditLine *line, int character)
{
    (void)character;
    editor_of(line)->was_interrupted = true;
    return CC_NEWLINE;
}

/* ---- completion --------------------------------------------------------------------------------------------------- */
typedef struct candidates {
    const char *prefix;
    size_t prefix_length;
    rdb_arena *arena;
    rdb_list names;
} candidates;

static void add_candidate(candidates *found, const char *name, size_t length)
{
    if (found->names.count < CANDIDATES_MAX && length >= found->prefix_length && strncasecmp(name, found->prefix, found->prefix_length) == 0)
        rdb_list_push(found->arena, &found->names, rdb_arena_strndup(found->arena, name, length));
}

#define NAMES_QUERY \
    "SELECT c.relname::text FROM pg_catalog.pg_class c WHERE c.relkind IN ('r','v','m','p','S') AND pg_catalog.pg_table_is_visible(c.oid) AND pg_catalog.starts_with(c.relname, '%s')\n" \
    "UNION SELECT n.nspname::text FROM pg_catalog.pg_namespace n WHERE pg_catalog.starts_with(n.nspname, '%s')\n" \
    "UNION SELECT a.attname::text FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid\n" \
    "WHERE c.oid >= 16384 AND c.relkind IN ('r','v','m','p') AND a.attnum > 0 AND NOT a.attisdropped AND pg_catalog.starts_with(a.attname, '%s')\n" \
    "ORDER BY 1 LIMIT 200"

static bool take_columns(void *at, const rdb_client_column *columns, uint32_t column_count, rdb_error *err)
{
    (void)at;
    (void)columns;
    return column_count == 1 || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "a catalog query gave other columns than asked for");
}

static bool take_name(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err)
{
    (void)column_count;
    (void)err;
    add_candidate(at, values[0].text, (size_t)RDB_MAX(values[0].length, 0));
    return true;
}

static bool take_end(void *at, const char *tag, rdb_error *err)
{
    (void)at;
    (void)tag;
    (void)err;
    return true;
}

static unsigned char complete(EditLine *line, int character)
{
    (void)character;
    editor *e = editor_of(line);
    const LineInfo *info = el_line(line);
    const char *word = info->cursor;
    while (word > info->buffer && (isalnum((unsigned char)word[-1]) || word[-1] == '_' || (unsigned char)word[-1] >= 0x80))
        word--;
    if (word > info->buffer && word[-1] == '\\')
        word--;
    candidates found = {.prefix = word, .prefix_length = (size_t)(info->cursor - word)};
    if (found.prefix_length == 0 || (found.arena = rdb_arena_create("completion", NULL, NULL)) == NULL)
        return CC_ERROR;
    bool is_meta = word[0] == '\\', is_of_table = word > info->buffer && word[-1] == '.';
    for (size_t word_no = 0; is_meta && cli_meta_names[word_no] != NULL; word_no++)
        add_candidate(&found, cli_meta_names[word_no], strlen(cli_meta_names[word_no]));
    for (size_t word_no = 0; !is_meta && !is_of_table && word_no < RDB_COUNT_OF(KEYWORDS); word_no++)
        add_candidate(&found, KEYWORDS[word_no], strlen(KEYWORDS[word_no]));
    if (!is_meta && rdb_client_transaction_state(e->shell->client) != 'E') { /* a failed transaction answers no query */
        rdb_client_sink sink = {.begin_rows = take_columns, .take_row = take_name, .end_command = take_end};
        rdb_error ignored = {0};
        char sql[1024], prefix[65];
        size_t length = 0;
        for (; length < found.prefix_length && length + 1 < sizeof prefix; length++)
            prefix[length] = (char)tolower((unsigned char)word[length]);
        prefix[length] = '\0'; /* letters, digits and underscores: safe inside quotes */
        /* Tables and schemas, and columns of tables that are not the system's: what a statement of one's own speaks of. */
        snprintf(sql, sizeof sql, NAMES_QUERY, prefix, prefix, prefix);
        (void)!rdb_client_query(e->shell->client, sql, &sink, &found, &ignored);
        rdb_error_clear(&ignored);
    }
    unsigned char result = CC_ERROR;
    if (found.names.count > 0) {
        /* As far as all agree; a second look shows which there are. */
        const char *first = rdb_list_get(&found.names, 0);
        size_t common = strlen(first);
        for (uint32_t name_no = 1; name_no < found.names.count; name_no++) {
            const char *name = rdb_list_get(&found.names, name_no);
            size_t same = 0;
            while (same < common && tolower((unsigned char)first[same]) == tolower((unsigned char)name[same]))
                same++;
            common = same;
        }
        if (common > found.prefix_length || found.names.count == 1) {
            char *insertion = rdb_arena_printf(found.arena, "%.*s%s", (int)common, first, found.names.count == 1 ? " " : "");
            el_deletestr(line, (int)found.prefix_length);
            el_insertstr(line, insertion);
            result = CC_REFRESH;
        } else {
            putchar('\n');
            for (uint32_t name_no = 0; name_no < found.names.count; name_no++)
                printf("%s  ", (const char *)rdb_list_get(&found.names, name_no));
            putchar('\n');
            fflush(stdout);
            result = CC_REDISPLAY;
        }
    }
    rdb_arena_destroy(found.arena);
    return result;
}

/* ---- history ------------------------------------------------------------------------------------------------------ */
static bool history_path(char *path, size_t size)
{
    const char *home = getenv("HOME");
    int length = home != NULL ? snprintf(path, size, "%s/.rdb_history", home) : -1;
    return length > 0 && (size_t)length < size;
}

/* A statement with a password in it is nobody's business later. */
static void remember(editor *e, const char *line)
{
    HistEvent event;
    if (strcasestr(line, "password") == NULL && strspn(line, " \t\r\n") < strlen(line))
        history(e->history, &event, H_ENTER, line);
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */
static void report(const char *sql, const rdb_error *err)
{
    fflush(stdout);
    fprintf(stderr, "ERROR %s: %s\n", err->sqlstate, rdb_error_message(err));
    const char *at = sql, *line_at = sql, *end = sql + strlen(sql);
    unsigned line_no = 1;
    for (int32_t character_no = 1; character_no < err->position && at < end; character_no++) {
        if (*at == '\n') {
            line_no++;
            line_at = at + 1;
        }
        at += RDB_MIN((ptrdiff_t)rdb_utf8_length((uint8_t)*at), end - at);
    }
    if (err->position > 0) {
        int label = fprintf(stderr, "LINE %u: ", line_no);
        fprintf(stderr, "%.*s\n%*s^\n", (int)strcspn(line_at, "\n"), line_at, label + (int)cli_text_width(line_at, (size_t)(at - line_at)), "");
    }
    if (err->detail[0] != '\0')
        fprintf(stderr, "DETAIL:  %s\n", rdb_error_detail_text(err));
    if (err->hint[0] != '\0')
        fprintf(stderr, "HINT:  %s\n", err->hint);
}

static void run_one(editor *e, const char *text, size_t length)
{
    rdb_error err = {0};
    char *typed = e->shell->buffer.length > 0 ? strdup(e->shell->buffer.data) : NULL; /* what a backslash command may run */
    char *part = strndup(text, length);
    bool ok = part != NULL ? cli_run_part(e->shell, part, &err) : rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!ok)
        report(part == NULL ? "" : part[0] != '\\' ? part : typed != NULL ? typed : "", &err);
    free(typed);
    free(part);
    rdb_error_clear(&err);
    rdb_client_interrupted = 0;
}

static void run_typed(editor *e, const char *line)
{
    rdb_strbuf_adds(&e->statement, line);
    size_t at = 0, start, end;
    char open_with;
    cli_split found;
    while ((found = cli_split_next(e->statement.data + at, e->statement.length - at, &start, &end, &open_with)) >= CLI_SPLIT_WHOLE) {
        if (at == 0)
            remember(e, e->statement.data);
        const char *from = e->statement.data + at + start;
        if (found == CLI_SPLIT_META) {
            rdb_strbuf_add(&e->shell->buffer, from, end - start);
            from = e->statement.data + at + end;
            start = end;
            end += strcspn(from, "\n");
        }
        run_one(e, from, end - start);
        at += end;
        if (e->shell->edited.length > 0) { /* taken as typed; the rest of the line is gone */
            rdb_strbuf_clear(&e->statement);
            rdb_strbuf_add(&e->statement, e->shell->edited.data, e->shell->edited.length);
            rdb_strbuf_clear(&e->shell->edited);
            fputs(e->statement.data, stdout);
            at = 0;
        }
    }
    if (found == CLI_SPLIT_BLANK)
        at = e->statement.length;
    memmove(e->statement.data, e->statement.data + at, e->statement.length - at + 1);
    e->statement.length -= at;
}

static void make_prompt(editor *e)
{
    char mark = rdb_client_transaction_state(e->shell->client) == 'T' ? '*' : rdb_client_transaction_state(e->shell->client) == 'E' ? '!' : '=';
    if (e->statement.length > 0 || e->shell->buffer.length > 0)
        mark = '-';
    if (e->statement.length > 0) {
        size_t start, end;
        cli_split_next(e->statement.data, e->statement.length, &start, &end, &mark);
    }
    snprintf(e->prompt, sizeof e->prompt, "%.100s%c> ", e->shell->place->database, mark);
}

int cli_run_interactive(cli_shell *shell)
{
    char path[PATH_MAX];
    bool has_history = history_path(path, sizeof path);
    editor e = {.shell = shell, .line = el_init("rdb-cli", stdin, stdout, stderr), .history = history_init()};
    HistEvent event;
    if (e.line == NULL || e.history == NULL) {
        fprintf(stderr, "rdb-cli: error: the terminal cannot be used for editing\n");
        return RDB_EXIT_GENERAL;
    }
    rdb_strbuf_init(&e.statement, NULL);
    history(e.history, &event, H_SETSIZE, HISTORY_LINES);
    if (has_history)
        history(e.history, &event, H_LOAD, path);
    el_set(e.line, EL_CLIENTDATA, &e);
    el_set(e.line, EL_PROMPT, show_prompt);
    el_set(e.line, EL_EDITOR, "emacs");
    el_set(e.line, EL_HIST, history, e.history);
    el_set(e.line, EL_GETCFN, read_character);
    el_set(e.line, EL_ADDFN, "rdb-complete", "complete a keyword or a table's name", complete);
    el_set(e.line, EL_ADDFN, "rdb-interrupt", "give the statement up", take_interrupt);
    el_set(e.line, EL_BIND, "^I", "rdb-complete", NULL);
    el_set(e.line, EL_BIND, "^C", "rdb-interrupt", NULL);
    el_set(e.line, EL_BIND, "^R", "em-inc-search-prev", NULL);
    printf("rdb-cli %s, server %s. Type \\? for help, \\q to leave.\n", rdb_version(), rdb_client_server_version(shell->client));
    while (!shell->wants_quit && rdb_client_is_open(shell->client)) {
        int count = 0;
        make_prompt(&e);
        const char *line = el_gets(e.line, &count);
        if (e.was_interrupted) {
            e.was_interrupted = false;
            rdb_strbuf_clear(&e.statement);
            rdb_strbuf_clear(&shell->buffer);
            fputs("^C\n", stdout);
            continue;
        }
        if (line == NULL || count <= 0) {
            putchar('\n');
            break;
        }
        run_typed(&e, line);
    }
    if (has_history) {
        mode_t before = umask(077);
        history(e.history, &event, H_SAVE, path);
        umask(before);
    }
    el_end(e.line);
    history_end(e.history);
    rdb_strbuf_free(&e.statement);
    return rdb_client_is_open(shell->client) ? RDB_EXIT_DONE : RDB_EXIT_CONNECTION;
}
