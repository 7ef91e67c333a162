/* SPDX-License-Identifier: Apache-2.0
 * See rdb_metrics.h. */
#include "observe/rdb_metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void rdb_metrics_family(rdb_strbuf *text, const char *name, rdb_metric_kind kind, const char *help)
{
    static const char *const KINDS[] = {"counter", "gauge", "histogram"};
    rdb_strbuf_addf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, KINDS[kind]);
}

static void add_label(rdb_strbuf *text, const char *name, const char *value)
{
    rdb_strbuf_addf(text, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            rdb_strbuf_addc(text, '\\');
        if (*value == '\n')
            rdb_strbuf_adds(text, "\\n");
        else
            rdb_strbuf_addc(text, *value);
    }
    rdb_strbuf_addc(text, '"');
}

static void add_number(rdb_strbuf *text, double value)
{
    if (isnan(value))
        rdb_strbuf_adds(text, " NaN\n");
    else if (isinf(value))
        rdb_strbuf_adds(text, value > 0 ? " +Inf\n" : " -Inf\n");
    else if (value == floor(value) && fabs(value) < 1e15)
        rdb_strbuf_addf(text, " %.0f\n", value);
    else
        rdb_strbuf_addf(text, " %.9g\n", value);
}

void rdb_metrics_value(rdb_strbuf *text, const char *name, const char *label1, const char *value1, const char *label2, const char *value2, double value)
{
    rdb_strbuf_adds(text, name);
    if (label1 != NULL) {
        rdb_strbuf_addc(text, '{');
        add_label(text, label1, value1);
        if (label2 != NULL) {
            rdb_strbuf_addc(text, ',');
            add_label(text, label2, value2);
        }
        rdb_strbuf_addc(text, '}');
    }
    add_number(text, value);
}

void rdb_metrics_one(rdb_strbuf *text, const char *name, rdb_metric_kind kind, const char *help, double value)
{
    rdb_metrics_family(text, name, kind, help);
    rdb_metrics_value(text, name, NULL, NULL, NULL, NULL, value);
}

void rdb_metrics_histogram(rdb_strbuf *text, const char *name, const char *help, const double *bounds, const uint64_t *counts, uint32_t bound_count, double sum)
{
    uint64_t up_to = 0;
    rdb_metrics_family(text, name, RDB_METRIC_HISTOGRAM, help);
    for (uint32_t i = 0; i <= bound_count; i++) {
        up_to += counts[i];
        if (i < bound_count)
            rdb_strbuf_addf(text, "%s_bucket{le=\"%g\"} %llu\n", name, bounds[i], (unsigned long long)up_to);
        else
            rdb_strbuf_addf(text, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)up_to);
    }
    rdb_strbuf_addf(text, "%s_sum", name);
    add_number(text, sum);
    rdb_strbuf_addf(text, "%s_count %llu\n", name, (unsigned long long)up_to);
}

/* ---- health -------------------------------------------------------------------------------------------------------------- */
const char *rdb_health_name(rdb_health_word word)
{
    static const char *const WORDS[] = {"healthy", "degraded", "unhealthy"};
    return WORDS[word];
}

void rdb_health_add(rdb_health *health, const char *name, rdb_health_word word, const char *format, ...)
{
    va_list arguments;
    if (health->count == RDB_HEALTH_CHECKS_MAX)
        return;
    rdb_health_check *check = &health->checks[health->count++];
    check->name = name;
    check->word = word;
    va_start(arguments, format);
    vsnprintf(check->message, sizeof check->message, format, arguments);
    va_end(arguments);
}

rdb_health_word rdb_health_overall(const rdb_health *health)
{
    rdb_health_word worst = RDB_HEALTHY;
    for (uint32_t i = 0; i < health->count; i++)
        worst = RDB_MAX(worst, health->checks[i].word);
    return worst;
}

void rdb_health_write(const rdb_health *health, int64_t unix_seconds, rdb_strbuf *text)
{
    rdb_strbuf_addf(text, "{\"status\":\"%s\",\"version\":\"%s\",\"state\":\"%s\",\"uptime_seconds\":%lld,\"checks\":{", rdb_health_name(rdb_health_overall(health)),
                    health->version, health->state, (long long)health->uptime_seconds);
    for (uint32_t i = 0; i < health->count; i++) {
        const rdb_health_check *check = &health->checks[i];
        rdb_strbuf_addf(text, "%s\"%s\":{\"status\":\"%s\"", i > 0 ? "," : "", check->name, rdb_health_name(check->word));
        if (check->message[0] != '\0') {
            rdb_strbuf_adds(text, ",\"message\":");
            rdb_strbuf_add_json(text, check->message, strlen(check->message));
        }
        rdb_strbuf_addf(text, ",\"last_check\":%lld}", (long long)unix_seconds);
    }
    rdb_strbuf_adds(text, "}}\n");
}
