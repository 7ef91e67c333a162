/* SPDX-License-Identifier: Apache-2.0
 * What a backup asks the server: the blocks that changed. */
#include "expr/kernels.h"
#include "session/activity.h"
#include "session/session_int.h"
#include "storage/rdb_change_map.h"

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

static const rdb_set_kernel_entry SETS[] = {
    {.proc_oid = 8062, .state_bytes = sizeof(expr_rows), .begin = changed_blocks_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
};

void session_register_backup_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
}
