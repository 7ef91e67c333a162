/* SPDX-License-Identifier: Apache-2.0
 * Batches: what travels in the WAL. Their JSON is made where the event happens, so deriving a line is copying. */
#include "audit_int.h"

#include <strings.h>

const char *const RDB_AUDIT_CLASSES[] = {"", "session", "read", "write", "function", "role", "ddl", "misc", "config", "policy", "tool"};
_Static_assert(RDB_COUNT_OF(RDB_AUDIT_CLASSES) == RDB_AUDIT_CLASS_COUNT, "a class has no name");

enum { BATCH_VERSION = 2 };

void rdb_audit_batch_begin(rdb_strbuf *batch, const char *session_members, size_t length)
{
    uint8_t header[RDB_AUDIT_BATCH_HEADER_BYTES] = {BATCH_VERSION};
    rdb_put_u32(header + 4, (uint32_t)length);
    rdb_strbuf_add(batch, header, sizeof header);
    rdb_strbuf_add(batch, session_members, length);
}

size_t rdb_audit_batch_add(rdb_strbuf *batch, const rdb_audit_event *event)
{
    uint8_t header[RDB_AUDIT_EVENT_HEADER_BYTES] = {0};
    const size_t at = batch->length;
    rdb_put_u32(header, (uint32_t)(sizeof header + event->members.length));
    header[4] = (uint8_t)event->class;
    header[5] = (uint8_t)event->flags;
    rdb_put_u64(header + 8, (uint64_t)event->wall_us);
    rdb_put_u64(header + 16, event->rows);
    rdb_strbuf_add(batch, header, sizeof header);
    rdb_strbuf_add(batch, event->members.data, event->members.length);
    return at;
}

void rdb_audit_batch_set_flags(rdb_strbuf *batch, size_t at, unsigned flags)
{
    while (!batch->failed && at + RDB_AUDIT_EVENT_HEADER_BYTES <= batch->length) {
        batch->data[at + 5] |= (char)flags;
        at += rdb_get_u32(batch->data + at);
    }
}

bool rdb_audit_batch_next(const uint8_t *batch, uint32_t length, uint32_t *at, rdb_slice *session, rdb_audit_event *event, bool *bad)
{
    *bad = false;
    if (length < RDB_AUDIT_BATCH_HEADER_BYTES || batch[0] == 0 || batch[0] > BATCH_VERSION || rdb_get_u32(batch + 4) > length - RDB_AUDIT_BATCH_HEADER_BYTES) {
        *bad = true;
        return false;
    }
    *session = (rdb_slice){batch + RDB_AUDIT_BATCH_HEADER_BYTES, rdb_get_u32(batch + 4)};
    if (*at == 0)
        *at = RDB_AUDIT_BATCH_HEADER_BYTES + (uint32_t)session->length;
    if (*at == length)
        return false;
    const uint8_t *header = batch + *at;
    uint32_t bytes = length - *at >= RDB_AUDIT_EVENT_HEADER_BYTES ? rdb_get_u32(header) : 0;
    if (bytes < RDB_AUDIT_EVENT_HEADER_BYTES || bytes > length - *at || header[4] == 0 || header[4] >= RDB_AUDIT_CLASS_COUNT) {
        *bad = true;
        return false;
    }
    *event = (rdb_audit_event){.class = header[4],
                               .flags = header[5],
                               .wall_us = (int64_t)rdb_get_u64(header + 8),
                               .rows = rdb_get_u64(header + 16),
                               .members = {header + RDB_AUDIT_EVENT_HEADER_BYTES, bytes - RDB_AUDIT_EVENT_HEADER_BYTES}};
    *at += bytes;
    return true;
}

void rdb_audit_add_member(rdb_strbuf *members, const char *key, const char *text, size_t length)
{
    rdb_strbuf_add(members, ",\"", 2);
    rdb_strbuf_adds(members, key);
    rdb_strbuf_add(members, "\":", 2);
    rdb_strbuf_add_json(members, text, length);
}

bool rdb_audit_read_class(const char *word, uint32_t *classes)
{
    static const uint32_t all = RDB_AUDIT_BIT(RDB_AUDIT_READ) | RDB_AUDIT_BIT(RDB_AUDIT_WRITE) | RDB_AUDIT_BIT(RDB_AUDIT_FUNCTION) | RDB_AUDIT_BIT(RDB_AUDIT_ROLE) |
                                RDB_AUDIT_BIT(RDB_AUDIT_DDL) | RDB_AUDIT_BIT(RDB_AUDIT_MISC) | RDB_AUDIT_BIT(RDB_AUDIT_CONFIG);
    const bool removes = word[0] == '-';
    uint32_t bits = 0;
    word += removes;
    if (strcasecmp(word, "all") == 0)
        bits = all;
    else if (strcasecmp(word, "dml") == 0)
        bits = RDB_AUDIT_BIT(RDB_AUDIT_WRITE);
    else if (strcasecmp(word, "dcl") == 0)
        bits = RDB_AUDIT_BIT(RDB_AUDIT_ROLE);
    for (int class = RDB_AUDIT_READ; class < RDB_AUDIT_CLASS_COUNT; class++)
        if ((all & RDB_AUDIT_BIT(class)) != 0 && strcasecmp(word, RDB_AUDIT_CLASSES[class]) == 0)
            bits = RDB_AUDIT_BIT(class);
    if (bits == 0 && strcasecmp(word, "none") != 0)
        return false;
    *classes = removes ? *classes & ~bits : *classes | bits;
    return true;
}
