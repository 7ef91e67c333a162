/* SPDX-License-Identifier: Apache-2.0
 * The change map in memory and in its files (rdb_change_map.h says what holds). Bitmaps by fork; one mutex, taken once for each
 * page that goes to disk, beside which it costs nothing. */
#include "storage/rdb_change_map.h"
#include "storage_int.h"

#include "base/rdb_log.h"
#include "base/rdb_map.h"

#include <inttypes.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADER_BYTES = 40, FILES_MAX = 64, ENTRY_BYTES = 24 };
#define MAGIC UINT64_C(0x3130474843424452) /* "RDBCHG01" */

typedef struct fork_key {
    uint64_t file;
    uint32_t pdb, fork;
} fork_key;

typedef struct fork_bits {
    fork_key key;
    uint32_t word_count;
    uint64_t *words;
} fork_bits;

struct rdb_change_map {
    rdb_map *forks; /* fork_key → fork_bits */
};

static rdb_change_map *map_create(void)
{
    rdb_change_map *map = calloc(1, sizeof *map);
    if (map != NULL && (map->forks = rdb_map_create()) == NULL) {
        free(map);
        return NULL;
    }
    return map;
}

void rdb_change_map_free(rdb_change_map *map)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value = NULL;
    if (map == NULL)
        return;
    while (rdb_map_next(map->forks, &cursor, &key, &value)) {
        fork_bits *bits = value;
        free(bits->words);
        free(bits);
    }
    rdb_map_destroy(map->forks);
    free(map);
}

/* The fork's bitmap with room for so many words; NULL: no memory. */
static fork_bits *map_reserve(rdb_change_map *map, const fork_key *key, uint64_t word_count)
{
    fork_bits *bits = rdb_map_get(map->forks, key, sizeof *key);
    if (bits == NULL) {
        bits = calloc(1, sizeof *bits);
        if (bits == NULL)
            return NULL;
        bits->key = *key;
        if (!rdb_map_put(map->forks, key, sizeof *key, bits, NULL)) {
            free(bits);
            return NULL;
        }
    }
    if (word_count > bits->word_count) {
        if (word_count > UINT32_MAX / 2)
            return NULL;
        uint64_t target = RDB_MAX(word_count, RDB_MIN((uint64_t)bits->word_count * 2, word_count + 4096));
        uint64_t *words = realloc(bits->words, target * sizeof *words);
        if (words == NULL)
            return NULL;
        memset(words + bits->word_count, 0, (target - bits->word_count) * sizeof *words);
        bits->words = words;
        bits->word_count = (uint32_t)target;
    }
    return bits;
}

static bool map_add(rdb_change_map *map, const fork_key *key, uint64_t first, uint64_t count)
{
    fork_bits *bits = map_reserve(map, key, (first + count + 63) / 64);
    if (bits == NULL)
        return false;
    for (uint64_t block = first; block < first + count; block++)
        bits->words[block / 64] |= UINT64_C(1) << block % 64;
    return true;
}

static bool map_merge(rdb_change_map *into, const rdb_change_map *from)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value = NULL;
    while (rdb_map_next(from->forks, &cursor, &key, &value)) {
        const fork_bits *added = value;
        fork_bits *bits = map_reserve(into, &added->key, added->word_count);
        if (bits == NULL)
            return false;
        for (uint32_t i = 0; i < added->word_count; i++)
            bits->words[i] |= added->words[i];
    }
    return true;
}

bool rdb_change_map_next(const rdb_change_map *map, uint32_t *cursor, rdb_changed_blocks *blocks)
{
    rdb_slice key;
    void *value = NULL;
    if (!rdb_map_next(map->forks, cursor, &key, &value))
        return false;
    const fork_bits *bits = value;
    rdb_page_tag tag = {.file = bits->key.file, .pdb = bits->key.pdb, .fork = (uint8_t)bits->key.fork};
    *blocks = (rdb_changed_blocks){.file = tag.file, .pdb = tag.pdb, .fork = tag.fork, .word_count = bits->word_count, .words = bits->words};
    char name[96];
    storage_tag_name(name, tag);
    snprintf(blocks->path, sizeof blocks->path, "%.63s", name);
    return true;
}

uint64_t rdb_change_map_count(const rdb_change_map *map)
{
    uint64_t count = 0;
    uint32_t cursor = 0;
    rdb_changed_blocks blocks;
    while (rdb_change_map_next(map, &cursor, &blocks))
        for (uint32_t i = 0; i < blocks.word_count; i++)
            count += (uint64_t)__builtin_popcountll(blocks.words[i]);
    return count;
}

/* ---- files -------------------------------------------------------------------------------------------------------------- */

static void folder_path(const char *data_directory, char path[1200])
{
    snprintf(path, 1200, "%s/meta/changes", data_directory);
}

static bool map_write(const rdb_change_map *map, const char *data_directory, rdb_lsn start, rdb_lsn end, bool sync, rdb_error *err)
{
    char folder[1200], path[1300];
    uint8_t header[HEADER_BYTES] = {0};
    uint32_t cursor = 0;
    rdb_slice key;
    void *value = NULL;
    rdb_strbuf body, stored;
    rdb_strbuf_init(&body, NULL);
    rdb_strbuf_init(&stored, NULL);
    while (rdb_map_next(map->forks, &cursor, &key, &value)) {
        const fork_bits *bits = value;
        uint32_t first = 0, last = bits->word_count;
        uint8_t entry[ENTRY_BYTES];
        while (first < last && bits->words[first] == 0)
            first++;
        while (last > first && bits->words[last - 1] == 0)
            last--;
        rdb_put_u64(entry, bits->key.file);
        rdb_put_u32(entry + 8, bits->key.pdb);
        rdb_put_u32(entry + 12, bits->key.fork);
        rdb_put_u32(entry + 16, first);
        rdb_put_u32(entry + 20, last - first);
        rdb_strbuf_add(&body, entry, sizeof entry);
        for (uint32_t i = first; i < last; i++) {
            uint8_t word[8];
            rdb_put_u64(word, bits->words[i]);
            rdb_strbuf_add(&body, word, sizeof word);
        }
    }
    bool ok = rdb_strbuf_check(&body, err) &&
              (body.length <= LZ4_MAX_INPUT_SIZE || rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "the map of changed blocks is too large"));
    char *packed = ok ? malloc((size_t)LZ4_compressBound((int)body.length) + 1) : NULL;
    ok = ok && (packed != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory"));
    if (ok) {
        int length = LZ4_compress_default((const char *)body.data, packed, (int)body.length, LZ4_compressBound((int)body.length));
        rdb_put_u64(header, MAGIC);
        rdb_put_u64(header + 8, start);
        rdb_put_u64(header + 16, end);
        rdb_put_u64(header + 24, body.length);
        rdb_put_u32(header + 32, (uint32_t)length);
        rdb_put_u32(header + 36, rdb_crc32c(rdb_crc32c(0, header, 36), packed, (size_t)length));
        rdb_strbuf_add(&stored, header, sizeof header);
        rdb_strbuf_add(&stored, packed, (size_t)length);
        folder_path(data_directory, folder);
        snprintf(path, sizeof path, "%s/%016" PRIX64, folder, (uint64_t)end);
        char meta[1200];
        snprintf(meta, sizeof meta, "%s/meta", data_directory);
        ok = rdb_strbuf_check(&stored, err) &&
             (rdb_path_is_directory(folder) ||
              (rdb_path_make_directory(folder, 0700, true, err) && (!sync || rdb_path_sync_directory(meta, err)))) &&
             rdb_path_write_atomic(path, stored.data, stored.length, 0600, err);
    }
    free(packed);
    rdb_strbuf_free(&body);
    rdb_strbuf_free(&stored);
    return ok;
}

static bool add_body(rdb_change_map *map, const uint8_t *body, uint64_t length, bool *sound)
{
    uint64_t at = 0;
    while (at + ENTRY_BYTES <= length) {
        fork_key key = {.file = rdb_get_u64(body + at), .pdb = rdb_get_u32(body + at + 8), .fork = rdb_get_u32(body + at + 12)};
        uint64_t first = rdb_get_u32(body + at + 16), count = rdb_get_u32(body + at + 20);
        at += ENTRY_BYTES;
        if (key.fork > RDB_FORK_SPACE || count > (length - at) / 8)
            break;
        fork_bits *bits = map_reserve(map, &key, first + count);
        if (bits == NULL)
            return false;
        for (uint64_t i = 0; i < count; i++, at += 8)
            bits->words[first + i] |= rdb_get_u64(body + at);
    }
    *sound = at == length;
    return true;
}

/* Adds what the file tells; its moments come back. */
static bool map_read_file(rdb_change_map *map, const char *path, rdb_lsn *start, rdb_lsn *end, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("change map", NULL, NULL);
    rdb_slice content;
    bool sound = false;
    bool ok = (arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) &&
              rdb_path_read(path, arena, &content, INT32_MAX, err);
    const uint8_t *bytes = ok ? (const uint8_t *)content.data : NULL;
    uint64_t body_bytes = 0;
    if (ok && content.length >= HEADER_BYTES && rdb_get_u64(bytes) == MAGIC &&
        rdb_get_u32(bytes + 32) == content.length - HEADER_BYTES &&
        rdb_get_u32(bytes + 36) == rdb_crc32c(rdb_crc32c(0, bytes, 36), bytes + HEADER_BYTES, content.length - HEADER_BYTES)) {
        body_bytes = rdb_get_u64(bytes + 24);
        char *body = body_bytes <= LZ4_MAX_INPUT_SIZE ? malloc(body_bytes + 1) : NULL;
        ok = body != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (ok && LZ4_decompress_safe((const char *)bytes + HEADER_BYTES, body, (int)(content.length - HEADER_BYTES), (int)body_bytes) ==
                      (int)body_bytes)
            ok = add_body(map, (const uint8_t *)body, body_bytes, &sound) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        *start = rdb_get_u64(bytes + 8);
        *end = rdb_get_u64(bytes + 16);
        free(body);
    }
    rdb_arena_destroy(arena);
    return ok && (sound || rdb_error_set(err, RDB_DATA_CORRUPTED, "the map of changed blocks in file \"%s\" is damaged", path));
}

/* The end that a file's name says; 0: it is none of ours. */
static rdb_lsn end_of_name(const char *name)
{
    uint64_t end = 0;
    char rest = 0;
    return strlen(name) == 16 && sscanf(name, "%16" SCNx64 "%c", &end, &rest) == 1 ? end : 0;
}

static bool list_files(const char *folder, rdb_arena *arena, rdb_list *names, rdb_error *err)
{
    rdb_list all = {0};
    if (!rdb_path_is_directory(folder))
        return true;
    if (!rdb_path_list(folder, arena, &all, err))
        return false;
    for (uint32_t i = 0; i < all.count; i++)
        if (end_of_name(all.items[i]) != 0)
            rdb_list_push(arena, names, all.items[i]);
    return rdb_arena_check(arena, err);
}

/* All files with an end after since; *reaches: they and what comes after them leave no gap between since and end. */
static bool read_since(const char *data_directory, rdb_lsn since, rdb_lsn end, rdb_change_map *map, bool *reaches, rdb_error *err)
{
    char folder[1200], path[1300];
    rdb_list names = {0};
    rdb_lsn covered = end;
    rdb_arena *arena = rdb_arena_create("change map", NULL, NULL);
    folder_path(data_directory, folder);
    bool ok = (arena != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) && list_files(folder, arena, &names, err);
    for (uint32_t i = names.count; ok && i > 0 && covered > since; i--) { /* newest first: names sort as their ends */
        rdb_lsn file_start = 0, file_end = 0, named = end_of_name(names.items[i - 1]);
        if (named < covered)
            break; /* a gap */
        snprintf(path, sizeof path, "%s/%s", folder, (const char *)names.items[i - 1]);
        ok = map_read_file(map, path, &file_start, &file_end, err);
        if (ok && file_end != named)
            ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "the map of changed blocks in file \"%s\" is damaged", path);
        covered = RDB_MIN(covered, file_start);
    }
    *reaches = covered <= since;
    rdb_arena_destroy(arena);
    return ok;
}

static bool too_far_back(rdb_lsn since, rdb_error *err)
{
    rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "the map of changed blocks does not reach back to %X/%X",
                  (unsigned)(since >> 32), (unsigned)since);
    return rdb_error_hint(err, "Compare the pages themselves, or take a full backup.");
}

bool rdb_change_map_read(const char *data_directory, rdb_lsn since, rdb_lsn end, rdb_change_map **map, rdb_error *err)
{
    bool reaches = false;
    *map = map_create();
    bool ok = (*map != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")) &&
              read_since(data_directory, since, end, *map, &reaches, err) && (reaches || too_far_back(since, err));
    if (!ok) {
        rdb_change_map_free(*map);
        *map = NULL;
    }
    return ok;
}

/* Beyond so many files the older half becomes one, without what was dropped meanwhile. The one is durable under the name of the
 * newest of them before the others go; a crash between leaves files that overlap, which is fine. */
static bool merge_files(rdb_storage *storage, rdb_error *err)
{
    char folder[1200], path[1300];
    rdb_list names = {0};
    rdb_lsn first_start = 0, start = 0, end = 0;
    rdb_change_map *all = map_create(), *kept = map_create();
    rdb_arena *arena = rdb_arena_create("change map", NULL, NULL);
    folder_path(storage->directory, folder);
    bool ok = (arena != NULL && all != NULL && kept != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && list_files(folder, arena, &names, err);
    uint32_t half = names.count / 2;
    if (ok && names.count > FILES_MAX) {
        for (uint32_t i = 0; ok && i < half; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, (const char *)names.items[i]);
            ok = map_read_file(all, path, &start, &end, err);
            if (i == 0)
                first_start = start;
        }
        uint32_t cursor = 0;
        rdb_slice key;
        void *value = NULL;
        while (ok && rdb_map_next(all->forks, &cursor, &key, &value)) {
            const fork_bits *bits = value;
            if (!rdb_storage_file_exists(storage, bits->key.pdb, bits->key.file))
                continue;
            fork_bits *copy = map_reserve(kept, &bits->key, bits->word_count);
            ok = copy != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            if (ok)
                memcpy(copy->words, bits->words, bits->word_count * sizeof *bits->words);
        }
        ok = ok && map_write(kept, storage->directory, first_start, end, storage->config.sync, err);
        for (uint32_t i = 0; ok && i + 1 < half; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, (const char *)names.items[i]);
            ok = rdb_path_remove(path, true, err);
        }
    }
    rdb_arena_destroy(arena);
    rdb_change_map_free(all);
    rdb_change_map_free(kept);
    return ok;
}

/* ---- the storage's own ---------------------------------------------------------------------------------------------------- */

static bool is_off; /* set before a storage is opened */

void rdb_storage_changes_switch(bool on)
{
    is_off = !on;
}

bool changes_open(rdb_storage *storage, rdb_error *err)
{
    rdb_mutex_init(&storage->changes_lock, RDB_RANK_LEAF);
    rdb_mutex_init(&storage->changes_files_lock, RDB_RANK_UPKEEP);
    storage->changes = map_create();
    return storage->changes != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

void changes_close(rdb_storage *storage)
{
    rdb_change_map_free(storage->changes);
    rdb_mutex_deinit(&storage->changes_lock);
    rdb_mutex_deinit(&storage->changes_files_lock);
}

void changes_note(rdb_storage *storage, uint32_t pdb, uint64_t file, uint8_t fork, uint64_t first, uint64_t count)
{
    fork_key key = {.file = file, .pdb = pdb, .fork = fork};
    if (is_off)
        return;
    rdb_mutex_lock(&storage->changes_lock);
    if (!map_add(storage->changes, &key, first, count))
        storage->changes_start = UINT64_MAX; /* nothing is known until the next checkpoint */
    rdb_mutex_unlock(&storage->changes_lock);
}

void rdb_storage_changes_start(rdb_storage *storage, rdb_lsn redo_lsn)
{
    rdb_mutex_lock(&storage->changes_lock);
    storage->changes_start = is_off ? UINT64_MAX : redo_lsn;
    rdb_mutex_unlock(&storage->changes_lock);
}

void rdb_storage_changes_save(rdb_storage *storage, rdb_lsn redo_lsn)
{
    rdb_error err = {0};
    if (is_off) /* the files of earlier lives end below: later ones find the gap */
        return;
    rdb_change_map *fresh = map_create(), *saved = NULL;
    rdb_lsn start = UINT64_MAX;
    bool ok = fresh != NULL || rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_mutex_lock(&storage->changes_files_lock);
    if (ok) {
        rdb_mutex_lock(&storage->changes_lock);
        saved = storage->changes;
        start = storage->changes_start;
        storage->changes = fresh;
        storage->changes_start = redo_lsn;
        rdb_mutex_unlock(&storage->changes_lock);
        if (start != UINT64_MAX && start < redo_lsn)
            ok = map_write(saved, storage->directory, start, redo_lsn, storage->config.sync, &err);
        if (!ok) {
            rdb_mutex_lock(&storage->changes_lock);
            bool kept = storage->changes_start != UINT64_MAX && map_merge(storage->changes, saved);
            storage->changes_start = kept ? start : UINT64_MAX;
            rdb_mutex_unlock(&storage->changes_lock);
        }
        rdb_change_map_free(saved);
    }
    ok = ok && merge_files(storage, &err);
    rdb_mutex_unlock(&storage->changes_files_lock);
    if (!ok) {
        rdb_error_add_context(&err, "saving the map of changed blocks");
        rdb_log_error(RDB_LOG_WARN, "storage", &err);
    }
    rdb_error_clear(&err);
}

bool rdb_storage_changes_since(rdb_storage *storage, rdb_lsn since, rdb_change_map **out, rdb_error *err)
{
    bool reaches = false;
    rdb_change_map *map = map_create();
    bool ok = map != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *out = NULL;
    rdb_mutex_lock(&storage->changes_files_lock); /* no checkpoint moves bits from memory to a file meanwhile */
    if (ok) {
        rdb_mutex_lock(&storage->changes_lock);
        rdb_lsn start = storage->changes_start;
        ok = map_merge(map, storage->changes) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        rdb_mutex_unlock(&storage->changes_lock);
        ok = ok && (start != UINT64_MAX || too_far_back(since, err)) &&
             read_since(storage->directory, since, start, map, &reaches, err) && (reaches || too_far_back(since, err));
    }
    rdb_mutex_unlock(&storage->changes_files_lock);
    if (ok)
        *out = map;
    else
        rdb_change_map_free(map);
    return ok;
}
