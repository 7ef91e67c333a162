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
    RDB_AST_STATISTICS_ELEM, RDB_AST_TRUNCATE, RDB_AST_CREATE_POLICY, RDB_AST_ALTER_POLICY, RDB_AST_CREATE_RULE,
    RDB_AST_CREATE_TRIGGER, RDB_AST_TRANSITION,
    /* Other objects */
    RDB_AST_CREATE_SCHEMA, RDB_AST_CREATE_DATABASE, RDB_AST_ALTER_DATABASE, RDB_AST_ALTER_DATABASE_SET,
    RDB_AST_DROP_DATABASE, RDB_AST_CREATE_ENUM, RDB_AST_ALTER_ENUM, RDB_AST_CREATE_COMPOSITE, RDB_AST_CREATE_RANGE,
    RDB_AST_ALTER_TYPE, RDB_AST_CREATE_DOMAIN, RDB_AST_ALTER_DOMAIN, RDB_AST_CREATE_FUNCTION, RDB_AST_FUNCTION_PARAM,
    RDB_AST_ALTER_FUNCTION, RDB_AST_DO, RDB_AST_CALL_PROCEDURE, RDB_AST_DEFINE, RDB_AST_CREATE_CAST,
    RDB_AST_CREATE_EXTENSION, RDB_AST_ALTER_EXTENSION, RDB_AST_CREATE_LANGUAGE, RDB_AST_DROP, RDB_AST_COMMENT,
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

/* The ATTR_ ones change the constraint before them. */
typedef enum rdb_sql_constraint_kind {
    RDB_SQL_CONSTRAINT_NULL, RDB_SQL_CONSTRAINT_NOT_NULL, RDB_SQL_CONSTRAINT_DEFAULT, RDB_SQL_CONSTRAINT_IDENTITY,
    RDB_SQL_CONSTRAINT_GENERATED, RDB_SQL_CONSTRAINT_CHECK, RDB_SQL_CONSTRAINT_PRIMARY, RDB_SQL_CONSTRAINT_UNIQUE,
    RDB_SQL_CONSTRAINT_EXCLUSION, RDB_SQL_CONSTRAINT_FOREIGN, RDB_SQL_CONSTRAINT_ATTR_DEFERRABLE,
    RDB_SQL_CONSTRAINT_ATTR_NOT_DEFERRABLE, RDB_SQL_CONSTRAINT_ATTR_DEFERRED, RDB_SQL_CONSTRAINT_ATTR_IMMEDIATE,
} rdb_sql_constraint_kind;

typedef enum rdb_sql_alter_kind {
    RDB_SQL_ALTER_ADD_COLUMN, RDB_SQL_ALTER_COLUMN_DEFAULT, RDB_SQL_ALTER_DROP_NOT_NULL, RDB_SQL_ALTER_SET_NOT_NULL,
    RDB_SQL_ALTER_DROP_EXPRESSION, RDB_SQL_ALTER_SET_STATISTICS, RDB_SQL_ALTER_SET_OPTIONS,
    RDB_SQL_ALTER_RESET_OPTIONS, RDB_SQL_ALTER_SET_STORAGE, RDB_SQL_ALTER_SET_COMPRESSION, RDB_SQL_ALTER_DROP_COLUMN,
    RDB_SQL_ALTER_ADD_CONSTRAINT, RDB_SQL_ALTER_ALTER_CONSTRAINT, RDB_SQL_ALTER_VALIDATE_CONSTRAINT,
    RDB_SQL_ALTER_DROP_CONSTRAINT, RDB_SQL_ALTER_COLUMN_TYPE, RDB_SQL_ALTER_COLUMN_GENERIC_OPTIONS,
    RDB_SQL_ALTER_CHANGE_OWNER, RDB_SQL_ALTER_CLUSTER_ON, RDB_SQL_ALTER_DROP_CLUSTER, RDB_SQL_ALTER_SET_LOGGED,
    RDB_SQL_ALTER_SET_UNLOGGED, RDB_SQL_ALTER_DROP_OIDS, RDB_SQL_ALTER_SET_ACCESS_METHOD,
    RDB_SQL_ALTER_SET_TABLE_SPACE, RDB_SQL_ALTER_SET_REL_OPTIONS, RDB_SQL_ALTER_RESET_REL_OPTIONS,
    RDB_SQL_ALTER_ENABLE_TRIG, RDB_SQL_ALTER_ENABLE_ALWAYS_TRIG, RDB_SQL_ALTER_ENABLE_REPLICA_TRIG,
    RDB_SQL_ALTER_DISABLE_TRIG, RDB_SQL_ALTER_ENABLE_TRIG_ALL, RDB_SQL_ALTER_DISABLE_TRIG_ALL,
    RDB_SQL_ALTER_ENABLE_TRIG_USER, RDB_SQL_ALTER_DISABLE_TRIG_USER, RDB_SQL_ALTER_ENABLE_RULE,
    RDB_SQL_ALTER_ENABLE_ALWAYS_RULE, RDB_SQL_ALTER_ENABLE_REPLICA_RULE, RDB_SQL_ALTER_DISABLE_RULE,
    RDB_SQL_ALTER_ADD_INHERIT, RDB_SQL_ALTER_DROP_INHERIT, RDB_SQL_ALTER_ADD_OF, RDB_SQL_ALTER_DROP_OF,
    RDB_SQL_ALTER_REPLICA_IDENTITY, RDB_SQL_ALTER_ENABLE_ROW_SECURITY, RDB_SQL_ALTER_DISABLE_ROW_SECURITY,
    RDB_SQL_ALTER_FORCE_ROW_SECURITY, RDB_SQL_ALTER_NO_FORCE_ROW_SECURITY, RDB_SQL_ALTER_GENERIC_OPTIONS,
    RDB_SQL_ALTER_ATTACH_PARTITION, RDB_SQL_ALTER_DETACH_PARTITION, RDB_SQL_ALTER_ADD_IDENTITY,
    RDB_SQL_ALTER_SET_IDENTITY, RDB_SQL_ALTER_DROP_IDENTITY, RDB_SQL_ALTER_DETACH_PARTITION_FINALIZE,
} rdb_sql_alter_kind;

typedef enum rdb_sql_check_option {
    RDB_SQL_CHECK_OPTION_NONE, RDB_SQL_CHECK_OPTION_LOCAL, RDB_SQL_CHECK_OPTION_CASCADED,
} rdb_sql_check_option;

typedef enum rdb_sql_object_type {
    RDB_SQL_OBJECT_ACCESS_METHOD, RDB_SQL_OBJECT_AGGREGATE, RDB_SQL_OBJECT_AMOP, RDB_SQL_OBJECT_AMPROC,
    RDB_SQL_OBJECT_ATTRIBUTE, RDB_SQL_OBJECT_CAST, RDB_SQL_OBJECT_COLUMN, RDB_SQL_OBJECT_COLLATION,
    RDB_SQL_OBJECT_CONVERSION, RDB_SQL_OBJECT_DATABASE, RDB_SQL_OBJECT_DEFAULT, RDB_SQL_OBJECT_DEFACL,
    RDB_SQL_OBJECT_DOMAIN, RDB_SQL_OBJECT_DOMCONSTRAINT, RDB_SQL_OBJECT_EVENT_TRIGGER, RDB_SQL_OBJECT_EXTENSION,
    RDB_SQL_OBJECT_FDW, RDB_SQL_OBJECT_FOREIGN_SERVER, RDB_SQL_OBJECT_FOREIGN_TABLE, RDB_SQL_OBJECT_FUNCTION,
    RDB_SQL_OBJECT_INDEX, RDB_SQL_OBJECT_LANGUAGE, RDB_SQL_OBJECT_LARGEOBJECT, RDB_SQL_OBJECT_MATVIEW,
    RDB_SQL_OBJECT_OPCLASS, RDB_SQL_OBJECT_OPERATOR, RDB_SQL_OBJECT_OPFAMILY, RDB_SQL_OBJECT_PARAMETER_ACL,
    RDB_SQL_OBJECT_POLICY, RDB_SQL_OBJECT_PROCEDURE, RDB_SQL_OBJECT_PUBLICATION, RDB_SQL_OBJECT_PUBLICATION_NAMESPACE,
    RDB_SQL_OBJECT_PUBLICATION_REL, RDB_SQL_OBJECT_ROLE, RDB_SQL_OBJECT_ROUTINE, RDB_SQL_OBJECT_RULE,
    RDB_SQL_OBJECT_SCHEMA, RDB_SQL_OBJECT_SEQUENCE, RDB_SQL_OBJECT_SUBSCRIPTION, RDB_SQL_OBJECT_STATISTIC_EXT,
    RDB_SQL_OBJECT_TABCONSTRAINT, RDB_SQL_OBJECT_TABLE, RDB_SQL_OBJECT_TABLESPACE, RDB_SQL_OBJECT_TRANSFORM,
    RDB_SQL_OBJECT_TRIGGER, RDB_SQL_OBJECT_TSCONFIGURATION, RDB_SQL_OBJECT_TSDICTIONARY, RDB_SQL_OBJECT_TSPARSER,
    RDB_SQL_OBJECT_TSTEMPLATE, RDB_SQL_OBJECT_TYPE, RDB_SQL_OBJECT_USER_MAPPING, RDB_SQL_OBJECT_VIEW,
} rdb_sql_object_type;

typedef enum rdb_sql_drop_behavior {
    RDB_SQL_DROP_RESTRICT, RDB_SQL_DROP_CASCADE,
} rdb_sql_drop_behavior;

typedef enum rdb_sql_role_statement_kind {
    RDB_SQL_ROLE_STATEMENT_ROLE, RDB_SQL_ROLE_STATEMENT_USER, RDB_SQL_ROLE_STATEMENT_GROUP,
} rdb_sql_role_statement_kind;

typedef enum rdb_sql_grant_target {
    RDB_SQL_GRANT_OBJECT, RDB_SQL_GRANT_ALL_IN_SCHEMA, RDB_SQL_GRANT_DEFAULTS,
} rdb_sql_grant_target;

typedef enum rdb_sql_set_kind {
    RDB_SQL_SET_VALUE, RDB_SQL_SET_DEFAULT, RDB_SQL_SET_CURRENT, RDB_SQL_SET_MULTI, RDB_SQL_SET_RESET,
    RDB_SQL_SET_RESET_ALL,
} rdb_sql_set_kind;

/* BEGIN and START TRANSACTION act alike. */
typedef enum rdb_sql_transaction_kind {
    RDB_SQL_TRANSACTION_BEGIN, RDB_SQL_TRANSACTION_START, RDB_SQL_TRANSACTION_COMMIT, RDB_SQL_TRANSACTION_ROLLBACK,
    RDB_SQL_TRANSACTION_SAVEPOINT, RDB_SQL_TRANSACTION_RELEASE, RDB_SQL_TRANSACTION_ROLLBACK_TO,
    RDB_SQL_TRANSACTION_PREPARE, RDB_SQL_TRANSACTION_COMMIT_PREPARED, RDB_SQL_TRANSACTION_ROLLBACK_PREPARED,
} rdb_sql_transaction_kind;

typedef enum rdb_sql_rule_event {
    RDB_SQL_RULE_SELECT = 1, RDB_SQL_RULE_UPDATE = 2, RDB_SQL_RULE_INSERT = 3, RDB_SQL_RULE_DELETE = 4,
} rdb_sql_rule_event;

/* DEFAULT: none was written, which means IN. TABLE: a column of RETURNS TABLE. */
typedef enum rdb_sql_param_mode {
    RDB_SQL_PARAM_DEFAULT = 'd', RDB_SQL_PARAM_IN = 'i', RDB_SQL_PARAM_OUT = 'o', RDB_SQL_PARAM_INOUT = 'b',
    RDB_SQL_PARAM_VARIADIC = 'v', RDB_SQL_PARAM_TABLE = 't',
} rdb_sql_param_mode;

/* When a cast applies by itself. */
typedef enum rdb_sql_cast_context {
    RDB_SQL_CAST_IMPLICIT, RDB_SQL_CAST_ASSIGNMENT, RDB_SQL_CAST_PLPGSQL, RDB_SQL_CAST_EXPLICIT,
} rdb_sql_cast_context;

typedef enum rdb_sql_publication_action {
    RDB_SQL_PUBLICATION_ADD, RDB_SQL_PUBLICATION_DROP, RDB_SQL_PUBLICATION_SET,
} rdb_sql_publication_action;

typedef enum rdb_sql_publication_object_kind {
    RDB_SQL_PUBLICATION_TABLE, RDB_SQL_PUBLICATION_SCHEMA, RDB_SQL_PUBLICATION_CURRENT_SCHEMA,
    RDB_SQL_PUBLICATION_CONTINUATION,
} rdb_sql_publication_object_kind;

typedef enum rdb_sql_subscription_action {
    RDB_SQL_SUBSCRIPTION_OPTIONS, RDB_SQL_SUBSCRIPTION_CONNECTION, RDB_SQL_SUBSCRIPTION_SET_PUBLICATION,
    RDB_SQL_SUBSCRIPTION_ADD_PUBLICATION, RDB_SQL_SUBSCRIPTION_DROP_PUBLICATION, RDB_SQL_SUBSCRIPTION_REFRESH,
    RDB_SQL_SUBSCRIPTION_ENABLED, RDB_SQL_SUBSCRIPTION_SKIP,
} rdb_sql_subscription_action;

typedef enum rdb_sql_reindex_kind {
    RDB_SQL_REINDEX_INDEX, RDB_SQL_REINDEX_TABLE, RDB_SQL_REINDEX_SCHEMA, RDB_SQL_REINDEX_SYSTEM,
    RDB_SQL_REINDEX_DATABASE,
} rdb_sql_reindex_kind;

/* ABSOLUTE and RELATIVE move to one row; a count of INT64_MAX is ALL. */
typedef enum rdb_sql_fetch_direction {
    RDB_SQL_FETCH_FORWARD, RDB_SQL_FETCH_BACKWARD, RDB_SQL_FETCH_ABSOLUTE, RDB_SQL_FETCH_RELATIVE,
} rdb_sql_fetch_direction;

typedef enum rdb_sql_discard_target {
    RDB_SQL_DISCARD_ALL, RDB_SQL_DISCARD_PLANS, RDB_SQL_DISCARD_SEQUENCES, RDB_SQL_DISCARD_TEMP,
} rdb_sql_discard_target;

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

/* Bits of rdb_ast_declare.options. */
enum {
    RDB_SQL_CURSOR_BINARY = 1 << 0,
    RDB_SQL_CURSOR_SCROLL = 1 << 1,
    RDB_SQL_CURSOR_NO_SCROLL = 1 << 2,
    RDB_SQL_CURSOR_INSENSITIVE = 1 << 3,
    RDB_SQL_CURSOR_ASENSITIVE = 1 << 4,
    RDB_SQL_CURSOR_HOLD = 1 << 5,
};

/* Bits of rdb_ast_create_trigger.events; timing is one of the last three, or 0 for AFTER. */
enum {
    RDB_SQL_TRIGGER_INSERT = 1 << 2,
    RDB_SQL_TRIGGER_DELETE = 1 << 3,
    RDB_SQL_TRIGGER_UPDATE = 1 << 4,
    RDB_SQL_TRIGGER_TRUNCATE = 1 << 5,
    RDB_SQL_TRIGGER_BEFORE = 1 << 1,
    RDB_SQL_TRIGGER_INSTEAD = 1 << 6,
    RDB_SQL_TRIGGER_AFTER = 0,
};

/* Bits of rdb_ast_like.options: what LIKE table INCLUDING takes over. */
enum {
    RDB_SQL_LIKE_COMMENTS = 1 << 0,
    RDB_SQL_LIKE_COMPRESSION = 1 << 1,
    RDB_SQL_LIKE_CONSTRAINTS = 1 << 2,
    RDB_SQL_LIKE_DEFAULTS = 1 << 3,
    RDB_SQL_LIKE_GENERATED = 1 << 4,
    RDB_SQL_LIKE_IDENTITY = 1 << 5,
    RDB_SQL_LIKE_INDEXES = 1 << 6,
    RDB_SQL_LIKE_STATISTICS = 1 << 7,
    RDB_SQL_LIKE_STORAGE = 1 << 8,
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


/* ---- Tables, indexes, views -------------------------------------------------------------------------------------------- */

typedef struct rdb_ast_column_def {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_type *type;
    const char *compression;
    bool is_not_null;
    char identity;
    struct rdb_ast_table *identity_sequence;
    char generated;
    rdb_ast_node *default_value;
    struct rdb_ast_collate *collate;
    rdb_list constraints;
    char storage;
    rdb_list fdw_options;
} rdb_ast_column_def;

typedef struct rdb_ast_like {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    int32_t options;
} rdb_ast_like;

typedef struct rdb_ast_constraint {
    rdb_ast_node node;
    rdb_sql_constraint_kind kind;
    const char *name;
    bool is_deferrable, is_deferred, is_no_inherit;
    rdb_ast_node *expr;
    char generated_when;
    bool nulls_not_distinct;
    rdb_ast_names keys, including;
    rdb_list exclusions, options;
    const char *index_name, *tablespace, *access_method;
    rdb_ast_node *where;
    struct rdb_ast_table *ref_table;
    rdb_ast_names columns, ref_columns;
    char match_type, update_action, delete_action;
    rdb_ast_names delete_set_columns;
    bool skip_validation, initially_valid;
} rdb_ast_constraint;

/* elements: RDB_AST_COLUMN_DEF, RDB_AST_CONSTRAINT, RDB_AST_LIKE. */
typedef struct rdb_ast_create_table {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list elements, inherits;
    struct rdb_ast_partition_bound *partition_bound;
    struct rdb_ast_partition_spec *partition_spec;
    struct rdb_ast_type *of_type;
    rdb_list options;
    rdb_sql_on_commit on_commit;
    const char *tablespace, *access_method;
    bool if_not_exists;
} rdb_ast_create_table;

typedef struct rdb_ast_partition_spec {
    rdb_ast_node node;
    const char *strategy;
    rdb_list elements;
} rdb_ast_partition_spec;

typedef struct rdb_ast_partition_elem {
    rdb_ast_node node;
    const char *name;
    rdb_ast_node *expr;
    rdb_ast_names collation, opclass;
} rdb_ast_partition_elem;

/* strategy: 'h', 'l', 'r'. Bounds MINVALUE and MAXVALUE of a range are RDB_AST_COLUMNs of that name, as the grammar
 * has them. */
typedef struct rdb_ast_partition_bound {
    rdb_ast_node node;
    char strategy;
    bool is_default;
    int32_t modulus, remainder;
    rdb_list list, lower, upper;
} rdb_ast_partition_bound;

typedef struct rdb_ast_partition_cmd {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    struct rdb_ast_partition_bound *bound;
    bool is_concurrent;
} rdb_ast_partition_cmd;

typedef struct rdb_ast_create_table_as {
    rdb_ast_node node;
    rdb_ast_node *query;
    struct rdb_ast_into *into;
    rdb_sql_object_type object_type;
    bool if_not_exists;
} rdb_ast_create_table_as;

typedef struct rdb_ast_alter_table {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list commands;
    rdb_sql_object_type object_type;
    bool missing_ok;
} rdb_ast_alter_table;

/* What def is depends on kind: a column definition, a constraint, an expression, a list of options... */
typedef struct rdb_ast_alter_command {
    rdb_ast_node node;
    rdb_sql_alter_kind kind;
    const char *name;
    int16_t number;
    struct rdb_ast_role *new_owner;
    rdb_ast_node *def;
    rdb_sql_drop_behavior behavior;
    bool missing_ok;
} rdb_ast_alter_command;

typedef struct rdb_ast_replica_identity {
    rdb_ast_node node;
    char identity_type;
    const char *name;
} rdb_ast_replica_identity;

typedef struct rdb_ast_index_elem {
    rdb_ast_node node;
    const char *name;
    rdb_ast_node *expr;
    const char *index_column;
    rdb_ast_names collation, opclass;
    rdb_list opclass_options;
    rdb_sql_sort_direction direction;
    rdb_sql_sort_nulls nulls;
} rdb_ast_index_elem;

typedef struct rdb_ast_create_index {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_table *table;
    const char *access_method, *tablespace;
    rdb_list elements, including, options;
    rdb_ast_node *where;
    bool is_unique, nulls_not_distinct, is_concurrent, if_not_exists;
} rdb_ast_create_index;

typedef struct rdb_ast_create_view {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_ast_names columns;
    rdb_ast_node *query;
    bool or_replace;
    rdb_list options;
    rdb_sql_check_option check_option;
} rdb_ast_create_view;

typedef struct rdb_ast_refresh {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    bool is_concurrent, without_data;
} rdb_ast_refresh;

typedef struct rdb_ast_create_sequence {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list options;
    bool if_not_exists;
} rdb_ast_create_sequence;

typedef struct rdb_ast_alter_sequence {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_list options;
    bool missing_ok;
} rdb_ast_alter_sequence;

typedef struct rdb_ast_create_statistics {
    rdb_ast_node node;
    rdb_ast_names name;
    rdb_list kinds, elements, tables;
    bool if_not_exists;
} rdb_ast_create_statistics;

typedef struct rdb_ast_statistics_elem {
    rdb_ast_node node;
    const char *name;
    rdb_ast_node *expr;
} rdb_ast_statistics_elem;

typedef struct rdb_ast_truncate {
    rdb_ast_node node;
    rdb_list tables;
    bool restart_identity;
    rdb_sql_drop_behavior behavior;
} rdb_ast_truncate;

typedef struct rdb_ast_create_policy {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_table *table;
    const char *command;
    bool is_permissive;
    rdb_list roles;
    rdb_ast_node *using, *with_check;
} rdb_ast_create_policy;

typedef struct rdb_ast_alter_policy {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_table *table;
    rdb_list roles;
    rdb_ast_node *using, *with_check;
} rdb_ast_alter_policy;

typedef struct rdb_ast_create_rule {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    const char *name;
    rdb_ast_node *where;
    rdb_sql_rule_event event;
    bool is_instead;
    rdb_list actions;
    bool or_replace;
} rdb_ast_create_rule;

typedef struct rdb_ast_create_trigger {
    rdb_ast_node node;
    bool or_replace, is_constraint;
    const char *name;
    struct rdb_ast_table *table;
    rdb_ast_names function, args;
    bool for_each_row;
    int16_t timing, events;
    rdb_ast_names columns;
    rdb_ast_node *when;
    rdb_list transitions;
    bool is_deferrable, is_deferred;
    struct rdb_ast_table *from_table;
} rdb_ast_create_trigger;

typedef struct rdb_ast_transition {
    rdb_ast_node node;
    const char *name;
    bool is_new, is_table;
} rdb_ast_transition;


/* ---- Other objects ----------------------------------------------------------------------------------------------------- */

typedef struct rdb_ast_create_schema {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_role *owner;
    rdb_list elements;
    bool if_not_exists;
} rdb_ast_create_schema;

typedef struct rdb_ast_create_database {
    rdb_ast_node node;
    const char *name;
    rdb_list options;
} rdb_ast_create_database;

typedef struct rdb_ast_alter_database {
    rdb_ast_node node;
    const char *name;
    rdb_list options;
} rdb_ast_alter_database;

typedef struct rdb_ast_alter_database_set {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_set *set;
} rdb_ast_alter_database_set;

typedef struct rdb_ast_drop_database {
    rdb_ast_node node;
    const char *name;
    bool missing_ok;
    rdb_list options;
} rdb_ast_drop_database;

typedef struct rdb_ast_create_enum {
    rdb_ast_node node;
    rdb_ast_names name, labels;
} rdb_ast_create_enum;

typedef struct rdb_ast_alter_enum {
    rdb_ast_node node;
    rdb_ast_names name;
    const char *old_label, *new_label, *neighbour;
    bool is_after, if_not_exists;
} rdb_ast_alter_enum;

typedef struct rdb_ast_create_composite {
    rdb_ast_node node;
    struct rdb_ast_table *name;
    rdb_list columns;
} rdb_ast_create_composite;

typedef struct rdb_ast_create_range {
    rdb_ast_node node;
    rdb_ast_names name;
    rdb_list options;
} rdb_ast_create_range;

typedef struct rdb_ast_alter_type {
    rdb_ast_node node;
    rdb_ast_names name;
    rdb_list options;
} rdb_ast_alter_type;

typedef struct rdb_ast_create_domain {
    rdb_ast_node node;
    rdb_ast_names name;
    struct rdb_ast_type *type;
    struct rdb_ast_collate *collate;
    rdb_list constraints;
} rdb_ast_create_domain;

/* subtype: 'T' default, 'N' drop not null, 'O' set not null, 'C' add constraint, 'X' drop constraint, 'V' validate.
 * subtype: 'T' default, 'N' drop not null, 'O' set not null, 'C' add constraint, 'X' drop constraint, 'V' validate. */
typedef struct rdb_ast_alter_domain {
    rdb_ast_node node;
    char subtype;
    rdb_ast_names domain;
    const char *name;
    rdb_ast_node *def;
    rdb_sql_drop_behavior behavior;
    bool missing_ok;
} rdb_ast_alter_domain;

typedef struct rdb_ast_create_function {
    rdb_ast_node node;
    bool is_procedure, or_replace;
    rdb_ast_names name;
    rdb_list parameters;
    struct rdb_ast_type *return_type;
    rdb_list options;
    rdb_ast_node *body;
} rdb_ast_create_function;

typedef struct rdb_ast_function_param {
    rdb_ast_node node;
    const char *name;
    struct rdb_ast_type *type;
    rdb_sql_param_mode mode;
    rdb_ast_node *default_value;
} rdb_ast_function_param;

typedef struct rdb_ast_alter_function {
    rdb_ast_node node;
    rdb_sql_object_type object_type;
    struct rdb_ast_signature *function;
    rdb_list actions;
} rdb_ast_alter_function;

typedef struct rdb_ast_do {
    rdb_ast_node node;
    rdb_list options;
} rdb_ast_do;

typedef struct rdb_ast_call_procedure {
    rdb_ast_node node;
    struct rdb_ast_call *call;
} rdb_ast_call_procedure;

/* CREATE AGGREGATE, OPERATOR, TYPE (base), COLLATION, TEXT SEARCH... */
typedef struct rdb_ast_define {
    rdb_ast_node node;
    rdb_sql_object_type object_type;
    bool is_old_style;
    rdb_ast_names name;
    rdb_list args, options;
    bool if_not_exists, or_replace;
} rdb_ast_define;

typedef struct rdb_ast_create_cast {
    rdb_ast_node node;
    struct rdb_ast_type *source, *target;
    struct rdb_ast_signature *function;
    rdb_sql_cast_context context;
    bool is_inout;
} rdb_ast_create_cast;

typedef struct rdb_ast_create_extension {
    rdb_ast_node node;
    const char *name;
    bool if_not_exists;
    rdb_list options;
} rdb_ast_create_extension;

typedef struct rdb_ast_alter_extension {
    rdb_ast_node node;
    const char *name;
    rdb_list options;
} rdb_ast_alter_extension;

typedef struct rdb_ast_create_language {
    rdb_ast_node node;
    bool or_replace;
    const char *name;
    rdb_ast_names handler, inline_handler, validator;
    bool is_trusted;
} rdb_ast_create_language;

/* objects: RDB_AST_LIST of name parts, RDB_AST_VALUE, RDB_AST_SIGNATURE or RDB_AST_TYPE, by object_type. */
typedef struct rdb_ast_drop {
    rdb_ast_node node;
    rdb_list objects;
    rdb_sql_object_type object_type;
    rdb_sql_drop_behavior behavior;
    bool missing_ok, is_concurrent;
} rdb_ast_drop;

/* object as an item of rdb_ast_drop.objects; comment NULL removes it. */
typedef struct rdb_ast_comment {
    rdb_ast_node node;
    rdb_sql_object_type object_type;
    rdb_ast_node *object;
    const char *comment;
} rdb_ast_comment;

typedef struct rdb_ast_rename {
    rdb_ast_node node;
    rdb_sql_object_type object_type, relation_type;
    struct rdb_ast_table *table;
    rdb_ast_node *object;
    const char *sub_name, *new_name;
    rdb_sql_drop_behavior behavior;
    bool missing_ok;
} rdb_ast_rename;

typedef struct rdb_ast_set_schema {
    rdb_ast_node node;
    rdb_sql_object_type object_type;
    struct rdb_ast_table *table;
    rdb_ast_node *object;
    const char *new_schema;
    bool missing_ok;
} rdb_ast_set_schema;

typedef struct rdb_ast_set_owner {
    rdb_ast_node node;
    rdb_sql_object_type object_type;
    struct rdb_ast_table *table;
    rdb_ast_node *object;
    struct rdb_ast_role *new_owner;
} rdb_ast_set_owner;

typedef struct rdb_ast_create_publication {
    rdb_ast_node node;
    const char *name;
    rdb_list options, objects;
    bool for_all_tables;
} rdb_ast_create_publication;

typedef struct rdb_ast_alter_publication {
    rdb_ast_node node;
    const char *name;
    rdb_list options, objects;
    bool for_all_tables;
    rdb_sql_publication_action action;
} rdb_ast_alter_publication;

typedef struct rdb_ast_publication_object {
    rdb_ast_node node;
    rdb_sql_publication_object_kind kind;
    const char *name;
    struct rdb_ast_publication_table *table;
} rdb_ast_publication_object;

typedef struct rdb_ast_publication_table {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_ast_node *where;
    rdb_ast_names columns;
} rdb_ast_publication_table;

typedef struct rdb_ast_create_subscription {
    rdb_ast_node node;
    const char *name, *connection;
    rdb_ast_names publications;
    rdb_list options;
} rdb_ast_create_subscription;

typedef struct rdb_ast_alter_subscription {
    rdb_ast_node node;
    rdb_sql_subscription_action kind;
    const char *name, *connection;
    rdb_ast_names publications;
    rdb_list options;
} rdb_ast_alter_subscription;

typedef struct rdb_ast_drop_subscription {
    rdb_ast_node node;
    const char *name;
    bool missing_ok;
    rdb_sql_drop_behavior behavior;
} rdb_ast_drop_subscription;


/* ---- Roles and privileges ---------------------------------------------------------------------------------------------- */

typedef struct rdb_ast_create_role {
    rdb_ast_node node;
    rdb_sql_role_statement_kind kind;
    const char *name;
    rdb_list options;
} rdb_ast_create_role;

/* action: +1 add, -1 drop (members of a group). */
typedef struct rdb_ast_alter_role {
    rdb_ast_node node;
    struct rdb_ast_role *role;
    rdb_list options;
    int32_t action;
} rdb_ast_alter_role;

typedef struct rdb_ast_alter_role_set {
    rdb_ast_node node;
    struct rdb_ast_role *role;
    const char *database;
    struct rdb_ast_set *set;
} rdb_ast_alter_role_set;

typedef struct rdb_ast_drop_role {
    rdb_ast_node node;
    rdb_list roles;
    bool missing_ok;
} rdb_ast_drop_role;

typedef struct rdb_ast_grant {
    rdb_ast_node node;
    bool is_grant;
    rdb_sql_grant_target target;
    rdb_sql_object_type object_type;
    rdb_list objects, privileges, grantees;
    bool grant_option;
    struct rdb_ast_role *grantor;
    rdb_sql_drop_behavior behavior;
} rdb_ast_grant;

/* name NULL: ALL PRIVILEGES. */
typedef struct rdb_ast_privilege {
    rdb_ast_node node;
    const char *name;
    rdb_ast_names columns;
} rdb_ast_privilege;

typedef struct rdb_ast_grant_role {
    rdb_ast_node node;
    rdb_list roles, grantees;
    bool is_grant, admin_option;
    struct rdb_ast_role *grantor;
    rdb_sql_drop_behavior behavior;
} rdb_ast_grant_role;

typedef struct rdb_ast_default_privileges {
    rdb_ast_node node;
    rdb_list options;
    struct rdb_ast_grant *action;
} rdb_ast_default_privileges;

typedef struct rdb_ast_drop_owned {
    rdb_ast_node node;
    rdb_list roles;
    rdb_sql_drop_behavior behavior;
} rdb_ast_drop_owned;

typedef struct rdb_ast_reassign_owned {
    rdb_ast_node node;
    rdb_list roles;
    struct rdb_ast_role *new_role;
} rdb_ast_reassign_owned;


/* ---- Sessions, transactions, upkeep ------------------------------------------------------------------------------------ */

typedef struct rdb_ast_set {
    rdb_ast_node node;
    rdb_sql_set_kind kind;
    const char *name;
    rdb_list args;
    bool is_local;
} rdb_ast_set;

typedef struct rdb_ast_show {
    rdb_ast_node node;
    const char *name;
} rdb_ast_show;

typedef struct rdb_ast_alter_system {
    rdb_ast_node node;
    struct rdb_ast_set *set;
} rdb_ast_alter_system;

typedef struct rdb_ast_transaction {
    rdb_ast_node node;
    rdb_sql_transaction_kind kind;
    rdb_list options;
    const char *savepoint, *gid;
    bool and_chain;
} rdb_ast_transaction;

typedef struct rdb_ast_set_constraints {
    rdb_ast_node node;
    rdb_list constraints;
    bool is_deferred;
} rdb_ast_set_constraints;

/* mode: 1 ACCESS SHARE ... 8 ACCESS EXCLUSIVE, PostgreSQL's numbers. */
typedef struct rdb_ast_lock {
    rdb_ast_node node;
    rdb_list tables;
    int32_t mode;
    bool no_wait;
} rdb_ast_lock;

typedef struct rdb_ast_vacuum {
    rdb_ast_node node;
    rdb_list options, tables;
    bool is_vacuum;
} rdb_ast_vacuum;

typedef struct rdb_ast_vacuum_table {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    rdb_ast_names columns;
} rdb_ast_vacuum_table;

typedef struct rdb_ast_cluster {
    rdb_ast_node node;
    struct rdb_ast_table *table;
    const char *index_name;
    rdb_list options;
} rdb_ast_cluster;

typedef struct rdb_ast_reindex {
    rdb_ast_node node;
    rdb_sql_reindex_kind kind;
    struct rdb_ast_table *table;
    const char *name;
    rdb_list options;
} rdb_ast_reindex;

typedef struct rdb_ast_checkpoint {
    rdb_ast_node node;
} rdb_ast_checkpoint;

typedef struct rdb_ast_explain {
    rdb_ast_node node;
    rdb_ast_node *query;
    rdb_list options;
} rdb_ast_explain;

typedef struct rdb_ast_prepare {
    rdb_ast_node node;
    const char *name;
    rdb_list types;
    rdb_ast_node *query;
} rdb_ast_prepare;

typedef struct rdb_ast_execute {
    rdb_ast_node node;
    const char *name;
    rdb_list args;
} rdb_ast_execute;

/* name NULL: DEALLOCATE ALL. */
typedef struct rdb_ast_deallocate {
    rdb_ast_node node;
    const char *name;
} rdb_ast_deallocate;

/* options: RDB_CURSOR_ bits. */
typedef struct rdb_ast_declare {
    rdb_ast_node node;
    const char *name;
    int32_t options;
    rdb_ast_node *query;
} rdb_ast_declare;

typedef struct rdb_ast_fetch {
    rdb_ast_node node;
    rdb_sql_fetch_direction direction;
    int64_t count;
    const char *name;
    bool is_move;
} rdb_ast_fetch;

typedef struct rdb_ast_close {
    rdb_ast_node node;
    const char *name;
} rdb_ast_close;

typedef struct rdb_ast_listen {
    rdb_ast_node node;
    const char *channel;
} rdb_ast_listen;

typedef struct rdb_ast_notify {
    rdb_ast_node node;
    const char *channel, *payload;
} rdb_ast_notify;

typedef struct rdb_ast_unlisten {
    rdb_ast_node node;
    const char *channel;
} rdb_ast_unlisten;

typedef struct rdb_ast_discard {
    rdb_ast_node node;
    rdb_sql_discard_target target;
} rdb_ast_discard;

#endif
