/* SPDX-License-Identifier: Apache-2.0
 * The audit writer: the thread that makes logs/audit.log of what the WAL holds for it (libcommon/audit/README.md). Batches reach it
 * through a queue in the order of the log, so in quiet times it reads no WAL; after a crash, and when the queue was too long, it does. */
#ifndef RDB_SESSION_AUDIT_WRITER_H
#define RDB_SESSION_AUDIT_WRITER_H

#include "session/audit_texts.h"
#include "txn/rdb_txn.h"
#include "upkeep/rdb_upkeep.h"

typedef struct audit_writer audit_writer;
typedef enum audit_failure { AUDIT_BLOCK, AUDIT_HALT, AUDIT_SPILL } audit_failure;
typedef struct audit_writer_config {
    const char *home, *directory; /* of the logs */
    uint64_t system_id;
    uint64_t file_bytes_max;
    audit_failure on_failure;
    bool is_ending; /* auditing is off: what the WAL still holds is written, and that it ends */
} audit_writer_config;
/* Opens the log and brings it up to the end of the WAL, which nobody writes yet. */
RDB_CHECKED bool audit_writer_open(audit_writer **writer, const audit_writer_config *config, rdb_upkeep *upkeep, rdb_txn_manager *txns, rdb_error *err);
RDB_CHECKED bool audit_writer_start(audit_writer *writer, rdb_error *err);
/* Writes and signs what is there, and closes the log. No transaction runs any more; NULL is fine. The writer still knows which part of the WAL the
 * next start needs, which checkpoints ask until the upkeep is closed. */
void audit_writer_stop(audit_writer *writer);
void audit_writer_close(audit_writer **writer); /* stops it where that was not done, and frees it */
audit_texts *audit_writer_texts(audit_writer *writer); /* what batches may refer to */
/* The batch without references, for what is logged nobody knows when. */
RDB_CHECKED bool audit_writer_expand(audit_writer *writer, const rdb_strbuf *batch, rdb_strbuf *whole, rdb_error *err);
/* A batch that is no part of a commit; it is durable with the next flush of the WAL. */
RDB_CHECKED bool audit_writer_insert(audit_writer *writer, rdb_xid xid, uint32_t pdb, const rdb_strbuf *batch, rdb_lsn *end_lsn, rdb_error *err);
/* May a statement that is audited run? By the failure mode: waits, refuses (53100), or lets it pass. */
RDB_CHECKED bool audit_writer_admit(audit_writer *writer, rdb_cancel *cancel, rdb_error *err);
/* Returns when all that the WAL holds now is in the log and under a head (pg_audit_flush, tests). */
RDB_CHECKED bool audit_writer_settle(audit_writer *writer, rdb_cancel *cancel, rdb_error *err);
typedef struct audit_writer_state {
    uint64_t records, queued_bytes, pending_bytes;
    rdb_lsn durable_lsn;
    int64_t failing_since_us; /* wall; 0: it can be written */
    char last_error[256];
} audit_writer_state;
void audit_writer_get_state(audit_writer *writer, audit_writer_state *state);

#endif
