/* SPDX-License-Identifier: Apache-2.0
 * Backslash commands: what the catalogs know, and how the shell behaves. Everything shown comes from queries that any
 * client could send. */
#include "shell.h"

#include "base/rdb_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static const char HELP[] =
    "  \\d [PATTERN]       tables, views and sequences; with a name: its columns, indexes and constraints\n"
    "  \\dt \\di \\dv \\ds     tables, indexes, views, sequences [PATTERN]\n"
    "  \\dn \\du \\l          schemas, roles, databases\n"
    "  \\i FILE            run the statements of FILE\n"
    "  \\o [FILE]          send results to FILE; without one, back to the terminal\n"
    "  \\output FORMAT     table, csv, json or expanded\n"
    "  \\x                 expanded output on or off\n"
    "  \\t                 rows alone on or off\n"
    "  \\timing            show how long statements take, on or off\n"
    "  \\conninfo          what this is connected to\n"
    "  \\echo TEXT         print TEXT\n"
    "  \\? \\q              this help; leave\n"
    "  A statement ends with a semicolon and may take several lines. Ctrl-C cancels, Ctrl-D leaves.\n";

static void add_literal(rdb_strbuf *sql, const char *text, size_t length)
{
    rdb_strbuf_addc(sql, '\'');
    for (size_t at = 0; at < length; at++) {
        if (text[at] == '\'')
            rdb_strbuf_addc(sql, '\'');
        rdb_strbuf_addc(sql, text[at]);
    }
    rdb_strbuf_addc(sql, '\'');
}

/* column LIKE 'pattern', where * and ? stand for any letters and any letter; unquoted letters are folded. */
static void add_name_match(rdb_strbuf *sql, const char *column, const char *pattern, size_t length)
{
    rdb_strbuf like;
    rdb_strbuf_init(&like, NULL);
    bool is_quoted = false;
    for (size_t at = 0; at < length; at++) {
        char c = pattern[at];
        if (c == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && (c == '*' || c == '?')) {
            rdb_strbuf_addc(&like, c == '*' ? '%' : '_');
        } else {
            if (c == '%' || c == '_' || c == '\\')
                rdb_strbuf_addc(&like, '\\');
            rdb_strbuf_addc(&like, is_quoted ? c : (char)tolower((unsigned char)c));
        }
    }
    sql->failed = sql->failed || like.failed;
    rdb_strbuf_addf(sql, "\n  AND %s LIKE ", column);
    add_literal(sql, like.length > 0 ? like.data : "", like.length);
    rdb_strbuf_free(&like);
}

/* NAME or SCHEMA.NAME; without a schema, what the search path shows. */
static void add_relation_match(rdb_strbuf *sql, const char *pattern)
{
    size_t length = strlen(pattern), dot = length;
    bool is_quoted = false;
    for (size_t at = 0; at < length; at++) {
        is_quoted = pattern[at] == '"' ? !is_quoted : is_quoted;
        if (pattern[at] == '.' && !is_quoted && dot == length)
            dot = at;
    }
    if (dot < length)
        add_name_match(sql, "n.nspname", pattern, dot);
    else
        rdb_strbuf_adds(sql, "\n  AND pg_catalog.pg_table_is_visible(c.oid)");
    if (length > 0)
        add_name_match(sql, "c.relname", dot < length ? pattern + dot + 1 : pattern, dot < length ? length - dot - 1 : length);
}

/* Runs the query (which it frees) under a title. */
static bool show(cli_shell *shell, const char *title, rdb_strbuf *sql, rdb_error *err)
{
    shell->printer.title = title;
    bool ok = rdb_strbuf_check(sql, err) && cli_run_statement(shell, sql->data, err);
    shell->printer.title = NULL;
    rdb_strbuf_free(sql);
    return ok;
}

static bool list_relations(cli_shell *shell, const char *kinds, const char *title, const char *pattern, rdb_error *err)
{
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\",\n"
                          "  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index'\n"
                          "    WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' WHEN 'f' THEN 'foreign table' END AS \"Type\",\n"
                          "  pg_catalog.pg_get_userbyid(c.relowner) AS \"Owner\"");
    if (strchr(kinds, 'i') != NULL)
        rdb_strbuf_adds(&sql, ", t.relname AS \"Table\"");
    rdb_strbuf_adds(&sql, "\nFROM pg_catalog.pg_class c\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace");
    if (strchr(kinds, 'i') != NULL)
        rdb_strbuf_adds(&sql, "\n  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid\n  LEFT JOIN pg_catalog.pg_class t ON t.oid = x.indrelid");
    rdb_strbuf_adds(&sql, "\nWHERE c.relkind IN (");
    for (const char *kind = kinds; *kind != '\0'; kind++)
        rdb_strbuf_addf(&sql, "%s'%c'", kind == kinds ? "" : ",", *kind);
    rdb_strbuf_adds(&sql, ")");
    if (pattern[0] == '\0')
        rdb_strbuf_adds(&sql, "\n  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')");
    add_relation_match(&sql, pattern);
    rdb_strbuf_adds(&sql, "\nORDER BY 1, 2");
    return show(shell, title, &sql, err);
}

/* ---- one relation ------------------------------------------------------------------------------------------------- */
typedef struct found_relation {
    uint32_t count;
    char oid[16], schema[256], name[256];
} found_relation;

static bool keep_nothing(void *at, const cli_column *columns, uint32_t column_count, rdb_error *err)
{
    (void)at;
    (void)columns;
    return column_count == 3 || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "a catalog query gave other columns than asked for");
}

static bool keep_relation(void *at, const cli_value *values, uint32_t column_count, rdb_error *err)
{
    (void)column_count;
    (void)err;
    found_relation *found = at;
    char *targets[] = {found->oid, found->schema, found->name};
    size_t sizes[] = {sizeof found->oid, sizeof found->schema, sizeof found->name};
    if (found->count++ == 0)
        for (int value_no = 0; value_no < 3; value_no++)
            snprintf(targets[value_no], sizes[value_no], "%.*s", RDB_MAX(values[value_no].length, 0), values[value_no].text);
    return true;
}

static bool ignore_tag(void *at, const char *tag, rdb_error *err)
{
    (void)at;
    (void)tag;
    (void)err;
    return true;
}

static bool describe_relation(cli_shell *shell, const char *pattern, rdb_error *err)
{
    found_relation found = {0};
    cli_sink sink = {.begin_rows = keep_nothing, .take_row = keep_relation, .end_command = ignore_tag};
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, "SELECT c.oid, n.nspname, c.relname\nFROM pg_catalog.pg_class c\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\nWHERE true");
    add_relation_match(&sql, pattern);
    rdb_strbuf_adds(&sql, "\nORDER BY 2, 3");
    bool ok = rdb_strbuf_check(&sql, err) && cli_client_query(shell->client, sql.data, &sink, &found, err);
    rdb_strbuf_free(&sql);
    if (!ok)
        return false;
    if (found.count == 0)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "no relation matches \"%s\"", pattern);
    if (found.count > 1) {
        return list_relations(shell, "rvmSpfi", "Matching relations", pattern, err);
    }
    char title[600];
    snprintf(title, sizeof title, "Columns of \"%s.%s\"", found.schema, found.name);
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql,
                    "SELECT a.attname AS \"Column\", pg_catalog.format_type(a.atttypid, a.atttypmod) AS \"Type\",\n"
                    "  CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS \"Nullable\", pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS \"Default\"\n"
                    "FROM pg_catalog.pg_attribute a\n  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum\n"
                    "WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped\nORDER BY a.attnum",
                    found.oid);
    if (!show(shell, title, &sql, err))
        return false;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql,
                    "SELECT i.relname AS \"Index\", CASE WHEN x.indisprimary THEN 'primary key' WHEN x.indisunique THEN 'unique' ELSE '' END AS \"Kind\",\n"
                    "  pg_catalog.pg_get_indexdef(x.indexrelid) AS \"Definition\"\n"
                    "FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid\nWHERE x.indrelid = %s\nORDER BY 1",
                    found.oid);
    if (!show(shell, "Indexes", &sql, err))
        return false;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql,
                    "SELECT r.conname AS \"Constraint\", pg_catalog.pg_get_constraintdef(r.oid) AS \"Definition\"\n"
                    "FROM pg_catalog.pg_constraint r\nWHERE r.conrelid = %s\nORDER BY 1",
                    found.oid);
    return show(shell, "Constraints", &sql, err);
}

static bool describe(cli_shell *shell, const char *kind, const char *pattern, rdb_error *err)
{
    static const struct {
        const char *letter, *kinds, *title;
    } LISTS[] = {{"t", "rp", "Tables"}, {"i", "iI", "Indexes"}, {"v", "v", "Views"}, {"s", "S", "Sequences"}};
    if (kind[0] == '\0')
        return pattern[0] != '\0' ? describe_relation(shell, pattern, err) : list_relations(shell, "rvmSpf", "Relations", "", err);
    for (size_t list_no = 0; list_no < RDB_COUNT_OF(LISTS); list_no++)
        if (strcmp(kind, LISTS[list_no].letter) == 0)
            return list_relations(shell, LISTS[list_no].kinds, LISTS[list_no].title, pattern, err);
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    bool is_schemas = strcmp(kind, "n") == 0;
    rdb_strbuf_adds(&sql, is_schemas ? "SELECT n.nspname AS \"Name\", pg_catalog.pg_get_userbyid(n.nspowner) AS \"Owner\"\nFROM pg_catalog.pg_namespace n\n"
                                       "WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
                                     : "SELECT r.rolname AS \"Role\", r.rolsuper AS \"Superuser\", r.rolcreaterole AS \"Create role\", r.rolcreatedb AS \"Create DB\", "
                                       "r.rolcanlogin AS \"Login\"\nFROM pg_catalog.pg_roles r\nWHERE r.rolname NOT LIKE 'pg\\_%'");
    if (pattern[0] != '\0')
        add_name_match(&sql, is_schemas ? "n.nspname" : "r.rolname", pattern, strlen(pattern));
    rdb_strbuf_adds(&sql, "\nORDER BY 1");
    return show(shell, is_schemas ? "Schemas" : "Roles", &sql, err);
}

static bool list_databases(cli_shell *shell, rdb_error *err)
{
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, "SELECT d.datname AS \"Name\", pg_catalog.pg_get_userbyid(d.datdba) AS \"Owner\", pg_catalog.pg_encoding_to_char(d.encoding) AS \"Encoding\", "
                          "d.datcollate AS \"Collate\", d.datctype AS \"Ctype\"\nFROM pg_catalog.pg_database d\nORDER BY 1");
    return show(shell, "Databases", &sql, err);
}

/* ---- settings of the shell ---------------------------------------------------------------------------------------- */
static void tell(const cli_shell *shell, const char *what, bool is_on)
{
    if (shell->is_interactive)
        printf("%s is %s\n", what, is_on ? "on" : "off");
}

static bool set_output(cli_shell *shell, const char *path, rdb_error *err)
{
    FILE *target = path[0] != '\0' ? fopen(path, "we") : stdout;
    if (target == NULL)
        return rdb_error_set_errno(err, errno, "%s cannot be opened", path);
    FILE *before = shell->printer.target;
    shell->printer.target = target;
    return before == stdout || fclose(before) == 0 || rdb_error_set_errno(err, errno, "the output cannot be written");
}

static bool include_file(cli_shell *shell, const char *path, rdb_error *err)
{
    int exit_code = 0;
    if (path[0] == '\0')
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "\\i needs a file");
    return cli_run_file(shell, path, &exit_code) || rdb_error_set(err, RDB_SYNTAX_ERROR, "%s was not run to its end", path);
}

static void show_connection(const cli_shell *shell)
{
    printf("database \"%s\" as role \"%s\" at %s%s; server version %s; %s\n", shell->target->database, shell->target->user,
           shell->target->host[0] == '/' ? "the Unix socket " : "", shell->target->host, cli_client_server_version(shell->client),
           cli_client_is_encrypted(shell->client) ? "encrypted by TLS" : "not encrypted");
}

bool cli_run_meta(cli_shell *shell, const char *line, rdb_error *err)
{
    char name[32];
    const char *at = line + 1;
    size_t length = strcspn(at, " \t\r\n;");
    snprintf(name, sizeof name, "%.*s", (int)RDB_MIN(length, sizeof name - 1), at);
    at += length;
    at += strspn(at, " \t");
    char *argument = strdup(at);
    if (argument == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (size_t end = strlen(argument); end > 0 && strchr(" \t\r\n;", argument[end - 1]) != NULL; end--)
        argument[end - 1] = '\0';
    bool ok = true;
    size_t name_length = strlen(name);
    if (name_length > 1 && name[name_length - 1] == '+')
        name[name_length - 1] = '\0'; /* \dt+ and its kind show the same here */
    if (strcmp(name, "q") == 0) {
        shell->wants_quit = true;
    } else if (strcmp(name, "?") == 0) {
        fputs(HELP, stdout);
    } else if (name[0] == 'd' && (name[1] == '\0' || (name[2] == '\0' && strchr("tivsnu", name[1]) != NULL))) {
        ok = describe(shell, name + 1, argument, err);
    } else if (strcmp(name, "l") == 0) {
        ok = list_databases(shell, err);
    } else if (strcmp(name, "x") == 0) {
        shell->printer.format = shell->printer.format == CLI_FORMAT_EXPANDED ? CLI_FORMAT_TABLE : CLI_FORMAT_EXPANDED;
        tell(shell, "expanded output", shell->printer.format == CLI_FORMAT_EXPANDED);
    } else if (strcmp(name, "t") == 0) {
        shell->printer.tuples_only = !shell->printer.tuples_only;
        tell(shell, "tuples only", shell->printer.tuples_only);
    } else if (strcmp(name, "timing") == 0) {
        shell->timing = argument[0] != '\0' ? strcmp(argument, "on") == 0 : !shell->timing;
        tell(shell, "timing", shell->timing);
    } else if (strcmp(name, "output") == 0) {
        ok = cli_format_parse(argument, &shell->printer.format) || rdb_error_set(err, RDB_SYNTAX_ERROR, "\\output takes table, csv, json or expanded");
    } else if (strcmp(name, "o") == 0) {
        ok = set_output(shell, argument, err);
    } else if (strcmp(name, "i") == 0) {
        ok = include_file(shell, argument, err);
    } else if (strcmp(name, "echo") == 0) {
        fprintf(shell->printer.target, "%s\n", argument);
    } else if (strcmp(name, "conninfo") == 0) {
        show_connection(shell);
    } else {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "unknown command \\%s", name);
        ok = rdb_error_hint(err, "\\? lists the commands.");
    }
    free(argument);
    return ok;
}
