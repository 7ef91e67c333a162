/* SPDX-License-Identifier: Apache-2.0
 * Commands of the operator's, run by sh; how much of the machine this process asks for. */
#ifndef RDB_PROCESS_H
#define RDB_PROCESS_H

#include "base/rdb_base.h"

/* Runs "sh -c command" in a process group of its own and waits for its end. give_up is asked every few milliseconds; when it says true
 * the group is ended (first asked to, a second later made to). *status is the exit code, or 128 + the signal. False: it could not be run
 * (58000), or it was given up (57014). */
RDB_CHECKED bool rdb_process_run_shell(const char *command, bool (*give_up)(void *context), void *context, int *status, rdb_error *err);

/* Steps behind others: ten steps of nice (from 0, where it stands before the others), the lowest of the disk's ordinary priorities. For work
 * beside which somebody waits; the calling thread does so and those it starts later. Where the system refuses, nothing happens. */
void rdb_process_step_back(void);

#endif
