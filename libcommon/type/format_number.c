/* SPDX-License-Identifier: Apache-2.0
 * to_char and to_number of numbers: digit places (9, 0), the point, V, groups, the ways to show a sign, EEEE, RN and TH.
 * Points, groups and the currency sign are those of the C locale. */
#include "type/numeric.h"
#include "type/tables.h"
#include "type/text_int.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum item_kind { LITERAL, NINE, ZERO, POINT, COMMA, GROUP, SIGN_S, SIGN_MI, SIGN_PL, SIGN_SG, SIGN_PR, ORDINAL, CURRENCY, SHIFT, EXPONENT, ROMAN, SILENT } item_kind;
typedef struct item {
    item_kind kind;
    const char *text; /* LITERAL: a character; others: as written */
    uint32_t length;
} item;
typedef struct template {
    item *items;
    uint32_t count;
    int before, after;         /* digit places */
    int shifted;               /* places after V */
    int first_zero, last_zero; /* places at which a 0 stands: the first one before the point from 0, the last one from 1 */
    int before_s;              /* places in front of a leading S */
    bool fill, has_point, has_zero, has_s, s_is_last, has_mi, has_pl, has_pr, has_shift, has_exponent, is_roman, is_blank;
} template;

/* A keyword is written in capitals or in small letters, never mixed. */
static bool is_keyword(const char *at, const char *word)
{
    size_t length = strlen(word);
    bool is_upper = strncmp(at, word, length) == 0;
    for (size_t i = 0; i < length && !is_upper; i++)
        if (at[i] != type_lower((unsigned char)word[i]))
            return false;
    return true;
}

static bool refuse(rdb_call *call, const char *message)
{
    return rdb_error_set(call->err, RDB_SYNTAX_ERROR, "%s", message);
}

static bool add_digit(rdb_call *call, template *t, bool is_zero)
{
    if (t->has_pr)
        return refuse(call, is_zero ? "\"0\" must be ahead of \"PR\"" : "\"9\" must be ahead of \"PR\"");
    if (is_zero && !t->has_zero && !t->has_point) {
        t->has_zero = true;
        t->first_zero = t->before;
    }
    if (!is_zero && t->has_shift)
        t->shifted++;
    else if (t->has_point)
        t->after++;
    else
        t->before++;
    if (is_zero)
        t->last_zero = t->before + t->after;
    return true;
}

static bool add_exponent(rdb_call *call, template *t)
{
    if (t->has_exponent)
        return refuse(call, "cannot use \"EEEE\" twice");
    if (t->is_blank || t->fill || t->has_s || t->has_pr || t->has_mi || t->has_pl || t->is_roman || t->has_shift) {
        rdb_error_set(call->err, RDB_SYNTAX_ERROR, "\"EEEE\" is incompatible with other formats");
        rdb_error_detail(call->err, "\"EEEE\" may only be used together with digit and decimal point patterns.");
        return false;
    }
    t->has_exponent = true;
    return true;
}

static bool add_sign(rdb_call *call, template *t, item_kind kind)
{
    bool other = t->has_mi || t->has_pl;
    switch (kind) {
    case SIGN_S:
        if (t->has_s)
            return refuse(call, "cannot use \"S\" twice");
        if (other || t->has_pr)
            return refuse(call, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
        t->has_s = true;
        t->s_is_last = t->has_point;
        t->before_s = t->before;
        return true;
    case SIGN_MI:
        if (t->has_s)
            return refuse(call, "cannot use \"S\" and \"MI\" together");
        t->has_mi = true;
        return true;
    case SIGN_PL:
        if (t->has_s)
            return refuse(call, "cannot use \"S\" and \"PL\" together");
        t->has_pl = true;
        return true;
    case SIGN_SG:
        if (t->has_s)
            return refuse(call, "cannot use \"S\" and \"SG\" together");
        t->has_mi = t->has_pl = true;
        return true;
    default:
        if (t->has_s || other)
            return refuse(call, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
        t->has_pr = true;
        return true;
    }
}

static bool add_keyword(rdb_call *call, template *t, item_kind kind)
{
    if (t->has_exponent && kind != EXPONENT)
        return refuse(call, "\"EEEE\" must be the last pattern used");
    switch (kind) {
    case NINE:
    case ZERO:
        return add_digit(call, t, kind == ZERO);
    case POINT:
        if (t->has_point)
            return refuse(call, "multiple decimal points");
        if (t->has_shift)
            return refuse(call, "cannot use \"V\" and decimal point together");
        t->has_point = true;
        return true;
    case SHIFT:
        if (t->has_point)
            return refuse(call, "cannot use \"V\" and decimal point together");
        t->has_shift = true;
        return true;
    case SIGN_S:
    case SIGN_MI:
    case SIGN_PL:
    case SIGN_SG:
    case SIGN_PR:
        return add_sign(call, t, kind);
    case EXPONENT:
        return add_exponent(call, t);
    case ROMAN:
        t->is_roman = true;
        return true;
    default:
        return true;
    }
}

static const struct keyword {
    const char *word;
    item_kind kind;
} KEYWORDS[] = {{"9", NINE}, {"0", ZERO}, {".", POINT}, {",", COMMA}, {"B", SILENT}, {"C", SILENT}, {"D", POINT}, {"EEEE", EXPONENT}, {"FM", SILENT}, {"G", GROUP},
                {"L", CURRENCY}, {"MI", SIGN_MI}, {"PL", SIGN_PL}, {"PR", SIGN_PR}, {"RN", ROMAN}, {"SG", SIGN_SG}, {"SP", SILENT}, {"S", SIGN_S}, {"TH", ORDINAL}, {"V", SHIFT}};

static bool parse_template(rdb_call *call, rdb_bytes pattern, template *t)
{
    memset(t, 0, sizeof *t);
    t->items = type_alloc(call, sizeof(item) * ((size_t)pattern.length + 1));
    if (t->items == NULL)
        return false;
    const char *at = rdb_arena_strndup(call->arena, (const char *)pattern.data, pattern.length);
    bool in_quotes = false;
    while (*at != '\0') {
        item *one = &t->items[t->count];
        const struct keyword *keyword = NULL;
        for (size_t i = 0; i < RDB_COUNT_OF(KEYWORDS) && !in_quotes && keyword == NULL; i++)
            keyword = is_keyword(at, KEYWORDS[i].word) ? &KEYWORDS[i] : NULL;
        if (keyword != NULL) {
            *one = (item){.kind = keyword->kind, .text = at, .length = (uint32_t)strlen(keyword->word)};
            if (!add_keyword(call, t, keyword->kind))
                return false;
            t->fill |= keyword->word[0] == 'F';
            t->is_blank |= keyword->word[0] == 'B' && t->before == 0 && t->after == 0 && !t->has_zero;
            at += one->length;
            t->count += keyword->kind != SILENT;
            continue;
        }
        if (*at == '"') {
            in_quotes = !in_quotes;
            at++;
            continue;
        }
        at += *at == '\\' && (in_quotes ? at[1] != '\0' : at[1] == '"'); /* escapes the next character */
        uint32_t length = RDB_MIN(rdb_utf8_length((uint8_t)*at), (uint32_t)strlen(at));
        *one = (item){.kind = LITERAL, .text = at, .length = length};
        at += length;
        t->count++;
    }
    return true;
}

/* ---- to_char ------------------------------------------------------------------------------------------------------------------- */
/* A number on its way into a template: its text without sign, and how many places of the template stand empty before it. */
typedef struct writer {
    const template *t;
    rdb_strbuf text;
    const char *number, *at;
    const char *last_shown; /* with FM: the last digit (or the point) worth showing; NULL: all are */
    bool is_negative, has_number_begun, is_sign_written, shows_brackets, s_is_last;
    bool is_over;           /* a place found no digit: nothing after it is shown, as in PostgreSQL */
    int blanks, place, places;
} writer;

static const char *ordinal_of(const char *number, bool is_upper)
{
    static const char *const LOWER[] = {"th", "st", "nd", "rd"}, *const UPPER[] = {"TH", "ST", "ND", "RD"};
    size_t length = strlen(number);
    int last = length > 0 ? number[length - 1] - '0' : 0;
    bool is_teen = length > 1 && number[length - 2] == '1';
    size_t at = !is_teen && last >= 1 && last <= 3 ? (size_t)last : 0;
    return is_upper ? UPPER[at] : LOWER[at];
}

/* A zero before the point has a place of its own but is not shown, unless a 0 asks for it: "9.9" gives " .1". */
static bool is_hidden_zero(const writer *w)
{
    return !w->t->has_zero && w->at == w->number && *w->at == '0' && w->t->after != 0;
}

static void write_leading_sign(writer *w)
{
    const template *t = w->t;
    if (w->is_sign_written || (w->place < w->blanks && !(t->has_zero && t->first_zero == w->place)))
        return;
    if (is_hidden_zero(w) && !(w->last_shown != NULL && *w->last_shown == '.'))
        return;
    if (t->has_s) {
        if (w->s_is_last)
            return;
        rdb_strbuf_addc(&w->text, w->is_negative ? '-' : '+');
    } else if (w->shows_brackets) {
        rdb_strbuf_addc(&w->text, w->is_negative ? '<' : ' ');
    } else if (w->is_negative) {
        rdb_strbuf_addc(&w->text, '-');
    } else if (!t->fill) {
        rdb_strbuf_addc(&w->text, ' ');
    }
    w->is_sign_written = true;
}

static void write_place(writer *w, bool is_zero_place)
{
    const template *t = w->t;
    bool ends_at_point = w->last_shown != NULL && *w->last_shown == '.';
    w->has_number_begun = false;
    write_leading_sign(w);
    if (w->place < w->blanks && (!t->has_zero || t->first_zero > w->place)) {
        if (!t->fill)
            rdb_strbuf_addc(&w->text, ' ');
    } else if (w->place < w->blanks) {
        rdb_strbuf_addc(&w->text, '0');
        w->has_number_begun = true;
    } else {
        if (*w->at == '.') {
            if (!ends_at_point || t->fill)
                rdb_strbuf_addc(&w->text, '.');
        } else if (w->last_shown != NULL && w->at > w->last_shown && !is_zero_place) {
            /* a zero at the end, which FM leaves out */
        } else if (is_hidden_zero(w)) {
            if (!t->fill)
                rdb_strbuf_addc(&w->text, ' ');
            else if (ends_at_point)
                rdb_strbuf_addc(&w->text, '0');
        } else if (*w->at != '\0') {
            rdb_strbuf_addc(&w->text, *w->at);
            w->has_number_begun = true;
        } else {
            w->is_over = true;
        }
        w->at += *w->at != '\0';
    }
    int end = w->places + (w->blanks > 0) + t->has_point;
    if (w->last_shown != NULL && w->last_shown == w->at)
        end = w->place;
    if (w->place + 1 == end) {
        if (w->is_sign_written && w->shows_brackets)
            rdb_strbuf_addc(&w->text, w->is_negative ? '>' : ' ');
        else if (t->has_s && w->s_is_last)
            rdb_strbuf_addc(&w->text, w->is_negative ? '-' : '+');
    }
    w->place++;
}

static void find_last_shown(writer *w)
{
    const template *t = w->t;
    const char *point = strchr(w->number, '.');
    if (!t->fill || !t->has_point || point == NULL)
        return;
    w->last_shown = point;
    for (const char *digit = point + 1; *digit != '\0'; digit++)
        if (*digit != '0')
            w->last_shown = digit;
    if (t->last_zero > w->blanks) {
        int last = RDB_MIN((int)strlen(w->number) - 1, t->last_zero - w->blanks);
        if (w->last_shown < w->number + last)
            w->last_shown = w->number + last;
    }
}

/* number: its digits, or what stands for them; a template with RN takes no sign and no places. */
static bool write_number(rdb_call *call, const template *t, const char *number, int blanks, bool is_negative, rdb_datum *r)
{
    writer w = {.t = t, .number = number, .at = number, .is_negative = is_negative, .blanks = blanks, .s_is_last = t->s_is_last, .shows_brackets = t->has_pr};
    rdb_strbuf_init(&w.text, call->arena);
    if (t->has_mi || t->has_pl) {
        w.is_sign_written = t->has_mi;
    } else {
        w.shows_brackets = t->has_pr && (is_negative || !t->fill);
        w.is_sign_written = !is_negative && t->fill && !t->has_s;
        w.s_is_last = t->s_is_last || t->before == t->before_s;
    }
    w.places = t->after + t->before - 1;
    find_last_shown(&w);
    w.places += !w.is_sign_written && blanks == 0;
    for (uint32_t i = 0; i < t->count && !w.is_over; i++) {
        const item *one = &t->items[i];
        switch (one->kind) {
        case LITERAL:
            rdb_strbuf_add(&w.text, one->text, one->length);
            break;
        case NINE:
        case ZERO:
        case POINT:
            if (!t->is_roman)
                write_place(&w, one->kind == ZERO);
            break;
        case COMMA:
        case GROUP:
            if (w.has_number_begun)
                rdb_strbuf_addc(&w.text, ',');
            else if (!t->fill)
                rdb_strbuf_addc(&w.text, ' ');
            break;
        case SIGN_MI:
            if (is_negative)
                rdb_strbuf_addc(&w.text, '-');
            else if (!t->fill)
                rdb_strbuf_addc(&w.text, ' ');
            break;
        case SIGN_PL:
            if (!is_negative)
                rdb_strbuf_addc(&w.text, '+');
            else if (!t->fill)
                rdb_strbuf_addc(&w.text, ' ');
            break;
        case SIGN_SG:
            rdb_strbuf_addc(&w.text, is_negative ? '-' : '+');
            break;
        case ORDINAL:
            if (t->is_roman || number[0] == '#' || is_negative || t->has_point)
                break;
            if (number[0] == '\0' || !type_is_digit((uint8_t)number[strlen(number) - 1]))
                return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "\"%s\" is not a number", number);
            rdb_strbuf_adds(&w.text, ordinal_of(number, one->text[0] == 'T'));
            break;
        case CURRENCY:
            rdb_strbuf_addc(&w.text, ' ');
            break;
        case ROMAN:
            for (size_t pad = strlen(number); pad < 15 && !t->fill; pad++)
                rdb_strbuf_addc(&w.text, ' ');
            for (const char *letter = number; *letter != '\0'; letter++)
                rdb_strbuf_addc(&w.text, one->text[0] == 'r' ? (char)type_lower((unsigned char)*letter) : *letter);
            break;
        default: /* S and PR are written with the digits */
            break;
        }
    }
    return type_take_buffer(call, &w.text, r);
}

/* Places the text of a number (sign, digits, perhaps a point) in the template. */
static bool place_number(rdb_call *call, const template *t, const char *number, rdb_datum *r)
{
    bool is_negative = number[0] == '-';
    number += is_negative;
    int length = (int)strcspn(number, ".");
    if (length > t->before) { /* does not fit */
        char *hashes = rdb_arena_alloc(call->arena, (size_t)t->before + (size_t)t->after + 2);
        memset(hashes, '#', (size_t)t->before + (size_t)t->after + 1);
        hashes[t->before + t->after + 1] = '\0';
        hashes[t->before] = '.';
        return write_number(call, t, hashes, 0, is_negative, r);
    }
    return write_number(call, t, number, t->before - length, is_negative, r);
}

static bool write_roman(rdb_call *call, template *t, int64_t value, rdb_datum *r)
{
    static const struct {
        int value;
        const char *letters;
    } STEPS[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}};
    char letters[16] = "";
    if (value < 1 || value > 3999)
        memset(letters, '#', 15);
    else
        for (size_t i = 0; i < RDB_COUNT_OF(STEPS); i++)
            for (; value >= STEPS[i].value; value -= STEPS[i].value)
                strcat(letters, STEPS[i].letters);
    t->before = t->after = t->before_s = 0;
    t->has_s = false;
    return write_number(call, t, letters, 0, false, r);
}

static bool write_special_exponent(rdb_call *call, const template *t, rdb_datum *r)
{
    rdb_strbuf text;
    rdb_strbuf_init(&text, call->arena);
    for (int i = 0; i < t->before + t->after + 6; i++)
        rdb_strbuf_addc(&text, i == 0 ? ' ' : i == t->before + 1 ? '.' : '#');
    return type_take_buffer(call, &text, r);
}

/* d.dddde+xx, the digits cut to those after the first that the template asks for. */
static bool write_exponent(rdb_call *call, const template *t, type_numeric *number, rdb_datum *r)
{
    rdb_strbuf text, result;
    if (number->kind != TYPE_NUMERIC_FINITE)
        return write_special_exponent(call, t, r);
    rdb_strbuf_init(&text, call->arena);
    rdb_strbuf_init(&result, call->arena);
    type_numeric_format(number, &text);
    if (!rdb_strbuf_check(&text, call->err))
        return false;
    bool is_negative = text.data[0] == '-';
    int exponent = type_numeric_exponent(number);
    type_numeric_round(number, t->after - exponent, TYPE_ROUND_HALF_AWAY);
    rdb_strbuf_clear(&text);
    type_numeric_format(number, &text);
    if (!rdb_strbuf_check(&text, call->err))
        return false;
    /* the coefficient's digits, one more where rounding carried */
    const char *digits = text.data + (text.data[0] == '-');
    digits += type_numeric_sign(number) == 0 ? 0 : strspn(digits, "0.");
    int whole = RDB_MAX((int)strcspn(digits, "."), 1), wanted = t->after + 1;
    if (exponent >= 0)
        wanted += type_numeric_sign(number) != 0 && whole == exponent + 2;
    else if ((int)strlen(digits) - (strchr(digits, '.') != NULL) == t->after + 2)
        wanted++;
    rdb_strbuf_addc(&result, is_negative ? '-' : ' ');
    int written = 0;
    for (const char *at = digits; *at != '\0' && written < wanted; at++) {
        if (*at == '.')
            continue;
        rdb_strbuf_addc(&result, *at);
        if (++written == wanted - t->after && t->after > 0)
            rdb_strbuf_addc(&result, '.');
    }
    for (; written < wanted; written++) {
        rdb_strbuf_addc(&result, '0');
        if (written + 1 == wanted - t->after && t->after > 0)
            rdb_strbuf_addc(&result, '.');
    }
    rdb_strbuf_addf(&result, "e%+03d", exponent);
    return type_take_buffer(call, &result, r);
}

/* Times 10^places. */
static bool shift_number(rdb_call *call, type_numeric *number, int places)
{
    type_numeric power, result;
    mpz_t big;
    if (number->kind != TYPE_NUMERIC_FINITE)
        return true;
    mpz_init(big);
    type_pow10(big, (unsigned long)places);
    type_numeric_set_mpz(&power, big, 0);
    mpz_clear(big);
    bool ok = type_numeric_mul(call, number, &power, &result);
    type_numeric_clear(&power);
    if (ok) {
        type_numeric_clear(number);
        *number = result;
    }
    return ok;
}

static bool format_number(rdb_call *call, type_numeric *number, rdb_bytes pattern, rdb_datum *r)
{
    template t;
    rdb_strbuf digits;
    if (!parse_template(call, pattern, &t))
        return false;
    if (t.is_roman) {
        int64_t value;
        if (!type_numeric_to_int64(number, &value) || value != (int32_t)value)
            return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
        return write_roman(call, &t, value, r);
    }
    if (t.has_exponent)
        return write_exponent(call, &t, number, r);
    if (t.has_shift) {
        if (!shift_number(call, number, t.shifted))
            return false;
        t.before += t.shifted;
    }
    if (number->kind == TYPE_NUMERIC_FINITE)
        type_numeric_round(number, t.after, TYPE_ROUND_HALF_AWAY);
    rdb_strbuf_init(&digits, call->arena);
    type_numeric_format(number, &digits);
    return rdb_strbuf_check(&digits, call->err) && place_number(call, &t, digits.data, r);
}

static bool format_and_clear(rdb_call *call, type_numeric *number, rdb_bytes pattern, rdb_datum *r)
{
    bool ok = format_number(call, number, pattern, r);
    type_numeric_clear(number);
    return ok;
}

static bool format_float(rdb_call *call, double value, int precision, rdb_bytes pattern, rdb_datum *r);

TYPE_ROW_FUNCTION(numeric_to_char, 2)
{
    type_numeric number;
    type_numeric_read(a[0].bytes, &number);
    return format_and_clear(call, &number, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(int4_to_char, 2)
{
    type_numeric number;
    template t;
    if (!parse_template(call, a[1].bytes, &t))
        return false;
    if (t.has_exponent)
        return format_float(call, a[0].i32, DBL_DIG, a[1].bytes, r);
    type_numeric_set_int(&number, a[0].i32, 0);
    return format_and_clear(call, &number, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(int8_to_char, 2)
{
    type_numeric number;
    type_numeric_set_int(&number, a[0].i64, 0);
    return format_and_clear(call, &number, a[1].bytes, r);
}

/* Digits beyond a float's precision are not shown. */
static bool format_float(rdb_call *call, double value, int precision, rdb_bytes pattern, rdb_datum *r)
{
    template t;
    char text[DBL_MAX_10_EXP + 64];
    if (!parse_template(call, pattern, &t))
        return false;
    if (t.is_roman) {
        value = rint(value);
        if (!(value >= INT32_MIN && value <= INT32_MAX))
            return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
        return write_roman(call, &t, (int64_t)value, r);
    }
    if (t.has_exponent) {
        if (isnan(value) || isinf(value))
            return write_special_exponent(call, &t, r);
        snprintf(text, sizeof text, "%+.*e", RDB_MIN(t.after, 40), value);
        text[0] = text[0] == '+' ? ' ' : text[0];
        rdb_strbuf result;
        rdb_strbuf_init(&result, call->arena);
        rdb_strbuf_adds(&result, text);
        return type_take_buffer(call, &result, r);
    }
    if (t.has_shift) {
        value *= pow(10, t.shifted);
        t.before += t.shifted;
    }
    int length = isnan(value) ? 3 : isinf(value) ? 8 : snprintf(text, sizeof text, "%.0f", fabs(value));
    if (length >= precision)
        t.after = 0;
    else if (length + t.after > precision)
        t.after = precision - length;
    if (isnan(value))
        snprintf(text, sizeof text, "NaN");
    else if (isinf(value))
        snprintf(text, sizeof text, value < 0 ? "-Infinity" : "Infinity");
    else
        snprintf(text, sizeof text, "%.*f", t.after, value);
    return place_number(call, &t, text, r);
}

TYPE_ROW_FUNCTION(float8_to_char, 2)
{
    return format_float(call, a[0].f8, DBL_DIG, a[1].bytes, r);
}

TYPE_ROW_FUNCTION(float4_to_char, 2)
{
    return format_float(call, (double)a[0].f4, FLT_DIG, a[1].bytes, r);
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
    if (t.has_exponent || t.is_roman)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "\"%s\" not supported for input", t.has_exponent ? "EEEE" : "RN");
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
            if (t.has_s || (!any && !t.has_mi && !t.has_pl))
                read_sign(&at, end, &negative, &has_sign);
            if (at < end && (type_is_digit(*at) || (*at == '.' && !has_point))) {
                if (*at == '.' && t.items[i].kind != POINT && !t.has_point)
                    break; /* the template ends the number before its point */
                has_point |= *at == '.';
                rdb_strbuf_addc(&number, (char)*at++);
                any = true;
            }
            break;
        case COMMA:
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
        default:
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
    if (t.has_shift && value.kind == TYPE_NUMERIC_FINITE) {
        type_numeric power, quotient;
        type_numeric_set_int(&power, 1, 0);
        if (!shift_number(call, &power, t.shifted))
            return false;
        bool ok = type_numeric_div(call, &value, &power, type_numeric_quotient_scale(&value, &power), true, &quotient);
        type_numeric_clear(&power);
        type_numeric_clear(&value);
        if (!ok)
            return false;
        value = quotient;
    }
    return type_numeric_write(call, &value, r) && (type_numeric_clear(&value), true);
}

static const type_kernel KERNELS[] = {
    {"numeric_to_number", numeric_to_number, F, 0},
    {"numeric_to_char", numeric_to_char, F, 0}, {"int4_to_char", int4_to_char, F, 0}, {"int8_to_char", int8_to_char, F, 0},
    {"float4_to_char", float4_to_char, F, 0}, {"float8_to_char", float8_to_char, F, 0},
};
TYPE_KERNEL_TABLE(type_format_number_table, KERNELS);
