/* SPDX-License-Identifier: Apache-2.0
 * Texts of audit records by reference: what a prepared statement's record says, or a session's part of a batch, stands in the log once
 * behind each redo point, as a record of its own; the records of its runs refer to that by its LSN (audit/rdb_audit.h).
 *
 * The texts of one redo point are a set. A set that is held keeps its texts in memory, so that a batch which refers to them can be made
 * whole again where a checkpoint came before its commit: no record refers to what lies before the redo point it stands behind. */
#ifndef RDB_SESSION_AUDIT_TEXTS_H
#define RDB_SESSION_AUDIT_TEXTS_H

#include "audit/rdb_audit.h"
#include "wal/rdb_wal.h"

typedef struct audit_texts audit_texts;
typedef struct audit_text_set audit_text_set;

RDB_CHECKED bool audit_texts_create(audit_texts **texts, rdb_wal *wal, rdb_error *err); /* no record behind the end of the log refers to what is before it */
void audit_texts_destroy(audit_texts **texts); /* nobody holds a set; NULL inside is fine */
/* The set of the running redo point instead of the one that is held (NULL: none is). NULL: no memory, nothing is held. */
audit_text_set *audit_texts_hold(audit_texts *texts, audit_text_set *held);
void audit_texts_drop(audit_texts *texts, audit_text_set *held); /* NULL is fine */
bool audit_texts_are_stale(const audit_texts *texts, const audit_text_set *held); /* a redo point was fixed since; a hint */
uint64_t audit_text_set_number(const audit_text_set *set); /* from 1 on, never again */
/* Where the text stands behind the set's redo point: it is logged if it is not yet. 0: nowhere, for the set is full or the log could not
 * take it; it has to stand in the record itself. */
rdb_lsn audit_texts_refer(audit_texts *texts, audit_text_set *set, const void *bytes, uint32_t length);
/* The text of a reference; it stays while its set is held, or until forget. False: no set has it any more. */
bool audit_texts_find(audit_texts *texts, rdb_lsn lsn, rdb_slice *text);
/* From where on the WAL is needed by who has all before durable in the audit log: the last redo point before that, behind which the texts
 * stand that the rest refers to, or an earlier place where it cannot tell. Asked behind each checkpoint, by one thread at a time. */
rdb_lsn audit_texts_keep(audit_texts *texts, rdb_lsn durable);
/* All records before taken are in the audit log: frees the sets that only such refer to. True: some were. */
bool audit_texts_forget(audit_texts *texts, rdb_lsn taken);

#endif
