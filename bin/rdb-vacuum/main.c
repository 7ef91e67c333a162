/* SPDX-License-Identifier: Apache-2.0
 * rdb-vacuum: VACUUM and ANALYZE of databases from the command line, and the check of an instance. It is a client of the server, of
 * one of its own where none runs; the files of an instance at rest it reads itself. */
#include "instance/rdb_instance.h"
#include "os/rdb_os.h"
#include "vacuum.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool vacuum_query(vacuum_run *run, const char *sql, rdb_list *rows, rdb_error *err)
{
    return rdb_client_rows(run->client, sql, run->arena, rows, err);
}

/* A shell pattern as a regular expression inside a quoted text. */
static void add_pattern(rdb_strbuf *sql, const char *pattern)
{
    rdb_strbuf_adds(sql, "'^(");
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '*' || *pattern == '?')
            rdb_strbuf_adds(sql, *pattern == '*' ? ".*" : ".");
        else if (strchr("'", *pattern) != NULL)
            rdb_strbuf_adds(sql, "''");
        else if (strchr("\\^$.[]|()+{}", *pattern) != NULL)
            rdb_strbuf_addf(sql, "\\%c", *pattern);
        else
            rdb_strbuf_addc(sql, *pattern);
    }
    rdb_strbuf_adds(sql, ")$'");
}

bool vacuum_list_tables(vacuum_run *run, bool with_system, rdb_list *rows, rdb_error *err)
{
    const rdb_option_list *tables = &run->arguments->tables;
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, run->arena);
    rdb_strbuf_adds(&sql, "select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.oid from pg_catalog.pg_class c "
                          "join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'm') and c.relpersistence <> 't'");
    if (!with_system)
        rdb_strbuf_adds(&sql, " and n.nspname not in ('pg_catalog', 'information_schema')");
    for (uint32_t i = 0; i < tables->count; i++) {
        rdb_strbuf_adds(&sql, i == 0 ? " and (c.relname ~ " : " or c.relname ~ ");
        add_pattern(&sql, tables->items[i]);
        rdb_strbuf_adds(&sql, " or n.nspname || '.' || c.relname ~ ");
        add_pattern(&sql, tables->items[i]);
    }
    rdb_strbuf_adds(&sql, tables->count > 0 ? ") order by 1" : " order by 1");
    return rdb_strbuf_check(&sql, err) && vacuum_query(run, sql.data, rows, err);
}

/* ---- VACUUM ------------------------------------------------------------------------------------------------------------ */
static void print_done(const vacuum_run *run, const char *table, int64_t elapsed_us)
{
    if (!run->arguments->json) {
        if (run->arguments->verbose)
            fprintf(stderr, "rdb-vacuum: %s%s%s: done in %lld ms\n", run->database, table != NULL ? "." : "", table != NULL ? table : "", (long long)elapsed_us / 1000);
        return;
    }
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    rdb_strbuf_adds(&line, "{\"database\":");
    rdb_strbuf_add_json(&line, run->database, strlen(run->database));
    if (table != NULL) {
        rdb_strbuf_adds(&line, ",\"table\":");
        rdb_strbuf_add_json(&line, table, strlen(table));
    }
    rdb_strbuf_addf(&line, ",\"elapsed_us\":%lld}", (long long)elapsed_us);
    puts(line.data != NULL ? line.data : "{}");
    rdb_strbuf_free(&line);
}

static bool vacuum_one(vacuum_run *run, const char *table, rdb_error *err)
{
    const vacuum_arguments *arguments = run->arguments;
    rdb_list rows = {0};
    int64_t begin_us = rdb_time_monotonic_us();
    const char *sql = rdb_arena_printf(run->arena, "vacuum (verbose %s, analyze %s, full %s) %s", arguments->verbose ? "on" : "off", arguments->analyze ? "on" : "off",
                                       arguments->full ? "on" : "off", table != NULL ? table : "");
    if (!vacuum_query(run, sql, &rows, err))
        return false;
    run->relations++;
    print_done(run, table, rdb_time_monotonic_us() - begin_us);
    return true;
}

/* Of several tables those that fail are told and the others still done. */
static bool vacuum_database(vacuum_run *run, rdb_error *err)
{
    rdb_list tables = {0};
    if (run->arguments->tables.count == 0)
        return vacuum_one(run, NULL, err);
    if (!vacuum_list_tables(run, true, &tables, err))
        return false;
    for (uint32_t i = 0; i < tables.count; i++) {
        const char *const *table = tables.items[i];
        rdb_error trouble = {0};
        if (vacuum_one(run, table[0], &trouble))
            continue;
        if (!rdb_client_is_open(run->client) || rdb_client_interrupted) {
            rdb_error_move(err, &trouble);
            return false;
        }
        run->failures++;
        rdb_options_report(&PROGRAM, run->arguments->json, &trouble);
        rdb_error_clear(&trouble);
    }
    return true;
}

/* ---- databases ------------------------------------------------------------------------------------------------------- */
static bool connect_to(vacuum_run *run, const char *database, int *exit_code, rdb_error *err)
{
    free(run->place.database);
    run->place.database = strdup(database);
    run->database = database;
    if (run->place.database == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return rdb_client_connect(&run->client, &run->place, &RDB_CLIENT_SILENT, exit_code, err);
}

static bool run_database(vacuum_run *run, const char *database, int *exit_code, rdb_error *err)
{
    if (!connect_to(run, database, exit_code, err)) {
        rdb_client_disconnect(&run->client, &run->place);
        return false;
    }
    bool ok = run->arguments->verify ? vacuum_verify_database(run, err) : vacuum_database(run, err);
    *exit_code = ok ? RDB_EXIT_DONE : rdb_client_is_open(run->client) ? RDB_EXIT_SQL : RDB_EXIT_CONNECTION;
    rdb_client_disconnect(&run->client, &run->place);
    return ok;
}

static bool list_databases(vacuum_run *run, rdb_list *databases, int *exit_code, rdb_error *err)
{
    bool ok = connect_to(run, "rustydb", exit_code, err);
    if (!ok && rdb_error_is(err, RDB_INVALID_CATALOG_NAME)) {
        rdb_error_clear(err);
        rdb_client_disconnect(&run->client, &run->place);
        ok = connect_to(run, "postgres", exit_code, err);
    }
    ok = ok && vacuum_query(run, "select datname from pg_catalog.pg_database where datallowconn order by 1", databases, err);
    rdb_client_disconnect(&run->client, &run->place);
    return ok;
}

static bool run_databases(vacuum_run *run, const char *only, int *exit_code, rdb_error *err)
{
    rdb_list databases = {0};
    if (only != NULL)
        return run_database(run, only, exit_code, err);
    if (!list_databases(run, &databases, exit_code, err))
        return false;
    for (uint32_t i = 0; i < databases.count; i++)
        if (!run_database(run, *(const char *const *)databases.items[i], exit_code, err))
            return false;
    return true;
}

/* ---- files at rest ----------------------------------------------------------------------------------------------------- */
/* Pages that a crash left half written are recovery's to mend, and no damage: an instance that was not closed is opened and closed
 * first, by a server of our own. */
static bool close_cleanly(vacuum_run *run, int *exit_code, rdb_error *err)
{
    if (run->arguments->verbose)
        fprintf(stderr, "rdb-vacuum: the instance was not closed cleanly: recovering it first\n");
    bool ok = connect_to(run, "rustydb", exit_code, err) || (rdb_error_is(err, RDB_INVALID_CATALOG_NAME) && (rdb_error_clear(err), true));
    rdb_client_disconnect(&run->client, &run->place);
    return ok;
}

/* *is_served: a server has it; nothing was done. */
static bool verify_at_rest(vacuum_run *run, bool *is_served, int *exit_code, rdb_error *err)
{
    char home[PATH_MAX];
    rdb_home_kind kind;
    rdb_instance_lock *lock = NULL;
    *is_served = false;
    *exit_code = RDB_EXIT_GENERAL;
    if (!rdb_instance_resolve(run->place.home, home, sizeof home, err) || !rdb_instance_look(home, &kind, err))
        return false;
    if (kind != RDB_HOME_INSTANCE) {
        *exit_code = RDB_EXIT_CONNECTION;
        rdb_error_set(err, RDB_CANNOT_CONNECT, "%s is not an instance", home);
        return rdb_error_hint(err, "Make one with: rdb-init --home %s", home);
    }
    for (bool again = true; again;) {
        rdb_control control;
        rdb_error unreadable = {0};
        again = false;
        if (!rdb_instance_lock_take(&lock, home, PROGRAM.name, err)) {
            *is_served = rdb_error_is(err, RDB_OBJECT_IN_USE) && !run->arguments->files_only;
            *exit_code = RDB_EXIT_BUSY;
            if (*is_served)
                rdb_error_clear(err);
            return *is_served;
        }
        if (rdb_control_read(home, &control, &unreadable) && control.state == RDB_CONTROL_RUNNING && !run->arguments->files_only) {
            rdb_instance_lock_release(&lock);
            if (!close_cleanly(run, exit_code, err))
                return false;
            again = true;
        }
        rdb_error_clear(&unreadable);
    }
    bool ok = vacuum_verify_files(run, home, err);
    rdb_instance_lock_release(&lock);
    return ok;
}

static bool verify(vacuum_run *run, const char *only, int *exit_code, rdb_error *err)
{
    bool is_served = run->place.home == NULL;
    if (!is_served && !verify_at_rest(run, &is_served, exit_code, err))
        return false;
    *exit_code = RDB_EXIT_DONE;
    if (run->arguments->files_only)
        return true;
    const uint64_t in_files = run->findings;
    if (run_databases(run, only, exit_code, err))
        return true;
    if (in_files == 0)
        return false;
    rdb_options_report(&PROGRAM, run->arguments->json, err); /* the damage that was found is what matters */
    rdb_error_clear(err);
    return true;
}

int main(int argc, char **argv)
{
    vacuum_arguments arguments = {0};
    rdb_operands operands;
    rdb_error err = {0};
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    if (arguments.verify && (arguments.analyze || arguments.full))
        return rdb_options_refuse(&PROGRAM, "--verify changes nothing: it goes with neither --analyze nor --full");
    vacuum_run run = {.arguments = &arguments};
    if (!rdb_client_place_take(&run.place, &PROGRAM, &arguments.server, NULL, &exit_code))
        return exit_code;
    if (arguments.files_only && (!arguments.verify || run.place.home == NULL || arguments.tables.count > 0 || operands.count > 0))
        return rdb_options_refuse(&PROGRAM, "--files-only goes with --verify and --home, and takes all the files");
    run.arena = rdb_arena_create("vacuum", NULL, NULL);
    const char *only = operands.count > 0 ? operands.items[0] : NULL;
    bool ok = run.arena != NULL || rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && (arguments.verify ? verify(&run, only, &exit_code, &err) : run_databases(&run, only, &exit_code, &err));
    if (!ok) {
        rdb_options_report(&PROGRAM, arguments.json, &err);
        exit_code = rdb_client_interrupted ? RDB_EXIT_INTERRUPTED : exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
    } else if (arguments.verify) {
        vacuum_print_summary(&run);
        exit_code = run.findings > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
    } else if (run.failures > 0) {
        exit_code = run.relations > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_SQL;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "rdb-vacuum: error: the output could not be written\n");
        exit_code = exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
    }
    rdb_client_disconnect(&run.client, &run.place);
    rdb_client_place_free(&run.place);
    rdb_arena_destroy(run.arena);
    rdb_error_clear(&err);
    return exit_code;
}
