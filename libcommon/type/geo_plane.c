/* SPDX-License-Identifier: Apache-2.0
 * The plane geometry below the operators: slopes, meeting points, nearest points, the inside of a polygon. Answers are
 * PostgreSQL's to the last rounding, so the formulas and the order of their steps are part of the interface. */
#include "type/geo.h"

/* ---- numbers ------------------------------------------------------------------------------------------------------------------ */
double geo_overflow(rdb_call *call)
{
    rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
    return 0;
}

double geo_underflow(rdb_call *call)
{
    rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
    return 0;
}

double geo_division_by_zero(rdb_call *call)
{
    rdb_error_set(call->err, RDB_DIVISION_BY_ZERO, "division by zero");
    return 0;
}

double geo_hypot(rdb_call *call, double x, double y)
{
    if (isinf(x) || isinf(y))
        return (double)INFINITY;
    if (isnan(x) || isnan(y))
        return (double)NAN;
    double longer = fmax(fabs(x), fabs(y)), shorter = fmin(fabs(x), fabs(y));
    if (shorter == 0)
        return longer;
    double ratio = shorter / longer, length = longer * sqrt(1.0 + ratio * ratio);
    return isinf(length) ? geo_overflow(call) : length == 0 ? geo_underflow(call) : length;
}

/* ---- points ------------------------------------------------------------------------------------------------------------------- */
bool geo_same_point(geo_point p, geo_point q)
{
    if (isnan(p.x) || isnan(p.y) || isnan(q.x) || isnan(q.y))
        return geo_identical(p.x, q.x) && geo_identical(p.y, q.y);
    return geo_eq(p.x, q.x) && geo_eq(p.y, q.y);
}

geo_point geo_point_add(rdb_call *call, geo_point p, geo_point q)
{
    return (geo_point){geo_add(call, p.x, q.x), geo_add(call, p.y, q.y)};
}

geo_point geo_point_sub(rdb_call *call, geo_point p, geo_point q)
{
    return (geo_point){geo_sub(call, p.x, q.x), geo_sub(call, p.y, q.y)};
}

geo_point geo_point_mul(rdb_call *call, geo_point p, geo_point q)
{
    double x = geo_sub(call, geo_mul(call, p.x, q.x), geo_mul(call, p.y, q.y));
    return (geo_point){x, geo_add(call, geo_mul(call, p.x, q.y), geo_mul(call, p.y, q.x))};
}

geo_point geo_point_div(rdb_call *call, geo_point p, geo_point q)
{
    double square = geo_add(call, geo_mul(call, q.x, q.x), geo_mul(call, q.y, q.y));
    double x = geo_div(call, geo_add(call, geo_mul(call, p.x, q.x), geo_mul(call, p.y, q.y)), square);
    return (geo_point){x, geo_div(call, geo_sub(call, geo_mul(call, p.y, q.x), geo_mul(call, p.x, q.y)), square)};
}

geo_point geo_middle(rdb_call *call, geo_point p, geo_point q)
{
    return (geo_point){geo_div(call, geo_add(call, p.x, q.x), 2.0), geo_div(call, geo_add(call, p.y, q.y), 2.0)};
}

double geo_distance(rdb_call *call, geo_point p, geo_point q)
{
    return geo_hypot(call, geo_sub(call, p.x, q.x), geo_sub(call, p.y, q.y));
}

double geo_slope(rdb_call *call, geo_point p, geo_point q)
{
    if (geo_eq(p.x, q.x))
        return (double)INFINITY;
    if (geo_eq(p.y, q.y))
        return 0;
    return geo_div(call, geo_sub(call, p.y, q.y), geo_sub(call, p.x, q.x));
}

double geo_slope_across(rdb_call *call, geo_point p, geo_point q)
{
    if (geo_eq(p.x, q.x))
        return 0;
    if (geo_eq(p.y, q.y))
        return (double)INFINITY;
    return geo_div(call, geo_sub(call, p.x, q.x), geo_sub(call, q.y, p.y));
}

/* ---- lines -------------------------------------------------------------------------------------------------------------------- */
double geo_line_slope(rdb_call *call, const geo_line *line)
{
    if (geo_zero(line->a))
        return 0;
    if (geo_zero(line->b))
        return (double)INFINITY;
    return geo_div(call, line->a, -line->b);
}

double geo_line_slope_across(rdb_call *call, const geo_line *line)
{
    if (geo_zero(line->a))
        return (double)INFINITY;
    if (geo_zero(line->b))
        return 0;
    return geo_div(call, line->b, line->a);
}

static double without_sign_of_zero(double x)
{
    return x == 0 ? 0 : x;
}

geo_line geo_line_through(rdb_call *call, geo_point p, double slope)
{
    if (isinf(slope))
        return (geo_line){-1, 0, p.x};
    if (slope == 0)
        return (geo_line){0, -1, p.y};
    return (geo_line){slope, -1, without_sign_of_zero(geo_sub(call, p.y, geo_mul(call, slope, p.x)))};
}

static geo_line line_of(rdb_call *call, const geo_segment *s)
{
    return geo_line_through(call, s->p[0], geo_slope(call, s->p[0], s->p[1]));
}

bool geo_line_has(rdb_call *call, const geo_line *line, geo_point p)
{
    return geo_zero(geo_add(call, geo_add(call, geo_mul(call, line->a, p.x), geo_mul(call, line->b, p.y)), line->c));
}

/* l's B is not zero. */
static bool meet(rdb_call *call, const geo_line *l, const geo_line *m, geo_point *at)
{
    if (geo_eq(m->a, geo_mul(call, l->a, geo_div(call, m->b, l->b))))
        return false;
    double x = geo_div(call, geo_sub(call, geo_mul(call, l->b, m->c), geo_mul(call, m->b, l->c)),
                       geo_sub(call, geo_mul(call, l->a, m->b), geo_mul(call, m->a, l->b)));
    double y = geo_div(call, -geo_add(call, geo_mul(call, l->a, x), l->c), l->b);
    if (at != NULL)
        *at = (geo_point){without_sign_of_zero(x), without_sign_of_zero(y)};
    return true;
}

bool geo_lines_meet(rdb_call *call, const geo_line *l, const geo_line *m, geo_point *at)
{
    if (!geo_zero(l->b))
        return meet(call, l, m, at);
    return !geo_zero(m->b) && meet(call, m, l, at);
}

double geo_line_to_point(rdb_call *call, const geo_line *l, geo_point p, geo_point *at)
{
    geo_point foot;
    geo_line across = geo_line_through(call, p, geo_line_slope_across(call, l));
    if (!geo_lines_meet(call, &across, l, &foot)) { /* not a number somewhere, or lost in rounding */
        if (at != NULL)
            *at = p;
        return (double)NAN;
    }
    if (at != NULL)
        *at = foot;
    return geo_distance(call, foot, p);
}

/* ---- segments ----------------------------------------------------------------------------------------------------------------- */
bool geo_segment_has(rdb_call *call, const geo_segment *segment, geo_point p)
{
    return geo_eq(geo_add(call, geo_distance(call, p, segment->p[0]), geo_distance(call, p, segment->p[1])),
                  geo_distance(call, segment->p[0], segment->p[1]));
}

bool geo_segment_meets_line(rdb_call *call, const geo_segment *s, const geo_line *l, geo_point *at)
{
    geo_point found;
    geo_line own = line_of(call, s);
    if (!geo_lines_meet(call, &own, l, &found) || !geo_segment_has(call, s, found))
        return false;
    /* An end that is met is the answer itself, without what rounding added. */
    if (at != NULL)
        *at = geo_same_point(s->p[0], found) ? s->p[0] : geo_same_point(s->p[1], found) ? s->p[1] : found;
    return true;
}

bool geo_segments_meet(rdb_call *call, const geo_segment *s, const geo_segment *t, geo_point *at)
{
    geo_point found;
    geo_line line = line_of(call, t);
    if (!geo_segment_meets_line(call, s, &line, &found) || !geo_segment_has(call, t, found))
        return false;
    if (at != NULL)
        *at = found;
    return true;
}

double geo_segment_to_line(rdb_call *call, const geo_segment *s, const geo_line *l, geo_point *at)
{
    if (geo_segment_meets_line(call, s, l, at))
        return 0;
    double first = geo_line_to_point(call, l, s->p[0], NULL), second = geo_line_to_point(call, l, s->p[1], NULL);
    bool is_first = first < second;
    if (at != NULL)
        *at = s->p[is_first ? 0 : 1];
    return is_first ? first : second;
}

double geo_segment_to_point(rdb_call *call, const geo_segment *s, geo_point p, geo_point *at)
{
    geo_point found = p;
    geo_line across = geo_line_through(call, p, geo_slope_across(call, s->p[0], s->p[1]));
    geo_segment_to_line(call, s, &across, &found);
    if (at != NULL)
        *at = found;
    return geo_distance(call, found, p);
}

/* Keeps the nearer of what there is and a candidate. */
static void keep_nearer(double *best, geo_point *at, double distance, geo_point candidate)
{
    if (geo_below(distance, *best)) {
        *best = distance;
        if (at != NULL)
            *at = candidate;
    }
}

double geo_segment_to_segment(rdb_call *call, const geo_segment *s, const geo_segment *t, geo_point *at)
{
    geo_point candidate;
    if (geo_segments_meet(call, s, t, at))
        return 0;
    double best = geo_segment_to_point(call, s, t->p[0], at);
    double distance = geo_segment_to_point(call, s, t->p[1], &candidate);
    keep_nearer(&best, at, distance, candidate);
    for (int i = 0; i < 2; i++)
        keep_nearer(&best, at, geo_segment_to_point(call, t, s->p[i], NULL), s->p[i]);
    return best;
}

/* ---- boxes -------------------------------------------------------------------------------------------------------------------- */
geo_box geo_box_of(geo_point p, geo_point q)
{
    geo_box box = {.high = q, .low = p};
    if (geo_below(q.x, p.x)) {
        box.high.x = p.x;
        box.low.x = q.x;
    }
    if (geo_below(q.y, p.y)) {
        box.high.y = p.y;
        box.low.y = q.y;
    }
    return box;
}

bool geo_box_has(const geo_box *box, geo_point p)
{
    return box->high.x >= p.x && box->low.x <= p.x && box->high.y >= p.y && box->low.y <= p.y;
}

bool geo_boxes_overlap(const geo_box *a, const geo_box *b)
{
    return geo_le(a->low.x, b->high.x) && geo_le(b->low.x, a->high.x) && geo_le(a->low.y, b->high.y) && geo_le(b->low.y, a->high.y);
}

bool geo_box_covers(const geo_box *a, const geo_box *b)
{
    return geo_ge(a->high.x, b->high.x) && geo_le(a->low.x, b->low.x) && geo_ge(a->high.y, b->high.y) && geo_le(a->low.y, b->low.y);
}

geo_point geo_box_center(rdb_call *call, const geo_box *box)
{
    return geo_middle(call, box->high, box->low);
}

void geo_box_sides(const geo_box *box, geo_segment sides[4])
{
    geo_point left_top = {box->low.x, box->high.y}, right_bottom = {box->high.x, box->low.y};
    sides[0] = (geo_segment){{box->low, left_top}};
    sides[1] = (geo_segment){{box->high, left_top}};
    sides[2] = (geo_segment){{box->low, right_bottom}};
    sides[3] = (geo_segment){{box->high, right_bottom}};
}

double geo_box_to_point(rdb_call *call, const geo_box *box, geo_point p, geo_point *at)
{
    geo_segment sides[4];
    geo_point candidate;
    if (geo_box_has(box, p)) {
        if (at != NULL)
            *at = p;
        return 0;
    }
    geo_box_sides(box, sides);
    double best = geo_segment_to_point(call, &sides[0], p, at);
    for (int i = 1; i < 4; i++) {
        double distance = geo_segment_to_point(call, &sides[i], p, &candidate);
        keep_nearer(&best, at, distance, candidate);
    }
    return best;
}

bool geo_box_meets_segment(rdb_call *call, const geo_box *box, const geo_segment *s, geo_point *at)
{
    geo_box around = {.high = {geo_max(s->p[0].x, s->p[1].x), geo_max(s->p[0].y, s->p[1].y)},
                      .low = {geo_min(s->p[0].x, s->p[1].x), geo_min(s->p[0].y, s->p[1].y)}};
    if (!geo_boxes_overlap(&around, box))
        return false;
    if (at != NULL)
        geo_segment_to_point(call, s, geo_box_center(call, box), at);
    if (geo_box_has(box, s->p[0]) || geo_box_has(box, s->p[1]))
        return true;
    geo_segment sides[4];
    geo_box_sides(box, sides);
    for (int i = 0; i < 4; i++) {
        if (geo_segments_meet(call, &sides[i], s, NULL))
            return true;
    }
    return false;
}

double geo_box_to_segment(rdb_call *call, const geo_box *box, const geo_segment *s, geo_point *at)
{
    geo_segment sides[4];
    geo_point candidate;
    if (geo_box_meets_segment(call, box, s, at))
        return 0;
    geo_box_sides(box, sides);
    double best = geo_segment_to_segment(call, &sides[0], s, at);
    for (int i = 1; i < 4; i++) {
        double distance = geo_segment_to_segment(call, &sides[i], s, &candidate);
        keep_nearer(&best, at, distance, candidate);
    }
    return best;
}

/* ---- rows of points ----------------------------------------------------------------------------------------------------------- */
geo_box geo_bounds(const geo_points *points)
{
    geo_box box = {geo_at(points, 0), geo_at(points, 0)};
    for (uint32_t i = 1; i < points->count; i++) {
        geo_point p = geo_at(points, i);
        if (geo_below(p.x, box.low.x))
            box.low.x = p.x;
        if (geo_below(box.high.x, p.x))
            box.high.x = p.x;
        if (geo_below(p.y, box.low.y))
            box.low.y = p.y;
        if (geo_below(box.high.y, p.y))
            box.high.y = p.y;
    }
    return box;
}

geo_segment geo_side(const geo_points *points, uint32_t i)
{
    return (geo_segment){{geo_at(points, i > 0 ? i - 1 : points->count - 1), geo_at(points, i)}};
}

/* A ray goes from the origin to the right. How often does the step from `from` to `to` cross it, counted in halves (an end
 * on the ray is one half), upwards positive? HIT: the origin lies on the step. */
enum { HIT = INT32_MAX };
static int count_crossing(rdb_call *call, geo_point from, geo_point to)
{
    if (geo_zero(to.y)) { /* it ends on the axis */
        if (geo_zero(to.x))
            return HIT;
        bool is_right = geo_gt(to.x, 0);
        if (geo_zero(from.y)) /* along it: on one side of the origin, or over it */
            return (is_right ? geo_gt(from.x, 0) : geo_lt(from.x, 0)) ? 0 : HIT;
        return !is_right ? 0 : geo_lt(from.y, 0) ? 1 : -1;
    }
    int direction = geo_gt(to.y, 0) ? 1 : -1;
    if (geo_zero(from.y))
        return geo_lt(from.x, 0) ? 0 : direction;
    if (direction > 0 ? geo_gt(from.y, 0) : geo_lt(from.y, 0))
        return 0;
    if (geo_ge(to.x, 0) && geo_gt(from.x, 0))
        return 2 * direction;
    if (geo_lt(to.x, 0) && geo_le(from.x, 0))
        return 0;
    double side = geo_sub(call, geo_mul(call, geo_sub(call, to.x, from.x), to.y), geo_mul(call, geo_sub(call, to.y, from.y), to.x));
    if (geo_zero(side))
        return HIT;
    return (direction > 0 ? geo_gt(side, 0) : geo_lt(side, 0)) ? 0 : 2 * direction;
}

int geo_locate(rdb_call *call, geo_point p, const geo_points *polygon)
{
    int crossings = 0;
    geo_point first = geo_point_sub(call, geo_at(polygon, 0), p), from = first;
    for (uint32_t i = 1; i <= polygon->count; i++) {
        geo_point to = i < polygon->count ? geo_point_sub(call, geo_at(polygon, i), p) : first;
        int crossing = count_crossing(call, from, to);
        if (crossing == HIT)
            return GEO_ON_EDGE;
        crossings += crossing;
        from = to;
    }
    return crossings != 0 ? GEO_INSIDE : GEO_OUTSIDE;
}
