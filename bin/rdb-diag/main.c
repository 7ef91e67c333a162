/* SPDX-License-Identifier: Apache-2.0
 * rdb-diag: which command is meant, and the facts they all begin with. */
#include "diag.h"

#include "instance/rdb_instance.h"
#include "os/rdb_os.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct command {
    const char *name;
    int (*run)(diag_work *work);
    bool needs_server; /* or an instance; the others work on files they are given */
} COMMANDS[] = {
    {"health", command_health, true}, {"doctor", command_doctor, true}, {"why", command_why, true}, {"bundle", command_bundle, true}, {"incidents", command_incidents, true}, {"logs", command_logs, false}, {"top", command_top, true}, {"diff", command_diff, false},
    {"salvage", command_salvage, true},
};

int diag_report(diag_work *work)
{
    return rdb_options_report(work->program, work->arguments->json, &work->err);
}

bool diag_gather(diag_work *work, bool is_brief)
{
    const diag_arguments *arguments = work->arguments;
    char home[PATH_MAX];
    rdb_home_kind kind;
    if (!rdb_facts_create(&work->facts, &work->err))
        return false;
    if (arguments->facts != NULL)
        return rdb_facts_read(work->facts, arguments->facts, "", &work->err);
    rdb_diag_scope scope = {.place = arguments->files_only ? NULL : &work->place, .deadline_us = rdb_time_monotonic_us() + arguments->deadline_s * 1000000, .is_brief = is_brief};
    if (work->place.home != NULL) {
        if (!rdb_instance_resolve(work->place.home, home, sizeof home, &work->err) || !rdb_instance_look(home, &kind, &work->err))
            return false;
        if (kind != RDB_HOME_INSTANCE) {
            rdb_error_set(&work->err, RDB_CANNOT_CONNECT, "%s is not an instance", home);
            return rdb_error_hint(&work->err, "Make one with: rdb-init --home %s", home);
        }
        scope.home = home;
    }
    work->place.only_served = true; /* a dead instance is looked at, not opened */
    return rdb_diag_collect(work->facts, &scope, &work->err);
}

bool diag_server_answered(diag_work *work)
{
    rdb_list rows = {0};
    rdb_error ignored = {0};
    const bool ok = rdb_facts_query(work->facts, "select 1 from item where topic = 'connection' and database is null and state = 'collected'", work->arena, &rows, &ignored);
    rdb_error_clear(&ignored);
    return ok && rows.count > 0;
}

uint32_t diag_tell_missing(diag_work *work)
{
    rdb_list rows = {0};
    rdb_error ignored = {0};
    if (!rdb_facts_query(work->facts, "select topic, coalesce(' of ' || database, ''), state, coalesce(detail, '') from item where state <> 'collected'", work->arena, &rows, &ignored))
        rdb_error_clear(&ignored);
    for (uint32_t i = 0; i < rows.count; i++) {
        const char *const *row = rows.items[i];
        fprintf(stderr, "rdb-diag: not collected: %s%s: %s%s%s\n", row[0], row[1], row[2], row[3][0] != '\0' ? ": " : "", row[3]);
    }
    return rows.count;
}

static const struct command *find_command(const char *name, const char **near)
{
    const char *names[RDB_COUNT_OF(COMMANDS)];
    for (size_t i = 0; i < RDB_COUNT_OF(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
        names[i] = COMMANDS[i].name;
    }
    *near = rdb_nearest_word(name, names, RDB_COUNT_OF(names));
    return NULL;
}

int main(int argc, char **argv)
{
    diag_arguments arguments = {0};
    diag_work work = {.program = &PROGRAM, .arguments = &arguments};
    int exit_code = RDB_EXIT_DONE;
    const char *near = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0); /* in one file with what stderr says, each line stands where it was written */
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &work.operands, &exit_code))
        return exit_code;
    const struct command *command = find_command(work.operands.items[0], &near);
    if (command == NULL)
        return near != NULL ? rdb_options_refuse(&PROGRAM, "unknown command \"%s\"; did you mean \"%s\"?", work.operands.items[0], near)
                            : rdb_options_refuse(&PROGRAM, "unknown command \"%s\"", work.operands.items[0]);
    work.operands.items++;
    work.operands.count--;
    if (command->needs_server && arguments.facts == NULL && !rdb_client_place_take(&work.place, &PROGRAM, &arguments.server, NULL, &exit_code))
        return exit_code;
    if (arguments.files_only && work.place.home == NULL)
        return rdb_options_refuse(&PROGRAM, "--files-only takes an instance: --home DIR");
    work.arena = rdb_arena_create("diag", NULL, NULL);
    if (work.arena == NULL) {
        rdb_error_set(&work.err, RDB_OUT_OF_MEMORY, "out of memory");
        return diag_report(&work);
    }
    exit_code = command->run(&work);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "rdb-diag: error: the output could not be written\n");
        exit_code = exit_code != RDB_EXIT_DONE ? exit_code : RDB_EXIT_GENERAL;
    }
    rdb_facts_close(&work.facts);
    rdb_client_place_free(&work.place);
    rdb_arena_destroy(work.arena);
    rdb_error_clear(&work.err);
    return rdb_client_interrupted ? RDB_EXIT_INTERRUPTED : exit_code;
}
