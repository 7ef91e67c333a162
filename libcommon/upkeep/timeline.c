/* SPDX-License-Identifier: Apache-2.0
 * Timelines: which way recovery follows, and the branch it opens where it stops. A timeline is the incarnation of the log: every record's
 * checksum covers it, so what an abandoned timeline wrote behind the branch can never be read as part of the new one. */
#include "upkeep_int.h"

#include "base/rdb_log.h"

bool timeline_find(const rdb_upkeep *upkeep, const rdb_recovery_target *target, rdb_lsn from, rdb_wal_history *history, rdb_error *err)
{
    uint32_t own = upkeep->control.incarnation, wanted = target->timeline;
    bool found = false;
    *history = (rdb_wal_history){.timeline = own};
    if (!rdb_wal_history_read(upkeep->wal_directory, own, history, &found, err) ||
        (!found && target->archive_directory[0] != '\0' && !rdb_wal_history_read(target->archive_directory, own, history, &found, err)))
        return false;
    if (wanted == RDB_TIMELINE_CURRENT || wanted == own)
        return true;
    if (wanted == 0)
        return rdb_wal_history_latest(upkeep->wal_directory, own, from, history, err) &&
               (target->archive_directory[0] == '\0' || rdb_wal_history_latest(target->archive_directory, own, from, history, err));
    rdb_wal_history other;
    if (!rdb_wal_history_read(upkeep->wal_directory, wanted, &other, &found, err) ||
        (!found && target->archive_directory[0] != '\0' && !rdb_wal_history_read(target->archive_directory, wanted, &other, &found, err)))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_UNDEFINED_FILE, "recovery target timeline %u does not exist", wanted);
    if (!rdb_wal_history_holds(&other, own, from)) {
        rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "requested timeline %u is not a child of this database system's history", wanted);
        return rdb_error_detail(err, "This copy is of timeline %u, at %X/%X.", own, (unsigned)(from >> 32), (unsigned)from);
    }
    *history = other;
    return true;
}

bool timeline_branch(const rdb_upkeep *upkeep, const char *archive_directory, const rdb_wal_history *followed, rdb_lsn end_lsn,
                     uint32_t end_timeline, uint32_t *timeline, rdb_lsn *begin_lsn, rdb_error *err)
{
    uint32_t segment_bytes = upkeep->control.wal_segment_bytes, newest = 0, other = 0;
    /* A position just behind a segment's header is the end of the segment before. */
    rdb_lsn end = (end_lsn & (segment_bytes - 1)) == RDB_WAL_SEGMENT_HEADER_BYTES ? end_lsn - RDB_WAL_SEGMENT_HEADER_BYTES : end_lsn;
    rdb_wal_history history = {0};
    if (!rdb_wal_archive_newest_timeline(upkeep->wal_directory, &newest, err) ||
        (archive_directory != NULL && !rdb_wal_archive_newest_timeline(archive_directory, &other, err)))
        return false;
    history.timeline = RDB_MAX(RDB_MAX(newest, other), RDB_MAX(upkeep->control.incarnation, followed->timeline)) + 1;
    for (uint32_t i = 0; i < followed->branch_count && followed->branches[i].end_lsn < end; i++)
        history.branches[history.branch_count++] = followed->branches[i];
    if (history.branch_count == RDB_WAL_BRANCHES_MAX)
        return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the log has branched more than %u times", RDB_WAL_BRANCHES_MAX);
    history.branches[history.branch_count++] = (rdb_wal_branch){.timeline = end_timeline, .end_lsn = end};
    *timeline = history.timeline;
    *begin_lsn = ((end - 1) / segment_bytes + 1) * segment_bytes + RDB_WAL_SEGMENT_HEADER_BYTES;
    RDB_LOG(RDB_LOG_INFO, "upkeep", "the log goes on in timeline %u: timeline %u counts up to %X/%X", history.timeline, end_timeline,
            (unsigned)(end >> 32), (unsigned)end);
    return rdb_wal_history_write(upkeep->wal_directory, &history, err);
}
