/* SPDX-License-Identifier: Apache-2.0
 * Where recovery stops: data/recovery.conf read and written, and the judgement of a record. A moment is always told with its zone: a
 * restore to the wrong hour is the classic accident. */
#include "upkeep_int.h"

#include "txn/rdb_txn.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_US (INT64_C(86400) * 1000000)

/* ---- moments -------------------------------------------------------------------------------------------------------- */

/* Days since 2000-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1, days = past * 365 + past / 4 - past / 100 + past / 400;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days + before[month - 1] + (month > 2 && leap) + day - 1 - 730119;
}

static unsigned days_in(int64_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Exactly so many digits. */
static bool take_number(const char **text, unsigned digits, unsigned *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return false;
        *value = *value * 10 + (unsigned)(**text - '0');
    }
    return true;
}

static bool take(const char **text, const char *any_of)
{
    if (**text == '\0' || strchr(any_of, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static bool take_zone(const char **text, int64_t *offset_s)
{
    unsigned hours = 0, minutes = 0, seconds = 0;
    bool behind = **text == '-';
    *offset_s = 0;
    if (take(text, "Zz"))
        return true;
    if (strncasecmp(*text, "UTC", 3) == 0 || strncasecmp(*text, "GMT", 3) == 0) {
        *text += 3;
        return true;
    }
    if (!take(text, "+-") || !take_number(text, 2, &hours))
        return false;
    if (take(text, ":") ? !take_number(text, 2, &minutes) : isdigit((unsigned char)**text) && !take_number(text, 2, &minutes))
        return false;
    if (take(text, ":") && !take_number(text, 2, &seconds))
        return false;
    *offset_s = ((int64_t)hours * 60 + minutes) * 60 + seconds;
    if (behind)
        *offset_s = -*offset_s;
    return hours <= 15 && minutes < 60 && seconds < 60;
}

bool rdb_recovery_parse_time(const char *text, int64_t *time_us, rdb_error *err)
{
    const char *at = text;
    unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0, zone_s = 0;
    *time_us = 0;
    bool ok = take_number(&at, 4, &year) && take(&at, "-") && take_number(&at, 2, &month) && take(&at, "-") && take_number(&at, 2, &day) &&
              take(&at, " Tt") && take_number(&at, 2, &hour) && take(&at, ":") && take_number(&at, 2, &minute);
    if (ok && take(&at, ":"))
        ok = take_number(&at, 2, &second);
    if (ok && take(&at, ".,")) {
        int64_t unit = 100000;
        ok = isdigit((unsigned char)*at);
        for (; ok && isdigit((unsigned char)*at); at++, unit /= 10)
            fraction += unit * (*at - '0');
    }
    ok = ok && year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month) && hour < 24 && minute < 60 && second <= 60;
    while (ok && *at == ' ')
        at++;
    if (ok && *at == '\0') {
        rdb_error_set(err, RDB_DATETIME_FIELD_OVERFLOW, "the moment \"%s\" has no time zone", text);
        return rdb_error_hint(err, "Write it as \"%.19s+00\", or with the offset of your zone.", text);
    }
    ok = ok && take_zone(&at, &zone_s) && *at == '\0';
    if (!ok) {
        rdb_error_set(err, RDB_INVALID_DATETIME_FORMAT, "invalid moment: \"%s\"", text);
        return rdb_error_hint(err, "A moment is a date, a time and a zone, such as \"2026-11-21 14:03:00+00\".");
    }
    *time_us = days_of(year, month, day) * DAY_US + (((int64_t)hour * 60 + minute) * 60 + second - zone_s) * 1000000 + fraction;
    return true;
}

/* In UTC, "2026-11-21 14:03:00.5+00". */
static void print_time(int64_t time_us, char text[48])
{
    int64_t days = time_us / DAY_US, rest = time_us % DAY_US, year = 0;
    unsigned month = 1;
    if (rest < 0)
        days--, rest += DAY_US;
    year = 2000 + days * 400 / 146097;
    while (days_of(year, 1, 1) > days)
        year--;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && days_of(year, month + 1, 1) <= days)
        month++;
    int64_t second = rest / 1000000;
    int length = snprintf(text, 48, "%04lld-%02u-%02lld %02lld:%02lld:%02lld", (long long)year, month, (long long)(days - days_of(year, month, 1) + 1),
                          (long long)(second / 3600), (long long)(second / 60 % 60), (long long)(second % 60));
    if (rest % 1000000 != 0) {
        length += snprintf(text + length, 48 - (size_t)length, ".%06lld", (long long)(rest % 1000000));
        while (text[length - 1] == '0')
            length--;
    }
    snprintf(text + length, 48 - (size_t)length, "+00");
}

/* ---- data/recovery.conf ----------------------------------------------------------------------------------------------- */

static bool parse_u64(const char *text, uint64_t *value)
{
    char *end = NULL;
    if (!isdigit((unsigned char)text[0]))
        return false;
    *value = strtoull(text, &end, 10);
    return *end == '\0';
}

static bool parse_lsn(const char *text, rdb_lsn *lsn)
{
    char *end = NULL;
    if (!isxdigit((unsigned char)text[0]))
        return false;
    uint64_t high = strtoull(text, &end, 16);
    if (end == text || *end != '/' || high > UINT32_MAX || !isxdigit((unsigned char)end[1]))
        return false;
    uint64_t low = strtoull(end + 1, &end, 16);
    *lsn = high << 32 | low;
    return *end == '\0' && low <= UINT32_MAX;
}

static bool parse_switch(const char *text, bool *value)
{
    static const char *const words[2][4] = {{"off", "false", "no", "0"}, {"on", "true", "yes", "1"}};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            if (strcasecmp(text, words[i][j]) == 0) {
                *value = i == 1;
                return true;
            }
    return false;
}

static bool set_kind(rdb_recovery_target *target, rdb_target_kind kind, rdb_error *err)
{
    if (target->kind != RDB_TARGET_END)
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "only one recovery target may be set");
    target->kind = kind;
    return true;
}

static bool invalid(const char *key, const char *value, rdb_error *err)
{
    return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "invalid value for parameter \"%s\": \"%s\"", key, value);
}

static bool take_key(rdb_recovery_target *target, const char *key, const char *value, rdb_error *err)
{
    bool is_on = false;
    uint64_t number = 0;
    if (strcmp(key, "restore_directory") == 0) {
        size_t length = strlen(value);
        if (length >= sizeof target->archive_directory)
            return invalid(key, value, err);
        memcpy(target->archive_directory, value, length + 1);
        return true;
    }
    if (strcmp(key, "recovery_target_time") == 0)
        return set_kind(target, RDB_TARGET_TIME, err) && rdb_recovery_parse_time(value, &target->time_us, err);
    if (strcmp(key, "recovery_target_scn") == 0)
        return set_kind(target, RDB_TARGET_SCN, err) && (parse_u64(value, &target->scn) || invalid(key, value, err));
    if (strcmp(key, "recovery_target_xid") == 0 || strcmp(key, "recovery_target_txid") == 0) {
        const char *colon = strchr(value, ':');
        char pdb[16] = "";
        if (colon != NULL && (size_t)(colon - value) < sizeof pdb)
            memcpy(pdb, value, (size_t)(colon - value));
        if (colon != NULL && (!parse_u64(pdb, &number) || number > UINT32_MAX))
            return invalid(key, value, err);
        target->pdb = (uint32_t)number;
        return set_kind(target, RDB_TARGET_XID, err) && (parse_u64(colon != NULL ? colon + 1 : value, &target->xid) || invalid(key, value, err));
    }
    if (strcmp(key, "recovery_target_lsn") == 0)
        return set_kind(target, RDB_TARGET_LSN, err) && (parse_lsn(value, &target->lsn) || invalid(key, value, err));
    if (strcmp(key, "recovery_target_name") == 0) {
        size_t length = strlen(value);
        if (length == 0 || length > RDB_RESTORE_POINT_BYTES_MAX)
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "recovery_target_name is empty or too long (maximum %u characters)", RDB_RESTORE_POINT_BYTES_MAX);
        memcpy(target->name, value, length + 1);
        return set_kind(target, RDB_TARGET_NAME, err);
    }
    if (strcmp(key, "recovery_target") == 0)
        return strcmp(value, "immediate") == 0 ? set_kind(target, RDB_TARGET_IMMEDIATE, err) : invalid(key, value, err);
    if (strcmp(key, "recovery_target_inclusive") == 0) {
        bool ok = parse_switch(value, &is_on);
        target->exclusive = !is_on;
        return ok || invalid(key, value, err);
    }
    if (strcmp(key, "recovery_target_timeline") == 0) {
        if (strcmp(value, "latest") == 0 || strcmp(value, "current") == 0) {
            target->timeline = value[0] == 'l' ? 0 : RDB_TIMELINE_CURRENT;
            return true;
        }
        bool ok = parse_u64(value, &number) && number > 0 && number < RDB_TIMELINE_CURRENT;
        target->timeline = (uint32_t)number;
        return ok || invalid(key, value, err);
    }
    if (strcmp(key, "recovery_target_action") == 0) {
        target->shut_down = strcmp(value, "shutdown") == 0;
        if (strcmp(value, "pause") == 0)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "recovery cannot pause at its target: nobody could look at it yet");
        return target->shut_down || strcmp(value, "promote") == 0 || invalid(key, value, err);
    }
    rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "unrecognized recovery parameter \"%s\"", key);
    return rdb_error_hint(err, "The parameters are restore_directory and those that begin with recovery_target.");
}

/* Cuts "key = 'value'" apart in place; false: it is neither that nor empty. *key NULL: nothing stands here. */
static bool split_line(char *line, char **key, char **value)
{
    char *at = line, *target;
    *key = *value = NULL;
    while (isspace((unsigned char)*at))
        at++;
    if (*at == '\0' || *at == '#')
        return true;
    *key = at;
    while (*at == '_' || isalnum((unsigned char)*at))
        at++;
    char *key_end = at;
    while (isspace((unsigned char)*at))
        at++;
    if (*at == '=')
        at++;
    else if (at == key_end)
        return false;
    *key_end = '\0';
    while (isspace((unsigned char)*at))
        at++;
    *value = target = at;
    if (*at == '\'') {
        for (at++; *at != '\0' && (*at != '\'' || at[1] == '\''); at++) {
            at += *at == '\'';
            *target++ = *at;
        }
        if (*at++ != '\'')
            return false;
        char *rest = at;
        while (isspace((unsigned char)*rest))
            rest++;
        *target = '\0';
        return *rest == '\0' || *rest == '#';
    }
    while (*at != '\0' && *at != '#' && !isspace((unsigned char)*at))
        at++;
    while (isspace((unsigned char)*at))
        *at++ = '\0';
    bool ok = *at == '\0' || *at == '#';
    *at = '\0';
    return ok && **value != '\0';
}

bool rdb_recovery_target_read(const char *home, rdb_recovery_target *target, bool *found, rdb_error *err)
{
    uint32_t crc = 0;
    return target_read(home, target, &crc, found, err);
}

bool target_read(const char *home, rdb_recovery_target *target, uint32_t *crc, bool *found, rdb_error *err)
{
    enum { BYTES_MAX = 64 << 10 };
    char path[1200];
    rdb_slice content = {0};
    *target = (rdb_recovery_target){0};
    *found = false;
    *crc = 0;
    if (!rdb_instance_path(home, "data/recovery.conf", path, sizeof path, err))
        return false;
    if (!rdb_path_exists(path))
        return true;
    rdb_arena *arena = rdb_arena_create("recovery.conf", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_read(path, arena, &content, BYTES_MAX, err);
    char *text = ok ? rdb_arena_printf(arena, "%.*s", (int)content.length, (const char *)content.data) : NULL;
    ok = ok && rdb_arena_check(arena, err);
    unsigned line_no = 0;
    *crc = ok ? rdb_crc32c(0, content.data, content.length) | 1 : 0; /* never 0 */
    for (char *rest = text, *line = NULL, *key, *value; ok && (line = strsep(&rest, "\n")) != NULL;) {
        line_no++;
        ok = split_line(line, &key, &value) || rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "a line is not of the form key = 'value'");
        ok = ok && (key == NULL || take_key(target, key, value, err));
        if (!ok)
            rdb_error_detail(err, "File \"%s\", line %u.", path, line_no);
    }
    *found = ok;
    rdb_arena_destroy(arena);
    return ok;
}

static void add_line(rdb_strbuf *text, const char *key, const char *value)
{
    rdb_strbuf_addf(text, "%s = '", key);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\'')
            rdb_strbuf_addc(text, '\'');
        rdb_strbuf_addc(text, *c);
    }
    rdb_strbuf_adds(text, "'\n");
}

static void target_value(const rdb_recovery_target *target, const char **key, char value[80])
{
    *key = NULL;
    switch (target->kind) {
    case RDB_TARGET_END: return;
    case RDB_TARGET_IMMEDIATE: *key = "recovery_target", snprintf(value, 80, "immediate"); return;
    case RDB_TARGET_TIME: *key = "recovery_target_time", print_time(target->time_us, value); return;
    case RDB_TARGET_SCN: *key = "recovery_target_scn", snprintf(value, 80, "%llu", (unsigned long long)target->scn); return;
    case RDB_TARGET_LSN: *key = "recovery_target_lsn", snprintf(value, 80, "%X/%X", (unsigned)(target->lsn >> 32), (unsigned)target->lsn); return;
    case RDB_TARGET_NAME: *key = "recovery_target_name", snprintf(value, 80, "%s", target->name); return;
    case RDB_TARGET_XID:
        *key = "recovery_target_xid";
        if (target->pdb != 0)
            snprintf(value, 80, "%u:%llu", target->pdb, (unsigned long long)target->xid);
        else
            snprintf(value, 80, "%llu", (unsigned long long)target->xid);
        return;
    }
}

bool rdb_recovery_target_write(const char *home, const rdb_recovery_target *target, rdb_error *err)
{
    char path[1200], value[80], number[16];
    const char *key = NULL;
    rdb_strbuf text;
    if (!rdb_instance_path(home, "data/recovery.conf", path, sizeof path, err))
        return false;
    rdb_strbuf_init(&text, NULL);
    if (target->archive_directory[0] != '\0')
        add_line(&text, "restore_directory", target->archive_directory);
    target_value(target, &key, value);
    if (key != NULL)
        add_line(&text, key, value);
    add_line(&text, "recovery_target_inclusive", target->exclusive ? "off" : "on");
    snprintf(number, sizeof number, "%u", target->timeline);
    add_line(&text, "recovery_target_timeline", target->timeline == 0 ? "latest" : target->timeline == RDB_TIMELINE_CURRENT ? "current" : number);
    add_line(&text, "recovery_target_action", target->shut_down ? "shutdown" : "promote");
    bool ok = rdb_strbuf_check(&text, err) && rdb_path_write_atomic(path, text.data, text.length, 0600, err);
    rdb_strbuf_free(&text);
    return ok;
}

void rdb_recovery_target_describe(const rdb_recovery_target *target, char text[160])
{
    static const char *const names[] = {"to the end of the log", "to the first consistent point", "to time", "to SCN", "to xid", "to LSN", "to restore point"};
    char value[80] = "";
    const char *key = NULL;
    target_value(target, &key, value);
    bool has_sides = target->kind == RDB_TARGET_TIME || target->kind == RDB_TARGET_SCN || target->kind == RDB_TARGET_XID || target->kind == RDB_TARGET_LSN;
    if (target->kind == RDB_TARGET_END || target->kind == RDB_TARGET_IMMEDIATE)
        snprintf(text, 160, "%s", names[target->kind]);
    else
        snprintf(text, 160, target->kind == RDB_TARGET_NAME ? "%s \"%s\"%s" : "%s %s%s", names[target->kind], value,
                 !has_sides ? "" : target->exclusive ? ", exclusive" : ", inclusive");
}

/* ---- the judgement ------------------------------------------------------------------------------------------------------ */

stop_verdict target_judge(const rdb_recovery_target *target, const rdb_wal_record *record, uint32_t page_bytes)
{
    rdb_txn_end end;
    switch (target->kind) {
    case RDB_TARGET_END:
    case RDB_TARGET_IMMEDIATE: /* the caller knows when that is */
        return STOP_NOT;
    case RDB_TARGET_LSN:
        return record->lsn < target->lsn ? STOP_NOT : target->exclusive ? STOP_BEFORE : STOP_BEHIND;
    case RDB_TARGET_NAME:
        if (record->resource != RDB_RESOURCE_WAL || record->operation != RDB_WAL_OP_RESTORE_POINT || record->data_bytes < 8)
            return STOP_NOT;
        return strlen(target->name) == record->data_bytes - 8 && memcmp(target->name, record->data + 8, record->data_bytes - 8) == 0 ? STOP_BEHIND : STOP_NOT;
    case RDB_TARGET_XID:
        if (!rdb_txn_record_is_end(record, page_bytes, &end) || end.xid != target->xid || (target->pdb != 0 && end.pdb != target->pdb))
            return STOP_NOT;
        return target->exclusive ? STOP_BEFORE : STOP_BEHIND;
    case RDB_TARGET_TIME:
        /* Marks that bear a time prove like a commit that the moment is past. */
        if (record->resource == RDB_RESOURCE_WAL && record->operation == RDB_WAL_OP_RESTORE_POINT && record->data_bytes >= 8)
            end = (rdb_txn_end){.committed = true, .wall_us = (int64_t)rdb_get_u64(record->data)};
        else if (record->resource == RDB_RESOURCE_WAL && record->operation == RDB_WAL_OP_CHECKPOINT && record->data_bytes >= 16)
            end = (rdb_txn_end){.committed = true, .wall_us = (int64_t)rdb_get_u64(record->data + 8)};
        else if (!rdb_txn_record_is_end(record, page_bytes, &end) || !end.committed)
            return STOP_NOT;
        return end.wall_us > target->time_us || (target->exclusive && end.wall_us == target->time_us) ? STOP_BEFORE : STOP_NOT;
    case RDB_TARGET_SCN:
        if (!rdb_txn_record_is_end(record, page_bytes, &end) || !end.committed)
            return STOP_NOT;
        if (end.scn == target->scn && !target->exclusive)
            return STOP_BEHIND;
        return end.scn >= target->scn ? STOP_BEFORE : STOP_NOT;
    }
    return STOP_NOT;
}

bool target_missed(const rdb_recovery_target *target, rdb_lsn end_lsn, rdb_error *err)
{
    char text[160];
    rdb_recovery_target_describe(target, text);
    rdb_error_set(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery ended before configured recovery target was reached");
    rdb_error_detail(err, "The log ends at %X/%X; recovery was asked for %s.", (unsigned)(end_lsn >> 32), (unsigned)end_lsn, text);
    return rdb_error_hint(err, "Provide the log that is missing, or choose a target before its end, in data/recovery.conf.");
}
