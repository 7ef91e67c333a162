/* SPDX-License-Identifier: Apache-2.0
 * Rebuilding a directory from a record, as a crash left it. The first pass walks the log in the world as it was and
 * finds, for each change of a name and each change of a file's bytes, whether a later sync made it durable; the second
 * applies what survives. Names belong to directory objects and bytes to file objects, not to paths, so that a directory
 * that was renamed, or a file written under a name it lost since, comes out right.
 * What always holds: what was synced before the point survives in every mode; nothing that was not recorded appears. */
#include "os/fault_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECTOR_BYTES 512

uint32_t rdb_fault_log_base(const rdb_fault_log *log)
{
    return log->base;
}

uint32_t rdb_fault_log_count(const rdb_fault_log *log)
{
    return log->count;
}

void rdb_fault_log_destroy(rdb_fault_log *log)
{
    if (log == NULL)
        return;
    for (uint32_t entry_no = 0; entry_no < log->count; entry_no++)
        free(log->entries[entry_no]);
    free(log->entries);
    free(log);
}

fault_entry fault_log_get(const rdb_fault_log *log, uint32_t entry_no)
{
    const uint8_t *bytes = log->entries[entry_no];
    fault_header header;
    memcpy(&header, bytes, sizeof header);
    const uint8_t *name = bytes + sizeof header, *second = name + header.name_length, *data = second + header.second_length;
    return (fault_entry){.kind = header.kind,
                         .inode = header.inode,
                         .offset = header.offset,
                         .name = {name, header.name_length},
                         .second = {second, header.second_length},
                         .data = {data, (size_t)(bytes + header.bytes - data)}};
}

bool rdb_fault_log_load(rdb_fault_log **log, const char *log_path, rdb_error *err)
{
    *log = NULL;
    rdb_fault_log *loaded = calloc(1, sizeof *loaded);
    FILE *stream = fopen(log_path, "rbe");
    char magic[8];
    bool ok = false;
    if (loaded == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        goto out;
    }
    if (stream == NULL) {
        rdb_error_set_errno(err, errno, "could not open file \"%s\"", log_path);
        goto out;
    }
    if (fread(magic, 1, 8, stream) != 8 || memcmp(magic, FAULT_LOG_MAGIC, 8) != 0) {
        rdb_error_set(err, RDB_DATA_CORRUPTED, "\"%s\" is not a record of file operations", log_path);
        goto out;
    }
    for (fault_header header; fread(&header, sizeof header, 1, stream) == 1;) {
        size_t names = (size_t)header.name_length + header.second_length;
        if (header.bytes < sizeof header + names)
            break;
        uint8_t *entry = malloc(header.bytes);
        size_t rest = header.bytes - sizeof header;
        if (entry != NULL)
            memcpy(entry, &header, sizeof header);
        if (entry == NULL || fread(entry + sizeof header, 1, rest, stream) != rest ||
            header.crc != rdb_crc32c(0, entry + 8, header.bytes - 8)) {
            free(entry);
            break; /* the recording process was killed in the middle of this one */
        }
        if (!fault_log_add(loaded, entry)) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            goto out;
        }
    }
    *log = loaded;
    loaded = NULL;
    ok = true;
out:
    if (stream != NULL)
        fclose(stream);
    rdb_fault_log_destroy(loaded);
    return ok;
}

uint64_t rdb_fault_log_note_at(const rdb_fault_log *log, uint32_t point)
{
    uint64_t greatest = 0;
    for (uint32_t entry_no = 0; entry_no < point && entry_no < log->count; entry_no++) {
        fault_entry entry = fault_log_get(log, entry_no);
        if (entry.kind == FAULT_NOTE && entry.offset > greatest)
            greatest = entry.offset;
    }
    return greatest;
}

/* The last name an object was given before entry_no, for people. */
static rdb_slice last_name(const rdb_fault_log *log, uint32_t entry_no, uint64_t inode)
{
    rdb_slice name = {(const uint8_t *)"?", 1};
    for (uint32_t before = 0; before < entry_no; before++) {
        fault_entry entry = fault_log_get(log, before);
        if (entry.kind == FAULT_CREATE && entry.inode == inode)
            name = entry.name;
        else if (entry.kind == FAULT_RENAME && entry.name.length == name.length &&
                 memcmp(entry.name.data, name.data, name.length) == 0)
            name = entry.second;
    }
    return name;
}

void rdb_fault_log_describe(const rdb_fault_log *log, uint32_t entry_no, rdb_strbuf *line)
{
    static const char *const NAMES[] = {"?",    "create", "mkdir",  "write",   "truncate", "sync",
                                        "rename", "remove", "syncdir", "note", "base"};
    fault_entry entry = fault_log_get(log, entry_no);
    rdb_slice name = entry.name;
    if (entry.kind == FAULT_WRITE || entry.kind == FAULT_TRUNCATE || entry.kind == FAULT_SYNC)
        name = last_name(log, entry_no, entry.inode);
    rdb_strbuf_addf(line, "%s %.*s", NAMES[entry.kind], (int)name.length, (const char *)name.data);
    if (entry.kind == FAULT_WRITE)
        rdb_strbuf_addf(line, " %llu+%zu", (unsigned long long)entry.offset, entry.data.length);
    else if (entry.kind == FAULT_TRUNCATE || entry.kind == FAULT_NOTE)
        rdb_strbuf_addf(line, " %llu", (unsigned long long)entry.offset);
    else if (entry.kind == FAULT_RENAME)
        rdb_strbuf_addf(line, " to %.*s", (int)entry.second.length, (const char *)entry.second.data);
}

/* ---- the two worlds ---------------------------------------------------------------------------------------------- */

typedef struct object object;

typedef struct child {
    const char *name;
    object *object; /* NULL: the name is free */
} child;

struct object {
    bool is_directory;
    uint64_t inode;
    rdb_list was, kept;     /* child: a directory's names as they were, and as they survive */
    rdb_list changes;       /* entry numbers + 1: writes and truncations in order */
    uint32_t durable_count; /* so many of changes are covered by a sync */
};

/* A change of names. A rename counts as durable once the directory it went into is synced. */
typedef struct name_change {
    object *removed_from, *added_to; /* either may be NULL */
    const char *removed_name, *added_name;
    object *what;
    bool durable;
} name_change;

typedef struct replay {
    const rdb_fault_log *log;
    rdb_arena *arena;
    object *root;
    rdb_map *objects;   /* inode to the object that has it now */
    rdb_list name_changes;
    uint32_t first_pending; /* every name change below it is durable */
    rdb_crash_mode mode;
    uint64_t seed;
} replay;

static child *find_child(const rdb_list *names, const char *name)
{
    for (uint32_t child_no = 0; child_no < names->count; child_no++) {
        child *at = names->items[child_no];
        if (strcmp(at->name, name) == 0)
            return at;
    }
    return NULL;
}

static void set_child(replay *r, rdb_list *names, const char *name, object *what)
{
    child *at = find_child(names, name);
    if (at == NULL) {
        at = RDB_NEW(r->arena, child);
        at->name = name;
        rdb_list_push(r->arena, names, at);
    }
    at->object = what;
}

/* The directory object of the path's parent, and the last name; NULL where the log knows no such directory. */
static object *find_parent(replay *r, rdb_slice path, const char **last)
{
    object *at = r->root;
    char *text = rdb_arena_strndup(r->arena, (const char *)path.data, path.length);
    for (char *slash; (slash = strchr(text, '/')) != NULL; text = slash + 1) {
        *slash = '\0';
        child *step = find_child(&at->was, text);
        if (step == NULL || step->object == NULL)
            return NULL;
        at = step->object;
    }
    *last = text;
    return at;
}

static object *find_object(replay *r, rdb_slice path)
{
    if (path.length == 0)
        return r->root;
    const char *last;
    object *parent = find_parent(r, path, &last);
    child *at = parent != NULL ? find_child(&parent->was, last) : NULL;
    return at != NULL ? at->object : NULL;
}

static bool replay_create(replay *r, const fault_entry *entry)
{
    const char *last;
    object *parent = find_parent(r, entry->name, &last), *made = RDB_NEW(r->arena, object);
    if (parent == NULL)
        return true;
    made->is_directory = entry->kind == FAULT_MKDIR;
    made->inode = entry->inode;
    set_child(r, &parent->was, last, made);
    name_change *change = RDB_NEW(r->arena, name_change);
    *change = (name_change){.added_to = parent, .added_name = last, .what = made};
    rdb_list_push(r->arena, &r->name_changes, change);
    return rdb_map_put_u64(r->objects, entry->inode, made);
}

static void replay_rename(replay *r, const fault_entry *entry)
{
    const char *from_name, *to_name;
    object *from = find_parent(r, entry->name, &from_name), *to = find_parent(r, entry->second, &to_name);
    object *what = find_object(r, entry->name);
    if (from == NULL || to == NULL || what == NULL)
        return;
    set_child(r, &from->was, from_name, NULL);
    set_child(r, &to->was, to_name, what);
    name_change *change = RDB_NEW(r->arena, name_change);
    *change = (name_change){from, to, from_name, to_name, what, false};
    rdb_list_push(r->arena, &r->name_changes, change);
}

static void replay_remove(replay *r, const fault_entry *entry)
{
    const char *name;
    object *from = find_parent(r, entry->name, &name);
    if (from == NULL)
        return;
    name_change *change = RDB_NEW(r->arena, name_change);
    *change = (name_change){.removed_from = from, .removed_name = name, .what = find_object(r, entry->name)};
    set_child(r, &from->was, name, NULL);
    rdb_list_push(r->arena, &r->name_changes, change);
}

static void replay_sync_directory(replay *r, const object *directory)
{
    bool all_durable = true;
    for (uint32_t change_no = r->first_pending; change_no < r->name_changes.count; change_no++) {
        name_change *change = r->name_changes.items[change_no];
        if (directory == (change->added_to != NULL ? change->added_to : change->removed_from))
            change->durable = true;
        all_durable = all_durable && change->durable;
        if (all_durable)
            r->first_pending = change_no + 1;
    }
}

static bool replay_entry(replay *r, uint32_t entry_no)
{
    fault_entry entry = fault_log_get(r->log, entry_no);
    object *file;
    switch (entry.kind) {
    case FAULT_CREATE:
    case FAULT_MKDIR:
        return replay_create(r, &entry);
    case FAULT_WRITE:
    case FAULT_TRUNCATE:
        file = rdb_map_get_u64(r->objects, entry.inode);
        if (file != NULL)
            rdb_list_push(r->arena, &file->changes, (void *)((uintptr_t)entry_no + 1));
        break;
    case FAULT_SYNC:
        file = rdb_map_get_u64(r->objects, entry.inode);
        if (file != NULL)
            file->durable_count = file->changes.count;
        break;
    case FAULT_RENAME:
        replay_rename(r, &entry);
        break;
    case FAULT_REMOVE:
        replay_remove(r, &entry);
        break;
    case FAULT_SYNC_DIRECTORY:
        replay_sync_directory(r, find_object(r, entry.name));
        break;
    case FAULT_NOTE:
    case FAULT_BASE_END:
        break;
    }
    return true;
}

static void keep_names(replay *r)
{
    uint32_t pending = 0;
    for (uint32_t change_no = 0; change_no < r->name_changes.count; change_no++)
        pending += !((name_change *)r->name_changes.items[change_no])->durable;
    uint32_t survive = r->mode == RDB_CRASH_KEEP_ALL ? pending : 0;
    if (r->mode == RDB_CRASH_TEAR)
        survive = (uint32_t)(rdb_hash64("names", 5, r->seed) % (pending + 1));
    for (uint32_t change_no = 0; change_no < r->name_changes.count; change_no++) {
        name_change *change = r->name_changes.items[change_no];
        if (!change->durable) {
            if (survive == 0)
                continue;
            survive--;
        }
        if (change->removed_from != NULL) {
            child *at = find_child(&change->removed_from->kept, change->removed_name);
            if (at != NULL && at->object == change->what)
                at->object = NULL;
        }
        if (change->added_to != NULL)
            set_child(r, &change->added_to->kept, change->added_name, change->what);
    }
}

/* ---- writing out ------------------------------------------------------------------------------------------------- */

/* What survives of one unsynced change. */
typedef enum survival { SURVIVES, LOST, TORN } survival;

static survival decide(const replay *r, uint32_t entry_no)
{
    if (r->mode == RDB_CRASH_KEEP_ALL)
        return SURVIVES;
    if (r->mode == RDB_CRASH_LOSE_UNSYNCED)
        return LOST;
    switch (rdb_hash64(&entry_no, sizeof entry_no, r->seed) % 4) {
    case 0:
        return LOST;
    case 1:
        return TORN;
    default:
        return SURVIVES;
    }
}

static bool is_all_zero(rdb_slice data)
{
    return data.length == 0 || (data.data[0] == 0 && memcmp(data.data, data.data + 1, data.length - 1) == 0);
}

static bool write_range(int fd, uint64_t *size, uint64_t offset, rdb_slice data)
{
    uint64_t end = offset + data.length;
    bool past_the_end = offset >= *size;
    if (end > *size)
        *size = end;
    if (past_the_end && is_all_zero(data)) /* a hole reads the same and costs nothing */
        return true;
    for (size_t done = 0; done < data.length;) {
        ssize_t count = pwrite(fd, data.data + done, data.length - done, (off_t)(offset + done));
        if (count < 0 && errno != EINTR)
            return false;
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool write_torn(const replay *r, uint32_t entry_no, int fd, uint64_t *size, const fault_entry *entry)
{
    for (uint64_t at = entry->offset, end = entry->offset + entry->data.length; at < end;) {
        uint64_t next = RDB_MIN((at / SECTOR_BYTES + 1) * SECTOR_BYTES, end);
        uint64_t which[2] = {entry_no, at / SECTOR_BYTES};
        rdb_slice part = {entry->data.data + (at - entry->offset), (size_t)(next - at)};
        if ((rdb_hash64(which, sizeof which, r->seed) & 1) != 0 && !write_range(fd, size, at, part))
            return false;
        at = next;
    }
    return true;
}

static bool write_file(const replay *r, const object *file, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    uint64_t size = 0;
    bool ok = true;
    for (uint32_t change_no = 0; ok && change_no < file->changes.count; change_no++) {
        uint32_t entry_no = (uint32_t)((uintptr_t)file->changes.items[change_no] - 1);
        fault_entry entry = fault_log_get(r->log, entry_no);
        survival fate = change_no < file->durable_count ? SURVIVES : decide(r, entry_no);
        if (fate == LOST)
            continue;
        if (entry.kind == FAULT_TRUNCATE) {
            size = entry.offset;
            ok = ftruncate(fd, (off_t)size) == 0;
        } else if (fate == TORN) {
            ok = write_torn(r, entry_no, fd, &size, &entry);
        } else {
            ok = write_range(fd, &size, entry.offset, entry.data);
        }
    }
    ok = ok && ftruncate(fd, (off_t)size) == 0;
    return close(fd) == 0 && ok;
}

typedef struct pending_directory {
    const object *directory;
    const char *path;
} pending_directory;

static bool write_tree(replay *r, const char *target, rdb_error *err)
{
    rdb_list left = {0};
    pending_directory *first = RDB_NEW(r->arena, pending_directory);
    *first = (pending_directory){r->root, target};
    rdb_list_push(r->arena, &left, first);
    while (left.count > 0) {
        pending_directory *at = left.items[--left.count];
        for (uint32_t child_no = 0; child_no < at->directory->kept.count; child_no++) {
            const child *entry = at->directory->kept.items[child_no];
            if (entry->object == NULL)
                continue;
            char *path = rdb_arena_printf(r->arena, "%s/%s", at->path, entry->name);
            if (!entry->object->is_directory) {
                if (!write_file(r, entry->object, path))
                    return rdb_error_set_errno(err, errno, "could not write file \"%s\"", path);
                continue;
            }
            if (!rdb_path_make_directory(path, 0700, true, err))
                return false;
            pending_directory *next = RDB_NEW(r->arena, pending_directory);
            *next = (pending_directory){entry->object, path};
            rdb_list_push(r->arena, &left, next);
        }
    }
    return true;
}

/* Follows the log up to the point and decides which names stay. */
static bool replay_to(replay *r, uint32_t point, rdb_error *err)
{
    r->arena = rdb_arena_create("fault replay", NULL, NULL);
    r->objects = rdb_map_create();
    if (r->arena == NULL || r->objects == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    r->root = RDB_NEW(r->arena, object);
    r->root->is_directory = true;
    for (uint32_t entry_no = 0; entry_no < point && entry_no < r->log->count; entry_no++)
        if (!replay_entry(r, entry_no))
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    keep_names(r);
    return true;
}

static void replay_end(replay *r)
{
    rdb_map_destroy(r->objects);
    rdb_arena_destroy(r->arena);
}

bool rdb_fault_log_rebuild(const rdb_fault_log *log, uint32_t point, rdb_crash_mode mode, uint64_t seed,
                           const char *target, rdb_error *err)
{
    replay r = {.log = log, .mode = mode, .seed = seed};
    bool ok = replay_to(&r, point, err) && rdb_path_remove_tree(target, err) && rdb_path_make_directory(target, 0700, false, err) &&
              write_tree(&r, target, err);
    replay_end(&r);
    return ok;
}

/* What survives of a file: its changes that do, and of torn ones which sectors. */
static uint64_t hash_file(const replay *r, const object *file, uint64_t hash)
{
    for (uint32_t change_no = 0; change_no < file->changes.count; change_no++) {
        uint32_t entry_no = (uint32_t)((uintptr_t)file->changes.items[change_no] - 1);
        survival fate = change_no < file->durable_count ? SURVIVES : decide(r, entry_no);
        if (fate == LOST)
            continue;
        hash = rdb_hash64(&entry_no, sizeof entry_no, hash);
        if (fate != TORN)
            continue;
        fault_entry entry = fault_log_get(r->log, entry_no);
        for (uint64_t at = entry.offset / SECTOR_BYTES; at * SECTOR_BYTES < entry.offset + entry.data.length; at++) {
            uint64_t which[2] = {entry_no, at};
            const bool is_kept = (rdb_hash64(which, sizeof which, r->seed) & 1) != 0;
            hash = rdb_hash64(&is_kept, sizeof is_kept, hash);
        }
    }
    return hash;
}

static uint64_t hash_directory(const replay *r, const object *directory, uint64_t hash, unsigned depth)
{
    uint64_t sum = hash; /* the order in which names came does not matter */
    for (uint32_t child_no = 0; child_no < directory->kept.count && depth < 64; child_no++) {
        const child *entry = directory->kept.items[child_no];
        if (entry->object == NULL)
            continue;
        uint64_t name = rdb_hash64(entry->name, strlen(entry->name), hash);
        sum += entry->object->is_directory ? hash_directory(r, entry->object, name, depth + 1) : hash_file(r, entry->object, name);
    }
    return sum;
}

bool rdb_fault_log_state(const rdb_fault_log *log, uint32_t point, rdb_crash_mode mode, uint64_t seed, uint64_t *state, rdb_error *err)
{
    replay r = {.log = log, .mode = mode, .seed = seed};
    bool ok = replay_to(&r, point, err);
    *state = ok ? hash_directory(&r, r.root, 1, 0) : 0;
    replay_end(&r);
    return ok;
}
