/* SPDX-License-Identifier: Apache-2.0
 * What the commands of rdb-diag share. */
#ifndef RDB_DIAG_PROGRAM_H
#define RDB_DIAG_PROGRAM_H

#include "diag/rdb_diag.h"
#include "options.h"

typedef struct diag_work {
    const rdb_program *program;
    const diag_arguments *arguments;
    rdb_operands operands; /* behind the command */
    rdb_client_place place;
    rdb_arena *arena;
    rdb_facts *facts;
    rdb_error err;
} diag_work;

int diag_report(diag_work *work); /* work->err; gives the exit code */
/* Facts of --facts, or of the instance within the deadline. */
bool diag_gather(diag_work *work, bool is_brief);
bool diag_server_answered(diag_work *work);
/* What could not be collected, for people: to stderr. Gives its number. */
uint32_t diag_tell_missing(diag_work *work);

int command_health(diag_work *work);
int command_doctor(diag_work *work);
int command_why(diag_work *work);
int command_bundle(diag_work *work);
int command_incidents(diag_work *work);
int command_logs(diag_work *work);
int command_top(diag_work *work);
int command_diff(diag_work *work);
int command_salvage(diag_work *work);

#endif
