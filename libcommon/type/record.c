/* SPDX-License-Identifier: Apache-2.0
 * Rows as values: ROW(...), composite columns, whole rows of tables. A row value tells its fields' types itself, so that
 * anonymous records need nothing beside them; names stand in the descriptor alone.
 *
 *    0  4     count     fields, dropped attributes of a composite type among them
 *    4  12*n  fields    each: type OID 4, end of its value 4 (counted from the first value's byte), rep 1, null 1, zero 2
 *    .        the values one after the other: fixed ones at their rep's width, bytes as they are, nulls empty
 *
 * Values of fixed width stand unaligned. */
#include "type/tables.h"

#define HEAD_BYTES 4u
#define FIELD_BYTES 12u
#define FIELDS_MAX 1664u

static uint32_t values_at(uint32_t count)
{
    return HEAD_BYTES + FIELD_BYTES * count;
}

bool rdb_record_build(rdb_call *call, const rdb_type *const *types, const rdb_datum *values, const bool *nulls, uint32_t count, rdb_datum *result)
{
    if (count > FIELDS_MAX)
        return rdb_error_set(call->err, RDB_TOO_MANY_COLUMNS, "ROW expressions can have at most %u entries", FIELDS_MAX);
    size_t bytes = values_at(count);
    for (uint32_t i = 0; i < count; i++)
        if (!nulls[i])
            bytes += types[i]->rep == RDB_REP_BYTES ? values[i].bytes.length : rdb_rep_width((rdb_rep)types[i]->rep);
    uint8_t *data = type_alloc(call, bytes);
    if (data == NULL)
        return false;
    uint8_t *value = data + values_at(count);
    uint32_t end = 0;
    rdb_put_u32(data, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *field = data + HEAD_BYTES + FIELD_BYTES * (size_t)i;
        uint32_t width = 0;
        if (!nulls[i]) {
            width = types[i]->rep == RDB_REP_BYTES ? values[i].bytes.length : rdb_rep_width((rdb_rep)types[i]->rep);
            if (width > 0)
                memcpy(value + end, types[i]->rep == RDB_REP_BYTES ? (const void *)values[i].bytes.data : (const void *)&values[i], width);
        }
        end += width;
        rdb_put_u32(field, types[i]->oid);
        rdb_put_u32(field + 4, end);
        field[8] = types[i]->rep;
        field[9] = nulls[i];
        field[10] = field[11] = 0;
    }
    result->words[0] = result->words[1] = 0;
    result->bytes = (rdb_bytes){.data = data, .length = (uint32_t)bytes};
    return true;
}

uint32_t rdb_record_count(rdb_datum record)
{
    return record.bytes.length < HEAD_BYTES ? 0 : rdb_get_u32(record.bytes.data);
}

/* The bytes of a field as they stand. */
static rdb_slice field_bytes(rdb_datum record, uint32_t field_no)
{
    const uint8_t *field = record.bytes.data + HEAD_BYTES + FIELD_BYTES * (size_t)field_no;
    uint32_t start = field_no == 0 ? 0 : rdb_get_u32(field - FIELD_BYTES + 4);
    return (rdb_slice){.data = record.bytes.data + values_at(rdb_record_count(record)) + start, .length = rdb_get_u32(field + 4) - start};
}

bool rdb_record_field(rdb_datum record, uint32_t field_no, uint32_t *type_oid, rdb_datum *value)
{
    value->words[0] = value->words[1] = 0;
    if (type_oid != NULL)
        *type_oid = 0;
    if (field_no >= rdb_record_count(record))
        return false;
    const uint8_t *field = record.bytes.data + HEAD_BYTES + FIELD_BYTES * (size_t)field_no;
    if (type_oid != NULL)
        *type_oid = rdb_get_u32(field);
    if (field[9])
        return false;
    rdb_slice bytes = field_bytes(record, field_no);
    if (field[8] == RDB_REP_BYTES)
        value->bytes = (rdb_bytes){.data = bytes.data, .length = (uint32_t)bytes.length};
    else
        memcpy(value, bytes.data, bytes.length);
    return true;
}

bool rdb_record_read(rdb_call *call, rdb_datum record, const rdb_type **types, rdb_datum *values, bool *nulls, uint32_t count)
{
    RDB_ASSERT(count == rdb_record_count(record));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t oid;
        nulls[i] = !rdb_record_field(record, i, &oid, &values[i]);
        if (!rdb_type_descriptor(call, oid, &types[i]))
            return false;
    }
    return true;
}

/* The field as the row's type knows it, where it does and the value agrees. */
static const rdb_type_field *known_field(const rdb_type *type, uint32_t field_no, uint32_t oid)
{
    return type != NULL && type->fields != NULL && field_no < type->field_count && type->fields[field_no].type->oid == oid ? &type->fields[field_no] : NULL;
}

static bool is_dropped(const rdb_type *type, uint32_t field_no)
{
    return type != NULL && type->fields != NULL && field_no < type->field_count && type->fields[field_no].is_dropped;
}

/* Attributes added to the type after the value was made are there, and null. */
static uint32_t fields_of(const rdb_type *type, rdb_datum record)
{
    uint32_t count = rdb_record_count(record);
    return type != NULL && type->kind == 'c' ? RDB_MAX(count, type->field_count) : count;
}

static bool field_type(rdb_call *call, const rdb_type *type, uint32_t field_no, uint32_t oid, const rdb_type **found)
{
    const rdb_type_field *field = known_field(type, field_no, oid);
    *found = field != NULL ? field->type : NULL;
    return *found != NULL || rdb_type_descriptor(call, oid, found);
}

static const rdb_type_ops *ops_of(const rdb_type *type)
{
    return type->ops != NULL ? type->ops : rdb_type_ops_find(type);
}

/* ---- text and binary forms ----------------------------------------------------------------------------------------------- */
static void add_quoted(rdb_strbuf *text, const rdb_strbuf *item)
{
    bool quote = item->length == 0;
    for (size_t k = 0; k < item->length && !quote; k++)
        quote = strchr("\"\\(),", item->data[k]) != NULL || type_is_space((unsigned char)item->data[k]);
    if (quote)
        rdb_strbuf_addc(text, '"');
    for (size_t k = 0; k < item->length; k++) {
        if (item->data[k] == '"' || item->data[k] == '\\')
            rdb_strbuf_addc(text, item->data[k]);
        rdb_strbuf_addc(text, item->data[k]);
    }
    if (quote)
        rdb_strbuf_addc(text, '"');
}

static bool record_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    const rdb_type *base = type_base(type);
    uint32_t count = fields_of(base, value);
    bool is_first = true;
    rdb_strbuf item;
    rdb_strbuf_init(&item, call->arena);
    rdb_strbuf_addc(text, '(');
    for (uint32_t i = 0; i < count; i++) {
        uint32_t oid;
        rdb_datum one;
        const rdb_type *found;
        if (is_dropped(base, i))
            continue;
        if (!is_first)
            rdb_strbuf_addc(text, ',');
        is_first = false;
        if (!rdb_record_field(value, i, &oid, &one))
            continue;
        rdb_strbuf_clear(&item);
        if (!field_type(call, base, i, oid, &found) || !type_to_text(call, found, one, &item) || !rdb_strbuf_check(&item, call->err))
            return false;
        add_quoted(text, &item);
    }
    rdb_strbuf_addc(text, ')');
    return true;
}

static bool record_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    const rdb_type *base = type_base(type);
    uint32_t count = fields_of(base, value), shown = 0;
    for (uint32_t i = 0; i < count; i++)
        shown += !is_dropped(base, i);
    type_add_be32(text, shown);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t oid;
        rdb_datum one;
        const rdb_type *found;
        if (is_dropped(base, i))
            continue;
        bool has_value = rdb_record_field(value, i, &oid, &one);
        type_add_be32(text, oid != 0 ? oid : base->fields[i].type->oid);
        size_t start = text->length;
        type_add_be32(text, UINT32_MAX);
        if (!has_value)
            continue;
        if (!field_type(call, base, i, oid, &found))
            return false;
        const rdb_type_ops *ops = ops_of(found);
        if (ops == NULL || ops->send == NULL)
            return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "no binary output function available for type %s", found->name);
        if (!ops->send(call, found, one, text) || !rdb_strbuf_check(text, call->err))
            return false;
        uint32_t length = __builtin_bswap32((uint32_t)(text->length - start - 4));
        memcpy(text->data + start, &length, 4);
    }
    return true;
}

/* What is read into: one item a field of the type, nulls until something comes. */
typedef struct fields {
    const rdb_type **types;
    rdb_datum *values;
    bool *nulls;
} fields;

static bool start_fields(rdb_call *call, const rdb_type *base, fields *f)
{
    if (base->fields == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented");
    f->types = type_alloc(call, sizeof *f->types * (base->field_count + 1));
    f->values = type_alloc(call, sizeof *f->values * (base->field_count + 1));
    f->nulls = type_alloc(call, base->field_count + 1);
    if (f->types == NULL || f->values == NULL || f->nulls == NULL)
        return false;
    for (uint32_t i = 0; i < base->field_count; i++) {
        f->types[i] = base->fields[i].type;
        f->values[i] = (rdb_datum){.words = {0, 0}};
        f->nulls[i] = true;
    }
    return true;
}

/* Up to the comma or parenthesis that ends the item; quotes and backslashes taken off. */
static const uint8_t *take_item(const uint8_t *at, const uint8_t *end, rdb_strbuf *item)
{
    bool quoted = false;
    rdb_strbuf_clear(item);
    for (; at < end && (quoted || (*at != ',' && *at != ')')); at++) {
        if (*at == '\\' && at + 1 < end) {
            rdb_strbuf_addc(item, (char)*++at);
        } else if (*at == '"') {
            if (quoted && at + 1 < end && at[1] == '"')
                rdb_strbuf_addc(item, (char)*at++);
            else
                quoted = !quoted;
        } else {
            rdb_strbuf_addc(item, (char)*at);
        }
    }
    return at;
}

static bool record_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *base = type_base(type);
    const uint8_t *at = text.data, *end = at + text.length;
    const char *problem = NULL;
    bool is_first = true;
    fields f;
    rdb_strbuf item;
    if (!start_fields(call, base, &f))
        return false;
    rdb_strbuf_init(&item, call->arena);
    while (at < end && type_is_space(*at))
        at++;
    if (at == end || *at++ != '(')
        problem = "Missing left parenthesis.";
    for (uint32_t i = 0; i < base->field_count && problem == NULL; i++) {
        if (base->fields[i].is_dropped)
            continue;
        if (!is_first) {
            if (at == end || *at != ',') {
                problem = "Too few columns.";
                break;
            }
            at++;
        }
        is_first = false;
        if (at < end && (*at == ',' || *at == ')')) {
            if (!rdb_domain_check(call, f.types[i], f.values[i], true))
                return false;
            continue;
        }
        at = take_item(at, end, &item);
        if (at == end) {
            problem = "Unexpected end of input.";
            break;
        }
        const rdb_type_ops *ops = ops_of(f.types[i]);
        f.nulls[i] = false;
        if (ops == NULL || ops->input == NULL)
            return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "no text form is built for type %s", f.types[i]->name);
        if (!rdb_strbuf_check(&item, call->err) ||
            !ops->input(call, f.types[i], (rdb_slice){.data = (const uint8_t *)(item.data != NULL ? item.data : ""), .length = item.length}, base->fields[i].typmod, &f.values[i]))
            return false;
    }
    if (problem == NULL && (at == end || *at++ != ')'))
        problem = "Too many columns.";
    while (problem == NULL && at < end && type_is_space(*at))
        at++;
    if (problem == NULL && at < end)
        problem = "Junk after right parenthesis.";
    if (problem != NULL) {
        rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "malformed record literal: \"%.*s\"", (int)text.length, (const char *)text.data);
        return rdb_error_detail(call->err, "%s", problem);
    }
    return rdb_record_build(call, f.types, f.values, f.nulls, base->field_count, value);
}

static bool record_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    const rdb_type *base = type_base(type);
    const uint8_t *at = text.data, *end = at + text.length;
    uint32_t wanted = 0;
    fields f;
    if (!start_fields(call, base, &f))
        return false;
    for (uint32_t i = 0; i < base->field_count; i++)
        wanted += !base->fields[i].is_dropped;
    if (end - at < 4)
        return type_bad_binary(call);
    uint32_t given = type_be32(at);
    at += 4;
    if (given != wanted)
        return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "wrong number of columns: %u, expected %u", given, wanted);
    for (uint32_t i = 0; i < base->field_count; i++) {
        if (base->fields[i].is_dropped)
            continue;
        if (end - at < 8)
            return type_bad_binary(call);
        uint32_t oid = type_be32(at), length = type_be32(at + 4);
        at += 8;
        if (oid != f.types[i]->oid) {
            rdb_strbuf expected;
            const rdb_type *sent = NULL;
            rdb_strbuf_init(&expected, call->arena);
            if (!rdb_type_descriptor(call, oid, &sent))
                return false;
            rdb_type_format_name(sent, -1, false, &expected);
            rdb_strbuf_addf(&expected, " (OID %u) in record column %u instead of expected type ", oid, i + 1);
            rdb_type_format_name(f.types[i], -1, false, &expected);
            return rdb_strbuf_check(&expected, call->err) &&
                   rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "binary data has type %s (OID %u)", expected.data, f.types[i]->oid);
        }
        if (length == UINT32_MAX) {
            if (!rdb_domain_check(call, f.types[i], f.values[i], true))
                return false;
            continue;
        }
        if (length > (uint64_t)(end - at))
            return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "insufficient data left in message");
        const rdb_type_ops *ops = ops_of(f.types[i]);
        if (ops == NULL || ops->receive == NULL)
            return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, "no binary input function available for type %s", f.types[i]->name);
        f.nulls[i] = false;
        if (!ops->receive(call, f.types[i], (rdb_slice){.data = at, .length = length}, base->fields[i].typmod, &f.values[i]))
            return false;
        at += length;
    }
    if (at != end)
        return type_bad_binary(call);
    return rdb_record_build(call, f.types, f.values, f.nulls, base->field_count, value);
}

/* ---- order, hash, keys ------------------------------------------------------------------------------------------------------ */
static int compare_bytes(rdb_slice left, rdb_slice right)
{
    size_t shorter = RDB_MIN(left.length, right.length);
    int order = shorter > 0 ? memcmp(left.data, right.data, shorter) : 0;
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

/* The type of a field where nobody can be asked: the row's descriptor, or a built-in type made up of its OID. */
static const rdb_type *quiet_type(const rdb_type *type, rdb_datum record, uint32_t field_no, uint32_t oid, rdb_type *made, uint32_t *collation)
{
    const rdb_type_field *field = known_field(type, field_no, oid);
    if (field != NULL) {
        *collation = field->collation;
        return field->type;
    }
    *made = (rdb_type){.oid = oid, .name = "", .kind = 'b', .rep = record.bytes.data[HEAD_BYTES + FIELD_BYTES * (size_t)field_no + 8]};
    made->ops = rdb_type_ops_find(made);
    *collation = RDB_DEFAULT_COLLATION_OID;
    return made->ops != NULL && made->ops != &type_array_ops && made->ops != &type_unordered_array_ops && made->ops != &type_record_ops ? made : NULL;
}

static int record_compare(TYPE_OPS_PARAMETERS_COMPARE)
{
    const rdb_type *base = type_base(type);
    uint32_t left_count = fields_of(base, left), right_count = fields_of(base, right);
    for (uint32_t i = 0; i < RDB_MIN(left_count, right_count); i++) {
        uint32_t left_oid, right_oid, field_collation;
        rdb_datum x, y;
        rdb_type made;
        if (is_dropped(base, i))
            continue;
        bool has_x = rdb_record_field(left, i, &left_oid, &x), has_y = rdb_record_field(right, i, &right_oid, &y);
        if (!has_x || !has_y) {
            if (has_x != has_y)
                return has_x ? -1 : 1;
            continue;
        }
        if (left_oid != right_oid)
            return left_oid < right_oid ? -1 : 1;
        const rdb_type *one = quiet_type(base, left, i, left_oid, &made, &field_collation);
        int order = one != NULL && ops_of(one) != NULL && ops_of(one)->compare != NULL ? ops_of(one)->compare(one, field_collation, x, y)
                                                                                     : compare_bytes(field_bytes(left, i), field_bytes(right, i));
        if (order != 0)
            return order;
    }
    return (left_count > right_count) - (left_count < right_count);
}

static uint64_t record_hash(TYPE_OPS_PARAMETERS_HASH)
{
    const rdb_type *base = type_base(type);
    uint32_t count = fields_of(base, value);
    uint64_t hash = type_mix64(count + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t oid, field_collation;
        rdb_datum one;
        rdb_type made;
        if (is_dropped(base, i))
            continue;
        uint64_t part = 7;
        if (rdb_record_field(value, i, &oid, &one)) {
            const rdb_type *known = quiet_type(base, value, i, oid, &made, &field_collation);
            rdb_slice bytes = field_bytes(value, i);
            if (known != NULL && ops_of(known) != NULL && ops_of(known)->hash != NULL) {
                part = ops_of(known)->hash(known, field_collation, one);
            } else {
                for (size_t k = 0; k < bytes.length; k++)
                    part = part * 131 + bytes.data[k];
            }
        }
        hash = type_mix64(hash * 31 + part);
    }
    return hash;
}

static bool record_encode(TYPE_OPS_PARAMETERS_ENCODE)
{
    const rdb_type *base = type_base(type);
    uint32_t count = fields_of(base, value);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t oid, field_collation;
        rdb_datum one;
        rdb_type made;
        if (is_dropped(base, i))
            continue;
        if (!rdb_record_field(value, i, &oid, &one)) {
            rdb_strbuf_addc(key, 0x03);
            continue;
        }
        const rdb_type *known = quiet_type(base, value, i, oid, &made, &field_collation);
        rdb_strbuf_addc(key, 0x02);
        if (known == NULL || ops_of(known) == NULL || ops_of(known)->encode_key == NULL || !ops_of(known)->encode_key(known, field_collation, one, key))
            return false;
    }
    return !key->failed;
}

const rdb_type_ops type_record_ops = {.input = record_input, .output = record_output, .receive = record_receive, .send = record_send,
                                      .compare = record_compare, .hash = record_hash, .encode_key = record_encode};

/* ---- comparisons ------------------------------------------------------------------------------------------------------------- */
/* What both sides have at the same place, dropped attributes skipped on each; false where one of them is through. */
static bool next_field(const rdb_type *type, rdb_datum record, uint32_t *at)
{
    while (*at < fields_of(type, record) && is_dropped(type, *at))
        ++*at;
    return *at < fields_of(type, record);
}

static const char *type_words(rdb_call *call, const rdb_type *type)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    rdb_type_format_name(type, -1, false, &text);
    return text.data != NULL ? text.data : type->name;
}

/* Field by field; a null comes after every value and equals a null. */
static bool compare_rows(rdb_call *call, const rdb_datum *a, bool is_equality, int *order)
{
    const rdb_type *left = type_base(call->argument_types[0]), *right = type_base(call->argument_types[1]);
    uint32_t i = 0, k = 0, column = 0;
    *order = 0;
    for (;; i++, k++) {
        bool has_left = next_field(left, a[0], &i), has_right = next_field(right, a[1], &k);
        if (!has_left || !has_right) {
            if (has_left != has_right && *order == 0)
                return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns");
            return true;
        }
        uint32_t left_oid, right_oid;
        rdb_datum x, y;
        const rdb_type *one, *other;
        bool has_x = rdb_record_field(a[0], i, &left_oid, &x), has_y = rdb_record_field(a[1], k, &right_oid, &y);
        column++;
        left_oid = left_oid != 0 ? left_oid : left->fields[i].type->oid;
        right_oid = right_oid != 0 ? right_oid : right->fields[k].type->oid;
        if (!field_type(call, left, i, left_oid, &one) || !field_type(call, right, k, right_oid, &other))
            return false;
        if (left_oid != right_oid)
            return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "cannot compare dissimilar column types %s and %s at record column %u", type_words(call, one),
                                 type_words(call, other), column);
        const rdb_type_field *known = known_field(left, i, left_oid);
        const rdb_type_ops *ops = ops_of(one);
        bool has_order = ops != NULL && ops->compare != NULL && one->oid != RDB_JSONOID && one->oid != RDB_XIDOID && one->oid != RDB_POINTOID;
        if (!has_order && !(is_equality && one->oid == RDB_XIDOID))
            return rdb_error_set(call->err, RDB_UNDEFINED_FUNCTION, is_equality ? "could not identify an equality operator for type %s" : "could not identify a comparison function for type %s",
                                 type_words(call, one));
        if (!has_x || !has_y)
            *order = (int)!has_x - (int)!has_y;
        else
            *order = ops->compare(one, known != NULL && known->collation != 0 ? known->collation : call->collation, x, y);
        if (*order != 0)
            return true;
    }
}

/* As bytes: what differs in any bit differs. Integers as PostgreSQL holds them: widened with their sign, then unsigned. */
static uint64_t widened(const uint8_t *bytes, size_t length)
{
    uint64_t word = 0;
    memcpy(&word, bytes, length);
    if (length < 8 && length > 1 && (bytes[length - 1] & 0x80) != 0)
        word |= UINT64_MAX << (8 * length);
    return word;
}

static bool compare_images(rdb_call *call, const rdb_datum *a, bool is_equality, int *order)
{
    const rdb_type *left = type_base(call->argument_types[0]), *right = type_base(call->argument_types[1]);
    uint32_t i = 0, k = 0, column = 0;
    (void)is_equality;
    *order = 0;
    for (;; i++, k++) {
        bool has_left = next_field(left, a[0], &i), has_right = next_field(right, a[1], &k);
        if (!has_left || !has_right) {
            if (has_left != has_right)
                return rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns");
            return true;
        }
        uint32_t left_oid, right_oid;
        rdb_datum x, y;
        bool has_x = rdb_record_field(a[0], i, &left_oid, &x), has_y = rdb_record_field(a[1], k, &right_oid, &y);
        column++;
        left_oid = left_oid != 0 ? left_oid : left->fields[i].type->oid;
        right_oid = right_oid != 0 ? right_oid : right->fields[k].type->oid;
        if (left_oid != right_oid) {
            const rdb_type *one, *other;
            return field_type(call, left, i, left_oid, &one) && field_type(call, right, k, right_oid, &other) &&
                   rdb_error_set(call->err, RDB_DATATYPE_MISMATCH, "cannot compare dissimilar column types %s and %s at record column %u", type_words(call, one),
                                 type_words(call, other), column);
        }
        if (!has_x || !has_y) {
            *order = (int)!has_x - (int)!has_y;
        } else {
            rdb_slice p = field_bytes(a[0], i), q = field_bytes(a[1], k);
            if (p.length == q.length && p.length <= 8 && a[0].bytes.data[HEAD_BYTES + FIELD_BYTES * (size_t)i + 8] != RDB_REP_BYTES) {
                uint64_t one = widened(p.data, p.length), other = widened(q.data, q.length);
                *order = (one > other) - (one < other);
            } else {
                *order = compare_bytes(p, q);
            }
        }
        if (*order != 0)
            return true;
    }
}

#define COMPARISON(prefix, suffix, function, is_equality, field, expression) \
    TYPE_ROW_FUNCTION(prefix##_##suffix, 2)                                  \
    {                                                                        \
        int order = 0;                                                       \
        if (!function(call, a, is_equality, &order))                         \
            return false;                                                    \
        r->field = (expression);                                             \
        return true;                                                         \
    }
#define COMPARISONS(prefix, function)                              \
    COMPARISON(prefix, eq, function, true, b, order == 0)          \
    COMPARISON(prefix, ne, function, true, b, order != 0)          \
    COMPARISON(prefix, lt, function, false, b, order < 0)          \
    COMPARISON(prefix, le, function, false, b, order <= 0)         \
    COMPARISON(prefix, gt, function, false, b, order > 0)          \
    COMPARISON(prefix, ge, function, false, b, order >= 0)         \
    COMPARISON(prefix, cmp, function, false, i32, order < 0 ? -1 : order > 0)
COMPARISONS(record, compare_rows)
COMPARISONS(record_image, compare_images)

#define FP (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
static const type_kernel KERNELS[] = {
    {"record_eq", record_eq, FP, 0}, {"record_ne", record_ne, FP, 0}, {"record_lt", record_lt, FP, 0}, {"record_le", record_le, FP, 0},
    {"record_gt", record_gt, FP, 0}, {"record_ge", record_ge, FP, 0}, {"btrecordcmp", record_cmp, FP, 0},
    {"record_image_eq", record_image_eq, FP, 0}, {"record_image_ne", record_image_ne, FP, 0}, {"record_image_lt", record_image_lt, FP, 0},
    {"record_image_le", record_image_le, FP, 0}, {"record_image_gt", record_image_gt, FP, 0}, {"record_image_ge", record_image_ge, FP, 0},
    {"btrecordimagecmp", record_image_cmp, FP, 0},
};
TYPE_KERNEL_TABLE(type_record_table, KERNELS);
