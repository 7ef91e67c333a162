/* SPDX-License-Identifier: Apache-2.0
 * The planner from the inside. One query is one level; sub-queries are levels of their own, planned first. An expression is
 * prepared once (outer columns become parameters, sublinks get their plans, join columns become what they stand for) and
 * resolved last, when the columns of the node that evaluates it are known.
 *
 * A built node carries its outputs: for each column the expression whose value it holds. Resolving replaces whatever
 * equals an output by its slot, so group keys, aggregates and window functions need no bookkeeping of their own. */
#ifndef RDB_SQL_PLAN_INT_H
#define RDB_SQL_PLAN_INT_H

#include "expr/rdb_expr.h"
#include "sql/analyse_int.h"
#include "sql/rdb_plan.h"

#define PLAN_RELIDS_WORDS 4
typedef struct plan_relids {
    uint64_t words[PLAN_RELIDS_WORDS];
} plan_relids;
static inline plan_relids relids_none(void)
{
    return (plan_relids){{0, 0, 0, 0}};
}
static inline void relids_add(plan_relids *set, uint32_t no)
{
    set->words[no / 64] |= UINT64_C(1) << (no % 64);
}
static inline bool relids_has(plan_relids set, uint32_t no)
{
    return (set.words[no / 64] >> (no % 64)) & 1;
}
static inline plan_relids relids_union(plan_relids a, plan_relids b)
{
    for (int i = 0; i < PLAN_RELIDS_WORDS; i++)
        a.words[i] |= b.words[i];
    return a;
}
static inline bool relids_within(plan_relids a, plan_relids b)
{
    for (int i = 0; i < PLAN_RELIDS_WORDS; i++)
        if (a.words[i] & ~b.words[i])
            return false;
    return true;
}
static inline bool relids_meet(plan_relids a, plan_relids b)
{
    for (int i = 0; i < PLAN_RELIDS_WORDS; i++)
        if (a.words[i] & b.words[i])
            return true;
    return false;
}
static inline bool relids_empty(plan_relids a)
{
    return (a.words[0] | a.words[1] | a.words[2] | a.words[3]) == 0;
}

typedef struct planner {
    rdb_arena *arena;
    rdb_access *access;
    const rdb_plan_context *context;
    rdb_eval eval;              /* for folding */
    rdb_error *err;
    rdb_plan *plan;
    uint32_t subplan_capacity, cte_capacity;
    const struct plan_inside **cte_insides; /* by number, so many as cte_capacity; NULL: a recursive one */
    uint32_t depth;
    uint32_t shown_plan_no, shown_param_no; /* as PostgreSQL counts them, for EXPLAIN */
    rdb_list said_parts;        /* plan_said_part * */
    rdb_scn oldest_scn;         /* no snapshot that the plan runs with is older */
    bool has_extended;          /* of a relation it is known how its columns depend on each other (plan_extended.c) */
    bool is_apart;              /* while conditions are estimated as if they did not */
    bool counts_threads;        /* paths are compared by what they take where threads share the work (plan_parallel.c) */
    bool may_share;             /* a table was met whose scan threads could share */
} planner;

/* What an OR over several relations says of one of them, which is asked of that relation's rows already. */
typedef struct plan_said_part {
    const rdb_expr *whole, *part;
} plan_said_part;

typedef struct plan_or_share {
    const rdb_expr *clause;
    double share;
} plan_or_share;

/* A node under construction and what its columns hold. */
typedef struct plan_built {
    rdb_plan_node *node;
    rdb_expr **outputs;
    uint32_t count;
    const rdb_range *subquery; /* the sub-query of FROM that it is, as it was planned: no node stands for the range yet; or NULL */
    const rdb_relation *relation; /* whose rows the outputs are, all columns, where an expression stands alone; or NULL */
} plan_built;

typedef struct plan_wanted { /* a value that a level needs from the level around it */
    uint32_t parameter_no;
    rdb_expr *expr;          /* in the frame of the level around, prepared */
} plan_wanted;

/* The query that a range stands for, as it was planned: what its columns are inside. */
typedef struct plan_inside {
    struct plan_level *level;
    rdb_expr *const *outputs;
    uint32_t count;
    double rows;
} plan_inside;
typedef struct plan_derived { /* what is known of a column of such a range */
    bool is_known;           /* it was looked for */
    const rdb_statistics *figures;
} plan_derived;

typedef struct plan_rel {    /* one range-table entry that gives rows */
    uint32_t range_no;
    const rdb_range *range;
    int16_t *columns;        /* needed ones, in the order they were met */
    uint16_t column_count, column_capacity;
    rdb_list quals;          /* prepared; this relation's alone */
    double rows, tuples, pages;
    int32_t width;
    plan_built built;        /* SUBQUERY, CTE, FUNCTION, VALUES: planned already */
    bool has_built, is_waiting;
    double groups;           /* of a sub-query: different rows */
    plan_relids lateral;     /* relations whose values it needs */
    uint32_t wanted_count;   /* LATERAL: parameters set from them */
    const plan_wanted *wanted;
    uint32_t scan_no;
    const rdb_plan_sample *sample; /* TABLESAMPLE; arguments are prepared, not yet resolved */
    bool is_expanded, keeps_append;
    rdb_list leaves;         /* plan_rel *: a parent's; plan_append.c */
    rdb_prune_node *prune_root; /* a partitioned table's */
    struct plan_rel *parent; /* of a leaf */
    const int16_t *map;      /* of a leaf: the parent's columns in it; NULL: the same */
    struct plan_index *index_trees; /* by index: its expressions and predicate as of this range; plan_index.c */
    rdb_list *extended_trees; /* by object of CREATE STATISTICS: its expressions; plan_extended.c */
    const plan_inside *inside; /* SUBQUERY, CTE; NULL: not known */
    plan_derived *derived;   /* by column */
    rdb_expr *whole_row, *row_of; /* wanted as one value from the null-extended side of a join: the variable, and what it is made of */
} plan_rel;

typedef struct plan_order { /* one key of an order */
    rdb_expr *expr;          /* prepared; NULL: the column */
    int16_t attribute_no;
    bool is_descending, nulls_first;
    uint32_t collation;      /* of a column */
} plan_order;

/* The order that what stands above FROM could use, and what for: to be sorted by it, or to find groups of equal keys, by hashing or
 * one after the other. */
typedef enum plan_goal { PLAN_GOAL_SORT, PLAN_GOAL_GROUP } plan_goal;
/* From such a cost on plans go by what serves many rows and several threads, where PostgreSQL's costs see next to no difference. */
#define PLAN_LONG_RUN 10000.0
typedef struct plan_want {
    uint8_t goal;            /* plan_goal */
    bool can_sort, can_hash; /* GROUP */
    bool is_final;           /* groups come out as they are asked for: nothing above sorts them */
    const plan_order *order;
    uint32_t count;          /* 0: none */
    uint32_t sort_count;     /* GROUP: keys that the groups are sorted by afterwards */
    double limit;            /* rows that will be asked for; 0: all */
} plan_want;

/* What is asked of a sub-query's window function by a condition on it: rdb_plan_window says more. */
typedef struct plan_run {
    int64_t limit;           /* 0: nothing */
    uint32_t function_oid;
    const rdb_expr *condition;
} plan_run;

typedef struct plan_level {
    planner *p;
    struct plan_level *parent;
    const rdb_query *query;
    plan_rel **rels;         /* by range number; NULL: a join, or not in FROM */
    uint32_t range_count;
    bool is_correlated;      /* reads parameters of levels around it */
    uint32_t wanted_count, wanted_capacity;
    plan_wanted *wanted;
    uint32_t *cte_nos;       /* by position in query->ctes; UINT32_MAX: planned where it is read */
    const char *work_table_name; /* inside the recursive half of this CTE */
    uint32_t work_table_no;
    double tuple_fraction;   /* rows that will be asked for; 0: all */
    plan_run run;
    rdb_list merge_exprs;    /* MERGE: prepared conditions (NULL: none) and values, action after action */
    rdb_list init_plans;     /* numbers of sub-plans that run once for it (uintptr_t) */
    rdb_list known_subplans; /* rdb_expr_subplan * that may be asked for again: of a query that groups, or that columns share */
    rdb_list null_columns;   /* rdb_expr_null_test *: columns that WHERE wants null, as FROM is read */
    rdb_list met_tests;      /* rdb_expr *: conditions of WHERE that an anti-join meets */
    rdb_list equalities;     /* rdb_expr_function *: that hold for all rows of FROM */
    rdb_list or_shares;      /* plan_or_share *: of ORs over several relations, which each join that they meet asks for */
    rdb_list merge_parts;    /* what plan_merge_parts has found, by the addresses of the keys */
    uint32_t outer_range_no; /* while an index scan is sought for the inner side of a loop: the range whose rows the outer side gives as they stand
                              * in its table; 0: none */
    plan_want want;
    uint32_t ordered_count;  /* what FROM gives is in so many keys of the wanted order */
    const plan_order *have;  /* above FROM: the order that rows are in */
    uint32_t have_count;
} plan_level;

/* A join that is not inner: what must stand on its sides before it can be made. left, right: what stands there in the statement. */
typedef struct plan_special {
    uint8_t kind;            /* LEFT, SEMI, ANTI */
    bool is_strict;          /* its condition does not hold for a left row of nulls */
    bool is_delaying;        /* a condition above it, below the next outer join, reads its right side */
    bool keeps_right;        /* ANTI, in the statement a LEFT: its right columns are null, not gone */
    plan_relids min_left, min_right, left, right;
} plan_special;

typedef struct plan_clause {
    rdb_expr *expr;
    plan_relids relids;
    plan_relids required;    /* joined before it can be checked: where it reads what an outer join may make null, that join's too */
    const plan_special *of;  /* part of that join's condition; NULL: it filters rows */
} plan_clause;

/* Inner joins flattened into groups, then the other joins that the search may reorder (plan_search.c). */
typedef enum plan_join_shape { PLAN_SHAPE_REL, PLAN_SHAPE_GROUP, PLAN_SHAPE_OUTER } plan_join_shape;
typedef struct plan_tree {
    uint8_t shape;
    plan_relids relids;
    uint32_t range_no;       /* REL */
    rdb_list items;          /* GROUP: plan_tree * */
    rdb_list classes;        /* GROUP: plan_class *, equalities between its items */
    rdb_list quals;          /* GROUP: conditions over more than one item, or none; OUTER: the join's own */
    rdb_list clauses;        /* GROUP, when flat: plan_clause *, the quals that read a relation */
    rdb_list specials;       /* GROUP, when flat: plan_special * */
    plan_relids inner_joined;/* GROUP, when flat: what its inner joins join */
    uint8_t join_kind;       /* OUTER: LEFT, FULL, SEMI, ANTI */
    bool keeps_right;        /* OUTER: as of a special join */
    plan_relids clause_relids, strict; /* OUTER: of all that stands in its condition; what must not be null for it to hold */
    struct plan_tree *left, *right;
} plan_tree;

typedef struct plan_sorted { /* rows are sorted by it */
    rdb_expr *expr;
    rdb_expr *same;          /* always equal to it; or NULL */
    uint32_t collation;
    bool is_descending, nulls_first;
} plan_sorted;

typedef struct plan_path {
    uint8_t kind;            /* rdb_plan_kind */
    uint8_t join_kind;
    plan_relids relids, needs; /* needs: relations that must stand on the outer side of a nested loop */
    double rows, startup, total; /* for one thread */
    double elapsed;          /* as total; while threads are counted what it takes when they share the work, their rows not gathered yet */
    uint32_t workers;        /* of such threads those that the one which asks starts; 0: the path's rows come in one thread */
    int32_t width;
    plan_rel *rel;
    uint16_t index_no;
    bool is_backward, is_index_only;
    uint16_t equal_columns;  /* index scans: so many first columns are bound to one value each */
    bool is_whole_key;       /* index scans: all of a unique index's are: one row at most */
    rdb_list bounds;         /* plan_match * */
    rdb_list filter;         /* conditions checked at this node */
    rdb_list implied;        /* index scans: further ones, which a partial index's own condition implies */
    struct plan_path *left, *right;
    rdb_list children;       /* APPEND: plan_path *, one for each leaf */
    rdb_list left_keys, right_keys, key_clauses; /* hash joins; key_clauses: the equalities, for EXPLAIN */
    rdb_list condition;      /* join conditions besides the keys */
    bool keeps_right;        /* ANTI: gives its right columns, as nulls */
    bool is_nothing;         /* RESULT: no row, with the columns of left, which is never read */
    bool keeps_inner;        /* joins: a Materialize stands on the right side */
    bool sorts_left, sorts_right; /* MERGE_JOIN */
    const plan_sorted *orders;/* MERGE_JOIN: how the sides are sorted, key by key */
    rdb_list order;          /* plan_sorted *: what the rows are known to be sorted by */
    uint32_t ordered_count;  /* of an order asked for: keys that it gives */
    const plan_order *merged;/* MERGE_APPEND, and an APPEND whose children come in order: what the children are sorted by */
    uint32_t merged_count;
    bool is_sorted;          /* a child of those: by itself, else a Sort stands above it */
    rdb_list parameters;     /* NEST_LOOP: plan_wanted *, values from the left side */
    const struct plan_bitmap *bitmap; /* BITMAP_HEAP_SCAN: where the addresses come from */
    rdb_list used;           /* index scans: conditions that the bounds check */
    double index_cost, index_rows; /* index scans: without the table's pages; entries met */
} plan_path;

typedef struct plan_match { /* a condition that an index can use */
    uint16_t column_no;
    uint8_t strategy;
    bool is_any;             /* value is an array: the column equals one of its elements */
    rdb_expr *value;         /* prepared, of the column's type */
    rdb_expr *clause;
} plan_match;

typedef struct plan_bitmap { /* addresses of rows */
    uint8_t kind;            /* RDB_PLAN_BITMAP_INDEX_SCAN, _AND, _OR */
    uint16_t index_no;
    rdb_list bounds;         /* plan_match * */
    rdb_list children;       /* plan_bitmap * */
    rdb_list used;           /* conditions of the relation that it is made of */
    rdb_list known;          /* what each row at the addresses fulfils: those of used, or what of them the indexes are asked for */
    plan_relids needs;
    double cost, share;      /* share: of the table's rows */
} plan_bitmap;

/* plan.c */
bool plan_query(planner *p, plan_level *parent, const rdb_query *query, plan_level *level, plan_built *built);
bool plan_add_cte(planner *p, uint32_t *cte_no);
bool plan_add_subplan(planner *p, uint32_t *subplan_no);
/* plan_range.c */
bool plan_ctes(plan_level *level);
void plan_own_ctes(rdb_plan_node *node, uint32_t first, uint32_t end);
bool plan_range(plan_level *level, uint32_t range_no);
/* Sub-queries and the like of FROM, when the whole range table is known. */
bool plan_built_range(plan_level *level, plan_rel *rel);
/* Those that wait until their conditions are known. */
bool plan_waiting_ranges(plan_level *level);
rdb_expr **plan_range_outputs(planner *p, const rdb_range *range, uint32_t range_no, uint32_t count);
/* plan_set.c */
bool plan_set_operation(plan_level *level, const rdb_set_operation *operation, plan_built *built);
const rdb_set_operation *plan_leftmost(const rdb_set_operation *operation);
rdb_plan_key plan_key(uint32_t slot_no, const rdb_expr *expr);
/* Rows that LIMIT and OFFSET ask for, as a guess where they are no constants; 0: all. */
double plan_limit_of(planner *p, const rdb_query *query);
/* The query with each member of its UNION ALL asking for the order that is asked of all, so that they can be merged; the query itself
 * where that is not to be had. */
const rdb_query *plan_order_members(planner *p, const rdb_query *query);
/* Does the query give the rows of the one thing that it reads, but for those that its conditions leave out? */
bool plan_passes_rows(const rdb_query *query);
/* Are members merged, one of which at least comes in its order without a sort? */
bool plan_merges_members(const rdb_plan_node *node);
bool plan_distinct_hash(plan_level *level, plan_built *built, uint32_t count, const uint32_t *collations);
/* DISTINCT of the first count columns, which are all: by hashing, or sorted as the query asks for it. */
bool plan_distinct_rows(plan_level *level, plan_built *built, uint32_t count);
/* plan_group.c */
bool plan_aggregation(plan_level *level, plan_built *built, rdb_expr **targets, const rdb_list *having);
/* GROUP BY's and DISTINCT's items, ORDER BY's first as far as they are the same: so that one sort serves both. */
rdb_list plan_group_items(planner *p, const rdb_query *query);
rdb_list plan_distinct_items(planner *p, const rdb_query *query);
/* One with DISTINCT or ORDER BY inside, for which groups are not hashed. */
bool plan_has_ordered_aggregates(const rdb_query *query, rdb_expr *const *targets);
const rdb_target *plan_find_target(const rdb_list *targets, uint32_t ref, uint32_t *position);
/* plan_move.c */
typedef enum plan_move_mode {
    PLAN_MOVE_LIFT,    /* one level out: own ranges are numbered on by offset */
    PLAN_MOVE_RAISE,   /* levels further in */
    PLAN_MOVE_REPLACE  /* columns of ranges become the targets that stand for them */
} plan_move_mode;
typedef struct plan_mover {
    planner *p;
    plan_move_mode mode;
    uint32_t depth;    /* queries entered on the way */
    uint32_t offset, levels;
    const rdb_list *const *replaced; /* by range number: rdb_target *, or NULL */
    uint32_t replaced_count;
    bool failed;       /* the tree must stay as it was */
} plan_mover;
rdb_expr *plan_move_expr(plan_mover *m, rdb_expr *expr); /* NULL for NULL */
rdb_list plan_move_targets(plan_mover *m, const rdb_list *targets);
rdb_range *plan_move_range(plan_mover *m, const rdb_range *range);
rdb_from *plan_move_from(plan_mover *m, const rdb_from *from);
void plan_move_query_parts(plan_mover *m, rdb_query *query);
/* plan_pullup.c: the query with its simple sub-queries taken apart; the same query where there are none. A join of FROM without a
 * right side is its left side, filtered. */
const rdb_query *plan_pull_up(planner *p, const rdb_query *query);
rdb_from *plan_join_items(planner *p, const rdb_list *items);
bool plan_refers_outward(const rdb_query *query); /* to the level around it */
bool plan_cte_is_inlined(const rdb_cte *cte);
/* plan_pushdown.c: the query of a range of FROM with those of the range's conditions that can be checked inside it. */
const rdb_query *plan_push_down(plan_level *level, plan_rel *rel, const rdb_query *query);
void plan_move_having(plan_level *level, rdb_list *having, rdb_list *where);
/* A condition of the range's that its window function, which only grows, answers: taken off the range where it says all of it. */
plan_run plan_take_run(plan_level *level, plan_rel *rel, const rdb_query *query);
/* plan_drop.c */
const rdb_query *plan_drop_joins(planner *p, const rdb_query *query);
/* Has the range one row at most for each value of these columns (numbers as uintptr_t)? */
bool plan_range_is_unique(planner *p, const rdb_range *range, const rdb_list *columns);
/* Is the index whole, and does it know all that the snapshots of the plan's runs see? What the answer rests on is noted in the plan. */
bool plan_index_counts(planner *p, const rdb_relation_index *index);
/* plan_semijoin.c */
const rdb_query *plan_join_sublinks(planner *p, const rdb_query *query);
bool plan_is_plain(const rdb_query *query, bool *is_correlated);                    /* tables read and filtered, correlated in WHERE at most */
const rdb_query *plan_without_show(planner *p, const rdb_query *query);            /* what EXISTS looks at */
void plan_split(planner *p, rdb_expr *expr, rdb_list *conjuncts);
rdb_expr *plan_and(planner *p, rdb_expr *left, rdb_expr *right);                   /* NULL: nothing */
/* plan_exists.c: EXISTS as a test of hashed rows; NULL: it is none. */
rdb_expr *plan_exists_as_any(planner *p, const rdb_expr_sublink *link);
/* plan_class.c */
typedef struct plan_class_member {
    rdb_expr *expr;
    plan_relids relids;
} plan_class_member;
typedef struct plan_class {
    uint32_t operator_oid, input_collation; /* the "=" that all its equalities are of */
    rdb_list members;        /* plan_class_member * */
    rdb_list clauses;        /* the equalities, as the statement has them */
    rdb_expr *constant;      /* a member that reads no range; or NULL */
} plan_class;
/* Takes equalities of three and more expressions out of the conditions into classes; what a constant binds comes back as conditions. */
bool plan_make_classes(planner *p, rdb_list *conditions, rdb_list *classes);
/* The clauses that make members inside one item equal, and the one that joins two sets. */
void plan_class_clauses_within(planner *p, const plan_class *class, plan_relids item, rdb_list *clauses);
void plan_class_clauses_new(planner *p, const plan_class *class, plan_relids left, plan_relids right, rdb_list *clauses);
void plan_class_clause_between(planner *p, const plan_class *class, plan_relids left, plan_relids right, rdb_list *clauses);
/* plan_qual.c: may it be evaluated more than once, or earlier than it stands? */
bool plan_is_free_to_move(const rdb_expr *expr);
/* Does it call a volatile function? Those of sub-queries not planned yet count; planned ones are not looked into. */
bool plan_calls_volatile(const rdb_expr *expr);
bool plan_query_calls_volatile(const rdb_query *query);
/* An AND's parts, and what its ORs have in common; true constants left out. */
void plan_split_conjuncts(planner *p, rdb_expr *expr, rdb_list *conjuncts);
/* plan_prepare.c */
bool plan_prepare(plan_level *level, rdb_expr *expr, rdb_expr **prepared);
bool plan_prepare_conjuncts(plan_level *level, rdb_expr *expr, rdb_list *conjuncts);
bool plan_parametrise(planner *p, rdb_expr *expr, bool keeps_subplans, rdb_expr **result, rdb_list *arguments, uint32_t **numbers, uint32_t *used, uint32_t room);
plan_relids plan_relids_of(const rdb_expr *expr);
/* Wraps *expr in the implicit cast to type; false where there is none. */
bool plan_cast_to(planner *p, rdb_expr **expr, const rdb_type *type);
void plan_need_column(plan_level *level, uint32_t range_no, int16_t attribute_no);
rdb_expr *plan_make_var(planner *p, uint32_t range_no, int16_t attribute_no, const rdb_type *type, int32_t typmod, uint32_t collation);
rdb_expr *plan_make_param(planner *p, const rdb_expr *like, uint32_t *param_no);
const rdb_type *plan_column_type(plan_level *level, uint32_t range_no, int16_t attribute_no, int32_t *typmod, uint32_t *collation);
/* Slots for what equals an output; false with XX000 where a column is not among them. */
bool plan_resolve(planner *p, const plan_built *built, rdb_expr *expr, rdb_expr **resolved);
bool plan_resolve_list(planner *p, const plan_built *built, const rdb_list *exprs, rdb_list *resolved);
bool plan_contains_set(const rdb_expr *expr);
/* plan_join.c */
/* order: of one relation's columns, which an index may give; count 0: none wanted. limit: rows that will be asked for, 0: all. */
bool plan_base_path(plan_level *level, plan_rel *rel, plan_path **out);
bool plan_from(plan_level *level, rdb_list *where, plan_built *built);
/* plan_path.c: fills the order of an index scan. */
void plan_note_order(plan_level *level, plan_path *path);
/* plan_minmax.c: min and max of a whole table as sub-queries that read one row of an index; else the same query. */
const rdb_query *plan_min_max(planner *p, const rdb_query *query);
/* plan_order.c */
bool plan_can_sort(const rdb_type *type);
bool plan_can_hash(const rdb_type *type);
/* What grouping adds to reading its input, by hashing. */
double plan_hash_group_cost(const planner *p, double rows, double groups, double width, uint32_t keys);
/* Of rows that come in so many keys of the wanted order, for what they are wanted for; *sorts: by sorting, not by hashing. */
double plan_goal_cost(plan_level *level, uint32_t ordered, double rows, double width, double startup, double total, bool *sorts);
uint32_t plan_path_order(const plan_path *path, const plan_order *order, uint32_t count);
/* The path of FROM that serves what stands above it best. rel: the only relation of FROM; NULL: there are more. */
bool plan_choose_order(plan_level *level, plan_rel *rel, plan_path **path);
void plan_begin_order(plan_level *level);
/* Is sorting by expr settled by what rows are sorted by before, or by a constant that it equals? */
bool plan_key_is_settled(const plan_level *level, const rdb_expr *expr, const plan_order *before, uint32_t count);
/* Keys over built's columns. Nothing is added where the rows are in that order. */
bool plan_sort_by(plan_level *level, plan_built *built, const rdb_plan_key *keys, uint32_t count, double limit);
/* The rows that ctid = value, or one of some values, names; NULL: no condition does. */
plan_path *plan_tid_path(plan_level *level, plan_rel *rel);
/* Those in the blocks that bounds on ctid leave; NULL: there is none. */
plan_path *plan_tid_range_path(plan_level *level, plan_rel *rel);
/* The comparison of one column of a comparison of rows. */
rdb_expr *plan_row_part(planner *p, const rdb_expr *clause, uint32_t part);
/* plan_cost.c: index scans that give the first keys of an order, at least one: plan_path *, with ordered_count. */
bool plan_index_orders(plan_level *level, plan_rel *rel, const plan_order *order, uint32_t count, rdb_list *paths);
rdb_expr *plan_facing(planner *p, rdb_expr *clause, plan_relids left);
/* plan_path.c: ways to join two sets of relations. */
typedef struct plan_set {    /* relations joined, and the cheapest way to do so */
    plan_relids relids;
    double rows;
    int32_t width;
    plan_path *cheapest;
    rdb_list ordered;        /* plan_path *: dearer ones that give an order of use */
} plan_set;
typedef struct plan_joining {/* left kind right */
    uint8_t kind;
    bool keeps_right;
    const plan_set *left, *right;
    rdb_list on, filter;     /* rdb_expr *: the join's condition, and what its rows must meet */
} plan_joining;
typedef struct plan_partners { /* how soon a left row that has a partner meets it */
    bool stops;              /* at the first one */
    double share;            /* of left rows with a partner */
    double looked_at;        /* of the right side, until one is met */
} plan_partners;
typedef struct plan_joiner {
    plan_level *level;
    plan_set *set;           /* where the paths go */
    const plan_joining *j;
    plan_path *left, *right;
    rdb_list left_keys, right_keys, key_clauses, rest; /* the equalities of its condition, and what else there is */
    plan_partners partners;
    double rows;             /* before the filter */
} plan_joiner;
/* Of checking them all for one row. */
double plan_quals_cost(const planner *p, const rdb_list *quals);
plan_path *plan_new_join(const plan_joiner *s, rdb_plan_kind kind);
void plan_add_path(plan_level *level, plan_set *set, plan_path *path);
/* Has it no rows, whatever the tables have? A path that has none, with the columns of another one. */
bool plan_gives_nothing(const plan_path *path);
bool plan_is_cut_short(const plan_path *path);
plan_path *plan_nothing(plan_level *level, plan_path *shape);
/* plan_merge.c */
void plan_sort_cost(planner *p, double rows, int32_t width, double input, double *startup, double *total);
void plan_add_merges(plan_joiner *s);
bool plan_path_is_cheaper(const plan_path *path, const plan_path *than);
double plan_clamp_rows(double rows);
/* The relation's index paths that give the order of one of the expressions. */
bool plan_add_ordered_paths(plan_level *level, plan_set *set, plan_rel *rel, const rdb_list *exprs);
double plan_joined_rows(plan_level *level, const plan_joining *joining);
/* Adds the ways to join them to the set; it stays as it was where there is none. */
bool plan_add_join_paths(plan_level *level, plan_set *set, const plan_joining *joining);
/* plan_search.c */
bool plan_flatten(plan_level *level, plan_tree *group);
bool plan_group_path(plan_level *level, plan_tree *group, plan_path **out);
/* plan_build.c */
bool plan_build_path(plan_level *level, plan_path *path, plan_built *built);
/* plan_index_cost.c: sizes of tables, in PostgreSQL's pages, and what reading through an index costs. */
double plan_pages(const rdb_storage *storage, uint64_t blocks);
int32_t plan_type_width(const rdb_type *type, int32_t typmod);
int32_t plan_column_width(const rdb_relation *relation, int16_t attribute_no);
bool plan_estimate_size(plan_level *level, plan_rel *rel); /* fills pages, tuples, width */
typedef struct plan_index_read {
    const plan_rel *rel;
    double index_pages;
    double entries, share;   /* of the index met between the bounds; of the table fetched */
    double scans;            /* of the index: elements of an array; 1: one */
    double loops;            /* how often it is read anew, by a loop around it; 1: once */
    double correlation;
    bool index_in_step, table_in_step; /* each turn of the loop reads the pages next to those of the turn before: of the index, of the table */
    bool is_index_only;      /* the table is read where not all see a page */
    uint32_t bound_count;
    const rdb_list *filter;
} plan_index_read;
double plan_array_items(const rdb_expr *array); /* so many elements, or what is taken for that */
void plan_index_cost(plan_level *level, const plan_index_read *read, double *startup, double *total, double *index_cost /* without the table */);
double plan_pages_fetched(double rows, double pages, double index_pages);
/* plan_index.c: expressions and predicates of indexes, read where they are first asked for. */
typedef struct plan_index {
    bool is_read;
    rdb_list expressions;    /* rdb_expr *: of the expression columns, in order */
    rdb_list predicate;      /* rdb_expr *: all of them hold for each entry's row; empty: a whole index */
} plan_index;
/* An expression kept in the catalogs, or made, over range 1: over rel's columns, folded. */
bool plan_read_tree(plan_level *level, plan_rel *rel, const char *text, rdb_expr **expr);
rdb_expr *plan_own_tree(plan_level *level, plan_rel *rel, rdb_expr *expr); /* NULL: an error is set */
bool plan_index_trees(plan_level *level, plan_rel *rel, uint16_t index_no, const plan_index **trees);
/* The expression of a key column; NULL where it is a plain one. */
const rdb_expr *plan_index_key(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no);
/* Do the conditions hold for no row that the index leaves out? */
/* Does the clause hold for all that the index has? Never where a row may be looked at again in a newer version. */
bool plan_predicate_implies(plan_level *level, const rdb_expr *clause, const plan_index *trees);
bool plan_implies_predicate(plan_level *level, const rdb_list *clauses, const plan_index *trees);
/* plan_node.c */
rdb_plan_node *plan_new_node(planner *p, rdb_plan_kind kind, const plan_built *left, const plan_built *right);
/* A node for a sub-query of FROM, which EXPLAIN then names. */
rdb_plan_node *plan_subquery_scan(planner *p, const plan_built *built);
void plan_set_inputs(planner *p, rdb_plan_node *node, rdb_expr *const *exprs, uint32_t count);
bool plan_project(planner *p, plan_built *built, rdb_expr *const *exprs, const rdb_list *targets, uint32_t count);
bool plan_inner_sets(planner *p, plan_built *built, rdb_expr *const *exprs, uint32_t count, bool all_of_them);
/* Makes sure that each expression is a column; appends those that are not. slots[i]: where. */
bool plan_ensure_columns(planner *p, plan_built *built, rdb_expr *const *exprs, uint32_t count, uint32_t *slots);
plan_built plan_identity(planner *p, rdb_plan_node *node, rdb_expr *const *outputs, uint32_t count);
/* plan_figures.c: what is known of an expression's values. */
typedef struct plan_subject {
    plan_rel *rel;                 /* NULL: no column of one relation */
    const rdb_statistics *figures; /* NULL: not known */
    const rdb_type *type;
    uint32_t collation;
    bool is_unique;
    bool is_column;
    double distinct;               /* an expression that an index has: as many values as the column that it is made of; 0: not known */
} plan_subject;
plan_subject plan_examine(plan_level *level, const rdb_expr *expr);
const rdb_expr *plan_strip(const rdb_expr *expr); /* without changes of label */
/* plan_memoize.c: puts a cache over the built inner side of a nested loop, where it pays. wanted: plan_wanted *, what it reads. */
void plan_memoize(plan_level *level, const plan_path *loop, const rdb_list *wanted, plan_built *right);
/* plan_extended.c. of: as below. is_estimated: the clauses that are taken care of; those that cannot be are left. */
plan_rel *plan_extended_rel(plan_level *level, const rdb_list *clauses);
double plan_extended_and(plan_level *level, plan_rel *rel, const plan_rel *of, const rdb_list *clauses, bool *is_estimated);
double plan_extended_or(plan_level *level, plan_rel *rel, const plan_rel *of, const rdb_list *clauses, bool *is_estimated);
/* How many different values several expressions of a relation have together: of as many as possible that are not counted yet. False: nothing
 * is known. */
bool plan_extended_distinct(plan_level *level, plan_rel *rel, rdb_expr *const *exprs, bool *is_counted, uint32_t count, double *distinct);
const rdb_statistics *plan_extended_figures(plan_level *level, plan_rel *rel, const rdb_expr *expr); /* NULL: none */
/* plan_qual.c: the expression as an operator between two operands, or NULL; is it the equality of an ordered operator class? */
const rdb_expr_function *plan_comparison(const rdb_expr *clause);
rdb_expr *plan_bool_of(planner *p, rdb_bool_kind kind, const rdb_list *arguments); /* AND or OR of them; of one: itself */
bool plan_is_equality(planner *p, const rdb_expr *clause);
/* A condition over expressions whose values are given. */
typedef struct plan_fill {
    const rdb_expr *expr;
    rdb_datum value;
    bool is_null;
} plan_fill;
typedef enum plan_answer { PLAN_FAILS, PLAN_HOLDS, PLAN_UNKNOWN /* it reads more than that */ } plan_answer;
bool plan_value_of(planner *p, const rdb_expr *expr, const plan_fill *fills, uint32_t count, rdb_datum *value, bool *is_null); /* false: likewise */
plan_answer plan_ask(planner *p, const rdb_expr *clause, const plan_fill *fills, uint32_t count);
double plan_subject_distinct(const plan_subject *s, bool *is_guess); /* plan_selectivity.c: different values of it */
/* plan_selectivity.c: shares of rows, 0 to 1. of: the relation whose rows a condition chooses among, all else being known; NULL:
 * whichever it speaks of. */
double plan_selectivity(plan_level *level, const rdb_expr *clause);
double plan_selectivity_of(plan_level *level, const plan_rel *of, const rdb_expr *clause);
double plan_selectivity_list(plan_level *level, const plan_rel *of, const rdb_list *clauses);
double plan_selectivity_apart(plan_level *level, const plan_rel *of, const rdb_list *clauses); /* as if columns did not depend on each other */
/* Of a join's pairs of rows; SEMI and ANTI: of the left rows, those with a partner among right_rows. */
/* Of a join's conditions together. Those that compare all columns of a unique key of several ones with another relation's are one condition:
 * each row there has one partner, as a reference has; their single shares would be multiplied as if the columns had nothing to do with
 * each other. */
double plan_join_selectivity(plan_level *level, const rdb_list *clauses, plan_relids left_ids, uint8_t join_kind, double right_rows);
/* The same for conditions on one relation, some of them by others' values. */
double plan_key_selectivity(plan_level *level, const plan_rel *of, const rdb_list *clauses);
/* Distinct values among so many rows; groups of rows by several expressions. */
double plan_distinct(plan_level *level, const rdb_expr *expr, double rows);
/* Of the rows of two sorted sides, the shares where reading them side by side begins and ends. */
typedef struct plan_merge_part {
    double left_begin, left_end, right_begin, right_end;
} plan_merge_part;
plan_merge_part plan_merge_parts(plan_level *level, const rdb_expr *left, const rdb_expr *right);
/* Of the rows that a hash table of so many buckets is given, those in the bucket where one is looked up. */
double plan_bucket_share(plan_level *level, const rdb_expr *expr, double buckets);
double plan_group_count(plan_level *level, rdb_expr *const *exprs, uint32_t count, double rows);
bool plan_index_paths(plan_level *level, plan_rel *rel, const rdb_list *clauses, plan_relids outer, plan_path **best);
/* The scan of one index by these clauses; *path NULL: it serves none. */
bool plan_index_path(plan_level *level, plan_rel *rel, uint16_t index_no, const rdb_list *clauses, plan_relids outer, plan_path **path);
/* Do the index's keys give back all columns that are read of the relation? */
bool plan_index_covers(const plan_rel *rel, uint16_t index_no);
/* Is the expression a key column of the index? */
bool plan_is_index_key(plan_level *level, plan_rel *rel, uint16_t index_no, uint16_t column_no, const rdb_expr *expr);
double plan_index_correlation(const plan_rel *rel, uint16_t index_no);
/* plan_bitmap.c: the cheapest scan by addresses from indexes; *best NULL: there is none. */
bool plan_bitmap_path(plan_level *level, plan_rel *rel, const rdb_list *clauses, plan_relids outer, plan_path **best);
/* The cheapest index scan that gives the rows in this order; *best NULL: there is none. */
/* plan_prefix.c: appends what a pattern with fixed characters in front implies, for indexes that order by bytes. */
RDB_CHECKED bool plan_pattern_bounds(planner *p, const rdb_expr *clause, rdb_list *clauses);
bool plan_ordered_path(plan_level *level, plan_rel *rel, const plan_order *order, uint32_t order_count, plan_path **best);
/* plan_modify.c */
bool plan_modify(planner *p, plan_level *level, plan_built *built);
/* UPDATE, DELETE: identity of the row and its old columns, which the modify node reads. */
bool plan_modify_columns(plan_level *level, rdb_list *extra);
/* plan_cost figures, PostgreSQL's defaults */
#define COST_SEQ_PAGE 1.0
#define COST_RANDOM_PAGE 4.0
#define COST_TUPLE 0.01
#define COST_INDEX_TUPLE 0.005
#define COST_OPERATOR 0.0025

/* ---- plan_parallel.c: Gather over what several threads may do, in a plan that is otherwise made. What the plan costs then, its sub-selects
 * and WITH items with it. */
double plan_share_work(planner *p);
/* Fills workers and elapsed of a path that is otherwise complete, as are those below it. */
void plan_note_elapsed(plan_level *level, plan_path *path);

#endif
