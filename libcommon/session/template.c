/* SPDX-License-Identifier: Apache-2.0
 * Statement templates (template.h). The reader below knows just enough of SQL's lexical rules to find literals surely, and gives
 * up on everything else: comments, dollar quotes, strings with a prefix, several statements, bytes beyond ASCII outside of quotes. */
#include "session/template.h"

#include "base/rdb_map.h"
#include "session/activity.h"
#include "session/audit.h"
#include "session/digest.h"
#include "session/portal.h"
#include "session/row_sink.h"
#include "session/settings.h"
#include "session/wire_int.h"

enum {
    SLOTS = 32,
    SEEN_BEFORE = 2,      /* so often a text comes before it becomes a template */
    SMALL_TABLE_BLOCKS = 8
};

typedef struct template_slot {
    uint64_t hash;        /* 0: empty */
    uint64_t last_use;
    uint32_t seen;
    bool is_refused;      /* its plan hangs on the values, or it cannot be prepared */
    char *key;            /* of a statement that is kept */
    uint32_t key_length;
    session_statement *statement;
    const session_plan *checked; /* the statement's plan when it was last looked at */
    bool reads_small_tables;     /* whole: they must stay small */
    uint64_t settings_version;
    uint64_t query_id;           /* of a run as any other statement: the same number when it runs from here; 0: not known */
} template_slot;

struct session_templates {
    template_slot slots[SLOTS];
    uint64_t uses;
    template_slot *pending;      /* of the text that runs as any other now */
};

/* ---- reading ---------------------------------------------------------------------------------------------------------- */
typedef struct reader {
    const char *at, *end;
    template_key *key;
} reader;

static bool put(reader *r, const char *bytes, size_t length)
{
    if (r->key->length + length > sizeof r->key->bytes)
        return false;
    memcpy(r->key->bytes + r->key->length, bytes, length);
    r->key->length += (uint32_t)length;
    return true;
}

static bool put_literal(reader *r, const char *bytes, size_t length, char kind)
{
    const char mark[2] = {'\1', kind};
    if (r->key->literal_count == TEMPLATE_LITERALS_MAX || !put(r, mark, 2))
        return false;
    r->key->literals[r->key->literal_count++] = (template_literal){.bytes = bytes, .length = (uint32_t)length, .kind = kind};
    return true;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool is_name(char c)
{
    return is_name_start(c) || is_digit(c) || c == '$';
}

typedef struct known_word { const char *text; uint32_t length; } known_word;
#define WORD(text) {text, sizeof(text) - 1}

static bool is_one_of(const known_word *words, unsigned count, const char *word, size_t length)
{
    for (unsigned i = 0; i < count; i++)
        if (words[i].length == length && (word[0] | 0x20) == words[i].text[0] && strncasecmp(word, words[i].text, length) == 0)
            return true;
    return false;
}

/* Where a number may stand for a column of the result, or the statement is none for this. */
static bool is_excluded(const char *word, size_t length)
{
    static const known_word words[] = {WORD("order"), WORD("group"), WORD("distinct"), WORD("union"), WORD("except"), WORD("intersect"), WORD("minus"), WORD("with"),
                                       WORD("window"), WORD("over"), WORD("merge"), WORD("fetch"), WORD("interval"), WORD("rownum"), WORD("cast")};
    return is_one_of(words, RDB_COUNT_OF(words), word, length);
}

static bool read_name(reader *r)
{
    const char *begin = r->at;
    while (r->at < r->end && is_name(*r->at))
        r->at++;
    if (r->at < r->end && (*r->at == '\'' || (uint8_t)*r->at >= 0x80)) /* E'', B'', q'' and so on */
        return false;
    return !is_excluded(begin, (size_t)(r->at - begin)) && put(r, begin, (size_t)(r->at - begin));
}

static char class_of(const char *digits, size_t length)
{
    uint64_t value = 0;
    if (length > 18)
        return 'n'; /* some are int8: they are rare, and have a class of their own below */
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (uint64_t)(digits[i] - '0');
    return value <= INT32_MAX ? 'i' : 'l';
}

static bool read_number(reader *r)
{
    const char *begin = r->at;
    uint32_t before = r->key->length;
    while (before > 0 && r->key->bytes[before - 1] == ' ')
        before--;
    const bool is_negative = before > 0 && r->key->bytes[before - 1] == '-';
    bool is_integer = true;
    while (r->at < r->end && is_digit(*r->at))
        r->at++;
    const size_t digits = (size_t)(r->at - begin);
    if (r->at < r->end && *r->at == '.') {
        is_integer = false;
        r->at++;
        while (r->at < r->end && is_digit(*r->at))
            r->at++;
    }
    if (r->at < r->end && (is_name(*r->at) || *r->at == '.' || (uint8_t)*r->at >= 0x80)) /* 1e5, 10M, 1..2 */
        return false;
    const char kind = is_integer ? class_of(begin, digits) : 'n';
    /* 18 digits and more may be int8 or numeric, and a sign moves the border by one. */
    if (is_integer && (kind == 'n' || (kind == 'l' && is_negative)))
        return false;
    return put_literal(r, begin, (size_t)(r->at - begin), kind);
}

static bool read_string(reader *r)
{
    const char *begin = ++r->at;
    char kind = 's';
    for (;; r->at++) {
        const char *quote = memchr(r->at, '\'', (size_t)(r->end - r->at));
        if (quote == NULL)
            return false;
        r->at = quote;
        if (quote + 1 == r->end || quote[1] != '\'')
            break;
        kind = 'q';
        r->at++;
    }
    const char *after = ++r->at;
    while (after < r->end && (*after == ' ' || *after == '\t' || *after == '\n' || *after == '\r' || *after == '\f'))
        after++;
    if (after < r->end && *after == '\'') /* a string in two parts */
        return false;
    return put_literal(r, begin, (size_t)(r->at - 1 - begin), kind);
}

static inline bool is_operator(char c)
{
    switch (c) {
    case '+': case '-': case '*': case '/': case '%': case '^': case '|': case '&': case '#': case '<': case '>': case '=': case '!': case '~': case '@': case '?':
        return true;
    default:
        return false;
    }
}

/* A call of literals alone, from its opening parenthesis: planning would compute it, and raise its error though no row is met. */
static bool is_foldable_call(const char *key, uint32_t open, uint32_t length)
{
    static const known_word harmless[] = {WORD("values"), WORD("in"), WORD("and"), WORD("or"), WORD("not"), WORD("where"), WORD("set"), WORD("nextval"),
                                          WORD("currval"), WORD("setval"), WORD("pg_sleep"), WORD("random")};
    uint32_t end = open, begin, literals = 0;
    while (end > 0 && key[end - 1] == ' ')
        end--;
    for (begin = end; begin > 0 && is_name(key[begin - 1]);)
        begin--;
    if (begin == end || (begin > 0 && key[begin - 1] == '\1'))
        return false;
    if (is_one_of(harmless, RDB_COUNT_OF(harmless), key + begin, end - begin))
        return false;
    for (uint32_t i = open + 1; i < length && key[i] != ')'; i++) {
        if (key[i] == '\1') {
            literals++;
            i++;
        } else if (key[i] != ' ' && key[i] != ',' && key[i] != '-') {
            return false;
        }
    }
    return literals > 0;
}

/* Planning computes what stands between literals alone (1/0, 5::smallint): its errors come whether a row is met or not. */
static bool is_foldable(const char *key, uint32_t length)
{
    bool after_literal = false, after_operator = false; /* literal, operator, and only blanks and parentheses since */
    for (uint32_t i = 0; i < length; i++) {
        const char c = key[i];
        if (c == '\1') {
            if (after_operator || (key[i + 1] != 's' && key[i + 1] != 'q' && i + 3 < length && key[i + 2] == ':'))
                return true;
            after_literal = true;
            after_operator = false;
            i++;
        } else if (is_operator(c)) {
            after_operator = after_operator || after_literal;
            after_literal = false;
        } else if (c == '(' && is_foldable_call(key, i, length)) {
            return true;
        } else if (c != ' ' && c != '\n' && c != '\t' && c != '(' && c != ')') {
            after_literal = after_operator = false;
        }
    }
    return false;
}

bool template_read(const char *text, size_t length, template_key *key)
{
    reader r = {.at = text, .end = text + length, .key = key};
    key->length = key->literal_count = 0;
    if (length > TEMPLATE_BYTES_MAX * 2)
        return false;
    while (r.at < r.end) {
        const char c = *r.at, next = r.at + 1 < r.end ? r.at[1] : '\0';
        bool ok = true;
        if (is_name_start(c)) {
            ok = read_name(&r);
        } else if (is_digit(c)) {
            ok = read_number(&r);
        } else if (c == '\'') {
            ok = read_string(&r);
        } else if (c == '"') {
            const char *end = memchr(r.at + 1, '"', (size_t)(r.end - r.at - 1));
            ok = end != NULL && memchr(r.at, '\1', (size_t)(end - r.at)) == NULL && put(&r, r.at, (size_t)(end + 1 - r.at));
            r.at = ok ? end + 1 : r.at;
        } else if (c == ';') {
            const char *rest = r.at + 1;
            while (rest < r.end && (*rest == ' ' || *rest == '\n' || *rest == '\t' || *rest == '\r'))
                rest++;
            ok = rest == r.end;
            r.at = r.end;
        } else if (c == '$' || c == '\1' || (uint8_t)c >= 0x80 || (c == '-' && next == '-') || (c == '/' && next == '*') ||
                   (c == '.' && is_digit(next)) || (c == '&' && (next == '\'' || next == '"')) || (c == '(' && next == '+')) {
            ok = false;
        } else {
            ok = put(&r, &c, 1);
            r.at++;
        }
        if (!ok)
            return false;
    }
    return key->length > 0 && !is_foldable(key->bytes, key->length);
}

/* ---- what may be taken -------------------------------------------------------------------------------------------------- */

/* The bounds name one value for every column of a unique index. */
static bool finds_one_row(const rdb_plan_scan *scan)
{
    const rdb_relation_index *index = &scan->relation->indexes[scan->index_no];
    uint64_t bound = 0;
    if (!index->is_unique || !index->is_immediate || !index->is_valid || index->predicate_tree != NULL || index->key_count > 32)
        return false;
    for (uint16_t i = 0; i < scan->bound_count; i++)
        if (scan->bounds[i].strategy == 3 && !scan->bounds[i].is_any)
            bound |= UINT64_C(1) << scan->bounds[i].column_no;
    return bound == (UINT64_C(1) << index->key_count) - 1;
}

static bool is_small(rdb_session *session, const rdb_relation *relation)
{
    uint64_t blocks = 0;
    rdb_error err;
    rdb_error_init(&err);
    bool ok = relation->kind == 'r' && !relation->is_shared &&
              rdb_storage_block_count(rdb_engine_storage(session->engine), rdb_txn_pdb(session->txn), relation->file, RDB_FORK_MAIN, &blocks, &err);
    rdb_error_clear(&err);
    return ok && blocks <= SMALL_TABLE_BLOCKS;
}

static bool plan_is_fixed(rdb_session *session, const rdb_plan_node *node, template_slot *slot)
{
    if (node == NULL)
        return true;
    switch (node->kind) {
    case RDB_PLAN_RESULT:
    case RDB_PLAN_LOCK_ROWS:
        break;
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
        if (!finds_one_row(&node->of.scan))
            return false;
        break;
    case RDB_PLAN_SEQ_SCAN:
        if (node->of.scan.sample != NULL || !is_small(session, node->of.scan.relation))
            return false;
        slot->reads_small_tables = true;
        break;
    case RDB_PLAN_MODIFY_TABLE:
        if (node->of.modify.has_targets || node->of.modify.action_count > 0)
            return false;
        if (node->left != NULL && node->left->kind == RDB_PLAN_VALUES_SCAN)
            return true;
        break;
    default:
        return false;
    }
    return node->children.count == 0 && plan_is_fixed(session, node->left, slot) && plan_is_fixed(session, node->right, slot);
}

static bool small_tables_stayed_small(rdb_session *session, const rdb_plan_node *node)
{
    if (node == NULL)
        return true;
    return (node->kind != RDB_PLAN_SEQ_SCAN || is_small(session, node->of.scan.relation)) && small_tables_stayed_small(session, node->left) &&
           small_tables_stayed_small(session, node->right);
}

static bool is_taken(rdb_session *session, template_slot *slot)
{
    const session_plan *plan = slot->statement->plan;
    slot->reads_small_tables = false;
    slot->checked = plan;
    return plan != NULL && plan->plan != NULL && plan->companion_count == 0 && plan->plan->subplan_count == 0 && plan->plan->cte_count == 0 &&
           !plan->plan->prunes_first && plan_is_fixed(session, plan->plan->root, slot);
}

/* ---- templates ------------------------------------------------------------------------------------------------------------ */

static void empty_slot(rdb_session *session, template_slot *slot)
{
    statement_release(session, slot->statement);
    free(slot->key);
    memset(slot, 0, sizeof *slot);
}

void session_templates_forget(rdb_session *session)
{
    if (session->templates == NULL)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        empty_slot(session, &session->templates->slots[i]);
    free(session->templates);
    session->templates = NULL;
}

static template_slot *find_slot(rdb_session *session, const template_key *key, uint64_t hash)
{
    session_templates *templates = session->templates;
    template_slot *oldest = NULL;
    if (templates == NULL && (templates = session->templates = calloc(1, sizeof *templates)) == NULL)
        return NULL;
    templates->uses++;
    for (unsigned i = 0; i < SLOTS; i++) {
        template_slot *slot = &templates->slots[i];
        if (slot->hash == hash && (slot->key == NULL || (slot->key_length == key->length && memcmp(slot->key, key->bytes, key->length) == 0))) {
            slot->last_use = templates->uses;
            return slot;
        }
        if (oldest == NULL || slot->last_use < oldest->last_use)
            oldest = slot;
    }
    empty_slot(session, oldest);
    oldest->hash = hash;
    oldest->last_use = templates->uses;
    return oldest;
}

/* The key with $1, $2 ... for its literals, parsed and planned. False: it cannot be. */
static bool make_statement(rdb_session *session, template_slot *slot, const template_key *key)
{
    rdb_error err;
    rdb_error_init(&err);
    rdb_ast_list list = {0};
    rdb_sql_reading reading = session_setting_reading(session);
    rdb_arena *arena = rdb_arena_create("template", NULL, NULL);
    if (arena == NULL)
        return false;
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    uint32_t *types = RDB_NEW_ARRAY(arena, uint32_t, key->literal_count + 1), count = 0;
    for (uint32_t i = 0; i < key->length; i++) {
        if (key->bytes[i] != '\1') {
            rdb_strbuf_addc(&text, key->bytes[i]);
            continue;
        }
        const char kind = key->bytes[++i];
        types[count++] = kind == 'i' ? RDB_INT4OID : kind == 'l' ? RDB_INT8OID : kind == 'n' ? RDB_NUMERICOID : 0;
        rdb_strbuf_addf(&text, " $%u ", count);
    }
    rdb_strbuf_addc(&text, '\0');
    session_statement *statement = RDB_NEW(arena, session_statement);
    bool ok = rdb_strbuf_check(&text, &err) && rdb_arena_check(arena, &err) &&
              rdb_sql_parse_reading(arena, text.data, text.length - 1, &reading, &list, &err) && list.count == 1;
    if (ok) {
        const int tag = list.items[0].body->tag;
        ok = tag == RDB_AST_SELECT || tag == RDB_AST_INSERT || tag == RDB_AST_UPDATE || tag == RDB_AST_DELETE;
    }
    if (ok) {
        *statement = (session_statement){.arena = arena, .text = text.data, .raw = list.items[0].body, .declared_types = types,
                                         .declared_count = count, .prepared_us = session->statement_us, .use_count = 1};
        slot->statement = statement;
        slot->key = malloc(key->length);
        ok = slot->key != NULL && statement_plan_ready(session, statement, &err) && is_taken(session, slot) && statement->parameter_count == count;
    } else {
        rdb_arena_destroy(arena);
    }
    if (ok) {
        memcpy(slot->key, key->bytes, key->length);
        slot->key_length = key->length;
        slot->settings_version = session_setting_version(session);
    } else {
        statement_release(session, slot->statement);
        free(slot->key);
        slot->statement = NULL;
        slot->key = NULL;
        slot->is_refused = true;
    }
    rdb_error_clear(&err);
    return ok;
}

/* The literals' values. False: one has none of its type; the statement's own way tells it with its position. */
static bool read_values(rdb_session *session, const session_statement *statement, const template_key *key, rdb_parameter *parameters)
{
    rdb_error err;
    rdb_error_init(&err);
    rdb_eval eval;
    session_make_eval(session, statement->plan->access, &eval);
    rdb_call call = {.arena = session->statement_arena, .err = &err, .format = eval.format, .session = &eval,
                     .statement_us = session->statement_us, .transaction_us = session->transaction_us};
    bool ok = true;
    for (uint32_t i = 0; ok && i < key->literal_count; i++) {
        const template_literal *literal = &key->literals[i];
        rdb_parameter *parameter = &parameters[i];
        *parameter = (rdb_parameter){.type_oid = statement->parameter_types[i]};
        if (literal->kind == 'i' || literal->kind == 'l') {
            int64_t value = 0;
            for (uint32_t k = 0; k < literal->length; k++)
                value = value * 10 + (literal->bytes[k] - '0');
            if (literal->kind == 'i')
                parameter->value.i32 = (int32_t)value;
            else
                parameter->value.i64 = value;
            continue;
        }
        rdb_slice bytes = {(const uint8_t *)literal->bytes, literal->length};
        if (literal->kind == 'q') {
            uint8_t *plain = rdb_arena_alloc(session->statement_arena, literal->length);
            size_t length = 0;
            for (uint32_t k = 0; k < literal->length; k++) {
                plain[length++] = (uint8_t)literal->bytes[k];
                k += literal->bytes[k] == '\'';
            }
            bytes = (rdb_slice){plain, length};
        }
        const rdb_type *type = NULL;
        ok = rdb_type_get(statement->plan->access, parameter->type_oid, &type, &err) && type != NULL && type->ops != NULL && type->ops->input != NULL &&
             type->ops->input(&call, type, bytes, -1, &parameter->value);
    }
    ok = ok && rdb_arena_check(session->statement_arena, &err);
    rdb_error_clear(&err);
    return ok;
}

void session_template_note(rdb_session *session)
{
    if (session->templates != NULL && session->templates->pending != NULL)
        session->templates->pending->query_id = (uint64_t)atomic_load_explicit(&session->query_id, memory_order_relaxed);
}

bool session_template_run(rdb_session *session, const char *text, size_t length, rdb_error *err)
{
    template_key key;
    rdb_parameter parameters[TEMPLATE_LITERALS_MAX];
    const rdb_sql_reading reading = session_setting_reading(session);
    if (session->templates != NULL)
        session->templates->pending = NULL;
    size_t bad;
    char tag[64];
    if (session->block == SESSION_FAILED || !reading.standard_conforming_strings || session_setting_format(session)->client_encoding != 0 ||
        !template_read(text, length, &key) || !rdb_utf8_validate((const uint8_t *)text, length, &bad))
        return false;
    uint64_t hash = rdb_hash64(key.bytes, key.length, 1) | 1;
    template_slot *slot = find_slot(session, &key, hash);
    if (slot == NULL || slot->is_refused)
        return false;
    if (slot->seen++ < SEEN_BEFORE) {
        session->templates->pending = slot;
        return false;
    }
    if (slot->statement != NULL && slot->settings_version != session_setting_version(session)) {
        statement_release(session, slot->statement);
        free(slot->key);
        slot->statement = NULL;
        slot->key = NULL;
    }
    if (!session_begin_statement(session, err))
        return true;
    if (slot->statement == NULL && !make_statement(session, slot, &key))
        return false;
    session_statement *statement = slot->statement;
    if (!statement_plan_ready(session, statement, err)) { /* whatever is wrong with it now, its own way says it better */
        rdb_error_clear(err);
        slot->is_refused = true;
        return false;
    }
    if ((statement->plan != slot->checked && !is_taken(session, slot)) ||
        (slot->reads_small_tables && !small_tables_stayed_small(session, statement->plan->plan->root))) {
        slot->is_refused = true;
        return false;
    }
    if (!read_values(session, statement, &key, parameters))
        return false;
    if (slot->query_id != 0 && statement->plan->digest != NULL && statement->plan->digest->query_id != slot->query_id)
        statement->plan->digest->query_id = slot->query_id; /* before its first run: it has no ref yet */
    if (session_audit_statement(session, text, length, false, statement->raw, statement->plan, err) &&
        session_run_plan(session, statement->plan, parameters, key.literal_count, tag, err) && session_audit_done(session, tag, err) &&
        (session->block != SESSION_AUTO || session_commit(session, err)))
        session_put_complete(session, tag);
    return true;
}
