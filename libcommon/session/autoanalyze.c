/* SPDX-License-Identifier: Apache-2.0
 * Between two looks nothing runs. A look goes over the counters of the databases that are open, which say how many rows were written
 * since the last ANALYZE; a table is due by PostgreSQL's rule (autovacuum_analyze_threshold + autovacuum_analyze_scale_factor *
 * rows, which a table's storage parameters may change). ANALYZE itself is the statement, in a session of the server's own that
 * gives way to whoever holds a lock. */
#include "session/autoanalyze.h"

#include "base/rdb_log.h"
#include "catalog/rdb_ddl.h"
#include "session/session_int.h"

#include <stdlib.h>

#define THRESHOLD 50.0     /* rows */
#define SCALE_FACTOR 0.1   /* of the table */

struct autoanalyze {
    rdb_engine *engine;
    int64_t interval_us;
    rdb_thread *thread;
    _Atomic uint32_t word;    /* futex */
    _Atomic bool is_stopping;
    rdb_mutex lock;           /* RDB_RANK_LEAF */
    rdb_session *session RDB_GUARDED_BY(lock); /* at work; to be cancelled by a stop */
};

typedef struct candidates { /* tables that changed by more than the threshold */
    rdb_arena *arena;
    rdb_list oids;
} candidates;

static void note_candidate(void *context, uint32_t oid, const rdb_counters *counters)
{
    candidates *found = context;
    if (oid >= RDB_FIRST_NORMAL_OID && (double)rdb_counters_changes(counters) > THRESHOLD)
        rdb_list_push(found->arena, &found->oids, (void *)(uintptr_t)oid);
}

/* The table's own figures, where it has any: "name=value". */
static bool read_options(rdb_access *access, const rdb_relation *relation, rdb_arena *arena, bool *is_enabled, double *threshold, double *scale, rdb_error *err)
{
    static const char ENABLED[] = "autovacuum_enabled=", AT[] = "autovacuum_analyze_threshold=", FACTOR[] = "autovacuum_analyze_scale_factor=";
    const char *const *options = NULL;
    uint32_t count = 0;
    if (!rdb_ddl_get_options(access, relation->oid, arena, &options, &count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (strncmp(options[i], ENABLED, sizeof ENABLED - 1) == 0)
            *is_enabled = strcmp(options[i] + sizeof ENABLED - 1, "false") != 0 && strcmp(options[i] + sizeof ENABLED - 1, "off") != 0;
        else if (strncmp(options[i], AT, sizeof AT - 1) == 0)
            *threshold = strtod(options[i] + sizeof AT - 1, NULL);
        else if (strncmp(options[i], FACTOR, sizeof FACTOR - 1) == 0)
            *scale = strtod(options[i] + sizeof FACTOR - 1, NULL);
    }
    return true;
}

/* The ANALYZE statements that are due, as texts in the arena. */
static bool find_due(rdb_access *access, const candidates *found, rdb_list *statements, rdb_error *err)
{
    for (uint32_t i = 0; i < found->oids.count; i++) {
        const rdb_relation *relation = NULL;
        double threshold = THRESHOLD, scale = SCALE_FACTOR;
        bool is_enabled = true;
        if (!rdb_relation_get(access, (uint32_t)(uintptr_t)found->oids.items[i], &relation, err))
            return false;
        if (relation == NULL || (relation->kind != 'r' && relation->kind != 'm') || relation->persistence == 't')
            continue;
        if (!read_options(access, relation, found->arena, &is_enabled, &threshold, &scale, err))
            return false;
        if (!is_enabled || (double)rdb_counters_changes(relation->counters) <= threshold + scale * RDB_MAX(relation->tuples, 0.0))
            continue;
        rdb_strbuf text;
        rdb_strbuf_init(&text, found->arena);
        rdb_strbuf_adds(&text, "analyze ");
        rdb_identifier_add(&text, relation->namespace_name);
        rdb_strbuf_addc(&text, '.');
        rdb_identifier_add(&text, relation->name);
        rdb_strbuf_addc(&text, '\0');
        rdb_list_push(found->arena, statements, text.data);
    }
    return true;
}

static bool drop_output(void *output)
{
    rdb_strbuf_clear(output);
    return true;
}

static bool no_copy(void *output, char *type, const uint8_t **body, size_t *length)
{
    (void)output;
    *type = 0;
    *body = NULL;
    *length = 0;
    return false;
}

static void set_session(autoanalyze *own, rdb_session *session)
{
    rdb_mutex_lock(&own->lock);
    own->session = session;
    rdb_mutex_unlock(&own->lock);
}

/* Takes over the database. What fails is tried again at the next look. */
static void work_on(autoanalyze *own, rdb_database *database, const candidates *found)
{
    rdb_error err = {0};
    rdb_strbuf output;
    rdb_session *session = NULL;
    rdb_access *access = NULL;
    rdb_list statements = {0};
    const rdb_role role = {.oid = RDB_ROLE_ADMIN_OID, .name = "autoanalyze", .is_superuser = true};
    rdb_strbuf_init(&output, NULL);
    const session_owner owner = {.context = &output, .output = &output, .flush = drop_output, .next_copy_message = no_copy};
    if (!session_create(&session, own->engine, database, &role, 0, &owner, &err)) {
        rdb_database_close(&database);
        rdb_strbuf_free(&output);
        rdb_log_error(RDB_LOG_WARN, "autoanalyze", &err);
        rdb_error_clear(&err);
        return;
    }
    session->is_automatic = true;
    set_session(own, session);
    session_simple_query(session, "set lock_timeout = 10; set search_path = ''");
    bool ok = session_begin_statement(session, &err) && session_access_begin(session, &access, &err) && find_due(access, found, &statements, &err);
    rdb_access_end(&access);
    session_rollback(session);
    if (!ok)
        rdb_log_error(RDB_LOG_WARN, "autoanalyze", &err);
    rdb_error_clear(&err);
    for (uint32_t i = 0; i < statements.count && !atomic_load(&own->is_stopping); i++) {
        RDB_LOG(RDB_LOG_DEBUG, "autoanalyze", "%s of database %s", (const char *)statements.items[i], rdb_database_name(session->database));
        session_simple_query(session, statements.items[i]);
        rdb_strbuf_clear(&output);
    }
    set_session(own, NULL);
    session_destroy(&session); /* closes the database too */
    rdb_strbuf_free(&output);
}

static void look(autoanalyze *own)
{
    rdb_catalog *catalog = rdb_engine_catalog(own->engine);
    rdb_database *database;
    for (uint32_t pdb = 0; !atomic_load(&own->is_stopping) && (database = rdb_database_next(catalog, pdb)) != NULL;) {
        candidates found = {.arena = rdb_arena_create("autoanalyze", NULL, NULL)};
        pdb = rdb_database_pdb(database);
        if (found.arena != NULL)
            rdb_counters_visit(catalog, pdb, note_candidate, &found);
        if (found.oids.count > 0)
            work_on(own, database, &found);
        else
            rdb_database_close(&database);
        rdb_arena_destroy(found.arena);
    }
}

static void run(void *argument)
{
    autoanalyze *own = argument;
    rdb_worker_declare(RDB_WORKER_AUTOVACUUM);
    while (!atomic_load(&own->is_stopping)) {
        const rdb_wait_mark mark = rdb_wait_begin(RDB_WAIT_AUTOVACUUM_MAIN);
        rdb_futex_wait(&own->word, 0, own->interval_us);
        rdb_wait_end(mark);
        if (!atomic_load(&own->is_stopping))
            look(own);
    }
}

bool autoanalyze_start(autoanalyze **started, rdb_engine *engine, int64_t interval_us, rdb_error *err)
{
    autoanalyze *own = calloc(1, sizeof *own);
    *started = NULL;
    if (own == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    own->engine = engine;
    own->interval_us = interval_us;
    rdb_mutex_init(&own->lock, RDB_RANK_LEAF);
    if (!rdb_thread_start(&own->thread, "autoanalyze", run, own, err)) {
        rdb_mutex_deinit(&own->lock);
        free(own);
        return false;
    }
    *started = own;
    return true;
}

void autoanalyze_stop(autoanalyze **started)
{
    autoanalyze *own = *started;
    if (own == NULL)
        return;
    *started = NULL;
    atomic_store(&own->is_stopping, true);
    rdb_mutex_lock(&own->lock);
    if (own->session != NULL)
        session_cancel(own->session, true);
    rdb_mutex_unlock(&own->lock);
    atomic_store(&own->word, 1);
    rdb_futex_wake(&own->word, UINT32_MAX);
    rdb_thread_join(&own->thread);
    rdb_mutex_deinit(&own->lock);
    free(own);
}
