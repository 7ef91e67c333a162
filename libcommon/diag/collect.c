/* SPDX-License-Identifier: Apache-2.0
 * Collecting: the host and the files, which answer always, and then the server. A collector that fails leaves its table away and says
 * why in table item; only want of memory ends the whole. */
#include "diag/collect_int.h"

#include "os/rdb_os.h"

#include <inttypes.h>
#include <stdio.h>

bool diag_tell_item(rdb_facts *facts, const char *topic, const char *database, const char *state, const char *detail, int64_t begin_us, rdb_error *err)
{
    char elapsed[24];
    snprintf(elapsed, sizeof elapsed, "%" PRId64, rdb_time_monotonic_us() - begin_us);
    return rdb_facts_add(facts, "item", (const char *[]){topic, database, state, detail, elapsed}, 5, err);
}

static bool run_collectors(rdb_facts *facts, const rdb_diag_scope *scope, const diag_collector *collectors, uint32_t count, rdb_arena *arena, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const diag_collector *collector = &collectors[i];
        const int64_t begin_us = rdb_time_monotonic_us();
        rdb_error trouble = {0};
        const char *state = "collected", *detail = NULL;
        char drop[128];
        rdb_arena_reset(arena);
        if (scope->deadline_us != 0 && begin_us >= scope->deadline_us) {
            state = "timed out";
        } else if (!rdb_facts_table(facts, collector->table, collector->columns, err)) {
            return false;
        } else if (!collector->collect(facts, scope, arena, &trouble)) {
            state = rdb_error_is(&trouble, RDB_INSUFFICIENT_PRIVILEGE) ? "denied" : "failed";
            detail = rdb_error_message(&trouble);
            snprintf(drop, sizeof drop, "drop table %s; delete from fact_column where fact_table = '%s'", collector->table, collector->table);
            if (!rdb_facts_run(facts, drop, err)) {
                rdb_error_clear(&trouble);
                return false;
            }
        }
        const bool ok = diag_tell_item(facts, collector->table, NULL, state, detail, begin_us, err);
        rdb_error_clear(&trouble);
        if (!ok)
            return false;
    }
    return true;
}

bool rdb_diag_collect(rdb_facts *facts, const rdb_diag_scope *scope, rdb_error *err)
{
    rdb_arena *arena = rdb_arena_create("diag", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    const bool ok = (scope->home == NULL || (run_collectors(facts, scope, DIAG_HOST_COLLECTORS, DIAG_HOST_COLLECTOR_COUNT, arena, err) &&
                                             run_collectors(facts, scope, DIAG_FILE_COLLECTORS, DIAG_FILE_COLLECTOR_COUNT, arena, err))) &&
                    (scope->place == NULL || diag_collect_server(facts, scope, arena, err));
    rdb_arena_destroy(arena);
    return ok;
}

static bool make_tables(rdb_facts *facts, const diag_collector *collectors, uint32_t count, rdb_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!rdb_facts_table(facts, collectors[i].table, collectors[i].columns, err))
            return false;
    return true;
}

bool rdb_diag_make_tables(rdb_facts *facts, rdb_error *err)
{
    return make_tables(facts, DIAG_HOST_COLLECTORS, DIAG_HOST_COLLECTOR_COUNT, err) && make_tables(facts, DIAG_FILE_COLLECTORS, DIAG_FILE_COLLECTOR_COUNT, err) &&
           make_tables(facts, DIAG_SERVER_COLLECTORS, DIAG_SERVER_COLLECTOR_COUNT, err);
}
