/* SPDX-License-Identifier: Apache-2.0
 * ts_rank and ts_rank_cd: how well a document answers a query. The first adds up the weights of the words found (for AND: of
 * their pairs, by distance); the second goes through the document for the shortest stretches that satisfy the query ("Relevance
 * Ranking for One to Three Term Queries", Clarke, Cormack, Tudhope, 1999). The arithmetic is PostgreSQL's, step by step, since
 * clients compare its results. */
#include "type/array.h"
#include "type/tables.h"
#include "type/ts.h"
#include <stdlib.h>
#include <math.h>

enum { BY_LOG_LENGTH = 1, BY_LENGTH = 2, BY_EXTENT_DISTANCE = 4, BY_UNIQUE = 8, BY_LOG_UNIQUE = 16, INTO_0_TO_1 = 32 };
static const float STANDARD_WEIGHTS[4] = {0.1f, 0.2f, 0.4f, 1.0f};

static bool read_weights(rdb_call *call, rdb_datum given, float weights[4])
{
    type_array array;
    type_array_read(given.bytes, &array);
    if (array.ndim != 1)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array of weight must be one-dimensional");
    if (array.count < 4)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array of weight is too short");
    if (array.nulls != NULL)
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "array of weight must not contain nulls");
    for (uint32_t i = 0; i < 4; i++) {
        rdb_datum weight;
        type_array_get(&array, i, &weight);
        weights[i] = weight.f4 >= 0 ? weight.f4 : STANDARD_WEIGHTS[i];
        if (weights[i] > 1.0f)
            return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "weight out of range");
    }
    return true;
}

/* Words of the document, each place counted. */
static int32_t length_of(rdb_bytes vector)
{
    int32_t length = 0;
    for (uint32_t i = 0; i < ts_vector_count(vector); i++)
        length += (int32_t)RDB_MAX(ts_vector_get(vector, i).position_count, 1u);
    return length;
}

/* The entries that the operand names: [*first, *first + count). */
static uint32_t entries_of(rdb_bytes vector, const ts_item *item, uint32_t *first)
{
    bool equal = false;
    uint32_t total = ts_vector_count(vector), last;
    *first = last = ts_vector_find(vector, item->lexeme, &equal);
    if (!item->is_prefix)
        return equal;
    for (; last < total; last++) {
        rdb_slice lexeme = ts_vector_get(vector, last).lexeme;
        if (lexeme.length < item->lexeme.length || memcmp(lexeme.data, item->lexeme.data, item->lexeme.length) != 0)
            break;
    }
    return last - *first;
}

static int compare_items(const void *left, const void *right)
{
    return ts_compare_lexemes(((const ts_item *)left)->lexeme, ((const ts_item *)right)->lexeme);
}

/* The query's operands in order, each lexeme once. */
static bool unique_operands(rdb_call *call, rdb_bytes query, ts_item **items, uint32_t *count)
{
    uint32_t total = ts_query_count(query), kept = 0;
    *items = type_alloc(call, sizeof **items * total);
    if (*items == NULL)
        return false;
    *count = 0;
    for (uint32_t i = 0; i < total; i++) {
        ts_item item = ts_query_get(query, i);
        if (item.kind == TS_VALUE)
            (*items)[(*count)++] = item;
    }
    qsort(*items, *count, sizeof **items, compare_items);
    for (uint32_t i = 0; i < *count; i++)
        if (i == 0 || compare_items(&(*items)[i], &(*items)[kept - 1]) != 0)
            (*items)[kept++] = (*items)[i];
    *count = kept;
    return true;
}

static float rank_any(const float *weights, rdb_bytes vector, const ts_item *items, uint32_t count)
{
    float rank = 0.0f;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first, found = entries_of(vector, &items[i], &first);
        for (uint32_t e = first; e < first + found; e++) {
            ts_entry entry = ts_vector_get(vector, e);
            float sum = 0.0f, best = -1.0f;
            uint32_t best_at = 0, places = RDB_MAX(entry.position_count, 1u);
            for (uint32_t k = 0; k < places; k++) {
                float weight = weights[entry.position_count == 0 ? 0 : ts_weight(ts_entry_position(&entry, k))];
                sum = sum + weight / (float)((k + 1) * (k + 1));
                if (weight > best) {
                    best = weight;
                    best_at = k;
                }
            }
            /* the series of inverse squares sums up to pi^2/6 */
            rank = (float)((double)rank + (double)(best + sum - best / (float)((best_at + 1) * (best_at + 1))) / 1.64493406685);
        }
    }
    return count > 0 ? rank / (float)count : rank;
}

static float distance_factor(int32_t distance)
{
    if (distance > 100)
        return 1e-30f;
    return (float)(1.0 / (1.005 + 0.05 * exp((double)((float)distance) / 1.5 - 2)));
}

static float rank_pairs(const float *weights, rdb_bytes vector, const ts_item *items, uint32_t count)
{
    static const ts_entry NOWHERE = {.position_count = 0};
    ts_entry found_at[64];
    bool found_any[64];
    float rank = -1.0f;
    if (count < 2)
        return rank_any(weights, vector, items, count);
    for (uint32_t i = 0; i < RDB_MIN(count, 64u); i++) {
        uint32_t first, found = entries_of(vector, &items[i], &first);
        found_any[i] = false;
        for (uint32_t e = first; e < first + found; e++) {
            found_at[i] = ts_vector_get(vector, e);
            found_any[i] = true;
            for (uint32_t k = 0; k < i; k++) {
                if (!found_any[k])
                    continue;
                const ts_entry *here = &found_at[i], *there = &found_at[k];
                bool unplaced = here->position_count == 0 || there->position_count == 0;
                for (uint32_t p = 0; p < RDB_MAX(here->position_count, 1u); p++) {
                    for (uint32_t q = 0; q < RDB_MAX(there->position_count, 1u); q++) {
                        uint16_t at = here->position_count == 0 ? TS_POSITION_MAX : ts_entry_position(here, p);
                        uint16_t other = there->position_count == 0 ? TS_POSITION_MAX : ts_entry_position(there, q);
                        int32_t distance = abs((int32_t)ts_position(at) - (int32_t)ts_position(other));
                        if (distance == 0 && !unplaced)
                            continue;
                        if (distance == 0)
                            distance = (int32_t)TS_POSITION_MAX + 1;
                        float pair = (float)sqrt((double)(weights[ts_weight(at)] * weights[ts_weight(other)] * distance_factor(distance)));
                        rank = rank < 0 ? pair : (float)(1.0 - (1.0 - (double)rank) * (1.0 - (double)pair));
                    }
                }
            }
        }
        if (!found_any[i])
            found_at[i] = NOWHERE;
    }
    return rank;
}

static bool rank(rdb_call *call, const float *weights, rdb_bytes vector, rdb_bytes query, int32_t method, float *result)
{
    ts_item *items;
    uint32_t count, words = ts_vector_count(vector);
    *result = 0.0f;
    if (words == 0 || ts_query_count(query) == 0)
        return true;
    if (!unique_operands(call, query, &items, &count))
        return false;
    ts_item top = ts_query_get(query, 0);
    bool pairs = top.kind == TS_OPERATOR && (top.oper == TS_AND || top.oper == TS_PHRASE);
    float value = pairs ? rank_pairs(weights, vector, items, count) : rank_any(weights, vector, items, count);
    if (value < 0)
        value = 1e-20f;
    if (method & BY_LOG_LENGTH)
        value = (float)((double)value / (log((double)(length_of(vector) + 1)) / log(2.0)));
    if (method & BY_LENGTH && length_of(vector) > 0)
        value /= (float)length_of(vector);
    if (method & BY_UNIQUE)
        value /= (float)words;
    if (method & BY_LOG_UNIQUE)
        value = (float)((double)value / (log((double)(words + 1)) / log(2.0)));
    if (method & INTO_0_TO_1)
        value /= value + 1;
    *result = value;
    return true;
}

/* ---- covers ------------------------------------------------------------------------------------------------------------------- */
/* The places at which operands stand, in the document's order; one place of one lexeme may serve several operands. */
typedef struct occurrence {
    uint16_t position;
    uint32_t entry_no, item_no;
} occurrence;
typedef struct place {
    uint16_t position;
    uint32_t first, count; /* among the occurrences */
} place;
typedef struct operand_state {
    uint16_t *positions; /* seen so far, from the left or from the right */
    uint32_t count;
} operand_state;
typedef struct cover_search {
    rdb_call *call;
    rdb_bytes query;
    occurrence *occurrences;
    uint32_t occurrence_count;
    place *places;
    uint32_t place_count, from;
    operand_state *states; /* one an item */
    uint32_t item_count;
    bool is_backwards;
    uint32_t begin, end, first_position, last_position; /* the cover */
} cover_search;

static int compare_occurrences(const void *left, const void *right)
{
    const occurrence *a = left, *b = right;
    if (ts_position(a->position) != ts_position(b->position))
        return ts_position(a->position) > ts_position(b->position) ? 1 : -1;
    if (ts_weight(a->position) != ts_weight(b->position))
        return ts_weight(a->position) > ts_weight(b->position) ? 1 : -1;
    if (a->entry_no != b->entry_no)
        return a->entry_no > b->entry_no ? 1 : -1;
    return (a->item_no > b->item_no) - (a->item_no < b->item_no);
}

static bool gather_occurrences(cover_search *search, rdb_bytes vector)
{
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < search->item_count; i++) {
        ts_item item = ts_query_get(search->query, i);
        uint32_t first, found = item.kind == TS_VALUE ? entries_of(vector, &item, &first) : 0;
        for (uint32_t e = 0; e < found; e++) {
            ts_entry entry = ts_vector_get(vector, first + e);
            for (uint32_t k = 0; k < entry.position_count; k++) {
                uint16_t position = ts_entry_position(&entry, k);
                if (item.weights != 0 && !(item.weights & 1u << ts_weight(position)))
                    continue;
                if (search->occurrence_count == capacity) {
                    uint32_t wanted = RDB_MAX(2 * capacity, 64);
                    occurrence *grown = rdb_arena_try_grow(search->call->arena, search->occurrences, sizeof *grown * capacity, sizeof *grown * wanted, search->call->err);
                    if (grown == NULL)
                        return false;
                    search->occurrences = grown;
                    capacity = wanted;
                }
                search->occurrences[search->occurrence_count++] = (occurrence){position, first + e, i};
            }
        }
    }
    if (search->occurrence_count == 0)
        return true;
    qsort(search->occurrences, search->occurrence_count, sizeof *search->occurrences, compare_occurrences);
    search->places = type_alloc(search->call, sizeof *search->places * search->occurrence_count);
    if (search->places == NULL)
        return false;
    for (uint32_t i = 0; i < search->occurrence_count; i++) {
        const occurrence *here = &search->occurrences[i];
        if (i > 0 && here->position == here[-1].position && here->entry_no == here[-1].entry_no)
            search->places[search->place_count - 1].count++;
        else
            search->places[search->place_count++] = (place){here->position, i, 1};
    }
    return true;
}

static bool check_seen(void *context, rdb_call *call, uint32_t item_no, TYPE_UNUSED const ts_item *item, ts_places *places, ts_answer *answer)
{
    const cover_search *search = context;
    const operand_state *state = &search->states[item_no];
    *answer = state->count > 0 ? TS_YES : TS_NO;
    if (places == NULL || state->count == 0)
        return true;
    places->positions = type_alloc(call, sizeof *places->positions * state->count);
    if (places->positions == NULL)
        return false;
    for (uint32_t i = 0; i < state->count; i++)
        places->positions[i] = state->positions[search->is_backwards ? state->count - 1 - i : i];
    places->count = state->count;
    return true;
}

static bool see_place(cover_search *search, uint32_t at, bool *satisfied)
{
    const place *here = &search->places[at];
    for (uint32_t i = here->first; i < here->first + here->count; i++) {
        operand_state *state = &search->states[search->occurrences[i].item_no];
        if (state->count == 0 || ts_position(state->positions[state->count - 1]) != ts_position(here->position))
            state->positions[state->count++] = here->position;
    }
    return ts_query_match(search->call, search->query, 0, check_seen, search, satisfied);
}

/* The next cover at or behind search->from: forward to where the query is satisfied, back to where it was not yet. */
static bool next_cover(cover_search *search, bool *found)
{
    for (;; search->from++) {
        bool satisfied = false;
        uint32_t at = search->from;
        *found = false;
        search->is_backwards = false;
        for (uint32_t i = 0; i < search->item_count; i++)
            search->states[i].count = 0;
        for (; at < search->place_count; at++) {
            if (!see_place(search, at, &satisfied))
                return false;
            if (satisfied)
                break;
        }
        if (!satisfied || ts_position(search->places[at].position) == 0)
            return true;
        search->end = at;
        search->last_position = ts_position(search->places[at].position);
        search->is_backwards = true;
        for (uint32_t i = 0; i < search->item_count; i++)
            search->states[i].count = 0;
        satisfied = false;
        for (at++; !satisfied && at > search->from;) {
            at--;
            if (!see_place(search, at, &satisfied))
                return false;
        }
        if (satisfied && ts_position(search->places[at].position) <= search->last_position) {
            search->begin = at;
            search->first_position = ts_position(search->places[at].position);
            search->from = at + 1;
            *found = true;
            return true;
        }
    }
}

static bool rank_covers(rdb_call *call, const float *weights, rdb_bytes vector, rdb_bytes query, int32_t method, float *result)
{
    cover_search search = {.call = call, .query = query, .item_count = ts_query_count(query)};
    double inverse[4], total = 0.0, distances = 0.0, previous = 0.0;
    uint32_t words = ts_vector_count(vector), extents = 0;
    *result = 0.0f;
    for (int i = 0; i < 4; i++)
        inverse[i] = 1.0 / (double)weights[i];
    if (!gather_occurrences(&search, vector))
        return false;
    if (search.occurrence_count == 0)
        return true;
    search.states = type_alloc(call, sizeof *search.states * search.item_count);
    uint16_t *positions = search.states == NULL ? NULL : type_alloc(call, sizeof *positions * search.occurrence_count * 2);
    if (positions == NULL)
        return false;
    for (uint32_t i = 0; i < search.item_count; i++) { /* each has room for its own occurrences */
        uint32_t own = 0;
        for (uint32_t k = 0; k < search.occurrence_count; k++)
            own += search.occurrences[k].item_no == i;
        search.states[i] = (operand_state){.positions = positions};
        positions += own;
    }
    for (;;) {
        bool found = false;
        double sum = 0.0;
        if (!next_cover(&search, &found))
            return false;
        if (!found)
            break;
        for (uint32_t i = search.begin; i <= search.end; i++)
            sum += inverse[ts_weight(search.places[i].position)];
        double value = (double)(search.end - search.begin + 1) / sum;
        int32_t noise = (int32_t)(search.last_position - search.first_position) - (int32_t)(search.end - search.begin);
        if (noise < 0) /* past the last position that is told apart: half of them */
            noise = (int32_t)(search.end - search.begin) / 2;
        total += value / (double)(1 + noise);
        double middle = (double)(search.last_position + search.first_position) / 2.0;
        if (extents > 0 && middle > previous)
            distances += 1.0 / (middle - previous);
        previous = middle;
        extents++;
    }
    if (method & BY_LOG_LENGTH)
        total /= log((double)(length_of(vector) + 1));
    if (method & BY_LENGTH)
        total /= (double)length_of(vector);
    if ((method & BY_EXTENT_DISTANCE) && extents > 0 && distances > 0)
        total /= (double)extents / distances;
    if (method & BY_UNIQUE)
        total /= (double)words;
    if (method & BY_LOG_UNIQUE)
        total /= log((double)(words + 1)) / log(2.0);
    if (method & INTO_0_TO_1)
        total /= total + 1;
    *result = (float)total;
    return true;
}

/* ---- functions ------------------------------------------------------------------------------------------------------------------- */
typedef bool (*rank_function)(rdb_call *call, const float *weights, rdb_bytes vector, rdb_bytes query, int32_t method, float *result);
static bool run_rank(rdb_call *call, const rdb_datum *a, bool has_weights, bool has_method, rank_function function, rdb_datum *r)
{
    float weights[4];
    memcpy(weights, STANDARD_WEIGHTS, sizeof weights);
    if (has_weights && !read_weights(call, *a++, weights))
        return false;
    return function(call, weights, a[0].bytes, a[1].bytes, has_method ? a[2].i32 : 0, &r->f4);
}
TYPE_ROW_FUNCTION(rank_wttf, 4) { return run_rank(call, a, true, true, rank, r); }
TYPE_ROW_FUNCTION(rank_wtt, 3) { return run_rank(call, a, true, false, rank, r); }
TYPE_ROW_FUNCTION(rank_ttf, 3) { return run_rank(call, a, false, true, rank, r); }
TYPE_ROW_FUNCTION(rank_tt, 2) { return run_rank(call, a, false, false, rank, r); }
TYPE_ROW_FUNCTION(rank_cd_wttf, 4) { return run_rank(call, a, true, true, rank_covers, r); }
TYPE_ROW_FUNCTION(rank_cd_wtt, 3) { return run_rank(call, a, true, false, rank_covers, r); }
TYPE_ROW_FUNCTION(rank_cd_ttf, 3) { return run_rank(call, a, false, true, rank_covers, r); }
TYPE_ROW_FUNCTION(rank_cd_tt, 2) { return run_rank(call, a, false, false, rank_covers, r); }

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"ts_rank_wttf", rank_wttf, F, 0}, {"ts_rank_wtt", rank_wtt, F, 0}, {"ts_rank_ttf", rank_ttf, F, 0}, {"ts_rank_tt", rank_tt, F, 0},
    {"ts_rankcd_wttf", rank_cd_wttf, F, 0}, {"ts_rankcd_wtt", rank_cd_wtt, F, 0}, {"ts_rankcd_ttf", rank_cd_ttf, F, 0}, {"ts_rankcd_tt", rank_cd_tt, F, 0},
};
TYPE_KERNEL_TABLE(type_ts_rank_table, KERNELS);
