/* SPDX-License-Identifier: Apache-2.0
 * Loading and asking the configuration. Values of all layers pass the same check; a lower layer's mistake is told even
 * where a higher layer replaces the value, because it would come to light when the higher one is taken away. */
#include "base/rdb_options.h"
#include "base/rdb_toml.h"
#include "instance/rdb_config.h"
#include "os/rdb_os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)

typedef enum key_kind { KIND_TEXT, KIND_COUNT, KIND_BYTES, KIND_SWITCH, KIND_CHOICE, KIND_TEXTS } key_kind;
typedef enum key_base { BASE_NONE, BASE_HOME, BASE_CONF, BASE_DATA, BASE_RUN } key_base;

typedef struct key_entry {
    const char *name;
    key_kind kind;
    const char *standard;
    int64_t least, most;
    const char *choices;
    key_base base;
    rdb_config_when when;
} key_entry;

static const key_entry KEYS[] = {
#define WHEN_START RDB_CONFIG_AT_START
#define WHEN_RELOAD RDB_CONFIG_AT_RELOAD
#define WHEN_INIT RDB_CONFIG_AT_INIT
#define RDB_KEY(id, name, kind, standard, least, most, choices, base, when) \
    {name, KIND_##kind, standard, least, most, choices, BASE_##base, WHEN_##when},
#include "instance/config_keys.def"
#undef RDB_KEY
};

/* Shorter names of some variables, kept from the documents. */
static const struct {
    const char *variable;
    rdb_config_key key;
} SHORT_VARIABLES[] = {
    {"RUSTYDB_HOST", RDB_CONFIG_SERVER_LISTEN_HOST},
    {"RUSTYDB_PORT", RDB_CONFIG_SERVER_LISTEN_PORT},
    {"RUSTYDB_MAX_CONNECTIONS", RDB_CONFIG_SERVER_MAX_CONNECTIONS},
    {"RUSTYDB_BUFFER_POOL_SIZE", RDB_CONFIG_STORAGE_BUFFER_POOL_PAGES},
    {"RUSTYDB_DATA_DIR", RDB_CONFIG_PATHS_DATA_DIR},
    {"RUSTYDB_LOG_LEVEL", RDB_CONFIG_LOGGING_LEVEL},
    {"RUSTYDB_MODE", RDB_CONFIG_SECURITY_MODE},
    {"RUSTYDB_NODE_ID", RDB_CONFIG_CLUSTERING_NODE_ID},
};

typedef struct key_value {
    const char *text; /* TEXT, CHOICE */
    int64_t number;
    rdb_list texts;
    const char *origin;
    const char *path;
    uint32_t layer; /* that set it; 0: the table of standards */
} key_value;

struct rdb_config {
    rdb_arena *arena;
    const char *home; /* absolute, or NULL */
    uint32_t layer;   /* that is being read: each file, the environment and the flags is one, above those before it */
    key_value values[RDB_CONFIG_KEYS];
};

/* ---- values ------------------------------------------------------------------------------------------------------ */

static const char *describe_kind(rdb_arena *arena, const key_entry *key)
{
    switch (key->kind) {
    case KIND_COUNT:
        return rdb_arena_printf(arena, "an integer from %lld to %lld", (long long)key->least, (long long)key->most);
    case KIND_BYTES:
        return rdb_arena_printf(arena, "a number of bytes from %lld to %lld, or a text such as \"64MB\"",
                                (long long)key->least, (long long)key->most);
    case KIND_SWITCH:
        return "true or false";
    case KIND_CHOICE:
        return rdb_arena_printf(arena, "one of: %s", key->choices);
    case KIND_TEXTS:
        return "an array of texts";
    default:
        return "a text";
    }
}

static bool refuse_value(rdb_config *config, const key_entry *key, const char *origin, const char *given, rdb_error *err)
{
    rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "%s: invalid value for \"%s\": %s", origin, key->name, given);
    return rdb_error_hint(err, "It takes %s.", describe_kind(config->arena, key));
}

static bool parse_bytes(const char *text, int64_t *bytes)
{
    static const struct {
        const char *unit;
        int shift;
    } UNITS[] = {{"", 0}, {"B", 0}, {"kB", 10}, {"KB", 10}, {"MB", 20}, {"GB", 30}, {"TB", 40}};
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0 || number < 0)
        return false;
    while (*end == ' ')
        end++;
    for (size_t unit_no = 0; unit_no < RDB_COUNT_OF(UNITS); unit_no++)
        if (strcmp(end, UNITS[unit_no].unit) == 0) {
            *bytes = number << UNITS[unit_no].shift;
            return number <= INT64_MAX >> UNITS[unit_no].shift;
        }
    return false;
}

static bool parse_switch(const char *text, bool *on)
{
    static const char *const WORDS[][2] = {{"false", "true"}, {"off", "on"}, {"0", "1"}, {"no", "yes"}};
    for (size_t pair_no = 0; pair_no < RDB_COUNT_OF(WORDS); pair_no++)
        for (int which = 0; which < 2; which++)
            if (strcmp(text, WORDS[pair_no][which]) == 0) {
                *on = which == 1;
                return true;
            }
    return false;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; length > 0 && at != NULL; at = strchr(at, ' '), at = at != NULL ? at + 1 : NULL)
        if (strncmp(at, text, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static bool is_in_range(const key_entry *key, int64_t number)
{
    if (number < key->least || number > key->most)
        return false;
    bool power_of_two = number > 0 && (number & (number - 1)) == 0;
    return key != &KEYS[RDB_CONFIG_STORAGE_PAGE_SIZE] || power_of_two;
}

/* A value as text: from the table, the environment, or a flag; shown is how a message tells it. */
static bool set_value(rdb_config *config, rdb_config_key key_no, const char *text, const char *shown, const char *origin,
                      rdb_error *err)
{
    const key_entry *key = &KEYS[key_no];
    key_value value = {.origin = origin, .text = "", .layer = config->layer};
    bool ok = true, on = false;
    char *end;
    switch (key->kind) {
    case KIND_TEXT:
        value.text = rdb_arena_strdup(config->arena, text);
        break;
    case KIND_CHOICE:
        value.text = rdb_arena_strdup(config->arena, text);
        ok = is_choice(key->choices, text);
        break;
    case KIND_COUNT:
        errno = 0;
        value.number = strtoll(text, &end, 10);
        ok = end != text && *end == '\0' && errno == 0 && is_in_range(key, value.number);
        break;
    case KIND_BYTES:
        ok = parse_bytes(text, &value.number) && is_in_range(key, value.number);
        break;
    case KIND_SWITCH:
        ok = parse_switch(text, &on);
        value.number = on;
        break;
    case KIND_TEXTS:
        for (char *at = rdb_arena_strdup(config->arena, text), *part; (part = strsep(&at, ",")) != NULL;) {
            part += strspn(part, " ");
            for (size_t length = strlen(part); length > 0 && part[length - 1] == ' ';)
                part[--length] = '\0';
            if (*part != '\0')
                rdb_list_push(config->arena, &value.texts, part);
        }
        break;
    }
    if (!ok)
        return refuse_value(config, key, origin, shown, err);
    config->values[key_no] = value;
    return true;
}

static bool set_from_text(rdb_config *config, rdb_config_key key_no, const char *text, const char *origin, rdb_error *err)
{
    return set_value(config, key_no, text, rdb_arena_printf(config->arena, "\"%s\"", text), origin, err);
}

static const char *describe_toml(rdb_arena *arena, const rdb_toml_value *value)
{
    switch (value->kind) {
    case RDB_TOML_STRING:
        return rdb_arena_printf(arena, "\"%s\"", value->text);
    case RDB_TOML_TIME:
        return value->text;
    case RDB_TOML_INTEGER:
        return rdb_arena_printf(arena, "%lld", (long long)value->integer);
    case RDB_TOML_FLOAT:
        return rdb_arena_printf(arena, "%g", value->real);
    case RDB_TOML_BOOLEAN:
        return value->integer != 0 ? "true" : "false";
    case RDB_TOML_ARRAY:
        return "an array";
    default:
        return "a table";
    }
}

static bool set_from_toml(rdb_config *config, rdb_config_key key_no, const rdb_toml_value *value, const char *file,
                          rdb_error *err)
{
    const key_entry *key = &KEYS[key_no];
    const char *origin = rdb_arena_printf(config->arena, "%s, line %u", file, value->line);
    bool ok = false;
    switch (key->kind) {
    case KIND_TEXT:
    case KIND_CHOICE:
        ok = value->kind == RDB_TOML_STRING;
        break;
    case KIND_COUNT:
        ok = value->kind == RDB_TOML_INTEGER;
        break;
    case KIND_BYTES:
        ok = value->kind == RDB_TOML_INTEGER || value->kind == RDB_TOML_STRING;
        break;
    case KIND_SWITCH:
        ok = value->kind == RDB_TOML_BOOLEAN;
        break;
    case KIND_TEXTS:
        ok = value->kind == RDB_TOML_ARRAY;
        for (const rdb_toml_value *item = value->first; ok && item != NULL; item = item->next)
            ok = item->kind == RDB_TOML_STRING;
        break;
    }
    const char *shown = describe_toml(config->arena, value);
    if (!ok)
        return refuse_value(config, key, origin, shown, err);
    if (key->kind == KIND_TEXTS) {
        key_value list = {.origin = origin, .text = "", .layer = config->layer};
        for (const rdb_toml_value *item = value->first; item != NULL; item = item->next)
            rdb_list_push(config->arena, &list.texts, rdb_arena_strdup(config->arena, item->text));
        config->values[key_no] = list;
        return true;
    }
    const char *text = value->kind == RDB_TOML_STRING ? value->text : shown;
    return set_value(config, key_no, text, shown, origin, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool is_section(const char *name)
{
    size_t length = strlen(name);
    for (size_t key_no = 0; key_no < RDB_CONFIG_KEYS; key_no++)
        if (strncmp(KEYS[key_no].name, name, length) == 0 && KEYS[key_no].name[length] == '.')
            return true;
    return false;
}

static bool refuse_key(const char *file, uint32_t line, const char *name, rdb_error *err)
{
    const char *names[RDB_CONFIG_KEYS];
    for (size_t key_no = 0; key_no < RDB_CONFIG_KEYS; key_no++)
        names[key_no] = KEYS[key_no].name;
    rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "%s, line %u: unknown key \"%s\"", file, line, name);
    const char *nearest = rdb_nearest_word(name, names, RDB_CONFIG_KEYS);
    if (nearest != NULL)
        rdb_error_hint(err, "Did you mean \"%s\"?", nearest);
    return false;
}

static bool take_table(rdb_config *config, const rdb_toml_value *table, const char *prefix, const char *file, rdb_error *err)
{
    for (const rdb_toml_value *at = table->first; at != NULL; at = at->next) {
        const char *name = prefix[0] == '\0' ? at->key : rdb_arena_printf(config->arena, "%s.%s", prefix, at->key);
        if (at->kind == RDB_TOML_TABLE && (is_section(name) || at->first != NULL)) {
            /* an unknown section is gone into as well, so that its first key can be told with a suggestion; the reader of
             * TOML limits how deep tables nest */
            if (!take_table(config, at, name, file, err))
                return false;
            continue;
        }
        size_t key_no = 0;
        while (key_no < RDB_CONFIG_KEYS && strcmp(KEYS[key_no].name, name) != 0)
            key_no++;
        if (key_no == RDB_CONFIG_KEYS)
            return refuse_key(file, at->line, name, err);
        if (!set_from_toml(config, (rdb_config_key)key_no, at, file, err))
            return false;
    }
    return true;
}

static bool take_file(rdb_config *config, const char *file, rdb_error *err)
{
    rdb_slice content;
    rdb_toml_value *root;
    rdb_error mistake = {0};
    config->layer++;
    if (!rdb_path_read(file, config->arena, &content, FILE_BYTES_MAX, err))
        return false;
    if (!rdb_toml_parse(config->arena, file, (const char *)content.data, content.length, &root, &mistake)) {
        rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "%s", rdb_error_message(&mistake));
        rdb_error_clear(&mistake);
        return false;
    }
    return take_table(config, root, "", file, err);
}

static bool take_overrides(rdb_config *config, const char *main_file, rdb_error *err)
{
    const char *slash = strrchr(main_file, '/');
    const char *directory = slash != NULL ? rdb_arena_printf(config->arena, "%.*s/overrides.d", (int)(slash - main_file), main_file)
                                          : "overrides.d";
    rdb_list names;
    if (!rdb_path_is_directory(directory))
        return true;
    if (!rdb_path_list(directory, config->arena, &names, err))
        return false;
    for (uint32_t name_no = 0; name_no < names.count; name_no++) {
        const char *name = names.items[name_no];
        size_t length = strlen(name);
        if (length <= 5 || strcmp(name + length - 5, ".toml") != 0)
            continue;
        if (!take_file(config, rdb_arena_printf(config->arena, "%s/%s", directory, name), err))
            return false;
    }
    return true;
}

/* ---- environment and flags --------------------------------------------------------------------------------------- */

static bool take_variable(rdb_config *config, const char *variable, rdb_config_key key_no, rdb_error *err)
{
    const char *text = getenv(variable);
    if (text == NULL)
        return true;
    return set_from_text(config, key_no, text, rdb_arena_printf(config->arena, "environment %s", variable), err);
}

static bool take_environment(rdb_config *config, rdb_error *err)
{
    config->layer++;
    for (size_t short_no = 0; short_no < RDB_COUNT_OF(SHORT_VARIABLES); short_no++)
        if (!take_variable(config, SHORT_VARIABLES[short_no].variable, SHORT_VARIABLES[short_no].key, err))
            return false;
    for (size_t key_no = 0; key_no < RDB_CONFIG_KEYS; key_no++) {
        char *variable = rdb_arena_printf(config->arena, "RUSTYDB_%s", KEYS[key_no].name);
        for (char *at = variable; *at != '\0'; at++)
            *at = *at == '.' ? '_' : *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
        if (!take_variable(config, variable, (rdb_config_key)key_no, err))
            return false;
    }
    return true;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

static const char *join_path(rdb_arena *arena, const char *base, const char *path)
{
    if (path[0] == '/' || path[0] == '\0' || base == NULL || base[0] == '\0')
        return path;
    return rdb_arena_printf(arena, "%s/%s", base, path);
}

static void resolve_paths(rdb_config *config)
{
    /* the directories first: they are the base of the others */
    for (int pass = 0; pass < 2; pass++)
        for (size_t key_no = 0; key_no < RDB_CONFIG_KEYS; key_no++) {
            key_base base = KEYS[key_no].base;
            key_value *value = &config->values[key_no];
            if (base == BASE_NONE || (base == BASE_HOME) != (pass == 0))
                continue;
            const char *from = base == BASE_HOME   ? config->home
                               : base == BASE_CONF ? config->values[RDB_CONFIG_PATHS_CONF_DIR].path
                               : base == BASE_DATA ? config->values[RDB_CONFIG_PATHS_DATA_DIR].path
                                                   : config->values[RDB_CONFIG_PATHS_RUN_DIR].path;
            value->path = join_path(config->arena, from, value->text);
        }
}

/* What no single value shows. */
static bool check_together(rdb_config *config, rdb_error *err)
{
    const key_value *required = &config->values[RDB_CONFIG_TLS_REQUIRE_CLIENT_CERT];
    if (required->number != 0 && config->values[RDB_CONFIG_TLS_CA_PATH].text[0] == '\0')
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "%s: \"tls.require_client_cert\" needs \"tls.ca_path\"", required->origin);
    const key_value *name = &config->values[RDB_CONFIG_SERVER_IPC_NAME];
    if (name->text[0] == '\0' || strchr(name->text, '/') != NULL)
        return refuse_value(config, &KEYS[RDB_CONFIG_SERVER_IPC_NAME], name->origin, "a file name is needed", err);
    return true;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

bool rdb_config_load(rdb_config **config, const char *home, const char *file, const rdb_config_flag *flags,
                     uint32_t flag_count, rdb_error *err)
{
    *config = NULL;
    rdb_config *loaded = calloc(1, sizeof *loaded);
    rdb_arena *arena = rdb_arena_create("configuration", NULL, NULL);
    if (loaded == NULL || arena == NULL) {
        free(loaded);
        rdb_arena_destroy(arena);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    loaded->arena = arena;
    bool ok = true;
    if (home != NULL && home[0] != '/') {
        char *current = getcwd(NULL, 0);
        loaded->home = rdb_arena_printf(arena, "%s/%s", current != NULL ? current : ".", home);
        free(current);
    } else if (home != NULL) {
        loaded->home = rdb_arena_strdup(arena, home);
    }
    for (size_t key_no = 0; ok && key_no < RDB_CONFIG_KEYS; key_no++)
        ok = set_from_text(loaded, (rdb_config_key)key_no, KEYS[key_no].standard, "default", err);
    if (file == NULL && home != NULL)
        file = rdb_arena_printf(arena, "%s/conf/rustydb.toml", loaded->home);
    if (file != NULL)
        ok = ok && take_file(loaded, rdb_arena_strdup(arena, file), err) && (home == NULL || take_overrides(loaded, file, err));
    ok = ok && take_environment(loaded, err);
    loaded->layer++;
    for (uint32_t flag_no = 0; ok && flag_no < flag_count; flag_no++)
        ok = set_from_text(loaded, flags[flag_no].key, flags[flag_no].value, rdb_arena_strdup(arena, flags[flag_no].flag), err);
    ok = ok && check_together(loaded, err);
    if (ok)
        resolve_paths(loaded);
    ok = ok && rdb_arena_check(arena, err);
    if (!ok) {
        rdb_config_destroy(&loaded);
        return false;
    }
    *config = loaded;
    return true;
}

void rdb_config_destroy(rdb_config **config)
{
    if (*config == NULL)
        return;
    rdb_arena_destroy((*config)->arena);
    free(*config);
    *config = NULL;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

const char *rdb_config_text(const rdb_config *config, rdb_config_key key)
{
    RDB_ASSERT(KEYS[key].kind == KIND_TEXT || KEYS[key].kind == KIND_CHOICE);
    return config->values[key].text;
}

int64_t rdb_config_number(const rdb_config *config, rdb_config_key key)
{
    RDB_ASSERT(KEYS[key].kind == KIND_COUNT || KEYS[key].kind == KIND_BYTES);
    return config->values[key].number;
}

bool rdb_config_switch(const rdb_config *config, rdb_config_key key)
{
    RDB_ASSERT(KEYS[key].kind == KIND_SWITCH);
    return config->values[key].number != 0;
}

const rdb_list *rdb_config_texts(const rdb_config *config, rdb_config_key key)
{
    RDB_ASSERT(KEYS[key].kind == KIND_TEXTS);
    return &config->values[key].texts;
}

const char *rdb_config_path(const rdb_config *config, rdb_config_key key)
{
    RDB_ASSERT(KEYS[key].base != BASE_NONE);
    return config->values[key].path;
}

const char *rdb_config_origin(const rdb_config *config, rdb_config_key key)
{
    return config->values[key].origin;
}

bool rdb_config_is_set(const rdb_config *config, rdb_config_key key)
{
    return config->values[key].layer > 0;
}

uint64_t rdb_config_buffer_bytes(const rdb_config *config)
{
    const key_value *bytes = &config->values[RDB_CONFIG_MEMORY_SHARED_BUFFERS];
    const key_value *pages = &config->values[RDB_CONFIG_STORAGE_BUFFER_POOL_PAGES];
    if (pages->layer > bytes->layer)
        return (uint64_t)pages->number * (uint64_t)config->values[RDB_CONFIG_STORAGE_PAGE_SIZE].number;
    return (uint64_t)bytes->number;
}

const char *rdb_config_name(rdb_config_key key)
{
    return KEYS[key].name;
}

rdb_config_when rdb_config_counts_when(rdb_config_key key)
{
    return KEYS[key].when;
}

/* The value as TOML and JSON both write it. */
static void add_value(const rdb_config *config, rdb_config_key key, rdb_strbuf *out)
{
    const key_value *value = &config->values[key];
    switch (KEYS[key].kind) {
    case KIND_COUNT:
    case KIND_BYTES:
        rdb_strbuf_addf(out, "%lld", (long long)value->number);
        break;
    case KIND_SWITCH:
        rdb_strbuf_adds(out, value->number != 0 ? "true" : "false");
        break;
    case KIND_TEXTS:
        rdb_strbuf_addc(out, '[');
        for (uint32_t text_no = 0; text_no < value->texts.count; text_no++) {
            rdb_strbuf_adds(out, text_no == 0 ? "" : ", ");
            rdb_strbuf_add_json(out, value->texts.items[text_no], strlen(value->texts.items[text_no]));
        }
        rdb_strbuf_addc(out, ']');
        break;
    default: {
        bool secret = key == RDB_CONFIG_APM_LICENSE_KEY && value->text[0] != '\0';
        rdb_strbuf_add_json(out, secret ? "***" : value->text, secret ? 3 : strlen(value->text));
    }
    }
}

void rdb_config_print(const rdb_config *config, bool with_origins, rdb_strbuf *out)
{
    const char *section = "";
    size_t section_length = 0;
    for (size_t key_no = 0; key_no < RDB_CONFIG_KEYS; key_no++) {
        const char *name = KEYS[key_no].name, *dot = strrchr(name, '.');
        size_t length = (size_t)(dot - name);
        if (length != section_length || strncmp(name, section, length) != 0) {
            section = name;
            section_length = length;
            rdb_strbuf_addf(out, "%s[%.*s]\n", key_no == 0 ? "" : "\n", (int)length, name);
        }
        rdb_strbuf_addf(out, "%s = ", dot + 1);
        add_value(config, (rdb_config_key)key_no, out);
        if (with_origins)
            rdb_strbuf_addf(out, "  # %s", config->values[key_no].origin);
        rdb_strbuf_addc(out, '\n');
    }
}

void rdb_config_print_json(const rdb_config *config, rdb_strbuf *out)
{
    for (size_t key_no = 0; key_no < RDB_CONFIG_KEYS; key_no++) {
        const char *origin = config->values[key_no].origin;
        rdb_strbuf_addf(out, "{\"key\":\"%s\",\"value\":", KEYS[key_no].name);
        add_value(config, (rdb_config_key)key_no, out);
        rdb_strbuf_adds(out, ",\"origin\":");
        rdb_strbuf_add_json(out, origin, strlen(origin));
        rdb_strbuf_adds(out, "}\n");
    }
}
