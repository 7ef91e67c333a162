/* SPDX-License-Identifier: Apache-2.0
 * Partitions and children that a statement need not read. */
#include "sql/plan_append.h"

bool plan_prune(plan_level *level, const plan_rel *rel, const rdb_partition_map *map, const int16_t *own_map, bool *kept)
{
    (void)level;
    (void)rel;
    (void)own_map;
    for (uint32_t i = 0; i < map->count; i++)
        kept[i] = true;
    return true;
}

bool plan_is_excluded(plan_level *level, const plan_rel *leaf, bool *is_excluded)
{
    (void)level;
    (void)leaf;
    *is_excluded = false;
    return true;
}
