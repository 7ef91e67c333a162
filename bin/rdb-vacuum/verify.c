/* SPDX-License-Identifier: Apache-2.0
 * --verify: first the files, where nobody serves them, then relation by relation what the server finds. */
#include "upkeep/rdb_upkeep.h"
#include "vacuum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct finding {
    const char *database, *relation, *file; /* relation and file: one of the two, or both */
    const char *place;                      /* "block" or "offset"; NULL: none */
    uint64_t position;
    const char *problem;
} finding;

static void add_json_text(rdb_strbuf *line, const char *key, const char *text)
{
    rdb_strbuf_addf(line, "%s\"%s\":", line->length > 1 ? "," : "", key);
    rdb_strbuf_add_json(line, text, strlen(text));
}

static void print_finding(vacuum_run *run, const finding *found)
{
    run->findings++;
    if (!run->arguments->json) {
        if (found->database != NULL)
            printf("%s: ", found->database);
        printf("%s: ", found->relation != NULL ? found->relation : found->file);
        if (found->place != NULL)
            printf("%s %" PRIu64 ": ", found->place, found->position);
        printf("%s\n", found->problem);
        return;
    }
    rdb_strbuf line;
    rdb_strbuf_init(&line, NULL);
    rdb_strbuf_addc(&line, '{');
    if (found->database != NULL)
        add_json_text(&line, "database", found->database);
    if (found->relation != NULL)
        add_json_text(&line, "relation", found->relation);
    if (found->file != NULL)
        add_json_text(&line, "file", found->file);
    if (found->place != NULL)
        rdb_strbuf_addf(&line, ",\"%s\":%" PRIu64, found->place, found->position);
    add_json_text(&line, "problem", found->problem);
    rdb_strbuf_addc(&line, '}');
    puts(line.data != NULL ? line.data : "{}");
    rdb_strbuf_free(&line);
}

static void take_file_problem(void *run, const rdb_file_problem *problem)
{
    print_finding(run, &(finding){.file = problem->file, .place = problem->is_page ? "block" : "offset", .position = problem->position, .problem = problem->problem});
}

bool vacuum_verify_files(vacuum_run *run, const char *home, rdb_error *err)
{
    rdb_files_checked checked;
    bool ok = rdb_upkeep_verify_files(home, take_file_problem, run, &checked, err);
    run->files += checked.storage.files + checked.wal.segments;
    run->pages += checked.storage.pages;
    run->wal_records += checked.wal.records;
    return ok;
}

/* Pages that no walk comes by, such as free ones of an index: the file tells whose they are. */
#define FILES_QUERY                                                                                                                                               \
    "select f.file, f.block, f.problem, (select c.oid::regclass::text from pg_catalog.pg_class c, pg_catalog.rdb_pluggable p, pg_catalog.pg_database d "         \
    "where d.datname = pg_catalog.current_database() and p.plgdatabase = d.oid and f.file in ('tables/' || p.plgnumber || '/' || c.relfilenode, "                \
    "'indexes/' || p.plgnumber || '/' || c.relfilenode)) from pg_catalog.rdb_verify_database() f"

static void take_row(vacuum_run *run, const char *const *row, bool is_relation)
{
    finding found = {.database = run->database, .problem = row[2] != NULL ? row[2] : ""};
    *(is_relation ? &found.relation : &found.file) = row[0] != NULL ? row[0] : "";
    if (!is_relation)
        found.relation = row[3];
    if (row[1] != NULL) {
        found.place = is_relation || strstr(found.file, ", log ") == NULL ? "block" : "offset";
        found.position = strtoull(row[1], NULL, 10);
    }
    print_finding(run, &found);
}

bool vacuum_verify_database(vacuum_run *run, rdb_error *err)
{
    rdb_list tables = {0}, rows = {0};
    if (!vacuum_list_tables(run, true, false, &tables, err))
        return false;
    for (uint32_t i = 0; i < tables.count; i++) {
        const char *const *table = tables.items[i];
        const char *sql = rdb_arena_printf(run->arena, "select relation::text, block, problem from pg_catalog.rdb_verify(%s)", table[1]);
        rdb_error trouble = {0};
        rows = (rdb_list){0};
        if (run->arguments->verbose)
            fprintf(stderr, "rdb-vacuum: verifying %s.%s\n", run->database, table[0]);
        run->relations++;
        if (!vacuum_query(run, sql, &rows, &trouble)) {
            if (!rdb_client_is_open(run->client) || rdb_client_interrupted) {
                rdb_error_move(err, &trouble);
                return false;
            }
            if (rdb_error_is(&trouble, RDB_UNDEFINED_TABLE) && rdb_error_message(&trouble)[0] == 'c') { /* dropped meanwhile */
                rdb_error_clear(&trouble);
                continue;
            }
            const char *problem = rdb_arena_printf(run->arena, "It cannot be checked: %s", rdb_error_message(&trouble));
            print_finding(run, &(finding){.database = run->database, .relation = table[0], .problem = problem});
            rdb_error_clear(&trouble);
        }
        for (uint32_t k = 0; k < rows.count; k++)
            take_row(run, rows.items[k], true);
    }
    rows = (rdb_list){0};
    if (run->arguments->tables.count > 0)
        return true;
    if (!vacuum_query(run, FILES_QUERY, &rows, err))
        return false;
    for (uint32_t k = 0; k < rows.count; k++)
        take_row(run, rows.items[k], false);
    return true;
}

void vacuum_print_summary(const vacuum_run *run)
{
    if (run->arguments->json) {
        printf("{\"findings\":%" PRIu64 ",\"tables\":%" PRIu64 ",\"files\":%" PRIu64 ",\"pages\":%" PRIu64 ",\"wal_records\":%" PRIu64 "}\n", run->findings, run->relations,
               run->files, run->pages, run->wal_records);
        return;
    }
    fprintf(stderr, "rdb-vacuum: %" PRIu64 " tables with their indexes", run->relations);
    if (run->files > 0)
        fprintf(stderr, ", %" PRIu64 " files of %" PRIu64 " pages, %" PRIu64 " records of the log", run->files, run->pages, run->wal_records);
    if (run->findings == 0)
        fprintf(stderr, ": no damage found\n");
    else
        fprintf(stderr, ": %" PRIu64 " findings\n", run->findings);
}
