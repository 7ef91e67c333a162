/* SPDX-License-Identifier: Apache-2.0
 * One table out of a backup into a running instance: the backup is restored beside the instance, served for ourselves alone, and the
 * table copied from there with its constraints and indexes. The instance sees one transaction. */
#include "options.h"

#include "restore.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct table_copy {
    restore_work *work;
    PGconn *from, *to;
    char *source, *target;   /* quoted, with their schemas */
    const char *columns;     /* for COPY and CREATE TABLE */
    const char *definitions;
    uint64_t rows;
} table_copy;

/* [database.][schema.]table; names are taken as they stand. */
static bool split_name(restore_work *work, const char *text, bool has_database, const char **database, const char **schema, const char **table)
{
    char *parts[3] = {NULL}, *copy = rdb_arena_strdup(work->arena, text);
    int count = 0;
    for (char *at = copy; at != NULL && count < 3; count++) {
        parts[count] = at;
        at = strchr(at, '.');
        if (at != NULL)
            *at++ = '\0';
        if (at != NULL && count == 2)
            count = 3;
    }
    for (int i = 0; i < count; i++)
        if (parts[i] == NULL || parts[i][0] == '\0')
            count = 9;
    if (count > (has_database ? 3 : 2)) {
        rdb_error_set(&work->err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no name of a table", text);
        return rdb_error_hint(&work->err, has_database ? "Write TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE." : "Write TABLE or SCHEMA.TABLE.");
    }
    *table = parts[count - 1];
    *schema = count >= 2 ? parts[count - 2] : NULL;
    if (database != NULL)
        *database = count == 3 ? parts[0] : "rustydb";
    return true;
}

static char *quote(table_copy *t, PGconn *connection, const char *schema, const char *table)
{
    char *first = PQescapeIdentifier(connection, schema, strlen(schema)), *second = PQescapeIdentifier(connection, table, strlen(table));
    char *whole = first != NULL && second != NULL ? rdb_arena_printf(t->work->arena, "%s.%s", first, second) : rdb_arena_strdup(t->work->arena, "");
    PQfreemem(first);
    PQfreemem(second);
    return whole;
}

/* One value of one row, "" where there is none. */
static bool ask(table_copy *t, PGconn *connection, const char *sql, const char *parameter, const char **value)
{
    const char *parameters[1] = {parameter};
    PGresult *result = PQexecParams(connection, sql, 1, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return rdb_server_failed(connection, result, "the table cannot be looked at", &t->work->err);
    *value = PQntuples(result) > 0 ? rdb_arena_strdup(t->work->arena, PQgetvalue(result, 0, 0)) : "";
    PQclear(result);
    return true;
}

static bool describe(table_copy *t)
{
    const char *kind;
    if (!ask(t, t->from, "select relkind from pg_class where oid = to_regclass($1)", t->source, &kind))
        return false;
    if (kind[0] != 'r' && kind[0] != 'p' && kind[0] != 'm')
        return rdb_error_set(&t->work->err, RDB_UNDEFINED_TABLE, "there is no table %s in the backup", t->source);
    return ask(t, t->from,
               "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''",
               t->source, &t->columns) &&
           ask(t, t->from,
               "select string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod) "
               "|| case when attcollation <> 0 and attcollation <> typcollation then ' collate ' || (select quote_ident(nspname) || '.' || quote_ident(collname) "
               "from pg_collation c join pg_namespace n on n.oid = collnamespace where c.oid = attcollation) else '' end "
               "|| case when attgenerated = 's' then ' generated always as (' || pg_get_expr(adbin, adrelid) || ') stored' else '' end "
               "|| case when attnotnull then ' not null' else '' end, ', ' order by attnum) "
               "from pg_attribute a join pg_type ty on ty.oid = atttypid left join pg_attrdef d on adrelid = attrelid and adnum = attnum "
               "where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
               t->source, &t->definitions);
}

static bool copy_rows(table_copy *t)
{
    const char *out = rdb_arena_printf(t->work->arena, "copy (select %s from %s) to stdout", t->columns, t->source);
    const char *in = rdb_arena_printf(t->work->arena, "copy %s (%s) from stdin", t->target, t->columns);
    PGresult *result = PQexec(t->from, out);
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        return rdb_server_failed(t->from, result, "the table cannot be read from the backup", &t->work->err);
    PQclear(result);
    result = PQexec(t->to, in);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        return rdb_server_failed(t->to, result, "the table cannot be written", &t->work->err);
    PQclear(result);
    char *line;
    int length;
    bool ok = true;
    while ((length = PQgetCopyData(t->from, &line, 0)) > 0) {
        ok = ok && PQputCopyData(t->to, line, length) == 1;
        t->rows++;
        PQfreemem(line);
    }
    result = PQgetResult(t->from);
    ok = ok && length == -1 && PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    int ended = PQputCopyEnd(t->to, ok ? NULL : "the backup could not be read");
    result = PQgetResult(t->to);
    if (ended != 1 || PQresultStatus(result) != PGRES_COMMAND_OK)
        return rdb_server_failed(t->to, result, "the table cannot be written", &t->work->err);
    PQclear(result);
    while ((result = PQgetResult(t->to)) != NULL)
        PQclear(result);
    while ((result = PQgetResult(t->from)) != NULL)
        PQclear(result);
    return true;
}

/* What belongs to the table and may not fit here (a sequence that is gone, a table it refers to) is tried and told. */
static bool add_extras(table_copy *t)
{
    static const char *const QUERIES[] = {
        "select 'alter table %T alter ' || quote_ident(attname) || ' set default ' || pg_get_expr(adbin, adrelid) from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum "
        "where adrelid = to_regclass($1) and attgenerated = '' order by attnum",
        "select 'alter table %T add ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = to_regclass($1) and contype in ('p', 'u', 'c', 'x') order by contype <> 'p', conname",
        "select 'create ' || case when indisunique then 'unique ' else '' end || 'index on %T ' || substr(pg_get_indexdef(indexrelid), strpos(pg_get_indexdef(indexrelid), ' USING ') + 1) from pg_index "
        "where indrelid = to_regclass($1) and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x')) order by indexrelid",
        "select 'alter table %T add ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = to_regclass($1) and contype = 'f' order by conname",
        "select 'comment on table %T is ' || quote_literal(obj_description(to_regclass($1), 'pg_class')) where obj_description(to_regclass($1), 'pg_class') is not null",
    };
    const char *parameters[1] = {t->source};
    for (size_t i = 0; i < RDB_COUNT_OF(QUERIES); i++) {
        PGresult *result = PQexecParams(t->from, QUERIES[i], 1, NULL, parameters, NULL, NULL, 0);
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            return rdb_server_failed(t->from, result, "the table cannot be looked at", &t->work->err);
        for (int row = 0; row < PQntuples(result); row++) {
            const char *text = PQgetvalue(result, row, 0), *mark = strstr(text, "%T");
            char *statement = rdb_arena_printf(t->work->arena, "%.*s%s%s", (int)(mark - text), text, t->target, mark + 2);
            rdb_error mine = {0};
            if (!rdb_server_run(t->to, "savepoint extra", "", &t->work->err))
                break;
            if (!rdb_server_run(t->to, statement, "", &mine)) {
                fprintf(stderr, "%s: left out: %s\n  %s\n", t->work->program->name, statement, rdb_error_detail_text(&mine));
                if (!rdb_server_run(t->to, "rollback to extra", "the table cannot be written", &t->work->err))
                    break;
            }
            rdb_error_clear(&mine);
        }
        PQclear(result);
        if (rdb_error_is_set(&t->work->err))
            return false;
    }
    return true;
}

/* Sequences that went with the table come back with it; one that is still there is the living table's. */
static bool add_sequences(table_copy *t)
{
    static const char query[] = "select quote_ident(n.nspname) || '.' || quote_ident(s.relname), quote_ident(attname), pg_sequence_last_value(s.oid) from pg_depend d join pg_class s on s.oid = objid and "
                                "relkind = 'S' join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = refobjid and attnum = refobjsubid where classid = 'pg_class'::regclass and "
                                "refobjid = to_regclass($1) and deptype = 'a'";
    const char *parameters[1] = {t->source};
    PGresult *result = PQexecParams(t->from, query, 1, NULL, parameters, NULL, NULL, 0);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!ok)
        return rdb_server_failed(t->from, result, "the table's sequences cannot be looked at", &t->work->err);
    for (int row = 0; ok && row < PQntuples(result); row++) {
        const char *sequence = PQgetvalue(result, row, 0), *there;
        ok = ask(t, t->to, "select to_regclass($1)", sequence, &there);
        if (!ok || there[0] != '\0')
            continue;
        const char *make = rdb_arena_printf(t->work->arena, "create sequence %s owned by %s.%s", sequence, t->target, PQgetvalue(result, row, 1));
        const char *set = rdb_arena_printf(t->work->arena, "select setval('%s', %s)", sequence, PQgetvalue(result, row, 2));
        ok = rdb_server_run(t->to, make, "the table's sequence cannot be made", &t->work->err) &&
             (PQgetisnull(result, row, 2) || rdb_server_run(t->to, set, "the table's sequence cannot be set", &t->work->err));
    }
    PQclear(result);
    return ok;
}

static bool copy_table(table_copy *t)
{
    rdb_error *err = &t->work->err;
    if (!describe(t) || !rdb_server_run(t->to, "begin", "the table cannot be written", err))
        return false;
    const char *create = rdb_arena_printf(t->work->arena, "create table %s (%s)", t->target, t->definitions);
    if (!rdb_server_run(t->to, create, "the table cannot be made", err)) {
        if (rdb_error_is(err, "42P07"))
            rdb_error_hint(err, "Restore it beside the one that is there with --as NAME.");
        return false;
    }
    return copy_rows(t) && add_sequences(t) && add_extras(t) && rdb_server_run(t->to, "commit", "the table cannot be written", err);
}

int command_table(restore_work *work)
{
    const restore_arguments *a = work->arguments;
    const char *database, *schema, *table, *as_schema = NULL, *as_table = NULL;
    table_copy t = {.work = work};
    scratch_copy copy = {.manifest = NULL};
    bool ok = split_name(work, a->table, true, &database, &schema, &table) && (a->as == NULL || split_name(work, a->as, false, NULL, &as_schema, &as_table)) &&
              rdb_server_connect(&t.to, a->home, database, &work->err);
    if (ok) {
        schema = schema != NULL ? schema : "public";
        t.source = quote(&t, t.to, schema, table);
        t.target = quote(&t, t.to, as_schema != NULL ? as_schema : schema, as_table != NULL ? as_table : table);
        ok = scratch_make(work, &copy) && rdb_server_connect(&t.from, copy.home, database, &work->err) && copy_table(&t);
    }
    PQfinish(t.from);
    PQfinish(t.to); /* what was not committed is gone */
    scratch_drop(&copy);
    if (!ok)
        return rdb_backup_work_report(work);
    if (a->json)
        rdb_backup_print_json(json_pack("{s:s, s:s, s:s, s:s, s:I}", "backup_id", copy.manifest->id, "database", database, "table", t.source, "restored_as", t.target, "rows", (json_int_t)t.rows));
    else
        printf("%s of backup %s restored as %s in database %s: %llu rows\n", t.source, copy.manifest->id, t.target, database, (unsigned long long)t.rows);
    return RDB_EXIT_DONE;
}
