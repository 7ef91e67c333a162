/* SPDX-License-Identifier: Apache-2.0
 * Reading and building protocol messages: bounds first, network byte order, nothing allocated but the output buffer. */
#include "session/wire_int.h"

#include <arpa/inet.h>

static const uint8_t *take(wire_reader *reader, size_t length)
{
    if (reader->bad || (size_t)(reader->end - reader->at) < length) {
        reader->bad = true;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += length;
    return at;
}

uint8_t wire_read_u8(wire_reader *reader)
{
    const uint8_t *at = take(reader, 1);
    return at ? *at : 0;
}

uint16_t wire_read_u16(wire_reader *reader)
{
    const uint8_t *at = take(reader, 2);
    return at ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

uint32_t wire_read_u32(wire_reader *reader)
{
    const uint8_t *at = take(reader, 4);
    return at ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3] : 0;
}

const char *wire_read_text(wire_reader *reader)
{
    const uint8_t *zero = reader->bad ? NULL : memchr(reader->at, 0, (size_t)(reader->end - reader->at));
    if (zero == NULL) {
        reader->text_unended = !reader->bad;
        reader->bad = true;
        return "";
    }
    const char *text = (const char *)reader->at;
    reader->at = zero + 1;
    return text;
}

const uint8_t *wire_read_bytes(wire_reader *reader, size_t length)
{
    return take(reader, length);
}

size_t wire_message_begin(rdb_strbuf *output, char type)
{
    rdb_strbuf_addc(output, type);
    size_t begin = output->length;
    rdb_strbuf_add(output, "\0\0\0\0", 4);
    return begin;
}

void wire_message_end(rdb_strbuf *output, size_t begin)
{
    if (output->failed)
        return;
    uint32_t length = htonl((uint32_t)(output->length - begin));
    memcpy(output->data + begin, &length, sizeof length);
}

void wire_put_u16(rdb_strbuf *output, uint16_t value)
{
    uint16_t network = htons(value);
    rdb_strbuf_add(output, &network, sizeof network);
}

void wire_put_u32(rdb_strbuf *output, uint32_t value)
{
    uint32_t network = htonl(value);
    rdb_strbuf_add(output, &network, sizeof network);
}

void wire_put_text(rdb_strbuf *output, const char *text)
{
    rdb_strbuf_add(output, text, strlen(text) + 1);
}

static void put_field(rdb_strbuf *output, char code, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    rdb_strbuf_addc(output, code);
    wire_put_text(output, text);
}

static void put_report(rdb_strbuf *output, char type, const rdb_error *err, const char *severity)
{
    char number[16];
    size_t begin = wire_message_begin(output, type);
    put_field(output, 'S', severity);
    put_field(output, 'V', severity);
    put_field(output, 'C', err->sqlstate);
    rdb_strbuf_addc(output, 'M'); /* always there, even when empty */
    wire_put_text(output, rdb_error_message(err));
    put_field(output, 'D', rdb_error_detail_text(err));
    put_field(output, 'H', err->hint);
    if (err->position > 0) {
        snprintf(number, sizeof number, "%d", err->position);
        put_field(output, 'P', number);
    }
    if (err->internal_position > 0) {
        snprintf(number, sizeof number, "%d", err->internal_position);
        put_field(output, 'p', number);
    }
    put_field(output, 'q', err->internal_query);
    put_field(output, 'W', err->context);
    put_field(output, 's', err->names[RDB_ERROR_SCHEMA]);
    put_field(output, 't', err->names[RDB_ERROR_TABLE]);
    put_field(output, 'c', err->names[RDB_ERROR_COLUMN]);
    put_field(output, 'd', err->names[RDB_ERROR_DATATYPE]);
    put_field(output, 'n', err->names[RDB_ERROR_CONSTRAINT]);
    rdb_strbuf_addc(output, '\0');
    wire_message_end(output, begin);
}

void wire_put_error(rdb_strbuf *output, const rdb_error *err, const char *severity)
{
    put_report(output, 'E', err, severity);
}

void wire_put_notice(rdb_strbuf *output, const rdb_error *notice, const char *severity)
{
    put_report(output, 'N', notice, severity);
}

void wire_put_ready(rdb_strbuf *output, char status)
{
    size_t begin = wire_message_begin(output, 'Z');
    rdb_strbuf_addc(output, status);
    wire_message_end(output, begin);
}

void wire_put_parameter_status(rdb_strbuf *output, const char *name, const char *value)
{
    size_t begin = wire_message_begin(output, 'S');
    wire_put_text(output, name);
    wire_put_text(output, value);
    wire_message_end(output, begin);
}
