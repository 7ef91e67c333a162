/* SPDX-License-Identifier: Apache-2.0
 * report: what happened, counted. One pass over the log; memory grows with distinct names, not with records. */
#include "audit.h"
#include "options.h"

#include "base/rdb_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct tally { /* of one line of the report */
    const char *keys[4];
    uint64_t count, failures;
    char first[40], last[40];
} tally;

typedef struct report {
    audit_work *work;
    rdb_map *tallies;
    rdb_list order; /* tally * */
    const char *kind;
    /* anomalies */
    rdb_map *roles;      /* role to known * */
    rdb_list findings;   /* char * */
} report;

typedef struct known { /* what a role is known to do */
    uint64_t records, hours[24], fail_streak;
    double rows_mean;
    rdb_map *clients, *objects;
} known;

static void count(report *r, const char *const keys[4], const json_t *record)
{
    char joined[1024];
    int length = snprintf(joined, sizeof joined, "%s\x1f%s\x1f%s\x1f%s", keys[0], keys[1], keys[2], keys[3]);
    const size_t bytes = RDB_MIN((size_t)length, sizeof joined - 1);
    tally *t = rdb_map_get(r->tallies, joined, bytes);
    const char *when = rdb_audit_field(record, "time"), *outcome = rdb_audit_field(record, "outcome");
    if (t == NULL) {
        t = RDB_NEW(r->work->arena, tally);
        for (int i = 0; i < 4; i++)
            t->keys[i] = rdb_arena_strdup(r->work->arena, keys[i]);
        snprintf(t->first, sizeof t->first, "%s", when);
        if (!rdb_map_put(r->tallies, rdb_arena_strndup(r->work->arena, joined, bytes), bytes, t, NULL))
            return;
        rdb_list_push(r->work->arena, &r->order, t);
    }
    t->count++;
    t->failures += strcmp(outcome, "failure") == 0;
    snprintf(t->last, sizeof t->last, "%s", when);
}

static const char *who(const json_t *record)
{
    const char *role = rdb_audit_field(record, "role");
    return role[0] != '\0' ? role : rdb_audit_field(record, "login");
}

static bool take(void *report_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    report *r = report_at;
    const char *class = rdb_audit_field(record, "class"), *action = rdb_audit_field(record, "action");
    rdb_strbuf objects;
    (void)line, (void)length;
    rdb_strbuf_init(&objects, NULL);
    rdb_audit_object_names(record, &objects);
    const char *names = objects.data != NULL ? objects.data : "";
    /* The address without its port. */
    char client[80];
    snprintf(client, sizeof client, "%s", rdb_audit_field(record, "client"));
    char *colon = strrchr(client, ':');
    if (colon != NULL && client[0] != '[')
        *colon = '\0';
    if (strcmp(r->kind, "logins") == 0) {
        if (strcmp(class, "session") == 0 && strcmp(action, "LOGIN") == 0)
            count(r, (const char *[]){rdb_audit_field(record, "login"), rdb_audit_field(record, "database"), client, rdb_audit_field(record, "application")}, record);
    } else if (strcmp(r->kind, "failures") == 0) {
        if (strcmp(rdb_audit_field(record, "outcome"), "failure") == 0)
            count(r, (const char *[]){rdb_audit_field(record, "code"), action, who(record), rdb_audit_field(record, "error")}, record);
    } else if (strcmp(r->kind, "ddl") == 0) {
        if (strcmp(class, "ddl") == 0)
            count(r, (const char *[]){action, names, who(record), rdb_audit_field(record, "database")}, record);
    } else if (strcmp(class, "role") == 0) {
        const json_t *detail = json_object_get(record, "detail");
        const char *to = rdb_audit_field(detail, "to"), *from = rdb_audit_field(detail, "from");
        count(r, (const char *[]){action, names, to[0] != '\0' ? to : from, who(record)}, record);
    }
    rdb_strbuf_free(&objects);
    return !audit_interrupted || rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

/* ---- anomalies ---------------------------------------------------------------------------------------------------------------
 * A role is known after so many records. Then: a client or an object it never had; an hour of the day it was never seen in; rows twenty
 * times its mean, and ten thousand at least; five failed logins in a row; rights given to a role or by one that never did. */
enum { KNOWN_AFTER = 50, BULK_ROWS = 10000, BULK_FACTOR = 20, FAILS = 5 };

static void find_anomaly(report *r, const json_t *record, const char *what, const char *detail)
{
    char *text = rdb_arena_printf(r->work->arena, "%s%c%lld%c%s%c%s%c%s", rdb_audit_field(record, "time"), 0x1f, (long long)json_integer_value(json_object_get(record, "seq")), 0x1f, who(record),
                                  0x1f, what, 0x1f, detail);
    rdb_list_push(r->work->arena, &r->findings, text);
}

static bool is_new_to(report *r, rdb_map *map, const char *name)
{
    const size_t length = strlen(name);
    if (length == 0 || rdb_map_get(map, name, length) != NULL)
        return false;
    return rdb_map_put(map, rdb_arena_strdup(r->work->arena, name), length, (void *)(uintptr_t)1, NULL);
}

static bool watch(void *report_at, const char *line, size_t length, const json_t *record, rdb_error *err)
{
    report *r = report_at;
    const char *role = who(record), *class = rdb_audit_field(record, "class"), *action = rdb_audit_field(record, "action"), *when = rdb_audit_field(record, "time");
    const bool failed = strcmp(rdb_audit_field(record, "outcome"), "failure") == 0;
    (void)line, (void)length;
    if (role[0] == '\0' || strcmp(class, "policy") == 0)
        return true;
    known *k = rdb_map_get(r->roles, role, strlen(role));
    if (k == NULL) {
        k = RDB_NEW(r->work->arena, known);
        k->clients = rdb_map_create();
        k->objects = rdb_map_create();
        if (k->clients == NULL || k->objects == NULL || !rdb_map_put(r->roles, rdb_arena_strdup(r->work->arena, role), strlen(role), k, NULL))
            return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    }
    const bool is_known = k->records >= KNOWN_AFTER;
    char client[80];
    snprintf(client, sizeof client, "%s", rdb_audit_field(record, "client"));
    char *colon = strrchr(client, ':');
    if (colon != NULL && client[0] != '[')
        *colon = '\0';
    if (is_new_to(r, k->clients, client) && is_known)
        find_anomaly(r, record, "new client", client);
    const json_t *object;
    size_t i;
    json_array_foreach(json_object_get(record, "objects"), i, object)
        if (is_new_to(r, k->objects, rdb_audit_field(object, "name")) && is_known && k->records >= 10 * KNOWN_AFTER)
            find_anomaly(r, record, "new object", rdb_audit_field(object, "name"));
    const unsigned hour = strlen(when) > 13 ? (unsigned)atoi(when + 11) % 24 : 0;
    if (is_known && k->records >= 10 * KNOWN_AFTER && k->hours[hour] == 0 && k->hours[(hour + 23) % 24] == 0 && k->hours[(hour + 1) % 24] == 0)
        find_anomaly(r, record, "unusual hour", when);
    k->hours[hour]++;
    const json_t *rows_json = json_object_get(record, "rows");
    if (rows_json != NULL && (strcmp(class, "read") == 0 || strcmp(class, "write") == 0)) {
        const double rows = (double)json_integer_value(rows_json);
        if (is_known && rows >= BULK_ROWS && rows > BULK_FACTOR * k->rows_mean)
            find_anomaly(r, record, strcmp(class, "read") == 0 ? "bulk read" : "bulk write", rdb_arena_printf(r->work->arena, "%.0f rows", rows));
        k->rows_mean += (rows - k->rows_mean) / (double)RDB_MIN(k->records + 1, (uint64_t)1000);
    }
    if (strcmp(class, "session") == 0 && strcmp(action, "LOGIN") == 0) {
        k->fail_streak = failed ? k->fail_streak + 1 : 0;
        if (k->fail_streak == FAILS)
            find_anomaly(r, record, "failed logins", client);
    }
    if (strcmp(class, "role") == 0 && !failed && is_new_to(r, k->objects, "\x1fgrants") && is_known)
        find_anomaly(r, record, "first change of rights", action);
    k->records++;
    return !audit_interrupted || rdb_error_set(err, RDB_QUERY_CANCELED, "interrupted");
}

static void print_anomalies(const report *r)
{
    for (uint32_t i = 0; i < r->findings.count; i++) {
        char *fields[5] = {0}, *text = r->findings.items[i];
        for (int k = 0; k < 5; k++) {
            fields[k] = text;
            char *end = strchr(text, 0x1f);
            if (end != NULL)
                *end = '\0';
            text = end != NULL ? end + 1 : text + strlen(text);
        }
        if (!r->work->arguments->json) {
            printf("%s  record %s  %s  %s: %s\n", fields[0], fields[1], fields[2], fields[3], fields[4]);
            continue;
        }
        json_t *json = json_pack("{s:s, s:I, s:s, s:s, s:s}", "time", fields[0], "record", (json_int_t)strtoull(fields[1], NULL, 10), "role", fields[2], "anomaly", fields[3], "detail", fields[4]);
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(json);
    }
}

static int by_count(const void *left, const void *right)
{
    const tally *a = *(tally *const *)left, *b = *(tally *const *)right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : strcmp(a->first, b->first);
}

static const struct kind { const char *name; const char *titles[4]; } KINDS[] = {
    {"logins", {"login", "database", "client", "application"}},
    {"failures", {"code", "action", "role", "error"}},
    {"ddl", {"action", "objects", "role", "database"}},
    {"grants", {"action", "objects", "to", "by"}},
    {"anomalies", {NULL}},
};

static void print_tallies(report *r, const struct kind *kind)
{
    if (r->order.count > 1)
        qsort(r->order.items, r->order.count, sizeof *r->order.items, by_count);
    if (!r->work->arguments->json)
        printf("%8s %8s  %-27s  %-27s  %s | %s | %s | %s\n", "count", "failed", "first", "last", kind->titles[0], kind->titles[1], kind->titles[2], kind->titles[3]);
    for (uint32_t i = 0; i < r->order.count; i++) {
        const tally *t = r->order.items[i];
        if (!r->work->arguments->json) {
            printf("%8" PRIu64 " %8" PRIu64 "  %-27s  %-27s  %s | %s | %s | %s\n", t->count, t->failures, t->first, t->last, t->keys[0], t->keys[1], t->keys[2], t->keys[3]);
            continue;
        }
        json_t *json = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "count", (json_int_t)t->count, "failed", (json_int_t)t->failures, "first", t->first, "last", t->last, kind->titles[0],
                                 t->keys[0], kind->titles[1], t->keys[1], kind->titles[2], t->keys[2], kind->titles[3], t->keys[3]);
        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(json);
    }
}

int command_report(audit_work *work)
{
    const struct kind *kind = NULL;
    for (size_t i = 0; i < RDB_COUNT_OF(KINDS) && work->operands.count > 0; i++)
        if (strcmp(KINDS[i].name, work->operands.items[0]) == 0)
            kind = &KINDS[i];
    if (kind == NULL)
        return rdb_options_refuse(work->program, "report takes one of logins, failures, ddl, grants, anomalies");
    report r = {.work = work, .kind = kind->name, .tallies = rdb_map_create(), .roles = rdb_map_create()};
    const bool is_watching = kind->titles[0] == NULL;
    bool ok = (r.tallies != NULL && r.roles != NULL) || rdb_error_set(&work->err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = ok && rdb_audit_search(work->directory, &work->filter, is_watching ? watch : take, &r, &work->err);
    if (ok && is_watching)
        print_anomalies(&r);
    else if (ok)
        print_tallies(&r, kind);
    uint32_t cursor = 0;
    rdb_slice key;
    void *value;
    while (r.roles != NULL && rdb_map_next(r.roles, &cursor, &key, &value)) {
        rdb_map_destroy(((known *)value)->clients);
        rdb_map_destroy(((known *)value)->objects);
    }
    rdb_map_destroy(r.tallies);
    rdb_map_destroy(r.roles);
    return ok ? RDB_EXIT_DONE : audit_interrupted ? RDB_EXIT_INTERRUPTED : audit_report_error(work);
}
