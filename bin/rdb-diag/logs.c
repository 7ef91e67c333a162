/* SPDX-License-Identifier: Apache-2.0
 * logs: what the application log says, how often and when; on the terminal, or as a page with a plot. */
#include "diag.h"

#include "os/rdb_os.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define SHOWN 25

/* The instance's own, the oldest first: rustydb.log.9 ... rustydb.log. */
static bool read_home(diag_work *work, rdb_log_digest *digest, const char *home)
{
    char path[PATH_MAX];
    for (int number = 1000; number >= 0; number--) {
        if (number > 0)
            snprintf(path, sizeof path, "%s/logs/rustydb.log.%d", home, number);
        else
            snprintf(path, sizeof path, "%s/logs/rustydb.log", home);
        if ((number == 0 || rdb_path_exists(path)) && !rdb_log_digest_file(digest, path, &work->err))
            return false;
    }
    return true;
}

static int write_page(diag_work *work, const rdb_log_digest *digest)
{
    const char *path = work->arguments->output;
    rdb_strbuf page;
    rdb_strbuf_init(&page, NULL);
    bool ok = rdb_log_digest_page(digest, &page, &work->err);
    if (ok && strcmp(path, "-") == 0)
        fwrite(page.data, 1, page.length, stdout);
    else
        ok = ok && rdb_path_write_atomic(path, page.data, page.length, 0640, &work->err);
    rdb_strbuf_free(&page);
    return ok ? RDB_EXIT_DONE : diag_report(work);
}

static bool print_digest(diag_work *work, const rdb_log_digest *digest)
{
    const rdb_log_totals *totals = rdb_log_digest_totals(digest);
    rdb_list shapes = {0};
    if (!rdb_log_digest_shapes(digest, SHOWN, work->arena, &shapes, &work->err))
        return false;
    if (!work->arguments->json)
        printf("%" PRIu64 " lines from %s to %s: %" PRIu64 " errors, %" PRIu64 " warnings\n", totals->lines, totals->first_time, totals->last_time, totals->errors, totals->warnings);
    for (uint32_t i = 0; i < shapes.count; i++) {
        const rdb_log_shape *shape = shapes.items[i];
        if (!work->arguments->json) {
            printf("%10" PRIu64 "  %s\n", shape->count, shape->shape);
            continue;
        }
        rdb_strbuf line;
        rdb_strbuf_init(&line, work->arena);
        rdb_strbuf_addf(&line, "{\"count\":%" PRIu64 ",\"shape\":", shape->count);
        rdb_strbuf_add_json(&line, shape->shape, strlen(shape->shape));
        rdb_strbuf_adds(&line, ",\"sample\":");
        rdb_strbuf_add_json(&line, shape->sample, strlen(shape->sample));
        rdb_strbuf_addf(&line, ",\"first\":\"%s\",\"last\":\"%s\"}", shape->first_time, shape->last_time);
        puts(line.data != NULL ? line.data : "{}");
    }
    if (work->arguments->json)
        printf("{\"lines\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"warnings\":%" PRIu64 ",\"unreadable\":%" PRIu64 ",\"forgotten\":%" PRIu64 "}\n", totals->lines, totals->errors, totals->warnings, totals->unreadable, totals->forgotten);
    else if (totals->unreadable + totals->forgotten > 0)
        printf("%" PRIu64 " lines could not be read, %" PRIu64 " are of rare kinds that were not kept\n", totals->unreadable, totals->forgotten);
    return true;
}

int command_logs(diag_work *work)
{
    const char *home = work->arguments->server.home;
    if (work->operands.count == 0 && home == NULL)
        return rdb_options_refuse(work->program, "which logs? --home DIR, or files (- is stdin)");
    rdb_log_digest *digest = rdb_log_digest_create();
    bool ok = digest != NULL || rdb_error_set(&work->err, RDB_OUT_OF_MEMORY, "out of memory");
    for (uint32_t i = 0; ok && i < work->operands.count; i++)
        ok = rdb_log_digest_file(digest, work->operands.items[i], &work->err);
    if (ok && work->operands.count == 0)
        ok = read_home(work, digest, home);
    int exit_code = !ok ? diag_report(work) : work->arguments->output != NULL ? write_page(work, digest) : print_digest(work, digest) ? RDB_EXIT_DONE : diag_report(work);
    if (exit_code == RDB_EXIT_DONE && rdb_log_digest_totals(digest)->unreadable == rdb_log_digest_totals(digest)->lines)
        exit_code = RDB_EXIT_PARTIAL; /* an empty report is no good news */
    rdb_log_digest_destroy(&digest);
    return exit_code;
}
