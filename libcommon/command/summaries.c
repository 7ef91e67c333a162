/* SPDX-License-Identifier: Apache-2.0
 * brin_summarize_new_values and its kin, what VACUUM does for block range indexes, and gin_clean_pending_list, which never has
 * anything to do: entries of GIN go in at once. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "expr/kernels.h"

enum { BRIN_METHOD = 3580, GIN_METHOD = 2742, PAGE_BYTES = 8192 };

static bool sum_up(rdb_eval *eval, rdb_arena *arena, const rdb_relation *relation, const rdb_relation_index *index, uint64_t only, bool with_last, uint32_t *made, rdb_error *err)
{
    command_index_programs *programs = NULL;
    if ((index->expression_tree != NULL || index->predicate_tree != NULL) && !command_index_programs_open(&programs, arena, eval, relation, index, err))
        return false;
    const bool ok = rdb_summary_build(eval->access, relation, index, only, with_last, programs != NULL ? command_index_programs_run : NULL, programs, made, err);
    command_index_programs_close(programs);
    return ok;
}

/* The index, and its table locked. */
static bool find_index(rdb_call *call, uint32_t oid, uint32_t method_oid, rdb_lock_mode mode, const rdb_relation **table, const rdb_relation_index **index)
{
    rdb_eval *eval = rdb_eval_of(call);
    const rdb_relation *relation = NULL;
    rdb_error *err = call->err;
    bool taken, is_owner = false;
    *index = NULL;
    if (!rdb_relation_get(eval->access, oid, &relation, err))
        return false;
    if (relation == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", oid);
    if (relation->kind != 'i' && relation->kind != 'I')
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not an index", relation->name);
    const uint32_t table_oid = relation->index_of;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(eval->txn), .a = table_oid};
    if (!rdb_lock_acquire(eval->txn, tag, mode, RDB_LOCK_WAIT, eval->lock_timeout_us, &taken, err) || !rdb_relation_get(eval->access, table_oid, table, err))
        return false;
    for (uint16_t i = 0; *table != NULL && i < (*table)->index_count; i++)
        if ((*table)->indexes[i].oid == oid)
            *index = &(*table)->indexes[i];
    if (*index == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", oid);
    if ((*index)->method_oid != method_oid || (*index)->is_partitioned)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a %s index", (*index)->name, method_oid == BRIN_METHOD ? "BRIN" : "GIN");
    if (!rdb_role_is_member_of(eval->access, rdb_access_get_context(eval->access)->role_oid, (*table)->owner_oid, &is_owner, err))
        return false;
    return is_owner || rdb_error_set(err, RDB_INSUFFICIENT_PRIVILEGE, "must be owner of index %s", (*index)->name);
}

static bool check_block(rdb_call *call, int64_t block)
{
    return (block >= 0 && block <= UINT32_MAX) || rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "block number out of range: %lld", (long long)block);
}

/* Block numbers are those of pages of 8 KiB, as pages_per_range counts them. */
static uint64_t stretch_of(const rdb_relation *table, const rdb_relation_index *index, int64_t block)
{
    return (uint64_t)block * PAGE_BYTES / rdb_storage_page_bytes(table->table.storage) / index->range_blocks;
}

static bool summarize(rdb_call *call, uint32_t oid, int64_t block, rdb_datum *result)
{
    const rdb_relation *table = NULL;
    const rdb_relation_index *index = NULL;
    uint32_t made = 0;
    if (!find_index(call, oid, BRIN_METHOD, RDB_LOCK_SHARE, &table, &index) ||
        !sum_up(rdb_eval_of(call), call->arena, table, index, block < 0 ? UINT64_MAX : stretch_of(table, index, block), block >= 0, &made, call->err))
        return false;
    result->i32 = (int32_t)made;
    return true;
}

static bool summarize_new_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return summarize(call, a[0].oid, -1, result);
}
EXPR_ROW_KERNEL(summarize_new, 1)

static bool summarize_range_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)nulls, (void)is_null;
    return check_block(call, a[1].i64) && summarize(call, a[0].oid, a[1].i64 == UINT32_MAX ? -1 : a[1].i64, result);
}
EXPR_ROW_KERNEL(summarize_range, 2)

static bool desummarize_range_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *table = NULL;
    const rdb_relation_index *index = NULL;
    bool found;
    (void)nulls, (void)is_null, (void)result;
    return check_block(call, a[1].i64) && find_index(call, a[0].oid, BRIN_METHOD, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, &table, &index) &&
           rdb_summary_remove(index, stretch_of(table, index, a[1].i64), call->arena, &found, call->err);
}
EXPR_ROW_KERNEL(desummarize_range, 2)

static bool clean_pending_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const rdb_relation *table = NULL;
    const rdb_relation_index *index = NULL;
    (void)nulls, (void)is_null;
    result->i64 = 0;
    return find_index(call, a[0].oid, GIN_METHOD, RDB_LOCK_ROW_EXCLUSIVE, &table, &index);
}
EXPR_ROW_KERNEL(clean_pending, 1)

bool command_sum_up(rdb_command_context *context, const rdb_relation *relation, rdb_error *err)
{
    bool taken = false, has_any = false;
    uint32_t made;
    for (uint16_t i = 0; i < relation->index_count; i++)
        has_any = has_any || relation->indexes[i].kind == RDB_INDEX_SUMMARY;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(context->txn), .a = relation->oid};
    if (!has_any)
        return true;
    if (!rdb_lock_acquire(context->txn, tag, RDB_LOCK_SHARE, RDB_LOCK_SKIP, 0, &taken, err))
        return false;
    for (uint16_t i = 0; taken && i < relation->index_count; i++)
        if (relation->indexes[i].kind == RDB_INDEX_SUMMARY && !sum_up(command_eval(context), context->arena, relation, &relation->indexes[i], UINT64_MAX, false, &made, err))
            return false;
    return true;
}

void command_register_summaries(void)
{
    static const rdb_kernel_entry ENTRIES[] = {{3952, summarize_new, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
                                               {3999, summarize_range, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
                                               {4014, desummarize_range, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE},
                                               {3789, clean_pending, RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE}};
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
