/* SPDX-License-Identifier: Apache-2.0
 * See setting_values.h. */
#include "session/setting_values.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool setting_read_bool(const char *text, bool *value)
{
    static const struct { const char *text; size_t shortest; bool value; } WORDS[] = {
        {"on", 2, true}, {"off", 2, false}, {"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false}, {"1", 1, true}, {"0", 1, false}};
    size_t length = strlen(text);
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++)
        if (length >= WORDS[i].shortest && length <= strlen(WORDS[i].text) && strncasecmp(text, WORDS[i].text, length) == 0) {
            *value = WORDS[i].value;
            return true;
        }
    return false;
}

/* Units of memory in bytes, of time in microseconds. */
static const struct { const char *name; double size; bool is_time; } UNITS[] = {
    {"B", 1, false}, {"kB", 1024, false}, {"MB", 1048576, false}, {"GB", 1073741824.0, false}, {"TB", 1099511627776.0, false},
    {"us", 1, true}, {"ms", 1e3, true}, {"s", 1e6, true}, {"min", 6e7, true}, {"h", 3.6e9, true}, {"d", 8.64e10, true}};

static double base_unit(uint8_t unit, bool *is_time)
{
    *is_time = unit == UNIT_MS || unit == UNIT_S || unit == UNIT_MIN;
    switch (unit) {
    case UNIT_MS:
        return 1e3;
    case UNIT_S:
        return 1e6;
    case UNIT_MIN:
        return 6e7;
    case UNIT_KB:
        return 1024;
    case UNIT_BLOCKS:
        return 8192;
    case UNIT_MB:
        return 1048576;
    default:
        return 1;
    }
}

bool setting_read_number(const setting_entry *setting, const char *text, double *value, rdb_error *err)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || isnan(number))
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": \"%s\"", setting->name, text);
    while (isspace((unsigned char)*end))
        end++;
    if (*end != '\0') {
        bool is_time, known = false;
        double base = base_unit(setting->unit, &is_time);
        for (size_t i = 0; i < RDB_COUNT_OF(UNITS) && setting->unit != UNIT_NONE; i++)
            if (strcmp(end, UNITS[i].name) == 0 && UNITS[i].is_time == is_time) {
                number = number * UNITS[i].size / base;
                known = true;
            }
        if (!known) {
            rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": \"%s\"", setting->name, text);
            if (setting->unit != UNIT_NONE)
                rdb_error_hint(err, is_time ? "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
                                            : "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".");
            return false;
        }
    }
    if (setting->kind == KIND_INT)
        number = rint(number);
    if (number < setting->min || number > setting->max)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "%g%s is outside the valid range for parameter \"%s\" (%.10g .. %.10g)", number,
                             setting->unit == UNIT_MS   ? " ms"
                             : setting->unit == UNIT_KB ? " kB"
                             : setting->unit == UNIT_S  ? " s"
                                                        : "",
                             setting->name, setting->min, setting->max);
    *value = number;
    return true;
}

bool setting_read_enum(const char *values, const char *value, char *spelling, size_t size)
{
    size_t length = strlen(value);
    for (const char *at = values; *at != '\0';) {
        size_t word = strcspn(at, ",");
        if (word == length && strncasecmp(at, value, word) == 0) {
            snprintf(spelling, size, "%.*s", (int)word, at);
            return true;
        }
        at += word;
        at += strspn(at, ", ");
    }
    return false;
}

bool setting_read_date_style(const char *text, rdb_format_settings *format, char canonical[64], rdb_error *err)
{
    static const char *const STYLES[] = {"ISO", "SQL", "Postgres", "German"}, *const ORDERS[] = {"MDY", "DMY", "YMD"};
    char copy[64], *rest = copy;
    char unknown[64] = "";
    bool ok = strlen(text) < sizeof copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; ok && (word = strsep(&rest, ", ")) != NULL;) {
        bool known = word[0] == '\0' || strcasecmp(word, "default") == 0;
        for (int i = 0; i < 4; i++)
            if (strcasecmp(word, STYLES[i]) == 0) {
                format->date_style = i;
                if (i == RDB_DATESTYLE_GERMAN)
                    format->date_order = RDB_DATEORDER_DMY;
                known = true;
            }
        for (int i = 0; i < 3; i++)
            if (strcasecmp(word, ORDERS[i]) == 0) {
                format->date_order = i;
                known = true;
            }
        if (strcasecmp(word, "euro") == 0 || strcasecmp(word, "european") == 0) {
            format->date_order = RDB_DATEORDER_DMY;
            known = true;
        } else if (strcasecmp(word, "us") == 0 || strcasecmp(word, "noneuro") == 0 || strcasecmp(word, "noneuropean") == 0) {
            format->date_order = RDB_DATEORDER_MDY;
            known = true;
        }
        ok = known;
        for (size_t i = 0; !ok && i <= strlen(word); i++)
            unknown[i] = (char)tolower((unsigned char)word[i]);
    }
    if (!ok) {
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"DateStyle\": \"%s\"", text);
        return unknown[0] == '\0' || rdb_error_detail(err, "Unrecognized key word: \"%s\".", unknown);
    }
    snprintf(canonical, 64, "%s, %s", STYLES[format->date_style], ORDERS[format->date_order]);
    return true;
}

void setting_show_number(const setting_entry *setting, const char *value, char *text, size_t size)
{
    double number = (setting->kind == KIND_INT || setting->kind == KIND_REAL) && setting->unit != UNIT_NONE ? strtod(value, NULL) : 0;
    if (number <= 0)
        return;
    bool is_time;
    double whole = number * base_unit(setting->unit, &is_time);
    if (fabs(whole - rint(whole)) < 1e-6 * whole)
        whole = rint(whole); /* 80.1 ms are 80100 us, though not quite in binary */
    for (size_t i = RDB_COUNT_OF(UNITS); i-- > 0;)
        if (UNITS[i].is_time == is_time && fmod(whole, UNITS[i].size) == 0) {
            snprintf(text, size, "%.0f%s", whole / UNITS[i].size, UNITS[i].name);
            return;
        }
}
