/* SPDX-License-Identifier: Apache-2.0
 * Planning of tables with children, and which of them a statement need not read. */
#ifndef RDB_SQL_PLAN_APPEND_H
#define RDB_SQL_PLAN_APPEND_H

#include "sql/plan_int.h"
#include "sql/rdb_partition.h"

/* plan_append.c */
bool plan_is_parent(const rdb_range *range);
bool plan_expand(plan_level *level, plan_rel *rel);
rdb_expr *plan_translate(planner *p, const plan_rel *leaf, rdb_expr *expr);
bool plan_append_path(plan_level *level, plan_rel *rel, plan_path **out);
/* Its children one into the other by an order, at least one of which comes in that order; *out NULL: none does. */
bool plan_merge_append_path(plan_level *level, plan_rel *rel, const plan_order *order, uint32_t count, plan_path **out);
/* As plan_index_paths, of each leaf; *out NULL: no leaf has an index for it. */
bool plan_append_index_path(plan_level *level, plan_rel *rel, const rdb_list *clauses, plan_relids outer, plan_path **out);
bool plan_build_append(plan_level *level, const plan_path *path, bool (*build)(void *context, plan_path *path, plan_built *built),
                       rdb_expr *(*parametrise)(void *context, rdb_expr *expr), void *context, plan_built *built);
/* The leaves as tables to write in or to lock. */
void plan_targets(planner *p, const plan_rel *rel, const rdb_plan_target **targets, uint32_t *count);
bool plan_push_targets(planner *p, plan_built *built, rdb_expr *const *exprs, const rdb_list *resolved);
/* A Result that gives no row, whatever its targets are. */
bool plan_is_never(const rdb_plan_node *node);
bool plan_project_never(planner *p, plan_built *built, rdb_expr *const *exprs, const rdb_list *targets, uint32_t count);
bool plan_system_column_type(planner *p, int16_t number, const rdb_type **type);

/* plan_prune.c */
/* Which partitions can have rows that meet rel's conditions: kept[i] of map->entries[i]. own_map: rel's columns in map->relation, NULL: the same. */
bool plan_prune(plan_level *level, const plan_rel *rel, const rdb_partition_map *map, const int16_t *own_map, const rdb_prune_node *above, uint32_t entry_no,
                const rdb_list *implied, rdb_prune_node **node, bool *kept);
/* What holds for rows of one partition by its bound, over rel's columns: added to implied. */
bool plan_bound_implies(planner *p, const plan_rel *rel, const rdb_partition_map *map, const int16_t *own_map, uint32_t entry_no, rdb_list *implied);
/* What the Append over these paths can leave out when it runs; *prune NULL: nothing. Conditions: prepared, other ranges as parameters. */
void plan_prune_later(planner *p, const plan_rel *rel, const rdb_list *paths, const rdb_list *conditions, const rdb_plan_prune **prune);
/* plan_exclude.c */
/* Do the conditions of a child, or of a table read by its own name, contradict each other or its constraints? */
bool plan_is_excluded(plan_level *level, plan_rel *rel, bool *is_excluded);

#endif
