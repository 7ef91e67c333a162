/* SPDX-License-Identifier: Apache-2.0
 * VACUUM (COMPACT): rows of a table's last pages move to free space further in front, and the end of the file that is empty then goes back
 * to the file system; then its indexes' files are made smaller (index/btree_compact.c). Others read and write the table meanwhile; nothing is
 * copied aside.
 *
 * A block's rows move in one small transaction of its own, so whoever waits for one waits a moment; a row that somebody writes or has
 * locked is passed over and tried again in the next pass. What is done is done: a compaction that is cancelled, or dies with the server, is
 * taken up where it stands by the next one, and leaves nothing but what its last transaction's abort takes back. Old homes are freed by purge,
 * a few hundred blocks behind, so that the undo store never holds more than a small part of the table; while an older snapshot is open
 * that keeps them, the work waits. */
#include "command/command_int.h"
#include "task/rdb_report.h"
#include "txn/rdb_ssi.h"

#define PASSES_MAX 8u
#define BLOCKS_AT_ONCE 256u          /* between two rounds of purge */
#define BACKLOG_BYTES_MIN (8u << 20) /* of undo that may wait for purge, for small tables */
#define PAUSE_US 10000

typedef struct compaction {
    rdb_command_context *context;
    const rdb_relation *relation;
    command_compact_result *result;
    command_index_programs **programs; /* by index; NULL: plain columns */
    rdb_index_values *index_values;
    rdb_vector **vectors;
    int16_t *numbers; /* of the columns that are read */
    uint16_t column_count;
    rdb_datum *values;
    bool *is_null;
    rdb_arena *arena;    /* of a row */
    uint64_t from, to;   /* blocks that are being emptied */
    uint64_t paced_bytes;
    int64_t paced_us, end_us;
    int64_t rate_bytes;  /* a second; 0: as fast as it goes */
    rdb_scn last_scn;    /* of the last move */
    bool is_full;        /* the front has no room for more */
    bool is_late;        /* its time is over */
} compaction;

static bool prepare(compaction *c, rdb_error *err)
{
    rdb_command_context *context = c->context;
    const rdb_relation *relation = c->relation;
    const uint16_t count = relation->column_count;
    c->arena = rdb_arena_create("compaction", NULL, NULL);
    if (c->arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    c->vectors = RDB_NEW_ARRAY(context->arena, rdb_vector *, count + 1u);
    c->numbers = RDB_NEW_ARRAY(context->arena, int16_t, count + 1u);
    c->values = RDB_NEW_ARRAY(context->arena, rdb_datum, count + 1u);
    c->is_null = RDB_NEW_ARRAY(context->arena, bool, count + 1u);
    c->programs = RDB_NEW_ARRAY(context->arena, command_index_programs *, relation->index_count + 1u);
    c->index_values = RDB_NEW_ARRAY(context->arena, rdb_index_values, relation->index_count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        if (relation->columns[i].is_dropped)
            continue;
        rdb_vector *vector = RDB_NEW(context->arena, rdb_vector);
        if (!rdb_vector_init(vector, context->arena, (rdb_rep)relation->table.reps[i], 1, err))
            return false;
        c->vectors[c->column_count] = vector;
        c->numbers[c->column_count++] = (int16_t)(i + 1);
    }
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        if ((index->expression_tree != NULL || index->predicate_tree != NULL) &&
            !command_index_programs_open(&c->programs[i], context->arena, command_eval(context), relation, index, err))
            return false;
    }
    return rdb_arena_check(context->arena, err);
}

static void put_away(compaction *c)
{
    for (uint16_t i = 0; c->programs != NULL && i < c->relation->index_count; i++)
        command_index_programs_close(c->programs[i]);
    rdb_arena_destroy(c->arena);
}

typedef enum move_answer { MOVE_DONE, MOVE_NOTHING, MOVE_BUSY, MOVE_ABORT } move_answer;

static bool move_row(compaction *c, rdb_txn *txn, rdb_row_address address, move_answer *answer, rdb_error *err)
{
    const rdb_relation *relation = c->relation;
    rdb_row_version version;
    rdb_row_address to;
    rdb_write_outcome outcome;
    bool found = false;
    rdb_arena_reset(c->arena);
    *answer = MOVE_NOTHING;
    for (uint16_t i = 0; i < c->column_count; i++)
        rdb_vector_clear_nulls(c->vectors[i]);
    if (!rdb_table_fetch_latest(&relation->table, txn, address, c->numbers, c->column_count, c->arena, c->vectors, &found, &version, err))
        return false;
    if (!found) /* deleted, or never committed: purge and the reverter see to it */
        return true;
    for (uint16_t i = 0; i < relation->column_count; i++)
        c->is_null[i] = true;
    for (uint16_t i = 0; i < c->column_count; i++) {
        const uint16_t at = (uint16_t)(c->numbers[i] - 1);
        c->is_null[at] = rdb_vector_is_null(c->vectors[i], 0);
        c->values[at] = c->is_null[at] ? (rdb_datum){.words = {0, 0}} : rdb_vector_get(c->vectors[i], 0);
    }
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (c->programs[i] != NULL && !command_index_programs_run(c->programs[i], c->values, c->is_null, &c->index_values[i], err))
            return false;
    const rdb_row_writer writer = {.txn = txn, .relation = relation, .lock_timeout_us = c->context->lock_timeout_us, .arena = c->arena, .format = c->context->format};
    if (!rdb_row_relocate(&writer, address, version, c->values, c->is_null, c->index_values, &to, &outcome, err))
        return false;
    if (to != 0 && RDB_ROW_BLOCK(to) >= c->from)
        c->is_full = true;
    *answer = outcome == RDB_WRITE_DONE && !c->is_full ? MOVE_DONE : to != 0 ? MOVE_ABORT : MOVE_BUSY;
    return true;
}

/* Moves these rows in one transaction. */
static bool move_rows(compaction *c, const rdb_table_residents *rows, rdb_error *err)
{
    rdb_txn *txn = NULL;
    uint64_t moved = 0, busy = 0;
    bool ok = true, aborts = false;
    if (rows->count == 0)
        return true;
    if (!rdb_txn_begin(rdb_txn_manager_of(c->context->txn), rdb_txn_pdb(c->context->txn), RDB_READ_COMMITTED, false, c->context->cancel, &txn, err))
        return false;
    for (uint32_t i = 0; ok && !aborts && i < rows->count; i++) {
        move_answer answer;
        ok = rdb_cancel_check(c->context->cancel, err) && move_row(c, txn, rows->homes[i], &answer, err);
        if (!ok)
            break;
        moved += answer == MOVE_DONE;
        busy += answer == MOVE_BUSY;
        aborts = answer == MOVE_ABORT;
    }
    c->result->rows_busy += busy;
    if (!ok || aborts) {
        rdb_txn_abort(&txn);
        return ok;
    }
    rdb_scn scn = 0;
    if (!rdb_txn_commit(&txn, RDB_COMMIT_NO_WAIT, &scn, err))
        return false;
    c->last_scn = RDB_MAX(c->last_scn, scn);
    c->result->rows_moved += moved;
    return true;
}

/* Keeps to the rate, and to the end of its time. */
static bool keep_pace(compaction *c, uint64_t bytes, rdb_error *err)
{
    int64_t now_us = rdb_time_monotonic_us();
    c->paced_bytes += bytes;
    while (c->rate_bytes > 0) {
        const int64_t due_us = c->paced_us + (int64_t)((double)c->paced_bytes / (double)c->rate_bytes * 1e6);
        if (due_us <= now_us)
            break;
        rdb_time_sleep_us(RDB_MIN(due_us - now_us, INT64_C(100000)));
        if (!rdb_cancel_check(c->context->cancel, err))
            return false;
        now_us = rdb_time_monotonic_us();
    }
    c->is_late = c->end_us != 0 && now_us >= c->end_us;
    return rdb_cancel_check(c->context->cancel, err);
}

/* Purge frees what has moved; the empty end goes. Our own statement's snapshot must not keep the horizon back: nothing is read with it, and
 * it is a newer one each time. */
static bool give_back(compaction *c, rdb_error *err)
{
    rdb_txn *txn = c->context->txn;
    rdb_txn_manager *manager = rdb_txn_manager_of(txn);
    rdb_snapshot *own = (rdb_snapshot *)(uintptr_t)c->context->snapshot; /* the statement's own variable */
    uint64_t blocks = 0;
    if (own != NULL)
        rdb_txn_drop_snapshot(txn, own);
    rdb_txn_end_statement(txn);
    bool ok = (c->last_scn == 0 || rdb_txn_wait_published(manager, c->last_scn, err)) && rdb_undo_purge_now(rdb_undo_of(manager), c->context->cancel, err) &&
              rdb_table_cut_tail(&c->relation->table, c->from, &blocks, err);
    if (own != NULL) {
        rdb_txn_take_snapshot(txn, own);
        rdb_txn_hold_snapshot(txn, own);
    }
    c->result->blocks_after = blocks;
    return ok;
}

/* Old versions that cannot be purged take room: the work waits for that rather than fill the disk. False in *goes_on: in vain. */
static bool wait_for_purge(compaction *c, uint32_t page_bytes, bool *goes_on, rdb_error *err)
{
    const int64_t until_us = rdb_time_monotonic_us() + c->result->wait_us;
    const uint64_t backlog_max = RDB_MAX(c->to * page_bytes / 100, (uint64_t)BACKLOG_BYTES_MIN);
    *goes_on = true;
    for (;;) {
        rdb_undo_statistics undo;
        if (!give_back(c, err))
            return false;
        rdb_undo_get_statistics(rdb_undo_of(rdb_txn_manager_of(c->context->txn)), &undo);
        if (undo.bytes_finished <= backlog_max)
            return true;
        if (rdb_time_monotonic_us() >= until_us || c->is_late)
            break;
        rdb_time_sleep_us(PAUSE_US);
        if (!keep_pace(c, 0, err))
            return false;
    }
    *goes_on = false;
    return true;
}

static bool empty_blocks(compaction *c, bool *has_values, rdb_error *err)
{
    const uint32_t page_bytes = rdb_storage_page_bytes(c->relation->table.storage);
    rdb_table_residents *residents = RDB_NEW(c->context->arena, rdb_table_residents);
    bool goes_on = true;
    for (uint64_t block = c->to; block > c->from && !c->is_full && !c->is_late && goes_on; block--) {
        if (!rdb_table_list_residents(&c->relation->table, block - 1, residents, err) || !move_rows(c, residents, err) || !keep_pace(c, page_bytes, err))
            return false;
        *has_values = *has_values || residents->has_value;
        rdb_report_set(3, (int64_t)(c->to - block + 1)); /* heap_blks_vacuumed, of those to be emptied */
        if ((c->to - block) % BLOCKS_AT_ONCE == BLOCKS_AT_ONCE - 1 && !wait_for_purge(c, page_bytes, &goes_on, err))
            return false;
    }
    return true;
}

/* Rows whose large values reach into the blocks: writing such a row anew writes its values anew. */
static bool empty_values(compaction *c, rdb_error *err)
{
    rdb_table_residents *holders = RDB_NEW(c->context->arena, rdb_table_residents);
    const uint32_t page_bytes = rdb_storage_page_bytes(c->relation->table.storage);
    bool goes_on = true;
    for (uint64_t block = 1; block < c->from && !c->is_full && !c->is_late && goes_on; block++) {
        if (!rdb_table_list_holders(&c->relation->table, block, c->from, holders, err) || !move_rows(c, holders, err) ||
            !keep_pace(c, (uint64_t)holders->count * page_bytes, err))
            return false;
        if (holders->count > 0 && block % BLOCKS_AT_ONCE == 0 && !wait_for_purge(c, page_bytes, &goes_on, err))
            return false;
    }
    return true;
}

/* How many blocks hold all that there is. Hints count in sixteenths of a page: the last one of a page stays empty, half to all of it. Where rows
 * are large more stays; then the front is full before all have moved, and the file ends there. */
static uint64_t blocks_needed(const rdb_table_sweep_result *swept, uint32_t page_bytes)
{
    const uint64_t in_page = page_bytes - 88u - page_bytes * 3u / 64u;
    const uint64_t blocks = (swept->row_bytes + in_page - 1) / in_page;
    return 2 + blocks + blocks / 200 + swept->overflow_blocks;
}

/* Does a snapshot keep old homes of rows that have moved? */
static bool is_held(const compaction *c)
{
    return c->last_scn != 0 && rdb_undo_purged_scn(rdb_undo_of(rdb_txn_manager_of(c->context->txn)), c->relation->table.pdb) < c->last_scn;
}

/* Waits until what has moved is freed and cut, as long as that has a meaning. */
static bool settle(compaction *c, rdb_error *err)
{
    const int64_t until_us = rdb_time_monotonic_us() + c->result->wait_us;
    rdb_txn_manager *manager = rdb_txn_manager_of(c->context->txn);
    for (;;) {
        if (!give_back(c, err))
            return false;
        if (c->result->blocks_after <= c->from || rdb_undo_purged_scn(rdb_undo_of(manager), c->relation->table.pdb) >= c->last_scn || rdb_time_monotonic_us() >= until_us || c->is_late)
            break;
        rdb_time_sleep_us(PAUSE_US);
        if (!keep_pace(c, 0, err))
            return false;
    }
    return true;
}

static bool run_passes(compaction *c, rdb_error *err)
{
    const rdb_table *table = &c->relation->table;
    const uint32_t page_bytes = rdb_storage_page_bytes(table->storage);
    for (unsigned pass = 0; pass < PASSES_MAX && !c->is_late; pass++) {
        rdb_table_sweep_result swept;
        bool has_values = false;
        rdb_space_close(table->storage, table->pdb, table->file, 0, 0);
        c->from = UINT64_MAX;
        if (!give_back(c, err) || !rdb_table_sweep(table, c->context->cancel, &swept, err))
            return false;
        if (pass == 0)
            c->result->blocks_before = swept.blocks;
        c->result->blocks_after = swept.blocks;
        c->from = blocks_needed(&swept, page_bytes);
        c->to = swept.blocks;
        if (c->from >= c->to)
            return true;
        const uint64_t moved_before = c->result->rows_moved;
        rdb_report_set(2, (int64_t)(c->to - c->from));
        rdb_space_close(table->storage, table->pdb, table->file, c->from, c->to);
        c->result->rows_busy = 0;
        c->is_full = false;
        if (!rdb_table_drop_maps(table, c->from, err) || !empty_blocks(c, &has_values, err) || (has_values && !empty_values(c, err)))
            return false;
        rdb_report_set(1, 5); /* truncating heap */
        if (!settle(c, err))
            return false;
        rdb_report_set(1, 3);
        if (c->result->blocks_after <= c->from || (c->result->rows_moved == moved_before && c->result->rows_busy == 0) || is_held(c))
            break;
        if (c->result->rows_busy > 0)
            rdb_time_sleep_us(PAUSE_US);
    }
    return true;
}

/* Keeps an index's compaction to the same pace and end. */
static bool pace_index(void *context, uint64_t bytes, bool *goes_on, rdb_error *err)
{
    compaction *c = context;
    if (!keep_pace(c, bytes, err))
        return false;
    *goes_on = !c->is_late;
    return true;
}

/* After the heap: purge has taken away what led to rows that are gone or have moved, as far as snapshots let it. */
static bool compact_indexes(compaction *c, rdb_error *err)
{
    for (uint16_t i = 0; i < c->relation->index_count && !c->is_late; i++) {
        const rdb_relation_index *index = &c->relation->indexes[i];
        rdb_index_compaction order = {.pace = pace_index, .context = c};
        if (index->is_partitioned || !index->is_valid || index->kind == RDB_INDEX_SUMMARY)
            continue;
        rdb_report_set(1, 4); /* cleaning up indexes */
        if (!rdb_index_compact(&index->index, &order, err))
            return false;
        c->result->index_blocks_before += order.blocks_before;
        c->result->index_blocks_after += order.blocks_after;
    }
    return true;
}

bool command_compact_table(rdb_command_context *context, const rdb_relation *relation, command_compact_result *result, rdb_error *err)
{
    const rdb_table *table = &relation->table;
    rdb_txn_manager *manager = rdb_txn_manager_of(context->txn);
    const int64_t now_us = rdb_time_monotonic_us();
    compaction c = {.context = context, .relation = relation, .result = result, .paced_us = now_us, .rate_bytes = result->rate_bytes,
                    .end_us = result->time_us > 0 ? now_us + result->time_us : 0};
    rdb_ssi_keep_wide(manager, table->pdb, relation->oid, true);
    bool ok = prepare(&c, err) && run_passes(&c, err);
    rdb_space_close(table->storage, table->pdb, table->file, 0, 0);
    ok = ok && compact_indexes(&c, err);
    result->is_late = c.is_late;
    result->is_held = is_held(&c);
    if (!result->is_held) /* else serializable readers of an old home are told of a change of the row by the relation, until the server starts anew */
        rdb_ssi_keep_wide(manager, table->pdb, relation->oid, false);
    put_away(&c);
    return ok;
}
