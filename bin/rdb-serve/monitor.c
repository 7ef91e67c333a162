/* SPDX-License-Identifier: Apache-2.0
 * See monitor.h. libwebsockets does the HTTP; its one service thread is ours. */
#include "monitor.h"

#include "base/rdb_log.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 256, REQUESTS_TIMEOUT_SECS = 10 };

typedef enum monitor_state { MONITOR_STARTING, MONITOR_SERVING, MONITOR_STOPPING } monitor_state;

struct monitor {
    struct lws_context *context;
    rdb_thread *thread;
    _Atomic bool is_ending;
    _Atomic int state;
    rdb_mutex lock; /* rank SESSION: held while the engine is looked at */
    rdb_engine *engine RDB_GUARDED_BY(lock);
    char metrics_path[256], version[64];
    bool is_primary;
    int64_t started_us;
};

typedef struct request {
    rdb_strbuf body; /* behind LWS_PRE bytes */
    bool has_body;
} request;

/* ---- answers ------------------------------------------------------------------------------------------------------------ */
static const char *state_name(int state)
{
    static const char *const NAMES[] = {"starting", "serving", "stopping"};
    return NAMES[state];
}

static void look(monitor *m, rdb_health *health)
{
    const int state = atomic_load(&m->state);
    *health = (rdb_health){.version = m->version, .state = state_name(state), .uptime_seconds = (rdb_time_monotonic_us() - m->started_us) / 1000000};
    rdb_mutex_lock(&m->lock);
    if (m->engine != NULL)
        rdb_engine_check_health(m->engine, health);
    else
        rdb_health_add(health, "database", RDB_UNHEALTHY, "the instance is %s", state_name(state));
    rdb_mutex_unlock(&m->lock);
    health->is_ready = state == MONITOR_SERVING;
    health->is_primary = health->is_ready && m->is_primary;
}

static void write_build(const monitor *m, rdb_strbuf *text)
{
    rdb_metrics_family(text, "rustydb_build_info", RDB_METRIC_GAUGE, "Always 1; the version is a label.");
    rdb_metrics_value(text, "rustydb_build_info", "version", m->version, NULL, NULL, 1);
    rdb_metrics_one(text, "rustydb_up", RDB_METRIC_GAUGE, "1 while statements are taken.", atomic_load(&m->state) == MONITOR_SERVING);
}

/* The status; the body goes to text. 0: there is no such page. */
static unsigned answer(monitor *m, const char *path, rdb_strbuf *text, const char **type)
{
    rdb_health health;
    *type = "application/json";
    if (strcmp(path, m->metrics_path) == 0) {
        *type = "text/plain; version=0.0.4; charset=utf-8";
        write_build(m, text);
        rdb_mutex_lock(&m->lock);
        if (m->engine != NULL)
            rdb_engine_write_metrics(m->engine, text);
        rdb_mutex_unlock(&m->lock);
        return HTTP_STATUS_OK;
    }
    if (strcmp(path, "/health/live") == 0) {
        rdb_strbuf_adds(text, "{\"status\":\"live\"}\n");
        return HTTP_STATUS_OK;
    }
    const bool is_ready = strcmp(path, "/health/ready") == 0, is_primary = strcmp(path, "/health/primary") == 0;
    if (!is_ready && !is_primary && strcmp(path, "/health") != 0)
        return 0;
    look(m, &health);
    bool ok = is_ready ? health.is_ready : is_primary ? health.is_primary : health.is_ready && rdb_health_overall(&health) != RDB_UNHEALTHY;
    if (is_ready || is_primary)
        rdb_strbuf_addf(text, "{\"status\":\"%s%s\",\"state\":\"%s\"}\n", ok ? "" : "not ", is_ready ? "ready" : "primary", health.state);
    else
        rdb_health_write(&health, (rdb_time_wall_us() - RDB_UNIX_EPOCH_US) / 1000000, text);
    return ok ? HTTP_STATUS_OK : HTTP_STATUS_SERVICE_UNAVAILABLE;
}

static int respond(struct lws *wsi, monitor *m, request *r, const char *path)
{
    unsigned char header[LWS_PRE + 1024], *at = header + LWS_PRE, *start = at, *end = header + sizeof header - 1;
    const char *type = "text/plain";
    static const char room[LWS_PRE];
    rdb_strbuf_init(&r->body, NULL);
    rdb_strbuf_add(&r->body, room, sizeof room);
    unsigned status = answer(m, path, &r->body, &type);
    if (status == 0) {
        status = HTTP_STATUS_NOT_FOUND;
        type = "text/plain";
        rdb_strbuf_adds(&r->body, "not found\n");
    }
    if (r->body.failed) {
        rdb_strbuf_free(&r->body);
        return lws_return_http_status(wsi, HTTP_STATUS_INTERNAL_SERVER_ERROR, NULL) != 0 ? -1 : lws_http_transaction_completed(wsi);
    }
    r->has_body = true;
    if (lws_add_http_common_headers(wsi, status, type, r->body.length - LWS_PRE, &at, end) != 0 || lws_finalize_write_http_header(wsi, start, &at, end) != 0)
        return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    monitor *m = lws_context_user(lws_get_context(wsi));
    request *r = user;
    char path[256];
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0) /* no GET */
            return lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, NULL) != 0 ? -1 : lws_http_transaction_completed(wsi);
        snprintf(path, sizeof path, "%.*s", (int)RDB_MIN(length, sizeof path - 1), (const char *)in);
        return respond(wsi, m, r, path);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        if (r == NULL || !r->has_body)
            return 0;
        r->has_body = false;
        const size_t bytes = r->body.length - LWS_PRE;
        const int written = lws_write(wsi, (unsigned char *)r->body.data + LWS_PRE, bytes, LWS_WRITE_HTTP_FINAL); /* keeps what the socket does not take */
        rdb_strbuf_free(&r->body);
        return written < (int)bytes || lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        if (r != NULL && r->has_body)
            rdb_strbuf_free(&r->body);
        if (r != NULL)
            r->has_body = false;
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */
static void run(void *argument)
{
    monitor *m = argument;
    while (!atomic_load(&m->is_ending) && lws_service(m->context, 0) >= 0) {
    }
}

static void say(int level, const char *line)
{
    RDB_LOG((level & LLL_ERR) != 0 ? RDB_LOG_WARN : RDB_LOG_DEBUG, "monitor", "%.*s", (int)strcspn(line, "\n"), line);
}

/* The library says little about why it cannot listen, so that is tried first. */
static bool check_address(const monitor_options *options, rdb_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    const int yes = 1;
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1)
        return true; /* IPv6, or a name: the library's affair */
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const bool ok = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0;
    const int reason = errno;
    close(fd);
    return ok || rdb_error_set_errno(err, reason, "metrics could not listen on %s:%u", options->host, options->port);
}

bool monitor_start(monitor **started, const monitor_options *options, rdb_error *err)
{
    static const struct lws_protocols PROTOCOLS[] = {{.name = "http", .callback = on_http, .per_session_data_size = sizeof(request)}, {.name = NULL}};
    struct in_addr v4;
    *started = NULL;
    if (!check_address(options, err))
        return false;
    monitor *m = calloc(1, sizeof *m);
    if (m == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    rdb_mutex_init(&m->lock, RDB_RANK_SESSION);
    snprintf(m->metrics_path, sizeof m->metrics_path, "%s", options->metrics_path);
    snprintf(m->version, sizeof m->version, "%s", options->version);
    m->is_primary = options->is_primary;
    m->started_us = rdb_time_monotonic_us();
    lws_set_log_level(LLL_ERR | LLL_WARN, say);
    struct lws_context_creation_info info = {.port = options->port, .iface = options->host, .protocols = PROTOCOLS, .gid = -1, .uid = -1, .user = m};
    /* An IPv4 address with IPv6 allowed would listen on every address. */
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | (inet_pton(AF_INET, options->host, &v4) == 1 ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0);
    info.fd_limit_per_thread = DESCRIPTORS;
    info.keepalive_timeout = 60;
    info.timeout_secs = REQUESTS_TIMEOUT_SECS;
    m->context = lws_create_context(&info);
    if (m->context == NULL) {
        rdb_error_set(err, RDB_CONNECTION_FAILURE, "metrics could not listen on %s:%u", options->host, options->port);
        monitor_stop(&m);
        return false;
    }
    if (!rdb_thread_start(&m->thread, "monitor", run, m, err)) {
        monitor_stop(&m);
        return false;
    }
    *started = m;
    return true;
}

void monitor_serving(monitor *m, rdb_engine *engine)
{
    if (m == NULL)
        return;
    rdb_mutex_lock(&m->lock);
    m->engine = engine;
    rdb_mutex_unlock(&m->lock);
    atomic_store(&m->state, MONITOR_SERVING);
}

void monitor_stopping(monitor *m)
{
    if (m != NULL)
        atomic_store(&m->state, MONITOR_STOPPING);
}

void monitor_forget_engine(monitor *m)
{
    if (m == NULL)
        return;
    monitor_stopping(m);
    rdb_mutex_lock(&m->lock);
    m->engine = NULL;
    rdb_mutex_unlock(&m->lock);
}

void monitor_stop(monitor **at)
{
    monitor *m = *at;
    if (m == NULL)
        return;
    *at = NULL;
    atomic_store(&m->is_ending, true);
    if (m->thread != NULL)
        lws_cancel_service(m->context);
    rdb_thread_join(&m->thread);
    if (m->context != NULL)
        lws_context_destroy(m->context);
    rdb_mutex_deinit(&m->lock);
    free(m);
}
