/* SPDX-License-Identifier: Apache-2.0
 * A hash map from bytes (or a 64-bit number) to a pointer. Open addressing, not thread-safe, iteration in no order. */
#ifndef RDB_MAP_H
#define RDB_MAP_H

#include "base/rdb_string.h"

typedef struct rdb_map rdb_map;

rdb_map *rdb_map_create(void); /* malloc'ed; NULL when there is no memory */
void rdb_map_destroy(rdb_map *map); /* NULL is fine; values are the caller's */
/* Keys are copied. put replaces and returns through *old the former value (may be NULL); false: no memory. */
bool rdb_map_put(rdb_map *map, const void *key, size_t key_length, void *value, void **old);
void *rdb_map_get(const rdb_map *map, const void *key, size_t key_length); /* NULL: not there */
void *rdb_map_remove(rdb_map *map, const void *key, size_t key_length); /* the value it had, or NULL */
uint32_t rdb_map_count(const rdb_map *map);
/* *cursor starts at 0; false at the end. No put or remove of another key while iterating. */
bool rdb_map_next(const rdb_map *map, uint32_t *cursor, rdb_slice *key, void **value);

static inline bool rdb_map_put_u64(rdb_map *map, uint64_t key, void *value)
{
    return rdb_map_put(map, &key, sizeof key, value, NULL);
}
static inline void *rdb_map_get_u64(const rdb_map *map, uint64_t key)
{
    return rdb_map_get(map, &key, sizeof key);
}
static inline void *rdb_map_remove_u64(rdb_map *map, uint64_t key)
{
    return rdb_map_remove(map, &key, sizeof key);
}

/* 64-bit hash of bytes (xxh3). */
uint64_t rdb_hash64(const void *bytes, size_t length, uint64_t seed);

#endif
