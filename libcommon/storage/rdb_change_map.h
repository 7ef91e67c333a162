/* SPDX-License-Identifier: Apache-2.0
 * The change map: which blocks of the relations' files were written since a redo point, so that an incremental backup reads
 * what changed and nothing else. After RMAN's block change tracking; unlike it there is no file to write beside a page: a bit
 * in memory is set where a page goes to disk, and what was set reaches data/meta/changes with the checkpoint.
 *
 * What holds: a block that is not in the map since L has on disk what it had when the checkpoint of redo point L was complete.
 * - A page written after that checkpoint was written in this life (its bit is set) or in one that crashed; then its change stands
 *   in the log behind the redo point that recovery starts from, and recovery sets the bits of all blocks that records name.
 * - A checkpoint saves the bits set up to its end before the control file names its redo point.
 * - What cannot be saved or remembered (disk full, no memory) breaks the chain of files: a question that would need it is
 *   refused, never answered wrongly.
 *
 * data/meta/changes/<end LSN, 16 hex digits>, written whole and renamed, little-endian; the blocks written between two checkpoints:
 *    0  8  magic "RDBCHG01"        8  8  start: redo point of the checkpoint before   16  8  end: redo point of this one
 *   24  8  bytes of the body       32 4  bytes of the stored body (lz4)               36  4  crc32c of 0..35 and the stored body
 *   40  .  body: for each fork  file 8, pdb 4, fork 4, first word 4, words 4, then the words of 64 bits: bit n of word w is block 64 w + n
 * There are at most 64 files: then the older half becomes one (a question for a moment inside it gets more blocks, never less). */
#ifndef RDB_CHANGE_MAP_H
#define RDB_CHANGE_MAP_H

#include "storage/rdb_storage.h"

typedef struct rdb_change_map rdb_change_map; /* not thread-safe */

typedef struct rdb_changed_blocks { /* of one fork of a file */
    char path[64];         /* "tables/17/1249", below the data directory */
    uint64_t file;
    uint32_t pdb;
    uint8_t fork;
    uint32_t word_count;
    const uint64_t *words; /* bit n of word w: block 64 w + n */
} rdb_changed_blocks;

/* All blocks that may have been written after the checkpoint with redo point since; files dropped meanwhile may be among them. False: 55000 where the
 * map does not reach back so far, XX001 where one of its files is damaged. */
RDB_CHECKED bool rdb_storage_changes_since(rdb_storage *storage, rdb_lsn since, rdb_change_map **map, rdb_error *err);
/* The same of an instance that ended cleanly and is not served. end: the redo point of its last checkpoint. */
RDB_CHECKED bool rdb_change_map_read(const char *data_directory, rdb_lsn since, rdb_lsn end, rdb_change_map **map, rdb_error *err);
/* *cursor starts at 0; false at the end. What blocks points to lives as long as the map. */
bool rdb_change_map_next(const rdb_change_map *map, uint32_t *cursor, rdb_changed_blocks *blocks);
uint64_t rdb_change_map_count(const rdb_change_map *map); /* how many blocks */
void rdb_change_map_free(rdb_change_map *map); /* NULL is fine */

/* storage.track_changes, of the process, before an instance is opened. Off: no bits are kept, and questions are refused until a later
 * life has its own again (its files leave a gap, which is found). Standard: on. */
void rdb_storage_changes_switch(bool on);

/* For upkeep. Start: what is written from here on is since that redo point; before recovery. */
void rdb_storage_changes_start(rdb_storage *storage, rdb_lsn redo_lsn);
/* All was flushed: what was written up to here goes to a file that ends at redo_lsn, durable on return. Where that fails it is
 * remembered on, and logged. */
void rdb_storage_changes_save(rdb_storage *storage, rdb_lsn redo_lsn);

#endif
