/* SPDX-License-Identifier: Apache-2.0
 * Facts that the server tells. Queries that only look, under a short lock_timeout and the deadline of the collection; each is a
 * statement of its own, so that one view that is missing or waits takes nothing else along. */
#include "diag/collect_int.h"

#include "os/rdb_os.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define USER_SCHEMAS "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'"
#define SECONDS_SINCE(when) "extract(epoch from clock_timestamp() - " when ")::bigint"

const diag_collector DIAG_SERVER_COLLECTORS[] = {
    {.table = "server", .columns = "name value",
     .sql = "values ('uptime_s', extract(epoch from clock_timestamp() - pg_postmaster_start_time())::bigint::text), ('now_us', ((extract(epoch from clock_timestamp()) - 946684800) * 1000000)::bigint::text), "
            "('in_recovery', pg_is_in_recovery()::text), ('version', current_setting('server_version')), ('max_connections', current_setting('max_connections')), "
            "('connections', (select count(*) from pg_stat_activity where backend_type = 'client backend')::text), ('locks', (select count(*) from pg_locks)::text)"},
    {.table = "setting", .columns = "name value text:n unit boot reset source",
     .sql = "select name, case when vartype <> 'string' then setting end, case when vartype = 'string' then setting end, unit, case when vartype <> 'string' then boot_val end, "
            "case when vartype <> 'string' then reset_val end, source from pg_settings"},
    {.table = "activity", .columns = "pid datname:n usename:n application:n client:n type state wait_type wait backend_s xact_s query_s state_s query_id query:t",
     .sql = "select pid, datname, usename, application_name, client_addr, backend_type, state, wait_event_type, wait_event, " SECONDS_SINCE("backend_start") ", " SECONDS_SINCE("xact_start") ", "
            SECONDS_SINCE("query_start") ", " SECONDS_SINCE("state_change") ", query_id, left(query, 400) from pg_stat_activity where pid <> pg_backend_pid()"},
    {.table = "blocking", .columns = "pid blocker wait_s",
     .sql = "select distinct l.pid, b.blocker, " SECONDS_SINCE("l.waitstart") " from pg_locks l, unnest(pg_blocking_pids(l.pid)) b(blocker) where not l.granted"},
    {.table = "lock_wait", .columns = "pid type mode relation:n",
     .sql = "select pid, locktype, mode, relation::regclass::text from pg_locks where not granted and pid <> pg_backend_pid()"},
    {.table = "prepared_xact", .columns = "gid:n owner:n database:n age_s",
     .sql = "select gid, owner, database, " SECONDS_SINCE("prepared") " from pg_prepared_xacts"},
    {.table = "database", .columns = "name:n bytes connections connection_limit allows_connections commits rollbacks blocks_read blocks_hit temp_files temp_bytes deadlocks conflicts checksum_failures "
                                     "sessions abandoned fatal killed reset_s",
     .sql = "select d.datname, pg_database_size(d.oid), s.numbackends, d.datconnlimit, d.datallowconn, s.xact_commit, s.xact_rollback, s.blks_read, s.blks_hit, s.temp_files, s.temp_bytes, s.deadlocks, s.conflicts, "
            "s.checksum_failures, s.sessions, s.sessions_abandoned, s.sessions_fatal, s.sessions_killed, " SECONDS_SINCE("s.stats_reset") " from pg_database d left join pg_stat_database s on s.datid = d.oid"},
    {.table = "undo", .columns = "logs bytes file_bytes backlog_bytes backlog_reverts limit_bytes retention_s snapshots_expired",
     .sql = "select undo_logs, undo_bytes, file_bytes, backlog_bytes, backlog_reverts, limit_bytes, retention_secs, snapshots_expired from pg_stat_undo"},
    {.table = "archiver", .columns = "archived failed archived_s failed_s",
     .sql = "select archived_count, failed_count, " SECONDS_SINCE("last_archived_time") ", " SECONDS_SINCE("last_failed_time") " from pg_stat_archiver"},
    {.table = "wal", .columns = "records full_pages bytes buffers_full writes syncs write_ms sync_ms",
     .sql = "select wal_records, wal_fpi, wal_bytes, wal_buffers_full, wal_write, wal_sync, wal_write_time, wal_sync_time from pg_stat_wal"},
    {.table = "checkpoint", .columns = "timed requested write_ms sync_ms buffers backend_buffers backend_syncs",
     .sql = "select checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint, buffers_backend, buffers_backend_fsync from pg_stat_bgwriter"},
    {.table = "statement", .columns = "queryid calls errors total_ms mean_ms p50_ms p99_ms max_ms plans changes",
     .sql = "select queryid, calls, errors, total_time, mean_time, p50_time, p99_time, max_time, plans, plan_changes from rdb_stat_statements order by total_time desc limit 50"},
    /* of all databases: there is one pool */
    {.table = "pool", .columns = "blocks_read blocks_hit", .sql = "select sum(blks_read), sum(blks_hit) from pg_stat_database"},
    {.table = "wait", .columns = "type wait waits total_ms", .sql = "select wait_event_type, wait_event, waits, wait_time from rdb_stat_waits where waits > 0"},
    {.table = "role", .columns = "name:n superuser login createrole createdb bypassrls has_password is_md5 connection_limit valid_s members",
     .sql = "select r.rolname, r.rolsuper, r.rolcanlogin, r.rolcreaterole, r.rolcreatedb, r.rolbypassrls, r.rolpassword is not null, coalesce(r.rolpassword like 'md5%', false), r.rolconnlimit, "
            "extract(epoch from r.rolvaliduntil - clock_timestamp())::bigint, (select count(*) from pg_auth_members m where m.roleid = r.oid) from pg_authid r where r.rolname !~ '^pg_'"},
    {.table = "relation", .columns = "database:n schema:n name:n kind persistence bytes index_bytes pages rows seq_scan seq_rows idx_scan inserted updated deleted live dead modified analyzed columns has_key has_rules partitions",
     .each_database = true,
     .sql = "select current_database(), n.nspname, c.relname, c.relkind, c.relpersistence, pg_relation_size(c.oid), pg_indexes_size(c.oid), c.relpages, c.reltuples::bigint, s.seq_scan, s.seq_tup_read, s.idx_scan, s.n_tup_ins, "
            "s.n_tup_upd, s.n_tup_del, s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze, coalesce(s.last_analyze, s.last_autoanalyze) is not null, c.relnatts, "
            "exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary), c.relhasrules, (select count(*) from pg_inherits h where h.inhparent = c.oid) "
            "from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_stat_all_tables s on s.relid = c.oid where c.relkind in ('r', 'p', 'm') and " USER_SCHEMAS},
    {.table = "index_use", .columns = "database:n schema:n table_name:n name:n bytes scans valid ready unique_one primary_one columns keys predicate:n method at_work",
     .each_database = true,
     .sql = "select current_database(), n.nspname, t.relname, c.relname, pg_relation_size(c.oid), s.idx_scan, i.indisvalid, i.indisready, i.indisunique, i.indisprimary, i.indnkeyatts, "
            "i.indkey::text || ' ' || i.indclass::text, coalesce(pg_get_expr(i.indpred, i.indrelid), '') || coalesce(pg_get_expr(i.indexprs, i.indrelid), ''), a.amname, "
            /* made, built anew or dropped beside others right now; a vacuum may be it too */
            "exists (select 1 from pg_locks k where k.relation = i.indrelid and k.mode = 'ShareUpdateExclusiveLock' and k.granted and k.database = (select oid from pg_database where datname = current_database())) "
            "from pg_index i join pg_class c on c.oid = i.indexrelid "
            "join pg_class t on t.oid = i.indrelid join pg_am a on a.oid = c.relam join pg_namespace n on n.oid = c.relnamespace left join pg_stat_all_indexes s on s.indexrelid = c.oid where c.relkind = 'i' and " USER_SCHEMAS},
    /* Once more, of those that rules object to: a command that was at work when index_use was read may have ended before its locks were looked for. */
    {.table = "index_again", .columns = "database:n schema:n name:n valid",
     .each_database = true,
     .sql = "select current_database(), n.nspname, c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace "
            "where c.relkind = 'i' and (not i.indisvalid or exists (select 1 from pg_index o where o.indrelid = i.indrelid and o.indexrelid <> i.indexrelid and o.indkey::text = i.indkey::text)) and " USER_SCHEMAS},
    {.table = "foreign_key", .columns = "database:n schema:n table_name:n name:n validated has_index rows",
     .each_database = true,
     .sql = "select current_database(), n.nspname, c.relname, k.conname, k.convalidated, exists (select 1 from pg_index i where i.indrelid = k.conrelid and i.indisvalid and "
            "(i.indkey::int2[])[0:array_length(k.conkey, 1) - 1] @> k.conkey), c.reltuples::bigint from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace "
            "where k.contype = 'f' and " USER_SCHEMAS},
    {.table = "check_constraint", .columns = "database:n schema:n table_name:n name:n validated",
     .each_database = true,
     .sql = "select current_database(), n.nspname, c.relname, k.conname, k.convalidated from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace where k.contype = 'c' and " USER_SCHEMAS},
    {.table = "sequence", .columns = "database:n schema:n name:n type last_value max_value increment cycles",
     .each_database = true,
     .sql = "select current_database(), schemaname, sequencename, data_type::text, last_value, max_value, increment_by, cycle from pg_sequences where increment_by > 0"},
    {.table = "public_grant", .columns = "database:n schema:n name:n kind privilege",
     .each_database = true,
     .sql = "select current_database(), n.nspname, c.relname, 'table', a.privilege_type from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a where a.grantee = 0 and c.relkind in ('r', 'p', 'v', 'm') and " USER_SCHEMAS
            " union all select current_database(), n.nspname, n.nspname, 'schema', a.privilege_type from pg_namespace n, aclexplode(n.nspacl) a where a.grantee = 0 and " USER_SCHEMAS},
    {.table = "definer_function", .columns = "database:n schema:n name:n has_search_path owner_super",
     .each_database = true,
     .sql = "select current_database(), n.nspname, p.proname, coalesce(array_to_string(p.proconfig, ',') like '%search_path%', false), r.rolsuper from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
            "join pg_roles r on r.oid = p.proowner where p.prosecdef and " USER_SCHEMAS},
    {.table = "extension", .columns = "database:n name version newest",
     .each_database = true,
     .sql = "select current_database(), e.extname, e.extversion, a.default_version from pg_extension e left join pg_available_extensions a on a.name = e.extname"},
    {.table = "column_risk", .columns = "database:n schema:n table_name:n name:n type",
     .each_database = true,
     .sql = "select current_database(), n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
            "where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and a.atttypid in ('money'::regtype, 'timetz'::regtype, 'char(1)'::regtype) and " USER_SCHEMAS},
};
const uint32_t DIAG_SERVER_COLLECTOR_COUNT = RDB_COUNT_OF(DIAG_SERVER_COLLECTORS);

/* ---- asking ------------------------------------------------------------------------------------------------------------------------ */
typedef struct filling {
    rdb_facts *facts;
    const diag_collector *collector;
    rdb_arena *arena;
} filling;

static bool take_row(void *at, const rdb_client_value *values, uint32_t column_count, rdb_error *err)
{
    filling *into = at;
    rdb_arena_mark mark = rdb_arena_get_mark(into->arena);
    const char **row = RDB_NEW_ARRAY(into->arena, const char *, column_count + 1);
    for (uint32_t i = 0; i < column_count; i++)
        row[i] = values[i].length >= 0 ? rdb_arena_strndup(into->arena, values[i].text, (size_t)values[i].length) : NULL;
    const bool ok = rdb_facts_add(into->facts, into->collector->table, row, column_count, err);
    rdb_arena_rewind(into->arena, mark);
    return ok;
}

static const rdb_client_sink FILLING = {.take_row = take_row};

static const char *state_of(const rdb_client *client, const rdb_diag_scope *scope, const rdb_error *trouble)
{
    if (!rdb_client_is_open(client) && scope->deadline_us != 0 && rdb_time_monotonic_us() >= scope->deadline_us)
        return "timed out";
    if (!rdb_client_is_open(client))
        return "unreachable";
    if (rdb_error_is(trouble, RDB_QUERY_CANCELED) || rdb_error_is(trouble, RDB_LOCK_NOT_AVAILABLE))
        return "timed out";
    return rdb_error_is(trouble, RDB_INSUFFICIENT_PRIVILEGE) ? "denied" : "failed";
}

/* Connects to one database; what it is allowed to take there is a share of what is left. */
static bool open_database(rdb_client **client, const rdb_diag_scope *scope, const char *database, rdb_error *err)
{
    int exit_code;
    char limits[160];
    free(scope->place->database);
    scope->place->database = strdup(database);
    scope->place->deadline_us = scope->deadline_us;
    if (scope->place->database == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    if (!rdb_client_connect(client, scope->place, &FILLING, &exit_code, err))
        return false;
    const int64_t left_ms = scope->deadline_us != 0 ? RDB_MAX((scope->deadline_us - rdb_time_monotonic_us()) / 2000, 100) : 60000;
    snprintf(limits, sizeof limits, "set application_name = 'rdb-diag'; set statement_timeout = %" PRId64 "; set lock_timeout = %" PRId64 "; set default_transaction_read_only = on", left_ms, RDB_MIN(left_ms, 1000));
    return rdb_client_query(*client, limits, &FILLING, &(filling){0}, err);
}

/* Asks for the tables of one kind. A table whose collector fails in one database is told as that; what came before stays. */
static bool ask(rdb_client *client, rdb_facts *facts, const rdb_diag_scope *scope, bool each_database, const char *database, rdb_arena *arena, rdb_error *err)
{
    for (uint32_t i = 0; i < DIAG_SERVER_COLLECTOR_COUNT; i++) {
        const diag_collector *collector = &DIAG_SERVER_COLLECTORS[i];
        const int64_t begin_us = rdb_time_monotonic_us();
        rdb_error trouble = {0};
        char drop[160];
        if (collector->each_database != each_database)
            continue;
        rdb_arena_reset(arena);
        if (!rdb_facts_table(facts, collector->table, collector->columns, err))
            return false;
        const bool ok = rdb_client_query(client, collector->sql, &FILLING, &(filling){facts, collector, arena}, &trouble);
        bool told = diag_tell_item(facts, collector->table, database, ok ? "collected" : state_of(client, scope, &trouble), ok ? NULL : rdb_error_message(&trouble), begin_us, err);
        rdb_error_clear(&trouble);
        if (told && !ok && !each_database) {
            snprintf(drop, sizeof drop, "drop table %s; delete from fact_column where fact_table = '%s'", collector->table, collector->table);
            told = rdb_facts_run(facts, drop, err);
        }
        if (!told)
            return false;
        if (!rdb_client_is_open(client))
            return true;
    }
    return true;
}

bool diag_collect_server(rdb_facts *facts, const rdb_diag_scope *scope, rdb_arena *arena, rdb_error *err)
{
    static const char *const FIRST[] = {"rustydb", "postgres", "template1"};
    rdb_client *client = NULL;
    rdb_error trouble = {0};
    rdb_list databases = {0};
    const int64_t begin_us = rdb_time_monotonic_us();
    rdb_arena *names = rdb_arena_create("databases", NULL, NULL);
    if (names == NULL)
        return rdb_error_set(err, RDB_OUT_OF_MEMORY, "out of memory");
    for (size_t i = 0; i < RDB_COUNT_OF(FIRST); i++) {
        rdb_error_clear(&trouble);
        if (open_database(&client, scope, FIRST[i], &trouble) || !rdb_error_is(&trouble, RDB_INVALID_CATALOG_NAME))
            break;
    }
    const bool is_open = rdb_client_is_open(client);
    const char *state = is_open ? "collected" : scope->deadline_us != 0 && rdb_time_monotonic_us() >= scope->deadline_us ? "timed out" : "unreachable";
    bool ok = diag_tell_item(facts, "connection", NULL, state, is_open ? NULL : rdb_error_message(&trouble), begin_us, err);
    rdb_error_clear(&trouble);
    if (ok && is_open)
        ok = ask(client, facts, scope, false, NULL, arena, err);
    if (ok && rdb_client_is_open(client) && !scope->is_brief && !rdb_client_rows(client, "select datname from pg_database where datallowconn order by 1", names, &databases, &trouble))
        rdb_error_clear(&trouble);
    rdb_client_disconnect(&client, scope->place);
    for (uint32_t i = 0; ok && i < databases.count && !rdb_client_interrupted; i++) {
        const char *database = *(const char *const *)databases.items[i];
        const int64_t database_begin_us = rdb_time_monotonic_us();
        if (open_database(&client, scope, database, &trouble))
            ok = ask(client, facts, scope, true, database, arena, err);
        else
            ok = diag_tell_item(facts, "connection", database, state_of(client, scope, &trouble), rdb_error_message(&trouble), database_begin_us, err);
        rdb_error_clear(&trouble);
        rdb_client_disconnect(&client, scope->place);
    }
    rdb_arena_destroy(names);
    return ok;
}
