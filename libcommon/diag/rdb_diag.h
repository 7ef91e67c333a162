/* SPDX-License-Identifier: Apache-2.0
 * Room diag: what can be known of an instance, as tables of facts, and what follows from it. Collectors fill the tables from the host,
 * from the instance's files and, where it answers, from the server; each tells how far it came (table item). Rules are queries over
 * the tables, so that they can be asked again of facts that were kept, without the instance they came from.
 *
 * Facts live in a SQLite database in memory. Tables and their columns: collect_*.c; how private a column is: rdb_fact_class. */
#ifndef RDB_DIAG_H
#define RDB_DIAG_H

#include "client/rdb_client.h"

/* ---- facts: facts.c ------------------------------------------------------------------------------------------------------------- */
typedef struct rdb_facts rdb_facts;

/* What may leave the machine. In a list of columns, "name:n" is a NAME, "query:t" a TEXT, without a letter it is PLAIN. */
typedef enum rdb_fact_class {
    RDB_FACT_PLAIN, /* numbers, times, states, names of this product */
    RDB_FACT_NAME,  /* names that users gave: in a bundle a pseudonym, the same one for the same name */
    RDB_FACT_TEXT   /* statements, messages, paths: never in a bundle */
} rdb_fact_class;

RDB_CHECKED bool rdb_facts_create(rdb_facts **facts, rdb_error *err);
void rdb_facts_close(rdb_facts **facts); /* NULL inside is fine */
/* columns: "pid datname:n query:t". A table that exists already stays as it is. */
RDB_CHECKED bool rdb_facts_table(rdb_facts *facts, const char *table, const char *columns, rdb_error *err);
/* One row; values are texts or NULL. Numbers become numbers in PLAIN columns. */
RDB_CHECKED bool rdb_facts_add(rdb_facts *facts, const char *table, const char *const *values, uint32_t count, rdb_error *err);
/* One row of two columns, a name and a number: tables host, server and their kin. */
RDB_CHECKED bool rdb_facts_add_number(rdb_facts *facts, const char *table, const char *name, int64_t value, rdb_error *err);
/* Statements that prepare facts, as tests do. */
RDB_CHECKED bool rdb_facts_run(rdb_facts *facts, const char *sql, rdb_error *err);
/* Rows of a query as const char **, NULLs as NULL. 42P01 where a table is missing: it was not collected. */
RDB_CHECKED bool rdb_facts_query(rdb_facts *facts, const char *sql, rdb_arena *arena, rdb_list *rows, rdb_error *err);
/* The names of the tables, and of a table's columns with their classes. */
typedef struct rdb_fact_column {
    const char *name;
    rdb_fact_class class;
} rdb_fact_column;
RDB_CHECKED bool rdb_facts_tables(rdb_facts *facts, rdb_arena *arena, rdb_list *names, rdb_error *err);
RDB_CHECKED bool rdb_facts_columns(rdb_facts *facts, const char *table, rdb_arena *arena, rdb_list *columns, rdb_error *err);

/* ---- collecting: collect.c ------------------------------------------------------------------------------------------------------ */
typedef struct rdb_diag_scope {
    const char *home;        /* NULL: a server on a host, whose files are out of reach */
    rdb_client_place *place; /* NULL: the server is not asked */
    int64_t deadline_us;     /* of rdb_time_monotonic_us; what is not there by then is told as timed out. 0: none */
    bool is_brief;           /* nothing of the single databases */
} rdb_diag_scope;
/* Never fails for what an instance is like: what could not be collected stands in table item(topic, database, state, detail, elapsed_us), state one of
 * collected, unreachable, denied, timed out, failed. */
RDB_CHECKED bool rdb_diag_collect(rdb_facts *facts, const rdb_diag_scope *scope, rdb_error *err);
/* All tables, empty: for tests, and for rules over parts. */
RDB_CHECKED bool rdb_diag_make_tables(rdb_facts *facts, rdb_error *err);

/* ---- bundles: bundle.c ----------------------------------------------------------------------------------------------------------- */
#define RDB_DIAG_KEY_BYTES 32
#define RDB_DIAG_PSEUDONYM_BYTES 16
void rdb_diag_pseudonym(const uint8_t key[RDB_DIAG_KEY_BYTES], const char *name, char pseudonym[RDB_DIAG_PSEUDONYM_BYTES]);
/* path "-": stdout. Else the file is there whole, or not at all. */
RDB_CHECKED bool rdb_diag_write_bundle(rdb_facts *facts, const uint8_t key[RDB_DIAG_KEY_BYTES], const char *path, rdb_error *err);
typedef bool rdb_diag_member_sink(void *context, const char *name, const void *bytes, size_t length, rdb_error *err);
/* The members as they would be written. */
RDB_CHECKED bool rdb_diag_preview(rdb_facts *facts, const uint8_t key[RDB_DIAG_KEY_BYTES], rdb_diag_member_sink *sink, void *context, rdb_error *err);
/* The facts of a bundle, into tables whose names begin with prefix. XX001 for a file that is none. */
RDB_CHECKED bool rdb_facts_read(rdb_facts *facts, const char *path, const char *prefix, rdb_error *err);

/* ---- digests of logs: log_digest.c ------------------------------------------------------------------------------------------------- */
typedef struct rdb_log_digest rdb_log_digest;
typedef struct rdb_log_line {
    char time[32], level[8], room[32], sqlstate[8], message[2048]; /* "" where the line does not have it */
} rdb_log_line;
typedef struct rdb_log_totals {
    uint64_t lines, errors, warnings, unreadable;
    uint64_t forgotten;    /* lines whose shape was too rare to be kept */
    uint64_t out_of_range; /* lines too far from the first to be in the plot */
    uint32_t hour_count;
    char first_time[32], last_time[32];
} rdb_log_totals;
typedef struct rdb_log_shape {
    const char *shape, *sample; /* "level room sqlstate: message", numbers as #, quoted texts as "*"; one that was written */
    uint64_t count;
    char first_time[32], last_time[32];
} rdb_log_shape;
rdb_log_digest *rdb_log_digest_create(void); /* NULL: no memory */
void rdb_log_digest_destroy(rdb_log_digest **digest);
RDB_CHECKED bool rdb_log_digest_file(rdb_log_digest *digest, const char *path, rdb_error *err); /* "-": stdin */
RDB_CHECKED bool rdb_log_digest_add(rdb_log_digest *digest, const char *line, rdb_error *err);
const rdb_log_totals *rdb_log_digest_totals(const rdb_log_digest *digest);
uint64_t rdb_log_digest_hour(const rdb_log_digest *digest, uint32_t hour_no, bool only_bad); /* lines of one hour since the first */
/* The most frequent first; items are rdb_log_shape *, the digest's own. */
RDB_CHECKED bool rdb_log_digest_shapes(const rdb_log_digest *digest, uint32_t count_max, rdb_arena *arena, rdb_list *shapes, rdb_error *err);
/* One HTML page that needs nothing else. */
RDB_CHECKED bool rdb_log_digest_page(const rdb_log_digest *digest, rdb_strbuf *out, rdb_error *err);
/* A line of JSON or text; false: neither. */
RDB_CHECKED bool rdb_log_read_line(const char *line, rdb_log_line *into);
void rdb_log_make_shape(const char *message, char *shape, size_t size);

/* ---- rules: rules.c, doctor_rules.def ------------------------------------------------------------------------------------------- */
typedef enum rdb_severity { RDB_SEVERITY_NOTICE, RDB_SEVERITY_WARNING, RDB_SEVERITY_CRITICAL } rdb_severity;
typedef struct rdb_rule {
    const char *id, *title;
    rdb_severity severity;
    const char *query; /* object, evidence, fix */
} rdb_rule;
typedef struct rdb_finding {
    const rdb_rule *rule;
    const char *object, *evidence, *fix;
} rdb_finding;
extern const rdb_rule RDB_DOCTOR_RULES[], RDB_DIFF_RULES[];
extern const uint32_t RDB_DOCTOR_RULE_COUNT, RDB_DIFF_RULE_COUNT;
/* What rdb-audit comply checks; a finding of its rule is what does not comply. */
enum { RDB_PROFILE_CIS = 1, RDB_PROFILE_STIG = 2 };
typedef struct rdb_check {
    rdb_rule rule;
    unsigned profiles;
    const char *requirement;
} rdb_check;
extern const rdb_check RDB_COMPLY_CHECKS[];
extern const uint32_t RDB_COMPLY_CHECK_COUNT;
/* The causes that rdb-diag why looks for, the likeliest first: "blocked", "full", "slow", "waiting". NULL: no such question. */
const rdb_rule *rdb_diag_question(const char *question, uint32_t *rule_count);
const char *rdb_severity_text(rdb_severity severity);
/* Items of *findings are rdb_finding, the gravest first. *unjudged: rules whose facts were not collected. */
RDB_CHECKED bool rdb_diag_judge(rdb_facts *facts, const rdb_rule *rules, uint32_t rule_count, rdb_arena *arena, rdb_list *findings, uint32_t *unjudged, rdb_error *err);

#endif
