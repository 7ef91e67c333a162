/* SPDX-License-Identifier: Apache-2.0
 * Statements made of other statements: those of tests/sql are cut into tokens, and tokens, runs of tokens and whole
 * parenthesised expressions change places, literals become edge values. Most of what comes out parses, so analyser,
 * planner and executor meet trees that nobody would write. An input is the text of a Query. */
#include "engine.h"

#include <ctype.h>
#include <glob.h>

static size_t make_statement(rdb_random *random, uint8_t *target, size_t capacity);
const uint32_t fuzz_runs = 4000;
const fuzz_maker fuzz_make = make_statement;

enum { STATEMENTS_MAX = 20000, TOKENS_MAX = 400 };
typedef struct statement {
    const char *text;
    uint32_t length;
} statement;
static statement statements[STATEMENTS_MAX];
static uint32_t statement_count;
static rdb_arena *arena;

static void add_statement(const char *text, size_t length)
{
    while (length > 0 && isspace((unsigned char)*text))
        text++, length--;
    /* What leaves the database, or sleeps, proves nothing here. */
    if (length < 4 || length > 4000 || text[0] == '\\' || statement_count == STATEMENTS_MAX || memmem(text, length, "pg_sleep", 8) != NULL)
        return;
    statements[statement_count++] = (statement){rdb_arena_strndup(arena, text, length), (uint32_t)length};
}

static void read_statements(const char *path)
{
    rdb_slice content;
    rdb_error err = {0};
    if (!rdb_path_read(path, arena, &content, 1u << 20, &err)) {
        rdb_error_clear(&err);
        return;
    }
    const char *at = (const char *)content.data, *end = at + content.length;
    while (at < end) { /* statements end with ; at a line's end: good enough for seeds */
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (at[0] == '-' || at[0] == '\\') { /* comments and psql's commands */
            at = line == NULL ? end : line + 1;
            continue;
        }
        const char *stop = memmem(at, (size_t)(end - at), ";\n", 2);
        stop = stop == NULL ? end : stop;
        add_statement(at, (size_t)(stop - at));
        at = stop + 2;
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    glob_t found = {0};
    (void)argc, (void)argv;
    arena = rdb_arena_create("statements", NULL, NULL);
    FUZZ_CHECK(glob("tests/sql/*/*.sql", 0, NULL, &found) == 0);
    glob("tests/unit/sql/*.sql", GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_statements(found.gl_pathv[i]);
    globfree(&found);
    FUZZ_CHECK(statement_count > 20);
    fuzz_engine_open();
    fuzz_must_run("create table t (a int primary key, b text, c numeric, d timestamptz, e int[], f jsonb); create index on t (b); "
                  "insert into t select i, 'x' || i, i * 1.5, '2024-01-01'::timestamptz, array[i, null, -i], '{\"a\": [1, null]}' from generate_series(1, 200) i");
    return 0;
}

void fuzz_close(void)
{
    fuzz_engine_close();
    rdb_arena_destroy(arena);
}

bool fuzz_seed(uint32_t no, const uint8_t **data, size_t *size)
{
    if (no >= RDB_MIN(statement_count, 400u))
        return false;
    uint32_t at = (uint32_t)((uint64_t)no * statement_count / RDB_MIN(statement_count, 400u));
    *data = (const uint8_t *)statements[at].text;
    *size = statements[at].length;
    return true;
}

/* ---- tokens --------------------------------------------------------------------------------------------------------------- */
typedef struct token {
    const char *text;
    uint32_t length;
} token;

static uint32_t cut(const statement *from, token *tokens)
{
    uint32_t count = 0;
    const char *at = from->text, *end = at + from->length;
    while (at < end && count < TOKENS_MAX) {
        const char *start = at;
        if (isspace((unsigned char)*at)) {
            at++;
            continue;
        }
        if (*at == '\'' || *at == '"') {
            char quote = *at++;
            while (at < end && *at != quote)
                at++;
            at += at < end;
        } else if (isalnum((unsigned char)*at) || *at == '_') {
            while (at < end && (isalnum((unsigned char)*at) || *at == '_' || *at == '.'))
                at++;
        } else if (strchr("(),;[]", *at) != NULL) {
            at++;
        } else {
            while (at < end && !isspace((unsigned char)*at) && !isalnum((unsigned char)*at) && strchr("(),;[]'\"_", *at) == NULL)
                at++;
        }
        tokens[count++] = (token){start, (uint32_t)(at - start)};
    }
    return count;
}

static uint32_t below(rdb_random *random, uint32_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(rdb_random_next(random) % limit);
}

/* Where the parenthesis that opens at `from` closes; from itself where it does not. */
static uint32_t closing(const token *tokens, uint32_t count, uint32_t from)
{
    int depth = 0;
    for (uint32_t i = from; i < count; i++) {
        depth += tokens[i].text[0] == '(';
        depth -= tokens[i].text[0] == ')';
        if (depth == 0)
            return i;
    }
    return from;
}

static uint32_t any_piece(rdb_random *random, const token *tokens, uint32_t count, uint32_t *length)
{
    uint32_t at = below(random, count);
    for (uint32_t i = 0; i < count && below(random, 3) > 0; i++) /* a parenthesised piece, more often than not */
        if (tokens[(at + i) % count].text[0] == '(') {
            at = (at + i) % count;
            *length = closing(tokens, count, at) - at + 1;
            return at;
        }
    *length = 1 + below(random, RDB_MIN(count - at, 8u));
    *length = RDB_MIN(*length, count - at);
    return at;
}

static uint32_t replace(token *tokens, uint32_t count, uint32_t at, uint32_t removed, const token *piece, uint32_t added)
{
    token kept[TOKENS_MAX];
    uint32_t tail = count - at - removed;
    if (at + added + tail > TOKENS_MAX)
        return count;
    memcpy(kept, tokens + at + removed, tail * sizeof *kept);
    memmove(tokens + at, piece, added * sizeof *piece);
    memcpy(tokens + at + added, kept, tail * sizeof *kept);
    return at + added + tail;
}

static uint32_t change(rdb_random *random, token *tokens, uint32_t count)
{
    static const char *const EDGES[] = {"null", "0", "-1", "1", "'x'", "''", "2147483647", "-9223372036854775808", "1e300", "'NaN'", "'infinity'", "true", "t", "a", "b",
                                        "array[1,null]", "'{}'::int[]", "'{}'::jsonb", "'{1,2}'", "(select a from t limit 1)", "(select b from t)", "count(*)", "max(a)", "row(1,null)",
                                        "sum(a) over ()", "generate_series(1,3)", "current_date", "'1 day'::interval", "*", "not", "distinct", "all", "any(e)", "default", "null::text",
                                        "case when a > 1 then 1 else b end", "(t)", "t.*", "(a, b)", "exists (select 1)", "'\\x00'::bytea", "1.5", "lateral", "::numeric", "::text[]", "::int"};
    token other[TOKENS_MAX], piece[TOKENS_MAX];
    uint32_t length = 0, at = any_piece(random, tokens, count, &length), other_count, other_length = 0, from;
    switch (below(random, 7)) {
    case 0: {
        const char *edge = EDGES[below(random, RDB_COUNT_OF(EDGES))];
        piece[0] = (token){edge, (uint32_t)strlen(edge)};
        return replace(tokens, count, at, length, piece, 1);
    }
    case 1:
        return count > length + 1 ? replace(tokens, count, at, length, NULL, 0) : count;
    case 2: /* again, elsewhere */
        memcpy(piece, tokens + at, length * sizeof *piece);
        return replace(tokens, count, below(random, count), 0, piece, length);
    case 3: /* two swap */
        from = below(random, count);
        piece[0] = tokens[at];
        tokens[at] = tokens[from];
        tokens[from] = piece[0];
        return count;
    case 4: { /* one token of the same look by an edge value */
        const char *edge = EDGES[below(random, RDB_COUNT_OF(EDGES))];
        for (uint32_t i = 0; i < count; i++)
            if (isdigit((unsigned char)tokens[(at + i) % count].text[0]) || tokens[(at + i) % count].text[0] == '\'') {
                tokens[(at + i) % count] = (token){edge, (uint32_t)strlen(edge)};
                break;
            }
        return count;
    }
    default: /* a piece of another statement */
        other_count = cut(&statements[below(random, statement_count)], other);
        if (other_count == 0)
            return count;
        from = any_piece(random, other, other_count, &other_length);
        return replace(tokens, count, at, below(random, 2) ? length : 0, other + from, other_length);
    }
}

static size_t make_statement(rdb_random *random, uint8_t *target, size_t capacity)
{
    token tokens[TOKENS_MAX];
    uint32_t count = cut(&statements[below(random, statement_count)], tokens);
    size_t size = 0;
    for (uint32_t times = 1 + below(random, 5); times > 0 && count > 0; times--)
        count = change(random, tokens, count);
    for (uint32_t i = 0; i < count && size + tokens[i].length + 2 < capacity; i++) {
        memcpy(target + size, tokens[i].text, tokens[i].length);
        size += tokens[i].length;
        target[size++] = ' ';
    }
    return size;
}

/* A statement that would leave the instance, or hold the run up. */
static bool is_refused(const char *text)
{
    static const char *const WORDS[] = {"pg_sleep", "program", "/", "drop database", "checkpoint", "generate_series(1, 1000", "repeat"};
    for (size_t i = 0; i < RDB_COUNT_OF(WORDS); i++)
        if (strcasestr(text, WORDS[i]) != NULL && !(WORDS[i][0] == '/' && strcasestr(text, "copy") == NULL))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t count;
    rdb_strbuf bytes;
    fuzz_client client;
    char *text = malloc(size + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (!is_refused(text)) {
        rdb_strbuf_init(&bytes, NULL);
        fuzz_put_startup(&bytes);
        fuzz_put_query(&bytes, text);
        fuzz_put_message(&bytes, 'P', "\0", 1);
        bytes.length -= 6; /* the text again, through the extended protocol */
        size_t length = strlen(text);
        char *body = calloc(1, length + 4);
        FUZZ_CHECK(body != NULL);
        memcpy(body + 1, text, length);
        fuzz_put_message(&bytes, 'P', body, length + 4);
        fuzz_put_message(&bytes, 'D', "S", 2);
        fuzz_put_message(&bytes, 'B', "\0\0\0\0\0\0\0\0", 8);
        fuzz_put_message(&bytes, 'E', "\0\0\0\0\2", 5);
        fuzz_put_message(&bytes, 'S', NULL, 0);
        fuzz_serve((const uint8_t *)bytes.data, bytes.length, &client);
        free(body);
        rdb_strbuf_free(&bytes);
    }
    free(text);
    if (++count % 512 == 0)
        fuzz_must_run("select 1");
    return 0;
}
