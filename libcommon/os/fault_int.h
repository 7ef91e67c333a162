/* SPDX-License-Identifier: Apache-2.0
 * What a record of the file layer holds. In memory and in a log file an entry is the same:
 *
 *    0  4  bytes      of the whole entry
 *    4  4  crc32c     of bytes 8 to the end
 *    8  1  kind       fault_kind
 *    9  1  spare, 0
 *   10  2  length of the first name
 *   12  2  length of the second name (rename)
 *   14  2  spare, 0
 *   16  8  inode      as the file system numbers it; an object's life starts at its CREATE or MKDIR
 *   24  8  offset     write: where; truncate: the new length; note: the number
 *   32  .  first name, second name (relative to the root, not terminated), then the data of a write
 *
 * A log file is 8 bytes "RDBFLOG1" and its entries; what follows the last whole entry is ignored. */
#ifndef RDB_FAULT_INT_H
#define RDB_FAULT_INT_H

#include "os/os_int.h"

#include <assert.h>

typedef enum fault_kind {
    FAULT_CREATE = 1,
    FAULT_MKDIR,
    FAULT_WRITE,
    FAULT_TRUNCATE,
    FAULT_SYNC,
    FAULT_RENAME,
    FAULT_REMOVE,
    FAULT_SYNC_DIRECTORY,
    FAULT_NOTE,
    FAULT_BASE_END /* the state before recording stands above it */
} fault_kind;

typedef struct fault_header {
    uint32_t bytes;
    uint32_t crc;
    uint8_t kind;
    uint8_t spare;
    uint16_t name_length;
    uint16_t second_length;
    uint16_t spare2;
    uint64_t inode;
    uint64_t offset;
} fault_header;
static_assert(sizeof(fault_header) == 32, "the drawing above and the struct disagree");

/* An entry read: the slices point into the log. */
typedef struct fault_entry {
    fault_kind kind;
    uint64_t inode, offset;
    rdb_slice name, second, data;
} fault_entry;

struct rdb_fault_log {
    uint8_t **entries;
    uint32_t count, capacity, base;
};

#define FAULT_LOG_MAGIC "RDBFLOG1"

uint8_t *fault_entry_make(fault_kind kind, uint64_t inode, uint64_t offset, const char *name, const char *second,
                          const void *data, size_t data_bytes); /* malloc'ed, or NULL */
bool fault_log_add(rdb_fault_log *log, uint8_t *entry); /* takes the entry; false: no memory */
fault_entry fault_log_get(const rdb_fault_log *log, uint32_t entry_no);

#endif
