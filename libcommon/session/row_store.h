/* SPDX-License-Identifier: Apache-2.0
 * Rows kept beyond the batch that brought them: what a cursor with SCROLL or WITH HOLD has fetched, and the rows of a
 * utility statement that runs inside a portal. In memory, counted rows, any row reachable. */
#ifndef RDB_SESSION_ROW_STORE_H
#define RDB_SESSION_ROW_STORE_H

#include "session/session_int.h"

typedef struct row_store row_store;
RDB_CHECKED bool row_store_create(row_store **store, const rdb_result_column *columns, uint32_t column_count, rdb_error *err);
void row_store_destroy(row_store **store);
RDB_CHECKED bool row_store_add(row_store *store, const rdb_batch *batch, uint32_t from, uint32_t to, rdb_error *err);
uint64_t row_store_count(const row_store *store);
/* Row row_no (from 0) as a batch of one, valid until the next call. */
const rdb_batch *row_store_row(row_store *store, uint64_t row_no);
/* A client whose rows land in the store; columns are taken at begin_rows. */
RDB_CHECKED bool row_store_capture(row_store **store, const rdb_result_column *columns, uint32_t column_count, const rdb_batch *batch, rdb_error *err);

#endif
