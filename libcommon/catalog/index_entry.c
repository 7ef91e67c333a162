/* SPDX-License-Identifier: Apache-2.0
 * What an entry of an ordered index is made of: the key of a row, and behind it the values that the key cannot give back. */
#include "catalog/catalog_int.h"

/* ---- keys -------------------------------------------------------------------------------------------------------------- */
bool rdb_index_key_encode(const rdb_relation_index *index, const rdb_datum *column_values, const bool *column_is_null,
                          uint16_t column_count, rdb_strbuf *key, rdb_error *err)
{
    RDB_ASSERT(column_count <= index->key_count);
    for (uint16_t i = 0; i < column_count; i++) {
        const rdb_index_column *column = &index->columns[i];
        if (!rdb_type_encode_column(column->type, column->collation, column_values[i], column_is_null[i], column->is_descending,
                                    column->nulls_first, key, err))
            return false;
    }
    return rdb_strbuf_check(key, err);
}

bool rdb_index_key_encode_row(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, rdb_strbuf *key, rdb_error *err)
{
    for (uint16_t i = 0; i < index->key_count; i++) {
        const rdb_index_column *column = &index->columns[i];
        uint16_t at = (uint16_t)(column->column_number - 1);
        RDB_ASSERT(column->column_number > 0);
        if (!rdb_type_encode_column(column->type, column->collation, values[at], is_null[at], column->is_descending,
                                    column->nulls_first, key, err))
            return false;
    }
    return rdb_strbuf_check(key, err);
}

bool catalog_key_encode(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed, rdb_strbuf *key, rdb_error *err)
{
    return computed != NULL && computed->values != NULL ? rdb_index_key_encode(index, computed->values, computed->is_null, index->key_count, key, err)
                                                        : rdb_index_key_encode_row(index, values, is_null, key, err);
}

/* ---- entries: keys and what they cannot give back ------------------------------------------------------------------------- */
void catalog_note_stored(rdb_relation_index *index)
{
    enum { BTREE_METHOD = 403, POSIX_COLLATION = 951 };
    index->stored_count = index->key_count;
    for (; index->decoded_count < index->key_count; index->decoded_count++) {
        const rdb_index_column *key = &index->columns[index->decoded_count];
        const rdb_type_ops *ops = key->type->ops != NULL ? key->type->ops : rdb_type_ops_find(key->type);
        const bool orders_bytes = key->orders_bytes || key->collation == 0 || key->collation == RDB_DEFAULT_COLLATION_OID || key->collation == RDB_C_COLLATION_OID ||
                                  key->collation == POSIX_COLLATION;
        if (ops == NULL || ops->decode_key == NULL || !orders_bytes)
            break;
    }
    if (index->kind != RDB_INDEX_ORDERED || index->method_oid != BTREE_METHOD || index->oid < RDB_FIRST_NORMAL_OID || index->expression_tree != NULL)
        return;
    index->has_rest = index->decoded_count < index->column_count;
    if (index->has_rest)
        index->stored_count = index->column_count;
}

enum { REST_COLUMNS_MAX = 32, ENTRIES_A_PAGE = 6 /* a page is no tree's where less fit; beyond, the entry has a page of its own */ };

static void add_rest_value(rdb_rep rep, rdb_datum value, size_t room, rdb_strbuf *entry)
{
    const bool is_bytes = rep == RDB_REP_BYTES;
    const size_t length = is_bytes ? value.bytes.length : rdb_rep_width(rep);
    if (length + sizeof(uint16_t) > room) {
        rdb_strbuf_addc(entry, RDB_REST_ABSENT);
        return;
    }
    rdb_strbuf_addc(entry, RDB_REST_VALUE);
    if (is_bytes) {
        uint8_t head[sizeof(uint16_t)];
        rdb_put_u16(head, (uint16_t)length);
        rdb_strbuf_add(entry, head, sizeof head);
    }
    if (length > 0)
        rdb_strbuf_add(entry, is_bytes ? (const void *)value.bytes.data : (const void *)&value, length);
}

/* column_values and column_is_null: by position in the index. */
static bool add_rest(const rdb_relation_index *index, const rdb_datum *column_values, const bool *column_is_null, rdb_strbuf *entry, rdb_error *err)
{
    const size_t begin = entry->length, most = rdb_storage_page_bytes(index->index.storage) / ENTRIES_A_PAGE;
    uint8_t tail[sizeof(uint16_t)];
    for (uint16_t i = index->decoded_count; i < index->stored_count; i++) {
        if (index->columns[i].column_number == 0)
            continue;
        const size_t taken = entry->length + (index->stored_count - i) + sizeof tail; /* with a byte for each column */
        if (column_is_null[i])
            rdb_strbuf_addc(entry, RDB_REST_NULL);
        else
            add_rest_value(index->columns[i].type->rep, column_values[i], taken < most ? most - taken : 0, entry);
    }
    rdb_put_u16(tail, (uint16_t)(entry->length - begin));
    rdb_strbuf_add(entry, tail, sizeof tail);
    return rdb_strbuf_check(entry, err);
}

bool rdb_index_entry_encode_columns(const rdb_relation_index *index, const rdb_datum *column_values, const bool *column_is_null, rdb_strbuf *entry, rdb_error *err)
{
    return rdb_index_key_encode(index, column_values, column_is_null, index->key_count, entry, err) &&
           (!index->has_rest || add_rest(index, column_values, column_is_null, entry, err));
}

bool rdb_index_entry_encode(const rdb_relation_index *index, const rdb_datum *values, const bool *is_null, const rdb_index_values *computed, rdb_strbuf *entry, rdb_error *err)
{
    if (!index->has_rest)
        return catalog_key_encode(index, values, is_null, computed, entry, err);
    rdb_datum column_values[REST_COLUMNS_MAX];
    bool column_is_null[REST_COLUMNS_MAX];
    RDB_ASSERT(index->stored_count <= REST_COLUMNS_MAX);
    for (uint16_t i = 0; i < index->stored_count; i++) {
        const int16_t number = index->columns[i].column_number;
        const bool is_computed = i < index->key_count && computed != NULL && computed->values != NULL;
        RDB_ASSERT(is_computed || number > 0);
        column_is_null[i] = is_computed ? computed->is_null[i] : is_null[number - 1];
        column_values[i] = column_is_null[i] ? (rdb_datum){.words = {0, 0}} : is_computed ? computed->values[i] : values[number - 1];
    }
    return rdb_index_entry_encode_columns(index, column_values, column_is_null, entry, err);
}

static bool damaged_entry(const rdb_relation_index *index, rdb_error *err)
{
    return rdb_error_set(err, RDB_DATA_CORRUPTED, "an entry of index \"%s\" does not hold the values of its columns", index->name);
}

bool rdb_index_entry_split(const rdb_relation_index *index, rdb_slice entry, rdb_slice *key, rdb_slice *rest, rdb_error *err)
{
    *key = entry;
    if (rest != NULL)
        *rest = (rdb_slice){NULL, 0};
    if (!index->has_rest)
        return true;
    if (entry.length < sizeof(uint16_t))
        return damaged_entry(index, err);
    const size_t both = entry.length - sizeof(uint16_t), rest_bytes = rdb_get_u16(entry.data + both);
    if (rest_bytes > both)
        return damaged_entry(index, err);
    key->length = both - rest_bytes;
    if (rest != NULL)
        *rest = (rdb_slice){entry.data + key->length, rest_bytes};
    return true;
}

bool rdb_index_rest_next(rdb_rep rep, rdb_slice *rest, rdb_index_rest_kind *kind, rdb_datum *value, rdb_error *err)
{
    *value = (rdb_datum){.words = {0, 0}};
    *kind = rest->length > 0 ? (rdb_index_rest_kind)rest->data[0] : RDB_REST_ABSENT;
    size_t length = 0, head = rep == RDB_REP_BYTES ? sizeof(uint16_t) : 0;
    bool ok = rest->length > 0 && *kind <= RDB_REST_ABSENT;
    if (ok && *kind == RDB_REST_VALUE) {
        ok = rest->length >= 1 + head;
        length = !ok ? 0 : head > 0 ? rdb_get_u16(rest->data + 1) : rdb_rep_width(rep);
        ok = ok && rest->length - 1 - head >= length;
        if (ok && head > 0)
            value->bytes = (rdb_bytes){.data = rest->data + 1 + head, .length = (uint32_t)length};
        else if (ok)
            memcpy(value, rest->data + 1, length);
        length += head;
    }
    if (!ok)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "an index entry does not hold the values of its columns");
    *rest = (rdb_slice){rest->data + 1 + length, rest->length - 1 - length};
    return true;
}
