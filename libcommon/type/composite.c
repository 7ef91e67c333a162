/* SPDX-License-Identifier: Apache-2.0
 * Enums (the value is the OID of a label, the order is that of the descriptor's labels), and void, whose one value prints
 * as nothing. Rows: record.c. */
#include "type/array.h"
#include "type/tables.h"

/* ---- enums ----------------------------------------------------------------------------------------------------------------- */
static bool enum_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *base = type_base(type);
    value->words[0] = value->words[1] = 0;
    for (uint32_t i = 0; i < base->label_count; i++) {
        if (strlen(base->labels[i]) == text.length && memcmp(base->labels[i], text.data, text.length) == 0) {
            value->oid = base->label_oids[i];
            return true;
        }
    }
    return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input value for enum %s: \"%.*s\"", base->name,
                         (int)text.length, (const char *)text.data);
}

/* The label's place in the order; the count where it is unknown. */
static uint32_t place_of(const rdb_type *type, uint32_t oid)
{
    type = type_base(type);
    uint32_t i = 0;
    while (i < type->label_count && type->label_oids[i] != oid)
        i++;
    return i;
}

static bool enum_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    uint32_t place = place_of(type, value.oid);
    if (place == type_base(type)->label_count)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid internal value for enum: %u", value.oid);
    rdb_strbuf_adds(text, type_base(type)->labels[place]);
    return true;
}

static int enum_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    uint32_t x = place_of(type, left.oid), y = place_of(type, right.oid);
    return (x > y) - (x < y);
}

static uint64_t enum_hash(TYPE_OPS_PARAMETERS_HASH)
{
    return type_mix64(value.oid);
}

/* The key is the label's sort order, a float that a label keeps for life: one added in the middle gets a number between
 * its neighbours'. Its bits are turned so that bytes compare as numbers do. */
static uint32_t order_bits(float order)
{
    uint32_t bits;
    memcpy(&bits, &order, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static bool enum_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    const rdb_type *base = type_base(type);
    uint32_t place = place_of(base, value.oid);
    if (place == base->label_count || base->label_orders == NULL)
        return false;
    type_add_be32(key, order_bits(base->label_orders[place]));
    return !key->failed;
}

static bool enum_decode(TYPE_OPS_PARAMETERS_DECODE)
{
    const rdb_type *base = type_base(type);
    if (end - *at < 4 || base->label_orders == NULL)
        return false;
    uint32_t bits = type_be32(*at), place = 0;
    while (place < base->label_count && order_bits(base->label_orders[place]) != bits)
        place++;
    if (place == base->label_count)
        return false;
    *at += 4;
    value->words[0] = value->words[1] = 0;
    value->oid = base->label_oids[place];
    return true;
}

static bool enum_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    return type_check_utf8(call, text) && enum_input(call, type, text, typmod, value);
}

const rdb_type_ops type_enum_ops = {.input = enum_input, .output = enum_output, .receive = enum_receive, .send = enum_output,
                                    .compare = enum_compare, .hash = enum_hash, .encode_key = enum_encode, .decode_key = enum_decode};

/* ---- void -------------------------------------------------------------------------------------------------------------------- */
static bool void_input(TYPE_OPS_PARAMETERS_INPUT)
{
    value->words[0] = value->words[1] = 0;
    return true;
}

static bool void_output(TYPE_UNUSED rdb_call *call, TYPE_UNUSED const rdb_type *type, TYPE_UNUSED rdb_datum value, TYPE_UNUSED rdb_strbuf *text)
{
    return true;
}
const rdb_type_ops type_void_ops = {.input = void_input, .output = void_output, .receive = void_input, .send = void_output};

/* ---- comparisons ------------------------------------------------------------------------------------------------------------- */
static bool compare_enums(rdb_call *call, const rdb_datum *a, int *order)
{
    *order = enum_compare(call->argument_types[0], 0, a[0], a[1]);
    return true;
}

#define COMPARISON(prefix, suffix, function, field, expression)       \
    TYPE_ROW_FUNCTION(prefix##_##suffix, 2)                           \
    {                                                                 \
        int order = 0;                                                \
        if (!function(call, a, &order))                               \
            return false;                                             \
        r->field = (expression);                                      \
        return true;                                                  \
    }
#define COMPARISONS(prefix, function)                                               \
    COMPARISON(prefix, eq, function, b, order == 0)                                 \
    COMPARISON(prefix, ne, function, b, order != 0)                                 \
    COMPARISON(prefix, lt, function, b, order < 0)                                  \
    COMPARISON(prefix, le, function, b, order <= 0)                                 \
    COMPARISON(prefix, gt, function, b, order > 0)                                  \
    COMPARISON(prefix, ge, function, b, order >= 0)                                 \
    COMPARISON(prefix, cmp, function, i32, order < 0 ? -1 : order > 0)
COMPARISONS(enum, compare_enums)
COMPARISON(enum, larger, compare_enums, oid, order > 0 ? a[0].oid : a[1].oid)
COMPARISON(enum, smaller, compare_enums, oid, order < 0 ? a[0].oid : a[1].oid)

/* enum_first, enum_last, enum_range: the type is the argument's, even where the argument is null. */
static bool enum_type(rdb_call *call, const rdb_type **type)
{
    *type = call->argument_types[0] != NULL ? type_base(call->argument_types[0]) : NULL;
    if (*type == NULL || (*type)->kind != 'e')
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "could not determine actual enum type");
    return true;
}

static bool enum_end(rdb_call *call, bool last, rdb_datum *r)
{
    const rdb_type *type;
    if (!enum_type(call, &type))
        return false;
    if (type->label_count == 0)
        return rdb_error_set(call->err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "enum %s contains no values", type->name);
    r->oid = type->label_oids[last ? type->label_count - 1 : 0];
    return true;
}
TYPE_NULL_FUNCTION(enum_first, 1) { return enum_end(call, false, r); }
TYPE_NULL_FUNCTION(enum_last, 1) { return enum_end(call, true, r); }

static bool enum_range(rdb_call *call, uint32_t from, uint32_t to, rdb_datum *r)
{
    const rdb_type *type;
    if (!enum_type(call, &type))
        return false;
    rdb_datum *values = rdb_arena_zalloc(call->arena, sizeof *values * ((size_t)type->label_count + 1));
    uint32_t count = 0;
    for (uint32_t i = from; i < type->label_count && i <= to; i++)
        values[count++].oid = type->label_oids[i];
    return type_array_build_list(call, type, values, NULL, count, r);
}
TYPE_NULL_FUNCTION(enum_range_all, 1) { return enum_range(call, 0, UINT32_MAX, r); }
TYPE_NULL_FUNCTION(enum_range_bounds, 2)
{
    const rdb_type *type;
    if (!enum_type(call, &type))
        return false;
    return enum_range(call, nulls[0] ? 0 : place_of(type, a[0].oid), nulls[1] ? UINT32_MAX : place_of(type, a[1].oid), r);
}

#define F RDB_KERNEL_FALLIBLE
#define P RDB_KERNEL_POLYMORPHIC
static const type_kernel KERNELS[] = {
    {"enum_first", enum_first, F | P, 0}, {"enum_last", enum_last, F | P, 0}, {"enum_range_all", enum_range_all, F | P, 0},
    {"enum_range_bounds", enum_range_bounds, F | P, 0},
    {"enum_eq", enum_eq, P, 0}, {"enum_ne", enum_ne, P, 0}, {"enum_lt", enum_lt, P, 0}, {"enum_le", enum_le, P, 0}, {"enum_gt", enum_gt, P, 0},
    {"enum_ge", enum_ge, P, 0}, {"enum_cmp", enum_cmp, P, 0}, {"enum_larger", enum_larger, P, 0}, {"enum_smaller", enum_smaller, P, 0},
};
TYPE_KERNEL_TABLE(type_composite_table, KERNELS);
