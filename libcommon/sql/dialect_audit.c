/* SPDX-License-Identifier: Apache-2.0
 * Statements about audit policies, which PostgreSQL's grammar refuses, as INSERT, UPDATE and DELETE on the tables that hold them. */
#include "sql/dialect.h"

#include "audit/rdb_audit_policy.h"

static void add_literal(rdb_strbuf *out, const char *text)
{
    rdb_strbuf_adds(out, "E'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            rdb_strbuf_addc(out, *text);
        rdb_strbuf_addc(out, *text);
    }
    rdb_strbuf_addc(out, '\'');
}

static void add_array(rdb_strbuf *out, const rdb_list *items)
{
    rdb_strbuf_adds(out, "ARRAY[");
    for (uint32_t i = 0; i < items->count; i++) {
        rdb_strbuf_adds(out, i > 0 ? ", " : "");
        add_literal(out, items->items[i]);
    }
    rdb_strbuf_adds(out, "]::pg_catalog.text[]");
}

bool sql_dialect_audit(rdb_arena *arena, const char *text, size_t length, rdb_strbuf *out, bool *found, rdb_error *err)
{
    rdb_audit_policy_statement s;
    if (!rdb_audit_policy_read(arena, text, length, &s, found, err) || !*found)
        return !rdb_error_is_set(err);
    for (size_t i = s.length; i < length; i++) /* one statement a text */
        if (strchr(" \t\r\n\f;", text[i]) == NULL) {
            *found = false;
            return true;
        }
    switch (s.verb) {
    case RDB_AUDIT_CREATE:
        rdb_strbuf_adds(out, "INSERT INTO pg_catalog.rdb_audit_policies (policy_name, actions, condition) VALUES (");
        add_literal(out, s.name);
        rdb_strbuf_adds(out, ", ");
        add_array(out, &s.actions);
        rdb_strbuf_adds(out, ", ");
        if (s.condition != NULL)
            add_literal(out, s.condition);
        else
            rdb_strbuf_adds(out, "NULL");
        rdb_strbuf_addc(out, ')');
        break;
    case RDB_AUDIT_ADD:
        rdb_strbuf_adds(out, "UPDATE pg_catalog.rdb_audit_policies SET actions = actions OPERATOR(pg_catalog.||) ");
        add_array(out, &s.actions);
        break;
    case RDB_AUDIT_REMOVE:
        rdb_strbuf_adds(out, "UPDATE pg_catalog.rdb_audit_policies SET actions = ARRAY(SELECT a FROM pg_catalog.unnest(actions) a WHERE a <> ALL (");
        add_array(out, &s.actions);
        rdb_strbuf_adds(out, "))");
        break;
    case RDB_AUDIT_DROP:
        rdb_strbuf_adds(out, "DELETE FROM pg_catalog.rdb_audit_policies");
        break;
    case RDB_AUDIT_ENABLE:
        rdb_strbuf_adds(out, "INSERT INTO pg_catalog.rdb_audit_enabled (policy_name, entity, excepts, on_success, on_failure) SELECT p.policy_name, e.entity");
        rdb_strbuf_addf(out, ", %s, %s, %s FROM pg_catalog.rdb_audit_policies p, (VALUES ", s.excepts ? "true" : "false", s.on_success ? "true" : "false", s.on_failure ? "true" : "false");
        for (uint32_t i = 0; i < RDB_MAX(s.roles.count, 1u); i++) {
            rdb_strbuf_adds(out, i > 0 ? ", (" : "(");
            add_literal(out, s.roles.count > 0 ? s.roles.items[i] : "");
            rdb_strbuf_addc(out, ')');
        }
        rdb_strbuf_adds(out, ") e (entity) WHERE p.policy_name = ");
        add_literal(out, s.name);
        rdb_strbuf_adds(out, " ON CONFLICT (policy_name, entity) DO UPDATE SET excepts = excluded.excepts, on_success = excluded.on_success, on_failure = excluded.on_failure");
        break;
    case RDB_AUDIT_DISABLE:
        rdb_strbuf_adds(out, "DELETE FROM pg_catalog.rdb_audit_enabled");
        break;
    }
    if (s.verb != RDB_AUDIT_CREATE && s.verb != RDB_AUDIT_ENABLE) {
        rdb_strbuf_adds(out, " WHERE policy_name = ");
        add_literal(out, s.name);
    }
    /* One that is enabled stays: the cast fails for it, and nothing else here can (audit_policy_translate knows the error). */
    if (s.verb == RDB_AUDIT_DROP)
        rdb_strbuf_adds(out, " AND CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.rdb_audit_enabled e WHERE e.policy_name OPERATOR(pg_catalog.=) rdb_audit_policies.policy_name) "
                             "THEN pg_catalog.concat('enabled', policy_name)::pg_catalog.bool ELSE true END");
    if (s.verb == RDB_AUDIT_DISABLE && s.roles.count > 0) {
        rdb_strbuf_adds(out, " AND entity = ANY (");
        add_array(out, &s.roles);
        rdb_strbuf_addc(out, ')');
    }
    return rdb_strbuf_check(out, err);
}
