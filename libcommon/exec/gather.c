/* SPDX-License-Identifier: Apache-2.0
 * Gather: work that several threads do together. The thread that asks builds what is shared (tables of hash joins), starts the others,
 * does its own part, and has waited for all of them when the pull returns: between pulls nobody works (R39, R47).
 *
 * Each thread has an execution of its own over the same plan: operators, programs, memory, which counts in the asker's account. They
 * share, and only read, the plan, the snapshot, the transaction, values of parameters and the asker's hash tables; while they
 * work the asker does nothing but its own part, so nothing of that changes. A scan's blocks are handed out a stretch at a time.
 *
 * There are as many such threads in the whole server as it has processors. Where none is free the asker does it all. */
#include "exec/exec_spill.h"
#include "os/rdb_time.h"
#include "task/rdb_pool.h"
#include <unistd.h>

#define STRETCH_BLOCKS_MAX 128u
#define STRETCHES_EACH 8u /* for a thread at least, so that all end at about the same time */
#define THREADS_MAX 64u

typedef struct gather_thread {
    struct gather_state *gather;
    rdb_execution *x;
    exec_node *root;
    exec_tape *rows;
    rdb_error err;
    rdb_usage usage;
    bool ok;
} gather_thread;

typedef struct gather_state {
    exec_parallel parallel;
    bool is_partial;           /* what stands below is a partial aggregate: nothing is gathered but states */
    bool is_run;
    uint64_t bound;            /* rows that are wanted of each thread's sort */
    exec_node *scan;           /* the asker's shared one */
    uint8_t *reps;
    uint32_t column_count;
    exec_tape *rows;           /* the asker's */
    gather_thread *threads;
    uint32_t made;             /* of threads */
    _Atomic uint32_t left;     /* futex: threads still at work */
    exec_reader reader;
    uint32_t reading;          /* 0: the asker's rows, k: those of thread k - 1 */
    rdb_batch batch;
} gather_state;

/* ---- threads of the server ------------------------------------------------------------------------------------------------------ */
static _Atomic(rdb_pool *) worker_pool; /* made at first need, for the life of the process */
static _Atomic uint32_t workers_busy;

static uint32_t worker_limit(void)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 1 : processors > (long)THREADS_MAX ? THREADS_MAX : (uint32_t)processors;
}

static rdb_pool *find_pool(void)
{
    rdb_pool *pool = atomic_load_explicit(&worker_pool, memory_order_acquire), *none = NULL;
    rdb_error ignored = {0};
    if (pool != NULL)
        return pool;
    if (!rdb_pool_create(&pool, "worker", worker_limit(), &ignored)) {
        rdb_error_clear(&ignored);
        return NULL;
    }
    if (atomic_compare_exchange_strong_explicit(&worker_pool, &none, pool, memory_order_acq_rel, memory_order_acquire))
        return pool;
    rdb_pool_destroy(&pool); /* another session was quicker */
    return none;
}

/* How many of the wanted threads there are. */
static uint32_t reserve_workers(uint32_t wanted)
{
    const uint32_t limit = worker_limit();
    uint32_t busy = atomic_load_explicit(&workers_busy, memory_order_relaxed), got;
    do {
        got = busy >= limit ? 0 : RDB_MIN(wanted, limit - busy);
    } while (got > 0 && !atomic_compare_exchange_weak_explicit(&workers_busy, &busy, busy + got, memory_order_relaxed, memory_order_relaxed));
    return got;
}

static void release_workers(uint32_t count)
{
    atomic_fetch_sub_explicit(&workers_busy, count, memory_order_relaxed);
}

/* ---- the shared scan -------------------------------------------------------------------------------------------------------------- */
bool exec_parallel_claim(exec_parallel *parallel, uint64_t *first_block, uint64_t *block_count)
{
    if (atomic_load_explicit(&parallel->is_stopped, memory_order_relaxed))
        return false;
    /* relaxed: who gets which stretch orders nothing */
    const uint64_t first = atomic_fetch_add_explicit(&parallel->next_block, parallel->stretch_blocks, memory_order_relaxed);
    if (first >= parallel->end_block)
        return false;
    *first_block = first;
    *block_count = RDB_MIN((uint64_t)parallel->stretch_blocks, parallel->end_block - first);
    return true;
}

static exec_node *find_scan(exec_node *node)
{
    while (node != NULL && !(node->plan->kind == RDB_PLAN_SEQ_SCAN && node->plan->is_parallel))
        node = node->left;
    return node;
}

static void attach(exec_node *root, exec_parallel *parallel)
{
    exec_node *scan = find_scan(root);
    RDB_VERIFY(scan != NULL);
    scan->parallel = parallel;
    if (root->plan->kind == RDB_PLAN_AGGREGATE)
        root->parallel = parallel;
}

/* ---- operator --------------------------------------------------------------------------------------------------------------------- */
static bool open_gather(exec_node *node, rdb_error *err)
{
    rdb_execution *x = node->x;
    const rdb_plan_node *plan = node->plan;
    gather_state *state = node->state = RDB_NEW(x->arena, gather_state);
    state->is_partial = plan->left->kind == RDB_PLAN_AGGREGATE;
    state->bound = UINT64_MAX;
    state->threads = RDB_NEW_ARRAY(x->arena, gather_thread, plan->of.gather.worker_count + 1);
    state->column_count = plan->input_count;
    state->reps = RDB_NEW_ARRAY(x->arena, uint8_t, plan->input_count + 1);
    for (uint32_t i = 0; i < plan->input_count; i++)
        state->reps[i] = plan->input_types[i]->rep;
    attach(node->left, &state->parallel);
    state->scan = find_scan(node->left);
    if (state->is_partial)
        return true;
    state->rows = RDB_NEW(x->arena, exec_tape);
    return exec_tape_init(state->rows, x, state->reps, state->column_count, exec_sort_memory(x), err);
}

void exec_gather_set_bound(exec_node *node, uint64_t bound)
{
    gather_state *state = node->state;
    if (node->left->ops != &exec_sort_ops)
        return;
    if (bound > state->bound)
        node->built_run = 0;
    state->bound = bound;
    exec_sort_set_bound(node->left, bound);
}

static void close_gather(exec_node *node)
{
    gather_state *state = node->state;
    if (state == NULL)
        return;
    exec_reader_deinit(&state->reader);
    if (state->rows != NULL)
        exec_tape_deinit(state->rows);
    for (uint32_t i = 0; i < state->made; i++) {
        gather_thread *thread = &state->threads[i];
        exec_close(thread->root);
        if (thread->rows != NULL)
            exec_tape_deinit(thread->rows);
        rdb_error_clear(&thread->err);
        rdb_arena_destroy(thread->x->run_arena);
        rdb_arena_destroy(thread->x->arena);
    }
    state->made = 0;
}

static bool begin_gather(exec_node *node, rdb_error *err)
{
    gather_state *state = node->state;
    if (state->is_run && !state->is_partial && node->built_run == node->x->run_no && !node->reads_parameters) {
        exec_reader_deinit(&state->reader);
        state->reading = 0;
        return exec_reader_init(&state->reader, state->rows, err);
    }
    node->built_run = node->x->run_no;
    state->is_run = false;
    return exec_begin(node->left, err);
}

/* ---- threads ------------------------------------------------------------------------------------------------------------------------ */
static bool make_thread(exec_node *node, gather_thread *thread, rdb_error *err)
{
    rdb_execution *leader = node->x;
    gather_state *state = node->state;
    rdb_arena *arena = rdb_arena_create("worker", NULL, NULL), *run_arena = rdb_arena_create("run", NULL, NULL);
    if (arena == NULL || run_arena == NULL) {
        rdb_arena_destroy(arena);
        rdb_arena_destroy(run_arena);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_execution *x = thread->x = RDB_NEW(arena, rdb_execution);
    x->arena = arena;
    x->run_arena = run_arena;
    x->plan = leader->plan;
    x->leader = leader;
    x->context = leader->context;
    x->eval = leader->eval;
    x->eval.routines = NULL;
    x->account_owner = leader->account_owner;
    x->eval.execution_values = RDB_NEW_ARRAY(arena, rdb_parameter, leader->eval.execution_count + 1);
    thread->gather = state;
    state->made++; /* from here on close_gather takes care of it */
    if (leader->statistics != NULL)
        x->statistics = RDB_NEW_ARRAY(arena, rdb_node_statistics, leader->plan->node_count + 1);
    if (!exec_build(x, node->plan->left, &thread->root, err))
        return false;
    attach(thread->root, &state->parallel);
    if (!state->is_partial) {
        thread->rows = RDB_NEW(arena, exec_tape);
        if (!exec_tape_init(thread->rows, x, state->reps, state->column_count, exec_sort_memory(x), err))
            return false;
    }
    return rdb_arena_check(arena, err);
}

static void ready_thread(const rdb_execution *leader, gather_thread *thread)
{
    rdb_execution *x = thread->x;
    rdb_parameter *values = x->eval.execution_values;
    x->context = leader->context;
    x->eval = leader->eval;
    x->eval.routines = NULL;
    x->eval.execution_values = values;
    memcpy(values, leader->eval.execution_values, leader->eval.execution_count * sizeof *values);
    x->run_no = leader->run_no;
    x->is_running = true;
    thread->root->built_run = 0; /* what it made before is not wanted, even of the same run */
    if (thread->root->ops == &exec_sort_ops)
        exec_sort_set_bound(thread->root, thread->gather->bound);
    if (x->statistics != NULL)
        memset(x->statistics, 0, leader->plan->node_count * sizeof *x->statistics);
    if (thread->rows != NULL)
        exec_tape_clear(thread->rows);
    rdb_error_clear(&thread->err);
}

static bool collect_rows(exec_node *root, exec_tape *rows, exec_parallel *parallel, rdb_error *err)
{
    while (!atomic_load_explicit(&parallel->is_stopped, memory_order_relaxed)) {
        rdb_batch *batch = NULL;
        if (!exec_next(root, RDB_BATCH_ROWS, &batch, err))
            return false;
        if (batch == NULL)
            return true;
        if (!exec_tape_append(rows, batch->columns, rows->column_count, NULL, 0, &batch->selection, err))
            return false;
    }
    return true;
}

/* A partial aggregate to its end, its time and groups noted as if it had been pulled. */
static bool build_partial(exec_node *node, rdb_error *err)
{
    const int64_t started_us = node->statistics != NULL ? rdb_time_monotonic_us() : 0;
    const bool ok = exec_aggregate_build(node, err);
    if (node->statistics != NULL) {
        const int64_t elapsed_us = rdb_time_monotonic_us() - started_us;
        node->statistics->startup_us += elapsed_us;
        node->statistics->total_us += elapsed_us;
        node->statistics->rows += exec_aggregate_groups(node);
    }
    return ok;
}

static void run_thread(void *argument)
{
    gather_thread *thread = argument;
    gather_state *state = thread->gather;
    const rdb_usage before = rdb_thread_usage;
    rdb_worker_declare(RDB_WORKER_PARALLEL);
    thread->ok = exec_begin(thread->root, &thread->err) &&
                 (state->is_partial ? build_partial(thread->root, &thread->err) : collect_rows(thread->root, thread->rows, &state->parallel, &thread->err));
    if (!thread->ok)
        atomic_store_explicit(&state->parallel.is_stopped, true, memory_order_relaxed);
    uint64_t *usage = (uint64_t *)&thread->usage;
    const uint64_t *now = (const uint64_t *)&rdb_thread_usage, *was = (const uint64_t *)&before;
    for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
        usage[i] = now[i] - was[i];
    rdb_worker_declare(RDB_WORKER_OTHER);
    release_workers(1);
    /* release: all that this thread has made is the asker's from here on; the struct may be gone before the wake */
    _Atomic uint32_t *left = &state->left;
    if (atomic_fetch_sub_explicit(left, 1, memory_order_release) == 1)
        rdb_futex_wake(left, 1);
}

/* All tables that the chain's joins probe are in memory? */
static bool is_shareable(const exec_node *node)
{
    for (; node != NULL; node = node->left)
        if (node->plan->kind == RDB_PLAN_HASH_JOIN && !exec_hash_join_is_shareable(node))
            return false;
    return true;
}

/* For nobody but the asker, as yet. How many blocks there are. */
static uint64_t restart_scan(gather_state *state)
{
    exec_parallel *parallel = &state->parallel;
    uint64_t first = 0;
    exec_seq_scan_range(state->scan, &first, &parallel->end_block);
    atomic_store_explicit(&parallel->next_block, first, memory_order_relaxed);
    atomic_store_explicit(&parallel->is_stopped, false, memory_order_relaxed);
    atomic_store_explicit(&parallel->is_too_much, false, memory_order_relaxed);
    atomic_store_explicit(&parallel->thread_count, 0, memory_order_relaxed);
    parallel->stretch_blocks = STRETCH_BLOCKS_MAX;
    return parallel->end_block > first ? parallel->end_block - first : 0;
}

/* Values that all threads read. They are kept where the asker has them, who is the one to change them. */
static bool run_init_plans(exec_node *node, rdb_error *err)
{
    const rdb_list *init_plans = &node->plan->of.gather.init_plans;
    for (uint32_t i = 0; i < init_plans->count; i++) {
        rdb_datum value;
        bool is_null = false;
        if (!exec_run_subplan(node->x, init_plans->items[i], node->arena, &value, &is_null, err))
            return false;
    }
    return true;
}

static bool start_threads(exec_node *node, rdb_error *err)
{
    gather_state *state = node->state;
    exec_parallel *parallel = &state->parallel;
    const rdb_execution *x = node->x;
    const uint64_t blocks = restart_scan(state);
    atomic_store_explicit(&state->left, 0, memory_order_relaxed);
    uint32_t wanted = (uint32_t)RDB_MIN((uint64_t)node->plan->of.gather.worker_count, blocks);
    if (wanted == 0 || blocks < 2 || x->leader != NULL || x->substitutes != NULL || x->context.snapshot->tracks_reads || !is_shareable(node->left))
        return true;
    if (!run_init_plans(node, err))
        return false;
    rdb_pool *pool = find_pool();
    wanted = pool != NULL ? reserve_workers(wanted) : 0;
    for (uint32_t i = 0; i < wanted; i++) {
        gather_thread *thread = &state->threads[i];
        if (i >= state->made && !make_thread(node, thread, err)) {
            release_workers(wanted);
            return false;
        }
        ready_thread(x, thread);
    }
    parallel->stretch_blocks = (uint32_t)RDB_MAX(UINT64_C(1), RDB_MIN((uint64_t)STRETCH_BLOCKS_MAX, blocks / ((wanted + 1) * STRETCHES_EACH)));
    atomic_store_explicit(&state->left, wanted, memory_order_relaxed);
    atomic_store_explicit(&parallel->thread_count, wanted, memory_order_relaxed);
    for (uint32_t i = 0; i < wanted; i++) {
        rdb_error ignored = {0};
        if (!rdb_pool_submit(pool, run_thread, &state->threads[i], &ignored)) { /* those that run already, and the asker, do it */
            rdb_error_clear(&ignored);
            release_workers(wanted - i);
            atomic_fetch_sub_explicit(&state->left, wanted - i, memory_order_relaxed);
            atomic_store_explicit(&parallel->thread_count, i, memory_order_relaxed);
            break;
        }
    }
    return true;
}

static void add_statistics(exec_node *node, const gather_thread *thread)
{
    const rdb_execution *x = node->x;
    const uint64_t *more = (const uint64_t *)&thread->usage;
    uint64_t *own = (uint64_t *)&rdb_thread_usage;
    for (size_t i = 0; i < sizeof(rdb_usage) / sizeof(uint64_t); i++)
        own[i] += more[i]; /* so that the nodes above count it */
    for (uint32_t i = 0; x->statistics != NULL && i < x->plan->node_count; i++) {
        const rdb_node_statistics *from = &thread->x->statistics[i];
        rdb_node_statistics *into = &x->statistics[i];
        const uint64_t *from_usage = (const uint64_t *)&from->usage;
        uint64_t *into_usage = (uint64_t *)&into->usage;
        into->startup_us += from->startup_us;
        into->total_us += from->total_us;
        into->rows += from->rows;
        into->loops += from->loops;
        into->rows_filtered += from->rows_filtered;
        into->rows_filtered_by_join += from->rows_filtered_by_join;
        into->heap_fetches += from->heap_fetches;
        into->disk_bytes += from->disk_bytes;
        for (size_t k = 0; k < sizeof(rdb_usage) / sizeof(uint64_t); k++)
            into_usage[k] += from_usage[k];
    }
}

/* Waits for all of them, whatever happens; the first error is the asker's own, then those of the threads in turn. */
static bool join_threads(exec_node *node, bool ok, rdb_error *err)
{
    gather_state *state = node->state;
    rdb_cancel *cancel = node->x->context.cancel;
    if (!ok)
        atomic_store_explicit(&state->parallel.is_stopped, true, memory_order_relaxed);
    for (uint32_t left; (left = atomic_load_explicit(&state->left, memory_order_acquire)) != 0;) {
        if (ok && !rdb_cancel_check(cancel, err)) {
            ok = false;
            atomic_store_explicit(&state->parallel.is_stopped, true, memory_order_relaxed);
        }
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_EXECUTE_GATHER);
        rdb_futex_wait(&state->left, left, 10000);
        rdb_wait_end(mark);
    }
    for (uint32_t i = 0; i < state->parallel.thread_count; i++) {
        gather_thread *thread = &state->threads[i];
        thread->x->is_running = false;
        add_statistics(node, thread);
        if (ok && !thread->ok) {
            rdb_error_move(err, &thread->err);
            ok = false;
        }
    }
    if (node->statistics != NULL)
        node->statistics->workers = RDB_MAX(node->statistics->workers, state->parallel.thread_count);
    return ok;
}

static bool run_all(exec_node *node, rdb_error *err)
{
    gather_state *state = node->state;
    if (!start_threads(node, err))
        return false;
    if (state->rows != NULL)
        exec_tape_clear(state->rows);
    const bool ok = state->is_partial ? build_partial(node->left, err) : collect_rows(node->left, state->rows, &state->parallel, err);
    return join_threads(node, ok, err);
}

bool exec_gather_partials(exec_node *node, rdb_error *err)
{
    gather_state *state = node->state;
    const int64_t started_us = node->statistics != NULL ? rdb_time_monotonic_us() : 0;
    if (!run_all(node, err))
        return false;
    if (node->statistics != NULL) {
        const int64_t elapsed_us = rdb_time_monotonic_us() - started_us;
        node->statistics->startup_us += elapsed_us;
        node->statistics->total_us += elapsed_us;
        node->statistics->rows += node->left->statistics->rows;
    }
    if (atomic_load_explicit(&state->parallel.is_too_much, memory_order_relaxed)) {
        restart_scan(state);
        return exec_aggregate_clear(node->left, err) && exec_begin(node->left, err); /* it is built, and spills, when its rows are asked for */
    }
    for (uint32_t i = 0; i < state->parallel.thread_count; i++)
        if (!rdb_cancel_check(node->x->context.cancel, err) || !exec_aggregate_merge(node->left, state->threads[i].root, err))
            return false;
    return true;
}

static bool next_gather(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err)
{
    gather_state *state = node->state;
    *raw = NULL;
    if (!state->is_run) {
        exec_reader_deinit(&state->reader);
        if (!run_all(node, err))
            return false;
        state->is_run = true;
        state->reading = 0;
        if (!exec_reader_init(&state->reader, state->rows, err))
            return false;
    }
    for (;;) {
        if (!exec_reader_next(&state->reader, budget, &state->batch, err))
            return false;
        if (state->batch.selection.count > 0) {
            *raw = &state->batch;
            return true;
        }
        if (state->reading == state->parallel.thread_count)
            return true;
        exec_reader_deinit(&state->reader);
        if (!exec_reader_init(&state->reader, state->threads[state->reading++].rows, err))
            return false;
    }
}

const exec_ops exec_gather_ops = {open_gather, begin_gather, next_gather, close_gather};
