/* SPDX-License-Identifier: Apache-2.0
 * What a statement says of itself in the audit: its objects from the raw tree, old and new names, and its text without passwords. */
#ifndef RDB_SESSION_AUDIT_TEXT_H
#define RDB_SESSION_AUDIT_TEXT_H

#include "audit/rdb_audit_policy.h"
#include "session/session_int.h"

/* "objects", "detail" of a statement that has no plan. */
void audit_text_add_objects(rdb_strbuf *members, const rdb_ast_node *raw);
/* The tables that the raw tree names, as policies ask for them; at most max. */
uint32_t audit_text_find_objects(const rdb_ast_node *raw, rdb_audit_object *objects, uint32_t max);
/* The text, the strings that hold passwords replaced by ***; bytes that are no characters by ?. raw NULL: it could not be read. */
void audit_text_add_clean(rdb_strbuf *out, const char *text, size_t length, const rdb_ast_node *raw);
/* "statement": the text as it came, the strings that hold passwords replaced by ***. */
void audit_text_add_statement(rdb_strbuf *members, const char *text, size_t length, const rdb_ast_node *raw);

#endif
