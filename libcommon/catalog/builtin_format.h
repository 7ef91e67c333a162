/* SPDX-License-Identifier: Apache-2.0
 * The blob of built-in rows: written by gen/builtin_gen at build time, linked into the library, read by builtin.c in place.
 * It never leaves the machine that built it, so it has the byte order of that machine.
 *
 *    header      catalog_blob_header
 *    relations   relation_count * catalog_blob_relation, in the order PostgreSQL creates them
 *    columns     column_count * catalog_blob_column
 *    indexes     index_count * catalog_blob_index
 *    keys        key_count * catalog_blob_key
 *    cells       cell_count * uint32: a relation's rows one after the other, one cell a column;
 *                0 = NULL, else the offset of the value's text in strings
 *                (pg_proc.proargdefaults: the defaults' texts as the types' input functions read them, '\n' between)
 *    strings     zero-terminated texts, each distinct one once; offset 0 is never used
 */
#ifndef RDB_CATALOG_BUILTIN_FORMAT_H
#define RDB_CATALOG_BUILTIN_FORMAT_H

#include <assert.h>
#include <stdint.h>

#define CATALOG_BLOB_MAGIC 0x494b4252u /* "RBKI" */
#define CATALOG_BLOB_VERSION 1u

typedef struct catalog_blob_header {
    uint32_t magic, version;
    uint32_t relation_count, column_count, index_count, key_count, cell_count, string_bytes;
} catalog_blob_header;

enum { CATALOG_BLOB_BOOTSTRAP = 1, CATALOG_BLOB_SHARED = 2 };
typedef struct catalog_blob_relation {
    uint32_t name;             /* these and the like below: offsets into strings */
    uint32_t oid;
    uint32_t flags;            /* CATALOG_BLOB_* */
    uint32_t row_type_oid, array_type_oid;
    uint32_t toast_oid, toast_index_oid; /* 0: none */
    uint32_t first_column, column_count;
    uint32_t first_index, index_count;
    uint32_t first_cell, row_count;
} catalog_blob_relation;
static_assert(sizeof(catalog_blob_relation) == 13 * 4, "no gaps");

typedef struct catalog_blob_column {
    uint32_t name;
    uint32_t type_oid;
    uint32_t not_null;
} catalog_blob_column;
static_assert(sizeof(catalog_blob_column) == 3 * 4, "no gaps");

enum { CATALOG_BLOB_UNIQUE = 1, CATALOG_BLOB_PRIMARY = 2, CATALOG_BLOB_CONSTRAINT = 4 };
typedef struct catalog_blob_index {
    uint32_t name;
    uint32_t oid;
    uint32_t relation_oid;
    uint32_t flags;
    uint32_t first_key, key_count;
} catalog_blob_index;
static_assert(sizeof(catalog_blob_index) == 6 * 4, "no gaps");

typedef struct catalog_blob_key {
    uint32_t column_no;   /* from 1 */
    uint32_t opclass_oid; /* of pg_opclass, btree */
} catalog_blob_key;

#endif
