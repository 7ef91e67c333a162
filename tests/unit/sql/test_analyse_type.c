/* SPDX-License-Identifier: Apache-2.0
 * Types as written, to descriptors and type modifiers. The catalog is a handful of types that this file makes up; the
 * modifiers are those of PostgreSQL 15 (pg_attribute.atttypmod of a column so declared). */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "sql/analyse_int.h"

static const rdb_type TYPES[] = {
    {.oid = RDB_INT4OID, .name = "int4", .is_defined = true, .array_oid = RDB_INT4ARRAYOID},
    {.oid = RDB_INT4ARRAYOID, .name = "_int4", .is_defined = true},
    {.oid = RDB_VARCHAROID, .name = "varchar", .is_defined = true, .collation = RDB_DEFAULT_COLLATION_OID},
    {.oid = RDB_BPCHAROID, .name = "bpchar", .is_defined = true},
    {.oid = RDB_NUMERICOID, .name = "numeric", .is_defined = true},
    {.oid = RDB_BITOID, .name = "bit", .is_defined = true},
    {.oid = RDB_TIMEOID, .name = "time", .is_defined = true},
    {.oid = RDB_TIMESTAMPTZOID, .name = "timestamptz", .is_defined = true},
    {.oid = RDB_INTERVALOID, .name = "interval", .is_defined = true},
    {.oid = 16999, .name = "shell"},
};
static const rdb_column COLUMNS[] = {
    {.name = "gone", .type = &TYPES[0], .is_dropped = true},
    {.name = "price", .type = &TYPES[4], .typmod = 655366},
};
static const rdb_relation TABLE = {.name = "item", .column_count = 2, .columns = COLUMNS};

/* What the catalog would answer. */
const rdb_access_context *rdb_access_get_context(const rdb_access *access)
{
    (void)access;
    static const rdb_access_context CONTEXT = {0};
    return &CONTEXT;
}
const char *rdb_database_name(const rdb_database *database)
{
    (void)database;
    return "here";
}
bool rdb_namespace_find(rdb_access *access, const char *name, uint32_t *oid, rdb_error *err)
{
    (void)access, (void)err;
    *oid = strcmp(name, "pg_catalog") == 0 ? RDB_NAMESPACE_PG_CATALOG : 0;
    return true;
}
bool rdb_type_find(rdb_access *access, const char *schema, const char *name, const rdb_type **type, rdb_error *err)
{
    (void)access, (void)schema, (void)err;
    *type = NULL;
    for (size_t at = 0; at < RDB_COUNT_OF(TYPES); at++)
        if (strcmp(TYPES[at].name, name) == 0)
            *type = &TYPES[at];
    return true;
}
bool rdb_type_get(rdb_access *access, uint32_t oid, const rdb_type **type, rdb_error *err)
{
    (void)access, (void)err;
    *type = NULL;
    for (size_t at = 0; at < RDB_COUNT_OF(TYPES); at++)
        if (TYPES[at].oid == oid)
            *type = &TYPES[at];
    return true;
}
bool rdb_relation_find(rdb_access *access, const char *schema, const char *name, const rdb_relation **relation,
                       rdb_error *err)
{
    (void)access, (void)schema, (void)err;
    *relation = strcmp(name, "item") == 0 ? &TABLE : NULL;
    return true;
}

/* "oid typmod" of a type as a function's argument writes it, or "SQLSTATE position message". */
static void check_type(const char *written, const char *expected)
{
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    char text[512], got[512];
    snprintf(text, sizeof text, "create function f(a %s) returns int as ''", written);
    rdb_error err = {0};
    rdb_ast_list statements;
    assert_true(rdb_sql_parse(arena, text, strlen(text), &statements, &err));
    const rdb_ast_create_function *create = (const rdb_ast_create_function *)statements.items[0].body;
    const rdb_ast_function_param *param = rdb_list_get(&create->parameters, 0);
    rdb_analysis analysis = {.arena = arena, .text = text};
    const rdb_type *type;
    int32_t typmod;
    uint32_t collation;
    if (rdb_type_resolve(&analysis, &param->type->node, &type, &typmod, &collation, &err))
        snprintf(got, sizeof got, "%u %d", type->oid, typmod);
    else
        snprintf(got, sizeof got, "%s %d %.400s", err.sqlstate, err.position, err.message);
    assert_string_equal(got, expected);
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
}

static void test_modifiers(void **state)
{
    (void)state;
    check_type("int", "23 -1");
    check_type("varchar", "1043 -1");
    check_type("varchar(20)", "1043 24");
    check_type("char", "1042 5");
    check_type("char(3)", "1042 7");
    check_type("numeric(10)", "1700 655364");
    check_type("numeric(10, 2)", "1700 655366");
    check_type("numeric(3, -2)", "1700 198658");
    check_type("bit(8)", "1560 8");
    check_type("time(3)", "1083 3");
    check_type("timestamp(9) with time zone", "1184 6");
    check_type("interval", "1186 -1");
    check_type("interval(3)", "1186 2147418115");
    check_type("interval year to month", "1186 458751");
    check_type("interval second(2)", "1186 268435458");
}

static void test_arrays_and_references(void **state)
{
    (void)state;
    check_type("int[]", "1007 -1");
    check_type("int array[4]", "1007 -1");
    check_type("int[3][]", "1007 -1");
    check_type("item.price%type", "1700 655366");
    check_type("here.pg_catalog.int4", "23 -1");
}

static void test_refusals(void **state)
{
    (void)state;
    check_type("nothing", "42704 21 type \"nothing\" does not exist");
    check_type("shell", "42704 21 type \"shell\" is only a shell");
    check_type("nowhere.int4", "3F000 21 schema \"nowhere\" does not exist");
    check_type("there.pg_catalog.int4", "0A000 21 cross-database references are not implemented: there.pg_catalog.int4");
    check_type("int4(3)", "42601 21 type modifier is not allowed for type \"int4\"");
    check_type("varchar(0)", "22023 21 length for type varchar must be at least 1");
    check_type("varchar(10485761)", "22023 21 length for type varchar cannot exceed 10485760");
    check_type("numeric(1001)", "22023 21 NUMERIC precision 1001 must be between 1 and 1000");
    check_type("numeric(1, 2, 3)", "22023 21 invalid NUMERIC type modifier");
    check_type("numeric(a + 1)", "42601 21 type modifiers must be simple constants or identifiers");
    check_type("numeric('x')", "22P02 21 invalid input syntax for type integer: \"x\"");
    check_type("varchar[]", "42704 21 type \"pg_catalog.varchar[]\" does not exist");
    check_type("item.gone%type", "42703 21 column \"gone\" of relation \"item\" does not exist");
    check_type("nope.a%type", "42P01 21 relation \"nope\" does not exist");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modifiers),
        cmocka_unit_test(test_arrays_and_references),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
