/* SPDX-License-Identifier: Apache-2.0
 * Large objects: bytes under an OID, read and written in place, kept as PostgreSQL keeps them: a row of pg_largeobject_metadata
 * each, and rows of pg_largeobject with up to RDB_LARGE_OBJECT_PAGE bytes. They are rows like others: transactional, in backups, seen
 * as of a snapshot. A page that is missing reads as zeroes; the object ends where its last page does. Privileges are the caller's. */
#ifndef RDB_LARGE_OBJECT_H
#define RDB_LARGE_OBJECT_H

#include "catalog/rdb_catalog.h"

#define RDB_LARGE_OBJECT_PAGE 2048u
#define RDB_LARGE_OBJECT_MAX ((int64_t)INT32_MAX * (int64_t)RDB_LARGE_OBJECT_PAGE)
#define RDB_PG_LARGEOBJECT 2613u /* what pg_depend and pg_description call them by */

/* snapshot NULL: the latest state, as whoever writes must see it. */
RDB_CHECKED bool rdb_large_object_exists(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, bool *exists, rdb_error *err);
/* oid 0: a free one. 23505 where it is taken. */
RDB_CHECKED bool rdb_large_object_create(rdb_access *access, uint32_t oid, uint32_t owner, uint32_t *created, rdb_error *err);
RDB_CHECKED bool rdb_large_object_size(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, int64_t *size, rdb_error *err);
/* At most length bytes from offset; *got of them. */
RDB_CHECKED bool rdb_large_object_read(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, int64_t offset, uint8_t *bytes, uint32_t length, uint32_t *got,
                                       rdb_error *err);
RDB_CHECKED bool rdb_large_object_write(rdb_access *access, uint32_t oid, int64_t offset, const uint8_t *bytes, uint32_t length, rdb_error *err);
RDB_CHECKED bool rdb_large_object_truncate(rdb_access *access, uint32_t oid, int64_t length, rdb_error *err);

#endif
