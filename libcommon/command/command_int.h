/* SPDX-License-Identifier: Apache-2.0
 * What the statements of this room share. */
#ifndef RDB_COMMAND_INT_H
#define RDB_COMMAND_INT_H

#include "catalog/rdb_ddl.h"
#include "command/rdb_command.h"
#include "sql/rdb_sql.h"

#include <stdio.h>
#include <stdlib.h>

/* An analysis in the statement's arena. Its eval is for folding. */
void command_analysis(rdb_command_context *context, rdb_analysis *analysis);
rdb_eval *command_eval(rdb_command_context *context);
/* What statements that run within this one have of it. */
rdb_execution_context command_execution_context(rdb_command_context *context);
void command_notice(rdb_command_context *context, const char *severity, const char *sqlstate, const char *format, ...) RDB_PRINTF(4, 5);
bool command_at(rdb_command_context *context, int32_t location, rdb_error *err); /* adds the position; false */
/* "Foo.Bar" as the user wrote it, for messages. */
const char *command_table_name(rdb_command_context *context, const rdb_ast_table *table);

/* The relation by name, locked. missing_ok: *relation NULL instead of 42P01. */
RDB_CHECKED bool command_open_table(rdb_command_context *context, const rdb_ast_table *table, rdb_lock_mode mode, bool missing_ok,
                                    const rdb_relation **relation, rdb_error *err);
RDB_CHECKED bool command_lock(rdb_command_context *context, uint32_t relation_oid, rdb_lock_mode mode, rdb_error *err);
/* The descriptor as it is now: after a change in this transaction the one in hand is the old one. */
RDB_CHECKED bool command_reload(rdb_command_context *context, const rdb_relation **relation, rdb_error *err);
RDB_CHECKED bool command_check_owner(rdb_command_context *context, const rdb_relation *relation, rdb_error *err);
/* Of a rule or policy that goes: PostgreSQL speaks of a relation then. */
RDB_CHECKED bool command_check_part_owner(rdb_command_context *context, const rdb_relation *relation, rdb_error *err);
RDB_CHECKED bool command_creation_namespace(rdb_command_context *context, const rdb_ast_table *table, uint32_t *oid, rdb_error *err);
/* What a relation made there is: temporary in the session's own schema, whatever was said. */
char command_persistence(rdb_command_context *context, const rdb_ast_table *table, uint32_t namespace_oid);
int16_t command_find_column(const rdb_relation *relation, const char *name); /* 0: none */
RDB_CHECKED bool command_column_number(const rdb_relation *relation, const char *name, int16_t *number, rdb_error *err); /* 42703 */
void command_make_name(const char *first, const char *second, const char *label, char name[RDB_NAMEDATALEN]); /* within 63 bytes */
/* name1_name2_label within 63 bytes, made unique among the namespace's relations by a number. */
RDB_CHECKED bool command_choose_name(rdb_command_context *context, const char *first, const char *second, const char *label, uint32_t namespace_oid,
                                     char name[RDB_NAMEDATALEN], rdb_error *err);

/* options of WITH (...) and statement option lists */
const rdb_ast_option *command_option(const rdb_list *options, const char *name);
RDB_CHECKED bool command_option_bool(const rdb_ast_option *option, bool *value, rdb_error *err); /* absent argument: true */
RDB_CHECKED bool command_option_int64(const rdb_ast_option *option, int64_t *value, rdb_error *err);
const char *command_option_text(const rdb_ast_option *option); /* NULL: not a text */

/* The objects that trees name, for their dependencies: added to uses, each once (uses.c). */
typedef struct command_uses {
    rdb_object_address *items; /* in the statement's arena */
    uint32_t count, capacity;
} command_uses;
RDB_CHECKED bool command_query_uses(rdb_command_context *context, const rdb_query *query, command_uses *uses, rdb_error *err);
/* relation: whose columns are range 1 of the expression, NULL: none. */
RDB_CHECKED bool command_expr_uses(rdb_command_context *context, const rdb_relation *relation, const rdb_expr *expr, command_uses *uses, rdb_error *err);

/* rewrite.c: every row of old anew; exprs by number - 1 of the relation's columns as they are now, over old's; NULL: as it was. */
RDB_CHECKED bool command_rewrite_table(rdb_command_context *context, const rdb_relation *old, rdb_expr *const *exprs, bool keeps_layouts, rdb_error *err);
/* rewrite.c: every row anew, in the order of the index. */
RDB_CHECKED bool command_rewrite_sorted(rdb_command_context *context, const rdb_relation *relation, const rdb_relation_index *index, rdb_error *err);
/* maintenance.c: REINDEX and CLUSTER. */
RDB_CHECKED bool command_reindex(rdb_command_context *context, const rdb_ast_reindex *statement, rdb_error *err);
RDB_CHECKED bool command_cluster(rdb_command_context *context, const rdb_ast_cluster *statement, rdb_error *err);
/* What a stored tree says, as a raw tree, to be analysed anew. */
RDB_CHECKED bool command_raw_of_tree(rdb_command_context *context, const rdb_relation *relation, const rdb_expr *expr, rdb_ast_node **raw, rdb_error *err);
/* constraint.c: rows of a check that was not asked of them yet. */
RDB_CHECKED bool command_validate_check(rdb_command_context *context, const rdb_relation *relation, const rdb_constraint *constraint, rdb_error *err);
/* COLLATE of a column of this type. */
RDB_CHECKED bool command_collation(rdb_command_context *context, const rdb_type *type, const rdb_ast_collate *collate, uint32_t *collation, rdb_error *err);
/* alter_column.c */
RDB_CHECKED bool command_alter_column_type(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err);
RDB_CHECKED bool command_add_column(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, rdb_error *err);
/* alter_options.c: what is kept of a table, its columns and constraints beside their meaning; handled false: not one of these. */
RDB_CHECKED bool command_alter_property(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_alter_command *command, bool *handled, rdb_error *err);
RDB_CHECKED bool command_mark_clustered(rdb_command_context *context, const rdb_relation *relation, const char *name, rdb_error *err); /* NULL: none */
/* rows.c: is the condition, whose columns are range 1, true for any row? */
RDB_CHECKED bool command_any_row(rdb_command_context *context, const rdb_relation *relation, rdb_expr *condition, bool *any, rdb_error *err);
rdb_expr *command_is_false(rdb_command_context *context, rdb_expr *rule); /* a rule IS FALSE: null keeps it */
/* reloptions.c: WITH (...) of a relation of this kind (r m i v). merge: what is kept, with the changes. */
RDB_CHECKED bool command_set_options(rdb_command_context *context, uint32_t relation_oid, char kind, const rdb_list *options, rdb_error *err);
/* VACUUM: stretches that block range indexes do not know yet, if nobody writes the table now. */
RDB_CHECKED bool command_sum_up(rdb_command_context *context, const rdb_relation *relation, rdb_error *err);
void command_register_summaries(void);
void command_register_space(void);
const char *command_index_method_name(uint32_t method_oid);
/* The operator class of a method for a column whose type becomes this one: the same where it takes the type, else the default one. */
RDB_CHECKED bool command_index_class(rdb_command_context *context, uint32_t method_oid, const rdb_type *type, uint32_t own, uint32_t *opclass_oid, rdb_error *err);
/* Which options an index of that method has: the kind for the two functions around this. */
char command_index_options_kind(uint32_t method_oid);
RDB_CHECKED bool command_merge_options(rdb_command_context *context, char kind, const rdb_list *changes, bool reset, const char *const **kept, uint32_t *count,
                                       rdb_error *err);
/* analyze.c: names NULL or empty: all columns. */
RDB_CHECKED bool command_analyze_table(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, bool with_children, bool is_verbose, rdb_error *err);
/* create_as.c */
RDB_CHECKED bool command_create_table_as(rdb_command_context *context, const rdb_ast_create_table_as *statement, rdb_error *err);
/* The same for EXPLAIN ANALYZE: what was run to fill it, the execution to be closed by the caller; plan NULL: nothing was. */
typedef struct command_watch {
    rdb_plan *plan;
    rdb_execution *execution;
    int64_t planning_us, execution_us;
} command_watch;
RDB_CHECKED bool command_create_table_watched(rdb_command_context *context, const rdb_ast_create_table_as *statement, command_watch *watched, rdb_error *err);
RDB_CHECKED bool command_refresh(rdb_command_context *context, const rdb_ast_refresh *statement, rdb_error *err);
/* object.c: objects of any kind by name. address.object_oid 0: it is missing, may be, and that was said. */
typedef struct command_object {
    rdb_sql_object_type type;
    rdb_object_address address;
    uint32_t owner_oid, namespace_oid;      /* 0: it has none of its own */
    const char *word, *name, *method_name;  /* "operator class", its name, its method's */
    const rdb_relation *relation;           /* of rules and their kin */
    const rdb_function *function;           /* of routines */
} command_object;
/* table and sub_name: of what is on a relation, where the statement keeps them apart from node. */
RDB_CHECKED bool command_find_object(rdb_command_context *context, rdb_sql_object_type type, const rdb_ast_table *table, const rdb_ast_node *node, const char *sub_name,
                                     bool missing_ok, command_object *object, rdb_error *err);
uint32_t command_large_object_oid(const rdb_ast_node *node);
RDB_CHECKED bool command_check_object_owner(rdb_command_context *context, const command_object *object, rdb_error *err); /* 42501 */
/* RENAME (name, namespace_oid 0) and SET SCHEMA (name NULL) of what is one row. */
RDB_CHECKED bool command_change_object(rdb_command_context *context, const command_object *object, const char *name, uint32_t namespace_oid, rdb_error *err);
/* A schema that objects may move to. */
RDB_CHECKED bool command_schema_for_objects(rdb_command_context *context, const char *schema, uint32_t *oid, rdb_error *err);
/* create_type.c; the owner of a type, or 42501. */
RDB_CHECKED bool command_alter_enum(rdb_command_context *context, const rdb_ast_alter_enum *statement, rdb_error *err);
RDB_CHECKED bool command_create_range(rdb_command_context *context, const rdb_ast_create_range *statement, rdb_error *err);
RDB_CHECKED bool command_check_type_owner(rdb_command_context *context, const rdb_type *type, rdb_error *err);
/* statistics.c */
RDB_CHECKED bool command_alter_statistics(rdb_command_context *context, const rdb_ast_alter_statistics *statement, rdb_error *err);
/* What SET STATISTICS says, as it is kept: -1 to 10000. */
RDB_CHECKED bool command_statistics_target(rdb_command_context *context, int32_t said, int32_t *target, rdb_error *err);
RDB_CHECKED bool command_create_statistics(rdb_command_context *context, const rdb_ast_create_statistics *statement, rdb_error *err);
/* The same, telling what was made (or, under IF NOT EXISTS, what is there). */
RDB_CHECKED bool command_make_statistics(rdb_command_context *context, const rdb_ast_create_statistics *statement, uint32_t *made_oid, rdb_error *err);
/* set_constraints.c */
RDB_CHECKED bool command_set_constraints(rdb_command_context *context, const rdb_ast_set_constraints *statement, rdb_error *err);
/* domain.c */
RDB_CHECKED bool command_create_domain(rdb_command_context *context, const rdb_ast_create_domain *statement, rdb_error *err);
RDB_CHECKED bool command_alter_domain(rdb_command_context *context, const rdb_ast_alter_domain *statement, rdb_error *err);
/* The domain, 42809 where the type is none; the constraint of one, 0: none. */
RDB_CHECKED bool command_find_domain(rdb_command_context *context, const rdb_ast_names *name, const rdb_type **domain, rdb_error *err);
RDB_CHECKED bool command_find_domain_constraint(rdb_command_context *context, const rdb_type *domain, const char *name, uint32_t *oid, rdb_error *err);
/* A type by its name as written, 42704 where there is none and missing_ok is not said. */
RDB_CHECKED bool command_find_type(rdb_command_context *context, const rdb_ast_names *name, bool missing_ok, const rdb_type **type, rdb_error *err);

/* create_table.c, constraint.c, create_index.c, sequence.c ... */
RDB_CHECKED bool command_create_table(rdb_command_context *context, const rdb_ast_create_table *statement, rdb_error *err);
RDB_CHECKED bool command_add_constraint(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *constraint,
                                        const char *column_name /* of a column constraint, or NULL */, bool table_is_new, rdb_error *err);
/* The columns a constraint names: its keys, or the column it stands behind. */
RDB_CHECKED bool command_constraint_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, const char *column_name,
                                            int32_t location, int16_t **numbers, uint16_t *count, rdb_error *err);
RDB_CHECKED bool command_refuse_taken_constraint(const rdb_relation *relation, const char *name, rdb_error *err); /* 42710 */
/* create_like.c: LIKE's columns as if they were written; the rest of it, when the table is there; a column of that name and type. */
RDB_CHECKED bool command_expand_like(rdb_command_context *context, const rdb_ast_like *like, rdb_list *elements, rdb_error *err);
RDB_CHECKED bool command_finish_like(rdb_command_context *context, const rdb_ast_like *like, uint32_t target_oid, rdb_error *err);
rdb_ast_column_def *command_column_like(rdb_command_context *context, const rdb_column *column);
RDB_CHECKED bool command_copy_comment(rdb_command_context *context, rdb_object_address from, rdb_object_address to, rdb_error *err);
/* typed_table.c: the elements of CREATE TABLE with LIKE's columns and those of OF type in their places; ALTER TABLE ... OF. */
RDB_CHECKED bool command_column_elements(rdb_command_context *context, const rdb_ast_create_table *statement, rdb_list *elements, uint32_t *of_type, rdb_error *err);
RDB_CHECKED bool command_set_of_type(rdb_command_context *context, uint32_t relation_oid, uint32_t type_oid, rdb_error *err);
RDB_CHECKED bool command_alter_of_type(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_type *type /* NULL: NOT OF */, rdb_error *err);
RDB_CHECKED bool command_refuse_typed(const rdb_relation *relation, const char *what, rdb_error *err); /* "cannot <what> typed table" */
/* alter_options.c: STORAGE and COMPRESSION of a column that was just made. */
RDB_CHECKED bool command_column_storage(rdb_command_context *context, const rdb_relation *relation, int16_t number, const rdb_ast_column_def *raw, rdb_error *err);
/* key.c: PRIMARY KEY, UNIQUE and EXCLUDE, which an index stands behind. */
RDB_CHECKED bool command_add_key(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, const char *column_name,
                                 bool table_is_new, rdb_error *err);
RDB_CHECKED bool command_add_exclusion(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_constraint *raw, rdb_error *err);
RDB_CHECKED bool command_set_not_null(rdb_command_context *context, const rdb_relation *relation, int16_t number, rdb_error *err);
/* Every row of the table must have its partner. */
RDB_CHECKED bool command_validate_foreign_key(rdb_command_context *context, uint32_t relation_oid, uint32_t constraint_oid, rdb_error *err);
/* 42P16 for pseudo-types, and, where own_type_oid is not 0, for types that hold that row type at some depth. */
RDB_CHECKED bool command_check_column_type(rdb_command_context *context, const char *name, const rdb_type *type, uint32_t own_type_oid, rdb_error *err);
RDB_CHECKED bool command_define_column(rdb_command_context *context, const char *table, const rdb_ast_column_def *raw, rdb_column_definition *column, const char **serial_type, rdb_error *err);
RDB_CHECKED bool command_add_serial(rdb_command_context *context, const rdb_relation *relation, int16_t number, uint32_t type_oid, char identity,
                                    const rdb_list *options, rdb_error *err);
RDB_CHECKED bool command_default_tree(rdb_command_context *context, const rdb_relation *relation, rdb_ast_node *raw, const rdb_type *type, int32_t typmod,
                                      const char *column, const char **tree, command_uses *uses, rdb_error *err);
/* composite.c. refuse_used_row_type: 0A000 where a column holds values of the relation's row type. */
RDB_CHECKED bool command_create_composite(rdb_command_context *context, const rdb_ast_create_composite *statement, rdb_error *err);
RDB_CHECKED bool command_alter_composite(rdb_command_context *context, const rdb_ast_alter_table *statement, rdb_error *err);
RDB_CHECKED bool command_refuse_used_row_type(rdb_command_context *context, const rdb_relation *relation, rdb_error *err);
/* role.c */
RDB_CHECKED bool command_create_role(rdb_command_context *context, const rdb_ast_create_role *statement, rdb_error *err);
RDB_CHECKED bool command_alter_role(rdb_command_context *context, const rdb_ast_alter_role *statement, rdb_error *err);
RDB_CHECKED bool command_drop_role(rdb_command_context *context, const rdb_ast_drop_role *statement, rdb_error *err);
RDB_CHECKED bool command_check_schema(rdb_command_context *context, const char *schema, rdb_error *err);
/* The same, and it must be there: 3F000. */
RDB_CHECKED bool command_require_schema(rdb_command_context *context, const char *schema, rdb_error *err);
/* call.c */
RDB_CHECKED bool command_call(rdb_command_context *context, const rdb_ast_call_procedure *statement, rdb_error *err);
RDB_CHECKED bool command_call_columns(rdb_command_context *context, const rdb_ast_call_procedure *statement, const rdb_result_column **columns, uint32_t *count, rdb_error *err);
/* owned.c */
RDB_CHECKED bool command_default_privileges(rdb_command_context *context, const rdb_ast_default_privileges *statement, rdb_error *err);
RDB_CHECKED bool command_drop_owned(rdb_command_context *context, const rdb_ast_drop_owned *statement, rdb_error *err);
RDB_CHECKED bool command_reassign_owned(rdb_command_context *context, const rdb_ast_reassign_owned *statement, rdb_error *err);
/* 42501 unless the role may use the type, of an array its element (common.c). */
RDB_CHECKED bool command_check_type_usage(rdb_command_context *context, const rdb_type *type, rdb_error *err);
/* policy.c */
RDB_CHECKED bool command_create_policy(rdb_command_context *context, const rdb_ast_create_policy *statement, rdb_error *err);
RDB_CHECKED bool command_alter_policy(rdb_command_context *context, const rdb_ast_alter_policy *statement, rdb_error *err);
RDB_CHECKED bool command_rename_policy(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err);
RDB_CHECKED bool command_alter_database(rdb_command_context *context, const rdb_ast_alter_database *statement, rdb_error *err);
RDB_CHECKED bool command_rename_database(rdb_command_context *context, const char *name, const char *new_name, rdb_error *err);
RDB_CHECKED bool command_create_rule(rdb_command_context *context, const rdb_ast_create_rule *statement, rdb_error *err);
RDB_CHECKED bool command_alter_rule(rdb_command_context *context, const rdb_relation *relation, rdb_sql_alter_kind kind, const char *name, rdb_error *err);
RDB_CHECKED bool command_find_policy(rdb_command_context *context, const rdb_ast_table *table, const char *name, const rdb_relation **relation, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool command_alter_row_security(rdb_command_context *context, const rdb_relation *relation, rdb_sql_alter_kind kind, rdb_error *err);
/* grant.c */
typedef struct command_grant_parts { /* what a GRANT says, whatever it is about */
    char kind;     /* rdb_acl_kind */
    bool has_columns;
    uint32_t bits; /* ALL: all of the kind */
    uint32_t *grantees, grantee_count;
} command_grant_parts;
RDB_CHECKED bool command_read_grant(rdb_command_context *context, const rdb_ast_grant *statement, command_grant_parts *parts, rdb_error *err);
RDB_CHECKED bool command_grant(rdb_command_context *context, const rdb_ast_grant *statement, rdb_error *err);
RDB_CHECKED bool command_grant_role(rdb_command_context *context, const rdb_ast_grant_role *statement, rdb_error *err);
RDB_CHECKED bool command_find_role(rdb_command_context *context, const char *name, rdb_role *role, rdb_error *err); /* 42704 */
RDB_CHECKED bool command_check_role_admin(rdb_command_context *context, const rdb_role *role, rdb_error *err);
/* function.c */
RDB_CHECKED bool command_create_function(rdb_command_context *context, const rdb_ast_create_function *statement, rdb_error *err);
RDB_CHECKED bool command_alter_function(rdb_command_context *context, const rdb_ast_alter_function *statement, rdb_error *err);
/* The routine of a signature; NULL with a notice where it is missing and may be. type: FUNCTION, PROCEDURE, ROUTINE, AGGREGATE. */
RDB_CHECKED bool command_find_routine(rdb_command_context *context, const rdb_ast_signature *signature, rdb_sql_object_type type, bool missing_ok,
                                      const rdb_function **function, rdb_error *err);
RDB_CHECKED bool command_check_function_owner(rdb_command_context *context, const rdb_function *function, rdb_error *err);
RDB_CHECKED bool command_rewrite_function(rdb_command_context *context, uint32_t oid, rdb_function_definition *definition, rdb_error *err);
/* alter_table.c, alter_names.c */
RDB_CHECKED bool command_alter_table(rdb_command_context *context, const rdb_ast_alter_table *statement, rdb_error *err);
RDB_CHECKED bool command_rename(rdb_command_context *context, const rdb_ast_rename *statement, rdb_error *err);
RDB_CHECKED bool command_set_schema(rdb_command_context *context, const rdb_ast_set_schema *statement, rdb_error *err);
RDB_CHECKED bool command_set_owner(rdb_command_context *context, const rdb_ast_set_owner *statement, rdb_error *err);
RDB_CHECKED bool command_comment(rdb_command_context *context, const rdb_ast_comment *statement, rdb_error *err);
RDB_CHECKED bool command_create_enum(rdb_command_context *context, const rdb_ast_create_enum *statement, rdb_error *err);
RDB_CHECKED bool command_role_oid(rdb_command_context *context, const rdb_ast_role *role, uint32_t *oid, rdb_error *err); /* 42704 */
void command_drop_notice(void *context, const char *text); /* rdb_ddl_drop's notice, with the command's context */
/* What CREATE INDEX and EXCLUDE write between the brackets (create_index.c). */
typedef struct command_index_parts {
    rdb_index_definition definition; /* columns, names, trees, uses, method; the rest is the caller's */
    const char *joined_names;        /* a_b: for the index's name */
} command_index_parts;
RDB_CHECKED bool command_index_parts_read(rdb_command_context *context, const rdb_relation *relation, const char *method, const rdb_list *elements,
                                          const rdb_list *including, rdb_ast_node *where, bool is_constraint, command_index_parts *parts, rdb_error *err);
/* Names of index columns: a number is added to a name that was there before. */
void command_index_column_names(rdb_command_context *context, const char **names, uint32_t count, const char **joined);
RDB_CHECKED bool command_create_index(rdb_command_context *context, const rdb_ast_create_index *statement, rdb_error *err);
/* index_values.c: programs of an index with expressions or a predicate. The values that run gives hold until the next run. */
typedef struct command_index_programs command_index_programs;
RDB_CHECKED bool command_index_programs_open(command_index_programs **programs, rdb_arena *arena, rdb_eval *eval, const rdb_relation *relation,
                                             const rdb_relation_index *index, rdb_error *err);
RDB_CHECKED bool command_index_programs_run(void *programs, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err);
rdb_index_computer command_index_computer(command_index_programs *programs); /* what builds the index by them */
void command_index_programs_close(command_index_programs *programs); /* NULL is fine */

/* compact.c. The caller holds the table in SHARE UPDATE EXCLUSIVE, outside a block. */
typedef struct command_compact_result {
    int64_t rate_bytes, time_us; /* in: pages a second and how long; 0: no bound */
    int64_t wait_us;             /* in: for snapshots that keep old homes */
    uint64_t blocks_before, blocks_after, rows_moved;
    uint64_t index_blocks_before, index_blocks_after; /* of all its indexes that were come to */
    uint64_t rows_busy;          /* that others held to the end */
    bool is_late, is_held;       /* stopped by time_us; by a snapshot */
} command_compact_result;
RDB_CHECKED bool command_compact_table(rdb_command_context *context, const rdb_relation *relation, command_compact_result *result, rdb_error *err);
/* Fills a new index: plain columns at once, expressions and predicates through programs. */
RDB_CHECKED bool command_fill_index(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err);
RDB_CHECKED bool command_create_sequence(rdb_command_context *context, const rdb_ast_create_sequence *statement, rdb_error *err);
RDB_CHECKED bool command_alter_sequence(rdb_command_context *context, const rdb_ast_alter_sequence *statement, rdb_error *err);
RDB_CHECKED bool command_sequence_options(rdb_command_context *context, const rdb_list *options, rdb_sequence_definition *definition, rdb_error *err);
RDB_CHECKED bool command_change_sequence(rdb_command_context *context, const rdb_relation *sequence, const rdb_list *options, bool for_identity, rdb_error *err);
RDB_CHECKED bool command_create_view(rdb_command_context *context, const rdb_ast_create_view *statement, rdb_error *err);
/* The role that objects are made for, NULL: the current one. */
RDB_CHECKED bool command_new_owner(rdb_command_context *context, const rdb_ast_role *named, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool command_create_schema(rdb_command_context *context, const rdb_ast_create_schema *statement, rdb_error *err);
RDB_CHECKED bool command_drop(rdb_command_context *context, const rdb_ast_drop *statement, rdb_error *err);
RDB_CHECKED bool command_truncate(rdb_command_context *context, const rdb_ast_truncate *statement, rdb_error *err);
RDB_CHECKED bool command_lock_table(rdb_command_context *context, const rdb_ast_lock *statement, rdb_error *err);
RDB_CHECKED bool command_create_database(rdb_command_context *context, const rdb_ast_create_database *statement, rdb_error *err);
RDB_CHECKED bool command_drop_database(rdb_command_context *context, const rdb_ast_drop_database *statement, rdb_error *err);
RDB_CHECKED bool command_explain(rdb_command_context *context, const rdb_ast_explain *statement, rdb_error *err);
RDB_CHECKED bool command_explain_columns(rdb_command_context *context, const rdb_ast_explain *statement, const rdb_result_column **columns, uint32_t *count, rdb_error *err);
RDB_CHECKED bool command_vacuum(rdb_command_context *context, const rdb_ast_vacuum *statement, rdb_error *err);
RDB_CHECKED bool command_copy(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err);

/* text_search.c; CREATE of what has no statement of its own: of aggregates and operators in definition.h. */
RDB_CHECKED bool command_define(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err);
/* collation.c; the column of a view or of CREATE TABLE AS has the collation of what it reads, which there must be. */
RDB_CHECKED bool command_check_collation(const char *column, const rdb_expr *expr, rdb_error *err);
RDB_CHECKED bool command_create_collation(rdb_command_context *context, const rdb_ast_define *statement, rdb_error *err);
RDB_CHECKED bool command_alter_collation(rdb_command_context *context, const rdb_ast_alter_collation *statement, rdb_error *err);
RDB_CHECKED bool command_alter_text_dictionary(rdb_command_context *context, const rdb_ast_alter_text_dictionary *statement, rdb_error *err);
RDB_CHECKED bool command_alter_text_config(rdb_command_context *context, const rdb_ast_alter_text_config *statement, rdb_error *err);
/* operator.c */
RDB_CHECKED bool command_create_cast(rdb_command_context *context, const rdb_ast_create_cast *statement, rdb_error *err);
RDB_CHECKED bool command_alter_operator(rdb_command_context *context, const rdb_ast_alter_operator *statement, rdb_error *err);
/* opclass.c */
RDB_CHECKED bool command_create_opclass(rdb_command_context *context, const rdb_ast_create_opclass *statement, rdb_error *err);
RDB_CHECKED bool command_create_opfamily(rdb_command_context *context, const rdb_ast_create_opfamily *statement, rdb_error *err);
RDB_CHECKED bool command_alter_opfamily(rdb_command_context *context, const rdb_ast_alter_opfamily *statement, rdb_error *err);
RDB_CHECKED bool command_create_extension(rdb_command_context *context, const rdb_ast_create_extension *statement, rdb_error *err);
RDB_CHECKED bool command_alter_extension(rdb_command_context *context, const rdb_ast_alter_extension *statement, rdb_error *err);

#endif
