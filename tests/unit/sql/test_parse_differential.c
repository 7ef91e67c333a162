/* SPDX-License-Identifier: Apache-2.0
 * Our tree against the parser library's own rendering of its tree as JSON, over corpus.sql: every field of every node,
 * in both directions. Each field that ast_fields.def reads must hold the same value, and each key of the JSON must be a
 * field that is read, or stand in UNREAD below, with which the grammar's output is complete. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <jansson.h>
#include <pg_query.h>

#include "sql/rdb_sql.h"

typedef enum field_kind {
    FIELD_END,
    FIELD_NODE,
    FIELD_LIST,
    FIELD_NAMES,
    FIELD_TEXT,
    FIELD_BOOL,
    FIELD_CHAR,
    FIELD_INT16,
    FIELD_INT32,
    FIELD_LONG,
    FIELD_ENUM,
} field_kind;

typedef struct field {
    field_kind kind;
    size_t offset;
    const char *theirs;
} field;

#define AST_NODE(TAG, own, library) static const field FIELDS_##TAG[] = {
#define AST_NODE_UNPLACED(TAG, own, library) AST_NODE(TAG, own, library)
#define AST_FIELD(own, library, KIND, name, from) {FIELD_##KIND, offsetof(rdb_ast_##own, name), #from},
#define AST_OWN(own, KIND, name)
#define AST_END(TAG) {FIELD_END, 0, NULL}};
#include "sql/ast_fields.def"
#undef AST_NODE
#undef AST_NODE_UNPLACED
#undef AST_END
#undef AST_FIELD
#undef AST_OWN

static const struct {
    const char *library;
    const field *fields;
    bool is_placed;
} LAYOUTS[RDB_AST_TAG_COUNT] = {
#define AST_NODE(TAG, own, library) [RDB_AST_##TAG] = {#library, FIELDS_##TAG, true},
#define AST_NODE_UNPLACED(TAG, own, library) [RDB_AST_##TAG] = {#library, FIELDS_##TAG, false},
#define AST_FIELD(own, library, KIND, name, from)
#define AST_OWN(own, KIND, name)
#define AST_END(TAG)
#include "sql/ast_fields.def"
};

/* The library's names of enumerators, and our values. */
static const struct {
    const char *theirs;
    int ours;
} ENUMERATORS[] = {
#define SAME(theirs, ours) {#theirs, (int)(ours)},
#include "sql/ast_same.def"
#undef SAME
    {"LIMIT_OPTION_DEFAULT", RDB_SQL_LIMIT_NONE},
    {"LIMIT_OPTION_COUNT", RDB_SQL_LIMIT_COUNT},
    {"LIMIT_OPTION_WITH_TIES", RDB_SQL_LIMIT_WITH_TIES},
};

static const struct {
    const char *theirs;
    rdb_sql_alter_kind ours;
} ALTER_KINDS[] = {
#define ALTER(theirs, ours) {#theirs, ours},
#include "sql/ast_same.def"
#undef ALTER
};

/* Keys of the JSON that no field reads: what analysis alone fills, and what always has one value after the parse. */
static const char *const UNREAD[] = {
    "ColumnDef.is_local",      /* true */
    "AlterTSConfigurationStmt.replace", "AlterTSConfigurationStmt.override", /* kind says it */
    "NamedArgExpr.argnumber", /* -1, which the JSON leaves out, or of analysis */
};

static uint32_t node_count, enumerator_count;
static bool tag_seen[RDB_AST_TAG_COUNT];

static void fail_at(const char *path, const char *what, const json_t *theirs)
{
    char *text = theirs == NULL ? NULL : json_dumps(theirs, JSON_ENCODE_ANY | JSON_COMPACT);
    print_error("%s: %s: %.600s\n", path, what, text == NULL ? "(absent)" : text);
    free(text);
    fail();
}

/* {"SelectStmt": {...}} where any node can stand, {...} where only one kind can. */
static const json_t *unwrap(const json_t *theirs, const char **library)
{
    *library = NULL;
    if (!json_is_object(theirs) || json_object_size(theirs) != 1)
        return theirs;
    const char *key = json_object_iter_key(json_object_iter((json_t *)theirs));
    const json_t *inner = json_object_get(theirs, key);
    if (key[0] < 'A' || key[0] > 'Z' || !json_is_object(inner))
        return theirs;
    *library = key;
    return inner;
}

static void compare_node(const char *path, const rdb_ast_node *ours, const json_t *theirs);

static void compare_list(const char *path, const rdb_list *ours, const json_t *theirs)
{
    if (ours->count != json_array_size(theirs))
        fail_at(path, "lists of different lengths", theirs);
    for (uint32_t at = 0; at < ours->count; at++)
        compare_node(path, ours->items[at], json_array_get(theirs, at));
}

static const char *string_of(const json_t *theirs)
{
    return json_string_value(json_object_get(json_object_get(theirs, "String"), "sval"));
}

static void compare_names(const char *path, const rdb_ast_names *ours, const json_t *theirs)
{
    if (ours->count != json_array_size(theirs))
        fail_at(path, "names of different number", theirs);
    for (uint32_t at = 0; at < ours->count; at++) {
        const char *name = string_of(json_array_get(theirs, at));
        if (name == NULL || strcmp(name, ours->items[at]) != 0)
            fail_at(path, ours->items[at], theirs);
    }
}

static void compare_text(const char *path, const char *ours, const json_t *theirs)
{
    if ((ours == NULL) != (theirs == NULL) || (ours != NULL && strcmp(ours, json_string_value(theirs)) != 0))
        fail_at(path, ours == NULL ? "no text" : ours, theirs);
}

static void compare_number(const char *path, int64_t ours, const json_t *theirs)
{
    int64_t number = theirs == NULL ? 0 : json_is_true(theirs) ? 1 : json_integer_value(theirs);
    if (theirs == NULL && ours < 0)
        return; /* the JSON of this version has no negative numbers: test_parse.c looks at them */
    if (ours != number)
        fail_at(path, "another number", theirs);
}

static void compare_enumerator(const char *path, int ours, const json_t *theirs)
{
    const char *name = json_string_value(theirs);
    if (name == NULL)
        fail_at(path, "no enumerator", theirs);
    for (size_t at = 0; at < RDB_COUNT_OF(ENUMERATORS); at++) {
        if (strcmp(ENUMERATORS[at].theirs, name) != 0)
            continue;
        enumerator_count++;
        if (ENUMERATORS[at].ours != ours)
            fail_at(path, "another enumerator", theirs);
        return;
    }
    fail_at(path, "an unknown enumerator", theirs);
}

/* AND_EXPR and the others of ast_same.def come as text, a char as a text of one. */
static void compare_field(const char *path, const field *f, const void *at, const json_t *theirs)
{
    switch (f->kind) {
    case FIELD_NODE:
        compare_node(path, *(rdb_ast_node *const *)at, theirs);
        return;
    case FIELD_LIST:
        compare_list(path, at, theirs);
        return;
    case FIELD_NAMES:
        compare_names(path, at, theirs);
        return;
    case FIELD_TEXT:
        compare_text(path, *(const char *const *)at, theirs);
        return;
    case FIELD_BOOL:
        compare_number(path, *(const bool *)at, theirs);
        return;
    case FIELD_CHAR: {
        const char text[2] = {*(const char *)at, '\0'};
        compare_text(path, text[0] == '\0' ? NULL : text, theirs);
        return;
    }
    case FIELD_INT16:
        compare_number(path, *(const int16_t *)at, theirs);
        return;
    case FIELD_INT32:
        compare_number(path, *(const int32_t *)at, theirs);
        return;
    case FIELD_LONG:
        compare_number(path, *(const int64_t *)at, theirs);
        return;
    case FIELD_ENUM:
        compare_enumerator(path, *(const int *)at, theirs);
        return;
    case FIELD_END:
        return;
    }
}

static void compare_value(const char *path, const rdb_ast_value *ours, const json_t *theirs)
{
    if (ours->node.tag == RDB_AST_CONST) {
        if (ours->kind == RDB_SQL_VALUE_NULL) {
            if (!json_is_true(json_object_get(theirs, "isnull")))
                fail_at(path, "we have NULL", theirs);
            return;
        }
        compare_number(path, ours->node.location, json_object_get(theirs, "location"));
    }
    /* {"ival": {"ival": 1}} in a constant, {"ival": 1} bare; a zero and a false are left out. */
    static const char *const KEYS[] = {NULL, "ival", "fval", "boolval", "sval", "bsval"};
    const json_t *value = json_object_get(theirs, KEYS[ours->kind]);
    if (ours->node.tag == RDB_AST_CONST) {
        if (!json_is_object(value))
            fail_at(path, "a constant of another kind", theirs);
        value = json_object_get(value, KEYS[ours->kind]);
    }
    if (ours->kind == RDB_SQL_VALUE_INTEGER || ours->kind == RDB_SQL_VALUE_BOOL)
        compare_number(path, ours->integer, value);
    else
        compare_text(path, ours->text, value);
}

static bool is_unread(const char *library, const char *key)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", library, key);
    for (size_t at = 0; at < RDB_COUNT_OF(UNREAD); at++)
        if (strcmp(UNREAD[at], name) == 0)
            return true;
    return false;
}

/* What AST_OWN stands for. */
static bool compare_own(const char *path, const rdb_ast_node *ours, const char *key, const json_t *theirs)
{
    if (ours->tag == RDB_AST_COLUMN && strcmp(key, "fields") == 0) {
        const rdb_ast_column *column = (const rdb_ast_column *)ours;
        size_t count = json_array_size(theirs);
        assert_int_equal(count, column->names.count + (column->is_star ? 1 : 0));
        for (uint32_t at = 0; at < column->names.count; at++)
            assert_string_equal(column->names.items[at], string_of(json_array_get(theirs, at)));
        if (column->is_star)
            assert_non_null(json_object_get(json_array_get(theirs, count - 1), "A_Star"));
        return true;
    }
    if (ours->tag == RDB_AST_SELECT && strcmp(key, "distinctClause") == 0) {
        const rdb_ast_select *select = (const rdb_ast_select *)ours;
        assert_true(select->is_distinct);
        if (select->distinct_on.count > 0)
            compare_list(path, &select->distinct_on, theirs);
        else if (json_object_size(json_array_get(theirs, 0)) > 0)
            fail_at(path, "the expressions of DISTINCT ON are lost", theirs);
        return true;
    }
    if (ours->tag == RDB_AST_ALTER_COMMAND && strcmp(key, "subtype") == 0) {
        const rdb_ast_alter_command *command = (const rdb_ast_alter_command *)ours;
        for (size_t at = 0; at < RDB_COUNT_OF(ALTER_KINDS); at++)
            if (strcmp(ALTER_KINDS[at].theirs, json_string_value(theirs)) == 0) {
                assert_int_equal(command->kind, ALTER_KINDS[at].ours);
                return true;
            }
        return false;
    }
    return false;
}

static void compare_node(const char *path, const rdb_ast_node *ours, const json_t *theirs)
{
    const char *library;
    const json_t *inner = unwrap(theirs, &library);
    if (ours == NULL) {
        if (theirs != NULL && json_object_size(theirs) > 0)
            fail_at(path, "we have nothing", theirs);
        return;
    }
    if (theirs == NULL)
        fail_at(path, rdb_ast_tag_name(ours->tag), theirs);
    node_count++;
    tag_seen[ours->tag] = true;
    if (ours->tag == RDB_AST_LIST) {
        if (library == NULL || strcmp(library, "List") != 0)
            fail_at(path, "we have a list", theirs);
        compare_list(path, &((const rdb_ast_items *)ours)->items, json_object_get(inner, "items"));
        return;
    }
    if (ours->tag == RDB_AST_CONST || ours->tag == RDB_AST_VALUE) {
        compare_value(path, (const rdb_ast_value *)ours, inner);
        return;
    }
    if (library != NULL && strcmp(library, LAYOUTS[ours->tag].library) != 0)
        fail_at(path, rdb_ast_tag_name(ours->tag), theirs);
    library = LAYOUTS[ours->tag].library;
    char below[1024];
    for (const field *f = LAYOUTS[ours->tag].fields; f->kind != FIELD_END; f++) {
        snprintf(below, sizeof below, "%.900s/%s.%s", path, library, f->theirs);
        compare_field(below, f, (const char *)ours + f->offset, json_object_get(inner, f->theirs));
    }
    if (LAYOUTS[ours->tag].is_placed)
        compare_number(path, ours->location, json_object_get(inner, "location"));
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)inner, key, value)
    {
        bool read = LAYOUTS[ours->tag].is_placed && strcmp(key, "location") == 0;
        for (const field *f = LAYOUTS[ours->tag].fields; !read && f->kind != FIELD_END; f++)
            read = strcmp(f->theirs, key) == 0;
        if (!read && !compare_own(path, ours, key, value) && !is_unread(library, key)) {
            snprintf(below, sizeof below, "%.900s/%s.%s is not read", path, library, key);
            fail_at(path, below, value);
        }
    }
}

static char *read_corpus(size_t *length)
{
    char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    snprintf(path, sizeof path, "%.*s/corpus.sql", (int)(slash == NULL ? 0 : slash - __FILE__), __FILE__);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = malloc(1 << 20);
    assert_non_null(text);
    *length = fread(text, 1, (1 << 20) - 1, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

static void test_tree_equals_the_librarys_json(void **state)
{
    (void)state;
    size_t length;
    char *text = read_corpus(&length);
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    rdb_error err = {0};
    rdb_ast_list statements;
    if (!rdb_sql_parse(arena, text, length, &statements, &err)) {
        print_error("%s at %d\n", err.message, err.position);
        fail();
    }
    PgQueryParseResult result = pg_query_parse(text);
    assert_null(result.error);
    json_t *root = json_loads(result.parse_tree, 0, NULL);
    assert_non_null(root);
    const json_t *theirs = json_object_get(root, "stmts");
    assert_true(statements.count > 500);
    assert_int_equal(statements.count, json_array_size(theirs));
    for (uint32_t at = 0; at < statements.count; at++) {
        const rdb_ast_statement *statement = &statements.items[at];
        const json_t *raw = json_array_get(theirs, at);
        char path[160];
        snprintf(path, sizeof path, "%u: %.*s", at, (int)RDB_MIN(statement->length, 120), text + statement->start);
        compare_number(path, statement->start, json_object_get(raw, "stmt_location"));
        if (json_object_get(raw, "stmt_len") != NULL)
            compare_number(path, statement->length, json_object_get(raw, "stmt_len"));
        compare_node(path, statement->body, json_object_get(raw, "stmt"));
    }
    assert_true(node_count > 3000);
    assert_true(enumerator_count > 800);
    for (int tag = RDB_AST_NONE + 1; tag < RDB_AST_TAG_COUNT; tag++)
        if (!tag_seen[tag]) {
            print_error("corpus.sql has no %s\n", rdb_ast_tag_name((rdb_ast_tag)tag));
            fail();
        }
    json_decref(root);
    pg_query_free_parse_result(result);
    rdb_arena_destroy(arena);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_equals_the_librarys_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
