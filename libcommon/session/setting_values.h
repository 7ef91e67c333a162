/* SPDX-License-Identifier: Apache-2.0
 * What is known of each setting, and its values read from text. */
#ifndef RDB_SETTING_VALUES_H
#define RDB_SETTING_VALUES_H

#include "type/rdb_type.h"

enum { KIND_BOOL, KIND_INT, KIND_REAL, KIND_TEXT, KIND_ENUM };
enum { UNIT_NONE, UNIT_MS, UNIT_S, UNIT_MIN, UNIT_KB, UNIT_BLOCKS, UNIT_BYTES, UNIT_MB };
/* Who may change it: FIXED nobody, HOST a new start of the server, RELOAD a new reading of its configuration, START a new
 * session, SUPER superusers alone. ONLY_DEFAULT: another value would change what statements mean, and is not built. */
enum { REPORT = 1, FIXED = 2, HOST = 4, RELOAD = 8, START = 16, SUPER = 32, ONLY_DEFAULT = 64 };

typedef struct setting_entry {
    const char *name;
    uint8_t kind, unit, flags;
    const char *boot_value;
    double min, max;
    const char *values, *description;
} setting_entry;

bool setting_read_bool(const char *text, bool *value);
/* In the setting's own unit; units of the same kind may follow the number. 22023 otherwise, or beyond min and max. */
RDB_CHECKED bool setting_read_number(const setting_entry *setting, const char *text, double *value, rdb_error *err);
/* Overwrites text, which has the value as it is, where it has a unit: in the largest one that leaves it whole. */
void setting_show_number(const setting_entry *setting, const char *value, char *text, size_t size);
/* Writes the listed spelling of value. False: not in the list. */
bool setting_read_enum(const char *values, const char *value, char *spelling, size_t size);
RDB_CHECKED bool setting_read_date_style(const char *text, rdb_format_settings *format, char canonical[64], rdb_error *err);

#endif
