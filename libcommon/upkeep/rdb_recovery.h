/* SPDX-License-Identifier: Apache-2.0
 * Base backups of a running instance, and recovery to a point in time from such a copy and archived log.
 *
 * A base backup is the files of data/ copied in any order while the server writes them, between begin and end: all of it but
 *     wal/  meta/control  meta/changes/  meta/backup_label  meta/archived  recovery.conf  recovery.done
 * and the text that end returns, put into the copy as data/meta/backup_label. Pages that changed or tore while they were copied
 * are made whole by the log from the start LSN on: each page's first change behind it brings the page's image. The copy is usable
 * once the log is replayed up to the stop LSN; before that a start is refused.
 *
 * data/meta/backup_label is text, one "key = value" a line: label, system_id, layout_version, data_format, page_bytes, segment_bytes,
 * incarnation, start_lsn, checkpoint_lsn, stop_lsn, scn, start_time, stop_time, crc (of the lines before). A start that finds it makes
 * the control file of it, and removes it when that is durable.
 *
 * data/recovery.conf says how far to go and where the log comes from, one "key = 'value'" a line; # begins a comment:
 *     restore_directory          archived segments (rdb_wal_archive.h); besides those in data/wal
 *     recovery_target_time       '2026-11-21 14:03:00+00' (a zone is demanded)     recovery_target_scn     '123'
 *     recovery_target_xid        '123', or 'PDB:123'                              recovery_target_lsn     '0/1A2B3C8'
 *     recovery_target_name       a restore point's name                           recovery_target         'immediate'
 *     recovery_target_inclusive  'on', or 'off'                                   recovery_target_timeline 'latest', 'current' or a number
 *     recovery_target_action     'promote', or 'shutdown'
 * Without a target recovery goes to the end of the log. With the file, a start that reaches its target opens on a new timeline (the
 * incarnation of the log) and renames the file to recovery.done. */
#ifndef RDB_RECOVERY_H
#define RDB_RECOVERY_H

#include "upkeep/rdb_upkeep.h"

/* ---- base backups ------------------------------------------------------------------------------------------------- */
typedef struct rdb_base_backup rdb_base_backup; /* one on its way; several may be */

typedef struct rdb_base_backup_result {
    rdb_lsn start_lsn, checkpoint_lsn, stop_lsn; /* log from start on is needed, and at least to stop */
    uint32_t timeline;
    int64_t start_us, stop_us; /* timestamptz */
    char label_file[2048];     /* the text for data/meta/backup_label of the copy */
    uint32_t label_bytes;
} rdb_base_backup_result;

/* Takes a checkpoint (as fast as can be, or spread over the configured time, but not over more than a millisecond a page) and keeps
 * the log from its redo LSN until the end. */
RDB_CHECKED bool rdb_base_backup_begin(rdb_upkeep *upkeep, const char *label, bool fast, rdb_base_backup **backup, rdb_error *err);
rdb_lsn rdb_base_backup_start_lsn(const rdb_base_backup *backup);
/* All is copied. The stop LSN is durable, and where there is an archive the segment it lies in is finished, so that the archiver takes
 * it. The log from the start LSN is still kept until the handle is closed: for a copy that carries its log in data/wal. */
RDB_CHECKED bool rdb_base_backup_end(rdb_base_backup *backup, rdb_base_backup_result *result, rdb_error *err);
/* Nothing is kept any more. Without an end the copy is worth nothing. NULL inside is fine. */
void rdb_base_backup_close(rdb_base_backup **backup);

/* ---- where recovery stops --------------------------------------------------------------------------------------------- */
typedef enum rdb_target_kind {
    RDB_TARGET_END,       /* of the log */
    RDB_TARGET_IMMEDIATE, /* as soon as the copy is consistent */
    RDB_TARGET_TIME,      /* before the first commit that is later (exclusive: or as late) */
    RDB_TARGET_SCN,       /* before the first commit with a higher SCN (exclusive: or the same) */
    RDB_TARGET_XID,       /* behind the end of the transaction (exclusive: before it) */
    RDB_TARGET_LSN,       /* behind the first record at or after it (exclusive: before it) */
    RDB_TARGET_NAME       /* behind the restore point */
} rdb_target_kind;

#define RDB_RESTORE_POINT_BYTES_MAX 63u
typedef struct rdb_recovery_target {
    rdb_target_kind kind;
    bool exclusive;  /* TIME, SCN, XID, LSN */
    bool shut_down;  /* where the target is reached the start ends with 57P01 "recovery has reached its target", to be gone on from later */
    int64_t time_us; /* timestamptz */
    rdb_scn scn;
    rdb_xid xid;
    uint32_t pdb; /* of the xid; 0: any */
    rdb_lsn lsn;
    char name[RDB_RESTORE_POINT_BYTES_MAX + 1];
    uint32_t timeline; /* to follow; 0: the newest that descends from the copy's; RDB_TIMELINE_CURRENT: the copy's own */
    char archive_directory[1024]; /* "": data/wal alone */
} rdb_recovery_target;
#define RDB_TIMELINE_CURRENT UINT32_MAX

/* data/recovery.conf; *found false: there is none. F0000 names the line that is wrong. */
RDB_CHECKED bool rdb_recovery_target_read(const char *home, rdb_recovery_target *target, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_recovery_target_write(const char *home, const rdb_recovery_target *target, rdb_error *err);
/* One line for people: "to time 2026-11-21 14:03:00+00, inclusive". */
void rdb_recovery_target_describe(const rdb_recovery_target *target, char text[160]);
/* "2026-11-21 14:03:00.5+02" or with T and Z; without a zone 22008. */
RDB_CHECKED bool rdb_recovery_parse_time(const char *text, int64_t *time_us, rdb_error *err);

/* Reads the log alone and says what a recovery from start would meet: nothing is written. For a restore that refuses before it
 * touches a byte. */
typedef struct rdb_recovery_reach {
    bool reached;                 /* the target lies in the log, and not before consistent_lsn */
    rdb_lsn stop_lsn, end_lsn;    /* where recovery would stop; where the log ends */
    uint32_t timeline;            /* the one it ends on */
    int64_t first_commit_us, last_commit_us;   /* of commits behind consistent_lsn; 0: none */
    rdb_scn first_scn, last_scn;
    rdb_scn stop_scn;             /* the last commit that would be kept, 0: none behind start */
    int64_t stop_us;
    uint64_t records, bytes;
    rdb_lsn missing_lsn;          /* the archive lacks the segment of this position though it has later ones; 0: no gap */
} rdb_recovery_reach;
/* wal_directory: the instance's data/wal, or NULL for the archive alone. on_point is called for each restore point met, may be NULL. */
RDB_CHECKED bool rdb_recovery_look(const char *wal_directory, const rdb_base_backup_result *base, const rdb_recovery_target *target,
                                   void (*on_point)(void *context, const char *name, rdb_lsn lsn, int64_t wall_us), void *context,
                                   rdb_recovery_reach *reach, rdb_error *err);
/* Takes a label file's text apart (XX001 where its checksum is wrong). */
RDB_CHECKED bool rdb_base_backup_parse_label(const char *text, size_t length, rdb_base_backup_result *base, rdb_control *control, rdb_error *err);

/* ---- one page alone (page_recovery.c) ------------------------------------------------------------------------------------ */
typedef struct rdb_page_recovery {
    const char *label;             /* of the copy that the page is from: the text of its label file */
    const char *wal_directory;     /* of the instance, served or not; its log is read, nothing written */
    const char *archive_directory; /* "": none, the instance's own log goes back far enough */
    uint32_t timeline;             /* the instance's */
    rdb_lsn until;                 /* the log is replayed up to there, and is durable there */
    rdb_page_tag tag;
    bool (*is_interrupted)(void *context); /* 57014; may be NULL */
    void *context;
} rdb_page_recovery;
/* Brings a page to that position. page: as the copy has it, of its page size; is_known false: its bytes there are broken, so that the log has
 * to bring it. 55000: the log does not reach so far. XX001: no whole state of it is there, or a record is missing. 58P01: its file was dropped.
 * Every resource is registered. */
RDB_CHECKED bool rdb_recovery_redo_page(const rdb_page_recovery *recovery, void *page, bool is_known, rdb_error *err);

/* In a server: how a page stands, and up to where the log must be replayed on a copy to have it as it is; that far it is durable. */
RDB_CHECKED bool rdb_upkeep_look_at_page(rdb_upkeep *upkeep, rdb_page_tag tag, rdb_page_state *state, const char **what, rdb_lsn *log_end, rdb_error *err);
/* Puts it right under those who work: a broken one by the image, which has all the log up to image_end, one that is broken on disk alone by the
 * pool's (image NULL then), and leaves a sound one alone. The page is logged whole. 55000: the log behind image_end changes it, or is gone.
 * XX001: the image is not that page. The caller sees to it that the file is not dropped meanwhile. */
RDB_CHECKED bool rdb_upkeep_repair_page(rdb_upkeep *upkeep, rdb_page_tag tag, const void *image, rdb_lsn image_end, rdb_page_state *state, const char **what,
                                        rdb_lsn *end_lsn, rdb_error *err);

/* A mark in the log that recovery can stop behind; durable when this returns. Names need not be unique: recovery stops at the first. */
RDB_CHECKED bool rdb_restore_point_create(rdb_upkeep *upkeep, const char *name, rdb_lsn *lsn, rdb_error *err);

#endif
