/* SPDX-License-Identifier: Apache-2.0
 * Terms: the classes, how terms and searches for them are put together, and the class of arrays. */
#include "type/array.h"
#include "type/terms.h"

#include <stdlib.h>

enum { GIN_METHOD = 2742, GIST_METHOD = 783, SPGIST_METHOD = 4000 };

static const rdb_term_class *const CLASSES[] = {&term_array_class, &term_jsonb_class, &term_jsonb_path_class, &term_document_class, &term_document_gist_class, &term_trigram_class,
                                                &term_trigram_gist_class};

static const rdb_term_class *find_in(const rdb_term_class *classes, size_t count, uint32_t method_oid, const char *support)
{
    for (size_t i = 0; i < count; i++)
        if (classes[i].method_oid == method_oid && strcmp(classes[i].support, support) == 0)
            return &classes[i];
    return NULL;
}

const rdb_term_class *rdb_term_class_find(uint32_t method_oid, const char *support)
{
    for (size_t i = 0; i < RDB_COUNT_OF(CLASSES); i++)
        if (CLASSES[i]->method_oid == method_oid && strcmp(CLASSES[i]->support, support) == 0)
            return CLASSES[i];
    const rdb_term_class *found = find_in(term_span_classes, term_span_class_count, method_oid, support);
    if (found == NULL)
        found = find_in(term_plane_classes, term_plane_class_count, method_oid, support);
    return found != NULL ? found : term_scalar_class(method_oid, support);
}

uint16_t rdb_term_support_number(uint32_t method_oid)
{
    return method_oid == GIN_METHOD ? 2 : method_oid == GIST_METHOD || method_oid == SPGIST_METHOD ? 1 : 0;
}

static const rdb_type *without_domains(const rdb_type *type)
{
    while (type->kind == 'd' && type->base != NULL)
        type = type->base;
    return type;
}

bool rdb_term_class_check(const rdb_term_class *term_class, const rdb_type *type, rdb_error *err)
{
    return term_class->check == NULL || term_class->check(without_domains(type), err);
}

/* ---- terms ------------------------------------------------------------------------------------------------------------- */
void term_begin(term_work *w, rdb_term_kind kind, rdb_strbuf *term)
{
    rdb_strbuf_init(term, w->call->arena);
    rdb_strbuf_addc(term, (char)(w->column_no + 1));
    rdb_strbuf_addc(term, (char)kind);
}

static void add_sum(rdb_strbuf *term, rdb_slice bytes)
{
    const uint64_t sum = rdb_hash64(bytes.data, bytes.length, 0);
    rdb_strbuf_addc(term, 1);
    for (int i = 0; i < 8; i++)
        rdb_strbuf_addc(term, (char)(sum >> 8 * i));
}

void term_text(term_work *w, rdb_strbuf *term, rdb_slice text, bool has_end)
{
    rdb_strbuf_add(term, text.data, RDB_MIN(text.length, TERM_BYTES_MAX));
    if (text.length > TERM_BYTES_MAX) {
        w->is_inexact = true;
        if (has_end)
            add_sum(term, text);
    } else if (has_end) {
        rdb_strbuf_addc(term, 0);
    }
}

bool term_add(term_work *w, rdb_strbuf *term)
{
    rdb_terms *terms = w->terms;
    if (!rdb_strbuf_check(term, w->call->err))
        return false;
    if (terms->count == terms->capacity) {
        const uint32_t capacity = terms->capacity * 2 + 8;
        rdb_slice *grown = rdb_arena_try_grow(terms->arena, terms->items, terms->capacity * sizeof *grown, capacity * sizeof *grown, w->call->err);
        if (grown == NULL)
            return false;
        terms->items = grown;
        terms->capacity = capacity;
    }
    terms->items[terms->count++] = (rdb_slice){(const uint8_t *)term->data, term->length};
    return true;
}

bool term_add_plain(term_work *w, rdb_term_kind kind)
{
    rdb_strbuf term;
    term_begin(w, kind, &term);
    return term_add(w, &term);
}

bool rdb_terms_extract(const rdb_term_class *term_class, uint16_t column_no, const rdb_type *type, uint32_t collation, rdb_datum value, rdb_terms *terms, rdb_error *err)
{
    rdb_call call = {.arena = terms->arena, .err = err, .format = rdb_format_default(), .collation = collation};
    term_work w = {.call = &call, .type = without_domains(type), .column_no = column_no, .terms = terms};
    const uint32_t before = terms->count;
    return term_class->extract(&w, value) && (terms->count > before || term_add_plain(&w, RDB_TERM_EMPTY));
}

static int compare_slices(const void *left, const void *right)
{
    const rdb_slice *a = left, *b = right;
    const int order = memcmp(a->data, b->data, RDB_MIN(a->length, b->length));
    return order != 0 ? order : a->length < b->length ? -1 : a->length > b->length;
}

void rdb_terms_finish(rdb_terms *terms)
{
    uint32_t kept = 0;
    if (terms->count > 1)
        qsort(terms->items, terms->count, sizeof *terms->items, compare_slices);
    for (uint32_t i = 0; i < terms->count; i++)
        if (i == 0 || compare_slices(&terms->items[i], &terms->items[kept - 1]) != 0)
            terms->items[kept++] = terms->items[i];
    terms->count = kept;
}

/* ---- searches ------------------------------------------------------------------------------------------------------------ */
rdb_term_query *term_query(term_work *w, rdb_term_query_kind kind)
{
    rdb_term_query *query = RDB_NEW(w->call->arena, rdb_term_query);
    query->kind = (uint8_t)kind;
    return query;
}

void term_query_add(term_work *w, rdb_term_query *query, rdb_term_query *item)
{
    if (query->count == query->capacity) {
        const uint32_t capacity = query->capacity * 2 + 8;
        rdb_term_query **grown = rdb_arena_try_grow(w->call->arena, query->items, query->capacity * sizeof *grown, capacity * sizeof *grown, w->call->err);
        if (grown == NULL)
            return;
        query->items = grown;
        query->capacity = capacity;
    }
    query->items[query->count++] = item;
}

rdb_term_query *term_query_of(term_work *w, rdb_strbuf *term)
{
    rdb_term_query *query = term_query(w, RDB_TERMS_RANGE);
    query->lower = query->upper = (rdb_slice){(const uint8_t *)term->data, term->length};
    return query;
}

rdb_term_query *term_query_plain(term_work *w, rdb_term_kind kind)
{
    rdb_strbuf term;
    term_begin(w, kind, &term);
    return term_query_of(w, &term);
}

rdb_term_query *term_query_all(term_work *w)
{
    rdb_strbuf term;
    rdb_strbuf_init(&term, w->call->arena);
    rdb_strbuf_addc(&term, (char)(w->column_no + 1));
    rdb_term_query *query = term_query_of(w, &term);
    query->kind = RDB_TERMS_ALL;
    w->is_inexact = true;
    return query;
}

/* Sets that say nothing are taken out: what is asked of all rows in an AND, of none in an OR. */
static rdb_term_query *simplify(term_work *w, rdb_term_query *query)
{
    if (query->kind != RDB_TERMS_AND && query->kind != RDB_TERMS_OR)
        return query;
    const uint8_t neutral = query->kind == RDB_TERMS_AND ? RDB_TERMS_ALL : RDB_TERMS_NONE, deciding = query->kind == RDB_TERMS_AND ? RDB_TERMS_NONE : RDB_TERMS_ALL;
    uint32_t kept = 0;
    rdb_term_query *last = NULL;
    for (uint32_t i = 0; i < query->count; i++) {
        rdb_term_query *item = last = simplify(w, query->items[i]);
        if (item->kind == deciding)
            return item;
        if (item->kind != neutral)
            query->items[kept++] = item;
    }
    if (kept == 0)
        return last != NULL ? last : query->kind == RDB_TERMS_AND ? term_query_all(w) : term_query(w, RDB_TERMS_NONE);
    query->count = kept;
    return kept == 1 ? query->items[0] : query;
}

bool rdb_terms_ask(rdb_call *call, const rdb_term_class *term_class, uint16_t column_no, const rdb_type *type, uint16_t strategy, const rdb_type *query_type, rdb_datum value,
                   rdb_term_query **query, bool *is_exact)
{
    term_work w = {.call = call, .type = without_domains(type), .query_type = without_domains(query_type), .column_no = column_no, .strategy = strategy};
    *query = NULL;
    *is_exact = false;
    if (!term_class->ask(&w, value, query))
        return false;
    *query = *query != NULL ? simplify(&w, *query) : term_query_all(&w);
    *is_exact = !w.is_inexact;
    return rdb_arena_check(call->arena, call->err) && !rdb_error_is_set(call->err);
}

uint32_t rdb_term_query_ranges(const rdb_term_query *query)
{
    uint32_t count = query->kind == RDB_TERMS_RANGE || query->kind == RDB_TERMS_ALL;
    for (uint32_t i = 0; i < query->count; i++)
        count += rdb_term_query_ranges(query->items[i]);
    return count;
}

/* ---- arrays -------------------------------------------------------------------------------------------------------------- */
enum { ARRAY_OVERLAPS = 1, ARRAY_CONTAINS, ARRAY_CONTAINED, ARRAY_EQUALS };

static bool element_of(term_work *w, const type_array *array, const rdb_type *array_type, const rdb_type **element)
{
    if (!type_array_element(w->call, array_type, array, element))
        return false;
    if ((*element)->ops == NULL || (*element)->ops->encode_key == NULL)
        return rdb_error_set(w->call->err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", (*element)->name);
    return true;
}

static bool element_term(term_work *w, const rdb_type *element, rdb_datum value, rdb_strbuf *term)
{
    rdb_strbuf key;
    rdb_strbuf_init(&key, w->call->arena);
    term_begin(w, RDB_TERM_KEY, term);
    if (!element->ops->encode_key(element, w->call->collation, value, &key) || !rdb_strbuf_check(&key, w->call->err))
        return rdb_error_is_set(w->call->err) ? false : rdb_error_set(w->call->err, RDB_OUT_OF_MEMORY, "out of memory");
    if (key.length <= TERM_BYTES_MAX) { /* it closes itself */
        rdb_strbuf_add(term, key.data, key.length);
        return true;
    }
    term_text(w, term, (rdb_slice){(const uint8_t *)key.data, key.length}, true);
    return true;
}

static bool extract_array(term_work *w, rdb_datum value)
{
    type_array array;
    const rdb_type *element;
    bool has_null = false;
    type_array_read(value.bytes, &array);
    if (array.count == 0)
        return true;
    if (!element_of(w, &array, w->type, &element))
        return false;
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum item;
        rdb_strbuf term;
        if (!type_array_get(&array, i, &item)) {
            has_null = true;
            continue;
        }
        if (!element_term(w, element, item, &term) || !term_add(w, &term))
            return false;
    }
    return !has_null || term_add_plain(w, RDB_TERM_NULL);
}

static bool ask_array(term_work *w, rdb_datum value, rdb_term_query **query)
{
    type_array array;
    const rdb_type *element = NULL;
    bool has_null = false;
    type_array_read(value.bytes, &array);
    if (w->strategy < ARRAY_OVERLAPS || w->strategy > ARRAY_EQUALS)
        return true;
    if (array.count > 0 && !element_of(w, &array, w->query_type, &element))
        return false;
    rdb_term_query *set = term_query(w, w->strategy == ARRAY_OVERLAPS || w->strategy == ARRAY_CONTAINED ? RDB_TERMS_OR : RDB_TERMS_AND);
    for (uint32_t i = 0; i < array.count; i++) {
        rdb_datum item;
        rdb_strbuf term;
        if (!type_array_get(&array, i, &item)) {
            has_null = true;
            continue;
        }
        if (!element_term(w, element, item, &term))
            return false;
        term_query_add(w, set, term_query_of(w, &term));
    }
    *query = set;
    switch (w->strategy) {
    case ARRAY_CONTAINS: /* no array has a null in common with another */
        *query = has_null ? term_query(w, RDB_TERMS_NONE) : array.count == 0 ? term_query_all(w) : set;
        w->is_inexact = w->is_inexact && !has_null;
        break;
    case ARRAY_CONTAINED:
        term_query_add(w, set, term_query_plain(w, RDB_TERM_EMPTY));
        w->is_inexact = true;
        break;
    case ARRAY_EQUALS:
        if (has_null)
            term_query_add(w, set, term_query_plain(w, RDB_TERM_NULL));
        if (array.count == 0)
            term_query_add(w, set, term_query_plain(w, RDB_TERM_EMPTY));
        w->is_inexact = true;
        break;
    default: break;
    }
    return true;
}

static bool check_array(const rdb_type *type, rdb_error *err)
{
    const rdb_type *element = type->element;
    if (element == NULL || (element->ops != NULL && element->ops->encode_key != NULL))
        return true;
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    rdb_type_format_name(element, -1, false, &text);
    rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", text.data != NULL ? text.data : element->name);
    rdb_strbuf_free(&text);
    return false;
}

const rdb_term_class term_array_class = {GIN_METHOD, "ginarrayextract", extract_array, ask_array, check_array};
