/* SPDX-License-Identifier: Apache-2.0
 * What the files about texts share. */
#ifndef RDB_TYPE_TEXT_INT_H
#define RDB_TYPE_TEXT_INT_H

#include "type/type_int.h"

/* The bytes of the first `characters` characters, or all. */
size_t type_utf8_prefix(const uint8_t *bytes, size_t length, size_t characters);
/* The bytes of a name that fit into 63, whole characters only. */
size_t type_name_clip(const uint8_t *bytes, size_t length);
/* The character at `at` and its bytes; at < end. */
uint32_t type_utf8_decode(const uint8_t *at, const uint8_t *end, uint32_t *length);
void type_utf8_encode(rdb_strbuf *text, uint32_t c);
/* By Unicode's rules; under the call's collation. */
bool type_text_lower_in(rdb_call *call, rdb_bytes source, rdb_datum *r);
bool type_text_lower(rdb_call *call, rdb_bytes source, rdb_datum *r);

#endif
