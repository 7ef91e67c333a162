/* SPDX-License-Identifier: Apache-2.0
 * The blob of built-in rows holds what PostgreSQL 15's postgres.bki says: all of it, in order, with the values resolved
 * as PostgreSQL's bootstrap resolves them. Figures were counted in a running PostgreSQL 15 and in the file itself. */
#include "catalog/builtin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const catalog_blob_relation *relation(const char *name)
{
    const catalog_blob_relation *found = builtin_relation_by_name(name);
    assert_non_null(found);
    return found;
}

static const char *value(const catalog_blob_relation *of, uint32_t row, const char *column)
{
    uint32_t column_no = builtin_column_by_name(of, column);
    assert_int_not_equal(column_no, UINT32_MAX);
    return builtin_value(of, row, column_no);
}

/* The row whose column has that text. */
static uint32_t row_where(const catalog_blob_relation *of, const char *column, const char *text)
{
    for (uint32_t row = 0; row < of->row_count; row++) {
        const char *found = value(of, row, column);
        if (found != NULL && strcmp(found, text) == 0)
            return row;
    }
    fail_msg("no row with %s = %s", column, text);
    return 0;
}

static void test_every_row_of_the_file_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t rows;
    } expected[] = {
        {"pg_proc", 3231}, {"pg_type", 193}, {"pg_operator", 799}, {"pg_opfamily", 146}, {"pg_opclass", 177}, {"pg_am", 7},
        {"pg_amop", 945}, {"pg_amproc", 696}, {"pg_aggregate", 148}, {"pg_cast", 229}, {"pg_conversion", 128},
        {"pg_range", 6}, {"pg_language", 3}, {"pg_namespace", 3}, {"pg_collation", 3}, {"pg_authid", 13},
        {"pg_description", 3558}, {"pg_ts_template", 5}, {"pg_tablespace", 2}, {"pg_constraint", 0},
    };
    assert_int_equal(builtin_relation_count(), 64 + 3); /* and our own */
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (relation(expected[i].name)->row_count != expected[i].rows &&
            !(relation(expected[i].name)->row_count > expected[i].rows && expected[i].rows > 3000)) /* minor releases add functions */
            fail_msg("%s has %u rows", expected[i].name, relation(expected[i].name)->row_count);
    uint32_t total = 0;
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        total += builtin_relation_at(i)->row_count;
    assert_in_range(total, 11052, 11100); /* lines that begin with "insert" */
}

static void test_values_are_the_texts_of_the_file(void **state)
{
    (void)state;
    const catalog_blob_relation *types = relation("pg_type");
    uint32_t row = row_where(types, "typname", "name");
    assert_string_equal(value(types, row, "oid"), "19");
    assert_string_equal(value(types, row, "typlen"), "64"); /* NAMEDATALEN */
    assert_string_equal(value(types, row, "typelem"), "18");
    assert_null(value(types, row, "typdefault"));
    row = row_where(types, "typname", "int8");
    assert_string_equal(value(types, row, "typbyval"), "t"); /* FLOAT8PASSBYVAL */
    assert_string_equal(value(types, row, "typdelim"), ","); /* was quoted */
    const catalog_blob_relation *functions = relation("pg_proc");
    row = row_where(functions, "oid", "67");
    assert_string_equal(value(functions, row, "proname"), "texteq");
    assert_string_equal(value(functions, row, "proargtypes"), "25 25");
    const catalog_blob_relation *attributes = relation("pg_attribute");
    assert_string_equal(value(attributes, 0, "attidentity"), ""); /* empty is not NULL */
    assert_null(value(attributes, 0, "attacl"));
    const catalog_blob_relation *descriptions = relation("pg_description");
    bool has_quote = false; /* "''" in the file is one quote in the value */
    for (row = 0; row < descriptions->row_count; row++) {
        const char *text = value(descriptions, row, "description");
        assert_null(strstr(text, "''"));
        has_quote = has_quote || strchr(text, '\'') != NULL;
    }
    assert_true(has_quote);
}

static void test_row_types_have_postgresqls_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t oid, row_type, array_type, toast;
    } expected[] = {
        {"pg_class", 1259, 83, 0, 0},          {"pg_attrdef", 2604, 10001, 10000, 2830},
        {"pg_database", 1262, 1248, 10052, 4177}, {"pg_depend", 2608, 10051, 10050, 0},
        {"pg_db_role_setting", 2964, 10054, 10053, 2966}, {"pg_sequence", 2224, 10105, 10104, 0},
        {"rdb_layout", 8000, 8001, 8002, 0},
        {"pg_subscription", 6100, 6101, 10112, 4183}, {"pg_subscription_rel", 6102, 10114, 10113, 0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const catalog_blob_relation *found = builtin_relation_by_oid(expected[i].oid);
        assert_non_null(found);
        assert_string_equal(builtin_text(found->name), expected[i].name);
        assert_int_equal(found->row_type_oid, expected[i].row_type);
        assert_int_equal(found->array_type_oid, expected[i].array_type);
        assert_int_equal(found->toast_oid, expected[i].toast);
    }
    uint32_t shared = 0;
    for (uint32_t i = 0; i < builtin_relation_count(); i++)
        shared += (builtin_relation_at(i)->flags & CATALOG_BLOB_SHARED) != 0;
    assert_int_equal(shared, 11 + 1);
}

/* The columns as made from "create" equal the rows that the file itself has for its four bootstrap tables. */
static void test_columns_agree_with_pg_attribute(void **state)
{
    (void)state;
    const catalog_blob_relation *attributes = relation("pg_attribute");
    uint32_t compared = 0;
    for (uint32_t row = 0; row < attributes->row_count; row++) {
        int number = atoi(value(attributes, row, "attnum"));
        if (number < 0)
            continue;
        const catalog_blob_relation *of = builtin_relation_by_oid((uint32_t)atoi(value(attributes, row, "attrelid")));
        assert_non_null(of);
        const catalog_blob_column *column = builtin_column_at(of, (uint32_t)number - 1);
        assert_string_equal(builtin_text(column->name), value(attributes, row, "attname"));
        assert_int_equal(column->type_oid, atoi(value(attributes, row, "atttypid")));
        assert_int_equal(column->not_null, value(attributes, row, "attnotnull")[0] == 't');
        compared++;
    }
    assert_int_equal(compared, 30 + 32 + 26 + 33);
}

static void test_indexes(void **state)
{
    (void)state;
    uint32_t count = 0, unique = 0, primary = 0, constraints = 0;
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const catalog_blob_relation *of = builtin_relation_at(i);
        for (uint32_t k = 0; k < of->index_count; k++) {
            const catalog_blob_index *index = builtin_index_at(of, k);
            assert_int_equal(index->relation_oid, of->oid);
            assert_ptr_equal(builtin_index_by_oid(index->oid), index);
            count++;
            unique += (index->flags & CATALOG_BLOB_UNIQUE) != 0;
            primary += (index->flags & CATALOG_BLOB_PRIMARY) != 0;
            constraints += (index->flags & CATALOG_BLOB_CONSTRAINT) != 0;
        }
    }
    assert_int_equal(count, 122 + 5);
    assert_int_equal(unique, 109 + 4);
    assert_int_equal(primary, 62); /* all but pg_depend and pg_shdepend */
    assert_int_equal(constraints, 109);
    const catalog_blob_index *by_name = builtin_index_by_oid(2691);
    assert_string_equal(builtin_text(by_name->name), "pg_proc_proname_args_nsp_index");
    assert_int_equal(by_name->key_count, 3);
    assert_int_equal(builtin_key_at(by_name, 0)->column_no, 2);
    assert_int_equal(builtin_key_at(by_name, 1)->column_no, 20);
    assert_int_equal(builtin_key_at(by_name, 2)->opclass_oid, 1981); /* oid_ops */
    assert_null(builtin_index_by_oid(1));
    assert_null(builtin_relation_by_oid(1));
    assert_null(builtin_relation_by_name("pg_roles"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_of_the_file_is_there),
        cmocka_unit_test(test_values_are_the_texts_of_the_file),
        cmocka_unit_test(test_row_types_have_postgresqls_numbers),
        cmocka_unit_test(test_columns_agree_with_pg_attribute),
        cmocka_unit_test(test_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
