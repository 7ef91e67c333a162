/* SPDX-License-Identifier: Apache-2.0
 * Which of several functions or operators of one name is meant: PostgreSQL's rules for arguments that are not exactly of
 * the declared types (its manual, chapter "Type Conversion"), shared by calls and operators. */
#include "sql/analyse_int.h"

bool analyse_match_candidates(const analyse_state *state, uint32_t count, const uint32_t *types,
                              analyse_candidate *candidates, uint32_t *candidate_count, rdb_error *err)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; at < *candidate_count; at++) {
        bool can;
        if (!analyse_can_coerce(state, count, types, candidates[at].types, ANALYSE_IMPLICIT, &can, err))
            return false;
        if (can)
            candidates[kept++] = candidates[at];
    }
    *candidate_count = kept;
    return true;
}

typedef struct contest {
    const analyse_state *state;
    uint32_t count;           /* arguments */
    const rdb_type **inputs;  /* below domains; unknown stays */
    const analyse_candidate **left; /* candidates still in */
    uint32_t left_count;
    uint32_t *scores;
} contest;

static bool is_unknown(const rdb_type *type)
{
    return type->oid == RDB_UNKNOWNOID;
}

static void keep_highest(contest *c)
{
    uint32_t best = 0, kept = 0;
    for (uint32_t at = 0; at < c->left_count; at++)
        best = RDB_MAX(best, c->scores[at]);
    for (uint32_t at = 0; at < c->left_count; at++)
        if (c->scores[at] == best)
            c->left[kept++] = c->left[at];
    c->left_count = kept;
}

/* Exact types count; with_preferred: so do preferred types of the input's category. */
static bool score_known(contest *c, bool with_preferred, rdb_error *err)
{
    for (uint32_t at = 0; at < c->left_count; at++) {
        c->scores[at] = 0;
        for (uint32_t no = 0; no < c->count; no++) {
            if (is_unknown(c->inputs[no])) {
                /* an unknown argument has category X, and no type of that is preferred */
                continue;
            }
            uint32_t declared = c->left[at]->types[no];
            const rdb_type *type;
            if (declared == c->inputs[no]->oid) {
                c->scores[at]++;
            } else if (with_preferred) {
                if (!analyse_get_type(c->state, declared, &type, err))
                    return false;
                c->scores[at] += type->category == c->inputs[no]->category && type->is_preferred;
            }
        }
    }
    keep_highest(c);
    return true;
}

/* The category that every candidate, or at least one with strings, wants at each unknown argument. */
static bool guess_categories(contest *c, char *categories, bool *preferred, bool *resolved, rdb_error *err)
{
    *resolved = true;
    for (uint32_t no = 0; no < c->count && *resolved; no++) {
        if (!is_unknown(c->inputs[no]))
            continue;
        bool conflict = false;
        categories[no] = '\0';
        preferred[no] = false;
        for (uint32_t at = 0; at < c->left_count; at++) {
            const rdb_type *type;
            if (!analyse_get_type(c->state, c->left[at]->types[no], &type, err))
                return false;
            if (categories[no] == '\0') {
                categories[no] = type->category;
                preferred[no] = type->is_preferred;
            } else if (type->category == categories[no]) {
                preferred[no] |= type->is_preferred;
            } else if (type->category == 'S') {
                categories[no] = 'S';
                preferred[no] = type->is_preferred;
            } else {
                conflict = true;
            }
        }
        if (conflict && categories[no] != 'S')
            *resolved = false;
    }
    return true;
}

static bool keep_categories(contest *c, const char *categories, const bool *preferred, rdb_error *err)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; at < c->left_count; at++) {
        bool keep = true;
        for (uint32_t no = 0; no < c->count && keep; no++) {
            const rdb_type *type;
            if (!is_unknown(c->inputs[no]))
                continue;
            if (!analyse_get_type(c->state, c->left[at]->types[no], &type, err))
                return false;
            keep = type->category == categories[no] && (!preferred[no] || type->is_preferred);
        }
        if (keep)
            c->scores[kept++] = at;
    }
    if (kept == 0)
        return true;
    for (uint32_t at = 0; at < kept; at++)
        c->left[at] = c->left[c->scores[at]];
    c->left_count = kept;
    return true;
}

/* As a last resort unknown arguments are taken for the one type that all known ones have. */
static bool try_one_type(contest *c, const analyse_candidate **best, rdb_error *err)
{
    const rdb_type *known = NULL;
    for (uint32_t no = 0; no < c->count; no++) {
        if (is_unknown(c->inputs[no]))
            continue;
        if (known != NULL && known->oid != c->inputs[no]->oid)
            return true;
        known = c->inputs[no];
    }
    if (known == NULL)
        return true;
    uint32_t *types = rdb_arena_alloc(analyse_arena(c->state), c->count * sizeof *types);
    for (uint32_t no = 0; no < c->count; no++)
        types[no] = known->oid;
    const analyse_candidate *found = NULL;
    for (uint32_t at = 0; at < c->left_count; at++) {
        bool can;
        if (!analyse_can_coerce(c->state, c->count, types, c->left[at]->types, ANALYSE_IMPLICIT, &can, err))
            return false;
        if (!can)
            continue;
        if (found != NULL)
            return true;
        found = c->left[at];
    }
    *best = found;
    return true;
}

bool analyse_select_candidate(const analyse_state *state, uint32_t count, const uint32_t *types,
                              const analyse_candidate *candidates, uint32_t candidate_count,
                              const analyse_candidate **best, rdb_error *err)
{
    rdb_arena *arena = analyse_arena(state);
    contest c = {.state = state, .count = count, .left_count = candidate_count};
    c.inputs = rdb_arena_alloc(arena, (count + 1) * sizeof *c.inputs);
    c.left = rdb_arena_alloc(arena, (candidate_count + 1) * sizeof *c.left);
    c.scores = rdb_arena_alloc(arena, (candidate_count + 1) * sizeof *c.scores);
    *best = NULL;
    uint32_t unknown_count = 0;
    for (uint32_t no = 0; no < count; no++) {
        const rdb_type *type;
        if (!analyse_get_type(state, types[no], &type, err))
            return false;
        c.inputs[no] = analyse_base_type(type, NULL);
        unknown_count += is_unknown(type);
    }
    for (uint32_t at = 0; at < candidate_count; at++)
        c.left[at] = &candidates[at];
    if (!score_known(&c, false, err))
        return false;
    if (c.left_count > 1 && !score_known(&c, true, err))
        return false;
    if (c.left_count == 1) {
        *best = c.left[0];
        return true;
    }
    if (unknown_count == 0)
        return true;
    char *categories = rdb_arena_zalloc(arena, count);
    bool *preferred = rdb_arena_zalloc(arena, count), resolved;
    if (!guess_categories(&c, categories, preferred, &resolved, err) ||
        (resolved && !keep_categories(&c, categories, preferred, err)))
        return false;
    if (c.left_count == 1) {
        *best = c.left[0];
        return true;
    }
    return unknown_count == count || try_one_type(&c, best, err);
}

bool analyse_coerce_arguments(analyse_state *state, rdb_list *arguments, const uint32_t *declared, rdb_error *err)
{
    for (uint32_t at = 0; at < arguments->count; at++) {
        rdb_expr *argument = arguments->items[at];
        if (argument->type->oid == declared[at])
            continue;
        const rdb_type *type;
        if (!analyse_get_type(state, declared[at], &type, err) ||
            !analyse_coerce(state, argument, type, -1, ANALYSE_IMPLICIT, RDB_FORM_IMPLICIT_CAST, -1, &argument, err))
            return false;
        arguments->items[at] = argument;
    }
    return true;
}
