/* SPDX-License-Identifier: Apache-2.0
 * The engine: every room below opened in order, bottom up, and closed top down. Redo is registered before recovery runs,
 * background work starts when all is open. */
#include "session/setup.h"
#include "base/rdb_log.h"
#include "command/rdb_command.h"
#include "instance/rdb_instance.h"
#include "session/activity.h"
#include "session/audit.h"
#include "session/audit_policy.h"
#include "session/autoanalyze.h"
#include "session/digest.h"
#include "session/notify.h"
#include "session/sampler.h"
#include "session/stat_counters.h"
#include "os/rdb_file.h"
#include "session/settings.h"
#include "task/rdb_work.h"
#include "type/rdb_ts.h"
#include "upkeep/rdb_purge.h"
#include "upkeep/rdb_upkeep.h"

#include <stdarg.h>
#include <stdlib.h>

struct rdb_engine {
    rdb_upkeep *upkeep;
    rdb_txn_manager *txns;
    rdb_undo *undo;
    rdb_catalog *catalog;
    rdb_purge *purge;
    struct autoanalyze *autoanalyze;
    struct session_registry *registry; /* of its sessions */
    rdb_statements *statements;        /* what they ran */
    struct rdb_log *slow_log;
    int64_t slow_us;
    bool logs_sessions;
    bool slow_log_is_json, slow_log_has_plans;
    sampler *sampler;                  /* a sample a second; NULL: none is taken */
    char sample_directory[4096];
    notify_hub *hub;
    audit_writer *audit;        /* NULL: nothing is audited */
    char audit_directory[4096]; /* "": there is no log */
    session_audit_rules audit_rules;
    audit_policy_hub *audit_policies;
    rdb_account memory;         /* of all statements */
    char temp_directory[4096];
    struct { const char *name; char value[4096]; } facts[24]; /* settings that say how this engine is */
    uint32_t fact_count;
    stat_bases bases; /* what pg_stat_reset_shared set to nothing */
    _Atomic uint64_t work_mem_bytes; /* relaxed: a number by itself */
    rdb_scn closed_scn; /* the highest one, once transactions are closed: for the last checkpoint */
};

#define WAL_RING_BYTES (4u << 20)
#define FRAMES_MIN 256u
#define STATEMENTS_MAX 5000u /* pg_stat_statements.max */
#define PURGE_INTERVAL_US 100000 /* between looks at the undo store that found nothing to do */

/* Once a process, whoever opens the first instance. */
static void register_functions(void)
{
    rdb_exec_register();
    rdb_command_register();
    session_register_functions();
    session_register_large_objects();
    session_register_activity_functions();
    session_register_backup_functions();
    session_register_advisory_functions();
    session_register_counter_functions();
    session_register_wait_functions();
    session_register_statement_functions();
    session_register_sample_functions();
    session_register_audit_functions();
    session_register_settings_functions();
    session_register_xid_functions();
    session_register_archive_functions();
    session_register_notify_functions();
    session_register_nested();
}

void rdb_engine_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_functions);
    rdb_txn_register_redo();
    rdb_undo_register_redo();
    rdb_table_register_redo();
    rdb_index_register_redo();
    rdb_catalog_register_redo();
    /* Records of the audit change no page: recovery passes over them, the audit writer reads them. */
    const rdb_resource_ops audit = {.name = "audit"};
    rdb_resource_register(RDB_RESOURCE_AUDIT, &audit);
}

/* Before anything is logged: so the WAL ends where recovery left it. */
static bool open_audit(rdb_engine *engine, const rdb_engine_config *config, rdb_error *err)
{
    char logs[4096], log_path[4200];
    rdb_control control;
    snprintf(logs, sizeof logs, "%s", config->logs_directory != NULL ? config->logs_directory : "");
    if (logs[0] == '\0')
        snprintf(logs, sizeof logs, "%s/logs", config->home);
    snprintf(log_path, sizeof log_path, "%s/audit.log", logs);
    if (!config->audit.is_on && !rdb_path_exists(log_path))
        return true;
    snprintf(engine->audit_directory, sizeof engine->audit_directory, "%s", logs);
    if (!rdb_control_read(config->home, &control, err))
        return false;
    audit_writer_config audit = {.home = config->home, .directory = logs, .system_id = control.system_id, .file_bytes_max = config->audit.file_bytes_max,
                                 .on_failure = config->audit.on_failure,
                                 .is_ending = !config->audit.is_on};
    if (!audit_writer_open(&engine->audit, &audit, engine->upkeep, engine->txns, err))
        return false;
    engine->audit_rules = (session_audit_rules){.classes = config->audit.classes, .logins = config->audit.logins, .logouts = config->audit.logouts,
                                                .failed_logins = config->audit.failed_logins};
    if (audit.is_ending)
        audit_writer_close(&engine->audit);
    return true;
}

audit_policy_hub *session_engine_audit_policies(rdb_engine *engine)
{
    return engine->audit_policies;
}

const char *session_engine_audit_directory(const rdb_engine *engine)
{
    return engine->audit_directory[0] != '\0' ? engine->audit_directory : NULL;
}

audit_writer *session_engine_audit(rdb_engine *engine)
{
    return engine->audit;
}

const session_audit_rules *session_engine_audit_rules(rdb_engine *engine)
{
    return &engine->audit_rules;
}

static rdb_scn highest_scn(void *engine_at)
{
    const rdb_engine *engine = engine_at;
    return engine->txns != NULL ? rdb_txn_highest_scn(engine->txns) : engine->closed_scn;
}

static bool open_rooms(rdb_engine *engine, const rdb_engine_config *config, rdb_scn scn, rdb_error *err)
{
    rdb_txn_config txn = {.storage = rdb_upkeep_storage(engine->upkeep), .scn = scn, .retention_us = config->undo_retention_us};
    if (!rdb_txn_open(&engine->txns, &txn, err))
        return false;
    rdb_undo_config undo = {.storage = txn.storage, .txns = engine->txns};
    if (!rdb_undo_open(&engine->undo, &undo, err))
        return false;
    rdb_catalog_config catalog = {.storage = txn.storage, .txns = engine->txns, .undo = engine->undo};
    rdb_purge_config purge = {.undo = engine->undo, .remove_entry = rdb_index_remove, .interval_us = PURGE_INTERVAL_US, .bytes_max = config->undo_bytes_max};
    return rdb_catalog_open(&engine->catalog, &catalog, err) && rdb_purge_open(&engine->purge, &purge, err);
}

static bool close_rooms(rdb_engine *engine, bool clean, rdb_error *err)
{
    if (engine->upkeep != NULL)
        rdb_upkeep_stop(engine->upkeep);
    rdb_purge_close(&engine->purge);
    rdb_catalog_close(&engine->catalog);
    rdb_undo_close(&engine->undo);
    if (engine->txns != NULL)
        engine->closed_scn = rdb_txn_highest_scn(engine->txns);
    rdb_txn_close(&engine->txns);
    return engine->upkeep == NULL || rdb_upkeep_close(&engine->upkeep, clean, err);
}

static void know(rdb_engine *engine, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void know(rdb_engine *engine, const char *name, const char *format, ...)
{
    va_list arguments;
    RDB_VERIFY(engine->fact_count < RDB_COUNT_OF(engine->facts));
    engine->facts[engine->fact_count].name = name;
    va_start(arguments, format);
    vsnprintf(engine->facts[engine->fact_count++].value, sizeof engine->facts[0].value, format, arguments);
    va_end(arguments);
}

/* What a reload may change. */
static const char *changing_fact(const rdb_engine *engine, const char *name)
{
    static _Thread_local char value[32];
    rdb_checkpoint_pace pace;
    if (engine->upkeep == NULL)
        return NULL;
    rdb_upkeep_get_pace(engine->upkeep, &pace);
    if (strcmp(name, "checkpoint_timeout") == 0)
        snprintf(value, sizeof value, "%lld", (long long)RDB_MAX(pace.interval_us / 1000000, 30));
    else if (strcmp(name, "checkpoint_completion_target") == 0)
        snprintf(value, sizeof value, "%g", pace.percent / 100.0);
    else if (strcmp(name, "max_wal_size") == 0 && pace.wal_bytes > 0)
        snprintf(value, sizeof value, "%llu", (unsigned long long)((pace.wal_bytes / 100 * (100 + pace.percent) + (1u << 20) - 1) >> 20));
    else
        return NULL;
    return value;
}

const char *session_engine_fact(const rdb_engine *engine, const char *name)
{
    const char *changing = changing_fact(engine, name);
    if (changing != NULL)
        return changing;
    for (uint32_t i = 0; i < engine->fact_count; i++)
        if (strcmp(engine->facts[i].name, name) == 0)
            return engine->facts[i].value;
    return NULL;
}

/* A checkpoint's log lies between its redo point and its end, and the former one's is kept until then. */
static uint64_t checkpoint_distance(uint64_t wal_bytes_max, uint32_t percent)
{
    return wal_bytes_max / (100 + percent) * 100;
}

void rdb_engine_set_checkpoints(rdb_engine *engine, int64_t interval_us, uint64_t wal_bytes_max, uint32_t percent)
{
    const rdb_checkpoint_pace pace = {interval_us, checkpoint_distance(wal_bytes_max, percent), percent};
    rdb_upkeep_set_pace(engine->upkeep, &pace);
}

static void learn_facts(rdb_engine *engine, const rdb_engine_config *config, const rdb_control *control)
{
    enum { BLOCK_BYTES = 8192 }; /* the unit of shared_buffers */
    know(engine, "data_directory", "%s/data", config->home);
    know(engine, "block_size", "%u", control->page_bytes);
    know(engine, "wal_segment_size", "%u", control->wal_segment_bytes);
    know(engine, "shared_buffers", "%llu", (unsigned long long)RDB_MAX(config->buffer_bytes / BLOCK_BYTES, 16u));
    know(engine, "max_connections", "%u", RDB_MAX(config->max_connections, 1u));
    if (config->no_statement_statistics)
        know(engine, "pg_stat_statements.track", "none");
    know(engine, "fsync", "%s", config->sync ? "on" : "off");
    know(engine, "wal_compression", "lz4"); /* of page images, always */
    know(engine, "archive_mode", "%s", config->archive ? "on" : "off");
    if (config->archive) {
        know(engine, "archive_command", "%s", config->archive_command);
        know(engine, "archive_timeout", "%lld", (long long)(config->archive_timeout_us / 1000000));
    }
    if (config->log_connections)
        know(engine, "log_connections", "on");
    if (config->log_disconnections)
        know(engine, "log_disconnections", "on");
    if (config->log_min_messages != NULL)
        know(engine, "log_min_messages", "%s", config->log_min_messages);
    if (config->log_min_error_statement != NULL)
        know(engine, "log_min_error_statement", "%s", config->log_min_error_statement);
    if (config->port != 0) {
        know(engine, "port", "%u", config->port);
        know(engine, "listen_addresses", "%s", config->listen_host);
        know(engine, "unix_socket_directories", "%s", config->socket_directory != NULL ? config->socket_directory : "");
        know(engine, "ssl", "%s", config->has_tls ? "on" : "off");
    }
}

static bool open_engine(rdb_engine **engine_out, const rdb_engine_config *config, rdb_recovery_report *report, rdb_error *err)
{
    rdb_control control;
    *engine_out = NULL;
    rdb_engine_register();
    if (!rdb_upkeep_read_control(config->home, &control, err))
        return false;
    rdb_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    learn_facts(engine, config, &control);
    engine->slow_log = config->slow_log;
    engine->slow_us = config->slow_us;
    engine->logs_sessions = config->logs_sessions;
    engine->slow_log_is_json = config->slow_log_is_json;
    engine->slow_log_has_plans = config->slow_log_has_plans;
    rdb_engine_set_work_mem(engine, config->work_mem_bytes);
    rdb_account_init(&engine->memory, NULL, (int64_t)config->memory_bytes);
    char words[1024];
    snprintf(words, sizeof words, "%s/share/tsearch_data", config->home);
    rdb_ts_set_directory(words);
    snprintf(engine->temp_directory, sizeof engine->temp_directory, "%s/tmp", config->home);
    if (!rdb_path_make_directory(engine->temp_directory, 0700, true, err) || !rdb_work_space_clean(engine->temp_directory, err)) {
        free(engine);
        return false;
    }
    const bool by_command = config->archive && config->archive_command[0] != '\0';
    const rdb_wal_archiver_config archive = {.directory = by_command ? "" : config->archive_directory,
                                             .command = config->archive_command,
                                             .timeout_us = config->archive_timeout_us,
                                             .partial_us = by_command ? 0 : config->archive_partial_us};
    rdb_upkeep_config upkeep = {.home = config->home,
                                .archive = config->archive ? &archive : NULL,
                                .frame_count = RDB_MAX((uint32_t)(config->buffer_bytes / control.page_bytes), FRAMES_MIN),
                                .wal_ring_bytes = WAL_RING_BYTES,
                                .sync = config->sync,
                                .checkpoint_interval_us = config->checkpoint_interval_us,
                                .checkpoint_wal_bytes = checkpoint_distance(config->wal_bytes_max, config->checkpoint_percent),
                                .checkpoint_percent = config->checkpoint_percent};
    if (!session_registry_create(&engine->registry, err) || !rdb_statements_create(&engine->statements, STATEMENTS_MAX, err) || !notify_hub_create(&engine->hub, err) ||
        !audit_policy_hub_create(&engine->audit_policies, err) || !rdb_upkeep_open(&engine->upkeep, &upkeep, err)) {
        session_registry_destroy(&engine->registry);
        rdb_statements_destroy(&engine->statements);
        notify_hub_destroy(&engine->hub);
        audit_policy_hub_destroy(&engine->audit_policies);
        free(engine);
        return false;
    }
    if (report != NULL) {
        const rdb_recovery_result *result = rdb_upkeep_recovery(engine->upkeep);
        *report = (rdb_recovery_report){.was_clean = result->was_clean, .redo_lsn = result->redo_lsn, .end_lsn = result->end_lsn,
                                        .records = result->records, .elapsed_us = result->elapsed_us};
    }
    if (!open_rooms(engine, config, control.scn, err)) {
        rdb_error ignored = {0};
        if (!close_rooms(engine, false, &ignored))
            rdb_error_clear(&ignored);
        session_registry_destroy(&engine->registry);
        rdb_statements_destroy(&engine->statements);
        notify_hub_destroy(&engine->hub);
        audit_policy_hub_destroy(&engine->audit_policies);
        free(engine);
        return false;
    }
    rdb_upkeep_set_highest_scn(engine->upkeep, highest_scn, engine);
    *engine_out = engine;
    return true;
}

/* A making that is cut off is begun anew, so nothing has to be durable before the end; then all of it at once. */
bool rdb_engine_create(const rdb_engine_config *config, const char *admin_role, const char *verifier, rdb_error *err)
{
    rdb_engine_config hurried = *config;
    rdb_engine *engine = NULL;
    hurried.sync = false;
    if (!open_engine(&engine, &hurried, NULL, err))
        return false;
    bool ok = rdb_catalog_bootstrap(engine->catalog, admin_role, verifier, err) && session_make_system_views(engine, admin_role, err);
    return rdb_engine_close(&engine, ok, err) && ok && (!config->sync || rdb_path_sync_file_system(config->home, err));
}

/* Its samples are worth much, but not the service. */
static void start_sampler(rdb_engine *engine, const char *directory)
{
    rdb_error err = {0};
    snprintf(engine->sample_directory, sizeof engine->sample_directory, "%s", directory);
    if (!sampler_start(&engine->sampler, engine, directory, &err))
        rdb_log_error(RDB_LOG_WARN, "session", &err);
    rdb_error_clear(&err);
}

bool rdb_engine_open(rdb_engine **engine, const rdb_engine_config *config, rdb_recovery_report *report, rdb_error *err)
{
    if (!open_engine(engine, config, report, err))
        return false;
    if (open_audit(*engine, config, err) && ((*engine)->audit == NULL || audit_writer_start((*engine)->audit, err)) && rdb_upkeep_start((*engine)->upkeep, err) && rdb_purge_start((*engine)->purge, err) &&
        (config->analyze_interval_us == 0 || autoanalyze_start(&(*engine)->autoanalyze, *engine, config->analyze_interval_us, err))) {
        if (config->sample_directory != NULL)
            start_sampler(*engine, config->sample_directory);
        return true;
    }
    rdb_error ignored = {0};
    if (!rdb_engine_close(engine, false, &ignored))
        rdb_error_clear(&ignored);
    return false;
}

bool rdb_engine_close(rdb_engine **engine, bool with_checkpoint, rdb_error *err)
{
    if (*engine == NULL)
        return true;
    sampler_stop(&(*engine)->sampler);
    autoanalyze_stop(&(*engine)->autoanalyze);
    audit_writer_stop((*engine)->audit);
    bool ok = close_rooms(*engine, with_checkpoint, err);
    audit_writer_close(&(*engine)->audit); /* the last checkpoint asked it which log it needs */
    session_registry_destroy(&(*engine)->registry);
    rdb_statements_destroy(&(*engine)->statements);
    notify_hub_destroy(&(*engine)->hub);
    audit_policy_hub_destroy(&(*engine)->audit_policies);
    free(*engine);
    *engine = NULL;
    return ok;
}

stat_bases *session_engine_stat_bases(rdb_engine *engine)
{
    return &engine->bases;
}

session_registry *session_engine_registry(rdb_engine *engine)
{
    return engine->registry;
}

notify_hub *session_engine_notify_hub(rdb_engine *engine)
{
    return engine->hub;
}

rdb_upkeep *session_engine_upkeep(rdb_engine *engine)
{
    return engine->upkeep;
}

void engine_open_work(rdb_engine *engine, rdb_work_space *work)
{
    rdb_account_init(&work->account, &engine->memory, 0);
    work->directory = engine->temp_directory;
    work->limit_bytes = -1;
}

const char *session_engine_sample_directory(const rdb_engine *engine)
{
    return engine->sample_directory[0] != '\0' ? engine->sample_directory : NULL;
}

struct rdb_log *session_engine_slow_log(const rdb_engine *engine, bool *is_json, bool *has_plans)
{
    *is_json = engine->slow_log_is_json;
    *has_plans = engine->slow_log_has_plans;
    return engine->slow_log;
}

bool session_engine_logs_sessions(const rdb_engine *engine)
{
    return engine->logs_sessions;
}

int64_t session_engine_slow_us(const rdb_engine *engine)
{
    return engine->slow_log == NULL || engine->slow_us < 0 ? INT64_MAX : engine->slow_us;
}

rdb_statements *session_engine_statements(rdb_engine *engine)
{
    return engine->statements;
}

rdb_purge *session_engine_purge(rdb_engine *engine)
{
    return engine->purge;
}

void rdb_engine_set_undo(rdb_engine *engine, int64_t retention_us, uint64_t bytes_max)
{
    rdb_txn_set_retention(engine->txns, retention_us);
    rdb_purge_set_bytes_max(engine->purge, bytes_max);
}

void rdb_engine_set_work_mem(rdb_engine *engine, uint64_t bytes)
{
    atomic_store_explicit(&engine->work_mem_bytes, bytes, memory_order_relaxed);
}

uint64_t session_engine_work_mem(const rdb_engine *engine)
{
    return atomic_load_explicit(&engine->work_mem_bytes, memory_order_relaxed);
}

rdb_catalog *rdb_engine_catalog(rdb_engine *engine)
{
    return engine->catalog;
}

rdb_txn_manager *rdb_engine_txns(rdb_engine *engine)
{
    return engine->txns;
}

rdb_storage *rdb_engine_storage(rdb_engine *engine)
{
    return rdb_upkeep_storage(engine->upkeep);
}

bool rdb_engine_checkpoint(rdb_engine *engine, rdb_error *err)
{
    return rdb_upkeep_checkpoint(engine->upkeep, 0, err);
}
