/* SPDX-License-Identifier: Apache-2.0
 * Functions and operators of paths and polygons. Paths compare by their number of points. */
#include "type/geo.h"
#include "type/tables.h"

/* The sides of an open path are 1 to count - 1; a closed one and a polygon also have 0, from the last point to the first. */
static uint32_t first_side(const geo_points *points)
{
    return points->is_closed ? 0 : 1;
}

/* ---- paths -------------------------------------------------------------------------------------------------------------------- */
#define PATH_COUNTS(name, operation)                                                                      \
    TYPE_ROW_FUNCTION(name, 2)                                                                            \
    {                                                                                                     \
        r->b = geo_read_path(a[0]).count operation geo_read_path(a[1]).count;                             \
        return true;                                                                                      \
    }
PATH_COUNTS(path_lt, <)
PATH_COUNTS(path_gt, >)
PATH_COUNTS(path_eq, ==)
PATH_COUNTS(path_le, <=)
PATH_COUNTS(path_ge, >=)

TYPE_ROW_FUNCTION(path_is_closed, 1)
{
    r->b = geo_read_path(a[0]).is_closed;
    return true;
}

TYPE_ROW_FUNCTION(path_is_open, 1)
{
    r->b = !geo_read_path(a[0]).is_closed;
    return true;
}

TYPE_ROW_FUNCTION(path_count, 1)
{
    r->i32 = (int32_t)geo_read_path(a[0]).count;
    return true;
}

static bool copy_path(rdb_call *call, const geo_points *path, bool is_closed, rdb_datum *r)
{
    uint8_t *points = geo_make_path(call, path->count, is_closed, r);
    if (points != NULL)
        memcpy(points, path->bytes, (size_t)path->count * 16);
    return points != NULL;
}

TYPE_ROW_FUNCTION(path_close, 1)
{
    geo_points path = geo_read_path(a[0]);
    return copy_path(call, &path, true, r);
}

TYPE_ROW_FUNCTION(path_open, 1)
{
    geo_points path = geo_read_path(a[0]);
    return copy_path(call, &path, false, r);
}

TYPE_ROW_FUNCTION(path_of_polygon, 1)
{
    geo_points polygon = geo_read_polygon(a[0]);
    return copy_path(call, &polygon, true, r);
}

TYPE_ROW_FUNCTION(path_area, 1)
{
    geo_points path = geo_read_path(a[0]);
    double area = 0;
    *is_null = !path.is_closed;
    for (uint32_t i = 0; path.is_closed && i < path.count; i++) {
        geo_point p = geo_at(&path, i), q = geo_at(&path, (i + 1) % path.count);
        area = geo_add(call, area, geo_mul(call, p.x, q.y));
        area = geo_sub(call, area, geo_mul(call, p.y, q.x));
    }
    r->f8 = geo_div(call, fabs(area), 2.0);
    return geo_done(call);
}

TYPE_ROW_FUNCTION(path_length, 1)
{
    geo_points path = geo_read_path(a[0]);
    for (uint32_t i = first_side(&path); i < path.count; i++) {
        geo_segment side = geo_side(&path, i);
        r->f8 = geo_add(call, r->f8, geo_distance(call, side.p[0], side.p[1]));
    }
    return geo_done(call);
}

static bool any_sides_meet(rdb_call *call, const geo_points *x, const geo_points *y)
{
    geo_box bound_x = geo_bounds(x), bound_y = geo_bounds(y);
    if (!geo_boxes_overlap(&bound_x, &bound_y))
        return false;
    for (uint32_t i = first_side(x); i < x->count; i++) {
        geo_segment side = geo_side(x, i);
        for (uint32_t j = first_side(y); j < y->count; j++) {
            geo_segment other = geo_side(y, j);
            if (geo_segments_meet(call, &side, &other, NULL))
                return true;
        }
    }
    return false;
}

/* The smallest distance of a side of one to a side of the other. False: one of them has no sides. */
static bool nearest_sides(rdb_call *call, const geo_points *x, const geo_points *y, double *distance)
{
    bool any = false;
    for (uint32_t i = first_side(x); i < x->count; i++) {
        geo_segment side = geo_side(x, i);
        for (uint32_t j = first_side(y); j < y->count; j++) {
            geo_segment other = geo_side(y, j);
            double found = geo_segment_to_segment(call, &side, &other, NULL);
            if (!any || geo_below(found, *distance))
                *distance = found;
            any = true;
        }
    }
    return any;
}

TYPE_ROW_FUNCTION(path_meet, 2)
{
    geo_points x = geo_read_path(a[0]), y = geo_read_path(a[1]);
    r->b = any_sides_meet(call, &x, &y);
    return geo_done(call);
}

TYPE_ROW_FUNCTION(path_distance, 2)
{
    geo_points x = geo_read_path(a[0]), y = geo_read_path(a[1]);
    *is_null = !nearest_sides(call, &x, &y, &r->f8);
    return geo_done(call);
}

static bool path_to_point(rdb_call *call, rdb_datum path_value, rdb_datum point, rdb_datum *r)
{
    geo_points path = geo_read_path(path_value);
    geo_point p = geo_read_point(point);
    bool any = path.count == 1;
    if (any)
        r->f8 = geo_distance(call, p, geo_at(&path, 0));
    for (uint32_t i = first_side(&path); i < path.count && path.count > 1; i++) {
        geo_segment side = geo_side(&path, i);
        double found = geo_segment_to_point(call, &side, p, NULL);
        if (!any || geo_below(found, r->f8))
            r->f8 = found;
        any = true;
    }
    return geo_done(call);
}
TYPE_ROW_FUNCTION(distance_path_point, 2) { return path_to_point(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(distance_point_path, 2) { return path_to_point(call, a[1], a[0], r); }

/* On an open path, or inside a closed one. */
static bool path_has(rdb_call *call, rdb_datum path_value, rdb_datum point, rdb_datum *r)
{
    geo_points path = geo_read_path(path_value);
    geo_point p = geo_read_point(point);
    if (path.is_closed) {
        r->b = geo_locate(call, p, &path) != GEO_OUTSIDE;
        return geo_done(call);
    }
    for (uint32_t i = 1; i < path.count && !r->b; i++) {
        geo_segment side = geo_side(&path, i);
        r->b = geo_segment_has(call, &side, p);
    }
    return geo_done(call);
}

TYPE_ROW_FUNCTION(on_path, 2) { return path_has(call, a[1], a[0], r); }
TYPE_ROW_FUNCTION(path_contain_point, 2) { return path_has(call, a[0], a[1], r); }

TYPE_ROW_FUNCTION(path_concat, 2)
{
    geo_points x = geo_read_path(a[0]), y = geo_read_path(a[1]);
    *is_null = x.is_closed || y.is_closed;
    if (*is_null)
        return true;
    uint8_t *points = geo_make_path(call, (uint64_t)x.count + y.count, false, r);
    if (points == NULL)
        return false;
    memcpy(points, x.bytes, (size_t)x.count * 16);
    memcpy(points + (size_t)x.count * 16, y.bytes, (size_t)y.count * 16);
    return true;
}

#define PATH_MOVED(name, move)                                                                            \
    TYPE_ROW_FUNCTION(name, 2)                                                                            \
    {                                                                                                     \
        geo_points path = geo_read_path(a[0]);                                                            \
        geo_point by = geo_read_point(a[1]);                                                              \
        uint8_t *points = geo_make_path(call, path.count, path.is_closed, r);                             \
        for (uint32_t i = 0; points != NULL && i < path.count; i++)                                       \
            geo_put(points, i, move(call, geo_at(&path, i), by));                                         \
        return geo_done(call);                                                                            \
    }
PATH_MOVED(path_add, geo_point_add)
PATH_MOVED(path_sub, geo_point_sub)
PATH_MOVED(path_mul, geo_point_mul)
PATH_MOVED(path_div, geo_point_div)

/* ---- polygons ----------------------------------------------------------------------------------------------------------------- */
TYPE_ROW_FUNCTION(polygon_of_path, 1)
{
    geo_points path = geo_read_path(a[0]);
    if (!path.is_closed)
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "open path cannot be converted to polygon");
    uint8_t *points = geo_make_polygon(call, path.count, r);
    if (points != NULL)
        memcpy(points, path.bytes, (size_t)path.count * 16);
    return points != NULL;
}

TYPE_ROW_FUNCTION(polygon_count, 1)
{
    r->i32 = (int32_t)geo_read_polygon(a[0]).count;
    return true;
}

/* Left, right, above and below go by the bounds, exactly. */
#define POLYGON_BOUNDS(name, condition)                                                                   \
    TYPE_ROW_FUNCTION(name, 2)                                                                            \
    {                                                                                                     \
        geo_points one = geo_read_polygon(a[0]), two = geo_read_polygon(a[1]);                            \
        geo_box x = geo_bounds(&one), y = geo_bounds(&two);                                               \
        r->b = condition;                                                                                 \
        return true;                                                                                      \
    }
POLYGON_BOUNDS(polygon_left, x.high.x < y.low.x)
POLYGON_BOUNDS(polygon_over_left, x.high.x <= y.high.x)
POLYGON_BOUNDS(polygon_right, x.low.x > y.high.x)
POLYGON_BOUNDS(polygon_over_right, x.low.x >= y.low.x)
POLYGON_BOUNDS(polygon_below, x.high.y < y.low.y)
POLYGON_BOUNDS(polygon_over_below, x.high.y <= y.high.y)
POLYGON_BOUNDS(polygon_above, x.low.y > y.high.y)
POLYGON_BOUNDS(polygon_over_above, x.low.y >= y.low.y)

/* The same corners in the same circle, from any of them, either way round. */
TYPE_ROW_FUNCTION(polygon_same, 2)
{
    geo_points x = geo_read_polygon(a[0]), y = geo_read_polygon(a[1]);
    uint64_t count = x.count;
    for (uint64_t start = 0; x.count == y.count && start < count && !r->b; start++) {
        if (!geo_same_point(geo_at(&y, (uint32_t)start), geo_at(&x, 0)))
            continue;
        bool forwards = true, backwards = true;
        for (uint64_t i = 1; i < count && (forwards || backwards); i++) {
            geo_point p = geo_at(&x, (uint32_t)i);
            forwards = forwards && geo_same_point(geo_at(&y, (uint32_t)((start + i) % count)), p);
            backwards = backwards && geo_same_point(geo_at(&y, (uint32_t)((start + count - i) % count)), p);
        }
        r->b = forwards || backwards;
    }
    return true;
}

static bool overlap(rdb_call *call, const geo_points *x, const geo_points *y)
{
    geo_box bound_x = geo_bounds(x), bound_y = geo_bounds(y);
    if (!geo_boxes_overlap(&bound_x, &bound_y))
        return false;
    return any_sides_meet(call, x, y) || geo_locate(call, geo_at(x, 0), y) != GEO_OUTSIDE || geo_locate(call, geo_at(y, 0), x) != GEO_OUTSIDE;
}

TYPE_ROW_FUNCTION(polygon_overlap, 2)
{
    geo_points x = geo_read_polygon(a[0]), y = geo_read_polygon(a[1]);
    r->b = overlap(call, &x, &y);
    return geo_done(call);
}

TYPE_ROW_FUNCTION(polygon_distance, 2)
{
    geo_points x = geo_read_polygon(a[0]), y = geo_read_polygon(a[1]);
    if (!overlap(call, &x, &y))
        *is_null = !nearest_sides(call, &x, &y, &r->f8);
    return geo_done(call);
}

/* Is a segment inside a polygon? It is cut where it meets the sides; each piece is a job: sides before `side` are done with.
 * A list instead of a recursion, whose depth a hostile polygon could choose. */
typedef struct piece {
    geo_segment segment;
    uint32_t side;
} piece;
typedef struct piece_list {
    piece *items;
    uint32_t count, capacity;
} piece_list;

static bool push_piece(rdb_call *call, piece_list *list, geo_point from, geo_point to, uint32_t side)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        piece *items = type_alloc(call, capacity * sizeof *items);
        if (items == NULL)
            return false;
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (piece){{{from, to}}, side};
    return true;
}

/* The segment's end `on` lies on the side, its end `off` does not: what is left is from `off` to an end of the side that
 * lies on the segment, if one does. */
static bool push_rest(rdb_call *call, piece_list *list, geo_point on, geo_point off, const geo_segment *side, uint32_t next)
{
    geo_segment segment = {{on, off}};
    const geo_point *end = NULL;
    if (geo_same_point(on, side->p[0]))
        end = geo_segment_has(call, &segment, side->p[1]) ? &side->p[1] : NULL;
    else if (geo_same_point(on, side->p[1]))
        end = geo_segment_has(call, &segment, side->p[0]) ? &side->p[0] : NULL;
    else
        end = geo_segment_has(call, &segment, side->p[0]) ? &side->p[0] : geo_segment_has(call, &segment, side->p[1]) ? &side->p[1] : NULL;
    return end == NULL || push_piece(call, list, off, *end, next);
}

/* False with an error or with *is_inside false. */
static bool check_piece(rdb_call *call, const geo_points *polygon, piece_list *list, bool *is_inside)
{
    piece job = list->items[--list->count];
    const geo_segment *t = &job.segment;
    geo_point cross;
    for (uint32_t i = job.side; i < polygon->count; i++) {
        geo_segment side = geo_side(polygon, i);
        bool has_first = geo_segment_has(call, &side, t->p[0]), has_second = geo_segment_has(call, &side, t->p[1]);
        if (has_first && has_second) /* it lies on the side */
            return geo_done(call);
        if (has_first || has_second) {
            if (!push_rest(call, list, t->p[has_first ? 0 : 1], t->p[has_first ? 1 : 0], &side, i + 1))
                return false;
        } else if (geo_segments_meet(call, t, &side, &cross)) {
            return push_piece(call, list, t->p[1], cross, i + 1) && push_piece(call, list, t->p[0], cross, i + 1) && geo_done(call);
        }
    }
    *is_inside = geo_locate(call, geo_middle(call, t->p[0], t->p[1]), polygon) != GEO_OUTSIDE;
    return *is_inside && geo_done(call);
}

static bool contains(rdb_call *call, rdb_datum outer, rdb_datum inner, rdb_datum *r)
{
    geo_points x = geo_read_polygon(outer), y = geo_read_polygon(inner);
    geo_box bound_x = geo_bounds(&x), bound_y = geo_bounds(&y);
    bool is_inside = geo_box_covers(&bound_x, &bound_y);
    piece_list list = {0};
    for (uint32_t i = 0; is_inside && i < y.count; i++) {
        geo_segment side = geo_side(&y, i);
        if (!push_piece(call, &list, side.p[0], side.p[1], 0))
            return false;
        while (list.count > 0 && check_piece(call, &x, &list, &is_inside))
            ;
        if (!geo_done(call))
            return false;
    }
    r->b = is_inside;
    return geo_done(call);
}
TYPE_ROW_FUNCTION(polygon_contain, 2) { return contains(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(polygon_contained, 2) { return contains(call, a[1], a[0], r); }

static bool polygon_has(rdb_call *call, rdb_datum polygon_value, rdb_datum point, rdb_datum *r)
{
    geo_points polygon = geo_read_polygon(polygon_value);
    r->b = geo_locate(call, geo_read_point(point), &polygon) != GEO_OUTSIDE;
    return geo_done(call);
}
TYPE_ROW_FUNCTION(polygon_contain_point, 2) { return polygon_has(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(point_in_polygon, 2) { return polygon_has(call, a[1], a[0], r); }

static double polygon_to_point(rdb_call *call, const geo_points *polygon, geo_point p)
{
    if (geo_locate(call, p, polygon) != GEO_OUTSIDE)
        return 0;
    geo_segment side = {{geo_at(polygon, 0), geo_at(polygon, polygon->count - 1)}}; /* the last digit depends on the direction */
    double distance = geo_segment_to_point(call, &side, p, NULL);
    for (uint32_t i = 1; i < polygon->count; i++) {
        side = geo_side(polygon, i);
        double found = geo_segment_to_point(call, &side, p, NULL);
        if (geo_below(found, distance))
            distance = found;
    }
    return distance;
}

static bool distance_to_point(rdb_call *call, rdb_datum polygon_value, rdb_datum point, rdb_datum *r)
{
    geo_points polygon = geo_read_polygon(polygon_value);
    r->f8 = polygon_to_point(call, &polygon, geo_read_point(point));
    return geo_done(call);
}
TYPE_ROW_FUNCTION(distance_polygon_point, 2) { return distance_to_point(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(distance_point_polygon, 2) { return distance_to_point(call, a[1], a[0], r); }

static bool distance_to_circle(rdb_call *call, rdb_datum polygon_value, rdb_datum circle_value, rdb_datum *r)
{
    geo_points polygon = geo_read_polygon(polygon_value);
    geo_circle circle = geo_read_circle(circle_value);
    double distance = geo_sub(call, polygon_to_point(call, &polygon, circle.center), circle.radius);
    r->f8 = distance < 0 ? 0 : distance;
    return geo_done(call);
}
TYPE_ROW_FUNCTION(distance_polygon_circle, 2) { return distance_to_circle(call, a[0], a[1], r); }
TYPE_ROW_FUNCTION(distance_circle_polygon, 2) { return distance_to_circle(call, a[1], a[0], r); }

/* Around the mean of the corners, with their mean distance. */
static geo_circle circle_around(rdb_call *call, const geo_points *polygon)
{
    geo_circle circle = {{0, 0}, 0};
    for (uint32_t i = 0; i < polygon->count; i++)
        circle.center = geo_point_add(call, circle.center, geo_at(polygon, i));
    circle.center.x = geo_div(call, circle.center.x, polygon->count);
    circle.center.y = geo_div(call, circle.center.y, polygon->count);
    for (uint32_t i = 0; i < polygon->count; i++)
        circle.radius = geo_add(call, circle.radius, geo_distance(call, geo_at(polygon, i), circle.center));
    circle.radius = geo_div(call, circle.radius, polygon->count);
    return circle;
}

TYPE_ROW_FUNCTION(circle_of_polygon, 1)
{
    geo_points polygon = geo_read_polygon(a[0]);
    GEO_GIVE(circle_around(call, &polygon));
}

TYPE_ROW_FUNCTION(polygon_center, 1)
{
    geo_points polygon = geo_read_polygon(a[0]);
    GEO_GIVE(circle_around(call, &polygon).center);
}

TYPE_ROW_FUNCTION(box_of_polygon, 1)
{
    geo_points polygon = geo_read_polygon(a[0]);
    GEO_GIVE(geo_bounds(&polygon));
}

#define F RDB_KERNEL_FALLIBLE
static const type_kernel KERNELS[] = {
    {"path_n_lt", path_lt, 0, 0}, {"path_n_gt", path_gt, 0, 0}, {"path_n_eq", path_eq, 0, 0}, {"path_n_le", path_le, 0, 0}, {"path_n_ge", path_ge, 0, 0},
    {"path_isclosed", path_is_closed, 0, 0}, {"path_isopen", path_is_open, 0, 0}, {"path_npoints", path_count, 0, 0}, {"path_close", path_close, F, 0},
    {"path_open", path_open, F, 0}, {"poly_path", path_of_polygon, F, 0}, {"path_area", path_area, F, 0}, {"path_length", path_length, F, 0},
    {"path_inter", path_meet, F, 0}, {"path_distance", path_distance, F, 0}, {"dist_pathp", distance_path_point, F, 0}, {"dist_ppath", distance_point_path, F, 0},
    {"on_ppath", on_path, F, 0}, {NULL, path_contain_point, F, 1426}, {"path_add", path_concat, F, 0}, {"path_add_pt", path_add, F, 0},
    {"path_sub_pt", path_sub, F, 0}, {"path_mul_pt", path_mul, F, 0}, {"path_div_pt", path_div, F, 0},
    {"path_poly", polygon_of_path, F, 0}, {"poly_npoints", polygon_count, 0, 0}, {"poly_left", polygon_left, 0, 0}, {"poly_overleft", polygon_over_left, 0, 0},
    {"poly_right", polygon_right, 0, 0}, {"poly_overright", polygon_over_right, 0, 0}, {"poly_below", polygon_below, 0, 0},
    {"poly_overbelow", polygon_over_below, 0, 0}, {"poly_above", polygon_above, 0, 0}, {"poly_overabove", polygon_over_above, 0, 0},
    {"poly_same", polygon_same, 0, 0}, {"poly_overlap", polygon_overlap, F, 0}, {"poly_distance", polygon_distance, F, 0},
    {"poly_contain", polygon_contain, F, 0}, {"poly_contained", polygon_contained, F, 0}, {"poly_contain_pt", polygon_contain_point, F, 0},
    {"pt_contained_poly", point_in_polygon, F, 0}, {"dist_polyp", distance_polygon_point, F, 0}, {"dist_ppoly", distance_point_polygon, F, 0},
    {"dist_polyc", distance_polygon_circle, F, 0}, {"dist_cpoly", distance_circle_polygon, F, 0}, {"poly_circle", circle_of_polygon, F, 0},
    {"poly_center", polygon_center, F, 0}, {"poly_box", box_of_polygon, F, 0},
};
TYPE_KERNEL_TABLE(type_geo_path_table, KERNELS);
