/* SPDX-License-Identifier: Apache-2.0
 * See rdb_backup_console.h. */
#include "backup/rdb_backup_console.h"

#include "backup/backup_int.h"
#include "os/rdb_fault.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void take_signal(int signal_no)
{
    if (interrupted)
        _exit(128 + signal_no);
    interrupted = 1;
}

static void console_total(void *context, const char *what, uint64_t bytes)
{
    rdb_backup_console *console = context;
    rdb_mutex_lock(&console->lock);
    if (console->has_progress)
        rdb_progress_end(&console->progress);
    console->has_progress = !console->is_quiet;
    if (console->has_progress)
        rdb_progress_begin(&console->progress, what, bytes, true);
    rdb_mutex_unlock(&console->lock);
}

static void console_done(void *context, uint64_t bytes)
{
    rdb_backup_console *console = context;
    rdb_mutex_lock(&console->lock);
    if (console->has_progress)
        rdb_progress_add(&console->progress, bytes);
    rdb_mutex_unlock(&console->lock);
}

static void console_note(void *context, const char *text)
{
    rdb_backup_console *console = context;
    rdb_mutex_lock(&console->lock);
    fprintf(stderr, "%s: %s\n", console->program->name, text);
    rdb_mutex_unlock(&console->lock);
}

static bool console_is_interrupted(void *context)
{
    (void)context;
    return interrupted != 0;
}

void rdb_backup_console_begin(rdb_backup_console *console, const rdb_program *program, bool is_quiet)
{
    struct sigaction action = {.sa_handler = take_signal};
    *console = (rdb_backup_console){.program = program, .is_quiet = is_quiet};
    rdb_mutex_init(&console->lock, RDB_RANK_LEAF);
    console->watch = (rdb_backup_watch){console_total, console_done, console_note, console_is_interrupted, console};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void rdb_backup_console_end(rdb_backup_console *console)
{
    if (console->has_progress)
        rdb_progress_end(&console->progress);
    console->has_progress = false;
    rdb_mutex_deinit(&console->lock);
}

/* One line from the terminal, unseen. */
static bool ask_once(int terminal, const char *prompt, char *line, size_t size)
{
    struct termios before, silent;
    size_t length = 0;
    if (tcgetattr(terminal, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    bool ok = write(terminal, prompt, strlen(prompt)) > 0;
    for (char c; ok && read(terminal, &c, 1) == 1 && c != '\n';)
        if (length + 1 < size)
            line[length++] = c;
    line[length] = '\0';
    tcsetattr(terminal, TCSAFLUSH, &before);
    return ok && write(terminal, "\n", 1) == 1;
}

bool rdb_backup_ask_passphrase(void *context, bool is_new, char *passphrase, size_t size)
{
    char again[1024] = "";
    (void)context;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        return false;
    bool ok = ask_once(terminal, is_new ? "New passphrase of the repository: " : "Passphrase of the repository: ", passphrase, size);
    if (ok && is_new) {
        ok = ask_once(terminal, "Again: ", again, sizeof again) && strcmp(again, passphrase) == 0;
        rdb_wipe(again, sizeof again);
    }
    close(terminal);
    return ok;
}

int rdb_backup_report_error(const rdb_program *program, bool json, const rdb_error *err)
{
    int code = rdb_options_report(program, json, err);
    if (err->context != NULL && !json)
        fprintf(stderr, "in: %s\n", err->context);
    return rdb_error_is(err, RDB_OBJECT_NOT_IN_PREREQUISITE_STATE) ? RDB_EXIT_REFUSED : code;
}

/* ---- programs ------------------------------------------------------------------------------------------------------------- */
const rdb_backup_command *rdb_backup_find_command(const rdb_backup_command *commands, size_t count, const rdb_program *program, const rdb_operands *operands, int *exit_code)
{
    const char *names[64], *name = operands->count > 0 ? operands->items[0] : commands[0].name;
    for (size_t i = 0; i < count && i < RDB_COUNT_OF(names); i++) {
        names[i] = commands[i].name;
        if (strcmp(names[i], name) == 0)
            return &commands[i];
    }
    const char *near = rdb_nearest_word(name, names, RDB_MIN(count, RDB_COUNT_OF(names)));
    *exit_code = near != NULL ? rdb_options_refuse(program, "unknown command \"%s\"; did you mean \"%s\"?", name, near) : rdb_options_refuse(program, "unknown command \"%s\"", name);
    return NULL;
}

bool rdb_backup_work_begin(rdb_backup_work *work, int *exit_code)
{
    bool armed;
    if (work->operands.count > 0)
        work->operands = (rdb_operands){work->operands.items + 1, work->operands.count - 1};
    if (work->thread_count == 0)
        work->thread_count = rdb_backup_standard_threads();
    work->keys.ask = rdb_backup_ask_passphrase;
    work->arena = rdb_arena_create("backup", NULL, NULL);
    bool ok = (work->arena != NULL || rdb_error_set(&work->err, RDB_OUT_OF_MEMORY, "out of memory")) && rdb_fault_arm_from_environment(&armed, &work->err);
    if (ok)
        rdb_backup_console_begin(&work->console, work->program, work->json);
    else
        *exit_code = rdb_backup_work_report(work);
    return ok;
}

void rdb_backup_work_end(rdb_backup_work *work)
{
    rdb_backup_console_end(&work->console);
    rdb_repository_close(&work->repository);
    rdb_arena_destroy(work->arena);
    rdb_error_clear(&work->err);
}

int rdb_backup_work_report(rdb_backup_work *work)
{
    return rdb_backup_report_error(work->program, work->json, &work->err);
}

void rdb_backup_print_json(json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    puts(text != NULL ? text : "{}");
    free(text);
}

/* ---- words ------------------------------------------------------------------------------------------------------------------ */
bool rdb_backup_parse_size(const char *text, uint64_t *bytes, rdb_error *err)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"kB", 10}, {"KB", 10}, {"MB", 20}, {"GB", 30}, {"TB", 40}};
    char *end;
    double number = strtod(text, &end);
    for (size_t i = 0; isdigit((unsigned char)text[0]) && i < RDB_COUNT_OF(units); i++) {
        if (strcmp(end, units[i].unit) != 0 || number * (double)(UINT64_C(1) << units[i].shift) >= 9e18)
            continue;
        *bytes = (uint64_t)(number * (double)(UINT64_C(1) << units[i].shift));
        return true;
    }
    rdb_error_set(err, RDB_INVALID_PARAMETER_VALUE, "\"%s\" is no size", text);
    return rdb_error_hint(err, "Write a number with kB, MB, GB or TB, such as 50MB.");
}

void rdb_backup_format_size(uint64_t bytes, char text[24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double number = (double)bytes;
    size_t unit = 0;
    while (number >= 1000 && unit + 1 < RDB_COUNT_OF(units)) {
        number /= 1024;
        unit++;
    }
    snprintf(text, 24, unit == 0 ? "%.0f %s" : "%.1f %s", number, units[unit]);
}

uint32_t rdb_backup_standard_threads(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return (uint32_t)RDB_MAX(RDB_MIN(count, 4), 1);
}

void rdb_backup_format_moment(const rdb_backup_moment *moment, char time_text[40], char lsn[24])
{
    backup_format_time(moment->time_us, time_text);
    backup_format_lsn(moment->lsn, lsn);
}

void rdb_backup_tell_broken_pages(const rdb_program *program, const rdb_manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->degraded.count; i++) {
        const rdb_manifest_page *page = manifest->degraded.items[i];
        const bool is_named = page->relation[0] != '\0';
        fprintf(stderr, "%s: broken page: %s%s%s, block %llu: %s\n", program->name, page->path, is_named ? " of " : "", page->relation, (unsigned long long)page->block, page->what);
    }
}
