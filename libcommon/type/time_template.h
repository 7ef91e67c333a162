/* SPDX-License-Identifier: Apache-2.0
 * Templates of dates and times ("YYYY-MM-DD"): what to_char writes by, and what to_date, to_timestamp and jsonpath's
 * .datetime() read by. */
#ifndef RDB_TYPE_TIME_TEMPLATE_H
#define RDB_TYPE_TIME_TEMPLATE_H

#include "type/datetime.h"

typedef enum type_time_word {
    TYPE_TIME_AD_DOTS, TYPE_TIME_AD, TYPE_TIME_AM_DOTS, TYPE_TIME_AM, TYPE_TIME_CC, TYPE_TIME_DAY, TYPE_TIME_DDD, TYPE_TIME_DD, TYPE_TIME_DY,
    TYPE_TIME_D, TYPE_TIME_FF, TYPE_TIME_FX, TYPE_TIME_HH24, TYPE_TIME_HH12, TYPE_TIME_HH, TYPE_TIME_IDDD, TYPE_TIME_ID, TYPE_TIME_IW,
    TYPE_TIME_IYYY, TYPE_TIME_IYY, TYPE_TIME_IY, TYPE_TIME_I, TYPE_TIME_J, TYPE_TIME_MI, TYPE_TIME_MM, TYPE_TIME_MONTH, TYPE_TIME_MON,
    TYPE_TIME_MS, TYPE_TIME_OF, TYPE_TIME_Q, TYPE_TIME_RM, TYPE_TIME_SSSS, TYPE_TIME_SS, TYPE_TIME_TZH, TYPE_TIME_TZM, TYPE_TIME_TZ,
    TYPE_TIME_US, TYPE_TIME_WW, TYPE_TIME_W, TYPE_TIME_Y_COMMA, TYPE_TIME_YYYY, TYPE_TIME_YYY, TYPE_TIME_YY, TYPE_TIME_Y
} type_time_word;

typedef enum type_time_part_kind { TYPE_TIME_PART_WORD, TYPE_TIME_PART_SEPARATOR, TYPE_TIME_PART_SPACE, TYPE_TIME_PART_CHARACTER } type_time_part_kind;

typedef struct type_time_part {
    type_time_part_kind kind;
    type_time_word word;
    const char *text;   /* of the word as the template has it, or of one character */
    uint8_t length;
    bool fill, translate;        /* FM, TM before */
    bool ordinal, upper_ordinal; /* TH or th after */
} type_time_part;
typedef struct type_time_template {
    uint32_t count;
    type_time_part *parts;
} type_time_template;

/* In call->arena; parts point into the pattern. is_standard: as SQL/JSON has it, where only certain separators may stand. */
bool type_time_template_parse(rdb_call *call, rdb_bytes pattern, bool is_standard, type_time_template *template);

extern const char *const type_month_names[12], *const type_day_names[7], *const type_roman_months[12];

/* What a text said under a template. */
typedef struct type_time_scan {
    type_civil civil;
    int precision;       /* of FF1 to FF6; 0: none asked for */
    int32_t west;        /* seconds, where has_zone */
    bool has_zone;       /* the text had one */
    bool is_dated, is_timed, is_zoned; /* the template has such fields */
} type_time_scan;
bool type_time_scan_text(rdb_call *call, rdb_bytes text, rdb_bytes pattern, bool is_standard, type_time_scan *scan);

#endif
