/* SPDX-License-Identifier: Apache-2.0
 * A reader of TZif files (RFC 8536) and of POSIX zone strings. A zone is read once, cached for the process under the name
 * it was asked by, and never changes afterwards. The rule at the end of a TZif file is unrolled over one 400-year cycle
 * of the calendar, so that a look-up is a binary search for any instant. */
#include "type/timezone.h"
#include "type/datetime.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define CYCLE_SECONDS INT64_C(12622780800) /* 400 years */
#define TYPES_MAX 256

typedef struct zone_type {
    int32_t offset;
    bool is_dst;
    char abbreviation[12];
} zone_type;

struct rdb_timezone {
    char name[128];
    uint32_t transition_count, type_count;
    int64_t *at;       /* ascending */
    uint8_t *to;       /* type from that instant on */
    uint8_t first;     /* type before the first transition */
    bool has_cycle;    /* the last 400 years of transitions repeat */
    zone_type types[TYPES_MAX];
};

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static rdb_map *cache; /* guarded by cache_lock; zones inside are immutable */

/* ---- POSIX strings ------------------------------------------------------------------------------------------------------ */
typedef struct posix_date { /* when a rule changes the offset */
    enum { JULIAN, DAY_OF_YEAR, MONTH_WEEK_DAY } kind;
    int day, week, month;
    int32_t seconds; /* of the local day */
} posix_date;

typedef struct posix_zone {
    zone_type standard, daylight;
    bool has_daylight;
    posix_date start, end;
} posix_zone;

static bool posix_name(const char **at, char *name)
{
    size_t length = 0;
    if (**at == '<') {
        for (++*at; **at != '>' && **at != '\0'; ++*at) {
            if (length < 11)
                name[length++] = **at;
        }
        if (**at != '>')
            return false;
        ++*at;
    } else {
        for (; (**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z'); ++*at) {
            if (length < 11)
                name[length++] = **at;
        }
    }
    name[length] = '\0';
    return true;
}

static bool posix_number(const char **at, int max, int *number)
{
    if (!type_is_digit(**at))
        return false;
    *number = 0;
    for (; type_is_digit(**at); ++*at) {
        *number = *number * 10 + (**at - '0');
        if (*number > max)
            return false;
    }
    return true;
}

static bool posix_time(const char **at, int32_t *seconds)
{
    int sign = **at == '-' ? -1 : 1, hours, minutes = 0, rest = 0;
    if (**at == '-' || **at == '+')
        ++*at;
    if (!posix_number(at, 167, &hours))
        return false;
    if (**at == ':' && (++*at, !posix_number(at, 59, &minutes)))
        return false;
    if (**at == ':' && (++*at, !posix_number(at, 59, &rest)))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool posix_rule(const char **at, posix_date *date)
{
    if (**at == 'J') {
        ++*at;
        date->kind = JULIAN;
        if (!posix_number(at, 365, &date->day) || date->day < 1)
            return false;
    } else if (**at == 'M') {
        ++*at;
        date->kind = MONTH_WEEK_DAY;
        if (!posix_number(at, 12, &date->month) || date->month < 1 || *(*at)++ != '.' || !posix_number(at, 5, &date->week) ||
            date->week < 1 || *(*at)++ != '.' || !posix_number(at, 6, &date->day))
            return false;
    } else {
        date->kind = DAY_OF_YEAR;
        if (!posix_number(at, 365, &date->day))
            return false;
    }
    date->seconds = 7200;
    if (**at == '/') {
        ++*at;
        return posix_time(at, &date->seconds);
    }
    return true;
}

static bool parse_posix(const char *text, posix_zone *zone)
{
    memset(zone, 0, sizeof *zone);
    const char *at = text;
    int32_t west;
    if (!posix_name(&at, zone->standard.abbreviation) || !posix_time(&at, &west))
        return false;
    zone->standard.offset = -west;
    if (*at == '\0')
        return true;
    zone->has_daylight = true;
    zone->daylight.is_dst = true;
    if (!posix_name(&at, zone->daylight.abbreviation) || zone->daylight.abbreviation[0] == '\0')
        return false;
    zone->daylight.offset = zone->standard.offset + 3600;
    if (*at != '\0' && *at != ',') {
        if (!posix_time(&at, &west))
            return false;
        zone->daylight.offset = -west;
    }
    const char *rules = *at == ',' ? at + 1 : "M3.2.0,M11.1.0";
    if (!posix_rule(&rules, &zone->start) || *rules++ != ',' || !posix_rule(&rules, &zone->end))
        return false;
    return *rules == '\0';
}

/* Seconds since 1970 of the rule's local moment in that year, as if local time were UTC. */
static int64_t rule_in_year(const posix_date *date, int year)
{
    bool leap = type_is_leap_year(year);
    int64_t first = type_days_from_civil(year, 1, 1) + RDB_UNIX_EPOCH_DAYS; /* days since 1970 */
    int64_t day;
    if (date->kind == JULIAN) {
        day = first + date->day - 1 + (leap && date->day >= 60);
    } else if (date->kind == DAY_OF_YEAR) {
        day = first + date->day;
    } else {
        int64_t month = type_days_from_civil(year, date->month, 1) + RDB_UNIX_EPOCH_DAYS;
        int weekday = (int)(((month + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        int to_first = (date->day - weekday + 7) % 7;
        day = month + to_first + 7 * (date->week - 1);
        while (day - month >= type_days_in_month(year, date->month))
            day -= 7;
    }
    return day * 86400 + date->seconds;
}

/* ---- TZif ------------------------------------------------------------------------------------------------------------------ */
static uint8_t add_type(rdb_timezone *zone, const zone_type *type)
{
    for (uint32_t i = 0; i < zone->type_count; i++) {
        if (zone->types[i].offset == type->offset && zone->types[i].is_dst == type->is_dst &&
            strcmp(zone->types[i].abbreviation, type->abbreviation) == 0)
            return (uint8_t)i;
    }
    if (zone->type_count < TYPES_MAX)
        zone->types[zone->type_count++] = *type;
    return (uint8_t)(zone->type_count - 1);
}

/* Transitions of a rule from the year of `after` through a whole cycle. */
static bool unroll(rdb_timezone *zone, const posix_zone *rule, int64_t after)
{
    uint8_t standard = add_type(zone, &rule->standard);
    if (!rule->has_daylight) {
        if (zone->transition_count == 0)
            zone->first = standard;
        return true;
    }
    uint8_t summer = add_type(zone, &rule->daylight);
    int year, month, day;
    int64_t days = after == INT64_MIN ? type_days_from_civil(1970, 1, 1) : after / 86400 - RDB_UNIX_EPOCH_DAYS;
    type_civil_from_days(days, &year, &month, &day);
    uint32_t room = zone->transition_count + 2 * 402;
    int64_t *at = realloc(zone->at, sizeof *at * room);
    if (at == NULL)
        return false;
    zone->at = at;
    uint8_t *to = realloc(zone->to, room);
    if (to == NULL)
        return false;
    zone->to = to;
    if (zone->transition_count == 0)
        zone->first = standard;
    for (int y = year; y <= year + 400; y++) {
        int64_t start = rule_in_year(&rule->start, y) - rule->standard.offset;
        int64_t end = rule_in_year(&rule->end, y) - rule->daylight.offset;
        bool start_first = start < end;
        int64_t moments[2] = {start_first ? start : end, start_first ? end : start};
        uint8_t kinds[2] = {start_first ? summer : standard, start_first ? standard : summer};
        for (int i = 0; i < 2; i++) {
            if (after != INT64_MIN && moments[i] <= after)
                continue;
            zone->at[zone->transition_count] = moments[i];
            zone->to[zone->transition_count++] = kinds[i];
        }
    }
    zone->has_cycle = true;
    return true;
}

static bool parse_tzif(rdb_timezone *zone, const uint8_t *bytes, size_t length)
{
    const uint8_t *at = bytes, *end = bytes + length;
    for (int pass = 0; pass < 2; pass++) {
        if (end - at < 44 || memcmp(at, "TZif", 4) != 0)
            return false;
        uint8_t version = at[4];
        uint64_t utc_count = type_be32(at + 20), std_count = type_be32(at + 24), leap_count = type_be32(at + 28),
                 time_count = type_be32(at + 32), type_count = type_be32(at + 36), char_count = type_be32(at + 40);
        size_t width = pass == 0 ? 4 : 8;
        uint64_t body = time_count * width + time_count + type_count * 6 + char_count + leap_count * (width + 4) + std_count + utc_count;
        at += 44;
        if (body > (uint64_t)(end - at) || type_count == 0 || type_count > TYPES_MAX || (pass == 0 && version < '2'))
            return false;
        if (pass == 0) {
            at += body;
            continue;
        }
        const uint8_t *times = at, *kinds = at + time_count * 8, *types = kinds + time_count,
                      *names = types + type_count * 6;
        zone->type_count = (uint32_t)type_count;
        for (uint64_t i = 0; i < type_count; i++) {
            zone_type *type = &zone->types[i];
            type->offset = (int32_t)type_be32(types + i * 6);
            type->is_dst = types[i * 6 + 4] != 0;
            for (uint64_t k = 0, from = types[i * 6 + 5]; k < 11 && from + k < char_count && names[from + k] != 0; k++)
                type->abbreviation[k] = (char)names[from + k];
        }
        zone->at = malloc(sizeof *zone->at * (time_count + 1));
        zone->to = malloc(time_count + 1);
        if (zone->at == NULL || zone->to == NULL)
            return false;
        for (uint64_t i = 0; i < time_count; i++) {
            zone->at[i] = (int64_t)type_be64(times + i * 8);
            zone->to[i] = kinds[i];
            if (kinds[i] >= type_count || (i > 0 && zone->at[i] <= zone->at[i - 1]))
                return false;
        }
        zone->transition_count = (uint32_t)time_count;
        at += body;
        if (end - at > 2 && at[0] == '\n') {
            char footer[128];
            size_t size = 0;
            for (at++; at < end && *at != '\n' && size < sizeof footer - 1; at++)
                footer[size++] = (char)*at;
            footer[size] = '\0';
            posix_zone rule;
            if (size > 0 && parse_posix(footer, &rule))
                return unroll(zone, &rule, time_count > 0 ? zone->at[time_count - 1] : INT64_MIN);
        }
    }
    return true;
}

/* The file's path with the letters' case as on disk. */
static bool find_path(const char *name, char *path, size_t size)
{
    size_t used = (size_t)snprintf(path, size, "%s", ZONE_DIRECTORY);
    if (name[0] == '\0' || name[0] == '/' || name[0] == '.' || strstr(name, "..") != NULL || strlen(name) > 100)
        return false;
    while (*name != '\0') {
        size_t length = strcspn(name, "/");
        DIR *directory = opendir(path);
        bool found = false;
        if (directory == NULL)
            return false;
        for (struct dirent *entry; !found && (entry = readdir(directory)) != NULL;) {
            rdb_slice part = {.data = (const uint8_t *)name, .length = length};
            if (type_equals_ignoring_case(part, entry->d_name)) {
                used += (size_t)snprintf(path + used, size - used, "/%s", entry->d_name);
                found = true;
            }
        }
        closedir(directory);
        if (!found)
            return false;
        name += length + (name[length] == '/');
    }
    return true;
}

static void free_zone(rdb_timezone *zone)
{
    free(zone->at);
    free(zone->to);
    free(zone);
}

static rdb_timezone *load_file(const char *name)
{
    char path[512];
    struct stat info;
    if (!find_path(name, path, sizeof path))
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    rdb_timezone *zone = NULL;
    uint8_t *bytes = NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 44 && info.st_size < 1 << 20) {
        bytes = malloc((size_t)info.st_size);
        zone = calloc(1, sizeof *zone);
        if (bytes == NULL || zone == NULL || read(fd, bytes, (size_t)info.st_size) != info.st_size ||
            !parse_tzif(zone, bytes, (size_t)info.st_size)) {
            if (zone != NULL)
                free_zone(zone);
            zone = NULL;
        }
    }
    if (zone != NULL)
        snprintf(zone->name, sizeof zone->name, "%.120s", path + strlen(ZONE_DIRECTORY) + 1);
    free(bytes);
    close(fd);
    return zone;
}

static rdb_timezone *load_posix(const char *name)
{
    posix_zone rule;
    if (!parse_posix(name, &rule))
        return NULL;
    rdb_timezone *zone = calloc(1, sizeof *zone);
    if (zone == NULL)
        return NULL;
    if (!unroll(zone, &rule, INT64_MIN)) {
        free_zone(zone);
        return NULL;
    }
    snprintf(zone->name, sizeof zone->name, "%.120s", name);
    return zone;
}

static const rdb_timezone *find_zone(const char *asked, const char *posix)
{
    pthread_mutex_lock(&cache_lock);
    rdb_timezone *zone = NULL;
    if (cache == NULL)
        cache = rdb_map_create();
    if (cache != NULL) {
        zone = rdb_map_get(cache, asked, strlen(asked));
        if (zone == NULL) {
            zone = load_file(asked);
            if (zone == NULL)
                zone = load_posix(posix);
            if (zone != NULL && !rdb_map_put(cache, asked, strlen(asked), zone, NULL)) {
                free_zone(zone);
                zone = NULL;
            }
        }
    }
    pthread_mutex_unlock(&cache_lock);
    return zone;
}

const rdb_timezone *type_zone_find_posix(const char *name)
{
    return find_zone(name, name);
}

const rdb_timezone *rdb_timezone_find(const char *name)
{
    /* A bare number counts hours east, as SET TIME ZONE has it; POSIX counts west. */
    char *end, text[64];
    double hours = strtod(name, &end);
    if (end != name && *end == '\0' && hours > -24 && hours < 24) {
        int minutes = (int)(hours * 60), whole = abs(minutes) / 60, rest = abs(minutes) % 60;
        char label[16], offset[16];
        snprintf(label, sizeof label, rest != 0 ? "%c%02d:%02d" : "%c%02d", minutes < 0 ? '-' : '+', whole, rest);
        snprintf(offset, sizeof offset, rest != 0 ? "%c%02d:%02d" : "%c%02d", minutes < 0 ? '+' : '-', whole, rest);
        snprintf(text, sizeof text, "<%s>%s", label, offset);
        return find_zone(text, text);
    }
    return find_zone(name, name);
}

const char *rdb_timezone_name(const rdb_timezone *zone)
{
    return zone == NULL ? "UTC" : zone->name;
}

/* ---- look-up --------------------------------------------------------------------------------------------------------------------- */
static type_zone_moment moment_of(const rdb_timezone *zone, uint8_t type)
{
    const zone_type *found = &zone->types[type];
    return (type_zone_moment){.offset = found->offset, .is_dst = found->is_dst, .abbreviation = found->abbreviation};
}

/* Transitions at or before the instant; *shift is what was taken off to come into the unrolled cycle. */
static uint32_t transitions_upto(const rdb_timezone *zone, int64_t *instant, int64_t *shift)
{
    *shift = 0;
    if (zone->has_cycle && zone->transition_count > 0 && *instant >= zone->at[zone->transition_count - 1]) {
        int64_t past = *instant - zone->at[zone->transition_count - 1];
        *shift = (past / CYCLE_SECONDS + 1) * CYCLE_SECONDS;
        *instant -= *shift;
    }
    uint32_t low = 0, high = zone->transition_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (zone->at[middle] <= *instant)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const type_zone_moment UTC = {.offset = 0, .is_dst = false, .abbreviation = "UTC"};

type_zone_moment type_zone_at(const rdb_timezone *zone, int64_t unix_seconds)
{
    if (zone == NULL || zone->type_count == 0)
        return UTC;
    int64_t shift;
    uint32_t count = transitions_upto(zone, &unix_seconds, &shift);
    return moment_of(zone, count == 0 ? zone->first : zone->to[count - 1]);
}

type_zone_moment type_zone_at_local(const rdb_timezone *zone, int64_t local_seconds)
{
    if (zone == NULL || zone->type_count == 0)
        return UTC;
    int64_t from = local_seconds - 86400, shift;
    uint32_t next = transitions_upto(zone, &from, &shift);
    type_zone_moment before = moment_of(zone, next == 0 ? zone->first : zone->to[next - 1]);
    if (next >= zone->transition_count)
        return before;
    int64_t boundary = zone->at[next] + shift;
    type_zone_moment after = moment_of(zone, zone->to[next]);
    int64_t as_before = local_seconds - before.offset, as_after = local_seconds - after.offset;
    if (as_before < boundary && as_after < boundary)
        return before;
    if (as_before > boundary && as_after >= boundary)
        return after;
    return as_before > as_after ? before : after;
}

bool type_zone_abbreviation(rdb_slice name, int32_t *offset, bool *is_dst)
{
    static const struct {
        const char *name;
        int32_t offset;
        bool is_dst;
    } ZONES[] = {
#define ABBREVIATION(name, seconds, is_dst) {#name, seconds, is_dst},
#include "type/zone_abbreviations.def"
#undef ABBREVIATION
    };
    for (size_t i = 0; i < RDB_COUNT_OF(ZONES); i++) {
        if (type_equals_ignoring_case(name, ZONES[i].name)) {
            *offset = ZONES[i].offset;
            *is_dst = ZONES[i].is_dst;
            return true;
        }
    }
    return false;
}

bool type_zone_dynamic(rdb_slice name, const rdb_timezone **zone, const char **abbreviation)
{
    static const struct {
        const char *name, *zone;
    } ZONES[] = {
        {"ART", "America/Argentina/Buenos_Aires"}, {"ARST", "America/Argentina/Buenos_Aires"}, {"CLT", "America/Santiago"}, {"GYT", "America/Guyana"},
        {"PYT", "America/Asuncion"}, {"VET", "America/Caracas"}, {"DAVT", "Antarctica/Davis"}, {"MAWT", "Antarctica/Mawson"},
        {"AMST", "Asia/Yerevan"}, {"ANAST", "Asia/Anadyr"}, {"ANAT", "Asia/Anadyr"}, {"AZST", "Asia/Baku"},
        {"AZT", "Asia/Baku"}, {"GEST", "Asia/Tbilisi"}, {"GET", "Asia/Tbilisi"}, {"IRKST", "Asia/Irkutsk"},
        {"IRKT", "Asia/Irkutsk"}, {"KGT", "Asia/Bishkek"}, {"KRAST", "Asia/Krasnoyarsk"}, {"KRAT", "Asia/Krasnoyarsk"},
        {"LKT", "Asia/Colombo"}, {"MAGST", "Asia/Magadan"}, {"MAGT", "Asia/Magadan"}, {"NOVST", "Asia/Novosibirsk"},
        {"NOVT", "Asia/Novosibirsk"}, {"OMSST", "Asia/Omsk"}, {"OMST", "Asia/Omsk"}, {"PETST", "Asia/Kamchatka"},
        {"PETT", "Asia/Kamchatka"}, {"SGT", "Asia/Singapore"}, {"TMT", "Asia/Ashgabat"}, {"ULAT", "Asia/Ulaanbaatar"},
        {"VLAST", "Asia/Vladivostok"}, {"VLAT", "Asia/Vladivostok"}, {"YAKST", "Asia/Yakutsk"}, {"YAKT", "Asia/Yakutsk"},
        {"YEKT", "Asia/Yekaterinburg"}, {"FKST", "Atlantic/Stanley"}, {"FKT", "Atlantic/Stanley"}, {"LHDT", "Australia/Lord_Howe"},
        {"MSK", "Europe/Moscow"}, {"VOLT", "Europe/Volgograd"}, {"IOT", "Indian/Chagos"}, {"CKT", "Pacific/Rarotonga"},
        {"EASST", "Pacific/Easter"}, {"EAST", "Pacific/Easter"}, {"KOST", "Pacific/Kosrae"}, {"LINT", "Pacific/Kiritimati"},
        {"NUT", "Pacific/Niue"}, {"TKT", "Pacific/Fakaofo"},
    };
    *zone = NULL;
    for (size_t i = 0; i < RDB_COUNT_OF(ZONES) && *zone == NULL; i++)
        if (type_equals_ignoring_case(name, ZONES[i].name)) {
            *abbreviation = ZONES[i].name;
            *zone = rdb_timezone_find(ZONES[i].zone);
        }
    return *zone != NULL;
}

int32_t type_zone_meaning(const rdb_timezone *zone, const char *abbreviation, int64_t unix_seconds)
{
    int64_t at = unix_seconds, shift;
    const uint32_t count = transitions_upto(zone, &at, &shift);
    for (uint32_t i = count; i-- > 0;)
        if (strcmp(zone->types[zone->to[i]].abbreviation, abbreviation) == 0)
            return zone->types[zone->to[i]].offset;
    for (uint32_t i = count; i < zone->transition_count; i++)
        if (strcmp(zone->types[zone->to[i]].abbreviation, abbreviation) == 0)
            return zone->types[zone->to[i]].offset;
    return type_zone_at(zone, unix_seconds).offset;
}
