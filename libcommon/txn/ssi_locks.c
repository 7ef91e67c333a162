/* SPDX-License-Identifier: Apache-2.0
 * SIREAD locks: what serializable transactions read, by relation. They are few to a transaction: rows become pages and pages the
 * relation, so that lists are searched as they are. */
#include "txn/ssi_int.h"

#include <stdlib.h>

static uint32_t bucket_of(uint32_t pdb, uint32_t relation_oid)
{
    return (uint32_t)((pdb * UINT64_C(0x9E3779B97F4A7C15) + relation_oid * UINT64_C(0xD6E8FEB86659FD93)) >> 40) % SSI_BUCKETS;
}

static ssi_held *held_of(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid)
{
    for (ssi_held *held = owner->held; held != NULL; held = held->next_of_txn)
        if (held->relation_oid == relation_oid)
            return held;
    ssi_held *held = calloc(1, sizeof *held);
    if (held == NULL)
        return NULL;
    ssi_held **bucket = &ssi->relations[bucket_of(owner->pdb, relation_oid)];
    held->owner = owner;
    held->pdb = owner->pdb;
    held->relation_oid = relation_oid;
    held->next_of_txn = owner->held;
    owner->held = held;
    held->next_of_relation = *bucket;
    *bucket = held;
    return held;
}

static void make_whole(ssi_held *held)
{
    for (uint32_t i = 0; i < held->range_count; i++)
        free(held->ranges[i].bytes);
    free(held->ranges);
    held->ranges = NULL;
    held->row_count = held->page_count = held->range_count = 0;
    held->is_whole = true;
}

bool ssi_hold_relation(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid)
{
    ssi_held *held = held_of(ssi, owner, relation_oid);
    if (held != NULL && !held->is_whole)
        make_whole(held);
    return held != NULL;
}

/* Rows of the block become the block. */
static void hold_page(ssi_held *held, uint64_t block)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < held->row_count; i++)
        if (held->rows[i] >> 16 != block)
            held->rows[kept++] = held->rows[i];
    held->row_count = kept;
    held->pages[held->page_count++] = block;
}

bool ssi_hold_row(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid, uint64_t address)
{
    ssi_held *held = held_of(ssi, owner, relation_oid);
    if (held == NULL)
        return false;
    if (held->is_whole)
        return true;
    uint32_t neighbours = 0;
    for (uint16_t i = 0; i < held->page_count; i++)
        if (held->pages[i] == address >> 16)
            return true;
    for (uint16_t i = 0; i < held->row_count; i++) {
        if (held->rows[i] == address)
            return true;
        neighbours += held->rows[i] >> 16 == address >> 16;
    }
    if ((uint32_t)held->row_count + held->page_count - neighbours >= SSI_LOCKS_MAX)
        make_whole(held);
    else if (neighbours >= SSI_ROWS_OF_PAGE_MAX)
        hold_page(held, address >> 16);
    else
        held->rows[held->row_count++] = address;
    return true;
}

static bool same_range(const ssi_range *a, const ssi_range *b, const uint8_t *lower, const uint8_t *upper)
{
    return a->index_oid == b->index_oid && a->lower_bytes == b->lower_bytes && a->upper_bytes == b->upper_bytes &&
           a->lower_exclusive == b->lower_exclusive && a->upper_exclusive == b->upper_exclusive &&
           (a->lower_bytes == 0 || memcmp(a->bytes, lower, a->lower_bytes) == 0) &&
           (a->upper_bytes == 0 || memcmp(a->bytes + a->lower_bytes, upper, a->upper_bytes) == 0);
}

bool ssi_hold_range(ssi_manager *ssi, ssi_txn *owner, uint32_t relation_oid, const ssi_range *range, const uint8_t *lower, const uint8_t *upper)
{
    ssi_held *held = held_of(ssi, owner, relation_oid);
    if (held == NULL)
        return false;
    if (held->is_whole)
        return true;
    for (uint16_t i = 0; i < held->range_count; i++)
        if (same_range(&held->ranges[i], range, lower, upper))
            return true;
    if (held->range_count == SSI_RANGES_MAX) {
        make_whole(held);
        return true;
    }
    if (held->ranges == NULL && (held->ranges = malloc(SSI_RANGES_MAX * sizeof *held->ranges)) == NULL)
        return false;
    ssi_range *added = &held->ranges[held->range_count];
    *added = *range;
    added->bytes = malloc((size_t)range->lower_bytes + range->upper_bytes + 1);
    if (added->bytes == NULL)
        return false;
    if (range->lower_bytes > 0)
        memcpy(added->bytes, lower, range->lower_bytes);
    if (range->upper_bytes > 0)
        memcpy(added->bytes + range->lower_bytes, upper, range->upper_bytes);
    held->range_count++;
    return true;
}

void ssi_release_locks(ssi_manager *ssi, ssi_txn *owner)
{
    for (ssi_held *held = owner->held, *next; held != NULL; held = next) {
        next = held->next_of_txn;
        ssi_held **at = &ssi->relations[bucket_of(held->pdb, held->relation_oid)];
        while (*at != held)
            at = &(*at)->next_of_relation;
        *at = held->next_of_relation;
        make_whole(held);
        free(held);
    }
    owner->held = NULL;
}

void ssi_widen_relation(ssi_manager *ssi, uint32_t pdb, uint32_t relation_oid)
{
    for (ssi_held *held = ssi->relations[bucket_of(pdb, relation_oid)]; held != NULL; held = held->next_of_relation)
        if (held->pdb == pdb && held->relation_oid == relation_oid)
            make_whole(held);
}

/* The order of keys is that of their bytes; a bound stands for all that begin with it. */
static bool range_has(const ssi_range *range, uint32_t index_oid, rdb_slice key)
{
    if (range->index_oid != index_oid)
        return false;
    if (range->lower_bytes > 0) {
        size_t common = RDB_MIN(key.length, (size_t)range->lower_bytes);
        int order = memcmp(key.data, range->bytes, common);
        if (order < 0 || (order == 0 && (key.length < range->lower_bytes || range->lower_exclusive)))
            return false;
    }
    if (range->upper_bytes > 0) {
        size_t common = RDB_MIN(key.length, (size_t)range->upper_bytes);
        int order = memcmp(key.data, range->bytes + range->lower_bytes, common);
        if (order > 0 || (order == 0 && range->upper_exclusive && key.length >= range->upper_bytes))
            return false;
    }
    return true;
}

static bool covers(const ssi_held *held, const ssi_write *write)
{
    if (held->is_whole || write->kind == SSI_WRITE_ALL)
        return true;
    if (write->kind == SSI_WRITE_ROW) {
        for (uint16_t i = 0; i < held->row_count; i++)
            if (held->rows[i] == write->address)
                return true;
        for (uint16_t i = 0; i < held->page_count; i++)
            if (held->pages[i] == write->address >> 16)
                return true;
    } else if (write->kind == SSI_WRITE_KEY) {
        for (uint16_t i = 0; i < held->range_count; i++)
            if (range_has(&held->ranges[i], write->index_oid, write->key))
                return true;
    }
    return false;
}

bool ssi_each_reader(ssi_manager *ssi, const ssi_write *write, bool (*found)(void *context, ssi_txn *reader), void *context)
{
    for (const ssi_held *held = ssi->relations[bucket_of(write->pdb, write->relation_oid)]; held != NULL; held = held->next_of_relation)
        if (held->pdb == write->pdb && held->relation_oid == write->relation_oid && held->owner->snapshot_scn >= write->seen_scn &&
            covers(held, write) && !found(context, held->owner))
            return false;
    return true;
}

void rdb_ssi_visit(rdb_txn_manager *manager, void (*visit)(void *context, const rdb_ssi_lock *lock), void *context)
{
    ssi_manager *ssi = manager->ssi;
    rdb_mutex_lock(&ssi->lock);
    for (uint32_t bucket = 0; bucket < SSI_BUCKETS; bucket++)
        for (const ssi_held *held = ssi->relations[bucket]; held != NULL; held = held->next_of_relation) {
            rdb_ssi_lock lock = {.pdb = held->pdb, .relation_oid = held->relation_oid, .kind = 'r',
                                 .process_id = held->owner->end_no == 0 ? held->owner->process_id : 0};
            if (held->is_whole) {
                visit(context, &lock);
                continue;
            }
            lock.kind = 't';
            for (uint16_t i = 0; i < held->row_count; i++) {
                lock.place = held->rows[i];
                visit(context, &lock);
            }
            lock.kind = 'p';
            for (uint16_t i = 0; i < held->page_count; i++) {
                lock.place = held->pages[i];
                visit(context, &lock);
            }
            lock.kind = 'k';
            lock.place = 0;
            for (uint16_t i = 0; i < held->range_count; i++) {
                lock.relation_oid = held->ranges[i].index_oid;
                visit(context, &lock);
            }
        }
    rdb_mutex_unlock(&ssi->lock);
}
