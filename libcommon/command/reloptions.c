/* SPDX-License-Identifier: Apache-2.0
 * WITH (...) of tables, indexes and views: names and ranges are checked as PostgreSQL checks them and the texts kept in
 * pg_class.reloptions, where clients look. Our storage has no use for most of them: a table does not bloat. */
#include "command/command_int.h"

#include <math.h>
#include <strings.h>

typedef enum option_kind { OPTION_BOOL, OPTION_INTEGER, OPTION_REAL, OPTION_WORD } option_kind;
typedef struct known_option {
    const char *kinds; /* of relations: r table, t its overflow ("toast."), v view; indexes: i btree, h hash, g gist, s spgist, n gin, b brin */
    const char *name;
    option_kind kind;
    double least, most;
    const char *words; /* separated by blanks */
    const char *valid; /* for the detail */
} known_option;

#define MANY 2147483647.0
static const known_option OPTIONS[] = {
    {"rm", "fillfactor", OPTION_INTEGER, 10, 100, NULL, NULL},
    {"ihgs", "fillfactor", OPTION_INTEGER, 10, 100, NULL, NULL},
    {"g", "buffering", OPTION_WORD, 0, 0, "on off auto", "Valid values are \"on\", \"off\", and \"auto\"."},
    {"n", "fastupdate", OPTION_BOOL, 0, 0, NULL, NULL},
    {"n", "gin_pending_list_limit", OPTION_INTEGER, 64, MANY, NULL, NULL},
    {"b", "pages_per_range", OPTION_INTEGER, 1, 131072, NULL, NULL},
    {"b", "autosummarize", OPTION_BOOL, 0, 0, NULL, NULL},
    {"i", "deduplicate_items", OPTION_BOOL, 0, 0, NULL, NULL},
    {"rm", "toast_tuple_target", OPTION_INTEGER, 128, 8160, NULL, NULL},
    {"rm", "parallel_workers", OPTION_INTEGER, 0, 1024, NULL, NULL},
    {"rm", "user_catalog_table", OPTION_BOOL, 0, 0, NULL, NULL},
    {"rtm", "autovacuum_enabled", OPTION_BOOL, 0, 0, NULL, NULL},
    {"rtm", "vacuum_truncate", OPTION_BOOL, 0, 0, NULL, NULL},
    {"rtm", "vacuum_index_cleanup", OPTION_WORD, 0, 0, "auto on off true false yes no 1 0", "Valid values are \"on\", \"off\", and \"auto\"."},
    {"rtm", "autovacuum_vacuum_threshold", OPTION_INTEGER, 0, MANY, NULL, NULL},
    {"rtm", "autovacuum_vacuum_insert_threshold", OPTION_INTEGER, -1, MANY, NULL, NULL},
    {"rm", "autovacuum_analyze_threshold", OPTION_INTEGER, 0, MANY, NULL, NULL},
    {"rtm", "autovacuum_vacuum_cost_limit", OPTION_INTEGER, 1, 10000, NULL, NULL},
    {"rtm", "autovacuum_freeze_min_age", OPTION_INTEGER, 0, 1000000000, NULL, NULL},
    {"rtm", "autovacuum_multixact_freeze_min_age", OPTION_INTEGER, 0, 1000000000, NULL, NULL},
    {"rtm", "autovacuum_freeze_max_age", OPTION_INTEGER, 100000, 2000000000, NULL, NULL},
    {"rtm", "autovacuum_multixact_freeze_max_age", OPTION_INTEGER, 10000, 2000000000, NULL, NULL},
    {"rtm", "autovacuum_freeze_table_age", OPTION_INTEGER, 0, 2000000000, NULL, NULL},
    {"rtm", "autovacuum_multixact_freeze_table_age", OPTION_INTEGER, 0, 2000000000, NULL, NULL},
    {"rtm", "log_autovacuum_min_duration", OPTION_INTEGER, -1, MANY, NULL, NULL},
    {"rtm", "autovacuum_vacuum_cost_delay", OPTION_REAL, -1, 100, NULL, NULL},
    {"rtm", "autovacuum_vacuum_scale_factor", OPTION_REAL, 0, 100, NULL, NULL},
    {"rtm", "autovacuum_vacuum_insert_scale_factor", OPTION_REAL, 0, 100, NULL, NULL},
    {"rm", "autovacuum_analyze_scale_factor", OPTION_REAL, 0, 100, NULL, NULL},
    {"v", "security_barrier", OPTION_BOOL, 0, 0, NULL, NULL},
    {"v", "security_invoker", OPTION_BOOL, 0, 0, NULL, NULL},
    {"v", "check_option", OPTION_WORD, 0, 0, "local cascaded", "Valid values are \"local\" and \"cascaded\"."},
};

char command_index_options_kind(uint32_t method_oid)
{
    return method_oid == 405 ? 'h' : method_oid == 783 ? 'g' : method_oid == 4000 ? 's' : method_oid == 2742 ? 'n' : method_oid == 3580 ? 'b' : 'i';
}

static const known_option *find_option(char kind, const char *name)
{
    for (size_t i = 0; i < RDB_COUNT_OF(OPTIONS); i++)
        if (strchr(OPTIONS[i].kinds, kind) != NULL && strcmp(OPTIONS[i].name, name) == 0)
            return &OPTIONS[i];
    return NULL;
}

static const char *option_text(rdb_command_context *context, const rdb_ast_option *option)
{
    const rdb_ast_value *value = (const rdb_ast_value *)option->arg;
    if (value == NULL)
        return "true";
    if (option->arg->tag == RDB_AST_TYPE) {
        const rdb_ast_names *names = &((const rdb_ast_type *)option->arg)->names;
        return names->items[names->count - 1];
    }
    if (option->arg->tag != RDB_AST_VALUE && option->arg->tag != RDB_AST_CONST)
        return "";
    if (value->kind == RDB_SQL_VALUE_INTEGER)
        return rdb_arena_printf(context->arena, "%lld", (long long)value->integer);
    if (value->kind == RDB_SQL_VALUE_BOOL)
        return value->integer ? "true" : "false";
    return value->text != NULL ? value->text : "";
}

static bool is_word(const char *words, const char *text)
{
    const size_t length = strlen(text);
    for (const char *at = words; length > 0 && *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == length && strncasecmp(at, text, length) == 0)
            return true;
    return false;
}

static bool check_number(const known_option *known, const char *text, rdb_error *err)
{
    const bool is_integer = known->kind == OPTION_INTEGER;
    char *end = NULL;
    double value = strtod(text, &end);
    while (end != NULL && *end == ' ')
        end++;
    if (end == text || *end != '\0' || isnan(value) || fabs(value) > 1e300)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for %s option \"%s\": %s", is_integer ? "integer" : "floating point", known->name, text);
    if (is_integer)
        value = rint(value);
    if (value >= known->least && value <= known->most)
        return true;
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "value %s out of bounds for option \"%s\"", text, known->name);
    return is_integer ? rdb_error_detail(err, "Valid values are between \"%.0f\" and \"%.0f\".", known->least, known->most)
                      : rdb_error_detail(err, "Valid values are between \"%f\" and \"%f\".", known->least, known->most);
}

static bool check_value(const known_option *known, const char *text, rdb_error *err)
{
    switch (known->kind) {
    case OPTION_BOOL:
        if (is_word("true false on off yes no 1 0 t f y n tr tru fa fal fals of ye", text))
            return true;
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for boolean option \"%s\": %s", known->name, text);
    case OPTION_WORD:
        if (is_word(known->words, text))
            return true;
        rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid value for enum option \"%s\": %s", known->name, text);
        return rdb_error_detail(err, "%s", known->valid);
    default:
        return check_number(known, text, err);
    }
}

static bool has_name(const char *kept, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(kept, name, length) == 0 && kept[length] == '=';
}

bool command_merge_options(rdb_command_context *context, char kind, const rdb_list *changes, bool reset, const char *const **kept, uint32_t *count, rdb_error *err)
{
    const char **merged = RDB_NEW_ARRAY(context->arena, const char *, *count + changes->count + 1);
    uint32_t merged_count = 0;
    for (uint32_t i = 0; i < *count; i++) {
        bool is_changed = false;
        for (uint32_t k = 0; k < changes->count; k++)
            is_changed = is_changed || has_name((*kept)[i], ((const rdb_ast_option *)changes->items[k])->name);
        if (!is_changed)
            merged[merged_count++] = (*kept)[i];
    }
    const uint32_t first_new = merged_count;
    for (uint32_t i = 0; i < changes->count; i++) {
        const rdb_ast_option *option = changes->items[i];
        const bool is_toast = option->space != NULL && strcmp(option->space, "toast") == 0 && strchr("rm", kind) != NULL;
        if (option->space != NULL && !is_toast)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unrecognized parameter namespace \"%s\"", option->space);
        if (reset && option->arg != NULL)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "RESET must not include values for parameters");
        if (!is_toast && strcmp(option->name, "oids") == 0 && !reset) {
            bool oids = false;
            if (!command_option_bool(option, &oids, err))
                return false;
            if (oids)
                return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "tables declared WITH OIDS are not supported");
            continue;
        }
        const known_option *known = find_option(is_toast ? 't' : kind, option->name);
        if (known == NULL && !reset)
            return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unrecognized parameter \"%s\"", option->name);
        if (reset)
            continue;
        for (uint32_t k = first_new; !is_toast && k < merged_count; k++)
            if (has_name(merged[k], option->name))
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "parameter \"%s\" specified more than once", option->name);
        const char *text = option_text(context, option);
        if (!check_value(known, text, err))
            return false;
        if (!is_toast) /* overflow pages are the table's own: there is nothing that the option would describe */
            merged[merged_count++] = rdb_arena_printf(context->arena, "%s=%s", option->name, text);
    }
    *kept = merged;
    *count = merged_count;
    return true;
}

bool command_set_options(rdb_command_context *context, uint32_t relation_oid, char kind, const rdb_list *options, rdb_error *err)
{
    const char *const *kept = NULL;
    uint32_t count = 0;
    if (options->count == 0)
        return true;
    return command_merge_options(context, kind, options, false, &kept, &count, err) && (count == 0 || rdb_ddl_set_options(context->access, relation_oid, kept, count, err));
}
