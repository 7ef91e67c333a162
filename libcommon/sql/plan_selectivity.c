/* SPDX-License-Identifier: Apache-2.0
 * How many rows a condition leaves, how many values a column has, how many rows a join gives: from ANALYZE's figures where there
 * are some, else PostgreSQL's customary guesses. The formulas are those that its manual gives ("How the Planner Uses Statistics"),
 * which go back to Selinger et al., "Access path selection in a relational database management system" (1979). Every answer is a
 * share between 0 and 1, or a number of values of at least 1. */
#include "sql/plan_int.h"
#include <math.h>
#include <stdlib.h>

#define GUESS_EQUAL 0.005
#define GUESS_RANGE 0.3333333333333333
#define GUESS_RANGE_PAIR 0.005
#define GUESS_MATCH 0.005
#define GUESS_FUNCTION 0.3333333333333333
#define GUESS_NULL 0.005
#define GUESS_DISTINCT 200.0
#define ARRAY_ITEMS 10.0
#define ASKED_MOST 50 /* values of a histogram that a condition is asked of */
#define HISTOGRAM_ENOUGH 100 /* bounds: a histogram of so many is asked value by value what a pattern matches */
#define HISTOGRAM_SOME 10
#define DAY_US INT64_C(86400000000)

static double share(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double null_fraction_of(const plan_subject *s)
{
    return s->figures ? s->figures->null_fraction : 0;
}

/* *is_guess: nothing was known. */
double plan_subject_distinct(const plan_subject *s, bool *is_guess)
{
    double distinct = s->figures ? s->figures->distinct : s->type->oid == RDB_BOOLOID ? 2 : s->distinct;
    const double tuples = s->rel ? s->rel->tuples : 0;
    *is_guess = false;
    if (s->is_unique)
        distinct = -(1 - null_fraction_of(s));
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

static int compare_values(const plan_subject *s, rdb_datum left, rdb_datum right)
{
    return s->type->ops->compare(s->type, s->collation, left, right);
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
        if (compare_values(s, figures->common_values[i], *value) == 0)
            return (double)figures->common_fractions[i];
    double selectivity = share(1 - common_total(figures) - figures->null_fraction);
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
    return share(equal_to_value(s, constant_as(level->p, s, other, &value) ? &value : NULL));
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
        int order = compare_values(s, figures->bounds[middle], value);
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
    fraction = share(is_greater ? 1 - fraction : fraction);
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
        return GUESS_RANGE;
    const rdb_statistics *figures = s->figures;
    double common = 0, rest = share(1 - figures->null_fraction - common_total(figures));
    for (uint32_t i = 0; i < figures->common_count; i++)
        if (strategy_holds(strategy, compare_values(s, figures->common_values[i], value)))
            common += (double)figures->common_fractions[i];
    rest *= figures->bound_count > 1 ? histogram_share(level->p, s, strategy, value) : 0.5;
    return share(common + rest);
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
        return share(guess - (guess > 0.5 ? null_fraction_of(s) : 0));
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
    const double rest = share(1 - figures->null_fraction - common_total(figures));
    return share(common + rest * matched);
}

/* PostgreSQL's estimator of the operator: pg_operator.oprrest. */
enum { EQ_SEL = 101, NEQ_SEL = 102, AREA_SEL = 139, POSITION_SEL = 140, CONT_SEL = 1300, CONT_SEL_2 = 1302, ICLIKE_SEL = 1814, ICNLIKE_SEL = 1815, REGEX_SEL = 1818, LIKE_SEL = 1819, ICREGEX_SEL = 1820,
       REGEX_NE_SEL = 1821, NLIKE_SEL = 1822, ICREGEX_NE_SEL = 1823, RANGE_SEL = 3169, MULTIRANGE_SEL = 4243, ARRAY_SEL = 3817, MATCHING_SEL = 5040, TSMATCH_SEL = 3686, NETWORK_SEL = 3560 };

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
    case EQ_SEL: return s->is_column ? equal_selectivity(level, s, other) : GUESS_EQUAL;
    case NEQ_SEL: return s->is_column ? share(1 - equal_selectivity(level, s, other) - null_fraction_of(s)) : 1 - GUESS_EQUAL;
    case LIKE_SEL:
    case ICLIKE_SEL:
    case REGEX_SEL:
    case ICREGEX_SEL: return matching_selectivity(level, s, e, column_is_left, GUESS_MATCH);
    case NLIKE_SEL:
    case ICNLIKE_SEL:
    case REGEX_NE_SEL:
    case ICREGEX_NE_SEL: return matching_selectivity(level, s, e, column_is_left, 1 - GUESS_MATCH);
    case MATCHING_SEL: return matching_selectivity(level, s, e, column_is_left, 0.01);
    case AREA_SEL: return 0.005;
    case POSITION_SEL: return 0.1;
    case CONT_SEL:
    case CONT_SEL_2: return 0.001;
    case RANGE_SEL:
    case MULTIRANGE_SEL:
    case ARRAY_SEL:
    case TSMATCH_SEL:
    case NETWORK_SEL: return 0.005;
    case 0: return 0.5;
    default: return GUESS_RANGE;
    }
}

/* ---- conditions ----------------------------------------------------------------------------------------------------------------------- */
/* column = ANY (array), <> ALL (array): element after element. */
static double array_selectivity(plan_level *level, const rdb_expr_array_op *e)
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
    bool is_unequal = rdb_operator_get(level->p->access, e->operator_oid, &entry, &quiet) && entry != NULL && entry->restrict_oid == NEQ_SEL;
    rdb_error_clear(&quiet);
    if (array != NULL && array->is_null)
        return 0;
    double items = ARRAY_ITEMS, sum = 0, result = e->use_or ? 0 : 1;
    if (array != NULL) {
        rdb_array_get_shape(array->value, &shape);
        items = shape.count;
    } else if (right->kind == RDB_EXPR_ARRAY) {
        items = ((const rdb_expr_array *)right)->elements.count;
    }
    for (uint32_t i = 0; i < (uint32_t)items && i < 1000; i++) {
        double one = is_equal || is_unequal ? GUESS_EQUAL : GUESS_RANGE;
        rdb_expr_const element = {.head = {.kind = RDB_EXPR_CONST, .type = right->type->element, .typmod = -1}};
        const rdb_expr *value = &element.head;
        if (array != NULL)
            element.is_null = !rdb_array_get(array->value, i, &element.value);
        else if (right->kind == RDB_EXPR_ARRAY)
            value = ((const rdb_expr_array *)right)->elements.items[i];
        if ((is_equal || is_unequal) && s.is_column && right->type->element != NULL)
            one = array != NULL || right->kind == RDB_EXPR_ARRAY ? equal_selectivity(level, &s, value) : share(equal_to_value(&s, NULL));
        else if (!is_equal && !is_unequal && strategy != 0 && s.is_column && (array != NULL || right->kind == RDB_EXPR_ARRAY))
            one = range_selectivity(level, &s, strategy, value);
        if (is_unequal)
            one = share(1 - one - null_fraction_of(&s));
        sum += is_unequal ? one - 1 : one;
        result = e->use_or ? result + one - result * one : result * one;
    }
    /* equal to one of several values, which surely differ: the shares add up */
    if (e->use_or && is_equal && sum >= 0 && sum <= 1)
        return sum;
    if (!e->use_or && is_unequal && 1 + sum >= 0 && 1 + sum <= 1)
        return 1 + sum;
    return share(result);
}

static double true_selectivity(plan_level *level, const rdb_expr *expr)
{
    const plan_subject s = plan_examine(level, expr);
    const rdb_datum yes = {.b = 1};
    return s.figures != NULL && s.type->oid == RDB_BOOLOID ? share(equal_to_value(&s, &yes)) : 0.5;
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
    case RDB_IS_FALSE: return share(1 - holds - null_fraction_of(&s));
    case RDB_IS_NOT_FALSE: return share(holds + null_fraction_of(&s));
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
    const double rest = share(1 - figures->null_fraction - common_total(figures));
    const double matched = asked == 0 ? 0 : met > 0 ? met / asked : RDB_MIN(guess, 0.5 / asked);
    return share(common + rest * matched);
}

/* Which side of the operator the condition speaks of: a relation's column, the rest being known when its scan begins. */
static bool choose_side(plan_level *level, const plan_rel *of, const rdb_expr_function *e, plan_subject *s)
{
    const plan_subject left = plan_examine(level, e->arguments.items[0]), right = plan_examine(level, e->arguments.items[1]);
    bool is_left = left.is_column && (of == NULL || left.rel == of), is_right = right.is_column && (of == NULL || right.rel == of);
    *s = is_left || !is_right ? left : right;
    return is_left || !is_right;
}

static double or_selectivity(plan_level *level, const plan_rel *of, const rdb_expr_bool *e)
{
    double result = 0;
    bool is_whole = false;
    for (uint32_t i = 0; of == NULL && i < level->or_shares.count; i++)
        if (((const plan_or_share *)level->or_shares.items[i])->clause == &e->head)
            return ((const plan_or_share *)level->or_shares.items[i])->share;
    for (uint32_t i = 0; i < e->arguments.count; i++) {
        const double one = plan_selectivity_of(level, of, e->arguments.items[i]);
        result += one - result * one;
    }
    for (uint32_t i = 0; i < level->p->said_parts.count; i++) { /* what its relations are asked already is not asked twice */
        const plan_said_part *said = level->p->said_parts.items[i];
        const double part = said->whole == &e->head ? plan_selectivity_of(level, of, said->part) : 1;
        is_whole = is_whole || said->whole == &e->head;
        result = part > 0 ? result / part : result;
    }
    result = share(result);
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
        const double one = array_selectivity(level, e);
        return plan_examine(level, e->left).is_column ? one : asked_selectivity(level, clause, one);
    }
    case RDB_EXPR_DISTINCT: {
        const rdb_expr_pair *e = (const rdb_expr_pair *)clause;
        const plan_subject s = plan_examine(level, e->left);
        return s.is_column ? share(1 - equal_selectivity(level, &s, e->right)) : 1 - GUESS_EQUAL;
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
        const double one = share(operator_selectivity(level, &s, e, is_left));
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

double plan_selectivity_list(plan_level *level, const plan_rel *of, const rdb_list *clauses)
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
        double both = pair->lower + pair->upper - 1 + null_fraction_of(&s);
        if (fabs(pair->lower - GUESS_RANGE) < 1e-12 || fabs(pair->upper - GUESS_RANGE) < 1e-12)
            both = GUESS_RANGE_PAIR;
        else if (both <= 0)
            both = both < -0.01 ? GUESS_RANGE_PAIR : 1e-10;
        result *= both;
    }
    return share(result);
}

/* ---- keys of several columns ------------------------------------------------------------------------------------------------------ */
/* The column of rel that an equality compares with something of one other relation; 0: none. */
static int16_t equal_column(plan_level *level, const plan_rel *rel, const rdb_expr *clause, plan_relids *other)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return 0;
    for (int side = 0; side < 2; side++) {
        const rdb_expr_var *var = (const rdb_expr_var *)plan_strip(e->arguments.items[side]);
        *other = plan_relids_of(e->arguments.items[1 - side]);
        if (var->head.kind != RDB_EXPR_VAR || var->levels_up != 0 || var->range_no != rel->range_no || relids_empty(*other) || relids_has(*other, rel->range_no))
            continue;
        const bool is_equal = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3;
        rdb_error_clear(&quiet);
        return is_equal ? var->attribute_no : 0;
    }
    return 0;
}

/* Do the clauses compare all columns of the index with those of one other relation? Marks them. */
static bool covers_key(plan_level *level, const plan_rel *rel, const rdb_relation_index *index, const rdb_list *clauses, bool *is_part)
{
    plan_relids partner = {0};
    memset(is_part, 0, clauses->count * sizeof *is_part);
    for (uint16_t k = 0; k < index->key_count; k++) {
        uint32_t at = 0;
        for (; at < clauses->count; at++) {
            plan_relids other;
            if (is_part[at] || index->columns[k].column_number <= 0 || equal_column(level, rel, clauses->items[at], &other) != index->columns[k].column_number)
                continue;
            if (k > 0 && !(relids_within(other, partner) && relids_within(partner, other)))
                continue;
            partner = other;
            break;
        }
        if (at == clauses->count)
            return false;
        is_part[at] = true;
    }
    return true;
}

static bool find_key_clauses(plan_level *level, const rdb_list *clauses, bool *is_part, double *key_share)
{
    if (clauses->count < 2)
        return false;
    for (uint32_t r = 1; r <= level->range_count; r++) {
        const plan_rel *rel = level->rels[r];
        const rdb_relation *relation = rel != NULL && rel->range->kind == RDB_RANGE_RELATION ? rel->range->relation : NULL;
        for (uint16_t i = 0; relation != NULL && rel->parent == NULL && i < relation->index_count; i++) {
            const rdb_relation_index *index = &relation->indexes[i];
            if (!index->is_unique || !index->is_valid || index->predicate_tree != NULL || index->key_count < 2 || rel->tuples < 1 || !covers_key(level, rel, index, clauses, is_part))
                continue;
            *key_share = 1 / rel->tuples;
            return true;
        }
    }
    return false;
}

double plan_key_selectivity(plan_level *level, const plan_rel *of, const rdb_list *clauses)
{
    bool *is_part = RDB_NEW_ARRAY(level->p->arena, bool, clauses->count + 1);
    double key_share = 0, parts = 1;
    rdb_list rest = {0};
    if (!find_key_clauses(level, clauses, is_part, &key_share))
        return plan_selectivity_list(level, of, clauses);
    for (uint32_t i = 0; i < clauses->count; i++)
        if (is_part[i])
            parts *= plan_selectivity_of(level, of, clauses->items[i]);
        else
            rdb_list_push(level->p->arena, &rest, clauses->items[i]);
    return RDB_MAX(parts, key_share) * plan_selectivity_list(level, of, &rest);
}

/* ---- joins ----------------------------------------------------------------------------------------------------------------------------------- */
/* Common values that both sides have. */
typedef struct common_match {
    double product;              /* of their shares */
    double left, right;          /* the shares of those that match */
    double left_rest, right_rest;/* and of those that do not */
    uint32_t count;
} common_match;

static bool match_common(const plan_subject *left, const plan_subject *right, uint32_t right_used, planner *p, common_match *match)
{
    const rdb_statistics *a = left->figures, *b = right->figures;
    *match = (common_match){0};
    if (a == NULL || b == NULL || a->common_count == 0 || b->common_count == 0 || left->type->oid != right->type->oid || left->type->ops == NULL || left->type->ops->compare == NULL)
        return false;
    bool *is_taken = RDB_NEW_ARRAY(p->arena, bool, b->common_count);
    for (uint32_t i = 0; i < a->common_count; i++) {
        uint32_t k = 0;
        while (k < right_used && (is_taken[k] || compare_values(left, a->common_values[i], b->common_values[k]) != 0))
            k++;
        if (k == right_used) {
            match->left_rest += (double)a->common_fractions[i];
            continue;
        }
        is_taken[k] = true;
        match->count++;
        match->left += (double)a->common_fractions[i];
        match->right += (double)b->common_fractions[k];
        match->product += (double)a->common_fractions[i] * (double)b->common_fractions[k];
    }
    for (uint32_t k = 0; k < b->common_count; k++)
        if (!is_taken[k])
            match->right_rest += (double)b->common_fractions[k];
    return true;
}

static double join_equal(planner *p, const plan_subject *left, const plan_subject *right)
{
    bool is_guess;
    common_match match;
    const double left_distinct = plan_subject_distinct(left, &is_guess), right_distinct = plan_subject_distinct(right, &is_guess);
    const double left_nulls = null_fraction_of(left), right_nulls = null_fraction_of(right);
    if (!match_common(left, right, right->figures ? right->figures->common_count : 0, p, &match))
        return share((1 - left_nulls) * (1 - right_nulls) / RDB_MAX(left_distinct, right_distinct));
    const double left_other = share(1 - left_nulls - match.left - match.left_rest), right_other = share(1 - right_nulls - match.right - match.right_rest);
    const double a_count = left->figures->common_count, b_count = right->figures->common_count;
    double by_left = match.product, by_right = match.product;
    if (right_distinct > b_count)
        by_left += match.left_rest * right_other / (right_distinct - b_count);
    if (right_distinct > match.count)
        by_left += left_other * (right_other + match.right_rest) / (right_distinct - match.count);
    if (left_distinct > a_count)
        by_right += match.right_rest * left_other / (left_distinct - a_count);
    if (left_distinct > match.count)
        by_right += right_other * (left_other + match.left_rest) / (left_distinct - match.count);
    return share(RDB_MIN(by_left, by_right));
}

/* The share of left rows that have a partner. */
static double semi_equal(planner *p, const plan_subject *left, const plan_subject *right, double right_rows)
{
    bool left_guess, right_guess;
    common_match match;
    double left_distinct = plan_subject_distinct(left, &left_guess), right_distinct = plan_subject_distinct(right, &right_guess);
    const double left_nulls = null_fraction_of(left);
    if (right->rel != NULL && right_distinct >= right->rel->rows) {
        right_distinct = RDB_MAX(1.0, right->rel->rows);
        right_guess = false;
    }
    if (right_distinct >= right_rows) {
        right_distinct = RDB_MAX(1.0, right_rows);
        right_guess = false;
    }
    const bool both_known = !left_guess && !right_guess;
    const uint32_t used = right->figures ? (uint32_t)RDB_MIN((double)right->figures->common_count, right_distinct) : 0;
    if (!match_common(left, right, used, p, &match))
        return share((1 - left_nulls) * (!both_known ? 0.5 : left_distinct <= right_distinct || right_distinct < 0 ? 1 : right_distinct / left_distinct));
    double rest = 0.5;
    if (both_known) {
        left_distinct -= match.count;
        right_distinct -= match.count;
        rest = left_distinct <= right_distinct || right_distinct < 0 ? 1 : right_distinct / left_distinct;
    }
    return share(match.left + rest * share(1 - left_nulls - match.left));
}

static double join_selectivity_of(plan_level *level, const rdb_expr *clause, plan_relids left_ids, uint8_t join_kind, double right_rows)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return plan_selectivity(level, clause);
    const rdb_operator_entry *entry = NULL;
    rdb_error quiet = {0};
    uint16_t strategy = 0;
    uint32_t family = 0;
    bool known = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy != 0;
    if (!rdb_operator_get(level->p->access, e->operator_oid, &entry, &quiet))
        entry = NULL;
    rdb_error_clear(&quiet);
    const rdb_expr *first = e->arguments.items[0], *second = e->arguments.items[1];
    if (relids_empty(plan_relids_of(first)) || relids_empty(plan_relids_of(second)))
        return plan_selectivity(level, clause);
    const uint32_t estimator = entry ? entry->restrict_oid : 0;
    const bool is_equal = (known && strategy == 3) || estimator == EQ_SEL;
    if (!is_equal && estimator != NEQ_SEL)
        return known ? GUESS_RANGE : estimator == 0 ? 0.5 : GUESS_MATCH;
    const bool swaps = !relids_within(plan_relids_of(first), left_ids);
    const plan_subject left = plan_examine(level, swaps ? second : first), right = plan_examine(level, swaps ? first : second);
    const bool is_semi = join_kind == RDB_JOIN_SEMI || join_kind == RDB_JOIN_ANTI;
    double selectivity = is_semi ? semi_equal(level->p, &left, &right, right_rows) : join_equal(level->p, &left, &right);
    if (!is_equal)
        selectivity = is_semi ? share(1 - null_fraction_of(&left)) : share(1 - selectivity);
    return selectivity;
}

static uint32_t only_relation(plan_relids ids)
{
    uint32_t found = 0, met = 0;
    for (int i = 0; i < PLAN_RELIDS_WORDS; i++)
        if (ids.words[i] != 0) {
            met += (uint32_t)__builtin_popcountll(ids.words[i]);
            found = (uint32_t)i * 64 + (uint32_t)__builtin_ctzll(ids.words[i]);
        }
    return met == 1 ? found : 0;
}

/* The two relations whose columns an equality compares. */
static bool compared_relations(plan_level *level, const rdb_expr *clause, const plan_rel *rels[2])
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    uint16_t strategy = 0;
    uint32_t family = 0;
    rdb_error quiet = {0};
    if (clause->kind != RDB_EXPR_FUNCTION || e->operator_oid == 0 || e->arguments.count != 2)
        return false;
    const bool is_equality = rdb_opclass_strategy(level->p->access, e->operator_oid, &strategy, &family, &quiet) && strategy == 3;
    rdb_error_clear(&quiet);
    for (int i = 0; i < 2; i++) {
        const uint32_t range_no = only_relation(plan_relids_of(e->arguments.items[i]));
        rels[i] = range_no != 0 && range_no <= level->range_count ? level->rels[range_no] : NULL;
    }
    return is_equality && rels[0] != NULL && rels[1] != NULL && rels[0] != rels[1];
}

/* Several equalities between the same two relations: a relation has no more combinations of values than rows, so they leave no less
 * than one such combination would. */
static double pair_selectivity(plan_level *level, const rdb_list *clauses, plan_relids left_ids, uint8_t kind, double right_rows, uint32_t first, bool *is_done)
{
    const plan_rel *pair[2], *other[2];
    double product = 1, combinations[2] = {1, 1};
    uint32_t count = 0;
    if (!compared_relations(level, clauses->items[first], pair))
        return join_selectivity_of(level, clauses->items[first], left_ids, kind, right_rows);
    for (uint32_t i = first; i < clauses->count; i++) {
        if (is_done[i] || !compared_relations(level, clauses->items[i], other) || !((other[0] == pair[0] && other[1] == pair[1]) || (other[0] == pair[1] && other[1] == pair[0])))
            continue;
        const rdb_expr_function *e = clauses->items[i];
        is_done[i] = true;
        count++;
        product *= join_selectivity_of(level, clauses->items[i], left_ids, kind, right_rows);
        for (int side = 0; side < 2; side++) {
            const plan_subject s = plan_examine(level, e->arguments.items[other[0] == pair[0] ? side : 1 - side]);
            bool is_guess = false;
            combinations[side] *= s.rel != NULL ? plan_subject_distinct(&s, &is_guess) : RDB_MAX(1.0, pair[side]->tuples);
        }
    }
    if (count < 2)
        return product;
    for (int side = 0; side < 2; side++)
        combinations[side] = RDB_MIN(combinations[side], RDB_MAX(1.0, pair[side]->tuples));
    return RDB_MAX(product, 1 / RDB_MAX(combinations[0], combinations[1]));
}

double plan_join_selectivity(plan_level *level, const rdb_list *clauses, plan_relids left_ids, uint8_t join_kind, double right_rows)
{
    bool *is_part = RDB_NEW_ARRAY(level->p->arena, bool, clauses->count + 1);
    double product = 1, parts = 1, key_share = 0;
    const bool has_key = join_kind != RDB_JOIN_SEMI && join_kind != RDB_JOIN_ANTI && find_key_clauses(level, clauses, is_part, &key_share);
    for (uint32_t i = 0; i < clauses->count; i++) {
        is_part[i] = has_key && is_part[i];
        if (is_part[i])
            parts *= join_selectivity_of(level, clauses->items[i], left_ids, join_kind, right_rows);
    }
    for (uint32_t i = 0; i < clauses->count; i++) {
        if (join_kind == RDB_JOIN_SEMI || join_kind == RDB_JOIN_ANTI)
            product *= join_selectivity_of(level, clauses->items[i], left_ids, join_kind, right_rows);
        else if (!is_part[i])
            product *= pair_selectivity(level, clauses, left_ids, join_kind, right_rows, i, is_part);
    }
    return has_key ? product * RDB_MAX(parts, key_share) : product;
}

/* The smallest and the largest value that the figures know. */
static bool value_extremes(const plan_subject *s, rdb_datum *smallest, rdb_datum *largest)
{
    const rdb_statistics *figures = s->figures;
    bool any = false;
    if (figures == NULL || s->type->ops == NULL || s->type->ops->compare == NULL)
        return false;
    for (uint32_t i = 0; i < figures->common_count + (figures->bound_count > 1 ? 2 : 0); i++) {
        const rdb_datum value = i < figures->common_count ? figures->common_values[i] : figures->bounds[i == figures->common_count ? 0 : figures->bound_count - 1];
        if (!any || compare_values(s, value, *smallest) < 0)
            *smallest = value;
        if (!any || compare_values(s, value, *largest) > 0)
            *largest = value;
        any = true;
    }
    return any;
}

/* The share of not-null values < or <= value. */
static double share_below(planner *p, const plan_subject *s, uint16_t strategy, rdb_datum value)
{
    const rdb_statistics *figures = s->figures;
    double common = 0, rest = share(1 - figures->null_fraction - common_total(figures));
    for (uint32_t i = 0; i < figures->common_count; i++)
        if (strategy_holds(strategy, compare_values(s, figures->common_values[i], value)))
            common += (double)figures->common_fractions[i];
    rest *= figures->bound_count > 1 ? histogram_share(p, s, strategy, value) : 0.5;
    return share(common + rest);
}

static plan_merge_part merge_part(planner *p, const plan_subject *left, const plan_subject *right)
{
    plan_merge_part part = {0, 1, 0, 1};
    rdb_datum left_low, left_high, right_low, right_high;
    if (left->type->oid != right->type->oid || left->type->rep != right->type->rep || !value_extremes(left, &left_low, &left_high) || !value_extremes(right, &right_low, &right_high))
        return part;
    part.left_end = share_below(p, left, 2, right_high);
    part.right_end = share_below(p, right, 2, left_high);
    part.left_begin = share_below(p, left, 1, right_low);
    part.right_begin = share_below(p, right, 1, left_low);
    /* only one side can end early, and only one can begin late */
    *(part.left_end > part.right_end ? &part.left_end : &part.right_end) = 1;
    *(part.left_begin < part.right_begin ? &part.left_begin : &part.right_begin) = 0;
    if (part.left_begin >= part.left_end || part.right_begin >= part.right_end)
        part = (plan_merge_part){0, 1, 0, 1};
    return part;
}

/* The search for a join order asks for the same two keys at each pair of sides that they join: the answer is looked for once. */
typedef struct known_part {
    const rdb_expr *left, *right;
    plan_merge_part part;
} known_part;

plan_merge_part plan_merge_parts(plan_level *level, const rdb_expr *left_expr, const rdb_expr *right_expr)
{
    for (uint32_t i = 0; i < level->merge_parts.count; i++) {
        const known_part *known = level->merge_parts.items[i];
        if (known->left == left_expr && known->right == right_expr)
            return known->part;
    }
    const plan_subject left = plan_examine(level, left_expr), right = plan_examine(level, right_expr);
    known_part *known = RDB_NEW(level->p->arena, known_part);
    *known = (known_part){left_expr, right_expr, merge_part(level->p, &left, &right)};
    rdb_list_push(level->p->arena, &level->merge_parts, known);
    return known->part;
}

double plan_bucket_share(plan_level *level, const rdb_expr *expr, double buckets)
{
    bool is_guess = false;
    const plan_subject s = plan_examine(level, expr);
    double distinct = plan_subject_distinct(&s, &is_guess);
    const double commonest = s.figures != NULL && s.figures->common_count > 0 ? (double)s.figures->common_fractions[0] : 0;
    if (is_guess)
        return RDB_MAX(0.1, commonest);
    const double average = (1 - null_fraction_of(&s)) / distinct;
    if (s.rel != NULL && s.rel->tuples > 0)
        distinct = RDB_MAX(1.0, distinct * s.rel->rows / s.rel->tuples);
    double result = 1 / RDB_MIN(distinct, buckets);
    if (average > 0 && commonest > average)
        result *= commonest / average;
    return result < 1e-6 ? 1e-6 : share(result);
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
        double distinct = 1, largest = 1;
        uint32_t used = 0;
        bool is_done = false;
        for (uint32_t k = 0; k < columns.count; k++) {
            const plan_subject s = plan_examine(level, columns.items[k]);
            if (s.rel != first.rel || (s.rel == NULL && k != i))
                continue;
            is_done = is_done || k < i;
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
