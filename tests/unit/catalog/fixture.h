/* SPDX-License-Identifier: Apache-2.0
 * An instance with a catalog for tests: log, storage, transactions, undo, catalog, under a temporary directory. Opening over
 * an existing log replays all of it, as recovery does. */
#ifndef CATALOG_FIXTURE_H
#define CATALOG_FIXTURE_H

#include "../engine.h"
#include "catalog/bootstrap.h"
#include "catalog/ddl_int.h"

#define SEGMENT (1u << 20)

typedef struct instance {
    char root[128], wal_directory[160], data_directory[160];
    rdb_wal_config wal_config;
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_catalog *catalog;
    rdb_database *database; /* rustydb */
    rdb_arena *arena;
    rdb_error err;
} instance;

#define MUST(f, call)                                                                                                    \
    do {                                                                                                                 \
        if (!(call)) {                                                                                                   \
            fprintf(stderr, "%s:%d: %s: %s %s %s %s\n", __FILE__, __LINE__, #call, (f)->err.sqlstate, (f)->err.message,  \
                    (f)->err.detail, (f)->err.context != NULL ? (f)->err.context : "");                                  \
            abort();                                                                                                     \
        }                                                                                                                \
    } while (0)
/* The call fails with this SQLSTATE; the error is cleared. */
#define MUST_FAIL(f, sqlstate_expected, call)                        \
    do {                                                             \
        assert_false(call);                                          \
        assert_string_equal((f)->err.sqlstate, (sqlstate_expected)); \
        rdb_error_clear(&(f)->err);                                  \
    } while (0)

static inline void instance_open(instance *f)
{
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    rdb_table_register_redo();
    rdb_index_register_redo();
    rdb_catalog_register_redo();
    const rdb_storage_config config = {.data_directory = f->data_directory, .page_bytes = 4096, .frame_count = 8192, .sync = false};
    const bool is_new = !rdb_path_exists(f->wal_directory);
    MUST(f, engine_open(&f->wal_config, &config, &f->wal, &f->storage, &f->err));
    const rdb_txn_config txn_config = {.storage = f->storage};
    MUST(f, rdb_txn_open(&f->txns, &txn_config, &f->err));
    const rdb_undo_config undo_config = {.storage = f->storage, .txns = f->txns};
    MUST(f, rdb_undo_open(&f->undo, &undo_config, &f->err));
    const rdb_catalog_config catalog_config = {.storage = f->storage, .txns = f->txns, .undo = f->undo};
    MUST(f, rdb_catalog_open(&f->catalog, &catalog_config, &f->err));
    if (is_new)
        MUST(f, rdb_catalog_bootstrap(f->catalog, "admin", NULL, &f->err));
    MUST(f, rdb_database_open(f->catalog, "rustydb", &f->database, &f->err));
    f->arena = rdb_arena_create("test", NULL, NULL);
}

static inline void instance_begin(instance *f)
{
    memset(f, 0, sizeof *f);
    engine_paths("catalog", f->root, sizeof f->root, f->wal_directory, f->data_directory, sizeof f->wal_directory);
    f->wal_config = (rdb_wal_config){.directory = f->wal_directory, .system_id = 77, .segment_bytes = SEGMENT,
                                     .ring_bytes = 1 << 20, .incarnation = 1, .thread_no = 1, .sync = false};
    instance_open(f);
}

static inline void instance_close(instance *f)
{
    rdb_database_close(&f->database);
    rdb_catalog_close(&f->catalog);
    rdb_undo_close(&f->undo);
    rdb_txn_close(&f->txns);
    MUST(f, engine_close(&f->wal, &f->storage, &f->err));
    rdb_arena_destroy(f->arena);
    f->arena = NULL;
}

static inline void instance_end(instance *f)
{
    instance_close(f);
    MUST(f, rdb_path_remove_tree(f->root, &f->err));
    rdb_error_clear(&f->err);
}

/* A transaction with an access, as a session has. */
typedef struct session {
    instance *f;
    rdb_txn *txn;
    rdb_access *access;
} session;

static inline void session_access(session *s)
{
    const rdb_access_context context = {.catalog = s->f->catalog, .database = s->f->database, .txn = s->txn,
                                        .role_oid = RDB_ROLE_ADMIN_OID, .role_name = "admin", .search_path = "\"$user\", public"};
    rdb_access_end(&s->access);
    MUST(s->f, rdb_access_begin(&s->access, &context, &s->f->err));
}

static inline session session_begin(instance *f)
{
    session s = {.f = f};
    MUST(f, rdb_txn_begin(f->txns, rdb_database_pdb(f->database), RDB_READ_COMMITTED, false, NULL, &s.txn, &f->err));
    session_access(&s);
    return s;
}

static inline void session_commit(session *s)
{
    rdb_scn scn;
    rdb_access_end(&s->access);
    MUST(s->f, rdb_txn_commit(&s->txn, RDB_COMMIT_LOCAL, &scn, &s->f->err));
}

static inline void session_abort(session *s)
{
    rdb_access_end(&s->access);
    rdb_txn_abort(&s->txn);
}

static inline uint32_t count_rows(session *s, uint32_t catalog_oid)
{
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool found = true;
    uint32_t count = 0;
    rdb_arena *arena = rdb_arena_create("count", NULL, NULL);
    MUST(s->f, rdb_catalog_scan_open(&scan, s->access, catalog_oid, 0, NULL, 0, arena, &s->f->err));
    for (;;) {
        MUST(s->f, rdb_catalog_scan_next(scan, &row, &found, &s->f->err));
        if (!found)
            break;
        count++;
    }
    rdb_catalog_scan_close(&scan);
    rdb_arena_destroy(arena);
    return count;
}

#endif
