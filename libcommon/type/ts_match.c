/* SPDX-License-Identifier: Apache-2.0
 * Does a query match a document? AND, OR and NOT ask whether; inside of a phrase they ask where: each part answers with the
 * places at which it matches, and a phrase keeps those that stand the right distance apart. Where a document has no positions
 * the answer inside of a phrase is "perhaps", which counts as no. */
#include "type/tables.h"
#include "type/ts.h"
#include <stdlib.h>

typedef struct matcher {
    rdb_call *call;
    rdb_bytes query;
    unsigned flags;
    ts_operand_check check;
    void *context;
} matcher;

/* Which places of two lists go into the result. */
enum { KEEP_BOTH = 1, KEEP_LEFT = 2, KEEP_RIGHT = 4 };

static bool merge_places(matcher *m, const ts_places *left, const ts_places *right, unsigned keep, uint32_t left_shift, uint32_t right_shift, ts_places *out)
{
    uint32_t l = 0, r = 0;
    out->count = 0;
    out->positions = type_alloc(m->call, sizeof *out->positions * ((size_t)left->count + right->count + 1));
    if (out->positions == NULL)
        return false;
    while (l < left->count || r < right->count) {
        uint32_t at_left = l < left->count ? ts_position(left->positions[l]) + left_shift : UINT32_MAX;
        uint32_t at_right = r < right->count ? ts_position(right->positions[r]) + right_shift : UINT32_MAX;
        uint32_t at = RDB_MIN(at_left, at_right);
        unsigned where = at_left == at_right ? KEEP_BOTH : at_left < at_right ? KEEP_LEFT : KEEP_RIGHT;
        if ((keep & where) && at > 0)
            out->positions[out->count++] = (uint16_t)at;
        l += at_left == at;
        r += at_right == at;
    }
    return true;
}

static bool find_places(matcher *m, uint32_t item_no, ts_places *out, ts_answer *answer)
{
    ts_item item = ts_query_get(m->query, item_no);
    ts_places left = {0}, right = {0};
    ts_answer at_left = TS_NO, at_right = TS_NO;
    memset(out, 0, sizeof *out);
    *answer = TS_NO;
    if (item.kind == TS_VALUE)
        return m->check(m->context, m->call, item_no, &item, out, answer);
    if (item.oper == TS_NOT) {
        if (m->flags & TS_MATCH_SKIP_NOT) {
            out->is_negated = true;
            *answer = TS_YES;
            return true;
        }
        if (!find_places(m, item_no + 1, out, answer))
            return false;
        if (*answer == TS_NO) { /* nowhere becomes everywhere */
            *out = (ts_places){.is_negated = true, .width = out->width};
            *answer = TS_YES;
        } else if (*answer == TS_YES && out->count > 0) {
            out->is_negated = !out->is_negated;
        } else if (*answer == TS_YES && out->is_negated) {
            out->is_negated = false;
            *answer = TS_NO;
        }
        return true;
    }
    if (!find_places(m, item.left, &left, &at_left))
        return false;
    if (at_left == TS_NO && item.oper != TS_OR)
        return true;
    if (!find_places(m, item_no + 1, &right, &at_right))
        return false;
    if ((at_right == TS_NO && item.oper != TS_OR) || (at_left == TS_NO && at_right == TS_NO))
        return true;
    *answer = TS_MAYBE;
    if (at_left == TS_MAYBE || at_right == TS_MAYBE)
        return true;
    if (at_left == TS_NO)
        left.width = 0;
    if (at_right == TS_NO)
        right.width = 0;
    uint32_t width = RDB_MAX(left.width, right.width), left_shift = width - left.width, right_shift = width - right.width;
    if (item.oper == TS_PHRASE) {
        left_shift = (uint32_t)item.distance + right.width;
        right_shift = 0;
        width = left_shift + left.width;
    }
    unsigned keep;
    bool negated = false;
    if (item.oper == TS_OR) {
        negated = left.is_negated || right.is_negated;
        keep = left.is_negated && right.is_negated ? KEEP_BOTH : left.is_negated ? KEEP_LEFT : right.is_negated ? KEEP_RIGHT : KEEP_BOTH | KEEP_LEFT | KEEP_RIGHT;
    } else {
        negated = left.is_negated && right.is_negated;
        keep = negated ? KEEP_BOTH | KEEP_LEFT | KEEP_RIGHT : left.is_negated ? KEEP_RIGHT : right.is_negated ? KEEP_LEFT : KEEP_BOTH;
    }
    if (!merge_places(m, &left, &right, keep, left_shift, right_shift, out))
        return false;
    out->width = width;
    out->is_negated = negated;
    *answer = negated || out->count > 0 ? TS_YES : TS_NO;
    return true;
}

static bool match_item(matcher *m, uint32_t item_no, ts_answer *answer)
{
    ts_item item = ts_query_get(m->query, item_no);
    ts_answer other = TS_NO;
    *answer = TS_NO;
    if (item.kind == TS_VALUE)
        return m->check(m->context, m->call, item_no, &item, NULL, answer);
    if (item.oper == TS_PHRASE) {
        ts_places places;
        if (!find_places(m, item_no, &places, answer))
            return false;
        if (*answer == TS_MAYBE)
            *answer = TS_NO;
        return true;
    }
    if (item.oper == TS_NOT) {
        if (m->flags & TS_MATCH_SKIP_NOT) {
            *answer = TS_YES;
            return true;
        }
        if (!match_item(m, item_no + 1, answer))
            return false;
        *answer = *answer == TS_NO ? TS_YES : *answer == TS_YES ? TS_NO : TS_MAYBE;
        return true;
    }
    if (!match_item(m, item.left, answer))
        return false;
    if (*answer == (item.oper == TS_AND ? TS_NO : TS_YES))
        return true;
    if (!match_item(m, item_no + 1, &other))
        return false;
    if (item.oper == TS_AND)
        *answer = other == TS_NO ? TS_NO : other == TS_MAYBE ? TS_MAYBE : *answer;
    else
        *answer = other == TS_YES ? TS_YES : other == TS_MAYBE ? TS_MAYBE : *answer;
    return true;
}

bool ts_query_match(rdb_call *call, rdb_bytes query, unsigned flags, ts_operand_check check, void *context, bool *matches)
{
    matcher m = {call, query, flags, check, context};
    ts_answer answer = TS_NO;
    *matches = false;
    if (ts_query_count(query) == 0)
        return true;
    rdb_arena_mark mark = rdb_arena_get_mark(call->arena);
    if (!match_item(&m, 0, &answer))
        return false;
    rdb_arena_rewind(call->arena, mark);
    *matches = answer != TS_NO;
    return true;
}

/* ---- operands in a document ---------------------------------------------------------------------------------------------------- */
static ts_answer entry_matches(const ts_entry *entry, const ts_item *item, bool wants_places)
{
    if (entry->position_count == 0) /* without positions every weight fits */
        return wants_places ? TS_MAYBE : TS_YES;
    if (item->weights == 0)
        return TS_YES;
    for (uint32_t i = 0; i < entry->position_count; i++)
        if (item->weights & 1u << ts_weight(ts_entry_position(entry, i)))
            return TS_YES;
    return TS_NO;
}

static int compare_positions(const void *left, const void *right)
{
    uint16_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (int)ts_position(a) - (int)ts_position(b);
}

static bool has_prefix(rdb_slice lexeme, rdb_slice prefix)
{
    return lexeme.length >= prefix.length && (prefix.length == 0 || memcmp(lexeme.data, prefix.data, prefix.length) == 0);
}

static bool check_in_vector(void *context, rdb_call *call, TYPE_UNUSED uint32_t item_no, const ts_item *item, ts_places *places, ts_answer *answer)
{
    const rdb_bytes vector = *(const rdb_bytes *)context;
    bool equal = false;
    uint32_t first = ts_vector_find(vector, item->lexeme, &equal), last = first, count = ts_vector_count(vector), room = 0;
    *answer = TS_NO;
    if (item->is_prefix)
        while (last < count && has_prefix(ts_vector_get(vector, last).lexeme, item->lexeme))
            last++;
    else
        last += equal;
    for (uint32_t i = first; i < last; i++) {
        ts_entry entry = ts_vector_get(vector, i);
        ts_answer here = entry_matches(&entry, item, places != NULL);
        if (here == TS_MAYBE || (here == TS_YES && places == NULL)) {
            *answer = here;
            return true;
        }
        room += here == TS_YES ? entry.position_count : 0;
    }
    if (room == 0)
        return true;
    places->positions = type_alloc(call, sizeof *places->positions * room);
    if (places->positions == NULL)
        return false;
    for (uint32_t i = first; i < last; i++) {
        ts_entry entry = ts_vector_get(vector, i);
        for (uint32_t k = 0; k < entry.position_count; k++) {
            uint16_t position = ts_entry_position(&entry, k);
            if (item->weights == 0 || (item->weights & 1u << ts_weight(position)))
                places->positions[places->count++] = (uint16_t)ts_position(position);
        }
    }
    if (last - first > 1) {
        uint32_t kept = 0;
        qsort(places->positions, places->count, sizeof *places->positions, compare_positions);
        for (uint32_t i = 0; i < places->count; i++)
            if (i == 0 || places->positions[i] != places->positions[kept - 1])
                places->positions[kept++] = places->positions[i];
        places->count = kept;
    }
    *answer = TS_YES;
    return true;
}

bool ts_vector_match(rdb_call *call, rdb_bytes vector, rdb_bytes query, bool *matches)
{
    return ts_query_match(call, query, 0, check_in_vector, &vector, matches);
}

TYPE_ROW_FUNCTION(match_vector_query, 2)
{
    bool matches;
    if (!ts_vector_match(call, a[0].bytes, a[1].bytes, &matches))
        return false;
    r->b = matches;
    return true;
}

TYPE_ROW_FUNCTION(match_query_vector, 2)
{
    bool matches;
    if (!ts_vector_match(call, a[1].bytes, a[0].bytes, &matches))
        return false;
    r->b = matches;
    return true;
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {{"ts_match_vq", match_vector_query, F, 0}, {"ts_match_qv", match_query_vector, F, 0}};
TYPE_KERNEL_TABLE(type_ts_match_table, KERNELS);
