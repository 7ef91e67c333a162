/* SPDX-License-Identifier: Apache-2.0
 * The READY phase: one message of the simple or extended protocol at a time. After an error in the extended protocol
 * everything up to the next Sync is dropped; each Sync and each Query ends with exactly one ReadyForQuery. */
#include "session/audit.h"
#include "session/notify.h"
#include "session/settings.h"
#include "session/wire_int.h"

#include <stdlib.h>

#define WIRE_COUNT_MAX 65535u

static void put_ready(rdb_wire *wire)
{
    if (wire->session->has_ended) {
        wire->phase = WIRE_FINISHED;
        return;
    }
    if (wire->sync_lost) {
        rdb_error err = {0};
        rdb_error_set(&err, RDB_PROTOCOL_VIOLATION, "terminating connection because protocol synchronization was lost");
        wire_fatal(wire, &err);
        return;
    }
    session_notify_deliver(wire->session);
    session_settings_report(wire->session, false);
    session_now_idle(wire->session);
    wire_put_ready(&wire->output, session_ready_status(wire->session));
}

/* The error of an extended-protocol message. */
static void extended_failed(rdb_wire *wire, rdb_error *err)
{
    session_audit_failed(wire->session, err);
    session_put_error(wire->session, &wire->output, err, "ERROR");
    rdb_error_clear(err);
    session_fail(wire->session);
    wire->skip_to_sync = true;
    if (wire->sync_lost || wire->session->has_ended)
        put_ready(wire);
}

bool wire_reader_done(const wire_reader *reader, rdb_error *err)
{
    if (reader->text_unended)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "invalid string in message");
    if (reader->bad)
        return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "insufficient data left in message");
    return reader->at == reader->end || rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "invalid message format");
}

static bool handle_parse(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    const char *name = wire_read_text(reader), *text = wire_read_text(reader);
    uint32_t count = wire_read_u16(reader);
    uint32_t *types = count > 0 ? malloc(count * sizeof *types) : NULL;
    if (count > 0 && types == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; i < count; i++)
        types[i] = wire_read_u32(reader);
    bool ok = wire_reader_done(reader, err) && session_parse(wire->session, name, text, types, count, err);
    free(types);
    if (ok)
        wire_message_end(&wire->output, wire_message_begin(&wire->output, '1'));
    return ok;
}

#define BIND_SMALL 16u /* so many parameters and results are read without asking for memory */

/* few: room for BIND_SMALL; the formats are malloc'ed where they are more. A format that does not exist is refused where it is used:
 * for parameters in Bind, for results in Execute. */
static bool read_formats(wire_reader *reader, uint16_t *few, uint16_t **formats, uint32_t *count, rdb_error *err)
{
    *count = wire_read_u16(reader);
    *formats = *count <= BIND_SMALL ? few : malloc(*count * sizeof **formats);
    if (*formats == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; i < *count; i++)
        (*formats)[i] = wire_read_u16(reader);
    return true;
}

static bool handle_bind(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    session_bind bind = {0};
    uint16_t few_parameter_formats[BIND_SMALL], few_result_formats[BIND_SMALL];
    const uint8_t *few_parameters[BIND_SMALL];
    uint32_t few_lengths[BIND_SMALL];
    uint16_t *parameter_formats = NULL, *result_formats = NULL;
    const uint8_t **parameters = few_parameters;
    uint32_t *lengths = few_lengths;
    bool ok = false;
    bind.portal = wire_read_text(reader);
    bind.statement = wire_read_text(reader);
    if (!read_formats(reader, few_parameter_formats, &parameter_formats, &bind.parameter_format_count, err))
        goto out;
    bind.parameter_count = wire_read_u16(reader);
    if (bind.parameter_count > BIND_SMALL) {
        parameters = malloc(bind.parameter_count * sizeof *parameters);
        lengths = malloc(bind.parameter_count * sizeof *lengths);
        if (parameters == NULL || lengths == NULL) {
            rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
            goto out;
        }
    }
    for (uint32_t i = 0; i < bind.parameter_count; i++) {
        uint32_t length = wire_read_u32(reader);
        const bool is_null = length == UINT32_MAX;
        parameters[i] = is_null ? NULL : wire_read_bytes(reader, length);
        lengths[i] = is_null ? 0 : length;
    }
    if (!read_formats(reader, few_result_formats, &result_formats, &bind.result_format_count, err) || !wire_reader_done(reader, err))
        goto out;
    bind.parameter_formats = parameter_formats;
    bind.result_formats = result_formats;
    bind.parameters = parameters;
    bind.lengths = lengths;
    ok = session_bind_portal(wire->session, &bind, err);
    if (ok)
        wire_message_end(&wire->output, wire_message_begin(&wire->output, '2'));
out:
    if (parameter_formats != few_parameter_formats)
        free(parameter_formats);
    if (result_formats != few_result_formats)
        free(result_formats);
    if (parameters != few_parameters)
        free(parameters);
    if (lengths != few_lengths)
        free(lengths);
    return ok;
}

static bool handle_describe(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    char kind = (char)wire_read_u8(reader);
    const char *name = wire_read_text(reader);
    if (!wire_reader_done(reader, err))
        return false;
    if (kind == 'S')
        return session_describe_statement(wire->session, name, err);
    if (kind == 'P')
        return session_describe_portal(wire->session, name, err);
    return rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "invalid DESCRIBE message subtype %d", kind);
}

static bool handle_execute(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    const char *name = wire_read_text(reader);
    uint32_t row_max = wire_read_u32(reader);
    return wire_reader_done(reader, err) && session_execute(wire->session, name, (int32_t)row_max > 0 ? row_max : 0, err);
}

static bool handle_close(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    char kind = (char)wire_read_u8(reader);
    const char *name = wire_read_text(reader);
    if (!wire_reader_done(reader, err))
        return false;
    bool ok = kind == 'S'   ? session_close_statement(wire->session, name, err)
              : kind == 'P' ? session_close_portal(wire->session, name, err)
                            : rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "invalid CLOSE message subtype %d", kind);
    if (ok)
        wire_message_end(&wire->output, wire_message_begin(&wire->output, '3'));
    return ok;
}

/* The error of a message that ends with ReadyForQuery whatever happens. */
static void message_failed(rdb_wire *wire, rdb_error *err)
{
    session_audit_failed(wire->session, err);
    session_put_error(wire->session, &wire->output, err, "ERROR");
    rdb_error_clear(err);
    session_fail(wire->session);
}

static void handle_query(rdb_wire *wire, wire_reader *reader)
{
    rdb_error err;
    rdb_error_init(&err);
    const char *text = wire_read_text(reader);
    if (wire_reader_done(reader, &err))
        session_simple_query(wire->session, text);
    else
        message_failed(wire, &err);
    put_ready(wire);
}

static void handle_sync(rdb_wire *wire, wire_reader *reader)
{
    rdb_error err;
    rdb_error_init(&err);
    wire->skip_to_sync = false;
    if (wire_reader_done(reader, &err))
        session_sync(wire->session);
    else
        message_failed(wire, &err);
    put_ready(wire);
}

static bool handle_function_call(rdb_wire *wire, wire_reader *reader, rdb_error *err)
{
    session_function_call call = {.function_oid = wire_read_u32(reader)};
    uint16_t few_formats[BIND_SMALL], *formats = NULL;
    bool ok = read_formats(reader, few_formats, &formats, &call.format_count, err);
    call.argument_count = ok ? wire_read_u16(reader) : 0;
    call.arguments = calloc(call.argument_count + 1, sizeof *call.arguments);
    call.lengths = calloc(call.argument_count + 1, sizeof *call.lengths);
    if (ok && (call.arguments == NULL || call.lengths == NULL))
        ok = rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; ok && i < call.argument_count; i++) {
        int32_t length = (int32_t)wire_read_u32(reader);
        if (length == -1 || reader->bad)
            continue;
        if (length < 0)
            ok = rdb_error_set(err, RDB_PROTOCOL_VIOLATION, "invalid argument size %d in function call message", length);
        call.arguments[i] = ok ? wire_read_bytes(reader, (size_t)length) : NULL;
        call.lengths[i] = (uint32_t)length;
    }
    call.formats = formats;
    call.result_format = wire_read_u16(reader);
    ok = ok && wire_reader_done(reader, err) && session_call_function(wire->session, &call, err);
    if (formats != few_formats)
        free(formats);
    free(call.arguments);
    free(call.lengths);
    return ok;
}

void wire_handle_message(rdb_wire *wire, char type, wire_reader *reader)
{
    rdb_error err;
    rdb_error_init(&err);
    if (wire->skip_to_sync && type != 'S' && type != 'X')
        return;
    bool ok = true;
    switch (type) {
    case 'Q':
        handle_query(wire, reader);
        return;
    case 'P':
        ok = handle_parse(wire, reader, &err);
        break;
    case 'B':
        ok = handle_bind(wire, reader, &err);
        break;
    case 'D':
        ok = handle_describe(wire, reader, &err);
        break;
    case 'E':
        ok = handle_execute(wire, reader, &err);
        break;
    case 'C':
        ok = handle_close(wire, reader, &err);
        break;
    case 'S':
        handle_sync(wire, reader);
        return;
    case 'H':
        ok = wire_reader_done(reader, &err);
        if (ok)
            wire_flush(wire);
        break;
    case 'X':
        wire->phase = WIRE_FINISHED;
        return;
    case 'd': /* left over from a COPY that ended with an error on our side */
    case 'c':
    case 'f':
        return;
    case 'F':
        if (!handle_function_call(wire, reader, &err))
            message_failed(wire, &err);
        put_ready(wire);
        return;
    default: /* wire.c lets no other type through */
        RDB_ASSERT(false);
        return;
    }
    if (!ok)
        extended_failed(wire, &err);
}
