/* SPDX-License-Identifier: Apache-2.0
 * Large values: chains of overflow pages in the relation's own file. A chain is written once, before the row that leads
 * to it, and never changed; purge and the reverter free it. Its pages bear the writer's xid, so that freeing one twice,
 * after its blocks went to others, does no harm. What a crash leaves between the two writes is not reachable and waits
 * for a rewrite of the table. */
#include "table/table_int.h"

#include <lz4.h>
#include <stdlib.h>

#define OVERFLOW_HEAD_BYTES 16u

/* A page of the file that holds nothing: freed, or a heap page without rows. *buffer NULL: none at hand. */
static bool find_empty_page(const heap_place *place, uint64_t *block, rdb_buffer **buffer, rdb_error *err)
{
    enum { TRIES = 4 };
    struct { uint64_t block; uint32_t free_bytes; } rejected[TRIES];
    uint32_t rejected_count = 0;
    bool ok = true, found = true;
    *buffer = NULL;
    while (ok && found && *buffer == NULL && rejected_count < TRIES) { /* hints count in sixteenths of a page */
        ok = rdb_space_find(place->storage, place->pdb, place->file, place->page_bytes / 16 * 15, block, &found, err);
        if (!ok || !found)
            break;
        rdb_buffer *tried = NULL;
        uint32_t free_bytes = place->page_bytes / 16 * 15;
        ok = rdb_buffer_acquire(place->storage, heap_tag(place, *block), RDB_BUFFER_PIN, &tried, err);
        if (!ok)
            break;
        if (!rdb_buffer_try_lock(tried, RDB_BUFFER_EXCLUSIVE)) {
            rdb_buffer_release(tried, RDB_BUFFER_PIN);
        } else {
            const rdb_page *page = rdb_buffer_page(tried);
            const bool is_open = rdb_space_is_open(place->storage, heap_tag(place, *block), page->type == RDB_PAGE_FREE);
            if (is_open && (page->type == RDB_PAGE_FREE || (page->type == RDB_PAGE_HEAP && heap_get_head(page).cell_bytes == 0))) {
                *buffer = tried;
                break;
            }
            free_bytes = !is_open ? 0 : page->type == RDB_PAGE_HEAP ? heap_free_bytes(page, place->page_bytes) : 0;
            rdb_buffer_release(tried, RDB_BUFFER_EXCLUSIVE);
        }
        rejected[rejected_count].block = *block;
        rejected[rejected_count++].free_bytes = free_bytes;
    }
    for (uint32_t i = 0; i < rejected_count; i++)
        rdb_space_note(place->storage, place->pdb, place->file, rejected[i].block, rejected[i].free_bytes);
    return ok;
}

static bool write_page(const heap_place *place, rdb_xid xid, uint64_t next, const uint8_t *bytes, uint32_t length, uint64_t *block, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    if (!find_empty_page(place, block, &buffer, err) ||
        (buffer == NULL && !rdb_buffer_extend(place->storage, place->pdb, place->file, RDB_FORK_MAIN, block, &buffer, err)))
        return false;
    uint64_t head[2] = {next, xid};
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, place->storage, place->pdb, xid, RDB_RESOURCE_HEAP, HEAP_OP_OVERFLOW);
    rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
    rdb_change_block_data(&change, head, sizeof head);
    rdb_change_block_data(&change, bytes, length);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

bool heap_write_chain(const heap_place *place, rdb_xid xid, const uint8_t *bytes, uint32_t length, uint64_t *block, rdb_error *err)
{
    uint32_t room = place->page_bytes - RDB_PAGE_HEADER_BYTES - OVERFLOW_HEAD_BYTES;
    uint64_t next = 0;
    for (uint32_t left = length; left > 0;) { /* the last page first: each knows its successor */
        uint32_t part = left % room == 0 ? room : left % room;
        if (!write_page(place, xid, next, bytes + left - part, part, block, err)) {
            rdb_error first = {0};
            if (next != 0 && !heap_free_chain(place, next, xid, &first))
                rdb_error_clear(&first); /* the first error is the one to tell */
            return false;
        }
        next = *block; /* never 0, the heap's meta page: 0 ends a chain */
        left -= part;
    }
    return true;
}

bool heap_read_chain(const heap_place *place, const heap_external *external, uint8_t *bytes, rdb_error *err)
{
    uint64_t block = external->block;
    for (uint32_t have = 0; have < external->stored;) {
        rdb_buffer *buffer = NULL;
        if (!rdb_buffer_acquire(place->storage, heap_tag(place, block), RDB_BUFFER_SHARED, &buffer, err))
            return false;
        const rdb_page *page = rdb_buffer_page(buffer);
        const uint8_t *body = (const uint8_t *)page + RDB_PAGE_HEADER_BYTES;
        uint32_t part = page->lower < RDB_PAGE_HEADER_BYTES + OVERFLOW_HEAD_BYTES
                            ? 0
                            : page->lower - RDB_PAGE_HEADER_BYTES - OVERFLOW_HEAD_BYTES;
        bool ok = page->type == RDB_PAGE_OVERFLOW && part > 0 && part <= external->stored - have &&
                  page->lower <= place->page_bytes && rdb_get_u64(body + 8) == external->xid;
        uint64_t next = 0;
        if (ok) {
            memcpy(bytes + have, body + OVERFLOW_HEAD_BYTES, part);
            next = rdb_get_u64(body);
            have += part;
        }
        rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
        if (!ok || (next == 0) != (have == external->stored)) {
            rdb_error_set(err, RDB_DATA_CORRUPTED, "a large value is damaged");
            rdb_error_detail(err, "Database number %u, file %llX, block %llu.", (unsigned)place->pdb,
                             (unsigned long long)place->file, (unsigned long long)block);
            return false;
        }
        block = next;
    }
    return true;
}

bool heap_read_external(const heap_place *place, const heap_external *external, const uint8_t *inline_bytes, rdb_arena *arena,
                        rdb_bytes *value, rdb_error *err)
{
    uint8_t *bytes = rdb_arena_try_alloc(arena, RDB_MAX(external->length, 1u), err);
    *value = (rdb_bytes){bytes, external->length, 0};
    if (bytes == NULL)
        return false;
    if (external->method == 0) {
        if (external->stored != external->length)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "a large value is damaged");
        if (external->block != 0)
            return heap_read_chain(place, external, bytes, err);
        memcpy(bytes, inline_bytes, external->length);
        return true;
    }
    uint8_t *stored = NULL;
    const uint8_t *source = inline_bytes;
    bool ok = true;
    if (external->block != 0) {
        stored = malloc(RDB_MAX(external->stored, 1u));
        source = stored;
        ok = stored != NULL ? heap_read_chain(place, external, stored, err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    if (ok && (external->method != 1 || LZ4_decompress_safe((const char *)source, (char *)bytes, (int)external->stored,
                                                            (int)external->length) != (int)external->length))
        ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "a compressed value is damaged");
    free(stored);
    return ok;
}

/* A latched page of the chain: its successor; false: it is another's by now. */
static bool is_of_chain(rdb_buffer *buffer, rdb_xid xid, uint64_t *next)
{
    const rdb_page *page = rdb_buffer_page(buffer);
    const uint8_t *body = (const uint8_t *)page + RDB_PAGE_HEADER_BYTES;
    *next = rdb_get_u64(body);
    return page->type == RDB_PAGE_OVERFLOW && rdb_get_u64(body + 8) == xid;
}

/* Frees one page; head, where not NULL, leads past it from then on: both in one record. */
static bool free_page(const heap_place *place, rdb_xid xid, rdb_buffer *freed, rdb_buffer *head, uint64_t next, rdb_error *err)
{
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, place->storage, place->pdb, xid, RDB_RESOURCE_HEAP, HEAP_OP_OVERFLOW_FREE);
    rdb_change_block(&change, freed, RDB_WAL_BLOCK_INIT);
    if (head != NULL) {
        rdb_change_block(&change, head, 0);
        rdb_change_block_data(&change, &next, sizeof next);
    }
    const bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    if (ok)
        heap_note_space(place, freed);
    return ok;
}

/* The first page goes last: whoever is stopped on the way, by a failure or by a crash, and comes again finds the rest behind it. */
bool heap_free_chain(const heap_place *place, uint64_t block, rdb_xid xid, rdb_error *err)
{
    rdb_buffer *head = NULL;
    uint64_t next = 0, after = 0;
    if (block == 0)
        return true;
    if (!rdb_buffer_acquire(place->storage, heap_tag(place, block), RDB_BUFFER_EXCLUSIVE, &head, err))
        return false;
    bool ok = true;
    if (is_of_chain(head, xid, &next)) {
        while (ok && next != 0 && next != block) {
            rdb_buffer *freed = NULL;
            ok = rdb_buffer_acquire(place->storage, heap_tag(place, next), RDB_BUFFER_EXCLUSIVE, &freed, err);
            if (!ok)
                break;
            if (is_of_chain(freed, xid, &after))
                ok = free_page(place, xid, freed, head, after, err);
            else
                after = 0;
            rdb_buffer_release(freed, RDB_BUFFER_EXCLUSIVE);
            next = after;
        }
        ok = ok && free_page(place, xid, head, NULL, 0, err);
    }
    rdb_buffer_release(head, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

static uint32_t add_head(const heap_external *external, rdb_undo_head *heads, uint32_t count, uint32_t max)
{
    if (external->block == 0)
        return count;
    if (count < max)
        heads[count] = (rdb_undo_head){external->block, external->xid};
    return count + 1;
}

bool heap_next_external(uint16_t flags, const uint8_t *body, uint32_t length, uint32_t *at, uint16_t *slot,
                        heap_external *external, const uint8_t **inline_bytes)
{
    uint32_t count = 0;
    if ((flags & HEAP_EXTERNAL) == 0 || length < 2)
        return false;
    count = rdb_get_u16(body);
    /* The number of the entry is not carried along: lists are short, and this walks them from the front once each. */
    uint32_t position = 2;
    for (uint32_t i = 0; i < count; i++) {
        if (position + 2 + sizeof *external > length)
            return false;
        memcpy(external, body + position + 2, sizeof *external);
        uint32_t stored = external->block == 0 ? external->stored : 0;
        if (stored > length - position - 2 - sizeof *external)
            return false;
        if (position >= *at) {
            *slot = rdb_get_u16(body + position);
            *inline_bytes = body + position + 2 + sizeof *external;
            *at = position + 2 + (uint32_t)sizeof *external + stored;
            return true;
        }
        position += 2 + (uint32_t)sizeof *external + stored;
    }
    *at = RDB_MAX(*at, position);
    return false;
}

uint32_t heap_collect_heads(uint16_t flags, const uint8_t *body, uint32_t length, rdb_undo_head *heads, uint32_t max)
{
    heap_external external;
    uint32_t count = 0, at = 0;
    uint16_t slot;
    const uint8_t *inline_bytes;
    if ((flags & HEAP_WHOLE) != 0 && length >= sizeof external) {
        memcpy(&external, body, sizeof external);
        return add_head(&external, heads, 0, max);
    }
    while (heap_next_external(flags, body, length, &at, &slot, &external, &inline_bytes))
        count = add_head(&external, heads, count, max);
    return count;
}
