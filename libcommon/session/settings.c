/* SPDX-License-Identifier: Apache-2.0
 * Settings of one session: values as text, parsed once into what the code reads, with PostgreSQL's rules of SET, SET LOCAL,
 * savepoints and ROLLBACK. A change inside a transaction leaves a trail entry with the value before it; the end of the
 * transaction or savepoint walks the trail back. */
#include "session/settings.h"

#include "session/activity.h"
#include "session/row_sink.h"
#include "session/setting_values.h"
#include "session/wire_int.h"
#include "type/rdb_encoding.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

static const setting_entry SETTINGS[] = {
#define SETTING(name, kind, boot_value, min, max, unit, flags, values, description) \
    {#name, KIND_##kind, UNIT_##unit, flags, boot_value, min, max, values, description},
#define SETTING_OF(extension, name, kind, boot_value, min, max, unit, flags, values, description) \
    {#extension "." #name, KIND_##kind, UNIT_##unit, flags, boot_value, min, max, values, description},
#include "session/settings.def"
#undef SETTING
#undef SETTING_OF
};
enum {
#define SETTING(name, kind, boot_value, min, max, unit, flags, values, description) SET_##name,
#define SETTING_OF(extension, name, kind, boot_value, min, max, unit, flags, values, description) SET_##extension##_##name,
#include "session/settings.def"
#undef SETTING
#undef SETTING_OF
    SET_COUNT
};
/* Names that clients see with capitals. */
static const struct { int setting_no; const char *shown; } SHOWN_NAMES[] = {
    {SET_datestyle, "DateStyle"}, {SET_intervalstyle, "IntervalStyle"}, {SET_timezone, "TimeZone"}};

typedef struct trail_entry {
    uint16_t setting_no;
    char *custom; /* the name of a user's setting; NULL: setting_no counts */
    bool is_local;
    uint32_t level;
    char *before;
} trail_entry;

struct session_settings {
    char *values[SET_COUNT];
    char *reset_values[SET_COUNT]; /* what RESET gives back: the start of the session */
    bool to_report[SET_COUNT], has_to_report; /* any of them */
    char *reported[SET_COUNT]; /* what the client was told last; NULL: nothing yet */
    trail_entry *trail;
    uint32_t trail_count, trail_capacity, level;
    uint64_t version; /* counts the changes of what plans and readings of texts may hang on */
    rdb_map *custom; /* "a.b" settings of users by folded name: malloc'ed texts */
    rdb_format_settings format;
    int64_t deadlock_timeout_us; /* 0: not set, the usual */
    int64_t slow_ms_plus_one; /* log_min_duration_statement; 0: not set, the instance's holds */
    int64_t lock_timeout_us, statement_timeout_us, idle_timeout_us, idle_in_transaction_timeout_us;
    uint64_t work_mem_bytes;
    rdb_sql_reading reading;
    rdb_isolation default_isolation;
    bool default_read_only, no_sync_wait, no_statistics; /* pg_stat_statements.track is none */
    int message_rank;
};

static const char *shown_name(int setting_no)
{
    for (size_t i = 0; i < RDB_COUNT_OF(SHOWN_NAMES); i++)
        if (SHOWN_NAMES[i].setting_no == setting_no)
            return SHOWN_NAMES[i].shown;
    return SETTINGS[setting_no].name;
}

static int find_setting(const char *name)
{
    int low = 0, high = SET_COUNT - 1;
    while (low <= high) {
        int middle = (low + high) / 2, order = strcasecmp(name, SETTINGS[middle].name);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return strcasecmp(name, "TIME ZONE") == 0 ? SET_timezone : -1;
}

/* A value that is the default is the table's own text: hundreds of settings are never set. */
static void drop_value(int setting_no, char *value)
{
    if (value != SETTINGS[setting_no].boot_value)
        free(value);
}

static char *keep_value(int setting_no, const char *value)
{
    const char *boot = SETTINGS[setting_no].boot_value;
    return strcmp(value, boot) == 0 ? (char *)(uintptr_t)boot : strdup(value);
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */
static int message_rank(const char *level)
{
    static const char *const RANKS[] = {"debug5", "debug4", "debug3", "debug2", "debug1", "log", "info", "notice", "warning", "error"};
    for (size_t i = 0; i < RDB_COUNT_OF(RANKS); i++)
        if (strcasecmp(level, RANKS[i]) == 0)
            return (int)i;
    return (int)RDB_COUNT_OF(RANKS);
}

static bool read_encoding(const char *text, uint8_t *encoding, const char **name, rdb_error *err)
{
    const int found = rdb_encoding_find(text);
    if (found < 0)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"client_encoding\": \"%s\"", text);
    if (found != RDB_ENCODING_SQL_ASCII && !rdb_encoding_converts(found)) {
        rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "invalid value for parameter \"client_encoding\": \"%s\"", text);
        return rdb_error_detail(err, "Conversion between %s and UTF8 is not supported.", rdb_encoding_name(found));
    }
    *encoding = (uint8_t)(found == RDB_ENCODING_UTF8 ? 0 : found);
    *name = rdb_encoding_name(found);
    return true;
}

/* Checks a value and gives its canonical text (malloc'ed); changes what the code reads only where apply is set. */
static bool check_value(rdb_session *session, int setting_no, const char *text, bool apply, char **canonical, rdb_error *err)
{
    struct session_settings *settings = session->settings;
    const setting_entry *setting = &SETTINGS[setting_no];
    char buffer[128];
    const char *result = text;
    bool flag = false;
    double number = 0;
    switch (setting->kind) {
    case KIND_BOOL:
        if (!setting_read_bool(text, &flag))
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "parameter \"%s\" requires a Boolean value", setting->name);
        result = flag ? "on" : "off";
        break;
    case KIND_INT:
    case KIND_REAL:
        if (!setting_read_number(setting, text, &number, err))
            return false;
        snprintf(buffer, sizeof buffer, setting->kind == KIND_INT ? "%.0f" : "%g", number);
        result = buffer;
        break;
    case KIND_ENUM: {
        const char *value = text;
        bool on = false;
        if (!setting_read_enum(setting->values, value, buffer, sizeof buffer)) {
            /* on/off lists take the other spellings of a Boolean too */
            if (!strstr(setting->values, "on") || !setting_read_bool(value, &on) || !setting_read_enum(setting->values, on ? "on" : "off", buffer, sizeof buffer)) {
                rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": \"%s\"", shown_name(setting_no), text);
                return rdb_error_hint(err, "Available values: %s.", setting->values);
            }
        }
        result = buffer;
        break;
    }
    default:
        break;
    }
    if ((setting->flags & ONLY_DEFAULT) != 0 && strcmp(result, setting->boot_value) != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "setting \"%s\" to \"%s\" is not supported yet", setting->name, result);
    rdb_format_settings format = settings->format;
    rdb_isolation isolation = RDB_READ_COMMITTED;
    if (setting_no == SET_pg_stat_statements_track && strcmp(result, "all") == 0) /* what functions run is not told apart */
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "setting \"%s\" to \"%s\" is not supported yet", setting->name, result);
    switch (setting_no) {
    case SET_datestyle:
        if (!setting_read_date_style(text, &format, buffer, err))
            return false;
        result = buffer;
        break;
    case SET_timezone:
        format.timezone = rdb_timezone_find(strcasecmp(text, "default") == 0 || strcasecmp(text, "local") == 0 ? "UTC" : text);
        if (format.timezone == NULL)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for parameter \"TimeZone\": \"%s\"", text);
        result = rdb_timezone_name(format.timezone);
        break;
    case SET_client_encoding:
        if (!read_encoding(text, &format.client_encoding, &result, err))
            return false;
        break;
    case SET_intervalstyle:
        format.interval_style = strcmp(result, "postgres") == 0           ? RDB_INTERVALSTYLE_POSTGRES
                                : strcmp(result, "postgres_verbose") == 0 ? RDB_INTERVALSTYLE_VERBOSE
                                : strcmp(result, "sql_standard") == 0     ? RDB_INTERVALSTYLE_SQL
                                                                          : RDB_INTERVALSTYLE_ISO;
        break;
    case SET_default_transaction_isolation:
        session_isolation_from_text(result, &isolation);
        break;
    default:
        break;
    }
    if (!apply && (setting_no == SET_role || setting_no == SET_session_authorization) &&
        !session_check_role(session, setting_no == SET_session_authorization, text, err))
        return false;
    if (canonical != NULL && (*canonical = keep_value(setting_no, result)) == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!apply)
        return true;
    settings->format = format;
    switch (setting_no) {
    case SET_role:
    case SET_session_authorization:
        if (settings->values[SET_role] != NULL && settings->values[SET_session_authorization] != NULL)
            session_apply_roles(session, settings->values[SET_session_authorization], settings->values[SET_role]);
        settings->to_report[SET_is_superuser] = settings->to_report[SET_session_authorization] = settings->has_to_report = true;
        break;
    case SET_extra_float_digits:
        settings->format.extra_float_digits = (int)number;
        break;
    case SET_bytea_output:
        settings->format.bytea_escape = strcmp(result, "escape") == 0;
        break;
    case SET_lock_timeout:
        settings->lock_timeout_us = (int64_t)number * 1000;
        break;
    case SET_deadlock_timeout:
        settings->deadlock_timeout_us = (int64_t)number * 1000;
        break;
    case SET_client_connection_check_interval:
        rdb_cancel_mind_client(&session->cancel, number > 0);
        break;
    case SET_idle_session_timeout:
        settings->idle_timeout_us = (int64_t)number * 1000;
        break;
    case SET_idle_in_transaction_session_timeout:
        settings->idle_in_transaction_timeout_us = (int64_t)number * 1000;
        break;
    case SET_statement_timeout:
        settings->statement_timeout_us = (int64_t)number * 1000;
        break;
    case SET_log_min_duration_statement:
        settings->slow_ms_plus_one = (int64_t)number + 1;
        break;
    case SET_pg_stat_statements_track:
        settings->no_statistics = strcmp(result, "none") == 0;
        break;
    case SET_work_mem:
        settings->work_mem_bytes = (uint64_t)number * 1024;
        break;
    case SET_hash_mem_multiplier:
        session->work.hash_mem_multiplier = strtod(result, NULL);
        break;
    case SET_temp_file_limit:
        session->work.limit_bytes = number < 0 ? -1 : (int64_t)number * 1024;
        break;
    case SET_standard_conforming_strings:
        settings->reading.standard_conforming_strings = flag;
        break;
    case SET_backslash_quote:
        settings->reading.backslash_quote = strcmp(result, "on") == 0    ? RDB_SQL_BACKSLASH_QUOTE_ON
                                            : strcmp(result, "off") == 0 ? RDB_SQL_BACKSLASH_QUOTE_OFF
                                                                         : RDB_SQL_BACKSLASH_QUOTE_SAFE_ENCODING;
        break;
    case SET_default_transaction_isolation:
        settings->default_isolation = isolation;
        break;
    case SET_default_transaction_read_only:
        settings->default_read_only = flag;
        break;
    case SET_synchronous_commit:
        settings->no_sync_wait = strcmp(result, "off") == 0;
        break;
    case SET_client_min_messages:
        settings->message_rank = message_rank(result);
        break;
    default:
        break;
    }
    return true;
}

/* All but those that applications change all the time and no plan looks at. */
static bool may_change_plans(int setting_no)
{
    switch (setting_no) {
    case SET_transaction_isolation:
    case SET_transaction_read_only:
    case SET_transaction_deferrable:
    case SET_application_name:
    case SET_statement_timeout:
    case SET_lock_timeout:
    case SET_idle_in_transaction_session_timeout:
    case SET_synchronous_commit:
        return false;
    default:
        return true;
    }
}

/* Gives a value that was valid before back. */
static void put_back(rdb_session *session, int setting_no, char *value)
{
    rdb_error ignored = {0};
    session->settings->version += may_change_plans(setting_no);
    drop_value(setting_no, session->settings->values[setting_no]);
    session->settings->values[setting_no] = value;
    session->settings->to_report[setting_no] = session->settings->has_to_report = true;
    if (!check_value(session, setting_no, value, true, NULL, &ignored))
        rdb_error_clear(&ignored);
}

static bool leave_trail(rdb_session *session, const trail_entry *entry, rdb_error *err)
{
    struct session_settings *settings = session->settings;
    if (settings->trail_count == settings->trail_capacity) {
        uint32_t capacity = RDB_MAX(8u, settings->trail_capacity * 2);
        trail_entry *grown = realloc(settings->trail, capacity * sizeof *grown);
        if (grown == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        settings->trail = grown;
        settings->trail_capacity = capacity;
    }
    settings->trail[settings->trail_count] = *entry;
    settings->trail[settings->trail_count++].level = settings->level;
    return true;
}

static bool set_value(rdb_session *session, int setting_no, const char *text, bool is_local, rdb_error *err)
{
    struct session_settings *settings = session->settings;
    char *canonical = NULL;
    if (!check_value(session, setting_no, text, false, &canonical, err))
        return false;
    if (session->block != SESSION_IDLE && !leave_trail(session, &(trail_entry){.setting_no = (uint16_t)setting_no, .is_local = is_local, .before = settings->values[setting_no]}, err)) {
        drop_value(setting_no, canonical);
        return false;
    }
    if (session->block == SESSION_IDLE)
        drop_value(setting_no, settings->values[setting_no]);
    settings->values[setting_no] = canonical;
    settings->version += may_change_plans(setting_no);
    settings->to_report[setting_no] = settings->has_to_report = true;
    return check_value(session, setting_no, canonical, true, NULL, err);
}

/* ---- settings of users: any name with a dot ------------------------------------------------------------------------------ */
static const char *fold_name(const char *name, char folded[256])
{
    size_t i = 0;
    for (; name[i] != '\0' && i < 255; i++)
        folded[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    folded[i] = '\0';
    return folded;
}

/* Frees the text that stands there. What was not there before the transaction is empty from now on: its name is known. */
static void put_custom_back(struct session_settings *settings, trail_entry *entry)
{
    char **at = rdb_map_get(settings->custom, entry->custom, strlen(entry->custom));
    free(*at);
    *at = entry->before;
    free(entry->custom);
}

static bool is_custom_name(const char *name)
{
    bool begins = true, has_dot = false;
    for (; *name != '\0'; name++) {
        const bool letter = isalpha((unsigned char)*name) || *name == '_' || (unsigned char)*name >= 0x80;
        if (!letter && (begins || !(isdigit((unsigned char)*name) || *name == '$' || *name == '.')))
            return false;
        begins = *name == '.';
        has_dot = has_dot || begins;
    }
    return has_dot && !begins;
}

static bool set_custom(rdb_session *session, const char *name, const char *value, bool is_local, rdb_error *err)
{
    struct session_settings *settings = session->settings;
    char folded[256], *copy, *key = NULL;
    if (!is_custom_name(name)) {
        rdb_error_set(err, RDB_INVALID_NAME, "invalid configuration parameter name \"%s\"", name);
        return rdb_error_detail(err, "Custom parameter names must be two or more simple identifiers separated by dots.");
    }
    fold_name(name, folded);
    char **at = rdb_map_get(settings->custom, folded, strlen(folded));
    if (at == NULL) {
        at = calloc(1, sizeof *at);
        if (at == NULL || (*at = strdup("")) == NULL || !rdb_map_put(settings->custom, folded, strlen(folded), at, NULL)) {
            if (at != NULL)
                free(*at);
            free(at);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
    }
    if ((copy = strdup(value != NULL ? value : "")) == NULL || (session->block != SESSION_IDLE && (key = strdup(folded)) == NULL)) {
        free(copy);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    if (key == NULL) {
        free(*at);
    } else if (!leave_trail(session, &(trail_entry){.custom = key, .is_local = is_local, .before = *at}, err)) {
        free(copy);
        free(key);
        return false;
    }
    *at = copy;
    return true;
}

/* As the end of a transaction has it: a commit keeps what the newest SET, not LOCAL, made. */
static void end_custom(struct session_settings *settings, bool committed, trail_entry *entry, uint32_t older_count)
{
    char **at = rdb_map_get(settings->custom, entry->custom, strlen(entry->custom));
    if (!committed || entry->is_local) {
        free(*at);
        *at = entry->before;
        free(entry->custom);
        return;
    }
    /* Kept: the older entries of the name have nothing to give back any more. */
    free(entry->before);
    for (uint32_t i = 0; i < older_count; i++) {
        trail_entry *older = &settings->trail[i];
        if (older->custom == NULL || strcmp(older->custom, entry->custom) != 0)
            continue;
        free(older->before);
        free(older->custom);
        memmove(older, older + 1, (settings->trail_count - i - 1) * sizeof *older);
        settings->trail_count--;
        older_count--;
        i--;
    }
    free(entry->custom);
}

/* ---- levels ---------------------------------------------------------------------------------------------------------------- */
uint32_t session_settings_push(rdb_session *session)
{
    return ++session->settings->level;
}

void session_settings_pop(rdb_session *session, uint32_t level, bool keep)
{
    struct session_settings *settings = session->settings;
    if (!keep)
        while (settings->trail_count > 0 && settings->trail[settings->trail_count - 1].level >= level) {
            trail_entry *entry = &settings->trail[--settings->trail_count];
            if (entry->custom != NULL)
                put_custom_back(settings, entry);
            else
                put_back(session, entry->setting_no, entry->before);
        }
    settings->level = level - 1;
    for (uint32_t i = settings->trail_count; keep && i-- > 0 && settings->trail[i].level >= level;)
        settings->trail[i].level = level - 1;
}

void session_settings_end_transaction(rdb_session *session, bool committed)
{
    struct session_settings *settings = session->settings;
    settings->level = 0;
    if (settings == NULL || settings->trail_count == 0)
        return;
    /* Newest first. What a SET (not LOCAL) made last is the value a commit leaves; the value an entry made is what the next
     * newer entry of the same setting found. */
    char *kept[SET_COUNT] = {0};
    bool is_settled[SET_COUNT] = {0};
    while (settings->trail_count > 0) {
        trail_entry *entry = &settings->trail[--settings->trail_count];
        if (entry->custom != NULL) {
            trail_entry copy = *entry;
            end_custom(settings, committed, &copy, settings->trail_count);
            continue;
        }
        int no = entry->setting_no;
        char *made = settings->values[no];
        if (committed && !entry->is_local && !is_settled[no]) {
            is_settled[no] = true;
            kept[no] = made;
        } else {
            drop_value(no, made);
        }
        settings->values[no] = entry->before;
        settings->to_report[no] = settings->has_to_report = true;
    }
    for (int no = 0; no < SET_COUNT; no++) {
        if (is_settled[no])
            put_back(session, no, kept[no]);
        else if (settings->to_report[no]) {
            rdb_error ignored = {0};
            if (!check_value(session, no, settings->values[no], true, NULL, &ignored))
                rdb_error_clear(&ignored);
        }
    }
}

/* ---- what the code reads --------------------------------------------------------------------------------------------------- */
const rdb_format_settings *session_setting_format(const rdb_session *session)
{
    return &session->settings->format;
}
int64_t session_setting_deadlock_timeout_us(const rdb_session *session)
{
    return session->settings->deadlock_timeout_us;
}
bool session_setting_deferrable(const rdb_session *session)
{
    return strcmp(session->settings->values[SET_default_transaction_deferrable], "on") == 0;
}
rdb_isolation session_setting_isolation(const rdb_session *session)
{
    return session->settings->default_isolation;
}
bool session_setting_read_only(const rdb_session *session)
{
    return session->settings->default_read_only;
}
rdb_commit_wait session_setting_commit_wait(const rdb_session *session)
{
    return session->settings->no_sync_wait ? RDB_COMMIT_NO_WAIT : RDB_COMMIT_LOCAL;
}
int64_t session_setting_lock_timeout_us(const rdb_session *session)
{
    return session->settings->lock_timeout_us;
}
bool session_setting_counts_statements(const rdb_session *session)
{
    return !session->settings->no_statistics;
}
bool session_setting_logs_severity(const rdb_session *session, bool is_fatal, bool with_statement)
{
    static const char *const LATER[] = {"log", "fatal", "panic"}; /* than ERROR, in the log's order; FATAL comes before the last alone */
    const char *least = session->settings->values[with_statement ? SET_log_min_error_statement : SET_log_min_messages];
    for (size_t i = is_fatal ? 2 : 0; i < RDB_COUNT_OF(LATER); i++)
        if (strcmp(least, LATER[i]) == 0)
            return false;
    return true;
}
bool session_setting_log_is_terse(const rdb_session *session)
{
    return strcmp(session->settings->values[SET_log_error_verbosity], "terse") == 0;
}
bool session_setting_logs_connections(const rdb_session *session, bool ends)
{
    return strcmp(session->settings->values[ends ? SET_log_disconnections : SET_log_connections], "on") == 0;
}
int64_t session_setting_slow_us(const rdb_session *session)
{
    const int64_t ms = session->settings->slow_ms_plus_one - 1;
    return ms >= 0 ? ms * 1000 : session_engine_slow_us(session->engine);
}

int64_t session_setting_statement_timeout_us(const rdb_session *session)
{
    return session->settings->statement_timeout_us;
}
int64_t session_setting_idle_timeout_us(const rdb_session *session, bool in_transaction)
{
    return in_transaction ? session->settings->idle_in_transaction_timeout_us : session->settings->idle_timeout_us;
}
uint64_t session_setting_work_mem(const rdb_session *session)
{
    return session->settings->work_mem_bytes;
}
uint32_t session_setting_prepared_max(const rdb_session *session)
{
    return (uint32_t)strtoul(session->settings->values[SET_max_prepared_transactions], NULL, 10);
}
uint32_t session_setting_statistics_target(const rdb_session *session)
{
    return (uint32_t)strtoul(session->settings->values[SET_default_statistics_target], NULL, 10);
}
const char *session_setting_application_name(const rdb_session *session)
{
    return session->settings->values[SET_application_name];
}

const char *session_setting_search_path(const rdb_session *session)
{
    return session->settings->values[SET_search_path];
}
bool session_setting_row_security_off(const rdb_session *session)
{
    return strcmp(session->settings->values[SET_row_security], "off") == 0;
}
uint64_t session_setting_version(const rdb_session *session)
{
    return session->settings->version;
}
rdb_sql_reading session_setting_reading(const rdb_session *session)
{
    return session->settings->reading;
}
bool session_setting_checks_bodies(const rdb_session *session)
{
    return strcmp(session->settings->values[SET_check_function_bodies], "off") != 0;
}
bool session_notice_passes(const rdb_session *session, const char *severity)
{
    return strcmp(severity, "INFO") == 0 || message_rank(severity) >= session->settings->message_rank;
}

static bool is_off(const rdb_session *session, int setting_no)
{
    return strcmp(session->settings->values[setting_no], "off") == 0;
}

void session_settings_set_planner(const rdb_session *session, rdb_plan_context *context)
{
    context->no_seq_scan = is_off(session, SET_enable_seqscan);
    context->no_index_scan = is_off(session, SET_enable_indexscan);
    context->no_hash_join = is_off(session, SET_enable_hashjoin);
    context->no_nest_loop = is_off(session, SET_enable_nestloop);
    context->no_merge_join = is_off(session, SET_enable_mergejoin);
    context->no_material = is_off(session, SET_enable_material);
    context->no_memoize = is_off(session, SET_enable_memoize);
    context->no_hash_aggregate = is_off(session, SET_enable_hashagg);
    context->no_sort = is_off(session, SET_enable_sort);
    context->no_bitmap_scan = is_off(session, SET_enable_bitmapscan);
    context->no_index_only_scan = is_off(session, SET_enable_indexonlyscan);
    context->no_incremental_sort = is_off(session, SET_enable_incremental_sort);
    context->no_tid_scan = is_off(session, SET_enable_tidscan);
    context->no_partition_pruning = is_off(session, SET_enable_partition_pruning);
    context->joins_partitions = !is_off(session, SET_enable_partitionwise_join);
    context->aggregates_partitions = !is_off(session, SET_enable_partitionwise_aggregate);
    context->workers_per_gather = RDB_MIN((uint32_t)strtoul(session->settings->values[SET_max_parallel_workers_per_gather], NULL, 10),
                                          (uint32_t)strtoul(session->settings->values[SET_max_parallel_workers], NULL, 10));
    context->parallel_setup_cost = strtod(session->settings->values[SET_parallel_setup_cost], NULL);
    context->parallel_tuple_cost = strtod(session->settings->values[SET_parallel_tuple_cost], NULL);
    context->parallel_scan_bytes = strtoull(session->settings->values[SET_min_parallel_table_scan_size], NULL, 10) * 8192; /* in PostgreSQL's blocks */
    context->no_parallel_hash = is_off(session, SET_enable_parallel_hash);
    const char *exclusion = session->settings->values[SET_constraint_exclusion];
    context->constraint_exclusion = strcmp(exclusion, "on") == 0 ? RDB_EXCLUSION_ON : strcmp(exclusion, "off") == 0 ? RDB_EXCLUSION_OFF : RDB_EXCLUSION_PARTITION;
}

bool session_setting_forces_plan(const rdb_session *session, const char *mode)
{
    return strcmp(session->settings->values[SET_plan_cache_mode], mode) == 0;
}

/* Are the values of parameters to be planned with? */
bool session_setting_plans_values(const void *context)
{
    const rdb_session *session = context;
    return strcmp(session->settings->values[SET_plan_cache_mode], "force_generic_plan") != 0;
}

static const char *const ISOLATION_NAMES[] = {"read uncommitted", "read committed", "repeatable read", "serializable"};

bool session_isolation_from_text(const char *text, rdb_isolation *isolation)
{
    for (int i = 0; i < 4; i++)
        if (strcasecmp(text, ISOLATION_NAMES[i]) == 0) {
            *isolation = (rdb_isolation)i;
            return true;
        }
    return false;
}

const char *session_isolation_text(rdb_isolation isolation)
{
    return ISOLATION_NAMES[isolation];
}

/* The text SHOW gives: numbers in their largest whole unit, and the transaction's own properties. */
static void show_value(const rdb_session *session, int setting_no, char *text, size_t size)
{
    const setting_entry *setting = &SETTINGS[setting_no];
    const char *value = session->settings->values[setting_no];
    bool in_transaction = session->block != SESSION_IDLE;
    if (setting_no == SET_transaction_isolation)
        value = session_isolation_text(in_transaction ? session->isolation : session->settings->default_isolation);
    else if (setting_no == SET_transaction_read_only)
        value = (in_transaction ? session->is_read_only : session->settings->default_read_only) ? "on" : "off";
    else if (setting_no == SET_transaction_deferrable)
        value = (in_transaction ? session->is_deferrable : session_setting_deferrable(session)) ? "on" : "off";
    else if (setting_no == SET_session_authorization)
        value = session->session_role.name;
    else if (setting_no == SET_is_superuser)
        value = session->role.is_superuser ? "on" : "off";
    snprintf(text, size, "%s", value);
    setting_show_number(setting, value, text, size);
}

bool session_setting_exists(const char *name)
{
    return find_setting(name) >= 0;
}

uint32_t session_setting_count(void)
{
    return SET_COUNT;
}

/* Those that a plan follows, where they are not as they come: what EXPLAIN (SETTINGS) shows. */
void session_settings_of_plans(const void *context, rdb_setting_sink *sink, void *sink_context)
{
    static const int NUMBERS[] = {SET_constraint_exclusion, SET_cpu_index_tuple_cost, SET_cpu_operator_cost, SET_cpu_tuple_cost, SET_cursor_tuple_fraction,
        SET_effective_cache_size, SET_enable_async_append, SET_enable_bitmapscan, SET_enable_gathermerge, SET_enable_hashagg, SET_enable_hashjoin,
        SET_enable_incremental_sort, SET_enable_indexonlyscan, SET_enable_indexscan, SET_enable_material, SET_enable_memoize, SET_enable_mergejoin,
        SET_enable_nestloop, SET_enable_parallel_append, SET_enable_parallel_hash, SET_enable_partition_pruning, SET_enable_partitionwise_aggregate,
        SET_enable_partitionwise_join, SET_enable_seqscan, SET_enable_sort, SET_enable_tidscan, SET_force_parallel_mode, SET_from_collapse_limit, SET_geqo,
        SET_geqo_threshold, SET_hash_mem_multiplier, SET_jit, SET_jit_above_cost, SET_join_collapse_limit, SET_max_parallel_workers,
        SET_max_parallel_workers_per_gather, SET_min_parallel_index_scan_size, SET_min_parallel_table_scan_size, SET_parallel_leader_participation,
        SET_parallel_setup_cost, SET_parallel_tuple_cost, SET_plan_cache_mode, SET_random_page_cost, SET_search_path, SET_seq_page_cost, SET_temp_buffers,
        SET_work_mem};
    const rdb_session *session = context;
    char text[1024];
    for (size_t i = 0; i < RDB_COUNT_OF(NUMBERS); i++) {
        const int number = NUMBERS[i];
        if (strcmp(session->settings->values[number], SETTINGS[number].boot_value) == 0)
            continue;
        show_value(session, number, text, sizeof text);
        sink(sink_context, shown_name(number), text);
    }
}

void session_setting_describe(const rdb_session *session, uint32_t number, session_setting_info *info)
{
    static const char *const KINDS[] = {"bool", "integer", "real", "string", "enum"};
    static const char *const UNIT_NAMES[] = {NULL, "ms", "s", "min", "kB", "8kB", "B", "MB"};
    const setting_entry *setting = &SETTINGS[number];
    const char *reset = session->settings->reset_values[number];
    *info = (session_setting_info){.name = shown_name((int)number), .folded_name = setting->name, .kind = KINDS[setting->kind], .unit = UNIT_NAMES[setting->unit],
                                   .description = setting->description, .values = setting->values, .boot_value = setting->boot_value,
                                   .reset_value = reset, .is_fixed = (setting->flags & FIXED) != 0};
    info->source = strcmp(session->settings->values[number], reset) != 0 ? "session" : strcmp(reset, setting->boot_value) != 0 ? "client" : "default";
    show_value(session, (int)number, info->value, sizeof info->value);
    if (setting->unit != UNIT_NONE)
        snprintf(info->value, sizeof info->value, "%s", session->settings->values[number]);
    if (setting->kind == KIND_INT || setting->kind == KIND_REAL) {
        const char *form = setting->kind == KIND_INT ? "%.15g" : "%g";
        snprintf(info->min, sizeof info->min, form, setting->min);
        snprintf(info->max, sizeof info->max, form, setting->max >= 1e300 ? 1.79769e+308 : setting->max);
    }
}

void session_settings_report(rdb_session *session, bool all)
{
    char text[1024];
    if (!all && !session->settings->has_to_report)
        return;
    session->settings->has_to_report = false;
    for (int no = 0; no < SET_COUNT; no++) {
        if ((SETTINGS[no].flags & REPORT) && (all || session->settings->to_report[no])) {
            char **told = &session->settings->reported[no];
            show_value(session, no, text, sizeof text);
            if (*told == NULL || strcmp(*told, text) != 0) {
                wire_put_parameter_status(session->owner.output, shown_name(no), text);
                free(*told);
                *told = strdup(text);
            }
        }
        session->settings->to_report[no] = false;
    }
}

/* ---- by name ----------------------------------------------------------------------------------------------------------------- */
static bool may_set(int setting_no, rdb_error *err)
{
    if (SETTINGS[setting_no].flags & FIXED)
        return rdb_error_set(err, RDB_CANT_CHANGE_RUNTIME_PARAM, "parameter \"%s\" cannot be changed", SETTINGS[setting_no].name);
    if (SETTINGS[setting_no].flags & HOST)
        return rdb_error_set(err, RDB_CANT_CHANGE_RUNTIME_PARAM, "parameter \"%s\" cannot be changed without restarting the server", SETTINGS[setting_no].name);
    if (SETTINGS[setting_no].flags & RELOAD)
        return rdb_error_set(err, RDB_CANT_CHANGE_RUNTIME_PARAM, "parameter \"%s\" cannot be changed now", SETTINGS[setting_no].name);
    if (SETTINGS[setting_no].flags & START)
        return rdb_error_set(err, RDB_CANT_CHANGE_RUNTIME_PARAM, "parameter \"%s\" cannot be set after connection start", SETTINGS[setting_no].name);
    return true;
}

const char *session_setting_shown_name(const char *name)
{
    const int no = find_setting(name);
    return no >= 0 ? shown_name(no) : name;
}

bool session_setting_is_allowed(const rdb_session *session, const char *name, rdb_error *err)
{
    const int no = find_setting(name);
    return no < 0 || (SETTINGS[no].flags & SUPER) == 0 || session->role.is_superuser ||
           rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"%s\"", SETTINGS[no].name);
}

bool session_setting_unknown(const char *name, rdb_error *err)
{
    return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"", name);
}

bool session_setting_set(rdb_session *session, const char *name, const char *value, bool is_local, rdb_error *err)
{
    int setting_no = find_setting(name);
    if (setting_no < 0)
        return strchr(name, '.') != NULL ? set_custom(session, name, value, is_local, err) : session_setting_unknown(name, err);
    if (!may_set(setting_no, err))
        return false;
    if (setting_no == SET_transaction_isolation || setting_no == SET_transaction_read_only) {
        if (value == NULL) /* RESET: as a transaction begins */
            value = session->settings->values[setting_no == SET_transaction_isolation ? SET_default_transaction_isolation : SET_default_transaction_read_only];
        rdb_ast_value argument = {.kind = RDB_SQL_VALUE_STRING, .text = value};
        bool flag = false;
        if (setting_no == SET_transaction_read_only && !setting_read_bool(value, &flag))
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "parameter \"%s\" requires a Boolean value", name);
        argument.integer = flag;
        rdb_ast_option option = {.name = SETTINGS[setting_no].name, .arg = (rdb_ast_node *)&argument};
        void *items[] = {&option};
        rdb_list options = {items, 1, 1};
        return session_apply_transaction_options(session, &options, err);
    }
    if (!set_value(session, setting_no, value != NULL ? value : session->settings->reset_values[setting_no], is_local, err))
        return false;
    return setting_no != SET_session_authorization || strcmp(session->settings->values[SET_role], "none") == 0 || set_value(session, SET_role, "none", is_local, err);
}

bool session_settings_discard(rdb_session *session, rdb_error *err)
{
    for (int no = 0; no < SET_COUNT; no++)
        if (!(SETTINGS[no].flags & (FIXED | HOST | RELOAD | START)) && strcmp(session->settings->values[no], session->settings->reset_values[no]) != 0 &&
            no != SET_transaction_isolation && no != SET_transaction_read_only && no != SET_transaction_deferrable &&
            !set_value(session, no, session->settings->reset_values[no], false, err))
            return false;
    return true;
}

bool session_setting_get(rdb_session *session, const char *name, rdb_arena *arena, const char **value, rdb_error *err)
{
    char text[1024];
    int no = find_setting(name);
    *value = NULL;
    (void)err;
    if (no >= 0) {
        show_value(session, no, text, sizeof text);
        *value = rdb_arena_strdup(arena, text);
    } else {
        char folded[256];
        fold_name(name, folded);
        char *const *custom = rdb_map_get(session->settings->custom, folded, strlen(folded));
        *value = custom != NULL ? rdb_arena_strdup(arena, *custom) : NULL;
    }
    return true;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------- */
bool session_settings_create(rdb_session *session, rdb_error *err)
{
    struct session_settings *settings = session->settings = calloc(1, sizeof *settings);
    if (settings == NULL || (settings->custom = rdb_map_create()) == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    settings->format = *rdb_format_default();
    for (int no = 0; no < SET_COUNT; no++) {
        const char *known = session_engine_fact(session->engine, SETTINGS[no].name);
        char work_mem[32];
        if (no == SET_work_mem && session_engine_work_mem(session->engine) > 0) {
            snprintf(work_mem, sizeof work_mem, "%llukB", (unsigned long long)session_engine_work_mem(session->engine) >> 10);
            known = work_mem;
        }
        if (!check_value(session, no, known != NULL ? known : SETTINGS[no].boot_value, true, &settings->values[no], err))
            return false;
        if ((settings->reset_values[no] = keep_value(no, settings->values[no])) == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    return true;
}

void session_settings_destroy(rdb_session *session)
{
    struct session_settings *settings = session->settings;
    if (settings == NULL)
        return;
    for (int no = 0; no < SET_COUNT; no++) {
        drop_value(no, settings->values[no]);
        free(settings->reported[no]);
        drop_value(no, settings->reset_values[no]);
    }
    for (uint32_t i = 0; i < settings->trail_count; i++) {
        if (settings->trail[i].custom != NULL)
            free(settings->trail[i].before);
        else
            drop_value(settings->trail[i].setting_no, settings->trail[i].before);
        free(settings->trail[i].custom);
    }
    free(settings->trail);
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    while (settings->custom != NULL && rdb_map_next(settings->custom, &cursor, &key, &value)) {
        free(*(char **)value);
        free(value);
    }
    rdb_map_destroy(settings->custom);
    free(settings);
    session->settings = NULL;
}

/* RESET gives back what holds now. */
static bool keep_reset_value(rdb_session *session, int no, rdb_error *err)
{
    drop_value(no, session->settings->reset_values[no]);
    session->settings->reset_values[no] = keep_value(no, session->settings->values[no]);
    return session->settings->reset_values[no] != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

bool session_setting_begin_with(rdb_session *session, const char *name, const char *value, rdb_error *err)
{
    if (!session_setting_set(session, name, value, false, err))
        return false;
    int no = find_setting(name);
    return no < 0 || keep_reset_value(session, no, err);
}

/* What can be set while a session starts alone, superusers' own kind of it by them alone. */
bool session_set_startup_option(rdb_session *session, const char *name, const char *value, rdb_error *err)
{
    const int no = find_setting(name);
    if (no != SET_log_connections && no != SET_log_disconnections)
        return session_setting_begin_with(session, name, value, err);
    if (!session->login_role.is_superuser)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"%s\"", SETTINGS[no].name);
    return set_value(session, no, value, false, err) && keep_reset_value(session, no, err);
}

bool session_setting_check(rdb_session *session, const char *name, const char *value, const char **shown, rdb_error *err)
{
    const int no = find_setting(name);
    char *canonical = NULL;
    *shown = name;
    if (no < 0 && strchr(name, '.') == NULL)
        return session_setting_unknown(name, err);
    if (no < 0 && !is_custom_name(name)) {
        rdb_error_set(err, RDB_INVALID_NAME, "invalid configuration parameter name \"%s\"", name);
        return rdb_error_detail(err, "Custom parameter names must be two or more simple identifiers separated by dots.");
    }
    if (no < 0)
        return true;
    *shown = shown_name(no);
    if (!may_set(no, err))
        return false;
    const bool ok = value == NULL || check_value(session, no, value, false, &canonical, err);
    drop_value(no, canonical);
    return ok;
}
