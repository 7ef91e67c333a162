/* SPDX-License-Identifier: Apache-2.0
 * See digest.h. What a run costs here: two readings of the clock, one copy of the thread's usage and the additions to the statement's
 * cell. Texts are made once, when a statement is met for the first time. */
#include "session/digest.h"

#include "base/rdb_log.h"
#include "observe/rdb_slow_log.h"
#include "session/activity.h"
#include "session/settings.h"

#include <ctype.h>
#include <time.h>

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- texts ---------------------------------------------------------------------------------------------------------------- */
static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Behind the string whose quote stands at at; escapes: backslashes take the next byte with them. */
static const char *behind_string(const char *at, const char *end, bool escapes)
{
    for (at++; at < end; at++) {
        if (*at == '\\' && escapes) {
            at++;
        } else if (*at == '\'') {
            if (at + 1 < end && at[1] == '\'')
                at++;
            else
                return at + 1;
        }
    }
    return end;
}

static const char *behind_dollar(const char *at, const char *end)
{
    const char *tag_end = at + 1;
    while (tag_end < end && is_word(*tag_end) && *tag_end != '$')
        tag_end++;
    if (tag_end == end || *tag_end != '$')
        return at;
    const size_t tag_length = (size_t)(tag_end + 1 - at);
    for (const char *look = tag_end + 1; look + tag_length <= end; look++)
        if (memcmp(look, at, tag_length) == 0)
            return look + tag_length;
    return end;
}

static const char *behind_blanks(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    return at;
}

/* The constant that begins at *at, or behind the name of its type there. False: nothing that looks like one. */
static bool find_constant(const char **at, const char *end, const char **behind)
{
    const char *c = *at;
    if (c < end && (*c == '-' || *c == '+'))
        c = behind_blanks(c + 1, end);
    if (c >= end)
        return false;
    if (*c == '\'') {
        *behind = behind_string(c, end, false);
        return true;
    }
    if (*c == '$') {
        *behind = behind_dollar(c, end);
        return *behind > c;
    }
    if (isdigit((unsigned char)*c) || *c == '.') {
        while (c < end && (isalnum((unsigned char)*c) || *c == '.' || *c == '_' || ((*c == '-' || *c == '+') && (c[-1] == 'e' || c[-1] == 'E'))))
            c++;
        *behind = c;
        return true;
    }
    if (!is_word(*c))
        return false;
    const char *word = c;
    while (c < end && is_word(*c))
        c++;
    const size_t length = (size_t)(c - word);
    if (c < end && *c == '\'' && length == 1) { /* E'', B'', X'', N'' */
        *behind = behind_string(c, end, *word == 'e' || *word == 'E');
        return true;
    }
    if ((length == 4 && (strncasecmp(word, "true", 4) == 0 || strncasecmp(word, "null", 4) == 0)) || (length == 5 && strncasecmp(word, "false", 5) == 0)) {
        *behind = c;
        return true;
    }
    c = behind_blanks(c, end);
    if (c >= end || *c != '\'')
        return false;
    *at = c;
    *behind = behind_string(c, end, false);
    return true;
}

static int compare_places(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
    return a < b ? -1 : a > b;
}

/* The text with $1, $2 ... for its constants, counted on from its own parameters. */
static rdb_slice text_without_constants(rdb_arena *arena, const struct session_digest *digest)
{
    const char *text = digest->text, *end = text + digest->text_length, *from = text;
    int32_t *places = rdb_arena_memdup(arena, digest->constants, digest->constant_count * sizeof *places);
    uint32_t number = digest->parameters;
    rdb_strbuf out;
    rdb_strbuf_init(&out, arena);
    if (digest->constant_count > 0 && places != NULL)
        qsort(places, digest->constant_count, sizeof *places, compare_places);
    for (uint32_t i = 0; places != NULL && i < digest->constant_count; i++) {
        const int64_t offset = (int64_t)places[i] - digest->text_start;
        const char *at = text + offset, *behind = NULL;
        if (offset < from - text || offset >= digest->text_length || !find_constant(&at, end, &behind))
            continue;
        rdb_strbuf_add(&out, from, (size_t)(at - from));
        rdb_strbuf_addf(&out, "$%u", ++number);
        from = behind;
    }
    rdb_strbuf_add(&out, from, (size_t)(end - from));
    return out.failed ? (rdb_slice){(const uint8_t *)text, digest->text_length} : (rdb_slice){(const uint8_t *)out.data, out.length};
}

static bool is_secret_word(const char *word, size_t length)
{
    return length == 8 && strncasecmp(word, "password", 8) == 0;
}

rdb_slice session_text_without_secrets(rdb_arena *arena, const char *text, size_t length)
{
    const char *end = text + length, *from = text;
    rdb_strbuf out;
    bool has_out = false;
    for (const char *at = text; at < end;) {
        if (*at == '\'') {
            at = behind_string(at, end, at > text && (at[-1] == 'e' || at[-1] == 'E'));
            continue;
        }
        if (!is_word(*at)) {
            at++;
            continue;
        }
        const char *word = at;
        while (at < end && is_word(*at))
            at++;
        if (!is_secret_word(word, (size_t)(at - word)))
            continue;
        const char *value = at; /* behind blanks, "=" and "TO" */
        do {
            at = value;
            value = behind_blanks(at, end);
            if (value < end && *value == '=')
                value++;
            else if (end - value > 2 && strncasecmp(value, "to", 2) == 0 && !is_word(value[2]))
                value += 2;
        } while (value != at);
        const char *behind = NULL, *constant = value;
        if (value >= end || (*value != '\'' && *value != '$' && !((*value == 'e' || *value == 'E') && value + 1 < end && value[1] == '\'')) ||
            !find_constant(&constant, end, &behind))
            continue;
        if (!has_out)
            rdb_strbuf_init(&out, arena);
        has_out = true;
        rdb_strbuf_add(&out, from, (size_t)(constant - from));
        rdb_strbuf_adds(&out, "<REDACTED>");
        at = from = behind;
    }
    if (!has_out)
        return (rdb_slice){(const uint8_t *)text, length};
    rdb_strbuf_add(&out, from, (size_t)(end - from));
    if (out.failed)
        return (rdb_slice){(const uint8_t *)"", 0};
    return (rdb_slice){(const uint8_t *)out.data, out.length};
}

/* ---- plans ---------------------------------------------------------------------------------------------------------------- */
static void hash_number(uint64_t *hash, uint64_t number)
{
    *hash = (*hash ^ number) * UINT64_C(0x9E3779B97F4A7C15);
    *hash ^= *hash >> 31;
}

/* The shape: which operators, over which tables, by which indexes, joined how. */
static void hash_node(uint64_t *hash, const rdb_plan_node *node, unsigned depth)
{
    if (node == NULL || depth > 500) {
        hash_number(hash, 1);
        return;
    }
    hash_number(hash, UINT64_C(2) + node->kind);
    switch (node->kind) {
    case RDB_PLAN_SEQ_SCAN:
        hash_number(hash, node->of.scan.relation->oid);
        break;
    case RDB_PLAN_INDEX_SCAN:
    case RDB_PLAN_INDEX_ONLY_SCAN:
        hash_number(hash, node->of.scan.relation->oid);
        hash_number(hash, node->of.scan.index_no);
        break;
    case RDB_PLAN_HASH_JOIN:
        hash_number(hash, node->of.join.kind);
        break;
    default:
        break;
    }
    hash_node(hash, node->left, depth + 1);
    hash_node(hash, node->right, depth + 1);
    for (uint32_t i = 0; i < node->children.count; i++)
        hash_node(hash, node->children.items[i], depth + 1);
}

void session_digest_take(rdb_session *session, session_plan *plan, const char *text, int64_t began_ns)
{
    rdb_digest found;
    const bool is_part = session->piece_length > 0 && text == session->piece_of; /* EXECUTE's is the text that PREPARE had */
    (void)began_ns;
    if (session->pid == 0 || plan->query->command == RDB_COMMAND_UTILITY)
        return;
    rdb_query_digest(plan->query, &found);
    struct session_digest *digest = plan->digest = RDB_NEW(plan->arena, struct session_digest);
    digest->query_id = found.id;
    digest->text_start = is_part ? session->piece_start : 0;
    digest->text = text + digest->text_start;
    digest->text_length = is_part ? (uint32_t)session->piece_length : (uint32_t)strlen(text);
    const char *behind = behind_blanks(digest->text, digest->text + digest->text_length);
    digest->text_start += (int32_t)(behind - digest->text);
    digest->text_length -= (uint32_t)(behind - digest->text);
    digest->text = behind;
    while (digest->text_length > 0 && (isspace((unsigned char)digest->text[digest->text_length - 1]) || digest->text[digest->text_length - 1] == ';'))
        digest->text_length--;
    digest->parameters = found.parameters;
    if (found.constant_count > 0) {
        digest->constants = rdb_arena_memdup(plan->arena, found.constants, found.constant_count * sizeof *found.constants);
        digest->constant_count = digest->constants != NULL ? found.constant_count : 0;
    }
}

void session_digest_plan(session_plan *plan, int64_t began_ns)
{
    struct session_digest *digest = plan->digest;
    if (digest == NULL || plan->plan == NULL)
        return;
    uint64_t hash = 0;
    hash_node(&hash, plan->plan->root, 0);
    for (uint32_t i = 0; i < plan->plan->subplan_count; i++)
        hash_node(&hash, plan->plan->subplans[i].node, 0);
    for (uint32_t i = 0; i < plan->plan->cte_count; i++)
        hash_node(&hash, plan->plan->ctes[i].node, 0);
    digest->plan_hash = hash != 0 ? hash : 1;
    digest->planning_ns = RDB_MAX(clock_ns() - began_ns, INT64_C(1));
}

/* ---- runs ----------------------------------------------------------------------------------------------------------------- */
static void find_ref(rdb_session *session, struct session_digest *digest)
{
    rdb_statements *store = session_engine_statements(session->engine);
    const rdb_statement_key key = {.query_id = digest->query_id, .role_oid = session->role.oid, .database_oid = rdb_database_oid(session->database)};
    if (!rdb_statements_find(store, &key, digest->plan_hash, &digest->ref)) {
        rdb_arena *arena = rdb_arena_create("digest", NULL, NULL);
        if (arena == NULL)
            return;
        const rdb_slice text = text_without_constants(arena, digest);
        rdb_statements_add(store, &key, digest->plan_hash, (const char *)text.data, text.length, &digest->ref);
        rdb_arena_destroy(arena);
    }
    if (digest->planning_ns != 0) {
        rdb_statements_planned(store, &digest->ref, digest->planning_ns);
        digest->planning_ns = 0;
    }
}

void session_run_begin(rdb_session *session, const session_plan *plan, session_run *run)
{
    if (plan != NULL && plan->digest != NULL)
        atomic_store_explicit(&session->query_id, (int64_t)plan->digest->query_id, memory_order_relaxed);
    if (plan != NULL && !session_setting_counts_statements(session) && session_setting_slow_us(session) == INT64_MAX) {
        run->began_ns = 0;
        return;
    }
    run->before = rdb_thread_usage;
    run->began_ns = clock_ns();
}

/* Into logs/slow-query.log. What goes wrong here is nobody's error but that of the line, which is not written. */
static void log_slow(rdb_session *session, const session_plan *plan, uint64_t query_id, const char *text, size_t length, const session_run *run, int64_t elapsed_ns,
                     uint64_t rows, bool failed)
{
    bool is_json, has_plans;
    struct rdb_log *log = session_engine_slow_log(session->engine, &is_json, &has_plans);
    rdb_arena *arena = log != NULL ? rdb_arena_create("slow", NULL, NULL) : NULL;
    rdb_error err;
    if (arena == NULL)
        return;
    rdb_error_init(&err);
    rdb_strbuf line, lines;
    rdb_strbuf_init(&line, arena);
    rdb_strbuf_init(&lines, arena);
    const rdb_slice shown = session_text_without_secrets(arena, text, RDB_MIN(length, (size_t)RDB_STATEMENT_TEXT_MAX));
    const rdb_usage *now = &rdb_thread_usage;
    if (has_plans && plan != NULL && plan->plan != NULL) {
        rdb_command_context context;
        session_command_context(session, plan, text, &context);
        context.arena = arena;
        if (!rdb_explain_plan(&context, plan->plan, NULL, &lines, &err))
            rdb_strbuf_clear(&lines);
        rdb_strbuf_addc(&lines, '\0');
    }
    const rdb_slow_query query = {.wall_us = rdb_time_wall_us(),
                                  .duration_ms = (double)elapsed_ns / 1e6,
                                  .pid = session->pid,
                                  .user = session->role.name,
                                  .database = session->database_name,
                                  .application = session_setting_application_name(session),
                                  .client = session->owner.peer != NULL ? session->owner.peer : "",
                                  .query_id = query_id,
                                  .rows = rows,
                                  .blocks_hit = now->blocks_hit - run->before.blocks_hit,
                                  .blocks_read = now->blocks_read - run->before.blocks_read,
                                  .temp_bytes = now->temp_bytes_written - run->before.temp_bytes_written,
                                  .failed = failed,
                                  .text = (const char *)shown.data,
                                  .text_length = shown.length,
                                  .plan = lines.length > 1 && !lines.failed ? lines.data : NULL};
    rdb_slow_query_write(&query, is_json, &line);
    if (!line.failed)
        rdb_log_raw_line(log, line.data, line.length);
    rdb_error_clear(&err);
    rdb_arena_destroy(arena);
}

void session_run_end(rdb_session *session, session_plan *plan, const session_run *run, uint64_t rows, bool failed)
{
    struct session_digest *digest = plan->digest;
    if (digest == NULL || run->began_ns == 0)
        return;
    const int64_t elapsed_ns = clock_ns() - run->began_ns;
    rdb_statements *store = session_engine_statements(session->engine);
    if (RDB_UNLIKELY(elapsed_ns / 1000 >= session_setting_slow_us(session)))
        log_slow(session, plan, digest->query_id, digest->text, digest->text_length, run, elapsed_ns, rows, failed);
    if (!session_setting_counts_statements(session))
        return;
    if (digest->ref.slot == 0)
        find_ref(session, digest);
    if (rdb_statements_run(store, &digest->ref, elapsed_ns, rows, failed, &run->before))
        return;
    find_ref(session, digest); /* forgotten meanwhile */
    (void)rdb_statements_run(store, &digest->ref, elapsed_ns, rows, failed, &run->before);
}

void session_utility_end(rdb_session *session, const rdb_ast_node *raw, const char *text, size_t length, const session_run *run, const char *tag, bool failed)
{
    const int64_t elapsed_ns = clock_ns() - run->began_ns;
    if (session->pid == 0 || raw->tag == RDB_AST_EXECUTE || raw->tag == RDB_AST_PREPARE || raw->tag == RDB_AST_DEALLOCATE)
        return; /* what EXECUTE runs is counted as itself */
    const char *begin = behind_blanks(text, text + length), *end = text + length;
    while (end > begin && (isspace((unsigned char)end[-1]) || end[-1] == ';'))
        end--;
    struct session_digest digest = {.query_id = rdb_hash64(begin, (size_t)(end - begin), 2)};
    digest.query_id += digest.query_id == 0;
    rdb_statements *store = session_engine_statements(session->engine);
    const rdb_statement_key key = {.query_id = digest.query_id, .role_oid = session->role.oid, .database_oid = rdb_database_oid(session->database)};
    const char *digits = strrchr(tag, ' ');
    const uint64_t rows = digits != NULL && isdigit((unsigned char)digits[1]) ? strtoull(digits + 1, NULL, 10) : 0;
    if (RDB_UNLIKELY(elapsed_ns / 1000 >= session_setting_slow_us(session)))
        log_slow(session, NULL, digest.query_id, begin, (size_t)(end - begin), run, elapsed_ns, rows, failed);
    for (unsigned tries = 0; tries < 2 && session_setting_counts_statements(session); tries++) {
        if (!rdb_statements_find(store, &key, 0, &digest.ref)) {
            const rdb_slice shown = session_text_without_secrets(session->statement_arena, begin, (size_t)(end - begin));
            rdb_statements_add(store, &key, 0, (const char *)shown.data, shown.length, &digest.ref);
        }
        if (rdb_statements_run(store, &digest.ref, elapsed_ns, rows, failed, &run->before))
            return;
    }
}
