/* SPDX-License-Identifier: Apache-2.0
 * Room undo: the version store. Every row change writes one immutable, self-contained record before it is done (R10);
 * purge and the reverter read nothing else. A running transaction owns one undo log of each class it writes (R11). */
#ifndef RDB_UNDO_H
#define RDB_UNDO_H

#include "txn/rdb_txn.h"

typedef struct rdb_undo rdb_undo; /* the undo store of an instance: logs of every PDB */

#endif
