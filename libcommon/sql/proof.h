/* SPDX-License-Identifier: Apache-2.0
 * What follows from conditions without looking at a row. An answer "yes" is a proof; "no" says nothing. */
#ifndef RDB_SQL_PROOF_H
#define RDB_SQL_PROOF_H

#include "sql/rdb_query.h"

typedef struct proof {
    rdb_arena *arena;
    rdb_access *access;
    bool is_weak; /* of refutations: null is enough; else the predicate must be false, as a CHECK constraint that is null lets a row pass */
} proof;

/* Is the predicate true wherever the clause is? */
bool proof_implies(const proof *p, const rdb_expr *clause, const rdb_expr *predicate);
/* By one of the clauses, which are AND'ed. */
bool proof_implied_by_any(const proof *p, const rdb_list *clauses, const rdb_expr *predicate);
/* Does one of the clauses, where it is true, keep the predicate from being so? */
bool proof_refuted_by_any(const proof *p, const rdb_list *clauses, const rdb_expr *predicate);

#endif
