/* SPDX-License-Identifier: Apache-2.0
 * What relations and databases take on disk, sizes as people write them, and which files are whose. */
#include "expr/kernels.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- relations -------------------------------------------------------------------------------------------------------------------------- */
static bool add_file(rdb_call *call, rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, int64_t *bytes)
{
    uint64_t blocks = 0;
    if (file == 0 || !rdb_storage_file_exists(storage, pdb, file))
        return true;
    if (!rdb_storage_block_count(storage, pdb, file, fork, &blocks, call->err))
        return false;
    *bytes += (int64_t)(blocks * rdb_storage_page_bytes(storage));
    return true;
}

static bool has_heap(const rdb_relation *relation)
{
    return relation->kind == 'r' || relation->kind == 'm' || relation->kind == 't';
}

static bool add_indexes(rdb_call *call, const rdb_relation *table, uint32_t only_oid, int64_t *bytes)
{
    for (uint16_t i = 0; i < table->index_count; i++) {
        const rdb_index *index = &table->indexes[i].index;
        if ((only_oid == 0 || table->indexes[i].oid == only_oid) && !add_file(call, index->storage, index->pdb, index->file, RDB_FORK_MAIN, bytes))
            return false;
    }
    return true;
}

/* The relation's own file, in one fork. */
static bool add_own(rdb_call *call, const rdb_relation *relation, uint8_t fork, int64_t *bytes)
{
    const rdb_relation *table = NULL;
    if (has_heap(relation))
        return add_file(call, relation->table.storage, relation->table.pdb, relation->file != 0 ? relation->file : relation->table.file, fork, bytes);
    if (relation->kind == 'i' && relation->index_of != 0 && fork == RDB_FORK_MAIN)
        return rdb_relation_get(rdb_eval_of(call)->access, relation->index_of, &table, call->err) && (table == NULL || add_indexes(call, table, relation->oid, bytes));
    if (relation->kind == 'S' && fork == RDB_FORK_MAIN)
        *bytes += 8192; /* a sequence is one page; PostgreSQL's clients expect its page */
    return true;
}

typedef enum size_what { SIZE_TABLE, SIZE_INDEXES, SIZE_TOTAL } size_what;

static bool give_size(rdb_call *call, uint32_t oid, size_what what, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, &relation, call->err))
        return false;
    *is_null = relation == NULL;
    if (relation == NULL)
        return true;
    if (what != SIZE_INDEXES && (!add_own(call, relation, RDB_FORK_MAIN, &result->i64) ||
                                 (has_heap(relation) && (!add_own(call, relation, RDB_FORK_SPACE, &result->i64)))))
        return false;
    return what == SIZE_TABLE || !has_heap(relation) || add_indexes(call, relation, 0, &result->i64);
}

static bool table_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_size(call, a[0].oid, SIZE_TABLE, result, is_null);
}
EXPR_ROW_KERNEL(table_size, 1)

static bool indexes_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_size(call, a[0].oid, SIZE_INDEXES, result, is_null);
}
EXPR_ROW_KERNEL(indexes_size, 1)

static bool total_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_size(call, a[0].oid, SIZE_TOTAL, result, is_null);
}
EXPR_ROW_KERNEL(total_size, 1)

static bool give_fork_size(rdb_call *call, uint32_t oid, const char *fork, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    bool is_main = strcmp(fork, "main") == 0, is_space = strcmp(fork, "fsm") == 0;
    if (!is_main && !is_space && strcmp(fork, "vm") != 0 && strcmp(fork, "init") != 0) {
        rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid fork name");
        return rdb_error_hint(call->err, "Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".");
    }
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, &relation, call->err))
        return false;
    *is_null = relation == NULL;
    if (relation == NULL || (!is_main && !is_space))
        return true;
    return add_own(call, relation, is_main ? RDB_FORK_MAIN : RDB_FORK_SPACE, &result->i64);
}

static bool relation_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_fork_size(call, a[0].oid, "main", result, is_null);
}
EXPR_ROW_KERNEL(relation_size, 1)

static bool fork_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return give_fork_size(call, a[0].oid, expr_get_text(call, a[1]), result, is_null);
}
EXPR_ROW_KERNEL(fork_size, 2)

/* ---- databases -------------------------------------------------------------------------------------------------------------------------- */
static bool measure_database(rdb_call *call, uint32_t oid, rdb_datum *result, bool *is_null)
{
    const rdb_datum key = {.oid = oid};
    rdb_datum pdb = {.words = {0, 0}};
    const rdb_relation *pg_class = NULL;
    uint64_t bytes = 0;
    bool found = false;
    if (!expr_read_catalog(call, RDB_PLUGGABLE, 8013, &key, 1, RDB_rdb_pluggable_plgnumber, RDB_REP_INT32, &pdb, is_null, &found))
        return false;
    *is_null = !found;
    if (!found)
        return true;
    if (!rdb_relation_get(rdb_eval_of(call)->access, RDB_PG_CLASS, &pg_class, call->err) || pg_class == NULL ||
        !rdb_storage_measure_pdb(pg_class->table.storage, pdb.oid, &bytes, call->err))
        return false;
    result->i64 = (int64_t)bytes;
    return true;
}

static bool database_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return measure_database(call, a[0].oid, result, is_null);
}
EXPR_ROW_KERNEL(database_size, 1)

static bool database_named_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_datum oid = {.words = {0, 0}};
    bool found = false, no_oid = true;
    (void)nulls;
    if (!expr_read_catalog(call, RDB_PG_DATABASE, 2671, a, 1, RDB_pg_database_oid, RDB_REP_INT32, &oid, &no_oid, &found))
        return false;
    if (!found)
        return rdb_error_set(call->err, RDB_INVALID_CATALOG_NAME, "database \"%s\" does not exist", expr_get_text(call, a[0]));
    return measure_database(call, oid.oid, result, is_null);
}
EXPR_ROW_KERNEL(database_named_size, 1)

/* All databases stand in the one tablespace there is. */
static bool tablespace_bytes(rdb_call *call, uint32_t oid, rdb_datum *result, bool *is_null)
{
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    enum { TABLESPACE_DEFAULT = 1663, TABLESPACE_GLOBAL = 1664 };
    *is_null = oid != TABLESPACE_DEFAULT && oid != TABLESPACE_GLOBAL;
    if (*is_null)
        return true;
    if (oid == TABLESPACE_GLOBAL) {
        const rdb_relation *pg_class = NULL;
        uint64_t bytes = 0;
        ok = rdb_relation_get(rdb_eval_of(call)->access, RDB_PG_CLASS, &pg_class, call->err) && pg_class != NULL &&
             rdb_storage_measure_pdb(pg_class->table.storage, RDB_PDB_ROOT, &bytes, call->err);
        result->i64 = (int64_t)bytes;
        return ok;
    }
    if (!rdb_catalog_scan_open(&scan, rdb_eval_of(call)->access, RDB_PG_DATABASE, 0, NULL, 0, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found) {
        rdb_datum one = {.words = {0, 0}};
        bool none = false;
        if (!(ok = measure_database(call, row.values[RDB_pg_database_oid - 1].oid, &one, &none)))
            break;
        result->i64 += one.i64;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

static bool tablespace_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    return tablespace_bytes(call, a[0].oid, result, is_null);
}
EXPR_ROW_KERNEL(tablespace_size, 1)

static bool tablespace_named_size_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char *name = expr_get_text(call, a[0]);
    uint32_t oid = strcmp(name, "pg_default") == 0 ? 1663 : strcmp(name, "pg_global") == 0 ? 1664 : 0;
    (void)nulls;
    if (oid == 0)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", name);
    return tablespace_bytes(call, oid, result, is_null);
}
EXPR_ROW_KERNEL(tablespace_named_size, 1)

/* ---- sizes as people write them ---------------------------------------------------------------------------------------------------------- */
static const char *const UNITS[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};

/* Halves are rounded where the unit changes: one bit more than the unit's is kept until then. */
static uint32_t shrink(__int128 *size)
{
    uint32_t unit = 0;
    if (*size >= 10240 || *size <= -10240) {
        *size /= 512;
        unit = 1;
        while ((*size >= 20479 || *size <= -20479) && unit + 1 < RDB_COUNT_OF(UNITS)) {
            *size /= 1024;
            unit++;
        }
        *size = (*size + (*size < 0 ? -1 : 1)) / 2;
    }
    return unit;
}

static bool size_pretty_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    __int128 size = a[0].i64;
    uint32_t unit = shrink(&size);
    char text[48];
    int length = snprintf(text, sizeof text, "%" PRId64 " %s", (int64_t)size, UNITS[unit]);
    (void)nulls, (void)is_null;
    return expr_set_text(call, text, (size_t)length, result);
}
EXPR_ROW_KERNEL(size_pretty, 1)

static bool find_numeric(rdb_call *call, const rdb_type **type)
{
    return rdb_type_get(rdb_eval_of(call)->access, RDB_NUMERICOID, type, call->err);
}

static bool size_pretty_numeric_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_type *numeric = NULL;
    const char *digits = NULL;
    __int128 size = 0;
    (void)nulls, (void)is_null;
    if (!find_numeric(call, &numeric) || !rdb_expr_value_to_text(rdb_eval_of(call), call->arena, numeric, a[0], &digits, call->err))
        return false;
    const char *c = digits + (digits[0] == '-');
    size_t whole = strspn(c, "0123456789");
    if (c[0] == 'I' || c[0] == 'N') /* no unit is large enough, so the largest */
        return expr_set_text(call, rdb_arena_printf(call->arena, "%s PB", digits), strlen(digits) + 3, result);
    if (whole == 0 || whole > 36) /* more than anyone has */
        return expr_set_text(call, rdb_arena_printf(call->arena, "%s bytes", digits), strlen(digits) + 6, result);
    for (size_t i = 0; i < whole; i++)
        size = size * 10 + (c[i] - '0');
    if (size < 10240) /* small ones are shown as they are, fraction and all */
        return expr_set_text(call, rdb_arena_printf(call->arena, "%s bytes", digits), strlen(digits) + 6, result);
    uint32_t unit = shrink(&size);
    char text[48];
    char number[40];
    size_t at = sizeof number - 1;
    number[at] = '\0';
    do
        number[--at] = (char)('0' + (int)(size % 10));
    while ((size /= 10) > 0);
    int length = snprintf(text, sizeof text, "%s%s %s", digits[0] == '-' ? "-" : "", number + at, UNITS[unit]);
    return expr_set_text(call, text, (size_t)length, result);
}
EXPR_ROW_KERNEL(size_pretty_numeric, 1)

static bool bad_size(rdb_call *call, const char *text, const char *unit)
{
    rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid size: \"%s\"", text);
    if (unit == NULL)
        return false;
    rdb_error_detail(call->err, "Invalid size unit: \"%s\".", unit);
    return rdb_error_hint(call->err, "Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".");
}

/* "1.5 GB", "10 kb", "-3e2": a number, then a unit whatever its case. */
static bool size_bytes_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    static const char *const NAMES[] = {"bytes", "kb", "mb", "gb", "tb", "pb"};
    const char *text = expr_get_text(call, a[0]), *at = text;
    (void)nulls, (void)is_null;
    at += strspn(at, " \t\n\r\f\v");
    const char *number = at;
    at += *at == '-' || *at == '+';
    size_t digits = strspn(at, "0123456789");
    at += digits;
    if (*at == '.') {
        size_t more = strspn(at + 1, "0123456789");
        digits += more;
        at += 1 + more;
    }
    if (digits == 0)
        return bad_size(call, text, NULL);
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1 + (at[1] == '-' || at[1] == '+');
        size_t count = strspn(power, "0123456789");
        if (count > 0)
            at = power + count;
    }
    char *end = NULL;
    long double value = strtold(rdb_arena_strndup(call->arena, number, (size_t)(at - number)), &end);
    at += strspn(at, " \t\n\r\f\v");
    char unit[32] = "";
    size_t length = strlen(at);
    while (length > 0 && isspace((unsigned char)at[length - 1]))
        length--;
    if (length > 0) {
        size_t no = 0;
        snprintf(unit, sizeof unit, "%.*s", (int)length, at);
        for (char *c = unit; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        while (no < RDB_COUNT_OF(NAMES) && strcmp(NAMES[no], unit) != 0)
            no++;
        if (no == RDB_COUNT_OF(NAMES))
            return bad_size(call, text, rdb_arena_strndup(call->arena, at, length));
        for (size_t i = 0; i < no; i++)
            value *= 1024;
    }
    value += value < 0 ? -0.5L : 0.5L;
    if (value >= 9223372036854775808.0L || value <= -9223372036854775809.0L)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    result->i64 = (int64_t)value;
    return true;
}
EXPR_ROW_KERNEL(size_bytes, 1)

/* ---- files -------------------------------------------------------------------------------------------------------------------------------- */
bool expr_relation_file(rdb_call *call, uint32_t oid, uint64_t *file, uint32_t *pdb, const rdb_relation **relation)
{
    *file = 0;
    *pdb = 0;
    if (!rdb_relation_get(rdb_eval_of(call)->access, oid, relation, call->err))
        return false;
    if (*relation == NULL)
        return true;
    const rdb_relation *table = *relation;
    if (has_heap(table)) {
        *file = table->table.file;
        *pdb = table->table.pdb;
    } else if (table->kind == 'i' && table->index_of != 0) {
        if (!rdb_relation_get(rdb_eval_of(call)->access, table->index_of, &table, call->err))
            return false;
        for (uint16_t i = 0; table != NULL && i < table->index_count; i++)
            if (table->indexes[i].oid == oid) {
                *file = table->indexes[i].index.file;
                *pdb = table->indexes[i].index.pdb;
            }
    } else if (table->kind == 'S') {
        *file = table->file;
        *pdb = rdb_txn_pdb(rdb_eval_of(call)->txn);
    }
    return true;
}

static bool filenode_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    uint64_t file;
    uint32_t pdb;
    (void)nulls;
    if (!expr_relation_file(call, a[0].oid, &file, &pdb, &relation))
        return false;
    *is_null = relation == NULL || file == 0;
    result->oid = (uint32_t)(file & UINT32_MAX);
    return true;
}
EXPR_ROW_KERNEL(filenode, 1)

static bool filepath_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *relation = NULL;
    uint64_t file;
    uint32_t pdb;
    char text[80];
    (void)nulls;
    if (!expr_relation_file(call, a[0].oid, &file, &pdb, &relation))
        return false;
    *is_null = relation == NULL || file == 0;
    if (*is_null)
        return true;
    int length = snprintf(text, sizeof text, "data/%s/%u/%" PRIu64, relation->kind == 'i' ? "indexes" : "tables", pdb, file & ((UINT64_C(1) << 56) - 1));
    return expr_set_text(call, text, (size_t)length, result);
}
EXPR_ROW_KERNEL(filepath, 1)

static const rdb_kernel_entry ENTRIES[] = {
    {2325, relation_size, RDB_KERNEL_NEEDS_SESSION},
    {2332, fork_size, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {2997, table_size, RDB_KERNEL_NEEDS_SESSION},
    {2998, indexes_size, RDB_KERNEL_NEEDS_SESSION},
    {2286, total_size, RDB_KERNEL_NEEDS_SESSION},
    {2324, database_size, RDB_KERNEL_NEEDS_SESSION},
    {2168, database_named_size, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {2322, tablespace_size, RDB_KERNEL_NEEDS_SESSION},
    {2323, tablespace_named_size, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
    {2288, size_pretty, 0},
    {3166, size_pretty_numeric, RDB_KERNEL_NEEDS_SESSION},
    {3334, size_bytes, RDB_KERNEL_FALLIBLE},
    {2999, filenode, RDB_KERNEL_NEEDS_SESSION},
    {3034, filepath, RDB_KERNEL_NEEDS_SESSION},
};

void expr_register_size_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
