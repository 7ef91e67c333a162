/* SPDX-License-Identifier: Apache-2.0
 * Functions and operators of boxes and circles. Boxes compare by area, circles too; "same" looks at the places. */
#include "type/geo.h"
#include "type/tables.h"

#define BOX_ANSWER(name, count, field, ...)                                                               \
    TYPE_ROW_FUNCTION(name, count)                                                                        \
    {                                                                                                     \
        geo_box x = geo_read_box(a[0]);                                                                   \
        TYPE_UNUSED geo_box y = (count) == 2 ? geo_read_box(a[(count) - 1]) : x;                          \
        r->field = __VA_ARGS__;                                                                           \
        return geo_done(call);                                                                            \
    }
#define CIRCLE_ANSWER(name, count, field, ...)                                                            \
    TYPE_ROW_FUNCTION(name, count)                                                                        \
    {                                                                                                     \
        geo_circle x = geo_read_circle(a[0]);                                                             \
        TYPE_UNUSED geo_circle y = (count) == 2 ? geo_read_circle(a[(count) - 1]) : x;                    \
        r->field = __VA_ARGS__;                                                                           \
        return geo_done(call);                                                                            \
    }

/* ---- boxes -------------------------------------------------------------------------------------------------------------------- */
static double width_of(rdb_call *call, const geo_box *box)
{
    return geo_sub(call, box->high.x, box->low.x);
}
static double height_of(rdb_call *call, const geo_box *box)
{
    return geo_sub(call, box->high.y, box->low.y);
}
static double area_of(rdb_call *call, const geo_box *box)
{
    return geo_mul(call, width_of(call, box), height_of(call, box));
}
BOX_ANSWER(box_same, 2, b, geo_same_point(x.high, y.high) && geo_same_point(x.low, y.low))
BOX_ANSWER(box_overlap, 2, b, geo_boxes_overlap(&x, &y))
BOX_ANSWER(box_left, 2, b, geo_lt(x.high.x, y.low.x))
BOX_ANSWER(box_over_left, 2, b, geo_le(x.high.x, y.high.x))
BOX_ANSWER(box_right, 2, b, geo_gt(x.low.x, y.high.x))
BOX_ANSWER(box_over_right, 2, b, geo_ge(x.low.x, y.low.x))
BOX_ANSWER(box_below, 2, b, geo_lt(x.high.y, y.low.y))
BOX_ANSWER(box_over_below, 2, b, geo_le(x.high.y, y.high.y))
BOX_ANSWER(box_above, 2, b, geo_gt(x.low.y, y.high.y))
BOX_ANSWER(box_over_above, 2, b, geo_ge(x.low.y, y.low.y))
BOX_ANSWER(box_below_eq, 2, b, geo_le(x.high.y, y.low.y))
BOX_ANSWER(box_above_eq, 2, b, geo_ge(x.low.y, y.high.y))
BOX_ANSWER(box_contain, 2, b, geo_box_covers(&x, &y))
BOX_ANSWER(box_contained, 2, b, geo_box_covers(&y, &x))
BOX_ANSWER(box_lt, 2, b, geo_lt(area_of(call, &x), area_of(call, &y)))
BOX_ANSWER(box_gt, 2, b, geo_gt(area_of(call, &x), area_of(call, &y)))
BOX_ANSWER(box_eq, 2, b, geo_eq(area_of(call, &x), area_of(call, &y)))
BOX_ANSWER(box_le, 2, b, geo_le(area_of(call, &x), area_of(call, &y)))
BOX_ANSWER(box_ge, 2, b, geo_ge(area_of(call, &x), area_of(call, &y)))
BOX_ANSWER(box_area, 1, f8, area_of(call, &x))
BOX_ANSWER(box_width, 1, f8, width_of(call, &x))
BOX_ANSWER(box_height, 1, f8, height_of(call, &x))
BOX_ANSWER(box_distance, 2, f8, geo_distance(call, geo_box_center(call, &x), geo_box_center(call, &y)))

TYPE_ROW_FUNCTION(box_contain_point, 2)
{
    geo_box box = geo_read_box(a[0]);
    r->b = geo_box_has(&box, geo_read_point(a[1]));
    return true;
}

TYPE_ROW_FUNCTION(box_center, 1)
{
    geo_box box = geo_read_box(a[0]);
    GEO_GIVE(geo_box_center(call, &box));
}

TYPE_ROW_FUNCTION(box_diagonal, 1)
{
    geo_box box = geo_read_box(a[0]);
    GEO_GIVE((geo_segment){{box.high, box.low}});
}

TYPE_ROW_FUNCTION(box_intersect, 2)
{
    geo_box x = geo_read_box(a[0]), y = geo_read_box(a[1]);
    *is_null = !geo_boxes_overlap(&x, &y);
    if (*is_null)
        return true;
    GEO_GIVE((geo_box){.high = {geo_min(x.high.x, y.high.x), geo_min(x.high.y, y.high.y)}, .low = {geo_max(x.low.x, y.low.x), geo_max(x.low.y, y.low.y)}});
}

TYPE_ROW_FUNCTION(box_bound, 2)
{
    geo_box x = geo_read_box(a[0]), y = geo_read_box(a[1]);
    GEO_GIVE((geo_box){.high = {geo_max(x.high.x, y.high.x), geo_max(x.high.y, y.high.y)}, .low = {geo_min(x.low.x, y.low.x), geo_min(x.low.y, y.low.y)}});
}

TYPE_ROW_FUNCTION(box_of_points, 2) { GEO_GIVE(geo_box_of(geo_read_point(a[0]), geo_read_point(a[1]))); }
TYPE_ROW_FUNCTION(box_of_point, 1) { GEO_GIVE((geo_box){geo_read_point(a[0]), geo_read_point(a[0])}); }

#define BOX_MOVED(name, move)                                                                             \
    TYPE_ROW_FUNCTION(name, 2)                                                                            \
    {                                                                                                     \
        geo_box box = geo_read_box(a[0]);                                                                 \
        geo_point by = geo_read_point(a[1]);                                                              \
        GEO_GIVE((geo_box){move(call, box.high, by), move(call, box.low, by)});                           \
    }
#define BOX_TURNED(name, turn)                                                                            \
    TYPE_ROW_FUNCTION(name, 2)                                                                            \
    {                                                                                                     \
        geo_box box = geo_read_box(a[0]);                                                                 \
        geo_point by = geo_read_point(a[1]);                                                              \
        geo_point high = turn(call, box.high, by), low = turn(call, box.low, by);                         \
        GEO_GIVE(geo_box_of(high, low));                                                                  \
    }
BOX_MOVED(box_add, geo_point_add)
BOX_MOVED(box_sub, geo_point_sub)
BOX_TURNED(box_mul, geo_point_mul)
BOX_TURNED(box_div, geo_point_div)

TYPE_ROW_FUNCTION(box_of_circle, 1)
{
    geo_circle circle = geo_read_circle(a[0]);
    double half = geo_div(call, circle.radius, sqrt(2.0));
    geo_point corner = {half, half};
    GEO_GIVE((geo_box){geo_point_add(call, circle.center, corner), geo_point_sub(call, circle.center, corner)});
}

TYPE_ROW_FUNCTION(circle_of_box, 1)
{
    geo_box box = geo_read_box(a[0]);
    geo_point center = geo_box_center(call, &box);
    GEO_GIVE((geo_circle){center, geo_distance(call, center, box.high)});
}

TYPE_ROW_FUNCTION(polygon_of_box, 1)
{
    geo_box box = geo_read_box(a[0]);
    uint8_t *points = geo_make_polygon(call, 4, r);
    if (points == NULL)
        return false;
    geo_put(points, 0, box.low);
    geo_put(points, 1, (geo_point){box.low.x, box.high.y});
    geo_put(points, 2, box.high);
    geo_put(points, 3, (geo_point){box.high.x, box.low.y});
    return true;
}

/* ---- circles ------------------------------------------------------------------------------------------------------------------ */
static double circle_area_of(rdb_call *call, const geo_circle *circle)
{
    return geo_mul(call, geo_mul(call, circle->radius, circle->radius), M_PI);
}
static double between(rdb_call *call, const geo_circle *x, const geo_circle *y)
{
    return geo_distance(call, x->center, y->center);
}
static double positive(double x)
{
    return x < 0 ? 0 : x;
}
CIRCLE_ANSWER(circle_same, 2, b,
              ((isnan(x.radius) && isnan(y.radius)) || geo_eq(x.radius, y.radius)) && geo_same_point(x.center, y.center))
CIRCLE_ANSWER(circle_overlap, 2, b, geo_le(between(call, &x, &y), geo_add(call, x.radius, y.radius)))
CIRCLE_ANSWER(circle_left, 2, b, geo_lt(geo_add(call, x.center.x, x.radius), geo_sub(call, y.center.x, y.radius)))
CIRCLE_ANSWER(circle_over_left, 2, b, geo_le(geo_add(call, x.center.x, x.radius), geo_add(call, y.center.x, y.radius)))
CIRCLE_ANSWER(circle_right, 2, b, geo_gt(geo_sub(call, x.center.x, x.radius), geo_add(call, y.center.x, y.radius)))
CIRCLE_ANSWER(circle_over_right, 2, b, geo_ge(geo_sub(call, x.center.x, x.radius), geo_sub(call, y.center.x, y.radius)))
CIRCLE_ANSWER(circle_below, 2, b, geo_lt(geo_add(call, x.center.y, x.radius), geo_sub(call, y.center.y, y.radius)))
CIRCLE_ANSWER(circle_over_below, 2, b, geo_le(geo_add(call, x.center.y, x.radius), geo_add(call, y.center.y, y.radius)))
CIRCLE_ANSWER(circle_above, 2, b, geo_gt(geo_sub(call, x.center.y, x.radius), geo_add(call, y.center.y, y.radius)))
CIRCLE_ANSWER(circle_over_above, 2, b, geo_ge(geo_sub(call, x.center.y, x.radius), geo_sub(call, y.center.y, y.radius)))
CIRCLE_ANSWER(circle_contained, 2, b, geo_le(between(call, &x, &y), geo_sub(call, y.radius, x.radius)))
CIRCLE_ANSWER(circle_contain, 2, b, geo_le(between(call, &x, &y), geo_sub(call, x.radius, y.radius)))
CIRCLE_ANSWER(circle_eq, 2, b, geo_eq(circle_area_of(call, &x), circle_area_of(call, &y)))
CIRCLE_ANSWER(circle_ne, 2, b, circle_area_of(call, &x) != circle_area_of(call, &y) && fabs(circle_area_of(call, &x) - circle_area_of(call, &y)) > GEO_EPSILON)
CIRCLE_ANSWER(circle_lt, 2, b, geo_lt(circle_area_of(call, &x), circle_area_of(call, &y)))
CIRCLE_ANSWER(circle_gt, 2, b, geo_gt(circle_area_of(call, &x), circle_area_of(call, &y)))
CIRCLE_ANSWER(circle_le, 2, b, geo_le(circle_area_of(call, &x), circle_area_of(call, &y)))
CIRCLE_ANSWER(circle_ge, 2, b, geo_ge(circle_area_of(call, &x), circle_area_of(call, &y)))
CIRCLE_ANSWER(circle_area, 1, f8, circle_area_of(call, &x))
CIRCLE_ANSWER(circle_diameter, 1, f8, geo_mul(call, x.radius, 2.0))
CIRCLE_ANSWER(circle_radius, 1, f8, x.radius)
CIRCLE_ANSWER(circle_distance, 2, f8, positive(geo_sub(call, between(call, &x, &y), geo_add(call, x.radius, y.radius))))

static bool circle_has(rdb_call *call, rdb_datum circle_value, rdb_datum point, rdb_datum *r)
{
    geo_circle circle = geo_read_circle(circle_value);
    r->b = geo_distance(call, circle.center, geo_read_point(point)) <= circle.radius;
    return geo_done(call);
}
TYPE_ROW_FUNCTION(circle_contain_point, 2) { return circle_has(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(point_in_circle, 2) { return circle_has(call, a[1], a[0], r); }

static bool circle_to_point(rdb_call *call, rdb_datum circle_value, rdb_datum point, rdb_datum *r)
{
    geo_circle circle = geo_read_circle(circle_value);
    r->f8 = positive(geo_sub(call, geo_distance(call, geo_read_point(point), circle.center), circle.radius));
    return geo_done(call);
}
TYPE_ROW_FUNCTION(distance_circle_point, 2) { return circle_to_point(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(distance_point_circle, 2) { return circle_to_point(call, a[1], a[0], r); }

TYPE_ROW_FUNCTION(circle_center, 1) { GEO_GIVE(geo_read_circle(a[0]).center); }
TYPE_ROW_FUNCTION(circle_of_point, 2) { GEO_GIVE((geo_circle){geo_read_point(a[0]), a[1].f8}); }

#define CIRCLE_MOVED(name, move, new_radius)                                                              \
    TYPE_ROW_FUNCTION(name, 2)                                                                            \
    {                                                                                                     \
        geo_circle circle = geo_read_circle(a[0]);                                                        \
        geo_point by = geo_read_point(a[1]);                                                              \
        geo_point center = move(call, circle.center, by);                                                 \
        GEO_GIVE((geo_circle){center, new_radius});                                                       \
    }
CIRCLE_MOVED(circle_add, geo_point_add, circle.radius)
CIRCLE_MOVED(circle_sub, geo_point_sub, circle.radius)
CIRCLE_MOVED(circle_mul, geo_point_mul, geo_mul(call, circle.radius, geo_hypot(call, by.x, by.y)))
CIRCLE_MOVED(circle_div, geo_point_div, geo_div(call, circle.radius, geo_hypot(call, by.x, by.y)))

static bool make_polygon(rdb_call *call, int32_t count, geo_circle circle, rdb_datum *r)
{
    if (geo_zero(circle.radius))
        return rdb_error_set(call->err, RDB_FEATURE_NOT_SUPPORTED, "cannot convert circle with radius zero to polygon");
    if (count < 2)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "must request at least 2 points");
    uint8_t *points = geo_make_polygon(call, (uint64_t)count, r);
    if (points == NULL)
        return false;
    double step = geo_div(call, 2.0 * M_PI, count);
    for (int32_t i = 0; i < count; i++) {
        double angle = geo_mul(call, step, i);
        double x = geo_sub(call, circle.center.x, geo_mul(call, circle.radius, cos(angle)));
        geo_put(points, (uint64_t)i, (geo_point){x, geo_add(call, circle.center.y, geo_mul(call, circle.radius, sin(angle)))});
    }
    return geo_done(call);
}

TYPE_ROW_FUNCTION(polygon_of_circle, 2) { return make_polygon(call, a[0].i32, geo_read_circle(a[1]), r); }
TYPE_ROW_FUNCTION(dozen_of_circle, 1) { return make_polygon(call, 12, geo_read_circle(a[0]), r); }

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"box_same", box_same, 0, 0}, {"box_overlap", box_overlap, 0, 0}, {"box_left", box_left, 0, 0}, {"box_overleft", box_over_left, 0, 0},
    {"box_right", box_right, 0, 0}, {"box_overright", box_over_right, 0, 0}, {"box_below", box_below, 0, 0}, {"box_overbelow", box_over_below, 0, 0},
    {"box_above", box_above, 0, 0}, {"box_overabove", box_over_above, 0, 0}, {"box_below_eq", box_below_eq, 0, 0}, {"box_above_eq", box_above_eq, 0, 0},
    {"box_contain", box_contain, 0, 0}, {"box_contained", box_contained, 0, 0}, {"box_contain_pt", box_contain_point, 0, 0},
    {"box_lt", box_lt, F, 0}, {"box_gt", box_gt, F, 0}, {"box_eq", box_eq, F, 0}, {"box_le", box_le, F, 0}, {"box_ge", box_ge, F, 0},
    {"box_area", box_area, F, 0}, {"box_width", box_width, F, 0}, {"box_height", box_height, F, 0}, {"box_distance", box_distance, F, 0},
    {"box_center", box_center, F, 0}, {"box_diagonal", box_diagonal, F, 0}, {"box_intersect", box_intersect, F, 0}, {"boxes_bound_box", box_bound, F, 0},
    {"points_box", box_of_points, F, 0}, {"point_box", box_of_point, F, 0}, {"box_add", box_add, F, 0}, {"box_sub", box_sub, F, 0},
    {"box_mul", box_mul, F, 0}, {"box_div", box_div, F, 0}, {"circle_box", box_of_circle, F, 0}, {"box_circle", circle_of_box, F, 0}, {"box_poly", polygon_of_box, F, 0},
    {"circle_same", circle_same, 0, 0}, {"circle_overlap", circle_overlap, F, 0}, {"circle_left", circle_left, F, 0}, {"circle_overleft", circle_over_left, F, 0},
    {"circle_right", circle_right, F, 0}, {"circle_overright", circle_over_right, F, 0}, {"circle_below", circle_below, F, 0},
    {"circle_overbelow", circle_over_below, F, 0}, {"circle_above", circle_above, F, 0}, {"circle_overabove", circle_over_above, F, 0},
    {"circle_contained", circle_contained, F, 0}, {"circle_contain", circle_contain, F, 0}, {"circle_eq", circle_eq, F, 0}, {"circle_ne", circle_ne, F, 0},
    {"circle_lt", circle_lt, F, 0}, {"circle_gt", circle_gt, F, 0}, {"circle_le", circle_le, F, 0}, {"circle_ge", circle_ge, F, 0},
    {"circle_area", circle_area, F, 0}, {"circle_diameter", circle_diameter, F, 0}, {"circle_radius", circle_radius, 0, 0},
    {"circle_distance", circle_distance, F, 0}, {"circle_contain_pt", circle_contain_point, F, 0}, {"pt_contained_circle", point_in_circle, F, 0},
    {"dist_cpoint", distance_circle_point, F, 0}, {"dist_pc", distance_point_circle, F, 0}, {"circle_center", circle_center, F, 0},
    {"cr_circle", circle_of_point, F, 0}, {"circle_add_pt", circle_add, F, 0}, {"circle_sub_pt", circle_sub, F, 0},
    {"circle_mul_pt", circle_mul, F, 0}, {"circle_div_pt", circle_div, F, 0}, {"circle_poly", polygon_of_circle, F, 0},
    {NULL, dozen_of_circle, F, 1544},
};
TYPE_KERNEL_TABLE(type_geo_box_table, KERNELS);
