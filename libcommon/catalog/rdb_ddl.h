/* SPDX-License-Identifier: Apache-2.0
 * Changes to the catalog: what DDL statements are made of. Each is transactional: rows of the system tables, files whose
 * creation and removal follow the transaction (R36), dependencies in pg_depend, invalidations at commit. Names and rules are
 * checked by the caller (command room) except what a unique index of a catalog would refuse (42P07, 42710 with
 * PostgreSQL's text). Everything made is visible to the transaction at once. The caller holds the locks. */
#ifndef RDB_DDL_H
#define RDB_DDL_H

#include "catalog/rdb_catalog.h"
#include "type/rdb_statistics.h"

typedef struct rdb_object_address {
    uint32_t catalog_oid, object_oid;
    int32_t sub_id; /* column, or 0 */
} rdb_object_address;

/* uses, wherever it stands below: the objects that a tree names (columns of other relations, functions, types, sequences): a
 * normal dependency on each. Built-in ones and repetitions may be among them. */
typedef struct rdb_column_definition {
    const char *name;
    const rdb_type *type;
    int32_t typmod;
    uint32_t collation;        /* 0: none */
    bool not_null;
    char identity, generated;  /* 'a' 'd' / 's' or 0 */
    const char *default_tree;  /* rdb_tree_write_expr's text, or NULL */
    const rdb_object_address *default_uses;
    uint32_t default_use_count;
    bool is_inherited_only;    /* not declared by the table itself */
    int32_t inherit_count;     /* parents that have the column */
    /* ADD COLUMN to a table that has rows: what old rows read (R14); NULL is_missing_null false means missing_value counts. */
    bool has_missing;
    rdb_datum missing_value;
} rdb_column_definition;

typedef struct rdb_relation_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid;
    char kind;                 /* r v m S p c */
    char persistence;          /* p u t */
    const rdb_column_definition *columns;
    uint16_t column_count;
    const char *view_tree;     /* v, m: the analysed query */
    const uint32_t *depends_on;/* relation oids a view reads: a normal dependency each */
    uint32_t depends_count;
    const rdb_object_address *uses; /* of the view */
    uint32_t use_count;
} rdb_relation_definition;
/* Rows in pg_class, pg_attribute, pg_attrdef, pg_type (row type and its array), pg_rewrite, pg_depend; a heap file for r and m; for
 * S the caller calls rdb_ddl_create_sequence instead. *oid: the new relation. */
RDB_CHECKED bool rdb_ddl_create_relation(rdb_access *access, const rdb_relation_definition *definition, uint32_t *oid, rdb_error *err);

typedef struct rdb_index_definition {
    const char *name;
    uint32_t table_oid;
    bool is_unique, is_primary, nulls_not_distinct, is_immediate, is_exclusion;
    uint32_t method_oid;             /* as pg_am shows it; 0: btree */
    const rdb_index_column *columns; /* keys, then INCLUDE */
    uint16_t key_count, column_count;
    const char *const *column_names; /* of the index's pg_attribute rows */
    const char *expression_tree, *predicate_tree;
    uint32_t parent_oid;             /* the partitioned table's index that it is a part of, 0 */
    bool is_invalid;                 /* of a partitioned table: not all partitions have theirs yet; or as below */
    bool is_unready;                 /* it is made while others write: its gate is closed (index_gate.c) */
    const rdb_object_address *uses;  /* of expressions and predicate; columns of the table among them go with an automatic dependency */
    uint32_t use_count;
} rdb_index_definition;
/* Rows and an empty index file; filling it is the caller's (rdb_ddl_build_index). */
RDB_CHECKED bool rdb_ddl_create_index(rdb_access *access, const rdb_index_definition *definition, uint32_t *oid, rdb_error *err);
/* What an index with expressions or a predicate is filled with: their values of a row, and for messages how PostgreSQL shows the expression
 * in a column of the index, false where that cannot be told. */
typedef bool (*rdb_index_values_of)(void *context, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err);
typedef struct rdb_index_computer {
    rdb_index_values_of values_of;
    bool (*name_expression)(void *context, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text);
    void *context;
} rdb_index_computer;
/* Fills the index from the table: every version a snapshot may need; sorts and builds bottom-up; 23505 with PostgreSQL's text and
 * detail ("Key (a)=(1) is duplicated.") for a unique one. computer: NULL for an index of plain columns. */
RDB_CHECKED bool rdb_ddl_build_index(rdb_access *access, uint32_t index_oid, const rdb_index_computer *computer, rdb_error *err);
/* The same of an index whose gate is open, while others write the table (index_gate.c): all who may have found it closed have ended. reader
 * scans, and waits for rows of others that decide whether a key is there twice; writer's transaction is the one whose commit makes the
 * index valid. */
RDB_CHECKED bool rdb_ddl_fill_live_index(rdb_access *reader, rdb_access *writer, uint32_t index_oid, const rdb_index_computer *computer, rdb_error *err);
/* Sums up stretches of a block range index that are not (only: that one; UINT64_MAX: all), the last, unfinished one too where with_last. Nobody
 * may write the table meanwhile. *made: so many. */
RDB_CHECKED bool rdb_summary_build(rdb_access *access, const rdb_relation *relation, const rdb_relation_index *index, uint64_t only, bool with_last, rdb_index_values_of values_of,
                                   void *context, uint32_t *made, rdb_error *err);

typedef struct rdb_constraint_definition {
    const char *name;
    char kind;                 /* c f p u x */
    uint32_t relation_oid, namespace_oid, index_oid;
    bool is_deferrable, is_deferred, is_validated;
    bool is_inherited_only, is_no_inherit;
    int32_t inherit_count;
    uint32_t parent_oid;                /* of which constraint of the partitioned table it is a part */
    bool is_of_partitioned;             /* p, u, f: of a partitioned table, whose partitions have it too */
    const int16_t *columns;
    uint16_t column_count;
    const char *check_tree;
    uint32_t foreign_relation_oid;
    const int16_t *foreign_columns;
    const uint32_t *equality_operators; /* foreign keys: pk = fk, column by column (conpfeqop) */
    char on_update, on_delete, match;
    const int16_t *delete_set_columns;  /* ON DELETE SET NULL (a, b); none: all of them */
    uint16_t delete_set_count;
    const uint32_t *exclusion_operators; /* x: one a key column of the index (conexclop) */
    uint16_t exclusion_count;
    const rdb_object_address *uses;     /* of the check */
    uint32_t use_count;
    uint32_t type_oid;                  /* of a domain's check, whose relation_oid is 0 */
} rdb_constraint_definition;
RDB_CHECKED bool rdb_ddl_create_constraint(rdb_access *access, const rdb_constraint_definition *definition, uint32_t *oid, rdb_error *err);

typedef struct rdb_sequence_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid;
    uint32_t type_oid;         /* int2, int4, int8 */
    int64_t start, increment, minimum, maximum, cache;
    bool cycles;
    char persistence;
    uint32_t owned_by_oid;     /* table whose column owns it (serial: auto dependency), 0 */
    int16_t owned_by_column;
    bool is_identity;          /* internal dependency instead */
} rdb_sequence_definition;
RDB_CHECKED bool rdb_ddl_create_sequence(rdb_access *access, const rdb_sequence_definition *definition, uint32_t *oid, rdb_error *err);
/* What pg_sequence has of it: the bounds and their kin. */
RDB_CHECKED bool rdb_ddl_get_sequence(rdb_access *access, uint32_t oid, rdb_sequence_definition *definition, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_sequence(rdb_access *access, uint32_t oid, const rdb_sequence_definition *definition, rdb_error *err);
/* nextval and kin; not transactional, logged ahead as PostgreSQL's are. They take ROW EXCLUSIVE (get: ACCESS SHARE) on the
 * sequence; 25006 in a read-only transaction. */
RDB_CHECKED bool rdb_sequence_next(rdb_access *access, uint32_t oid, int64_t *value, rdb_error *err);
RDB_CHECKED bool rdb_sequence_set(rdb_access *access, uint32_t oid, int64_t value, bool is_called, rdb_error *err);
RDB_CHECKED bool rdb_sequence_get(rdb_access *access, uint32_t oid, int64_t *last_value, bool *is_called, rdb_error *err);
/* As rdb_sequence_get, with the values that may be given out before the next log record: the row that SELECT * FROM a sequence
 * shows. */
RDB_CHECKED bool rdb_sequence_get_row(rdb_access *access, uint32_t oid, int64_t *last_value, int64_t *log_count, bool *is_called, rdb_error *err);
/* A fresh file that begins at *value, NULL: the sequence's START: unlike setval it follows the transaction. Under ACCESS EXCLUSIVE. */
RDB_CHECKED bool rdb_ddl_restart_sequence(rdb_access *access, uint32_t oid, const int64_t *value, rdb_error *err);
/* The column that the sequence goes with from now on; relation_oid 0: none. */
RDB_CHECKED bool rdb_ddl_own_sequence(rdb_access *access, uint32_t oid, uint32_t relation_oid, int16_t column_number, rdb_error *err);
/* The sequence of an identity column is a part of it no more. */
RDB_CHECKED bool rdb_ddl_release_identity(rdb_access *access, uint32_t oid, rdb_error *err);
/* What one session was given: currval and lastval. Made with the session, handed down in rdb_access_context.sequences, used by
 * one thread at a time. */
typedef struct rdb_sequence_session rdb_sequence_session;
RDB_CHECKED bool rdb_sequence_session_create(rdb_sequence_session **session, rdb_error *err);
void rdb_sequence_session_destroy(rdb_sequence_session **session); /* NULL inside is fine */
void rdb_sequence_session_forget(rdb_sequence_session *session);   /* DISCARD SEQUENCES */
/* 55000 where the session was given none yet. */
RDB_CHECKED bool rdb_sequence_current(rdb_access *access, uint32_t oid, int64_t *value, rdb_error *err);
/* The sequence that a serial or identity column owns; 0: none. */
RDB_CHECKED bool rdb_sequence_of_column(rdb_access *access, uint32_t relation_oid, int16_t column_number, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_sequence_last(rdb_access *access, int64_t *value, rdb_error *err);

/* Temporary objects of one session (temp.c): made with it, handed down in rdb_access_context.temp. They are logged like others,
 * and go with the session; what a crash leaves goes when a session takes the same schema. */
typedef struct rdb_temp_session rdb_temp_session;
RDB_CHECKED bool rdb_temp_session_create(rdb_temp_session **session, rdb_catalog *catalog, rdb_database *database, rdb_error *err);
void rdb_temp_session_destroy(rdb_temp_session **session); /* drops what is there; outside a transaction, before the database is closed */
/* The session's schema, made now where it is not there; the access knows it from here on. */
RDB_CHECKED bool rdb_temp_namespace_need(rdb_access *access, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_temp_discard(rdb_access *access, rdb_error *err); /* all of them */
/* A table that at each commit loses its rows, or at the first one goes itself; done by before_commit. */
RDB_CHECKED bool rdb_temp_on_commit(rdb_access *access, uint32_t relation_oid, bool drops, rdb_error *err);
bool rdb_temp_has_actions(const rdb_temp_session *session);
RDB_CHECKED bool rdb_temp_before_commit(rdb_access *access, rdb_error *err);

/* Inheritance and partitions (ddl_inherit.c). seqno: the parent's place among the child's parents, from 1. */
RDB_CHECKED bool rdb_ddl_add_parent(rdb_access *access, uint32_t child_oid, uint32_t parent_oid, int32_t seqno, bool is_partition, rdb_error *err);
RDB_CHECKED bool rdb_ddl_remove_parent(rdb_access *access, uint32_t child_oid, uint32_t parent_oid, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_detaching(rdb_access *access, uint32_t child_oid, uint32_t parent_oid, bool is_detaching, rdb_error *err);
/* The parents in the order of their places. Memory of arena. */
RDB_CHECKED bool rdb_ddl_get_parents(rdb_access *access, uint32_t child_oid, rdb_arena *arena, uint32_t **parents, uint32_t *count, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_partition_key(rdb_access *access, uint32_t relation_oid, const rdb_partition_key *key, const rdb_object_address *uses,
                                           uint32_t use_count, rdb_error *err);
/* relpartbound and relispartition; NULL: it is a partition no more. */
RDB_CHECKED bool rdb_ddl_set_partition_bound(rdb_access *access, uint32_t relation_oid, const char *bound, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_default_partition(rdb_access *access, uint32_t relation_oid, uint32_t default_oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_constraint_inheritance(rdb_access *access, uint32_t constraint_oid, bool is_local, int32_t inherit_count, bool is_no_inherit,
                                                    uint32_t parent_oid, rdb_error *err);
/* An index or constraint becomes a part of the partitioned table's, or (parent_oid 0) stands alone again. */
RDB_CHECKED bool rdb_ddl_set_part_of(rdb_access *access, rdb_object_address part, uint32_t parent_oid, uint32_t table_oid, rdb_error *err);

/* Alterations of one relation. */
RDB_CHECKED bool rdb_ddl_add_column(rdb_access *access, uint32_t relation_oid, const rdb_column_definition *column, int16_t *number, rdb_error *err);
RDB_CHECKED bool rdb_ddl_drop_column(rdb_access *access, uint32_t relation_oid, int16_t number, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_default(rdb_access *access, uint32_t relation_oid, int16_t number, const char *default_tree /* NULL: drop */, rdb_error *err);
/* As rdb_ddl_set_default, with what the tree uses. A generated column itself depends on the columns it is made of. */
RDB_CHECKED bool rdb_ddl_set_default_using(rdb_access *access, uint32_t relation_oid, int16_t number, const char *default_tree,
                                           const rdb_object_address *uses, uint32_t use_count, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_not_null(rdb_access *access, uint32_t relation_oid, int16_t number, bool not_null, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_type(rdb_access *access, uint32_t relation_oid, int16_t number, const rdb_type *type, int32_t typmod, uint32_t collation, rdb_error *err);
RDB_CHECKED bool rdb_ddl_rename_relation(rdb_access *access, uint32_t relation_oid, const char *name, rdb_error *err);
RDB_CHECKED bool rdb_ddl_rename_column(rdb_access *access, uint32_t relation_oid, int16_t number, const char *name, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_namespace(rdb_access *access, uint32_t relation_oid, uint32_t namespace_oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_owner(rdb_access *access, uint32_t catalog_oid, uint32_t object_oid, uint32_t owner_oid, rdb_error *err);
/* One field of the rows that describe a relation, its columns, its place as an index: column is RDB_pg_class_relispopulated and its
 * kin. For what is kept and shown, and has no rules of its own. */
RDB_CHECKED bool rdb_ddl_set_class_field(rdb_access *access, uint32_t relation_oid, int column, rdb_datum value, bool is_null, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_attribute_field(rdb_access *access, uint32_t relation_oid, int16_t number, int column, rdb_datum value, bool is_null, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_index_field(rdb_access *access, uint32_t index_oid, int column, rdb_datum value, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_constraint_fields(rdb_access *access, uint32_t constraint_oid, bool is_deferrable, bool is_deferred, rdb_error *err);
/* A key of an index (from 0) whose column or expression has another type now: the index is filled anew by the caller. */
RDB_CHECKED bool rdb_ddl_set_index_key_type(rdb_access *access, uint32_t index_oid, uint16_t key_no, const rdb_type *type, int32_t typmod,
                                            uint32_t collation, uint32_t opclass_oid, rdb_error *err);
/* Stored trees that were made anew over changed columns; NULL: leave. */
RDB_CHECKED bool rdb_ddl_set_index_trees(rdb_access *access, uint32_t index_oid, const char *expression_tree, const char *predicate_tree, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_check_tree(rdb_access *access, uint32_t constraint_oid, const char *tree, rdb_error *err);
/* "name=value" texts: pg_class.reloptions. */
RDB_CHECKED bool rdb_ddl_set_options(rdb_access *access, uint32_t relation_oid, const char *const *options, uint32_t count, rdb_error *err);
RDB_CHECKED bool rdb_ddl_get_options(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, const char *const **options, uint32_t *count, rdb_error *err);
/* A view's query and columns; columns that are there already stay as they are, new ones come behind. */
RDB_CHECKED bool rdb_ddl_replace_view(rdb_access *access, uint32_t relation_oid, const rdb_relation_definition *definition, rdb_error *err);
/* A fresh, empty file for the relation and each of its indexes (TRUNCATE, rewrites); the old ones go when purge reaches them.
 * keeps_layouts: the columns stay what they are, so that older snapshots can go on reading the old file. */
RDB_CHECKED bool rdb_ddl_new_files(rdb_access *access, uint32_t relation_oid, bool keeps_layouts, rdb_error *err);
/* A fresh, empty file for one index; filling it is the caller's. */
RDB_CHECKED bool rdb_ddl_new_index_file(rdb_access *access, const rdb_relation_index *index, rdb_error *err);
/* Two indexes of a table, alike in all they have keys of, change files. */
RDB_CHECKED bool rdb_ddl_swap_index_files(rdb_access *access, uint32_t table_oid, uint32_t left_oid, uint32_t right_oid, rdb_error *err);
/* relpages, reltuples; not worth an invalidation of plans. */
RDB_CHECKED bool rdb_ddl_set_statistics(rdb_access *access, uint32_t relation_oid, double pages, double tuples, double visible /* pages that all see */, rdb_error *err);

/* attstattarget; -1: the session's. */
/* pg_attribute.attoptions: texts "name=value"; count 0: none. */
RDB_CHECKED bool rdb_ddl_get_column_options(rdb_access *access, uint32_t relation_oid, int16_t number, rdb_arena *arena, const char *const **options, uint32_t *count, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_column_options(rdb_access *access, uint32_t relation_oid, int16_t number, const char *const *options, uint32_t count, rdb_error *err);
RDB_CHECKED bool rdb_ddl_get_statistics_target(rdb_access *access, uint32_t relation_oid, int16_t number, int32_t *target, rdb_error *err);
/* A row of pg_statistic; plans that were made without it are made anew. inherits: of a table with its children. */
RDB_CHECKED bool rdb_ddl_set_column_statistics(rdb_access *access, const rdb_relation *relation, int16_t number, bool inherits, const rdb_statistics *statistics, rdb_error *err);

RDB_CHECKED bool rdb_ddl_create_namespace(rdb_access *access, const char *name, uint32_t owner_oid, uint32_t *oid, rdb_error *err);

typedef struct rdb_role_definition {
    const char *name;
    bool is_superuser, inherits, can_create_role, can_create_db, can_login, can_replicate, bypasses_rls;
    int32_t connection_limit;
    const char *verifier; /* NULL: no password */
    bool has_valid_until;  /* said: valid_until counts, null: for ever. Not said: what it was stays */
    bool valid_until_null;
    int64_t valid_until;   /* timestamptz */
} rdb_role_definition;
RDB_CHECKED bool rdb_ddl_create_role(rdb_access *access, const rdb_role_definition *definition, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_alter_role(rdb_access *access, uint32_t role_oid, const rdb_role_definition *definition, rdb_error *err);
RDB_CHECKED bool rdb_ddl_drop_role(rdb_access *access, uint32_t role_oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_create_enum(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, const char *const *labels, uint32_t label_count, uint32_t *oid, rdb_error *err);

/* ALTER TYPE of enums (ddl_type.c): a label at the end, or beside another; *exists: it is there already, nothing was done. */
RDB_CHECKED bool rdb_ddl_add_enum_label(rdb_access *access, const rdb_type *type, const char *label, const char *neighbour, bool is_after, bool *exists, rdb_error *err);
RDB_CHECKED bool rdb_ddl_rename_enum_label(rdb_access *access, const rdb_type *type, const char *old_label, const char *new_label, rdb_error *err);
typedef struct rdb_range_definition {
    const char *name, *multirange_name;
    uint32_t namespace_oid, owner_oid;
    const rdb_type *subtype;
    uint32_t opclass_oid, collation, difference_oid; /* 0: none */
    bool names_multirange; /* the user chose the second name */
} rdb_range_definition;
/* The range type, its multirange, their arrays, constructors and the cast between them. */
RDB_CHECKED bool rdb_ddl_create_range(rdb_access *access, const rdb_range_definition *definition, uint32_t *oid, rdb_error *err);

/* Base types (ddl_base_type.c). The shell stands for the type until its functions are there; what fills it keeps the shell's OID. */
typedef struct rdb_base_type_definition {
    const char *name, *default_text;
    uint32_t namespace_oid, owner_oid;
    int16_t length;
    bool is_by_value, is_preferred;
    char align, storage, category, delimiter;
    uint32_t input, output, receive, send, typmod_in, typmod_out, analyze, subscript, element, collation;
} rdb_base_type_definition;
RDB_CHECKED bool rdb_ddl_create_shell_type(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_fill_shell_type(rdb_access *access, uint32_t oid, const rdb_base_type_definition *definition, rdb_error *err);

/* Extended statistics (ddl_statistics.c): pg_statistic_ext. */
typedef struct rdb_statistics_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid, relation_oid;
    const int16_t *columns;      /* ascending */
    uint16_t column_count;
    const char *kinds;           /* letters of d f m e */
    const char *expression_tree; /* a row expression; NULL: none */
    const rdb_object_address *uses;
    uint32_t use_count;
} rdb_statistics_definition;
RDB_CHECKED bool rdb_ddl_create_statistics(rdb_access *access, const rdb_statistics_definition *definition, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_statistics_target(rdb_access *access, uint32_t oid, int32_t target, rdb_error *err);
RDB_CHECKED bool rdb_ddl_find_statistics(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t *oid, rdb_error *err); /* 0: none */
/* The objects of a table, by OID. Memory of arena. */
typedef struct rdb_statistics_object {
    uint32_t oid;
    const char *schema, *name, *expression_tree; /* NULL: no expressions */
    const int16_t *columns;
    uint32_t column_count;
    char kinds[8];
    int32_t target; /* parts of what is gathered; -1: as its columns say */
} rdb_statistics_object;
RDB_CHECKED bool rdb_ddl_list_statistics(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, const rdb_statistics_object **objects, uint32_t *count, rdb_error *err);
/* Nothing is known for it any more; tree: its expressions as they are now, NULL: as they were. */
RDB_CHECKED bool rdb_ddl_renew_statistics(rdb_access *access, uint32_t relation_oid, uint32_t oid, const char *tree, rdb_error *err);
/* What was found for one of them (extended_statistics.c): NULL where it was not asked for, or there is nothing. */
typedef struct rdb_statistics_found {
    const rdb_combination *distinct, *dependencies;
    uint32_t distinct_count, dependency_count;
    const rdb_mcv_list *common;
    const rdb_statistics *expressions;
    const rdb_type *const *expression_types;
    const uint32_t *expression_collations;
    uint32_t expression_count;
} rdb_statistics_found;
RDB_CHECKED bool rdb_ddl_store_statistics(rdb_access *access, uint32_t relation_oid, uint32_t oid, bool inherits, const rdb_statistics_found *found, rdb_error *err);

/* Domains (ddl_domain.c). The default's text is what clients are shown. */
typedef struct rdb_domain_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid;
    const rdb_type *base;      /* may be a domain */
    int32_t typmod, dimensions;
    uint32_t collation;
    bool not_null;
    const char *default_tree, *default_text; /* NULL: none */
    const rdb_object_address *default_uses;
    uint32_t default_use_count;
} rdb_domain_definition;
RDB_CHECKED bool rdb_ddl_create_domain(rdb_access *access, const rdb_domain_definition *definition, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_domain_default(rdb_access *access, uint32_t oid, const char *tree, const char *text, const rdb_object_address *uses,
                                            uint32_t use_count, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_domain_not_null(rdb_access *access, uint32_t oid, bool not_null, rdb_error *err);
/* Of a constraint of a relation or a domain. */
RDB_CHECKED bool rdb_ddl_rename_constraint(rdb_access *access, uint32_t constraint_oid, const char *name, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_validated(rdb_access *access, uint32_t constraint_oid, rdb_error *err);
/* Types of their own (not rows of tables): name and schema, their arrays' with them. 42710 where the name is taken. */
RDB_CHECKED bool rdb_ddl_rename_type(rdb_access *access, uint32_t oid, const char *name, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_type_namespace(rdb_access *access, uint32_t oid, uint32_t namespace_oid, rdb_error *err);
/* pg_proc, every column that CREATE FUNCTION decides. */
typedef struct rdb_function_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid, language_oid;
    char kind;                          /* f p a w */
    bool is_security_definer, is_leakproof, is_strict, returns_set;
    char volatility, parallel;
    float cost, rows;
    uint32_t variadic_type, return_type, support_oid;
    const uint32_t *argument_types;     /* of input arguments */
    uint16_t argument_count, default_count;
    const uint32_t *all_types;          /* with OUT ones; all_count 0: all are IN */
    const char *all_modes;
    uint16_t all_count;
    const char *const *names;           /* of all; NULL: none has one, "" within: that one has none */
    const char *defaults_tree, *source, *binary_source, *body_tree;
    const char *const *configuration;   /* name=value */
    uint32_t configuration_count;
    const rdb_object_address *uses;
    uint32_t use_count;
} rdb_function_definition;
/* A new function (*oid 0), or the row of *oid replaced: then owner and privileges stay. 42723 where one of that name and
 * arguments is there. */
RDB_CHECKED bool rdb_ddl_write_function(rdb_access *access, const rdb_function_definition *definition, uint32_t *oid, rdb_error *err);
/* A function by exact input types; 0: none. */
RDB_CHECKED bool rdb_function_find_exact(rdb_access *access, uint32_t namespace_oid, const char *name, const uint32_t *types, uint32_t count, uint32_t *oid, rdb_error *err);
/* The definition as it stands, for those who change a part of it. Memory of arena. */
RDB_CHECKED bool rdb_ddl_read_function(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_function_definition *definition, rdb_error *err);

/* Aggregates, operators, casts, operator classes (ddl_expression.c). */
typedef struct rdb_aggregate_definition { /* what pg_aggregate has beside the function's row */
    char kind; /* n o h */
    uint16_t direct_count;
    uint32_t transition_oid, final_oid, combine_oid, serialize_oid, deserialize_oid, moving_oid, inverse_oid, moving_final_oid, sort_operator;
    bool final_takes_arguments, moving_final_takes_arguments;
    char final_modify, moving_final_modify;
    uint32_t transition_type, moving_type;
    int32_t transition_space, moving_space;
    const char *initial, *moving_initial;
} rdb_aggregate_definition;
/* As rdb_ddl_write_function, whose definition's uses are completed with the aggregate's functions and operator. */
RDB_CHECKED bool rdb_ddl_write_aggregate(rdb_access *access, rdb_function_definition *function, const rdb_aggregate_definition *definition, uint32_t *oid, rdb_error *err);

typedef struct rdb_operator_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid, left_type /* 0: prefix */, right_type;
    uint32_t result_type, function_oid; /* 0: a shell, which another operator names */
    uint32_t commutator_oid, negator_oid, restrict_oid, join_oid;
    bool commutes_with_itself, can_merge, can_hash;
} rdb_operator_definition;
/* By exact name, schema and types; 0: none. */
RDB_CHECKED bool rdb_operator_find_exact(rdb_access *access, uint32_t namespace_oid, const char *name, uint32_t left_type, uint32_t right_type, uint32_t *oid, rdb_error *err);
/* A new one (*oid 0), or the shell *oid filled; its commutator and negator learn of it where they have none. */
RDB_CHECKED bool rdb_ddl_write_operator(rdb_access *access, const rdb_operator_definition *definition, uint32_t *oid, rdb_error *err);
/* ALTER OPERATOR ... SET: new estimators. */
RDB_CHECKED bool rdb_ddl_set_operator_estimators(rdb_access *access, const rdb_operator_entry *entry, uint32_t restrict_oid, uint32_t join_oid, rdb_error *err);
/* 42710 where there is one from source to target. method, context: as rdb_cast_entry has them. */
RDB_CHECKED bool rdb_ddl_create_cast(rdb_access *access, const rdb_cast_entry *cast, uint32_t *oid, rdb_error *err);

/* Operator families and classes (ddl_opclass.c). */
RDB_CHECKED bool rdb_ddl_create_opfamily(rdb_access *access, const char *name, uint32_t namespace_oid, uint32_t owner_oid, uint32_t method_oid, uint32_t *oid, rdb_error *err);
typedef struct rdb_opclass_definition {
    const char *name;
    uint32_t namespace_oid, owner_oid, method_oid, family_oid, input_type, key_type /* 0: the same */;
    bool is_default;
} rdb_opclass_definition;
RDB_CHECKED bool rdb_ddl_create_opclass(rdb_access *access, const rdb_opclass_definition *definition, uint32_t *oid, rdb_error *err);
typedef struct rdb_opfamily_member {
    bool is_operator;           /* else a support function */
    int16_t number;
    uint32_t left_type, right_type;
    uint32_t object_oid;        /* the operator or function */
    uint32_t sort_family_oid;   /* of an ordering operator; 0: it searches */
} rdb_opfamily_member;
/* opclass_oid: the class that it is a part of; 0: it hangs in the family loosely. */
RDB_CHECKED bool rdb_ddl_add_opfamily_member(rdb_access *access, uint32_t method_oid, uint32_t family_oid, uint32_t opclass_oid, const rdb_opfamily_member *member, rdb_error *err);
/* Its row in pg_amop or pg_amproc; 0: there is none. */
RDB_CHECKED bool rdb_opfamily_member_find(rdb_access *access, uint32_t family_oid, const rdb_opfamily_member *member, uint32_t *oid, rdb_error *err);

/* Policies of row-level security (ddl_policy.c). */
typedef struct rdb_policy {
    uint32_t oid, relation_oid;
    const char *name;
    char command;               /* pg_policy's: r a w d, * for all */
    bool is_permissive;
    const uint32_t *roles;      /* 0: everyone */
    uint32_t role_count;
    const char *using_tree, *check_tree; /* over range 1; NULL: none */
} rdb_policy;
/* A new one (*oid 0), or the row of *oid replaced. */
RDB_CHECKED bool rdb_ddl_write_policy(rdb_access *access, const rdb_policy *policy, const rdb_object_address *uses, uint32_t use_count, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_rename_policy(rdb_access *access, uint32_t oid, const char *name, rdb_error *err);
RDB_CHECKED bool rdb_policy_find(rdb_access *access, uint32_t relation_oid, const char *name, uint32_t *oid, rdb_error *err); /* 0: none */
RDB_CHECKED bool rdb_policy_read(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_policy *policy, rdb_error *err);
/* rdb_policy * of a table, by name. */
RDB_CHECKED bool rdb_policy_list(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_list *policies, rdb_error *err);

/* Rules for changes of a relation (ddl_rule.c); a view's own rule, _RETURN, is not among them. */
typedef struct rdb_rule {
    uint32_t oid, relation_oid;
    char name[RDB_NAMEDATALEN];
    char event;                 /* pg_rewrite's: 2 update, 3 insert, 4 delete */
    char enabled;               /* O, D, R, A */
    bool is_instead;
    const char *condition_tree; /* NULL: none */
    const char *action_trees;   /* rdb_rule_write_actions */
} rdb_rule;
/* A new one (*oid 0), or the row of *oid replaced. */
RDB_CHECKED bool rdb_ddl_write_rule(rdb_access *access, const rdb_rule *rule, const rdb_object_address *uses, uint32_t use_count, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_enable_rule(rdb_access *access, uint32_t oid, char enabled, rdb_error *err);
RDB_CHECKED bool rdb_rule_find(rdb_access *access, uint32_t relation_oid, const char *name, uint32_t *oid, rdb_error *err); /* 0: none; _RETURN too */
RDB_CHECKED bool rdb_rule_read(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_rule *rule, bool *found, rdb_error *err);
/* rdb_rule * of a relation, by name. */
RDB_CHECKED bool rdb_rule_list(rdb_access *access, uint32_t relation_oid, rdb_arena *arena, rdb_list *rules, rdb_error *err);

/* Membership of roles (ddl_membership.c). */
typedef struct rdb_ddl_notice {
    void (*notice)(void *context, const char *text);
    void *context;
} rdb_ddl_notice;
RDB_CHECKED bool rdb_ddl_grant_role(rdb_access *access, const rdb_role *role, const rdb_role *member, uint32_t grantor_oid, bool with_admin,
                                    const rdb_ddl_notice *notice, rdb_error *err);
RDB_CHECKED bool rdb_ddl_revoke_role(rdb_access *access, uint32_t role_oid, uint32_t member_oid, bool only_admin, bool *found, rdb_error *err);

/* Settings that sessions begin with (ddl_setting.c): of a role, of a database, of a role in a database, of all (0, 0). name NULL:
 * all of them are forgotten; value NULL: that one. */
RDB_CHECKED bool rdb_ddl_store_setting(rdb_access *access, uint32_t database_oid, uint32_t role_oid, const char *name, const char *value, rdb_error *err);
/* "name=value" texts in arena. */
RDB_CHECKED bool rdb_ddl_read_settings(rdb_access *access, uint32_t database_oid, uint32_t role_oid, rdb_arena *arena, const char *const **texts,
                                       uint32_t *count, rdb_error *err);

/* Collations (collation.c). encoding: of the one that is there. A new one's number follows from its definition. */
RDB_CHECKED bool rdb_ddl_collation_exists(rdb_access *access, uint32_t namespace_oid, const char *name, bool *exists, int32_t *encoding, rdb_error *err);
RDB_CHECKED bool rdb_ddl_create_collation(rdb_access *access, const rdb_collation_row *collation, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_ddl_set_collation_version(rdb_access *access, uint32_t oid, const char *version, rdb_error *err);

/* Dependencies. kind: n normal, a auto, i internal. */
RDB_CHECKED bool rdb_ddl_depend(rdb_access *access, rdb_object_address dependent, rdb_object_address referenced, char kind, rdb_error *err);
/* What the object depends on, one for another: its schema. */
RDB_CHECKED bool rdb_ddl_move_dependency(rdb_access *access, rdb_object_address dependent, uint32_t catalog_oid, uint32_t from, uint32_t to, rdb_error *err);
/* Drops the objects and what depends on them automatically; with cascade also what depends normally, without it 2BP01 with
 * PostgreSQL's message, DETAIL ("view v depends on table t") and HINT. notice receives "drop cascades to ..." lines. Relations,
 * columns (sub_id), indexes, constraints, defaults, sequences, views, types, namespaces, functions. */
RDB_CHECKED bool rdb_ddl_drop(rdb_access *access, const rdb_object_address *objects, uint32_t count, bool cascade,
                              void (*notice)(void *context, const char *text), void *context, rdb_error *err);
/* "table t", "column a of table t", "constraint c on table t": for messages. */
RDB_CHECKED bool rdb_object_describe(rdb_access *access, rdb_object_address object, rdb_strbuf *text, rdb_error *err);
RDB_CHECKED bool rdb_ddl_comment(rdb_access *access, rdb_object_address object, const char *text /* NULL: remove */, rdb_error *err);

#endif
