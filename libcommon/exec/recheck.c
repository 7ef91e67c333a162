/* SPDX-License-Identifier: Apache-2.0
 * One-row substitution (R35): a plan run again for one row of one table, in that row's newest version, everything else as
 * the statement's snapshot has it. And LockRows, which needs it as ModifyTable does. */
#include "exec/exec_modify.h"

struct exec_recheck {
    rdb_execution x;         /* a second set of operators over the same plan */
    exec_node *root;
    exec_substitute *substitutes;
};

bool exec_recheck_row(rdb_execution *x, exec_recheck **recheck, const rdb_plan_node *below, uint32_t scan_no, const rdb_plan_target *targets, uint32_t target_count, rdb_row_address address,
                      rdb_batch **batch, rdb_error *err)
{
    exec_recheck *r = *recheck;
    *batch = NULL;
    if (r == NULL) {
        r = *recheck = RDB_NEW(x->arena, exec_recheck);
        r->x = *x;
        r->x.statistics = NULL;
        r->x.arena = exec_arena(x, "recheck");
        r->x.run_arena = NULL;
        r->x.run_no = 0;
        if (r->x.arena == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        r->substitutes = r->x.substitutes = RDB_NEW_ARRAY(r->x.arena, exec_substitute, x->plan->scan_count + 1);
        if (!exec_build(&r->x, below, &r->root, err))
            return false;
    }
    r->x.context = x->context;
    r->x.eval = x->eval;
    r->x.run_no++;
    for (uint32_t i = 0; i < target_count; i++)
        r->substitutes[targets[i].scan_no] = (exec_substitute){.is_set = true};
    r->substitutes[scan_no] = (exec_substitute){.is_set = true, .address = address, .is_latest = true};
    return exec_begin(r->root, err) && exec_next(r->root, 1, batch, err);
}

bool exec_recheck_next(exec_recheck *recheck, rdb_batch **batch, rdb_error *err)
{
    *batch = NULL;
    return exec_next(recheck->root, 1, batch, err);
}

void exec_recheck_close(exec_recheck **recheck)
{
    exec_recheck *r = *recheck;
    *recheck = NULL;
    if (r == NULL)
        return;
    exec_close(r->root);
    rdb_arena_destroy(r->x.arena);
}

/* ---- LockRows -------------------------------------------------------------------------------------------------------------------- */
typedef struct lock_state {
    exec_recheck *recheck;
    uint32_t *rows;
    rdb_batch batch;
    exec_store changed;      /* rows that were looked at anew */
    rdb_vector **vectors;
    bool has_changed;
} lock_state;

static bool open_lock(exec_node *node, rdb_error *err)
{
    lock_state *state = node->state = RDB_NEW(node->x->arena, lock_state);
    uint8_t *reps = RDB_NEW_ARRAY(node->x->arena, uint8_t, node->plan->input_count + 1);
    for (uint32_t i = 0; i < node->plan->input_count; i++)
        reps[i] = node->plan->input_types[i]->rep;
    state->rows = RDB_NEW_ARRAY(node->x->arena, uint32_t, RDB_BATCH_ROWS);
    state->vectors = RDB_NEW_ARRAY(node->x->arena, rdb_vector *, node->plan->input_count + 1);
    return exec_store_init(&state->changed, node->x, reps, node->plan->input_count, err);
}

static void close_lock(exec_node *node)
{
    lock_state *state = node->state;
    if (state == NULL)
        return;
    exec_recheck_close(&state->recheck);
    exec_store_deinit(&state->changed);
}

static bool begin_lock(exec_node *node, rdb_error *err)
{
    static const char *const names[] = {"SELECT FOR KEY SHARE", "SELECT FOR SHARE", "SELECT FOR NO KEY UPDATE", "SELECT FOR UPDATE"};
    if (rdb_txn_is_read_only(node->x->context.txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", names[node->plan->of.lock.locks[0].strength]);
    return exec_begin(node->left, err);
}

/* Locks every table's row behind one output row. *batch, *row move to the re-checked row; *keeps false: it is out. */
static bool lock_row(exec_node *node, rdb_batch **batch, uint32_t *row, bool *keeps, bool *is_changed, rdb_error *err)
{
    lock_state *state = node->state;
    const rdb_execution_context *context = &node->x->context;
    *keeps = true;
    *is_changed = false;
    for (uint32_t i = 0; i < node->plan->of.lock.lock_count; i++) {
        const rdb_plan_lock *lock = &node->plan->of.lock.locks[i];
        for (;;) {
            rdb_write_outcome outcome = RDB_WRITE_DONE;
            bool taken = false;
            if (rdb_vector_is_null((*batch)->columns[lock->identity_slot], *row))
                break;
            rdb_row_address address = (rdb_row_address)RDB_AT((*batch)->columns[lock->identity_slot], int64_t, *row);
            const rdb_row_version seen = {(rdb_xid)RDB_AT((*batch)->columns[lock->identity_slot + 1], int64_t, *row), (rdb_undo_address)RDB_AT((*batch)->columns[lock->identity_slot + 2], int64_t, *row)};
            const rdb_relation *relation = lock->relation;
            uint32_t scan_no = lock->scan_no;
            for (uint32_t k = 0; k < lock->target_count; k++)
                if (lock->targets[k].relation->oid == RDB_AT((*batch)->columns[lock->identity_slot + 3], uint32_t, *row)) {
                    relation = lock->targets[k].relation;
                    scan_no = lock->targets[k].scan_no;
                }
            if (!rdb_table_lock_row(&relation->table, context->txn, context->snapshot, address, seen, lock->strength, lock->policy, context->lock_timeout_us, &outcome, &taken, err)) {
                if (lock->policy == RDB_LOCK_NOWAIT && rdb_error_is(err, RDB_LOCK_NOT_AVAILABLE)) {
                    rdb_error_clear(err);
                    rdb_error_set(err, RDB_LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation \"%s\"", relation->name);
                }
                return false;
            }
            if (!taken && outcome == RDB_WRITE_DONE) { /* SKIP LOCKED */
                *keeps = false;
                return true;
            }
            if (outcome == RDB_WRITE_DONE)
                break;
            if (outcome == RDB_WRITE_SELF) {
                *keeps = false;
                return true;
            }
            if (rdb_txn_get_isolation(context->txn) >= RDB_REPEATABLE_READ)
                return rdb_error_set(err, RDB_SERIALIZATION_FAILURE, "could not serialize access due to concurrent %s", outcome == RDB_WRITE_GONE ? "delete" : "update");
            if (outcome == RDB_WRITE_MOVED)
                return exec_refuse_moved(err);
            if (outcome == RDB_WRITE_GONE) {
                *keeps = false;
                return true;
            }
            rdb_batch *again = NULL;
            if (!exec_recheck_row(node->x, &state->recheck, node->plan->left, scan_no, lock->targets, lock->target_count, address, &again, err))
                return false;
            if (again == NULL) {
                *keeps = false;
                return true;
            }
            *batch = again;
            *row = rdb_selected(&again->selection, 0);
            *is_changed = true;
        }
    }
    return true;
}

/* Rows that did not change keep their place in the child's batch. One that did ends the batch before it and comes alone. */
static bool next_lock(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    lock_state *state = node->state;
    *raw = NULL;
    for (;;) {
        rdb_batch *batch = NULL;
        uint32_t kept = 0;
        if (!exec_next(node->left, budget, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        exec_store_clear(&state->changed);
        state->has_changed = false;
        RDB_FOR_SELECTED (&batch->selection, row) {
            rdb_batch *at = batch;
            uint32_t at_row = row;
            bool keeps = false, is_changed = false;
            if (!lock_row(node, &at, &at_row, &keeps, &is_changed, err))
                return false;
            if (!keeps)
                continue;
            if (is_changed && !state->has_changed) { /* from here on all rows are copied, so that their order stays */
                const rdb_selection before = {state->rows, kept};
                state->has_changed = true;
                if (!exec_store_append(&state->changed, batch->columns, node->plan->input_count, NULL, 0, &before, err))
                    return false;
            }
            if (state->has_changed) {
                const rdb_selection one = {&at_row, 1};
                if (!exec_store_append(&state->changed, at->columns, node->plan->input_count, NULL, 0, &one, err))
                    return false;
            }
            state->rows[kept++] = row;
        }
        if (kept == 0)
            continue;
        if (state->has_changed) {
            exec_store_chunk(&state->changed, 0, 0, node->plan->input_count, state->vectors, &state->batch);
        } else {
            state->batch = *batch;
            state->batch.selection = (rdb_selection){state->rows, kept};
        }
        *raw = &state->batch;
        return true;
    }
}

const exec_ops exec_lock_ops = {open_lock, begin_lock, next_lock, close_lock};
