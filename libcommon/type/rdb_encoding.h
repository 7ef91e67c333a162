/* SPDX-License-Identifier: Apache-2.0
 * Character encodings of clients and of bytea, under PostgreSQL's numbers and names; the server itself keeps UTF-8. What has
 * no counterpart is 22P05, what is no character of its encoding 22021. */
#ifndef RDB_ENCODING_H
#define RDB_ENCODING_H

#include "type/rdb_type.h"

enum { RDB_ENCODING_SQL_ASCII = 0, RDB_ENCODING_UTF8 = 6, RDB_ENCODING_COUNT = 42 };

const char *rdb_encoding_name(int encoding);  /* NULL: there is none */
int rdb_encoding_find(const char *name);      /* case and signs do not count; -1: there is none */
uint32_t rdb_encoding_max_length(int encoding);
bool rdb_encoding_converts(int encoding);     /* is there a conversion to and from UTF-8? */
/* Is there a conversion between the two, by pg_conversion? Some pairs have one without UTF-8 being among them. */
bool rdb_encoding_converts_between(int source, int target);

/* Append. Whole texts: a character that is cut off at the end is an error. */
RDB_CHECKED bool rdb_encoding_to_utf8(int source, rdb_slice bytes, rdb_strbuf *text, rdb_error *err);
RDB_CHECKED bool rdb_encoding_from_utf8(int target, rdb_slice text, rdb_strbuf *bytes, rdb_error *err);
/* For messages that must reach the client: what has no counterpart becomes a question mark. */
void rdb_encoding_from_utf8_anyway(int target, rdb_slice text, rdb_strbuf *bytes);
/* Are they text of that encoding? How many characters (NULL: do not tell)? */
RDB_CHECKED bool rdb_encoding_verify(int encoding, rdb_slice bytes, size_t *characters, rdb_error *err);
/* The bytes at the front that are whole characters; the rest waits for what follows. */
size_t rdb_encoding_whole(int encoding, rdb_slice bytes);
/* 22021 for the character that begins there. */
bool rdb_encoding_refuse(int encoding, const uint8_t *at, size_t length, rdb_error *err);

#endif
