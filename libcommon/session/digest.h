/* SPDX-License-Identifier: Apache-2.0
 * From what a session runs to the store of statements (observe/rdb_statements.h): what a statement's text is without its constants,
 * what its plan looks like, when it began and ended. */
#ifndef RDB_SESSION_DIGEST_H
#define RDB_SESSION_DIGEST_H

#include "observe/rdb_statements.h"
#include "session/session_int.h"

/* Kept with a plan: what it takes to find the statement's figures, and to begin them where they are forgotten. */
struct session_digest {
    uint64_t query_id, plan_hash; /* query_id 0: not counted */
    rdb_statement_ref ref;
    const char *text; /* borrowed: lives as long as the plan */
    uint32_t text_length;
    int32_t text_start; /* of the statement in what constants are counted from */
    uint32_t constant_count, parameters;
    const int32_t *constants;
    int64_t planning_ns; /* not told yet; 0: told */
};

typedef struct session_run {
    int64_t began_ns; /* 0: nobody wants to know (pg_stat_statements.track = none, no slow log) */
    rdb_usage before;
} session_run;

/* After analysis, before the tree is rewritten; and once the plan is there. text: the statement's own part of it begins at start and has
 * length bytes (negative: the rest). */
void session_digest_take(rdb_session *session, session_plan *plan, const char *text, int64_t began_ns);
void session_digest_plan(session_plan *plan, int64_t began_ns);
/* Around a run. end: the same thread, nothing suspended between. */
void session_run_begin(rdb_session *session, const session_plan *plan, session_run *run);
void session_run_end(rdb_session *session, session_plan *plan, const session_run *run, uint64_t rows, bool failed);
/* Around a statement without a plan. tag: what it answers with, for its rows. */
void session_utility_end(rdb_session *session, const rdb_ast_node *raw, const char *text, size_t length, const session_run *run, const char *tag, bool failed);
/* The part of a text between blanks, with passwords taken out of it; into mem where they are, else borrowed. */
rdb_slice session_text_without_secrets(rdb_arena *arena, const char *text, size_t length);

struct rdb_log *session_engine_slow_log(const rdb_engine *engine, bool *is_json, bool *has_plans); /* NULL: none is kept */
rdb_statements *session_engine_statements(rdb_engine *engine);
void session_register_statement_functions(void); /* stat_statements.c */

#endif
