/* SPDX-License-Identifier: Apache-2.0
 * rdb-vacuum: upkeep of databases from the command line, and the check of an instance: which command is meant, and for which databases. It
 * is a client of the server, of one of its own where none runs; the files of an instance at rest it reads itself. */
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

bool vacuum_list_tables(vacuum_run *run, bool with_system, bool by_age, rdb_list *rows, rdb_error *err)
{
    const rdb_option_list *tables = &run->arguments->tables;
    rdb_strbuf sql;
    rdb_strbuf_init(&sql, run->arena);
    rdb_strbuf_adds(&sql, "select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.oid, pg_catalog.pg_relation_size(c.oid) from pg_catalog.pg_class c "
                          "join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid where c.relkind in ('r', 'm') and c.relpersistence <> 't'");
    if (!with_system)
        rdb_strbuf_adds(&sql, " and n.nspname not in ('pg_catalog', 'information_schema')");
    for (uint32_t i = 0; i < tables->count; i++) {
        rdb_strbuf_adds(&sql, i == 0 ? " and (c.relname ~ " : " or c.relname ~ ");
        add_pattern(&sql, tables->items[i]);
        rdb_strbuf_adds(&sql, " or n.nspname || '.' || c.relname ~ ");
        add_pattern(&sql, tables->items[i]);
    }
    rdb_strbuf_adds(&sql, tables->count > 0 ? ")" : "");
    rdb_strbuf_adds(&sql, by_age ? " order by s.last_vacuum nulls first, 1" : " order by 1");
    return rdb_strbuf_check(&sql, err) && vacuum_query(run, sql.data, rows, err);
}

/* ---- databases ------------------------------------------------------------------------------------------------------- */
bool vacuum_connect(vacuum_run *run, const char *database, int *exit_code, rdb_error *err)
{
    char *copy = strdup(database); /* database may be the one that is there */
    free(run->place.database);
    run->place.database = copy;
    run->database = database;
    if (run->place.database == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    return rdb_client_connect(&run->client, &run->place, &RDB_CLIENT_SILENT, exit_code, err);
}

static bool run_database(vacuum_run *run, const char *database, int *exit_code, rdb_error *err)
{
    if (!vacuum_connect(run, database, exit_code, err)) {
        rdb_client_disconnect(&run->client, &run->place);
        return false;
    }
    bool (*const commands[])(vacuum_run *, rdb_error *) = {[VACUUM_VERIFY] = vacuum_verify_database, [VACUUM_ESTIMATE] = vacuum_estimate, [VACUUM_WHY] = vacuum_why};
    bool ok = run->command >= VACUUM_ESTIMATE && run->command <= VACUUM_VERIFY ? commands[run->command](run, err) : vacuum_work(run, err);
    *exit_code = ok ? RDB_EXIT_DONE : rdb_client_is_open(run->client) ? RDB_EXIT_SQL : RDB_EXIT_CONNECTION;
    rdb_client_disconnect(&run->client, &run->place);
    return ok;
}

static bool list_databases(vacuum_run *run, rdb_list *databases, int *exit_code, rdb_error *err)
{
    bool ok = vacuum_connect(run, "rustydb", exit_code, err);
    if (!ok && rdb_error_is(err, RDB_INVALID_CATALOG_NAME)) {
        rdb_error_clear(err);
        rdb_client_disconnect(&run->client, &run->place);
        ok = vacuum_connect(run, "postgres", exit_code, err);
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
    bool ok = vacuum_connect(run, "rustydb", exit_code, err) || (rdb_error_is(err, RDB_INVALID_CATALOG_NAME) && (rdb_error_clear(err), true));
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

/* ---- what is meant ----------------------------------------------------------------------------------------------------- */
/* Reads the command's name, where there is one; a database may come behind it. False: *exit_code, all is said. */
static bool read_command(vacuum_run *run, const rdb_operands *operands, const char **database, const char **kind, int *exit_code)
{
    static const char *const NAMES[] = {"vacuum", "analyze", "compact", "reindex", "checkpoint", "estimate", "why", "verify", "schedule"};
    uint32_t at = 0;
    *database = *kind = NULL;
    *exit_code = RDB_EXIT_USAGE;
    run->command = run->arguments->verify ? VACUUM_VERIFY : VACUUM_VACUUM;
    for (unsigned i = 0; operands->count > 0 && i < RDB_COUNT_OF(NAMES); i++)
        if (strcmp(operands->items[0], NAMES[i]) == 0) {
            run->command = (vacuum_command)i;
            at = 1;
        }
    if (run->command == VACUUM_WHY) {
        if (operands->count < 2)
            return rdb_options_refuse(run->program, "why is followed by the name of a table") == RDB_EXIT_DONE;
        run->table = operands->items[at++];
    }
    if (run->command == VACUUM_SCHEDULE) {
        *kind = operands->count > at ? operands->items[at++] : NULL;
    } else if (operands->count > at) {
        *database = operands->items[at++];
    }
    if (operands->count > at)
        return rdb_options_refuse(run->program, "\"%s\" is one word too many", operands->items[at]) == RDB_EXIT_DONE;
    if (run->command == VACUUM_WHY && *database == NULL)
        *database = "rustydb";
    *exit_code = RDB_EXIT_DONE;
    return true;
}

/* Options that do not go with the command are mistakes, not silence. */
static const char *misplaced(const vacuum_run *run)
{
    const vacuum_arguments *a = run->arguments;
    if (run->command == VACUUM_VERIFY && (a->analyze || a->full))
        return "--verify changes nothing: it goes with neither --analyze nor --full";
    if ((a->analyze || a->full) && run->command != VACUUM_VACUUM && run->command != VACUUM_SCHEDULE)
        return "--analyze and --full go with vacuum";
    if ((a->rate != NULL || a->keep_p99 != NULL) && run->command != VACUUM_COMPACT && run->command != VACUUM_SCHEDULE)
        return "--rate and --keep-p99 go with compact";
    if (a->concurrently && run->command != VACUUM_REINDEX)
        return "--concurrently goes with reindex";
    if (a->install && run->command != VACUUM_SCHEDULE)
        return "--install goes with schedule";
    if (a->files_only && (run->command != VACUUM_VERIFY || run->place.home == NULL || a->tables.count > 0))
        return "--files-only goes with --verify and --home, and takes all the files";
    return NULL;
}

int main(int argc, char **argv)
{
    vacuum_arguments arguments = {0};
    rdb_operands operands;
    rdb_error err = {0};
    const char *only, *kind;
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    vacuum_run run = {.program = &PROGRAM, .arguments = &arguments};
    if (!read_command(&run, &operands, &only, &kind, &exit_code))
        return exit_code;
    if (!rdb_client_place_take(&run.place, &PROGRAM, &arguments.server, NULL, &exit_code))
        return exit_code;
    const char *mistake = misplaced(&run);
    if (mistake == NULL && arguments.files_only && only != NULL)
        mistake = "--files-only goes with --verify and --home, and takes all the files";
    if (mistake == NULL && !vacuum_read_bounds(&run, &err))
        mistake = rdb_error_message(&err);
    if (mistake != NULL) {
        exit_code = rdb_options_refuse(&PROGRAM, "%s", mistake);
        rdb_client_place_free(&run.place);
        rdb_error_clear(&err);
        return exit_code;
    }
    run.arena = rdb_arena_create("vacuum", NULL, NULL);
    bool ok = run.arena != NULL || rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && (run.command == VACUUM_VERIFY     ? verify(&run, only, &exit_code, &err)
                : run.command == VACUUM_SCHEDULE ? vacuum_schedule(&run, kind, &err)
                                                 : run_databases(&run, run.command == VACUUM_CHECKPOINT && only == NULL ? "rustydb" : only, &exit_code, &err));
    if (!ok) {
        const int code = rdb_options_report(&PROGRAM, arguments.json, &err);
        exit_code = rdb_client_interrupted ? RDB_EXIT_INTERRUPTED : exit_code != RDB_EXIT_DONE ? exit_code : run.command == VACUUM_SCHEDULE ? RDB_EXIT_USAGE : code;
    } else if (run.command == VACUUM_VERIFY) {
        vacuum_print_summary(&run);
        exit_code = run.findings > 0 ? RDB_EXIT_DAMAGE : RDB_EXIT_DONE;
    } else if (run.failures > 0) {
        exit_code = run.relations > 0 ? RDB_EXIT_PARTIAL : RDB_EXIT_SQL;
    } else if (run.left > 0) {
        fprintf(stderr, "rdb-vacuum: the window is over; %llu tables are left for the next one\n", (unsigned long long)run.left);
        exit_code = RDB_EXIT_PARTIAL;
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
