/* SPDX-License-Identifier: Apache-2.0
 * What the commands of rdb-audit share. Each answers with the program's exit code. */
#ifndef RDB_AUDIT_PROGRAM_H
#define RDB_AUDIT_PROGRAM_H

#include "audit/rdb_audit_search.h"
#include "base/rdb_options.h"
#include "os/rdb_file.h"
#include "os/rdb_time.h"

#include <limits.h>

typedef struct audit_arguments audit_arguments;
typedef struct audit_work {
    const rdb_program *program;
    const audit_arguments *arguments;
    rdb_operands operands; /* behind the command */
    char directory[PATH_MAX], public_key[PATH_MAX];
    rdb_audit_filter filter;
    rdb_arena *arena;
    rdb_error err;
} audit_work;

int command_tail(audit_work *work);
int command_search(audit_work *work);
int command_verify(audit_work *work);
int command_report(audit_work *work);
int command_export(audit_work *work);
int command_prune(audit_work *work);
int command_witness(audit_work *work);
int command_comply(audit_work *work);
int command_policy(audit_work *work);
/* search.c: the number that a checkpoint file names (0: it is not there yet). */
bool audit_read_checkpoint(const char *path, rdb_arena *arena, uint64_t *number, rdb_error *err);
bool audit_write_checkpoint(const char *path, uint64_t number, rdb_error *err);

int audit_report_error(audit_work *work);
extern volatile bool audit_interrupted;

/* print.c: records in a form for people. */
typedef struct audit_printer audit_printer;
audit_printer *audit_printer_open(const char *format); /* table, line, csv, json */
void audit_print(audit_printer *printer, const char *line, size_t length, const json_t *record);
void audit_printer_close(audit_printer *printer); /* prints what is still held */

#endif
