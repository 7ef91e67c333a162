/* SPDX-License-Identifier: Apache-2.0
 * Terms of jsonb, by two classes. jsonb_ops: every key, and every value by itself; a text that is an element of an array, or the whole
 * document, counts as a key, since that is what ? asks for. jsonb_path_ops: of every scalar value one check sum of the keys on
 * the way to it and of itself.
 *
 *   a KEY term's bytes, jsonb_ops:      0 1 sort: K key, S text, N number, B bool, 0 null   1 . text with its end; the number's key
 *                       jsonb_path_ops: 0 8 check sum, big-endian */
#include "type/jsonpath.h"
#include "type/tables.h"
#include "type/terms.h"

enum { GIN_METHOD = 2742, DEPTH_MAX = TYPE_JSON_DEPTH_MAX };
enum { JSONB_CONTAINS = 7, JSONB_EXISTS = 9, JSONB_EXISTS_ANY = 10, JSONB_EXISTS_ALL = 11, JSONB_PATH_EXISTS = 15, JSONB_PATH_MATCH = 16 };

/* ---- terms of jsonb_ops --------------------------------------------------------------------------------------------------- */
static void add_number(term_work *w, rdb_strbuf *term, rdb_bytes number)
{
    rdb_strbuf key;
    rdb_strbuf_init(&key, w->call->arena);
    if (!type_numeric_ops.encode_key(NULL, 0, (rdb_datum){.bytes = number}, &key)) {
        term->failed = true;
        return;
    }
    term_text(w, term, (rdb_slice){(const uint8_t *)key.data, key.length}, true);
}

static void make_text(term_work *w, char sort, rdb_bytes text, rdb_strbuf *term)
{
    term_begin(w, RDB_TERM_KEY, term);
    rdb_strbuf_addc(term, sort);
    term_text(w, term, (rdb_slice){text.data, text.length}, true);
}

static void make_scalar(term_work *w, const type_jsonb *json, bool is_element, rdb_strbuf *term)
{
    if (json->kind == TYPE_JSON_STRING) {
        make_text(w, is_element ? 'K' : 'S', json->payload, term);
        return;
    }
    term_begin(w, RDB_TERM_KEY, term);
    switch (json->kind) {
    case TYPE_JSON_NUMBER:
        rdb_strbuf_addc(term, 'N');
        add_number(w, term, json->payload);
        break;
    case TYPE_JSON_TRUE: rdb_strbuf_adds(term, "Bt"); break;
    case TYPE_JSON_FALSE: rdb_strbuf_adds(term, "Bf"); break;
    default: rdb_strbuf_adds(term, "0"); break;
    }
}

/* What is done with each term on the way: an index takes it in, a search asks for it. */
typedef struct json_walk {
    term_work *w;
    rdb_term_query *set; /* NULL: extracting */
} json_walk;

static bool take(const json_walk *walk, rdb_strbuf *term)
{
    if (walk->set == NULL)
        return term_add(walk->w, term);
    if (!rdb_strbuf_check(term, walk->w->call->err))
        return false;
    term_query_add(walk->w, walk->set, term_query_of(walk->w, term));
    return true;
}

static bool walk_values(const json_walk *walk, rdb_bytes node, bool is_element, unsigned depth)
{
    type_jsonb json;
    rdb_strbuf term;
    type_jsonb_read(node, &json);
    if (depth > DEPTH_MAX)
        return rdb_error_set(walk->w->call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (json.kind != TYPE_JSON_ARRAY && json.kind != TYPE_JSON_OBJECT) {
        make_scalar(walk->w, &json, is_element, &term);
        return take(walk, &term);
    }
    for (uint32_t i = 0; i < json.count; i++) {
        if (json.kind == TYPE_JSON_OBJECT) {
            make_text(walk->w, 'K', type_jsonb_key(&json, i), &term);
            if (!take(walk, &term))
                return false;
        }
        if (!walk_values(walk, type_jsonb_item(&json, i), json.kind == TYPE_JSON_ARRAY, depth + 1))
            return false;
    }
    return true;
}

/* ---- terms of jsonb_path_ops ------------------------------------------------------------------------------------------------ */
static uint64_t mix_key(uint64_t path, rdb_bytes key)
{
    return rdb_hash64(key.data, key.length, path * 31 + 'k');
}

static bool path_term(term_work *w, uint64_t path, type_json_kind kind, rdb_bytes payload, rdb_strbuf *term)
{
    rdb_strbuf key;
    uint8_t sum[8];
    rdb_strbuf_init(&key, w->call->arena);
    rdb_strbuf_addc(&key, (char)kind);
    if (kind == TYPE_JSON_NUMBER && !type_numeric_ops.encode_key(NULL, 0, (rdb_datum){.bytes = payload}, &key))
        key.failed = true;
    if (kind == TYPE_JSON_STRING)
        rdb_strbuf_add(&key, payload.data, payload.length);
    if (!rdb_strbuf_check(&key, w->call->err))
        return false;
    const uint64_t hash = rdb_hash64(key.data, key.length, path);
    for (int i = 0; i < 8; i++)
        sum[i] = (uint8_t)(hash >> (56 - 8 * i));
    term_begin(w, RDB_TERM_KEY, term);
    rdb_strbuf_add(term, sum, sizeof sum);
    w->is_inexact = true;
    return true;
}

static bool walk_paths(const json_walk *walk, rdb_bytes node, uint64_t path, unsigned depth)
{
    type_jsonb json;
    rdb_strbuf term;
    type_jsonb_read(node, &json);
    if (depth > DEPTH_MAX)
        return rdb_error_set(walk->w->call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (json.kind != TYPE_JSON_ARRAY && json.kind != TYPE_JSON_OBJECT)
        return path_term(walk->w, path, json.kind, json.payload, &term) && take(walk, &term);
    for (uint32_t i = 0; i < json.count; i++)
        if (!walk_paths(walk, type_jsonb_item(&json, i), json.kind == TYPE_JSON_OBJECT ? mix_key(path, type_jsonb_key(&json, i)) : path, depth + 1))
            return false;
    return true;
}

static bool extract_values(term_work *w, rdb_datum value)
{
    const json_walk walk = {w, NULL};
    return walk_values(&walk, value.bytes, true, 0);
}

static bool extract_paths(term_work *w, rdb_datum value)
{
    const json_walk walk = {w, NULL};
    return walk_paths(&walk, value.bytes, 0, 0);
}

/* ---- SQL/JSON paths ----------------------------------------------------------------------------------------------------------- */
/* Where a path has come: what rows must have for it to give anything, and the keys on the way. */
typedef struct path_place {
    rdb_term_query *needed; /* AND */
    uint64_t path;          /* jsonb_path_ops: the keys' check sum */
    bool is_known;          /* the keys on the way are all known: a value here has a term of its own */
} path_place;

typedef struct path_reader {
    term_work *w;
    bool by_paths; /* jsonb_path_ops */
    bool is_lax;
} path_reader;

static rdb_term_query *condition(const path_reader *r, const type_jsonpath *node, const path_place *at, unsigned depth);

/* Follows the accessors. What a method makes of a value is not known: *ends false. */
static bool follow(const path_reader *r, const type_jsonpath *node, const path_place *from, path_place *place, unsigned depth)
{
    place->needed = term_query(r->w, RDB_TERMS_AND);
    place->path = 0;
    place->is_known = true;
    for (; node != NULL; node = node->next) {
        rdb_strbuf term;
        switch (node->kind) {
        case TYPE_JSONPATH_ROOT: break;
        case TYPE_JSONPATH_CURRENT:
            if (from == NULL)
                return false;
            place->path = from->path;
            place->is_known = from->is_known;
            break;
        case TYPE_JSONPATH_KEY:
            if (!r->by_paths) {
                make_text(r->w, 'K', node->bytes, &term);
                term_query_add(r->w, place->needed, term_query_of(r->w, &term));
            }
            place->path = mix_key(place->path, node->bytes);
            break;
        case TYPE_JSONPATH_ANY_ELEMENT:
        case TYPE_JSONPATH_ELEMENTS: break; /* arrays leave no trace */
        case TYPE_JSONPATH_ANY_KEY:
        case TYPE_JSONPATH_ANY_DEPTH: place->is_known = false; break;
        case TYPE_JSONPATH_FILTER:
            if (node->part_count > 0 && node->parts[0] != NULL)
                term_query_add(r->w, place->needed, condition(r, node->parts[0], place, depth + 1));
            break;
        default: return false;
        }
    }
    return true;
}

static bool is_scalar(const type_jsonpath *node)
{
    return node != NULL && node->kind <= TYPE_JSONPATH_STRING && node->next == NULL;
}

/* path == value */
static rdb_term_query *equality(const path_reader *r, const type_jsonpath *path, const type_jsonpath *value, const path_place *at, unsigned depth)
{
    static const type_json_kind KINDS[] = {TYPE_JSON_NULL, TYPE_JSON_FALSE, TYPE_JSON_TRUE, TYPE_JSON_NUMBER, TYPE_JSON_STRING};
    path_place place;
    rdb_strbuf term;
    if (!follow(r, path, at, &place, depth))
        return term_query_all(r->w);
    const type_jsonb scalar = {.kind = KINDS[value->kind - TYPE_JSONPATH_NULL], .payload = value->bytes};
    if (r->by_paths) {
        if (place.is_known && path_term(r->w, place.path, scalar.kind, scalar.payload, &term))
            term_query_add(r->w, place.needed, term_query_of(r->w, &term));
        return place.needed;
    }
    make_scalar(r->w, &scalar, true, &term);
    rdb_term_query *found = term_query_of(r->w, &term);
    if (scalar.kind == TYPE_JSON_STRING) { /* of an object or of an array */
        rdb_term_query *either = term_query(r->w, RDB_TERMS_OR);
        term_query_add(r->w, either, found);
        make_scalar(r->w, &scalar, false, &term);
        term_query_add(r->w, either, term_query_of(r->w, &term));
        found = either;
    }
    term_query_add(r->w, place.needed, found);
    return place.needed;
}

/* What rows have for which the predicate is true. */
static rdb_term_query *condition(const path_reader *r, const type_jsonpath *node, const path_place *at, unsigned depth)
{
    if (depth > 500 || node->next != NULL)
        return term_query_all(r->w);
    switch (node->kind) {
    case TYPE_JSONPATH_AND:
    case TYPE_JSONPATH_OR: {
        rdb_term_query *both = term_query(r->w, node->kind == TYPE_JSONPATH_AND ? RDB_TERMS_AND : RDB_TERMS_OR);
        term_query_add(r->w, both, condition(r, node->parts[0], at, depth + 1));
        term_query_add(r->w, both, condition(r, node->parts[1], at, depth + 1));
        return both;
    }
    case TYPE_JSONPATH_EXISTS: {
        path_place place;
        return follow(r, node->parts[0], at, &place, depth + 1) ? place.needed : term_query_all(r->w);
    }
    case TYPE_JSONPATH_EQUAL:
        if (is_scalar(node->parts[1]))
            return equality(r, node->parts[0], node->parts[1], at, depth + 1);
        return is_scalar(node->parts[0]) ? equality(r, node->parts[1], node->parts[0], at, depth + 1) : term_query_all(r->w);
    default: return term_query_all(r->w);
    }
}

static bool ask_path(term_work *w, rdb_datum value, bool by_paths, bool is_match, rdb_term_query **query)
{
    path_reader r = {.w = w, .by_paths = by_paths};
    type_jsonpath *path;
    path_place place;
    if (!type_jsonpath_read(w->call, value.bytes, &path, &r.is_lax))
        return false;
    w->is_inexact = true;
    if (is_match && type_jsonpath_is_predicate(path))
        *query = condition(&r, path, NULL, 0);
    else if (type_jsonpath_is_predicate(path)) /* it gives true, false or null: always something */
        *query = term_query_all(w);
    else
        *query = follow(&r, path, NULL, &place, 0) ? place.needed : term_query_all(w);
    return true;
}

/* ---- searches --------------------------------------------------------------------------------------------------------------------- */
static bool ask_keys(term_work *w, rdb_datum value, rdb_term_query **query)
{
    rdb_array_shape shape;
    rdb_array_get_shape(value, &shape);
    *query = term_query(w, w->strategy == JSONB_EXISTS_ANY ? RDB_TERMS_OR : RDB_TERMS_AND);
    for (uint32_t i = 0; i < shape.count; i++) {
        rdb_datum key;
        rdb_strbuf term;
        if (!rdb_array_get(value, i, &key))
            continue;
        make_text(w, 'K', key.bytes, &term);
        term_query_add(w, *query, term_query_of(w, &term));
    }
    return true;
}

static bool ask_values(term_work *w, rdb_datum value, rdb_term_query **query)
{
    rdb_strbuf term;
    w->is_inexact = true; /* a key may stand anywhere in the document */
    switch (w->strategy) {
    case JSONB_CONTAINS: {
        *query = term_query(w, RDB_TERMS_AND);
        const json_walk walk = {w, *query};
        return walk_values(&walk, value.bytes, true, 0);
    }
    case JSONB_EXISTS:
        make_text(w, 'K', value.bytes, &term);
        *query = term_query_of(w, &term);
        return true;
    case JSONB_EXISTS_ANY:
    case JSONB_EXISTS_ALL: return ask_keys(w, value, query);
    case JSONB_PATH_EXISTS:
    case JSONB_PATH_MATCH: return ask_path(w, value, false, w->strategy == JSONB_PATH_MATCH, query);
    default: return true;
    }
}

static bool ask_paths(term_work *w, rdb_datum value, rdb_term_query **query)
{
    w->is_inexact = true;
    switch (w->strategy) {
    case JSONB_CONTAINS: {
        *query = term_query(w, RDB_TERMS_AND);
        const json_walk walk = {w, *query};
        return walk_paths(&walk, value.bytes, 0, 0);
    }
    case JSONB_PATH_EXISTS:
    case JSONB_PATH_MATCH: return ask_path(w, value, true, w->strategy == JSONB_PATH_MATCH, query);
    default: return true;
    }
}

const rdb_term_class term_jsonb_class = {GIN_METHOD, "gin_extract_jsonb", extract_values, ask_values, NULL};
const rdb_term_class term_jsonb_path_class = {GIN_METHOD, "gin_extract_jsonb_path", extract_paths, ask_paths, NULL};
