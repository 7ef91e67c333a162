/* SPDX-License-Identifier: Apache-2.0
 * COPY FROM's input: chunks from the client or a file, cut into rows and fields. A row is looked at when it is whole. */
#include "command/copy.h"
#include "type/rdb_encoding.h"
#include "task/rdb_report.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define FILE_CHUNK_BYTES (64u << 10)
#define LINE_MAX_BYTES ((UINT32_C(1) << 30) - 1)

bool copy_reader_open(copy_reader *reader, rdb_command_context *context, const copy_options *options, const char *file_name, rdb_error *err)
{
    *reader = (copy_reader){.context = context, .options = options};
    rdb_strbuf_init(&reader->converted, NULL);
    rdb_strbuf_init(&reader->gathered, NULL);
    rdb_strbuf_init(&reader->unescaped, NULL);
    if (file_name == NULL)
        return true;
    if (!rdb_file_open(&reader->file, file_name, RDB_FILE_READ, err))
        return false;
    reader->file_buffer = malloc(FILE_CHUNK_BYTES);
    return reader->file_buffer != NULL || rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
}

void copy_reader_close(copy_reader *reader)
{
    rdb_error ignored = {0};
    if (!rdb_file_close(&reader->file, &ignored))
        rdb_error_clear(&ignored);
    free(reader->file_buffer);
    free(reader->fields);
    rdb_strbuf_free(&reader->converted);
    rdb_strbuf_free(&reader->gathered);
    rdb_strbuf_free(&reader->unescaped);
}

/* Puts UTF-8 in the chunk's place. Characters may be cut off where it ends. */
static bool convert_chunk(copy_reader *reader, rdb_error *err)
{
    const int encoding = reader->options->encoding;
    rdb_strbuf whole;
    rdb_strbuf_init(&whole, NULL);
    rdb_strbuf_add(&whole, reader->carry, reader->carry_length);
    rdb_strbuf_add(&whole, reader->chunk, reader->chunk_length);
    const rdb_slice bytes = {(const uint8_t *)whole.data, whole.length};
    const size_t length = reader->is_at_end ? whole.length : rdb_encoding_whole(encoding, bytes);
    rdb_strbuf_clear(&reader->converted);
    bool ok = rdb_strbuf_check(&whole, err) && rdb_encoding_to_utf8(encoding, (rdb_slice){bytes.data, length}, &reader->converted, err);
    if (ok) {
        reader->carry_length = whole.length - length;
        if (reader->carry_length > 0)
            memcpy(reader->carry, whole.data + length, reader->carry_length);
        reader->chunk = (const uint8_t *)reader->converted.data;
        reader->chunk_length = reader->converted.length;
    }
    rdb_strbuf_free(&whole);
    return ok;
}

static bool next_chunk(copy_reader *reader, rdb_error *err)
{
    reader->chunk_at = reader->chunk_length = 0;
    if (reader->is_at_end)
        return true;
    if (reader->file != NULL) {
        size_t got = 0;
        if (!rdb_cancel_check(reader->context->cancel, err) ||
            !rdb_file_read(reader->file, reader->file_at, reader->file_buffer, FILE_CHUNK_BYTES, &got, err))
            return false;
        reader->chunk = reader->file_buffer;
        reader->chunk_length = got;
        reader->file_at += got;
    } else if (!reader->context->client->receive_copy(reader->context->client->context, &reader->chunk, &reader->chunk_length, err)) {
        return false;
    }
    rdb_report_add(1, (int64_t)reader->chunk_length);
    reader->is_at_end = reader->chunk_length == 0;
    return reader->options->encoding == 0 || convert_chunk(reader, err);
}

bool copy_read_bytes(copy_reader *reader, void *target, size_t length, bool *got, rdb_error *err)
{
    size_t done = 0;
    *got = true;
    while (done < length) {
        if (reader->chunk_at == reader->chunk_length) {
            if (!next_chunk(reader, err))
                return false;
            if (reader->is_at_end) {
                *got = false;
                return done == 0 || rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "unexpected EOF in COPY data");
            }
        }
        size_t part = RDB_MIN(length - done, reader->chunk_length - reader->chunk_at);
        memcpy((uint8_t *)target + done, reader->chunk + reader->chunk_at, part);
        reader->chunk_at += part;
        done += part;
    }
    return true;
}

/* The first newline, a or b from at on; end: there is none. *odd: a byte before it is zero or not ASCII. */
static const uint8_t *find_special(const uint8_t *at, const uint8_t *end, uint8_t a, uint8_t b, bool *odd)
{
#if defined(__SSE2__)
    const __m128i newlines = _mm_set1_epi8('\n'), first = _mm_set1_epi8((char)a), second = _mm_set1_epi8((char)b), zeroes = _mm_setzero_si128();
    for (; end - at >= 16; at += 16) {
        const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(block, newlines), _mm_or_si128(_mm_cmpeq_epi8(block, first), _mm_cmpeq_epi8(block, second)));
        const unsigned found = (unsigned)_mm_movemask_epi8(hits);
        const unsigned strange = (unsigned)_mm_movemask_epi8(_mm_or_si128(block, _mm_cmpeq_epi8(block, zeroes)));
        if (found != 0) {
            *odd |= (strange & (found - 1) & ~found) != 0; /* those below the lowest hit */
            return at + __builtin_ctz(found);
        }
        *odd |= strange != 0;
    }
#endif
    for (; at < end && *at != '\n' && *at != a && *at != b; at++)
        *odd |= *at == 0 || *at >= 0x80;
    return at;
}

/* One row's bytes without its line end. In CSV a line end inside quotes belongs to the row. */
static bool read_line(copy_reader *reader, bool *found, rdb_error *err)
{
    const copy_options *options = reader->options;
    const bool is_csv = options->format == COPY_CSV;
    const uint8_t quote = is_csv ? (uint8_t)options->quote : '\\', escape = is_csv ? (uint8_t)options->escape : '\\';
    bool in_quote = false, is_escaped = false, has_bytes = false, odd = false;
    rdb_strbuf_clear(&reader->gathered);
    reader->line = "";
    reader->line_length = 0;
    reader->is_plain = true;
    *found = false;
    reader->line_no++; /* what fails from here on fails in this line */
    for (;;) {
        if (reader->chunk_at == reader->chunk_length) {
            if (!next_chunk(reader, err))
                return false;
            if (reader->is_at_end)
                break;
        }
        const uint8_t *start = reader->chunk + reader->chunk_at, *end = reader->chunk + reader->chunk_length, *at = start;
        has_bytes = true;
        if (reader->is_plain) {
            at = find_special(at, end, quote, escape, &odd);
            reader->is_plain = at == end || *at == '\n';
        }
        if (reader->is_plain) {
            /* at is there already */
        } else if (!is_csv) {
            /* Backslash and newline: the newline is data. */
            for (; at < end; at++) {
                if (is_escaped)
                    is_escaped = false;
                else if (*at == '\\')
                    is_escaped = true;
                else if (*at == '\n')
                    break;
            }
        } else {
            for (; at < end; at++) {
                if (is_escaped)
                    is_escaped = false;
                else if (in_quote && *at == escape && escape != quote)
                    is_escaped = true;
                else if (*at == quote)
                    in_quote = !in_quote; /* a doubled quote closes and opens again: the same in the end */
                else if (*at == '\n' && in_quote)
                    reader->line_no += reader->knows_line_end;
                else if (*at == '\n')
                    break;
            }
        }
        reader->chunk_at = (size_t)(at - reader->chunk);
        bool is_whole = at < end;
        if (is_whole && reader->gathered.length == 0) {
            reader->line = (const char *)start;
            reader->line_length = (size_t)(at - start);
        } else {
            rdb_strbuf_add(&reader->gathered, start, (size_t)(at - start));
            reader->line = reader->gathered.data;
            reader->line_length = reader->gathered.length;
        }
        if (reader->line_length > LINE_MAX_BYTES)
            return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "COPY row is too long");
        if (is_whole) {
            reader->chunk_at++;
            reader->knows_line_end = true;
            *found = true;
            break;
        }
    }
    if (!rdb_strbuf_check(&reader->gathered, err))
        return false;
    reader->is_ascii = reader->is_plain && !odd;
    if (!*found && has_bytes) {
        if (in_quote)
            return rdb_error_set(err, RDB_BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field");
        *found = reader->line_length > 0; /* a last line without its end */
    }
    if (*found) {
        if (reader->line_length > 0 && reader->line[reader->line_length - 1] == '\r')
            reader->line_length--;
        if (reader->line_length == 2 && memcmp(reader->line, "\\.", 2) == 0) { /* the end marker; what follows is read and dropped */
            *found = false;
            while (!reader->is_at_end)
                if (!next_chunk(reader, err))
                    return false;
        }
    }
    return true;
}

static copy_field *new_field(copy_reader *reader, rdb_error *err)
{
    if (RDB_LIKELY(reader->field_count < reader->field_capacity))
        return &reader->fields[reader->field_count++];
    uint32_t capacity = RDB_MAX(64u, reader->field_capacity * 2);
    copy_field *grown = realloc(reader->fields, capacity * sizeof *grown);
    if (grown == NULL) {
        rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    reader->fields = grown;
    reader->field_capacity = capacity;
    return &reader->fields[reader->field_count++];
}

static bool add_field(copy_reader *reader, size_t start, size_t length, bool is_null, rdb_error *err)
{
    copy_field *field = new_field(reader, err);
    if (field == NULL)
        return false;
    /* Offsets for now: the text may move while it grows. */
    *field = (copy_field){is_null ? NULL : (const char *)(uintptr_t)(start + 1), length};
    return true;
}

static bool add_plain_field(copy_reader *reader, const char *from, const char *to, rdb_error *err)
{
    const copy_options *options = reader->options;
    copy_field *field = new_field(reader, err);
    if (field == NULL)
        return false;
    field->length = (size_t)(to - from);
    bool is_null = field->length == options->null_length && memcmp(from, options->null_text, options->null_length) == 0;
    field->data = is_null ? NULL : from;
    return true;
}

static bool split_plain(copy_reader *reader, rdb_error *err)
{
    const char *from = reader->line, *at = from, *end = from + reader->line_length, delimiter = reader->options->delimiter;
#if defined(__SSE2__)
    const __m128i delimiters = _mm_set1_epi8(delimiter);
    for (; end - at >= 16; at += 16) {
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at), delimiters));
        for (; found != 0; found &= found - 1) {
            const char *to = at + __builtin_ctz(found);
            if (!add_plain_field(reader, from, to, err))
                return false;
            from = to + 1;
        }
    }
#endif
    for (; at < end; at++)
        if (*at == delimiter) {
            if (!add_plain_field(reader, from, at, err))
                return false;
            from = at + 1;
        }
    return add_plain_field(reader, from, end, err);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool split_text(copy_reader *reader, rdb_error *err)
{
    const copy_options *options = reader->options;
    const char *at = reader->line, *end = at + reader->line_length;
    for (;;) {
        const char *raw = at;
        size_t start = reader->unescaped.length;
        while (at < end && *at != options->delimiter) {
            /* A run without escapes at once. */
            const char *run = at;
            while (at < end && *at != options->delimiter && *at != '\\')
                at++;
            rdb_strbuf_add(&reader->unescaped, run, (size_t)(at - run));
            if (at == end || *at != '\\')
                continue;
            if (++at == end) {
                rdb_strbuf_addc(&reader->unescaped, '\\');
                break;
            }
            char c = *at++;
            int value;
            switch (c) {
            case 'b':
                c = '\b';
                break;
            case 'f':
                c = '\f';
                break;
            case 'n':
                c = '\n';
                break;
            case 'r':
                c = '\r';
                break;
            case 't':
                c = '\t';
                break;
            case 'v':
                c = '\v';
                break;
            case 'x':
                if (at < end && (value = hex_digit(*at)) >= 0) {
                    at++;
                    if (at < end && hex_digit(*at) >= 0)
                        value = value * 16 + hex_digit(*at++);
                    c = (char)value;
                }
                break;
            default:
                if (c >= '0' && c <= '7') {
                    value = c - '0';
                    for (int digits = 1; digits < 3 && at < end && *at >= '0' && *at <= '7'; digits++)
                        value = value * 8 + (*at++ - '0');
                    c = (char)value;
                }
                break;
            }
            rdb_strbuf_addc(&reader->unescaped, c);
        }
        bool is_null = (size_t)(at - raw) == options->null_length && memcmp(raw, options->null_text, options->null_length) == 0;
        if (!add_field(reader, start, reader->unescaped.length - start, is_null, err))
            return false;
        if (at == end)
            return true;
        at++;
    }
}

static bool split_csv(copy_reader *reader, rdb_error *err)
{
    const copy_options *options = reader->options;
    const char *at = reader->line, *end = at + reader->line_length;
    for (;;) {
        const char *raw = at;
        size_t start = reader->unescaped.length;
        bool had_quote = false, in_quote = false;
        for (; at < end && (in_quote || *at != options->delimiter); at++) {
            if (in_quote && *at == options->escape && at + 1 < end && (at[1] == options->quote || at[1] == options->escape)) {
                rdb_strbuf_addc(&reader->unescaped, *++at);
            } else if (*at == options->quote) {
                in_quote = !in_quote;
                had_quote = true;
            } else {
                rdb_strbuf_addc(&reader->unescaped, *at);
            }
        }
        bool is_null = (size_t)(at - raw) == options->null_length && memcmp(raw, options->null_text, options->null_length) == 0 && !had_quote;
        if (!add_field(reader, start, reader->unescaped.length - start, is_null, err))
            return false;
        if (at == end)
            return true;
        at++;
    }
}

bool copy_read_row(copy_reader *reader, bool *found, rdb_error *err)
{
    if (!read_line(reader, found, err) || !*found)
        return !rdb_error_is_set(err);
    reader->field_count = 0;
    if (reader->is_plain)
        return split_plain(reader, err);
    rdb_strbuf_clear(&reader->unescaped);
    if (!rdb_strbuf_reserve(&reader->unescaped, reader->line_length + 1))
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = reader->options->format == COPY_CSV ? split_csv(reader, err) : split_text(reader, err);
    if (!ok || !rdb_strbuf_check(&reader->unescaped, err))
        return false;
    for (uint32_t i = 0; i < reader->field_count; i++)
        if (reader->fields[i].data != NULL)
            reader->fields[i].data = reader->unescaped.data + ((uintptr_t)reader->fields[i].data - 1);
    return true;
}
