#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load helper
setup_file() { :; }
setup() {
    make_home
    rdb-init --home "$HOME_DIR" --tune small >/dev/null
    PGBENCH=$(find_pgbench)
    start_server
}
teardown() { remove_home; }
bench() { "$PGBENCH" -h "$HOME_DIR/run/sockets" -p "$PORT" -U admin "$@" rustydb; }

@test "pgbench: three scripts in three protocols, and the books balance" {
    bench -i -q -s 1
    [ "$(sql 'select count(*) from pgbench_accounts')" = 100000 ]
    for protocol in simple extended prepared; do
        for script in select-only simple-update tpcb-like; do
            run bench -n -b $script -M $protocol -c 8 -j 2 -t 50
            echo "$script $protocol: $output"
            [ "$status" -eq 0 ] && [[ "$output" == *"number of failed transactions: 0"* && "$output" != *ERROR* ]]
        done
    done
    [ "$(sql 'select count(*) from pgbench_history')" = $((3 * 2 * 8 * 50)) ]
    [ "$(sql 'select (select sum(delta) from pgbench_history) = (select sum(abalance) from pgbench_accounts)')" = t ]
}

# Rows that everybody changes, while purge is at work behind them: a version taken too early would lose a change.
@test "pgbench: no change of a contended row is lost" {
    bench -i -q -s 1
    for round in 1 2; do
        bench -n -c 8 -j 2 -T 3
        [ "$(sql 'select count(distinct total) from (select sum(delta) total from pgbench_history union all select sum(abalance) from pgbench_accounts
            union all select sum(tbalance) from pgbench_tellers union all select sum(bbalance) from pgbench_branches) sums')" = 1 ]
    done
}

@test "pgbench: data generated in the server" {
    bench -i -q -s 1 -I dtGvp
    [ "$(sql 'select count(*), sum(abalance) from pgbench_accounts')" = "100000|0" ]
}
