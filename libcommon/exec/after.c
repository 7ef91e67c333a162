/* SPDX-License-Identifier: Apache-2.0
 * The AFTER queue: what foreign keys check and do when a statement is over. */
#include "exec/exec_modify.h"

bool exec_after_note(rdb_execution *x, const rdb_relation *relation, uint8_t command, const rdb_datum *old_values, const bool *old_is_null, const rdb_datum *values, const bool *is_null, rdb_error *err)
{
    (void)x, (void)old_values, (void)old_is_null, (void)values, (void)is_null, (void)command;
    for (uint16_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].kind == 'f')
            return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "writing to a table with foreign keys is not supported");
    if (relation->referrer_count > 0)
        return rdb_error_set(err, RDB_FEATURE_NOT_SUPPORTED, "writing to a table that foreign keys refer to is not supported");
    return true;
}

bool exec_after_run(rdb_execution *x, rdb_error *err)
{
    (void)x, (void)err;
    return true;
}
