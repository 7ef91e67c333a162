/* SPDX-License-Identifier: Apache-2.0
 * An instance for tests: log, storage, transactions, undo, and one table (id int8, note text, number int4), under a
 * temporary directory. Opening over an existing log replays all of it, as recovery does. */
#ifndef TABLE_FIXTURE_H
#define TABLE_FIXTURE_H

#include "../engine.h"
#include "../must.h"
#include "table/table_int.h"

#define PDB 5u
#define SEGMENT (1u << 20)
#define TABLE_FILE RDB_FILE_NO(RDB_FILE_TABLE, 20000)

typedef struct instance {
    char root[160], wal_directory[200], data_directory[200];
    rdb_wal_config wal_config;
    rdb_wal *wal;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_arena *arena; /* of the table's description and of results */
    rdb_arena *batch;
    rdb_table table;
    uint32_t page_bytes, frames;
    rdb_error err;
} instance;

static inline void describe_table(instance *f, const rdb_rep *reps, uint16_t count, uint64_t file)
{
    rdb_row_layout *rows = rdb_row_layout_create(f->arena, reps, count);
    int16_t *slots = RDB_NEW_ARRAY(f->arena, int16_t, count);
    uint8_t *table_reps = RDB_NEW_ARRAY(f->arena, uint8_t, count);
    for (uint16_t i = 0; i < count; i++) {
        slots[i] = (int16_t)i;
        table_reps[i] = (uint8_t)reps[i];
    }
    rdb_table_layout *layout = RDB_NEW(f->arena, rdb_table_layout);
    *layout = (rdb_table_layout){.rows = rows, .slots = slots};
    const rdb_table_layout **layouts = RDB_NEW_ARRAY(f->arena, const rdb_table_layout *, 1);
    layouts[0] = layout;
    f->table = (rdb_table){.storage = f->storage, .txns = f->txns, .undo = f->undo, .pdb = PDB, .relation_oid = 16400,
                           .file = file, .attribute_count = count, .layout_count = 1, .layouts = layouts, .reps = table_reps};
}

static inline void instance_open(instance *f)
{
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    rdb_table_register_redo();
    const rdb_storage_config config = {.data_directory = f->data_directory, .page_bytes = f->page_bytes, .frame_count = f->frames, .sync = true};
    MUST(&f->err, engine_open(&f->wal_config, &config, &f->wal, &f->storage, &f->err));
    rdb_txn_config txn_config = {.storage = f->storage};
    MUST(&f->err, rdb_txn_open(&f->txns, &txn_config, &f->err));
    rdb_undo_config undo_config = {.storage = f->storage, .txns = f->txns};
    MUST(&f->err, rdb_undo_open(&f->undo, &undo_config, &f->err));
    f->arena = rdb_arena_create("test", NULL, NULL);
    f->batch = rdb_arena_create("batch", NULL, NULL);
    const rdb_rep reps[] = {RDB_REP_INT64, RDB_REP_BYTES, RDB_REP_INT32};
    describe_table(f, reps, 3, TABLE_FILE);
}

static inline void instance_paths(instance *f, const char *root)
{
    snprintf(f->root, sizeof f->root, "%.159s", root);
    snprintf(f->wal_directory, sizeof f->wal_directory, "%s/wal", f->root);
    snprintf(f->data_directory, sizeof f->data_directory, "%s/data", f->root);
    f->wal_config = (rdb_wal_config){.directory = f->wal_directory, .system_id = 77, .segment_bytes = SEGMENT,
                                     .ring_bytes = 1 << 20, .incarnation = 1, .thread_no = 1, .sync = true};
}

static inline void instance_begin(instance *f, uint32_t page_bytes, uint32_t frames)
{
    char root[] = "/tmp/rdb-table-XXXXXX";
    memset(f, 0, sizeof *f);
    f->page_bytes = page_bytes;
    f->frames = frames;
    assert_non_null(mkdtemp(root));
    instance_paths(f, root);
    instance_open(f);
    MUST(&f->err, rdb_txn_create_pdb(f->txns, PDB, &f->err));
}

static inline void instance_close(instance *f)
{
    rdb_undo_close(&f->undo);
    rdb_txn_close(&f->txns);
    MUST(&f->err, engine_close(&f->wal, &f->storage, &f->err));
    rdb_arena_destroy(f->arena);
    rdb_arena_destroy(f->batch);
    f->arena = f->batch = NULL;
}

static inline void instance_end(instance *f)
{
    instance_close(f);
    MUST(&f->err, rdb_path_remove_tree(f->root, &f->err));
    rdb_error_clear(&f->err);
}

static inline rdb_txn *begin(instance *f, rdb_isolation isolation)
{
    rdb_txn *txn = NULL;
    MUST(&f->err, rdb_txn_begin(f->txns, PDB, isolation, false, NULL, &txn, &f->err));
    return txn;
}
static inline rdb_scn commit(instance *f, rdb_txn *txn)
{
    rdb_scn scn = 0;
    MUST(&f->err, rdb_txn_commit(&txn, RDB_COMMIT_LOCAL, &scn, &f->err));
    return scn;
}
static inline void create_table(instance *f)
{
    rdb_txn *txn = begin(f, RDB_READ_COMMITTED);
    MUST(&f->err, rdb_table_create(f->storage, txn, f->table.file, &f->err));
    commit(f, txn);
}

/* A row of the fixture's table; note NULL is null. */
typedef struct sample {
    int64_t id;
    const char *note;
    size_t note_length; /* 0: strlen */
    int32_t number;
} sample;
static inline void fill_values(const sample *s, rdb_datum values[3], bool is_null[3])
{
    memset(values, 0, 3 * sizeof *values);
    memset(is_null, 0, 3);
    values[0].i64 = s->id;
    is_null[1] = s->note == NULL;
    if (s->note != NULL)
        values[1].bytes = (rdb_bytes){(const uint8_t *)s->note, (uint32_t)(s->note_length != 0 ? s->note_length : strlen(s->note)), 0};
    values[2].i32 = s->number;
}

static inline rdb_row_address insert(instance *f, rdb_txn *txn, sample s)
{
    rdb_datum values[3];
    bool is_null[3];
    rdb_row_address address = 0;
    fill_values(&s, values, is_null);
    MUST(&f->err, rdb_table_insert(&f->table, txn, values, is_null, NULL, 0, &address, NULL, &f->err));
    return address;
}

/* Rows of a scan, in memory of the batch arena. */
typedef struct scanned {
    uint32_t count;
    int64_t ids[20000];
    rdb_bytes notes[20000];
    bool note_null[20000];
    int32_t numbers[20000];
    rdb_row_address addresses[20000];
    rdb_row_version versions[20000];
} scanned;
static inline void scan_with(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot, uint32_t capacity, scanned *out)
{
    static const int16_t columns[] = {1, 2, 3};
    rdb_vector store[3], *vectors[3] = {&store[0], &store[1], &store[2]};
    rdb_arena_reset(f->batch);
    MUST(&f->err, rdb_vector_init(&store[0], f->batch, RDB_REP_INT64, capacity, &f->err));
    MUST(&f->err, rdb_vector_init(&store[1], f->batch, RDB_REP_BYTES, capacity, &f->err));
    MUST(&f->err, rdb_vector_init(&store[2], f->batch, RDB_REP_INT32, capacity, &f->err));
    rdb_table_scan *scan;
    MUST(&f->err, rdb_table_scan_open(&scan, &f->table, txn, snapshot, columns, 3, 0, UINT64_MAX, f->batch, &f->err));
    out->count = 0;
    for (;;) {
        uint32_t count;
        assert_in_range(out->count + capacity, 0, RDB_COUNT_OF(out->ids));
        MUST(&f->err, rdb_table_scan_next(scan, capacity, f->batch, vectors, out->addresses + out->count,
                                          out->versions + out->count, &count, &f->err));
        if (count == 0)
            break;
        for (uint32_t i = 0; i < count; i++) {
            out->ids[out->count + i] = RDB_VALUES(&store[0], int64_t)[i];
            out->note_null[out->count + i] = rdb_vector_is_null(&store[1], i);
            out->notes[out->count + i] = RDB_VALUES(&store[1], rdb_bytes)[i];
            out->numbers[out->count + i] = RDB_VALUES(&store[2], int32_t)[i];
        }
        out->count += count;
    }
    rdb_table_scan_close(&scan);
}
static inline void scan_now(instance *f, rdb_txn *txn, scanned *out)
{
    rdb_snapshot snapshot;
    rdb_txn_take_snapshot(txn, &snapshot);
    scan_with(f, txn, &snapshot, 64, out);
}
static inline int32_t find_id(const scanned *rows, int64_t id)
{
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->ids[i] == id)
            return (int32_t)i;
    return -1;
}

static inline rdb_write_outcome try_update(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                                           rdb_row_version seen, sample s, rdb_xid *wait_xid, rdb_row_version *version)
{
    rdb_datum values[3];
    bool is_null[3];
    rdb_write_outcome outcome;
    fill_values(&s, values, is_null);
    MUST(&f->err, rdb_table_update(&f->table, txn, snapshot, address, seen, values, is_null, NULL, 0, false, &outcome, wait_xid, version, &f->err));
    return outcome;
}
static inline rdb_write_outcome try_delete(instance *f, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                                           rdb_row_version seen, rdb_xid *wait_xid)
{
    rdb_write_outcome outcome;
    MUST(&f->err, rdb_table_delete(&f->table, txn, snapshot, address, seen, NULL, 0, &outcome, wait_xid, &f->err));
    return outcome;
}

#endif
