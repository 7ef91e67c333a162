/* SPDX-License-Identifier: Apache-2.0
 * SQL's way to the audit: its records (view unified_audit_trail), what would be recorded and why, and records of what programs did. */
#include "audit/rdb_audit_search.h"
#include "expr/kernels.h"
#include "session/audit.h"

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

typedef struct gathering {
    rdb_call *call;
    expr_rows *rows;
} gathering;

static bool take_record(void *gathering_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    const gathering *g = gathering_at;
    const bool nulls[2] = {false};
    const rdb_datum values[2] = {{.i64 = (int64_t)json_integer_value(json_object_get(record, "seq"))}, expr_text(rdb_arena_strndup(g->call->arena, line, length))};
    expr_rows_add(g->call, g->rows, values, nulls, RDB_COUNT_OF(values));
    return rdb_arena_check(g->call->arena, err) && rdb_cancel_check(rdb_eval_of(g->call)->cancel, err);
}

/* All that was audited before the call is among them, unless the log cannot be written. */
static bool records_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_session *session = session_of(call);
    audit_writer *writer = session_engine_audit(session->engine);
    const char *directory = session_engine_audit_directory(session->engine);
    rdb_audit_filter filter = {0};
    gathering g = {call, state};
    if (directory == NULL || is_null[0] || is_null[1])
        return true;
    if (arguments[0].i64 != INT64_MIN)
        filter.since_us = arguments[0].i64;
    if (arguments[1].i64 != INT64_MAX)
        filter.until_us = arguments[1].i64;
    if (writer != NULL) {
        audit_writer_state writing;
        audit_writer_get_state(writer, &writing);
        if (writing.failing_since_us == 0 && !audit_writer_settle(writer, rdb_eval_of(call)->cancel, call->err))
            return false;
    }
    return rdb_audit_search(directory, &filter, take_record, &g, call->err);
}

static bool explain_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_strbuf out;
    (void)nulls, (void)is_null;
    rdb_strbuf_init(&out, NULL);
    const bool ok = session_audit_explain(session_of(call), expr_get_text(call, a[0]), call->arena, &out, call->err) && expr_set_text(call, out.data, out.length, result);
    rdb_strbuf_free(&out);
    return ok;
}
EXPR_ROW_KERNEL(explain, 1)

static bool tool_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)result, (void)is_null;
    return session_audit_tool(session_of(call), expr_get_text(call, a[0]), expr_get_text(call, a[1]), !a[2].b, expr_get_text(call, a[3]), call->err);
}
EXPR_ROW_KERNEL(tool, 4)

#define S (RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE)
static const rdb_set_kernel_entry SETS[] = {{.proc_oid = 9730, .state_bytes = sizeof(expr_rows), .begin = records_begin, .next = expr_rows_next, .flags = S}};
static const rdb_kernel_entry ENTRIES[] = {{9731, explain, S}, {9732, tool, S}};
#undef S

void session_register_audit_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
