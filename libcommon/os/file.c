/* SPDX-License-Identifier: Apache-2.0
 * Open files. What always holds: a transfer is whole or an error; once a sync of a file failed, every later one fails
 * too, because the kernel may have dropped the very pages the first one was about. */
#include "os/os_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct rdb_file {
    int fd;
    unsigned flags;
    rdb_io_class io_class;
    _Atomic bool is_direct;   /* relaxed: what the kernel was told last */
    _Atomic bool sync_failed; /* relaxed: only ever set; a racing sync has its own answer from the kernel */
    char path[];
};

static int open_once(const char *path, int flags)
{
    int fd;
    do {
        fd = os_fault_armed() ? os_fault_open(path, flags, 0600) : open(path, flags, 0600);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

bool rdb_file_open(rdb_file **file, const char *path, unsigned flags, rdb_error *err)
{
    *file = NULL;
    size_t path_bytes = strlen(path) + 1;
    rdb_file *opened = malloc(sizeof *opened + path_bytes);
    if (opened == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    int how = O_CLOEXEC | ((flags & (RDB_FILE_WRITE | RDB_FILE_CREATE)) != 0 ? O_RDWR : O_RDONLY);
    if ((flags & RDB_FILE_CREATE) != 0)
        how |= O_CREAT;
    if ((flags & RDB_FILE_EXCLUSIVE) != 0)
        how |= O_EXCL;
    if ((flags & RDB_FILE_TRUNCATE) != 0)
        how |= O_TRUNC;
    int fd = -1;
    bool is_direct = false;
    if ((flags & RDB_FILE_DIRECT) != 0) {
        fd = open_once(path, how | O_DIRECT);
        is_direct = fd >= 0;
        /* a file system without it says EINVAL, some only after having created the file */
        if (fd < 0 && errno == EINVAL)
            how &= ~O_EXCL;
    }
    if (fd < 0 && ((flags & RDB_FILE_DIRECT) == 0 || errno == EINVAL))
        fd = open_once(path, how);
    if (fd < 0) {
        int reason = errno;
        free(opened);
        return rdb_error_set_errno(err, reason, "could not open file \"%s\"", path);
    }
    opened->fd = fd;
    opened->flags = flags;
    opened->io_class = (flags & RDB_FILE_DATA) != 0        ? RDB_IO_DATA
                       : (flags & RDB_FILE_LOG) != 0       ? RDB_IO_LOG
                       : (flags & RDB_FILE_TEMPORARY) != 0 ? RDB_IO_TEMPORARY
                                                           : RDB_IO_FILE;
    atomic_init(&opened->is_direct, is_direct);
    atomic_init(&opened->sync_failed, false);
    memcpy(opened->path, path, path_bytes);
    *file = opened;
    return true;
}

bool rdb_file_close(rdb_file **file, rdb_error *err)
{
    rdb_file *closing = *file;
    if (closing == NULL)
        return true;
    *file = NULL;
    bool ok = true;
    /* Linux frees the descriptor even when close fails, EINTR included: never twice. */
    if (close(closing->fd) != 0 && errno != EINTR) {
        rdb_error_set_errno(err, errno, "could not close file \"%s\"", closing->path);
        ok = false;
    }
    free(closing);
    return ok;
}

/* Some file systems let O_DIRECT pass at the open and refuse it later, or what a short write left over. True: it is off now. */
static bool gives_up_direct(rdb_file *file)
{
    if (!rdb_file_is_direct(file) || errno != EINVAL)
        return false;
    const int how = fcntl(file->fd, F_GETFL);
    const bool gives_up = how >= 0 && fcntl(file->fd, F_SETFL, how & ~O_DIRECT) == 0;
    if (gives_up)
        atomic_store_explicit(&file->is_direct, false, memory_order_relaxed);
    errno = EINVAL;
    return gives_up;
}

bool rdb_file_is_direct(const rdb_file *file)
{
    return atomic_load_explicit(&file->is_direct, memory_order_relaxed);
}

bool rdb_file_read(rdb_file *file, uint64_t offset, void *buffer, size_t bytes, size_t *got, rdb_error *err)
{
    size_t done = 0;
    if (got != NULL)
        *got = 0;
    while (done < bytes) {
        off_t at = (off_t)(offset + done);
        void *target = (uint8_t *)buffer + done;
        const rdb_wait_mark mark = rdb_io_begin(file->io_class, RDB_IO_READ);
        ssize_t count = os_fault_armed() ? os_fault_read(file->fd, file->path, target, bytes - done, at)
                                         : pread(file->fd, target, bytes - done, at);
        rdb_io_end(mark, count > 0 ? (uint64_t)count : 0);
        if (count < 0) {
            if (errno == EINTR || gives_up_direct(file))
                continue;
            return rdb_error_set_errno(err, errno, "could not read file \"%s\"", file->path);
        }
        if (count == 0)
            break;
        done += (size_t)count;
    }
    if (got != NULL) {
        *got = done;
    } else if (done < bytes) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "unexpected end of file \"%s\"", file->path);
        return rdb_error_detail(err, "Read %zu of %zu bytes at offset %llu.", done, bytes, (unsigned long long)offset);
    }
    return true;
}

bool rdb_file_read_parts(rdb_file *file, uint64_t offset, void *const *parts, size_t part_bytes, uint32_t count, uint32_t *got, rdb_error *err)
{
    struct iovec vectors[RDB_FILE_PARTS_MAX];
    *got = 0;
    RDB_ASSERT(count <= RDB_FILE_PARTS_MAX);
    ssize_t bytes = 0;
    if (!os_fault_armed()) { /* else one by one, so that each can fail */
        for (uint32_t i = 0; i < count; i++)
            vectors[i] = (struct iovec){parts[i], part_bytes};
        const rdb_wait_mark mark = rdb_io_begin(file->io_class, RDB_IO_READ);
        do
            bytes = preadv(file->fd, vectors, (int)count, (off_t)offset);
        while (bytes < 0 && errno == EINTR);
        rdb_io_end(mark, bytes > 0 ? (uint64_t)bytes : 0);
        if (bytes < 0)
            return rdb_error_set_errno(err, errno, "could not read file \"%s\"", file->path);
        *got = (uint32_t)((size_t)bytes / part_bytes);
    }
    for (size_t read = part_bytes; *got < count && read == part_bytes; *got += read == part_bytes) /* what a short transfer left */
        if (!rdb_file_read(file, offset + (uint64_t)*got * part_bytes, parts[*got], part_bytes, &read, err))
            return false;
    return true;
}

bool rdb_file_write(rdb_file *file, uint64_t offset, const void *buffer, size_t bytes, rdb_error *err)
{
    size_t done = 0;
    while (done < bytes) {
        off_t at = (off_t)(offset + done);
        const void *source = (const uint8_t *)buffer + done;
        const rdb_wait_mark mark = rdb_io_begin(file->io_class, RDB_IO_WRITE);
        ssize_t count = os_fault_armed() ? os_fault_write(file->fd, file->path, source, bytes - done, at)
                                         : pwrite(file->fd, source, bytes - done, at);
        rdb_io_end(mark, count > 0 ? (uint64_t)count : 0);
        if (count < 0) {
            if (errno == EINTR || gives_up_direct(file))
                continue;
            return rdb_error_set_errno(err, errno, "could not write file \"%s\"", file->path);
        }
        if (count == 0) /* not an error of POSIX, but no progress either: a full device in disguise */
            return rdb_error_set_errno(err, ENOSPC, "could not write file \"%s\"", file->path);
        done += (size_t)count;
    }
    return true;
}

static struct {
    char path[4096];
    _Atomic size_t length; /* 0: no guard; release after the other fields, acquire before them */
    void (*failed)(void *context, const rdb_error *err);
    void *context;
} sync_guard;

void rdb_file_guard_syncs(const char *path, void (*failed)(void *context, const rdb_error *err), void *context)
{
    atomic_store_explicit(&sync_guard.length, 0, memory_order_release);
    if (path == NULL || strlen(path) >= sizeof sync_guard.path)
        return;
    strcpy(sync_guard.path, path);
    sync_guard.failed = failed;
    sync_guard.context = context;
    atomic_store_explicit(&sync_guard.length, strlen(path), memory_order_release);
}

void os_tell_sync_failure(const char *path, const rdb_error *err)
{
    size_t length = atomic_load_explicit(&sync_guard.length, memory_order_acquire);
    if (length > 0 && strncmp(path, sync_guard.path, length) == 0 && (path[length] == '/' || path[length] == '\0'))
        sync_guard.failed(sync_guard.context, err);
}

bool rdb_file_sync(rdb_file *file, rdb_error *err)
{
    if ((file->flags & RDB_FILE_TEMPORARY) != 0)
        return true;
    int reason = EIO;
    if (!atomic_load_explicit(&file->sync_failed, memory_order_relaxed)) {
        int result;
        const rdb_wait_mark mark = rdb_io_begin(file->io_class, RDB_IO_SYNC);
        do {
            result = os_fault_armed() ? os_fault_sync(file->fd, file->path) : fdatasync(file->fd);
        } while (result != 0 && errno == EINTR);
        rdb_io_end(mark, 0);
        if (result == 0)
            return true;
        reason = errno;
        atomic_store_explicit(&file->sync_failed, true, memory_order_relaxed);
    }
    rdb_error_set_errno(err, reason, "could not fsync file \"%s\"", file->path);
    os_tell_sync_failure(file->path, err);
    return false;
}

bool rdb_file_size(rdb_file *file, uint64_t *bytes, rdb_error *err)
{
    struct stat status;
    *bytes = 0;
    if (fstat(file->fd, &status) != 0)
        return rdb_error_set_errno(err, errno, "could not stat file \"%s\"", file->path);
    *bytes = (uint64_t)status.st_size;
    return true;
}

bool rdb_file_truncate(rdb_file *file, uint64_t bytes, rdb_error *err)
{
    int result;
    do {
        result = os_fault_armed() ? os_fault_truncate(file->fd, file->path, (off_t)bytes)
                                  : ftruncate(file->fd, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    return result == 0 || rdb_error_set_errno(err, errno, "could not truncate file \"%s\"", file->path);
}

bool rdb_file_zero_fill(rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err)
{
    static const _Alignas(4096) uint8_t zeroes[64 << 10];
    while (bytes > 0) {
        size_t step = bytes < sizeof zeroes ? (size_t)bytes : sizeof zeroes;
        if (!rdb_file_write(file, offset, zeroes, step, err))
            return false;
        offset += step;
        bytes -= step;
    }
    return true;
}

bool rdb_file_reserve(rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err)
{
    if (!os_fault_armed()) { /* else as writes, which can be failed, torn and lost */
        int result;
        do {
            result = fallocate(file->fd, 0, (off_t)offset, (off_t)bytes);
        } while (result != 0 && errno == EINTR);
        if (result == 0)
            return true;
        if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
            return rdb_error_set_errno(err, errno, "could not extend file \"%s\"", file->path);
    }
    return rdb_file_zero_fill(file, offset, bytes, err);
}

void rdb_file_prefetch(rdb_file *file, uint64_t offset, uint64_t bytes)
{
    (void)posix_fadvise(file->fd, (off_t)offset, (off_t)bytes, POSIX_FADV_WILLNEED);
}

void rdb_file_begin_writeback(rdb_file *file, uint64_t offset, uint64_t bytes)
{
    if (!os_fault_armed()) /* its errors are the sync's: the kernel tells them again there */
        (void)sync_file_range(file->fd, (off_t)offset, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
}

bool rdb_file_write_back(rdb_file *file, uint64_t offset, uint64_t bytes, rdb_error *err)
{
    const unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (os_fault_armed() || sync_file_range(file->fd, (off_t)offset, (off_t)bytes, flags) == 0 || errno == EINTR || errno == ENOSYS || errno == EINVAL || errno == ESPIPE)
        return true;
    return rdb_error_set_errno(err, errno, "could not write file \"%s\"", file->path);
}

const char *rdb_file_path(const rdb_file *file)
{
    return file->path;
}
