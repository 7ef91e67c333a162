/* SPDX-License-Identifier: Apache-2.0
 * Functions about what this server does not have or does not count: they answer as PostgreSQL does where the feature is idle:
 * zero, null or no rows. The room's README lists them by subject. */
#include "expr/kernels.h"

static bool zero_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)is_null;
    *result = (rdb_datum){.words = {0, 0}}; /* of every representation of a number, and false */
    return true;
}
EXPR_ROW_KERNEL(zero, 0)

static bool null_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)call, (void)a, (void)nulls, (void)result;
    *is_null = true;
    return true;
}
EXPR_ROW_KERNEL(null, 0)

static bool empty_text_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    (void)a, (void)nulls, (void)is_null;
    return expr_set_text(call, "", 0, result);
}
EXPR_ROW_KERNEL(empty_text, 0)

/* has_server_privilege and has_foreign_data_wrapper_privilege: by number there is none (null), by name that is an error. */
static bool foreign_privilege_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const uint32_t at = call->argument_count - 2;
    (void)nulls, (void)result;
    *is_null = true;
    return call->argument_types[at]->oid == RDB_OIDOID || rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "server \"%s\" does not exist", expr_get_text(call, a[at]));
}

static bool foreign_privilege(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, foreign_privilege_row);
}

static bool wrapper_privilege_row(rdb_call *call, const rdb_datum *a, const bool *nulls, rdb_datum *result, bool *is_null)
{
    const uint32_t at = call->argument_count - 2;
    (void)nulls, (void)result;
    *is_null = true;
    return call->argument_types[at]->oid == RDB_OIDOID ||
           rdb_error_set(call->err, RDB_UNDEFINED_OBJECT, "foreign-data wrapper \"%s\" does not exist", expr_get_text(call, a[at]));
}

static bool wrapper_privilege(rdb_call *call, const rdb_vector *const *arguments, rdb_vector *out, const rdb_selection *selection)
{
    return expr_run_rows(call, arguments, out, selection, call->argument_count, wrapper_privilege_row);
}

static bool no_rows_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    (void)call, (void)state, (void)arguments, (void)is_null;
    return true;
}

/* One row of nulls, as a record function gives that finds nothing. */
static bool null_record_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_datum values[EXPR_COLUMNS_MAX];
    bool nulls[EXPR_COLUMNS_MAX];
    (void)arguments, (void)is_null;
    memset(values, 0, sizeof values);
    memset(nulls, 1, sizeof nulls);
    expr_rows_add(call, state, values, nulls, EXPR_COLUMNS_MAX);
    return true;
}

/* Subscriptions: counters of a feature that never ran. */
static bool subscription_statistics_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_datum values[4] = {arguments[0]};
    bool nulls[4] = {false, false, false, true};
    (void)is_null;
    expr_rows_add(call, state, values, nulls, 4);
    return true;
}

/* The caches that PostgreSQL counts here: this server keeps transactions' states in its one buffer pool. */
static bool slru_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    static const char *const NAMES[] = {"CommitTs", "MultiXactMember", "MultiXactOffset", "Notify", "Serial", "Subtrans", "Xact", "other"};
    (void)arguments, (void)is_null;
    for (size_t i = 0; i < RDB_COUNT_OF(NAMES); i++) {
        rdb_datum values[9];
        bool nulls[9] = {false};
        memset(values, 0, sizeof values);
        values[0] = expr_text(NAMES[i]);
        nulls[8] = true;
        expr_rows_add(call, state, values, nulls, 9);
    }
    return true;
}

static bool prefetch_begin(rdb_call *call, void *state, const rdb_datum *arguments, const bool *is_null)
{
    rdb_datum values[10];
    bool nulls[10] = {true};
    (void)arguments, (void)is_null;
    memset(values, 0, sizeof values);
    expr_rows_add(call, state, values, nulls, 10);
    return true;
}

#define EMPTY(oid) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = no_rows_begin, .next = expr_rows_next}
#define ROWS(oid, begin_function) {.proc_oid = (oid), .state_bytes = sizeof(expr_rows), .begin = (begin_function), .next = expr_rows_next}
static const rdb_set_kernel_entry SETS[] = {
    EMPTY(3781), /* pg_get_replication_slots */
    EMPTY(3099), /* pg_stat_get_wal_senders */
    EMPTY(6118), /* pg_stat_get_subscription */
    EMPTY(6014), /* pg_show_replication_origin_status */
    EMPTY(6119), /* pg_get_publication_tables */
    EMPTY(3401), /* pg_hba_file_rules: who may connect stands in rustydb.toml */
    EMPTY(6250), /* pg_ident_file_mappings */
    EMPTY(3329), /* pg_show_all_file_settings */
    EMPTY(5052), /* pg_get_shmem_allocations: one process, no shared memory */
    EMPTY(3819), /* pg_get_multixact_members */
    EMPTY(5031), EMPTY(3353), EMPTY(6271), EMPTY(6270), EMPTY(6272), EMPTY(5029), EMPTY(5030), EMPTY(3354), /* pg_ls_...dir */
    EMPTY(2282), /* pg_get_backend_memory_contexts */
    ROWS(3317, null_record_begin), /* pg_stat_get_wal_receiver */
    ROWS(6169, null_record_begin), /* pg_stat_get_replication_slot */
    ROWS(6231, subscription_statistics_begin),
    ROWS(2306, slru_begin),
    ROWS(6248, prefetch_begin),
};

#define P (RDB_KERNEL_FALLIBLE | RDB_KERNEL_POLYMORPHIC)
static const rdb_kernel_entry ENTRIES[] = {
    {3000, wrapper_privilege, P}, {3001, wrapper_privilege, P}, {3002, wrapper_privilege, P}, {3003, wrapper_privilege, P}, {3004, wrapper_privilege, P}, {3005, wrapper_privilege, P},
    {3006, foreign_privilege, P}, {3007, foreign_privilege, P}, {3008, foreign_privilege, P}, {3009, foreign_privilege, P}, {3010, foreign_privilege, P}, {3011, foreign_privilege, P},
    /* functions: no calls are timed */
    {2978, null, 0}, {2979, null, 0}, {2980, null, 0}, {3046, null, 0}, {3047, null, 0}, {3048, null, 0},
    /* a database: conflicts with recovery, checksums, I/O times, sessions' times */
    {3065, zero, 0}, {3066, zero, 0}, {3067, zero, 0}, {3068, zero, 0}, {3069, zero, 0}, {3070, zero, 0}, {3152, zero, 0},
    {2844, zero, 0}, {2845, zero, 0}, {3426, null, 0}, {3428, null, 0}, {6185, zero, 0}, {6186, zero, 0}, {6187, zero, 0},
    {6189, zero, 0}, {6190, zero, 0}, {6191, zero, 0},
    {6230, zero, 0}, /* pg_stat_have_stats */
    {3788, null, 0}, /* pg_stat_get_snapshot_timestamp */
    /* recovery: a server that takes connections is not in it */
    {3073, zero, 0}, {3820, null, 0}, {3821, null, 0}, {3830, null, 0}, {1137, empty_text, 0},
    {315, zero, 0},  /* pg_jit_available */
    {3163, zero, 0}, /* pg_trigger_depth */
    {3800, null, 0}, {3801, null, 0}, /* pg_current_logfile: the log is no stderr of ours */
    {2230, zero, 0}, {2137, zero, 0}, {3777, zero, 0}, {2307, zero, 0}, {6170, zero, 0}, {6232, zero, 0},
    {676, null, 0}, /* pg_indexam_progress_phasename */
    {3778, empty_text, 0}, /* pg_tablespace_location */
};

void expr_register_neutral_functions(void)
{
    rdb_set_kernel_register(SETS, RDB_COUNT_OF(SETS));
    rdb_kernel_register(ENTRIES, RDB_COUNT_OF(ENTRIES));
}
