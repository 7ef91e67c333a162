/* SPDX-License-Identifier: Apache-2.0
 * The tables of facts. Names of tables and columns are this room's own; values are always bound, never pasted. */
#include "diag/rdb_diag.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct rdb_facts {
    sqlite3 *database;
};

static bool refuse(rdb_facts *facts, rdb_error *err)
{
    const char *why = sqlite3_errmsg(facts->database);
    if (strncmp(why, "no such table", 13) == 0)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "%s", why);
    return rdb_error_set(err, sqlite3_errcode(facts->database) == SQLITE_NOMEM ? RDB_OUT_OF_MEMORY : RDB_INTERNAL_ERROR, "facts: %s", why);
}

bool rdb_facts_create(rdb_facts **facts, rdb_error *err)
{
    rdb_facts *made = *facts = calloc(1, sizeof *made);
    if (made == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (sqlite3_open(":memory:", &made->database) == SQLITE_OK && rdb_facts_run(made, "create table fact_column (fact_table text, name text, class int, number int)", err) &&
        rdb_facts_table(made, "item", "topic database:n state detail:t elapsed_us", err))
        return true;
    if (!rdb_error_is_set(err))
        refuse(made, err);
    rdb_facts_close(facts);
    return false;
}

void rdb_facts_close(rdb_facts **facts)
{
    if (*facts == NULL)
        return;
    sqlite3_close((*facts)->database);
    free(*facts);
    *facts = NULL;
}

bool rdb_facts_run(rdb_facts *facts, const char *sql, rdb_error *err)
{
    return sqlite3_exec(facts->database, sql, NULL, NULL, NULL) == SQLITE_OK || refuse(facts, err);
}

/* The next "name[:class]" of a list. */
static bool next_column(const char **at, char name[64], rdb_fact_class *class)
{
    size_t length = 0;
    while (**at == ' ')
        (*at)++;
    for (; **at != '\0' && **at != ' ' && **at != ':'; (*at)++)
        if (length < 63)
            name[length++] = **at;
    name[length] = '\0';
    *class = RDB_FACT_PLAIN;
    if (**at == ':') {
        *class = (*at)[1] == 't' ? RDB_FACT_TEXT : RDB_FACT_NAME;
        *at += 2;
    }
    return length > 0;
}

bool rdb_facts_table(rdb_facts *facts, const char *table, const char *columns, rdb_error *err)
{
    rdb_strbuf sql, classes;
    char name[64];
    rdb_fact_class class;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_init(&classes, NULL);
    rdb_strbuf_addf(&sql, "create table if not exists %s (", table);
    rdb_strbuf_addf(&classes, "delete from fact_column where fact_table = '%s';", table);
    for (unsigned i = 0; next_column(&columns, name, &class); i++) {
        rdb_strbuf_addf(&sql, "%s\"%s\" %s", i > 0 ? ", " : "", name, class == RDB_FACT_PLAIN ? "numeric" : "text");
        rdb_strbuf_addf(&classes, "insert into fact_column values ('%s', '%s', %d, %u);", table, name, class, i);
    }
    rdb_strbuf_adds(&sql, ")");
    const bool ok = rdb_strbuf_check(&sql, err) && rdb_strbuf_check(&classes, err) && rdb_facts_run(facts, sql.data, err) && rdb_facts_run(facts, classes.data, err);
    rdb_strbuf_free(&sql);
    rdb_strbuf_free(&classes);
    return ok;
}

bool rdb_facts_add(rdb_facts *facts, const char *table, const char *const *values, uint32_t count, rdb_error *err)
{
    sqlite3_stmt *statement = NULL;
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, NULL);
    rdb_strbuf_addf(&sql, "insert into %s values (", table);
    for (uint32_t i = 0; i < count; i++)
        rdb_strbuf_adds(&sql, i > 0 ? ", ?" : "?");
    rdb_strbuf_adds(&sql, ")");
    bool ok = rdb_strbuf_check(&sql, err);
    if (ok && sqlite3_prepare_v2(facts->database, sql.data, -1, &statement, NULL) != SQLITE_OK)
        ok = refuse(facts, err);
    for (uint32_t i = 0; ok && i < count; i++)
        if (values[i] != NULL)
            sqlite3_bind_text(statement, (int)i + 1, values[i], -1, SQLITE_STATIC);
    if (ok && sqlite3_step(statement) != SQLITE_DONE)
        ok = refuse(facts, err);
    sqlite3_finalize(statement);
    rdb_strbuf_free(&sql);
    return ok;
}

bool rdb_facts_add_number(rdb_facts *facts, const char *table, const char *name, int64_t value, rdb_error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    return rdb_facts_add(facts, table, (const char *[]){name, text}, 2, err);
}

bool rdb_facts_query(rdb_facts *facts, const char *sql, rdb_arena *arena, rdb_list *rows, rdb_error *err)
{
    sqlite3_stmt *statement = NULL;
    int result;
    if (sqlite3_prepare_v2(facts->database, sql, -1, &statement, NULL) != SQLITE_OK)
        return refuse(facts, err);
    const int count = sqlite3_column_count(statement);
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        const char **row = RDB_NEW_ARRAY(arena, const char *, count + 1);
        for (int i = 0; i < count; i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            row[i] = text != NULL ? rdb_arena_strdup(arena, text) : NULL;
        }
        rdb_list_push(arena, rows, (void *)row);
    }
    const bool ok = result == SQLITE_DONE || refuse(facts, err);
    sqlite3_finalize(statement);
    return ok && rdb_arena_check(arena, err);
}

bool rdb_facts_tables(rdb_facts *facts, rdb_arena *arena, rdb_list *names, rdb_error *err)
{
    rdb_list rows = {0};
    if (!rdb_facts_query(facts, "select distinct fact_table from fact_column order by 1", arena, &rows, err))
        return false;
    for (uint32_t i = 0; i < rows.count; i++)
        rdb_list_push(arena, names, (void *)(uintptr_t)((const char *const *)rows.items[i])[0]);
    return rdb_arena_check(arena, err);
}

bool rdb_facts_columns(rdb_facts *facts, const char *table, rdb_arena *arena, rdb_list *columns, rdb_error *err)
{
    rdb_list rows = {0};
    const char *sql = rdb_arena_printf(arena, "select name, class from fact_column where fact_table = '%s' order by number", table);
    if (!rdb_facts_query(facts, sql, arena, &rows, err))
        return false;
    for (uint32_t i = 0; i < rows.count; i++) {
        const char *const *row = rows.items[i];
        rdb_fact_column *column = RDB_NEW(arena, rdb_fact_column);
        *column = (rdb_fact_column){row[0], (rdb_fact_class)atoi(row[1])};
        rdb_list_push(arena, columns, column);
    }
    return rdb_arena_check(arena, err);
}
