/* SPDX-License-Identifier: Apache-2.0
 * Exported snapshots: a transaction names its snapshot, others take the same one while the exporter runs (pg_dump --jobs).
 *
 * An SCN older than the horizon's claim may only be taken while another entry holds it. The exporter's entry does; the list's mutex
 * keeps the exporter from ending meanwhile, and keeps the horizon from walking the entries between the two, so that it meets at
 * least one of them. */
#include "txn/txn_int.h"

#include <stdio.h>
#include <stdlib.h>

struct txn_export {
    txn_export *next;
    const rdb_txn *owner;
    rdb_scn scn;
    char id[40];
};

bool rdb_txn_export_snapshot(rdb_txn *txn, const rdb_snapshot *snapshot, uint32_t process_id, char id[40], rdb_error *err)
{
    rdb_txn_manager *manager = txn->manager;
    txn_export *added = malloc(sizeof *added);
    if (added == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_txn_hold_snapshot(txn, snapshot); /* to the end of the transaction */
    rdb_mutex_lock(&manager->exports_lock);
    *added = (txn_export){.next = manager->exports, .owner = txn, .scn = snapshot->scn};
    snprintf(added->id, sizeof added->id, "%08X-%08X-1", process_id, ++manager->export_no);
    snprintf(id, 40, "%s", added->id);
    manager->exports = added;
    rdb_mutex_unlock(&manager->exports_lock);
    txn->has_exported = true;
    return true;
}

bool rdb_txn_import_snapshot(rdb_txn *txn, const char *id, rdb_snapshot *snapshot, rdb_error *err)
{
    rdb_txn_manager *manager = txn->manager;
    bool ok = false, is_foreign = false;
    rdb_mutex_lock(&manager->exports_lock);
    for (const txn_export *at = manager->exports; at != NULL && !ok && !is_foreign; at = at->next) {
        if (strcmp(at->id, id) != 0)
            continue;
        is_foreign = at->owner->pdb != txn->pdb;
        if (is_foreign)
            continue;
        rdb_txn_take_snapshot(txn, snapshot);
        snapshot->scn = at->scn;
        rdb_txn_hold_snapshot(txn, snapshot);
        ok = true;
    }
    rdb_mutex_unlock(&manager->exports_lock);
    if (is_foreign)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot import a snapshot from a different database");
    return ok || rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid snapshot identifier: \"%s\"", id);
}

void txn_withdraw_exports(rdb_txn *txn)
{
    rdb_txn_manager *manager = txn->manager;
    rdb_mutex_lock(&manager->exports_lock);
    for (txn_export **at = &manager->exports; *at != NULL;) {
        txn_export *gone = *at;
        if (gone->owner != txn) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        free(gone);
    }
    rdb_mutex_unlock(&manager->exports_lock);
    txn->has_exported = false;
}
