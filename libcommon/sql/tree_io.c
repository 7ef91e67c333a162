/* SPDX-License-Identifier: Apache-2.0
 * Analysed trees to text and back, for what the catalogs store: defaults, checks, index expressions, views. tree_fields.def
 * names every field once; writer and reader walk the same table, so they cannot disagree.
 *
 * The text: the version, then tokens between single blanks. Numbers in decimal; texts as length:bytes; "_" for NULL;
 * "(" kind fields ")" for a node; "[" count items for a list. A constant's value is the bytes of its representation in
 * hexadecimal. Texts from the catalog are read as from outside: every length and kind is checked (XX001). */
#include "sql/rdb_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TREE_VERSION 1

typedef enum struct_no {
#define STRUCT(name, type) S_##name,
#define FIELD(type, member, kind)
#define FIELD_BY(type, member, kind, list)
#define END(name)
#include "sql/tree_fields.def"
#undef STRUCT
#undef FIELD
#undef FIELD_BY
#undef END
    S_COUNT
} struct_no;

/* A kind below K_STRUCTS is plain; K_STRUCTS + n is a pointer to struct n; with K_LIST added it is a list of them. */
enum {
    K_U8, K_BOOL, K_I16, K_U16, K_U32, K_I32, K_TEXT, K_TYPE, K_FUNCTION, K_RELATION, K_EXPR, K_QUERY, K_NUMBER, /* in a list alone, as the pointer */
    K_STRUCTS = 32,
    K_LIST = 128,
    K_CASE_WHEN = K_STRUCTS + S_CASE_WHEN, K_SORT_ITEM = K_STRUCTS + S_SORT_ITEM, K_TARGET = K_STRUCTS + S_TARGET,
    K_RANGE_FUNCTION = K_STRUCTS + S_RANGE_FUNCTION, K_RANGE = K_STRUCTS + S_RANGE, K_FROM = K_STRUCTS + S_FROM,
    K_WINDOW = K_STRUCTS + S_WINDOW, K_GROUPING_SET = K_STRUCTS + S_GROUPING_SET, K_CTE = K_STRUCTS + S_CTE,
    K_SET_OPERATION = K_STRUCTS + S_SET_OPERATION, K_ROW_MARK = K_STRUCTS + S_ROW_MARK, K_VIEW_CHECK = K_STRUCTS + S_VIEW_CHECK,
    K_CONFLICT_ELEMENT = K_STRUCTS + S_CONFLICT_ELEMENT, K_ON_CONFLICT = K_STRUCTS + S_ON_CONFLICT, K_MERGE_ACTION = K_STRUCTS + S_MERGE_ACTION,
    K_LIST_EXPR = K_LIST + K_EXPR, K_LIST_TEXT = K_LIST + K_TEXT, K_LIST_TYPE = K_LIST + K_TYPE, K_LIST_FUNCTION = K_LIST + K_FUNCTION,
    K_LIST_CASE_WHEN = K_LIST + K_CASE_WHEN, K_LIST_SORT_ITEM = K_LIST + K_SORT_ITEM, K_LIST_TARGET = K_LIST + K_TARGET,
    K_LIST_RANGE_FUNCTION = K_LIST + K_RANGE_FUNCTION, K_LIST_RANGE = K_LIST + K_RANGE, K_LIST_FROM = K_LIST + K_FROM,
    K_LIST_WINDOW = K_LIST + K_WINDOW, K_LIST_GROUPING_SET = K_LIST + K_GROUPING_SET, K_LIST_CTE = K_LIST + K_CTE,
    K_LIST_ROW_MARK = K_LIST + K_ROW_MARK, K_LIST_NUMBER = K_LIST + K_NUMBER, K_LIST_VIEW_CHECK = K_LIST + K_VIEW_CHECK,
    K_LIST_CONFLICT_ELEMENT = K_LIST + K_CONFLICT_ELEMENT, K_LIST_MERGE_ACTION = K_LIST + K_MERGE_ACTION,
    K_LIST_EXPRS = 255 /* a list of lists of expressions */
};

typedef struct field {
    uint16_t offset, list_offset;
    uint8_t kind;
    bool is_array; /* FIELD_BY: as long as the list at list_offset */
} field;

#define STRUCT(name, type) static const field FIELDS_##name[] = {
#define FIELD(type, member, kind) {offsetof(type, member), 0, K_##kind, false},
#define FIELD_BY(type, member, kind, list) {offsetof(type, member), offsetof(type, list), K_##kind, true},
#define END(name) {0, 0, 0, false}};
#include "sql/tree_fields.def"
#undef STRUCT
#undef FIELD
#undef FIELD_BY
#undef END

static const struct { const field *fields; uint16_t field_count; uint16_t bytes; } STRUCTS[S_COUNT] = {
#define STRUCT(name, type) {FIELDS_##name, RDB_COUNT_OF(FIELDS_##name) - 1, sizeof(type)},
#define FIELD(type, member, kind)
#define FIELD_BY(type, member, kind, list)
#define END(name)
#include "sql/tree_fields.def"
#undef STRUCT
#undef FIELD
#undef FIELD_BY
#undef END
};

/* Which struct an expression kind is. S_COUNT: none that is stored. */
static struct_no struct_of(unsigned kind)
{
    switch (kind) {
    case RDB_EXPR_CONST:
        return S_EXPR_CONST;
    case RDB_EXPR_VAR:
        return S_EXPR_VAR;
    case RDB_EXPR_PARAM:
        return S_EXPR_PARAM;
    case RDB_EXPR_FUNCTION:
        return S_EXPR_FUNCTION;
    case RDB_EXPR_ARRAY_OP:
        return S_EXPR_ARRAY_OP;
    case RDB_EXPR_BOOL:
        return S_EXPR_BOOL;
    case RDB_EXPR_CASE:
        return S_EXPR_CASE;
    case RDB_EXPR_CASE_TEST:
    case RDB_EXPR_DOMAIN_VALUE:
    case RDB_EXPR_DEFAULT:
        return S_EXPR_CASE_TEST;
    case RDB_EXPR_COALESCE:
    case RDB_EXPR_MINMAX:
        return S_EXPR_LIST;
    case RDB_EXPR_NULLIF:
    case RDB_EXPR_DISTINCT:
        return S_EXPR_PAIR;
    case RDB_EXPR_NULL_TEST:
        return S_EXPR_NULL_TEST;
    case RDB_EXPR_BOOL_TEST:
        return S_EXPR_BOOL_TEST;
    case RDB_EXPR_RELABEL:
    case RDB_EXPR_COERCE_IO:
    case RDB_EXPR_COERCE_DOMAIN:
    case RDB_EXPR_FIELD:
    case RDB_EXPR_ROW_CONVERT:
        return S_EXPR_UNARY;
    case RDB_EXPR_ARRAY_COERCE:
        return S_EXPR_ARRAY_COERCE;
    case RDB_EXPR_ARRAY:
        return S_EXPR_ARRAY;
    case RDB_EXPR_ROW:
        return S_EXPR_ROW;
    case RDB_EXPR_ROW_COMPARE:
        return S_EXPR_ROW_COMPARE;
    case RDB_EXPR_SUBSCRIPT:
        return S_EXPR_SUBSCRIPT;
    case RDB_EXPR_SUBLINK:
        return S_EXPR_SUBLINK;
    case RDB_EXPR_AGGREGATE:
        return S_EXPR_AGGREGATE;
    case RDB_EXPR_WINDOW:
        return S_EXPR_WINDOW;
    case RDB_EXPR_GROUPING:
        return S_EXPR_GROUPING;
    case RDB_EXPR_SQL_VALUE:
        return S_EXPR_SQL_VALUE;
    case RDB_EXPR_NEXT_VALUE:
        return S_EXPR_NEXT_VALUE;
    default:
        return S_COUNT;
    }
}

static uint32_t plain_width(unsigned kind)
{
    return kind == K_U8 || kind == K_BOOL ? 1 : kind == K_I16 || kind == K_U16 ? 2 : 4;
}

/* ---- writing -------------------------------------------------------------------------------------------------------------- */
typedef struct writer {
    rdb_strbuf *text;
    rdb_error *err;
    uint32_t depth;
    bool no_locations; /* for a comparison */
} writer;

static bool write_struct(writer *out, struct_no no, const void *node);
static bool write_expr(writer *out, const rdb_expr *expr);

static void write_number(writer *out, int64_t value)
{
    rdb_strbuf_addf(out->text, " %" PRId64, value);
}

static void write_text(writer *out, const char *text)
{
    if (text == NULL)
        rdb_strbuf_adds(out->text, " _");
    else
        rdb_strbuf_addf(out->text, " %zu:%s", strlen(text), text);
}

static int64_t plain_get(const void *at, unsigned kind)
{
    switch (kind) {
    case K_U8:
        return *(const uint8_t *)at;
    case K_BOOL:
        return *(const bool *)at;
    case K_I16:
        return *(const int16_t *)at;
    case K_U16:
        return *(const uint16_t *)at;
    case K_I32:
        return *(const int32_t *)at;
    default:
        return *(const uint32_t *)at;
    }
}

/* What a pointer field points to, or a list's item. */
static bool write_pointer(writer *out, unsigned kind, const void *item)
{
    switch (kind) {
    case K_TEXT:
        write_text(out, item);
        return true;
    case K_TYPE:
        write_number(out, item != NULL ? ((const rdb_type *)item)->oid : 0);
        return true;
    case K_FUNCTION:
        write_number(out, item != NULL ? ((const rdb_function *)item)->oid : 0);
        return true;
    case K_RELATION:
        write_number(out, item != NULL ? ((const rdb_relation *)item)->oid : 0);
        return true;
    case K_NUMBER:
        write_number(out, (int64_t)(uintptr_t)item);
        return true;
    case K_EXPR:
        return write_expr(out, item);
    case K_QUERY:
        if (item != NULL)
            return write_struct(out, S_QUERY, item);
        break;
    default:
        if (item != NULL)
            return write_struct(out, (struct_no)(kind - K_STRUCTS), item);
        break;
    }
    rdb_strbuf_adds(out->text, " _");
    return true;
}

static bool write_list(writer *out, unsigned kind, const rdb_list *list)
{
    rdb_strbuf_addf(out->text, " [ %u", list->count);
    for (uint32_t i = 0; i < list->count; i++)
        if (kind == K_LIST_EXPRS ? !write_list(out, K_LIST_EXPR, list->items[i]) : !write_pointer(out, kind - K_LIST, list->items[i]))
            return false;
    return true;
}

static void write_constant(writer *out, const rdb_expr_const *constant)
{
    if (constant->is_null || constant->head.type == NULL) {
        rdb_strbuf_adds(out->text, " _");
        return;
    }
    bool is_bytes = constant->head.type->rep == RDB_REP_BYTES;
    const uint8_t *bytes = is_bytes ? constant->value.bytes.data : (const uint8_t *)&constant->value;
    uint32_t count = is_bytes ? constant->value.bytes.length : rdb_rep_width(constant->head.type->rep);
    rdb_strbuf_addf(out->text, " %u:", count);
    for (uint32_t i = 0; i < count; i++)
        rdb_strbuf_addf(out->text, "%02x", bytes[i]);
}

static bool write_grouping_set(writer *out, const rdb_grouping_set *set)
{
    write_number(out, set->kind);
    rdb_strbuf_addf(out->text, " [ %u", set->content.count);
    for (uint32_t i = 0; i < set->content.count; i++) {
        if (set->kind == RDB_GROUPING_SIMPLE)
            write_number(out, (int64_t)(uintptr_t)set->content.items[i]);
        else if (!write_struct(out, S_GROUPING_SET, set->content.items[i]))
            return false;
    }
    return true;
}

static bool write_fields(writer *out, struct_no no, const void *node)
{
    for (uint16_t i = 0; i < STRUCTS[no].field_count; i++) {
        const field *f = &STRUCTS[no].fields[i];
        const void *at = (const char *)node + f->offset;
        if (f->is_array) {
            const rdb_list *list = (const rdb_list *)((const char *)node + f->list_offset);
            const char *items = *(const char *const *)at;
            for (uint32_t k = 0; k < list->count; k++)
                write_number(out, items != NULL ? plain_get(items + (size_t)k * plain_width(f->kind), f->kind) : 0);
        } else if (f->kind <= K_I32) {
            write_number(out, plain_get(at, f->kind));
        } else if (f->kind >= K_LIST) {
            if (!write_list(out, f->kind, at))
                return false;
        } else if (!write_pointer(out, f->kind, *(const void *const *)at)) {
            return false;
        }
    }
    return true;
}

static bool write_struct(writer *out, struct_no no, const void *node)
{
    if (++out->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    rdb_strbuf_adds(out->text, " (");
    bool ok = no == S_GROUPING_SET ? write_grouping_set(out, node) : write_fields(out, no, node);
    if (ok && no == S_QUERY && ((const rdb_query *)node)->command != RDB_COMMAND_SELECT)
        ok = write_fields(out, S_ACTION, node);
    rdb_strbuf_adds(out->text, " )");
    out->depth--;
    return ok;
}

static bool write_expr(writer *out, const rdb_expr *expr)
{
    if (expr == NULL) {
        rdb_strbuf_adds(out->text, " _");
        return true;
    }
    struct_no no = struct_of(expr->kind);
    if (no == S_COUNT)
        return rdb_error_set(out->err, RDB_INTERNAL_ERROR, "expression kind %u cannot be stored", expr->kind);
    if (++out->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(out->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    rdb_strbuf_addf(out->text, " ( %u %u %d %u %d", expr->kind, expr->type != NULL ? expr->type->oid : 0, expr->typmod, expr->collation, out->no_locations ? -1 : expr->location);
    if (no == S_EXPR_CONST)
        write_constant(out, (const rdb_expr_const *)expr);
    bool ok = write_fields(out, no, expr);
    rdb_strbuf_adds(out->text, " )");
    out->depth--;
    return ok;
}

bool rdb_tree_write_expr(const rdb_expr *expr, rdb_strbuf *text, rdb_error *err)
{
    writer out = {text, err, 0, false};
    rdb_strbuf_addf(text, "%d", TREE_VERSION);
    return write_expr(&out, expr) && rdb_strbuf_check(text, err);
}

static bool write_query(const rdb_query *query, bool no_locations, rdb_strbuf *text, rdb_error *err)
{
    writer out = {text, err, 0, no_locations};
    rdb_strbuf_addf(text, "%d", TREE_VERSION);
    return write_struct(&out, S_QUERY, query) && rdb_strbuf_check(text, err);
}

bool rdb_tree_write_query(const rdb_query *query, rdb_strbuf *text, rdb_error *err)
{
    return write_query(query, false, text, err);
}

bool rdb_query_equal(const rdb_query *left, const rdb_query *right)
{
    rdb_strbuf a, b;
    rdb_error ignored = {0};
    rdb_strbuf_init(&a, NULL);
    rdb_strbuf_init(&b, NULL);
    /* what cannot be written (changes inside WITH) equals nothing */
    bool same = write_query(left, true, &a, &ignored) && write_query(right, true, &b, &ignored) && a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
    rdb_error_clear(&ignored);
    rdb_strbuf_free(&a);
    rdb_strbuf_free(&b);
    return same;
}

/* ---- digests ---------------------------------------------------------------------------------------------------------------- */
typedef struct digester {
    uint64_t value;
    uint32_t depth;
    rdb_digest *into;
} digester;

static void digest_struct(digester *d, struct_no no, const void *node);
static void digest_expr(digester *d, const rdb_expr *expr);

static inline void digest_number(digester *d, uint64_t number)
{
    d->value = (d->value ^ number) * UINT64_C(0x9E3779B97F4A7C15);
    d->value ^= d->value >> 29;
}

static void digest_pointer(digester *d, unsigned kind, const void *item)
{
    if (item == NULL) {
        digest_number(d, 1);
        return;
    }
    switch (kind) {
    case K_TEXT: /* names that the query gives: aliases say nothing about what it does */
        break;
    case K_TYPE:
        digest_number(d, ((const rdb_type *)item)->oid);
        break;
    case K_FUNCTION:
        digest_number(d, ((const rdb_function *)item)->oid);
        break;
    case K_RELATION:
        digest_number(d, ((const rdb_relation *)item)->oid);
        break;
    case K_NUMBER:
        digest_number(d, (uintptr_t)item);
        break;
    case K_EXPR:
        digest_expr(d, item);
        break;
    case K_QUERY:
        digest_struct(d, S_QUERY, item);
        break;
    default:
        digest_struct(d, (struct_no)(kind - K_STRUCTS), item);
    }
}

static void digest_list(digester *d, unsigned kind, const rdb_list *list)
{
    digest_number(d, list->count);
    for (uint32_t i = 0; kind != K_LIST_TEXT && i < list->count; i++) {
        if (kind == K_LIST_EXPRS)
            digest_list(d, K_LIST_EXPR, list->items[i]);
        else
            digest_pointer(d, kind - K_LIST, list->items[i]);
    }
}

static void digest_fields(digester *d, struct_no no, const void *node)
{
    for (uint16_t i = 0; i < STRUCTS[no].field_count; i++) {
        const field *f = &STRUCTS[no].fields[i];
        const void *at = (const char *)node + f->offset;
        if (f->is_array)
            continue; /* follows from the list beside it */
        if (f->kind <= K_I32)
            digest_number(d, (uint64_t)plain_get(at, f->kind));
        else if (f->kind >= K_LIST)
            digest_list(d, f->kind, at);
        else
            digest_pointer(d, f->kind, *(const void *const *)at);
    }
}

static void digest_range(digester *d, const rdb_range *range)
{
    digest_number(d, range->kind);
    if (range->relation != NULL)
        digest_number(d, range->relation->oid);
    if (range->subquery != NULL)
        digest_struct(d, S_QUERY, range->subquery);
    if (range->cte_name != NULL)
        digest_number(d, rdb_hash64(range->cte_name, strlen(range->cte_name), 0));
    digest_number(d, (uint64_t)range->is_inherited << 32 | (uint64_t)range->is_lateral << 24 | (uint64_t)range->join_kind << 16 | range->cte_levels_up);
    digest_list(d, K_LIST_RANGE_FUNCTION, &range->functions);
    digest_list(d, K_LIST_EXPRS, &range->values);
    digest_number(d, range->sample_method);
    digest_expr(d, range->sample_percent);
    digest_expr(d, range->sample_seed);
}

static void digest_struct(digester *d, struct_no no, const void *node)
{
    if (d->depth >= RDB_TREE_DEPTH_MAX) /* what lies deeper tells nothing apart: such statements are refused later anyway */
        return;
    d->depth++;
    digest_number(d, UINT64_C(0x100) + no);
    if (no == S_GROUPING_SET) {
        const rdb_grouping_set *set = node;
        digest_number(d, set->kind);
        digest_list(d, set->kind == RDB_GROUPING_SIMPLE ? K_LIST_NUMBER : K_LIST_GROUPING_SET, &set->content);
    } else if (no == S_RANGE) {
        digest_range(d, node);
    } else if (no == S_TARGET) {
        const rdb_target *target = node;
        digest_expr(d, target->expr);
        digest_number(d, (uint64_t)(uint16_t)target->number << 32 | target->sort_ref);
    } else {
        digest_fields(d, no, node);
        if (no == S_QUERY && ((const rdb_query *)node)->command != RDB_COMMAND_SELECT)
            digest_fields(d, S_ACTION, node);
    }
    d->depth--;
}

static void digest_expr(digester *d, const rdb_expr *expr)
{
    if (expr == NULL || d->depth >= RDB_TREE_DEPTH_MAX) {
        digest_number(d, 2);
        return;
    }
    /* A constant and a parameter are the same question with the answer filled in or left open. */
    if (expr->kind == RDB_EXPR_CONST || (expr->kind == RDB_EXPR_PARAM && ((const rdb_expr_param *)expr)->param_kind == RDB_PARAM_EXTERNAL)) {
        rdb_digest *into = d->into;
        digest_number(d, 3);
        digest_number(d, expr->type != NULL ? expr->type->oid : 0);
        if (expr->kind == RDB_EXPR_PARAM)
            into->parameters = RDB_MAX(into->parameters, ((const rdb_expr_param *)expr)->param_no);
        else if (expr->location >= 0 && into->constant_count < RDB_DIGEST_CONSTANTS_MAX)
            into->constants[into->constant_count++] = expr->location;
        return;
    }
    d->depth++;
    digest_number(d, expr->kind);
    struct_no no = struct_of(expr->kind);
    if (no == S_EXPR_UNARY)
        digest_number(d, expr->type != NULL ? expr->type->oid : 0);
    if (no != S_COUNT)
        digest_fields(d, no, expr);
    d->depth--;
}

void rdb_query_digest(const rdb_query *query, rdb_digest *digest)
{
    digester d = {.into = digest};
    digest->constant_count = digest->parameters = 0;
    digest_struct(&d, S_QUERY, query);
    digest->id = d.value != 0 ? d.value : 1;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------- */
typedef struct reader {
    rdb_arena *arena;
    rdb_access *access;
    const char *at, *end;
    rdb_error *err;
    uint32_t depth;
} reader;

static bool read_struct(reader *in, struct_no no, void **node);
static bool read_expr(reader *in, rdb_expr **expr);

static bool damaged(reader *in)
{
    return rdb_error_set(in->err, RDB_DATA_CORRUPTED, "stored expression is damaged");
}

static bool skip_blank(reader *in)
{
    if (in->at >= in->end || *in->at != ' ')
        return damaged(in);
    in->at++;
    return true;
}

static bool read_mark(reader *in, char mark)
{
    if (!skip_blank(in))
        return false;
    if (in->at >= in->end || *in->at != mark)
        return damaged(in);
    in->at++;
    return true;
}

static bool read_number(reader *in, int64_t *value)
{
    char *end = NULL;
    if (!skip_blank(in))
        return false;
    *value = strtoll(in->at, &end, 10); /* the text is terminated */
    if (end == in->at || end > in->end)
        return damaged(in);
    in->at = end;
    return true;
}

/* True where the next token is "_", which is taken. */
static bool take_null(reader *in)
{
    if (in->end - in->at < 2 || in->at[0] != ' ' || in->at[1] != '_')
        return false;
    in->at += 2;
    return true;
}

static bool read_length(reader *in, size_t *length)
{
    int64_t number;
    if (!read_number(in, &number))
        return false;
    if (number < 0 || in->at >= in->end || *in->at != ':' || number > in->end - in->at - 1)
        return damaged(in);
    in->at++;
    *length = (size_t)number;
    return true;
}

static bool read_text(reader *in, const char **text)
{
    size_t length;
    *text = NULL;
    if (take_null(in))
        return true;
    if (!read_length(in, &length))
        return false;
    *text = rdb_arena_strndup(in->arena, in->at, length);
    in->at += length;
    return true;
}

static void plain_put(void *at, unsigned kind, int64_t value)
{
    switch (kind) {
    case K_U8:
        *(uint8_t *)at = (uint8_t)value;
        break;
    case K_BOOL:
        *(bool *)at = value != 0;
        break;
    case K_I16:
        *(int16_t *)at = (int16_t)value;
        break;
    case K_U16:
        *(uint16_t *)at = (uint16_t)value;
        break;
    case K_I32:
        *(int32_t *)at = (int32_t)value;
        break;
    default:
        *(uint32_t *)at = (uint32_t)value;
        break;
    }
}

static bool read_object(reader *in, unsigned kind, const void **item)
{
    int64_t oid;
    if (!read_number(in, &oid))
        return false;
    *item = NULL;
    if (oid == 0)
        return true;
    const rdb_type *type = NULL;
    const rdb_function *function = NULL;
    const rdb_relation *relation = NULL;
    bool ok = kind == K_TYPE       ? rdb_type_get(in->access, (uint32_t)oid, &type, in->err)
              : kind == K_FUNCTION ? rdb_function_get(in->access, (uint32_t)oid, &function, in->err)
                                   : rdb_relation_get(in->access, (uint32_t)oid, &relation, in->err);
    *item = kind == K_TYPE ? (const void *)type : kind == K_FUNCTION ? (const void *)function : (const void *)relation;
    return ok && (*item != NULL || rdb_error_set(in->err, RDB_UNDEFINED_OBJECT, "stored expression names %s %lld, which does not exist",
                                                 kind == K_TYPE ? "type" : kind == K_FUNCTION ? "function" : "relation", (long long)oid));
}

static bool read_pointer(reader *in, unsigned kind, void **item)
{
    switch (kind) {
    case K_TEXT:
        return read_text(in, (const char **)item);
    case K_TYPE:
    case K_FUNCTION:
    case K_RELATION:
        return read_object(in, kind, (const void **)item);
    case K_NUMBER: {
        int64_t number;
        bool ok = read_number(in, &number);
        *item = (void *)(uintptr_t)number;
        return ok;
    }
    case K_EXPR:
        return read_expr(in, (rdb_expr **)item);
    default:
        *item = NULL;
        return take_null(in) || read_struct(in, kind == K_QUERY ? S_QUERY : (struct_no)(kind - K_STRUCTS), item);
    }
}

static bool read_list(reader *in, unsigned kind, rdb_list *list)
{
    int64_t count;
    if (!read_mark(in, '[') || !read_number(in, &count))
        return false;
    if (count < 0 || count > in->end - in->at)
        return damaged(in);
    for (int64_t i = 0; i < count; i++) {
        void *item = NULL;
        if (kind == K_LIST_EXPRS) {
            item = RDB_NEW(in->arena, rdb_list);
            if (!read_list(in, K_LIST_EXPR, item))
                return false;
        } else if (!read_pointer(in, kind - K_LIST, &item)) {
            return false;
        }
        rdb_list_push(in->arena, list, item);
    }
    return true;
}

static bool read_constant(reader *in, rdb_expr_const *constant)
{
    size_t count;
    constant->is_null = take_null(in);
    if (constant->is_null)
        return true;
    if (constant->head.type == NULL || !read_length(in, &count))
        return damaged(in);
    bool is_bytes = constant->head.type->rep == RDB_REP_BYTES;
    if (count > (size_t)(in->end - in->at) / 2 || (!is_bytes && count != rdb_rep_width(constant->head.type->rep)))
        return damaged(in);
    uint8_t *bytes = is_bytes ? rdb_arena_try_alloc(in->arena, count + 1, in->err) : (uint8_t *)&constant->value;
    if (bytes == NULL)
        return false;
    for (size_t i = 0; i < count; i++, in->at += 2) {
        char pair[3] = {in->at[0], in->at[1], '\0'}, *end;
        bytes[i] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2)
            return damaged(in);
    }
    if (is_bytes)
        constant->value.bytes = (rdb_bytes){bytes, (uint32_t)count, 0};
    return true;
}

static bool read_grouping_set(reader *in, rdb_grouping_set *set)
{
    int64_t kind, count, ref;
    if (!read_number(in, &kind) || !read_mark(in, '[') || !read_number(in, &count))
        return false;
    if (count < 0 || count > in->end - in->at || kind < 0 || kind > RDB_GROUPING_SETS)
        return damaged(in);
    set->kind = (uint8_t)kind;
    for (int64_t i = 0; i < count; i++) {
        void *item = NULL;
        if (set->kind == RDB_GROUPING_SIMPLE) {
            if (!read_number(in, &ref))
                return false;
            item = (void *)(uintptr_t)ref;
        } else if (!read_struct(in, S_GROUPING_SET, &item)) {
            return false;
        }
        rdb_list_push(in->arena, &set->content, item);
    }
    return true;
}

static bool read_fields(reader *in, struct_no no, void *node)
{
    for (uint16_t i = 0; i < STRUCTS[no].field_count; i++) {
        const field *f = &STRUCTS[no].fields[i];
        void *at = (char *)node + f->offset;
        int64_t number;
        if (f->is_array) {
            uint32_t count = ((const rdb_list *)((const char *)node + f->list_offset))->count;
            char *items = rdb_arena_zalloc(in->arena, (size_t)(count + 1) * plain_width(f->kind));
            for (uint32_t k = 0; k < count; k++) {
                if (!read_number(in, &number))
                    return false;
                plain_put(items + (size_t)k * plain_width(f->kind), f->kind, number);
            }
            *(char **)at = items;
        } else if (f->kind <= K_I32) {
            if (!read_number(in, &number))
                return false;
            plain_put(at, f->kind, number);
        } else if (f->kind >= K_LIST) {
            if (!read_list(in, f->kind, at))
                return false;
        } else if (!read_pointer(in, f->kind, at)) {
            return false;
        }
    }
    return true;
}

static bool too_deep(reader *in)
{
    return ++in->depth > RDB_TREE_DEPTH_MAX && !rdb_error_set(in->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
}

static bool read_struct(reader *in, struct_no no, void **node)
{
    if (too_deep(in) || !read_mark(in, '('))
        return false;
    *node = rdb_arena_zalloc(in->arena, STRUCTS[no].bytes);
    bool ok = no == S_GROUPING_SET ? read_grouping_set(in, *node) : read_fields(in, no, *node);
    if (ok && no == S_QUERY && ((const rdb_query *)*node)->command != RDB_COMMAND_SELECT)
        ok = read_fields(in, S_ACTION, *node);
    ok = ok && read_mark(in, ')');
    in->depth--;
    return ok;
}

static bool read_expr(reader *in, rdb_expr **expr)
{
    int64_t kind, typmod, collation, location;
    const void *type = NULL;
    *expr = NULL;
    if (take_null(in))
        return true;
    if (too_deep(in) || !read_mark(in, '(') || !read_number(in, &kind))
        return false;
    struct_no no = kind > 0 && kind < 256 ? struct_of((unsigned)kind) : S_COUNT;
    if (no == S_COUNT)
        return damaged(in);
    if (!read_object(in, K_TYPE, &type) || !read_number(in, &typmod) || !read_number(in, &collation) || !read_number(in, &location))
        return false;
    rdb_expr *node = rdb_arena_zalloc(in->arena, STRUCTS[no].bytes);
    *node = (rdb_expr){.kind = (uint8_t)kind, .type = type, .typmod = (int32_t)typmod, .collation = (uint32_t)collation, .location = -1};
    *expr = node;
    bool ok = (no != S_EXPR_CONST || read_constant(in, (rdb_expr_const *)node)) && read_fields(in, no, node) && read_mark(in, ')');
    in->depth--;
    return ok;
}

static bool begin(reader *in, rdb_arena *arena, rdb_access *access, const char *text, rdb_error *err)
{
    char *end;
    long version = strtol(text, &end, 10);
    *in = (reader){.arena = arena, .access = access, .at = end, .end = text + strlen(text), .err = err};
    if (version == TREE_VERSION)
        return true;
    return end == text ? damaged(in) : rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "stored expression has version %ld; this program knows %d", version, TREE_VERSION);
}

bool rdb_tree_read_expr(rdb_arena *arena, rdb_access *access, const char *text, rdb_expr **expr, rdb_error *err)
{
    reader in;
    *expr = NULL;
    return begin(&in, arena, access, text, err) && read_expr(&in, expr) && (in.at == in.end || damaged(&in)) && rdb_arena_check(arena, err);
}

bool rdb_tree_read_query(rdb_arena *arena, rdb_access *access, const char *text, rdb_query **query, rdb_error *err)
{
    reader in;
    void *node = NULL;
    bool ok = begin(&in, arena, access, text, err) && read_struct(&in, S_QUERY, &node) && (in.at == in.end || damaged(&in));
    *query = node;
    return ok && rdb_arena_check(arena, err);
}

/* ---- copying ------------------------------------------------------------------------------------------------------------------ */
/* What the table does not name (locations, types of records, who may read which columns) is shared with the original. */
typedef struct copier {
    rdb_arena *arena;
    rdb_error *err;
    uint32_t depth;
} copier;

static bool copy_struct(copier *c, struct_no no, const void *node, void **copy);

static bool copy_expr(copier *c, const rdb_expr *expr, void **copy)
{
    const struct_no no = struct_of(expr->kind);
    return no != S_COUNT ? copy_struct(c, no, expr, copy) : rdb_error_set(c->err, RDB_INTERNAL_ERROR, "expression kind %u cannot be copied", expr->kind);
}

static bool copy_pointer(copier *c, unsigned kind, void **item)
{
    if (*item == NULL)
        return true;
    if (kind == K_EXPR)
        return copy_expr(c, *item, item);
    if (kind == K_QUERY)
        return copy_struct(c, S_QUERY, *item, item);
    return kind < K_STRUCTS || copy_struct(c, (struct_no)(kind - K_STRUCTS), *item, item);
}

static bool copy_list(copier *c, unsigned kind, rdb_list *list)
{
    const rdb_list from = *list;
    *list = (rdb_list){0};
    for (uint32_t i = 0; i < from.count; i++) {
        void *item = from.items[i];
        if (kind == K_LIST_EXPRS) {
            item = rdb_arena_memdup(c->arena, item, sizeof(rdb_list));
            if (!copy_list(c, K_LIST_EXPR, item))
                return false;
        } else if (!copy_pointer(c, kind - K_LIST, &item)) {
            return false;
        }
        rdb_list_push(c->arena, list, item);
    }
    return true;
}

static bool copy_fields(copier *c, struct_no no, void *copy)
{
    for (uint16_t i = 0; i < STRUCTS[no].field_count; i++) {
        const field *f = &STRUCTS[no].fields[i];
        void *at = (char *)copy + f->offset;
        if (f->is_array || f->kind <= K_I32)
            continue; /* nobody changes such an array */
        if (f->kind >= K_LIST ? !copy_list(c, f->kind, at) : !copy_pointer(c, f->kind, at))
            return false;
    }
    return true;
}

static bool copy_struct(copier *c, struct_no no, const void *node, void **copy)
{
    if (++c->depth > RDB_TREE_DEPTH_MAX)
        return rdb_error_set(c->err, RDB_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    *copy = rdb_arena_memdup(c->arena, node, STRUCTS[no].bytes);
    bool ok = no == S_GROUPING_SET || copy_fields(c, no, *copy); /* references to targets are numbers and stay what they are */
    if (ok && no == S_QUERY)
        ok = copy_fields(c, S_ACTION, *copy);
    c->depth--;
    return ok;
}

bool rdb_tree_copy_expr(rdb_arena *arena, const rdb_expr *expr, rdb_expr **copy, rdb_error *err)
{
    copier c = {.arena = arena, .err = err};
    void *made = NULL;
    bool ok = expr == NULL || copy_expr(&c, expr, &made);
    *copy = made;
    return ok && rdb_arena_check(arena, err);
}

bool rdb_tree_copy_query(rdb_arena *arena, const rdb_query *query, rdb_query **copy, rdb_error *err)
{
    copier c = {.arena = arena, .err = err};
    void *made = NULL;
    bool ok = copy_struct(&c, S_QUERY, query, &made);
    *copy = made;
    return ok && rdb_arena_check(arena, err);
}
