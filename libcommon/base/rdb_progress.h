/* SPDX-License-Identifier: Apache-2.0
 * A progress line on stderr, drawn only where stderr is a terminal and at most some times a second. */
#ifndef RDB_PROGRESS_H
#define RDB_PROGRESS_H

#include "base/rdb_base.h"

typedef struct rdb_progress {
    const char *what;  /* borrowed for its life */
    uint64_t total;    /* 0: unknown */
    uint64_t done;
    int64_t started_us, drawn_us;
    bool on_terminal, in_bytes;
} rdb_progress;

void rdb_progress_begin(rdb_progress *progress, const char *what, uint64_t total, bool in_bytes);
void rdb_progress_add(rdb_progress *progress, uint64_t more); /* one thread at a time */
void rdb_progress_end(rdb_progress *progress); /* wipes the line */

#endif
