/* SPDX-License-Identifier: Apache-2.0
 * Conditions of policies, and the words that statements about policies are made of. */
#ifndef RDB_AUDIT_POLICY_INT_H
#define RDB_AUDIT_POLICY_INT_H

#include "audit/rdb_audit_policy.h"

typedef enum policy_token_kind { POLICY_END, POLICY_WORD, POLICY_QUOTED, POLICY_STRING, POLICY_NUMBER, POLICY_SIGN } policy_token_kind;
typedef struct policy_reader {
    rdb_arena *arena;
    const char *begin, *at, *end;
    /* The token at hand. */
    policy_token_kind kind;
    const char *text;   /* folded to lower case where it is a WORD; a SIGN has one or two letters */
    size_t token_at;    /* where it begins */
} policy_reader;
void policy_reader_begin(policy_reader *reader, rdb_arena *arena, const char *text, size_t length);
bool policy_reader_next(policy_reader *reader, rdb_error *err); /* false: 42601 */
bool policy_reader_is(const policy_reader *reader, const char *word); /* a WORD */
bool policy_reader_is_sign(const policy_reader *reader, const char *sign);
bool policy_reader_refuse(const policy_reader *reader, rdb_error *err); /* 42601 at the token; false */

typedef struct policy_condition policy_condition;
/* From the token at hand on as far as a condition goes. */
bool policy_condition_parse(policy_reader *reader, const policy_condition **condition, rdb_error *err);
bool policy_condition_read(rdb_arena *arena, const char *text, const policy_condition **condition, rdb_error *err); /* a whole text */
bool policy_condition_holds(const policy_condition *condition, const rdb_audit_facts *facts);

#endif
