/* SPDX-License-Identifier: Apache-2.0
 * Texts between the client's encoding and the server's: what comes in becomes UTF-8 before anyone reads it, what goes out is
 * put into the client's bytes as the last thing. A client that reads UTF-8 costs one look at a number. */
#include "session/wire_int.h"

#include "session/row_sink.h"
#include "type/rdb_encoding.h"

static int encoding_of(const rdb_session *session)
{
    return session->settings != NULL ? session_setting_format(session)->client_encoding : 0;
}

bool session_text_in(const rdb_session *session, rdb_arena *arena, rdb_slice *bytes, rdb_error *err)
{
    const int encoding = encoding_of(session);
    if (encoding == 0) {
        size_t bad;
        return rdb_utf8_validate(bytes->data, bytes->length, &bad) || rdb_encoding_refuse(RDB_ENCODING_UTF8, bytes->data + bad, bytes->length - bad, err);
    }
    rdb_strbuf text;
    rdb_strbuf_init(&text, arena);
    if (!rdb_encoding_to_utf8(encoding, *bytes, &text, err))
        return false;
    rdb_strbuf_addc(&text, '\0');
    *bytes = (rdb_slice){(const uint8_t *)text.data, text.length - 1};
    return rdb_strbuf_check(&text, err);
}

bool session_text_out(const rdb_session *session, rdb_strbuf *output, size_t from, rdb_error *err)
{
    const int encoding = encoding_of(session);
    if (encoding == 0 || output->failed)
        return true;
    size_t at = from;
    while (at < output->length && (uint8_t)output->data[at] < 0x80)
        at++;
    if (at == output->length)
        return true;
    rdb_strbuf converted;
    rdb_strbuf_init(&converted, NULL);
    const bool ok = rdb_encoding_from_utf8(encoding, (rdb_slice){(const uint8_t *)output->data + at, output->length - at}, &converted, err);
    output->length = at;
    if (ok)
        rdb_strbuf_add(output, converted.data, converted.length);
    rdb_strbuf_free(&converted);
    return ok;
}

/* Messages and names: they have to arrive, with question marks where need be. Zero bytes and ASCII are what they were, so a
 * message of texts alone is converted as a whole. */
static void put_anyway(int encoding, rdb_strbuf *output, size_t from)
{
    rdb_strbuf converted;
    if (output->failed)
        return;
    rdb_strbuf_init(&converted, NULL);
    rdb_encoding_from_utf8_anyway(encoding, (rdb_slice){(const uint8_t *)output->data + from, output->length - from}, &converted);
    output->length = from;
    rdb_strbuf_add(output, converted.data, converted.length);
    rdb_strbuf_free(&converted);
}

static void put_report(const rdb_session *session, rdb_strbuf *output, const rdb_error *err, const char *severity, bool is_notice)
{
    const size_t start = output->length, header = 5; /* type, length */
    const int encoding = session != NULL ? encoding_of(session) : 0;
    if (is_notice)
        wire_put_notice(output, err, severity);
    else
        wire_put_error(output, err, severity);
    if (encoding == 0 || output->failed)
        return;
    put_anyway(encoding, output, start + header);
    wire_message_end(output, start + 1);
}

void session_put_error(rdb_session *session, rdb_strbuf *output, const rdb_error *err, const char *severity)
{
    if (session != NULL && (strcmp(err->sqlstate, RDB_ADMIN_SHUTDOWN) == 0 || strcmp(err->sqlstate, RDB_CONNECTION_FAILURE) == 0) && rdb_cancel_is_final(&session->cancel)) {
        session->has_ended = true;
        severity = "FATAL";
    }
    if (session != NULL)
        session_log_error(session, err, severity);
    put_report(session, output, err, severity, false);
}

void session_put_notice(const rdb_session *session, rdb_strbuf *output, const rdb_error *notice, const char *severity)
{
    put_report(session, output, notice, severity, true);
}

void session_put_name(const rdb_session *session, rdb_strbuf *output, const char *name)
{
    const size_t from = output->length;
    const int encoding = encoding_of(session);
    wire_put_text(output, name);
    if (encoding != 0)
        put_anyway(encoding, output, from);
}
