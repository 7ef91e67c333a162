#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# When a prepared statement is planned for the values of a run, and when it is not.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    steady
    start_server
    sql "create table ranged (k int primary key, v text); insert into ranged select i, 'v' || i from generate_series(1, 20000) i; analyze ranged"
}
teardown() { remove_home; }

# counts STATEMENT FIRST: forty runs from that key on; rows of all runs, then whether most runs had the statement's own plan, and whether any had one of theirs.
counts() {
    { echo "prepare $1"; for n in $(seq 40); do echo "execute ${1%%(*}($(($2 + n)), $((n % 7 + 1)));"; done
      echo "select generic_plans > custom_plans, custom_plans >= 5 from pg_prepared_statements;"; } >"$BATS_TEST_TMPDIR/runs.sql"
    psql_file "$BATS_TEST_TMPDIR/runs.sql" >"$BATS_TEST_TMPDIR/runs.out"
    echo "$(grep -c '|v' "$BATS_TEST_TMPDIR/runs.out") $(tail -1 "$BATS_TEST_TMPDIR/runs.out")"
}

@test "plans: some rows of an index from a place on: the statement's own plan, once it is seen to be like those for the values" {
    [ "$(counts 'first_rows(int, int) as select * from ranged where k >= $1 order by k limit $2;' 1000)" = "160 t|t" ]
}
@test "plans: what the values decide is planned for them" {
    [ "$(counts 'some_rows(int, int) as select * from ranged where k >= $1 order by v limit $2;' 19900)" = "160 f|t" ]
}
@test "plans: rows are looked up one by one where the pool keeps the table's pages; where it cannot, the table is read once" {
    sql "create table few (id int primary key);
         create table mid (id int primary key, few_id int, big_id int);
         create table big (id int primary key, v text);
         insert into few select 20 * i from generate_series(0, 199) i;
         insert into mid select i, i % 4000, i * 7919 % 40000 from generate_series(0, 39999) i;
         insert into big select i, repeat('x', 400 + i % 10) from generate_series(0, 39999) i;
         create index on mid (few_id);
         analyze few, mid, big"
    local query="select count(*), sum(length(v)) from few join mid on few_id = few.id join big on big.id = big_id"
    local megabytes
    for megabytes in 64 4; do
        stop_server
        start_server --set "memory.shared_buffers=${megabytes}MB"
        sql "$query" >>"$BATS_TEST_TMPDIR/rows"
        sql "explain (costs off) $query" >"$BATS_TEST_TMPDIR/plan.$megabytes"
    done
    [ "$(cat "$BATS_TEST_TMPDIR/rows")" = $'2000|800000\n2000|800000' ]
    grep -q "Index Scan using big_pkey on big" "$BATS_TEST_TMPDIR/plan.64"
    grep -q "Seq Scan on big" "$BATS_TEST_TMPDIR/plan.4"
}

@test "plans: lookups in the order of the index and the table read each page once, whatever the pool keeps; others read it anew" {
    sql "create table big (id int primary key, v text);
         insert into big select i, repeat('x', 400 + i % 10) from generate_series(0, 39999) i;
         create table near (n int, big_id int);
         insert into near select i, i * 5 from generate_series(0, 7999) i;
         create table far (n int, big_id int);
         insert into far select i, i * 7919 % 40000 from generate_series(0, 7999) i;
         analyze big, near, far"
    local megabytes outer
    for megabytes in 64 4; do
        stop_server
        start_server --set "memory.shared_buffers=${megabytes}MB"
        for outer in near far; do
            sql "set enable_hashjoin = off; set enable_mergejoin = off; set enable_material = off; set enable_memoize = off;
                 explain select count(v) from $outer join big on big.id = big_id" | sed -n 's/.*Index Scan using big_pkey.*cost=[0-9.]*\.\.\([0-9.]*\) .*/\1/p' >"$BATS_TEST_TMPDIR/$outer.$megabytes"
        done
    done
    cd "$BATS_TEST_TMPDIR"
    [ -s near.4 ]
    [ "$(cat near.4)" = "$(cat near.64)" ]
    awk -v small="$(cat far.4)" -v large="$(cat far.64)" 'BEGIN { exit !(large > 0 && small > 1.2 * large) }'
}

# how TEXT: the plan's first node that reads.
how() { sql "explain (costs off) $1" | grep -m 1 -o -E "(Seq|Index)( Only)? Scan"; }

@test "plans: a row that is changed or locked is looked up by its whole key, however small its table; one that is read, as costs have it" {
    sql "create table pool (k int primary key, half int, n int); insert into pool select i, i / 2, 0 from generate_series(1, 20) i; create index on pool (half); analyze pool"
    [ "$(how "select n from pool where k = 3")" = "Seq Scan" ]
    for changed in "update pool set n = n + 1 where k = 3" "delete from pool where k = 3" "select n from pool where k = 3 for update" \
        "select n from pool where k = 3 for key share"; do
        [ "$(how "$changed")" = "Index Scan" ]
    done
    # Some of a key, no unique one, a range, or without index scans: by cost.
    for by_cost in "update pool set n = n + 1 where half = 3" "update pool set n = n + 1 where k < 3" "update pool set n = n + 1 where k in (3, 4)"; do
        [ "$(how "$by_cost")" = "Seq Scan" ]
    done
    [ "$(sql "set enable_indexscan = off; set enable_bitmapscan = off; explain (costs off) update pool set n = 1 where k = 3" | grep -c "Seq Scan")" = 1 ]
}

# root_cost FILE: the total cost of the plan's uppermost node.
root_cost() { head -1 "$1" | sed 's/.*cost=[0-9.]*\.\.\([0-9.]*\) .*/\1/'; }

@test "plans: ways to read and to join are compared by how long they take when threads share them; the plan costs what its shared parts do" {
    sql "create table sales (id int primary key, amount int, note text);
         insert into sales select i, i % 1000, repeat('x', 20) from generate_series(1, 50000) i;
         create table parts (sale int, n int, what text, primary key (sale, n));
         insert into parts select i / 2, i % 2, repeat('x', 200) from generate_series(2, 100001) i;
         analyze sales, parts"
    local join="select count(n) from sales left join parts on sale = id where amount < 20 order by 1"
    local scan="select count(*) from sales where id between 1000 and 18000 and note is not null"
    local set="set min_parallel_table_scan_size = 0; set parallel_setup_cost = 10;"
    local workers
    cd "$BATS_TEST_TMPDIR"
    for workers in 0 2; do
        sql "$set set max_parallel_workers_per_gather = $workers; $join" >>join.rows
        sql "$set set max_parallel_workers_per_gather = $workers; $scan" >>scan.rows
        sql "$set set max_parallel_workers_per_gather = $workers; explain $join" >join.$workers
        sql "$set set max_parallel_workers_per_gather = $workers; explain $scan" >scan.$workers
    done
    [ "$(cat join.rows scan.rows | tr '\n' ' ')" = "2000 2000 17001 17001 " ]
    # Alone: all of the large table, once, and a range by its index. Shared: each thread looks its rows' partners up, and reads its blocks.
    [ "$(grep -c -E "Hash Right Join|Seq Scan on parts" join.0)" = 2 ]
    grep -q "Index Scan using sales_pkey" scan.0
    [ "$(grep -c -E "Partial Aggregate|Nested Loop Left Join|Parallel Seq Scan on sales" join.2)" = 3 ]
    [ "$(grep -c -E "Partial Aggregate|Parallel Seq Scan on sales" scan.2)" = 2 ]
    local name
    for name in join scan; do
        awk -v shared="$(root_cost $name.2)" -v alone="$(root_cost $name.0)" 'BEGIN { exit !(shared > 10 && shared < 0.75 * alone) }'
    done
    # Threads that cost more to start than they save: the plan of one alone.
    sql "set min_parallel_table_scan_size = 0; set parallel_setup_cost = 1000000; explain $join" | diff - join.0
    # A transaction that must not share its work, as it writes: likewise.
    [ "$(sql "$set explain (costs off) with w as (delete from sales where id < 0 returning id) select count(n) from sales left join parts on sale = id where amount < 20" | grep -c "Parallel")" = 0 ]
}

# sampled: how many rows ANALYZE looks at.
sampled() { sql "analyze verbose $1" 2>&1 | sed -n 's/.* \([0-9]*\) rows in sample.*/\1/p'; }

@test "plans: ANALYZE samples as many rows as the largest target of a column asks for, and of a sorted column finds the runs of equal values" {
    sql "create table runs (v int, pad text); insert into runs select i / 3, repeat(md5(i::text), 60) from generate_series(0, 11999) i"
    [ "$(sampled runs)" = 12000 ]
    sql "alter table runs alter pad set statistics 0; alter table runs alter v set statistics 10"
    [ "$(sampled runs)" = 3000 ]
    sql "alter table runs alter pad set statistics 20"
    [ "$(sampled runs)" = 6000 ]
    sql "alter table runs alter v set statistics 0; alter table runs alter pad set statistics 0"
    [ "$(sampled runs)" = 100 ]
    # 4,000 values of three rows each, looked at through three hundred rows of a fifth of the pages. The median of what 21 samples say.
    sql "alter table runs alter v set statistics 1"
    [ "$(sampled runs)" = 300 ]
    local draw
    for draw in $(seq 21); do
        sql "analyze runs; select round(case when n_distinct < 0 then -n_distinct * 12000 else n_distinct end) from pg_stats where tablename = 'runs' and attname = 'v'"
    done | sort -n | sed -n 11p >"$BATS_TEST_TMPDIR/median"
    awk '{ exit !($1 > 2600 && $1 < 7000) }' "$BATS_TEST_TMPDIR/median"
}
