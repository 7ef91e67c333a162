/* SPDX-License-Identifier: Apache-2.0
 * An instance with a bootstrapped catalog under a temporary directory, for tests of DDL: sessions are transactions with an
 * access each. It can be closed cleanly, or left as a crash leaves it (by a child process that ends without a word). */
#ifndef DDL_FIXTURE_H
#define DDL_FIXTURE_H

#include "catalog/ddl_int.h"
#include "instance/rdb_instance.h"
#include "upkeep/rdb_upkeep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* cmocka's asserts jump, which a child cannot; a failure is told and ends the process. */
#define MUST(call)                                                                                                              \
    do {                                                                                                                        \
        if (!(call)) {                                                                                                          \
            fprintf(stderr, "%s:%d: %s: %s %s %s\n", __FILE__, __LINE__, #call, i_err.sqlstate, i_err.message, i_err.detail);   \
            abort();                                                                                                            \
        }                                                                                                                       \
    } while (0)
static rdb_error i_err; /* of the call in MUST or of the one that must fail */

typedef struct ddl_instance {
    char home[64];
    rdb_upkeep *upkeep;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_catalog *catalog;
    rdb_database *database;
} ddl_instance;

static inline void ddl_open(ddl_instance *f)
{
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    rdb_table_register_redo();
    rdb_index_register_redo();
    rdb_catalog_register_redo();
    rdb_upkeep_config config = {.home = f->home, .frame_count = 4096, .wal_ring_bytes = 1 << 20, .sync = false};
    MUST(rdb_upkeep_open(&f->upkeep, &config, &i_err));
    rdb_txn_config txn = {.storage = rdb_upkeep_storage(f->upkeep)};
    MUST(rdb_txn_open(&f->txns, &txn, &i_err));
    rdb_undo_config undo = {.storage = txn.storage, .txns = f->txns};
    MUST(rdb_undo_open(&f->undo, &undo, &i_err));
    rdb_catalog_config catalog = {.storage = txn.storage, .txns = f->txns, .undo = f->undo};
    MUST(rdb_catalog_open(&f->catalog, &catalog, &i_err));
}

static inline void ddl_close(ddl_instance *f, bool clean)
{
    rdb_database_close(&f->database);
    rdb_catalog_close(&f->catalog);
    rdb_undo_close(&f->undo);
    rdb_txn_close(&f->txns);
    MUST(rdb_upkeep_close(&f->upkeep, clean, &i_err));
}

static inline void ddl_open_database(ddl_instance *f)
{
    ddl_open(f);
    MUST(rdb_database_open(f->catalog, "postgres", &f->database, &i_err));
}

/* A bootstrapped instance, closed. Making one takes a while: tests of one program share it. */
static inline void ddl_create(ddl_instance *f)
{
    static const char *const folders[] = {"data", "data/meta", "data/wal"};
    char path[128];
    memset(f, 0, sizeof *f);
    strcpy(f->home, "/tmp/rdb-ddl-XXXXXX");
    assert_non_null(mkdtemp(f->home));
    for (unsigned i = 0; i < RDB_COUNT_OF(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", f->home, folders[i]);
        MUST(rdb_path_make_directory(path, 0700, true, &i_err));
    }
    rdb_control control = {.system_id = 4713, .layout_version = 1, .data_format = 1, .page_bytes = 4096, .wal_segment_bytes = 1 << 24,
                           .incarnation = 1, .state = RDB_CONTROL_NEW};
    MUST(rdb_control_write(f->home, &control, &i_err));
    ddl_open(f);
    MUST(rdb_catalog_bootstrap(f->catalog, "rustydb", NULL, &i_err));
    ddl_close(f, true);
}

static inline void ddl_remove(ddl_instance *f)
{
    MUST(rdb_path_remove_tree(f->home, &i_err));
}

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */
typedef struct ddl_session {
    ddl_instance *f;
    rdb_txn *txn;
    rdb_access *access;
    rdb_sequence_session *sequences;
} ddl_session;

static inline ddl_session ddl_begin(ddl_instance *f, rdb_sequence_session *sequences)
{
    ddl_session session = {.f = f, .sequences = sequences};
    MUST(rdb_txn_begin(f->txns, rdb_database_pdb(f->database), RDB_READ_COMMITTED, false, NULL, &session.txn, &i_err));
    const rdb_access_context context = {.catalog = f->catalog, .database = f->database, .txn = session.txn, .role_oid = RDB_ROLE_ADMIN_OID,
                                        .role_name = "rustydb", .search_path = "public", .sequences = sequences};
    MUST(rdb_access_begin(&session.access, &context, &i_err));
    return session;
}
/* The next statement: what was pinned is let go. */
static inline void ddl_statement(ddl_session *session)
{
    rdb_access_context context = *rdb_access_get_context(session->access);
    context.search_path = "public";
    context.role_name = "rustydb";
    rdb_access_end(&session->access);
    MUST(rdb_access_begin(&session->access, &context, &i_err));
}
static inline void ddl_commit(ddl_session *session)
{
    rdb_scn scn;
    rdb_access_end(&session->access);
    MUST(rdb_txn_commit(&session->txn, RDB_COMMIT_LOCAL, &scn, &i_err));
}
static inline void ddl_rollback(ddl_session *session)
{
    rdb_access_end(&session->access);
    rdb_txn_abort(&session->txn);
}

static inline const rdb_relation *ddl_find(ddl_session *session, const char *name)
{
    const rdb_relation *relation;
    MUST(rdb_relation_find(session->access, "public", name, &relation, &i_err));
    return relation;
}
static inline const rdb_type *ddl_type(ddl_session *session, uint32_t oid)
{
    const rdb_type *type;
    MUST(rdb_type_get(session->access, oid, &type, &i_err));
    assert_non_null(type);
    return type;
}

/* CREATE TABLE name (a int4 not null, b text not null default <tree>, c int8), as the command room asks for it. */
static inline uint32_t ddl_create_table(ddl_session *session, const char *name)
{
    uint32_t oid;
    const rdb_column_definition columns[] = {
        {.name = "a", .type = ddl_type(session, RDB_INT4OID), .typmod = -1, .not_null = true},
        {.name = "b", .type = ddl_type(session, RDB_TEXTOID), .typmod = -1, .collation = RDB_DEFAULT_COLLATION_OID, .not_null = true, .default_tree = "(x)"},
        {.name = "c", .type = ddl_type(session, RDB_INT8OID), .typmod = -1},
    };
    const rdb_relation_definition definition = {.name = name, .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'r',
                                                .persistence = 'p', .columns = columns, .column_count = RDB_COUNT_OF(columns)};
    MUST(rdb_ddl_create_relation(session->access, &definition, &oid, &i_err));
    return oid;
}

/* An index over column numbers; unfilled. */
static inline uint32_t ddl_create_index(ddl_session *session, uint32_t table_oid, const char *name, const int16_t *numbers, uint16_t count,
                                        bool is_unique, bool is_primary)
{
    const rdb_relation *table;
    rdb_index_column columns[8];
    const char *names[8];
    uint32_t oid;
    MUST(rdb_relation_get(session->access, table_oid, &table, &i_err));
    for (uint16_t i = 0; i < count; i++) {
        const rdb_column *column = &table->columns[numbers[i] - 1];
        columns[i] = (rdb_index_column){.column_number = numbers[i], .type = column->type, .collation = column->collation};
        names[i] = column->name;
        MUST(rdb_opclass_default(session->access, column->type->oid, &columns[i].opclass_oid, &i_err));
    }
    const rdb_index_definition definition = {.name = name, .table_oid = table_oid, .is_unique = is_unique, .is_primary = is_primary,
                                             .is_immediate = true, .columns = columns, .key_count = count, .column_count = count, .column_names = names};
    MUST(rdb_ddl_create_index(session->access, &definition, &oid, &i_err));
    return oid;
}

/* PRIMARY KEY (a), with its index filled; the constraint's oid. */
static inline uint32_t ddl_add_primary_key(ddl_session *session, uint32_t table_oid, const char *name, uint32_t *index_oid)
{
    static const int16_t numbers[] = {1};
    uint32_t oid;
    *index_oid = ddl_create_index(session, table_oid, name, numbers, 1, true, true);
    const rdb_constraint_definition definition = {.name = name, .kind = 'p', .relation_oid = table_oid, .namespace_oid = RDB_NAMESPACE_PUBLIC,
                                                  .index_oid = *index_oid, .is_validated = true, .columns = numbers, .column_count = 1};
    MUST(rdb_ddl_create_constraint(session->access, &definition, &oid, &i_err));
    MUST(rdb_ddl_build_index(session->access, *index_oid, NULL, &i_err));
    return oid;
}

/* FOREIGN KEY (c) REFERENCES parent (a) would need equal types; here it is (a) to (a). */
static inline uint32_t ddl_add_foreign_key(ddl_session *session, uint32_t child_oid, uint32_t parent_oid, uint32_t parent_index_oid, const char *name)
{
    static const int16_t numbers[] = {1};
    static const uint32_t operators[] = {96}; /* int4 = int4 */
    uint32_t oid;
    const rdb_constraint_definition definition = {.name = name, .kind = 'f', .relation_oid = child_oid, .namespace_oid = RDB_NAMESPACE_PUBLIC,
                                                  .index_oid = parent_index_oid, .is_validated = true, .columns = numbers, .column_count = 1,
                                                  .foreign_relation_oid = parent_oid, .foreign_columns = numbers, .equality_operators = operators,
                                                  .on_update = 'a', .on_delete = 'c', .match = 's'};
    MUST(rdb_ddl_create_constraint(session->access, &definition, &oid, &i_err));
    return oid;
}

/* A view over relations, with the columns of the first one. */
static inline uint32_t ddl_create_view(ddl_session *session, const char *name, const uint32_t *depends_on, uint32_t count)
{
    const rdb_relation *first;
    rdb_column_definition columns[4];
    uint32_t oid;
    MUST(rdb_relation_get(session->access, depends_on[0], &first, &i_err));
    for (uint16_t i = 0; i < first->column_count; i++)
        columns[i] = (rdb_column_definition){.name = first->columns[i].name, .type = first->columns[i].type, .typmod = -1, .collation = first->columns[i].collation};
    const rdb_relation_definition definition = {.name = name, .namespace_oid = RDB_NAMESPACE_PUBLIC, .owner_oid = RDB_ROLE_ADMIN_OID, .kind = 'v',
                                                .persistence = 'p', .columns = columns, .column_count = first->column_count, .view_tree = "(query)",
                                                .depends_on = depends_on, .depends_count = count};
    MUST(rdb_ddl_create_relation(session->access, &definition, &oid, &i_err));
    return oid;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */
/* INSERT INTO table VALUES (a, b, NULL). */
static inline bool ddl_insert(ddl_session *session, const rdb_relation *table, int32_t a, const char *b)
{
    rdb_datum values[8] = {{.i32 = a}, datum_text(b)};
    bool is_null[8] = {false, false, true, true, true, true, true, true};
    rdb_snapshot snapshot;
    rdb_row_address address;
    rdb_arena *arena = rdb_arena_create("row", NULL, NULL);
    rdb_txn_take_snapshot(session->txn, &snapshot);
    const rdb_row_writer writer = {.txn = session->txn, .snapshot = &snapshot, .relation = table, .arena = arena};
    bool ok = rdb_row_insert(&writer, values, is_null, NULL, RDB_CONFLICT_ERROR, &address, NULL, &i_err);
    rdb_arena_destroy(arena);
    return ok;
}

static inline uint32_t ddl_count(ddl_session *session, const rdb_relation *table)
{
    static const int16_t columns[] = {1};
    rdb_arena *arena = rdb_arena_create("count", NULL, NULL);
    rdb_table_scan *scan;
    rdb_vector vector, *vectors[] = {&vector};
    rdb_snapshot snapshot;
    uint32_t count, all = 0;
    rdb_txn_take_snapshot(session->txn, &snapshot);
    MUST(rdb_vector_init(&vector, arena, RDB_REP_INT32, 100, &i_err));
    MUST(rdb_table_scan_open(&scan, &table->table, session->txn, &snapshot, columns, 1, 0, UINT64_MAX, arena, &i_err));
    do {
        MUST(rdb_table_scan_next(scan, 100, arena, vectors, NULL, NULL, &count, &i_err));
        all += count;
    } while (count > 0);
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(arena);
    return all;
}

/* Rows of a system table whose first index column is the number. */
static inline uint32_t ddl_rows(ddl_session *session, uint32_t catalog_oid, uint32_t index_oid, uint32_t key)
{
    rdb_arena *arena = rdb_arena_create("rows", NULL, NULL);
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    const rdb_datum keys[] = {datum_oid(key)};
    uint32_t count = 0;
    bool found = true;
    MUST(rdb_catalog_scan_open(&scan, session->access, catalog_oid, index_oid, keys, 1, arena, &i_err));
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

/* The instance of a group of tests: made and removed with the group, opened and closed around each. */
static ddl_instance ddl_shared;

static inline int ddl_make_shared(void **state)
{
    (void)state;
    ddl_create(&ddl_shared);
    return 0;
}
static inline int ddl_remove_shared(void **state)
{
    (void)state;
    ddl_remove(&ddl_shared);
    return 0;
}
static inline int ddl_open_shared(void **state)
{
    *state = &ddl_shared;
    ddl_open_database(&ddl_shared);
    return 0;
}
static inline int ddl_close_shared(void **state)
{
    (void)state;
    ddl_close(&ddl_shared, true);
    return 0;
}

/* Does a child that lives an instance's life and ends like a crash. */
static inline void ddl_crash_after(ddl_instance *f, void (*live)(ddl_instance *f))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        ddl_open_database(f);
        live(f);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The call failed with this SQLSTATE and message; forgets the error. */
#define REFUSED(call, state, text)                        \
    do {                                                  \
        assert_false(call);                               \
        assert_string_equal(i_err.sqlstate, state);       \
        assert_string_equal(i_err.message, text);         \
        rdb_error_clear(&i_err);                          \
    } while (0)

#endif
