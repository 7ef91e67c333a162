/* SPDX-License-Identifier: Apache-2.0
 * The spellings of Oracle's that PostgreSQL's grammar refuses, rewritten by their tokens: MINUS for EXCEPT, b.y(+) of an outer join,
 * the unit in VARCHAR2(10 CHAR), a subquery in FROM without a name, t AS OF SCN n and t AS OF TIMESTAMP m. Only a text that the grammar has refused comes here, so that no text of PostgreSQL's can
 * change its meaning; and if the rewritten one is refused too, the first complaint stands. */
#include "sql/dialect.h"

typedef struct scanner {
    const char *text;
    size_t length, at;
    bool standard_strings;
} scanner;

typedef enum token_kind { NO_TOKEN, WORD, NAME, NUMBER, SIGN, OTHER } token_kind;
typedef struct token {
    token_kind kind;
    size_t start, end;
} token;

static bool is_word_byte(unsigned char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80 || (!first && ((c >= '0' && c <= '9') || c == '$'));
}

static void skip_quoted(scanner *s, char quote, bool escapes)
{
    for (s->at++; s->at < s->length; s->at++) {
        if (escapes && s->text[s->at] == '\\') {
            s->at++;
        } else if (s->text[s->at] == quote) {
            if (s->at + 1 < s->length && s->text[s->at + 1] == quote) {
                s->at++;
            } else {
                s->at++;
                return;
            }
        }
    }
    s->at = RDB_MIN(s->at, s->length);
}

static void skip_comment(scanner *s)
{
    int depth = 0;
    do {
        if (s->length - s->at >= 2 && memcmp(s->text + s->at, "/*", 2) == 0) {
            depth++;
            s->at += 2;
        } else if (s->length - s->at >= 2 && memcmp(s->text + s->at, "*/", 2) == 0) {
            depth--;
            s->at += 2;
        } else {
            s->at++;
        }
    } while (depth > 0 && s->at < s->length);
}

/* $tag$ ... $tag$; false: the dollar begins no such string. */
static bool skip_dollar(scanner *s)
{
    size_t end = s->at + 1;
    while (end < s->length && is_word_byte((unsigned char)s->text[end], end == s->at + 1) && s->text[end] != '$')
        end++;
    if (end >= s->length || s->text[end] != '$')
        return false;
    size_t tag = end + 1 - s->at;
    const char *found = memmem(s->text + end + 1, s->length - end - 1, s->text + s->at, tag);
    s->at = found == NULL ? s->length : (size_t)(found - s->text) + tag;
    return true;
}

static token next_token(scanner *s)
{
    for (;;) {
        while (s->at < s->length && strchr(" \t\n\r\f\v", s->text[s->at]) != NULL)
            s->at++;
        if (s->length - s->at >= 2 && memcmp(s->text + s->at, "--", 2) == 0) {
            while (s->at < s->length && s->text[s->at] != '\n')
                s->at++;
        } else if (s->length - s->at >= 2 && memcmp(s->text + s->at, "/*", 2) == 0) {
            skip_comment(s);
        } else {
            break;
        }
    }
    token t = {.kind = OTHER, .start = s->at};
    if (s->at == s->length)
        return (token){.kind = NO_TOKEN, .start = s->at, .end = s->at};
    unsigned char c = (unsigned char)s->text[s->at];
    if (c == '\'') {
        skip_quoted(s, '\'', !s->standard_strings);
    } else if (c == '"') {
        t.kind = NAME;
        skip_quoted(s, '"', false);
    } else if (is_word_byte(c, true)) {
        t.kind = WORD;
        while (s->at < s->length && is_word_byte((unsigned char)s->text[s->at], false))
            s->at++;
        bool is_escape_string = s->at - t.start == 1 && (c == 'e' || c == 'E') && s->at < s->length && s->text[s->at] == '\'';
        if (is_escape_string) {
            t.kind = OTHER;
            skip_quoted(s, '\'', true);
        }
    } else if (c >= '0' && c <= '9') {
        t.kind = NUMBER;
        while (s->at < s->length && s->text[s->at] >= '0' && s->text[s->at] <= '9')
            s->at++;
    } else if (c != '$' || !skip_dollar(s)) {
        t.kind = SIGN;
        s->at++;
    }
    t.end = s->at;
    return t;
}

static bool is_sign(const scanner *s, token t, char sign)
{
    return t.kind == SIGN && s->text[t.start] == sign;
}

static bool is_word(const scanner *s, token t, const char *word)
{
    if (t.kind != WORD || t.end - t.start != strlen(word))
        return false;
    for (size_t i = 0; word[i] != '\0'; i++) {
        if ((s->text[t.start + i] | 0x20) != word[i])
            return false;
    }
    return true;
}

static void copy_until(const scanner *s, size_t *from, size_t to, rdb_strbuf *out)
{
    rdb_strbuf_add(out, s->text + *from, to - *from);
    *from = to;
}

/* From `from` to `to` only blanks: positions after it stay. */
static void add_blanks(size_t count, rdb_strbuf *out)
{
    while (count-- > 0)
        rdb_strbuf_addc(out, ' ');
}

static bool note_shift(sql_dialect_changes *changes, size_t place, size_t bytes)
{
    if (changes->shift_count == SQL_DIALECT_SHIFTS_MAX)
        return false;
    changes->shifts[changes->shift_count].place = (int32_t)place;
    changes->shifts[changes->shift_count++].bytes = (int32_t)bytes;
    return true;
}

/* The brackets that are open, to know those of a subquery in FROM. */
#define NESTING_MAX 64
typedef struct nesting {
    uint32_t depth, alias_count; /* brackets beyond NESTING_MAX are only counted */
    bool in_from[NESTING_MAX];   /* at this depth: between FROM and what ends it */
    bool is_subquery[NESTING_MAX]; /* the bracket that opened this depth stands where a table could */
    bool was_subquery;           /* the bracket closed last did */
} nesting;

static bool is_one_of(const scanner *s, token t, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (is_word(s, t, *words))
            return true;
    }
    return false;
}

/* The ')' before closed a subquery in FROM, and what comes now is no name. */
static bool needs_alias(const scanner *s, const nesting *n, token before, token last)
{
    static const char *const FOLLOWERS[] = {"where", "group", "order", "having", "limit", "offset", "fetch", "union", "intersect", "except", "minus", "join", "inner",
                                            "left", "right", "full", "cross", "natural", "on", "using", "window", "for", NULL};
    if (!is_sign(s, before, ')') || !n->was_subquery)
        return false;
    return last.kind == NO_TOKEN || is_sign(s, last, ')') || is_sign(s, last, ',') || is_sign(s, last, ';') || is_one_of(s, last, FOLLOWERS);
}

static void follow_nesting(const scanner *s, nesting *n, token before, token last)
{
    static const char *const ENDS[] = {"where", "group", "order", "having", "limit", "offset", "fetch", "union", "intersect", "except", "minus", "window", "for", "select", "set", NULL};
    bool is_kept = n->depth < NESTING_MAX;
    bool begins_query = is_word(s, last, "select") || is_word(s, last, "with") || is_word(s, last, "values");
    if (is_sign(s, before, '(') && is_kept && !begins_query)
        n->is_subquery[n->depth] = false;
    n->was_subquery = false;
    if (is_sign(s, last, '(')) {
        static const char *const PLACES[] = {"from", "join", "lateral", NULL};
        bool stands_for_table = is_one_of(s, before, PLACES) || (is_sign(s, before, ',') && is_kept && n->in_from[n->depth]);
        n->depth++;
        if (n->depth < NESTING_MAX) {
            n->in_from[n->depth] = false;
            n->is_subquery[n->depth] = stands_for_table;
        }
    } else if (is_sign(s, last, ')') && n->depth > 0) {
        n->was_subquery = is_kept && n->is_subquery[n->depth];
        n->depth--;
    } else if (is_kept && is_word(s, last, "from")) {
        n->in_from[n->depth] = true;
    } else if (is_kept && is_one_of(s, last, ENDS)) {
        n->in_from[n->depth] = false;
    }
}

/* ---- t AS OF SCN n alias: the grammar takes it as t alias TABLESAMPLE rdb_as_of_scn (n) ---------------------------------------- */
static token peek(const scanner *s)
{
    scanner ahead = *s;
    return next_token(&ahead);
}

/* Over what stands in brackets, the opening one just read. */
static void skip_brackets(scanner *s)
{
    for (uint32_t depth = 1; depth > 0;) {
        token t = next_token(s);
        if (t.kind == NO_TOKEN)
            return;
        depth += is_sign(s, t, '(');
        depth -= is_sign(s, t, ')');
    }
}

/* Over one operand: a number, a parameter, a string with or without the type's name before it, a call, brackets. */
static bool skip_operand(scanner *s)
{
    static const char *const TYPES[] = {"interval", "timestamp", "timestamptz", "date", NULL};
    static const char *const UNITS[] = {"year", "month", "day", "hour", "minute", "second", NULL};
    token t = next_token(s);
    while (is_sign(s, t, '-') || is_sign(s, t, '+'))
        t = next_token(s);
    if (is_sign(s, t, '('))
        skip_brackets(s);
    else if (is_sign(s, t, '$') && peek(s).kind == NUMBER)
        next_token(s);
    else if (t.kind == WORD && is_one_of(s, t, TYPES) && peek(s).kind == OTHER) {
        next_token(s);
        if (is_word(s, t, "interval") && is_one_of(s, peek(s), UNITS))
            next_token(s);
    } else if (t.kind == WORD || t.kind == NAME) {
        while (is_sign(s, peek(s), '.')) {
            next_token(s);
            next_token(s);
        }
        if (is_sign(s, peek(s), '(')) {
            next_token(s);
            skip_brackets(s);
        }
    } else if (t.kind != NUMBER && t.kind != OTHER) {
        return false;
    }
    while (is_sign(s, peek(s), ':')) { /* ::type */
        next_token(s);
        if (!is_sign(s, peek(s), ':'))
            return false;
        next_token(s);
        next_token(s);
    }
    return true;
}

static bool skip_moment(scanner *s)
{
    for (;;) {
        if (!skip_operand(s))
            return false;
        token t = peek(s);
        if (!is_sign(s, t, '+') && !is_sign(s, t, '-') && !is_sign(s, t, '*') && !is_sign(s, t, '/'))
            return true;
        next_token(s);
    }
}

/* The scanner stands behind SCN or TIMESTAMP, and behind the moment and the table's alias when this returns. */
static bool rewrite_as_of(scanner *s, size_t *copied, token as, bool by_scn, rdb_strbuf *out, sql_dialect_changes *changes)
{
    static const char *const FOLLOWERS[] = {"where", "group", "order", "having", "limit", "offset", "fetch", "union", "intersect", "except", "minus", "join", "inner",
                                            "left", "right", "full", "cross", "natural", "on", "using", "window", "for", "tablesample", "returning", "set", NULL};
    const size_t from = peek(s).start;
    if (!skip_moment(s))
        return false;
    const size_t to = s->at;
    token alias = peek(s);
    if (is_word(s, alias, "as")) {
        next_token(s);
        alias = peek(s);
    }
    copy_until(s, copied, as.start, out);
    const size_t place = out->length;
    if ((alias.kind == WORD && !is_one_of(s, alias, FOLLOWERS)) || alias.kind == NAME) {
        next_token(s);
        rdb_strbuf_add(out, s->text + alias.start, alias.end - alias.start);
    }
    rdb_strbuf_adds(out, by_scn ? " TABLESAMPLE rdb_as_of_scn (" : " TABLESAMPLE rdb_as_of_timestamp (");
    rdb_strbuf_add(out, s->text + from, to - from);
    rdb_strbuf_adds(out, ")");
    *copied = s->at;
    const size_t before = s->at - as.start, after = out->length - place;
    return note_shift(changes, place, after > before ? after - before : 0);
}

bool sql_dialect_rewrite(const char *text, size_t length, bool standard_strings, rdb_strbuf *out, sql_dialect_changes *changes)
{
    scanner s = {.text = text, .length = length, .standard_strings = standard_strings};
    token window[4] = {{NO_TOKEN, 0, 0}, {NO_TOKEN, 0, 0}, {NO_TOKEN, 0, 0}, {NO_TOKEN, 0, 0}}; /* the last ones, newest last */
    size_t copied = 0;
    memset(changes, 0, sizeof *changes);
    nesting nest = {0};
    bool any = false;
    for (;;) {
        memmove(window, window + 1, sizeof window - sizeof *window);
        window[3] = next_token(&s);
        token last = window[3], before = window[2];
        if (is_word(&s, before, "minus") && (is_word(&s, last, "select") || is_word(&s, last, "values") || is_word(&s, last, "with") || is_word(&s, last, "all") ||
                                             is_sign(&s, last, '('))) {
            copy_until(&s, &copied, before.start, out);
            rdb_strbuf_adds(out, "EXCEPT");
            copied = before.end;
            if (!note_shift(changes, out->length - 1, 1))
                return false;
            any = true;
        }
        if (needs_alias(&s, &nest, before, last)) {
            copy_until(&s, &copied, before.end, out);
            size_t place = out->length;
            rdb_strbuf_addf(out, " unnamed_subquery_%u", ++nest.alias_count);
            if (!note_shift(changes, place, out->length - place))
                return false;
            any = true;
        }
        follow_nesting(&s, &nest, before, last);
        bool is_mark = is_sign(&s, last, ')') && is_sign(&s, before, '+') && is_sign(&s, window[1], '(') && (window[0].kind == WORD || window[0].kind == NAME);
        if (is_mark) {
            bool is_quoted = window[0].kind == NAME;
            copy_until(&s, &copied, window[0].end - is_quoted, out);
            rdb_strbuf_adds(out, SQL_DIALECT_MARK);
            rdb_strbuf_adds(out, is_quoted ? "\"" : "");
            copied = last.end;
            add_blanks(last.end - window[0].end - strlen(SQL_DIALECT_MARK), out);
            changes->mark_count++;
            any = true;
        }
        bool is_unit = (is_word(&s, before, "char") || is_word(&s, before, "byte")) && is_sign(&s, last, ')') && window[1].kind == NUMBER && is_sign(&s, window[0], '(');
        if (is_unit) {
            copy_until(&s, &copied, before.start, out);
            add_blanks(before.end - before.start, out);
            copied = before.end;
            any = true;
        }
        const bool by_scn = is_word(&s, last, "scn");
        if ((by_scn || is_word(&s, last, "timestamp")) && is_word(&s, before, "of") && is_word(&s, window[1], "as")) {
            if (!rewrite_as_of(&s, &copied, window[1], by_scn, out, changes))
                return false;
            any = true;
        }
        if (last.kind == NO_TOKEN)
            break;
    }
    copy_until(&s, &copied, length, out);
    return any && !out->failed;
}

int32_t sql_dialect_location(const sql_dialect_changes *changes, int32_t location)
{
    int32_t moved = 0;
    for (uint32_t i = 0; i < changes->shift_count && location > changes->shifts[i].place; i++)
        moved += changes->shifts[i].bytes;
    return location < 0 ? location : location - moved;
}

/* ---- outer joins --------------------------------------------------------------------------------------------------------------- */
typedef struct marks { /* of one predicate */
    const char *table; /* that has them */
    const char *tables[16]; /* others that it names */
    uint32_t table_count, mark_count;
    bool is_bad; /* two tables are marked, or a marked column names no table */
} marks;

static void note_table(marks *m, const char *table)
{
    for (uint32_t i = 0; i < m->table_count; i++) {
        if (strcmp(m->tables[i], table) == 0)
            return;
    }
    if (m->table_count == RDB_COUNT_OF(m->tables))
        m->is_bad = true;
    else
        m->tables[m->table_count++] = table;
}

static void read_column(rdb_arena *arena, rdb_ast_column *column, marks *m)
{
    static const size_t MARK = sizeof SQL_DIALECT_MARK - 1;
    if (column->is_star || column->names.count == 0)
        return;
    const char **last = &column->names.items[column->names.count - 1];
    size_t length = strlen(*last);
    const char *table = column->names.count > 1 ? column->names.items[column->names.count - 2] : NULL;
    if (length <= MARK || memcmp(*last + length - MARK, SQL_DIALECT_MARK, MARK) != 0) {
        if (table != NULL)
            note_table(m, table);
        return;
    }
    *last = rdb_arena_strndup(arena, *last, length - MARK);
    m->is_bad |= table == NULL || (m->table != NULL && strcmp(m->table, table) != 0);
    m->table = table;
    m->mark_count++;
}

/* Takes the marks out of a predicate. Those in places not looked at stay, and are missed in the count. */
static void read_marks(rdb_arena *arena, rdb_ast_node *node, marks *m, int depth)
{
    const rdb_list *list = NULL;
    if (node == NULL || depth > 200)
        return;
    switch (node->tag) {
    case RDB_AST_COLUMN:
        read_column(arena, (rdb_ast_column *)node, m);
        return;
    case RDB_AST_OP:
        read_marks(arena, ((rdb_ast_op *)node)->left, m, depth + 1);
        read_marks(arena, ((rdb_ast_op *)node)->right, m, depth + 1);
        return;
    case RDB_AST_CAST:
        read_marks(arena, ((rdb_ast_cast *)node)->arg, m, depth + 1);
        return;
    case RDB_AST_NULL_TEST:
        read_marks(arena, ((rdb_ast_null_test *)node)->arg, m, depth + 1);
        return;
    case RDB_AST_BOOL:
        list = &((rdb_ast_bool *)node)->args;
        break;
    case RDB_AST_CALL:
        list = &((rdb_ast_call *)node)->args;
        break;
    case RDB_AST_COALESCE:
        list = &((rdb_ast_coalesce *)node)->args;
        break;
    case RDB_AST_LIST:
        list = &((rdb_ast_items *)node)->items;
        break;
    default:
        return;
    }
    for (uint32_t i = 0; i < list->count; i++)
        read_marks(arena, list->items[i], m, depth + 1);
}

typedef struct outer_table {
    const char *name;
    rdb_list conditions;
    marks needs;
    bool is_done;
} outer_table;

static bool is_called(const rdb_ast_node *item, const char *name)
{
    if (item->tag == RDB_AST_TABLE) {
        const rdb_ast_table *table = (const rdb_ast_table *)item;
        return strcmp(table->alias != NULL ? table->alias->name : table->name, name) == 0;
    }
    if (item->tag == RDB_AST_RANGE_SUBQUERY) {
        const rdb_ast_range_subquery *query = (const rdb_ast_range_subquery *)item;
        return query->alias != NULL && strcmp(query->alias->name, name) == 0;
    }
    if (item->tag == RDB_AST_JOIN) {
        const rdb_ast_join *join = (const rdb_ast_join *)item;
        return is_called(join->left, name) || is_called(join->right, name);
    }
    return false;
}

/* Where in the FROM list the table stands, also inside of a join made before; the count: nowhere. */
static uint32_t find_item(const rdb_list *from, const char *name)
{
    uint32_t at = 0;
    while (at < from->count && !is_called(from->items[at], name))
        at++;
    return at;
}

static void remove_item(rdb_list *list, uint32_t at)
{
    memmove(list->items + at, list->items + at + 1, sizeof *list->items * (list->count - at - 1));
    list->count--;
}

static rdb_ast_node *and_of(rdb_arena *arena, const rdb_list *conditions)
{
    if (conditions->count <= 1)
        return conditions->count == 0 ? NULL : conditions->items[0];
    rdb_ast_bool *both = RDB_NEW(arena, rdb_ast_bool);
    *both = (rdb_ast_bool){.node = {RDB_AST_BOOL, -1}, .kind = RDB_SQL_BOOL_AND, .args = *conditions};
    return &both->node;
}

static rdb_ast_node *join_of(rdb_arena *arena, rdb_sql_join_kind kind, rdb_ast_node *left, rdb_ast_node *right, rdb_ast_node *condition)
{
    rdb_ast_join *join = RDB_NEW(arena, rdb_ast_join);
    *join = (rdb_ast_join){.node = {RDB_AST_JOIN, -1}, .kind = kind, .left = left, .right = right, .condition = condition};
    return &join->node;
}

/* Puts the table to the right of a join with all that its conditions name; false: one of those waits for another table. */
static bool attach(rdb_arena *arena, rdb_list *from, outer_table *outer, const outer_table *all, uint32_t count)
{
    rdb_ast_node *left = NULL;
    for (uint32_t i = 0; i < outer->needs.table_count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            if (!all[k].is_done && &all[k] != outer && strcmp(all[k].name, outer->needs.tables[i]) == 0)
                return false;
        }
    }
    uint32_t own = find_item(from, outer->name);
    rdb_ast_node *table = from->items[own];
    remove_item(from, own);
    uint32_t place = from->count;
    for (uint32_t i = 0; i < outer->needs.table_count; i++) {
        uint32_t at = find_item(from, outer->needs.tables[i]);
        if (at == from->count || at == place)
            continue;
        if (left == NULL) {
            left = from->items[at];
            place = at;
            continue;
        }
        left = join_of(arena, RDB_SQL_JOIN_INNER, left, from->items[at], NULL);
        remove_item(from, at);
        place -= at < place;
        from->items[place] = left;
    }
    if (left == NULL) /* its conditions name constants alone: it is no outer join then */
        return false;
    from->items[place] = join_of(arena, RDB_SQL_JOIN_LEFT, left, table, and_of(arena, &outer->conditions));
    outer->is_done = true;
    return true;
}

bool sql_dialect_join(rdb_arena *arena, rdb_ast_select *select, uint32_t *mark_count, rdb_error *err)
{
    rdb_list kept = {0}, all = {0};
    outer_table outers[16];
    uint32_t count = 0, done = 0;
    if (select->where == NULL)
        return true;
    if (select->where->tag == RDB_AST_BOOL && ((rdb_ast_bool *)select->where)->kind == RDB_SQL_BOOL_AND)
        all = ((rdb_ast_bool *)select->where)->args;
    else
        rdb_list_push(arena, &all, select->where);
    for (uint32_t i = 0; i < all.count; i++) {
        marks m = {0};
        read_marks(arena, all.items[i], &m, 0);
        *mark_count += m.mark_count;
        if (m.mark_count == 0) {
            rdb_list_push(arena, &kept, all.items[i]);
            continue;
        }
        if (m.is_bad)
            return rdb_error_set(err, RDB_SYNTAX_ERROR, "a predicate may mark the columns of one table with (+), and must name that table");
        uint32_t at = 0;
        while (at < count && strcmp(outers[at].name, m.table) != 0)
            at++;
        if (at == RDB_COUNT_OF(outers))
            return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "too many tables are joined by (+)");
        if (at == count) {
            outers[count++] = (outer_table){.name = m.table};
            if (find_item(&select->from, m.table) == select->from.count)
                return rdb_error_set(err, RDB_UNDEFINED_TABLE, "missing FROM-clause entry for table \"%s\"", m.table);
        }
        rdb_list_push(arena, &outers[at].conditions, all.items[i]);
        for (uint32_t k = 0; k < m.table_count; k++) {
            if (strcmp(m.tables[k], m.table) != 0)
                note_table(&outers[at].needs, m.tables[k]);
        }
    }
    if (count == 0)
        return true;
    rdb_list from = {0};
    for (uint32_t i = 0; i < select->from.count; i++)
        rdb_list_push(arena, &from, select->from.items[i]);
    for (bool moved = true; moved && done < count;) {
        moved = false;
        for (uint32_t i = 0; i < count; i++) {
            if (!outers[i].is_done && attach(arena, &from, &outers[i], outers, count)) {
                moved = true;
                done++;
            }
        }
    }
    if (done < count)
        return rdb_error_set(err, RDB_SYNTAX_ERROR, "two tables cannot be outer-joined to each other");
    select->from = from;
    select->where = and_of(arena, &kept);
    return true;
}
