/* SPDX-License-Identifier: Apache-2.0
 * Batches: what travels in the WAL. Their JSON is made where the event happens, so deriving a line is copying. */
#include "audit_int.h"

#include <strings.h>

const char *const RDB_AUDIT_CLASSES[] = {"", "session", "read", "write", "function", "role", "ddl", "misc", "config", "policy", "tool"};
_Static_assert(RDB_COUNT_OF(RDB_AUDIT_CLASSES) == RDB_AUDIT_CLASS_COUNT, "a class has no name");

enum { BATCH_VERSION = 3, BATCH_SESSION_REFERS = 1, EVENT_REFERS = 128, REFERENCE_BYTES = 8 };

void rdb_audit_batch_begin(rdb_strbuf *batch, const char *session_members, size_t length)
{
    uint8_t header[RDB_AUDIT_BATCH_HEADER_BYTES] = {BATCH_VERSION};
    rdb_put_u32(header + 4, (uint32_t)length);
    rdb_strbuf_add(batch, header, sizeof header);
    rdb_strbuf_add(batch, session_members, length);
}

void rdb_audit_batch_begin_referring(rdb_strbuf *batch, uint64_t session_text_lsn)
{
    uint8_t bytes[RDB_AUDIT_BATCH_HEADER_BYTES + REFERENCE_BYTES] = {BATCH_VERSION, BATCH_SESSION_REFERS};
    rdb_put_u32(bytes + 4, REFERENCE_BYTES);
    rdb_put_u64(bytes + RDB_AUDIT_BATCH_HEADER_BYTES, session_text_lsn);
    rdb_strbuf_add(batch, bytes, sizeof bytes);
}

size_t rdb_audit_batch_first(const rdb_strbuf *batch)
{
    return RDB_AUDIT_BATCH_HEADER_BYTES + rdb_get_u32(batch->data + 4);
}

size_t rdb_audit_batch_add(rdb_strbuf *batch, const rdb_audit_event *event)
{
    uint8_t header[RDB_AUDIT_EVENT_HEADER_BYTES + REFERENCE_BYTES] = {0};
    const size_t at = batch->length, header_bytes = event->text_lsn != 0 ? sizeof header : RDB_AUDIT_EVENT_HEADER_BYTES;
    rdb_put_u32(header, (uint32_t)(header_bytes + event->members.length));
    header[4] = (uint8_t)event->class;
    header[5] = (uint8_t)(event->flags | (event->text_lsn != 0 ? EVENT_REFERS : 0));
    rdb_put_u64(header + 8, (uint64_t)event->wall_us);
    rdb_put_u64(header + 16, event->rows);
    rdb_put_u64(header + RDB_AUDIT_EVENT_HEADER_BYTES, event->text_lsn);
    rdb_strbuf_add(batch, header, header_bytes);
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

bool rdb_audit_batch_next(const uint8_t *batch, uint32_t length, uint32_t *at, rdb_audit_part *session, rdb_audit_event *event, bool *bad)
{
    *bad = false;
    if (length < RDB_AUDIT_BATCH_HEADER_BYTES || batch[0] == 0 || batch[0] > BATCH_VERSION || rdb_get_u32(batch + 4) > length - RDB_AUDIT_BATCH_HEADER_BYTES) {
        *bad = true;
        return false;
    }
    const uint32_t session_bytes = rdb_get_u32(batch + 4);
    if ((batch[1] & BATCH_SESSION_REFERS) == 0) {
        *session = (rdb_audit_part){.members = {batch + RDB_AUDIT_BATCH_HEADER_BYTES, session_bytes}};
    } else if (session_bytes == REFERENCE_BYTES) {
        *session = (rdb_audit_part){.text_lsn = rdb_get_u64(batch + RDB_AUDIT_BATCH_HEADER_BYTES)};
    } else {
        *bad = true;
        return false;
    }
    if (*at == 0)
        *at = RDB_AUDIT_BATCH_HEADER_BYTES + session_bytes;
    if (*at == length)
        return false;
    const uint8_t *header = batch + *at;
    uint32_t bytes = length - *at >= RDB_AUDIT_EVENT_HEADER_BYTES ? rdb_get_u32(header) : 0;
    const uint32_t header_bytes = RDB_AUDIT_EVENT_HEADER_BYTES + (bytes > 0 && (header[5] & EVENT_REFERS) != 0 ? REFERENCE_BYTES : 0);
    if (bytes < header_bytes || bytes > length - *at || header[4] == 0 || header[4] >= RDB_AUDIT_CLASS_COUNT) {
        *bad = true;
        return false;
    }
    *event = (rdb_audit_event){.class = header[4],
                               .flags = header[5] & ~(unsigned)EVENT_REFERS,
                               .wall_us = (int64_t)rdb_get_u64(header + 8),
                               .rows = rdb_get_u64(header + 16),
                               .text_lsn = header_bytes > RDB_AUDIT_EVENT_HEADER_BYTES ? rdb_get_u64(header + RDB_AUDIT_EVENT_HEADER_BYTES) : 0,
                               .members = {header + header_bytes, bytes - header_bytes}};
    *at += bytes;
    return true;
}

static uint64_t older_text(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

uint64_t rdb_audit_batch_oldest_text(const void *batch, uint32_t length)
{
    rdb_audit_part session = {0};
    rdb_audit_event event;
    uint64_t oldest = 0;
    uint32_t at = 0;
    bool bad = false;
    while (rdb_audit_batch_next(batch, length, &at, &session, &event, &bad))
        oldest = older_text(oldest, event.text_lsn);
    return older_text(oldest, session.text_lsn);
}

bool rdb_audit_batch_expand(const void *batch, uint32_t length, rdb_audit_text_of text_of, void *context, rdb_strbuf *whole, rdb_error *err)
{
    rdb_audit_part session = {0};
    rdb_audit_event event;
    rdb_strbuf members;
    uint32_t at = 0;
    bool bad = false, ok = true, has_begun = false;
    rdb_strbuf_init(&members, NULL);
    while (ok && rdb_audit_batch_next(batch, length, &at, &session, &event, &bad)) {
        rdb_slice text = {0};
        if (!has_begun) {
            ok = session.text_lsn == 0 || text_of(context, session.text_lsn, &session.members, err);
            if (ok)
                rdb_audit_batch_begin(whole, (const char *)session.members.data, session.members.length);
            has_begun = true;
        }
        ok = ok && (event.text_lsn == 0 || text_of(context, event.text_lsn, &text, err));
        if (!ok)
            break;
        rdb_strbuf_clear(&members);
        rdb_strbuf_add(&members, text.data, text.length);
        rdb_strbuf_add(&members, event.members.data, event.members.length);
        event.text_lsn = 0;
        event.members = (rdb_slice){(const uint8_t *)members.data, members.length};
        rdb_audit_batch_add(whole, &event);
    }
    if (ok && bad)
        ok = rdb_error_set(err, RDB_DATA_CORRUPTED, "a batch of audit records is malformed");
    ok = ok && rdb_strbuf_check(&members, err) && rdb_strbuf_check(whole, err);
    rdb_strbuf_free(&members);
    return ok;
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
