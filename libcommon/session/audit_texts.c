/* SPDX-License-Identifier: Apache-2.0
 * Sets are made by whoever asks first behind a redo point, freed by the audit writer. A text that two sessions meet at the same time is
 * logged twice, and the first one counts. */
#include "session/audit_texts.h"

#include "base/rdb_map.h"
#include "os/rdb_thread.h"

#include <stdlib.h>
#include <string.h>

enum { SET_BYTES_MAX = 1 << 20, REDO_POINTS_MAX = 64 };

typedef struct audit_text {
    rdb_lsn lsn;
    uint32_t length;
    uint8_t bytes[];
} audit_text;

struct audit_text_set {
    audit_text_set *older RDB_GUARDED_BY(texts->lock);
    rdb_lsn redo_point RDB_SET_ONCE;
    uint64_t number RDB_SET_ONCE;
    uint32_t holders RDB_GUARDED_BY(texts->lock);
    uint64_t text_bytes RDB_GUARDED_BY(texts->lock);
    rdb_map *by_text, *by_lsn RDB_GUARDED_BY(texts->lock); /* to audit_text, which by_lsn owns */
};

struct audit_texts {
    rdb_wal *wal;
    rdb_mutex lock;         /* RDB_RANK_LEAF */
    audit_text_set *newest RDB_GUARDED_BY(lock);
    uint64_t set_count RDB_GUARDED_BY(lock); /* made so far */
    /* In order, and only the first may lie before what is durable; where there are too many some are left out, and more is kept. */
    rdb_lsn redo_points[REDO_POINTS_MAX];
    uint32_t redo_point_count;
};

bool audit_texts_create(audit_texts **texts, rdb_wal *wal, rdb_error *err)
{
    *texts = calloc(1, sizeof **texts);
    if (*texts == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    (*texts)->wal = wal;
    (*texts)->redo_points[(*texts)->redo_point_count++] = rdb_wal_insert_lsn(wal);
    rdb_mutex_init(&(*texts)->lock, RDB_RANK_LEAF);
    return true;
}

static void free_set(audit_text_set *set)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *text;
    while (set->by_lsn != NULL && rdb_map_next(set->by_lsn, &cursor, &key, &text))
        free(text);
    rdb_map_destroy(set->by_lsn);
    rdb_map_destroy(set->by_text);
    free(set);
}

void audit_texts_destroy(audit_texts **texts_at)
{
    audit_texts *texts = *texts_at;
    *texts_at = NULL;
    if (texts == NULL)
        return;
    for (audit_text_set *set = texts->newest, *older; set != NULL; set = older) {
        older = set->older;
        free_set(set);
    }
    rdb_mutex_deinit(&texts->lock);
    free(texts);
}

audit_text_set *audit_texts_hold(audit_texts *texts, audit_text_set *held)
{
    const rdb_lsn redo_point = rdb_wal_redo_point(texts->wal);
    if (held != NULL && held->redo_point == redo_point)
        return held;
    rdb_mutex_lock(&texts->lock);
    if (held != NULL)
        held->holders--;
    audit_text_set *set = texts->newest;
    if (set == NULL || set->redo_point < redo_point) {
        set = calloc(1, sizeof *set);
        if (set != NULL && ((set->by_text = rdb_map_create()) == NULL || (set->by_lsn = rdb_map_create()) == NULL)) {
            free_set(set);
            set = NULL;
        }
        if (set != NULL) {
            set->redo_point = redo_point;
            set->number = ++texts->set_count;
            set->older = texts->newest;
            texts->newest = set;
        }
    }
    if (set != NULL)
        set->holders++;
    rdb_mutex_unlock(&texts->lock);
    return set;
}

void audit_texts_drop(audit_texts *texts, audit_text_set *held)
{
    if (held == NULL)
        return;
    rdb_mutex_lock(&texts->lock);
    held->holders--;
    rdb_mutex_unlock(&texts->lock);
}

bool audit_texts_are_stale(const audit_texts *texts, const audit_text_set *held)
{
    return held->redo_point != rdb_wal_redo_point(texts->wal);
}

uint64_t audit_text_set_number(const audit_text_set *set)
{
    return set->number;
}

static bool log_text(audit_texts *texts, const void *bytes, uint32_t length, rdb_lsn *lsn, rdb_error *err)
{
    uint8_t header[RDB_WAL_HEADER_BYTES] = {0};
    const rdb_wal_piece pieces[2] = {{header, sizeof header}, {bytes, length}};
    rdb_lsn end_lsn;
    header[20] = RDB_RESOURCE_AUDIT;
    header[21] = RDB_AUDIT_OP_TEXT;
    return rdb_wal_insert(texts->wal, pieces, 2, NULL, NULL, lsn, &end_lsn, err);
}

rdb_lsn audit_texts_refer(audit_texts *texts, audit_text_set *set, const void *bytes, uint32_t length)
{
    rdb_error err = {0};
    rdb_lsn lsn = 0;
    rdb_mutex_lock(&texts->lock);
    const audit_text *known = rdb_map_get(set->by_text, bytes, length);
    const bool has_room = set->text_bytes + length <= SET_BYTES_MAX;
    lsn = known != NULL ? known->lsn : 0;
    rdb_mutex_unlock(&texts->lock);
    if (lsn != 0 || !has_room)
        return lsn;
    audit_text *text = malloc(sizeof *text + length);
    if (text == NULL || !log_text(texts, bytes, length, &lsn, &err)) { /* whoever logs the whole record is told what is wrong */
        rdb_error_clear(&err);
        free(text);
        return 0;
    }
    *text = (audit_text){.lsn = lsn, .length = length};
    memcpy(text->bytes, bytes, length);
    rdb_mutex_lock(&texts->lock);
    known = rdb_map_get(set->by_text, bytes, length);
    if (known != NULL) { /* another session came before: its record counts */
        lsn = known->lsn;
        free(text);
    } else if (!rdb_map_put_u64(set->by_lsn, lsn, text)) {
        lsn = 0;
        free(text);
    } else {
        set->text_bytes += length;
        (void)rdb_map_put(set->by_text, bytes, length, text, NULL); /* without memory for it the text is logged once more the next time */
    }
    rdb_mutex_unlock(&texts->lock);
    return lsn;
}

bool audit_texts_find(audit_texts *texts, rdb_lsn lsn, rdb_slice *text)
{
    const audit_text *found = NULL;
    rdb_mutex_lock(&texts->lock);
    for (const audit_text_set *set = texts->newest; set != NULL && found == NULL; set = set->older)
        found = rdb_map_get_u64(set->by_lsn, lsn);
    if (found != NULL)
        *text = (rdb_slice){found->bytes, found->length};
    rdb_mutex_unlock(&texts->lock);
    return found != NULL;
}

rdb_lsn audit_texts_keep(audit_texts *texts, rdb_lsn durable)
{
    const rdb_lsn redo_point = rdb_wal_redo_point(texts->wal);
    rdb_lsn *points = texts->redo_points;
    uint32_t passed = 0;
    if (redo_point > points[texts->redo_point_count - 1] && texts->redo_point_count < REDO_POINTS_MAX)
        points[texts->redo_point_count++] = redo_point;
    while (passed + 1 < texts->redo_point_count && points[passed + 1] <= durable)
        passed++;
    texts->redo_point_count -= passed;
    memmove(points, points + passed, texts->redo_point_count * sizeof *points);
    return RDB_MIN(points[0], durable);
}

bool audit_texts_forget(audit_texts *texts, rdb_lsn taken)
{
    audit_text_set *gone = NULL;
    rdb_mutex_lock(&texts->lock);
    for (audit_text_set *newer = texts->newest; newer != NULL && newer->older != NULL;) {
        audit_text_set *set = newer->older;
        if (set->holders > 0 || taken < newer->redo_point) { /* behind that no record refers to it */
            newer = set;
            continue;
        }
        newer->older = set->older;
        set->older = gone;
        gone = set;
    }
    rdb_mutex_unlock(&texts->lock);
    const bool any = gone != NULL;
    while (gone != NULL) {
        audit_text_set *older = gone->older;
        free_set(gone);
        gone = older;
    }
    return any;
}
