/* SPDX-License-Identifier: Apache-2.0
 * Walks the logs of a database from their tails to their ends and says whether every record is one. Others append and purge
 * meanwhile: what is below the tail by now is passed over, what was not there at the begin is not looked at. */
#include "undo/undo_int.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct log_list {
    rdb_undo_log_info *logs;
    uint32_t count, capacity, pdb;
    bool failed;
} log_list;

static void note_log(void *context, const rdb_undo_log_info *info)
{
    log_list *list = context;
    if (info->pdb != list->pdb)
        return;
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity * 2 + 16;
        rdb_undo_log_info *grown = realloc(list->logs, capacity * sizeof *grown);
        if (grown == NULL) {
            list->failed = true;
            return;
        }
        list->logs = grown;
        list->capacity = capacity;
    }
    list->logs[list->count++] = *info;
}

static const char *check_record(const rdb_undo_record *record, rdb_undo_address address)
{
    rdb_undo_key key;
    size_t cursor = 0;
    uint32_t keys = 0;
    if (record->kind < RDB_UNDO_INSERT || record->kind > RDB_UNDO_FILE_DROP)
        return "It is of no known kind";
    if (record->previous_of_txn != 0 && (RDB_UNDO_LOG(record->previous_of_txn) != RDB_UNDO_LOG(address) || record->previous_of_txn >= address))
        return "The record before it in its transaction does not lie before it";
    while (rdb_undo_next_key(record, &cursor, &key))
        keys++;
    return keys != record->key_count ? "Its index keys pass its end" : NULL;
}

static bool verify_log(rdb_undo *undo, const rdb_undo_log_info *log, rdb_cancel *cancel, rdb_undo_complain complain, void *context, uint64_t *records,
                       rdb_error *err)
{
    rdb_undo_reader reader;
    rdb_undo_record record;
    bool ok = true;
    rdb_undo_reader_init(&reader);
    for (rdb_undo_address at = log->tail; ok && at < log->next;) {
        bool found = false;
        ok = cancel == NULL || rdb_cancel_check(cancel, err);
        if (!ok)
            break;
        if (!rdb_undo_read(undo, log->pdb, at, &reader, &record, &found, err)) {
            ok = strcmp(err->sqlstate, RDB_DATA_CORRUPTED) == 0;
            if (ok) { /* where the next one begins, this one alone could tell */
                char problem[1600];
                snprintf(problem, sizeof problem, "%s. %s", rdb_error_message(err), rdb_error_detail_text(err));
                complain(context, at, problem);
                rdb_error_clear(err);
            }
            break;
        }
        if (!found)
            break;
        const char *problem = check_record(&record, at);
        if (problem != NULL)
            complain(context, at, problem);
        ++*records;
        at = rdb_undo_after(undo, at, record.bytes);
    }
    rdb_undo_reader_deinit(&reader);
    return ok;
}

bool rdb_undo_verify(rdb_undo *undo, uint32_t pdb, rdb_cancel *cancel, rdb_undo_complain complain, void *context, uint64_t *records, rdb_error *err)
{
    log_list list = {.pdb = pdb};
    *records = 0;
    if (!rdb_undo_attach(undo, pdb, err))
        return false;
    rdb_undo_visit_logs(undo, note_log, &list);
    bool ok = !list.failed || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; ok && i < list.count; i++)
        ok = verify_log(undo, &list.logs[i], cancel, complain, context, records, err);
    free(list.logs);
    return ok;
}
