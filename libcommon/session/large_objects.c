/* SPDX-License-Identifier: Apache-2.0
 * Large objects as clients use them: descriptors that live as long as the transaction, with a place in the object each, and the
 * functions lo_* that libpq, JDBC and pg_dump call. Whoever opened an object for reading only sees it as the statement's snapshot has
 * it, whoever opened it for writing as it is now. What is kept and how: catalog/rdb_large_object.h. */
#include "session/session_int.h"

#include "catalog/rdb_acl.h"
#include "catalog/rdb_ddl.h"
#include "catalog/rdb_large_object.h"
#include "expr/kernels.h"
#include "os/rdb_file.h"
#include "session/settings.h"

#include <stdlib.h>

enum { MODE_WRITE = 0x20000, MODE_READ = 0x40000, READ_MAX = 0x3fffffff - 4, CHUNK = 256 * 1024 };

typedef struct descriptor {
    bool is_open, may_read, may_write;
    uint32_t oid, level; /* level: savepoints that were open */
    int64_t place;
} descriptor;

struct session_large_objects {
    descriptor *items;
    uint32_t count, capacity;
};

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

static rdb_access *access_of(const rdb_call *call)
{
    return rdb_eval_of(call)->access;
}

/* ---- descriptors ----------------------------------------------------------------------------------------------------------------- */
void session_large_objects_forget(rdb_session *session)
{
    if (session->large_objects == NULL)
        return;
    free(session->large_objects->items);
    free(session->large_objects);
    session->large_objects = NULL;
}

void session_large_objects_release(rdb_session *session, uint32_t savepoint_no)
{
    struct session_large_objects *state = session->large_objects;
    for (uint32_t i = 0; state != NULL && i < state->count; i++)
        state->items[i].level = RDB_MIN(state->items[i].level, savepoint_no);
}

void session_large_objects_rollback(rdb_session *session, uint32_t savepoint_no)
{
    struct session_large_objects *state = session->large_objects;
    for (uint32_t i = 0; state != NULL && i < state->count; i++)
        if (state->items[i].level > savepoint_no)
            state->items[i].is_open = false;
}

/* The lowest number that is free, as PostgreSQL gives them. */
static bool new_descriptor(rdb_call *call, int32_t *number)
{
    rdb_session *session = session_of(call);
    struct session_large_objects *state = session->large_objects;
    if (state == NULL)
        state = session->large_objects = calloc(1, sizeof *state);
    uint32_t at = 0;
    while (state != NULL && at < state->count && state->items[at].is_open)
        at++;
    if (state != NULL && at == state->capacity) {
        const uint32_t capacity = state->capacity * 2 + 16;
        descriptor *items = realloc(state->items, capacity * sizeof *items);
        if (items == NULL)
            return rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
        state->items = items;
        state->capacity = capacity;
    }
    if (state == NULL)
        return rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
    state->count = RDB_MAX(state->count, at + 1);
    state->items[at] = (descriptor){.is_open = true, .level = session->savepoint_count};
    *number = (int32_t)at;
    return true;
}

static descriptor *find_descriptor(rdb_call *call, int32_t number)
{
    struct session_large_objects *state = session_of(call)->large_objects;
    if (state != NULL && number >= 0 && (uint32_t)number < state->count && state->items[number].is_open)
        return &state->items[number];
    rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "invalid large-object descriptor: %d", number);
    return NULL;
}

static const rdb_snapshot *snapshot_of(const rdb_call *call, const descriptor *at)
{
    return at->may_write ? NULL : rdb_eval_of(call)->snapshot;
}

/* ---- rights ----------------------------------------------------------------------------------------------------------------------- */
static bool checks_nothing(rdb_call *call, bool *nothing)
{
    const char *value = NULL;
    *nothing = false;
    if (!session_setting_get(session_of(call), "lo_compat_privileges", call->arena, &value, call->err))
        return false;
    *nothing = value != NULL && strcmp(value, "on") == 0;
    return true;
}

static bool check_exists(rdb_call *call, const rdb_snapshot *snapshot, uint32_t oid)
{
    bool exists;
    return rdb_large_object_exists(access_of(call), snapshot, oid, &exists, call->err) &&
           (exists || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "large object %u does not exist", oid));
}

static bool check_rights(rdb_call *call, uint32_t oid, uint32_t bits)
{
    bool nothing;
    return checks_nothing(call, &nothing) && (nothing || rdb_acl_check(access_of(call), 'L', oid, rdb_access_get_context(access_of(call))->role_oid, bits, call->err));
}

/* ---- making, opening, ending ------------------------------------------------------------------------------------------------------ */
static bool create(rdb_call *call, uint32_t oid, uint32_t *created)
{
    return rdb_large_object_create(access_of(call), oid, rdb_access_get_context(access_of(call))->role_oid, created, call->err);
}

static bool lo_create_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return create(call, a[0].oid, &result->oid);
}
EXPR_ROW_KERNEL(lo_create, 1)

static bool lo_creat_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    return create(call, 0, &result->oid);
}
EXPR_ROW_KERNEL(lo_creat, 1)

static bool lo_open_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const bool writes = (a[1].i32 & MODE_WRITE) != 0, reads = writes || (a[1].i32 & MODE_READ) != 0;
    (void)nulls, (void)is_null;
    if (!reads)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid flags for opening a large object: %d", a[1].i32);
    if (!check_exists(call, writes ? NULL : rdb_eval_of(call)->snapshot, a[0].oid) || !check_rights(call, a[0].oid, RDB_ACL_SELECT) ||
        (writes && !check_rights(call, a[0].oid, RDB_ACL_UPDATE)) || !new_descriptor(call, &result->i32))
        return false;
    descriptor *at = find_descriptor(call, result->i32);
    at->oid = a[0].oid;
    at->may_read = reads;
    at->may_write = writes;
    return true;
}
EXPR_ROW_KERNEL(lo_open, 2)

static bool lo_close_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    descriptor *at = find_descriptor(call, a[0].i32);
    (void)nulls, (void)is_null;
    if (at == NULL)
        return false;
    at->is_open = false;
    result->i32 = 0;
    return true;
}
EXPR_ROW_KERNEL(lo_close, 1)

static bool lo_unlink_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_session *session = session_of(call);
    rdb_access *access = access_of(call);
    rdb_acl_object object;
    bool found = false, nothing, is_owner = false;
    (void)nulls, (void)is_null;
    if (!rdb_acl_get_object(access, call->arena, 'L', a[0].oid, 0, &object, &found, call->err))
        return false;
    if (!found)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "large object %u does not exist", a[0].oid);
    if (!checks_nothing(call, &nothing) || !rdb_acl_is_owner(access, rdb_access_get_context(access)->role_oid, object.owner, &is_owner, call->err))
        return false;
    if (!nothing && !is_owner)
        return rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of large object %u", a[0].oid);
    for (uint32_t i = 0; session->large_objects != NULL && i < session->large_objects->count; i++)
        if (session->large_objects->items[i].oid == a[0].oid)
            session->large_objects->items[i].is_open = false;
    const rdb_object_address address = {RDB_PG_LARGEOBJECT, a[0].oid, 0};
    result->i32 = 1;
    return rdb_ddl_drop(access, &address, 1, true, NULL, NULL, call->err);
}
EXPR_ROW_KERNEL(lo_unlink, 1)

/* ---- bytes ------------------------------------------------------------------------------------------------------------------------- */
static bool loread_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    descriptor *at = find_descriptor(call, a[0].i32);
    const int32_t length = RDB_MAX(a[1].i32, 0);
    int64_t size;
    uint32_t got;
    (void)nulls, (void)is_null;
    if (at == NULL || !rdb_large_object_size(access_of(call), snapshot_of(call, at), at->oid, &size, call->err))
        return false;
    const uint32_t wanted = (uint32_t)RDB_MIN((int64_t)length, RDB_MAX(size - at->place, 0));
    uint8_t *bytes = rdb_arena_try_alloc(call->arena, wanted + 1, call->err);
    if (bytes == NULL || !rdb_large_object_read(access_of(call), snapshot_of(call, at), at->oid, at->place, bytes, wanted, &got, call->err))
        return false;
    at->place += got;
    result->bytes = (rdb_bytes){bytes, got, 0};
    return true;
}
EXPR_ROW_KERNEL(loread, 2)

static bool lowrite_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    descriptor *at = find_descriptor(call, a[0].i32);
    (void)nulls, (void)is_null;
    if (at == NULL)
        return false;
    if (!at->may_write)
        return rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "large object descriptor %d was not opened for writing", a[0].i32);
    if (!rdb_large_object_write(access_of(call), at->oid, at->place, a[1].bytes.data, a[1].bytes.length, call->err))
        return false;
    at->place += a[1].bytes.length;
    result->i32 = (int32_t)a[1].bytes.length;
    return true;
}
EXPR_ROW_KERNEL(lowrite, 2)

static bool seek(rdb_call *call, int32_t number, int64_t offset, int32_t whence, descriptor **found)
{
    descriptor *at = *found = find_descriptor(call, number);
    int64_t target = offset, from = 0;
    if (at == NULL)
        return false;
    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        from = at->place;
        break;
    case SEEK_END:
        if (!rdb_large_object_size(access_of(call), snapshot_of(call, at), at->oid, &from, call->err))
            return false;
        break;
    default:
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid whence setting: %d", whence);
    }
    if (__builtin_add_overflow(from, offset, &target) || target < 0 || target > RDB_LARGE_OBJECT_MAX)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid large object seek target: %lld", (long long)target);
    at->place = target;
    return true;
}

static bool narrow(rdb_call *call, int64_t place, int32_t number, const char *function, rdb_datum *result)
{
    result->i32 = (int32_t)place;
    return place <= INT32_MAX || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "%s result out of range for large-object descriptor %d", function, number);
}

static bool lo_lseek_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    descriptor *at;
    (void)nulls, (void)is_null;
    return seek(call, a[0].i32, a[1].i32, a[2].i32, &at) && narrow(call, at->place, a[0].i32, "lo_lseek", result);
}
EXPR_ROW_KERNEL(lo_lseek, 3)

static bool lo_lseek64_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    descriptor *at;
    (void)nulls, (void)is_null;
    if (!seek(call, a[0].i32, a[1].i64, a[2].i32, &at))
        return false;
    result->i64 = at->place;
    return true;
}
EXPR_ROW_KERNEL(lo_lseek64, 3)

static bool lo_tell_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const descriptor *at = find_descriptor(call, a[0].i32);
    (void)nulls, (void)is_null;
    return at != NULL && narrow(call, at->place, a[0].i32, "lo_tell", result);
}
EXPR_ROW_KERNEL(lo_tell, 1)

static bool lo_tell64_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const descriptor *at = find_descriptor(call, a[0].i32);
    (void)nulls, (void)is_null;
    if (at == NULL)
        return false;
    result->i64 = at->place;
    return true;
}
EXPR_ROW_KERNEL(lo_tell64, 1)

static bool cut(rdb_call *call, int32_t number, int64_t length, rdb_datum *result)
{
    const descriptor *at = find_descriptor(call, number);
    if (at == NULL)
        return false;
    if (!at->may_write)
        return rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "large object descriptor %d was not opened for writing", number);
    if (length < 0 || length > RDB_LARGE_OBJECT_MAX)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid large object truncation target: %lld", (long long)length);
    result->i32 = 0;
    return rdb_large_object_truncate(access_of(call), at->oid, length, call->err);
}

static bool lo_truncate_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return cut(call, a[0].i32, a[1].i32, result);
}
EXPR_ROW_KERNEL(lo_truncate, 2)

static bool lo_truncate64_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return cut(call, a[0].i32, a[1].i64, result);
}
EXPR_ROW_KERNEL(lo_truncate64, 2)

/* ---- without a descriptor --------------------------------------------------------------------------------------------------------- */
static bool lo_from_bytea_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return create(call, a[0].oid, &result->oid) && rdb_large_object_write(access_of(call), result->oid, 0, a[1].bytes.data, a[1].bytes.length, call->err);
}
EXPR_ROW_KERNEL(lo_from_bytea, 2)

/* length below 0: all that there is. */
static bool get(rdb_call *call, uint32_t oid, int64_t offset, int64_t length, rdb_datum *result)
{
    const rdb_snapshot *snapshot = rdb_eval_of(call)->snapshot;
    int64_t size;
    uint32_t got;
    if (!check_exists(call, snapshot, oid) || !check_rights(call, oid, RDB_ACL_SELECT) || !rdb_large_object_size(access_of(call), snapshot, oid, &size, call->err))
        return false;
    if (offset < 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid large object seek target: %lld", (long long)offset);
    int64_t wanted = RDB_MAX(size - offset, 0);
    if (length >= 0)
        wanted = RDB_MIN(wanted, length);
    if (wanted > READ_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "large object read request is too large");
    uint8_t *bytes = rdb_arena_try_alloc(call->arena, (size_t)wanted + 1, call->err);
    if (bytes == NULL || !rdb_large_object_read(access_of(call), snapshot, oid, offset, bytes, (uint32_t)wanted, &got, call->err))
        return false;
    result->bytes = (rdb_bytes){bytes, got, 0};
    return true;
}

static bool lo_get_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return get(call, a[0].oid, 0, -1, result);
}
EXPR_ROW_KERNEL(lo_get, 1)

static bool lo_get_fragment_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    if (a[2].i32 < 0)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "requested length cannot be negative");
    return get(call, a[0].oid, a[1].i64, a[2].i32, result);
}
EXPR_ROW_KERNEL(lo_get_fragment, 3)

static bool lo_put_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    if (!check_exists(call, NULL, a[0].oid) || !check_rights(call, a[0].oid, RDB_ACL_SELECT) || !check_rights(call, a[0].oid, RDB_ACL_UPDATE))
        return false;
    if (a[1].i64 < 0 || a[1].i64 > RDB_LARGE_OBJECT_MAX)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid large object seek target: %lld", (long long)a[1].i64);
    result->bytes = (rdb_bytes){.data = (const uint8_t *)""};
    return rdb_large_object_write(access_of(call), a[0].oid, a[1].i64, a[2].bytes.data, a[2].bytes.length, call->err);
}
EXPR_ROW_KERNEL(lo_put, 3)

/* ---- files of the server: granted to none but superusers ---------------------------------------------------------------------------- */
/* In PostgreSQL's words for files of the server. */
static bool open_file(rdb_call *call, const char *path, unsigned flags, const char *what, rdb_file **file)
{
    char sqlstate[6];
    if (rdb_file_open(file, path, flags, call->err))
        return true;
    const char *text = rdb_arena_strdup(call->arena, rdb_error_message(call->err)), *why = strrchr(text, ':');
    memcpy(sqlstate, call->err->sqlstate, sizeof sqlstate);
    rdb_error_clear(call->err);
    return rdb_error_set(call->err, sqlstate, "could not %s server file \"%s\"%s", what, path, why != NULL ? why : "");
}

static bool end_file(rdb_call *call, rdb_file *file, bool ok)
{
    rdb_error quiet = {0};
    if (!rdb_file_close(&file, ok ? call->err : &quiet))
        ok = false;
    rdb_error_clear(&quiet);
    return ok;
}

static bool import(rdb_call *call, rdb_datum name, uint32_t oid, rdb_datum *result)
{
    rdb_file *file = NULL;
    uint8_t *bytes = rdb_arena_try_alloc(call->arena, CHUNK, call->err);
    size_t got = CHUNK;
    if (bytes == NULL || !open_file(call, expr_get_text(call, name), RDB_FILE_READ, "open", &file))
        return false;
    bool ok = create(call, oid, &result->oid);
    for (int64_t offset = 0; ok && got == CHUNK; offset += (int64_t)got)
        ok = rdb_file_read(file, (uint64_t)offset, bytes, CHUNK, &got, call->err) &&
             rdb_large_object_write(access_of(call), result->oid, offset, bytes, (uint32_t)got, call->err);
    return end_file(call, file, ok);
}

static bool lo_import_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return import(call, a[0], 0, result);
}
EXPR_ROW_KERNEL(lo_import, 1)

static bool lo_import_as_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return import(call, a[0], a[1].oid, result);
}
EXPR_ROW_KERNEL(lo_import_as, 2)

static bool lo_export_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_snapshot *snapshot = rdb_eval_of(call)->snapshot;
    rdb_file *file = NULL;
    uint8_t *bytes = rdb_arena_try_alloc(call->arena, CHUNK, call->err);
    uint32_t got = CHUNK;
    (void)nulls, (void)is_null;
    if (bytes == NULL || !check_exists(call, snapshot, a[0].oid) ||
        !open_file(call, expr_get_text(call, a[1]), RDB_FILE_CREATE | RDB_FILE_TRUNCATE, "create", &file))
        return false;
    bool ok = true;
    for (int64_t offset = 0; ok && got == CHUNK; offset += got)
        ok = rdb_large_object_read(access_of(call), snapshot, a[0].oid, offset, bytes, CHUNK, &got, call->err) &&
             rdb_file_write(file, (uint64_t)offset, bytes, got, call->err);
    result->i32 = 1;
    return end_file(call, file, ok);
}
EXPR_ROW_KERNEL(lo_export, 2)

void session_register_large_objects(void)
{
    enum { FLAGS = RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE };
    static const rdb_kernel_entry KERNELS[] = {
        {715, lo_create, FLAGS},       {957, lo_creat, FLAGS},         {952, lo_open, FLAGS},        {953, lo_close, FLAGS},      {964, lo_unlink, FLAGS},
        {954, loread, FLAGS},          {955, lowrite, FLAGS},          {956, lo_lseek, FLAGS},       {3170, lo_lseek64, FLAGS},   {958, lo_tell, FLAGS},
        {3171, lo_tell64, FLAGS},      {1004, lo_truncate, FLAGS},     {3172, lo_truncate64, FLAGS}, {3457, lo_from_bytea, FLAGS}, {3458, lo_get, FLAGS},
        {3459, lo_get_fragment, FLAGS}, {3460, lo_put, FLAGS},         {764, lo_import, FLAGS},      {767, lo_import_as, FLAGS},  {765, lo_export, FLAGS},
    };
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
}
