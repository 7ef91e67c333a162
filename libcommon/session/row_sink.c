/* SPDX-License-Identifier: Apache-2.0
 * Rows and COPY data on their way to the client: batches become DataRow messages, each column in the format that was asked
 * for. The client structure that commands write through ends here. */
#include "session/row_sink.h"
#include "session/wire_int.h"

#include <arpa/inet.h>

static rdb_strbuf *output_of(const rdb_session *session)
{
    return session->owner.output;
}

/* Sends what is pending once it is long; a client that went away ends the statement. */
static bool push(rdb_session *session, rdb_error *err)
{
    if (output_of(session)->length < WIRE_SEND_BYTES)
        return true;
    if (session->owner.flush(session->owner.context))
        return true;
    return rdb_error_set(err, RDB_CONNECTION_FAILURE, "connection to client lost");
}

static int16_t wire_type_length(const rdb_type *type)
{
    return type->typlen;
}

void session_put_row_description(rdb_session *session, const rdb_result_column *columns, uint32_t count, const uint16_t *formats)
{
    rdb_strbuf *output = output_of(session);
    if (count == 0 && columns == NULL) {
        wire_message_end(output, wire_message_begin(output, 'n'));
        return;
    }
    size_t begin = wire_message_begin(output, 'T');
    wire_put_u16(output, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        const rdb_type *type = columns[i].type; /* clients are told what is below a domain */
        int32_t typmod = columns[i].typmod;
        for (; type->kind == 'd' && type->base != NULL; type = type->base)
            typmod = type->domain_typmod;
        session_put_name(session, output, columns[i].name);
        wire_put_u32(output, columns[i].origin_table);
        wire_put_u16(output, (uint16_t)columns[i].origin_column);
        wire_put_u32(output, type->oid);
        wire_put_u16(output, (uint16_t)wire_type_length(type));
        wire_put_u32(output, (uint32_t)typmod);
        wire_put_u16(output, formats != NULL ? formats[i] : 0);
    }
    wire_message_end(output, begin);
}

/* ---- values ----------------------------------------------------------------------------------------------------------- */
static void put_bytes(rdb_strbuf *output, const void *bytes, uint32_t length)
{
    if (!rdb_strbuf_reserve(output, 4 + (size_t)length))
        return;
    char *at = output->data + output->length;
    const uint32_t network = htonl(length);
    memcpy(at, &network, sizeof network);
    if (length > 0)
        memcpy(at + 4, bytes, length);
    at[4 + length] = '\0';
    output->length += 4 + (size_t)length;
}

static void put_integer(rdb_strbuf *output, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        digits[--at] = '-';
    put_bytes(output, digits + at, (uint32_t)(sizeof digits - at));
}

/* Types whose text needs no call. */
static session_sink_way way_of(const rdb_type *type, uint16_t format)
{
    if (format != 0)
        return SINK_CALL;
    switch (type->oid) {
    case RDB_BOOLOID:
        return SINK_BOOL;
    case RDB_OIDOID:
        return SINK_OID;
    case RDB_INT2OID:
        return SINK_INT2;
    case RDB_INT4OID:
        return SINK_INT4;
    case RDB_INT8OID:
        return SINK_INT8;
    case RDB_TEXTOID:
    case RDB_VARCHAROID:
    case RDB_BPCHAROID:
    case RDB_NAMEOID:
    case RDB_JSONOID:
    case RDB_UNKNOWNOID:
    case RDB_CSTRINGOID:
        return SINK_BYTES;
    default:
        return SINK_CALL;
    }
}

/* By the type's own function. */
static bool put_converted(session_row_sink *sink, rdb_strbuf *output, const rdb_type *type, uint16_t format, rdb_datum value, rdb_error *err)
{
    size_t begin = output->length;
    wire_put_u32(output, 0);
    bool (*convert)(rdb_call *, const rdb_type *, rdb_datum, rdb_strbuf *) = NULL;
    if (type->ops != NULL)
        convert = format == 0 ? type->ops->output : type->ops->send;
    if (convert == NULL)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "no %s output for type %s", format == 0 ? "text" : "binary", type->name);
    sink->call.err = err;
    if (!convert(&sink->call, type, value, output))
        return false;
    if (!output->failed) {
        uint32_t length = htonl((uint32_t)(output->length - begin - 4));
        memcpy(output->data + begin, &length, sizeof length);
    }
    return true;
}

/* A value that is text, put into the client's encoding; its length stands before it. */
static bool encode_value(rdb_session *session, rdb_strbuf *output, const rdb_type *type, uint16_t format, size_t at, rdb_error *err)
{
    if (format != 0 && type->category != 'S' && type->oid != RDB_JSONOID && type->oid != RDB_UNKNOWNOID && type->oid != RDB_CSTRINGOID)
        return true;
    if (!session_text_out(session, output, at + 4, err))
        return false;
    if (!output->failed) {
        const uint32_t length = htonl((uint32_t)(output->length - at - 4));
        memcpy(output->data + at, &length, sizeof length);
    }
    return true;
}

bool session_send_rows(rdb_session *session, const rdb_batch *batch, uint32_t from, uint32_t to, rdb_error *err)
{
    session->has_told_data = true;
    session_row_sink *sink = session->sink;
    rdb_strbuf *output = output_of(session);
    RDB_ASSERT(from == to || batch->column_count >= sink->column_count); /* the end of data may come without vectors */
    for (uint32_t position = from; position < to; position++) {
        uint32_t row = rdb_selected(&batch->selection, position);
        size_t start = output->length, begin = wire_message_begin(output, 'D');
        wire_put_u16(output, (uint16_t)sink->column_count);
        for (uint32_t i = 0; i < sink->column_count; i++) {
            const rdb_vector *vector = batch->columns[i];
            if (rdb_vector_is_null(vector, row)) {
                wire_put_u32(output, UINT32_MAX);
                continue;
            }
            const size_t value_at = output->length;
            bool ok = true;
            switch ((session_sink_way)sink->ways[i]) {
            case SINK_BYTES: {
                const rdb_bytes *bytes = &RDB_AT(vector, rdb_bytes, row);
                put_bytes(output, bytes->data, bytes->length);
                break;
            }
            case SINK_BOOL:
                put_bytes(output, RDB_AT(vector, uint8_t, row) != 0 ? "t" : "f", 1);
                break;
            case SINK_OID:
                put_integer(output, RDB_AT(vector, uint32_t, row));
                break;
            case SINK_INT2:
                put_integer(output, RDB_AT(vector, int16_t, row));
                break;
            case SINK_INT4:
                put_integer(output, RDB_AT(vector, int32_t, row));
                break;
            case SINK_INT8:
                put_integer(output, RDB_AT(vector, int64_t, row));
                break;
            case SINK_CALL:
                ok = put_converted(sink, output, sink->types[i], sink->formats[i], rdb_vector_get(vector, row), err);
                break;
            }
            if (!ok ||
                (sink->call.format->client_encoding != 0 && !encode_value(session, output, sink->types[i], sink->formats[i], value_at, err))) {
                output->length = start; /* half a row must not go out before the error */
                return false;
            }
        }
        wire_message_end(output, begin);
        if (output->length - start > WIRE_MESSAGE_MAX) {
            output->length = start;
            return rdb_error_set(err, RDB_PROGRAM_LIMIT_EXCEEDED, "row is too long for a message");
        }
        if (output->failed) {
            rdb_strbuf_free(output);
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        }
        if (!push(session, err))
            return false;
        sink->row_count++;
    }
    rdb_arena_reset(sink->scratch);
    return true;
}

bool session_sink_begin(rdb_session *session, const rdb_result_column *columns, uint32_t count, const uint16_t *formats, rdb_error *err)
{
    session_row_sink *sink = session->sink;
    if (count > sink->capacity) {
        const rdb_type **types = realloc(sink->types, count * sizeof *types);
        if (types != NULL)
            sink->types = types;
        uint16_t *grown = realloc(sink->formats, count * sizeof *grown);
        if (grown != NULL)
            sink->formats = grown;
        uint8_t *ways = realloc(sink->ways, count * sizeof *ways);
        if (ways != NULL)
            sink->ways = ways;
        if (types == NULL || grown == NULL || ways == NULL)
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
        sink->capacity = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        sink->types[i] = columns[i].type;
        sink->formats[i] = formats != NULL ? formats[i] : 0;
        sink->ways[i] = (uint8_t)way_of(columns[i].type, sink->formats[i]);
    }
    sink->column_count = count;
    sink->row_count = 0;
    session_make_eval(session, session->access, &sink->eval);
    sink->call = (rdb_call){.arena = sink->scratch, .format = sink->eval.format, .session = &sink->eval};
    return true;
}

/* ---- the client of commands --------------------------------------------------------------------------------------------- */
static bool begin_rows(void *context, const rdb_result_column *columns, uint32_t count, rdb_error *err)
{
    rdb_session *session = context;
    session_row_sink *sink = session->sink;
    if (sink->describes)
        session_put_row_description(session, columns, count, sink->default_formats);
    return session_sink_begin(session, columns, count, sink->default_formats, err);
}

static bool send_batch(void *context, const rdb_batch *batch, rdb_error *err)
{
    return session_send_rows(context, batch, 0, batch->selection.count, err);
}

static void put_copy_response(rdb_strbuf *output, char type, bool is_binary, uint16_t column_count)
{
    size_t begin = wire_message_begin(output, type);
    rdb_strbuf_addc(output, is_binary ? 1 : 0);
    wire_put_u16(output, column_count);
    for (uint16_t i = 0; i < column_count; i++)
        wire_put_u16(output, is_binary ? 1 : 0);
    wire_message_end(output, begin);
}

static bool begin_copy_out(void *context, bool is_binary, uint16_t column_count, rdb_error *err)
{
    (void)err;
    put_copy_response(output_of(context), 'H', is_binary, column_count);
    return true;
}

static bool send_copy(void *context, const void *bytes, size_t length, rdb_error *err)
{
    rdb_session *session = context;
    rdb_strbuf *output = output_of(session);
    session->has_told_data = true;
    size_t begin = wire_message_begin(output, 'd');
    rdb_strbuf_add(output, bytes, length);
    wire_message_end(output, begin);
    return rdb_strbuf_check(output, err) && push(session, err);
}

static bool end_copy_out(void *context, rdb_error *err)
{
    (void)err;
    rdb_strbuf *output = output_of(context);
    wire_message_end(output, wire_message_begin(output, 'c'));
    return true;
}

static bool begin_copy_in(void *context, bool is_binary, uint16_t column_count, rdb_error *err)
{
    rdb_session *session = context;
    put_copy_response(output_of(session), 'G', is_binary, column_count);
    if (!session->owner.flush(session->owner.context))
        return rdb_error_set(err, RDB_CONNECTION_FAILURE, "connection to client lost");
    session->copy_in = SESSION_COPY_OPEN;
    return true;
}

static bool receive_copy(void *context, const uint8_t **bytes, size_t *length, rdb_error *err)
{
    rdb_session *session = context;
    *bytes = NULL;
    *length = 0;
    if (session->copy_in != SESSION_COPY_OPEN)
        return true;
    for (;;) {
        char type = '\0';
        const uint8_t *body = NULL;
        size_t size = 0;
        if (!rdb_cancel_check(&session->cancel, err))
            return false;
        if (!session->owner.next_copy_message(session->owner.context, &type, &body, &size)) {
            if (!rdb_cancel_check(&session->cancel, err))
                return false;
            session->copy_in = SESSION_COPY_CLOSED; /* nothing tells where the next message begins */
            return rdb_error_set(err, RDB_CONNECTION_FAILURE, "unexpected EOF on client connection with an open transaction");
        }
        switch (type) {
        case 'd':
            if (size == 0)
                continue;
            *bytes = body;
            *length = size;
            return true;
        case 'c':
            session->copy_in = SESSION_COPY_CLOSED;
            return true;
        case 'f':
            session->copy_in = SESSION_COPY_CLOSED;
            return rdb_error_set(err, RDB_QUERY_CANCELED, "COPY from stdin failed: %.*s", (int)strnlen((const char *)body, size), (const char *)body);
        case 'H':
        case 'S': /* allowed, and without meaning here */
            continue;
        default:
            session->copy_in = SESSION_COPY_CLOSED;
            return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "unexpected message type 0x%02X during COPY from stdin", (unsigned char)type);
        }
    }
}

static void client_notice(void *context, const char *severity, const rdb_error *notice)
{
    rdb_session *session = context;
    if (session_notice_passes(session, severity))
        session_put_notice(session, output_of(session), notice, severity);
}

bool session_sink_create(rdb_session *session, rdb_error *err)
{
    session->sink = calloc(1, sizeof *session->sink);
    rdb_arena *scratch = rdb_arena_create("row output", NULL, NULL);
    if (session->sink == NULL || scratch == NULL) {
        rdb_arena_destroy(scratch);
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    session->sink->scratch = scratch;
    session->client = (rdb_client){.context = session, .begin_rows = begin_rows, .send_batch = send_batch,
                                   .begin_copy_out = begin_copy_out, .send_copy = send_copy, .end_copy_out = end_copy_out,
                                   .begin_copy_in = begin_copy_in, .receive_copy = receive_copy, .notice = client_notice};
    return true;
}

void session_sink_destroy(rdb_session *session)
{
    if (session->sink == NULL)
        return;
    rdb_arena_destroy(session->sink->scratch);
    free(session->sink->types);
    free(session->sink->formats);
    free(session->sink->ways);
    free(session->sink);
    session->sink = NULL;
}
