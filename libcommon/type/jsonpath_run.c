/* SPDX-License-Identifier: Apache-2.0
 * Paths evaluated. Items flow along a chain of accessors one at a time, depth first, so that the first item is found without
 * the others. In lax mode arrays open by themselves, single items pass as arrays of one, and what is not there is nothing; in
 * strict mode each of these is an error. An error inside a predicate makes it unknown. */
#include "type/jsonpath.h"
#include "type/numeric.h"
#include "type/tables.h"
#include <math.h>

typedef type_jsonpath_item item;
typedef type_jsonpath_items items;
typedef type_jsonpath_outcome outcome;
#define FOUND TYPE_JSONPATH_FOUND
#define NOTHING TYPE_JSONPATH_NOTHING
#define FAILED TYPE_JSONPATH_FAILED

typedef enum truth { NO, YES, UNKNOWN } truth;

typedef struct run {
    rdb_call *call;
    const type_jsonpath_run *given;
    const item *current;
    item root;
    bool ignores_structure; /* lax, or below .** */
    bool throws;            /* errors are the statement's; else they only end the evaluation */
    bool has_broken;        /* an error that no mode hides: out of memory, damage */
    int64_t last_index;     /* of the innermost subscripted array; -1: none */
    rdb_bytes base;         /* the value whose objects .keyvalue() numbers */
    int64_t base_id, made_count;
    int depth;
} run;

static outcome walk(run *r, const type_jsonpath *path, const item *at, items *found, bool unwraps);

/* ---- items --------------------------------------------------------------------------------------------------------------------- */
static type_json_kind kind_of(const item *at)
{
    return at->datetime_oid != 0 ? TYPE_JSON_NULL : (type_json_kind)at->node.data[0];
}

static bool is_array(const item *at)
{
    return at->datetime_oid == 0 && kind_of(at) == TYPE_JSON_ARRAY;
}

static bool is_number(const item *at)
{
    return at->datetime_oid == 0 && kind_of(at) == TYPE_JSON_NUMBER;
}

static rdb_bytes payload_of(const item *at)
{
    return (rdb_bytes){.data = at->node.data + 1, .length = at->node.length - 1};
}

static outcome broken(run *r)
{
    r->has_broken = true;
    return FAILED;
}

static bool add(run *r, items *found, const item *at)
{
    if (found->count == found->capacity) {
        uint32_t capacity = RDB_MAX(found->capacity * 2, 4);
        item *grown = rdb_arena_try_grow(r->call->arena, found->items, sizeof *grown * found->capacity, sizeof *grown * capacity, r->call->err);
        if (grown == NULL)
            return false;
        found->items = grown;
        found->capacity = capacity;
    }
    found->items[found->count++] = *at;
    return true;
}

/* A scalar made here. */
static bool make_node(run *r, type_json_kind kind, const void *bytes, size_t length, item *made)
{
    uint8_t *node = type_alloc(r->call, length + 1);
    if (node == NULL)
        return false;
    node[0] = (uint8_t)kind;
    if (length > 0)
        memcpy(node + 1, bytes, length);
    *made = (item){.node = {.data = node, .length = (uint32_t)length + 1}};
    return true;
}

static bool make_number(run *r, const type_numeric *number, item *made)
{
    rdb_datum value = {.words = {0, 0}};
    return type_numeric_write(r->call, number, &value) && make_node(r, TYPE_JSON_NUMBER, value.bytes.data, value.bytes.length, made);
}

static bool make_int(run *r, int64_t value, item *made)
{
    type_numeric number;
    type_numeric_set_int(&number, value, 0);
    return make_number(r, &number, made);
}

/* An error of the data: told, or only the end of the evaluation. */
#define RAISE(r, ...) ((r)->throws ? (rdb_error_set((r)->call->err, __VA_ARGS__), FAILED) : FAILED)

static bool strict(const run *r)
{
    return !r->given->is_lax;
}

/* ---- along the chain ------------------------------------------------------------------------------------------------------------ */
/* What stands at `at` goes on to the next accessor, or is found. */
static outcome go_on(run *r, const type_jsonpath *path, const item *at, items *found)
{
    if (path != NULL && path->next != NULL)
        return walk(r, path->next, at, found, r->given->is_lax);
    return found == NULL || add(r, found, at) ? FOUND : broken(r);
}

/* The members of a container at levels first to last, each handed to path (or found, where that is NULL). */
static outcome walk_members(run *r, const type_jsonpath *path, const item *container, items *found, uint32_t level, uint32_t first, uint32_t last,
                            bool ignores_structure, bool unwraps)
{
    outcome result = NOTHING;
    type_jsonb json;
    if (level > last)
        return NOTHING;
    if (r->depth >= TYPE_JSONPATH_DEPTH_MAX) {
        rdb_error_set(r->call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        return broken(r);
    }
    r->depth++;
    type_jsonb_read(container->node, &json);
    for (uint32_t i = 0; i < json.count; i++) {
        item member = {.node = type_jsonb_item(&json, i)};
        bool is_container = kind_of(&member) >= TYPE_JSON_ARRAY;
        if (level >= first || (first == TYPE_JSONPATH_LAST && last == TYPE_JSONPATH_LAST && !is_container)) {
            if (path != NULL) {
                bool saved = r->ignores_structure;
                r->ignores_structure |= ignores_structure;
                result = walk(r, path, &member, found, unwraps);
                r->ignores_structure = saved;
                if (result == FAILED || (result == FOUND && found == NULL))
                    break;
            } else if (found == NULL) {
                result = FOUND;
                break;
            } else if (!add(r, found, &member)) {
                result = broken(r);
                break;
            } else {
                result = FOUND;
            }
        }
        if (level < last && is_container) {
            result = walk_members(r, path, &member, found, level + 1, first, last, ignores_structure, unwraps);
            if (result == FAILED || (result == FOUND && found == NULL))
                break;
        }
    }
    r->depth--;
    return result;
}

/* path applied to each element of an array in place of the array. */
static outcome walk_elements(run *r, const type_jsonpath *path, const item *array, items *found, bool unwraps)
{
    return walk_members(r, path, array, found, 1, 1, 1, false, unwraps);
}

/* All that path gives; with unwraps, in lax mode, arrays among it stand for their elements. */
static outcome collect(run *r, const type_jsonpath *path, const item *at, bool unwraps, items *found)
{
    if (!unwraps || strict(r))
        return walk(r, path, at, found, r->given->is_lax);
    items whole = {0};
    outcome result = walk(r, path, at, &whole, true);
    if (result == FAILED)
        return FAILED;
    for (uint32_t i = 0; i < whole.count; i++) {
        if (is_array(&whole.items[i])) {
            if (walk_elements(r, NULL, &whole.items[i], found, false) == FAILED)
                return FAILED;
        } else if (!add(r, found, &whole.items[i])) {
            return broken(r);
        }
    }
    return FOUND;
}

/* The same, where an error has a meaning of its own. */
static outcome collect_quietly(run *r, const type_jsonpath *path, const item *at, bool unwraps, items *found)
{
    bool saved = r->throws;
    r->throws = false;
    outcome result = found == NULL ? walk(r, path, at, NULL, r->given->is_lax) : collect(r, path, at, unwraps, found);
    r->throws = saved;
    return result;
}

/* ---- predicates ------------------------------------------------------------------------------------------------------------------ */
static truth holds(type_jsonpath_kind kind, int order)
{
    switch (kind) {
    case TYPE_JSONPATH_EQUAL:
        return order == 0;
    case TYPE_JSONPATH_NOT_EQUAL:
        return order != 0;
    case TYPE_JSONPATH_LESS:
        return order < 0;
    case TYPE_JSONPATH_GREATER:
        return order > 0;
    case TYPE_JSONPATH_LESS_EQUAL:
        return order <= 0;
    default:
        return order >= 0;
    }
}

static int rank_of(const item *at)
{
    type_json_kind kind = kind_of(at);
    return at->datetime_oid != 0 ? -1 : kind == TYPE_JSON_TRUE ? TYPE_JSON_FALSE : (int)kind;
}

static truth compare(run *r, type_jsonpath_kind kind, const item *x, const item *y)
{
    bool x_null = x->datetime_oid == 0 && kind_of(x) == TYPE_JSON_NULL, y_null = y->datetime_oid == 0 && kind_of(y) == TYPE_JSON_NULL;
    if (rank_of(x) != rank_of(y)) /* null differs from everything and has no order with it */
        return !x_null && !y_null ? UNKNOWN : kind == TYPE_JSONPATH_NOT_EQUAL ? YES : NO;
    if (x->datetime_oid != 0) {
        int order = 0;
        bool comparable = false;
        if (!type_jsonpath_compare_datetimes(r->call, x, y, r->given->with_zone, &order, &comparable)) {
            r->has_broken = true; /* the one error that a predicate does not hide */
            return UNKNOWN;
        }
        return comparable ? holds(kind, order) : UNKNOWN;
    }
    switch (kind_of(x)) {
    case TYPE_JSON_NULL:
        return holds(kind, 0);
    case TYPE_JSON_FALSE:
    case TYPE_JSON_TRUE:
    case TYPE_JSON_NUMBER:
    case TYPE_JSON_STRING:
        return holds(kind, type_jsonb_compare(x->node, y->node));
    default:
        return UNKNOWN;
    }
}

static truth starts_with(const item *whole, const item *initial)
{
    if (whole->datetime_oid != 0 || initial->datetime_oid != 0 || kind_of(whole) != TYPE_JSON_STRING || kind_of(initial) != TYPE_JSON_STRING)
        return UNKNOWN;
    rdb_bytes x = payload_of(whole), y = payload_of(initial);
    return x.length >= y.length && (y.length == 0 || memcmp(x.data, y.data, y.length) == 0);
}

bool type_jsonpath_regex_flags(rdb_call *call, uint32_t marks, type_regex_flags *flags)
{
    *flags = (type_regex_flags){.ignore_case = (marks & TYPE_JSONPATH_REGEX_I) != 0};
    if ((marks & TYPE_JSONPATH_REGEX_Q) != 0) {
        flags->literal = true;
        return true;
    }
    if ((marks & TYPE_JSONPATH_REGEX_X) != 0)
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "XQuery \"x\" flag (expanded regular expressions) is not implemented");
    flags->newline_stop = (marks & TYPE_JSONPATH_REGEX_S) == 0;
    flags->newline_anchor = (marks & TYPE_JSONPATH_REGEX_M) != 0;
    return true;
}

static truth like_regex(run *r, const type_jsonpath *path, type_regex *regex, const item *at)
{
    bool found = false;
    if (at->datetime_oid != 0 || kind_of(at) != TYPE_JSON_STRING)
        return UNKNOWN;
    if (regex->compiled == NULL) {
        type_regex_flags flags;
        if (!type_jsonpath_regex_flags(r->call, path->low, &flags) || !type_regex_open(r->call, regex, path->bytes, flags)) {
            r->has_broken = true;
            return UNKNOWN;
        }
    }
    if (!type_regex_set_text(r->call, regex, payload_of(at)) || !type_regex_find(r->call, regex, 0, NULL, &found)) {
        r->has_broken = true;
        return UNKNOWN;
    }
    return found;
}

/* A predicate over every pair of the items of its sides. Lax: one pair that holds decides. Strict: one error does. */
static truth over_pairs(run *r, const type_jsonpath *path, const item *at)
{
    items left = {0}, right = {0};
    type_regex regex = {0};
    bool unary = path->kind == TYPE_JSONPATH_LIKE_REGEX, unknown = false, yes = false;
    if (collect_quietly(r, path->parts[0], at, true, &left) == FAILED)
        return UNKNOWN;
    if (!unary && collect_quietly(r, path->parts[1], at, path->kind != TYPE_JSONPATH_STARTS_WITH, &right) == FAILED)
        return UNKNOWN;
    bool decided = false;
    for (uint32_t i = 0; i < left.count && !decided; i++) {
        for (uint32_t k = 0; k < (unary ? 1 : right.count) && !decided; k++) {
            truth answer = unary ? like_regex(r, path, &regex, &left.items[i])
                           : path->kind == TYPE_JSONPATH_STARTS_WITH ? starts_with(&left.items[i], &right.items[k])
                                                                 : compare(r, path->kind, &left.items[i], &right.items[k]);
            unknown |= answer == UNKNOWN;
            yes |= answer == YES;
            decided = r->has_broken || (strict(r) ? answer == UNKNOWN : answer == YES);
        }
    }
    if (regex.pattern_object != NULL)
        type_regex_close(&regex);
    if (r->has_broken || (strict(r) && decided))
        return UNKNOWN;
    return yes ? YES : unknown ? UNKNOWN : NO;
}

static truth decide(run *r, const type_jsonpath *path, const item *at)
{
    truth first, second;
    items found = {0};
    if (r->depth >= TYPE_JSONPATH_DEPTH_MAX) {
        rdb_error_set(r->call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        r->has_broken = true;
        return UNKNOWN;
    }
    r->depth++;
    truth answer = UNKNOWN;
    switch (path->kind) {
    case TYPE_JSONPATH_AND:
        first = decide(r, path->parts[0], at);
        second = first == NO || r->has_broken ? NO : decide(r, path->parts[1], at);
        answer = first == NO ? NO : second == YES ? first : second;
        break;
    case TYPE_JSONPATH_OR:
        first = decide(r, path->parts[0], at);
        second = first == YES || r->has_broken ? YES : decide(r, path->parts[1], at);
        answer = first == YES ? YES : second == NO ? first : second;
        break;
    case TYPE_JSONPATH_NOT:
        first = decide(r, path->parts[0], at);
        answer = first == UNKNOWN ? UNKNOWN : first == YES ? NO : YES;
        break;
    case TYPE_JSONPATH_IS_UNKNOWN:
        answer = decide(r, path->parts[0], at) == UNKNOWN;
        break;
    case TYPE_JSONPATH_EXISTS: {
        outcome result = collect_quietly(r, path->parts[0], at, false, strict(r) ? &found : NULL);
        answer = result == FAILED ? UNKNOWN : strict(r) ? found.count > 0 : result == FOUND;
        break;
    }
    default:
        answer = over_pairs(r, path, at);
        break;
    }
    r->depth--;
    return answer;
}

/* The condition of a filter, where @ is the item at hand. */
static truth decide_filter(run *r, const type_jsonpath *condition, const item *at)
{
    const item *saved = r->current;
    r->current = at;
    truth answer = decide(r, condition, at);
    r->current = saved;
    return answer;
}

/* A predicate as a value: true, false or null. */
static outcome walk_predicate(run *r, const type_jsonpath *path, const item *at, items *found)
{
    truth answer = decide(r, path, at);
    item value;
    if (r->has_broken)
        return FAILED;
    if (path->next == NULL && found == NULL)
        return FOUND; /* one value it is, whichever */
    type_json_kind kind = answer == UNKNOWN ? TYPE_JSON_NULL : answer == YES ? TYPE_JSON_TRUE : TYPE_JSON_FALSE;
    return make_node(r, kind, NULL, 0, &value) ? go_on(r, path, &value, found) : broken(r);
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------------------------- */
/* Runs what may fail with an error of the data: unless errors are thrown, it only ends the evaluation. */
static outcome hide_error(run *r)
{
    if (!r->throws)
        rdb_error_clear(r->call->err);
    return FAILED;
}

static bool compute(rdb_call *call, type_jsonpath_kind kind, const type_numeric *x, const type_numeric *y, type_numeric *result)
{
    bool by_zero = type_numeric_sign(y) == 0;
    switch (kind) {
    case TYPE_JSONPATH_ADD:
    case TYPE_JSONPATH_SUBTRACT:
        return type_numeric_add(call, x, y, kind == TYPE_JSONPATH_SUBTRACT, result);
    case TYPE_JSONPATH_MULTIPLY:
        return type_numeric_mul(call, x, y, result);
    case TYPE_JSONPATH_DIVIDE:
        if (by_zero)
            return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
        return type_numeric_div(call, x, y, type_numeric_quotient_scale(x, y), true, result);
    default:
        if (by_zero)
            return rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
        return type_numeric_mod(call, x, y, result);
    }
}

static outcome walk_binary(run *r, const type_jsonpath *path, const item *at, items *found)
{
    items sides[2] = {{0}, {0}};
    type_numeric numbers[2], answer = {0};
    item value;
    for (int i = 0; i < 2; i++) {
        if (collect(r, path->parts[i], at, true, &sides[i]) == FAILED)
            return FAILED;
    }
    for (int i = 0; i < 2; i++) {
        if (sides[i].count != 1 || !is_number(&sides[i].items[0]))
            return RAISE(r, RDB_SINGLETON_SQL_JSON_ITEM_REQUIRED, "%s operand of jsonpath operator %s is not a single numeric value",
                         i == 0 ? "left" : "right", type_jsonpath_name(path->kind));
    }
    type_numeric_read(payload_of(&sides[0].items[0]), &numbers[0]);
    type_numeric_read(payload_of(&sides[1].items[0]), &numbers[1]);
    bool ok = compute(r->call, path->kind, &numbers[0], &numbers[1], &answer) && make_number(r, &answer, &value);
    type_numeric_clear(&numbers[0]);
    type_numeric_clear(&numbers[1]);
    type_numeric_clear(&answer);
    return ok ? go_on(r, path, &value, found) : hide_error(r);
}

static bool negate(run *r, const item *at, item *value)
{
    type_numeric zero, number, negated = {0};
    type_numeric_set_int(&zero, 0, 0);
    type_numeric_read(payload_of(at), &number);
    bool ok = type_numeric_add(r->call, &zero, &number, true, &negated) && make_number(r, &negated, value);
    type_numeric_clear(&number);
    type_numeric_clear(&negated);
    return ok;
}

static outcome walk_unary(run *r, const type_jsonpath *path, const item *at, items *found)
{
    items operands = {0};
    outcome result = NOTHING;
    if (collect(r, path->parts[0], at, true, &operands) == FAILED)
        return FAILED;
    for (uint32_t i = 0; i < operands.count; i++) {
        item value = operands.items[i];
        bool is_end = found == NULL && path->next == NULL;
        if (!is_number(&value)) {
            if (is_end)
                continue; /* only whether there is a number is asked */
            return RAISE(r, RDB_SQL_JSON_NUMBER_NOT_FOUND, "operand of unary jsonpath operator %s is not a numeric value", type_jsonpath_name(path->kind));
        }
        if (is_end)
            return FOUND;
        if (path->kind == TYPE_JSONPATH_MINUS && !negate(r, &operands.items[i], &value))
            return hide_error(r);
        outcome next = go_on(r, path, &value, found);
        if (next == FAILED)
            return FAILED;
        if (next == FOUND) {
            if (found == NULL)
                return FOUND;
            result = FOUND;
        }
    }
    return result;
}

/* ---- accessors -------------------------------------------------------------------------------------------------------------------- */
static outcome walk_key(run *r, const type_jsonpath *path, const item *at, items *found, bool unwraps)
{
    if (at->datetime_oid == 0 && kind_of(at) == TYPE_JSON_OBJECT) {
        type_jsonb json;
        item member = {0};
        type_jsonb_read(at->node, &json);
        if (type_jsonb_find(&json, path->bytes, &member.node))
            return go_on(r, path, &member, found);
        if (r->ignores_structure)
            return NOTHING;
        return RAISE(r, RDB_SQL_JSON_MEMBER_NOT_FOUND, "JSON object does not contain key \"%.*s\"", (int)path->bytes.length, (const char *)path->bytes.data);
    }
    if (unwraps && is_array(at))
        return walk_elements(r, path, at, found, false);
    if (r->ignores_structure)
        return NOTHING;
    return RAISE(r, RDB_SQL_JSON_MEMBER_NOT_FOUND, "jsonpath member accessor can only be applied to an object");
}

static outcome read_index(run *r, const type_jsonpath *path, const item *at, int32_t *index)
{
    items found = {0};
    int64_t value = 0;
    type_numeric number;
    if (walk(r, path, at, &found, r->given->is_lax) == FAILED)
        return FAILED;
    if (found.count != 1 || !is_number(&found.items[0]))
        return RAISE(r, RDB_INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is not a single numeric value");
    type_numeric_read(payload_of(&found.items[0]), &number);
    if (number.kind == TYPE_NUMERIC_FINITE)
        type_numeric_round(&number, 0, TYPE_ROUND_TOWARD_ZERO);
    bool fits = type_numeric_to_int64(&number, &value) && value >= INT32_MIN && value <= INT32_MAX;
    type_numeric_clear(&number);
    *index = (int32_t)value;
    return fits ? FOUND : RAISE(r, RDB_INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of integer range");
}

static outcome walk_subscripts(run *r, const type_jsonpath *path, const item *at, items *found)
{
    outcome result = NOTHING;
    type_jsonb json = {0};
    bool single = !is_array(at);
    if (single && strict(r)) {
        if (r->ignores_structure)
            return NOTHING;
        return RAISE(r, RDB_SQL_JSON_ARRAY_NOT_FOUND, "jsonpath array accessor can only be applied to an array");
    }
    if (!single)
        type_jsonb_read(at->node, &json);
    int64_t size = single ? 1 : json.count, saved = r->last_index;
    r->last_index = size;
    for (uint32_t i = 0; i < path->part_count; i += 2) {
        int32_t from = 0, to;
        result = read_index(r, path->parts[i], at, &from);
        to = from;
        if (result == FOUND && path->parts[i + 1] != NULL)
            result = read_index(r, path->parts[i + 1], at, &to);
        if (result == FAILED)
            break;
        result = NOTHING;
        if (!r->ignores_structure && (from < 0 || from > to || to >= size)) {
            result = RAISE(r, RDB_INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of bounds");
            break;
        }
        for (int64_t index = RDB_MAX(from, 0); index <= RDB_MIN((int64_t)to, size - 1); index++) {
            item element = *at;
            if (!single)
                element = (item){.node = type_jsonb_item(&json, (uint32_t)index)};
            if (path->next == NULL && found == NULL) {
                result = FOUND;
                break;
            }
            result = go_on(r, path, &element, found);
            if (result == FAILED || (result == FOUND && found == NULL))
                break;
        }
        if (result == FAILED || (result == FOUND && found == NULL))
            break;
    }
    r->last_index = saved;
    return result;
}

static outcome walk_any_depth(run *r, const type_jsonpath *path, const item *at, items *found)
{
    outcome result = NOTHING;
    if (path->low == 0) {
        bool saved = r->ignores_structure;
        r->ignores_structure = true;
        result = go_on(r, path, at, found);
        r->ignores_structure = saved;
        if (result == FAILED || (result == FOUND && found == NULL))
            return result;
    }
    if (at->datetime_oid == 0 && kind_of(at) >= TYPE_JSON_ARRAY)
        result = walk_members(r, path->next, at, found, 1, path->low, path->high, true, r->given->is_lax);
    return result;
}

static outcome walk_variable(run *r, const type_jsonpath *path, items *found)
{
    type_jsonb vars;
    item value = {0};
    const bool has_any = r->given->vars.data != NULL; /* the operators have none */
    if (has_any)
        type_jsonb_read(r->given->vars, &vars);
    if (!has_any || !type_jsonb_find(&vars, path->bytes, &value.node)) {
        rdb_error_set(r->call->err, RDB_UNDEFINED_OBJECT, "could not find jsonpath variable \"%.*s\"", (int)path->bytes.length, (const char *)path->bytes.data);
        return broken(r); /* a mistake of the caller, in silent mode too */
    }
    rdb_bytes saved = r->base;
    int64_t saved_id = r->base_id;
    r->base = r->given->vars;
    r->base_id = 1;
    outcome result = go_on(r, path, &value, found);
    r->base = saved;
    r->base_id = saved_id;
    return result;
}

static outcome walk_value(run *r, const type_jsonpath *path, items *found)
{
    static const type_json_kind KINDS[] = {[TYPE_JSONPATH_NULL] = TYPE_JSON_NULL, [TYPE_JSONPATH_FALSE] = TYPE_JSON_FALSE, [TYPE_JSONPATH_TRUE] = TYPE_JSON_TRUE,
                                           [TYPE_JSONPATH_NUMBER] = TYPE_JSON_NUMBER, [TYPE_JSONPATH_STRING] = TYPE_JSON_STRING};
    item value;
    if (path->kind == TYPE_JSONPATH_VARIABLE) /* one that is missing is an error even where only existence is asked */
        return walk_variable(r, path, found);
    if (found == NULL && path->next == NULL)
        return FOUND;
    return make_node(r, KINDS[path->kind], path->bytes.data, path->bytes.length, &value) ? go_on(r, path, &value, found) : broken(r);
}

/* ---- methods ---------------------------------------------------------------------------------------------------------------------- */
static outcome walk_type(run *r, const type_jsonpath *path, const item *at, items *found)
{
    static const char *const NAMES[] = {"null", "boolean", "boolean", "number", "string", "array", "object"};
    const char *name = at->datetime_oid != 0 ? type_jsonpath_datetime_name(at->datetime_oid) : NAMES[kind_of(at)];
    item value;
    return make_node(r, TYPE_JSON_STRING, name, strlen(name), &value) ? go_on(r, path, &value, found) : broken(r);
}

static outcome walk_size(run *r, const type_jsonpath *path, const item *at, items *found)
{
    int64_t size = 1;
    item value;
    if (is_array(at)) {
        type_jsonb json;
        type_jsonb_read(at->node, &json);
        size = json.count;
    } else if (strict(r)) {
        if (r->ignores_structure)
            return NOTHING;
        return RAISE(r, RDB_SQL_JSON_ARRAY_NOT_FOUND, "jsonpath item method .%s() can only be applied to an array", type_jsonpath_name(path->kind));
    }
    return make_int(r, size, &value) ? go_on(r, path, &value, found) : broken(r);
}

static outcome walk_rounding(run *r, const type_jsonpath *path, const item *at, items *found)
{
    type_numeric number;
    item value;
    if (!is_number(at))
        return RAISE(r, RDB_NON_NUMERIC_SQL_JSON_ITEM, "jsonpath item method .%s() can only be applied to a numeric value", type_jsonpath_name(path->kind));
    if (path->kind == TYPE_JSONPATH_ABS) {
        type_numeric_read(payload_of(at), &number);
        bool negative = type_numeric_sign(&number) < 0;
        type_numeric_clear(&number);
        value = *at;
        return !negative || negate(r, at, &value) ? go_on(r, path, &value, found) : hide_error(r);
    }
    type_numeric_read(payload_of(at), &number);
    type_numeric_round(&number, 0, path->kind == TYPE_JSONPATH_FLOOR ? TYPE_ROUND_FLOOR : TYPE_ROUND_CEILING);
    bool ok = make_number(r, &number, &value);
    type_numeric_clear(&number);
    return ok ? go_on(r, path, &value, found) : broken(r);
}

static outcome walk_double(run *r, const type_jsonpath *path, const item *at, items *found)
{
    item value = *at;
    double number = 0;
    rdb_strbuf text;
    bool is_text = at->datetime_oid == 0 && kind_of(at) == TYPE_JSON_STRING;
    if (!is_text && !is_number(at))
        return RAISE(r, RDB_NON_NUMERIC_SQL_JSON_ITEM, "jsonpath item method .%s() can only be applied to a string or numeric value", type_jsonpath_name(path->kind));
    rdb_strbuf_init(&text, r->call->arena);
    rdb_bytes bytes = payload_of(at);
    if (is_text)
        rdb_strbuf_add(&text, bytes.data, bytes.length);
    else if (!type_numeric_ops.output(r->call, NULL, (rdb_datum){.bytes = bytes}, &text))
        return broken(r);
    if (!rdb_strbuf_check(&text, r->call->err))
        return broken(r);
    rdb_slice slice = {.data = (const uint8_t *)text.data, .length = text.length};
    bool is_number_text = type_parse_float(r->call, slice, false, "double precision", &number);
    if (!is_number_text || !isfinite(number)) {
        rdb_error_clear(r->call->err);
        if (is_text)
            return RAISE(r, RDB_NON_NUMERIC_SQL_JSON_ITEM, "string argument of jsonpath item method .%s() is not a valid representation of a double precision number", type_jsonpath_name(path->kind));
        return RAISE(r, RDB_NON_NUMERIC_SQL_JSON_ITEM, "numeric argument of jsonpath item method .%s() is out of range for type double precision", type_jsonpath_name(path->kind));
    }
    if (is_text) {
        type_numeric made = {0};
        bool ok = type_numeric_from_double(r->call, number, 15, &made) && make_number(r, &made, &value);
        type_numeric_clear(&made);
        if (!ok)
            return broken(r);
    }
    return go_on(r, path, &value, found);
}

static outcome walk_datetime(run *r, const type_jsonpath *path, const item *at, items *found)
{
    item value = {0};
    if (at->datetime_oid != 0 || kind_of(at) != TYPE_JSON_STRING)
        return RAISE(r, RDB_INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION, "jsonpath item method .%s() can only be applied to a string", type_jsonpath_name(path->kind));
    if (!type_jsonpath_read_datetime(r->call, payload_of(at), path->part_count > 0 ? &path->parts[0]->bytes : NULL, &value))
        return hide_error(r);
    return go_on(r, path, &value, found);
}

/* An object becomes a series of objects {"id", "key", "value"}; those of one object have one id. */
static outcome walk_keyvalue(run *r, const type_jsonpath *path, const item *at, items *found)
{
    type_jsonb json;
    outcome result = NOTHING;
    int64_t offset = 0;
    item id;
    if (at->datetime_oid != 0 || kind_of(at) != TYPE_JSON_OBJECT)
        return RAISE(r, RDB_SQL_JSON_OBJECT_NOT_FOUND, "jsonpath item method .%s() can only be applied to an object", type_jsonpath_name(path->kind));
    type_jsonb_read(at->node, &json);
    if (json.count == 0)
        return NOTHING;
    if (path->next == NULL && found == NULL)
        return FOUND;
    (void)type_jsonpath_peer_offset(r->base, at->node, &offset); /* outside of the base: 0 */
    if (!make_int(r, offset + r->base_id * INT64_C(10000000000), &id))
        return broken(r);
    for (uint32_t i = 0; i < json.count; i++) {
        type_json *object = type_json_new(r->call, TYPE_JSON_OBJECT), *key = type_json_new(r->call, TYPE_JSON_STRING), *number, *value;
        rdb_datum stored = {.words = {0, 0}};
        key->bytes = type_jsonb_key(&json, i);
        if (!type_jsonb_tree(r->call, id.node, &number) || !type_jsonb_tree(r->call, type_jsonb_item(&json, i), &value) ||
            !type_json_add(r->call, object, (rdb_bytes){.data = (const uint8_t *)"id", .length = 2}, number) ||
            !type_json_add(r->call, object, (rdb_bytes){.data = (const uint8_t *)"key", .length = 3}, key) ||
            !type_json_add(r->call, object, (rdb_bytes){.data = (const uint8_t *)"value", .length = 5}, value) ||
            !type_jsonb_write(r->call, object, &stored))
            return broken(r);
        item pair = {.node = stored.bytes};
        rdb_bytes saved = r->base;
        int64_t saved_id = r->base_id;
        r->base = pair.node;
        r->base_id = r->made_count++;
        result = go_on(r, path, &pair, found);
        r->base = saved;
        r->base_id = saved_id;
        if (result == FAILED || (result == FOUND && found == NULL))
            break;
    }
    return result;
}

/* ---- one step --------------------------------------------------------------------------------------------------------------------- */
static outcome step(run *r, const type_jsonpath *path, const item *at, items *found, bool unwraps)
{
    outcome result;
    item value;
    bool opens = unwraps && is_array(at);
    switch (path->kind) {
    case TYPE_JSONPATH_NULL:
    case TYPE_JSONPATH_FALSE:
    case TYPE_JSONPATH_TRUE:
    case TYPE_JSONPATH_NUMBER:
    case TYPE_JSONPATH_STRING:
    case TYPE_JSONPATH_VARIABLE:
        return walk_value(r, path, found);
    case TYPE_JSONPATH_ROOT: {
        rdb_bytes saved = r->base;
        int64_t saved_id = r->base_id;
        r->base = r->root.node;
        r->base_id = 0;
        result = go_on(r, path, &r->root, found);
        r->base = saved;
        r->base_id = saved_id;
        return result;
    }
    case TYPE_JSONPATH_CURRENT:
        return go_on(r, path, r->current, found);
    case TYPE_JSONPATH_LAST_INDEX:
        if (found == NULL && path->next == NULL)
            return FOUND;
        return make_int(r, r->last_index - 1, &value) ? go_on(r, path, &value, found) : broken(r);
    case TYPE_JSONPATH_ADD:
    case TYPE_JSONPATH_SUBTRACT:
    case TYPE_JSONPATH_MULTIPLY:
    case TYPE_JSONPATH_DIVIDE:
    case TYPE_JSONPATH_MODULO:
        return walk_binary(r, path, at, found);
    case TYPE_JSONPATH_PLUS:
    case TYPE_JSONPATH_MINUS:
        return walk_unary(r, path, at, found);
    case TYPE_JSONPATH_AND:
    case TYPE_JSONPATH_OR:
    case TYPE_JSONPATH_NOT:
    case TYPE_JSONPATH_IS_UNKNOWN:
    case TYPE_JSONPATH_EQUAL:
    case TYPE_JSONPATH_NOT_EQUAL:
    case TYPE_JSONPATH_LESS:
    case TYPE_JSONPATH_GREATER:
    case TYPE_JSONPATH_LESS_EQUAL:
    case TYPE_JSONPATH_GREATER_EQUAL:
    case TYPE_JSONPATH_STARTS_WITH:
    case TYPE_JSONPATH_LIKE_REGEX:
    case TYPE_JSONPATH_EXISTS:
        return walk_predicate(r, path, at, found);
    case TYPE_JSONPATH_KEY:
        return walk_key(r, path, at, found, unwraps);
    case TYPE_JSONPATH_ANY_KEY:
        if (at->datetime_oid == 0 && kind_of(at) == TYPE_JSON_OBJECT)
            return walk_members(r, path->next, at, found, 1, 1, 1, false, r->given->is_lax);
        if (opens)
            return walk_elements(r, path, at, found, false);
        if (r->ignores_structure)
            return NOTHING;
        return RAISE(r, RDB_SQL_JSON_OBJECT_NOT_FOUND, "jsonpath wildcard member accessor can only be applied to an object");
    case TYPE_JSONPATH_ANY_ELEMENT:
        if (is_array(at))
            return walk_elements(r, path->next, at, found, r->given->is_lax);
        if (r->given->is_lax)
            return go_on(r, path, at, found);
        if (r->ignores_structure)
            return NOTHING;
        return RAISE(r, RDB_SQL_JSON_ARRAY_NOT_FOUND, "jsonpath wildcard array accessor can only be applied to an array");
    case TYPE_JSONPATH_ELEMENTS:
        return walk_subscripts(r, path, at, found);
    case TYPE_JSONPATH_ANY_DEPTH:
        return walk_any_depth(r, path, at, found);
    case TYPE_JSONPATH_FILTER:
        if (opens)
            return walk_elements(r, path, at, found, false);
        if (decide_filter(r, path->parts[0], at) != YES)
            return r->has_broken ? FAILED : NOTHING;
        return go_on(r, path, at, found);
    case TYPE_JSONPATH_TYPE:
        return walk_type(r, path, at, found);
    case TYPE_JSONPATH_SIZE:
        return walk_size(r, path, at, found);
    case TYPE_JSONPATH_DOUBLE:
        return opens ? walk_elements(r, path, at, found, false) : walk_double(r, path, at, found);
    case TYPE_JSONPATH_CEILING:
    case TYPE_JSONPATH_FLOOR:
    case TYPE_JSONPATH_ABS:
        return opens ? walk_elements(r, path, at, found, false) : walk_rounding(r, path, at, found);
    case TYPE_JSONPATH_DATETIME:
        return opens ? walk_elements(r, path, at, found, false) : walk_datetime(r, path, at, found);
    case TYPE_JSONPATH_KEYVALUE:
        return opens ? walk_elements(r, path, at, found, false) : walk_keyvalue(r, path, at, found);
    }
    return FAILED;
}

static outcome walk(run *r, const type_jsonpath *path, const item *at, items *found, bool unwraps)
{
    if (r->has_broken)
        return FAILED;
    if (r->depth >= TYPE_JSONPATH_DEPTH_MAX) {
        rdb_error_set(r->call->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
        return broken(r);
    }
    r->depth++;
    outcome result = step(r, path, at, found, unwraps);
    r->depth--;
    return r->has_broken ? FAILED : result;
}

bool type_jsonpath_evaluate(rdb_call *call, const type_jsonpath_run *given, type_jsonpath_items *found, type_jsonpath_outcome *result)
{
    run r = {.call = call, .given = given, .root = {.node = given->root}, .ignores_structure = given->is_lax, .throws = !given->is_silent,
             .last_index = -1, .base = given->root, .made_count = given->vars.data != NULL ? 2 : 1};
    items all = {0};
    r.current = &r.root;
    /* in strict mode an error may stand behind the first item, so that existence asks for them all */
    bool wants_all = found == NULL && !given->is_lax;
    *result = walk(&r, given->path, &r.root, wants_all ? &all : found, given->is_lax);
    if (wants_all && *result != FAILED)
        *result = all.count > 0 ? FOUND : NOTHING;
    return !rdb_error_is_set(call->err);
}
