/* SPDX-License-Identifier: Apache-2.0
 * Looking at a page without pinning it: nothing shared is written, so that the pages everyone visits (roots of indexes) cost the
 * same whatever the number of threads.
 *
 * Why it holds. A frame is given another page in this order: BUSY is set, the tag changes, the latch is taken exclusively,
 * BUSY goes, the bytes are read in, the latch is let go and its version has grown. A look takes the version, finds the
 * frame VALID and not BUSY before and after it compared the tag, so the tag stood still and the bytes were this page's;
 * they are overwritten only under the exclusive latch, which the version tells at the end. Between the two the page may
 * have been evicted, and changed in another frame: then the look saw it as it was when it began. */
#include "storage_int.h"

static inline bool begin(rdb_storage *storage, rdb_page_tag tag, bool counts, rdb_peek *peek)
{
    uint64_t hash = storage_tag_hash(tag);
    const storage_partition *partition = &storage->partitions[(hash >> 24) & storage->partition_mask];
    for (uint32_t i = storage_home_slot(storage, hash), seen = 0; seen <= storage->slot_mask; seen++) {
        uint64_t entry = atomic_load_explicit(&partition->slots[i], memory_order_acquire);
        if (entry == 0)
            return false;
        if ((entry ^ hash) >> 32 == 0) {
            rdb_buffer *frame = &storage->frames[(uint32_t)entry - 1];
            uint64_t version;
            if (!rdb_latch_read_begin(&frame->latch, &version))
                return false;
            uint32_t before = atomic_load_explicit(&frame->state, memory_order_acquire);
            bool is_ours = storage_tag_equal(&frame->tag, &tag);
            atomic_thread_fence(memory_order_acquire); /* the tag was read before the state is looked at again */
            uint32_t after = atomic_load_explicit(&frame->state, memory_order_acquire);
            if (is_ours && (before & (FRAME_BUSY | FRAME_VALID)) == FRAME_VALID && (after & (FRAME_BUSY | FRAME_VALID)) == FRAME_VALID) {
                *peek = (rdb_peek){.page = frame->page, .latch = &frame->latch, .version = version};
                if (!counts)
                    return true;
                uint8_t usage = atomic_load_explicit(&frame->usage, memory_order_relaxed);
                if (usage < FRAME_USAGE_MAX)
                    atomic_store_explicit(&frame->usage, (uint8_t)(usage + 1), memory_order_relaxed);
                storage_count_hit(storage, &tag);
                return true;
            }
        }
        i = (i + 1) & storage->slot_mask;
    }
    return false;
}

bool rdb_buffer_peek_begin(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek)
{
    return begin(storage, tag, true, peek);
}

bool rdb_buffer_peek_ahead(rdb_storage *storage, rdb_page_tag tag, rdb_peek *peek)
{
    return begin(storage, tag, false, peek);
}

bool rdb_buffer_peek_end(const rdb_peek *peek)
{
    return rdb_latch_read_validate(peek->latch, peek->version);
}

bool rdb_buffer_warm(rdb_storage *storage, rdb_page_tag tag, rdb_warm what, uint32_t offset)
{
    const uint64_t hash = storage_tag_hash(tag);
    const storage_partition *partition = &storage->partitions[(hash >> 24) & storage->partition_mask];
    uint32_t i = storage_home_slot(storage, hash);
    if (what == RDB_WARM_PLACE) {
        __builtin_prefetch((const void *)&partition->slots[i]);
        return true;
    }
    for (uint32_t seen = 0; seen < 8; seen++, i = (i + 1) & storage->slot_mask) {
        const uint64_t entry = atomic_load_explicit(&partition->slots[i], memory_order_relaxed);
        if (entry == 0)
            return false;
        if ((entry ^ hash) >> 32 != 0)
            continue;
        const uint8_t *page = storage->pages + (size_t)((uint32_t)entry - 1) * storage->page_bytes;
        __builtin_prefetch(&storage->frames[(uint32_t)entry - 1], 1);
        __builtin_prefetch(page);
        if (what == RDB_WARM_AT) {
            __builtin_prefetch(page + 64);
            __builtin_prefetch(page + 128);
            __builtin_prefetch(page + RDB_MIN(offset, storage->page_bytes - 64));
            __builtin_prefetch(page + RDB_MIN(offset + 64, storage->page_bytes - 64));
            __builtin_prefetch(page + RDB_MIN(offset + 128, storage->page_bytes - 64));
        } else if (what == RDB_WARM_FRONT) {
            for (uint32_t at = 64; at < offset; at += 64)
                __builtin_prefetch(page + at);
        } else {
            for (uint32_t at = 256; at < storage->page_bytes; at += 256)
                __builtin_prefetch(page + at, 0, 2);
        }
        return true;
    }
    return true;
}
