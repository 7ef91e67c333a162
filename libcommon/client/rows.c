/* SPDX-License-Identifier: Apache-2.0
 * Queries whose rows are few, taken whole. */
#include "client/rdb_client.h"

#include <stdio.h>

typedef struct collection {
    rdb_arena *arena;
    rdb_list *rows;
} collection;

static bool take_row(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err)
{
    collection *into = at;
    const char **row = RDB_NEW_ARRAY(into->arena, const char *, column_count + 1);
    for (uint32_t i = 0; i < column_count; i++)
        row[i] = values[i].length >= 0 ? rdb_arena_strndup(into->arena, values[i].text, (size_t)values[i].length) : NULL;
    rdb_list_push(into->arena, into->rows, (void *)row);
    return rdb_arena_check(into->arena, err);
}

static void tell_notice(const rdb_client_notice *notice)
{
    fprintf(stderr, "%s: %s\n", notice->severity, notice->message);
    if (notice->detail[0] != '\0')
        fprintf(stderr, "  %s\n", notice->detail);
}

static const rdb_client_sink COLLECTING = {.take_row = take_row, .take_notice = tell_notice};
const rdb_client_sink RDB_CLIENT_SILENT = {.take_notice = tell_notice};

bool rdb_client_rows(rdb_client *client, const char *sql, rdb_arena *arena, rdb_list *rows, rdb_error *err)
{
    collection into = {arena, rows};
    return rdb_client_query(client, sql, &COLLECTING, &into, err);
}

void rdb_client_add_literal(rdb_strbuf *sql, const char *text)
{
    const bool has_backslash = strchr(text, '\\') != NULL;
    rdb_strbuf_adds(sql, has_backslash ? " E'" : "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            rdb_strbuf_addc(sql, *text);
        rdb_strbuf_addc(sql, *text);
    }
    rdb_strbuf_addc(sql, '\'');
}
