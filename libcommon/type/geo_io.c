/* SPDX-License-Identifier: Apache-2.0
 * Text and wire forms of the geometric types, and the elements that subscripts reach in those of fixed length. */
#include "type/geo.h"
#include "type/tables.h"
#include <errno.h>
#include <stdlib.h>

uint8_t *geo_make_path(rdb_call *call, uint64_t count, bool is_closed, rdb_datum *value)
{
    if (count > GEO_POINTS_MAX) {
        rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many points requested");
        return NULL;
    }
    uint8_t *bytes = type_alloc(call, GEO_PATH_HEAD + (size_t)count * 16);
    if (bytes == NULL)
        return NULL;
    memcpy(bytes, &(uint32_t){is_closed}, GEO_PATH_HEAD);
    value->bytes = (rdb_bytes){.data = bytes, .length = (uint32_t)(GEO_PATH_HEAD + count * 16)};
    return bytes + GEO_PATH_HEAD;
}

uint8_t *geo_make_polygon(rdb_call *call, uint64_t count, rdb_datum *value)
{
    if (count > GEO_POINTS_MAX) {
        rdb_error_set(call->err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many points requested");
        return NULL;
    }
    uint8_t *bytes = type_alloc(call, (size_t)count * 16);
    if (bytes != NULL)
        value->bytes = (rdb_bytes){.data = bytes, .length = (uint32_t)(count * 16)};
    return bytes;
}

/* ---- reading text ------------------------------------------------------------------------------------------------------------- */
typedef struct geo_reader {
    rdb_call *call;
    const char *type_name;
    rdb_slice text;
    char *at; /* in a copy that ends with a zero */
} geo_reader;

static bool open_reader(geo_reader *in, rdb_call *call, const char *type_name, rdb_slice text)
{
    *in = (geo_reader){.call = call, .type_name = type_name, .text = text, .at = type_alloc(call, text.length + 1)};
    if (in->at == NULL)
        return false;
    if (text.length > 0)
        memcpy(in->at, text.data, text.length);
    in->at[text.length] = '\0';
    return true;
}

static bool refuse(geo_reader *in)
{
    return type_bad_input(in->call, in->type_name, in->text);
}

static void skip_spaces(geo_reader *in)
{
    while (type_is_space((unsigned char)*in->at))
        in->at++;
}

static bool skip_char(geo_reader *in, char c)
{
    if (*in->at != c)
        return false;
    in->at++;
    return true;
}

static bool read_end(geo_reader *in)
{
    return *in->at == '\0' || refuse(in);
}

static bool read_number(geo_reader *in, double *number)
{
    char *end;
    skip_spaces(in);
    errno = 0;
    *number = strtod(in->at, &end);
    if (end == in->at)
        return refuse(in);
    if (errno == ERANGE && (*number == 0 || isinf(*number)))
        return rdb_error_set(in->call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "\"%.*s\" is out of range for type double precision", (int)(end - in->at), in->at);
    in->at = end;
    skip_spaces(in);
    return true;
}

/* "x,y" or "(x,y)" */
static bool read_pair(geo_reader *in, geo_point *point)
{
    skip_spaces(in);
    bool has_parenthesis = skip_char(in, '(');
    if (!read_number(in, &point->x))
        return false;
    if (!skip_char(in, ','))
        return refuse(in);
    if (!read_number(in, &point->y))
        return false;
    if (has_parenthesis) {
        if (!skip_char(in, ')'))
            return refuse(in);
        skip_spaces(in);
    }
    return true;
}

/* count pairs, with commas between or without, in up to one pair of brackets or parentheses of their own. */
static bool read_pairs(geo_reader *in, bool may_be_open, uint32_t count, uint8_t *points, bool *is_open)
{
    int depth = 0;
    skip_spaces(in);
    *is_open = *in->at == '[';
    if (*is_open) {
        if (!may_be_open)
            return refuse(in);
        depth++;
        in->at++;
    } else if (*in->at == '(') {
        char *inner = in->at + 1;
        while (type_is_space((unsigned char)*inner))
            inner++;
        /* "((1,2),(3,4))", or the only one there is: "(1,2,3,4)" */
        if (*inner == '(' || strrchr(in->at, '(') == in->at) {
            depth++;
            in->at = inner;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        geo_point point;
        if (!read_pair(in, &point))
            return false;
        skip_char(in, ',');
        geo_put(points, i, point);
    }
    for (; depth > 0; depth--) {
        if (!skip_char(in, ')') && !(*is_open && skip_char(in, ']')))
            return refuse(in);
        skip_spaces(in);
    }
    return true;
}

/* How many pairs the commas promise; 0: they cannot be pairs. */
static uint32_t count_pairs(const geo_reader *in)
{
    uint32_t commas = 0;
    for (const char *at = in->at; (at = strchr(at, ',')) != NULL; at++)
        commas++;
    return commas % 2 != 0 ? (commas + 1) / 2 : 0;
}

static bool point_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    geo_point point;
    return open_reader(&in, call, "point", text) && read_pair(&in, &point) && read_end(&in) && type_make_bytes(call, &point, sizeof point, value);
}

static bool segment_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    uint8_t points[32];
    bool is_open;
    return open_reader(&in, call, "lseg", text) && read_pairs(&in, true, 2, points, &is_open) && read_end(&in) &&
           type_make_bytes(call, points, sizeof points, value);
}

static bool box_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    uint8_t points[32];
    bool is_open;
    if (!open_reader(&in, call, "box", text) || !read_pairs(&in, false, 2, points, &is_open) || !read_end(&in))
        return false;
    geo_points pair = {.bytes = points, .count = 2};
    geo_box box = geo_box_of(geo_at(&pair, 0), geo_at(&pair, 1));
    return type_make_bytes(call, &box, sizeof box, value);
}

static bool line_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    geo_line line;
    if (!open_reader(&in, call, "line", text))
        return false;
    skip_spaces(&in);
    if (skip_char(&in, '{')) {
        if (!read_number(&in, &line.a) || !(skip_char(&in, ',') || refuse(&in)) || !read_number(&in, &line.b) ||
            !(skip_char(&in, ',') || refuse(&in)) || !read_number(&in, &line.c) || !(skip_char(&in, '}') || refuse(&in)))
            return false;
        skip_spaces(&in);
        if (!read_end(&in))
            return false;
        if (geo_zero(line.a) && geo_zero(line.b))
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid line specification: A and B cannot both be zero");
    } else {
        uint8_t points[32];
        bool is_open;
        if (!read_pairs(&in, true, 2, points, &is_open) || !read_end(&in))
            return false;
        geo_points pair = {.bytes = points, .count = 2};
        geo_point p = geo_at(&pair, 0), q = geo_at(&pair, 1);
        if (geo_same_point(p, q))
            return rdb_error_set(call->err, RDB_INVALID_TEXT_REPRESENTATION, "invalid line specification: must be two distinct points");
        line = geo_line_through(call, p, geo_slope(call, p, q));
    }
    return geo_done(call) && type_make_bytes(call, &line, sizeof line, value);
}

static bool circle_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    geo_circle circle;
    int depth = 0;
    if (!open_reader(&in, call, "circle", text))
        return false;
    skip_spaces(&in);
    if (*in.at == '<') {
        depth++;
        in.at++;
    } else if (*in.at == '(') {
        char *inner = in.at + 1;
        while (type_is_space((unsigned char)*inner))
            inner++;
        if (*inner == '(') {
            depth++;
            in.at = inner;
        }
    }
    if (!read_pair(&in, &circle.center))
        return false;
    skip_char(&in, ',');
    if (!read_number(&in, &circle.radius))
        return false;
    if (circle.radius < 0) /* not a number may be one */
        return refuse(&in);
    for (; depth > 0; depth--) {
        if (!skip_char(&in, ')') && !skip_char(&in, '>'))
            return refuse(&in);
        skip_spaces(&in);
    }
    return read_end(&in) && type_make_bytes(call, &circle, sizeof circle, value);
}

static bool path_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    bool is_open, is_wrapped = false;
    if (!open_reader(&in, call, "path", text))
        return false;
    uint32_t count = count_pairs(&in);
    if (count == 0)
        return refuse(&in);
    skip_spaces(&in);
    if (*in.at == '(' && strrchr(in.at, '(') == in.at) {
        is_wrapped = true;
        in.at++;
    }
    uint8_t *points = geo_make_path(call, count, true, value);
    if (points == NULL || !read_pairs(&in, true, count, points, &is_open))
        return false;
    if (is_wrapped) {
        if (!skip_char(&in, ')'))
            return refuse(&in);
        skip_spaces(&in);
    }
    memcpy(points - GEO_PATH_HEAD, &(uint32_t){!is_open}, GEO_PATH_HEAD);
    return read_end(&in);
}

static bool polygon_input(TYPE_OPS_PARAMETERS_INPUT)
{
    geo_reader in;
    bool is_open;
    if (!open_reader(&in, call, "polygon", text))
        return false;
    uint32_t count = count_pairs(&in);
    if (count == 0)
        return refuse(&in);
    uint8_t *points = geo_make_polygon(call, count, value);
    return points != NULL && read_pairs(&in, false, count, points, &is_open) && read_end(&in);
}

/* ---- printing ----------------------------------------------------------------------------------------------------------------- */
static void add_numbers(rdb_call *call, rdb_strbuf *text, const double *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        if (i > 0)
            rdb_strbuf_addc(text, ',');
        type_add_float8(text, numbers[i], call->format->extra_float_digits);
    }
}

static void add_points(rdb_call *call, rdb_strbuf *text, const geo_points *points)
{
    for (uint32_t i = 0; i < points->count; i++) {
        geo_point p = geo_at(points, i);
        rdb_strbuf_adds(text, i > 0 ? ",(" : "(");
        add_numbers(call, text, (double[]){p.x, p.y}, 2);
        rdb_strbuf_addc(text, ')');
    }
}

static bool points_output(TYPE_OPS_PARAMETERS_OUTPUT) /* points, segments, boxes, polygons, paths */
{
    uint32_t oid = type_base(type)->oid;
    geo_points points = oid == RDB_PATHOID ? geo_read_path(value) : geo_read_polygon(value);
    bool is_open = oid == RDB_LSEGOID || !points.is_closed, is_bare = oid == RDB_POINTOID || oid == RDB_BOXOID;
    if (!is_bare)
        rdb_strbuf_addc(text, is_open ? '[' : '(');
    add_points(call, text, &points);
    if (!is_bare)
        rdb_strbuf_addc(text, is_open ? ']' : ')');
    return true;
}

static bool line_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    geo_line line = geo_read_line(value);
    rdb_strbuf_addc(text, '{');
    add_numbers(call, text, (double[]){line.a, line.b, line.c}, 3);
    rdb_strbuf_addc(text, '}');
    return true;
}

static bool circle_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    geo_circle circle = geo_read_circle(value);
    rdb_strbuf_adds(text, "<(");
    add_numbers(call, text, (double[]){circle.center.x, circle.center.y}, 2);
    rdb_strbuf_adds(text, "),");
    add_numbers(call, text, &circle.radius, 1);
    rdb_strbuf_addc(text, '>');
    return true;
}

/* ---- the wire: doubles, most significant byte first; before them what a path is, and the number of points ------------------------ */
static double read_wire(const uint8_t *at)
{
    uint64_t bits = type_be64(at);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void add_wire(rdb_strbuf *bytes, const uint8_t *stored, size_t length)
{
    for (size_t i = 0; i < length; i += 8) {
        uint64_t bits;
        memcpy(&bits, stored + i, sizeof bits);
        type_add_be64(bytes, bits);
    }
}

static bool fixed_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    uint32_t oid = type_base(type)->oid;
    double numbers[4];
    size_t count = oid == RDB_POINTOID ? 2 : oid == RDB_LINEOID || oid == RDB_CIRCLEOID ? 3 : 4;
    if (text.length != count * 8)
        return type_bad_binary(call);
    for (size_t i = 0; i < count; i++)
        numbers[i] = read_wire(text.data + i * 8);
    if (oid == RDB_LINEOID && geo_zero(numbers[0]) && geo_zero(numbers[1]))
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid line specification: A and B cannot both be zero");
    if (oid == RDB_CIRCLEOID && numbers[2] < 0)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid radius in external \"circle\" value");
    if (oid == RDB_BOXOID) {
        /* the upper corner comes first; corners as high as each other (0 and -0, two NaNs) stay where they are */
        geo_box box = geo_box_of((geo_point){numbers[2], numbers[3]}, (geo_point){numbers[0], numbers[1]});
        return type_make_bytes(call, &box, sizeof box, value);
    }
    return type_make_bytes(call, numbers, count * 8, value);
}

static bool fixed_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    add_wire(text, value.bytes.data, value.bytes.length);
    return true;
}

static bool points_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    bool is_path = type_base(type)->oid == RDB_PATHOID;
    size_t head = is_path ? 5 : 4;
    if (text.length < head)
        return type_bad_binary(call);
    uint32_t count = type_be32(text.data + head - 4);
    if (count == 0 || count > GEO_POINTS_MAX)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid number of points in external \"%s\" value", is_path ? "path" : "polygon");
    if (text.length != head + (size_t)count * 16)
        return type_bad_binary(call);
    uint8_t *points = is_path ? geo_make_path(call, count, text.data[0] != 0, value) : geo_make_polygon(call, count, value);
    if (points == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = text.data + head + (size_t)i * 16;
        geo_put(points, i, (geo_point){read_wire(at), read_wire(at + 8)});
    }
    return true;
}

static bool points_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    bool is_path = type_base(type)->oid == RDB_PATHOID;
    geo_points points = is_path ? geo_read_path(value) : geo_read_polygon(value);
    if (is_path)
        rdb_strbuf_addc(text, points.is_closed);
    type_add_be32(text, points.count);
    add_wire(text, points.bytes, (size_t)points.count * 16);
    return true;
}

/* Not one of these types has an order or an equality that groups could be made by. */
const rdb_type_ops type_point_ops = {.input = point_input, .output = points_output, .receive = fixed_receive, .send = fixed_send};
const rdb_type_ops type_lseg_ops = {.input = segment_input, .output = points_output, .receive = fixed_receive, .send = fixed_send};
const rdb_type_ops type_box_ops = {.input = box_input, .output = points_output, .receive = fixed_receive, .send = fixed_send};
const rdb_type_ops type_line_ops = {.input = line_input, .output = line_output, .receive = fixed_receive, .send = fixed_send};
const rdb_type_ops type_circle_ops = {.input = circle_input, .output = circle_output, .receive = fixed_receive, .send = fixed_send};
const rdb_type_ops type_path_ops = {.input = path_input, .output = points_output, .receive = points_receive, .send = points_send};
const rdb_type_ops type_polygon_ops = {.input = polygon_input, .output = points_output, .receive = points_receive, .send = points_send};

/* ---- elements ----------------------------------------------------------------------------------------------------------------- */
uint32_t rdb_fixed_element(uint32_t type_oid)
{
    switch (type_oid) {
    case RDB_POINTOID:
    case RDB_LINEOID:
        return RDB_FLOAT8OID;
    case RDB_LSEGOID:
    case RDB_BOXOID:
        return RDB_POINTOID;
    default:
        return 0;
    }
}

bool rdb_fixed_get(uint32_t type_oid, rdb_datum value, int32_t subscript, rdb_datum *element)
{
    uint32_t width = rdb_fixed_element(type_oid) == RDB_POINTOID ? 16 : 8;
    if (subscript < 0 || (uint32_t)subscript >= value.bytes.length / width)
        return false;
    const uint8_t *at = value.bytes.data + (size_t)subscript * width;
    element->words[0] = element->words[1] = 0;
    if (width == 16)
        element->bytes = (rdb_bytes){.data = at, .length = width};
    else
        memcpy(&element->f8, at, sizeof element->f8);
    return true;
}

bool rdb_fixed_assign(rdb_call *call, uint32_t type_oid, rdb_datum value, int32_t subscript, rdb_datum element, rdb_datum *result)
{
    uint32_t width = rdb_fixed_element(type_oid) == RDB_POINTOID ? 16 : 8;
    if (subscript < 0 || (uint32_t)subscript >= value.bytes.length / width)
        return rdb_error_set(call->err, RDB_ARRAY_SUBSCRIPT_ERROR, "array subscript out of range");
    uint8_t *copy = type_alloc(call, value.bytes.length);
    if (copy == NULL)
        return false;
    memcpy(copy, value.bytes.data, value.bytes.length);
    if (width == 16)
        memcpy(copy + (size_t)subscript * width, element.bytes.data, width);
    else
        memcpy(copy + (size_t)subscript * width, &element.f8, width);
    result->bytes = (rdb_bytes){.data = copy, .length = value.bytes.length};
    return true;
}
