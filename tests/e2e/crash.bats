#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill -9 under load: nothing acknowledged is lost, nothing unacknowledged is half there. ROUNDS: how often.
load helper
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    PGBENCH=$(find_pgbench)
}
teardown() { remove_home; }

@test "crash: kill -9 under pgbench, the books balance every time" {
    start_server
    "$PGBENCH" -i -q -s 1 -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb
    for round in $(seq "${ROUNDS:-10}"); do
        "$PGBENCH" -n -c 4 -T 20 -M prepared -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >/dev/null 2>&1 3>&- &
        bench=$!
        sleep "0.$((RANDOM % 9 + 1))"
        kill_server
        wait "$bench" || [[ $? = [12] ]] # its connections went, or it had none yet
        start_server
        [ "$(sql 'select (select sum(abalance) from pgbench_accounts) = (select sum(tbalance) from pgbench_tellers)
                     and (select sum(bbalance) from pgbench_branches) = (select sum(tbalance) from pgbench_tellers)
                     and (select coalesce(sum(delta), 0) from pgbench_history) = (select sum(bbalance) from pgbench_branches)')" = t ]
    done
}

@test "crash: every acknowledged insert is there after kill -9" {
    start_server
    sql 'create table acknowledged (n int primary key)'
    for round in $(seq "${ROUNDS:-5}"); do
        ( for n in $(seq 1 400); do echo "insert into acknowledged values ($round * 100000 + $n); \\echo $n"; done |
            "$PSQL" -X -q -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin rustydb >"$HOME_DIR.ack" 2>/dev/null 3>&- ) &
        writer=$!
        sleep "0.$((RANDOM % 5 + 1))"
        kill_server
        wait "$writer" || [ $? -eq 2 ] # its connection went; or all was written
        last=$(tail -1 "$HOME_DIR.ack"); last=${last:-0}
        start_server
        count=$(sql "select count(*) from acknowledged where n between $round * 100000 + 1 and $round * 100000 + $last")
        [ "$count" -eq "$last" ]
        [ "$(sql "select count(*) from acknowledged where n > $round * 100000 + $last + 1")" -eq 0 ]
    done
}

@test "crash: pages half of which reached the disk are whole again, by the images in the log" {
    start_server
    sql "create table t as select i, md5(i::text) as m from generate_series(1, 5000) i; create index on t (m); checkpoint"
    sql "update t set m = md5(m) where i % 3 = 0; delete from t where i % 7 = 0"
    local expected file
    expected=$(sql "select count(*), md5(string_agg(t::text, ',' order by i)) from t")
    local files=("$(sql "select pg_relation_filepath('t')")" "$(sql "select pg_relation_filepath('t_m_idx')")")
    kill_server
    # What the pages would have become is what a copy of the instance makes of its log.
    cp -a "$HOME_DIR" "$HOME_DIR.after"
    rdb-cli --home "$HOME_DIR.after" --user admin --command "checkpoint" >/dev/null
    for file in "${files[@]}"; do
        python3 - "$HOME_DIR/$file" "$HOME_DIR.after/$file" <<'END'
import os, sys
PAGE = 4096
old, new = (open(path, "rb").read() for path in sys.argv[1:])
torn = 0
with open(sys.argv[1], "r+b") as file:
    for at in range(0, len(old), PAGE):
        half = new[at:at + PAGE // 2]
        if half != old[at:at + PAGE // 2] and new[at + PAGE // 2:at + PAGE] != old[at + PAGE // 2:at + PAGE]:
            file.seek(at)
            file.write(half)
            torn += 1
sys.exit(torn < 20)
END
    done
    start_server
    [ "$(sql "select count(*), md5(string_agg(t::text, ',' order by i)) from t")" = "$expected" ]
    [ "$(sql "set enable_seqscan = off; select count(*) from t where m > '0'")" = "${expected%%|*}" ]
    [ -z "$(sql "select * from rdb_verify('t')")" ]
}
