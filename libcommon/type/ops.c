/* SPDX-License-Identifier: Apache-2.0
 * From a type to its operations, representation and printed name, and the columns of index keys. */
#include "type/rdb_statistics.h"
#include "type/type_int.h"
#include "type/tables.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static rdb_type_resolver resolver_hook;

static rdb_type_notice_hook notice_hook;

void rdb_type_set_notice_hook(rdb_type_notice_hook hook)
{
    notice_hook = hook;
}

void type_notice(rdb_call *call, const char *sqlstate, const char *format, ...)
{
    va_list arguments;
    if (notice_hook == NULL)
        return;
    va_start(arguments, format);
    char *text = NULL;
    if (vasprintf(&text, format, arguments) >= 0) {
        notice_hook(call, sqlstate, text, NULL);
        free(text);
    }
    va_end(arguments);
}

void type_notice_detail(rdb_call *call, const char *sqlstate, const char *text, const char *detail)
{
    if (notice_hook != NULL)
        notice_hook(call, sqlstate, text, detail);
}

void rdb_type_set_resolver(rdb_type_resolver resolver)
{
    resolver_hook = resolver;
}

bool rdb_type_descriptor(rdb_call *call, uint32_t oid, const rdb_type **type)
{
    *type = resolver_hook != NULL ? resolver_hook(call, oid) : NULL;
    return *type != NULL || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "type with OID %u does not exist", oid);
}

static const rdb_type_ops *find_by_oid(uint32_t oid)
{
    switch (oid) {
    case RDB_BOOLOID:
        return &type_bool_ops;
    case RDB_CHAROID:
        return &type_char_ops;
    case RDB_INT2OID:
        return &type_int2_ops;
    case RDB_INT4OID:
        return &type_int4_ops;
    case RDB_INT8OID:
        return &type_int8_ops;
    case RDB_OIDOID:
        return &type_oid_ops;
    case RDB_XIDOID:
    case RDB_CIDOID:
        return &type_xid_ops;
    case RDB_REGPROCOID:
    case RDB_REGCLASSOID:
    case RDB_REGTYPEOID:
    case RDB_REGNAMESPACEOID:
    case RDB_REGROLEOID:
    case 2202: /* regprocedure */
    case 2203: /* regoper */
    case 2204: /* regoperator */
    case 3734: /* regconfig */
    case 3769: /* regdictionary */
    case 4191: /* regcollation */
        return &type_reg_ops;
    case RDB_TEXTOID:
    case RDB_UNKNOWNOID:
    case RDB_CSTRINGOID:
    case RDB_REFCURSOROID:
    case RDB_PG_NODE_TREEOID:
        return &type_text_ops;
    case RDB_ACLITEMOID:
        return &type_aclitem_ops;
    case RDB_VOIDOID:
        return &type_void_ops;
    case RDB_VARCHAROID:
        return &type_varchar_ops;
    case RDB_BPCHAROID:
        return &type_bpchar_ops;
    case RDB_NAMEOID:
        return &type_name_ops;
    case RDB_NUMERICOID:
        return &type_numeric_ops;
    case RDB_FLOAT4OID:
        return &type_float4_ops;
    case RDB_FLOAT8OID:
        return &type_float8_ops;
    case RDB_INT2VECTOROID:
    case RDB_OIDVECTOROID:
        return &type_vector_ops;
    case RDB_DATEOID:
        return &type_date_ops;
    case RDB_TIMEOID:
        return &type_time_ops;
    case RDB_TIMETZOID:
        return &type_timetz_ops;
    case RDB_TIMESTAMPOID:
        return &type_timestamp_ops;
    case RDB_TIMESTAMPTZOID:
        return &type_timestamptz_ops;
    case RDB_INTERVALOID:
        return &type_interval_ops;
    case RDB_JSONOID:
        return &type_json_ops;
    case RDB_JSONBOID:
        return &type_jsonb_ops;
    case RDB_JSONPATHOID:
        return &type_jsonpath_ops;
    case RDB_BYTEAOID:
        return &type_bytea_ops;
    case RDB_UUIDOID:
        return &type_uuid_ops;
    case RDB_TIDOID:
        return &type_tid_ops;
    case RDB_XID8OID:
        return &type_xid8_ops;
    case RDB_PG_LSNOID:
        return &type_lsn_ops;
    case RDB_INETOID:
    case RDB_CIDROID:
        return &type_inet_ops;
    case RDB_MACADDROID:
        return &type_macaddr_ops;
    case 2970: /* txid_snapshot */
    case 5038: /* pg_snapshot */
        return &type_snapshot_ops;
    case RDB_MACADDR8OID:
        return &type_macaddr8_ops;
    case RDB_BITOID:
    case RDB_VARBITOID:
        return &type_bit_ops;
    case RDB_MONEYOID:
        return &type_money_ops;
    case RDB_POINTOID:
        return &type_point_ops;
    case RDB_LSEGOID:
        return &type_lseg_ops;
    case RDB_BOXOID:
        return &type_box_ops;
    case RDB_LINEOID:
        return &type_line_ops;
    case RDB_CIRCLEOID:
        return &type_circle_ops;
    case RDB_PATHOID:
        return &type_path_ops;
    case RDB_POLYGONOID:
        return &type_polygon_ops;
    case RDB_TSVECTOROID:
        return &type_tsvector_ops;
    case RDB_TSQUERYOID:
        return &type_tsquery_ops;
    case RDB_NDISTINCT_OID:
    case RDB_DEPENDENCIES_OID:
        return &type_combinations_ops;
    case RDB_MCV_LIST_OID:
        return &type_mcv_list_ops;
    default:
        return NULL;
    }
}

static bool is_unordered(const rdb_type *element)
{
    const rdb_type_ops *ops = element == NULL ? NULL : element->ops != NULL ? element->ops : rdb_type_ops_find(element);
    return ops != NULL && (ops->compare == NULL || ops->hash == NULL);
}

const rdb_type_ops *rdb_type_ops_find(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    const rdb_type_ops *ops = find_by_oid(type->oid);
    if (ops == NULL && (type->element != NULL || type->oid == RDB_ANYARRAYOID))
        ops = is_unordered(type->element) ? &type_unordered_array_ops : &type_array_ops;
    if (ops == NULL && type->kind == 'r')
        ops = &type_range_ops;
    if (ops == NULL && type->kind == 'm')
        ops = &type_multirange_ops;
    if (ops == NULL && type->kind == 'e')
        ops = &type_enum_ops;
    if (ops == NULL && (type->kind == 'c' || type->oid == RDB_RECORDOID))
        ops = &type_record_ops;
    return ops;
}

static struct {
    const char *source;
    rdb_rep rep;
    const rdb_type_ops *ops;
} of_extensions[8]; /* filled at start, before any session runs */

void rdb_type_ops_register(const char *input_source, rdb_rep rep, const rdb_type_ops *ops)
{
    size_t at = 0;
    while (at < RDB_COUNT_OF(of_extensions) && of_extensions[at].source != NULL && strcmp(of_extensions[at].source, input_source) != 0)
        at++;
    RDB_VERIFY(at < RDB_COUNT_OF(of_extensions));
    of_extensions[at].source = input_source;
    of_extensions[at].rep = rep;
    of_extensions[at].ops = ops;
}

const rdb_type_ops *rdb_type_ops_of_source(const char *input_source, rdb_rep *rep)
{
    for (size_t at = 0; at < RDB_COUNT_OF(of_extensions) && of_extensions[at].source != NULL; at++)
        if (strcmp(of_extensions[at].source, input_source) == 0) {
            *rep = of_extensions[at].rep;
            return of_extensions[at].ops;
        }
    return NULL;
}

rdb_rep rdb_type_rep(uint32_t oid, char kind, int16_t typlen)
{
    (void)typlen;
    switch (oid) {
    case RDB_BOOLOID:
        return RDB_REP_BOOL;
    case RDB_CHAROID:
        return RDB_REP_INT8;
    case RDB_INT2OID:
        return RDB_REP_INT16;
    case RDB_INT4OID:
    case RDB_DATEOID:
    case RDB_OIDOID:
    case RDB_XIDOID:
    case RDB_CIDOID:
    case RDB_REGPROCOID:
    case RDB_REGCLASSOID:
    case RDB_REGTYPEOID:
    case RDB_REGNAMESPACEOID:
    case RDB_REGROLEOID:
    case 2202:
    case 2203:
    case 2204:
    case 3734:
    case 3769:
    case 4191:
        return RDB_REP_INT32;
    case RDB_INT8OID:
    case RDB_TIMEOID:
    case RDB_TIMESTAMPOID:
    case RDB_TIMESTAMPTZOID:
    case RDB_MONEYOID:
    case RDB_XID8OID:
    case RDB_PG_LSNOID:
    case RDB_INTERNALOID:
        return RDB_REP_INT64;
    case RDB_FLOAT4OID:
        return RDB_REP_FLOAT32;
    case RDB_FLOAT8OID:
        return RDB_REP_FLOAT64;
    case RDB_UUIDOID:
    case RDB_INTERVALOID:
    case RDB_TIMETZOID:
    case RDB_TIDOID:
        return RDB_REP_FIXED16;
    case RDB_VOIDOID:
    case RDB_TRIGGEROID:
        return RDB_REP_INT32;
    default:
        return kind == 'e' ? RDB_REP_INT32 : RDB_REP_BYTES;
    }
}

const rdb_format_settings *rdb_format_default(void)
{
    static const rdb_format_settings DEFAULT = {.extra_float_digits = 1};
    return &DEFAULT;
}

bool rdb_type_encode_column(const rdb_type *type, uint32_t collation, rdb_datum value, bool is_null, bool descending,
                            bool nulls_first, rdb_strbuf *key, rdb_error *err)
{
    rdb_strbuf_addc(key, is_null ? (nulls_first ? 0x01 : 0x03) : 0x02);
    if (!is_null) {
        const rdb_type_ops *ops = type->ops != NULL ? type->ops : rdb_type_ops_find(type);
        if (ops == NULL || ops->encode_key == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "no index keys are built for type %s", type->name);
        size_t start = key->length;
        bool ok = ops->encode_key(type, collation, value, key);
        if (!rdb_strbuf_check(key, err))
            return false;
        if (!ok)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        if (descending) {
            for (size_t i = start; i < key->length; i++)
                key->data[i] = (char)~key->data[i];
        }
    }
    return rdb_strbuf_check(key, err);
}

bool rdb_type_decode_column(const rdb_type *type, bool descending, rdb_arena *arena, const uint8_t **at, const uint8_t *end, rdb_datum *value, bool *is_null,
                            rdb_error *err)
{
    const rdb_type_ops *ops = type->ops != NULL ? type->ops : rdb_type_ops_find(type);
    if (*at >= end || ops == NULL || ops->decode_key == NULL)
        return rdb_error_set(err, RDB_DATA_CORRUPTED, "an index key has no value for a column of type %s", type->name);
    *is_null = *(*at)++ != 0x02;
    if (*is_null)
        return true;
    bool ok;
    if (descending) {
        const size_t length = (size_t)(end - *at);
        uint8_t *flipped = rdb_arena_try_alloc(arena, length + 1, err);
        if (flipped == NULL)
            return false;
        for (size_t i = 0; i < length; i++)
            flipped[i] = (uint8_t)~(*at)[i];
        const uint8_t *inside = flipped;
        ok = ops->decode_key(type, arena, &inside, flipped + length, value);
        *at += inside - flipped;
    } else {
        ok = ops->decode_key(type, arena, at, end, value);
    }
    return ok || rdb_error_set(err, RDB_DATA_CORRUPTED, "an index key does not hold a value of type %s", type->name);
}

/* ---- printed names ------------------------------------------------------------------------------------------------------- */
static const char *long_name(uint32_t oid)
{
    switch (oid) {
    case RDB_BOOLOID:
        return "boolean";
    case RDB_CHAROID:
        return "\"char\"";
    case RDB_INT2OID:
        return "smallint";
    case RDB_INT4OID:
        return "integer";
    case RDB_INT8OID:
        return "bigint";
    case RDB_FLOAT4OID:
        return "real";
    case RDB_FLOAT8OID:
        return "double precision";
    case RDB_VARCHAROID:
        return "character varying";
    case RDB_BPCHAROID:
        return "character";
    case RDB_BITOID:
        return "bit";
    case RDB_VARBITOID:
        return "bit varying";
    default:
        return NULL;
    }
}

static void add_interval_typmod(rdb_strbuf *text, int32_t typmod)
{
    static const struct {
        unsigned mask;
        const char *words;
    } FIELDS[] = {
        {1u << 2, " year"}, {1u << 1, " month"}, {1u << 3, " day"}, {1u << 10, " hour"}, {1u << 11, " minute"},
        {1u << 12, " second"}, {1u << 2 | 1u << 1, " year to month"}, {1u << 3 | 1u << 10, " day to hour"},
        {1u << 3 | 1u << 10 | 1u << 11, " day to minute"},
        {1u << 3 | 1u << 10 | 1u << 11 | 1u << 12, " day to second"}, {1u << 10 | 1u << 11, " hour to minute"},
        {1u << 10 | 1u << 11 | 1u << 12, " hour to second"}, {1u << 11 | 1u << 12, " minute to second"},
    };
    unsigned range = (unsigned)typmod >> 16 & 0x7fff, precision = (unsigned)typmod & 0xffff;
    for (size_t i = 0; i < RDB_COUNT_OF(FIELDS); i++) {
        if (FIELDS[i].mask == range)
            rdb_strbuf_adds(text, FIELDS[i].words);
    }
    if (precision != 0xffff)
        rdb_strbuf_addf(text, "(%u)", precision);
}

void rdb_type_format_name(const rdb_type *type, int32_t typmod, bool with_typmod, rdb_strbuf *text)
{
    bool is_array = type->element != NULL && type->oid != RDB_INT2VECTOROID && type->oid != RDB_OIDVECTOROID;
    const rdb_type *named = is_array ? type->element : type;
    bool has_typmod = with_typmod && typmod >= 0;
    const char *known = long_name(named->oid);
    switch (named->oid) {
    case RDB_BPCHAROID:
        /* Without a length "character" would mean length 1, so the type is then named by what it is. */
        if (with_typmod && typmod < 4)
            rdb_strbuf_adds(text, "bpchar");
        else
            rdb_strbuf_adds(text, known);
        if (has_typmod && typmod >= 4)
            rdb_strbuf_addf(text, "(%d)", typmod - 4);
        break;
    case RDB_VARCHAROID:
        rdb_strbuf_adds(text, known);
        if (has_typmod && typmod >= 4)
            rdb_strbuf_addf(text, "(%d)", typmod - 4);
        break;
    case RDB_BITOID:
        if (with_typmod && typmod < 0)
            rdb_strbuf_adds(text, "\"bit\"");
        else
            rdb_strbuf_adds(text, known);
        if (has_typmod)
            rdb_strbuf_addf(text, "(%d)", typmod);
        break;
    case RDB_VARBITOID:
        rdb_strbuf_adds(text, known);
        if (has_typmod)
            rdb_strbuf_addf(text, "(%d)", typmod);
        break;
    case RDB_NUMERICOID:
        rdb_strbuf_adds(text, "numeric");
        if (has_typmod && typmod >= 4)
            rdb_strbuf_addf(text, "(%d,%d)", (typmod - 4) >> 16 & 0xffff, (((typmod - 4) & 0x7ff) ^ 1024) - 1024);
        break;
    case RDB_TIMEOID:
    case RDB_TIMESTAMPOID:
    case RDB_TIMETZOID:
    case RDB_TIMESTAMPTZOID:
        rdb_strbuf_adds(text, named->oid == RDB_TIMEOID || named->oid == RDB_TIMETZOID ? "time" : "timestamp");
        if (has_typmod)
            rdb_strbuf_addf(text, "(%d)", typmod);
        rdb_strbuf_adds(text, named->oid == RDB_TIMETZOID || named->oid == RDB_TIMESTAMPTZOID ? " with time zone"
                                                                                             : " without time zone");
        break;
    case RDB_INTERVALOID:
        rdb_strbuf_adds(text, "interval");
        if (has_typmod)
            add_interval_typmod(text, typmod);
        break;
    default:
        if (known != NULL)
            rdb_strbuf_adds(text, known);
        else
            rdb_identifier_add(text, named->name);
        break;
    }
    if (is_array)
        rdb_strbuf_adds(text, "[]");
}
