/* SPDX-License-Identifier: Apache-2.0
 * Indexes made, built anew and dropped while others read and write the table (catalog/index_gate.c says why that is right). The statement's own
 * transaction holds SHARE UPDATE EXCLUSIVE on the table and does nothing but wait and read; what is changed is changed by small transactions,
 * each committed at once. A failure leaves an invalid index, as PostgreSQL's does. */
#ifndef RDB_COMMAND_CONCURRENT_H
#define RDB_COMMAND_CONCURRENT_H

#include "command/command_int.h"

/* options: of WITH, for an index of that kind (command_index_options_kind). */
RDB_CHECKED bool command_create_index_live(rdb_command_context *context, const rdb_relation *relation, rdb_index_definition *definition, const rdb_list *options, char options_kind,
                                           rdb_error *err);
/* The index's keys in a new file, whose place in the catalog it keeps. */
RDB_CHECKED bool command_reindex_live(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err);
RDB_CHECKED bool command_drop_index_live(rdb_command_context *context, uint32_t table_oid, uint32_t index_oid, rdb_error *err);
/* Can it be built so? Block range indexes cannot, nor can those of temporary tables, which nobody else uses. */
bool command_index_is_live_built(const rdb_relation *relation, uint32_t method_oid);
/* Runs change in a transaction of its own. */
typedef bool command_step_work(rdb_command_context *step, void *work, rdb_error *err);
RDB_CHECKED bool command_step(rdb_command_context *context, command_step_work *change, void *work, rdb_error *err);

#endif
