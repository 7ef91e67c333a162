/* SPDX-License-Identifier: Apache-2.0
 * Rewriting a query by pairs of target and substitute, which may come one after the other. */
#ifndef RDB_TYPE_TS_REWRITE_H
#define RDB_TYPE_TS_REWRITE_H

#include "type/ts.h"

typedef struct rdb_ts_rewriter rdb_ts_rewriter; /* of call->arena */
rdb_ts_rewriter *rdb_ts_rewrite_begin(rdb_call *call, rdb_bytes query);
/* more: other pairs may follow, which see what this one made. */
void rdb_ts_rewrite_apply(rdb_ts_rewriter *rewriter, rdb_bytes target, rdb_bytes substitute, bool more);
bool rdb_ts_rewrite_end(rdb_ts_rewriter *rewriter, rdb_datum *query);

#endif
