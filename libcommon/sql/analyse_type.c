/* SPDX-License-Identifier: Apache-2.0
 * Types as statements write them: names, %TYPE, array bounds and modifiers, to a descriptor and a type modifier. The
 * modifiers' encodings are PostgreSQL's, since clients read them in RowDescription and pg_attribute. */
#include <stdlib.h>

#include "sql/analyse_int.h"

#define LENGTH_MAX 10485760 /* characters of varchar(n) and char(n) */
#define NUMERIC_PRECISION_MAX 1000
#define FRACTION_MAX 6 /* digits of a second */
#define INTERVAL_FULL_RANGE 0x7FFF
#define INTERVAL_FULL_PRECISION 0xFFFF
#define HEADER_BYTES 4 /* what PostgreSQL adds to the modifiers of char, varchar and numeric */

bool analyse_place(const rdb_analysis *analysis, int32_t location, rdb_error *err)
{
    if (location >= 0 && analysis->text != NULL && strcmp(err->sqlstate, RDB_QUERY_CANCELED) != 0) /* a cancel has no place in the text */
        rdb_error_position(err, rdb_sql_position(analysis->text, strlen(analysis->text), location));
    return false;
}

const char *analyse_join_names(rdb_arena *arena, const rdb_ast_names *names)
{
    rdb_strbuf buf;
    rdb_strbuf_init(&buf, arena);
    for (uint32_t at = 0; at < names->count; at++) {
        if (at > 0)
            rdb_strbuf_addc(&buf, '.');
        rdb_strbuf_adds(&buf, names->items[at]);
    }
    return buf.data == NULL ? "" : buf.data;
}

bool analyse_split_name(rdb_analysis *analysis, const rdb_ast_names *names, uint32_t count, const char **schema,
                        const char **name, rdb_error *err)
{
    *schema = NULL;
    *name = NULL;
    if (count == 0 || count > 3)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s",
                             analyse_join_names(analysis->arena, names));
    if (count == 3) {
        const rdb_access_context *context = rdb_access_get_context(analysis->access);
        if (strcmp(names->items[0], rdb_database_name(context->database)) != 0)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s",
                                 analyse_join_names(analysis->arena, names));
    }
    if (count > 1)
        *schema = names->items[count - 2];
    *name = names->items[count - 1];
    return true;
}

/* table.column%TYPE */
static bool find_column_type(rdb_analysis *analysis, const rdb_ast_type *written, const rdb_type **type, int32_t *typmod,
                             uint32_t *collation, rdb_error *err)
{
    const rdb_ast_names *names = &written->names;
    if (names->count < 2) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "improper %%TYPE reference (too few dotted names): %s",
                      analyse_join_names(analysis->arena, names));
        return analyse_place(analysis, written->node.location, err);
    }
    if (names->count > 4) {
        rdb_error_set(err, RDB_SYNTAX_ERROR, "improper %%TYPE reference (too many dotted names): %s",
                      analyse_join_names(analysis->arena, names));
        return analyse_place(analysis, written->node.location, err);
    }
    const char *schema, *name, *column_name = names->items[names->count - 1];
    const rdb_relation *relation = NULL;
    if (!analyse_split_name(analysis, names, names->count - 1, &schema, &name, err) ||
        !rdb_relation_find(analysis->access, schema, name, &relation, err))
        return analyse_place(analysis, written->node.location, err);
    if (relation == NULL) {
        if (schema != NULL)
            rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist", schema, name);
        else
            rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
        return analyse_place(analysis, written->node.location, err);
    }
    for (uint16_t at = 0; at < relation->column_count; at++) {
        const rdb_column *column = &relation->columns[at];
        if (column->is_dropped || strcmp(column->name, column_name) != 0)
            continue;
        *type = column->type;
        *typmod = column->typmod;
        *collation = column->collation;
        return true;
    }
    rdb_error_set(err, RDB_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", column_name, name);
    return analyse_place(analysis, written->node.location, err);
}

/* Oracle's names of types, heard where no type is called so. A RAW's length is not kept. 0: none. */
static uint32_t dialect_type(const char *name, bool *drops_modifiers)
{
    static const struct {
        const char *name;
        uint32_t oid;
        bool drops_modifiers;
    } TYPES[] = {{"number", RDB_NUMERICOID, false}, {"varchar2", RDB_VARCHAROID, false}, {"nvarchar2", RDB_VARCHAROID, false}, {"clob", RDB_TEXTOID, false},
                 {"nclob", RDB_TEXTOID, false}, {"long", RDB_TEXTOID, false}, {"blob", RDB_BYTEAOID, false}, {"raw", RDB_BYTEAOID, true},
                 {"binary_float", RDB_FLOAT4OID, false}, {"binary_double", RDB_FLOAT8OID, false}, {"binary_integer", RDB_INT4OID, false}, {"pls_integer", RDB_INT4OID, false}};
    for (size_t at = 0; at < RDB_COUNT_OF(TYPES); at++) {
        if (strcmp(TYPES[at].name, name) != 0)
            continue;
        *drops_modifiers = TYPES[at].drops_modifiers;
        return TYPES[at].oid;
    }
    return 0;
}

bool analyse_find_type(rdb_analysis *analysis, const rdb_ast_type *written, const rdb_type **type, rdb_error *err)
{
    *type = NULL;
    const char *schema, *name;
    if (!analyse_split_name(analysis, &written->names, written->names.count, &schema, &name, err))
        return analyse_place(analysis, written->node.location, err);
    if (schema != NULL) {
        uint32_t namespace_oid = 0;
        if (!rdb_namespace_find(analysis->access, schema, &namespace_oid, err))
            return false;
        if (namespace_oid == 0) {
            rdb_error_set(err, RDB_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", schema);
            return analyse_place(analysis, written->node.location, err);
        }
    }
    if (!rdb_type_find(analysis->access, schema, name, type, err))
        return false;
    bool drops_modifiers;
    uint32_t dialect_oid = *type == NULL && schema == NULL ? dialect_type(name, &drops_modifiers) : 0;
    return dialect_oid == 0 || rdb_type_get(analysis->access, dialect_oid, type, err);
}

/* ---- modifiers ---- */

#define MODIFIERS_MAX 2

/* The numbers in brackets. A name or a text there is a modifier of some extension's type: none of ours takes one. */
static bool read_modifiers(rdb_analysis *analysis, const rdb_ast_type *written, int32_t numbers[MODIFIERS_MAX],
                           rdb_error *err)
{
    for (uint32_t at = 0; at < written->modifiers.count; at++) {
        const rdb_ast_node *item = rdb_list_get(&written->modifiers, at);
        const rdb_ast_value *value = (const rdb_ast_value *)item;
        if (item->tag == RDB_AST_CONST && value->kind == RDB_SQL_VALUE_INTEGER) {
            if (at < MODIFIERS_MAX)
                numbers[at] = value->integer;
            continue;
        }
        if (item->tag == RDB_AST_CONST && value->kind != RDB_SQL_VALUE_NULL) {
            rdb_error_set(err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type %s: \"%s\"", "integer",
                          value->text == NULL ? "" : value->text);
        } else if (item->tag == RDB_AST_COLUMN && ((const rdb_ast_column *)item)->names.count == 1) {
            rdb_error_set(err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type %s: \"%s\"", "integer",
                          ((const rdb_ast_column *)item)->names.items[0]);
        } else {
            rdb_error_set(err, RDB_SYNTAX_ERROR, "type modifiers must be simple constants or identifiers");
        }
        return analyse_place(analysis, written->node.location, err);
    }
    return true;
}

static bool length_modifier(uint32_t count, const int32_t *numbers, const char *name, int32_t max, int32_t *typmod,
                            rdb_error *err)
{
    if (count != 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid type modifier");
    if (numbers[0] < 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "length for type %s must be at least 1", name);
    if (numbers[0] > max)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "length for type %s cannot exceed %d", name, max);
    *typmod = numbers[0];
    return true;
}

static bool numeric_modifier(uint32_t count, const int32_t *numbers, int32_t *typmod, rdb_error *err)
{
    if (count < 1 || count > 2)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier");
    int32_t scale = count == 2 ? numbers[1] : 0;
    if (numbers[0] < 1 || numbers[0] > NUMERIC_PRECISION_MAX)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "NUMERIC precision %d must be between 1 and %d",
                             numbers[0], NUMERIC_PRECISION_MAX);
    if (scale < -NUMERIC_PRECISION_MAX || scale > NUMERIC_PRECISION_MAX)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "NUMERIC scale %d must be between %d and %d", scale,
                             -NUMERIC_PRECISION_MAX, NUMERIC_PRECISION_MAX);
    *typmod = ((numbers[0] << 16) | (scale & 0x7FF)) + HEADER_BYTES;
    return true;
}

/* More digits of a second than there are become as many as there are. */
static bool fraction_modifier(uint32_t count, const int32_t *numbers, const char *name, const char *zone, int32_t *typmod,
                              rdb_error *err)
{
    if (count != 1)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid type modifier");
    if (numbers[0] < 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%s(%d)%s precision must not be negative", name,
                             numbers[0], zone);
    *typmod = RDB_MIN(numbers[0], FRACTION_MAX);
    return true;
}

/* The grammar gives the fields that count as a mask, then the digits of a second. */
static bool interval_modifier(uint32_t count, const int32_t *numbers, int32_t *typmod, rdb_error *err)
{
    if (count < 1 || count > 2)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier");
    int32_t range = numbers[0] & INTERVAL_FULL_RANGE;
    if (count == 2) {
        if (numbers[1] < 0)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "INTERVAL(%d) precision must not be negative",
                                 numbers[1]);
        *typmod = range << 16 | RDB_MIN(numbers[1], FRACTION_MAX);
    } else if (range != INTERVAL_FULL_RANGE) {
        *typmod = range << 16 | INTERVAL_FULL_PRECISION;
    }
    return true;
}

static bool encode_modifier(uint32_t type_oid, uint32_t count, const int32_t *numbers, const char *name, int32_t *typmod,
                            rdb_error *err)
{
    switch (type_oid) {
    case RDB_BPCHAROID:
    case RDB_VARCHAROID:
        if (!length_modifier(count, numbers, type_oid == RDB_BPCHAROID ? "char" : "varchar", LENGTH_MAX, typmod, err))
            return false;
        *typmod += HEADER_BYTES;
        return true;
    case RDB_BITOID:
    case RDB_VARBITOID:
        return length_modifier(count, numbers, type_oid == RDB_BITOID ? "bit" : "varbit", LENGTH_MAX * 8, typmod, err);
    case RDB_NUMERICOID:
        return numeric_modifier(count, numbers, typmod, err);
    case RDB_TIMEOID:
        return fraction_modifier(count, numbers, "TIME", "", typmod, err);
    case RDB_TIMETZOID:
        return fraction_modifier(count, numbers, "TIME", " WITH TIME ZONE", typmod, err);
    case RDB_TIMESTAMPOID:
        return fraction_modifier(count, numbers, "TIMESTAMP", "", typmod, err);
    case RDB_TIMESTAMPTZOID:
        return fraction_modifier(count, numbers, "TIMESTAMP", " WITH TIME ZONE", typmod, err);
    case RDB_INTERVALOID:
        return interval_modifier(count, numbers, typmod, err);
    default:
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "type modifier is not allowed for type \"%s\"", name);
    }
}

bool rdb_type_resolve(rdb_analysis *analysis, struct rdb_ast_node *type_name, const rdb_type **type, int32_t *typmod,
                      uint32_t *collation, rdb_error *err)
{
    const rdb_ast_type *written = (const rdb_ast_type *)type_name;
    RDB_ASSERT(type_name->tag == RDB_AST_TYPE);
    *type = NULL;
    *typmod = -1;
    *collation = 0;
    if (written->oid != 0) {
        *typmod = written->typmod;
        *collation = written->collation;
        return rdb_type_get(analysis->access, written->oid, type, err);
    }
    if (written->is_reference) {
        if (!find_column_type(analysis, written, type, typmod, collation, err))
            return false;
    } else {
        if (!analyse_find_type(analysis, written, type, err))
            return false;
        const char *name = analyse_join_names(analysis->arena, &written->names);
        if (*type == NULL || !(*type)->is_defined) {
            rdb_error_set(err, RDB_UNDEFINED_OBJECT,
                          *type == NULL ? "type \"%s\" does not exist" : "type \"%s\" is only a shell", name);
            *type = NULL;
            return analyse_place(analysis, written->node.location, err);
        }
        int32_t numbers[MODIFIERS_MAX] = {0};
        bool drops_modifiers = false;
        if (written->names.count == 1 && (*type)->oid == RDB_BYTEAOID && dialect_type(written->names.items[0], &drops_modifiers) == 0)
            drops_modifiers = false;
        if (written->modifiers.count > 0 && !drops_modifiers &&
            (!read_modifiers(analysis, written, numbers, err) ||
             !encode_modifier((*type)->like != NULL && (*type)->typmod_in_oid != 0 ? (*type)->like->oid : (*type)->oid, written->modifiers.count, numbers, name, typmod, err)))
            return analyse_place(analysis, written->node.location, err);
        *collation = (*type)->collation;
    }
    if (written->bounds.count == 0)
        return true;
    /* Any number of dimensions, of any size, is the one array type. */
    uint32_t array_oid = (*type)->array_oid;
    const rdb_type *array = NULL;
    if (array_oid != 0 && !rdb_type_get(analysis->access, array_oid, &array, err))
        return false;
    if (array == NULL) {
        rdb_error_set(err, RDB_UNDEFINED_OBJECT, "type \"%s[]\" does not exist",
                      analyse_join_names(analysis->arena, &written->names));
        return analyse_place(analysis, written->node.location, err);
    }
    *type = array;
    return true;
}
