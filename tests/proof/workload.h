/* SPDX-License-Identifier: Apache-2.0
 * The work that faults and crashes fall into: each step one Query message, through every part of the engine. A step does all it says or
 * nothing, so what the tables hold after step k of an undisturbed run is the model: whatever happens in step k, the tables are as after
 * step k - 1 or after step k, and a step that failed can be done again. */
#ifndef RDB_TESTS_PROOF_WORKLOAD_H
#define RDB_TESTS_PROOF_WORKLOAD_H

#include "proof.h"

#include "os/rdb_fault.h"

typedef enum step_kind {
    STEP_PLAIN,  /* may stand inside a transaction block, and be rolled back */
    STEP_BLOCK,  /* has BEGIN and its end, or cannot stand in a block: when it worked it is done */
    STEP_AGAIN,  /* changes nothing that the digest sees: may be done as often as one likes */
} step_kind;

typedef struct step {
    step_kind kind;
    const char *sql;
} step;

static const step WORKLOAD[] = {
    {STEP_PLAIN, "insert into kv select i, i % 50, repeat(chr(97 + i % 26), 10 + i % 60) from generate_series(1001, 1300) i"},
    {STEP_PLAIN, "update kv set n = n + 1 where id % 3 = 0"},
    {STEP_PLAIN, "update kv set v = v || repeat('y', 900) where id % 17 = 0"},
    {STEP_PLAIN, "insert into kv select i, i, repeat('z', 20000) from generate_series(2001, 2004) i"},
    {STEP_PLAIN, "delete from kv where id % 5 = 0"},
    {STEP_BLOCK, "begin; insert into kv values (3001, 1, 'a'); savepoint one; update kv set n = -1 where id > 1200; rollback to one; update kv set n = -2 where id < 20; "
                 "savepoint two; delete from kv where id = 3001; release two; commit"},
    {STEP_AGAIN, "begin; update kv set n = 0, v = 'gone'; rollback"},
    {STEP_PLAIN, "create table d1 (id serial primary key, a text unique, b numeric check (b >= 0), k int references kv (id) on delete cascade)"},
    {STEP_PLAIN, "insert into d1 (id, a, b, k) select i, 'name ' || i, i / 3.0, 1001 + i * 3 from generate_series(1, 40) i where (1001 + i * 3) % 5 <> 0"},
    {STEP_PLAIN, "create index on d1 (lower(a)) where b > 3"},
    {STEP_PLAIN, "alter table d1 add column c int default 7, alter column a set not null"},
    {STEP_PLAIN, "alter table d1 alter column b type float8"},
    {STEP_AGAIN, "analyze d1"},
    {STEP_PLAIN, "delete from kv where id in (select k from d1 where id < 10)"},
    {STEP_BLOCK, "begin; insert into kv select i, 5, 'prepared' from generate_series(4001, 4020) i; update kv set n = n + 100 where id % 7 = 0; prepare transaction 'p1'"},
    {STEP_BLOCK, "commit prepared 'p1'"},
    {STEP_BLOCK, "begin; delete from kv where id < 100; prepare transaction 'p2'"},
    {STEP_BLOCK, "rollback prepared 'p2'"},
    {STEP_AGAIN, "select nextval('s'), nextval('s'), setval('s', 1000)"},
    {STEP_AGAIN, "checkpoint"},
    {STEP_PLAIN, "insert into kv select id, n, 'other' from kv where id < 1050 on conflict (id) do update set n = kv.n + 1000"},
    {STEP_PLAIN, "merge into kv using (select generate_series(1, 10) * 100 as id) m on kv.id = m.id when matched then update set n = 4711 when not matched then insert values (m.id, 1, 'merged')"},
    {STEP_AGAIN, "set work_mem = '64kB'; select count(*) from (select a.v from kv a, generate_series(1, 12) g order by md5(a.id::text || g::text), a.v) x; reset work_mem"},
    {STEP_AGAIN, "create temporary table scratch as select * from kv; select count(*) from scratch where v like 'a%'; drop table scratch"},
    {STEP_AGAIN, "vacuum kv"},
    {STEP_PLAIN, "truncate d1"},
    {STEP_PLAIN, "insert into d1 (id, a) values (1, 'after')"},
    {STEP_PLAIN, "create view kw as select id, n from kv where n > 0; create materialized view km as select n, count(*) from kw group by n"},
    {STEP_PLAIN, "alter table d1 rename column c to renamed; alter table d1 drop column b"},
    {STEP_AGAIN, "reindex table kv"},
    {STEP_AGAIN, "vacuum (full, analyze) kv"},
    {STEP_PLAIN, "drop table d1"},
    {STEP_PLAIN, "create table part (id int, t text) partition by range (id); create table part1 partition of part for values from (0) to (100); "
                 "create table part2 partition of part default; create index on part (id); insert into part select i, 'row' from generate_series(1, 150) i"},
    {STEP_PLAIN, "update part set id = id + 60 where id > 60 and id < 80"},
    {STEP_PLAIN, "delete from kv where id > 1000"},
    {STEP_AGAIN, "vacuum"},
    {STEP_AGAIN, "checkpoint"},
    {STEP_PLAIN, "insert into kv select i, i % 10, 'filled' from generate_series(6001, 6200) i"},
    {STEP_PLAIN, "drop materialized view km; drop view kw; drop table part"},
};
#define STEPS ((uint32_t)RDB_COUNT_OF(WORKLOAD))

/* What is there when the work begins; the engine is then left as a crash leaves it, so that opening has something to replay. */
static const char *const WORKLOAD_SETUP[] = {
    "create table kv (id int primary key, n int, v text)",
    "create index kv_n on kv (n, id) include (v)",
    "create index kv_v on kv (left(v, 8)) where n > 3",
    "create sequence s",
    "insert into kv select i, i % 20, repeat(chr(97 + i % 26), i % 40) from generate_series(1, 300) i",
    "update kv set v = repeat('w', 300) where id % 9 = 0",
    "delete from kv where id % 11 = 0",
};

static inline void workload_make(const char *home)
{
    rdb_engine *engine = NULL;
    rdb_engine_config config = proof_config(home);
    proof_session s;
    proof_make(home);
    PROOF_MUST(rdb_engine_open(&engine, &config, NULL, err));
    proof_session_open(&s, engine, PROOF_DATABASE);
    for (size_t i = 0; i < RDB_COUNT_OF(WORKLOAD_SETUP); i++)
        PROOF_RUN(&s, WORKLOAD_SETUP[i]);
    proof_session_close(&s);
    PROOF_MUST(rdb_engine_close(&engine, false, err));
}

/* A number for all that the user's relations hold and are. False: a statement failed (s->sqlstate). */
static inline bool workload_digest(proof_session *s, uint64_t *digest)
{
    char names[60][64];
    uint32_t count = 0;
    if (!proof_run(s, "select relname, relkind, relnatts from pg_class where oid >= 16384 and relpersistence <> 't' order by 1"))
        return false;
    *digest = rdb_hash64(proof_rows(s), strlen(proof_rows(s)), 1);
    for (const char *line = proof_rows(s); *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *bar = strchr(line, '|');
        PROOF_CHECK(count < RDB_COUNT_OF(names) && bar - line < 64);
        if (bar[1] == 'r' || bar[1] == 'm')
            snprintf(names[count++], 64, "%.*s", (int)(bar - line), line);
    }
    for (uint32_t i = 0; i < count; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "select count(*), sum(hashtext(t::text)::bigint) from %.63s t", names[i]);
        if (!proof_run(s, sql))
            return false;
        *digest = rdb_hash64(proof_rows(s), strlen(proof_rows(s)), *digest);
    }
    if (!proof_run(s, "select gid from pg_prepared_xact() order by 1"))
        return false;
    *digest = rdb_hash64(proof_rows(s), strlen(proof_rows(s)), *digest);
    return true;
}

/* No findings in the user's tables; with_system: in the catalogs and the database's files neither. */
static inline bool workload_verify(proof_session *s, bool with_system)
{
    char sql[300];
    snprintf(sql, sizeof sql, "select c.relname, v.block, v.problem from pg_class c, lateral rdb_verify(c.oid::regclass) v where c.relkind in ('r', 'm') and c.oid >= %u",
             with_system ? 0u : 16384u);
    if (!proof_run(s, sql)) /* a fault may hit this very look */
        PROOF_RUN(s, sql);
    if (*proof_rows(s) != '\0') {
        fprintf(stderr, "rdb_verify: %.2000s\n", proof_rows(s));
        return false;
    }
    if (!with_system)
        return true;
    if (!proof_run(s, "select file, block, problem from rdb_verify_database()"))
        PROOF_RUN(s, "select file, block, problem from rdb_verify_database()");
    if (*proof_rows(s) != '\0')
        fprintf(stderr, "rdb_verify_database: %.2000s", proof_rows(s));
    return *proof_rows(s) == '\0';
}

#endif
