/* SPDX-License-Identifier: Apache-2.0
 * Recovery of one page alone, as RMAN's block recovery has it: a copy of the page is brought to a position of the log by the records that
 * name it, and a server that runs on puts the result where its own copy is broken. */
#include "upkeep_int.h"

#include "storage/rdb_storage_salvage.h"

#include <stdio.h>

/* ---- the page as it would be ---------------------------------------------------------------------------------------------- */
static bool apply_record(const rdb_wal_record *record, rdb_page_tag tag, void *page, uint32_t page_bytes, bool *is_known, rdb_error *err)
{
    const int block_no = rdb_storage_find_block(record, tag);
    if (block_no >= 0) {
        rdb_replay_step step;
        rdb_replay_step_take(&step, record, (unsigned)block_no);
        return rdb_page_redo(&step, page, page_bytes, is_known, err);
    }
    switch (rdb_storage_page_fate(record, tag)) {
    case RDB_PAGE_DROPPED:
        return rdb_error_set(err, RDB_UNDEFINED_FILE, "the file of the page was dropped at %X/%X", (unsigned)(record->lsn >> 32), (unsigned)record->lsn);
    case RDB_PAGE_EMPTIED:
        memset(page, 0, page_bytes);
        *is_known = true;
        return true;
    case RDB_PAGE_STAYS:
        break;
    }
    return true;
}

static bool is_interrupted(const rdb_page_recovery *recovery, uint64_t records, rdb_error *err)
{
    return recovery->is_interrupted != NULL && records % 1024 == 0 && recovery->is_interrupted(recovery->context) && !rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

static bool apply_log(const rdb_page_recovery *recovery, rdb_wal_reader *reader, void *page, uint32_t page_bytes, bool *is_known, rdb_error *err)
{
    rdb_wal_record record;
    bool found = true;
    for (uint64_t records = 0; rdb_wal_reader_end(reader) < recovery->until; records++) {
        if (is_interrupted(recovery, records, err) || !rdb_wal_reader_next(reader, &record, &found, err))
            return false;
        if (!found) {
            const rdb_lsn end = rdb_wal_reader_end(reader);
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the page cannot be made again: the log does not reach so far");
            return rdb_error_detail(err, "What there is of it ends at %X/%X, the instance's at %X/%X.", (unsigned)(end >> 32), (unsigned)end,
                                    (unsigned)(recovery->until >> 32), (unsigned)recovery->until);
        }
        if (!apply_record(&record, recovery->tag, page, page_bytes, is_known, err))
            return false;
    }
    return true;
}

bool rdb_recovery_redo_page(const rdb_page_recovery *recovery, void *page, bool is_known, rdb_error *err)
{
    rdb_base_backup_result base;
    rdb_control control;
    rdb_wal_history history;
    rdb_wal_reader *reader = NULL;
    rdb_recovery_target target = {.kind = RDB_TARGET_END, .timeline = recovery->timeline};
    if (!rdb_base_backup_parse_label(recovery->label, strlen(recovery->label), &base, &control, err))
        return false;
    upkeep_register_redo();
    snprintf(target.archive_directory, sizeof target.archive_directory, "%s", recovery->archive_directory);
    rdb_upkeep seen = {.control = control}; /* what timeline_find looks at */
    snprintf(seen.wal_directory, sizeof seen.wal_directory, "%s", recovery->wal_directory);
    const rdb_wal_config wal = {.directory = recovery->wal_directory, .system_id = control.system_id, .segment_bytes = control.wal_segment_bytes,
                                .ring_bytes = 1u << 20, .incarnation = control.incarnation, .thread_no = 1};
    bool ok = timeline_find(&seen, &target, base.stop_lsn, &history, err) &&
              rdb_wal_reader_open_along(&reader, &wal, target.archive_directory, &history, base.start_lsn, err) &&
              apply_log(recovery, reader, page, control.page_bytes, &is_known, err);
    rdb_wal_reader_close(&reader);
    if (!ok)
        return false;
    if (!is_known) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "the page cannot be made again: its copy is not whole");
        return rdb_error_detail(err, "The log since has no record of it that would bring it.");
    }
    if (((const rdb_page *)page)->change_no != 0) /* else it is all zeroes, as a block is that was never written */
        rdb_page_seal(page, recovery->tag, control.page_bytes);
    return true;
}

/* ---- in a server -------------------------------------------------------------------------------------------------------------- */
/* Whether a record from *at on, which begins one, up to until does anything to the page; *at moves on as far as was read. */
static bool find_change(rdb_upkeep *upkeep, rdb_page_tag tag, rdb_lsn *at, rdb_lsn until, bool *changed, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    bool found = true, ok = rdb_upkeep_read_log(upkeep, *at, &reader, err);
    *changed = false;
    while (ok && found && !*changed && rdb_wal_reader_end(reader) < until) {
        ok = rdb_wal_reader_next(reader, &record, &found, err);
        *changed = ok && found && (rdb_storage_find_block(&record, tag) >= 0 || rdb_storage_page_fate(&record, tag) != RDB_PAGE_STAYS);
    }
    if (ok && !found) {
        const rdb_lsn end = rdb_wal_reader_end(reader);
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the log behind the page's state cannot be read");
        ok = rdb_error_detail(err, "No record is at %X/%X any more, but the log goes on to %X/%X.", (unsigned)(end >> 32), (unsigned)end, (unsigned)(until >> 32), (unsigned)until);
    }
    if (ok)
        *at = rdb_wal_reader_end(reader);
    rdb_wal_reader_close(&reader);
    return ok;
}

bool rdb_upkeep_look_at_page(rdb_upkeep *upkeep, rdb_page_tag tag, rdb_page_state *state, const char **what, rdb_lsn *log_end, rdb_error *err)
{
    rdb_page_repair *repair = NULL;
    *what = NULL;
    *log_end = 0;
    if (!rdb_page_repair_begin(upkeep->storage, tag, &repair, err))
        return false;
    *state = rdb_page_repair_state(repair, what);
    *log_end = rdb_wal_insert_lsn(upkeep->wal); /* who changed the page had it latched: no record of it lies behind */
    rdb_page_repair_cancel(&repair);
    return rdb_wal_flush(upkeep->wal, *log_end, err);
}

bool rdb_upkeep_repair_page(rdb_upkeep *upkeep, rdb_page_tag tag, const void *image, rdb_lsn image_end, rdb_page_state *state, const char **what, rdb_lsn *end_lsn,
                            rdb_error *err)
{
    rdb_page_repair *repair = NULL;
    bool changed = false;
    *what = NULL;
    *end_lsn = 0;
    /* Most of the log is read before anybody can be kept waiting. */
    const rdb_lsn durable = rdb_wal_durable_lsn(upkeep->wal);
    if (image != NULL && image_end < durable && !find_change(upkeep, tag, &image_end, durable, &changed, err))
        return false;
    if (!rdb_page_repair_begin(upkeep->storage, tag, &repair, err))
        return false;
    *state = rdb_page_repair_state(repair, what);
    if (*state == RDB_PAGE_SOUND) {
        rdb_page_repair_cancel(&repair);
        return true;
    }
    bool ok = true;
    if (*state == RDB_PAGE_BROKEN) {
        const rdb_lsn now = rdb_wal_insert_lsn(upkeep->wal);
        ok = image != NULL || rdb_error_set(err, RDB_DATA_CORRUPTED, "the page is broken, and no state of it is given");
        ok = ok && (changed || image_end >= now || (rdb_wal_flush(upkeep->wal, now, err) && find_change(upkeep, tag, &image_end, now, &changed, err)));
        if (ok && changed) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the page was changed behind the state that is given");
            ok = rdb_error_hint(err, "Make it again with the log up to now.");
        }
    }
    if (ok)
        return rdb_page_repair_finish(&repair, image, end_lsn, err);
    rdb_page_repair_cancel(&repair);
    return false;
}
