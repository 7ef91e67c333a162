/* SPDX-License-Identifier: Apache-2.0
 * The raw tree: what a statement says, before any name in it is looked up. One struct a kind of node, each opening with
 * rdb_ast_node; all of a tree lives in the arena it was parsed into. The grammar is PostgreSQL 15's, so the nodes follow
 * its raw parse tree; the table ast_fields.def ties the two together, and every node must stand there too.
 *
 * What always holds: an absent part is NULL or an empty list, a name is never "" but NULL, identifiers are already folded and cut to
 * 63 bytes, AND and OR chains are flat, and no tree is deeper than RDB_SQL_DEPTH_MAX, so that a walk may recurse. */
#ifndef RDB_AST_H
#define RDB_AST_H

#include "base/rdb_base.h"

/* Levels of nodes in a statement; a deeper one is refused with 54001. */
#define RDB_SQL_DEPTH_MAX 2000

typedef enum rdb_ast_tag {
    RDB_AST_NONE,
    RDB_AST_CONST, /* a literal of an expression: rdb_ast_value */
    RDB_AST_VALUE, /* a bare value, as in options and lists of names: rdb_ast_value */
    RDB_AST_LIST,  /* rdb_ast_items */
    /* Expressions */
    RDB_AST_COLUMN, RDB_AST_PARAM, RDB_AST_OP, RDB_AST_BOOL, RDB_AST_CAST, RDB_AST_COLLATE, RDB_AST_CALL,
    RDB_AST_NAMED_ARG, RDB_AST_SUBSCRIPT, RDB_AST_STAR, RDB_AST_INDIRECTION, RDB_AST_ARRAY, RDB_AST_ROW, RDB_AST_CASE,
    RDB_AST_WHEN, RDB_AST_COALESCE, RDB_AST_MIN_MAX, RDB_AST_SQL_VALUE, RDB_AST_NULL_TEST, RDB_AST_BOOL_TEST,
    RDB_AST_DEFAULT, RDB_AST_SUBLINK, RDB_AST_GROUPING, RDB_AST_CURRENT_OF, RDB_AST_MULTI_ASSIGN,
    /* Types, roles and options */
    RDB_AST_TYPE, RDB_AST_ROLE, RDB_AST_OPTION, RDB_AST_SIGNATURE,
    /* Pieces of a query */
    RDB_AST_TARGET, RDB_AST_SORT, RDB_AST_WINDOW, RDB_AST_ALIAS, RDB_AST_TABLE, RDB_AST_RANGE_SUBQUERY,
    RDB_AST_RANGE_FUNCTION, RDB_AST_RANGE_SAMPLE, RDB_AST_JOIN, RDB_AST_GROUPING_SET, RDB_AST_WITH, RDB_AST_CTE,
    RDB_AST_CTE_SEARCH, RDB_AST_CTE_CYCLE, RDB_AST_LOCKING, RDB_AST_INTO, RDB_AST_INFER, RDB_AST_ON_CONFLICT,
    RDB_AST_MERGE_WHEN,
    /* Queries */
    RDB_AST_SELECT, RDB_AST_INSERT, RDB_AST_UPDATE, RDB_AST_DELETE, RDB_AST_MERGE, RDB_AST_RETURN, RDB_AST_COPY,
    /* Tables, indexes, views */
    RDB_AST_COLUMN_DEF, RDB_AST_LIKE, RDB_AST_CONSTRAINT, RDB_AST_CREATE_TABLE, RDB_AST_PARTITION_SPEC,
    RDB_AST_PARTITION_ELEM, RDB_AST_PARTITION_BOUND, RDB_AST_PARTITION_CMD, RDB_AST_CREATE_TABLE_AS,
    RDB_AST_ALTER_TABLE, RDB_AST_ALTER_COMMAND, RDB_AST_REPLICA_IDENTITY, RDB_AST_INDEX_ELEM, RDB_AST_CREATE_INDEX,
    RDB_AST_CREATE_VIEW, RDB_AST_REFRESH, RDB_AST_CREATE_SEQUENCE, RDB_AST_ALTER_SEQUENCE, RDB_AST_CREATE_STATISTICS,
    RDB_AST_ALTER_STATISTICS, RDB_AST_STATISTICS_ELEM, RDB_AST_TRUNCATE, RDB_AST_CREATE_POLICY, RDB_AST_ALTER_POLICY, RDB_AST_CREATE_RULE,
    RDB_AST_CREATE_TRIGGER, RDB_AST_TRANSITION,
    /* Other objects */
    RDB_AST_CREATE_SCHEMA, RDB_AST_CREATE_DATABASE, RDB_AST_ALTER_DATABASE, RDB_AST_ALTER_DATABASE_SET,
    RDB_AST_DROP_DATABASE, RDB_AST_CREATE_ENUM, RDB_AST_ALTER_ENUM, RDB_AST_CREATE_COMPOSITE, RDB_AST_CREATE_RANGE,
    RDB_AST_ALTER_TYPE, RDB_AST_CREATE_DOMAIN, RDB_AST_ALTER_DOMAIN, RDB_AST_CREATE_FUNCTION, RDB_AST_FUNCTION_PARAM,
    RDB_AST_ALTER_FUNCTION, RDB_AST_DO, RDB_AST_CALL_PROCEDURE, RDB_AST_DEFINE, RDB_AST_CREATE_CAST,
    RDB_AST_ALTER_OPERATOR, RDB_AST_CREATE_OPCLASS, RDB_AST_OPCLASS_ITEM, RDB_AST_CREATE_OPFAMILY, RDB_AST_ALTER_OPFAMILY,
    RDB_AST_ALTER_TEXT_DICTIONARY, RDB_AST_ALTER_TEXT_CONFIG, RDB_AST_ALTER_COLLATION, RDB_AST_CREATE_CONVERSION, RDB_AST_CREATE_EXTENSION, RDB_AST_ALTER_EXTENSION, RDB_AST_CREATE_LANGUAGE, RDB_AST_DROP, RDB_AST_COMMENT,
    RDB_AST_RENAME, RDB_AST_SET_SCHEMA, RDB_AST_SET_OWNER, RDB_AST_CREATE_PUBLICATION, RDB_AST_ALTER_PUBLICATION,
    RDB_AST_PUBLICATION_OBJECT, RDB_AST_PUBLICATION_TABLE, RDB_AST_CREATE_SUBSCRIPTION, RDB_AST_ALTER_SUBSCRIPTION,
    RDB_AST_DROP_SUBSCRIPTION,
    /* Roles and privileges */
    RDB_AST_CREATE_ROLE, RDB_AST_ALTER_ROLE, RDB_AST_ALTER_ROLE_SET, RDB_AST_DROP_ROLE, RDB_AST_GRANT,
    RDB_AST_PRIVILEGE, RDB_AST_GRANT_ROLE, RDB_AST_DEFAULT_PRIVILEGES, RDB_AST_DROP_OWNED, RDB_AST_REASSIGN_OWNED,
    /* Sessions, transactions, upkeep */
    RDB_AST_SET, RDB_AST_SHOW, RDB_AST_ALTER_SYSTEM, RDB_AST_TRANSACTION, RDB_AST_SET_CONSTRAINTS, RDB_AST_LOCK,
    RDB_AST_VACUUM, RDB_AST_VACUUM_TABLE, RDB_AST_CLUSTER, RDB_AST_REINDEX, RDB_AST_CHECKPOINT, RDB_AST_EXPLAIN,
    RDB_AST_PREPARE, RDB_AST_EXECUTE, RDB_AST_DEALLOCATE, RDB_AST_DECLARE, RDB_AST_FETCH, RDB_AST_CLOSE,
    RDB_AST_LISTEN, RDB_AST_NOTIFY, RDB_AST_UNLISTEN, RDB_AST_DISCARD,
    RDB_AST_TAG_COUNT
} rdb_ast_tag;

typedef struct rdb_ast_node {
    rdb_ast_tag tag;
    int32_t location; /* byte offset in the text that was parsed, -1 where the grammar keeps none */
} rdb_ast_node;

/* Names in a row: the parts of a qualified name, outermost first, or columns. */
typedef struct rdb_ast_names {
    const char **items;
    uint32_t count;
} rdb_ast_names;

typedef enum rdb_sql_value_kind {
    RDB_SQL_VALUE_NULL,
    RDB_SQL_VALUE_INTEGER, /* fits 32 bits */
    RDB_SQL_VALUE_NUMBER,  /* any other number: its digits in text */
    RDB_SQL_VALUE_BOOL,
    RDB_SQL_VALUE_STRING,
    RDB_SQL_VALUE_BITS, /* text opens with b or x */
} rdb_sql_value_kind;

typedef struct rdb_ast_value {
    rdb_ast_node node;
    rdb_sql_value_kind kind;
    int32_t integer;  /* INTEGER, BOOL */
    const char *text; /* NUMBER, STRING, BITS */
} rdb_ast_value;

/* A list that stands where a node can. */
typedef struct rdb_ast_items {
    rdb_ast_node node;
    rdb_list items; /* of rdb_ast_node *, NULL allowed */
} rdb_ast_items;

/* ---- Kinds ------------------------------------------------------------------------------------------------------------ */

/* How rdb_ast_op reads; the comment gives the name it carries where that is fixed. */
typedef enum rdb_sql_op_kind {
    RDB_SQL_OP_OP, RDB_SQL_OP_OP_ANY, RDB_SQL_OP_OP_ALL, RDB_SQL_OP_DISTINCT, RDB_SQL_OP_NOT_DISTINCT,
    RDB_SQL_OP_NULLIF, RDB_SQL_OP_IN, RDB_SQL_OP_LIKE, RDB_SQL_OP_ILIKE, RDB_SQL_OP_SIMILAR, RDB_SQL_OP_BETWEEN,
    RDB_SQL_OP_NOT_BETWEEN, RDB_SQL_OP_BETWEEN_SYM, RDB_SQL_OP_NOT_BETWEEN_SYM,
} rdb_sql_op_kind;

typedef enum rdb_sql_bool_kind {
    RDB_SQL_BOOL_AND, RDB_SQL_BOOL_OR, RDB_SQL_BOOL_NOT,
} rdb_sql_bool_kind;

/* How a call or row was written: foo(), a cast, left implicit, or with SQL's own syntax. */
typedef enum rdb_sql_call_form {
    RDB_SQL_FORM_CALL, RDB_SQL_FORM_CAST, RDB_SQL_FORM_IMPLICIT, RDB_SQL_FORM_SQL_SYNTAX,
} rdb_sql_call_form;

typedef enum rdb_sql_min_max_kind {
    RDB_SQL_MIN_MAX_GREATEST, RDB_SQL_MIN_MAX_LEAST,
} rdb_sql_min_max_kind;

/* _N: with a precision. */
typedef enum rdb_sql_value_function {
    RDB_SQL_VALUE_CURRENT_DATE, RDB_SQL_VALUE_CURRENT_TIME, RDB_SQL_VALUE_CURRENT_TIME_N,
    RDB_SQL_VALUE_CURRENT_TIMESTAMP, RDB_SQL_VALUE_CURRENT_TIMESTAMP_N, RDB_SQL_VALUE_LOCALTIME,
    RDB_SQL_VALUE_LOCALTIME_N, RDB_SQL_VALUE_LOCALTIMESTAMP, RDB_SQL_VALUE_LOCALTIMESTAMP_N,
    RDB_SQL_VALUE_CURRENT_ROLE, RDB_SQL_VALUE_CURRENT_USER, RDB_SQL_VALUE_USER, RDB_SQL_VALUE_SESSION_USER,
    RDB_SQL_VALUE_CURRENT_CATALOG, RDB_SQL_VALUE_CURRENT_SCHEMA,
} rdb_sql_value_function;

typedef enum rdb_sql_null_test_kind {
    RDB_SQL_IS_NULL, RDB_SQL_IS_NOT_NULL,
} rdb_sql_null_test_kind;

typedef enum rdb_sql_bool_test_kind {
    RDB_SQL_IS_TRUE, RDB_SQL_IS_NOT_TRUE, RDB_SQL_IS_FALSE, RDB_SQL_IS_NOT_FALSE, RDB_SQL_IS_UNKNOWN,
    RDB_SQL_IS_NOT_UNKNOWN,
} rdb_sql_bool_test_kind;

/* ANY also stands for IN, with an empty op_name; ROWCOMPARE, MULTIEXPR and CTE come of analysis only. */
typedef enum rdb_sql_sublink_kind {
    RDB_SQL_SUBLINK_EXISTS, RDB_SQL_SUBLINK_ALL, RDB_SQL_SUBLINK_ANY, RDB_SQL_SUBLINK_ROWCOMPARE,
    RDB_SQL_SUBLINK_EXPR, RDB_SQL_SUBLINK_MULTIEXPR, RDB_SQL_SUBLINK_ARRAY, RDB_SQL_SUBLINK_CTE,
} rdb_sql_sublink_kind;

typedef enum rdb_sql_role_kind {
    RDB_SQL_ROLE_NAMED, RDB_SQL_ROLE_CURRENT_ROLE, RDB_SQL_ROLE_CURRENT_USER, RDB_SQL_ROLE_SESSION_USER,
    RDB_SQL_ROLE_PUBLIC,
} rdb_sql_role_kind;

/* ALTER ... OPTIONS (ADD x ..., SET y ..., DROP z). */
typedef enum rdb_sql_option_action {
    RDB_SQL_OPTION_PLAIN, RDB_SQL_OPTION_SET, RDB_SQL_OPTION_ADD, RDB_SQL_OPTION_DROP,
} rdb_sql_option_action;

typedef enum rdb_sql_sort_direction {
    RDB_SQL_SORT_DEFAULT, RDB_SQL_SORT_ASC, RDB_SQL_SORT_DESC, RDB_SQL_SORT_USING,
} rdb_sql_sort_direction;

typedef enum rdb_sql_sort_nulls {
    RDB_SQL_NULLS_DEFAULT, RDB_SQL_NULLS_FIRST, RDB_SQL_NULLS_LAST,
} rdb_sql_sort_nulls;

/* CROSS JOIN is an inner one without a condition. The last four come of planning only. */
typedef enum rdb_sql_join_kind {
    RDB_SQL_JOIN_INNER, RDB_SQL_JOIN_LEFT, RDB_SQL_JOIN_FULL, RDB_SQL_JOIN_RIGHT, RDB_SQL_JOIN_SEMI,
    RDB_SQL_JOIN_ANTI, RDB_SQL_JOIN_UNIQUE_OUTER, RDB_SQL_JOIN_UNIQUE_INNER,
} rdb_sql_join_kind;

typedef enum rdb_sql_grouping_set_kind {
    RDB_SQL_GROUPING_EMPTY, RDB_SQL_GROUPING_SIMPLE, RDB_SQL_GROUPING_ROLLUP, RDB_SQL_GROUPING_CUBE,
    RDB_SQL_GROUPING_SETS,
} rdb_sql_grouping_set_kind;

typedef enum rdb_sql_cte_materialize {
    RDB_SQL_CTE_DEFAULT, RDB_SQL_CTE_MATERIALIZED, RDB_SQL_CTE_NOT_MATERIALIZED,
} rdb_sql_cte_materialize;

/* Row locks, weakest first. */
typedef enum rdb_sql_lock_strength {
    RDB_SQL_LOCK_NONE, RDB_SQL_LOCK_KEY_SHARE, RDB_SQL_LOCK_SHARE, RDB_SQL_LOCK_NO_KEY_UPDATE, RDB_SQL_LOCK_UPDATE,
} rdb_sql_lock_strength;

typedef enum rdb_sql_lock_wait {
    RDB_SQL_WAIT_BLOCK, RDB_SQL_WAIT_SKIP_LOCKED, RDB_SQL_WAIT_NOWAIT,
} rdb_sql_lock_wait;

/* Of a temporary table. */
typedef enum rdb_sql_on_commit {
    RDB_SQL_ON_COMMIT_NOOP, RDB_SQL_ON_COMMIT_PRESERVE_ROWS, RDB_SQL_ON_COMMIT_DELETE_ROWS, RDB_SQL_ON_COMMIT_DROP,
} rdb_sql_on_commit;

typedef enum rdb_sql_conflict_action {
    RDB_SQL_ON_CONFLICT_NONE, RDB_SQL_ON_CONFLICT_NOTHING, RDB_SQL_ON_CONFLICT_UPDATE,
} rdb_sql_conflict_action;

/* What a WHEN clause of MERGE does. */
typedef enum rdb_sql_merge_action {
    RDB_SQL_MERGE_UPDATE = 2, RDB_SQL_MERGE_INSERT = 3, RDB_SQL_MERGE_DELETE = 4, RDB_SQL_MERGE_NOTHING = 7,
} rdb_sql_merge_action;

/* OVERRIDING USER | SYSTEM VALUE. */
typedef enum rdb_sql_overriding {
    RDB_SQL_OVERRIDING_NONE, RDB_SQL_OVERRIDING_USER, RDB_SQL_OVERRIDING_SYSTEM,
} rdb_sql_overriding;

typedef enum rdb_sql_limit_option {
    RDB_SQL_LIMIT_NONE, RDB_SQL_LIMIT_COUNT, RDB_SQL_LIMIT_WITH_TIES,
} rdb_sql_limit_option;

typedef enum rdb_sql_set_op {
    RDB_SQL_SET_OP_NONE, RDB_SQL_SET_OP_UNION, RDB_SQL_SET_OP_INTERSECT, RDB_SQL_SET_OP_EXCEPT,
} rdb_sql_set_op;

/* Bits of rdb_ast_window.frame. */
enum {
    RDB_SQL_FRAME_WRITTEN = 1 << 0, /* a frame clause was given */
    RDB_SQL_FRAME_RANGE = 1 << 1,
    RDB_SQL_FRAME_ROWS = 1 << 2,
    RDB_SQL_FRAME_GROUPS = 1 << 3,
    RDB_SQL_FRAME_BETWEEN = 1 << 4,
    RDB_SQL_FRAME_START_UNBOUNDED_PRECEDING = 1 << 5,
    RDB_SQL_FRAME_END_UNBOUNDED_FOLLOWING = 1 << 8,
    RDB_SQL_FRAME_START_CURRENT_ROW = 1 << 9,
    RDB_SQL_FRAME_END_CURRENT_ROW = 1 << 10,
    RDB_SQL_FRAME_START_OFFSET_PRECEDING = 1 << 11,
    RDB_SQL_FRAME_END_OFFSET_PRECEDING = 1 << 12,
    RDB_SQL_FRAME_START_OFFSET_FOLLOWING = 1 << 13,
    RDB_SQL_FRAME_END_OFFSET_FOLLOWING = 1 << 14,
    RDB_SQL_FRAME_EXCLUDE_CURRENT_ROW = 1 << 15,
    RDB_SQL_FRAME_EXCLUDE_GROUP = 1 << 16,
    RDB_SQL_FRAME_EXCLUDE_TIES = 1 << 17,
};

/* ---- Expressions ------------------------------------------------------------------------------------------------------- */

/* A reference by name: table.column, or table.* where is_star is set (then names may be empty: a bare *). */
typedef struct rdb_ast_column {
    rdb_ast_node node;
    rdb_ast_names names;
    bool is_star;
} rdb_ast_column;

/* $1, $2... */
typedef struct rdb_ast_param {
    rdb_ast_node node;
    int32_t number;
} rdb_ast_param;

/* Infix, prefix and postfix operators, and the constructs that behave as one. A prefix operator has no left. For
 * BETWEEN the right is an RDB_AST_LIST of two; for IN, one of the alternatives. */
typedef struct rdb_ast_op {
    rdb_ast_node node;
    rdb_sql_op_kind kind;
    rdb_ast_names name;
    rdb_ast_node *left, *right;
} rdb_ast_op;

/* AND and OR hold two or more arguments (chains are flat), NOT exactly one. */
typedef struct rdb_ast_bool {
    rdb_ast_node node;
    rdb_sql_bool_kind kind;
    rdb_list args;
} rdb_ast_bool;

typedef struct rdb_ast_cast {
    rdb_ast_node node;
    rdb_ast_node *arg;
    struct rdb_ast_type *type;
} rdb_ast_cast;

typedef struct rdb_ast_collate {
    rdb_ast_node node;
    rdb_ast_node *arg;
    rdb_ast_names name;
} rdb_ast_collate;

/* The call of a function, aggregate or window function, looked up alike. */
typedef struct rdb_ast_call {
    rdb_ast_node node;
    rdb_ast_names name;
    rdb_list args, order;
    rdb_ast_node *filter;
    struct rdb_ast_window *over;
    bool within_group, is_star, is_distinct, is_variadic;
    rdb_sql_call_form form;
} rdb_ast_call;

typedef struct rdb_ast_named_arg {
    rdb_ast_node node;
    const char *name;
    rdb_ast_node *arg;
} rdb_ast_named_arg;

/* Subscript [upper] or slice [lower:upper], an item of rdb_ast_indirection.steps. */
typedef struct rdb_ast_subscript {
    rdb_ast_node node;
    bool is_slice;
    rdb_ast_node *lower, *upper;
} rdb_ast_subscript;

typedef struct rdb_ast_star {
    rdb_ast_node node;
} rdb_ast_star;

/* (arg).field[1].*: steps are RDB_AST_VALUE strings (a field), RDB_AST_SUBSCRIPT or a final RDB_AST_STAR. */
typedef struct rdb_ast_indirection {
    rdb_ast_node node;
    rdb_ast_node *arg;
    rdb_list steps;
} rdb_ast_indirection;

typedef struct rdb_ast_array {
    rdb_ast_node node;
    rdb_list elements;
} rdb_ast_array;

typedef struct rdb_ast_row {
    rdb_ast_node node;
    rdb_list args;
    rdb_sql_call_form form;
} rdb_ast_row;

typedef struct rdb_ast_case {
    rdb_ast_node node;
    rdb_ast_node *arg;
    rdb_list whens;
    rdb_ast_node *otherwise;
} rdb_ast_case;

typedef struct rdb_ast_when {
    rdb_ast_node node;
    rdb_ast_node *condition, *result;
} rdb_ast_when;

typedef struct rdb_ast_coalesce {
    rdb_ast_node node;
    rdb_list args;
} rdb_ast_coalesce;

typedef struct rdb_ast_min_max {
    rdb_ast_node node;
    rdb_sql_min_max_kind kind;
    rdb_list args;
} rdb_ast_min_max;

/* CURRENT_DATE and its kin; precision is -1 where none was written. */
typedef struct rdb_ast_sql_value {
    rdb_ast_node node;
    rdb_sql_value_function kind;
    int32_t precision;
} rdb_ast_sql_value;

typedef struct rdb_ast_null_test {
    rdb_ast_node node;
    rdb_ast_node *arg;
    rdb_sql_null_test_kind kind;
} rdb_ast_null_test;

typedef struct rdb_ast_bool_test {
    rdb_ast_node node;
    rdb_ast_node *arg;
    rdb_sql_bool_test_kind kind;
} rdb_ast_bool_test;

/* DEFAULT as a value of INSERT or UPDATE. */
typedef struct rdb_ast_default {
    rdb_ast_node node;
} rdb_ast_default;

typedef struct rdb_ast_sublink {
    rdb_ast_node node;
    rdb_sql_sublink_kind kind;
    rdb_ast_node *test;
    rdb_ast_names op_name;
    rdb_ast_node *query;
} rdb_ast_sublink;

typedef struct rdb_ast_grouping {
    rdb_ast_node node;
    rdb_list args;
} rdb_ast_grouping;

/* WHERE CURRENT OF cursor */
typedef struct rdb_ast_current_of {
    rdb_ast_node node;
    const char *cursor_name;
} rdb_ast_current_of;

/* One column of "SET (a, b) = source": column_no from 1. */
typedef struct rdb_ast_multi_assign {
    rdb_ast_node node;
    rdb_ast_node *source;
    int32_t column_no, column_count;
} rdb_ast_multi_assign;

/* ---- Types, roles and options ------------------------------------------------------------------------------------------ */

/* A type as written. is_reference: table.column%TYPE. bounds: one RDB_AST_VALUE an array dimension, -1 where open. oid is
 * never written: who makes a column like another says which type it is, with typmod and collation; then names are nothing. */
typedef struct rdb_ast_type {
    rdb_ast_node node;
    rdb_ast_names names;
    bool is_setof, is_reference;
    rdb_list modifiers;
    int32_t typmod;
    rdb_list bounds;
    uint32_t oid, collation;
} rdb_ast_type;

typedef struct rdb_ast_role {
    rdb_ast_node node;
    rdb_sql_role_kind kind;
    const char *name;
} rdb_ast_role;

/* One option of many statements: "name = arg". arg: a value, a type, a list, an expression, or NULL. */
typedef struct rdb_ast_option {
    rdb_ast_node node;
    const char *space, *name;
    rdb_ast_node *arg;
    rdb_sql_option_action action;
} rdb_ast_option;

/* A function, operator or aggregate named with its argument types (args: inputs; params: all, with modes); a missing
 * operand of an operator is NULL. */
typedef struct rdb_ast_signature {
    rdb_ast_node node;
    rdb_ast_names name;
    rdb_list args, params;
    bool is_bare;
} rdb_ast_signature;

/* ---- Pieces of a query ------------------------------------------------------------------------------------------------- */

/* SELECT: value [AS name]. INSERT: the column's name. UPDATE: name = value. indirection as in rdb_ast_indirection. */
typedef struct rdb_ast_target {
    rdb_ast_node node;
    const char *name;
    rdb_list indirection;
    rdb_ast_node *value;
} rdb_ast_target;

typedef struct rdb_ast_sort {
    rdb_ast_node node;
    rdb_ast_node *expr;
    rdb_sql_sort_direction direction;
    rdb_sql_sort_nulls nulls;
    rdb_ast_names using_op;
} rdb_ast_sort;

/* WINDOW name AS (...) or OVER (...). frame: RDB_FRAME_ bits. A bare OVER name has only name; ref_name is the window
 * it copies. */
typedef struct rdb_ast_window {
    rdb_ast_node node;
    const char *name, *ref_name;
    rdb_list partition, order;
    int32_t frame;
    rdb_ast_node *start_offset, *end_offset;
} rdb_ast_window;

typedef struct rdb_ast_alias {
    rdb_ast_node node;
    const char *name;
    rdb_ast_names columns;
} rdb_ast_alias;

/* A table by name. inherits: without ONLY. persistence: 'p' permanent, 'u' unlogged, 't' temporary. */
typedef struct rdb_ast_table {
    rdb_ast_node node;
    const char *catalog, *schema, *name;
    bool inherits;
    char persistence;
    struct rdb_ast_alias *alias;
} rdb_ast_table;

typedef struct rdb_ast_range_subquery {
    rdb_ast_node node;
    bool is_lateral;
    rdb_ast_node *query;
    struct rdb_ast_alias *alias;
} rdb_ast_range_subquery;

/* functions: an RDB_AST_LIST of (call, columns or NULL) an entry; more than one only for ROWS FROM. */
typedef struct rdb_ast_range_function {
    rdb_ast_node node;
    bool is_lateral, with_ordinality, is_rows_from;
    rdb_list functions;
    struct rdb_ast_alias *alias;
    rdb_list columns;
} rdb_ast_range_function;

typedef struct rdb_ast_range_sample {
    rdb_ast_node node;
    rdb_ast_node *table;
    rdb_ast_names method;
    rdb_list args;
    rdb_ast_node *repeatable;
} rdb_ast_range_sample;

typedef struct rdb_ast_join {
    rdb_ast_node node;
    rdb_sql_join_kind kind;
    bool is_natural;
    rdb_ast_node *left, *right;
    rdb_ast_names using;
    struct rdb_ast_alias *using_alias;
    rdb_ast_node *condition;
    struct rdb_ast_alias *alias;
} rdb_ast_join;

typedef struct rdb_ast_grouping_set {
    rdb_ast_node node;
    rdb_sql_grouping_set_kind kind;
    rdb_list content;
} rdb_ast_grouping_set;

typedef struct rdb_ast_with {
    rdb_ast_node node;
    rdb_list ctes;
    bool is_recursive;
} rdb_ast_with;

typedef struct rdb_ast_cte {
    rdb_ast_node node;
    const char *name;
    rdb_ast_names columns;
    rdb_sql_cte_materialize materialize;
    rdb_ast_node *query;
    struct rdb_ast_cte_search *search;
    struct rdb_ast_cte_cycle *cycle;
} rdb_ast_cte;

typedef struct rdb_ast_cte_search {
    rdb_ast_node node;
    rdb_ast_names columns;
    bool is_breadth_first;
    const char *sequence_column;
} rdb_ast_cte_search;

typedef struct rdb_ast_cte_cycle {
    rdb_ast_node node;
    rdb_ast_names columns;
    const char *mark_column;
    rdb_ast_node *mark_value, *mark_default;
    const char *path_column;
} rdb_ast_cte_cycle;

/* FOR UPDATE and its kin; no tables means all. */
typedef struct rdb_ast_locking {
    rdb_ast_node node;
    rdb_list tables;
    rdb_sql_lock_strength strength;
    rdb_sql_lock_wait wait;
} rdb_ast_locking;

/* The target of SELECT INTO and CREATE TABLE AS. */
typedef struct rdb_ast_into {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_ast_names columns;
    const char *access_method;
    rdb_list options;
    rdb_sql_on_commit on_commit;
    const char *tablespace;
    bool without_data;
} rdb_ast_into;

typedef struct rdb_ast_infer {
    rdb_ast_node node;
    rdb_list elements;
    rdb_ast_node *where;
    const char *constraint;
} rdb_ast_infer;

typedef struct rdb_ast_on_conflict {
    rdb_ast_node node;
    rdb_sql_conflict_action action;
    struct rdb_ast_infer *infer;
    rdb_list targets;
    rdb_ast_node *where;
} rdb_ast_on_conflict;

typedef struct rdb_ast_merge_when {
    rdb_ast_node node;
    bool is_matched;
    rdb_sql_merge_action action;
    rdb_sql_overriding overriding;
    rdb_ast_node *condition;
    rdb_list targets, values;
} rdb_ast_merge_when;

/* ---- Queries ----------------------------------------------------------------------------------------------------------- */

/* SELECT, VALUES (values is not empty: RDB_AST_LISTs of expressions), or a set operation (op is set, left and right).
 * is_distinct without distinct_on is a plain DISTINCT. */
typedef struct rdb_ast_select {
    rdb_ast_node node;
    bool is_distinct;
    rdb_list distinct_on;
    struct rdb_ast_into *into;
    rdb_list targets, from;
    rdb_ast_node *where;
    rdb_list group;
    bool group_distinct;
    rdb_ast_node *having;
    rdb_list windows, values, sort;
    rdb_ast_node *limit_offset, *limit_count;
    rdb_sql_limit_option limit_option;
    rdb_list locking;
    struct rdb_ast_with *with;
    rdb_sql_set_op op;
    bool is_all;
    struct rdb_ast_select *left, *right;
} rdb_ast_select;

/* query is NULL for DEFAULT VALUES. */
typedef struct rdb_ast_insert {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list columns;
    rdb_ast_node *query;
    struct rdb_ast_on_conflict *on_conflict;
    rdb_list returning;
    struct rdb_ast_with *with;
    rdb_sql_overriding overriding;
} rdb_ast_insert;

typedef struct rdb_ast_update {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list targets;
    rdb_ast_node *where;
    rdb_list from, returning;
    struct rdb_ast_with *with;
} rdb_ast_update;

typedef struct rdb_ast_delete {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list using;
    rdb_ast_node *where;
    rdb_list returning;
    struct rdb_ast_with *with;
} rdb_ast_delete;

typedef struct rdb_ast_merge {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_ast_node *source, *condition;
    rdb_list whens;
    struct rdb_ast_with *with;
} rdb_ast_merge;

/* RETURN expression, in an SQL function's body. */
typedef struct rdb_ast_return {
    rdb_ast_node node;
    rdb_ast_node *value;
} rdb_ast_return;

typedef struct rdb_ast_copy {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_ast_node *query;
    rdb_ast_names columns;
    bool is_from, is_program;
    const char *file_name;
    rdb_list options;
    rdb_ast_node *where;
} rdb_ast_copy;

#endif
