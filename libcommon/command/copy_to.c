/* SPDX-License-Identifier: Apache-2.0
 * COPY TO: a table's or a query's rows as text, CSV or binary. */
#include "command/copy.h"
#include "type/rdb_encoding.h"
#include "task/rdb_report.h"

#include <arpa/inet.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define CHUNK_BYTES (32u << 10)

/* How a column's values are written: through the type's text and a look at each of its bytes; where no byte of that text can need an
 * escape or a quote, straight; what is stored as its text, from where it stands. */
typedef enum copy_way { WAY_ANY, WAY_STRAIGHT, WAY_TEXT } copy_way;

typedef struct sending {
    rdb_command_context *context;
    const rdb_relation *relation; /* NULL: a query */
    copy_columns columns;
    copy_options options;
    rdb_file *file; /* NULL: the client */
    uint64_t file_at;
    rdb_strbuf out;   /* rows not handed on yet */
    size_t encoded;   /* how much of it is in the encoding it goes out in */
    rdb_strbuf value; /* one value's text */
    rdb_arena *arena;
    rdb_call call;
    uint8_t *ways;    /* copy_way of each column */
    uint64_t row_count;
} sending;

/* What was put since the last time into the encoding that was asked for. */
static bool encode_rows(sending *work, rdb_error *err)
{
    if (work->options.encoding == 0 || work->out.length == work->encoded)
        return true;
    rdb_strbuf converted;
    rdb_strbuf_init(&converted, NULL);
    const bool ok = rdb_encoding_from_utf8(work->options.encoding, (rdb_slice){(const uint8_t *)work->out.data + work->encoded, work->out.length - work->encoded}, &converted, err);
    work->out.length = work->encoded;
    if (ok)
        rdb_strbuf_add(&work->out, converted.data, converted.length);
    work->encoded = work->out.length;
    rdb_strbuf_free(&converted);
    return ok && rdb_strbuf_check(&work->out, err);
}

/* To a client one message a row, as PostgreSQL has it; to a file in larger pieces. */
static bool hand_on(sending *work, bool all, rdb_error *err)
{
    if (!rdb_strbuf_check(&work->out, err) || !encode_rows(work, err))
        return false;
    if (work->file != NULL) {
        if (!all && work->out.length < CHUNK_BYTES)
            return true;
        if (!rdb_file_write(work->file, work->file_at, work->out.data, work->out.length, err))
            return false;
        work->file_at += work->out.length;
    } else if (work->out.length > 0 && !work->context->client->send_copy(work->context->client->context, work->out.data, work->out.length, err)) {
        return false;
    }
    rdb_strbuf_clear(&work->out);
    work->encoded = 0;
    return true;
}

/* From at on, bytes that are neither of controls, backslash and delimiter. */
static const char *skip_plain(const char *at, const char *end, char delimiter)
{
#if defined(__SSE2__)
    const __m128i control = _mm_set1_epi8(0x1f), backslash = _mm_set1_epi8('\\'), delimiters = _mm_set1_epi8(delimiter);
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes), _mm_cmpeq_epi8(bytes, backslash)), _mm_cmpeq_epi8(bytes, delimiters));
        const int mask = _mm_movemask_epi8(found);
        if (mask != 0)
            return at + __builtin_ctz((unsigned)mask);
    }
#endif
    while (at < end && (unsigned char)*at >= 0x20 && *at != '\\' && *at != delimiter)
        at++;
    return at;
}

static void put_text_escaped(sending *work, const char *text, size_t length)
{
    const char *at = text, *end = at + length, *run = at;
    for (; (at = skip_plain(at, end, work->options.delimiter)) < end; at++) {
        char mark = 0;
        switch (*at) {
        case '\b':
            mark = 'b';
            break;
        case '\f':
            mark = 'f';
            break;
        case '\n':
            mark = 'n';
            break;
        case '\r':
            mark = 'r';
            break;
        case '\t':
            mark = 't';
            break;
        case '\v':
            mark = 'v';
            break;
        case '\\':
            mark = '\\';
            break;
        default:
            if (*at != work->options.delimiter)
                continue;
            mark = *at;
        }
        rdb_strbuf_add(&work->out, run, (size_t)(at - run));
        rdb_strbuf_addc(&work->out, '\\');
        rdb_strbuf_addc(&work->out, mark);
        run = at + 1;
    }
    rdb_strbuf_add(&work->out, run, (size_t)(at - run));
}

static bool needs_quotes(const copy_options *options, const char *text, size_t length)
{
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i delimiters = _mm_set1_epi8(options->delimiter), quotes = _mm_set1_epi8(options->quote), line_ends = _mm_set1_epi8('\n'), returns = _mm_set1_epi8('\r');
    for (; length - i >= 16; i += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, quotes)), _mm_or_si128(_mm_cmpeq_epi8(bytes, line_ends), _mm_cmpeq_epi8(bytes, returns)));
        if (_mm_movemask_epi8(found) != 0)
            return true;
    }
#endif
    for (; i < length; i++)
        if (text[i] == options->delimiter || text[i] == options->quote || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

static void put_csv(sending *work, const char *text, size_t length, bool must_quote)
{
    const copy_options *options = &work->options;
    bool quote = must_quote || (length == options->null_length && memcmp(text, options->null_text, length) == 0);
    quote = quote || needs_quotes(options, text, length);
    /* A line with nothing but the end marker would end the data. */
    if (!quote && work->columns.count == 1 && length == 2 && memcmp(text, "\\.", 2) == 0)
        quote = true;
    if (!quote) {
        rdb_strbuf_add(&work->out, text, length);
        return;
    }
    rdb_strbuf_addc(&work->out, options->quote);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == options->quote || text[i] == options->escape)
            rdb_strbuf_addc(&work->out, options->escape);
        rdb_strbuf_addc(&work->out, text[i]);
    }
    rdb_strbuf_addc(&work->out, options->quote);
}

static void put_u32(rdb_strbuf *out, uint32_t value)
{
    value = htonl(value);
    rdb_strbuf_add(out, &value, sizeof value);
}

static void put_u16(rdb_strbuf *out, uint16_t value)
{
    value = htons(value);
    rdb_strbuf_add(out, &value, sizeof value);
}

static void put_text(sending *work, uint16_t column, const char *text, size_t length)
{
    if (work->options.format == COPY_CSV)
        put_csv(work, length > 0 ? text : "", length, work->options.force_quote != NULL && work->options.force_quote[column]);
    else if (length > 0)
        put_text_escaped(work, text, length);
}

/* Numbers, dates and times are of digits, letters, blanks and signs; none of those is a usual delimiter. */
static void choose_ways(sending *work)
{
    static const uint32_t STRAIGHT[] = {RDB_BOOLOID, RDB_INT2OID, RDB_INT4OID, RDB_INT8OID, RDB_OIDOID, RDB_NUMERICOID, RDB_FLOAT4OID, RDB_FLOAT8OID, RDB_DATEOID, RDB_TIMEOID,
                                        RDB_TIMESTAMPOID, RDB_TIMESTAMPTZOID};
    const copy_options *options = &work->options;
    const bool is_csv = options->format == COPY_CSV;
    const bool is_usual = memchr("\t,|;", options->delimiter, 4) != NULL && (!is_csv || ((options->quote == '"' || options->quote == '\'') && options->null_length == 0));
    work->ways = rdb_arena_zalloc(work->context->arena, work->columns.count + 1u);
    for (uint16_t i = 0; i < work->columns.count && options->format != COPY_BINARY; i++) {
        const uint32_t oid = work->columns.types[i]->oid;
        if (oid == RDB_TEXTOID || oid == RDB_VARCHAROID || oid == RDB_BPCHAROID)
            work->ways[i] = WAY_TEXT;
        for (size_t k = 0; k < RDB_COUNT_OF(STRAIGHT) && is_usual && !(is_csv && options->force_quote != NULL && options->force_quote[i]); k++)
            if (oid == STRAIGHT[k])
                work->ways[i] = WAY_STRAIGHT;
    }
}

static bool put_row(sending *work, const rdb_batch *batch, uint32_t row, rdb_error *err)
{
    const copy_options *options = &work->options;
    if (options->format == COPY_BINARY)
        put_u16(&work->out, work->columns.count);
    for (uint16_t i = 0; i < work->columns.count; i++) {
        const rdb_type *type = work->columns.types[i];
        const rdb_vector *vector = batch->columns[i];
        bool is_null = rdb_vector_is_null(vector, row);
        if (i > 0 && options->format != COPY_BINARY)
            rdb_strbuf_addc(&work->out, options->delimiter);
        if (is_null) {
            if (options->format == COPY_BINARY)
                put_u32(&work->out, UINT32_MAX);
            else
                rdb_strbuf_add(&work->out, options->null_text, options->null_length);
            continue;
        }
        work->call.err = err;
        if (work->ways[i] == WAY_STRAIGHT) {
            if (!type->ops->output(&work->call, type, rdb_vector_get(vector, row), &work->out))
                return false;
            continue;
        }
        if (work->ways[i] == WAY_TEXT) {
            put_text(work, i, (const char *)RDB_AT(vector, rdb_bytes, row).data, RDB_AT(vector, rdb_bytes, row).length);
            continue;
        }
        rdb_strbuf_clear(&work->value);
        bool (*convert)(rdb_call *, const rdb_type *, rdb_datum, rdb_strbuf *) = options->format == COPY_BINARY ? type->ops->send : type->ops->output;
        if (convert == NULL)
            return rdb_error_set(err, RDB_UNDEFINED_FUNCTION, "no binary output function available for type %s", type->name);
        if (!convert(&work->call, type, rdb_vector_get(vector, row), &work->value) || !rdb_strbuf_check(&work->value, err))
            return false;
        if (options->format == COPY_BINARY) {
            put_u32(&work->out, (uint32_t)work->value.length);
            rdb_strbuf_add(&work->out, work->value.data, work->value.length);
        } else {
            put_text(work, i, work->value.data, work->value.length);
        }
    }
    if (options->format != COPY_BINARY)
        rdb_strbuf_addc(&work->out, '\n');
    work->row_count++;
    rdb_report_set(3, (int64_t)work->row_count);
    return hand_on(work, false, err);
}

static bool put_header(sending *work, rdb_error *err)
{
    if (work->options.format == COPY_BINARY) {
        rdb_strbuf_add(&work->out, "PGCOPY\n\377\r\n\0", 11);
        put_u32(&work->out, 0);
        put_u32(&work->out, 0);
        return true; /* goes out with the first row, as PostgreSQL sends it */
    }
    if (!work->options.header)
        return true;
    for (uint16_t i = 0; i < work->columns.count; i++) {
        if (i > 0)
            rdb_strbuf_addc(&work->out, work->options.delimiter);
        if (work->options.format == COPY_CSV)
            put_csv(work, work->columns.names[i], strlen(work->columns.names[i]), false);
        else
            put_text_escaped(work, work->columns.names[i], strlen(work->columns.names[i]));
    }
    rdb_strbuf_addc(&work->out, '\n');
    return hand_on(work, false, err);
}

/* What rules make of the query must still be one query. */
static bool check_rules(const rdb_list *queries, rdb_error *err)
{
    if (queries->count == 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DO INSTEAD NOTHING rules are not supported for COPY");
    for (uint32_t i = 0; queries->count > 1 && i < queries->count; i++) {
        const rdb_query *query = queries->items[i];
        if (query->source == RDB_SOURCE_INSTEAD_IF)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "conditional DO INSTEAD rules are not supported for COPY");
        if (query->source == RDB_SOURCE_ALSO)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "DO ALSO rules are not supported for COPY");
    }
    return queries->count == 1 || rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "multi-statement DO INSTEAD rules are not supported for COPY");
}

/* The query whose rows go out: as given, or SELECT columns FROM the table. */
static bool make_query(sending *work, const rdb_ast_copy *statement, rdb_query **query, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_analysis analysis;
    command_analysis(context, &analysis);
    rdb_ast_node *raw = statement->query;
    if (raw == NULL) {
        const rdb_relation *relation = NULL;
        if (!command_open_table(context, statement->table, RDB_LOCK_ACCESS_SHARE, false, &relation, err))
            return false;
        work->relation = relation;
        if (relation->kind == 'p') {
            rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot copy from partitioned table \"%s\"", relation->name);
            return rdb_error_hint(err, "Try the COPY (SELECT ...) TO variant.");
        }
        if (relation->kind != 'r')
            return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "cannot copy from %s \"%s\"", copy_kind_name(relation), relation->name) ||
                   ((relation->kind == 'v' || relation->kind == 'm') && rdb_error_hint(err, "Try the COPY (SELECT ...) TO variant."));
        if (!copy_relation_columns(context, relation, &statement->columns, &work->columns, err))
            return false;
        rdb_strbuf text;
        rdb_strbuf_init(&text, context->arena);
        rdb_strbuf_adds(&text, "SELECT ");
        for (uint16_t i = 0; i < work->columns.count; i++) {
            rdb_strbuf_adds(&text, i > 0 ? ", \"" : "\"");
            for (const char *c = work->columns.names[i]; *c != '\0'; c++)
                rdb_strbuf_add(&text, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
            rdb_strbuf_addc(&text, '"');
        }
        rdb_strbuf_adds(&text, " FROM ONLY x");
        rdb_ast_list list = {0};
        if (!rdb_sql_parse(context->arena, text.data, text.length, &list, err))
            return false;
        rdb_ast_select *select = (rdb_ast_select *)list.items[0].body;
        rdb_ast_table *only = rdb_arena_memdup(context->arena, statement->table, sizeof *only);
        only->inherits = false; /* children are copied on their own */
        select->from.items[0] = only;
        raw = list.items[0].body;
    }
    rdb_list queries;
    if (!rdb_query_analyse(&analysis, raw, query, err) || !rdb_query_rewrite_all(&analysis, *query, &queries, err) || !check_rules(&queries, err))
        return false;
    *query = queries.items[0];
    if ((*query)->command == RDB_COMMAND_UTILITY)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY query must not be a utility command");
    if ((*query)->command != RDB_COMMAND_SELECT && (*query)->returning.count == 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause");
    return true;
}

static void describe_query(sending *work, const rdb_plan *plan)
{
    const rdb_list *targets = plan->result_targets;
    rdb_command_context *context = work->context;
    work->columns = (copy_columns){.numbers = RDB_NEW_ARRAY(context->arena, int16_t, targets->count + 1),
                                   .names = RDB_NEW_ARRAY(context->arena, const char *, targets->count + 1),
                                   .types = RDB_NEW_ARRAY(context->arena, const rdb_type *, targets->count + 1),
                                   .typmods = RDB_NEW_ARRAY(context->arena, int32_t, targets->count + 1)};
    for (uint32_t i = 0; i < targets->count; i++) {
        const rdb_target *target = targets->items[i];
        if (target->is_junk)
            continue;
        work->columns.names[work->columns.count] = target->name != NULL ? target->name : "?column?";
        work->columns.types[work->columns.count++] = target->expr->type;
    }
}

static bool send_rows(sending *work, const rdb_plan *plan, rdb_error *err)
{
    rdb_command_context *context = work->context;
    rdb_execution *execution = NULL;
    rdb_execution_context execution_context = command_execution_context(context);
    bool done = false, ok = rdb_execution_open(&execution, plan, &execution_context, err);
    while (ok && !done) {
        const rdb_batch *batch = NULL;
        ok = rdb_execution_pull(execution, 0, &batch, &done, err);
        for (uint32_t position = 0; ok && batch != NULL && position < batch->selection.count; position++)
            ok = put_row(work, batch, rdb_selected(&batch->selection, position), err);
        rdb_arena_reset(work->arena);
    }
    rdb_execution_close(&execution);
    return ok;
}

bool copy_to(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err)
{
    sending work = {.context = context};
    rdb_query *query = NULL;
    rdb_plan *plan = NULL;
    rdb_plan_context plan_context = {.arena = context->arena, .access = context->access, .format = context->format,
                                     .session = command_eval(context), .work_mem_bytes = context->work_mem_bytes};
    if (!make_query(&work, statement, &query, err) || !rdb_plan_make(&plan_context, query, &plan, err))
        return false;
    describe_query(&work, plan);
    if (!copy_read_options(context, statement, work.relation, &work.columns, &work.options, err))
        return false;
    for (uint16_t i = 0; i < work.columns.count; i++)
        if (work.columns.types[i]->ops == NULL || work.columns.types[i]->ops->output == NULL)
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "type %s is not supported yet", work.columns.types[i]->name);
    choose_ways(&work);
    bool ok = false, is_binary = work.options.format == COPY_BINARY;
    rdb_strbuf_init(&work.out, NULL);
    rdb_strbuf_init(&work.value, NULL);
    work.arena = rdb_arena_create("copy", NULL, NULL);
    if (work.arena == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        goto out;
    }
    work.call = (rdb_call){.arena = work.arena, .format = context->format, .session = plan_context.session};
    if (statement->file_name != NULL ? !rdb_file_open(&work.file, statement->file_name, RDB_FILE_CREATE | RDB_FILE_TRUNCATE, err)
                                     : !context->client->begin_copy_out(context->client->context, is_binary, work.columns.count, err))
        goto out;
    rdb_report_begin(RDB_REPORT_COPY, 0);
    rdb_report_set(5, 2);
    rdb_report_set(6, statement->file_name != NULL ? 1 : 3);
    ok = put_header(&work, err) && send_rows(&work, plan, err);
    if (ok && is_binary)
        put_u16(&work.out, UINT16_MAX);
    ok = ok && hand_on(&work, true, err);
    if (ok && work.file == NULL)
        ok = context->client->end_copy_out(context->client->context, err);
    snprintf(context->tag, sizeof context->tag, "COPY %llu", (unsigned long long)work.row_count);
out:
    ok = rdb_file_close(&work.file, err) && ok;
    rdb_arena_destroy(work.arena);
    rdb_strbuf_free(&work.out);
    rdb_strbuf_free(&work.value);
    return ok;
}
