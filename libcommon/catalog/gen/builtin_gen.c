/* SPDX-License-Identifier: Apache-2.0
 * Build tool: reads PostgreSQL's postgres.bki (the commands that make its system tables and fill them),
 * system_constraints.sql (which of their indexes are primary keys and unique constraints) and system_functions.sql (the
 * defaults of built-in functions' arguments), and writes the blob drawn in builtin_format.h.
 *
 *    builtin_gen POSTGRES.BKI OWN.BKI SYSTEM_CONSTRAINTS.SQL SYSTEM_FUNCTIONS.SQL BLOB HEADER
 *
 * OWN.BKI has the tables and indexes of ours, in the same grammar. HEADER receives the numbers of all columns as constants.
 *
 * It accepts the whole grammar of the file and ends the build at the first line it does not understand: a row that was
 * silently dropped would be missing at run time. */
#include "catalog/builtin_format.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NULL_CELL 0u
/* Row types without an OID of their own, and all array types of row types, take numbers from here, in creation order. */
#define FIRST_ASSIGNED_OID 10000u

typedef struct column_source {
    char *name, *type;
    enum { NULL_AUTO, NULL_FORCED, NOT_NULL_FORCED } nullness;
} column_source;

typedef struct relation_source {
    catalog_blob_relation out;
    char *name;
    column_source *columns;
    uint32_t *cells;
    uint32_t cell_count, cell_capacity, column_capacity;
} relation_source;

typedef struct index_source {
    catalog_blob_index out;
    uint32_t relation_no, position;
    char *name;
    char *key_columns[32], *key_opclasses[32];
} index_source;

static const char *input_path;
static unsigned line_no;
static relation_source *relations;
static uint32_t relation_count;
static index_source *indexes;
static uint32_t index_count;

static char *strings;
static uint32_t string_bytes = 1, string_capacity;
static uint32_t *string_slots; /* open addressing: offsets, 0 = free */
static uint32_t string_slot_count = 1u << 17, string_count;

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "builtin_gen: %s:%u: ", input_path, line_no);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *grow(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

static char *copy_text(const char *text)
{
    return strcpy(grow(NULL, strlen(text) + 1), text);
}

/* The offset of the text in strings; equal texts share one. */
static uint32_t intern(const char *text)
{
    uint32_t length = (uint32_t)strlen(text), hash = 2166136261u;
    for (uint32_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    uint32_t slot = hash % string_slot_count;
    for (; string_slots[slot] != 0; slot = (slot + 1) % string_slot_count)
        if (strcmp(strings + string_slots[slot], text) == 0)
            return string_slots[slot];
    if (++string_count > string_slot_count / 2)
        fail("more distinct texts than the table of texts was made for");
    if (string_bytes + length + 1 > string_capacity) {
        string_capacity = (string_bytes + length + 1) * 2;
        strings = grow(strings, string_capacity);
        strings[0] = '\0';
    }
    memcpy(strings + string_bytes, text, length + 1);
    string_slots[slot] = string_bytes;
    string_bytes += length + 1;
    return string_slots[slot];
}

/* ---- tokens of one line -------------------------------------------------------------------------------------------- */
typedef struct token {
    char text[8192];
    bool is_quoted;
} token;

/* A word, a quoted text with its quotes and escapes resolved, or one of ( ) , =. False at the end of the line. */
static bool next_token(const char **at, token *out)
{
    const char *p = *at;
    size_t length = 0;
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    out->is_quoted = *p == '\'';
    if (*p == '\0')
        return false;
    if (*p == '\'') {
        for (p++;; p++) {
            char c = *p;
            if (c == '\0' || length + 1 >= sizeof out->text)
                fail("a quoted text does not end or is too long");
            if (c == '\'') {
                if (p[1] != '\'')
                    break;
                p++;
            } else if (c == '\\') {
                c = *++p;
                if (c >= '0' && c <= '7') {
                    unsigned value = 0;
                    int digits = 0;
                    for (; digits < 3 && *p >= '0' && *p <= '7'; digits++, p++)
                        value = value * 8 + (unsigned)(*p - '0');
                    p--;
                    c = (char)value;
                } else {
                    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
                    const char *escape = c != '\0' ? strchr(from, c) : NULL;
                    if (escape != NULL)
                        c = to[escape - from];
                }
                if (c == '\0')
                    fail("a zero byte in a quoted text");
            }
            out->text[length++] = c;
        }
        p++;
    } else if (strchr("(),=", *p) != NULL) {
        out->text[length++] = *p++;
    } else {
        while (*p != '\0' && strchr(" \t\r\n(),='", *p) == NULL) {
            if (length + 1 >= sizeof out->text)
                fail("a word is too long");
            out->text[length++] = *p++;
        }
    }
    out->text[length] = '\0';
    *at = p;
    return true;
}

static bool token_is(const token *t, const char *word)
{
    return !t->is_quoted && strcmp(t->text, word) == 0;
}

static void expect(const char **at, const char *word)
{
    static token t;
    if (!next_token(at, &t) || !token_is(&t, word))
        fail("\"%s\" expected", word);
}

static char *read_word(const char **at)
{
    static token t;
    if (!next_token(at, &t) || t.is_quoted || strchr("(),=", t.text[0]) != NULL)
        fail("a word expected");
    return copy_text(t.text);
}

static uint32_t to_number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX)
        fail("\"%s\" is not an OID", text);
    return (uint32_t)value;
}

static uint32_t read_number(const char **at)
{
    char *word = read_word(at);
    uint32_t value = to_number(word);
    free(word);
    return value;
}

static relation_source *find_relation(const char *name)
{
    for (uint32_t i = 0; i < relation_count; i++)
        if (strcmp(relations[i].name, name) == 0)
            return &relations[i];
    fail("relation \"%s\" is not known", name);
}

static uint32_t find_column(const relation_source *relation, const char *name)
{
    for (uint32_t i = 0; i < relation->out.column_count; i++)
        if (strcmp(relation->columns[i].name, name) == 0)
            return i;
    fail("relation \"%s\" has no column \"%s\"", relation->name, name);
}

/* Text of a cell, "" for NULL. */
static const char *cell(const relation_source *relation, uint32_t row, uint32_t column)
{
    return strings + relation->cells[row * relation->out.column_count + column];
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */
static void read_create(const char *at)
{
    relations = grow(relations, (relation_count + 1) * sizeof *relations);
    relation_source *relation = &relations[relation_count++];
    memset(relation, 0, sizeof *relation);
    relation->name = read_word(&at);
    relation->out.oid = read_number(&at);
    static token t;
    while (next_token(&at, &t)) {
        if (token_is(&t, "bootstrap"))
            relation->out.flags |= CATALOG_BLOB_BOOTSTRAP;
        else if (token_is(&t, "shared_relation"))
            relation->out.flags |= CATALOG_BLOB_SHARED;
        else if (token_is(&t, "rowtype_oid"))
            relation->out.row_type_oid = read_number(&at);
        else if (token_is(&t, "arraytype_oid")) /* in OWN.BKI only */
            relation->out.array_type_oid = read_number(&at);
        else
            fail("\"create\" with unknown option \"%s\"", t.text);
    }
}

/* One line "name = type [FORCE [NOT] NULL] [,]". */
static void read_column(relation_source *relation, const char *at)
{
    if (relation->out.column_count == relation->column_capacity) {
        relation->column_capacity = relation->column_capacity * 2 + 16;
        relation->columns = grow(relation->columns, relation->column_capacity * sizeof *relation->columns);
    }
    column_source *column = &relation->columns[relation->out.column_count++];
    memset(column, 0, sizeof *column);
    column->name = read_word(&at);
    expect(&at, "=");
    column->type = read_word(&at);
    static token t;
    while (next_token(&at, &t)) {
        if (token_is(&t, ","))
            continue;
        if (!token_is(&t, "FORCE") || !next_token(&at, &t))
            fail("column \"%s\" with unknown option \"%s\"", column->name, t.text);
        column->nullness = NULL_FORCED;
        if (token_is(&t, "NOT")) {
            column->nullness = NOT_NULL_FORCED;
            if (!next_token(&at, &t))
                fail("\"NULL\" expected");
        }
        if (!token_is(&t, "NULL"))
            fail("\"NULL\" expected");
    }
}

static void read_insert(relation_source *relation, const char *at)
{
    /* What initdb fills in for the machine, as on every machine this builds for. The rest (POSTGRES, ENCODING, ...) is
     * the instance's and is filled in at bootstrap. */
    static const struct {
        const char *token, *value;
    } substitutions[] = {{"NAMEDATALEN", "64"}, {"SIZEOF_POINTER", "8"}, {"ALIGNOF_POINTER", "d"}, {"FLOAT8PASSBYVAL", "t"}};
    static token t;
    uint32_t count = 0;
    expect(&at, "(");
    for (;; count++) {
        if (!next_token(&at, &t))
            fail("\")\" expected");
        if (token_is(&t, ")"))
            break;
        if (count == relation->out.column_count)
            fail("a row of \"%s\" with too many values", relation->name);
        if (relation->cell_count == relation->cell_capacity) {
            relation->cell_capacity = relation->cell_capacity * 2 + 1024;
            relation->cells = grow(relation->cells, relation->cell_capacity * sizeof *relation->cells);
        }
        const char *value = t.text;
        if (!t.is_quoted)
            for (size_t i = 0; i < sizeof substitutions / sizeof substitutions[0]; i++)
                if (strcmp(value, substitutions[i].token) == 0)
                    value = substitutions[i].value;
        relation->cells[relation->cell_count++] = token_is(&t, "_null_") ? NULL_CELL : intern(value);
    }
    if (count != relation->out.column_count || next_token(&at, &t))
        fail("a row of \"%s\" with %u values", relation->name, count);
    relation->out.row_count++;
}

/* declare toast OID OID on RELATION
 * declare [unique] index NAME OID on RELATION using btree(COLUMN OPCLASS, ...) */
static void read_declare(const char *at)
{
    static token t;
    bool is_unique = false;
    if (!next_token(&at, &t))
        fail("\"declare\" what?");
    if (token_is(&t, "toast")) {
        uint32_t toast_oid = read_number(&at), toast_index_oid = read_number(&at);
        expect(&at, "on");
        relation_source *relation = find_relation(read_word(&at));
        relation->out.toast_oid = toast_oid;
        relation->out.toast_index_oid = toast_index_oid;
        return;
    }
    if (token_is(&t, "unique")) {
        is_unique = true;
        if (!next_token(&at, &t))
            fail("\"declare unique\" what?");
    }
    if (!token_is(&t, "index"))
        fail("\"declare %s\" is not known", t.text);
    indexes = grow(indexes, (index_count + 1) * sizeof *indexes);
    index_source *index = &indexes[index_count];
    memset(index, 0, sizeof *index);
    index->position = index_count++;
    index->out.flags = is_unique ? CATALOG_BLOB_UNIQUE : 0;
    index->name = read_word(&at);
    index->out.oid = read_number(&at);
    expect(&at, "on");
    relation_source *relation = find_relation(read_word(&at));
    index->relation_no = (uint32_t)(relation - relations);
    index->out.relation_oid = relation->out.oid;
    relation->out.index_count++;
    expect(&at, "using");
    expect(&at, "btree");
    expect(&at, "(");
    do {
        if (index->out.key_count == 32)
            fail("index \"%s\" has too many columns", index->name);
        index->key_columns[index->out.key_count] = read_word(&at);
        index->key_opclasses[index->out.key_count++] = read_word(&at);
        if (!next_token(&at, &t))
            fail("\")\" expected");
    } while (token_is(&t, ","));
    if (!token_is(&t, ")"))
        fail("\")\" expected");
}

static void read_bki(const char *path)
{
    input_path = path;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail("%s", strerror(errno));
    char *line = NULL;
    size_t capacity = 0;
    relation_source *open = NULL; /* whose rows follow */
    bool in_columns = false;
    for (line_no = 1; getline(&line, &capacity, file) >= 0; line_no++) {
        const char *at = line;
        static token t;
        if (line[0] == '#') {
            if (line_no == 1 && relation_count == 0 && strcmp(line, "# PostgreSQL 15\n") != 0)
                fail("these are not the rows of PostgreSQL 15");
            continue;
        }
        if (!next_token(&at, &t))
            continue;
        if (in_columns) {
            if (token_is(&t, ")"))
                in_columns = false;
            else if (!token_is(&t, "("))
                read_column(open, line);
        } else if (token_is(&t, "create")) {
            read_create(at);
            open = &relations[relation_count - 1];
            in_columns = true;
        } else if (token_is(&t, "open")) {
            open = find_relation(read_word(&at));
        } else if (token_is(&t, "close")) {
            open = NULL;
        } else if (token_is(&t, "insert")) {
            if (open == NULL)
                fail("\"insert\" into no relation");
            read_insert(open, at);
        } else if (token_is(&t, "declare")) {
            read_declare(at);
        } else if (!token_is(&t, "build")) {
            fail("command \"%s\" is not known", t.text);
        }
    }
    if (ferror(file))
        fail("%s", strerror(errno));
    fclose(file);
    free(line);
}

/* ALTER TABLE relation ADD {PRIMARY KEY | UNIQUE} USING INDEX name; */
static void read_constraints(const char *path)
{
    input_path = path;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail("%s", strerror(errno));
    char line[512], kind[16], name[128];
    for (line_no = 1; fgets(line, sizeof line, file) != NULL; line_no++) {
        if (line[0] == '\n' || strncmp(line, "--", 2) == 0 || line[0] == '/' || line[0] == ' ')
            continue;
        bool is_primary = sscanf(line, "ALTER TABLE %*s ADD PRIMARY %15s USING INDEX %127[^; ]", kind, name) == 2;
        if (!is_primary && sscanf(line, "ALTER TABLE %*s ADD %15s USING INDEX %127[^; ]", kind, name) != 2)
            continue; /* a line of the leading comment */
        uint32_t i = 0;
        while (i < index_count && strcmp(indexes[i].name, name) != 0)
            i++;
        if (i == index_count)
            fail("index \"%s\" is not known", name);
        indexes[i].out.flags |= CATALOG_BLOB_CONSTRAINT | (is_primary ? CATALOG_BLOB_PRIMARY : 0);
    }
    fclose(file);
}

/* The name of an argument ("target jsonb DEFAULT ..."), which the text loses; false: it has none, the word is its type. */
static bool add_argument_name(const char *argument, char *names, size_t size, size_t *length)
{
    static const char *const MODES[] = {"OUT ", "INOUT ", "IN ", "VARIADIC "};
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) {
        if (strncmp(argument, MODES[i], strlen(MODES[i])) == 0)
            argument += strlen(MODES[i]);
    }
    size_t bytes = strcspn(argument, " \t\n");
    const char *rest = argument + bytes;
    rest += strspn(rest, " \t\n");
    if (*rest == '\0' || strncmp(rest, "DEFAULT ", 8) == 0)
        return false;
    *length += (size_t)snprintf(names + *length, size - *length, "%s%.*s", *length > 1 ? "," : "", (int)bytes, argument);
    return true;
}

/* One function's argument list, its outer parentheses left out: notes the defaults, and the names where the row has none, in
 * its row of pg_proc. The row is found by name and number of input arguments, which tells those functions apart. */
static void note_defaults(const char *name, char *arguments)
{
    relation_source *functions = find_relation("pg_proc");
    uint32_t input_count = 0, default_count = 0;
    static char defaults[4096], names[4096];
    size_t length = 0, names_length = 1;
    bool has_names = true;
    strcpy(names, "{");
    while (arguments != NULL) {
        char *at = arguments;
        for (bool in_quotes = false; *at != '\0' && (in_quotes || *at != ','); at++)
            in_quotes ^= *at == '\'';
        char *next = *at == ',' ? at + 1 : NULL;
        *at = '\0';
        arguments += strspn(arguments, " \t\n");
        if (strncmp(arguments, "OUT ", 4) != 0)
            input_count++;
        has_names = has_names && add_argument_name(arguments, names, sizeof names - 1, &names_length) && names_length < sizeof names - 2;
        char *value = strstr(arguments, " DEFAULT ");
        if (value != NULL) {
            value += strlen(" DEFAULT ");
            value += strspn(value, " \t\n'");
            value[strcspn(value, " \t\n'")] = '\0';
            length += (size_t)snprintf(defaults + length, sizeof defaults - length, "%s%s", default_count > 0 ? "\n" : "", value);
            if (length >= sizeof defaults)
                fail("defaults of function \"%s\" are too long", name);
            default_count++;
        }
        arguments = next;
    }
    if (default_count == 0)
        return;
    uint32_t name_no = find_column(functions, "proname"), count_no = find_column(functions, "pronargs"), found = 0;
    for (uint32_t row = 0; row < functions->out.row_count; row++) {
        if (strcmp(cell(functions, row, name_no), name) != 0 || to_number(cell(functions, row, count_no)) != input_count)
            continue;
        found++;
        char number[16];
        snprintf(number, sizeof number, "%u", default_count);
        functions->cells[row * functions->out.column_count + find_column(functions, "pronargdefaults")] = intern(number);
        functions->cells[row * functions->out.column_count + find_column(functions, "proargdefaults")] = intern(defaults);
        uint32_t *row_names = &functions->cells[row * functions->out.column_count + find_column(functions, "proargnames")];
        if (has_names && *row_names == NULL_CELL)
            *row_names = intern(strcat(names, "}"));
    }
    if (found != 1)
        fail("function \"%s\" with %u arguments: %u rows of pg_proc", name, input_count, found);
}

static void read_functions(const char *path)
{
    static const char command[] = "CREATE OR REPLACE FUNCTION";
    input_path = path;
    line_no = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail("%s", strerror(errno));
    static char text[1u << 20];
    size_t length = fread(text, 1, sizeof text - 1, file);
    if (ferror(file) || length == sizeof text - 1)
        fail("the file cannot be read, or is too long");
    fclose(file);
    for (char *at = text; (at = strstr(at, command)) != NULL;) {
        at += strlen(command);
        at += strspn(at, " \t\n\"");
        char *name = at;
        at += strcspn(at, " \t\n\"(");
        char *name_end = at;
        at += strcspn(at, "(");
        if (*at == '\0')
            fail("a function without arguments' list");
        char *arguments = ++at;
        for (int depth = 1; *at != '\0' && depth > 0; at++)
            depth += (*at == '(') - (*at == ')');
        at[-1] = '\0';
        *name_end = '\0';
        note_defaults(name, arguments);
    }
}

/* ---- names to OIDs -------------------------------------------------------------------------------------------------- */
static uint32_t find_type(const char *name, bool *is_fixed)
{
    const relation_source *types = find_relation("pg_type");
    uint32_t name_no = find_column(types, "typname"), length_no = find_column(types, "typlen");
    for (uint32_t row = 0; row < types->out.row_count; row++) {
        if (strcmp(cell(types, row, name_no), name) == 0) {
            *is_fixed = cell(types, row, length_no)[0] != '-';
            return to_number(cell(types, row, find_column(types, "oid")));
        }
    }
    for (uint32_t i = 0; name[0] == '_' && i < relation_count; i++) { /* arrays of the rows of system tables */
        if (strcmp(relations[i].name, name + 1) == 0) {
            *is_fixed = false;
            return relations[i].out.array_type_oid;
        }
    }
    fail("type \"%s\" is not known", name);
}

static uint32_t find_opclass(const char *name)
{
    const relation_source *classes = find_relation("pg_opclass");
    uint32_t name_no = find_column(classes, "opcname"), method_no = find_column(classes, "opcmethod");
    for (uint32_t row = 0; row < classes->out.row_count; row++)
        if (strcmp(cell(classes, row, name_no), name) == 0 && strcmp(cell(classes, row, method_no), "403") == 0)
            return to_number(cell(classes, row, find_column(classes, "oid")));
    fail("btree operator class \"%s\" is not known", name);
}

static int compare_indexes(const void *left, const void *right)
{
    const index_source *a = left, *b = right;
    uint32_t x = a->relation_no != b->relation_no ? a->relation_no : a->position;
    uint32_t y = a->relation_no != b->relation_no ? b->relation_no : b->position;
    return (x > y) - (x < y);
}

static void write_all(FILE *file, const void *bytes, size_t length)
{
    if (length > 0 && fwrite(bytes, 1, length, file) != length)
        fail("%s", strerror(errno));
}

static void write_blob(const char *path)
{
    catalog_blob_header header = {.magic = CATALOG_BLOB_MAGIC, .version = CATALOG_BLOB_VERSION,
                                  .relation_count = relation_count, .index_count = index_count};
    uint32_t next_oid = FIRST_ASSIGNED_OID, next_index = 0;
    qsort(indexes, index_count, sizeof *indexes, compare_indexes);
    catalog_blob_column *columns = NULL;
    catalog_blob_key *keys = NULL;
    for (uint32_t i = 0; i < relation_count; i++) {
        if (relations[i].out.flags & CATALOG_BLOB_BOOTSTRAP)
            continue; /* theirs stand in pg_type's rows */
        if (relations[i].out.array_type_oid == 0)
            relations[i].out.array_type_oid = next_oid++;
        if (relations[i].out.row_type_oid == 0)
            relations[i].out.row_type_oid = next_oid++;
    }
    for (uint32_t i = 0; i < relation_count; i++) {
        relation_source *relation = &relations[i];
        relation->out.name = intern(relation->name);
        relation->out.first_column = header.column_count;
        relation->out.first_cell = header.cell_count;
        relation->out.first_index = next_index;
        next_index += relation->out.index_count;
        header.cell_count += relation->cell_count;
        columns = grow(columns, (header.column_count + relation->out.column_count) * sizeof *columns);
        bool all_fixed = true; /* every column so far is fixed-width and NOT NULL: those are NOT NULL unless forced */
        for (uint32_t k = 0; k < relation->out.column_count; k++) {
            const column_source *source = &relation->columns[k];
            bool is_fixed;
            catalog_blob_column *column = &columns[header.column_count++];
            column->name = intern(source->name);
            column->type_oid = find_type(source->type, &is_fixed);
            column->not_null = source->nullness == NOT_NULL_FORCED || (source->nullness == NULL_AUTO && is_fixed && all_fixed);
            all_fixed = all_fixed && is_fixed && column->not_null;
        }
    }
    for (uint32_t i = 0; i < index_count; i++) {
        index_source *index = &indexes[i];
        index->out.name = intern(index->name);
        index->out.first_key = header.key_count;
        keys = grow(keys, (header.key_count + index->out.key_count) * sizeof *keys);
        for (uint32_t k = 0; k < index->out.key_count; k++) {
            keys[header.key_count++] = (catalog_blob_key){
                .column_no = find_column(&relations[index->relation_no], index->key_columns[k]) + 1,
                .opclass_oid = find_opclass(index->key_opclasses[k])};
        }
    }
    header.string_bytes = string_bytes;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fail("%s", strerror(errno));
    write_all(file, &header, sizeof header);
    for (uint32_t i = 0; i < relation_count; i++)
        write_all(file, &relations[i].out, sizeof relations[i].out);
    write_all(file, columns, header.column_count * sizeof *columns);
    for (uint32_t i = 0; i < index_count; i++)
        write_all(file, &indexes[i].out, sizeof indexes[i].out);
    write_all(file, keys, header.key_count * sizeof *keys);
    for (uint32_t i = 0; i < relation_count; i++)
        write_all(file, relations[i].cells, relations[i].cell_count * sizeof *relations[i].cells);
    write_all(file, strings, string_bytes);
    if (fclose(file) != 0)
        fail("%s", strerror(errno));
    free(columns);
    free(keys);
}

/* "RDB_pg_class_relname = 2": positions from 1, as in pg_attribute. */
static void write_header(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fail("%s", strerror(errno));
    fprintf(file, "/* Made by builtin_gen. The columns of system tables by number (pg_attribute.attnum). */\n"
                  "#ifndef RDB_CATALOG_COLUMNS_H\n#define RDB_CATALOG_COLUMNS_H\n");
    for (uint32_t i = 0; i < relation_count; i++) {
        const relation_source *relation = &relations[i];
        fprintf(file, "enum {\n");
        for (uint32_t k = 0; k < relation->out.column_count; k++)
            fprintf(file, "    RDB_%s_%s = %u,\n", relation->name, relation->columns[k].name, k + 1);
        fprintf(file, "    RDB_%s_COLUMNS = %u\n};\n", relation->name, relation->out.column_count);
    }
    fprintf(file, "#endif\n");
    if (fclose(file) != 0)
        fail("%s", strerror(errno));
}

/* Writes beside the target and renames: a build that is interrupted leaves no half of it. */
static void write_output(const char *path, void (*write)(const char *))
{
    char *temporary = grow(NULL, strlen(path) + 5);
    sprintf(temporary, "%s.new", path);
    input_path = temporary;
    line_no = 0;
    write(temporary);
    if (rename(temporary, path) != 0)
        fail("%s", strerror(errno));
    free(temporary);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: builtin_gen POSTGRES.BKI OWN.BKI SYSTEM_CONSTRAINTS.SQL SYSTEM_FUNCTIONS.SQL BLOB HEADER\n");
        return 2;
    }
    string_slots = grow(NULL, string_slot_count * sizeof *string_slots);
    memset(string_slots, 0, string_slot_count * sizeof *string_slots);
    read_bki(argv[1]);
    read_bki(argv[2]);
    read_constraints(argv[3]);
    read_functions(argv[4]);
    write_output(argv[5], write_blob);
    write_output(argv[6], write_header);
    return 0;
}
