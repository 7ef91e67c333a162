/* SPDX-License-Identifier: Apache-2.0
 * Patterns that begin with fixed characters bound what they can match: x LIKE 'abc%' and x ~ '^abc' lie from 'abc' to before
 * 'abd' in an order by bytes. The bounds are for indexes; the pattern itself is still asked of each row. */
#include "sql/plan_int.h"

enum { NAME_LIKE = 1207, TEXT_LIKE = 1209, NAME_MATCH = 639, TEXT_MATCH = 641, TEXT_STARTS_WITH = 3877 };

static size_t last_character(const rdb_strbuf *text)
{
    size_t at = text->length;
    while (at > 0 && ((uint8_t)text->data[at - 1] & 0xc0) == 0x80)
        at--;
    return at > 0 ? at - 1 : 0;
}

static void like_prefix(rdb_bytes pattern, rdb_strbuf *prefix, bool *is_exact)
{
    *is_exact = true;
    for (uint32_t i = 0; i < pattern.length; i++) {
        if (pattern.data[i] == '%' || pattern.data[i] == '_') {
            *is_exact = false;
            return;
        }
        if (pattern.data[i] == '\\' && i + 1 < pattern.length)
            i++;
        rdb_strbuf_addc(prefix, (char)pattern.data[i]);
    }
}

static bool is_quantifier(uint8_t c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

/* Characters that stand for themselves, from at on; where they end. */
static uint32_t plain_run(rdb_bytes pattern, uint32_t at, rdb_strbuf *run)
{
    while (at < pattern.length && strchr("^$.[]()|*+?{}", pattern.data[at]) == NULL) {
        if (pattern.data[at] == '\\') {
            const uint8_t next = at + 1 < pattern.length ? pattern.data[at + 1] : 'a';
            if (next >= 0x80 || (next >= '0' && next <= '9') || (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_')
                break; /* an escape with a meaning */
            at++;
        }
        rdb_strbuf_addc(run, (char)pattern.data[at++]);
    }
    return at;
}

/* What every match of a pattern begins with. Nothing where the pattern is not simple: alternatives, options, no ^. */
static void regex_prefix(rdb_arena *arena, rdb_bytes pattern, rdb_strbuf *prefix, bool *is_exact)
{
    *is_exact = false;
    if (pattern.length == 0 || pattern.data[0] != '^' || memchr(pattern.data, '|', pattern.length) != NULL)
        return;
    for (uint32_t at = 1; at < pattern.length;) {
        rdb_strbuf run;
        rdb_strbuf_init(&run, arena);
        const bool is_group = pattern.data[at] == '(' && at + 1 < pattern.length && pattern.data[at + 1] != '?';
        uint32_t end = plain_run(pattern, at + is_group, &run);
        if (is_group) { /* of plain characters, once */
            if (end >= pattern.length || pattern.data[end] != ')' || (end + 1 < pattern.length && is_quantifier(pattern.data[end + 1])))
                return;
            end++;
        } else if (end < pattern.length && is_quantifier(pattern.data[end]) && run.length > 0) {
            if (pattern.data[end] != '+')
                run.length = last_character(&run);
            rdb_strbuf_add(prefix, run.data, run.length);
            return;
        }
        if (run.length > 0)
            rdb_strbuf_add(prefix, run.data, run.length);
        if (end < pattern.length && end + 1 == pattern.length && pattern.data[end] == '$') {
            *is_exact = true;
            return;
        }
        if (end == at)
            return;
        at = end;
    }
}

/* The least text above all that begin so: its last character's successor, or that of the one before. False: there is none. */
static bool make_upper(rdb_strbuf *text)
{
    while (text->length > 0) {
        const size_t start = last_character(text);
        const uint8_t *at = (const uint8_t *)text->data + start;
        const size_t length = text->length - start;
        uint32_t c = length == 1 ? at[0] : length == 2 ? (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu)
                     : length == 3 ? (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu)
                                   : (at[0] & 0x07u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
        text->length = start;
        c = c == 0xd7ff ? 0xe000 : c + 1;
        if (c > 0x10ffff)
            continue;
        if (c < 0x80) {
            rdb_strbuf_addc(text, (char)c);
        } else if (c < 0x800) {
            rdb_strbuf_addc(text, (char)(0xc0 | c >> 6));
        } else if (c < 0x10000) {
            rdb_strbuf_addc(text, (char)(0xe0 | c >> 12));
            rdb_strbuf_addc(text, (char)(0x80 | (c >> 6 & 0x3f)));
        } else {
            rdb_strbuf_addc(text, (char)(0xf0 | c >> 18));
            rdb_strbuf_addc(text, (char)(0x80 | (c >> 12 & 0x3f)));
            rdb_strbuf_addc(text, (char)(0x80 | (c >> 6 & 0x3f)));
        }
        if (c >= 0x80)
            rdb_strbuf_addc(text, (char)(0x80 | (c & 0x3f)));
        return true;
    }
    return false;
}

static bool add_bound(planner *p, rdb_expr *left, const rdb_expr_const *pattern, uint16_t strategy, const rdb_strbuf *text, rdb_list *clauses)
{
    const rdb_operator_entry *entry = NULL;
    const rdb_function *function = NULL;
    const rdb_type *boolean = NULL;
    uint32_t operator_oid = 0;
    if (!rdb_opclass_operator(p->access, left->type->oid, pattern->head.type->oid, strategy, &operator_oid, p->err) || operator_oid == 0)
        return !rdb_error_is_set(p->err);
    if (!rdb_operator_get(p->access, operator_oid, &entry, p->err) || entry == NULL || !rdb_function_get(p->access, entry->function_oid, &function, p->err) ||
        function == NULL || !rdb_type_get(p->access, RDB_BOOLOID, &boolean, p->err))
        return !rdb_error_is_set(p->err);
    rdb_expr_const *bound = rdb_arena_memdup(p->arena, pattern, sizeof *bound);
    bound->value = (rdb_datum){.bytes = {.data = rdb_arena_memdup(p->arena, text->length > 0 ? text->data : "", text->length + (text->length == 0)), .length = (uint32_t)text->length}};
    rdb_expr_function *call = RDB_NEW(p->arena, rdb_expr_function);
    call->head = (rdb_expr){.kind = RDB_EXPR_FUNCTION, .location = -1, .type = boolean, .typmod = -1};
    call->function = function;
    call->operator_oid = operator_oid;
    call->input_collation = RDB_C_COLLATION_OID;
    call->form = RDB_FORM_OPERATOR;
    rdb_list_push(p->arena, &call->arguments, left);
    rdb_list_push(p->arena, &call->arguments, bound);
    rdb_list_push(p->arena, clauses, &call->head);
    return true;
}

bool plan_pattern_bounds(planner *p, const rdb_expr *clause, rdb_list *clauses)
{
    const rdb_expr_function *e = (const rdb_expr_function *)clause;
    rdb_strbuf prefix;
    bool is_exact = false;
    if (clause->kind != RDB_EXPR_FUNCTION || e->arguments.count != 2)
        return true;
    const bool is_like = e->operator_oid == TEXT_LIKE || e->operator_oid == NAME_LIKE, is_match = e->operator_oid == TEXT_MATCH || e->operator_oid == NAME_MATCH;
    const rdb_expr_const *pattern = e->arguments.items[1];
    if ((!is_like && !is_match && e->operator_oid != TEXT_STARTS_WITH) || pattern->head.kind != RDB_EXPR_CONST || pattern->is_null ||
        !rdb_collation_is_deterministic(e->input_collation))
        return true;
    rdb_strbuf_init(&prefix, p->arena);
    if (is_like)
        like_prefix(pattern->value.bytes, &prefix, &is_exact);
    else if (is_match)
        regex_prefix(p->arena, pattern->value.bytes, &prefix, &is_exact);
    else
        rdb_strbuf_add(&prefix, pattern->value.bytes.data, pattern->value.bytes.length);
    if (!rdb_strbuf_check(&prefix, p->err))
        return false;
    if (is_exact)
        return add_bound(p, e->arguments.items[0], pattern, 3, &prefix, clauses);
    if (prefix.length == 0)
        return true;
    return add_bound(p, e->arguments.items[0], pattern, 4, &prefix, clauses) &&
           (!make_upper(&prefix) || (rdb_strbuf_check(&prefix, p->err) && add_bound(p, e->arguments.items[0], pattern, 1, &prefix, clauses)));
}
