/* SPDX-License-Identifier: Apache-2.0
 * What rules make of a statement beside the query that gives its command tag: queries that run before or after it, each seeing what
 * those before it did, and NOTIFY. The rows of a rule's SELECT go to a client that is told of rows as they come. */
#include "session/companion.h"

#include "session/notify.h"
#include "session/row_sink.h"
#include "session/wire_int.h"

bool session_plan_queries(rdb_session *session, session_plan *plan, rdb_analysis *analysis, const rdb_list *queries, const rdb_plan_context *context, rdb_error *err)
{
    const uint8_t command = plan->query->command;
    rdb_query *main_query = NULL;
    plan->companions = RDB_NEW_ARRAY(plan->arena, session_companion, queries->count + 1);
    for (uint32_t i = 0; i < queries->count; i++) {
        rdb_query *query = queries->items[i];
        if (query->sets_tag) {
            main_query = query;
            continue;
        }
        session_companion *companion = &plan->companions[plan->companion_count++];
        companion->query = query;
        companion->is_after = main_query != NULL;
        if (query->command == RDB_COMMAND_UTILITY)
            continue;
        if (!rdb_plan_make(context, query, &companion->plan, err))
            return false;
        if (companion->plan->returns_rows)
            session_columns_of(plan->arena, companion->plan->result_targets, &companion->columns, &companion->column_count);
    }
    const bool is_nothing = main_query == NULL;
    if ((is_nothing && !rdb_query_make_nothing(analysis, &main_query, err)) || !rdb_plan_make(context, main_query, &plan->plan, err))
        return false;
    plan->query = main_query;
    if (is_nothing) { /* INSERT 0 0 */
        plan->plan->command = command;
        plan->plan->returns_rows = false;
    }
    (void)session;
    return true;
}

/* The statement's moment, and what the transaction has done by now. */
static void take_place(const rdb_session *session, const rdb_snapshot *moment, rdb_snapshot *snapshot)
{
    rdb_txn_take_snapshot(session->txn, snapshot);
    snapshot->scn = moment->scn;
    snapshot->reads_uncommitted = moment->reads_uncommitted;
    snapshot->tracks_reads = moment->tracks_reads;
}

static bool run_companion(rdb_session *session, const session_plan *plan, session_companion *companion, const rdb_parameter *parameters, uint32_t count,
                          const rdb_snapshot *moment, rdb_error *err)
{
    if (companion->plan == NULL)
        return session_notify_statement(session, companion->query->utility, err);
    rdb_snapshot snapshot;
    rdb_execution_context context;
    const bool shows = plan->shows_companions && companion->plan->returns_rows;
    bool done = false;
    take_place(session, moment, &snapshot);
    session_execution_context(session, plan, parameters, count, &snapshot, &context);
    bool ok = session_check_writes(session, companion->plan, err) && (companion->execution != NULL ? rdb_execution_restart(companion->execution, &context, err)
                                                                                              : rdb_execution_open(&companion->execution, companion->plan, &context, err));
    if (ok && shows) {
        session_put_row_description(session, companion->columns, companion->column_count, NULL);
        ok = session_sink_begin(session, companion->columns, companion->column_count, NULL, err);
    }
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(companion->execution, 0, &batch, &done, err);
        if (ok && shows && batch != NULL)
            ok = session_send_rows(session, batch, 0, batch->selection.count, err);
    }
    if (companion->execution != NULL)
        rdb_execution_finish(companion->execution);
    return ok;
}

bool session_run_companions(rdb_session *session, session_plan *plan, bool after, const rdb_parameter *parameters, uint32_t count, rdb_snapshot *snapshot, rdb_error *err)
{
    bool any = false;
    for (uint32_t i = 0; i < plan->companion_count; i++) {
        if (plan->companions[i].is_after != after)
            continue;
        any = true;
        if (!run_companion(session, plan, &plan->companions[i], parameters, count, snapshot, err))
            return false;
    }
    if (any)
        take_place(session, snapshot, snapshot);
    return true;
}

void session_close_companions(session_plan *plan)
{
    for (uint32_t i = 0; i < plan->companion_count; i++)
        rdb_execution_close(&plan->companions[i].execution);
}
