/* SPDX-License-Identifier: Apache-2.0
 * The hash map: entries stand in one dense array in the order they came, a power-of-two table of entry numbers finds
 * them by linear probing. So iteration is a walk over an array, removing the entry at hand does not disturb it, and
 * growing copies no keys. A removed entry stays as a dead one until the table is next rebuilt.
 * What always holds: an index slot is 0 (empty) or entry number + 1, dead entries included; at most 3/4 are in use. */
#include "base/rdb_base.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define INLINE_KEY_BYTES 16

typedef struct map_entry {
    uint64_t hash;
    union {
        uint8_t bytes[INLINE_KEY_BYTES];
        uint8_t *heap;
    } key;
    void *value;
    uint32_t key_length;
    bool live;
} map_entry;

struct rdb_map {
    map_entry *entries;
    uint32_t *slots;
    uint32_t slot_count;  /* a power of two */
    uint32_t entry_count; /* dead ones too */
    uint32_t live_count;
};

#define FIRST_SLOTS 16

uint64_t rdb_hash64(const void *bytes, size_t length, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, length, seed);
}

static uint32_t entries_max(uint32_t slot_count)
{
    return slot_count / 4 * 3;
}

static const uint8_t *entry_key(const map_entry *entry)
{
    return entry->key_length <= INLINE_KEY_BYTES ? entry->key.bytes : entry->key.heap;
}

static void free_entry_key(map_entry *entry)
{
    if (entry->key_length > INLINE_KEY_BYTES)
        free(entry->key.heap);
}

static bool rebuild(rdb_map *map, uint32_t slot_count)
{
    map_entry *entries = malloc(sizeof *entries * entries_max(slot_count));
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (entries == NULL || slots == NULL) {
        free(entries);
        free(slots);
        return false;
    }
    uint32_t count = 0;
    for (uint32_t entry_no = 0; entry_no < map->entry_count; entry_no++) {
        if (!map->entries[entry_no].live)
            continue;
        entries[count] = map->entries[entry_no];
        uint32_t slot_no = (uint32_t)entries[count].hash & (slot_count - 1);
        while (slots[slot_no] != 0)
            slot_no = (slot_no + 1) & (slot_count - 1);
        slots[slot_no] = ++count;
    }
    free(map->entries);
    free(map->slots);
    map->entries = entries;
    map->slots = slots;
    map->slot_count = slot_count;
    map->entry_count = count;
    return true;
}

rdb_map *rdb_map_create(void)
{
    rdb_map *map = calloc(1, sizeof *map);
    if (map != NULL && !rebuild(map, FIRST_SLOTS)) {
        free(map);
        return NULL;
    }
    return map;
}

void rdb_map_destroy(rdb_map *map)
{
    if (map == NULL)
        return;
    for (uint32_t entry_no = 0; entry_no < map->entry_count; entry_no++)
        if (map->entries[entry_no].live)
            free_entry_key(&map->entries[entry_no]);
    free(map->entries);
    free(map->slots);
    free(map);
}

static map_entry *find_entry(const rdb_map *map, const void *key, size_t key_length, uint64_t hash)
{
    uint32_t mask = map->slot_count - 1;
    for (uint32_t slot_no = (uint32_t)hash & mask;; slot_no = (slot_no + 1) & mask) {
        uint32_t entry_no = map->slots[slot_no];
        if (entry_no == 0)
            return NULL;
        map_entry *entry = &map->entries[entry_no - 1];
        if (entry->live && entry->hash == hash && entry->key_length == key_length &&
            (key_length == 0 || memcmp(entry_key(entry), key, key_length) == 0))
            return entry;
    }
}

bool rdb_map_put(rdb_map *map, const void *key, size_t key_length, void *value, void **old)
{
    if (old != NULL)
        *old = NULL;
    if (key_length > UINT32_MAX)
        return false;
    uint64_t hash = rdb_hash64(key, key_length, 0);
    map_entry *entry = find_entry(map, key, key_length, hash);
    if (entry != NULL) {
        if (old != NULL)
            *old = entry->value;
        entry->value = value;
        return true;
    }
    if (map->entry_count == entries_max(map->slot_count)) {
        /* mostly dead: the same size is enough once they are gone */
        uint32_t slot_count = map->live_count < map->entry_count / 2 ? map->slot_count : map->slot_count * 2;
        if (slot_count == 0 || !rebuild(map, slot_count))
            return false;
    }
    map_entry fresh = {.hash = hash, .value = value, .key_length = (uint32_t)key_length, .live = true};
    uint8_t *target = fresh.key.bytes;
    if (key_length > INLINE_KEY_BYTES) {
        fresh.key.heap = target = malloc(key_length);
        if (target == NULL)
            return false;
    }
    if (key_length > 0)
        memcpy(target, key, key_length);
    uint32_t mask = map->slot_count - 1, slot_no = (uint32_t)hash & mask;
    while (map->slots[slot_no] != 0)
        slot_no = (slot_no + 1) & mask;
    map->entries[map->entry_count++] = fresh;
    map->slots[slot_no] = map->entry_count;
    map->live_count++;
    return true;
}

void *rdb_map_get(const rdb_map *map, const void *key, size_t key_length)
{
    if (map->live_count == 0)
        return NULL;
    map_entry *entry = find_entry(map, key, key_length, rdb_hash64(key, key_length, 0));
    return entry != NULL ? entry->value : NULL;
}

void *rdb_map_remove(rdb_map *map, const void *key, size_t key_length)
{
    map_entry *entry = find_entry(map, key, key_length, rdb_hash64(key, key_length, 0));
    if (entry == NULL)
        return NULL;
    free_entry_key(entry);
    entry->live = false;
    map->live_count--;
    return entry->value;
}

uint32_t rdb_map_count(const rdb_map *map)
{
    return map->live_count;
}

bool rdb_map_next(const rdb_map *map, uint32_t *cursor, rdb_slice *key, void **value)
{
    while (map->live_count > 0 && *cursor < map->entry_count) {
        const map_entry *entry = &map->entries[(*cursor)++];
        if (!entry->live)
            continue;
        if (key != NULL)
            *key = (rdb_slice){entry_key(entry), entry->key_length};
        if (value != NULL)
            *value = entry->value;
        return true;
    }
    return false;
}
