/* SPDX-License-Identifier: Apache-2.0
 * incidents: what the server noted at first failure, listed or one of them shown. */
#include "diag.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

static int show(diag_work *work, const char *name)
{
    char path[PATH_MAX], buffer[4096];
    size_t got;
    if (strchr(name, '/') != NULL || strncmp(name, "incident-", 9) != 0)
        return rdb_options_refuse(work->program, "\"%s\" is no incident: rdb-diag incidents lists them", name);
    snprintf(path, sizeof path, "%s/diag/%s", work->place.home, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        rdb_error_set_errno(&work->err, errno, "%s", path);
        return diag_report(work);
    }
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        fwrite(buffer, 1, got, stdout);
    fclose(file);
    return RDB_EXIT_DONE;
}

int command_incidents(diag_work *work)
{
    rdb_list rows = {0};
    if (work->place.home == NULL)
        return rdb_options_refuse(work->program, "incidents lie in an instance: --home DIR");
    if (work->operands.count > 0)
        return show(work, work->operands.items[0]);
    if (!diag_gather(work, true) || !rdb_facts_query(work->facts, "select time, kind, file, reason from incident order by file", work->arena, &rows, &work->err))
        return diag_report(work);
    for (uint32_t i = 0; i < rows.count; i++) {
        const char *const *row = rows.items[i];
        if (!work->arguments->json) {
            printf("%s  %-12s  %s\n    %s\n", row[0], row[1], row[2], row[3]);
            continue;
        }
        rdb_strbuf line;
        rdb_strbuf_init(&line, work->arena);
        rdb_strbuf_addf(&line, "{\"time\":\"%s\",\"kind\":\"%s\",\"file\":\"%s\",\"reason\":", row[0], row[1], row[2]);
        rdb_strbuf_add_json(&line, row[3], strlen(row[3]));
        rdb_strbuf_addc(&line, '}');
        puts(line.data != NULL ? line.data : "{}");
    }
    return RDB_EXIT_DONE;
}
