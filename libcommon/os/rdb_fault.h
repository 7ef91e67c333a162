/* SPDX-License-Identifier: Apache-2.0
 * Faults of the file layer, on purpose. Two things that can be armed separately:
 *
 * Rules fail chosen calls. One rule is "call:path:options:effect", several stand apart by ';'
 *     call     create open read write sync truncate rename remove mkdir syncdir list any
 *     path     a part of the path, or a pattern for the whole of it where it has * or ?; empty: every path
 *     options  nth=N (the first call of those that match is 1; default 1), count=N (so many from there on; default 1,
 *              0: all)
 *     effect   a name of errno (EIO ENOSPC EINTR EACCES ...), short (half of a read or write is done), crash (the
 *              process is killed before the call), crashafter, delay=MICROSECONDS
 * such as "write:/wal/:nth=100:ENOSPC;sync::nth=3:EIO". A program arms them from RDB_FAULT in its environment, and the
 * record below from RDB_FAULT_RECORD=LOGFILE with RDB_FAULT_ROOT=DIRECTORY.
 *
 * A record logs every call that changes something under one directory, with its data. From it the directory can be
 * rebuilt as a crash at any point could have left it: all calls kept (what kill -9 does), everything unsynced lost, or
 * each unsynced write kept, lost or torn at 512-byte sectors as a seed decides. Names (create, rename, remove, mkdir)
 * count as synced only after rdb_path_sync_directory; unsynced ones survive as a prefix in their order, as a journalling
 * file system does it, while unsynced data may survive in any combination. */
#ifndef RDB_FAULT_H
#define RDB_FAULT_H

#include "base/rdb_base.h"

/* Replaces the rules armed before. A mistake in the text is 22023 and arms nothing. */
RDB_CHECKED bool rdb_fault_arm(const char *rules, rdb_error *err);
void rdb_fault_disarm(void); /* the rules; a running record goes on */
bool rdb_fault_is_armed(void);   /* rules, or a record that runs: calls that have no order of their own are to come in a fixed one */
uint64_t rdb_fault_fired(void); /* how often a rule had its effect since it was armed */
uint64_t rdb_fault_calls(const char *call); /* calls of that kind since something was armed */
/* For main(): arms what the environment asks for; *armed says whether it asked for anything. */
RDB_CHECKED bool rdb_fault_arm_from_environment(bool *armed, rdb_error *err);

typedef struct rdb_fault_log rdb_fault_log;

/* Starts recording below the directory; what is there now becomes the log's base. One record at a time. With log_path
 * the log goes to that file instead of memory (for another process to read; it may be cut by a crash). */
RDB_CHECKED bool rdb_fault_record_begin(const char *root, const char *log_path, rdb_error *err);
/* Puts a number in the log, so that a test knows what had been promised at each point: "commit 17 was acknowledged". */
void rdb_fault_record_note(uint64_t note);
/* Ends recording. *log (NULL where it went to a file) is the caller's to destroy. */
RDB_CHECKED bool rdb_fault_record_end(rdb_fault_log **log, rdb_error *err);
RDB_CHECKED bool rdb_fault_log_load(rdb_fault_log **log, const char *log_path, rdb_error *err);
void rdb_fault_log_destroy(rdb_fault_log *log); /* NULL is fine */

/* A crash point is a number of entries: rdb_fault_log_base (nothing recorded yet) .. rdb_fault_log_count (all). */
uint32_t rdb_fault_log_base(const rdb_fault_log *log);
uint32_t rdb_fault_log_count(const rdb_fault_log *log);
/* The greatest note among the first point entries, 0 where there is none. */
uint64_t rdb_fault_log_note_at(const rdb_fault_log *log, uint32_t point);
/* One line about entry entry_no, such as "write wal/0001 8192+4096". */
void rdb_fault_log_describe(const rdb_fault_log *log, uint32_t entry_no, rdb_strbuf *line);

typedef enum rdb_crash_mode {
    RDB_CRASH_KEEP_ALL,      /* the process was killed, the machine lives */
    RDB_CRASH_LOSE_UNSYNCED, /* the disk has what was synced and nothing else */
    RDB_CRASH_TEAR           /* each unsynced write kept, lost, or torn, as the seed decides */
} rdb_crash_mode;

/* Writes into target (emptied first, created where missing) the directory as a crash after the first point entries
 * leaves it. */
RDB_CHECKED bool rdb_fault_log_rebuild(const rdb_fault_log *log, uint32_t point, rdb_crash_mode mode, uint64_t seed,
                                       const char *target, rdb_error *err);
/* A number for what that crash leaves: two crashes with the same number leave the same directory. Writes nothing. */
RDB_CHECKED bool rdb_fault_log_state(const rdb_fault_log *log, uint32_t point, rdb_crash_mode mode, uint64_t seed, uint64_t *state, rdb_error *err);

#endif
