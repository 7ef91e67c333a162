/* SPDX-License-Identifier: Apache-2.0
 * A page whose bytes on disk are not it, made whole under those who work. What makes it safe: the page's frame is in the table and latched
 * exclusively from the first look at the disk to the end. A page that is broken on disk and not in the pool cannot be changed by anybody, as
 * a change needs it; so what a caller learns of the log while the frame is held stays true until the page stands. */
#include "storage_int.h"

#include <stdlib.h>

struct rdb_page_repair {
    rdb_storage *storage;
    storage_relation *relation;
    rdb_page_tag tag;
    rdb_buffer *frame;
    bool is_fresh; /* the frame has no page yet */
    rdb_page_state state;
    const char *what;
    uint8_t *copy; /* a page, aligned for writing */
};

static void free_repair(rdb_page_repair **repair)
{
    relation_put((*repair)->relation);
    free((*repair)->copy);
    free(*repair);
    *repair = NULL;
}

void rdb_page_repair_cancel(rdb_page_repair **repair)
{
    rdb_page_repair *r = *repair;
    if (r == NULL)
        return;
    if (r->frame != NULL && r->is_fresh)
        pool_leave(r->storage, r->frame);
    else
        rdb_buffer_release(r->frame, RDB_BUFFER_EXCLUSIVE);
    free_repair(repair);
}

/* As the disk has it; a disk that does not give it back has it broken. */
static void look_at_disk(rdb_page_repair *r)
{
    rdb_error err = {0};
    size_t got = 0;
    if (!relation_read(r->storage, r->relation, r->tag.block, r->copy, &got, &err))
        r->what = "It cannot be read";
    else if (got < r->storage->page_bytes)
        r->what = "It is too short";
    else if (page_verify((const rdb_page *)(const void *)r->copy, r->tag, r->storage->page_bytes, &r->what))
        r->what = NULL;
    rdb_error_clear(&err);
    r->state = r->what == NULL ? RDB_PAGE_SOUND : r->is_fresh ? RDB_PAGE_BROKEN : RDB_PAGE_IN_POOL;
}

bool rdb_page_repair_begin(rdb_storage *storage, rdb_page_tag tag, rdb_page_repair **repair, rdb_error *err)
{
    rdb_page_repair *r = *repair = calloc(1, sizeof *r);
    if (r == NULL || posix_memalign((void **)&r->copy, 4096, storage->page_bytes) != 0) {
        free(r);
        *repair = NULL;
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    r->storage = storage;
    r->tag = tag;
    bool ok = relation_get(storage, tag.pdb, tag.file, tag.fork, RELATION_EXISTING, &r->relation, err);
    const uint64_t blocks = ok ? atomic_load_explicit(&r->relation->block_count, memory_order_acquire) : 0;
    if (ok && tag.block >= blocks) {
        char name[96];
        storage_tag_name(name, tag);
        ok = rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s has no block %llu: it has %llu", name, (unsigned long long)tag.block, (unsigned long long)blocks);
    }
    ok = ok && pool_hold(storage, tag, &r->frame, &r->is_fresh, err);
    if (ok)
        look_at_disk(r);
    else
        free_repair(repair);
    return ok;
}

rdb_page_state rdb_page_repair_state(const rdb_page_repair *repair, const char **what)
{
    *what = repair->what;
    return repair->state;
}

/* Of the copy, which is aligned. */
static bool check_image(const rdb_page_repair *r, rdb_error *err)
{
    const rdb_page *page = (const rdb_page *)(const void *)r->copy;
    const char *what;
    if (page_verify(page, r->tag, r->storage->page_bytes, &what) && page->lsn <= rdb_wal_insert_lsn(storage_wal(r->storage)))
        return true;
    char name[96];
    storage_tag_name(name, r->tag);
    rdb_error_set(err, RDB_DATA_CORRUPTED, "these bytes are not block %llu of %s", (unsigned long long)r->tag.block, name);
    return rdb_error_detail(err, "%s.", what != NULL ? what : "It ends behind the log");
}

bool rdb_page_repair_finish(rdb_page_repair **repair, const void *image, rdb_lsn *end_lsn, rdb_error *err)
{
    rdb_page_repair *r = *repair;
    const uint32_t page_bytes = r->storage->page_bytes;
    rdb_change change;
    bool clean = false;
    *end_lsn = 0;
    bool ok = storage_wal(r->storage) != NULL || rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot change a page: the instance is open for reading only");
    if (r->is_fresh)
        memcpy(r->copy, image, page_bytes);
    else
        page_copy(r->copy, r->frame->page, page_bytes);
    ok = ok && (!r->is_fresh || check_image(r, err));
    if (ok) {
        if (r->is_fresh)
            memcpy(r->frame->page, r->copy, page_bytes); /* its change number is the record's */
        rdb_change_init(&change, r->storage, r->tag.pdb, 0, RDB_RESOURCE_STORAGE, STORAGE_OP_PAGE);
        rdb_change_block(&change, r->frame, RDB_WAL_BLOCK_INIT);
        rdb_change_block_data(&change, r->copy, page_bytes);
        ok = rdb_change_apply(&change, NULL, NULL, end_lsn, err);
    }
    if (!ok) {
        rdb_page_repair_cancel(repair);
        return false;
    }
    if (r->is_fresh)
        pool_fill(r->frame);
    rdb_buffer_unlock(r->frame, RDB_BUFFER_EXCLUSIVE);
    ok = frame_write(r->frame, WRITE_WAIT, r->copy, &clean, err); /* where that fails it is tried again as for any page */
    frame_unpin(r->frame);
    free_repair(repair);
    return ok;
}
