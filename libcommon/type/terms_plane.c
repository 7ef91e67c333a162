/* SPDX-License-Identifier: Apache-2.0
 * Terms of points, boxes, circles and polygons: a hierarchy of grids on a B+tree. A shape goes by its box, its coordinates become
 * 32-bit numbers that keep their order. Boxes are put in classes by the bits of their longer side, and in a class ordered along a
 * Z curve by their lower left corner (Morton 1966; Tropf, Herzog, "Multidimensional range search in dynamically balanced trees",
 * 1981). Where boxes of a class can begin that meet a search is a rectangle, which is read as a few stretches of the curve.
 *
 *   a KEY term's bytes:  0 1 class   1 8 Z number of the lower left corner, big-endian
 * A shape with a coordinate that is no number has the term RDB_TERM_NULL: every search meets it. */
#include "type/geo.h"
#include "type/terms.h"

enum { GIST_METHOD = 783, SPGIST_METHOD = 4000, STRETCHES_MAX = 8 };

typedef struct grid_box {
    uint32_t low[2], high[2];
} grid_box;

/* ---- shapes ---------------------------------------------------------------------------------------------------------------- */
static bool box_of_shape(uint32_t type_oid, rdb_datum value, geo_box *box)
{
    switch (type_oid) {
    case RDB_POINTOID: {
        const geo_point p = geo_read_point(value);
        *box = (geo_box){p, p};
        break;
    }
    case RDB_BOXOID: *box = geo_read_box(value); break;
    case RDB_CIRCLEOID: {
        const geo_circle c = geo_read_circle(value);
        *box = (geo_box){{c.center.x + c.radius, c.center.y + c.radius}, {c.center.x - c.radius, c.center.y - c.radius}};
        break;
    }
    case RDB_POLYGONOID: {
        const geo_points points = geo_read_polygon(value);
        *box = geo_bounds(&points);
        break;
    }
    default: return false;
    }
    return !(isnan(box->low.x) || isnan(box->low.y) || isnan(box->high.x) || isnan(box->high.y));
}

/* The order of doubles as that of numbers, in 32 bits. */
static uint32_t ordinal(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    return (uint32_t)(bits >> 32);
}

/* slack: what geometric comparisons take for equal. */
static grid_box grid_of(const geo_box *box, double slack)
{
    return (grid_box){{ordinal(box->low.x - slack), ordinal(box->low.y - slack)}, {ordinal(box->high.x + slack), ordinal(box->high.y + slack)}};
}

static unsigned class_of(const grid_box *box)
{
    const uint32_t longer = RDB_MAX(box->high[0] - box->low[0], box->high[1] - box->low[1]);
    return longer == 0 ? 0 : 32 - (unsigned)__builtin_clz(longer);
}

static uint64_t spread(uint32_t number)
{
    uint64_t x = number;
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & UINT64_C(0x5555555555555555);
}

static void add_number(rdb_strbuf *term, uint64_t number)
{
    for (int i = 56; i >= 0; i -= 8)
        rdb_strbuf_addc(term, (char)(number >> i));
}

static bool extract_shape(term_work *w, rdb_datum value)
{
    geo_box box;
    rdb_strbuf term;
    if (!box_of_shape(w->type->oid, value, &box))
        return term_add_plain(w, RDB_TERM_NULL);
    const grid_box grid = grid_of(&box, 0);
    term_begin(w, RDB_TERM_KEY, &term);
    rdb_strbuf_addc(&term, (char)class_of(&grid));
    add_number(&term, spread(grid.low[0]) << 1 | spread(grid.low[1]));
    return term_add(w, &term);
}

/* ---- searches ---------------------------------------------------------------------------------------------------------------- */
typedef struct stretches {
    uint64_t from[STRETCHES_MAX * 4 + 4], to[STRETCHES_MAX * 4 + 4];
    uint32_t count;
} stretches;

/* Squares of the curve, the largest first, cut into four where they are only partly in the rectangle and cuts are left. */
static void cover(const uint32_t low[2], const uint32_t high[2], stretches *found)
{
    struct { uint32_t x, y; unsigned bits; } work[64];
    uint32_t count = 1, cuts = 0;
    work[0].x = work[0].y = 0;
    work[0].bits = 32;
    found->count = 0;
    for (uint32_t at = 0; at < count; at++) { /* breadth first */
        const unsigned bits = work[at].bits;
        const uint32_t side = bits == 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1, x = work[at].x, y = work[at].y;
        if (x > high[0] || y > high[1] || x + side < low[0] || y + side < low[1])
            continue;
        const bool is_inside = x >= low[0] && y >= low[1] && x + side <= high[0] && y + side <= high[1];
        uint32_t parts = 0, only = 0;
        for (uint32_t q = 0; q < 4 && bits > 0; q++) {
            const uint32_t half = UINT32_C(1) << (bits - 1), px = x + (q & 1 ? half : 0), py = y + (q & 2 ? half : 0);
            if (px <= high[0] && py <= high[1] && px + (half - 1) >= low[0] && py + (half - 1) >= low[1]) {
                parts++;
                only = q;
            }
        }
        if (!is_inside && bits > 0 && (parts == 1 || (cuts < STRETCHES_MAX && count + 4 <= RDB_COUNT_OF(work)))) {
            const uint32_t half = UINT32_C(1) << (bits - 1);
            if (parts == 1) { /* goes on in one of them: no new stretch */
                work[at].x = x + (only & 1 ? half : 0);
                work[at].y = y + (only & 2 ? half : 0);
                work[at].bits = bits - 1;
                at--;
                continue;
            }
            cuts++;
            for (uint32_t q = 0; q < 4; q++) {
                work[count].x = x + (q & 1 ? half : 0);
                work[count].y = y + (q & 2 ? half : 0);
                work[count++].bits = bits - 1;
            }
            continue;
        }
        const uint64_t first = spread(x) << 1 | spread(y);
        found->from[found->count] = first;
        found->to[found->count++] = first + (bits == 32 ? UINT64_MAX : (UINT64_C(1) << 2 * bits) - 1);
    }
}

/* The rows whose box may begin within, and reach into, the rectangle. */
static rdb_term_query *ask_rectangle(term_work *w, const grid_box *area, bool begins_within)
{
    rdb_term_query *all = term_query(w, RDB_TERMS_OR);
    const unsigned last = w->type->oid == RDB_POINTOID ? 0 : 32;
    for (unsigned class = 0; class <= last; class++) {
        const uint32_t longest = class == 32 ? UINT32_MAX : (UINT32_C(1) << class) - 1;
        uint32_t low[2];
        stretches found;
        for (int i = 0; i < 2; i++)
            low[i] = begins_within ? area->low[i] : area->low[i] > longest ? area->low[i] - longest : 0;
        cover(low, area->high, &found);
        for (uint32_t i = 0; i < found.count; i++) {
            rdb_strbuf from, to;
            term_begin(w, RDB_TERM_KEY, &from);
            rdb_strbuf_addc(&from, (char)class);
            term_begin(w, RDB_TERM_KEY, &to);
            rdb_strbuf_addc(&to, (char)class);
            add_number(&from, found.from[i]);
            add_number(&to, found.to[i]);
            rdb_term_query *one = term_query_of(w, &from);
            one->upper = (rdb_slice){(const uint8_t *)to.data, to.length};
            term_query_add(w, all, one);
        }
    }
    term_query_add(w, all, term_query_plain(w, RDB_TERM_NULL));
    w->is_inexact = true;
    return all;
}

static bool ask_shape(term_work *w, rdb_datum value, rdb_term_query **query)
{
    enum { LEFT = 1, OVERLEFT, OVERLAPS, OVERRIGHT, RIGHT, SAME, CONTAINS, CONTAINED, OVERBELOW, BELOW, ABOVE, OVERABOVE, POINT_BELOW = 29, POINT_ABOVE = 30,
           POINT_IN_BOX = 28, POINT_IN_POLYGON = 48, POINT_IN_CIRCLE = 68 };
    geo_box box;
    if (!box_of_shape(w->query_type->oid, value, &box))
        return true;
    const grid_box near = grid_of(&box, 4 * GEO_EPSILON + 4 * GEO_EPSILON * RDB_MAX(fabs(box.high.x), fabs(box.high.y)));
    grid_box area = {{0, 0}, {UINT32_MAX, UINT32_MAX}};
    bool begins_within = true; /* the sides ask where boxes begin */
    switch (w->strategy) {
    case LEFT: area.high[0] = near.high[0]; break;
    case OVERLEFT: area.high[0] = near.high[0]; break;
    case RIGHT:
    case OVERRIGHT: area.low[0] = near.low[0]; break;
    case BELOW:
    case POINT_BELOW:
    case OVERBELOW: area.high[1] = near.high[1]; break;
    case ABOVE:
    case POINT_ABOVE:
    case OVERABOVE: area.low[1] = near.low[1]; break;
    case OVERLAPS:
    case SAME:
    case CONTAINS:
    case CONTAINED:
    case POINT_IN_BOX:
    case POINT_IN_POLYGON:
    case POINT_IN_CIRCLE:
        area = near;
        begins_within = false;
        break;
    default: return true;
    }
    *query = ask_rectangle(w, &area, begins_within);
    return true;
}

const rdb_term_class term_plane_classes[] = {
    {GIST_METHOD, "gist_point_consistent", extract_shape, ask_shape, NULL}, {GIST_METHOD, "gist_box_consistent", extract_shape, ask_shape, NULL},
    {GIST_METHOD, "gist_circle_consistent", extract_shape, ask_shape, NULL}, {GIST_METHOD, "gist_poly_consistent", extract_shape, ask_shape, NULL},
    {SPGIST_METHOD, "spg_quad_config", extract_shape, ask_shape, NULL},      {SPGIST_METHOD, "spg_kd_config", extract_shape, ask_shape, NULL},
    {SPGIST_METHOD, "spg_box_quad_config", extract_shape, ask_shape, NULL},  {SPGIST_METHOD, "spg_bbox_quad_config", extract_shape, ask_shape, NULL},
};
const size_t term_plane_class_count = RDB_COUNT_OF(term_plane_classes);
