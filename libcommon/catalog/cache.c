/* SPDX-License-Identifier: Apache-2.0
 * The cache of descriptors of a database, and the overlay of a transaction that changed catalog rows.
 *
 * Shared maps hold only what is committed. An object that a transaction changed is "dirty" in its overlay: the transaction
 * reads it from the tables, with its own changes, into the overlay's maps, and nobody else sees it. At commit the dirty
 * objects leave the shared maps and the epoch grows, before the locks fall; at abort the overlay is thrown away. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

enum { NAMES_MAX = 20000, INVALIDATION_PAYLOAD = 1 };

/* ---- entries ---------------------------------------------------------------------------------------------------------- */
bool entry_create(entry_kind kind, uint32_t oid, cache_entry **entry, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("catalog entry", NULL, NULL);
    *entry = NULL;
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *entry = RDB_NEW(arena, cache_entry);
    (*entry)->references = 1;
    (*entry)->kind = kind;
    (*entry)->oid = oid;
    (*entry)->arena = arena;
    return true;
}

void entry_release(cache_entry *entry)
{
    /* Release: what this thread read of the entry stays before another frees it. Acquire: the reverse, for the freer. */
    if (entry == NULL || atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < entry->need_count; i++)
        entry_release(entry->needs[i]);
    free(entry->needs);
    if (entry->kind == ENTRY_RELATION && entry->is.relation.has_gates)
        catalog_gates_put(&entry->is.relation);
    rdb_arena_destroy(entry->arena);
}

static void entry_retain(cache_entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed); /* the caller holds one already */
}

bool entry_need(cache_entry *entry, cache_entry *needed, rdb_error *err)
{
    for (uint32_t i = 0; i < entry->need_count; i++)
        if (entry->needs[i] == needed)
            return true;
    if (entry->need_count == entry->need_capacity) {
        uint32_t capacity = entry->need_capacity * 2 + 4;
        cache_entry **grown = realloc(entry->needs, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        entry->needs = grown;
        entry->need_capacity = capacity;
    }
    entry_retain(needed);
    entry->needs[entry->need_count++] = needed;
    return true;
}

/* ---- the shared maps ---------------------------------------------------------------------------------------------------- */
bool cache_init(rdb_database *database, rdb_error *err)
{
    rdb_mutex_init(&database->lock, RDB_RANK_LEAF);
    database->names = rdb_map_create();
    bool ok = database->names != NULL;
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++) {
        database->entries[kind] = rdb_map_create();
        ok = ok && database->entries[kind] != NULL;
    }
    return ok || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static void release_all(rdb_map *map)
{
    if (map == NULL)
        return;
    uint32_t cursor = 0;
    rdb_slice key;
    void *entry;
    while (rdb_map_next(map, &cursor, &key, &entry))
        entry_release(entry);
    rdb_map_destroy(map);
}

void cache_deinit(rdb_database *database)
{
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++)
        release_all(database->entries[kind]);
    rdb_map_destroy(database->names);
    rdb_mutex_deinit(&database->lock);
}

static bool pin(rdb_access *access, cache_entry *entry, rdb_error *err)
{
    if (access->pin_count == access->pin_capacity) {
        uint32_t capacity = access->pin_capacity * 2 + 8;
        cache_entry **grown = realloc(access->pins, capacity * sizeof *grown);
        if (grown == NULL) {
            entry_release(entry);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
        access->pins = grown;
        access->pin_capacity = capacity;
    }
    access->pins[access->pin_count++] = entry; /* takes over the caller's reference */
    return true;
}

static uint64_t dirty_key(uint32_t catalog_oid, uint32_t object_oid)
{
    return (uint64_t)catalog_oid << 32 | object_oid;
}

static bool is_dirty(const catalog_overlay *overlay, entry_kind kind, uint32_t oid)
{
    static const uint32_t catalog_of[ENTRY_KIND_COUNT] = {RDB_PG_CLASS, RDB_PG_TYPE, RDB_PG_PROC, RDB_PG_OPERATOR, RDB_PG_CAST};
    return rdb_map_get_u64(overlay->dirty, dirty_key(catalog_of[kind], oid)) != NULL;
}

/* Does the entry say, or point to, anything that the transaction changed? The row type of a table changes with it. */
static bool is_stale(const catalog_overlay *overlay, const cache_entry *entry)
{
    if (is_dirty(overlay, entry->kind, entry->oid))
        return true;
    if (entry->kind == ENTRY_TYPE && entry->is.type.relation_oid != 0 && is_dirty(overlay, ENTRY_RELATION, entry->is.type.relation_oid))
        return true;
    for (uint32_t i = 0; i < entry->need_count; i++)
        if (is_stale(overlay, entry->needs[i])) /* as deep as types nest */
            return true;
    return false;
}

static cache_entry *find_entry(rdb_map *map, uint32_t oid)
{
    cache_entry *found = rdb_map_get_u64(map, oid);
    if (found != NULL)
        entry_retain(found);
    return found;
}

static void keep_entry(rdb_map *map, cache_entry *entry)
{
    if (rdb_map_get_u64(map, entry->oid) != NULL)
        return; /* someone was faster */
    entry_retain(entry);
    if (!rdb_map_put_u64(map, entry->oid, entry))
        entry_release(entry); /* not kept for want of memory: read again next time */
}

bool cache_get(rdb_access *access, entry_kind kind, uint32_t oid, cache_entry **entry, rdb_error *err)
{
    rdb_database *database = access->context.database;
    *entry = NULL;
    catalog_overlay *overlay = overlay_find(access->context.catalog, access->context.txn);
    cache_entry *found = overlay != NULL ? find_entry(overlay->entries[kind], oid) : NULL;
    uint64_t epoch = rdb_catalog_epoch(database), generation = overlay != NULL ? overlay->generation : 0;
    if (found == NULL && (overlay == NULL || !is_dirty(overlay, kind, oid))) {
        rdb_mutex_lock(&database->lock);
        found = find_entry(database->entries[kind], oid);
        epoch = atomic_load_explicit(&database->epoch, memory_order_acquire);
        rdb_mutex_unlock(&database->lock);
        if (found != NULL && overlay != NULL && is_stale(overlay, found)) {
            entry_release(found);
            found = NULL;
        }
    }
    if (found == NULL) {
        if (access->loads)
            epoch = access->load_epoch; /* its snapshot is as old as that */
        if (!load_entry(access, kind, oid, epoch, &found, err))
            return false;
        if (found == NULL)
            return true;
        if (overlay != NULL && is_stale(overlay, found)) {
            if (overlay->generation == generation)
                keep_entry(overlay->entries[kind], found);
        } else {
            rdb_mutex_lock(&database->lock);
            if (atomic_load_explicit(&database->epoch, memory_order_acquire) == epoch)
                keep_entry(database->entries[kind], found);
            rdb_mutex_unlock(&database->lock);
        }
    }
    *entry = found;
    if (!pin(access, found, err)) {
        *entry = NULL;
        return false;
    }
    return true;
}

bool cache_find_name(rdb_access *access, char kind, uint32_t namespace_oid, const char *name, name_lookup lookup, uint32_t *oid, rdb_error *err)
{
    rdb_database *database = access->context.database;
    char key[8 + RDB_NAMEDATALEN];
    size_t length = strlen(name);
    *oid = 0;
    if (length >= RDB_NAMEDATALEN)
        return true;
    const catalog_overlay *overlay = overlay_find(access->context.catalog, access->context.txn);
    if (overlay != NULL && overlay->names_dirty)
        return lookup(access, namespace_oid, name, oid, err);
    key[0] = kind;
    memcpy(key + 1, &namespace_oid, sizeof namespace_oid);
    memcpy(key + 1 + sizeof namespace_oid, name, length);
    length += 1 + sizeof namespace_oid;
    rdb_mutex_lock(&database->lock);
    uintptr_t known = (uintptr_t)rdb_map_get(database->names, key, length);
    uint64_t epoch = atomic_load_explicit(&database->epoch, memory_order_acquire);
    rdb_mutex_unlock(&database->lock);
    if (known != 0) {
        *oid = (uint32_t)(known - 1);
        return true;
    }
    if (!lookup(access, namespace_oid, name, oid, err))
        return false;
    rdb_mutex_lock(&database->lock);
    if (atomic_load_explicit(&database->epoch, memory_order_acquire) == epoch && rdb_map_count(database->names) < NAMES_MAX &&
        !rdb_map_put(database->names, key, length, (void *)(uintptr_t)((uintptr_t)*oid + 1), NULL)) {
        /* Not remembered for want of memory: looked up again next time. */
    }
    rdb_mutex_unlock(&database->lock);
    return true;
}

/* ---- the overlay ---------------------------------------------------------------------------------------------------------- */
catalog_overlay *overlay_find(rdb_catalog *catalog, const rdb_txn *txn)
{
    /* Relaxed: an overlay is made by the thread that will look for it. */
    if (txn == NULL || atomic_load_explicit(&catalog->overlay_count, memory_order_relaxed) == 0)
        return NULL;
    rdb_mutex_lock(&catalog->overlay_lock);
    catalog_overlay *overlay = catalog->overlays;
    while (overlay != NULL && overlay->txn != txn)
        overlay = overlay->next;
    rdb_mutex_unlock(&catalog->overlay_lock);
    return overlay;
}

uint64_t overlay_generation_of(rdb_catalog *catalog, const rdb_txn *txn)
{
    const catalog_overlay *overlay = overlay_find(catalog, txn);
    return overlay != NULL ? overlay->generation : 0;
}

uint64_t overlay_generation(const rdb_access *access)
{
    return overlay_generation_of(access->context.catalog, access->context.txn);
}

static uint64_t next_generation(rdb_catalog *catalog)
{
    return atomic_fetch_add_explicit(&catalog->generation, 1, memory_order_relaxed) + 1; /* only has to differ */
}

static void overlay_forget_entries(catalog_overlay *overlay)
{
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++) {
        uint32_t cursor = 0;
        rdb_slice key;
        void *entry;
        while (rdb_map_next(overlay->entries[kind], &cursor, &key, &entry)) {
            rdb_map_remove(overlay->entries[kind], key.data, key.length);
            entry_release(entry);
        }
    }
    overlay->generation = next_generation(overlay->database->catalog);
}

static void overlay_destroy(catalog_overlay *overlay)
{
    rdb_catalog *catalog = overlay->database->catalog;
    rdb_mutex_lock(&catalog->overlay_lock);
    for (catalog_overlay **at = &catalog->overlays; *at != NULL; at = &(*at)->next) {
        if (*at == overlay) {
            *at = overlay->next;
            atomic_fetch_sub_explicit(&catalog->overlay_count, 1, memory_order_relaxed);
            break;
        }
    }
    rdb_mutex_unlock(&catalog->overlay_lock);
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++)
        release_all(overlay->entries[kind]);
    rdb_map_destroy(overlay->dirty);
    rdb_map_destroy(overlay->recounted);
    if (overlay->root_txn != NULL)
        rdb_txn_abort(&overlay->root_txn);
    free(overlay->hook_levels);
    free(overlay);
}

/* Tells everyone to forget what the transaction changed. The map of names goes as a whole: which names a changed object had
 * before is not known here. */
static void publish(catalog_overlay *overlay)
{
    rdb_database *database = overlay->database;
    uint32_t cursor;
    rdb_slice key;
    void *value;
    rdb_mutex_lock(&database->lock);
    /* Relations point to types: they go first, while what they point to can still be asked. */
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++) {
        cursor = 0;
        while (rdb_map_next(database->entries[kind], &cursor, &key, &value)) {
            if (!is_stale(overlay, value))
                continue;
            rdb_map_remove(database->entries[kind], key.data, key.length);
            entry_release(value);
        }
    }
    for (cursor = 0; overlay->recounted != NULL && rdb_map_next(overlay->recounted, &cursor, &key, &value);) {
        uint64_t oid;
        memcpy(&oid, key.data, sizeof oid);
        entry_release(rdb_map_remove_u64(database->entries[ENTRY_RELATION], oid));
    }
    for (cursor = 0; overlay->names_dirty && rdb_map_next(database->names, &cursor, &key, &value);)
        rdb_map_remove(database->names, key.data, key.length);
    if (rdb_map_count(overlay->dirty) > 0)
        atomic_fetch_add_explicit(&database->epoch, 1, memory_order_acq_rel);
    rdb_mutex_unlock(&database->lock);
}

/* What standbys forget when they replay the commit, and this server at the commit of a prepared transaction, whose overlay is long
 * gone: (system table, object) pairs, 8 bytes each. */
static bool add_payload(catalog_overlay *overlay, rdb_error *err)
{
    uint32_t recounted = overlay->recounted != NULL ? rdb_map_count(overlay->recounted) : 0;
    uint32_t count = rdb_map_count(overlay->dirty) + recounted, at = 0, cursor = 0;
    uint64_t *pairs = malloc((count + 1) * sizeof *pairs);
    if (pairs == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_slice key;
    void *value;
    while (rdb_map_next(overlay->dirty, &cursor, &key, &value))
        memcpy(&pairs[at++], key.data, sizeof *pairs);
    for (cursor = 0; recounted > 0 && rdb_map_next(overlay->recounted, &cursor, &key, &value);) {
        uint64_t oid;
        memcpy(&oid, key.data, sizeof oid);
        pairs[at++] = dirty_key(RDB_PG_CLASS, (uint32_t)oid);
    }
    if (count > 0)
        rdb_txn_add_commit_payload(overlay->txn, INVALIDATION_PAYLOAD, pairs, count * (uint32_t)sizeof *pairs);
    free(pairs);
    return true;
}

static void replay_payload(void *context, uint32_t pdb, const void *bytes, uint32_t length)
{
    static const char mark;
    rdb_catalog *catalog = context;
    catalog_overlay changes = {.dirty = rdb_map_create(), .names_dirty = true};
    RDB_VERIFY(changes.dirty != NULL); /* caches that went on unchanged would be wrong for good */
    for (uint32_t at = 0; at + sizeof(uint64_t) <= length; at += sizeof(uint64_t))
        RDB_VERIFY(rdb_map_put_u64(changes.dirty, rdb_get_u64((const uint8_t *)bytes + at), (void *)(uintptr_t)&mark));
    rdb_mutex_lock(&catalog->lock);
    changes.database = catalog->databases;
    while (changes.database != NULL && changes.database->pdb != pdb)
        changes.database = changes.database->next;
    if (changes.database != NULL)
        publish(&changes);
    rdb_mutex_unlock(&catalog->lock);
    rdb_map_destroy(changes.dirty);
}

void cache_register_payload(rdb_catalog *catalog)
{
    rdb_txn_register_payload(INVALIDATION_PAYLOAD, catalog != NULL ? replay_payload : NULL, catalog);
}

bool rdb_catalog_changes_shared(rdb_catalog *catalog, const rdb_txn *txn)
{
    const catalog_overlay *overlay = overlay_find(catalog, txn);
    return overlay != NULL && overlay->root_txn != NULL;
}

rdb_txn *rdb_catalog_shared_txn(rdb_catalog *catalog, const rdb_txn *txn)
{
    const catalog_overlay *overlay = overlay_find(catalog, txn);
    return overlay != NULL ? overlay->root_txn : NULL;
}

/* The companion in the root PDB has the same savepoints, as far as it was used in them. */
static void end_root_level(catalog_overlay *overlay, uint32_t level, bool rolls_back)
{
    if (overlay->root_txn == NULL || rdb_txn_current_level(overlay->root_txn) < level)
        return;
    if (rolls_back)
        rdb_txn_rollback_level(overlay->root_txn, level);
    else
        rdb_txn_release_level(overlay->root_txn, level);
}

static bool prepare_commit(catalog_overlay *overlay, rdb_error *err)
{
    rdb_scn scn;
    if (overlay->is_prepared)
        return true;
    overlay->is_prepared = true;
    return add_payload(overlay, err) && (overlay->root_txn == NULL || rdb_txn_commit(&overlay->root_txn, RDB_COMMIT_LOCAL, &scn, err));
}

/* The transaction calls a hook for the level that it was added in and those below, so there is one for each level that changed
 * something. The last one to be called ends the overlay. */
static bool overlay_event(void *context, rdb_txn *txn, rdb_txn_event event, uint32_t level, rdb_error *err)
{
    catalog_overlay *overlay = context;
    (void)txn;
    switch (event) {
    case RDB_TXN_PRE_COMMIT:
        return prepare_commit(overlay, err);
    case RDB_TXN_COMMITTED:
        if (!overlay->is_published)
            publish(overlay);
        overlay->is_published = true;
        overlay->hook_count--;
        break;
    case RDB_TXN_PREPARED: /* the payload says the rest */
    case RDB_TXN_ABORTED:
        overlay->hook_count--;
        break;
    case RDB_TXN_LEVEL_ABORTED:
        overlay->hook_count--; /* the newest one: it is forgotten with its level */
        overlay_forget_entries(overlay);
        end_root_level(overlay, level, true);
        break;
    case RDB_TXN_LEVEL_RELEASED:
        for (uint32_t i = 0; i < overlay->hook_count; i++)
            overlay->hook_levels[i] = RDB_MIN(overlay->hook_levels[i], level - 1);
        end_root_level(overlay, level, false);
        break;
    }
    if (overlay->hook_count == 0)
        overlay_destroy(overlay);
    return true;
}

static bool add_hook(catalog_overlay *overlay, rdb_error *err)
{
    const uint32_t level = rdb_txn_current_level(overlay->txn);
    if (overlay->hook_count > 0 && overlay->hook_levels[overlay->hook_count - 1] >= level)
        return true;
    if (overlay->hook_count == overlay->hook_capacity) {
        uint32_t capacity = overlay->hook_capacity * 2 + 4;
        uint32_t *grown = realloc(overlay->hook_levels, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        overlay->hook_levels = grown;
        overlay->hook_capacity = capacity;
    }
    overlay->hook_levels[overlay->hook_count++] = level;
    rdb_txn_add_callback(overlay->txn, overlay_event, overlay);
    return true;
}

bool overlay_need(rdb_access *access, catalog_overlay **needed, rdb_error *err)
{
    rdb_catalog *catalog = access->context.catalog;
    *needed = overlay_find(catalog, access->context.txn);
    if (*needed != NULL)
        return add_hook(*needed, err);
    if (access->context.txn == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "a catalog change needs a transaction");
    catalog_overlay *overlay = calloc(1, sizeof *overlay);
    bool ok = overlay != NULL;
    if (ok) {
        overlay->txn = access->context.txn;
        overlay->database = access->context.database;
        overlay->generation = next_generation(catalog);
        ok = (overlay->dirty = rdb_map_create()) != NULL;
        for (int kind = 0; ok && kind < ENTRY_KIND_COUNT; kind++)
            ok = (overlay->entries[kind] = rdb_map_create()) != NULL;
        ok = ok && add_hook(overlay, err);
    }
    if (!ok) {
        for (int kind = 0; overlay != NULL && kind < ENTRY_KIND_COUNT; kind++)
            rdb_map_destroy(overlay->entries[kind]);
        if (overlay != NULL)
            rdb_map_destroy(overlay->dirty);
        free(overlay);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    rdb_mutex_lock(&catalog->overlay_lock);
    overlay->next = catalog->overlays;
    catalog->overlays = overlay;
    atomic_fetch_add_explicit(&catalog->overlay_count, 1, memory_order_relaxed);
    rdb_mutex_unlock(&catalog->overlay_lock);
    *needed = overlay;
    return true;
}

bool overlay_note(rdb_access *access, uint32_t catalog_oid, uint32_t object_oid, rdb_error *err)
{
    static const char mark;
    catalog_overlay *overlay;
    if (!overlay_need(access, &overlay, err))
        return false;
    if (!rdb_map_put_u64(overlay->dirty, dirty_key(catalog_oid, object_oid), (void *)(uintptr_t)&mark))
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    overlay->names_dirty = true;
    overlay_forget_entries(overlay);
    return true;
}

bool overlay_note_figures(rdb_access *access, uint32_t relation_oid, rdb_error *err)
{
    static const char mark;
    catalog_overlay *overlay;
    if (!overlay_need(access, &overlay, err))
        return false;
    if ((overlay->recounted != NULL || (overlay->recounted = rdb_map_create()) != NULL) &&
        rdb_map_put_u64(overlay->recounted, relation_oid, (void *)(uintptr_t)&mark))
        return true;
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

void rdb_catalog_invalidate(rdb_access *access, uint32_t catalog_oid, uint32_t object_oid)
{
    rdb_error ignored = {0};
    if (!overlay_note(access, catalog_oid, object_oid, &ignored))
        RDB_VERIFY(rdb_error_is(&ignored, RDB_OUT_OF_MEMORY)); /* the row change itself has already noted it */
    rdb_error_clear(&ignored);
}
