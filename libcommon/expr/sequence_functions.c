/* SPDX-License-Identifier: Apache-2.0
 * Functions of sequences. What currval and lastval remember belongs to the session and comes with the access. */
#include "catalog/rdb_acl.h"
#include "expr/kernels.h"

static rdb_access *access_of(const rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

/* The site remembers the sequence that it was allowed to use; an identity column's own may always. */
static bool may_use(rdb_call *call, uint32_t oid, uint32_t any_of)
{
    rdb_access *access = access_of(call);
    rdb_acl_object object;
    bool found;
    uint32_t got;
    if (call->state != NULL && (*call->state == EXPR_SEQUENCE_IS_OWN || *call->state == (void *)(uintptr_t)oid))
        return true;
    if (!rdb_acl_get_object(access, call->arena, 's', oid, 0, &object, &found, call->err))
        return false;
    if (found && object.relation_kind == 'S') {
        if (!rdb_acl_object_mask(access, &object, rdb_access_get_context(access)->role_oid, any_of, true, &got, call->err))
            return false;
        if (got == 0)
            return rdb_acl_denied(&object, call->err);
    }
    if (call->state != NULL)
        *call->state = (void *)(uintptr_t)oid;
    return true;
}

static bool nextval_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return may_use(call, a[0].oid, RDB_ACL_USAGE | RDB_ACL_UPDATE) && rdb_sequence_next(access_of(call), a[0].oid, &result->i64, call->err);
}
EXPR_ROW_KERNEL(nextval, 1)

static bool currval_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return may_use(call, a[0].oid, RDB_ACL_USAGE | RDB_ACL_SELECT) && rdb_sequence_current(access_of(call), a[0].oid, &result->i64, call->err);
}
EXPR_ROW_KERNEL(currval, 1)

static bool lastval_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    return rdb_sequence_last(access_of(call), &result->i64, call->err);
}
EXPR_ROW_KERNEL(lastval, 0)

static bool setval_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    result->i64 = a[1].i64;
    return may_use(call, a[0].oid, RDB_ACL_UPDATE) && rdb_sequence_set(access_of(call), a[0].oid, a[1].i64, true, call->err);
}
EXPR_ROW_KERNEL(setval, 2)

static bool setval_called_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    result->i64 = a[1].i64;
    return may_use(call, a[0].oid, RDB_ACL_UPDATE) && rdb_sequence_set(access_of(call), a[0].oid, a[1].i64, a[2].b != 0, call->err);
}
EXPR_ROW_KERNEL(setval_called, 3)

/* Null until the first value was given out. */
static bool last_value_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls;
    bool is_called;
    if (!rdb_sequence_get(access_of(call), a[0].oid, &result->i64, &is_called, call->err))
        return false;
    *is_null = !is_called;
    return true;
}
EXPR_ROW_KERNEL(last_value, 1)

/* The row that SELECT from a sequence shows, a column each: functions of ours that the rewriter puts in its place. */
static bool read_row(rdb_call *call, uint32_t oid, int64_t *last_value, int64_t *log_count, bool *is_called)
{
    return rdb_sequence_get_row(access_of(call), oid, last_value, log_count, is_called, call->err);
}

static bool row_last_value_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    int64_t log_count;
    bool is_called;
    (void)nulls, (void)is_null;
    return read_row(call, a[0].oid, &result->i64, &log_count, &is_called);
}
EXPR_ROW_KERNEL(row_last_value, 1)

static bool row_log_count_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    int64_t last_value;
    bool is_called;
    (void)nulls, (void)is_null;
    return read_row(call, a[0].oid, &last_value, &result->i64, &is_called);
}
EXPR_ROW_KERNEL(row_log_count, 1)

static bool row_is_called_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    int64_t last_value, log_count;
    bool is_called;
    (void)nulls, (void)is_null;
    if (!read_row(call, a[0].oid, &last_value, &log_count, &is_called))
        return false;
    result->b = is_called;
    return true;
}
EXPR_ROW_KERNEL(row_is_called, 1)

/* The sequence behind a serial or identity column, as its qualified name. The table is written as in SQL, the column as it is. */
static bool serial_sequence_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const char *parts[3];
    uint32_t count = 0, oid = 0;
    const rdb_relation *table = NULL, *sequence = NULL;
    rdb_access *access = access_of(call);
    rdb_strbuf text;
    (void)nulls;
    if (!expr_split_name(call, (rdb_slice){a[0].bytes.data, a[0].bytes.length}, parts, &count))
        return false;
    const char *column = expr_get_text(call, a[1]), *name = parts[count - 1];
    if (!rdb_relation_find(access, count > 1 ? parts[count - 2] : NULL, name, &table, call->err))
        return false;
    if (table == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
    int16_t number = 0;
    for (uint16_t i = 0; i < table->column_count; i++)
        if (!table->columns[i].is_dropped && strcmp(table->columns[i].name, column) == 0)
            number = table->columns[i].number;
    if (number == 0)
        return rdb_error_set(call->err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", column, table->name);
    if (!rdb_sequence_of_column(access, table->oid, number, &oid, call->err) || (oid != 0 && !rdb_relation_get(access, oid, &sequence, call->err)))
        return false;
    *is_null = sequence == NULL;
    if (*is_null)
        return true;
    rdb_strbuf_init(&text, call->arena);
    expr_add_qualified(&text, sequence->namespace_name, sequence->name);
    return rdb_strbuf_check(&text, call->err) && expr_set_text(call, text.data, text.length, result);
}
EXPR_ROW_KERNEL(serial_sequence, 2)

static const rdb_kernel_entry ENTRIES[] = {
    {1574, nextval, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {1575, currval, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {2559, lastval, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {1576, setval, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {1765, setval_called, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {4032, last_value, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {8050, row_last_value, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {8051, row_log_count, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {8052, row_is_called, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
    {1665, serial_sequence, RDB_KERNEL_FALLIBLE | RDB_KERNEL_NEEDS_SESSION},
};

void expr_register_sequence_functions(void)
{
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
