/* SPDX-License-Identifier: Apache-2.0
 * Reading statements about policies, and their conditions. Names fold as SQL's do; nesting is bounded. */
#include "policy_int.h"

#include "audit_int.h"
#include "audit/rdb_audit_search.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { DEPTH_MAX = 64 };

/* ---- words ---------------------------------------------------------------------------------------------------------------- */
void policy_reader_begin(policy_reader *reader, rdb_arena *arena, const char *text, size_t length)
{
    *reader = (policy_reader){.arena = arena, .begin = text, .at = text, .end = text + length};
}

bool policy_reader_refuse(const policy_reader *reader, rdb_error *err)
{
    if (reader->kind == POLICY_END)
        rdb_error_set(err, RDB_SYNTAX_ERROR, "syntax error at end of input");
    else
        rdb_error_set(err, RDB_SYNTAX_ERROR, "syntax error at or near \"%s\"", reader->text);
    return rdb_error_position(err, (int32_t)reader->token_at + 1);
}

static void skip_blanks(policy_reader *r)
{
    for (;;) {
        while (r->at < r->end && isspace((unsigned char)*r->at))
            r->at++;
        if (r->end - r->at >= 2 && r->at[0] == '-' && r->at[1] == '-') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        } else if (r->end - r->at >= 2 && r->at[0] == '/' && r->at[1] == '*') {
            const char *close = memmem(r->at + 2, (size_t)(r->end - r->at - 2), "*/", 2);
            r->at = close != NULL ? close + 2 : r->end;
        } else {
            return;
        }
    }
}

static inline bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '*' || c == '?' || (unsigned char)c >= 0x80;
}

bool policy_reader_next(policy_reader *r, rdb_error *err)
{
    skip_blanks(r);
    const char *begin = r->at;
    r->token_at = (size_t)(begin - r->begin);
    if (r->at == r->end || *r->at == ';') {
        r->kind = POLICY_END;
        r->text = "";
        return true;
    }
    if (*r->at == '\'' || *r->at == '"') {
        const char quote = *r->at++;
        char *text = rdb_arena_alloc(r->arena, (size_t)(r->end - begin) + 1);
        size_t length = 0;
        for (;; r->at++) {
            if (r->at == r->end) {
                r->text = rdb_arena_strndup(r->arena, begin, (size_t)(r->end - begin));
                r->kind = POLICY_STRING;
                return policy_reader_refuse(r, err);
            }
            if (*r->at == quote && (r->at + 1 == r->end || r->at[1] != quote))
                break;
            r->at += *r->at == quote;
            text[length++] = *r->at;
        }
        text[length] = '\0';
        r->at++;
        r->text = text;
        r->kind = quote == '"' ? POLICY_QUOTED : POLICY_STRING;
        return true;
    }
    if (is_word(*r->at)) {
        const bool is_number = isdigit((unsigned char)*r->at);
        while (r->at < r->end && is_word(*r->at))
            r->at++;
        char *text = rdb_arena_strndup(r->arena, begin, (size_t)(r->at - begin));
        for (char *c = text; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        r->text = text;
        r->kind = is_number ? POLICY_NUMBER : POLICY_WORD;
        return true;
    }
    size_t length = 1;
    if (r->end - r->at >= 2 && (memcmp(r->at, "<>", 2) == 0 || memcmp(r->at, "<=", 2) == 0 || memcmp(r->at, ">=", 2) == 0 || memcmp(r->at, "!=", 2) == 0))
        length = 2;
    r->text = rdb_arena_strndup(r->arena, r->at, length);
    r->at += length;
    r->kind = POLICY_SIGN;
    return true;
}

bool policy_reader_is(const policy_reader *reader, const char *word)
{
    return reader->kind == POLICY_WORD && strcmp(reader->text, word) == 0;
}

bool policy_reader_is_sign(const policy_reader *reader, const char *sign)
{
    return reader->kind == POLICY_SIGN && strcmp(reader->text, sign) == 0;
}

/* ---- conditions ------------------------------------------------------------------------------------------------------------ */
typedef enum fact_no { FACT_NONE, FACT_LOGIN, FACT_ROLE, FACT_DATABASE, FACT_CLIENT, FACT_APPLICATION, FACT_SESSION, FACT_ACTION, FACT_CLASS, FACT_OBJECT, FACT_STATEMENT, FACT_CODE, FACT_ROWS } fact_no;
static const struct { const char *name; fact_no fact; } FACTS[] = {
    {"login", FACT_LOGIN}, {"session_user", FACT_LOGIN}, {"dbusername", FACT_LOGIN}, {"role", FACT_ROLE}, {"current_user", FACT_ROLE}, {"database", FACT_DATABASE}, {"db_name", FACT_DATABASE},
    {"client", FACT_CLIENT}, {"ip_address", FACT_CLIENT}, {"host", FACT_CLIENT}, {"application", FACT_APPLICATION}, {"client_program_name", FACT_APPLICATION}, {"module", FACT_APPLICATION},
    {"session", FACT_SESSION}, {"sessionid", FACT_SESSION}, {"sid", FACT_SESSION}, {"action", FACT_ACTION}, {"class", FACT_CLASS}, {"object", FACT_OBJECT}, {"statement", FACT_STATEMENT},
    {"code", FACT_CODE}, {"rows", FACT_ROWS}};

typedef struct operand { fact_no fact; const char *text; bool is_number; } operand;
struct policy_condition {
    enum { NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE, NODE_LIKE, NODE_IN, NODE_IS_NULL } kind;
    const policy_condition *left, *right;
    operand a, b;
    const char *sign;
    rdb_list values; /* const char * */
};

static const policy_condition *make_node(policy_reader *r, policy_condition node)
{
    policy_condition *made = RDB_NEW(r->arena, policy_condition);
    *made = node;
    return made;
}

static bool find_fact(const char *name, fact_no *fact)
{
    for (size_t i = 0; i < RDB_COUNT_OF(FACTS); i++)
        if (strcasecmp(FACTS[i].name, name) == 0) {
            *fact = FACTS[i].fact;
            return true;
        }
    return false;
}

static bool expect_sign(policy_reader *r, const char *sign, rdb_error *err)
{
    return (policy_reader_is_sign(r, sign) || policy_reader_refuse(r, err)) && policy_reader_next(r, err);
}

static bool read_operand(policy_reader *r, operand *out, rdb_error *err)
{
    *out = (operand){0};
    if (r->kind == POLICY_STRING || r->kind == POLICY_NUMBER) {
        out->text = r->text;
        out->is_number = r->kind == POLICY_NUMBER;
        return policy_reader_next(r, err);
    }
    if (policy_reader_is(r, "sys_context")) {
        if (!policy_reader_next(r, err) || !expect_sign(r, "(", err))
            return false;
        if (r->kind != POLICY_STRING || strcasecmp(r->text, "userenv") != 0)
            return policy_reader_refuse(r, err);
        if (!policy_reader_next(r, err) || !expect_sign(r, ",", err))
            return false;
        if (r->kind != POLICY_STRING || !find_fact(r->text, &out->fact))
            return policy_reader_refuse(r, err);
        return policy_reader_next(r, err) && expect_sign(r, ")", err);
    }
    if (r->kind != POLICY_WORD || !find_fact(r->text, &out->fact))
        return policy_reader_refuse(r, err);
    return policy_reader_next(r, err);
}

static bool read_or(policy_reader *r, unsigned depth, const policy_condition **out, rdb_error *err);

static bool read_values(policy_reader *r, rdb_list *values, rdb_error *err)
{
    if (!expect_sign(r, "(", err))
        return false;
    for (;;) {
        if (r->kind != POLICY_STRING && r->kind != POLICY_NUMBER)
            return policy_reader_refuse(r, err);
        rdb_list_push(r->arena, values, (void *)(uintptr_t)r->text);
        if (!policy_reader_next(r, err))
            return false;
        if (!policy_reader_is_sign(r, ","))
            return expect_sign(r, ")", err);
        if (!policy_reader_next(r, err))
            return false;
    }
}

static bool read_comparison(policy_reader *r, const policy_condition **out, rdb_error *err)
{
    policy_condition node = {.kind = NODE_COMPARE};
    bool negates = false;
    if (!read_operand(r, &node.a, err))
        return false;
    if (policy_reader_is(r, "is")) {
        node.kind = NODE_IS_NULL;
        if (!policy_reader_next(r, err))
            return false;
        negates = policy_reader_is(r, "not");
        if (negates && !policy_reader_next(r, err))
            return false;
        if (!policy_reader_is(r, "null"))
            return policy_reader_refuse(r, err);
        if (!policy_reader_next(r, err))
            return false;
    } else {
        negates = policy_reader_is(r, "not");
        if (negates && !policy_reader_next(r, err))
            return false;
        if (policy_reader_is(r, "like")) {
            node.kind = NODE_LIKE;
            if (!policy_reader_next(r, err) || !read_operand(r, &node.b, err))
                return false;
        } else if (policy_reader_is(r, "in")) {
            node.kind = NODE_IN;
            if (!policy_reader_next(r, err) || !read_values(r, &node.values, err))
                return false;
        } else {
            static const char *const signs[] = {"=", "<>", "!=", "<", "<=", ">", ">="};
            for (size_t i = 0; !negates && i < RDB_COUNT_OF(signs); i++)
                if (policy_reader_is_sign(r, signs[i]))
                    node.sign = signs[i];
            if (node.sign == NULL)
                return policy_reader_refuse(r, err);
            if (!policy_reader_next(r, err) || !read_operand(r, &node.b, err))
                return false;
        }
    }
    *out = make_node(r, node);
    if (negates)
        *out = make_node(r, (policy_condition){.kind = NODE_NOT, .left = *out});
    return true;
}

static bool read_not(policy_reader *r, unsigned depth, const policy_condition **out, rdb_error *err)
{
    if (depth > DEPTH_MAX)
        return rdb_error_set(err, RDB_STATEMENT_TOO_COMPLEX, "the condition of an audit policy is nested too deeply");
    if (policy_reader_is(r, "not")) {
        const policy_condition *inner = NULL;
        if (!policy_reader_next(r, err) || !read_not(r, depth + 1, &inner, err))
            return false;
        *out = make_node(r, (policy_condition){.kind = NODE_NOT, .left = inner});
        return true;
    }
    if (policy_reader_is_sign(r, "("))
        return policy_reader_next(r, err) && read_or(r, depth + 1, out, err) && expect_sign(r, ")", err);
    return read_comparison(r, out, err);
}

static bool read_and(policy_reader *r, unsigned depth, const policy_condition **out, rdb_error *err)
{
    if (!read_not(r, depth, out, err))
        return false;
    while (policy_reader_is(r, "and")) {
        const policy_condition *right = NULL;
        if (!policy_reader_next(r, err) || !read_not(r, depth, &right, err))
            return false;
        *out = make_node(r, (policy_condition){.kind = NODE_AND, .left = *out, .right = right});
    }
    return true;
}

static bool read_or(policy_reader *r, unsigned depth, const policy_condition **out, rdb_error *err)
{
    if (!read_and(r, depth, out, err))
        return false;
    while (policy_reader_is(r, "or")) {
        const policy_condition *right = NULL;
        if (!policy_reader_next(r, err) || !read_and(r, depth, &right, err))
            return false;
        *out = make_node(r, (policy_condition){.kind = NODE_OR, .left = *out, .right = right});
    }
    return true;
}

bool policy_condition_parse(policy_reader *reader, const policy_condition **condition, rdb_error *err)
{
    return read_or(reader, 0, condition, err);
}

bool policy_condition_read(rdb_arena *arena, const char *text, const policy_condition **condition, rdb_error *err)
{
    policy_reader reader;
    policy_reader_begin(&reader, arena, text, strlen(text));
    return policy_reader_next(&reader, err) && policy_condition_parse(&reader, condition, err) && (reader.kind == POLICY_END || policy_reader_refuse(&reader, err));
}

static const char *fact_text(fact_no fact, const rdb_audit_facts *facts, char number[24])
{
    const char *text = NULL;
    switch (fact) {
    case FACT_LOGIN: text = facts->login; break;
    case FACT_ROLE: text = facts->role; break;
    case FACT_DATABASE: text = facts->database; break;
    case FACT_CLIENT: text = facts->client; break;
    case FACT_APPLICATION: text = facts->application; break;
    case FACT_SESSION: text = facts->session; break;
    case FACT_ACTION: text = facts->action; break;
    case FACT_CLASS: text = RDB_AUDIT_CLASSES[facts->class]; break;
    case FACT_OBJECT: text = facts->object_count > 0 ? facts->objects[0].name : NULL; break;
    case FACT_STATEMENT: text = facts->statement; break; /* terminated by who asks */
    case FACT_CODE: text = facts->code; break;
    case FACT_ROWS:
        snprintf(number, 24, "%llu", (unsigned long long)(facts->rows != RDB_AUDIT_NO_ROWS ? facts->rows : 0));
        text = number;
        break;
    case FACT_NONE: break;
    }
    return text != NULL ? text : "";
}

static bool holds_one(const policy_condition *c, const rdb_audit_facts *facts)
{
    char number_a[24], number_b[24];
    const char *a = c->a.text != NULL ? c->a.text : fact_text(c->a.fact, facts, number_a);
    const char *b = c->b.text != NULL ? c->b.text : fact_text(c->b.fact, facts, number_b);
    if (c->kind == NODE_IS_NULL)
        return a[0] == '\0';
    if (c->kind == NODE_LIKE)
        return audit_match(&(audit_pattern){.any = '%', .one = '_'}, b, a);
    if (c->kind == NODE_IN) {
        for (uint32_t i = 0; i < c->values.count; i++)
            if (strcmp(a, c->values.items[i]) == 0)
                return true;
        return false;
    }
    int order;
    if (c->a.is_number || c->b.is_number || c->a.fact == FACT_ROWS || c->b.fact == FACT_ROWS) {
        const unsigned long long x = strtoull(a, NULL, 10), y = strtoull(b, NULL, 10);
        order = x < y ? -1 : x > y;
    } else {
        order = strcmp(a, b);
    }
    switch (c->sign[0]) {
    case '=': return order == 0;
    case '!': return order != 0;
    case '<': return c->sign[1] == '>' ? order != 0 : c->sign[1] == '=' ? order <= 0 : order < 0;
    default: return c->sign[1] == '=' ? order >= 0 : order > 0;
    }
}

/* As deep as it was read; chains of AND and OR lean to the left. */
bool policy_condition_holds(const policy_condition *c, const rdb_audit_facts *facts)
{
    switch (c->kind) {
    case NODE_AND: return policy_condition_holds(c->left, facts) && policy_condition_holds(c->right, facts);
    case NODE_OR: return policy_condition_holds(c->left, facts) || policy_condition_holds(c->right, facts);
    case NODE_NOT: return !policy_condition_holds(c->left, facts);
    default: return holds_one(c, facts);
    }
}

/* ---- statements -------------------------------------------------------------------------------------------------------------- */
const char *rdb_audit_policy_tag(rdb_audit_policy_verb verb)
{
    static const char *const tags[] = {"", "CREATE AUDIT POLICY", "ALTER AUDIT POLICY", "ALTER AUDIT POLICY", "DROP AUDIT POLICY", "AUDIT POLICY", "NOAUDIT POLICY"};
    return tags[verb];
}

static bool take_name(policy_reader *r, const char **name, rdb_error *err)
{
    if (r->kind != POLICY_WORD && r->kind != POLICY_QUOTED)
        return policy_reader_refuse(r, err);
    *name = r->text;
    return policy_reader_next(r, err);
}

static bool take_word(policy_reader *r, const char *word, bool *taken, rdb_error *err)
{
    *taken = policy_reader_is(r, word);
    return !*taken || policy_reader_next(r, err);
}

static bool need_word(policy_reader *r, const char *word, rdb_error *err)
{
    return (policy_reader_is(r, word) || policy_reader_refuse(r, err)) && policy_reader_next(r, err);
}

static bool read_action(policy_reader *r, rdb_list *actions, rdb_error *err)
{
    rdb_strbuf text;
    bool any = false, is_on = false;
    rdb_strbuf_init(&text, r->arena);
    while (r->kind == POLICY_WORD && !policy_reader_is(r, "on") && !policy_reader_is(r, "when") && !policy_reader_is(r, "evaluate")) {
        if (any)
            rdb_strbuf_addc(&text, ' ');
        for (const char *c = r->text; *c != '\0'; c++)
            rdb_strbuf_addc(&text, (char)toupper((unsigned char)*c));
        any = true;
        if (!policy_reader_next(r, err))
            return false;
    }
    if (!any)
        return policy_reader_refuse(r, err);
    if (policy_reader_is_sign(r, "(")) {
        char separator = '(';
        do {
            const char *column = "";
            if (!policy_reader_next(r, err) || !take_name(r, &column, err))
                return false;
            rdb_strbuf_addf(&text, "%c%s", separator, column);
            separator = ',';
        } while (policy_reader_is_sign(r, ","));
        rdb_strbuf_addc(&text, ')');
        if (!expect_sign(r, ")", err))
            return false;
    }
    if (!take_word(r, "on", &is_on, err))
        return false;
    if (is_on) {
        const char *name = "", *inner = NULL;
        bool is_kind = false;
        if (!take_word(r, "table", &is_kind, err) || !take_name(r, &name, err))
            return false;
        if (policy_reader_is_sign(r, ".") && (!policy_reader_next(r, err) || !take_name(r, &inner, err)))
            return false;
        rdb_strbuf_addf(&text, " ON %s%s%s", name, inner != NULL ? "." : "", inner != NULL ? inner : "");
    }
    rdb_strbuf_addc(&text, '\0');
    rdb_list_push(r->arena, actions, text.data);
    return rdb_strbuf_check(&text, err);
}

static bool read_list(policy_reader *r, bool (*read_one)(policy_reader *r, rdb_list *list, rdb_error *err), rdb_list *list, rdb_error *err)
{
    for (;;) {
        if (!read_one(r, list, err))
            return false;
        if (!policy_reader_is_sign(r, ","))
            return true;
        if (!policy_reader_next(r, err))
            return false;
    }
}

static bool read_role(policy_reader *r, rdb_list *roles, rdb_error *err)
{
    const char *name = "";
    if (!take_name(r, &name, err))
        return false;
    rdb_list_push(r->arena, roles, (void *)(uintptr_t)name);
    return true;
}

static bool read_condition(policy_reader *r, const char **condition, rdb_error *err)
{
    const policy_condition *parsed = NULL;
    bool is_when = false, is_evaluate = false;
    if (!take_word(r, "when", &is_when, err))
        return false;
    if (is_when && r->kind == POLICY_STRING) { /* Oracle's way: the condition is a string */
        *condition = r->text;
        if (!policy_condition_read(r->arena, *condition, &parsed, err) || !policy_reader_next(r, err))
            return false;
    } else if (is_when) {
        const size_t from = r->token_at;
        if (!policy_condition_parse(r, &parsed, err))
            return false;
        *condition = rdb_arena_strndup(r->arena, r->begin + from, r->token_at - from);
    }
    if (!take_word(r, "evaluate", &is_evaluate, err))
        return false;
    return !is_evaluate || (need_word(r, "per", err) && (policy_reader_is(r, "statement") || policy_reader_refuse(r, err)) && policy_reader_next(r, err));
}

static bool read_enabling(policy_reader *r, rdb_audit_policy_statement *s, rdb_error *err)
{
    bool is_by = false, is_except = false, is_whenever = false, is_not = false;
    if (!take_name(r, &s->name, err) || !take_word(r, "by", &is_by, err) || (!is_by && !take_word(r, "except", &is_except, err)))
        return false;
    s->excepts = is_except;
    if ((is_by || is_except) && !read_list(r, read_role, &s->roles, err))
        return false;
    if (s->verb == RDB_AUDIT_ENABLE && !take_word(r, "whenever", &is_whenever, err))
        return false;
    s->on_success = s->on_failure = true;
    if (!is_whenever)
        return true;
    if (!take_word(r, "not", &is_not, err) || !need_word(r, "successful", err))
        return false;
    s->on_success = !is_not;
    s->on_failure = is_not;
    return true;
}

bool rdb_audit_policy_read(rdb_arena *arena, const char *text, size_t length, rdb_audit_policy_statement *s, bool *found, rdb_error *err)
{
    policy_reader reader, *r = &reader;
    rdb_error ignored = {0};
    bool adds = false, drops = false;
    *s = (rdb_audit_policy_statement){0};
    *found = false;
    policy_reader_begin(r, arena, text, length);
    if (!policy_reader_next(r, &ignored))
        goto not_ours;
    const bool creates = policy_reader_is(r, "create"), alters = policy_reader_is(r, "alter"), removes = policy_reader_is(r, "drop");
    const bool enables = policy_reader_is(r, "audit"), disables = policy_reader_is(r, "noaudit");
    if (!creates && !alters && !removes && !enables && !disables)
        goto not_ours;
    if (!policy_reader_next(r, &ignored) || ((creates || alters || removes) && (!policy_reader_is(r, "audit") || !policy_reader_next(r, &ignored))) || !policy_reader_is(r, "policy"))
        goto not_ours;
    *found = true;
    s->verb = creates ? RDB_AUDIT_CREATE : alters ? RDB_AUDIT_ADD : removes ? RDB_AUDIT_DROP : enables ? RDB_AUDIT_ENABLE : RDB_AUDIT_DISABLE;
    if (!policy_reader_next(r, err))
        return false;
    if (enables || disables) {
        if (!read_enabling(r, s, err))
            return false;
    } else if (!take_name(r, &s->name, err)) {
        return false;
    }
    if (alters) {
        if (!take_word(r, "add", &adds, err) || (!adds && !take_word(r, "drop", &drops, err)))
            return false;
        if (!adds && !drops)
            return policy_reader_refuse(r, err);
        s->verb = adds ? RDB_AUDIT_ADD : RDB_AUDIT_REMOVE;
    }
    if ((creates || alters) && (!need_word(r, "actions", err) || !read_list(r, read_action, &s->actions, err) || (creates && !read_condition(r, &s->condition, err))))
        return false;
    if (r->kind != POLICY_END)
        return policy_reader_refuse(r, err);
    s->length = (uint32_t)(r->at - r->begin);
    return rdb_arena_check(arena, err);
not_ours:
    rdb_error_clear(&ignored);
    return true;
}
