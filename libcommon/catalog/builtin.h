/* SPDX-License-Identifier: Apache-2.0
 * The built-in rows of PostgreSQL 15's system tables, as text, read-only, always there (rule 42). Room-internal: others ask
 * through rdb_catalog.h. Nothing is parsed at start: everything below is an array walk over the linked blob. */
#ifndef RDB_CATALOG_BUILTIN_H
#define RDB_CATALOG_BUILTIN_H

#include "catalog/builtin_format.h"

#include <stdbool.h>
#include <stddef.h>

/* System tables in the order PostgreSQL creates them. */
uint32_t builtin_relation_count(void);
const catalog_blob_relation *builtin_relation_at(uint32_t relation_no);
const catalog_blob_relation *builtin_relation_by_oid(uint32_t oid);         /* NULL: none */
const catalog_blob_relation *builtin_relation_by_name(const char *name);    /* NULL: none */
/* A text of the blob by the offset that a struct carries. */
const char *builtin_text(uint32_t offset);
const catalog_blob_column *builtin_column_at(const catalog_blob_relation *relation, uint32_t column_no); /* from 0 */
/* From 0; UINT32_MAX: none of that name. */
uint32_t builtin_column_by_name(const catalog_blob_relation *relation, const char *name);
const catalog_blob_index *builtin_index_at(const catalog_blob_relation *relation, uint32_t index_no);
const catalog_blob_index *builtin_index_by_oid(uint32_t oid);
const catalog_blob_key *builtin_key_at(const catalog_blob_index *index, uint32_t key_no);
/* The value's text in the form PostgreSQL's input functions read; NULL for SQL's NULL. */
const char *builtin_value(const catalog_blob_relation *relation, uint32_t row_no, uint32_t column_no);

#endif
