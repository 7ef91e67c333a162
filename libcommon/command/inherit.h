/* SPDX-License-Identifier: Apache-2.0
 * Tables that inherit from others: what CREATE TABLE and ALTER TABLE do to columns and constraints that come from parents. */
#ifndef RDB_COMMAND_INHERIT_H
#define RDB_COMMAND_INHERIT_H

#include "command/command_int.h"
#include "sql/rdb_partition.h"

typedef struct inherited_column {
    const rdb_relation *parent;       /* the first that has it */
    const rdb_column *column;
    const rdb_relation *default_parent; /* whose default counts; NULL: there is none */
    const rdb_column *default_column;
    int32_t count;                    /* parents that have it */
    bool not_null, has_conflicting_default;
    const rdb_ast_column_def *own;    /* as the table itself declares it, or NULL */
} inherited_column;

/* The parents of a table being made. */
typedef struct inheritance {
    const char *name;                 /* of the table that is made */
    const rdb_relation **parents;
    uint32_t parent_count;
    bool is_partition;
    inherited_column *columns;        /* they stand first in the table, in this order */
    uint16_t column_count;
} inheritance;

/* inherit.c: CREATE TABLE. elements: what is written, becomes what the table has. */
RDB_CHECKED bool command_open_parents(rdb_command_context *context, const rdb_ast_create_table *statement, char persistence, inheritance *from, rdb_error *err);
RDB_CHECKED bool command_merge_columns(rdb_command_context *context, inheritance *from, rdb_list *elements, rdb_error *err);
/* What column i of the table has from its parents. */
RDB_CHECKED bool command_inherit_column(rdb_command_context *context, const inheritance *from, uint16_t i, rdb_column_definition *column, rdb_error *err);
/* When the table is there: parents, generated columns, checks. */
RDB_CHECKED bool command_finish_inheritance(rdb_command_context *context, const inheritance *from, uint32_t relation_oid, rdb_error *err);

/* inherit_alter.c: ALTER TABLE and the children. */
/* The direct children, locked, as they are now. */
RDB_CHECKED bool command_children(rdb_command_context *context, const rdb_relation *relation, rdb_lock_mode mode, rdb_list *children, rdb_error *err);
/* All below the relation, level by level, with how many parents within the tree each has (counts, uint32_t by position). */
RDB_CHECKED bool command_descendants(rdb_command_context *context, const rdb_relation *relation, rdb_lock_mode mode, rdb_list *all, uint32_t **counts, rdb_error *err);
/* The child gets the parent's check, or what it has of that name is found equal and counted. is_new: the child has no rows. */
RDB_CHECKED bool command_inherit_check(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, const rdb_constraint *check, bool is_new, rdb_error *err);
/* A check that the table declares itself and has from a parent already: equal ones are one. */
RDB_CHECKED bool command_merge_own_check(rdb_command_context *context, const rdb_relation *relation, const char *name, rdb_expr *expr, bool is_no_inherit, bool *is_merged, rdb_error *err);
RDB_CHECKED bool command_alter_inherit(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_table *parent, bool adds, rdb_error *err);
/* Columns and checks of the child against the parent's, counted where they fit: ATTACH PARTITION and INHERIT. */
RDB_CHECKED bool command_adopt(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, bool is_partition, rdb_error *err);
/* Two columns' defaults or generation expressions, each over its own table: are they one? */
RDB_CHECKED bool command_same_default(rdb_command_context *context, const rdb_relation *left_of, const rdb_column *left, const rdb_relation *right_of, const rdb_column *right, bool *same, rdb_error *err);
RDB_CHECKED bool command_disown(rdb_command_context *context, const rdb_relation *child, const rdb_relation *parent, rdb_error *err);

/* alter_children.c: a part of ALTER TABLE for the relation and, unless ONLY is said, for its children. */
typedef bool (*command_alter_part)(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err);
RDB_CHECKED bool command_alter_tree(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool is_only, command_alter_part run, rdb_error *err);
RDB_CHECKED bool command_rename_column(rdb_command_context *context, const rdb_relation *relation, const char *name, const char *new_name, bool is_only, bool is_inherited, rdb_error *err);
RDB_CHECKED bool command_rename_check(rdb_command_context *context, const rdb_relation *relation, const rdb_constraint *check, const char *new_name, bool is_only, rdb_error *err);

/* partition.c */
RDB_CHECKED bool command_set_partition_key(rdb_command_context *context, uint32_t relation_oid, const rdb_ast_partition_spec *spec, rdb_error *err);
/* The bound as written, checked against the parent's other partitions. */
RDB_CHECKED bool command_make_bound(rdb_command_context *context, const rdb_relation *parent, const char *partition_name, uint32_t partition_oid,
                                    const rdb_ast_partition_bound *written, rdb_partition_bound *bound, rdb_error *err);
/* The relation becomes a partition: its bound, the default partition's rows, indexes and foreign keys of the parent. */
RDB_CHECKED bool command_finish_partition(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, const rdb_partition_bound *bound, rdb_error *err);
RDB_CHECKED bool command_alter_partition(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err);
/* partition_index.c */
/* 0A000 where a unique key lacks columns of the partition key. what: "primary key", "unique". */
RDB_CHECKED bool command_check_partition_key(rdb_command_context *context, const rdb_relation *relation, const rdb_index_column *columns, uint16_t count, const char *what, rdb_error *err);
/* An index or foreign key of a partitioned table to its partitions, and to those of the table referred to. */
RDB_CHECKED bool command_spread_index(rdb_command_context *context, uint32_t parent_oid, uint32_t index_oid, rdb_error *err);
RDB_CHECKED bool command_spread_foreign_key(rdb_command_context *context, uint32_t relation_oid, uint32_t constraint_oid, bool is_new, rdb_error *err);
RDB_CHECKED bool command_attach_index(rdb_command_context *context, const rdb_relation *index, const rdb_ast_partition_cmd *command, rdb_error *err);
RDB_CHECKED bool command_clone_indexes(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, rdb_error *err);
RDB_CHECKED bool command_clone_foreign_keys(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, rdb_error *err);

#endif
