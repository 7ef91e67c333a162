/* SPDX-License-Identifier: Apache-2.0
 * What the files of DDL share: new rows by column name, changes of single columns, file numbers. Room-internal. */
#ifndef RDB_CATALOG_DDL_INT_H
#define RDB_CATALOG_DDL_INT_H

#include "catalog/catalog_int.h"
#include "catalog/rdb_ddl.h"

/* Indexes of system tables by the OIDs that PostgreSQL gives them, and ours. */
enum {
    INDEX_ATTRDEF_NUMBER = 2656,
    INDEX_ATTRIBUTE_NAME = 2658,
    INDEX_ATTRIBUTE_NUMBER = 2659,
    INDEX_CLASS_OID = 2662,
    INDEX_CLASS_NAME = 2663,
    INDEX_CONSTRAINT_NAME = 2664,
    INDEX_CONSTRAINT_RELATION = 2665,
    INDEX_CONSTRAINT_OID = 2667,
    INDEX_DEPEND_DEPENDER = 2673,
    INDEX_DEPEND_REFERENCE = 2674,
    INDEX_DESCRIPTION = 2675,
    INDEX_ROLE_NAME = 2676,
    INDEX_ROLE_OID = 2677,
    INDEX_INDEX_RELATION = 2678,
    INDEX_INDEX_OID = 2679,
    INDEX_NAMESPACE_NAME = 2684,
    INDEX_NAMESPACE_OID = 2685,
    INDEX_PROC_OID = 2690,
    INDEX_REWRITE_OID = 2692,
    INDEX_REWRITE_RELATION = 2693,
    INDEX_SHDESCRIPTION = 2397,
    INDEX_TYPE_OID = 2703,
    INDEX_TYPE_NAME = 2704,
    INDEX_INHERITS_RELATION = 2680,
    INDEX_PARTITIONED_TABLE = 3351,
    INDEX_ENUM_TYPE = 3534,
    INDEX_SEQUENCE = 5002,
    INDEX_ATTRDEF_OID = 2657,
    INDEX_STATISTIC = 2696,
    INDEX_STATISTIC_EXT_RELATION = 3379,
    INDEX_STATISTIC_EXT_OID = 3380,
    INDEX_STATISTIC_EXT_NAME = 3997,
    INDEX_STATISTIC_EXT_DATA = 3433,
    INDEX_TRIGGER_OID = 2702,
    INDEX_LAYOUT = 8003,
    INDEX_MISSING = 8033,
    INDEX_AUTH_MEMBERS_MEMBER = 2695,
    INDEX_AUTH_MEMBERS_ROLE = 2694
};

/* A row being made: all NULL at first; setters by column number. Texts are borrowed until insert. */
typedef struct new_row {
    rdb_access *access;
    uint32_t catalog_oid;
    rdb_arena *arena;
    rdb_datum *values;
    bool *is_null;
} new_row;
new_row row_begin(rdb_access *access, uint32_t catalog_oid, rdb_arena *arena);
RDB_CHECKED bool row_insert(const new_row *row, rdb_error *err);
static inline rdb_datum *row_at(const new_row *row, int column)
{
    row->is_null[column - 1] = false;
    return &row->values[column - 1];
}
static inline void set_oid(const new_row *row, int column, uint32_t value)
{
    row_at(row, column)->oid = value;
}
static inline void set_bool(const new_row *row, int column, bool value)
{
    row_at(row, column)->b = value;
}
static inline void set_char(const new_row *row, int column, char value)
{
    row_at(row, column)->i8 = (int8_t)value;
}
static inline void set_int16(const new_row *row, int column, int16_t value)
{
    row_at(row, column)->i16 = value;
}
static inline void set_int32(const new_row *row, int column, int32_t value)
{
    row_at(row, column)->i32 = value;
}
static inline void set_float(const new_row *row, int column, float value)
{
    row_at(row, column)->f4 = value;
}
/* NULL text: the column stays NULL. */
static inline void set_text(const new_row *row, int column, const char *text)
{
    if (text != NULL)
        *row_at(row, column) = datum_text(text);
}

/* Rows of a table whose first index columns equal keys, each once handed to visit, which may change or delete it. */
typedef bool (*row_visitor)(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err);
RDB_CHECKED bool visit_rows(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count,
                            row_visitor visit, void *context, rdb_error *err);
RDB_CHECKED bool delete_rows(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count, rdb_error *err);
/* The one row of an object for changing; XX000 "cache lookup failed" where there is none. */
RDB_CHECKED bool need_row(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, const rdb_datum *keys, uint16_t key_count,
                          rdb_arena *arena, rdb_catalog_row *row, rdb_error *err);
RDB_CHECKED bool need_class_row(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_catalog_row *row, rdb_error *err);
RDB_CHECKED bool need_attribute_row(rdb_access *access, uint32_t oid, int16_t number, rdb_arena *arena, rdb_catalog_row *row, rdb_error *err);
RDB_CHECKED bool need_relation(rdb_access *access, uint32_t oid, const rdb_relation **relation, rdb_error *err);
rdb_arena *ddl_arena(rdb_error *err); /* NULL with 53200 */

/* A new file: its whole number, and what pg_class.relfilenode keeps of it. */
RDB_CHECKED bool ddl_new_file(rdb_access *access, unsigned file_class, uint64_t *file, uint32_t *filenode, rdb_error *err);
static inline uint32_t ddl_filenode(uint64_t file)
{
    return (uint32_t)file;
}

typedef struct class_definition { /* what pg_class wants to know */
    uint32_t oid, namespace_oid, row_type_oid, owner_oid, method_oid, filenode;
    const char *name;
    char kind, persistence;
    uint16_t column_count;
    bool has_rules, is_partition;
} class_definition;
RDB_CHECKED bool ddl_insert_class(rdb_access *access, const class_definition *definition, rdb_arena *arena, rdb_error *err);
RDB_CHECKED bool ddl_insert_attribute(rdb_access *access, uint32_t relation_oid, int16_t number, const rdb_column_definition *column,
                                      rdb_arena *arena, rdb_error *err);
/* 42P07 where a relation of that name stands in the schema. */
RDB_CHECKED bool ddl_check_relation_name(rdb_access *access, uint32_t namespace_oid, const char *name, rdb_error *err);
/* The type's pg_type.typalign and typstorage. */
RDB_CHECKED bool ddl_type_storage(rdb_access *access, uint32_t type_oid, rdb_arena *arena, char *align, char *storage, rdb_error *err);
/* Appends the layout that new rows of the relation have from now on, from the rows of pg_attribute. */
RDB_CHECKED bool ddl_add_layout(rdb_access *access, uint32_t relation_oid, rdb_error *err);
/* A type row; fields as in pg_type. */
typedef struct type_definition {
    uint32_t oid, namespace_oid, owner_oid, relation_oid, element_oid, array_oid;
    const char *name;
    int16_t length;
    bool is_by_value;
    char kind, category, align, storage;
    uint32_t input, output, receive, send, analyze, subscript;
    uint32_t base_oid, collation_oid; /* of a domain; the rest too: */
    int32_t typmod, dimensions;
    bool not_null;
    char delimiter;                   /* 0: a comma */
    const char *default_tree, *default_text;
    bool is_preferred, is_shell;
    uint32_t typmod_in, typmod_out;
} type_definition;
RDB_CHECKED bool ddl_insert_type(rdb_access *access, const type_definition *definition, rdb_arena *arena, rdb_error *err);
/* statistics.c: a row of pg_statistic, or of pg_statistic_ext_data.stxdexpr, from figures and back. number 0: of an expression. */
RDB_CHECKED bool statistics_fill(rdb_access *access, const new_row *row, uint32_t relation_oid, int16_t number, bool inherits, const rdb_type *type, uint32_t collation,
                                 const rdb_statistics *statistics, rdb_error *err);
RDB_CHECKED bool statistics_read(const rdb_catalog_row *row, const rdb_type *type, rdb_arena *arena, rdb_arena *work, rdb_statistics *statistics, rdb_error *err);
/* A free name for the array type of an element of that name. */
/* Constraints of a relation, or of a domain (the other is 0), go to the schema. */
RDB_CHECKED bool ddl_move_constraints(rdb_access *access, uint32_t relation_oid, uint32_t type_oid, uint32_t namespace_oid, rdb_error *err);
RDB_CHECKED bool ddl_choose_array_name(rdb_access *access, const char *element_name, uint32_t namespace_oid, rdb_arena *arena, char name[RDB_NAMEDATALEN], rdb_error *err);
/* Does a type have the name? An array type that was made for its element is renamed out of the way. */
RDB_CHECKED bool ddl_type_name_is_taken(rdb_access *access, const char *name, uint32_t namespace_oid, rdb_arena *arena, bool *taken, rdb_error *err);
/* The array type of an element: makes a free name for it ("_name", more underscores where that is taken). */
RDB_CHECKED bool ddl_insert_array_type(rdb_access *access, const type_definition *element, rdb_arena *arena, rdb_error *err);

/* The list of privileges of a new row, where ALTER DEFAULT PRIVILEGES says more than the standard (default_acl.c). */
RDB_CHECKED bool ddl_default_privileges(const new_row *row, rdb_error *err);
/* 2BP01 with the list of what hangs on the role, here and in other databases. */
RDB_CHECKED bool ddl_report_role_objects(rdb_access *access, uint32_t role_oid, const char *name, rdb_arena *arena, rdb_error *err);
/* Settings of a role that goes, in every database. */
RDB_CHECKED bool ddl_forget_role_settings(rdb_access *access, uint32_t role_oid, rdb_error *err);
/* A built-in object, which nobody drops and whose dependents are not kept. */
bool ddl_is_pinned(rdb_object_address object);
/* A normal dependency on each, once. */
RDB_CHECKED bool ddl_depend_on_uses(rdb_access *access, rdb_object_address dependent, const rdb_object_address *uses, uint32_t use_count, rdb_error *err);
/* An operator's row; commutators and negators that name it forget it. */
RDB_CHECKED bool ddl_drop_operator(rdb_access *access, uint32_t oid, rdb_error *err);
/* A partition goes: its parent has no DEFAULT one any more if it was that. */
RDB_CHECKED bool ddl_forget_default_partition(rdb_access *access, uint32_t oid, rdb_error *err);
/* An access to the root PDB in the same transaction, for shared objects' OIDs. */
RDB_CHECKED bool catalog_new_shared_oid(rdb_access *access, uint32_t *oid, rdb_error *err);

RDB_CHECKED bool sequence_create_file(rdb_storage *storage, rdb_txn *txn, uint64_t file, int64_t last_value, bool is_called, rdb_error *err);
/* What the page says, of any storage's: salvage. */
RDB_CHECKED bool sequence_read_file(rdb_storage *storage, uint32_t pdb, uint64_t file, int64_t *last_value, bool *is_called, rdb_error *err);
void sequence_register_redo(void);
void sequences_close(rdb_catalog *catalog); /* writes back how far they got */

#endif
