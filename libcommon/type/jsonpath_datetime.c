/* SPDX-License-Identifier: Apache-2.0
 * Dates and times as items of a path: read by .datetime(), compared across their types, written as JSON; and where PostgreSQL
 * would keep a node, which .keyvalue() shows. */
#include "type/jsonpath.h"
#include "type/numeric.h"
#include "type/tables.h"
#include "type/time_template.h"

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */
/* The item that the fields make; without a zone in the text a zoned template fails. */
static bool make_item(rdb_call *call, const type_time_scan *scan, rdb_bytes text, type_jsonpath_item *item)
{
    static const char *const NAMES[] = {"timetz", "timestamptz"};
    int64_t usecs = ((scan->civil.hour * INT64_C(60) + scan->civil.minute) * 60 + scan->civil.second) * TYPE_USECS_PER_SEC + scan->civil.usec;
    int64_t days = type_days_from_civil(scan->civil.year, scan->civil.month, scan->civil.day), local = 0;
    *item = (type_jsonpath_item){.typmod = scan->precision > 0 ? scan->precision : -1};
    if (!scan->is_dated && !scan->is_timed)
        return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "datetime format is not dated and not timed");
    if (!scan->is_timed) {
        if (scan->is_zoned)
            return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "datetime format is zoned but not timed");
        if (days < TYPE_DATE_MIN || days > TYPE_DATE_MAX)
            return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, "date out of range: \"%.*s\"", (int)text.length, (const char *)text.data);
        item->datetime_oid = RDB_DATEOID;
        item->value = days;
        return true;
    }
    if (scan->is_zoned && !scan->has_zone)
        return rdb_error_set(call->err, RDB_INVALID_DATETIME_FORMAT, "missing time zone in input string for type %s", NAMES[scan->is_dated]);
    if (scan->is_zoned)
        item->west = scan->west;
    if (!scan->is_dated) {
        item->datetime_oid = scan->is_zoned ? RDB_TIMETZOID : RDB_TIMEOID;
        item->value = type_round_usecs(usecs, item->typmod);
        return true;
    }
    if (!type_timestamp_from_civil(&scan->civil, &local))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, scan->is_zoned ? "timestamptz out of range" : "timestamp out of range");
    local += item->west * TYPE_USECS_PER_SEC;
    if (!type_timestamp_is_valid(local))
        return rdb_error_set(call->err, RDB_DATETIME_FIELD_OVERFLOW, scan->is_zoned ? "timestamptz out of range" : "timestamp out of range");
    item->datetime_oid = scan->is_zoned ? RDB_TIMESTAMPTZOID : RDB_TIMESTAMPOID;
    item->value = type_round_usecs(local, item->typmod);
    return true;
}

bool type_jsonpath_read_datetime(rdb_call *call, rdb_bytes text, const rdb_bytes *template, type_jsonpath_item *item)
{
    static const char *const FORMATS[] = { /* of ISO 8601, the first that fits */
        "yyyy-mm-dd", "HH24:MI:SS.USTZH:TZM", "HH24:MI:SS.USTZH", "HH24:MI:SSTZH:TZM", "HH24:MI:SSTZH", "HH24:MI:SS.US", "HH24:MI:SS",
        "yyyy-mm-dd HH24:MI:SS.USTZH:TZM", "yyyy-mm-dd HH24:MI:SS.USTZH", "yyyy-mm-dd HH24:MI:SSTZH:TZM", "yyyy-mm-dd HH24:MI:SSTZH",
        "yyyy-mm-dd HH24:MI:SS.US", "yyyy-mm-dd HH24:MI:SS", "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH:TZM", "yyyy-mm-dd\"T\"HH24:MI:SS.USTZH",
        "yyyy-mm-dd\"T\"HH24:MI:SSTZH:TZM", "yyyy-mm-dd\"T\"HH24:MI:SSTZH", "yyyy-mm-dd\"T\"HH24:MI:SS.US", "yyyy-mm-dd\"T\"HH24:MI:SS"};
    type_time_scan scan;
    if (template != NULL)
        return type_time_scan_text(call, text, *template, true, &scan) && make_item(call, &scan, text, item);
    for (size_t i = 0; i < RDB_COUNT_OF(FORMATS); i++) {
        rdb_bytes format = {.data = (const uint8_t *)FORMATS[i], .length = (uint32_t)strlen(FORMATS[i])};
        if (type_time_scan_text(call, text, format, true, &scan) && make_item(call, &scan, text, item))
            return true;
        rdb_error_clear(call->err);
    }
    rdb_error_set(call->err, RDB_INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION, "datetime format is not recognized: \"%.*s\"", (int)text.length, (const char *)text.data);
    return rdb_error_hint(call->err, "Use a datetime template argument to specify the input data format.");
}

/* ---- order -------------------------------------------------------------------------------------------------------------------- */
const char *type_jsonpath_datetime_name(uint32_t oid)
{
    switch (oid) {
    case RDB_DATEOID:
        return "date";
    case RDB_TIMEOID:
        return "time without time zone";
    case RDB_TIMETZOID:
        return "time with time zone";
    case RDB_TIMESTAMPOID:
        return "timestamp without time zone";
    default:
        return "timestamp with time zone";
    }
}

static bool is_time(uint32_t oid)
{
    return oid == RDB_TIMEOID || oid == RDB_TIMETZOID;
}

static bool is_zoned(uint32_t oid)
{
    return oid == RDB_TIMETZOID || oid == RDB_TIMESTAMPTZOID;
}

static const char *short_name(uint32_t oid)
{
    return oid == RDB_DATEOID ? "date" : oid == RDB_TIMEOID ? "time" : oid == RDB_TIMETZOID ? "timetz" : oid == RDB_TIMESTAMPOID ? "timestamp" : "timestamptz";
}

/* Microseconds on one line for all kinds of dates, or for all kinds of times; as_instant: what has no zone stands in the session's. */
static __int128 place_of(rdb_call *call, const type_jsonpath_item *item, bool as_instant)
{
    __int128 usecs = item->datetime_oid == RDB_DATEOID ? (__int128)item->value * TYPE_USECS_PER_DAY : item->value;
    if (item->datetime_oid == RDB_TIMETZOID)
        return usecs + (__int128)item->west * TYPE_USECS_PER_SEC;
    if (!as_instant || is_zoned(item->datetime_oid))
        return usecs;
    if (item->datetime_oid == RDB_TIMEOID) { /* with the offset of today */
        type_zone_moment moment = {0};
        (void)type_to_local(call->format->timezone, call->transaction_us, &moment);
        return usecs - (__int128)moment.offset * TYPE_USECS_PER_SEC;
    }
    int64_t instant;
    if (usecs < TYPE_TIMESTAMP_MIN || usecs >= TYPE_TIMESTAMP_END || !type_from_local(call->format->timezone, (int64_t)usecs, &instant))
        return usecs;
    return instant;
}

bool type_jsonpath_compare_datetimes(rdb_call *call, const type_jsonpath_item *x, const type_jsonpath_item *y, bool with_zone, int *order, bool *comparable)
{
    uint32_t left = x->datetime_oid, right = y->datetime_oid;
    *comparable = is_time(left) == is_time(right);
    if (!*comparable)
        return true;
    bool mixed = is_zoned(left) != is_zoned(right);
    if (mixed && !with_zone) {
        uint32_t from = is_zoned(left) ? right : left, to = is_zoned(left) ? left : right;
        rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert value from %s to %s without time zone usage", short_name(from), short_name(to));
        return rdb_error_hint(call->err, "Use *_tz() function for time zone support.");
    }
    __int128 first = place_of(call, x, mixed), second = place_of(call, y, mixed);
    *order = (first > second) - (first < second);
    if (*order == 0 && is_time(left) && (is_zoned(left) || mixed)) { /* equal instants: then by zone, as timetz has it */
        type_zone_moment moment = {0};
        (void)type_to_local(call->format->timezone, call->transaction_us, &moment);
        int32_t west = left == RDB_TIMETZOID ? x->west : -moment.offset, other = right == RDB_TIMETZOID ? y->west : -moment.offset;
        *order = (west > other) - (west < other);
    }
    return true;
}

/* ---- as JSON ------------------------------------------------------------------------------------------------------------------ */
/* +05:30 as ISO 8601 in full. */
static void add_full_zone(rdb_strbuf *text, int32_t west)
{
    int32_t east = -west, absolute = east < 0 ? -east : east;
    rdb_strbuf_addf(text, "%c%02d:%02d", east < 0 ? '-' : '+', absolute / 3600, absolute / 60 % 60);
    if (absolute % 60 != 0)
        rdb_strbuf_addf(text, ":%02d", absolute % 60);
}

bool type_jsonpath_item_node(rdb_call *call, const type_jsonpath_item *item, rdb_bytes *node)
{
    rdb_strbuf text;
    rdb_datum value = {.words = {0, 0}};
    rdb_format_settings iso = *call->format;
    if (item->datetime_oid == 0) {
        *node = item->node;
        return true;
    }
    iso.date_style = RDB_DATESTYLE_ISO;
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_addc(&text, TYPE_JSON_STRING);
    switch (item->datetime_oid) {
    case RDB_DATEOID:
        type_add_date(&text, &iso, (int32_t)item->value);
        break;
    case RDB_TIMEOID:
        type_add_time(&text, item->value);
        break;
    case RDB_TIMETZOID:
        type_add_time(&text, item->value);
        add_full_zone(&text, item->west);
        break;
    default:
        type_add_timestamp(&text, &iso, item->value - (item->datetime_oid == RDB_TIMESTAMPTZOID ? item->west * TYPE_USECS_PER_SEC : 0), false);
        if (rdb_strbuf_check(&text, call->err)) {
            char *blank = strchr(text.data + 1, ' ');
            if (blank != NULL)
                *blank = 'T';
        }
        if (item->datetime_oid == RDB_TIMESTAMPTZOID)
            add_full_zone(&text, item->west);
        break;
    }
    if (!type_take_buffer(call, &text, &value))
        return false;
    *node = value.bytes;
    return true;
}

/* ---- offsets ------------------------------------------------------------------------------------------------------------------ */
/* The bytes of a numeric in PostgreSQL's form: words of four decimal digits after a header of 4 + 2, or 4 + 4 where scale or weight are wide. */
static uint32_t peer_number_bytes(rdb_bytes stored)
{
    type_numeric number;
    type_numeric_read(stored, &number);
    uint32_t scale = number.scale, words = 0;
    int64_t weight = 0;
    if (number.kind == TYPE_NUMERIC_FINITE && type_numeric_sign(&number) != 0) {
        mpz_t digits;
        mpz_init(digits);
        type_numeric_get_mpz(&number, digits);
        mpz_abs(digits, digits);
        uint32_t pad = (4 - scale % 4) % 4;
        mpz_t power;
        mpz_init(power);
        type_pow10(power, pad);
        mpz_mul(digits, digits, power);
        mpz_clear(power);
        int64_t lowest = -(int64_t)((scale + pad) / 4); /* exponent of the last word, base 10,000 */
        while (mpz_divisible_ui_p(digits, 10000)) {
            mpz_divexact_ui(digits, digits, 10000);
            lowest++;
        }
        size_t decimal = mpz_sizeinbase(digits, 10);
        mpz_t bound;
        mpz_init(bound);
        type_pow10(bound, (unsigned long)(decimal - 1));
        if (mpz_cmp(digits, bound) < 0) /* the size may be one too many */
            decimal--;
        mpz_clear(bound);
        mpz_clear(digits);
        words = (uint32_t)(decimal + 3) / 4;
        weight = lowest + words - 1;
    }
    type_numeric_clear(&number);
    bool is_short = scale <= 63 && weight >= -64 && weight <= 63;
    return (is_short ? 6 : 8) + 2 * words;
}

static int64_t align(int64_t offset)
{
    return (offset + 3) & ~INT64_C(3);
}

/* Walks the value as PostgreSQL lays it out; the offset after it. *found: where the node that is looked for begins, -1 until then. */
static int64_t lay_out(rdb_bytes at, int64_t offset, rdb_bytes node, int depth, int64_t *found)
{
    type_jsonb json;
    type_jsonb_read(at, &json);
    switch (json.kind) {
    case TYPE_JSON_NUMBER:
        return align(offset) + peer_number_bytes(json.payload);
    case TYPE_JSON_STRING:
        return offset + json.payload.length;
    case TYPE_JSON_ARRAY:
    case TYPE_JSON_OBJECT:
        break;
    default:
        return offset;
    }
    offset = align(offset);
    if (at.data == node.data)
        *found = offset;
    if (*found >= 0 || depth > TYPE_JSON_DEPTH_MAX)
        return offset;
    offset += 4 + 4 * (int64_t)json.count * (json.kind == TYPE_JSON_OBJECT ? 2 : 1);
    for (uint32_t i = 0; json.kind == TYPE_JSON_OBJECT && i < json.count; i++)
        offset += type_jsonb_key(&json, i).length;
    for (uint32_t i = 0; i < json.count && *found < 0; i++)
        offset = lay_out(type_jsonb_item(&json, i), offset, node, depth + 1, found);
    return offset;
}

bool type_jsonpath_peer_offset(rdb_bytes root, rdb_bytes node, int64_t *offset)
{
    *offset = -1;
    if (node.data >= root.data && node.data < root.data + root.length)
        (void)lay_out(root, 0, node, 0, offset);
    if (*offset >= 0)
        return true;
    *offset = 0;
    return false;
}
