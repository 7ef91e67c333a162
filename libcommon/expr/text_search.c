/* SPDX-License-Identifier: Apache-2.0
 * Functions of text search that need a configuration: to_tsvector, to_tsquery and its kin, ts_headline, ts_lexize, ts_parse,
 * ts_token_type, get_current_ts_config. */
#include "expr/text_config.h"
#include <stdlib.h>
#include <strings.h>

static rdb_slice slice_of(rdb_datum value)
{
    return (rdb_slice){value.bytes.data, value.bytes.length};
}

/* ---- documents ---------------------------------------------------------------------------------------------------------------- */
static bool make_document(rdb_call *call, uint32_t config_oid, rdb_slice text, rdb_datum *result)
{
    text_config *config;
    rdb_ts_words words = {.items = NULL};
    if (!text_config_get(call, config_oid, &config))
        return false;
    bool ok = text_config_words(call, config, text, &words) && rdb_ts_make_document(call, &words, result);
    text_config_release(&config);
    return ok;
}

static bool to_vector_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return make_document(call, 0, slice_of(a[0]), result);
}
EXPR_ROW_KERNEL(to_vector, 1)
static bool to_vector_by_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return make_document(call, a[0].oid, slice_of(a[1]), result);
}
EXPR_ROW_KERNEL(to_vector_by, 2)

typedef struct json_document {
    text_config *config;
    rdb_ts_words words;
} json_document;
/* Texts of one document: a phrase does not go from one to the next. */
static bool take_json_text(rdb_call *call, void *context, rdb_slice text)
{
    json_document *document = context;
    uint32_t before = document->words.count;
    if (!text_config_words(call, document->config, text, &document->words))
        return false;
    document->words.place += document->words.count > before;
    return true;
}

static bool make_json_document(rdb_call *call, uint32_t config_oid, rdb_bytes json, bool is_jsonb, const rdb_datum *filter, rdb_datum *result)
{
    json_document document = {.config = NULL};
    unsigned kinds = RDB_TS_JSON_STRINGS;
    if ((filter != NULL && !rdb_ts_json_kinds(call, filter->bytes, &kinds)) || !text_config_get(call, config_oid, &document.config))
        return false;
    bool ok = rdb_ts_json_walk(call, json, is_jsonb, kinds, take_json_text, &document) && rdb_ts_make_document(call, &document.words, result);
    text_config_release(&document.config);
    return ok;
}
#define JSON_DOCUMENT(name, count, config, json_at, is_jsonb, filter)                                                           \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)              \
    {                                                                                                                            \
        (void)nulls, (void)is_null;                                                                                              \
        return make_json_document(call, config, a[json_at].bytes, is_jsonb, filter, result);                                     \
    }                                                                                                                            \
    EXPR_ROW_KERNEL(name, count)
JSON_DOCUMENT(jsonb_strings, 1, 0, 0, true, NULL)
JSON_DOCUMENT(json_strings, 1, 0, 0, false, NULL)
JSON_DOCUMENT(jsonb_strings_by, 2, a[0].oid, 1, true, NULL)
JSON_DOCUMENT(json_strings_by, 2, a[0].oid, 1, false, NULL)
JSON_DOCUMENT(jsonb_values, 2, 0, 0, true, &a[1])
JSON_DOCUMENT(json_values, 2, 0, 0, false, &a[1])
JSON_DOCUMENT(jsonb_values_by, 3, a[0].oid, 1, true, &a[2])
JSON_DOCUMENT(json_values_by, 3, a[0].oid, 1, false, &a[2])

/* ---- queries -------------------------------------------------------------------------------------------------------------------- */
static bool make_query(rdb_call *call, uint32_t config_oid, rdb_slice text, enum rdb_ts_query_kind kind, rdb_datum *result)
{
    text_config *config;
    if (!text_config_get(call, config_oid, &config))
        return false;
    bool ok = rdb_ts_make_query(call, text, kind, text_config_words, config, result);
    text_config_release(&config);
    return ok;
}
#define QUERY_FUNCTIONS(name, kind)                                                                                          \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)           \
    {                                                                                                                         \
        (void)nulls, (void)is_null;                                                                                           \
        return make_query(call, 0, slice_of(a[0]), kind, result);                                                             \
    }                                                                                                                         \
    EXPR_ROW_KERNEL(name, 1)                                                                                                  \
    static bool name##_by_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)        \
    {                                                                                                                         \
        (void)nulls, (void)is_null;                                                                                           \
        return make_query(call, a[0].oid, slice_of(a[1]), kind, result);                                                      \
    }                                                                                                                         \
    EXPR_ROW_KERNEL(name##_by, 2)
QUERY_FUNCTIONS(to_query, RDB_TS_QUERY_STANDARD)
QUERY_FUNCTIONS(plain_query, RDB_TS_QUERY_PLAIN)
QUERY_FUNCTIONS(phrase_query, RDB_TS_QUERY_PHRASE)
QUERY_FUNCTIONS(web_query, RDB_TS_QUERY_WEB)

static bool match_text_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_datum vector = {.words = {0, 0}};
    bool matches = false;
    (void)nulls, (void)is_null;
    if (!make_document(call, 0, slice_of(a[0]), &vector) || !rdb_ts_matches(call, vector.bytes, a[1].bytes, &matches))
        return false;
    result->b = matches;
    return true;
}
EXPR_ROW_KERNEL(match_text, 2)

static bool match_texts_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_datum pair[2] = {a[0], {.words = {0, 0}}};
    return make_query(call, 0, slice_of(a[1]), RDB_TS_QUERY_PLAIN, &pair[1]) && match_text_row(call, pair, nulls, result, is_null);
}
EXPR_ROW_KERNEL(match_texts, 2)

/* ---- headlines -------------------------------------------------------------------------------------------------------------------- */
typedef struct headline_job {
    text_config *config;
    rdb_bytes query;
    rdb_ts_headline_token *tokens;
    uint32_t count, capacity, place;
    rdb_ts_headline_options options;
    const char *start, *stop, *delimiter;
} headline_job;

static bool add_operands(rdb_call *call, rdb_ts_headline_token *token, const uint32_t *items, uint32_t count)
{
    uint32_t *all = rdb_arena_try_alloc(call->arena, sizeof *all * ((size_t)token->item_count + count), call->err);
    if (all == NULL)
        return false;
    if (token->item_count > 0)
        memcpy(all, token->items, sizeof *all * token->item_count);
    memcpy(all + token->item_count, items, sizeof *all * count);
    token->items = all;
    token->item_count += count;
    return true;
}

static bool take_headline(rdb_call *call, void *context, const text_token *tokens, uint32_t count, const rdb_ts_lexemes *lexemes)
{
    headline_job *job = context;
    job->place += lexemes->is_known;
    uint32_t place = job->place;
    for (uint32_t i = 0; i < count; i++) {
        if (job->count == job->capacity) {
            uint32_t capacity = RDB_MAX(2 * job->capacity, 64);
            rdb_ts_headline_token *grown = rdb_arena_try_grow(call->arena, job->tokens, sizeof *grown * job->capacity, sizeof *grown * capacity, call->err);
            if (grown == NULL)
                return false;
            job->tokens = grown;
            job->capacity = capacity;
        }
        rdb_ts_headline_token *token = &job->tokens[job->count++];
        *token = (rdb_ts_headline_token){.text = tokens[i].text, .type = tokens[i].type};
        job->place = place;
        for (uint32_t k = 0; k < lexemes->count; k++) {
            const uint32_t *items;
            uint32_t item_count;
            job->place += (lexemes->items[k].flags & RDB_TS_NEXT_PLACE) != 0;
            token->place = job->place;
            if (!rdb_ts_find_operands(call, job->query, lexemes->items[k].text, &items, &item_count) || (item_count > 0 && !add_operands(call, token, items, item_count)))
                return false;
        }
    }
    return true;
}

static bool number_option(const rdb_ts_option *option, int32_t *value, rdb_error *err)
{
    char *end;
    long number = strtol(option->value, &end, 10);
    if (end == option->value || *end != 0 || number < INT32_MIN || number > INT32_MAX)
        return rdb_error_set(err, RDB_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type integer: \"%s\"", option->value);
    *value = (int32_t)number;
    return true;
}

static bool read_headline_options(rdb_call *call, const rdb_datum *text, headline_job *job)
{
    rdb_ts_option *options = NULL;
    uint32_t count = 0;
    job->options = (rdb_ts_headline_options){.max_words = 35, .min_words = 15, .short_word = 3};
    job->start = "<b>";
    job->stop = "</b>";
    job->delimiter = " ... ";
    if (text != NULL && !rdb_ts_parse_options(call->arena, slice_of(*text), &options, &count, call->err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct { const char *name; int32_t *number; const char **text; } NAMES[] = {
            {"MaxWords", &job->options.max_words, NULL}, {"MinWords", &job->options.min_words, NULL}, {"ShortWord", &job->options.short_word, NULL},
            {"MaxFragments", &job->options.max_fragments, NULL}, {"StartSel", NULL, &job->start}, {"StopSel", NULL, &job->stop}, {"FragmentDelimiter", NULL, &job->delimiter}};
        bool known = false;
        for (size_t k = 0; k < RDB_COUNT_OF(NAMES) && !known; k++) {
            if (strcasecmp(NAMES[k].name, options[i].name) != 0)
                continue;
            known = true;
            if (NAMES[k].text != NULL)
                *NAMES[k].text = options[i].value;
            else if (!number_option(&options[i], NAMES[k].number, call->err))
                return false;
        }
        if (!known && strcasecmp(options[i].name, "HighlightAll") == 0) {
            static const char *const YES[] = {"1", "on", "true", "t", "y", "yes"};
            for (size_t k = 0; k < RDB_COUNT_OF(YES); k++)
                job->options.highlight_all = job->options.highlight_all || strcasecmp(options[i].value, YES[k]) == 0;
            known = true;
        }
        if (!known)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "unrecognized headline parameter: \"%s\"", options[i].name);
    }
    const struct { const char *name, *text; } TEXTS[] = {{"StartSel", job->start}, {"StopSel", job->stop}, {"FragmentDelimiter", job->delimiter}};
    for (size_t k = 0; k < RDB_COUNT_OF(TEXTS); k++)
        if (strlen(TEXTS[k].text) > INT16_MAX)
            return rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "value for \"%s\" is too long", TEXTS[k].name);
    const rdb_ts_headline_options *o = &job->options;
    if (o->highlight_all)
        return true;
    const char *wrong = o->min_words >= o->max_words ? "MinWords should be less than MaxWords" : o->min_words <= 0 ? "MinWords should be positive"
                        : o->short_word < 0 ? "ShortWord should be >= 0" : o->max_fragments < 0 ? "MaxFragments should be >= 0" : NULL;
    return wrong == NULL || rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "%s", wrong);
}

static bool print_headline(rdb_call *call, void *context, rdb_slice text, rdb_datum *result)
{
    headline_job *job = context;
    rdb_strbuf shown;
    bool in_fragment = false;
    uint32_t fragments = 0;
    job->tokens = NULL;
    job->count = job->capacity = job->place = 0;
    rdb_strbuf_init(&shown, call->arena);
    if (!text_config_run(call, job->config, text, take_headline, job) || !rdb_ts_mark_headline(call, job->tokens, job->count, job->query, &job->options))
        return false;
    for (uint32_t i = 0; i < job->count; i++) {
        const rdb_ts_headline_token *token = &job->tokens[i];
        if (!token->is_shown) {
            in_fragment = false;
            continue;
        }
        if (!in_fragment && fragments++ > 0)
            rdb_strbuf_adds(&shown, job->delimiter);
        in_fragment = true;
        if (token->is_replaced) {
            rdb_strbuf_addc(&shown, ' ');
        } else if (!token->is_skipped) {
            if (token->is_marked)
                rdb_strbuf_adds(&shown, job->start);
            rdb_strbuf_add(&shown, token->text.data, token->text.length);
            if (token->is_marked)
                rdb_strbuf_adds(&shown, job->stop);
        }
    }
    return rdb_strbuf_check(&shown, call->err) && expr_set_text(call, shown.data == NULL ? "" : shown.data, shown.length, result);
}

enum headline_of { OF_TEXT, OF_JSON, OF_JSONB };
static bool make_headline(rdb_call *call, uint32_t config_oid, rdb_datum document, rdb_datum query, const rdb_datum *options, enum headline_of of, rdb_datum *result)
{
    headline_job job = {.query = query.bytes};
    if (!read_headline_options(call, options, &job) || !text_config_get(call, config_oid, &job.config))
        return false;
    bool ok = of == OF_TEXT ? print_headline(call, &job, slice_of(document), result)
                            : rdb_ts_json_change(call, document.bytes, of == OF_JSONB, print_headline, &job, result);
    text_config_release(&job.config);
    return ok;
}
#define HEADLINE(name, count, config, first, options, of)                                                                 \
    static bool name##_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)        \
    {                                                                                                                      \
        (void)nulls, (void)is_null;                                                                                        \
        return make_headline(call, config, a[first], a[first + 1], options, of, result);                                   \
    }                                                                                                                      \
    EXPR_ROW_KERNEL(name, count)
#define HEADLINES(name, of)                                  \
    HEADLINE(name, 2, 0, 0, NULL, of)                        \
    HEADLINE(name##_with, 3, 0, 0, &a[2], of)                \
    HEADLINE(name##_by, 3, a[0].oid, 1, NULL, of)            \
    HEADLINE(name##_by_with, 4, a[0].oid, 1, &a[3], of)
HEADLINES(headline, OF_TEXT)
HEADLINES(headline_json, OF_JSON)
HEADLINES(headline_jsonb, OF_JSONB)

/* ---- parts ---------------------------------------------------------------------------------------------------------------------------- */
static bool current_config_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    return text_config_current(call, &result->oid);
}
EXPR_ROW_KERNEL(current_config, 0)

static bool lexeme_array(rdb_call *call, const rdb_ts_lexemes *lexemes, rdb_datum *array)
{
    const char **texts = RDB_NEW_ARRAY(call->arena, const char *, lexemes->count + 1);
    for (uint32_t i = 0; i < lexemes->count; i++)
        texts[i] = rdb_arena_strndup(call->arena, (const char *)lexemes->items[i].text.data, lexemes->items[i].text.length);
    return expr_text_array(call, texts, lexemes->count, array);
}

static bool lexize_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    rdb_ts_lexemes lexemes;
    (void)nulls;
    if (!text_lexize(call, a[0].oid, slice_of(a[1]), &lexemes))
        return false;
    *is_null = !lexemes.is_known;
    return *is_null || lexeme_array(call, &lexemes, result);
}
EXPR_ROW_KERNEL(lexize, 2)

/* There is one parser; the name and the number must be those of a row of pg_ts_parser. */
static bool check_parser(rdb_call *call, const rdb_datum *argument, bool by_name)
{
    rdb_datum name;
    bool is_null = false, found = false;
    if (by_name) {
        uint32_t oid = 0;
        return expr_find_parser(call, slice_of(*argument), &oid);
    }
    if (!expr_read_catalog(call, 3601, 3607, argument, 1, RDB_pg_ts_parser_prsname, RDB_REP_BYTES, &name, &is_null, &found))
        return false;
    return found || rdb_error_set(call->err, RDB_INTERNAL_ERROR, "cache lookup failed for text search parser %u", argument->oid);
}

static bool parse_rows(rdb_call *call, expr_rows *rows, const rdb_datum *a)
{
    rdb_ts_parser *parser = rdb_ts_parser_open(call->arena, slice_of(a[1]));
    for (;;) {
        rdb_datum columns[2];
        const bool nulls[2] = {false, false};
        rdb_slice token;
        int type;
        memset(columns, 0, sizeof columns);
        if (!rdb_ts_parser_next(parser, &type, &token, call->err))
            return false;
        if (type == 0)
            return true;
        columns[0].i32 = type;
        columns[1].bytes = (rdb_bytes){token.data, (uint32_t)token.length, 0};
        expr_rows_add(call, rows, columns, nulls, 2);
    }
}
static bool parse_by_name_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)is_null;
    return check_parser(call, &a[0], true) && parse_rows(call, state, a);
}
static bool parse_by_oid_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)is_null;
    return check_parser(call, &a[0], false) && parse_rows(call, state, a);
}

static void token_type_rows(rdb_call *call, expr_rows *rows)
{
    for (int type = 1; type <= RDB_TS_TOKEN_TYPES; type++) {
        const rdb_datum columns[3] = {{.i32 = type}, expr_text(rdb_ts_token_alias(type)), expr_text(rdb_ts_token_description(type))};
        const bool nulls[3] = {false, false, false};
        expr_rows_add(call, rows, columns, nulls, 3);
    }
}
static bool types_by_name_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)is_null;
    if (!check_parser(call, &a[0], true))
        return false;
    token_type_rows(call, state);
    return true;
}
static bool types_by_oid_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)is_null;
    if (!check_parser(call, &a[0], false))
        return false;
    token_type_rows(call, state);
    return true;
}

/* Every token with what the configuration does with it. */
static bool debug_rows(rdb_call *call, text_config *config, rdb_slice text, expr_rows *rows)
{
    rdb_ts_parser *parser = rdb_ts_parser_open(call->arena, text);
    const rdb_type *regdictionary = NULL;
    if (!rdb_type_get(rdb_eval_of(call)->access, 3769, &regdictionary, call->err))
        return false;
    for (;;) {
        rdb_datum columns[6], *values;
        bool nulls[6] = {false}, *none;
        rdb_slice token;
        const uint32_t *oids;
        uint32_t count, chosen;
        rdb_ts_lexemes lexemes;
        int type;
        memset(columns, 0, sizeof columns);
        if (!rdb_ts_parser_next(parser, &type, &token, call->err))
            return false;
        if (type == 0)
            return true;
        if (!text_config_dictionaries(call, config, type, token, &oids, &count, &chosen, &lexemes))
            return false;
        values = RDB_NEW_ARRAY(call->arena, rdb_datum, count + 1);
        none = RDB_NEW_ARRAY(call->arena, bool, count + 1);
        for (uint32_t i = 0; i < count; i++)
            values[i].oid = oids[i];
        columns[0] = expr_text(rdb_ts_token_alias(type));
        columns[1] = expr_text(rdb_ts_token_description(type));
        columns[2].bytes = (rdb_bytes){token.data, (uint32_t)token.length, 0};
        columns[4].oid = chosen;
        nulls[4] = chosen == 0;
        nulls[5] = !lexemes.is_known;
        if (!rdb_array_build(call, regdictionary, values, none, count, &columns[3]) || (lexemes.is_known && !lexeme_array(call, &lexemes, &columns[5])))
            return false;
        expr_rows_add(call, rows, columns, nulls, 6);
    }
}
static bool debug_with(rdb_call *call, uint32_t config_oid, rdb_slice text, expr_rows *rows)
{
    text_config *config;
    if (!text_config_get(call, config_oid, &config))
        return false;
    bool ok = debug_rows(call, config, text, rows);
    text_config_release(&config);
    return ok;
}
static bool debug_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)is_null;
    return debug_with(call, 0, slice_of(a[0]), state);
}
static bool debug_by_begin(rdb_call *call, void *state, const rdb_datum *a, const bool *is_null)
{
    (void)is_null;
    return debug_with(call, a[0].oid, slice_of(a[1]), state);
}

void expr_register_text_search(void)
{
#define S RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE
    static const rdb_kernel_entry KERNELS[] = {
        {3745, to_vector_by, S}, {3749, to_vector, S},
        {4209, jsonb_strings, S}, {4210, json_strings, S}, {4211, jsonb_strings_by, S}, {4212, json_strings_by, S},
        {4213, jsonb_values, S}, {4215, json_values, S}, {4214, jsonb_values_by, S}, {4216, json_values_by, S},
        {3746, to_query_by, S}, {3750, to_query, S}, {3747, plain_query_by, S}, {3751, plain_query, S},
        {5006, phrase_query_by, S}, {5001, phrase_query, S}, {5007, web_query_by, S}, {5009, web_query, S},
        {3760, match_texts, S}, {3761, match_text, S},
        {3743, headline_by_with, S}, {3744, headline_by, S}, {3754, headline_with, S}, {3755, headline, S},
        {4201, headline_jsonb_by_with, S}, {4202, headline_jsonb_by, S}, {4203, headline_jsonb_with, S}, {4204, headline_jsonb, S},
        {4205, headline_json_by_with, S}, {4206, headline_json_by, S}, {4207, headline_json_with, S}, {4208, headline_json, S},
        {3759, current_config, S}, {3723, lexize, S},
    };
    static const rdb_set_kernel_entry SETS[] = {
        {3715, sizeof(expr_rows), parse_by_oid_begin, expr_rows_next, S}, {3716, sizeof(expr_rows), parse_by_name_begin, expr_rows_next, S},
        {3713, sizeof(expr_rows), types_by_oid_begin, expr_rows_next, S}, {3714, sizeof(expr_rows), types_by_name_begin, expr_rows_next, S},
        {6183, sizeof(expr_rows), debug_by_begin, expr_rows_next, S}, {6184, sizeof(expr_rows), debug_begin, expr_rows_next, S},
    };
#undef S
    rdb_kernel_register(KERNELS, RDB_COUNT_OF(KERNELS));
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
