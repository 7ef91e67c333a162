/* SPDX-License-Identifier: Apache-2.0
 * Arenas: memory that is given back together. They nest by life, not by pointer (session, transaction, statement,
 * batch). One thread uses an arena at a time.
 *
 * A small allocation never fails, so that code that builds trees reads plainly: when malloc or the account refuses,
 * the arena is marked exhausted and goes on from a process-wide reserve, and the next rdb_arena_check (at statement
 * and batch boundaries, and in every loop over user data) turns that into SQLSTATE 53200. Sizes that follow user data
 * (a text, an array, a hash table) go through rdb_arena_try_alloc, which can fail. */
#ifndef RDB_ARENA_H
#define RDB_ARENA_H

#include "base/rdb_error.h"

typedef struct rdb_arena rdb_arena;

/* What an arena begins with, so that the common allocation is a few instructions in its caller. Nobody else's. */
typedef struct rdb_arena_room {
    uint8_t *next, *limit;
} rdb_arena_room;

/* Called before an arena takes (bytes > 0) or after it gives back (bytes < 0) memory of the system; false refuses. */
typedef bool (*rdb_arena_charge)(void *account, int64_t bytes);

/* At most this much is promised by rdb_arena_alloc; more goes through rdb_arena_try_alloc. */
#define RDB_ARENA_SMALL_BYTES (64u << 10)

/* name: static text, for reports. charge and account may be NULL. NULL when there is no memory. */
rdb_arena *rdb_arena_create(const char *name, rdb_arena_charge charge, void *account);
void rdb_arena_destroy(rdb_arena *arena); /* NULL is fine */
/* Frees all; keeps the first block for reuse and forgets exhaustion. Debug builds overwrite what is released. */
void rdb_arena_reset(rdb_arena *arena);

/* 16-byte aligned, never NULL, not cleared. The reserve stands behind sizes up to RDB_ARENA_SMALL_BYTES; a larger one is
 * taken past a refusing account (and marks the arena), and only when malloc itself has none does the process end. */
static inline void *rdb_arena_alloc(rdb_arena *arena, size_t bytes);
void *rdb_arena_alloc_slowly(rdb_arena *arena, size_t bytes);
void *rdb_arena_zalloc(rdb_arena *arena, size_t bytes);
/* Any size; NULL with err (53200) when refused. */
void *rdb_arena_try_alloc(rdb_arena *arena, size_t bytes, rdb_error *err);
/* A larger copy of an earlier allocation (in place where it was the last one); NULL with err when refused. */
void *rdb_arena_try_grow(rdb_arena *arena, void *old, size_t old_bytes, size_t new_bytes, rdb_error *err);
char *rdb_arena_strdup(rdb_arena *arena, const char *text);
char *rdb_arena_strndup(rdb_arena *arena, const char *text, size_t length);
void *rdb_arena_memdup(rdb_arena *arena, const void *bytes, size_t length);
char *rdb_arena_printf(rdb_arena *arena, const char *format, ...) RDB_PRINTF(2, 3);
/* False with 53200 where an allocation since the last reset was refused. */
RDB_CHECKED bool rdb_arena_check(const rdb_arena *arena, rdb_error *err);
size_t rdb_arena_bytes(const rdb_arena *arena); /* taken from the system */

/* A point to return to: rewind frees what was allocated after the mark, and only that. Marks nest like a stack. */
typedef struct rdb_arena_mark {
    void *block;
    size_t used;
} rdb_arena_mark;
rdb_arena_mark rdb_arena_get_mark(const rdb_arena *arena);
void rdb_arena_rewind(rdb_arena *arena, rdb_arena_mark mark);

#define RDB_NEW(arena, type) ((type *)rdb_arena_zalloc((arena), sizeof(type)))
#define RDB_NEW_ARRAY(arena, type, count) ((type *)rdb_arena_zalloc((arena), sizeof(type) * (size_t)(count)))

#if defined(__SANITIZE_ADDRESS__)
#define RDB_ARENA_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RDB_ARENA_CHECKED 1
#endif
#endif

static inline void *rdb_arena_alloc(rdb_arena *arena, size_t bytes)
{
#ifndef RDB_ARENA_CHECKED
    rdb_arena_room *room = (rdb_arena_room *)arena;
    size_t rounded = (bytes + 15) & ~(size_t)15;
    /* rounded - 1 sends zero bytes, and a size that wrapped round to zero, to the slow path */
    if (__builtin_expect(rounded - 1 < (size_t)(room->limit - room->next), 1)) {
        void *result = room->next;
        room->next += rounded;
        return result;
    }
#endif
    return rdb_arena_alloc_slowly(arena, bytes);
}

/* A growing array of pointers in an arena: what trees hang their children on. Zeroed is empty. */
typedef struct rdb_list {
    void **items;
    uint32_t count, capacity;
} rdb_list;
void rdb_list_push(rdb_arena *arena, rdb_list *list, void *item);
static inline void *rdb_list_get(const rdb_list *list, uint32_t item_no)
{
    RDB_ASSERT(item_no < list->count);
    return list->items[item_no];
}

#endif
