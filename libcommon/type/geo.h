/* SPDX-License-Identifier: Apache-2.0
 * Points, lines, segments, boxes, paths, polygons and circles of the plane. Stored values are IEEE doubles as the machine
 * has them, without padding:
 *
 *    point    16  x, y
 *    lseg     32  two points
 *    box      32  two points: the upper right corner, the lower left one; x and y are each in order
 *    line     24  A, B, C of Ax + By + C = 0; A and B are not both zero
 *    circle   24  center, radius
 *    path      4  1: closed, 0: open; then its points, one at least
 *    polygon      its points, one at least
 *
 * Comparisons are fuzzy, as PostgreSQL's are: what differs by no more than GEO_EPSILON is equal. Arithmetic goes through
 * geo_add and its kin: a result that leaves the range of a double sets call->err, the first such error stays, and the
 * function of the row answers with geo_done. */
#ifndef RDB_TYPE_GEO_H
#define RDB_TYPE_GEO_H

#include "type/type_int.h"
#include <assert.h>
#include <math.h>

typedef struct geo_point { double x, y; } geo_point;
typedef struct geo_segment { geo_point p[2]; } geo_segment;
typedef struct geo_line { double a, b, c; } geo_line;
typedef struct geo_box { geo_point high, low; } geo_box;
typedef struct geo_circle { geo_point center; double radius; } geo_circle;
static_assert(sizeof(geo_point) == 16 && sizeof(geo_segment) == 32 && sizeof(geo_line) == 24 && sizeof(geo_box) == 32 && sizeof(geo_circle) == 24,
              "the drawing above and the structs disagree");
/* The points of a path or polygon; they stand in the value, on any address. */
typedef struct geo_points {
    const uint8_t *bytes;
    uint32_t count;
    bool is_closed;
} geo_points;
#define GEO_PATH_HEAD 4
#define GEO_POINTS_MAX (TYPE_BYTES_MAX / 16 - 1)

/* ---- values ------------------------------------------------------------------------------------------------------------------- */
#define GEO_READER(name, type)                                                  \
    static inline type name(rdb_datum value)                                    \
    {                                                                           \
        type result = {0};                                                      \
        RDB_ASSERT(value.bytes.length == sizeof result);                        \
        memcpy(&result, value.bytes.data, sizeof result);                       \
        return result;                                                          \
    }
GEO_READER(geo_read_point, geo_point)
GEO_READER(geo_read_segment, geo_segment)
GEO_READER(geo_read_line, geo_line)
GEO_READER(geo_read_box, geo_box)
GEO_READER(geo_read_circle, geo_circle)
static inline geo_points geo_read_path(rdb_datum value)
{
    uint32_t is_closed;
    memcpy(&is_closed, value.bytes.data, sizeof is_closed);
    return (geo_points){.bytes = value.bytes.data + GEO_PATH_HEAD, .count = (value.bytes.length - GEO_PATH_HEAD) / 16, .is_closed = is_closed != 0};
}
static inline geo_points geo_read_polygon(rdb_datum value)
{
    return (geo_points){.bytes = value.bytes.data, .count = value.bytes.length / 16, .is_closed = true};
}
static inline geo_point geo_at(const geo_points *points, uint32_t i)
{
    geo_point result;
    memcpy(&result, points->bytes + (size_t)i * 16, sizeof result);
    return result;
}
/* A new path or polygon whose points the caller fills in; NULL with an error. */
uint8_t *geo_make_path(rdb_call *call, uint64_t count, bool is_closed, rdb_datum *value);
uint8_t *geo_make_polygon(rdb_call *call, uint64_t count, rdb_datum *value);
static inline void geo_put(uint8_t *points, uint64_t i, geo_point point)
{
    memcpy(points + i * 16, &point, sizeof point);
}
static inline bool geo_done(const rdb_call *call)
{
    return !rdb_error_is_set(call->err);
}
#define GEO_GIVE(...)                                                           \
    do {                                                                        \
        __auto_type given_ = (__VA_ARGS__);                                     \
        return geo_done(call) && type_make_bytes(call, &given_, sizeof given_, r); \
    } while (0)

/* ---- numbers ------------------------------------------------------------------------------------------------------------------ */
#define GEO_EPSILON 1.0e-06
static inline bool geo_zero(double x) { return fabs(x) <= GEO_EPSILON; }
static inline bool geo_eq(double x, double y) { return x == y || fabs(x - y) <= GEO_EPSILON; }
static inline bool geo_lt(double x, double y) { return x + GEO_EPSILON < y; }
static inline bool geo_le(double x, double y) { return x <= y + GEO_EPSILON; }
static inline bool geo_gt(double x, double y) { return x > y + GEO_EPSILON; }
static inline bool geo_ge(double x, double y) { return x + GEO_EPSILON >= y; }
/* The order of float8: NaN equals itself and is above all. */
static inline bool geo_below(double x, double y) { return !isnan(x) && (isnan(y) || x < y); }
static inline bool geo_identical(double x, double y) { return isnan(x) ? isnan(y) : x == y; }
static inline double geo_min(double x, double y) { return geo_below(x, y) ? x : y; }
static inline double geo_max(double x, double y) { return geo_below(y, x) ? x : y; }
double geo_overflow(rdb_call *call);
double geo_underflow(rdb_call *call);
double geo_division_by_zero(rdb_call *call);
static inline double geo_add(rdb_call *call, double x, double y)
{
    double z = x + y;
    return isinf(z) && !isinf(x) && !isinf(y) ? geo_overflow(call) : z;
}
static inline double geo_sub(rdb_call *call, double x, double y)
{
    double z = x - y;
    return isinf(z) && !isinf(x) && !isinf(y) ? geo_overflow(call) : z;
}
static inline double geo_mul(rdb_call *call, double x, double y)
{
    double z = x * y;
    if (isinf(z) && !isinf(x) && !isinf(y))
        return geo_overflow(call);
    return z == 0 && x != 0 && y != 0 ? geo_underflow(call) : z;
}
static inline double geo_div(rdb_call *call, double x, double y)
{
    if (y == 0 && !isnan(x))
        return geo_division_by_zero(call);
    double z = x / y;
    if (isinf(z) && !isinf(x))
        return geo_overflow(call);
    return z == 0 && x != 0 && !isinf(y) ? geo_underflow(call) : z;
}
double geo_hypot(rdb_call *call, double x, double y);

/* ---- geo_plane.c: what holds of points, lines and segments ---------------------------------------------------------------------- */
bool geo_same_point(geo_point p, geo_point q);
geo_point geo_point_add(rdb_call *call, geo_point p, geo_point q);
geo_point geo_point_sub(rdb_call *call, geo_point p, geo_point q);
geo_point geo_point_mul(rdb_call *call, geo_point p, geo_point q); /* as complex numbers */
geo_point geo_point_div(rdb_call *call, geo_point p, geo_point q);
geo_point geo_middle(rdb_call *call, geo_point p, geo_point q);
double geo_distance(rdb_call *call, geo_point p, geo_point q);
double geo_slope(rdb_call *call, geo_point p, geo_point q);          /* infinite: vertical */
double geo_slope_across(rdb_call *call, geo_point p, geo_point q);   /* of what stands perpendicular on them */
double geo_line_slope(rdb_call *call, const geo_line *line);
double geo_line_slope_across(rdb_call *call, const geo_line *line);
geo_line geo_line_through(rdb_call *call, geo_point p, double slope);
bool geo_line_has(rdb_call *call, const geo_line *line, geo_point p);
bool geo_segment_has(rdb_call *call, const geo_segment *segment, geo_point p);
/* Where two meet; at may be NULL. */
bool geo_lines_meet(rdb_call *call, const geo_line *l, const geo_line *m, geo_point *at);
bool geo_segment_meets_line(rdb_call *call, const geo_segment *s, const geo_line *l, geo_point *at);
bool geo_segments_meet(rdb_call *call, const geo_segment *s, const geo_segment *t, geo_point *at);
bool geo_box_meets_segment(rdb_call *call, const geo_box *box, const geo_segment *s, geo_point *at);
/* The distance, and (at, may be NULL) the nearest point of the first to the second. NaN: there is none. */
double geo_line_to_point(rdb_call *call, const geo_line *l, geo_point p, geo_point *at);
double geo_segment_to_point(rdb_call *call, const geo_segment *s, geo_point p, geo_point *at);
double geo_segment_to_line(rdb_call *call, const geo_segment *s, const geo_line *l, geo_point *at);
double geo_segment_to_segment(rdb_call *call, const geo_segment *s, const geo_segment *t, geo_point *at);
double geo_box_to_point(rdb_call *call, const geo_box *box, geo_point p, geo_point *at);
double geo_box_to_segment(rdb_call *call, const geo_box *box, const geo_segment *s, geo_point *at);
/* Boxes. */
geo_box geo_box_of(geo_point p, geo_point q);
bool geo_box_has(const geo_box *box, geo_point p);
bool geo_boxes_overlap(const geo_box *a, const geo_box *b);
bool geo_box_covers(const geo_box *a, const geo_box *b);
geo_point geo_box_center(rdb_call *call, const geo_box *box);
void geo_box_sides(const geo_box *box, geo_segment sides[4]);
/* Rows of points. The i-th side of a closed one ends in its i-th point; an open one has no side 0. */
geo_box geo_bounds(const geo_points *points);
geo_segment geo_side(const geo_points *points, uint32_t i);
enum { GEO_OUTSIDE, GEO_INSIDE, GEO_ON_EDGE };
int geo_locate(rdb_call *call, geo_point p, const geo_points *polygon);

#endif
