/* SPDX-License-Identifier: Apache-2.0
 * The raw tree's nodes of everything that is not a query: definition of objects, roles and privileges, sessions, transactions,
 * upkeep. The same holds of them as of those in rdb_ast.h. */
#ifndef RDB_AST_COMMAND_H
#define RDB_AST_COMMAND_H

#include "sql/rdb_ast.h"

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

typedef struct rdb_ast_alter_statistics { /* SET STATISTICS target */
    rdb_ast_node node;
    rdb_list name;
    int32_t target;
    bool missing_ok;
} rdb_ast_alter_statistics;

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

typedef struct rdb_ast_alter_operator { /* SET (name = value, ...) */
    rdb_ast_node node;
    struct rdb_ast_signature *signature;
    rdb_list options;
} rdb_ast_alter_operator;

enum { RDB_SQL_OPCLASS_OPERATOR = 1, RDB_SQL_OPCLASS_FUNCTION = 2, RDB_SQL_OPCLASS_STORAGE = 3 };
typedef struct rdb_ast_opclass_item {
    rdb_ast_node node;
    int32_t kind;                        /* above */
    struct rdb_ast_signature *signature; /* NULL: DROP, which names a number and types */
    int32_t number;
    rdb_ast_names order_family;          /* FOR ORDER BY */
    rdb_list types;                      /* of a function's (left, right) */
    struct rdb_ast_type *stored;
} rdb_ast_opclass_item;

typedef struct rdb_ast_create_opclass {
    rdb_ast_node node;
    rdb_ast_names name, family;
    const char *method;
    struct rdb_ast_type *type;
    rdb_list items;
    bool is_default;
} rdb_ast_create_opclass;

typedef struct rdb_ast_create_opfamily {
    rdb_ast_node node;
    rdb_ast_names name;
    const char *method;
} rdb_ast_create_opfamily;

typedef struct rdb_ast_alter_opfamily { /* ADD or DROP */
    rdb_ast_node node;
    rdb_ast_names name;
    const char *method;
    bool is_drop;
    rdb_list items;
} rdb_ast_alter_opfamily;

typedef struct rdb_ast_create_extension {
    rdb_ast_node node;
    const char *name;
    bool if_not_exists;
    rdb_list options;
} rdb_ast_create_extension;

typedef struct rdb_ast_alter_text_dictionary {
    rdb_ast_node node;
    rdb_ast_names name;
    rdb_list options;
} rdb_ast_alter_text_dictionary;

typedef enum rdb_sql_text_config_change {
    RDB_SQL_TEXT_CONFIG_ADD, RDB_SQL_TEXT_CONFIG_ALTER, RDB_SQL_TEXT_CONFIG_REPLACE, RDB_SQL_TEXT_CONFIG_REPLACE_FOR, RDB_SQL_TEXT_CONFIG_DROP
} rdb_sql_text_config_change;
typedef struct rdb_ast_alter_text_config {
    rdb_ast_node node;
    rdb_sql_text_config_change change;
    rdb_ast_names name, token_types;
    rdb_list dictionaries; /* of RDB_AST_LIST of name parts; REPLACE: the old one, the new one */
    bool missing_ok;
} rdb_ast_alter_text_config;

typedef struct rdb_ast_alter_collation { /* REFRESH VERSION */
    rdb_ast_node node;
    rdb_ast_names name;
} rdb_ast_alter_collation;

typedef struct rdb_ast_create_conversion {
    rdb_ast_node node;
    rdb_ast_names name, function;
    const char *source, *target;
    bool is_default;
} rdb_ast_create_conversion;

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
