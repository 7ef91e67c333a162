/* SPDX-License-Identifier: Apache-2.0
 * The \d family: what is shown comes from queries that any client could send. */
#include "shell.h"

#include <ctype.h>
#include <stdlib.h>

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

static bool list_relations(cli_shell *shell, const char *kinds, const char *title, const char *pattern, bool is_long, rdb_error *err)
{
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\",\n"
                          "  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index'\n"
                          "    WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' WHEN 'f' THEN 'foreign table' END AS \"Type\",\n"
                          "  pg_catalog.pg_get_userbyid(c.relowner) AS \"Owner\"");
    if (strchr(kinds, 'i') != NULL)
        rdb_strbuf_adds(&sql, ", t.relname AS \"Table\"");
    if (is_long)
        rdb_strbuf_adds(&sql, ", pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)) AS \"Size\", pg_catalog.obj_description(c.oid, 'pg_class') AS \"Description\"");
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

static bool keep_nothing(void *at, const rdb_client_column *columns, uint32_t column_count, rdb_error *err)
{
    (void)at;
    (void)columns;
    return column_count == 3 || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "a catalog query gave other columns than asked for");
}

static bool keep_relation(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err)
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

static bool describe_relation(cli_shell *shell, const char *pattern, bool is_long, rdb_error *err)
{
    found_relation found = {0};
    rdb_client_sink sink = {.begin_rows = keep_nothing, .take_row = keep_relation, .end_command = ignore_tag};
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, "SELECT c.oid, n.nspname, c.relname\nFROM pg_catalog.pg_class c\n  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\nWHERE true");
    add_relation_match(&sql, pattern);
    rdb_strbuf_adds(&sql, "\nORDER BY 2, 3");
    bool ok = rdb_strbuf_check(&sql, err) && rdb_client_query(shell->client, sql.data, &sink, &found, err);
    rdb_strbuf_free(&sql);
    if (!ok)
        return false;
    if (found.count == 0)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "no relation matches \"%s\"", pattern);
    if (found.count > 1) {
        return list_relations(shell, "rvmSpfi", "Matching relations", pattern, is_long, err);
    }
    char title[600];
    snprintf(title, sizeof title, "Columns of \"%s.%s\"", found.schema, found.name);
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql,
                    "SELECT a.attname AS \"Column\", pg_catalog.format_type(a.atttypid, a.atttypmod) AS \"Type\",\n"
                    "  CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS \"Nullable\", pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS \"Default\"%s\n"
                    "FROM pg_catalog.pg_attribute a\n  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum\n"
                    "WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped\nORDER BY a.attnum",
                    is_long ? ", pg_catalog.col_description(a.attrelid, a.attnum) AS \"Description\"" : "", found.oid);
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
    if (!show(shell, "Constraints", &sql, err))
        return false;
    if (!is_long)
        return true;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql, "SELECT pg_catalog.pg_get_viewdef(c.oid, true) AS \"Definition\"\nFROM pg_catalog.pg_class c\nWHERE c.oid = %s AND c.relkind IN ('v', 'm')", found.oid);
    return show(shell, "View", &sql, err);
}

/* ---- lists of other things ---------------------------------------------------------------------------------------- */
typedef struct list {
    const char *name, *title;
    const char *sql;         /* up to its WHERE, which is there */
    const char *schema;      /* column that a schema in the pattern restricts; NULL: names are in no schema */
    const char *column;      /* that the pattern restricts */
    const char *unless_named; /* added where no pattern is given; NULL: nothing */
    const char *order;
} list;

#define IS_USERS(column) column " NOT IN ('pg_catalog', 'information_schema')"
static const list LISTS[] = {
    {"dn", "Schemas", "SELECT n.nspname AS \"Name\", pg_catalog.pg_get_userbyid(n.nspowner) AS \"Owner\", pg_catalog.obj_description(n.oid, 'pg_namespace') AS \"Description\"\n"
     "FROM pg_catalog.pg_namespace n\nWHERE n.nspname NOT LIKE 'pg\\_%'", NULL, "n.nspname", "n.nspname <> 'information_schema'", "1"},
    {"du", "Roles", "SELECT r.rolname AS \"Role\", r.rolsuper AS \"Superuser\", r.rolcreaterole AS \"Create role\", r.rolcreatedb AS \"Create DB\", r.rolcanlogin AS \"Login\",\n"
     "  ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON m.roleid = b.oid WHERE m.member = r.oid ORDER BY 1) AS \"Member of\"\n"
     "FROM pg_catalog.pg_roles r\nWHERE true", NULL, "r.rolname", "r.rolname NOT LIKE 'pg\\_%'", "1"},
    {"l", "Databases", "SELECT d.datname AS \"Name\", pg_catalog.pg_get_userbyid(d.datdba) AS \"Owner\", pg_catalog.pg_encoding_to_char(d.encoding) AS \"Encoding\", "
     "d.datcollate AS \"Collate\", d.datctype AS \"Ctype\"\nFROM pg_catalog.pg_database d\nWHERE true", NULL, "d.datname", NULL, "1"},
    {"df", "Functions", "SELECT n.nspname AS \"Schema\", p.proname AS \"Name\", pg_catalog.pg_get_function_result(p.oid) AS \"Result data type\",\n"
     "  pg_catalog.pg_get_function_arguments(p.oid) AS \"Argument data types\",\n"
     "  CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END AS \"Type\"\n"
     "FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\nWHERE true", "n.nspname", "p.proname", IS_USERS("n.nspname"), "1, 2, 4"},
    {"da", "Aggregate functions", "SELECT n.nspname AS \"Schema\", p.proname AS \"Name\", pg_catalog.format_type(p.prorettype, NULL) AS \"Result data type\",\n"
     "  CASE WHEN p.pronargs = 0 THEN '*' ELSE pg_catalog.pg_get_function_arguments(p.oid) END AS \"Argument data types\", pg_catalog.obj_description(p.oid, 'pg_proc') AS \"Description\"\n"
     "FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\nWHERE p.prokind = 'a'", "n.nspname", "p.proname", IS_USERS("n.nspname"), "1, 2, 4"},
    {"dT", "Data types", "SELECT n.nspname AS \"Schema\", pg_catalog.format_type(t.oid, NULL) AS \"Name\",\n"
     "  CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange' WHEN 'p' THEN 'pseudo' ELSE 'base' END AS \"Kind\",\n"
     "  pg_catalog.array_to_string(ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), ', ') AS \"Elements\",\n"
     "  pg_catalog.obj_description(t.oid, 'pg_type') AS \"Description\"\n"
     "FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
     "WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid))\n"
     "  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid)", "n.nspname", "t.typname", IS_USERS("n.nspname"), "1, 2"},
    {"dD", "Domains", "SELECT n.nspname AS \"Schema\", t.typname AS \"Name\", pg_catalog.format_type(t.typbasetype, t.typtypmod) AS \"Type\", CASE WHEN t.typnotnull THEN 'not null' ELSE '' END AS \"Nullable\",\n"
     "  t.typdefault AS \"Default\", pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r WHERE t.oid = r.contypid ORDER BY 1), ' ') AS \"Check\"\n"
     "FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\nWHERE t.typtype = 'd'", "n.nspname", "t.typname", IS_USERS("n.nspname"), "1, 2"},
    {"dp", "Privileges", "SELECT n.nspname AS \"Schema\", c.relname AS \"Name\",\n"
     "  CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END AS \"Type\",\n"
     "  pg_catalog.array_to_string(c.relacl, E'\\n') AS \"Privileges\"\n"
     "FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\nWHERE c.relkind IN ('r','v','m','S','f','p')", "n.nspname", "c.relname", IS_USERS("n.nspname"), "1, 2"},
    {"dx", "Extensions", "SELECT e.extname AS \"Name\", e.extversion AS \"Version\", n.nspname AS \"Schema\"\n"
     "FROM pg_catalog.pg_extension e LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace\nWHERE true", NULL, "e.extname", NULL, "1"},
};

static bool show_list(cli_shell *shell, const list *shown, const char *pattern, rdb_error *err)
{
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, shown->sql);
    size_t length = strlen(pattern);
    const char *dot = shown->schema != NULL ? strchr(pattern, '.') : NULL;
    if (dot != NULL) {
        add_name_match(&sql, shown->schema, pattern, (size_t)(dot - pattern));
        length -= (size_t)(dot + 1 - pattern);
        pattern = dot + 1;
    }
    if (length > 0)
        add_name_match(&sql, shown->column, pattern, length);
    else if (dot == NULL && shown->unless_named != NULL)
        rdb_strbuf_addf(&sql, "\n  AND %s", shown->unless_named);
    rdb_strbuf_addf(&sql, "\nORDER BY %s", shown->order);
    return show(shell, shown->title, &sql, err);
}

/* The source of a view or a function, as a statement that would make it. */
static bool show_definition(cli_shell *shell, bool is_view, const char *name, rdb_error *err)
{
    if (name[0] == '\0')
        return rdb_error_set(err, RDB_SYNTAX_ERROR, is_view ? "\\sv needs a view" : "\\sf needs a function");
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_adds(&sql, is_view ? "SELECT 'CREATE OR REPLACE VIEW ' || v || E' AS\\n' || pg_catalog.pg_get_viewdef(v, true) AS \"Definition\" FROM CAST("
                                  : "SELECT pg_catalog.pg_get_functiondef(f) AS \"Definition\" FROM CAST(");
    add_literal(&sql, name, strlen(name));
    rdb_strbuf_adds(&sql, is_view ? " AS pg_catalog.regclass) v" : strchr(name, '(') != NULL ? " AS pg_catalog.regprocedure) f" : " AS pg_catalog.regproc) f");
    cli_format format = shell->printer.format;
    bool tuples_only = shell->printer.tuples_only;
    shell->printer.format = CLI_FORMAT_UNALIGNED;
    shell->printer.tuples_only = true;
    bool ok = show(shell, NULL, &sql, err);
    shell->printer.format = format;
    shell->printer.tuples_only = tuples_only;
    return ok;
}

bool cli_meta_describe(cli_shell *shell, const char *name, const char *argument, bool *was_known, rdb_error *err)
{
    static const struct {
        const char *name, *kinds, *title;
    } RELATIONS[] = {{"dt", "rp", "Tables"}, {"di", "iI", "Indexes"}, {"dv", "v", "Views"}, {"dm", "m", "Materialized views"}, {"ds", "S", "Sequences"}, {"dE", "f", "Foreign tables"}};
    char plain[8];
    size_t length = strcspn(name, "+S");
    bool is_long = strchr(name + length, '+') != NULL;
    snprintf(plain, sizeof plain, "%.*s", (int)RDB_MIN(length, sizeof plain - 1), name);
    *was_known = true;
    if (strcmp(plain, "d") == 0)
        return argument[0] != '\0' ? describe_relation(shell, argument, is_long, err) : list_relations(shell, "rvmSpf", "Relations", "", is_long, err);
    if (strcmp(plain, "sv") == 0 || strcmp(plain, "sf") == 0)
        return show_definition(shell, plain[1] == 'v', argument, err);
    for (size_t list_no = 0; list_no < RDB_COUNT_OF(RELATIONS); list_no++)
        if (strcmp(plain, RELATIONS[list_no].name) == 0)
            return list_relations(shell, RELATIONS[list_no].kinds, RELATIONS[list_no].title, argument, is_long, err);
    for (size_t list_no = 0; list_no < RDB_COUNT_OF(LISTS); list_no++)
        if (strcmp(plain, LISTS[list_no].name) == 0 || (strcmp(plain, "dg") == 0 && strcmp(LISTS[list_no].name, "du") == 0) ||
            (strcmp(plain, "z") == 0 && strcmp(LISTS[list_no].name, "dp") == 0) || (strcmp(plain, "list") == 0 && strcmp(LISTS[list_no].name, "l") == 0))
            return show_list(shell, &LISTS[list_no], argument, err);
    *was_known = false;
    return true;
}
