/* SPDX-License-Identifier: Apache-2.0
 * What a backup asks the server: the blocks that changed; and a restore: how a page stands, and to make a broken one whole. */
#include "base/rdb_log.h"
#include "expr/kernels.h"
#include "session/activity.h"
#include "session/audit.h"
#include "session/session_int.h"
#include "storage/rdb_change_map.h"
#include "upkeep/rdb_recovery.h"

#include <stdio.h>

static rdb_session *session_of(const rdb_call *call)
{
    return rdb_eval_of(call)->session;
}

static bool require_superuser(rdb_call *call, const char *what)
{
    return session_of(call)->role.is_superuser ||
           rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for function %s", what);
}

/* rdb_changed_blocks(since pg_lsn): path below data/, bitmap (bit n of the bytes, least significant first: block n); files that
 * were dropped meanwhile may be among them. */
static bool changed_blocks_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_change_map *map = NULL;
    rdb_changed_blocks blocks;
    uint32_t cursor = 0;
    static const bool nulls[2] = {false, false};
    (void)is_null;
    if (!require_superuser(call, "rdb_changed_blocks") ||
        !rdb_storage_changes_since(rdb_engine_storage(session_of(call)->engine), (rdb_lsn)arguments[0].i64, &map, call->err))
        return false;
    while (rdb_change_map_next(map, &cursor, &blocks)) {
        rdb_datum values[2];
        uint32_t words = blocks.word_count;
        while (words > 0 && blocks.words[words - 1] == 0)
            words--;
        if (words == 0)
            continue;
        uint8_t *bits = rdb_arena_try_alloc(call->arena, words * 8u, call->err);
        if (bits == NULL)
            break;
        for (uint32_t i = 0; i < words; i++)
            rdb_put_u64(bits + i * 8u, blocks.words[i]);
        values[0] = expr_text(rdb_arena_strdup(call->arena, blocks.path));
        values[1].bytes = (rdb_bytes){.data = bits, .length = words * 8u};
        expr_rows_add(call, state, values, nulls, 2);
    }
    rdb_change_map_free(map);
    return !rdb_error_is_set(call->err) && rdb_arena_check(call->arena, call->err);
}

/* ---- pages --------------------------------------------------------------------------------------------------------------------- */
/* A page of a relation that keeps its file until the transaction ends: its table is locked as VACUUM locks it, so that whoever reads and
 * writes rows goes on, and nobody rebuilds, cuts or drops it. */
static bool find_page(rdb_call *call, uint32_t oid, int64_t block, const rdb_relation **relation, rdb_page_tag *tag)
{
    const rdb_eval *eval = rdb_eval_of(call);
    bool taken;
    if (!expr_relation_file(call, oid, &tag->file, &tag->pdb, relation))
        return false;
    if (*relation != NULL) {
        const rdb_lock_tag lock = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(eval->txn), .a = (*relation)->kind == 'i' ? (*relation)->index_of : oid};
        if (!rdb_lock_acquire(eval->txn, lock, RDB_LOCK_SHARE_UPDATE_EXCLUSIVE, RDB_LOCK_WAIT, eval->lock_timeout_us, &taken, call->err) ||
            !expr_relation_file(call, oid, &tag->file, &tag->pdb, relation))
            return false;
    }
    if (*relation == NULL)
        return rdb_error_set(call->err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", oid);
    if (tag->file == 0 || (*relation)->persistence == 't')
        return rdb_error_set(call->err, RDB_WRONG_OBJECT_TYPE, "\"%s\" has no pages that a backup could hold", (*relation)->name);
    if (block < 0)
        return rdb_error_set(call->err, RDB_NUMERIC_VALUE_OUT_OF_RANGE, "block number out of range: %lld", (long long)block);
    tag->block = (uint64_t)block;
    tag->fork = RDB_FORK_MAIN;
    return true;
}

static bool put_state(rdb_call *call, rdb_page_state state, const char *what, rdb_datum *columns, bool *nulls)
{
    static const char *const names[] = {[RDB_PAGE_SOUND] = "sound", [RDB_PAGE_IN_POOL] = "in memory", [RDB_PAGE_BROKEN] = "broken"};
    nulls[1] = what == NULL;
    return expr_set_text(call, names[state], strlen(names[state]), &columns[0]) && (what == NULL || expr_set_text(call, what, strlen(what), &columns[1]));
}

/* rdb_page_state(relation, block): its file; sound, in memory (broken on disk alone) or broken; what is wrong; up to where the log has to be
 * replayed on a copy to have the page as it is. */
static bool page_state_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    rdb_page_tag tag = {0};
    rdb_page_state state;
    const rdb_relation *relation = NULL;
    const char *what;
    rdb_lsn log_end;
    char path[80];
    (void)nulls;
    if (!require_superuser(call, "rdb_page_state") || !find_page(call, a[0].oid, a[1].i64, &relation, &tag) ||
        !rdb_upkeep_look_at_page(session_engine_upkeep(session_of(call)->engine), tag, &state, &what, &log_end, call->err))
        return false;
    columns[3].i64 = (int64_t)log_end;
    const int length = snprintf(path, sizeof path, "data/%s/%u/%llu", relation->kind == 'i' ? "indexes" : "tables", tag.pdb, (unsigned long long)(tag.file & ((UINT64_C(1) << 56) - 1)));
    return expr_set_text(call, path, (size_t)length, &columns[0]) && put_state(call, state, what, &columns[1], &column_nulls[1]);
}
EXPR_RECORD_KERNEL(page_state, 2, RDB_TEXTOID, RDB_TEXTOID, RDB_TEXTOID, RDB_PG_LSNOID)

static bool audit_repair(rdb_call *call, const rdb_relation *relation, rdb_page_tag tag, bool failed, rdb_error *err)
{
    char what[2 * RDB_NAMEDATALEN + 40];
    snprintf(what, sizeof what, "block %llu of %s.%s", (unsigned long long)tag.block, relation->namespace_name, relation->name);
    return session_audit_tool(session_of(call), "rdb-restore", "REPAIR PAGE", failed, what, err);
}

/* rdb_repair_page(relation, block, image, image_end): the image has the log up to image_end; both null where the pool has the page. Answers how
 * the page stood, and the LSN that it has now, null for one that was left alone. */
static bool repair_page_record(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *columns, bool *column_nulls)
{
    rdb_upkeep *upkeep = session_engine_upkeep(session_of(call)->engine);
    rdb_page_tag tag = {0};
    rdb_page_state state = RDB_PAGE_SOUND;
    const rdb_relation *relation = NULL;
    const char *what = NULL;
    const bool has_image = !nulls[2];
    rdb_lsn lsn = 0;
    rdb_error ignored = {0};
    if (!require_superuser(call, "rdb_repair_page"))
        return false;
    if (nulls[0] || nulls[1] || nulls[2] != nulls[3])
        return rdb_error_set(call->err, RDB_NULL_VALUE_NOT_ALLOWED, "a page, and an image with its position or neither, are needed");
    if (!find_page(call, a[0].oid, a[1].i64, &relation, &tag))
        return false;
    if (has_image && a[2].bytes.length != rdb_storage_page_bytes(rdb_upkeep_storage(upkeep)))
        return rdb_error_set(call->err, RDB_INVALID_PARAMETER_VALUE, "the image of a page has %u bytes here, not %llu", rdb_storage_page_bytes(rdb_upkeep_storage(upkeep)), (unsigned long long)a[2].bytes.length);
    if (!rdb_upkeep_repair_page(upkeep, tag, has_image ? a[2].bytes.data : NULL, (rdb_lsn)a[3].i64, &state, &what, &lsn, call->err)) {
        if (!audit_repair(call, relation, tag, true, &ignored))
            rdb_error_clear(&ignored);
        return false;
    }
    if (state != RDB_PAGE_SOUND) {
        RDB_LOG(RDB_LOG_WARN, "storage", "block %llu of relation %s.%s was broken on disk and has been made whole: %s", (unsigned long long)tag.block, relation->namespace_name, relation->name,
                state == RDB_PAGE_BROKEN ? "from a backup and the log" : "from memory");
        if (!audit_repair(call, relation, tag, false, call->err))
            return false;
    }
    columns[2].i64 = (int64_t)lsn;
    column_nulls[2] = lsn == 0;
    return put_state(call, state, what, columns, column_nulls);
}
EXPR_RECORD_KERNEL(repair_page, 4, RDB_TEXTOID, RDB_TEXTOID, RDB_PG_LSNOID)

#define S (RDB_KERNEL_NEEDS_SESSION | RDB_KERNEL_FALLIBLE)
static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 8062, .state_bytes = sizeof(expr_rows), .begin = changed_blocks_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    {.proc_oid = 8066, .state_bytes = sizeof(expr_rows), .begin = page_state_begin, .next = expr_rows_next, .flags = S},
    {.proc_oid = 8067, .state_bytes = sizeof(expr_rows), .begin = repair_page_begin, .next = expr_rows_next, .flags = S},
};
static const rdb_kernel_entry ENTRIES[] = {{8066, page_state, S}, {8067, repair_page, S}};
#undef S

void session_register_backup_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
