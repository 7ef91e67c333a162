/* SPDX-License-Identifier: Apache-2.0
 * Audit policies in a database: rows of pg_catalog.rdb_audit_policies and rdb_audit_enabled, written by statements in Oracle's words
 * (audit/rdb_audit_policy.h), which the parser makes INSERT, UPDATE and DELETE of; so they are transactional, and who may write those
 * tables may set policies. What is committed is read anew into a set that all sessions of the database ask. */
#ifndef RDB_SESSION_AUDIT_POLICY_H
#define RDB_SESSION_AUDIT_POLICY_H

#include "audit/rdb_audit_policy.h"
#include "session/session_int.h"

typedef struct audit_policy_hub audit_policy_hub; /* one an engine: the sets of all databases */
RDB_CHECKED bool audit_policy_hub_create(audit_policy_hub **hub, rdb_error *err);
void audit_policy_hub_destroy(audit_policy_hub **hub);
audit_policy_hub *session_engine_audit_policies(rdb_engine *engine);

/* The set that counts now; it stays as long as the hub. *version: of the one that the caller knows; NULL: none are enabled. */
const rdb_audit_policies *audit_policies_of(audit_policy_hub *hub, uint32_t pdb, uint64_t *version, const rdb_audit_policies *known);
/* Reads what is committed, where this was not done yet or again (a change was committed). */
void audit_policies_load(rdb_engine *engine, rdb_database *database, bool again, rdb_scn scn); /* scn: of the change */

bool audit_policies_are_loading(void); /* the calling thread does: its session is the audit's own, which would audit itself */

/* The statement changes policies: its raw tree names their tables. */
bool audit_policy_is_change(const rdb_ast_node *raw);
/* ... and was written as one about policies: verb 0: it was not. */
rdb_audit_policy_verb audit_policy_verb(const char *text, size_t length, const rdb_ast_node *raw, char name[RDB_NAMEDATALEN]);
/* What it answers: its own command tag, or that there is no such policy. */
RDB_CHECKED bool audit_policy_finish(const char *text, size_t length, const rdb_ast_node *raw, char tag[64], rdb_error *err);
/* The error of a table's constraint, told as one of a policy. */
void audit_policy_translate(const char *text, size_t length, const rdb_ast_node *raw, rdb_error *err);

#endif
