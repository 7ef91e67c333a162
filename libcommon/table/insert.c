/* SPDX-License-Identifier: Apache-2.0
 * New rows. The order is always the same: large values to their chains, the undo log, then under the page's latch one
 * record that carries the page's edits and the undo. */
#include "table/table_int.h"

#include <stdlib.h>

static bool make_file(rdb_storage *storage, rdb_txn *txn, uint64_t file, uint64_t older_file, rdb_error *err)
{
    rdb_xid xid;
    rdb_buffer *buffer = NULL;
    uint64_t block;
    /* The note first: a file that is made and not named by any undo record would stay for ever. */
    if (!rdb_txn_assign_xid(txn, &xid, err) || !rdb_undo_note_file(txn, RDB_UNDO_FILE_CREATE, file, err) ||
        !rdb_storage_create_file(storage, rdb_txn_pdb(txn), file, xid, err) ||
        !rdb_buffer_extend(storage, rdb_txn_pdb(txn), file, RDB_FORK_MAIN, &block, &buffer, err))
        return false;
    rdb_change change;
    rdb_lsn end_lsn;
    rdb_change_init(&change, storage, rdb_txn_pdb(txn), xid, RDB_RESOURCE_HEAP, HEAP_OP_META);
    rdb_change_block(&change, buffer, RDB_WAL_BLOCK_INIT);
    const rdb_table_origin origin = {xid, older_file};
    rdb_change_block_data(&change, &origin, sizeof origin);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

bool rdb_table_create(rdb_storage *storage, rdb_txn *txn, uint64_t file, rdb_error *err)
{
    return make_file(storage, txn, file, file, err);
}

bool rdb_table_replace(rdb_storage *storage, rdb_txn *txn, uint64_t file, uint64_t old_file, bool reads_older, rdb_error *err)
{
    return make_file(storage, txn, file, reads_older ? old_file : 0, err);
}

bool rdb_table_get_origin(rdb_storage *storage, uint32_t pdb, uint64_t file, rdb_table_origin *origin, rdb_error *err)
{
    rdb_buffer *buffer = NULL;
    const rdb_page_tag tag = {.file = file, .block = 0, .pdb = pdb, .fork = RDB_FORK_MAIN};
    *origin = (rdb_table_origin){0};
    if (!rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    if (page->type == RDB_PAGE_META && page->lower >= RDB_PAGE_HEADER_BYTES + sizeof *origin)
        memcpy(origin, (const uint8_t *)page + RDB_PAGE_HEADER_BYTES, sizeof *origin);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return true;
}

bool rdb_table_drop(rdb_txn *txn, uint64_t file, rdb_error *err)
{
    return rdb_undo_note_file(txn, RDB_UNDO_FILE_DROP, file, err);
}

bool rdb_table_block_count(const rdb_table *table, uint64_t *blocks, rdb_error *err)
{
    return rdb_storage_block_count(table->storage, table->pdb, table->file, RDB_FORK_MAIN, blocks, err);
}

static void describe(const rdb_wal_record *record, rdb_strbuf *text)
{
    static const char *const names[] = {"?", "edit", "overflow", "free overflow", "meta"};
    rdb_strbuf_adds(text, record->operation < RDB_COUNT_OF(names) ? names[record->operation] : "?");
}

void rdb_table_register_redo(void)
{
    rdb_resource_ops ops = {.name = "heap", .redo = heap_redo, .describe = describe};
    rdb_resource_register(RDB_RESOURCE_HEAP, &ops);
}

bool heap_check_pdb(const rdb_table *table, const rdb_txn *txn, rdb_error *err)
{
    if (rdb_txn_pdb(txn) == table->pdb)
        return true;
    return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "a transaction can only write in the database where it began");
}

/* The keys of a write in the undo store's form. NULL with err: no memory. small serves where there are few. */
static rdb_undo_key *undo_keys(const rdb_index_key *keys, uint32_t key_count, rdb_undo_key *small, uint32_t small_count, rdb_error *err)
{
    rdb_undo_key *made = small;
    if (key_count > small_count)
        made = malloc(key_count * sizeof *made);
    if (made == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < key_count; i++)
        made[i] = (rdb_undo_key){.index_file = keys[i].index_file, .old_key = keys[i].old_key, .new_key = keys[i].new_key};
    return made;
}

bool rdb_table_insert(const rdb_table *table, rdb_txn *txn, const rdb_datum *values, const bool *is_null,
                      const rdb_index_key *keys, uint32_t key_count, rdb_row_address *address, rdb_row_version *version,
                      rdb_error *err)
{
    *address = 0;
    heap_place place = heap_place_of(table);
    heap_body body;
    heap_edits edits;
    rdb_undo_append append;
    rdb_undo_key small[16], *made = NULL;
    rdb_undo_record record = {.kind = RDB_UNDO_INSERT, .file = table->file};
    rdb_buffer *buffer = NULL;
    heap_seen seen = {.map = NULL};
    bool fresh = false, ok = false;
    rdb_xid xid;
    if (!heap_check_pdb(table, txn, err) || !rdb_undo_prepare(txn, table->undo_class, &xid, err))
        return false;
    heap_edits_init(&edits);
    if (!heap_body_make(&body, table, xid, values, is_null, err))
        goto out;
    made = undo_keys(keys, key_count, small, RDB_COUNT_OF(small), err);
    if (made == NULL || !heap_find_page(&place, body.length, UINT64_MAX, &buffer, &fresh, err))
        goto out;
    if (!heap_seen_latch(&seen, &place, rdb_buffer_tag(buffer).block, err))
        goto out;
    uint32_t slot = fresh ? 0 : heap_choose_slot(rdb_buffer_page(buffer), place.page_bytes, body.length);
    *address = RDB_ROW_ADDRESS(rdb_buffer_tag(buffer).block, slot);
    record.xid = xid;
    record.home = *address;
    record.keys = made;
    record.key_count = (uint16_t)key_count;
    record.new_heads = body.heads;
    record.new_head_count = (uint16_t)body.head_count;
    if (rdb_undo_append_begin(&append, txn, table->undo_class, &record, err)) {
        rdb_change change;
        rdb_lsn end_lsn;
        if (fresh)
            heap_edit_init_page(&edits);
        heap_edit_undo(&edits, append.address);
        heap_edit_new_row(&edits, slot, body.flags, body.layout, body.bytes + HEAP_HEADER_BYTES, body.length - HEAP_HEADER_BYTES);
        rdb_change_init(&change, place.storage, place.pdb, xid, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
        rdb_change_block(&change, buffer, fresh ? RDB_WAL_BLOCK_INIT : 0);
        rdb_change_block_data(&change, edits.bytes, edits.length);
        heap_seen_add(&seen, &change);
        rdb_undo_append_add(&append, &change);
        ok = edits.failed ? rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")
                          : rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
        if (ok && version != NULL)
            *version = (rdb_row_version){xid, append.address};
    }
    rdb_undo_append_end(&append, ok);
out:
    heap_seen_release(&seen);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    if (!ok)
        heap_body_free_chains(&body, &place);
    if (made != small)
        free(made);
    heap_edits_deinit(&edits);
    heap_body_deinit(&body);
    return ok && rdb_ssi_write_row(txn, table->relation_oid, 0, 0, err);
}

/* ---- many ------------------------------------------------------------------------------------------------------------ */
typedef struct bulk {
    heap_place place;
    rdb_txn *txn;
    const rdb_table *table;
    rdb_xid xid;
    const rdb_index_key *keys;
    uint32_t keys_per_row, payload_max;
    heap_body body;   /* the next row, already made */
    bool have_body;
    uint16_t slots[1200];
    rdb_undo_key *undo_keys;
    rdb_undo_head *heads;
    uint32_t head_count;
} bulk;

static uint32_t key_bytes(const bulk *b, uint32_t row)
{
    uint32_t bytes = 2;
    for (uint32_t i = 0; i < b->keys_per_row; i++)
        bytes += 16 + (uint32_t)b->keys[row * b->keys_per_row + i].new_key.length;
    return bytes;
}

/* Fills one page from row first on; *done is how many went in. */
static bool insert_page(bulk *b, const rdb_datum *const *values, const bool *const *is_null, uint32_t first, uint32_t row_count,
                        rdb_row_address *addresses, uint32_t *done, rdb_error *err)
{
    heap_edits edits;
    rdb_undo_append append;
    rdb_buffer *buffer = NULL;
    heap_seen seen = {.map = NULL};
    bool fresh = false, ok = true;
    uint32_t count = 0, key_count = 0, payload = 0;
    b->head_count = 0;
    if (!b->have_body && !heap_body_make(&b->body, b->table, b->xid, values[first], is_null[first], err)) {
        heap_body_free_chains(&b->body, &b->place);
        heap_body_deinit(&b->body);
        return false;
    }
    b->have_body = true;
    heap_edits_init(&edits);
    edits.length = HEAP_UNDO_EDIT_BYTES_MAX; /* room for the one that is known last */
    if (!heap_find_page(&b->place, b->body.length, UINT64_MAX, &buffer, &fresh, err)) {
        heap_edits_deinit(&edits);
        return false;
    }
    const rdb_page *page = rdb_buffer_page(buffer);
    uint32_t page_slots = fresh ? 0 : heap_slot_count(page), next_slot = 0;
    uint32_t room = fresh ? b->place.page_bytes - HEAP_SLOTS_AT : heap_free_bytes(page, b->place.page_bytes);
    if (fresh)
        heap_edit_init_page(&edits);
    while (ok && count < RDB_COUNT_OF(b->slots) && first + count < row_count) {
        uint32_t offset, length;
        while (next_slot < page_slots && heap_slot(page, next_slot, &offset, &length) != HEAP_SLOT_FREE)
            next_slot++;
        uint32_t need = b->body.length + (next_slot < page_slots ? 0 : HEAP_SLOT_BYTES);
        uint32_t more = key_bytes(b, first + count) + (uint32_t)sizeof(rdb_undo_head) * b->body.head_count;
        /* A row with chains goes alone: building the next one writes pages of this file under our latch otherwise. */
        if (need > room || (count > 0 && payload + more > b->payload_max) || next_slot >= UINT16_MAX)
            break;
        b->slots[count] = (uint16_t)next_slot;
        heap_edit_new_row(&edits, next_slot, b->body.flags, b->body.layout, b->body.bytes + HEAP_HEADER_BYTES, b->body.length - HEAP_HEADER_BYTES);
        for (uint32_t i = 0; i < b->keys_per_row; i++) {
            const rdb_index_key *key = &b->keys[(first + count) * b->keys_per_row + i];
            b->undo_keys[key_count++] = (rdb_undo_key){.index_file = key->index_file, .new_key = key->new_key, .slot = (uint16_t)next_slot};
        }
        for (uint32_t i = 0; i < b->body.head_count && b->head_count < HEAP_HEADS_MAX; i++)
            b->heads[b->head_count++] = b->body.heads[i];
        addresses[first + count] = RDB_ROW_ADDRESS(rdb_buffer_tag(buffer).block, next_slot);
        bool had_heads = b->body.head_count > 0;
        heap_body_deinit(&b->body);
        b->have_body = false;
        room -= need;
        payload += more;
        next_slot++;
        count++;
        if (had_heads || first + count == row_count)
            break;
        /* Values large enough for a chain are left for the next page, whose latch is not held while they are written. */
        uint64_t rough = 0;
        for (uint16_t i = 0; i < b->table->attribute_count; i++)
            if (!is_null[first + count][i] && b->table->reps[i] == RDB_REP_BYTES)
                rough += values[first + count][i].bytes.length;
        const rdb_row_layout *rows = b->table->layouts[b->table->current_layout]->rows;
        rough += rows->fixed_bytes + 4u * rows->variable_count + rows->slot_count / 8u + 1u + HEAP_HEADER_BYTES;
        if (rough > heap_cell_max(b->place.page_bytes) / 2)
            break;
        ok = heap_body_make(&b->body, b->table, b->xid, values[first + count], is_null[first + count], err);
        b->have_body = true;
    }
    ok = ok && heap_seen_latch(&seen, &b->place, rdb_buffer_tag(buffer).block, err);
    if (ok) {
        rdb_undo_record record = {.kind = RDB_UNDO_INSERT_MANY,
                                  .xid = b->xid,
                                  .file = b->table->file,
                                  .home = RDB_ROW_ADDRESS(rdb_buffer_tag(buffer).block, 0),
                                  .slots = b->slots,
                                  .slot_count = (uint16_t)count,
                                  .keys = b->undo_keys,
                                  .key_count = (uint16_t)key_count,
                                  .new_heads = b->heads,
                                  .new_head_count = (uint16_t)b->head_count};
        ok = rdb_undo_append_begin(&append, b->txn, b->table->undo_class, &record, err);
        if (ok) {
            rdb_change change;
            rdb_lsn end_lsn;
            uint8_t undo[HEAP_UNDO_EDIT_BYTES_MAX], *begin = edits.bytes + HEAP_UNDO_EDIT_BYTES_MAX;
            const uint32_t undo_bytes = heap_make_undo(undo, append.address);
            begin -= undo_bytes;
            memcpy(begin, undo, undo_bytes);
            rdb_change_init(&change, b->place.storage, b->place.pdb, b->xid, RDB_RESOURCE_HEAP, HEAP_OP_EDIT);
            rdb_change_block(&change, buffer, fresh ? RDB_WAL_BLOCK_INIT : 0);
            rdb_change_block_data(&change, begin, (uint32_t)(edits.bytes + edits.length - begin));
            heap_seen_add(&seen, &change);
            rdb_undo_append_add(&append, &change);
            ok = edits.failed ? rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory")
                              : rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
        }
        rdb_undo_append_end(&append, ok);
    }
    heap_seen_release(&seen);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    heap_edits_deinit(&edits);
    for (uint32_t i = 0; !ok && i < b->head_count; i++) { /* no row leads to them */
        rdb_error second = {0};
        if (!heap_free_chain(&b->place, b->heads[i].block, b->heads[i].xid, &second))
            rdb_error_clear(&second);
    }
    *done = count;
    return ok;
}

bool rdb_table_insert_many(const rdb_table *table, rdb_txn *txn, const rdb_datum *const *values, const bool *const *is_null,
                           uint32_t row_count, const rdb_index_key *keys, uint32_t keys_per_row, rdb_row_address *addresses,
                           rdb_error *err)
{
    if (row_count == 0)
        return true;
    if (!heap_check_pdb(table, txn, err))
        return false;
    bulk *b = malloc(sizeof *b);
    if (b == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    *b = (bulk){.place = heap_place_of(table), .txn = txn, .table = table, .keys = keys, .keys_per_row = keys_per_row};
    uint32_t in_page = RDB_MIN(row_count, (uint32_t)RDB_COUNT_OF(b->slots));
    b->payload_max = rdb_undo_bytes_max(table->undo) - (uint32_t)RDB_COUNT_OF(b->slots) * 2 - HEAP_HEADS_MAX;
    b->payload_max = RDB_MIN(b->payload_max, b->place.page_bytes * 4);
    b->undo_keys = malloc(RDB_MAX((size_t)in_page * keys_per_row, 1) * sizeof *b->undo_keys);
    b->heads = malloc(HEAP_HEADS_MAX * sizeof *b->heads);
    bool ok = (b->undo_keys != NULL && b->heads != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t first = 0, done = 0; ok && first < row_count; first += done) {
        done = 0;
        ok = rdb_undo_prepare(txn, table->undo_class, &b->xid, err) &&
             insert_page(b, values, is_null, first, row_count, addresses, &done, err);
    }
    if (b->have_body) {
        heap_body_free_chains(&b->body, &b->place);
        heap_body_deinit(&b->body);
    }
    free(b->undo_keys);
    free(b->heads);
    free(b);
    return ok && rdb_ssi_write_row(txn, table->relation_oid, 0, 0, err);
}
