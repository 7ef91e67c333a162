/* SPDX-License-Identifier: Apache-2.0
 * Recovery: redo only, from the redo LSN to where the log ends. Pages first, then what the record means beside them. */
#include "upkeep_int.h"

#include "txn/rdb_txn.h"

#include <stdio.h>

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
    else if (record->operation == RDB_WAL_OP_RESTORE_POINT && record->data_bytes > 8)
        rdb_strbuf_addf(text, "restore point %.*s", (int)(record->data_bytes - 8), (const char *)record->data + 8);
    else if (record->operation == RDB_WAL_OP_SWITCH)
        rdb_strbuf_addf(text, "end of the segment, %u bytes", record->data_bytes);
    else
        rdb_strbuf_adds(text, "nothing");
}

void upkeep_register_redo(void)
{
    static const rdb_resource_ops ops = {.name = "wal", .replay = replay_wal_record, .describe = describe_wal_record};
    rdb_resource_register(RDB_RESOURCE_WAL, &ops);
}

/* Whether an archive has log behind a hole: recovery would end there and look as if that were all. */
static bool check_gap(const recovery_plan *plan, uint32_t segment_bytes, rdb_lsn end_lsn, rdb_lsn *missing, rdb_error *err)
{
    uint64_t segment = (end_lsn - 1) / segment_bytes, next = UINT64_MAX;
    *missing = 0;
    if (plan->archive_directory == NULL || plan->archive_directory[0] == '\0')
        return true;
    uint32_t timeline = rdb_wal_history_timeline_at(plan->history, segment_bytes, segment + 1);
    if (!rdb_wal_archive_next_segment(plan->archive_directory, timeline, segment, &next, err))
        return false;
    if (next != UINT64_MAX && next > segment + 1)
        *missing = (segment + 1) * segment_bytes + RDB_WAL_SEGMENT_HEADER_BYTES;
    return true;
}

static bool tell_gap(const recovery_plan *plan, uint32_t segment_bytes, rdb_lsn missing, rdb_error *err)
{
    char name[RDB_WAL_ARCHIVE_NAME_BYTES];
    rdb_wal_archive_name(name, rdb_wal_history_timeline_at(plan->history, segment_bytes, missing / segment_bytes), missing / segment_bytes);
    rdb_error_set(err, RDB_UNDEFINED_FILE, "the WAL archive has a gap: segment %s is missing", name);
    rdb_error_detail(err, "Directory \"%s\" holds later segments.", plan->archive_directory);
    return rdb_error_hint(err, "Provide the segment, or recover to a target before it.");
}

static void note_record(const rdb_wal_record *record, uint32_t page_bytes, rdb_recovery_result *result)
{
    rdb_txn_end end;
    if (record->resource == RDB_RESOURCE_WAL && record->operation == RDB_WAL_OP_CHECKPOINT)
        result->checkpoint_lsn = record->lsn;
    if (rdb_txn_record_is_end(record, page_bytes, &end) && end.committed) {
        result->last_scn = end.scn;
        result->last_commit_us = end.wall_us;
    }
    result->records++;
}

/* A short log is replayed before threads are worth their start; a number that was asked for starts them at once. */
#define CREW_FROM_BYTES (UINT64_C(1) << 20)

static bool apply_record(rdb_storage *storage, replay_crew *crew, const rdb_wal_record *record, rdb_error *err)
{
    const rdb_resource_ops *ops = rdb_resource_find(record->resource);
    return (crew != NULL ? replay_crew_deal(crew, record, err) : rdb_storage_replay(storage, record, err)) &&
           (ops == NULL || ops->replay == NULL || ops->replay(ops->replay_context, record, err));
}

bool recovery_run(rdb_storage *storage, const rdb_wal_config *wal, rdb_lsn redo_lsn, const recovery_plan *plan,
                  rdb_recovery_result *result, rdb_error *err)
{
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    const rdb_recovery_target *target = plan->target;
    uint32_t page_bytes = rdb_storage_page_bytes(storage);
    int64_t begin_us = rdb_time_monotonic_us();
    bool ok = true, found = true, stopped = false;
    replay_crew *crew = NULL;
    *result = (rdb_recovery_result){.redo_lsn = redo_lsn};
    upkeep_register_redo();
    if (!rdb_wal_reader_open_along(&reader, wal, plan->archive_directory, plan->history, redo_lsn, err))
        return false;
    rdb_lsn end_lsn = rdb_wal_reader_end(reader);
    uint32_t timeline = rdb_wal_reader_timeline(reader);
    while (ok && !stopped) {
        if (target != NULL && target->kind == RDB_TARGET_IMMEDIATE && end_lsn >= plan->consistent_lsn) {
            stopped = true;
            break;
        }
        ok = rdb_wal_reader_next(reader, &record, &found, err);
        if (!ok || !found)
            break;
        stop_verdict verdict = target != NULL ? target_judge(target, &record, page_bytes) : STOP_NOT;
        stopped = verdict != STOP_NOT;
        if (stopped && (verdict == STOP_BEFORE ? end_lsn : record.end_lsn) < plan->consistent_lsn) {
            char text[160];
            rdb_recovery_target_describe(target, text);
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "requested recovery stop point is before consistent recovery point");
            rdb_error_detail(err, "Recovery was asked for %s; the files agree with each other at %X/%X and later.", text,
                             (unsigned)(plan->consistent_lsn >> 32), (unsigned)plan->consistent_lsn);
            rdb_error_hint(err, "Choose a later target, or restore an older backup.");
            ok = false;
            break;
        }
        if (verdict == STOP_BEFORE)
            break;
        if (plan->position != NULL)
            atomic_store_explicit(plan->position, record.end_lsn, memory_order_release);
        if (crew == NULL && plan->threads != 1 && (plan->threads > 1 || record.lsn - redo_lsn >= CREW_FROM_BYTES))
            ok = replay_crew_create(&crew, storage, plan->threads, err);
        ok = ok && apply_record(storage, crew, &record, err);
        if (!ok)
            break;
        note_record(&record, page_bytes, result);
        end_lsn = record.end_lsn;
        timeline = rdb_wal_reader_timeline(reader);
    }
    ok = ok && (crew == NULL || replay_crew_rest(crew, err));
    replay_crew_destroy(&crew);
    if (!ok)
        rdb_error_add_context(err, "recovery at WAL position %llX", (unsigned long long)rdb_wal_reader_end(reader));
    rdb_lsn missing = 0;
    if (ok && !stopped) {
        ok = check_gap(plan, wal->segment_bytes, end_lsn, &missing, err) && (missing == 0 || tell_gap(plan, wal->segment_bytes, missing, err));
        if (ok && target != NULL && target->kind != RDB_TARGET_END)
            ok = target_missed(target, end_lsn, err);
        if (ok && end_lsn < plan->consistent_lsn) {
            rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the log ends before this copy is consistent");
            rdb_error_detail(err, "It ends at %X/%X, but must reach %X/%X, where the base backup ended.", (unsigned)(end_lsn >> 32), (unsigned)end_lsn,
                             (unsigned)(plan->consistent_lsn >> 32), (unsigned)plan->consistent_lsn);
            ok = rdb_error_hint(err, "Name the directory of the archived log as restore_directory in data/recovery.conf.");
        }
    }
    result->end_lsn = end_lsn;
    result->timeline = timeline;
    result->bytes = result->end_lsn - redo_lsn;
    result->elapsed_us = rdb_time_monotonic_us() - begin_us;
    rdb_wal_reader_close(&reader);
    return ok;
}

bool rdb_recovery_run(rdb_storage *storage, const rdb_wal_config *wal, rdb_lsn redo_lsn, rdb_recovery_result *result, rdb_error *err)
{
    const rdb_wal_history history = {.timeline = wal->incarnation};
    const recovery_plan plan = {.history = &history};
    return recovery_run(storage, wal, redo_lsn, &plan, result, err);
}

bool rdb_recovery_look(const char *wal_directory, const rdb_base_backup_result *base, const rdb_recovery_target *target,
                       void (*on_point)(void *context, const char *name, rdb_lsn lsn, int64_t wall_us), void *context,
                       rdb_recovery_reach *reach, rdb_error *err)
{
    rdb_base_backup_result parsed;
    rdb_control control;
    rdb_wal_history history;
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    *reach = (rdb_recovery_reach){0};
    if (!rdb_base_backup_parse_label(base->label_file, base->label_bytes, &parsed, &control, err))
        return false;
    rdb_upkeep seen = {.control = control}; /* what timeline_find looks at */
    if (wal_directory != NULL)
        snprintf(seen.wal_directory, sizeof seen.wal_directory, "%s", wal_directory);
    if (!timeline_find(&seen, target, parsed.stop_lsn, &history, err))
        return false;
    rdb_wal_config wal = {.directory = wal_directory, .system_id = control.system_id, .segment_bytes = control.wal_segment_bytes,
                          .ring_bytes = 1u << 20, .incarnation = control.incarnation, .thread_no = 1};
    const recovery_plan plan = {.history = &history, .archive_directory = target->archive_directory};
    if (!rdb_wal_reader_open_along(&reader, &wal, target->archive_directory, &history, parsed.start_lsn, err))
        return false;
    bool ok = true, found = true, stopped = false;
    rdb_lsn end_lsn = rdb_wal_reader_end(reader);
    while (ok) {
        rdb_txn_end end;
        if (!stopped && target->kind == RDB_TARGET_IMMEDIATE && end_lsn >= parsed.stop_lsn) {
            stopped = true;
            reach->stop_lsn = end_lsn;
        }
        ok = rdb_wal_reader_next(reader, &record, &found, err);
        if (!ok || !found)
            break;
        stop_verdict verdict = stopped ? STOP_NOT : target_judge(target, &record, control.page_bytes);
        bool is_end = rdb_txn_record_is_end(&record, control.page_bytes, &end) && end.committed;
        if (verdict == STOP_BEFORE) {
            stopped = true;
            reach->stop_lsn = end_lsn;
        }
        if (is_end && record.end_lsn > parsed.stop_lsn) {
            reach->first_commit_us = reach->first_scn == 0 ? end.wall_us : reach->first_commit_us;
            reach->first_scn = reach->first_scn == 0 ? end.scn : reach->first_scn;
            reach->last_commit_us = end.wall_us;
            reach->last_scn = end.scn;
        }
        if (is_end && !stopped) {
            reach->stop_scn = end.scn;
            reach->stop_us = end.wall_us;
        }
        if (record.resource == RDB_RESOURCE_WAL && record.operation == RDB_WAL_OP_RESTORE_POINT && record.data_bytes > 8 &&
            record.data_bytes <= 8 + RDB_RESTORE_POINT_BYTES_MAX && on_point != NULL) {
            char name[RDB_RESTORE_POINT_BYTES_MAX + 1] = "";
            memcpy(name, record.data + 8, record.data_bytes - 8);
            on_point(context, name, record.end_lsn, (int64_t)rdb_get_u64(record.data));
        }
        if (verdict == STOP_BEHIND) {
            stopped = true;
            reach->stop_lsn = record.end_lsn;
        }
        end_lsn = record.end_lsn;
        reach->records++;
    }
    reach->end_lsn = end_lsn;
    reach->bytes = end_lsn - parsed.start_lsn;
    reach->timeline = rdb_wal_reader_timeline(reader);
    rdb_wal_reader_close(&reader);
    ok = ok && check_gap(&plan, wal.segment_bytes, end_lsn, &reach->missing_lsn, err);
    if (target->kind == RDB_TARGET_END && reach->missing_lsn == 0) {
        stopped = true;
        reach->stop_lsn = end_lsn;
    }
    reach->reached = stopped && reach->stop_lsn >= parsed.stop_lsn;
    return ok;
}
