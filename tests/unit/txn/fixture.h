/* SPDX-License-Identifier: Apache-2.0
 * An instance for tests: log, storage and transactions under a temporary directory. Opening over an existing log replays all of it. */
#ifndef TXN_FIXTURE_H
#define TXN_FIXTURE_H

#include "../engine.h"
#include "../must.h"
#include "txn/txn_int.h"

#define PDB 9u
#define SEGMENT (1u << 20)

typedef struct instance {
    char root[64], wal_directory[96], data_directory[96];
    rdb_wal_config wal_config;
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_error err;
} instance;

static inline void instance_open(instance *f)
{
    rdb_txn_register_redo();
    const rdb_storage_config config = {.data_directory = f->data_directory, .page_bytes = 4096, .frame_count = 256, .sync = true};
    MUST(&f->err, engine_open(&f->wal_config, &config, &f->wal, &f->storage, &f->err));
    const rdb_txn_config txn_config = {.storage = f->storage};
    MUST(&f->err, rdb_txn_open(&f->txns, &txn_config, &f->err));
}
static inline void instance_close(instance *f)
{
    rdb_txn_close(&f->txns);
    MUST(&f->err, engine_close(&f->wal, &f->storage, &f->err));
}
static inline void instance_begin(instance *f)
{
    memset(f, 0, sizeof *f);
    engine_paths("txn", f->root, sizeof f->root, f->wal_directory, f->data_directory, sizeof f->wal_directory);
    f->wal_config = (rdb_wal_config){.directory = f->wal_directory, .system_id = 5, .segment_bytes = SEGMENT, .ring_bytes = 1 << 18,
                                     .incarnation = 1, .thread_no = 1, .sync = true};
    instance_open(f);
    MUST(&f->err, rdb_txn_create_pdb(f->txns, PDB, &f->err));
}
static inline void instance_end(instance *f)
{
    instance_close(f);
    MUST(&f->err, rdb_path_remove_tree(f->root, &f->err));
    rdb_error_clear(&f->err);
}

#endif
