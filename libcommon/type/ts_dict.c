/* SPDX-License-Identifier: Apache-2.0
 * Dictionaries: those in use, by what they are made of; their files; the templates simple, synonym and snowball. */
#include "type/ts_dict.h"
#include "type/text_int.h"
#include <errno.h>
#include <libstemmer.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- dictionaries in use --------------------------------------------------------------------------------------------------------- */
struct rdb_ts_dictionary {
    const ts_template *template;
    rdb_arena *arena;
    void *state;
    const char *key; /* template and options */
    uint32_t references;
    uint64_t used_at;
};
#define KEPT_MAX 64u
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf: nothing else is locked under it */
static rdb_ts_dictionary *kept[KEPT_MAX];
static uint64_t clock_ticks;

static const ts_template *const TEMPLATES[] = {&ts_template_simple, &ts_template_synonym, &ts_template_snowball, &ts_template_ispell};

static void destroy(rdb_ts_dictionary *dictionary)
{
    if (dictionary == NULL)
        return;
    if (dictionary->template->end != NULL && dictionary->state != NULL)
        dictionary->template->end(dictionary->state);
    rdb_arena_destroy(dictionary->arena);
}

static rdb_ts_dictionary *find_kept(const char *key)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++)
        if (kept[i] != NULL && strcmp(kept[i]->key, key) == 0) {
            kept[i]->references++;
            kept[i]->used_at = ++clock_ticks;
            return kept[i];
        }
    return NULL;
}

/* Keeps it for later, in the place of the one that nobody has used for longest; one that finds no place goes with its last user. */
static void keep(rdb_ts_dictionary *dictionary)
{
    uint32_t place = KEPT_MAX;
    rdb_ts_dictionary *old = NULL;
    pthread_mutex_lock(&kept_lock);
    for (uint32_t i = 0; i < KEPT_MAX; i++) {
        if (kept[i] == NULL) {
            place = i;
            break;
        }
        if (kept[i]->references == 1 && (place == KEPT_MAX || kept[i]->used_at < kept[place]->used_at))
            place = i;
    }
    if (place < KEPT_MAX) {
        old = kept[place];
        kept[place] = dictionary;
        dictionary->references++;
        dictionary->used_at = ++clock_ticks;
    }
    pthread_mutex_unlock(&kept_lock);
    destroy(old);
}

bool rdb_ts_dictionary_open(const char *template_name, const rdb_ts_option *options, uint32_t count, rdb_ts_dictionary **dictionary, rdb_error *err)
{
    const ts_template *template = NULL;
    rdb_strbuf key;
    *dictionary = NULL;
    for (size_t i = 0; i < RDB_COUNT_OF(TEMPLATES); i++)
        if (strcmp(TEMPLATES[i]->name, template_name) == 0)
            template = TEMPLATES[i];
    if (template == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "text search template \"%s\" is not supported", template_name);
    rdb_arena *arena = rdb_arena_create("dictionary", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_strbuf_init(&key, arena);
    rdb_strbuf_adds(&key, template_name);
    for (uint32_t i = 0; i < count; i++)
        rdb_strbuf_addf(&key, "%c%s=%s", 1, options[i].name, options[i].value);
    rdb_strbuf_addc(&key, 0);
    pthread_mutex_lock(&kept_lock);
    *dictionary = find_kept(key.data);
    pthread_mutex_unlock(&kept_lock);
    if (*dictionary != NULL) {
        rdb_arena_destroy(arena);
        return true;
    }
    rdb_ts_dictionary *made = RDB_NEW(arena, rdb_ts_dictionary);
    *made = (rdb_ts_dictionary){.template = template, .arena = arena, .key = key.data, .references = 1};
    if (!template->make(arena, options, count, &made->state, err) || !rdb_arena_check(arena, err)) {
        destroy(made);
        return false;
    }
    keep(made);
    *dictionary = made;
    return true;
}

void rdb_ts_dictionary_close(rdb_ts_dictionary **dictionary)
{
    rdb_ts_dictionary *closed = *dictionary;
    *dictionary = NULL;
    if (closed == NULL)
        return;
    pthread_mutex_lock(&kept_lock);
    bool is_last = --closed->references == 0;
    pthread_mutex_unlock(&kept_lock);
    if (is_last)
        destroy(closed);
}

bool rdb_ts_dictionary_lexize(rdb_ts_dictionary *dictionary, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err)
{
    memset(lexemes, 0, sizeof *lexemes);
    return dictionary->template->lexize(dictionary->state, arena, word, lexemes, err);
}

bool rdb_ts_lexemes_add(rdb_arena *arena, rdb_ts_lexemes *lexemes, rdb_slice text, uint16_t variant, uint8_t flags, rdb_error *err)
{
    if (lexemes->count == lexemes->capacity) {
        uint32_t capacity = RDB_MAX(2 * lexemes->capacity, 4);
        rdb_ts_lexeme *grown = rdb_arena_try_grow(arena, lexemes->items, sizeof *grown * lexemes->capacity, sizeof *grown * capacity, err);
        if (grown == NULL)
            return false;
        lexemes->items = grown;
        lexemes->capacity = capacity;
    }
    lexemes->items[lexemes->count++] = (rdb_ts_lexeme){text, variant, flags};
    lexemes->is_known = true;
    return true;
}

/* ---- files ------------------------------------------------------------------------------------------------------------------------- */
static char directory[1024];
void rdb_ts_set_directory(const char *path)
{
    snprintf(directory, sizeof directory, "%s", path);
}

typedef struct own_file {
    const char *name;
    const uint8_t *start, *end;
} own_file;
#define TS_FILE(symbol, file_name)                                                          \
    __asm__(".pushsection .rodata\n"                                                        \
            ".global ts_file_" #symbol "\n.hidden ts_file_" #symbol "\n"                    \
            ".global ts_file_end_" #symbol "\n.hidden ts_file_end_" #symbol "\n"            \
            "ts_file_" #symbol ":\n.incbin \"" TS_FILES_PATH "/" file_name "\"\n"           \
            "ts_file_end_" #symbol ":\n.byte 0\n"                                           \
            ".popsection\n");                                                               \
    extern const uint8_t ts_file_##symbol[] __attribute__((visibility("hidden")));          \
    extern const uint8_t ts_file_end_##symbol[] __attribute__((visibility("hidden")));
#include "type/ts_files.inc"
#undef TS_FILE
#define TS_FILE(symbol, file_name) {file_name, ts_file_##symbol, ts_file_end_##symbol},
static const own_file OWN_FILES[] = {
#include "type/ts_files.inc"
};

bool rdb_ts_read_file(rdb_arena *arena, const char *name, const char *extension, const char *what, rdb_slice *text, rdb_error *err)
{
    char path[1400], base[128];
    *text = (rdb_slice){(const uint8_t *)"", 0};
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) || name[0] == 0 || strlen(name) > 64)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "invalid text search configuration file name \"%s\"", name);
    snprintf(base, sizeof base, "%s.%s", name, extension);
    snprintf(path, sizeof path, "%s/%s", directory[0] != 0 ? directory : "tsearch_data", base);
    FILE *file = directory[0] != 0 ? fopen(path, "re") : NULL;
    if (file != NULL) {
        rdb_strbuf bytes;
        char piece[4096];
        size_t read;
        rdb_strbuf_init(&bytes, arena);
        while ((read = fread(piece, 1, sizeof piece, file)) > 0)
            rdb_strbuf_add(&bytes, piece, read);
        bool failed = ferror(file) != 0;
        fclose(file);
        if (failed)
            return rdb_error_set(err, RDB_IO_ERROR, "could not read file \"%s\": %s", path, strerror(errno));
        if (!rdb_strbuf_check(&bytes, err))
            return false;
        if (bytes.length > 0)
            *text = (rdb_slice){(const uint8_t *)bytes.data, bytes.length};
        return true;
    }
    for (size_t i = 0; i < RDB_COUNT_OF(OWN_FILES); i++)
        if (strcmp(OWN_FILES[i].name, base) == 0) {
            *text = (rdb_slice){OWN_FILES[i].start, (size_t)(OWN_FILES[i].end - OWN_FILES[i].start)};
            return true;
        }
    return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "could not open %s \"%s\": No such file or directory", what, path);
}

bool ts_next_line(rdb_slice *text, rdb_slice *line)
{
    if (text->length == 0)
        return false;
    const uint8_t *stop = memchr(text->data, '\n', text->length);
    size_t length = stop == NULL ? text->length : (size_t)(stop - text->data);
    *line = type_trim((rdb_slice){text->data, length});
    text->data += length + (stop != NULL);
    text->length -= length + (stop != NULL);
    return true;
}

bool ts_lower(rdb_arena *arena, rdb_slice word, rdb_slice *lower, rdb_error *err)
{
    rdb_call call = {.arena = arena, .err = err};
    rdb_datum result = {.words = {0, 0}};
    if (!type_text_lower(&call, (rdb_bytes){word.data, (uint32_t)word.length, 0}, &result))
        return false;
    *lower = type_slice(result);
    return true;
}

static int compare_slices(const void *left, const void *right)
{
    const rdb_slice *a = left, *b = right;
    size_t length = RDB_MIN(a->length, b->length);
    int order = length == 0 ? 0 : memcmp(a->data, b->data, length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

bool ts_stop_list_read(rdb_arena *arena, const char *name, ts_stop_list *list, rdb_error *err)
{
    rdb_slice text, line;
    uint32_t capacity = 0;
    if (!rdb_ts_read_file(arena, name, "stop", "stop-word file", &text, err))
        return false;
    for (rdb_slice rest = text; ts_next_line(&rest, &line);)
        capacity += line.length > 0;
    list->words = RDB_NEW_ARRAY(arena, rdb_slice, RDB_MAX(capacity, 1u));
    while (ts_next_line(&text, &line)) {
        size_t length = 0; /* one word a line: what follows a blank is not read */
        while (length < line.length && !type_is_space(line.data[length]))
            length++;
        if (length > 0 && !ts_lower(arena, (rdb_slice){line.data, length}, &list->words[list->count++], err))
            return false;
    }
    if (list->count > 0)
        qsort(list->words, list->count, sizeof(rdb_slice), compare_slices);
    return true;
}

bool ts_stop_list_has(const ts_stop_list *list, rdb_slice word)
{
    return list->count > 0 && bsearch(&word, list->words, list->count, sizeof(rdb_slice), compare_slices) != NULL;
}

bool ts_option_bool(const rdb_ts_option *option, bool *value, rdb_error *err)
{
    static const struct { const char *text; bool value; } WORDS[] = {{"true", true}, {"on", true}, {"1", true}, {"false", false}, {"off", false}, {"0", false}};
    rdb_slice text = {(const uint8_t *)option->value, strlen(option->value)};
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++)
        if (type_equals_ignoring_case(text, WORDS[i].text)) {
            *value = WORDS[i].value;
            return true;
        }
    return rdb_error_set(err, RDB_SYNTAX_ERROR, "%s requires a Boolean value", option->name);
}

bool ts_bad_option(const char *template_title, const char *name, rdb_error *err)
{
    return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "unrecognized %s parameter: \"%s\"", template_title, name);
}

/* ---- simple --------------------------------------------------------------------------------------------------------------------------- */
typedef struct simple_state {
    ts_stop_list stops;
    bool accepts;
} simple_state;

static bool simple_make(rdb_arena *arena, const rdb_ts_option *options, uint32_t count, void **state, rdb_error *err)
{
    simple_state *simple = RDB_NEW(arena, simple_state);
    bool has_stops = false, has_accept = false;
    simple->accepts = true;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, "stopwords") == 0) {
            if (has_stops)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "multiple StopWords parameters");
            has_stops = true;
            if (!ts_stop_list_read(arena, options[i].value, &simple->stops, err))
                return false;
        } else if (strcmp(options[i].name, "accept") == 0) {
            if (has_accept)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "multiple Accept parameters");
            has_accept = true;
            if (!ts_option_bool(&options[i], &simple->accepts, err))
                return false;
        } else {
            return ts_bad_option("simple dictionary", options[i].name, err);
        }
    }
    *state = simple;
    return true;
}

static bool simple_lexize(void *state, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err)
{
    const simple_state *simple = state;
    rdb_slice lower;
    if (!ts_lower(arena, word, &lower, err))
        return false;
    if (lower.length == 0 || ts_stop_list_has(&simple->stops, lower)) {
        lexemes->is_known = true;
        return true;
    }
    return !simple->accepts || rdb_ts_lexemes_add(arena, lexemes, lower, 0, 0, err);
}
const ts_template ts_template_simple = {"simple", simple_make, simple_lexize, NULL};

/* ---- synonym ----------------------------------------------------------------------------------------------------------------------------- */
typedef struct synonym {
    rdb_slice word, substitute;
    bool is_prefix;
} synonym;
typedef struct synonym_state {
    synonym *synonyms;
    uint32_t count;
    bool is_case_sensitive;
} synonym_state;

static int compare_synonyms(const void *left, const void *right)
{
    return compare_slices(&((const synonym *)left)->word, &((const synonym *)right)->word);
}

static bool synonym_make(rdb_arena *arena, const rdb_ts_option *options, uint32_t count, void **state, rdb_error *err)
{
    synonym_state *made = RDB_NEW(arena, synonym_state);
    const char *name = NULL;
    rdb_slice text, line;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, "synonyms") == 0)
            name = options[i].value;
        else if (strcmp(options[i].name, "casesensitive") != 0)
            return ts_bad_option("synonym", options[i].name, err);
        else if (!ts_option_bool(&options[i], &made->is_case_sensitive, err))
            return false;
    }
    if (name == NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "missing Synonyms parameter");
    if (!rdb_ts_read_file(arena, name, "syn", "synonym file", &text, err))
        return false;
    uint32_t capacity = 0;
    for (rdb_slice rest = text; ts_next_line(&rest, &line);)
        capacity++;
    made->synonyms = RDB_NEW_ARRAY(arena, synonym, RDB_MAX(capacity, 1u));
    while (ts_next_line(&text, &line)) {
        size_t at = 0, from;
        synonym *next = &made->synonyms[made->count];
        while (at < line.length && !type_is_space(line.data[at]))
            at++;
        rdb_slice word = {line.data, at};
        while (at < line.length && type_is_space(line.data[at]))
            at++;
        for (from = at; at < line.length && !type_is_space(line.data[at]); at++)
            ;
        rdb_slice substitute = {line.data + from, at - from};
        if (word.length == 0 || substitute.length == 0) /* a line of one word says nothing */
            continue;
        next->is_prefix = substitute.data[substitute.length - 1] == '*';
        substitute.length -= next->is_prefix;
        if (made->is_case_sensitive) {
            next->word = word;
            next->substitute = substitute;
        } else if (!ts_lower(arena, word, &next->word, err) || !ts_lower(arena, substitute, &next->substitute, err)) {
            return false;
        }
        made->count++;
    }
    if (made->count > 0)
        qsort(made->synonyms, made->count, sizeof(synonym), compare_synonyms);
    *state = made;
    return true;
}

static bool synonym_lexize(void *state, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err)
{
    const synonym_state *made = state;
    synonym key = {.word = word};
    if (word.length == 0 || made->count == 0)
        return true;
    if (!made->is_case_sensitive && !ts_lower(arena, word, &key.word, err))
        return false;
    const synonym *found = bsearch(&key, made->synonyms, made->count, sizeof(synonym), compare_synonyms);
    if (found == NULL)
        return true;
    rdb_slice substitute = {rdb_arena_memdup(arena, found->substitute.data, found->substitute.length), found->substitute.length};
    return rdb_ts_lexemes_add(arena, lexemes, substitute, 0, found->is_prefix ? RDB_TS_PREFIX : 0, err);
}
const ts_template ts_template_synonym = {"synonym", synonym_make, synonym_lexize, NULL};

/* ---- snowball ----------------------------------------------------------------------------------------------------------------------------- */
/* A stemmer works for one thread at a time: each use takes one, and puts it back. */
#define STEMMERS_MAX 8u
typedef struct snowball_state {
    ts_stop_list stops;
    const char *language;
    pthread_mutex_t lock; /* a leaf */
    struct sb_stemmer *idle[STEMMERS_MAX];
    uint32_t idle_count;
} snowball_state;

static bool snowball_make(rdb_arena *arena, const rdb_ts_option *options, uint32_t count, void **state, rdb_error *err)
{
    snowball_state *made = RDB_NEW(arena, snowball_state);
    const char *stops = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, "stopwords") == 0) {
            if (stops != NULL)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "multiple StopWords parameters");
            stops = options[i].value;
            if (!ts_stop_list_read(arena, stops, &made->stops, err))
                return false;
        } else if (strcmp(options[i].name, "language") == 0) {
            if (made->language != NULL)
                return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "multiple Language parameters");
            made->language = rdb_arena_strdup(arena, options[i].value);
        } else {
            return ts_bad_option("Snowball", options[i].name, err);
        }
    }
    if (made->language == NULL)
        return rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "missing Language parameter");
    struct sb_stemmer *first = sb_stemmer_new(made->language, NULL);
    if (first == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_OBJECT, "no Snowball stemmer available for language \"%s\" and encoding \"UTF8\"", made->language);
    pthread_mutex_init(&made->lock, NULL);
    made->idle[made->idle_count++] = first;
    *state = made;
    return true;
}

static bool snowball_lexize(void *state, rdb_arena *arena, rdb_slice word, rdb_ts_lexemes *lexemes, rdb_error *err)
{
    snowball_state *made = state;
    rdb_slice lower;
    if (!ts_lower(arena, word, &lower, err))
        return false;
    if (word.length > 1000) /* no word of a language, and stemmers are not made for it */
        return rdb_ts_lexemes_add(arena, lexemes, lower, 0, 0, err);
    if (lower.length == 0 || ts_stop_list_has(&made->stops, lower)) {
        lexemes->is_known = true;
        return true;
    }
    struct sb_stemmer *stemmer = NULL;
    pthread_mutex_lock(&made->lock);
    if (made->idle_count > 0)
        stemmer = made->idle[--made->idle_count];
    pthread_mutex_unlock(&made->lock);
    if (stemmer == NULL)
        stemmer = sb_stemmer_new(made->language, NULL);
    const sb_symbol *stem = stemmer == NULL ? NULL : sb_stemmer_stem(stemmer, lower.data, (int)lower.length);
    bool ok = stem != NULL;
    if (ok)
        lower = (rdb_slice){rdb_arena_memdup(arena, stem, (size_t)sb_stemmer_length(stemmer)), (size_t)sb_stemmer_length(stemmer)};
    pthread_mutex_lock(&made->lock);
    if (stemmer != NULL && made->idle_count < STEMMERS_MAX) {
        made->idle[made->idle_count++] = stemmer;
        stemmer = NULL;
    }
    pthread_mutex_unlock(&made->lock);
    if (stemmer != NULL)
        sb_stemmer_delete(stemmer);
    return ok ? rdb_ts_lexemes_add(arena, lexemes, lower, 0, 0, err) : rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

static void snowball_end(void *state)
{
    snowball_state *made = state;
    while (made->idle_count > 0)
        sb_stemmer_delete(made->idle[--made->idle_count]);
    pthread_mutex_destroy(&made->lock);
}
const ts_template ts_template_snowball = {"snowball", snowball_make, snowball_lexize, snowball_end};
