/* SPDX-License-Identifier: Apache-2.0
 * Operators from the inside. A node is asked for batches by exec_next, which applies what every node has (filter, targets,
 * row budget, errors held back) around the operator's own `next`. An operator is built once (open), started any number of
 * times (begin: a new run, or a new turn of a nested loop) and closed with the execution. */
#ifndef RDB_EXEC_INT_H
#define RDB_EXEC_INT_H

#include "exec/rdb_exec.h"

typedef struct exec_node exec_node;
typedef struct exec_parallel exec_parallel;
typedef struct exec_prune exec_prune;
typedef struct exec_ops {
    bool (*open)(exec_node *node, rdb_error *err);   /* allocates in node->x->arena; children are there already */
    bool (*begin)(exec_node *node, rdb_error *err);  /* from the start; begins its children itself */
    /* The next rows of the row space: a batch with at least one selected row, or NULL at the end. At most budget rows. */
    bool (*next)(exec_node *node, uint32_t budget, rdb_batch **raw, rdb_error *err);
    void (*close)(exec_node *node);                  /* may be NULL */
} exec_ops;

struct exec_node {
    const exec_ops *ops;
    const rdb_plan_node *plan;
    rdb_execution *x;
    exec_node *left, *right;
    exec_node **children;      /* APPEND; NULL: left out of this run, and never needed yet */
    uint32_t child_count;
    exec_prune *prune;         /* APPEND, MERGE_APPEND; or NULL */
    bool *is_kept;             /* with prune, by child: of this run */
    uint64_t pruned_run;
    rdb_program *filter, *project;
    rdb_arena *arena;          /* of the current batch: reset at each next */
    rdb_batch output;
    uint32_t *kept;            /* selection after the filter */
    uint32_t kept_capacity;
    uint64_t *reads;           /* EXECUTION parameters read in or below but not set there, a bit each; one bit more: what has no number */
    bool reads_parameters;     /* any of them: a new turn may give other rows */
    bool has_pending;          /* pending comes with the next pull */
    bool is_filtered;          /* the batch at hand has passed the filter already */
    bool is_open;
    rdb_error *pending;
    uint64_t built_run;        /* the run (x->run_no) whose rows a materialising operator still has */
    void *state;               /* the operator's own */
    rdb_node_statistics *statistics; /* NULL: not instrumented */
    exec_parallel *parallel;   /* a scan whose blocks several threads share, an aggregate that one of them computes in part; or NULL */
};

/* Rows kept column by column in chunks of RDB_BATCH_ROWS: what sorts, hash joins and aggregates stand on. */
typedef struct exec_store {
    rdb_arena *arena;          /* own: values and their bytes */
    uint32_t column_count;
    const uint8_t *reps;
    rdb_vector **chunks;       /* chunk c, column k: chunks[c][k] */
    void **values;             /* of column k in chunk c: values[k * chunk_capacity + c] */
    bool *has_nulls;           /* by column */
    uint32_t chunk_count, chunk_capacity;
    uint32_t row_count;
    uint32_t last_capacity;    /* of the last chunk */
} exec_store;
/* A bucket has the newest entry of its chain (entry + 1) in its low half; in the high one a bit for each hash in the chain, by five
 * other bits of it, so that most of those that are not there cost one look. */
typedef struct exec_hash_entry {
    uint64_t hash;
    uint32_t next;             /* entry + 1; UINT32_MAX: not in a chain */
    uint32_t spare;
} exec_hash_entry;
typedef struct exec_hash_table {
    uint64_t *buckets;
    exec_hash_entry *entries;
    uint32_t mask, count, capacity;
    rdb_arena *arena;
} exec_hash_table;

typedef struct exec_subplan {
    exec_node *node;
    const rdb_plan_subplan *plan;
    rdb_program *test;         /* ANY, ALL: compiled at first use */
    uint64_t kept_run;         /* uncorrelated: the run whose answer is kept */
    exec_store store;          /* uncorrelated: its rows */
    bool is_running;
    rdb_datum value;           /* kept answer of a scalar */
    bool value_is_null;
    rdb_arena *arena;          /* of kept answers */
    rdb_arena *row_arena;
    /* hashed: single-column or multi-column "=" */
    bool hash_decided, is_hashed, has_null_row;
    exec_hash_table hash;
    uint32_t hash_keys;
    rdb_program *probe;        /* the left sides, over parameters */
    const rdb_type **key_types;
    uint32_t *key_collations;
    uint32_t *key_slots;
} exec_subplan;

typedef struct exec_cte {
    exec_node *node;
    struct exec_tape *rows;    /* exec_spill.h; NULL: planned away */
    bool is_started, is_done;
    bool has_turns;            /* reads parameters of a query around its own: each turn of its query computes it anew */
    struct exec_tape *work_table; /* recursive: what WorkTableScan reads */
} exec_cte;

typedef struct exec_substitute { /* one-row substitution (R35): what a scan gives in place of its table */
    bool is_set;
    rdb_row_address address;   /* 0: no row (the null side of an outer join) */
    bool is_latest;            /* read the newest version, not the snapshot's */
} exec_substitute;

struct rdb_execution {
    rdb_arena *arena;          /* operators and programs */
    rdb_arena *run_arena;      /* of one run */
    const rdb_plan *plan;
    rdb_execution_context context;
    rdb_eval eval;
    rdb_account account;       /* what all arenas of the statement hold; inside the caller's */
    rdb_account *account_owner; /* &account; a substitution counts with the execution it serves */
    exec_node *root;
    exec_subplan *subplans;
    exec_cte *ctes;
    exec_substitute *substitutes; /* by scan_no, or NULL: an ordinary run */
    rdb_node_statistics *statistics;
    uint64_t run_no;
    uint64_t rows_written;
    bool is_running, is_done;
    rdb_list moments;          /* rdb_snapshot *: of the past, held for this run (AS OF), in run_arena */
    rdb_execution *moments_owner; /* itself; a substitution's are those of the execution it serves */
    rdb_batch result;          /* root's output without junk */
    uint32_t *result_columns;
    rdb_error *pending;
    bool has_pending;
    struct rdb_routine_site *routines; /* called within the statement: closed with it */
    exec_node **nodes;         /* by node_no, where something is done in parallel: what a thread's operators borrow from */
    const rdb_execution *leader; /* a thread's: whose work it shares; else NULL */
    struct exec_after_queue *after; /* checks and actions of foreign keys waiting for the statement's end */
};

/* ---- node.c */
/* An arena that counts against the statement's account. NULL when there is no memory. */
rdb_arena *exec_arena(rdb_execution *x, const char *name);
RDB_CHECKED bool exec_build(rdb_execution *x, const rdb_plan_node *plan, exec_node **node, rdb_error *err);
RDB_CHECKED bool exec_build_cte(rdb_execution *x, uint32_t cte_no, rdb_error *err); /* once: of exec_cte cte_no */
RDB_CHECKED bool exec_begin(exec_node *node, rdb_error *err);
/* *batch NULL: the end. */
RDB_CHECKED bool exec_next(exec_node *node, uint32_t budget, rdb_batch **batch, rdb_error *err);
void exec_close(exec_node *node);
RDB_CHECKED bool exec_compile(rdb_execution *x, rdb_program **program, rdb_expr *const *exprs, uint32_t count, rdb_error *err);
RDB_CHECKED bool exec_compile_list(rdb_execution *x, rdb_program **program, const rdb_list *exprs, rdb_error *err); /* NULL program for an empty list */
/* Holds back an error until the rows before it are out. */
void exec_set_pending(exec_node *node, rdb_error *err);
/* Of the next batch: more than capacity where the last one filled at least half of it, so that a plan that is kept for single rows keeps no
 * memory for a thousand. */
uint32_t exec_grow_capacity(uint32_t capacity, uint32_t filled, uint32_t budget);
bool exec_reads_parameters(const rdb_expr *expr);
/* Vectors of the row space with room for capacity rows. */
RDB_CHECKED bool exec_make_vectors(rdb_arena *arena, const rdb_type *const *types, uint32_t count, uint32_t capacity, rdb_vector ***vectors, rdb_error *err);

/* STEP(type) for the type that moves a value of the representation as it stands: by its width alone. */
#define EXEC_BY_WIDTH(rep_of_values, STEP)      \
    switch ((rdb_rep)(rep_of_values)) {         \
    case RDB_REP_BOOL:                          \
    case RDB_REP_INT8: STEP(uint8_t) break;     \
    case RDB_REP_INT16: STEP(uint16_t) break;   \
    case RDB_REP_INT32:                         \
    case RDB_REP_FLOAT32: STEP(uint32_t) break; \
    case RDB_REP_INT64:                         \
    case RDB_REP_FLOAT64: STEP(uint64_t) break; \
    case RDB_REP_FIXED16:                       \
    case RDB_REP_BYTES: STEP(rdb_datum) break;  \
    case RDB_REP_COUNT: break;                  \
    }

/* ---- store.c */
RDB_CHECKED bool exec_store_init(exec_store *store, rdb_execution *x, const uint8_t *reps, uint32_t column_count, rdb_error *err);
void exec_store_deinit(exec_store *store);
void exec_store_clear(exec_store *store);
/* Appends the selected rows; the columns come from two lists put side by side. */
RDB_CHECKED bool exec_store_append(exec_store *store, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, rdb_error *err);
/* The same with a last column of INT64, the hashes, given by position of the selection. */
RDB_CHECKED bool exec_store_append_hashed(exec_store *store, rdb_vector *const *columns, uint32_t count, rdb_vector *const *more, uint32_t more_count, const rdb_selection *selection, const uint64_t *hashes, rdb_error *err);
static inline const rdb_vector *exec_store_column(const exec_store *store, uint32_t row, uint32_t column)
{
    return &store->chunks[row / RDB_BATCH_ROWS][column];
}
#define EXEC_ROW_IN_CHUNK(row) ((row) % RDB_BATCH_ROWS)
/* target[i] = row ids[i] of the column; UINT32_MAX reads null. With places: target[places[i]]. */
void exec_store_gather(const exec_store *store, uint32_t column, const uint32_t *ids, uint32_t count, rdb_vector *target);
void exec_store_gather_to(const exec_store *store, uint32_t column, const uint32_t *ids, const uint32_t *places, uint32_t count, rdb_vector *target);
/* target[i] = source[rows[i]]; UINT32_MAX reads null. */
void exec_vector_gather(const rdb_vector *source, const uint32_t *rows, uint32_t count, rdb_vector *target);
/* A batch over one chunk, columns first ... first + count - 1; vectors is room for the pointers. */
void exec_store_chunk(const exec_store *store, uint32_t chunk_no, uint32_t first, uint32_t count, rdb_vector **vectors, rdb_batch *batch);

bool exec_type_is_plain(const rdb_type *type); /* equality is that of the bits */
/* Hashes of the keys of each selected position; has_null[i] (may be NULL): one of them is null (it hashes as a constant). */
void exec_hash_keys(const rdb_type *const *types, const uint32_t *collations, rdb_vector *const *keys, uint32_t key_count, const rdb_selection *selection, uint64_t *hashes, bool *has_null);
/* Equal, nulls equal to nulls. */
bool exec_values_equal(const rdb_type *type, uint32_t collation, const rdb_vector *left, uint32_t left_row, const rdb_vector *right, uint32_t right_row);
int exec_values_compare(const rdb_plan_key *key, const rdb_vector *left, uint32_t left_row, const rdb_vector *right, uint32_t right_row);
RDB_CHECKED bool exec_hash_init(exec_hash_table *table, rdb_arena *arena, uint32_t expected, rdb_error *err);
/* The entry gets the next number: rows go in in the order of their store. is_apart[i]: nobody is to find it. */
RDB_CHECKED bool exec_hash_add(exec_hash_table *table, uint64_t hash, bool is_linked, rdb_error *err);
RDB_CHECKED bool exec_hash_add_batch(exec_hash_table *table, const uint64_t *hashes, const bool *is_apart, uint32_t count, rdb_error *err);
static inline uint64_t exec_hash_tag(uint64_t hash)
{
    return UINT64_C(1) << (32 + (hash >> 40 & 31)); /* neither the bits of the bucket nor those of the first partitions */
}
/* The next entry of the hash, entry + 1, from at on; 0: there is none. */
static inline uint32_t exec_hash_seek(const exec_hash_table *table, uint32_t at, uint64_t hash)
{
    while (at != 0 && table->entries[at - 1].hash != hash)
        at = table->entries[at - 1].next;
    return at;
}
static inline uint32_t exec_hash_first(const exec_hash_table *table, uint64_t hash)
{
    const uint64_t bucket = table->buckets[hash & table->mask];
    return (bucket & exec_hash_tag(hash)) != 0 ? exec_hash_seek(table, (uint32_t)bucket, hash) : 0;
}
static inline uint32_t exec_hash_next(const exec_hash_table *table, uint32_t at)
{
    return exec_hash_seek(table, table->entries[at - 1].next, table->entries[at - 1].hash);
}
/* The first of each of the hashes, their memory asked for side by side. */
void exec_hash_find(const exec_hash_table *table, const uint64_t *hashes, uint32_t count, uint32_t *found);
/* Do equal hashes of keys that are not null prove equal keys? */
bool exec_hash_is_exact(const rdb_type *const *types, uint32_t key_count);
RDB_CHECKED bool exec_check_sortable(const rdb_plan_key *keys, uint32_t count, rdb_error *err);
RDB_CHECKED bool exec_check_hashable(const rdb_type *const *types, uint32_t count, rdb_error *err);

/* ---- operators */
extern const exec_ops exec_result_ops, exec_values_ops, exec_subquery_ops, exec_append_ops, exec_limit_ops, exec_materialize_ops, exec_memoize_ops,
    exec_cte_ops, exec_work_table_ops, exec_recursive_ops, exec_project_set_ops, exec_function_ops;
extern const exec_ops exec_seq_scan_ops, exec_index_scan_ops, exec_index_only_scan_ops, exec_tid_scan_ops, exec_tid_range_ops, exec_bitmap_heap_ops, exec_bitmap_index_ops, exec_bitmap_set_ops;
extern const exec_ops exec_nest_loop_ops, exec_hash_join_ops, exec_merge_join_ops;
extern const exec_ops exec_gather_ops, exec_aggregate_ops, exec_final_aggregate_ops, exec_unique_ops, exec_set_op_ops, exec_sorted_set_ops;
/* How often INTERSECT or EXCEPT gives a row that the sides have so often. */
uint64_t exec_set_times(const rdb_plan_node *plan, uint64_t left, uint64_t right);
extern const exec_ops exec_sort_ops, exec_window_ops, exec_incremental_sort_ops, exec_merge_append_ops;
extern const exec_ops exec_lock_ops, exec_modify_ops;
/* Limit tells the sort below it how many rows can be asked for at most. */
void exec_sort_set_bound(exec_node *node, uint64_t bound);
void exec_gather_set_bound(exec_node *node, uint64_t bound); /* of the sort that each thread does, where there is one */

/* ---- prune.c */
RDB_CHECKED bool exec_prune_open(rdb_execution *x, const rdb_plan_prune *plan, exec_prune **prune, rdb_error *err);
void exec_prune_close(exec_prune *prune); /* NULL is fine */
/* The children that the run may need; then those of one turn of it. */
RDB_CHECKED bool exec_prune_first(rdb_execution *x, exec_prune *prune, bool *kept, rdb_error *err);
bool exec_prune_is_late(const exec_prune *prune); /* do turns differ? */
RDB_CHECKED bool exec_prune_turn(rdb_execution *x, exec_prune *prune, bool *kept, rdb_error *err);
/* ---- node.c: of the run that begins, the children that may be needed are built. */
RDB_CHECKED bool exec_choose_children(exec_node *node, rdb_error *err);

/* ---- subplan.c */
bool exec_run_subplan(void *owner, const rdb_expr_subplan *subplan, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err);
/* ---- after.c: foreign keys */
RDB_CHECKED bool exec_after_run(rdb_execution *x, rdb_error *err);
/* ---- tree_functions.c */
void exec_register_tree_functions(void);
void exec_register_definition_functions(void);
void exec_register_updatable_functions(void);
/* ---- partition_functions.c */
void exec_register_partition_functions(void);
RDB_CHECKED bool exec_add_partition_bound(rdb_call *call, const char *bound_text, rdb_strbuf *text);
/* ---- sql_function.c: routines written in SQL */
void exec_register_sql_language(void);
/* ---- function_aggregate.c: aggregates of any kind, and those that are made of functions */
typedef struct exec_function_aggregate exec_function_aggregate;
typedef struct exec_aggregate_shape {
    const rdb_type *const *types; /* of the aggregated arguments, then of the direct ones */
    uint32_t argument_count, direct_count;
    uint32_t collation;
    const rdb_type *result;
} exec_aggregate_shape;
/* *made NULL: a built-in one; else it is what the call's state pointer points to, and to be closed, also after a failure. is_moving: the
 * aggregate's moving functions serve. */
RDB_CHECKED bool exec_aggregate_open(rdb_execution *x, const rdb_function *function, const exec_aggregate_shape *shape, bool is_moving, const rdb_aggregate_entry **entry,
                                     exec_function_aggregate **made, rdb_error *err);
void exec_function_aggregate_close(exec_function_aggregate *aggregate); /* NULL is fine */
/* A moving one takes back its oldest row. *removed false: it cannot, the state is to be made anew. */
RDB_CHECKED bool exec_function_aggregate_remove(rdb_call *call, void *state, const rdb_vector *const *arguments, uint32_t row, bool *removed);
/* ---- index_loop.c: nested loops over index scans, many left rows at a time */
typedef struct exec_index_loop exec_index_loop;
/* *loop NULL: one row at a time. */
RDB_CHECKED bool exec_index_loop_open(exec_node *node, rdb_program *condition, rdb_program *values, exec_index_loop **loop, rdb_error *err);
void exec_index_loop_close(exec_index_loop *loop); /* NULL is fine */
void exec_index_loop_begin(exec_index_loop *loop);
RDB_CHECKED bool exec_index_loop_next(exec_index_loop *loop, uint32_t budget, rdb_batch **raw, rdb_error *err);
/* ---- scan.c: an index scan asked for many ranges before its rows are fetched */
RDB_CHECKED bool exec_index_lookup_begin(exec_node *node, uint32_t capacity, rdb_error *err);
RDB_CHECKED bool exec_index_lookup_seek(exec_node *node, rdb_error *err); /* the range for the values of parameters now */
/* Of so many searches at a time the ranges are made and the leaves asked from memory before the first of them is read: number no is
 * prepared for the values of parameters now, and is then what exec_index_lookup_seek_to goes to. */
#define EXEC_LOOKUPS_AHEAD 12u
void exec_index_lookup_prepare(exec_node *node, uint32_t no);
RDB_CHECKED bool exec_index_lookup_seek_to(exec_node *node, uint32_t no, bool *was_prepared, rdb_error *err);
/* Entries of the range from place `at` on, at most room. */
RDB_CHECKED bool exec_index_lookup_take(exec_node *node, uint32_t at, uint32_t room, uint32_t *count, bool *is_over, rdb_error *err);
/* The rows of the first count entries: those that are there are selected. */
RDB_CHECKED bool exec_index_lookup_fetch(exec_node *node, uint32_t count, rdb_batch **raw, rdb_error *err);
/* ---- node.c: the node's filter and targets over raw; *batch NULL: no row is left. */
RDB_CHECKED bool exec_shape(exec_node *node, rdb_batch *raw, rdb_batch **batch, rdb_error *err);
/* ---- gather.c: work that several threads do together */
struct exec_parallel {
    _Atomic uint64_t next_block;   /* of the shared scan */
    uint64_t end_block;            /* behind the last one; set, as the next, before any thread starts */
    uint32_t stretch_blocks;       /* handed out at a time */
    _Atomic bool is_stopped;       /* one failed or was cancelled: the others need not go on */
    _Atomic bool is_too_much;      /* one has more groups than its memory holds: the asker does it all again, alone */
    _Atomic uint32_t thread_count; /* at work besides the asker */
};
/* The next blocks of the shared scan for this thread. False: there are none. */
bool exec_parallel_claim(exec_parallel *parallel, uint64_t *first_block, uint64_t *block_count);
/* Runs the partial aggregates below a Gather to their end in all threads. */
RDB_CHECKED bool exec_gather_partials(exec_node *gather, rdb_error *err);
/* ---- aggregate.c: one that a thread computes in part */
RDB_CHECKED bool exec_aggregate_build(exec_node *node, rdb_error *err);
RDB_CHECKED bool exec_aggregate_merge(exec_node *into, exec_node *from, rdb_error *err);
uint32_t exec_aggregate_groups(const exec_node *node);
RDB_CHECKED bool exec_aggregate_clear(exec_node *node, rdb_error *err); /* forgets all groups */
/* ---- scan.c: the blocks that a scan was opened for */
void exec_seq_scan_range(const exec_node *node, uint64_t *first_block, uint64_t *end_block);
/* ---- hash_join.c */
bool exec_hash_join_is_shareable(const exec_node *node); /* its table is in memory */
/* ---- scan_filter.c: a filter tried before the rest of a row is read */
typedef struct exec_scan_filter exec_scan_filter;
void exec_scan_filter_open(exec_node *node, exec_scan_filter **filter); /* NULL: the node's filter is not one for it */
/* Sets or takes off the filter of a scan for its next batch. */
RDB_CHECKED bool exec_scan_filter_apply(exec_scan_filter *filter, rdb_table_scan *scan, uint32_t capacity, rdb_error *err);
/* ---- recheck.c: one-row substitution */
typedef struct exec_recheck exec_recheck;
/* Runs the plan below with scan_no reading the newest version at address, and the scans of the other targets nothing. *batch NULL: the row
 * does not qualify any more. */
RDB_CHECKED bool exec_recheck_row(rdb_execution *x, exec_recheck **recheck, const rdb_plan_node *below, uint32_t scan_no, const rdb_plan_target *targets,
                                  uint32_t target_count, rdb_row_address address,
                                  rdb_batch **batch, rdb_error *err);
/* The plan's further rows for the same substitution. */
RDB_CHECKED bool exec_recheck_next(exec_recheck *recheck, rdb_batch **batch, rdb_error *err);
void exec_recheck_close(exec_recheck **recheck);

#endif
