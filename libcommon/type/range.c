/* SPDX-License-Identifier: Apache-2.0
 * Ranges as values: the stored form (drawn in range.h), text, wire and key forms, the order of bounds, and the functions
 * and operators of ranges. Everything goes through the subtype's own operations. */
#include "type/datetime.h"
#include "type/generic.h"
#include "type/range.h"
#include "type/tables.h"

enum { INT4RANGE = 3904, DATERANGE = 3912, INT8RANGE = 3926 };

static const rdb_type_ops *ops_of(const rdb_type *type)
{
    return type->ops != NULL ? type->ops : rdb_type_ops_find(type);
}

static int compare_values(const rdb_type *type, rdb_datum x, rdb_datum y)
{
    return ops_of(type->base)->compare(type->base, type->range_collation, x, y);
}

/* ---- stored form --------------------------------------------------------------------------------------------------------------- */
static const uint8_t *read_value(const rdb_type *subtype, const uint8_t *at, rdb_datum *value)
{
    value->words[0] = value->words[1] = 0;
    if (subtype->rep == RDB_REP_BYTES) {
        value->bytes = (rdb_bytes){.data = at + 4, .length = rdb_get_u32(at)};
        return at + 4 + value->bytes.length;
    }
    uint32_t width = rdb_rep_width((rdb_rep)subtype->rep);
    memcpy(value, at, width);
    return at + width;
}

void type_range_read(const rdb_type *type, rdb_bytes stored, type_range *range)
{
    memset(range, 0, sizeof *range);
    range->lower.is_lower = true;
    unsigned flags = stored.length > 0 ? stored.data[0] : TYPE_RANGE_EMPTY;
    const uint8_t *at = stored.data + 1;
    range->is_empty = flags & TYPE_RANGE_EMPTY;
    range->lower.is_infinite = flags & TYPE_RANGE_LOWER_INFINITE;
    range->upper.is_infinite = flags & TYPE_RANGE_UPPER_INFINITE;
    range->lower.is_inclusive = flags & TYPE_RANGE_LOWER_INCLUSIVE;
    range->upper.is_inclusive = flags & TYPE_RANGE_UPPER_INCLUSIVE;
    if (range->is_empty)
        return;
    if (!range->lower.is_infinite)
        at = read_value(type->base, at, &range->lower.value);
    if (!range->upper.is_infinite)
        read_value(type->base, at, &range->upper.value);
}

uint8_t type_range_flags(const type_range *range)
{
    if (range->is_empty)
        return TYPE_RANGE_EMPTY;
    return (uint8_t)((range->lower.is_infinite ? TYPE_RANGE_LOWER_INFINITE : 0) | (range->upper.is_infinite ? TYPE_RANGE_UPPER_INFINITE : 0) |
                     (range->lower.is_inclusive ? TYPE_RANGE_LOWER_INCLUSIVE : 0) | (range->upper.is_inclusive ? TYPE_RANGE_UPPER_INCLUSIVE : 0));
}

static void add_value(rdb_strbuf *out, const rdb_type *subtype, rdb_datum value)
{
    if (subtype->rep == RDB_REP_BYTES) {
        uint8_t length[4];
        rdb_put_u32(length, value.bytes.length);
        rdb_strbuf_add(out, length, 4);
        rdb_strbuf_add(out, value.bytes.data, value.bytes.length);
    } else {
        rdb_strbuf_add(out, &value, rdb_rep_width((rdb_rep)subtype->rep));
    }
}

bool type_range_write(rdb_call *call, const rdb_type *type, const type_range *range, rdb_datum *value)
{
    rdb_strbuf out;
    rdb_strbuf_init(&out, call->arena);
    rdb_strbuf_addc(&out, (char)type_range_flags(range));
    if (!range->is_empty && !range->lower.is_infinite)
        add_value(&out, type->base, range->lower.value);
    if (!range->is_empty && !range->upper.is_infinite)
        add_value(&out, type->base, range->upper.value);
    return type_take_buffer(call, &out, value);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------------------ */
static int compare_bound_values(const rdb_type *type, const type_bound *x, const type_bound *y)
{
    if (x->is_infinite && y->is_infinite)
        return x->is_lower == y->is_lower ? 0 : x->is_lower ? -1 : 1;
    if (x->is_infinite)
        return x->is_lower ? -1 : 1;
    if (y->is_infinite)
        return y->is_lower ? 1 : -1;
    return compare_values(type, x->value, y->value);
}

int type_bound_compare(const rdb_type *type, const type_bound *x, const type_bound *y)
{
    int order = compare_bound_values(type, x, y);
    if (order != 0 || x->is_infinite || y->is_infinite)
        return order;
    /* A lower bound that is not inclusive stands after its value, an upper one before it. */
    int x_offset = x->is_inclusive ? 0 : x->is_lower ? 1 : -1, y_offset = y->is_inclusive ? 0 : y->is_lower ? 1 : -1;
    return x_offset - y_offset;
}

static bool step_int4(rdb_call *call, rdb_datum *value)
{
    return !__builtin_add_overflow(value->i32, 1, &value->i32) || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
}
static bool step_int8(rdb_call *call, rdb_datum *value)
{
    return !__builtin_add_overflow(value->i64, 1, &value->i64) || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
}
static bool step_date(rdb_call *call, rdb_datum *value)
{
    if (value->i32 == TYPE_DATE_INFINITY || value->i32 == TYPE_DATE_MINUS_INFINITY)
        return true;
    value->i32++;
    return value->i32 <= TYPE_DATE_MAX || rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range");
}

/* What lies next after a value, for types that have such a thing. */
typedef bool (*step_function)(rdb_call *call, rdb_datum *value);
static step_function step_of(const rdb_type *type)
{
    return type->oid == INT4RANGE ? step_int4 : type->oid == INT8RANGE ? step_int8 : type->oid == DATERANGE ? step_date : NULL;
}

static bool is_endless_date(const rdb_type *type, rdb_datum value)
{
    return type->oid == DATERANGE && (value.i32 == TYPE_DATE_INFINITY || value.i32 == TYPE_DATE_MINUS_INFINITY);
}

static bool is_nothing(const rdb_type *type, const type_range *range, int *order)
{
    *order = compare_bound_values(type, &range->lower, &range->upper);
    return *order > 0 || (*order == 0 && !(range->lower.is_inclusive && range->upper.is_inclusive));
}

bool type_range_make(rdb_call *call, const rdb_type *type, type_range *range)
{
    int order;
    range->lower.is_lower = true;
    range->upper.is_lower = false;
    if (range->is_empty)
        return true;
    range->lower.is_inclusive &= !range->lower.is_infinite;
    range->upper.is_inclusive &= !range->upper.is_infinite;
    if (is_nothing(type, range, &order)) {
        if (order > 0)
            return rdb_error_set(call->err, RDB_DATA_EXCEPTION, "range lower bound must be less than or equal to range upper bound");
        range->is_empty = true;
        return true;
    }
    step_function step = step_of(type);
    if (step == NULL)
        return true;
    if (!range->lower.is_infinite && !range->lower.is_inclusive && !is_endless_date(type, range->lower.value)) {
        if (!step(call, &range->lower.value))
            return false;
        range->lower.is_inclusive = true;
    }
    if (!range->upper.is_infinite && range->upper.is_inclusive && !is_endless_date(type, range->upper.value)) {
        if (!step(call, &range->upper.value))
            return false;
        range->upper.is_inclusive = false;
    }
    range->is_empty = is_nothing(type, range, &order);
    return true;
}

static bool give(rdb_call *call, const rdb_type *type, type_range range, rdb_datum *r)
{
    return type_range_make(call, type, &range) && type_range_write(call, type, &range, r);
}

/* ---- text ----------------------------------------------------------------------------------------------------------------------------- */
static bool malformed(rdb_call *call, rdb_slice text, const char *detail)
{
    rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "malformed range literal: \"%.*s\"", (int)text.length, (const char *)text.data);
    return rdb_error_detail(call->err, "%s", detail);
}

static bool parse_bound(rdb_call *call, const rdb_type *type, rdb_slice whole, int32_t typmod, const uint8_t **at, const uint8_t *end, type_bound *bound)
{
    rdb_strbuf text;
    bool quoted = false;
    rdb_strbuf_init(&text, call->arena);
    bound->is_infinite = *at < end && (**at == ',' || **at == ')' || **at == ']');
    if (bound->is_infinite)
        return true;
    for (; *at < end && (quoted || !(**at == ',' || **at == ')' || **at == ']')); ++*at) {
        if (**at == '\\') {
            if (++*at == end)
                break;
            rdb_strbuf_addc(&text, (char)**at);
        } else if (**at == '"') {
            if (quoted && *at + 1 < end && (*at)[1] == '"')
                rdb_strbuf_addc(&text, (char)*(*at)++);
            else
                quoted = !quoted;
        } else {
            rdb_strbuf_addc(&text, (char)**at);
        }
    }
    if (*at >= end)
        return malformed(call, whole, "Unexpected end of input.");
    const rdb_type_ops *ops = ops_of(type->base);
    return rdb_strbuf_check(&text, call->err) &&
           ops->input(call, type->base, (rdb_slice){.data = (const uint8_t *)(text.data != NULL ? text.data : ""), .length = text.length}, typmod, &bound->value);
}

static bool has_subtype(rdb_call *call, const rdb_type *type)
{
    const rdb_type_ops *ops = type->base != NULL ? ops_of(type->base) : NULL;
    if (ops != NULL && ops->compare != NULL && ops->input != NULL && ops->output != NULL)
        return true;
    return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no such form is built for type %s", type->name);
}

bool type_range_parse(rdb_call *call, const rdb_type *type, rdb_slice text, int32_t typmod, type_range *range)
{
    const uint8_t *at = text.data, *end = at + text.length;
    static const char EMPTY[] = "empty";
    memset(range, 0, sizeof *range);
    if (!has_subtype(call, type))
        return false;
    while (at < end && type_is_space(*at))
        at++;
    if ((size_t)(end - at) >= 5 && type_equals_ignoring_case((rdb_slice){.data = at, .length = 5}, EMPTY)) {
        range->is_empty = true;
        for (at += 5; at < end && type_is_space(*at); at++)
            ;
        return at == end ? type_range_make(call, type, range) : malformed(call, text, "Junk after \"empty\" key word.");
    }
    if (at == end || (*at != '[' && *at != '('))
        return malformed(call, text, "Missing left parenthesis or bracket.");
    range->lower.is_inclusive = *at++ == '[';
    if (!parse_bound(call, type, text, typmod, &at, end, &range->lower))
        return false;
    if (at == end || *at++ != ',')
        return malformed(call, text, "Missing comma after lower bound.");
    if (!parse_bound(call, type, text, typmod, &at, end, &range->upper))
        return false;
    if (at == end || *at == ',')
        return malformed(call, text, at == end ? "Unexpected end of input." : "Too many commas.");
    range->upper.is_inclusive = *at++ == ']';
    while (at < end && type_is_space(*at))
        at++;
    if (at < end)
        return malformed(call, text, "Junk after right parenthesis or bracket.");
    return type_range_make(call, type, range);
}

static bool range_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type_range range;
    type = type_base(type);
    return type_range_parse(call, type, text, typmod, &range) && type_range_write(call, type, &range, value);
}

static bool add_bound(rdb_call *call, const rdb_type *subtype, rdb_datum value, rdb_strbuf *text)
{
    rdb_strbuf plain;
    rdb_strbuf_init(&plain, call->arena);
    if (!type_to_text(call, subtype, value, &plain) || !rdb_strbuf_check(&plain, call->err))
        return false;
    bool quote = plain.length == 0;
    for (size_t i = 0; i < plain.length && !quote; i++)
        quote = strchr("\"\\()[],", plain.data[i]) != NULL || type_is_space((unsigned char)plain.data[i]);
    if (quote)
        rdb_strbuf_addc(text, '"');
    for (size_t i = 0; i < plain.length; i++) {
        if (plain.data[i] == '"' || plain.data[i] == '\\')
            rdb_strbuf_addc(text, plain.data[i]);
        rdb_strbuf_addc(text, plain.data[i]);
    }
    if (quote)
        rdb_strbuf_addc(text, '"');
    return true;
}

static bool range_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_range range;
    type = type_base(type);
    if (!has_subtype(call, type))
        return false;
    type_range_read(type, value.bytes, &range);
    if (range.is_empty) {
        rdb_strbuf_adds(text, "empty");
        return true;
    }
    rdb_strbuf_addc(text, range.lower.is_inclusive ? '[' : '(');
    if (!range.lower.is_infinite && !add_bound(call, type->base, range.lower.value, text))
        return false;
    rdb_strbuf_addc(text, ',');
    if (!range.upper.is_infinite && !add_bound(call, type->base, range.upper.value, text))
        return false;
    rdb_strbuf_addc(text, range.upper.is_inclusive ? ']' : ')');
    return true;
}

static bool receive_bound(rdb_call *call, const rdb_type *subtype, const uint8_t **at, const uint8_t *end, int32_t typmod, rdb_datum *value)
{
    if (end - *at < 4)
        return type_bad_binary(call);
    uint32_t length = type_be32(*at);
    *at += 4;
    if ((size_t)(end - *at) < length)
        return type_bad_binary(call);
    rdb_slice bytes = {.data = *at, .length = length};
    *at += length;
    return ops_of(subtype)->receive(call, subtype, bytes, typmod, value);
}

static bool range_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = at + text.length;
    type_range range = {0};
    type = type_base(type);
    if (!has_subtype(call, type) || at == end || ops_of(type->base)->receive == NULL)
        return type_bad_binary(call);
    unsigned flags = *at++;
    range.is_empty = flags & TYPE_RANGE_EMPTY;
    range.lower.is_infinite = flags & TYPE_RANGE_LOWER_INFINITE;
    range.upper.is_infinite = flags & TYPE_RANGE_UPPER_INFINITE;
    range.lower.is_inclusive = flags & TYPE_RANGE_LOWER_INCLUSIVE;
    range.upper.is_inclusive = flags & TYPE_RANGE_UPPER_INCLUSIVE;
    if (!range.is_empty && ((!range.lower.is_infinite && !receive_bound(call, type->base, &at, end, typmod, &range.lower.value)) ||
                            (!range.upper.is_infinite && !receive_bound(call, type->base, &at, end, typmod, &range.upper.value))))
        return false;
    return at == end ? give(call, type, range, value) : type_bad_binary(call);
}

static bool send_bound(rdb_call *call, const rdb_type *subtype, rdb_datum value, rdb_strbuf *text)
{
    size_t start = text->length;
    type_add_be32(text, 0);
    if (!ops_of(subtype)->send(call, subtype, value, text) || !rdb_strbuf_check(text, call->err))
        return false;
    uint32_t length = __builtin_bswap32((uint32_t)(text->length - start - 4));
    memcpy(text->data + start, &length, 4);
    return true;
}

static bool range_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_range range;
    type = type_base(type);
    if (!has_subtype(call, type) || ops_of(type->base)->send == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no such form is built for type %s", type->name);
    type_range_read(type, value.bytes, &range);
    rdb_strbuf_addc(text, (char)type_range_flags(&range));
    return range.is_empty || ((range.lower.is_infinite || send_bound(call, type->base, range.lower.value, text)) &&
                              (range.upper.is_infinite || send_bound(call, type->base, range.upper.value, text)));
}

/* ---- order ------------------------------------------------------------------------------------------------------------------------------- */
int type_range_compare(const rdb_type *type, const type_range *x, const type_range *y)
{
    if (x->is_empty || y->is_empty)
        return (int)y->is_empty - (int)x->is_empty;
    int order = type_bound_compare(type, &x->lower, &y->lower);
    return order != 0 ? order : type_bound_compare(type, &x->upper, &y->upper);
}

static int range_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    type_range x, y;
    type = type_base(type);
    type_range_read(type, left.bytes, &x);
    type_range_read(type, right.bytes, &y);
    return type_range_compare(type, &x, &y);
}

static uint64_t hash_bound(const rdb_type *range, const type_bound *bound)
{
    const rdb_type *subtype = range->base;
    const rdb_type_ops *ops = ops_of(subtype);
    return bound->is_infinite || ops->hash == NULL ? 1 : type_mix64(ops->hash(subtype, range->range_collation, bound->value) + 2 + bound->is_inclusive);
}

static uint64_t range_hash(TYPE_OPS_PARAMETERS_HASH)
{
    type_range range;
    type = type_base(type);
    type_range_read(type, value.bytes, &range);
    if (range.is_empty)
        return UINT64_C(0x656d707479);
    return type_mix64(hash_bound(type, &range.lower) * 3 + hash_bound(type, &range.upper));
}

/* Empty first; then the bounds, each an ordinary value between those of an infinite one, its inclusiveness after it. */
static bool encode_bound(const rdb_type *range, const type_bound *bound, rdb_strbuf *key)
{
    const rdb_type *subtype = range->base;
    if (bound->is_infinite) {
        rdb_strbuf_addc(key, bound->is_lower ? 0x00 : 0x02);
        return true;
    }
    const rdb_type_ops *ops = ops_of(subtype);
    rdb_strbuf_addc(key, 0x01);
    if (ops->encode_key == NULL || !ops->encode_key(subtype, range->range_collation, bound->value, key))
        return false;
    rdb_strbuf_addc(key, (char)(bound->is_inclusive == bound->is_lower ? 0x00 : 0x01));
    return true;
}

static bool range_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_range range;
    type = type_base(type);
    type_range_read(type, value.bytes, &range);
    rdb_strbuf_addc(key, (char)(range.is_empty ? 0x00 : 0x01));
    return range.is_empty || (encode_bound(type, &range.lower, key) && encode_bound(type, &range.upper, key) && !key->failed);
}

const rdb_type_ops type_range_ops = {.input = range_input, .output = range_output, .receive = range_receive, .send = range_send,
                                     .compare = range_compare, .hash = range_hash, .encode_key = range_encode};

/* ---- relations ----------------------------------------------------------------------------------------------------------------------------- */
bool type_range_overlaps(const rdb_type *type, const type_range *x, const type_range *y)
{
    if (x->is_empty || y->is_empty)
        return false;
    return type_bound_compare(type, &x->lower, &y->upper) <= 0 && type_bound_compare(type, &y->lower, &x->upper) <= 0;
}

bool type_range_contains(const rdb_type *type, const type_range *outer, const type_range *inner)
{
    if (inner->is_empty || outer->is_empty)
        return inner->is_empty;
    return type_bound_compare(type, &outer->lower, &inner->lower) <= 0 && type_bound_compare(type, &outer->upper, &inner->upper) >= 0;
}

bool type_range_contains_value(const rdb_type *type, const type_range *range, rdb_datum value)
{
    if (range->is_empty)
        return false;
    if (!range->lower.is_infinite) {
        int order = compare_values(type, range->lower.value, value);
        if (order > 0 || (order == 0 && !range->lower.is_inclusive))
            return false;
    }
    if (!range->upper.is_infinite) {
        int order = compare_values(type, range->upper.value, value);
        if (order < 0 || (order == 0 && !range->upper.is_inclusive))
            return false;
    }
    return true;
}

bool type_bounds_adjacent(rdb_call *call, const rdb_type *type, type_bound upper, type_bound lower)
{
    int order = compare_bound_values(type, &upper, &lower);
    if (order == 0)
        return upper.is_inclusive != lower.is_inclusive;
    if (order > 0 || step_of(type) == NULL)
        return false;
    /* of discrete values: whether what lies between is empty */
    type_range between = {.lower = upper, .upper = lower};
    between.lower.is_inclusive = !upper.is_inclusive;
    between.upper.is_inclusive = !lower.is_inclusive;
    return type_range_make(call, type, &between) && between.is_empty;
}

bool type_range_adjacent(rdb_call *call, const rdb_type *type, const type_range *x, const type_range *y)
{
    if (x->is_empty || y->is_empty)
        return false;
    return type_bounds_adjacent(call, type, x->upper, y->lower) || type_bounds_adjacent(call, type, y->upper, x->lower);
}

type_range type_range_hull(const rdb_type *type, const type_range *x, const type_range *y)
{
    if (x->is_empty || y->is_empty)
        return x->is_empty ? *y : *x;
    return (type_range){.lower = type_bound_compare(type, &x->lower, &y->lower) <= 0 ? x->lower : y->lower,
                        .upper = type_bound_compare(type, &x->upper, &y->upper) >= 0 ? x->upper : y->upper};
}

type_range type_range_common(TYPE_UNUSED rdb_call *call, const rdb_type *type, const type_range *x, const type_range *y)
{
    if (!type_range_overlaps(type, x, y))
        return (type_range){.is_empty = true};
    return (type_range){.lower = type_bound_compare(type, &x->lower, &y->lower) >= 0 ? x->lower : y->lower,
                        .upper = type_bound_compare(type, &x->upper, &y->upper) <= 0 ? x->upper : y->upper};
}

/* ---- functions ------------------------------------------------------------------------------------------------------------------------------ */
static const rdb_type *argument_type(rdb_call *call, uint32_t position)
{
    return type_base(call->argument_types[position]);
}

static bool construct(rdb_call *call, uint32_t count, const rdb_datum *a, const bool *nulls, rdb_datum *r)
{
    type_range range = {.lower = {.value = a[0], .is_infinite = nulls[0], .is_inclusive = true}, .upper = {.value = a[1], .is_infinite = nulls[1]}};
    if (count == 3) {
        if (nulls[2])
            return rdb_error_set(call->err, RDB_DATA_EXCEPTION, "range constructor flags argument must not be null");
        const uint8_t *flags = a[2].bytes.data;
        if (a[2].bytes.length != 2 || (flags[0] != '[' && flags[0] != '(') || (flags[1] != ']' && flags[1] != ')')) {
            rdb_error_set(call->err, RDB_SYNTAX_ERROR, "invalid range bound flags");
            return rdb_error_hint(call->err, "Valid values are \"[]\", \"[)\", \"(]\", and \"()\".");
        }
        range.lower.is_inclusive = flags[0] == '[';
        range.upper.is_inclusive = flags[1] == ']';
    }
    return has_subtype(call, type_base(call->result_type)) && give(call, type_base(call->result_type), range, r);
}
TYPE_NULL_FUNCTION(range_constructor2, 2) { return construct(call, count, a, nulls, r); }
TYPE_NULL_FUNCTION(range_constructor3, 3) { return construct(call, count, a, nulls, r); }

/* { statements } see x, the argument as a range of `type`. */
#define ONE_RANGE(name, ...)                                  \
    TYPE_ROW_FUNCTION(name, 1)                                \
    {                                                         \
        const rdb_type *type = argument_type(call, 0);        \
        type_range x;                                         \
        type_range_read(type, a[0].bytes, &x);                \
        __VA_ARGS__;                                          \
        return true;                                          \
    }
ONE_RANGE(range_lower, *is_null = x.is_empty || x.lower.is_infinite; *r = x.lower.value)
ONE_RANGE(range_upper, *is_null = x.is_empty || x.upper.is_infinite; *r = x.upper.value)
ONE_RANGE(range_empty, r->b = x.is_empty)
ONE_RANGE(range_lower_inclusive, r->b = !x.is_empty && x.lower.is_inclusive)
ONE_RANGE(range_upper_inclusive, r->b = !x.is_empty && x.upper.is_inclusive)
ONE_RANGE(range_lower_infinite, r->b = !x.is_empty && x.lower.is_infinite)
ONE_RANGE(range_upper_infinite, r->b = !x.is_empty && x.upper.is_infinite)

/* { statements } see x and y. */
#define TWO_RANGES(name, ...)                                 \
    TYPE_ROW_FUNCTION(name, 2)                                \
    {                                                         \
        const rdb_type *type = argument_type(call, 0);        \
        type_range x, y;                                      \
        type_range_read(type, a[0].bytes, &x);                \
        type_range_read(type, a[1].bytes, &y);                \
        bool none = x.is_empty || y.is_empty;                 \
        (void)none;                                           \
        __VA_ARGS__;                                          \
        return !call->err->sqlstate[0];                       \
    }
TWO_RANGES(range_overlaps, r->b = type_range_overlaps(type, &x, &y))
TWO_RANGES(range_contains, r->b = type_range_contains(type, &x, &y))
TWO_RANGES(range_contained_by, r->b = type_range_contains(type, &y, &x))
TWO_RANGES(range_before, r->b = !none && type_bound_compare(type, &x.upper, &y.lower) < 0)
TWO_RANGES(range_after, r->b = !none && type_bound_compare(type, &x.lower, &y.upper) > 0)
TWO_RANGES(range_overleft, r->b = !none && type_bound_compare(type, &x.upper, &y.upper) <= 0)
TWO_RANGES(range_overright, r->b = !none && type_bound_compare(type, &x.lower, &y.lower) >= 0)
TWO_RANGES(range_adjacent, r->b = type_range_adjacent(call, type, &x, &y))
TWO_RANGES(range_merge, return give(call, type, type_range_hull(type, &x, &y), r))
TWO_RANGES(range_intersect, return give(call, type, type_range_common(call, type, &x, &y), r))
TWO_RANGES(range_union, {
    if (!none && !type_range_overlaps(type, &x, &y) && !type_range_adjacent(call, type, &x, &y))
        return rdb_error_set(call->err, RDB_DATA_EXCEPTION, "result of range union would not be contiguous");
    return give(call, type, type_range_hull(type, &x, &y), r);
})
TWO_RANGES(range_minus, {
    if (!type_range_overlaps(type, &x, &y)) {
        *r = a[0];
        return true;
    }
    int lowers = type_bound_compare(type, &x.lower, &y.lower), uppers = type_bound_compare(type, &x.upper, &y.upper);
    if (lowers < 0 && uppers > 0)
        return rdb_error_set(call->err, RDB_DATA_EXCEPTION, "result of range difference would not be contiguous");
    if (lowers >= 0 && uppers <= 0) {
        x.is_empty = true;
    } else if (lowers < 0) {
        x.upper = y.lower;
        x.upper.is_inclusive = !y.lower.is_inclusive;
    } else {
        x.lower = y.upper;
        x.lower.is_inclusive = !y.upper.is_inclusive;
    }
    return give(call, type, x, r);
})

TYPE_ROW_FUNCTION(range_contains_elem, 2)
{
    type_range range;
    const rdb_type *type = argument_type(call, 0);
    type_range_read(type, a[0].bytes, &range);
    r->b = type_range_contains_value(type, &range, a[1]);
    return true;
}

TYPE_ROW_FUNCTION(elem_contained_by_range, 2)
{
    type_range range;
    const rdb_type *type = argument_type(call, 1);
    type_range_read(type, a[1].bytes, &range);
    r->b = type_range_contains_value(type, &range, a[0]);
    return true;
}

#define P RDB_KERNEL_POLYMORPHIC
#define F (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
static const type_kernel KERNELS[] = {
    {"range_constructor2", range_constructor2, F, 0}, {"range_constructor3", range_constructor3, F, 0},
    {"range_lower", range_lower, P, 0}, {"range_upper", range_upper, P, 0}, {"range_empty", range_empty, P, 0},
    {"range_lower_inc", range_lower_inclusive, P, 0}, {"range_upper_inc", range_upper_inclusive, P, 0},
    {"range_lower_inf", range_lower_infinite, P, 0}, {"range_upper_inf", range_upper_infinite, P, 0},
    {"range_contains_elem", range_contains_elem, P, 0}, {"elem_contained_by_range", elem_contained_by_range, P, 0},
    TYPE_GENERIC_SIX("range_"), TYPE_GENERIC("range_cmp", cmp),
    {"range_overlaps", range_overlaps, F, 0}, {"range_contains", range_contains, F, 0}, {"range_contained_by", range_contained_by, F, 0},
    {"range_before", range_before, F, 0}, {"range_after", range_after, F, 0}, {"range_overleft", range_overleft, F, 0},
    {"range_overright", range_overright, F, 0}, {"range_adjacent", range_adjacent, F, 0}, {"range_merge", range_merge, F, 0},
    {"range_intersect", range_intersect, F, 0}, {"range_union", range_union, F, 0}, {"range_minus", range_minus, F, 0},
};
TYPE_KERNEL_TABLE(type_range_table, KERNELS);
