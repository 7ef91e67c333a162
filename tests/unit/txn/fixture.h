/* SPDX-License-Identifier: Apache-2.0
 * An instance for tests: log, storage and transactions under a temporary directory. Opening over an existing log replays all of it. */
#ifndef TXN_FIXTURE_H
#define TXN_FIXTURE_H

#include "txn/txn_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PDB 9u
#define SEGMENT (1u << 20)
#define MUST(f_err, call)                                                                                            \
    do {                                                                                                             \
        if (!(call)) {                                                                                               \
            fprintf(stderr, "%s:%d: %s: %s %s %s\n", __FILE__, __LINE__, #call, (f_err)->sqlstate, (f_err)->message, \
                    (f_err)->detail);                                                                                \
            abort();                                                                                                 \
        }                                                                                                            \
    } while (0)

typedef struct instance {
    char root[64], wal_directory[96], data_directory[96];
    rdb_wal_config wal_config;
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_error err;
} instance;

static void instance_open(instance *f)
{
    rdb_txn_register_redo();
    rdb_storage_config config = {.data_directory = f->data_directory, .page_bytes = 4096, .frame_count = 256, .sync = true};
    rdb_lsn end = SEGMENT + 64;
    bool is_new = !rdb_path_exists(f->wal_directory), found = true;
    if (is_new)
        MUST(&f->err, rdb_path_make_directory(f->data_directory, 0700, true, &f->err));
    MUST(&f->err, rdb_storage_open(&f->storage, &config, &f->err));
    if (!is_new) {
        rdb_wal_reader *reader;
        static rdb_wal_record record;
        MUST(&f->err, rdb_wal_reader_open(&reader, &f->wal_config, end, &f->err));
        for (;;) {
            MUST(&f->err, rdb_wal_reader_next(reader, &record, &found, &f->err));
            if (!found)
                break;
            MUST(&f->err, rdb_storage_replay(f->storage, &record, &f->err));
            const rdb_resource_ops *ops = rdb_resource_find((rdb_resource)record.resource);
            if (ops != NULL && ops->replay != NULL)
                MUST(&f->err, ops->replay(ops->replay_context, &record, &f->err));
        }
        end = rdb_wal_reader_end(reader);
        rdb_wal_reader_close(&reader);
    }
    MUST(&f->err, rdb_wal_open(&f->wal, &f->wal_config, end, &f->err));
    rdb_storage_set_wal(f->storage, f->wal);
    rdb_txn_config txn_config = {.storage = f->storage};
    MUST(&f->err, rdb_txn_open(&f->txns, &txn_config, &f->err));
}
static void instance_close(instance *f)
{
    rdb_txn_close(&f->txns);
    rdb_storage_close(&f->storage);
    MUST(&f->err, rdb_wal_close(&f->wal, &f->err));
}
static void instance_begin(instance *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/rdb-txn-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->wal_directory, sizeof f->wal_directory, "%s/wal", f->root);
    snprintf(f->data_directory, sizeof f->data_directory, "%s/data", f->root);
    f->wal_config = (rdb_wal_config){.directory = f->wal_directory, .system_id = 5, .segment_bytes = SEGMENT, .ring_bytes = 1 << 18,
                                     .incarnation = 1, .thread_no = 1, .sync = true};
    instance_open(f);
    MUST(&f->err, rdb_txn_create_pdb(f->txns, PDB, &f->err));
}
static void instance_end(instance *f)
{
    instance_close(f);
    MUST(&f->err, rdb_path_remove_tree(f->root, &f->err));
}

#endif
