/* SPDX-License-Identifier: Apache-2.0
 * The log's archive: a directory of finished segments, and the thread that fills it.
 *
 * Names in an archive, hexadecimal:
 *     <8: timeline><16: segment>            a finished segment, whole; synced, then renamed to this name
 *     <8: timeline><16: segment>.partial    the durable beginning of the running one, a multiple of 8 bytes; it only grows
 *     <8: timeline>.history                 where the timeline branched off: lines "parent end-LSN", the oldest first
 * A timeline is the incarnation of a log: a recovery that stops at a target goes on in a new one, which begins with the segment after
 * the one it stopped in. */
#ifndef RDB_WAL_ARCHIVE_H
#define RDB_WAL_ARCHIVE_H

#include "wal/rdb_wal.h"

#define RDB_WAL_ARCHIVE_NAME_BYTES 40u
void rdb_wal_archive_name(char name[RDB_WAL_ARCHIVE_NAME_BYTES], uint32_t timeline, uint64_t segment);
/* *partial tells which of the two; false: the name is no segment's. */
bool rdb_wal_archive_parse_name(const char *name, uint32_t *timeline, uint64_t *segment, bool *partial);

typedef struct rdb_wal_branch { /* a timeline of the past: it counts up to end_lsn, where the next one branched off */
    uint32_t timeline;
    rdb_lsn end_lsn;
} rdb_wal_branch;
#define RDB_WAL_BRANCHES_MAX 64u
typedef struct rdb_wal_history {
    uint32_t timeline; /* the one it is the history of */
    uint32_t branch_count;
    rdb_wal_branch branches[RDB_WAL_BRANCHES_MAX]; /* its ancestors, the oldest first */
} rdb_wal_history;
/* The history file of a timeline in a directory; one that is not there: no ancestors, *found false. */
RDB_CHECKED bool rdb_wal_history_read(const char *directory, uint32_t timeline, rdb_wal_history *history, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_wal_history_write(const char *directory, const rdb_wal_history *history, rdb_error *err);
void rdb_wal_history_name(char name[RDB_WAL_ARCHIVE_NAME_BYTES], uint32_t timeline);
/* The timeline whose segment of that number counts. A segment belongs to one timeline whole. */
uint32_t rdb_wal_history_timeline_at(const rdb_wal_history *history, uint32_t segment_bytes, uint64_t segment);
/* The timeline, up to that position, is an ancestor of the history's or the same. */
bool rdb_wal_history_holds(const rdb_wal_history *history, uint32_t timeline, rdb_lsn lsn);
/* Makes *history that of the newest timeline in the directory that branched off from the timeline at or after lsn, where there is one
 * newer than *history. */
RDB_CHECKED bool rdb_wal_history_latest(const char *directory, uint32_t from, rdb_lsn lsn, rdb_wal_history *history, rdb_error *err);
/* The lowest segment of the timeline above a number, whole or partial; UINT64_MAX: there is none. */
RDB_CHECKED bool rdb_wal_archive_next_segment(const char *directory, uint32_t timeline, uint64_t after, uint64_t *segment, rdb_error *err);
/* The highest timeline that a file in the directory bears, 0: none. */
RDB_CHECKED bool rdb_wal_archive_newest_timeline(const char *directory, uint32_t *timeline, rdb_error *err);

/* Reads the log along a history: local segments first (config->directory, NULL: none), then the archive's (NULL: none), whole before
 * partial. config->incarnation does not count. Past its newest segment the log ends, as rdb_wal_reader_next has it. */
RDB_CHECKED bool rdb_wal_reader_open_along(rdb_wal_reader **reader, const rdb_wal_config *config, const char *archive_directory,
                                           const rdb_wal_history *history, rdb_lsn start, rdb_error *err);

/* Every segment of a timeline in an archive: its header, every record in it, and that no number is missing between the first and the
 * last. on_gap: so many segments that are not there. config: system_id, segment_bytes and thread_no count. known_lsn: a record begins
 * there (a backup's start), 0: nobody knows; before the first place like that a segment may hold the rest of a record that began in one that
 * is gone. end_lsn: as far as the timeline goes before the next one branches off, UINT64_MAX: nobody knows. */
typedef struct rdb_wal_archive_check {
    void (*on_damage)(void *context, const char *file_name, uint64_t offset, const char *problem);
    void (*on_gap)(void *context, uint32_t timeline, uint64_t first_segment, uint64_t last_segment);
    void *context;
} rdb_wal_archive_check;
RDB_CHECKED bool rdb_wal_archive_verify(const char *directory, const rdb_wal_config *config, uint32_t timeline, rdb_lsn known_lsn, rdb_lsn end_lsn,
                                        const rdb_wal_archive_check *check, rdb_error *err);

/* ---- the archiver ------------------------------------------------------------------------------------------------- */
typedef struct rdb_wal_archiver rdb_wal_archiver;
typedef struct rdb_wal_archiver_config {
    const char *directory;   /* of the archive; made where it is missing. "": command alone */
    const char *command;     /* run by sh for each finished segment and history file, %p its path, %f its archive name; "": none */
    const char *state_path;  /* of the file that says how far the archive is (data/meta/archived) */
    int64_t timeout_us;      /* a segment with records in it is finished after so long; 0: never by time */
    int64_t partial_us;      /* the running segment's durable beginning is shipped so often; 0: finished segments alone */
} rdb_wal_archiver_config;
typedef struct rdb_wal_archiver_statistics {
    uint64_t archived_count, failed_count;
    char last_archived[RDB_WAL_ARCHIVE_NAME_BYTES], last_failed[RDB_WAL_ARCHIVE_NAME_BYTES];
    int64_t last_archived_us, last_failed_us, reset_us; /* timestamptz; 0: never */
    rdb_lsn archived_lsn, shipped_lsn; /* finished segments up to it; with the partial one */
    uint64_t gap_first, gap_last; /* numbers of segments that were never archived and are gone, with all between; both 0: none since a backup */
    char last_error[256];
} rdb_wal_archiver_statistics;
/* Reads the state and finds what is to be shipped; nothing runs yet. The log is open. */
RDB_CHECKED bool rdb_wal_archiver_open(rdb_wal_archiver **archiver, rdb_wal *wal, const rdb_wal_archiver_config *config, rdb_error *err);
RDB_CHECKED bool rdb_wal_archiver_start(rdb_wal_archiver *archiver, rdb_error *err);
/* Ends the thread after one try to ship what is there. */
void rdb_wal_archiver_stop(rdb_wal_archiver *archiver);
void rdb_wal_archiver_close(rdb_wal_archiver **archiver);
/* The log must be kept from here on: the first byte that is not in a whole segment of the archive. */
rdb_lsn rdb_wal_archiver_keeps(const rdb_wal_archiver *archiver);
/* Returns when all up to lsn is in the archive, partial segments count; false where it was cancelled or the time passed (57014). */
RDB_CHECKED bool rdb_wal_archiver_wait(rdb_wal_archiver *archiver, rdb_lsn lsn, int64_t timeout_us, bool (*cancelled)(void *context),
                                       void *context, rdb_error *err);
/* A backup that begins at lsn is whole: a gap before it keeps no newer moment from being reached. A gap is remembered beside the state (its
 * name with RDB_WAL_GAP_ENDING: "%016x %016x\n" of the first and last segment), over restarts, until then. */
#define RDB_WAL_GAP_ENDING "-gap"
void rdb_wal_archiver_close_gap(rdb_wal_archiver *archiver, rdb_lsn lsn);
void rdb_wal_archiver_get_statistics(rdb_wal_archiver *archiver, rdb_wal_archiver_statistics *statistics);
void rdb_wal_archiver_reset_statistics(rdb_wal_archiver *archiver);

#endif
