/* SPDX-License-Identifier: Apache-2.0
 * Plans: what the planner makes of an analysed (and rewritten) tree and the executor runs.
 *
 * A plan is an immutable tree of nodes in one arena. Every node has a *row space*: the columns it has in hand before its
 * own filter and targets are applied. What stands in it depends on the kind (drawn at each kind below); where a node has
 * two inputs, the left one's output columns come first and the right one's follow. Expressions of a node read the row
 * space through RDB_EXPR_SLOT; EXECUTION parameters carry values from an enclosing node (NestLoop, Apply, sub-plans).
 * A node's output columns are its targets, in order, junk ones included; no targets (target_count of the list 0) with
 * passes_through means that the row space itself is the output. */
#ifndef RDB_PLAN_H
#define RDB_PLAN_H

#include "sql/rdb_query.h"

typedef enum rdb_plan_kind {
    RDB_PLAN_RESULT = 1,      /* one row without columns (row space empty), or left's rows */
    RDB_PLAN_SEQ_SCAN,        /* row space: scan.columns */
    RDB_PLAN_INDEX_SCAN,      /* the same */
    RDB_PLAN_INDEX_ONLY_SCAN, /* the same; heap visited only where a page is not all-visible */
    RDB_PLAN_TID_SCAN,        /* the same; the rows at the addresses that bounds[0] names */
    RDB_PLAN_TID_RANGE_SCAN,  /* the same; rows whose ctid lies between bounds (strategy 1, 2: below, 4, 5: above) */
    RDB_PLAN_BITMAP_HEAP_SCAN,/* the same; the rows at the addresses that left gives, in the table's order */
    RDB_PLAN_BITMAP_INDEX_SCAN,/* addresses, no rows: of an index's entries within the bounds */
    RDB_PLAN_BITMAP_AND,      /* those that all children give */
    RDB_PLAN_BITMAP_OR,       /* those that any child gives */
    RDB_PLAN_VALUES_SCAN,     /* row space: columns of the lists */
    RDB_PLAN_FUNCTION_SCAN,   /* row space: columns of the functions, then the ordinality */
    RDB_PLAN_CTE_SCAN,        /* row space: output of ctes[cte_no] */
    RDB_PLAN_WORK_TABLE_SCAN, /* row space: output of the RecursiveUnion that cte_no names */
    RDB_PLAN_SUBQUERY_SCAN,   /* row space: left's output */
    RDB_PLAN_NEST_LOOP,       /* row space: left then right; the right side reads parameters set from the left row */
    RDB_PLAN_HASH_JOIN,       /* row space: left (probe) then right (build); SEMI and ANTI: left alone */
    RDB_PLAN_MERGE_JOIN,      /* row space: left then right, both sorted by the keys; SEMI, and ANTI unless its input_count says so: left alone */
    RDB_PLAN_AGGREGATE,       /* row space: group keys, then aggregates (then GROUPING's bit masks) */
    RDB_PLAN_SORT,            /* row space: left's output */
    RDB_PLAN_LIMIT,
    RDB_PLAN_UNIQUE,          /* left is sorted by the keys */
    RDB_PLAN_SET_OP,          /* INTERSECT, EXCEPT by hashing: left and right */
    RDB_PLAN_APPEND,          /* children one after the other */
    RDB_PLAN_WINDOW,          /* row space: left's output, then the window functions; left is sorted */
    RDB_PLAN_MATERIALIZE,
    RDB_PLAN_MEMOIZE,         /* left's rows, kept by the values of parameters */
    RDB_PLAN_PROJECT_SET,     /* row space: left's output; targets may hold set-returning calls at their top */
    RDB_PLAN_RECURSIVE_UNION, /* left once, then right until it gives nothing new */
    RDB_PLAN_LOCK_ROWS,       /* row space: left's output */
    RDB_PLAN_INCREMENTAL_SORT,/* the same as SORT; rows come sorted by the first keys */
    RDB_PLAN_MERGE_APPEND,    /* children, each sorted by the keys, merged */
    RDB_PLAN_GATHER,          /* row space: left's output, computed by several threads */
    RDB_PLAN_MODIFY_TABLE     /* row space: see rdb_plan_modify */
} rdb_plan_kind;

/* Column numbers of a scan beyond the attributes and RDB_COLUMN_*: who the row is, for whoever writes or locks it (R35).
 * All three are INT64. */
enum { RDB_COLUMN_ADDRESS = -100, RDB_COLUMN_VERSION_XID = -101, RDB_COLUMN_VERSION_UNDO = -102 };

typedef struct rdb_plan_node rdb_plan_node;

/* A sort or group key: a column of the row space it applies to. */
typedef struct rdb_plan_key {
    uint32_t slot_no;
    const rdb_type *type;
    uint32_t collation;
    bool is_descending, nulls_first;
    const rdb_expr *origin; /* for EXPLAIN */
} rdb_plan_key;

/* One bound of an index scan on key column column_no: column <strategy> value; strategy as in a btree family, 3 is "=".
 * is_any: value is an array, the scan runs once for each element. RDB_PLAN_BOUND_NULL: IS NULL. */
typedef struct rdb_plan_bound {
    uint16_t column_no; /* of the index, from 0 */
    uint8_t strategy;   /* 1 < 2 <= 3 = 4 >= 5 >, 6 IS NULL, 7 IS NOT NULL; indexes that are not ordered: of the operator family */
    bool is_any;
    rdb_expr *value;    /* over parameters and constants alone; of the index column's type */
    const rdb_expr *origin;
} rdb_plan_bound;
enum { RDB_PLAN_BOUND_IS_NULL = 6, RDB_PLAN_BOUND_IS_NOT_NULL = 7 };

typedef struct rdb_plan_sample {   /* TABLESAMPLE: of a sequential scan */
    uint8_t method;                /* rdb_sample_method */
    rdb_list arguments;            /* rdb_expr *: percent, seed where it is REPEATABLE */
    const char *text;              /* for EXPLAIN */
} rdb_plan_sample;

typedef struct rdb_plan_scan {
    uint32_t range_no;             /* of the query it came from */
    uint32_t scan_no;              /* from 0, over the whole plan: what one-row substitution goes by */
    const char *alias;
    const rdb_relation *relation;
    const int16_t *columns;        /* attribute numbers, RDB_COLUMN_*; column i is slot i */
    uint16_t column_count;
    const rdb_plan_sample *sample; /* NULL: all rows */
    /* index scans */
    uint16_t index_no;             /* in relation->indexes */
    bool is_backward;
    const rdb_plan_bound *bounds;  /* equality first, in column order; then the range on the next column */
    uint16_t bound_count;
    rdb_list key_expressions;      /* rdb_expr * over the row space: those among the index's keys, in order */
    rdb_list condition;            /* rdb_expr * over the row space: the bounds again, for one-row substitution; BITMAP_HEAP_SCAN: what its rows
                                    * are asked again; BITMAP_INDEX_SCAN: for EXPLAIN alone */
} rdb_plan_scan;

typedef struct rdb_plan_join {
    uint8_t kind;                     /* rdb_join_kind: INNER, LEFT, RIGHT, FULL, SEMI, ANTI */
    bool inner_unique;                /* each left row has one partner at most */
    uint32_t key_count;               /* hash and merge joins */
    rdb_expr *const *left_keys;       /* over left's output */
    rdb_expr *const *right_keys;      /* over right's output */
    const rdb_plan_key *orders;       /* merge joins: how both sides are sorted, key by key; their slot_no says nothing */
    const uint32_t *key_collations;   /* what they are compared under */
    rdb_list shown_keys;              /* the equalities that the keys came from, for EXPLAIN */
    rdb_list condition;               /* over left and right columns: join quals other than the keys */
    uint32_t parameter_count;         /* nested loops: EXECUTION parameters set for each left row */
    const uint32_t *parameter_nos;
    rdb_expr *const *parameter_values;/* over left's output */
} rdb_plan_join;

typedef struct rdb_plan_aggregate_call {
    const rdb_expr_aggregate *aggregate; /* function, collation, types; its argument expressions are replaced by these: */
    uint32_t argument_count;
    rdb_expr *const *arguments;          /* over left's output */
    rdb_expr *filter;                    /* or NULL */
    bool is_distinct;
    bool is_any_order;                   /* of one argument, is_distinct: the result is the same in whichever order the values come */
    uint32_t order_count;                /* ORDER BY inside: keys over (arguments, then order_arguments) */
    const rdb_plan_key *order;
    uint32_t extra_count;
    rdb_expr *const *extra;              /* expressions of ORDER BY that are no arguments */
    uint32_t direct_count;
    rdb_expr *const *direct;             /* ordered-set aggregates: over left's output and, where there are grouping sets, the keys behind it (constants of the group) */
} rdb_plan_aggregate_call;
/* PARTIAL makes states in each thread, FINAL (above a Gather above it, all else the same) puts them together. */
typedef enum rdb_aggregate_phase { RDB_AGGREGATE_WHOLE, RDB_AGGREGATE_PARTIAL, RDB_AGGREGATE_FINAL } rdb_aggregate_phase;
typedef struct rdb_plan_aggregate {
    uint8_t phase;                       /* rdb_aggregate_phase */
    enum { RDB_AGGREGATE_PLAIN, RDB_AGGREGATE_HASHED, RDB_AGGREGATE_SORTED } strategy;
    uint32_t key_count;
    rdb_expr *const *keys;               /* over left's output */
    const bool *follows;                 /* HASHED, by key: the others decide its value, so rows are not told apart by it; NULL: of none */
    uint32_t call_count;
    const rdb_plan_aggregate_call *calls;
    uint32_t set_count;                  /* grouping sets; 0: one set of all keys */
    const uint64_t *sets;                /* bit k: key k is in the set */
    uint32_t grouping_count;             /* GROUPING() calls: each lists keys, first one the highest bit */
    const rdb_list *groupings;           /* key numbers as uintptr_t */
} rdb_plan_aggregate;

typedef struct rdb_plan_window_call {
    const rdb_expr_window *window;
    uint32_t argument_count;
    rdb_expr *const *arguments;
    rdb_expr *filter;
} rdb_plan_window_call;
typedef struct rdb_plan_window {
    const rdb_window *window;
    uint32_t partition_count, order_count; /* keys: partition's first */
    const rdb_plan_key *keys;
    uint32_t call_count;
    const rdb_plan_window_call *calls;
    rdb_expr *start_offset, *end_offset;
    /* Of each partition the first rows alone are wanted: those for which the function is at most run_limit. It is row_number, rank or
     * dense_rank, as are all calls. 0: all rows. */
    int64_t run_limit;
    uint32_t run_function_oid;
    const rdb_expr *run_condition; /* for EXPLAIN */
} rdb_plan_window;

/* One of several tables whose rows a node writes or locks: what the table that the statement names has below it. */
typedef struct rdb_plan_target {
    uint32_t scan_no;
    const rdb_relation *relation;
    const char *alias;
    const int16_t *map;                /* by attribute - 1 of the named table: attribute here; NULL: the same */
} rdb_plan_target;

/* A table written to. Row space of the node, and so of RETURNING: the table's columns after the write by attribute number
 * (dropped ones read null), ADDRESS, TABLEOID, then left's output columns (what RETURNING of UPDATE ... FROM needs).
 * left's output:
 *   INSERT: one column for each of insert_columns
 *   UPDATE: one column for each of set_columns, then at identity_slot ADDRESS, VERSION_XID, VERSION_UNDO, then at
 *           old_slot the table's columns by attribute number; where several tables are written in (has_targets) TABLEOID
 *           at tableoid_slot in their stead
 *   DELETE: the same without set_columns */
typedef struct rdb_plan_merge_action { /* a WHEN of MERGE; expressions over left's output */
    bool is_matched;
    uint8_t command;                   /* INSERT, UPDATE, DELETE; 0: DO NOTHING */
    rdb_expr *condition;               /* NULL: always */
    uint16_t set_count;
    const int16_t *set_columns;
    rdb_expr *const *values;
} rdb_plan_merge_action;

/* ADDRESS, tableoid, ctid, xmin, xmax, cmin, cmax: what stands in a modify node's row space between the table's columns and left's output. */
#define RDB_MODIFY_EXTRA 7u

typedef struct rdb_plan_modify {
    uint8_t command;                   /* rdb_command */
    uint32_t scan_no;                  /* of the target's scan (UPDATE, DELETE): the one substituted */
    const rdb_relation *relation;
    const char *alias;
    uint16_t set_count;                /* assigned attributes: left's output column i goes to set_columns[i] */
    const int16_t *set_columns;
    rdb_expr *const *defaults;         /* by attribute number - 1: what an attribute not assigned gets on INSERT; NULL: null */
    rdb_expr *const *generated;        /* by attribute number - 1: GENERATED ALWAYS AS (...) STORED over the new row; or NULL */
    uint32_t identity_slot, old_slot, tableoid_slot;
    const bool *is_foreign;            /* MERGE: by output of the child, what has nothing of the target in it; tells source rows apart */
    bool has_targets;                  /* UPDATE, DELETE, MERGE: the rows are those of targets, by TABLEOID */
    uint32_t target_count;
    const rdb_plan_target *targets;
    uint32_t check_count;              /* CHECK constraints, over the new row by attribute number */
    rdb_expr *const *checks;
    const rdb_constraint *const *check_constraints;
    rdb_list *index_expressions;       /* by index: rdb_expr * over the row, one for each expression column */
    rdb_expr **index_predicates;       /* by index, NULL: whole */
    uint8_t conflict_action;           /* 0 error, 1 nothing, 2 update */
    uint16_t conflict_index;           /* in relation->indexes, or RDB_CONFLICT_ANY */
    uint16_t conflict_set_count;       /* DO UPDATE: expressions over (existing row by attribute, excluded row by attribute) */
    const int16_t *conflict_set_columns;
    rdb_expr *const *conflict_values;
    rdb_expr *conflict_where;
    uint32_t action_count;             /* MERGE */
    const rdb_plan_merge_action *actions;
    bool returns_rows;
} rdb_plan_modify;

/* What an Append puts together: members of a UNION, a table and its children, partitions. */
typedef enum rdb_plan_append_of { RDB_APPEND_UNION, RDB_APPEND_CHILDREN, RDB_APPEND_PARTITIONS } rdb_plan_append_of;

/* Which children of an Append are left out by values that are known only when it runs: parameters of the statement before the run
 * begins, those of nested loops and answers of sub-plans at each turn. */
typedef struct rdb_prune_node {        /* of one partitioned table */
    const struct rdb_partition_map *map;
    rdb_expr **keys;                   /* as the statement's table has their columns */
    const struct rdb_prune_node *above;/* the one that it is entry_no of; NULL: the statement's table */
    uint32_t entry_no;
    rdb_list implied;                  /* rdb_expr *: what holds for all of its rows by its own bound */
    struct rdb_prune_node **below;     /* by entry of the map: partitioned itself; or NULL */
    int32_t *children;                 /* by entry: the Append's child; -1: none */
    const void **leaves;               /* by entry, while planning */
} rdb_prune_node;
typedef struct rdb_plan_prune {
    rdb_prune_node *root;
    rdb_list conditions;               /* rdb_expr *: over the table's columns and values */
    rdb_list values;                   /* rdb_expr *: the parts of conditions that are values */
    uint32_t child_count, first_count; /* so many of the values, the first ones, are known before the run begins */
} rdb_plan_prune;

typedef struct rdb_plan_lock { /* one table of LockRows: slots of left's output */
    uint32_t scan_no;
    const rdb_relation *relation;
    uint32_t identity_slot; /* ADDRESS; the version's two columns follow, and TABLEOID where has_targets */
    bool has_targets;
    uint32_t target_count;
    const rdb_plan_target *targets;
    uint8_t strength, policy;
} rdb_plan_lock;

struct rdb_plan_node {
    uint8_t kind;          /* rdb_plan_kind */
    uint32_t node_no;      /* from 0, over the whole plan: for instrumentation */
    rdb_plan_node *left, *right;
    rdb_list children;     /* APPEND */
    double startup_cost, total_cost, rows;
    int32_t width;
    uint32_t input_count;          /* columns of the row space */
    const rdb_type *const *input_types;
    rdb_list filter;               /* rdb_expr *, AND'ed, over the row space */
    uint32_t unshown_filters;      /* so many of the last of them EXPLAIN leaves out: the index read implies them, if not of each row found */
    rdb_list targets;              /* rdb_target * over the row space */
    bool passes_through;           /* output = row space */
    bool is_parallel;              /* below a Gather: threads share its work (a scan's blocks, a hash join's table) */
    const rdb_range *range;        /* what is scanned, for EXPLAIN; NULL: nothing of FROM */
    uint32_t first_cte, end_cte;   /* the last node of a query: its WITH items, which a new turn of it computes anew if they read parameters */
    union {
        rdb_plan_scan scan;
        rdb_plan_join join;
        rdb_plan_aggregate aggregate;
        rdb_plan_window window;
        rdb_plan_modify modify;
        struct { const rdb_list *rows; /* of rdb_list * of rdb_expr * */ uint32_t row_count; const char *alias; } values;
        struct { uint32_t function_count; rdb_range_function *const *functions; bool with_ordinality; const char *alias; } function;
        struct { uint32_t cte_no; const char *name, *alias; } cte;
        struct { const char *alias; } subquery;
        struct { uint8_t of; /* rdb_plan_append_of */ const rdb_plan_prune *prune; /* or NULL */ uint32_t key_count; const rdb_plan_key *keys; /* MERGE_APPEND */ } append;
        struct { uint32_t key_count; const rdb_plan_key *keys; uint32_t presorted; /* INCREMENTAL_SORT: of the keys */ } sort; /* SORT, UNIQUE */
        struct { rdb_expr *count, *offset; bool with_ties; uint32_t key_count; const rdb_plan_key *keys; } limit;
        struct { uint8_t kind; bool all, is_sorted; const uint32_t *collations; /* of the columns */ } set_op; /* left: the columns, then the number of the side, 0 or 1 */
        struct { uint32_t cte_no; bool distinct; const uint32_t *collations; /* of the columns */ } recursive;
        struct { uint32_t lock_count; const rdb_plan_lock *locks; } lock;
        struct { rdb_list keys; /* rdb_expr_param * */ bool is_binary; /* keys are the same by their bytes; else where they are equal */ } memoize;
        struct { uint32_t worker_count; /* besides the thread that asks */ rdb_list init_plans; /* rdb_expr_subplan *: read below it; the thread that asks gets their values before the others start */ } gather;
    } of;
};

/* A sub-plan of an expression (RDB_EXPR_SUBPLAN names it by number). */
typedef struct rdb_plan_subplan {
    rdb_plan_node *node;
    const char *name;        /* "SubPlan 1", "InitPlan 1 (returns $0)" */
    const rdb_plan_node *owner; /* an init plan: the last node of the query that it belongs to; else NULL */
    bool is_correlated;      /* reads EXECUTION parameters: started again for each row; else run once and kept */
} rdb_plan_subplan;
typedef struct rdb_plan_cte {
    rdb_plan_node *node;     /* a RECURSIVE_UNION where it is recursive */
    const char *name;
    bool is_modifying;       /* runs to its end even where nobody reads it */
    bool is_read;            /* some node scans it */
    bool is_correlated;      /* reads parameters or a work table of the queries around its own */
    bool is_outermost;       /* of the statement's own WITH: has one turn */
} rdb_plan_cte;

/* A whole statement planned. */
typedef struct rdb_plan {
    rdb_arena *arena;
    rdb_plan_node *root;
    uint8_t command;               /* rdb_command */
    bool is_read_only;             /* no modifying node and no row locks */
    bool returns_rows;
    bool has_gather;               /* some of it is done in parallel */
    bool prunes_first;             /* an Append leaves children out before the run begins */
    const rdb_list *result_targets;/* rdb_target *: names, types and origins for RowDescription, junk left out */
    uint32_t node_count, scan_count, parameter_count; /* parameter_count: EXECUTION ones */
    uint32_t subplan_count, cte_count;
    rdb_plan_subplan *subplans;
    rdb_plan_cte *ctes;
    rdb_list ranges;               /* rdb_range * of all levels: relations with their required privileges */
    rdb_list relations;            /* const rdb_relation *: what the plan depends on */
    rdb_scn index_scn;             /* an index that it uses knows no versions from before */
    rdb_scn passed_scn;            /* from here on a snapshot could use an index that was passed over as too new; 0: none was */
} rdb_plan;

/* Whose CHECK constraints are compared with the conditions of a query: those of inheritance children and members of UNION ALL; all; none. */
typedef enum rdb_constraint_exclusion { RDB_EXCLUSION_PARTITION, RDB_EXCLUSION_ON, RDB_EXCLUSION_OFF } rdb_constraint_exclusion;

struct rdb_parameter;
struct rdb_eval;
/* A prune made ready for one execution, in its arena. */
typedef struct rdb_pruner rdb_pruner;
RDB_CHECKED bool rdb_pruner_open(rdb_pruner **pruner, rdb_arena *arena, const rdb_plan_prune *prune, rdb_error *err);
/* kept[i] of the Append's child i: can it have rows for these values? count: so many of the prune's values are known. */
RDB_CHECKED bool rdb_pruner_run(rdb_pruner *pruner, rdb_arena *scratch, struct rdb_eval *eval, const rdb_datum *values, const bool *is_null, uint32_t count, bool *kept, rdb_error *err);

typedef struct rdb_plan_context {
    rdb_arena *arena;              /* where the plan goes: it lives and dies with it */
    rdb_access *access;            /* descriptors are pinned by it as long as the plan is used */
    const rdb_format_settings *format;
    void *session;                 /* rdb_eval of the session (expr/rdb_expr.h), for folding stable-free constants */
    const struct rdb_parameter *parameters; /* values for a custom plan, or NULL: a generic one */
    uint32_t parameter_count;
    uint64_t work_mem_bytes;       /* 0: 4 MiB */
    bool no_seq_scan, no_index_scan, no_hash_join, no_nest_loop, no_hash_aggregate, no_sort; /* enable_* = off */
    bool no_merge_join, no_material, no_memoize;
    bool no_bitmap_scan, no_index_only_scan, no_incremental_sort, no_tid_scan, no_partition_pruning;
    bool joins_partitions, aggregates_partitions; /* enable_partitionwise_join, enable_partitionwise_aggregate */
    uint8_t constraint_exclusion;  /* rdb_constraint_exclusion */
    bool keeps_failing;            /* a plan that is not run yet: what fails while it is folded stays as it is, the error is the run's */
    uint32_t workers_per_gather;   /* max_parallel_workers_per_gather; 0: nothing is done in parallel */
    double parallel_setup_cost, parallel_tuple_cost;
    uint64_t parallel_scan_bytes;  /* min_parallel_table_scan_size */
    bool no_parallel_hash;
    bool reads_newest;             /* each run takes a snapshot of its own that has all commits; else what the transaction holds counts */
} rdb_plan_context;

/* Plans one statement (not COMMAND_UTILITY). The query is not changed. Node and path costs are in PostgreSQL's units. */
RDB_CHECKED bool rdb_plan_make(const rdb_plan_context *context, const rdb_query *query, rdb_plan **plan, rdb_error *err);
/* Indexes (and what unique ones prove) are of use only to snapshots that are not older than they. A kept plan is made anew where this
 * says no: the transaction reads with an older snapshot than one of its indexes, or need not pass one over any more. */
bool rdb_plan_fits_snapshot(const rdb_plan *plan, const rdb_txn *txn);
/* Before a snapshot is taken for it: that will have all that the plan rests on, durable or not yet. */
void rdb_plan_ask_snapshot(const rdb_plan *plan, rdb_txn *txn);
/* An expression alone, made ready for rdb_program_compile: columns of relation (range 1) become slots attribute number - 1.
 * For defaults, checks, index expressions, COPY's WHERE, domain checks (relation NULL). */
RDB_CHECKED bool rdb_plan_make_expr(const rdb_plan_context *context, const rdb_relation *relation, const rdb_expr *source, rdb_expr **expr, rdb_error *err);
/* The INSERT half of a modify node for COPY: defaults, generated columns, checks, index expressions of the relation. */
RDB_CHECKED bool rdb_plan_make_insert(const rdb_plan_context *context, const rdb_relation *relation, const int16_t *columns, uint16_t column_count, rdb_plan_modify **modify, rdb_error *err);

/* ---- for EXPLAIN: PostgreSQL's words ---------------------------------------------------------------------------------- */
/* "Seq Scan", "Index Scan Backward", "Hash Left Join", "HashAggregate", "Update", ... */
const char *rdb_plan_node_name(const rdb_plan_node *node);
#endif
