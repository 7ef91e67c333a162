/* SPDX-License-Identifier: Apache-2.0
 * Arrays as values: the stored form (drawn in array.h), text and wire forms, order, hash and keys; and int2vector and
 * oidvector, which differ in text. Elements go through their own type's operations. */
#include "type/array.h"
#include "type/tables.h"

/* ---- stored form --------------------------------------------------------------------------------------------------------- */
void type_array_read(rdb_bytes stored, type_array *array)
{
    memset(array, 0, sizeof *array);
    if (stored.length < TYPE_ARRAY_HEAD)
        return;
    const uint8_t *at = stored.data;
    array->element_oid = rdb_get_u32(at);
    array->ndim = at[4];
    array->rep = (rdb_rep)at[6];
    array->count = rdb_get_u32(at + 8);
    bool has_nulls = at[5] & 1;
    at += TYPE_ARRAY_HEAD;
    for (int i = 0; i < array->ndim; i++, at += 8) {
        array->lengths[i] = (int32_t)rdb_get_u32(at);
        array->lowers[i] = (int32_t)rdb_get_u32(at + 4);
    }
    if (has_nulls) {
        array->nulls = at;
        at += ((size_t)array->count + 7) / 8;
    }
    if (array->rep == RDB_REP_BYTES) {
        array->ends = at;
        at += 4 * (size_t)array->count;
    }
    array->values = at;
}

bool type_array_get(const type_array *array, uint32_t index, rdb_datum *value)
{
    value->words[0] = value->words[1] = 0;
    if (array->nulls != NULL && (array->nulls[index >> 3] >> (index & 7) & 1))
        return false;
    if (array->rep == RDB_REP_BYTES) {
        uint32_t start = index == 0 ? 0 : rdb_get_u32(array->ends + 4 * ((size_t)index - 1));
        value->bytes.data = array->values + start;
        value->bytes.length = rdb_get_u32(array->ends + 4 * (size_t)index) - start;
    } else {
        uint32_t width = rdb_rep_width(array->rep);
        memcpy(value, array->values + (size_t)index * width, width);
    }
    return true;
}

bool type_array_build(rdb_call *call, const rdb_type *element, int ndim, const int32_t *lengths, const int32_t *lowers,
                      const rdb_datum *values, const bool *nulls, uint32_t count, rdb_datum *result)
{
    if (count > TYPE_ARRAY_COUNT_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%u)", TYPE_ARRAY_COUNT_MAX);
    bool has_nulls = false;
    uint64_t bytes = 0;
    rdb_rep rep = (rdb_rep)element->rep;
    for (uint32_t i = 0; i < count; i++) {
        bool is_null = nulls != NULL && nulls[i];
        has_nulls |= is_null;
        if (rep == RDB_REP_BYTES && !is_null)
            bytes += values[i].bytes.length;
    }
    bytes += rep == RDB_REP_BYTES ? 4 * (uint64_t)count : (uint64_t)rdb_rep_width(rep) * count;
    bytes += TYPE_ARRAY_HEAD + 8 * (uint64_t)ndim + (has_nulls ? ((uint64_t)count + 7) / 8 : 0);
    uint8_t *data = type_alloc(call, bytes), *at = data;
    if (data == NULL)
        return false;
    memset(at, 0, TYPE_ARRAY_HEAD);
    rdb_put_u32(at, element->oid);
    at[4] = (uint8_t)ndim;
    at[5] = has_nulls;
    at[6] = (uint8_t)rep;
    rdb_put_u32(at + 8, count);
    at += TYPE_ARRAY_HEAD;
    for (int i = 0; i < ndim; i++, at += 8) {
        rdb_put_u32(at, (uint32_t)lengths[i]);
        rdb_put_u32(at + 4, (uint32_t)lowers[i]);
    }
    if (has_nulls) {
        memset(at, 0, ((size_t)count + 7) / 8);
        for (uint32_t i = 0; i < count; i++) {
            if (nulls[i])
                at[i >> 3] |= (uint8_t)(1u << (i & 7));
        }
        at += ((size_t)count + 7) / 8;
    }
    if (rep == RDB_REP_BYTES) {
        uint8_t *ends = at;
        uint32_t end = 0;
        at += 4 * (size_t)count;
        for (uint32_t i = 0; i < count; i++) {
            if ((nulls == NULL || !nulls[i]) && values[i].bytes.length > 0) {
                memcpy(at + end, values[i].bytes.data, values[i].bytes.length);
                end += values[i].bytes.length;
            }
            rdb_put_u32(ends + 4 * (size_t)i, end);
        }
    } else {
        uint32_t width = rdb_rep_width(rep);
        for (uint32_t i = 0; i < count; i++, at += width) {
            if (nulls != NULL && nulls[i])
                memset(at, 0, width);
            else
                memcpy(at, &values[i], width);
        }
    }
    result->bytes = (rdb_bytes){.data = data, .length = (uint32_t)bytes};
    return true;
}

bool type_array_build_list(rdb_call *call, const rdb_type *element, const rdb_datum *values, const bool *nulls,
                           uint32_t count, rdb_datum *result)
{
    int32_t length = (int32_t)count, lower = 1;
    return type_array_build(call, element, count > 0 ? 1 : 0, &length, &lower, values, nulls, count, result);
}

bool type_gather_add(rdb_call *call, type_gather *gather, rdb_datum value, bool is_null)
{
    if (gather->count == gather->capacity) {
        uint32_t capacity = RDB_MAX(gather->capacity * 2, 16);
        rdb_datum *values = rdb_arena_try_grow(call->arena, gather->values, sizeof *values * gather->capacity,
                                               sizeof *values * capacity, call->err);
        if (values == NULL)
            return false;
        gather->values = values;
        bool *nulls = rdb_arena_try_grow(call->arena, gather->nulls, gather->capacity, capacity, call->err);
        if (nulls == NULL)
            return false;
        gather->nulls = nulls;
        gather->capacity = capacity;
    }
    gather->values[gather->count] = value;
    gather->nulls[gather->count++] = is_null;
    return true;
}

const rdb_type *type_base(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type;
}

bool type_array_element(rdb_call *call, const rdb_type *type, const type_array *array, const rdb_type **element)
{
    *element = type != NULL ? type_base(type)->element : NULL;
    return *element != NULL || rdb_type_descriptor(call, array->element_oid, element);
}

static const rdb_type_ops *ops_of(const rdb_type *type)
{
    return type->ops != NULL ? type->ops : rdb_type_ops_find(type);
}

/* ---- text -------------------------------------------------------------------------------------------------------------------- */
static bool malformed(rdb_call *call, rdb_slice text, const char *detail)
{
    rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "malformed array literal: \"%.*s\"", (int)text.length,
                  (const char *)text.data);
    return rdb_error_detail(call->err, "%s", detail);
}

typedef struct array_reader {
    rdb_call *call;
    const rdb_type *element;
    int32_t typmod;
    rdb_slice text;
    const uint8_t *at, *end;
    char delimiter;
    type_gather gather;
    int ndim; /* -1 until the first element shows the depth */
    int32_t lengths[TYPE_ARRAY_DIMS_MAX];
    rdb_strbuf item;
} array_reader;

static void skip_space(array_reader *reader)
{
    while (reader->at < reader->end && type_is_space(*reader->at))
        reader->at++;
}

/* One element that is not a sub-array. */
static bool read_item(array_reader *reader)
{
    rdb_call *call = reader->call;
    bool quoted = false;
    size_t kept = 0; /* length up to the last byte that is not a blank outside quotes */
    rdb_strbuf_clear(&reader->item);
    for (;; reader->at++) {
        if (reader->at == reader->end)
            return malformed(call, reader->text, "Unexpected end of input.");
        uint8_t c = *reader->at;
        if (c == (uint8_t)reader->delimiter || c == '}')
            break;
        if (c == '{')
            return malformed(call, reader->text, "Unexpected \"{\" character.");
        if (c == '"') {
            if (quoted || reader->item.length > 0)
                return malformed(call, reader->text, "Unexpected array element.");
            quoted = true;
            for (reader->at++;; reader->at++) {
                if (reader->at == reader->end)
                    return malformed(call, reader->text, "Unexpected end of input.");
                if (*reader->at == '"')
                    break;
                if (*reader->at == '\\' && ++reader->at == reader->end)
                    return malformed(call, reader->text, "Unexpected end of input.");
                rdb_strbuf_addc(&reader->item, (char)*reader->at);
            }
            kept = reader->item.length;
            continue;
        }
        if (c == '\\') {
            if (++reader->at == reader->end)
                return malformed(call, reader->text, "Unexpected end of input.");
            rdb_strbuf_addc(&reader->item, (char)*reader->at);
            kept = reader->item.length;
            continue;
        }
        if (type_is_space(c)) {
            if (!quoted && reader->item.length > 0)
                rdb_strbuf_addc(&reader->item, (char)c);
            continue;
        }
        if (quoted)
            return malformed(call, reader->text, "Unexpected array element.");
        rdb_strbuf_addc(&reader->item, (char)c);
        kept = reader->item.length;
    }
    if (!quoted && kept == 0) {
        char detail[] = "Unexpected \"?\" character.";
        detail[12] = (char)*reader->at;
        return malformed(call, reader->text, detail);
    }
    if (!rdb_strbuf_check(&reader->item, call->err))
        return false;
    rdb_slice word = {.data = (const uint8_t *)(reader->item.data != NULL ? reader->item.data : ""), .length = kept};
    rdb_datum value = {.words = {0, 0}};
    bool is_null = !quoted && type_equals_ignoring_case(word, "null");
    if (!is_null) {
        const rdb_type_ops *ops = ops_of(reader->element);
        if (ops == NULL || ops->input == NULL)
            return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no text form is built for type %s", reader->element->name);
        if (!ops->input(call, reader->element, word, reader->typmod, &value))
            return false;
    } else if (!rdb_domain_check(call, reader->element, value, true)) {
        return false;
    }
    return type_gather_add(call, &reader->gather, value, is_null);
}

/* The inside of braces at this depth; the opening one has been read. */
static bool read_level(array_reader *reader, int depth, bool known_shape)
{
    rdb_call *call = reader->call;
    static const char MISMATCH[] = "Multidimensional arrays must have sub-arrays with matching dimensions.";
    if (depth >= TYPE_ARRAY_DIMS_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED,
                             "number of array dimensions (%d) exceeds the maximum allowed (%d)", depth + 1, TYPE_ARRAY_DIMS_MAX);
    int32_t count = 0;
    skip_space(reader);
    if (reader->at < reader->end && *reader->at == '}') {
        reader->at++;
        if (depth > 0 && reader->ndim == -1)
            reader->ndim = depth + 1;
    } else {
        for (;;) {
            skip_space(reader);
            if (reader->at == reader->end)
                return malformed(call, reader->text, "Unexpected end of input.");
            if (*reader->at == '{') {
                if (reader->ndim != -1 && depth + 1 >= reader->ndim)
                    return malformed(call, reader->text, "Unexpected \"{\" character.");
                reader->at++;
                if (!read_level(reader, depth + 1, known_shape || count > 0))
                    return false;
                skip_space(reader);
            } else {
                if (reader->ndim == -1)
                    reader->ndim = depth + 1;
                else if (reader->ndim != depth + 1)
                    return malformed(call, reader->text, MISMATCH);
                if (!read_item(reader))
                    return false;
            }
            count++;
            if (reader->at == reader->end)
                return malformed(call, reader->text, "Unexpected end of input.");
            if (*reader->at == '}') {
                reader->at++;
                break;
            }
            if (*reader->at != (uint8_t)reader->delimiter) {
                return malformed(call, reader->text, "Unexpected array element.");
            }
            reader->at++;
        }
    }
    if (known_shape && reader->lengths[depth] != count)
        return malformed(call, reader->text, MISMATCH);
    reader->lengths[depth] = count;
    return true;
}

static bool read_bound(array_reader *reader, int32_t *bound)
{
    bool negative = reader->at < reader->end && *reader->at == '-';
    if (reader->at < reader->end && (*reader->at == '-' || *reader->at == '+'))
        reader->at++;
    int64_t value = 0;
    const uint8_t *start = reader->at;
    for (; reader->at < reader->end && type_is_digit(*reader->at) && value < INT32_MAX; reader->at++)
        value = value * 10 + (*reader->at - '0');
    *bound = (int32_t)(negative ? -value : value);
    return reader->at > start && value <= INT32_MAX;
}

static bool array_input(TYPE_OPS_PARAMETERS_INPUT)
{
    type = type_base(type);
    if (type->element == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot accept a value of type %s", type->name);
    array_reader reader = {.call = call, .element = type->element, .typmod = typmod, .text = text, .at = text.data,
                           .end = text.data + text.length, .delimiter = type->delimiter != 0 ? type->delimiter : ',', .ndim = -1};
    int32_t lowers[TYPE_ARRAY_DIMS_MAX] = {1, 1, 1, 1, 1, 1}, given_lengths[TYPE_ARRAY_DIMS_MAX];
    int given = 0;
    rdb_strbuf_init(&reader.item, call->arena);
    skip_space(&reader);
    while (reader.at < reader.end && *reader.at == '[') {
        int32_t upper;
        reader.at++;
        if (given >= TYPE_ARRAY_DIMS_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED,
                                 "number of array dimensions (%d) exceeds the maximum allowed (%d)", given + 1, TYPE_ARRAY_DIMS_MAX);
        if (!read_bound(&reader, &upper))
            return malformed(call, text, "\"[\" must introduce explicitly-specified array dimensions.");
        if (reader.at < reader.end && *reader.at == ':') {
            reader.at++;
            lowers[given] = upper;
            if (!read_bound(&reader, &upper))
                return malformed(call, text, "Missing array dimension value.");
        }
        if (reader.at == reader.end || *reader.at != ']')
            return malformed(call, text, "Missing \"]\" after array dimensions.");
        reader.at++;
        if (upper < lowers[given])
            return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
        given_lengths[given] = upper - lowers[given] + 1;
        given++;
        skip_space(&reader);
    }
    if (given > 0) {
        if (reader.at == reader.end || *reader.at != '=')
            return malformed(call, text, "Missing \"=\" after array dimensions.");
        reader.at++;
        skip_space(&reader);
        if (reader.at == reader.end || *reader.at != '{')
            return malformed(call, text, "Array contents must start with \"{\".");
    } else if (reader.at == reader.end || *reader.at != '{') {
        return malformed(call, text, "Array value must start with \"{\" or dimension information.");
    }
    reader.at++;
    if (!read_level(&reader, 0, false))
        return false;
    skip_space(&reader);
    if (reader.at < reader.end)
        return malformed(call, text, "Junk after closing right brace.");
    int ndim = RDB_MAX(reader.ndim, 1);
    if (given > 0) {
        bool same = given == ndim;
        for (int i = 0; i < ndim && same; i++)
            same = given_lengths[i] == reader.lengths[i];
        if (!same)
            return malformed(call, text, "Specified array dimensions do not match array contents.");
    }
    if (reader.gather.count == 0)
        return type_array_build(call, type->element, 0, NULL, NULL, NULL, NULL, 0, value);
    return type_array_build(call, type->element, ndim, reader.lengths, lowers, reader.gather.values, reader.gather.nulls,
                            reader.gather.count, value);
}

static void add_quoted(rdb_strbuf *text, const char *item, size_t length, char delimiter)
{
    rdb_slice word = {.data = (const uint8_t *)item, .length = length};
    bool quote = length == 0 || type_equals_ignoring_case(word, "null");
    for (size_t i = 0; i < length && !quote; i++)
        quote = item[i] == '"' || item[i] == '\\' || item[i] == '{' || item[i] == '}' || item[i] == delimiter || type_is_space((uint8_t)item[i]);
    if (!quote) {
        rdb_strbuf_add(text, item, length);
        return;
    }
    rdb_strbuf_addc(text, '"');
    for (size_t i = 0; i < length; i++) {
        if (item[i] == '"' || item[i] == '\\')
            rdb_strbuf_addc(text, '\\');
        rdb_strbuf_addc(text, item[i]);
    }
    rdb_strbuf_addc(text, '"');
}

static bool array_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_array array;
    const rdb_type *element;
    type_array_read(value.bytes, &array);
    if (array.count == 0) {
        rdb_strbuf_adds(text, "{}");
        return true;
    }
    if (!type_array_element(call, type, &array, &element))
        return false;
    char delimiter = element->delimiter != 0 ? element->delimiter : ',';
    bool shifted = false;
    for (int i = 0; i < array.ndim; i++)
        shifted |= array.lowers[i] != 1;
    if (shifted) {
        for (int i = 0; i < array.ndim; i++)
            rdb_strbuf_addf(text, "[%d:%d]", array.lowers[i], array.lowers[i] + array.lengths[i] - 1);
        rdb_strbuf_addc(text, '=');
    }
    rdb_strbuf item;
    rdb_strbuf_init(&item, call->arena);
    for (uint32_t i = 0; i < array.count; i++) {
        uint32_t span = 1; /* braces open where a dimension starts */
        int opened = 0;
        for (int d = array.ndim - 1; d >= 0; d--) {
            span *= (uint32_t)array.lengths[d];
            if (i % span == 0)
                opened++;
        }
        if (i > 0)
            rdb_strbuf_addc(text, delimiter);
        for (int k = 0; k < opened; k++)
            rdb_strbuf_addc(text, '{');
        rdb_datum one;
        if (!type_array_get(&array, i, &one)) {
            rdb_strbuf_adds(text, "NULL");
        } else {
            rdb_strbuf_clear(&item);
            if (!type_to_text(call, element, one, &item))
                return false;
            add_quoted(text, item.data != NULL ? item.data : "", item.length, delimiter);
        }
        span = 1;
        for (int d = array.ndim - 1; d >= 0; d--) {
            span *= (uint32_t)array.lengths[d];
            if ((i + 1) % span == 0)
                rdb_strbuf_addc(text, '}');
        }
    }
    return true;
}

/* ---- wire ------------------------------------------------------------------------------------------------------------------------ */
static bool array_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_array array;
    const rdb_type *element;
    type_array_read(value.bytes, &array);
    if (!type_array_element(call, type, &array, &element))
        return false;
    const rdb_type_ops *ops = ops_of(element);
    if (ops == NULL || ops->send == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "no binary output function available for type %s", element->name);
    type_add_be32(text, (uint32_t)array.ndim);
    type_add_be32(text, array.nulls != NULL);
    type_add_be32(text, element->oid);
    for (int i = 0; i < array.ndim; i++) {
        type_add_be32(text, (uint32_t)array.lengths[i]);
        type_add_be32(text, (uint32_t)array.lowers[i]);
    }
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        size_t start = text->length;
        if (!type_array_get(&array, i, &one)) {
            type_add_be32(text, UINT32_MAX);
            continue;
        }
        type_add_be32(text, 0);
        if (!ops->send(call, element, one, text) || !rdb_strbuf_check(text, call->err))
            return false;
        uint32_t length = __builtin_bswap32((uint32_t)(text->length - start - 4));
        memcpy(text->data + start, &length, 4);
    }
    return true;
}

static bool array_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    type = type_base(type);
    const rdb_type *element = type->element;
    if (element == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot accept a value of type %s", type->name);
    const rdb_type_ops *ops = ops_of(element);
    if (ops == NULL || ops->receive == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "no binary input function available for type %s", element->name);
    const uint8_t *at = text.data, *end = text.data + text.length;
    if (text.length < 12)
        return type_bad_binary(call);
    uint32_t ndim = type_be32(at), flags = type_be32(at + 4), element_oid = type_be32(at + 8);
    if (ndim > TYPE_ARRAY_DIMS_MAX)
        return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED,
                             "number of array dimensions (%d) exceeds the maximum allowed (%d)", (int)ndim, TYPE_ARRAY_DIMS_MAX);
    if (flags > 1)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid array flags");
    if (element_oid != element->oid)
        return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "wrong element type");
    at += 12;
    int32_t lengths[TYPE_ARRAY_DIMS_MAX], lowers[TYPE_ARRAY_DIMS_MAX];
    uint64_t count = ndim > 0 ? 1 : 0;
    for (uint32_t i = 0; i < ndim; i++, at += 8) {
        if (end - at < 8)
            return type_bad_binary(call);
        lengths[i] = (int32_t)type_be32(at);
        lowers[i] = (int32_t)type_be32(at + 4);
        if (lengths[i] < 0 || (count *= (uint64_t)lengths[i]) > TYPE_ARRAY_COUNT_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%u)", TYPE_ARRAY_COUNT_MAX);
    }
    type_gather gather = {0};
    for (uint64_t i = 0; i < count; i++) {
        rdb_datum one = {.words = {0, 0}};
        if (end - at < 4)
            return type_bad_binary(call);
        uint32_t length = type_be32(at);
        at += 4;
        bool is_null = length == UINT32_MAX;
        if (!is_null) {
            if (length > (uint64_t)(end - at))
                return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "insufficient data left in message");
            if (!ops->receive(call, element, (rdb_slice){.data = at, .length = length}, typmod, &one))
                return false;
            at += length;
        } else if (!rdb_domain_check(call, element, one, true)) {
            return false;
        }
        if (!type_gather_add(call, &gather, one, is_null))
            return false;
    }
    if (at != end)
        return type_bad_binary(call);
    return type_array_build(call, element, count == 0 ? 0 : (int)ndim, lengths, lowers, gather.values, gather.nulls, (uint32_t)count, value);
}

/* ---- order, hash, keys ----------------------------------------------------------------------------------------------------------------- */
static int array_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    type_array x, y;
    const rdb_type *element = type_base(type)->element;
    type_array_read(left.bytes, &x);
    type_array_read(right.bytes, &y);
    uint32_t common = RDB_MIN(x.count, y.count);
    for (uint32_t i = 0; i < common; i++) {
        rdb_datum a, b;
        bool has_a = type_array_get(&x, i, &a), has_b = type_array_get(&y, i, &b);
        if (!has_a && !has_b)
            continue;
        if (!has_a || !has_b)
            return has_a ? -1 : 1;
        int order = ops_of(element)->compare(element, collation, a, b);
        if (order != 0)
            return order;
    }
    if (x.count != y.count)
        return x.count < y.count ? -1 : 1;
    if (x.ndim != y.ndim)
        return x.ndim < y.ndim ? -1 : 1;
    for (int i = 0; i < x.ndim; i++) {
        if (x.lengths[i] != y.lengths[i])
            return x.lengths[i] < y.lengths[i] ? -1 : 1;
    }
    for (int i = 0; i < x.ndim; i++) {
        if (x.lowers[i] != y.lowers[i])
            return x.lowers[i] < y.lowers[i] ? -1 : 1;
    }
    return 0;
}

static uint64_t array_hash(TYPE_OPS_PARAMETERS_HASH)
{
    type_array array;
    const rdb_type *element = type_base(type)->element;
    type_array_read(value.bytes, &array);
    uint64_t hash = type_mix64(array.count + 1);
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        hash = type_mix64(hash * 31 + (type_array_get(&array, i, &one) ? ops_of(element)->hash(element, collation, one) : 7));
    }
    return hash;
}

static bool array_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_array array;
    const rdb_type *element = type_base(type)->element;
    type_array_read(value.bytes, &array);
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        bool there = type_array_get(&array, i, &one);
        rdb_strbuf_addc(key, there ? 0x02 : 0x03);
        if (there && !ops_of(element)->encode_key(element, collation, one, key))
            return false;
    }
    rdb_strbuf_addc(key, 0x01);
    rdb_strbuf_addc(key, (char)array.ndim);
    for (int i = 0; i < array.ndim; i++)
        type_add_be32(key, (uint32_t)array.lengths[i] ^ UINT32_C(0x80000000));
    for (int i = 0; i < array.ndim; i++)
        type_add_be32(key, (uint32_t)array.lowers[i] ^ UINT32_C(0x80000000));
    return !key->failed;
}

const rdb_type_ops type_array_ops = {.input = array_input, .output = array_output, .receive = array_receive,
                                     .send = array_send, .compare = array_compare, .hash = array_hash,
                                     .encode_key = array_encode, .decode_key = NULL};
/* Of elements without an order, json: equality and order are refused where they are asked for. */
const rdb_type_ops type_unordered_array_ops = {.input = array_input, .output = array_output, .receive = array_receive, .send = array_send};

/* ---- int2vector, oidvector ---------------------------------------------------------------------------------------------------------------- */
static bool vector_build(rdb_call *call, const rdb_type *element, const type_gather *gather, rdb_datum *value)
{
    int32_t length = (int32_t)gather->count, lower = 0;
    return type_array_build(call, element, 1, &length, &lower, gather->values, NULL, gather->count, value);
}

static bool vector_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *element = type_base(type)->element;
    type_gather gather = {0};
    const uint8_t *at = text.data, *end = text.length > 0 ? text.data + text.length : at;
    for (;;) {
        while (at < end && type_is_space(*at))
            at++;
        if (at == end)
            return vector_build(call, element, &gather, value);
        const uint8_t *start = at;
        while (at < end && !type_is_space(*at))
            at++;
        rdb_datum one;
        if (!ops_of(element)->input(call, element, (rdb_slice){.data = start, .length = (size_t)(at - start)}, -1, &one) ||
            !type_gather_add(call, &gather, one, false))
            return false;
    }
}

static bool vector_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    type_array array;
    type_array_read(value.bytes, &array);
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        type_array_get(&array, i, &one);
        if (i > 0)
            rdb_strbuf_addc(text, ' ');
        type_add_int(text, array.rep == RDB_REP_INT16 ? (int64_t)one.i16 : (int64_t)one.oid);
    }
    return true;
}

static int vector_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    type_array x, y;
    type_array_read(left.bytes, &x);
    type_array_read(right.bytes, &y);
    if (x.count != y.count)
        return x.count < y.count ? -1 : 1;
    for (uint32_t i = 0; i < x.count; i++) {
        rdb_datum a, b;
        type_array_get(&x, i, &a);
        type_array_get(&y, i, &b);
        int64_t p = x.rep == RDB_REP_INT16 ? (int64_t)a.i16 : (int64_t)a.oid, q = y.rep == RDB_REP_INT16 ? (int64_t)b.i16 : (int64_t)b.oid;
        if (p != q)
            return p < q ? -1 : 1;
    }
    return 0;
}

static bool vector_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    type_array array;
    type_array_read(value.bytes, &array);
    type_add_be32(key, array.count);
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum one;
        type_array_get(&array, i, &one);
        type_add_be32(key, array.rep == RDB_REP_INT16 ? (uint32_t)(int32_t)one.i16 ^ UINT32_C(0x80000000) : one.oid);
    }
    return !key->failed;
}

const rdb_type_ops type_vector_ops = {.input = vector_input, .output = vector_output, .receive = array_receive,
                                      .send = array_send, .compare = vector_compare, .hash = array_hash,
                                      .encode_key = vector_encode, .decode_key = NULL};
