/* SPDX-License-Identifier: Apache-2.0
 * What the fixtures of rooms above storage begin with: a log and a storage under one temporary directory. */
#ifndef ENGINE_H
#define ENGINE_H

#include "os/rdb_file.h"
#include "storage/rdb_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* The first LSN of a log whose segments are so long. */
#define ENGINE_LOG_BEGIN(segment_bytes) ((rdb_lsn)(segment_bytes) + 64)

/* Makes root, below /tmp, and names the two directories below it. */
static inline void engine_paths(const char *subject, char *root, size_t root_size, char *wal_directory, char *data_directory, size_t size)
{
    snprintf(root, root_size, "/tmp/rdb-%s-XXXXXX", subject);
    assert_non_null(mkdtemp(root));
    snprintf(wal_directory, size, "%s/wal", root);
    snprintf(data_directory, size, "%s/data", root);
}

/* Opens both; over a log that is there already all of it is replayed first, as recovery does. */
static inline bool engine_open(const rdb_wal_config *wal_config, const rdb_storage_config *config, rdb_wal **wal, rdb_storage **storage, rdb_error *err)
{
    static rdb_wal_record record;
    rdb_wal_reader *reader = NULL;
    rdb_lsn end = ENGINE_LOG_BEGIN(wal_config->segment_bytes);
    bool found = rdb_path_exists(wal_config->directory);
    if (!rdb_path_make_directory(config->data_directory, 0700, true, err) || !rdb_storage_open(storage, config, err))
        return false;
    if (found) {
        bool ok = rdb_wal_reader_open(&reader, wal_config, end, err);
        while (ok && found) {
            ok = rdb_wal_reader_next(reader, &record, &found, err);
            const rdb_resource_ops *ops = ok && found ? rdb_resource_find((rdb_resource)record.resource) : NULL;
            ok = ok && (!found || (rdb_storage_replay(*storage, &record, err) && (ops == NULL || ops->replay == NULL || ops->replay(ops->replay_context, &record, err))));
        }
        if (ok)
            end = rdb_wal_reader_end(reader);
        rdb_wal_reader_close(&reader);
        if (!ok)
            return false;
    }
    if (!rdb_wal_open(wal, wal_config, end, err))
        return false;
    rdb_storage_set_wal(*storage, *wal);
    return true;
}

/* What a crash leaves: nothing is flushed that was not durable already, except what the log's close writes. */
static inline bool engine_close(rdb_wal **wal, rdb_storage **storage, rdb_error *err)
{
    rdb_storage_close(storage);
    return rdb_wal_close(wal, err);
}

#endif
