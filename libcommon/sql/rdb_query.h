/* SPDX-License-Identifier: Apache-2.0
 * The analysed tree: what the analyser makes of a raw tree, the rewriter changes, the planner plans, views and defaults
 * store, and the deparser prints (R45). It keeps what PostgreSQL's Query keeps, in the same shape where clients can see it.
 * Objects stand as OIDs and attribute numbers, never as text. Trees live in one arena and are immutable once made;
 * a walk over one is limited in depth (54001, RDB_TREE_DEPTH_MAX). */
#ifndef RDB_QUERY_H
#define RDB_QUERY_H

#include "catalog/rdb_catalog.h"
#include "sql/rdb_ast.h"

#define RDB_TREE_DEPTH_MAX 5000

typedef struct rdb_query rdb_query;
typedef struct rdb_expr rdb_expr;

typedef enum rdb_expr_kind {
    RDB_EXPR_CONST = 1, RDB_EXPR_VAR, RDB_EXPR_PARAM, RDB_EXPR_FUNCTION, RDB_EXPR_ARRAY_OP, RDB_EXPR_BOOL, RDB_EXPR_CASE,
    RDB_EXPR_CASE_TEST, RDB_EXPR_COALESCE, RDB_EXPR_MINMAX, RDB_EXPR_NULLIF, RDB_EXPR_DISTINCT, RDB_EXPR_NULL_TEST,
    RDB_EXPR_BOOL_TEST, RDB_EXPR_RELABEL, RDB_EXPR_COERCE_IO, RDB_EXPR_ARRAY_COERCE, RDB_EXPR_COERCE_DOMAIN,
    RDB_EXPR_DOMAIN_VALUE, RDB_EXPR_ARRAY, RDB_EXPR_ROW, RDB_EXPR_ROW_COMPARE, RDB_EXPR_FIELD, RDB_EXPR_SUBSCRIPT,
    RDB_EXPR_SUBLINK, RDB_EXPR_AGGREGATE, RDB_EXPR_WINDOW, RDB_EXPR_GROUPING, RDB_EXPR_SQL_VALUE, RDB_EXPR_NEXT_VALUE,
    RDB_EXPR_DEFAULT, RDB_EXPR_ROW_CONVERT,
    RDB_EXPR_SLOT,   /* planner's own: a column of the operator's input, see rdb_plan.h */
    RDB_EXPR_SUBPLAN /* planner's own: a sublink that has its plan */
} rdb_expr_kind;

/* How a coercion or call was written, for the deparser. */
typedef enum rdb_call_form { RDB_FORM_CALL, RDB_FORM_OPERATOR, RDB_FORM_EXPLICIT_CAST, RDB_FORM_IMPLICIT_CAST, RDB_FORM_SQL_SYNTAX } rdb_call_form;

struct rdb_expr { /* the head of each node below */
    uint8_t kind; /* rdb_expr_kind */
    int32_t location; /* byte offset in the statement, -1: none */
    const rdb_type *type;
    int32_t typmod;
    uint32_t collation;
};
#define RDB_EXPR_HEAD rdb_expr head

typedef struct rdb_expr_const { RDB_EXPR_HEAD; rdb_datum value; bool is_null; } rdb_expr_const;
/* Column attribute_no (0: the whole row, negative: RDB_COLUMN_*) of range-table entry range_no (from 1), levels_up queries out. */
typedef struct rdb_expr_var { RDB_EXPR_HEAD; uint32_t range_no; int16_t attribute_no; uint16_t levels_up; const struct rdb_range *range; /* the entry itself, for the deparser; NULL in trees read back */ } rdb_expr_var;
typedef enum rdb_param_kind { RDB_PARAM_EXTERNAL /* $n */, RDB_PARAM_EXECUTION /* set by Apply or a sublink's operator */ } rdb_param_kind;
typedef struct rdb_expr_param { RDB_EXPR_HEAD; uint8_t param_kind; uint32_t param_no; /* from 1 */ const rdb_expr *origin; /* EXECUTION: what it is the value of, for EXPLAIN */ } rdb_expr_param;
/* Functions, operators and casts by function. operator_oid 0: not written as an operator. */
typedef struct rdb_expr_function {
    RDB_EXPR_HEAD;
    const rdb_function *function;
    uint32_t operator_oid, input_collation;
    uint8_t form; /* rdb_call_form */
    bool is_variadic; /* written VARIADIC: the last argument is an array */
    bool returns_set;
    rdb_list arguments; /* rdb_expr *; defaults filled in, VARIADIC collected */
} rdb_expr_function;
typedef struct rdb_expr_array_op { /* left op ANY/ALL (array) */
    RDB_EXPR_HEAD; const rdb_function *function; uint32_t operator_oid, input_collation; bool use_or; rdb_expr *left, *right;
} rdb_expr_array_op;
typedef enum rdb_bool_kind { RDB_BOOL_AND, RDB_BOOL_OR, RDB_BOOL_NOT } rdb_bool_kind;
typedef struct rdb_expr_bool { RDB_EXPR_HEAD; uint8_t bool_kind; rdb_list arguments; } rdb_expr_bool;
typedef struct rdb_case_when { rdb_expr *condition, *result; } rdb_case_when;
typedef struct rdb_expr_case { RDB_EXPR_HEAD; rdb_expr *argument; /* NULL: searched CASE; conditions use CASE_TEST for it */ rdb_list whens; rdb_expr *otherwise; } rdb_expr_case;
typedef struct rdb_expr_case_test { RDB_EXPR_HEAD; } rdb_expr_case_test;       /* the value of the innermost CASE argument or array element */
typedef struct rdb_expr_list { RDB_EXPR_HEAD; rdb_list arguments; uint32_t input_collation; bool is_least; } rdb_expr_list; /* COALESCE, MINMAX */
typedef struct rdb_expr_pair { /* NULLIF, DISTINCT (IS DISTINCT FROM): function is the = operator's */
    RDB_EXPR_HEAD; const rdb_function *function; uint32_t operator_oid, input_collation; rdb_expr *left, *right;
} rdb_expr_pair;
typedef struct rdb_expr_null_test { RDB_EXPR_HEAD; rdb_expr *argument; bool is_not; bool argument_is_row; } rdb_expr_null_test;
typedef enum rdb_bool_test { RDB_IS_TRUE, RDB_IS_NOT_TRUE, RDB_IS_FALSE, RDB_IS_NOT_FALSE, RDB_IS_UNKNOWN, RDB_IS_NOT_UNKNOWN } rdb_bool_test;
typedef struct rdb_expr_bool_test { RDB_EXPR_HEAD; rdb_expr *argument; uint8_t test; } rdb_expr_bool_test;
/* RELABEL (binary compatible), COERCE_IO (text out, text in), COERCE_DOMAIN (checks), FIELD (of a row), ROW_CONVERT. */
typedef struct rdb_expr_unary { RDB_EXPR_HEAD; rdb_expr *argument; uint8_t form; int16_t field_no; } rdb_expr_unary;
typedef struct rdb_expr_array_coerce { RDB_EXPR_HEAD; rdb_expr *argument, *element; /* over CASE_TEST */ uint8_t form; } rdb_expr_array_coerce;
typedef struct rdb_expr_array { RDB_EXPR_HEAD; rdb_list elements; bool is_multidimensional; } rdb_expr_array;
typedef struct rdb_expr_row { RDB_EXPR_HEAD; rdb_list fields; rdb_list field_names; /* char * */ uint8_t form; } rdb_expr_row;
typedef struct rdb_expr_row_compare { RDB_EXPR_HEAD; uint8_t strategy; /* 1 < 2 <= 3 = 4 >= 5 > 6 <> */ rdb_list functions /* const rdb_function * */, left, right; uint32_t *operator_oids, *input_collations; } rdb_expr_row_compare;
typedef struct rdb_expr_subscript { RDB_EXPR_HEAD; rdb_expr *argument; rdb_list lower, upper; /* lower empty: no slice; NULL items: open bound */ bool is_slice; rdb_expr *assignment; /* in UPDATE SET a[1] = x */ } rdb_expr_subscript;
typedef enum rdb_sublink_kind { RDB_SUBLINK_EXISTS, RDB_SUBLINK_ALL, RDB_SUBLINK_ANY, RDB_SUBLINK_ROW_COMPARE, RDB_SUBLINK_SCALAR, RDB_SUBLINK_MULTI, RDB_SUBLINK_ARRAY } rdb_sublink_kind;
/* test: for ANY/ALL/ROW_COMPARE, the comparison with the sub-select's outputs as EXECUTION params 1.. of this sublink. */
typedef struct rdb_expr_sublink { RDB_EXPR_HEAD; uint8_t sublink_kind; rdb_expr *test; rdb_query *query; rdb_list left; /* row's expressions */ rdb_list functions; /* const rdb_function *, the operators' */ uint32_t *operator_oids; bool use_or; bool is_shared; /* a row that several columns are set from: evaluated once */ } rdb_expr_sublink;

typedef struct rdb_sort_item { /* ORDER BY, DISTINCT, GROUP BY: by reference to a target */
    uint32_t target_ref;          /* rdb_target.sort_ref */
    uint32_t equality_oid, order_oid; /* operators; order_oid 0: hash only */
    bool is_descending, nulls_first, can_hash;
} rdb_sort_item;
typedef struct rdb_expr_aggregate {
    RDB_EXPR_HEAD;
    const rdb_function *function;
    uint32_t input_collation;
    rdb_list direct_arguments;    /* ordered-set aggregates */
    rdb_list arguments;           /* rdb_target *: arguments, then ORDER BY-only expressions as junk */
    rdb_list order, distinct;     /* rdb_sort_item * on arguments */
    rdb_expr *filter;
    bool is_star, is_variadic, is_within_group; /* WITHIN GROUP: ordered-set and hypothetical-set aggregates */
    uint16_t levels_up;
    uint32_t aggregate_no;        /* planner's */
} rdb_expr_aggregate;
typedef struct rdb_expr_window { RDB_EXPR_HEAD; const rdb_function *function; uint32_t input_collation, window_no; /* in query->windows */ rdb_list arguments; rdb_expr *filter; bool is_star, is_aggregate; } rdb_expr_window;
typedef struct rdb_expr_grouping { RDB_EXPR_HEAD; rdb_list arguments; uint32_t *refs; uint16_t levels_up; } rdb_expr_grouping;
typedef enum rdb_sql_value { RDB_CURRENT_DATE, RDB_CURRENT_TIME, RDB_CURRENT_TIMESTAMP, RDB_LOCALTIME, RDB_LOCALTIMESTAMP, RDB_CURRENT_ROLE, RDB_CURRENT_USER, RDB_USER, RDB_SESSION_USER, RDB_CURRENT_CATALOG, RDB_CURRENT_SCHEMA,
    RDB_CURSOR_ROW, RDB_CURSOR_TABLE /* WHERE CURRENT OF: ctid and tableoid of the row that a cursor stands on */ } rdb_sql_value;
typedef struct rdb_expr_sql_value { RDB_EXPR_HEAD; uint8_t value; const char *cursor; uint32_t table_oid; /* CURSOR_*: of the table that is written */ } rdb_expr_sql_value; /* precision: typmod */
typedef struct rdb_expr_next_value { RDB_EXPR_HEAD; uint32_t sequence_oid; } rdb_expr_next_value; /* identity */
/* DEFAULT in VALUES or SET is replaced by the analyser; this kind is left only in multi-row VALUES until the rewrite. */
typedef struct rdb_expr_slot { RDB_EXPR_HEAD; uint8_t input_no; uint32_t slot_no; const rdb_expr *origin; /* what it stands for, for EXPLAIN */ } rdb_expr_slot;
/* test (ANY, ALL, ROW_COMPARE): over the sub-plan's output as slots and EXECUTION parameters; hashed: test is a conjunction of "="s. */
typedef struct rdb_expr_subplan { RDB_EXPR_HEAD; uint8_t sublink_kind; uint32_t subplan_no; rdb_list arguments; /* rdb_expr *: values of */ uint32_t *parameter_nos; rdb_expr *test; const rdb_expr *origin; const char *shown; /* by EXPLAIN: $0, (SubPlan 1) */ } rdb_expr_subplan;

typedef struct rdb_target { /* an output column or an assigned column */
    rdb_expr *expr;
    int16_t number;        /* result: position from 1; INSERT/UPDATE: attribute number assigned */
    const char *name;
    uint32_t sort_ref;     /* nonzero: sort, group or distinct items refer to it */
    uint32_t origin_table; /* for RowDescription: oid and attribute of a plain column, 0 */
    int16_t origin_column;
    bool is_junk;          /* not part of the result */
} rdb_target;

/* ---- range table ------------------------------------------------------------------------------------------------- */
typedef enum rdb_range_kind { RDB_RANGE_RELATION, RDB_RANGE_SUBQUERY, RDB_RANGE_JOIN, RDB_RANGE_FUNCTION, RDB_RANGE_VALUES, RDB_RANGE_CTE, RDB_RANGE_RESULT } rdb_range_kind;
typedef enum rdb_join_kind { RDB_JOIN_INNER, RDB_JOIN_LEFT, RDB_JOIN_FULL, RDB_JOIN_RIGHT, RDB_JOIN_SEMI, RDB_JOIN_ANTI } rdb_join_kind;
typedef struct rdb_range_function { rdb_expr *call; uint32_t column_count; rdb_list types; /* const rdb_type * of a column definition list, else empty */ int32_t *typmods; uint32_t *collations; } rdb_range_function;
typedef enum rdb_sample_method { RDB_SAMPLE_NONE, RDB_SAMPLE_SYSTEM /* blocks */, RDB_SAMPLE_BERNOULLI /* rows */,
               RDB_SAMPLE_AS_OF_SCN, RDB_SAMPLE_AS_OF_TIMESTAMP /* all rows, as of a moment of the past: the one argument */ } rdb_sample_method;
typedef struct rdb_range {
    uint8_t kind; /* rdb_range_kind */
    const char *alias;               /* what it is called; eref's name */
    bool has_alias;                  /* written by the user */
    rdb_list alias_columns;          /* char *: as written, for the deparser */
    rdb_list columns;                /* char *: all column names as visible */
    rdb_list column_types;           /* const rdb_type *, beside columns, for all kinds but RELATION */
    int32_t *column_typmods;
    uint32_t *column_collations;
    /* RELATION */
    const rdb_relation *relation;
    bool is_inherited;               /* no ONLY */
    uint8_t lock_mode;               /* rdb_lock_mode */
    uint8_t sample_method;           /* TABLESAMPLE: rdb_sample_method; 0: all rows */
    rdb_expr *sample_percent, *sample_seed; /* real; double precision or NULL */
    /* SUBQUERY; a view is one after the rewrite, with relation still set */
    rdb_query *subquery;
    bool is_lateral, is_security_barrier;
    /* JOIN: merged columns first (USING), then the rest */
    uint8_t join_kind;
    uint32_t merged_count;
    rdb_list join_variables;         /* rdb_expr *: what each column stands for */
    rdb_list join_using_alias;
    /* FUNCTION */
    rdb_list functions;              /* rdb_range_function * */
    bool with_ordinality;
    /* VALUES */
    rdb_list values;                 /* rdb_list * of rdb_expr * */
    /* CTE */
    const char *cte_name;
    uint16_t cte_levels_up;
    bool is_self_reference;
    /* privileges that executing needs: bit (attribute number + 7) of columns, whole-table bits */
    uint32_t check_as;               /* the role whose privileges count: a view's owner; 0: whoever runs the statement */
    uint32_t required_privileges;    /* RDB_PRIVILEGE_* (acl bits of PostgreSQL) */
    uint64_t *selected_columns, *inserted_columns, *updated_columns;
    const rdb_list *shown;           /* rdb_expr *, by column: what EXPLAIN says in its place, where a plan has no node for a sub-query */
    rdb_expr *security;              /* RELATION: what rows must pass before anything else sees them (policies), over this range; made by the rewrite */
    const struct rdb_range *through; /* a table that is written through a view: the view's range as the statement names it, for its privileges */
} rdb_range;

/* FROM: a tree of range numbers and joins. */
typedef struct rdb_from { uint8_t is_join; uint32_t range_no; /* of the relation, or of the join's own entry (0: unnamed) */
    uint8_t join_kind; bool is_natural; rdb_list using_names; struct rdb_from *left, *right; rdb_expr *condition; } rdb_from;

typedef struct rdb_window { const char *name, *base_name; rdb_list partition, order; /* rdb_sort_item * */ uint32_t frame_options; /* FRAMEOPTION_* bits of PostgreSQL */ rdb_expr *start_offset, *end_offset; uint32_t start_function, end_function, in_range_collation; bool in_range_ascending, in_range_nulls_first; } rdb_window;
typedef enum rdb_grouping_kind { RDB_GROUPING_EMPTY, RDB_GROUPING_SIMPLE, RDB_GROUPING_ROLLUP, RDB_GROUPING_CUBE, RDB_GROUPING_SETS } rdb_grouping_kind;
typedef struct rdb_grouping_set { uint8_t kind; rdb_list content; /* SIMPLE: target refs as (void *)(uintptr_t); others: rdb_grouping_set * */ } rdb_grouping_set;
typedef struct rdb_cte { const char *name; rdb_list column_names; rdb_query *query; bool is_recursive; uint8_t materialized; /* 0 default 1 always 2 never */ uint32_t reference_count; rdb_list column_types; int32_t *column_typmods; uint32_t *column_collations; uint32_t hidden_count; /* last columns, of SEARCH and CYCLE, that "*" in the item itself passes over */ } rdb_cte;
typedef enum rdb_set_kind { RDB_SET_UNION, RDB_SET_INTERSECT, RDB_SET_EXCEPT } rdb_set_kind;
/* A tree over range-table subqueries: leaf where range_no != 0. */
typedef struct rdb_set_operation { uint32_t range_no; uint8_t kind; bool all; struct rdb_set_operation *left, *right; rdb_list column_types; int32_t *column_typmods; uint32_t *column_collations; rdb_list groupings; /* rdb_sort_item *, by column position */ } rdb_set_operation;
typedef struct rdb_row_mark { uint32_t range_no; uint8_t strength; /* rdb_row_lock */ uint8_t policy; /* rdb_lock_policy */ bool pushed_down; } rdb_row_mark;
/* What ON CONFLICT (...) names: an expression over the table, with its collation and operator class where they are written. */
typedef struct rdb_conflict_element { rdb_expr *expr; uint32_t collation; const char *class_name; } rdb_conflict_element;
typedef struct rdb_on_conflict { uint8_t action; /* 1 nothing, 2 update */ rdb_list elements; /* rdb_conflict_element * */ rdb_expr *element_where; rdb_list arbiter_indexes; /* uint32_t oids as uintptr_t; empty: any */ uint32_t constraint_oid; rdb_list set_targets; /* rdb_target * */ rdb_expr *where; uint32_t excluded_range_no; } rdb_on_conflict;
typedef struct rdb_merge_action { uint8_t matched; uint8_t command; rdb_expr *condition; rdb_list targets; uint8_t overriding; } rdb_merge_action;

typedef enum rdb_command { RDB_COMMAND_SELECT = 1, RDB_COMMAND_UPDATE, RDB_COMMAND_INSERT, RDB_COMMAND_DELETE, RDB_COMMAND_MERGE, RDB_COMMAND_UTILITY } rdb_command;
/* Where one of the queries that a statement becomes comes from: the statement itself, or a rule (INSTEAD, INSTEAD with a condition, ALSO). */
typedef enum rdb_query_source { RDB_SOURCE_STATEMENT, RDB_SOURCE_INSTEAD, RDB_SOURCE_INSTEAD_IF, RDB_SOURCE_ALSO } rdb_query_source;
/* WITH CHECK OPTION of a view that is written through: over the result's range; must be true for each new row. */
/* phase, of ON CONFLICT DO UPDATE and MERGE: i the row to insert, c the one in the way, m the one a WHEN updates, d the one it deletes,
 * u what one becomes; 0: any new row.
 * is_security: of row-level security, the view is a table; policy: by name, NULL: of those that permit. */
typedef struct rdb_view_check { const char *view; rdb_expr *condition; bool is_security; const char *policy; char phase; } rdb_view_check;
struct rdb_query {
    uint8_t command;                 /* rdb_command */
    bool has_aggregates, has_windows, has_set_returning_targets, has_sublinks, has_distinct_on, has_recursive, has_modifying_cte, has_for_update;
    struct rdb_ast_node *utility;    /* UTILITY: the raw statement, run by the command room */
    rdb_list ranges;                 /* rdb_range *: number n is item n - 1 */
    rdb_list from;                   /* rdb_from *: the FROM list */
    rdb_expr *where;
    rdb_list targets;                /* rdb_target * */
    rdb_list returning;              /* rdb_target * */
    rdb_list view_checks;            /* rdb_view_check *, made by the rewrite */
    uint32_t result_range_no;        /* INSERT/UPDATE/DELETE/MERGE: the table */
    uint8_t overriding;              /* INSERT: 0, 1 user, 2 system value */
    rdb_on_conflict *on_conflict;
    rdb_list merge_actions;
    bool merge_use_outer_join;
    rdb_list group;                  /* rdb_sort_item * */
    bool group_distinct;
    rdb_list grouping_sets;          /* rdb_grouping_set *; empty: plain GROUP BY */
    rdb_expr *having;
    rdb_list windows;                /* rdb_window * */
    rdb_list distinct, sort;         /* rdb_sort_item * */
    rdb_expr *limit_count, *limit_offset;
    bool with_ties;
    rdb_list row_marks;              /* rdb_row_mark * */
    rdb_set_operation *set_operation;
    rdb_list ctes;                   /* rdb_cte * */
    rdb_list key_constraints;        /* primary keys by which columns depend on GROUP BY (uintptr_t); known after analysis alone */
    rdb_list depends;                /* relation oids whose change makes the tree stale (uintptr_t) */
    uint8_t source;                  /* rdb_query_source */
    bool rules_applied;              /* the rewrite has asked for the rules of the table that is written */
    bool sets_tag;                   /* the statement's command tag and rows are its */
    bool checks_below;               /* the rewrite's: a view that was written through has a CASCADED check */
    const char *notify_channel, *notify_payload; /* UTILITY in a rule: NOTIFY */
    uint8_t is_return;               /* of a routine's body: RETURN, 1 among statements, 2 by itself */
    int32_t location, length;        /* of the statement in its text */
};

/* ---- analysis ------------------------------------------------------------------------------------------------------ */
typedef struct rdb_analysis {
    rdb_arena *arena;                /* where the tree goes */
    rdb_access *access;
    const char *text;                /* the statement's whole text, for positions */
    const rdb_format_settings *format;
    uint32_t *parameter_types;       /* $1..: type oids, 0 or UNKNOWN: to be inferred; grows in the arena */
    uint32_t parameter_count;
    bool infer_parameters;           /* Parse message and PREPARE: an undeclared $n gets its type from its use */
    void *session;                   /* for kernels that fold constants */
    int64_t statement_us, transaction_us;
    /* The body of a routine: its name, and its arguments' names by parameter number - 1 (NULL or "": unnamed). */
    const char *routine_name;
    const char *const *routine_arguments;
    uint32_t routine_argument_count;
    bool is_cursor;                  /* rows are to be found again by UPDATE and DELETE ... WHERE CURRENT OF: junk columns RDB_CURSOR_MARK */
    const void *procedure_call;      /* the rdb_ast_call of CALL: it names a procedure; every other call a function */
    const rdb_type *const *routine_columns; /* a call AS (a int, ...) of a routine that returns record: the columns' types */
    const int32_t *routine_column_typmods;          /* beside them, or NULL */
    uint32_t routine_column_count;
    const char *target_name;         /* of the column, or domain, whose default or generation expression it is: for the error */
} rdb_analysis;
/* Name of the junk columns of a cursor's query that say which row of a table stands in the result: ctid and tableoid, one after the
 * other for each table that can be written through the cursor; origin_table is the table. */
#define RDB_CURSOR_MARK "*row*"
/* One raw statement to an analysed one. Utility statements pass through as COMMAND_UTILITY, except those that contain a
 * query (EXPLAIN, CREATE TABLE AS, DECLARE, COPY (query), PREPARE, CREATE VIEW), whose query the command room analyses
 * itself by calling this again. Locks tables in their lock_mode as it names them. Views are expanded by rdb_query_rewrite. */
RDB_CHECKED bool rdb_query_analyse(rdb_analysis *analysis, struct rdb_ast_node *statement, rdb_query **query, rdb_error *err);
/* Why a view cannot be written through, NULL: it can. needs_column: for INSERT and UPDATE. */
const char *rdb_view_not_updatable(const rdb_query *view, bool needs_column);
/* Views to subqueries, DML on simple views to their tables, defaults of INSERT filled in. */
RDB_CHECKED bool rdb_query_rewrite(rdb_analysis *analysis, rdb_query **query, rdb_error *err);
/* The same with rules: what the statement becomes, in the order in which it is to run; perhaps nothing. A query of command UTILITY
 * among them is a rule's NOTIFY. rdb_query_rewrite is for callers that can run one query alone (0A000 where there are others). */
RDB_CHECKED bool rdb_query_rewrite_all(rdb_analysis *analysis, rdb_query *query, rdb_list *queries, rdb_error *err);
/* A query without rows and columns, to run where rules leave nothing that gives a command tag. */
RDB_CHECKED bool rdb_query_make_nothing(rdb_analysis *analysis, rdb_query **nothing, rdb_error *err);

/* The actions and the condition of a rule for changes of the relation: OLD is range 1, NEW range 2 of the condition, of each action,
 * and, where the action is an INSERT from a SELECT, of that SELECT instead. *condition NULL: none. */
struct rdb_ast_create_rule;
RDB_CHECKED bool rdb_rule_analyse(rdb_analysis *analysis, const rdb_relation *relation, const struct rdb_ast_create_rule *rule, rdb_expr **condition,
                                  rdb_list *actions, rdb_error *err);
RDB_CHECKED bool rdb_rule_write_actions(const rdb_list *actions, rdb_strbuf *text, rdb_error *err);
RDB_CHECKED bool rdb_rule_read_actions(rdb_arena *arena, rdb_access *access, const char *text, rdb_list *actions, rdb_error *err);
/* The query of an action that has OLD and NEW as its first ranges. */
rdb_query *rdb_rule_part(rdb_query *action);
bool rdb_rule_has_ranges(const rdb_query *query);
/* What an expression without AS is called as an output column or an index's column, borrowed from its tree; NULL: it has no name. */
const char *rdb_ast_name_of(const struct rdb_ast_node *raw);
/* An expression alone: defaults and checks of a table (its columns are range 1), index expressions, LIMIT-like constants. */
RDB_CHECKED bool rdb_expr_analyse(rdb_analysis *analysis, const rdb_relation *relation, struct rdb_ast_node *raw,
                                  const rdb_type *target_type, int32_t target_typmod, const char *what, rdb_expr **expr, rdb_error *err);
/* What a column gets where it is given no value: its own default, its domain's, or null through the domain's rules. *expr NULL:
 * a plain null. Identity and generated columns are the caller's. */
RDB_CHECKED bool rdb_column_default(rdb_arena *arena, rdb_access *access, const rdb_column *column, rdb_expr **expr, rdb_error *err);
/* A type as written. */
RDB_CHECKED bool rdb_type_resolve(rdb_analysis *analysis, struct rdb_ast_node *type_name, const rdb_type **type, int32_t *typmod, uint32_t *collation, rdb_error *err);
/* Which function a name and types of arguments mean, as a call would have it (VARIADIC ones as one array); *function NULL: none, or no best
 * one. declared: count of them, the parameters' types, and *result, with what is polymorphic made concrete; where a type given is itself
 * polymorphic it stays. For what is made of functions: aggregates, operators, casts. */
RDB_CHECKED bool rdb_function_resolve(rdb_analysis *analysis, const rdb_ast_names *name, const uint32_t *types, uint32_t count, const rdb_function **function,
                                      uint32_t *declared, uint32_t *result, rdb_error *err);
/* "f(integer, text)" for messages, the name as written. */
const char *rdb_function_signature(rdb_analysis *analysis, const rdb_ast_names *name, const uint32_t *types, uint32_t count);
/* The type that a polymorphic one stands for, where arguments of declared types have these actual ones. */
RDB_CHECKED bool rdb_polymorphic_resolve(rdb_access *access, rdb_arena *arena, const uint32_t *declared, const uint32_t *actual, uint32_t count, uint32_t polymorphic,
                                         const rdb_type **type, rdb_error *err);
/* May values of source be read as target's without any function? */
RDB_CHECKED bool rdb_type_is_binary_coercible(rdb_access *access, uint32_t source, uint32_t target, bool *is, rdb_error *err);
/* What the query gives: RowDescription. A SELECT's targets (junk ones among them: pass over is_junk), or RETURNING's. */
const rdb_list *rdb_query_result_targets(const rdb_query *query);

/* Trees to text and back, for pg_attrdef.adbin, pg_constraint.conbin, pg_index.indexprs, pg_rewrite.ev_action. Versioned. */
RDB_CHECKED bool rdb_tree_write_expr(const rdb_expr *expr, rdb_strbuf *text, rdb_error *err);
RDB_CHECKED bool rdb_tree_read_expr(rdb_arena *arena, rdb_access *access, const char *text, rdb_expr **expr, rdb_error *err);
RDB_CHECKED bool rdb_tree_write_query(const rdb_query *query, rdb_strbuf *text, rdb_error *err);
RDB_CHECKED bool rdb_tree_read_query(rdb_arena *arena, rdb_access *access, const char *text, rdb_query **query, rdb_error *err);
/* The same query, whatever the locations: what is written of the two is equal. For rdb_expr_set_query_equality. */
bool rdb_query_equal(const rdb_query *left, const rdb_query *right);
/* A number for what the query does: the same whatever its constants, parameters, aliases and blanks are, and another one as soon as it
 * reads another table, column or function, wherever search_path leads. What pg_stat_statements goes by; never 0. Also where the constants
 * stand (in no order, the same place perhaps twice), for a text without them, and the highest number of a parameter. */
enum { RDB_DIGEST_CONSTANTS_MAX = 256 };
typedef struct rdb_digest {
    uint64_t id;
    uint32_t constant_count, parameters;
    int32_t constants[RDB_DIGEST_CONSTANTS_MAX];
} rdb_digest;
void rdb_query_digest(const rdb_query *query, rdb_digest *digest);
/* Copies down to the last node, for whoever is going to change one. */
RDB_CHECKED bool rdb_tree_copy_expr(rdb_arena *arena, const rdb_expr *expr, rdb_expr **copy, rdb_error *err);
RDB_CHECKED bool rdb_tree_copy_query(rdb_arena *arena, const rdb_query *query, rdb_query **copy, rdb_error *err);
/* Trees to SQL, as PostgreSQL's ruleutils prints it (pg_get_expr, pg_get_viewdef, pg_get_constraintdef, EXPLAIN). */
/* relation: whose columns range 1 has (defaults, checks, indexes), or NULL. In EXPLAIN columns are named through their ranges,
 * qualified where qualify is set. */
RDB_CHECKED bool rdb_deparse_expr(rdb_access *access, const rdb_expr *expr, const rdb_relation *relation, bool qualify, rdb_strbuf *text, rdb_error *err);
void rdb_deparse_name(const char *name, rdb_strbuf *text); /* quoted where it needs it */
/* How a stored tree is printed: pretty leaves out brackets that precedence makes needless; lists of a query that breaks lines break
 * where a line would pass wrap_column (0: at each item, negative: never). */
typedef struct rdb_deparse_style {
    rdb_access *access;
    const rdb_format_settings *format;
    bool is_pretty, breaks_lines;
    int32_t wrap_column;
} rdb_deparse_style;
RDB_CHECKED bool rdb_deparse_stored_expr(const rdb_deparse_style *style, const rdb_expr *expr, const rdb_relation *relation, rdb_strbuf *text, rdb_error *err);
/* view: whose query it is: columns are called as the view's; or NULL. No semicolon. */
RDB_CHECKED bool rdb_deparse_query(const rdb_deparse_style *style, const rdb_query *query, const rdb_relation *view, rdb_strbuf *text, rdb_error *err);
/* The condition of a rule, named as in part, the rule's first action (rdb_rule_part). */
RDB_CHECKED bool rdb_deparse_rule_condition(const rdb_deparse_style *style, const rdb_expr *condition, const rdb_query *part, rdb_strbuf *text, rdb_error *err);
/* A routine's body in the form of the SQL standard, as pg_get_functiondef shows it: RETURN ... or BEGIN ATOMIC ... END; nothing where it
 * has none. */
RDB_CHECKED bool rdb_deparse_body(const rdb_deparse_style *style, const rdb_function *function, rdb_strbuf *text, rdb_error *err);
/* Visits the direct children of an expression (not into sub-queries); false stops. */
bool rdb_expr_visit_children(const rdb_expr *expr, bool (*visit)(void *context, rdb_expr *child), void *context);

#endif
