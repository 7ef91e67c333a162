/* SPDX-License-Identifier: Apache-2.0
 * Which part of a text ts_headline shows: the stretches that satisfy the query ("covers"), made as long as the options want, ending
 * at words that are worth it. One headline, or up to so many fragments. */
#include "type/rdb_ts.h"
#include "type/ts.h"

typedef struct headline {
    rdb_call *call;
    rdb_ts_headline_token *tokens;
    int32_t count;
    rdb_bytes query;
    const rdb_ts_headline_options *options;
    int32_t cover_max;
    int32_t from, to; /* what the check below looks at */
} headline;

static bool is_whole_of_parts(int type)
{
    return type == RDB_TS_URL || type == RDB_TS_NUMHWORD || type == RDB_TS_ASCIIHWORD || type == RDB_TS_HWORD;
}
static bool is_no_word(int type)
{
    return type == RDB_TS_BLANK || type == RDB_TS_TAG || is_whole_of_parts(type);
}
static bool is_word(const headline *h, int32_t i)
{
    return !is_no_word(h->tokens[i].type);
}
static bool answers(const headline *h, int32_t i)
{
    return h->tokens[i].item_count > 0;
}
/* A headline does not end with numbers, blanks and short words, unless they answer the query. */
static bool is_bad_end(const headline *h, int32_t i)
{
    int type = h->tokens[i].type;
    bool no_end = is_no_word(type) || type == RDB_TS_SFLOAT || type == RDB_TS_VERSION || type == RDB_TS_FLOAT || type == RDB_TS_INT || type == RDB_TS_UINT ||
                  type == RDB_TS_PROTOCOL || type == RDB_TS_ENTITY;
    return (no_end || (int64_t)h->tokens[i].text.length <= h->options->short_word) && !answers(h, i);
}

static bool check_token(void *context, rdb_call *call, uint32_t item_no, TYPE_UNUSED const ts_item *item, ts_places *places, ts_answer *answer)
{
    const headline *h = context;
    *answer = TS_NO;
    for (int32_t i = h->from; i <= h->to; i++)
        for (uint32_t k = 0; k < h->tokens[i].item_count; k++) {
            if (h->tokens[i].items[k] != item_no)
                continue;
            *answer = TS_YES;
            if (places == NULL)
                return true;
            if (places->positions == NULL && (places->positions = type_alloc(call, sizeof *places->positions * (size_t)(h->to - i + 1))) == NULL)
                return false;
            uint16_t place = (uint16_t)RDB_MIN(h->tokens[i].place, TS_POSITION_MAX);
            if (places->count == 0 || places->positions[places->count - 1] < place)
                places->positions[places->count++] = place;
        }
    return true;
}

static int32_t next_answer(const headline *h, int32_t from)
{
    for (int32_t i = from; i < h->count; i++)
        if (answers(h, i))
            return i;
    return -1;
}

/* The first and shortest stretch from *first on that satisfies the query. */
static bool find_cover(headline *h, int32_t *first, int32_t *last, bool *found)
{
    *found = false;
    if (ts_query_count(h->query) == 0)
        return true;
    for (int32_t start = next_answer(h, *first); start >= 0; start = next_answer(h, start + 1)) {
        for (int32_t end = start; end >= 0 && (end == start || end - start < h->cover_max); end = next_answer(h, end + 1)) {
            h->from = start;
            h->to = end;
            if (!ts_query_match(h->call, h->query, 0, check_token, h, found))
                return false;
            if (*found) {
                *first = start;
                *last = end;
                return true;
            }
        }
    }
    return true;
}

static void show(headline *h, int32_t first, int32_t last)
{
    for (int32_t i = first; i <= last; i++) {
        rdb_ts_headline_token *token = &h->tokens[i];
        token->is_marked = answers(h, i);
        token->is_shown = true;
        token->is_skipped = is_whole_of_parts(token->type);
        token->is_replaced = token->type == RDB_TS_TAG && !h->options->highlight_all;
    }
}

static void show_beginning(headline *h)
{
    int32_t last = -1;
    for (int32_t i = 0, words = 0; i < h->count && words < h->options->min_words; i++) {
        words += is_word(h, i);
        last = i;
    }
    show(h, 0, last);
}

/* ---- one headline ------------------------------------------------------------------------------------------------------------ */
typedef struct stretch {
    int32_t first, last, words, hits;
    bool is_whole; /* all of the cover is in it */
} stretch;

static void count_token(const headline *h, int32_t i, int32_t sign, stretch *s)
{
    s->words += is_word(h, i) ? sign : 0;
    s->hits += answers(h, i) ? sign : 0;
}

static stretch fit_stretch(const headline *h, int32_t first, int32_t last)
{
    const rdb_ts_headline_options *o = h->options;
    stretch s = {.first = first, .last = first};
    int32_t i = first;
    for (; i <= last && s.words < o->max_words; i++) {
        count_token(h, i, 1, &s);
        s.last = i;
    }
    if (s.words < o->max_words) {
        for (i--; i < h->count && s.words < o->max_words; i++) {
            if (i > last)
                count_token(h, i, 1, &s);
            s.last = i;
            if (!is_bad_end(h, i) && s.words >= o->min_words)
                break;
        }
        if (s.words < o->min_words) { /* the text is over: to the left, then */
            for (i = first - 1; i >= 0; i--) {
                count_token(h, i, 1, &s);
                if (s.words >= o->max_words || (!is_bad_end(h, i) && s.words >= o->min_words))
                    break;
            }
            s.first = RDB_MAX(i, 0);
        }
    } else {
        for (i = RDB_MIN(i, last); s.words > o->min_words && is_bad_end(h, i); i--) {
            count_token(h, i, -1, &s);
            s.last = i - 1;
        }
    }
    s.is_whole = s.first <= first && s.last >= last;
    return s;
}

static bool mark_words(headline *h)
{
    stretch best = {.hits = -1, .last = 0};
    int32_t first = 0, last = 0;
    if (h->options->highlight_all) {
        show(h, 0, h->count - 1);
        return true;
    }
    for (;; first++) {
        bool found = false;
        if (!find_cover(h, &first, &last, &found))
            return false;
        if (!found)
            break;
        stretch s = fit_stretch(h, first, last);
        if (s.is_whole > best.is_whole ||
            (s.is_whole == best.is_whole && (s.hits > best.hits || (s.hits == best.hits && !is_bad_end(h, s.last) && is_bad_end(h, best.last)))))
            best = s;
    }
    if (best.hits < 0)
        show_beginning(h);
    else
        show(h, best.first, best.last);
    return true;
}

/* ---- fragments --------------------------------------------------------------------------------------------------------------- */
typedef struct fragment {
    int32_t first, last, words, hits;
    bool is_out; /* chosen already, or overlaps one that is */
} fragment;
typedef struct fragments {
    fragment *items;
    uint32_t count, capacity;
} fragments;

/* A part of the cover with at most max_words words, from one answer to another. */
static fragment cut_fragment(const headline *h, int32_t first, int32_t last)
{
    fragment f = {.first = first, .last = last};
    int32_t i = first;
    for (; i <= last; i++) {
        f.first = i;
        if (answers(h, i))
            break;
    }
    for (i = f.first; i <= last && f.words < h->options->max_words; i++) {
        f.words += is_word(h, i);
        f.hits += answers(h, i);
    }
    if (f.last > i) {
        for (f.last = i; i >= f.first; i--) {
            f.last = i;
            if (answers(h, i))
                break;
            f.words -= is_word(h, i);
        }
    }
    return f;
}

static bool gather_fragments(headline *h, fragments *all)
{
    for (int32_t first = 0, last = 0;; first++) {
        bool found = false;
        if (!find_cover(h, &first, &last, &found))
            return false;
        if (!found)
            return true;
        for (int32_t from = first; from <= last;) {
            if (all->count == all->capacity) {
                uint32_t capacity = RDB_MAX(2 * all->capacity, 32);
                fragment *grown = rdb_arena_try_grow(h->call->arena, all->items, sizeof *grown * all->capacity, sizeof *grown * capacity, h->call->err);
                if (grown == NULL)
                    return false;
                all->items = grown;
                all->capacity = capacity;
            }
            fragment f = cut_fragment(h, from, last);
            all->items[all->count++] = f;
            from = f.last + 1;
        }
    }
}

static void stretch_fragment(const headline *h, fragment *f)
{
    int32_t room = (h->options->max_words - f->words) / 2, reached = f->first, i;
    if (f->words >= h->options->max_words)
        return;
    for (i = f->first - 1; i >= 0 && room > 0 && !h->tokens[i].is_shown; i--) {
        f->words += is_word(h, i);
        room -= is_word(h, i);
        reached = i;
    }
    for (i = reached; i < f->first && is_bad_end(h, i); i++)
        f->words -= is_word(h, i);
    f->first = i;
    reached = f->last;
    for (i = f->last + 1; i < h->count && f->words < h->options->max_words && !h->tokens[i].is_shown; i++) {
        f->words += is_word(h, i);
        reached = i;
    }
    for (i = reached; i > f->last && is_bad_end(h, i); i--)
        f->words -= is_word(h, i);
    f->last = i;
}

static bool mark_fragments(headline *h)
{
    fragments all = {0};
    if (!gather_fragments(h, &all))
        return false;
    int32_t chosen = 0;
    for (; chosen < h->options->max_fragments; chosen++) {
        fragment *best = NULL;
        for (uint32_t i = 0; i < all.count; i++) {
            fragment *f = &all.items[i];
            if (!f->is_out && f->hits > 0 && (best == NULL || f->hits > best->hits || (f->hits == best->hits && f->words < best->words)))
                best = f;
        }
        if (best == NULL)
            break;
        stretch_fragment(h, best);
        show(h, best->first, best->last);
        for (uint32_t i = 0; i < all.count; i++)
            if (all.items[i].first <= best->last && all.items[i].last >= best->first)
                all.items[i].is_out = true;
        best->is_out = true;
    }
    if (chosen == 0)
        show_beginning(h);
    return true;
}

bool rdb_ts_mark_headline(rdb_call *call, rdb_ts_headline_token *tokens, uint32_t count, rdb_bytes query, const rdb_ts_headline_options *options)
{
    headline h = {.call = call, .tokens = tokens, .count = (int32_t)count, .query = query, .options = options, .cover_max = RDB_MAX(options->max_words, 10) * 10};
    if (options->max_fragments > 0)
        h.cover_max = (int32_t)RDB_MIN((int64_t)h.cover_max * options->max_fragments, INT32_MAX);
    if (count == 0)
        return true;
    return options->max_fragments == 0 ? mark_words(&h) : mark_fragments(&h);
}
