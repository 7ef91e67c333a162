/* SPDX-License-Identifier: Apache-2.0
 * to_char of numbers: digit places (9, 0), the point, groups, and the ways to show a sign. V, EEEE and RN are not built
 * and say so. Points, groups and the currency sign are those of the C locale. */
#include "type/numeric.h"
#include "type/tables.h"
#include "type/text_int.h"
#include <stdlib.h>

typedef enum item_kind { LITERAL, NINE, ZERO, POINT, GROUP, SIGN_S, SIGN_MI, SIGN_PL, SIGN_SG, SIGN_PR, ORDINAL, CURRENCY } item_kind;
typedef struct item {
    item_kind kind;
    const char *text; /* LITERAL, ORDINAL: one character or two */
    uint32_t length;
} item;
typedef struct template {
    item *items;
    uint32_t count;
    int before, after, first_zero, last_zero_after; /* digit places; first_zero: -1 none */
    bool fill, has_point, has_s, has_mi, has_pl, has_sg, has_pr, s_is_last;
} template;

static bool parse_template(rdb_call *call, rdb_bytes pattern, template *t)
{
    memset(t, 0, sizeof *t);
    t->first_zero = -1;
    t->items = type_alloc(call, sizeof(item) * ((size_t)pattern.length + 1));
    if (t->items == NULL)
        return false;
    const char *at = rdb_arena_strndup(call->arena, (const char *)pattern.data, pattern.length);
    bool in_quotes = false;
    while (*at != '\0') {
        item *one = &t->items[t->count];
        *one = (item){.kind = LITERAL, .text = at, .length = 1};
        int first = type_lower((unsigned char)at[0]), second = first == 0 ? 0 : type_lower((unsigned char)at[1]);
        if (in_quotes || *at == '"') {
            if (*at == '"') {
                in_quotes = !in_quotes;
                at++;
                continue;
            }
            at++;
            t->count++;
            continue;
        }
        if (*at == '\\' && at[1] == '"') {
            one->text = at + 1;
            at += 2;
            t->count++;
            continue;
        }
        uint32_t length = 1;
        if (first == 'f' && second == 'm') {
            t->fill = true;
            at += 2;
            continue;
        }
        if (first == 'v' || (first == 'r' && second == 'n') || (first == 'e' && second == 'e' && type_lower((unsigned char)at[2]) == 'e'))
            return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "to_char of numbers with \"V\", \"EEEE\" or \"RN\" is not built");
        if (first == '9' || first == '0') {
            one->kind = first == '9' ? NINE : ZERO;
            if (t->has_point) {
                t->after++;
                if (first == '0')
                    t->last_zero_after = t->after;
            } else {
                if (first == '0' && t->first_zero < 0)
                    t->first_zero = t->before;
                t->before++;
            }
        } else if (first == '.' || first == 'd') {
            if (t->has_point)
                return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "multiple decimal points");
            one->kind = POINT;
            t->has_point = true;
        } else if (first == ',' || first == 'g') {
            one->kind = GROUP;
        } else if (first == 'm' && second == 'i') {
            one->kind = SIGN_MI;
            t->has_mi = true;
            length = 2;
        } else if (first == 'p' && second == 'l') {
            one->kind = SIGN_PL;
            t->has_pl = true;
            length = 2;
        } else if (first == 's' && second == 'g') {
            one->kind = SIGN_SG;
            t->has_sg = true;
            length = 2;
        } else if (first == 'p' && second == 'r') {
            one->kind = SIGN_PR;
            t->has_pr = true;
            length = 2;
        } else if (first == 's') {
            one->kind = SIGN_S;
            t->has_s = true;
            t->s_is_last = t->before + t->after > 0;
        } else if (first == 't' && second == 'h') {
            one->kind = ORDINAL;
            one->length = length = 2;
        } else if (first == 'l') {
            one->kind = CURRENCY;
        } else {
            length = one->length = RDB_MIN(rdb_utf8_length((uint8_t)*at), (uint32_t)strlen(at));
        }
        at += length;
        t->count++;
    }
    return true;
}

static void add_ordinal(rdb_strbuf *text, const char *digits, size_t length, bool upper)
{
    static const char *const LOWER[] = {"th", "st", "nd", "rd"}, *const UPPER[] = {"TH", "ST", "ND", "RD"};
    int last = length > 0 ? digits[length - 1] - '0' : 0, teens = length > 1 ? digits[length - 2] - '0' : 0;
    size_t at = teens != 1 && last >= 1 && last <= 3 ? (size_t)last : 0;
    rdb_strbuf_adds(text, upper ? UPPER[at] : LOWER[at]);
}

static bool format_number(rdb_call *call, type_numeric *number, rdb_bytes pattern, rdb_datum *r)
{
    template t;
    rdb_strbuf digits, text;
    if (!parse_template(call, pattern, &t))
        return false;
    rdb_strbuf_init(&digits, call->arena);
    rdb_strbuf_init(&text, call->arena);
    bool special = number->kind != TYPE_NUMERIC_FINITE;
    if (!special)
        type_numeric_round(number, t.after, TYPE_ROUND_HALF_AWAY);
    bool negative = number->kind != TYPE_NUMERIC_NAN && type_numeric_sign(number) < 0;
    if (!special)
        type_numeric_format(number, &digits);
    if (!rdb_strbuf_check(&digits, call->err))
        return false;
    const char *whole = special ? "" : digits.data + negative;
    size_t whole_length = strcspn(whole, ".");
    const char *fraction = whole[whole_length] == '.' ? whole + whole_length + 1 : "";
    bool overflow = special || (whole_length > (size_t)t.before && !(whole_length == 1 && whole[0] == '0'));
    if (whole_length == 1 && whole[0] == '0' && (t.has_point || t.before == 0)) /* no zero before a point, unless a place asks for it */
        whole_length = 0;
    int lead = overflow ? 0 : t.before - (int)whole_length; /* places without a digit */
    int shown_after = t.after; /* with FM trailing zeros of nines go */
    if (t.fill && !overflow) {
        while (shown_after > t.last_zero_after && fraction[shown_after - 1] == '0')
            shown_after--;
    }
    bool own_sign = t.has_mi || t.has_sg || t.has_pr || t.has_s; /* else the sign stands before the first digit */
    bool started = false;
    int place = 0, after = 0;
    for (uint32_t i = 0; i < t.count; i++) {
        const item *one = &t.items[i];
        bool digit_here = one->kind == NINE || one->kind == ZERO;
        bool blank = digit_here && after == 0 && place < t.before && place < lead && (t.first_zero < 0 || place < t.first_zero);
        if (((digit_here && !blank) || one->kind == POINT) && !started) {
            started = true;
            if (t.has_s && !t.s_is_last)
                rdb_strbuf_addc(&text, negative ? '-' : '+');
            else if (t.has_pr)
                rdb_strbuf_adds(&text, negative ? "<" : t.fill ? "" : " ");
            else if (!own_sign && (negative || !t.has_pl))
                rdb_strbuf_adds(&text, negative ? "-" : t.fill ? "" : " ");
            else if (!own_sign && !negative && !t.fill)
                rdb_strbuf_adds(&text, " ");
        }
        switch (one->kind) {
        case LITERAL:
            rdb_strbuf_add(&text, one->text, one->length);
            break;
        case NINE:
        case ZERO:
            if (place < t.before) {
                if (overflow)
                    rdb_strbuf_addc(&text, '#');
                else if (place >= lead)
                    rdb_strbuf_addc(&text, whole[place - lead]);
                else if (!blank)
                    rdb_strbuf_addc(&text, '0');
                else if (!t.fill)
                    rdb_strbuf_addc(&text, ' ');
                place++;
            } else {
                if (overflow)
                    rdb_strbuf_addc(&text, '#');
                else if (after < shown_after)
                    rdb_strbuf_addc(&text, fraction[after]);
                after++;
            }
            break;
        case POINT:
            rdb_strbuf_addc(&text, '.');
            break;
        case GROUP:
            if (started)
                rdb_strbuf_addc(&text, ',');
            else if (!t.fill)
                rdb_strbuf_addc(&text, ' ');
            break;
        case SIGN_S:
            if (t.s_is_last)
                rdb_strbuf_addc(&text, negative ? '-' : '+');
            break;
        case SIGN_MI:
            if (negative)
                rdb_strbuf_addc(&text, '-');
            else if (!t.fill)
                rdb_strbuf_addc(&text, ' ');
            break;
        case SIGN_PL:
            if (!negative)
                rdb_strbuf_addc(&text, '+');
            else if (!t.fill)
                rdb_strbuf_addc(&text, ' ');
            break;
        case SIGN_SG:
            rdb_strbuf_addc(&text, negative ? '-' : '+');
            break;
        case SIGN_PR:
            rdb_strbuf_adds(&text, negative ? ">" : t.fill ? "" : " ");
            break;
        case ORDINAL:
            if (!negative && !t.has_point)
                add_ordinal(&text, whole, whole_length, one->text[0] == 'T');
            break;
        case CURRENCY:
            rdb_strbuf_addc(&text, ' ');
            break;
        }
    }
    return type_take_buffer(call, &text, r);
}

static bool format_and_clear(rdb_call *call, type_numeric *number, rdb_bytes pattern, rdb_datum *r)
{
    bool ok = format_number(call, number, pattern, r);
    type_numeric_clear(number);
    return ok;
}

TYPE_ROW_FUNCTION(numeric_to_char, 2)
{
    type_numeric number;
    type_numeric_read(a[0].bytes, &number);
    return format_and_clear(call, &number, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(int4_to_char, 2)
{
    type_numeric number;
    type_numeric_set_int(&number, a[0].i32, 0);
    return format_and_clear(call, &number, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(int8_to_char, 2)
{
    type_numeric number;
    type_numeric_set_int(&number, a[0].i64, 0);
    return format_and_clear(call, &number, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(float8_to_char, 2)
{
    type_numeric number;
    return type_numeric_from_double(call, a[0].f8, 15, &number) && format_and_clear(call, &number, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(float4_to_char, 2)
{
    type_numeric number;
    return type_numeric_from_double(call, (double)a[0].f4, 6, &number) && format_and_clear(call, &number, a[1].bytes, r);
}

#define F RDB_KERNEL_FALLIBLE
/* ---- to_number ----------------------------------------------------------------------------------------------------------------- */
static bool is_data(uint8_t c)
{
    return type_is_digit(c) || c == '.' || c == ',' || c == '+' || c == '-';
}

/* A sign where the template or the number's beginning allows one. */
static void read_sign(const uint8_t **at, const uint8_t *end, bool *negative, bool *has_sign)
{
    if (*has_sign || *at == end || (**at != '-' && **at != '+'))
        return;
    *negative = *(*at)++ == '-';
    *has_sign = true;
}

TYPE_ROW_FUNCTION(numeric_to_number, 2)
{
    template t;
    rdb_strbuf number;
    const uint8_t *at = a[0].bytes.data, *end = at + a[0].bytes.length;
    bool negative = false, has_sign = false, any = false, has_point = false;
    if (!parse_template(call, a[1].bytes, &t))
        return false;
    rdb_strbuf_init(&number, call->arena);
    rdb_strbuf_addc(&number, ' '); /* the sign's place */
    for (uint32_t i = 0; i < t.count && at < end; i++) {
        switch (t.items[i].kind) {
        case NINE:
        case ZERO:
        case POINT:
            while (at < end && *at == ' ')
                at++;
            if (!any && t.has_pr && at < end && *at == '<') {
                negative = has_sign = true;
                at++;
            }
            if (t.has_s || (!any && !t.has_mi && !t.has_pl && !t.has_sg))
                read_sign(&at, end, &negative, &has_sign);
            if (at < end && (type_is_digit(*at) || (*at == '.' && !has_point))) {
                if (*at == '.' && t.items[i].kind != POINT && !t.has_point)
                    break; /* the template ends the number before its point */
                has_point |= *at == '.';
                rdb_strbuf_addc(&number, (char)*at++);
                any = true;
            }
            break;
        case GROUP:
            if (at < end && *at == ',')
                at++;
            break;
        case SIGN_S:
        case SIGN_MI:
        case SIGN_PL:
        case SIGN_SG:
            while (at < end && *at == ' ' && t.items[i].kind == SIGN_S)
                at++;
            read_sign(&at, end, &negative, &has_sign);
            break;
        case SIGN_PR:
            if (at < end && *at == '>')
                at++;
            break;
        case CURRENCY:
            if (at < end && !is_data(*at))
                at++;
            break;
        case ORDINAL:
            for (int letters = 0; letters < 2 && at < end && !is_data(*at); letters++)
                at++;
            break;
        case LITERAL:
            if (!is_data(*at))
                at += RDB_MIN((size_t)rdb_utf8_length(*at), (size_t)(end - at));
            break;
        }
    }
    if (!rdb_strbuf_check(&number, call->err))
        return false;
    if (negative)
        number.data[0] = '-';
    type_numeric value;
    if (!type_numeric_parse(call, (rdb_slice){.data = (const uint8_t *)number.data, .length = number.length}, &value)) {
        type_numeric_clear(&value);
        return false;
    }
    return type_numeric_write(call, &value, r) && (type_numeric_clear(&value), true);
}

static const type_kernel KERNELS[] = {
    {"numeric_to_number", numeric_to_number, F, 0},
    {"numeric_to_char", numeric_to_char, F, 0}, {"int4_to_char", int4_to_char, F, 0}, {"int8_to_char", int8_to_char, F, 0},
    {"float4_to_char", float4_to_char, F, 0}, {"float8_to_char", float8_to_char, F, 0},
};
TYPE_KERNEL_TABLE(type_format_number_table, KERNELS);
