/* SPDX-License-Identifier: Apache-2.0
 * Configurations of text search: read from the catalog, kept for the process while the catalog stays as it is, and run over texts.
 * A dictionary that takes several words at once (a thesaurus) is tried for the longest phrase that begins at a token. */
#include "expr/text_config.h"
#include "expr/rdb_routine.h"
#include "type/text_int.h"
#include <pthread.h>
#include <stdlib.h>

enum {
    PG_TS_DICT = 3600, PG_TS_CONFIG = 3602, PG_TS_CONFIG_MAP = 3603, PG_TS_TEMPLATE = 3764, INDEX_TS_CONFIG_OID = 3712, INDEX_TS_CONFIG_MAP = 3609,
    INDEX_TS_DICT_OID = 3605, INDEX_TS_TEMPLATE_OID = 3767, REGCONFIG = 3734, REGDICTIONARY = 3769
};

/* ---- options ------------------------------------------------------------------------------------------------------------------- */
static bool bad_options(rdb_slice whole, rdb_error *err)
{
    return rdb_error_set(err, RDB_SYNTAX_ERROR, "invalid parameter list format: \"%.*s\"", (int)whole.length, (const char *)whole.data);
}

static void skip_blanks(rdb_slice *text)
{
    while (text->length > 0 && (text->data[0] == ' ' || (text->data[0] >= '\t' && text->data[0] <= '\r'))) {
        text->data++;
        text->length--;
    }
}

/* A word, or one in quotes of the kind that is allowed there; an E before the quotes makes backslashes escape. */
static bool read_option_word(rdb_arena *arena, rdb_slice *text, rdb_slice whole, char quote, bool folds, const char **word, rdb_error *err)
{
    rdb_strbuf buffer;
    rdb_strbuf_init(&buffer, arena);
    bool escapes = text->length > 1 && (text->data[0] == 'E' || text->data[0] == 'e') && text->data[1] == '\'' && quote == '\'';
    size_t at = escapes;
    if (text->length > at && (text->data[at] == quote || (quote == '\'' && text->data[at] == '"'))) {
        uint8_t end = text->data[at];
        for (at++;; at++) {
            if (at >= text->length)
                return bad_options(whole, err);
            if (escapes && text->data[at] == '\\' && at + 1 < text->length)
                at++;
            else if (text->data[at] == end) {
                if (at + 1 >= text->length || text->data[at + 1] != end)
                    break;
                at++;
            }
            rdb_strbuf_addc(&buffer, (char)text->data[at]);
        }
        at++;
    } else {
        for (at = 0; at < text->length && text->data[at] != ',' && text->data[at] != '=' && text->data[at] > ' '; at++)
            rdb_strbuf_addc(&buffer, folds && text->data[at] >= 'A' && text->data[at] <= 'Z' ? (char)(text->data[at] + 32) : (char)text->data[at]);
        if (at == 0)
            return bad_options(whole, err);
    }
    rdb_strbuf_addc(&buffer, 0);
    text->data += at;
    text->length -= at;
    *word = buffer.data;
    return rdb_strbuf_check(&buffer, err);
}

bool rdb_ts_parse_options(rdb_arena *arena, rdb_slice text, rdb_ts_option **options, uint32_t *count, rdb_error *err)
{
    const rdb_slice whole = text;
    uint32_t capacity = 8;
    *count = 0;
    *options = RDB_NEW_ARRAY(arena, rdb_ts_option, capacity);
    for (skip_blanks(&text); text.length > 0; skip_blanks(&text)) {
        rdb_ts_option option = {NULL, NULL};
        if (text.data[0] == ',' && *count > 0) {
            text.data++;
            text.length--;
            continue;
        }
        if (!read_option_word(arena, &text, whole, '"', true, &option.name, err))
            return false;
        skip_blanks(&text);
        if (text.length == 0 || text.data[0] != '=')
            return bad_options(whole, err);
        text.data++;
        text.length--;
        skip_blanks(&text);
        if (text.length == 0 || !read_option_word(arena, &text, whole, '\'', false, &option.value, err))
            return text.length == 0 ? bad_options(whole, err) : false;
        if (*count == capacity) {
            rdb_ts_option *grown = rdb_arena_try_grow(arena, *options, sizeof *grown * capacity, sizeof *grown * capacity * 2, err);
            if (grown == NULL)
                return false;
            *options = grown;
            capacity *= 2;
        }
        (*options)[(*count)++] = option;
    }
    return true;
}

/* ---- dictionaries of the catalog ---------------------------------------------------------------------------------------------------- */
typedef struct phrase_word { /* of a thesaurus: what its dictionary makes of a word */
    const rdb_ts_lexeme *lexemes;
    uint32_t count;
    bool is_stop; /* "?": any stop word */
} phrase_word;
typedef struct phrase {
    phrase_word *words;
    uint32_t word_count;
    rdb_ts_lexemes substitute;
} phrase;
typedef struct thesaurus {
    struct dictionary *inner;
    phrase *phrases;
    uint32_t count, capacity;
} thesaurus;
typedef struct dictionary {
    uint32_t oid;
    rdb_ts_dictionary *made;
    thesaurus *phrases; /* instead of made */
} dictionary;

static bool open_dictionary(rdb_call *call, rdb_arena *arena, uint32_t oid, dictionary *d, uint32_t depth);

static void close_dictionary(dictionary *d)
{
    rdb_ts_dictionary_close(&d->made);
    if (d->phrases != NULL && d->phrases->inner != NULL)
        close_dictionary(d->phrases->inner);
    d->phrases = NULL;
}

static bool copy_lexemes(rdb_arena *arena, const rdb_ts_lexemes *from, bool next_place, rdb_ts_lexemes *to, rdb_error *err)
{
    for (uint32_t i = 0; i < from->count; i++) {
        rdb_slice text = from->items[i].text;
        text.data = rdb_arena_memdup(arena, text.data, text.length);
        if (!rdb_ts_lexemes_add(arena, to, text, from->items[i].variant, (uint8_t)(from->items[i].flags | (next_place && i == 0 ? RDB_TS_NEXT_PLACE : 0)), err))
            return false;
    }
    return true;
}

static bool read_phrase(rdb_call *call, rdb_arena *arena, thesaurus *t, rdb_slice line, uint32_t rule_no)
{
    phrase_word words[64];
    phrase p = {.words = NULL};
    bool in_substitute = false;
    for (size_t at = 0; at < line.length;) {
        if (line.data[at] == ' ' || line.data[at] == '\t' || line.data[at] == '\r') {
            at++;
            continue;
        }
        if (line.data[at] == ':') {
            if (in_substitute)
                return rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "unexpected delimiter");
            in_substitute = true;
            at++;
            continue;
        }
        size_t from = at;
        while (at < line.length && line.data[at] > ' ' && line.data[at] != ':')
            at++;
        rdb_slice word = {line.data + from, at - from};
        rdb_ts_lexemes found = {.items = NULL};
        bool exact = in_substitute && word.data[0] == '*';
        if (exact) {
            word.data++;
            word.length--;
            if (!rdb_ts_lexemes_add(arena, &p.substitute, (rdb_slice){rdb_arena_memdup(arena, word.data, word.length), word.length}, 0,
                                    p.substitute.count > 0 ? RDB_TS_NEXT_PLACE : 0, call->err))
                return false;
            continue;
        }
        if (!in_substitute && word.length == 1 && word.data[0] == '?') {
            if (p.word_count == RDB_COUNT_OF(words))
                return rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "too many lexemes in thesaurus entry");
            words[p.word_count++] = (phrase_word){.is_stop = true};
            continue;
        }
        if (!rdb_ts_dictionary_lexize(t->inner->made, arena, word, &found, call->err))
            return false;
        const char *shown = rdb_arena_strndup(call->arena, (const char *)word.data, word.length);
        if (!found.is_known)
            return rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "thesaurus %s word \"%s\" isn't recognized by subdictionary (rule %u)", in_substitute ? "substitute" : "sample", shown, rule_no);
        if (found.count == 0) {
            rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "thesaurus %s word \"%s\" is a stop word (rule %u)", in_substitute ? "substitute" : "sample", shown, rule_no);
            return in_substitute ? false : rdb_error_hint(call->err, "Use \"?\" to represent a stop word within a sample phrase.");
        }
        if (in_substitute) {
            if (!copy_lexemes(arena, &found, p.substitute.count > 0, &p.substitute, call->err))
                return false;
        } else {
            if (p.word_count == RDB_COUNT_OF(words))
                return rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "too many lexemes in thesaurus entry");
            words[p.word_count++] = (phrase_word){.lexemes = found.items, .count = found.count};
        }
    }
    if (p.word_count == 0 && !in_substitute)
        return true;
    if (p.word_count == 0 || !in_substitute)
        return rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "unexpected end of line");
    if (p.substitute.count == 0)
        return rdb_error_set(call->err, RDB_CONFIG_FILE_ERROR, "thesaurus substitute phrase is empty (rule %u)", rule_no);
    p.words = rdb_arena_memdup(arena, words, sizeof *words * p.word_count);
    if (t->count == t->capacity) {
        uint32_t capacity = RDB_MAX(2 * t->capacity, 16);
        phrase *grown = rdb_arena_try_grow(arena, t->phrases, sizeof *grown * t->capacity, sizeof *grown * capacity, call->err);
        if (grown == NULL)
            return false;
        t->phrases = grown;
        t->capacity = capacity;
    }
    t->phrases[t->count++] = p;
    return true;
}

static bool open_thesaurus(rdb_call *call, rdb_arena *arena, const rdb_ts_option *options, uint32_t count, dictionary *d, uint32_t depth)
{
    const char *file = NULL, *inner = NULL;
    uint32_t inner_oid = 0, rule_no = 0;
    rdb_slice text;
    for (uint32_t i = 0; i < count; i++) {
        const char **place = strcmp(options[i].name, "dictfile") == 0 ? &file : strcmp(options[i].name, "dictionary") == 0 ? &inner : NULL;
        if (place == NULL)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized Thesaurus parameter: \"%s\"", options[i].name);
        if (*place != NULL)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "multiple %s parameters", place == &file ? "DictFile" : "Dictionary");
        *place = options[i].value;
    }
    if (file == NULL || inner == NULL)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "missing %s parameter", file == NULL ? "DictFile" : "Dictionary");
    if (depth > 0)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "a thesaurus over a thesaurus is not supported");
    d->phrases = RDB_NEW(arena, thesaurus);
    d->phrases->inner = RDB_NEW(arena, dictionary);
    if (!expr_find_reg(call, REGDICTIONARY, (rdb_slice){(const uint8_t *)inner, strlen(inner)}, true, &inner_oid) ||
        !open_dictionary(call, arena, inner_oid, d->phrases->inner, depth + 1) || !rdb_ts_read_file(arena, file, "ths", "thesaurus file", &text, call->err))
        return false;
    while (text.length > 0) {
        const uint8_t *stop = memchr(text.data, '\n', text.length);
        rdb_slice line = {text.data, stop == NULL ? text.length : (size_t)(stop - text.data)};
        text.data += line.length + (stop != NULL);
        text.length -= line.length + (stop != NULL);
        skip_blanks(&line);
        if (line.length == 0 || line.data[0] == '#')
            continue;
        if (!read_phrase(call, arena, d->phrases, line, ++rule_no))
            return false;
    }
    return true;
}

/* What a template is follows from its function. */
static const char *template_of(uint32_t lexize_oid)
{
    switch (lexize_oid) {
    case 3726: return "simple";
    case 3729: return "synonym";
    case 3732: return "ispell";
    case 8101: return "snowball";
    default: return NULL;
    }
}

static bool open_made_of(rdb_call *call, rdb_arena *arena, uint32_t lexize_oid, const rdb_ts_option *options, uint32_t count, dictionary *d, uint32_t depth)
{
    if (lexize_oid == 3741)
        return open_thesaurus(call, arena, options, count, d, depth);
    if (template_of(lexize_oid) == NULL)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "text search templates of other functions are not supported");
    return rdb_ts_dictionary_open(template_of(lexize_oid), options, count, &d->made, call->err);
}

bool text_check_options(rdb_call *call, uint32_t lexize_oid, const rdb_ts_option *options, uint32_t count)
{
    dictionary d = {.oid = 0};
    bool ok = open_made_of(call, call->arena, lexize_oid, options, count, &d, 0);
    close_dictionary(&d);
    return ok;
}

static bool open_dictionary(rdb_call *call, rdb_arena *arena, uint32_t oid, dictionary *d, uint32_t depth)
{
    rdb_datum key = {.oid = oid}, template_oid, text, lexize;
    bool is_null = false, no_options = true, found = false;
    rdb_ts_option *options = NULL;
    uint32_t count = 0;
    d->oid = oid;
    if (!expr_read_catalog(call, PG_TS_DICT, INDEX_TS_DICT_OID, &key, 1, RDB_pg_ts_dict_dicttemplate, RDB_REP_INT32, &template_oid, &is_null, &found))
        return false;
    if (!found)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "cache lookup failed for text search dictionary %u", oid);
    if (!expr_read_catalog(call, PG_TS_DICT, INDEX_TS_DICT_OID, &key, 1, RDB_pg_ts_dict_dictinitoption, RDB_REP_BYTES, &text, &no_options, &found) ||
        !expr_read_catalog(call, PG_TS_TEMPLATE, INDEX_TS_TEMPLATE_OID, &template_oid, 1, RDB_pg_ts_template_tmpllexize, RDB_REP_INT32, &lexize, &is_null, &found))
        return false;
    if (!no_options && !rdb_ts_parse_options(call->arena, (rdb_slice){text.bytes.data, text.bytes.length}, &options, &count, call->err))
        return false;
    if (!found)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "cache lookup failed for text search template %u", template_oid.oid);
    return open_made_of(call, arena, lexize.oid, options, count, d, depth);
}

/* ---- configurations -------------------------------------------------------------------------------------------------------------------- */
struct text_config {
    rdb_arena *arena;
    const rdb_database *database;
    uint32_t oid;
    uint64_t epoch, used_at;
    uint32_t references;
    dictionary *dictionaries;
    uint32_t dictionary_count;
    struct {
        uint32_t *numbers, count; /* of dictionaries */
    } map[RDB_TS_TOKEN_TYPES + 1];
};
#define KEPT_MAX 32u
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf: nothing else is locked under it */
static text_config *kept[KEPT_MAX];
static uint64_t clock_ticks;

static void destroy_config(text_config *config)
{
    if (config == NULL)
        return;
    for (uint32_t i = 0; i < config->dictionary_count; i++)
        close_dictionary(&config->dictionaries[i]);
    rdb_arena_destroy(config->arena);
}

void text_config_release(text_config **config)
{
    text_config *released = *config;
    *config = NULL;
    if (released == NULL)
        return;
    pthread_mutex_lock(&kept_lock);
    bool is_last = --released->references == 0;
    pthread_mutex_unlock(&kept_lock);
    if (is_last)
        destroy_config(released);
}

static text_config *find_kept(const rdb_database *database, uint32_t oid, uint64_t epoch)
{
    text_config *found = NULL;
    pthread_mutex_lock(&kept_lock);
    for (uint32_t i = 0; i < KEPT_MAX && found == NULL; i++)
        if (kept[i] != NULL && kept[i]->oid == oid && kept[i]->database == database && kept[i]->epoch == epoch)
            found = kept[i];
    if (found != NULL) {
        found->references++;
        found->used_at = ++clock_ticks;
    }
    pthread_mutex_unlock(&kept_lock);
    return found;
}

static void keep_config(text_config *config)
{
    text_config *old = NULL;
    uint32_t place = 0;
    pthread_mutex_lock(&kept_lock);
    for (uint32_t i = 0; i < KEPT_MAX; i++) {
        bool same = kept[i] != NULL && kept[i]->oid == config->oid && kept[i]->database == config->database;
        if (kept[i] == NULL || same) {
            place = i;
            if (same)
                break;
        } else if (kept[place] != NULL && kept[i]->used_at < kept[place]->used_at) {
            place = i;
        }
    }
    old = kept[place];
    kept[place] = config;
    config->references++;
    config->used_at = ++clock_ticks;
    if (old != NULL && --old->references > 0)
        old = NULL;
    pthread_mutex_unlock(&kept_lock);
    destroy_config(old);
}

bool text_config_current(rdb_call *call, uint32_t *oid)
{
    const char *name = NULL;
    const rdb_nested_statements *nested = rdb_nested_get();
    rdb_eval *eval = rdb_eval_of(call);
    *oid = 0;
    if (nested == NULL || nested->get_setting == NULL || eval->session == NULL)
        name = "pg_catalog.english";
    else if (!nested->get_setting(eval->session, "default_text_search_config", call->arena, &name, call->err))
        return false;
    return expr_find_reg(call, REGCONFIG, (rdb_slice){(const uint8_t *)name, strlen(name)}, true, oid);
}

static bool read_map(rdb_call *call, text_config *config)
{
    rdb_datum key = {.oid = config->oid};
    rdb_catalog_scan *scan = NULL;
    rdb_catalog_row row = {.values = NULL};
    bool found = true, ok;
    uint32_t (*pairs)[2] = NULL, count = 0, capacity = 0;
    if (!rdb_catalog_scan_open(&scan, rdb_eval_of(call)->access, PG_TS_CONFIG_MAP, INDEX_TS_CONFIG_MAP, &key, 1, call->arena, call->err))
        return false;
    while ((ok = rdb_catalog_scan_next(scan, &row, &found, call->err)) && found) { /* by token type, then number */
        if (count == capacity) {
            uint32_t wanted = RDB_MAX(2 * capacity, 64);
            void *grown = rdb_arena_try_grow(call->arena, pairs, sizeof *pairs * capacity, sizeof *pairs * wanted, call->err);
            if (!(ok = grown != NULL))
                break;
            pairs = grown;
            capacity = wanted;
        }
        pairs[count][0] = row.values[RDB_pg_ts_config_map_maptokentype - 1].oid;
        pairs[count++][1] = row.values[RDB_pg_ts_config_map_mapdict - 1].oid;
    }
    rdb_catalog_scan_close(&scan);
    config->dictionaries = RDB_NEW_ARRAY(config->arena, dictionary, RDB_MAX(count, 1u));
    for (uint32_t i = 0; ok && i < count; i++) {
        uint32_t type = pairs[i][0], number = 0;
        if (type > RDB_TS_TOKEN_TYPES)
            continue;
        while (number < config->dictionary_count && config->dictionaries[number].oid != pairs[i][1])
            number++;
        if (number == config->dictionary_count) {
            config->dictionary_count++;
            ok = open_dictionary(call, config->arena, pairs[i][1], &config->dictionaries[number], 0);
        }
        if (config->map[type].numbers == NULL)
            config->map[type].numbers = RDB_NEW_ARRAY(config->arena, uint32_t, count);
        config->map[type].numbers[config->map[type].count++] = number;
    }
    return ok;
}

bool text_config_get(rdb_call *call, uint32_t oid, text_config **config)
{
    rdb_access *access = rdb_eval_of(call)->access;
    const rdb_database *database = rdb_access_get_context(access)->database;
    rdb_datum key, parser;
    bool is_null = false, found = false;
    *config = NULL;
    if (oid == 0 && !text_config_current(call, &oid))
        return false;
    bool has_changes = rdb_access_has_changes(access);
    uint64_t epoch = rdb_catalog_epoch(database);
    if (!has_changes && (*config = find_kept(database, oid, epoch)) != NULL)
        return true;
    key.oid = oid;
    if (!expr_read_catalog(call, PG_TS_CONFIG, INDEX_TS_CONFIG_OID, &key, 1, RDB_pg_ts_config_cfgparser, RDB_REP_INT32, &parser, &is_null, &found))
        return false;
    if (!found)
        return rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "cache lookup failed for text search configuration %u", oid);
    rdb_arena *arena = rdb_arena_create("text search configuration", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(call->err, RDB_OUT_OF_MEMORY, "out of memory");
    text_config *made = RDB_NEW(arena, text_config);
    made->arena = arena;
    made->database = database;
    made->oid = oid;
    made->epoch = epoch;
    made->references = 1;
    if (!read_map(call, made) || !rdb_arena_check(arena, call->err)) {
        destroy_config(made);
        return false;
    }
    if (!has_changes)
        keep_config(made);
    *config = made;
    return true;
}

/* ---- running ----------------------------------------------------------------------------------------------------------------------------- */
/* Does the dictionary's answer for a word stand where the phrase has its own? */
static bool fits_word(const phrase_word *word, const rdb_ts_lexemes *found)
{
    if (word->is_stop)
        return found->is_known && found->count == 0;
    for (uint32_t i = 0; i < found->count; i++)
        for (uint32_t k = 0; k < word->count; k++)
            if (found->items[i].text.length == word->lexemes[k].text.length &&
                memcmp(found->items[i].text.data, word->lexemes[k].text.data, word->lexemes[k].text.length) == 0)
                return true;
    return false;
}

static bool has_dictionary(const text_config *config, int type, uint32_t number)
{
    for (uint32_t i = 0; i < config->map[type].count; i++)
        if (config->map[type].numbers[i] == number)
            return true;
    return false;
}

/* The longest phrase that begins at the first token; *taken tokens are it, 0: none. Tokens of types that nothing is mapped to are passed over. */
static bool find_phrase(rdb_call *call, const text_config *config, uint32_t number, const text_token *tokens, uint32_t count, uint32_t *taken, rdb_ts_lexemes *lexemes)
{
    const thesaurus *t = config->dictionaries[number].phrases;
    bool *alive = RDB_NEW_ARRAY(call->arena, bool, RDB_MAX(t->count, 1u));
    uint32_t words = 0, living = t->count;
    memset(alive, 1, t->count);
    *taken = 0;
    for (uint32_t at = 0; at < count && living > 0; at++) {
        rdb_ts_lexemes found;
        if (config->map[tokens[at].type].count == 0)
            continue;
        if (!has_dictionary(config, tokens[at].type, number))
            return true;
        if (!rdb_ts_dictionary_lexize(t->inner->made, call->arena, tokens[at].text, &found, call->err))
            return false;
        if (!found.is_known)
            return true;
        for (uint32_t i = 0; i < t->count; i++) {
            if (!alive[i])
                continue;
            const phrase *p = &t->phrases[i];
            alive[i] = fits_word(&p->words[words], &found);
            if (alive[i] && p->word_count == words + 1) {
                *taken = at + 1;
                *lexemes = p->substitute;
                alive[i] = false;
            }
            living -= !alive[i];
        }
        words++;
    }
    return true;
}

bool text_config_run(rdb_call *call, text_config *config, rdb_slice text, text_taker take, void *context)
{
    rdb_ts_parser *parser = rdb_ts_parser_open(call->arena, text);
    text_token *tokens = NULL;
    uint32_t count = 0, capacity = 0;
    for (;;) {
        text_token token;
        if (!rdb_ts_parser_next(parser, &token.type, &token.text, call->err))
            return false;
        if (token.type == 0)
            break;
        if (token.text.length >= 2047) {
            rdb_ts_notice(call, RDB_PROGRAM_LIMIT_EXCEEDED, "Words longer than 2047 characters are ignored.", "word is too long to be indexed");
            continue;
        }
        if (count == capacity) {
            uint32_t wanted = RDB_MAX(2 * capacity, 64);
            text_token *grown = rdb_arena_try_grow(call->arena, tokens, sizeof *grown * capacity, sizeof *grown * wanted, call->err);
            if (grown == NULL)
                return false;
            tokens = grown;
            capacity = wanted;
        }
        tokens[count++] = token;
    }
    for (uint32_t at = 0; at < count;) {
        rdb_ts_lexemes lexemes = {.is_known = false};
        rdb_slice word = tokens[at].text;
        uint32_t taken = 1, type = (uint32_t)tokens[at].type;
        for (uint32_t i = 0; i < config->map[type].count && !lexemes.is_known; i++) {
            const uint32_t number = config->map[type].numbers[i];
            if (config->dictionaries[number].phrases != NULL) {
                uint32_t phrase_tokens = 0;
                if (!find_phrase(call, config, number, tokens + at, count - at, &phrase_tokens, &lexemes))
                    return false;
                taken = RDB_MAX(phrase_tokens, 1u);
                continue;
            }
            if (!rdb_ts_dictionary_lexize(config->dictionaries[number].made, call->arena, word, &lexemes, call->err))
                return false;
            if (lexemes.is_known && lexemes.count > 0 && (lexemes.items[0].flags & RDB_TS_FILTER)) {
                word = lexemes.items[0].text;
                lexemes = (rdb_ts_lexemes){.is_known = false};
            }
        }
        if (!take(call, context, tokens + at, taken, &lexemes))
            return false;
        at += taken;
    }
    return true;
}

static bool take_words(rdb_call *call, void *context, const text_token *tokens, uint32_t count, const rdb_ts_lexemes *lexemes)
{
    rdb_ts_words *words = context;
    (void)tokens, (void)count;
    if (!lexemes->is_known)
        return true;
    words->place++;
    for (uint32_t i = 0; i < lexemes->count; i++) {
        words->place += (lexemes->items[i].flags & RDB_TS_NEXT_PLACE) != 0;
        if (!rdb_ts_words_add(call, words, (rdb_ts_word){lexemes->items[i].text, words->place, lexemes->items[i].variant, lexemes->items[i].flags}))
            return false;
    }
    return true;
}

bool text_config_words(rdb_call *call, void *config, rdb_slice text, rdb_ts_words *words)
{
    return text_config_run(call, config, text, take_words, words);
}

bool text_lexize(rdb_call *call, uint32_t dictionary_oid, rdb_slice word, rdb_ts_lexemes *lexemes)
{
    dictionary d = {.oid = 0};
    bool ok = open_dictionary(call, call->arena, dictionary_oid, &d, 0);
    memset(lexemes, 0, sizeof *lexemes);
    if (ok && d.phrases != NULL) { /* of one word, since there is no other */
        rdb_ts_lexemes found;
        ok = rdb_ts_dictionary_lexize(d.phrases->inner->made, call->arena, word, &found, call->err);
        for (uint32_t i = 0; ok && found.is_known && i < d.phrases->count; i++)
            if (d.phrases->phrases[i].word_count == 1 && fits_word(&d.phrases->phrases[i].words[0], &found))
                *lexemes = d.phrases->phrases[i].substitute;
    } else if (ok) {
        ok = rdb_ts_dictionary_lexize(d.made, call->arena, word, lexemes, call->err);
    }
    close_dictionary(&d);
    return ok;
}

bool text_config_dictionaries(rdb_call *call, const text_config *config, int type, rdb_slice token, const uint32_t **oids, uint32_t *count, uint32_t *chosen, rdb_ts_lexemes *lexemes)
{
    uint32_t *all = RDB_NEW_ARRAY(call->arena, uint32_t, config->map[type].count + 1);
    *count = config->map[type].count;
    *oids = all;
    *chosen = *count > 0 ? config->dictionaries[config->map[type].numbers[0]].oid : 0;
    memset(lexemes, 0, sizeof *lexemes);
    for (uint32_t i = 0; i < *count; i++)
        all[i] = config->dictionaries[config->map[type].numbers[i]].oid;
    for (uint32_t i = 0; i < *count && !lexemes->is_known; i++) {
        if (!text_lexize(call, all[i], token, lexemes))
            return false;
        if (lexemes->is_known)
            *chosen = all[i];
    }
    return true;
}
