/* SPDX-License-Identifier: Apache-2.0
 * Room storage: pages, the buffer pool, files of relations, logged changes, free space. The only way to a page.
 *
 * Page header, 80 bytes, little-endian; page size 4, 8, 16 or 32 KiB, chosen at init:
 *    0  4  crc32c of the rest of the page, made at each write and checked at each read
 *    4  1  type RDB_PAGE_*            5  1  version 1        6  2  flags, the owner's
 *    8  8  change_no    Lamport number (R21): at each change max(page's + 1, LSN where the record begins), so that redo
 *                       knows from the record alone what the page had after it
 *   16  8  lsn          end of the newest record that changed it: durable before the page is written
 *   24  8  settled_scn  every stamp here is committed at or before it; 0 = unknown (R7)
 *   32  4  birth tag    of the relation file; clones inherit it
 *   36  4  hash of (file, fork, block): catches a page written to the wrong place
 *   40  2  lower        end of what grows from the header      42  2  upper  start of what grows from the end
 *   44  2  WAL thread   46  2  zero
 *   48  4  key epoch    52 12  nonce   64 16  tag: encryption; zero when not encrypted
 */
#ifndef RDB_STORAGE_H
#define RDB_STORAGE_H

#include "task/rdb_task.h"
#include "wal/rdb_wal.h"

typedef struct rdb_page {
    uint32_t crc;
    uint8_t type, version;
    uint16_t flags;
    uint64_t change_no;
    rdb_lsn lsn;
    rdb_scn settled_scn;
    uint32_t birth_tag;
    uint32_t place_hash;
    uint16_t lower, upper;
    uint16_t wal_thread;
    uint16_t spare;
    uint32_t key_epoch;
    uint8_t nonce[12], tag[16];
} rdb_page;
#define RDB_PAGE_HEADER_BYTES 80u
_Static_assert(sizeof(rdb_page) == RDB_PAGE_HEADER_BYTES, "the drawing above and the struct disagree");
_Static_assert(offsetof(rdb_page, lsn) == 16 && offsetof(rdb_page, lower) == 40 && offsetof(rdb_page, key_epoch) == 48,
               "the drawing above and the struct disagree");
enum { RDB_PAGE_FREE = 0, RDB_PAGE_HEAP, RDB_PAGE_OVERFLOW, RDB_PAGE_BTREE, RDB_PAGE_UNDO, RDB_PAGE_XACT,
       RDB_PAGE_SPACE, RDB_PAGE_SEQUENCE, RDB_PAGE_META, RDB_PAGE_VISIBLE };

/* A file number is never reused in its PDB; its top byte is the class and says the folder. */
enum { RDB_FILE_TABLE = 1, RDB_FILE_INDEX = 2, RDB_FILE_UNDO = 3, RDB_FILE_XACT = 4 };
#define RDB_FILE_NO(class, number) ((uint64_t)(class) << 56 | (uint64_t)(number))
#define RDB_FILE_CLASS(file) ((unsigned)((file) >> 56))
enum { RDB_FORK_MAIN = 0, RDB_FORK_SPACE = 1 };

typedef struct rdb_page_tag {
    uint64_t file;
    uint64_t block; /* 48 bits */
    uint32_t pdb;
    uint8_t fork;
} rdb_page_tag;

typedef struct rdb_storage rdb_storage; /* one an instance */
typedef struct rdb_buffer rdb_buffer;   /* a pinned frame */

typedef struct rdb_storage_config {
    const char *data_directory; /* tables/<pdb>/<file> ... lie under it */
    uint32_t page_bytes;
    uint32_t frame_count;
    rdb_wal *wal;  /* NULL: recovery until rdb_storage_set_wal, and read-only tools; rdb_change_apply answers 25006 */
    bool sync;
    /* Called once when a file's sync failed, just before the process ends: for a line in the log. */
    void (*on_failure)(void *context, const rdb_error *err);
    void *failure_context;
} rdb_storage_config;
RDB_CHECKED bool rdb_storage_open(rdb_storage **storage, const rdb_storage_config *config, rdb_error *err);
/* Forgets dirty pages: flush first (upkeep's checkpoint) or mean it. */
void rdb_storage_close(rdb_storage **storage);
uint32_t rdb_storage_page_bytes(const rdb_storage *storage);
uint32_t rdb_storage_frame_count(const rdb_storage *storage); /* pages that the pool has room for */
rdb_wal *rdb_storage_wal(const rdb_storage *storage);
void rdb_storage_set_wal(rdb_storage *storage, rdb_wal *wal); /* once, at the end of recovery, before any change */
/* The flush barrier: a page goes to disk only when its LSN is below it. Default: the WAL's durable LSN. */
void rdb_storage_set_barrier(rdb_storage *storage, bool (*wait)(void *context, rdb_lsn lsn, rdb_error *err), void *context);

/* ---- pages -------------------------------------------------------------------------------------------------------
 * Acquire pins and latches; a page that is not there yet is read and verified (XX001 with file and block named). Tables and indexes are cut while
 * they are read: a block behind the end of one reads as a free page, which nobody may fill (rdb_space_is_open). Order of
 * latches: leaf → heap → undo → xact; two pages of one kind in the order their room documents. */
typedef enum rdb_buffer_mode { RDB_BUFFER_PIN, RDB_BUFFER_SHARED, RDB_BUFFER_EXCLUSIVE } rdb_buffer_mode;
RDB_CHECKED bool rdb_buffer_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer, rdb_error *err);
/* The same for a page that is in the pool and whose latch is free: neither waits nor reads, so it may be called with other latches
 * held. False: acquire it. */
bool rdb_buffer_try_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer);
/* As acquire, for a page that will be built from nothing (RDB_WAL_BLOCK_INIT): not read, exclusive, its old bytes not to be
 * looked at; extends the file as needed. */
RDB_CHECKED bool rdb_buffer_acquire_new(rdb_storage *storage, rdb_page_tag tag, rdb_buffer **buffer, rdb_error *err);
/* Adds a block at the end of the file: zeroed page, exclusive; 53100 where the disk has no room for it. The file grows for
 * good when a change initialises the page; one that was never initialised reads as zeroes (RDB_PAGE_FREE). */
RDB_CHECKED bool rdb_buffer_extend(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t *block,
                                   rdb_buffer **buffer, rdb_error *err);
/* A look at a page that is in the pool, without pin or latch. begin false: not there, or somebody writes it: acquire it instead.
 * What is read in between may be torn: copy, bound every offset, and use nothing before end said true. */
typedef struct rdb_peek {
    const rdb_page *page;
    const rdb_latch *latch;
    uint64_t version;
} rdb_peek;
bool rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek);
bool rdb_buffer_peek_ahead(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek); /* as begin, for who will ask for the page later: not counted as a use */
bool rdb_buffer_peek_end(const rdb_peek *peek);
void rdb_buffer_release(rdb_buffer *buffer, rdb_buffer_mode mode); /* unlatch and unpin; NULL is fine */
void rdb_buffer_lock(rdb_buffer *buffer, rdb_buffer_mode mode);    /* a pinned one */
void rdb_buffer_unlock(rdb_buffer *buffer, rdb_buffer_mode mode);  /* stays pinned */
bool rdb_buffer_try_lock(rdb_buffer *buffer, rdb_buffer_mode mode);
rdb_page *rdb_buffer_page(rdb_buffer *buffer);
rdb_latch *rdb_buffer_latch(rdb_buffer *buffer); /* for optimistic reading under a pin */
rdb_page_tag rdb_buffer_tag(const rdb_buffer *buffer);
/* Sets settled_scn without dirtying the page (R7); any latch mode. */
void rdb_buffer_settle(rdb_buffer *buffer, rdb_scn scn);

/* Starts bringing a page that is in the pool from memory into the processor's caches, for a reader that will come to it soon: first
 * what finding it reads, then its head and the bytes at an offset, or some of all its parts, or all before the offset. Neither waits nor proves anything.
 * False: it is not in the pool. */
typedef enum rdb_warm { RDB_WARM_PLACE, RDB_WARM_AT, RDB_WARM_ALL, RDB_WARM_FRONT } rdb_warm;
bool rdb_buffer_warm(rdb_storage *storage, rdb_page_tag tag, rdb_warm what, uint32_t offset);

void rdb_storage_prefetch(rdb_storage *storage, rdb_page_tag tag, uint32_t block_count);
/* Reads those of the blocks that are not in the pool, several by one call; for scans, with no page latched. It does what it can: who
 * then asks for a page finds it, or reads it and is told why it could not be read. */
void rdb_storage_load(rdb_storage *storage, rdb_page_tag first, uint32_t count);
/* Pages of a file that are of no use any more leave the pool, and their frames are the next to be used. written: dirty ones are written
 * before, else the disk keeps what it has of them, older states or zeroes. No record changes them from here on; who still reads them
 * may find either. What the caller logged to say that they are gone has to stand in the log by now: a checkpoint that leaves them out is
 * durable behind it. */
RDB_CHECKED bool rdb_storage_forget(rdb_storage *storage, rdb_page_tag first, uint64_t count, bool written, rdb_error *err);
/* A page's bytes as they came from a file: whole, and written for this place; a page of zeroes is. *what says what is wrong. For
 * who reads files beside the pool (backups). */
bool rdb_page_verify(const void *page, rdb_page_tag tag, uint32_t page_bytes, const char **what);

/* ---- files ------------------------------------------------------------------------------------------------------- */
RDB_CHECKED bool rdb_storage_next_file(rdb_storage *storage, uint32_t pdb, unsigned file_class, uint64_t *file, rdb_error *err);
/* Logs, creates (or empties what a crash left) and syncs (R36). The caller's undo record makes an abort remove it. */
RDB_CHECKED bool rdb_storage_create_file(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err);
/* Logs, forgets its pages without writing them, unlinks all forks. Missing is fine. */
RDB_CHECKED bool rdb_storage_drop_file(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err);
/* Logs, and cuts the fork to so many blocks. */
RDB_CHECKED bool rdb_storage_truncate_file(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t blocks, rdb_error *err);
/* Gives the end of a file that others read and write meanwhile back to the file system: blocks from the last one down to `least` that are
 * free or that is_empty says nothing of worth stands in, up to the first that is not, or that somebody else has latched. *blocks: how many
 * the file has then. Readers who come later, led by what they read before, find free pages there. */
RDB_CHECKED bool rdb_storage_cut_tail(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t least, bool (*is_empty)(const rdb_page *page), uint64_t *blocks,
                                      rdb_error *err);
RDB_CHECKED bool rdb_storage_block_count(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t *blocks, rdb_error *err);
/* What the files of a PDB take on disk, from their directories: for sizes that people ask. */
RDB_CHECKED bool rdb_storage_measure_pdb(rdb_storage *storage, uint32_t pdb, uint64_t *bytes, rdb_error *err);
bool rdb_storage_file_exists(rdb_storage *storage, uint32_t pdb, uint64_t file);

/* ---- logged changes ------------------------------------------------------------------------------------------------
 * The only way to change a page for good. The caller latches its pages exclusively, describes the change as data for
 * redo, and applies it: the record goes to the WAL first, then the *same redo function that recovery uses* changes the
 * pages. So a failed insert leaves the pages untouched, a full-page image is the page before the change (R22), and redo
 * is proved by every change ever made. */
typedef struct rdb_redo { /* what a redo function may look at: the record and nothing else (pure function, R24) */
    rdb_lsn lsn, end_lsn;
    rdb_xid xid;
    uint32_t pdb, page_bytes;
    uint8_t operation;
    rdb_page_tag tag;    /* of the page in hand */
    uint64_t first_file, first_block; /* of the record's first reference */
    uint8_t reference_no; /* which of the record's block references this page is */
    const uint8_t *data; /* of this reference */
    uint32_t data_bytes;
    const uint8_t *main_data;
    uint32_t main_bytes;
} rdb_redo;
typedef struct rdb_resource_ops {
    const char *name;
    /* Changes one page. Must bound every offset it takes from data (false: XX001); never fails for a change made by its
     * own room. Header fields crc, change_no, lsn, settled_scn are the caller's. */
    bool (*redo)(const rdb_redo *redo, rdb_page *page, rdb_error *err);
    /* Recovery only: the effect of a record beside its pages (a commit, a created file). May be NULL. */
    bool (*replay)(void *context, const rdb_wal_record *record, rdb_error *err);
    void *replay_context;
    /* One line for people: what the record does. May be NULL. */
    void (*describe)(const rdb_wal_record *record, rdb_strbuf *text);
} rdb_resource_ops;
void rdb_resource_register(rdb_resource resource, const rdb_resource_ops *ops); /* copied; before the instance opens */
const rdb_resource_ops *rdb_resource_find(rdb_resource resource);
/* What a room must know after a restart beside its pages (the highest SCN, say): saved into every checkpoint record, after
 * the redo point was fixed, and given back when recovery meets that record, which lies behind the redo point: so records
 * met before it may know more, and load takes the maximum. */
typedef struct rdb_checkpoint_part {
    void (*save)(void *context, rdb_strbuf *bytes);
    bool (*load)(void *context, const uint8_t *bytes, uint32_t length, rdb_error *err);
    void *save_context, *load_context;
} rdb_checkpoint_part;
/* load before recovery; save may be set again when the room is open, and NULL before it closes. */
void rdb_checkpoint_set_part(rdb_resource resource, const rdb_checkpoint_part *part);
const rdb_checkpoint_part *rdb_checkpoint_find_part(rdb_resource resource);

#define RDB_CHANGE_BLOCKS_MAX 12u
#define RDB_CHANGE_PIECES_MAX 64u
typedef struct rdb_change {
    rdb_storage *storage;
    rdb_xid xid;
    uint32_t pdb;
    uint8_t resource, operation, block_count, piece_count;
    struct {
        rdb_buffer *buffer;
        uint8_t flags, first_piece, piece_count;
    } blocks[RDB_CHANGE_BLOCKS_MAX];
    rdb_wal_piece pieces[RDB_CHANGE_PIECES_MAX];
    uint8_t main_first, main_count;
} rdb_change;
void rdb_change_init(rdb_change *change, rdb_storage *storage, uint32_t pdb, rdb_xid xid, rdb_resource resource, uint8_t operation);
/* The buffer is exclusively latched until after apply. flags: RDB_WAL_BLOCK_INIT or 0. */
void rdb_change_block(rdb_change *change, rdb_buffer *buffer, unsigned flags);
void rdb_change_block_data(rdb_change *change, const void *bytes, uint32_t length); /* of the block added last; borrowed */
void rdb_change_main_data(rdb_change *change, const void *bytes, uint32_t length);  /* after all blocks; borrowed */
/* True: logged and applied, *end_lsn set. False: nothing changed. */
RDB_CHECKED bool rdb_change_apply(rdb_change *change, rdb_wal_at_position at_position, void *context, rdb_lsn *end_lsn, rdb_error *err);

/* ---- for upkeep ----------------------------------------------------------------------------------------------------- */
/* Writes every page that was dirty when it began (sorted by file and block, throttled to spread over spread_us), then
 * syncs the files. */
RDB_CHECKED bool rdb_storage_flush_all(rdb_storage *storage, int64_t spread_us, rdb_error *err);
/* The same at the caller's pace: due tells which part of the pages (0 to 1) should be written by now; NULL: all of them. Each file is
 * synced when its pages are through, so that neither writes nor syncs come in a burst. */
typedef struct rdb_flush_result {
    uint64_t pages; /* that this flush wrote itself */
    uint64_t files; /* synced */
    int64_t write_us, sync_us, longest_sync_us; /* with its pauses write_us */
} rdb_flush_result;
RDB_CHECKED bool rdb_storage_flush_paced(rdb_storage *storage, double (*due)(void *context), void *context, rdb_flush_result *result, rdb_error *err);
/* While anybody hurries, a running flush_all does not spread: for who waits behind it. Counts; each true is followed by a false. */
void rdb_storage_hurry_flush(rdb_storage *storage, bool hurry);
/* Recovery: brings the record's pages to at least its LSN: image if any, change number check, redo (R21). */
RDB_CHECKED bool rdb_storage_replay(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err);
/* The same in parts, for several threads while nobody reads pages: one step is one block of a record, complete in itself. Steps of one
 * page come in the order of the log; those of a record need not wait for each other. What a record does to files is done alone:
 * is_for_files tells, everything before it is applied then and nothing behind it. */
typedef struct rdb_replay_step {
    rdb_lsn lsn, end_lsn;
    rdb_xid xid;
    uint32_t pdb;
    uint16_t thread_no;
    uint8_t resource, operation, block_no;
    uint64_t first_file, first_block;
    rdb_wal_block block;
    const uint8_t *main_data;
    uint32_t main_bytes;
} rdb_replay_step;
void rdb_replay_step_take(rdb_replay_step *step, const rdb_wal_record *record, unsigned block_no); /* bytes stay borrowed */
uint32_t rdb_replay_step_hash(const rdb_replay_step *step); /* of its page */
RDB_CHECKED bool rdb_storage_replay_step(rdb_storage *storage, const rdb_replay_step *step, rdb_error *err);
bool rdb_storage_replay_is_for_files(const rdb_wal_record *record);
RDB_CHECKED bool rdb_storage_replay_files(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err);
/* One page alone, which is no frame's: the step on its bytes, which are then as recovery would leave them but for the checksum (rdb_page_seal).
 * *is_known false: nothing is known of them yet, and a step that does not bring the page is refused (XX001). */
RDB_CHECKED bool rdb_page_redo(const rdb_replay_step *step, void *page, uint32_t page_bytes, bool *is_known, rdb_error *err);
/* The number of the record's block that is that page; -1: none. */
int rdb_storage_find_block(const rdb_wal_record *record, rdb_page_tag tag);
/* What a record that is for files does to a page. */
typedef enum rdb_page_fate { RDB_PAGE_STAYS, RDB_PAGE_EMPTIED, RDB_PAGE_DROPPED } rdb_page_fate;
rdb_page_fate rdb_storage_page_fate(const rdb_wal_record *record, rdb_page_tag tag);
/* Asks the system for the page of a step that will have to read it. */
void rdb_storage_replay_prefetch(rdb_storage *storage, const rdb_replay_step *step);

typedef struct rdb_storage_statistics {
    uint64_t hits, misses, reads, writes, evictions;
    uint64_t writes_cleaner, writes_evictor; /* of the writes: by the cleaner, and by who needed a frame; the others are checkpoints' */
    uint64_t evictor_syncs; /* of files whose handle was needed for another */
    uint32_t frames, used, dirty, pinned; /* used: that ever held a page, and so take memory */
} rdb_storage_statistics;
void rdb_storage_get_statistics(rdb_storage *storage, rdb_storage_statistics *statistics);

/* Who counts the uses of a file's blocks; file 0: of all files of the PDB that nobody else counts. The registry is the process's. Before
 * uses goes away it is forgotten, and no thread may use the PDB's pages meanwhile. */
typedef struct rdb_block_uses {
    _Atomic uint64_t hits, reads; /* found in the pool; read. Relaxed: statistics */
} rdb_block_uses;
RDB_CHECKED bool rdb_block_uses_register(uint32_t pdb, uint64_t file, rdb_block_uses *uses); /* false: no memory */
void rdb_block_uses_forget(uint32_t pdb, uint64_t file);
/* Tells the calling thread's uses; rdb_io_note_usage does so too. */
void rdb_block_uses_note(void);

/* ---- free space: a hint per relation, rebuildable, never trusted ----------------------------------------------------
 * A block that probably has room for bytes; *found false: extend. */
RDB_CHECKED bool rdb_space_find(rdb_storage *storage, uint32_t pdb, uint64_t file, uint32_t bytes, uint64_t *block, bool *found, rdb_error *err);
void rdb_space_note(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t block, uint32_t free_bytes);
/* While the end of a file is being emptied: no hint leads to blocks from .. to - 1, and who remembers one of them is told so by is_open.
 * Both 0: all are open again. Lives in memory. */
void rdb_space_close(rdb_storage *storage, uint32_t pdb, uint64_t file, uint64_t from, uint64_t to);
/* May rows be put into this latched block? Not where it is closed, nor (a fresh one, whose page says nothing) where the file ends before it. */
bool rdb_space_is_open(rdb_storage *storage, rdb_page_tag tag, bool is_fresh);

/* ---- repairing (repair.c) --------------------------------------------------------------------------------------------
 * A page whose bytes on disk are not it, made whole while others work. From begin to end its place in the pool is held: who asks for the
 * page waits, nobody changes it, and no record of it is logged but the repair's. The caller sees to it that the file is not dropped. */
typedef enum rdb_page_state {
    RDB_PAGE_SOUND,   /* what stands on disk is a page of this place */
    RDB_PAGE_IN_POOL, /* that is not, but the pool has the page */
    RDB_PAGE_BROKEN   /* nor has the pool */
} rdb_page_state;
typedef struct rdb_page_repair rdb_page_repair;
/* 22023: the file has no such block. */
RDB_CHECKED bool rdb_page_repair_begin(rdb_storage *storage, rdb_page_tag tag, rdb_page_repair **repair, rdb_error *err);
rdb_page_state rdb_page_repair_state(const rdb_page_repair *repair, const char **what); /* what: is wrong with what stands on disk, or NULL */
/* Logs the page whole, puts it in its place and writes it. image: of a broken one, as a file would have it (XX001: it is not that page);
 * of one in the pool it does not count. The repair ends, whatever comes of it. */
RDB_CHECKED bool rdb_page_repair_finish(rdb_page_repair **repair, const void *image, rdb_lsn *end_lsn, rdb_error *err);
void rdb_page_repair_cancel(rdb_page_repair **repair); /* all is as it was; NULL inside is fine */

/* ---- checking (verify.c) ---------------------------------------------------------------------------------------------
 * Every page of every file below a data directory against its checksum and its place, as the disk has it. */
typedef struct rdb_storage_check {
    const char *data_directory;
    uint32_t page_bytes;
    uint32_t pdb;         /* 0: all */
    rdb_storage *storage; /* the one that serves the files now; NULL: nobody does */
    rdb_cancel *cancel;   /* or NULL */
    /* file: its path below the data directory. problem: a sentence without its period. */
    void (*complain)(void *context, const char *file, rdb_page_tag tag, const char *problem);
    void *context;
} rdb_storage_check;
typedef struct rdb_storage_checked {
    uint64_t files, pages, problems;
} rdb_storage_checked;
RDB_CHECKED bool rdb_storage_verify_files(const rdb_storage_check *check, rdb_storage_checked *checked, rdb_error *err); /* adds to *checked */
const char *rdb_storage_data_directory(const rdb_storage *storage);

#endif
