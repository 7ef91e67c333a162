/* SPDX-License-Identifier: Apache-2.0
 * Sequences. The state stands on one page; it changes outside transactions. As PostgreSQL does, the page is logged some
 * values ahead: a crash skips what was logged and not given out, and never gives a value twice.
 *
 * Page, after the page header:
 *    0  8  last value: given out, or logged ahead to      8  8  1 = it was given out, 0 = it is the next to give
 * Values logged ahead are handed out from memory (sequence_state); a clean close writes back how far they got. Whoever logs
 * gets a transaction id, so that its commit flushes the record before the value leaves the server. */
#include "catalog/ddl_int.h"
#include "txn/rdb_lock.h"

#include <stdlib.h>

enum { OP_SET = 1, OP_INIT = 2, LOG_AHEAD = 32 };

typedef struct sequence_page {
    int64_t last_value;
    uint64_t is_called;
} sequence_page;
static_assert(sizeof(sequence_page) == 16, "the drawing above and the struct disagree");

/* Where a sequence is: a new file, as TRUNCATE ... RESTART IDENTITY makes, begins anew. Files are never numbered twice. */
typedef struct sequence_place {
    uint64_t file;
    uint64_t pdb;
} sequence_place;

/* What this process knows of a sequence. */
typedef struct sequence_state {
    sequence_place place;
    rdb_mutex lock; /* RDB_RANK_CATALOG; held over the change of the page, guards what follows */
    bool is_known;
    sequence_page page;         /* as logged */
    int64_t last_value;         /* as given out */
    bool is_called;
    int64_t ahead;              /* values that may be given out without logging */
    uint64_t epoch;             /* of the definition below; 0: not read */
    int64_t increment, minimum, maximum;
    bool cycles;
} sequence_state;

static bool redo_sequence(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    if (redo->data_bytes != sizeof(sequence_page))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a sequence's log record has %u bytes", redo->data_bytes);
    if (redo->operation == OP_INIT) {
        memset((uint8_t *)page + RDB_PAGE_HEADER_BYTES, 0, redo->page_bytes - RDB_PAGE_HEADER_BYTES);
        page->type = RDB_PAGE_SEQUENCE;
        page->flags = 0;
        page->lower = RDB_PAGE_HEADER_BYTES + sizeof(sequence_page);
        page->upper = (uint16_t)redo->page_bytes;
    } else if (page->type != RDB_PAGE_SEQUENCE) {
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a sequence's log record meets a page of type %u", page->type);
    }
    memcpy((uint8_t *)page + RDB_PAGE_HEADER_BYTES, redo->data, sizeof(sequence_page));
    return true;
}

static void describe_sequence(const rdb_wal_record *record, rdb_strbuf *text)
{
    (void)record;
    rdb_strbuf_adds(text, "sequence");
}

void sequence_register_redo(void)
{
    const rdb_resource_ops ops = {.name = "sequence", .redo = redo_sequence, .describe = describe_sequence};
    rdb_resource_register(RDB_RESOURCE_SEQUENCE, &ops);
}

static bool write_page(rdb_storage *storage, sequence_place place, rdb_xid xid, sequence_page content, bool is_new, rdb_error *err)
{
    const rdb_page_tag tag = {.file = place.file, .pdb = (uint32_t)place.pdb};
    rdb_buffer *buffer = NULL;
    rdb_change change;
    rdb_lsn end_lsn;
    if (is_new ? !rdb_buffer_acquire_new(storage, tag, &buffer, err) : !rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, err))
        return false;
    rdb_change_init(&change, storage, tag.pdb, xid, RDB_RESOURCE_SEQUENCE, is_new ? OP_INIT : OP_SET);
    rdb_change_block(&change, buffer, is_new ? RDB_WAL_BLOCK_INIT : 0);
    rdb_change_block_data(&change, &content, sizeof content);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

static bool read_page(rdb_storage *storage, sequence_place place, sequence_page *content, rdb_error *err)
{
    const rdb_page_tag tag = {.file = place.file, .pdb = (uint32_t)place.pdb};
    rdb_buffer *buffer = NULL;
    if (!rdb_buffer_acquire(storage, tag, RDB_BUFFER_SHARED, &buffer, err))
        return false;
    const rdb_page *page = rdb_buffer_page(buffer);
    bool ok = page->type == RDB_PAGE_SEQUENCE;
    memcpy(content, (const uint8_t *)page + RDB_PAGE_HEADER_BYTES, sizeof *content);
    rdb_buffer_release(buffer, RDB_BUFFER_SHARED);
    return ok || rdb_error_set(err, RDB_DATA_CORRUPTED, "the page of a sequence is not one");
}

bool sequence_create_file(rdb_storage *storage, rdb_txn *txn, uint64_t file, int64_t last_value, bool is_called, rdb_error *err)
{
    rdb_xid xid;
    return rdb_txn_assign_xid(txn, &xid, err) && rdb_undo_note_file(txn, RDB_UNDO_FILE_CREATE, file, err) &&
           rdb_storage_create_file(storage, rdb_txn_pdb(txn), file, xid, err) &&
           write_page(storage, (sequence_place){file, rdb_txn_pdb(txn)}, xid, (sequence_page){last_value, is_called}, true, err);
}

bool sequence_read_file(rdb_storage *storage, uint32_t pdb, uint64_t file, int64_t *last_value, bool *is_called, rdb_error *err)
{
    sequence_page content = {0};
    const bool ok = read_page(storage, (sequence_place){file, pdb}, &content, err);
    *last_value = content.last_value;
    *is_called = content.is_called != 0;
    return ok;
}

/* ---- states ------------------------------------------------------------------------------------------------------------------------ */
static sequence_state *find_state(rdb_catalog *catalog, sequence_place place, rdb_error *err)
{
    rdb_mutex_lock(&catalog->overlay_lock);
    if (catalog->sequences == NULL)
        catalog->sequences = rdb_map_create();
    sequence_state *state = catalog->sequences != NULL ? rdb_map_get(catalog->sequences, &place, sizeof place) : NULL;
    if (state == NULL && catalog->sequences != NULL && (state = calloc(1, sizeof *state)) != NULL) {
        state->place = place;
        rdb_mutex_init(&state->lock, RDB_RANK_CATALOG);
        if (!rdb_map_put(catalog->sequences, &place, sizeof place, state, NULL)) {
            rdb_mutex_deinit(&state->lock);
            free(state);
            state = NULL;
        }
    }
    rdb_mutex_unlock(&catalog->overlay_lock);
    if (state == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return state;
}

void sequences_close(rdb_catalog *catalog)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *at;
    while (catalog->sequences != NULL && rdb_map_next(catalog->sequences, &cursor, &key, &at)) {
        sequence_state *state = at;
        const bool is_behind = state->is_known && state->last_value != state->page.last_value;
        if (is_behind && rdb_storage_file_exists(catalog->storage, (uint32_t)state->place.pdb, state->place.file)) {
            rdb_error ignored = {0}; /* values are skipped then, as after a crash */
            if (!write_page(catalog->storage, state->place, 0, (sequence_page){state->last_value, state->is_called}, false, &ignored))
                rdb_error_clear(&ignored);
        }
        rdb_mutex_deinit(&state->lock);
        free(state);
    }
    rdb_map_destroy(catalog->sequences);
    catalog->sequences = NULL;
}

static bool need_sequence(rdb_access *access, uint32_t oid, const rdb_relation **relation, rdb_error *err)
{
    if (!rdb_relation_get(access, oid, relation, err))
        return false;
    if (*relation == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", oid);
    return (*relation)->kind == 'S' || rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", (*relation)->name);
}

static bool need_definition(rdb_access *access, const rdb_relation *relation, sequence_state *state, rdb_error *err)
{
    const uint64_t epoch = overlay_generation(access) == 0 ? rdb_catalog_epoch(access->context.database) : 0;
    if (epoch != 0 && state->epoch == epoch)
        return true;
    rdb_arena *arena = ddl_arena(err);
    rdb_catalog_row row;
    const rdb_datum key = datum_oid(relation->oid);
    bool ok = arena != NULL && need_row(access, RDB_PG_SEQUENCE, INDEX_SEQUENCE, &key, 1, arena, &row, err);
    if (ok) {
        state->increment = row.values[RDB_pg_sequence_seqincrement - 1].i64;
        state->minimum = row.values[RDB_pg_sequence_seqmin - 1].i64;
        state->maximum = row.values[RDB_pg_sequence_seqmax - 1].i64;
        state->cycles = row_bool(&row, RDB_pg_sequence_seqcycle);
        state->ahead = 0;
        state->epoch = epoch;
    }
    rdb_arena_destroy(arena);
    return ok;
}

static bool need_values(rdb_catalog *catalog, sequence_state *state, rdb_error *err)
{
    if (state->is_known)
        return true;
    if (!read_page(catalog->storage, state->place, &state->page, err))
        return false;
    state->last_value = state->page.last_value;
    state->is_called = state->page.is_called != 0;
    state->ahead = 0;
    state->is_known = true;
    return true;
}

/* Locks the sequence first, so that what is looked up after a wait is what stands now (R44). change: the function that is going
 * to change it, NULL: none. */
static bool open_sequence(rdb_access *access, uint32_t oid, const char *change, const rdb_relation **relation, sequence_state **state, rdb_error *err)
{
    rdb_txn *txn = access->context.txn;
    bool taken;
    if (txn == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "a sequence needs a transaction");
    if (!need_sequence(access, oid, relation, err))
        return false;
    if (change != NULL && (*relation)->persistence != 't' && rdb_txn_is_read_only(txn))
        return rdb_error_set(err, RDB_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", change);
    if (!rdb_lock_acquire_relation(txn, rdb_txn_pdb(txn), oid, (*relation)->name, change != NULL ? RDB_LOCK_ROW_EXCLUSIVE : RDB_LOCK_ACCESS_SHARE,
                                   RDB_LOCK_WAIT, 0, &taken, err) ||
        !need_sequence(access, oid, relation, err))
        return false;
    *state = find_state(access->context.catalog, (sequence_place){(*relation)->file, rdb_txn_pdb(txn)}, err);
    return *state != NULL;
}

/* ---- what a session was given ---------------------------------------------------------------------------------------------------------- */
struct rdb_sequence_session {
    rdb_map *values;   /* oid -> int64_t */
    uint32_t last_oid; /* of the newest nextval; 0: none yet */
};

bool rdb_sequence_session_create(rdb_sequence_session **session, rdb_error *err)
{
    *session = calloc(1, sizeof **session);
    if (*session != NULL && ((*session)->values = rdb_map_create()) != NULL)
        return true;
    free(*session);
    *session = NULL;
    return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

void rdb_sequence_session_forget(rdb_sequence_session *session)
{
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    session->last_oid = 0;
    while (rdb_map_next(session->values, &cursor, &key, &value)) {
        rdb_map_remove(session->values, key.data, key.length);
        free(value);
    }
}

void rdb_sequence_session_destroy(rdb_sequence_session **session)
{
    if (*session == NULL)
        return;
    rdb_sequence_session_forget(*session);
    rdb_map_destroy((*session)->values);
    free(*session);
    *session = NULL;
}

static bool session_note(rdb_sequence_session *session, uint32_t oid, int64_t value, bool is_last, rdb_error *err)
{
    if (session == NULL)
        return true;
    int64_t *known = rdb_map_get_u64(session->values, oid);
    if (known == NULL) {
        known = malloc(sizeof *known);
        if (known == NULL || !rdb_map_put_u64(session->values, oid, known)) {
            free(known);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
    }
    *known = value;
    if (is_last)
        session->last_oid = oid;
    return true;
}

/* ---- values ---------------------------------------------------------------------------------------------------------------------------- */
/* The value after value; false with 2200H at the end of a sequence that does not cycle. */
static bool step(const sequence_state *state, const rdb_relation *relation, int64_t value, int64_t *next, rdb_error *err)
{
    if (!__builtin_add_overflow(value, state->increment, next) && *next <= state->maximum && *next >= state->minimum)
        return true;
    const bool is_up = state->increment > 0;
    if (state->cycles) {
        *next = is_up ? state->minimum : state->maximum;
        return true;
    }
    return rdb_error_set(err, RDB_SEQUENCE_LIMIT_EXCEEDED, "nextval: reached %s value of sequence \"%s\" (%lld)",
                         is_up ? "maximum" : "minimum", relation->name, (long long)(is_up ? state->maximum : state->minimum));
}

/* How far the page can be logged ahead: LOG_AHEAD steps that stay within the bounds. */
static int64_t steps_ahead(const sequence_state *state, int64_t value, int64_t *logged)
{
    int64_t steps = 0;
    *logged = value;
    for (int64_t next; steps < LOG_AHEAD && !__builtin_add_overflow(*logged, state->increment, &next) && next <= state->maximum &&
                       next >= state->minimum;
         steps++)
        *logged = next;
    return steps;
}

bool rdb_sequence_next(rdb_access *access, uint32_t oid, int64_t *value, rdb_error *err)
{
    rdb_catalog *catalog = access->context.catalog;
    const rdb_relation *relation;
    sequence_state *state;
    bool ok = false;
    *value = 0;
    if (!open_sequence(access, oid, "nextval()", &relation, &state, err))
        return false;
    rdb_mutex_lock(&state->lock);
    if (!need_values(catalog, state, err) || !need_definition(access, relation, state, err))
        goto out;
    int64_t next = state->last_value;
    if (state->is_called && !step(state, relation, state->last_value, &next, err))
        goto out;
    if (state->ahead == 0) {
        sequence_page logged = {.is_called = true};
        int64_t ahead = steps_ahead(state, next, &logged.last_value);
        rdb_xid xid;
        if (!rdb_txn_assign_xid(access->context.txn, &xid, err) || !write_page(catalog->storage, state->place, xid, logged, false, err))
            goto out;
        state->page = logged;
        state->ahead = ahead;
    } else {
        state->ahead--;
    }
    state->last_value = next;
    state->is_called = true;
    *value = next;
    ok = true;
out:
    rdb_mutex_unlock(&state->lock);
    return ok && session_note(access->context.sequences, oid, *value, true, err);
}

bool rdb_sequence_set(rdb_access *access, uint32_t oid, int64_t value, bool is_called, rdb_error *err)
{
    rdb_catalog *catalog = access->context.catalog;
    const rdb_relation *relation;
    sequence_state *state;
    bool ok = false;
    if (!open_sequence(access, oid, "setval()", &relation, &state, err))
        return false;
    rdb_mutex_lock(&state->lock);
    if (!need_definition(access, relation, state, err))
        goto out;
    if (value < state->minimum || value > state->maximum) {
        rdb_error_set(err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)", (long long)value,
                      relation->name, (long long)state->minimum, (long long)state->maximum);
        goto out;
    }
    const sequence_page content = {.last_value = value, .is_called = is_called};
    rdb_xid xid;
    if (!rdb_txn_assign_xid(access->context.txn, &xid, err) || !write_page(catalog->storage, state->place, xid, content, false, err))
        goto out;
    state->page = content;
    state->last_value = value;
    state->is_called = is_called;
    state->ahead = 0;
    state->is_known = true;
    ok = true;
out:
    rdb_mutex_unlock(&state->lock);
    return ok && (!is_called || session_note(access->context.sequences, oid, value, false, err));
}

bool rdb_sequence_get_row(rdb_access *access, uint32_t oid, int64_t *last_value, int64_t *log_count, bool *is_called, rdb_error *err)
{
    const rdb_relation *relation;
    sequence_state *state;
    *last_value = *log_count = 0;
    *is_called = false;
    if (!open_sequence(access, oid, NULL, &relation, &state, err))
        return false;
    rdb_mutex_lock(&state->lock);
    bool ok = need_values(access->context.catalog, state, err);
    if (ok) {
        *last_value = state->last_value;
        *log_count = state->ahead;
        *is_called = state->is_called;
    }
    rdb_mutex_unlock(&state->lock);
    return ok;
}

bool rdb_sequence_get(rdb_access *access, uint32_t oid, int64_t *last_value, bool *is_called, rdb_error *err)
{
    int64_t log_count;
    return rdb_sequence_get_row(access, oid, last_value, &log_count, is_called, err);
}

bool rdb_sequence_current(rdb_access *access, uint32_t oid, int64_t *value, rdb_error *err)
{
    const rdb_relation *relation;
    const int64_t *known = NULL;
    *value = 0;
    if (!need_sequence(access, oid, &relation, err))
        return false;
    if (access->context.sequences != NULL)
        known = rdb_map_get_u64(access->context.sequences->values, oid);
    if (known == NULL)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "currval of sequence \"%s\" is not yet defined in this session", relation->name);
    *value = *known;
    return true;
}

bool rdb_sequence_last(rdb_access *access, int64_t *value, rdb_error *err)
{
    const rdb_sequence_session *session = access->context.sequences;
    const rdb_relation *relation = NULL;
    *value = 0;
    /* A sequence that was dropped since counts no more. */
    if (session != NULL && session->last_oid != 0 && !rdb_relation_get(access, session->last_oid, &relation, err))
        return false;
    if (relation == NULL)
        return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session");
    return rdb_sequence_current(access, session->last_oid, value, err);
}

/* ---- owners --------------------------------------------------------------------------------------------------------------------------- */
typedef struct owned_search {
    int16_t column_number;
    uint32_t oid;
} owned_search;

static bool note_owned(void *context, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    owned_search *search = context;
    const rdb_relation *dependent;
    const char kind = row_char(row, RDB_pg_depend_deptype);
    (void)catalog_oid;
    if (search->oid != 0 || row_oid(row, RDB_pg_depend_classid) != RDB_PG_CLASS || (kind != 'a' && kind != 'i') ||
        row_int32(row, RDB_pg_depend_refobjsubid) != search->column_number)
        return true;
    if (!rdb_relation_get(access, row_oid(row, RDB_pg_depend_objid), &dependent, err))
        return false;
    if (dependent != NULL && dependent->kind == 'S')
        search->oid = dependent->oid;
    return true;
}

bool rdb_sequence_of_column(rdb_access *access, uint32_t relation_oid, int16_t column_number, uint32_t *oid, rdb_error *err)
{
    owned_search search = {.column_number = column_number};
    const rdb_datum keys[] = {datum_oid(RDB_PG_CLASS), datum_oid(relation_oid)};
    bool ok = visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_REFERENCE, keys, 2, note_owned, &search, err);
    *oid = search.oid;
    return ok;
}

/* ---- creation ---------------------------------------------------------------------------------------------------------------------- */
static bool insert_columns(rdb_access *access, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    static const struct {
        const char *name;
        uint32_t type_oid;
    } columns[] = {{"last_value", RDB_INT8OID}, {"log_cnt", RDB_INT8OID}, {"is_called", RDB_BOOLOID}};
    for (size_t i = 0; i < RDB_COUNT_OF(columns); i++) {
        const rdb_column_definition column = {.name = columns[i].name, .type = objects_type_get(columns[i].type_oid), .typmod = -1, .not_null = true};
        if (!ddl_insert_attribute(access, oid, (int16_t)(i + 1), &column, arena, err))
            return false;
    }
    return true;
}

static bool create_sequence(rdb_access *access, const rdb_sequence_definition *definition, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    uint64_t file;
    class_definition class = {.namespace_oid = definition->namespace_oid,
                              .owner_oid = definition->owner_oid,
                              .name = definition->name,
                              .kind = 'S',
                              .persistence = definition->persistence,
                              .column_count = 3};
    if (!ddl_check_relation_name(access, definition->namespace_oid, definition->name, err) || !rdb_catalog_new_oid(access, oid, err) ||
        !ddl_new_file(access, RDB_FILE_TABLE, &file, &class.filenode, err) ||
        !sequence_create_file(access->context.catalog->storage, access->context.txn, file, definition->start, false, err))
        return false;
    class.oid = *oid;
    const new_row row = row_begin(access, RDB_PG_SEQUENCE, arena);
    set_oid(&row, RDB_pg_sequence_seqrelid, *oid);
    set_oid(&row, RDB_pg_sequence_seqtypid, definition->type_oid);
    row_at(&row, RDB_pg_sequence_seqstart)->i64 = definition->start;
    row_at(&row, RDB_pg_sequence_seqincrement)->i64 = definition->increment;
    row_at(&row, RDB_pg_sequence_seqmax)->i64 = definition->maximum;
    row_at(&row, RDB_pg_sequence_seqmin)->i64 = definition->minimum;
    row_at(&row, RDB_pg_sequence_seqcache)->i64 = definition->cache;
    set_bool(&row, RDB_pg_sequence_seqcycle, definition->cycles);
    const rdb_object_address sequence = {RDB_PG_CLASS, *oid, 0};
    return ddl_insert_class(access, &class, arena, err) && insert_columns(access, *oid, arena, err) && row_insert(&row, err) &&
           rdb_ddl_depend(access, sequence, (rdb_object_address){RDB_PG_NAMESPACE, definition->namespace_oid, 0}, 'n', err) &&
           (definition->owned_by_oid == 0 ||
            rdb_ddl_depend(access, sequence, (rdb_object_address){RDB_PG_CLASS, definition->owned_by_oid, definition->owned_by_column},
                           definition->is_identity ? 'i' : 'a', err));
}

bool rdb_ddl_create_sequence(rdb_access *access, const rdb_sequence_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_sequence(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- alterations ----------------------------------------------------------------------------------------------------------------------- */
static bool restart_sequence(rdb_access *access, uint32_t oid, const int64_t *value, rdb_arena *arena, rdb_error *err)
{
    const rdb_relation *relation;
    rdb_catalog_row class_row, row;
    uint64_t file;
    uint32_t filenode;
    const rdb_datum key = datum_oid(oid);
    if (!need_sequence(access, oid, &relation, err) || !need_class_row(access, oid, arena, &class_row, err) ||
        !need_row(access, RDB_PG_SEQUENCE, INDEX_SEQUENCE, &key, 1, arena, &row, err))
        return false;
    const int64_t minimum = row.values[RDB_pg_sequence_seqmin - 1].i64, maximum = row.values[RDB_pg_sequence_seqmax - 1].i64;
    const int64_t start = value != NULL ? *value : row.values[RDB_pg_sequence_seqstart - 1].i64;
    if (start < minimum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "RESTART value (%lld) cannot be less than MINVALUE (%lld)", (long long)start, (long long)minimum);
    if (start > maximum)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "RESTART value (%lld) cannot be greater than MAXVALUE (%lld)", (long long)start, (long long)maximum);
    if (!ddl_new_file(access, RDB_FILE_TABLE, &file, &filenode, err) ||
        !sequence_create_file(access->context.catalog->storage, access->context.txn, file, start, false, err) ||
        !rdb_table_drop(access->context.txn, relation->file, err))
        return false;
    class_row.values[RDB_pg_class_relfilenode - 1].oid = filenode;
    return rdb_catalog_update(access, RDB_PG_CLASS, &class_row, err);
}

bool rdb_ddl_restart_sequence(rdb_access *access, uint32_t oid, const int64_t *value, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && restart_sequence(access, oid, value, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

static bool forget_owner(void *sequence_at, rdb_access *access, uint32_t catalog_oid, rdb_catalog_row *row, rdb_error *err)
{
    const rdb_relation *sequence = sequence_at;
    const char kind = row_char(row, RDB_pg_depend_deptype);
    if (row_oid(row, RDB_pg_depend_refclassid) != RDB_PG_CLASS || (kind != 'a' && kind != 'i'))
        return true;
    if (kind == 'i') {
        const rdb_relation *table = NULL;
        if (!rdb_relation_get(access, row_oid(row, RDB_pg_depend_refobjid), &table, err))
            return false;
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence");
        return rdb_error_detail(err, "Sequence \"%s\" is linked to table \"%s\".", sequence->name, table != NULL ? table->name : "?");
    }
    return rdb_catalog_delete(access, catalog_oid, row, err);
}

bool rdb_ddl_own_sequence(rdb_access *access, uint32_t oid, uint32_t relation_oid, int16_t column_number, rdb_error *err)
{
    const rdb_relation *sequence;
    const rdb_datum depender[] = {datum_oid(RDB_PG_CLASS), datum_oid(oid)};
    return need_sequence(access, oid, &sequence, err) &&
           visit_rows(access, RDB_PG_DEPEND, INDEX_DEPEND_DEPENDER, depender, 2, forget_owner, (void *)(uintptr_t)sequence, err) &&
           (relation_oid == 0 ||
            rdb_ddl_depend(access, (rdb_object_address){RDB_PG_CLASS, oid, 0}, (rdb_object_address){RDB_PG_CLASS, relation_oid, column_number}, 'a', err));
}
