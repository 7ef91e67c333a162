/* SPDX-License-Identifier: Apache-2.0
 * How many rows a condition leaves, how many values a column has, how many groups rows make: from ANALYZE's figures where there
 * are some, else PostgreSQL's customary guesses. The formulas are those that its manual gives ("How the Planner Uses Statistics"),
 * which go back to Selinger et al., "Access path selection in a relational database management system" (1979). Every answer is a
 * share between 0 and 1, or a number of values of at least 1. */
#include "sql/plan_selectivity.h"
#include <math.h>
#include <stdlib.h>

#define GUESS_EQUAL 0.005
#define GUESS_RANGE_PAIR 0.005
#define GUESS_FUNCTION 0.3333333333333333
#define GUESS_NULL 0.005
#define GUESS_DISTINCT 200.0
#define ARRAY_ITEMS 10.0
#define ASKED_MOST 50 /* values of a histogram that a condition is asked of */
#define HISTOGRAM_ENOUGH 100 /* bounds: a histogram of so many is asked value by value what a pattern matches */
#define HISTOGRAM_SOME 10
#define DAY_US INT64_C(86400000000)

/* *is_guess: nothing was known. */
double plan_subject_distinct(const plan_subject *s, bool *is_guess)
{
    double distinct = s->figures ? s->figures->distinct : s->type->oid == RDB_BOOLOID ? 2 : s->distinct;
    const double tuples = s->rel ? s->rel->tuples : 0;
    *is_guess = false;
    if (s->is_unique)
        distinct = -(1 - plan_null_fraction(s));
    if (s->rel != NULL && s->rel->range->kind == RDB_RANGE_VALUES)
        distinct = -1;
    if (distinct > 0)
        return RDB_MAX(1.0, rint(distinct));
    if (tuples <= 0) {
        *is_guess = true;
        return GUESS_DISTINCT;
    }
    if (distinct < 0)
        return RDB_MAX(1.0, rint(-distinct * tuples));
    if (tuples < GUESS_DISTINCT)
        return RDB_MAX(1.0, rint(tuples));
    *is_guess = true;
    return GUESS_DISTINCT;
}

double plan_distinct(plan_level *level, const rdb_expr *expr, double rows)
{
    bool is_guess = false;
    if (expr->kind == RDB_EXPR_CONST)
        return 1;
    const plan_subject s = plan_examine(level, expr);
    return RDB_MAX(1.0, RDB_MIN(plan_subject_distinct(&s, &is_guess), RDB_MAX(1.0, rows)));
}

/* ---- constants ------------------------------------------------------------------------------------------------------------- */
/* The constant as a value of the subject's type; false: it cannot be compared with its figures. */
static bool constant_as(planner *p, const plan_subject *s, const rdb_expr *expr, rdb_datum *value)
{
    rdb_expr *cast = (rdb_expr *)(uintptr_t)plan_strip(expr);
    if (cast->kind != RDB_EXPR_CONST || ((rdb_expr_const *)cast)->is_null || s->type->ops == NULL || s->type->ops->compare == NULL)
        return false;
    const rdb_datum given = ((rdb_expr_const *)cast)->value;
    const uint32_t from = cast->type->oid, to = s->type->oid;
    *value = given;
    if (from == to || (cast->type->rep == RDB_REP_BYTES && s->type->rep == RDB_REP_BYTES && cast->type->ops == s->type->ops))
        return true;
    bool from_int = from == RDB_INT2OID || from == RDB_INT4OID || from == RDB_INT8OID;
    if (from_int && (to == RDB_INT2OID || to == RDB_INT4OID || to == RDB_INT8OID)) {
        int64_t wide = from == RDB_INT2OID ? given.i16 : from == RDB_INT4OID ? given.i32 : given.i64;
        *value = (rdb_datum){0};
        if (to == RDB_INT8OID)
            value->i64 = wide;
        else if (to == RDB_INT4OID) /* beyond its range all values lie on one side, as of the range's end */
            value->i32 = wide < INT32_MIN ? INT32_MIN : wide > INT32_MAX ? INT32_MAX : (int32_t)wide;
        else
            value->i16 = (int16_t)(wide < INT16_MIN ? INT16_MIN : wide > INT16_MAX ? INT16_MAX : wide);
        return true;
    }
    if (to == RDB_DATEOID && (from == RDB_TIMESTAMPOID || from == RDB_TIMESTAMPTZOID)) { /* its day, whatever the zone: near enough for a share */
        int64_t day = given.i64 / DAY_US - (given.i64 % DAY_US < 0);
        *value = (rdb_datum){0};
        value->i32 = day < INT32_MIN ? INT32_MIN : day > INT32_MAX ? INT32_MAX : (int32_t)day;
        return true;
    }
    if (s->type->rep == RDB_REP_BYTES && cast->type->rep == RDB_REP_BYTES && s->type->category == 'S' && cast->type->category == 'S')
        return true;
    if (!plan_cast_to(p, &cast, s->type) || cast->kind != RDB_EXPR_CONST)
        return false;
    *value = ((rdb_expr_const *)cast)->value;
    return true;
}

/* The operator over two constants: 1 true, 0 not. */
static bool operator_holds(planner *p, const rdb_expr_function *e, bool column_is_left, const rdb_type *type, rdb_datum value)
{
    rdb_error quiet = {0};
    rdb_expr_function *call = rdb_arena_memdup(p->arena, e, sizeof *call);
    rdb_expr_const *known = RDB_NEW(p->arena, rdb_expr_const);
    rdb_expr *result = NULL;
    known->head = *(const rdb_expr *)e->arguments.items[column_is_left ? 0 : 1];
    known->head.kind = RDB_EXPR_CONST;
    known->value = value;
    if (known->head.type->rep != type->rep)
        return false;
    call->arguments = (rdb_list){0};
    rdb_list_push(p->arena, &call->arguments, column_is_left ? (void *)known : e->arguments.items[0]);
    rdb_list_push(p->arena, &call->arguments, column_is_left ? e->arguments.items[1] : (void *)known);
    bool ok = rdb_expr_fold(p->arena, &p->eval, &call->head, &result, &quiet) && result->kind == RDB_EXPR_CONST;
    rdb_error_clear(&quiet);
    return ok && !((rdb_expr_const *)result)->is_null && ((rdb_expr_const *)result)->value.b;
}

static double common_total(const rdb_statistics *figures)
{
    double sum = 0;
    for (uint32_t i = 0; i < figures->common_count; i++)
        sum += (double)figures->common_fractions[i];
    return sum;
}

/* ---- equality ----------------------------------------------------------------------------------------------------------------- */
static double equal_to_value(const plan_subject *s, const rdb_datum *value) /* NULL: known at run time only */
{
    bool is_guess = false;
    if (s->is_unique && s->rel->tuples >= 1)
        return 1 / s->rel->tuples;
    const double distinct = plan_subject_distinct(s, &is_guess);
    if (s->figures == NULL)
        return 1 / distinct;
    const rdb_statistics *figures = s->figures;
    if (value == NULL) {
        double selectivity = 1 - figures->null_fraction;
        if (distinct > 1)
            selectivity /= distinct;
        return figures->common_count > 0 ? RDB_MIN(selectivity, (double)figures->common_fractions[0]) : selectivity;
    }
    for (uint32_t i = 0; i < figures->common_count; i++)
        if (plan_compare_values(s, figures->common_values[i], *value) == 0)
            return (double)figures->common_fractions[i];
    double selectivity = plan_share(1 - common_total(figures) - figures->null_fraction);
    const double others = distinct - figures->common_count;
    if (others > 1)
        selectivity /= others;
    if (figures->common_count > 0)
        selectivity = RDB_MIN(selectivity, (double)figures->common_fractions[figures->common_count - 1]);
    return selectivity;
}

static double equal_selectivity(plan_level *level, const plan_subject *s, const rdb_expr *other)
{
    rdb_datum value;
    const rdb_expr *bare = plan_strip(other);
    if (bare->kind == RDB_EXPR_CONST && ((const rdb_expr_const *)bare)->is_null)
        return 0;
    return plan_share(equal_to_value(s, constant_as(level->p, s, other, &value) ? &value : NULL));
}

/* ---- ranges -------------------------------------------------------------------------------------------------------------------- */
/* Texts as fractions: what comes after their common beginning, read as digits between the smallest and the largest byte met. */
static double text_fraction(rdb_bytes text, uint32_t skip, uint8_t lowest, uint8_t highest)
{
    double base = highest - lowest + 1.0, weight = base, result = 0;
    for (uint32_t i = skip; i < text.length && i < skip + 20; i++, weight *= base) {
        uint8_t byte = text.data[i] < lowest ? lowest : text.data[i] > highest ? highest : text.data[i];
        result += (byte - lowest) / weight;
    }
    return result;
}

static void texts_to_scale(rdb_bytes low, rdb_bytes high, rdb_bytes value, double scaled[3])
{
    const rdb_bytes texts[3] = {low, high, value};
    uint32_t shared = 0, shortest = RDB_MIN(RDB_MIN(low.length, high.length), value.length);
    uint8_t lowest = 255, highest = 0;
    while (shared < shortest && low.data[shared] == high.data[shared] && low.data[shared] == value.data[shared])
        shared++;
    for (int t = 0; t < 2; t++)
        for (uint32_t i = 0; i < texts[t].length; i++) {
            lowest = RDB_MIN(lowest, texts[t].data[i]);
            highest = RDB_MAX(highest, texts[t].data[i]);
        }
    static const uint8_t classes[3][2] = {{'A', 'Z'}, {'a', 'z'}, {'0', '9'}};
    for (int c = 0; c < 3; c++) /* one letter of a class stands for all of it */
        if (lowest <= classes[c][1] && highest >= classes[c][0]) {
            lowest = RDB_MIN(lowest, classes[c][0]);
            highest = RDB_MAX(highest, classes[c][1]);
        }
    if (lowest >= highest)
        lowest = 0, highest = 255;
    for (int t = 0; t < 3; t++)
        scaled[t] = text_fraction(texts[t], shared, lowest, highest);
}

static bool number_of(planner *p, const rdb_type *type, rdb_datum value, double *number)
{
    switch (type->oid) {
    case RDB_INT2OID: *number = value.i16; return true;
    case RDB_INT4OID:
    case RDB_DATEOID: *number = value.i32; return true;
    case RDB_OIDOID: *number = value.oid; return true;
    case RDB_INT8OID:
    case RDB_TIMESTAMPOID:
    case RDB_TIMESTAMPTZOID:
    case RDB_TIMEOID: *number = (double)value.i64; return true;
    case RDB_FLOAT4OID: *number = (double)value.f4; return true;
    case RDB_FLOAT8OID: *number = value.f8; return true;
    case RDB_BOOLOID: *number = value.b; return true;
    case RDB_NUMERICOID: {
        rdb_strbuf text;
        rdb_error quiet = {0};
        rdb_call call = {.arena = p->arena, .err = &quiet, .format = rdb_format_default()};
        rdb_strbuf_init(&text, p->arena);
        bool ok = type->ops->output(&call, type, value, &text);
        rdb_strbuf_addc(&text, '\0');
        rdb_error_clear(&quiet);
        if (ok)
            *number = strtod(text.data, NULL);
        return ok && isfinite(*number);
    }
    default: return false;
    }
}

/* Where value lies between low and high: 0 to 1. */
static double place_between(planner *p, const plan_subject *s, rdb_datum low, rdb_datum high, rdb_datum value)
{
    double scaled[3];
    bool known = number_of(p, s->type, low, &scaled[0]) && number_of(p, s->type, high, &scaled[1]) && number_of(p, s->type, value, &scaled[2]);
    if (!known && s->type->rep == RDB_REP_BYTES && (s->type->category == 'S' || s->type->oid == RDB_BYTEAOID)) {
        texts_to_scale(low.bytes, high.bytes, value.bytes, scaled);
        known = true;
    }
    if (!known)
        return 0.5;
    if (!(scaled[1] > scaled[0]) || scaled[2] <= scaled[0])
        return scaled[1] > scaled[0] ? 0 : 0.5;
    if (scaled[2] >= scaled[1])
        return 1;
    double place = (scaled[2] - scaled[0]) / (scaled[1] - scaled[0]);
    return isnan(place) ? 0.5 : place;
}

/* Of the values that the histogram stands for, those <, <=, >, >= value. */
static double histogram_share(planner *p, const plan_subject *s, uint16_t strategy, rdb_datum value)
{
    const rdb_statistics *figures = s->figures;
    const bool is_greater = strategy >= 4, takes_equal = strategy == 2 || strategy == 4;
    uint32_t low = 0, high = figures->bound_count;
    while (low < high) { /* bounds before `low` are below the value, for <= and > also those equal to it */
        uint32_t middle = (low + high) / 2;
        int order = plan_compare_values(s, figures->bounds[middle], value);
        bool is_below = is_greater ? (takes_equal ? order < 0 : order <= 0) : (takes_equal ? order <= 0 : order < 0);
        if (is_below)
            low = middle + 1;
        else
            high = middle;
    }
    double fraction = 0;
    const double parts = figures->bound_count - 1.0;
    if (low >= figures->bound_count) {
        fraction = 1;
    } else if (low > 0) {
        bool is_guess;
        double one = 0; /* the share of a single value */
        if (low == 1 || is_greater == takes_equal) {
            double others = plan_subject_distinct(s, &is_guess) - figures->common_count;
            one = others > 1 ? 1 / others : 0;
        }
        double within = place_between(p, s, figures->bounds[low - 1], figures->bounds[low], value);
        fraction = (low - 1 + within) / parts;
        if (low == 1)
            fraction += one * (1 - within);
        if (is_greater == takes_equal)
            fraction -= one;
    }
    fraction = plan_share(is_greater ? 1 - fraction : fraction);
    const double least = 0.01 / parts; /* the ends of a sample are not the ends of the table */
    return fraction < least ? least : fraction > 1 - least ? 1 - least : fraction;
}

static bool strategy_holds(uint16_t strategy, int order)
{
    return strategy == 1 ? order < 0 : strategy == 2 ? order <= 0 : strategy == 3 ? order == 0 : strategy == 4 ? order >= 0 : order > 0;
}

static double range_selectivity(plan_level *level, const plan_subject *s, uint16_t strategy, const rdb_expr *other)
{
    rdb_datum value;
    const rdb_expr *bare = plan_strip(other);
    if (bare->kind == RDB_EXPR_CONST && ((const rdb_expr_const *)bare)->is_null)
        return 0;
    if (s->figures == NULL || !constant_as(level->p, s, other, &value))
        return PLAN_GUESS_RANGE;
    const rdb_statistics *figures = s->figures;
    double common = 0, rest = plan_share(1 - figures->null_fraction - common_total(figures));
    for (uint32_t i = 0; i < figures->common_count; i++)
        if (strategy_holds(strategy, plan_compare_values(s, figures->common_values[i], value)))
            common += (double)figures->common_fractions[i];
    rest *= figures->bound_count > 1 ? histogram_share(level->p, s, strategy, value) : 0.5;
    return plan_share(common + rest);
}

/* ---- patterns and other operators with a constant --------------------------------------------------------------------------------- */
/* The share of values for which the operator holds, by asking it of the common ones and of the histogram's bounds. */
static double matching_selectivity(plan_level *level, const plan_subject *s, const rdb_expr_function *e, bool column_is_left, double guess)
{
    const rdb_statistics *figures = s->figures;
    const rdb_expr *other = plan_strip(e->arguments.items[column_is_left ? 1 : 0]);
    if (other->kind == RDB_EXPR_CONST && ((const rdb_expr_const *)other)->is_null)
        return 0;
    if (figures == NULL || other->kind != RDB_EXPR_CONST || ((const rdb_expr *)e->arguments.items[column_is_left ? 0 : 1])->type->rep != s->type->rep)
        return plan_share(guess - (guess > 0.5 ? plan_null_fraction(s) : 0));
    double common = 0, met = 0, matched = guess;
    for (uint32_t i = 0; i < figures->common_count; i++)
        if (operator_holds(level->p, e, column_is_left, s->type, figures->common_values[i]))
            common += (double)figures->common_fractions[i];
    if (figures->bound_count >= HISTOGRAM_SOME) {
        for (uint32_t i = 1; i + 1 < figures->bound_count; i++)
            met += operator_holds(level->p, e, column_is_left, s->type, figures->bounds[i]);
        matched = met / (figures->bound_count - 2.0);
        if (figures->bound_count < HISTOGRAM_ENOUGH) { /* few: half way to the guess */
            double weight = figures->bound_count / (double)HISTOGRAM_ENOUGH;
            matched = matched * weight + guess * (1 - weight);
        }
        matched = matched < 0.0001 ? 0.0001 : matched > 0.9999 ? 0.9999 : matched;
    }
    const double rest = plan_share(1 - figures->null_fraction - common_total(figures));
    return plan_share(common + rest * matched);
}

/* PostgreSQL's estimator of the operator: pg_operator.oprrest. */
enum { AREA_SEL = 139, POSITION_SEL = 140, CONT_SEL = 1300, CONT_SEL_2 = 1302, ICLIKE_SEL = 1814, ICNLIKE_SEL = 1815, REGEX_SEL = 1818, LIKE_SEL = 1819, ICREGEX_SEL = 1820,
       REGEX_NE_SEL = 1821, NLIKE_SEL = 1822, ICREGEX_NE_SEL = 1823, RANGE_SEL = 3169, MULTIRANGE_SEL = 4243, ARRAY_SEL = 3817, MATCHING_SEL = 5040, TSMATCH_SEL = 3686, NETWORK_SEL = 3560 };

/* array @> array, && and <@, with one that is known. */
static double contained_selectivity(const plan_subject *s, const rdb_expr_function *e, bool column_is_left)
{
    enum { OVERLAPS = 2750, CONTAINS = 2751 };
    const rdb_expr *other = plan_strip(e->arguments.items[column_is_left ? 1 : 0]);
    const plan_array_test test = e->operator_oid == OVERLAPS                        ? PLAN_ARRAYS_OVERLAP
                                 : (e->operator_oid == CONTAINS) == column_is_left ? PLAN_ARRAY_CONTAINS
                                                                                   : PLAN_ARRAY_IS_CONTAINED;
    rdb_array_shape shape;
    if (!s->is_column || other->kind != RDB_EXPR_CONST)
        return test == PLAN_ARRAYS_OVERLAP ? 0.01 : 0.005;
    if (((const rdb_expr_const *)other)->is_null)
        return 0;
    rdb_array_get_shape(((const rdb_expr_const *)other)->value, &shape);
    const bool is_same_type = s->type->element != NULL && (shape.count == 0 || shape.element_oid == s->type->element->oid);
    return is_same_type ? plan_array_selectivity(s, test, ((const rdb_expr_const *)other)->value) : 0.005;
}

static double operator_selectivity(plan_level *level, const plan_subject *s, const rdb_expr_function *e, bool column_is_left)
{
    const rdb_operator_entry *entry = NULL;
    rdb_error quiet = {0};
    uint16_t strategy = 0;
    uint32_t family = 0;
    const rdb_expr *other = e->arguments.items[column_is_left ? 1 : 0];
    bool known = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy != 0;
    if (!rdb_operator_get(level->p->access, e->operator_oid, &entry, &quiet))
        entry = NULL;
    rdb_error_clear(&quiet);
    const uint32_t estimator = entry ? entry->restrict_oid : 0;
    if (known && strategy == 3)
        return equal_selectivity(level, s, other);
    if (known)
        return range_selectivity(level, s, column_is_left ? strategy : (uint16_t)(6 - strategy), other);
    switch (estimator) {
    case PLAN_EQ_SEL: return s->is_column ? equal_selectivity(level, s, other) : GUESS_EQUAL;
    case PLAN_NEQ_SEL: return s->is_column ? plan_share(1 - equal_selectivity(level, s, other) - plan_null_fraction(s)) : 1 - GUESS_EQUAL;
    case LIKE_SEL:
    case ICLIKE_SEL:
    case REGEX_SEL:
    case ICREGEX_SEL: return matching_selectivity(level, s, e, column_is_left, PLAN_GUESS_MATCH);
    case NLIKE_SEL:
    case ICNLIKE_SEL:
    case REGEX_NE_SEL:
    case ICREGEX_NE_SEL: return matching_selectivity(level, s, e, column_is_left, 1 - PLAN_GUESS_MATCH);
    case MATCHING_SEL: return matching_selectivity(level, s, e, column_is_left, 0.01);
    case AREA_SEL: return 0.005;
    case POSITION_SEL: return 0.1;
    case CONT_SEL:
    case CONT_SEL_2: return 0.001;
    case ARRAY_SEL: return contained_selectivity(s, e, column_is_left);
    case RANGE_SEL:
    case MULTIRANGE_SEL:
    case TSMATCH_SEL:
    case NETWORK_SEL: return 0.005;
    case 0: return 0.5;
    default: return PLAN_GUESS_RANGE;
    }
}

/* ---- conditions ----------------------------------------------------------------------------------------------------------------------- */
/* column = ANY (array), <> ALL (array): element after element. *is_known: from what ANALYZE knows of the elements of a column that is the array. */
static double array_selectivity(plan_level *level, const rdb_expr_array_op *e, bool *is_known)
{
    const plan_subject s = plan_examine(level, e->left);
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    const rdb_expr *right = plan_strip(e->right);
    rdb_array_shape shape;
    const rdb_expr_const *array = right->kind == RDB_EXPR_CONST ? (const rdb_expr_const *)right : NULL;
    const rdb_operator_entry *entry = NULL;
    bool is_equal = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3;
    bool is_unequal = rdb_operator_get(level->p->access, e->operator_oid, &entry, &quiet) && entry != NULL && entry->restrict_oid == PLAN_NEQ_SEL;
    rdb_error_clear(&quiet);
    *is_known = false;
    if (array != NULL && array->is_null)
        return 0;
    const plan_subject of = plan_examine(level, right);
    const rdb_expr *sought = plan_strip(e->left);
    if (of.is_column && (is_equal || is_unequal) && sought->kind == RDB_EXPR_CONST && of.type->element != NULL && of.type->element->rep == sought->type->rep) {
        if (((const rdb_expr_const *)sought)->is_null)
            return 0;
        /* <> ALL is not = ANY, and <> ANY not = ALL */
        *is_known = is_equal && of.figures != NULL && of.figures->element_count > 0;
        const double one = plan_element_selectivity(&of, e->use_or != is_equal, ((const rdb_expr_const *)sought)->value);
        return is_equal ? one : 1 - one;
    }
    double items = ARRAY_ITEMS, sum = 0, result = e->use_or ? 0 : 1;
    if (array != NULL) {
        rdb_array_get_shape(array->value, &shape);
        items = shape.count;
    } else if (right->kind == RDB_EXPR_ARRAY) {
        items = ((const rdb_expr_array *)right)->elements.count;
    }
    for (uint32_t i = 0; i < (uint32_t)items && i < 1000; i++) {
        double one = is_equal || is_unequal ? GUESS_EQUAL : PLAN_GUESS_RANGE;
        rdb_expr_const element = {.head = {.kind = RDB_EXPR_CONST, .type = right->type->element, .typmod = -1}};
        const rdb_expr *value = &element.head;
        if (array != NULL)
            element.is_null = !rdb_array_get(array->value, i, &element.value);
        else if (right->kind == RDB_EXPR_ARRAY)
            value = ((const rdb_expr_array *)right)->elements.items[i];
        if ((is_equal || is_unequal) && s.is_column && right->type->element != NULL)
            one = array != NULL || right->kind == RDB_EXPR_ARRAY ? equal_selectivity(level, &s, value) : plan_share(equal_to_value(&s, NULL));
        else if (!is_equal && !is_unequal && strategy != 0 && s.is_column && (array != NULL || right->kind == RDB_EXPR_ARRAY))
            one = range_selectivity(level, &s, strategy, value);
        if (is_unequal)
            one = plan_share(1 - one - plan_null_fraction(&s));
        sum += is_unequal ? one - 1 : one;
        result = e->use_or ? result + one - result * one : result * one;
    }
    /* equal to one of several values, which surely differ: the shares add up */
    if (e->use_or && is_equal && sum >= 0 && sum <= 1)
        return sum;
    if (!e->use_or && is_unequal && 1 + sum >= 0 && 1 + sum <= 1)
        return 1 + sum;
    return plan_share(result);
}

static double true_selectivity(plan_level *level, const rdb_expr *expr)
{
    const plan_subject s = plan_examine(level, expr);
    const rdb_datum yes = {.b = 1};
    return s.figures != NULL && s.type->oid == RDB_BOOLOID ? plan_share(equal_to_value(&s, &yes)) : 0.5;
}

static double test_selectivity(plan_level *level, const rdb_expr_bool_test *e)
{
    const plan_subject s = plan_examine(level, e->argument);
    const double nulls = s.figures ? s.figures->null_fraction : s.is_column ? GUESS_NULL : 0;
    const double holds = s.is_column && s.figures == NULL ? 0.5 : plan_selectivity(level, e->argument);
    switch ((rdb_bool_test)e->test) {
    case RDB_IS_UNKNOWN: return s.is_column ? nulls : GUESS_NULL;
    case RDB_IS_NOT_UNKNOWN: return 1 - (s.is_column ? nulls : GUESS_NULL);
    case RDB_IS_TRUE: return holds;
    case RDB_IS_NOT_TRUE: return 1 - holds;
    case RDB_IS_FALSE: return plan_share(1 - holds - plan_null_fraction(&s));
    case RDB_IS_NOT_FALSE: return plan_share(holds + plan_null_fraction(&s));
    }
    return 0.5;
}

typedef struct only_column {
    const rdb_expr *column;
    bool fails;
} only_column;
static bool see_only(void *context, rdb_expr *expr)
{
    only_column *only = context;
    if (expr->kind == RDB_EXPR_VAR && only->column == NULL)
        only->column = expr;
    else if (expr->kind == RDB_EXPR_VAR && !rdb_expr_equal(only->column, expr))
        only->fails = true;
    return !only->fails && rdb_expr_visit_children(expr, see_only, context);
}

/* A condition over something computed from one column: asked of the values that the column's figures name. guess: what is taken where
 * that cannot be done; where none of them meets it, it is no more than their number tells. */
static double asked_selectivity(plan_level *level, const rdb_expr *clause, double guess)
{
    only_column only = {0};
    if (rdb_expr_volatility(clause) == 'v' || !see_only(&only, (rdb_expr *)(uintptr_t)clause) || only.column == NULL)
        return guess;
    const plan_subject s = plan_examine(level, only.column);
    if (s.figures == NULL || s.type->rep != only.column->type->rep || s.figures->bound_count + s.figures->common_count == 0)
        return guess;
    const rdb_statistics *figures = s.figures;
    const uint32_t step = 1 + figures->bound_count / ASKED_MOST;
    double common = 0, met = 0, asked = 0;
    for (uint32_t i = 0; i < figures->common_count; i++) {
        const plan_fill one = {.expr = only.column, .value = figures->common_values[i]};
        const plan_answer answer = plan_ask(level->p, clause, &one, 1);
        if (answer == PLAN_UNKNOWN)
            return guess;
        common += answer == PLAN_HOLDS ? (double)figures->common_fractions[i] : 0;
    }
    for (uint32_t i = 0; i < figures->bound_count; i += step) {
        const plan_fill one = {.expr = only.column, .value = figures->bounds[i]};
        const plan_answer answer = plan_ask(level->p, clause, &one, 1);
        if (answer == PLAN_UNKNOWN)
            return guess;
        met += answer == PLAN_HOLDS;
        asked++;
    }
    const double rest = plan_share(1 - figures->null_fraction - common_total(figures));
    const double matched = asked == 0 ? 0 : met > 0 ? met / asked : RDB_MIN(guess, 0.5 / asked);
    return plan_share(common + rest * matched);
}

/* Which side of the operator the condition speaks of: a relation's column, the rest being known when its scan begins. */
static bool choose_side(plan_level *level, const plan_rel *of, const rdb_expr_function *e, plan_subject *s)
{
    const plan_subject left = plan_examine(level, e->arguments.items[0]), right = plan_examine(level, e->arguments.items[1]);
    bool is_left = left.is_column && (of == NULL || left.rel == of), is_right = right.is_column && (of == NULL || right.rel == of);
    *s = is_left || !is_right ? left : right;
    return is_left || !is_right;
}

/* Is anything known of columns together, and is it to be used? */
static bool knows_together(const plan_level *level)
{
    return RDB_UNLIKELY(level->p->has_extended) && !level->p->is_apart;
}

static double or_selectivity(plan_level *level, const plan_rel *of, const rdb_expr_bool *e)
{
    double result = 0;
    bool is_whole = false, *is_estimated = NULL;
    for (uint32_t i = 0; of == NULL && i < level->or_shares.count; i++)
        if (((const plan_or_share *)level->or_shares.items[i])->clause == &e->head)
            return ((const plan_or_share *)level->or_shares.items[i])->share;
    plan_rel *rel = knows_together(level) ? plan_extended_rel(level, &e->arguments) : NULL;
    if (rel != NULL) {
        is_estimated = RDB_NEW_ARRAY(level->p->arena, bool, e->arguments.count);
        result = plan_extended_or(level, rel, of, &e->arguments, is_estimated);
    }
    for (uint32_t i = 0; i < e->arguments.count; i++) {
        const double one = is_estimated != NULL && is_estimated[i] ? 0 : plan_selectivity_of(level, of, e->arguments.items[i]);
        result += one - result * one;
    }
    for (uint32_t i = 0; i < level->p->said_parts.count; i++) { /* what its relations are asked already is not asked twice */
        const plan_said_part *said = level->p->said_parts.items[i];
        const double part = said->whole == &e->head ? plan_selectivity_of(level, of, said->part) : 1;
        is_whole = is_whole || said->whole == &e->head;
        result = part > 0 ? result / part : result;
    }
    result = plan_share(result);
    if (is_whole && of == NULL) { /* the search for a join order comes by often */
        plan_or_share *known = RDB_NEW(level->p->arena, plan_or_share);
        *known = (plan_or_share){&e->head, result};
        rdb_list_push(level->p->arena, &level->or_shares, known);
    }
    return result;
}

double plan_selectivity_of(plan_level *level, const plan_rel *of, const rdb_expr *clause)
{
    switch ((rdb_expr_kind)clause->kind) {
    case RDB_EXPR_CONST: {
        const rdb_expr_const *e = (const rdb_expr_const *)clause;
        return !e->is_null && e->value.b ? 1 : 0;
    }
    case RDB_EXPR_VAR: return true_selectivity(level, clause);
    case RDB_EXPR_RELABEL: return plan_selectivity_of(level, of, ((const rdb_expr_unary *)clause)->argument);
    case RDB_EXPR_BOOL: {
        const rdb_expr_bool *e = (const rdb_expr_bool *)clause;
        if (e->bool_kind == RDB_BOOL_NOT)
            return 1 - plan_selectivity_of(level, of, e->arguments.items[0]);
        if (e->bool_kind == RDB_BOOL_AND)
            return plan_selectivity_list(level, of, &e->arguments);
        return or_selectivity(level, of, e);
    }
    case RDB_EXPR_NULL_TEST: {
        const rdb_expr_null_test *e = (const rdb_expr_null_test *)clause;
        const plan_subject s = plan_examine(level, e->argument);
        double nulls = s.figures ? s.figures->null_fraction : GUESS_NULL;
        return e->is_not ? 1 - nulls : nulls;
    }
    case RDB_EXPR_BOOL_TEST: return test_selectivity(level, (const rdb_expr_bool_test *)clause);
    case RDB_EXPR_ARRAY_OP: {
        const rdb_expr_array_op *e = (const rdb_expr_array_op *)clause;
        bool is_known;
        const double one = array_selectivity(level, e, &is_known);
        return is_known || plan_examine(level, e->left).is_column ? one : asked_selectivity(level, clause, one);
    }
    case RDB_EXPR_DISTINCT: {
        const rdb_expr_pair *e = (const rdb_expr_pair *)clause;
        const plan_subject s = plan_examine(level, e->left);
        return s.is_column ? plan_share(1 - equal_selectivity(level, &s, e->right)) : 1 - GUESS_EQUAL;
    }
    case RDB_EXPR_ROW_COMPARE: /* its first column decides of nearly all rows */
        if (((const rdb_expr_row_compare *)clause)->strategy == 3 || ((const rdb_expr_row_compare *)clause)->strategy > 5)
            return GUESS_EQUAL;
        return plan_selectivity_of(level, NULL, plan_row_part(level->p, clause, 0));
    case RDB_EXPR_FUNCTION: {
        const rdb_expr_function *e = (const rdb_expr_function *)clause;
        plan_subject s;
        if (e->operator_oid == 0)
            return GUESS_FUNCTION;
        if (e->arguments.count != 2)
            return 0.5;
        bool is_left = choose_side(level, of, e, &s);
        const double one = plan_share(operator_selectivity(level, &s, e, is_left));
        return s.is_column ? one : asked_selectivity(level, clause, one);
    }
    default: return 0.5;
    }
}

double plan_selectivity(plan_level *level, const rdb_expr *clause)
{
    return plan_selectivity_of(level, NULL, clause);
}

/* ---- conditions together ---------------------------------------------------------------------------------------------------------------- */
typedef struct bound_pair { /* bounds on one column, from both sides */
    const rdb_expr *column;
    bool has_lower, has_upper;
    double lower, upper;
} bound_pair;

/* Is the clause a bound of something by what is known? strategy 1, 2 upper; 4, 5 lower. */
static bool is_bound(plan_level *level, const plan_rel *of, const rdb_expr *clause, const rdb_expr **column, bool *is_lower)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    plan_subject s;
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    bool known = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy != 0 && strategy != 3;
    rdb_error_clear(&quiet);
    if (!known)
        return false;
    bool is_left = choose_side(level, of, e, &s);
    *column = plan_strip(e->arguments.items[is_left ? 0 : 1]);
    *is_lower = is_left ? strategy >= 4 : strategy <= 2;
    return s.is_column && rdb_expr_volatility(clause) != 'v';
}

static double list_selectivity(plan_level *level, const plan_rel *of, const rdb_list *clauses)
{
    double result = 1;
    uint32_t pair_count = 0;
    bound_pair *pairs = RDB_NEW_ARRAY(level->p->arena, bound_pair, clauses->count + 1);
    for (uint32_t i = 0; i < clauses->count; i++) {
        const rdb_expr *column = NULL;
        bool is_lower = false;
        double one = plan_selectivity_of(level, of, clauses->items[i]);
        if (clauses->count < 2 || !is_bound(level, of, clauses->items[i], &column, &is_lower)) {
            result *= one;
            continue;
        }
        uint32_t at = 0;
        while (at < pair_count && !rdb_expr_equal(pairs[at].column, column))
            at++;
        if (at == pair_count)
            pairs[pair_count++] = (bound_pair){.column = column};
        bound_pair *pair = &pairs[at];
        bool *has = is_lower ? &pair->has_lower : &pair->has_upper;
        double *bound = is_lower ? &pair->lower : &pair->upper;
        *bound = *has ? RDB_MIN(*bound, one) : one;
        *has = true;
    }
    for (uint32_t i = 0; i < pair_count; i++) {
        const bound_pair *pair = &pairs[i];
        if (!pair->has_lower || !pair->has_upper) {
            result *= pair->has_lower ? pair->lower : pair->upper;
            continue;
        }
        const plan_subject s = plan_examine(level, pair->column);
        double both = pair->lower + pair->upper - 1 + plan_null_fraction(&s);
        if (fabs(pair->lower - PLAN_GUESS_RANGE) < 1e-12 || fabs(pair->upper - PLAN_GUESS_RANGE) < 1e-12)
            both = GUESS_RANGE_PAIR;
        else if (both <= 0)
            both = both < -0.01 ? GUESS_RANGE_PAIR : 1e-10;
        result *= both;
    }
    return plan_share(result);
}

double plan_selectivity_list(plan_level *level, const plan_rel *of, const rdb_list *clauses)
{
    plan_rel *rel = clauses->count > 1 && knows_together(level) ? plan_extended_rel(level, clauses) : NULL;
    if (rel == NULL)
        return list_selectivity(level, of, clauses);
    rdb_list rest = {0};
    bool *is_estimated = RDB_NEW_ARRAY(level->p->arena, bool, clauses->count);
    const double together = plan_extended_and(level, rel, of, clauses, is_estimated);
    for (uint32_t i = 0; i < clauses->count; i++)
        if (!is_estimated[i])
            rdb_list_push(level->p->arena, &rest, clauses->items[i]);
    return plan_share(together * list_selectivity(level, of, &rest));
}

double plan_selectivity_apart(plan_level *level, const plan_rel *of, const rdb_list *clauses)
{
    const bool outer = level->p->is_apart;
    level->p->is_apart = true;
    const double share = list_selectivity(level, of, clauses);
    level->p->is_apart = outer;
    return share;
}

double plan_share_below(planner *p, const plan_subject *s, uint16_t strategy, rdb_datum value)
{
    const rdb_statistics *figures = s->figures;
    double common = 0, rest = plan_share(1 - figures->null_fraction - common_total(figures));
    for (uint32_t i = 0; i < figures->common_count; i++)
        if (strategy_holds(strategy, plan_compare_values(s, figures->common_values[i], value)))
            common += (double)figures->common_fractions[i];
    rest *= figures->bound_count > 1 ? histogram_share(p, s, strategy, value) : 0.5;
    return plan_share(common + rest);
}

/* ---- groups ------------------------------------------------------------------------------------------------------------------------------------ */
static bool see_column(void *context, rdb_expr *expr)
{
    rdb_list *columns = ((void **)context)[0];
    planner *p = ((void **)context)[1];
    if (expr->kind != RDB_EXPR_VAR)
        return rdb_expr_visit_children(expr, see_column, context);
    for (uint32_t i = 0; i < columns->count; i++)
        if (rdb_expr_equal(columns->items[i], expr))
            return true;
    rdb_list_push(p->arena, columns, expr);
    return true;
}

/* An expression of one column that makes few values of many, as the year of a date: how many, by computing it of the values that the
 * column's figures name. 0: not so. */
static double few_values(plan_level *level, rdb_expr *expr)
{
    enum { ENOUGH = 20, FEWER = 2, MOST = 64 };
    only_column only = {0};
    rdb_datum met[MOST];
    uint32_t met_count = 0, asked = 0;
    if (plan_strip(expr)->kind == RDB_EXPR_VAR || expr->type->ops == NULL || expr->type->ops->compare == NULL || rdb_expr_volatility(expr) == 'v' || !see_only(&only, expr) || only.column == NULL)
        return 0;
    const plan_subject s = plan_examine(level, only.column);
    if (s.figures == NULL || s.figures->bound_count < ENOUGH || s.type->rep != only.column->type->rep)
        return 0;
    for (uint32_t i = 0; i < s.figures->bound_count + s.figures->common_count; i++) {
        const plan_fill one = {.expr = only.column, .value = i < s.figures->bound_count ? s.figures->bounds[i] : s.figures->common_values[i - s.figures->bound_count]};
        rdb_datum value;
        bool is_null = false;
        if (!plan_value_of(level->p, expr, &one, 1, &value, &is_null))
            return 0;
        uint32_t at = 0;
        asked++;
        while (at < met_count && !is_null && expr->type->ops->compare(expr->type, expr->collation, met[at], value) != 0)
            at++;
        if (!is_null && at == met_count && met_count == MOST)
            return 0;
        if (!is_null && at == met_count)
            met[met_count++] = value;
    }
    return met_count > 0 && met_count * FEWER <= asked ? met_count : 0;
}

double plan_group_count(plan_level *level, rdb_expr *const *exprs, uint32_t count, double rows)
{
    rdb_list columns = {0};
    double groups = 1;
    void *context[2] = {&columns, level->p};
    bool is_guess;
    for (uint32_t i = 0; i < count; i++) {
        if (level->p->has_extended && plan_strip(exprs[i])->kind != RDB_EXPR_VAR && plan_examine(level, exprs[i]).figures != NULL) {
            rdb_list_push(level->p->arena, &columns, exprs[i]); /* ANALYZE looked at the expression itself */
            continue;
        }
        const double few = few_values(level, exprs[i]);
        if (exprs[i]->type->oid == RDB_BOOLOID && plan_strip(exprs[i])->kind != RDB_EXPR_VAR)
            groups *= 2;
        else if (few > 0)
            groups *= few;
        else
            (void)see_column(context, exprs[i]);
    }
    for (uint32_t i = 0; i < columns.count; i++) { /* relation by relation: values of one do not combine beyond its rows */
        const plan_subject first = plan_examine(level, columns.items[i]);
        double distinct = 1, largest = 1, together;
        uint32_t used = 0;
        bool is_done = false, *is_counted = NULL;
        if (level->p->has_extended && first.rel != NULL && first.rel->range->kind == RDB_RANGE_RELATION) {
            is_counted = RDB_NEW_ARRAY(level->p->arena, bool, columns.count);
            for (; plan_extended_distinct(level, first.rel, (rdb_expr *const *)columns.items, is_counted, columns.count, &together); used++) {
                distinct *= together;
                largest = RDB_MAX(largest, together);
            }
        }
        for (uint32_t k = 0; k < columns.count; k++) {
            const plan_subject s = plan_examine(level, columns.items[k]);
            if (s.rel != first.rel || (s.rel == NULL && k != i))
                continue;
            is_done = is_done || k < i;
            if (is_counted != NULL && is_counted[k])
                continue;
            double one = plan_subject_distinct(&s, &is_guess);
            distinct *= one;
            largest = RDB_MAX(largest, one);
            used++;
        }
        if (is_done)
            continue;
        const plan_rel *rel = first.rel;
        if (rel != NULL && rel->tuples > 0) {
            double most = rel->tuples;
            if (used > 1) { /* several columns hardly take every combination */
                most *= 0.1;
                most = RDB_MIN(RDB_MAX(most, largest), rel->tuples);
            }
            distinct = RDB_MIN(distinct, most);
            if (distinct > 0 && rel->rows < rel->tuples) /* those that a choice of rows meets (Yao, 1977) */
                distinct *= 1 - pow((rel->tuples - rel->rows) / rel->tuples, rel->tuples / distinct);
        }
        groups *= RDB_MAX(1.0, distinct);
    }
    groups = ceil(groups);
    return RDB_MAX(1.0, RDB_MIN(groups, rows));
}
