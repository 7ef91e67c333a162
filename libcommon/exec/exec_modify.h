/* SPDX-License-Identifier: Apache-2.0
 * What INSERT, UPDATE, COPY and the actions of foreign keys have in common. */
#ifndef RDB_EXEC_MODIFY_H
#define RDB_EXEC_MODIFY_H

#include "exec/exec_int.h"

/* The rules of one table for new rows: generated columns, NOT NULL, CHECK, keys of expression indexes. */
typedef struct exec_row_rules {
    rdb_execution *x;
    const rdb_plan_modify *plan;
    rdb_program **checks, **generated, **predicates, **keys; /* the last three by attribute or index, NULL: none */
    bool has_generated, has_index_values;
    const rdb_relation *named; /* the table that the statement names, in whose columns a row is told; NULL: the rules' own */
    const int16_t *named_map;  /* its columns here */
    uint64_t *shown;         /* columns whose values messages may show (rdb_acl_shown_columns); NULL: all */
    uint64_t *told;          /* those, and what the statement itself writes */
    rdb_vector **row;        /* the row at hand, as a batch of one */
    char phase;              /* of rows at hand, for checks of policies (rdb_view_check.phase); 0: i */
    rdb_arena *arena;        /* of the row at hand: the caller resets it between rows */
} exec_row_rules;
RDB_CHECKED bool exec_row_rules_open(exec_row_rules *rules, rdb_execution *x, const rdb_plan_modify *plan, rdb_error *err);
RDB_CHECKED bool exec_row_rules_name(exec_row_rules *rules, const rdb_relation *named, const int16_t *map, rdb_error *err);
void exec_row_rules_close(exec_row_rules *rules);
/* Of the rules those of policies alone: for rows that go to another table below. */
RDB_CHECKED bool exec_row_rules_check_policies(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, rdb_error *err);
/* WITH CHECK OPTION of views, those below first; for rows whose keys are entered: a duplicate is told before. */
RDB_CHECKED bool exec_row_rules_check_views(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, rdb_error *err);
/* What policies ask of a row that is there: in the way of an insert (phase c), to be updated by a WHEN (m), or deleted (d). */
RDB_CHECKED bool exec_row_rules_check_existing(exec_row_rules *rules, char phase, const rdb_datum *values, const bool *is_null, rdb_error *err);
/* Fills generated columns and checks the row, but for views; PostgreSQL's messages. */
RDB_CHECKED bool exec_row_rules_apply(exec_row_rules *rules, rdb_datum *values, bool *is_null, rdb_error *err);
RDB_CHECKED bool exec_row_rules_compute_index(void *rules, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err);
/* rdb_row_writer's name_expression. */
bool exec_row_rules_name_expression(void *rules, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text);
bool exec_refuse_moved(rdb_error *err); /* who waited for a row finds it in another partition */
RDB_CHECKED bool exec_row_rules_index_values(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, const rdb_index_values **out, rdb_error *err);

/* Notes a written row for the checks and actions of foreign keys at the statement's end. old NULL: an insert. */
RDB_CHECKED bool exec_after_note(rdb_execution *x, const rdb_relation *relation, uint8_t command, rdb_row_address address, const rdb_datum *old_values, const bool *old_is_null,
                                 const rdb_datum *values, const bool *is_null, rdb_error *err);


/* Is the constraint deferred in this transaction, by its definition or SET CONSTRAINTS? And the queue that runs at commit. */
bool exec_constraint_is_deferred(const rdb_execution *x, const rdb_constraint *constraint);
struct exec_after_queue *exec_deferred_queue(rdb_execution *x, rdb_error *err);

#endif
