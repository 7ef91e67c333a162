/* SPDX-License-Identifier: Apache-2.0
 * Metrics as Prometheus reads them (text format 0.0.4), and health as JSON. A family is begun once, its values follow:
 *
 *     rdb_metrics_family(text, "rustydb_transactions_total", RDB_METRIC_COUNTER, "Transactions ended since the start.");
 *     rdb_metrics_value(text, "rustydb_transactions_total", "status", "committed", NULL, NULL, 12);
 */
#ifndef RDB_METRICS_H
#define RDB_METRICS_H

#include "base/rdb_base.h"
#include "base/rdb_string.h"

typedef enum rdb_metric_kind { RDB_METRIC_COUNTER, RDB_METRIC_GAUGE, RDB_METRIC_HISTOGRAM } rdb_metric_kind;
void rdb_metrics_family(rdb_strbuf *text, const char *name, rdb_metric_kind kind, const char *help);
/* Labels in pairs of name and value; a NULL name ends them. */
void rdb_metrics_value(rdb_strbuf *text, const char *name, const char *label1, const char *value1, const char *label2, const char *value2, double value);
/* A family with one value. */
void rdb_metrics_one(rdb_strbuf *text, const char *name, rdb_metric_kind kind, const char *help, double value);
/* counts: one more than bounds, not added up; sum in the unit of the bounds. */
void rdb_metrics_histogram(rdb_strbuf *text, const char *name, const char *help, const double *bounds, const uint64_t *counts, uint32_t bound_count, double sum);

/* What the machine and the process do now, from /proc; what cannot be read is 0. */
typedef struct rdb_system_figures {
    double process_cpu_seconds, machine_cpu_seconds, machine_idle_seconds, load1;
    uint64_t process_memory_bytes, machine_memory_bytes, machine_available_bytes;
    uint64_t process_read_bytes, process_write_bytes; /* that reached a disk */
    uint64_t open_files, threads;
    uint64_t network_received_bytes, network_sent_bytes; /* of the machine, without loopback */
    uint32_t processors;
} rdb_system_figures;
void rdb_system_read(rdb_system_figures *figures);
typedef struct rdb_disk_figures {
    uint64_t bytes, free_bytes; /* free: for who is not root */
} rdb_disk_figures;
bool rdb_disk_read(const char *path, rdb_disk_figures *figures);

/* ---- health -------------------------------------------------------------------------------------------------------------- */
typedef enum rdb_health_word { RDB_HEALTHY, RDB_DEGRADED, RDB_UNHEALTHY } rdb_health_word;
typedef struct rdb_health_check {
    const char *name;
    rdb_health_word word;
    char message[160]; /* "": nothing to say */
} rdb_health_check;
enum { RDB_HEALTH_CHECKS_MAX = 12 };
typedef struct rdb_health {
    const char *version, *state; /* state: starting, serving, stopping */
    int64_t uptime_seconds;
    bool is_ready, is_primary;
    uint32_t count;
    rdb_health_check checks[RDB_HEALTH_CHECKS_MAX];
} rdb_health;
void rdb_health_add(rdb_health *health, const char *name, rdb_health_word word, const char *format, ...) RDB_PRINTF(4, 5);
rdb_health_word rdb_health_overall(const rdb_health *health); /* the worst of its checks */
const char *rdb_health_name(rdb_health_word word);
/* {"status","version","state","uptime_seconds","checks":{name:{"status","message","last_check"}}} */
void rdb_health_write(const rdb_health *health, int64_t unix_seconds, rdb_strbuf *text);

#endif
