/* SPDX-License-Identifier: Apache-2.0
 * Room expr: expressions compiled to flat programs over vectors, and the functions that need catalog or session.
 *
 * A program evaluates a list of expressions over the rows of a batch. It is compiled once (constants folded, registers
 * laid out) and run many times without allocating: values of variable length go to the run's arena, everything else to
 * registers of the program. Strict functions see only rows without null arguments; AND, OR, CASE, COALESCE narrow the
 * selection that their later parts see, so no row is computed that SQL says is not (R38). A program with a volatile
 * function runs row by row.
 *
 * The room reads the analysed tree's types (sql/rdb_query.h) and links nothing of the rooms above it. */
#ifndef RDB_EXPR_H
#define RDB_EXPR_H

#include "sql/rdb_query.h"
#include "task/rdb_task.h"

typedef struct rdb_parameter {
    rdb_datum value;
    bool is_null;
    uint32_t type_oid;
} rdb_parameter;

struct rdb_eval;
/* Answers a sub-plan for one row: its EXECUTION parameters are set. SCALAR: *value; EXISTS: a bool; ARRAY: an array; ANY and
 * ALL: a bool, may be null. Bytes live in eval->arena. */
typedef bool (*rdb_subplan_run)(void *owner, const rdb_expr_subplan *subplan, rdb_arena *arena, rdb_datum *value, bool *is_null, rdb_error *err);

/* What expressions of one statement are evaluated with: one an execution. Wherever a kernel sees call->session, it is this.
 * Folding at plan and analysis time hands down one without txn's snapshot and parameters. */
typedef struct rdb_eval {
    rdb_access *access;
    rdb_txn *txn;
    const rdb_snapshot *snapshot;
    const rdb_format_settings *format;
    int64_t statement_us, transaction_us;
    rdb_cancel *cancel;
    const rdb_parameter *parameters;  /* EXTERNAL */
    uint32_t parameter_count;
    rdb_parameter *execution_values;  /* EXECUTION */
    uint32_t execution_count;
    rdb_subplan_run run_subplan;
    void *subplan_owner;
    void *session;                    /* the session room's own */
    const char *session_user, *current_user, *database_name;
    int64_t lock_timeout_us;
    struct rdb_routine_site **routines; /* called within this execution, for its end to close; NULL: nothing is kept (rdb_routine.h) */
    uint32_t routine_depth;             /* routines that this statement runs inside of */
} rdb_eval;

/* WHERE CURRENT OF: the row of a table that a cursor stands on, and the relation that row is of (a child of the table). Set once
 * at start by the room that has the cursors. *found false: the row on which it stands is not of that table. */
typedef bool (*rdb_cursor_row)(const rdb_eval *eval, const char *cursor, uint32_t table_oid, rdb_datum *tid, uint32_t *relation_oid, rdb_error *err);
void rdb_expr_set_cursor_row(rdb_cursor_row find);

typedef struct rdb_program rdb_program;
/* Compiles expressions whose columns are slots (rdb_plan_make_expr makes them of analysed ones). The program and its
 * registers live in arena. eval: for folding constants; may lack all but access and format. */
RDB_CHECKED bool rdb_program_compile(rdb_program **program, rdb_arena *arena, rdb_eval *eval, rdb_expr *const *exprs, uint32_t expr_count, rdb_error *err);
/* Evaluates all expressions for the selected rows of input (NULL: no columns). Results: rdb_program_result, valid until the
 * next run or the reset of arena. False: err is set and the first *good_count positions of the selection are computed, in
 * every expression. */
RDB_CHECKED bool rdb_program_run(rdb_program *program, rdb_eval *eval, rdb_arena *arena, const rdb_batch *input, const rdb_selection *selection, uint32_t *good_count, rdb_error *err);
rdb_vector *rdb_program_result(const rdb_program *program, uint32_t expr_no);
/* Keeps the rows for which every expression (AND'ed) is true. kept has room for selection->count rows. False: err is set,
 * and kept holds those before the bad row. */
RDB_CHECKED bool rdb_program_filter(rdb_program *program, rdb_eval *eval, rdb_arena *arena, const rdb_batch *input, const rdb_selection *selection, uint32_t *kept, uint32_t *kept_count, rdb_error *err);
/* One expression without columns: LIMIT, index bounds, defaults. */
RDB_CHECKED bool rdb_program_value(rdb_program *program, rdb_eval *eval, rdb_arena *arena, uint32_t expr_no, rdb_datum *value, bool *is_null, rdb_error *err);
bool rdb_program_is_volatile(const rdb_program *program);

/* ---- trees ---------------------------------------------------------------------------------------------------------------
 * A copy of the node with each direct child replaced by map(child); the node itself where no child changed. Of a sublink the
 * children are left's expressions and test, never the query. NULL: map gave NULL for a child. */
rdb_expr *rdb_expr_map_children(rdb_arena *arena, rdb_expr *expr, rdb_expr *(*map)(void *context, rdb_expr *child), void *context);
/* The same structure, whatever the locations. Whether the queries of two sublinks are equal, the room of queries knows, which
 * says so once at start; before, sublinks are equal only where they are one and the same node. */
bool rdb_expr_equal(const rdb_expr *left, const rdb_expr *right);
typedef bool (*rdb_expr_query_equality)(const struct rdb_query *left, const struct rdb_query *right);
void rdb_expr_set_query_equality(rdb_expr_query_equality equality);

/* Made of built-in immutable functions over plain values, columns, constants and parameters: neither waits nor looks anything up, so it
 * may run in any thread. is_brief: nor takes long, so it may run under a latch. */
bool rdb_expr_is_simple(const rdb_expr *expr, bool is_brief);
/* The same with sub-selects whose value is known before, as the caller says of each. */
bool rdb_expr_is_simple_but(const rdb_expr *expr, bool (*is_known)(void *context, const rdb_expr_subplan *subplan), void *context);

/* Folds what is constant and immutable; the tree is copied where it changes. For the planner and the analyser. */
RDB_CHECKED bool rdb_expr_fold(rdb_arena *arena, rdb_eval *eval, rdb_expr *expr, rdb_expr **folded, rdb_error *err);
/* v, s or i: the most volatile function in it. */
char rdb_expr_volatility(const rdb_expr *expr);

/* A value's text as its output function gives it, and back. Text in arena, terminated. */
RDB_CHECKED bool rdb_expr_value_to_text(rdb_eval *eval, rdb_arena *arena, const rdb_type *type, rdb_datum value, const char **text, rdb_error *err);
RDB_CHECKED bool rdb_expr_value_from_text(rdb_eval *eval, rdb_arena *arena, const rdb_type *type, int32_t typmod, rdb_slice text, rdb_datum *value, rdb_error *err);

/* A type as format_type prints it: with its schema where search_path would find another type or none. */
RDB_CHECKED bool rdb_expr_format_type(rdb_access *access, const rdb_type *type, int32_t typmod, bool with_typmod, rdb_strbuf *text, rdb_error *err);
/* A collation's name; *schema: only where the name alone would not find it. *name NULL: there is none. */
RDB_CHECKED bool rdb_expr_collation_name(rdb_access *access, rdb_arena *arena, uint32_t oid, const char **schema, const char **name, rdb_error *err);

/* Who reads stored trees (the CHECKs of domains): the room above, once at start. */
typedef bool (*rdb_expr_tree_reader)(rdb_arena *arena, rdb_access *access, const char *text, rdb_expr **expr, rdb_error *err);
void rdb_expr_set_tree_reader(rdb_expr_tree_reader reader);
/* Registers this room's kernels (catalog lookups, current_user, version, ...); once at start. */
void rdb_expr_register_kernels(void);
static inline rdb_eval *rdb_eval_of(const rdb_call *call)
{
    return (rdb_eval *)call->session;
}

#endif
