/* SPDX-License-Identifier: Apache-2.0
 * Recovery: redo only, from the redo LSN to where the log ends. Pages first, then what the record means beside them. */
#include "upkeep_int.h"

static bool load_parts(const rdb_wal_record *record, rdb_error *err)
{
    uint64_t at = 16;
    while (record->data_bytes >= 16 && at + 8 <= record->data_bytes) {
        uint8_t resource = record->data[at];
        uint32_t length = rdb_get_u32(record->data + at + 4);
        if (length > record->data_bytes - at - 8)
            break;
        const rdb_checkpoint_part *part = rdb_checkpoint_find_part(resource);
        if (part != NULL && part->load != NULL && !part->load(part->load_context, record->data + at + 8, length, err))
            return false;
        at += 8 + (uint64_t)length;
    }
    if (at != record->data_bytes)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed checkpoint record at %llX", (unsigned long long)record->lsn);
    return true;
}

static bool replay_wal_record(void *context, const rdb_wal_record *record, rdb_error *err)
{
    (void)context;
    return record->operation != RDB_WAL_OP_CHECKPOINT || load_parts(record, err);
}

static void describe_wal_record(const rdb_wal_record *record, rdb_strbuf *text)
{
    if (record->operation == RDB_WAL_OP_CHECKPOINT && record->data_bytes >= 16)
        rdb_strbuf_addf(text, "checkpoint, redo from %llX", (unsigned long long)rdb_get_u64(record->data));
    else
        rdb_strbuf_adds(text, "nothing");
}

void upkeep_register_redo(void)
{
    static const rdb_resource_ops ops = {.name = "wal", .replay = replay_wal_record, .describe = describe_wal_record};
    rdb_resource_register(RDB_RESOURCE_WAL, &ops);
}

bool rdb_recovery_run(rdb_storage *storage, const rdb_wal_config *wal, rdb_lsn redo_lsn, rdb_recovery_result *result, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    int64_t begin_us = rdb_time_monotonic_us();
    bool ok = false, found = true;
    *result = (rdb_recovery_result){.redo_lsn = redo_lsn};
    upkeep_register_redo();
    if (!rdb_wal_reader_open(&reader, wal, redo_lsn, err))
        return false;
    while ((ok = rdb_wal_reader_next(reader, &record, &found, err)) && found) {
        const rdb_resource_ops *ops = rdb_resource_find(record.resource);
        ok = rdb_storage_replay(storage, &record, err) &&
             (ops == NULL || ops->replay == NULL || ops->replay(ops->replay_context, &record, err));
        if (!ok)
            break;
        if (record.resource == RDB_RESOURCE_WAL && record.operation == RDB_WAL_OP_CHECKPOINT)
            result->checkpoint_lsn = record.lsn;
        result->records++;
    }
    if (!ok)
        rdb_error_add_context(err, "recovery at WAL position %llX", (unsigned long long)rdb_wal_reader_end(reader));
    result->end_lsn = rdb_wal_reader_end(reader);
    result->bytes = result->end_lsn - redo_lsn;
    result->elapsed_us = rdb_time_monotonic_us() - begin_us;
    rdb_wal_reader_close(&reader);
    return ok;
}
