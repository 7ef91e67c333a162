/* SPDX-License-Identifier: Apache-2.0
 * rdb_verify(regclass) and rdb_verify_database(): what rdb-vacuum --verify asks of a server. Each row is a finding; no rows are a
 * clean bill. Readers and writers go on meanwhile:
 *  - every row that the snapshot sees must have its entry in every index, for entries come with the row and go when nobody can see it;
 *  - every entry must lead to a row that has its key, or had it in a version that the undo store still keeps. Where that fails purge
 *    and the reverter run, and the entry is asked for again.
 * The order of keys and links is index/btree_verify.c's, the trace of each version table/verify.c's, pages' checksums the pool's. */
#include "catalog/rdb_acl.h"
#include "command/command_int.h"
#include "expr/kernels.h"

enum { FINDINGS_MAX = 1000, INDEX_TRIES = 4, INDEX_PAUSE_US = 5000, ENTRIES = 256 };

typedef struct verification {
    rdb_call *call;
    rdb_eval *eval;
    expr_rows *rows;
    const rdb_relation *relation;
    uint32_t findings;
    uint32_t rounds;           /* of purge that strangers were given */
    uint64_t block_count;      /* of the heap when it began */
    uint8_t *bad_blocks;       /* a bit each: those that are no heap's page; NULL: no memory for it */
    rdb_arena *batch;          /* of the rows at hand */
    bool *is_tree;             /* by index: those that are none are not asked for entries */
    command_index_programs **programs; /* by index, NULL: plain columns */
    int16_t *columns;          /* those that are not dropped */
    rdb_vector **vectors;
    uint16_t column_count;
    rdb_datum *values;         /* of one row, by attribute number - 1 */
    bool *is_null;
    rdb_row_address *addresses;
    rdb_index_entry *entries;
    bool *found;
    rdb_terms keys;            /* of the row at hand in the index at hand */
} verification;

static void find(verification *v, uint32_t oid, bool has_block, uint64_t block, const char *format, ...) RDB_PRINTF(5, 6);
static void find(verification *v, uint32_t oid, bool has_block, uint64_t block, const char *format, ...)
{
    va_list arguments;
    char text[2000];
    if (++v->findings > FINDINGS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const rdb_datum values[3] = {{.oid = oid}, {.i64 = (int64_t)block}, expr_text(rdb_arena_strdup(v->call->arena, text))};
    const bool nulls[3] = {false, !has_block, false};
    expr_rows_add(v->call, v->rows, values, nulls, 3);
}

/* Damage becomes a finding; what is no damage stays an error. */
static bool find_error(verification *v, uint32_t oid, bool has_block, uint64_t block)
{
    rdb_error *err = v->call->err;
    if (strcmp(err->sqlstate, RDB_DATA_CORRUPTED) != 0 && strcmp(err->sqlstate, RDB_INDEX_CORRUPTED) != 0 && strcmp(err->sqlstate, RDB_UNDEFINED_FILE) != 0)
        return false;
    find(v, oid, has_block, block, "%s. %s", rdb_error_message(err), rdb_error_detail_text(err));
    rdb_error_clear(err);
    return true;
}

static void find_in_heap(void *context, uint64_t block, uint32_t slot, const char *problem)
{
    verification *v = context;
    if (slot == UINT32_MAX && v->bad_blocks != NULL && block < v->block_count)
        v->bad_blocks[block / 8] |= (uint8_t)(1u << block % 8);
    if (slot == UINT32_MAX)
        find(v, v->relation->oid, true, block, "%s", problem);
    else
        find(v, v->relation->oid, true, block, "Slot %u: %s", slot, problem);
}

/* ---- keys ---------------------------------------------------------------------------------------------------------------------------- */
static bool is_checked(const verification *v, const rdb_relation_index *index)
{
    return !index->is_partitioned && index->is_valid && index->kind != RDB_INDEX_SUMMARY && index->index.valid_from_scn <= v->eval->snapshot->scn;
}

static void take_row(verification *v, uint32_t row)
{
    for (uint16_t i = 0; i < v->column_count; i++) {
        int16_t number = v->columns[i];
        v->is_null[number - 1] = rdb_vector_is_null(v->vectors[i], row);
        if (!v->is_null[number - 1])
            v->values[number - 1] = rdb_vector_get(v->vectors[i], row);
    }
}

/* The keys of the row at hand in an index: one, or its terms; none where its predicate does not take the row. */
static bool make_keys(verification *v, uint16_t index_no, rdb_strbuf *key)
{
    const rdb_relation_index *index = &v->relation->indexes[index_no];
    rdb_index_values computed = {0};
    rdb_strbuf_clear(key);
    v->keys = (rdb_terms){.arena = v->batch};
    if (v->programs[index_no] != NULL &&
        !command_index_programs_run(v->programs[index_no], v->values, v->is_null, &computed, v->call->err))
        return false;
    if (computed.is_excluded)
        return true;
    if (index->kind == RDB_INDEX_TERMS)
        return rdb_index_terms_of(index, v->values, v->is_null, &computed, &v->keys, v->call->err);
    if (!rdb_index_entry_encode(index, v->values, v->is_null, &computed, key, v->call->err))
        return false;
    v->keys.items = RDB_NEW(v->batch, rdb_slice);
    v->keys.items[v->keys.count++] = (rdb_slice){(const uint8_t *)key->data, key->length};
    return true;
}

static bool has_key(const verification *v, rdb_slice key)
{
    for (uint32_t i = 0; i < v->keys.count; i++)
        if (v->keys.items[i].length == key.length && memcmp(v->keys.items[i].data, key.data, key.length) == 0)
            return true;
    return false;
}

/* ---- from the heap to the indexes ---------------------------------------------------------------------------------------------------- */
static bool check_row(verification *v, rdb_row_address address, rdb_strbuf *key)
{
    for (uint16_t i = 0; i < v->relation->index_count; i++) {
        const rdb_relation_index *index = &v->relation->indexes[i];
        if (!v->is_tree[i])
            continue;
        if (!make_keys(v, i, key))
            return false;
        for (uint32_t k = 0; k < v->keys.count; k++) {
            bool found = false;
            if (!rdb_index_has_entry(&index->index, v->keys.items[k], address, v->batch, &found, v->call->err)) {
                if (!find_error(v, index->oid, false, 0))
                    return false;
            } else if (!found) {
                find(v, index->oid, false, 0, "The row of table \"%s\" at block %llu, slot %u has no entry", v->relation->name, (unsigned long long)RDB_ROW_BLOCK(address),
                     (unsigned)RDB_ROW_SLOT(address));
                break;
            }
        }
    }
    return true;
}

static void clear_vectors(verification *v)
{
    rdb_arena_reset(v->batch);
    for (uint16_t i = 0; i < v->column_count; i++)
        rdb_vector_clear_nulls(v->vectors[i]);
}

/* Rows of blocks from first on, whole, large values too. False: an error, damage among them; *block is then where. */
static bool check_blocks(verification *v, uint64_t first, uint64_t count, rdb_strbuf *key)
{
    rdb_error *err = v->call->err;
    rdb_table_scan *scan = NULL;
    rdb_arena *arena = rdb_arena_create("verify scan", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    bool ok = rdb_table_scan_open(&scan, &v->relation->table, v->eval->txn, v->eval->snapshot, v->columns, v->column_count, first, count, arena, err);
    for (uint32_t rows = 1; ok && rows > 0;) {
        clear_vectors(v);
        ok = rdb_cancel_check(v->eval->cancel, err) &&
             rdb_table_scan_next(scan, ENTRIES, v->batch, v->vectors, v->addresses, NULL, &rows, err) && rdb_arena_check(v->batch, err);
        for (uint32_t row = 0; ok && row < rows; row++) {
            take_row(v, row);
            ok = check_row(v, v->addresses[row], key);
        }
    }
    rdb_table_scan_close(&scan);
    rdb_arena_destroy(arena);
    return ok;
}

/* One scan; where a block stops it, the blocks one by one, so that damage hides nothing behind it. */
static bool check_rows(verification *v, rdb_strbuf *key)
{
    rdb_error *err = v->call->err;
    uint64_t blocks = 0;
    const uint32_t findings = v->findings, rows = v->rows->rows.count;
    if (check_blocks(v, 0, UINT64_MAX, key))
        return true;
    if (strcmp(err->sqlstate, RDB_DATA_CORRUPTED) != 0)
        return false;
    rdb_error_clear(err);
    v->findings = findings; /* what the scan found is found again */
    v->rows->rows.count = rows;
    if (!rdb_table_block_count(&v->relation->table, &blocks, err))
        return false;
    for (uint64_t block = 1; block < blocks; block++) {
        if (check_blocks(v, block, 1, key))
            continue;
        if (v->bad_blocks != NULL && block < v->block_count && (v->bad_blocks[block / 8] >> block % 8 & 1) != 0 && strcmp(err->sqlstate, RDB_DATA_CORRUPTED) == 0)
            rdb_error_clear(err); /* told already */
        else if (!find_error(v, v->relation->oid, true, block))
            return false;
    }
    return true;
}

/* ---- from an index to the heap ------------------------------------------------------------------------------------------------------- */
/* An entry that no row in sight explains. Before it is called damage, the reverter and purge do what they have to do: a crash, or they
 * themselves at this moment, may stand between a row that is as it was again and its entry. */
static bool check_stranger(verification *v, const rdb_relation_index *index, const rdb_index_entry *entry)
{
    enum { ROUNDS_MAX = 20 };
    rdb_error *err = v->call->err;
    rdb_undo *undo = v->relation->table.undo;
    bool has_row = false, has_key = false, is_there = false;
    for (bool again = true; again;) {
        again = false;
        if (!rdb_table_has_row(&v->relation->table, entry->address, index->index.file, entry->key, &has_row, &has_key, err))
            return find_error(v, index->oid, false, 0);
        if (has_key)
            return true;
        if (!rdb_index_has_entry(&index->index, entry->key, entry->address, v->batch, &is_there, err))
            return find_error(v, index->oid, false, 0);
        if (is_there && v->rounds < ROUNDS_MAX) {
            v->rounds++;
            again = true;
            if (!rdb_undo_purge_now(undo, v->eval->cancel, err))
                return false;
        }
    }
    rdb_undo_statistics statistics;
    rdb_undo_get_statistics(undo, &statistics);
    if (!is_there || statistics.jobs > 0)
        return true;
    if (!has_row)
        find(v, index->oid, false, 0, "An entry leads to block %llu, slot %u of table \"%s\", where no row is", (unsigned long long)RDB_ROW_BLOCK(entry->address),
             (unsigned)RDB_ROW_SLOT(entry->address), v->relation->name);
    else
        find(v, index->oid, false, 0, "An entry leads to block %llu, slot %u of table \"%s\", whose row has another key",
             (unsigned long long)RDB_ROW_BLOCK(entry->address), (unsigned)RDB_ROW_SLOT(entry->address), v->relation->name);
    return true;
}

/* Among rows that entries lead to one cannot be read: with the error left as it is when there are several. */
static bool damaged_row(verification *v, const rdb_relation_index *index, const rdb_index_entry *entries, uint32_t count)
{
    rdb_error *err = v->call->err;
    uint64_t blocks = 0;
    rdb_error ignored = {0};
    if (strcmp(err->sqlstate, RDB_DATA_CORRUPTED) != 0)
        return false;
    if (count > 1)
        return true;
    const bool is_known = rdb_table_block_count(&v->relation->table, &blocks, &ignored);
    rdb_error_clear(&ignored);
    if (!is_known || RDB_ROW_BLOCK(entries[0].address) < blocks) /* what is wrong with the row itself was told with the table */
        return v->bad_blocks != NULL || find_error(v, v->relation->oid, true, RDB_ROW_BLOCK(entries[0].address));
    rdb_error_clear(err);
    return check_stranger(v, index, &entries[0]);
}

static bool check_entries(verification *v, uint16_t index_no, const rdb_index_entry *entries, uint32_t count, rdb_strbuf *key)
{
    const rdb_relation_index *index = &v->relation->indexes[index_no];
    rdb_error *err = v->call->err;
    for (uint32_t i = 0; i < count; i++)
        v->addresses[i] = entries[i].address;
    if (!rdb_table_fetch(&v->relation->table, v->eval->txn, v->eval->snapshot, v->addresses, count, v->columns, v->column_count, v->batch, v->vectors, v->found,
                         NULL, NULL, err) ||
        !rdb_arena_check(v->batch, err))
        return damaged_row(v, index, entries, count);
    for (uint32_t i = 0; i < count; i++) {
        v->keys.count = 0;
        if (v->found[i]) {
            take_row(v, i);
            if (!make_keys(v, index_no, key))
                return false;
        }
        if (!has_key(v, entries[i].key) && !check_stranger(v, index, &entries[i]))
            return false;
    }
    return true;
}

static bool check_tree(verification *v, uint16_t index_no)
{
    const rdb_relation_index *index = &v->relation->indexes[index_no];
    rdb_error *err = v->call->err;
    rdb_index_statistics statistics = {0};
    bool ok = false;
    if (!is_checked(v, index))
        return true;
    for (unsigned tries = 0; !ok && tries < INDEX_TRIES; tries++) { /* a split beside us looks like damage for a moment */
        rdb_error_clear(err);
        if (tries > 0)
            rdb_time_sleep_us(INDEX_PAUSE_US);
        ok = rdb_cancel_check(v->eval->cancel, err) && rdb_index_verify(&index->index, &statistics, err);
    }
    v->is_tree[index_no] = ok;
    return ok || find_error(v, index->oid, true, statistics.block);
}

static bool check_index(verification *v, uint16_t index_no, rdb_strbuf *key)
{
    const rdb_relation_index *index = &v->relation->indexes[index_no];
    rdb_error *err = v->call->err;
    rdb_index_cursor *cursor = NULL;
    bool ok;
    const rdb_index_range all = {.lower = {NULL, 0}};
    rdb_arena *arena = rdb_arena_create("verify cursor", NULL, NULL);
    if (arena == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    ok = rdb_index_cursor_open(&cursor, &index->index, &all, false, arena, err);
    for (uint32_t count = 1; ok && count > 0;) {
        clear_vectors(v);
        ok = rdb_cancel_check(v->eval->cancel, err) && rdb_index_cursor_next(cursor, ENTRIES, true, v->batch, v->entries, &count, err) &&
             rdb_arena_check(v->batch, err);
        if (ok && count > 0 && !check_entries(v, index_no, v->entries, count, key))
            ok = false;
        else if (ok && rdb_error_is_set(err)) { /* a damaged row among them: one by one */
            rdb_error_clear(err);
            for (uint32_t i = 0; ok && i < count; i++) {
                ok = check_entries(v, index_no, &v->entries[i], 1, key);
                if (ok)
                    rdb_error_clear(err);
            }
        }
    }
    rdb_index_cursor_close(&cursor);
    rdb_arena_destroy(arena);
    return ok || find_error(v, index->oid, false, 0);
}

/* ---- one relation -------------------------------------------------------------------------------------------------------------------- */
static bool prepare(verification *v)
{
    const rdb_relation *relation = v->relation;
    rdb_arena *arena = v->call->arena;
    rdb_error *err = v->call->err;
    v->batch = rdb_arena_create("verify", NULL, NULL);
    if (v->batch == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    v->programs = RDB_NEW_ARRAY(arena, command_index_programs *, relation->index_count + 1u);
    v->is_tree = RDB_NEW_ARRAY(arena, bool, relation->index_count + 1u);
    v->columns = RDB_NEW_ARRAY(arena, int16_t, relation->column_count + 1u);
    v->vectors = RDB_NEW_ARRAY(arena, rdb_vector *, relation->column_count + 1u);
    v->values = RDB_NEW_ARRAY(arena, rdb_datum, relation->column_count + 1u);
    v->is_null = RDB_NEW_ARRAY(arena, bool, relation->column_count + 1u);
    v->addresses = RDB_NEW_ARRAY(arena, rdb_row_address, ENTRIES);
    v->entries = RDB_NEW_ARRAY(arena, rdb_index_entry, ENTRIES);
    v->found = RDB_NEW_ARRAY(arena, bool, ENTRIES);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        v->is_null[i] = true;
        if (relation->columns[i].is_dropped)
            continue;
        v->columns[v->column_count] = (int16_t)(i + 1);
        v->vectors[v->column_count] = RDB_NEW(arena, rdb_vector);
        if (!rdb_vector_init(v->vectors[v->column_count++], arena, (rdb_rep)relation->table.reps[i], ENTRIES, err))
            return false;
    }
    for (uint16_t i = 0; i < relation->index_count; i++) {
        const rdb_relation_index *index = &relation->indexes[i];
        if (is_checked(v, index) && (index->expression_tree != NULL || index->predicate_tree != NULL) &&
            !command_index_programs_open(&v->programs[i], arena, v->eval, relation, index, err))
            return false;
    }
    return rdb_arena_check(arena, err);
}

static bool verify_table(verification *v)
{
    uint64_t pages = 0;
    rdb_strbuf key;
    rdb_strbuf_init(&key, NULL);
    bool ok = rdb_table_block_count(&v->relation->table, &v->block_count, v->call->err) && prepare(v);
    v->bad_blocks = calloc(1, v->block_count / 8 + 1);
    ok = ok && rdb_table_verify(&v->relation->table, v->eval->cancel, find_in_heap, v, &pages, v->call->err);
    for (uint16_t i = 0; ok && i < v->relation->index_count; i++)
        ok = check_tree(v, i);
    ok = ok && check_rows(v, &key);
    for (uint16_t i = 0; ok && i < v->relation->index_count; i++)
        if (v->is_tree[i])
            ok = check_index(v, i, &key);
    for (uint16_t i = 0; v->programs != NULL && i < v->relation->index_count; i++)
        command_index_programs_close(v->programs[i]);
    rdb_arena_destroy(v->batch);
    rdb_strbuf_free(&key);
    free(v->bad_blocks);
    return ok;
}

static bool check_superuser(rdb_call *call, const char *name)
{
    bool is_superuser = false;
    rdb_access *access = rdb_eval_of(call)->access;
    if (!rdb_role_is_superuser(access, rdb_access_get_context(access)->role_oid, &is_superuser, call->err))
        return false;
    return is_superuser || rdb_error_set(call->err, RDB_INSUFFICIENT_PRIVILEGE, "permission denied for function %s", name);
}

static bool lock_shared(rdb_eval *eval, uint32_t oid, rdb_error *err)
{
    bool taken;
    const rdb_lock_tag tag = {.kind = RDB_LOCK_RELATION, .pdb = rdb_txn_pdb(eval->txn), .a = oid};
    return rdb_lock_acquire(eval->txn, tag, RDB_LOCK_ACCESS_SHARE, RDB_LOCK_WAIT, eval->lock_timeout_us, &taken, err);
}

static bool verify_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    verification v = {.call = call, .eval = rdb_eval_of(call), .rows = state};
    rdb_error *err = call->err;
    (void)is_null;
    if (!check_superuser(call, "rdb_verify") || !lock_shared(v.eval, arguments[0].oid, err) ||
        !rdb_relation_get(v.eval->access, arguments[0].oid, &v.relation, err))
        return false;
    if (v.relation == NULL)
        return rdb_error_set(err, RDB_UNDEFINED_TABLE, "could not open relation with OID %u", arguments[0].oid);
    if (strchr("rmt", v.relation->kind) == NULL)
        return rdb_error_set(err, RDB_WRONG_OBJECT_TYPE, "\"%s\" is not a table or materialized view", v.relation->name);
    if (!verify_table(&v))
        return false;
    if (v.findings > FINDINGS_MAX) {
        const uint32_t all = v.findings;
        v.findings = 0;
        find(&v, v.relation->oid, false, 0, "%u more findings are not shown", all - FINDINGS_MAX);
    }
    return true;
}

/* ---- what lies below the relations ---------------------------------------------------------------------------------------------------- */
typedef struct files_verification {
    rdb_call *call;
    expr_rows *rows;
    const char *log_of; /* "undo/<pdb>" */
} files_verification;

static void find_in_file(files_verification *v, const char *file, uint64_t block, const char *problem)
{
    if (v->rows->rows.count >= FINDINGS_MAX)
        return;
    const rdb_datum values[3] = {expr_text(rdb_arena_strdup(v->call->arena, file)), {.i64 = (int64_t)block}, expr_text(rdb_arena_strdup(v->call->arena, problem))};
    const bool nulls[3] = {false, false, false};
    expr_rows_add(v->call, v->rows, values, nulls, 3);
}

static void find_in_page(void *context, const char *file, rdb_page_tag tag, const char *problem)
{
    find_in_file(context, file, tag.block, problem);
}

static void find_in_undo(void *context, rdb_undo_address address, const char *problem)
{
    files_verification *v = context;
    const uint16_t log = RDB_UNDO_LOG(address);
    find_in_file(v, rdb_arena_printf(v->call->arena, "%s, log %u of class %u", v->log_of, log & 0x3fffu, log >> 14), RDB_UNDO_OFFSET(address), problem);
}

static bool verify_database_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_eval *eval = rdb_eval_of(call);
    const rdb_access_context *context = rdb_access_get_context(eval->access);
    files_verification v = {.call = call, .rows = state};
    (void)arguments, (void)is_null;
    if (!check_superuser(call, "rdb_verify_database"))
        return false;
    rdb_undo *undo = rdb_undo_of(rdb_txn_manager_of(eval->txn));
    rdb_storage *storage = rdb_undo_storage(undo);
    const uint32_t pdbs[2] = {rdb_database_pdb(context->database), RDB_PDB_ROOT};
    for (unsigned i = 0; i < RDB_COUNT_OF(pdbs) && (i == 0 || pdbs[1] != pdbs[0]); i++) {
        uint64_t records;
        rdb_storage_checked checked = {0};
        const rdb_storage_check check = {.data_directory = rdb_storage_data_directory(storage), .page_bytes = rdb_storage_page_bytes(storage), .pdb = pdbs[i],
                                         .storage = storage, .cancel = eval->cancel, .complain = find_in_page, .context = &v};
        v.log_of = rdb_arena_printf(call->arena, "undo/%u", pdbs[i]);
        if (!rdb_storage_verify_files(&check, &checked, call->err) ||
            !rdb_undo_verify(undo, pdbs[i], eval->cancel, find_in_undo, &v, &records, call->err))
            return false;
    }
    return true;
}

void rdb_command_register(void)
{
    static const rdb_set_kernel_entry SETS[] = {
        {.proc_oid = 8060, .state_bytes = sizeof(expr_rows), .begin = verify_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
        {.proc_oid = 8061, .state_bytes = sizeof(expr_rows), .begin = verify_database_begin, .next = expr_rows_next, .flags = RDB_KERNEL_NEEDS_SESSION},
    };
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    command_register_summaries();
    command_register_space();
}
