/* SPDX-License-Identifier: Apache-2.0
 * Sequences. The state stands on one page; it changes outside transactions. As PostgreSQL does, the page is logged some
 * values ahead: a crash skips what was logged and not given out, and never gives a value twice.
 *
 * Page, after the page header:
 *    0  8  last value: given out, or logged ahead to      8  8  1 = it was given out, 0 = it is the next to give
 * Values logged ahead are handed out from memory (sequence_state); a clean close writes back how far they got. */
#include "catalog/ddl_int.h"

#include <stdlib.h>

enum { OP_SET = 1, OP_INIT = 2, LOG_AHEAD = 32 };

typedef struct sequence_page {
    int64_t last_value;
    uint64_t is_called;
} sequence_page;
static_assert(sizeof(sequence_page) == 16, "the drawing above and the struct disagree");

/* What this process knows of a sequence; found by (pdb, file), so that a restart by a new file begins anew. */
struct sequence_state {
    sequence_state *next;
    uint32_t pdb;
    uint64_t file;
    rdb_mutex lock; /* RDB_RANK_CATALOG; held over the change of the page */
    bool is_known;
    sequence_page page;         /* as logged */
    int64_t last_value;         /* as given out */
    bool is_called;
    int64_t ahead;              /* values that may be given out without logging */
    uint64_t epoch;             /* of the definition below; 0: not read */
    int64_t increment, minimum, maximum;
    bool cycles;
};

static bool redo_sequence(const rdb_redo *redo, rdb_page *page, rdb_error *err)
{
    if (redo->data_bytes != sizeof(sequence_page))
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "a sequence's log record has %u bytes", redo->data_bytes);
    if (redo->operation == OP_INIT) {
        page->type = RDB_PAGE_SEQUENCE;
        page->lower = RDB_PAGE_HEADER_BYTES + sizeof(sequence_page);
        page->upper = (uint16_t)RDB_MIN(redo->page_bytes, UINT16_MAX);
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

static bool write_page(rdb_storage *storage, uint32_t pdb, uint64_t file, sequence_page content, bool is_new, rdb_error *err)
{
    const rdb_page_tag tag = {.file = file, .pdb = pdb};
    rdb_buffer *buffer = NULL;
    rdb_change change;
    rdb_lsn end_lsn;
    if (is_new ? !rdb_buffer_acquire_new(storage, tag, &buffer, err) : !rdb_buffer_acquire(storage, tag, RDB_BUFFER_EXCLUSIVE, &buffer, err))
        return false;
    rdb_change_init(&change, storage, pdb, 0, RDB_RESOURCE_SEQUENCE, is_new ? OP_INIT : OP_SET);
    rdb_change_block(&change, buffer, is_new ? RDB_WAL_BLOCK_INIT : 0);
    rdb_change_block_data(&change, &content, sizeof content);
    bool ok = rdb_change_apply(&change, NULL, NULL, &end_lsn, err);
    rdb_buffer_release(buffer, RDB_BUFFER_EXCLUSIVE);
    return ok;
}

static bool read_page(rdb_storage *storage, uint32_t pdb, uint64_t file, sequence_page *content, rdb_error *err)
{
    const rdb_page_tag tag = {.file = file, .pdb = pdb};
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
           write_page(storage, rdb_txn_pdb(txn), file, (sequence_page){last_value, is_called}, true, err);
}

/* ---- states ------------------------------------------------------------------------------------------------------------------------ */
static sequence_state *find_state(rdb_catalog *catalog, uint32_t pdb, uint64_t file, rdb_error *err)
{
    rdb_mutex_lock(&catalog->overlay_lock);
    sequence_state *state = catalog->sequences;
    while (state != NULL && (state->pdb != pdb || state->file != file))
        state = state->next;
    if (state == NULL && (state = calloc(1, sizeof *state)) != NULL) {
        state->pdb = pdb;
        state->file = file;
        rdb_mutex_init(&state->lock, RDB_RANK_CATALOG);
        state->next = catalog->sequences;
        catalog->sequences = state;
    }
    rdb_mutex_unlock(&catalog->overlay_lock);
    if (state == NULL)
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return state;
}

void sequences_close(rdb_catalog *catalog)
{
    for (sequence_state *state = catalog->sequences, *next; state != NULL; state = next) {
        next = state->next;
        if (state->is_known && state->last_value != state->page.last_value && rdb_storage_file_exists(catalog->storage, state->pdb, state->file)) {
            rdb_error ignored = {0}; /* values are skipped then, as after a crash */
            if (!write_page(catalog->storage, state->pdb, state->file, (sequence_page){state->last_value, state->is_called}, false, &ignored))
                rdb_error_clear(&ignored);
        }
        rdb_mutex_deinit(&state->lock);
        free(state);
    }
    catalog->sequences = NULL;
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
    if (!read_page(catalog->storage, state->pdb, state->file, &state->page, err))
        return false;
    state->last_value = state->page.last_value;
    state->is_called = state->page.is_called != 0;
    state->ahead = 0;
    state->is_known = true;
    return true;
}

static bool open_sequence(rdb_access *access, uint32_t oid, const rdb_relation **relation, sequence_state **state, rdb_error *err)
{
    if (!need_relation(access, oid, relation, err))
        return false;
    if ((*relation)->kind != 'S')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", (*relation)->name);
    *state = find_state(access->context.catalog, access->context.database->pdb, (*relation)->file, err);
    return *state != NULL;
}

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
    if (!open_sequence(access, oid, &relation, &state, err))
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
        rdb_xid xid; /* so that the commit flushes the log before the value leaves the server */
        if (!rdb_txn_assign_xid(access->context.txn, &xid, err) || !write_page(catalog->storage, state->pdb, state->file, logged, false, err))
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
    return ok;
}

bool rdb_sequence_set(rdb_access *access, uint32_t oid, int64_t value, bool is_called, rdb_error *err)
{
    rdb_catalog *catalog = access->context.catalog;
    const rdb_relation *relation;
    sequence_state *state;
    bool ok = false;
    if (!open_sequence(access, oid, &relation, &state, err))
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
    if (!write_page(catalog->storage, state->pdb, state->file, content, false, err))
        goto out;
    state->page = content;
    state->last_value = value;
    state->is_called = is_called;
    state->ahead = 0;
    state->is_known = true;
    ok = true;
out:
    rdb_mutex_unlock(&state->lock);
    return ok;
}

bool rdb_sequence_get(rdb_access *access, uint32_t oid, int64_t *last_value, bool *is_called, rdb_error *err)
{
    const rdb_relation *relation;
    sequence_state *state;
    *last_value = 0;
    *is_called = false;
    if (!open_sequence(access, oid, &relation, &state, err))
        return false;
    rdb_mutex_lock(&state->lock);
    bool ok = need_values(access->context.catalog, state, err);
    if (ok) {
        *last_value = state->last_value;
        *is_called = state->is_called;
    }
    rdb_mutex_unlock(&state->lock);
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
