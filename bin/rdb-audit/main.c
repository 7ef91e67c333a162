/* SPDX-License-Identifier: Apache-2.0
 * rdb-audit: which command is meant, and on which records. */
#include "options.h"

#include "audit.h"
#include "instance/rdb_config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const struct command {
    const char *name;
    int (*run)(audit_work *work);
    bool needs_log;
} COMMANDS[] = {
    {"tail", command_tail, true},
    {"search", command_search, true},
    {"report", command_report, true},
    {"verify", command_verify, true},
    {"export", command_export, true},
    {"prune", command_prune, true},
    {"witness", command_witness, true},
    {"comply", command_comply, false},
    {"policy", command_policy, false},
};

volatile bool audit_interrupted;

static void take_interrupt(int number)
{
    (void)number;
    audit_interrupted = true;
}

int audit_report_error(audit_work *work)
{
    return rdb_options_report(work->program, work->arguments->json, &work->err);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < RDB_COUNT_OF(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

static bool read_filter(audit_work *work)
{
    const audit_arguments *a = work->arguments;
    rdb_audit_filter *filter = &work->filter;
    const int64_t now = rdb_time_wall_us();
    *filter = (rdb_audit_filter){.role = a->role, .database = a->database, .client = a->client, .application = a->application, .session = a->session,
                                 .object = a->object, .column = a->column, .action = a->action, .outcome = a->outcome, .code = a->code, .text = a->text,
                                 .first = (uint64_t)a->first, .last = (uint64_t)a->last};
    if ((a->since != NULL && !rdb_audit_parse_time(a->since, now, &filter->since_us)) || (a->until != NULL && !rdb_audit_parse_time(a->until, now, &filter->until_us))) {
        rdb_options_refuse(work->program, "\"%s\" is no time: use today, yesterday, recent, 10m, 2h, 7d or 2026-11-21T14:03",
                           a->since != NULL && !rdb_audit_parse_time(a->since, now, &filter->since_us) ? a->since : a->until);
        return false;
    }
    for (uint32_t i = 0; i < a->classes.count; i++) {
        const char *word = a->classes.items[i];
        uint32_t classes = 0;
        for (int class = 1; class < RDB_AUDIT_CLASS_COUNT; class++)
            if (strcmp(word, RDB_AUDIT_CLASSES[class]) == 0)
                classes = RDB_AUDIT_BIT(class);
        if (classes == 0 && !rdb_audit_read_class(word, &classes)) {
            rdb_options_refuse(work->program, "there is no class \"%s\"", word);
            return false;
        }
        filter->classes |= classes;
    }
    return true;
}

static bool find_places(audit_work *work)
{
    const audit_arguments *a = work->arguments;
    snprintf(work->directory, sizeof work->directory, "%s%s", a->directory != NULL ? a->directory : a->home, a->directory != NULL ? "" : "/logs");
    if (a->public_key != NULL)
        snprintf(work->public_key, sizeof work->public_key, "%s", a->public_key);
    else if (a->home != NULL)
        snprintf(work->public_key, sizeof work->public_key, "%s/" RDB_AUDIT_PUBLIC_FILE, a->home);
    return true;
}

/* An instance that has never been audited has neither log nor key: that is said, with what to do. What has been taken away from one that was
 * audited is for the commands to find. */
static bool is_audited(audit_work *work)
{
    const char *home = work->arguments->home;
    rdb_list files = {0};
    rdb_config *config = NULL;
    const char *heads = rdb_arena_printf(work->arena, "%s/audit.heads", work->directory);
    if (!rdb_audit_files(work->directory, work->arena, &files, &work->err))
        return false;
    if (files.count > 0 || rdb_path_exists(heads) || (home != NULL && rdb_path_exists(work->public_key)))
        return true;
    rdb_error_set(&work->err, RDB_UNDEFINED_FILE, "there is no audit log in \"%s\"", work->directory);
    if (home == NULL)
        return rdb_error_hint(&work->err, "It lies in logs/ of an instance that is audited: --home DIR finds it there.");
    rdb_error ignored = {0};
    const bool is_known = rdb_config_load(&config, home, NULL, NULL, 0, &ignored), is_on = is_known && rdb_config_switch(config, RDB_CONFIG_SECURITY_AUDIT_ENABLE);
    rdb_error_clear(&ignored);
    rdb_config_destroy(&config);
    if (is_on) {
        rdb_error_detail(&work->err, "The audit is on in the configuration, and begins when the server starts.");
        return rdb_error_hint(&work->err, "Start the server anew: rdb-serve --home %s --stop; rdb-serve --home %s", home, home);
    }
    if (is_known)
        rdb_error_detail(&work->err, "The audit of this instance is off (security.audit.enable = false), so nothing has been recorded.");
    return rdb_error_hint(&work->err, "Write \"[security.audit]\", \"enable = true\" to a file in %s/conf/overrides.d/ that ends in .toml, and start the server anew.", home);
}

int main(int argc, char **argv)
{
    audit_arguments arguments = {0};
    audit_work work = {.program = &PROGRAM, .arguments = &arguments};
    rdb_operands operands;
    int exit_code = RDB_EXIT_DONE;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    if (operands.count == 0)
        return rdb_options_refuse(&PROGRAM, "no command was given");
    const struct command *command = find_command(operands.items[0]);
    if (command == NULL) {
        const char *names[RDB_COUNT_OF(COMMANDS)];
        for (size_t i = 0; i < RDB_COUNT_OF(COMMANDS); i++)
            names[i] = COMMANDS[i].name;
        const char *near = rdb_nearest_word(operands.items[0], names, RDB_COUNT_OF(names));
        return near != NULL ? rdb_options_refuse(&PROGRAM, "unknown command \"%s\"; did you mean \"%s\"?", operands.items[0], near)
                            : rdb_options_refuse(&PROGRAM, "unknown command \"%s\"", operands.items[0]);
    }
    if (command->needs_log && arguments.home == NULL && arguments.directory == NULL)
        return rdb_options_refuse(&PROGRAM, "no audit log was named: use --home DIR (or set RUSTYDB_HOME) or --directory DIR");
    work.operands = (rdb_operands){operands.items + 1, operands.count - 1};
    if (!find_places(&work) || !read_filter(&work))
        return RDB_EXIT_USAGE;
    struct sigaction on_interrupt = {.sa_handler = take_interrupt}, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &on_interrupt, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    work.arena = rdb_arena_create("audit", NULL, NULL);
    if (work.arena == NULL) {
        rdb_error_set(&work.err, RDB_OUT_OF_MEMORY, "out of memory");
        return audit_report_error(&work);
    }
    exit_code = !command->needs_log || is_audited(&work) ? command->run(&work) : audit_report_error(&work);
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == RDB_EXIT_DONE) {
        fprintf(stderr, "rdb-audit: error: the output could not be written\n");
        exit_code = RDB_EXIT_GENERAL;
    }
    rdb_arena_destroy(work.arena);
    rdb_error_clear(&work.err);
    return exit_code;
}
