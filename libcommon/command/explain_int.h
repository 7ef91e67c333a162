/* SPDX-License-Identifier: Apache-2.0
 * EXPLAIN from the inside: one walk over the plan says what there is to say, and a writer puts it down as text, JSON, XML or
 * YAML, byte for byte as PostgreSQL lays them out. */
#ifndef RDB_COMMAND_EXPLAIN_INT_H
#define RDB_COMMAND_EXPLAIN_INT_H

#include "command/command_int.h"

typedef enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_XML, EXPLAIN_YAML } explain_format;

#define EXPLAIN_GROUPS_MAX 1024
typedef struct explain_writer {
    explain_format format;
    rdb_strbuf out;
    uint32_t indent;  /* text: columns; else levels */
    uint32_t depth;   /* of groups */
    bool has_item[EXPLAIN_GROUPS_MAX]; /* of each open group: something stands in it */
} explain_writer;

/* explain_write.c. In text only text and numbers are written, one a line: "Label: value". */
void explain_open(explain_writer *w, const char *kind, const char *label /* NULL: an item of a list */, bool labeled /* its items have labels */);
void explain_close(explain_writer *w, const char *kind, bool labeled);
void explain_put(explain_writer *w, const char *label, const char *value);
void explain_put_raw(explain_writer *w, const char *label, const char *value); /* a number, true, false */
void explain_put_number(explain_writer *w, const char *label, double value, int digits);
void explain_put_list(explain_writer *w, const char *label, const rdb_list *texts /* char * */);
void explain_begin(explain_writer *w);
void explain_end(explain_writer *w);

typedef struct explaining {
    rdb_command_context *context;
    bool analyze, costs, timing, summary, verbose, buffers, wal, settings;
    uint32_t setting_count;
    const rdb_plan *plan;
    const rdb_execution *execution; /* for the statistics, and for what a run leaves out */
    explain_writer w;
    rdb_error *err;
    bool ok;
    const rdb_plan_node *node; /* being printed */
} explaining;

/* explain_node.c: the plan, from its root. */
void explain_plan(explaining *work);
void explain_put_buffers(explaining *work, const rdb_usage *usage);
bool explain_is_removed(const explaining *work, const rdb_plan_node *node); /* a part that the run left out */
void explain_name_ranges(explaining *work); /* explain_names.c */

#endif
