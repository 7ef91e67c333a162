/* SPDX-License-Identifier: Apache-2.0
 * Descriptors of built-in objects say what PostgreSQL's catalogs say, and each is found by number and by name. */
#include "catalog/objects.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int setup(void **state)
{
    (void)state;
    rdb_error err = {0};
    return objects_load(&err) ? 0 : -1;
}

static void test_types(void **state)
{
    (void)state;
    const rdb_type *type = objects_type_get(RDB_INT4OID);
    assert_string_equal(type->name, "int4");
    assert_ptr_equal(objects_type_find("int4"), type);
    assert_int_equal(type->kind, 'b');
    assert_int_equal(type->category, 'N');
    assert_int_equal(type->typlen, 4);
    assert_true(type->is_by_value);
    assert_int_equal(type->array_oid, RDB_INT4ARRAYOID);
    assert_int_equal(type->input_oid, 42);
    assert_int_equal(type->rep, RDB_REP_INT32);
    assert_null(type->element);
    assert_int_equal(objects_type_get(RDB_TEXTOID)->collation, RDB_DEFAULT_COLLATION_OID);
    assert_true(objects_type_get(RDB_TEXTOID)->is_preferred);
    assert_false(objects_type_get(RDB_VARCHAROID)->is_preferred);
    assert_int_equal(objects_type_get(RDB_NUMERICOID)->typmod_in_oid, 2917);
    /* True arrays have an element; name, which can be subscripted too, has none. */
    assert_ptr_equal(objects_type_get(RDB_INT4ARRAYOID)->element, type);
    assert_ptr_equal(objects_type_get(RDB_OIDVECTOROID)->element, objects_type_get(RDB_OIDOID));
    assert_null(objects_type_get(RDB_NAMEOID)->element);
    const rdb_type *range = objects_type_find("int4range");
    assert_ptr_equal(range->base, type);
    assert_ptr_equal(objects_type_find("int4multirange")->base, range);
    assert_null(objects_type_get(1));
    assert_null(objects_type_get(4000000000u));
    assert_null(objects_type_find("int"));
}

static void test_row_types_of_system_tables(void **state)
{
    (void)state;
    const rdb_type *row = objects_type_find("pg_depend");
    assert_int_equal(row->oid, 10051);
    assert_int_equal(row->kind, 'c');
    assert_int_equal(row->relation_oid, RDB_PG_DEPEND);
    assert_int_equal(row->field_count, 7);
    assert_string_equal(row->fields[6].name, "deptype");
    assert_int_equal(row->fields[6].type->oid, RDB_CHAROID);
    const rdb_type *array = objects_type_get(row->array_oid);
    assert_string_equal(array->name, "_pg_depend");
    assert_ptr_equal(array->element, row);
    assert_int_equal(objects_type_find("pg_class")->oid, 83);
    assert_int_equal(objects_type_find("pg_class")->field_count, 33);
    assert_int_equal(objects_type_find("pg_class")->fields[1].collation, RDB_C_COLLATION_OID);
}

static void test_functions(void **state)
{
    (void)state;
    uint32_t count;
    const rdb_function *const *found = objects_function_find("substring", &count);
    assert_int_equal(count, 8);
    for (uint32_t i = 0; i < count; i++) {
        assert_string_equal(found[i]->name, "substring");
        assert_ptr_equal(objects_function_get(found[i]->oid), found[i]);
    }
    objects_function_find("no_such_function", &count);
    assert_int_equal(count, 0);
    const rdb_function *function = objects_function_get(67); /* texteq */
    assert_int_equal(function->argument_count, 2);
    assert_int_equal(function->argument_types[1], RDB_TEXTOID);
    assert_int_equal(function->return_type, RDB_BOOLOID);
    assert_true(function->is_strict);
    assert_true(function->is_leakproof);
    assert_int_equal(function->volatility, 'i');
    assert_null(function->all_types);
    function = objects_function_get(1371); /* pg_lock_status: OUT arguments only */
    assert_int_equal(function->argument_count, 0);
    assert_true(function->returns_set);
    assert_int_equal(function->all_count, 16);
    assert_int_equal(function->all_modes[0], 'o');
    assert_string_equal(function->argument_names[0], "locktype");
    function = objects_function_get(3058); /* concat("any", ...) */
    assert_int_equal(function->variadic_type, RDB_ANYOID);
    function = objects_function_get(2803); /* count(*) */
    assert_int_equal(function->kind, 'a');
}

/* The defaults that PostgreSQL adds by system_functions.sql. */
static void test_defaults(void **state)
{
    (void)state;
    uint32_t count;
    const rdb_function *function = objects_function_find("make_interval", &count)[0];
    assert_int_equal(count, 1);
    assert_int_equal(function->default_count, 7);
    assert_string_equal(function->defaults_tree, "0\n0\n0\n0\n0\n0\n0.0");
    assert_string_equal(function->argument_names[6], "secs");
    function = objects_function_find("jsonb_set_lax", &count)[0];
    assert_string_equal(function->defaults_tree, "true\nuse_json_null");
    function = objects_function_find("jsonb_path_query", &count)[0];
    assert_string_equal(function->defaults_tree, "{}\nfalse");
    uint32_t with_defaults = 0;
    for (uint32_t oid = 1; oid < 10000; oid++)
        if (objects_function_get(oid) != NULL && objects_function_get(oid)->default_count > 0)
            with_defaults++;
    assert_int_equal(with_defaults, 29); /* as a running PostgreSQL 15 counts them */
}

static void test_operators_and_casts(void **state)
{
    (void)state;
    uint32_t count;
    objects_operator_find("=", &count);
    assert_int_equal(count, 63);
    const rdb_operator_entry *entry = objects_operator_get(96); /* int4 = int4 */
    assert_string_equal(entry->name, "=");
    assert_int_equal(entry->function_oid, 65);
    assert_int_equal(entry->negator_oid, 518);
    assert_true(entry->can_hash && entry->can_merge);
    assert_null(objects_operator_get(3));
    const rdb_cast_entry *cast = objects_cast_find(RDB_INT4OID, RDB_INT8OID);
    assert_int_equal(cast->function_oid, 481);
    assert_int_equal(cast->context, 'i');
    assert_int_equal(objects_cast_find(RDB_VARCHAROID, RDB_TEXTOID)->method, 'b');
    assert_null(objects_cast_find(RDB_BOOLOID, RDB_DATEOID));
    assert_int_equal(objects_aggregate_get(2108)->transition_type, RDB_INT8OID); /* sum(int4) */
    assert_int_equal(objects_aggregate_get(2116)->sort_operator, 521);           /* max(int4) */
    assert_null(objects_aggregate_get(67));
}

static void test_operator_classes(void **state)
{
    (void)state;
    const object_opclass *text = objects_opclass_default(objects_type_get(RDB_TEXTOID));
    assert_string_equal(text->name, "text_ops");
    assert_ptr_equal(objects_opclass_default(objects_type_get(RDB_VARCHAROID)), text);
    assert_string_equal(objects_opclass_default(objects_type_get(RDB_BPCHAROID))->name, "bpchar_ops");
    assert_string_equal(objects_opclass_default(objects_type_get(RDB_INT4ARRAYOID))->name, "array_ops");
    assert_string_equal(objects_opclass_default(objects_type_get(RDB_OIDVECTOROID))->name, "oidvector_ops");
    assert_string_equal(objects_opclass_default(objects_type_get(RDB_CIDROID))->name, "inet_ops");
    assert_string_equal(objects_opclass_default(objects_type_get(RDB_REGCLASSOID))->name, "oid_ops");
    assert_string_equal(objects_opclass_default(objects_type_find("int4range"))->name, "range_ops");
    assert_null(objects_opclass_default(objects_type_get(RDB_POINTOID)));
    const object_opclass *int4 = objects_opclass_default(objects_type_get(RDB_INT4OID));
    assert_int_equal(objects_family_operator(int4->family_oid, RDB_INT4OID, RDB_INT4OID, 3), 96);
    assert_int_equal(objects_family_operator(int4->family_oid, RDB_INT4OID, RDB_INT8OID, 1), 37);
    assert_int_equal(objects_family_operator(int4->family_oid, RDB_INT4OID, RDB_TEXTOID, 1), 0);
    uint32_t family;
    assert_int_equal(objects_operator_strategy(521, &family), 5); /* int4 > int4 */
    assert_int_equal(family, int4->family_oid);
    assert_int_equal(objects_operator_strategy(518, &family), 0); /* <> is in no btree family */
    assert_int_equal(family, 0);
    assert_int_equal(objects_operator_strategy(98, &family), 3); /* text = text: text_ops before text_pattern_ops */
    assert_int_equal(family, text->family_oid);
    assert_string_equal(objects_opclass_get(1981)->name, "oid_ops");
    assert_int_equal(objects_opclass_find("text_pattern_ops")->input_type, RDB_TEXTOID);
}

static void test_arrays_of_the_rows(void **state)
{
    (void)state;
    rdb_arena *arena = rdb_arena_create("test", NULL, NULL);
    uint32_t count;
    const char *const *items = objects_split_array(arena, "{a,\"b,c\",\"\",\"d\\\"e\"}", &count);
    assert_int_equal(count, 4);
    assert_string_equal(items[0], "a");
    assert_string_equal(items[1], "b,c");
    assert_string_equal(items[2], "");
    assert_string_equal(items[3], "d\"e");
    objects_split_array(arena, "{}", &count);
    assert_int_equal(count, 0);
    assert_null(objects_split_array(arena, NULL, &count));
    rdb_arena_destroy(arena);
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(objects_namespace_find("pg_catalog"), RDB_NAMESPACE_PG_CATALOG);
    assert_string_equal(objects_namespace_name(RDB_NAMESPACE_PUBLIC), "public");
    assert_int_equal(objects_namespace_find("nowhere"), 0);
    assert_null(objects_namespace_name(1));
    assert_int_equal(objects_collation_find("C"), RDB_C_COLLATION_OID);
    assert_int_equal(objects_collation_find("default"), RDB_DEFAULT_COLLATION_OID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_row_types_of_system_tables),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_operators_and_casts),
        cmocka_unit_test(test_operator_classes),
        cmocka_unit_test(test_arrays_of_the_rows),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
