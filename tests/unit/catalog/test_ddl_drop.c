/* SPDX-License-Identifier: Apache-2.0
 * DROP with dependencies. The reports are those that PostgreSQL 15 gives for the same objects. */
#include "ddl_fixture.h"

static char notices[2000];
static void take_notice(void *context, const char *text)
{
    (void)context;
    snprintf(notices + strlen(notices), sizeof notices - strlen(notices), "%s\n", text);
}
static bool drop(ddl_session *session, rdb_object_address object, bool cascade)
{
    notices[0] = '\0';
    return rdb_ddl_drop(session->access, &object, 1, cascade, take_notice, NULL, &i_err);
}
static rdb_object_address relation_of(uint32_t oid)
{
    return (rdb_object_address){RDB_PG_CLASS, oid, 0};
}
static rdb_object_address column_of(uint32_t oid, int32_t number)
{
    return (rdb_object_address){RDB_PG_CLASS, oid, number};
}

/* A view that uses columns of relations. */
static uint32_t create_view(ddl_session *session, const char *name, const rdb_object_address *uses, uint32_t count)
{
    uint32_t oid;
    const rdb_column_definition column = {.name = "a", .type = ddl_type(session, RDB_INT4OID), .typmod = -1};
    const rdb_relation_definition definition = {.name = name, .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'v',
                                                .persistence = 'p', .columns = &column, .column_count = 1, .view_tree = "(q)", .uses = uses, .use_count = count};
    MUST(rdb_ddl_create_relation(session->access, &definition, &oid, &i_err));
    return oid;
}

/* The objects that PostgreSQL was asked with: t (a serial primary key, b), views over it and over one another, a child. */
typedef struct family {
    uint32_t t, t_index, t_key, sequence, v1, v2, v3, w1, c;
} family;
static family make_family(ddl_session *session)
{
    family f;
    int16_t number;
    f.t = ddl_create_table(session, "t");
    const rdb_sequence_definition sequence = {.name = "t_a_seq", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID,
                                              .type_oid = RDB_INT4OID, .start = 1, .increment = 1, .minimum = 1, .maximum = INT32_MAX, .cache = 1,
                                              .persistence = 'p', .owned_by_oid = f.t, .owned_by_column = 1};
    MUST(rdb_ddl_create_sequence(session->access, &sequence, &f.sequence, &i_err));
    const rdb_object_address use = relation_of(f.sequence);
    MUST(rdb_ddl_set_default_using(session->access, f.t, 1, "(nextval)", &use, 1, &i_err));
    f.t_key = ddl_add_primary_key(session, f.t, "t_pkey", &f.t_index);
    f.v1 = create_view(session, "v1", (rdb_object_address[]){column_of(f.t, 1), column_of(f.t, 1)}, 2);
    f.v2 = create_view(session, "v2", (rdb_object_address[]){column_of(f.v1, 1), column_of(f.t, 2)}, 2);
    f.v3 = create_view(session, "v3", (rdb_object_address[]){column_of(f.t, 2)}, 1);
    f.w1 = create_view(session, "w1", (rdb_object_address[]){column_of(f.v1, 1)}, 1);
    f.c = ddl_create_table(session, "c");
    const rdb_relation *t = ddl_find(session, "t");
    const rdb_column_definition x = {.name = "x", .type = ddl_type(session, t->row_type_oid), .typmod = -1};
    MUST(rdb_ddl_add_column(session->access, f.c, &x, &number, &i_err));
    ddl_add_foreign_key(session, f.c, f.t, f.t_index, "c_a_fkey");
    return f;
}

#define REFUSED_WITH(call, text, detail_text, hint_text)                                   \
    do {                                                                                    \
        assert_false(call);                                                                 \
        assert_string_equal(i_err.sqlstate, RDB_DEPENDENT_OBJECTS_STILL_EXIST);             \
        assert_string_equal(i_err.message, text);                                           \
        assert_string_equal(i_err.detail, detail_text);                                     \
        assert_string_equal(i_err.hint, hint_text);                                         \
        rdb_error_clear(&i_err);                                                            \
    } while (0)
static const char CASCADE_HINT[] = "Use DROP ... CASCADE to drop the dependent objects too.";

static void test_reports(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    const family o = make_family(&session);
    REFUSED_WITH(drop(&session, relation_of(o.t), false), "cannot drop table t because other objects depend on it",
                 "column x of table c depends on type t\n"
                 "view v1 depends on table t\n"
                 "view w1 depends on view v1\n"
                 "view v2 depends on table t\n"
                 "view v3 depends on table t\n"
                 "constraint c_a_fkey on table c depends on table t",
                 CASCADE_HINT);
    REFUSED_WITH(drop(&session, relation_of(o.v1), false), "cannot drop view v1 because other objects depend on it",
                 "view v2 depends on view v1\nview w1 depends on view v1", CASCADE_HINT);
    REFUSED_WITH(drop(&session, relation_of(o.sequence), false), "cannot drop sequence t_a_seq because other objects depend on it",
                 "default value for column a of table t depends on sequence t_a_seq", CASCADE_HINT);
    REFUSED_WITH(drop(&session, relation_of(o.t_index), false), "cannot drop index t_pkey because constraint t_pkey on table t requires it", "",
                 "You can drop constraint t_pkey on table t instead.");
    REFUSED_WITH(drop(&session, (rdb_object_address){RDB_PG_CONSTRAINT, o.t_key, 0}, false),
                 "cannot drop constraint t_pkey on table t because other objects depend on it",
                 "constraint c_a_fkey on table c depends on index t_pkey", CASCADE_HINT);
    REFUSED_WITH(drop(&session, column_of(o.t, 2), false), "cannot drop column b of table t because other objects depend on it",
                 "view v2 depends on column b of table t\nview v3 depends on column b of table t", CASCADE_HINT);
    REFUSED_WITH(drop(&session, column_of(o.t, 1), false), "cannot drop column a of table t because other objects depend on it",
                 "view v1 depends on column a of table t\n"
                 "view v2 depends on view v1\n"
                 "view w1 depends on view v1\n"
                 "constraint c_a_fkey on table c depends on column a of table t",
                 CASCADE_HINT);
    REFUSED_WITH(drop(&session, (rdb_object_address){RDB_PG_TYPE, ddl_find(&session, "t")->row_type_oid, 0}, false),
                 "cannot drop type t because table t requires it", "", "You can drop table t instead.");
    const rdb_object_address both[] = {relation_of(o.t), relation_of(o.c)};
    REFUSED_WITH(rdb_ddl_drop(session.access, both, 2, false, NULL, NULL, &i_err), "cannot drop desired object(s) because other objects depend on them",
                 "view v1 depends on table t\nview w1 depends on view v1\nview v2 depends on table t\nview v3 depends on table t", CASCADE_HINT);
    /* A view goes with what reads it; the table stays. */
    MUST(drop(&session, relation_of(o.w1), false));
    MUST(drop(&session, relation_of(o.v1), true));
    assert_string_equal(notices, "drop cascades to view v2\n");
    assert_non_null(ddl_find(&session, "t"));
    assert_null(ddl_find(&session, "v2"));
    ddl_rollback(&session);
}

static uint32_t all_rows(ddl_session *session, uint32_t catalog_oid)
{
    rdb_arena *arena = rdb_arena_create("rows", NULL, NULL);
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    uint32_t count = 0;
    bool found;
    MUST(rdb_catalog_scan_open(&scan, session->access, catalog_oid, 0, NULL, 0, arena, &i_err));
    for (;;) {
        MUST(rdb_catalog_scan_next(scan, &row, &found, &i_err));
        if (!found)
            break;
        count++;
    }
    rdb_catalog_scan_close(&scan);
    rdb_arena_destroy(arena);
    return count;
}

static void test_cascade_leaves_nothing(void **state)
{
    static const uint32_t catalogs[] = {RDB_PG_CLASS, RDB_PG_ATTRIBUTE, RDB_PG_TYPE, RDB_PG_INDEX, RDB_PG_CONSTRAINT, RDB_PG_DEPEND, RDB_PG_ATTRDEF,
                                        RDB_PG_REWRITE, RDB_PG_SEQUENCE, RDB_PG_DESCRIPTION, RDB_LAYOUT, RDB_MISSING};
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    uint32_t before[RDB_COUNT_OF(catalogs)];
    for (size_t i = 0; i < RDB_COUNT_OF(catalogs); i++)
        before[i] = all_rows(&session, catalogs[i]);
    const family o = make_family(&session);
    MUST(rdb_ddl_comment(session.access, column_of(o.t, 2), "a column", &i_err));
    ddl_commit(&session);
    session = ddl_begin(f, NULL);
    ddl_session other = ddl_begin(f, NULL);
    assert_non_null(ddl_find(&other, "v2"));
    MUST(drop(&session, relation_of(o.t), true));
    assert_string_equal(notices, "drop cascades to 6 other objects\n"
                                 "drop cascades to column x of table c\n"
                                 "drop cascades to view v1\n"
                                 "drop cascades to view w1\n"
                                 "drop cascades to view v2\n"
                                 "drop cascades to view v3\n"
                                 "drop cascades to constraint c_a_fkey on table c\n");
    ddl_statement(&session);
    assert_null(ddl_find(&session, "t"));
    assert_true(ddl_find(&session, "c")->columns[3].is_dropped);
    ddl_statement(&other); /* not committed: nothing has changed for others */
    assert_non_null(ddl_find(&other, "t"));
    assert_int_equal(ddl_find(&other, "c")->constraint_count, 1);
    MUST(drop(&session, relation_of(o.c), false));
    assert_string_equal(notices, "");
    ddl_commit(&session);
    ddl_statement(&other);
    assert_null(ddl_find(&other, "t"));
    assert_null(ddl_find(&other, "v2"));
    assert_null(ddl_find(&other, "t_a_seq"));
    for (size_t i = 0; i < RDB_COUNT_OF(catalogs); i++)
        assert_int_equal(all_rows(&other, catalogs[i]), before[i]);
    ddl_rollback(&other);
}

/* What is made of a column goes with it or stands in the way. */
static void test_columns(void **state)
{
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    static const int16_t one[] = {1};
    int16_t number;
    uint32_t check, d = ddl_create_table(&session, "d");
    const rdb_object_address own = column_of(d, 1);
    const rdb_constraint_definition positive = {.name = "d_a_check", .kind = 'c', .relation_oid = d, .namespace_oid = RDB_NAMESPACE_PUBLIC, .is_validated = true,
                                                .columns = one, .column_count = 1, .check_tree = "(a > 0)"};
    MUST(rdb_ddl_create_constraint(session.access, &positive, &check, &i_err));
    const rdb_column_definition generated = {.name = "g", .type = ddl_type(&session, RDB_INT4OID), .typmod = -1, .generated = 's', .default_tree = "(a + 1)",
                                             .default_uses = &own, .default_use_count = 1};
    MUST(rdb_ddl_add_column(session.access, d, &generated, &number, &i_err));
    ddl_create_index(&session, d, "d_a_idx", one, 1, false, false);
    REFUSED_WITH(drop(&session, own, false), "cannot drop column a of table d because other objects depend on it",
                 "column g of table d depends on column a of table d", CASCADE_HINT);
    /* Without its expression the column stands alone. */
    MUST(rdb_ddl_set_default(session.access, d, 4, NULL, &i_err));
    MUST(drop(&session, own, false));
    ddl_statement(&session);
    const rdb_relation *after = ddl_find(&session, "d");
    assert_true(after->columns[0].is_dropped && !after->columns[3].is_dropped);
    assert_int_equal(after->index_count, 0);
    assert_int_equal(after->constraint_count, 0);
    assert_null(ddl_find(&session, "d_a_idx"));
    MUST(ddl_insert(&session, after, 1, "b"));
    MUST(drop(&session, relation_of(d), false));
    ddl_commit(&session);
}

static void test_schemas_and_types(void **state)
{
    static const char *const labels[] = {"a", "b"};
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    uint32_t schema, mood, q, qq;
    MUST(rdb_ddl_create_namespace(session.access, "s", RDB_ROLE_ADMIN_OID, &schema, &i_err));
    const rdb_column_definition a = {.name = "a", .type = ddl_type(&session, RDB_INT4OID), .typmod = -1};
    rdb_relation_definition definition = {.name = "q", .namespace_oid = schema, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r', .persistence = 'p',
                                          .columns = &a, .column_count = 1};
    MUST(rdb_ddl_create_relation(session.access, &definition, &q, &i_err));
    MUST(rdb_ddl_create_enum(session.access, "mood", schema, RDB_ROLE_ADMIN_OID, labels, 2, &mood, &i_err));
    const rdb_column_definition columns[] = {{.name = "m", .type = ddl_type(&session, mood), .typmod = -1},
                                             {.name = "n", .type = ddl_type(&session, ddl_type(&session, mood)->array_oid), .typmod = -1}};
    definition = (rdb_relation_definition){.name = "qq", .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r',
                                           .persistence = 'p', .columns = columns, .column_count = 2};
    MUST(rdb_ddl_create_relation(session.access, &definition, &qq, &i_err));
    REFUSED_WITH(drop(&session, (rdb_object_address){RDB_PG_NAMESPACE, schema, 0}, false), "cannot drop schema s because other objects depend on it",
                 "table s.q depends on schema s\n"
                 "type s.mood depends on schema s\n"
                 "column n of table qq depends on type s.mood[]\n"
                 "column m of table qq depends on type s.mood",
                 CASCADE_HINT);
    MUST(drop(&session, (rdb_object_address){RDB_PG_NAMESPACE, schema, 0}, true));
    assert_string_equal(notices, "drop cascades to 4 other objects\n"
                                 "drop cascades to table s.q\n"
                                 "drop cascades to type s.mood\n"
                                 "drop cascades to column n of table qq\n"
                                 "drop cascades to column m of table qq\n");
    ddl_statement(&session);
    assert_true(ddl_find(&session, "qq")->columns[0].is_dropped && ddl_find(&session, "qq")->columns[1].is_dropped);
    MUST(rdb_namespace_find(session.access, "s", &schema, &i_err));
    assert_int_equal(schema, 0);
    REFUSED(drop(&session, relation_of(RDB_PG_CLASS), true), RDB_INSUFFICIENT_PRIVILEGE, "permission denied: \"pg_class\" is a system catalog");
    REFUSED(drop(&session, (rdb_object_address){RDB_PG_NAMESPACE, RDB_NAMESPACE_PG_CATALOG, 0}, true), RDB_DEPENDENT_OBJECTS_STILL_EXIST,
            "cannot drop schema pg_catalog because it is required by the database system");
    REFUSED(drop(&session, (rdb_object_address){RDB_PG_TYPE, RDB_INT4OID, 0}, true), RDB_DEPENDENT_OBJECTS_STILL_EXIST,
            "cannot drop type integer because it is required by the database system");
    ddl_rollback(&session);
}

/* A long chain and many dependents: no recursion, no quadratic walk; the message is cut. */
static void test_many(void **state)
{
    enum { VIEWS = 300 };
    ddl_instance *f = *state;
    ddl_session session = ddl_begin(f, NULL);
    char name[32];
    uint32_t below = ddl_create_table(&session, "base"), base = below;
    for (int i = 0; i < VIEWS; i++) {
        const rdb_object_address use = column_of(below, 1);
        snprintf(name, sizeof name, "chain%d", i);
        below = create_view(&session, name, &use, 1);
    }
    assert_false(drop(&session, relation_of(base), false));
    const char *detail = rdb_error_detail_text(&i_err);
    assert_non_null(strstr(detail, "view chain99 depends on view chain98"));
    assert_null(strstr(detail, "chain100"));
    assert_non_null(strstr(detail, "\nand 200 other objects (see server log for list)"));
    rdb_error_clear(&i_err);
    MUST(drop(&session, relation_of(base), true));
    assert_null(ddl_find(&session, "chain299"));
    ddl_rollback(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reports, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_cascade_leaves_nothing, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_columns, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_schemas_and_types, ddl_open_shared, ddl_close_shared),
        cmocka_unit_test_setup_teardown(test_many, ddl_open_shared, ddl_close_shared),
    };
    return cmocka_run_group_tests(tests, ddl_make_shared, ddl_remove_shared);
}
