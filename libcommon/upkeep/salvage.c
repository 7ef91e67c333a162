/* SPDX-License-Identifier: Apache-2.0
 * The copy that salvage reads (rdb_salvage.h). Indexes are left behind: they can be made of tables. */
#include "upkeep/rdb_salvage.h"

#include "storage/rdb_storage_salvage.h"
#include "txn/rdb_txn_salvage.h"
#include "undo/rdb_undo_salvage.h"
#include "upkeep_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { COPY_BYTES = 1 << 20 };

typedef struct lost_xids {
    uint32_t pdb;
    rdb_xid first, end;
} lost_xids;

typedef struct stale_place { /* key of the map of blocks that the log does not fit; no holes */
    uint64_t file, block, pdb;
} stale_place;

struct rdb_salvage {
    rdb_salvage_options options;
    char data[1200], from[1200];
    uint32_t page_bytes;
    rdb_storage *storage;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_map *stale;
    lost_xids *lost;
    uint32_t lost_count, lost_capacity;
    uint32_t *pdbs;
    uint32_t pdb_count;
};

static void tell(const rdb_salvage *s, const char *file, bool has_block, uint64_t block, const char *problem)
{
    s->options.complain(s->options.context, &(rdb_salvage_damage){.file = file, .has_block = has_block, .block = block, .problem = problem});
}

/* A name of digits is the number of a PDB or of a file. */
static bool is_number(const char *name, uint64_t *number)
{
    *number = 0;
    if (name[0] == '\0' || strlen(name) > 18)
        return false;
    for (; *name != '\0'; name++) {
        if (*name < '0' || *name > '9')
            return false;
        *number = *number * 10 + (uint64_t)(*name - '0');
    }
    return true;
}

/* ---- copying ------------------------------------------------------------------------------------------------------------- */
/* A file with what can be read of it; a stretch that the disk does not give back becomes zeroes that no page has. */
static bool copy_file(const rdb_salvage *s, const char *from, const char *to, const char *name, uint8_t *buffer, rdb_error *err)
{
    rdb_file *source = NULL, *target = NULL;
    rdb_error trouble = {0};
    uint64_t size = 0;
    bool ok = rdb_file_open(&source, from, RDB_FILE_READ, &trouble) && rdb_file_size(source, &size, &trouble);
    if (!ok) {
        tell(s, name, false, 0, rdb_error_message(&trouble));
        rdb_error_clear(&trouble);
        rdb_file_close(&source, &trouble);
        rdb_error_clear(&trouble);
        return true;
    }
    ok = rdb_file_open(&target, to, RDB_FILE_CREATE | RDB_FILE_TRUNCATE, err);
    for (uint64_t at = 0; ok && at < size;) {
        size_t want = (size_t)RDB_MIN((uint64_t)COPY_BYTES, size - at), got = 0;
        if (!rdb_file_read(source, at, buffer, want, &got, &trouble)) {
            rdb_error_clear(&trouble);
            want = RDB_MIN(want, (size_t)4096);
            if (!rdb_file_read(source, at, buffer, want, &got, &trouble)) {
                tell(s, name, false, 0, rdb_error_message(&trouble));
                rdb_error_clear(&trouble);
                memset(buffer, 0xee, want);
                got = want;
            }
        }
        if (got == 0)
            break;
        ok = rdb_file_write(target, at, buffer, got, err);
        at += got;
    }
    rdb_file_close(&source, &trouble);
    rdb_error_clear(&trouble);
    return rdb_file_close(&target, err) && ok;
}

static bool copy_tree(const rdb_salvage *s, const char *name, rdb_arena *arena, uint8_t *buffer, rdb_error *err)
{
    const char *from = rdb_arena_printf(arena, "%s/%s", s->from, name), *to = rdb_arena_printf(arena, "%s/%s", s->data, name);
    rdb_list names = {0};
    rdb_error trouble = {0};
    if (!rdb_arena_check(arena, err) || !rdb_path_make_directory(to, 0700, true, err))
        return false;
    if (!rdb_path_list(from, arena, &names, &trouble)) {
        tell(s, name, false, 0, rdb_error_message(&trouble));
        rdb_error_clear(&trouble);
        return true;
    }
    for (uint32_t i = 0; i < names.count; i++) {
        const char *below = rdb_arena_printf(arena, "%s/%s", name, (const char *)names.items[i]);
        const char *path = rdb_arena_printf(arena, "%s/%s", s->from, below);
        const bool ok = rdb_path_is_directory(path) ? copy_tree(s, below, arena, buffer, err)
                                                    : copy_file(s, path, rdb_arena_printf(arena, "%s/%s", s->data, below), below, buffer, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool copy_all(rdb_salvage *s, rdb_error *err)
{
    static const char *const FOLDERS[] = {"meta", "tables", "undo", "xact", "wal"};
    rdb_arena *arena = rdb_arena_create("salvage", NULL, NULL);
    uint8_t *buffer = malloc(COPY_BYTES);
    char indexes[1300];
    snprintf(indexes, sizeof indexes, "%s/indexes", s->data);
    bool ok = (arena != NULL && buffer != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_path_make_directory(s->data, 0700, true, err) && rdb_path_make_directory(indexes, 0700, true, err);
    for (size_t i = 0; ok && i < RDB_COUNT_OF(FOLDERS); i++)
        ok = copy_tree(s, FOLDERS[i], arena, buffer, err);
    free(buffer);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- replay -------------------------------------------------------------------------------------------------------------- */
static bool note_lost(rdb_salvage *s, uint32_t pdb, rdb_xid first, rdb_xid end, rdb_error *err)
{
    if (s->lost_count == s->lost_capacity) {
        const uint32_t capacity = s->lost_capacity * 2 + 64;
        lost_xids *grown = realloc(s->lost, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        s->lost = grown;
        s->lost_capacity = capacity;
    }
    s->lost[s->lost_count++] = (lost_xids){pdb, first, end};
    return true;
}

static bool note_stale(rdb_salvage *s, const rdb_replay_step *step, rdb_error *err)
{
    const stale_place place = {step->block.file, step->block.block, step->pdb};
    const uint64_t number = step->block.file & ((UINT64_C(1) << 56) - 1);
    rdb_xid first, end;
    if (!rdb_map_put(s->stale, &place, sizeof place, s, NULL))
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (RDB_FILE_CLASS(step->block.file) != RDB_FILE_XACT || number == 0)
        return true;
    rdb_txn_page_xids(number - 1, step->block.block, s->page_bytes, &first, &end);
    return note_lost(s, step->pdb, first, end, err);
}

/* Each block for itself: one that cannot be brought forward leaves the others alone. */
static bool apply_record(rdb_salvage *s, const rdb_wal_record *record, rdb_error *err)
{
    rdb_error trouble = {0};
    if (rdb_storage_replay_is_for_files(record)) {
        if (!rdb_storage_replay_files(s->storage, record, &trouble))
            rdb_error_clear(&trouble);
        return true;
    }
    for (unsigned i = 0; i < record->block_count; i++) {
        rdb_replay_step step;
        rdb_replay_step_take(&step, record, i);
        if (RDB_FILE_CLASS(step.block.file) == RDB_FILE_INDEX || rdb_storage_replay_step(s->storage, &step, &trouble))
            continue;
        rdb_error_clear(&trouble);
        if (!note_stale(s, &step, err))
            return false;
    }
    return true;
}

static bool anywhere(void *context, rdb_lsn lsn, rdb_error *err)
{
    (void)context;
    (void)lsn;
    (void)err;
    return true;
}

/* From the redo point to where the log ends or is damaged: what comes behind a gap cannot be understood without it. */
static bool replay(rdb_salvage *s, const rdb_control *control, rdb_error *err)
{
    char directory[1300], problem[160];
    rdb_wal_reader *reader = NULL;
    rdb_wal_record record;
    rdb_error trouble = {0};
    bool ok = true, found = true;
    snprintf(directory, sizeof directory, "%s/wal", s->data);
    const rdb_wal_config wal = {.directory = directory, .system_id = control->system_id, .segment_bytes = control->wal_segment_bytes, .ring_bytes = 1u << 20,
                                .incarnation = control->incarnation, .thread_no = 1};
    const rdb_lsn redo_lsn = control->redo_lsn != 0 ? control->redo_lsn : (rdb_lsn)control->wal_segment_bytes + RDB_WAL_SEGMENT_HEADER_BYTES;
    bool is_whole = rdb_wal_reader_open(&reader, &wal, redo_lsn, &trouble);
    rdb_lsn end_lsn = redo_lsn;
    while (ok && is_whole) {
        is_whole = rdb_wal_reader_next(reader, &record, &found, &trouble);
        if (!is_whole || !found)
            break;
        ok = apply_record(s, &record, err);
        end_lsn = record.end_lsn;
    }
    if (ok && is_whole && reader != NULL) /* more behind a hole? */
        is_whole = rdb_wal_reader_seek(reader, (end_lsn / control->wal_segment_bytes + 2) * control->wal_segment_bytes, &found, &trouble) && !found;
    if (ok && (!is_whole || end_lsn <= control->checkpoint_lsn)) {
        snprintf(problem, sizeof problem, "The log is damaged at %X/%X: what was committed and not yet written to the tables then is lost", (unsigned)(end_lsn >> 32), (unsigned)end_lsn);
        tell(s, "wal", false, 0, problem);
    }
    rdb_error_clear(&trouble);
    rdb_wal_reader_close(&reader);
    return ok;
}

/* ---- mending ------------------------------------------------------------------------------------------------------------- */
typedef struct mending {
    rdb_salvage *s;
    unsigned file_class;
    uint32_t pdb;
    rdb_txn_mended meta;
    uint8_t *page;
} mending;

static bool mend_page(mending *m, rdb_file *file, rdb_page_tag tag, const char *name, const char *what, rdb_error *err)
{
    const uint32_t page_bytes = m->s->page_bytes;
    const uint64_t number = tag.file & ((UINT64_C(1) << 56) - 1);
    rdb_xid first, end;
    tell(m->s, name, true, tag.block, what);
    if (m->file_class == RDB_FILE_XACT) {
        m->meta.is_meta = number == 0;
        rdb_txn_mend_page(m->page, page_bytes, &m->meta);
        if (number > 0) {
            rdb_txn_page_xids(number - 1, tag.block, page_bytes, &first, &end);
            if (!note_lost(m->s, m->pdb, first, end, err))
                return false;
        }
    } else {
        rdb_undo_mend_page(m->page, page_bytes, number == 0 && tag.block == 0);
    }
    if (m->file_class == RDB_FILE_XACT || number == 0)
        rdb_page_seal(m->page, tag, page_bytes);
    if (m->file_class == RDB_FILE_UNDO && !(number == 0 && tag.block == 0))
        memset(m->page, 0, page_bytes); /* a page of zeroes needs no seal */
    return rdb_file_write(file, tag.block * page_bytes, m->page, page_bytes, err);
}

static bool mend_file(mending *m, const char *path, const char *name, uint64_t number, rdb_error *err)
{
    const uint32_t page_bytes = m->s->page_bytes;
    rdb_page_tag tag = {.file = RDB_FILE_NO(m->file_class, number), .pdb = m->pdb};
    rdb_file *file = NULL;
    uint64_t size = 0;
    bool ok = rdb_file_open(&file, path, RDB_FILE_CREATE, err) && rdb_file_size(file, &size, err);
    const uint64_t blocks = RDB_MAX((size + page_bytes - 1) / page_bytes, (uint64_t)(number == 0));
    for (; ok && tag.block < blocks; tag.block++) {
        const char *what = "The file ends inside this page, or before it";
        size_t got = 0;
        rdb_error trouble = {0};
        const bool is_read = rdb_file_read(file, tag.block * page_bytes, m->page, page_bytes, &got, &trouble) && got == page_bytes;
        rdb_error_clear(&trouble);
        const bool is_whole = is_read && rdb_page_verify(m->page, tag, page_bytes, &what);
        const bool lacks_head = is_whole && number == 0 && tag.block == 0 && ((const rdb_page *)(const void *)m->page)->type != RDB_PAGE_META;
        /* A page of zeroes in the commit log: none is left so once its transactions ran. */
        const bool lacks_slots = is_whole && m->file_class == RDB_FILE_XACT && number > 0 && ((const rdb_page *)(const void *)m->page)->type != RDB_PAGE_XACT;
        if (!is_whole || lacks_head || lacks_slots)
            ok = mend_page(m, file, tag, name, is_whole ? "The page is empty" : what, err);
    }
    return rdb_file_close(&file, err) && ok;
}

static bool mend_folder(mending *m, rdb_arena *arena, const char *folder, rdb_error *err)
{
    const char *path = rdb_arena_printf(arena, "%s/%s/%u", m->s->data, folder, (unsigned)m->pdb);
    rdb_list names = {0};
    uint64_t number;
    if (!rdb_path_make_directory(path, 0700, true, err) || !rdb_path_list(path, arena, &names, err))
        return false;
    m->meta = (rdb_txn_mended){.first_segment = UINT64_MAX};
    for (uint32_t i = 0; i < names.count; i++)
        if (is_number(names.items[i], &number) && number > 0) {
            m->meta.first_segment = RDB_MIN(m->meta.first_segment, number - 1);
            m->meta.segment_count = RDB_MAX(m->meta.segment_count, number);
        }
    if (m->meta.first_segment == UINT64_MAX)
        m->meta.first_segment = 0;
    bool ok = mend_file(m, rdb_arena_printf(arena, "%s/0", path), rdb_arena_printf(arena, "%s/%u/0", folder, (unsigned)m->pdb), 0, err);
    for (uint32_t i = 0; ok && i < names.count; i++)
        if (is_number(names.items[i], &number) && number > 0)
            ok = mend_file(m, rdb_arena_printf(arena, "%s/%s", path, (const char *)names.items[i]), rdb_arena_printf(arena, "%s/%u/%s", folder, (unsigned)m->pdb, (const char *)names.items[i]),
                           number, err);
    return ok;
}

static int compare_numbers(const void *a, const void *b)
{
    return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : *(const uint32_t *)a > *(const uint32_t *)b;
}

static bool find_pdbs(rdb_salvage *s, rdb_arena *arena, rdb_error *err)
{
    rdb_list names = {0};
    uint64_t number;
    if (!rdb_path_list(rdb_arena_printf(arena, "%s/tables", s->data), arena, &names, err))
        return false;
    s->pdbs = calloc(names.count + 1u, sizeof *s->pdbs);
    if (s->pdbs == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; i < names.count; i++)
        if (is_number(names.items[i], &number) && number > 0 && number <= UINT32_MAX)
            s->pdbs[s->pdb_count++] = (uint32_t)number;
    qsort(s->pdbs, s->pdb_count, sizeof *s->pdbs, compare_numbers);
    return true;
}

static bool mend(rdb_salvage *s, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("salvage", NULL, NULL);
    mending m = {.s = s, .page = malloc(s->page_bytes)};
    bool ok = (arena != NULL && m.page != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && find_pdbs(s, arena, err);
    for (uint32_t i = 0; ok && i < s->pdb_count; i++) {
        m.pdb = s->pdbs[i];
        m.file_class = RDB_FILE_XACT;
        ok = mend_folder(&m, arena, "xact", err);
        m.file_class = RDB_FILE_UNDO;
        ok = ok && mend_folder(&m, arena, "undo", err);
    }
    free(m.page);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- opening --------------------------------------------------------------------------------------------------------------- */
/* Of what size are pages? The one at which the first page of some table is whole. */
static bool guess_page_bytes(const char *data, uint32_t *page_bytes, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("salvage", NULL, NULL);
    rdb_list pdbs = {0}, names = {0};
    uint8_t *page = malloc(32768);
    *page_bytes = 0;
    bool ok = (arena != NULL && page != NULL) || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_path_list(rdb_arena_printf(arena, "%s/tables", data), arena, &pdbs, err);
    for (uint32_t i = 0; ok && *page_bytes == 0 && i < pdbs.count; i++) {
        const char *folder = rdb_arena_printf(arena, "%s/tables/%s", data, (const char *)pdbs.items[i]);
        uint64_t pdb, number;
        rdb_error trouble = {0};
        names = (rdb_list){0};
        if (!is_number(pdbs.items[i], &pdb) || !rdb_path_list(folder, arena, &names, &trouble)) {
            rdb_error_clear(&trouble);
            continue;
        }
        for (uint32_t k = 0; *page_bytes == 0 && k < names.count; k++) {
            rdb_file *file = NULL;
            size_t got = 0;
            if (!is_number(names.items[k], &number))
                continue;
            if (rdb_file_open(&file, rdb_arena_printf(arena, "%s/%s", folder, (const char *)names.items[k]), RDB_FILE_READ, &trouble) &&
                rdb_file_read(file, 0, page, 32768, &got, &trouble))
                for (uint32_t size = 4096; size <= 32768 && *page_bytes == 0; size *= 2) {
                    const char *what;
                    const rdb_page_tag tag = {.file = RDB_FILE_NO(RDB_FILE_TABLE, number), .pdb = (uint32_t)pdb};
                    if (got >= size && ((const rdb_page *)(const void *)page)->type != RDB_PAGE_FREE && rdb_page_verify(page, tag, size, &what))
                        *page_bytes = size;
                }
            rdb_error_clear(&trouble);
            rdb_file_close(&file, &trouble);
            rdb_error_clear(&trouble);
        }
    }
    free(page);
    rdb_arena_destroy(arena);
    if (ok && *page_bytes == 0)
        ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "no page of a table in %s is whole", data);
    return ok;
}

static bool is_page_size(uint32_t bytes)
{
    return bytes >= 4096 && bytes <= 32768 && (bytes & (bytes - 1)) == 0;
}

bool rdb_salvage_find_page_bytes(const char *home, uint32_t *page_bytes, rdb_error *err)
{
    rdb_control control;
    rdb_error trouble = {0};
    char data[1200];
    const bool known = rdb_control_read(home, &control, &trouble) && is_page_size(control.page_bytes);
    rdb_error_clear(&trouble);
    *page_bytes = control.page_bytes;
    return known || (rdb_instance_path(home, "data", data, sizeof data, err) && guess_page_bytes(data, page_bytes, err));
}

static bool open_storage(rdb_salvage *s, rdb_error *err)
{
    const rdb_storage_config config = {.data_directory = s->data, .page_bytes = s->page_bytes, .frame_count = s->options.frame_count};
    if (!rdb_storage_open(&s->storage, &config, err))
        return false;
    rdb_storage_set_barrier(s->storage, anywhere, NULL);
    return true;
}

bool rdb_salvage_open(rdb_salvage **salvage, const rdb_salvage_options *options, rdb_error *err)
{
    rdb_control control;
    rdb_error trouble = {0};
    rdb_salvage *s = calloc(1, sizeof *s);
    *salvage = NULL;
    if (s == NULL || (s->stale = rdb_map_create()) == NULL) {
        free(s);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    s->options = *options;
    *salvage = s;
    if (!rdb_instance_path(options->home, "data", s->from, sizeof s->from, err) || !rdb_instance_path(options->scratch, "data", s->data, sizeof s->data, err) || !copy_all(s, err))
        goto fail;
    const bool knows = rdb_upkeep_read_control(options->scratch, &control, &trouble) && is_page_size(control.page_bytes);
    s->page_bytes = control.page_bytes;
    if (!knows) {
        tell(s, "meta/control", false, 0, rdb_error_is_set(&trouble) ? rdb_error_message(&trouble) : "It has no page size");
        tell(s, "wal", false, 0, "Without a control file the log is not replayed: what was committed and not yet written to the tables then is lost");
        if (!guess_page_bytes(s->data, &s->page_bytes, err))
            goto fail;
    }
    rdb_error_clear(&trouble);
    if (!open_storage(s, err) || (knows && !replay(s, &control, err)) || !rdb_storage_flush_all(s->storage, 0, err))
        goto fail;
    rdb_storage_close(&s->storage);
    if (!mend(s, err) || !open_storage(s, err))
        goto fail;
    const rdb_txn_config txns = {.storage = s->storage, .scn = 1};
    if (!rdb_txn_open(&s->txns, &txns, err))
        goto fail;
    const rdb_undo_config undo = {.storage = s->storage, .txns = s->txns};
    if (!rdb_undo_open(&s->undo, &undo, err))
        goto fail;
    return true;
fail:
    rdb_error_clear(&trouble);
    rdb_salvage_close(salvage);
    return false;
}

void rdb_salvage_close(rdb_salvage **salvage)
{
    rdb_salvage *s = *salvage;
    *salvage = NULL;
    if (s == NULL)
        return;
    rdb_undo_close(&s->undo);
    rdb_txn_close(&s->txns);
    rdb_storage_close(&s->storage);
    rdb_map_destroy(s->stale);
    free(s->lost);
    free(s->pdbs);
    free(s);
}

rdb_storage *rdb_salvage_storage(rdb_salvage *salvage)
{
    return salvage->storage;
}

rdb_txn_manager *rdb_salvage_txns(rdb_salvage *salvage)
{
    return salvage->txns;
}

rdb_undo *rdb_salvage_undo(rdb_salvage *salvage)
{
    return salvage->undo;
}

uint32_t rdb_salvage_page_bytes(const rdb_salvage *salvage)
{
    return salvage->page_bytes;
}

const uint32_t *rdb_salvage_pdbs(const rdb_salvage *salvage, uint32_t *count)
{
    *count = salvage->pdb_count;
    return salvage->pdbs;
}

bool rdb_salvage_lost_xid(const rdb_salvage *salvage, uint32_t pdb, rdb_xid xid)
{
    for (uint32_t i = 0; i < salvage->lost_count; i++)
        if (salvage->lost[i].pdb == pdb && xid >= salvage->lost[i].first && xid < salvage->lost[i].end)
            return true;
    return false;
}

bool rdb_salvage_is_stale(const rdb_salvage *salvage, uint32_t pdb, uint64_t file, uint64_t block)
{
    const stale_place place = {file, block, pdb};
    return rdb_map_get(salvage->stale, &place, sizeof place) != NULL;
}

bool rdb_salvage_tables(const rdb_salvage *salvage, uint32_t pdb, rdb_arena *arena, uint64_t **files, uint32_t *count, rdb_error *err)
{
    rdb_list names = {0};
    uint64_t number;
    *count = 0;
    if (!rdb_path_list(rdb_arena_printf(arena, "%s/tables/%u", salvage->data, (unsigned)pdb), arena, &names, err))
        return false;
    *files = RDB_NEW_ARRAY(arena, uint64_t, names.count + 1u);
    for (uint32_t i = 0; i < names.count; i++)
        if (is_number(names.items[i], &number) && number > 0)
            (*files)[(*count)++] = number;
    return rdb_arena_check(arena, err);
}
