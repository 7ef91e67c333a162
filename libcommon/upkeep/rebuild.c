/* SPDX-License-Identifier: Apache-2.0
 * The control file made anew when both its copies are gone: it only points into the log, so the log can say what it said.
 * The segments' headers give the log's identity, the last checkpoint record the rest. The record is durable before the
 * control file points to it, so the newest record found is the one it pointed to or one that would have done as well. */
#include "upkeep_int.h"

#include "base/rdb_log.h"

#include <stdio.h>

static bool take_checkpoint(const rdb_wal_record *record, rdb_control *control)
{
    const uint8_t *own = record->data + 16;
    if (record->data_bytes < 16 + 8 + UPKEEP_CONTROL_PART_BYTES || own[0] != RDB_RESOURCE_WAL || rdb_get_u32(own + 4) != UPKEEP_CONTROL_PART_BYTES)
        return false;
    control->redo_lsn = rdb_get_u64(record->data);
    control->checkpoint_us = (int64_t)rdb_get_u64(record->data + 8);
    control->layout_version = rdb_get_u32(own + 8);
    control->data_format = rdb_get_u32(own + 12);
    control->page_bytes = rdb_get_u32(own + 16);
    control->scn = rdb_get_u64(own + 24);
    control->checkpoint_lsn = record->lsn;
    return true;
}

/* The newest checkpoint record of the run of records that ends the log. */
static bool find_checkpoint(const char *wal_directory, rdb_control *control, rdb_error *err)
{
    rdb_wal_look look;
    rdb_wal_reader *reader = NULL;
    bool found = false;
    if (!rdb_wal_look_at(wal_directory, &look, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "no segment of the write-ahead log has a whole header");
    *control = (rdb_control){.system_id = look.system_id, .wal_segment_bytes = look.segment_bytes, .incarnation = look.incarnation, .state = RDB_CONTROL_RUNNING};
    rdb_wal_config config = {.directory = wal_directory, .system_id = look.system_id, .segment_bytes = look.segment_bytes,
                             .ring_bytes = 1u << 20, .incarnation = look.incarnation, .thread_no = look.thread_no};
    rdb_lsn first = look.first_segment * look.segment_bytes + 64, first_read;
    if (!rdb_wal_reader_open(&reader, &config, first, err))
        return false;
    bool ok = rdb_wal_reader_seek(reader, (look.last_segment + 1) * look.segment_bytes, &found, err);
    first_read = rdb_wal_reader_end(reader);
    while (ok && found) {
        rdb_wal_record record;
        ok = rdb_wal_reader_next(reader, &record, &found, err);
        if (ok && found && record.resource == RDB_RESOURCE_WAL && record.operation == RDB_WAL_OP_CHECKPOINT)
            take_checkpoint(&record, control);
    }
    rdb_wal_reader_close(&reader);
    if (ok && (control->checkpoint_lsn == 0 || control->redo_lsn < first_read))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the write-ahead log holds no whole checkpoint");
    return ok;
}

bool rdb_upkeep_read_control(const char *home, rdb_control *control, rdb_error *err)
{
    char wal_directory[1000];
    rdb_error why = {0};
    bool found = false;
    if (!base_backup_take_label(home, control, &found, err))
        return false;
    if (found || rdb_control_read(home, control, err))
        return true;
    if (strcmp(err->sqlstate, RDB_DATA_CORRUPTED) != 0 && strcmp(err->sqlstate, RDB_UNDEFINED_FILE) != 0)
        return false;
    RDB_LOG(RDB_LOG_WARN, "upkeep", "%s: making the control file anew from the write-ahead log", rdb_error_message(err));
    bool ok = rdb_instance_path(home, "data/wal", wal_directory, sizeof wal_directory, &why) && find_checkpoint(wal_directory, control, &why);
    if (!ok) {
        char message[256], state[6];
        snprintf(message, sizeof message, "%s", rdb_error_message(err));
        memcpy(state, err->sqlstate, sizeof state);
        rdb_error_clear(err);
        rdb_error_set(err, state, "%s", message);
        rdb_error_detail(err, "Making it anew from the log in \"%s\" failed: %s.", wal_directory, rdb_error_message(&why));
        rdb_error_clear(&why);
        return rdb_error_hint(err, "Restore data/meta/control from a backup of this instance; the data files are not touched.");
    }
    rdb_error_clear(err);
    if (!rdb_control_write(home, control, err))
        return false;
    RDB_LOG(RDB_LOG_WARN, "upkeep", "the control file was made anew: redo from %llX, checkpoint at %llX", (unsigned long long)control->redo_lsn,
            (unsigned long long)control->checkpoint_lsn);
    return true;
}
