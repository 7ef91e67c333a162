/* SPDX-License-Identifier: Apache-2.0
 * The tables that a statement writes in: one, several by inheritance, or the partitions that rows find their way to. */
#ifndef RDB_EXEC_ROUTE_H
#define RDB_EXEC_ROUTE_H

#include "exec/exec_modify.h"
#include "sql/rdb_partition.h"

/* A table written in, with what its new rows must pass. Row values stand by its own attribute numbers. */
typedef struct exec_target {
    const rdb_relation *relation;
    const rdb_plan_modify *plan;
    exec_row_rules rules;
    const int16_t *map;         /* by attribute - 1 of the table that the statement names: attribute here; NULL: the same */
    uint32_t scan_no;           /* of its scan in the plan, where rows of it are read */
    rdb_datum *values, *old_values;
    bool *is_null, *old_is_null;
    struct exec_bound *bound;   /* what its rows must meet as a partition; NULL: none */
    int16_t *all_columns;
    rdb_vector **fetched;       /* the old row, read by its address */
    uint64_t locked_run;
    uint32_t arbiter_oid;       /* ON CONFLICT: the named table's index that arbiter is a part of; 0: not looked up yet */
    uint16_t arbiter;
} exec_target;
/* plan NULL: made from the relation. What belongs to a row lies in row_arena, which the caller resets. */
RDB_CHECKED bool exec_target_open(exec_target *target, rdb_execution *x, const rdb_relation *relation, const rdb_plan_modify *plan, const rdb_relation *named,
                                  const int16_t *map, rdb_arena *row_arena, rdb_error *err);
void exec_target_close(exec_target *target);
/* Values of the named table's attributes to the target's, and back. */
void exec_target_take(exec_target *target, uint16_t count, const rdb_datum *values, const bool *is_null);
void exec_target_give(const exec_target *target, uint16_t count, rdb_datum *values, bool *is_null);
/* The row at the address as the statement sees it (or, latest, as it stands now) to old_values. */
RDB_CHECKED bool exec_target_fetch(exec_target *target, rdb_execution *x, rdb_row_address address, bool is_latest, rdb_row_version *version, bool *found, rdb_error *err);

/* What the rows of a partition must meet, up to the outermost partitioned table. */
typedef struct exec_bound exec_bound;
RDB_CHECKED bool exec_bound_open(exec_bound **bound, rdb_execution *x, const rdb_relation *partition, rdb_error *err);
RDB_CHECKED bool exec_bound_holds(exec_bound *bound, rdb_arena *arena, const rdb_datum *values, const bool *is_null, bool *holds, rdb_error *err);
/* Which of the target's indexes is the part of the named table's index. */
RDB_CHECKED bool exec_target_arbiter(exec_target *target, rdb_execution *x, const rdb_relation_index *named, uint16_t *arbiter, rdb_error *err);
/* 23514: the row in target->values is not one of relation's by its bound. False. */
bool exec_target_refuse(exec_target *target, const rdb_relation *relation, rdb_error *err);
/* 23514 where the row in target->values does not meet it. */
RDB_CHECKED bool exec_target_check_bound(exec_target *target, rdb_error *err);

/* The way of rows from a partitioned table to its leaves, opened as they are needed. */
typedef struct exec_route exec_route;
RDB_CHECKED bool exec_route_open(exec_route **route, rdb_execution *x, const rdb_relation *root, rdb_arena *row_arena, rdb_error *err);
void exec_route_close(exec_route *route);
/* The leaf of a row of the root; 23514 where there is none. Its table is locked for this run. */
RDB_CHECKED bool exec_route_find(exec_route *route, rdb_arena *arena, const rdb_datum *values, const bool *is_null, exec_target **target, rdb_error *err);

/* Does a row of a root that is itself a partition meet the root's own bound? */
RDB_CHECKED bool exec_route_check_root(exec_route *route, rdb_arena *arena, const rdb_datum *values, const bool *is_null, bool *holds, rdb_error *err);
/* "Failing row contains (...)." */
void exec_row_rules_tell(exec_row_rules *rules, const rdb_datum *values, const bool *is_null, rdb_error *err);

#endif
