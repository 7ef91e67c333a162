/* SPDX-License-Identifier: Apache-2.0
 * Sweeps of failures, for unit tests named test_failures.c: one action is done again and again, and each time the next of its allocations
 * and of its calls into room storage fails, until it is done without meeting one. What fails does so the way it does in life: an allocation
 * answers NULL, a page cannot be read (58030), a change finds no room in the log (53100), and nothing was done. The linker leads the calls
 * here (Makefile, SWEPT); only those of the thread that armed them count. */
#ifndef SWEEP_H
#define SWEEP_H

#ifdef SWEEP_FILES /* rooms wal and storage: the calls of the file layer fail, not those of room storage */
#include "os/rdb_file.h"
#include "wal/rdb_wal.h"
#else
#include "storage/rdb_storage.h"
#endif

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static _Thread_local uint64_t sweep_left; /* calls until the one that fails; 0: none will */
static _Thread_local const char *sweep_met; /* the SQLSTATE of the one that failed */

static bool sweep_fails(const char *sqlstate)
{
    if (sweep_left == 0 || --sweep_left > 0)
        return false;
    sweep_met = sqlstate;
    return true;
}
static bool sweep_refuse(const char *sqlstate, const char *call, rdb_error *err)
{
    return rdb_error_set(err, sqlstate, "%s failed on purpose", call);
}

#define SWEEP_MEMORY(type, name, parameters, arguments)      \
    type __real_##name parameters;                           \
    type __wrap_##name parameters;                           \
    type __wrap_##name parameters                            \
    {                                                        \
        return sweep_fails(RDB_OUT_OF_MEMORY) ? NULL : __real_##name arguments; \
    }
SWEEP_MEMORY(void *, malloc, (size_t bytes), (bytes))
SWEEP_MEMORY(void *, calloc, (size_t count, size_t bytes), (count, bytes))
SWEEP_MEMORY(void *, realloc, (void *at, size_t bytes), (at, bytes))
SWEEP_MEMORY(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes))

int __real_posix_memalign(void **at, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **at, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **at, size_t alignment, size_t bytes)
{
    return sweep_fails(RDB_OUT_OF_MEMORY) ? ENOMEM : __real_posix_memalign(at, alignment, bytes);
}

/* nothing: sets the results as a failure leaves them. */
#define SWEEP_CALL(name, sqlstate, nothing, parameters, arguments)    \
    bool __real_##name parameters;                                    \
    bool __wrap_##name parameters;                                    \
    bool __wrap_##name parameters                                     \
    {                                                                 \
        if (!sweep_fails(sqlstate))                                   \
            return __real_##name arguments;                           \
        nothing;                                                      \
        return sweep_refuse(sqlstate, #name, err);                    \
    }
#ifdef SWEEP_FILES
SWEEP_CALL(rdb_file_open, RDB_IO_ERROR, *file = NULL, (rdb_file **file, const char *path, unsigned flags, rdb_error *err), (file, path, flags, err))
SWEEP_CALL(rdb_file_read, RDB_IO_ERROR, (void)0, (rdb_file *file, uint64_t offset, void *buffer, size_t bytes, size_t *got, rdb_error *err),
           (file, offset, buffer, bytes, got, err))
SWEEP_CALL(rdb_file_write, RDB_DISK_FULL, (void)0, (rdb_file *file, uint64_t offset, const void *buffer, size_t bytes, rdb_error *err), (file, offset, buffer, bytes, err))
#ifndef SWEEP_SPARES_SYNCS /* of the log and of pages: one that fails ends the process */
SWEEP_CALL(rdb_file_sync, RDB_IO_ERROR, (void)0, (rdb_file *file, rdb_error *err), (file, err))
#endif
SWEEP_CALL(rdb_file_size, RDB_IO_ERROR, *bytes = 0, (rdb_file *file, uint64_t *bytes, rdb_error *err), (file, bytes, err))
SWEEP_CALL(rdb_file_truncate, RDB_IO_ERROR, (void)0, (rdb_file *file, uint64_t bytes, rdb_error *err), (file, bytes, err))
SWEEP_CALL(rdb_file_zero_fill, RDB_DISK_FULL, (void)0, (rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err), (file, offset, bytes, err))
SWEEP_CALL(rdb_path_make_directory, RDB_IO_ERROR, (void)0, (const char *path, unsigned mode, bool existing_is_fine, rdb_error *err), (path, mode, existing_is_fine, err))
SWEEP_CALL(rdb_path_rename, RDB_IO_ERROR, (void)0, (const char *from, const char *to, rdb_error *err), (from, to, err))
SWEEP_CALL(rdb_path_remove, RDB_IO_ERROR, (void)0, (const char *path, bool missing_is_fine, rdb_error *err), (path, missing_is_fine, err))
SWEEP_CALL(rdb_path_sync_directory, RDB_IO_ERROR, (void)0, (const char *path, rdb_error *err), (path, err))
SWEEP_CALL(rdb_path_list, RDB_IO_ERROR, (void)0, (const char *path, rdb_arena *arena, rdb_list *names, rdb_error *err), (path, arena, names, err))
SWEEP_CALL(rdb_path_read, RDB_IO_ERROR, (void)0, (const char *path, rdb_arena *arena, rdb_slice *content, size_t bytes_max, rdb_error *err),
           (path, arena, content, bytes_max, err))
SWEEP_CALL(rdb_path_write_atomic, RDB_DISK_FULL, (void)0, (const char *path, const void *bytes, size_t length, unsigned mode, rdb_error *err),
           (path, bytes, length, mode, err))
#else
SWEEP_CALL(rdb_buffer_acquire, RDB_IO_ERROR, *buffer = NULL, (rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer, rdb_error *err),
           (storage, tag, mode, buffer, err))
SWEEP_CALL(rdb_buffer_acquire_new, RDB_DISK_FULL, *buffer = NULL, (rdb_storage *storage, rdb_page_tag tag, rdb_buffer **buffer, rdb_error *err),
           (storage, tag, buffer, err))
SWEEP_CALL(rdb_buffer_extend, RDB_DISK_FULL, *buffer = NULL,
           (rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t *block, rdb_buffer **buffer, rdb_error *err),
           (storage, pdb, file, fork, block, buffer, err))
SWEEP_CALL(rdb_change_apply, RDB_DISK_FULL, (void)0, (rdb_change *change, rdb_wal_at_position at_position, void *context, rdb_lsn *end_lsn, rdb_error *err),
           (change, at_position, context, end_lsn, err))
SWEEP_CALL(rdb_storage_create_file, RDB_DISK_FULL, (void)0, (rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_xid xid, rdb_error *err),
           (storage, pdb, file, xid, err))
SWEEP_CALL(rdb_storage_drop_file, RDB_IO_ERROR, (void)0, (rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_error *err), (storage, pdb, file, err))
SWEEP_CALL(rdb_storage_truncate_file, RDB_IO_ERROR, (void)0,
           (rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t blocks, rdb_error *err), (storage, pdb, file, fork, blocks, err))
SWEEP_CALL(rdb_storage_block_count, RDB_IO_ERROR, *blocks = 0,
           (rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t *blocks, rdb_error *err), (storage, pdb, file, fork, blocks, err))
#endif

static inline void sweep_arm(uint64_t nth)
{
    sweep_met = NULL;
    sweep_left = nth;
}
/* Which failure was met since; NULL: none. */
static inline const char *sweep_disarm(void)
{
    sweep_left = 0;
    return sweep_met;
}

/* Around what an action does for the test's own books. */
static inline uint64_t sweep_pause(void)
{
    const uint64_t left = sweep_left;
    sweep_left = 0;
    return left;
}
static inline void sweep_resume(uint64_t left)
{
    if (sweep_met == NULL)
        sweep_left = left;
}

#ifndef SWEEP_FILES
/* Looks at a page that may come at the wrong moment: one answers that it did. */
static _Thread_local uint64_t sweep_looks_left; /* 0: none will */
static _Thread_local uint32_t sweep_looks_missed = 1; /* so many from that one on */
static _Thread_local bool sweep_missed;
static bool sweep_misses_look(void)
{
    if (sweep_looks_left == 0 || --sweep_looks_left > 0)
        return false;
    sweep_looks_left = sweep_looks_missed > 1;
    sweep_looks_missed -= sweep_looks_missed > 1;
    sweep_missed = true;
    return true;
}
bool __real_rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek);
bool __wrap_rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek);
bool __wrap_rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek)
{
    return !sweep_misses_look() && __real_rdb_buffer_peek_begin(storage, tag, peek);
}
bool __real_rdb_buffer_peek_end(const rdb_peek *peek);
bool __wrap_rdb_buffer_peek_end(const rdb_peek *peek);
bool __wrap_rdb_buffer_peek_end(const rdb_peek *peek)
{
    return !sweep_misses_look() && __real_rdb_buffer_peek_end(peek);
}
bool __real_rdb_buffer_try_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer);
bool __wrap_rdb_buffer_try_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer);
bool __wrap_rdb_buffer_try_acquire(rdb_storage *storage, rdb_page_tag tag, rdb_buffer_mode mode, rdb_buffer **buffer)
{
    return !sweep_misses_look() && __real_rdb_buffer_try_acquire(storage, tag, mode, buffer);
}
bool __real_rdb_buffer_try_lock(rdb_buffer *buffer, rdb_buffer_mode mode);
bool __wrap_rdb_buffer_try_lock(rdb_buffer *buffer, rdb_buffer_mode mode);
bool __wrap_rdb_buffer_try_lock(rdb_buffer *buffer, rdb_buffer_mode mode)
{
    return !sweep_misses_look() && __real_rdb_buffer_try_lock(buffer, mode);
}
#endif

/* How an action ends that met a failure: as if there had been none, or with that failure's SQLSTATE. look tells what must hold after each
 * try, and puts things back for the next one; it runs undisturbed. The number of failures that were met is answered. */
typedef bool (*sweep_action)(void *context, rdb_error *err);
typedef void (*sweep_look)(void *context, bool ok);
static inline uint32_t sweep(sweep_action action, sweep_look look, void *context)
{
    uint32_t failed = 0;
    /* The first round makes lists grow and caches warm, so that later calls move to the front: the second meets those that it stepped over. */
    for (uint32_t round = 0; round < 2; round++)
        for (uint64_t nth = 1, met_any = 1; met_any != 0; nth++) {
            rdb_error err = {0};
            sweep_arm(nth);
            const bool ok = action(context, &err);
            const char *met = sweep_disarm();
            if (!ok && (met == NULL || strcmp(err.sqlstate, met) != 0))
                fail_msg("call %llu: %s met, %s %s answered", (unsigned long long)nth, met == NULL ? "nothing" : met, err.sqlstate, rdb_error_message(&err));
            if (ok && rdb_error_is_set(&err))
                fail_msg("call %llu: true with %s %s", (unsigned long long)nth, err.sqlstate, rdb_error_message(&err));
            rdb_error_clear(&err);
            look(context, ok);
            met_any = met != NULL;
            assert_true(ok || met_any);
            failed += !ok;
            assert_in_range(nth, 1, 100000);
        }
    return failed;
}

#ifndef SWEEP_FILES
/* The same with looks that miss: the action goes another way and ends as if nothing had been. How many there were. */
static inline uint32_t sweep_misses(sweep_action action, sweep_look look, void *context)
{
    for (uint64_t nth = 1;; nth++) {
        rdb_error err = {0};
        sweep_missed = false;
        sweep_looks_left = nth;
        const bool ok = action(context, &err);
        sweep_looks_left = 0;
        if (!ok)
            fail_msg("look %llu: %s %s", (unsigned long long)nth, err.sqlstate, rdb_error_message(&err));
        look(context, ok);
        if (!sweep_missed)
            return (uint32_t)(nth - 1);
        assert_in_range(nth, 1, 100000);
    }
}
#endif

#endif
