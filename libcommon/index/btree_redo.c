/* SPDX-License-Identifier: Apache-2.0
 * Redo of tree pages: what each record says, and its doing. The forward path changes pages by these functions alone. */
#include "index/btree_int.h"

static bool malformed(const rdb_redo *redo, rdb_error *err)
{
    rdb_error_set(err, RDB_DATA_CORRUPTED, "malformed B-tree record");
    return rdb_error_detail(err, "Operation %u does not fit block %llu.", redo->operation, (unsigned long long)redo->tag.block);
}

/* 0 2 slot  2 2 key bytes  4 cell */
static bool redo_insert(const rdb_redo *redo, btree_page *page)
{
    return redo->data_bytes > 4 && btree_page_insert(page, redo->page_bytes, rdb_get_u16(redo->data), rdb_get_u16(redo->data + 2),
                                                     redo->data + 4, redo->data_bytes - 4);
}

static bool redo_split_left(const rdb_redo *redo, btree_page *page)
{
    btree_split_left head;
    if (redo->data_bytes < sizeof head)
        return false;
    memcpy(&head, redo->data, sizeof head);
    const uint8_t *cells = redo->data + sizeof head;
    if (sizeof head + head.high_cell_bytes + (uint32_t)head.new_cell_bytes != redo->data_bytes ||
        !btree_page_keep(page, redo->page_bytes, head.keep, head.right, head.high_key_bytes, cells, head.high_cell_bytes))
        return false;
    page->base.flags |= BTREE_INCOMPLETE;
    return head.new_cell_bytes == 0 || btree_page_insert(page, redo->page_bytes, head.new_slot, head.new_key_bytes,
                                                         cells + head.high_cell_bytes, head.new_cell_bytes);
}

static bool redo_meta(const rdb_redo *redo, rdb_page *page)
{
    uint8_t *bytes = (uint8_t *)page;
    page->type = RDB_PAGE_META;
    rdb_put_u64(bytes + RDB_PAGE_HEADER_BYTES, BTREE_MAGIC);
    rdb_put_u32(bytes + RDB_PAGE_HEADER_BYTES + 8, 1);
    page->lower = BTREE_META_END;
    if (redo->data_bytes == sizeof(rdb_xid))
        memcpy(bytes + BTREE_META_XID, redo->data, sizeof(rdb_xid));
    page->upper = (uint16_t)redo->page_bytes;
    return true;
}

static bool redo_overflow(const rdb_redo *redo, rdb_page *page)
{
    if (redo->data_bytes < 4 || redo->data_bytes > redo->page_bytes - RDB_PAGE_HEADER_BYTES ||
        4u + rdb_get_u16(redo->data) + rdb_get_u16(redo->data + 2) != redo->data_bytes)
        return false;
    page->type = RDB_PAGE_OVERFLOW;
    memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, redo->data, redo->data_bytes);
    page->lower = (uint16_t)(RDB_PAGE_HEADER_BYTES + redo->data_bytes);
    page->upper = (uint16_t)redo->page_bytes;
    return true;
}

static bool redo_finish_split(btree_page *page)
{
    if (page->base.type != RDB_PAGE_BTREE)
        return false;
    page->base.flags &= (uint16_t)~BTREE_INCOMPLETE;
    return true;
}

static bool redo_free(const rdb_redo *redo, rdb_page *page)
{
    page->type = RDB_PAGE_FREE;
    page->lower = RDB_PAGE_HEADER_BYTES;
    page->upper = (uint16_t)redo->page_bytes;
    return redo->data_bytes == 0;
}

/* 0 2 slot  2 2 key bytes  4 cell: takes the place of the slot's */
static bool redo_replace(const rdb_redo *redo, btree_page *page)
{
    return redo->data_bytes > 4 && btree_page_remove(page, redo->page_bytes, rdb_get_u16(redo->data)) && redo_insert(redo, page);
}

/* What a move leaves to do beside the page itself. Parent: 0 2 slot  2 8 child.  Left neighbour: 0 8 right link. */
static bool redo_relink(const rdb_redo *redo, btree_page *page)
{
    if (redo->reference_no == 2)
        return redo->data_bytes == 10 && btree_page_set_child(page, redo->page_bytes, rdb_get_u16(redo->data), rdb_get_u64(redo->data + 2));
    if (page->base.type != RDB_PAGE_BTREE || redo->data_bytes != 8)
        return false;
    page->right = rdb_get_u64(redo->data);
    return true;
}

static bool btree_redo(const rdb_redo *redo, rdb_page *base, rdb_error *err)
{
    btree_page *page = (btree_page *)(void *)base;
    bool ok = false;
    switch (redo->operation) {
    case BTREE_OP_CREATE:
        ok = redo->reference_no == 0 ? redo_meta(redo, base) : btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes);
        break;
    case BTREE_OP_INSERT:
        ok = redo_insert(redo, page);
        break;
    case BTREE_OP_INSERT_UP:
        ok = redo->reference_no == 0 ? redo_insert(redo, page) : redo_finish_split(page);
        break;
    case BTREE_OP_MERGE: /* the left page whole, the right one free, its separator gone */
        ok = redo->reference_no == 0   ? btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes)
             : redo->reference_no == 1 ? redo_free(redo, base)
                                       : redo->data_bytes == 2 && btree_page_remove(page, redo->page_bytes, rdb_get_u16(redo->data));
        break;
    case BTREE_OP_SHIFT: /* both pages whole, another separator */
        ok = redo->reference_no < 2 ? btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes) : redo_replace(redo, page);
        break;
    case BTREE_OP_MOVE: /* the page at its new place, the old one free, the parent, the left neighbour if there is one */
        ok = redo->reference_no == 0   ? btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes)
             : redo->reference_no == 1 ? redo_free(redo, base)
                                       : redo_relink(redo, page);
        break;
    case BTREE_OP_LOWER: /* the root takes the place of its only child */
        ok = redo->reference_no == 0 ? btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes) : redo_free(redo, base);
        break;
    case BTREE_OP_REMOVE:
        ok = redo->data_bytes == 2 && btree_page_remove(page, redo->page_bytes, rdb_get_u16(redo->data));
        break;
    case BTREE_OP_SPLIT:
        if (redo->reference_no == 0)
            ok = redo_split_left(redo, page);
        else if (redo->reference_no == 1)
            ok = btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes);
        else
            ok = redo_finish_split(page);
        break;
    case BTREE_OP_ROOT_SPLIT:
        ok = redo->reference_no < 3 ? btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes) : redo_finish_split(page);
        break;
    case BTREE_OP_PAGE:
        ok = btree_page_build(page, redo->page_bytes, redo->data, redo->data_bytes);
        break;
    case BTREE_OP_OVERFLOW:
        ok = redo_overflow(redo, base);
        break;
    case BTREE_OP_TOUCH:
        ok = true; /* the change number tells */
        break;
    case BTREE_OP_ORIGIN:
        ok = base->type == RDB_PAGE_META && redo->data_bytes == sizeof(rdb_xid) && redo_meta(redo, base);
        break;
    default:
        break;
    }
    return ok || malformed(redo, err);
}

static void btree_describe(const rdb_wal_record *record, rdb_strbuf *text)
{
    static const char *const NAMES[BTREE_OP_COUNT] = {
        [BTREE_OP_CREATE] = "create",         [BTREE_OP_INSERT] = "insert",     [BTREE_OP_INSERT_UP] = "insert separator",
        [BTREE_OP_REMOVE] = "remove",         [BTREE_OP_SPLIT] = "split",       [BTREE_OP_ROOT_SPLIT] = "split root",
        [BTREE_OP_PAGE] = "build page",       [BTREE_OP_OVERFLOW] = "long key", [BTREE_OP_TOUCH] = "touch",
        [BTREE_OP_ORIGIN] = "origin",         [BTREE_OP_MERGE] = "merge",       [BTREE_OP_SHIFT] = "shift",
        [BTREE_OP_MOVE] = "move",             [BTREE_OP_LOWER] = "lower root"};
    const char *name = record->operation < BTREE_OP_COUNT ? NAMES[record->operation] : NULL;
    rdb_strbuf_addf(text, "%s", name != NULL ? name : "unknown");
    if (record->block_count > 0 && (record->operation == BTREE_OP_INSERT || record->operation == BTREE_OP_REMOVE) &&
        (record->blocks[0].flags & (RDB_WAL_BLOCK_DATA_LZ4 | RDB_WAL_BLOCK_DATA_PACKED)) == 0 && record->blocks[0].data_bytes >= 2)
        rdb_strbuf_addf(text, " slot %u", rdb_get_u16(record->blocks[0].data));
}

void rdb_index_register_redo(void)
{
    static const rdb_resource_ops OPS = {.name = "btree", .redo = btree_redo, .describe = btree_describe};
    rdb_resource_register(RDB_RESOURCE_BTREE, &OPS);
}
