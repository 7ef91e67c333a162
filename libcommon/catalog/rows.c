/* SPDX-License-Identifier: Apache-2.0
 * Writes rows: the heap and its indexes together. The heap comes first (R28), with the old and new keys in its undo record,
 * so that purge and the reverter find the entries without a catalog (R10). Unique indexes are checked entry by entry while
 * the index holds the leaf (R30); whoever meets a row of a running transaction waits for it and asks again. */
#include "catalog/catalog_int.h"
#include "txn/rdb_ssi.h"

static bool make_entry(rdb_arena *arena, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                       const rdb_index_values *computed, rdb_slice *entry, rdb_error *err)
{
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, arena);
    bool ok = rdb_index_entry_encode(index, values, is_null, computed, &buffer, err);
    *entry = (rdb_slice){(const uint8_t *)buffer.data, buffer.length};
    return ok;
}

static bool has_expressions(const rdb_relation_index *index)
{
    for (uint16_t i = 0; i < index->key_count; i++)
        if (index->columns[i].column_number == 0)
            return true;
    return false;
}

/* The values of the key columns, in the index's order. */
static void gather_key(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed,
                       rdb_datum *key_values, bool *key_is_null)
{
    for (uint16_t i = 0; i < index->key_count; i++) {
        if (computed != NULL && computed->values != NULL) {
            key_values[i] = computed->values[i];
            key_is_null[i] = computed->is_null[i];
        } else {
            uint16_t at = (uint16_t)(index->columns[i].column_number - 1);
            key_values[i] = values[at];
            key_is_null[i] = is_null[at];
        }
    }
}

/* A unique index lets rows with a null in their key pass, unless nulls are not distinct. One of a deferrable constraint is
 * checked by the statement's end: rdb_row_find_duplicate. */
static bool must_check(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed)
{
    (void)values;
    if (!index->is_unique || !index->is_immediate)
        return false;
    if (index->index.nulls_not_distinct)
        return true;
    for (uint16_t i = 0; i < index->key_count; i++) {
        bool null = computed != NULL && computed->values != NULL ? computed->is_null[i] : is_null[index->columns[i].column_number - 1];
        if (null)
            return false;
    }
    return true;
}

static bool print_value(const rdb_row_writer *writer, const rdb_type *type, rdb_datum value, rdb_strbuf *text)
{
    rdb_error ignored = {0};
    rdb_call call = {.arena = writer->arena, .err = &ignored, .format = writer->format != NULL ? writer->format : rdb_format_default()};
    bool ok = type->ops != NULL && type->ops->output != NULL && type->ops->output(&call, type, value, text);
    rdb_error_clear(&ignored);
    return ok;
}

/* False: nobody can tell it here, or the reader may not see the column; expressions are for those who may see all of the table. */
static bool add_key_name(const rdb_row_writer *writer, const rdb_relation_index *index, uint16_t column_no, rdb_strbuf *text)
{
    const int16_t number = index->columns[column_no].column_number;
    if (number == 0)
        return writer->shown_columns == NULL && writer->name_expression != NULL && writer->name_expression(writer->compute_context, index, column_no, text);
    if (writer->shown_columns != NULL && (writer->shown_columns[(number + 7) / 64] & UINT64_C(1) << ((number + 7) % 64)) == 0)
        return false;
    rdb_identifier_add(text, writer->relation->columns[number - 1].name);
    return true;
}

bool rdb_index_report_duplicate(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_datum *column_values,
                                const bool *column_is_null, rdb_error *err)
{
    rdb_error_set(err, RDB_UNIQUE_VIOLATION, "duplicate key value violates unique constraint \"%s\"", index->name);
    rdb_strbuf names, texts;
    rdb_strbuf_init(&names, writer->arena);
    rdb_strbuf_init(&texts, writer->arena);
    bool whole = true; /* a name may not be for this reader, a type may have no text */
    for (uint16_t i = 0; i < index->key_count && whole; i++) {
        rdb_strbuf_adds(&names, i > 0 ? ", " : "");
        whole = add_key_name(writer, index, i, &names);
        if (!whole)
            break;
        rdb_strbuf_adds(&texts, i > 0 ? ", " : "");
        if (column_is_null[i])
            rdb_strbuf_adds(&texts, "null");
        else
            whole = print_value(writer, index->columns[i].type, column_values[i], &texts);
    }
    if (whole && !names.failed && !texts.failed)
        rdb_error_detail(err, "Key (%s)=(%s) already exists.", names.data, texts.data);
    rdb_error_name(err, RDB_ERROR_SCHEMA, writer->relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, writer->relation->name);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, index->name);
}

/* ---- unique checks ------------------------------------------------------------------------------------------------------ */
typedef struct unique_context {
    const rdb_row_writer *writer;
    const rdb_relation_index *index;
    rdb_slice key;
    rdb_row_address own; /* entries of one's own row never conflict */
    int16_t *columns;    /* what to read of a met row: the key columns, or all */
    uint16_t column_count;
    bool is_computed;    /* keys of met rows are computed from whole rows */
} unique_context;

static bool unique_context_init(unique_context *context, const rdb_row_writer *writer, const rdb_relation_index *index, rdb_slice key,
                                rdb_row_address own, rdb_error *err)
{
    *context = (unique_context){.writer = writer, .index = index, .key = key, .own = own};
    context->is_computed = has_expressions(index) || index->predicate_tree != NULL;
    if (context->is_computed && writer->compute_index == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "unique index \"%s\" has expressions that nobody computes here", index->name);
    context->column_count = context->is_computed ? writer->relation->column_count : index->key_count;
    context->columns = RDB_NEW_ARRAY(writer->arena, int16_t, context->column_count);
    for (uint16_t i = 0; i < context->column_count; i++)
        context->columns[i] = context->is_computed ? (int16_t)(i + 1) : index->columns[i].column_number;
    return true;
}

/* Does row row_no of the vectors have the key? */
static bool row_has_key(const unique_context *context, rdb_vector *const *vectors, uint32_t row_no, bool *has, rdb_error *err)
{
    rdb_arena *arena = context->writer->arena;
    rdb_datum *values = RDB_NEW_ARRAY(arena, rdb_datum, context->column_count);
    bool *is_null = RDB_NEW_ARRAY(arena, bool, context->column_count);
    for (uint16_t i = 0; i < context->column_count; i++) {
        is_null[i] = rdb_vector_is_null(vectors[i], row_no);
        if (!is_null[i])
            values[i] = rdb_vector_get(vectors[i], row_no);
    }
    rdb_strbuf key;
    rdb_strbuf_init(&key, arena);
    if (context->is_computed) {
        rdb_index_values computed = {0};
        if (!context->writer->compute_index(context->writer->compute_context, context->index, values, is_null, &computed, err))
            return false;
        if (computed.is_excluded) {
            *has = false;
            return true;
        }
        if (!catalog_key_encode(context->index, values, is_null, &computed, &key, err))
            return false;
    } else if (!rdb_index_key_encode(context->index, values, is_null, context->index->key_count, &key, err)) {
        return false;
    }
    *has = key.length == context->key.length && memcmp(key.data, context->key.data, key.length) == 0;
    return true;
}

/* rdb_unique_check: asked for each entry with an equal key. */
static rdb_unique_answer check_entry(void *opaque, rdb_row_address address, rdb_xid *wait_xid, rdb_error *err)
{
    unique_context *context = opaque;
    *wait_xid = 0;
    if (address == context->own)
        return RDB_UNIQUE_IGNORE;
    const rdb_row_writer *writer = context->writer;
    const rdb_table *table = &writer->relation->table;
    rdb_arena_mark mark = rdb_arena_get_mark(writer->arena);
    rdb_unique_answer answer = RDB_UNIQUE_FAILED;
    rdb_vector *storage = RDB_NEW_ARRAY(writer->arena, rdb_vector, context->column_count);
    rdb_vector **vectors = RDB_NEW_ARRAY(writer->arena, rdb_vector *, context->column_count);
    for (uint16_t i = 0; i < context->column_count; i++) {
        vectors[i] = &storage[i];
        if (!rdb_vector_init(vectors[i], writer->arena, (rdb_rep)table->reps[context->columns[i] - 1], 2, err))
            goto out;
    }
    bool in_place = false, committed = false, has = false;
    rdb_row_status status;
    if (!rdb_table_check_row(table, writer->txn, address, context->columns, context->column_count, writer->arena, vectors, &in_place,
                             &committed, &status, wait_xid, err))
        goto out;
    if (status != RDB_ROW_DEAD) {
        if (in_place && !row_has_key(context, vectors, 0, &has, err))
            goto out;
        if (!has && status == RDB_ROW_UNCERTAIN && committed && !row_has_key(context, vectors, 1, &has, err))
            goto out;
    }
    answer = !has ? RDB_UNIQUE_IGNORE : status == RDB_ROW_UNCERTAIN ? RDB_UNIQUE_WAIT : RDB_UNIQUE_CONFLICT;
out:
    rdb_arena_rewind(writer->arena, mark);
    return answer;
}

/* Is there a row, but for one's own, with that key already? Before a tentative insert: it spares the row and its entries where
 * the answer is yes. A row that is uncertain is waited for, or, where waits is false, is in the way too. */
static bool probe_conflict(const rdb_row_writer *writer, const rdb_relation_index *index, rdb_slice key, rdb_row_address own, bool waits,
                           rdb_row_address *conflict, rdb_error *err)
{
    unique_context context;
    *conflict = 0;
    if (!unique_context_init(&context, writer, index, key, own, err))
        return false;
    for (;;) {
        rdb_xid wait_xid = 0;
        rdb_row_address uncertain = 0;
        rdb_index_range range = {.lower = key, .upper = key};
        rdb_index_cursor *cursor;
        if (!rdb_index_cursor_open(&cursor, &index->index, &range, false, writer->arena, err))
            return false;
        bool ok = true;
        for (;;) {
            rdb_index_entry entry;
            uint32_t count;
            ok = rdb_index_cursor_next(cursor, 1, false, writer->arena, &entry, &count, err);
            if (!ok || count == 0)
                break;
            rdb_unique_answer answer = check_entry(&context, entry.address, &wait_xid, err);
            ok = answer != RDB_UNIQUE_FAILED;
            if (answer == RDB_UNIQUE_CONFLICT || (answer == RDB_UNIQUE_WAIT && !waits))
                *conflict = entry.address;
            uncertain = entry.address;
            if (answer != RDB_UNIQUE_IGNORE)
                break;
            wait_xid = 0;
        }
        rdb_index_cursor_close(&cursor);
        if (!ok)
            return false;
        if (*conflict != 0 || wait_xid == 0) {
            if (*conflict == 0 && writer->wants_conflicting)
                rdb_lock_leave_place(writer->txn); /* the row that was waited for is gone */
            return true;
        }
        if (!(writer->wants_conflicting
                  ? rdb_lock_wait_for_row(writer->txn, writer->relation->table.file, uncertain, RDB_ROW_NO_KEY_UPDATE, wait_xid, writer->lock_timeout_us, err)
                  : rdb_lock_wait_xid(writer->txn, wait_xid, RDB_LOCK_WAIT, writer->lock_timeout_us, err)))
            return false;
    }
}

bool rdb_row_find_duplicate(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                            rdb_row_address own, bool waits, rdb_row_address *conflict, rdb_error *err)
{
    rdb_strbuf key;
    *conflict = 0;
    for (uint16_t i = 0; i < index->key_count && !index->index.nulls_not_distinct; i++)
        if (is_null[index->columns[i].column_number - 1])
            return true;
    rdb_strbuf_init(&key, writer->arena);
    return rdb_index_key_encode_row(index, values, is_null, &key, err) &&
           probe_conflict(writer, index, (rdb_slice){(const uint8_t *)key.data, key.length}, own, waits, conflict, err);
}

/* Adds one entry; *conflict: the row that has the key already, and no entry was added. */
static bool add_entry(const rdb_row_writer *writer, const rdb_relation_index *index, rdb_slice bytes, rdb_row_address address, bool is_checked,
                      rdb_row_address *conflict, rdb_error *err)
{
    rdb_slice key;
    if (!rdb_index_entry_split(index, bytes, &key, NULL, err))
        return false;
    const rdb_index_entry entry = {.key = bytes, .address = address, .unique_bytes = (uint32_t)key.length};
    rdb_xid xid = rdb_txn_xid(writer->txn);
    *conflict = 0;
    const uint32_t relation_oid = writer->relation->oid, index_oid = index->index.index_oid;
    if (!is_checked)
        return rdb_index_insert(&index->index, xid, &entry, err) && rdb_ssi_write_key(writer->txn, relation_oid, index_oid, key, err);
    unique_context context;
    if (!unique_context_init(&context, writer, index, key, address, err))
        return false;
    for (;;) {
        rdb_unique_outcome outcome;
        rdb_xid wait_xid = 0;
        if (!rdb_index_insert_unique(&index->index, xid, &entry, check_entry, &context, &outcome, conflict, &wait_xid, err))
            return false;
        if (outcome == RDB_UNIQUE_INSERTED)
            *conflict = 0;
        if (outcome != RDB_UNIQUE_MUST_WAIT) /* where both fail, the serialization failure is told: a retry may meet no duplicate */
            return rdb_ssi_write_key(writer->txn, relation_oid, index_oid, key, err);
        *conflict = 0;
        if (!rdb_lock_wait_xid(writer->txn, wait_xid, RDB_LOCK_WAIT, writer->lock_timeout_us, err))
            return false;
    }
}

bool rdb_row_enter_existing(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_index_entry *entry, bool is_checked, rdb_xid xid, bool *is_duplicate, rdb_error *err)
{
    unique_context context;
    const rdb_slice key = {entry->key.data, entry->unique_bytes};
    *is_duplicate = false;
    if (is_checked && !unique_context_init(&context, writer, index, key, entry->address, err))
        return false;
    while (is_checked) {
        rdb_unique_outcome outcome;
        rdb_row_address in_the_way = 0;
        rdb_xid wait_xid = 0;
        if (!rdb_index_insert_unique(&index->index, xid, entry, check_entry, &context, &outcome, &in_the_way, &wait_xid, err))
            return false;
        if (outcome == RDB_UNIQUE_INSERTED)
            return true;
        if (outcome == RDB_UNIQUE_HAS_CONFLICT) { /* if the row itself stands as it was seen */
            unique_context own = context;
            own.own = 0;
            const rdb_unique_answer answer = check_entry(&own, entry->address, &wait_xid, err);
            if (answer == RDB_UNIQUE_FAILED)
                return false;
            if (answer == RDB_UNIQUE_IGNORE)
                break; /* older snapshots ask for it; what stands in the way came after it */
            *is_duplicate = answer == RDB_UNIQUE_CONFLICT;
            if (*is_duplicate)
                return true;
        }
        if (!rdb_lock_wait_xid(writer->txn, wait_xid, RDB_LOCK_WAIT, writer->lock_timeout_us, err))
            return false;
    }
    return rdb_index_insert(&index->index, xid, entry, err);
}

static bool report_duplicate_of(const rdb_row_writer *writer, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null,
                                const rdb_index_values *computed, rdb_error *err)
{
    rdb_datum key_values[32];
    bool key_is_null[32];
    RDB_ASSERT(index->key_count <= 32);
    gather_key(index, values, is_null, computed, key_values, key_is_null);
    return rdb_index_report_duplicate(writer, index, key_values, key_is_null, err);
}

/* ---- keys of a change ------------------------------------------------------------------------------------------------------ */
/* What the undo records of one change carry: first the keys of ordered indexes, then terms, of which there may be more than one record
 * takes. */
typedef struct row_keys {
    const rdb_row_writer *writer;
    rdb_index_key *items;
    const rdb_relation_index **indexes; /* beside items */
    uint32_t count, capacity, plain_count;
} row_keys;
typedef struct row_image { /* one version of the row, as far as one index is concerned */
    const rdb_datum *values;
    const bool *is_null;
    const rdb_index_values *computed;
} row_image;

static bool row_keys_add(row_keys *all, const rdb_relation_index *index, rdb_index_key key, rdb_error *err)
{
    if (all->count == all->capacity) {
        const uint32_t capacity = all->capacity * 2 + 8;
        all->items = rdb_arena_try_grow(all->writer->arena, all->items, all->capacity * sizeof *all->items, capacity * sizeof *all->items, err);
        all->indexes = rdb_arena_try_grow(all->writer->arena, all->indexes, all->capacity * sizeof *all->indexes, capacity * sizeof *all->indexes, err);
        if (all->items == NULL || all->indexes == NULL)
            return false;
        all->capacity = capacity;
    }
    all->indexes[all->count] = index;
    all->items[all->count++] = key;
    return true;
}

static bool terms_of(row_keys *all, const rdb_relation_index *index, const row_image *image, rdb_terms *terms, rdb_error *err)
{
    *terms = (rdb_terms){.arena = all->writer->arena};
    return image == NULL || (image->computed != NULL && image->computed->is_excluded) ||
           rdb_index_terms_of(index, image->values, image->is_null, image->computed, terms, err);
}

/* Terms that a row loses and those that it gets; NULL: there is no such version. */
static bool row_keys_change(row_keys *all, const rdb_relation_index *index, const row_image *before, const row_image *after, rdb_error *err)
{
    rdb_terms old, new;
    if (index->kind != RDB_INDEX_TERMS || !rdb_index_takes_rows(index))
        return true;
    if (!terms_of(all, index, before, &old, err) || !terms_of(all, index, after, &new, err))
        return false;
    for (uint32_t i = 0, k = 0; i < old.count || k < new.count;) {
        int order = i == old.count ? 1 : k == new.count ? -1 : memcmp(old.items[i].data, new.items[k].data, RDB_MIN(old.items[i].length, new.items[k].length));
        if (order == 0)
            order = old.items[i].length < new.items[k].length ? -1 : old.items[i].length > new.items[k].length;
        rdb_index_key key = {.index_file = index->index.file};
        if (order < 0)
            key.old_key = old.items[i];
        else if (order > 0)
            key.new_key = new.items[k];
        i += order <= 0;
        k += order >= 0;
        if (order != 0 && !row_keys_add(all, index, key, err))
            return false;
    }
    return true;
}

/* Keys from first on that one undo record takes; those of ordered indexes stay together. */
static uint32_t row_keys_fit(const row_keys *all, uint32_t first)
{
    const uint32_t room = rdb_undo_bytes_max(all->writer->relation->table.undo) / 3;
    uint32_t bytes = 0, at = first;
    for (; at < all->count; at++) {
        const rdb_index_key *key = &all->items[at];
        bytes += 16 + (uint32_t)(key->old_key.length + key->new_key.length);
        if (at >= all->plain_count && (bytes > room || at - first >= 60000) && at > first)
            break;
    }
    return at - first;
}

/* Block range indexes have nothing to list: they take the new values in. */
static bool widen_summaries(const rdb_row_writer *writer, rdb_row_address address, const rdb_datum *values, const bool *is_null, const rdb_index_values *index_values, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].kind == RDB_INDEX_SUMMARY && relation->indexes[i].is_ready &&
            !rdb_summary_widen(&relation->indexes[i], address, values, is_null, index_values != NULL ? &index_values[i] : NULL, rdb_txn_xid(writer->txn), writer->arena, err))
            return false;
    return true;
}

static bool row_keys_write_rest(const row_keys *all, rdb_row_address address, rdb_row_version *version, uint32_t written, rdb_row_lock strength, rdb_error *err)
{
    const rdb_row_writer *writer = all->writer;
    while (written < all->count) {
        const uint32_t more = row_keys_fit(all, written);
        rdb_write_outcome outcome;
        rdb_xid wait_xid;
        if (!rdb_table_add_keys(&writer->relation->table, writer->txn, writer->snapshot, address, *version, strength, all->items + written, more, &outcome, &wait_xid, version, err))
            return false;
        if (outcome != RDB_WRITE_DONE)
            return rdb_error_set(err, RDB_INTERNAL_ERROR, "a row that was just written was changed by another");
        written += more;
    }
    return true;
}

/* The entries of new terms. */
static bool row_keys_enter(const row_keys *all, rdb_row_address address, rdb_error *err)
{
    const rdb_row_writer *writer = all->writer;
    const rdb_xid xid = rdb_txn_xid(writer->txn);
    for (uint32_t i = all->plain_count; i < all->count; i++) {
        const rdb_index_entry entry = {.key = all->items[i].new_key, .address = address};
        const rdb_index *index = &all->indexes[i]->index;
        if (entry.key.length > 0 && (!rdb_index_insert(index, xid, &entry, err) ||
                                     !rdb_ssi_write_key(writer->txn, writer->relation->oid, index->index_oid, entry.key, err)))
            return false;
    }
    return true;
}

/* ---- insert -------------------------------------------------------------------------------------------------------------- */
static const rdb_index_values *computed_of(const rdb_index_values *index_values, uint16_t index_no)
{
    return index_values != NULL ? &index_values[index_no] : NULL;
}

static bool answers_conflicts(uint16_t conflict_index, uint16_t index_no)
{
    return conflict_index == RDB_CONFLICT_ANY || conflict_index == index_no;
}

/* A transaction that reads the file from before a rewrite would not find its own new rows. */
static bool check_moment(const rdb_row_writer *writer, rdb_error *err)
{
    return RDB_LIKELY(writer->relation->table.data_since_scn == 0) || writer->relation->table.data_since_scn <= writer->snapshot->scn ||
           rdb_txn_get_isolation(writer->txn) < RDB_REPEATABLE_READ ||
           rdb_error_set(err, RDB_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update");
}

bool rdb_row_insert(const rdb_row_writer *writer, const rdb_datum *values, const bool *is_null, const rdb_index_values *index_values,
                    uint16_t conflict_index, rdb_row_address *address, rdb_row_address *conflict, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    const uint16_t count = relation->index_count;
    rdb_slice *keys = RDB_NEW_ARRAY(writer->arena, rdb_slice, count + 1);
    row_keys all = {.writer = writer};
    *address = 0;
    if (conflict != NULL)
        *conflict = 0;
    if (!check_moment(writer, err))
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        const rdb_index_values *computed = computed_of(index_values, i);
        if ((computed != NULL && computed->is_excluded) || index->kind != RDB_INDEX_ORDERED || !rdb_index_takes_rows(index))
            continue;
        if (!make_entry(writer->arena, index, values, is_null, computed, &keys[i], err) ||
            !row_keys_add(&all, index, (rdb_index_key){.index_file = index->index.file, .new_key = keys[i]}, err))
            return false;
    }
    all.plain_count = all.count;
    for (uint16_t i = 0; i < count; i++) {
        const row_image made = {values, is_null, computed_of(index_values, i)};
        if (!row_keys_change(&all, &relation->indexes[i], NULL, &made, err))
            return false;
    }
    if (conflict_index != RDB_CONFLICT_ERROR) {
        for (uint16_t i = 0; i < count; i++) {
            const rdb_relation_index *index = &relation->indexes[i];
            if ((index->is_unique || index->is_exclusion) && !index->is_immediate && answers_conflicts(conflict_index, i))
                return rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE,
                                     "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters");
            if (keys[i].data == NULL || !answers_conflicts(conflict_index, i) ||
                !must_check(&relation->indexes[i], values, is_null, computed_of(index_values, i)))
                continue;
            rdb_slice key;
            if (!rdb_index_entry_split(index, keys[i], &key, NULL, err) || !probe_conflict(writer, index, key, 0, true, conflict, err))
                return false;
            if (*conflict != 0)
                return true;
        }
    }
    rdb_row_version version;
    uint32_t written = row_keys_fit(&all, 0);
    if (!rdb_table_insert(&relation->table, writer->txn, values, is_null, all.items, written, address, &version, err))
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        rdb_row_address in_the_way;
        if (keys[i].data == NULL)
            continue;
        if (!add_entry(writer, index, keys[i], *address, must_check(index, values, is_null, computed_of(index_values, i)), &in_the_way, err))
            return false;
        if (in_the_way == 0)
            continue;
        if (!answers_conflicts(conflict_index, i))
            return report_duplicate_of(writer, index, values, is_null, computed_of(index_values, i), err);
        if (!rdb_table_retract(&relation->table, writer->txn, *address, err))
            return false;
        *address = 0;
        *conflict = in_the_way;
        return true;
    }
    if (!row_keys_write_rest(&all, *address, &version, written, RDB_ROW_NO_KEY_UPDATE, err) || !row_keys_enter(&all, *address, err) ||
        !widen_summaries(writer, *address, values, is_null, index_values, err))
        return false;
    rdb_counters_add(relation->counters, RDB_COUNTER_INSERTS, 1);
    return true;
}

bool rdb_row_insert_many(const rdb_row_writer *writer, const rdb_datum *const *values, const bool *const *is_null, uint32_t row_count,
                         const rdb_index_values *const *index_values, rdb_row_address *addresses, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    const uint16_t count = relation->index_count;
    bool is_partial = false; /* the number of keys differs from row to row */
    for (uint16_t i = 0; i < count; i++)
        is_partial = is_partial || relation->indexes[i].predicate_tree != NULL || relation->indexes[i].kind != RDB_INDEX_ORDERED || !relation->indexes[i].is_ready;
    if (is_partial || row_count == 1) {
        for (uint32_t row = 0; row < row_count; row++) {
            if (writer->failed_row != NULL)
                *writer->failed_row = row;
            if (!rdb_row_insert(writer, values[row], is_null[row], index_values != NULL ? index_values[row] : NULL, RDB_CONFLICT_ERROR,
                                &addresses[row], NULL, err))
                return false;
        }
        return true;
    }
    rdb_index_key *keys = NULL;
    if (!check_moment(writer, err))
        return false;
    if (count > 0) {
        keys = rdb_arena_try_alloc(writer->arena, sizeof *keys * count * row_count, err);
        if (keys == NULL)
            return false;
        for (uint32_t row = 0; row < row_count; row++) {
            for (uint16_t i = 0; i < count; i++) {
                rdb_index_key *key = &keys[(size_t)row * count + i];
                *key = (rdb_index_key){.index_file = relation->indexes[i].index.file};
                if (!make_entry(writer->arena, &relation->indexes[i], values[row], is_null[row],
                                computed_of(index_values != NULL ? index_values[row] : NULL, i), &key->new_key, err))
                    return false;
            }
        }
    }
    if (!rdb_table_insert_many(&relation->table, writer->txn, values, is_null, row_count, keys, count, addresses, err))
        return false;
    rdb_counters_add(relation->counters, RDB_COUNTER_INSERTS, row_count);
    uint32_t unique_count = 0;
    for (uint16_t i = 0; i < count; i++)
        unique_count += relation->indexes[i].is_unique;
    /* Index by index, so that neighbours meet in a leaf; but the first row that violates anything must be the one that is told. */
    const uint32_t rows_at_once = unique_count > 1 ? 1 : row_count;
    for (uint64_t step = 0; step < (uint64_t)count * (row_count / rows_at_once); step++) {
        const uint16_t i = (uint16_t)(step % count);
        const rdb_relation_index *index = &relation->indexes[i];
        const uint32_t first = (uint32_t)(step / count) * rows_at_once;
        for (uint32_t row = first; row < first + rows_at_once; row++) {
            const rdb_index_values *computed = computed_of(index_values != NULL ? index_values[row] : NULL, i);
            rdb_row_address in_the_way;
            if (writer->failed_row != NULL)
                *writer->failed_row = row;
            if (!add_entry(writer, index, keys[(size_t)row * count + i].new_key, addresses[row],
                           must_check(index, values[row], is_null[row], computed), &in_the_way, err))
                return false;
            if (in_the_way != 0)
                return report_duplicate_of(writer, index, values[row], is_null[row], computed, err);
        }
    }
    return rdb_arena_check(writer->arena, err);
}

/* ---- update and delete ------------------------------------------------------------------------------------------------- */
static bool same_datum(rdb_rep rep, rdb_datum left, bool left_null, rdb_datum right, bool right_null)
{
    if (left_null || right_null)
        return left_null == right_null;
    if (rep != RDB_REP_BYTES)
        return memcmp(&left, &right, rdb_rep_width(rep)) == 0;
    return left.bytes.length == right.bytes.length &&
           (left.bytes.data == right.bytes.data || memcmp(left.bytes.data, right.bytes.data, left.bytes.length) == 0);
}

/* Bytes that are equal need no encoding to know that their entries are. */
static bool entry_columns_same(const rdb_relation *relation, const rdb_relation_index *index, const rdb_datum *old_values,
                             const bool *old_is_null, const rdb_datum *values, const bool *is_null)
{
    for (uint16_t i = 0; i < index->stored_count; i++) {
        int16_t number = index->columns[i].column_number;
        if (number == 0)
            return false;
        uint16_t at = (uint16_t)(number - 1);
        if (!same_datum((rdb_rep)relation->table.reps[at], old_values[at], old_is_null[at], values[at], is_null[at]))
            return false;
    }
    return true;
}

/* Have two entries one key, whatever stands behind it? */
static bool same_key(const rdb_relation_index *index, rdb_slice old_entry, rdb_slice new_entry)
{
    rdb_slice old_key, new_key;
    rdb_error ignored = {0};
    return rdb_index_entry_split(index, old_entry, &old_key, NULL, &ignored) && rdb_index_entry_split(index, new_entry, &new_key, NULL, &ignored) &&
           old_key.length == new_key.length && memcmp(old_key.data, new_key.data, old_key.length) == 0;
}

/* What an update changes in the relation's indexes. changed: which of them, beside the keys of ordered ones; *key_changed: one of them is unique,
 * so that a foreign key may point to it. */
static bool list_changes(row_keys *all, const row_image *before, const row_image *after, const rdb_index_values *old_index_values, const rdb_index_values *index_values,
                         uint16_t *changed, bool *key_changed, rdb_error *err)
{
    const rdb_row_writer *writer = all->writer;
    const rdb_relation *relation = writer->relation;
    const uint16_t count = relation->index_count;
    for (unsigned step = 0; step < 2u * count; step++) {
        const uint16_t i = (uint16_t)(step % count);
        const rdb_relation_index *index = &relation->indexes[i];
        const rdb_index_values *computed = computed_of(index_values, i), *old_computed = computed_of(old_index_values, i);
        bool is_plain = index->predicate_tree == NULL && !has_expressions(index);
        if (step == count)
            all->plain_count = all->count;
        if ((index->kind == RDB_INDEX_ORDERED) != (step < count) ||
            (is_plain && entry_columns_same(relation, index, before->values, before->is_null, after->values, after->is_null)))
            continue;
        if (step >= count) {
            const row_image old = {before->values, before->is_null, old_computed}, new = {after->values, after->is_null, computed};
            if (!row_keys_change(all, index, &old, &new, err))
                return false;
            continue;
        }
        if (!rdb_index_takes_rows(index))
            continue;
        rdb_index_key key = {.index_file = index->index.file};
        if ((old_computed == NULL || !old_computed->is_excluded) &&
            !make_entry(writer->arena, index, before->values, before->is_null, old_computed, &key.old_key, err))
            return false;
        if ((computed == NULL || !computed->is_excluded) &&
            !make_entry(writer->arena, index, after->values, after->is_null, computed, &key.new_key, err))
            return false;
        if (key.old_key.length == key.new_key.length &&
            (key.old_key.length == 0 || memcmp(key.old_key.data, key.new_key.data, key.old_key.length) == 0))
            continue;
        *key_changed = *key_changed || (index->is_unique && is_plain && !same_key(index, key.old_key, key.new_key));
        changed[all->count] = i;
        if (!row_keys_add(all, index, key, err))
            return false;
    }
    return true;
}

bool rdb_row_update(const rdb_row_writer *writer, rdb_row_address address, rdb_row_version seen, const rdb_datum *old_values,
                    const bool *old_is_null, const rdb_datum *values, const bool *is_null, const rdb_index_values *old_index_values,
                    const rdb_index_values *index_values, rdb_write_outcome *outcome, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    const row_image before = {.values = old_values, .is_null = old_is_null}, after = {.values = values, .is_null = is_null};
    row_keys all;
    uint16_t *changed = RDB_NEW_ARRAY(writer->arena, uint16_t, relation->index_count + 1u);
    uint32_t written = 0;
    rdb_row_version version;
    for (;;) { /* a gate may be opened over a wait: the keys are listed anew */
        bool key_changed = false;
        rdb_xid wait_xid = 0;
        all = (row_keys){.writer = writer};
        if (RDB_UNLIKELY(relation->has_gates))
            catalog_gates_enter(relation);
        bool ok = list_changes(&all, &before, &after, old_index_values, index_values, changed, &key_changed, err);
        if (ok) {
            written = row_keys_fit(&all, 0);
            ok = rdb_table_update(&relation->table, writer->txn, writer->snapshot, address, seen, values, is_null, all.items, written,
                                  key_changed, outcome, &wait_xid, &version, err);
        }
        if (RDB_UNLIKELY(relation->has_gates))
            catalog_gates_leave(relation);
        if (!ok)
            return false;
        if (*outcome != RDB_WRITE_WAIT)
            break;
        if (!rdb_lock_wait_for_row(writer->txn, relation->table.file, address, key_changed ? RDB_ROW_UPDATE : RDB_ROW_NO_KEY_UPDATE, wait_xid,
                                   writer->lock_timeout_us, err))
            return false;
    }
    if (*outcome != RDB_WRITE_DONE)
        return true;
    rdb_lock_keep_place(writer->txn);
    rdb_counters_add(relation->counters, RDB_COUNTER_UPDATES, 1);
    for (uint32_t k = 0; k < all.plain_count; k++) {
        const rdb_relation_index *index = &relation->indexes[changed[k]];
        const rdb_index_values *computed = computed_of(index_values, changed[k]);
        rdb_row_address in_the_way;
        if (all.items[k].new_key.length == 0)
            continue;
        if (!add_entry(writer, index, all.items[k].new_key, address, must_check(index, values, is_null, computed), &in_the_way, err))
            return false;
        if (in_the_way != 0)
            return report_duplicate_of(writer, index, values, is_null, computed, err);
    }
    return row_keys_write_rest(&all, address, &version, written, RDB_ROW_NO_KEY_UPDATE, err) && row_keys_enter(&all, address, err) &&
           widen_summaries(writer, address, values, is_null, index_values, err);
}

bool rdb_row_delete(const rdb_row_writer *writer, rdb_row_address address, rdb_row_version seen, const rdb_datum *old_values,
                    const bool *old_is_null, const rdb_index_values *old_index_values, rdb_write_outcome *outcome, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    row_keys all = {.writer = writer};
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        const rdb_index_values *computed = computed_of(old_index_values, i);
        if ((computed != NULL && computed->is_excluded) || index->kind != RDB_INDEX_ORDERED || !rdb_index_takes_rows(index))
            continue;
        rdb_index_key key = {.index_file = index->index.file};
        if (!make_entry(writer->arena, index, old_values, old_is_null, computed, &key.old_key, err) || !row_keys_add(&all, index, key, err))
            return false;
    }
    all.plain_count = all.count;
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const row_image before = {old_values, old_is_null, computed_of(old_index_values, i)};
        if (!row_keys_change(&all, &relation->indexes[i], &before, NULL, err))
            return false;
    }
    for (uint32_t written = 0;;) { /* the last record is the one that deletes */
        const uint32_t more = row_keys_fit(&all, written);
        const bool is_last = written + more == all.count;
        rdb_xid wait_xid = 0;
        if (is_last ? !(writer->moves_away ? rdb_table_delete_moved : rdb_table_delete)(&relation->table, writer->txn, writer->snapshot, address, seen, all.items + written, more, outcome, &wait_xid, err)
                    : !rdb_table_add_keys(&relation->table, writer->txn, writer->snapshot, address, seen, RDB_ROW_UPDATE, all.items + written, more, outcome, &wait_xid, &seen, err))
            return false;
        if (*outcome == RDB_WRITE_DONE && !is_last) {
            written += more;
            continue;
        }
        if (*outcome == RDB_WRITE_DONE)
            rdb_lock_keep_place(writer->txn);
        if (*outcome != RDB_WRITE_WAIT) {
            rdb_counters_add(relation->counters, RDB_COUNTER_DELETES, *outcome == RDB_WRITE_DONE);
            return true;
        }
        if (!rdb_lock_wait_for_row(writer->txn, relation->table.file, address, RDB_ROW_UPDATE, wait_xid, writer->lock_timeout_us, err))
            return false;
    }
}

/* ---- another home -------------------------------------------------------------------------------------------------------- */
/* The keys of the row as it is, with all of them as new ones (an insert's) or as old ones (a deletion's). */
static bool all_keys(row_keys *all, const rdb_datum *values, const bool *is_null, const rdb_index_values *index_values, bool as_old, rdb_error *err)
{
    const rdb_row_writer *writer = all->writer;
    const rdb_relation *relation = writer->relation;
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        const rdb_index_values *computed = computed_of(index_values, i);
        rdb_slice key;
        if ((computed != NULL && computed->is_excluded) || index->kind != RDB_INDEX_ORDERED || !rdb_index_takes_rows(index))
            continue;
        if (!make_entry(writer->arena, index, values, is_null, computed, &key, err) ||
            !row_keys_add(all, index, as_old ? (rdb_index_key){.index_file = index->index.file, .old_key = key} : (rdb_index_key){.index_file = index->index.file, .new_key = key}, err))
            return false;
    }
    all->plain_count = all->count;
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const row_image image = {values, is_null, computed_of(index_values, i)};
        if (!row_keys_change(all, &relation->indexes[i], as_old ? &image : NULL, as_old ? NULL : &image, err))
            return false;
    }
    return true;
}

bool rdb_row_relocate(const rdb_row_writer *writer, rdb_row_address address, rdb_row_version seen, const rdb_datum *values, const bool *is_null,
                      const rdb_index_values *index_values, rdb_row_address *to, rdb_write_outcome *outcome, rdb_error *err)
{
    const rdb_relation *relation = writer->relation;
    row_keys made = {.writer = writer}, gone = {.writer = writer};
    rdb_row_version version;
    *to = 0;
    if (!rdb_table_probe(&relation->table, writer->txn, address, seen, outcome, err))
        return false;
    if (*outcome != RDB_WRITE_DONE)
        return true;
    if (!all_keys(&made, values, is_null, index_values, false, err) || !all_keys(&gone, values, is_null, index_values, true, err))
        return false;
    /* The copy first, for the old row has to say where it is. Its keys are those of a row that stands: nobody is asked whether they are unique. */
    const uint32_t written = row_keys_fit(&made, 0);
    if (!rdb_table_insert(&relation->table, writer->txn, values, is_null, made.items, written, to, &version, err))
        return false;
    const rdb_xid xid = rdb_txn_xid(writer->txn);
    for (uint32_t i = 0; i < made.plain_count; i++) {
        const rdb_index_entry entry = {.key = made.items[i].new_key, .address = *to};
        if (!rdb_index_insert(&made.indexes[i]->index, xid, &entry, err))
            return false;
    }
    if (!row_keys_write_rest(&made, *to, &version, written, RDB_ROW_NO_KEY_UPDATE, err) || !row_keys_enter(&made, *to, err) ||
        !widen_summaries(writer, *to, values, is_null, index_values, err))
        return false;
    for (uint32_t done = 0;;) { /* the last record is the one that deletes */
        const uint32_t more = row_keys_fit(&gone, done);
        const bool is_last = done + more == gone.count;
        rdb_xid wait_xid = 0;
        if (is_last ? !rdb_table_delete_relocated(&relation->table, writer->txn, address, seen, *to, gone.items + done, more, outcome, err)
                    : !rdb_table_add_keys(&relation->table, writer->txn, NULL, address, seen, RDB_ROW_UPDATE, gone.items + done, more, outcome, &wait_xid, &seen, err))
            return false;
        if (is_last || *outcome != RDB_WRITE_DONE)
            return true;
        done += more;
    }
}
