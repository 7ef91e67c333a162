/* SPDX-License-Identifier: Apache-2.0
 * rdb_space(regclass): how the bytes of a table and of each of its indexes are used, a row each; what rdb-vacuum estimate asks of a
 * server. Sizes come from the heads of pages (table/rdb_measure.h): the owner of the table may ask. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "expr/kernels.h"
#include "index/rdb_index_measure.h"

static void add_row(rdb_call *call, expr_rows *rows, uint32_t oid, const rdb_measure *m)
{
    const rdb_datum values[7] = {{.oid = oid}, {.i64 = (int64_t)m->file_bytes}, {.i64 = (int64_t)m->live_bytes}, {.i64 = (int64_t)m->dead_bytes}, {.i64 = (int64_t)m->free_bytes},
                                 {.i64 = (int64_t)m->pages}, {.i64 = (int64_t)m->looked_at}};
    const bool nulls[7] = {false};
    expr_rows_add(call, rows, values, nulls, 7);
}

static bool space_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_eval *eval = rdb_eval_of(call);
    rdb_error *err = call->err;
    const uint32_t oid = arguments[0].oid, role_oid = rdb_access_get_context(eval->access)->role_oid;
    const rdb_relation *relation = NULL;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(eval->txn), .a = oid};
    bool taken, is_owner = false;
    rdb_measure measure;
    (void)is_null;
    if (!rdb_lock_acquire(eval->txn, tag, RDB_LOCK_ACCESS_SHARE, RDB_LOCK_WAIT, eval->lock_timeout_us, &taken, err) || !rdb_relation_get(eval->access, oid, &relation, err))
        return false;
    if (relation == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", oid);
    if (strchr("rmt", relation->kind) == NULL)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table or materialized view", relation->name);
    if (!rdb_acl_is_owner(eval->access, role_oid, relation->owner_oid, &is_owner, err))
        return false;
    if (!is_owner)
        return rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of table %s", relation->name);
    if (!rdb_table_measure(&relation->table, eval->cancel, &measure, err))
        return false;
    add_row(call, state, oid, &measure);
    for (uint16_t i = 0; i < relation->index_count; i++) {
        if (relation->indexes[i].is_partitioned)
            continue;
        if (!rdb_index_measure(&relation->indexes[i].index, eval->cancel, &measure, err))
            return false;
        add_row(call, state, relation->indexes[i].oid, &measure);
    }
    return true;
}

void command_register_space(void)
{
    static const rdb_set_kernel_entry SETS[] = {
        {.proc_oid = 8064, .state_bytes = sizeof(expr_rows), .begin = space_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    };
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
