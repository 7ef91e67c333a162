/* SPDX-License-Identifier: Apache-2.0
 * DDL on indexes: their rows and files, and filling them from the table. */
#include "catalog/ddl_int.h"
#include "catalog/fill.h"
#include "task/rdb_report.h"

#include <unistd.h>

enum { BTREE_METHOD = 403, DESCENDING = 1, NULLS_FIRST = 2, INDEX_KEYS_MAX = 32 };

/* ---- creation ------------------------------------------------------------------------------------------------------------------ */
static bool insert_index_row(rdb_access *access, const rdb_index_definition *definition, uint32_t oid, rdb_arena *arena, rdb_error *err)
{
    const new_row row = row_begin(access, RDB_PG_INDEX, arena);
    int16_t numbers[INDEX_KEYS_MAX], options[INDEX_KEYS_MAX];
    uint32_t collations[INDEX_KEYS_MAX], classes[INDEX_KEYS_MAX];
    for (uint16_t i = 0; i < definition->column_count; i++) {
        numbers[i] = definition->columns[i].column_number;
        collations[i] = definition->columns[i].collation;
        classes[i] = definition->columns[i].opclass_oid;
        options[i] = (int16_t)((definition->columns[i].is_descending ? DESCENDING : 0) | (definition->columns[i].nulls_first ? NULLS_FIRST : 0));
    }
    set_oid(&row, RDB_pg_index_indexrelid, oid);
    set_oid(&row, RDB_pg_index_indrelid, definition->table_oid);
    set_int16(&row, RDB_pg_index_indnatts, (int16_t)definition->column_count);
    set_int16(&row, RDB_pg_index_indnkeyatts, (int16_t)definition->key_count);
    set_bool(&row, RDB_pg_index_indisunique, definition->is_unique);
    set_bool(&row, RDB_pg_index_indnullsnotdistinct, definition->nulls_not_distinct);
    set_bool(&row, RDB_pg_index_indisprimary, definition->is_primary);
    set_bool(&row, RDB_pg_index_indisexclusion, definition->is_exclusion);
    set_bool(&row, RDB_pg_index_indimmediate, definition->is_immediate);
    set_bool(&row, RDB_pg_index_indisclustered, false);
    set_bool(&row, RDB_pg_index_indisvalid, !definition->is_invalid);
    set_bool(&row, RDB_pg_index_indcheckxmin, false);
    set_bool(&row, RDB_pg_index_indisready, !definition->is_unready);
    set_bool(&row, RDB_pg_index_indislive, true);
    set_bool(&row, RDB_pg_index_indisreplident, false);
    set_text(&row, RDB_pg_index_indexprs, definition->expression_tree);
    set_text(&row, RDB_pg_index_indpred, definition->predicate_tree);
    return datum_from_int16s(arena, RDB_INT2VECTOROID, numbers, definition->column_count, row_at(&row, RDB_pg_index_indkey), err) &&
           datum_from_oids(arena, RDB_OIDVECTOROID, collations, definition->key_count, row_at(&row, RDB_pg_index_indcollation), err) &&
           datum_from_oids(arena, RDB_OIDVECTOROID, classes, definition->key_count, row_at(&row, RDB_pg_index_indclass), err) &&
           datum_from_int16s(arena, RDB_INT2VECTOROID, options, definition->key_count, row_at(&row, RDB_pg_index_indoption), err) && row_insert(&row, err);
}

static bool set_has_index(rdb_access *access, uint32_t table_oid, rdb_arena *arena, rdb_error *err)
{
    rdb_catalog_row row;
    if (!need_class_row(access, table_oid, arena, &row, err))
        return false;
    if (row_bool(&row, RDB_pg_class_relhasindex))
        return true;
    row.values[RDB_pg_class_relhasindex - 1].b = true;
    return rdb_catalog_update(access, RDB_PG_CLASS, &row, err);
}

static bool depend_on_columns(rdb_access *access, const rdb_index_definition *definition, uint32_t oid, rdb_error *err)
{
    const rdb_object_address index = {RDB_PG_CLASS, oid, 0};
    bool has_column = false;
    for (uint16_t i = 0; i < definition->column_count; i++) {
        const rdb_index_column *column = &definition->columns[i];
        if (column->column_number == 0)
            continue;
        bool is_repeated = false;
        for (uint16_t k = 0; k < i; k++)
            is_repeated = is_repeated || definition->columns[k].column_number == column->column_number;
        has_column = true;
        if (!is_repeated && !rdb_ddl_depend(access, index, (rdb_object_address){RDB_PG_CLASS, definition->table_oid, column->column_number}, 'a', err))
            return false;
    }
    for (uint16_t i = 0; i < definition->key_count; i++) {
        const rdb_object_address uses[] = {{RDB_PG_COLLATION, definition->columns[i].collation, 0}, {RDB_PG_OPCLASS, definition->columns[i].opclass_oid, 0}};
        for (size_t k = 0; k < RDB_COUNT_OF(uses); k++)
            if (uses[k].object_oid >= RDB_FIRST_NORMAL_OID && !rdb_ddl_depend(access, index, uses[k], 'n', err))
                return false;
    }
    for (uint32_t i = 0; i < definition->use_count; i++) {
        const bool is_own = definition->uses[i].catalog_oid == RDB_PG_CLASS && definition->uses[i].object_oid == definition->table_oid;
        has_column = has_column || is_own;
        if (!rdb_ddl_depend(access, index, definition->uses[i], is_own ? 'a' : 'n', err))
            return false;
    }
    /* Expressions and predicates may use any column: the index goes with the table at least. */
    return (has_column && (definition->use_count > 0 || (definition->expression_tree == NULL && definition->predicate_tree == NULL))) ||
           rdb_ddl_depend(access, index, (rdb_object_address){RDB_PG_CLASS, definition->table_oid, 0}, 'a', err);
}

static bool create_index(rdb_access *access, const rdb_index_definition *definition, uint32_t *oid, rdb_arena *arena, rdb_error *err)
{
    const rdb_relation *table;
    uint64_t file;
    uint32_t filenode = 0;
    if (definition->column_count > INDEX_KEYS_MAX)
        return rdb_error_set(err, RDB_TOO_MANY_COLUMNS, "cannot use more than %d columns in an index", INDEX_KEYS_MAX);
    if (!need_relation(access, definition->table_oid, &table, err))
        return false;
    for (uint16_t i = 0; i < definition->key_count; i++) {
        const rdb_type *type = definition->columns[i].type;
        if (definition->columns[i].terms != NULL) {
            if (!rdb_term_class_check(definition->columns[i].terms, type, err))
                return false;
        } else if (type->ops == NULL || type->ops->encode_key == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s cannot be a key of an index yet", type->name);
    }
    if (!ddl_check_relation_name(access, table->namespace_oid, definition->name, err) || !rdb_catalog_new_oid(access, oid, err))
        return false;
    if (table->kind != 'p' && (!ddl_new_file(access, RDB_FILE_INDEX, &file, &filenode, err) ||
                               !rdb_index_create(access->context.catalog->storage, access->context.txn, file, err)))
        return false;
    const class_definition class = {.oid = *oid,
                                    .namespace_oid = table->namespace_oid,
                                    .owner_oid = table->owner_oid,
                                    .method_oid = definition->method_oid != 0 ? definition->method_oid : BTREE_METHOD,
                                    .filenode = filenode,
                                    .name = definition->name,
                                    .kind = table->kind == 'p' ? 'I' : 'i',
                                    .is_partition = definition->parent_oid != 0,
                                    .persistence = table->persistence,
                                    .column_count = definition->column_count};
    if (!ddl_insert_class(access, &class, arena, err))
        return false;
    for (uint16_t i = 0; i < definition->column_count; i++) {
        const rdb_index_column *column = &definition->columns[i];
        const rdb_column_definition attribute = {.name = definition->column_names[i],
                                                 .type = column->type,
                                                 .typmod = column->column_number > 0 ? table->columns[column->column_number - 1].typmod : -1,
                                                 .collation = column->collation};
        if (!ddl_insert_attribute(access, *oid, (int16_t)(i + 1), &attribute, arena, err))
            return false;
    }
    const rdb_object_address made = {RDB_PG_CLASS, *oid, 0};
    if (definition->parent_oid != 0 && (!rdb_ddl_add_parent(access, *oid, definition->parent_oid, 1, false, err) ||
                                        !rdb_ddl_set_part_of(access, made, definition->parent_oid, definition->table_oid, err)))
        return false;
    return insert_index_row(access, definition, *oid, arena, err) && depend_on_columns(access, definition, *oid, err) &&
           set_has_index(access, definition->table_oid, arena, err) && rdb_arena_check(arena, err);
}

bool rdb_ddl_create_index(rdb_access *access, const rdb_index_definition *definition, uint32_t *oid, rdb_error *err)
{
    rdb_arena *arena = ddl_arena(err);
    bool ok = arena != NULL && create_index(access, definition, oid, arena, err);
    rdb_arena_destroy(arena);
    return ok;
}

/* ---- filling -------------------------------------------------------------------------------------------------------------------- */
typedef struct index_fill {
    const rdb_relation *relation;
    const rdb_relation_index *index;
    const rdb_index_computer *computer; /* NULL: plain columns */
    fill_entries *entries;
    int16_t *columns; /* read from the table */
    uint16_t column_count;
    rdb_datum *values; /* a row by attribute number - 1 */
    bool *is_null;
    rdb_strbuf key; /* of the row at hand */
    uint64_t row_count, kept_count; /* rows of the table; those that the index's own condition lets in */
    rdb_arena *terms_arena; /* reset a row */
    rdb_snapshot snapshot;  /* what is scanned: held from the scan to the last entry */
} index_fill;

static bool add_terms(index_fill *fill, const rdb_index_values *computed, rdb_row_address address, rdb_error *err)
{
    rdb_arena_reset(fill->terms_arena);
    rdb_terms terms = {.arena = fill->terms_arena};
    if (!rdb_index_terms_of(fill->index, fill->values, fill->is_null, computed, &terms, err))
        return false;
    for (uint32_t i = 0; i < terms.count; i++)
        if (!fill_entries_add(fill->entries, terms.items[i], address, false, err))
            return false;
    return true;
}

static bool add_row(index_fill *fill, rdb_vector *const *vectors, uint32_t row, rdb_row_address address, rdb_error *err)
{
    const rdb_relation_index *index = fill->index;
    for (uint16_t i = 0; i < fill->column_count; i++) {
        uint16_t at = (uint16_t)(fill->columns[i] - 1);
        fill->is_null[at] = rdb_vector_is_null(vectors[i], row);
        if (!fill->is_null[at])
            fill->values[at] = rdb_vector_get(vectors[i], row);
    }
    rdb_index_values computed = {0};
    rdb_strbuf *key = &fill->key;
    rdb_strbuf_clear(key);
    fill->row_count++;
    if (fill->computer != NULL) {
        if (!fill->computer->values_of(fill->computer->context, fill->values, fill->is_null, &computed, err))
            return false;
        if (computed.is_excluded)
            return true;
    }
    fill->kept_count++;
    if (index->kind == RDB_INDEX_TERMS)
        return add_terms(fill, &computed, address, err);
    bool has_null = false;
    for (uint16_t i = 0; i < index->key_count; i++)
        has_null = has_null || (computed.values != NULL ? computed.is_null[i] : fill->is_null[index->columns[i].column_number - 1]);
    return rdb_index_entry_encode(index, fill->values, fill->is_null, &computed, key, err) &&
           fill_entries_add(fill->entries, (rdb_slice){(const uint8_t *)key->data, key->length}, address,
                                  index->is_unique && (!has_null || index->index.nulls_not_distinct), err);
}

/* "a, lower(b)" and "1, x": the key of the row at the address. False: something of it cannot be told. */
static bool describe_key(rdb_access *access, index_fill *fill, rdb_row_address address, rdb_arena *arena, rdb_strbuf *names, rdb_strbuf *texts, rdb_error *err)
{
    const rdb_relation_index *index = fill->index;
    rdb_snapshot snapshot;
    rdb_index_values computed = {0};
    bool found = false, recheck;
    rdb_row_version version;
    rdb_vector *storage = RDB_NEW_ARRAY(arena, rdb_vector, fill->column_count + 1u), **vectors = RDB_NEW_ARRAY(arena, rdb_vector *, fill->column_count + 1u);
    for (uint16_t i = 0; i < fill->column_count; i++) {
        vectors[i] = &storage[i];
        if (!rdb_vector_init(vectors[i], arena, (rdb_rep)fill->relation->table.reps[fill->columns[i] - 1], 1, err))
            return false;
    }
    rdb_txn_latest_snapshot(access->context.txn, &snapshot);
    if (!rdb_table_fetch(&fill->relation->table, access->context.txn, &snapshot, &address, 1, fill->columns, fill->column_count, arena, vectors, &found, &recheck,
                         &version, err) || !found)
        return false;
    for (uint16_t i = 0; i < fill->column_count; i++) {
        const uint16_t at = (uint16_t)(fill->columns[i] - 1);
        fill->is_null[at] = rdb_vector_is_null(vectors[i], 0);
        if (!fill->is_null[at])
            fill->values[at] = rdb_vector_get(vectors[i], 0);
    }
    if (fill->computer != NULL && !fill->computer->values_of(fill->computer->context, fill->values, fill->is_null, &computed, err))
        return false;
    for (uint16_t i = 0; i < index->key_count; i++) {
        const int16_t number = index->columns[i].column_number;
        const rdb_type *type = index->columns[i].type;
        rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default()};
        rdb_strbuf_adds(names, i > 0 ? ", " : "");
        rdb_strbuf_adds(texts, i > 0 ? ", " : "");
        if (number != 0)
            rdb_identifier_add(names, fill->relation->columns[number - 1].name);
        else if (!fill->computer->name_expression(fill->computer->context, index, i, names))
            return false;
        if (computed.values != NULL ? computed.is_null[i] : fill->is_null[number - 1])
            rdb_strbuf_adds(texts, "null");
        else if (type->ops->output == NULL || !type->ops->output(&call, type, computed.values != NULL ? computed.values[i] : fill->values[number - 1], texts))
            return false;
    }
    return names->data != NULL && texts->data != NULL && !names->failed && !texts->failed;
}

/* 23505 with the values of the row at the address. */
static bool report_duplicate(rdb_access *access, index_fill *fill, rdb_row_address address, rdb_arena *arena, rdb_error *err)
{
    rdb_strbuf names, texts;
    rdb_error ignored;
    rdb_error_init(&ignored);
    rdb_strbuf_init(&names, arena);
    rdb_strbuf_init(&texts, arena);
    const bool is_told = describe_key(access, fill, address, arena, &names, &texts, &ignored);
    rdb_error_clear(&ignored);
    rdb_error_set(err, RDB_UNIQUE_VIOLATION, "could not create unique index \"%s\"", fill->index->name);
    if (is_told)
        rdb_error_detail(err, "Key (%s)=(%s) is duplicated.", names.data, texts.data);
    else
        rdb_error_detail(err, "Duplicate keys exist.");
    rdb_error_name(err, RDB_ERROR_SCHEMA, fill->relation->namespace_name);
    rdb_error_name(err, RDB_ERROR_TABLE, fill->relation->name);
    return rdb_error_name(err, RDB_ERROR_CONSTRAINT, fill->index->name);
}

/* A stretch of the table into fill->entries. Reads the transaction alone, so several threads may do it at once. */
static bool scan_blocks(rdb_txn *txn, index_fill *fill, const rdb_snapshot *snapshot, uint64_t first_block, uint64_t block_count, rdb_error *err)
{
    const rdb_relation *relation = fill->relation;
    rdb_arena *batch = ddl_arena(err), *arena = ddl_arena(err);
    rdb_table_scan *scan = NULL;
    bool ok = false;
    if (batch == NULL || arena == NULL)
        goto out;
    rdb_vector *storage = RDB_NEW_ARRAY(arena, rdb_vector, fill->column_count + 1u), **vectors = RDB_NEW_ARRAY(arena, rdb_vector *, fill->column_count + 1u);
    rdb_row_address *addresses = RDB_NEW_ARRAY(arena, rdb_row_address, RDB_BATCH_ROWS);
    for (uint16_t i = 0; i < fill->column_count; i++) {
        vectors[i] = &storage[i];
        if (!rdb_vector_init(vectors[i], arena, (rdb_rep)relation->table.reps[fill->columns[i] - 1], RDB_BATCH_ROWS, err))
            goto out;
    }
    if (!rdb_table_scan_open(&scan, &relation->table, txn, snapshot, fill->columns, fill->column_count, first_block, block_count, arena, err))
        goto out;
    for (;;) {
        uint32_t count;
        rdb_arena_reset(batch);
        for (uint16_t i = 0; i < fill->column_count; i++)
            rdb_vector_clear_nulls(vectors[i]);
        if (!rdb_cancel_check(rdb_txn_cancel(txn), err) ||
            !rdb_table_scan_next(scan, RDB_BATCH_ROWS, batch, vectors, addresses, NULL, &count, err))
            goto out;
        if (count == 0)
            break;
        for (uint32_t row = 0; row < count; row++)
            if (!add_row(fill, vectors, row, addresses[row], err))
                goto out;
        if (!rdb_arena_check(batch, err))
            goto out;
    }
    ok = true;
out:
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(batch);
    rdb_arena_destroy(arena);
    return ok;
}

typedef struct scan_job {
    index_fill fill; /* its own row and entries */
    rdb_txn *txn;
    const rdb_snapshot *snapshot;
    uint64_t first_block, block_count;
    bool ok;
    rdb_error err;
} scan_job;

static void run_scan(void *job_at)
{
    scan_job *job = job_at;
    job->ok = scan_blocks(job->txn, &job->fill, job->snapshot, job->first_block, job->block_count, &job->err);
}

/* What a thread writes while it makes keys is its own; what others compute (expressions) or keep in an arena (terms) is not shared. */
static bool may_share(const index_fill *fill)
{
    return fill->computer == NULL && fill->index->kind != RDB_INDEX_TERMS;
}

static bool prepare_job(scan_job *job, const index_fill *fill, rdb_arena *arena, rdb_error *err)
{
    const uint32_t count = fill->relation->column_count + 1u;
    job->fill = *fill;
    job->fill.key = (rdb_strbuf){0};
    rdb_strbuf_init(&job->fill.key, NULL);
    job->fill.entries = NULL;
    job->fill.values = RDB_NEW_ARRAY(arena, rdb_datum, count);
    job->fill.is_null = RDB_NEW_ARRAY(arena, bool, count);
    memset(job->fill.is_null, true, count);
    return fill_entries_create(&job->fill.entries, err);
}

/* The table's rows into runs, the first of which is fill's own; the others are the caller's to destroy. */
static bool scan_table(rdb_access *access, index_fill *fill, fill_entries *runs[FILL_RUNS_MAX], uint32_t *run_count, rdb_arena *arena, rdb_error *err)
{
    enum { SHARE_BLOCKS = 512 }; /* that are worth a thread */
    rdb_txn *txn = access->context.txn;
    uint64_t blocks = 0;
    *run_count = 1;
    runs[0] = fill->entries;
    if (!rdb_table_block_count(&fill->relation->table, &blocks, err))
        return false;
    const uint32_t parts = !may_share(fill) ? 1 : (uint32_t)RDB_MIN(RDB_MIN((uint64_t)FILL_RUNS_MAX, blocks / SHARE_BLOCKS + 1), (uint64_t)RDB_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L));
    scan_job jobs[FILL_RUNS_MAX];
    rdb_thread *threads[FILL_RUNS_MAX] = {NULL};
    bool ok = true;
    for (uint32_t i = 1; ok && i < parts; i++) {
        rdb_error ignored = {0};
        jobs[i] = (scan_job){.txn = txn, .snapshot = &fill->snapshot, .first_block = blocks * i / parts, .block_count = blocks * (i + 1) / parts - blocks * i / parts};
        if (i + 1 == parts)
            jobs[i].block_count = UINT64_MAX - jobs[i].first_block;
        ok = prepare_job(&jobs[i], fill, arena, err);
        if (!ok)
            break;
        runs[(*run_count)++] = jobs[i].fill.entries;
        if (!rdb_thread_start(&threads[i], "index scan", run_scan, &jobs[i], &ignored))
            rdb_error_clear(&ignored); /* then it is done here */
    }
    ok = ok && scan_blocks(txn, fill, &fill->snapshot, 0, parts > 1 ? blocks / parts : UINT64_MAX, err);
    for (uint32_t i = 1; i < *run_count; i++) {
        if (threads[i] != NULL)
            rdb_thread_join(&threads[i]);
        else if (ok)
            run_scan(&jobs[i]);
        if (ok && !jobs[i].ok)
            *err = jobs[i].err;
        else
            rdb_error_clear(&jobs[i].err);
        ok = ok && jobs[i].ok;
        fill->row_count += jobs[i].fill.row_count;
        fill->kept_count += jobs[i].fill.kept_count;
        rdb_strbuf_free(&jobs[i].fill.key);
    }
    return ok;
}

static const rdb_relation_index *find_index(const rdb_relation *relation, uint32_t index_oid)
{
    for (uint16_t i = 0; i < relation->index_count; i++)
        if (relation->indexes[i].oid == index_oid)
            return &relation->indexes[i];
    return NULL;
}

/* Who read the whole table has counted it: the figures that the planner starts from, until ANALYZE. A table without rows stays uncounted. */
static bool note_figures(rdb_access *access, const index_fill *fill, const rdb_relation *index, rdb_error *err)
{
    const uint32_t table_oid = fill->relation->oid, index_oid = index->oid;
    uint64_t blocks = 0, visible = 0, index_blocks = 0;
    if (fill->relation->is_system || (fill->row_count == 0 && fill->relation->tuples < 0))
        return true;
    return rdb_table_block_count(&fill->relation->table, &blocks, err) && rdb_table_visible_count(&fill->relation->table, &visible, err) &&
           rdb_storage_block_count(fill->relation->table.storage, fill->relation->table.pdb, index->file, 0, &index_blocks, err) &&
           rdb_ddl_set_statistics(access, table_oid, (double)blocks, (double)fill->row_count, (double)visible, err) &&
           rdb_ddl_set_statistics(access, index_oid, (double)index_blocks, (double)fill->kept_count, 0, err);
}

/* rdb_row_writer's compute_index: of a row that a unique check met. */
static bool compute_of_fill(void *context, const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, rdb_index_values *index_values, rdb_error *err)
{
    const index_fill *fill = context;
    (void)index; /* the one that is filled */
    return fill->computer->values_of(fill->computer->context, values, is_null, index_values, err);
}

/* What the fill of an index that others write to needs for each entry. */
typedef struct live_fill {
    rdb_access *access;
    index_fill *fill;
    rdb_row_writer writer; /* its arena is rewound for each */
    rdb_xid xid;
    uint64_t entered;
} live_fill;

static bool enter_live(void *context, const rdb_index_entry *entry, bool is_checked, rdb_error *err)
{
    enum { ENTRIES_AT_ONCE = 1024 }; /* between two looks at the cancel */
    live_fill *live = context;
    rdb_arena *arena = live->writer.arena;
    const rdb_arena_mark mark = rdb_arena_get_mark(arena);
    bool is_duplicate = false;
    if (live->entered++ % ENTRIES_AT_ONCE == 0 && !rdb_cancel_check(rdb_txn_cancel(live->writer.txn), err))
        return false;
    bool ok = rdb_row_enter_existing(&live->writer, live->fill->index, entry, is_checked, live->xid, &is_duplicate, err);
    if (ok && is_duplicate)
        ok = report_duplicate(live->access, live->fill, entry->address, arena, err);
    rdb_arena_rewind(arena, mark);
    rdb_report_set(13, (int64_t)live->entered);
    return ok;
}

/* Fills the index; xid 0: an empty one that nobody else knows, in the access's own transaction; else one that others write to. */
static bool fill_index(rdb_access *access, uint32_t index_oid, const rdb_index_computer *computer, rdb_xid live_xid, const rdb_relation **index_relation,
                       index_fill *fill, rdb_error *err)
{
    rdb_txn *txn = access->context.txn;
    rdb_arena *arena = NULL;
    rdb_row_address duplicate;
    fill_entries *runs[FILL_RUNS_MAX];
    uint32_t run_count = 0;
    rdb_xid xid;
    bool ok = false;
    *fill = (index_fill){.computer = computer};
    if (!need_relation(access, index_oid, index_relation, err) || !need_relation(access, (*index_relation)->index_of, &fill->relation, err))
        return false;
    fill->index = find_index(fill->relation, index_oid);
    if (fill->index == NULL)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "index %u is not one of table \"%s\"", index_oid, fill->relation->name);
    if (computer == NULL && (fill->index->expression_tree != NULL || fill->index->predicate_tree != NULL))
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "index \"%s\" has expressions that nobody computes", fill->index->name);
    if (fill->index->kind == RDB_INDEX_SUMMARY) {
        uint32_t made;
        return rdb_summary_build(access, fill->relation, fill->index, UINT64_MAX, true, computer != NULL ? computer->values_of : NULL, computer != NULL ? computer->context : NULL, &made, err);
    }
    rdb_txn_latest_snapshot(txn, &fill->snapshot);
    rdb_txn_hold_snapshot(txn, &fill->snapshot);
    if ((arena = ddl_arena(err)) == NULL || (fill->terms_arena = ddl_arena(err)) == NULL || !fill_entries_create(&fill->entries, err))
        goto out;
    fill->columns = RDB_NEW_ARRAY(arena, int16_t, fill->relation->column_count + 1u);
    fill->values = RDB_NEW_ARRAY(arena, rdb_datum, fill->relation->column_count + 1u);
    fill->is_null = RDB_NEW_ARRAY(arena, bool, fill->relation->column_count + 1u);
    memset(fill->is_null, true, fill->relation->column_count);
    for (int16_t number = 1; number <= (int16_t)fill->relation->column_count; number++) {
        bool is_read = computer != NULL && !fill->relation->columns[number - 1].is_dropped;
        for (uint16_t i = 0; i < fill->index->stored_count; i++)
            is_read = is_read || fill->index->columns[i].column_number == number;
        if (is_read)
            fill->columns[fill->column_count++] = number;
    }
    if (!scan_table(access, fill, runs, &run_count, arena, err))
        goto out;
    if (live_xid == 0) {
        ok = rdb_txn_assign_xid(txn, &xid, err) && fill_entries_build(runs, run_count, fill->index, xid, &duplicate, err);
    } else {
        live_fill live = {.access = access, .fill = fill, .xid = live_xid,
                          .writer = {.txn = txn, .snapshot = &fill->snapshot, .relation = fill->relation, .arena = arena,
                                     .compute_index = computer != NULL ? compute_of_fill : NULL, .compute_context = fill}};
        rdb_report_set(10, 2); /* building index */
        rdb_report_set(12, (int64_t)fill->kept_count);
        ok = fill_entries_visit(runs, run_count, fill->index, enter_live, &live, &duplicate, err) &&
             rdb_txn_check_snapshot(rdb_txn_manager_of(txn), &fill->snapshot, err); /* expired on the way: what it saw may be purged, and entries of that stay */
    }
    ok = ok && (duplicate == 0 || report_duplicate(access, fill, duplicate, arena, err));
out:
    rdb_txn_drop_snapshot(txn, &fill->snapshot);
    for (uint32_t i = 1; i < run_count; i++)
        fill_entries_destroy(runs[i]);
    fill_entries_destroy(fill->entries);
    rdb_strbuf_free(&fill->key);
    rdb_arena_destroy(fill->terms_arena);
    rdb_arena_destroy(arena);
    return ok;
}

bool rdb_ddl_build_index(rdb_access *access, uint32_t index_oid, const rdb_index_computer *computer, rdb_error *err)
{
    const rdb_relation *index_relation;
    index_fill fill;
    return fill_index(access, index_oid, computer, 0, &index_relation, &fill, err) &&
           (fill.index->kind == RDB_INDEX_SUMMARY || note_figures(access, &fill, index_relation, err));
}

bool rdb_ddl_fill_live_index(rdb_access *reader, rdb_access *writer, uint32_t index_oid, const rdb_index_computer *computer, rdb_error *err)
{
    const rdb_relation *index_relation;
    index_fill fill;
    rdb_xid xid;
    return rdb_txn_assign_xid(writer->context.txn, &xid, err) && fill_index(reader, index_oid, computer, xid, &index_relation, &fill, err) &&
           rdb_index_set_origin(&fill.index->index, xid, err) && note_figures(writer, &fill, index_relation, err);
}
