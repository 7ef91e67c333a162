/* SPDX-License-Identifier: Apache-2.0
 * Audit policies: which statements are audited beside what the configuration says, in Oracle's words. Pure functions over texts: the
 * session room stores policies in tables, asks here at each statement, and so does rdb-audit policy explain.
 *
 *     CREATE AUDIT POLICY name ACTIONS action [, ...] [WHEN condition [EVALUATE PER STATEMENT]]
 *     action: word [(column, ...)] [ON object]
 *         word: ALL, a class (READ, WRITE, DDL, ROLE, FUNCTION, CONFIG, MISC), LOGON, LOGOFF, or an action as records name it (SELECT,
 *         DROP TABLE, GRANT, ...; CREATE ANY stands for all that begin so); object: name or schema.name, * and ? as in rdb-audit
 *     ALTER AUDIT POLICY name ADD | DROP ACTIONS action [, ...]
 *     AUDIT POLICY name [BY role, ... | EXCEPT role, ...] [WHENEVER [NOT] SUCCESSFUL]
 *     NOAUDIT POLICY name [BY role, ...]
 *     DROP AUDIT POLICY name
 *
 * A condition compares facts of the statement: login, role, database, client, application, session, action, class, object, statement,
 * code (texts) and rows (a number), or SYS_CONTEXT('USERENV', '...') in their place, with = <> < <= > >= LIKE IN IS [NOT] NULL, joined by
 * AND OR NOT and parentheses. A fact that a statement has not is the empty text, or 0. */
#ifndef RDB_AUDIT_POLICY_H
#define RDB_AUDIT_POLICY_H

#include "audit/rdb_audit.h"

/* ---- statements ------------------------------------------------------------------------------------------------------- */
typedef enum rdb_audit_policy_verb { RDB_AUDIT_CREATE = 1, RDB_AUDIT_ADD, RDB_AUDIT_REMOVE, RDB_AUDIT_DROP, RDB_AUDIT_ENABLE, RDB_AUDIT_DISABLE } rdb_audit_policy_verb;
typedef struct rdb_audit_policy_statement {
    rdb_audit_policy_verb verb;
    const char *name;
    rdb_list actions;    /* const char *, each as it is stored: WORD[(a,b)][ ON object] */
    const char *condition; /* NULL: none */
    rdb_list roles;      /* const char *: BY or EXCEPT */
    bool excepts, on_success, on_failure;
    uint32_t length;     /* of the text that it takes, up to a semicolon or the end */
} rdb_audit_policy_statement;
/* *found false: the text begins no such statement. 42601 with a position in it: it does, and is wrong. */
RDB_CHECKED bool rdb_audit_policy_read(rdb_arena *arena, const char *text, size_t length, rdb_audit_policy_statement *statement, bool *found, rdb_error *err);
const char *rdb_audit_policy_tag(rdb_audit_policy_verb verb); /* CREATE AUDIT POLICY, ... */

/* ---- sets of enabled policies ------------------------------------------------------------------------------------------ */
typedef struct rdb_audit_policies rdb_audit_policies; /* immutable once it is made */
RDB_CHECKED bool rdb_audit_policies_create(rdb_audit_policies **policies, rdb_error *err);
void rdb_audit_policies_destroy(rdb_audit_policies **policies);
/* One enabling: actions and condition as stored; roles empty: everybody. 42601: the condition cannot be read. */
RDB_CHECKED bool rdb_audit_policies_add(rdb_audit_policies *policies, const char *name, const char *const *actions, uint32_t action_count, const char *condition,
                                        const char *const *roles, uint32_t role_count, bool excepts, bool on_success, bool on_failure, rdb_error *err);
bool rdb_audit_policies_is_empty(const rdb_audit_policies *policies);

typedef struct rdb_audit_object {
    const char *schema, *name;       /* schema NULL: it was not said */
    const char *const *columns;
    uint32_t column_count;
    const char *access;              /* what is done to it, "SELECT UPDATE"; NULL: what the statement does */
} rdb_audit_object;
typedef struct rdb_audit_facts {
    rdb_audit_class class;
    const char *action, *login, *role, *database, *client, *application, *session, *code;
    const char *statement;
    size_t statement_bytes;
    uint64_t rows;
    bool failed;
    const rdb_audit_object *objects;
    uint32_t object_count;
} rdb_audit_facts;
/* The names of the policies that ask for a record of it: appended as a JSON member ,"policies":["a","b"] where there are any. */
bool rdb_audit_policies_match(const rdb_audit_policies *policies, const rdb_audit_facts *facts, rdb_strbuf *members);
/* The same with reasons, for people: a line a policy. */
void rdb_audit_policies_explain(const rdb_audit_policies *policies, const rdb_audit_facts *facts, rdb_strbuf *text);

#endif
