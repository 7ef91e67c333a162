/* SPDX-License-Identifier: Apache-2.0
 * What the estimates of conditions (plan_selectivity.c) and of joins (plan_join_selectivity.c) have in common. */
#ifndef RDB_PLAN_SELECTIVITY_H
#define RDB_PLAN_SELECTIVITY_H

#include "sql/plan_int.h"

#define PLAN_GUESS_RANGE 0.3333333333333333
#define PLAN_GUESS_MATCH 0.005

/* Numbers that pg_operator names as estimators (oprrest). */
enum { PLAN_EQ_SEL = 101, PLAN_NEQ_SEL = 102 };

static inline double plan_share(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static inline double plan_null_fraction(const plan_subject *s)
{
    return s->figures ? s->figures->null_fraction : 0;
}

static inline int plan_compare_values(const plan_subject *s, rdb_datum left, rdb_datum right)
{
    return s->type->ops->compare(s->type, s->collation, left, right);
}

/* Arrays (plan_elements.c). The share of rows of the column s for which `column @> array`, `&&` or `<@` holds, by the strategy that GIN's class
 * of arrays gives the operator. */
typedef enum plan_array_test { PLAN_ARRAYS_OVERLAP, PLAN_ARRAY_CONTAINS, PLAN_ARRAY_IS_CONTAINED } plan_array_test;
double plan_array_selectivity(const plan_subject *s, plan_array_test test, rdb_datum array);
/* The same of `value = ANY (column)`, and `= ALL` (is_all). */
double plan_element_selectivity(const plan_subject *s, bool is_all, rdb_datum value);

/* The share of not-null values that are < (strategy 1) or <= (2) the value. */
double plan_share_below(planner *p, const plan_subject *s, uint16_t strategy, rdb_datum value);

#endif
