/* SPDX-License-Identifier: Apache-2.0
 * Room table: heaps. The newest version of a row lives in place, older ones in the undo store. The room knows layouts and
 * bytes; the catalog makes the rdb_table that says where a heap is and how its rows look. The drawing of a heap page and
 * of the 20-byte row header (xid 8, undo 8, flags 2, layout 2: R13, R15) stands in heap_page.h of this room. */
#ifndef RDB_TABLE_H
#define RDB_TABLE_H

#include "txn/rdb_lock.h"
#include "undo/rdb_undo.h"
#include "vec/rdb_vec.h"

/* Home of a row for life: 48-bit block, 16-bit slot. 0 = none. */
typedef uint64_t rdb_row_address;
#define RDB_ROW_ADDRESS(block, slot) ((uint64_t)(block) << 16 | (uint16_t)(slot))
#define RDB_ROW_BLOCK(address) ((uint64_t)(address) >> 16)
#define RDB_ROW_SLOT(address) ((uint16_t)(address))

/* Which version was seen: compared under the latch by whoever writes after reading (R35). */
typedef struct rdb_row_version {
    rdb_xid xid;
    rdb_undo_address undo;
} rdb_row_version;

/* How the rows of one layout number are read as rows of the relation as it is now (R14). */
typedef struct rdb_table_layout {
    const rdb_row_layout *rows;
    const int16_t *slots;             /* [attribute number - 1]: slot, or -1: the row predates it, read missing */
    const rdb_datum *missing;         /* [attribute number - 1]: what a row without the slot reads (ADD COLUMN ... DEFAULT) */
    const bool *missing_is_null;
} rdb_table_layout;

/* Immutable; made and pinned by the catalog's relation entry. */
typedef struct rdb_table {
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    uint32_t pdb;
    uint32_t relation_oid;
    uint64_t file;
    uint8_t undo_class;
    uint16_t attribute_count;          /* dropped ones included */
    uint16_t layout_count, current_layout;
    const rdb_table_layout *const *layouts; /* by layout number */
    const uint8_t *reps;               /* rdb_rep of each attribute */
    rdb_scn data_since_scn;            /* the file took another's place then; 0: it is the first */
    rdb_xid made_by;                   /* who made the file; 0: not known */
    uint64_t older_file;               /* where snapshots before that read; 0: nowhere, they get 72000 (R36) */
} rdb_table;

/* Column lists name attributes 1..n, or these: */
enum { RDB_COLUMN_CTID = -1, RDB_COLUMN_XMIN = -2, RDB_COLUMN_CMIN = -3, RDB_COLUMN_XMAX = -4, RDB_COLUMN_CMAX = -5, RDB_COLUMN_TABLEOID = -6, RDB_COLUMN_SCN = -7 };
/* ctid FIXED16 (tid), xmin INT32 (low half of the xid), tableoid INT32, scn INT64. Which command of its transaction wrote a row is not
 * kept with it (its place in the undo store orders them): cmin and cmax read 0, as for rows of transactions long gone. */

/* ---- reading ------------------------------------------------------------------------------------------------------
 * Rows are copied out under the latch or a validated optimistic read into vectors whose bytes live in the given arena
 * (R16). Outputs addresses, versions and recheck may be NULL. */
typedef struct rdb_table_scan rdb_table_scan;
/* The blocks first_block .. first_block + block_count - 1 that exist when it begins (UINT64_MAX: all). snapshot and columns
 * must outlive the scan. */
RDB_CHECKED bool rdb_table_scan_open(rdb_table_scan **scan, const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot,
                                     const int16_t *columns, uint16_t column_count, uint64_t first_block,
                                     uint64_t block_count, rdb_arena *arena, rdb_error *err);
/* At most capacity rows into vectors[0..column_count) (flat, with that capacity). *count == 0: the end. batch_arena is
 * where bytes go; the caller resets it between batches. No latch or pin is held on return. */
RDB_CHECKED bool rdb_table_scan_next(rdb_table_scan *scan, uint32_t capacity, rdb_arena *batch_arena, rdb_vector *const *vectors,
                                     rdb_row_address *addresses, rdb_row_version *versions, uint32_t *count, rdb_error *err);
/* A condition tried before the rest of a row is read, in stages: the columns of a stage are read of the rows that those before it
 * left. Up to RDB_TABLE_FILTER_ROWS rows are put into its vectors (with that capacity), one after the other, bytes borrowed from
 * the latched pages; keep says which of rows 0 .. count-1 stay, ascending. It is called under the pages' latches: it must not
 * wait, look anything up or read another page. False: it could not tell, and all rows stay, those of earlier stages too. */
#define RDB_TABLE_FILTER_ROWS 256u
#define RDB_TABLE_FILTER_STAGES 6u
typedef struct rdb_table_filter_stage {
    const int16_t *columns; /* attributes, no system columns */
    uint16_t column_count;
    rdb_vector *const *vectors;
} rdb_table_filter_stage;
typedef struct rdb_table_filter {
    rdb_table_filter_stage stages[RDB_TABLE_FILTER_STAGES];
    uint16_t stage_count;
    bool (*keep)(void *context, uint16_t stage, uint32_t count, uint32_t *kept, uint32_t *kept_count);
    void *context;
} rdb_table_filter;
/* Of the calls of next that follow. With a filter *count == 0 is not the end: tell says. The filter outlives the scan. */
void rdb_table_scan_set_filter(rdb_table_scan *scan, const rdb_table_filter *filter);
typedef struct rdb_table_scan_state {
    bool is_at_end;
    bool is_filtered;     /* every row of the last batch was tried and kept; else the caller tries them (again) */
    uint64_t passed_over; /* rows that the last call dropped */
} rdb_table_scan_state;
void rdb_table_scan_tell(const rdb_table_scan *scan, rdb_table_scan_state *state);
void rdb_table_scan_rewind(rdb_table_scan *scan);
/* Goes on with these blocks: they lie within those that the scan was opened for. */
void rdb_table_scan_move(rdb_table_scan *scan, uint64_t first_block, uint64_t block_count);
/* The blocks that it was opened for. */
void rdb_table_scan_range(const rdb_table_scan *scan, uint64_t *first_block, uint64_t *end_block);
void rdb_table_scan_close(rdb_table_scan **scan);

/* The rows at these addresses as the snapshot sees them. found[i] says whether there is one; values go to row i of the
 * vectors. recheck[i]: an indexed column of it may differ from the entry that led here, so compare the key (R28). */
RDB_CHECKED bool rdb_table_fetch(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, const rdb_row_address *addresses,
                                 uint32_t count, const int16_t *columns, uint16_t column_count, rdb_arena *batch_arena,
                                 rdb_vector *const *vectors, bool *found, bool *recheck, rdb_row_version *versions, rdb_error *err);
/* The newest version of one row that is committed or one's own, for whoever waited. *found false: deleted. */
RDB_CHECKED bool rdb_table_fetch_latest(const rdb_table *table, rdb_txn *txn, rdb_row_address address, const int16_t *columns,
                                        uint16_t column_count, rdb_arena *batch_arena, rdb_vector *const *vectors /* row 0 */,
                                        bool *found, rdb_row_version *version, rdb_error *err);
/* For unique and foreign-key checks: what stands at the address now. */
typedef enum rdb_row_status {
    RDB_ROW_DEAD,       /* no committed or own row: deleted, or its insert aborted */
    RDB_ROW_LIVE,       /* committed and in force, or one's own */
    RDB_ROW_UNCERTAIN   /* another running transaction inserted, deleted or changed it: wait for *xid */
} rdb_row_status;
/* Reads the version in place into row 0 of vectors and, where its writer runs, the newest committed one into row 1 (R30);
 * in_place and committed say which of the two exist. */
RDB_CHECKED bool rdb_table_check_row(const rdb_table *table, rdb_txn *txn, rdb_row_address address, const int16_t *columns,
                                     uint16_t column_count, rdb_arena *batch_arena, rdb_vector *const *vectors, bool *in_place,
                                     bool *committed, rdb_row_status *status, rdb_xid *xid, rdb_error *err);

/* ---- writing ------------------------------------------------------------------------------------------------------
 * values and is_null go by attribute number - 1, all attribute_count of them. The transaction gets its xid here.
 * Index keys travel with each write, because purge and the reverter never read catalogs (R10). */
typedef struct rdb_index_key {
    uint64_t index_file;
    rdb_slice old_key; /* empty for an insert */
    rdb_slice new_key; /* empty for a delete; equal keys need not be listed */
} rdb_index_key;

RDB_CHECKED bool rdb_table_insert(const rdb_table *table, rdb_txn *txn, const rdb_datum *values, const bool *is_null,
                                  const rdb_index_key *keys, uint32_t key_count, rdb_row_address *address,
                                  rdb_row_version *version, rdb_error *err);
/* Many rows, one record a page. row i is read by values[i], is_null[i]; keys[i * keys_per_row ...]. */
RDB_CHECKED bool rdb_table_insert_many(const rdb_table *table, rdb_txn *txn, const rdb_datum *const *values,
                                       const bool *const *is_null, uint32_t row_count, const rdb_index_key *keys,
                                       uint32_t keys_per_row, rdb_row_address *addresses, rdb_error *err);

typedef enum rdb_write_outcome {
    RDB_WRITE_DONE,
    RDB_WRITE_CHANGED, /* someone's committed change came between: re-check under READ COMMITTED, 40001 above */
    RDB_WRITE_GONE,    /* ... and it was a delete */
    RDB_WRITE_MOVED,   /* ... or an update that took the row to another partition */
    RDB_WRITE_RELOCATED, /* ... or compaction, which took it to another page as it is: rdb_table_follow */
    RDB_WRITE_WAIT,    /* *wait_xid runs and has it, or others hold a row lock (wait_xid 0): rdb_lock_wait_for_row */
    RDB_WRITE_SELF     /* this same statement already changed it */
} rdb_write_outcome;
/* seen: the version the caller read; snapshot: the statement's, for RDB_WRITE_SELF. key_changed: a column of a unique index that a
 * foreign key may point to changes (row lock strength FOR UPDATE instead of FOR NO KEY UPDATE). */
RDB_CHECKED bool rdb_table_update(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                                  rdb_row_version seen, const rdb_datum *values, const bool *is_null, const rdb_index_key *keys,
                                  uint32_t key_count, bool key_changed, rdb_write_outcome *outcome, rdb_xid *wait_xid,
                                  rdb_row_version *version, rdb_error *err);
RDB_CHECKED bool rdb_table_delete(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                                  rdb_row_version seen, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome,
                                  rdb_xid *wait_xid, rdb_error *err);
/* The same row again as a version of its own that carries keys: of entries that one change has too many of for its undo record. The
 * first of several is judged as an update is, those after it see what the one before left. strength: of what it is a part of. */
RDB_CHECKED bool rdb_table_add_keys(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address, rdb_row_version seen,
                                    rdb_row_lock strength, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome, rdb_xid *wait_xid,
                                    rdb_row_version *version, rdb_error *err);
/* The same where an update takes the row to another partition: others hear RDB_WRITE_MOVED. */
RDB_CHECKED bool rdb_table_delete_moved(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                                        rdb_row_version seen, const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome,
                                        rdb_xid *wait_xid, rdb_error *err);
/* ---- compaction (relocate.c): rows of the end of the file get homes at its front, as they are -------------------------------
 * Could the row be deleted now? As rdb_table_delete, without doing it. */
RDB_CHECKED bool rdb_table_probe(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_row_version seen, rdb_write_outcome *outcome, rdb_error *err);
/* The row stands at `to` from now on: who waited for its old home hears RDB_WRITE_RELOCATED. */
RDB_CHECKED bool rdb_table_delete_relocated(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_row_version seen, rdb_row_address to,
                                            const rdb_index_key *keys, uint32_t key_count, rdb_write_outcome *outcome, rdb_error *err);
/* Where a row that was relocated is now. *found false: the one at the address was not. */
RDB_CHECKED bool rdb_table_follow(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_row_address *now, bool *found, rdb_error *err);
/* The homes of the rows that keep a block from being empty: those on it, and those whose bodies are. *other: so does something that no
 * row of the block tells, a large value or a map. */
typedef struct rdb_table_residents {
    rdb_row_address homes[2048]; /* a page of 32 KiB has no more */
    uint32_t count;
    bool has_value, has_map;
} rdb_table_residents;
RDB_CHECKED bool rdb_table_list_residents(const rdb_table *table, uint64_t block, rdb_table_residents *residents, rdb_error *err);
/* The rows of a block that have a large value in blocks from `from` on. */
RDB_CHECKED bool rdb_table_list_holders(const rdb_table *table, uint64_t block, uint64_t from, rdb_table_residents *residents, rdb_error *err);
/* Takes the maps of all-visible pages that lie at or behind `from` away; they are made anew when pages are marked. */
RDB_CHECKED bool rdb_table_drop_maps(const rdb_table *table, uint64_t from, rdb_error *err);
/* Gives blocks that hold nothing at the end of the file back, as far as `least`. *blocks: how many there are then. */
RDB_CHECKED bool rdb_table_cut_tail(const rdb_table *table, uint64_t least, uint64_t *blocks, rdb_error *err);
/* Takes a row lock and then checks that the version is still the one seen. */
RDB_CHECKED bool rdb_table_lock_row(const rdb_table *table, rdb_txn *txn, const rdb_snapshot *snapshot, rdb_row_address address,
                                    rdb_row_version seen, rdb_row_lock strength, rdb_lock_policy policy, int64_t lock_timeout_us,
                                    rdb_write_outcome *outcome, bool *taken, rdb_error *err);
/* Takes back a row this transaction just inserted, without aborting (ON CONFLICT's loser: R30). */
RDB_CHECKED bool rdb_table_retract(const rdb_table *table, rdb_txn *txn, rdb_row_address address, rdb_error *err);

/* A new, empty heap file. */
RDB_CHECKED bool rdb_table_create(rdb_storage *storage, rdb_txn *txn, uint64_t file, rdb_error *err);
/* The same in place of another file. reads_older: rows there are read with the layouts of the table as it is from now on. */
RDB_CHECKED bool rdb_table_replace(rdb_storage *storage, rdb_txn *txn, uint64_t file, uint64_t old_file, bool reads_older, rdb_error *err);
typedef struct rdb_table_origin { /* drawn in heap_page.h */
    rdb_xid xid;
    uint64_t older_file;
} rdb_table_origin;
RDB_CHECKED bool rdb_table_get_origin(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_table_origin *origin, rdb_error *err);
/* The file (a heap's, an index's) goes when no snapshot can ask for it any more; an abort keeps it. */
RDB_CHECKED bool rdb_table_drop(rdb_txn *txn, uint64_t file, rdb_error *err);
/* One pass over the pages for VACUUM: free-space hints and settled SCNs are made anew. */
typedef struct rdb_table_sweep_result {
    uint64_t blocks, heap_blocks, overflow_blocks, free_bytes;
    uint64_t row_bytes; /* cells of heap pages, and the slots that have one */
} rdb_table_sweep_result;
RDB_CHECKED bool rdb_table_sweep(const rdb_table *table, rdb_cancel *cancel, rdb_table_sweep_result *result, rdb_error *err);
RDB_CHECKED bool rdb_table_block_count(const rdb_table *table, uint64_t *blocks, rdb_error *err);
/* ---- pages that all see (visible.c): what an index scan that needs no more than its keys goes by.
 * begin before the entries are read; then, of their rows, visible[i]: the row is there for the snapshot, with the key of the
 * entry that led to it. Where it is not known (false) the row must be fetched. */
uint64_t rdb_table_visible_begin(void);
RDB_CHECKED bool rdb_table_visible(const rdb_table *table, const rdb_snapshot *snapshot, const rdb_row_address *addresses, uint32_t count, uint64_t begun, bool *visible,
                                   rdb_error *err);
RDB_CHECKED bool rdb_table_visible_count(const rdb_table *table, uint64_t *pages, rdb_error *err);
/* Notes which of so many blocks all see; called while purge and the reverter are at rest (rdb_undo_at_rest), by one at a time.
 * *next_block: 0 at first, goes on from there. *late grows by the pages that have to wait for purge alone: a snapshot is older than their
 * newest row. */
RDB_CHECKED bool rdb_table_mark_visible(const rdb_table *table, uint64_t *next_block, uint64_t block_count, rdb_cancel *cancel, bool *is_over, uint64_t *late, rdb_error *err);
/* ---- checking (verify.c); others may write meanwhile. slot UINT32_MAX: the problem is of the whole page. */
typedef void (*rdb_table_complain)(void *context, uint64_t block, uint32_t slot, const char *problem);
RDB_CHECKED bool rdb_table_verify(const rdb_table *table, rdb_cancel *cancel, rdb_table_complain complain, void *context, uint64_t *pages, rdb_error *err);
/* For an index entry that no visible row explains: does its address hold a row at all, and has one of the row's versions that the undo
 * store still knows the key? */
RDB_CHECKED bool rdb_table_has_row(const rdb_table *table, rdb_row_address address, uint64_t index_file, rdb_slice key, bool *has_row, bool *has_key,
                                   rdb_error *err);
void rdb_table_register_redo(void);

#endif
