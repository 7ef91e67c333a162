/* SPDX-License-Identifier: Apache-2.0
 * Room catalog: PostgreSQL's system tables in the engine's own heaps, and immutable, counted descriptors made from them.
 *
 * A PostgreSQL database is a pluggable database (PDB). PDB 1 is the root: it holds the shared catalogs (pg_authid,
 * pg_database, ...). Catalog reads see the latest committed state plus one's own changes, whatever the isolation level
 * (R44). Built-in types, functions, operators and casts never change and are answered from tables made at build time;
 * everything else is looked up in the cache, and in the system tables on a miss. A transaction that changed catalog rows
 * sees its own overlay; others see the change when the commit's invalidations are published. */
#ifndef RDB_CATALOG_H
#define RDB_CATALOG_H

#include "index/rdb_index.h"
#include "type/rdb_collation.h"
#include "type/rdb_terms.h"
#include "type/rdb_type.h"
#include "catalog/columns.h" /* RDB_pg_class_relname and its kin: made by the build */

#define RDB_PDB_ROOT 1u
#define RDB_NAMEDATALEN 64u
#define RDB_FIRST_NORMAL_OID 16384u
enum { RDB_ROLE_ADMIN_OID = 10, RDB_NAMESPACE_PG_CATALOG = 11, RDB_NAMESPACE_PUBLIC = 2200 };
/* System tables that code names. */
enum {
    RDB_PG_TYPE = 1247, RDB_PG_ATTRIBUTE = 1249, RDB_PG_PROC = 1255, RDB_PG_CLASS = 1259, RDB_PG_AUTHID = 1260,
    RDB_PG_DATABASE = 1262, RDB_PG_ATTRDEF = 2604, RDB_PG_CONSTRAINT = 2606, RDB_PG_DEPEND = 2608,
    RDB_PG_DESCRIPTION = 2609, RDB_PG_INDEX = 2610, RDB_PG_INHERITS = 2611, RDB_PG_NAMESPACE = 2615,
    RDB_PG_OPERATOR = 2617, RDB_PG_REWRITE = 2618, RDB_PG_STATISTIC = 2619, RDB_PG_STATISTIC_EXT = 3381, RDB_PG_STATISTIC_EXT_DATA = 3429, RDB_PG_TRIGGER = 2620, RDB_PG_SEQUENCE = 2224, RDB_PG_POLICY = 3256,
    RDB_PG_SETTING = 2964, RDB_PG_ENUM = 3501, RDB_PG_COLLATION = 3456, RDB_PG_TABLESPACE = 1213, RDB_PG_AUTH_MEMBERS = 1261,
    RDB_PG_PARTITIONED_TABLE = 3350, RDB_PG_AM = 2601, RDB_PG_CAST = 2605, RDB_PG_OPCLASS = 2616, RDB_PG_SHDEPEND = 1214, RDB_PG_SHDESCRIPTION = 2396,
    RDB_PG_AGGREGATE = 2600, RDB_PG_AMOP = 2602, RDB_PG_AMPROC = 2603, RDB_PG_OPFAMILY = 2753,
    RDB_LAYOUT = 8000, RDB_PLUGGABLE = 8010, RDB_MISSING = 8030 /* our own */
};

typedef struct rdb_catalog rdb_catalog;   /* one an instance */
typedef struct rdb_database rdb_database; /* one open PDB; counted */

typedef struct rdb_catalog_config {
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
} rdb_catalog_config;
/* Has the transaction a companion that changes roles, databases or what else all databases share? */
bool rdb_catalog_changes_shared(rdb_catalog *catalog, const rdb_txn *txn);
/* The transaction in the root PDB that carries its changes of shared catalogs, and commits just before it; NULL: there is none. */
rdb_txn *rdb_catalog_shared_txn(rdb_catalog *catalog, const rdb_txn *txn);
RDB_CHECKED bool rdb_catalog_open(rdb_catalog **catalog, const rdb_catalog_config *config, rdb_error *err);
void rdb_catalog_close(rdb_catalog **catalog);
void rdb_catalog_register_redo(void);
/* rdb-init: makes the system tables of the root PDB and template1, fills them with the built-in rows, then clones the
 * databases "postgres" and "rustydb". admin_password_verifier: a SCRAM verifier or NULL. */
RDB_CHECKED bool rdb_catalog_bootstrap(rdb_catalog *catalog, const char *admin_role, const char *admin_password_verifier, rdb_error *err);

/* By name. 3D000 when there is none. Counted: close it. */
RDB_CHECKED bool rdb_database_open(rdb_catalog *catalog, const char *name, rdb_database **database, rdb_error *err);
/* The next one after that PDB number of those that are open, counted once more; NULL: none is left. */
rdb_database *rdb_database_next(rdb_catalog *catalog, uint32_t pdb);
void rdb_database_close(rdb_database **database);
uint32_t rdb_database_pdb(const rdb_database *database);
uint32_t rdb_database_oid(const rdb_database *database);
const char *rdb_database_name(const rdb_database *database);
/* While on, new objects get OIDs between 12000 and 16383: for rdb-init's views of pg_catalog and information_schema. */
void rdb_database_make_system_objects(rdb_database *database, bool on);
bool rdb_database_makes_system_objects(const rdb_database *database);
/* Opens a database by name even where it takes no connections (template0): for rdb-init and maintenance. */
RDB_CHECKED bool rdb_database_open_any(rdb_catalog *catalog, const char *name, rdb_database **database, rdb_error *err);
/* PostgreSQL's own scripts of CREATE VIEW, GRANT and the like, many statements each, and the rows of information_schema.sql_features, a
 * line each with tabs between the columns; zero-terminated. */
typedef enum rdb_catalog_script_name {
    RDB_SCRIPT_SYSTEM_VIEWS, RDB_SCRIPT_INFORMATION_SCHEMA, RDB_SCRIPT_SYSTEM_FUNCTIONS, RDB_SCRIPT_SQL_FEATURES, RDB_SCRIPT_CITEXT_1_4, RDB_SCRIPT_CITEXT_1_5,
    RDB_SCRIPT_CITEXT_1_6
} rdb_catalog_script_name;
const char *rdb_catalog_script(rdb_catalog_script_name name);
/* CREATE DATABASE clones a template PDB; DROP DATABASE. Run outside a transaction block, as PostgreSQL has it. */
RDB_CHECKED bool rdb_database_create(rdb_catalog *catalog, const char *name, const char *template_name, uint32_t owner_oid, rdb_error *err);
RDB_CHECKED bool rdb_database_drop(rdb_catalog *catalog, const char *name, bool missing_is_fine, rdb_error *err);
RDB_CHECKED bool rdb_database_exists(rdb_catalog *catalog, const char *name, bool *exists, rdb_error *err);
/* 55006 where sessions or prepared transactions are in it; it is opened anew by whoever comes next. */
RDB_CHECKED bool rdb_database_close_unused(rdb_catalog *catalog, const char *name, rdb_error *err);

typedef struct rdb_role { /* of pg_authid */
    uint32_t oid;
    char name[RDB_NAMEDATALEN];
    bool is_superuser, inherits, can_create_role, can_create_db, can_login, can_replicate, bypasses_rls;
    int32_t connection_limit;
    char verifier[160]; /* rolpassword or "" */
    bool password_expired;
} rdb_role;
RDB_CHECKED bool rdb_role_find(rdb_catalog *catalog, const char *name, rdb_role *role, bool *found, rdb_error *err);

/* How one session looks at the catalog during one statement. Descriptors handed out are pinned in it and hold until
 * rdb_access_end; whoever keeps a plan longer keeps the access (or pins of its own). */
typedef struct rdb_access rdb_access;
/* As rdb_role_find, with what the access's transaction changed. */
RDB_CHECKED bool rdb_role_find_within(rdb_access *access, const char *name, rdb_role *role, bool *found, rdb_error *err);
typedef struct rdb_access_context {
    rdb_catalog *catalog;
    rdb_database *database;
    rdb_txn *txn;                  /* may be NULL for the built-in rows alone */
    uint32_t role_oid;
    const char *role_name;
    bool row_security_off;         /* the setting: what policies would change is an error */
    const char *search_path;       /* the setting's text: "$user", public */
    uint32_t temp_namespace_oid;   /* the session's schema of temporary objects, which "pg_temp" means; 0: none yet */
    struct rdb_temp_session *temp; /* the session's temporary objects (rdb_ddl.h), which sets the number above; NULL: it has none */
    struct rdb_sequence_session *sequences; /* what the session remembers for currval (rdb_ddl.h); NULL: nothing */
} rdb_access_context;
RDB_CHECKED bool rdb_access_begin(rdb_access **access, const rdb_access_context *context, rdb_error *err);
void rdb_access_end(rdb_access **access);
/* A kept access serves another transaction of the same database; its pins stay. */
void rdb_access_rebind(rdb_access *access, rdb_txn *txn);
const rdb_access_context *rdb_access_get_context(const rdb_access *access);
/* Grows with every published catalog change of the PDB; a plan made at another epoch is made again. */
uint64_t rdb_catalog_epoch(const rdb_database *database);
/* False where a descriptor used under epoch may have changed: names are looked up again after a lock wait (R44). */
bool rdb_access_is_current(const rdb_access *access);
/* The same of an access that an earlier transaction may have used, before it is bound to txn (the caller's own; NULL: none). */
bool rdb_access_fits(const rdb_access *access, const rdb_txn *txn);
/* Did the access's own transaction change the catalog? Then what others see of it is not what it sees. */
bool rdb_access_has_changes(const rdb_access *access);

/* ---- descriptors ---------------------------------------------------------------------------------------------------- */
typedef struct rdb_column {
    char name[RDB_NAMEDATALEN];
    const rdb_type *type;
    int32_t typmod;
    uint32_t collation;
    int16_t number; /* attnum, from 1 */
    bool is_dropped, not_null, has_default;
    char identity;  /* 'a', 'd' or 0 */
    char generated; /* 's' or 0 */
    const char *default_tree; /* pg_attrdef.adbin: the analysed expression as rdb_tree_write wrote it; NULL: none */
    bool is_local;            /* declared by the table itself, whether or not it inherits it too */
    int32_t inherit_count;    /* parents that have it */
} rdb_column;

/* A table that inherits from the relation, or a partition of it. */
typedef struct rdb_child {
    uint32_t oid;
    bool is_detaching;
    const char *bound;        /* of a partition: pg_class.relpartbound (sql/rdb_partition.h says what stands in it) */
} rdb_child;
/* By what a partitioned table is divided. */
typedef struct rdb_partition_key {
    char strategy;            /* r l h */
    uint16_t count;
    const int16_t *columns;   /* 0: the next expression of expression_tree */
    const uint32_t *opclasses, *collations;
    const char *expression_tree; /* a row of them; NULL: none */
    uint32_t default_oid;     /* the DEFAULT partition, 0: none */
} rdb_partition_key;

typedef struct rdb_index_operator { /* of pg_amop */
    uint32_t operator_oid;
    uint16_t strategy;
} rdb_index_operator;
/* What an index keeps of a row. All are B+trees of bytes. */
typedef enum rdb_index_kind {
    RDB_INDEX_ORDERED, /* btree, hash: one entry, the values of its columns in order */
    RDB_INDEX_SUMMARY, /* brin: of each stretch of blocks what values it has */
    RDB_INDEX_TERMS,   /* gin, gist, spgist: an entry for each term (type/rdb_terms.h) */
} rdb_index_kind;

typedef struct rdb_index_column {
    int16_t column_number; /* of the table, 0: an expression */
    const rdb_type *type;
    uint32_t collation, opclass_oid;
    bool is_descending, nulls_first;
    bool orders_bytes; /* text_pattern_ops and its kin: the collation is C here, whatever is kept of it */
    /* of indexes that are not ordered: */
    uint32_t family_oid;
    const rdb_term_class *terms;             /* RDB_INDEX_TERMS */
    const rdb_index_operator *operators;     /* what searches the index answers: those of the family */
    uint32_t operator_count;
    bool sums_up;                            /* RDB_INDEX_SUMMARY: by least and greatest value */
} rdb_index_column;

/* What was done to a relation since the server started (counters.c). */
typedef enum rdb_counter_kind {
    RDB_COUNTER_SCANS,       /* of a table: sequential ones; of an index: of it */
    RDB_COUNTER_ROWS_READ,   /* by those: rows, entries */
    RDB_COUNTER_ROWS_FETCHED,/* through an index: rows that were there */
    RDB_COUNTER_INSERTS, RDB_COUNTER_UPDATES, RDB_COUNTER_DELETES,
    RDB_COUNTER_VACUUMS, RDB_COUNTER_ANALYZES, RDB_COUNTER_VACUUM_US, RDB_COUNTER_ANALYZE_US, /* how often, and when last: wall clock */
    RDB_COUNTER_AUTO_ANALYZES, RDB_COUNTER_AUTO_ANALYZE_US, /* those of them that the server did by itself */
    RDB_COUNTER_CHANGES_ANALYZED, RDB_COUNTER_INSERTS_VACUUMED, /* inserts, updates, deletes up to the last ANALYZE; inserts to the last VACUUM */
    RDB_COUNTER_COMMITS, RDB_COUNTER_ROLLBACKS, RDB_COUNTER_SESSIONS, /* of a database: its counters have OID 0 */
    RDB_COUNTER_TEMP_FILES, RDB_COUNTER_TEMP_BYTES, /* of a database */
    RDB_COUNTER_RESET_US, /* of a database: when pg_stat_reset was called last */
    RDB_COUNTER_BLOCKS_HIT, RDB_COUNTER_BLOCKS_READ, /* found in the pool, read; a database's own: what belongs to no relation */
    RDB_COUNTER_COUNT
} rdb_counter_kind;
typedef struct rdb_counters rdb_counters;
rdb_counters *rdb_counters_get(rdb_catalog *catalog, uint32_t pdb, uint32_t oid); /* NULL where there is no memory */
/* Calls visit for every relation of the PDB that has counters; nothing may be called in it that needs the catalog. */
void rdb_counters_visit(rdb_catalog *catalog, uint32_t pdb, void (*visit)(void *context, uint32_t oid, const rdb_counters *counters), void *context);
/* Inserts, updates and deletes since the last ANALYZE. */
uint64_t rdb_counters_changes(const rdb_counters *counters);
void rdb_counters_add(rdb_counters *counters, rdb_counter_kind counter, uint64_t amount); /* NULL is fine, as below */
void rdb_counters_set(rdb_counters *counters, rdb_counter_kind counter, uint64_t value);
uint64_t rdb_counters_read(const rdb_counters *counters, rdb_counter_kind counter);
bool rdb_counters_are_summed(rdb_counter_kind counter); /* what a database has of it is what its relations have */
uint64_t rdb_counters_sum(rdb_catalog *catalog, uint32_t pdb, rdb_counter_kind counter); /* over the relations of a database */
/* pg_stat_reset: what is shown begins anew for one relation, or (oid 0) for the database and all of its. What the server itself goes by (the
 * three above) does not change. */
void rdb_counters_reset(rdb_catalog *catalog, uint32_t pdb, uint32_t oid);
uint64_t rdb_counters_shown(const rdb_counters *counters, rdb_counter_kind counter);
uint64_t rdb_counters_shown_sum(rdb_catalog *catalog, uint32_t pdb, rdb_counter_kind counter);

typedef struct rdb_relation rdb_relation;
typedef struct rdb_index_gate rdb_index_gate; /* index_gate.c: whether who writes rows enters the keys of an index that is being made */
bool rdb_index_gate_is_open(const rdb_index_gate *gate);
void rdb_index_gate_open(rdb_index_gate *gate);
void rdb_index_gate_close(rdb_index_gate *gate); /* of an index that will never be valid */
typedef struct rdb_relation_index {
    rdb_counters *counters;
    rdb_index_gate *gate; /* of one that is live and not ready; NULL else */
    uint32_t oid;
    char name[RDB_NAMEDATALEN];
    rdb_index index;
    bool is_unique, is_primary, is_immediate, is_valid, is_exclusion;
    bool is_ready, is_live;   /* pg_index: its keys are entered; it is not about to be dropped */
    bool is_partitioned;      /* of a partitioned table: has no file, its partitions have indexes of their own */
    uint16_t key_count, column_count; /* key_count first ones are keys, the rest INCLUDE */
    uint16_t decoded_count;  /* of the keys: the first ones, whose values can be read back from the entry's key */
    uint16_t stored_count;   /* columns whose values decide what the entry is: key_count, or, where it has a rest, column_count */
    bool has_rest;           /* of entries: rdb_index_entry_encode */
    const rdb_index_column *columns;
    uint32_t method_oid;         /* pg_class.relam */
    uint8_t kind;                /* rdb_index_kind */
    uint32_t range_blocks;       /* RDB_INDEX_SUMMARY: blocks of a stretch */
    const char *expression_tree; /* pg_index.indexprs, a list; NULL: none */
    const char *predicate_tree;  /* pg_index.indpred; NULL: whole */
} rdb_relation_index;
/* Does who writes a row now enter its keys? Asked once for each index and change (index_gate.c says why). */
static inline bool rdb_index_takes_rows(const rdb_relation_index *index)
{
    return RDB_LIKELY(index->is_ready) || (index->gate != NULL && rdb_index_gate_is_open(index->gate));
}

typedef struct rdb_constraint {
    uint32_t oid;
    char name[RDB_NAMEDATALEN];
    char kind; /* c f p u x t */
    bool is_deferrable, is_deferred, is_validated;
    bool is_local, is_no_inherit; /* as of columns; NO INHERIT: children do not get it */
    int32_t inherit_count;
    uint32_t parent_oid;          /* the partitioned table's constraint that this one is a part of; 0: none */
    bool is_of_referencing;       /* among referrers: a partition's part of another one of them, which serves for both */
    bool is_of_referenced;        /* a foreign key's part for one partition of the referenced table: that side alone */
    uint32_t index_oid;
    const int16_t *columns;
    uint16_t column_count;
    const char *check_tree; /* conbin */
    /* foreign keys */
    uint32_t relation_oid, foreign_relation_oid;
    const int16_t *foreign_columns;
    char on_update, on_delete, match; /* a r c n d / f p s */
    const int16_t *delete_set_columns; /* ON DELETE SET NULL (a, b): those that are set; count 0: all */
    uint16_t delete_set_count;
    const uint32_t *exclusion_operators; /* x: one a column of the index's keys */
    uint16_t exclusion_count;
} rdb_constraint;

/* What ANALYZE found in a column (statistics.c). Values are in the descriptor's memory. */
typedef struct rdb_statistics {
    double null_fraction;
    double distinct;                 /* of the values; negative: that share of the rows, whatever their number; 0: not known */
    int32_t width;                   /* bytes, on average, as stored */
    uint32_t common_count;           /* most common values, the commonest first, each with its share of all rows */
    const rdb_datum *common_values;
    const float *common_fractions;
    uint32_t bound_count;            /* histogram of the other values: bounds of parts that have as many rows each */
    const rdb_datum *bounds;
    bool has_correlation;
    double correlation;              /* of the order of values with that of the rows on disk: -1 to 1 */
    /* of arrays: */
    uint32_t element_count;          /* most common elements, by value */
    const rdb_datum *elements;
    const float *element_fractions;  /* of the values that are not null those with the element; then the least and the greatest share, and that of values with a null */
    uint32_t element_counts_count;   /* histogram of the numbers of different elements; the last one is their mean */
    const float *element_counts;
} rdb_statistics;
#define RDB_ELEMENT_FRACTIONS_MORE 3u

/* What ANALYZE found of several columns and expressions of a table together, for one object of CREATE STATISTICS (extended_statistics.c).
 * Its parts are the columns, by number, then the expressions; a set of them has bit i for part i. */
typedef struct rdb_parts_distinct {
    uint8_t parts;
    double distinct;
} rdb_parts_distinct;
typedef struct rdb_parts_dependency { /* in that share of the rows one part follows from others */
    uint8_t from, to;                 /* to: a set of one */
    double degree;
} rdb_parts_dependency;
typedef struct rdb_common_part { /* values of a part in the common rows */
    uint32_t type_oid;
    const rdb_datum *values;
    const bool *is_null;
} rdb_common_part;
typedef struct rdb_extended_statistics {
    uint32_t oid;
    bool inherits;                    /* over the rows of tables below it too */
    uint16_t column_count, part_count;
    int16_t columns[8];
    const char *expression_tree;      /* a row expression; NULL: none */
    uint32_t distinct_count, dependency_count;
    const rdb_parts_distinct *distinct;
    const rdb_parts_dependency *dependencies;
    uint32_t common_count;            /* rows that are common, with their share of all and what it would be if the parts were independent */
    const rdb_common_part *common;    /* by part */
    const double *common_shares, *common_bases;
    const struct rdb_statistics *const *expressions; /* by expression; NULL within: nothing is known of it; NULL: of none */
    const uint32_t *expression_types; /* what the values of their figures are; 0: there are none */
} rdb_extended_statistics;

struct rdb_relation {
    uint32_t oid;
    char name[RDB_NAMEDATALEN];
    uint32_t namespace_oid;
    char namespace_name[RDB_NAMEDATALEN];
    char kind;        /* r i S v m c p I t */
    char persistence; /* p u t */
    uint32_t owner_oid, row_type_oid;
    uint32_t of_type_oid; /* the composite type that the table is made OF; 0: none */
    bool has_acl;     /* privileges were granted or taken away: rdb_acl.h */
    bool has_row_security, forces_row_security; /* policies decide which rows are seen; by the owner too */
    bool has_rules;   /* for changes: a view's own rule does not count */
    bool is_shared;   /* lives in the root PDB */
    bool is_system;   /* oid < 16384 */
    bool is_populated; /* m: it has been filled */
    bool is_security_barrier; /* v: from reloptions, like */
    bool is_security_invoker; /* v: its tables are checked for whoever runs the statement, not for the owner */
    char check_option;        /* v: l local, c cascaded, 0 */
    rdb_table table;  /* r, m, t: its heap */
    uint64_t file;    /* also of S */
    uint16_t column_count; /* dropped ones included: number = index + 1 */
    const rdb_column *columns;
    uint16_t index_count;
    const rdb_relation_index *indexes;
    bool has_gates;                  /* an index has one */
    uint16_t constraint_count;       /* its own; and those foreign keys that point to it: */
    const rdb_constraint *constraints;
    uint16_t referrer_count;
    const rdb_constraint *referrers;
    const char *view_tree;           /* v: the analysed query; NULL else */
    bool has_subclass, is_partition; /* relhassubclass: has or had children */
    const char *partition_bound;     /* of a partition */
    uint32_t child_count;            /* direct ones, by OID */
    const rdb_child *children;
    const rdb_partition_key *partition_key; /* p; NULL else */
    double pages, tuples;            /* relpages, reltuples (-1: never counted) */
    double visible_pages;            /* relallvisible */
    const rdb_statistics *const *statistics; /* by column number - 1, NULL: none; NULL: of no column */
    uint32_t extended_count;         /* objects of CREATE STATISTICS that something is known for, by OID */
    const rdb_extended_statistics *extended;
    uint32_t index_of;               /* i: the table's oid */
    rdb_counters *counters;          /* tables and indexes; NULL: not counted */
};

/* ---- lookups. Found descriptors are pinned by the access; NULL/false with no error means: there is none. --------------- */
RDB_CHECKED bool rdb_relation_find(rdb_access *access, const char *schema /* NULL: search_path */, const char *name,
                                   const rdb_relation **relation, rdb_error *err);
RDB_CHECKED bool rdb_relation_get(rdb_access *access, uint32_t oid, const rdb_relation **relation, rdb_error *err);
RDB_CHECKED bool rdb_type_find(rdb_access *access, const char *schema, const char *name, const rdb_type **type, rdb_error *err);
RDB_CHECKED bool rdb_type_get(rdb_access *access, uint32_t oid, const rdb_type **type, rdb_error *err);
RDB_CHECKED bool rdb_namespace_find(rdb_access *access, const char *name, uint32_t *oid, rdb_error *err); /* 0: none */
RDB_CHECKED bool rdb_namespace_get_name(rdb_access *access, uint32_t oid, char name[RDB_NAMEDATALEN], rdb_error *err);
/* While an extension's script runs: what is made belongs to the extension, and search_path is its schema. What leave is given is what enter
 * was answered. */
typedef struct rdb_extension_scope {
    uint32_t extension_oid;
    const char *search_path;
} rdb_extension_scope;
rdb_extension_scope rdb_access_enter_extension(rdb_access *access, uint32_t extension_oid, const char *search_path);
void rdb_access_leave_extension(rdb_access *access, rdb_extension_scope outer);
uint32_t rdb_access_extension(const rdb_access *access); /* 0: none */
/* The schemas of search_path that exist, implied ones (pg_temp, pg_catalog) first where they are; borrowed from access. */
const uint32_t *rdb_access_search_path(rdb_access *access, uint32_t *count);
/* Where CREATE without a schema goes; 0 with 3F000 "no schema has been selected to create in". */
/* The first schema that the setting itself names and that is there; 0: none. */
RDB_CHECKED bool rdb_access_first_named_schema(rdb_access *access, uint32_t *oid, rdb_error *err);
RDB_CHECKED bool rdb_access_creation_namespace(rdb_access *access, uint32_t *oid, rdb_error *err);
/* Is it the one that its bare name finds? pg_table_is_visible and kin. */
RDB_CHECKED bool rdb_relation_is_visible(rdb_access *access, uint32_t oid, bool *visible, rdb_error *err);

typedef struct rdb_function { /* of pg_proc; immutable */
    uint32_t oid, namespace_oid;
    const char *name;
    char kind;       /* f p a w */
    bool is_strict, returns_set, is_leakproof;
    char volatility; /* i s v */
    char parallel;
    uint16_t argument_count, default_count; /* input arguments; how many of them, from the end, have a default */
    const uint32_t *argument_types;
    uint32_t variadic_type, return_type;    /* 0 / oid */
    uint16_t all_count;                     /* with OUT ones; 0: none */
    const uint32_t *all_types;
    const char *all_modes;                  /* i o b v t */
    const char *const *argument_names;      /* all_count or argument_count of them, or NULL */
    const char *defaults_tree;
    uint32_t language_oid;
    const char *source, *binary_source;
    uint32_t kernel_oid;                    /* LANGUAGE internal by a user, an aggregate with a state of type internal: the built-in one that it is; 0: itself */
    bool has_body;                          /* made by CREATE FUNCTION: not one of the built-in rows */
    bool is_security_definer;
    bool has_acl;                           /* not everyone may call it: rdb_acl.h */
    uint32_t owner_oid;                     /* 0: a built-in one's */
    const char *body_tree;                  /* prosqlbody, as rdb_body_write wrote it (sql/rdb_body.h); NULL: source is the body */
    const char *const *configuration;       /* proconfig: name=value */
    uint32_t configuration_count;
    const struct rdb_aggregate *aggregate;  /* of kind a and not built in; NULL else */
} rdb_function;
/* All functions of that name, whatever their arguments, in search order: *functions in access's memory. */
RDB_CHECKED bool rdb_function_find(rdb_access *access, const char *schema, const char *name,
                                   const rdb_function *const **functions, uint32_t *count, rdb_error *err);
RDB_CHECKED bool rdb_function_get(rdb_access *access, uint32_t oid, const rdb_function **function, rdb_error *err);

/* The built-in function behind a source name of LANGUAGE internal; 0: none. */
uint32_t rdb_function_of_source(const char *source);

typedef struct rdb_operator_entry { /* of pg_operator */
    uint32_t oid, namespace_oid, left_type /* 0: prefix */, right_type, result_type, function_oid, commutator_oid, negator_oid;
    const char *name;
    bool can_merge, can_hash;
    uint32_t restrict_oid, join_oid;
} rdb_operator_entry;
RDB_CHECKED bool rdb_operator_find(rdb_access *access, const char *schema, const char *name,
                                   const rdb_operator_entry *const **operators, uint32_t *count, rdb_error *err);
RDB_CHECKED bool rdb_operator_get(rdb_access *access, uint32_t oid, const rdb_operator_entry **entry, rdb_error *err);

typedef struct rdb_cast_entry { /* of pg_cast */
    uint32_t source, target, function_oid;
    char context; /* e a i */
    char method;  /* f b i */
} rdb_cast_entry;
RDB_CHECKED bool rdb_cast_find(rdb_access *access, uint32_t source, uint32_t target, const rdb_cast_entry **cast, rdb_error *err);

typedef struct rdb_aggregate { /* of pg_aggregate; immutable */
    uint32_t function_oid;
    char kind; /* n o h */
    uint16_t direct_argument_count;
    uint32_t transition_type;
    uint32_t sort_operator;
    /* Functions (0: none); but for the first two they and what follows, such as what a state begins with (NULL: null), are known of
     * those alone that are not built in. */
   
    uint32_t transition_oid, final_oid, combine_oid, moving_oid, inverse_oid, moving_final_oid, moving_type;
    bool final_takes_arguments, moving_final_takes_arguments; /* and gets a null for each aggregated one */
    char final_modify, moving_final_modify; /* r s w */
    const char *initial, *moving_initial;
} rdb_aggregate;
RDB_CHECKED bool rdb_aggregate_get(rdb_access *access, uint32_t function_oid, const rdb_aggregate **aggregate, rdb_error *err);

/* The default btree family's operators of a type (equality and order go through these, never through "="; R43):
 * strategy 1 <, 2 <=, 3 =, 4 >=, 5 >. 0: none. */
RDB_CHECKED bool rdb_opclass_operator(rdb_access *access, uint32_t type_oid, uint32_t right_type_oid, uint16_t strategy, uint32_t *operator_oid, rdb_error *err);
/* Which strategy of the btree family an operator is, 0: none. *family_oid too. */
RDB_CHECKED bool rdb_opclass_strategy(rdb_access *access, uint32_t operator_oid, uint16_t *strategy, uint32_t *family_oid, rdb_error *err);
RDB_CHECKED bool rdb_opclass_default(rdb_access *access, uint32_t type_oid, uint32_t *opclass_oid, rdb_error *err); /* btree */
RDB_CHECKED bool rdb_opclass_find(rdb_access *access, const char *schema, const char *name, uint32_t *opclass_oid, rdb_error *err);
/* A row of pg_collation; texts live as long as the access. */
typedef struct rdb_collation_row {
    const char *name;
    uint32_t namespace_oid, owner_oid;
    int32_t encoding; /* -1: any */
    const char *version; /* NULL: none */
    rdb_collation_definition definition;
} rdb_collation_row;
RDB_CHECKED bool rdb_collation_get(rdb_access *access, uint32_t oid, rdb_collation_row *collation, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_collation_find(rdb_access *access, const char *schema, const char *name, uint32_t *oid, rdb_error *err);

/* ---- system tables as tables ----------------------------------------------------------------------------------------
 * Rows by column number - 1, with their indexes kept. The snapshot is the latest one. */
typedef struct rdb_catalog_row {
    rdb_row_address address;
    rdb_row_version version;
    rdb_datum *values; /* column_count of the system table; bytes in the arena of the scan */
    bool *is_null;
    const rdb_column *columns; /* of the system table */
} rdb_catalog_row;
typedef struct rdb_catalog_scan rdb_catalog_scan;
/* Rows whose first key_count columns of the index equal keys (index_oid 0: all rows, in heap order). */
RDB_CHECKED bool rdb_catalog_scan_open(rdb_catalog_scan **scan, rdb_access *access, uint32_t catalog_oid, uint32_t index_oid,
                                       const rdb_datum *keys, uint16_t key_count, rdb_arena *arena, rdb_error *err);
/* The same as of a snapshot of the transaction's (NULL: the latest state), by index from the end where backward. */
RDB_CHECKED bool rdb_catalog_scan_open_at(rdb_catalog_scan **scan, rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys,
                                          uint16_t key_count, const rdb_snapshot *snapshot, bool backward, rdb_arena *arena, rdb_error *err);
RDB_CHECKED bool rdb_catalog_scan_next(rdb_catalog_scan *scan, rdb_catalog_row *row, bool *found, rdb_error *err);
void rdb_catalog_scan_close(rdb_catalog_scan **scan);
RDB_CHECKED bool rdb_catalog_insert(rdb_access *access, uint32_t catalog_oid, const rdb_datum *values, const bool *is_null, rdb_error *err);
RDB_CHECKED bool rdb_catalog_update(rdb_access *access, uint32_t catalog_oid, const rdb_catalog_row *row, rdb_error *err); /* row: old address, new values */
RDB_CHECKED bool rdb_catalog_delete(rdb_access *access, uint32_t catalog_oid, const rdb_catalog_row *row, rdb_error *err);
RDB_CHECKED bool rdb_catalog_new_oid(rdb_access *access, uint32_t *oid, rdb_error *err);
/* What the commit tells everyone to forget; the transaction itself forgets at once. */
void rdb_catalog_invalidate(rdb_access *access, uint32_t catalog_oid, uint32_t object_oid);

/* ---- user rows: heap and indexes together --------------------------------------------------------------------------
 * What DML and the catalog itself write through. Keys of expression indexes and whether a partial index takes the row are
 * the caller's: extra->columns[i] are the values of index i's expression columns. */
typedef struct rdb_index_values {
    bool is_excluded;          /* partial index: the predicate is not true for the row */
    const rdb_datum *values;   /* of the index's columns, keys and INCLUDE; NULL: take them from the row */
    const bool *is_null;
} rdb_index_values;
typedef struct rdb_row_writer {
    rdb_txn *txn;
    const rdb_snapshot *snapshot;
    const rdb_relation *relation;
    int64_t lock_timeout_us;
    rdb_arena *arena;          /* keys and the like; the caller resets it */
    /* Computes an index's columns, or that its predicate excludes the row, for the rows that unique checks meet. Needed
     * where the relation has unique indexes over expressions or with a predicate; else NULL. */
    bool (*compute_index)(void *context, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                          rdb_index_values *index_values, rdb_error *err);
    void *compute_context;
    /* Appends how PostgreSQL shows an expression of an index, the column at this position; compute_context is its context. NULL: messages leave
     * keys with expressions out. */
    bool (*name_expression)(void *context, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text);
    const rdb_format_settings *format; /* of the values in messages; NULL: rdb_format_default() */
    const uint64_t *shown_columns;     /* whose values messages may show: bit number + 7; NULL: all */
    bool moves_away;                   /* rdb_row_delete: the row goes on in another partition */
    bool wants_conflicting;            /* rdb_row_insert: the row in the way is to be changed then; while it is uncertain one waits in its queue */
    uint32_t *failed_row;              /* rdb_row_insert_many: which row an error is about; or NULL */
} rdb_row_writer;
/* conflict_index: ON CONFLICT (UINT16_MAX: a conflict is an error 23505; RDB_CONFLICT_ANY: of any unique index). *conflict: the
 * row in the way, nothing inserted. Waits for uncertain rows. */
#define RDB_CONFLICT_ERROR UINT16_MAX
#define RDB_CONFLICT_ANY (UINT16_MAX - 1)
RDB_CHECKED bool rdb_row_insert(const rdb_row_writer *writer, const rdb_datum *values, const bool *is_null, const rdb_index_values *index_values /* old: none */,
                                uint16_t conflict_index, rdb_row_address *address, rdb_row_address *conflict, rdb_error *err);
/* Many rows at once (COPY, INSERT ... SELECT); any conflict is an error. */
RDB_CHECKED bool rdb_row_insert_many(const rdb_row_writer *writer, const rdb_datum *const *values, const bool *const *is_null, uint32_t row_count,
                                     const rdb_index_values *const *index_values, rdb_row_address *addresses, rdb_error *err);
/* Has another row the key that these values (by column number - 1) have in a unique index over plain columns? *conflict 0: none. For
 * deferrable constraints, whose entries were added unchecked. waits: for rows that are uncertain; else those count too. */
RDB_CHECKED bool rdb_row_find_duplicate(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                                        rdb_row_address own, bool waits, rdb_row_address *conflict, rdb_error *err);
/* outcome DONE, CHANGED, GONE, MOVED or SELF; a WAIT has been waited out inside and shows as one of them, or retried. Who waited and does not
 * write after all calls rdb_lock_leave_place. */
RDB_CHECKED bool rdb_row_update(const rdb_row_writer *writer, rdb_row_address address, rdb_row_version seen, const rdb_datum *old_values, const bool *old_is_null,
                                const rdb_datum *values, const bool *is_null, const rdb_index_values *old_index_values, const rdb_index_values *index_values,
                                rdb_write_outcome *outcome, rdb_error *err);
RDB_CHECKED bool rdb_row_delete(const rdb_row_writer *writer, rdb_row_address address, rdb_row_version seen, const rdb_datum *old_values, const bool *old_is_null,
                                const rdb_index_values *old_index_values, rdb_write_outcome *outcome, rdb_error *err);
/* Adds the entry of a row that stood when the index was not there yet (rdb_ddl_fill_live_index). is_checked: *is_duplicate says whether another
 * row has the key, and then nothing was added; rows that are uncertain are waited for. xid: for the log. */
RDB_CHECKED bool rdb_row_enter_existing(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_index_entry *entry, bool is_checked, rdb_xid xid,
                                        bool *is_duplicate, rdb_error *err);
/* Gives a row that nobody writes another home (compaction): the same values at *to, entries and all. Nobody is waited for. outcome DONE; or
 * another one: the row is not for us to move now, *to 0 and nothing was done, or (*to set) the transaction has to be aborted. */
RDB_CHECKED bool rdb_row_relocate(const rdb_row_writer *writer, rdb_row_address address, rdb_row_version seen, const rdb_datum *values, const bool *is_null,
                                  const rdb_index_values *index_values, rdb_row_address *to, rdb_write_outcome *outcome, rdb_error *err);
/* Appends the encoded key of the index's first column_count key columns; values by position in the index. All key_count of
 * them make an entry's key, fewer a bound of a range. */
RDB_CHECKED bool rdb_index_key_encode(const rdb_relation_index *index, const rdb_datum *column_values, const bool *column_is_null,
                                      uint16_t column_count, rdb_strbuf *key, rdb_error *err);
/* The same from a table's row (values by column number - 1); the index must have no expressions. */
RDB_CHECKED bool rdb_index_key_encode_row(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                                          rdb_strbuf *key, rdb_error *err);
/* The bytes of a row's entry in an ordered index: its key, and, where the index keeps the values of columns that the key cannot give back
 * (has_rest: B-trees of users without expressions), the rest:
 *
 *    key columns   rdb_type_encode_column
 *    rest          for each column of the table from position decoded_count on: 1 byte rdb_index_rest_kind, then the value: as many bytes
 *                  as its representation has, or 2 with the length and the bytes
 *    2             bytes of the rest
 *
 * The rest stands in the entry, not beside it, so that a value that changed is another entry: undo records list it, and purge and the
 * reverter take away the one that no version has (R28, R29). What would make an entry too long for its page is left out (RDB_REST_ABSENT).
 * computed as for rdb_index_values. */
typedef enum rdb_index_rest_kind { RDB_REST_NULL, RDB_REST_VALUE, RDB_REST_ABSENT } rdb_index_rest_kind;
RDB_CHECKED bool rdb_index_entry_encode(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed,
                                        rdb_strbuf *entry, rdb_error *err);
/* The same from values by position in the index, stored_count of them. */
RDB_CHECKED bool rdb_index_entry_encode_columns(const rdb_relation_index *index, const rdb_datum *column_values, const bool *column_is_null, rdb_strbuf *entry, rdb_error *err);
/* The key columns of an entry; *rest what stands between them and the two bytes at the end (NULL: not asked). False: damaged. */
RDB_CHECKED bool rdb_index_entry_split(const rdb_relation_index *index, rdb_slice entry, rdb_slice *key, rdb_slice *rest, rdb_error *err);
/* One value after the other out of the rest, which becomes shorter; the bytes are those of the entry. */
RDB_CHECKED bool rdb_index_rest_next(rdb_rep rep, rdb_slice *rest, rdb_index_rest_kind *kind, rdb_datum *value, rdb_error *err);
/* The entries' keys of a row in an index of kind RDB_INDEX_TERMS, sorted, each once; computed as for rdb_index_values. */
RDB_CHECKED bool rdb_index_terms_of(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed,
                                    rdb_terms *terms, rdb_error *err);
/* Block range indexes (summary.c). Stretches are counted from 0. */
typedef struct rdb_summary { /* of one column in one stretch, as encoded keys; data NULL: it has no value there */
    rdb_slice least, greatest;
    bool has_null;
} rdb_summary;
/* A value as it is compared with them: what is cut keeps its order. */
RDB_CHECKED bool rdb_summary_key(const rdb_index_column *column, rdb_datum value, rdb_strbuf *key, rdb_error *err);
/* Is the stretch summed up, and may a snapshot of that SCN go by it? */
RDB_CHECKED bool rdb_summary_find(const rdb_relation_index *index, uint64_t stretch, rdb_scn scn, rdb_arena *arena, bool *found, rdb_error *err);
RDB_CHECKED bool rdb_summary_bounds(const rdb_relation_index *index, uint64_t stretch, uint16_t column_no, rdb_arena *arena, rdb_summary *summary, rdb_error *err);
/* After a row was written there. */
RDB_CHECKED bool rdb_summary_widen(const rdb_relation_index *index, rdb_row_address address, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed,
                                   rdb_xid xid, rdb_arena *arena, rdb_error *err);
RDB_CHECKED bool rdb_summary_remove(const rdb_relation_index *index, uint64_t stretch, rdb_arena *arena, bool *found, rdb_error *err);
/* What an index by a method and an operator class keeps of a column; the class's parts must be built, else 0A000. */
RDB_CHECKED bool rdb_index_class_read(rdb_access *access, uint32_t method_oid, rdb_arena *arena, rdb_index_column *column, rdb_error *err);
/* Reports 23505 as PostgreSQL does: duplicate key value violates unique constraint "...", Key (a)=(1) already exists. */
bool rdb_index_report_duplicate(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_datum *column_values,
                                const bool *column_is_null, rdb_error *err);

#endif
