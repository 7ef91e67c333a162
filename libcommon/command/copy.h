/* SPDX-License-Identifier: Apache-2.0
 * COPY: what its files share. */
#ifndef RDB_COMMAND_COPY_H
#define RDB_COMMAND_COPY_H

#include "command/command_int.h"

typedef enum copy_format { COPY_TEXT, COPY_CSV, COPY_BINARY } copy_format;

typedef struct copy_options {
    copy_format format;
    char delimiter, quote, escape;
    const char *null_text;
    size_t null_length;
    int encoding; /* of the data; 0: the server's */
    bool header, header_must_match, freezes;
    bool force_quote_all;
    bool *force_quote, *force_not_null, *force_null; /* by position in the column list; NULL: none */
} copy_options;

/* The columns copied: attribute numbers, all but dropped and generated ones where none are named. */
typedef struct copy_columns {
    int16_t *numbers;
    const char **names;
    const rdb_type **types;
    int32_t *typmods;
    uint16_t count;
} copy_columns;

RDB_CHECKED bool copy_read_options(rdb_command_context *context, const rdb_ast_copy *statement, const rdb_relation *relation /* NULL: a query */, const copy_columns *columns, copy_options *options, rdb_error *err);
/* What a relation that is no table is called in errors. */
const char *copy_kind_name(const rdb_relation *relation);
RDB_CHECKED bool copy_relation_columns(rdb_command_context *context, const rdb_relation *relation, const rdb_ast_names *names, copy_columns *columns, rdb_error *err);

/* ---- reading (copy_read.c) ----------------------------------------------------------------------------------------------- */
/* A row taken apart: fields[i] has no terminator; NULL data means null. Valid until the next row. */
typedef struct copy_field {
    const char *data;
    size_t length;
} copy_field;
typedef struct copy_reader {
    rdb_command_context *context;
    const copy_options *options;
    rdb_file *file; /* NULL: the client */
    uint64_t file_at;
    uint8_t *file_buffer;
    const uint8_t *chunk;
    size_t chunk_at, chunk_length;
    bool is_at_end;
    const char *line;     /* the row's raw bytes: in the chunk, or in gathered; valid until the next row */
    size_t line_length;
    bool is_plain;        /* without quotes and escapes: fields stand in it as they are */
    bool is_ascii;        /* and without zero bytes */
    rdb_strbuf converted; /* the chunk, where it came in another encoding; what was cut off at its end waits in carry */
    uint8_t carry[8];
    size_t carry_length;
    rdb_strbuf gathered;  /* a row that came in more than one chunk */
    rdb_strbuf unescaped; /* the fields of a row that is not plain */
    copy_field *fields;
    uint32_t field_count, field_capacity;
    uint64_t line_no;    /* of the row in hand */
    bool knows_line_end; /* one row has ended: newlines inside quotes count as lines from then on, as PostgreSQL's do */
} copy_reader;
RDB_CHECKED bool copy_reader_open(copy_reader *reader, rdb_command_context *context, const copy_options *options, const char *file_name, rdb_error *err);
void copy_reader_close(copy_reader *reader);
/* The next line's fields; *found false: the end of the data. */
RDB_CHECKED bool copy_read_row(copy_reader *reader, bool *found, rdb_error *err);
/* Exactly length bytes (binary); *got false: the data ended before the first. */
RDB_CHECKED bool copy_read_bytes(copy_reader *reader, void *target, size_t length, bool *got, rdb_error *err);

/* ---- feeding (copy_feed.c) --------------------------------------------------------------------------------------------------
 * A thread that puts a batch while the next one is read. *feed stays NULL where it cannot be had. */
typedef struct copy_feed copy_feed;
void copy_feed_begin(copy_feed **feed, rdb_insertion *insertion);
void copy_feed_give(copy_feed *feed, const rdb_batch *batch); /* after copy_feed_wait; its columns stay as they are until the next one */
RDB_CHECKED bool copy_feed_wait(copy_feed *feed, rdb_error *err); /* what was given is in; true where nothing was. Its error, once */
void copy_feed_end(copy_feed **feed); /* NULL inside is fine */

RDB_CHECKED bool copy_from(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err);
RDB_CHECKED bool copy_to(rdb_command_context *context, const rdb_ast_copy *statement, rdb_error *err);

#endif
