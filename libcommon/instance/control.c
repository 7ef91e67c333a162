/* SPDX-License-Identifier: Apache-2.0
 * The control file: two copies written in turn, so that a torn write loses the older one at most. */
#include "instance/rdb_instance.h"

#include <stdio.h>

#define CONTROL_MAGIC UINT64_C(0x31304c5443424452) /* "RDBCTL01" */
#define COPY_DISTANCE 4096u

bool rdb_instance_path(const char *home, const char *tail, char *path, size_t size, rdb_error *err)
{
    if ((size_t)snprintf(path, size, "%s/%s", home, tail) < size)
        return true;
    rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "path is too long");
    return rdb_error_detail(err, "\"%s/%s\" has more than %zu bytes.", home, tail, size - 1);
}

static bool is_good(const rdb_control *copy)
{
    return copy->magic == CONTROL_MAGIC && copy->crc == rdb_crc32c(0, copy, offsetof(rdb_control, crc));
}

/* Both copies as they are on disk; a short file leaves zeroes, which are never good. */
static bool read_copies(rdb_file *file, rdb_control copies[2], rdb_error *err)
{
    memset(copies, 0, 2 * sizeof *copies);
    for (int i = 0; i < 2; i++) {
        size_t got = 0;
        if (!rdb_file_read(file, (uint64_t)i * COPY_DISTANCE, &copies[i], RDB_CONTROL_BYTES, &got, err))
            return false;
    }
    return true;
}

static int newest(const rdb_control copies[2])
{
    bool first = is_good(&copies[0]), second = is_good(&copies[1]);
    if (first && second)
        return copies[1].serial > copies[0].serial;
    return first ? 0 : second ? 1 : -1;
}

bool rdb_control_read(const char *home, rdb_control *control, rdb_error *err)
{
    char path[4096];
    rdb_control copies[2];
    rdb_file *file = NULL;
    memset(control, 0, sizeof *control);
    if (!rdb_instance_path(home, "data/meta/control", path, sizeof path, err) || !rdb_file_open(&file, path, RDB_FILE_READ, err))
        return false;
    bool ok = read_copies(file, copies, err);
    ok = rdb_file_close(&file, err) && ok;
    if (!ok)
        return false;
    int copy_no = newest(copies);
    if (copy_no < 0) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "both copies of the control file are damaged");
        rdb_error_detail(err, "File \"%s\": stored checksums %08x and %08x, computed %08x and %08x.", path, copies[0].crc, copies[1].crc,
                         rdb_crc32c(0, &copies[0], offsetof(rdb_control, crc)), rdb_crc32c(0, &copies[1], offsetof(rdb_control, crc)));
        return rdb_error_hint(err, "Restore data/meta/control from a backup of this instance; the data files are not touched.");
    }
    *control = copies[copy_no];
    return true;
}

bool rdb_control_write(const char *home, rdb_control *control, rdb_error *err)
{
    char path[4096];
    rdb_control copies[2];
    rdb_file *file = NULL;
    if (!rdb_instance_path(home, "data/meta/control", path, sizeof path, err) || !rdb_file_open(&file, path, RDB_FILE_CREATE, err))
        return false;
    bool ok = read_copies(file, copies, err);
    if (ok) {
        int current = newest(copies), target = current < 0 ? 0 : 1 - current;
        uint8_t sector[COPY_DISTANCE] = {0};
        control->magic = CONTROL_MAGIC;
        control->serial = (current < 0 ? 0 : copies[current].serial) + 1;
        memset(control->zero, 0, sizeof control->zero);
        control->crc = rdb_crc32c(0, control, offsetof(rdb_control, crc));
        memcpy(sector, control, sizeof *control);
        ok = rdb_file_write(file, (uint64_t)target * COPY_DISTANCE, sector, sizeof sector, err) && rdb_file_sync(file, err);
    }
    return rdb_file_close(&file, err) && ok;
}

bool rdb_control_verify(const char *home, void (*complain)(void *context, uint64_t offset, const char *problem), void *context, rdb_error *err)
{
    char path[4096];
    uint8_t bytes[2 * COPY_DISTANCE] = {0};
    rdb_file *file = NULL;
    size_t got = 0;
    if (!rdb_instance_path(home, "data/meta/control", path, sizeof path, err) || !rdb_file_open(&file, path, RDB_FILE_READ, err))
        return false;
    bool ok = rdb_file_read(file, 0, bytes, sizeof bytes, &got, err);
    ok = rdb_file_close(&file, err) && ok;
    for (uint32_t copy_no = 0; ok && copy_no < 2; copy_no++) {
        static const uint8_t zeroes[COPY_DISTANCE];
        const uint8_t *at = bytes + copy_no * COPY_DISTANCE;
        rdb_control copy;
        memcpy(&copy, at, sizeof copy);
        const bool was_written = memcmp(at, zeroes, COPY_DISTANCE) != 0; /* a new instance has one copy */
        if (was_written && !is_good(&copy))
            complain(context, copy_no * COPY_DISTANCE, "The checksum of this copy does not match");
        else if (was_written && memcmp(at + sizeof copy, zeroes, COPY_DISTANCE - sizeof copy) != 0)
            complain(context, copy_no * COPY_DISTANCE + sizeof copy, "The bytes behind this copy are not zero");
    }
    return ok;
}
