/* SPDX-License-Identifier: Apache-2.0
 * See rdb_slow_log.h. */
#include "observe/rdb_slow_log.h"

#include "os/rdb_time.h"

#include <time.h>

static void add_time(int64_t wall_us, rdb_strbuf *line)
{
    const int64_t unix_us = wall_us - RDB_UNIX_EPOCH_US;
    const time_t seconds = (time_t)(unix_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    rdb_strbuf_addf(line, "%04d-%02d-%02dT%02d:%02d:%02d.%06lldZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                    (long long)(unix_us % 1000000));
}

static void add_field(rdb_strbuf *line, const char *name, const char *text, size_t length)
{
    rdb_strbuf_addf(line, ",\"%s\":", name);
    rdb_strbuf_add_json(line, text, length);
}

static void add_lines(rdb_strbuf *line, const char *text, size_t length)
{
    rdb_strbuf_addc(line, '\t');
    for (size_t i = 0; i < length; i++) {
        rdb_strbuf_addc(line, text[i]);
        if (text[i] == '\n' && i + 1 < length)
            rdb_strbuf_addc(line, '\t');
    }
    if (length == 0 || text[length - 1] != '\n')
        rdb_strbuf_addc(line, '\n');
}

void rdb_slow_query_write(const rdb_slow_query *query, bool as_json, rdb_strbuf *line)
{
    if (!as_json) {
        add_time(query->wall_us, line);
        rdb_strbuf_addf(line, " pid=%u user=%s db=%s app=%s client=%s query_id=%lld rows=%llu hit=%llu read=%llu temp_bytes=%llu%s duration: %.3f ms  statement:\n", query->pid,
                        query->user, query->database, query->application, query->client, (long long)query->query_id, (unsigned long long)query->rows,
                        (unsigned long long)query->blocks_hit, (unsigned long long)query->blocks_read, (unsigned long long)query->temp_bytes, query->failed ? " failed" : "",
                        query->duration_ms);
        add_lines(line, query->text, query->text_length);
        if (query->plan != NULL)
            add_lines(line, query->plan, strlen(query->plan));
        return;
    }
    rdb_strbuf_adds(line, "{\"time\":\"");
    add_time(query->wall_us, line);
    rdb_strbuf_addf(line, "\",\"duration_ms\":%.3f,\"pid\":%u", query->duration_ms, query->pid);
    add_field(line, "user", query->user, strlen(query->user));
    add_field(line, "database", query->database, strlen(query->database));
    add_field(line, "application", query->application, strlen(query->application));
    add_field(line, "client", query->client, strlen(query->client));
    rdb_strbuf_addf(line, ",\"query_id\":%lld,\"rows\":%llu,\"blocks_hit\":%llu,\"blocks_read\":%llu,\"temp_bytes\":%llu,\"failed\":%s", (long long)query->query_id,
                    (unsigned long long)query->rows, (unsigned long long)query->blocks_hit, (unsigned long long)query->blocks_read, (unsigned long long)query->temp_bytes,
                    query->failed ? "true" : "false");
    add_field(line, "query", query->text, query->text_length);
    if (query->plan != NULL)
        add_field(line, "plan", query->plan, strlen(query->plan));
    rdb_strbuf_adds(line, "}\n");
}
