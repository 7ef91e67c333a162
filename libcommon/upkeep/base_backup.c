/* SPDX-License-Identifier: Apache-2.0
 * Base backups: what holds the log while files are copied, and the label that tells a copy from an instance that crashed.
 *
 * Why a copy of changing files is good: its start LSN is the redo LSN of a checkpoint, so every change before it is in the files, and the
 * first change of a page behind it brings the page as it was. Replay from there makes a page whole, however it was torn, and a file that
 * came, grew, shrank or went meanwhile gets its records too. At the stop LSN all pages agree; before it they do not, so nothing may open. */
#include "upkeep_int.h"

#include "base/rdb_log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define LABEL_BYTES_MAX 1024u

#define PAGE_SPREAD_US 1000 /* for who waits for the beginning of a backup: a page of the checkpoint each, at most */

struct rdb_base_backup {
    rdb_upkeep *upkeep;
    struct rdb_base_backup *next; /* of the upkeep's list, under its backup_lock */
    rdb_lsn keep_lsn;             /* under backup_lock */
    rdb_control control;          /* as the checkpoint left it */
    int64_t start_us;
    char label[LABEL_BYTES_MAX + 1];
};

rdb_lsn base_backup_keeps(rdb_upkeep *upkeep)
{
    rdb_lsn lowest = UINT64_MAX;
    rdb_mutex_lock(&upkeep->backup_lock);
    for (const rdb_base_backup *backup = upkeep->backups; backup != NULL; backup = backup->next)
        lowest = RDB_MIN(lowest, backup->keep_lsn);
    rdb_mutex_unlock(&upkeep->backup_lock);
    return lowest;
}

/* Over how much time the checkpoint writes: as any, but not longer than its pages are worth. */
static int64_t checkpoint_spread_us(rdb_upkeep *upkeep)
{
    rdb_storage_statistics statistics;
    rdb_storage_get_statistics(upkeep->storage, &statistics);
    return RDB_MIN(upkeep_spread_us(upkeep), (int64_t)statistics.dirty * PAGE_SPREAD_US);
}

bool rdb_base_backup_begin(rdb_upkeep *upkeep, const char *label, bool fast, rdb_base_backup **out, rdb_error *err)
{
    *out = NULL;
    if (strlen(label) > LABEL_BYTES_MAX)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "backup label too long (max %u bytes)", LABEL_BYTES_MAX);
    for (const char *c = label; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "backup label has control characters");
    rdb_base_backup *backup = calloc(1, sizeof *backup);
    if (backup == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    backup->upkeep = upkeep;
    backup->start_us = rdb_time_wall_us();
    strcpy(backup->label, label);
    rdb_mutex_lock(&upkeep->backup_lock); /* kept from before the checkpoint on, since another may follow it at once */
    backup->keep_lsn = atomic_load(&upkeep->redo_lsn);
    backup->next = upkeep->backups;
    upkeep->backups = backup;
    rdb_mutex_unlock(&upkeep->backup_lock);
    *out = backup;
    if (!rdb_upkeep_checkpoint(upkeep, fast ? 0 : checkpoint_spread_us(upkeep), err)) {
        rdb_base_backup_close(out);
        return false;
    }
    rdb_mutex_lock(&upkeep->checkpoint_lock);
    backup->control = upkeep->control; /* of this checkpoint or a later one: as good */
    rdb_mutex_unlock(&upkeep->checkpoint_lock);
    rdb_mutex_lock(&upkeep->backup_lock);
    backup->keep_lsn = backup->control.redo_lsn;
    rdb_mutex_unlock(&upkeep->backup_lock);
    RDB_LOG(RDB_LOG_INFO, "upkeep", "base backup \"%s\" begins: its log starts at %llX", label, (unsigned long long)backup->control.redo_lsn);
    return true;
}

rdb_lsn rdb_base_backup_start_lsn(const rdb_base_backup *backup)
{
    return backup->control.redo_lsn;
}

void rdb_base_backup_close(rdb_base_backup **handle)
{
    rdb_base_backup *backup = *handle;
    *handle = NULL;
    if (backup == NULL)
        return;
    rdb_mutex_lock(&backup->upkeep->backup_lock);
    rdb_base_backup **at = &backup->upkeep->backups;
    while (*at != backup)
        at = &(*at)->next;
    *at = backup->next;
    rdb_mutex_unlock(&backup->upkeep->backup_lock);
    free(backup);
}

/* ---- the label -------------------------------------------------------------------------------------------------------- */

static bool write_label(const rdb_base_backup *backup, rdb_base_backup_result *result, rdb_error *err)
{
    const rdb_control *control = &backup->control;
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    rdb_strbuf_addf(&text, "label = %s\nsystem_id = %llu\nlayout_version = %u\ndata_format = %u\npage_bytes = %u\nsegment_bytes = %u\n", backup->label,
                    (unsigned long long)control->system_id, control->layout_version, control->data_format, control->page_bytes,
                    control->wal_segment_bytes);
    rdb_strbuf_addf(&text, "incarnation = %u\nstart_lsn = %llX\ncheckpoint_lsn = %llX\nstop_lsn = %llX\nscn = %llu\nstart_time = %lld\nstop_time = %lld\n",
                    control->incarnation, (unsigned long long)result->start_lsn, (unsigned long long)result->checkpoint_lsn,
                    (unsigned long long)result->stop_lsn, (unsigned long long)control->scn, (long long)result->start_us, (long long)result->stop_us);
    if (!text.failed)
        rdb_strbuf_addf(&text, "crc = %08x\n", rdb_crc32c(0, text.data, text.length));
    bool ok = rdb_strbuf_check(&text, err) &&
              (text.length < sizeof result->label_file || rdb_error_set(err, RDB_INTERNAL_ERROR, "the backup's label is too long"));
    if (ok) {
        memcpy(result->label_file, text.data, text.length + 1);
        result->label_bytes = (uint32_t)text.length;
    }
    rdb_strbuf_free(&text);
    return ok;
}

bool rdb_base_backup_end(rdb_base_backup *backup, rdb_base_backup_result *result, rdb_error *err)
{
    rdb_upkeep *upkeep = backup->upkeep;
    rdb_lsn end = 0;
    *result = (rdb_base_backup_result){.start_lsn = backup->control.redo_lsn, .checkpoint_lsn = backup->control.checkpoint_lsn,
                                       .timeline = backup->control.incarnation, .start_us = backup->start_us};
    result->stop_lsn = rdb_wal_insert_lsn(upkeep->wal);
    if (!rdb_wal_flush(upkeep->wal, result->stop_lsn, err) ||
        (upkeep->archiver != NULL && !(rdb_wal_switch(upkeep->wal, &end, err) && rdb_wal_flush(upkeep->wal, end, err))))
        return false;
    result->stop_us = rdb_time_wall_us();
    if (!write_label(backup, result, err))
        return false;
    RDB_LOG(RDB_LOG_INFO, "upkeep", "base backup \"%s\" ends: it needs the log from %llX to %llX", backup->label,
            (unsigned long long)result->start_lsn, (unsigned long long)result->stop_lsn);
    return true;
}

/* The number behind "key = "; the keys stand in their order, each once. */
static bool take_number(const char **at, const char *end, const char *key, int base, uint64_t *value)
{
    size_t length = strlen(key);
    char *stop = NULL;
    *value = 0;
    if ((size_t)(end - *at) < length + 4 || memcmp(*at, key, length) != 0 || memcmp(*at + length, " = ", 3) != 0 || !isxdigit((unsigned char)(*at)[length + 3]))
        return false;
    *value = strtoull(*at + length + 3, &stop, base);
    if (stop == NULL || stop >= end || *stop != '\n')
        return false;
    *at = stop + 1;
    return true;
}

bool rdb_base_backup_parse_label(const char *text, size_t length, rdb_base_backup_result *base, rdb_control *control, rdb_error *err)
{
    uint64_t values[12], crc = 0;
    static const struct { const char *key; int base; } KEYS[] = {
        {"system_id", 10}, {"layout_version", 10}, {"data_format", 10}, {"page_bytes", 10}, {"segment_bytes", 10}, {"incarnation", 10},
        {"start_lsn", 16}, {"checkpoint_lsn", 16}, {"stop_lsn", 16}, {"scn", 10}, {"start_time", 10}, {"stop_time", 10}};
    char copy[sizeof base->label_file];
    *base = (rdb_base_backup_result){0};
    *control = (rdb_control){0};
    bool ok = length > 0 && length < sizeof copy;
    if (ok) {
        memcpy(copy, text, length);
        copy[length] = '\0';
        ok = strlen(copy) == length;
    }
    const char *end = copy + length, *at = ok ? strchr(copy, '\n') : NULL;
    ok = ok && at != NULL && memcmp(copy, "label = ", 8) == 0;
    at = ok ? at + 1 : copy;
    for (unsigned i = 0; ok && i < RDB_COUNT_OF(KEYS); i++)
        ok = take_number(&at, end, KEYS[i].key, KEYS[i].base, &values[i]);
    size_t covered = (size_t)(at - copy);
    ok = ok && take_number(&at, end, "crc", 16, &crc) && at == end && crc == rdb_crc32c(0, copy, covered);
    if (!ok)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "the backup's label is damaged");
    *control = (rdb_control){.system_id = values[0], .layout_version = (uint32_t)values[1], .data_format = (uint32_t)values[2],
                             .page_bytes = (uint32_t)values[3], .wal_segment_bytes = (uint32_t)values[4], .incarnation = (uint32_t)values[5],
                             .state = RDB_CONTROL_RECOVERING, .redo_lsn = values[6], .checkpoint_lsn = values[7], .scn = values[9],
                             .checkpoint_us = (int64_t)values[10], .consistent_lsn = values[8]};
    *base = (rdb_base_backup_result){.start_lsn = values[6], .checkpoint_lsn = values[7], .stop_lsn = values[8], .timeline = (uint32_t)values[5],
                                     .start_us = (int64_t)values[10], .stop_us = (int64_t)values[11], .label_bytes = (uint32_t)length};
    memcpy(base->label_file, copy, length + 1);
    return true;
}

bool base_backup_take_label(const char *home, rdb_control *control, bool *found, rdb_error *err)
{
    char path[1200], folder[1200];
    rdb_slice content = {0};
    rdb_base_backup_result base;
    *found = false;
    if (!rdb_instance_path(home, "data/meta/backup_label", path, sizeof path, err) || !rdb_instance_path(home, "data/meta", folder, sizeof folder, err))
        return false;
    if (!rdb_path_exists(path))
        return true;
    rdb_arena *arena = rdb_arena_create("backup label", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_read(path, arena, &content, sizeof base.label_file, err) &&
              rdb_base_backup_parse_label((const char *)content.data, content.length, &base, control, err);
    rdb_arena_destroy(arena);
    if (!ok)
        return rdb_error_detail(err, "File \"%s\".", path);
    /* Both copies, before the label goes: from then on the control file alone knows that this is a copy. */
    ok = rdb_control_write(home, control, err) && rdb_control_write(home, control, err) && rdb_path_remove(path, true, err) &&
         rdb_path_sync_directory(folder, err);
    if (ok)
        RDB_LOG(RDB_LOG_INFO, "upkeep", "this is a copy taken by a base backup: recovery begins at %llX and must reach %llX",
                (unsigned long long)control->redo_lsn, (unsigned long long)control->consistent_lsn);
    *found = ok;
    return ok;
}

/* ---- restore points ------------------------------------------------------------------------------------------------------ */

bool rdb_restore_point_create(rdb_upkeep *upkeep, const char *name, rdb_lsn *end_lsn, rdb_error *err)
{
    uint8_t record[RDB_WAL_HEADER_BYTES + 8 + RDB_RESTORE_POINT_BYTES_MAX] = {0};
    size_t length = strlen(name);
    rdb_lsn lsn = 0;
    *end_lsn = 0;
    if (length == 0 || length > RDB_RESTORE_POINT_BYTES_MAX)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "value too long for restore point (maximum %u characters)", RDB_RESTORE_POINT_BYTES_MAX);
    record[20] = RDB_RESOURCE_WAL;
    record[21] = RDB_WAL_OP_RESTORE_POINT;
    rdb_put_u64(record + RDB_WAL_HEADER_BYTES, (uint64_t)rdb_time_wall_us());
    memcpy(record + RDB_WAL_HEADER_BYTES + 8, name, length);
    rdb_wal_piece piece = {record, (uint32_t)(RDB_WAL_HEADER_BYTES + 8 + length)};
    if (!rdb_wal_insert(upkeep->wal, &piece, 1, NULL, NULL, &lsn, end_lsn, err) || !rdb_wal_flush(upkeep->wal, *end_lsn, err))
        return false;
    RDB_LOG(RDB_LOG_INFO, "upkeep", "restore point \"%s\" created at %X/%X", name, (unsigned)(*end_lsn >> 32), (unsigned)*end_lsn);
    return true;
}
