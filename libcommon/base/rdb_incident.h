/* SPDX-License-Identifier: Apache-2.0
 * First failure: what a process knew at the moment when something went wrong, in a file of its own, so that nobody has to wait for it to
 * happen again. A crash (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, a failed RDB_VERIFY) writes one from its signal handler; code that meets
 * damage, a deadlock or a sync that took seconds notes one and goes on.
 *
 *     DIRECTORY/incident-20261121T101500Z-4711-crash.txt
 *         kind, time, program, pid, thread and reason, a line each; then the stack, the threads, the last messages of the log
 *
 * Floods are bounded: one incident of a kind a minute, and no more than RDB_INCIDENTS_MAX files, the oldest of which go. */
#ifndef RDB_INCIDENT_H
#define RDB_INCIDENT_H

#include "base/rdb_base.h"

#define RDB_INCIDENTS_MAX 50

/* Watches this process from now on; directory is copied. What failed: crashes end the process as they would without it. */
void rdb_incident_watch(const char *directory);
void rdb_incident_unwatch(void);
/* kind: one word of letters and hyphens. Returns at once where nothing is watched or the kind had its turn. Not for signal handlers. */
void rdb_incident_note(const char *kind, const char *format, ...) RDB_PRINTF(2, 3);
/* What the next crash gives as its reason (rdb_verify_failed). */
void rdb_incident_set_reason(const char *reason);

#endif
