/* SPDX-License-Identifier: Apache-2.0
 * Payloads of commit records that refer to earlier records of the log (wal/rdb_wal_reference.h). */
#ifndef RDB_TXN_PAYLOAD_H
#define RDB_TXN_PAYLOAD_H

#include "txn/rdb_txn.h"

typedef struct rdb_txn_payload_references { /* of the payloads of one kind */
    uint16_t kind;
    rdb_lsn (*oldest)(const void *bytes, uint32_t length); /* the lowest one; 0: there is none */
    /* The same payload without references, where a redo point was fixed since it was made. */
    bool (*expand)(void *context, const void *bytes, uint32_t length, rdb_strbuf *whole, rdb_error *err);
    void *context;
} rdb_txn_payload_references;
void rdb_txn_set_payload_references(rdb_txn_manager *manager, const rdb_txn_payload_references *references); /* NULL: there are none any more; no transaction runs */

#endif
