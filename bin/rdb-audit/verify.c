/* SPDX-License-Identifier: Apache-2.0
 * verify: is the log what the server wrote? With an instance at hand the heads in data/meta bear witness too. */
#include "audit.h"
#include "options.h"

#include <inttypes.h>
#include <stdio.h>

static void print_finding(void *work_at, const rdb_audit_finding *finding)
{
    audit_work *work = work_at;
    if (work->arguments->quiet)
        return;
    if (work->arguments->json) {
        json_t *json = json_pack("{s:s, s:s}", "problem", finding->problem, "file", finding->file);
        if (finding->record != 0)
            json_object_set_new(json, "record", json_integer((json_int_t)finding->record));
        if (finding->last != 0)
            json_object_set_new(json, "last", json_integer((json_int_t)finding->last));
        if (finding->head != 0)
            json_object_set_new(json, "head", json_integer((json_int_t)finding->head));
        if (finding->line != 0)
            json_object_set_new(json, "line", json_integer((json_int_t)finding->line));
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(json);
        return;
    }
    printf("%s", finding->file);
    if (finding->line != 0)
        printf(":%" PRIu64, finding->line);
    printf(": %s\n", finding->problem);
}

int command_verify(audit_work *work)
{
    const audit_arguments *a = work->arguments;
    const char *witnesses[RDB_OPTION_LIST_MAX + 1];
    char mirror[PATH_MAX];
    rdb_audit_verified verified;
    if (work->public_key[0] == '\0')
        return rdb_options_refuse(work->program, "no public key was named: use --public-key FILE or --home DIR");
    rdb_audit_verify_options options = {.directory = work->directory, .public_key_path = work->public_key, .witness_paths = witnesses, .complain = print_finding, .context = work};
    for (uint32_t i = 0; i < a->witnesses.count; i++)
        witnesses[options.witness_count++] = a->witnesses.items[i];
    if (a->home != NULL && (size_t)snprintf(mirror, sizeof mirror, "%s/data/meta/audit.heads", a->home) < sizeof mirror && rdb_path_exists(mirror))
        witnesses[options.witness_count++] = mirror;
    const int64_t begin_us = rdb_time_monotonic_us();
    if (!rdb_audit_verify(&options, &verified, &work->err))
        return audit_report_error(work);
    const double seconds = (double)(rdb_time_monotonic_us() - begin_us) / 1e6;
    if (a->json)
        printf("{\"findings\":%" PRIu64 ",\"first\":%" PRIu64 ",\"records\":%" PRIu64 ",\"signed\":%" PRIu64 ",\"files\":%" PRIu64 ",\"heads\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.3f}\n",
               verified.findings, verified.first, verified.size, verified.signed_size, verified.files, verified.heads, verified.bytes, seconds);
    else if (!a->quiet && verified.findings == 0)
        printf("records %" PRIu64 " to %" PRIu64 " are what was written; %" PRIu64 " of them stand under a signed head (%" PRIu64 " heads, %" PRIu64 " files, %.1f MB in %.2f s)\n", verified.first,
               verified.size, verified.signed_size >= verified.first && verified.first > 0 ? verified.signed_size - verified.first + 1 : 0, verified.heads, verified.files, (double)verified.bytes / 1e6, seconds);
    else if (!a->quiet)
        fprintf(stderr, "rdb-audit: %" PRIu64 " findings; records up to %" PRIu64 " are what was written\n", verified.findings, verified.size);
    return verified.findings == 0 ? RDB_EXIT_DONE : RDB_EXIT_DAMAGE;
}
