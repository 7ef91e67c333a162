/* SPDX-License-Identifier: Apache-2.0
 * Inside of room storage.
 *
 * A frame's life. state is pins (low bits) and flags. Whoever wants a frame adds a pin first and looks afterwards: while
 * BUSY is clear and a pin is held, the frame's tag stands still. The evictor turns (no pins, clean) into BUSY by one
 * compare-and-swap, takes the frame out of the table, gives it its new tag and clears BUSY together with adding its
 * own pin; pins that others added in vain meanwhile are taken back by them. VALID comes when the page has been
 * read; who meets a frame without it waits on the latch, which the reader of the page holds.
 *
 * DIRTY is set under the exclusive latch and cleared under the shared one, with WRITING set: so a checkpoint that waits
 * for WRITING and writes what is DIRTY misses nothing, and two copies of a page are never under way at once.
 *
 * The table maps a tag's hash to a frame number, open addressing, read without any lock: a hit is proved by pin and tag,
 * a miss is looked up again under the partition's latch, which every change of the table holds. */
#ifndef STORAGE_INT_H
#define STORAGE_INT_H

#include "storage/rdb_storage.h"

#include <assert.h>

#define FRAME_PINS 0x00ffffffu
#define FRAME_BUSY 0x80000000u    /* owned by an evictor or free */
#define FRAME_VALID 0x40000000u   /* the page stands in it */
#define FRAME_DIRTY 0x20000000u
#define FRAME_WRITING 0x10000000u
#define FRAME_USAGE_MAX 3
#define FRAME_USAGE_HOT 2 /* hits in the small queue that earn a place in the main one; a scan's one visit does not */

struct rdb_buffer {
    _Alignas(64) _Atomic uint32_t state;
    _Atomic uint8_t usage; /* relaxed: a hint for replacement */
    _Atomic uint8_t is_ahead; /* brought by a run (rdb_storage_load) and not asked for yet: the first acquire counts as the read; relaxed */
    uint8_t queue;         /* guarded by queue_lock */
    bool is_listed;        /* in dead_frames; guarded by queue_lock */
    rdb_latch latch;
    rdb_page_tag tag;
    rdb_storage *storage RDB_SET_ONCE;
    rdb_page *page RDB_SET_ONCE;
    _Atomic uint64_t lsn; /* the page's, for who decides without the latch */
};
static_assert(sizeof(struct rdb_buffer) == 64, "a frame's head is one cache line");

typedef struct storage_partition {
    _Alignas(64) rdb_latch latch;
    _Atomic uint64_t *slots RDB_SET_ONCE; /* hash bits 32..63, then frame number + 1; 0 = empty */
} storage_partition;

/* One of the two queues of S3-FIFO (Yang et al., SOSP 2023): new pages pass a small queue and reach the main one only if
 * they were hit there, or were thrown out so recently that the ghost table knows them. */
typedef struct storage_queue {
    uint32_t *frames;
    uint32_t head, count;
} storage_queue;
enum { QUEUE_NONE, QUEUE_SMALL, QUEUE_MAIN, QUEUE_SCAN };

#define SPACE_CLASSES 16
typedef struct storage_space storage_space;

/* A fork of a relation's file. Lives in the table while the file does; uses keeps it from being freed. */
typedef struct storage_relation {
    struct storage_relation *next;
    uint64_t file;
    uint32_t pdb;
    uint8_t fork;
    bool dropped;             /* out of the table; guarded by the bucket's latch */
    uint32_t birth_tag RDB_SET_ONCE;
    _Atomic uint32_t uses;
    _Atomic uint64_t block_count;
    _Atomic uint32_t needs_sync;
    rdb_latch io;             /* shared: handle is in use; exclusive: opening, closing */
    rdb_file *handle;
    rdb_mutex extend_lock;    /* RDB_RANK_STORAGE_RELATION */
    uint64_t physical_blocks RDB_GUARDED_BY(extend_lock); /* zero-filled on disk up to here */
    storage_space *space;     /* guarded by extend_lock */
    _Atomic uint64_t closed_from, closed_to; /* blocks that nobody starts to fill: they are being emptied; none: both 0 */
} storage_relation;

#define RELATION_BUCKETS 4096u
#define RELATION_LATCHES 64u
#define RELATION_HANDLES_MAX 512u
#define EXTEND_BLOCKS_MAX 64u

typedef struct storage_stripe {
    _Alignas(64) _Atomic uint64_t hits;
} storage_stripe;

struct rdb_storage {
    rdb_storage_config config RDB_SET_ONCE;
    char directory[1024] RDB_SET_ONCE;
    rdb_wal *_Atomic wal;      /* NULL until recovery has ended; set once, while only the cleaner runs beside */
    uint32_t page_bytes RDB_SET_ONCE, frame_count RDB_SET_ONCE, dirty_max RDB_SET_ONCE;
    rdb_buffer *frames RDB_SET_ONCE;
    uint8_t *pages RDB_SET_ONCE;
    storage_partition *partitions RDB_SET_ONCE;
    _Atomic uint64_t *slots RDB_SET_ONCE; /* of all partitions */
    uint32_t partition_mask RDB_SET_ONCE, slot_mask RDB_SET_ONCE;
    bool (*_Atomic barrier)(void *context, rdb_lsn lsn, rdb_error *err); /* release after its context */
    void *_Atomic barrier_context;
    storage_stripe stripes[RDB_STRIPES];

    _Alignas(64) rdb_mutex queue_lock; /* RDB_RANK_BUFFER */
    storage_queue small_queue RDB_GUARDED_BY(queue_lock), main_queue RDB_GUARDED_BY(queue_lock);
    storage_queue scan_queue RDB_GUARDED_BY(queue_lock); /* pages that a scan brought where the pool was full: first to leave */
    uint32_t scan_target RDB_SET_ONCE, scan_turn RDB_GUARDED_BY(queue_lock);
    _Atomic uint32_t used_count; /* frames taken into use, from the first on, under queue_lock; those behind are untouched memory */
    uint32_t small_target RDB_SET_ONCE;
    uint32_t *dead_frames, dead_count RDB_GUARDED_BY(queue_lock); /* whose pages were discarded, the last one on top */
    uint64_t *ghosts RDB_GUARDED_BY(queue_lock); /* hash bits 32..63, then the eviction's number */
    uint32_t ghost_mask, eviction_no RDB_GUARDED_BY(queue_lock);

    _Alignas(64) _Atomic uint32_t dirty_count;
    _Atomic uint32_t closed_count; /* files whose ends are being emptied */
    _Atomic uint64_t miss_count, read_count, write_count, eviction_count; /* relaxed */
    _Atomic uint64_t cleaner_writes, evictor_writes, evictor_syncs;       /* relaxed */

    storage_relation *relations[RELATION_BUCKETS]; /* each chain guarded by its latch */
    rdb_latch relation_latches[RELATION_LATCHES];
    _Atomic uint32_t handle_count, handle_hand;
    rdb_mutex number_lock; /* RDB_RANK_UNDO: a change is made under it; see files.c */
    rdb_mutex flush_lock;  /* one flush_all at a time; RDB_RANK_FLUSH */

    rdb_mutex changes_lock; /* RDB_RANK_LEAF */
    struct rdb_change_map *changes RDB_GUARDED_BY(changes_lock);   /* blocks written since changes_start */
    rdb_lsn changes_start RDB_GUARDED_BY(changes_lock);            /* UINT64_MAX: some were not remembered */
    rdb_mutex changes_files_lock;                                  /* RDB_RANK_UPKEEP: data/meta/changes */

    _Atomic uint32_t flush_hurry; /* futex: how many wait for flush_all to end */

    rdb_thread *cleaner;
    _Atomic uint32_t cleaner_word; /* futex */
    _Atomic uint32_t stopping;
    rdb_mutex cleaner_lock; /* RDB_RANK_LEAF */
    rdb_error cleaner_error RDB_GUARDED_BY(cleaner_lock); /* of its last round, unset when that went well */
    uint64_t cleaner_failed_round RDB_GUARDED_BY(cleaner_lock); /* which one that was */
    _Atomic uint64_t cleaner_rounds;                            /* begun so far */
};

/* page.c */
uint32_t page_place_hash(rdb_page_tag tag);
bool page_is_zero(const rdb_page *page, uint32_t page_bytes);
/* Copies a page that others may settle meanwhile. */
void page_copy(void *target, const rdb_page *page, uint32_t page_bytes);
void page_stamp(rdb_page *page, rdb_page_tag tag, uint32_t page_bytes);
/* False: *what says why the bytes are not that page. Zeroes are a page that was never initialised. */
bool page_verify(const rdb_page *page, rdb_page_tag tag, uint32_t page_bytes, const char **what);
void storage_tag_name(char name[96], rdb_page_tag tag); /* "tables/<pdb>/<number>", for people */

/* pool.c */
static inline uint64_t storage_tag_hash(rdb_page_tag tag)
{
    uint64_t h = tag.file * UINT64_C(0x9e3779b97f4a7c15) ^ (tag.block + ((uint64_t)tag.pdb << 40) + ((uint64_t)tag.fork << 36)) * UINT64_C(0xc2b2ae3d27d4eb4f);
    h ^= h >> 29;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 32;
}
/* Where the search for a page begins, in its partition: by the upper half of its hash, which the entries of the table have too. */
static inline uint32_t storage_home_slot(const rdb_storage *storage, uint64_t hash_or_entry)
{
    return (uint32_t)(hash_or_entry >> 32) & storage->slot_mask;
}
static inline bool storage_tag_equal(const rdb_page_tag *a, const rdb_page_tag *b)
{
    return a->file == b->file && a->block == b->block && a->pdb == b->pdb && a->fork == b->fork;
}
/* Adds a pin unless the frame is BUSY. */
static inline bool frame_pin(rdb_buffer *frame)
{
    if (RDB_LIKELY((atomic_fetch_add_explicit(&frame->state, 1, memory_order_acquire) & FRAME_BUSY) == 0))
        return true;
    atomic_fetch_sub_explicit(&frame->state, 1, memory_order_release);
    return false;
}
static inline void frame_unpin(rdb_buffer *frame)
{
    atomic_fetch_sub_explicit(&frame->state, 1, memory_order_release);
}
/* The frames that have ever held a page; who walks over frames need not go further. acquire: they are made by then. */
static inline uint32_t storage_used_frames(const rdb_storage *storage)
{
    return atomic_load_explicit(&storage->used_count, memory_order_acquire);
}
typedef enum frame_load {
    LOAD_READ,  /* from the file, verified */
    LOAD_ZERO,  /* not read: zeroes */
    LOAD_REPLAY /* read; zeroes where the bytes are no page or are not there */
} frame_load;
/* The pinned frame of the tag, exclusively latched where this call made it (*fresh), else unlatched. */
bool pool_get(rdb_storage *storage, rdb_page_tag tag, frame_load load, rdb_buffer **frame, bool *fresh, rdb_error *err);
bool pool_open(rdb_storage *storage, rdb_error *err);
void pool_recovered(rdb_storage *storage); /* pages will be met at random from now on */
void pool_close(rdb_storage *storage);
/* Forgets the pages of a file (fork < 0: all forks) from a block on, unwritten. Nobody else may be using them. */
void pool_discard(rdb_storage *storage, uint32_t pdb, uint64_t file, int fork, uint64_t from_block);
void frame_mark_dirty(rdb_buffer *frame); /* exclusive latch held */
/* The frame of the tag, pinned and latched exclusively: the page as the pool has it, nobody writing it (*fresh false), or a frame without a
 * page (true). Who asks for that page waits until it gets one (pool_fill, then the latch falls) or leaves the table (pool_leave: latch and
 * pin too). */
bool pool_hold(rdb_storage *storage, rdb_page_tag tag, rdb_buffer **frame, bool *fresh, rdb_error *err);
void pool_fill(rdb_buffer *frame);
void pool_leave(rdb_storage *storage, rdb_buffer *frame);
/* Of a frame that is latched exclusively: nobody is writing it; it becomes a clean, free page without having been one on disk. */
bool pool_is_at_rest(const rdb_buffer *frame);
void pool_blank(rdb_buffer *frame);

/* clean.c */
typedef enum frame_write_mode {
    WRITE_IF_EASY, /* only where neither latch nor barrier makes it wait */
    WRITE_NO_LATCH, /* waits for the barrier, not for the latch: safe for who holds latches */
    WRITE_WAIT
} frame_write_mode;
/* Writes a pinned frame where it is dirty. *clean: it was clean for a moment after. False: 53100, 58030 and it is dirty again. */
bool frame_write(rdb_buffer *frame, frame_write_mode mode, uint8_t *copy, bool *clean, rdb_error *err);
/* The same, and counts a write there. */
bool frame_write_counted(rdb_buffer *frame, frame_write_mode mode, uint8_t *copy, _Atomic uint64_t *counter, bool *clean, rdb_error *err);
bool cleaner_start(rdb_storage *storage, rdb_error *err);
void cleaner_stop(rdb_storage *storage);
void cleaner_wake(rdb_storage *storage);
/* Waits until count more frames may become dirty (R25). False: 53000, or what keeps the cleaner from writing. */
bool cleaner_admit(rdb_storage *storage, uint32_t count, rdb_error *err);

/* relation.c */
typedef enum relation_open { RELATION_EXISTING, RELATION_OR_CREATE } relation_open;
bool relation_get(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, relation_open how,
                  storage_relation **relation, rdb_error *err);
storage_relation *relation_find(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork); /* NULL: nobody has used it, or it is dropped */
void relation_put(storage_relation *relation);
bool relation_read(rdb_storage *storage, storage_relation *relation, uint64_t block, void *page, size_t *got, rdb_error *err);
/* Blocks that follow one another, each to its own page; *got: how many whole ones the file has. */
bool relation_read_run(rdb_storage *storage, storage_relation *relation, uint64_t block, void *const *pages, uint32_t count, uint32_t *got, rdb_error *err);
/* Blocks that follow one another, their pages too. */
bool relation_write(rdb_storage *storage, storage_relation *relation, uint64_t block, const void *pages, uint32_t count, rdb_error *err);
/* One more block, zeroed on disk; or at least so many. */
bool relation_extend(rdb_storage *storage, storage_relation *relation, uint64_t *block, rdb_error *err);
bool relation_grow(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err);
bool relation_truncate(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err);
bool relation_truncate_locked(rdb_storage *storage, storage_relation *relation, uint64_t blocks, rdb_error *err); /* extend_lock held */
/* Where it needs to be; the result counts. */
bool relation_sync(rdb_storage *storage, storage_relation *relation, rdb_flush_result *result, rdb_error *err);
bool relation_sync_all(rdb_storage *storage, rdb_flush_result *result, rdb_error *err);
void relation_begin_writeback(rdb_storage *storage, storage_relation *relation, uint64_t block, uint64_t count);
bool relation_path(const rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, char path[1200], rdb_error *err);
bool relation_create(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err); /* empty, durable */
bool relation_drop(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err);
void relation_prefetch(rdb_storage *storage, rdb_page_tag tag, uint32_t block_count, rdb_error *err);
void relation_close_all(rdb_storage *storage);
uint32_t relation_birth_tag(uint32_t pdb, uint64_t file);
_Noreturn void storage_fail(const rdb_storage *storage, const rdb_error *err);

/* change_map.c */
bool changes_open(rdb_storage *storage, rdb_error *err);
void changes_close(rdb_storage *storage);
/* These blocks were written, or may have been. After the write: one that is under way while a checkpoint saves the map belongs to
 * the time after it, as a backup that begins then may have copied the block before. */
void changes_note(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t first, uint64_t count);

/* space.c */
void space_destroy(storage_space *space);
void space_cut(storage_space *space, uint64_t blocks);
void space_close(storage_space *space, uint64_t from, uint64_t to); /* forgets hints to these blocks */ /* forgets blocks from there on */

/* Waits until a page of that LSN may be written (R20). Before the log is open all there is came from it. */
static inline bool storage_pass_barrier(rdb_storage *storage, rdb_lsn lsn, rdb_error *err)
{
    bool (*barrier)(void *, rdb_lsn, rdb_error *) = atomic_load_explicit(&storage->barrier, memory_order_acquire);
    return barrier == NULL || barrier(atomic_load_explicit(&storage->barrier_context, memory_order_relaxed), lsn, err);
}
static inline rdb_wal *storage_wal(const rdb_storage *storage)
{
    return atomic_load_explicit(&storage->wal, memory_order_acquire);
}

/* uses.c: what the calling thread used of a file and has not told on. */
typedef struct storage_tally {
    uint64_t file;
    uint32_t pdb, generation; /* of the registry, that uses is from; 0: not looked up */
    uint32_t hits, reads;
    rdb_block_uses *uses;
} storage_tally;
_Static_assert(offsetof(storage_tally, reads) == offsetof(storage_tally, hits) + 4, "the two are looked at together");
#define STORAGE_TALLIES 8u
extern _Thread_local storage_tally storage_tallies[STORAGE_TALLIES] __attribute__((tls_model("initial-exec")));
void storage_tally_begin(storage_tally *tally, const rdb_page_tag *tag);
static inline storage_tally *storage_tally_of(const rdb_page_tag *tag)
{
    storage_tally *tally = &storage_tallies[tag->file % STORAGE_TALLIES];
    if (RDB_UNLIKELY(tally->file != tag->file || tally->pdb != tag->pdb))
        storage_tally_begin(tally, tag);
    return tally;
}

/* A page was met in the pool. A statistic: two threads of one stripe may lose a count. */
static inline void storage_count_hit(rdb_storage *storage, const rdb_page_tag *tag)
{
    storage_tally_of(tag)->hits++;
    _Atomic uint64_t *hits = &storage->stripes[rdb_thread_stripe()].hits;
    atomic_store_explicit(hits, atomic_load_explicit(hits, memory_order_relaxed) + 1, memory_order_relaxed);
    rdb_thread_usage.blocks_hit++;
}

/* change.c */
static inline uint64_t change_no_after(uint64_t previous, rdb_lsn lsn)
{
    return RDB_MAX(previous + 1, lsn);
}
/* The header after a change; lsn and end_lsn: where its record begins and ends. */
void page_finish_header(rdb_page *page, rdb_page_tag tag, rdb_lsn lsn, rdb_lsn end_lsn, uint64_t previous, uint16_t wal_thread, bool initialised);
void page_finish_change(rdb_buffer *frame, rdb_lsn lsn, rdb_lsn end_lsn, uint64_t previous, uint16_t wal_thread, bool initialised);

/* files.c */
enum { STORAGE_OP_CREATE = 1, STORAGE_OP_DROP, STORAGE_OP_TRUNCATE, STORAGE_OP_NUMBER, STORAGE_OP_PAGE };
void files_register(void);
bool files_replay(rdb_storage *storage, const rdb_wal_record *record, rdb_error *err);

#endif
