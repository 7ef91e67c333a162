/* SPDX-License-Identifier: Apache-2.0
 * Metrics and health over HTTP, from a thread of its own that needs none of those who serve statements: it answers when all of them wait,
 * while the instance recovers, and while it stops.
 *
 *     GET /metrics          Prometheus text          200
 *     GET /health           JSON                     200, 503 where a check is unhealthy or the instance is not serving
 *     GET /health/live      the process runs         200
 *     GET /health/ready     statements are taken     200 or 503
 *     GET /health/primary   ... and writes too       200 or 503 */
#ifndef RDB_SERVE_MONITOR_H
#define RDB_SERVE_MONITOR_H

#include "session/rdb_session.h"

typedef struct monitor monitor;
typedef struct monitor_options {
    const char *host; /* an address of this machine */
    uint16_t port;
    const char *metrics_path, *version;
    bool is_primary;
} monitor_options;
/* Listens and answers at once, saying "starting". Where the address is taken: an error, and the server goes on without. */
RDB_CHECKED bool monitor_start(monitor **started, const monitor_options *options, rdb_error *err);
void monitor_serving(monitor *m, rdb_engine *engine); /* NULL m is fine here and below */
void monitor_stopping(monitor *m);
/* The engine is not looked at any more when this returns. */
void monitor_forget_engine(monitor *m);
void monitor_stop(monitor **m);

#endif
