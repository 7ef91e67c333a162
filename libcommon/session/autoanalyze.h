/* SPDX-License-Identifier: Apache-2.0
 * Statistics that follow the data: a thread analyses tables that changed much since they were analysed last. */
#ifndef RDB_SESSION_AUTOANALYZE_H
#define RDB_SESSION_AUTOANALYZE_H

#include "session/rdb_session.h"

typedef struct autoanalyze autoanalyze;
RDB_CHECKED bool autoanalyze_start(autoanalyze **started, rdb_engine *engine, int64_t interval_us, rdb_error *err);
void autoanalyze_stop(autoanalyze **started); /* NULL inside is fine; a running ANALYZE is cancelled */

#endif
