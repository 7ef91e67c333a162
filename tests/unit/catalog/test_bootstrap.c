/* SPDX-License-Identifier: Apache-2.0
 * A new instance has PostgreSQL 15's system tables, filled, with sound indexes, in every database, and still has them after
 * its log was replayed. */
#include "fixture.h"

static void check_counts(instance *f)
{
    /* What the built-in file has, and what describes the system tables: 67 of them with 127 indexes, of which each but the four
     * that bootstrap has a row type and its array. */
    static const struct {
        uint32_t oid, rows;
    } expected[] = {
        {RDB_PG_PROC, 3231}, {RDB_PG_TYPE, 193 + 2 * (67 - 4)}, {RDB_PG_OPERATOR, 799}, {RDB_PG_CLASS, 67 + 127},
        {RDB_PG_INDEX, 127}, {RDB_PG_CONSTRAINT, 109}, {RDB_PG_NAMESPACE, 3}, {RDB_PG_AUTHID, 13}, {RDB_PG_DATABASE, 4},
        {RDB_PLUGGABLE, 4}, {RDB_PG_DESCRIPTION, 3558}, {RDB_PG_CAST, 229}, {RDB_PG_OPCLASS, 177}, {RDB_PG_AM, 7},
        {RDB_PG_SHDESCRIPTION, 3}, {RDB_PG_DEPEND, 0}, {RDB_LAYOUT, 0},
    };
    session s = session_begin(f);
    for (size_t i = 0; i < RDB_COUNT_OF(expected); i++) {
        uint32_t rows = count_rows(&s, expected[i].oid);
        if (rows != expected[i].rows && !(rows > expected[i].rows && expected[i].rows > 3000)) /* minor releases add functions */
            fail_msg("table %u has %u rows, not %u", expected[i].oid, rows, expected[i].rows);
    }
    /* default, C, POSIX, ucs_basic, C.utf8 and what ICU knows, of which some have no comment */
    char tag[80], name[128];
    uint32_t locales = 0;
    while (rdb_collation_icu_locale(locales, tag, sizeof tag, name, sizeof name))
        locales++;
    assert_int_equal(count_rows(&s, RDB_PG_COLLATION), 5 + locales);
    assert_true(locales > 100);
    session_abort(&s);
}

/* Every index of every system table is a sound tree with one entry a row. */
static void check_indexes(instance *f)
{
    session s = session_begin(f);
    for (uint32_t i = 0; i < builtin_relation_count(); i++) {
        const rdb_relation *relation = f->database->system[i];
        const uint32_t rows = count_rows(&s, relation->oid);
        for (uint16_t k = 0; k < relation->index_count; k++) {
            rdb_index_statistics statistics;
            MUST(f, rdb_index_verify(&relation->indexes[k].index, &statistics, &f->err));
            assert_int_equal(statistics.entries, rows);
        }
    }
    session_abort(&s);
}

static void test_tables_are_filled(void **state)
{
    instance f;
    (void)state;
    instance_begin(&f);
    check_counts(&f);
    check_indexes(&f);
    instance_end(&f);
}

static void test_they_survive_a_crash(void **state)
{
    instance f;
    (void)state;
    instance_begin(&f);
    instance_close(&f); /* no page was flushed on purpose: recovery brings them back */
    instance_open(&f);
    check_counts(&f);
    check_indexes(&f);
    instance_end(&f);
}

static void test_rows_are_found_by_index(void **state)
{
    instance f;
    rdb_catalog_row row;
    bool found;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    const rdb_datum keys[] = {datum_text("int4"), datum_oid(RDB_NAMESPACE_PG_CATALOG)};
    MUST(&f, catalog_find_row(s.access, RDB_PG_TYPE, INDEX_TYPE_NAME, keys, 2, f.arena, &row, &found, &f.err));
    assert_true(found);
    assert_int_equal(row_oid(&row, RDB_pg_type_oid), RDB_INT4OID);
    assert_int_equal(row_int16(&row, RDB_pg_type_typlen), 4);
    assert_int_equal(row_char(&row, RDB_pg_type_typtype), 'b');
    assert_true(row_bool(&row, RDB_pg_type_typbyval));
    assert_true(row.is_null[RDB_pg_type_typdefault - 1]);
    const rdb_datum attribute[] = {datum_oid(RDB_PG_CLASS), datum_int16(2)};
    MUST(&f, catalog_find_row(s.access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, attribute, 2, f.arena, &row, &found, &f.err));
    assert_true(found);
    assert_string_equal(row_text(f.arena, &row, RDB_pg_attribute_attname), "relname");
    const rdb_datum function = datum_oid(67);
    MUST(&f, catalog_find_row(s.access, RDB_PG_PROC, INDEX_PROC_OID, &function, 1, f.arena, &row, &found, &f.err));
    assert_true(found);
    const uint32_t *types;
    uint32_t count;
    MUST(&f, row_oids(f.arena, &row, RDB_pg_proc_proargtypes, &types, &count, &f.err));
    assert_int_equal(count, 2);
    assert_int_equal(types[0], RDB_TEXTOID);
    const rdb_datum none[] = {datum_text("int4"), datum_oid(RDB_NAMESPACE_PUBLIC)};
    MUST(&f, catalog_find_row(s.access, RDB_PG_TYPE, INDEX_TYPE_NAME, none, 2, f.arena, &row, &found, &f.err));
    assert_false(found);
    session_abort(&s);
    instance_end(&f);
}

static void test_databases_and_roles(void **state)
{
    instance f;
    rdb_database *database = NULL;
    rdb_role role;
    bool found;
    (void)state;
    instance_begin(&f);
    static const char *const names[] = {"template1", "postgres", "rustydb"};
    for (size_t i = 0; i < RDB_COUNT_OF(names); i++) {
        MUST(&f, rdb_database_open(f.catalog, names[i], &database, &f.err));
        assert_string_equal(rdb_database_name(database), names[i]);
        assert_int_not_equal(rdb_database_pdb(database), RDB_PDB_ROOT);
        rdb_database_close(&database);
    }
    MUST_FAIL(&f, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, rdb_database_open(f.catalog, "template0", &database, &f.err));
    MUST(&f, rdb_database_open_any(f.catalog, "template0", &database, &f.err));
    rdb_database_close(&database);
    MUST_FAIL(&f, RDB_INVALID_CATALOG_NAME, rdb_database_open(f.catalog, "nowhere", &database, &f.err));
    assert_non_null(strstr(rdb_catalog_script(RDB_SCRIPT_SYSTEM_VIEWS), "CREATE VIEW pg_roles AS"));
    assert_non_null(strstr(rdb_catalog_script(RDB_SCRIPT_INFORMATION_SCHEMA), "CREATE VIEW columns AS"));
    MUST(&f, rdb_role_find(f.catalog, "admin", &role, &found, &f.err));
    assert_true(found);
    assert_int_equal(role.oid, RDB_ROLE_ADMIN_OID);
    assert_true(role.is_superuser && role.can_login);
    assert_string_equal(role.verifier, "");
    MUST(&f, rdb_role_find(f.catalog, "pg_monitor", &role, &found, &f.err));
    assert_true(found);
    assert_false(role.is_superuser || role.can_login);
    MUST(&f, rdb_role_find(f.catalog, "nobody", &role, &found, &f.err));
    assert_false(found);
    instance_end(&f);
}

static void test_system_tables_by_name(void **state)
{
    instance f;
    const rdb_relation *relation;
    (void)state;
    instance_begin(&f);
    session s = session_begin(&f);
    MUST(&f, rdb_relation_find(s.access, NULL, "pg_class", &relation, &f.err));
    assert_non_null(relation);
    assert_int_equal(relation->oid, RDB_PG_CLASS);
    assert_int_equal(relation->column_count, 33);
    MUST(&f, rdb_relation_find(s.access, "pg_catalog", "pg_database", &relation, &f.err));
    assert_true(relation->is_shared);
    assert_int_equal(relation->table.pdb, RDB_PDB_ROOT);
    MUST(&f, rdb_relation_find(s.access, "public", "pg_class", &relation, &f.err));
    assert_null(relation);
    MUST(&f, rdb_relation_find(s.access, "nowhere", "pg_class", &relation, &f.err));
    assert_null(relation);
    MUST(&f, rdb_relation_find(s.access, NULL, "no_such_table", &relation, &f.err));
    assert_null(relation);
    uint32_t count, oid;
    const uint32_t *path = rdb_access_search_path(s.access, &count);
    assert_int_equal(count, 2);
    assert_int_equal(path[0], RDB_NAMESPACE_PG_CATALOG);
    assert_int_equal(path[1], RDB_NAMESPACE_PUBLIC);
    MUST(&f, rdb_access_creation_namespace(s.access, &oid, &f.err));
    assert_int_equal(oid, RDB_NAMESPACE_PUBLIC);
    MUST(&f, rdb_catalog_new_oid(s.access, &oid, &f.err));
    assert_int_equal(oid, RDB_FIRST_NORMAL_OID);
    session_abort(&s);
    instance_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_filled),
        cmocka_unit_test(test_they_survive_a_crash),
        cmocka_unit_test(test_rows_are_found_by_index),
        cmocka_unit_test(test_databases_and_roles),
        cmocka_unit_test(test_system_tables_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
