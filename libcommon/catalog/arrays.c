/* SPDX-License-Identifier: Apache-2.0
 * Arrays in catalog rows. They are read and made through the text form of their types: the format of an array's bytes is the
 * type room's alone, and descriptors are made seldom. */
#include "catalog/catalog_int.h"

#include <stdlib.h>

static uint32_t column_type(const rdb_catalog_row *row, int column)
{
    return row->columns[column - 1].type->oid;
}

/* The text of the array in the row, terminated; NULL for NULL. */
static bool array_text(rdb_arena *arena, const rdb_catalog_row *row, int column, const char **text, rdb_error *err)
{
    *text = NULL;
    if (row->is_null[column - 1])
        return true;
    const rdb_type *type = objects_type_get(column_type(row, column));
    if (type == NULL || type->ops == NULL || type->ops->output == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s has no text form yet", type != NULL ? type->name : "?");
    rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default()};
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, arena);
    if (!type->ops->output(&call, type, row->values[column - 1], &buffer))
        return false;
    rdb_strbuf_addc(&buffer, '\0');
    *text = buffer.data;
    return rdb_strbuf_check(&buffer, err);
}

/* "{1,2}" and "1 2" alike. */
static bool array_numbers(rdb_arena *arena, const rdb_catalog_row *row, int column, int64_t **items, uint32_t *count, rdb_error *err)
{
    const char *text;
    *items = NULL;
    *count = 0;
    if (!array_text(arena, row, column, &text, err))
        return false;
    if (text == NULL)
        return true;
    uint32_t limit = 1;
    for (const char *p = text; *p != '\0'; p++)
        limit += *p == ',' || *p == ' ';
    *items = rdb_arena_try_alloc(arena, limit * sizeof **items, err);
    if (*items == NULL)
        return false;
    for (const char *p = text; *p != '\0';) {
        char *end;
        int64_t value = strtoll(p, &end, 10);
        if (end == p) {
            p++;
            continue;
        }
        (*items)[(*count)++] = value;
        p = end;
    }
    return true;
}

bool row_int16s(rdb_arena *arena, const rdb_catalog_row *row, int column, const int16_t **items, uint32_t *count, rdb_error *err)
{
    int64_t *numbers;
    *items = NULL;
    if (!array_numbers(arena, row, column, &numbers, count, err))
        return false;
    int16_t *narrow = rdb_arena_try_alloc(arena, (*count + 1) * sizeof *narrow, err);
    for (uint32_t i = 0; narrow != NULL && i < *count; i++)
        narrow[i] = (int16_t)numbers[i];
    *items = narrow;
    return narrow != NULL;
}

bool row_oids(rdb_arena *arena, const rdb_catalog_row *row, int column, const uint32_t **items, uint32_t *count, rdb_error *err)
{
    int64_t *numbers;
    *items = NULL;
    if (!array_numbers(arena, row, column, &numbers, count, err))
        return false;
    uint32_t *narrow = rdb_arena_try_alloc(arena, (*count + 1) * sizeof *narrow, err);
    for (uint32_t i = 0; narrow != NULL && i < *count; i++)
        narrow[i] = (uint32_t)numbers[i];
    *items = narrow;
    return narrow != NULL;
}

bool row_texts(rdb_arena *arena, const rdb_catalog_row *row, int column, const char *const **items, uint32_t *count, rdb_error *err)
{
    const char *text;
    *items = NULL;
    *count = 0;
    if (!array_text(arena, row, column, &text, err))
        return false;
    if (text != NULL)
        *items = objects_split_array(arena, text, count);
    return true;
}

bool row_chars(rdb_arena *arena, const rdb_catalog_row *row, int column, const char **items, uint32_t *count, rdb_error *err)
{
    const char *const *texts;
    *items = NULL;
    if (!row_texts(arena, row, column, &texts, count, err))
        return false;
    if (texts == NULL)
        return true;
    char *letters = rdb_arena_zalloc(arena, *count + 1);
    for (uint32_t i = 0; i < *count; i++)
        letters[i] = texts[i][0];
    *items = letters;
    return true;
}

/* ---- making them ------------------------------------------------------------------------------------------------------------ */
bool datum_from_text(rdb_arena *arena, const rdb_type *type, const char *text, rdb_datum *value, rdb_error *err)
{
    *value = (rdb_datum){.words = {0, 0}};
    switch (type->oid) { /* those that most cells are: without a call, and regproc without a look-up */
    case RDB_BOOLOID:
        value->b = text[0] == 't';
        return true;
    case RDB_CHAROID:
        value->i8 = (int8_t)text[0];
        return true;
    case RDB_INT2OID:
        value->i16 = (int16_t)strtol(text, NULL, 10);
        return true;
    case RDB_INT4OID:
        value->i32 = (int32_t)strtol(text, NULL, 10);
        return true;
    case RDB_INT8OID:
    case RDB_PG_LSNOID:
        value->i64 = strtoll(text, NULL, 10);
        return true;
    case RDB_OIDOID:
    case RDB_REGPROCOID:
    case RDB_XIDOID:
        value->oid = strcmp(text, "-") == 0 ? 0 : (uint32_t)strtoul(text, NULL, 10);
        return true;
    case RDB_FLOAT4OID:
        value->f4 = strtof(text, NULL);
        return true;
    case RDB_NAMEOID:
    case RDB_TEXTOID:
    case RDB_PG_NODE_TREEOID:
        *value = datum_text(rdb_arena_strdup(arena, text));
        return true;
    default:
        break;
    }
    if (type->ops == NULL || type->ops->input == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s cannot be read from text yet", type->name);
    rdb_call call = {.arena = arena, .err = err, .format = rdb_format_default()};
    return type->ops->input(&call, type, (rdb_slice){(const uint8_t *)text, strlen(text)}, -1, value);
}

bool datum_from_int16s(rdb_arena *arena, uint32_t type_oid, const int16_t *items, uint32_t count, rdb_datum *value, rdb_error *err)
{
    rdb_strbuf text;
    const bool is_vector = type_oid == RDB_INT2VECTOROID;
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_adds(&text, is_vector ? "" : "{");
    for (uint32_t i = 0; i < count; i++)
        rdb_strbuf_addf(&text, "%s%d", i == 0 ? "" : is_vector ? " " : ",", items[i]);
    rdb_strbuf_adds(&text, is_vector ? "" : "}");
    return rdb_strbuf_check(&text, err) && datum_from_text(arena, objects_type_get(type_oid), text.data != NULL ? text.data : "", value, err);
}

bool datum_from_oids(rdb_arena *arena, uint32_t type_oid, const uint32_t *items, uint32_t count, rdb_datum *value, rdb_error *err)
{
    rdb_strbuf text;
    const bool is_vector = type_oid == RDB_OIDVECTOROID;
    rdb_strbuf_init(&text, arena);
    rdb_strbuf_adds(&text, is_vector ? "" : "{");
    for (uint32_t i = 0; i < count; i++)
        rdb_strbuf_addf(&text, "%s%u", i == 0 ? "" : is_vector ? " " : ",", items[i]);
    rdb_strbuf_adds(&text, is_vector ? "" : "}");
    return rdb_strbuf_check(&text, err) && datum_from_text(arena, objects_type_get(type_oid), text.data != NULL ? text.data : "", value, err);
}
