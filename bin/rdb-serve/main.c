/* SPDX-License-Identifier: Apache-2.0
 * rdb-serve: locks the instance, recovers it, serves it until a signal says stop, and closes it with a checkpoint. */
#include "monitor.h"
#include "network.h"
#include "options.h"

#include "audit/rdb_audit.h"
#include "base/rdb_incident.h"
#include "base/rdb_log.h"
#include "instance/rdb_config.h"
#include "instance/rdb_instance.h"
#include "os/rdb_fault.h"
#include "storage/rdb_change_map.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define DRAIN_US 30000000
#define FAREWELL_US 3000000 /* for a client to take the last message */

typedef struct server {
    char home[PATH_MAX];
    char socket_path[PATH_MAX];
    const serve_arguments *arguments;
    rdb_config *config;
    rdb_log *log, *slow_log;
    rdb_instance_lock *lock;
    rdb_engine *engine;
    rdb_wire_host *host;
    rdb_tls_context *tls;
    network *net;
    monitor *watch; /* metrics and health; NULL: off */
    int signal_fd;
    int stop_signal; /* 0 while serving */
} server;

/* ---- configuration ---------------------------------------------------------------------------------------------------------- */
static bool find_key(const char *name, size_t length, rdb_config_key *key)
{
    for (int i = 0; i < RDB_CONFIG_KEYS; i++)
        if (strlen(rdb_config_name(i)) == length && memcmp(rdb_config_name(i), name, length) == 0) {
            *key = i;
            return true;
        }
    return false;
}

static bool load_configuration(server *srv, rdb_error *err)
{
    const serve_arguments *arguments = srv->arguments;
    rdb_config_flag flags[RDB_OPTION_LIST_MAX + 8];
    uint32_t count = 0;
    const struct { rdb_config_key key; const char *flag, *value; } DIRECT[] = {
        {RDB_CONFIG_SERVER_LISTEN_HOST, "--listen", arguments->listen_host},
        {RDB_CONFIG_SERVER_LISTEN_PORT, "--port", arguments->port},
        {RDB_CONFIG_SERVER_MAX_CONNECTIONS, "--max-connections", arguments->max_connections},
        {RDB_CONFIG_STORAGE_BUFFER_POOL_PAGES, "--buffer-pool-size", arguments->buffer_pages},
        {RDB_CONFIG_LOGGING_LEVEL, "--log-level", arguments->log_level}};
    for (size_t i = 0; i < RDB_COUNT_OF(DIRECT); i++)
        if (DIRECT[i].value != NULL)
            flags[count++] = (rdb_config_flag){DIRECT[i].key, DIRECT[i].flag, DIRECT[i].value};
    for (uint32_t i = 0; i < arguments->set.count; i++) {
        const char *item = arguments->set.items[i], *equals = strchr(item, '=');
        rdb_config_key key;
        if (equals == NULL)
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "--set takes SECTION.KEY=VALUE, not \"%s\"", item);
        if (!find_key(item, (size_t)(equals - item), &key))
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "--set: there is no configuration key \"%.*s\"", (int)(equals - item), item);
        flags[count++] = (rdb_config_flag){key, "--set", equals + 1};
    }
    return rdb_config_load(&srv->config, srv->home, arguments->config_file, flags, count, err);
}

static bool refuse_unsafe(const server *srv, rdb_error *err)
{
    const char *auth = rdb_config_text(srv->config, RDB_CONFIG_AUTH_MODE), *host = rdb_config_text(srv->config, RDB_CONFIG_SERVER_LISTEN_HOST);
    bool is_loopback = strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || host[0] == '\0';
    if (strcmp(auth, "none") == 0 && strcmp(rdb_config_text(srv->config, RDB_CONFIG_SECURITY_MODE), "prod") == 0)
        return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "auth.mode = \"none\" is refused in security.mode = \"prod\"");
    if (strcmp(auth, "none") == 0 && !is_loopback) {
        rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "auth.mode = \"none\" is refused on \"%s\": it serves this machine only", host);
        return rdb_error_hint(err, "Listen on localhost, or set auth.mode = \"password\".");
    }
    if (strcmp(auth, "none") != 0 && strcmp(auth, "password") != 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "auth.mode = \"%s\" is not supported yet", auth);
    return true;
}

static int check_configuration(server *srv)
{
    rdb_error err = {0};
    if (!load_configuration(srv, &err) || !refuse_unsafe(srv, &err)) {
        rdb_options_report(&PROGRAM, srv->arguments->json, &err);
        rdb_error_clear(&err);
        return RDB_EXIT_USAGE;
    }
    rdb_strbuf text;
    rdb_strbuf_init(&text, NULL);
    if (srv->arguments->json)
        rdb_config_print_json(srv->config, &text);
    else
        rdb_config_print(srv->config, true, &text);
    fputs(text.data != NULL ? text.data : "", stdout);
    rdb_strbuf_free(&text);
    return RDB_EXIT_DONE;
}

/* ---- commands to a running server ----------------------------------------------------------------------------------------------- */
static int control(const server *srv)
{
    const serve_arguments *arguments = srv->arguments;
    rdb_error err = {0};
    int64_t pid = 0;
    if (!rdb_instance_check_versions(srv->home, &err) || !rdb_instance_holder(srv->home, &pid, &err))
        return rdb_options_report(&PROGRAM, arguments->json, &err);
    if (arguments->json)
        printf("{\"running\":%s,\"pid\":%lld}\n", pid != 0 ? "true" : "false", (long long)pid);
    else if (pid == 0)
        printf("no server is running on %s\n", srv->home);
    else if (arguments->status)
        printf("a server is running on %s (PID %lld)\n", srv->home, (long long)pid);
    if (pid == 0)
        return RDB_EXIT_CONNECTION;
    if (arguments->status)
        return RDB_EXIT_DONE;
    if (kill((pid_t)pid, arguments->reload ? SIGHUP : SIGTERM) != 0) {
        rdb_error_set_errno(&err, errno, "could not signal PID %lld", (long long)pid);
        return rdb_options_report(&PROGRAM, arguments->json, &err);
    }
    for (int64_t now = pid; arguments->stop && now == pid;) {
        rdb_time_sleep_us(20000);
        if (!rdb_instance_holder(srv->home, &now, &err))
            return rdb_options_report(&PROGRAM, arguments->json, &err);
    }
    if (!arguments->json)
        printf("%s (PID %lld)\n", arguments->stop ? "stopped" : "reload asked for", (long long)pid);
    return RDB_EXIT_DONE;
}

/* ---- serving ------------------------------------------------------------------------------------------------------------------------ */
static bool open_log(server *srv, rdb_error *err)
{
    const rdb_config *config = srv->config;
    char path[PATH_MAX];
    rdb_log_level level = RDB_LOG_INFO;
    for (int i = RDB_LOG_TRACE; i <= RDB_LOG_ERROR; i++)
        if (strcmp(rdb_log_level_name(i), rdb_config_text(config, RDB_CONFIG_LOGGING_LEVEL)) == 0)
            level = i;
    rdb_log_options options = {.level = level,
                               .format = strcmp(rdb_config_text(config, RDB_CONFIG_LOGGING_FORMAT), "text") == 0 ? RDB_LOG_TEXT : RDB_LOG_JSON,
                               .rotate = rdb_config_switch(config, RDB_CONFIG_LOGGING_ROTATE),
                               .files_max = (uint32_t)rdb_config_number(config, RDB_CONFIG_LOGGING_MAX_FILES),
                               .file_bytes_max = (uint64_t)rdb_config_number(config, RDB_CONFIG_LOGGING_MAX_FILE_SIZE_MB) << 20,
                               .file_seconds_max = rdb_config_number(config, RDB_CONFIG_LOGGING_MAX_FILE_AGE_SECS),
                               .omit_timestamps = !rdb_config_switch(config, RDB_CONFIG_LOGGING_INCLUDE_TIMESTAMPS),
                               .include_source = rdb_config_switch(config, RDB_CONFIG_LOGGING_INCLUDE_SOURCE_LOCATION)};
    bool to_file = strcmp(rdb_config_text(config, RDB_CONFIG_LOGGING_MODE), "file") == 0;
    if (!rdb_instance_path(rdb_config_path(config, RDB_CONFIG_PATHS_LOGS_DIR), "rustydb.log", path, sizeof path, err) ||
        !rdb_log_open(&srv->log, to_file ? path : NULL, STDERR_FILENO, &options, err))
        return false;
    rdb_log_set_default(srv->log);
    rdb_incident_watch(rdb_config_path(config, RDB_CONFIG_PATHS_DIAG_DIR));
    if (!rdb_config_switch(config, RDB_CONFIG_LOGGING_SLOW_QUERY_ENABLED))
        return true;
    return rdb_instance_path(rdb_config_path(config, RDB_CONFIG_PATHS_LOGS_DIR), "slow-query.log", path, sizeof path, err) &&
           rdb_log_open(&srv->slow_log, path, -1, &options, err);
}

static bool make_socket_path(server *srv, rdb_error *err)
{
    char tail[64];
    snprintf(tail, sizeof tail, ".s.PGSQL.%lld", (long long)rdb_config_number(srv->config, RDB_CONFIG_SERVER_LISTEN_PORT));
    if (!rdb_instance_path(rdb_config_path(srv->config, RDB_CONFIG_SERVER_IPC_PATH), tail, srv->socket_path, sizeof srv->socket_path, err))
        return false;
    size_t longest = sizeof ((struct sockaddr_un *)0)->sun_path - 1;
    if (strlen(srv->socket_path) <= longest)
        return true;
    rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "the path of the Unix socket is too long");
    rdb_error_detail(err, "\"%s\" has %zu bytes; the system takes %zu.", srv->socket_path, strlen(srv->socket_path), longest);
    return rdb_error_hint(err, "Serve the instance through a short symbolic link, e.g.: ln -s %s /tmp/db && rdb-serve --home /tmp/db", srv->home);
}

static bool open_tls(server *srv, rdb_error *err)
{
    if (!rdb_config_switch(srv->config, RDB_CONFIG_TLS_ENABLED))
        return true;
    const char *authority = rdb_config_path(srv->config, RDB_CONFIG_TLS_CA_PATH);
    rdb_tls_options options = {.certificate_path = rdb_config_path(srv->config, RDB_CONFIG_TLS_CERT_PATH),
                               .key_path = rdb_config_path(srv->config, RDB_CONFIG_TLS_KEY_PATH),
                               .authority_path = authority[0] != '\0' ? authority : NULL,
                               .require_client_certificate = rdb_config_switch(srv->config, RDB_CONFIG_TLS_REQUIRE_CLIENT_CERT),
                               .tls13_only = strcmp(rdb_config_text(srv->config, RDB_CONFIG_TLS_MIN_VERSION), "1.3") == 0};
    return rdb_tls_server_context(&srv->tls, &options, err);
}

/* An instance without passwords has none; nothing is lost by that. */
static bool read_scram_secret(const server *srv, uint8_t secret[32], rdb_error *err)
{
    char path[PATH_MAX];
    rdb_slice content = {0};
    if (!rdb_instance_path(rdb_config_path(srv->config, RDB_CONFIG_PATHS_CONF_DIR), "secrets/auth/scram.secret", path, sizeof path, err))
        return false;
    if (!rdb_path_exists(path)) {
        rdb_random_bytes(secret, 32);
        return true;
    }
    rdb_arena *arena = rdb_arena_create("secret", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_path_read(path, arena, &content, 32, err);
    if (ok && content.length != 32)
        ok = rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "\"%s\" must have 32 bytes", path);
    if (ok)
        memcpy(secret, content.data, 32);
    rdb_arena_destroy(arena);
    return ok;
}

static void reload(server *srv)
{
    rdb_error err = {0};
    rdb_config *old = srv->config, *fresh = NULL;
    srv->config = NULL;
    if (load_configuration(srv, &err) && refuse_unsafe(srv, &err)) {
        fresh = srv->config;
        for (int i = RDB_LOG_TRACE; i <= RDB_LOG_ERROR; i++)
            if (strcmp(rdb_log_level_name(i), rdb_config_text(fresh, RDB_CONFIG_LOGGING_LEVEL)) == 0)
                rdb_log_set_level(srv->log, i);
        rdb_engine_set_undo(srv->engine, rdb_config_number(fresh, RDB_CONFIG_STORAGE_UNDO_RETENTION_SECS) * 1000000,
                            (uint64_t)rdb_config_number(fresh, RDB_CONFIG_STORAGE_UNDO_MAX_SIZE));
        rdb_engine_set_checkpoints(srv->engine, rdb_config_number(fresh, RDB_CONFIG_WAL_CHECKPOINT_INTERVAL_MS) * 1000,
                                   (uint64_t)rdb_config_number(fresh, RDB_CONFIG_WAL_MAX_SIZE),
                                   (uint32_t)rdb_config_number(fresh, RDB_CONFIG_WAL_CHECKPOINT_COMPLETION_PERCENT));
        rdb_engine_set_work_mem(srv->engine, (uint64_t)rdb_config_number(fresh, RDB_CONFIG_MEMORY_WORK_MEM));
        RDB_LOG(RDB_LOG_INFO, "serve", "configuration reloaded");
        rdb_config_destroy(&old);
    } else {
        rdb_log_error(RDB_LOG_ERROR, "serve", &err);
        rdb_config_destroy(&srv->config);
        srv->config = old;
    }
    rdb_error_clear(&err);
    if (!rdb_log_reopen(srv->log, &err) || (srv->slow_log != NULL && !rdb_log_reopen(srv->slow_log, &err)))
        rdb_error_clear(&err);
}

/* False: stop serving, or stop waiting for the last ones. */
static bool on_signal(void *srv_at)
{
    server *srv = srv_at;
    bool goes_on = true;
    for (int number = rdb_signals_next(srv->signal_fd); number != 0; number = rdb_signals_next(srv->signal_fd)) {
        switch (number) {
        case SIGHUP:
            sd_notify(0, "RELOADING=1");
            reload(srv);
            sd_notify(0, "READY=1");
            break;
        case SIGUSR1:
            rdb_wire_host_cancel_all(srv->host);
            break;
        case SIGQUIT:
            _exit(RDB_EXIT_GENERAL);
        default:
            srv->stop_signal = number;
            goes_on = false;
        }
    }
    return goes_on;
}

static void stop_serving(server *srv)
{
    sd_notify(0, "STOPPING=1");
    RDB_LOG(RDB_LOG_INFO, "serve", "stopping: %s", srv->stop_signal == SIGINT ? "transactions are ended" : "waiting for transactions to end");
    rdb_wire_host_shutdown(srv->host, srv->stop_signal == SIGINT);
    network_drain(srv->net, srv->stop_signal == SIGINT ? FAREWELL_US : DRAIN_US, srv->signal_fd, on_signal, srv);
    rdb_wire_host_shutdown(srv->host, true);
    network_drain(srv->net, FAREWELL_US, srv->signal_fd, on_signal, srv);
    network_cut(srv->net); /* those whose client does not even read */
    network_drain(srv->net, 10000000, srv->signal_fd, on_signal, srv);
}

/* Relations' files and connections each take a descriptor: as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* What all statements together may take: resources.max_memory_mb, or three quarters of the machine, less the buffers. One
 * statement that asks for more gets 53200; the server stays. */
static uint64_t statement_memory(const rdb_config *config)
{
    uint64_t limit = (uint64_t)rdb_config_number(config, RDB_CONFIG_RESOURCES_MAX_MEMORY_MB) << 20, buffers = rdb_config_buffer_bytes(config);
    if (limit == 0) {
        long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
        limit = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes / 4 * 3 : UINT64_C(2) << 30;
    }
    return RDB_MAX(limit, buffers + (UINT64_C(64) << 20)) - buffers;
}

/* Who wants the audit in either of its two ways gets it; what it looks at stands in security.audit. */
static bool read_audit(const rdb_config *config, rdb_engine_config *engine, rdb_error *err)
{
    const rdb_list *words = rdb_config_texts(config, RDB_CONFIG_SECURITY_AUDIT_LOG_STATEMENTS);
    const char *on_failure = rdb_config_text(config, RDB_CONFIG_SECURITY_AUDIT_ON_FAILURE);
    engine->logs_directory = rdb_config_path(config, RDB_CONFIG_PATHS_LOGS_DIR);
    engine->audit.file_bytes_max = (uint64_t)rdb_config_number(config, RDB_CONFIG_SECURITY_AUDIT_MAX_LOG_SIZE);
    if (!rdb_config_switch(config, RDB_CONFIG_SECURITY_AUDIT_ENABLE) && !rdb_config_switch(config, RDB_CONFIG_LOGGING_AUDIT_ENABLED))
        return true;
    for (uint32_t i = 0; i < words->count; i++)
        if (!rdb_audit_read_class(words->items[i], &engine->audit.classes))
            return rdb_error_set(err, RDB_CONFIG_FILE_ERROR, "security.audit.log_statements: \"%s\" is no class of statements", (const char *)words->items[i]) ||
                   rdb_error_hint(err, "Classes are READ, WRITE (DML), FUNCTION, ROLE (DCL), DDL, CONFIG, MISC, ALL and NONE.");
    engine->audit.is_on = true;
    engine->audit.logins = rdb_config_switch(config, RDB_CONFIG_SECURITY_AUDIT_LOG_CONNECTIONS);
    engine->audit.logouts = rdb_config_switch(config, RDB_CONFIG_SECURITY_AUDIT_LOG_DISCONNECTIONS);
    engine->audit.failed_logins = rdb_config_switch(config, RDB_CONFIG_SECURITY_AUDIT_LOG_FAILED_AUTHENTICATIONS);
    engine->audit.on_failure = strcmp(on_failure, "halt") == 0 ? 1 : strcmp(on_failure, "spill") == 0 ? 2 : 0;
    return true;
}

/* Metrics are worth much, but not the service: where they cannot be served, that is said and all else goes on. */
static void start_monitor(server *srv)
{
    const rdb_config *config = srv->config;
    rdb_error err = {0};
    const monitor_options options = {.host = rdb_config_text(config, RDB_CONFIG_METRICS_LISTEN_HOST),
                                     .port = (uint16_t)rdb_config_number(config, RDB_CONFIG_METRICS_LISTEN_PORT),
                                     .metrics_path = rdb_config_text(config, RDB_CONFIG_METRICS_PATH),
                                     .version = rdb_version(),
                                     .is_primary = strcmp(rdb_config_text(config, RDB_CONFIG_REPLICATION_ROLE), "primary") == 0};
    if (srv->arguments->has_inherited || !rdb_config_switch(config, RDB_CONFIG_METRICS_ENABLED))
        return;
    if (strcmp(rdb_config_text(config, RDB_CONFIG_METRICS_MODE), "pull") != 0)
        RDB_LOG(RDB_LOG_WARN, "serve", "metrics.mode = \"%s\" is not supported yet: metrics are served on %s:%u", rdb_config_text(config, RDB_CONFIG_METRICS_MODE), options.host, options.port);
    if (!monitor_start(&srv->watch, &options, &err)) {
        rdb_log_error(RDB_LOG_WARN, "serve", &err);
        rdb_error_clear(&err);
    }
}

/* What was not synced may be gone, and a second sync would say that all is well: the log has it from the next start on. */
static void stop_at_failed_sync(void *context, const rdb_error *err)
{
    (void)context;
    rdb_log_error(RDB_LOG_ERROR, "serve", err);
    RDB_LOG(RDB_LOG_ERROR, "serve", "a file of the database can not be kept, the process ends");
    fprintf(stderr, "rdb-serve: %s\n", rdb_error_message(err));
    _exit(EXIT_FAILURE);
}

static bool serve(server *srv, rdb_error *err)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
    const rdb_config *config = srv->config;
    rdb_recovery_report recovered;
    raise_descriptor_limit();
    bool is_private = srv->arguments->has_inherited;
    if (!rdb_signals_open(SIGNALS, RDB_COUNT_OF(SIGNALS), &srv->signal_fd, err) || (!is_private && !make_socket_path(srv, err)) ||
        !rdb_instance_lock_take(&srv->lock, srv->home, "rdb-serve", err) || !open_log(srv, err) || !open_tls(srv, err))
        return false;
    rdb_storage_changes_switch(rdb_config_switch(config, RDB_CONFIG_STORAGE_TRACK_CHANGES));
    rdb_engine_config engine = {.home = srv->home,
                                .buffer_bytes = rdb_config_buffer_bytes(config),
                                .memory_bytes = statement_memory(config),
                                .work_mem_bytes = (uint64_t)rdb_config_number(config, RDB_CONFIG_MEMORY_WORK_MEM),
                                .max_connections = (uint32_t)rdb_config_number(config, RDB_CONFIG_SERVER_MAX_CONNECTIONS),
                                .checkpoint_interval_us = rdb_config_number(config, RDB_CONFIG_WAL_CHECKPOINT_INTERVAL_MS) * 1000,
                                .analyze_interval_us = rdb_config_number(config, RDB_CONFIG_OPTIMIZER_AUTO_ANALYZE_INTERVAL_MS) * 1000,
                                .wal_bytes_max = (uint64_t)rdb_config_number(config, RDB_CONFIG_WAL_MAX_SIZE),
                                .checkpoint_percent = (uint32_t)rdb_config_number(config, RDB_CONFIG_WAL_CHECKPOINT_COMPLETION_PERCENT),
                                .undo_retention_us = rdb_config_number(config, RDB_CONFIG_STORAGE_UNDO_RETENTION_SECS) * 1000000,
                                .undo_bytes_max = (uint64_t)rdb_config_number(config, RDB_CONFIG_STORAGE_UNDO_MAX_SIZE),
                                .sync = rdb_config_switch(config, RDB_CONFIG_STORAGE_FSYNC),
                                .archive = rdb_config_switch(config, RDB_CONFIG_WAL_ARCHIVE_ENABLED),
                                .archive_directory = rdb_config_path(config, RDB_CONFIG_WAL_ARCHIVE_DIRECTORY),
                                .archive_command = rdb_config_text(config, RDB_CONFIG_WAL_ARCHIVE_COMMAND),
                                .archive_timeout_us = rdb_config_number(config, RDB_CONFIG_WAL_ARCHIVE_TIMEOUT_MS) * 1000,
                                .archive_partial_us = rdb_config_number(config, RDB_CONFIG_WAL_ARCHIVE_PARTIAL_MS) * 1000,
                                .port = (uint16_t)rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT),
                                .listen_host = rdb_config_text(config, RDB_CONFIG_SERVER_LISTEN_HOST),
                                .has_tls = srv->tls != NULL};
    char socket_directory[sizeof srv->socket_path];
    snprintf(socket_directory, sizeof socket_directory, "%s", srv->socket_path);
    char *last_slash = strrchr(socket_directory, '/');
    if (last_slash != NULL)
        *last_slash = '\0';
    engine.socket_directory = socket_directory;
    engine.slow_log = srv->slow_log;
    engine.slow_us = rdb_config_number(config, RDB_CONFIG_LOGGING_SLOW_QUERY_THRESHOLD_MS) * 1000;
    engine.slow_log_is_json = strcmp(rdb_config_text(config, RDB_CONFIG_LOGGING_FORMAT), "json") == 0;
    engine.slow_log_has_plans = rdb_config_switch(config, RDB_CONFIG_LOGGING_SLOW_QUERY_PLAN);
    engine.logs_sessions = true;
    engine.log_connections = rdb_config_switch(config, RDB_CONFIG_LOGGING_CONNECTIONS);
    engine.log_disconnections = rdb_config_switch(config, RDB_CONFIG_LOGGING_DISCONNECTIONS);
    engine.log_min_messages = rdb_config_text(config, RDB_CONFIG_LOGGING_MIN_MESSAGES);
    engine.log_min_error_statement = rdb_config_text(config, RDB_CONFIG_LOGGING_MIN_ERROR_STATEMENT);
    engine.no_statement_statistics = !rdb_config_switch(config, RDB_CONFIG_DIAGNOSTICS_STATEMENT_STATISTICS);
    char samples[PATH_MAX];
    if (!rdb_instance_path(rdb_config_path(config, RDB_CONFIG_PATHS_DIAG_DIR), "activity", samples, sizeof samples, err))
        return false;
    if (!is_private && rdb_config_switch(config, RDB_CONFIG_DIAGNOSTICS_ACTIVITY_HISTORY))
        engine.sample_directory = samples;
    start_monitor(srv);
    char data[PATH_MAX];
    if (!rdb_instance_path(srv->home, "data", data, sizeof data, err))
        return false;
    if (engine.sync)
        rdb_file_guard_syncs(data, stop_at_failed_sync, NULL);
    if (!read_audit(config, &engine, err) || !rdb_engine_open(&srv->engine, &engine, &recovered, err))
        return false;
    if (recovered.was_clean)
        RDB_LOG(RDB_LOG_INFO, "serve", "instance was closed cleanly");
    else
        RDB_LOG(RDB_LOG_INFO, "serve", "recovered: %llu log records in %lld ms", (unsigned long long)recovered.records, (long long)recovered.elapsed_us / 1000);
    rdb_wire_config wire = {.engine = srv->engine,
                            .auth = strcmp(rdb_config_text(config, RDB_CONFIG_AUTH_MODE), "none") == 0 ? RDB_AUTH_NONE : RDB_AUTH_SCRAM,
                            .max_connections = engine.max_connections,
                            .login_timeout_us = rdb_config_number(config, RDB_CONFIG_SERVER_REQUEST_TIMEOUT_MS) * 1000};
    network_options options = {.listen_host = rdb_config_text(config, RDB_CONFIG_SERVER_LISTEN_HOST),
                               .port = (uint16_t)rdb_config_number(config, RDB_CONFIG_SERVER_LISTEN_PORT),
                               .backlog = (int)rdb_config_number(config, RDB_CONFIG_SERVER_BACKLOG),
                               .socket_path = rdb_config_switch(config, RDB_CONFIG_SERVER_IPC_ENABLED) ? srv->socket_path : NULL,
                               .tls = srv->tls,
                               .inherited_fd = -1,
                               .max_connections = engine.max_connections};
    if (!read_scram_secret(srv, wire.scram_secret, err) || !rdb_wire_host_create(&srv->host, &wire, err))
        return false;
    options.host = srv->host;
    if (is_private) {
        options.listen_host = "";
        options.socket_path = NULL;
        options.inherited_fd = (int)srv->arguments->inherited_fd;
    }
    if (!network_open(&srv->net, &options, err))
        return false;
    monitor_serving(srv->watch, srv->engine); /* whoever reads that the server listens is told so by /health too */
    if (is_private) {
        RDB_LOG(RDB_LOG_INFO, "serve", "serving one connection and listening nowhere");
    } else {
        printf("Server listening on %s:%u and %s\n", options.listen_host, options.port, srv->socket_path);
        fflush(stdout);
        RDB_LOG(RDB_LOG_INFO, "serve", "accepting connections on %s:%u", options.listen_host, options.port);
    }
    sd_notify(0, "READY=1");
    bool ok = network_run(srv->net, srv->signal_fd, on_signal, srv, err);
    monitor_stopping(srv->watch);
    stop_serving(srv);
    return ok;
}

static bool close_server(server *srv, bool served, rdb_error *err)
{
    network_close(&srv->net);
    rdb_wire_host_destroy(&srv->host);
    monitor_forget_engine(srv->watch);
    bool ok = rdb_engine_close(&srv->engine, served, err);
    monitor_stop(&srv->watch);
    rdb_tls_context_destroy(&srv->tls);
    if (served)
        RDB_LOG(RDB_LOG_INFO, "serve", "stopped");
    rdb_incident_unwatch();
    rdb_log_set_default(NULL);
    rdb_log_close(&srv->log);
    rdb_log_close(&srv->slow_log);
    rdb_instance_lock_release(&srv->lock);
    return ok;
}

int main(int argc, char **argv)
{
    static server srv;
    serve_arguments arguments = {0};
    rdb_operands operands;
    rdb_error err = {0};
    int exit_code = RDB_EXIT_DONE;
    srv.arguments = &arguments;
    if (!rdb_options_parse(&PROGRAM, argc, argv, &arguments, &operands, &exit_code))
        return exit_code;
    if (arguments.home == NULL)
        return rdb_options_refuse(&PROGRAM, "no instance directory was named: use --home DIR or set RUSTYDB_HOME");
    if (arguments.status + arguments.stop + arguments.reload + arguments.check_config > 1)
        return rdb_options_refuse(&PROGRAM, "only one of --status, --stop, --reload and --check-config at a time");
    if (!rdb_instance_resolve(arguments.home, srv.home, sizeof srv.home, &err))
        return rdb_options_report(&PROGRAM, arguments.json, &err);
    if (arguments.status || arguments.stop || arguments.reload)
        return control(&srv);
    if (arguments.check_config)
        return check_configuration(&srv);
    bool armed = false; /* RDB_FAULT: for tests of what a broken disk does */
    if (!rdb_fault_arm_from_environment(&armed, &err))
        return rdb_options_report(&PROGRAM, arguments.json, &err);
    bool ok = rdb_instance_check_versions(srv.home, &err) && load_configuration(&srv, &err) && refuse_unsafe(&srv, &err) && serve(&srv, &err);
    rdb_error closing = {0};
    bool closed = close_server(&srv, ok, ok ? &err : &closing);
    if (!ok || !closed)
        exit_code = rdb_options_report(&PROGRAM, arguments.json, &err);
    rdb_error_clear(&closing);
    rdb_error_clear(&err);
    rdb_config_destroy(&srv.config);
    return exit_code;
}
