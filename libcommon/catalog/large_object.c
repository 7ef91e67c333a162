/* SPDX-License-Identifier: Apache-2.0
 * Rows of pg_largeobject and pg_largeobject_metadata (rdb_large_object.h). Pages are found one by one through the index, so that
 * what a call costs follows the bytes it touches, not the size of the object. */
#include "catalog/rdb_large_object.h"

#include "catalog/ddl_int.h"

enum { PG_METADATA = 2995, INDEX_METADATA = 2996, INDEX_PAGES = 2683, PAGE = RDB_LARGE_OBJECT_PAGE };

static bool find_page(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, int32_t number, rdb_arena *arena, rdb_catalog_row *row, bool *found, rdb_error *err)
{
    const rdb_datum keys[] = {datum_oid(oid), {.i32 = number}};
    rdb_catalog_scan *scan = NULL;
    *found = false;
    bool ok = rdb_catalog_scan_open_at(&scan, access, RDB_PG_LARGEOBJECT, INDEX_PAGES, keys, 2, snapshot, false, arena, err) && rdb_catalog_scan_next(scan, row, found, err);
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* The last page, which says where the object ends. */
static bool find_last(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, int32_t *number, uint32_t *length, bool *found, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    const rdb_datum key = datum_oid(oid);
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    *found = false;
    bool ok = arena != NULL && rdb_catalog_scan_open_at(&scan, access, RDB_PG_LARGEOBJECT, INDEX_PAGES, &key, 1, snapshot, true, arena, err) &&
              rdb_catalog_scan_next(scan, &row, found, err);
    if (ok && *found) {
        *number = row_int32(&row, RDB_pg_largeobject_pageno);
        *length = row.values[RDB_pg_largeobject_data - 1].bytes.length;
    }
    rdb_catalog_scan_close(&scan);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_large_object_exists(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, bool *exists, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    const rdb_datum key = datum_oid(oid);
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row;
    *exists = false;
    bool ok = arena != NULL && rdb_catalog_scan_open_at(&scan, access, PG_METADATA, INDEX_METADATA, &key, 1, snapshot, false, arena, err) &&
              rdb_catalog_scan_next(scan, &row, exists, err);
    rdb_catalog_scan_close(&scan);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_large_object_create(rdb_access *access, uint32_t oid, uint32_t owner, uint32_t *created, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    *created = oid;
    bool ok = arena != NULL;
    for (bool taken = oid == 0; ok && taken;) /* users choose numbers too */
        ok = rdb_catalog_new_oid(access, created, err) && rdb_large_object_exists(access, NULL, *created, &taken, err);
    if (ok) {
        const new_row row = row_begin(access, PG_METADATA, arena);
        set_oid(&row, RDB_pg_largeobject_metadata_oid, *created);
        set_oid(&row, RDB_pg_largeobject_metadata_lomowner, owner);
        ok = row_insert(&row, err);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_large_object_size(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, int64_t *size, rdb_error *err)
{
    int32_t number = 0;
    uint32_t length = 0;
    bool found;
    *size = 0;
    if (!find_last(access, snapshot, oid, &number, &length, &found, err))
        return false;
    *size = found ? (int64_t)number * PAGE + length : 0;
    return true;
}

bool rdb_large_object_read(rdb_access *access, const rdb_snapshot *snapshot, uint32_t oid, int64_t offset, uint8_t *bytes, uint32_t length, uint32_t *got, rdb_error *err)
{
    int64_t size;
    *got = 0;
    if (!rdb_large_object_size(access, snapshot, oid, &size, err))
        return false;
    if (offset >= size)
        return true;
    const uint32_t wanted = (uint32_t)RDB_MIN((int64_t)length, size - offset);
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL;
    while (ok && *got < wanted) {
        const int64_t at = offset + *got;
        const uint32_t within = (uint32_t)(at % PAGE), part = RDB_MIN(wanted - *got, PAGE - within);
        rdb_catalog_row row;
        bool found;
        ok = find_page(access, snapshot, oid, (int32_t)(at / PAGE), arena, &row, &found, err);
        if (!ok)
            break;
        memset(bytes + *got, 0, part);
        if (found) {
            const rdb_bytes data = row.values[RDB_pg_largeobject_data - 1].bytes;
            if (data.length > within)
                memcpy(bytes + *got, data.data + within, RDB_MIN(part, data.length - within));
        }
        *got += part;
        rdb_arena_reset(arena);
    }
    rdb_arena_destroy(arena);
    return ok;
}

/* A page with its bytes from `within` on replaced; what stood before and behind stays, zeroes where nothing did. cut: nothing stays behind. */
static bool put_page(rdb_access *access, uint32_t oid, int32_t number, uint32_t within, const uint8_t *bytes, uint32_t length, bool cut, rdb_arena *arena, rdb_error *err)
{
    uint8_t page[PAGE] = {0};
    rdb_catalog_row row;
    bool found;
    if (!find_page(access, NULL, oid, number, arena, &row, &found, err))
        return false;
    uint32_t total = within + length;
    if (found) {
        const rdb_bytes old = row.values[RDB_pg_largeobject_data - 1].bytes;
        const uint32_t kept = RDB_MIN(old.length, cut ? within : (uint32_t)PAGE);
        if (kept > 0)
            memcpy(page, old.data, kept);
        total = RDB_MAX(total, kept);
    }
    if (length > 0)
        memcpy(page + within, bytes, length);
    const rdb_datum data = {.bytes = {page, total, 0}};
    if (found) {
        row.values[RDB_pg_largeobject_data - 1] = data;
        return rdb_catalog_update(access, RDB_PG_LARGEOBJECT, &row, err);
    }
    const rdb_datum values[RDB_pg_largeobject_COLUMNS] = {datum_oid(oid), {.i32 = number}, data};
    const bool is_null[RDB_pg_largeobject_COLUMNS] = {false};
    return rdb_catalog_insert(access, RDB_PG_LARGEOBJECT, values, is_null, err);
}

bool rdb_large_object_write(rdb_access *access, uint32_t oid, int64_t offset, const uint8_t *bytes, uint32_t length, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL;
    if (ok && offset > RDB_LARGE_OBJECT_MAX - (int64_t)length)
        ok = rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid large object write request size: %u", length);
    for (uint32_t done = 0; ok && done < length;) {
        const int64_t at = offset + done;
        const uint32_t within = (uint32_t)(at % PAGE), part = RDB_MIN(length - done, PAGE - within);
        ok = put_page(access, oid, (int32_t)(at / PAGE), within, bytes + done, part, false, arena, err);
        done += part;
        rdb_arena_reset(arena);
    }
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_large_object_truncate(rdb_access *access, uint32_t oid, int64_t length, rdb_error *err)
{
    const int32_t number = (int32_t)(length / PAGE);
    int32_t last = 0;
    uint32_t last_length;
    bool found = false, ok = find_last(access, NULL, oid, &last, &last_length, &found, err);
    rdb_arena *arena = ok ? ddl_arena(err) : NULL;
    ok = arena != NULL && put_page(access, oid, number, (uint32_t)(length % PAGE), NULL, 0, true, arena, err);
    for (int32_t page = last; ok && found && page > number; page--) {
        rdb_catalog_row row;
        bool is_there;
        rdb_arena_reset(arena);
        ok = find_page(access, NULL, oid, page, arena, &row, &is_there, err) && (!is_there || rdb_catalog_delete(access, RDB_PG_LARGEOBJECT, &row, err));
    }
    rdb_arena_destroy(arena);
    return ok;
}
