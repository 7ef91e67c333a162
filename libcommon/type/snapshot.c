/* SPDX-License-Identifier: Apache-2.0
 * pg_snapshot and its older name txid_snapshot: xmin:xmax:xip,... in 64-bit numbers. A value is those numbers in the server's own
 * order: xmin, xmax, then the running ones between them, ascending and each once. */
#include "type/tables.h"
#include "type/type_int.h"

enum { HEAD_BYTES = 16, NUMBER_BYTES = 8, BINARY_HEAD = 20, COUNT_MAX = 1 << 24 };

static uint64_t number_at(rdb_bytes value, size_t no)
{
    uint64_t number;
    memcpy(&number, value.data + no * NUMBER_BYTES, sizeof number);
    return number;
}

static size_t running_count(rdb_bytes value)
{
    return (value.length - HEAD_BYTES) / NUMBER_BYTES;
}

/* Digits, up to the byte that ends them. */
static bool read_number(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
    const uint8_t *begin = *at;
    *number = 0;
    for (; *at < end && type_is_digit(**at); ++*at)
        if (__builtin_mul_overflow(*number, UINT64_C(10), number) || __builtin_add_overflow(*number, (uint64_t)(**at - '0'), number))
            return false;
    return *at > begin;
}

static bool snapshot_input(TYPE_OPS_PARAMETERS_INPUT)
{
    const uint8_t *at = text.data, *end = text.data + text.length;
    uint64_t xmin, xmax, last = 0;
    rdb_strbuf bytes;
    rdb_strbuf_init(&bytes, call->arena);
    if (!read_number(&at, end, &xmin) || at == end || *at++ != ':' || !read_number(&at, end, &xmax) || at == end || *at++ != ':' || xmin == 0 || xmax == 0 || xmax < xmin || xmax > INT64_MAX)
        return type_bad_input(call, "pg_snapshot", text);
    rdb_strbuf_add(&bytes, &xmin, sizeof xmin);
    rdb_strbuf_add(&bytes, &xmax, sizeof xmax);
    while (at < end) {
        uint64_t running;
        if (!read_number(&at, end, &running) || running < xmin || running >= xmax || running < last || (at < end && *at++ != ','))
            return type_bad_input(call, "pg_snapshot", text);
        if (running != last)
            rdb_strbuf_add(&bytes, &running, sizeof running);
        last = running;
    }
    return rdb_strbuf_check(&bytes, call->err) && type_make_bytes(call, bytes.data, bytes.length, value);
}

static bool snapshot_output(TYPE_OPS_PARAMETERS_OUTPUT)
{
    rdb_strbuf_addf(text, "%llu:%llu:", (unsigned long long)number_at(value.bytes, 0), (unsigned long long)number_at(value.bytes, 1));
    for (size_t i = 0; i < running_count(value.bytes); i++)
        rdb_strbuf_addf(text, i > 0 ? ",%llu" : "%llu", (unsigned long long)number_at(value.bytes, 2 + i));
    return !text->failed;
}

static void put_big(rdb_strbuf *text, uint64_t number, int bytes)
{
    while (bytes-- > 0)
        rdb_strbuf_addc(text, (char)(number >> (8 * bytes)));
}

static uint64_t get_big(const uint8_t *at, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

static bool snapshot_send(TYPE_OPS_PARAMETERS_OUTPUT)
{
    put_big(text, running_count(value.bytes), 4);
    for (size_t i = 0; i < running_count(value.bytes) + 2; i++)
        put_big(text, number_at(value.bytes, i), NUMBER_BYTES);
    return !text->failed;
}

static bool snapshot_receive(TYPE_OPS_PARAMETERS_INPUT)
{
    rdb_strbuf bytes;
    uint64_t last = 0;
    rdb_strbuf_init(&bytes, call->arena);
    if (text.length < BINARY_HEAD)
        return type_bad_binary(call);
    const uint64_t count = get_big(text.data, 4), xmin = get_big(text.data + 4, 8), xmax = get_big(text.data + 12, 8);
    if (count > COUNT_MAX || text.length != BINARY_HEAD + count * NUMBER_BYTES || xmin == 0 || xmax == 0 || xmax < xmin)
        return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid external pg_snapshot data");
    rdb_strbuf_add(&bytes, &xmin, sizeof xmin);
    rdb_strbuf_add(&bytes, &xmax, sizeof xmax);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t running = get_big(text.data + BINARY_HEAD + i * NUMBER_BYTES, 8);
        if (running < last || running < xmin || xmax < running)
            return rdb_error_set(call->err, RDB_INVALID_BINARY_REPRESENTATION, "invalid external pg_snapshot data");
        if (running != last)
            rdb_strbuf_add(&bytes, &running, sizeof running);
        last = running;
    }
    return rdb_strbuf_check(&bytes, call->err) && type_make_bytes(call, bytes.data, bytes.length, value);
}

const rdb_type_ops type_snapshot_ops = {.input = snapshot_input, .output = snapshot_output, .receive = snapshot_receive, .send = snapshot_send};

TYPE_ROW_FUNCTION(snapshot_xmin, 1)
{
    r->i64 = (int64_t)number_at(a[0].bytes, 0);
    return true;
}

TYPE_ROW_FUNCTION(snapshot_xmax, 1)
{
    r->i64 = (int64_t)number_at(a[0].bytes, 1);
    return true;
}

TYPE_ROW_FUNCTION(visible_in_snapshot, 2)
{
    const uint64_t xid = (uint64_t)a[0].i64;
    bool is_visible = xid < number_at(a[1].bytes, 1);
    for (size_t i = 0; is_visible && xid >= number_at(a[1].bytes, 0) && i < running_count(a[1].bytes); i++)
        is_visible = number_at(a[1].bytes, 2 + i) != xid;
    r->b = is_visible;
    return true;
}

typedef struct running_set {
    rdb_bytes value;
    size_t at;
} running_set;

static bool running_begin(rdb_call *call, void *state, const rdb_datum *a, TYPE_UNUSED const bool *is_null)
{
    rdb_bytes value = a[0].bytes;
    value.data = rdb_arena_memdup(call->arena, value.data, value.length);
    *(running_set *)state = (running_set){.value = value};
    return true;
}

static bool running_next(TYPE_UNUSED rdb_call *call, void *state, rdb_vector **columns, TYPE_UNUSED uint32_t column_count, uint32_t capacity, uint32_t *count)
{
    running_set *set = state;
    for (*count = 0; *count < capacity && set->at < running_count(set->value); ++*count)
        rdb_vector_put(columns[0], *count, (rdb_datum){.i64 = (int64_t)number_at(set->value, 2 + set->at++)}, false);
    return true;
}

static const type_kernel KERNELS[] = {
    {"pg_snapshot_xmin", snapshot_xmin, 0, 0}, {"pg_snapshot_xmax", snapshot_xmax, 0, 0}, {"pg_visible_in_snapshot", visible_in_snapshot, 0, 0},
};
TYPE_KERNEL_TABLE(type_snapshot_table, KERNELS);

static const type_set_kernel SET_KERNELS[] = {{"pg_snapshot_xip", {0, sizeof(running_set), running_begin, running_next, 0}, 0}};
TYPE_SET_KERNEL_TABLE(type_snapshot_set_table, SET_KERNELS);
