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

static const char *password_file; /* what ask_password reads */

static void take_interrupt(int signal_no)
{
    (void)signal_no;
    cli_interrupted = 1;
}

static bool ask_password(const char *user, char *password, size_t size)
{
    (void)user;
    const char *given = getenv("PGPASSWORD");
    if (password_file == NULL) {
        snprintf(password, size, "%s", given != NULL ? given : "");
        return given != NULL;
    }
    FILE *file = fopen(password_file, "re");
    bool ok = file != NULL && fgets(password, (int)size, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (ok)
        password[strcspn(password, "\r\n")] = '\0';
    return ok;
}

/* ---- queries --------------------------------------------------------------------------------------------------------- */
typedef struct collection {
    rdb_arena *arena;
    rdb_list *rows;
} collection;

static bool begin_rows(void *at, const cli_column *columns, uint32_t column_count, rdb_error *err)
{
    (void)at, (void)columns, (void)column_count, (void)err;
    return true;
}

static bool take_row(void *at, const cli_value *values, uint32_t column_count, rdb_error *err)
{
    collection *into = at;
    const char **row = RDB_NEW_ARRAY(into->arena, const char *, column_count + 1);
    for (uint32_t i = 0; i < column_count; i++)
        row[i] = values[i].length >= 0 ? rdb_arena_strndup(into->arena, values[i].text, (size_t)values[i].length) : NULL;
    rdb_list_push(into->arena, into->rows, (void *)row);
    return rdb_arena_check(into->arena, err);
}

static bool end_command(void *at, const char *tag, rdb_error *err)
{
    (void)at, (void)tag, (void)err;
    return true;
}

static bool take_copy(void *at, const void *bytes, size_t length, rdb_error *err)
{
    (void)at, (void)bytes, (void)length, (void)err;
    return true;
}

static bool give_copy(void *at, const void **bytes, size_t *length, rdb_error *err)
{
    (void)at, (void)bytes, (void)err;
    *length = 0;
    return true;
}

static void take_notice(const cli_notice *notice)
{
    fprintf(stderr, "rdb-vacuum: %s: %s\n", notice->severity, notice->message);
    if (notice->detail[0] != '\0')
        fprintf(stderr, "  %s\n", notice->detail);
}

static const cli_sink SINK = {begin_rows, take_row, end_command, take_copy, give_copy, take_notice};

bool vacuum_query(vacuum_run *run, const char *sql, rdb_list *rows, rdb_error *err)
{
    collection into = {run->arena, rows};
    return cli_client_query(run->client, sql, &SINK, &into, err);
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
        if (!cli_client_is_open(run->client) || cli_interrupted) {
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
    return cli_connect(&run->client, &run->place, &SINK, exit_code, err);
}

static bool run_database(vacuum_run *run, const char *database, int *exit_code, rdb_error *err)
{
    if (!connect_to(run, database, exit_code, err)) {
        cli_disconnect(&run->client, &run->place);
        return false;
    }
    bool ok = run->arguments->verify ? vacuum_verify_database(run, err) : vacuum_database(run, err);
    *exit_code = ok ? RDB_EXIT_DONE : cli_client_is_open(run->client) ? RDB_EXIT_SQL : RDB_EXIT_CONNECTION;
    cli_disconnect(&run->client, &run->place);
    return ok;
}

static bool list_databases(vacuum_run *run, rdb_list *databases, int *exit_code, rdb_error *err)
{
    bool ok = connect_to(run, "rustydb", exit_code, err);
    if (!ok && rdb_error_is(err, RDB_INVALID_CATALOG_NAME)) {
        rdb_error_clear(err);
        cli_disconnect(&run->client, &run->place);
        ok = connect_to(run, "postgres", exit_code, err);
    }
    ok = ok && vacuum_query(run, "select datname from pg_catalog.pg_database where datallowconn order by 1", databases, err);
    cli_disconnect(&run->client, &run->place);
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
    cli_disconnect(&run->client, &run->place);
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
    if (arguments.home_given && arguments.host_given)
        return rdb_options_refuse(&PROGRAM, "--home and --host exclude one another");
    if (arguments.home == NULL && arguments.host == NULL)
        return rdb_options_refuse(&PROGRAM, "no server was named: use --home DIR (or set RUSTYDB_HOME) or --host HOST");
    if (arguments.verify && (arguments.analyze || arguments.full))
        return rdb_options_refuse(&PROGRAM, "--verify changes nothing: it goes with neither --analyze nor --full");
    bool by_home = arguments.home_given || (arguments.home != NULL && !arguments.host_given);
    if (arguments.files_only && (!arguments.verify || !by_home || arguments.tables.count > 0 || operands.count > 0))
        return rdb_options_refuse(&PROGRAM, "--files-only goes with --verify and --home, and takes all the files");
    struct sigaction on_interrupt = {.sa_handler = take_interrupt}, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &on_interrupt, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    password_file = arguments.password_file;
    vacuum_run run = {.arguments = &arguments, .arena = rdb_arena_create("vacuum", NULL, NULL)};
    run.place = (cli_place){.home = by_home ? strdup(arguments.home) : NULL, .host = by_home ? NULL : strdup(arguments.host), .port = (uint16_t)arguments.port,
                            .port_given = arguments.port_given, .user = strdup(arguments.user), .authority_path = arguments.authority, .ask_password = ask_password,
                            .tls = strcmp(arguments.tls, "require") == 0   ? CLI_TLS_REQUIRE
                                   : strcmp(arguments.tls, "disable") == 0 ? CLI_TLS_DISABLE
                                                                           : CLI_TLS_PREFER};
    const char *only = operands.count > 0 ? operands.items[0] : NULL;
    bool ok = (run.arena != NULL && run.place.user != NULL && (run.place.home != NULL || run.place.host != NULL)) ||
              rdb_error_set(&err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && (arguments.verify ? verify(&run, only, &exit_code, &err) : run_databases(&run, only, &exit_code, &err));
    if (!ok) {
        rdb_options_report(&PROGRAM, arguments.json, &err);
        exit_code = cli_interrupted ? RDB_EXIT_INTERRUPTED : exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
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
    cli_disconnect(&run.client, &run.place);
    cli_place_free(&run.place);
    rdb_arena_destroy(run.arena);
    rdb_error_clear(&err);
    return exit_code;
}
