/* SPDX-License-Identifier: Apache-2.0
 * The files of relations as bytes: every page of every file against its checksum and its place, read past the pool. Under a
 * server a page may be half written while it is read, so a bad one is read again; one that lies changed in the pool will be
 * written anew, whatever the disk has. */
#include "storage_int.h"

#include <stdlib.h>

enum { VERIFY_CHUNK = 1 << 20, VERIFY_TRIES = 40, VERIFY_PAUSE_US = 5000 };

typedef struct verification {
    const rdb_storage_check *check;
    rdb_storage_checked *checked;
    uint8_t *chunk;
} verification;

static void complain(verification *v, rdb_page_tag tag, const char *problem)
{
    char name[96];
    storage_tag_name(name, tag);
    v->checked->problems++;
    v->check->complain(v->check->context, name, tag, problem);
}

/* Is the page in the pool, and not yet on disk as it is there? */
static bool is_dirty(rdb_storage *storage, rdb_page_tag tag)
{
    rdb_error ignored = {0};
    rdb_buffer *buffer = NULL;
    bool dirty = false;
    if (rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &buffer, &ignored)) {
        dirty = (atomic_load_explicit(&buffer->state, memory_order_acquire) & FRAME_DIRTY) != 0;
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    }
    rdb_error_clear(&ignored);
    return dirty;
}

/* A page that looked bad, again and alone. *what NULL: it was half written, or is to be written anew. */
static bool look_again(verification *v, rdb_file *file, rdb_page_tag tag, uint8_t *page, const char **what, rdb_error *err)
{
    const rdb_storage_check *check = v->check;
    for (unsigned tries = 0; check->storage != NULL && *what != NULL && tries < VERIFY_TRIES; tries++) {
        size_t got = 0;
        rdb_time_sleep_us(VERIFY_PAUSE_US);
        if (!rdb_file_read(file, tag.block * check->page_bytes, page, check->page_bytes, &got, err))
            return false;
        if (got < check->page_bytes) /* the file was cut meanwhile */
            *what = NULL;
        else
            page_verify((const rdb_page *)(const void *)page, tag, check->page_bytes, what);
        if (*what != NULL && is_dirty(check->storage, tag))
            *what = NULL;
    }
    return true;
}

static bool verify_file(verification *v, const char *path, rdb_page_tag tag, rdb_error *err)
{
    const rdb_storage_check *check = v->check;
    const uint32_t page_bytes = check->page_bytes;
    rdb_file *file = NULL;
    bool ok = rdb_file_open(&file, path, RDB_FILE_READ, err);
    if (!ok && check->storage != NULL && strcmp(err->sqlstate, RDB_UNDEFINED_FILE) == 0) {
        rdb_error_clear(err); /* dropped meanwhile */
        return true;
    }
    v->checked->files += ok;
    for (size_t got = VERIFY_CHUNK; ok && got == VERIFY_CHUNK;) {
        ok = (check->cancel == NULL || rdb_cancel_check(check->cancel, err)) &&
             rdb_file_read(file, tag.block * page_bytes, v->chunk, VERIFY_CHUNK, &got, err);
        for (size_t at = 0; ok && at + page_bytes <= got; at += page_bytes, tag.block++) {
            const char *what = NULL;
            v->checked->pages++;
            if (page_verify((const rdb_page *)(const void *)(v->chunk + at), tag, page_bytes, &what))
                continue;
            ok = look_again(v, file, tag, v->chunk + at, &what, err);
            if (ok && what != NULL)
                complain(v, tag, what);
        }
        if (ok && got % page_bytes != 0 && check->storage == NULL)
            complain(v, tag, "The file ends inside this page");
    }
    return rdb_file_close(&file, err) && ok;
}

static bool parse_number(const char *text, const char *end, uint64_t *number)
{
    *number = 0;
    for (; text != end; text++) {
        if (*text < '0' || *text > '9' || *number > UINT64_MAX / 16)
            return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

static bool verify_folder(verification *v, rdb_arena *arena, const char *folder, unsigned file_class, uint32_t pdb, rdb_error *err)
{
    rdb_list names = {0};
    if (!rdb_path_list(folder, arena, &names, err))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        const char *name = names.items[i], *dot = strchr(name, '.');
        uint64_t number;
        if (name[0] == '\0' || name[0] == '.' || !parse_number(name, dot != NULL ? dot : name + strlen(name), &number) ||
            (dot != NULL && strcmp(dot, ".space") != 0))
            continue; /* no name of ours */
        rdb_page_tag tag = {.file = RDB_FILE_NO(file_class, number), .pdb = pdb, .fork = dot != NULL ? RDB_FORK_SPACE : RDB_FORK_MAIN};
        const char *path = rdb_arena_printf(arena, "%s/%s", folder, name);
        if (!rdb_arena_check(arena, err) || !verify_file(v, path, tag, err))
            return false;
    }
    return true;
}

bool rdb_storage_verify_files(const rdb_storage_check *check, rdb_storage_checked *checked, rdb_error *err)
{
    static const char *const folders[] = {NULL, "tables", "indexes", "undo", "xact"};
    verification v = {.check = check, .checked = checked};
    rdb_arena *arena = rdb_arena_create("verify", NULL, NULL);
    v.chunk = aligned_alloc(64, VERIFY_CHUNK);
    bool ok = (arena != NULL && v.chunk != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (unsigned file_class = 1; ok && file_class < RDB_COUNT_OF(folders); file_class++) {
        const char *folder = rdb_arena_printf(arena, "%s/%s", check->data_directory, folders[file_class]);
        rdb_list pdbs = {0};
        ok = rdb_arena_check(arena, err) && (!rdb_path_is_directory(folder) || rdb_path_list(folder, arena, &pdbs, err));
        for (uint32_t i = 0; ok && i < pdbs.count; i++) {
            const char *name = pdbs.items[i];
            uint64_t pdb;
            if (!parse_number(name, name + strlen(name), &pdb) || pdb > UINT32_MAX || (check->pdb != 0 && pdb != check->pdb))
                continue;
            const char *path = rdb_arena_printf(arena, "%s/%s", folder, name);
            ok = rdb_arena_check(arena, err) && verify_folder(&v, arena, path, file_class, (uint32_t)pdb, err);
        }
    }
    free(v.chunk);
    rdb_arena_destroy(arena);
    return ok;
}

const char *rdb_storage_data_directory(const rdb_storage *storage)
{
    return storage->directory;
}
