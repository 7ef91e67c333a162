/* SPDX-License-Identifier: Apache-2.0
 * Records that refer to earlier ones by their LSN. Who reads the log from a redo point on (recovery, a restored backup) has nothing before
 * it, so such a record must not stand behind a redo point that its reference leads past. */
#ifndef RDB_WAL_REFERENCE_H
#define RDB_WAL_REFERENCE_H

#include "wal/rdb_wal.h"

/* The redo point, and no other one is fixed until it is let go: the record is inserted meanwhile, if its references do not lie before this.
 * May enclose rdb_wal_gate_enter, never stand inside it; held for the insertion of a record, as that. */
rdb_lsn rdb_wal_hold_redo_point(rdb_wal *wal);
void rdb_wal_let_redo_point(rdb_wal *wal);

#endif
