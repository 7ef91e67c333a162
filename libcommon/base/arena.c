/* SPDX-License-Identifier: Apache-2.0
 * Arenas: a chain of blocks that double in size, filled from the front. The arena itself stands at the start of its first
 * block, so that creating one is one malloc. What does not fit the rest of a block and is large gets a malloc of its own;
 * a node in the block at the moment's position remembers it, so that positions order all allocations and a mark is
 * a position. One block of modest size is kept when blocks are given back, so that a statement that needs two of them
 * does not pay malloc each time.
 *
 * What always holds: next and limit point into the newest block and next is 16-byte aligned; each live block, the spare
 * and each large allocation are counted in bytes and, unless taken from the reserve, were granted by the account. */
#include "base/rdb_base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef RDB_ARENA_CHECKED
#include <sanitizer/asan_interface.h>
#define RED_ZONE_BYTES 16
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define RED_ZONE_BYTES 0
#endif

#define FIRST_BLOCK_BYTES ((size_t)1 << 10) /* many arenas of a plan that is kept hold next to nothing */
#define SECOND_BLOCK_BYTES ((size_t)8 << 10)
#define LAST_BLOCK_BYTES ((size_t)1 << 20)
#define SPARE_BYTES_MAX ((size_t)64 << 10)

typedef struct arena_block {
    struct arena_block *previous;
    size_t bytes; /* with this header */
    uint64_t sequence_no;
    bool reserve;   /* from the process-wide reserve */
    bool uncounted; /* taken although the account refused */
} arena_block;

#define BLOCK_HEADER_BYTES RDB_ALIGN_UP(sizeof(arena_block), (size_t)16)

/* Stands in a block where a large allocation was made; the bytes themselves are malloc'ed. */
typedef struct arena_large {
    struct arena_large *previous;
    void *data;
    size_t bytes;
    uint64_t sequence_no; /* of the block this node stands in */
    bool uncounted;
} arena_large;

struct rdb_arena {
    rdb_arena_room room; /* first: rdb_arena_alloc knows it */
    arena_block *block;  /* the newest */
    arena_block *spare;
    arena_large *large; /* the newest */
    const char *name;
    rdb_arena_charge charge;
    void *account;
    size_t bytes;
    size_t next_block_bytes;
    bool exhausted;
};

/* ---- the reserve: untouched memory of the process until the day it is needed ------------------------------------- */

#define RESERVE_BLOCK_BYTES (RDB_ARENA_SMALL_BYTES + 4096)
#define RESERVE_BLOCKS 64

static _Alignas(64) uint8_t reserve_memory[RESERVE_BLOCKS][RESERVE_BLOCK_BYTES];
static _Atomic uint64_t reserve_taken; /* a bit a block; acquire/release hand the block's bytes from thread to thread */

static arena_block *take_reserve_block(void)
{
    uint64_t taken = atomic_load_explicit(&reserve_taken, memory_order_relaxed);
    while (taken != UINT64_MAX) {
        int block_no = __builtin_ctzll(~taken);
        if (atomic_compare_exchange_weak_explicit(&reserve_taken, &taken, taken | (UINT64_C(1) << block_no),
                                                  memory_order_acquire, memory_order_relaxed)) {
            arena_block *block = (arena_block *)reserve_memory[block_no];
            ASAN_UNPOISON_MEMORY_REGION(block, RESERVE_BLOCK_BYTES);
            block->bytes = RESERVE_BLOCK_BYTES;
            block->reserve = true;
            block->uncounted = true;
            return block;
        }
    }
    return NULL;
}

static void give_reserve_block(arena_block *block)
{
    size_t block_no = (size_t)((uint8_t *)block - reserve_memory[0]) / RESERVE_BLOCK_BYTES;
    atomic_fetch_and_explicit(&reserve_taken, ~(UINT64_C(1) << block_no), memory_order_release);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static bool charge_account(rdb_arena *arena, int64_t bytes)
{
    return arena->charge == NULL || arena->charge(arena->account, bytes);
}

static void overwrite_released(void *at, size_t bytes)
{
#ifdef RDB_DEBUG
    ASAN_UNPOISON_MEMORY_REGION(at, bytes);
    memset(at, 0xDB, bytes);
#endif
    ASAN_POISON_MEMORY_REGION(at, bytes);
}

static void enter_block(rdb_arena *arena, arena_block *block)
{
    block->previous = arena->block;
    block->sequence_no = arena->block->sequence_no + 1;
    arena->block = block;
    arena->room.next = (uint8_t *)block + BLOCK_HEADER_BYTES;
    arena->room.limit = (uint8_t *)block + block->bytes;
    ASAN_POISON_MEMORY_REGION(arena->room.next, (size_t)(arena->room.limit - arena->room.next));
}

static void free_block(rdb_arena *arena, arena_block *block)
{
    size_t bytes = block->bytes;
    arena->bytes -= bytes;
    ASAN_UNPOISON_MEMORY_REGION(block, bytes);
    if (block->reserve) {
        give_reserve_block(block);
        return;
    }
    bool uncounted = block->uncounted;
    free(block);
    if (!uncounted)
        (void)charge_account(arena, -(int64_t)bytes);
}

/* A block with room for bytes becomes the newest. must_succeed: from the reserve where malloc or account refuse. */
static bool push_block(rdb_arena *arena, size_t bytes, bool must_succeed)
{
    size_t needed = BLOCK_HEADER_BYTES + bytes;
    if (arena->spare != NULL && arena->spare->bytes >= needed) {
        arena_block *spare = arena->spare;
        arena->spare = NULL;
        enter_block(arena, spare);
        return true;
    }
    size_t block_bytes = RDB_MAX(arena->next_block_bytes, RDB_ALIGN_UP(needed, (size_t)4096));
    arena_block *block = NULL;
    bool granted = charge_account(arena, (int64_t)block_bytes);
    if (granted) {
        block = malloc(block_bytes);
        if (block == NULL)
            (void)charge_account(arena, -(int64_t)block_bytes);
    }
    if (block != NULL) {
        block->bytes = block_bytes;
        block->reserve = false;
        block->uncounted = false;
        if (arena->next_block_bytes < LAST_BLOCK_BYTES)
            arena->next_block_bytes *= 2;
    } else {
        if (!must_succeed)
            return false;
        arena->exhausted = true;
        if (needed <= RESERVE_BLOCK_BYTES)
            block = take_reserve_block();
        if (block == NULL) {
            block_bytes = RDB_ALIGN_UP(needed, (size_t)4096);
            block = malloc(block_bytes);
            RDB_VERIFY(block != NULL);
            block->bytes = block_bytes;
            block->reserve = false;
            block->uncounted = true;
        }
    }
    arena->bytes += block->bytes;
    enter_block(arena, block);
    return true;
}

static void pop_block(rdb_arena *arena)
{
    arena_block *block = arena->block;
    arena->block = block->previous;
    if (!block->reserve && !block->uncounted && block->bytes <= SPARE_BYTES_MAX &&
        (arena->spare == NULL || arena->spare->bytes < block->bytes)) {
        if (arena->spare != NULL)
            free_block(arena, arena->spare);
        overwrite_released((uint8_t *)block + BLOCK_HEADER_BYTES, block->bytes - BLOCK_HEADER_BYTES);
        arena->spare = block;
    } else {
        free_block(arena, block);
    }
}

static void pop_large(rdb_arena *arena)
{
    arena_large *large = arena->large;
    arena->large = large->previous;
    arena->bytes -= large->bytes;
    free(large->data);
    if (!large->uncounted)
        (void)charge_account(arena, -(int64_t)large->bytes);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

rdb_arena *rdb_arena_create(const char *name, rdb_arena_charge charge, void *account)
{
    if (charge != NULL && !charge(account, (int64_t)FIRST_BLOCK_BYTES))
        return NULL;
    arena_block *block = malloc(FIRST_BLOCK_BYTES);
    if (block == NULL) {
        if (charge != NULL)
            (void)charge(account, -(int64_t)FIRST_BLOCK_BYTES);
        return NULL;
    }
    *block = (arena_block){.bytes = FIRST_BLOCK_BYTES};
    rdb_arena *arena = (rdb_arena *)((uint8_t *)block + BLOCK_HEADER_BYTES);
    *arena = (rdb_arena){
        .block = block,
        .name = name,
        .charge = charge,
        .account = account,
        .bytes = FIRST_BLOCK_BYTES,
        .next_block_bytes = SECOND_BLOCK_BYTES,
    };
    arena->room.next = (uint8_t *)arena + RDB_ALIGN_UP(sizeof *arena, (size_t)16);
    arena->room.limit = (uint8_t *)block + FIRST_BLOCK_BYTES;
    ASAN_POISON_MEMORY_REGION(arena->room.next, (size_t)(arena->room.limit - arena->room.next));
    return arena;
}

static rdb_arena_mark first_mark(rdb_arena *arena)
{
    arena_block *first = (arena_block *)((uint8_t *)arena - BLOCK_HEADER_BYTES);
    return (rdb_arena_mark){first, BLOCK_HEADER_BYTES + RDB_ALIGN_UP(sizeof *arena, (size_t)16)};
}

void rdb_arena_destroy(rdb_arena *arena)
{
    if (arena == NULL)
        return;
    rdb_arena_rewind(arena, first_mark(arena));
    if (arena->spare != NULL)
        free_block(arena, arena->spare);
    rdb_arena_charge charge = arena->charge;
    void *account = arena->account;
    arena_block *first = arena->block;
    ASAN_UNPOISON_MEMORY_REGION(first, FIRST_BLOCK_BYTES);
    free(first);
    if (charge != NULL)
        (void)charge(account, -(int64_t)FIRST_BLOCK_BYTES);
}

void rdb_arena_reset(rdb_arena *arena)
{
    rdb_arena_rewind(arena, first_mark(arena));
    arena->exhausted = false;
    arena->next_block_bytes = RDB_MIN(arena->next_block_bytes, SPARE_BYTES_MAX); /* as large as the spare one may be: soon a turn needs no other */
}

rdb_arena_mark rdb_arena_get_mark(const rdb_arena *arena)
{
    return (rdb_arena_mark){arena->block, (size_t)(arena->room.next - (uint8_t *)arena->block)};
}

void rdb_arena_rewind(rdb_arena *arena, rdb_arena_mark mark)
{
    arena_block *target = mark.block;
    uint64_t target_no = target->sequence_no;
    /* A large allocation's node stands in a block, so its address there orders it against the mark. */
    while (arena->large != NULL &&
           (arena->large->sequence_no > target_no ||
            (arena->large->sequence_no == target_no && (uint8_t *)arena->large >= (uint8_t *)target + mark.used)))
        pop_large(arena);
    uint8_t *filled_to = arena->room.next;
    bool same_block = arena->block == target;
    while (arena->block != target)
        pop_block(arena);
    arena->room.next = (uint8_t *)target + mark.used;
    arena->room.limit = (uint8_t *)target + target->bytes;
    if (!same_block)
        filled_to = arena->room.limit;
    overwrite_released(arena->room.next, (size_t)(filled_to - arena->room.next));
}

/* ---- allocation -------------------------------------------------------------------------------------------------- */

static void *bump(rdb_arena *arena, size_t bytes)
{
    uint8_t *result = arena->room.next;
    arena->room.next += RDB_ALIGN_UP(bytes, (size_t)16) + RED_ZONE_BYTES;
    ASAN_UNPOISON_MEMORY_REGION(result, bytes);
    return result;
}

static bool has_room(const rdb_arena *arena, size_t bytes)
{
    return RDB_ALIGN_UP(bytes, (size_t)16) + RED_ZONE_BYTES <= (size_t)(arena->room.limit - arena->room.next);
}

static void *alloc_large(rdb_arena *arena, size_t bytes, bool must_succeed)
{
    if (!has_room(arena, sizeof(arena_large)) &&
        !push_block(arena, sizeof(arena_large) + RED_ZONE_BYTES, must_succeed))
        return NULL;
    bool granted = charge_account(arena, (int64_t)bytes);
    if (!granted) {
        if (!must_succeed)
            return NULL;
        arena->exhausted = true;
    }
    void *data = malloc(bytes);
    if (data == NULL) {
        if (granted)
            (void)charge_account(arena, -(int64_t)bytes);
        RDB_VERIFY(!must_succeed);
        return NULL;
    }
    arena_large *large = bump(arena, sizeof *large);
    *large = (arena_large){arena->large, data, bytes, arena->block->sequence_no, !granted};
    arena->large = large;
    arena->bytes += bytes;
    return data;
}

/* Larger than this does not end a block early: it goes beside the chain. */
static bool is_large(const rdb_arena *arena, size_t bytes)
{
    return bytes > RDB_ARENA_SMALL_BYTES || bytes > arena->next_block_bytes / 4;
}

void *rdb_arena_alloc_slowly(rdb_arena *arena, size_t bytes)
{
    RDB_VERIFY(bytes <= PTRDIFF_MAX / 2);
    if (bytes == 0)
        bytes = 1;
    if (has_room(arena, bytes))
        return bump(arena, bytes);
    /* A small one is never malloc'ed alone: the reserve has blocks, not bytes. */
    if (bytes > RDB_ARENA_SMALL_BYTES)
        return alloc_large(arena, bytes, true);
    if (is_large(arena, bytes)) {
        void *data = alloc_large(arena, bytes, false);
        if (data != NULL)
            return data;
        if (has_room(arena, bytes))
            return bump(arena, bytes);
    }
    (void)push_block(arena, bytes + RED_ZONE_BYTES, true);
    return bump(arena, bytes);
}

void *rdb_arena_zalloc(rdb_arena *arena, size_t bytes)
{
    return memset(rdb_arena_alloc(arena, bytes), 0, bytes);
}

static bool set_out_of_memory(const rdb_arena *arena, size_t bytes, rdb_error *err)
{
    rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return rdb_error_detail(err, "Failed on request of size %zu in memory context \"%s\".", bytes, arena->name);
}

void *rdb_arena_try_alloc(rdb_arena *arena, size_t bytes, rdb_error *err)
{
    if (bytes == 0)
        bytes = 1;
    if (bytes <= PTRDIFF_MAX / 2) {
        if (has_room(arena, bytes))
            return bump(arena, bytes);
        if (is_large(arena, bytes)) {
            void *data = alloc_large(arena, bytes, false);
            if (data != NULL)
                return data;
        } else if (push_block(arena, bytes + RED_ZONE_BYTES, false)) {
            return bump(arena, bytes);
        }
    }
    set_out_of_memory(arena, bytes, err);
    return NULL;
}

void *rdb_arena_try_grow(rdb_arena *arena, void *old, size_t old_bytes, size_t new_bytes, rdb_error *err)
{
    if (old == NULL)
        return rdb_arena_try_alloc(arena, new_bytes, err);
    if (new_bytes <= old_bytes)
        return old;
    arena_large *large = arena->large;
    if (large != NULL && large->data == old && new_bytes <= PTRDIFF_MAX / 2) {
        int64_t more = (int64_t)new_bytes - (int64_t)large->bytes;
        if (more <= 0)
            return old;
        if (!large->uncounted && charge_account(arena, more)) {
            void *grown = realloc(old, new_bytes);
            if (grown != NULL) {
                arena->bytes += (size_t)more;
                large->data = grown;
                large->bytes = new_bytes;
                return grown;
            }
            (void)charge_account(arena, -more);
        }
        set_out_of_memory(arena, new_bytes, err);
        return NULL;
    }
    uint8_t *end = (uint8_t *)old + RDB_ALIGN_UP(old_bytes, (size_t)16) + RED_ZONE_BYTES;
    if (end == arena->room.next && old_bytes > 0) {
        uint8_t *saved = arena->room.next;
        arena->room.next = old;
        if (has_room(arena, new_bytes))
            return bump(arena, new_bytes);
        arena->room.next = saved;
    }
    void *grown = rdb_arena_try_alloc(arena, new_bytes, err);
    if (grown != NULL)
        memcpy(grown, old, old_bytes);
    return grown;
}

char *rdb_arena_strndup(rdb_arena *arena, const char *text, size_t length)
{
    char *copy = rdb_arena_alloc(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *rdb_arena_strdup(rdb_arena *arena, const char *text)
{
    return rdb_arena_strndup(arena, text, strlen(text));
}

void *rdb_arena_memdup(rdb_arena *arena, const void *bytes, size_t length)
{
    void *copy = rdb_arena_alloc(arena, length);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *rdb_arena_printf(rdb_arena *arena, const char *format, ...)
{
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    char *text;
    if (length < 0) {
        text = rdb_arena_strdup(arena, "");
    } else if ((size_t)length < sizeof small) {
        text = rdb_arena_strndup(arena, small, (size_t)length);
    } else {
        text = rdb_arena_alloc(arena, (size_t)length + 1);
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

bool rdb_arena_check(const rdb_arena *arena, rdb_error *err)
{
    if (!arena->exhausted)
        return true;
    rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return rdb_error_detail(err, "Memory context \"%s\" reached its limit at %zu bytes.", arena->name, arena->bytes);
}

size_t rdb_arena_bytes(const rdb_arena *arena)
{
    return arena->bytes;
}

void rdb_list_push(rdb_arena *arena, rdb_list *list, void *item)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        RDB_VERIFY(capacity > list->capacity);
        void **items = rdb_arena_alloc(arena, sizeof *items * capacity);
        if (list->count > 0)
            memcpy(items, list->items, sizeof *items * list->count);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}
