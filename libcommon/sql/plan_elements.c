/* SPDX-License-Identifier: Apache-2.0
 * Conditions on arrays, from the elements that ANALYZE found common in a column and from how many different ones its values have. The
 * model is PostgreSQL's (array_selfuncs.c): elements occur independently of each other, those that are not common by Poisson's
 * distribution. */
#include "sql/plan_selectivity.h"
#include <math.h>
#include <stdlib.h>

#define GUESS_CONTAINS 0.005
#define EFFORT 100.0 /* steps for each common element, beyond which only the likeliest elements of an array are looked at */

typedef struct element_order {
    const rdb_type *type;
    uint32_t collation;
} element_order;

static int compare_elements(const element_order *order, rdb_datum left, rdb_datum right)
{
    return order->type->ops->compare(order->type, order->collation, left, right);
}

static int by_element(const void *left, const void *right, void *order)
{
    return compare_elements(order, *(const rdb_datum *)left, *(const rdb_datum *)right);
}

static int by_share_down(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* What is not common is at most half as likely as the rarest of what is. */
static double rare_share(double least)
{
    return RDB_MIN(GUESS_CONTAINS, least / 2);
}

static double contains_or_overlaps(const plan_subject *s, const element_order *order, const rdb_datum *items, uint32_t count, bool all)
{
    const rdb_statistics *figures = s->figures;
    const uint32_t known = figures != NULL ? figures->element_count : 0;
    const double rare = rare_share(known > 0 ? (double)figures->element_fractions[known] : 2 * GUESS_CONTAINS);
    double share = all ? 1 : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && compare_elements(order, items[i - 1], items[i]) == 0)
            continue;
        uint32_t low = 0, high = known;
        while (low < high) {
            const uint32_t middle = (low + high) / 2;
            if (compare_elements(order, figures->elements[middle], items[i]) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        const bool is_known = low < known && compare_elements(order, figures->elements[low], items[i]) == 0;
        const double one = is_known ? (double)figures->element_fractions[low] : rare;
        share = plan_share(all ? share * one : share + one - share * one);
    }
    return share;
}

/* chances[k], k to most: that exactly k of events occur, whose shares are given, and of as many more as occur `rest` times on average. */
static void count_chances(const double *shares, uint32_t count, uint32_t most, double rest, double *chances)
{
    double *before = calloc(most + 1u, sizeof *before);
    memset(chances, 0, (most + 1u) * sizeof *chances);
    if (before == NULL)
        return;
    chances[0] = 1;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(before, chances, (most + 1u) * sizeof *before);
        for (uint32_t k = 0; k <= i + 1 && k <= most; k++)
            chances[k] = before[k] * (1 - shares[i]) + (k > 0 ? before[k - 1] * shares[i] : 0);
    }
    if (rest > GUESS_CONTAINS) {
        double poisson = exp(-rest);
        memcpy(before, chances, (most + 1u) * sizeof *before);
        memset(chances, 0, (most + 1u) * sizeof *chances);
        for (uint32_t i = 0; i <= most; i++) {
            for (uint32_t k = 0; k <= most - i; k++)
                chances[k + i] += before[k] * poisson;
            poisson *= rest / (i + 1.0);
        }
    }
    free(before);
}

/* parts[k], k to most: the share of values that have k different elements, by the bounds of the histogram of their numbers. */
static void count_parts(const float *bounds, uint32_t bound_count, uint32_t most, double *parts)
{
    const double part = 1.0 / (bound_count - 1.0);
    double before = 0;
    for (uint32_t k = 0, at = 0; k <= most; k++) {
        uint32_t here = 0;
        for (; at < bound_count && (double)bounds[at] <= k; at++)
            here++;
        parts[k] = here == 0 && before > 0 ? part / before : 0;
        if (here == 0)
            continue;
        const double next = at < bound_count ? (double)bounds[at] - (double)bounds[at - 1] : 0;
        parts[k] = part * (here - 1.0 + (next > 0 ? 0.5 / next : 0) + (before > 0 ? 0.5 / before : 0));
        before = next;
    }
}

static double is_contained(const plan_subject *s, const element_order *order, const rdb_datum *items, uint32_t count)
{
    const rdb_statistics *figures = s->figures;
    if (figures == NULL || figures->element_count == 0 || figures->element_counts_count < 3)
        return GUESS_CONTAINS;
    const uint32_t known = figures->element_count, bound_count = figures->element_counts_count - 1;
    const double rare = rare_share((double)figures->element_fractions[known]);
    double rest = (double)figures->element_counts[bound_count]; /* elements of a value that are not common, on average */
    double none = 1, share = 0;                                 /* that no common element occurs but those of the array */
    uint32_t unique = 0, at = 0;
    double *shares = malloc((count + 1u) * sizeof *shares), *known_shares = malloc(known * sizeof *known_shares);
    double *own = calloc(count + 1u, sizeof *own), *all = calloc(count + 1u, sizeof *all), *parts = calloc(count + 1u, sizeof *parts);
    if (shares == NULL || known_shares == NULL || own == NULL || all == NULL || parts == NULL)
        goto out;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && compare_elements(order, items[i - 1], items[i]) == 0)
            continue;
        for (; at < known && compare_elements(order, figures->elements[at], items[i]) < 0; at++)
            none *= 1 - (double)figures->element_fractions[at];
        const bool is_known = at < known && compare_elements(order, figures->elements[at], items[i]) == 0;
        shares[unique++] = is_known ? (double)figures->element_fractions[at++] : rare;
    }
    for (; at < known; at++)
        none *= 1 - (double)figures->element_fractions[at];
    for (uint32_t i = 0; i < known; i++) {
        known_shares[i] = (double)figures->element_fractions[i];
        rest -= known_shares[i];
    }
    none *= exp(-rest);
    if (unique > EFFORT * known / (figures->element_counts_count + unique)) {
        const double b = figures->element_counts_count;
        qsort(shares, unique, sizeof *shares, by_share_down);
        unique = RDB_MIN(unique, (uint32_t)((sqrt(b * b + 4 * EFFORT * known) - b) / 2));
    }
    count_chances(shares, unique, unique, 0, own);
    count_chances(known_shares, known, unique, rest, all);
    count_parts(figures->element_counts, bound_count, unique, parts);
    for (uint32_t k = 0; k <= unique; k++)
        if (all[k] > 0) /* of the values with k elements those that have no others than the array's */
            share += parts[k] * none * own[k] / all[k];
    share *= 1 - (double)figures->element_fractions[known + 2];
out:
    free(shares);
    free(known_shares);
    free(own);
    free(all);
    free(parts);
    return plan_share(share);
}

static bool find_order(const plan_subject *s, element_order *order)
{
    const rdb_type *element = s->type->element;
    while (element != NULL && element->kind == 'd' && element->base != NULL)
        element = element->base;
    *order = (element_order){element, s->collation};
    return element != NULL && element->ops != NULL && element->ops->compare != NULL;
}

double plan_array_selectivity(const plan_subject *s, plan_array_test test, rdb_datum array)
{
    rdb_array_shape shape;
    element_order order;
    uint32_t count = 0;
    bool has_null = false;
    if (!find_order(s, &order))
        return GUESS_CONTAINS;
    rdb_array_get_shape(array, &shape);
    rdb_datum *items = malloc((shape.count + 1u) * sizeof *items);
    if (items == NULL)
        return GUESS_CONTAINS;
    for (uint32_t i = 0; i < shape.count; i++) {
        if (rdb_array_get(array, i, &items[count]))
            count++;
        else
            has_null = true;
    }
    qsort_r(items, count, sizeof *items, by_element, &order);
    const double share = test == PLAN_ARRAY_CONTAINS && has_null    ? 0 /* nothing has a null for an element */
                         : test == PLAN_ARRAY_IS_CONTAINED          ? is_contained(s, &order, items, count)
                                                                    : contains_or_overlaps(s, &order, items, count, test == PLAN_ARRAY_CONTAINS);
    free(items);
    return plan_share(share * (1 - plan_null_fraction(s)));
}

double plan_element_selectivity(const plan_subject *s, bool is_all, rdb_datum value)
{
    element_order order;
    if (!find_order(s, &order))
        return GUESS_CONTAINS;
    return plan_share((is_all ? is_contained(s, &order, &value, 1) : contains_or_overlaps(s, &order, &value, 1, true)) * (1 - plan_null_fraction(s)));
}
