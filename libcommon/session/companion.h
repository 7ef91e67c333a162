/* SPDX-License-Identifier: Apache-2.0
 * The other queries of a statement that rules rewrote. */
#ifndef RDB_SESSION_COMPANION_H
#define RDB_SESSION_COMPANION_H

#include "session/session_int.h"

typedef struct session_companion {
    rdb_query *query;
    rdb_plan *plan; /* NULL: NOTIFY */
    rdb_execution *execution;
    const rdb_result_column *columns; /* of a SELECT */
    uint32_t column_count;
    bool is_after; /* the query that gives the command tag */
} session_companion;

/* Plans what the rewrite gave: plan->plan is the one that gives the tag, the others become companions. */
RDB_CHECKED bool session_plan_queries(rdb_session *session, session_plan *plan, rdb_analysis *analysis, const rdb_list *queries, const rdb_plan_context *context, rdb_error *err);
/* Those before, or after; *snapshot sees what they did from then on. */
RDB_CHECKED bool session_run_companions(rdb_session *session, session_plan *plan, bool after, const rdb_parameter *parameters, uint32_t count, rdb_snapshot *snapshot,
                                        rdb_error *err);
void session_close_companions(session_plan *plan);

#endif
