/* SPDX-License-Identifier: Apache-2.0
 * estimate: how the bytes of tables and indexes are used. why: what keeps purge from taking a table's garbage, and the command that ends it. */
#include "vacuum.h"

#include <stdio.h>
#include <stdlib.h>

static void add_text(rdb_strbuf *line, const char *key, const char *text)
{
    rdb_strbuf_addf(line, "%s\"%s\":", line->length > 1 ? "," : "", key);
    if (text != NULL)
        rdb_strbuf_add_json(line, text, strlen(text));
    else
        rdb_strbuf_adds(line, "null");
}

static void add_number(rdb_strbuf *line, const char *key, const char *number)
{
    rdb_strbuf_addf(line, "%s\"%s\":%s", line->length > 1 ? "," : "", key, number != NULL ? number : "null");
}

static void print_line(rdb_strbuf *line)
{
    rdb_strbuf_addc(line, '}');
    puts(line->data != NULL ? line->data : "{}");
    rdb_strbuf_free(line);
}

/* ---- estimate ------------------------------------------------------------------------------------------------------------------- */
static double number(const char *text)
{
    return text != NULL ? strtod(text, NULL) : 0;
}

bool vacuum_estimate(vacuum_run *run, rdb_error *err)
{
    static const char *const KEYS[] = {"file_bytes", "live_bytes", "dead_bytes", "free_bytes", "pages", "pages_read"};
    rdb_list tables = {0}, rows = {0};
    if (!vacuum_list_tables(run, false, false, &tables, err))
        return false;
    if (!run->arguments->json && run->relations == 0)
        printf("%-44s %12s %12s %12s %12s %6s\n", "relation", "file kB", "live kB", "dead kB", "free kB", "live");
    for (uint32_t i = 0; i < tables.count; i++) {
        const char *const *table = tables.items[i];
        const char *sql = rdb_arena_printf(run->arena, "select s.relation::regclass::text, c.relkind, s.file_bytes, s.live_bytes, s.dead_bytes, s.free_bytes, s.pages, s.pages_read "
                                                       "from pg_catalog.rdb_space(%s) s join pg_catalog.pg_class c on c.oid = s.relation", table[1]);
        rdb_error trouble = {0};
        rows = (rdb_list){0};
        if (!vacuum_query(run, sql, &rows, &trouble)) {
            if (!rdb_client_is_open(run->client) || rdb_client_interrupted) {
                rdb_error_move(err, &trouble);
                return false;
            }
            run->failures++;
            rdb_options_report(run->program, run->arguments->json, &trouble);
            rdb_error_clear(&trouble);
            continue;
        }
        run->relations++;
        for (uint32_t k = 0; k < rows.count; k++) {
            const char *const *row = rows.items[k];
            const double file = number(row[2]), live = number(row[3]);
            if (!run->arguments->json) {
                const char *name = rdb_arena_printf(run->arena, "%s%s.%s", k > 0 ? "  " : "", run->database, row[0]);
                printf("%-44s %12.0f %12.0f %12.0f %12.0f %5.1f%%\n", name, file / 1024, live / 1024, number(row[4]) / 1024, number(row[5]) / 1024, file > 0 ? live / file * 100 : 0);
                continue;
            }
            rdb_strbuf line;
            rdb_strbuf_init(&line, NULL);
            rdb_strbuf_addc(&line, '{');
            add_text(&line, "database", run->database);
            add_text(&line, "table", table[0]);
            add_text(&line, "relation", row[0]);
            add_text(&line, "kind", row[1] != NULL && row[1][0] == 'i' ? "index" : "table");
            for (unsigned n = 0; n < RDB_COUNT_OF(KEYS); n++)
                add_number(&line, KEYS[n], row[2 + n]);
            print_line(&line);
        }
    }
    return true;
}

/* ---- why ------------------------------------------------------------------------------------------------------------------------ */
/* Who reads an old snapshot, the oldest first; whose work is prepared; what the configuration keeps; what a replica's slot keeps. */
#define HOLDERS_QUERY                                                                                                                                              \
    "select kind, who, what, age_s, fix from ("                                                                                                                    \
    "select 1 as rank, 'session' as kind, 'pid ' || pid || coalesce(', user ' || usename, '') || coalesce(', database ' || datname, '') as who, "                  \
    "coalesce(state, '') || ': ' || left(coalesce(query, ''), 300) as what, extract(epoch from now() - coalesce(xact_start, query_start))::bigint as age_s, "      \
    "'select pg_terminate_backend(' || pid || ')' as fix, row_number() over (order by xact_start) as turn "                                                        \
    "from pg_catalog.pg_stat_activity where backend_xmin is not null and pid <> pg_catalog.pg_backend_pid() and backend_type = 'client backend' "                  \
    "union all select 2, 'prepared transaction', gid || ', user ' || owner || ', database ' || database, 'prepared at ' || prepared, "                             \
    "extract(epoch from now() - prepared)::bigint, 'rollback prepared ' || quote_literal(gid), row_number() over (order by prepared) from pg_catalog.pg_prepared_xacts " \
    "union all select 3, 'replication slot', slot_name, coalesce('database ' || database, ''), null::bigint, 'select pg_drop_replication_slot(' || quote_literal(slot_name) || ')', "  \
    "row_number() over (order by slot_name) from pg_catalog.pg_replication_slots where xmin is not null or catalog_xmin is not null "                              \
    "union all select 4, 'retention', 'storage.undo_retention_secs = ' || retention_secs, 'old versions are kept for AS OF', retention_secs, "                     \
    "'set storage.undo_retention_secs to 0 and reload', 1 from pg_catalog.pg_stat_undo where retention_secs > 0) h order by rank, turn"

bool vacuum_why(vacuum_run *run, rdb_error *err)
{
    rdb_list space = {0}, holders = {0}, undo = {0};
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, run->arena);
    rdb_strbuf_adds(&sql, "select t.name, t.n, s.live_bytes, s.dead_bytes, s.free_bytes from (select x::regclass::text as name, (select count(*) from pg_catalog.pg_prepared_xacts) as n, x from (select ");
    rdb_client_add_literal(&sql, run->table);
    rdb_strbuf_adds(&sql, "::regclass as x) y) t, pg_catalog.rdb_space(t.x) s where s.relation = t.x");
    if (!rdb_strbuf_check(&sql, err) || !vacuum_query(run, sql.data, &space, err) || !vacuum_query(run, HOLDERS_QUERY, &holders, err) ||
        !vacuum_query(run, "select undo_bytes, backlog_bytes, current_scn, horizon_scn from pg_catalog.pg_stat_undo", &undo, err))
        return false;
    const char *const *table = space.count > 0 ? space.items[0] : NULL;
    const char *const *store = undo.count > 0 ? undo.items[0] : NULL;
    if (table == NULL || store == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "relation \"%s\" does not exist", run->table);
    run->relations++;
    if (!run->arguments->json) {
        printf("%s: %.0f kB of garbage beside %.0f kB of rows, %.0f kB free; the undo store holds %.0f kB\n", table[0], number(table[3]) / 1024, number(table[2]) / 1024, number(table[4]) / 1024,
               number(store[0]) / 1024);
        if (holders.count == 0)
            printf("nothing holds purge back: rdb-vacuum --table %s %s\n", table[0], run->database);
    } else {
        rdb_strbuf line;
        rdb_strbuf_init(&line, NULL);
        rdb_strbuf_addc(&line, '{');
        add_text(&line, "table", table[0]);
        add_number(&line, "live_bytes", table[2]);
        add_number(&line, "dead_bytes", table[3]);
        add_number(&line, "free_bytes", table[4]);
        add_number(&line, "undo_bytes", store[0]);
        add_number(&line, "scn", store[2]);
        add_number(&line, "horizon_scn", store[3]);
        rdb_strbuf_addf(&line, ",\"holders\":%u", (unsigned)holders.count);
        print_line(&line);
    }
    for (uint32_t i = 0; i < holders.count; i++) {
        const char *const *row = holders.items[i];
        if (!run->arguments->json) {
            printf("%s: %s", row[0], row[1] != NULL ? row[1] : "");
            if (row[3] != NULL)
                printf(", %s s", row[3]);
            printf("\n    %s\n    %s\n", row[2] != NULL ? row[2] : "", row[4] != NULL ? row[4] : "");
            continue;
        }
        rdb_strbuf line;
        rdb_strbuf_init(&line, NULL);
        rdb_strbuf_addc(&line, '{');
        add_text(&line, "kind", row[0]);
        add_text(&line, "who", row[1]);
        add_text(&line, "what", row[2]);
        add_number(&line, "age_s", row[3]);
        add_number(&line, "bytes", store[0]);
        add_text(&line, "fix", row[4]);
        print_line(&line);
    }
    return true;
}
