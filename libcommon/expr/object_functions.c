/* SPDX-License-Identifier: Apache-2.0
 * Functions about single objects of the catalog: comments of whatever has the number, definitions of sequences, names made of a name and
 * a number. */
#include "expr/kernels.h"
#include <stdio.h>

enum { INDEX_DESCRIPTION = 2675, INDEX_SEQUENCE = 5002 };

static rdb_access *access_of(rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

/* ---- comments ------------------------------------------------------------------------------------------------------------------------------ */
/* obj_description(oid): of whichever catalog has a comment under the number. */
static bool any_comment_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    (void)nulls;
    *is_null = true;
    if (!rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_DESCRIPTION, INDEX_DESCRIPTION, a, 1, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found && *is_null)
        if (row.values[RDB_pg_description_objsubid - 1].i32 == 0) {
            *is_null = false;
            ok = rdb_datum_copy(call->arena, RDB_REP_BYTES, row.values[RDB_pg_description_description - 1], result, call->err);
        }
    rdb_catalog_scan_close(&scan);
    return ok;
}
EXPR_ROW_KERNEL(any_comment, 1)

/* ---- sequences ------------------------------------------------------------------------------------------------------------------------------ */
static bool sequence_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    static const uint16_t SOURCES[] = {RDB_pg_sequence_seqstart, RDB_pg_sequence_seqmin, RDB_pg_sequence_seqmax, RDB_pg_sequence_seqincrement,
                                       RDB_pg_sequence_seqcycle, RDB_pg_sequence_seqcache, RDB_pg_sequence_seqtypid};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = false;
    (void)nulls;
    if (!rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_SEQUENCE, INDEX_SEQUENCE, a, 1, call->arena, call->err))
        return false;
    bool ok = rdb_catalog_scan_next(scan, &row, &found, call->err);
    for (size_t i = 0; ok && found && i < RDB_COUNT_OF(SOURCES); i++) {
        columns[i] = row.values[SOURCES[i] - 1];
        column_nulls[i] = row.is_null[SOURCES[i] - 1];
    }
    rdb_catalog_scan_close(&scan);
    return ok && (found || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "cache lookup failed for sequence %u", a[0].oid));
}
EXPR_RECORD_KERNEL(sequence, 1, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_INT8OID, RDB_BOOLOID, RDB_INT8OID, RDB_OIDOID)

/* ---- odds and ends ---------------------------------------------------------------------------------------------------------------------------- */
/* information_schema's specific names: "name_oid", the name cut so that it stays one. */
static bool name_and_oid_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    char suffix[16], text[RDB_NAMEDATALEN];
    (void)nulls, (void)is_null;
    int suffix_length = snprintf(suffix, sizeof suffix, "_%u", a[1].oid);
    const char *name = expr_get_text(call, a[0]);
    size_t length = RDB_MIN(strlen(name), RDB_NAMEDATALEN - 1 - (size_t)suffix_length);
    while (length < strlen(name) && length > 0 && ((uint8_t)name[length] & 0xC0) == 0x80)
        length--;
    int total = snprintf(text, sizeof text, "%.*s%s", (int)length, name, suffix);
    return expr_set_text(call, text, (size_t)total, result);
}
EXPR_ROW_KERNEL(name_and_oid, 2)

static bool replica_index_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    (void)nulls;
    if (!rdb_relation_get(access_of(call), a[0].oid, &relation, call->err))
        return false;
    for (uint16_t i = 0; relation != NULL && i < relation->index_count; i++)
        if (relation->indexes[i].is_primary)
            result->oid = relation->indexes[i].oid;
    *is_null = result->oid == 0;
    return true;
}
EXPR_ROW_KERNEL(replica_index, 1)

static bool databases_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    (void)is_null;
    if (arguments[0].oid != 1663)
        return true;
    if (!rdb_catalog_scan_open(&scan, access_of(call), RDB_PG_DATABASE, 0, NULL, 0, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found) {
        const rdb_datum oid = {.oid = row.values[RDB_pg_database_oid - 1].oid};
        const bool null = false;
        expr_rows_add(call, state, &oid, &null, 1);
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 3078, .state_bytes = sizeof(expr_rows), .begin = sequence_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 2556, .state_bytes = sizeof(expr_rows), .begin = databases_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

static const rdb_kernel_entry ENTRIES[] = {
    {1348, any_comment, RDB_KERNEL_NEEDS_SESSION},
    {3078, sequence, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {266, name_and_oid, 0},
    {6120, replica_index, RDB_KERNEL_NEEDS_SESSION},
};

void expr_register_object_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
