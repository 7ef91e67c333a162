/* SPDX-License-Identifier: Apache-2.0
 * Makes descriptors of objects that are not built in from the rows of the system tables: relations with their columns,
 * layouts, indexes and constraints; types; functions. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

enum {
    INDEX_CLASS_OID = 2662,
    INDEX_OPERATOR_OID = 2688,
    INDEX_CAST_OID = 2660,
    INDEX_AGGREGATE = 2650,
    INDEX_ATTRIBUTE_NUMBER = 2659,
    INDEX_ATTRDEF = 2656,
    INDEX_INDEX_RELATION = 2678,
    INDEX_INDEX_OID = 2679,
    INDEX_CONSTRAINT_RELATION = 2665,
    INDEX_CONSTRAINT_REFERENCED = 8020,
    INDEX_REWRITE_RELATION = 2693,
    INDEX_LAYOUT = 8003,
    INDEX_MISSING = 8033,
    INDEX_TYPE_OID = 2703,
    INDEX_RANGE_TYPE = 3542,
    INDEX_RANGE_MULTIRANGE = 2228,
    INDEX_ENUM_ORDER = 3534,
    INDEX_PROC_OID = 2690,
    INDEX_INHERITS_PARENT = 2187,
    INDEX_PARTITIONED_TABLE = 3351,
    ARRAY_SUBSCRIPT_HANDLER = 6179
};

/* Rows of one scan, collected: the loaders read one table at a time. */
typedef struct row_list {
    rdb_catalog_row *rows;
    uint32_t count, capacity;
} row_list;

static bool collect(rdb_access *access, uint32_t catalog_oid, uint32_t index_oid, uint32_t key, rdb_arena *arena, row_list *list, rdb_error *err)
{
    rdb_catalog_scan *scan;
    const rdb_datum keys[] = {datum_oid(key)};
    *list = (row_list){0};
    if (!rdb_catalog_scan_open(&scan, access, catalog_oid, index_oid, keys, 1, arena, err))
        return false;
    bool ok, found;
    for (;;) {
        if (list->count == list->capacity) {
            size_t old = list->capacity * sizeof *list->rows;
            list->capacity = list->capacity * 2 + 16;
            list->rows = rdb_arena_try_grow(arena, list->rows, old, list->capacity * sizeof *list->rows, err);
            if (list->rows == NULL) {
                ok = false;
                break;
            }
        }
        ok = rdb_catalog_scan_next(scan, &list->rows[list->count], &found, err);
        if (!ok || !found)
            break;
        list->count++;
    }
    rdb_catalog_scan_close(&scan);
    return ok;
}

/* The descriptor of a type, kept alive by the entry that points to it. NULL in *type: there is none. */
static bool need_type(rdb_access *access, cache_entry *entry, uint32_t oid, const rdb_type **type, rdb_error *err)
{
    cache_entry *needed;
    *type = oid != 0 ? objects_type_get(oid) : NULL;
    if (*type != NULL || oid == 0)
        return true;
    if (!cache_get(access, ENTRY_TYPE, oid, &needed, err))
        return false;
    if (needed == NULL)
        return true;
    *type = &needed->is.type;
    return entry_need(entry, needed, err);
}

/* A dropped column's type may be gone: any type stands in, nothing reads its values. */
static bool need_column_type(rdb_access *access, cache_entry *entry, uint32_t oid, bool is_dropped, const rdb_type **type, rdb_error *err)
{
    if (!need_type(access, entry, is_dropped ? RDB_INT4OID : oid, type, err))
        return false;
    return *type != NULL || rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for type %u", oid);
}

/* ---- relations ------------------------------------------------------------------------------------------------------------- */
static bool load_columns(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    row_list attributes, defaults;
    if (!collect(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, relation->oid, work, &attributes, err))
        return false;
    rdb_column *columns = RDB_NEW_ARRAY(entry->arena, rdb_column, relation->column_count);
    uint8_t *reps = RDB_NEW_ARRAY(entry->arena, uint8_t, relation->column_count);
    uint32_t seen = 0;
    bool has_defaults = false;
    for (uint32_t i = 0; i < attributes.count; i++) {
        const rdb_catalog_row *row = &attributes.rows[i];
        int16_t number = row_int16(row, RDB_pg_attribute_attnum);
        if (number <= 0)
            continue;
        if (number > relation->column_count)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "relation \"%s\" has a column %d beyond its %u", relation->name, number, relation->column_count);
        rdb_column *column = &columns[number - 1];
        row_name(row, RDB_pg_attribute_attname, column->name);
        column->number = number;
        column->is_dropped = row_bool(row, RDB_pg_attribute_attisdropped);
        column->typmod = row_int32(row, RDB_pg_attribute_atttypmod);
        column->collation = row_oid(row, RDB_pg_attribute_attcollation);
        column->not_null = row_bool(row, RDB_pg_attribute_attnotnull);
        column->has_default = row_bool(row, RDB_pg_attribute_atthasdef);
        column->identity = row_char(row, RDB_pg_attribute_attidentity);
        column->generated = row_char(row, RDB_pg_attribute_attgenerated);
        column->is_local = row_bool(row, RDB_pg_attribute_attislocal);
        column->inherit_count = row_int32(row, RDB_pg_attribute_attinhcount);
        if (!need_column_type(access, entry, row_oid(row, RDB_pg_attribute_atttypid), column->is_dropped, &column->type, err))
            return false;
        reps[number - 1] = column->type->rep;
        has_defaults = has_defaults || column->has_default;
        seen++;
    }
    if (seen != relation->column_count)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "relation \"%s\" has %u columns of %u", relation->name, seen, relation->column_count);
    relation->columns = columns;
    relation->table.reps = reps;
    if (!has_defaults)
        return true;
    if (!collect(access, RDB_PG_ATTRDEF, INDEX_ATTRDEF, relation->oid, work, &defaults, err))
        return false;
    for (uint32_t i = 0; i < defaults.count; i++) {
        int16_t number = row_int16(&defaults.rows[i], RDB_pg_attrdef_adnum);
        if (number > 0 && number <= relation->column_count)
            columns[number - 1].default_tree = row_text(entry->arena, &defaults.rows[i], RDB_pg_attrdef_adbin);
    }
    return true;
}

static rdb_table_layout *make_layout(rdb_arena *arena, uint16_t attribute_count, const rdb_datum *missing, const bool *missing_is_null,
                                     const int16_t *slots, const rdb_rep *reps, uint16_t slot_count)
{
    rdb_table_layout *layout = RDB_NEW(arena, rdb_table_layout);
    layout->rows = rdb_row_layout_create(arena, reps, slot_count);
    layout->slots = rdb_arena_memdup(arena, slots, attribute_count * sizeof *slots);
    layout->missing = missing;
    layout->missing_is_null = missing_is_null;
    return layout;
}

static bool load_missing(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_datum *missing, bool *missing_is_null, rdb_error *err)
{
    const rdb_relation *relation = &entry->is.relation;
    row_list list;
    if (!collect(access, RDB_MISSING, INDEX_MISSING, relation->oid, work, &list, err))
        return false;
    for (uint32_t i = 0; i < list.count; i++) {
        const rdb_catalog_row *row = &list.rows[i];
        int16_t number = row_int16(row, RDB_rdb_missing_misattribute);
        if (number <= 0 || number > relation->column_count || relation->columns[number - 1].is_dropped)
            continue;
        const rdb_column *column = &relation->columns[number - 1];
        rdb_call call = {.arena = entry->arena, .err = err, .format = rdb_format_default(), .collation = column->collation};
        rdb_bytes bytes = row->values[RDB_rdb_missing_misvalue - 1].bytes;
        rdb_datum value;
        if (column->type->ops == NULL || column->type->ops->receive == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "no binary input function available for type %s", column->type->name);
        if (!column->type->ops->receive(&call, column->type, (rdb_slice){bytes.data, bytes.length}, column->typmod, &value) ||
            !rdb_datum_copy(entry->arena, (rdb_rep)column->type->rep, value, &missing[number - 1], err))
            return false;
        missing_is_null[number - 1] = false;
    }
    return true;
}

static bool load_layouts(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    const uint16_t count = relation->column_count;
    row_list list;
    if (!collect(access, RDB_LAYOUT, INDEX_LAYOUT, relation->oid, work, &list, err))
        return false;
    if (list.count == 0)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "relation \"%s\" has no row layout", relation->name);
    rdb_datum *missing = RDB_NEW_ARRAY(entry->arena, rdb_datum, count + 1);
    bool *missing_is_null = RDB_NEW_ARRAY(entry->arena, bool, count + 1);
    memset(missing_is_null, true, count);
    if (list.count > 1 && !load_missing(access, entry, work, missing, missing_is_null, err))
        return false;
    const rdb_table_layout **layouts = RDB_NEW_ARRAY(entry->arena, const rdb_table_layout *, list.count);
    int16_t *slots = RDB_NEW_ARRAY(work, int16_t, count + 1);
    rdb_rep *reps = RDB_NEW_ARRAY(work, rdb_rep, count + 1);
    for (uint32_t i = 0; i < list.count; i++) {
        uint16_t number = (uint16_t)row_int16(&list.rows[i], RDB_rdb_layout_laynumber);
        rdb_bytes letters = list.rows[i].values[RDB_rdb_layout_laycolumns - 1].bytes;
        uint16_t slot_count = 0;
        if (number >= list.count || letters.length > count)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "row layout %u of relation \"%s\" does not fit", number, relation->name);
        for (uint16_t k = 0; k < count; k++) {
            slots[k] = -1;
            if (k >= letters.length || letters.data[k] == '.')
                continue;
            if (letters.data[k] < 'a' || letters.data[k] >= 'a' + RDB_REP_COUNT)
                return rdb_error_set(err, RDB_DATA_CORRUPTED, "row layout %u of relation \"%s\" is not one", number, relation->name);
            slots[k] = (int16_t)slot_count;
            reps[slot_count++] = (rdb_rep)(letters.data[k] - 'a');
        }
        layouts[number] = make_layout(entry->arena, count, missing, missing_is_null, slots, reps, slot_count);
    }
    relation->table.layouts = layouts;
    relation->table.layout_count = (uint16_t)list.count;
    relation->table.current_layout = (uint16_t)(list.count - 1);
    return true;
}

/* Patterns order by bytes, whatever the column's collation. */
static uint32_t index_collation(uint32_t collation, uint32_t opclass_oid)
{
    const object_opclass *opclass = objects_opclass_get(opclass_oid);
    return opclass != NULL && strstr(opclass->name, "_pattern_ops") != NULL ? RDB_C_COLLATION_OID : collation;
}

/* pages_per_range counts pages of 8 KiB, whatever the size of ours. */
static bool load_stretch(const rdb_relation *relation, rdb_arena *work, const rdb_catalog_row *row, rdb_relation_index *index, rdb_error *err)
{
    enum { PAGES_PER_RANGE = 128, PAGE_BYTES = 8192 };
    const char *const *options;
    uint32_t count, pages = PAGES_PER_RANGE;
    if (!row_texts(work, row, RDB_pg_class_reloptions, &options, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(options[i], "pages_per_range=", 16) == 0)
            pages = (uint32_t)strtoul(options[i] + 16, NULL, 10);
    index->range_blocks = (uint32_t)RDB_MAX((uint64_t)pages * PAGE_BYTES / rdb_storage_page_bytes(relation->table.storage), 1u);
    return true;
}

/* An index is filled with the newest versions of rows: snapshots from before its file was made may see others. */
static bool load_valid_from(const rdb_relation *relation, rdb_index *index, rdb_error *err)
{
    rdb_xid maker;
    rdb_xid_state state = RDB_XID_COMMITTED;
    rdb_error damaged;
    rdb_error_init(&damaged);
    if (!rdb_index_get_origin(index->storage, index->pdb, index->file, &maker, &damaged)) { /* whoever uses it hears of the damage */
        rdb_error_clear(&damaged);
        return true;
    }
    if (maker == 0 || (maker == relation->table.made_by && relation->table.older_file == relation->table.file))
        return true; /* as old as the table */
    if (!rdb_txn_resolve(relation->table.txns, relation->table.pdb, maker, &state, &index->valid_from_scn, err))
        return false;
    if (state == RDB_XID_RUNNING) /* one's own: nobody has changed the table since it was locked for that */
        index->valid_from_scn = rdb_txn_recorded_scn(relation->table.txns);
    return true;
}

/* Where snapshots from before a rewrite find their rows. */
static bool load_origin(rdb_table *table, rdb_error *err)
{
    rdb_table_origin origin;
    rdb_xid_state state = RDB_XID_COMMITTED;
    rdb_error damaged;
    rdb_error_init(&damaged);
    if (!rdb_table_get_origin(table->storage, table->pdb, table->file, &origin, &damaged)) {
        rdb_error_clear(&damaged);
        return true;
    }
    table->made_by = origin.xid;
    table->older_file = origin.older_file;
    if (origin.xid == 0 || origin.older_file == table->file)
        return true;
    if (!rdb_txn_resolve(table->txns, table->pdb, origin.xid, &state, &table->data_since_scn, err))
        return false;
    if (state != RDB_XID_COMMITTED) /* one's own: one's snapshots see what one has done */
        table->data_since_scn = 0;
    return true;
}

static bool load_index(rdb_access *access, cache_entry *entry, rdb_arena *work, const rdb_catalog_row *row, rdb_relation_index *index, rdb_error *err)
{
    enum { DESCENDING = 1, NULLS_FIRST = 2, BRIN_METHOD = 3580 };
    rdb_relation *relation = &entry->is.relation;
    rdb_catalog_row class_row;
    bool found;
    index->oid = row_oid(row, RDB_pg_index_indexrelid);
    const rdb_datum key = datum_oid(index->oid);
    if (!catalog_find_row(access, RDB_PG_CLASS, INDEX_CLASS_OID, &key, 1, work, &class_row, &found, err))
        return false;
    if (!found)
        return rdb_error_set(err, RDB_INTERNAL_ERROR, "cache lookup failed for index %u", index->oid);
    row_name(&class_row, RDB_pg_class_relname, index->name);
    index->is_partitioned = row_char(&class_row, RDB_pg_class_relkind) == 'I';
    index->method_oid = row_oid(&class_row, RDB_pg_class_relam);
    index->kind = index->method_oid == BRIN_METHOD ? RDB_INDEX_SUMMARY : rdb_term_support_number(index->method_oid) != 0 ? RDB_INDEX_TERMS : RDB_INDEX_ORDERED;
    if (index->kind == RDB_INDEX_SUMMARY && !load_stretch(relation, work, &class_row, index, err))
        return false;
    index->is_unique = row_bool(row, RDB_pg_index_indisunique);
    index->is_primary = row_bool(row, RDB_pg_index_indisprimary);
    index->is_exclusion = row_bool(row, RDB_pg_index_indisexclusion);
    index->is_immediate = row_bool(row, RDB_pg_index_indimmediate);
    index->is_valid = row_bool(row, RDB_pg_index_indisvalid);
    index->is_live = row_bool(row, RDB_pg_index_indislive);
    index->is_ready = index->is_live && row_bool(row, RDB_pg_index_indisready);
    if (index->is_live && !index->is_ready) {
        if ((index->gate = catalog_gate_get(access->context.catalog, relation->table.pdb, index->oid, err)) == NULL)
            return false;
        relation->has_gates = true;
    }
    index->column_count = (uint16_t)row_int16(row, RDB_pg_index_indnatts);
    index->key_count = (uint16_t)row_int16(row, RDB_pg_index_indnkeyatts);
    index->expression_tree = row_text(entry->arena, row, RDB_pg_index_indexprs);
    index->predicate_tree = row_text(entry->arena, row, RDB_pg_index_indpred);
    index->index = (rdb_index){.storage = relation->table.storage,
                               .txns = relation->table.txns,
                               .pdb = relation->table.pdb,
                               .index_oid = index->oid,
                               .file = CATALOG_INDEX_FILE(row_oid(&class_row, RDB_pg_class_relfilenode)),
                               .is_unique = index->is_unique,
                               .nulls_not_distinct = row_bool(row, RDB_pg_index_indnullsnotdistinct)};
    if (!index->is_partitioned && !load_valid_from(relation, &index->index, err))
        return false;
    const int16_t *numbers, *options;
    const uint32_t *collations, *opclasses;
    uint32_t number_count, option_count, collation_count, opclass_count;
    if (!row_int16s(work, row, RDB_pg_index_indkey, &numbers, &number_count, err) ||
        !row_int16s(work, row, RDB_pg_index_indoption, &options, &option_count, err) ||
        !row_oids(work, row, RDB_pg_index_indcollation, &collations, &collation_count, err) ||
        !row_oids(work, row, RDB_pg_index_indclass, &opclasses, &opclass_count, err))
        return false;
    if (number_count != index->column_count || index->key_count > index->column_count || option_count < index->key_count ||
        collation_count < index->key_count || opclass_count < index->key_count)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "index \"%s\" does not say what its columns are", index->name);
    rdb_index_column *columns = RDB_NEW_ARRAY(entry->arena, rdb_index_column, index->column_count);
    row_list attributes = {0}; /* of the index: the types of its expressions */
    if (index->expression_tree != NULL && !collect(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, index->oid, work, &attributes, err))
        return false;
    for (uint16_t i = 0; i < index->column_count; i++) {
        rdb_index_column *column = &columns[i];
        column->column_number = numbers[i];
        if (numbers[i] < 0 || numbers[i] > relation->column_count)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "index \"%s\" has a column %d that its table has not", index->name, numbers[i]);
        if (i < index->key_count) {
            column->opclass_oid = opclasses[i];
            column->collation = index_collation(collations[i], opclasses[i]);
            column->orders_bytes = column->collation != collations[i];
            column->is_descending = (options[i] & DESCENDING) != 0;
            column->nulls_first = (options[i] & NULLS_FIRST) != 0;
            if (!rdb_index_class_read(access, index->method_oid, entry->arena, column, err))
                return false;
        }
        if (numbers[i] > 0) {
            column->type = relation->columns[numbers[i] - 1].type;
            continue;
        }
        for (uint32_t k = 0; k < attributes.count; k++)
            if (row_int16(&attributes.rows[k], RDB_pg_attribute_attnum) == i + 1 &&
                !need_type(access, entry, row_oid(&attributes.rows[k], RDB_pg_attribute_atttypid), &column->type, err))
                return false;
        if (column->type == NULL)
            return rdb_error_set(err, RDB_DATA_CORRUPTED, "column %d of index \"%s\" has no type", i + 1, index->name);
    }
    index->columns = columns;
    catalog_note_stored(index);
    return true;
}

static bool load_indexes(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    row_list list;
    if (!collect(access, RDB_PG_INDEX, INDEX_INDEX_RELATION, relation->oid, work, &list, err))
        return false;
    rdb_relation_index *indexes = RDB_NEW_ARRAY(entry->arena, rdb_relation_index, list.count + 1);
    relation->indexes = indexes;
    for (uint32_t i = 0; i < list.count; i++) {
        relation->index_count = (uint16_t)(i + 1); /* so that an entry that fails lets go of what it has */
        if (!load_index(access, entry, work, &list.rows[i], &indexes[i], err))
            return false;
    }
    return true;
}

static bool load_constraint(cache_entry *entry, rdb_arena *work, const rdb_catalog_row *row, rdb_constraint *constraint, rdb_error *err)
{
    const int16_t *numbers;
    uint32_t count;
    constraint->oid = row_oid(row, RDB_pg_constraint_oid);
    row_name(row, RDB_pg_constraint_conname, constraint->name);
    constraint->kind = row_char(row, RDB_pg_constraint_contype);
    constraint->is_deferrable = row_bool(row, RDB_pg_constraint_condeferrable);
    constraint->is_deferred = row_bool(row, RDB_pg_constraint_condeferred);
    constraint->is_validated = row_bool(row, RDB_pg_constraint_convalidated);
    constraint->is_local = row_bool(row, RDB_pg_constraint_conislocal);
    constraint->inherit_count = row_int32(row, RDB_pg_constraint_coninhcount);
    constraint->is_no_inherit = row_bool(row, RDB_pg_constraint_connoinherit);
    constraint->parent_oid = row_oid(row, RDB_pg_constraint_conparentid);
    constraint->index_oid = row_oid(row, RDB_pg_constraint_conindid);
    constraint->check_tree = row_text(entry->arena, row, RDB_pg_constraint_conbin);
    constraint->relation_oid = row_oid(row, RDB_pg_constraint_conrelid);
    constraint->foreign_relation_oid = row_oid(row, RDB_pg_constraint_confrelid);
    constraint->on_update = row_char(row, RDB_pg_constraint_confupdtype);
    constraint->on_delete = row_char(row, RDB_pg_constraint_confdeltype);
    constraint->match = row_char(row, RDB_pg_constraint_confmatchtype);
    if (!row_int16s(work, row, RDB_pg_constraint_conkey, &numbers, &count, err))
        return false;
    constraint->columns = rdb_arena_memdup(entry->arena, numbers, count * sizeof *numbers);
    constraint->column_count = (uint16_t)count;
    if (!row_int16s(work, row, RDB_pg_constraint_confkey, &numbers, &count, err))
        return false;
    if (constraint->kind == 'f' && count != constraint->column_count)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "foreign key \"%s\" refers to %u columns by %u", constraint->name, count, constraint->column_count);
    constraint->foreign_columns = rdb_arena_memdup(entry->arena, numbers, count * sizeof *numbers);
    const uint32_t *operators;
    if (!row_int16s(work, row, RDB_pg_constraint_confdelsetcols, &numbers, &count, err))
        return false;
    constraint->delete_set_columns = rdb_arena_memdup(entry->arena, numbers, count * sizeof *numbers);
    constraint->delete_set_count = (uint16_t)count;
    if (!row_oids(work, row, RDB_pg_constraint_conexclop, &operators, &count, err))
        return false;
    constraint->exclusion_operators = rdb_arena_memdup(entry->arena, operators, count * sizeof *operators);
    constraint->exclusion_count = (uint16_t)count;
    return true;
}

static bool load_constraints(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    row_list own, referring;
    if (!collect(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_RELATION, relation->oid, work, &own, err) ||
        !collect(access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_REFERENCED, relation->oid, work, &referring, err))
        return false;
    rdb_constraint *constraints = RDB_NEW_ARRAY(entry->arena, rdb_constraint, own.count + referring.count + 1);
    for (uint32_t i = 0; i < own.count; i++)
        if (!load_constraint(entry, work, &own.rows[i], &constraints[i], err))
            return false;
    for (uint32_t i = 0; i < referring.count; i++)
        if (!load_constraint(entry, work, &referring.rows[i], &constraints[own.count + i], err))
            return false;
    for (uint32_t i = 0; i < own.count; i++)
        for (uint32_t k = 0; constraints[i].parent_oid != 0 && k < own.count; k++)
            constraints[i].is_of_referenced = constraints[i].is_of_referenced || constraints[k].oid == constraints[i].parent_oid;
    for (uint32_t i = own.count; i < own.count + referring.count; i++)
        for (uint32_t k = own.count; constraints[i].parent_oid != 0 && k < own.count + referring.count; k++)
            constraints[i].is_of_referencing = constraints[i].is_of_referencing || constraints[k].oid == constraints[i].parent_oid;
    relation->constraints = constraints;
    relation->constraint_count = (uint16_t)own.count;
    relation->referrers = constraints + own.count;
    relation->referrer_count = (uint16_t)referring.count;
    return true;
}

static bool load_rules(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    row_list rules;
    if (!collect(access, RDB_PG_REWRITE, INDEX_REWRITE_RELATION, entry->oid, work, &rules, err))
        return false;
    for (uint32_t i = 0; i < rules.count; i++) {
        char name[RDB_NAMEDATALEN];
        row_name(&rules.rows[i], RDB_pg_rewrite_rulename, name);
        if (strcmp(name, "_RETURN") == 0)
            entry->is.relation.view_tree = row_text(entry->arena, &rules.rows[i], RDB_pg_rewrite_ev_action);
        else
            entry->is.relation.has_rules = true;
    }
    return true;
}

static bool option_is_on(const char *value)
{
    return strchr("tTyY1", value[0]) != NULL || strcasecmp(value, "on") == 0;
}

static bool load_view_options(rdb_relation *relation, rdb_arena *work, const rdb_catalog_row *row, rdb_error *err)
{
    const char *const *options;
    uint32_t count;
    if (!row_texts(work, row, RDB_pg_class_reloptions, &options, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (strncmp(options[i], "check_option=", 13) == 0)
            relation->check_option = options[i][13];
        else if (strncmp(options[i], "security_barrier=", 17) == 0)
            relation->is_security_barrier = option_is_on(options[i] + 17);
        else if (strncmp(options[i], "security_invoker=", 17) == 0)
            relation->is_security_invoker = option_is_on(options[i] + 17);
    }
    return true;
}

static int compare_children(const void *left, const void *right)
{
    const uint32_t a = ((const rdb_child *)left)->oid, b = ((const rdb_child *)right)->oid;
    return a < b ? -1 : a > b;
}

/* Those that inherit from it; a partition's bound stands with its row of pg_class. */
static bool load_children(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    row_list list;
    if (!collect(access, RDB_PG_INHERITS, INDEX_INHERITS_PARENT, relation->oid, work, &list, err))
        return false;
    rdb_child *children = RDB_NEW_ARRAY(entry->arena, rdb_child, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++) {
        rdb_catalog_row row;
        bool found;
        children[i].oid = row_oid(&list.rows[i], RDB_pg_inherits_inhrelid);
        children[i].is_detaching = row_bool(&list.rows[i], RDB_pg_inherits_inhdetachpending);
        const rdb_datum key = datum_oid(children[i].oid);
        if (relation->kind != 'p')
            continue;
        if (!catalog_find_row(access, RDB_PG_CLASS, INDEX_CLASS_OID, &key, 1, work, &row, &found, err))
            return false;
        if (found)
            children[i].bound = row_text(entry->arena, &row, RDB_pg_class_relpartbound);
    }
    if (list.count > 1)
        qsort(children, list.count, sizeof *children, compare_children);
    relation->children = children;
    relation->child_count = list.count;
    return true;
}

static bool load_partition_key(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    const rdb_datum key = datum_oid(relation->oid);
    rdb_catalog_row row;
    bool found;
    uint32_t column_count, class_count, collation_count;
    if (!catalog_find_row(access, RDB_PG_PARTITIONED_TABLE, INDEX_PARTITIONED_TABLE, &key, 1, work, &row, &found, err))
        return false;
    if (!found)
        return true; /* it is being made */
    rdb_partition_key *made = RDB_NEW(entry->arena, rdb_partition_key);
    made->strategy = row_char(&row, RDB_pg_partitioned_table_partstrat);
    made->count = (uint16_t)row_int16(&row, RDB_pg_partitioned_table_partnatts);
    made->default_oid = row_oid(&row, RDB_pg_partitioned_table_partdefid);
    made->expression_tree = row_text(entry->arena, &row, RDB_pg_partitioned_table_partexprs);
    if (!row_int16s(entry->arena, &row, RDB_pg_partitioned_table_partattrs, &made->columns, &column_count, err) ||
        !row_oids(entry->arena, &row, RDB_pg_partitioned_table_partclass, &made->opclasses, &class_count, err) ||
        !row_oids(entry->arena, &row, RDB_pg_partitioned_table_partcollation, &made->collations, &collation_count, err))
        return false;
    if (column_count != made->count || class_count != made->count || collation_count != made->count)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "partition key of relation \"%s\" does not say what its columns are", relation->name);
    relation->partition_key = made;
    return true;
}

static bool load_relation(rdb_access *access, cache_entry *entry, rdb_arena *work, bool *found, rdb_error *err)
{
    rdb_relation *relation = &entry->is.relation;
    const rdb_database *database = access->context.database;
    const rdb_datum key = datum_oid(entry->oid);
    rdb_catalog_row row;
    if (!catalog_find_row(access, RDB_PG_CLASS, INDEX_CLASS_OID, &key, 1, work, &row, found, err))
        return false;
    if (!*found)
        return true;
    relation->oid = entry->oid;
    row_name(&row, RDB_pg_class_relname, relation->name);
    relation->namespace_oid = row_oid(&row, RDB_pg_class_relnamespace);
    if (!rdb_namespace_get_name(access, relation->namespace_oid, relation->namespace_name, err))
        return false;
    relation->kind = row_char(&row, RDB_pg_class_relkind);
    relation->persistence = row_char(&row, RDB_pg_class_relpersistence);
    relation->owner_oid = row_oid(&row, RDB_pg_class_relowner);
    relation->has_acl = !row.is_null[RDB_pg_class_relacl - 1];
    relation->row_type_oid = row_oid(&row, RDB_pg_class_reltype);
    relation->of_type_oid = row_oid(&row, RDB_pg_class_reloftype);
    relation->is_system = relation->oid < RDB_FIRST_NORMAL_OID;
    relation->column_count = (uint16_t)row_int16(&row, RDB_pg_class_relnatts);
    relation->has_row_security = row_bool(&row, RDB_pg_class_relrowsecurity);
    relation->forces_row_security = row_bool(&row, RDB_pg_class_relforcerowsecurity);
    relation->is_populated = row_bool(&row, RDB_pg_class_relispopulated);
    if (relation->kind == 'v' && !load_view_options(relation, work, &row, err))
        return false;
    const bool has_rules = row_bool(&row, RDB_pg_class_relhasrules);
    relation->has_subclass = row_bool(&row, RDB_pg_class_relhassubclass);
    relation->is_partition = row_bool(&row, RDB_pg_class_relispartition);
    relation->partition_bound = row_text(entry->arena, &row, RDB_pg_class_relpartbound);
    relation->pages = row_int32(&row, RDB_pg_class_relpages);
    relation->tuples = (double)row.values[RDB_pg_class_reltuples - 1].f4;
    relation->visible_pages = (double)row.values[RDB_pg_class_relallvisible - 1].i32;
    bool is_table = relation->kind == 'r' || relation->kind == 'm' || relation->kind == 't';
    if (is_table || relation->kind == 'S')
        relation->file = CATALOG_TABLE_FILE(row_oid(&row, RDB_pg_class_relfilenode));
    else if (relation->kind == 'i')
        relation->file = CATALOG_INDEX_FILE(row_oid(&row, RDB_pg_class_relfilenode));
    relation->table = (rdb_table){.storage = database->catalog->storage,
                                  .txns = database->catalog->txns,
                                  .undo = database->catalog->undo,
                                  .pdb = database->pdb,
                                  .relation_oid = relation->oid,
                                  .file = relation->file,
                                  .undo_class = relation->persistence == 'u'   ? RDB_UNDO_UNLOGGED
                                                : relation->persistence == 't' ? RDB_UNDO_TEMPORARY
                                                                               : RDB_UNDO_PERMANENT,
                                  .attribute_count = relation->column_count};
    if (is_table || relation->kind == 'i' || relation->kind == 'S')
        relation->counters = rdb_counters_get(database->catalog, database->pdb, relation->oid);
    counters_follow(database->catalog, relation->counters, relation->file); /* before its first block is looked at */
    if (!load_columns(access, entry, work, err))
        return false;
    if (is_table && (!load_layouts(access, entry, work, err) || !load_origin(&relation->table, err)))
        return false;
    if ((is_table || relation->kind == 'p') && !load_indexes(access, entry, work, err))
        return false;
    if (relation->has_subclass && !load_children(access, entry, work, err))
        return false;
    if (relation->kind == 'p' && !load_partition_key(access, entry, work, err))
        return false;
    if (((is_table && relation->tuples >= 0) || relation->kind == 'i') && !relation->is_system && !load_statistics(access, entry, work, err))
        return false;
    if ((is_table || relation->kind == 'p') && !relation->is_system && !load_extended_statistics(access, entry, work, err))
        return false;
    for (uint16_t i = 0; i < relation->index_count; i++) {
        rdb_relation_index *index = (rdb_relation_index *)(uintptr_t)&relation->indexes[i];
        index->counters = rdb_counters_get(database->catalog, database->pdb, index->oid);
        counters_follow(database->catalog, index->counters, index->index.file);
    }
    if ((is_table || relation->kind == 'p' || relation->kind == 'f') && !load_constraints(access, entry, work, err))
        return false;
    if ((relation->kind == 'v' || relation->kind == 'm' || has_rules) && !load_rules(access, entry, work, err))
        return false;
    if (relation->kind == 'i' || relation->kind == 'I') {
        if (!catalog_find_row(access, RDB_PG_INDEX, INDEX_INDEX_OID, &key, 1, work, &row, found, err))
            return false;
        if (*found)
            relation->index_of = row_oid(&row, RDB_pg_index_indrelid);
        *found = true;
    }
    return true;
}

/* ---- types ------------------------------------------------------------------------------------------------------------------ */
static bool load_fields(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_type *type = &entry->is.type;
    row_list attributes;
    if (!collect(access, RDB_PG_ATTRIBUTE, INDEX_ATTRIBUTE_NUMBER, type->relation_oid, work, &attributes, err))
        return false;
    rdb_type_field *fields = RDB_NEW_ARRAY(entry->arena, rdb_type_field, attributes.count + 1);
    for (uint32_t i = 0; i < attributes.count; i++) {
        const rdb_catalog_row *row = &attributes.rows[i];
        if (row_int16(row, RDB_pg_attribute_attnum) <= 0)
            continue;
        rdb_type_field *field = &fields[type->field_count++];
        field->name = row_text(entry->arena, row, RDB_pg_attribute_attname);
        field->typmod = row_int32(row, RDB_pg_attribute_atttypmod);
        field->collation = row_oid(row, RDB_pg_attribute_attcollation);
        field->is_dropped = row_bool(row, RDB_pg_attribute_attisdropped);
        if (!need_column_type(access, entry, row_oid(row, RDB_pg_attribute_atttypid), field->is_dropped, &field->type, err))
            return false;
    }
    type->fields = fields;
    return true;
}

static bool load_labels(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    rdb_type *type = &entry->is.type;
    row_list list;
    if (!collect(access, RDB_PG_ENUM, INDEX_ENUM_ORDER, type->oid, work, &list, err))
        return false;
    const char **labels = RDB_NEW_ARRAY(entry->arena, const char *, list.count + 1);
    uint32_t *oids = RDB_NEW_ARRAY(entry->arena, uint32_t, list.count + 1);
    float *orders = RDB_NEW_ARRAY(entry->arena, float, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++) { /* the index gives them by sort order */
        labels[i] = row_text(entry->arena, &list.rows[i], RDB_pg_enum_enumlabel);
        oids[i] = row_oid(&list.rows[i], RDB_pg_enum_oid);
        orders[i] = list.rows[i].values[RDB_pg_enum_enumsortorder - 1].f4;
    }
    type->labels = labels;
    type->label_orders = orders;
    type->label_oids = oids;
    type->label_count = list.count;
    return true;
}

/* NOT NULL, DEFAULT and CHECKs of a domain; the index gives the checks by name. */
static bool load_domain(rdb_access *access, cache_entry *entry, rdb_arena *work, const rdb_catalog_row *type_row, rdb_error *err)
{
    rdb_type *type = &entry->is.type;
    rdb_catalog_scan *scan;
    rdb_catalog_row row;
    bool ok, found = true;
    uint32_t capacity = 0;
    rdb_domain_rule *rules = NULL;
    const rdb_datum keys[] = {datum_oid(0), datum_oid(type->oid)};
    if (!need_type(access, entry, row_oid(type_row, RDB_pg_type_typbasetype), &type->base, err))
        return false;
    type->domain_not_null = row_bool(type_row, RDB_pg_type_typnotnull);
    type->domain_default_tree = row_text(entry->arena, type_row, RDB_pg_type_typdefaultbin);
    if (!rdb_catalog_scan_open(&scan, access, RDB_PG_CONSTRAINT, INDEX_CONSTRAINT_RELATION, keys, 2, work, err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, err)) && found) {
        if (row_char(&row, RDB_pg_constraint_contype) != 'c')
            continue;
        if (type->domain_rule_count == capacity) {
            const uint32_t larger = capacity * 2 + 4;
            rules = rdb_arena_try_grow(entry->arena, rules, capacity * sizeof *rules, larger * sizeof *rules, err);
            if (rules == NULL) {
                ok = false;
                break;
            }
            capacity = larger;
        }
        rules[type->domain_rule_count++] = (rdb_domain_rule){row_text(entry->arena, &row, RDB_pg_constraint_conname),
                                                             row_text(entry->arena, &row, RDB_pg_constraint_conbin)};
    }
    rdb_catalog_scan_close(&scan);
    type->domain_rules = rules;
    return ok;
}

/* A user's base type: its input function says what its values are. */
static bool load_base_type(rdb_access *access, rdb_type *type, rdb_arena *work, rdb_error *err)
{
    enum { LANGUAGE_INTERNAL = 12 };
    rdb_catalog_row row;
    bool found = false;
    rdb_rep rep;
    const rdb_datum key = datum_oid(type->input_oid);
    if (type->input_oid < RDB_FIRST_NORMAL_OID) {
        type->like = objects_type_of_input(type->input_oid);
    } else if (!catalog_find_row(access, RDB_PG_PROC, INDEX_PROC_OID, &key, 1, work, &row, &found, err)) {
        return false;
    } else if (found) {
        const char *source = row_text(work, &row, RDB_pg_proc_prosrc);
        if (row_oid(&row, RDB_pg_proc_prolang) == LANGUAGE_INTERNAL)
            type->like = objects_type_of_input(objects_function_of_source(source));
        else if ((type->ops = rdb_type_ops_of_source(source, &rep)) != NULL)
            type->rep = (uint8_t)rep;
    }
    if (type->like == NULL)
        return true;
    type->ops = type->like->ops;
    type->rep = type->like->rep;
    /* A comparison that the server has for an extension's type goes before that of the type whose functions read it. */
    uint32_t class_oid = 0;
    char name[RDB_NAMEDATALEN];
    if (!operators_made_class(access, type->oid, &class_oid, err) || class_oid == 0)
        return !rdb_error_is_set(err);
    const rdb_datum class_key = datum_oid(class_oid);
    if (!catalog_find_row(access, RDB_PG_OPCLASS, 2687, &class_key, 1, work, &row, &found, err) || !found)
        return !rdb_error_is_set(err);
    const rdb_datum keys[] = {datum_oid(row_oid(&row, RDB_pg_opclass_opcfamily)), datum_oid(type->oid), datum_oid(type->oid), datum_int16(1)};
    if (!catalog_find_row(access, 2603 /* pg_amproc */, 2655, keys, 4, work, &row, &found, err) || !found)
        return !rdb_error_is_set(err);
    const rdb_datum function = datum_oid(row_oid(&row, RDB_pg_amproc_amproc));
    if (!catalog_find_row(access, RDB_PG_PROC, INDEX_PROC_OID, &function, 1, work, &row, &found, err) || !found)
        return !rdb_error_is_set(err);
    snprintf(name, sizeof name, "%s", row_text(work, &row, RDB_pg_proc_prosrc));
    const rdb_type_ops *own = rdb_type_ops_of_source(name, &rep);
    if (own != NULL && rep == (rdb_rep)type->rep)
        type->ops = own;
    return true;
}

static bool load_type(rdb_access *access, cache_entry *entry, rdb_arena *work, bool *found, rdb_error *err)
{
    rdb_type *type = &entry->is.type;
    const rdb_datum key = datum_oid(entry->oid);
    rdb_catalog_row row;
    if (!catalog_find_row(access, RDB_PG_TYPE, INDEX_TYPE_OID, &key, 1, work, &row, found, err))
        return false;
    if (!*found)
        return true;
    type->oid = entry->oid;
    type->name = row_text(entry->arena, &row, RDB_pg_type_typname);
    type->namespace_oid = row_oid(&row, RDB_pg_type_typnamespace);
    type->kind = row_char(&row, RDB_pg_type_typtype);
    type->category = row_char(&row, RDB_pg_type_typcategory);
    type->is_preferred = row_bool(&row, RDB_pg_type_typispreferred);
    type->is_defined = row_bool(&row, RDB_pg_type_typisdefined);
    type->typlen = row_int16(&row, RDB_pg_type_typlen);
    type->is_by_value = row_bool(&row, RDB_pg_type_typbyval);
    type->delimiter = row_char(&row, RDB_pg_type_typdelim);
    type->array_oid = row_oid(&row, RDB_pg_type_typarray);
    type->collation = row_oid(&row, RDB_pg_type_typcollation);
    type->relation_oid = row_oid(&row, RDB_pg_type_typrelid);
    type->domain_typmod = row_int32(&row, RDB_pg_type_typtypmod);
    type->input_oid = row_oid(&row, RDB_pg_type_typinput);
    type->output_oid = row_oid(&row, RDB_pg_type_typoutput);
    type->receive_oid = row_oid(&row, RDB_pg_type_typreceive);
    type->send_oid = row_oid(&row, RDB_pg_type_typsend);
    type->typmod_in_oid = row_oid(&row, RDB_pg_type_typmodin);
    type->typmod_out_oid = row_oid(&row, RDB_pg_type_typmodout);
    if (row_oid(&row, RDB_pg_type_typsubscript) == ARRAY_SUBSCRIPT_HANDLER &&
        !need_type(access, entry, row_oid(&row, RDB_pg_type_typelem), &type->element, err))
        return false;
    if (type->kind == 'd' && !load_domain(access, entry, work, &row, err))
        return false;
    if (type->kind == 'c' && !load_fields(access, entry, work, err))
        return false;
    if (type->kind == 'e' && !load_labels(access, entry, work, err))
        return false;
    if (type->kind == 'r') {
        bool has_range;
        if (!catalog_find_row(access, 3541, INDEX_RANGE_TYPE, &key, 1, work, &row, &has_range, err))
            return false;
        if (has_range)
            type->multirange_oid = row_oid(&row, RDB_pg_range_rngmultitypid);
        if (has_range)
            type->range_collation = row_oid(&row, RDB_pg_range_rngcollation);
        if (has_range && !need_type(access, entry, row_oid(&row, RDB_pg_range_rngsubtype), &type->base, err))
            return false;
    }
    if (type->kind == 'm') {
        bool has_range;
        if (!catalog_find_row(access, 3541, INDEX_RANGE_MULTIRANGE, &key, 1, work, &row, &has_range, err))
            return false;
        if (has_range && !need_type(access, entry, row_oid(&row, RDB_pg_range_rngtypid), &type->base, err))
            return false;
    }
    type->rep = type->kind == 'd' && type->base != NULL ? type->base->rep : (uint8_t)rdb_type_rep(type->oid, type->kind, type->typlen);
    type->ops = rdb_type_ops_find(type);
    if (type->kind == 'b' && type->element == NULL && type->ops == NULL && !load_base_type(access, type, work, err))
        return false;
    return type->kind != 'd' || rdb_domain_make_ops(entry->arena, type, err);
}

/* ---- functions --------------------------------------------------------------------------------------------------------------- */
static bool load_aggregate(rdb_access *access, cache_entry *entry, rdb_arena *work, rdb_error *err)
{
    const rdb_datum key = datum_oid(entry->oid);
    rdb_catalog_row row;
    bool found;
    if (!catalog_find_row(access, RDB_PG_AGGREGATE, INDEX_AGGREGATE, &key, 1, work, &row, &found, err))
        return false;
    if (!found)
        return true;
    rdb_aggregate *made = RDB_NEW(entry->arena, rdb_aggregate);
    *made = (rdb_aggregate){.function_oid = entry->oid,
                            .kind = row_char(&row, RDB_pg_aggregate_aggkind),
                            .direct_argument_count = (uint16_t)row_int16(&row, RDB_pg_aggregate_aggnumdirectargs),
                            .transition_type = row_oid(&row, RDB_pg_aggregate_aggtranstype),
                            .sort_operator = row_oid(&row, RDB_pg_aggregate_aggsortop),
                            .transition_oid = row_oid(&row, RDB_pg_aggregate_aggtransfn),
                            .final_oid = row_oid(&row, RDB_pg_aggregate_aggfinalfn),
                            .combine_oid = row_oid(&row, RDB_pg_aggregate_aggcombinefn),
                            .moving_oid = row_oid(&row, RDB_pg_aggregate_aggmtransfn),
                            .inverse_oid = row_oid(&row, RDB_pg_aggregate_aggminvtransfn),
                            .moving_final_oid = row_oid(&row, RDB_pg_aggregate_aggmfinalfn),
                            .moving_type = row_oid(&row, RDB_pg_aggregate_aggmtranstype),
                            .final_takes_arguments = row_bool(&row, RDB_pg_aggregate_aggfinalextra),
                            .moving_final_takes_arguments = row_bool(&row, RDB_pg_aggregate_aggmfinalextra),
                            .final_modify = row_char(&row, RDB_pg_aggregate_aggfinalmodify),
                            .moving_final_modify = row_char(&row, RDB_pg_aggregate_aggmfinalmodify),
                            .initial = row_text(entry->arena, &row, RDB_pg_aggregate_agginitval),
                            .moving_initial = row_text(entry->arena, &row, RDB_pg_aggregate_aggminitval)};
    entry->is.function.aggregate = made;
    if (made->transition_type == RDB_INTERNALOID)
        entry->is.function.kernel_oid = objects_aggregate_of_parts(made);
    return true;
}

static bool load_function(rdb_access *access, cache_entry *entry, rdb_arena *work, bool *found, rdb_error *err)
{
    enum { INTERNAL_LANGUAGE = 12 };
    rdb_function *function = &entry->is.function;
    const rdb_datum key = datum_oid(entry->oid);
    rdb_catalog_row row;
    uint32_t count;
    if (!catalog_find_row(access, RDB_PG_PROC, INDEX_PROC_OID, &key, 1, work, &row, found, err))
        return false;
    if (!*found)
        return true;
    function->oid = entry->oid;
    function->namespace_oid = row_oid(&row, RDB_pg_proc_pronamespace);
    function->name = row_text(entry->arena, &row, RDB_pg_proc_proname);
    function->kind = row_char(&row, RDB_pg_proc_prokind);
    function->is_strict = row_bool(&row, RDB_pg_proc_proisstrict);
    function->returns_set = row_bool(&row, RDB_pg_proc_proretset);
    function->is_leakproof = row_bool(&row, RDB_pg_proc_proleakproof);
    function->volatility = row_char(&row, RDB_pg_proc_provolatile);
    function->parallel = row_char(&row, RDB_pg_proc_proparallel);
    function->default_count = (uint16_t)row_int16(&row, RDB_pg_proc_pronargdefaults);
    function->variadic_type = row_oid(&row, RDB_pg_proc_provariadic);
    function->return_type = row_oid(&row, RDB_pg_proc_prorettype);
    function->defaults_tree = row_text(entry->arena, &row, RDB_pg_proc_proargdefaults);
    function->language_oid = row_oid(&row, RDB_pg_proc_prolang);
    function->source = row_text(entry->arena, &row, RDB_pg_proc_prosrc);
    function->binary_source = row_text(entry->arena, &row, RDB_pg_proc_probin);
    function->kernel_oid = function->language_oid == INTERNAL_LANGUAGE && function->kind != 'a' ? objects_function_of_source(function->source) : 0;
    function->has_body = function->kernel_oid == 0;
    function->is_security_definer = row_bool(&row, RDB_pg_proc_prosecdef);
    function->owner_oid = row_oid(&row, RDB_pg_proc_proowner);
    function->has_acl = !row.is_null[RDB_pg_proc_proacl - 1];
    function->body_tree = row_text(entry->arena, &row, RDB_pg_proc_prosqlbody);
    if (!row_texts(entry->arena, &row, RDB_pg_proc_proconfig, &function->configuration, &function->configuration_count, err))
        return false;
    if (!row_oids(entry->arena, &row, RDB_pg_proc_proargtypes, &function->argument_types, &count, err))
        return false;
    function->argument_count = (uint16_t)count;
    if (!row_oids(entry->arena, &row, RDB_pg_proc_proallargtypes, &function->all_types, &count, err))
        return false;
    function->all_count = (uint16_t)count;
    return row_chars(entry->arena, &row, RDB_pg_proc_proargmodes, &function->all_modes, &count, err) &&
           row_texts(entry->arena, &row, RDB_pg_proc_proargnames, &function->argument_names, &count, err) &&
           (function->kind != 'a' || load_aggregate(access, entry, work, err));
}

/* ---- operators and casts ----------------------------------------------------------------------------------------------------- */
static bool load_operator(rdb_access *access, cache_entry *entry, rdb_arena *work, bool *found, rdb_error *err)
{
    rdb_operator_entry *made = &entry->is.operator_entry;
    const rdb_datum key = datum_oid(entry->oid);
    rdb_catalog_row row;
    if (!catalog_find_row(access, RDB_PG_OPERATOR, INDEX_OPERATOR_OID, &key, 1, work, &row, found, err))
        return false;
    if (!*found)
        return true;
    *made = (rdb_operator_entry){.oid = entry->oid,
                                 .namespace_oid = row_oid(&row, RDB_pg_operator_oprnamespace),
                                 .left_type = row_oid(&row, RDB_pg_operator_oprleft),
                                 .right_type = row_oid(&row, RDB_pg_operator_oprright),
                                 .result_type = row_oid(&row, RDB_pg_operator_oprresult),
                                 .function_oid = row_oid(&row, RDB_pg_operator_oprcode),
                                 .commutator_oid = row_oid(&row, RDB_pg_operator_oprcom),
                                 .negator_oid = row_oid(&row, RDB_pg_operator_oprnegate),
                                 .name = row_text(entry->arena, &row, RDB_pg_operator_oprname),
                                 .can_merge = row_bool(&row, RDB_pg_operator_oprcanmerge),
                                 .can_hash = row_bool(&row, RDB_pg_operator_oprcanhash),
                                 .restrict_oid = row_oid(&row, RDB_pg_operator_oprrest),
                                 .join_oid = row_oid(&row, RDB_pg_operator_oprjoin)};
    return true;
}

static bool load_cast(rdb_access *access, cache_entry *entry, rdb_arena *work, bool *found, rdb_error *err)
{
    const rdb_datum key = datum_oid(entry->oid);
    rdb_catalog_row row;
    if (!catalog_find_row(access, RDB_PG_CAST, INDEX_CAST_OID, &key, 1, work, &row, found, err))
        return false;
    if (*found)
        entry->is.cast = (rdb_cast_entry){.source = row_oid(&row, RDB_pg_cast_castsource),
                                          .target = row_oid(&row, RDB_pg_cast_casttarget),
                                          .function_oid = row_oid(&row, RDB_pg_cast_castfunc),
                                          .context = row_char(&row, RDB_pg_cast_castcontext),
                                          .method = row_char(&row, RDB_pg_cast_castmethod)};
    return true;
}

static bool run_loader(rdb_access *access, cache_entry *made, bool *found, rdb_error *err)
{
    static bool (*const loaders[ENTRY_KIND_COUNT])(rdb_access *, cache_entry *, rdb_arena *, bool *, rdb_error *) = {
        [ENTRY_RELATION] = load_relation, [ENTRY_TYPE] = load_type, [ENTRY_FUNCTION] = load_function,
        [ENTRY_OPERATOR] = load_operator, [ENTRY_CAST] = load_cast};
    rdb_arena *work = rdb_arena_create("catalog load", NULL, NULL);
    if (work == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = loaders[made->kind](access, made, work, found, err) && rdb_arena_check(made->arena, err) && rdb_arena_check(work, err);
    rdb_arena_destroy(work);
    return ok;
}

/* A relation's rows stand in several tables: they are read with one snapshot, so that a commit that comes between shows in all
 * of them or in none. What the loader needs beside (types) is read with the same one. */
bool load_entry(rdb_access *access, entry_kind kind, uint32_t oid, uint64_t epoch, cache_entry **entry, rdb_error *err)
{
    cache_entry *made;
    bool found = false;
    rdb_txn *txn = access->context.txn;
    const bool is_outermost = !access->loads;
    *entry = NULL;
    if (!entry_create(kind, oid, &made, err))
        return false;
    if (is_outermost) {
        rdb_txn_latest_snapshot(txn, &access->load_snapshot);
        rdb_txn_hold_snapshot(txn, &access->load_snapshot);
        access->load_epoch = epoch;
        access->loads = true;
    }
    bool ok = run_loader(access, made, &found, err);
    if (is_outermost) {
        access->loads = false;
        rdb_txn_drop_snapshot(txn, &access->load_snapshot);
    }
    if (!ok || !found)
        entry_release(made);
    else
        *entry = made;
    return ok;
}
