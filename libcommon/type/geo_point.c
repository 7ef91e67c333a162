/* SPDX-License-Identifier: Apache-2.0
 * Functions and operators of points, lines and segments. */
#include "type/geo.h"
#include "type/tables.h"

/* A predicate or a number of two points P and Q, segments S and T, lines L and M. */
#define ANSWER(name, count, field, ...)           \
    TYPE_ROW_FUNCTION(name, count)                \
    {                                             \
        r->field = __VA_ARGS__;                   \
        return geo_done(call);                    \
    }
#define P geo_read_point(a[0])
#define Q geo_read_point(a[1])
#define S &(geo_segment[]){geo_read_segment(a[0])}[0]
#define T &(geo_segment[]){geo_read_segment(a[1])}[0]
#define L &(geo_line[]){geo_read_line(a[0])}[0]
#define M &(geo_line[]){geo_read_line(a[1])}[0]
#define BOX_1 &(geo_box[]){geo_read_box(a[1])}[0]
#define BOX_0 &(geo_box[]){geo_read_box(a[0])}[0]

/* ---- points ------------------------------------------------------------------------------------------------------------------- */
ANSWER(point_left, 2, b, geo_lt(P.x, Q.x))
ANSWER(point_right, 2, b, geo_gt(P.x, Q.x))
ANSWER(point_above, 2, b, geo_gt(P.y, Q.y))
ANSWER(point_below, 2, b, geo_lt(P.y, Q.y))
ANSWER(point_vertical, 2, b, geo_eq(P.x, Q.x))
ANSWER(point_horizontal, 2, b, geo_eq(P.y, Q.y))
ANSWER(point_same, 2, b, geo_same_point(P, Q))
ANSWER(point_differs, 2, b, !geo_same_point(P, Q))
ANSWER(point_distance, 2, f8, geo_distance(call, P, Q))
ANSWER(point_slope, 2, f8, geo_slope(call, P, Q))
TYPE_ROW_FUNCTION(point_add, 2) { GEO_GIVE(geo_point_add(call, P, Q)); }
TYPE_ROW_FUNCTION(point_sub, 2) { GEO_GIVE(geo_point_sub(call, P, Q)); }
TYPE_ROW_FUNCTION(point_mul, 2) { GEO_GIVE(geo_point_mul(call, P, Q)); }
TYPE_ROW_FUNCTION(point_div, 2) { GEO_GIVE(geo_point_div(call, P, Q)); }
TYPE_ROW_FUNCTION(point_of_numbers, 2) { GEO_GIVE((geo_point){a[0].f8, a[1].f8}); }

/* ---- lines -------------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(line_of_points, 2)
{
    geo_point p = P, q = Q;
    if (geo_same_point(p, q))
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "invalid line specification: must be two distinct points");
    GEO_GIVE(geo_line_through(call, p, geo_slope(call, p, q)));
}

static bool has_nan(const geo_line *l)
{
    return isnan(l->a) || isnan(l->b) || isnan(l->c);
}

static bool same_line(rdb_call *call, const geo_line *l, const geo_line *m)
{
    if (has_nan(l) || has_nan(m))
        return geo_identical(l->a, m->a) && geo_identical(l->b, m->b) && geo_identical(l->c, m->c);
    double ratio = !geo_zero(m->a)   ? geo_div(call, l->a, m->a)
                   : !geo_zero(m->b) ? geo_div(call, l->b, m->b)
                   : !geo_zero(m->c) ? geo_div(call, l->c, m->c)
                                     : 1.0;
    return geo_eq(l->a, geo_mul(call, ratio, m->a)) && geo_eq(l->b, geo_mul(call, ratio, m->b)) && geo_eq(l->c, geo_mul(call, ratio, m->c));
}

static bool are_perpendicular(rdb_call *call, const geo_line *l, const geo_line *m)
{
    if (geo_zero(l->a))
        return geo_zero(m->b);
    if (geo_zero(m->a))
        return geo_zero(l->b);
    if (geo_zero(l->b))
        return geo_zero(m->a);
    if (geo_zero(m->b))
        return geo_zero(l->a);
    return geo_eq(geo_div(call, geo_mul(call, l->a, m->a), geo_mul(call, l->b, m->b)), -1.0);
}

static double line_gap(rdb_call *call, const geo_line *l, const geo_line *m)
{
    double ratio = 1.0;
    if (geo_lines_meet(call, l, m, NULL))
        return 0;
    if (!geo_zero(l->a) && !isnan(l->a) && !geo_zero(m->a) && !isnan(m->a))
        ratio = geo_div(call, l->a, m->a);
    else if (!geo_zero(l->b) && !isnan(l->b) && !geo_zero(m->b) && !isnan(m->b))
        ratio = geo_div(call, l->b, m->b);
    return geo_div(call, fabs(geo_sub(call, l->c, geo_mul(call, ratio, m->c))), geo_hypot(call, l->a, l->b));
}

ANSWER(line_intersect, 2, b, geo_lines_meet(call, L, M, NULL))
ANSWER(line_parallel, 2, b, !geo_lines_meet(call, L, M, NULL))
ANSWER(line_perpendicular, 2, b, are_perpendicular(call, L, M))
ANSWER(line_vertical, 1, b, geo_zero((L)->b))
ANSWER(line_horizontal, 1, b, geo_zero((L)->a))
ANSWER(line_same, 2, b, same_line(call, L, M))
ANSWER(line_distance, 2, f8, line_gap(call, L, M))

/* A point that a function found, or null. */
static bool give_found(rdb_call *call, bool is_found, const geo_point *point, rdb_datum *r, bool *is_null)
{
    *is_null = !is_found;
    return geo_done(call) && (!is_found || type_make_bytes(call, point, sizeof *point, r));
}
#define FOUND(name, ...)                                                        \
    TYPE_ROW_FUNCTION(name, 2)                                                  \
    {                                                                           \
        geo_point at = {0, 0};                                                  \
        bool is_found = __VA_ARGS__;                                            \
        return give_found(call, is_found, &at, r, is_null);                     \
    }
FOUND(line_meeting, geo_lines_meet(call, L, M, &at))

/* ---- segments ----------------------------------------------------------------------------------------------------------------- */
static double slope_of(rdb_call *call, const geo_segment *s)
{
    return geo_slope(call, s->p[0], s->p[1]);
}
static double slope_across(rdb_call *call, const geo_segment *s)
{
    return geo_slope_across(call, s->p[0], s->p[1]);
}
static double length_of(rdb_call *call, const geo_segment *s)
{
    return geo_distance(call, s->p[0], s->p[1]);
}
static bool same_segment(const geo_segment *s, const geo_segment *t)
{
    return geo_same_point(s->p[0], t->p[0]) && geo_same_point(s->p[1], t->p[1]);
}
TYPE_ROW_FUNCTION(segment_of_points, 2) { GEO_GIVE((geo_segment){{P, Q}}); }
TYPE_ROW_FUNCTION(segment_center, 1) { GEO_GIVE(geo_middle(call, (S)->p[0], (S)->p[1])); }
ANSWER(segment_length, 1, f8, length_of(call, S))
ANSWER(segment_intersect, 2, b, geo_segments_meet(call, S, T, NULL))
ANSWER(segment_parallel, 2, b, geo_eq(slope_of(call, S), slope_of(call, T)))
ANSWER(segment_perpendicular, 2, b, geo_eq(slope_of(call, S), slope_across(call, T)))
ANSWER(segment_vertical, 1, b, geo_eq((S)->p[0].x, (S)->p[1].x))
ANSWER(segment_horizontal, 1, b, geo_eq((S)->p[0].y, (S)->p[1].y))
ANSWER(segment_eq, 2, b, same_segment(S, T))
ANSWER(segment_ne, 2, b, !same_segment(S, T))
ANSWER(segment_lt, 2, b, geo_lt(length_of(call, S), length_of(call, T)))
ANSWER(segment_le, 2, b, geo_le(length_of(call, S), length_of(call, T)))
ANSWER(segment_gt, 2, b, geo_gt(length_of(call, S), length_of(call, T)))
ANSWER(segment_ge, 2, b, geo_ge(length_of(call, S), length_of(call, T)))
ANSWER(segment_distance, 2, f8, geo_segment_to_segment(call, S, T, NULL))
FOUND(segment_meeting, geo_segments_meet(call, S, T, &at))

/* ---- distances, nearest points, meetings among them and boxes ------------------------------------------------------------------- */
ANSWER(distance_pl, 2, f8, geo_line_to_point(call, M, P, NULL))
ANSWER(distance_lp, 2, f8, geo_line_to_point(call, L, Q, NULL))
ANSWER(distance_ps, 2, f8, geo_segment_to_point(call, T, P, NULL))
ANSWER(distance_sp, 2, f8, geo_segment_to_point(call, S, Q, NULL))
ANSWER(distance_sl, 2, f8, geo_segment_to_line(call, S, M, NULL))
ANSWER(distance_ls, 2, f8, geo_segment_to_line(call, T, L, NULL))
ANSWER(distance_pb, 2, f8, geo_box_to_point(call, BOX_1, P, NULL))
ANSWER(distance_bp, 2, f8, geo_box_to_point(call, BOX_0, Q, NULL))
ANSWER(distance_sb, 2, f8, geo_box_to_segment(call, BOX_1, S, NULL))
ANSWER(distance_bs, 2, f8, geo_box_to_segment(call, BOX_0, T, NULL))
FOUND(nearest_pl, !isnan(geo_line_to_point(call, M, P, &at)))
FOUND(nearest_ps, !isnan(geo_segment_to_point(call, T, P, &at)))
FOUND(nearest_pb, !isnan(geo_box_to_point(call, BOX_1, P, &at)))
FOUND(nearest_sb, !isnan(geo_box_to_segment(call, BOX_1, S, &at)))
FOUND(nearest_ss, slope_of(call, S) != slope_of(call, T) && !isnan(geo_segment_to_segment(call, T, S, &at)))
FOUND(nearest_ls, slope_of(call, T) != geo_line_slope(call, L) && !isnan(geo_segment_to_line(call, T, L, &at)))

ANSWER(on_pl, 2, b, geo_line_has(call, M, P))
ANSWER(on_ps, 2, b, geo_segment_has(call, T, P))
ANSWER(on_pb, 2, b, geo_box_has(BOX_1, P))
ANSWER(on_sl, 2, b, geo_line_has(call, M, (S)->p[0]) && geo_line_has(call, M, (S)->p[1]))
ANSWER(on_sb, 2, b, geo_box_has(BOX_1, (S)->p[0]) && geo_box_has(BOX_1, (S)->p[1]))
ANSWER(meet_sl, 2, b, geo_segment_meets_line(call, S, M, NULL))
ANSWER(meet_sb, 2, b, geo_box_meets_segment(call, BOX_1, S, NULL))
TYPE_ROW_FUNCTION(meet_lb, 2)
{
    geo_line line = geo_read_line(a[0]);
    geo_box box = geo_read_box(a[1]);
    geo_segment sides[4];
    geo_box_sides(&box, sides);
    for (int i = 0; i < 4 && !r->b; i++)
        r->b = geo_segment_meets_line(call, &sides[i], &line, NULL);
    return geo_done(call);
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"point_left", point_left, 0, 0}, {"point_right", point_right, 0, 0}, {"point_above", point_above, 0, 0}, {"point_below", point_below, 0, 0},
    {"point_vert", point_vertical, 0, 0}, {"point_horiz", point_horizontal, 0, 0}, {"point_eq", point_same, 0, 0}, {"point_ne", point_differs, 0, 0},
    {"point_distance", point_distance, F, 0}, {"point_slope", point_slope, F, 0}, {"point_add", point_add, F, 0}, {"point_sub", point_sub, F, 0},
    {"point_mul", point_mul, F, 0}, {"point_div", point_div, F, 0}, {"construct_point", point_of_numbers, F, 0},
    {"line_construct_pp", line_of_points, F, 0}, {"line_intersect", line_intersect, F, 0}, {"line_parallel", line_parallel, F, 0},
    {"line_perp", line_perpendicular, F, 0}, {"line_vertical", line_vertical, 0, 0}, {"line_horizontal", line_horizontal, 0, 0},
    {"line_eq", line_same, F, 0}, {"line_distance", line_distance, F, 0}, {"line_interpt", line_meeting, F, 0},
    {"lseg_construct", segment_of_points, F, 0}, {"lseg_center", segment_center, F, 0}, {"lseg_length", segment_length, F, 0},
    {"lseg_intersect", segment_intersect, F, 0}, {"lseg_parallel", segment_parallel, F, 0}, {"lseg_perp", segment_perpendicular, F, 0},
    {"lseg_vertical", segment_vertical, 0, 0}, {"lseg_horizontal", segment_horizontal, 0, 0}, {"lseg_eq", segment_eq, 0, 0}, {"lseg_ne", segment_ne, 0, 0},
    {"lseg_lt", segment_lt, F, 0}, {"lseg_le", segment_le, F, 0}, {"lseg_gt", segment_gt, F, 0}, {"lseg_ge", segment_ge, F, 0},
    {"lseg_distance", segment_distance, F, 0}, {"lseg_interpt", segment_meeting, F, 0},
    {"dist_pl", distance_pl, F, 0}, {"dist_lp", distance_lp, F, 0}, {"dist_ps", distance_ps, F, 0}, {"dist_sp", distance_sp, F, 0},
    {"dist_sl", distance_sl, F, 0}, {"dist_ls", distance_ls, F, 0}, {"dist_pb", distance_pb, F, 0}, {"dist_bp", distance_bp, F, 0},
    {"dist_sb", distance_sb, F, 0}, {"dist_bs", distance_bs, F, 0},
    {"close_pl", nearest_pl, F, 0}, {"close_ps", nearest_ps, F, 0}, {"close_pb", nearest_pb, F, 0}, {"close_sb", nearest_sb, F, 0},
    {"close_lseg", nearest_ss, F, 0}, {"close_ls", nearest_ls, F, 0},
    {"on_pl", on_pl, F, 0}, {"on_ps", on_ps, F, 0}, {"on_pb", on_pb, 0, 0}, {"on_sl", on_sl, F, 0}, {"on_sb", on_sb, 0, 0},
    {"inter_sl", meet_sl, F, 0}, {"inter_sb", meet_sb, F, 0}, {"inter_lb", meet_lb, F, 0},
};
TYPE_KERNEL_TABLE(type_geo_point_table, KERNELS);
